//! Exponentials and the natural logarithm.

use super::Emit;
use super::arith::{Num, Scope};
use super::pair::Pair;
use crate::dtype::DType;

/// What the exponential of one type needs.
pub(super) struct ExpTable {
    log2_e: f64,
    /// ln 2 rounded to the type, and what it leaves.
    pub(super) ln2: [f64; 2],
    /// Arguments beyond give 0 and infinity as these do.
    pub(super) range: [f64; 2],
    /// Magnitude from which tanh rounds to 1.
    pub(super) tanh_is_one: f64,
    /// (e^r - 1 - r) / r^2 on |r| <= ln 2 / 2.
    series: &'static [f64],
}

/// Minimax coefficients for the error of e^r - 1 relative to r: 2^-55.6. Lawson's iteration in 40-digit arithmetic, each
/// coefficient rounded in turn and the rest fitted again.
pub(super) const EXP_F64: ExpTable = ExpTable {
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

/// An argument x = n ln 2 + r of the exponential, with |r| <= ln 2 / 2.
pub(super) struct Reduced<'s, 'e, E: Emit> {
    /// r but for its last digits.
    pub(super) lead: Num<'s, 'e, E>,
    /// r - `lead`.
    pub(super) tail: Num<'s, 'e, E>,
    pub(super) n: Num<'s, 'e, E>,
    /// A number that holds n + `offset` in its low bits.
    pub(super) shifted: Num<'s, 'e, E>,
}

/// Reduces x + `tail`.
///
/// The first half of ln 2 has all digits of the type: x - n ln2[0] is a multiple of its last place below 1/2, so the fused
/// operation leaves it exact. The second half is added to the small terms only, which spares r a rounding.
pub(super) fn reduce<'s, 'e, E: Emit>(
    s: &'s Scope<'e, E>,
    x: Num<'s, 'e, E>,
    tail: Option<Num<'s, 'e, E>>,
    offset: i64,
) -> Reduced<'s, 'e, E> {
    let t = ExpTable::of(s.float);
    let round = s.float(s.round + offset as f64);
    let shifted = x.fma(s.float(t.log2_e), round);
    let n = shifted - round;
    let lead = n.fma(s.float(-t.ln2[0]), x);
    let low = s.float(-t.ln2[1]);
    let tail = tail.map_or_else(|| n * low, |tail| n.fma(low, tail));
    Reduced { lead, tail, n, shifted }
}

/// x as n ln 2 + r, with r one number.
pub(super) struct Rounded<'s, 'e, E: Emit> {
    pub(super) r: Num<'s, 'e, E>,
    n: Num<'s, 'e, E>,
    shifted: Num<'s, 'e, E>,
}

/// As [`reduce`], with the rest rounded to one number.
pub(super) fn reduce_rounded<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, offset: i64) -> Rounded<'s, 'e, E> {
    let t = ExpTable::of(s.float);
    let round = s.float(s.round + offset as f64);
    let shifted = x.fma(s.float(t.log2_e), round);
    let n = shifted - round;
    let [ln2, ln2_low] = t.ln2.map(|c| s.float(-c));
    Rounded { r: n.fma(ln2_low, n.fma(ln2, x)), n, shifted }
}

impl<'s, 'e, E: Emit> Rounded<'s, 'e, E> {
    /// 2^n times what the offset less the bias makes of it, where that is a normal number.
    pub(super) fn power(&self, s: &'s Scope<'e, E>) -> Num<'s, 'e, E> {
        self.shifted.bits().shl(s.digits).to_float()
    }

    /// y 2^n, with an offset of twice the bias.
    pub(super) fn scale(&self, s: &'s Scope<'e, E>, y: Num<'s, 'e, E>) -> Num<'s, 'e, E> {
        scale(s, self.n, self.shifted, y)
    }
}

/// e^r - 1 for |r| <= ln 2 / 2.
pub(super) fn expm1_of_rest<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, r: Num<'s, 'e, E>) -> Num<'s, 'e, E> {
    let r2 = r * r;
    r2.fma(s.poly(r, r2, ExpTable::of(s.float).series), r)
}

/// Reduces x ln 2 for |x| <= 2^11 in `f64`: n is the nearest integer, and the rest is a pair.
pub(super) fn reduce_base_2<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, offset: i64) -> Reduced<'s, 'e, E> {
    let round = s.float(s.round + offset as f64);
    let shifted = x + round;
    let n = shifted - round;
    let (rest, [ln2, ln2_low]) = (x - n, EXP_F64.ln2);
    let r = Pair::product(rest, s.float(ln2));
    Reduced { lead: r.high, tail: rest.fma(s.float(ln2_low), r.low), n, shifted }
}

impl<'s, 'e, E: Emit> Reduced<'s, 'e, E> {
    /// e^r - 1 - `lead`, off by no more than a few roundings of a number below 1/16.
    pub(super) fn rest(&self, s: &'s Scope<'e, E>) -> Num<'s, 'e, E> {
        let r = self.lead + self.tail;
        let r2 = r * r;
        r2.fma(s.poly(r, r2, ExpTable::of(s.float).series), self.tail)
    }

    /// y 2^n, with an `offset` of twice the bias.
    pub(super) fn scale(&self, s: &'s Scope<'e, E>, y: Num<'s, 'e, E>) -> Num<'s, 'e, E> {
        scale(s, self.n, self.shifted, y)
    }
}

