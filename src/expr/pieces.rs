//! Arrays put together from pieces: assignment to a region, and everything that joins, repeats or pads.
//!
//! All of it is one kind of node, a list of regions with their values. Nothing here moves an element: whether a piece is ever
//! stored is decided by the optimizer and the scheduler.

use std::marker::PhantomData;

use smallvec::smallvec;

use crate::dtype::{DType, Element, Field, Number, Ring};
use crate::error::{Error, ErrorKind, Result, Site, bail};
use crate::expr::axes::Axis;
use crate::expr::infer::{At, constant_or_stretched, describe, failed, inherited, is_error, or_error};
use crate::expr::node::{NodeKind, NodeRef};
use crate::expr::promote::{self, DynOperand};
use crate::expr::{DynExpr, Expr, IntoExpr, infer};
use crate::ops::BinaryOp;
use crate::shape::{Equation, Joined, Shape, equate};
use crate::size::Size;
use crate::view::{AxisMap, Slice, View};

/// `base` with `value`, stretched to the region's shape, in a region of it. Both have one element type.
pub(crate) fn assign(base: &NodeRef, region: &View, value: &NodeRef, site: At) -> NodeRef {
    if let Some(bad) = inherited(&[base, value]) {
        return bad.clone();
    }
    let made = (|| {
        if base.dtype != value.dtype {
            bail!(DType, "the element types differ");
        }
        let value = fitted(value, &region.shape, site)?;
        let whole = View::identity(&base.shape);
        let parts =
            if region.is_identity(&base.shape) { vec![(value, whole)] } else { vec![(base.clone(), whole), (value, region.clone())] };
        Ok(NodeRef::new(NodeKind::Pieces(parts), base.dtype, base.shape.clone(), site))
    })();
    or_error(made, base.dtype, site, || format!("assignment of {} to {} of {}", describe(value), region.shape, describe(base)))
}

/// A value as it is assigned to elements of this shape.
#[cfg(feature = "text")]
pub(crate) fn stretched(value: &NodeRef, shape: &Shape, site: At) -> NodeRef {
    if let Some(bad) = inherited(&[value]) {
        return bad.clone();
    }
    or_error(fitted(value, shape, site), value.dtype, site, || format!("assignment of {} to {shape} elements", describe(value)))
}

fn fitted(value: &NodeRef, shape: &Shape, site: At) -> Result<NodeRef> {
    constant_or_stretched(&without_leading_ones(value, shape.rank(), site), shape, site)
}

/// NumPy lets a value have more axes than the region if the first ones have extent 1.
fn without_leading_ones(value: &NodeRef, rank: usize, site: At) -> NodeRef {
    let extra = value.shape.rank().saturating_sub(rank);
    if extra == 0 || value.shape.0[..extra].iter().any(|n| *n != Size::ONE) {
        return value.clone();
    }
    let items: Vec<Slice> = std::iter::repeat_n(Slice::Index(0), extra).collect();
    infer::slice(value, &items, site)
}

/// The region of `base` at a slicing expression.
pub(crate) fn region(base: &NodeRef, items: &[Slice]) -> Result<View> {
    View::slice(&base.shape, items)
}

/// `base` seen through a map, if the equations hold.
pub(crate) fn through(base: &NodeRef, map: &View, equations: &[Equation], site: At) -> NodeRef {
    if map.is_identity(&base.shape) {
        return base.clone();
    }
    NodeRef::with_equations(NodeKind::View(base.clone(), map.clone()), base.dtype, map.shape.clone(), site, equations.to_vec())
}

/// `node`, if the equations hold.
#[cfg(feature = "text")]
pub(crate) fn under(node: &NodeRef, equations: &[Equation]) -> NodeRef {
    if equations.is_empty() {
        return node.clone();
    }
    let same = NodeKind::View(node.clone(), View::identity(&node.shape));
    NodeRef::with_equations(same, node.dtype, node.shape.clone(), node.site(), equations.to_vec())
}

