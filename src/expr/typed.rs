//! [`Expr`]: an expression whose element type is known to the Rust compiler.

use std::marker::PhantomData;

use half::{bf16, f16};

use crate::dtype::{Element, Field, Float, Integer, Number, Ring, c64, c128, for_each_dtype};
use crate::error::{Result, Site};
use crate::expr::DynExpr;
use crate::expr::axes::{Axes, Axis, Extent};
use crate::expr::composite::{self, composite_methods};
use crate::expr::methods::{function_methods, function2_methods, reduction_methods, unary_methods, view_methods};
use crate::expr::node::NodeRef;
use crate::expr::{infer, pieces, promote, rearrange};
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};
use crate::shape::Shape;
use crate::view::Slice;

/// An array expression with elements of type `T`, over memory borrowed for `'a`.
///
/// Nothing is computed when an expression is built: operators and methods record what to do. Cloning is a reference count,
/// and operators take values, references and scalars on either side. Operands must have one element type; [`cast`](Expr::cast)
/// converts.
///
/// ```compile_fail
/// use elide::lazy;
/// let (a, b) = (vec![1.0f32], vec![1.0f64]);
/// let _ = lazy(&a) + lazy(&b);
/// ```
///
/// ```
/// use elide::lazy;
/// let (a, b) = (vec![1.0f32], vec![1.0f64]);
/// let _ = lazy(&a).cast::<f64>() + lazy(&b);
/// ```
///
/// Shapes broadcast as in NumPy. A mistake (shapes that do not broadcast, an axis out of range) is kept in the expression with
/// the place where it was made, and [`check`](Expr::check) or the evaluation returns it.
pub struct Expr<'a, T> {
    pub(super) node: NodeRef,
    // Covariant in both.
    marker: PhantomData<(&'a (), T)>,
}

impl<T> Clone for Expr<'_, T> {
    fn clone(&self) -> Self {
        Expr { node: self.node.clone(), marker: PhantomData }
    }
}

/// What stands for an expression with elements of type `T`: an [`Expr`], a reference to one, or a scalar.
pub trait IntoExpr<'a, T> {
    /// The expression.
    fn into_expr(self) -> Expr<'a, T>;
}

impl<'a, T> IntoExpr<'a, T> for Expr<'a, T> {
    fn into_expr(self) -> Expr<'a, T> {
        self
    }
}

impl<'a, T> IntoExpr<'a, T> for &Expr<'a, T> {
    fn into_expr(self) -> Expr<'a, T> {
        self.clone()
    }
}

// Per type rather than for `T: Element`, so that the type of a literal follows from the other operand.
macro_rules! scalar_into_expr {
    (() $( $(#[$doc:meta])* $V:ident $t:ident $n:literal $c:literal [$($a:literal),*] $k:ident $s:literal; )*) => { $(
        impl<'a> IntoExpr<'a, $t> for $t {
            #[track_caller]
            fn into_expr(self) -> Expr<'a, $t> {
                Expr::scalar(self)
            }
        }
    )* };
}
for_each_dtype!(scalar_into_expr!());

