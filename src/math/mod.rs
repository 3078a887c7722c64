//! Elementary functions as expansions into primitive operations.
//!
//! Each function is written once, over [`Emit`]: the loop IR implements it to receive the expansion as instructions, and
//! [`Eval`] implements it to run the same expansion on one element. So the compiled code, constant folding and the reference
//! evaluator agree bit for bit, whatever the lane width.

mod arcs;
mod arith;
mod erf;
mod exp_log;
mod gamma;
pub(crate) mod half;
mod huge;
mod hyperbolic;
mod integers;
mod logs;
mod pair;
mod pow;
pub(crate) mod quotient;
mod remainder;
mod roots;
mod signs;
#[cfg(test)]
mod tests;
mod trig;

pub(crate) use integers::{gcd, int_pow, lcm, unsigned_pow};

use crate::dtype::{DType, Element, Scalar};
use crate::ops::{BinaryOp, UnaryOp};

/// A receiver of primitive operations: everything an expansion may use.
///
/// Operands of one operation have one type. Integer shifts by a constant are vector instructions; shifts by a variable,
/// integer division and `Fmod` are not, so expansions avoid them on the hot path.
pub trait Emit {
    /// A value under construction.
    type Value: Copy;
    /// A constant.
    fn constant(&mut self, value: Scalar) -> Self::Value;
    /// A row of the op table that is not itself expanded.
    fn unary(&mut self, op: UnaryOp, x: Self::Value) -> Self::Value;
    /// A row of the op table that is not itself expanded.
    fn binary(&mut self, op: BinaryOp, x: Self::Value, y: Self::Value) -> Self::Value;
    /// `x * y + z`, rounded once.
    fn fma(&mut self, x: Self::Value, y: Self::Value, z: Self::Value) -> Self::Value;
    /// `x` where `cond`, else `y`.
    fn select(&mut self, cond: Self::Value, x: Self::Value, y: Self::Value) -> Self::Value;
    /// `f` of `x` where `cond`, which seldom holds, else `usual`; numbers are `f64`, or `f32` that are rounded from it. Vector code branches around it.
    fn rarely(&mut self, f: Rare, cond: Self::Value, x: Self::Value, usual: Self::Value) -> Self::Value;
    /// The value converted to another type, as by `astype`.
    fn cast(&mut self, x: Self::Value, dtype: DType) -> Self::Value;
    /// The same bits as another type of the same size (`f64` and `i64`, `f32` and `i32`, halves and `u16`).
    fn bitcast(&mut self, x: Self::Value, dtype: DType) -> Self::Value;
    /// An integer's bits shifted right by a constant below its width, filling with zeros.
    fn shift_right_logical(&mut self, x: Self::Value, count: u32) -> Self::Value;
    /// The type of a value.
    fn dtype(&self, x: Self::Value) -> DType;
}

/// Functions of one `f64` that no straight-line code computes well: expansions leave single elements to them, for which compiled
/// code leaves its vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rare {
    /// sine of a large angle
    Sin,
    /// cosine of a large angle
    Cos,
    /// tangent of a large angle
    Tan,
}

impl Rare {
    /// The function of one element.
    pub(crate) fn eval(self, x: f64) -> f64 {
        match self {
            Rare::Sin => huge::sin(x),
            Rare::Cos => huge::cos(x),
            Rare::Tan => huge::tan(x),
        }
    }

    /// The lower-case name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Rare::Sin => "sin",
            Rare::Cos => "cos",
            Rare::Tan => "tan",
        }
    }
}

