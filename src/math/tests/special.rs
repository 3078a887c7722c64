//! Values where functions have cases of their own, and those that are exact.

use super::*;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

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
        (Logistic, 0.0, 0.5),
        (Logistic, -0.0, 0.5),
        (Logistic, INF, 1.0),
        (Logistic, -INF, 0.0),
        (Logistic, 1e30, 1.0),
        (Logistic, -1e30, 0.0),
        (Sinc, 0.0, 1.0),
        (Sinc, -0.0, 1.0),
        (Sinc, 5e-324, 1.0),
        (Sinc, 0.5, 2.0 / PI),
        (Sinc, 1.0, 0.0),
        (Sinc, -3.0, 0.0),
        (Sinc, 4503599627370496.0, 0.0),
        (Sinc, 1e30, 0.0),
        (Sinc, INF, NAN),
        (Sinc, -INF, NAN),
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
        (Gamma, 0.0, INF),
        (Gamma, -0.0, -INF),
        (Gamma, 1.0, 1.0),
        (Gamma, 2.0, 1.0),
        (Gamma, 5.0, 24.0),
        (Gamma, -1.0, NAN),
        (Gamma, -170.0, NAN),
        (Gamma, -1e30, NAN),
        (Gamma, -200.5, -0.0),
        (Gamma, -201.5, 0.0),
        (Gamma, 200.0, INF),
        (Gamma, 1e30, INF),
        (Gamma, INF, INF),
        (Gamma, -INF, NAN),
        (Gamma, NAN, NAN),
        (Lgamma, 0.0, INF),
        (Lgamma, -0.0, INF),
        (Lgamma, 1.0, 0.0),
        (Lgamma, 2.0, 0.0),
        (Lgamma, -1.0, INF),
        (Lgamma, -2.0, INF),
        (Lgamma, -1e30, INF),
        (Lgamma, INF, INF),
        (Lgamma, -INF, INF),
        (Lgamma, NAN, NAN),
    ];
    for (f, x, want) in table.iter().flat_map(|&(f, x, want)| variants_1(f).map(move |(f, _)| (f, x, want))) {
        let (got, single) = (of_1(f, x), single_1(f, x as f32));
        assert!(same(got, want), "{f:?}({x:?}) = {got:?}, not {want:?}");
        assert!(same(single as f64, want as f32 as f64), "{f:?}({x:?}f32) = {single:?}, not {want:?}");
    }
    assert!(same(of_1(Sinc, f64::MAX), 0.0) && same(single_1(Sinc, f32::MAX) as f64, 0.0));
    assert_eq!(of_1(Exp, f64::from_bits(0x40862e42fefa39f0)), INF);
    assert_eq!(single_1(Exp, 88.72284), INF as f32);
    for x in [f64::from_bits(0xfff0_0000_0000_0001), f64::from_bits(0x7fff_ffff_ffff_ffff)] {
        for (f, _) in bounded().flat_map(variants_1) {
            assert!(of_1(f, x).is_nan(), "{f:?} of a NaN with a payload");
            assert!(single_1(f, f32::from_bits((x.to_bits() >> 32) as u32 | 1)).is_nan(), "{f:?} of a NaN with a payload");
        }
    }
}

/// Factorials, and the ends of the ranges.
#[test]
fn values_of_gamma() {
    let mut factorial = 1.0;
    for n in 1..=22 {
        assert_eq!(of_1(Gamma, n as f64), factorial, "gamma({n})");
        factorial *= n as f64;
    }
    let (last, largest) = (171.6243769563027f64, 2.5599833278516383e305f64);
    assert!(of_1(Gamma, last).is_finite() && of_1(Gamma, last.next_up()).is_infinite());
    assert!(of_1(Lgamma, largest).is_finite() && of_1(Lgamma, largest.next_up()).is_infinite());
    assert!(ulps(of_1(Lgamma, 5e-324), 744.440_071_921_381_2, 0.0) <= 1.0);
    assert_eq!((of_1(Gamma, 6e-309), of_1(Gamma, -5e-309)), (1.0 / 6e-309, -INF));
    // Next to poles where the factorial alone has no number.
    for (pole, want) in [(-171.0, -2.835121658032425e-296), (-176.0, 1.7778584688333368e-307), (-180.0, 1.7513719e-316), (-185.0, -0.0)] {
        let got = of_1(Gamma, f64::next_up(pole));
        assert!(ulps(got, want, 0.0) <= 1.0, "next to {pole}: {got:?}, not {want:?}");
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
        for (f, _) in [Sin, Cos].into_iter().flat_map(variants_1) {
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
fn special_values_of_two_operands() {
    let table = [
        (Hypot, 3.0, -4.0, 5.0),
        (Hypot, 0.0, -0.0, 0.0),
        (Hypot, -0.0, 7.0, 7.0),
        (Hypot, INF, NAN, INF),
        (Hypot, -INF, 1.0, INF),
        (Hypot, 1.0, NAN, NAN),
        (Hypot, 0.0, NAN, NAN),
        (Hypot, NAN, -0.0, NAN),
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
