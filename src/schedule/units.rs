//! What is stored where, and in which order: storages with their versions, units of work, and the order between them.
//!
//! A *storage* is memory that holds a value, or one value after another: `y[1:] = a; y[0] = b` makes two arrays in the graph, and
//! the second lies where the first did. A *unit* computes one value and writes it to one region. Between units there are three
//! kinds of order: a reader after the units that make what it reads; a later version's units after the earlier one's; and
//! whoever reads a version before the units that overwrite what it reads. Where these orders contradict each other, what is read
//! has to be copied first: `order` finds out what.

use hashbrown::HashMap;
use smallvec::{SmallVec, smallvec};

use super::decide::{Cone, Decider, written_over};
use super::distance::{Distance, apart};
use crate::graph::{Graph, Kind, NodeId};
use crate::shape::Shape;
use crate::size::Size;
use crate::view::View;

/// Where a unit writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Output(u32),
    Storage(usize),
}

/// Memory, and the values it holds in turn.
pub(super) struct Storage {
    /// The output whose memory it is; scratch memory otherwise.
    pub output: Option<u32>,
    pub versions: Vec<NodeId>,
    /// The units that make each version from the one before.
    pub units: Vec<Vec<usize>>,
    /// In the order of units, the vertex of the first version.
    pub vertex: usize,
}

/// One value to be written to one region.
pub(super) struct Unit {
    /// The node that it makes, or a part of.
    pub root: NodeId,
    pub value: NodeId,
    /// The region; `None` for the whole.
    pub region: Option<View>,
    /// True if the root is a scatter and the value what it writes: anywhere, and in the order of the domain.
    pub scatters: bool,
    pub domain: Shape,
    pub targets: Vec<Target>,
    /// The storage and version that it makes, if somebody might read it or read what was there.
    pub makes: Option<(usize, usize)>,
    /// Units that must have run before, in an earlier step.
    pub after: Vec<usize>,
    /// How its own reads meet its writes.
    pub distances: Vec<Distance>,
    /// Units that must share its step.
    pub with: usize,
    /// True if it writes to memory that it reads.
    pub in_place: bool,
    /// Two axes of the domain: each index and the one with these exchanged read and write one another's elements, and no others.
    pub pairs: Option<(u8, u8)>,
}

impl Unit {
    /// The places that it writes to along axes that it does not move along, but for axes of a few elements, as those of the parts of
    /// complex numbers: no strips are along such an axis.
    pub fn places(&self, graph: &Graph) -> Vec<(usize, Size)> {
        let still = |m: &crate::view::AxisMap| m.terms.iter().all(|(k, _)| self.domain.extents()[*k as usize] == Size::ONE);
        let short = |k: usize| graph[self.root].shape.extents().get(k).and_then(Size::as_const).is_some_and(|n| n <= Unit::FEW);
        let all = self.region.iter().flat_map(|r| r.axes.iter().enumerate());
        all.filter(|(k, m)| still(m) && !short(*k)).map(|(k, m)| (k, m.offset.clone())).collect()
    }

    const FEW: i64 = 4;

    /// What is written as a view of the memory; `None` if that is not known.
    pub fn map(&self) -> Option<View> {
        if self.scatters {
            return None;
        }
        Some(self.region.clone().unwrap_or_else(|| View::identity(&self.domain)))
    }

    /// The nodes whose values it needs at its index.
    pub fn computes(&self, graph: &Graph) -> SmallVec<[NodeId; 2]> {
        match graph[self.root].kind {
            Kind::Scatter(_, value, index, _) if self.scatters => smallvec![value, index],
            _ => smallvec![self.value],
        }
    }

    /// Its value, if it is here that it is computed, also where it is stored for others.
    pub fn makes_value(&self) -> Option<NodeId> {
        (!self.scatters).then_some(self.value)
    }
}

pub(super) struct Units {
    pub storages: Vec<Storage>,
    pub units: Vec<Unit>,
    pub storage_of: HashMap<NodeId, (usize, usize)>,
    /// Units so that every order between them holds.
    pub order: Vec<usize>,
}

/// One read of a unit: the leaf node, the memory it is in, and through which map.
pub(super) struct Read {
    pub leaf: NodeId,
    pub memory: NodeId,
    /// `None` where the map is no view.
    pub map: Option<View>,
    /// Read at the index of a reduction's operand.
    pub at_source: bool,
}

