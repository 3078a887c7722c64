//! Lists and tuples of numbers and arrays, as the arrays that NumPy makes of them; and values as elements of an array.

use super::diagnostic::{Mistake, Span};
use super::object::{Value, describe, to_array, to_operand};
use super::value::Py;
use crate::dtype::{DType, Scalar};
use crate::error::ErrorKind;
use crate::expr::node::NodeRef;
use crate::expr::{Axis, DynExpr, Extent, Weak, pieces, promote};

/// The most elements of a list: each is a piece of the array that they make.
const MAX_ELEMENTS: usize = 256;

/// The array of a list or tuple, or of a list of those: of this type, or of the one that holds all elements.
pub(super) fn array(value: &Value, dtype: Option<DType>, span: Span) -> Result<DynExpr<'static>, Mistake> {
    let (Value::Tuple(items) | Value::List(items)) = value else { return to_array(value, span, "an element of a list") };
    let inner = |v: &Value| match v {
        Value::Tuple(inner) | Value::List(inner) => Some(inner.len()),
        _ => None,
    };
    let lengths: Vec<Option<usize>> = items.iter().map(inner).collect();
    if let Some(k) = lengths.iter().position(|n| *n != lengths[0]) {
        let what = |n: &Option<usize>| n.map_or("a single value".to_string(), |n| format!("a list of {n}"));
        let message = format!("an array cannot have {} beside {}", what(&lengths[0]), what(&lengths[k]));
        return Err(Mistake::new(ErrorKind::Shape, span, message));
    }
    let rows: Vec<&[Value]> = match lengths.first() {
        Some(Some(_)) => items.iter().map(|v| if let Value::Tuple(row) | Value::List(row) = v { &**row } else { &[] }).collect(),
        _ => vec![items],
    };
    let nested = matches!(lengths.first(), Some(Some(_)));
    let elements = || rows.iter().flat_map(|row| row.iter());
    let count = elements().count();
    if count > MAX_ELEMENTS {
        let message = format!("a list of {count} elements; {MAX_ELEMENTS} is the most");
        return Err(Mistake::new(ErrorKind::Unsupported, span, message).help("longer arrays come from inputs"));
    }
    let types = elements().map(|v| element_type(v, span)).collect::<Result<Vec<_>, _>>()?;
    let dtype = dtype.or_else(|| types.into_iter().reduce(DType::promote)).unwrap_or(DType::F64);
    let row = |row: &[Value]| {
        if row.is_empty() {
            return Ok(DynExpr::from(Scalar::zero(dtype)).broadcast([Extent::from(0usize)]));
        }
        let nodes = row.iter().map(|v| stored(v, dtype, span)).collect::<Result<Vec<_>, _>>()?;
        Ok(DynExpr::from_node(pieces::stacked(&nodes, dtype, Axis(0), None)))
    };
    let all = if nested {
        let nodes = rows.iter().map(|r| row(r).map(DynExpr::into_node)).collect::<Result<Vec<_>, _>>()?;
        DynExpr::from_node(pieces::stacked(&nodes, dtype, Axis(0), None))
    } else {
        row(rows[0])?
    };
    all.check().map_err(|e| Mistake::from_error(&e, span))?;
    Ok(all)
}

/// The type that an element of a list has by itself: Python's numbers are `bool`, `i64`, `f64` and `c128`.
fn element_type(value: &Value, span: Span) -> Result<DType, Mistake> {
    match value {
        Value::Scalar(Py::Bool(_)) => Ok(DType::Bool),
        Value::Scalar(Py::Int(_)) | Value::Size(_) => Ok(DType::I64),
        Value::Scalar(Py::Float(_)) => Ok(DType::F64),
        Value::Scalar(Py::Complex(_)) => Ok(DType::C128),
        Value::Array(x) => Ok(x.dtype()),
        Value::Selected(x) => Err(x.refused()),
        other => Err(Mistake::new(ErrorKind::DType, span, format!("an array cannot have {} as an element", describe(other)))),
    }
}

/// A value as elements of an array of this type, into which Python's numbers must fit.
pub(super) fn stored(value: &Value, dtype: DType, span: Span) -> Result<NodeRef, Mistake> {
    let operand = match value {
        Value::Size(_) => to_array(value, span, "the value")?.into(),
        // By way of Python's int, which must fit.
        Value::Scalar(Py::Float(x)) if dtype.is_int() => {
            if !x.is_finite() {
                return Err(Mistake::new(ErrorKind::DType, span, format!("the float {x:?} cannot be converted to an integer")));
            }
            Weak::Int(x.trunc() as i128).into()
        }
        Value::Tuple(_) | Value::List(_) => array(value, Some(dtype), span)?.into(),
        _ => to_operand(value, span, "the value")?,
    };
    promote::stored(&operand, dtype, None).map_err(|e| Mistake::from_error(&e, span))
}
