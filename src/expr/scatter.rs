//! Arrays changed at computed indices, and what is counted by it: `bincount`, `histogram`; and `one_hot`, which needs no memory.
//!
//! The node underneath is one, [`NodeKind::Scatter`]: a base, values, and indices that say where each value goes, one after another
//! in C order. Values and indices are computed where they are written; no memory holds them.

use std::marker::PhantomData;

use crate::dtype::{DType, Element, Float, Integer, Number, Ring, Scalar};
use crate::error::{Error, ErrorKind, Result, Site, bail};
use crate::expr::axes::{Axis, Extent, requested_shape};
use crate::expr::complex;
use crate::expr::infer::{self, At, binary, cast, constant, constant_or_stretched, describe, failed, inherited, or_error, select};
use crate::expr::node::{Bounds, NodeKind, NodeRef};
use crate::expr::promote::{self, DynOperand};
use crate::expr::take::{self, Taken, operand};
use crate::expr::{DynExpr, Expr, IntoExpr, indices};
use crate::ops::{BinaryOp, UnaryOp};
use crate::shape::{Joined, equate};
use crate::size::Size;
use crate::view::View;

/// `base` with `value` written to the elements that `taken` says, in C order; both have one element type.
fn scatter(base: &NodeRef, taken: &Taken, op: Option<BinaryOp>, value: &NodeRef, bounds: Bounds, site: At) -> NodeRef {
    if let Some(bad) = inherited(&[base, value]) {
        return bad.clone();
    }
    let made = (|| {
        if base.dtype != value.dtype {
            bail!(DType, "the element types differ");
        }
        if let Some(op) = op.filter(|_| base.dtype.is_half()) {
            let error =
                Error::new(ErrorKind::Unsupported, format!("`{}` of {} cannot be applied at computed indices", op.name(), base.dtype));
            return Err(error.help("convert to f32 first, and the result back"));
        }
        let (part, complex) = (base.dtype.part(), base.dtype.is_complex());
        // Of complex numbers each part goes by itself.
        let applies = |op: BinaryOp| match complex {
            true => matches!(op, BinaryOp::Add | BinaryOp::Sub),
            false => op.result(part) == Some(part) && !op.is_expanded(part.class()),
        };
        if let Some(op) = op.filter(|op| !applies(*op)) {
            let error =
                Error::new(ErrorKind::Unsupported, format!("`{}` of {} cannot be applied at computed indices", op.name(), base.dtype));
            return Err(error.help(if complex { "add and sub can be" } else { "add, sub, mul, minimum and maximum can be" }));
        }
        let value = constant_or_stretched(value, &taken.shape, site)?;
        let kind = NodeKind::Scatter { base: base.clone(), value, index: taken.index.clone(), op, map: taken.map.clone(), bounds };
        Ok(NodeRef::with_equations(kind, base.dtype, base.shape.clone(), site, taken.equations.clone()))
    })();
    let what = || format!("{} at {} indices of {}", describe(value), taken.shape, describe(base));
    or_error(made, base.dtype, site, what)
}

fn zeros(extents: impl IntoIterator<Item = Extent>, dtype: DType, site: At) -> NodeRef {
    infer::broadcast(&constant(Scalar::zero(dtype), site), extents, site)
}

/// How often each number below `n` occurs in `index`, or the sum of the weights there.
fn bincount(index: &NodeRef, weights: &NodeRef, n: Extent, site: At) -> NodeRef {
    let base = zeros([n], weights.dtype, site);
    if let Some(bad) = inherited(&[index, weights, &base]) {
        return bad.clone();
    }
    match take::taken(&base, index, Axis(0), site) {
        Ok(taken) => scatter(&base, &taken, Some(BinaryOp::Add), weights, Bounds::FromStart, site),
        Err(error) => or_error(Err(error), weights.dtype, site, || format!("bincount of {}", describe(index))),
    }
}

/// The first and the last edge of a histogram over a range, which may be a single number.
pub(crate) fn outer_edges((low, high): (f64, f64)) -> (f64, f64) {
    if low == high { (low - 0.5, high + 0.5) } else { (low, high) }
}

