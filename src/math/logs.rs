//! Logarithms to other bases and near 1, inverse hyperbolic functions, and logarithms of sums.

use super::Emit;
use super::arith::{Num, Scope, in_double1, in_double2};
use super::exp_log::{self, EXP_F64, LOG_F64, Reduced, SQRT_HALF_F64, where_positive};
use super::hyperbolic::TINY;
use super::pair::Pair;
use super::pow::{LOG_SINGLE, TWO_THIRDS_F64, log2_single};
use crate::ops::BinaryOp;
use std::f64::consts::{LN_2, LOG2_E, LOG10_2, LOG10_E};

/// log2(e) and log10(e), and what their rounding left.
const LOG2_E_PAIR: [f64; 2] = [LOG2_E, 2.0355273740931033e-17];
const LOG10_E_PAIR: [f64; 2] = [LOG10_E, 1.098319650216765e-17];
/// log10(2) to 42 bits, so that its product with an exponent is exact, and what it leaves.
const LOG10_2_PAIR: [f64; 2] = [0.30102999566395283, 2.8363394551044964e-14];

/// A positive number as 2^k (1 + f) in `f64`.
struct Log<'s, 'e, E: Emit> {
    k: Num<'s, 'e, E>,
    f: Num<'s, 'e, E>,
    /// ln(1 + f) - f, off by no more than a few roundings of a number below 1/8.
    rest: Num<'s, 'e, E>,
}

impl<'s, 'e, E: Emit> Log<'s, 'e, E> {
    /// Of u + `low`, with `low` less than half a unit of the last place of u. See [`exp_log::log`] for the method.
    fn of(s: &'s Scope<'e, E>, u: Num<'s, 'e, E>, low: Option<Num<'s, 'e, E>>) -> Self {
        let (k, m) = exp_log::decompose(s, u, SQRT_HALF_F64);
        let f = m - s.float(1.0);
        let f = match low {
            None => Pair { high: f, low: s.float(0.0) },
            Some(low) => {
                // 2^(1 - k), which stays in range where 2^-k does not.
                let scale = (s.int(s.one_bits() + (1 << s.digits)) - (u.bits() - m.bits())).to_float();
                Pair::ordered_sum(f, low * s.float(0.5) * scale)
            }
        };
        let q = f.high / (f.high + s.float(2.0));
        let z = q * q;
        let half = f.high * s.float(0.5) * f.high;
        let rest = q.fma(z.fma(s.poly(z, z * z, &LOG_F64), half), half.minus());
        Log { k, f: f.high, rest: if low.is_some() { rest + f.low } else { rest } }
    }

    /// Of 1 + w, for w > -1.
    fn of_one_plus(s: &'s Scope<'e, E>, w: Pair<'s, 'e, E>) -> Self {
        let u = Pair::sum(s.float(1.0), w.high);
        Log::of(s, u.high, Some(u.low + w.low))
    }

    fn natural(self, s: &'s Scope<'e, E>) -> Pair<'s, 'e, E> {
        let [ln2, ln2_low] = EXP_F64.ln2.map(|c| s.float(c));
        let high = self.k.fma(ln2, self.f);
        let low = self.k.fma(ln2, high.minus()) + self.f;
        Pair { high, low: low + self.k.fma(ln2_low, self.rest) }
    }

    fn base_2(self, s: &'s Scope<'e, E>) -> Pair<'s, 'e, E> {
        let p = self.times(s, LOG2_E_PAIR);
        Pair::ordered_sum(self.k, p.high).plus(p.low)
    }

    fn base_10(self, s: &'s Scope<'e, E>) -> Pair<'s, 'e, E> {
        let p = self.times(s, LOG10_E_PAIR);
        let [high, low] = LOG10_2_PAIR.map(|c| s.float(c));
        Pair::ordered_sum(self.k * high, p.high).plus(self.k.fma(low, p.low))
    }