impl Decider<'_> {
    /// The whole chain of versions that ends in `last`: pieces over pieces, each over the whole of the one before, and what is
    /// scattered to them.
    fn chain(&self, last: NodeId, input: Option<u32>, taken: &HashMap<NodeId, (usize, usize)>, reshaped: &[bool]) -> Vec<NodeId> {
        let mut versions = vec![last];
        let mut at = last;
        while let Some(base) = written_over(self.graph, at) {
            let joins = match &self.graph[base].kind {
                kind if kind.is_written() => !taken.contains_key(&base) && !reshaped[base.index()],
                Kind::Input(k) => input == Some(*k),
                _ => false,
            };
            if !joins {
                break;
            }
            versions.push(base);
            at = base;
        }
        if let Some(k) = input
            && !matches!(self.graph[at].kind, Kind::Input(i) if i == k)
        {
            versions.push(self.input_node(k));
        }
        versions.reverse();
        versions
    }

    /// Which nodes' memory a reshape reads. It has to be in C order, which a caller's need not be.
    fn reshaped(&self) -> Vec<bool> {
        let mut reshaped = vec![false; self.graph.len()];
        for (id, node) in self.graph.nodes() {
            if self.live[id.index()] && matches!(node.kind, Kind::Reshape(..)) {
                reshaped[self.memory_of(id).index()] = true;
            }
        }
        reshaped
    }

    fn input_node(&self, k: u32) -> NodeId {
        // Inputs are added first, in order.
        NodeId::new(k as usize)
    }

    /// Storages and units, without their order.
    pub(super) fn units(&self) -> Units {
        let graph = self.graph;
        let mut u = Units { storages: Vec::new(), units: Vec::new(), storage_of: HashMap::new(), order: Vec::new() };
        let mut plain: Vec<(NodeId, u32)> = Vec::new();
        let reshaped = self.reshaped();
        // Updated inputs first: their memory is given.
        let mut outputs: Vec<usize> = (0..graph.outputs().len()).collect();
        outputs.sort_by_key(|&o| graph.outputs()[o].in_place.is_none());
        for o in outputs {
            let output = &graph.outputs()[o];
            let node = output.node;
            if matches!((output.in_place, &graph[node].kind), (Some(k), Kind::Input(i)) if *i == k) {
                continue;
            }
            let memory = self.stored[node.index()].is_some();
            let keeps = output.in_place.is_some() || memory && !reshaped[node.index()];
            if !keeps || u.storage_of.contains_key(&node) && output.in_place.is_none() {
                plain.push((node, o as u32));
                continue;
            }
            let versions = if u.storage_of.contains_key(&node) {
                vec![self.input_node(output.in_place.expect("checked above")), node]
            } else {
                self.chain(node, output.in_place, &u.storage_of, &reshaped)
            };
            u.add_storage(Some(o as u32), versions);
        }
        let none = vec![false; graph.len()];
        for (id, _) in graph.nodes().rev() {
            if self.live[id.index()] && self.stored[id.index()].is_some() && !u.storage_of.contains_key(&id) {
                // Scratch memory is in C order, whoever reads it.
                let versions = self.chain(id, None, &u.storage_of, &none);
                u.add_storage(None, versions);
            }
        }
        for s in 0..u.storages.len() {
            for v in 0..u.storages[s].versions.len() {
                self.make_version(&mut u, s, v);
            }
        }
        // Several outputs of one value are written by one unit.
        for (node, o) in plain {
            let same = u.units.iter_mut().find(|x| x.value == node && x.region.is_none() && !x.scatters);
            match same {
                Some(unit) => unit.targets.push(Target::Output(o)),
                None => u.push(node, node, None, graph[node].shape.clone(), Target::Output(o), None),
            }
        }
        u.in_order_of_nodes();
        u
    }

    fn make_version(&self, u: &mut Units, s: usize, v: usize) {
        let node = u.storages[s].versions[v];
        let shape = &self.graph[node].shape;
        // The input that is updated is there already.
        if v == 0 && matches!(self.graph[node].kind, Kind::Input(_)) && u.storages[s].versions.len() > 1 {
            return;
        }
        let held_elsewhere = u.storage_of.get(&node) != Some(&(s, v));
        match &self.graph[node].kind {
            Kind::Pieces(parts) if !held_elsewhere => {
                let before = v.checked_sub(1).map(|p| u.storages[s].versions[p]);
                let mut written: Vec<&View> = Vec::new();
                for (value, region) in parts.iter() {
                    // Elements that stay what they are need no unit, if no piece below has been written over them.
                    let stays = match &self.graph[*value].kind {
                        _ if Some(*value) == before => region.is_identity(shape),
                        Kind::View(src, map) if Some(*src) == before => map == region,
                        _ => false,
                    };
                    if !stays || written.iter().any(|w| !apart(w, region, self.graph.assumptions())) {
                        written.push(region);
                        let whole = region.is_identity(shape);
                        let region = (!whole).then(|| region.clone());
                        let domain = region.as_ref().map_or_else(|| shape.clone(), |r| r.shape.clone());
                        u.push(node, *value, region, domain, Target::Storage(s), Some((s, v)));
                    }
                }
            }
            Kind::Scatter(base, value, _, how) if !held_elsewhere => {
                if v.checked_sub(1).map(|p| u.storages[s].versions[p]) != Some(*base) {
                    u.push(node, *base, None, shape.clone(), Target::Storage(s), Some((s, v)));
                }
                u.push(node, *value, None, how.domain(), Target::Storage(s), Some((s, v)));
                let unit = u.units.last_mut().expect("pushed above");
                (unit.scatters, unit.in_place) = (true, true);
                unit.distances = in_order(unit.domain.rank());
            }
            // The copy is what is stored; computed is what it copies.
            Kind::Copy(leaf) if !held_elsewhere => u.push(node, *leaf, None, shape.clone(), Target::Storage(s), Some((s, v))),
            _ => u.push(node, node, None, shape.clone(), Target::Storage(s), Some((s, v))),
        }
    }

    /// Everything that a unit reads.
    pub(super) fn reads_of(&self, unit: &Unit) -> Vec<Read> {
        let cone = self.cone(unit, |_| true);
        let mut more = Vec::new();
        let inner = self.inner(&cone, &mut more);
        let mut reads = Vec::new();
        for (part, at_source) in [(&cone, false), (&inner, true)] {
            self.collect_reads(part, at_source, &mut reads);
        }
        reads
    }

    fn collect_reads(&self, cone: &Cone, at_source: bool, reads: &mut Vec<Read>) {
        let whole = |id: NodeId| Some(View::identity(&self.graph[id].shape));
        for &id in &cone.members {
            match &self.graph[id].kind {
                Kind::Input(_) => reads.push(Read { leaf: id, memory: id, map: whole(id), at_source }),
                // A stored view reads its own copy, except while that is being made.
                Kind::View(src, view) if !self.graph[*src].kind.is_scalar_leaf() => {
                    let memory = self.memory_of(id);
                    let map = (memory == *src).then(|| view.clone());
                    reads.push(Read { leaf: id, memory, map, at_source });
                }
                Kind::Reshape(..) => reads.push(Read { leaf: id, memory: self.memory_of(id), map: None, at_source }),
                // Anywhere in it. What is copied where that is too late are the elements taken.
                Kind::Take(src, ..) => reads.push(Read { leaf: id, memory: self.memory_of(*src), map: None, at_source }),
                _ => {}
            }
        }
        for &id in &cone.direct {
            reads.push(Read { leaf: id, memory: id, map: whole(id), at_source });
        }
    }
}