/// The map by which `node` shows elements of `base`, if it is nothing but views of it.
#[cfg(any(feature = "text", feature = "testing", test))]
pub(crate) fn view_of(node: &NodeRef, base: &NodeRef) -> Option<View> {
    let mut map = View::identity(&node.shape);
    let mut at = node;
    while !at.same(base) {
        let NodeKind::View(source, view) = &at.kind else { return None };
        map = view.then(&map);
        at = source;
    }
    Some(map)
}

/// A part of an array to be: the region from `offset` on along one axis, of the value's shape.
fn along(shape: &Shape, axis: usize, offset: &Size, value: &Shape) -> View {
    let mut region = View::identity(shape);
    region.shape = value.clone();
    region.axes[axis].offset = offset.clone();
    region
}

/// Joined along an existing axis: NumPy's `concatenate`. The other extents must be equal. `dtype` is that of all parts.
pub(crate) fn joined(parts: &[NodeRef], dtype: DType, axis: Axis, site: At) -> NodeRef {
    let Some(first) = parts.first() else {
        return failed(Error::new(ErrorKind::Shape, "concatenate needs at least one array"), dtype, site);
    };
    if let Some(bad) = inherited(&parts.iter().collect::<Vec<_>>()) {
        return bad.clone();
    }
    let made = (|| {
        let axis = axis.index(first.shape.rank())?;
        let (mut shape, mut equations, mut total) = (first.shape.clone(), Vec::new(), Size::ZERO);
        for part in parts {
            if part.dtype != first.dtype {
                bail!(DType, "the element types differ: {} and {}", first.dtype, part.dtype);
            }
            if part.shape.rank() != shape.rank() {
                bail!(Shape, "shapes {} and {} have different numbers of axes", first.shape, part.shape);
            }
            for k in (0..shape.rank()).filter(|k| *k != axis) {
                equations.extend(same_extent(&mut shape.0[k], &part.shape.0[k], k)?);
            }
            total = total.add(&part.shape.0[axis]);
        }
        shape.0[axis] = total;
        let (mut list, mut offset) = (Vec::new(), Size::ZERO);
        for part in parts {
            let mut extents = shape.clone();
            extents.0[axis] = part.shape.0[axis].clone();
            list.push((constant_or_stretched(part, &extents, site)?, along(&shape, axis, &offset, &extents)));
            offset = offset.add(&part.shape.0[axis]);
        }
        Ok(NodeRef::with_equations(NodeKind::Pieces(list), first.dtype, shape, site, equations))
    })();
    or_error(made, first.dtype, site, || format!("concatenate of {}", parts.iter().map(describe).collect::<Vec<_>>().join(", ")))
}

fn same_extent(slot: &mut Size, other: &Size, axis: usize) -> Result<Option<Equation>> {
    match equate(slot, other) {
        Joined::Same(_) => Ok(None),
        Joined::If(known, equation) => {
            *slot = known;
            Ok(Some(equation))
        }
        Joined::Never => bail!(Shape, "extents {slot} and {other} differ on axis {axis}"),
    }
}

/// Joined along a new axis: NumPy's `stack`.
pub(crate) fn stacked(parts: &[NodeRef], dtype: DType, axis: Axis, site: At) -> NodeRef {
    let longer: Vec<NodeRef> = parts.iter().map(|p| infer::insert_axis(p, axis, site)).collect();
    joined(&longer, dtype, axis, site)
}

