//! Notation for expansions: operators on values under construction.

use super::{Emit, Rare};
use crate::dtype::{DType, Scalar};
use crate::ops::{BinaryOp, UnaryOp};
use std::cell::RefCell;
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Sub};

/// Where an expansion over one floating-point type is written, and what depends on that type.
pub(super) struct Scope<'e, E: Emit> {
    emit: RefCell<&'e mut E>,
    pub(super) float: DType,
    int: DType,
    /// Explicit bits of the significand: 23 or 52.
    pub(super) digits: u32,
    /// Bits of the type: 32 or 64.
    pub(super) width: u32,
    /// Exponent bias: 127 or 1023.
    pub(super) bias: i64,
    /// 1.5 * 2^digits. Adding it rounds a number below 2^(digits - 1) to an integer and leaves that integer, in two's
    /// complement, in the low bits of the sum.
    pub(super) round: f64,
    /// All bits but the sign.
    pub(super) magnitude: i64,
    /// The sign bit alone.
    pub(super) sign: i64,
}

impl<'e, E: Emit> Scope<'e, E> {
    pub(super) fn new(emit: &'e mut E, float: DType) -> Self {
        let emit = RefCell::new(emit);
        match float {
            DType::F32 => Scope {
                emit,
                float,
                int: DType::I32,
                digits: 23,
                width: 32,
                bias: 127,
                round: 12582912.0,
                magnitude: i32::MAX as i64,
                sign: i32::MIN as i64,
            },
            DType::F64 => Scope {
                emit,
                float,
                int: DType::I64,
                digits: 52,
                width: 64,
                bias: 1023,
                round: 6755399441055744.0,
                magnitude: i64::MAX,
                sign: i64::MIN,
            },
            _ => unreachable!("elementary functions are expanded on floating-point types only"),
        }
    }

    /// A value made elsewhere.
    pub(super) fn value(&self, value: E::Value) -> Num<'_, 'e, E> {
        Num { scope: self, value }
    }

    /// A constant of the scope's type, rounded to it.
    pub(super) fn float(&self, x: f64) -> Num<'_, 'e, E> {
        self.value(self.emit.borrow_mut().constant(Scalar::F64(x).cast(self.float)))
    }

    /// A constant of the integer type of the same size.
    pub(super) fn int(&self, x: i64) -> Num<'_, 'e, E> {
        self.value(self.emit.borrow_mut().constant(Scalar::I64(x).cast(self.int)))
    }

    /// The bits of 1.0.
    pub(super) fn one_bits(&self) -> i64 {
        self.bias << self.digits
    }

    /// `c[0] + c[1] x + c[2] x^2 + ...`, given `x2 = x * x`: Horner's scheme in x^2 on pairs of terms. That is half as long
    /// a chain of dependent operations as in x, for none more; and where the signs alternate a pair cancels before it is
    /// summed, which it does not when even and odd terms are gathered.
    pub(super) fn poly<'s>(&'s self, x: Num<'s, 'e, E>, x2: Num<'s, 'e, E>, c: &[f64]) -> Num<'s, 'e, E> {
        let mut pairs = c.chunks(2).rev().map(|pair| match *pair {
            [c0, c1] => self.float(c1).fma(x, self.float(c0)),
            _ => self.float(pair[0]),
        });
        let highest = pairs.next().expect("a polynomial of one term or more");
        pairs.fold(highest, |sum, pair| sum.fma(x2, pair))
    }

    /// `poly` with the first term added last: the sum of the others, which it dwarfs, is the only one to be rounded apart.
    pub(super) fn poly_led<'s>(&'s self, x: Num<'s, 'e, E>, x2: Num<'s, 'e, E>, c: &[f64]) -> Num<'s, 'e, E> {
        self.poly(x, x2, &c[1..]).fma(x, self.float(c[0]))
    }
}

/// A value under construction in a [`Scope`].
pub(super) struct Num<'s, 'e, E: Emit> {
    scope: &'s Scope<'e, E>,
    pub(super) value: E::Value,
}

impl<E: Emit> Clone for Num<'_, '_, E> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<E: Emit> Copy for Num<'_, '_, E> {}

