//! Reductions, of all elements of an array and of those that a mask selects.
//!
//! How many elements `x[mask]` has depends on the data, but its sum does not need them in a row: it is that of `x` with zeros
//! where the mask is false. So one reduction over `x` does it, and a mean divides by the number of elements where the mask is true.

use std::rc::Rc;

use super::diagnostic::Mistake;
use super::functions::Call;
use super::library::to_float;
use super::memory::Array;
use super::object::{Value, describe};
use super::select::Selected;
use super::value::Py;
use crate::dtype::{DType, Scalar};
use crate::error::{Error, ErrorKind};
use crate::expr::indices::along;
use crate::expr::infer::{provided, size_of};
use crate::expr::{Axes, Axis, DynExpr, Extent, Weak};
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};
use crate::size::Size;

type Result<T = Value> = std::result::Result<T, Mistake>;
type Expr = DynExpr<'static>;

/// What a call reduces, and over what.
struct Elements {
    x: Expr,
    /// The axes of `x` that are reduced.
    axes: Vec<usize>,
    /// Where the result gets axes of extent 1.
    kept: Vec<usize>,
    /// Which elements there are, if not all of `x`. It stretches to `x`.
    mask: Option<Expr>,
    /// True if the mask is about all axes, so that results may be made of different numbers of elements; else it is about reduced ones.
    each: bool,
    /// The number of reduced elements along the axes that the mask is not about.
    beside: Size,
    /// Where the axes of a mask are not reduced, what is selected by it, with the number of axes after them in the result.
    rest: Option<(Rc<Selected>, usize)>,
}

impl Elements {
    /// Of the call's parameters `a`, `axis` and `keepdims`.
    fn of(c: &Call) -> Result<Elements> {
        let count = |x: &Expr, axes: &[usize]| axes.iter().fold(Size::ONE, |n, &k| n.mul(&x.shape().extents()[k]));
        let axes = c.axes()?;
        let indices = |rank| {
            let failed = |e: Error| {
                let mistake = Mistake::from_error(&e, c.at);
                let message = format!("{} of {}: {}", c.function.name, describe(c.value("a").0), mistake.message);
                let mistake = Mistake { message, ..mistake };
                match c.function.name {
                    name @ ("min" | "max") if rank == 0 => mistake.help(format!("use `{name}imum(a, b)` for the {name}imum of two values")),
                    _ => mistake,
                }
            };
            axes.indices(rank).map_err(failed)
        };
        let (Value::Selected(selected), _) = c.value("a") else {
            let x = c.array("a")?;
            let list = indices(x.ndim())?;
            let kept = if axes.keeps() { list.clone() } else { Vec::new() };
            let beside = count(&x, &list);
            let mask = given(c, &x)?;
            return Ok(Elements { x, axes: list, kept, each: mask.is_some(), mask, beside, rest: None });
        };
        // In NumPy the axes of the mask are one, with those before and after it.
        let (x, before, masked) = (selected.full.clone(), selected.before(), selected.mask.ndim());
        let list = indices(before + 1 + selected.after)?;
        let is_reduced = list.contains(&before);
        let other = given(c, &x)?;
        // Where nothing is left of the selected there is a sum, but no minimum.
        if other.is_some() && (!is_reduced || !leaves_out_nan(c) || matches!(c.function.name, "nanmin" | "nanmax")) {
            return Err(c
                .fail(ErrorKind::Unsupported, format!("`{}` of what a mask selects, by another mask", c.function.name))
                .help(if leaves_out_nan(c) { "write `x[mask & ~isnan(x)]`" } else { "combine the masks: `x[a & b]`" }));
        }
        let others: Vec<usize> = list.iter().filter(|k| **k != before).map(|&k| if k < before { k } else { k + masked - 1 }).collect();
        let beside = count(&x, &others);
        if !is_reduced {
            let kept = if axes.keeps() { others.clone() } else { Vec::new() };
            let gone = if axes.keeps() { 0 } else { list.iter().filter(|k| **k > before).count() };
            let rest = Some((selected.clone(), selected.after - gone));
            return Ok(Elements { x, axes: others, kept, each: false, mask: None, beside, rest });
        }
        let mut all: Vec<usize> = others.iter().copied().chain(before..before + masked).collect();
        all.sort_unstable();
        let kept = if axes.keeps() { list } else { Vec::new() };
        let (mask, each) = match other {
            Some(other) => (DynExpr::binary(BinaryOp::And, selected.spread_mask(), other), true),
            None => (selected.spread_mask(), false),
        };
        Ok(Elements { x, axes: all, kept, each, mask: Some(mask), beside, rest: None })
    }

