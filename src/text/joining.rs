//! NumPy's functions that put arrays together: joined, repeated, padded, moved.

use super::diagnostic::{Mistake, Span};
use super::functions::Call;
use super::object::{Value, describe, like_array, to_operand};
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::expr::node::NodeRef;
use crate::expr::promote::stored;
use crate::expr::{Axis, DynExpr, Extent, Pad, pieces};
use crate::shape::normalize_axis;

type Result<T = Value> = std::result::Result<T, Mistake>;
type Expr = DynExpr<'static>;

/// The arrays of a tuple, and the place to blame for it.
fn arrays(c: &Call, name: &str) -> Result<Vec<Expr>> {
    let what = format!("`{name}` of `{}`", c.function.name);
    match c.value(name) {
        (Value::Tuple(items) | Value::List(items), span) => {
            if items.is_empty() {
                return Err(Mistake::new(ErrorKind::Shape, span, format!("{what} must have at least one array")));
            }
            items.iter().map(|v| like_array(v, span, &what)).collect()
        }
        (other, span) => {
            let mistake = Mistake::new(ErrorKind::DType, span, format!("{what} must be a tuple of arrays, not {}", describe(other)));
            Err(mistake.help(format!("`{}((a, b))`", c.function.name)))
        }
    }
}

/// Nodes of the type that holds the elements of all.
fn alike(parts: &[Expr], asked: Option<DType>) -> (Vec<NodeRef>, DType) {
    let common = parts.iter().map(|p| p.dtype()).reduce(DType::promote).unwrap_or(DType::F64);
    let dtype = asked.unwrap_or(common);
    (parts.iter().map(|p| p.astype(dtype).into_node()).collect(), dtype)
}

fn join(c: &Call, parts: &[Expr], axis: isize) -> Result {
    let (nodes, dtype) = alike(parts, c.dtype("dtype")?);
    c.done(DynExpr::from_node(pieces::joined(&nodes, dtype, Axis(axis), None)))
}

fn flat(x: &Expr) -> Expr {
    x.reshape([Extent::from(x.shape().size())])
}

pub(super) fn concatenate(c: &Call) -> Result {
    let parts = arrays(c, "arrays")?;
    match c.value("axis") {
        (Value::None, _) => join(c, &parts.iter().map(flat).collect::<Vec<_>>(), 0),
        _ if parts.iter().any(|p| p.ndim() == 0) => {
            let mistake = c.fail(ErrorKind::Shape, "arrays of rank 0 cannot be joined");
            Err(mistake.help("`stack` makes an array of them"))
        }
        _ => join(c, &parts, c.int("axis")?),
    }
}

pub(super) fn stack(c: &Call) -> Result {
    let (nodes, dtype) = alike(&arrays(c, "arrays")?, c.dtype("dtype")?);
    c.done(DynExpr::from_node(pieces::stacked(&nodes, dtype, Axis(c.int("axis")?), None)))
}

/// New axes of extent 1, before those that there are, up to a rank.
fn at_least(x: &Expr, rank: usize) -> Expr {
    (x.ndim()..rank).fold(x.clone(), |x, _| x.insert_axis(0))
}

pub(super) fn vstack(c: &Call) -> Result {
    let parts: Vec<Expr> = arrays(c, "tup")?.iter().map(|x| at_least(x, 2)).collect();
    join(c, &parts, 0)
}

pub(super) fn hstack(c: &Call) -> Result {
    let parts: Vec<Expr> = arrays(c, "tup")?.iter().map(|x| at_least(x, 1)).collect();
    let axis = if parts[0].ndim() == 1 { 0 } else { 1 };
    join(c, &parts, axis)
}

pub(super) fn column_stack(c: &Call) -> Result {
    let column = |x: &Expr| if x.ndim() < 2 { at_least(x, 1).insert_axis(1) } else { x.clone() };
    let parts: Vec<Expr> = arrays(c, "tup")?.iter().map(column).collect();
    join(c, &parts, 1)
}

pub(super) fn roll(c: &Call) -> Result {
    let (x, shifts) = (c.array("a")?, c.ints("shift")?.unwrap_or_default());
    let (axes, whole) = match c.ints("axis")? {
        None => (vec![0; shifts.len()], true),
        Some(axes) => (axes, false),
    };
    let turns: Vec<(isize, isize)> = match (shifts.as_slice(), axes.as_slice()) {
        ([shift], axes) => axes.iter().map(|axis| (*shift, *axis)).collect(),
        (shifts, [axis]) => shifts.iter().map(|shift| (*shift, *axis)).collect(),
        (shifts, axes) if shifts.len() == axes.len() => shifts.iter().copied().zip(axes.iter().copied()).collect(),
        _ => return Err(c.fail(ErrorKind::Shape, format!("{} shifts for {} axes", shifts.len(), axes.len()))),
    };
    let mut out = if whole { flat(&x) } else { x.clone() };
    for (shift, axis) in turns {
        out = out.roll(shift, axis);
    }
    if whole {
        out = out.reshape(x.shape().extents().iter().cloned().map(Extent::from));
    }
    c.done(out)
}

