//! Identities that hold bit for bit on every value, NaN and -0 included.

use super::Pass;
use crate::dtype::{DType, Scalar};
use crate::graph::{Graph, Kind, Node, NodeId};
use crate::ops::{BinaryOp, UnaryOp};

/// Replaces each node that is known to equal an operand by that operand.
pub(super) const PASS: Pass = Pass { name: "simplify", applies, run };

/// What is replaced first is replaced as it is.
fn applies(graph: &Graph) -> bool {
    graph.nodes().any(|(_, n)| replacement(graph, n).is_some())
}

fn run(graph: &Graph) -> Graph {
    graph.rebuild(|g, node| replacement(g, node).unwrap_or_else(|| g.add_again(node)))
}

/// An operand of rank 0 that stands for an array cannot replace it.
fn replacement(g: &Graph, node: &Node) -> Option<NodeId> {
    equal_operand(g, node).filter(|id| g[*id].shape == node.shape)
}

fn equal_operand(g: &Graph, node: &Node) -> Option<NodeId> {
    match &node.kind {
        Kind::Cast(a) if g[*a].dtype == node.dtype => Some(*a),
        // Through a wider type that holds every value of the narrow one.
        Kind::Cast(a) => match g[*a].kind {
            Kind::Cast(b) if g[b].dtype == node.dtype && holds_all(g[*a].dtype, node.dtype) => Some(b),
            _ => None,
        },
        Kind::Unary(op @ (UnaryOp::Neg | UnaryOp::Not), a) => match g[*a].kind {
            Kind::Unary(inner, b) if inner == *op => Some(b),
            _ => None,
        },
        Kind::Unary(UnaryOp::Floor | UnaryOp::Ceil | UnaryOp::Trunc | UnaryOp::Rint | UnaryOp::Abs, a) => match g[*a].kind {
            Kind::Unary(inner, _) if matches!(&node.kind, Kind::Unary(op, _) if *op == inner) => Some(*a),
            _ => None,
        },
        Kind::Binary(op, a, b) => equal_side(g, *op, *a, *b),
        // Over no axes at all, a reduction has one element to combine; a sum adds +0 to it, which matters to -0.
        Kind::Reduce(op, a, axes) if axes.is_empty() && op.combine(node.dtype).is_some() && op.any_order(node.dtype) => Some(*a),
        Kind::Select(c, a, b) => match g[*c].kind {
            Kind::Const(Scalar::Bool(true)) => Some(*a),
            Kind::Const(Scalar::Bool(false)) => Some(*b),
            _ if a == b => Some(*a),
            _ => None,
        },
        _ => None,
    }
}

/// Neutral elements. `x + 0` is not among them for floats (-0 + 0 is 0), but `x - 0` and `x + -0` are.
fn equal_side(g: &Graph, op: BinaryOp, a: NodeId, b: NodeId) -> Option<NodeId> {
    let dtype = g[a].dtype;
    let constant = |id: NodeId| match g[id].kind {
        Kind::Const(s) => Some(s),
        _ => None,
    };
    let is = |id: NodeId, value: f64| constant(id) == Some(Scalar::F64(value).cast(dtype));
    let int = dtype.is_int();
    match op {
        BinaryOp::Add if is(b, if int { 0.0 } else { -0.0 }) => Some(a),
        BinaryOp::Add if is(a, if int { 0.0 } else { -0.0 }) => Some(b),
        BinaryOp::Sub if is(b, 0.0) => Some(a),
        BinaryOp::Mul | BinaryOp::Div if is(b, 1.0) => Some(a),
        BinaryOp::Mul if is(a, 1.0) => Some(b),
        BinaryOp::And | BinaryOp::Or if a == b => Some(a),
        BinaryOp::Min | BinaryOp::Max if a == b => Some(a),
        BinaryOp::Shl | BinaryOp::Shr if is(b, 0.0) => Some(a),
        _ => None,
    }
}

fn holds_all(wide: DType, narrow: DType) -> bool {
    narrow.promote(wide) == wide && (narrow, wide) != (DType::I64, DType::F64)
}