/// NumPy's `histogram` of `x` in uniform bins: its own arithmetic, step by step, but for the index staying a float to the end. Halves are
/// counted as `f32`.
fn histogram(x: &NodeRef, bins: usize, (low, high): (f64, f64), site: At) -> NodeRef {
    if let Some(bad) = inherited(&[x]) {
        return bad.clone();
    }
    if let Some(bad) = complex::refused("histogram", x, site) {
        return bad;
    }
    let made = (|| {
        let x = cast(x, if x.dtype.is_float() { x.dtype.computed_in() } else { DType::F64 }, site);
        let (dtype, count) = (x.dtype, bins as f64);
        if bins == 0 {
            bail!(Shape, "a histogram needs at least one bin");
        }
        if !(low.is_finite() && high.is_finite() && low <= high) {
            bail!(Shape, "a histogram needs a finite range from a lower to a higher number, not {low:?} to {high:?}");
        }
        let (low, high) = outer_edges((low, high));
        let step = (high - low) / count;
        let grain = if dtype == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON };
        if !step.is_finite() || step <= grain * low.abs().max(high.abs()) {
            bail!(Shape, "{bins} bins between {low:?} and {high:?} are more than {dtype} can tell apart");
        }
        let number = |x: f64, dtype: DType| constant(Scalar::F64(x).cast(dtype), site);
        let apply = |op, a: &NodeRef, b: &NodeRef| binary(op, a, b, site);
        let wide = |x: f64| number(x, DType::F64);
        let keep = apply(BinaryOp::And, &apply(BinaryOp::Ge, &x, &number(low, dtype)), &apply(BinaryOp::Le, &x, &number(high, dtype)));
        // The edge before bin `k`, as `linspace` has it but for the last one, which nothing is compared with.
        let edge = |k: &NodeRef| {
            let edge = apply(BinaryOp::Add, &apply(BinaryOp::Mul, k, &wide(step)), &wide(low));
            cast(&edge, dtype, site)
        };
        let above = cast(&apply(BinaryOp::Sub, &x, &number(low, dtype)), DType::F64, site);
        let scaled = apply(BinaryOp::Mul, &apply(BinaryOp::Div, &above, &wide(high - low)), &wide(count));
        let k = apply(BinaryOp::Min, &infer::unary(UnaryOp::Trunc, &scaled, site), &wide(count - 1.0));
        // Rounding may have put it one bin too high or too low.
        let k = select(&apply(BinaryOp::Lt, &x, &edge(&k)), &apply(BinaryOp::Sub, &k, &wide(1.0)), &k, site);
        let next = apply(BinaryOp::Add, &k, &wide(1.0));
        let beyond = apply(BinaryOp::And, &apply(BinaryOp::Ge, &x, &edge(&next)), &apply(BinaryOp::Ne, &k, &wide(count - 1.0)));
        let k = select(&keep, &select(&beyond, &next, &k, site), &wide(0.0), site);
        let base = zeros([Extent::from(bins)], DType::I64, site);
        let taken = take::taken(&base, &cast(&k, DType::I64, site), Axis(0), site)?;
        // What is outside adds nothing.
        let one = cast(&keep, DType::I64, site);
        Ok(scatter(&base, &taken, Some(BinaryOp::Add), &one, Bounds::Known, site))
    })();
    or_error(made, DType::I64, site, || format!("histogram of {}", describe(x)))
}

