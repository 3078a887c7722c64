//! The error function and its complement.

use super::Emit;
use super::arith::{Num, Scope, in_double1};
use super::exp_log::reduce;
use super::hyperbolic::expm1_single;
use super::pair::Pair;

/// (1 + 2 x) e^(x^2) erfc x for 0 <= x <= 27.3, which is between 1 and 1.3 (Shepherd and Laframboise 1981), in powers of
/// (x - 4) / (x + 4): the first one in two parts, then the others. Remez's exchange in 300-bit arithmetic, rounded; relative
/// error 2^-56.7.
const ERFC_FIRST: [f64; 2] = [1.2329951186255526, -4.527108250363635e-17];
const ERFC_DOUBLE: [f64; 23] = [
    -0.13962111684056253,
    0.01537965210261966,
    0.06809705425469545,
    -0.10103906603629999,
    0.09373283499825046,
    -0.06633036581230936,
    0.03716751553910102,
    -0.016197734056765386,
    0.005031969963473452,
    -0.0007577732959200758,
    -0.00019925661606528,
    0.0001506217127916874,
    -2.439948102868813e-05,
    -1.1222168554374363e-05,
    5.710294425429138e-06,
    2.941749718600745e-07,
    -8.261109892295007e-07,
    7.40302792387136e-08,
    1.1044171716757453e-07,
    -1.7370593556354076e-08,
    -1.4090832484779345e-08,
    1.6314056072473918e-09,
    1.1849930657032106e-09,
];
/// The same in powers of (x - 3) / (x + 3) for 0 <= x <= 10.2, for results that are rounded to `f32`: 2^-34.7.
const ERFC_SINGLE: [f64; 13] = [
    1.2530080582662626,
    -0.13562110690141482,
    -0.04756229388940086,
    0.1296452012809957,
    -0.11927365322394258,
    0.06830736500673829,
    -0.023771054627671078,
    0.002533551213874478,
    0.0018942878043086283,
    -0.0007900131194208594,
    -0.00012674497763839047,
    0.00012670520913883747,
    3.310330374148395e-05,
];

/// 2 / sqrt(pi), and what its rounding left.
const SLOPE: [f64; 2] = [std::f64::consts::FRAC_2_SQRT_PI, 1.533545961316588e-17];
/// (erf x / x - 2 / sqrt(pi)) / x^2 in powers of x^2 for |x| <= 0.766. The same method, the first ones rounded in turn and the rest
/// fitted again; relative error 2^-59.3.
const ERF_DOUBLE: [f64; 10] = [
    -0.37612638903183715,
    0.11283791670952023,
    -0.02686617064424382,
    0.005223977612865811,
    -0.0008548325997958104,
    0.00012055281157165506,
    -1.4923971027011864e-05,
    1.6427081359504793e-06,
    -1.5908438630405552e-07,
    1.1355249884517596e-08,
];
/// As `ERF_DOUBLE`, for results that are rounded to `f32`: 2^-34.6.
const ERF_SINGLE: [f64; 6] =
    [-0.3761263848143051, 0.112837778127276, -0.026864645085005266, 0.005216201917443554, -0.0008345728381570298, 9.394508310809522e-05];
/// From here on erf is 1 less its complement, and erfc no longer 1 less erf.
const ERF_FAR: f64 = 0.75;
const ERFC_FAR: f64 = 0.5625;

/// erfc x for x >= 0: e^(-x^2), with the square as a pair, times a polynomial over 1 + 2 x.
fn complement<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, single: bool) -> Num<'s, 'e, E> {
    let (one, most) = (s.float(1.0), s.float(if single { 10.2 } else { 27.3 }));
    let x = x.gt(most).select(most, x);
    let middle = s.float(if single { 3.0 } else { 4.0 });
    let t = (x - middle) / (x + middle);
    let t2 = t * t;
    if single {
        let reduced = reduce(s, x.minus() * x, None, s.bias);
        let power = reduced.shifted.bits().shl(s.digits).to_float();
        let ratio = s.poly(t, t2, &ERFC_SINGLE) / (x + x + one);
        return (expm1_single(s, &reduced) + one) * power * ratio;
    }
    let first = ERFC_FIRST.map(|c| s.float(c));
    let sum = Pair::ordered_sum(first[0], t * s.poly(t, t2, &ERFC_DOUBLE)).plus(first[1]);
    let ratio = sum.over(Pair::sum(one, x + x));
    let square = Pair::product(x, x);
    let reduced = reduce(s, square.high.minus(), Some(square.low.minus()), 2 * s.bias);
    let y = Pair::product_added(ratio.high, reduced.lead, ratio.high);
    let low = ratio.high.fma(reduced.rest(s), y.low) + ratio.low.fma(reduced.lead, ratio.low);
    reduced.scale(s, y.high + low)
}

/// erf x for |x| <= `ERF_FAR`: its slope at 0 times x, and the rest.
fn near_zero<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, single: bool) -> Pair<'s, 'e, E> {
    let z = x * x;
    let [slope, slope_low] = SLOPE.map(|c| s.float(c));
    let series: &[f64] = if single { &ERF_SINGLE } else { &ERF_DOUBLE };
    let series = s.poly(z, z * z, series);
    if single {
        return Pair { high: x * slope, low: x * z * series };
    }
    let lead = Pair::product(x, slope);
    Pair { high: lead.high, low: (x * z).fma(series, x.fma(slope_low, lead.low)) }
}

/// Error function: a polynomial near 0, 1 less the complement elsewhere.
pub(super) fn erf<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| {
        let ax = x.abs();
        let far = s.float(1.0) - complement(s, ax, single);
        ax.gt(s.float(ERF_FAR)).select(far, near_zero(s, ax, single).rounded()).signed_as(x)
    })
}

/// 1 less the error function, to all digits also where that is near 1.
pub(super) fn erfc<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| {
        let ax = x.abs();
        let far = complement(s, ax, single);
        let far = x.lt(s.float(0.0)).select(s.float(2.0) - far, far);
        let erf = near_zero(s, x, single);
        let near = Pair::ordered_sum(s.float(1.0), erf.high.minus());
        ax.gt(s.float(ERFC_FAR)).select(far, near.high + (near.low - erf.low))
    })
}
