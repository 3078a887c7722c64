//! The decisions: what is stored, and which stores share a loop nest.

use hashbrown::HashMap;

use super::group::Group;
use super::units::Unit;
use super::{Dest, ReduceDomain, Schedule, Why};
use crate::graph::{Graph, Kind, NodeId};
use crate::ops::ReduceOp;

/// The weight of a loop nest, in primitive operations, from which it is cut in two.
const MAX_WEIGHT: usize = 3000;
/// What a math function weighs once it is expanded.
const EXPANDED_WEIGHT: usize = 30;
/// In so many nests a value may be computed anew, once the program's nests weigh so many times what its values do.
const MAX_NESTS: usize = 4;

/// The longest row of a value, in bytes, that is worth a window so that it is not computed anew.
const MAX_KEPT_ROW: i64 = 16 << 10;

pub(super) fn decide(graph: &Graph, contiguous: &[bool]) -> Result<Schedule, String> {
    let plain = decide_with(graph, contiguous, &[])?;
    let mut dear = plain.computed_anew_in_strips(graph);
    // What is stored may change which steps run strip by strip, so that only the schedule tells what has a small window.
    while !dear.is_empty() {
        let Ok(schedule) = decide_with(graph, contiguous, &dear) else { break };
        let count = dear.len();
        dear.retain(|id| schedule.has_small_window(*id));
        if dear.len() == count {
            return Ok(schedule);
        }
    }
    Ok(plain)
}

/// The decisions, with some nodes stored because several nests would compute them anew.
fn decide_with(graph: &Graph, contiguous: &[bool], dear: &[NodeId]) -> Result<Schedule, String> {
    let mut d = Decider::new(graph, contiguous);
    for id in dear {
        d.stored[id.index()].get_or_insert(Why::ManyNests);
    }
    let (units, groups) = loop {
        // Each round either succeeds or stores at least one more node.
        let mut units = d.units();
        if units.overwrite() {
            // What contradicts the order was copied when the graph was optimized; see `overwritten_read`.
            units.put_in_order(&d).map_err(|c| format!("schedule: {} is overwritten before it is read", c.leaf))?;
        }
        match d.group(&units) {
            Ok(groups) if d.store_what_many_nests_compute(&groups) => {}
            Ok(groups) => break (units, groups),
            Err(more) => {
                if more.iter().all(|(id, _)| d.stored[id.index()].is_some()) {
                    return Err("schedule: what is stored already should be stored".into());
                }
                for (id, why) in more {
                    d.stored[id.index()].get_or_insert(why);
                }
            }
        }
    };
    d.finish(units, groups, contiguous)
}

/// A read that must come before a write that it also must come after, in any order of steps: it needs a copy. With it, for every
/// node whether the first of its pieces lies where it does, and so is not read.
pub(super) fn overwritten_read(graph: &Graph) -> Option<(NodeId, Vec<bool>)> {
    let d = Decider::new(graph, &vec![true; graph.inputs().len()]);
    let mut units = d.units();
    if !units.overwrite() {
        return None;
    }
    let leaf = units.put_in_order(&d).err()?.leaf;
    let mut continues = vec![false; graph.len()];
    for versions in units.storages.iter().map(|s| &s.versions) {
        for pair in versions.windows(2) {
            continues[pair[1].index()] |= written_over(graph, pair[1]) == Some(pair[0]);
        }
    }
    Some((leaf, continues))
}

/// What a node is written over, element by element at its place, if it is so written.
pub(super) fn written_over(graph: &Graph, id: NodeId) -> Option<NodeId> {
    match &graph[id].kind {
        Kind::Pieces(parts) if parts[0].1.is_identity(&graph[id].shape) => Some(parts[0].0),
        Kind::Scatter(base, ..) => Some(*base),
        _ => None,
    }
}

/// Which nodes have memory of their own whatever the loop nests are.
pub(super) fn stored_at_once(graph: &Graph) -> Vec<bool> {
    Decider::new(graph, &vec![true; graph.inputs().len()]).stored.iter().map(Option::is_some).collect()
}

impl Schedule {
    /// True if a value is stored and some short rows of it exist at a time.
    fn has_small_window(&self, id: NodeId) -> bool {
        let Some(Dest::Buffer(b)) = self.homes[id.index()] else { return false };
        let row = self.buffers[b.index()].window.as_ref().and_then(|w| self.row_bytes(b.index() as u32, w).as_const());
        row.is_some_and(|bytes| bytes <= MAX_KEPT_ROW)
    }

