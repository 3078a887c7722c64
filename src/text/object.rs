//! The values of a program, what they convert to, and the operators between them.

use std::rc::Rc;
use std::sync::Arc;

use super::ast::{Prefix, symbol};
use super::diagnostic::{Mistake, Span};
use super::functions::Function;
use super::lists;
use super::memory::{Array, Held};
use super::select::{self, Selected};
use super::value::Py;
use crate::dtype::{DType, Scalar};
use crate::error::ErrorKind;
use crate::expr::infer::size_of;
use crate::expr::{DynExpr, DynOperand, Weak};
use crate::ops::{BinaryOp, UnaryOp};
use crate::size::Size;

/// What a part of a program stands for.
#[derive(Clone)]
pub(super) enum Value {
    Array(Array),
    /// The elements of an array at a mask.
    Selected(Rc<Selected>),
    Scalar(Py),
    /// An extent that is known when arrays are bound; an int in Python.
    Size(Size),
    None,
    Ellipsis,
    Str(Arc<str>),
    DType(DType),
    /// Holds no tuples or lists that hold such.
    Tuple(Arc<[Value]>),
    /// Holds no tuples or lists that hold such. NumPy takes it for a tuple in a shape, but not between the brackets of a subscript.
    List(Arc<[Value]>),
    Function(&'static Function),
    /// A function with its first argument.
    Method(Box<Value>, &'static Function),
    /// `np`
    Module,
}

/// NumPy's own limit.
const MAX_RANK: usize = 64;
/// Longest tuple: far beyond what names axes or extents.
const MAX_TUPLE: usize = 1024;

pub(super) fn tuple(values: Vec<Value>, span: Span) -> Result<Value, Mistake> {
    if values.len() > MAX_TUPLE {
        return Err(Mistake::new(ErrorKind::Unsupported, span, format!("a tuple of {} values; {MAX_TUPLE} is the most", values.len())));
    }
    Ok(Value::Tuple(values.into()))
}

/// An array that an operation made, or its mistake with the place to blame.
pub(super) fn array(x: DynExpr<'static>, blame: Span) -> Result<Value, Mistake> {
    x.check().map_err(|e| Mistake::from_error(&e, blame))?;
    if x.ndim() > MAX_RANK {
        let message = format!("an array of {} axes; {MAX_RANK} is the most", x.ndim());
        return Err(Mistake::new(ErrorKind::Unsupported, blame, message));
    }
    Ok(Value::Array(Array::new(x)))
}

/// A number that Python would have.
pub(super) fn number(x: DynExpr<'static>) -> Value {
    let mut x = Array::new(x);
    x.held = Held::Python;
    Value::Array(x)
}

/// True for a number of Python's that is known when arrays are bound, or computed.
fn is_number(value: &Value) -> bool {
    matches!(value, Value::Size(_) | Value::Array(Array { held: Held::Python, .. }))
}

/// The result of an operation of Python's numbers alone is one of them.
fn number_if(all: bool, made: Result<Value, Mistake>) -> Result<Value, Mistake> {
    match made? {
        Value::Array(x) if all => Ok(number(x.expr)),
        other => Ok(other),
    }
}

/// The value as an array with an element type of its own: Python's scalars are `bool`, `i64`, `f64` and `c128`, as in NumPy.
pub(super) fn to_array(value: &Value, span: Span, what: &str) -> Result<DynExpr<'static>, Mistake> {
    match value {
        Value::Array(x) => Ok(x.expr.clone()),
        Value::Selected(x) => Err(x.refused()),
        Value::Scalar(Py::Bool(x)) => Ok(Scalar::Bool(*x).into()),
        Value::Scalar(Py::Float(x)) => Ok(Scalar::F64(*x).into()),
        Value::Scalar(Py::Complex(z)) => Ok(Scalar::C128(*z).into()),
        Value::Scalar(Py::Int(x)) => match i64::try_from(*x) {
            Ok(x) => Ok(Scalar::I64(x).into()),
            Err(_) => Err(Mistake::new(ErrorKind::DType, span, format!("{x} does not fit in i64"))),
        },
        Value::Size(size) => Ok(DynExpr::from_node(size_of(size.clone(), None))),
        other => Err(Mistake::new(ErrorKind::DType, span, format!("{what} must be an array, not {}", describe(other)))),
    }
}

/// The value as an operand: Python's scalars are weak.
pub(super) fn to_operand(value: &Value, span: Span, what: &str) -> Result<DynOperand<'static>, Mistake> {
    Ok(match value {
        Value::Scalar(Py::Bool(x)) => DynOperand::Weak(Weak::Bool(*x)),
        Value::Scalar(Py::Int(x)) => DynOperand::Weak(Weak::Int(*x)),
        Value::Scalar(Py::Float(x)) => DynOperand::Weak(Weak::Float(*x)),
        Value::Scalar(Py::Complex(z)) => DynOperand::Weak(Weak::Complex(*z)),
        other => DynOperand::Expr(like_array(other, span, what)?),
    })
}