/// y 2^n, given a number with n and twice the bias in its low bits. The scaling is done in one exact step and one that rounds, as n may
/// reach twice as far as an exponent.
fn scale<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, n: Num<'s, 'e, E>, shifted: Num<'s, 'e, E>, y: Num<'s, 'e, E>) -> Num<'s, 'e, E> {
    let half = n.fma(s.float(0.5), s.float(s.round + s.bias as f64));
    let (low, high) = (half.bits().shl(s.digits), (shifted.bits() - half.bits()).shl(s.digits));
    y * low.to_float() * high.to_float()
}

/// x moved to where `exp_in_range` is defined, without a change of the rounded result.
pub(super) fn clamp_exp<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>) -> Num<'s, 'e, E> {
    let [least, most] = ExpTable::of(s.float).range;
    x.clamp(least, most)
}

/// e^(x + tail) for x from `clamp_exp`.
pub(super) fn exp_in_range<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, tail: Option<Num<'s, 'e, E>>) -> Num<'s, 'e, E> {
    let reduced = reduce(s, x, tail, 2 * s.bias);
    reduced.scale(s, reduced.lead + reduced.rest(s) + s.float(1.0))
}

/// e to the power x.
///
/// Reduction to |r| <= ln 2 / 2 by multiples of ln 2, a polynomial of degree 11 (`f32`: 6) and a scaling by 2^n. Largest
/// error measured: 0.91 ulp for `f32` (every third bit pattern), 0.89 ulp for `f64` (millions of points against 113-bit
/// results), subnormal results included.
pub(super) fn exp<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    exp_in_range(s, clamp_exp(s, s.value(x)), None).value
}

/// (2^r - 1) / r in powers of r for |r| <= 1/2. Remez's exchange in 300-bit arithmetic, each coefficient rounded to `f32` in turn and the rest
/// fitted again; relative error 2^-26.3.
const EXP2_F32: [f64; 6] =
    [0.6931471824645996, 0.24022594094276428, 0.055503662675619125, 0.009625446051359177, 0.0013387929648160934, 0.00013331990339793265];

/// 2 to the power x.
///
/// As [`exp`], but that the nearest integer is subtracted exactly. Integral powers are exact.
pub(super) fn exp2<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let x = s.value(x);
    if s.float == DType::F32 {
        let (x, round) = (x.clamp(-151.0, 129.0), s.float(s.round + 2.0 * s.bias as f64));
        let shifted = x + round;
        let n = shifted - round;
        let r = x - n;
        return scale(s, n, shifted, r.fma(s.poly_led(r, r * r, &EXP2_F32), s.float(1.0))).value;
    }
    let reduced = reduce_base_2(s, x.clamp(-1080.0, 1025.0), 2 * s.bias);
    reduced.scale(s, reduced.lead + reduced.rest(s) + s.float(1.0)).value
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
    let m = ((u & s.int((1 << s.digits) - 1)) + s.int(low)).to_float();
    let integer = s.int((s.bias + s.digits as i64) << s.digits);
    ((u.shr(s.digits) | integer).to_float(), m)
}

/// (ln((1 + q) / (1 - q)) - 2 q) / q^3 in powers of q^2, for |q| <= 3 - 2 sqrt 2. Remez's exchange in 60-digit arithmetic;
/// relative error 2^-59.5.
pub(super) const LOG_F64: [f64; 7] = [
    0.6666666666666735,
    0.39999999999409347,
    0.2857142874368866,
    0.22222198428734216,
    0.18183572364115635,
    0.15313832147674236,
    0.1479825560307923,
];
/// (ln(1 + f) - f + f^2 / 2) / f^3 in powers of f, for |f| <= 1/3. Lawson's iteration, rounded to `f32`; relative error 2^-27.6.
const LOG_F32: [f64; 8] = [0.33333224, -0.24999689, 0.20010033, -0.16685474, 0.14011076, -0.1211502, 0.13961747, -0.13192087];
/// The bits of the least significand that is left as it is: the square root of 1/2, and 2/3.
pub(super) const SQRT_HALF_F64: i64 = 0x3fe6a09e667f3bcd;
const TWO_THIRDS_F32: i64 = 0x3f2aaaab;

/// Natural logarithm.
///
/// x = 2^k (1 + f) with 1 + f around 1. In `f32` a polynomial of degree 10 in f. In `f64` that would take 22 terms, more
/// than the one division of q = f / (2 + f), in which ln(1 + f) = 2 artanh q needs 7; they are combined as f - f^2 / 2 + ...,
/// which leaves the exact f in the lead (fdlibm's `e_log.c` has the idea). Largest error measured: 0.86 ulp for `f32` (every
/// third bit pattern), 0.82 ulp for `f64`.
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
    where_positive(s, x, y).value
}

/// A logarithm for positive finite x, else what every logarithm gives: -infinity at 0, NaN below, infinity and NaN as they are.
pub(super) fn where_positive<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, y: Num<'s, 'e, E>) -> Num<'s, 'e, E> {
    let (zero, inf) = (s.float(0.0), s.float(f64::INFINITY));
    let at_most_zero = x.eq(zero).select(s.float(f64::NEG_INFINITY), s.float(f64::NAN));
    x.gt(zero).select(x.lt(inf).select(y, x), at_most_zero)
}
