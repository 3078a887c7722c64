//! The expansions against special values, correctly rounded points, and the standard library in twice the precision.

mod points;

use super::*;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};
use std::path::PathBuf;

use Function1::*;
use Function2::*;

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

fn of_1(f: Function1, x: f64) -> f64 {
    f64::from_scalar(scalar1(f, x))
}
fn of_2(f: Function2, x: f64, y: f64) -> f64 {
    f64::from_scalar(scalar2(f, x, y))
}
fn single_1(f: Function1, x: f32) -> f32 {
    f32::from_scalar(scalar1(f, x))
}
fn single_2(f: Function2, x: f32, y: f32) -> f32 {
    f32::from_scalar(scalar2(f, x, y))
}

/// Largest error allowed, in units of the last place. A correctly rounded expectation is itself up to 1/2 off.
const BOUND: f64 = 1.0;

/// The standard library's functions of `f64`, good enough to judge results of `f32`.
fn std_1(f: Function1, x: f64) -> f64 {
    match f {
        Exp => x.exp(),
        Exp2 => x.exp2(),
        Expm1 => x.exp_m1(),
        Log => x.ln(),
        Log2 => x.log2(),
        Log10 => x.log10(),
        Log1p => x.ln_1p(),
        Sin => x.sin(),
        Cos => x.cos(),
        Tan => x.tan(),
        Asin => x.asin(),
        Acos => x.acos(),
        Atan => x.atan(),
        Sinh => x.sinh(),
        Cosh => x.cosh(),
        Tanh => x.tanh(),
        Asinh => x.asinh(),
        Acosh => x.acosh(),
        Atanh => x.atanh(),
        Cbrt => x.cbrt(),
        Erf => libm::erf(x),
        Erfc => libm::erfc(x),
        Signbit | Spacing => unreachable!("exact"),
    }
}

/// The functions that are bounded, not exact.
fn bounded() -> impl Iterator<Item = Function1> {
    Function1::ALL.iter().copied().filter(|f| !matches!(f, Signbit | Spacing))
}

/// The name in files of points.
fn name(f: impl std::fmt::Debug) -> String {
    format!("{f:?}").to_lowercase()
}

/// Error of `got` in units in the last place of `want`, which is exact for the purpose of an `f32` result.
fn ulps_single(got: f32, want: f64) -> f64 {
    let nearest = want as f32;
    if want.is_nan() || got.is_nan() || nearest.is_infinite() || got.is_infinite() {
        return if (want.is_nan() && got.is_nan()) || nearest == got { 0.0 } else { INF };
    }
    if got == 0.0 && nearest == 0.0 && got.is_sign_negative() != want.is_sign_negative() {
        return INF;
    }
    let exponent = ((want.to_bits() >> 52 & 0x7ff) as i32 - 1023).max(-126);
    (got as f64 - want).abs() / 2f64.powi(exponent - 23)
}

/// Error of `got` in units in the last place of `want`, which is `beyond` such units larger in magnitude.
fn ulps(got: f64, want: f64, beyond: f64) -> f64 {
    if got.is_nan() || want.is_nan() {
        return if got.is_nan() && want.is_nan() { 0.0 } else { INF };
    }
    if got.is_sign_negative() != want.is_sign_negative() {
        return INF;
    }
    let rank = |x: f64| x.abs().to_bits() as i64;
    ((rank(got) - rank(want)) as f64 - beyond).abs()
}

/// The largest error seen of one function, and where.
struct Worst {
    what: String,
    bound: f64,
    error: f64,
    at: String,
    points: usize,
}
impl Worst {
    fn new(what: impl std::fmt::Debug, source: &str, bound: f64) -> Worst {
        Worst { what: format!("{what:?}, {source}"), bound, error: 0.0, at: String::new(), points: 0 }
    }
    fn see(&mut self, error: f64, at: impl std::fmt::Debug) {
        self.points += 1;
        if error > self.error {
            (self.error, self.at) = (error, format!("{at:?}"));
        }
    }
    fn judge(self) {
        let Worst { what, bound, error, at, points } = self;
        assert!(points > 0, "{what}: no points");
        eprintln!("{what}: {error:.3} ulp at {at}, {points} points");
        assert!(error <= bound, "{what}: {error} ulp at {at}, more than {bound}");
    }
}

/// Evenly spread numbers in [0, 1) from a fixed seed.
struct Spread(u64);
impl Spread {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e3779b97f4a7c15);
        let x = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58476d1ce4e5b9);
        x ^ x >> 31
    }
    fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (self.bits() >> 11) as f64 / 2f64.powi(53) * (high - low)
    }
}

