//! Inverse trigonometric functions and the angle of a point.

use super::Emit;
use super::arith::{Num, Scope, in_double1};
use super::pair::Pair;
use crate::dtype::DType;
use std::f64::consts::{FRAC_PI_2, PI};

/// (arctan a / a - 1) / a^2 in powers of a^2 on [0, 1]. Remez's exchange in 60-digit arithmetic, rounded; relative error
/// 2^-55.8. A reduction to [0, tan(pi / 8)] would save eight terms and cost as many operations, and two roundings.
const ATAN_F64: [f64; 20] = [
    -0.3333333333333307,
    0.19999999999951892,
    -0.1428571428260089,
    0.11111111007802982,
    -0.09090907016959535,
    0.07692280004560087,
    -0.06666405426052621,
    0.05880536074464994,
    -0.05253555909694417,
    0.047224511929608685,
    -0.04219522948308196,
    0.03664904307954374,
    -0.029915366494446313,
    0.021999240674626958,
    -0.013914345263420865,
    0.007206427176634334,
    -0.0028901091753045696,
    0.0008331829716601671,
    -0.00015256977192596648,
    1.3266572159862623e-05,
];
/// As `ATAN_F64`, for results that are rounded to `f32`: Chebyshev's interpolation in 60-digit arithmetic, rounded; 2^-37.1.
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
/// As `ATAN_F64`, 2^-28.5; the seventh is moved by two units, at no loss, to have arctan 1 correctly rounded.
const ATAN_F32: [f64; 9] =
    [-0.333333, 0.1999853, -0.14264016, 0.109508805, -0.083993204, 0.057882242, -0.031098839, 0.010870422, -0.0017834123];

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

/// `base` plus the arctangent of a, |a| <= 1, where a is a quotient by `below` that left `left`: the arctangent of the exact
/// quotient is that of a and `left / (below (1 + a^2))`.
fn angle<'s, 'e, E: Emit>(
    s: &'s Scope<'e, E>,
    a: Num<'s, 'e, E>,
    left: Num<'s, 'e, E>,
    below: Num<'s, 'e, E>,
    base: Num<'s, 'e, E>,
) -> Num<'s, 'e, E> {
    let single = s.float == DType::F32;
    let series: &[f64] = if single { &ATAN_F32 } else { &ATAN_F64 };
    // What the rounding of the base left is a ratio of it, which serves 0, pi / 2 and pi alike.
    let ratio = if single { -2.7827534e-08 } else { 3.8981718325193755e-17 };
    let z = a * a;
    let correction = left / z.fma(below, below);
    // Not a number where a side is infinite, or both are 0.
    let correction = correction.eq(correction).select(correction, s.float(0.0));
    let bent = (a * z).fma(s.poly_led(z, z * z, series), base.fma(s.float(ratio), correction));
    let sum = Pair::ordered_sum(base, a);
    sum.high + (sum.low + bent)
}

/// pi / 2 rounded to the type.
fn quarter(s: &Scope<'_, impl Emit>) -> f64 {
    if s.float == DType::F32 { std::f32::consts::FRAC_PI_2 as f64 } else { FRAC_PI_2 }
}

/// Arctangent, in [-pi/2, pi/2]: that of |x|, or pi / 2 less that of its inverse, and the sign of x.
pub(super) fn atan<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| {
        let (ax, zero, minus_one) = (x.abs(), s.float(0.0), s.float(-1.0));
        let steep = ax.gt(s.float(1.0));
        let inverse = minus_one / ax;
        let a = steep.select(inverse, ax);
        let base = steep.select(s.float(quarter(s)), zero);
        let angle = if single {
            let z = a * a;
            base + (a * z).fma(s.poly_led(z, z * z, &ATAN_SINGLE), a)
        } else {
            let left = steep.select(inverse.minus().fma(ax, minus_one), zero);
            angle(s, a, left, ax, base)
        };
        angle.signed_as(x)
    })
}

/// The angle of the point (x, y), in [-pi, pi], with C's results for signed zeros and infinities.
///
/// The arctangent of the quotient of the shorter by the longer side, which gets its sign from the way it is turned against
/// the nearest half axis, is added to that axis' angle.
pub(super) fn atan2<E: Emit>(e: &mut E, y: E::Value, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let (x, y) = (s.value(x), s.value(y));
    let zero = s.float(0.0);
    let (ax, ay) = (x.abs(), y.abs());
    let steep = ay.gt(ax);
    let unit = (x.sign_bits() | s.int(s.one_bits())).to_float();
    // Seen from the y axis the point leans away from x; seen from the x axis it leans as y / x says.
    let above = steep.select((x.bits() ^ s.int(s.sign)).to_float(), ay);
    let below = steep.select(ay, x);
    let quotient = above / below;
    let left = quotient.minus().fma(below, above);
    // Equal sides need no quotient, and two zeros or two infinities have none.
    let a = ay.eq(ax).select(ay.eq(zero).select(zero, unit), quotient);
    let flat = unit.fma(s.float(-quarter(s)), s.float(quarter(s)));
    let base = steep.select(s.float(quarter(s)), flat);
    angle(s, a, left, below, base).signed_as(y).value
}
