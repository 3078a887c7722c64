//! Constant folding: an element-wise operation of constants is a constant, and so is a reduction of nothing.

use super::Pass;
use crate::dtype::{DType, Scalar};
use crate::graph::{Graph, Kind, Node, NodeId};
use crate::size::Size;
use crate::view::View;

/// Folds element-wise nodes whose operands are all constants, sizes that are numbers, and reductions over an axis that is
/// known to be empty.
pub(super) const PASS: Pass = Pass { name: "fold", applies, run };

/// What is folded first is folded as it is.
fn applies(graph: &Graph) -> bool {
    graph.nodes().any(|(_, n)| folded(graph, n).is_some() || of_nothing(graph, n).is_some())
}

fn run(graph: &Graph) -> Graph {
    graph.rebuild(|g, node| {
        if let Some(value) = folded(g, node) {
            return g.constant(value, node.site);
        }
        match of_nothing(g, node) {
            Some(value) => {
                let value = g.constant(value, node.site);
                g.view(value, View { shape: node.shape.clone(), axes: Default::default() }, node.site)
            }
            None => g.add_again(node),
        }
    })
}

/// The value of every element of a reduction of nothing. It must not reach the code generator: an empty view may begin
/// outside its source, and where its strides cancel (a diagonal of a flipped column) it would be read ahead of the loop.
fn of_nothing(g: &Graph, node: &Node) -> Option<Scalar> {
    match &node.kind {
        Kind::Reduce(op, a, axes) if axes.iter().any(|&k| g[*a].shape.extents()[k as usize] == Size::ZERO) => op.of_nothing(g[*a].dtype),
        _ => None,
    }
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