fn same(got: f64, want: f64) -> bool {
    got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan()
}

#[test]
fn special_values_of_one_operand() {
    let table: &[(Function1, f64, f64)] = &[
        (Exp, 0.0, 1.0),
        (Exp, -0.0, 1.0),
        (Exp, INF, INF),
        (Exp, -INF, 0.0),
        (Exp, 1e30, INF),
        (Exp, -1e30, 0.0),
        (Exp, NAN, NAN),
        (Log, 1.0, 0.0),
        (Log, 0.0, -INF),
        (Log, -0.0, -INF),
        (Log, INF, INF),
        (Log, -INF, NAN),
        (Log, -1.0, NAN),
        (Log, -1e-40, NAN),
        (Log, NAN, NAN),
        (Tanh, 0.0, 0.0),
        (Tanh, -0.0, -0.0),
        (Tanh, INF, 1.0),
        (Tanh, -INF, -1.0),
        (Tanh, 1e30, 1.0),
        (Tanh, NAN, NAN),
        (Sin, 0.0, 0.0),
        (Sin, -0.0, -0.0),
        (Sin, INF, NAN),
        (Sin, -INF, NAN),
        (Sin, NAN, NAN),
        (Cos, 0.0, 1.0),
        (Cos, -0.0, 1.0),
        (Cos, INF, NAN),
        (Cos, -INF, NAN),
        (Cos, NAN, NAN),
        (Exp2, 0.0, 1.0),
        (Exp2, -0.0, 1.0),
        (Exp2, 3.0, 8.0),
        (Exp2, -149.0, f64::from_bits(874 << 52)),
        (Exp2, INF, INF),
        (Exp2, -INF, 0.0),
        (Exp2, 1e30, INF),
        (Exp2, NAN, NAN),
        (Expm1, 0.0, 0.0),
        (Expm1, -0.0, -0.0),
        (Expm1, 1e-300, 1e-300),
        (Expm1, INF, INF),
        (Expm1, -INF, -1.0),
        (Expm1, -1e30, -1.0),
        (Expm1, 1e30, INF),
        (Expm1, NAN, NAN),
        (Log2, 8.0, 3.0),
        (Log2, 0.0, -INF),
        (Log2, -0.0, -INF),
        (Log2, -1.0, NAN),
        (Log2, INF, INF),
        (Log2, 1.0, 0.0),
        (Log10, 1000.0, 3.0),
        (Log10, 1.0, 0.0),
        (Log10, -0.0, -INF),
        (Log10, -1.0, NAN),
        (Log10, INF, INF),
        (Log1p, 0.0, 0.0),
        (Log1p, -0.0, -0.0),
        (Log1p, 1e-300, 1e-300),
        (Log1p, -1.0, -INF),
        (Log1p, -1.5, NAN),
        (Log1p, INF, INF),
        (Log1p, -INF, NAN),
        (Tan, 0.0, 0.0),
        (Tan, -0.0, -0.0),
        (Tan, INF, NAN),
        (Tan, -INF, NAN),
        (Asin, 0.0, 0.0),
        (Asin, -0.0, -0.0),
        (Asin, 1.0, FRAC_PI_2),
        (Asin, -1.0, -FRAC_PI_2),
        (Asin, 1.5, NAN),
        (Asin, -INF, NAN),
        (Acos, 0.0, FRAC_PI_2),
        (Acos, -0.0, FRAC_PI_2),
        (Acos, 1.0, 0.0),
        (Acos, -1.0, PI),
        (Acos, 1.5, NAN),
        (Acos, INF, NAN),
        (Atan, 0.0, 0.0),
        (Atan, -0.0, -0.0),
        (Atan, 1.0, FRAC_PI_4),
        (Atan, INF, FRAC_PI_2),
        (Atan, -INF, -FRAC_PI_2),
        (Sinh, 0.0, 0.0),
        (Sinh, -0.0, -0.0),
        (Sinh, INF, INF),
        (Sinh, -INF, -INF),
        (Sinh, -1e30, -INF),
        (Cosh, 0.0, 1.0),
        (Cosh, -0.0, 1.0),
        (Cosh, INF, INF),
        (Cosh, -INF, INF),
        (Asinh, 0.0, 0.0),
        (Asinh, -0.0, -0.0),
        (Asinh, INF, INF),
        (Asinh, -INF, -INF),
        (Acosh, 1.0, 0.0),
        (Acosh, 0.5, NAN),
        (Acosh, -1e300, NAN),
        (Acosh, INF, INF),
        (Acosh, -INF, NAN),
        (Atanh, 0.0, 0.0),
        (Atanh, -0.0, -0.0),
        (Atanh, 1.0, INF),
        (Atanh, -1.0, -INF),
        (Atanh, 1.5, NAN),
        (Atanh, INF, NAN),
        (Cbrt, 0.0, 0.0),
        (Cbrt, -0.0, -0.0),
        (Cbrt, 27.0, 3.0),
        (Cbrt, -8.0, -2.0),
        (Cbrt, INF, INF),
        (Cbrt, -INF, -INF),
        (Erf, 0.0, 0.0),
        (Erf, -0.0, -0.0),
        (Erf, INF, 1.0),
        (Erf, -INF, -1.0),
        (Erfc, 0.0, 1.0),
        (Erfc, INF, 0.0),
        (Erfc, -INF, 2.0),
        (Erfc, NAN, NAN),
    ];
    for &(f, x, want) in table {
        let (got, single) = (of_1(f, x), single_1(f, x as f32));
        assert!(same(got, want), "{f:?}({x:?}) = {got:?}, not {want:?}");
        assert!(same(single as f64, want as f32 as f64), "{f:?}({x:?}f32) = {single:?}, not {want:?}");
    }
    assert_eq!(of_1(Exp, f64::from_bits(0x40862e42fefa39f0)), INF);
    assert_eq!(single_1(Exp, 88.72284), INF as f32);
    for x in [f64::from_bits(0xfff0_0000_0000_0001), f64::from_bits(0x7fff_ffff_ffff_ffff)] {
        for f in bounded() {
            assert!(of_1(f, x).is_nan(), "{f:?} of a NaN with a payload");
            assert!(single_1(f, f32::from_bits((x.to_bits() >> 32) as u32 | 1)).is_nan(), "{f:?} of a NaN with a payload");
        }
    }
}