/// Methods of two operands.
macro_rules! binary_methods {
    ($( $(#[$doc:meta])* $name:ident = $Op:ident -> $Out:ty; )*) => { $(
        $(#[$doc])*
        #[track_caller]
        pub fn $name(&self, other: impl IntoExpr<'a, T>) -> $Out {
            <$Out>::from_node(infer::binary(BinaryOp::$Op, &self.node, &other.into_expr().node, Some(Site::caller())))
        }
    )* };
}

macro_rules! reduce {
    ($Op:ident) => {
        |node, axes, site| infer::reduce(ReduceOp::$Op, node, axes, site)
    };
}

impl<'a, T> Expr<'a, T> {
    /// The caller has seen to it that the node's element type is `T`, or that the node is an error.
    pub(crate) fn from_node(node: NodeRef) -> Self {
        Expr { node, marker: PhantomData }
    }

    /// The same expression with the element type known at run time only.
    pub fn into_dyn(self) -> DynExpr<'a> {
        DynExpr::from_node(self.node)
    }
}

impl<'a, T: Element> Expr<'a, T> {
    /// One value, which broadcasts against everything.
    #[track_caller]
    pub fn scalar(value: T) -> Self {
        Expr::from_node(infer::constant(value.into(), Some(Site::caller())))
    }

    /// One value in an array of the given shape.
    ///
    /// ```
    /// use elide::Expr;
    /// let x: Vec<i32> = Expr::full([2, 2], 7).eval()?;
    /// assert_eq!(x, [7; 4]);
    /// # elide::Result::<()>::Ok(())
    /// ```
    #[doc(alias = "from_elem")]
    #[track_caller]
    pub fn full<E: Into<Extent>>(shape: impl IntoIterator<Item = E>, value: T) -> Self {
        Expr::scalar(value).broadcast(shape)
    }

    /// An array of zeros (of `false`).
    #[track_caller]
    pub fn zeros<E: Into<Extent>>(shape: impl IntoIterator<Item = E>) -> Self {
        let zero = infer::constant(crate::dtype::Scalar::zero(T::DTYPE), Some(Site::caller()));
        Expr::from_node(zero).broadcast(shape)
    }

    /// A named argument of a kernel.
    #[track_caller]
    pub(crate) fn input(name: &str, shape: Shape) -> Expr<'static, T> {
        Expr::from_node(infer::input(name, T::DTYPE, shape, false, Some(Site::caller())))
    }

    view_methods! {}

    /// The elements converted to `U`. Integers wrap, floats are rounded to nearest, and `bool` is "not zero". Complex numbers become
    /// others or `bool`; to a type without an imaginary part it is a mistake.
    #[doc(alias = "astype")]
    #[track_caller]
    pub fn cast<U: Element>(&self) -> Expr<'a, U> {
        Expr::from_node(infer::cast(&self.node, U::DTYPE, Some(Site::caller())))
    }

    /// The elements converted to `U`: values that an integer type does not hold become the nearest one that it does, and NaN 0.
    /// Conversions to `bool` and to floats are those of [`cast`](Expr::cast).
    ///
    /// ```
    /// use elide::lazy;
    /// let x = vec![-1.5, 254.9, 300.0, f64::NAN];
    /// assert_eq!(lazy(&x).cast_saturating::<u8>().eval::<Vec<u8>>()?, [0, 254, 255, 0]);
    /// # Ok::<(), elide::Error>(())
    /// ```
    #[track_caller]
    pub fn cast_saturating<U: Element>(&self) -> Expr<'a, U> {
        Expr::from_node(promote::cast_saturating(&self.node, U::DTYPE, Some(Site::caller())))
    }

    binary_methods! {
        /// True where the elements are equal; NaN equals nothing.
        #[doc(alias = "equal")]
        eq = Eq -> Expr<'a, bool>;
        /// True where the elements differ; NaN differs from everything.
        #[doc(alias = "not_equal")]
        ne = Ne -> Expr<'a, bool>;
        /// True where this is below `other`.
        #[doc(alias = "less")]
        lt = Lt -> Expr<'a, bool>;
        /// True where this is at most `other`.
        #[doc(alias = "less_equal")]
        le = Le -> Expr<'a, bool>;
        /// True where this is above `other`.
        #[doc(alias = "greater")]
        gt = Gt -> Expr<'a, bool>;
        /// True where this is at least `other`.
        #[doc(alias = "greater_equal")]
        ge = Ge -> Expr<'a, bool>;
    }

    reduction_methods! {
        /// The smallest element; NaN if any is NaN. A mistake where there are no elements.
        #[doc(alias = "amin")]
        min min_axis min_over -> Expr<'a, T> = reduce!(Min);
        /// The largest element; NaN if any is NaN. A mistake where there are no elements.
        #[doc(alias = "amax")]
        max max_axis max_over -> Expr<'a, T> = reduce!(Max);
        /// How many elements are not zero (not `false`).
        count_nonzero count_nonzero_axis count_nonzero_over -> Expr<'a, i64> = infer::count_nonzero;
        /// The position, in C order over the reduced axes, of the first smallest element; NaN counts as smallest.
        argmin argmin_axis argmin_over -> Expr<'a, i64> = reduce!(ArgMin);
        /// The position, in C order over the reduced axes, of the first largest element; NaN counts as largest.
        argmax argmax_axis argmax_over -> Expr<'a, i64> = reduce!(ArgMax);
    }
}

