//! One constructor per kind of node: it infers the element type and shape, inserts the broadcasts, and turns a mistake into
//! an error node with the call site.
//!
//! Operands of one node have equal element types here; what promotes is decided in `promote`.

use crate::array::{ArrayMut, ArrayRef};
use crate::dtype::{DType, Scalar};
use crate::error::{Error, ErrorKind, Result, Site, bail};
use crate::expr::axes::{Axes, Axis, Extent, requested_shape};
use crate::expr::complex::{self, undefined};
use crate::expr::lazy_mut::Overwritten;
use crate::expr::node::{Data, NodeKind, NodeRef};
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};
use crate::shape::{self, Joined, Shape, equate};
use crate::size::Size;
use crate::view::{Slice, View};

/// The place to blame; `None` where the expression was not written in Rust.
pub(crate) type At = Option<Site>;

/// The node, or the error node that says `what` failed (`add of f64[3] and f64[4]`) and where.
pub(crate) fn or_error(made: Result<NodeRef>, dtype: DType, site: At, what: impl FnOnce() -> String) -> NodeRef {
    made.unwrap_or_else(|e| {
        let mut error = Error::new(e.kind(), format!("{}: {}", what(), e.message()));
        if let Some(help) = e.advice() {
            error = error.help(help);
        }
        failed(error, dtype, site)
    })
}

/// An error node at `site`.
pub(crate) fn failed(error: Error, dtype: DType, site: At) -> NodeRef {
    NodeRef::error(
        match site {
            Some(site) => error.at(site),
            None => error,
        },
        dtype,
    )
}

/// True if this node only carries a mistake on; its type and shape mean nothing.
pub(crate) fn is_error(node: &NodeRef) -> bool {
    matches!(node.kind, NodeKind::Error(_))
}

/// The first mistake among the operands. It must be found before types and shapes are compared, since those of an error
/// node are placeholders.
pub(crate) fn inherited<'n>(operands: &[&'n NodeRef]) -> Option<&'n NodeRef> {
    operands.iter().copied().find(|n| is_error(n))
}

/// `f64[3,4]`
pub(crate) fn describe(node: &NodeRef) -> String {
    format!("{}{}", node.dtype, node.shape)
}

pub(crate) fn constant(value: Scalar, site: At) -> NodeRef {
    NodeRef::new(NodeKind::Const(value), value.dtype(), Shape::scalar(), site)
}

pub(crate) fn size_of(size: Size, site: At) -> NodeRef {
    match size.as_const() {
        Some(n) => constant(Scalar::I64(n), site),
        None => NodeRef::new(NodeKind::SizeOf(size), DType::I64, Shape::scalar(), site),
    }
}

pub(crate) fn input(name: &str, dtype: DType, shape: Shape, swapped: bool, site: At) -> NodeRef {
    NodeRef::new(NodeKind::Input { name: name.into(), swapped: swapped && dtype.size() > 1 }, dtype, shape, site)
}

/// The caller keeps the borrow of `array` alive for as long as the node may be evaluated.
pub(crate) fn data(array: &ArrayRef<'_>, site: At) -> NodeRef {
    let data = Data { ptr: array.ptr, layout: array.layout.clone(), swapped: array.swapped, overwritten: None };
    NodeRef::new(NodeKind::Data(data), array.dtype, Shape::fixed(array.shape()), site)
}

/// As `data`, of memory that a program is going to overwrite, which it will note.
pub(crate) fn data_mut(array: &ArrayMut<'_>, overwritten: Overwritten, site: At) -> NodeRef {
    let data = Data { ptr: array.ptr, layout: array.layout.clone(), swapped: false, overwritten: Some(overwritten) };
    NodeRef::new(NodeKind::Data(data), array.dtype, Shape::fixed(array.shape()), site)
}

/// `node` as an operand of a node of shape `shape`: a constant as it is, anything else of exactly that shape.
pub(crate) fn constant_or_stretched(node: &NodeRef, shape: &Shape, site: At) -> Result<NodeRef> {
    if matches!(node.kind, NodeKind::Const(_)) || node.shape == *shape {
        return Ok(node.clone());
    }
    stretch(node, shape, site)
}

