//! NumPy's functions that are more than one operation.

use super::diagnostic::{Mistake, Span};
use super::functions::Call;
use super::lists;
use super::memory::{Array, Held};
use super::object::{self, Value, extent, tuple};
use super::value::Py;
use crate::dtype::{DType, Scalar};
use crate::error::ErrorKind;
use crate::expr::complex::ComplexOp;
use crate::expr::scatter::outer_edges;
use crate::expr::{Axis, DynExpr, Extent, Weak, indices, pieces};
use crate::ops::{BinaryOp, ReduceOp};
use crate::shape::{Joined, equate, normalize_axis};
use crate::size::Size;
use crate::view::Slice;

type Result = std::result::Result<Value, Mistake>;
type Expr = DynExpr<'static>;

/// NumPy takes means and variances of integers in `f64`; whether a value is finite is the same in any type.
pub(super) fn to_float(x: Expr) -> Expr {
    if x.dtype().is_float() || x.dtype().is_complex() { x } else { x.astype(DType::F64) }
}

/// The real or the imaginary parts of an array. They are a view of it; the zeros that are the imaginary parts of real numbers can only be read.
pub(super) fn part(x: &Array, name: &str, at: Span) -> Result {
    let op = if name == "real" { ComplexOp::Real } else { ComplexOp::Imag };
    let value = object::array(if op == ComplexOp::Real { x.real() } else { x.imag() }, at)?;
    let Value::Array(mut made) = value else { return Ok(value) };
    match (op, x.dtype().is_complex()) {
        (_, true) => made.is_part(x, op),
        (ComplexOp::Real, false) => made = made.shares(x),
        _ => made.held = Held::ReadOnly,
    }
    Ok(Value::Array(made))
}

pub(super) fn part_of(c: &Call) -> Result {
    match c.value("val") {
        (Value::Array(x), _) => part(x, c.function.name, c.at),
        _ => part(&Array::new(c.array("val")?), c.function.name, c.at),
    }
}

/// The angle in radians, or in degrees.
pub(super) fn angle(c: &Call) -> Result {
    let angle = c.array("z")?.angle();
    c.done(if c.flag("deg")? { DynExpr::binary(BinaryOp::Mul, angle, Weak::Float(180.0 / std::f64::consts::PI)) } else { angle })
}

pub(super) fn diagonal(c: &Call) -> Result {
    c.done(c.array("a")?.diagonal(c.int("offset")?, c.int("axis1")?, c.int("axis2")?))
}

/// The diagonal of a matrix; or the matrix that has the elements of a vector on it, and zeros elsewhere.
pub(super) fn diag(c: &Call) -> Result {
    let (v, k) = (c.array("v")?, c.int("k")?);
    match v.ndim() {
        1 => {}
        2 => return c.done(v.diagonal(k, 0, 1)),
        rank => return Err(c.fail(ErrorKind::Shape, format!("`v` of `diag` must have one axis or two, not {rank}"))),
    }
    let Some(beside) = u32::try_from(k.unsigned_abs()).ok().map(|k| k as usize) else {
        return Err(c.fail(ErrorKind::Shape, "`k` of `diag` is out of range"));
    };
    let n = Extent::from(v.shape().size().add(&Size::from(beside as i64)));
    let mask = Expr::from_node(indices::compare_indices(BinaryOp::Eq, n.clone(), n.clone(), k as i64, None));
    // Every row of the matrix has an element of the longer vector, that of the row or of the column.
    let zeros = constant(0.0, v.dtype()).broadcast([Extent::from(beside)]).into_node();
    let longer = match beside {
        0 => v.clone(),
        _ => Expr::from_node(pieces::joined(&[v.clone().into_node(), zeros], v.dtype(), Axis(0), None)),
    };
    c.done(mask.select(longer.insert_axis(if k < 0 { 0 } else { 1 }), constant(0.0, v.dtype())))
}

/// With new first axes until it has so many; a matrix of a vector has one row.
pub(super) fn at_least(c: &Call, rank: usize) -> Result {
    let x = c.array("x")?;
    c.done((x.ndim()..rank).fold(x, |x, _| x.insert_axis(0)))
}

