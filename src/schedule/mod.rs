//! Graph -> Schedule: which nodes share a loop nest, and what happens to every node.
//!
//! The rule is simple, so that it can be explained: everything element-wise is computed where it is used, never stored, and
//! the outputs that iterate over one space in one dependency level share a nest. A node gets memory of its own only for a
//! reason listed in [`Why`]. A reduction shares the nest of what produces its input, and of what consumes its result at the
//! same index.

mod decide;
mod distance;
mod finish;
mod group;
mod order;
mod print;
mod strips;
mod units;

pub use distance::Walk;
pub(crate) use print::{Printed, name};
use smallvec::SmallVec;
pub use strips::{Strip, StripStep, Window};

use crate::dtype::DType;
use crate::entity::define_index;
use crate::graph::{Graph, Kind, NodeId, Scatter};
use crate::shape::Shape;
use crate::size::Size;
use crate::view::View;

define_index! {
    /// Memory for a value that is stored between steps. Buffers whose lifetimes do not meet may share a slot, or lie in an output or
    /// an input.
    BufferId, "buffer"
}

/// The plan for one graph under one combination of input layouts.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The loop nests, in execution order.
    pub steps: Vec<Step>,
    /// What happens to each node of the graph; `None` for nodes that no output needs.
    pub decisions: Vec<Option<Decision>>,
    /// The memory of each node that has some, the caller's inputs apart.
    pub homes: Vec<Option<Dest>>,
    /// The values stored between steps.
    pub buffers: Vec<Buffer>,
    /// The bytes of each piece of scratch memory that buffers are placed in: those of the largest of them.
    pub slots: Vec<Size>,
    /// Steps that run strip by strip.
    pub strips: Vec<Strip>,
}

/// One loop nest.
#[derive(Clone, Debug)]
pub struct Step {
    /// The shape of everything that is stored.
    pub domain: Shape,
    /// The reduction that happens at each index of the domain, if any.
    pub reduce: Option<ReduceDomain>,
    /// What is stored, and where.
    pub stores: Vec<Put>,
    /// The nodes computed in this nest, operands before users.
    pub fused: Vec<NodeId>,
    /// How its loops must run, so that what it reads is not overwritten before.
    pub walk: Walk,
    /// True if it writes to memory that it reads: then no element may be computed twice.
    pub in_place: bool,
    /// The axis of the domain that it is cut along, if it is part of a strip.
    pub strip: Option<u8>,
    /// The axis around that one that it is cut along, if the strips are in blocks.
    pub block: Option<u8>,
    /// Two axes that are exchanged: each index is done together with the one that has them exchanged, once for both.
    pub pairs: Option<(u8, u8)>,
}

/// A value and where it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// The value.
    pub node: NodeId,
    /// The memory.
    pub dest: Dest,
    /// The part of what the memory holds that is written, by the step's index; `None` for the whole.
    pub region: Option<View>,
    /// The [`Kind::Scatter`] whose values these are: it says to which elements they are written, and what these become.
    pub scatter: Option<NodeId>,
}

impl Put {
    /// The indices that say where it is written, and how, if computed indices do.
    pub(crate) fn scattered<'g>(&self, graph: &'g Graph) -> Option<(NodeId, &'g Scatter)> {
        match &graph[self.scatter?].kind {
            Kind::Scatter(_, _, index, how) => Some((*index, how)),
            _ => None,
        }
    }

    /// The part of the memory that is written, by the step's index: `[i0 + 1]`, `[i1] at i1 = %4`, `[i1] next where %4`; nothing for
    /// the whole.
    pub(crate) fn place(&self, graph: &Graph) -> String {
        match (self.scattered(graph), &self.region) {
            (Some((index, how)), _) if how.packed => format!("{} next where {index}", how.map),
            (Some((index, how)), _) => format!("{} at i{} = {index}", how.map, how.map.shape.rank() - 1),
            (None, Some(region)) => region.to_string(),
            (None, None) => String::new(),
        }
    }
}

/// The space that a step's reductions run over.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReduceDomain {
    /// The shape of the reductions' operands.
    pub source: Shape,
    /// The axes of `source` that are reduced.
    pub axes: SmallVec<[u8; 4]>,
    /// True for `argmin` and `argmax`, which keep positions.
    pub positions: bool,
}