    /// The same elements with other values.
    fn with(self, f: impl FnOnce(Expr) -> Expr) -> Elements {
        Elements { x: f(self.x), ..self }
    }

    fn axes(&self) -> Axes {
        self.axes.iter().map(|k| Axis::from(*k)).collect()
    }

    /// A reduction of values that lie as `x` does, over some axes.
    fn reduce_over(&self, op: ReduceOp, x: &Expr, axes: Axes) -> Expr {
        let Some(mask) = &self.mask else { return x.reduce(op, axes) };
        let neutral = match op {
            // Of numbers they ask whether one is not zero.
            ReduceOp::Any => Some(Scalar::zero(x.dtype())),
            ReduceOp::All => Some(Scalar::one(x.dtype())),
            _ => op.identity(x.dtype()),
        };
        let Some(neutral) = neutral else { return x.reduce(op, axes) };
        let all = mask.select(x, DynExpr::from(neutral)).reduce(op, axes.clone());
        match op.of_nothing(x.dtype()) {
            Some(_) => all,
            // Where all elements are NaN, so is the least of the others.
            None if self.each => DynExpr::binary(BinaryOp::Eq, self.count(axes.clone()), Weak::Int(0)).select(Weak::Float(f64::NAN), all),
            None => Expr::from_node(provided(all.node(), mask.reduce(ReduceOp::Any, ..).node(), op, None)),
        }
    }

    fn reduce(&self, op: ReduceOp) -> Expr {
        self.reduce_over(op, &self.x, self.axes())
    }

    /// The number of elements that each result is made of, an `i64`; a scalar where they are as many for all.
    fn count(&self, axes: Axes) -> Expr {
        let beside = Expr::from_node(size_of(self.beside.clone(), None));
        match &self.mask {
            None => beside,
            Some(mask) if self.each => mask.reduce(ReduceOp::Sum, axes),
            Some(mask) if self.beside == Size::ONE => mask.reduce(ReduceOp::Sum, ..),
            Some(mask) => DynExpr::binary(BinaryOp::Mul, mask.reduce(ReduceOp::Sum, ..), beside),
        }
    }

    fn mean_over(&self, axes: Axes) -> Expr {
        match &self.mask {
            None => self.x.mean_over(axes),
            Some(_) => {
                let x = to_float(self.x.clone());
                let sum = self.reduce_over(ReduceOp::Sum, &x, axes.clone());
                DynExpr::binary(BinaryOp::Div, sum, self.count(axes).astype(x.dtype()))
            }
        }
    }

    /// The result of the call.
    fn done(&self, c: &Call, x: Expr) -> Result {
        let x = self.kept.iter().fold(x, |x, &k| x.insert_axis(k));
        let Some((selected, after)) = &self.rest else { return c.done(x) };
        match c.done(x)? {
            Value::Array(Array { expr: full, .. }) => {
                let selected = Selected { full, mask: selected.mask.clone(), after: *after, place: None, span: selected.span };
                Ok(Value::Selected(Rc::new(selected)))
            }
            other => Ok(other),
        }
    }
}

/// True for `nansum` and its like.
fn leaves_out_nan(c: &Call) -> bool {
    c.function.name.starts_with("nan")
}

/// The mask that a call gives as `where`; that of functions that leave NaN out.
fn given(c: &Call, x: &Expr) -> Result<Option<Expr>> {
    let leaves_out = leaves_out_nan(c) && (x.dtype().is_float() || x.dtype().is_complex());
    let numbers = || x.unary(UnaryOp::IsNan).unary(UnaryOp::Not);
    match c.value("where") {
        (Value::Scalar(Py::Bool(true)) | Value::None, _) => Ok(leaves_out.then(numbers)),
        _ => {
            let mask = c.array("where")?;
            if mask.dtype() != DType::Bool {
                let message = format!("`where` of `{}` must be bool, not {}", c.function.name, mask.dtype());
                return Err(c.fail(ErrorKind::DType, message));
            }
            let extents = x.shape().extents().iter().cloned().map(Extent::from);
            let mask = mask.broadcast(extents);
            c.try_(mask.check())?;
            Ok(Some(if leaves_out { DynExpr::binary(BinaryOp::And, mask, numbers()) } else { mask }))
        }
    }
}

/// A result combined with the number that the call lets it begin with.
fn from_initial(c: &Call, op: ReduceOp, result: Expr) -> Result<Expr> {
    let (value, span) = c.value("initial");
    let (false, Some(combine)) = (matches!(value, Value::None), op.combine(result.dtype())) else { return Ok(result) };
    let all = DynExpr::binary(combine, c.operand("initial")?, &result);
    if all.check().is_ok() && (all.dtype(), all.ndim()) != (result.dtype(), result.ndim()) {
        let message = format!("`initial` of `{}` must be a number of type {}, not {}", c.function.name, result.dtype(), describe(value));
        return Err(Mistake::new(ErrorKind::DType, span, message));
    }
    Ok(all)
}