impl<E: Emit> Num<'_, '_, E> {
    fn with(self, value: E::Value) -> Self {
        Num { scope: self.scope, value }
    }
    fn unary(self, op: UnaryOp) -> Self {
        self.with(self.scope.emit.borrow_mut().unary(op, self.value))
    }
    pub(super) fn binary(self, op: BinaryOp, other: Self) -> Self {
        self.with(self.scope.emit.borrow_mut().binary(op, self.value, other.value))
    }
    /// `self * y + z`, rounded once.
    pub(super) fn fma(self, y: Self, z: Self) -> Self {
        self.with(self.scope.emit.borrow_mut().fma(self.value, y.value, z.value))
    }
    /// `x` where this condition holds, else `y`.
    pub(super) fn select(self, x: Self, y: Self) -> Self {
        self.with(self.scope.emit.borrow_mut().select(self.value, x.value, y.value))
    }
    /// `f` of `x` where this condition holds, which it seldom does, else `usual`.
    pub(super) fn rarely(self, f: Rare, x: Self, usual: Self) -> Self {
        self.with(self.scope.emit.borrow_mut().rarely(f, self.value, x.value, usual.value))
    }
    /// The bits of a floating-point value.
    pub(super) fn bits(self) -> Self {
        self.with(self.scope.emit.borrow_mut().bitcast(self.value, self.scope.int))
    }
    /// The floating-point value with these bits.
    pub(super) fn to_float(self) -> Self {
        self.with(self.scope.emit.borrow_mut().bitcast(self.value, self.scope.float))
    }
    /// Integer bits shifted left by a constant.
    pub(super) fn shl(self, count: u32) -> Self {
        self.binary(BinaryOp::Shl, self.scope.int(count as i64))
    }
    /// Integer bits shifted right by a constant, zeros coming in.
    pub(super) fn shr(self, count: u32) -> Self {
        self.with(self.scope.emit.borrow_mut().shift_right_logical(self.value, count))
    }
    pub(super) fn sqrt(self) -> Self {
        self.unary(UnaryOp::Sqrt)
    }
    pub(super) fn rint(self) -> Self {
        self.unary(UnaryOp::Rint)
    }
    pub(super) fn floor(self) -> Self {
        self.unary(UnaryOp::Floor)
    }
    pub(super) fn fmod(self, y: Self) -> Self {
        self.binary(BinaryOp::Fmod, y)
    }
    pub(super) fn lt(self, y: Self) -> Self {
        self.binary(BinaryOp::Lt, y)
    }
    pub(super) fn gt(self, y: Self) -> Self {
        self.binary(BinaryOp::Gt, y)
    }
    pub(super) fn eq(self, y: Self) -> Self {
        self.binary(BinaryOp::Eq, y)
    }
    pub(super) fn ne(self, y: Self) -> Self {
        self.binary(BinaryOp::Ne, y)
    }
    /// The absolute value, as one operation on the bits.
    pub(super) fn abs(self) -> Self {
        (self.bits() & self.scope.int(self.scope.magnitude)).to_float()
    }
    pub(super) fn neg(self) -> Self {
        (self.bits() ^ self.scope.int(self.scope.sign)).to_float()
    }
    /// The negation as the table has it: backends fold it into the fused operation whose factor it is.
    pub(super) fn minus(self) -> Self {
        self.unary(UnaryOp::Neg)
    }
    /// This magnitude with the sign of `x`. It must not be negative itself.
    pub(super) fn signed_as(self, x: Self) -> Self {
        (self.bits() | x.sign_bits()).to_float()
    }
    /// The sign bit alone, as an integer.
    pub(super) fn sign_bits(self) -> Self {
        self.bits() & self.scope.int(self.scope.sign)
    }
    /// The nearest value in `least..=most`; NaN stays NaN, which Rust's and NumPy's `min` would cost one more test for.
    pub(super) fn clamp(self, least: f64, most: f64) -> Self {
        let (least, most) = (self.scope.float(least), self.scope.float(most));
        let x = self.gt(most).select(most, self);
        x.lt(least).select(least, x)
    }
}

macro_rules! operators {
    ($($Trait:ident $method:ident $Op:ident;)*) => { $(
        impl<E: Emit> $Trait for Num<'_, '_, E> {
            type Output = Self;
            fn $method(self, other: Self) -> Self {
                self.binary(BinaryOp::$Op, other)
            }
        }
    )* };
}
operators! {
    Add add Add;
    Sub sub Sub;
    Mul mul Mul;
    Div div Div;
    BitAnd bitand And;
    BitOr bitor Or;
    BitXor bitxor Xor;
}

/// Expands `f` over `f64`, where it is also told whether the operand is `f32`: then it may compute with the digits that remain
/// right when the result is rounded to that.
pub(super) fn in_double1<E: Emit>(
    e: &mut E,
    x: E::Value,
    f: impl for<'s, 'e> FnOnce(&'s Scope<'e, E>, Num<'s, 'e, E>, bool) -> Num<'s, 'e, E>,
) -> E::Value {
    let single = e.dtype(x) == DType::F32;
    let x = if single { e.cast(x, DType::F64) } else { x };
    let value = {
        let s = &Scope::new(e, DType::F64);
        f(s, s.value(x), single).value
    };
    if single { e.cast(value, DType::F32) } else { value }
}

/// As `in_double1`, of two operands of one type.
pub(super) fn in_double2<E: Emit>(
    e: &mut E,
    x: E::Value,
    y: E::Value,
    f: impl for<'s, 'e> FnOnce(&'s Scope<'e, E>, Num<'s, 'e, E>, Num<'s, 'e, E>, bool) -> Num<'s, 'e, E>,
) -> E::Value {
    let single = e.dtype(x) == DType::F32;
    let (x, y) = if single { (e.cast(x, DType::F64), e.cast(y, DType::F64)) } else { (x, y) };
    let value = {
        let s = &Scope::new(e, DType::F64);
        f(s, s.value(x), s.value(y), single).value
    };
    if single { e.cast(value, DType::F32) } else { value }
}
