//! Complex expressions: which operations there are, and the methods that only complex numbers have.
//!
//! A node may be complex like any other; importing makes two real nodes of it, by the formulas in [`parts`].

mod arcs;
pub(crate) mod functions;
pub(crate) mod parts;

use crate::dtype::{DType, Part, c64, c128};
use crate::error::{Error, ErrorKind, Site, bail};
use crate::expr::infer::{self, At, constant_or_stretched, describe, failed, inherited, is_error, or_error};
use crate::expr::methods::unary_methods;
use crate::expr::node::{NodeKind, NodeRef};
use crate::expr::promote::{self, DynOperand};
use crate::expr::{DynExpr, Expr, IntoExpr};
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};
use crate::shape;

/// An operation that only complex numbers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ComplexOp {
    Real,
    Imag,
    /// The imaginary part negated.
    Conj,
    /// The angle from the positive real axis.
    Angle,
}

impl ComplexOp {
    pub fn name(self) -> &'static str {
        match self {
            ComplexOp::Real => "real",
            ComplexOp::Imag => "imag",
            ComplexOp::Conj => "conj",
            ComplexOp::Angle => "angle",
        }
    }
}

/// The result type of an operation, also on complex numbers.
pub(crate) fn result1(op: UnaryOp, d: DType) -> Option<DType> {
    match op {
        _ if !d.is_complex() => op.result(d),
        UnaryOp::Neg => Some(d),
        UnaryOp::Abs => Some(d.part()),
        UnaryOp::IsNan => Some(DType::Bool),
        op => functions::FUNCTIONS.contains(&op).then_some(d),
    }
}

/// The result type of an operation, also on complex numbers.
pub(crate) fn result2(op: BinaryOp, d: DType) -> Option<DType> {
    match op {
        _ if !d.is_complex() => op.result(d),
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Pow => Some(d),
        BinaryOp::Eq | BinaryOp::Ne => Some(DType::Bool),
        _ => None,
    }
}

/// The result type of a reduction, also of complex numbers.
pub(crate) fn reduced(op: ReduceOp, d: DType) -> Option<DType> {
    if d.is_complex() { (op == ReduceOp::Sum).then_some(d) } else { op.result(d) }
}

/// The error of an operation, by its name, that is not defined on a type.
pub(crate) fn undefined(op: &str, d: DType) -> Error {
    let error = Error::new(ErrorKind::DType, format!("`{op}` is not defined on {d}"));
    if !d.is_complex() {
        return error;
    }
    match op {
        "lt" | "le" | "gt" | "ge" | "min" | "max" | "fmin" | "fmax" | "argmin" | "argmax" => {
            error.help("complex numbers have no order: compare parts or magnitudes (`real`, `imag`, `abs`)")
        }
        "prod" => {
            error.help("each factor needs both parts of the product before it; sum the logarithms of magnitudes and the angles instead")
        }
        _ => error.help("compute it of the parts (`real`, `imag`), or of the magnitude and the angle (`abs`, `angle`)"),
    }
}

/// The mistake of asking for `op`, which is defined on real numbers only, of a complex operand.
pub(crate) fn refused(op: &str, a: &NodeRef, site: At) -> Option<NodeRef> {
    let complex = !is_error(a) && a.dtype.is_complex();
    complex.then(|| or_error(Err(undefined(op, a.dtype)), a.dtype, site, || format!("{op} of {}", describe(a))))
}

/// An operation of the operand alone; of one that is not complex what it is of a number without an imaginary part.
pub(crate) fn apply(op: ComplexOp, a: &NodeRef, site: At) -> NodeRef {
    if is_error(a) {
        return a.clone();
    }
    if a.dtype.is_complex() {
        let dtype = if op == ComplexOp::Conj { a.dtype } else { a.dtype.part() };
        return NodeRef::new(NodeKind::Complex(op, a.clone()), dtype, a.shape.clone(), site);
    }
    match op {
        // NumPy has conjugates of numbers only.
        ComplexOp::Conj if a.dtype == DType::Bool => infer::cast(a, DType::I8, site),
        ComplexOp::Real | ComplexOp::Conj => a.clone(),
        ComplexOp::Imag => {
            let zero = infer::constant(crate::dtype::Scalar::zero(a.dtype), site);
            or_error(infer::broadcast_to(&zero, &a.shape, site), a.dtype, site, || format!("imag of {}", describe(a)))
        }
        ComplexOp::Angle => {
            let x = DynExpr::from_node(a.clone()).into();
            promote::binary(BinaryOp::Atan2, &promote::Weak::Int(0).into(), &x, site)
        }
    }
}

