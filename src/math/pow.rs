//! Power.

use super::Emit;
use super::arith::{Num, Scope, in_double2};
use super::exp_log::{self, SQRT_HALF_F64};

/// (artanh t - t - t^3 / 3) / t^5 in powers of t^2, for |t| <= 3 - 2 sqrt 2. Remez's exchange in 60-digit arithmetic; error
/// relative to artanh t: 2^-68.9.
const ARTANH: [f64; 8] = [
    0.1999999999999999,
    0.14285714285721934,
    0.11111111108863149,
    0.09090909431561148,
    0.07692278060646915,
    0.06668199182687953,
    0.058360295011035235,
    0.0601075041272126,
];

pub(super) const TWO_THIRDS_F64: i64 = 0x3fe5555555555555;

/// ln 2 to 42 bits, so that its product with an exponent is exact, and what it leaves.
pub(super) const LN_2: [f64; 2] = [0.6931471805598903, 5.497923018708371e-14];

/// (ln(1 + f) - f) / f^2 in powers of f, for |f| <= 1/3. Lawson's iteration; relative error 2^-35.8.
pub(super) const LOG_SINGLE: [f64; 12] = [
    -0.4999999994740842,
    0.333333330370866,
    -0.2500001413498538,
    0.2000004359511367,
    -0.16665632323932472,
    0.1428351427468996,
    -0.12531788030819913,
    0.11162834113745708,
    -0.09534056886027424,
    0.08476322909725138,
    -0.11495372092657918,
    0.11190681302088792,
];
/// (2^r - 1) / r in powers of r, for |r| <= 1/2. Lawson's iteration; relative error 2^-29.
const EXP2_SINGLE: [f64; 6] =
    [0.6931472066425045, 0.2402265122804444, 0.05550327166103048, 0.00961801756635497, 0.0013400484394482464, 0.0001547262051215995];

/// ln x for positive finite x as an unevaluated sum of two numbers, good to about 2^-66: y ln x may be 745, and the error of
/// the power is that of the product.
///
/// As [`log`](exp_log::log) in `f64`, with the quotient, its cube and the sums carried in pairs; the terms from the fifth
/// power on are small enough not to need it.
pub(super) fn log_pair<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>) -> (Num<'s, 'e, E>, Num<'s, 'e, E>) {
    let (one, two, third) = (s.float(1.0), s.float(2.0), s.float(1.0 / 3.0));
    let (k, m) = exp_log::decompose(s, x, SQRT_HALF_F64);
    // t = (m - 1) / (m + 1), to twice the precision.
    let f = m - one;
    let g = m + one;
    let minus_g_tail = (g - one) - m;
    let inverse = one / g;
    let t = f * inverse;
    let minus_t = t.neg();
    let t_tail = t.fma(minus_g_tail, minus_t.fma(g, f)) * inverse;
    let z = t * t;
    let minus_z = t * minus_t;
    let z_tail = (t + t).fma(t_tail, t.fma(t, minus_z));
    // w = 1/3 + z Q(z), u = z w, v = t u; then artanh t = t + v.
    let zq = z * s.poly(z, z * z, &ARTANH);
    let w = third + zq;
    let w_tail = (zq - (w - third)) + s.float(1.850371707708594e-17);
    let minus_u = minus_z * w;
    let u_tail = z.fma(w_tail, z_tail.fma(w, z.fma(w, minus_u)));
    let v = minus_t * minus_u;
    let v_tail = minus_t.fma(minus_u, t * minus_u);
    let tail = t_tail.fma(one - minus_u, t.fma(u_tail, v_tail));
    let a = t + v;
    let a_tail = (v - (a - t)) + tail;
    let whole = k * s.float(LN_2[0]);
    let high = a.fma(two, whole);
    let low = a_tail.fma(two, k.fma(s.float(LN_2[1]), a.fma(two, whole - high)));
    (high, low)
}

/// log2 x for positive normal x, good to 2^-35.
pub(super) fn log2_single<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>) -> Num<'s, 'e, E> {
    let (k, m) = exp_log::decompose_normal(s, x, TWO_THIRDS_F64);
    let f = m - s.float(1.0);
    let f2 = f * f;
    f2.fma(s.poly(f, f2, &LOG_SINGLE), f).fma(s.float(std::f64::consts::LOG2_E), k)
}

/// 2^x, good to 2^-29, in the range of `f32` and somewhat beyond.
pub(super) fn exp2_single<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>) -> Num<'s, 'e, E> {
    let round = s.float(s.round + s.bias as f64);
    let x = x.clamp(-160.0, 130.0);
    let shifted = x + round;
    let r = x - (shifted - round);
    let y = r.fma(s.poly(r, r * r, &EXP2_SINGLE), s.float(1.0));
    y * shifted.bits().shl(s.digits).to_float()
}

/// x to the power y, with the special cases of C99 (F.9.4.4).
///
/// e^(y ln |x|) with the logarithm and its product carried to twice the precision; `f32` is computed as 2^(y log2 |x|) in
/// `f64`, which has the digits to do without. Largest error measured: 0.55 ulp for `f32`, 0.90 ulp for `f64`; powers of
/// integers that are representable are exact.
pub(super) fn pow<E: Emit>(e: &mut E, x: E::Value, y: E::Value) -> E::Value {
    in_double2(e, x, y, pow_f64)
}

fn pow_f64<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, y: Num<'s, 'e, E>, single: bool) -> Num<'s, 'e, E> {
    let (zero, one, inf) = (s.float(0.0), s.float(1.0), s.float(f64::INFINITY));
    let ax = x.abs();
    let (log, log_tail) = if single {
        (log2_single(s, ax), None)
    } else {
        let (high, low) = log_pair(s, ax);
        (high, Some(low))
    };
    // A negative base: NaN for a fractional exponent, the base's sign for an odd one.
    let whole = y.rint().eq(y);
    let half_y = y * s.float(0.5);
    let odd = half_y.rint().ne(half_y) & whole;
    let log = whole.select(log, x.lt(zero).select(s.float(f64::NAN), log));
    let log = ax.lt(inf).select(log, ax);
    let log = ax.eq(zero).select(s.float(f64::NEG_INFINITY), log);
    // Beyond 2^64 the power is 0, 1 or infinite, as at 2^64; an infinite y would make NaN of the logarithm's 0.
    let most = 2f64.powi(64);
    let scaled_y = y.clamp(-most, most);
    let p = scaled_y * log;
    let magnitude = match log_tail {
        None => exp2_single(s, p),
        Some(log_tail) => {
            let tail = scaled_y.fma(log_tail, scaled_y.fma(log, p.neg()));
            let in_range = exp_log::clamp_exp(s, p);
            exp_log::exp_in_range(s, in_range, Some(in_range.eq(p).select(tail, zero)))
        }
    };
    let signed = (magnitude.bits() | odd.select(x.sign_bits(), s.int(0))).to_float();
    (y.eq(zero) | x.eq(one)).select(one, signed)
}