impl<'a, T: Number> Expr<'a, T> {
    unary_methods! {
        /// Absolute value. The least integer stays as it is.
        abs = Abs -> Expr<'a, T>, infer::unary;
    }

    binary_methods! {
        /// The quotient rounded down. Integers: 0 where the divisor is 0.
        #[doc(alias = "floor_divide")]
        floor_div = FloorDiv -> Expr<'a, T>;
        /// What [`floor_div`](Expr::floor_div) leaves, with the divisor's sign: NumPy's `%`, and the operator `%` here.
        /// [`fmod`](Expr::fmod) is Rust's.
        #[doc(alias = "remainder")]
        #[doc(alias = "mod")]
        rem = Rem -> Expr<'a, T>;
        /// What truncating division leaves, with the dividend's sign: Rust's `%`.
        fmod = Fmod -> Expr<'a, T>;
        /// To the power `other`. Integers wrap.
        #[doc(alias = "powf")]
        #[doc(alias = "powi")]
        #[doc(alias = "power")]
        pow = Pow -> Expr<'a, T>;
        /// The smaller, element by element; NaN if either is. [`min`](Expr::min) is the reduction.
        minimum = Min -> Expr<'a, T>;
        /// The larger, element by element; NaN if either is. [`max`](Expr::max) is the reduction.
        maximum = Max -> Expr<'a, T>;
        /// The smaller, element by element; where one is NaN, the other.
        fmin = Fmin -> Expr<'a, T>;
        /// The larger, element by element; where one is NaN, the other.
        fmax = Fmax -> Expr<'a, T>;
    }

    /// -1, 0 or 1; NaN stays NaN, and both zeros are 0.
    #[doc(alias = "signum")]
    #[track_caller]
    pub fn sign(&self) -> Self {
        Expr::from_node(composite::sign(&self.node, Some(Site::caller())))
    }

    /// [`floor_div`](Expr::floor_div) and [`rem`](Expr::rem).
    #[track_caller]
    pub fn divmod(&self, other: impl IntoExpr<'a, T>) -> (Self, Self) {
        let other = other.into_expr();
        (self.floor_div(&other), self.rem(&other))
    }

    /// Limited to `low..=high`: `maximum(low).minimum(high)`.
    #[doc(alias = "clamp")]
    #[track_caller]
    pub fn clip(&self, low: impl IntoExpr<'a, T>, high: impl IntoExpr<'a, T>) -> Self {
        self.maximum(low).minimum(high)
    }

    reduction_methods! {
        /// The product, in the element type: integers wrap, so [`cast`](Expr::cast) to a wider type first where that matters.
        #[doc(alias = "product")]
        prod prod_axis prod_over -> Expr<'a, T> = reduce!(Prod);
    }
}

impl<'a, T: Integer> Expr<'a, T> {
    binary_methods! {
        /// The greatest common divisor; that of 0 and x is the magnitude of x.
        gcd = Gcd -> Expr<'a, T>;
        /// The least common multiple, which wraps; 0 where either is 0.
        lcm = Lcm -> Expr<'a, T>;
    }
}

impl<'a, T: Ring> Expr<'a, T> {
    /// The product of the element with itself.
    #[track_caller]
    pub fn square(&self) -> Self {
        Expr::from_node(composite::square(&self.node, Some(Site::caller())))
    }

    reduction_methods! {
        /// The sum, in the element type: integers wrap, so [`cast`](Expr::cast) to a wider type first where that matters.
        sum sum_axis sum_over -> Expr<'a, T> = reduce!(Sum);
    }
}