    /// Values that take long to compute and that several steps of one strip compute, each for itself: `exp(x - m)` of a softmax, to sum
    /// it and to divide it. A strip that keeps them in a window computes them once and needs memory for some rows only.
    fn computed_anew_in_strips(&self, graph: &Graph) -> Vec<NodeId> {
        let mut dear = Vec::new();
        for strip in &self.strips {
            let steps = &self.steps[strip.first as usize..][..strip.steps.len()];
            let mut nests: HashMap<NodeId, usize> = HashMap::new();
            for id in steps.iter().flat_map(|s| &s.fused) {
                *nests.entry(*id).or_insert(0) += 1;
            }
            let inline = |id: NodeId| graph[id].kind.is_pointwise() && self.homes[id.index()].is_none();
            let is_shared = |id: NodeId| nests.get(&id).is_some_and(|n| *n > 1) && inline(id);
            let mut cost: HashMap<NodeId, usize> = HashMap::new();
            let mut users: Vec<NodeId> = nests.keys().copied().filter(|id| is_shared(*id)).collect();
            if users.is_empty() {
                continue;
            }
            // In the order of the graph, operands come first.
            users.sort();
            for &id in &users {
                let below = graph[id].kind.operands().iter().filter_map(|o| cost.get(o)).max().copied();
                cost.insert(id, weight(graph, id) + below.unwrap_or(0));
            }
            let mut read: Vec<NodeId> = (nests.keys().filter(|id| !is_shared(**id)))
                .flat_map(|id| graph[*id].kind.operands())
                .filter(|o| cost.get(o).is_some_and(|c| *c >= EXPANDED_WEIGHT))
                .collect();
            read.sort();
            read.dedup();
            dear.extend(read);
        }
        dear
    }
}

/// How much code a node is, in primitive operations.
fn weight(graph: &Graph, id: NodeId) -> usize {
    match &graph[id].kind {
        Kind::Unary(op, a) if op.is_expanded(graph[*a].dtype.class()) => EXPANDED_WEIGHT,
        Kind::Binary(op, a, _) if op.is_expanded(graph[*a].dtype.class()) => EXPANDED_WEIGHT,
        // Some instructions for each lane.
        Kind::Take(..) => EXPANDED_WEIGHT,
        _ => 1,
    }
}

pub(super) struct Decider<'a> {
    pub graph: &'a Graph,
    pub live: Vec<bool>,
    pub stored: Vec<Option<Why>>,
    output: Vec<bool>,
}

/// What a root needs: nodes computed at its own index, and the reductions among them.
#[derive(Default)]
pub(super) struct Cone {
    pub members: Vec<NodeId>,
    pub reductions: Vec<NodeId>,
    /// Stored nodes that are read.
    pub reads: Vec<NodeId>,
    /// Those of them that are read at the root's own index.
    pub direct: Vec<NodeId>,
}

pub(super) type More = Vec<(NodeId, Why)>;

