//! Subscripts: slices, single indices, masks and arrays of indices between the brackets.

use std::rc::Rc;
use std::sync::Arc;

use super::ast::{Index, Node, NodeId};
use super::diagnostic::{Mistake, Span};
use super::lists;
use super::lower::Machine;
use super::memory::Array;
use super::object::{Value, array, describe, not_an_int};
use super::select::{self, Selected};
use super::value::Py;
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::expr::node::NodeRef;
use crate::expr::{DynExpr, Extent, Indexed, pieces};
use crate::ops::BinaryOp;
use crate::shape::{self, Equation, Shape};
use crate::size::Size;
use crate::view::{Slice, View};

impl<'p> Machine<'p> {
    pub(super) fn subscript(&mut self, base: Value, items: &'p [Index], node: &Node) -> Result<Value, Mistake> {
        let x = match &base {
            Value::Array(x) => x,
            Value::Tuple(_) | Value::List(_) => return self.item(&base, items, node),
            Value::Selected(x) => return Err(x.refused()),
            other => {
                let mistake = Mistake::new(ErrorKind::DType, node.blame, format!("{} cannot be indexed", describe(other)));
                let function = matches!(base, Value::Function(_) | Value::Method(..));
                return Err(if function { mistake.help("arguments go in parentheses") } else { mistake });
            }
        };
        let picked = self.pick(x, items, node.blame)?;
        picked.of(x, node.blame)
    }

