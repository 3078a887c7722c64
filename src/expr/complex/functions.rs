//! Elementary functions of complex numbers, from those of their parts.
//!
//! All of them are computed in `f64`; those of `c64` are rounded at the end. Special values are those of C's Annex G. The formulas are
//! W. Kahan's (*Branch cuts for complex elementary functions*, 1987), with the scaling that keeps squares and powers in range.

use std::f64::consts::{LN_2, LOG2_E, LOG10_E};

use num_complex::Complex;

use super::arcs;
use super::parts::{Parts, product};
use crate::dtype::{DType, Scalar};
use crate::expr::complex::{self, ComplexOp};
use crate::expr::infer::{self, At};
use crate::expr::make::Make;
use crate::expr::node::NodeRef;
use crate::ops::{BinaryOp, UnaryOp};

/// The functions that are defined on complex numbers.
pub(crate) const FUNCTIONS: &[UnaryOp] = &[
    UnaryOp::Exp,
    UnaryOp::Expm1,
    UnaryOp::Log,
    UnaryOp::Log2,
    UnaryOp::Log10,
    UnaryOp::Log1p,
    UnaryOp::Sqrt,
    UnaryOp::Sin,
    UnaryOp::Cos,
    UnaryOp::Tan,
    UnaryOp::Sinh,
    UnaryOp::Cosh,
    UnaryOp::Tanh,
    UnaryOp::Asin,
    UnaryOp::Acos,
    UnaryOp::Atan,
    UnaryOp::Asinh,
    UnaryOp::Acosh,
    UnaryOp::Atanh,
];

/// `op x`; `None` for an operation that is none of [`FUNCTIONS`].
pub(crate) fn unary(op: UnaryOp, x: &Parts, at: At) -> Option<Parts> {
    let m = &Make(at);
    let f: fn(&Make, &Parts) -> Parts = match op {
        UnaryOp::Exp => exp,
        UnaryOp::Expm1 => expm1,
        UnaryOp::Log => log,
        UnaryOp::Log2 => |m, x| log(m, x).each_ref().map(|part| m.times(part, LOG2_E)),
        UnaryOp::Log10 => |m, x| log(m, x).each_ref().map(|part| m.times(part, LOG10_E)),
        UnaryOp::Log1p => log1p,
        UnaryOp::Sqrt => sqrt,
        UnaryOp::Sin => |m, x| turned(m, x, sinh),
        UnaryOp::Cos => |m, [a, b]| cosh(m, &[m.neg(b), a.clone()]),
        UnaryOp::Tan => |m, x| turned(m, x, tanh),
        UnaryOp::Sinh => sinh,
        UnaryOp::Cosh => cosh,
        UnaryOp::Tanh => tanh,
        UnaryOp::Asin => arcs::asin,
        UnaryOp::Acos => arcs::acos,
        UnaryOp::Atan => |m, x| turned(m, x, arcs::atanh),
        UnaryOp::Asinh => |m, x| turned(m, x, arcs::asin),
        UnaryOp::Acosh => |m, x| {
            let [re, im] = arcs::acos(m, x);
            [m.abs(&im), m.signed(&re, &x[1])]
        },
        UnaryOp::Atanh => arcs::atanh,
        _ => return None,
    };
    Some(in_double(m, x, f))
}

/// -i f(i x), which is sin x of sinh.
fn turned(m: &Make, [a, b]: &Parts, f: fn(&Make, &Parts) -> Parts) -> Parts {
    let [re, im] = f(m, &[m.neg(b), a.clone()]);
    [im, m.neg(&re)]
}

/// Of single precision computed in `f64`, and rounded.
fn in_double(m: &Make, x: &Parts, f: impl Fn(&Make, &Parts) -> Parts) -> Parts {
    let d = x[0].dtype;
    let wide = x.each_ref().map(|part| infer::cast(part, DType::F64, m.0));
    f(m, &wide).each_ref().map(|part| infer::cast(part, d, m.0))
}