fn stretch(node: &NodeRef, shape: &Shape, site: At) -> Result<NodeRef> {
    let (view, equations) = View::broadcast(&node.shape, shape)?;
    Ok(NodeRef::with_equations(NodeKind::View(node.clone(), view), node.dtype, shape.clone(), site, equations))
}

pub(crate) fn unary(op: UnaryOp, a: &NodeRef, site: At) -> NodeRef {
    if is_error(a) {
        return a.clone();
    }
    match complex::result1(op, a.dtype) {
        Some(dtype) => NodeRef::new(NodeKind::Unary(op, a.clone()), dtype, a.shape.clone(), site),
        None => or_error(Err(undefined(op.name(), a.dtype)), a.dtype, site, || format!("{} of {}", op.name(), describe(a))),
    }
}

pub(crate) fn binary(op: BinaryOp, a: &NodeRef, b: &NodeRef, site: At) -> NodeRef {
    if let Some(bad) = inherited(&[a, b]) {
        return bad.clone();
    }
    let made = (|| {
        if a.dtype != b.dtype {
            let err = Error::new(ErrorKind::DType, "the element types differ");
            return Err(err.help(format!("convert one of them, e.g. to {}", a.dtype.promote(b.dtype))));
        }
        let dtype = complex::result2(op, a.dtype).ok_or_else(|| undefined(op.name(), a.dtype))?;
        let (shape, equations) = shape::broadcast(&[&a.shape, &b.shape])?;
        let kind = NodeKind::Binary(op, constant_or_stretched(a, &shape, site)?, constant_or_stretched(b, &shape, site)?);
        Ok(NodeRef::with_equations(kind, dtype, shape, site, equations))
    })();
    or_error(made, a.dtype, site, || format!("{} of {} and {}", op.name(), describe(a), describe(b)))
}

pub(crate) fn select(c: &NodeRef, a: &NodeRef, b: &NodeRef, site: At) -> NodeRef {
    if let Some(bad) = inherited(&[c, a, b]) {
        return bad.clone();
    }
    let made = (|| {
        if c.dtype != DType::Bool {
            bail!(DType, "the condition must be bool, not {}", c.dtype);
        }
        if a.dtype != b.dtype {
            bail!(DType, "the element types differ");
        }
        let (shape, equations) = shape::broadcast(&[&c.shape, &a.shape, &b.shape])?;
        let kind = NodeKind::Select(
            constant_or_stretched(c, &shape, site)?,
            constant_or_stretched(a, &shape, site)?,
            constant_or_stretched(b, &shape, site)?,
        );
        Ok(NodeRef::with_equations(kind, a.dtype, shape, site, equations))
    })();
    or_error(made, a.dtype, site, || format!("select by {} from {} and {}", describe(c), describe(a), describe(b)))
}

/// x * y + z of floats of one type, rounded once.
pub(crate) fn mul_add(x: &NodeRef, y: &NodeRef, z: &NodeRef, site: At) -> NodeRef {
    if let Some(bad) = inherited(&[x, y, z]) {
        return bad.clone();
    }
    let made = (|| {
        let (shape, equations) = shape::broadcast(&[&x.shape, &y.shape, &z.shape])?;
        let [a, b, c] = [x, y, z].map(|o| constant_or_stretched(o, &shape, site));
        Ok(NodeRef::with_equations(NodeKind::MulAdd(a?, b?, c?), x.dtype, shape, site, equations))
    })();
    or_error(made, x.dtype, site, || format!("mul_add of {}, {} and {}", describe(x), describe(y), describe(z)))
}

/// A constant is converted at once, so that it stays a constant.
pub(crate) fn cast(a: &NodeRef, dtype: DType, site: At) -> NodeRef {
    match &a.kind {
        NodeKind::Error(_) => a.clone(),
        _ if a.dtype == dtype => a.clone(),
        _ if a.dtype.is_complex() && !dtype.is_complex() && dtype != DType::Bool => complex::lossy_cast(a, dtype, site),
        NodeKind::Const(value) => constant(value.cast(dtype), site),
        _ => NodeRef::new(NodeKind::Cast(a.clone()), dtype, a.shape.clone(), site),
    }
}

