//! [`DynExpr`]: an expression whose element type is known at run time.

use std::marker::PhantomData;

use crate::dtype::{DType, Element, Scalar};
use crate::error::{Error, ErrorKind, Result, Site};
use crate::expr::Expr;
use crate::expr::axes::{Axes, Axis, Extent};
use crate::expr::complex;
use crate::expr::composite::{self, composite_methods};
use crate::expr::methods::{function_methods, function2_methods, reduction_methods, unary_methods, view_methods};
use crate::expr::node::NodeRef;
use crate::expr::promote::{self, DynOperand, Weak};
use crate::expr::{infer, pieces, rearrange};
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};
use crate::shape::Shape;
use crate::view::Slice;

/// An array expression over memory borrowed for `'a`, with its element type known at run time and NumPy 2's rules for
/// promoting it.
///
/// Rust's scalars stand for Python's beside it: `x + 1` keeps the type of an integer or float array `x`.
///
/// ```
/// use elide::{ArrayRef, DType, lazy};
/// let pixels = [10u8, 200, 30];
/// let x = lazy(ArrayRef::from_slice(&pixels));
/// assert_eq!((&x + 1).dtype(), DType::U8);
/// assert_eq!((&x / 2).dtype(), DType::F64);
/// assert!((&x + 300).check().is_err());
/// ```
///
/// Operations and mistakes are those of [`Expr`].
#[derive(Clone)]
pub struct DynExpr<'a> {
    pub(super) node: NodeRef,
    marker: PhantomData<&'a ()>,
}

impl<'a, T> From<Expr<'a, T>> for DynExpr<'a> {
    fn from(x: Expr<'a, T>) -> Self {
        x.into_dyn()
    }
}

impl<'a, T> From<&Expr<'a, T>> for DynExpr<'a> {
    fn from(x: &Expr<'a, T>) -> Self {
        x.clone().into_dyn()
    }
}

impl From<Scalar> for DynExpr<'_> {
    /// A scalar with an element type, which promotes as an array does.
    fn from(value: Scalar) -> Self {
        DynExpr::from_node(infer::constant(value, None))
    }
}

