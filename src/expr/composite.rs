//! Functions of elements that are made of a few operations of the table, for both kinds of expression. Operands have their types by
//! now; what is a mistake stays one.

use crate::dtype::{DType, Scalar};
use crate::expr::complex::{self, ComplexOp};
use crate::expr::infer::{self, At};
use crate::expr::make::Make;
use crate::expr::node::NodeRef;
use crate::ops::{BinaryOp, UnaryOp};

/// Of halves in `f32`, rounded once at the end.
fn in_single(x: &NodeRef, at: At, f: impl Fn(&NodeRef) -> NodeRef) -> NodeRef {
    if x.dtype.is_half() { infer::cast(&f(&infer::cast(x, DType::F32, at)), x.dtype, at) } else { f(x) }
}

pub(crate) fn square(x: &NodeRef, at: At) -> NodeRef {
    Make(at).binary(BinaryOp::Mul, x, x)
}

pub(crate) fn reciprocal(x: &NodeRef, at: At) -> NodeRef {
    if !infer::is_error(x) && x.dtype.is_complex() {
        return complex::functions::reciprocal(x, at);
    }
    let m = Make(at);
    m.binary(BinaryOp::Div, &m.number(x, 1.0), x)
}

/// NaN stays NaN; both zeros give 0.
pub(crate) fn sign(x: &NodeRef, at: At) -> NodeRef {
    let m = Make(at);
    let zero = m.number(x, 0.0);
    let rest = m.select(&m.binary(BinaryOp::Eq, x, &zero), &zero, x);
    let rest = if x.dtype.is_signed() { m.select(&m.binary(BinaryOp::Lt, x, &zero), &m.number(x, -1.0), &rest) } else { rest };
    m.select(&m.binary(BinaryOp::Gt, x, &zero), &m.number(x, 1.0), &rest)
}

/// Both parts of complex numbers changed in one way.
pub(crate) fn part_by_part(x: &NodeRef, f: impl Fn(&NodeRef) -> NodeRef, at: At) -> NodeRef {
    if infer::is_error(x) {
        return x.clone();
    }
    let [re, im] = [ComplexOp::Real, ComplexOp::Imag].map(|part| f(&complex::apply(part, x, at)));
    complex::pair(&re, &im, at)
}

/// What is asked of each part of a complex number, combined.
fn of_parts(op: BinaryOp, x: &NodeRef, f: fn(&NodeRef, At) -> NodeRef, at: At) -> NodeRef {
    let [re, im] = [ComplexOp::Real, ComplexOp::Imag].map(|part| f(&complex::apply(part, x, at), at));
    infer::binary(op, &re, &im, at)
}

pub(crate) fn is_infinite(x: &NodeRef, at: At) -> NodeRef {
    let m = Make(at);
    if !infer::is_error(x) && x.dtype.is_complex() {
        return of_parts(BinaryOp::Or, x, is_infinite, at);
    }
    m.with(BinaryOp::Eq, &m.unary(UnaryOp::Abs, x), f64::INFINITY)
}

pub(crate) fn is_finite(x: &NodeRef, at: At) -> NodeRef {
    let m = Make(at);
    if !infer::is_error(x) && x.dtype.is_complex() {
        return of_parts(BinaryOp::And, x, is_finite, at);
    }
    m.with(BinaryOp::Lt, &m.unary(UnaryOp::Abs, x), f64::INFINITY)
}

/// The product with a ratio, which as in NumPy is that of two numbers of the type, and not always the nearest one: 180 / pi is not in
/// `f32`.
fn scaled(x: &NodeRef, [above, below]: [f64; 2], at: At) -> NodeRef {
    if let Some(bad) = complex::refused("a conversion of angles", x, at) {
        return bad;
    }
    in_single(x, at, |x| {
        let ratio = if x.dtype == DType::F32 { f64::from(above as f32 / below as f32) } else { above / below };
        Make(at).with(BinaryOp::Mul, x, ratio)
    })
}

pub(crate) fn to_radians(x: &NodeRef, at: At) -> NodeRef {
    scaled(x, [std::f64::consts::PI, 180.0], at)
}

pub(crate) fn to_degrees(x: &NodeRef, at: At) -> NodeRef {
    scaled(x, [180.0, std::f64::consts::PI], at)
}

/// The fraction and the integral part, both with the sign of x; of infinities the fraction is 0.
pub(crate) fn modf(x: &NodeRef, at: At) -> (NodeRef, NodeRef) {
    if let Some(bad) = complex::refused("modf", x, at) {
        return (bad.clone(), bad);
    }
    let m = Make(at);
    let whole = m.unary(UnaryOp::Trunc, x);
    let rest = m.binary(BinaryOp::Sub, x, &whole);
    let rest = m.select(&is_infinite(x, at), &m.number(x, 0.0), &rest);
    (m.binary(BinaryOp::Copysign, &rest, x), whole)
}

