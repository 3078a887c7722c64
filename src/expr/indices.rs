//! Arrays that are computed from their own indices: ranges, grids, masks of triangles.
//!
//! The one node underneath is the index itself, of rank 1; everything else is a view of it, or arithmetic on it. No memory
//! holds any of these arrays unless the result is one.

use crate::dtype::{DType, Element, Number, Scalar};
use crate::error::{Error, ErrorKind, Site, bail};
use crate::expr::Expr;
use crate::expr::axes::{Axis, Extent, requested_shape};
use crate::expr::infer::{self, At, binary, cast, constant, or_error, size_of};
use crate::expr::node::{NodeKind, NodeRef};
use crate::ops::BinaryOp;
use crate::shape::Shape;
use crate::size::Size;
use crate::view::View;

/// 0, 1, ... below `count`.
fn iota(count: Size, site: At) -> NodeRef {
    NodeRef::new(NodeKind::Iota, DType::I64, [count].into_iter().collect(), site)
}

/// The index along one axis, in an array of this shape.
pub(crate) fn along(shape: &Shape, axis: usize, site: At) -> NodeRef {
    let index = iota(shape.0[axis].clone(), site);
    let view = View { shape: shape.clone(), axes: [View::axis_or_start(Some(axis))].into_iter().collect() };
    if view.is_identity(&index.shape) {
        return index;
    }
    NodeRef::new(NodeKind::View(index, view), DType::I64, shape.clone(), site)
}

/// The index along one axis, in an array of the shape asked for.
pub(crate) fn indices(extents: impl IntoIterator<Item = Extent>, axis: Axis, site: At) -> NodeRef {
    let made = requested_shape(extents).and_then(|(shape, inferred)| {
        if inferred.is_some() {
            bail!(Shape, "an extent cannot be -1");
        }
        let axis = axis.index(shape.rank())?;
        Ok(along(&shape, axis, site))
    });
    or_error(made, DType::I64, site, || "indices".into())
}

/// `start`, `start + step`, ... before `stop`, as `i64`.
pub(crate) fn int_range(start: &Size, stop: &Size, step: i64, site: At) -> NodeRef {
    let made = (|| {
        // The step of the least i64 cannot be negated; it makes ranges of one element or none, as its neighbour does.
        let step = step.max(-i64::MAX);
        let count = match step.signum() {
            0 => bail!(Shape, "the step of a range cannot be zero"),
            sign => match (start.as_const(), stop.as_const()) {
                // Sizes saturate, and the distance may take 65 bits.
                (Some(a), Some(b)) => {
                    let count = (i128::from(b) - i128::from(a)).div_euclid(i128::from(step));
                    let reached = count * i128::from(step) == i128::from(b) - i128::from(a);
                    let count = (count + i128::from(!reached && step > 0)).max(0);
                    match i64::try_from(count) {
                        Ok(n) if n < i64::MAX => Size::from(n),
                        _ => bail!(Shape, "the range has more elements than 63 bits count"),
                    }
                }
                _ if sign > 0 => stop.sub(start).max0().div_ceil(step),
                _ => start.sub(stop).max0().div_ceil(-step),
            },
        };
        let mut x = iota(count, site);
        if step != 1 {
            x = binary(BinaryOp::Mul, &x, &constant(Scalar::I64(step), site), site);
        }
        if *start != Size::ZERO {
            x = binary(BinaryOp::Add, &x, &size_of(start.clone(), site), site);
        }
        Ok(x)
    })();
    or_error(made, DType::I64, site, || "arange".into())
}

/// NumPy's `arange` of floats, `f32` or `f64`: the number of elements is computed in `f64`, and the elements from the first and
/// the difference of the first two.
pub(crate) fn float_range(start: f64, stop: f64, step: f64, dtype: DType, site: At) -> NodeRef {
    let made = (|| {
        if step == 0.0 {
            bail!(Shape, "the step of a range cannot be zero");
        }
        let (reach, count) = (stop - start, (stop - start) / step);
        let count = match count.ceil() {
            _ if count.is_nan() => bail!(Shape, "a range from {start} to {stop} by {step} has no length"),
            // A quotient that is too small for a float is still above 0.
            n if n == 0.0 && reach != 0.0 && count.is_sign_positive() && count == 0.0 => 1,
            n if n >= 9.0e18 => bail!(Shape, "the range has more elements than 63 bits count"),
            n => n.max(0.0) as i64,
        };
        let work = dtype.computed_in();
        let index = cast(&iota(Size::from(count), site), work, site);
        let number = |x: f64| constant(Scalar::F64(x).cast(work), site);
        let as_is = |x: f64| Scalar::F64(x).cast(dtype).to_f64();
        let round = |x: f64| Scalar::F64(x).cast(work).to_f64();
        let (first, second) = (as_is(start), as_is(start + step));
        let delta = round(second - first);
        let scaled = binary(BinaryOp::Mul, &index, &number(delta), site);
        let mut x = binary(BinaryOp::Add, &scaled, &number(first), site);
        // The first two are what they are, also where the formula does not give them back.
        for (k, exact, formula) in [(1.0, second, round(first + delta)), (0.0, first, round(first + 0.0 * delta))] {
            if exact.to_bits() != formula.to_bits() {
                x = infer::select(&binary(BinaryOp::Eq, &index, &number(k), site), &number(exact), &x, site);
            }
        }
        Ok(cast(&x, dtype, site))
    })();
    or_error(made, dtype, site, || "arange".into())
}