/// Methods of two operands.
macro_rules! binary_methods {
    ($( $(#[$doc:meta])* $name:ident = $function:ident $Op:ident; )*) => { $(
        $(#[$doc])*
        #[track_caller]
        pub fn $name(&self, other: impl Into<DynOperand<'a>>) -> Self {
            DynExpr::from_node(promote::$function(BinaryOp::$Op, &self.into(), &other.into(), Some(Site::caller())))
        }
    )* };
}

macro_rules! reduce {
    ($Op:ident) => {
        |node, axes, site| promote::reduce(ReduceOp::$Op, node, axes, site)
    };
}

impl<'a> DynExpr<'a> {
    pub(crate) fn from_node(node: NodeRef) -> Self {
        DynExpr { node, marker: PhantomData }
    }

    pub(crate) fn into_node(self) -> NodeRef {
        self.node
    }

    /// A named argument of a kernel; `swapped` if its bytes are in the order that this machine does not use.
    #[track_caller]
    pub(crate) fn input(name: &str, dtype: DType, shape: Shape, swapped: bool) -> DynExpr<'static> {
        DynExpr::from_node(infer::input(name, dtype, shape, swapped, Some(Site::caller())))
    }

    /// The element type. Of an expression with a mistake in it, some type.
    pub fn dtype(&self) -> DType {
        self.node.dtype
    }

    /// The same expression with its element type known to the Rust compiler.
    ///
    /// # Errors
    /// If the element type is not `T`, or if there is a mistake in the expression.
    #[track_caller]
    pub fn typed<T: Element>(&self) -> Result<Expr<'a, T>> {
        self.node.check()?;
        if self.node.dtype != T::DTYPE {
            let message = format!("the elements of this expression are {}, not {}", self.node.dtype, T::DTYPE);
            let error = Error::new(ErrorKind::DType, message).at(Site::caller());
            return Err(error.help(format!("convert them first: `.astype(DType::{:?})`", T::DTYPE)));
        }
        Ok(Expr::from_node(self.node.clone()))
    }

    /// An operation of two operands, at least one of which should be an expression; two scalars are `bool`, `i64` or `f64`.
    #[track_caller]
    pub fn binary(op: BinaryOp, a: impl Into<DynOperand<'a>>, b: impl Into<DynOperand<'a>>) -> Self {
        DynExpr::from_node(promote::binary(op, &a.into(), &b.into(), Some(Site::caller())))
    }

    /// An operation of one operand.
    #[track_caller]
    pub fn unary(&self, op: UnaryOp) -> Self {
        DynExpr::from_node(promote::unary(op, &self.node, Some(Site::caller())))
    }

    /// A reduction over axes.
    #[track_caller]
    pub fn reduce(&self, op: ReduceOp, axes: impl Into<Axes>) -> Self {
        DynExpr::from_node(promote::reduce(op, &self.node, &axes.into(), Some(Site::caller())))
    }

    view_methods! {}

    /// The elements converted to `dtype`. Integers wrap, floats are rounded to nearest, and `bool` is "not zero".
    #[doc(alias = "cast")]
    #[track_caller]
    pub fn astype(&self, dtype: DType) -> Self {
        DynExpr::from_node(infer::cast(&self.node, dtype, Some(Site::caller())))
    }

    /// The elements converted to `dtype`: values that an integer type does not hold become the nearest one that it does, and NaN 0.
    /// Conversions to `bool` and to floats are those of [`astype`](DynExpr::astype).
    #[track_caller]
    pub fn cast_saturating(&self, dtype: DType) -> Self {
        DynExpr::from_node(promote::cast_saturating(&self.node, dtype, Some(Site::caller())))
    }

    /// `yes` where this is not zero, else `no`; all three broadcast.
    #[doc(alias = "where")]
    #[track_caller]
    pub fn select(&self, yes: impl Into<DynOperand<'a>>, no: impl Into<DynOperand<'a>>) -> Self {
        DynExpr::from_node(promote::select(&self.node, &yes.into(), &no.into(), Some(Site::caller())))
    }

    /// Limited to `low..=high`: `maximum(low).minimum(high)`.
    #[doc(alias = "clamp")]
    #[track_caller]
    pub fn clip(&self, low: impl Into<DynOperand<'a>>, high: impl Into<DynOperand<'a>>) -> Self {
        DynExpr::from_node(promote::clip(&self.node, &low.into(), &high.into(), Some(Site::caller())))
    }

    /// True where the element is zero.
    #[track_caller]
    pub fn logical_not(&self) -> Self {
        let site = Some(Site::caller());
        DynExpr::from_node(infer::unary(UnaryOp::Not, &promote::truth(&self.node, site), site))
    }

    binary_methods! {
        /// True where the elements are equal; NaN equals nothing.
        #[doc(alias = "equal")]
        eq = binary Eq;
        /// True where the elements differ; NaN differs from everything.
        #[doc(alias = "not_equal")]
        ne = binary Ne;
        /// True where this is below `other`.
        #[doc(alias = "less")]
        lt = binary Lt;
        /// True where this is at most `other`.
        #[doc(alias = "less_equal")]
        le = binary Le;
        /// True where this is above `other`.
        #[doc(alias = "greater")]
        gt = binary Gt;
        /// True where this is at least `other`.
        #[doc(alias = "greater_equal")]
        ge = binary Ge;
        /// The quotient rounded down. Integers: 0 where the divisor is 0.
        #[doc(alias = "floor_divide")]
        floor_div = binary FloorDiv;
        /// What [`floor_div`](DynExpr::floor_div) leaves, with the divisor's sign; also the operator `%`.
        #[doc(alias = "remainder")]
        rem = binary Rem;
        /// What truncating division leaves, with the dividend's sign.
        fmod = binary Fmod;
        /// To the power `other`. The scalar exponents 2, 1, 0.5 and -1 are a product, the base, a root and a quotient.
        #[doc(alias = "power")]
        pow = binary Pow;
        /// The greatest common divisor of two integers; that of 0 and x is the magnitude of x.
        gcd = binary Gcd;
        /// The least common multiple of two integers, which wraps; 0 where either is 0.
        lcm = binary Lcm;
        /// The smaller, element by element; NaN if either is. [`min`](DynExpr::min) is the reduction.
        minimum = binary Min;
        /// The larger, element by element; NaN if either is. [`max`](DynExpr::max) is the reduction.
        maximum = binary Max;
        /// The smaller, element by element; where one is NaN, the other.
        fmin = binary Fmin;
        /// The larger, element by element; where one is NaN, the other.
        fmax = binary Fmax;
        /// True where neither is zero.
        logical_and = logical And;
        /// True where at least one is not zero.
        logical_or = logical Or;
        /// True where exactly one is not zero.
        logical_xor = logical Xor;
    }

    function_methods! { DynExpr<'a>, promote::unary }
    composite_methods! { promote::as_float, DynExpr<'a>, DynExpr<'a> }

    /// Absolute value as a float, of integers too.
    #[track_caller]
    pub fn fabs(&self) -> Self {
        let site = Some(Site::caller());
        if let Some(bad) = complex::refused("fabs", &self.node, site) {
            return DynExpr::from_node(bad);
        }
        DynExpr::from_node(promote::as_float(&self.node, site)).abs()
    }

    /// The product of the element with itself; of `bool` as `i8`, like NumPy's powers.
    #[track_caller]
    pub fn square(&self) -> Self {
        let x = if self.dtype() == DType::Bool { self.astype(DType::I8) } else { self.clone() };
        DynExpr::from_node(composite::square(&x.node, Some(Site::caller())))
    }

    /// True where the distance to `other` is at most `relative * |other| + absolute`; an infinity is close to itself alone. An `other`
    /// that is no float is taken as `f64`, as in NumPy, and a Python float in the type of what it is compared with.
    #[doc(alias = "isclose")]
    #[track_caller]
    pub fn is_close(&self, other: impl Into<DynOperand<'a>>, relative: f64, absolute: f64) -> Self {
        let site = Some(Site::caller());
        let (y, limit) = match other.into() {
            DynOperand::Expr(y) => (promote::as_wide_float(&y.node, site), None),
            DynOperand::Weak(Weak::Complex(z)) => {
                let d = promote::as_wide_float(&self.node, site).dtype.to_complex();
                (infer::constant(Scalar::C128(z).cast(d), site), None)
            }
            DynOperand::Weak(y) => {
                let d = promote::as_wide_float(&self.node, site).dtype;
                let number = |value: f64, d: DType| infer::constant(Scalar::F64(value).cast(d), site);
                (number(y.to_f64(), d), Some(number(absolute + relative * y.to_f64().abs(), d.part())))
            }
        };
        let d = self.dtype().promote(y.dtype);
        let [x, y] = [&self.node, &y].map(|x| infer::cast(x, d, site));
        let limit = limit.unwrap_or_else(|| composite::tolerance(&y, relative, absolute, site));
        DynExpr::from_node(composite::is_close(&x, &y, &limit, site))
    }

    /// To so many decimals, halves to even: by way of the product with a power of ten, as in NumPy, which is rounded too. Fewer
    /// than none are tens, hundreds and so on. Integers stay integers, and go to tens by way of `f64`; of complex numbers both parts.
    #[track_caller]
    pub fn round_to(&self, decimals: i32) -> Self {
        let (site, d) = (Some(Site::caller()), self.dtype());
        let rounded = |x: &NodeRef| composite::round_to(x, decimals, site);
        if self.dtype().is_complex() {
            return DynExpr::from_node(composite::part_by_part(&self.node, rounded, site));
        }
        DynExpr::from_node(match d.is_int() {
            true if decimals >= 0 => self.node.clone(),
            true => infer::cast(&rounded(&promote::as_wide_float(&self.node, site)), d, site),
            false => rounded(&promote::as_float(&self.node, site)),
        })
    }

    /// With numbers in the place of NaN, infinity and negative infinity, of which the last two by default are the largest numbers
    /// of the type. Integers and `bool` have none of them and stay as they are; of complex numbers both parts.
    #[track_caller]
    pub fn nan_to_num(&self, nan: f64, posinf: impl Into<Option<f64>>, neginf: impl Into<Option<f64>>) -> Self {
        let site = Some(Site::caller());
        let (high, low) = (posinf.into(), neginf.into());
        let replaced = |x: &NodeRef| composite::nan_to_num(x, nan, high, low, site);
        DynExpr::from_node(match self.dtype() {
            d if d.is_complex() => composite::part_by_part(&self.node, replaced, site),
            d if d.is_float() => replaced(&self.node),
            _ => self.node.clone(),
        })
    }

    /// -1, 0 or 1; NaN stays NaN, and both zeros are 0. Not defined on `bool`.
    #[doc(alias = "signum")]
    #[track_caller]
    pub fn sign(&self) -> Self {
        let site = Some(Site::caller());
        if self.dtype() == DType::Bool {
            let error = Error::new(ErrorKind::DType, "`sign` is not defined on bool");
            return DynExpr::from_node(infer::failed(error, DType::Bool, site));
        }
        if let Some(bad) = complex::refused("sign", &self.node, site) {
            return DynExpr::from_node(bad);
        }
        DynExpr::from_node(composite::sign(&self.node, site))
    }

    /// [`floor_div`](DynExpr::floor_div) and [`rem`](DynExpr::rem).
    #[track_caller]
    pub fn divmod(&self, other: impl Into<DynOperand<'a>>) -> (Self, Self) {
        let other = other.into();
        (self.floor_div(other.clone()), self.rem(other))
    }

    /// The product with a power of two, `self * 2^exponent`, in the float type that functions take `self` in, rounded once (halves by
    /// way of `f32`). The exponent is of any integer type, or `bool`.
    #[doc(alias = "scalbn")]
    #[track_caller]
    pub fn ldexp(&self, exponent: impl Into<DynOperand<'a>>) -> Self {
        let site = Some(Site::caller());
        let exponent = match exponent.into() {
            DynOperand::Expr(n) => n.node,
            // As far as a number may be from others; more changes nothing.
            DynOperand::Weak(Weak::Int(n)) => infer::constant(Scalar::I64(n.clamp(-5000, 5000) as i64), site),
            DynOperand::Weak(Weak::Bool(n)) => infer::constant(Scalar::Bool(n), site),
            DynOperand::Weak(Weak::Float(n)) => infer::constant(Scalar::F64(n), site),
            DynOperand::Weak(Weak::Complex(n)) => infer::constant(Scalar::C128(n), site),
        };
        if let Some(bad) = complex::refused("ldexp", &self.node, site) {
            return DynExpr::from_node(bad);
        }
        let x = promote::as_float(&self.node, site);
        if !infer::is_error(&x) && !infer::is_error(&exponent) && !exponent.dtype.is_int() && exponent.dtype != DType::Bool {
            let message = format!("the exponent of `ldexp` must be of an integer type, not {}", exponent.dtype);
            let error = Error::new(ErrorKind::DType, message).help("write `x * exp2(y)` for powers that are not integers");
            return DynExpr::from_node(infer::failed(error, x.dtype, site));
        }
        DynExpr::from_node(composite::ldexp(&x, &exponent, site))
    }

    /// How many bits of the magnitude are set, as `u8`; of `bool` 0 or 1.
    #[doc(alias = "bitwise_count")]
    #[doc(alias = "count_ones")]
    #[track_caller]
    pub fn bit_count(&self) -> Self {
        let site = Some(Site::caller());
        if self.dtype() == DType::Bool {
            return self.astype(DType::U8);
        }
        if !self.dtype().is_int() {
            let message = format!("bit_count is not defined on {}", self.dtype());
            return DynExpr::from_node(infer::failed(Error::new(ErrorKind::DType, message), DType::U8, site));
        }
        DynExpr::from_node(composite::bit_count(&self.node, site))
    }
    function2_methods! { binary_methods, [binary], [] }

    unary_methods! {
        /// Absolute value. The least integer stays as it is.
        abs = Abs -> DynExpr<'a>, promote::unary;
        /// Square root; NaN below zero.
        sqrt = Sqrt -> DynExpr<'a>, promote::unary;
        /// The largest integral value not above the element; integers stay.
        floor = Floor -> DynExpr<'a>, promote::unary;
        /// The smallest integral value not below the element; integers stay.
        ceil = Ceil -> DynExpr<'a>, promote::unary;
        /// The integral part; integers stay.
        #[doc(alias = "fix")]
        trunc = Trunc -> DynExpr<'a>, promote::unary;
        /// The nearest integral value, halves to even: NumPy's `rint`, which has floating-point answers.
        #[doc(alias = "rint")]
        round = Rint -> DynExpr<'a>, promote::unary;
        /// True where the element is NaN; never for integers.
        #[doc(alias = "isnan")]
        is_nan = IsNan -> DynExpr<'a>, promote::unary;
        /// True where the sign bit is set, which of -0 it is; false for NaN.
        #[doc(alias = "is_sign_negative")]
        signbit = Signbit -> DynExpr<'a>, promote::unary;
    }

    reduction_methods! {
        /// The sum: of `bool` and integers as `i64`, of floats in their type.
        sum sum_axis sum_over -> DynExpr<'a> = reduce!(Sum);
        /// The product: of `bool` and integers as `i64`, of floats in their type.
        #[doc(alias = "product")]
        prod prod_axis prod_over -> DynExpr<'a> = reduce!(Prod);
        /// The smallest element; NaN if any is NaN. A mistake where there are no elements.
        #[doc(alias = "amin")]
        min min_axis min_over -> DynExpr<'a> = reduce!(Min);
        /// The largest element; NaN if any is NaN. A mistake where there are no elements.
        #[doc(alias = "amax")]
        max max_axis max_over -> DynExpr<'a> = reduce!(Max);
        /// True if any element is not zero; false for nothing.
        any any_axis any_over -> DynExpr<'a> = reduce!(Any);
        /// True if no element is zero; true for nothing.
        all all_axis all_over -> DynExpr<'a> = reduce!(All);
        /// How many elements are not zero (not `false`), as `i64`.
        count_nonzero count_nonzero_axis count_nonzero_over -> DynExpr<'a> = infer::count_nonzero;
        /// The position, in C order over the reduced axes, of the first smallest element; NaN counts as smallest.
        argmin argmin_axis argmin_over -> DynExpr<'a> = reduce!(ArgMin);
        /// The position, in C order over the reduced axes, of the first largest element; NaN counts as largest.
        argmax argmax_axis argmax_over -> DynExpr<'a> = reduce!(ArgMax);
        /// The arithmetic mean: of `bool` and integers as `f64`, of floats in their type; NaN for nothing.
        #[doc(alias = "average")]
        mean mean_axis mean_over -> DynExpr<'a> = promote::mean;
    }
}
