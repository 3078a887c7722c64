//! Python's scalars, computed while the text is read.
//!
//! `2**-1`, `1 << 20` and `7 // 2` mean what they mean in Python: integers are exact, `/` gives a float, `//` and `%` round
//! down. Integers past 128 bits are an error, where Python would go on. Next to an array such a scalar is weak: it takes the
//! array's element type.

use std::cmp::Ordering;

use num_complex::Complex;

use crate::dtype::Scalar;
use crate::error::ErrorKind;
use crate::ops::BinaryOp;

use super::ast::{Prefix, symbol};

/// A `bool`, `int`, `float` or `complex` of Python.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Py {
    Bool(bool),
    Int(i128),
    Float(f64),
    Complex(Complex<f64>),
}

/// Why there is no value: Python's exception in words.
pub(crate) type Refusal = (ErrorKind, String);

fn refuse<T>(kind: ErrorKind, message: impl Into<String>) -> Result<T, Refusal> {
    Err((kind, message.into()))
}

fn exact(x: Option<i128>) -> Result<Py, Refusal> {
    match x {
        Some(x) => Ok(Py::Int(x)),
        None => refuse(ErrorKind::Unsupported, "the result does not fit in 128 bits"),
    }
}

impl Py {
    /// Python's name of the type.
    pub fn type_name(self) -> &'static str {
        match self {
            Py::Bool(_) => "bool",
            Py::Int(_) => "int",
            Py::Float(_) => "float",
            Py::Complex(_) => "complex",
        }
    }

    /// The value as an integer; none for others.
    pub fn as_int(self) -> Option<i128> {
        match self {
            Py::Bool(x) => Some(x.into()),
            Py::Int(x) => Some(x),
            Py::Float(_) | Py::Complex(_) => None,
        }
    }

    /// The value as a float, rounded to nearest; the real part of a complex one.
    pub fn to_f64(self) -> f64 {
        match self {
            Py::Bool(x) => x.into(),
            Py::Int(x) => x as f64,
            Py::Float(x) => x,
            Py::Complex(z) => z.re,
        }
    }

    /// The value as a complex number.
    fn to_complex(self) -> Complex<f64> {
        match self {
            Py::Complex(z) => z,
            real => Complex::new(real.to_f64(), 0.0),
        }
    }

    /// `-x`, `+x`, `~x`.
    pub fn unary(self, op: Prefix) -> Result<Py, Refusal> {
        if let Py::Complex(z) = self {
            return match op {
                Prefix::Neg => Ok(Py::Complex(Complex::new(-z.re, -z.im))),
                Prefix::Pos => Ok(self),
                Prefix::Invert => refuse(ErrorKind::DType, "`~` is not defined on a complex number"),
            };
        }
        match (op, self.as_int()) {
            (Prefix::Neg, Some(x)) => exact(x.checked_neg()),
            (Prefix::Pos, Some(x)) => Ok(Py::Int(x)),
            (Prefix::Invert, Some(x)) => Ok(Py::Int(!x)),
            (Prefix::Neg, None) => Ok(Py::Float(-self.to_f64())),
            (Prefix::Pos, None) => Ok(self),
            (Prefix::Invert, None) => refuse(ErrorKind::DType, "`~` is not defined on a float"),
        }
    }

    /// `self op other`.
    pub fn binary(self, op: BinaryOp, other: Py) -> Result<Py, Refusal> {
        if matches!(self, Py::Complex(_)) || matches!(other, Py::Complex(_)) {
            return complexes(op, self.to_complex(), other.to_complex());
        }
        if op.is_comparison() {
            let order = compare(self, other);
            return Ok(Py::Bool(match op {
                BinaryOp::Eq => order == Some(Ordering::Equal),
                BinaryOp::Ne => order != Some(Ordering::Equal),
                BinaryOp::Lt => order == Some(Ordering::Less),
                BinaryOp::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                BinaryOp::Gt => order == Some(Ordering::Greater),
                _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            }));
        }
        if let (Py::Bool(a), Py::Bool(b)) = (self, other) {
            match op {
                BinaryOp::And => return Ok(Py::Bool(a & b)),
                BinaryOp::Or => return Ok(Py::Bool(a | b)),
                BinaryOp::Xor => return Ok(Py::Bool(a ^ b)),
                _ => {}
            }
        }
        match (self.as_int(), other.as_int()) {
            (Some(a), Some(b)) => ints(op, a, b),
            _ => floats(op, self.to_f64(), other.to_f64()),
        }
    }
}

/// Exact, also between an integer and a float that cannot hold it. None for NaN.
fn compare(a: Py, b: Py) -> Option<Ordering> {
    match (a.as_int(), b.as_int()) {
        (Some(x), Some(y)) => Some(x.cmp(&y)),
        (Some(x), None) => int_with_float(x, b.to_f64()),
        (None, Some(y)) => int_with_float(y, a.to_f64()).map(Ordering::reverse),
        (None, None) => a.to_f64().partial_cmp(&b.to_f64()),
    }
}