/// `make` builds the view of a source that is not an error.
fn viewed(a: &NodeRef, site: At, what: &str, make: impl FnOnce(&Shape) -> Result<View>) -> NodeRef {
    if is_error(a) {
        return a.clone();
    }
    let made = make(&a.shape).map(|view| {
        if view.is_identity(&a.shape) {
            return a.clone();
        }
        let shape = view.shape.clone();
        NodeRef::new(NodeKind::View(a.clone(), view), a.dtype, shape, site)
    });
    or_error(made, a.dtype, site, || format!("{what} of {}", describe(a)))
}

pub(crate) fn slice(a: &NodeRef, items: &[Slice], site: At) -> NodeRef {
    // A step of isize::MIN cannot be negated; its neighbour takes the same one element.
    let steps = |item: &Slice| match *item {
        Slice::Range { start, stop, step } => Slice::Range { start, stop, step: step.max(-isize::MAX) },
        other => other,
    };
    let items: Vec<Slice> = items.iter().map(steps).collect();
    viewed(a, site, "slice", |s| View::slice(s, &items))
}

pub(crate) fn permute(a: &NodeRef, order: &[Axis], site: At) -> NodeRef {
    viewed(a, site, "permuted_axes", |s| {
        let order = order.iter().map(|x| x.index(s.rank())).collect::<Result<Vec<_>>>()?;
        View::permute(s, &order)
    })
}

pub(crate) fn transpose(a: &NodeRef, site: At) -> NodeRef {
    viewed(a, site, "t", |s| View::permute(s, &(0..s.rank()).rev().collect::<Vec<_>>()))
}

/// The new axis is at position `at` of the result, so that -1 appends it.
pub(crate) fn insert_axis(a: &NodeRef, at: Axis, site: At) -> NodeRef {
    viewed(a, site, "insert_axis", |s| View::new_axis(s, at.index(s.rank() + 1)?))
}

pub(crate) fn remove_axis(a: &NodeRef, at: Axis, site: At) -> NodeRef {
    viewed(a, site, "remove_axis", |s| View::squeeze(s, at.index(s.rank())?))
}

pub(crate) fn flip(a: &NodeRef, axis: Axis, site: At) -> NodeRef {
    viewed(a, site, "invert_axis", |s| Ok(View::flip(s, axis.index(s.rank())?)))
}

pub(crate) fn diagonal(a: &NodeRef, offset: isize, axis1: Axis, axis2: Axis, site: At) -> NodeRef {
    // Both are past the last element, but isize::MIN cannot be negated.
    let offset = offset.max(-isize::MAX);
    viewed(a, site, "diagonal", |s| View::diagonal(s, offset, axis1.index(s.rank())?, axis2.index(s.rank())?))
}

/// A constant becomes an array of its value here; elsewhere it stays of rank 0.
pub(crate) fn broadcast(a: &NodeRef, extents: impl IntoIterator<Item = Extent>, site: At) -> NodeRef {
    if is_error(a) {
        return a.clone();
    }
    let made = requested_shape(extents).and_then(|(shape, inferred)| {
        if inferred.is_some() {
            bail!(Shape, "an extent cannot be -1");
        }
        broadcast_to(a, &shape, site)
    });
    or_error(made, a.dtype, site, || format!("broadcast of {}", describe(a)))
}

pub(crate) fn broadcast_to(a: &NodeRef, shape: &Shape, site: At) -> Result<NodeRef> {
    if a.shape == *shape { Ok(a.clone()) } else { stretch(a, shape, site) }
}

pub(crate) fn reshape(a: &NodeRef, extents: impl IntoIterator<Item = Extent>, site: At) -> NodeRef {
    if is_error(a) {
        return a.clone();
    }
    let made = requested_shape(extents).and_then(|(mut shape, inferred)| {
        let total = a.shape.size();
        if let Some(k) = inferred {
            let rest = shape.size();
            if rest == Size::ZERO {
                bail!(Shape, "cannot infer an extent beside an extent of 0");
            }
            shape.0[k] = total.div(&rest);
        }
        let mut equations = Vec::new();
        match equate(&total, &shape.size()) {
            Joined::Same(_) => {}
            Joined::If(_, equation) => equations.push(equation),
            Joined::Never => bail!(Shape, "{total} elements do not fill shape {}", with_question(&shape, inferred)),
        }
        if shape == a.shape {
            return Ok(a.clone());
        }
        let kind = match View::split(&a.shape, &shape) {
            Some(view) => NodeKind::View(a.clone(), view),
            None => NodeKind::Reshape(a.clone()),
        };
        Ok(NodeRef::with_equations(kind, a.dtype, shape, site, equations))
    });
    or_error(made, a.dtype, site, || format!("reshape of {}", describe(a)))
}

