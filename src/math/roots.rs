//! Cube root and the distance of a point.

use super::Emit;
use super::arith::{in_double1, in_double2};
use super::exp_log;
use super::pair::Pair;

/// The cube root of m in powers of m, for 1/2 <= m <= 1. Remez's exchange in 300-bit arithmetic; relative error 2^-16.7.
const CBRT: [f64; 5] = [0.4023798948955733, 1.1400494553241145, -0.9544786485967794, 0.5467246368544152, -0.1346844817070669];
const CBRT_2: f64 = 1.2599210498948732;
const HALF: i64 = 0x3fe0000000000000;

/// Cube root.
///
/// |x| = 8^j m with m around 1; a polynomial, and a step of Halley's method, which trebles its digits. In `f64` a step of
/// Newton's method follows, with the cube as a pair.
pub(super) fn cbrt<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    in_double1(e, x, |s, x, single| {
        let (ax, zero) = (x.abs(), s.float(0.0));
        let (k, m) = if single { exp_log::decompose_normal(s, ax, HALF) } else { exp_log::decompose(s, ax, HALF) };
        let round = s.float(s.round + s.bias as f64);
        let shifted = k.fma(s.float(1.0 / 3.0), round);
        let rest = (shifted - round).fma(s.float(-3.0), k);
        let (up, down) = (rest.gt(zero), rest.lt(zero));
        let factor = up.select(s.float(CBRT_2), down.select(s.float(1.0 / CBRT_2), s.float(1.0)));
        let root = s.poly(m, m * m, &CBRT) * factor;
        let m = m * up.select(s.float(2.0), down.select(s.float(0.5), s.float(1.0)));
        let cube = root * root * root;
        let root = (root * (m - cube) / (cube + cube + m)) + root;
        let root = if single {
            root
        } else {
            let square = Pair::product(root, root);
            let cube = Pair::product(square.high, root).plus(square.low * root);
            root + ((m - cube.high) - cube.low) / (square.high * s.float(3.0))
        };
        let y = root * shifted.bits().shl(s.digits).to_float();
        let finite = ax.gt(zero) & ax.lt(s.float(f64::INFINITY));
        finite.select(y, ax).signed_as(x)
    })
}

/// sqrt(x^2 + y^2), with no square out of range; infinite where either is, even beside NaN.
pub(super) fn hypot<E: Emit>(e: &mut E, x: E::Value, y: E::Value) -> E::Value {
    in_double2(e, x, y, |s, x, y, single| {
        let (ax, ay) = (x.abs(), y.abs());
        let (zero, one, inf) = (s.float(0.0), s.float(1.0), s.float(f64::INFINITY));
        let root = if single {
            // The squares of `f32` are in the range of `f64`, and exact.
            ax.fma(ax, ay * ay).sqrt()
        } else {
            let steep = ay.gt(ax);
            let (long, short) = (steep.select(ay, ax), steep.select(ax, ay));
            let (large, small) = (long.gt(s.float(2f64.powi(500))), long.lt(s.float(2f64.powi(-450))));
            let pick = |up: i32, down: i32| large.select(s.float(2f64.powi(down)), small.select(s.float(2f64.powi(up)), one));
            let (scale, back) = (pick(600, -600), pick(-600, 600));
            let (long, short) = (long * scale, short * scale);
            let (p, q) = (Pair::product(long, long), Pair::product(short, short));
            let root = Pair::ordered_sum(p.high, q.high).plus(p.low + q.low).sqrt().rounded();
            // Beside a zero NaN counts as the shorter one.
            long.eq(zero).select(short, root * back)
        };
        (ax.eq(inf) | ay.eq(inf)).select(inf, root)
    })
}
