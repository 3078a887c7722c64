//! e^x - 1 and the hyperbolic functions.

use super::Emit;
use super::arith::{Num, Scope, in_double1};
use super::exp_log::{self, ExpTable, Reduced, reduce};
use super::pair::Pair;
use crate::dtype::DType;

/// (sinh r - r) / r^3 and (cosh r - 1) / r^2 in powers of r^2.
struct Series {
    sinh: &'static [f64],
    cosh: &'static [f64],
}

/// Minimax coefficients on |r| <= ln 2 / 2 by Remez's exchange in 300-bit arithmetic, the first ones rounded in turn and the
/// rest fitted again. Error of sinh relative to r: 2^-65.1; of cosh: 2^-69.9.
const DOUBLE: Series = Series {
    sinh: &[
        0.16666666666666666,
        0.008333333333334426,
        0.00019841269837077332,
        2.7557326248542453e-06,
        2.5046755859770328e-08,
        1.758765870353564e-10,
    ],
    cosh: &[0.5, 0.041666666666666685, 0.0013888888888873283, 2.4801587349200806e-05, 2.755725182474155e-07, 2.0921765910822e-09],
};
/// As `DOUBLE`, for results that are rounded to `f32`: 2^-37.4 and 2^-34.2.
const SINGLE: Series = Series {
    sinh: &[0.16666666754511797, 0.00833328896784545, 0.00019904950865682158],
    cosh: &[0.5000000079102874, 0.04166626719262091, 0.001394622133728668],
};
/// (e^r - 1 - r) / r^2 on the same interval, for results that are rounded to `f32`; error relative to r: 2^-31.9.
const EXPM1_SINGLE: [f64; 6] =
    [0.5000000046387023, 0.1666666681890208, 0.041666354674407914, 0.0083332726407766, 0.0013941009713498004, 0.00019914384220313467];

/// (tanh x / x - 1) / x^2 in powers of x^2 for |x| <= 1, as `f32`; error relative to tanh x: 2^-27.7.
const TANH_F32: [f64; 7] = [
    -0.33333295583724976,
    0.13332346081733704,
    -0.05387984588742256,
    0.021486671641469002,
    -0.007945992052555084,
    0.002301195403560996,
    -0.0003583814832381904,
];

/// Below this magnitude expm1, sinh and asinh and their like are their argument to all digits of `f64`.
pub(super) const TINY: f64 = 1.0 / (1u64 << 54) as f64;

/// e^x - 1.
///
/// With x = n ln 2 + r it is (2^n - 1) + 2^n (e^r - 1), summed as a pair. `f32` is computed in `f64` with fewer terms.
pub(super) fn expm1<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| {
        if single {
            let reduced = reduce(s, x.clamp(-40.0, 90.0), None, s.bias);
            let power = reduced.shifted.bits().shl(s.digits).to_float();
            let y = power.fma(expm1_single(s, &reduced), power - s.float(1.0));
            return y.signed_as(x);
        }
        // Half of it, as 2^n may be just out of range.
        let reduced = reduce(s, x.clamp(-40.0, 710.0), None, s.bias - 1);
        let half = reduced.shifted.bits().shl(s.digits).to_float();
        let less = Pair::ordered_sum(half, s.float(-0.5));
        let (lead, tail) = (reduced.lead, reduced.tail);
        let sum = Pair::product_added(half, lead, less.high);
        // r^2 / 2 is next to r in size: in the pair as well, and the rest is small.
        let square = Pair::product(lead, lead);
        let z = square.high;
        let half_z = z * s.float(0.5);
        let more = Pair::product_added(half, half_z, sum.high).plus(sum.low + less.low);
        let z2 = z * z;
        let rest = (lead * z).fma(s.poly(z, z2, DOUBLE.sinh), z2 * s.poly(z, z2, &DOUBLE.cosh[1..]));
        let small = square.low.fma(s.float(0.5), tail.fma(lead + half_z + rest, tail));
        let y = more.high + half.fma(rest + small, more.low);
        x.abs().lt(s.float(TINY)).select(x, y + y)
    })
}

/// e^x - 1 within 2 units in the last place: its two terms as single numbers, at half their size, as 2^n may be just out of range.
pub(super) fn fast_expm1<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let x = s.value(x);
    let (least, most) = if s.float == DType::F32 { (-20.0, 89.0) } else { (-40.0, 710.0) };
    let reduced = exp_log::reduce_rounded(s, x.clamp(least, most), s.bias - 1);
    let half = reduced.power(s);
    let y = half.fma(exp_log::expm1_of_rest(s, reduced.r), half - s.float(0.5));
    x.abs().lt(s.float(TINY)).select(x, y + y).value
}

/// e^r - 1 for results that are rounded to `f32`.
pub(super) fn expm1_single<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, reduced: &Reduced<'s, 'e, E>) -> Num<'s, 'e, E> {
    let r = reduced.lead + reduced.tail;
    let r2 = r * r;
    r2.fma(s.poly(r, r2, &EXPM1_SINGLE), r)
}