#[test]
fn signs_and_neighbours() {
    let tiny = f64::from_bits(1);
    for (x, y, want) in [
        (0.0, 1.0, tiny),
        (-0.0, 1.0, tiny),
        (0.0, -1.0, -tiny),
        (0.0, -0.0, -0.0),
        (-0.0, 0.0, 0.0),
        (tiny, 0.0, 0.0),
        (-tiny, 1.0, -0.0),
        (1.0, 2.0, 1.0 + f64::EPSILON),
        (-1.0, -INF, -1.0 - f64::EPSILON),
        (1.0, 1.0, 1.0),
        (f64::MAX, INF, INF),
        (INF, 0.0, f64::MAX),
        (-INF, INF, f64::MIN),
        (NAN, 1.0, NAN),
        (1.0, NAN, NAN),
        (0.0, NAN, NAN),
    ] {
        assert!(same(of_2(Nextafter, x, y), want), "nextafter({x:?}, {y:?})");
    }
    for (x, y, want) in [(1.0, -0.0, -1.0), (-1.0, 0.0, 1.0), (INF, -1.0, -INF), (-2.0, NAN, 2.0), (2.0, -NAN, 2.0), (NAN, -1.0, NAN)] {
        assert!(same(of_2(Copysign, x, y), want), "copysign({x:?}, {y:?})");
    }
    for (x, y, want) in
        [(0.0, 0.5, 0.5), (-0.0, 0.5, 0.5), (-tiny, 0.5, 0.0), (INF, 0.5, 1.0), (NAN, 0.5, NAN), (0.0, NAN, NAN), (1.0, NAN, 1.0)]
    {
        assert!(same(of_2(Heaviside, x, y), want), "heaviside({x:?}, {y:?})");
    }
    for (x, y, least, most) in
        [(1.0, 2.0, 1.0, 2.0), (NAN, 2.0, 2.0, 2.0), (2.0, NAN, 2.0, 2.0), (NAN, NAN, NAN, NAN), (-INF, INF, -INF, INF)]
    {
        assert!(same(of_2(Fmin, x, y), least) && same(of_2(Fmax, x, y), most), "fmin and fmax of {x:?}, {y:?}");
    }
    for (x, want) in
        [(0.0, tiny), (-0.0, tiny), (1.0, f64::EPSILON), (-1.0, -f64::EPSILON), (f64::MAX, INF), (-INF, NAN), (NAN, NAN), (-tiny, -tiny)]
    {
        assert!(same(of_1(Spacing, x), want), "spacing({x:?}) = {:?}", of_1(Spacing, x));
    }
    for (x, want) in [(0.0, false), (-0.0, true), (-tiny, true), (INF, false), (-INF, true), (NAN, false), (-NAN, false)] {
        assert_eq!(scalar1(Signbit, x), Scalar::Bool(want), "signbit({x:?})");
        assert_eq!(scalar1(Signbit, x as f32), Scalar::Bool(want), "signbit({x:?}f32)");
    }
    assert_eq!(single_2(Nextafter, 1.0, 2.0), 1.0 + f32::EPSILON);
    assert_eq!(single_2(Copysign, 1.0, -0.0), -1.0);
    assert_eq!(single_1(Spacing, 1.0), f32::EPSILON);
}

