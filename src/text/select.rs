//! `x[mask]`: elements whose number depends on the data.
//!
//! elide has no arrays of such a shape. But what is computed from `x[m]` element by element and then assigned to `y[m]`, with the
//! one mask, can be computed for all elements and assigned where the mask is true. And a result can have room for all elements, with
//! those that are selected first.

use hashbrown::HashSet;
use std::rc::Rc;

use super::diagnostic::{Mistake, Span};
use super::memory::Array;
use super::object::{Value, array, binary, describe, extent, number, tuple};
use super::value::Py;
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::expr::node::{NodeKind, NodeRef};
use crate::expr::{Compressed, DynExpr, Extent, Weak, indices};
use crate::ops::{BinaryOp, ReduceOp};
use crate::shape::{Joined, Shape, equate};
use crate::size::Size;

/// The elements of an array at a mask: in NumPy an array in which one axis, that of the elements selected, stands for those of
/// the mask.
pub(super) struct Selected {
    /// All elements.
    pub full: DynExpr<'static>,
    pub mask: DynExpr<'static>,
    /// The axes of `full` after those of the mask.
    pub after: usize,
    /// If they are the indices of the selected elements along an axis of the mask, that axis.
    pub place: Option<usize>,
    /// Where it was selected.
    pub span: Span,
}

impl Selected {
    /// What an operation makes of each element.
    pub fn map(&self, f: impl FnOnce(Value) -> Result<Value, Mistake>) -> Result<Value, Mistake> {
        match f(Value::Array(Array::new(self.full.clone())))? {
            Value::Array(x) => Ok(self.with(x.expr)),
            other => Ok(other),
        }
    }

    fn with(&self, full: DynExpr<'static>) -> Value {
        Value::Selected(Rc::new(Selected { full, mask: self.mask.clone(), place: None, ..*self }))
    }

    /// How many axes of `full` come before those of the mask.
    pub fn before(&self) -> usize {
        self.full.ndim() - self.mask.ndim() - self.after
    }

    /// How many elements of the mask are true.
    pub fn count(&self) -> DynExpr<'static> {
        self.mask.reduce(ReduceOp::Sum, ..)
    }

    /// NumPy's shape: the axes of the mask are one.
    pub fn shape(&self) -> Vec<Value> {
        let (extents, before) = (self.full.shape().extents(), self.before());
        let after = &extents[before + self.mask.ndim()..];
        extents[..before].iter().map(extent).chain([number(self.count())]).chain(after.iter().map(extent)).collect()
    }

    /// The product of the shape.
    pub fn size(&self, at: Span) -> Result<Value, Mistake> {
        self.shape().iter().try_fold(Value::Scalar(Py::Int(1)), |n, extent| binary(BinaryOp::Mul, &n, extent, at))
    }

    /// As a result; none where the mask leaves axes to what is selected.
    pub fn packed(&self) -> Option<Compressed<DynExpr<'static>>> {
        let all = self.mask.ndim() == self.full.ndim();
        all.then(|| self.full.compress(&self.mask)).filter(|packed| packed.values().check().is_ok())
    }

    /// Why it is no array.
    pub fn refused(&self) -> Mistake {
        let message = match self.packed() {
            Some(_) => {
                "what a mask selects is a result, assigned or reduced, and cannot be used so: how many elements it is depends on the data"
            }
            None => {
                "what a mask of the leading axes selects is assigned or reduced, and cannot be used so: its shape would depend on the data"
            }
        };
        Mistake::new(ErrorKind::Unsupported, self.span, message)
            .help("`where(mask, x, other)` keeps the shape; `x[mask].sum()` reduces the selected; `y[mask] = x[mask]` assigns them")
    }

    /// The mask with the axes that follow it.
    pub fn spread_mask(&self) -> DynExpr<'static> {
        (0..self.after).fold(self.mask.clone(), |m, _| m.insert_axis(-1))
    }

    /// `value` beside `full`: the axis that in NumPy lies beside the selected elements must have extent 1, and becomes those of
    /// the mask.
    pub fn align(&self, value: &Value, at: Span) -> Result<Value, Mistake> {
        match value {
            Value::Array(x) if x.ndim() > self.after => {
                let axis = x.ndim() - 1 - self.after;
                if x.shape().extents()[axis] != Size::ONE {
                    let message = format!(
                        "{} does not spread over the elements that a mask selects: how many they are depends on the data",
                        describe(value)
                    );
                    return Err(Mistake::new(ErrorKind::Unsupported, at, message)
                        .help("a value for `x[mask]` is a scalar, or made from arrays indexed by the same mask"));
                }
                array((1..self.mask.ndim()).fold(x.expr.clone(), |x, _| x.insert_axis(axis)), at)
            }
            Value::Selected(x) => {
                if x.after != self.after || !same(x.mask.node(), self.mask.node()) {
                    let mistake = Mistake::new(ErrorKind::Unsupported, at, "elements selected by different masks cannot be combined");
                    return Err(mistake.help("name the mask and use it for all of them: `m = x > 0; y[m] = x[m]`"));
                }
                Ok(Value::Array(Array::new(x.full.clone())))
            }
            other => Ok(other.clone()),
        }
    }
}

