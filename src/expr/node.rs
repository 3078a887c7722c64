//! The untyped expression DAG under [`Expr`](crate::Expr) and [`DynExpr`](crate::DynExpr).
//!
//! A node knows its element type and shape from the moment it is made. Operators cannot return `Result` without ruining
//! arithmetic, so a mistake becomes a node with an error in it, which every later node inherits; the first place that can
//! return it (build, eval) does. Sharing a subexpression is a reference count.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use crate::dtype::{DType, Scalar};
use crate::error::{Error, ErrorKind, Result, Site};
use crate::expr::complex::ComplexOp;
use crate::expr::lazy_mut::Overwritten;
use crate::layout::Layout;
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};
use crate::shape::{Equation, Shape};
use crate::size::Size;
use crate::view::View;

/// A reference to a node. Equality of identity is [`NodeRef::same`].
#[derive(Clone)]
pub(crate) struct NodeRef(Rc<Node>);

/// One value of the expression.
pub(crate) struct Node {
    pub kind: NodeKind,
    pub dtype: DType,
    pub shape: Shape,
    /// Where the user wrote it.
    site: Cell<Option<Site>>,
    /// What must hold between named dims for this node's shape to be right.
    pub equations: Vec<Equation>,
}

/// What a node computes. Operands have the types and shapes that the variant's comment demands; `Node::check` enforces it
/// where the graph is imported.
pub(crate) enum NodeKind {
    /// A named argument of a kernel; `swapped` if its bytes are in the other order.
    Input { name: Arc<str>, swapped: bool },
    /// Memory that the expression borrows.
    Data(Data),
    /// One value, of rank 0.
    Const(Scalar),
    /// The value of a size, as an `i64` of rank 0: what a mean over a named dim divides by.
    SizeOf(Size),
    /// The index along the one axis, as an `i64`.
    Iota,
    /// The operand has this node's shape.
    Unary(UnaryOp, NodeRef),
    /// Operands of one type; each has this node's shape or is a `Const`.
    Binary(BinaryOp, NodeRef, NodeRef),
    /// Condition of type `bool`, two values of this node's type; each has this node's shape or is a `Const`.
    Select(NodeRef, NodeRef, NodeRef),
    /// x * y + z, rounded once; operands as of `Binary`, of a float type. Only formulas of complex functions have it.
    MulAdd(NodeRef, NodeRef, NodeRef),
    /// The operand has this node's shape.
    Cast(NodeRef),
    /// The operand is complex and has this node's shape.
    Complex(ComplexOp, NodeRef),
    /// Complex numbers of their real and imaginary parts, of the type of the parts; each has this node's shape or is a `Const`.
    Pair(NodeRef, NodeRef),
    /// The operand seen through an affine map.
    View(NodeRef, View),
    /// The operand's elements in C order under another shape of equal size.
    Reshape(NodeRef),
    /// Reduced over these axes (sorted, distinct), which are removed.
    Reduce(ReduceOp, NodeRef, Vec<usize>),
    /// An array put together from pieces: each value (of the shape of its region, or a `Const`) is written to its region, in
    /// order, so that later ones lie over earlier ones; together they cover the array.
    Pieces(Vec<(NodeRef, View)>),
    /// `Take(source, index, map)`: the source through the map, whose last axis stands for the value of the index, an `i64` of this
    /// node's shape (or a `Const`). The map's other axes are this node's.
    Take(NodeRef, NodeRef, View),
    /// The base with the elements at computed indices changed, for each index of the values in C order; `op` is what an element
    /// becomes of itself and the value (which replaces it if there is none). Values (of the base's type) and indices (`i64`) have one
    /// shape or are a `Const`; the map goes from that and an axis for the value of the index to the base.
    Scatter { base: NodeRef, value: NodeRef, index: NodeRef, op: Option<BinaryOp>, map: View, bounds: Bounds },
    /// The first operand, of a program that fails before anything is written where the second, a `bool` of rank 0, is false: then
    /// the reduction by which the first was made has no elements.
    #[cfg_attr(not(feature = "text"), allow(dead_code, reason = "masks select in the text language"))]
    Provided(NodeRef, NodeRef, ReduceOp),
    /// A mistake; the element type and shape are placeholders.
    Error(Error),
}

/// What is asked of an index before anything is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bounds {
    /// To be inside its axis, counted from either end.
    FromEnd,
    /// To be inside its axis, counted from the start.
    FromStart,
    /// Nothing: it was computed to be inside.
    Known,
    /// Nothing: it is a mask, a `bool`, and positions count the values where it is true.
    Counted,
}

/// Borrowed memory. The lifetime is on the expression that owns the node.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    pub ptr: *const u8,
    pub layout: Layout,
    pub swapped: bool,
    /// For memory that a program changes in place: where it did, once it has.
    pub overwritten: Option<Overwritten>,
}

/// How long an extent's formula may be. A shape that uses another one twice, time after time, doubles its length each time.
const MAX_WEIGHT: u32 = 2000;

