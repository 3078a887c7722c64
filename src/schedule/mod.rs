//! Graph -> Schedule: which nodes share a loop nest, and what happens to every node.
//!
//! The rule is simple, so that it can be explained: everything element-wise is computed where it is used, never stored, and
//! the outputs that iterate over one space in one dependency level share a nest. A node gets memory of its own only for a
//! reason listed in [`Why`]. A reduction shares the nest of what produces its input, and of what consumes its result at the
//! same index.

mod decide;
mod print;

pub(crate) use print::{Printed, name};
use smallvec::SmallVec;

use crate::dtype::DType;
use crate::entity::define_index;
use crate::graph::{Graph, Kind, NodeId};
use crate::shape::Shape;
use crate::size::Size;

define_index! {
    /// Memory for a value that is stored between steps. Buffers whose lifetimes do not meet may share a slot.
    BufferId, "buffer"
}

/// The plan for one graph under one combination of input layouts.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The loop nests, in execution order.
    pub steps: Vec<Step>,
    /// What happens to each node of the graph; `None` for nodes that no output needs.
    pub decisions: Vec<Option<Decision>>,
    /// The values stored between steps.
    pub buffers: Vec<Buffer>,
    /// The bytes of each piece of scratch memory that buffers are placed in.
    pub slots: Vec<Size>,
}

/// One loop nest.
#[derive(Clone, Debug)]
pub struct Step {
    /// The shape of everything that is stored.
    pub domain: Shape,
    /// The reduction that happens at each index of the domain, if any.
    pub reduce: Option<ReduceDomain>,
    /// What is stored, and where.
    pub stores: Vec<(NodeId, Dest)>,
    /// The nodes computed in this nest, operands before users.
    pub fused: Vec<NodeId>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dest {
    /// The `k`-th output.
    Output(u32),
    /// Scratch memory, in C order.
    Buffer(BufferId),
}

/// A value stored between steps.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// The value.
    pub node: NodeId,
    /// Its element type.
    pub dtype: DType,
    /// Its shape; stored in C order.
    pub shape: Shape,
    /// Why it is stored.
    pub why: Why,
    /// Which slot it is placed in.
    pub slot: u32,
    /// The step that writes it and the last step that reads it.
    pub live: (u32, u32),
}

/// What happens to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The caller's memory, read in place.
    Input,
    /// A number in the code.
    Scalar,
    /// Index arithmetic on what it views; no memory, no copy.
    View,
    /// Computed in registers where it is used.
    Inline,
    /// Stored to the caller's memory.
    Output,
    /// Stored to scratch memory.
    Buffer(Why),
}

/// Why a value is stored between steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// A reduction's result is read at other indices than it is made at, or by another nest.
    ReductionReadElsewhere,
    /// Recomputing it through each of the views that read it would repeat work.
    WouldRepeatWork,
    /// A reshape merges axes of an input whose strides do not allow a view.
    ReshapeOfStrided,
    /// A reshape merges axes of a computed value, which has to exist for that.
    ReshapeOfComputed,
    /// Many loop nests would compute it anew.
    ManyNests,
    /// A kernel with everything in it would be too large to compile quickly.
    KernelTooLarge,
}

impl Why {
    /// The reason as a clause.
    pub fn text(self) -> &'static str {
        match self {
            Why::ReductionReadElsewhere => "a reduction's result that is read at other indices or in another loop nest",
            Why::WouldRepeatWork => "recomputing it through every view that reads it would repeat work",
            Why::ReshapeOfStrided => "a reshape merges axes that are not adjacent in memory",
            Why::ReshapeOfComputed => "a reshape merges axes of a computed value",
            Why::ManyNests => "many loop nests would compute it anew",
            Why::KernelTooLarge => "the loop nest would be too large to compile quickly",
        }
    }
}

impl Schedule {
    /// Plans `graph`; `contiguous[k]` says whether input `k` is known to lie in C order without gaps.
    pub(crate) fn new(graph: &Graph, contiguous: &[bool]) -> Schedule {
        decide::decide(graph, contiguous)
    }

    /// The buffer that holds a node, if it has one.
    pub(crate) fn buffer_of(&self, node: NodeId) -> Option<BufferId> {
        match self.decisions[node.index()] {
            Some(Decision::Buffer(_)) => self.buffers.iter().position(|b| b.node == node).map(BufferId::new),
            _ => None,
        }
    }

    /// Checks that every step reads only what an earlier step has stored, and that buffers in one slot do not overlap in time.
    pub(crate) fn verify(&self, graph: &Graph) -> Result<(), String> {
        let mut written = vec![None; graph.len()];
        for (k, step) in self.steps.iter().enumerate() {
            for &id in &step.fused {
                for o in reads(graph, id) {
                    let inside =
                        step.fused.binary_search(&o).is_ok() || graph[o].kind.is_scalar_leaf() || matches!(graph[o].kind, Kind::Input(_));
                    if !inside && written[o.index()].is_none() {
                        return Err(format!("schedule: step {k} computes {id} from {o}, which no earlier step stores"));
                    }
                }
            }
            for (node, dest) in &step.stores {
                if graph[*node].shape != step.domain {
                    return Err(format!("schedule: step {k} stores {node} of another shape than its domain"));
                }
                if matches!(dest, Dest::Buffer(_)) {
                    written[node.index()] = Some(k);
                }
            }
        }
        for (a, x) in self.buffers.iter().enumerate() {
            for (b, y) in self.buffers.iter().enumerate().skip(a + 1) {
                if x.slot == y.slot && x.live.0 <= y.live.1 && y.live.0 <= x.live.1 {
                    return Err(format!("schedule: buffers {a} and {b} share a slot while both live"));
                }
            }
        }
        Ok(())
    }
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
