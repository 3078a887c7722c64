//! Points of `f32`, against the standard library in `f64`.

use super::*;

#[test]
fn f32_on_a_sample_of_all_bits() {
    for exact in bounded() {
        for (f, bound) in variants_1(exact) {
            let mut worst = Worst::new(f, "f32", bound);
            for bits in (0..=u32::MAX).step_by(93_179) {
                let x = f32::from_bits(bits);
                worst.see(ulps_single(single_1(f, x), std_1(exact, x as f64)), x);
            }
            worst.judge();
        }
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
    for (f, bound, exact) in functions.into_iter().flat_map(|(f, exact)| variants_2(f).map(move |(f, bound)| (f, bound, exact))) {
        let mut worst = Worst::new(f, "f32", bound);
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

/// The numbers next to zeros of lgamma. Below 0 its terms cancel there, and the error is that of numbers near 1.
#[test]
fn single_lgamma_next_to_its_zeros() {
    let mut worst = Worst::new(Lgamma, "f32 next to zeros", BOUND);
    for zero in [1.0f32, 2.0, -2.457_024_7, -2.747_682_6, -3.143_581, -3.955_294_2, -4.039_361_5] {
        for k in -3000..3000i32 {
            let x = f32::from_bits(zero.to_bits().wrapping_add_signed(k));
            let want = libm::lgamma(x as f64);
            worst.see(ulps_single(single_1(Lgamma, x), want) * if x < 0.0 { want.abs() } else { 1.0 }, x);
        }
    }
    worst.judge();
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
