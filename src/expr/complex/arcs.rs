//! Inverse trigonometric and hyperbolic functions of complex numbers: W. Kahan's, whose products of roots have no differences of like terms.

use std::f64::consts::{FRAC_PI_2, LN_2};

use super::functions::sqrt;
use super::parts::Parts;
use crate::expr::make::Make;
use crate::expr::node::NodeRef;
use crate::ops::{BinaryOp, UnaryOp};

/// Real and imaginary parts of the roots of 1 + x and of 1 - x.
fn roots(m: &Make, [a, b]: &Parts) -> (Parts, Parts) {
    let one = m.number(a, 1.0);
    (sqrt(m, &[m.add(&one, a), b.clone()]), sqrt(m, &[m.sub(&one, a), m.neg(b)]))
}

fn infinite(m: &Make, x: &Parts) -> NodeRef {
    let [a, b] = x.each_ref().map(|part| m.is(&m.abs(part), f64::INFINITY));
    m.binary(BinaryOp::Or, &a, &b)
}

/// Where a part is so large that 1 beside it does not matter, infinite ones included: that, and the logarithm of 2 |x| with the sign of b.
fn far(m: &Make, [a, b]: &Parts) -> [NodeRef; 2] {
    let out = |part: &NodeRef| m.above(&m.abs(part), 1e100);
    let quarter = m.binary(BinaryOp::Hypot, &m.times(a, 0.25), &m.times(b, 0.25));
    let size = m.plus(&m.unary(UnaryOp::Log, &quarter), 3.0 * LN_2);
    [m.binary(BinaryOp::Or, &out(a), &out(b)), m.signed(&size, b)]
}

/// atan(a / Re(sqrt(1 - x) sqrt(1 + x))), asinh(Im(conj(sqrt(1 - x)) sqrt(1 + x))).
pub(super) fn asin(m: &Make, x: &Parts) -> Parts {
    let [a, b] = x;
    let ([p, q], [r, s]) = roots(m, x);
    let across = m.sub(&m.mul(&r, &p), &m.mul(&s, &q));
    let along = m.sub(&m.mul(&r, &q), &m.mul(&s, &p));
    let re = m.binary(BinaryOp::Atan2, a, &across);
    let im = m.unary(UnaryOp::Asinh, &along);
    let [far, size] = far(m, x);
    let re = m.select(&far, &m.binary(BinaryOp::Atan2, a, &m.abs(b)), &re);
    // What is so small is its own arcsine, and its halves may be none. A number on the imaginary axis stays there, also if it is not
    // known where.
    let small = m.and(&m.below(&m.abs(a), 1e-9), &m.below(&m.abs(b), 1e-9));
    let re = m.select(&m.binary(BinaryOp::Or, &small, &m.is(a, 0.0)), a, &re);
    [re, m.select(&small, b, &m.select(&far, &size, &im))]
}

/// 2 atan(Re sqrt(1 - x) / Re sqrt(1 + x)), asinh(Im(conj(sqrt(1 + x)) sqrt(1 - x))).
pub(super) fn acos(m: &Make, x: &Parts) -> Parts {
    let [a, b] = x;
    let ([p, q], [r, s]) = roots(m, x);
    let along = m.sub(&m.mul(&p, &s), &m.mul(&q, &r));
    let re = m.times(&m.binary(BinaryOp::Atan2, &r, &p), 2.0);
    let im = m.unary(UnaryOp::Asinh, &along);
    let [far, size] = far(m, x);
    let re = m.select(&far, &m.abs(&m.binary(BinaryOp::Atan2, b, a)), &re);
    let re = m.select(&m.is(a, 0.0), &m.number(a, FRAC_PI_2), &re);
    [re, m.select(&far, &m.neg(&size), &im)]
}

/// log1p(4 |a| / ((1 - |a|)^2 + b^2)) / 4 with the sign of a, arg((1 - |a|) (1 + |a|) - b^2 + 2 b i) / 2.
pub(super) fn atanh(m: &Make, x: &Parts) -> Parts {
    let [a, b] = x;
    let one = m.number(a, 1.0);
    let size = m.abs(a);
    let (beside, beyond) = (m.sub(&one, &size), m.add(&one, &size));
    let below = m.add(&m.mul(&beside, &beside), &m.mul(b, b));
    let usual = m.times(&m.unary(UnaryOp::Log1p, &m.div(&m.times(&size, 4.0), &below)), 0.25);
    // Near 1 the quotient of two distances, whose squares may be too small.
    let distance = |part: &NodeRef| m.unary(UnaryOp::Log, &m.binary(BinaryOp::Hypot, part, b));
    let near = m.times(&m.sub(&distance(&beyond), &distance(&beside)), 0.5);
    // Far away the real part of 1 / x.
    let (p, q) = (m.times(&size, 0.25), m.times(b, 0.25));
    let radius = m.binary(BinaryOp::Hypot, &p, &q);
    let far = m.times(&m.div(&m.div(&p, &radius), &radius), 0.25);
    let re = m.select(&m.below(&below, 1e-3), &near, &usual);
    let out = m.above(&radius, 1e100);
    let re = m.select(&out, &far, &re);
    let turned = m.binary(BinaryOp::Atan2, &m.add(b, b), &m.sub(&m.mul(&beside, &beyond), &m.mul(b, b)));
    let right = m.signed(&m.number(a, FRAC_PI_2), b);
    let im = m.select(&out, &right, &m.times(&turned, 0.5));
    let wild = infinite(m, x);
    let re = m.select(&wild, &m.number(a, 0.0), &re);
    let im = m.select(&m.and(&wild, &m.unary(UnaryOp::IsNan, b)), b, &im);
    [m.select(&m.is(a, 0.0), a, &m.signed(&re, a)), im]
}
