//! Where the elements of arrays lie: which names are views of one array, and what it holds now.
//!
//! Nothing is stored while a program is read. A storage is an array of Python's: it has a current value, an expression, which
//! an assignment replaces by another one. A name is bound to a place: a storage and how its elements are looked at. So every
//! name of one storage sees what is assigned through any of them.

use std::rc::Rc;

use crate::error::Result;

use crate::expr::complex::{self, ComplexOp};
use crate::expr::infer;
use crate::expr::node::{NodeKind, NodeRef};
use crate::expr::{DynExpr, Extent, pieces};
use crate::shape::{Equation, Shape};
use crate::size::Size;
use crate::view::View;

/// An array of the program.
#[derive(Clone)]
pub(super) struct Array {
    /// What it held when it was read.
    pub expr: DynExpr<'static>,
    pub place: Option<Rc<Place>>,
    /// The version of the storage that `expr` shows.
    version: u32,
    pub held: Held,
}

/// What may be done with an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Assigned to. Of rank 0 and without a place: NumPy's scalar, which never changes.
    Result,
    /// A number of Python's that the kernel computes, of rank 0: beside an array it takes the array's type.
    Python,
    /// Assigned to, also of rank 0.
    Array,
    /// Only read: views that NumPy protects.
    ReadOnly,
}

impl Array {
    /// The result of an operation, which nothing else refers to.
    pub fn new(expr: DynExpr<'static>) -> Array {
        Array { expr, place: None, version: 0, held: Held::Result }
    }

    /// True for one of NumPy's scalars, and of Python's.
    pub fn is_scalar(&self) -> bool {
        self.place.is_none() && self.expr.ndim() == 0 && matches!(self.held, Held::Result | Held::Python)
    }

    /// `self` as what an operation on `source` returned that only looks at its elements in another way. If they are others,
    /// `self` stays an array of its own.
    pub fn shares(mut self, source: &Array) -> Array {
        let Some(place) = &source.place else {
            self.held = if source.is_scalar() { Held::Result } else { source.held };
            return self;
        };
        let place = match (pieces::view_of(self.expr.node(), source.expr.node()), &self.expr.node().kind) {
            (Some(view), _) => Some(place.then(view, &self.expr.node().equations)),
            (None, NodeKind::Reshape(inner)) if inner.same(source.expr.node()) => place.reshaped(self.expr.shape()),
            _ => None,
        };
        if let Some(place) = place {
            self = Array { place: Some(Rc::new(place)), version: source.version, held: source.held, ..self };
        }
        self
    }

    /// Has `self` share memory with `source`, of whose elements it is the real or the imaginary parts.
    pub fn is_part(&mut self, source: &Array, op: ComplexOp) {
        self.held = if source.place.is_none() && source.is_scalar() { Held::Result } else { source.held };
        self.version = source.version;
        self.place = source.place.as_ref().map(|place| {
            let mut steps = place.steps.clone();
            steps.push(Step::Part(op));
            Rc::new(Place { storage: place.storage, shape: place.shape.clone(), steps })
        });
    }
}

impl std::ops::Deref for Array {
    type Target = DynExpr<'static>;
    fn deref(&self) -> &DynExpr<'static> {
        &self.expr
    }
}

/// True if `x` has the elements of `source`, in places of its own.
pub(super) fn looks_at(x: &DynExpr<'static>, source: &DynExpr<'static>) -> bool {
    pieces::view_of(x.node(), source.node()).is_some()
}

/// A way of looking at a storage.
pub(super) struct Place {
    pub storage: usize,
    /// The storage's.
    shape: Shape,
    /// No two views follow one another.
    steps: Vec<Step>,
}

#[derive(Clone)]
enum Step {
    /// With what must hold between extents for it to be one.
    View(View, Vec<Equation>),
    /// Axes are merged.
    Reshape { from: Shape, to: Shape },
    /// The real or the imaginary parts.
    Part(ComplexOp),
}

impl Place {
    /// The whole storage.
    fn whole(storage: usize, shape: &Shape) -> Place {
        Place { storage, shape: shape.clone(), steps: Vec::new() }
    }

