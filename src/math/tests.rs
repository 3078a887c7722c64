//! The expansions against special values, correctly rounded points, and the standard library in twice the precision: what these tests share.

mod points;
mod recorded;
mod singles;
mod special;

use super::*;

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
/// The same of fast functions.
const FAST_BOUND: f64 = 4.0;

/// A function and the faster one that `Accuracy::Fast` has in its place, if there is one.
fn variants<F: Copy + std::fmt::Debug>(all: &[F], f: F) -> impl Iterator<Item = (F, f64)> {
    let fast = format!("Fast{f:?}");
    std::iter::once((f, BOUND)).chain(all.iter().find(|g| format!("{g:?}") == fast).map(|g| (*g, FAST_BOUND)))
}
fn variants_1(f: Function1) -> impl Iterator<Item = (Function1, f64)> {
    variants(Function1::ALL, f)
}
fn variants_2(f: Function2) -> impl Iterator<Item = (Function2, f64)> {
    variants(Function2::ALL, f)
}

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
        Logistic => 1.0 / (1.0 + (-x).exp()),
        Sinc => sinc(x),
        Erf => libm::erf(x),
        Erfc => libm::erfc(x),
        Gamma => libm::tgamma(x),
        Lgamma => libm::lgamma(x),
        _ => unreachable!("exact, or fast"),
    }
}

/// sin(pi x) / (pi x) by the distance to the nearest integer, which is exact.
fn sinc(x: f64) -> f64 {
    let (whole, pi) = (x.round(), std::f64::consts::PI);
    let sine = (pi * (x - whole)).sin();
    if x == 0.0 { 1.0 } else { (if whole % 2.0 == 0.0 { sine } else { -sine }) / (pi * x) + 0.0 }
}

/// The functions that are bounded, not exact, without the fast ones of them.
fn bounded() -> impl Iterator<Item = Function1> {
    Function1::ALL.iter().copied().filter(|f| !matches!(f, Signbit | Spacing) && !format!("{f:?}").starts_with("Fast"))
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