/// The value as an array, also of a list or tuple.
pub(super) fn like_array(value: &Value, span: Span, what: &str) -> Result<DynExpr<'static>, Mistake> {
    match value {
        Value::Tuple(_) | Value::List(_) => lists::array(value, None, span),
        other => to_array(other, span, what),
    }
}

/// Two operands of one operation. A number of Python's that is not known yet is weak too: beside an array of its kind of number, or of
/// one above, it takes the array's type.
pub(super) fn to_operands(
    a: &Value,
    b: &Value,
    spans: (Span, Span),
    what: &str,
) -> Result<(DynOperand<'static>, DynOperand<'static>), Mistake> {
    let one = |x: &Value, other: &Value, span: Span| match other {
        Value::Array(y) if is_number(x) && !is_number(other) => {
            let x = to_array(x, span, what)?;
            let floats = |d: DType| d.is_float() || d.is_complex();
            let takes = if x.dtype().is_float() { floats(y.dtype()) } else { x.dtype() != DType::Bool && y.dtype() != DType::Bool };
            Ok(DynOperand::Expr(if takes { x.astype(y.dtype()) } else { x }))
        }
        _ => to_operand(x, span, what),
    };
    Ok((one(a, b, spans.0)?, one(b, a, spans.1)?))
}

/// What a value is, for messages.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::Array(x) => format!("an array {}{}", x.dtype(), x.shape()),
        Value::Selected(x) => format!("the elements of an array {}{} at a mask", x.full.dtype(), x.full.shape()),
        Value::Scalar(x) => format!("the {} {x}", x.type_name()),
        Value::Size(s) => format!("the extent {s}"),
        Value::None => "None".into(),
        Value::Ellipsis => "`...`".into(),
        Value::Str(_) => "a string".into(),
        Value::DType(d) => format!("the element type {d}"),
        Value::Tuple(_) => "a tuple".into(),
        Value::List(_) => "a list".into(),
        Value::Function(f) => format!("the function `{}`", f.name),
        Value::Method(_, f) => format!("the method `{}`", f.name),
        Value::Module => "the module `np`".into(),
    }
}

pub(super) fn not_an_int(what: &str, value: &Value, span: Span) -> Mistake {
    let mistake = |kind, message: String| Mistake::new(kind, span, message);
    match value {
        Value::Size(s) => mistake(ErrorKind::Unsupported, format!("{what} must be known before arrays are bound; `{s}` is not")),
        Value::Array(_) | Value::Selected(_) => mistake(ErrorKind::Unsupported, format!("{what} must be an integer, not an array")),
        other => mistake(ErrorKind::DType, format!("{what} must be an integer, not {}", describe(other))),
    }
}

pub(super) fn unary(op: Prefix, a: Value, at: Span) -> Result<Value, Mistake> {
    let sign = match op {
        Prefix::Neg => "-",
        Prefix::Pos => "+",
        Prefix::Invert => "~",
    };
    match (op, &a) {
        (_, Value::Selected(x)) => x.map(|full| unary(op, full, at)),
        (_, Value::Array(x)) if x.held == Held::Python => number_if(true, unary(op, Value::Array(Array::new(x.expr.clone())), at)),
        (_, Value::Scalar(x)) => x.unary(op).map(Value::Scalar).map_err(|(kind, message)| Mistake::new(kind, at, message)),
        (Prefix::Pos, Value::Size(_)) => Ok(a),
        (Prefix::Pos, Value::Array(x)) if x.dtype() == DType::Bool => Err(Mistake::new(ErrorKind::DType, at, "`+` is not defined on bool")),
        (Prefix::Pos, Value::Array(x)) => array(x.expr.clone(), at),
        (Prefix::Neg, Value::Array(_) | Value::Size(_)) => {
            let x = to_array(&a, at, "the operand")?;
            let bool = x.dtype() == DType::Bool;
            let made = array(x.unary(UnaryOp::Neg), at).map_err(|m| if bool { m.help("`~` is the logical not") } else { m });
            number_if(is_number(&a), made)
        }
        (Prefix::Invert, Value::Array(_) | Value::Size(_)) => {
            let x = to_array(&a, at, "the operand")?;
            let float = x.dtype().is_float();
            array(x.unary(UnaryOp::Not), at)
                .map_err(|m| if float { m.help("`~` takes bool and integers; compare first: `x == 0`") } else { m })
        }
        (_, other) => Err(Mistake::new(ErrorKind::DType, at, format!("`{sign}` is not defined on {}", describe(other)))),
    }
}