#[test]
fn sine_and_cosine_stay_within_one() {
    let mut spread = Spread(1);
    for _ in 0..4000 {
        let x = 2f64.powf(spread.within(-30.0, 1024.0));
        for f in [Sin, Cos] {
            assert!(of_1(f, x).abs() <= 1.0, "{f:?}({x:?})");
            assert!(single_1(f, x.powf(0.125) as f32).abs() <= 1.0, "{f:?}({x:?}f32)");
        }
    }
    assert!(of_1(Sin, f64::MAX).abs() <= 1.0 && of_1(Cos, -f64::MAX).abs() <= 1.0);
    assert!(single_1(Sin, f32::MAX).abs() <= 1.0 && single_1(Cos, f32::MIN).abs() <= 1.0);
}

#[test]
fn special_values_of_atan2() {
    let pi = std::f64::consts::PI;
    let table = [
        (0.0, 0.0, 0.0),
        (0.0, -0.0, pi),
        (0.0, 1.0, 0.0),
        (0.0, -1.0, pi),
        (1.0, 0.0, pi / 2.0),
        (1.0, -0.0, pi / 2.0),
        (INF, INF, pi / 4.0),
        (INF, -INF, 3.0 * pi / 4.0),
        (INF, 1.0, pi / 2.0),
        (INF, -1.0, pi / 2.0),
        (1.0, INF, 0.0),
        (1.0, -INF, pi),
        (0.0, INF, 0.0),
        (0.0, -INF, pi),
        (INF, 0.0, pi / 2.0),
        (INF, -0.0, pi / 2.0),
    ];
    for (y, x, want) in table {
        for sign in [1.0, -1.0] {
            let (got, single) = (of_2(Atan2, sign * y, x), single_2(Atan2, (sign * y) as f32, x as f32));
            assert!(same(got, sign * want), "atan2({:?}, {x:?}) = {got:?}", sign * y);
            assert!(same(single as f64, (sign * want) as f32 as f64), "atan2({:?}f32, {x:?}) = {single:?}", sign * y);
        }
    }
    for x in [0.0, -0.0, 1.0, INF, -INF, NAN] {
        assert!(of_2(Atan2, NAN, x).is_nan() && of_2(Atan2, x, NAN).is_nan(), "atan2 of {x} and NaN");
        assert!(single_2(Atan2, f32::NAN, x as f32).is_nan() && single_2(Atan2, x as f32, f32::NAN).is_nan());
    }
}

/// The table of C99 F.9.4.4, over every pair of operands; Rust's `powf` is the C library's.
#[test]
fn special_values_of_pow() {
    let operands = [0.0, 1.0, 2.0, 3.0, 0.5, 1.5, 0.25, 1e10, 9007199254740993.0, 1e30, 1e300, 1e-300, 5e-324, 1.0000001, INF];
    let signed = || operands.iter().flat_map(|&x| [x, -x]).chain([NAN]);
    for x in signed() {
        for y in signed() {
            let (got, want) = (of_2(Pow, x, y), x.powf(y));
            assert!(ulps(got, want, 0.0) <= 1.0, "pow({x:?}, {y:?}) = {got:?}, not {want:?}");
            let (x, y) = (x as f32, y as f32);
            let (got, want) = (single_2(Pow, x, y), (x as f64).powf(y as f64));
            assert!(ulps_single(got, want) <= 1.0, "pow({x:?}f32, {y:?}) = {got:?}, not {want:?}");
        }
    }
    for (x, y, want) in [
        (-1.0, INF, 1.0),
        (1.0, NAN, 1.0),
        (NAN, 0.0, 1.0),
        (-0.0, -3.0, -INF),
        (-0.0, -2.0, INF),
        (-0.0, 3.0, -0.0),
        (-0.0, 0.5, 0.0),
        (-INF, 0.5, INF),
        (-INF, 3.0, -INF),
        (-INF, -3.0, -0.0),
        (-8.0, 1.0 / 3.0, NAN),
        (0.5, -INF, INF),
        (0.5, INF, 0.0),
    ] {
        let got = of_2(Pow, x, y);
        assert!(same(got, want), "pow({x:?}, {y:?}) = {got:?}, not {want:?}");
        let got = single_2(Pow, x as f32, y as f32);
        assert!(same(got as f64, want), "pow({x:?}f32, {y:?}) = {got:?}, not {want:?}");
    }
}

