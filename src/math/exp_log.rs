//! Exponential, logarithm, hyperbolic tangent.

use super::Emit;
use super::arith::{Num, Scope};
use crate::dtype::DType;

/// What the exponential of one type needs.
pub(super) struct ExpTable {
    log2_e: f64,
    /// ln 2 rounded to the type, and what it leaves.
    ln2: [f64; 2],
    /// Arguments beyond give 0 and infinity as these do.
    range: [f64; 2],
    /// Magnitude from which tanh rounds to 1.
    tanh_is_one: f64,
    /// (e^r - 1 - r) / r^2 on |r| <= ln 2 / 2.
    series: &'static [f64],
}

/// Minimax coefficients for the error of e^r - 1 relative to r: 2^-55.6. Lawson's iteration in 40-digit arithmetic, each
/// coefficient rounded in turn and the rest fitted again.
const EXP_F64: ExpTable = ExpTable {
    log2_e: std::f64::consts::LOG2_E,
    ln2: [std::f64::consts::LN_2, 2.3190468138462996e-17],
    range: [-746.0, 710.0],
    tanh_is_one: 22.0,
    series: &[
        0.5000000000000006,
        0.16666666666666685,
        0.04166666666657334,
        0.008333333333315112,
        0.0013888888932517085,
        0.0001984126990192887,
        2.480150424266506e-05,
        2.755722891592843e-06,
        2.762641847033056e-07,
        2.5114175408937186e-08,
    ],
};

/// As for `EXP_F64`, rounded to `f32`: 2^-26.1.
const EXP_F32: ExpTable = ExpTable {
    log2_e: std::f64::consts::LOG2_E,
    ln2: [std::f32::consts::LN_2 as f64, -1.904654299957768e-9],
    range: [-104.0, 89.0],
    tanh_is_one: 10.0,
    series: &[0.5, 0.16666543, 0.041666433, 0.008366556, 0.0013937921],
};

impl ExpTable {
    pub(super) fn of(float: DType) -> &'static ExpTable {
        if float == DType::F32 { &EXP_F32 } else { &EXP_F64 }
    }
}

/// x + `tail` = n ln 2 + r with |r| <= ln 2 / 2. Returns r, n, and a number that holds n + `offset` in its low bits.
///
/// Both halves of ln 2 have all digits: x - n ln2[0] is a multiple of the last place of ln2[0] below 1/2, so the fused
/// operation leaves it exact and r is rounded once.
fn reduce<'s, 'e, E: Emit>(
    s: &'s Scope<'e, E>,
    x: Num<'s, 'e, E>,
    tail: Option<Num<'s, 'e, E>>,
    offset: i64,
) -> (Num<'s, 'e, E>, Num<'s, 'e, E>, Num<'s, 'e, E>) {
    let t = ExpTable::of(s.float);
    let round = s.float(s.round + offset as f64);
    let shifted = x.fma(s.float(t.log2_e), round);
    let n = shifted - round;
    let r = n.fma(s.float(-t.ln2[0]), x);
    let low = s.float(-t.ln2[1]);
    (tail.map_or_else(|| n.fma(low, r), |tail| r + n.fma(low, tail)), n, shifted)
}

/// x moved to where `exp_in_range` is defined, without a change of the rounded result.
pub(super) fn clamp_exp<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>) -> Num<'s, 'e, E> {
    let [least, most] = ExpTable::of(s.float).range;
    x.clamp(least, most)
}

/// e^(x + tail) for x from `clamp_exp`. The scaling by 2^n is done in one exact step and one that rounds, as n may reach
/// twice as far as an exponent.
pub(super) fn exp_in_range<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, tail: Option<Num<'s, 'e, E>>) -> Num<'s, 'e, E> {
    let (r, n, shifted) = reduce(s, x, tail, 2 * s.bias);
    let r2 = r * r;
    let y = r2.fma(s.poly(r, r2, ExpTable::of(s.float).series), r) + s.float(1.0);
    let half = n.fma(s.float(0.5), s.float(s.round + s.bias as f64));
    let (low, high) = (half.bits().shl(s.digits), (shifted.bits() - half.bits()).shl(s.digits));
    y * low.from_bits() * high.from_bits()
}

pub(super) fn exp<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    exp_in_range(s, clamp_exp(s, s.value(x)), None).value
}

