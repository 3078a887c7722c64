//! `x / y`, where y is a computed array that is stored anyway and read again and again along an outer axis: its reciprocals are stored beside it, by
//! which code divides faster. Results have the bits of the division (`math/quotient.rs`).
//!
//! Divisors that are the same along the innermost axis need no array: `kernel/reciprocals.rs`.

use super::Pass;
use super::views::repeats;
use crate::dtype::{DType, Scalar};
use crate::error::Site;
use crate::graph::{Graph, Kind, Node, NodeId};
use crate::math::quotient::bounds;
use crate::ops::BinaryOp;
use crate::shape::Shape;
use crate::view::View;

/// Elements of each divisor, where they are known, from which a second array is worth it.
const WORTH: i64 = 8;

/// Stores reciprocals of what divides many elements, where memory may be taken for time. No backend of another machine has a use for them.
pub(super) const PASS: Pass = Pass { name: "quotients", applies, run };

fn applies(graph: &Graph) -> bool {
    cfg!(target_arch = "x86_64") && !graph.windows().off() && graph.nodes().any(|(_, n)| divisor(graph, n).is_some())
}

fn run(graph: &Graph) -> Graph {
    graph.rebuild(|g, node| {
        let (Some((source, view)), Kind::Binary(_, x, y)) = (divisor(g, node), &node.kind) else { return g.add_again(node) };
        let inverse = reciprocal(g, source, node.site);
        let inverse = g.view(inverse, view, node.site);
        g.add_again(&Node { kind: Kind::Quotient(*x, *y, inverse), ..node.clone() })
    })
}

/// The array that a node divides by, and how it is read.
fn divisor(g: &Graph, node: &Node) -> Option<(NodeId, View)> {
    let Kind::Binary(BinaryOp::Div, _, y) = node.kind else { return None };
    let Kind::View(source, view) = &g[y].kind else { return None };
    let stored = g[*source].kind.is_elementwise() || matches!(g[*source].kind, Kind::Reduce(..));
    let extents = |s: &Shape| s.extents().iter().map(|n| n.as_const()).product::<Option<i64>>();
    let few = matches!((extents(&node.shape), extents(&g[*source].shape)), (Some(all), Some(own)) if all < WORTH * own);
    let float = matches!(node.dtype, DType::F32 | DType::F64);
    (float && stored && repeats(view) && !few).then(|| (*source, view.clone()))
}

/// See `math::quotient::reciprocal`.
fn reciprocal(g: &mut Graph, y: NodeId, site: Option<Site>) -> NodeId {
    let (dtype, shape) = (g[y].dtype, g[y].shape.clone());
    let [most, least] = bounds(dtype).map(|s| g.constant(s, site));
    let [one, zero] = [Scalar::one(dtype), Scalar::zero(dtype)].map(|s| g.constant(s, site));
    let mut add = |kind: Kind| g.add(kind, dtype, shape.clone(), site);
    let inverse = add(Kind::Binary(BinaryOp::Div, one, y));
    let (large, small) = (add(Kind::Binary(BinaryOp::Mul, y, most)), add(Kind::Binary(BinaryOp::Mul, inverse, least)));
    let inverse = add(Kind::MulAdd(large, zero, inverse));
    add(Kind::MulAdd(small, zero, inverse))
}
