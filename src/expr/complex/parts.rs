//! Operations on complex numbers as operations on their parts.
//!
//! Products are the formula with four products, quotients Smith's (R. L. Smith, *Algorithm 116: Complex division*, CACM 1962), step by
//! step as NumPy computes them, so that every step is rounded as there.

use super::functions;
use crate::expr::infer::At;
use crate::expr::make::Make;
use crate::expr::node::NodeRef;
use crate::ops::{BinaryOp, UnaryOp};

/// The real and the imaginary part.
pub(crate) type Parts = [NodeRef; 2];

/// `x op y`; `None` for an operation that is not defined on complex numbers, or has no complex result.
pub(crate) fn binary(op: BinaryOp, x: &Parts, y: &Parts, at: At) -> Option<Parts> {
    let m = Make(at);
    Some(match op {
        BinaryOp::Add | BinaryOp::Sub => [m.binary(op, &x[0], &y[0]), m.binary(op, &x[1], &y[1])],
        BinaryOp::Mul => product(&m, x, y),
        BinaryOp::Div => quotient(&m, x, y),
        BinaryOp::Pow => functions::power_of(x, y, at),
        _ => return None,
    })
}

pub(super) fn product(m: &Make, [a, b]: &Parts, [c, d]: &Parts) -> Parts {
    [m.sub(&m.mul(a, c), &m.mul(b, d)), m.add(&m.mul(a, d), &m.mul(b, c))]
}

/// By the divisor's part that is larger in magnitude, whose place its other part takes where that is the imaginary one. Divided by
/// zero, each part is, by a positive zero.
fn quotient(m: &Make, [a, b]: &Parts, [c, d]: &Parts) -> Parts {
    let (size_c, size_d) = (m.abs(c), m.abs(d));
    let upright = m.binary(BinaryOp::Ge, &size_c, &size_d);
    let (large, small) = (m.select(&upright, c, d), m.select(&upright, d, c));
    let ratio = m.div(&small, &large);
    let scale = m.div(&m.number(c, 1.0), &m.add(&large, &m.mul(&small, &ratio)));
    let (p, q) = (m.select(&upright, a, b), m.select(&upright, b, a));
    let (real, other) = (m.add(&p, &m.mul(&q, &ratio)), m.mul(&p, &ratio));
    let imag = m.select(&upright, &m.sub(&q, &other), &m.sub(&other, &q));
    // The magnitudes are added rather than compared in turn: their sum is zero only if both are.
    let zero = m.binary(BinaryOp::Eq, &m.add(&size_c, &size_d), &m.number(c, 0.0));
    let scale = m.select(&zero, &m.number(c, f64::INFINITY), &scale);
    [m.mul(&m.select(&zero, a, &real), &scale), m.mul(&m.select(&zero, b, &imag), &scale)]
}

/// Whether two numbers are equal, or differ.
pub(crate) fn compare(op: BinaryOp, x: &Parts, y: &Parts, at: At) -> NodeRef {
    let m = Make(at);
    let both = if op == BinaryOp::Eq { BinaryOp::And } else { BinaryOp::Or };
    m.binary(both, &m.binary(op, &x[0], &y[0]), &m.binary(op, &x[1], &y[1]))
}

/// Whether a number is not zero.
pub(crate) fn truth(x: &Parts, at: At) -> NodeRef {
    let zero = Make(at).number(&x[0], 0.0);
    compare(BinaryOp::Ne, x, &[zero.clone(), zero], at)
}

/// `op x`, of the same type; `None` as for `binary`.
pub(crate) fn unary(op: UnaryOp, [a, b]: &Parts, at: At) -> Option<Parts> {
    let m = Make(at);
    Some(match op {
        UnaryOp::Neg => [m.neg(a), m.neg(b)],
        _ => return functions::unary(op, &[a.clone(), b.clone()], at),
    })
}

/// `op x` where it is real; `None` as for `binary`.
pub(crate) fn measure(op: UnaryOp, [a, b]: &Parts, at: At) -> Option<NodeRef> {
    let m = Make(at);
    Some(match op {
        UnaryOp::Abs => m.binary(BinaryOp::Hypot, a, b),
        UnaryOp::IsNan => m.binary(BinaryOp::Or, &m.unary(op, a), &m.unary(op, b)),
        _ => return None,
    })
}
