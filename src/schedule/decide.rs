//! The decisions: what is stored, and which stores share a loop nest.

use hashbrown::HashMap;

use super::{Buffer, BufferId, Decision, Dest, ReduceDomain, Schedule, Step, Why};
use crate::graph::{Graph, Kind, NodeId};
use crate::ops::ReduceOp;
use crate::size::Size;

/// The weight of a loop nest, in primitive operations, from which it is cut in two.
const MAX_WEIGHT: usize = 3000;
/// What a math function weighs once it is expanded.
const EXPANDED_WEIGHT: usize = 30;
/// In so many nests a value may be computed anew, once the program's nests weigh so many times what its values do.
const MAX_NESTS: usize = 4;

pub(super) fn decide(graph: &Graph, contiguous: &[bool]) -> Schedule {
    let mut d = Decider { graph, live: graph.live(), stored: vec![None; graph.len()], output: vec![false; graph.len()] };
    for o in graph.outputs() {
        d.output[o.node.index()] = true;
    }
    d.store_what_views_read(contiguous);
    d.store_what_reductions_reduce();
    let groups = loop {
        // Each round either succeeds or stores at least one more node.
        match d.group() {
            Ok(groups) if d.store_what_many_nests_compute(&groups) => {}
            Ok(groups) => break groups,
            Err(more) => {
                for (id, why) in more {
                    d.stored[id.index()].get_or_insert(why);
                }
            }
        }
    };
    d.finish(groups)
}

struct Decider<'a> {
    graph: &'a Graph,
    live: Vec<bool>,
    stored: Vec<Option<Why>>,
    output: Vec<bool>,
}

/// A step under construction.
struct Group {
    level: u32,
    reduce: Option<ReduceDomain>,
    roots: Vec<NodeId>,
    /// What is computed here.
    members: Vec<NodeId>,
}

/// What a root needs: nodes computed at its own index, and the reductions among them.
#[derive(Default)]
struct Cone {
    members: Vec<NodeId>,
    reductions: Vec<NodeId>,
    /// Stored nodes that are read.
    reads: Vec<NodeId>,
}

type More = Vec<(NodeId, Why)>;