/// Where a value is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dest {
    /// The `k`-th output.
    Output(u32),
    /// Scratch memory, in C order.
    Buffer(BufferId),
}

/// The memory that a buffer lies in, from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Scratch memory of the call's own: a slot, by number.
    Slot(u32),
    /// The memory of the `k`-th output, which holds nothing before [`Schedule::first_write`].
    Output(u32),
    /// The memory of the `k`-th input, which is given away: nothing reads it from [`Schedule::unread_from`] on.
    Input(u32),
}

/// A value stored between steps.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// The value.
    pub node: NodeId,
    /// Its element type.
    pub dtype: DType,
    /// Its shape; stored in C order. Of a window, as many rows as exist at a time.
    pub shape: Shape,
    /// Why it is stored.
    pub why: Why,
    /// The memory that it lies in.
    pub room: Room,
    /// The step that writes it and the last step that reads it.
    pub live: (u32, u32),
    /// Which rows exist at a time, if not all.
    pub window: Option<Window>,
}

impl Buffer {
    /// The bytes that it takes.
    pub fn bytes(&self) -> Size {
        self.shape.size().scale(self.dtype.size() as i64)
    }
}

/// What happens to a node: the one record that reports, contracts and tests read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Where its value is.
    pub placement: Placement,
    /// Why it takes memory that nobody asked for, if it does.
    pub why: Option<Why>,
}

impl From<Placement> for Decision {
    fn from(placement: Placement) -> Decision {
        Decision { placement, why: None }
    }
}

impl Placement {
    /// This placement, for a reason.
    pub(crate) fn because(self, why: Why) -> Decision {
        Decision { placement: self, why: Some(why) }
    }
}

/// A closed set of cases without fields, each with a name and a clause.
macro_rules! define_cases {
    ($(#[$outer:meta])* $Enum:ident { $( $(#[$doc:meta])* $Case:ident $name:literal $text:literal, )* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $Enum { $( $(#[$doc])* $Case, )* }

        impl $Enum {
            /// Every case.
            pub const ALL: &'static [$Enum] = &[ $($Enum::$Case),* ];

            /// The name in reports.
            pub fn name(self) -> &'static str {
                match self { $($Enum::$Case => $name),* }
            }

            /// What it means, as a clause.
            pub fn text(self) -> &'static str {
                match self { $($Enum::$Case => $text),* }
            }
        }
    };
}

define_cases! {
    /// Where the value of a node is: each node that an output needs is in exactly one of these places.
    Placement {
        /// The caller's memory, read in place.
        Input "input" "read where it lies",
        /// A number in the code.
        Scalar "scalar" "a number in the code",
        /// Index arithmetic on what it views; no memory, no copy.
        View "view" "index arithmetic only",
        /// Read through an index that the loop computes; no memory, no copy.
        ComputedIndex "computed index" "read through an index that the loop computes",
        /// Computed in registers where it is used.
        Inline "inline" "computed in registers where it is used",
        /// Scratch memory of a constant size, filled anew for each part of the loop.
        TileScratch "tile scratch" "computed piece by piece into scratch memory of a constant size",
        /// Scratch memory of its own size.
        Buffer "buffer" "stored in scratch memory",
        /// Scratch memory that holds what other memory holds already.
        Copy "copy" "copied to scratch memory",
        /// The caller's memory for a result.
        Output "output" "stored to the result",
        /// The memory of the input that it updates.
        InPlace "in place" "stored over the input that it updates",
    }
}