/// Elements moved along an axis, those past the end to the start: NumPy's `roll` by a number.
pub(crate) fn roll(a: &NodeRef, shift: isize, axis: Axis, site: At) -> NodeRef {
    if is_error(a) {
        return a.clone();
    }
    let made = axis.index(a.shape.rank()).map(|axis| {
        let n = &a.shape.0[axis];
        let shift = Size::from(shift as i64);
        // The shift modulo the extent; an empty axis is divided by one.
        let by = match n.as_const() {
            Some(0 | 1) => Size::ZERO,
            _ => {
                let modulus = n.sub(&Size::ONE).max0().add(&Size::ONE);
                shift.sub(&shift.floor_div(&modulus).mul(&modulus))
            }
        };
        if by == Size::ZERO {
            return a.clone();
        }
        let kept = n.sub(&by).max0();
        let part = |offset: &Size, extent: &Size| {
            let mut view = View::identity(&a.shape);
            view.shape.0[axis] = extent.clone();
            view.axes[axis].offset = offset.clone();
            view
        };
        let wrapped = n.lesser(&by);
        let value = |view: View| NodeRef::new(NodeKind::View(a.clone(), view.clone()), a.dtype, view.shape, site);
        let parts = vec![(value(part(&kept, &wrapped)), part(&Size::ZERO, &wrapped)), (value(part(&Size::ZERO, &kept)), part(&by, &kept))];
        NodeRef::new(NodeKind::Pieces(parts), a.dtype, a.shape.clone(), site)
    });
    or_error(made, a.dtype, site, || format!("roll of {}", describe(a)))
}

/// `count` copies of the array along each axis in turn (`tile`), or of each element (`repeat`): the copies are an axis of a
/// broadcast, which the region merges with the axis it runs beside.
fn copies(a: &NodeRef, count: usize, axis: usize, inner: bool, site: At) -> NodeRef {
    let n = a.shape.0[axis].clone();
    let mut view = View { shape: a.shape.clone(), axes: Default::default() };
    view.shape.0.insert(axis + usize::from(inner), Size::from(count));
    for k in 0..a.shape.rank() {
        let to = if k > axis || (k == axis && !inner) { k + 1 } else { k };
        view.axes.push(AxisMap { offset: Size::ZERO, terms: smallvec![(to as u32, Size::ONE)] });
    }
    let mut shape = a.shape.clone();
    shape.0[axis] = n.scale(count as i64);
    let mut region = View { shape: view.shape.clone(), axes: Default::default() };
    for k in 0..shape.rank() {
        let (outer, step) = (k + usize::from(k > axis), if inner { Size::from(count) } else { n.clone() });
        region.axes.push(if k == axis {
            AxisMap { offset: Size::ZERO, terms: smallvec![(axis as u32, step), (axis as u32 + 1, Size::ONE)] }
        } else {
            AxisMap { offset: Size::ZERO, terms: smallvec![(outer as u32, Size::ONE)] }
        });
    }
    let value = NodeRef::new(NodeKind::View(a.clone(), view.clone()), a.dtype, view.shape, site);
    NodeRef::new(NodeKind::Pieces(vec![(value, region)]), a.dtype, shape, site)
}

/// Each element `count` times along an axis.
pub(crate) fn repeat(a: &NodeRef, count: usize, axis: Axis, site: At) -> NodeRef {
    if is_error(a) {
        return a.clone();
    }
    let made = axis.index(a.shape.rank()).map(|axis| match count {
        1 => a.clone(),
        _ => copies(a, count, axis, true, site),
    });
    or_error(made, a.dtype, site, || format!("repeat of {}", describe(a)))
}

/// The array `counts` times along its axes; missing axes come first.
pub(crate) fn tile(a: &NodeRef, counts: &[usize], site: At) -> NodeRef {
    if is_error(a) {
        return a.clone();
    }
    let mut out = a.clone();
    for _ in a.shape.rank()..counts.len() {
        out = infer::insert_axis(&out, Axis(0), site);
    }
    let first = out.shape.rank() - counts.len();
    for (k, &count) in counts.iter().enumerate().filter(|(_, c)| **c != 1) {
        out = copies(&out, count, first + k, false, site);
    }
    out
}