/// An error below one unit in all means one below a half before the last rounding: what is representable comes out exact.
#[test]
fn representable_powers_are_exact() {
    let (mut exact, mut rooted) = (0, 0);
    for x in 1..=60i64 {
        for y in 0..=52u32 {
            if let Some(want) = x.checked_pow(y).filter(|&p| p <= 1 << 53) {
                assert_eq!(of_2(Pow, x as f64, y as f64), want as f64, "{x}^{y}");
                assert_eq!(of_2(Pow, -x as f64, y as f64), if y % 2 == 0 { want } else { -want } as f64, "(-{x})^{y}");
                exact += 1;
            }
        }
        assert_eq!(of_2(Pow, (x * x) as f64, 0.5), x as f64);
        rooted += 1;
    }
    assert!(exact > 700 && rooted == 60, "{exact} powers");
}

#[test]
fn remainder_is_numpys() {
    // Each: x, y, x // y, x % y, as NumPy 2.4 gives them.
    let table = [
        (7.5, 2.0, 3.0, 1.5),
        (-7.5, 2.0, -4.0, 0.5),
        (7.5, -2.0, -4.0, -0.5),
        (-7.5, -2.0, 3.0, -1.5),
        (1.0, 0.0, INF, NAN),
        (-1.0, 0.0, -INF, NAN),
        (1.0, -0.0, -INF, NAN),
        (0.0, 0.0, NAN, NAN),
        (INF, 1.0, NAN, NAN),
        (-INF, 1.0, NAN, NAN),
        (NAN, 1.0, NAN, NAN),
        (1.0, NAN, NAN, NAN),
        (5.0, INF, 0.0, 5.0),
        (-5.0, INF, -1.0, INF),
        (5.0, -INF, -1.0, -INF),
        (-5.0, -INF, 0.0, -5.0),
        (0.0, 1.0, 0.0, 0.0),
        (-0.0, 1.0, -0.0, 0.0),
        (0.0, -1.0, -0.0, -0.0),
        (4.0, 2.0, 2.0, 0.0),
        (-4.0, 2.0, -2.0, 0.0),
        (4.0, -2.0, -2.0, -0.0),
        (1.0, 0.1, 9.0, f64::from_bits(0x3fb9_9999_9999_9996)),
    ];
    for (x, y, quotient, rest) in table {
        let (got_quotient, got_rest) = (of_2(FloorDiv, x, y), of_2(Rem, x, y));
        assert!(same(got_quotient, quotient), "{x:?} // {y:?} = {got_quotient:?}, not {quotient:?}");
        assert!(same(got_rest, rest), "{x:?} % {y:?} = {got_rest:?}, not {rest:?}");
        if y != 0.1 {
            assert!(same(single_2(FloorDiv, x as f32, y as f32) as f64, quotient), "{x:?}f32 // {y:?}");
            assert!(same(single_2(Rem, x as f32, y as f32) as f64, rest), "{x:?}f32 % {y:?}");
        }
    }
}

/// What the two operations promise each other: x = (x // y) y + x % y, with the rest below the divisor and of its sign.
#[test]
fn quotient_and_remainder_agree() {
    let mut spread = Spread(2);
    for _ in 0..20_000 {
        let (x, y) = (spread.within(-1e6, 1e6), spread.within(-100.0, 100.0));
        let (quotient, rest) = (of_2(FloorDiv, x, y), of_2(Rem, x, y));
        assert!(rest == 0.0 || (rest < 0.0) == (y < 0.0) && rest.abs() <= y.abs(), "{x:?} % {y:?} = {rest:?}");
        assert_eq!(quotient, quotient.floor());
        let error = quotient.mul_add(y, rest) - x;
        assert!(error.abs() <= y.abs() * 1e-15 + x.abs() * 1e-15, "{x:?} // {y:?} = {quotient:?} rest {rest:?}");
    }
}

#[test]
fn f32_on_a_sample_of_all_bits() {
    for f in bounded() {
        let mut worst = Worst::new(f, "f32", BOUND);
        for bits in (0..=u32::MAX).step_by(93_179) {
            let x = f32::from_bits(bits);
            worst.see(ulps_single(single_1(f, x), std_1(f, x as f64)), x);
        }
        worst.judge();
    }
}