    /// True if this is the whole storage as it is.
    pub fn is_whole(&self) -> bool {
        match self.steps.as_slice() {
            [] => true,
            [Step::View(view, _)] => view.is_identity(&self.shape),
            _ => false,
        }
    }

    fn then(&self, view: View, equations: &[Equation]) -> Place {
        let mut steps = self.steps.clone();
        match steps.last_mut() {
            Some(Step::View(last, all)) => {
                *last = last.then(&view);
                all.extend_from_slice(equations);
            }
            _ => steps.push(Step::View(view, equations.to_vec())),
        }
        Place { storage: self.storage, shape: self.shape.clone(), steps }
    }

    /// Under another shape, if NumPy would not copy for it: it goes by strides, which are those of an array in C order.
    fn reshaped(&self, to: &Shape) -> Option<Place> {
        let (from, strides) = self.strides()?;
        merged(&from, &strides, to)?;
        let mut steps = self.steps.clone();
        steps.push(Step::Reshape { from, to: to.clone() });
        Some(Place { storage: self.storage, shape: self.shape.clone(), steps })
    }

    /// The shape, and how many elements of the storage lie between neighbours along each axis.
    fn strides(&self) -> Option<(Shape, Vec<Size>)> {
        let (mut shape, mut strides) = (self.shape.clone(), c_order(&self.shape));
        for step in &self.steps {
            match step {
                Step::View(view, _) => {
                    let mut seen = vec![Size::ZERO; view.shape.rank()];
                    for (axis, stride) in view.axes.iter().zip(&strides) {
                        for (k, by) in &axis.terms {
                            seen[*k as usize] = seen[*k as usize].add(&by.mul(stride));
                        }
                    }
                    (shape, strides) = (view.shape.clone(), seen);
                }
                Step::Reshape { to, .. } => (shape, strides) = (to.clone(), merged(&shape, &strides, to)?),
                // Of two numbers for each element one.
                Step::Part(_) => {}
            }
        }
        Some((shape, strides))
    }
}

fn c_order(shape: &Shape) -> Vec<Size> {
    let mut strides = vec![Size::ONE; shape.rank()];
    for k in (1..shape.rank()).rev() {
        strides[k - 1] = strides[k].mul(&shape.0[k]);
    }
    strides
}

/// The strides under shape `to`; none where elements would have to move. Axes between which the products of the extents agree
/// form groups, and within a group they must follow one another in memory.
fn merged(from: &Shape, strides: &[Size], to: &Shape) -> Option<Vec<Size>> {
    let old: Vec<(&Size, &Size)> = from.0.iter().zip(strides).filter(|(n, _)| **n != Size::ONE).collect();
    let mut out = vec![Size::ONE; to.rank()];
    let (mut first, mut next) = (0, 0);
    let (mut above, mut below) = (Size::ONE, Size::ONE);
    for (k, (n, _)) in old.iter().enumerate() {
        above = above.mul(n);
        // The shortest run of new axes with the same product, if there is one yet.
        let (mut product, mut end) = (below.clone(), next);
        while product != above && end < to.rank() {
            product = product.mul(&to.0[end]);
            end += 1;
        }
        if product != above {
            continue;
        }
        if (first..k).any(|i| *old[i].1 != old[i + 1].1.mul(old[i + 1].0)) {
            return None;
        }
        let mut stride = old[k].1.clone();
        for at in (next..end).rev() {
            out[at] = stride.clone();
            stride = stride.mul(&to.0[at]);
        }
        (first, next, below) = (k + 1, end, product);
    }
    (first == old.len()).then_some(out)
}

/// All storages.
#[derive(Default)]
pub(super) struct Memory {
    storages: Vec<Storage>,
}

struct Storage {
    value: DynExpr<'static>,
    version: u32,
}

impl Memory {
    /// A storage of its own for an array that has none.
    pub fn settle(&mut self, array: &mut Array) {
        if array.place.is_none() {
            let place = Place::whole(self.storages.len(), array.expr.shape());
            self.storages.push(Storage { value: array.expr.clone(), version: 0 });
            (array.place, array.version) = (Some(Rc::new(place)), 0);
        }
    }

    /// True if `array` shows what its storage held before an assignment.
    pub fn is_stale(&self, array: &Array) -> bool {
        array.place.as_ref().is_some_and(|p| self.storages[p.storage].version != array.version)
    }