/// The elements of `x` where `mask` is true, in C order, then zeros; and how many they are.
pub(crate) fn packed(x: &NodeRef, mask: &NodeRef, site: At) -> (NodeRef, NodeRef) {
    let bad = |bad: &NodeRef| (bad.clone(), bad.clone());
    if let Some(error) = inherited(&[x, mask]) {
        return bad(error);
    }
    let made = (|| {
        if mask.dtype != DType::Bool {
            bail!(DType, "the mask must be bool, not {}", mask.dtype);
        }
        let mut equations = Vec::new();
        let fits = |(n, m): (&Size, &Size)| match equate(n, m) {
            Joined::Same(_) => true,
            // A mask does not stretch.
            Joined::If(_, equation) if *n != Size::ONE && *m != Size::ONE => {
                equations.push(equation);
                true
            }
            _ => false,
        };
        if x.shape.rank() != mask.shape.rank() || !x.shape.0.iter().zip(&mask.shape.0).all(fits) {
            bail!(Shape, "the mask must have the array's shape");
        }
        let shape = &x.shape;
        // Values and mask may have one shape under two names.
        let (value, mask) = (x.clone(), infer::broadcast_to(mask, shape, site)?);
        let all = shape.size();
        let scatter = |base: NodeRef, value: NodeRef, index: NodeRef, op, picked: Size, axes, bounds| {
            let map = View { shape: shape.extents().iter().cloned().chain([picked]).collect(), axes };
            let (dtype, out) = (base.dtype, base.shape.clone());
            let kind = NodeKind::Scatter { base, value, index, op, map, bounds };
            NodeRef::with_equations(kind, dtype, out, site, equations.clone())
        };
        let base = zeros([Extent::from(all.clone())], x.dtype, site);
        let along = [View::axis_or_start(Some(shape.rank()))].into_iter().collect();
        let values = scatter(base, value, mask.clone(), None, all, along, Bounds::Counted);
        // Counted beside it, in the same loop.
        let zero = constant(Scalar::I64(0), site);
        let one = cast(&mask, DType::I64, site);
        let count = scatter(zero.clone(), one, zero, Some(BinaryOp::Add), Size::ONE, Default::default(), Bounds::Known);
        Ok((values, count))
    })();
    made.unwrap_or_else(|e| bad(&or_error(Err(e), x.dtype, site, || format!("compress of {} by {}", describe(x), describe(mask)))))
}

/// The numbers in C order of the elements that are true.
pub(crate) fn places(mask: &NodeRef, site: At) -> (NodeRef, NodeRef) {
    if let Some(error) = inherited(&[mask]) {
        return (error.clone(), error.clone());
    }
    let mut number = constant(Scalar::I64(0), site);
    for (k, step) in mask.shape.c_strides().into_iter().enumerate() {
        let along = binary(BinaryOp::Mul, &indices::along(&mask.shape, k, site), &infer::size_of(step, site), site);
        number = binary(BinaryOp::Add, &number, &along, site);
    }
    packed(&number, mask, site)
}

/// Whether the index, which has a new last axis, is that of the element.
fn one_hot(index: &NodeRef, n: Extent, site: At) -> NodeRef {
    if let Some(bad) = inherited(&[index]) {
        return bad.clone();
    }
    let made = (|| {
        if !index.dtype.is_int() {
            bail!(DType, "an index must be an integer, not {}", index.dtype);
        }
        let (shape, inferred) = requested_shape([n])?;
        if inferred.is_some() {
            bail!(Shape, "an extent cannot be -1");
        }
        let column = infer::insert_axis(&cast(index, DType::I64, site), Axis(-1), site);
        Ok(binary(BinaryOp::Eq, &column, &indices::along(&shape, 0, site), site))
    })();
    or_error(made, DType::Bool, site, || format!("one_hot of {}", describe(index)))
}

/// The elements of an expression at computed indices, to make an expression that differs there; see [`Expr::at_indices`].
#[must_use = "elements do nothing until they are set"]
pub struct Indexed<E> {
    base: NodeRef,
    /// Where they are, or the mistake in that.
    taken: std::result::Result<Taken, NodeRef>,
    marker: PhantomData<E>,
}

impl<E> Indexed<E> {
    fn new(base: &NodeRef, index: &NodeRef, taken: impl FnOnce() -> Result<Taken>, site: At) -> Indexed<E> {
        let taken = match inherited(&[base, index]) {
            Some(bad) => Err(bad.clone()),
            None => {
                taken().map_err(|e| or_error(Err(e), base.dtype, site, || format!("elements of {} at {}", describe(base), describe(index))))
            }
        };
        Indexed { base: base.clone(), taken, marker: PhantomData }
    }