/// x 2^n of any integer n, rounded once. In `f64`, by products with powers of two, of which the last alone may round.
pub(crate) fn ldexp(x: &NodeRef, n: &NodeRef, at: At) -> NodeRef {
    let m = Make(at);
    // The sum of the widths of all exponents is below 2200: more of either sign leads to the same zeros and infinities.
    let (wide, n) = (infer::cast(x, DType::F64, at), infer::cast(n, DType::F64, at));
    let n = m.with(BinaryOp::Min, &m.with(BinaryOp::Max, &n, -2200.0), 2200.0);
    if x.dtype == DType::F32 || x.dtype.is_half() {
        // Below 2^400 and above 2^-400 every product is exact, and the casts round it; x is 0, infinite, or from 2^-149 to 2^128.
        let n = m.with(BinaryOp::Min, &m.with(BinaryOp::Max, &n, -400.0), 400.0);
        let single = infer::cast(&m.binary(BinaryOp::Mul, &wide, &m.unary(UnaryOp::Exp2, &n)), DType::F32, at);
        return infer::cast(&single, x.dtype, at);
    }
    // A small x is made a normal number first. Of n, a third at a time: a result that is not normal is 2^-1075 or more, so that
    // what it was before the last third, by 2^200 larger, is normal, and no product before the last is rounded.
    let small = m.with(BinaryOp::Lt, &m.unary(UnaryOp::Abs, &wide), 1.0);
    let wide = m.select(&small, &m.with(BinaryOp::Mul, &wide, 2f64.powi(600)), &wide);
    let n = m.select(&small, &m.with(BinaryOp::Sub, &n, 600.0), &n);
    let third = m.unary(UnaryOp::Trunc, &m.with(BinaryOp::Mul, &n, 1.0 / 3.0));
    let rest = m.binary(BinaryOp::Sub, &m.binary(BinaryOp::Sub, &n, &third), &third);
    let (power, last) = (m.unary(UnaryOp::Exp2, &third), m.unary(UnaryOp::Exp2, &rest));
    let twice = m.binary(BinaryOp::Mul, &m.binary(BinaryOp::Mul, &wide, &power), &power);
    m.binary(BinaryOp::Mul, &twice, &last)
}

/// A number from 1/2 to 1, with the sign of x, and the power of two that makes it x, as `i32`; of 0, infinities and NaN they are
/// x and 0. In `f64`: the distance to the next number is a power of two.
pub(crate) fn frexp(x: &NodeRef, at: At) -> (NodeRef, NodeRef) {
    if let Some(bad) = complex::refused("frexp", x, at) {
        return (bad.clone(), bad);
    }
    let m = Make(at);
    let wide = infer::cast(x, DType::F64, at);
    // Neither the number nor what follows it leaves the range of normal numbers.
    let small = m.with(BinaryOp::Lt, &m.unary(UnaryOp::Abs, &wide), 1.0);
    let scale = m.select(&small, &m.number(&wide, 2f64.powi(200)), &m.number(&wide, 2f64.powi(-200)));
    let normal = m.binary(BinaryOp::Mul, &wide, &scale);
    let spacing = m.unary(UnaryOp::Spacing, &m.unary(UnaryOp::Abs, &normal));
    let mantissa = m.with(BinaryOp::Mul, &m.binary(BinaryOp::Div, &normal, &spacing), 2f64.powi(-53));
    let scaled = m.select(&small, &m.number(&wide, 53.0 - 200.0), &m.number(&wide, 53.0 + 200.0));
    let power = m.binary(BinaryOp::Add, &m.unary(UnaryOp::Log2, &spacing), &scaled);
    let some = m.binary(BinaryOp::And, &is_finite(&wide, at), &m.with(BinaryOp::Ne, &wide, 0.0));
    let mantissa = infer::cast(&m.select(&some, &mantissa, &wide), x.dtype, at);
    (mantissa, infer::cast(&m.select(&some, &power, &m.number(&wide, 0.0)), DType::I32, at))
}

/// With numbers in the place of NaN and infinities; these are the largest numbers of the type where nothing is given.
pub(crate) fn nan_to_num(x: &NodeRef, nan: f64, high: Option<f64>, low: Option<f64>, at: At) -> NodeRef {
    let m = Make(at);
    let most = match x.dtype {
        DType::F16 => 65504.0,
        DType::BF16 => f64::from(f32::from_bits(0x7f7f_0000)),
        DType::F32 => f64::from(f32::MAX),
        _ => f64::MAX,
    };
    let y = m.select(&m.with(BinaryOp::Eq, x, f64::INFINITY), &m.number(x, high.unwrap_or(most)), x);
    let y = m.select(&m.with(BinaryOp::Eq, x, f64::NEG_INFINITY), &m.number(x, low.unwrap_or(-most)), &y);
    m.select(&m.unary(UnaryOp::IsNan, x), &m.number(x, nan), &y)
}

/// How far from `y` is close to it.
pub(crate) fn tolerance(y: &NodeRef, relative: f64, absolute: f64, at: At) -> NodeRef {
    let m = Make(at);
    m.with(BinaryOp::Add, &m.with(BinaryOp::Mul, &m.unary(UnaryOp::Abs, y), relative), absolute)
}

