//! Constant folding: an element-wise operation of constants is a constant.

use crate::dtype::{DType, Scalar};
use crate::graph::{Graph, Kind, Node, NodeId};

/// Folds element-wise nodes whose operands are all constants, and sizes that are numbers.
pub(crate) fn run(graph: &Graph) -> Graph {
    graph.rebuild(|g, node| match folded(g, node) {
        Some(value) => g.constant(value, node.site),
        None => g.add_again(node),
    })
}

fn folded(g: &Graph, node: &Node) -> Option<Scalar> {
    if node.shape.rank() != 0 {
        return None;
    }
    let value = |id: NodeId| match g[id].kind {
        Kind::Const(s) => Some(s),
        _ => None,
    };
    match &node.kind {
        Kind::Size(s) => s.as_const().map(Scalar::I64),
        Kind::Unary(op, a) => op.eval(value(*a)?),
        Kind::Binary(op, a, b) => op.eval(value(*a)?, value(*b)?),
        Kind::Cast(a) => Some(value(*a)?.cast(node.dtype)),
        Kind::Select(c, a, b) => {
            debug_assert_eq!(g[*c].dtype, DType::Bool);
            let (c, a, b) = (value(*c)?, value(*a)?, value(*b)?);
            Some(if c == Scalar::Bool(true) { a } else { b })
        }
        _ => None,
    }
}