    /// Of the array with one axis in the place of those that the indices are along.
    #[cfg(feature = "text")]
    fn points(base: &NodeRef, indices: &[NodeRef], site: At) -> Indexed<E> {
        let all: Vec<&NodeRef> = std::iter::once(base).chain(indices).collect();
        let made = match inherited(&all) {
            Some(bad) => Err(bad.clone()),
            None => take::merged(base, indices, site)
                .and_then(|(a, index)| take::taken(&a, &index, Axis(0), site).map(|taken| (a, taken)))
                .map_err(|e| or_error(Err(e), base.dtype, site, || format!("elements of {} at points", describe(base)))),
        };
        match made {
            Ok((base, taken)) => Indexed { base, taken: Ok(taken), marker: PhantomData },
            Err(bad) => Indexed { base: base.clone(), taken: Err(bad), marker: PhantomData },
        }
    }

    fn write(&self, op: Option<BinaryOp>, value: &NodeRef, site: At) -> NodeRef {
        match &self.taken {
            Ok(taken) => scatter(&self.base, taken, op, value, Bounds::FromEnd, site),
            Err(bad) => bad.clone(),
        }
    }

    fn read(&self, site: At) -> NodeRef {
        match &self.taken {
            Ok(taken) => taken.node(&self.base, site),
            Err(bad) => bad.clone(),
        }
    }
}

/// The elements of an expression where a mask is true; see [`Expr::compress`].
pub struct Compressed<E> {
    pub(crate) values: NodeRef,
    pub(crate) count: NodeRef,
    marker: PhantomData<E>,
}

impl<E> Compressed<E> {
    fn new((values, count): (NodeRef, NodeRef)) -> Compressed<E> {
        Compressed { values, count, marker: PhantomData }
    }
}

impl<'a, T: Element> Compressed<Expr<'a, T>> {
    /// The elements that were selected, in C order, and zeros after them: an array of one axis, which has room for all.
    pub fn values(&self) -> Expr<'a, T> {
        Expr::from_node(self.values.clone())
    }

    /// How many were selected.
    pub fn count(&self) -> Expr<'a, i64> {
        Expr::from_node(self.count.clone())
    }
}

impl<'a> Compressed<DynExpr<'a>> {
    /// The elements that were selected, in C order, and zeros after them: an array of one axis, which has room for all.
    pub fn values(&self) -> DynExpr<'a> {
        DynExpr::from_node(self.values.clone())
    }

    /// How many were selected, an `i64`.
    pub fn count(&self) -> DynExpr<'a> {
        DynExpr::from_node(self.count.clone())
    }
}