impl Make {
    pub(super) fn times(&self, x: &NodeRef, factor: f64) -> NodeRef {
        self.with(BinaryOp::Mul, x, factor)
    }
    pub(super) fn plus(&self, x: &NodeRef, term: f64) -> NodeRef {
        self.with(BinaryOp::Add, x, term)
    }
    pub(super) fn below(&self, x: &NodeRef, value: f64) -> NodeRef {
        self.with(BinaryOp::Lt, x, value)
    }
    pub(super) fn above(&self, x: &NodeRef, value: f64) -> NodeRef {
        self.with(BinaryOp::Gt, x, value)
    }
    pub(super) fn is(&self, x: &NodeRef, value: f64) -> NodeRef {
        self.with(BinaryOp::Eq, x, value)
    }
    pub(super) fn and(&self, x: &NodeRef, y: &NodeRef) -> NodeRef {
        self.binary(BinaryOp::And, x, y)
    }
    pub(super) fn not(&self, x: &NodeRef) -> NodeRef {
        self.unary(UnaryOp::Not, x)
    }
    /// The magnitude of `x` with the sign of `y`.
    pub(super) fn signed(&self, x: &NodeRef, y: &NodeRef) -> NodeRef {
        self.binary(BinaryOp::Copysign, x, y)
    }
    /// Neither infinite nor NaN.
    pub(super) fn finite(&self, x: &NodeRef) -> NodeRef {
        self.below(&self.abs(x), f64::INFINITY)
    }
    pub(super) fn fma(&self, x: &NodeRef, y: &NodeRef, z: &NodeRef) -> NodeRef {
        infer::mul_add(x, y, z, self.0)
    }
    /// x^2 and what its rounding leaves out.
    pub(super) fn square(&self, x: &NodeRef) -> [NodeRef; 2] {
        let high = self.mul(x, x);
        let low = self.fma(x, x, &self.neg(&high));
        [high, low]
    }
    /// x + y and what its rounding leaves out (D. Knuth's TwoSum).
    pub(super) fn sum(&self, x: &NodeRef, y: &NodeRef) -> [NodeRef; 2] {
        let high = self.add(x, y);
        let part = self.sub(&high, x);
        let low = self.add(&self.sub(x, &self.sub(&high, &part)), &self.sub(y, &part));
        [high, low]
    }
}

/// Above this the power of e is split in two factors, the one of this number a constant.
const HIGH: f64 = 709.0;

/// e^a as two factors, of which the second is 1 unless the product may be out of range where results are not.
fn power(m: &Make, a: &NodeRef) -> [NodeRef; 2] {
    let large = m.above(a, HIGH);
    let rest = m.select(&large, &m.plus(a, -HIGH), a);
    [m.unary(UnaryOp::Exp, &rest), m.select(&large, &m.number(a, HIGH.exp()), &m.number(a, 1.0))]
}

/// e^a cos b, e^a sin b.
fn exp(m: &Make, [a, b]: &Parts) -> Parts {
    let [near, far] = power(m, a);
    let (cos, sin) = (m.unary(UnaryOp::Cos, b), m.unary(UnaryOp::Sin, b));
    let re = m.mul(&m.mul(&near, &cos), &far);
    let im = m.mul(&m.mul(&near, &sin), &far);
    // The angle of a power that is 0 or infinite does not matter.
    let (none, all) = (m.is(a, f64::NEG_INFINITY), m.is(a, f64::INFINITY));
    let wild = m.not(&m.finite(b));
    let re = m.select(&m.and(&none, &wild), &m.number(a, 0.0), &re);
    let re = m.select(&m.and(&all, &wild), a, &re);
    let im = m.select(&m.and(&none, &wild), &m.signed(&m.number(a, 0.0), b), &im);
    // A real number has a real power, also an infinite one or NaN.
    let real = m.is(b, 0.0);
    [m.select(&real, &m.mul(&near, &far), &re), m.select(&real, b, &im)]
}

/// With real parts that keep their digits near 0: expm1(a) cos b - 2 sin(b / 2)^2.
fn expm1(m: &Make, x: &Parts) -> Parts {
    let [a, b] = x;
    let half = m.unary(UnaryOp::Sin, &m.times(b, 0.5));
    let less = m.times(&m.mul(&half, &half), 2.0);
    let near = m.sub(&m.mul(&m.unary(UnaryOp::Expm1, a), &m.unary(UnaryOp::Cos, b)), &less);
    let [re, im] = exp(m, x);
    let small = m.below(&m.abs(a), 1.0);
    [m.select(&small, &near, &m.plus(&re, -1.0)), im]
}

