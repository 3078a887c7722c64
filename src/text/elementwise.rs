//! NumPy's functions of elements that are more than one operation.

use super::diagnostic::Mistake;
use super::functions::Call;
use super::library::to_float;
use super::object::Value;
use super::select;
use crate::dtype::{DType, Scalar};
use crate::error::ErrorKind;
use crate::expr::promote::float_for;
use crate::expr::{DynExpr, DynOperand, Weak};
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};

type Result = std::result::Result<Value, Mistake>;
type Expr = DynExpr<'static>;

const fn int(k: i128) -> DynOperand<'static> {
    DynOperand::Weak(Weak::Int(k))
}

const fn float(x: f64) -> DynOperand<'static> {
    DynOperand::Weak(Weak::Float(x))
}

/// Without values, the indices where the condition is true.
pub(super) fn where_(c: &Call) -> Result {
    match (c.value("x").0, c.value("y").0) {
        (Value::None, Value::None) => select::nonzero(&c.array("condition")?, c.at),
        (Value::None, _) | (_, Value::None) => Err(c.fail(ErrorKind::Name, "`where` takes both values, or neither")),
        _ => {
            let (x, y) = c.operands("x", "y")?;
            c.done(c.array("condition")?.select(x, y))
        }
    }
}

/// `maximum` with the lower bound, then `minimum` with the upper one; either may be `None`.
pub(super) fn clip(c: &Call) -> Result {
    let x = c.array("a")?;
    let bound = |name| match c.value(name) {
        (Value::None, _) => Ok(None),
        _ => c.operand(name).map(Some),
    };
    // NumPy lets a bound be out of the range of the integer type: on its own side it does nothing.
    let idle = |bound: &DynOperand, below: bool| match (bound, x.dtype().int_range()) {
        (DynOperand::Weak(Weak::Int(k)), Some((low, high))) => {
            if below {
                *k <= low
            } else {
                *k >= high
            }
        }
        _ => false,
    };
    c.done(match (bound("a_min")?, bound("a_max")?) {
        (None, None) if x.dtype() == DType::Bool => return Err(c.fail(ErrorKind::DType, "`clip` is not defined on bool")),
        (None, None) => x,
        (Some(low), Some(high)) => x.clip(low, high),
        (Some(low), None) if idle(&low, true) => x,
        (Some(low), None) => DynExpr::binary(BinaryOp::Max, x, low),
        (None, Some(high)) if idle(&high, false) => x,
        (None, Some(high)) => DynExpr::binary(BinaryOp::Min, x, high),
    })
}

pub(super) fn square(c: &Call) -> Result {
    let x = c.array("x")?;
    // As NumPy's integer powers of `bool`.
    let x = if x.dtype() == DType::Bool { x.astype(DType::I8) } else { x };
    c.done(DynExpr::binary(BinaryOp::Mul, &x, &x))
}

pub(super) fn reciprocal(c: &Call) -> Result {
    let x = c.array("x")?;
    if !x.dtype().is_float() {
        let mistake = c.fail(ErrorKind::Unsupported, format!("`reciprocal` of {} would be an integer quotient", x.dtype()));
        return Err(mistake.help("write `1 / x` or `1 // x`"));
    }
    c.done(DynExpr::binary(BinaryOp::Div, int(1), x))
}

pub(super) fn positive(c: &Call) -> Result {
    let x = c.array("x")?;
    if x.dtype() == DType::Bool {
        return Err(c.fail(ErrorKind::DType, "`positive` is not defined on bool"));
    }
    c.done(x)
}

/// NaN stays NaN; both zeros give 0.
pub(super) fn sign(c: &Call) -> Result {
    let x = c.array("x")?;
    if x.dtype() == DType::Bool {
        return Err(c.fail(ErrorKind::DType, "`sign` is not defined on bool"));
    }
    let test = |op| DynExpr::binary(op, &x, int(0));
    let rest = test(BinaryOp::Eq).select(int(0), &x);
    if !x.dtype().is_signed() {
        return c.done(test(BinaryOp::Gt).select(int(1), rest));
    }
    c.done(test(BinaryOp::Gt).select(int(1), test(BinaryOp::Lt).select(int(-1), rest)))
}