define_cases! {
    /// Why a value takes memory that nobody asked for, or is read at an index that nobody wrote.
    Why {
        /// A reduction's result is read at other indices than it is made at, or by another nest.
        ReductionReadElsewhere "reduction-read-elsewhere" "a reduction's result that is read at other indices or in another loop nest",
        /// Recomputing it through each of the views that read it would repeat work.
        WouldRepeatWork "would-repeat-work" "recomputing it through every view that reads it would repeat work",
        /// Computing it anew for each neighbour that reads it takes longer than storing and loading it.
        ReadByNeighbours "read-by-neighbours" "computing it anew for each neighbour that reads it would take longer than to keep some rows of it",
        /// A reshape merges axes of an input whose strides do not allow a view.
        ReshapeOfStrided "reshape-of-strided" "a reshape merges axes that are not adjacent in memory",
        /// A reshape merges axes of a computed value, which has to exist for that.
        ReshapeOfComputed "reshape-of-computed" "a reshape merges axes of a computed value",
        /// A reshape merges axes of an array that is updated in place.
        ReshapeOfUpdated "reshape-of-updated" "a reshape merges axes of an array that is updated in place, whose strides may not allow it",
        /// Several loop nests would compute it anew.
        ManyNests "many-nests" "several loop nests would compute it anew",
        /// A kernel with everything in it would be too large to compile quickly.
        KernelTooLarge "kernel-too-large" "the loop nest would be too large to compile quickly",
        /// It is put together from pieces and read as a whole.
        PutTogether "put-together" "it is put together from pieces and read as a whole",
        /// It shows elements that are overwritten before all reads of it are done.
        Overwritten "overwritten" "what it shows is overwritten before it has been read for the last time",
        /// Computed indices say where its values are written.
        Scattered "scattered" "values are written to it at computed indices",
        /// Its index is arithmetic on the loop's: so is that of a reshape which would have to be a copy.
        OwnIndex "own-index" "its index is arithmetic on the loop's own; for a reshape this takes the place of a copy",
        /// Computed indices point into it.
        ReadByIndex "read-by-index" "its elements are read at computed indices",
    }
}

impl Schedule {
    /// Plans `graph`; `contiguous[k]` says whether array `k`, inputs before outputs, is known to lie in C order without gaps.
    ///
    /// # Errors
    /// If something is overwritten before it is read, which is a bug: [`with_copies`] has seen to it.
    pub(crate) fn new(graph: &Graph, contiguous: &[bool]) -> Result<Schedule, String> {
        decide::decide(graph, contiguous)
    }

    /// The step from which on an output's memory holds something of its result, or of an input that it updates. The steps of a
    /// strip run in turns, so that it is the first of them.
    pub(crate) fn first_write(&self, output: u32) -> u32 {
        let writes = |s: &Step| s.stores.iter().any(|p| p.dest == Dest::Output(output));
        let step = self.steps.iter().position(writes).unwrap_or(0) as u32;
        self.strip_of(step).map_or(step, |s| s.first)
    }

    /// The step from which on no step reads an input. The steps of a strip run in turns, so that it comes after all of them.
    pub(crate) fn unread_from(&self, graph: &Graph, input: u32) -> u32 {
        let own = |id: NodeId| matches!(graph[resolve(graph, id)].kind, Kind::Input(k) if k == input);
        let of_put = |p: &Put| own(p.node) || p.scatter.is_some_and(|id| graph[id].kind.operands().into_iter().any(own));
        let reader =
            |s: &Step| s.stores.iter().any(of_put) || s.fused.iter().any(|&id| own(id) || graph[id].kind.operands().into_iter().any(own));
        let Some(step) = self.steps.iter().rposition(reader) else { return 0 };
        self.strip_of(step as u32).map_or(step as u32 + 1, |s| s.first + s.steps.len() as u32)
    }

    /// The strip that a step is part of, if it is.
    fn strip_of(&self, step: u32) -> Option<&Strip> {
        self.strips.iter().find(|s| (s.first..s.first + s.steps.len() as u32).contains(&step))
    }