/// ln of sqrt((1 + u)^2 + v^2), for squares from 0.4 to 4: half of log1p(2 u + u^2 + v^2), whose sum is exact in two numbers but for the
/// last digits of the smaller one.
fn log_beside_one(m: &Make, u: &NodeRef, v: &NodeRef) -> NodeRef {
    let [p, p_low] = m.square(u);
    let [q, q_low] = m.square(v);
    let [s, s_low] = m.sum(&m.add(u, u), &p);
    let [s, t_low] = m.sum(&s, &q);
    let low = m.add(&m.add(&s_low, &t_low), &m.add(&p_low, &q_low));
    let [high, low] = m.sum(&s, &low);
    let rest = m.div(&low, &m.plus(&high, 1.0));
    m.times(&m.add(&m.unary(UnaryOp::Log1p, &high), &rest), 0.5)
}

/// ln |x|, atan2(b, a).
fn log(m: &Make, [a, b]: &Parts) -> Parts {
    let (size_a, size_b) = (m.abs(a), m.abs(b));
    let steep = m.binary(BinaryOp::Gt, &size_b, &size_a);
    let (long, short) = (m.select(&steep, &size_b, &size_a), m.select(&steep, &size_a, &size_b));
    // In the middle of the range, so that the root neither overflows nor loses digits.
    let (large, small) = (m.above(&long, 2f64.powi(1000)), m.below(&long, 2f64.powi(-900)));
    let pick = |high: f64, low: f64, other: f64| {
        let rest = m.select(&small, &m.number(a, low), &m.number(a, other));
        m.select(&large, &m.number(a, high), &rest)
    };
    let (scale, back) = (pick(2f64.powi(-200), 2f64.powi(200), 1.0), pick(200.0 * LN_2, -200.0 * LN_2, 0.0));
    let size = m.binary(BinaryOp::Hypot, &m.mul(&long, &scale), &m.mul(&short, &scale));
    let far = m.add(&m.unary(UnaryOp::Log, &size), &back);
    let near = log_beside_one(m, &m.plus(&long, -1.0), &short);
    let beside = m.and(&m.above(&size, 0.71), &m.below(&size, 1.7));
    [m.select(&beside, &near, &far), m.binary(BinaryOp::Atan2, b, a)]
}

/// Of 1 + x, accurate near 0.
fn log1p(m: &Make, [a, b]: &Parts) -> Parts {
    let moved = [m.plus(a, 1.0), b.clone()];
    let [far, angle] = log(m, &moved);
    let size = m.binary(BinaryOp::Hypot, &moved[0], b);
    let beside = m.and(&m.above(&size, 0.71), &m.below(&size, 1.7));
    [m.select(&beside, &log_beside_one(m, a, b), &far), angle]
}

/// The root with the real part that is not negative: t = sqrt((|a| + |x|) / 2) and b / (2 t), exchanged where a is negative.
pub(super) fn sqrt(m: &Make, [a, b]: &Parts) -> Parts {
    let (size_a, size_b) = (m.abs(a), m.abs(b));
    let most = m.select(&m.binary(BinaryOp::Gt, &size_b, &size_a), &size_b, &size_a);
    let (large, small) = (m.above(&most, 2f64.powi(1000)), m.below(&most, 2f64.powi(-900)));
    let pick = |high: f64, low: f64| {
        let rest = m.select(&small, &m.number(a, low), &m.number(a, 1.0));
        m.select(&large, &m.number(a, high), &rest)
    };
    // Powers of 4, and of 2 for the root.
    let (scale, back) = (pick(2f64.powi(-100), 2f64.powi(200)), pick(2f64.powi(50), 2f64.powi(-100)));
    let (p, q) = (m.mul(&size_a, &scale), m.mul(&size_b, &scale));
    let t = m.unary(UnaryOp::Sqrt, &m.times(&m.add(&p, &m.binary(BinaryOp::Hypot, &p, &q)), 0.5));
    let other = m.mul(&m.div(&q, &m.add(&t, &t)), &back);
    let t = m.mul(&t, &back);
    let left = m.binary(BinaryOp::Eq, &m.signed(&m.number(a, 1.0), a), &m.number(a, -1.0));
    let (re, im) = (m.select(&left, &other, &t), m.select(&left, &t, &other));
    let (inf, zero) = (m.number(a, f64::INFINITY), m.number(a, 0.0));
    // Of infinite numbers: along the imaginary axis, or along one of both halves of the real one.
    let (up, wide) = (m.is(&size_b, f64::INFINITY), m.is(&size_a, f64::INFINITY));
    let flat = m.and(&wide, &m.finite(b));
    let re = m.select(&flat, &m.select(&left, &zero, &inf), &re);
    let im = m.select(&flat, &m.select(&left, &inf, &zero), &im);
    let none = m.is(&m.add(&size_a, &size_b), 0.0);
    let re = m.select(&none, &zero, &m.select(&up, &inf, &re));
    let im = m.select(&none, &zero, &m.select(&up, &inf, &im));
    // Beside NaN an infinite real part stays infinite, in its place.
    let lost = m.and(&wide, &m.unary(UnaryOp::IsNan, b));
    let re = m.select(&m.and(&lost, &m.not(&left)), &inf, &re);
    let im = m.select(&m.and(&lost, &left), &inf, &m.signed(&im, b));
    [re, im]
}