#[test]
fn special_values_of_two_operands() {
    let table = [
        (Hypot, 3.0, -4.0, 5.0),
        (Hypot, 0.0, -0.0, 0.0),
        (Hypot, -0.0, 7.0, 7.0),
        (Hypot, INF, NAN, INF),
        (Hypot, -INF, 1.0, INF),
        (Hypot, 1.0, NAN, NAN),
        (Logaddexp, -INF, 1.5, 1.5),
        (Logaddexp, -INF, -INF, -INF),
        (Logaddexp, INF, INF, INF),
        (Logaddexp, INF, -INF, INF),
        (Logaddexp, INF, 1.0, INF),
        (Logaddexp, 1.0, NAN, NAN),
        (Logaddexp, 0.0, 0.0, std::f64::consts::LN_2),
        (Logaddexp2, 3.0, 3.0, 4.0),
        (Logaddexp2, -INF, -INF, -INF),
        (Logaddexp2, INF, INF, INF),
        (Logaddexp2, -INF, INF, INF),
        (Logaddexp2, NAN, -INF, NAN),
    ];
    for (f, x, y, want) in table {
        for (x, y) in [(x, y), (y, x)] {
            let (got, single) = (of_2(f, x, y), single_2(f, x as f32, y as f32));
            assert!(same(got, want), "{f:?}({x:?}, {y:?}) = {got:?}, not {want:?}");
            assert!(same(single as f64, want as f32 as f64), "{f:?}({x:?}f32, {y:?}) = {single:?}, not {want:?}");
        }
    }
    for (x, y) in [(f64::MAX, f64::MAX / 2.0), (1e300, 1e300), (5e-324, 5e-324), (3e-310, 4e-310), (1e-200, 1e-200)] {
        assert!(ulps(of_2(Hypot, x, y), x.hypot(y), 0.0) <= 1.0, "hypot of {x:?} and {y:?}");
    }
}

#[test]
fn f32_pairs() {
    let mut spread = Spread(3);
    type Exact = fn(f64, f64) -> f64;
    let functions: [(Function2, Exact); 5] = [
        (Pow, f64::powf),
        (Atan2, f64::atan2),
        (Hypot, f64::hypot),
        (Logaddexp, |x, y| x.max(y) + (-(x - y).abs()).exp().ln_1p()),
        (Logaddexp2, |x, y| x.max(y) + (-(x - y).abs()).exp2().ln_1p() * std::f64::consts::LOG2_E),
    ];
    for (f, exact) in functions {
        let mut worst = Worst::new(f, "f32", BOUND);
        for i in 0..40_000 {
            let any = [f32::from_bits(spread.bits() as u32), f32::from_bits(spread.bits() as u32)];
            let [x, y] = match (f, i % 4) {
                (Pow, 1) => [any[0].abs(), spread.within(-3.0, 3.0) as f32],
                (Pow, 2) => [spread.within(0.0, 10.0) as f32, spread.within(-45.0, 45.0) as f32],
                (Pow, 3) => [1.0 + spread.within(-1e-3, 1e-3) as f32, spread.within(-1e5, 1e5) as f32],
                (Logaddexp | Logaddexp2, _) => [spread.within(-20.0, 20.0) as f32, spread.within(-20.0, 20.0) as f32],
                (_, 1) => [spread.within(-1.0, 1.0) as f32, spread.within(-1.0, 1.0) as f32],
                // Next to the diagonal, where the polynomials of quotients end.
                (Atan2, 2) => [any[0], any[0] * spread.within(0.95, 1.05) as f32],
                _ => any,
            };
            worst.see(ulps_single(single_2(f, x, y), exact(x as f64, y as f64)), (x, y));
        }
        worst.judge();
    }
}

/// Just below 1, where the polynomial ends and a sample of all bits is thin.
#[test]
fn single_arctangents_next_to_one() {
    let mut worst = Worst::new(Atan, "f32 from 0.98 to 1.02", BOUND);
    for bits in (0.98f32.to_bits()..1.02f32.to_bits()).step_by(3) {
        let x = f32::from_bits(bits);
        worst.see(ulps_single(single_1(Atan, x), (x as f64).atan()), x);
    }
    worst.judge();
}