/// An operation, element by element, on values of which at least one is selected.
pub(super) fn together(values: &[&Value], at: Span, f: impl FnOnce(Vec<Value>) -> Result<Value, Mistake>) -> Result<Value, Mistake> {
    let selected = values.iter().find_map(|v| match v {
        Value::Selected(x) => Some(x),
        _ => None,
    });
    let Some(selected) = selected else { return f(values.iter().map(|v| (*v).clone()).collect()) };
    let full = values.iter().map(|v| selected.align(v, at)).collect::<Result<_, _>>()?;
    match f(full)? {
        Value::Array(x) => Ok(selected.with(x.expr)),
        other => Ok(other),
    }
}

/// The elements of `base` at a mask that lies over its axes from `axis` on.
pub(super) fn select(base: &Array, mask: &DynExpr<'static>, axis: usize, at: Span) -> Result<Selected, Mistake> {
    let after = base.ndim() - axis - mask.ndim();
    let covered: Shape = base.shape().extents()[axis..axis + mask.ndim()].iter().cloned().collect();
    let fits = |(n, m): (&Size, &Size)| match equate(n, m) {
        Joined::Same(_) => true,
        // A mask does not stretch.
        Joined::If(..) => *n != Size::ONE && *m != Size::ONE,
        Joined::Never => false,
    };
    if !covered.0.iter().zip(mask.shape().extents()).all(fits) {
        let message = format!("a mask of shape {} does not fit the axes {covered} of {}{}", mask.shape(), base.dtype(), base.shape());
        return Err(Mistake::new(ErrorKind::Shape, at, message));
    }
    Ok(Selected { full: base.expr.clone(), mask: mask.clone(), after, place: None, span: at })
}

fn truth(x: &DynExpr<'static>, at: Span) -> Result<DynExpr<'static>, Mistake> {
    if x.ndim() == 0 {
        let mistake = Mistake::new(ErrorKind::Shape, at, "the places in an array of rank 0");
        return Err(mistake.help("`np.atleast_1d` makes it an array of one element"));
    }
    Ok(if x.dtype() == DType::Bool { x.clone() } else { x.ne(Weak::Int(0)) })
}

/// The indices where elements are not zero, an array for each axis. As indices of one subscript they are the mask.
pub(super) fn nonzero(x: &DynExpr<'static>, at: Span) -> Result<Value, Mistake> {
    let mask = truth(x, at)?;
    let along = |k| {
        let full = DynExpr::from_node(indices::along(x.shape(), k, None));
        Value::Selected(Rc::new(Selected { full, mask: mask.clone(), after: 0, place: Some(k), span: at }))
    };
    tuple((0..x.ndim()).map(along).collect(), at)
}

/// The numbers in C order of the elements that are not zero.
pub(super) fn flatnonzero(x: &DynExpr<'static>, at: Span) -> Result<Value, Mistake> {
    let flat = x.reshape([Extent::from(x.shape().size())]);
    flat.check().map_err(|e| Mistake::from_error(&e, at))?;
    match nonzero(&flat, at)? {
        Value::Tuple(places) => Ok(places[0].clone()),
        other => Ok(other),
    }
}

/// How many pairs of nodes are compared before two masks count as different ones.
const MOST: usize = 10_000;

/// True if two expressions are written alike over the same nodes. Without recursion; each pair once.
pub(super) fn same(a: &NodeRef, b: &NodeRef) -> bool {
    let (mut seen, mut pending) = (HashSet::new(), vec![(a.clone(), b.clone())]);
    while let Some((a, b)) = pending.pop() {
        if a.same(&b) || !seen.insert((a.id(), b.id())) {
            continue;
        }
        if seen.len() > MOST || (a.dtype, &a.shape) != (b.dtype, &b.shape) || !alike(&a.kind, &b.kind) {
            return false;
        }
        let (x, y) = (a.kind.operands(), b.kind.operands());
        pending.extend(x.into_iter().cloned().zip(y.into_iter().cloned()));
    }
    true
}

fn alike(a: &NodeKind, b: &NodeKind) -> bool {
    use NodeKind::*;
    match (a, b) {
        // Of constants, equal NaNs and zeros of either sign are left to be different.
        (Const(x), Const(y)) => x.dtype() == y.dtype() && x.to_f64().to_bits() == y.to_f64().to_bits() && x == y,
        (SizeOf(x), SizeOf(y)) => x == y,
        (Input { name: x, .. }, Input { name: y, .. }) => x == y,
        (Unary(x, _), Unary(y, _)) => x == y,
        (Binary(x, ..), Binary(y, ..)) => x == y,
        (View(_, x), View(_, y)) => x == y,
        (Reduce(x, _, i), Reduce(y, _, j)) => (x, i) == (y, j),
        (Pieces(x), Pieces(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| x.1 == y.1),
        (Take(.., x), Take(.., y)) => x == y,
        (Select(..), Select(..)) | (Cast(_), Cast(_)) | (Reshape(_), Reshape(_)) | (Iota, Iota) => true,
        _ => false,
    }
}
