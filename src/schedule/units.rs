//! What is stored where, and in which order: storages with their versions, units of work, and the order between them.
//!
//! A *storage* is memory that holds a value, or one value after another: `y[1:] = a; y[0] = b` makes two arrays in the graph, and
//! the second lies where the first did. A *unit* computes one value and writes it to one region. Between units there are three
//! kinds of order: a reader after the units that make what it reads; a later version's units after the earlier one's; and
//! whoever reads a version before the units that overwrite what it reads. Where these orders contradict each other, what is read
//! has to be copied first: [`Conflict`] says what.

use std::collections::BinaryHeap;

use hashbrown::HashMap;

use super::decide::{Cone, Decider};
use super::distance::{Distance, Meeting, Walk, apart, meeting, walk};
use crate::graph::{Kind, NodeId};
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
}

/// One value to be written to one region.
pub(super) struct Unit {
    /// The node that it makes, or a part of.
    pub root: NodeId,
    pub value: NodeId,
    /// The region; `None` for the whole.
    pub region: Option<View>,
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
    /// The places that it writes to along axes that it does not move along.
    pub fn places(&self) -> Vec<(usize, Size)> {
        let still = |m: &crate::view::AxisMap| m.terms.iter().all(|(k, _)| self.domain.extents()[*k as usize] == Size::ONE);
        let all = self.region.iter().flat_map(|r| r.axes.iter().enumerate());
        all.filter(|(_, m)| still(m)).map(|(k, m)| (k, m.offset.clone())).collect()
    }

    /// The region as a view of what is written.
    pub fn map(&self) -> View {
        self.region.clone().unwrap_or_else(|| View::identity(&self.domain))
    }
}

pub(super) struct Units {
    pub storages: Vec<Storage>,
    pub units: Vec<Unit>,
    pub storage_of: HashMap<NodeId, (usize, usize)>,
    /// Units so that every order between them holds.
    pub order: Vec<usize>,
}

/// A leaf that must be read before something that it has to be read after: it needs a copy.
pub(super) struct Conflict {
    pub leaf: NodeId,
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

/// How many later versions are looked at one by one for a read that meets none of them.
const MAX_LOOK_AHEAD: usize = 64;

impl Decider<'_> {
    /// The whole chain of versions that ends in `last`: `Pieces` over `Pieces`, each over the whole of the one before.
    fn chain(&self, last: NodeId, input: Option<u32>, taken: &HashMap<NodeId, (usize, usize)>, reshaped: &[bool]) -> Vec<NodeId> {
        let mut versions = vec![last];
        let mut at = last;
        while let Kind::Pieces(parts) = &self.graph[at].kind {
            let (base, region) = &parts[0];
            let joins = match self.graph[*base].kind {
                Kind::Pieces(_) => !taken.contains_key(base) && !reshaped[base.index()],
                Kind::Input(k) => input == Some(k),
                _ => false,
            };
            if !joins || !region.is_identity(&self.graph[at].shape) {
                break;
            }
            versions.push(*base);
            at = *base;
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
            let memory = matches!(graph[node].kind, Kind::Pieces(_)) || self.stored[node.index()].is_some();
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
            let same = u.units.iter_mut().find(|x| x.value == node && x.region.is_none());
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
            // The copy is what is stored; computed is what it copies.
            Kind::Copy(leaf) if !held_elsewhere => u.push(node, *leaf, None, shape.clone(), Target::Storage(s), Some((s, v))),
            _ => u.push(node, node, None, shape.clone(), Target::Storage(s), Some((s, v))),
        }
    }