    /// ln(1 + f) times a factor.
    fn times(&self, s: &'s Scope<'e, E>, factor: [f64; 2]) -> Pair<'s, 'e, E> {
        let [high, low] = factor.map(|c| s.float(c));
        let p = Pair::product(self.f, high);
        Pair { low: self.rest.fma(high, self.f.fma(low, p.low)), ..p }
    }
}

/// ln(1 + w) for w > -1, good to 2^-35, for results that are rounded to `f32`.
fn log1p_single<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, w: Num<'s, 'e, E>) -> Num<'s, 'e, E> {
    let one = s.float(1.0);
    let (k, m) = exp_log::decompose_normal(s, one + w, TWO_THIRDS_F64);
    // Not from the sum where that may have lost digits.
    let f = k.eq(s.float(0.0)).select(w, m - one);
    let f2 = f * f;
    k.fma(s.float(LN_2), f2.fma(s.poly(f, f2, &LOG_SINGLE), f))
}

/// Logarithm to base 2; exact for powers of 2.
pub(super) fn log2<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| {
        let y = if single { log2_single(s, x) } else { Log::of(s, x, None).base_2(s).rounded() };
        where_positive(s, x, y)
    })
}

/// Logarithm to base 10.
pub(super) fn log10<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| {
        let y = if single {
            let (k, m) = exp_log::decompose_normal(s, x, TWO_THIRDS_F64);
            let f = m - s.float(1.0);
            let f2 = f * f;
            let log = f2.fma(s.poly(f, f2, &LOG_SINGLE), f);
            log.fma(s.float(LOG10_E), k * s.float(LOG10_2))
        } else {
            Log::of(s, x, None).base_10(s).rounded()
        };
        where_positive(s, x, y)
    })
}

/// ln(1 + x), without the rounding of that sum.
pub(super) fn log1p<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| {
        let y = if single { log1p_single(s, x) } else { Log::of_one_plus(s, Pair { high: x, low: s.float(0.0) }).natural(s).rounded() };
        let y = x.abs().lt(s.float(TINY)).select(x, y);
        let (below, inf) = (s.float(-1.0), s.float(f64::INFINITY));
        let at_most = x.eq(below).select(s.float(f64::NEG_INFINITY), s.float(f64::NAN));
        x.gt(below).select(x.lt(inf).select(y, x), at_most)
    })
}

/// From this number on asinh x and acosh x are ln 2x to all digits of `f64`.
const LARGE: f64 = (1u64 << 29) as f64;

/// ln(1 + w), or ln 2x where x is large.
fn log_of_large<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, w: Pair<'s, 'e, E>, x: Num<'s, 'e, E>) -> Num<'s, 'e, E> {
    let (zero, one) = (s.float(0.0), s.float(1.0));
    let large = x.gt(s.float(LARGE));
    let u = Pair::sum(one, w.high).plus(w.low);
    let log = Log::of(s, large.select(x, u.high), Some(large.select(zero, u.low)));
    Log { k: log.k + large.select(one, zero), ..log }.natural(s).rounded()
}

/// Inverse hyperbolic sine: ln(1 + w) with w = |x| + x^2 / (1 + sqrt(1 + x^2)), carried as a pair, then the sign of x.
pub(super) fn asinh<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| {
        let (ax, one) = (x.abs(), s.float(1.0));
        let y = if single {
            let z = ax * ax;
            log1p_single(s, ax + z / (one + (one + z).sqrt()))
        } else {
            let z = Pair::product(ax, ax);
            let root = Pair::sum(one, z.high).plus(z.low).sqrt();
            let below = Pair::ordered_sum(root.high, one).plus(root.low);
            let ratio = z.over(below);
            log_of_large(s, Pair::ordered_sum(ax, ratio.high).plus(ratio.low), ax)
        };
        let in_between = s.float(TINY * 2f64.powi(26)).lt(ax) & ax.lt(s.float(f64::INFINITY));
        in_between.select(y, ax).signed_as(x)
    })
}