/// NumPy's `isclose`, of which an infinity is close to itself alone; all in one type.
pub(crate) fn is_close(x: &NodeRef, y: &NodeRef, limit: &NodeRef, at: At) -> NodeRef {
    let m = Make(at);
    let distance = m.unary(UnaryOp::Abs, &m.binary(BinaryOp::Sub, x, y));
    let near = m.binary(BinaryOp::And, &m.binary(BinaryOp::Le, &distance, limit), &is_finite(y, at));
    m.binary(BinaryOp::Or, &near, &m.binary(BinaryOp::Eq, x, y))
}

/// To so many decimals, halves to even: by way of the product with a power of ten, as in NumPy.
pub(crate) fn round_to(x: &NodeRef, decimals: i32, at: At) -> NodeRef {
    let m = Make(at);
    if decimals == 0 {
        return m.unary(UnaryOp::Rint, x);
    }
    // The nearest number, which a product of tens is not.
    let power: f64 = format!("1e{}", decimals.unsigned_abs()).parse().expect("a number");
    let (there, back) = if decimals > 0 { (BinaryOp::Mul, BinaryOp::Div) } else { (BinaryOp::Div, BinaryOp::Mul) };
    m.with(back, &m.unary(UnaryOp::Rint, &m.with(there, x, power)), power)
}

/// How many bits of the magnitude are set, as `u8`: sums of neighbouring fields, each twice as wide as those before.
pub(crate) fn bit_count(x: &NodeRef, at: At) -> NodeRef {
    let m = Make(at);
    // The least number's magnitude is one as an unsigned number only.
    let unsigned = match x.dtype.size() {
        1 => DType::U8,
        2 => DType::U16,
        4 => DType::U32,
        _ => DType::U64,
    };
    let x = infer::cast(&infer::cast(&m.unary(UnaryOp::Abs, x), unsigned, at), DType::U64, at);
    let number = |value: u64| infer::constant(Scalar::U64(value), at);
    let down = |x: &NodeRef, count: u64| m.binary(BinaryOp::Shr, x, &number(count));
    let of = |x: &NodeRef, mask: u64| m.binary(BinaryOp::And, x, &number(mask));
    let twos = m.binary(BinaryOp::Sub, &x, &of(&down(&x, 1), 0x5555_5555_5555_5555));
    let fours = m.binary(BinaryOp::Add, &of(&twos, 0x3333_3333_3333_3333), &of(&down(&twos, 2), 0x3333_3333_3333_3333));
    let bytes = of(&m.binary(BinaryOp::Add, &fours, &down(&fours, 4)), 0x0f0f_0f0f_0f0f_0f0f);
    let sum = [8, 16, 32].into_iter().fold(bytes, |sum, count| m.binary(BinaryOp::Add, &sum, &down(&sum, count)));
    infer::cast(&of(&sum, 0x7f), DType::U8, at)
}

/// What typed expressions do in place of converting.
pub(crate) fn as_it_is(x: &NodeRef, _: At) -> NodeRef {
    x.clone()
}

/// The methods, of which `$convert` makes the operand a float, with results of this type, of `$Truth` and of `$Exponent`.
macro_rules! composite_methods {
    ($convert:path, $Truth:ty, $Exponent:ty) => {
        composite_methods! { @rows $convert;
            /// 1 over the element.
            reciprocal -> Self;
            /// True where the element is an infinity.
            #[doc(alias = "isinf")]
            is_infinite -> $Truth;
            /// True where the element is neither an infinity nor NaN.
            #[doc(alias = "isfinite")]
            is_finite -> $Truth;
            /// Degrees of an angle in radians.
            #[doc(alias = "rad2deg")]
            #[doc(alias = "degrees")]
            to_degrees -> Self;
            /// Radians of an angle in degrees.
            #[doc(alias = "deg2rad")]
            #[doc(alias = "radians")]
            to_radians -> Self;
        }

        /// The fraction and the integral part, both with the element's sign; of infinities the fraction is 0.
        #[doc(alias = "fract")]
        #[track_caller]
        pub fn modf(&self) -> (Self, Self) {
            let site = Some(Site::caller());
            let (fraction, whole) = composite::modf(&$convert(&self.node, site), site);
            (Self::from_node(fraction), Self::from_node(whole))
        }

        /// The number from 1/2 to 1, with the element's sign, and the power of two whose product the element is: exact, and the second
        /// an `i32`. Of zeros, infinities and NaN they are the element and 0.
        #[track_caller]
        pub fn frexp(&self) -> (Self, $Exponent) {
            let site = Some(Site::caller());
            let (mantissa, exponent) = composite::frexp(&$convert(&self.node, site), site);
            (Self::from_node(mantissa), <$Exponent>::from_node(exponent))
        }
    };
    (@rows $convert:path; $( $(#[$doc:meta])* $name:ident -> $Out:ty; )*) => { $(
        $(#[$doc])*
        #[track_caller]
        pub fn $name(&self) -> $Out {
            let site = Some(Site::caller());
            <$Out>::from_node(composite::$name(&$convert(&self.node, site), site))
        }
    )* };
}
pub(crate) use composite_methods;