/// Sizes of higher degree than this are computed as arrays, when bound.
const MAX_DEGREE: usize = 8;

pub(super) fn binary(op: BinaryOp, a: &Value, b: &Value, at: Span) -> Result<Value, Mistake> {
    let is_operand = |v: &Value| matches!(v, Value::Array(_) | Value::Scalar(_) | Value::Size(_));
    match (a, b) {
        (Value::DType(x), Value::DType(y)) if matches!(op, BinaryOp::Eq | BinaryOp::Ne) => {
            return Ok(Value::Scalar(Py::Bool((x == y) == (op == BinaryOp::Eq))));
        }
        (Value::Array(_) | Value::Selected(_), Value::Tuple(_) | Value::List(_)) => {
            return binary(op, a, &array(lists::array(b, None, at)?, at)?, at);
        }
        (Value::Tuple(_) | Value::List(_), Value::Array(_) | Value::Selected(_)) => {
            return binary(op, &array(lists::array(a, None, at)?, at)?, b, at);
        }
        (Value::Scalar(x), Value::Scalar(y)) => {
            return x.binary(op, *y).map(Value::Scalar).map_err(|(kind, message)| Mistake::new(kind, at, message));
        }
        (Value::Selected(_), _) | (_, Value::Selected(_)) => {
            return select::together(&[a, b], at, |full| binary(op, &full[0], &full[1], at));
        }
        (Value::Tuple(x), Value::Tuple(y)) if op == BinaryOp::Add => return tuple(x.iter().chain(y.iter()).cloned().collect(), at),
        _ if !is_operand(a) || !is_operand(b) => {
            let mistake = format!("`{}` is not defined between {} and {}", symbol(op), describe(a), describe(b));
            let called = matches!(a, Value::Function(_) | Value::Method(..)) || matches!(b, Value::Function(_) | Value::Method(..));
            let mistake = Mistake::new(ErrorKind::DType, at, mistake);
            return Err(if called { mistake.help("functions are called with parentheses: `f(x)`, `x.sum()`") } else { mistake });
        }
        _ => {}
    }
    if let Some(size) = size_arithmetic(op, a, b) {
        return Ok(Value::Size(size));
    }
    let (x, y) = to_operands(a, b, (at, at), "an operand")?;
    let is_float = |v: &Value| matches!(v, Value::Array(x) if x.dtype().is_float()) || matches!(v, Value::Scalar(Py::Float(_)));
    let float = is_float(a) || is_float(b);
    let numbers = |v: &Value| is_number(v) || matches!(v, Value::Scalar(_));
    let made = array(DynExpr::binary(op, x, y), at).map_err(|m| match op {
        BinaryOp::Xor if float => m.help("`^` is exclusive or; a power is written `**`"),
        BinaryOp::And | BinaryOp::Or if float => {
            m.help(format!("`{0}` binds tighter than comparisons: write `(x > 0) {0} (y > 0)`", symbol(op)))
        }
        _ => m,
    });
    number_if(numbers(a) && numbers(b), made)
}

/// Sums, differences, products and quotients of extents and positive ints stay sizes, so that they can name the extents of a shape.
fn size_arithmetic(op: BinaryOp, a: &Value, b: &Value) -> Option<Size> {
    let size = |v: &Value| match v {
        Value::Size(s) => Some(s.clone()),
        Value::Scalar(Py::Int(k)) => u32::try_from(*k).ok().map(|k| Size::from(i64::from(k))),
        _ => None,
    };
    let (x, y) = (size(a)?, size(b)?);
    let out = match op {
        BinaryOp::Add => x.add(&y),
        BinaryOp::Mul if x.magnitude().0 + y.magnitude().0 <= MAX_DEGREE => x.mul(&y),
        // May be below zero, which only bounds of slices may be.
        BinaryOp::Sub => x.sub(&y),
        // The floor, of what is not negative.
        BinaryOp::FloorDiv if y.as_const().is_some_and(|y| y > 0) && x.is_never_negative() => x.div(&y),
        _ => return None,
    };
    Some(out)
}

/// An extent as Python has it.
pub(super) fn extent(size: &Size) -> Value {
    match size.as_const() {
        Some(n) => Value::Scalar(Py::Int(n.into())),
        None => Value::Size(size.clone()),
    }
}