    /// Checks that every step reads only what an earlier step has stored, and that values in the same memory do not overlap in time.
    pub(crate) fn verify(&self, graph: &Graph) -> Result<(), String> {
        // What is updated is there from the start.
        let updated = (graph.outputs().iter().enumerate()).filter(|(_, o)| o.in_place.is_some()).map(|(k, _)| Dest::Output(k as u32));
        let mut written: hashbrown::HashSet<Dest> = updated.collect();
        for (k, step) in self.steps.iter().enumerate() {
            let there = |o: NodeId| {
                let given = graph[o].kind.is_scalar_leaf() || matches!(graph[o].kind, Kind::Input(_) | Kind::Iota);
                given || step.fused.binary_search(&o).is_ok() || self.homes[o.index()].is_some_and(|h| written.contains(&h))
            };
            for &id in &step.fused {
                if let Some(o) = reads(graph, id).into_iter().find(|o| !there(*o)) {
                    return Err(format!("schedule: step {k} computes {id} from {o}, which no earlier step stores"));
                }
            }
            for put in &step.stores {
                if let Some(id) = put.scatter {
                    let Kind::Scatter(_, value, index, how) = &graph[id].kind else {
                        return Err(format!("schedule: step {k} scatters {id}, which is no scatter"));
                    };
                    if let Some(o) = [*value, *index].map(|o| resolve(graph, o)).into_iter().find(|o| !there(*o)) {
                        return Err(format!("schedule: step {k} scatters {o}, which no earlier step stores"));
                    }
                    if how.domain() != step.domain || !written.contains(&put.dest) || !step.in_place {
                        return Err(format!("schedule: step {k} scatters {id} where its base is not, or more than once"));
                    }
                    continue;
                }
                let shape = put.region.as_ref().map_or(&graph[put.node].shape, |r| &r.shape);
                let stretches = put.region.is_none() && graph[put.node].kind.is_scalar_leaf();
                if *shape != step.domain && !stretches {
                    return Err(format!("schedule: step {k} stores {} of another shape than its domain", put.node));
                }
            }
            written.extend(step.stores.iter().map(|p| p.dest));
        }
        for (a, x) in self.buffers.iter().enumerate() {
            for (b, y) in self.buffers.iter().enumerate().skip(a + 1) {
                if x.room == y.room && x.live.0 <= y.live.1 && y.live.0 <= x.live.1 {
                    return Err(format!("schedule: buffers {a} and {b} share memory while both live"));
                }
            }
            let (held, dtype) = match x.room {
                Room::Slot(_) => continue,
                Room::Output(o) => {
                    let output = &graph.outputs()[o as usize];
                    (x.live.1 >= self.first_write(o) || output.in_place.is_some(), graph[output.node].dtype)
                }
                Room::Input(i) => {
                    let input = &graph.inputs()[i as usize];
                    (x.live.0 < self.unread_from(graph, i) || !input.given_away, input.dtype)
                }
            };
            if held || x.window.is_some() || dtype == DType::Bool && x.dtype != DType::Bool {
                return Err(format!("schedule: buffer {a} lies in {:?} while that holds something else", x.room));
            }
        }
        Ok(())
    }
}

/// The graph with a copy of everything that is overwritten before it has been read for the last time.
///
/// Of a view that repeats elements only what it shows is copied.
pub(crate) fn with_copies(graph: Graph) -> Graph {
    let mut graph = copies_under_reshapes(moved_as_pieces(graph));
    // Each round takes one leaf from every reader that is no copy, and a leaf is blamed for such a reader only; what is new shows
    // scratch memory that nothing overwrites. That this ends does not hang on it: a leaf that were blamed again would be an
    // error of `Schedule::new`.
    for _ in 0..graph.len() {
        let Some((leaf, continues)) = decide::overwritten_read(&graph) else { break };
        graph = copied(&graph, leaf, &continues);
    }
    graph
}

/// An array that takes what is in memory elsewhere is put together from it: it is no home of what it takes. Nor is it the home of
/// a value that others compute as well and that may come to be stored for them: they may need it before the array is written.
fn moved_as_pieces(mut graph: Graph) -> Graph {
    if graph.outputs().iter().all(|o| o.in_place.is_none()) {
        return graph;
    }
    let mut shared = vec![false; graph.len()];
    let live = graph.live();
    for (_, node) in graph.nodes().filter(|(id, _)| live[id.index()]) {
        node.kind.operands().iter().for_each(|o| shared[o.index()] = true);
    }
    let stored = decide::stored_at_once(&graph);
    for k in 0..graph.outputs().len() {
        let Some(input) = graph.outputs()[k].in_place else { continue };
        let id = graph.outputs()[k].node;
        let node = graph[id].clone();
        let moved = match node.kind {
            Kind::Input(i) => i != input,
            Kind::View(..) | Kind::Reshape(..) | Kind::Const(_) | Kind::Size(_) => true,
            _ => shared.get(id.index()) == Some(&true) && !stored[id.index()],
        };
        if moved {
            let whole = Kind::Pieces([(id, View::identity(&node.shape))].into_iter().collect());
            let pieces = graph.add(whole, node.dtype, node.shape, node.site);
            graph.set_output(k, pieces);
        }
    }
    graph
}

