//! Sine, cosine and tangent.

use super::arith::{Num, Scope, in_double1};
use super::pair::Pair;
use super::{Emit, Rare};
use crate::dtype::DType;
use crate::ops::BinaryOp;
use std::f64::consts::{FRAC_2_PI, FRAC_PI_2, PI};

/// pi / 2 in parts cut off, not rounded, to 53 digits: all are positive, so that zeros keep their sign, and n times the first
/// leaves x exact (both are multiples of its last place, their difference below 1).
const QUARTER_TURN: [f64; 3] = [FRAC_PI_2, 6.123233995736765e-17, 1.0828566739219139e-32];
/// Magnitude from which a rest has too few digits: what is as large is left to [`huge`](super::huge). (Measured, the errors stay
/// below 1 ulp eight times as far, and for `f32` they do not grow before this.)
const LIMIT: f64 = (1u64 << 45) as f64;

/// pi / 2 in three numbers of `f32`, each the nearest to what is left. n times the first leaves x exact.
const QUARTER_TURN_F32: [f64; 3] = [1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15];
/// As `LIMIT`. Up to eight times as far the errors stay below 1.02 units, but grow.
const LIMIT_F32: f64 = (1u64 << 17) as f64;

/// (sin r / r - 1) / r^2 and (cos r - 1 + r^2 / 2) / r^4 in powers of r^2.
struct Series {
    sin: &'static [f64],
    cos: &'static [f64],
}

/// Minimax coefficients on |r| <= pi / 4 by Remez's exchange in 60-digit arithmetic, the first ones rounded in turn and the
/// rest fitted again; relative error 2^-57.9 of sin, 2^-63.8 of cos.
const DOUBLE: Series = Series {
    sin: &[
        -0.1666666666666663,
        0.00833333333332184,
        -0.00019841269829358213,
        2.755731353832369e-06,
        -2.505073435141134e-08,
        1.5895430819807937e-10,
    ],
    cos: &[
        0.041666666666666595,
        -0.0013888888888873333,
        2.4801587288992887e-05,
        -2.755731421369735e-07,
        2.087570490142367e-09,
        -1.135872363480743e-11,
    ],
};

/// As `DOUBLE`, for results that are rounded to `f32`: 2^-37.5 and 2^-32.5.
const SINGLE: Series = Series {
    sin: &[-0.1666666664163087, 0.00833332938577614, -0.00019839334693239912, 2.718309224720246e-06],
    cos: &[0.04166665464820803, -0.0013887687191687385, 2.447023521287861e-05],
};

/// As `DOUBLE`, computed in `f32`: 2^-27.9 and 2^-33.
const SINGLE_F32: Series = Series {
    sin: &[-0.16666655242443085, 0.008332188241183758, -0.0001951809535967186],
    cos: &[0.04166664555668831, -0.0013887309469282627, 2.4432327336398885e-05],
};

/// How many digits of sine and cosine are computed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Digits {
    /// Those of results that are rounded to `f32` from `f64`.
    Single,
    /// Those of the type that are right without second numbers: errors of up to 2 units in the last place.
    Fast,
    All,
}

impl Digits {
    fn of(single: bool) -> Digits {
        if single { Digits::Single } else { Digits::All }
    }

    fn series(self, float: DType) -> &'static Series {
        match self {
            Digits::Single => &SINGLE,
            _ if float == DType::F32 => &SINGLE_F32,
            _ => &DOUBLE,
        }
    }
}

/// An angle as a number of quarter turns and a rest, with the rest's sine and cosine as pairs.
struct Turned<'s, 'e, E: Emit> {
    /// Has the number of quarter turns in its low bits.
    turns: Num<'s, 'e, E>,
    sin: Pair<'s, 'e, E>,
    cos: Pair<'s, 'e, E>,
}

/// x plus so many quarter turns is n pi / 2 + r, by Cody and Waite's method with fused operations; r is a pair, as it may be
/// small by cancellation.
fn turned<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, quarters: i64, digits: Digits) -> Turned<'s, 'e, E> {
    let round = s.float(s.round + quarters as f64);
    let shifted = x.fma(s.float(FRAC_2_PI), round);
    let n = shifted - round;
    let [first, second, third] = if s.float == DType::F32 { QUARTER_TURN_F32 } else { QUARTER_TURN }.map(|c| s.float(-c));
    let exact = n.fma(first, x);
    let turns = shifted.bits();
    if digits != Digits::All {
        // A number of 24 digits is never closer to a multiple of pi / 2 than its second part resolves.
        let r = n.fma(second, exact);
        let r = if digits == Digits::Single { r } else { n.fma(third, r) };
        let (sin, cos) = of_rounded_rest(s, r, digits.series(s.float));
        return Turned { turns, sin, cos };
    }
    let r = {
        let part = Pair::product(n, second);
        let sum = Pair::sum(exact, part.high);
        Pair { high: sum.high, low: sum.low + n.fma(third, part.low) }
    };
    let (sin, cos) = if s.float == DType::F32 { of_rest_f32(s, r) } else { of_rest(s, r) };
    Turned { turns, sin, cos }
}