/// NumPy's `linspace`: computed in `f64` and converted; rounded down to be an integer.
pub(crate) fn linspace(start: f64, stop: f64, num: usize, endpoint: bool, dtype: DType, site: At) -> NodeRef {
    let made = (|| {
        if dtype == DType::Bool {
            bail!(DType, "`linspace` is not defined on bool");
        }
        let Ok(count) = i64::try_from(num) else { bail!(Shape, "the range has more elements than 63 bits count") };
        let index = iota(Size::from(count), site);
        let (i, number) = (cast(&index, DType::F64, site), |x: f64| constant(Scalar::F64(x), site));
        let (intervals, reach) = (if endpoint { count - 1 } else { count } as f64, stop - start);
        let step = reach / intervals;
        let scaled = match intervals {
            n if n <= 0.0 => binary(BinaryOp::Mul, &i, &number(reach), site),
            n if step == 0.0 => binary(BinaryOp::Mul, &binary(BinaryOp::Div, &i, &number(n), site), &number(reach), site),
            _ => binary(BinaryOp::Mul, &i, &number(step), site),
        };
        let mut x = binary(BinaryOp::Add, &scaled, &number(start), site);
        if endpoint && count > 1 {
            let last = binary(BinaryOp::Eq, &index, &constant(Scalar::I64(count - 1), site), site);
            x = infer::select(&last, &number(stop), &x, site);
        }
        if dtype.is_int() {
            x = infer::unary(crate::ops::UnaryOp::Floor, &x, site);
        }
        Ok(cast(&x, dtype, site))
    })();
    or_error(made, dtype, site, || "linspace".into())
}

/// Where column and row index compare: `column op row + k`.
pub(crate) fn compare_indices(op: BinaryOp, rows: Extent, columns: Extent, k: i64, site: At) -> NodeRef {
    let made = requested_shape([rows, columns]).and_then(|(shape, inferred)| {
        if inferred.is_some() {
            bail!(Shape, "an extent cannot be -1");
        }
        let row = binary(BinaryOp::Add, &along(&shape, 0, site), &constant(Scalar::I64(k), site), site);
        Ok(binary(op, &along(&shape, 1, site), &row, site))
    });
    or_error(made, DType::Bool, site, || "indices".into())
}

impl Expr<'static, i64> {
    /// The index along one axis, in an array of the given shape.
    ///
    /// ```
    /// use elide::Expr;
    /// let rows: Vec<i64> = Expr::indices([2, 3], 0).eval()?;
    /// assert_eq!(rows, [0, 0, 0, 1, 1, 1]);
    /// # elide::Result::<()>::Ok(())
    /// ```
    #[track_caller]
    pub fn indices<E: Into<Extent>>(shape: impl IntoIterator<Item = E>, axis: impl Into<Axis>) -> Self {
        Expr::from_node(indices(shape.into_iter().map(Into::into), axis.into(), Some(Site::caller())))
    }
}

impl<T: Number> Expr<'static, T> {
    /// `start`, `start + step`, ... before `stop`, with NumPy's number of elements and their values.
    ///
    /// ```
    /// use elide::Expr;
    /// let x: Vec<f64> = Expr::arange(0.0, 1.0, 0.25).eval()?;
    /// assert_eq!(x, [0.0, 0.25, 0.5, 0.75]);
    /// let x: Vec<i32> = Expr::arange(5, 0, -2).eval()?;
    /// assert_eq!(x, [5, 3, 1]);
    /// # elide::Result::<()>::Ok(())
    /// ```
    #[track_caller]
    pub fn arange(start: T, stop: T, step: T) -> Self {
        let site = Some(Site::caller());
        let (start, stop, step): (Scalar, Scalar, Scalar) = (start.into(), stop.into(), step.into());
        if T::DTYPE.is_float() {
            return Expr::from_node(float_range(start.to_f64(), stop.to_f64(), step.to_f64(), T::DTYPE, site));
        }
        let int = |x: Scalar| {
            let x = x.to_int();
            i64::try_from(x)
                .map_err(|_| Error::new(ErrorKind::DType, format!("{x} is more than an i64 holds, in which ranges are computed")))
        };
        let made = (|| Ok(cast(&int_range(&Size::from(int(start)?), &Size::from(int(stop)?), int(step)?, site), T::DTYPE, site)))();
        Expr::from_node(or_error(made, T::DTYPE, site, || "arange".into()))
    }

    /// `num` numbers at equal distances from `start` to `stop`, both included. They are computed in `f64` and converted, for
    /// integers by rounding down, as NumPy does.
    ///
    /// ```
    /// use elide::Expr;
    /// let x: Vec<f64> = Expr::linspace(0.0, 1.0, 5).eval()?;
    /// assert_eq!(x, [0.0, 0.25, 0.5, 0.75, 1.0]);
    /// # elide::Result::<()>::Ok(())
    /// ```
    #[track_caller]
    pub fn linspace(start: T, stop: T, num: usize) -> Self {
        let (start, stop): (Scalar, Scalar) = (start.into(), stop.into());
        Expr::from_node(linspace(start.to_f64(), stop.to_f64(), num, true, T::DTYPE, Some(Site::caller())))
    }
}

impl<T: Element> Expr<'static, T> {
    /// One (`true`) on the `k`-th diagonal, above the main one if positive, and zero elsewhere.
    #[doc(alias = "identity")]
    #[track_caller]
    pub fn eye(rows: impl Into<Extent>, columns: impl Into<Extent>, k: i64) -> Self {
        let site = Some(Site::caller());
        Expr::from_node(cast(&compare_indices(BinaryOp::Eq, rows.into(), columns.into(), k, site), T::DTYPE, site))
    }

    /// One (`true`) on and below the `k`-th diagonal, and zero above.
    #[track_caller]
    pub fn tri(rows: impl Into<Extent>, columns: impl Into<Extent>, k: i64) -> Self {
        let site = Some(Site::caller());
        Expr::from_node(cast(&compare_indices(BinaryOp::Le, rows.into(), columns.into(), k, site), T::DTYPE, site))
    }
}