/// A list of functions: the enum of their names, and which expansion each is.
macro_rules! functions {
    ($(#[$about:meta])* $Enum:ident, $(#[$does:meta])* $expand:ident($($x:ident),+): $( $(#[$doc:meta])* $f:ident = $module:ident::$function:ident; )*) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $Enum { $( $(#[$doc])* $f, )* }

        impl $Enum {
            /// Every function, in the order of the list.
            #[cfg(test)]
            const ALL: &'static [$Enum] = &[$($Enum::$f),*];
        }

        $(#[$does])*
        pub fn $expand<E: Emit>(e: &mut E, f: $Enum, $($x: E::Value),+) -> E::Value {
            let function = match f { $( $Enum::$f => $module::$function::<E>, )* };
            function(e, $($x),+)
        }
    };
}

functions! {
    /// The functions of one operand that `math` expands.
    Function1,
    /// Expands a function of one floating-point operand.
    expand1(x):
    /// e to the power x
    Exp = exp_log::exp;
    /// 2 to the power x
    Exp2 = exp_log::exp2;
    /// e to the power x, less 1
    Expm1 = hyperbolic::expm1;
    /// the same, within 4 units
    FastExpm1 = hyperbolic::fast_expm1;
    /// natural logarithm
    Log = exp_log::log;
    /// logarithm to base 2
    Log2 = logs::log2;
    /// logarithm to base 10
    Log10 = logs::log10;
    /// natural logarithm of 1 + x
    Log1p = logs::log1p;
    /// sine
    Sin = trig::sin;
    /// the same, within 4 units
    FastSin = trig::fast_sin;
    /// cosine
    Cos = trig::cos;
    /// the same, within 4 units
    FastCos = trig::fast_cos;
    /// tangent
    Tan = trig::tan;
    /// the same, within 4 units
    FastTan = trig::fast_tan;
    /// sine of pi x over pi x
    Sinc = trig::sinc;
    /// arcsine
    Asin = arcs::asin;
    /// arccosine
    Acos = arcs::acos;
    /// arctangent
    Atan = arcs::atan;
    /// hyperbolic sine
    Sinh = hyperbolic::sinh;
    /// the same, within 4 units
    FastSinh = hyperbolic::fast_sinh;
    /// hyperbolic cosine
    Cosh = hyperbolic::cosh;
    /// the same, within 4 units
    FastCosh = hyperbolic::fast_cosh;
    /// hyperbolic tangent
    Tanh = hyperbolic::tanh;
    /// the same, within 4 units
    FastTanh = hyperbolic::fast_tanh;
    /// logistic function
    Logistic = hyperbolic::logistic;
    /// the same, within 4 units
    FastLogistic = hyperbolic::fast_logistic;
    /// inverse hyperbolic sine
    Asinh = logs::asinh;
    /// inverse hyperbolic cosine
    Acosh = logs::acosh;
    /// inverse hyperbolic tangent
    Atanh = logs::atanh;
    /// cube root
    Cbrt = roots::cbrt;
    /// error function
    Erf = erf::erf;
    /// complement of the error function
    Erfc = erf::erfc;
    /// gamma function
    Gamma = gamma::gamma;
    /// logarithm of the magnitude of the gamma function
    Lgamma = gamma::lgamma;
    /// whether the sign bit is set
    Signbit = signs::signbit;
    /// distance to the next number
    Spacing = signs::spacing;
}

functions! {
    /// The functions of two operands that `math` expands.
    Function2,
    /// Expands a function of two floating-point operands of one type.
    expand2(x, y):
    /// floored quotient
    FloorDiv = remainder::floor_div;
    /// floored remainder
    Rem = remainder::rem;
    /// power
    Pow = pow::pow;
    /// angle of a point
    Atan2 = arcs::atan2;
    /// distance of a point
    Hypot = roots::hypot;
    /// logarithm of e^x + e^y
    Logaddexp = logs::logaddexp;
    /// logarithm to base 2 of 2^x + 2^y
    Logaddexp2 = logs::logaddexp2;
    /// magnitude with another sign
    Copysign = signs::copysign;
    /// step
    Heaviside = signs::heaviside;
    /// next number towards another
    Nextafter = signs::nextafter;
    /// larger of two, but for NaN
    Fmax = signs::fmax;
    /// smaller of two, but for NaN
    Fmin = signs::fmin;
}

/// The bits, as an `i64`, of the `u64` that a float is converted to. From 2^63 on only what is above it is converted.
pub fn float_to_u64_bits<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let limit = e.constant(Scalar::F64(9223372036854775808.0).cast(e.dtype(x)));
    let (least, zero) = (e.constant(Scalar::I64(i64::MIN)), e.constant(Scalar::I64(0)));
    let large = e.binary(BinaryOp::Ge, x, limit);
    let rest = e.binary(BinaryOp::Sub, x, limit);
    let rest = e.select(large, rest, x);
    let bits = e.cast(rest, DType::I64);
    let flipped = e.select(large, least, zero);
    e.binary(BinaryOp::Xor, bits, flipped)
}

/// Runs expansions on one element.
pub struct Eval;

impl Emit for Eval {
    type Value = Scalar;
    fn constant(&mut self, value: Scalar) -> Scalar {
        value
    }
    fn unary(&mut self, op: UnaryOp, x: Scalar) -> Scalar {
        op.eval(x).expect("an expansion uses operations where they are defined")
    }
    fn binary(&mut self, op: BinaryOp, x: Scalar, y: Scalar) -> Scalar {
        op.eval(x, y).expect("an expansion uses operations where they are defined")
    }
    fn fma(&mut self, x: Scalar, y: Scalar, z: Scalar) -> Scalar {
        match (x, y, z) {
            (Scalar::F32(x), Scalar::F32(y), Scalar::F32(z)) => Scalar::F32(x.mul_add(y, z)),
            (Scalar::F64(x), Scalar::F64(y), Scalar::F64(z)) => Scalar::F64(x.mul_add(y, z)),
            _ => unreachable!("fma takes three values of one floating-point type"),
        }
    }
    fn select(&mut self, cond: Scalar, x: Scalar, y: Scalar) -> Scalar {
        if matches!(cond, Scalar::Bool(true)) { x } else { y }
    }
    fn rarely(&mut self, f: Rare, cond: Scalar, x: Scalar, usual: Scalar) -> Scalar {
        match (cond, x) {
            (Scalar::Bool(true), Scalar::F64(x)) => Scalar::F64(f.eval(x)),
            (Scalar::Bool(true), Scalar::F32(x)) => Scalar::F32(f.eval(x.into()) as f32),
            _ => usual,
        }
    }
    fn cast(&mut self, x: Scalar, dtype: DType) -> Scalar {
        x.cast(dtype)
    }
    fn bitcast(&mut self, x: Scalar, dtype: DType) -> Scalar {
        debug_assert_eq!(x.dtype().size(), dtype.size());
        Scalar::from_bits(dtype, x.bits())
    }
    fn shift_right_logical(&mut self, x: Scalar, count: u32) -> Scalar {
        Scalar::from_bits(x.dtype(), x.bits() >> count)
    }
    fn dtype(&self, x: Scalar) -> DType {
        x.dtype()
    }
}

/// A function of one operand on one element, which is no half.
pub(crate) fn scalar1<T: Element>(f: Function1, x: T) -> Scalar {
    expand1(&mut Eval, f, x.into())
}

/// A function of two operands, which are no halves, on one pair of elements.
pub(crate) fn scalar2<T: Element>(f: Function2, x: T, y: T) -> Scalar {
    expand2(&mut Eval, f, x.into(), y.into())
}
