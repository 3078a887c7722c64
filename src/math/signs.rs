//! Signs and neighbours of numbers, which are arithmetic on their bits; exact. The sign of a NaN counts as positive, since it differs
//! from machine to machine.

use super::Emit;
use super::arith::{Num, Scope};
use crate::ops::BinaryOp;

/// A number, or 0 for NaN.
fn or_zero<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>) -> Num<'s, 'e, E> {
    x.eq(x).select(x, s.float(0.0))
}

/// Whether the sign bit is set.
pub(super) fn signbit<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    or_zero(s, s.value(x)).bits().lt(s.int(0)).value
}

/// The magnitude of x with the sign of y.
pub(super) fn copysign<E: Emit>(e: &mut E, x: E::Value, y: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let (x, y) = (s.value(x), s.value(y));
    x.abs().signed_as(or_zero(s, y)).value
}

/// 0 below zero, 1 above, y at zero; NaN stays.
pub(super) fn heaviside<E: Emit>(e: &mut E, x: E::Value, y: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let (x, y, zero, one) = (s.value(x), s.value(y), s.float(0.0), s.float(1.0));
    let rest = x.lt(zero).select(zero, x.gt(zero).select(one, x));
    x.eq(zero).select(y, rest).value
}

/// The larger, or the one that is a number.
pub(super) fn fmax<E: Emit>(e: &mut E, x: E::Value, y: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let (x, y) = (s.value(x), s.value(y));
    (x.lt(y) | x.ne(x)).select(y, x).value
}

/// The smaller, or the one that is a number.
pub(super) fn fmin<E: Emit>(e: &mut E, x: E::Value, y: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let (x, y) = (s.value(x), s.value(y));
    (x.gt(y) | x.ne(x)).select(y, x).value
}

/// The number next to x towards y; y where both are equal.
pub(super) fn nextafter<E: Emit>(e: &mut E, x: E::Value, y: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let (x, y, zero) = (s.value(x), s.value(y), s.float(0.0));
    // Magnitudes in the order of their bits: one more away from zero, one less towards it.
    let away = x.lt(y).binary(BinaryOp::Eq, x.gt(zero));
    let next = (x.bits() + away.select(s.int(1), s.int(-1))).to_float();
    let least = (y.sign_bits() | s.int(1)).to_float();
    let moved = x.eq(zero).select(least, next);
    let moved = x.eq(y).select(y, moved);
    (x.eq(x) & y.eq(y)).select(moved, x + y).value
}

/// The distance to the next number away from zero, with the sign of x, but above 0 of both zeros; NaN for infinities.
pub(super) fn spacing<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let x = s.value(x);
    let distance = (x.bits() + s.int(1)).to_float() - x;
    let distance = x.eq(s.float(0.0)).select(s.int(1).to_float(), distance);
    x.abs().lt(s.float(f64::INFINITY)).select(distance, s.float(f64::NAN)).value
}