impl<'a, T: Field> Expr<'a, T> {
    reduction_methods! {
        /// The arithmetic mean: the sum divided by the count; NaN for nothing.
        #[doc(alias = "average")]
        mean mean_axis mean_over -> Expr<'a, T> = infer::mean;
    }
}

impl<'a, T: Float> Expr<'a, T> {
    unary_methods! {
        /// Square root; NaN below zero.
        sqrt = Sqrt -> Expr<'a, T>, infer::unary;
        /// The largest integral value not above the element.
        floor = Floor -> Expr<'a, T>, infer::unary;
        /// The smallest integral value not below the element.
        ceil = Ceil -> Expr<'a, T>, infer::unary;
        /// The integral part.
        #[doc(alias = "fix")]
        trunc = Trunc -> Expr<'a, T>, infer::unary;
        /// The nearest integral value, halves to even. (Rust's `f64::round` takes halves away from zero.)
        #[doc(alias = "rint")]
        round = Rint -> Expr<'a, T>, infer::unary;
        /// True where the element is NaN.
        #[doc(alias = "isnan")]
        is_nan = IsNan -> Expr<'a, bool>, infer::unary;
        /// True where the sign bit is set, which of -0 it is; false for NaN.
        #[doc(alias = "is_sign_negative")]
        signbit = Signbit -> Expr<'a, bool>, infer::unary;
    }

    function_methods! { Expr<'a, T>, infer::unary }
    composite_methods! { composite::as_it_is, Expr<'a, bool>, Expr<'a, i32> }

    /// To so many decimals, halves to even: by way of the product with a power of ten, as in NumPy, which is rounded too. Fewer
    /// than none are tens, hundreds and so on.
    #[track_caller]
    pub fn round_to(&self, decimals: i32) -> Self {
        Expr::from_node(composite::round_to(&self.node, decimals, Some(Site::caller())))
    }

    /// With numbers in the place of NaN, infinity and negative infinity, of which the last two by default are the largest numbers
    /// of the type.
    #[track_caller]
    pub fn nan_to_num(&self, nan: f64, posinf: impl Into<Option<f64>>, neginf: impl Into<Option<f64>>) -> Self {
        Expr::from_node(composite::nan_to_num(&self.node, nan, posinf.into(), neginf.into(), Some(Site::caller())))
    }

    /// The product with a power of two, `self * 2^exponent`, rounded once.
    #[doc(alias = "scalbn")]
    #[track_caller]
    pub fn ldexp<I: Integer>(&self, exponent: impl IntoExpr<'a, I>) -> Self {
        Expr::from_node(composite::ldexp(&self.node, &exponent.into_expr().node, Some(Site::caller())))
    }
    function2_methods! { binary_methods, [], [-> Expr<'a, T>] }

    /// True where the distance to `other` is at most `relative * |other| + absolute`; an infinity is close to itself alone.
    #[doc(alias = "isclose")]
    #[track_caller]
    pub fn is_close(&self, other: impl IntoExpr<'a, T>, relative: f64, absolute: f64) -> Expr<'a, bool> {
        let (site, other) = (Some(Site::caller()), other.into_expr());
        let limit = composite::tolerance(&other.node, relative, absolute, site);
        Expr::from_node(composite::is_close(&self.node, &other.node, &limit, site))
    }
}

impl<'a> Expr<'a, bool> {
    /// `yes` where this is true, else `no`; all three broadcast.
    #[doc(alias = "where")]
    #[track_caller]
    pub fn select<T: Element>(&self, yes: impl IntoExpr<'a, T>, no: impl IntoExpr<'a, T>) -> Expr<'a, T> {
        let (yes, no) = (yes.into_expr(), no.into_expr());
        Expr::from_node(infer::select(&self.node, &yes.node, &no.node, Some(Site::caller())))
    }

    reduction_methods! {
        /// True if any element is; false for nothing.
        any any_axis any_over -> Expr<'a, bool> = reduce!(Any);
        /// True if all elements are; true for nothing.
        all all_axis all_over -> Expr<'a, bool> = reduce!(All);
    }
}
