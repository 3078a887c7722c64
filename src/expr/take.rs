//! Arrays indexed by arrays: `take`, `take_along_axis` and `take_points`.

use crate::dtype::{DType, Element, Integer, Scalar};
use crate::error::{Error, ErrorKind, Result, Site, bail};
use crate::expr::axes::{Axis, Extent};
use crate::expr::infer::{self, At, constant_or_stretched, describe, inherited, or_error};
use crate::expr::node::{NodeKind, NodeRef};
use crate::expr::promote::{DynOperand, Weak};
use crate::expr::{DynExpr, Expr, IntoExpr, indices};
use crate::ops::BinaryOp;
use crate::shape::{self, Equation, Shape};
use crate::size::Size;
use crate::view::View;

/// An index as an `i64`; a literal one must be inside its axis.
fn position(index: &NodeRef, axis: usize, extent: &Size, site: At) -> Result<NodeRef> {
    if !index.dtype.is_int() {
        let error = Error::new(ErrorKind::DType, format!("an index must be an integer, not {}", index.dtype));
        return Err(if index.dtype == DType::Bool {
            error.help("how many elements a mask selects is not known before it is computed; use `select`, which keeps the shape")
        } else {
            error
        });
    }
    let index = match (index.dtype, &index.kind) {
        // What an `i64` cannot hold is out of range, and must not wrap to what is not.
        (DType::U64, NodeKind::Const(k)) => infer::constant(Scalar::I64(k.to_int().try_into().unwrap_or(i64::MAX)), site),
        (DType::U64, _) => {
            let most = infer::constant(Scalar::U64(i64::MAX as u64), site);
            infer::cast(&infer::binary(BinaryOp::Min, index, &most, site), DType::I64, site)
        }
        _ => infer::cast(index, DType::I64, site),
    };
    if let (NodeKind::Const(Scalar::I64(k)), Some(n)) = (&index.kind, extent.as_const())
        && !(-n..n).contains(k)
    {
        bail!(Shape, "index {k} is out of bounds for axis {axis} with size {n}");
    }
    Ok(index)
}

/// Which elements of an array indices stand for: those that a take gives, and a scatter changes.
pub(crate) struct Taken {
    /// An `i64` for each element, of this shape or a `Const`.
    pub index: NodeRef,
    /// From the index of an element, followed by the value of `index` there, to that of the array.
    pub map: View,
    pub shape: Shape,
    pub equations: Vec<Equation>,
}

impl Taken {
    /// The elements.
    pub fn node(&self, a: &NodeRef, site: At) -> NodeRef {
        let kind = NodeKind::Take(a.clone(), self.index.clone(), self.map.clone());
        NodeRef::with_equations(kind, a.dtype, self.shape.clone(), site, self.equations.clone())
    }
}

/// The elements at the indices along one axis, which the axes of the indices replace.
pub(crate) fn taken(a: &NodeRef, index: &NodeRef, axis: Axis, site: At) -> Result<Taken> {
    let axis = axis.index(a.shape.rank())?;
    let extent = &a.shape.0[axis];
    let index = position(index, axis, extent, site)?;
    let (inner, rank) = (index.shape.rank(), a.shape.rank() + index.shape.rank() - 1);
    let extents = a.shape.0[..axis].iter().chain(&index.shape.0).chain(&a.shape.0[axis + 1..]);
    let shape: Shape = extents.cloned().collect();
    let spread = View { shape: shape.clone(), axes: (axis..axis + inner).map(|k| View::axis_or_start(Some(k))).collect() };
    let index = if matches!(index.kind, NodeKind::Const(_)) || spread.is_identity(&index.shape) {
        index
    } else {
        NodeRef::new(NodeKind::View(index, spread), DType::I64, shape.clone(), site)
    };
    let from = |k: usize| match k.cmp(&axis) {
        std::cmp::Ordering::Less => k,
        std::cmp::Ordering::Equal => rank,
        std::cmp::Ordering::Greater => k + inner - 1,
    };
    let map = View {
        shape: shape.extents().iter().chain([extent]).cloned().collect(),
        axes: (0..a.shape.rank()).map(|k| View::axis_or_start(Some(from(k)))).collect(),
    };
    Ok(Taken { index, map, shape, equations: Vec::new() })
}