/// cosh a and sinh a as products of two factors, as in [`power`].
fn hyperbolic(m: &Make, a: &NodeRef) -> [[NodeRef; 2]; 2] {
    let size = m.abs(a);
    let large = m.above(&size, HIGH);
    let [near, far] = power(m, &size);
    let half = m.times(&near, 0.5);
    let one = m.number(a, 1.0);
    let far = m.select(&large, &far, &one);
    let pick = |op| m.select(&large, &half, &m.unary(op, &size));
    let (cosh, sinh) = (pick(UnaryOp::Cosh), m.signed(&pick(UnaryOp::Sinh), a));
    [[cosh, far.clone()], [sinh, far]]
}

/// sinh a cos b, cosh a sin b.
fn sinh(m: &Make, [a, b]: &Parts) -> Parts {
    let [[cosh, far], [sinh, _]] = hyperbolic(m, a);
    let re = m.mul(&m.mul(&sinh, &m.unary(UnaryOp::Cos, b)), &far);
    let im = m.mul(&m.mul(&cosh, &m.unary(UnaryOp::Sin, b)), &far);
    // At a wild angle the real part of what is 0 or infinite is that.
    let wild = m.not(&m.finite(b));
    let kept = m.binary(BinaryOp::Or, &m.is(a, 0.0), &m.is(&m.abs(a), f64::INFINITY));
    [m.select(&m.and(&wild, &kept), a, &re), m.select(&m.is(b, 0.0), b, &im)]
}

/// cosh a cos b, sinh a sin b.
fn cosh(m: &Make, [a, b]: &Parts) -> Parts {
    let [[cosh, far], [sinh, _]] = hyperbolic(m, a);
    let re = m.mul(&m.mul(&cosh, &m.unary(UnaryOp::Cos, b)), &far);
    let im = m.mul(&m.mul(&sinh, &m.unary(UnaryOp::Sin, b)), &far);
    let wild = m.not(&m.finite(b));
    let infinite = m.is(&m.abs(a), f64::INFINITY);
    let re = m.select(&m.and(&wild, &infinite), &m.abs(a), &re);
    // Of real numbers, and where the sine of 0 is.
    let im = m.select(&m.and(&wild, &m.is(a, 0.0)), &m.number(a, 0.0), &im);
    let real = m.mul(&m.signed(&m.number(a, 1.0), a), b);
    [re, m.select(&m.is(b, 0.0), &real, &im)]
}

