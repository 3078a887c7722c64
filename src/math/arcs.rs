//! Inverse trigonometric functions and the angle of a point.

use super::Emit;
use super::arith::{Num, Scope, in_double1, in_double2};
use super::pair::Pair;
use std::f64::consts::{FRAC_PI_2, PI};

/// (arctan a / a - 1) / a^2 in powers of a^2 on [0, 1]. Remez's exchange in 300-bit arithmetic, the first twelve rounded in turn
/// and the rest fitted again; relative error 2^-60.9. A reduction to [0, tan(pi / 8)] would save ten terms and cost as many operations, and
/// two roundings.
const ATAN_DOUBLE: [f64; 22] = [
    -0.33333333333333326,
    0.19999999999998289,
    -0.14285714285578038,
    0.11111111105602946,
    -0.09090908956650953,
    0.07692305517033375,
    -0.0666664172260893,
    0.05882141529808526,
    -0.05261791263038912,
    0.04755005768767072,
    -0.04320128029550213,
    0.03910266555212556,
    -0.03466256142540326,
    0.029294374221740787,
    -0.02279240740112287,
    0.01569708114803408,
    -0.0091838996868242,
    0.004369186589892002,
    -0.0016051148212431962,
    0.0004239230383798359,
    -7.12500741480309e-05,
    5.702951519262769e-06,
];
/// As `ATAN_DOUBLE`, for results that are rounded to `f32`: Chebyshev's interpolation in 60-digit arithmetic, rounded; 2^-37.1.
const ATAN_SINGLE: [f64; 13] = [
    -0.3333333333230858,
    0.1999999965269345,
    -0.14285694570640292,
    0.11110666303625419,
    -0.09085624177887072,
    0.07654295472644398,
    -0.06487062356606563,
    0.052943908816199266,
    -0.038767022568525905,
    0.02324837369843582,
    -0.010257166271499646,
    0.002875485609943425,
    -0.0003778858076662609,
];

/// (arcsin a - a) / a^3 in powers of a^2 for a <= 1/2. Remez's exchange in 300-bit arithmetic, the first ones rounded in turn
/// and the rest fitted again; relative error 2^-59.8.
const ASIN_DOUBLE: [f64; 13] = [
    0.1666666666666676,
    0.07499999999970815,
    0.04464285717463967,
    0.03038194270507008,
    0.022372215093456504,
    0.017351609688522486,
    0.013980852702213603,
    0.011398618680137688,
    0.010782050151206363,
    0.003699098485227284,
    0.0217264006234943,
    -0.021027421914455596,
    0.032647261940132434,
];
/// As `ASIN_DOUBLE`, for results that are rounded to `f32`: 2^-35.8.
const ASIN_SINGLE: [f64; 7] = [
    0.16666667181864436,
    0.07499948740849452,
    0.04466001891865997,
    0.030111898608706604,
    0.024608921818906483,
    0.007495641300208828,
    0.034664011760067066,
];
/// What the rounding of pi / 2 left.
const FRAC_PI_2_LOW: f64 = 6.123233995736766e-17;

/// Of an argument |x| <= 1: a with arcsin a what is to be computed, and the rest of it.
struct Arc<'s, 'e, E: Emit> {
    /// Where |x| is above 1/2: there a is sqrt((1 - |x|) / 2), and arccos |x| = 2 arcsin a. Else a is |x|.
    steep: Num<'s, 'e, E>,
    a: Num<'s, 'e, E>,
    /// arcsin a - `a`, with what the rounding of the root left.
    rest: Num<'s, 'e, E>,
}

fn arc<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, ax: Num<'s, 'e, E>, single: bool) -> Arc<'s, 'e, E> {
    let half = s.float(0.5);
    let steep = ax.gt(half);
    let z = steep.select(ax.fma(s.float(-0.5), half), ax * ax);
    let a = steep.select(z.sqrt(), ax);
    let series: &[f64] = if single { &ASIN_SINGLE } else { &ASIN_DOUBLE };
    let series = s.poly(z, z * z, series);
    let rest = if single {
        a * z * series
    } else {
        // The addend makes 0 of the root of 0, and is lost beside all others.
        let left = a.minus().fma(a, z) / (a + a + s.float(f64::MIN_POSITIVE));
        (a * z).fma(series, steep.select(left, s.float(0.0)))
    };
    Arc { steep, a, rest }
}

/// `base` with its rest, plus `factor` times the arc's arcsine. A base that is not 0 is the larger of the two.
fn turned<'s, 'e, E: Emit>(arc: Arc<'s, 'e, E>, base: Pair<'s, 'e, E>, factor: Num<'s, 'e, E>) -> Num<'s, 'e, E> {
    let sum = Pair::ordered_sum(base.high, arc.a * factor);
    sum.high + (sum.low + arc.rest.fma(factor, base.low))
}