/// For each index along one axis the element at it, the other axes of both being the same (or stretched).
pub(crate) fn taken_along(a: &NodeRef, index: &NodeRef, axis: Axis, site: At) -> Result<Taken> {
    let rank = a.shape.rank();
    if index.shape.rank() != rank {
        bail!(Shape, "the index has {} axes, not {rank}", index.shape.rank());
    }
    let axis = axis.index(rank)?;
    let extent = a.shape.0[axis].clone();
    let index = position(index, axis, &extent, site)?;
    let mut others = a.shape.clone();
    others.0[axis] = Size::ONE;
    let (shape, equations) = shape::broadcast(&[&others, &index.shape])?;
    let from = |k: usize| match k == axis {
        true => Some(rank),
        false => (a.shape.0[k] != Size::ONE || shape.0[k] == Size::ONE).then_some(k),
    };
    let map = View {
        shape: shape.extents().iter().chain([&extent]).cloned().collect(),
        axes: (0..rank).map(|k| View::axis_or_start(from(k))).collect(),
    };
    let index = constant_or_stretched(&index, &shape, site)?;
    Ok(Taken { index, map, shape, equations })
}

/// The elements of `a` at the indices along one axis, which the axes of the indices replace.
pub(crate) fn take(a: &NodeRef, index: &NodeRef, axis: Axis, site: At) -> NodeRef {
    if let Some(bad) = inherited(&[a, index]) {
        return bad.clone();
    }
    let made = taken(a, index, axis, site).map(|taken| taken.node(a, site));
    or_error(made, a.dtype, site, || format!("take of {} at {}", describe(a), describe(index)))
}

/// For each index along one axis the element at it, the other axes of both being the same (or stretched).
pub(crate) fn take_along_axis(a: &NodeRef, index: &NodeRef, axis: Axis, site: At) -> NodeRef {
    if let Some(bad) = inherited(&[a, index]) {
        return bad.clone();
    }
    let made = taken_along(a, index, axis, site).map(|taken| taken.node(a, site));
    or_error(made, a.dtype, site, || format!("take_along_axis of {} at {}", describe(a), describe(index)))
}

/// The elements at points: one index array for each of the first axes, all of one shape after broadcasting, which comes in the
/// place of these axes. NumPy's `a[i, j]`.
pub(crate) fn points(a: &NodeRef, indices: &[NodeRef], site: At) -> NodeRef {
    let all: Vec<&NodeRef> = std::iter::once(a).chain(indices).collect();
    if let Some(bad) = inherited(&all) {
        return bad.clone();
    }
    let made = match indices {
        [] => Ok(a.clone()),
        _ => merged(a, indices, site).map(|(a, index)| take(&a, &index, Axis(0), site)),
    };
    or_error(made, a.dtype, site, || {
        let list: Vec<String> = indices.iter().map(describe).collect();
        format!("take_points of {} at {}", describe(a), list.join(", "))
    })
}

/// The array with one axis in the place of those that points are indices of, and one index into it; each of the given ones is checked
/// against its own axis.
pub(crate) fn merged(a: &NodeRef, indices: &[NodeRef], site: At) -> Result<(NodeRef, NodeRef)> {
    let (count, rank) = (indices.len(), a.shape.rank());
    if count > rank {
        bail!(Shape, "{count} index arrays, but there are {rank} axes");
    }
    if let [index] = indices {
        return Ok((a.clone(), index.clone()));
    }
    let mut linear = infer::constant(Scalar::I64(0), site);
    for (axis, index) in indices.iter().enumerate() {
        let extent = &a.shape.0[axis];
        let checked = checked(&position(index, axis, extent, site)?, &a.shape, axis, site);
        let scaled = infer::binary(BinaryOp::Mul, &linear, &infer::size_of(extent.clone(), site), site);
        linear = infer::binary(BinaryOp::Add, &scaled, &checked, site);
    }
    let merged = a.shape.0[..count].iter().fold(Size::ONE, |n, e| n.mul(e));
    let extents = std::iter::once(merged).chain(a.shape.0[count..].iter().cloned()).map(Extent::from);
    Ok((infer::reshape(a, extents, site), linear))
}

/// The index counted from the start, which must be inside an axis of an array of this shape: what is taken from the array's own
/// indices along the axis.
fn checked(index: &NodeRef, shape: &Shape, axis: usize, site: At) -> NodeRef {
    let rank = index.shape.rank();
    let map = View {
        shape: index.shape.extents().iter().chain([&shape.0[axis]]).cloned().collect(),
        axes: (0..shape.rank()).map(|k| View::axis_or_start((k == axis).then_some(rank))).collect(),
    };
    let own = indices::along(shape, axis, site);
    NodeRef::new(NodeKind::Take(own, index.clone(), map), DType::I64, index.shape.clone(), site)
}