    /// Everything that a unit reads.
    pub(super) fn reads_of(&self, unit: &Unit) -> Vec<Read> {
        let cone = self.cone(unit.value, |_| true);
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

impl Units {
    fn add_storage(&mut self, output: Option<u32>, versions: Vec<NodeId>) {
        let s = self.storages.len();
        for (v, node) in versions.iter().enumerate() {
            self.storage_of.entry(*node).or_insert((s, v));
        }
        let units = vec![Vec::new(); versions.len()];
        self.storages.push(Storage { output, versions, units });
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

    /// Finds the order, or what must be copied to have one.
    pub(super) fn put_in_order(&mut self, d: &Decider<'_>) -> Result<(), Conflict> {
        let reads: Vec<Vec<Read>> = self.units.iter().map(|u| d.reads_of(u)).collect();
        // Vertices: the units, then one for each version, which stands for its being complete.
        let mut first_of = Vec::new();
        let mut count = self.units.len();
        for s in &self.storages {
            first_of.push(count);
            count += s.versions.len();
        }
        let done = |s: usize, v: usize| first_of[s] + v;
        let mut edges: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (s, storage) in self.storages.iter().enumerate() {
            for (v, units) in storage.units.iter().enumerate() {
                for (n, &k) in units.iter().enumerate() {
                    edges[k].push(done(s, v));
                    if v > 0 {
                        edges[done(s, v - 1)].push(k);
                    }
                    // Later pieces lie over earlier ones.
                    for &earlier in &units[..n] {
                        if !apart(&self.units[earlier].map(), &self.units[k].map(), d.graph.assumptions()) {
                            edges[earlier].push(k);
                            self.units[k].after.push(earlier);
                        }
                    }
                }
                if v > 0 {
                    edges[done(s, v - 1)].push(done(s, v));
                    // A version that changes nothing has no units.
                    let earlier = storage.units[..v].iter().rfind(|u| !u.is_empty());
                    for &k in units {
                        self.units[k].after.extend(earlier.into_iter().flatten());
                    }
                }
            }
        }
        // Readers before the units that overwrite what they read: (reader, writer, leaf, whether at the same index).
        let mut overwritten: Vec<(usize, usize, NodeId, bool)> = Vec::new();
        for (k, list) in reads.iter().enumerate() {
            for read in list {
                let Some(&(s, v)) = self.storage_of.get(&read.memory) else { continue };
                let made_here = self.units[k].makes == Some((s, v)) && self.units[k].value == read.memory;
                if !made_here {
                    edges[done(s, v)].push(k);
                }
                let storage = &self.storages[s];
                for (n, w) in (v + 1..storage.versions.len()).enumerate() {
                    let mut meets = false;
                    for &writer in &storage.units[w] {
                        let meeting = match &read.map {
                            Some(map) => self.meet(d, k, read, map, writer),
                            None => Meeting::At(Distance::from_elem(None, self.units[k].domain.rank())),
                        };
                        meets |= meeting != Meeting::Never;
                        match meeting {
                            Meeting::Never => {}
                            Meeting::Same if writer == k => {}
                            Meeting::At(distance) if writer == k => self.units[k].distances.push(distance),
                            meeting => overwritten.push((k, writer, read.leaf, meeting == Meeting::Same)),
                        }
                        if writer == k && meets {
                            self.units[k].in_place = true;
                        }
                    }
                    if meets {
                        break;
                    }
                    if n >= MAX_LOOK_AHEAD {
                        for &writer in &storage.units[w] {
                            overwritten.push((k, writer, read.leaf, false));
                        }
                        break;
                    }
                }
            }
            let unit = &self.units[k];
            if walk(&unit.distances, unit.domain.rank()).is_none() {
                if let Some(pairs) = self.exchanged_axes(d, k, list) {
                    self.units[k].pairs = Some(pairs);
                    self.units[k].distances.clear();
                    continue;
                }
                return Err(Conflict { leaf: self.worst_read(d, k, list) });
            }
        }
        for &(reader, writer, ..) in &overwritten {
            self.units[writer].after.push(reader);
        }
        self.sort(d, edges, &overwritten)
    }

    /// Two axes such that a unit reads what it overwrites at its own index, and at the one with these axes exchanged: `x += x.T`.
    fn exchanged_axes(&self, d: &Decider<'_>, k: usize, reads: &[Read]) -> Option<(u8, u8)> {
        let unit = &self.units[k];
        let (own, version) = unit.makes?;
        let cone = d.cone(unit.value, |_| true);
        let takes = cone.members.iter().any(|m| matches!(d.graph[*m].kind, Kind::Take(..)));
        if unit.targets.len() != 1 || takes || !cone.reductions.is_empty() {
            return None;
        }
        let (write, extents) = (unit.map(), unit.domain.extents());
        let overwritten = |r: &&Read| self.storage_of.get(&r.memory).is_some_and(|&(s, v)| s == own && v < version);
        let maps = reads.iter().filter(overwritten).map(|r| r.map.as_ref()).collect::<Option<Vec<&View>>>()?;
        let all = (0..extents.len()).flat_map(|q| (0..q).map(move |p| (p, q)));
        let fits = |&(p, q): &(usize, usize)| {
            let exchanged = write.exchanged(p, q);
            extents[p] == extents[q] && extents[p] != Size::ONE && maps.iter().all(|m| **m == write || **m == exchanged)
        };
        all.into_iter().find(fits).map(|(p, q)| (p as u8, q as u8))
    }

    fn meet(&self, d: &Decider<'_>, reader: usize, read: &Read, map: &View, writer: usize) -> Meeting {
        let (unit, write) = (&self.units[reader], self.units[writer].map());
        if reader != writer && unit.domain != self.units[writer].domain {
            return if apart(map, &write, d.graph.assumptions()) { Meeting::Never } else { Meeting::At(Distance::new()) };
        }
        let loops = if read.at_source { d.source_loops(unit.value) } else { (0..unit.domain.rank()).collect() };
        meeting(map, &loops, &write, &unit.domain, d.graph.assumptions())
    }

    /// Among a unit's reads of what it overwrites, one that no order of loops allows.
    fn worst_read(&self, d: &Decider<'_>, k: usize, reads: &[Read]) -> NodeId {
        let rank = self.units[k].domain.rank();
        let mut met: Vec<(Distance, NodeId)> = Vec::new();
        for read in reads {
            let Some(&(s, v)) = self.storage_of.get(&read.memory) else { continue };
            let Some((own, version)) = self.units[k].makes else { continue };
            if s != own || v >= version {
                continue;
            }
            let found = match &read.map {
                Some(map) => self.meet(d, k, read, map, k),
                None => Meeting::At(Distance::from_elem(None, rank)),
            };
            if let Meeting::At(distance) = found {
                met.push((distance, read.leaf));
            }
        }
        // What lies ahead may stay: loops that run forward can go strip by strip.
        met.sort_by_key(|(distance, _)| distance.iter().any(|x| !matches!(x, Some(0 | 1))));
        let mut kept: Vec<Distance> = Vec::new();
        for (distance, leaf) in met {
            kept.push(distance);
            if walk(&kept, rank).is_none() {
                return leaf;
            }
        }
        reads.last().map_or(self.units[k].value, |r| r.leaf)
    }

    /// Topological order, smallest number first. A circle of units that overwrite each other's operands at the same index is one
    /// unit; any other needs a copy.
    ///
    /// `hard` has the order between units and versions that no copy changes.
    fn sort(&mut self, d: &Decider<'_>, hard: Vec<Vec<usize>>, overwritten: &[(usize, usize, NodeId, bool)]) -> Result<(), Conflict> {
        let mut edges = hard.clone();
        overwritten.iter().for_each(|(reader, writer, ..)| edges[*reader].push(*writer));
        loop {
            // Units that run as one are one vertex.
            let vertex = |k: usize| self.units.get(k).map_or(k, |u| u.with);
            let mut together: Vec<Vec<usize>> = vec![Vec::new(); self.units.len()];
            self.units.iter().enumerate().for_each(|(k, u)| together[u.with].push(k));
            let mut waiting = vec![0usize; edges.len()];
            let links = |k: usize| edges[k].iter().map(|&to| vertex(to)).filter(move |&to| to != vertex(k));
            (0..edges.len()).flat_map(links).for_each(|to| waiting[to] += 1);
            let mut ready: BinaryHeap<std::cmp::Reverse<usize>> =
                (0..edges.len()).filter(|&k| vertex(k) == k && waiting[k] == 0).map(std::cmp::Reverse).collect();
            let (mut order, mut met) = (Vec::new(), 0);
            while let Some(std::cmp::Reverse(k)) = ready.pop() {
                let members = together.get(k).map_or(std::slice::from_ref(&k), |m| m.as_slice());
                met += members.len();
                order.extend_from_slice(members);
                for to in members.iter().flat_map(|&m| links(m)) {
                    waiting[to] -= 1;
                    if waiting[to] == 0 {
                        ready.push(std::cmp::Reverse(to));
                    }
                }
            }
            if met == edges.len() {
                self.order = order.into_iter().filter(|&k| k < self.units.len()).collect();
                return Ok(());
            }
            let stuck = |k: usize| waiting[vertex(k)] > 0;
            let reaches = |from: usize, to: usize, by_soft: bool| {
                let (mut seen, mut stack) = (hashbrown::HashSet::new(), vec![from]);
                while let Some(k) = stack.pop() {
                    if k == to {
                        return true;
                    }
                    if seen.insert(k) {
                        stack.extend(if by_soft { &edges } else { &hard }[k].iter().copied().filter(|&n| stuck(n)));
                    }
                }
                false
            };
            // A reader that needs what overwrites its operand is at fault before one that merely stands in a circle with it. To copy
            // for a copy, or for a result that is one, would lead nowhere: without it there would be the circle as well.
            let is_copy = |k: usize| {
                let unit = &self.units[k];
                let moves = matches!(d.graph[unit.value].kind, Kind::Pieces(_)) || d.is_leaf(unit.value);
                matches!(d.graph[unit.root].kind, Kind::Copy(_)) || unit.makes.is_none() && moves
            };
            let in_circle = |by_soft: bool| {
                let apart = |r: usize, w: usize| stuck(r) && stuck(w) && vertex(r) != vertex(w) && !is_copy(r);
                overwritten.iter().find(|(r, w, ..)| apart(*r, *w) && reaches(*w, *r, by_soft)).copied()
            };
            let in_circle = in_circle(false).or_else(|| in_circle(true));
            let Some((reader, writer, leaf, _)) = in_circle else {
                // Units that run as one, but one needs the other's result.
                let found = overwritten.iter().find(|(r, w, ..)| stuck(*r) && stuck(*w) && !is_copy(*r)).or(overwritten.first());
                return Err(Conflict { leaf: found.expect("values do not need themselves").2 });
            };
            let needs = |a: usize, b: usize| reaches(a, b, false) || reaches(b, a, false);
            let (with, by) = (&together[self.units[reader].with], &together[self.units[writer].with]);
            let needed = with.iter().any(|&a| by.iter().any(|&b| needs(a, b)));
            if needed || !self.fuse(d, reader, writer, overwritten) {
                return Err(Conflict { leaf });
            }
        }
    }

    /// Makes two units, neither of which needs the other, run in one step, with those that do already, if each reads what the other
    /// overwrites at its own index only.
    fn fuse(&mut self, d: &Decider<'_>, a: usize, b: usize, overwritten: &[(usize, usize, NodeId, bool)]) -> bool {
        let sides = (self.units[a].with, self.units[b].with);
        let between = |x: &(usize, usize, NodeId, bool)| {
            let found = (self.units[x.0].with, self.units[x.1].with);
            found == sides || (found.1, found.0) == sides
        };
        let same_index = overwritten.iter().filter(|x| between(x)).all(|x| x.3);
        let plain = |k: usize| {
            d.cone(self.units[k].value, |_| true).reductions.is_empty()
                && self.units[k].distances.is_empty()
                && self.units[k].pairs.is_none()
        };
        if !same_index || self.units[a].domain != self.units[b].domain || !plain(a) || !plain(b) {
            return false;
        }
        let (old, new) = (self.units[b].with, self.units[a].with);
        for unit in &mut self.units {
            if unit.with == old {
                unit.with = new;
            }
        }
        let with: Vec<usize> = self.units.iter().map(|u| u.with).collect();
        for (k, unit) in self.units.iter_mut().enumerate() {
            unit.after.retain(|&p| with[p] != with[k]);
            if with[k] == new {
                unit.in_place = true;
            }
        }
        true
    }

    /// The loops that all of these distances allow.
    pub(super) fn walk_of(distances: &[Distance], rank: usize) -> Option<Walk> {
        walk(distances, rank)
    }
}