fn int_with_float(x: i128, y: f64) -> Option<Ordering> {
    // 2^127: at and above it no i128 reaches.
    const LIMIT: f64 = 170141183460469231731687303715884105728.0;
    if y.is_nan() {
        None
    } else if y >= LIMIT {
        Some(Ordering::Less)
    } else if y < -LIMIT {
        Some(Ordering::Greater)
    } else {
        let below = y.floor();
        Some(x.cmp(&(below as i128)).then(if y > below { Ordering::Less } else { Ordering::Equal }))
    }
}

fn ints(op: BinaryOp, a: i128, b: i128) -> Result<Py, Refusal> {
    let divides = matches!(op, BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Rem);
    if divides && b == 0 {
        return refuse(ErrorKind::DType, "division by zero");
    }
    match op {
        BinaryOp::Add => exact(a.checked_add(b)),
        BinaryOp::Sub => exact(a.checked_sub(b)),
        BinaryOp::Mul => exact(a.checked_mul(b)),
        BinaryOp::Div => Ok(Py::Float(true_divide(a, b))),
        BinaryOp::FloorDiv => exact(a.checked_div(b).map(|q| if q * b != a && (a < 0) != (b < 0) { q - 1 } else { q })),
        BinaryOp::Rem => {
            let r = a.checked_rem(b).unwrap_or(0);
            Ok(Py::Int(if r != 0 && (r < 0) != (b < 0) { r + b } else { r }))
        }
        BinaryOp::Pow if b < 0 => floats(op, a as f64, b as f64),
        BinaryOp::Pow => match (a, u32::try_from(b)) {
            (0 | 1, _) => Ok(Py::Int(if b == 0 { 1 } else { a })),
            (-1, _) => Ok(Py::Int(if b % 2 == 0 { 1 } else { -1 })),
            (_, Ok(b)) => exact(a.checked_pow(b)),
            (_, Err(_)) => exact(None),
        },
        BinaryOp::And => Ok(Py::Int(a & b)),
        BinaryOp::Or => Ok(Py::Int(a | b)),
        BinaryOp::Xor => Ok(Py::Int(a ^ b)),
        BinaryOp::Shl | BinaryOp::Shr if b < 0 => refuse(ErrorKind::DType, "negative shift count"),
        BinaryOp::Shl if a == 0 => Ok(Py::Int(0)),
        BinaryOp::Shl => exact(if b < 127 { 1i128.checked_shl(b as u32).and_then(|p| a.checked_mul(p)) } else { None }),
        BinaryOp::Shr => Ok(Py::Int(a >> b.min(127))),
        _ => refuse(ErrorKind::DType, format!("`{}` is not defined between two ints", symbol(op))),
    }
}

/// The quotient, correctly rounded, as CPython computes it: enough bits by long division, the rest in a sticky bit.
fn true_divide(a: i128, b: i128) -> f64 {
    let (x, y) = (a.unsigned_abs(), b.unsigned_abs());
    let (mut q, mut r, mut scale) = (x / y, x % y, 0i32);
    while r != 0 && q < 1 << 64 {
        // r < y <= 2^127, so neither doubling overflows.
        r <<= 1;
        q = q << 1 | u128::from(r >= y);
        if r >= y {
            r -= y;
        }
        scale += 1;
    }
    // At least 64 bits, or exact: the last bit may stand for all that follow.
    let magnitude = (q | u128::from(r != 0)) as f64 * 2f64.powi(-scale);
    if (a < 0) != (b < 0) { -magnitude } else { magnitude }
}

fn floats(op: BinaryOp, x: f64, y: f64) -> Result<Py, Refusal> {
    if matches!(op, BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Rem) && y == 0.0 {
        return refuse(ErrorKind::DType, "division by zero");
    }
    Ok(Py::Float(match op {
        BinaryOp::Add => x + y,
        BinaryOp::Sub => x - y,
        BinaryOp::Mul => x * y,
        BinaryOp::Div => x / y,
        BinaryOp::FloorDiv => floor_divmod(x, y).0,
        BinaryOp::Rem => floor_divmod(x, y).1,
        BinaryOp::Pow => {
            if x == 0.0 && y < 0.0 {
                return refuse(ErrorKind::DType, "zero to a negative power");
            }
            if x < 0.0 && x.is_finite() && y.is_finite() && y != y.floor() {
                return refuse(ErrorKind::Unsupported, "a fractional power of a negative number is complex");
            }
            let p = x.powf(y);
            if p.is_infinite() && x.is_finite() && y.is_finite() {
                return refuse(ErrorKind::DType, "the power does not fit in a float");
            }
            p
        }
        _ => {
            return refuse(ErrorKind::DType, format!("`{}` is not defined on a float", symbol(op)));
        }
    }))
}