/// To so many decimals, halves to even: by way of the product with a power of ten, as in NumPy. Integers stay.
pub(super) fn round(c: &Call) -> Result {
    let (x, decimals) = (c.array("a")?, c.int("decimals")?);
    if x.dtype().is_int() {
        return match decimals {
            0.. => c.done(x),
            _ => Err(c.fail(ErrorKind::Unsupported, "elide rounds integers to no tens").help("convert first: `.astype(f64)`")),
        };
    }
    if decimals == 0 {
        return c.done(x.unary(UnaryOp::Rint));
    }
    let power = float(10f64.powi(decimals.unsigned_abs().min(400) as i32));
    let (there, back) = if decimals > 0 { (BinaryOp::Mul, BinaryOp::Div) } else { (BinaryOp::Div, BinaryOp::Mul) };
    c.done(DynExpr::binary(back, DynExpr::binary(there, x, power.clone()).unary(UnaryOp::Rint), power))
}

/// NumPy's `isclose`, of which an infinity is close to itself alone.
fn close(c: &Call) -> std::result::Result<Expr, Mistake> {
    let (x, y) = (c.array("a")?, to_float(c.array("b")?));
    let tolerance = |name| c.number(name, c.value(name).0, c.value(name).1).map(float);
    let limit = DynExpr::binary(BinaryOp::Mul, y.unary(UnaryOp::Abs), tolerance("rtol")?);
    let limit = DynExpr::binary(BinaryOp::Add, limit, tolerance("atol")?);
    let distance = DynExpr::binary(BinaryOp::Sub, &x, &y).unary(UnaryOp::Abs);
    let finite = DynExpr::binary(BinaryOp::Lt, y.unary(UnaryOp::Abs), float(f64::INFINITY));
    let near = DynExpr::binary(BinaryOp::And, DynExpr::binary(BinaryOp::Le, distance, limit), finite);
    let close = DynExpr::binary(BinaryOp::Or, near, DynExpr::binary(BinaryOp::Eq, &x, &y));
    Ok(match c.flag("equal_nan")? {
        false => close,
        true => {
            let both = DynExpr::binary(BinaryOp::And, x.unary(UnaryOp::IsNan), y.unary(UnaryOp::IsNan));
            DynExpr::binary(BinaryOp::Or, close, both)
        }
    })
}

pub(super) fn isclose(c: &Call) -> Result {
    c.done(close(c)?)
}

pub(super) fn allclose(c: &Call) -> Result {
    c.done(close(c)?.reduce(ReduceOp::All, ..))
}

fn magnitude_against_infinity(c: &Call, op: BinaryOp) -> Result {
    let x = to_float(c.array("x")?);
    c.done(DynExpr::binary(op, x.unary(UnaryOp::Abs), float(f64::INFINITY)))
}

pub(super) fn isinf(c: &Call) -> Result {
    magnitude_against_infinity(c, BinaryOp::Eq)
}

pub(super) fn isfinite(c: &Call) -> Result {
    magnitude_against_infinity(c, BinaryOp::Lt)
}

/// The product with a ratio, in the floating-point type of NumPy's functions of one operand. As in NumPy the ratio is that of
/// two numbers of the type, which is not always the nearest one: 180 / pi is not in `f32`.
pub(super) fn scaled(c: &Call, [above, below]: [f64; 2]) -> Result {
    let x = c.array("x")?;
    let dtype = float_for(x.dtype());
    let wide = dtype.computed_in();
    let number = |x: f64| Scalar::F64(x).cast(wide);
    let ratio = BinaryOp::Div.eval(number(above), number(below)).map_or(above / below, Scalar::to_f64);
    c.done(DynExpr::binary(BinaryOp::Mul, x.astype(wide), float(ratio)).astype(dtype))
}

pub(super) fn logical(c: &Call, op: BinaryOp) -> Result {
    let (x, y) = (c.array("x1")?, c.operand("x2")?);
    c.done(match op {
        BinaryOp::And => x.logical_and(y),
        BinaryOp::Or => x.logical_or(y),
        _ => x.logical_xor(y),
    })
}