/// Sine and cosine of at most pi / 4 that is one number: pairs of which the second number is 0.
fn of_rounded_rest<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, r: Num<'s, 'e, E>, series: &Series) -> (Pair<'s, 'e, E>, Pair<'s, 'e, E>) {
    let low = s.float(0.0);
    let z = r * r;
    let z2 = z * z;
    let sin = (r * z).fma(s.poly(z, z2, series.sin), r);
    let cos = z2.fma(s.poly(z, z2, series.cos), z.minus().fma(s.float(0.5), s.float(1.0)));
    (Pair { high: sin, low }, Pair { high: cos, low })
}

/// Sine and cosine of at most pi / 4, the second numbers but for what is small beside a unit of the last place of `f32`.
fn of_rest_f32<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, r: Pair<'s, 'e, E>) -> (Pair<'s, 'e, E>, Pair<'s, 'e, E>) {
    let z = r.high * r.high;
    let (z2, half_z) = (z * z, z * s.float(0.5));
    let lead = s.float(1.0) - half_z;
    let sin = (r.high * z).fma(s.poly(z, z2, SINGLE_F32.sin), r.low);
    let left = r.high.minus().fma(r.low, (s.float(1.0) - lead) - half_z);
    let cos = z2.fma(s.poly(z, z2, SINGLE_F32.cos), left);
    (Pair { high: r.high, low: sin }, Pair { high: lead, low: cos })
}

/// Sine and cosine of at most pi / 4.
pub(super) fn of_rest<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, r: Pair<'s, 'e, E>) -> (Pair<'s, 'e, E>, Pair<'s, 'e, E>) {
    let (one, half) = (s.float(1.0), s.float(0.5));
    let z = r.high * r.high;
    let z2 = z * z;
    let half_z = z * half;
    let lead = one - half_z;
    let sin = (r.high * z).fma(s.poly(z, z2, DOUBLE.sin), r.low * lead);
    // What the rounding of z and of the difference left, and what r's second number changes.
    let z_low = r.high.fma(r.high, z.minus());
    let left = (one - lead) - half_z - z_low.fma(half, r.high * r.low);
    let cos = z2.fma(s.poly(z, z2, DOUBLE.cos), left);
    (Pair { high: r.high, low: sin }, Pair { high: lead, low: cos })
}

/// Sine of an angle in radians.
pub(super) fn sin<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    sin_with(e, x, Digits::All)
}

/// Sine within 2 units in the last place: the rest is one number.
pub(super) fn fast_sin<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    sin_with(e, x, Digits::Fast)
}

fn sin_with<E: Emit>(e: &mut E, x: E::Value, digits: Digits) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let x = s.value(x);
    let y = sin_of_turned(s, x, 0, digits);
    // Of zeros the sum loses the sign.
    let y = x.eq(s.float(0.0)).select(x, y);
    unless_huge(s, Rare::Sin, x, y).value
}

/// Cosine of an angle in radians: the sine of a quarter turn more.
pub(super) fn cos<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    cos_with(e, x, Digits::All)
}

/// Cosine, as [`fast_sin`].
pub(super) fn fast_cos<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    cos_with(e, x, Digits::Fast)
}

fn cos_with<E: Emit>(e: &mut E, x: E::Value, digits: Digits) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let x = s.value(x);
    let y = sin_of_turned(s, x, 1, digits);
    unless_huge(s, Rare::Cos, x, y).value
}

/// `y`, but the function itself beyond the limit. NaN stays on the usual path, which keeps it.
fn unless_huge<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, f: Rare, x: Num<'s, 'e, E>, y: Num<'s, 'e, E>) -> Num<'s, 'e, E> {
    x.abs().binary(BinaryOp::Ge, s.float(if s.float == DType::F32 { LIMIT_F32 } else { LIMIT })).rarely(f, x, y)
}