/// The products of all elements of one array with all of another.
pub(super) fn outer(c: &Call) -> Result {
    let flat = |x: Expr| x.reshape([Extent::from(x.shape().size())]);
    let (a, b) = (flat(c.array("a")?), flat(c.array("b")?));
    c.done(DynExpr::binary(BinaryOp::Mul, a.insert_axis(1), b))
}

/// Whether two arrays have one shape and equal elements.
pub(super) fn array_equal(c: &Call) -> Result {
    let (a, b) = (c.array("a1")?, c.array("a2")?);
    if a.ndim() != b.ndim() {
        return Ok(Value::Scalar(Py::Bool(false)));
    }
    for (n, m) in a.shape().extents().iter().zip(b.shape().extents()) {
        match equate(n, m) {
            Joined::Never => return Ok(Value::Scalar(Py::Bool(false))),
            Joined::Same(_) => {}
            Joined::If(..) => {
                let message =
                    format!("whether the shapes {} and {} are the same is not known before arrays are bound", a.shape(), b.shape());
                return Err(c.fail(ErrorKind::Unsupported, message).help("write `(x == y).all()`"));
            }
        }
    }
    c.done(DynExpr::binary(BinaryOp::Eq, a, b).reduce(ReduceOp::All, ..))
}

pub(super) fn trace(c: &Call) -> Result {
    c.done(c.array("a")?.diagonal(c.int("offset")?, c.int("axis1")?, c.int("axis2")?).reduce(ReduceOp::Sum, Axis(-1)))
}

/// How often `diff` may be applied: each time is a node.
const MAX_DIFF: isize = 64;

pub(super) fn diff(c: &Call) -> Result {
    let (mut x, n) = (c.array("a")?, c.int("n")?);
    let axis = c.try_(normalize_axis(c.int("axis")?, x.ndim()))?;
    if !(0..=MAX_DIFF).contains(&n) {
        return Err(c.fail(ErrorKind::Unsupported, format!("`n` of `diff` must be from 0 to {MAX_DIFF}")));
    }
    let op = if x.dtype() == DType::Bool { BinaryOp::Ne } else { BinaryOp::Sub };
    for _ in 0..n {
        let part = |start, stop| {
            let mut items = vec![Slice::FULL; axis];
            items.push(Slice::Range { start, stop, step: 1 });
            x.slice(items)
        };
        x = DynExpr::binary(op, part(Some(1), None), part(None, Some(-1)));
    }
    c.done(x)
}