macro_rules! typed_updates {
    ($($(#[$doc:meta])* $name:ident $Op:ident $Class:ident;)*) => { $(
        impl<'a, T: $Class> Indexed<Expr<'a, T>> {
            $(#[$doc])*
            #[allow(clippy::should_implement_trait, reason = "it returns the whole array, not the elements")]
            #[track_caller]
            pub fn $name(self, value: impl IntoExpr<'a, T>) -> Expr<'a, T> {
                Expr::from_node(self.write(Some(BinaryOp::$Op), &value.into_expr().node, Some(Site::caller())))
            }
        }
    )* };
}
typed_updates! {
    /// The whole array with each value added to its element, as often as the element occurs: NumPy's `np.add.at`.
    #[doc(alias = "scatter_add")]
    #[doc(alias = "index_add")]
    add Add Ring;
    /// The whole array with each value subtracted from its element: `np.subtract.at`.
    sub Sub Ring;
    /// The whole array with its elements multiplied by their values: `np.multiply.at`.
    mul Mul Number;
    /// The whole array with its elements divided by their values: `np.divide.at`.
    div Div Float;
    /// The whole array with no element above one of its values: `np.minimum.at`.
    minimum Min Number;
    /// The whole array with no element below one of its values: `np.maximum.at`.
    maximum Max Number;
}

impl<'a, T: Element> Indexed<Expr<'a, T>> {
    /// The whole array with the values in the place of the elements (`x[indices] = value`). Where an element occurs more than once,
    /// the value that is last in C order remains.
    #[doc(alias = "scatter")]
    #[doc(alias = "put")]
    #[track_caller]
    pub fn set(self, value: impl IntoExpr<'a, T>) -> Expr<'a, T> {
        Expr::from_node(self.write(None, &value.into_expr().node, Some(Site::caller())))
    }

    /// The elements as they are: what `take` or `take_along_axis` gives.
    #[track_caller]
    pub fn get(&self) -> Expr<'a, T> {
        Expr::from_node(self.read(Some(Site::caller())))
    }
}

impl<'a> Indexed<DynExpr<'a>> {
    /// The whole array with the values, converted to its element type, in the place of the elements. Where an element occurs more than
    /// once, the value that is last in C order remains.
    #[track_caller]
    pub fn set(self, value: impl Into<DynOperand<'a>>) -> DynExpr<'a> {
        self.applied(None, value.into(), Some(Site::caller()))
    }

    /// The elements as they are: what `take` or `take_along_axis` gives.
    #[track_caller]
    pub fn get(&self) -> DynExpr<'a> {
        DynExpr::from_node(self.read(Some(Site::caller())))
    }

    /// The whole array with `element op value` for each value, converted to its element type, as often as an element occurs: NumPy's
    /// `ufunc.at`. Operations whose result has another type, and those that expand to many (`pow`, `atan2`), are a mistake.
    #[track_caller]
    pub fn update(self, op: BinaryOp, value: impl Into<DynOperand<'a>>) -> DynExpr<'a> {
        self.applied(Some(op), value.into(), Some(Site::caller()))
    }

    fn applied(&self, op: Option<BinaryOp>, value: DynOperand<'a>, site: At) -> DynExpr<'a> {
        DynExpr::from_node(match promote::stored(&value, self.base.dtype, site) {
            Ok(value) => self.write(op, &value, site),
            Err(error) => failed(error, self.base.dtype, site),
        })
    }
}

impl<'a, T: Element> Expr<'a, T> {
    /// The elements at computed indices along an axis, to make the array that differs from this one there. Values have the shape of
    /// [`take`](Expr::take)'s result with the same indices, or stretch to it. They are written one after another in C order, so that
    /// the result is the same to the bit also where an element occurs more than once.
    ///
    /// Negative indices count from the end. One that is out of range makes the run fail before anything is written.
    ///
    /// ```
    /// use elide::{Expr, lazy};
    /// let (k, v) = ([2i64, 0, 2, -1], [1.0, 10.0, 100.0, 1000.0]);
    /// let sums: Vec<f64> = Expr::zeros([4]).at_indices(lazy(&k), 0).add(lazy(&v)).eval()?;
    /// assert_eq!(sums, [10.0, 0.0, 101.0, 1000.0]);
    /// let last: Vec<f64> = Expr::zeros([4]).at_indices(lazy(&k), 0).set(lazy(&v)).eval()?;
    /// assert_eq!(last, [10.0, 0.0, 100.0, 1000.0]);
    /// # elide::Result::<()>::Ok(())
    /// ```
    #[doc(alias = "scatter")]
    #[track_caller]
    pub fn at_indices<I: Integer>(&self, indices: impl IntoExpr<'a, I>, axis: impl Into<Axis>) -> Indexed<Expr<'a, T>> {
        let (index, axis, site) = (indices.into_expr().node, axis.into(), Some(Site::caller()));
        Indexed::new(&self.node, &index, || take::taken(&self.node, &index, axis, site), site)
    }

    /// As [`at_indices`](Expr::at_indices), with an index for each place along all other axes, which stretch: the elements that
    /// [`take_along_axis`](Expr::take_along_axis) gives.
    #[doc(alias = "put_along_axis")]
    #[track_caller]
    pub fn at_indices_along<I: Integer>(&self, indices: impl IntoExpr<'a, I>, axis: impl Into<Axis>) -> Indexed<Expr<'a, T>> {
        let (index, axis, site) = (indices.into_expr().node, axis.into(), Some(Site::caller()));
        Indexed::new(&self.node, &index, || take::taken_along(&self.node, &index, axis, site), site)
    }
}

impl<'a, T: Element> Expr<'a, T> {
    /// The elements where a mask of the same shape is true, in C order: NumPy's `x[mask]`.
    ///
    /// How many they are depends on the data, and shapes do not. So the elements are the first ones of an array that has room for all,
    /// and their number is a value of its own. Both are computed in one pass, together with the mask and `x`. Results can be evaluated to as
    /// many elements as there are; for a kernel, both are outputs.
    ///
    /// ```
    /// use elide::lazy;
    /// let v = [1.0, -2.0, 3.0, 0.5];
    /// let x = &lazy(&v);
    /// let large = (x * 10.0).compress(x.gt(0.75));
    /// assert_eq!(large.eval()?, [10.0, 30.0]);
    /// assert_eq!(large.values().eval::<Vec<f64>>()?, [10.0, 30.0, 0.0, 0.0]);
    /// assert_eq!(large.count().eval::<i64>()?, 2);
    /// # elide::Result::<()>::Ok(())
    /// ```
    ///
    /// A sum (or another reduction) of what is selected needs no such array: `mask.select(x, 0.0).sum()`.
    #[doc(alias = "extract")]
    #[doc(alias = "filter")]
    #[doc(alias = "boolean_mask")]
    #[track_caller]
    pub fn compress(&self, mask: impl IntoExpr<'a, bool>) -> Compressed<Expr<'a, T>> {
        Compressed::new(packed(&self.node, &mask.into_expr().node, Some(Site::caller())))
    }
}

impl<'a> Expr<'a, bool> {
    /// The numbers of the elements that are true, in C order; see [`compress`](Expr::compress).
    ///
    /// ```
    /// use elide::lazy;
    /// let v = [3.0, -1.0, 4.0];
    /// assert_eq!(lazy(&v).gt(0.0).flatnonzero().eval()?, [0, 2]);
    /// # elide::Result::<()>::Ok(())
    /// ```
    #[doc(alias = "nonzero")]
    #[doc(alias = "argwhere")]
    #[track_caller]
    pub fn flatnonzero(&self) -> Compressed<Expr<'a, i64>> {
        Compressed::new(places(&self.node, Some(Site::caller())))
    }
}

impl<'a, I: Integer> Expr<'a, I> {
    /// How often each number below `n` occurs. A number that is negative or not below `n` makes the run fail.
    ///
    /// ```
    /// use elide::lazy;
    /// let counts: Vec<i64> = lazy(&[1u8, 3, 1, 0]).bincount(5).eval()?;
    /// assert_eq!(counts, [1, 2, 0, 1, 0]);
    /// # elide::Result::<()>::Ok(())
    /// ```
    #[track_caller]
    pub fn bincount(&self, n: impl Into<Extent>) -> Expr<'a, i64> {
        let site = Some(Site::caller());
        Expr::from_node(bincount(&self.node, &constant(Scalar::I64(1), site), n.into(), site))
    }

    /// For each number below `n` the sum of the weights where it occurs, added in C order; see [`bincount`](Expr::bincount).
    #[track_caller]
    pub fn bincount_weighted<T: Number>(&self, weights: impl IntoExpr<'a, T>, n: impl Into<Extent>) -> Expr<'a, T> {
        Expr::from_node(bincount(&self.node, &weights.into_expr().node, n.into(), Some(Site::caller())))
    }

    /// Along a new last axis of `n` elements, one (`true`) at the index and zero elsewhere; all zeros where the index is not in
    /// `0 .. n`. It is a comparison, of which no memory holds anything unless it is a result.
    ///
    /// ```
    /// use elide::lazy;
    /// let x: Vec<f32> = lazy(&[2i64, 0]).one_hot(3).eval()?;
    /// assert_eq!(x, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    /// # elide::Result::<()>::Ok(())
    /// ```
    #[doc(alias = "eye")]
    #[track_caller]
    pub fn one_hot<T: Element>(&self, n: impl Into<Extent>) -> Expr<'a, T> {
        let site = Some(Site::caller());
        Expr::from_node(cast(&one_hot(&self.node, n.into(), site), T::DTYPE, site))
    }
}

impl<'a, T: Number> Expr<'a, T> {
    /// How many elements are in each of `bins` intervals of equal width between two numbers: the counts of NumPy's
    /// `histogram(x, bins, range)`. An interval has its lower edge, the last one also its upper edge; what is outside, or NaN, is
    /// not counted. Edges are those of [`linspace`](Expr::linspace), in `f64` or, for `f32`, rounded to it.
    ///
    /// ```
    /// use elide::lazy;
    /// let counts: Vec<i64> = lazy(&[0.0, 0.3, 0.5, 1.0, 1.5]).histogram(2, (0.0, 1.0)).eval()?;
    /// assert_eq!(counts, [2, 2]);
    /// # elide::Result::<()>::Ok(())
    /// ```
    #[track_caller]
    pub fn histogram(&self, bins: usize, range: (f64, f64)) -> Expr<'a, i64> {
        Expr::from_node(histogram(&self.node, bins, range, Some(Site::caller())))
    }
}

impl<'a> DynExpr<'a> {
    /// The elements at computed indices along an axis, to make the array that differs there; see [`Expr::at_indices`].
    #[track_caller]
    pub fn at_indices(&self, indices: impl Into<DynOperand<'a>>, axis: impl Into<Axis>) -> Indexed<DynExpr<'a>> {
        let (index, axis, site) = (operand(indices.into()), axis.into(), Some(Site::caller()));
        Indexed::new(&self.node, &index, || take::taken(&self.node, &index, axis, site), site)
    }

    /// The elements at points, which are indices along the first axes (see [`DynExpr::take_points`]), to make the array with one axis in
    /// the place of these that differs there.
    #[cfg(feature = "text")]
    pub(crate) fn at_points(&self, indices: &[DynExpr<'a>]) -> Indexed<DynExpr<'a>> {
        let nodes: Vec<NodeRef> = indices.iter().map(|i| i.node().clone()).collect();
        Indexed::points(&self.node, &nodes, None)
    }

    /// The elements at an index for each place along all other axes, to make the array that differs there; see
    /// [`Expr::at_indices_along`].
    #[track_caller]
    pub fn at_indices_along(&self, indices: impl Into<DynOperand<'a>>, axis: impl Into<Axis>) -> Indexed<DynExpr<'a>> {
        let (index, axis, site) = (operand(indices.into()), axis.into(), Some(Site::caller()));
        Indexed::new(&self.node, &index, || take::taken_along(&self.node, &index, axis, site), site)
    }

    /// How often each number below `n` occurs; see [`Expr::bincount`].
    #[track_caller]
    pub fn bincount(&self, n: impl Into<Extent>) -> Self {
        let site = Some(Site::caller());
        DynExpr::from_node(bincount(&self.node, &constant(Scalar::I64(1), site), n.into(), site))
    }

    /// For each number below `n` the sum of the weights where it occurs, in `f64` as in NumPy; see [`Expr::bincount_weighted`].
    #[track_caller]
    pub fn bincount_weighted(&self, weights: impl Into<DynOperand<'a>>, n: impl Into<Extent>) -> Self {
        let site = Some(Site::caller());
        DynExpr::from_node(match promote::stored(&weights.into(), DType::F64, site) {
            Ok(weights) => bincount(&self.node, &weights, n.into(), site),
            Err(error) => failed(error, DType::F64, site),
        })
    }

    /// How many elements are in each of `bins` intervals of equal width; see [`Expr::histogram`].
    #[track_caller]
    pub fn histogram(&self, bins: usize, range: (f64, f64)) -> Self {
        DynExpr::from_node(histogram(&self.node, bins, range, Some(Site::caller())))
    }

    /// Along a new last axis, whether the element is at the index; see [`Expr::one_hot`].
    #[track_caller]
    pub fn one_hot(&self, n: impl Into<Extent>, dtype: DType) -> Self {
        let site = Some(Site::caller());
        DynExpr::from_node(cast(&one_hot(&self.node, n.into(), site), dtype, site))
    }

    /// The elements where a mask of the same shape is true; see [`Expr::compress`].
    #[track_caller]
    pub fn compress(&self, mask: impl Into<DynOperand<'a>>) -> Compressed<DynExpr<'a>> {
        Compressed::new(packed(&self.node, &operand(mask.into()), Some(Site::caller())))
    }
}
