//! Sine, cosine and tangent of angles that vector code leaves to a function: correct, by every backend, at any place in a vector,
//! and with every other value in registers as it was.

use elide::testing::Rng;
use elide::{Backend, Element, Expr, Kernel, KernelBuilder, Threads};

/// Correctly rounded results: of MPFR, at 400 bits.
const EXACT: &[(f64, f64, f64)] = &[
    // The double nearest to a multiple of pi / 2 in terms of itself (Kahan, Muller).
    (5.319372648326541e255, 1.0, -4.687165924254628e-19),
    (f64::MAX, 0.004961954789184062, -0.9999876894265599),
    (8.98846567431158e307, 0.563127779850884, -0.826369834614148),
    (35184372088832.0, 0.7184912917209151, 0.6955359542979865),
    (1e22, -0.8522008497671888, 0.523214785395139),
];

fn kernel<T: Element>(backend: Backend, declare: fn(&mut KernelBuilder, &Expr<'static, T>, &Expr<'static, T>)) -> Kernel {
    let mut b = Kernel::builder("angles");
    let [n] = b.dims(["n"]);
    let (x, y) = (b.input::<T>("x", [&n]), b.input::<T>("y", [&n]));
    declare(&mut b, &x, &y);
    b.backend(backend).threads(Threads::One);
    b.build().unwrap()
}

fn run<T: Element>(kernel: &Kernel, x: &[T], y: &[T]) -> Vec<T> {
    let mut z = x.to_vec();
    let mut call = kernel.call();
    call.bind("x", x).unwrap().bind("y", y).unwrap().bind_mut("z", &mut z).unwrap().run().unwrap();
    z
}

fn sine(b: &mut KernelBuilder, x: &Expr<'static, f64>, _: &Expr<'static, f64>) {
    b.output("z", x.sin());
}

fn cosine(b: &mut KernelBuilder, x: &Expr<'static, f64>, _: &Expr<'static, f64>) {
    b.output("z", x.cos());
}

/// Values that live across the calls, more of them than there are registers, masks among them.
fn crowded(b: &mut KernelBuilder, x: &Expr<'static, f64>, y: &Expr<'static, f64>) {
    let below = x.lt(y);
    let powers: Vec<_> = (0..40).map(|k| y * (k as f64 + 0.5) + x * 1e-300).collect();
    // Operands are computed from the left: all of them before the calls, after which all are used again.
    let masks: Vec<_> = powers.iter().take(6).map(|p| p.lt(x)).collect();
    let before = masks.iter().zip(&powers).fold(x.clone(), |sum, (m, p)| sum + m.select(p, y));
    let before = powers.iter().fold(before, |sum, p| sum + p);
    let mut sum = before + x.sin() * y.cos() + x.tan();
    for (m, p) in masks.iter().zip(&powers) {
        sum = m.select(&sum, &sum * 0.5 + p);
    }
    for p in &powers {
        sum = sum + p * y;
    }
    for p in powers.iter().rev() {
        sum = sum - p;
    }
    b.output("z", below.select(&sum, x.cos() - &sum));
}

fn crowded_single(b: &mut KernelBuilder, x: &Expr<'static, f32>, y: &Expr<'static, f32>) {
    let below = x.lt(y);
    b.output("z", below.select(x.sin() + y.exp(), x.cos() * y) + (x * y).tan());
}

fn check<T: Element + PartialEq>(
    declare: fn(&mut KernelBuilder, &Expr<'static, T>, &Expr<'static, T>),
    number: fn(f64) -> T,
    bits: fn(T) -> u64,
    most: usize,
) {
    let mut rng = Rng::new(3);
    let kernels: Vec<Kernel> = Backend::available().into_iter().map(|backend| kernel(backend, declare)).collect();
    for n in (0..70).chain([255, 1000]) {
        for every in [1, 3, 40] {
            let mut angle = || {
                let exponent = if rng.below(every) == 0 { rng.below(most) as i32 } else { rng.below(30) as i32 - 20 };
                number((rng.below(1 << 53) as f64 / (1u64 << 52) as f64 - 1.0) * 2f64.powi(exponent))
            };
            let x: Vec<T> = (0..n).map(|_| angle()).collect();
            let y: Vec<T> = (0..n).map(|_| angle()).collect();
            // Alone, an element is no vector's.
            let alone: Vec<u64> = (0..n).map(|k| bits(run(&kernels[0], &x[k..k + 1], &y[k..k + 1])[0])).collect();
            for (kernel, backend) in kernels.iter().zip(Backend::available()) {
                let got: Vec<u64> = run(kernel, &x, &y).into_iter().map(bits).collect();
                assert!(got == alone, "{n} elements, {backend:?}");
            }
        }
    }
}

fn bits(x: f64) -> u64 {
    if x.is_nan() { u64::MAX } else { x.to_bits() }
}

#[test]
fn known_angles() {
    for backend in Backend::available() {
        let (sine, cosine) = (kernel(backend, sine), kernel(backend, cosine));
        for sign in [1.0, -1.0] {
            let x: Vec<f64> = EXACT.iter().map(|e| sign * e.0).collect();
            for ((got_sin, got_cos), &(x, sin, cos)) in run(&sine, &x, &x).into_iter().zip(run(&cosine, &x, &x)).zip(EXACT) {
                let near = |got: f64, want: f64| (got.to_bits() as i64 - want.to_bits() as i64).abs() <= 1;
                assert!(near(got_sin, sign * sin) && near(got_cos, cos), "{backend:?}: {got_sin} and {got_cos} of {sign} {x}");
            }
        }
        let odd = [f64::INFINITY, f64::NAN, f64::NEG_INFINITY, -0.0, 1e300, -f64::MAX];
        let got = run(&sine, &odd, &odd);
        assert!(got[..3].iter().all(|x| x.is_nan()) && got[3].to_bits() == (-0.0f64).to_bits() && got[4].abs() <= 1.0);
    }
}

#[test]
fn any_place_in_a_vector() {
    check(sine, |x| x, bits, 1024);
}

#[test]
fn other_registers_stay() {
    check(crowded, |x| x, bits, 1000);
}

#[test]
fn other_registers_stay_for_f32() {
    check(crowded_single, |x| x as f32, |x| bits(x as f64), 100);
}

#[test]
fn sums_over_many() {
    let x: Vec<f64> = (0..5000).map(|k| if k % 7 == 0 { 1e15 * k as f64 } else { k as f64 }).collect();
    let sum = |b: &mut KernelBuilder, x: &Expr<'static, f64>, y: &Expr<'static, f64>| {
        b.output("z", (x.sin() * y + x.cos()).sum().broadcast([1]) + x * 0.0);
    };
    let results: Vec<Vec<u64>> =
        Backend::available().into_iter().map(|backend| run(&kernel(backend, sum), &x, &x).into_iter().map(bits).collect()).collect();
    assert!(results.iter().all(|r| *r == results[0]));
    // The defined order, by a sum of terms that are each computed alone.
    let term = |b: &mut KernelBuilder, x: &Expr<'static, f64>, y: &Expr<'static, f64>| {
        b.output("z", x.sin() * y + x.cos());
    };
    let term = kernel(Backend::Cranelift, term);
    let terms: Vec<f64> = x.iter().map(|&x| run(&term, &[x], &[x])[0]).collect();
    let want: f64 = elide::lazy(&terms).sum().eval().unwrap();
    assert_eq!(results[0][0], bits(want));
}