/// What sinh and cosh of |x| have in common: with |x| = n ln 2 + r they are cosh(n ln 2) sinh r + sinh(n ln 2) cosh r, and the
/// same with sinh and cosh exchanged, all at half their size in `f64`, where 2^n may be out of range.
struct Parts<'s, 'e, E: Emit> {
    cosh_n: Pair<'s, 'e, E>,
    sinh_n: Pair<'s, 'e, E>,
    lead: Num<'s, 'e, E>,
    /// sinh r - `lead`.
    sinh_r: Num<'s, 'e, E>,
    /// cosh r - 1.
    cosh_r: Num<'s, 'e, E>,
}

/// sinh r - `lead` and cosh r - 1.
fn of_rest<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, reduced: &Reduced<'s, 'e, E>, series: &Series) -> (Num<'s, 'e, E>, Num<'s, 'e, E>) {
    // By way of sinh and cosh of the first number, as that is exact.
    let (lead, tail) = (reduced.lead, reduced.tail);
    let z = lead * lead;
    let z2 = z * z;
    let (sinh, cosh) = (lead * z * s.poly(z, z2, series.sinh), z * s.poly(z, z2, series.cosh));
    (sinh + tail.fma(cosh, tail), tail.fma(lead + sinh, cosh))
}

fn parts<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, magnitude: Num<'s, 'e, E>, single: bool) -> Parts<'s, 'e, E> {
    let (series, most, scale) = if single { (&SINGLE, 90.0, 1) } else { (&DOUBLE, 710.5, 2) };
    let most = s.float(most);
    let x = magnitude.gt(most).select(most, magnitude);
    let reduced = reduce(s, x, None, s.bias - scale);
    let up = reduced.shifted.bits().shl(s.digits).to_float();
    // Further down it would be no number, and adds nothing.
    let n = if single { reduced.n } else { reduced.n.gt(s.float(64.0)).select(s.float(64.0), reduced.n) };
    let down = (s.float(s.round + (s.bias - scale) as f64) - n).bits().shl(s.digits).to_float();
    let (sinh_r, cosh_r) = of_rest(s, &reduced, series);
    let (cosh_n, sinh_n) = (Pair::ordered_sum(up, down), Pair::ordered_sum(up, down.minus()));
    Parts { cosh_n, sinh_n, lead: reduced.lead, sinh_r, cosh_r }
}

impl<'s, 'e, E: Emit> Parts<'s, 'e, E> {
    /// `p` sinh r + `q` cosh r: the two largest terms are summed as a pair, of which `q` is the larger or 0.
    fn combined(&self, p: Pair<'s, 'e, E>, q: Pair<'s, 'e, E>) -> Num<'s, 'e, E> {
        let sum = Pair::product_added(p.high, self.lead, q.high);
        let low = sum.low + p.low.fma(self.lead, q.low);
        sum.high + p.high.fma(self.sinh_r, q.high.fma(self.cosh_r, low))
    }
}

/// Hyperbolic sine. `f32` is computed in `f64` with fewer terms.
pub(super) fn sinh<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| {
        let parts = parts(s, x.abs(), single);
        let y = parts.combined(parts.cosh_n, parts.sinh_n);
        if single {
            return y.signed_as(x);
        }
        x.abs().lt(s.float(TINY)).select(x, (y + y).signed_as(x))
    })
}

/// Hyperbolic cosine; see [`sinh`].
pub(super) fn cosh<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| {
        let parts = parts(s, x.abs(), single);
        let y = parts.combined(parts.sinh_n, parts.cosh_n);
        if single { y } else { y + y }
    })
}

/// e^|x| as 2^n (1 + m), and a quarter of 2^n, of which no product is out of range too early. From the end of the range on results are infinite.
fn quarter_power<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, magnitude: Num<'s, 'e, E>) -> (Num<'s, 'e, E>, Num<'s, 'e, E>) {
    let most = s.float(if s.float == DType::F32 { 89.5 } else { 710.5 });
    let x = magnitude.gt(most).select(most, magnitude);
    let reduced = exp_log::reduce_rounded(s, x, s.bias - 2);
    (reduced.power(s), exp_log::expm1_of_rest(s, reduced.r))
}

/// Hyperbolic sine within 3 units in the last place: 2 a + a / (2 a + 1/2) for a = (e^|x| - 1) / 4.
pub(super) fn fast_sinh<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let x = s.value(x);
    let ax = x.abs();
    let (quarter, m) = quarter_power(s, ax);
    let a = quarter.fma(m, quarter - s.float(0.25));
    let twice = a + a;
    let y = twice + a / (twice + s.float(0.5));
    ax.lt(s.float(TINY)).select(ax, y).signed_as(x).value
}