/// CPython's arithmetic of complex numbers; the quotient is Smith's.
fn complexes(op: BinaryOp, x: Complex<f64>, y: Complex<f64>) -> Result<Py, Refusal> {
    let (a, b, c, d) = (x.re, x.im, y.re, y.im);
    Ok(Py::Complex(match op {
        BinaryOp::Eq => return Ok(Py::Bool(x == y)),
        BinaryOp::Ne => return Ok(Py::Bool(x != y)),
        BinaryOp::Add => Complex::new(a + c, b + d),
        BinaryOp::Sub => Complex::new(a - c, b - d),
        BinaryOp::Mul => Complex::new(a * c - b * d, a * d + b * c),
        BinaryOp::Div if c == 0.0 && d == 0.0 => return refuse(ErrorKind::DType, "division by zero"),
        BinaryOp::Div if c.abs() >= d.abs() => {
            let ratio = d / c;
            let denominator = c + d * ratio;
            Complex::new((a + b * ratio) / denominator, (b - a * ratio) / denominator)
        }
        BinaryOp::Div if d.abs() >= c.abs() => {
            let ratio = c / d;
            let denominator = c * ratio + d;
            Complex::new((a * ratio + b) / denominator, (b * ratio - a) / denominator)
        }
        // One part of the divisor is NaN.
        BinaryOp::Div => Complex::new(f64::NAN, f64::NAN),
        BinaryOp::Pow => return refuse(ErrorKind::Unsupported, "`**` between two scalars of which one is complex"),
        _ => return refuse(ErrorKind::DType, format!("`{}` is not defined on a complex number", symbol(op))),
    }))
}

/// CPython's `divmod` of floats: the remainder is exact and has the divisor's sign, the quotient is rounded down.
fn floor_divmod(x: f64, y: f64) -> (f64, f64) {
    let mut rem = x % y;
    let mut div = (x - rem) / y;
    if rem != 0.0 {
        if (y < 0.0) != (rem < 0.0) {
            rem += y;
            div -= 1.0;
        }
    } else {
        rem = 0f64.copysign(y);
    }
    if div != 0.0 {
        let below = div.floor();
        div = if div - below > 0.5 { below + 1.0 } else { below };
    } else {
        div = 0f64.copysign(x / y);
    }
    (div, rem)
}

/// Prints as Python would.
impl std::fmt::Display for Py {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Py::Bool(true) => f.write_str("True"),
            Py::Bool(false) => f.write_str("False"),
            Py::Int(x) => write!(f, "{x}"),
            Py::Float(x) => write!(f, "{x:?}"),
            Py::Complex(z) => write!(f, "{}", Scalar::from(*z)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Py {
        match text {
            "True" => Py::Bool(true),
            "False" => Py::Bool(false),
            _ if text.contains(['.', 'e', 'n']) => Py::Float(text.parse().unwrap()),
            _ => Py::Int(text.parse().unwrap()),
        }
    }

    /// `left op right = result`, recorded from CPython 3; `!` where it raises.
    #[test]
    fn arithmetic_is_pythons() {
        let ops = [
            ("+", BinaryOp::Add),
            ("-", BinaryOp::Sub),
            ("*", BinaryOp::Mul),
            ("/", BinaryOp::Div),
            ("//", BinaryOp::FloorDiv),
            ("%", BinaryOp::Rem),
            ("**", BinaryOp::Pow),
            ("&", BinaryOp::And),
            ("|", BinaryOp::Or),
            ("^", BinaryOp::Xor),
            ("<<", BinaryOp::Shl),
            (">>", BinaryOp::Shr),
            ("==", BinaryOp::Eq),
            ("!=", BinaryOp::Ne),
            ("<", BinaryOp::Lt),
            ("<=", BinaryOp::Le),
            (">", BinaryOp::Gt),
            (">=", BinaryOp::Ge),
        ];
        let mut seen = 0;
        for line in include_str!("testdata/scalars.txt").lines().filter(|l| !l.starts_with('#')) {
            let [a, op, b, "=", want] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let op = ops.iter().find(|(name, _)| *name == op).unwrap().1;
            let got = read(a).binary(op, read(b));
            match want {
                "!" => assert!(got.is_err(), "{line}: {got:?}"),
                _ => {
                    let (got, want) = (got.unwrap_or_else(|e| panic!("{line}: {}", e.1)), read(want));
                    let same_bits = got.to_f64().to_bits() == want.to_f64().to_bits() || got.to_f64().is_nan() && want.to_f64().is_nan();
                    assert!(got.type_name() == want.type_name() && same_bits && got.as_int() == want.as_int(), "{line}: {got}");
                }
            }
            seen += 1;
        }
        assert!(seen > 1000);
    }

    #[test]
    fn signs() {
        assert_eq!(Py::Bool(true).unary(Prefix::Neg), Ok(Py::Int(-1)));
        assert_eq!(Py::Bool(true).unary(Prefix::Invert), Ok(Py::Int(-2)));
        assert_eq!(Py::Float(2.5).unary(Prefix::Neg), Ok(Py::Float(-2.5)));
        assert!(Py::Float(2.5).unary(Prefix::Invert).is_err());
        assert!(Py::Int(i128::MIN).unary(Prefix::Neg).is_err());
    }
}