/// A minimum or maximum that is about to be combined with another number: of no elements it is what changes no number.
fn or_identity(x: &Expr, op: ReduceOp, axes: &[usize]) -> Expr {
    let extents = x.shape().extents();
    match op.identity(x.dtype()) {
        Some(identity) if axes.iter().any(|k| extents[*k] == Size::ZERO) => {
            let left = (0..extents.len()).filter(|k| !axes.contains(k)).map(|k| Extent::from(extents[k].clone()));
            DynExpr::from(identity).broadcast(left)
        }
        _ => x.reduce(op, axes.iter().map(|k| Axis::from(*k)).collect::<Axes>()),
    }
}

/// The place among the elements that a mask selects, all axes taken as one: the number of selected elements before it.
///
/// Others count as the least there is. If that is the largest of all, the first element has it, selected or not, and none comes before.
fn place_among_selected(elements: &Elements, op: ReduceOp) -> Option<Expr> {
    let (x, mask) = (&elements.x, elements.mask.as_ref()?);
    let neutral = if op == ReduceOp::ArgMax { ReduceOp::Max } else { ReduceOp::Min }.identity(x.dtype())?;
    if elements.each || elements.axes.len() != x.ndim() {
        return None;
    }
    let place = mask.select(x, DynExpr::from(neutral)).reduce(op, ..);
    let extents = x.shape().extents();
    let number = (0..x.ndim()).fold(DynExpr::from(Scalar::I64(0)), |number, k| {
        let step = extents[k + 1..].iter().fold(Size::ONE, |n, e| n.mul(e));
        let along = DynExpr::binary(BinaryOp::Mul, Expr::from_node(along(x.shape(), k, None)), Expr::from_node(size_of(step, None)));
        DynExpr::binary(BinaryOp::Add, number, along)
    });
    let before = DynExpr::binary(BinaryOp::And, mask, number.lt(place)).reduce(ReduceOp::Sum, ..);
    Some(Expr::from_node(provided(before.node(), mask.reduce(ReduceOp::Any, ..).node(), op, None)))
}

pub(super) fn reduce(c: &Call, op: ReduceOp) -> Result {
    let elements = Elements::of(c)?;
    if let ReduceOp::Min | ReduceOp::Max = op {
        if !matches!(c.value("initial").0, Value::None) {
            let x = match &elements.mask {
                Some(mask) => mask.select(&elements.x, c.operand("initial")?),
                None => elements.x.clone(),
            };
            return elements.done(c, from_initial(c, op, or_identity(&x, op, &elements.axes))?);
        }
        if elements.each && !leaves_out_nan(c) {
            let message = format!("there is no {} of no elements, which `where` may leave", op.name());
            return Err(c.fail(ErrorKind::Shape, message).help(format!("give it one to begin with: `{}(..., initial=0)`", op.name())));
        }
    }
    if let (Some(_), ReduceOp::ArgMin | ReduceOp::ArgMax) = (&elements.mask, op) {
        if let Some(place) = place_among_selected(&elements, op) {
            return elements.done(c, place);
        }
        let name = op.name();
        let mistake = c.fail(ErrorKind::Unsupported, format!("`{name}` would count the elements that a mask selects"));
        let least = if op == ReduceOp::ArgMin { "inf" } else { "-inf" };
        return Err(mistake.help(format!("`{name}(where(mask, x, {least}))` counts all elements of `x`")));
    }
    elements.done(c, elements.reduce(op))
}

/// `sum` and `prod`. A given type is that of the accumulator: for integers, sums in `i64` that wrap in the end are the same.
pub(super) fn sum(c: &Call, op: ReduceOp) -> Result {
    let (elements, dtype) = (Elements::of(c)?, c.dtype("dtype")?);
    let elements = elements.with(|x| match dtype {
        None => x,
        Some(d) if d.is_float() || d.is_complex() => x.astype(d),
        Some(d) => x.astype(d).astype(DType::I64),
    });
    let sum = from_initial(c, op, elements.reduce(op))?;
    elements.done(c, dtype.map_or(sum.clone(), |d| sum.astype(d)))
}

pub(super) fn mean(c: &Call) -> Result {
    averaged(c, |elements| Ok(elements.mean_over(elements.axes())))
}

