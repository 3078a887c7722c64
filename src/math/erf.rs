//! The error function and its complement.

use super::Emit;
use super::arith::{Num, Scope, in_double1};
use super::exp_log::{expm1_of_rest, reduce, reduce_rounded};
use super::hyperbolic::expm1_single;
use super::pair::Pair;
use crate::dtype::DType;

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
/// (x + 3) e^(x^2) erfc x in powers of (x - 3) / (x + 3) for 0 <= x <= 10.2, for results that are rounded to `f32`, by the same method: 2^-36.
const ERFC_SINGLE: [f64; 14] = [
    1.0740069070886045,
    -0.8833944533315811,
    0.5902283571547425,
    -0.3104672593197234,
    0.11952776295177263,
    -0.026827231714302156,
    -0.0012124383799550845,
    0.0030339198558399375,
    -0.0005483204751899184,
    -0.00027635870594156436,
    0.00010791198888036101,
    3.078334002584978e-05,
    -1.7142993271686264e-05,
    -6.362758292495857e-06,
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
/// What the error function of one type needs.
struct ErfTable {
    /// erf x / x - 1 in powers of x^2, for |x| <= 1.
    near: &'static [f64],
    /// From here on the complement does.
    far: f64,
    /// ln erfc x in powers of x - 1, from `far` to `one`.
    log_erfc: &'static [f64],
    /// From here on erf is 1 to all digits.
    one: f64,
}

/// Remez's exchange in 300-bit arithmetic, each coefficient rounded in turn and the rest fitted again. Error of erf near 0: 2^-56.3 of it,
/// beyond: 2^-57.3.
const ERF_F64: ErfTable = ErfTable {
    near: &[
        0.1283791670955126,
        -0.376126389031841,
        0.11283791670971086,
        -0.026866170648026634,
        0.005223977652629454,
        -0.0008548328531146179,
        0.00012055385988837712,
        -1.4926875767880997e-05,
        1.648095580940857e-06,
        -1.6555921481937374e-07,
        1.6004378485803975e-08,
        -1.6427924871587014e-09,
        1.4277158565416963e-10,
    ],
    far: 0.875,
    log_erfc: &[
        -1.8496055099332482,
        -2.638967514234792,
        -0.8431072563584937,
        -0.04156109804632166,
        0.01003382543461311,
        -0.001977903034181465,
        0.00023732474611021004,
        2.6270546738753413e-05,
        -2.7142609194443018e-05,
        9.582245695602409e-06,
        -2.028280189310792e-06,
        1.153562267537861e-07,
        1.1538800960469499e-07,
        -6.057301140596939e-08,
        1.787817522333511e-08,
        -3.590912280474522e-09,
        4.869884539590865e-10,
        -4.039986167539251e-11,
        1.5486901296028918e-12,
    ],
    one: 5.93,
};
/// As `ERF_F64`, rounded to `f32`: 2^-29.4 and 2^-26.9.
const ERF_F32: ErfTable = ErfTable {
    near: &[
        0.12837916612625122,
        -0.3761262595653534,
        0.11283578723669052,
        -0.026853347197175026,
        0.005187162198126316,
        -0.0007997853099368513,
        7.806903158780187e-05,
    ],
    far: 0.94,
    log_erfc: &[
        -1.8496055603027344,
        -2.638967514038086,
        -0.8430905938148499,
        -0.041660651564598083,
        0.010220692493021488,
        -0.0021010602358728647,
        0.0002637978468555957,
    ],
    one: 3.95,
};
/// From here on erfc is no longer 1 less erf.
const ERFC_FAR: f64 = 0.5625;

/// erfc x for x >= 0: e^(-x^2), with the square as a pair, times a polynomial over 1 + 2 x (`f32`: x + 3, in whose inverse the polynomial
/// is).
fn complement<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, single: bool) -> Num<'s, 'e, E> {
    let (one, most) = (s.float(1.0), s.float(if single { 10.2 } else { 27.3 }));
    let x = x.gt(most).select(most, x);
    if single {
        let inverse = one / (x + s.float(3.0));
        let t = inverse.fma(s.float(-6.0), one);
        let reduced = reduce(s, x.minus() * x, None, s.bias);
        let power = reduced.shifted.bits().shl(s.digits).to_float();
        return (expm1_single(s, &reduced) + one) * power * (s.poly(t, t * t, &ERFC_SINGLE) * inverse);
    }
    let middle = s.float(4.0);
    let t = (x - middle) / (x + middle);
    let t2 = t * t;
    let first = ERFC_FIRST.map(|c| s.float(c));
    let sum = Pair::ordered_sum(first[0], t * s.poly(t, t2, &ERFC_DOUBLE)).plus(first[1]);
    let ratio = sum.over(Pair::sum(one, x + x));
    let square = Pair::product(x, x);
    let reduced = reduce(s, square.high.minus(), Some(square.low.minus()), 2 * s.bias);
    let y = Pair::product_added(ratio.high, reduced.lead, ratio.high);
    let low = ratio.high.fma(reduced.rest(s), y.low) + ratio.low.fma(reduced.lead, ratio.low);
    reduced.scale(s, y.high + low)
}

/// erf x for |x| <= `ERFC_FAR`: its slope at 0 times x, and the rest.
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

/// Error function: a polynomial near 0, elsewhere 1 less its complement, which is e to the power of a polynomial.
pub(super) fn erf<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let t = if s.float == DType::F32 { &ERF_F32 } else { &ERF_F64 };
    let (x, one, most) = (s.value(x), s.float(1.0), s.float(t.one));
    let ax = x.abs();
    let z = ax * ax;
    let near = ax.fma(s.poly(z, z * z, t.near), ax);
    let from_one = ax.gt(most).select(most, ax) - one;
    let log = s.poly_led(from_one, from_one * from_one, t.log_erfc);
    let reduced = reduce_rounded(s, log, s.bias);
    let power = reduced.power(s);
    // The difference has no rounding, nor is the complement rounded by itself.
    let far = power.minus().fma(expm1_of_rest(s, reduced.r), one - power);
    ax.gt(s.float(t.far)).select(far, near).signed_as(x).value
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
