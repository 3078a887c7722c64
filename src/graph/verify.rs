//! The rules of the array IR. After [`verify`] passes, later stages need not check them again.
//!
//! 1. Operands come before users.
//! 2. `Input(k)` names an input, and has its type and shape.
//! 3. `Const` and `Size` have rank 0; they and only they may be operands of an element-wise node of another shape (and values of pieces).
//! 4. Element-wise operands have the node's shape, and the types that the op table demands.
//! 5. A view maps each axis of its operand, uses axes of its result once per term, and has the result's shape; its operand
//!    is not a view.
//! 6. A reshape keeps the number of elements. Where that follows from equations between dims only, binding checks it.
//! 7. Reduced axes are sorted, distinct, and in range; the shape is what they leave.
//! 8. No two nodes are equal.
//! 9. Pieces have values of the node's type, each of the shape of its region or a scalar; regions map to the node's axes.
//! 10. A copy has its operand's type and shape.
//! 11. Indices are `i64` of one axis.
//! 12. What is taken from is no view and no index; the map has the node's axes and one more; the index is an `i64` of the
//!     node's shape or a scalar.
//! 13. A scatter has its base's type and shape; its values and indices have the shape of its domain or are scalars, and its map
//!     goes from that and one more axis to the base's; what it applies gives the type back. Indices are `i64`; if it packs, they
//!     are `bool`, and it applies nothing.
//! 14. An input that is given away is the caller's to name, in this machine's byte order, and no output updates it.
//! 15. No node is complex. The last axis of an input or output that stands for complex numbers has extent 2, and its elements are `f32` or
//!     `f64`; an output that updates an input stands for them if the input does.

use super::{Graph, Kind, Node, NodeId};
use crate::dtype::{Class, DType};
use crate::shape::Shape;
use crate::size::Size;

/// Checks the rules above; the message names the node and the rule.
pub(crate) fn verify(graph: &Graph) -> Result<(), String> {
    let mut seen = hashbrown::HashSet::new();
    for (id, node) in graph.nodes() {
        verify_node(graph, id, node).map_err(|m| format!("graph: {id} = {}: {m}", super::print::Line(graph, node)))?;
        if !seen.insert((&node.kind, node.dtype, &node.shape)) {
            return Err(format!("graph: {id} equals an earlier node (rule 8)"));
        }
    }
    for (k, input) in graph.inputs().iter().enumerate().filter(|(_, i)| i.given_away) {
        if input.data.is_some() || input.swapped || graph.outputs().iter().any(|o| o.in_place == Some(k as u32)) {
            return Err(format!("graph: input {k} cannot be given away (rule 14)"));
        }
    }
    if let Some(o) = graph.outputs().iter().find(|o| o.node.index() >= graph.len()) {
        return Err(format!("graph: output {} is not a node", o.name));
    }
    let parts = |dtype: DType, shape: &Shape| matches!(dtype, DType::F32 | DType::F64) && shape.extents().last() == Some(&Size::from(2));
    for input in graph.inputs().iter().filter(|i| i.complex) {
        if !parts(input.dtype, &input.shape) {
            return Err(format!("graph: input {} is not of the parts of complex numbers (rule 15)", input.name));
        }
    }
    for o in graph.outputs() {
        let alike = o.in_place.and_then(|k| graph.inputs().get(k as usize)).is_none_or(|i| i.complex == o.complex);
        if !alike || o.complex && !parts(graph[o.node].dtype, &graph[o.node].shape) {
            return Err(format!("graph: output {} is not of the parts of complex numbers (rule 15)", o.name));
        }
    }
    Ok(())
}

