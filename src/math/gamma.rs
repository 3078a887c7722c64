//! The gamma function and the logarithm of its magnitude.

use super::Emit;
use super::arith::{Num, Scope, in_double1};
use super::exp_log::reduce;
use super::hyperbolic::expm1_single;
use super::pair::Pair;
use super::pow::{log_pair, log2_single};
use super::trig::{HALF_TURN, sin_of_half_turns};
use crate::ops::BinaryOp;
use std::f64::consts::LN_2;

/// z (ln gamma(z) - (z - 1/2) ln z + z - ln(2 pi) / 2) in powers of 1 / z^2, for z >= 3: in place of Stirling's series, which does not
/// converge. Interpolation at Chebyshev's points in 600-bit arithmetic, rounded; error of the logarithm 2^-59.9.
const STIRLING_DOUBLE: [f64; 12] = [
    0.08333333333333333,
    -0.002777777777767353,
    0.0007936507891020488,
    -0.0005952373063227016,
    0.000841678862598761,
    -0.0019135564194573535,
    0.006266355072207451,
    -0.02591763548428459,
    0.11229667461420963,
    -0.41302940091672014,
    1.0364376287210755,
    -1.2591741378706647,
];
/// As `STIRLING_DOUBLE`, for results that are rounded to `f32`: 2^-36.8.
const STIRLING_SINGLE: [f64; 5] =
    [0.08333333330240195, -0.002777763776343079, 0.0007926112796567787, -0.0005671814041535567, 0.0005045318717343812];
/// (ln(2 pi) - 1) / 2, and what its rounding left.
const HALF_LOG: [f64; 2] = [0.4189385332046727, 1.6728209650585413e-17];
/// From here on the series is that of the number itself, below of the number and this.
const SHIFT: f64 = 3.0;

/// ln gamma(x) / ((x - 1) (x - 2)) in powers of x - 3/2, for |x - 3/2| <= `NEAR`: the first one in two parts, then the others. The same
/// method; relative error 2^-56.1.
const NEAR_FIRST: [f64; 2] = [0.4831289505409809, 1.6718818997178506e-17];
const NEAR_DOUBLE: [f64; 30] = [
    -0.14595989591430608,
    0.06291140107456494,
    -0.03130848750101042,
    0.016797098631186506,
    -0.009425622448518628,
    0.005446457844582018,
    -0.0032120740752713704,
    0.001922916139049546,
    -0.001164414517055068,
    0.0007115222859198273,
    -0.0004379945166824929,
    0.0002712767076218991,
    -0.0001689000281652397,
    0.00010562734084487902,
    -6.627600794201463e-05,
    4.175259134005097e-05,
    -2.65760228220784e-05,
    1.684270316915849e-05,
    -1.0029186302618962e-05,
    6.377458165171206e-06,
    -5.768622511772663e-06,
    3.701509314873139e-06,
    7.358536776491783e-07,
    -4.916522228491235e-07,
    -3.658804137561695e-06,
    2.3704517563571717e-06,
    1.8551745917414754e-06,
    -1.2052511701121993e-06,
    -9.395043944727267e-07,
    6.091395865905331e-07,
];
/// As `NEAR_DOUBLE` with the first one, for results that are rounded to `f32`: 2^-33.2.
const NEAR_SINGLE: [f64; 16] = [
    0.4831289505064258,
    -0.14595989589235728,
    0.06291140892379439,
    -0.031308492486671856,
    0.016796808245643235,
    -0.00942543800920857,
    0.005450515498437402,
    -0.0032146511085077993,
    0.0018953973686334324,
    -0.001146939450630969,
    0.0008109886314970557,
    -0.0005011451550733132,
    7.911498877964158e-05,
    -4.693767455094223e-05,
    0.0002822339649507468,
    -0.00017831269269577812,
];
const NEAR: f64 = 0.75;

/// The largest number whose logarithm of gamma is one.
const LARGEST: f64 = 2.5599833278516383e305;
/// Below this magnitude gamma(x) is 1 / x to all digits of `f64`.
const TINY: f64 = 1.0 / (1u64 << 57) as f64;

/// gamma(x) is e^`log` `above` / `below`.
struct Parts<'s, 'e, E: Emit> {
    log: Pair<'s, 'e, E>,
    above: Pair<'s, 'e, E>,
    below: Pair<'s, 'e, E>,
    /// Whether x is an integer below 0, where gamma has a pole.
    pole: Num<'s, 'e, E>,
}

/// The product, whose second number is 0 if the result is rounded to `f32`.
fn product<'s, 'e, E: Emit>(x: Pair<'s, 'e, E>, y: Pair<'s, 'e, E>, single: bool) -> Pair<'s, 'e, E> {
    if single { Pair { high: x.high * y.high, ..x } } else { x.times(y) }
}