/// What is made of the elements as floats, of the type that the call asks for; of halves in `f32`, and rounded once.
fn averaged(c: &Call, make: impl FnOnce(&Elements) -> Result<Expr>) -> Result {
    let elements = in_floats(c)?.with(to_float);
    let dtype = elements.x.dtype();
    let elements = elements.with(|x| x.astype(dtype.computed_in()));
    let result = make(&elements)?;
    elements.done(c, if dtype.is_half() { result.astype(dtype) } else { result })
}

/// What is reduced, in the type that the call asks for.
fn in_floats(c: &Call) -> Result<Elements> {
    let elements = Elements::of(c)?;
    match c.dtype("dtype")? {
        None => Ok(elements),
        Some(d) if d.is_float() || d.is_complex() => Ok(elements.with(|x| x.astype(d))),
        Some(d) => Err(c.fail(ErrorKind::Unsupported, format!("elide takes means in floats, not in {d}"))),
    }
}

/// NumPy's two passes: the mean of the squared distances from the mean, over `n - ddof`.
fn variance(c: &Call, elements: &Elements) -> Result<Expr> {
    let ddof = c.int("ddof")?;
    let dtype = elements.x.dtype().part();
    let distance = DynExpr::binary(BinaryOp::Sub, &elements.x, elements.mean_over(elements.axes().keepdims()));
    let square = |x: &Expr| DynExpr::binary(BinaryOp::Mul, x, x);
    // Of complex numbers, that of the magnitude.
    let squares = match elements.x.dtype().is_complex() {
        true => DynExpr::binary(BinaryOp::Add, square(&distance.real()), square(&distance.imag())),
        false => square(&distance),
    };
    let total = elements.reduce_over(ReduceOp::Sum, &squares, elements.axes());
    let divisor: Expr = match (&elements.mask, elements.beside.as_const()) {
        (None, Some(n)) => Scalar::F64(n.saturating_sub(ddof as i64).max(0) as f64).cast(dtype).into(),
        _ => {
            let n = DynExpr::binary(BinaryOp::Sub, elements.count(elements.axes()), DynExpr::from(Scalar::I64(ddof as i64)));
            match leaves_out_nan(c) {
                false => DynExpr::binary(BinaryOp::Max, n, DynExpr::from(Scalar::I64(0))).astype(dtype),
                // Of too few numbers there is no variance, where `var` divides by zero.
                true => n.gt(Weak::Int(0)).select(n.astype(dtype), DynExpr::from(Scalar::F64(f64::NAN).cast(dtype))),
            }
        }
    };
    Ok(DynExpr::binary(BinaryOp::Div, total, divisor))
}

pub(super) fn var(c: &Call) -> Result {
    averaged(c, |elements| variance(c, elements))
}

pub(super) fn std(c: &Call) -> Result {
    averaged(c, |elements| Ok(variance(c, elements)?.unary(UnaryOp::Sqrt)))
}

pub(super) fn count_nonzero(c: &Call) -> Result {
    let elements = Elements::of(c)?.with(|x| if x.dtype() == DType::Bool { x } else { DynExpr::binary(BinaryOp::Ne, &x, Weak::Int(0)) });
    elements.done(c, elements.reduce(ReduceOp::Sum))
}

/// The mean, or with weights, along one axis or of the array's shape, the sum of the products over the sum of the weights.
pub(super) fn average(c: &Call) -> Result {
    let (weights, _) = c.value("weights");
    if matches!(weights, Value::None) {
        return mean(c);
    }
    let (x, mut weights) = (to_float(c.array("a")?), c.array("weights")?);
    let axes = c.axes()?;
    let list = c.try_(axes.indices(x.ndim()))?;
    if let ([axis], 1) = (list.as_slice(), weights.ndim()) {
        weights = (axis + 1..x.ndim()).fold(weights, |w, _| w.insert_axis(-1));
    } else if weights.ndim() != x.ndim() {
        let message = format!("weights of shape {} for an array of shape {}", weights.shape(), x.shape());
        return Err(c.fail(ErrorKind::Shape, message).help("they have the array's shape, or one axis that stands for `axis`"));
    }
    let product = DynExpr::binary(BinaryOp::Mul, &x, &weights);
    // Weights along one axis are summed by themselves.
    let weights = weights.astype(product.dtype()).broadcast(x.shape().extents().iter().cloned().map(Extent::from));
    c.done(DynExpr::binary(BinaryOp::Div, product.reduce(ReduceOp::Sum, axes.clone()), weights.reduce(ReduceOp::Sum, axes)))
}

pub(super) fn ptp(c: &Call) -> Result {
    let elements = Elements::of(c)?;
    elements.done(c, DynExpr::binary(BinaryOp::Sub, elements.reduce(ReduceOp::Max), elements.reduce(ReduceOp::Min)))
}