impl<'a, T: Element> Expr<'a, T> {
    /// The elements at computed indices along an axis, in whose place the axes of the indices come: NumPy's `take`, and
    /// `x[indices]` for axis 0.
    ///
    /// Negative indices count from the end. One that is out of range makes the run fail before anything is written: all
    /// indices are computed twice, once to be checked.
    ///
    /// ```
    /// use elide::lazy;
    /// let (v, k) = ([10.0, 20.0, 30.0], [2i64, 0, -1, 1]);
    /// let x: Vec<f64> = lazy(&v).take(lazy(&k), 0).eval()?;
    /// assert_eq!(x, [30.0, 10.0, 30.0, 20.0]);
    /// # elide::Result::<()>::Ok(())
    /// ```
    #[doc(alias = "gather")]
    #[doc(alias = "select")]
    #[track_caller]
    pub fn take<I: Integer>(&self, indices: impl IntoExpr<'a, I>, axis: impl Into<Axis>) -> Self {
        Expr::from_node(take(&self.node, &indices.into_expr().node, axis.into(), Some(Site::caller())))
    }

    /// The elements at points: one array of indices for each of the first axes. They broadcast against each other, and their shape
    /// comes in the place of these axes: NumPy's `x[i, j]`. See [`take`](Expr::take) for indices out of range.
    ///
    /// ```
    /// use elide::{Array, lazy};
    /// let a = Array::new(&[2, 3], vec![0, 1, 2, 10, 11, 12])?;
    /// let (i, j) = ([0i64, 1, -1], [2i64, 0, 1]);
    /// let x: Vec<i32> = lazy(&a).take_points(&[lazy(&i), lazy(&j)]).eval()?;
    /// assert_eq!(x, [2, 10, 11]);
    /// # elide::Result::<()>::Ok(())
    /// ```
    #[track_caller]
    pub fn take_points<I: Integer>(&self, indices: &[Expr<'a, I>]) -> Self {
        let nodes: Vec<NodeRef> = indices.iter().map(|i| i.node.clone()).collect();
        Expr::from_node(points(&self.node, &nodes, Some(Site::caller())))
    }

    /// For each index along an axis the element there, at the same place along all other axes: what turns the result of an
    /// `argsort` into sorted values. The other axes broadcast. See [`take`](Expr::take) for indices out of range.
    #[track_caller]
    pub fn take_along_axis<I: Integer>(&self, indices: impl IntoExpr<'a, I>, axis: impl Into<Axis>) -> Self {
        Expr::from_node(take_along_axis(&self.node, &indices.into_expr().node, axis.into(), Some(Site::caller())))
    }
}

/// A literal integer is an `i64`.
pub(crate) fn operand(index: DynOperand<'_>) -> NodeRef {
    match index {
        DynOperand::Expr(x) => x.into_node(),
        DynOperand::Weak(Weak::Bool(x)) => infer::constant(Scalar::Bool(x), None),
        DynOperand::Weak(Weak::Float(x)) => infer::constant(Scalar::F64(x), None),
        DynOperand::Weak(Weak::Complex(z)) => infer::constant(Scalar::C128(z), None),
        // Beyond 64 bits it is out of range for every axis.
        DynOperand::Weak(Weak::Int(k)) => infer::constant(Scalar::I64(i64::try_from(k).unwrap_or(i64::MAX)), None),
    }
}

impl<'a> DynExpr<'a> {
    /// The elements at computed indices along an axis; see [`Expr::take`].
    #[track_caller]
    pub fn take(&self, indices: impl Into<DynOperand<'a>>, axis: impl Into<Axis>) -> Self {
        DynExpr::from_node(take(&self.node, &operand(indices.into()), axis.into(), Some(Site::caller())))
    }

    /// The elements at points; see [`Expr::take_points`].
    #[track_caller]
    pub fn take_points(&self, indices: &[DynExpr<'a>]) -> Self {
        let nodes: Vec<NodeRef> = indices.iter().map(|i| i.node().clone()).collect();
        DynExpr::from_node(points(&self.node, &nodes, Some(Site::caller())))
    }

    /// For each index along an axis the element there; see [`Expr::take_along_axis`].
    #[track_caller]
    pub fn take_along_axis(&self, indices: impl Into<DynOperand<'a>>, axis: impl Into<Axis>) -> Self {
        DynExpr::from_node(take_along_axis(&self.node, &operand(indices.into()), axis.into(), Some(Site::caller())))
    }
}