/// ln gamma(z) for z >= 3.
fn log_of_large<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, z: Pair<'s, 'e, E>, single: bool) -> Pair<'s, 'e, E> {
    let (one, half) = (s.float(1.0), s.float(0.5));
    let w = one / z.high;
    let w2 = w * w;
    let series = w * s.poly(w2, w2 * w2, if single { &STIRLING_SINGLE } else { &STIRLING_DOUBLE });
    let [constant, constant_low] = HALF_LOG.map(|c| s.float(c));
    if single {
        let log = log2_single(s, z.high) * s.float(LN_2);
        return Pair { high: (z.high - half).fma(log - one, series + constant), ..z };
    }
    let (log, log_low) = log_pair(s, z.high);
    let less = Pair::ordered_sum(log, s.float(-1.0)).plus(log_low);
    let p = Pair::ordered_sum(z.high, s.float(-0.5)).times(less);
    // The slope of the function times the rest of z.
    let p = p.plus(z.low * w.fma(s.float(-0.5), log));
    let sum = Pair::sum(p.high, constant);
    Pair::ordered_sum(sum.high, sum.low + (p.low + (series + constant_low)))
}

/// With a = |x|, gamma(a) is gamma(a + 3) / (a (a + 1) (a + 2)) where a is below 3, and gamma(-a) = -pi / (a sin(pi a) gamma(a)).
fn parts<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, single: bool) -> Parts<'s, 'e, E> {
    let (zero, one, most) = (s.float(0.0), s.float(1.0), s.float(LARGEST));
    let a = x.abs();
    let (negative, small) = (x.lt(zero), a.lt(s.float(SHIFT)));
    let either = |c: Num<'s, 'e, E>, x: Pair<'s, 'e, E>, y: Pair<'s, 'e, E>| {
        let low = if single { zero } else { c.select(x.low, y.low) };
        Pair { high: c.select(x.high, y.high), low }
    };
    let exactly = |high: Num<'s, 'e, E>| Pair { high, low: zero };
    let moved = Pair::ordered_sum(s.float(SHIFT), a);
    let log = log_of_large(s, either(small, moved, exactly(a.gt(most).select(most, a))), single);
    let sign = negative.select(s.int(s.sign), s.int(0));
    let signed = |y: Num<'s, 'e, E>| (y.bits() ^ sign).to_float();
    let log = Pair { high: signed(log.high), low: signed(log.low) };
    let steps = product(Pair::sum(one, a), Pair::sum(s.float(2.0), a), single);
    let steps = either(small, steps, exactly(one));
    let [pi, pi_low] = HALF_TURN.map(|c| s.float(-c));
    let above = either(negative, product(Pair { high: pi, low: pi_low }, steps, single), exactly(one));
    let sine = sin_of_half_turns(s, a, single);
    let factor = negative.binary(BinaryOp::Eq, small).select(one, a);
    let below = product(either(negative, sine, steps), exactly(factor), single);
    Parts { log, above, below, pole: negative & sine.high.eq(zero) }
}

/// Gamma function; infinities at both zeros, NaN at negative integers and at -infinity.
///
/// Stirling's formula, its logarithm carried in pairs, and Euler's reflection. `f32` is computed in `f64` with fewer terms.
pub(super) fn gamma<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| {
        let (zero, one) = (s.float(0.0), s.float(1.0));
        let p = parts(s, x, single);
        // Wider than the range of the result, as a negative number may be next to a pole.
        let bound = if single { 700.0 } else { 1400.0 };
        let log = p.log.high;
        let limited = log.clamp(-bound, bound);
        let y = if single {
            let reduced = reduce(s, limited, None, s.bias);
            let power = (expm1_single(s, &reduced) + one) * reduced.shifted.bits().shl(s.digits).to_float();
            power * p.above.high / p.below.high
        } else {
            let tail = limited.eq(log).select(p.log.low, zero);
            let reduced = reduce(s, limited, Some(tail), 2 * s.bias);
            let power = Pair::ordered_sum(one, reduced.lead).plus(reduced.rest(s));
            let power = Pair::ordered_sum(power.high, power.low);
            reduced.scale(s, power.times(p.above).over(p.below).rounded())
        };
        let y = p.pole.select(s.float(f64::NAN), y);
        x.abs().lt(s.float(TINY)).select(one / x, y)
    })
}

/// Logarithm of the magnitude of gamma; infinity at 0, at negative integers and at both infinities.
///
/// As [`gamma`], and by a polynomial around its zeros at 1 and 2. Around those below 0 its terms cancel.
pub(super) fn lgamma<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| {
        let (zero, one, inf) = (s.float(0.0), s.float(1.0), s.float(f64::INFINITY));
        let p = parts(s, x, single);
        let far = if single {
            let ratio = (p.below.high / p.above.high).abs();
            log2_single(s, ratio).fma(s.float(-LN_2), p.log.high)
        } else {
            let ratio = p.below.over(p.above);
            let (log, log_low) = log_pair(s, ratio.high.abs());
            let low = p.log.low - log_low - ratio.low / ratio.high;
            Pair::sum(p.log.high, log.minus()).plus(low).rounded()
        };
        let t = x - s.float(1.5);
        let t2 = t * t;
        let from_one = x - one;
        let near = if single {
            from_one * (x - s.float(2.0)) * s.poly(t, t2, &NEAR_SINGLE)
        } else {
            let [first, first_low] = NEAR_FIRST.map(|c| s.float(c));
            let sum = Pair::ordered_sum(first, t * s.poly(t, t2, &NEAR_DOUBLE)).plus(first_low);
            Pair { high: from_one, low: zero }.times(Pair::ordered_sum(s.float(-2.0), x)).times(sum).rounded()
        };
        let y = t.abs().lt(s.float(NEAR)).select(near + zero, far);
        let a = x.abs();
        (p.pole | a.eq(zero) | a.gt(s.float(LARGEST))).select(inf, y)
    })
}