    /// Brings an array up to date.
    pub fn refresh(&self, array: &mut Array) {
        if let Some(place) = &array.place {
            let storage = &self.storages[place.storage];
            if storage.version != array.version {
                array.version = storage.version;
                array.expr = DynExpr::from_node(look(storage.value.node(), &place.steps));
            }
        }
    }

    /// True if something was assigned to a part of the storage since it was made.
    pub fn is_changed(&self, storage: usize) -> bool {
        self.storages[storage].version != 0
    }

    /// Puts `value`, which has the storage's element type, in a region of what `place` shows. Returns what the storage holds now.
    pub fn write(&mut self, place: &Place, region: &View, value: &NodeRef) -> Result<&NodeRef> {
        let storage = &mut self.storages[place.storage];
        let (mut region, mut value) = (region.clone(), value.clone());
        for (k, step) in place.steps.iter().enumerate().rev() {
            match step {
                Step::View(view, _) => region = view.then(&region),
                Step::Reshape { from, .. } => {
                    let whole = put(&look(storage.value.node(), &place.steps[..=k]), &region, &value);
                    value = reshape(&whole, from);
                    region = View::identity(from);
                }
                Step::Part(op) => {
                    let part = put(&look(storage.value.node(), &place.steps[..=k]), &region, &value);
                    let all = look(storage.value.node(), &place.steps[..k]);
                    value = match op {
                        ComplexOp::Real => complex::pair(&part, &complex::apply(ComplexOp::Imag, &all, None), None),
                        _ => complex::pair(&complex::apply(ComplexOp::Real, &all, None), &part, None),
                    };
                    region = View::identity(&all.shape);
                }
            }
        }
        let new = put(storage.value.node(), &region, &value);
        new.check()?;
        storage.value = DynExpr::from_node(new);
        // A program of 2^32 assignments does not fit in memory.
        storage.version += 1;
        Ok(storage.value.node())
    }
}

fn put(base: &NodeRef, region: &View, value: &NodeRef) -> NodeRef {
    let replaced = region.is_identity(&base.shape) && value.shape == base.shape && value.dtype == base.dtype;
    if replaced { value.clone() } else { pieces::assign(base, region, value, None) }
}

fn look(value: &NodeRef, steps: &[Step]) -> NodeRef {
    steps.iter().fold(value.clone(), |at, step| match step {
        Step::View(view, equations) => pieces::through(&at, view, equations, None),
        Step::Reshape { to, .. } => reshape(&at, to),
        Step::Part(op) => complex::apply(*op, &at, None),
    })
}

fn reshape(node: &NodeRef, to: &Shape) -> NodeRef {
    infer::reshape(node, to.0.iter().cloned().map(Extent::from), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(extents: &[usize]) -> Shape {
        Shape::fixed(extents)
    }

    /// Recorded from NumPy: whether `reshape` of an array with these strides shares memory.
    #[test]
    fn reshapes_share_where_numpys_do() {
        for (from, strides, to, shares) in [
            (&[3, 4][..], &[4, 1][..], &[12][..], true),
            (&[3, 4], &[1, 3], &[12], false),
            (&[3, 4], &[4, 1], &[2, 6], true),
            (&[2, 4], &[8, 1], &[8], false),
            (&[2, 4], &[8, 1], &[2, 2, 2], true),
            (&[2, 3, 4], &[24, 4, 1], &[2, 12], true),
            (&[2, 3, 4], &[24, 4, 1], &[6, 4], false),
            (&[1, 3, 1, 4], &[99, 4, 7, 1], &[4, 3], true),
            (&[3, 1], &[5, 1], &[3], true),
            (&[6], &[-1], &[2, 3], true),
            (&[4, 3], &[0, 1], &[12], false),
        ] {
            let strides: Vec<Size> = strides.iter().map(|&s| Size::from(s as i64)).collect();
            assert_eq!(merged(&shape(from), &strides, &shape(to)).is_some(), shares, "{from:?} {to:?}");
        }
        let split = merged(&shape(&[6, 5]), &[Size::from(10i64), Size::ONE], &shape(&[2, 3, 5])).unwrap();
        assert_eq!(split, [Size::from(30i64), Size::from(10i64), Size::ONE]);
    }
}