/// Random points: the function, the bits of its operands and of the correctly rounded result, and how far beyond that the exact
/// result is, in 2^-20 of a unit in the last place. The file beside this one, that of points where earlier expansions were beyond the bound, and
/// one more if `ELIDE_ACCURACY_POINTS` names it; `points.py` writes them.
#[test]
fn f64_at_random_points() {
    let more = std::env::var("ELIDE_ACCURACY_POINTS").map(|path| std::fs::read_to_string(path).expect("the points can be read"));
    for text in [include_str!("tests/points.txt"), include_str!("tests/worst.txt"), &more.unwrap_or_default()] {
        let mut points: std::collections::BTreeMap<&str, Vec<Vec<&str>>> = Default::default();
        for line in text.lines() {
            let mut words = line.split(' ');
            points.entry(words.next().unwrap()).or_default().push(words.collect());
        }
        let mut failures = Vec::new();
        for (which, lines) in points {
            let one = bounded().find(|f| name(f) == which);
            let two = Function2::ALL.iter().find(|f| name(f) == which);
            let mut worst = Worst::new(which, "random points", BOUND);
            for words in lines {
                let numbers: Vec<f64> = words[..words.len() - 1].iter().map(|w| f64::from_bits(hex(w))).collect();
                let beyond = words[words.len() - 1].parse::<f64>().unwrap() / 1048576.0;
                let (operands, want) = (&numbers[..numbers.len() - 1], numbers[numbers.len() - 1]);
                let got = match (one, two) {
                    (Some(f), _) => of_1(f, operands[0]),
                    (_, Some(&f)) => of_2(f, operands[0], operands[1]),
                    _ => continue,
                };
                let error = ulps(got, want, beyond);
                // Where the two terms of the sum cancel, its error is that of a larger number.
                let cancelled = matches!(two, Some(Logaddexp | Logaddexp2)).then_some(0.5 / want.abs()).filter(|&c| c > 1.0);
                worst.see(error / cancelled.unwrap_or(1.0), operands);
            }
            if worst.points > 0 && std::panic::catch_unwind(|| worst.judge()).is_err() {
                failures.push(which);
            }
        }
        assert!(failures.is_empty(), "{failures:?}");
    }
}

#[test]
fn f64_at_correctly_rounded_points() {
    let [exp, log, tanh, sin, cos] = [points::EXP, points::LOG, points::TANH, points::SIN, points::COS];
    for (f, table) in [(Exp, exp), (Log, log), (Tanh, tanh), (Sin, sin), (Cos, cos)] {
        let mut worst = Worst::new(f, "built-in points", BOUND + 0.5);
        for &[x, want] in table {
            let x = f64::from_bits(x);
            worst.see(ulps(of_1(f, x), f64::from_bits(want), 0.0), x);
        }
        worst.judge();
    }
    for (f, table) in [(Pow, points::POW), (Atan2, points::ATAN2)] {
        let mut worst = Worst::new(f, "built-in points", BOUND + 0.5);
        for &[x, y, want] in table {
            let [x, y] = [x, y].map(f64::from_bits);
            worst.see(ulps(of_2(f, x, y), f64::from_bits(want), 0.0), (x, y));
        }
        worst.judge();
    }
}

/// A file of the accuracy data beside the checkout, if it is there.
fn data(path: &str) -> Option<String> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/accuracy").join(path);
    let text = std::fs::read_to_string(&file).ok();
    if text.is_none() {
        eprintln!("SKIPPED: {} is not there", file.display());
    }
    text
}

fn hex(word: &str) -> u64 {
    u64::from_str_radix(word.trim_start_matches("0x"), 16).unwrap_or_else(|_| panic!("`{word}` is not a number in hex"))
}

#[test]
fn f64_at_points_that_are_hard_to_round() {
    for f in bounded() {
        let Some(text) = data(&format!("hard/{}.csv", name(f))) else { continue };
        let mut worst = Worst::new(f, "hard points", BOUND + 0.5);
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            let words: Vec<f64> = line.split(',').map(|w| f64::from_bits(hex(w))).collect();
            worst.see(ulps(of_1(f, words[0]), words[1], 0.0), words[0]);
        }
        worst.judge();
    }
    for f in [Pow, Atan2, Hypot] {
        let Some(text) = data(&format!("hard/{}.csv", name(f))) else { continue };
        let mut worst = Worst::new(f, "hard points", BOUND + 0.5);
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            let words: Vec<f64> = line.split(',').map(|w| f64::from_bits(hex(w))).collect();
            worst.see(ulps(of_2(f, words[0], words[1]), words[2], 0.0), (words[0], words[1]));
        }
        worst.judge();
        let Some(text) = data(&format!("hard/{}f.csv", name(f))) else { continue };
        let mut worst = Worst::new(f, "hard points of f32", BOUND + 0.5);
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            let words: Vec<f32> = line.split(',').map(|w| f32::from_bits(hex(w) as u32)).collect();
            worst.see(ulps_single(single_2(f, words[0], words[1]), words[2] as f64), (words[0], words[1]));
        }
        worst.judge();
    }
}