impl<'a> Decider<'a> {
    /// A computed node that a view or a reshape reads needs memory.
    fn store_what_views_read(&mut self, contiguous: &[bool]) {
        for (id, node) in self.graph.nodes() {
            if !self.live[id.index()] {
                continue;
            }
            let (src, reshape) = match node.kind {
                Kind::View(src, _) => (src, false),
                Kind::Reshape(src, _) => (src, true),
                _ => continue,
            };
            let why = match &self.graph[src].kind {
                Kind::Input(k) if reshape && !contiguous[*k as usize] => Why::ReshapeOfStrided,
                Kind::View(..) if reshape => Why::ReshapeOfStrided,
                Kind::Input(_) | Kind::Const(_) | Kind::Size(_) | Kind::View(..) | Kind::Reshape(..) => continue,
                Kind::Reduce(..) => Why::ReductionReadElsewhere,
                _ if reshape => Why::ReshapeOfComputed,
                _ => Why::WouldRepeatWork,
            };
            self.stored[src.index()].get_or_insert(why);
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
                // A stored value is done before the nest that reduces it.
                kind if kind.is_elementwise() && reduced[k] && self.stored[k].is_none() => {
                    kind.operands().iter().for_each(|o| reduced[o.index()] = true);
                }
                _ => {}
            }
        }
    }

    fn is_root(&self, id: NodeId) -> bool {
        self.live[id.index()] && (self.output[id.index()] || self.stored[id.index()].is_some())
    }

    /// True for nodes that an access reads in place: inputs, and views and reshapes of inputs and of stored nodes.
    fn is_leaf(&self, id: NodeId) -> bool {
        matches!(self.graph[id].kind, Kind::Input(_) | Kind::Const(_) | Kind::Size(_) | Kind::View(..) | Kind::Reshape(..))
    }

    /// Everything computed at the index of `root`, down to leaves, reductions and (where `stop` says so) stored nodes.
    fn cone(&self, root: NodeId, stop: impl Fn(NodeId) -> bool) -> Cone {
        let mut cone = Cone::default();
        let mut seen = hashbrown::HashSet::new();
        let mut stack = vec![root];
        while let Some(id) = stack.pop() {
            if !seen.insert(id) {
                continue;
            }
            if id != root && self.stored[id.index()].is_some() && stop(id) && !self.is_leaf(id) {
                cone.reads.push(id);
                continue;
            }
            match &self.graph[id].kind {
                Kind::Reduce(..) => cone.reductions.push(id),
                kind if kind.is_elementwise() => stack.extend(kind.operands()),
                Kind::View(..) | Kind::Reshape(..) => {
                    // Reading through a stored view, or what it resolves to.
                    let base = self.memory_of(id);
                    if base != root && self.stored[base.index()].is_some() {
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
    fn memory_of(&self, id: NodeId) -> NodeId {
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

    fn reduce_domain(&self, id: NodeId) -> ReduceDomain {
        let Kind::Reduce(op, src, axes) = &self.graph[id].kind else { unreachable!("a reduction") };
        ReduceDomain {
            source: self.graph[*src].shape.clone(),
            axes: axes.clone(),
            positions: matches!(op, ReduceOp::ArgMin | ReduceOp::ArgMax),
        }
    }

    /// Puts every root into a group, or says what else must be stored first.
    fn group(&self) -> Result<Vec<Group>, More> {
        let mut groups: Vec<Group> = Vec::new();
        let mut index: HashMap<(crate::shape::Shape, Option<ReduceDomain>, u32), usize> = HashMap::new();
        let mut group_of: HashMap<NodeId, usize> = HashMap::new();
        let mut home: HashMap<NodeId, usize> = HashMap::new();
        let mut more: More = Vec::new();
        for (root, _) in self.graph.nodes().filter(|(id, _)| self.is_root(*id)) {
            // An input is stored only to be reshaped; its own step is a copy.
            let level_of = |reads: &[NodeId]| reads.iter().map(|r| group_of.get(r).map_or(0, |&g| groups[g].level + 1)).max().unwrap_or(0);
            // First with every stored reduction inlined, to join the step that makes it.
            let joined = self.cone(root, |id| !matches!(self.graph[id].kind, Kind::Reduce(..)));
            let mut cone = joined;
            let mut inner = self.inner(&cone, &mut more);
            let stored_reductions = cone.reductions.iter().filter(|r| **r != root && group_of.contains_key(*r)).count();
            if stored_reductions > 0 {
                let level = level_of(&cone.reads).max(level_of(&inner.reads));
                let first = cone.reductions.iter().find_map(|r| group_of.get(r).copied()).expect("one is stored");
                let fits = cone.reductions.iter().all(|r| group_of.get(r) == Some(&first)) && level <= groups[first].level;
                if fits {
                    groups[first].roots.push(root);
                    groups[first].members.extend(cone.members.iter().chain(&inner.members));
                    group_of.insert(root, first);
                    continue;
                }
                for r in cone.reductions.iter().filter(|r| **r != root && group_of.contains_key(*r)) {
                    if self.stored[r.index()].is_none() {
                        more.push((*r, Why::ReductionReadElsewhere));
                    }
                }
                cone = self.cone(root, |_| true);
                inner = self.inner(&cone, &mut more);
            }
            let mut domains = cone.reductions.iter().map(|r| self.reduce_domain(*r));
            let reduce = domains.next();
            if let Some(first) = &reduce {
                // One nest reduces over one space; the others are stored by nests of their own.
                for r in &cone.reductions {
                    if self.reduce_domain(*r) != *first && *r != root {
                        more.push((*r, Why::ReductionReadElsewhere));
                    }
                }
            }
            let level = level_of(&cone.reads).max(level_of(&inner.reads));
            let key = (self.graph[root].shape.clone(), reduce.clone(), level);
            let g = *index.entry(key).or_insert_with(|| {
                groups.push(Group { level, reduce, roots: Vec::new(), members: Vec::new() });
                groups.len() - 1
            });
            for r in cone.reductions.iter().filter(|r| **r != root) {
                // A reduction that two nests would compute is stored instead.
                if *home.entry(*r).or_insert(g) != g {
                    more.push((*r, Why::ReductionReadElsewhere));
                }
            }
            groups[g].roots.push(root);
            groups[g].members.extend(cone.members.iter().chain(&inner.members));
            group_of.insert(root, g);
        }
        for g in &mut groups {
            g.members.sort();
            g.members.dedup();
            self.cut_if_too_large(g, &mut more);
        }
        if more.is_empty() { Ok(groups) } else { Err(more) }
    }

    /// What the reductions of a cone need under them. A reduction there must be stored first.
    fn inner(&self, cone: &Cone, more: &mut More) -> Cone {
        let mut all = Cone::default();
        for r in &cone.reductions {
            let Kind::Reduce(_, src, _) = self.graph[*r].kind else { unreachable!("a reduction") };
            if self.stored[src.index()].is_some() && !self.is_leaf(src) {
                all.reads.push(src);
                continue;
            }
            let under = self.cone(src, |_| true);
            more.extend(under.reductions.iter().map(|r| (*r, Why::ReductionReadElsewhere)));
            all.members.extend(under.members);
            all.reads.extend(under.reads);
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
            all += nests[id.index()] * self.weight(id);
            once += nests[id.index()].min(1) * self.weight(id);
        }
        if all <= MAX_WEIGHT + MAX_NESTS * once {
            return false;
        }
        let mut more = false;
        for (id, node) in self.graph.nodes() {
            let Kind::Reduce(_, src, _) = node.kind else { continue };
            let k = src.index();
            if self.live[id.index()] && self.graph[src].kind.is_elementwise() && nests[k] > MAX_NESTS && self.stored[k].is_none() {
                self.stored[k] = Some(Why::ManyNests);
                more = true;
            }
        }
        more
    }

    /// How much code a node is, in primitive operations.
    fn weight(&self, id: NodeId) -> usize {
        match &self.graph[id].kind {
            Kind::Unary(op, a) if op.is_expanded(self.graph[*a].dtype.class()) => EXPANDED_WEIGHT,
            Kind::Binary(op, a, _) if op.is_expanded(self.graph[*a].dtype.class()) => EXPANDED_WEIGHT,
            _ => 1,
        }
    }

    /// Cuts a nest that is too large: the newest nodes stay, and what they read from the others is stored.
    fn cut_if_too_large(&self, g: &Group, more: &mut More) {
        let weight = |id: NodeId| self.weight(id);
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
                .filter(|o| self.graph[*o].kind.is_elementwise() && self.stored[o.index()].is_none() && below.binary_search(o).is_ok())
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

    fn finish(self, mut groups: Vec<Group>) -> Schedule {
        groups.sort_by_key(|g| (g.level, g.roots[0]));
        let mut schedule = Schedule { steps: Vec::new(), decisions: vec![None; self.graph.len()], buffers: Vec::new(), slots: Vec::new() };
        let mut made = HashMap::new();
        for (k, g) in groups.iter().enumerate() {
            for root in &g.roots {
                if let Some(why) = self.stored[root.index()] {
                    made.insert(*root, BufferId::new(schedule.buffers.len()));
                    let node = &self.graph[*root];
                    let (dtype, shape) = (node.dtype, node.shape.clone());
                    schedule.buffers.push(Buffer { node: *root, dtype, shape, why, slot: 0, live: (k as u32, k as u32) });
                }
            }
        }
        for (k, g) in groups.into_iter().enumerate() {
            for m in &g.members {
                // Members' operands and views that come from memory extend its life.
                for o in self.graph[*m].kind.operands().into_iter().chain([*m]) {
                    let base = if self.is_leaf(o) { self.memory_of(o) } else { o };
                    if let Some(b) = made.get(&base).filter(|_| !g.roots.contains(&base)) {
                        let live = &mut schedule.buffers[b.index()].live;
                        live.1 = live.1.max(k as u32);
                    }
                }
            }
            let mut stores = Vec::new();
            for root in &g.roots {
                for (n, o) in self.graph.outputs().iter().enumerate() {
                    if o.node == *root {
                        stores.push((*root, Dest::Output(n as u32)));
                    }
                }
                stores.extend(made.get(root).map(|b| (*root, Dest::Buffer(*b))));
            }
            let domain = self.graph[g.roots[0]].shape.clone();
            let fused = g.members.into_iter().filter(|m| !self.graph[*m].kind.is_scalar_leaf()).collect();
            schedule.steps.push(Step { domain, reduce: g.reduce, stores, fused });
        }
        self.place(&mut schedule);
        for (id, node) in self.graph.nodes() {
            if self.live[id.index()] {
                schedule.decisions[id.index()] = Some(match (&node.kind, self.stored[id.index()]) {
                    (_, Some(why)) => Decision::Buffer(why),
                    _ if self.output[id.index()] => Decision::Output,
                    (Kind::Input(_), _) => Decision::Input,
                    (Kind::Const(_) | Kind::Size(_), _) => Decision::Scalar,
                    (Kind::View(..) | Kind::Reshape(..), _) => Decision::View,
                    _ => Decision::Inline,
                });
            }
        }
        schedule
    }

    /// Places buffers in slots: one whose last reader is done gives its slot to the next of the same size.
    fn place(&self, schedule: &mut Schedule) {
        let mut free_from: Vec<u32> = Vec::new();
        for k in 0..schedule.buffers.len() {
            let b = &schedule.buffers[k];
            let bytes = b.shape.size().mul(&Size::from(b.dtype.size()));
            let (first, last) = b.live;
            let found = (0..schedule.slots.len()).find(|&s| free_from[s] <= first && schedule.slots[s] == bytes);
            let slot = found.unwrap_or_else(|| {
                schedule.slots.push(bytes);
                free_from.push(0);
                schedule.slots.len() - 1
            });
            free_from[slot] = last + 1;
            schedule.buffers[k].slot = slot as u32;
        }
    }
}
