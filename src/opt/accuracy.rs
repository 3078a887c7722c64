//! How near the exact results elementary functions are to be: [`Accuracy`].
//!
//! A function that is faster for being less exact is an operation of its own, from the graph as imported on: folding, the reference evaluator,
//! every backend and what is printed follow.

use super::Pass;
use crate::graph::{Graph, Kind, Node};

/// How exact the elementary functions of a program are. Either way results are the same on every machine, by every backend and for any number of
/// threads, and special values (zeros, infinities, NaN, overflow, subnormal results) are the same in both.
///
/// ```
/// use elide::{Accuracy, Kernel};
///
/// let mut b = Kernel::builder("wave");
/// let [n] = b.dims(["n"]);
/// let x = b.input::<f64>("x", [&n]);
/// b.output("y", x.tanh()).accuracy(Accuracy::Fast);
/// let kernel = b.build()?;
/// // What is printed says which functions are the fast ones.
/// assert!(kernel.explain()?.to_string().contains("tanh~"));
///
/// let mut y = [0.0];
/// kernel.call().bind("x", &[0.75])?.bind_mut("y", &mut y)?.run()?;
/// assert!((y[0] - 0.75f64.tanh()).abs() <= 4.0 * f64::EPSILON);
/// # Ok::<(), elide::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Accuracy {
    /// Within 1 unit in the last place, as far as was measured.
    #[default]
    Accurate,
    /// Within 4 units in the last place. What is not clearly faster for that stays as it is.
    Fast,
}

impl Accuracy {
    /// The lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Accuracy::Accurate => "accurate",
            Accuracy::Fast => "fast",
        }
    }

    /// The graph of what is computed.
    pub(crate) fn apply(self, graph: Graph) -> Graph {
        match self {
            Accuracy::Accurate => graph,
            Accuracy::Fast => PASS.apply(graph),
        }
    }
}

const PASS: Pass = Pass { name: "accuracy", applies: |graph| graph.nodes().any(|(_, node)| fast(graph, node).is_some()), run };

fn run(graph: &Graph) -> Graph {
    graph.rebuild(|g, node| match fast(g, node) {
        Some(kind) => g.add_again(&Node { kind, ..node.clone() }),
        None => g.add_again(node),
    })
}

/// The faster operation that there is for a node.
fn fast(graph: &Graph, node: &Node) -> Option<Kind> {
    match node.kind {
        Kind::Unary(op, x) => Some(Kind::Unary(op.fast(graph[x].dtype)?, x)),
        Kind::Binary(op, x, y) => Some(Kind::Binary(op.fast(graph[x].dtype)?, x, y)),
        _ => None,
    }
}