/// What lies around a padded array.
#[derive(Clone, Debug, PartialEq)]
pub enum Pad<T> {
    /// One value.
    Constant(T),
    /// The nearest element of the array.
    Edge,
    /// The array mirrored at its ends, which are not repeated.
    Reflect,
    /// The array again, as if it were a ring.
    Wrap,
}

/// One axis padded. `before` and `after` count elements; `fill` is the value of `Pad::Constant`.
pub(crate) fn pad(a: &NodeRef, mode: &Pad<NodeRef>, axis: Axis, before: usize, after: usize, site: At) -> NodeRef {
    if is_error(a) || before + after == 0 {
        return a.clone();
    }
    let made = (|| {
        let axis = axis.index(a.shape.rank())?;
        let n = &a.shape.0[axis];
        let least = match mode {
            Pad::Constant(_) => 0,
            Pad::Edge => 1,
            Pad::Reflect => before.max(after) as i64 + 1,
            Pad::Wrap => before.max(after) as i64,
        };
        let lacking = Size::from(least).sub(n).max0();
        if let Some(have) = n.as_const()
            && have < least
        {
            bail!(Shape, "axis {axis} has {have} elements, but padding it by {before} and {after} so needs at least {least}");
        }
        let equations = if lacking == Size::ZERO { Vec::new() } else { vec![Equation(lacking, Size::ZERO)] };
        // `count` elements of the array along the axis, from `first` on, by `step`.
        let piece = |first: Size, step: i64, count: &Size| {
            let mut view = View::identity(&a.shape);
            view.shape.0[axis] = count.clone();
            let terms = if step == 0 { smallvec![] } else { smallvec![(axis as u32, Size::from(step))] };
            view.axes[axis] = AxisMap { offset: first, terms };
            let shape = view.shape.clone();
            NodeRef::new(NodeKind::View(a.clone(), view), a.dtype, shape, site)
        };
        let (low, high) = (Size::from(before), Size::from(after));
        let last = n.sub(&Size::ONE);
        let (left, right) = match mode {
            Pad::Constant(value) => {
                let side = |count: &Size| {
                    let mut shape = a.shape.clone();
                    shape.0[axis] = count.clone();
                    constant_or_stretched(value, &shape, site)
                };
                (side(&low)?, side(&high)?)
            }
            Pad::Edge => (piece(Size::ZERO, 0, &low), piece(last, 0, &high)),
            Pad::Reflect => (piece(low.clone(), -1, &low), piece(last.sub(&Size::ONE), -1, &high)),
            Pad::Wrap => (piece(n.sub(&low), 1, &low), piece(Size::ZERO, 1, &high)),
        };
        let mut shape = a.shape.clone();
        shape.0[axis] = n.add(&low).add(&high);
        let mut parts = Vec::new();
        for (value, offset, extent) in [(left, Size::ZERO, low.clone()), (a.clone(), low.clone(), n.clone()), (right, low.add(n), high)] {
            if extent != Size::ZERO {
                let mut inner = a.shape.clone();
                inner.0[axis] = extent;
                parts.push((value, along(&shape, axis, &offset, &inner)));
            }
        }
        Ok(NodeRef::with_equations(NodeKind::Pieces(parts), a.dtype, shape, site, equations))
    })();
    or_error(made, a.dtype, site, || format!("pad of {}", describe(a)))
}

/// A region of an expression, to make an expression that differs there; see [`Expr::at`].
#[must_use = "a region does nothing until it is set"]
pub struct Region<E> {
    base: NodeRef,
    /// The map, or the mistake in it.
    region: std::result::Result<View, NodeRef>,
    marker: PhantomData<E>,
}

impl<E> Region<E> {
    pub(super) fn new(base: &NodeRef, items: &[Slice], site: At) -> Region<E> {
        let made = if is_error(base) { Err(base.clone()) } else { region(base, items).map_err(|e| mistaken(base, e, site)) };
        Region { base: base.clone(), region: made, marker: PhantomData }
    }

