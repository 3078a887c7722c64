//! Elementary functions of `f32`, compiled, over the bit patterns of all `f32`, against functions of `f64` from elsewhere.
//!
//! Every pattern of every function takes about half an hour:
//! `cargo test --release --test accuracy -- --ignored --nocapture`. `ELIDE_ACCURACY_STEP=7` takes every seventh, and
//! `ELIDE_ACCURACY_OF=sin,cos` some functions. `docs/semantics.md` has what came out. Points of `f64` are in
//! `src/math/tests.rs`.

use elide::lazy;

/// The name, how it is written, and the reference.
struct Function {
    name: &'static str,
    eval: fn(&[f32]) -> Vec<f32>,
    exact: fn(f64) -> f64,
}

macro_rules! functions {
    ($($name:ident $exact:expr;)*) => {
        &[$(Function {
            name: stringify!($name),
            eval: |x| lazy(x).$name().eval().expect("an expression without mistakes"),
            exact: $exact,
        }),*]
    };
}

const FUNCTIONS: &[Function] = functions! {
    exp f64::exp;
    exp2 f64::exp2;
    expm1 f64::exp_m1;
    log f64::ln;
    log2 f64::log2;
    log10 f64::log10;
    log1p f64::ln_1p;
    sin f64::sin;
    cos f64::cos;
    tan f64::tan;
    asin f64::asin;
    acos f64::acos;
    atan f64::atan;
    sinh f64::sinh;
    cosh f64::cosh;
    tanh f64::tanh;
    asinh libm::asinh;
    // Below 1 `libm` has numbers where there are none.
    acosh |x| if x < 1.0 { f64::NAN } else { libm::acosh(x) };
    atanh libm::atanh;
    cbrt f64::cbrt;
    erf libm::erf;
    erfc libm::erfc;
};

/// Error of `got` in units in the last place of `want`, which is exact for the purpose.
fn ulps(got: f32, want: f64) -> f64 {
    let nearest = want as f32;
    if want.is_nan() || got.is_nan() || nearest.is_infinite() || got.is_infinite() {
        return if (want.is_nan() && got.is_nan()) || nearest == got { 0.0 } else { f64::INFINITY };
    }
    if got == 0.0 && nearest == 0.0 && got.is_sign_negative() != want.is_sign_negative() {
        return f64::INFINITY;
    }
    let exponent = ((want.to_bits() >> 52 & 0x7ff) as i32 - 1023).max(-126);
    (got as f64 - want).abs() * 2f64.powi(23 - exponent)
}

/// The largest error over every `step`-th bit pattern, and where it is.
fn worst(f: &Function, step: usize) -> (f64, f32) {
    const CHUNK: usize = 1 << 14;
    let mut worst = (0.0, 0.0);
    let mut patterns = (0..=u32::MAX).step_by(step).map(f32::from_bits);
    loop {
        let x: Vec<f32> = patterns.by_ref().take(CHUNK).collect();
        if x.is_empty() {
            return worst;
        }
        for (&x, got) in x.iter().zip((f.eval)(&x)) {
            let error = ulps(got, (f.exact)(x as f64));
            if error > worst.0 {
                worst = (error, x);
            }
        }
    }
}

fn check(step: usize, only: Option<&str>) {
    let mut beyond = Vec::new();
    for f in FUNCTIONS.iter().filter(|f| only.is_none_or(|list| list.split(',').any(|name| name == f.name))) {
        let (error, x) = worst(f, step);
        eprintln!("{:6} {error:.4} ulp at {x:?} ({:#010x})", f.name, x.to_bits());
        if error > 1.0 {
            beyond.push(f.name);
        }
    }
    assert!(beyond.is_empty(), "more than 1 ulp: {beyond:?}");
}

#[test]
fn a_sample_is_within_one_ulp() {
    check(40_961, None);
}

#[test]
#[ignore = "takes half an hour"]
fn every_f32_is_within_one_ulp() {
    let step = std::env::var("ELIDE_ACCURACY_STEP").map_or(1, |s| s.parse().expect("a number of bit patterns"));
    check(step, std::env::var("ELIDE_ACCURACY_OF").ok().as_deref());
}
