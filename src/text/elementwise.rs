//! NumPy's functions of elements that are more than one operation.

use super::diagnostic::Mistake;
use super::functions::Call;
use super::library::to_float;
use super::object::{Value, tuple};
use super::select;
use crate::dtype::{DType, Scalar};
use crate::error::ErrorKind;
use crate::expr::{DynExpr, DynOperand, Weak};
use crate::ops::{BinaryOp, ReduceOp};

type Result = std::result::Result<Value, Mistake>;
type Expr = DynExpr<'static>;

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
    c.done(c.array("x")?.square())
}

pub(super) fn reciprocal(c: &Call) -> Result {
    let x = c.array("x")?;
    if !x.dtype().is_float() && !x.dtype().is_complex() {
        let mistake = c.fail(ErrorKind::Unsupported, format!("`reciprocal` of {} would be an integer quotient", x.dtype()));
        return Err(mistake.help("write `1 / x` or `1 // x`"));
    }
    c.done(x.reciprocal())
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
    c.done(x.sign())
}

pub(super) fn round(c: &Call) -> Result {
    let decimals = c.int("decimals")?.clamp(-1000, 1000) as i32;
    c.done(c.array("a")?.round_to(decimals))
}

/// NumPy's `isclose`. A Python number on the left is of the type that the right is compared in.
fn close(c: &Call) -> std::result::Result<Expr, Mistake> {
    let tolerance = |name| c.number(name, c.value(name).0, c.value(name).1);
    let (relative, absolute) = (tolerance("rtol")?, tolerance("atol")?);
    let (x, y) = c.operands("a", "b")?;
    let x = match (x, &y) {
        (DynOperand::Expr(x), _) => x,
        (DynOperand::Weak(Weak::Complex(z)), _) => Scalar::C128(z).into(),
        (DynOperand::Weak(x), DynOperand::Expr(y)) => Scalar::F64(x.to_f64()).cast(to_float(y.clone()).dtype()).into(),
        (DynOperand::Weak(x), DynOperand::Weak(_)) => Scalar::F64(x.to_f64()).into(),
    };
    let close = x.is_close(y, relative, absolute);
    Ok(match c.flag("equal_nan")? {
        false => close,
        true => DynExpr::binary(BinaryOp::Or, close, DynExpr::binary(BinaryOp::And, x.is_nan(), c.array("b")?.is_nan())),
    })
}

pub(super) fn isclose(c: &Call) -> Result {
    c.done(close(c)?)
}

pub(super) fn allclose(c: &Call) -> Result {
    c.done(close(c)?.reduce(ReduceOp::All, ..))
}

pub(super) fn isinf(c: &Call) -> Result {
    c.done(to_float(c.array("x")?).is_infinite())
}

pub(super) fn isfinite(c: &Call) -> Result {
    c.done(to_float(c.array("x")?).is_finite())
}

/// A method of expressions.
pub(super) fn of_one(c: &Call, f: fn(&Expr) -> Expr) -> Result {
    c.done(f(&c.array("x")?))
}

/// What replaces NaN and infinities; integers have none.
pub(super) fn nan_to_num(c: &Call) -> Result {
    if !c.flag("copy")? {
        let mistake = c.fail(ErrorKind::Unsupported, "`nan_to_num` with `copy=False` would overwrite its argument");
        return Err(mistake.help("write `x[...] = nan_to_num(x)`"));
    }
    let x = c.array("x")?;
    let given = |name| match c.value(name) {
        (Value::None, _) => Ok(None),
        (value, span) => c.number(name, value, span).map(Some),
    };
    let (nan, high, low) = (given("nan")?.unwrap_or(0.0), given("posinf")?, given("neginf")?);
    c.done(x.nan_to_num(nan, high, low))
}

pub(super) fn modf(c: &Call) -> Result {
    let (fraction, whole) = c.array("x")?.modf();
    tuple(vec![c.done(fraction)?, c.done(whole)?], c.at)
}

pub(super) fn divmod(c: &Call) -> Result {
    let (x, y) = c.operands("x1", "x2")?;
    let of = |op| c.done(DynExpr::binary(op, x.clone(), y.clone()));
    tuple(vec![of(BinaryOp::FloorDiv)?, of(BinaryOp::Rem)?], c.at)
}

/// A Python int is an array of `i64` here.
pub(super) fn ldexp(c: &Call) -> Result {
    c.done(c.array("x1")?.ldexp(c.array("x2")?))
}

pub(super) fn frexp(c: &Call) -> Result {
    let (mantissa, exponent) = c.array("x")?.frexp();
    tuple(vec![c.done(mantissa)?, c.done(exponent)?], c.at)
}

/// A power of `f64`, whatever the operands are; of `c128` if one is complex.
pub(super) fn float_power(c: &Call) -> Result {
    let (x, y) = c.operands("x1", "x2")?;
    let wide = |x: DynOperand<'static>| -> Expr {
        match x {
            DynOperand::Expr(x) if x.dtype().is_complex() => x.astype(DType::C128),
            DynOperand::Expr(x) => x.astype(DType::F64),
            DynOperand::Weak(Weak::Complex(z)) => Scalar::C128(z).into(),
            // No literal: those have powers of their own.
            DynOperand::Weak(x) => Scalar::F64(x.to_f64()).into(),
        }
    };
    c.done(DynExpr::binary(BinaryOp::Pow, wide(x), wide(y)))
}

pub(super) fn logical(c: &Call, op: BinaryOp) -> Result {
    let (x, y) = (c.array("x1")?, c.operand("x2")?);
    c.done(match op {
        BinaryOp::And => x.logical_and(y),
        BinaryOp::Or => x.logical_or(y),
        _ => x.logical_xor(y),
    })
}