/// Counts, none below zero.
fn counts(c: &Call, name: &str) -> Result<Vec<usize>> {
    let span = c.value(name).1;
    let below = |k: isize| Mistake::new(ErrorKind::Shape, span, format!("`{name}` of `{}` cannot be {k}", c.function.name));
    c.ints(name)?.unwrap_or_default().into_iter().map(|k| usize::try_from(k).map_err(|_| below(k))).collect()
}

pub(super) fn tile(c: &Call) -> Result {
    c.done(c.array("A")?.tile(counts(c, "reps")?))
}

pub(super) fn repeat(c: &Call) -> Result {
    let x = c.array("a")?;
    let [count] = counts(c, "repeats")?[..] else {
        return Err(Mistake::new(ErrorKind::Unsupported, c.value("repeats").1, "elide repeats all elements equally often"));
    };
    match c.value("axis") {
        (Value::None, _) => c.done(flat(&x).repeat(count, 0)),
        _ => c.done(x.repeat(count, c.int("axis")?)),
    }
}

/// `rot90`: quarter turns from the first axis to the second.
pub(super) fn rot90(c: &Call) -> Result {
    let x = c.array("m")?;
    let [i, j] = c.ints("axes")?.unwrap_or(vec![0, 1])[..] else {
        return Err(Mistake::new(ErrorKind::Shape, c.value("axes").1, "`axes` of `rot90` must be two"));
    };
    let (i, j) = (c.try_(normalize_axis(i, x.ndim()))?, c.try_(normalize_axis(j, x.ndim()))?);
    if i == j {
        return Err(Mistake::new(ErrorKind::Shape, c.value("axes").1, "the axes of `rot90` must differ"));
    }
    let mut order: Vec<usize> = (0..x.ndim()).collect();
    order.swap(i, j);
    c.done(match c.int("k")?.rem_euclid(4) {
        0 => x,
        1 => x.invert_axis(j).permuted_axes(order),
        2 => x.invert_axis(i).invert_axis(j),
        _ => x.permuted_axes(order).invert_axis(j),
    })
}

/// What `pad` takes for each side of each axis: one value for all, a pair for all axes, or a pair for each.
fn sides<T: Clone>(c: &Call, name: &str, rank: usize, one: impl Fn(&Value, Span) -> Result<T>) -> Result<Vec<[T; 2]>> {
    let (value, span) = c.value(name);
    let wrong = || {
        let mistake = Mistake::new(ErrorKind::Shape, span, format!("`{name}` of `pad` does not fit an array of {rank} axes"));
        mistake.help("it is one value, a pair for all axes `(before, after)`, or a pair for each axis")
    };
    let pair = |value: &Value| match value {
        Value::Tuple(items) | Value::List(items) => match &items[..] {
            [both] => Ok([one(both, span)?, one(both, span)?]),
            [before, after] => Ok([one(before, span)?, one(after, span)?]),
            _ => Err(wrong()),
        },
        both => Ok([one(both, span)?, one(both, span)?]),
    };
    let nested = |v: &Value| matches!(v, Value::Tuple(_) | Value::List(_));
    match value {
        Value::Tuple(items) | Value::List(items) if items.iter().any(nested) => match &items[..] {
            [all] => Ok(vec![pair(all)?; rank]),
            each if each.len() == rank => each.iter().map(pair).collect(),
            _ => Err(wrong()),
        },
        value => Ok(vec![pair(value)?; rank]),
    }
}

pub(super) fn pad(c: &Call) -> Result {
    let x = c.array("array")?;
    let count = |v: &Value, span| {
        let k = c.int_of("pad_width", v, span)?;
        usize::try_from(k).map_err(|_| Mistake::new(ErrorKind::Shape, span, format!("`pad_width` of `pad` cannot be {k}")))
    };
    let widths = sides(c, "pad_width", x.ndim(), count)?;
    let mode = match c.value("mode") {
        (Value::Str(s), _) => s.clone(),
        (other, span) => {
            return Err(Mistake::new(ErrorKind::DType, span, format!("`mode` of `pad` must be a string, not {}", describe(other))));
        }
    };
    let mut out = x.node().clone();
    if &*mode == "constant" {
        let value = |v: &Value, span| {
            let operand = to_operand(v, span, "`constant_values` of `pad`")?;
            c.try_(stored(&operand, x.dtype(), None))
        };
        let values = sides(c, "constant_values", x.ndim(), value)?;
        for (k, ([before, after], [low, high])) in widths.into_iter().zip(values).enumerate() {
            out = pieces::pad(&out, &Pad::Constant(low), Axis(k as isize), before, 0, None);
            out = pieces::pad(&out, &Pad::Constant(high), Axis(k as isize), 0, after, None);
        }
        return c.done(DynExpr::from_node(out));
    }
    let mode = match &*mode {
        "edge" => Pad::Edge,
        "reflect" => Pad::Reflect,
        "wrap" => Pad::Wrap,
        _ => {
            let mistake =
                Mistake::new(ErrorKind::Unsupported, c.value("mode").1, format!("elide has no padding `{}`", super::explain::clip(&mode)));
            return Err(mistake.help("the modes are 'constant', 'edge', 'reflect' and 'wrap'"));
        }
    };
    for (k, [before, after]) in widths.into_iter().enumerate() {
        out = pieces::pad(&out, &mode, Axis(k as isize), before, after, None);
    }
    c.done(DynExpr::from_node(out))
}
