//! Complex expressions as real ones.
//!
//! No graph has a complex node. An array of complex numbers is one of their parts with one more axis, the last, of extent 2: its two
//! parts are views of that, and a result is put together from two pieces. What lies in memory (an argument, a copy of one, what is
//! written in regions or at computed indices) stays whole, so that it is written where it lies; everything else is two real values.

use hashbrown::HashMap;
use smallvec::smallvec;

use crate::error::{Error, ErrorKind, Result};
use crate::expr::complex::ComplexOp;
use crate::expr::complex::parts::{self, Parts};
use crate::expr::infer;
use crate::expr::make::Make;
use crate::expr::node::{Data, NodeKind, NodeRef};
use crate::ops::BinaryOp;
use crate::shape::Shape;
use crate::size::Size;
use crate::view::{AxisMap, View};

/// What a complex node has become.
pub(super) struct Lowered {
    /// The parts, of the node's shape unless they are constants.
    parts: Parts,
    /// Both of them, along a last axis, where that is an array in memory.
    whole: Option<NodeRef>,
}

/// The complex nodes so far.
#[derive(Default)]
pub(super) struct Complexes {
    known: HashMap<usize, Lowered>,
    /// The nodes that stand for real ones with complex operands: they must live as long as they are known by address.
    kept: Vec<NodeRef>,
}

/// This shape with the axis of the parts.
fn with_parts(shape: &Shape) -> Shape {
    shape.extents().iter().cloned().chain([Size::from(2)]).collect()
}

/// What a map of complex elements does with one part, which it does not move along.
fn at_part(map: &View, part: usize) -> View {
    let mut map = map.clone();
    map.axes.push(AxisMap { offset: Size::from(part), terms: smallvec![] });
    map
}

/// What a map of complex elements does with both parts.
fn at_both(map: &View) -> View {
    let last = map.shape.rank() as u32;
    let mut map = map.clone();
    map.shape = with_parts(&map.shape);
    map.axes.push(AxisMap { offset: Size::ZERO, terms: smallvec![(last, Size::ONE)] });
    map
}

/// A node of another kind in the place of a complex one.
fn like(node: &NodeRef, kind: NodeKind) -> NodeRef {
    NodeRef::new(kind, node.dtype.part(), node.shape.clone(), node.site())
}

fn whole_like(node: &NodeRef, kind: NodeKind) -> NodeRef {
    NodeRef::new(kind, node.dtype.part(), with_parts(&node.shape), node.site())
}

/// The parts of a node that is whole.
fn parts_of(node: &NodeRef, whole: NodeRef) -> Lowered {
    let part = |k| like(node, NodeKind::View(whole.clone(), at_part(&View::identity(&node.shape), k)));
    Lowered { parts: [part(0), part(1)], whole: Some(whole) }
}

fn internal(node: &NodeRef) -> Error {
    let error = Error::new(ErrorKind::Unsupported, format!("internal error, please report it: no formula for a node of {}", node.dtype));
    node.site().map_or(error.clone(), |site| error.at(site))
}

impl Complexes {
    pub fn knows(&self, node: &NodeRef) -> bool {
        self.known.contains_key(&node.id())
    }

    fn of(&self, node: &NodeRef) -> Result<&Lowered> {
        self.known.get(&node.id()).ok_or_else(|| internal(node))
    }

    /// The array in memory that an argument is.
    pub fn memory(&self, node: &NodeRef) -> Option<&NodeRef> {
        self.known.get(&node.id())?.whole.as_ref()
    }

    /// Takes note of a complex node whose operands are known.
    pub fn add(&mut self, node: &NodeRef) -> Result<()> {
        let lowered = self.lower(node)?;
        self.known.insert(node.id(), lowered);
        Ok(())
    }