/// Each iteration may overwrite what any earlier one has written: distances that only loops in C order allow.
fn in_order(rank: usize) -> Vec<Distance> {
    (0..rank).map(|axis| (0..rank).map(|k| if k < axis { Some(0) } else { (k == axis).then_some(1) }).collect()).collect()
}

impl Units {
    fn add_storage(&mut self, output: Option<u32>, versions: Vec<NodeId>) {
        let s = self.storages.len();
        for (v, node) in versions.iter().enumerate() {
            self.storage_of.entry(*node).or_insert((s, v));
        }
        let units = vec![Vec::new(); versions.len()];
        self.storages.push(Storage { output, versions, units, vertex: 0 });
    }

    /// Numbers the units as the nodes they make, operands before users.
    fn in_order_of_nodes(&mut self) {
        self.units.sort_by_key(|u| u.root);
        for (k, unit) in self.units.iter_mut().enumerate() {
            unit.with = k;
            if let Some((s, v)) = unit.makes {
                self.storages[s].units[v].push(k);
            }
        }
        self.order = (0..self.units.len()).collect();
    }

    /// True if units may not simply run as the nodes come.
    pub(super) fn overwrite(&self) -> bool {
        self.storages.iter().any(|s| s.versions.len() > 1 || s.units.iter().any(|u| u.len() > 1))
    }

    fn push(&mut self, root: NodeId, value: NodeId, region: Option<View>, domain: Shape, target: Target, makes: Option<(usize, usize)>) {
        self.units.push(Unit {
            root,
            value,
            region,
            scatters: false,
            domain,
            targets: vec![target],
            makes,
            after: Vec::new(),
            distances: Vec::new(),
            with: 0,
            in_place: false,
            pairs: None,
        });
    }
}