impl<'a> Decider<'a> {
    fn new(graph: &'a Graph, contiguous: &[bool]) -> Decider<'a> {
        let mut d = Decider { graph, live: graph.live(), stored: vec![None; graph.len()], output: vec![false; graph.len()] };
        for o in graph.outputs() {
            d.output[o.node.index()] = true;
        }
        d.store_what_is_put_together();
        d.store_what_views_read(contiguous);
        d.store_what_reductions_reduce();
        d
    }

    /// Arrays put together from pieces or scattered to, and copies of what will be overwritten, are memory by nature.
    fn store_what_is_put_together(&mut self) {
        let mut under_reshape = vec![false; self.graph.len()];
        for (_, node) in self.graph.nodes() {
            if let Kind::Reshape(src, _) = node.kind {
                under_reshape[src.index()] = true;
            }
        }
        for (id, node) in self.graph.nodes().filter(|(id, _)| self.live[id.index()]) {
            match node.kind {
                Kind::Pieces(_) => self.stored[id.index()] = Some(Why::PutTogether),
                Kind::Scatter(..) => self.stored[id.index()] = Some(Why::Scattered),
                Kind::Copy(_) => {
                    // See `copies_under_reshapes`; what is overwritten is copied with the reshape that shows it.
                    let why = if under_reshape[id.index()] { Why::ReshapeOfUpdated } else { Why::Overwritten };
                    self.stored[id.index()] = Some(why);
                }
                _ => {}
            }
        }
    }

    /// A computed node that a view or a reshape reads needs memory.
    fn store_what_views_read(&mut self, contiguous: &[bool]) {
        for (id, node) in self.graph.nodes() {
            if !self.live[id.index()] {
                continue;
            }
            let (src, reshape) = match node.kind {
                Kind::Take(src, ..) => {
                    self.store_what_is_taken_from(src);
                    continue;
                }
                Kind::View(src, _) => (src, false),
                Kind::Reshape(src, _) => (src, true),
                _ => continue,
            };
            let why = match &self.graph[src].kind {
                Kind::Input(k) if reshape && !contiguous[*k as usize] => Why::ReshapeOfStrided,
                Kind::View(..) if reshape => Why::ReshapeOfStrided,
                Kind::Input(_) | Kind::Const(_) | Kind::Size(_) | Kind::Iota | Kind::View(..) | Kind::Reshape(..) => continue,
                Kind::Reduce(..) => Why::ReductionReadElsewhere,
                _ if reshape => Why::ReshapeOfComputed,
                _ if self.graph.windows().is_chosen(&self.graph[src]) => Why::ReadByNeighbours,
                _ => Why::WouldRepeatWork,
            };
            self.stored[src.index()].get_or_insert(why);
        }
    }

    /// Computed indices need memory to point into.
    fn store_what_is_taken_from(&mut self, src: NodeId) {
        match self.graph[src].kind {
            Kind::Input(_) | Kind::Const(_) | Kind::Size(_) | Kind::Reshape(..) => {}
            Kind::Pieces(_) | Kind::Scatter(..) => {}
            _ => self.stored[src.index()] = Some(Why::ReadByIndex),
        }
    }

    /// A reduction of what another reduction gives, at any distance, needs the other to be done.
    ///
    /// `group` would find that out as well, one link of a chain of reductions in each round.
    fn store_what_reductions_reduce(&mut self) {
        let mut reduced = vec![false; self.graph.len()];
        for (id, node) in self.graph.nodes().rev() {
            let k = id.index();
            match &node.kind {
                Kind::Reduce(_, src, _) if self.live[k] => {
                    if reduced[k] {
                        self.stored[k].get_or_insert(Why::ReductionReadElsewhere);
                    }
                    reduced[src.index()] = true;
                }
                Kind::Take(_, indices, _) if reduced[k] && self.stored[k].is_none() => {
                    indices.iter().for_each(|index| reduced[index.index()] = true);
                }
                // A stored value is done before the nest that reduces it.
                kind if kind.is_elementwise() && reduced[k] && self.stored[k].is_none() => {
                    kind.operands().iter().for_each(|o| reduced[o.index()] = true);
                }
                _ => {}
            }
        }
    }

    /// True for nodes that an access reads in place: inputs, and views and reshapes of inputs and of stored nodes.
    pub(super) fn is_leaf(&self, id: NodeId) -> bool {
        use Kind::*;
        matches!(self.graph[id].kind, Input(_) | Const(_) | Size(_) | Iota | View(..) | Reshape(..))
    }

    /// Everything computed at the index of a unit, down to leaves, reductions and (where `stop` says so) stored nodes.
    pub(super) fn cone(&self, unit: &Unit, stop: impl Fn(NodeId) -> bool) -> Cone {
        self.cone_of(&unit.computes(self.graph), unit.makes_value(), stop)
    }

    /// As `cone`, of some nodes, of which `root` is computed even if it is stored.
    pub(super) fn cone_of(&self, nodes: &[NodeId], root: Option<NodeId>, stop: impl Fn(NodeId) -> bool) -> Cone {
        let mut cone = Cone::default();
        let mut seen = hashbrown::HashSet::new();
        let mut stack = nodes.to_vec();
        while let Some(id) = stack.pop() {
            if !seen.insert(id) {
                continue;
            }
            // An array put together is never computed at an index, not even to be copied; nor is a copy, even where it is a piece: what
            // it shows may have been overwritten.
            let put_together = self.graph[id].kind.is_written() || matches!(self.graph[id].kind, Kind::Copy(_));
            if put_together || Some(id) != root && self.stored[id.index()].is_some() && stop(id) && !self.is_leaf(id) {
                cone.reads.push(id);
                cone.direct.push(id);
                continue;
            }
            match &self.graph[id].kind {
                Kind::Reduce(..) => cone.reductions.push(id),
                kind if kind.is_elementwise() => stack.extend(kind.operands()),
                Kind::Take(src, indices, _) => {
                    stack.extend(indices);
                    let base = self.memory_of(*src);
                    if self.stored[base.index()].is_some() {
                        cone.reads.push(base);
                    }
                }
                Kind::View(..) | Kind::Reshape(..) => {
                    // Reading through a stored view, or what it resolves to.
                    let base = self.memory_of(id);
                    if Some(base) != root && self.stored[base.index()].is_some() {
                        cone.reads.push(base);
                    }
                }
                _ => {}
            }
            cone.members.push(id);
        }
        cone
    }

    /// The node in whose memory a view or reshape reads: the first stored one on the way down, or the input.
    pub(super) fn memory_of(&self, id: NodeId) -> NodeId {
        let mut at = id;
        while let Kind::View(src, _) | Kind::Reshape(src, _) = self.graph[at].kind {
            let direct_input_view = matches!(self.graph[at].kind, Kind::View(..)) && matches!(self.graph[src].kind, Kind::Input(_));
            at = src;
            if self.stored[at.index()].is_some() && !direct_input_view {
                break;
            }
        }
        at
    }

    pub(super) fn reduce_domain(&self, id: NodeId) -> ReduceDomain {
        let Kind::Reduce(op, src, axes) = &self.graph[id].kind else { unreachable!("a reduction") };
        ReduceDomain {
            source: self.graph[*src].shape.clone(),
            axes: axes.clone(),
            positions: matches!(op, ReduceOp::ArgMin | ReduceOp::ArgMax),
        }
    }

    /// Which loop each axis of the operands of a unit's reductions is: the axes of its domain, then the reduced ones.
    pub(super) fn source_loops(&self, unit: &Unit) -> Vec<usize> {
        let cone = self.cone(unit, |_| true);
        let Some(first) = cone.reductions.first() else { return Vec::new() };
        let domain = self.reduce_domain(*first);
        let rank = domain.source.rank() - domain.axes.len();
        let (mut kept, mut reduced) = (0..rank, rank..);
        (0..domain.source.rank())
            .map(|k| if domain.axes.contains(&(k as u8)) { reduced.next() } else { kept.next() }.expect("as many as axes"))
            .collect()
    }

    /// What the reductions of a cone need under them. A reduction there must be stored first.
    pub(super) fn inner(&self, cone: &Cone, more: &mut More) -> Cone {
        let mut all = Cone::default();
        for r in &cone.reductions {
            let Kind::Reduce(_, src, _) = self.graph[*r].kind else { unreachable!("a reduction") };
            if self.stored[src.index()].is_some() && !self.is_leaf(src) {
                all.reads.push(src);
                all.direct.push(src);
                continue;
            }
            let under = self.cone_of(&[src], Some(src), |_| true);
            more.extend(under.reductions.iter().map(|r| (*r, Why::ReductionReadElsewhere)));
            all.members.extend(under.members);
            all.reads.extend(under.reads);
            all.direct.extend(under.direct);
        }
        all
    }

    /// Reductions in a chain (`x -= x.mean()`, again and again) need what is before them in nests of their own, so that in
    /// all the nests together the work is quadratic. Then the values that are reduced are stored where many nests need them.
    fn store_what_many_nests_compute(&mut self, groups: &[Group]) -> bool {
        let mut nests = vec![0; self.graph.len()];
        for m in groups.iter().flat_map(|g| &g.members) {
            nests[m.index()] += 1;
        }
        let (mut all, mut once) = (0, 0);
        for (id, _) in self.graph.nodes() {
            all += nests[id.index()] * weight(self.graph, id);
            once += nests[id.index()].min(1) * weight(self.graph, id);
        }
        if all <= MAX_WEIGHT + MAX_NESTS * once {
            return false;
        }
        let mut more = false;
        for (id, node) in self.graph.nodes() {
            let Kind::Reduce(_, src, _) = node.kind else { continue };
            let k = src.index();
            if self.live[id.index()] && self.graph[src].kind.is_pointwise() && nests[k] > MAX_NESTS && self.stored[k].is_none() {
                self.stored[k] = Some(Why::ManyNests);
                more = true;
            }
        }
        more
    }

    /// Cuts a nest that is too large: the newest nodes stay, and what they read from the others is stored.
    pub(super) fn cut_if_too_large(&self, g: &Group, more: &mut More) {
        let weight = |id: NodeId| weight(self.graph, id);
        if g.members.iter().map(|m| weight(*m)).sum::<usize>() <= MAX_WEIGHT {
            return;
        }
        let mut rest = g.members.as_slice();
        loop {
            let mut total = 0;
            let kept = rest
                .iter()
                .rev()
                .take_while(|m| {
                    total += weight(**m);
                    total <= MAX_WEIGHT / 2
                })
                .count();
            // At least one, however heavy: no node is too large for a nest of its own.
            let (below, kept) = rest.split_at(rest.len() - kept.max(1));
            let mut cuts: Vec<NodeId> = kept
                .iter()
                .flat_map(|id| self.graph[*id].kind.operands())
                .filter(|o| self.graph[*o].kind.is_pointwise() && self.stored[o.index()].is_none() && below.binary_search(o).is_ok())
                .collect();
            cuts.sort();
            cuts.dedup();
            more.extend(cuts.iter().map(|id| (*id, Why::KernelTooLarge)));
            // Where one value holds the rest together, the rest is the nest of that value: a chain is cut in one round. Other
            // shapes wait for the next round to see which nests their parts fall into.
            if cuts.len() != 1 || below.iter().map(|m| weight(*m)).sum::<usize>() <= MAX_WEIGHT {
                break;
            }
            rest = below;
        }
        more.sort_by_key(|(id, _)| *id);
    }
}