/// Hyperbolic cosine within 2 units in the last place: 2 b + 1 / (8 b) for b = e^|x| / 4.
pub(super) fn fast_cosh<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let (quarter, m) = quarter_power(s, s.value(x).abs());
    let b = quarter.fma(m, quarter);
    (b + b + s.float(0.125) / b).value
}

/// Hyperbolic tangent: |x| from e^(-2 |x|) - 1 and one division, then the sign of x.
///
/// With c = (1 - e^(-2 |x|)) / 2 it is c / (1 - c). Numerator and denominator are pairs, and the quotient is corrected by what
/// it leaves. In `f32` a polynomial does up to 1, and 1 - 2 / (e^(2 |x|) + 1) beyond.
pub(super) fn tanh<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let t = ExpTable::of(s.float);
    let x = s.value(x);
    if s.float == DType::F32 {
        return tanh_single(s, x.abs()).signed_as(x).value;
    }
    let negative = (x.bits() | s.int(s.sign)).to_float();
    let limit = s.float(-t.tanh_is_one);
    let negative = negative.lt(limit).select(limit, negative);
    // The offset makes a factor -2^(n - 1) of the low bits.
    let reduced = reduce(s, negative + negative, None, 3 * s.bias + 1);
    let factor = reduced.shifted.bits().shl(s.digits).to_float();
    let less = Pair::ordered_sum(s.float(0.5), factor);
    let c = Pair::product_added(factor, reduced.lead, less.high).plus(less.low);
    let c = Pair::ordered_sum(c.high, factor.fma(reduced.rest(s), c.low));
    let one = s.float(1.0);
    let d = one - c.high;
    let d_low = (one - d) - c.high - c.low;
    let inverse = one / d;
    let y = c.high * inverse;
    let left = y.minus().fma(d, c.high) + y.minus().fma(d_low, c.low);
    left.fma(inverse, y).signed_as(x).value
}

fn tanh_single<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>) -> Num<'s, 'e, E> {
    let (one, two) = (s.float(1.0), s.float(2.0));
    let z = x * x;
    let near = (x * z).fma(s.poly(z, z * z, &TANH_F32), x);
    let (power, m) = expm1_of_twice(s, x);
    let far = one - two / power.fma(m, power + one);
    x.gt(one).select(far, near)
}

/// e^(2 x) as 2^n (1 + m), for x >= 0 up to where tanh rounds to 1.
fn expm1_of_twice<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>) -> (Num<'s, 'e, E>, Num<'s, 'e, E>) {
    let most = s.float(ExpTable::of(s.float).tanh_is_one);
    let x = x.gt(most).select(most, x);
    let reduced = exp_log::reduce_rounded(s, x + x, s.bias);
    (reduced.power(s), exp_log::expm1_of_rest(s, reduced.r))
}

/// Hyperbolic tangent within 3 units in the last place: m / (m + 2) for m = e^(2 |x|) - 1, without pairs.
pub(super) fn fast_tanh<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let x = s.value(x);
    let (power, m) = expm1_of_twice(s, x.abs());
    let m = power.fma(m, power - s.float(1.0));
    (m / (m + s.float(2.0))).signed_as(x).value
}

/// 1 / (1 + e^-x).
///
/// With p = e^-|x| it is 1 / (1 + p), and p / (1 + p) where x is below 0, so that results near 0 keep their digits. Numerator and
/// denominator are pairs, as in [`tanh`].
pub(super) fn logistic<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let x = s.value(x);
    let (zero, one) = (s.float(0.0), s.float(1.0));
    let negative = exp_log::clamp_exp(s, (x.bits() | s.int(s.sign)).to_float());
    let reduced = reduce(s, negative, None, 2 * s.bias);
    let power = Pair::ordered_sum(one, reduced.lead).plus(reduced.rest(s));
    let power = Pair::ordered_sum(power.high, power.low);
    let power = Pair { high: reduced.scale(s, power.high), low: reduced.scale(s, power.low) };
    let d = Pair::ordered_sum(one, power.high).plus(power.low);
    let below = x.lt(zero);
    let n = Pair { high: below.select(power.high, one), low: below.select(power.low, zero) };
    let inverse = one / d.high;
    let y = n.high * inverse;
    let left = y.minus().fma(d.high, n.high) + y.minus().fma(d.low, n.low);
    left.fma(inverse, y).value
}

/// The logistic function within 3 units in the last place: as [`logistic`], without pairs.
pub(super) fn fast_logistic<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let (x, one) = (s.value(x), s.float(1.0));
    let [least, _] = ExpTable::of(s.float).range;
    let (negative, least) = ((x.bits() | s.int(s.sign)).to_float(), s.float(least));
    let reduced = exp_log::reduce_rounded(s, negative.lt(least).select(least, negative), 2 * s.bias);
    let power = reduced.scale(s, exp_log::expm1_of_rest(s, reduced.r) + one);
    (x.lt(s.float(0.0)).select(power, one) / (power + one)).value
}