/// sin(x + turns pi / 2): the sine of the rest where the number of quarter turns is even, its cosine where it is odd; minus that
/// where that number has its second bit.
fn sin_of_turned<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, turns: i64, digits: Digits) -> Num<'s, 'e, E> {
    let t = turned(s, x, turns, digits);
    let even = (t.turns & s.int(1)).eq(s.int(0));
    let y = match digits {
        Digits::All => even.select(t.sin.rounded(), t.cos.rounded()),
        Digits::Fast | Digits::Single => even.select(t.sin.high, t.cos.high),
    };
    (y.bits() ^ (t.turns.shl(s.width - 2) & s.int(s.sign))).to_float()
}

/// Tangent of an angle in radians: the rest's sine over its cosine where the number of quarter turns is even, else minus the
/// inverse of that.
pub(super) fn tan<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| tan_of(s, x, Digits::of(single)))
}

/// Tangent, within 4 units in the last place: see [`fast_sin`].
pub(super) fn fast_tan<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    tan_of(s, s.value(x), Digits::Fast).value
}

fn tan_of<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, digits: Digits) -> Num<'s, 'e, E> {
    let t = turned(s, x, 0, digits);
    let odd = (t.turns & s.int(1)).ne(s.int(0));
    let (above, below) = (odd.select(t.cos.high, t.sin.high), odd.select(t.sin.high, t.cos.high));
    let y = if digits == Digits::All {
        let (above_low, below_low) = (odd.select(t.cos.low, t.sin.low), odd.select(t.sin.low, t.cos.low));
        let (n, d) = (Pair::ordered_sum(above, above_low), Pair::ordered_sum(below, below_low));
        n.over(d).rounded()
    } else {
        above / below
    };
    let y = (y.bits() ^ t.turns.shl(s.width - 1)).to_float();
    // Of zeros the sum loses the sign.
    let y = x.eq(s.float(0.0)).select(x, y);
    unless_huge(s, Rare::Tan, x, y)
}

/// pi, and what its rounding left.
pub(super) const HALF_TURN: [f64; 2] = [PI, 1.2246467991473532e-16];
/// Below this magnitude sin(pi x) / (pi x) is 1 to all digits of `f64`.
const FLAT: f64 = 1.0 / (1u64 << 29) as f64;

/// x pi.
fn half_turns<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>) -> Pair<'s, 'e, E> {
    let [pi, pi_low] = HALF_TURN.map(|c| s.float(c));
    let product = Pair::product(x, pi);
    Pair { low: x.fma(pi_low, product.low), ..product }
}

/// sin(pi x) for x >= 0; 0 of integers, which all large numbers are; NaN of infinity. If the result is rounded to `f32`, a pair whose
/// second number is 0.
///
/// What x leaves of whole turns and of quarters is exact, so that there is no rounding before the product with pi, which is a pair.
pub(super) fn sin_of_half_turns<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, single: bool) -> Pair<'s, 'e, E> {
    let part = (x * s.float(0.5)).rint().fma(s.float(-2.0), x);
    let round = s.float(s.round);
    let shifted = part.fma(s.float(2.0), round);
    let rest = (shifted - round).fma(s.float(-0.5), part);
    let turns = shifted.bits();
    let even = (turns & s.int(1)).eq(s.int(0));
    let (sin, cos) = if single { of_rounded_rest(s, rest * s.float(PI), &SINGLE) } else { of_rest(s, half_turns(s, rest)) };
    let sign = turns.shl(s.width - 2) & s.int(s.sign);
    let signed = |x: Num<'s, 'e, E>| (x.bits() ^ sign).to_float();
    if single {
        return Pair { high: signed(even.select(sin.high, cos.high)), ..sin };
    }
    let sum = Pair::ordered_sum(even.select(sin.high, cos.high), even.select(sin.low, cos.low));
    Pair { high: signed(sum.high), low: signed(sum.low) }
}

/// sin(pi x) / (pi x), 1 at zero; see [`sin_of_half_turns`].
pub(super) fn sinc<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| {
        let ax = x.abs();
        let sine = sin_of_half_turns(s, ax, single);
        // Beyond the sine is 0, and the product might be no number.
        let most = s.float(2f64.powi(60));
        let ax = ax.gt(most).select(most, ax);
        let y = if single { sine.high / (ax * s.float(PI)) } else { sine.over(half_turns(s, ax)).rounded() };
        // The sum takes the sign of a zero.
        ax.lt(s.float(FLAT)).select(s.float(1.0), y + s.float(0.0))
    })
}