/// Complex numbers of these parts, which have one type, that of parts.
pub(crate) fn pair(re: &NodeRef, im: &NodeRef, site: At) -> NodeRef {
    if let Some(bad) = inherited(&[re, im]) {
        return bad.clone();
    }
    let dtype = re.dtype.to_complex();
    let made = (|| {
        if re.dtype != im.dtype || dtype.part() != re.dtype {
            bail!(DType, "the parts must both be f32, or both f64");
        }
        let (shape, equations) = shape::broadcast(&[&re.shape, &im.shape])?;
        let kind = NodeKind::Pair(constant_or_stretched(re, &shape, site)?, constant_or_stretched(im, &shape, site)?);
        Ok(NodeRef::with_equations(kind, dtype, shape, site, equations))
    })();
    or_error(made, dtype, site, || format!("complex numbers of {} and {}", describe(re), describe(im)))
}

/// The mistake of converting complex numbers to a type that has no imaginary part.
pub(crate) fn lossy_cast(a: &NodeRef, dtype: DType, site: At) -> NodeRef {
    let message = format!("conversion of {} to {dtype}: the imaginary part would be lost", describe(a));
    let error =
        Error::new(ErrorKind::DType, message).help("take the part that is meant, with `real` or `imag`, or the magnitude, with `abs`");
    failed(error, dtype, site)
}