/// Arcsine, in [-pi/2, pi/2]; NaN outside of [-1, 1].
pub(super) fn asin<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| {
        let arc = arc(s, x.abs(), single);
        let steep = arc.steep;
        let of_steep = |yes: f64, no: f64| steep.select(s.float(yes), s.float(no));
        let base = Pair { high: of_steep(FRAC_PI_2, 0.0), low: of_steep(FRAC_PI_2_LOW, 0.0) };
        turned(arc, base, of_steep(-2.0, 1.0)).signed_as(x)
    })
}

/// Arccosine, in [0, pi]; NaN outside of [-1, 1].
pub(super) fn acos<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| {
        let arc = arc(s, x.abs(), single);
        let steep = arc.steep;
        let below = x.lt(s.float(0.0));
        let pick = |above: f64, below_it: f64, flat: f64| steep.select(below.select(s.float(below_it), s.float(above)), s.float(flat));
        let base = Pair { high: pick(0.0, PI, FRAC_PI_2), low: pick(0.0, 2.0 * FRAC_PI_2_LOW, FRAC_PI_2_LOW) };
        let factor = (steep.select(s.float(2.0), s.float(-1.0)).bits() ^ x.sign_bits()).to_float();
        turned(arc, base, factor)
    })
}

/// `base` plus the arctangent of a, |a| <= 1. Unless the result is rounded to `f32`, there are what a, a quotient, left and what it
/// is by: the arctangent of the exact quotient is that of a and `left / (below (1 + a^2))`.
fn angle<'s, 'e, E: Emit>(
    s: &'s Scope<'e, E>,
    a: Num<'s, 'e, E>,
    base: Num<'s, 'e, E>,
    exact: Option<(Num<'s, 'e, E>, Num<'s, 'e, E>)>,
) -> Num<'s, 'e, E> {
    let z = a * a;
    let Some((left, below)) = exact else {
        return base + (a * z).fma(s.poly_led(z, z * z, &ATAN_SINGLE), a);
    };
    let correction = left / z.fma(below, below);
    // Not a number where a side is infinite, or both are 0.
    let correction = correction.eq(correction).select(correction, s.float(0.0));
    let sum = Pair::ordered_sum(base, a);
    // What the rounding of the base left is a ratio of it, which serves 0, pi / 2 and pi alike.
    let small = base.fma(s.float(FRAC_PI_2_LOW / FRAC_PI_2), sum.low + correction);
    sum.high + (a * z).fma(s.poly_led(z, z * z, &ATAN_DOUBLE), small)
}

/// Arctangent, in [-pi/2, pi/2]: that of |x|, or pi / 2 less that of its inverse, and the sign of x.
pub(super) fn atan<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| {
        let (ax, zero, minus_one) = (x.abs(), s.float(0.0), s.float(-1.0));
        let steep = ax.gt(s.float(1.0));
        let inverse = minus_one / ax;
        let exact = (!single).then(|| (steep.select(inverse.minus().fma(ax, minus_one), zero), ax));
        angle(s, steep.select(inverse, ax), steep.select(s.float(FRAC_PI_2), zero), exact).signed_as(x)
    })
}

/// The angle of the point (x, y), in [-pi, pi], with C's results for signed zeros and infinities.
///
/// The arctangent of the quotient of the shorter by the longer side, which gets its sign from the way it is turned against
/// the nearest half axis, is added to that axis' angle.
pub(super) fn atan2<E: Emit>(e: &mut E, y: E::Value, x: E::Value) -> E::Value {
    in_double2(e, y, x, |s, y, x, single| {
        let (zero, quarter) = (s.float(0.0), s.float(FRAC_PI_2));
        let (ax, ay) = (x.abs(), y.abs());
        let steep = ay.gt(ax);
        let unit = (x.sign_bits() | s.int(s.one_bits())).to_float();
        // Seen from the y axis the point leans away from x; seen from the x axis it leans as y / x says.
        let above = steep.select((x.bits() ^ s.int(s.sign)).to_float(), ay);
        let below = steep.select(ay, x);
        let quotient = above / below;
        // Equal sides need no quotient, and two zeros or two infinities have none.
        let a = ay.eq(ax).select(ay.eq(zero).select(zero, unit), quotient);
        let flat = unit.fma(s.float(-FRAC_PI_2), quarter);
        let exact = (!single).then(|| (quotient.minus().fma(below, above), below));
        angle(s, a, steep.select(quarter, flat), exact).signed_as(y)
    })
}