/// A reshape of an array that is updated would have to be a copy or not by the array's layout. It reads a copy.
fn copies_under_reshapes(graph: Graph) -> Graph {
    let mut updated = vec![false; graph.len()];
    for output in graph.outputs() {
        let Some(input) = output.in_place else { continue };
        updated[input as usize] = true;
        updated[output.node.index()] = true;
    }
    let hit = |id: NodeId| matches!(graph[id].kind, Kind::Reshape(src, _) if updated[resolve(&graph, src).index()]);
    if !graph.nodes().any(|(id, _)| hit(id)) {
        return graph;
    }
    graph.rebuild_with(|g, id, node| match &node.kind {
        Kind::Reshape(src, shape) if hit(id) => {
            let (dtype, inner) = (node.dtype, g[*src].shape.clone());
            let copy = g.add(Kind::Copy(*src), dtype, inner, node.site);
            g.add(Kind::Reshape(copy, shape.clone()), dtype, shape.clone(), node.site)
        }
        _ => g.add_again(node),
    })
}

/// The graph with a copy in the place of a leaf, everywhere but where pieces are written over it.
fn copied(graph: &Graph, leaf: NodeId, continues: &[bool]) -> Graph {
    let mut copy = None;
    let mut out = graph.rebuild_with(|g, id, node| {
        let node = match copy {
            Some((from, to)) => {
                let mut first = continues[id.index()];
                let kind = node.kind.map_operands(|o| if !std::mem::take(&mut first) && o == from { to } else { o });
                &crate::graph::Node { kind, ..node.clone() }
            }
            None => node,
        };
        let new = g.add_again(node);
        if id == leaf {
            copy = Some((new, copy_of(g, new)));
        }
        new
    });
    // A result that is the leaf itself, in memory that it shows, is written from the copy.
    let (from, to) = copy.expect("the leaf is a node of the graph");
    let updated: Vec<usize> =
        (0..out.outputs().len()).filter(|&o| out.outputs()[o].node == from && out.outputs()[o].in_place.is_some()).collect();
    if !updated.is_empty() {
        let (dtype, shape, site) = (out[to].dtype, out[to].shape.clone(), out[to].site);
        let whole = Kind::Pieces([(to, View::identity(&shape))].into_iter().collect());
        let node = out.add(whole, dtype, shape, site);
        updated.into_iter().for_each(|o| out.set_output(o, node));
    }
    out
}

fn copy_of(g: &mut Graph, leaf: NodeId) -> NodeId {
    let node = g[leaf].clone();
    if let Kind::View(src, view) = &node.kind
        && let Some((drop, back)) = view.without_repeats()
    {
        let shape = drop.shape.clone();
        let inner = g.view(*src, view.then(&drop), node.site);
        let copy = g.add(Kind::Copy(inner), node.dtype, shape, node.site);
        return g.view(copy, back, node.site);
    }
    g.add(Kind::Copy(leaf), node.dtype, node.shape.clone(), node.site)
}

/// The nodes whose values a node needs, with views and reshapes looked through.
pub(crate) fn reads(graph: &Graph, id: NodeId) -> SmallVec<[NodeId; 3]> {
    let mut out = SmallVec::new();
    for o in graph[id].kind.operands() {
        out.push(resolve(graph, o));
    }
    if matches!(graph[id].kind, Kind::View(..) | Kind::Reshape(..)) {
        out.clear();
        out.push(resolve(graph, id));
    }
    out
}

/// The node whose memory a chain of views and reshapes reads.
pub(crate) fn resolve(graph: &Graph, mut id: NodeId) -> NodeId {
    while let Kind::View(src, _) | Kind::Reshape(src, _) = graph[id].kind {
        id = src;
    }
    id
}