macro_rules! complex_methods {
    ($T:ty, $Part:ty) => {
        impl<'a> Expr<'a, $T> {
            complex_methods! { @parts
                /// The real parts.
                real = Real -> $Part;
                /// The imaginary parts.
                imag = Imag -> $Part;
                /// The complex conjugates.
                #[doc(alias = "conjugate")]
                conj = Conj -> $T;
                /// The angles from the positive real axis, in [-pi, pi]: `imag.atan2(real)`.
                #[doc(alias = "arg")]
                angle = Angle -> $Part;
            }

            unary_methods! {
                /// The magnitudes; no square overflows.
                #[doc(alias = "norm")]
                abs = Abs -> Expr<'a, $Part>, infer::unary;
                /// True where a part is NaN.
                #[doc(alias = "isnan")]
                is_nan = IsNan -> Expr<'a, bool>, infer::unary;
                /// e to the power of the element.
                exp = Exp -> Self, infer::unary;
                /// e to the power of the element, less 1; accurate near 0.
                #[doc(alias = "exp_m1")]
                expm1 = Expm1 -> Self, infer::unary;
                /// Natural logarithm, with the angle as its imaginary part.
                #[doc(alias = "ln")]
                log = Log -> Self, infer::unary;
                /// Logarithm to base 2.
                log2 = Log2 -> Self, infer::unary;
                /// Logarithm to base 10.
                log10 = Log10 -> Self, infer::unary;
                /// Natural logarithm of 1 plus the element; accurate near 0.
                #[doc(alias = "ln_1p")]
                log1p = Log1p -> Self, infer::unary;
                /// The square root whose real part is not negative.
                sqrt = Sqrt -> Self, infer::unary;
                /// Sine.
                sin = Sin -> Self, infer::unary;
                /// Cosine.
                cos = Cos -> Self, infer::unary;
                /// Tangent.
                tan = Tan -> Self, infer::unary;
                /// Hyperbolic sine.
                sinh = Sinh -> Self, infer::unary;
                /// Hyperbolic cosine.
                cosh = Cosh -> Self, infer::unary;
                /// Hyperbolic tangent.
                tanh = Tanh -> Self, infer::unary;
                /// Arcsine; cut along the real axis beyond -1 and 1.
                #[doc(alias = "arcsin")]
                asin = Asin -> Self, infer::unary;
                /// Arccosine; cut along the real axis beyond -1 and 1.
                #[doc(alias = "arccos")]
                acos = Acos -> Self, infer::unary;
                /// Arctangent; cut along the imaginary axis beyond -i and i.
                #[doc(alias = "arctan")]
                atan = Atan -> Self, infer::unary;
                /// Inverse hyperbolic sine; cut along the imaginary axis beyond -i and i.
                #[doc(alias = "arcsinh")]
                asinh = Asinh -> Self, infer::unary;
                /// Inverse hyperbolic cosine; cut along the real axis below 1.
                #[doc(alias = "arccosh")]
                acosh = Acosh -> Self, infer::unary;
                /// Inverse hyperbolic tangent; cut along the real axis beyond -1 and 1.
                #[doc(alias = "arctanh")]
                atanh = Atanh -> Self, infer::unary;
            }

            /// 1 over the element.
            #[track_caller]
            pub fn reciprocal(&self) -> Self {
                Expr::from_node(functions::reciprocal(self.node(), Some(Site::caller())))
            }

            /// To the power `other`: e^(other ln self). 1 where `other` is 0; of zero 0 if the real part of `other` is positive, else NaN.
            #[doc(alias = "powc")]
            #[track_caller]
            pub fn pow(&self, other: impl IntoExpr<'a, $T>) -> Self {
                Expr::from_node(infer::binary(BinaryOp::Pow, self.node(), other.into_expr().node(), Some(Site::caller())))
            }

            /// To an integer power, by products.
            #[track_caller]
            pub fn powi(&self, exponent: i32) -> Self {
                Expr::from_node(functions::integer_power(self.node(), exponent, Some(Site::caller())))
            }
        }
    };
    (@parts $( $(#[$doc:meta])* $name:ident = $Op:ident -> $Out:ty; )*) => { $(
        $(#[$doc])*
        #[track_caller]
        pub fn $name(&self) -> Expr<'a, $Out> {
            Expr::from_node(apply(ComplexOp::$Op, self.node(), Some(Site::caller())))
        }
    )* };
}
complex_methods! { c64, f32 }
complex_methods! { c128, f64 }

impl<'a, T: Part> Expr<'a, T> {
    /// The complex numbers with these real parts and those imaginary ones.
    ///
    /// ```
    /// use elide::{Complex, lazy};
    /// let (x, y) = ([1.0, 2.0], [0.5, -1.0]);
    /// let z: Vec<Complex<f64>> = lazy(&x).with_imag(lazy(&y)).eval()?;
    /// assert_eq!(z, [Complex::new(1.0, 0.5), Complex::new(2.0, -1.0)]);
    /// # elide::Result::<()>::Ok(())
    /// ```
    #[track_caller]
    pub fn with_imag(&self, imag: impl IntoExpr<'a, T>) -> Expr<'a, T::Complex> {
        Expr::from_node(pair(self.node(), imag.into_expr().node(), Some(Site::caller())))
    }
}

macro_rules! dynamic_methods {
    ($( $(#[$doc:meta])* $name:ident = $Op:ident; )*) => { $(
        $(#[$doc])*
        #[track_caller]
        pub fn $name(&self) -> Self {
            DynExpr::from_node(apply(ComplexOp::$Op, self.node(), Some(Site::caller())))
        }
    )* };
}

impl<'a> DynExpr<'a> {
    dynamic_methods! {
        /// The real parts; what is not complex is its own.
        real = Real;
        /// The imaginary parts; of what is not complex zeros.
        imag = Imag;
        /// The complex conjugates; what is not complex is its own, and `bool` is `i8`.
        #[doc(alias = "conjugate")]
        conj = Conj;
        /// The angles from the positive real axis, in [-pi, pi], of real numbers too.
        #[doc(alias = "arg")]
        angle = Angle;
    }

    /// To an integer power, by products; of numbers that are not complex [`pow`](DynExpr::pow).
    #[track_caller]
    pub fn powi(&self, exponent: i32) -> Self {
        if self.dtype().is_complex() {
            return DynExpr::from_node(functions::integer_power(self.node(), exponent, Some(Site::caller())));
        }
        self.pow(exponent)
    }

    /// The complex numbers with these real parts and those imaginary ones: `c64` if both are of types whose values `f32` holds, else `c128`.
    #[track_caller]
    pub fn with_imag(&self, imag: impl Into<DynOperand<'a>>) -> Self {
        let site = Some(Site::caller());
        DynExpr::from_node(promote::with_imag(&self.into(), &imag.into(), site))
    }
}
