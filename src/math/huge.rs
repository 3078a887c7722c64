//! Sine, cosine and tangent of angles so large that a multiple of pi / 2 near them takes more digits of pi than the expansions
//! have: by Payne and Hanek's method (1983), in integers, one angle at a time.

use super::arith::Scope;
use super::pair::Pair;
use super::trig;
use super::{Eval, Scalar};
use crate::dtype::{DType, Element};

/// 2 / pi, the binary point after the first word.
const TWO_OVER_PI: [u64; 23] = [
    0,
    0xa2f9836e4e441529,
    0xfc2757d1f534ddc0,
    0xdb6295993c439041,
    0xfe5163abdebbc561,
    0xb7246e3a424dd2e0,
    0x06492eea09d1921c,
    0xfe1deb1cb129a73e,
    0xe88235f52ebb4484,
    0xe99c7026b45f7e41,
    0x3991d639835339f4,
    0x9c845f8bbdf9283b,
    0x1ff897ffde05980f,
    0xef2f118b5a0a6d1f,
    0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b,
    0x3d0739f78a5292ea,
    0x6bfb5fb11f8d5d08,
    0x56033046fc7b6bab,
    0xf0cfbc209af4361d,
    0xa9e391615ee61b08,
    0x6599855f14a06840,
];

/// pi / 2, the binary point after the first bit.
const HALF_PI: u128 = 0xc90fdaa22168c234c4c6628b80dc1cd1;

/// An angle as a number of quarter turns, of which the last two bits are right, and a rest of at most half a quarter turn, as a
/// sum of two numbers.
struct Reduced {
    turns: u64,
    high: f64,
    low: f64,
}

/// Reduces a finite `x` of at least 2^0.
///
/// x is m 2^e for an m of 53 bits, and only the bits of 2 / pi from e - 1 on decide which part of a turn it is. Of these 256 are
/// taken. No double is nearer to a multiple of pi / 2 than about 2^-61, so that after a product with m more than 130 bits
/// of the rest are right.
fn reduced(x: f64) -> Reduced {
    debug_assert!(x.is_finite() && x >= 1.0);
    let bits = x.to_bits();
    let significand = bits & ((1 << 52) - 1) | 1 << 52;
    // The weight of the last bit of the significand in turns of four quarters, and where the bits of that weight begin.
    let exponent = (bits >> 52) as i64 - 1075 - 2;
    let first = (exponent + 64) as usize;
    let (word, shift) = (first / 64, first % 64);
    let window = |k: usize| {
        let high = TWO_OVER_PI[word + k] << shift;
        if shift == 0 { high } else { high | TWO_OVER_PI[word + k + 1] >> (64 - shift) }
    };
    // The fraction of a turn, highest word first; whole turns are dropped.
    let mut turn = [0u64; 4];
    let mut carry = 0u128;
    for k in (0..4).rev() {
        carry += u128::from(significand) * u128::from(window(k));
        turn[k] = carry as u64;
        carry >>= 64;
    }
    let mut turns = turn[0] >> 62;
    let [a, b, c, d] = turn;
    let mut rest = [(a << 2 | b >> 62), (b << 2 | c >> 62), (c << 2 | d >> 62), d << 2];
    let negative = rest[0] >> 63 == 1;
    if negative {
        // One quarter more and what is left to it. That the complement is one unit too small is far below what is kept.
        turns += 1;
        rest = rest.map(|w| !w);
    }
    let [a, b, c, _] = rest;
    // At most 61, as the rest is no less than 2^-61 times 2 / pi.
    let zeros = a.leading_zeros();
    let quarters = (u128::from(a) << 64 | u128::from(b)) << zeros | (u128::from(c) << zeros) >> 64;
    let angle = high_product(quarters, HALF_PI);
    let high = angle as f64;
    let low = angle.wrapping_sub(high as u128) as i128 as f64;
    let scale = 2f64.powi(-127 - zeros as i32) * if negative { -1.0 } else { 1.0 };
    Reduced { turns, high: high * scale, low: low * scale }
}

/// The upper half of a product, but for a few units.
fn high_product(x: u128, y: u128) -> u128 {
    let (x1, x0) = (x >> 64, x & u128::from(u64::MAX));
    let (y1, y0) = (y >> 64, y & u128::from(u64::MAX));
    x1 * y1 + ((x1 * y0) >> 64) + ((x0 * y1) >> 64)
}

/// A function of the sine and the cosine of a rest, in an expansion that runs on one element.
fn of_rest(r: &Reduced, f: impl for<'s, 'e> FnOnce(Pair<'s, 'e, Eval>, Pair<'s, 'e, Eval>) -> Pair<'s, 'e, Eval>) -> f64 {
    let mut eval = Eval;
    let s = &Scope::new(&mut eval, DType::F64);
    let [high, low] = [r.high, r.low].map(|x| s.value(Scalar::F64(x)));
    let (sin, cos) = trig::of_rest(s, Pair { high, low });
    let [sin, cos] = [sin, cos].map(|pair| Pair::ordered_sum(pair.high, pair.low));
    f64::from_scalar(f(sin, cos).rounded().value)
}

/// Sine of `x` and `quarters` quarter turns, for an `x` of 1 or more.
fn sin_of_sum(x: f64, quarters: u64) -> f64 {
    let r = reduced(x);
    let turns = r.turns + quarters;
    let y = of_rest(&r, |sin, cos| if turns & 1 == 0 { sin } else { cos });
    if turns & 2 == 0 { y } else { -y }
}

/// Sine; NaN of infinities, correct within 1 ulp for magnitudes of 1 and more.
pub(super) fn sin(x: f64) -> f64 {
    if !x.is_finite() { f64::NAN } else { sin_of_sum(x.abs(), 0) * x.signum() }
}

/// Cosine, as [`sin`].
pub(super) fn cos(x: f64) -> f64 {
    if !x.is_finite() { f64::NAN } else { sin_of_sum(x.abs(), 1) }
}

/// Tangent, as [`sin`].
pub(super) fn tan(x: f64) -> f64 {
    if !x.is_finite() {
        return f64::NAN;
    }
    let r = reduced(x.abs());
    let odd = r.turns & 1 == 1;
    let y = of_rest(&r, |sin, cos| if odd { cos.over(sin) } else { sin.over(cos) });
    if odd { -y * x.signum() } else { y * x.signum() }
}