/// x = m 2^k for positive finite x, with m in [low, 2 low), `low` given by its bits. Returns k and m.
pub(super) fn decompose<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, low: i64) -> (Num<'s, 'e, E>, Num<'s, 'e, E>) {
    let up = s.digits as i32 + 2;
    let subnormal = x.lt(s.float(2f64.powi(1 - s.bias as i32)));
    let (k, m) = decompose_biased(s, subnormal.select(x * s.float(2f64.powi(up)), x), low);
    let bias = 2f64.powi(s.digits as i32) + s.bias as f64;
    (k - subnormal.select(s.float(bias + up as f64), s.float(bias)), m)
}

/// As `decompose`, for x that is not subnormal.
pub(super) fn decompose_normal<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, low: i64) -> (Num<'s, 'e, E>, Num<'s, 'e, E>) {
    let (k, m) = decompose_biased(s, x, low);
    (k - s.float(2f64.powi(s.digits as i32) + s.bias as f64), m)
}

/// Here k comes with the exponent bias and 2^digits added: that number has k in its low bits.
fn decompose_biased<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, low: i64) -> (Num<'s, 'e, E>, Num<'s, 'e, E>) {
    let u = x.bits() + s.int(s.one_bits() - low);
    let m = ((u & s.int((1 << s.digits) - 1)) + s.int(low)).from_bits();
    let integer = s.int((s.bias + s.digits as i64) << s.digits);
    ((u.shr(s.digits) | integer).from_bits(), m)
}

const LOG_F64: [f64; 7] = [
    0.6666666666666735,
    0.39999999999409347,
    0.2857142874368866,
    0.22222198428734216,
    0.18183572364115635,
    0.15313832147674236,
    0.1479825560307923,
];
const LOG_F32: [f64; 8] = [0.33333224, -0.24999689, 0.20010033, -0.16685474, 0.14011076, -0.1211502, 0.13961747, -0.13192087];
pub(super) const SQRT_HALF_F64: i64 = 0x3fe6a09e667f3bcd;
pub(super) const TWO_THIRDS_F32: i64 = 0x3f2aaaab;

pub(super) fn log<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let x = s.value(x);
    let [ln2, ln2_low] = ExpTable::of(s.float).ln2.map(|c| s.float(c));
    let single = s.float == DType::F32;
    let (k, m) = decompose(s, x, if single { TWO_THIRDS_F32 } else { SQRT_HALF_F64 });
    let f = m - s.float(1.0);
    let y = if single {
        let f2 = f * f;
        let tail = (f * f2).fma(s.poly(f, f2, &LOG_F32), k * ln2_low);
        k.fma(ln2, f + f2.fma(s.float(-0.5), tail))
    } else {
        let q = f / (f + s.float(2.0));
        let z = q * q;
        let half = f * s.float(0.5) * f;
        let sum = z.fma(s.poly(z, z * z, &LOG_F64), half);
        let tail = q.fma(sum, k * ln2_low);
        k.fma(ln2, f - (half - tail))
    };
    let (zero, inf) = (s.float(0.0), s.float(f64::INFINITY));
    let at_most_zero = x.eq(zero).select(s.float(f64::NEG_INFINITY), s.float(f64::NAN));
    x.gt(zero).select(x.lt(inf).select(y, x), at_most_zero).value
}

pub(super) fn tanh<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let t = ExpTable::of(s.float);
    let x = s.value(x);
    let one = s.float(1.0);
    // a + tail = e^(-2 |x|) - 1, in (-1, 0].
    let negative = (x.bits() | s.int(s.sign)).from_bits();
    let limit = s.float(-t.tanh_is_one);
    let negative = negative.lt(limit).select(limit, negative);
    let (r, _, shifted) = reduce(s, negative + negative, None, s.bias);
    let r2 = r * r;
    let square = r2 * s.poly(r, r2, t.series);
    let h = r + square;
    let h_tail = square - (h - r);
    let scale = shifted.bits().shl(s.digits).from_bits();
    let less = scale - one;
    let a = scale.fma(h, less);
    let tail = scale.fma(h_tail, scale.fma(h, less - a));
    let d = a + s.float(2.0);
    let d_tail = a - (d - s.float(2.0)) + tail;
    let inverse = s.float(-1.0) / d;
    let q = a * inverse;
    let rest = q.fma(d, a) + q.fma(d_tail, tail);
    let y = rest.fma(inverse, q);
    ((y.bits() & s.int(s.magnitude)) | x.sign_bits()).from_bits().value
}
