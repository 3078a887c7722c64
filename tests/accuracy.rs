//! Elementary functions of `f32`, compiled, over the bit patterns of all `f32`, against functions of `f64` from elsewhere.
//!
//! Every pattern of every function takes about an hour on two processors:
//! `cargo test --release --test accuracy -- --ignored --nocapture`. `ELIDE_ACCURACY_STEP=7` takes every seventh, and
//! `ELIDE_ACCURACY_OF=sin,cos` some functions. `docs/accuracy.md` has what came out. Points of `f64` are in
//! `src/math/tests.rs`.

use std::sync::atomic::{AtomicUsize, Ordering};

use elide::{Accuracy, DType, Expr, Kernel, UnaryOp};

/// The name, the largest error allowed in units in the last place, how it is written, and the reference.
struct Function {
    name: &'static str,
    bound: f64,
    of: fn(&Expr<'static, f32>) -> Expr<'static, f32>,
    exact: fn(f64) -> f64,
}

macro_rules! functions {
    ($($bound:literal: { $($name:ident $exact:expr;)* })*) => {
        &[$($(Function {
            name: stringify!($name),
            bound: $bound,
            of: |x| x.$name(),
            exact: $exact,
        },)*)*]
    };
}

const FUNCTIONS: &[Function] = functions! {
    1.0: {
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
        logistic |x| 1.0 / (1.0 + (-x).exp());
        sinc sinc;
        asinh libm::asinh;
        // Below 1 `libm` has numbers where there are none.
        acosh |x| if x < 1.0 { f64::NAN } else { libm::acosh(x) };
        atanh libm::atanh;
        cbrt f64::cbrt;
        erf libm::erf;
        erfc libm::erfc;
        gamma libm::tgamma;
        lgamma libm::lgamma;
    }
    // Rounded once. (The nearest `f64` to an exact result can be a tie of two `f32`, by which half a unit is exceeded no further than that.)
    0.5000001: {
        sqrt f64::sqrt;
        reciprocal f64::recip;
    }
    // A product with a constant that is itself rounded.
    1.5: {
        to_degrees f64::to_degrees;
        to_radians f64::to_radians;
    }
};

/// sin(pi x) / (pi x) by the distance to the nearest integer, which is exact.
fn sinc(x: f64) -> f64 {
    let (whole, pi) = (x.round(), std::f64::consts::PI);
    let sine = (pi * (x - whole)).sin();
    if x == 0.0 { 1.0 } else { (if whole % 2.0 == 0.0 { sine } else { -sine }) / (pi * x) + 0.0 }
}

/// Error of `got` in units in the last place of `want`, which is exact for the purpose.
fn ulps(got: f32, want: f64) -> f64 {
    let nearest = want as f32;
    if want.is_nan() || got.is_nan() || nearest.is_infinite() || got.is_infinite() {
        return if (want.is_nan() && got.is_nan()) || nearest == got { 0.0 } else { f64::INFINITY };
    }
    if got == 0.0 && nearest == 0.0 && got.is_sign_negative() != want.is_sign_negative() {
        return f64::INFINITY;
    }
    let exponent = ((want.to_bits() >> 52 & 0x7ff) as i64 - 1023).max(-126);
    let units = f64::from_bits(((1023 + 23 - exponent) as u64) << 52);
    (got as f64 - want).abs() * units
}

/// What is allowed of fast functions.
const FAST_BOUND: f64 = 4.0;

/// Whether there is a fast function of `f32`.
fn is_fast(f: &Function) -> bool {
    UnaryOp::ALL.iter().any(|op| op.name() == f.name && op.fast(DType::F32).is_some())
}

/// The largest error over every `step`-th bit pattern, and where it is: the first such pattern. On all processors.
fn worst(f: &Function, accuracy: Accuracy, step: usize) -> (f64, f32) {
    const CHUNK: usize = 1 << 14;
    let mut b = Kernel::builder(f.name);
    let [n] = b.dims(["n"]);
    let x = &b.input::<f32>("x", [n]);
    b.output("y", (f.of)(x)).accuracy(accuracy);
    let kernel = b.build().expect("an expression without mistakes");
    let patterns = u32::MAX as usize / step + 1;
    let (next, threads) = (AtomicUsize::new(0), std::thread::available_parallelism().map_or(1, |n| n.get()));
    let search = || {
        let mut call = kernel.call();
        let mut y = vec![0.0f32; CHUNK];
        let mut worst = (0.0, 0);
        loop {
            let first = next.fetch_add(CHUNK, Ordering::Relaxed);
            let x: Vec<f32> = (first..patterns.min(first + CHUNK)).map(|k| f32::from_bits((k * step) as u32)).collect();
            if x.is_empty() {
                return worst;
            }
            let y = &mut y[..x.len()];
            call.bind("x", &x).and_then(|call| call.bind_mut("y", &mut *y)?.run()).expect("arrays that fit");
            for ((k, &x), &got) in x.iter().enumerate().zip(&*y) {
                let want = (f.exact)(x as f64);
                // Nearly all are rounded correctly, and off by half a unit at most.
                if worst.0 > 0.5 && got.to_bits() == (want as f32).to_bits() {
                    continue;
                }
                // Around the zeros of lgamma below 0 terms cancel: the error is that of numbers near 1.
                let cancelled = if f.name == "lgamma" && x < 0.0 { want.abs().min(1.0) } else { 1.0 };
                let error = ulps(got, want) * cancelled;
                if error > worst.0 {
                    worst = (error, first + k);
                }
            }
        }
    };
    let all = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(search)).collect();
        let own = search();
        others.into_iter().map(|t| t.join().expect("no panic")).chain([own]).collect::<Vec<(f64, usize)>>()
    });
    let (error, at) = all.into_iter().max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))).expect("one thread at least");
    (error, f32::from_bits((at * step) as u32))
}

fn check(step: usize, only: Option<&str>) {
    let mut beyond = Vec::new();
    for f in FUNCTIONS.iter().filter(|f| only.is_none_or(|list| list.split(',').any(|name| name == f.name))) {
        for (accuracy, bound) in [(Accuracy::Accurate, f.bound), (Accuracy::Fast, FAST_BOUND)] {
            if accuracy == Accuracy::Fast && !is_fast(f) {
                continue;
            }
            let (error, x) = worst(f, accuracy, step);
            eprintln!("{:10} {:8} {error:.4} ulp at {x:?} ({:#010x})", f.name, accuracy.name(), x.to_bits());
            if error > bound {
                beyond.push((f.name, accuracy));
            }
        }
    }
    assert!(beyond.is_empty(), "less accurate than they should be: {beyond:?}");
}

#[test]
fn a_sample_is_within_its_bound() {
    check(40_961, None);
}

#[test]
#[ignore = "takes an hour"]
fn every_f32_is_within_its_bound() {
    let step = std::env::var("ELIDE_ACCURACY_STEP").map_or(1, |s| s.parse().expect("a number of bit patterns"));
    check(step, std::env::var("ELIDE_ACCURACY_OF").ok().as_deref());
}
