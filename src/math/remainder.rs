//! Floored quotient and remainder, as NumPy's `npy_divmod` defines them.

use super::Emit;
use super::arith::{Num, Scope};

/// What C's `fmod` leaves, and whether the quotient must step down because that and the divisor have opposite signs.
fn fmod_and_step<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, y: Num<'s, 'e, E>) -> (Num<'s, 'e, E>, Num<'s, 'e, E>) {
    let zero = s.float(0.0);
    let left = x.fmod(y);
    (left, left.ne(zero) & (y.lt(zero) ^ left.lt(zero)))
}

/// The floored quotient, as `npy_divmod` computes it: (x - fmod(x, y)) / y is integral but for its rounding, so the result is
/// right where the floor of x / y is not (1 // 0.1 is 9). Exact wherever the quotient is representable.
pub(super) fn floor_div<E: Emit>(e: &mut E, x: E::Value, y: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let (x, y) = (s.value(x), s.value(y));
    let (zero, one) = (s.float(0.0), s.float(1.0));
    let (left, step) = fmod_and_step(s, x, y);
    // A zero divisor gives x / y, which no later line changes: infinities and NaN.
    let exact = y.eq(zero).select(x, x - left) / y;
    let quotient = step.select(exact - one, exact);
    let down = quotient.floor();
    let nearest = (quotient - down).gt(s.float(0.5)).select(down + one, down);
    let signed_zero = (x.bits() ^ y.bits()) & s.int(s.sign);
    quotient.eq(zero).select(signed_zero.to_float(), nearest).value
}

/// What the floored quotient leaves: C's `fmod`, plus y where the signs differ; a zero has the sign of y.
pub(super) fn rem<E: Emit>(e: &mut E, x: E::Value, y: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let (x, y) = (s.value(x), s.value(y));
    let (left, step) = fmod_and_step(s, x, y);
    let floored = step.select(left + y, left);
    left.eq(s.float(0.0)).select(y.sign_bits().to_float(), floored).value
}