/// (sinh a cosh a + i sin b cos b) / (sinh^2 a + cos^2 b); where a is so large that the real part is 1, the other is 4 sin b cos b e^(-2|a|).
fn tanh(m: &Make, [a, b]: &Parts) -> Parts {
    let size = m.abs(a);
    let (sinh, cosh) = (m.unary(UnaryOp::Sinh, a), m.unary(UnaryOp::Cosh, a));
    let (sin, cos) = (m.unary(UnaryOp::Sin, b), m.unary(UnaryOp::Cos, b));
    let turned = m.mul(&sin, &cos);
    let below = m.add(&m.mul(&sinh, &sinh), &m.mul(&cos, &cos));
    let large = m.above(&size, 22.0);
    let re = m.div(&m.mul(&sinh, &cosh), &below);
    let re = m.select(&large, &m.signed(&m.number(a, 1.0), a), &re);
    // Half of the power at a time, which alone is in range.
    let falling = m.unary(UnaryOp::Exp, &m.neg(&size));
    let far = m.mul(&m.mul(&m.times(&turned, 4.0), &falling), &falling);
    let im = m.select(&large, &far, &m.div(&turned, &below));
    let wild = m.not(&m.finite(b));
    let im = m.select(&m.and(&wild, &m.is(&size, f64::INFINITY)), &m.signed(&m.number(a, 0.0), b), &im);
    let re = m.select(&m.and(&wild, &m.is(a, 0.0)), a, &re);
    let re = m.select(&m.and(&wild, &m.and(&large, &m.finite(a))), &m.number(a, f64::NAN), &re);
    [re, m.select(&m.is(b, 0.0), b, &im)]
}

/// 1 / x, as NumPy computes it: Smith's quotient without a reciprocal to multiply by.
pub(crate) fn reciprocal(x: &NodeRef, at: At) -> NodeRef {
    let m = &Make(at);
    let [a, b] = [ComplexOp::Real, ComplexOp::Imag].map(|part| complex::apply(part, x, at));
    let upright = m.binary(BinaryOp::Le, &m.abs(&b), &m.abs(&a));
    let (large, small) = (m.select(&upright, &a, &b), m.select(&upright, &b, &a));
    let ratio = m.div(&small, &large);
    let below = m.add(&large, &m.mul(&small, &ratio));
    let re = m.select(&upright, &m.number(&a, 1.0), &ratio);
    let im = m.select(&upright, &m.neg(&ratio), &m.number(&a, -1.0));
    complex::pair(&m.div(&re, &below), &m.div(&im, &below), at)
}

/// x^n, by NumPy's products: of the squares that the digits of n ask for.
pub(crate) fn integer_power(x: &NodeRef, n: i32, at: At) -> NodeRef {
    if infer::is_error(x) {
        return x.clone();
    }
    let m = &Make(at);
    let one = m.number(x, 1.0);
    let mut digits = n.unsigned_abs();
    let (mut result, mut square) = (one.clone(), x.clone());
    match digits {
        0 => result = infer::broadcast_to(&one, &x.shape, at).unwrap_or(one.clone()),
        1 => result = x.clone(),
        2 => result = m.mul(x, x),
        3 => result = m.mul(x, &m.mul(x, x)),
        _ => loop {
            if digits & 1 == 1 {
                result = m.mul(&result, &square);
            }
            digits >>= 1;
            if digits == 0 {
                break;
            }
            square = m.mul(&square, &square);
        },
    }
    let result = if n < 0 { m.div(&one, &result) } else { result };
    // Powers of zero are made without products: +0, or NaN.
    let of_zero = Scalar::C128(if n > 0 { Complex::new(0.0, 0.0) } else { Complex::new(f64::NAN, f64::NAN) });
    let zero = m.with(BinaryOp::Eq, x, 0.0);
    if n == 0 { result } else { m.select(&zero, &infer::constant(of_zero.cast(x.dtype), at), &result) }
}

/// e^(y ln x); 1 where y is 0, and of zero 0 if the real part of y is positive, else NaN.
pub(crate) fn power_of(x: &Parts, y: &Parts, at: At) -> Parts {
    let m = &Make(at);
    let d = x[0].dtype;
    let wide = |x: &Parts| x.each_ref().map(|part| infer::cast(part, DType::F64, at));
    let (x, y) = (&wide(x), &wide(y));
    let [re, im] = exp(m, &product(m, y, &log(m, x)));
    let (zero, one) = (m.number(&x[0], 0.0), m.number(&x[0], 1.0));
    let nothing = |z: &Parts| m.and(&m.is(&z[0], 0.0), &m.is(&z[1], 0.0));
    let positive = m.above(&y[0], 0.0);
    let of_zero = m.select(&positive, &zero, &m.number(&x[0], f64::NAN));
    let (base, exponent) = (nothing(x), nothing(y));
    let re = m.select(&exponent, &one, &m.select(&base, &of_zero, &re));
    let im = m.select(&exponent, &zero, &m.select(&base, &of_zero, &im));
    [re, im].each_ref().map(|part| infer::cast(part, d, at))
}