    /// What the brackets of a subscript say about an array.
    pub(super) fn pick(&mut self, x: &Array, items: &'p [Index], blame: Span) -> Result<Picked, Mistake> {
        let shape = x.shape();
        let listed = places(self.listed(items)?)?;
        let mut slices = Vec::new();
        let mut mask = None;
        // The slices whose bounds are extents, each with the number of its item.
        let mut ranges = Vec::new();
        // The single indices that are extents, each with the number of its item.
        let mut sizes = Vec::new();
        // The index arrays, each with the number of its item.
        let mut arrays: Vec<(usize, DynExpr<'static>, Span)> = Vec::new();
        let unsupported = |span, message: &str| Mistake::new(ErrorKind::Unsupported, span, message);
        for (item, span) in listed {
            match item {
                Item::Slice(slice) => slices.push(slice),
                Item::Mask(m) if mask.is_none() => {
                    mask = Some((m.clone(), slices.len(), span));
                    slices.extend(std::iter::repeat_n(Slice::FULL, m.ndim()));
                }
                Item::Places(x) => return Err(x.refused()),
                Item::Mask(_) => return Err(unsupported(span, "elide indexes by one mask only").help("combine them: `x[a & b]`")),
                Item::Range { start, stop, step } => {
                    ranges.push((slices.len(), start, stop, step, span));
                    slices.push(Slice::FULL);
                }
                Item::Size(n) => {
                    sizes.push((slices.len(), n));
                    slices.push(Slice::Index(0));
                }
                Item::Indices(indices) => {
                    arrays.push((slices.len(), indices, span));
                    slices.push(Slice::FULL);
                }
            }
        }
        if let (Some((_, _, at)), false) = (&mask, arrays.is_empty()) {
            return Err(unsupported(*at, "elide does not index by a mask and by arrays of indices at once")
                .help("take the elements at the indices first, and select by the mask from them"));
        }
        let scalar = mask.is_none() && arrays.is_empty() && slices.iter().all(|s| matches!(s, Slice::Index(_)));
        let view = |items: &[Slice]| {
            // A step of isize::MIN cannot be negated; its neighbour takes the same one element.
            let steps = |item: &Slice| match *item {
                Slice::Range { start, stop, step } => Slice::Range { start, stop, step: step.max(-isize::MAX) },
                other => other,
            };
            View::slice(shape, &items.iter().map(steps).collect::<Vec<_>>())
        };
        let mut region = view(&slices).map_err(|e| {
            let mistake = Mistake::from_error(&e, blame);
            Mistake { message: format!("slice of {}{shape}: {}", x.dtype(), mistake.message), ..mistake }
        })?;
        let scalar = scalar && region.shape.rank() == 0;
        let used = slices.iter().filter(|s| matches!(s, Slice::Range { .. } | Slice::Index(_))).count();
        // How many axes of the region come from some items.
        let axes = |items: &[Slice]| -> usize {
            let each = |s: &Slice| match s {
                Slice::Range { .. } | Slice::NewAxis => 1,
                Slice::Index(_) => 0,
                Slice::Ellipsis => shape.rank() - used,
            };
            items.iter().map(each).sum()
        };
        let mut equations = Vec::new();
        for (at, index) in sizes {
            // Every item before it but new axes stands for an axis of the array.
            let axis = slices[..at].iter().map(|s| match s {
                Slice::Range { .. } | Slice::Index(_) => 1,
                Slice::NewAxis => 0,
                Slice::Ellipsis => shape.rank() - used,
            });
            let axis: usize = axis.sum();
            let n = &shape.extents()[axis];
            // So many before the end of the axis, it is checked to be inside in any case.
            if !index.is_never_negative() && index.sub(n).as_const().is_none_or(|below| below >= 0) {
                equations.push(Equation::not_negative(&index));
            }
            region.axes[axis].offset = index;
        }
        for (at, start, stop, step, span) in ranges {
            let axis = axes(&slices[..at]);
            let n = region.shape.extents()[axis].clone();
            let (start, stop) = (bound(&start, &n, &mut equations, span)?, bound(&stop, &n, &mut equations, span)?);
            let inner = match (start, stop) {
                (Bound::Number(start), Bound::Number(stop)) => {
                    let mut items = vec![Slice::FULL; axis];
                    items.push(Slice::Range { start, stop, step });
                    View::slice(&region.shape, &items).map_err(|e| Mistake::from_error(&e, span))?
                }
                (start, stop) => {
                    let (start, stop, step) =
                        (start.counted_from_start(&n), stop.counted_from_start(&n), u32::try_from(step).ok().filter(|s| *s > 0));
                    let Some(step) = step else {
                        let mistake = unsupported(span, "a slice that goes backward has numbers as bounds, or extents of its own axis");
                        return Err(mistake.help("slice forward first: `x[:m][::-1]`"));
                    };
                    View::range(&region.shape, axis, start.as_ref(), stop.as_ref(), step)
                }
            };
            region = region.then(&inner);
        }
        if !arrays.is_empty() {
            let points = Points::new(&slices, arrays, axes)?;
            return Ok(Picked { region, equations, mask: None, points: Some(points), scalar: false });
        }
        let Some((mask, at, span)) = mask else { return Ok(Picked { region, equations, mask: None, points: None, scalar }) };
        // NumPy moves the axis of the selected elements where an index lies beyond a slice.
        let (before, after) = (&slices[..at], &slices[at + mask.ndim()..]);
        let is_index = |s: &Slice| matches!(s, Slice::Index(_));
        let apart =
            before.iter().skip_while(|s| !is_index(s)).any(|s| !is_index(s)) || after.iter().skip_while(|s| is_index(s)).any(is_index);
        if apart {
            return Err(unsupported(span, "elide takes a mask and an index in one subscript only side by side")
                .help("take the index first: `x[0][mask]`"));
        }
        let axis = axes(before);
        Ok(Picked { region, equations, mask: Some((mask, axis)), points: None, scalar: false })
    }

    /// The items between the brackets of a subscript, tuples taken apart.
    fn listed(&mut self, items: &'p [Index]) -> Result<Vec<(Item, Span)>, Mistake> {
        let mut out = Vec::new();
        for item in items {
            match item {
                Index::Item(id) => {
                    let span = self.ast.nodes[id.index()].span;
                    match (self.take(*id), items.len()) {
                        // `x[t]` with a tuple is `x[t[0], t[1]]`.
                        (Value::Tuple(inner), 1) => {
                            for value in inner.iter() {
                                out.push((index(value, span)?, span));
                            }
                        }
                        (value, _) => out.push((index(&value, span)?, span)),
                    }
                }
                Index::Slice { start, stop, step, span } => {
                    let mut value = |id: &Option<NodeId>| match id {
                        Some(id) => (self.take(*id), self.ast.nodes[id.index()].span),
                        None => (Value::None, *span),
                    };
                    let ((start, start_at), (stop, stop_at), (step, step_at)) = (value(start), value(stop), value(step));
                    let step = slice_bound(&step, step_at)?.unwrap_or(1);
                    if step == 0 {
                        return Err(Mistake::new(ErrorKind::Shape, *span, "the step of a slice cannot be zero"));
                    }
                    if matches!(start, Value::Size(_)) || matches!(stop, Value::Size(_)) {
                        out.push((Item::Range { start, stop, step }, *span));
                        continue;
                    }
                    let (start, stop) = (slice_bound(&start, start_at)?, slice_bound(&stop, stop_at)?);
                    out.push((Item::Slice(Slice::Range { start, stop, step }), *span));
                }
            }
        }
        Ok(out)
    }

    /// An item of a tuple, or a part of it.
    fn item(&mut self, base: &Value, items: &'p [Index], node: &Node) -> Result<Value, Mistake> {
        let slices: Vec<Slice> =
            self.listed(items)?.into_iter().filter_map(|(item, _)| if let Item::Slice(s) = item { Some(s) } else { None }).collect();
        match (base, slices.as_slice()) {
            (Value::Tuple(values) | Value::List(values), [Slice::Index(k)]) => {
                let n = values.len() as isize;
                let at = if *k < 0 { k.saturating_add(n) } else { *k };
                match usize::try_from(at).ok().and_then(|at| values.get(at)) {
                    Some(value) => Ok(value.clone()),
                    None => {
                        Err(Mistake::new(ErrorKind::Shape, node.blame, format!("index {k} is out of bounds for {} of {n}", describe(base))))
                    }
                }
            }
            (Value::Tuple(values) | Value::List(values), [Slice::Range { start, stop, step: 1 }]) => {
                let n = values.len() as isize;
                let clamp = |k: isize| (if k < 0 { k.saturating_add(n) } else { k }).clamp(0, n) as usize;
                let (from, to) = (start.map_or(0, clamp), stop.map_or(n as usize, clamp));
                let part: Arc<[Value]> = values[from..to.max(from)].into();
                Ok(if matches!(base, Value::List(_)) { Value::List(part) } else { Value::Tuple(part) })
            }
            _ => Err(Mistake::new(ErrorKind::DType, node.blame, format!("{} cannot be indexed like this", describe(base)))),
        }
    }
}

/// The places of a mask's elements along each of its axes, one after another, are the mask.
fn places(items: Vec<(Item, Span)>) -> Result<Vec<(Item, Span)>, Mistake> {
    let mut out: Vec<(Item, Span)> = Vec::new();
    let mut open: Option<(Rc<Selected>, usize)> = None;
    for (item, span) in items {
        let Item::Places(x) = item else {
            if let Some((x, _)) = &open {
                return Err(x.refused());
            }
            out.push((item, span));
            continue;
        };
        let next = match &open {
            None => 0,
            Some((first, next)) if select::same(first.mask.node(), x.mask.node()) => *next,
            Some(_) => return Err(x.refused()),
        };
        if x.place != Some(next) {
            return Err(x.refused());
        }
        open = (next + 1 < x.mask.ndim()).then(|| (x.clone(), next + 1));
        if open.is_none() {
            out.push((Item::Mask(x.mask.clone()), span));
        }
    }
    match open {
        Some((x, _)) => Err(x.refused()),
        None => Ok(out),
    }
}

/// One item between the brackets of a subscript.
enum Item {
    Slice(Slice),
    /// An extent, or what is computed from extents, as a single index.
    Size(Size),
    /// A slice with an extent as a bound.
    Range {
        start: Value,
        stop: Value,
        step: isize,
    },
    Mask(DynExpr<'static>),
    /// Where elements of a mask are, along one of its axes.
    Places(Rc<Selected>),
    Indices(DynExpr<'static>),
}

/// A part of an array.
pub(super) struct Picked {
    pub region: View,
    /// What must hold for the region to be what was written.
    pub equations: Vec<Equation>,
    /// A mask over axes of the region, from this one on.
    pub mask: Option<(DynExpr<'static>, usize)>,
    /// Elements of the region at computed indices.
    pub points: Option<Points>,
    /// One element, which NumPy gives as a scalar and not as a view.
    pub scalar: bool,
}

/// Arrays of indices into axes of a region, which broadcast against each other.
pub(super) struct Points {
    /// The axes of the region, from the first on, each with its indices.
    indices: Vec<(usize, DynExpr<'static>)>,
    /// How many of the region's other axes come before those of the indices.
    before: usize,
}

impl Points {
    /// `axes` says how many axes of the region some items make.
    fn new(slices: &[Slice], arrays: Vec<(usize, DynExpr<'static>, Span)>, axes: impl Fn(&[Slice]) -> usize) -> Result<Points, Mistake> {
        let shapes: Vec<&Shape> = arrays.iter().map(|(_, indices, _)| indices.shape()).collect();
        shape::broadcast(&shapes).map_err(|e| {
            let list: Vec<String> = shapes.iter().map(|s| s.to_string()).collect();
            let mistake = Mistake::from_error(&e, arrays[arrays.len() - 1].2);
            Mistake { message: format!("index arrays of shapes {} do not broadcast against each other", list.join(", ")), ..mistake }
        })?;
        // Beside an array a single index is one too. If all of them are neighbours, their axes come in the place of the first, else
        // before all others.
        let is_index = |k: &usize| matches!(slices[*k], Slice::Index(_)) || arrays.iter().any(|(at, ..)| at == k);
        let first = (0..slices.len()).find(is_index).unwrap_or(0);
        let last = (0..slices.len()).rfind(is_index).unwrap_or(0);
        let before = if (first..=last).all(|k| is_index(&k)) { axes(&slices[..first]) } else { 0 };
        let indices = arrays.iter().map(|(at, indices, _)| (axes(&slices[..*at]), indices.clone())).collect();
        Ok(Points { indices, before })
    }

    /// The elements of the region at the indices.
    fn of(&self, region: &DynExpr<'static>) -> DynExpr<'static> {
        let at = self.at(region);
        let taken = at.indexed.get();
        if taken.check().is_err() {
            return taken;
        }
        let order = self.order(region, &taken, at.axis);
        if order.is_sorted() { taken } else { taken.permuted_axes(order) }
    }

    /// The region with the value, which stretches to the elements at the indices, in their place, or with what the operation makes of
    /// them and the value.
    pub(super) fn set(&self, region: &DynExpr<'static>, op: Option<BinaryOp>, value: &NodeRef) -> DynExpr<'static> {
        let at = self.at(region);
        let taken = at.indexed.get();
        if taken.check().is_err() {
            return taken;
        }
        let order = self.order(region, &taken, at.axis);
        let shape: Shape = order.iter().map(|k| taken.shape().extents()[*k].clone()).collect();
        let value = DynExpr::from_node(pieces::stretched(value, &shape, None));
        // A constant has no axes to permute.
        let value = if order.is_sorted() || value.ndim() == 0 { value } else { value.permuted_axes(inverse(&order)) };
        let new = match op {
            None => at.indexed.set(value),
            Some(op) => at.indexed.update(op, value),
        };
        match at.merged {
            None => new,
            Some((shape, order)) => new.reshape(shape.0.into_iter().map(Extent::from)).permuted_axes(inverse(&order)),
        }
    }

    fn at(&self, region: &DynExpr<'static>) -> At {
        match self.indices.as_slice() {
            [(axis, index)] => At { indexed: region.at_indices(index, *axis), axis: *axis, merged: None },
            several => {
                let is_taken = |k: &usize| several.iter().any(|(axis, _)| axis == k);
                let order = several.iter().map(|(axis, _)| *axis).chain((0..region.ndim()).filter(|k| !is_taken(k)));
                let order: Vec<usize> = order.collect();
                let first = region.permuted_axes(order.clone());
                let arrays: Vec<DynExpr<'static>> = several.iter().map(|(_, index)| index.clone()).collect();
                At { indexed: first.at_points(&arrays), axis: 0, merged: Some((first.shape().clone(), order)) }
            }
        }
    }

    /// The axes of the elements in NumPy's order; those of the indices are at `at`.
    fn order(&self, region: &DynExpr<'static>, taken: &DynExpr<'static>, at: usize) -> Vec<usize> {
        let inner = taken.ndim() - (region.ndim() - self.indices.len());
        let mut order: Vec<usize> = (0..at).chain(at + inner..taken.ndim()).collect();
        order.splice(self.before..self.before, at..at + inner);
        order
    }
}

/// The elements of a region at arrays of indices.
struct At {
    indexed: Indexed<DynExpr<'static>>,
    /// Where in the elements the axes of the indices are.
    axis: usize,
    /// Of several arrays of indices: the region's shape with their axes first, before these became one, and the order of the axes.
    merged: Option<(Shape, Vec<usize>)>,
}

fn inverse(order: &[usize]) -> Vec<usize> {
    let mut out = vec![0; order.len()];
    order.iter().enumerate().for_each(|(to, from)| out[*from] = to);
    out
}

impl Picked {
    /// What is there.
    pub(super) fn of(&self, x: &Array, blame: Span) -> Result<Value, Mistake> {
        let part = array(DynExpr::from_node(pieces::through(x.node(), &self.region, &self.equations, None)), blame)?;
        let Value::Array(part) = part else { return Ok(part) };
        if let Some((mask, axis)) = &self.mask {
            return select::select(&part, mask, *axis, blame).map(|s: Selected| Value::Selected(Rc::new(s)));
        }
        match &self.points {
            Some(points) => array(points.of(&part), blame),
            None if self.scalar => Ok(Value::Array(part)),
            None => Ok(Value::Array(part.shares(x))),
        }
    }
}

/// A bound of a slice.
enum Bound {
    /// As in Python; `None` is where the axis begins or ends.
    Number(Option<isize>),
    /// Counted from the start.
    Size(Size),
}

impl Bound {
    /// Counted from the start, where it is not that or the end.
    fn counted_from_start(self, n: &Size) -> Option<Size> {
        match self {
            Bound::Number(k) => k.map(|k| if k < 0 { n.add(&Size::from(k as i64)).max0() } else { Size::from(k as i64) }),
            Bound::Size(size) => Some(size),
        }
    }
}

/// A bound of a slice of an axis with `n` elements. An extent less a number may be below zero, where it would count from the end: that it
/// is not is noted.
fn bound(value: &Value, n: &Size, equations: &mut Vec<Equation>, span: Span) -> Result<Bound, Mistake> {
    let Value::Size(size) = value else { return slice_bound(value, span).map(Bound::Number) };
    let below = size.sub(n).as_const().filter(|below| *below < 0);
    // Of an axis without elements it makes no difference.
    if !size.is_never_negative() && below != Some(-1) {
        equations.push(Equation::not_negative(size));
    }
    Ok(below.map_or_else(|| Bound::Size(size.clone()), |below| Bound::Number(Some(below as isize))))
}

/// Far past any array's end, and still safe to add to an extent.
const FAR: i128 = 1 << 62;

fn slice_bound(value: &Value, span: Span) -> Result<Option<isize>, Mistake> {
    match value {
        Value::None => Ok(None),
        // As in Python, a bound past the end is the end.
        Value::Scalar(x) if x.as_int().is_some() => Ok(x.as_int().map(|k| k.clamp(-FAR, FAR) as isize)),
        other => Err(not_an_int("a slice bound", other, span)),
    }
}

fn index(value: &Value, span: Span) -> Result<Item, Mistake> {
    let unsupported = |message: &str| Mistake::new(ErrorKind::Unsupported, span, message);
    match value {
        Value::Scalar(Py::Int(k)) => Ok(Item::Slice(Slice::Index((*k).clamp(-FAR, FAR) as isize))),
        Value::None => Ok(Item::Slice(Slice::NewAxis)),
        Value::Ellipsis => Ok(Item::Slice(Slice::Ellipsis)),
        Value::Scalar(Py::Bool(_)) => Err(unsupported("a bool cannot be an index")),
        Value::Array(x) if x.dtype() == DType::Bool && x.ndim() > 0 => Ok(Item::Mask(x.expr.clone())),
        Value::Array(x) if x.dtype() == DType::Bool => Err(unsupported("a bool cannot be an index")),
        Value::Array(x) if x.dtype().is_int() => Ok(Item::Indices(x.expr.clone())),
        Value::Array(x) => Err(Mistake::new(ErrorKind::DType, span, format!("an index must be an integer, not {}", x.dtype()))
            .help("convert it first: `.astype(i64)`")),
        Value::Selected(x) if x.place.is_some() => Ok(Item::Places(x.clone())),
        Value::Selected(x) => Err(x.refused()),
        Value::Tuple(_) => Err(unsupported("elide does not index by tuples in tuples").help("an array of indices may be a list")),
        Value::List(items) => match lists::array(value, items.is_empty().then_some(DType::I64), span)? {
            x if x.dtype() == DType::Bool => Ok(Item::Mask(x)),
            x if x.dtype().is_int() => Ok(Item::Indices(x)),
            x => Err(Mistake::new(ErrorKind::DType, span, format!("the indices of a list must be integers, not {}", x.dtype()))),
        },
        Value::Size(n) => Ok(Item::Size(n.clone())),
        other => Err(not_an_int("an index", other, span)),
    }
}