    fn lower(&self, node: &NodeRef) -> Result<Lowered> {
        let site = node.site();
        let split = |made: Option<Parts>| made.map(|parts| Lowered { parts, whole: None }).ok_or_else(|| internal(node));
        let each = |a: &NodeRef, kind: &dyn Fn(&NodeRef) -> NodeKind| -> Result<Lowered> {
            let [re, im] = &self.of(a)?.parts;
            split(Some([like(node, kind(re)), like(node, kind(im))]))
        };
        let moved = |a: &NodeRef, part: &dyn Fn(&NodeRef) -> NodeKind, both: &dyn Fn(&NodeRef) -> NodeKind| -> Result<Lowered> {
            let whole = self.of(a)?.whole.as_ref().map(|w| whole_like(node, both(w)));
            Ok(Lowered { whole, ..each(a, part)? })
        };
        match &node.kind {
            NodeKind::Input { name, swapped } => {
                Ok(parts_of(node, whole_like(node, NodeKind::Input { name: name.clone(), swapped: *swapped })))
            }
            NodeKind::Data(data) => {
                let layout = data.layout.with_last_axis(2, node.dtype.part().size() as isize);
                Ok(parts_of(node, whole_like(node, NodeKind::Data(Data { layout, ..data.clone() }))))
            }
            NodeKind::Const(value) => split(value.parts().map(|parts| parts.map(|part| infer::constant(part, site)))),
            NodeKind::Pair(re, im) => split(Some([self.shaped(node, re)?, self.shaped(node, im)?])),
            NodeKind::Complex(ComplexOp::Conj, a) => {
                let [re, im] = &self.of(a)?.parts;
                split(Some([re.clone(), Make(site).neg(im)]))
            }
            NodeKind::Unary(op, a) => split(parts::unary(*op, &self.of(a)?.parts, site)),
            NodeKind::Binary(op, a, b) => split(parts::binary(*op, &self.of(a)?.parts, &self.of(b)?.parts, site)),
            NodeKind::Select(c, a, b) => {
                let (x, y) = (&self.of(a)?.parts, &self.of(b)?.parts);
                let m = Make(site);
                split(Some([m.select(c, &x[0], &y[0]), m.select(c, &x[1], &y[1])]))
            }
            NodeKind::Cast(a) => {
                let part = |x: &NodeRef| infer::cast(x, node.dtype.part(), site);
                if a.dtype.is_complex() {
                    return split(Some(self.of(a)?.parts.each_ref().map(part)));
                }
                let re = part(a);
                let zero = Make(site).number(&re, 0.0);
                split(Some([re, self.shaped(node, &zero)?]))
            }
            NodeKind::View(a, view) => {
                moved(a, &|x| NodeKind::View(x.clone(), view.clone()), &|x| NodeKind::View(x.clone(), at_both(view)))
            }
            NodeKind::Reshape(a) => moved(a, &|x| NodeKind::Reshape(x.clone()), &|x| NodeKind::Reshape(x.clone())),
            NodeKind::Reduce(op, a, axes) => each(a, &|x| NodeKind::Reduce(*op, x.clone(), axes.clone())),
            NodeKind::Take(a, index, map) => each(a, &|x| NodeKind::Take(x.clone(), index.clone(), map.clone())),
            NodeKind::Provided(a, some, op) => each(a, &|x| NodeKind::Provided(x.clone(), some.clone(), *op)),
            NodeKind::Pieces(pieces) => {
                let mut list = Vec::new();
                for (value, region) in pieces {
                    let value = self.of(value)?;
                    match &value.whole {
                        Some(whole) => list.push((whole.clone(), at_both(region))),
                        None => list.extend((0..2).map(|k| (value.parts[k].clone(), at_part(region, k)))),
                    }
                }
                Ok(parts_of(node, whole_like(node, NodeKind::Pieces(list))))
            }
            NodeKind::Scatter { base, value, index, op, map, bounds } => {
                let parts = &self.of(value)?.parts;
                let write = |base: NodeRef, k: usize| {
                    let (value, index, map) = (parts[k].clone(), index.clone(), at_part(map, k));
                    whole_like(node, NodeKind::Scatter { base, value, index, op: *op, map, bounds: *bounds })
                };
                Ok(parts_of(node, write(write(self.whole(base)?, 0), 1)))
            }
            NodeKind::Complex(..) | NodeKind::MulAdd(..) | NodeKind::SizeOf(_) | NodeKind::Iota | NodeKind::Error(_) => Err(internal(node)),
        }
    }

    /// A part of a node, with the node's shape if it is a constant.
    fn shaped(&self, node: &NodeRef, part: &NodeRef) -> Result<NodeRef> {
        infer::broadcast_to(part, &node.shape, node.site())
    }

    /// Both parts of a node, along a last axis.
    pub fn whole(&self, node: &NodeRef) -> Result<NodeRef> {
        let lowered = self.of(node)?;
        if let Some(whole) = &lowered.whole {
            return Ok(whole.clone());
        }
        let region = View::identity(&node.shape);
        let pieces = (0..2).map(|k| (lowered.parts[k].clone(), at_part(&region, k))).collect();
        Ok(whole_like(node, NodeKind::Pieces(pieces)))
    }

    /// What stands for a real node with complex operands, which are known.
    pub fn real(&mut self, node: &NodeRef) -> Result<NodeRef> {
        let site = node.site();
        let part = |a: &NodeRef, k: usize| Ok::<_, Error>(self.of(a)?.parts[k].clone());
        let made = match &node.kind {
            NodeKind::Complex(ComplexOp::Real, a) => Some(part(a, 0)?),
            NodeKind::Complex(ComplexOp::Imag, a) => Some(part(a, 1)?),
            NodeKind::Complex(ComplexOp::Angle, a) => Some(Make(site).binary(BinaryOp::Atan2, &part(a, 1)?, &part(a, 0)?)),
            NodeKind::Unary(op, a) => parts::measure(*op, &self.of(a)?.parts, site),
            NodeKind::Binary(op, a, b) => Some(parts::compare(*op, &self.of(a)?.parts, &self.of(b)?.parts, site)),
            NodeKind::Cast(a) => Some(parts::truth(&self.of(a)?.parts, site)),
            _ => None,
        };
        let made = made.ok_or_else(|| internal(node))?;
        self.kept.push(made.clone());
        Ok(made)
    }

    /// Keeps a node for as long as others are known by address.
    pub fn keep(&mut self, node: &NodeRef) {
        self.kept.push(node.clone());
    }
}