    /// All of `base`.
    pub(super) fn whole(base: &NodeRef) -> Region<E> {
        let region = if is_error(base) { Err(base.clone()) } else { Ok(View::identity(&base.shape)) };
        Region { base: base.clone(), region, marker: PhantomData }
    }

    /// The same region of another array of the same type and shape, or of one with a mistake in it.
    pub(super) fn rebase(&self, base: &NodeRef) -> Region<E> {
        let region = if is_error(base) { Err(base.clone()) } else { self.region.clone() };
        Region { base: base.clone(), region, marker: PhantomData }
    }

    fn set_node(&self, value: &NodeRef, site: At) -> NodeRef {
        match &self.region {
            Ok(view) => assign(&self.base, view, value, site),
            Err(bad) => bad.clone(),
        }
    }

    fn get_node(&self, site: At) -> NodeRef {
        match &self.region {
            Ok(view) => through(&self.base, view, &[], site),
            Err(bad) => bad.clone(),
        }
    }
}

fn mistaken(base: &NodeRef, error: Error, site: At) -> NodeRef {
    or_error(Err(error), base.dtype, site, || format!("region of {}", describe(base)))
}

macro_rules! typed_updates {
    ($($(#[$doc:meta])* $name:ident $Op:ident $Class:ident;)*) => { $(
        impl<'a, T: $Class> Region<Expr<'a, T>> {
            $(#[$doc])*
            #[allow(clippy::should_implement_trait, reason = "it returns the whole array, not the region")]
            #[track_caller]
            pub fn $name(self, value: impl IntoExpr<'a, T>) -> Expr<'a, T> {
                let site = Some(Site::caller());
                let value = infer::binary(BinaryOp::$Op, &self.get_node(site), &value.into_expr().node, site);
                Expr::from_node(self.set_node(&value, site))
            }
        }
    )* };
}
typed_updates! {
    /// The whole array with `value` added in the region (`+=`).
    add Add Ring;
    /// The whole array with `value` subtracted in the region (`-=`).
    sub Sub Ring;
    /// The whole array with the region multiplied by `value` (`*=`).
    mul Mul Ring;
    /// The whole array with the region divided by `value` (`/=`).
    div Div Field;
    /// The whole array with nothing above `value` in the region.
    minimum Min Number;
    /// The whole array with nothing below `value` in the region.
    maximum Max Number;
}

impl<'a, T: Element> Region<Expr<'a, T>> {
    /// The whole array with `value` in the region. The value broadcasts.
    #[track_caller]
    pub fn set(self, value: impl IntoExpr<'a, T>) -> Expr<'a, T> {
        Expr::from_node(self.set_node(&value.into_expr().node, Some(Site::caller())))
    }

    /// The region as it is: what `slice` gives.
    #[track_caller]
    pub fn get(&self) -> Expr<'a, T> {
        Expr::from_node(self.get_node(Some(Site::caller())))
    }

    /// The whole array with `value` in the region where `mask` is true (`x[mask] = value`).
    #[track_caller]
    pub fn set_where(self, mask: impl IntoExpr<'a, bool>, value: impl IntoExpr<'a, T>) -> Expr<'a, T> {
        let site = Some(Site::caller());
        let value = infer::select(&mask.into_expr().node, &value.into_expr().node, &self.get_node(site), site);
        Expr::from_node(self.set_node(&value, site))
    }
}

impl<'a> Region<DynExpr<'a>> {
    /// The whole array with `value`, converted to the array's element type, in the region. The value broadcasts.
    #[track_caller]
    pub fn set(self, value: impl Into<DynOperand<'a>>) -> DynExpr<'a> {
        let site = Some(Site::caller());
        DynExpr::from_node(match promote::stored(&value.into(), self.base.dtype, site) {
            Ok(value) => self.set_node(&value, site),
            Err(error) => mistaken(&self.base, error, site),
        })
    }

    /// The region as it is: what `slice` gives.
    #[track_caller]
    pub fn get(&self) -> DynExpr<'a> {
        DynExpr::from_node(self.get_node(Some(Site::caller())))
    }

    /// The whole array with `region op value` in the region, converted to the array's element type.
    #[track_caller]
    pub fn update(self, op: BinaryOp, value: impl Into<DynOperand<'a>>) -> DynExpr<'a> {
        let site = Some(Site::caller());
        let old: DynOperand<'a> = DynExpr::from_node(self.get_node(site)).into();
        let value = promote::binary(op, &old, &value.into(), site);
        DynExpr::from_node(self.set_node(&infer::cast(&value, self.base.dtype, site), site))
    }
}

impl<'a, T: Element> Expr<'a, T> {
    /// The region at a slicing expression, to make the array that differs from this one there.
    ///
    /// Nothing is copied by it: a chain of assignments becomes one loop over each region.
    ///
    /// ```
    /// use elide::{Expr, lazy, s};
    /// let v = [1.0, 2.0, 3.0, 4.0];
    /// let x = &lazy(&v);
    /// let y: Vec<f64> = Expr::zeros([4]).at(s![1..]).set(x.slice(s![..-1])).at(s![0]).add(10.0).eval()?;
    /// assert_eq!(y, [10.0, 1.0, 2.0, 3.0]);
    /// # elide::Result::<()>::Ok(())
    /// ```
    #[track_caller]
    pub fn at(&self, items: impl AsRef<[Slice]>) -> Region<Expr<'a, T>> {
        Region::new(&self.node, items.as_ref(), Some(Site::caller()))
    }

    /// Surrounded by `before` and `after` elements along an axis.
    #[track_caller]
    pub fn pad(&self, axis: impl Into<Axis>, before: usize, after: usize, mode: Pad<T>) -> Self {
        let site = Some(Site::caller());
        let mode = match mode {
            Pad::Constant(x) => Pad::Constant(infer::constant(x.into(), site)),
            Pad::Edge => Pad::Edge,
            Pad::Reflect => Pad::Reflect,
            Pad::Wrap => Pad::Wrap,
        };
        Expr::from_node(pad(&self.node, &mode, axis.into(), before, after, site))
    }
}

impl<'a> DynExpr<'a> {
    /// The region at a slicing expression, to make the array that differs from this one there; see [`Expr::at`].
    #[track_caller]
    pub fn at(&self, items: impl AsRef<[Slice]>) -> Region<DynExpr<'a>> {
        Region::new(&self.node, items.as_ref(), Some(Site::caller()))
    }
}

/// Arrays joined along an axis that they have; the other extents must be equal.
///
/// ```
/// use elide::{concatenate, lazy, s};
/// let v = [1.0, 2.0, 3.0];
/// let x = lazy(&v);
/// let y: Vec<f64> = concatenate(&[x.slice(s![1..]), x.slice(s![..1])], 0).eval()?;
/// assert_eq!(y, [2.0, 3.0, 1.0]);
/// # elide::Result::<()>::Ok(())
/// ```
#[doc(alias = "vstack")]
#[doc(alias = "hstack")]
#[track_caller]
pub fn concatenate<'a, T: Element>(parts: &[Expr<'a, T>], axis: impl Into<Axis>) -> Expr<'a, T> {
    let nodes: Vec<NodeRef> = parts.iter().map(|p| p.node.clone()).collect();
    Expr::from_node(joined(&nodes, T::DTYPE, axis.into(), Some(Site::caller())))
}

/// Arrays of one shape joined along a new axis, which is axis `axis` of the result.
#[track_caller]
pub fn stack<'a, T: Element>(parts: &[Expr<'a, T>], axis: impl Into<Axis>) -> Expr<'a, T> {
    let nodes: Vec<NodeRef> = parts.iter().map(|p| p.node.clone()).collect();
    Expr::from_node(stacked(&nodes, T::DTYPE, axis.into(), Some(Site::caller())))
}