fn too_long(extent: &Size, site: Option<Site>) -> Error {
    let mut dims = Vec::new();
    extent.for_each_var(&mut |v| {
        let name = v.to_string();
        if !dims.contains(&name) {
            dims.push(name);
        }
    });
    let dims = dims.join(", ");
    let error = Error::new(ErrorKind::Shape, format!("an extent of this array is a formula over {dims} of more than {MAX_WEIGHT} terms"));
    let error = error.help(format!("declare {dims} as numbers, or slice such that each extent is used once"));
    site.map_or(error.clone(), |site| error.at(site))
}

impl NodeRef {
    pub fn new(kind: NodeKind, dtype: DType, shape: Shape, site: Option<Site>) -> NodeRef {
        NodeRef::with_equations(kind, dtype, shape, site, Vec::new())
    }

    pub fn with_equations(kind: NodeKind, dtype: DType, shape: Shape, site: Option<Site>, equations: Vec<Equation>) -> NodeRef {
        // A mistake travels: the first operand in error stands for the whole.
        let inherited = kind.operands().into_iter().find(|o| matches!(o.kind, NodeKind::Error(_))).cloned();
        inherited.unwrap_or_else(|| match shape.extents().iter().find(|n| n.weight() > MAX_WEIGHT) {
            Some(n) => NodeRef::error(too_long(n, site), dtype),
            None => NodeRef(Rc::new(Node { kind, dtype, shape, site: Cell::new(site), equations })),
        })
    }

    pub fn error(error: Error, dtype: DType) -> NodeRef {
        NodeRef(Rc::new(Node { kind: NodeKind::Error(error), dtype, shape: Shape::scalar(), site: Cell::new(None), equations: Vec::new() }))
    }

    /// The error in this node, if it has one.
    pub fn check(&self) -> Result<()> {
        match &self.kind {
            NodeKind::Error(e) => Err(e.clone()),
            _ => Ok(()),
        }
    }

    /// Where the user wrote it.
    pub fn site(&self) -> Option<Site> {
        self.site.get()
    }

    /// Has the node come from a place of a text, with all nodes under it that were made for it: those without a place, and those
    /// that `made_here` says were not written by the user. An input is what the caller declared it to be.
    #[cfg(feature = "text")]
    pub fn locate(&self, place: Site, made_here: impl Fn(Site) -> bool) {
        let mut stack = vec![self];
        while let Some(node) = stack.pop() {
            if matches!(node.kind, NodeKind::Input { .. } | NodeKind::Data(_)) || node.site().is_some_and(|s| !made_here(s)) {
                continue;
            }
            node.site.set(Some(place));
            stack.extend(node.kind.operands());
        }
    }

    /// True if both are one node.
    pub fn same(&self, other: &NodeRef) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// The identity of the node while it lives.
    pub fn id(&self) -> usize {
        Rc::as_ptr(&self.0) as usize
    }
}

impl std::ops::Deref for NodeRef {
    type Target = Node;
    fn deref(&self) -> &Node {
        &self.0
    }
}

impl NodeKind {
    /// The nodes that this one reads, in order.
    pub fn operands(&self) -> smallvec::SmallVec<[&NodeRef; 3]> {
        use NodeKind::*;
        match self {
            Pieces(parts) => parts.iter().map(|(value, _)| value).collect(),
            Input { .. } | Data(_) | Const(_) | SizeOf(_) | Iota | Error(_) => smallvec::smallvec![],
            Unary(_, a) | Cast(a) | Complex(_, a) | View(a, _) | Reshape(a) | Reduce(_, a, _) => smallvec::smallvec![a],
            Binary(_, a, b) | Pair(a, b) | Take(a, b, _) | Provided(a, b, _) => smallvec::smallvec![a, b],
            Select(a, b, c) | MulAdd(a, b, c) | Scatter { base: a, value: b, index: c, .. } => smallvec::smallvec![a, b, c],
        }
    }
}

/// Drops a chain of any length without recursion: a node that is about to die hands its operands to a list first.
impl Drop for Node {
    fn drop(&mut self) {
        let mut pending: Vec<NodeRef> = Vec::new();
        take_operands(&mut self.kind, &mut pending);
        while let Some(node) = pending.pop() {
            if let Some(mut inner) = Rc::into_inner(node.0) {
                take_operands(&mut inner.kind, &mut pending);
            }
        }
    }
}

fn take_operands(kind: &mut NodeKind, into: &mut Vec<NodeRef>) {
    match std::mem::replace(kind, NodeKind::Const(Scalar::Bool(false))) {
        NodeKind::Unary(_, a)
        | NodeKind::Cast(a)
        | NodeKind::Complex(_, a)
        | NodeKind::View(a, _)
        | NodeKind::Reshape(a)
        | NodeKind::Reduce(_, a, _) => into.push(a),
        NodeKind::Binary(_, a, b) | NodeKind::Pair(a, b) | NodeKind::Take(a, b, _) | NodeKind::Provided(a, b, _) => into.extend([a, b]),
        NodeKind::Select(a, b, c) | NodeKind::MulAdd(a, b, c) | NodeKind::Scatter { base: a, value: b, index: c, .. } => {
            into.extend([a, b, c])
        }
        NodeKind::Pieces(parts) => into.extend(parts.into_iter().map(|(value, _)| value)),
        NodeKind::Input { .. } | NodeKind::Data(_) | NodeKind::Const(_) | NodeKind::SizeOf(_) | NodeKind::Iota | NodeKind::Error(_) => {}
    }
}