fn verify_node(graph: &Graph, id: NodeId, node: &Node) -> Result<(), String> {
    let ensure = |ok: bool, rule: &str| if ok { Ok(()) } else { Err(rule.to_string()) };
    ensure(!node.dtype.is_complex(), "a complex node (rule 15)")?;
    for o in node.kind.operands() {
        ensure(o < id, "an operand does not come before its user (rule 1)")?;
    }
    if node.kind.is_elementwise() {
        for o in node.kind.operands() {
            let n = &graph[o];
            ensure(n.shape == node.shape || n.kind.is_scalar_leaf(), "an operand has another shape (rules 3 and 4)")?;
        }
    }
    let dtype = |n: NodeId| graph[n].dtype;
    match &node.kind {
        Kind::Input(k) => {
            let input = graph.inputs().get(*k as usize).ok_or("no such input (rule 2)")?;
            ensure(input.dtype == node.dtype && input.shape == node.shape, "differs from its input (rule 2)")
        }
        Kind::Const(s) => ensure(node.shape == Shape::scalar() && s.dtype() == node.dtype, "a constant of rank 0 (rule 3)"),
        Kind::Size(_) => ensure(node.shape == Shape::scalar() && node.dtype == DType::I64, "an i64 of rank 0 (rule 3)"),
        Kind::Iota => ensure(node.shape.rank() == 1 && node.dtype == DType::I64, "an i64 of rank 1 (rule 11)"),
        Kind::Unary(op, a) => ensure(op.result(dtype(*a)) == Some(node.dtype), "wrong types (rule 4)"),
        Kind::Binary(op, a, b) => ensure(dtype(*a) == dtype(*b) && op.result(dtype(*a)) == Some(node.dtype), "wrong types (rule 4)"),
        Kind::Select(c, a, b) => {
            ensure(dtype(*c) == DType::Bool && dtype(*a) == node.dtype && dtype(*b) == node.dtype, "wrong types (rule 4)")
        }
        Kind::MulAdd(a, b, c) | Kind::Quotient(a, b, c) => {
            let alike = [a, b, c].iter().all(|o| dtype(**o) == node.dtype);
            ensure(alike && node.dtype.class() == Class::Float, "wrong types (rule 4)")
        }
        Kind::Cast(_) => Ok(()),
        Kind::Take(a, indices, map) => {
            let source = &graph[*a];
            ensure(!matches!(source.kind, Kind::View(..) | Kind::Iota), "what is taken from is a view (rule 12)")?;
            ensure(map.axes.len() == source.shape.rank() && source.dtype == node.dtype, "wrong rank or type (rule 12)")?;
            let fits = |index: &Node| (index.shape == node.shape || index.kind.is_scalar_leaf()) && index.dtype == DType::I64;
            ensure(!indices.is_empty() && indices.iter().all(|i| fits(&graph[*i])), "an index of another shape or type (rule 12)")?;
            let rank = node.shape.rank();
            let axes = map.shape.rank() == rank + indices.len() && map.shape.extents()[..rank] == *node.shape.extents();
            ensure(axes, "the map has other axes (rule 12)")
        }
        Kind::Scatter(base, value, index, how) => {
            let (source, map) = (&graph[*base], &how.map);
            ensure(source.shape == node.shape && source.dtype == node.dtype, "its base has another type or shape (rule 13)")?;
            ensure(map.shape.rank() > 0 && map.axes.len() == node.shape.rank(), "the map has other axes (rule 13)")?;
            let domain = how.domain();
            let fits = |o: NodeId| graph[o].shape == domain || graph[o].kind.is_scalar_leaf();
            ensure(fits(*value) && fits(*index), "values or indices of another shape (rule 13)")?;
            let indices = if how.packed { DType::Bool } else { DType::I64 };
            ensure(dtype(*value) == node.dtype && dtype(*index) == indices, "values or indices of another type (rule 13)")?;
            ensure(!how.packed || how.op.is_none(), "an operation on what is packed (rule 13)")?;
            let class = node.dtype.class();
            let applies = how.op.is_none_or(|op| op.result(node.dtype) == Some(node.dtype) && !op.is_expanded(class));
            ensure(applies, "an operation that does not give the type back (rule 13)")
        }
        Kind::Copy(a) => ensure(graph[*a].shape == node.shape && dtype(*a) == node.dtype, "a copy of another shape or type (rule 10)"),
        Kind::View(a, v) => {
            ensure(!matches!(graph[*a].kind, Kind::View(..)), "a view of a view (rule 5)")?;
            ensure(
                v.axes.len() == graph[*a].shape.rank() && v.shape == node.shape && dtype(*a) == node.dtype,
                "wrong rank, shape or type (rule 5)",
            )?;
            let rank = v.shape.rank() as u32;
            let ordered = |t: &[(u32, crate::size::Size)]| t.windows(2).all(|w| w[0].0 < w[1].0) && t.iter().all(|t| t.0 < rank);
            ensure(v.axes.iter().all(|m| ordered(&m.terms)), "a term names no axis, or one twice (rule 5)")
        }
        Kind::Reshape(a, shape) => ensure(
            *shape == node.shape && !shape.size().never_equals(&graph[*a].shape.size()) && dtype(*a) == node.dtype,
            "size or type changes (rule 6)",
        ),
        Kind::Reduce(op, a, axes) => {
            let source = &graph[*a].shape;
            ensure(axes.windows(2).all(|w| w[0] < w[1]) && axes.iter().all(|&k| (k as usize) < source.rank()), "bad axes (rule 7)")?;
            let left: Shape = (0..source.rank()).filter(|k| !axes.contains(&(*k as u8))).map(|k| source.extents()[k].clone()).collect();
            ensure(left == node.shape && op.result(dtype(*a)) == Some(node.dtype), "wrong shape or type (rule 7)")
        }
        Kind::Pieces(parts) => {
            ensure(!parts.is_empty(), "no pieces (rule 9)")?;
            let fits = |(value, region): &(NodeId, crate::view::View)| {
                let v = &graph[*value];
                v.dtype == node.dtype && (v.shape == region.shape || v.kind.is_scalar_leaf()) && region.axes.len() == node.shape.rank()
            };
            ensure(parts.iter().all(fits), "a piece that does not fit (rule 9)")
        }
    }
}
