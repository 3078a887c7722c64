//! Elementary functions as expansions into primitive operations.
//!
//! Each function is written once, over [`Emit`]: the loop IR implements it to receive the expansion as instructions, and
//! [`Eval`] implements it to run the same expansion on one element. So the compiled code, constant folding and the reference
//! evaluator agree bit for bit, whatever the lane width.

mod arith;
mod exp_log;
mod pow;
mod remainder;
#[cfg(test)]
mod tests;
mod trig;

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
    /// The value converted to another type, as by `astype`.
    fn cast(&mut self, x: Self::Value, dtype: DType) -> Self::Value;
    /// The same bits as another type of the same size (`f64` and `i64`, `f32` and `i32`).
    fn bitcast(&mut self, x: Self::Value, dtype: DType) -> Self::Value;
    /// An integer's bits shifted right by a constant below its width, filling with zeros.
    fn shift_right_logical(&mut self, x: Self::Value, count: u32) -> Self::Value;
    /// The type of a value.
    fn dtype(&self, x: Self::Value) -> DType;
}

/// The functions of one operand that `math` expands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function1 {
    /// e to the power x
    Exp,
    /// natural logarithm
    Log,
    /// sine
    Sin,
    /// cosine
    Cos,
    /// hyperbolic tangent
    Tanh,
}

/// The functions of two operands that `math` expands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function2 {
    /// floored quotient
    FloorDiv,
    /// floored remainder
    Rem,
    /// power
    Pow,
    /// angle of a point
    Atan2,
}

/// Expands a function of one floating-point operand.
pub fn expand1<E: Emit>(e: &mut E, f: Function1, x: E::Value) -> E::Value {
    match f {
        Function1::Exp => exp_log::exp(e, x),
        Function1::Log => exp_log::log(e, x),
        Function1::Sin => trig::sin(e, x),
        Function1::Cos => trig::cos(e, x),
        Function1::Tanh => exp_log::tanh(e, x),
    }
}

/// Expands a function of two floating-point operands of one type.
pub fn expand2<E: Emit>(e: &mut E, f: Function2, x: E::Value, y: E::Value) -> E::Value {
    match f {
        Function2::FloorDiv => remainder::floor_div(e, x, y),
        Function2::Rem => remainder::rem(e, x, y),
        Function2::Pow => pow::pow(e, x, y),
        Function2::Atan2 => trig::atan2(e, x, y),
    }
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

/// A function of one operand on one element.
pub(crate) fn scalar1<T: Element>(f: Function1, x: T) -> Scalar {
    expand1(&mut Eval, f, x.into())
}

/// A function of two operands on one pair of elements.
pub(crate) fn scalar2<T: Element>(f: Function2, x: T, y: T) -> Scalar {
    expand2(&mut Eval, f, x.into(), y.into())
}

/// Integer power modulo 2^64, by squaring. A negative exponent gives the reciprocal rounded toward zero, and 0 for base 0.
pub(crate) fn int_pow(base: i64, exponent: i64) -> i64 {
    if exponent < 0 {
        return match base {
            1 => 1,
            -1 if exponent % 2 == 0 => 1,
            -1 => -1,
            _ => 0,
        };
    }
    let (mut result, mut square, mut rest) = (1i64, base, exponent);
    while rest > 0 {
        if rest & 1 == 1 {
            result = result.wrapping_mul(square);
        }
        square = square.wrapping_mul(square);
        rest >>= 1;
    }
    result
}