pub(super) fn astype(c: &Call, convert: impl Fn(&DynExpr<'static>, DType) -> DynExpr<'static>) -> Result {
    let x = c.array("x")?;
    match c.dtype("dtype")? {
        Some(d) => c.done(convert(&x, d)),
        None => Err(c.fail(ErrorKind::DType, format!("`{}` needs an element type", c.function.name))),
    }
}

pub(super) fn asarray(c: &Call) -> Result {
    as_array(c, "a")
}

pub(super) fn array(c: &Call) -> Result {
    as_array(c, "object")
}

fn as_array(c: &Call, name: &str) -> Result {
    let dtype = c.dtype("dtype")?;
    let x = match c.value(name) {
        (list @ (Value::Tuple(_) | Value::List(_)), span) => lists::array(list, dtype, span)?,
        _ => c.array(name)?,
    };
    c.done(match dtype {
        Some(d) => x.astype(d),
        None => x,
    })
}

pub(super) fn reshape(c: &Call) -> Result {
    match c.value("order") {
        (Value::Str(s), _) if &**s == "C" => c.done(c.array("a")?.reshape(c.shape("shape")?)),
        (_, span) => Err(Mistake::new(ErrorKind::Unsupported, span, "elide reshapes in C order only")
            .help("for Fortran order transpose before and after: `x.T.reshape(...).T` with the extents reversed")),
    }
}

pub(super) fn ravel(c: &Call) -> Result {
    // What a mask of all axes selects has one.
    if let (value @ Value::Selected(x), _) = c.value("a")
        && x.shape().len() == 1
    {
        return Ok(value.clone());
    }
    let x = c.array("a")?;
    let size = Extent::from(x.shape().size());
    c.done(x.reshape([size]))
}

pub(super) fn transpose(c: &Call) -> Result {
    let x = c.array("a")?;
    c.done(match c.ints("axes")? {
        None => x.t(),
        Some(order) => x.permuted_axes(order.into_iter().map(Axis)),
    })
}

pub(super) fn swapaxes(c: &Call) -> Result {
    let x = c.array("a")?;
    let (i, j) = (c.try_(normalize_axis(c.int("axis1")?, x.ndim()))?, c.try_(normalize_axis(c.int("axis2")?, x.ndim()))?);
    let mut order: Vec<usize> = (0..x.ndim()).collect();
    order.swap(i, j);
    c.done(x.permuted_axes(order))
}

/// Distinct axes of an array of `rank` axes.
fn distinct(c: &Call, name: &str, rank: usize) -> std::result::Result<Vec<usize>, Mistake> {
    let list = c.ints(name)?.unwrap_or_default();
    let list = list.into_iter().map(|k| c.try_(normalize_axis(k, rank))).collect::<std::result::Result<Vec<_>, _>>()?;
    let repeated = list.iter().enumerate().find(|(k, axis)| list[..*k].contains(axis));
    match repeated {
        Some((_, axis)) => Err(Mistake::new(ErrorKind::Shape, c.value(name).1, format!("axis {axis} is listed twice"))),
        None => Ok(list),
    }
}

pub(super) fn moveaxis(c: &Call) -> Result {
    let x = c.array("a")?;
    let (source, destination) = (distinct(c, "source", x.ndim())?, distinct(c, "destination", x.ndim())?);
    if source.len() != destination.len() {
        return Err(c.fail(ErrorKind::Shape, format!("{} axes cannot move to {} places", source.len(), destination.len())));
    }
    let mut order: Vec<usize> = (0..x.ndim()).filter(|k| !source.contains(k)).collect();
    let mut moves: Vec<_> = destination.into_iter().zip(source).collect();
    moves.sort_unstable();
    for (to, from) in moves {
        order.insert(to, from);
    }
    c.done(x.permuted_axes(order))
}

pub(super) fn expand_dims(c: &Call) -> Result {
    let mut x = c.array("a")?;
    let added = c.ints("axis")?.map_or(0, |a| a.len());
    let mut at = distinct(c, "axis", x.ndim() + added)?;
    at.sort_unstable();
    for k in at {
        x = x.insert_axis(k);
    }
    c.done(x)
}

pub(super) fn squeeze(c: &Call) -> Result {
    let mut x = c.array("a")?;
    let mut at = match c.value("axis") {
        (Value::None, _) => (0..x.ndim()).filter(|&k| x.shape().extents()[k] == Size::ONE).collect(),
        _ => distinct(c, "axis", x.ndim())?,
    };
    at.sort_unstable();
    for k in at.into_iter().rev() {
        x = x.remove_axis(k);
    }
    c.done(x)
}

pub(super) fn flip(c: &Call) -> Result {
    let mut x = c.array("m")?;
    let axes = match c.value("axis") {
        (Value::None, _) => (0..x.ndim()).collect(),
        _ => distinct(c, "axis", x.ndim())?,
    };
    for k in axes {
        x = x.invert_axis(k);
    }
    c.done(x)
}

pub(super) fn broadcast_to(c: &Call) -> Result {
    c.done(c.array("array")?.broadcast(c.shape("shape")?))
}

fn constant(value: f64, dtype: DType) -> Expr {
    Scalar::F64(value).cast(dtype).into()
}

pub(super) fn filled(c: &Call, value: f64) -> Result {
    let dtype = c.dtype("dtype")?.unwrap_or(DType::F64);
    c.done(constant(value, dtype).broadcast(c.shape("shape")?))
}

pub(super) fn filled_like(c: &Call, value: f64) -> Result {
    like(c, "a", value)
}

/// Zeros: what lies in memory is nobody's to rely on.
pub(super) fn empty_like(c: &Call) -> Result {
    like(c, "prototype", 0.0)
}

fn like(c: &Call, name: &str, value: f64) -> Result {
    let a = c.array(name)?;
    let dtype = c.dtype("dtype")?.unwrap_or(a.dtype());
    c.done(constant(value, dtype).broadcast(extents(&a)))
}

fn extents(a: &Expr) -> Vec<Extent> {
    a.shape().extents().iter().cloned().map(Extent::from).collect()
}

pub(super) fn full(c: &Call) -> Result {
    let value = match c.dtype("dtype")? {
        Some(dtype) => fill_value(c, dtype)?,
        None => c.array("fill_value")?,
    };
    c.done(value.broadcast(c.shape("shape")?))
}

pub(super) fn full_like(c: &Call) -> Result {
    let a = c.array("a")?;
    let dtype = c.dtype("dtype")?.unwrap_or(a.dtype());
    c.done(fill_value(c, dtype)?.broadcast(extents(&a)))
}

/// What is stored in an array of this type, which an int must fit; a float is cast.
fn fill_value(c: &Call, dtype: DType) -> std::result::Result<Expr, Mistake> {
    match c.value("fill_value") {
        (Value::Scalar(Py::Float(x)), _) => Ok(constant(*x, dtype)),
        (value, span) => Ok(Expr::from_node(lists::stored(value, dtype, span)?)),
    }
}

pub(super) fn shape(c: &Call) -> Result {
    if let (Value::Selected(x), _) = c.value("a") {
        return tuple(x.shape(), c.at);
    }
    tuple(c.array("a")?.shape().extents().iter().map(extent).collect(), c.at)
}

pub(super) fn ndim(c: &Call) -> Result {
    let rank = match c.value("a") {
        (Value::Selected(x), _) => x.shape().len(),
        _ => c.array("a")?.ndim(),
    };
    Ok(Value::Scalar(Py::Int(rank as i128)))
}

pub(super) fn size(c: &Call) -> Result {
    match c.value("a") {
        (Value::Selected(x), _) => x.size(c.at),
        _ => Ok(extent(&c.array("a")?.shape().size())),
    }
}

pub(super) fn len(c: &Call) -> Result {
    match c.value("a") {
        (Value::Tuple(items) | Value::List(items), _) => Ok(Value::Scalar(Py::Int(items.len() as i128))),
        (Value::Selected(x), _) => Ok(x.shape().swap_remove(0)),
        _ => match c.array("a")?.shape().extents().first() {
            Some(n) => Ok(extent(n)),
            None => Err(c.fail(ErrorKind::Shape, "an array of rank 0 has no length")),
        },
    }
}

/// A range: of integers if all its bounds are, else of floats.
pub(super) fn arange(c: &Call) -> Result {
    let bound = |name| c.bound(name);
    let (start, stop) = match c.value("stop") {
        (Value::None, _) => (Ok(Size::ZERO), bound("start")?),
        _ => (bound("start")?, bound("stop")?),
    };
    let (step, dtype) = (bound("step")?, c.dtype("dtype")?);
    let integral = start.is_ok() && stop.is_ok() && step.is_ok();
    let floats = dtype.map_or(!integral, DType::is_float);
    if dtype == Some(DType::Bool) || !floats && !integral {
        let mistake = c.fail(ErrorKind::Unsupported, "a range of this type with these bounds");
        return Err(mistake.help("use a range of i64 or f64, and convert it"));
    }
    if !floats && let (Ok(start), Ok(stop), Ok(step)) = (&start, &stop, &step) {
        let Some(step) = step.as_const() else {
            return Err(
                c.fail(ErrorKind::Unsupported, format!("the step of a range must be known before arrays are bound; `{step}` is not"))
            );
        };
        let x = Expr::from_node(indices::int_range(start, stop, step, None));
        return c.done(dtype.map_or(x.clone(), |d| x.astype(d)));
    }
    let number = |x: std::result::Result<Size, f64>| match x {
        Err(x) => Ok(x),
        Ok(size) => size.as_const().map(|k| k as f64).ok_or_else(|| {
            c.fail(
                ErrorKind::Unsupported,
                format!("the bounds of a range of floats must be known before arrays are bound; `{size}` is not"),
            )
        }),
    };
    let dtype = dtype.unwrap_or(DType::F64);
    c.done(Expr::from_node(indices::float_range(number(start)?, number(stop)?, number(step)?, dtype, None)))
}

pub(super) fn linspace(c: &Call) -> Result {
    let number = |name| match c.bound(name)? {
        Err(x) => Ok(x),
        Ok(size) => size.as_const().map(|k| k as f64).ok_or_else(|| {
            c.fail(ErrorKind::Unsupported, format!("`{name}` of `linspace` must be known before arrays are bound; `{size}` is not"))
        }),
    };
    let num = usize::try_from(c.int("num")?).map_err(|_| c.fail(ErrorKind::Shape, "the number of elements cannot be negative"))?;
    let dtype = c.dtype("dtype")?.unwrap_or(DType::F64);
    c.done(Expr::from_node(indices::linspace(number("start")?, number("stop")?, num, c.flag("endpoint")?, dtype, None)))
}

/// The index along each axis, one array after another along a new first axis.
pub(super) fn indices(c: &Call) -> Result {
    let shape = c.shape("dimensions")?;
    let along = |k: usize| indices::indices(shape.iter().cloned(), Axis::from(k), None);
    let all: Vec<_> = (0..shape.len()).map(along).collect();
    if all.is_empty() {
        return Err(c.fail(ErrorKind::Unsupported, "the indices of an array of rank 0"));
    }
    c.done(Expr::from_node(pieces::stacked(&all, DType::I64, Axis(0), None)))
}

/// A matrix of ones where the column compares so with the row, and of zeros elsewhere.
pub(super) fn triangle(c: &Call, op: BinaryOp) -> Result {
    let extent = |name| c.shape(name).map(|s| s.first().cloned().unwrap_or(Extent::from(1usize)));
    let rows = extent("N")?;
    let columns = match c.value("M") {
        (Value::None, _) => rows.clone(),
        _ => extent("M")?,
    };
    let k = match c.value("k") {
        (Value::None, _) => 0,
        _ => c.int("k")?,
    };
    let mask = Expr::from_node(indices::compare_indices(op, rows, columns, k as i64, None));
    c.done(mask.astype(c.dtype("dtype")?.unwrap_or(DType::F64)))
}

/// The last two axes of an array where the column compares so with the row, and zeros elsewhere.
pub(super) fn half(c: &Call, op: BinaryOp) -> Result {
    let (x, k) = (c.array("m")?, c.int("k")?);
    let extents = extents(&x);
    let [.., rows, columns] = extents.as_slice() else {
        return Err(c.fail(ErrorKind::Unsupported, "a triangle of an array with fewer than two axes"));
    };
    let mask = Expr::from_node(indices::compare_indices(op, rows.clone(), columns.clone(), k as i64, None));
    let zero = constant(0.0, x.dtype());
    c.done(mask.select(x, zero))
}

/// Of the flattened array where there is no axis.
pub(super) fn take(c: &Call) -> Result {
    let (x, index) = (c.array("a")?, c.array("indices")?);
    c.done(match c.value("axis") {
        (Value::None, _) => x.reshape([Extent::from(x.shape().size())]).take(index, 0),
        _ => x.take(index, c.int("axis")?),
    })
}

pub(super) fn take_along_axis(c: &Call) -> Result {
    let (x, index) = (c.array("arr")?, c.array("indices")?);
    c.done(match c.value("axis") {
        (Value::None, _) => x.reshape([Extent::from(x.shape().size())]).take_along_axis(index, 0),
        _ => x.take_along_axis(index, c.int("axis")?),
    })
}

/// With a result of `minlength` elements, where NumPy's may be longer.
pub(super) fn bincount(c: &Call) -> Result {
    let x = c.array("x")?;
    if x.ndim() != 1 {
        return Err(c.fail(ErrorKind::Shape, format!("`x` of `bincount` must have one axis, not {}", x.ndim())));
    }
    let x = if x.dtype() == DType::Bool { x.astype(DType::I64) } else { x };
    let length = match c.value("minlength") {
        (Value::Scalar(k), _) if k.as_int() == Some(0) => {
            let mistake = c.fail(ErrorKind::Unsupported, "the number of counts would depend on the data");
            return Err(mistake.help("give it: `bincount(x, minlength=n)` counts the numbers below `n`, and others are errors"));
        }
        _ => match <[Extent; 1]>::try_from(c.shape("minlength")?) {
            Ok([length]) => length,
            Err(_) => return Err(c.fail(ErrorKind::DType, "`minlength` of `bincount` must be an integer")),
        },
    };
    c.done(match c.value("weights") {
        (Value::None, _) => x.bincount(length),
        _ => x.bincount_weighted(c.array("weights")?, length),
    })
}

/// The counts and the edges between them.
pub(super) fn histogram(c: &Call) -> Result {
    let x = match c.value("a") {
        // NaN is in no bin.
        (Value::Selected(x), _) => x.spread_mask().select(to_float(x.full.clone()), Weak::Float(f64::NAN)),
        _ => c.array("a")?,
    };
    let Ok(bins) = usize::try_from(c.int("bins")?) else {
        return Err(c.fail(ErrorKind::Shape, "`bins` must be a positive number"));
    };
    let range = match c.value("range") {
        (Value::Tuple(ends) | Value::List(ends), span) if ends.len() == 2 => {
            (c.number("range", &ends[0], span)?, c.number("range", &ends[1], span)?)
        }
        (Value::None, _) => {
            let mistake = c.fail(ErrorKind::Unsupported, "the edges of the bins would depend on the data");
            return Err(mistake.help("give the range: `histogram(x, 10, (0.0, 1.0))`"));
        }
        (other, span) => {
            let message = format!("`range` of `histogram` must be two numbers, not {}", object::describe(other));
            return Err(Mistake::new(ErrorKind::DType, span, message));
        }
    };
    let range = outer_edges(range);
    let counts = x.histogram(bins, range);
    let dtype = if x.dtype().is_float() { x.dtype().computed_in() } else { DType::F64 };
    let edges = Expr::from_node(indices::linspace(range.0, range.1, bins.saturating_add(1), true, dtype, None));
    tuple(vec![object::array(counts, c.at)?, object::array(edges, c.at)?], c.at)
}

/// The axes of the windows come last, in the order in which they are listed.
pub(super) fn sliding_window_view(c: &Call) -> Result {
    let mut x = c.array("x")?;
    let lengths = c.ints("window_shape")?.unwrap_or_default();
    let axes = match c.value("axis") {
        (Value::None, _) => (0..x.ndim()).collect(),
        _ => c
            .ints("axis")?
            .unwrap_or_default()
            .into_iter()
            .map(|k| c.try_(normalize_axis(k, x.ndim())))
            .collect::<std::result::Result<Vec<_>, _>>()?,
    };
    if axes.len() != lengths.len() {
        return Err(c.fail(ErrorKind::Shape, format!("{} lengths of a window over {} axes", lengths.len(), axes.len())));
    }
    for (axis, length) in axes.into_iter().zip(lengths) {
        let length = usize::try_from(length).map_err(|_| c.fail(ErrorKind::Shape, "the length of a window cannot be negative"))?;
        x = x.windows(axis, length, 1);
    }
    c.done(x)
}

/// Into so many parts, or at the places listed.
pub(super) fn split(c: &Call, ragged: bool) -> Result {
    let x = c.array("ary")?;
    let axis = c.try_(normalize_axis(c.int("axis")?, x.ndim()))?;
    let parts = match c.value("indices_or_sections") {
        (Value::Tuple(_) | Value::List(_), _) => {
            let cuts = c.ints("indices_or_sections")?.unwrap_or_default();
            let starts = std::iter::once(None).chain(cuts.iter().copied().map(Some));
            let stops = cuts.iter().copied().map(Some).chain([None]);
            let part = |(start, stop)| {
                let mut items = vec![Slice::FULL; axis];
                items.push(Slice::Range { start, stop, step: 1 });
                x.slice(items)
            };
            starts.zip(stops).map(part).collect()
        }
        _ => {
            let parts = usize::try_from(c.int("indices_or_sections")?).unwrap_or(0);
            if parts > 1024 {
                return Err(c.fail(ErrorKind::Unsupported, "an array in more than 1024 parts"));
            }
            if ragged { x.array_split(parts, axis) } else { x.split(parts, axis) }
        }
    };
    tuple(parts.into_iter().map(|p| object::array(p, c.at)).collect::<std::result::Result<_, _>>()?, c.at)
}