/// The shape as the user gave it, -1 included.
fn with_question(shape: &Shape, inferred: Option<usize>) -> String {
    let list: Vec<_> =
        (shape.0.iter().enumerate()).map(|(k, s)| if inferred == Some(k) { "-1".to_owned() } else { s.to_string() }).collect();
    format!("[{}]", list.join(","))
}

/// The number of elements that each element of a reduction is made from.
fn reduced_count(a: &NodeRef, axes: &[usize]) -> Size {
    axes.iter().fold(Size::ONE, |n, &k| n.mul(&a.shape.0[k]))
}

/// `min` over no elements is an error where that is known now; binding finds the rest. Sums and products of halves are rounded once.
pub(crate) fn reduce(op: ReduceOp, a: &NodeRef, axes: &Axes, site: At) -> NodeRef {
    if is_error(a) {
        return a.clone();
    }
    if a.dtype.is_half() && op.result(a.dtype).is_none() {
        return cast(&reduce(op, &cast(a, a.dtype.computed_in(), site), axes, site), a.dtype, site);
    }
    let made = (|| {
        let dtype = complex::reduced(op, a.dtype).ok_or_else(|| undefined(op.name(), a.dtype))?;
        let list = axes.indices(a.shape.rank())?;
        if op.of_nothing(a.dtype).is_none() && reduced_count(a, &list) == Size::ZERO {
            bail!(Shape, "no elements to reduce, and `{}` of nothing has no value", op.name());
        }
        let shape: Shape = (0..a.shape.rank()).filter(|k| !list.contains(k)).map(|k| a.shape.0[k].clone()).collect();
        let reduced = NodeRef::new(NodeKind::Reduce(op, a.clone(), list.clone()), dtype, shape, site);
        if !axes.keeps() {
            return Ok(reduced);
        }
        // Sorted axes: each insertion is at its final place.
        let mut items: Vec<Slice> = vec![Slice::FULL; a.shape.rank()];
        for &k in &list {
            items[k] = Slice::NewAxis;
        }
        Ok(slice(&reduced, &items, site))
    })();
    or_error(made, a.dtype, site, || format!("{} of {}", op.name(), describe(a)))
}

/// `value`, which `op` has made of elements that are there only if `some` is true; else the program fails.
#[cfg(feature = "text")]
pub(crate) fn provided(value: &NodeRef, some: &NodeRef, op: ReduceOp, site: At) -> NodeRef {
    match inherited(&[value, some]) {
        Some(bad) => bad.clone(),
        None => NodeRef::new(NodeKind::Provided(value.clone(), some.clone(), op), value.dtype, value.shape.clone(), site),
    }
}

/// The number of elements that are not zero, as an `i64`.
pub(crate) fn count_nonzero(a: &NodeRef, axes: &Axes, site: At) -> NodeRef {
    let truth = cast(a, DType::Bool, site);
    reduce(ReduceOp::Sum, &cast(&truth, DType::I64, site), axes, site)
}

/// The sum divided by the count; of floats only.
pub(crate) fn mean(a: &NodeRef, axes: &Axes, site: At) -> NodeRef {
    if is_error(a) {
        return a.clone();
    }
    if a.dtype.is_half() {
        return cast(&mean(&cast(a, a.dtype.computed_in(), site), axes, site), a.dtype, site);
    }
    let made = axes.indices(a.shape.rank()).map(|list| {
        let count = cast(&size_of(reduced_count(a, &list), site), a.dtype, site);
        binary(BinaryOp::Div, &reduce(ReduceOp::Sum, a, axes, site), &count, site)
    });
    or_error(made, a.dtype, site, || format!("mean of {}", describe(a)))
}

/// All equations between dims that the expression relies on. Without recursion; each node once.
#[cfg(test)]
pub(crate) fn equations(root: &NodeRef) -> Vec<shape::Equation> {
    let mut seen = hashbrown::HashSet::new();
    let (mut pending, mut out) = (vec![root], Vec::new());
    while let Some(node) = pending.pop() {
        if seen.insert(node.id()) {
            out.extend(node.equations.iter().cloned());
            pending.extend(node.kind.operands());
        }
    }
    out
}