/// Inverse hyperbolic cosine: ln(1 + w) with t = x - 1 and w = t + sqrt(2 t + t^2), carried as a pair.
pub(super) fn acosh<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| {
        let one = s.float(1.0);
        let t = x - one;
        let y = if single {
            log1p_single(s, t + t.fma(t, t + t).sqrt())
        } else {
            let square = Pair::product(t, t);
            let root = Pair::sum(t + t, square.high).plus(square.low).sqrt();
            log_of_large(s, Pair::ordered_sum(root.high, t).plus(root.low), x)
        };
        let at_most = x.eq(one).select(s.float(0.0), s.float(f64::NAN));
        x.gt(one).select(x.lt(s.float(f64::INFINITY)).select(y, x), at_most)
    })
}

/// Inverse hyperbolic tangent: half of ln(1 + w) with w = 2 |x| / (1 - |x|), carried as a pair, then the sign of x.
pub(super) fn atanh<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| {
        let (ax, one, zero) = (x.abs(), s.float(1.0), s.float(0.0));
        let y = if single {
            log1p_single(s, (ax + ax) / (one - ax))
        } else {
            let w = Pair { high: ax + ax, low: zero }.over(Pair::ordered_sum(one, ax.minus()));
            Log::of_one_plus(s, w).natural(s).rounded()
        };
        let y = ax.lt(s.float(TINY * 2f64.powi(26))).select(ax, y * s.float(0.5));
        let from_one = ax.eq(one).select(s.float(f64::INFINITY), s.float(f64::NAN));
        ax.lt(one).select(y, from_one).signed_as(x)
    })
}

/// ln(e^x + e^y): the larger one, and ln(1 + e^d) with d the difference, all of it in pairs.
pub(super) fn logaddexp<E: Emit>(e: &mut E, x: E::Value, y: E::Value) -> E::Value {
    in_double2(e, x, y, |s, x, y, _| log_of_sum(s, x, y, false))
}

/// log2(2^x + 2^y); see [`logaddexp`].
pub(super) fn logaddexp2<E: Emit>(e: &mut E, x: E::Value, y: E::Value) -> E::Value {
    in_double2(e, x, y, |s, x, y, _| log_of_sum(s, x, y, true))
}

fn log_of_sum<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, y: Num<'s, 'e, E>, base_2: bool) -> Num<'s, 'e, E> {
    let one = s.float(1.0);
    let (zero, most, least) = (s.float(0.0), x.binary(BinaryOp::Max, y), x.binary(BinaryOp::Min, y));
    let difference = Pair::sum(least, most.minus());
    // Infinities of one sign have no difference.
    let d = x.eq(y).select(zero, difference.high);
    let bound = s.float(-1080.0);
    let d_low = (d.gt(bound) & x.ne(y)).select(difference.low, zero);
    let d = d.lt(bound).select(bound, d);
    let reduced = if base_2 {
        let reduced = exp_log::reduce_base_2(s, d, 2 * s.bias);
        let tail = d_low.fma(s.float(LN_2), reduced.tail);
        Reduced { tail, ..reduced }
    } else {
        exp_log::reduce(s, d, Some(d_low), 2 * s.bias)
    };
    let power = Pair::ordered_sum(one, reduced.lead).plus(reduced.rest(s));
    let power = Pair::ordered_sum(power.high, power.low);
    let w = Pair { high: reduced.scale(s, power.high), low: reduced.scale(s, power.low) };
    let log = Log::of_one_plus(s, w);
    let log = if base_2 { log.base_2(s) } else { log.natural(s) };
    // A small w loses digits where it is scaled.
    let small = w.high.lt(s.float(TINY));
    let high = small.select(if base_2 { w.high * s.float(LOG2_E) } else { w.high }, log.high);
    let low = small.select(zero, log.low);
    let sum = Pair::sum(most, high).plus(low).rounded();
    most.abs().lt(s.float(f64::INFINITY)).select(sum, most)
}