#[test]
fn numpys_validation_sets() {
    for f in bounded() {
        let theirs = match f {
            Asin | Acos | Atan | Asinh | Acosh | Atanh => format!("arc{}", &name(f)[1..]),
            _ => name(f),
        };
        let Some(text) = data(&format!("numpy/umath-validation-set-{theirs}.csv")) else { continue };
        let mut single = Worst::new(f, "NumPy's points of f32", BOUND + 0.5);
        let mut double = Worst::new(f, "NumPy's points of f64", BOUND + 0.5);
        for line in text.lines() {
            let words: Vec<&str> = line.split(',').collect();
            if words[0] == "np.float32" {
                let [x, want] = [words[1], words[2]].map(|w| f32::from_bits(hex(w) as u32));
                single.see(ulps_single(single_1(f, x), want as f64), x);
            } else if words[0] == "np.float64" {
                let [x, want] = [words[1], words[2]].map(|w| f64::from_bits(hex(w)));
                double.see(ulps(of_1(f, x), want, 0.0), x);
            }
        }
        single.judge();
        double.judge();
    }
}

/// Arm's vectors give more digits of the result than fit: `3ffa6129.8e1e069b.c97`.
#[test]
fn arms_directed_vectors() {
    let field = |line: &str, key: &str| line.split(' ').find_map(|w| w.strip_prefix(key)).map(str::to_owned);
    let parse = |word: &str, words: usize| {
        let parts: Vec<&str> = word.split('.').collect();
        let bits = parts[..words].iter().fold(0, |bits, part| bits << 32 | hex(part));
        let beyond = parts.get(words).map_or(0.0, |rest| hex(rest) as f64 / 16f64.powi(rest.len() as i32));
        (bits, beyond)
    };
    // C leaves pow of a signaling NaN open; the vectors ask for NaN even for pow(1, sNaN).
    let signaling = |x: f64, bits: u64, quiet: u64| x.is_nan() && bits & quiet == 0;
    let quiet = [1u64 << 51, 1u64 << 22];
    for f in bounded().map(Ok).chain([Err(Pow), Err(Atan2)]) {
        let name = f.map_or_else(name, name);
        let Some(text) = data(&format!("arm/{name}.tst")) else { continue };
        let mut worst = Worst::new(name, "Arm's vectors", BOUND + 0.01);
        for line in text.lines().filter(|l| l.starts_with("func=")) {
            let (want, beyond) = parse(&field(line, "result=").unwrap(), 2);
            let operands: Vec<u64> = ["op1=", "op2="].iter().filter_map(|key| Some(parse(&field(line, key)?, 2).0)).collect();
            let values: Vec<f64> = operands.iter().map(|&b| f64::from_bits(b)).collect();
            if values.iter().zip(&operands).any(|(&x, &bits)| signaling(x, bits, quiet[0])) {
                continue;
            }
            let got = f.map_or_else(|f| of_2(f, values[0], values[1]), |f| of_1(f, values[0]));
            worst.see(ulps(got, f64::from_bits(want), beyond), line);
        }
        worst.judge();
    }
    for f in bounded().map(Ok).chain([Err(Pow), Err(Atan2)]) {
        let name = f.map_or_else(name, name) + "f";
        let Some(text) = data(&format!("arm/{name}.tst")) else { continue };
        let mut worst = Worst::new(name, "Arm's vectors", BOUND + 0.5);
        for line in text.lines().filter(|l| l.starts_with("func=")) {
            let want = f32::from_bits(parse(&field(line, "result=").unwrap(), 1).0 as u32);
            let operands: Vec<u64> = ["op1=", "op2="].iter().filter_map(|key| Some(parse(&field(line, key)?, 1).0)).collect();
            let values: Vec<f32> = operands.iter().map(|&b| f32::from_bits(b as u32)).collect();
            if values.iter().zip(&operands).any(|(&x, &bits)| signaling(x as f64, bits, quiet[1])) {
                continue;
            }
            let got = f.map_or_else(|f| single_2(f, values[0], values[1]), |f| single_1(f, values[0]));
            worst.see(ulps_single(got, want as f64), line);
        }
        worst.judge();
    }
}
