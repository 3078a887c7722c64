//! ARRAY IR: a canonical, typed DAG in an arena, operands before users.
//!
//! Hash-consing makes equal computations one node, so common subexpressions are shared from the start and every pass is a
//! loop over the arena. Rules that hold for every graph are listed in [`verify`].

mod complex;
mod import;
mod print;
mod verify;
mod windows;

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;
use hashbrown::hash_table::{Entry, HashTable};
use smallvec::{SmallVec, smallvec};

use crate::dtype::{DType, Scalar};
use crate::entity::define_index;
use crate::error::Site;
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};
use crate::shape::{Equation, Shape};
use crate::size::Size;
use crate::view::View;

pub(crate) use print::{Applied, Line};
pub(crate) use verify::verify;
pub(crate) use windows::Windows;

define_index! {
    /// A node of a [`Graph`].
    NodeId, "%"
}

/// A typed DAG of array operations with named outputs.
#[derive(Clone, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    /// The nodes by what they compute.
    cons: HashTable<NodeId>,
    hasher: DefaultHashBuilder,
    inputs: Vec<Input>,
    outputs: Vec<Output>,
    equations: Vec<(Equation, Option<Site>)>,
    indices: Vec<Index>,
    positions: Vec<Position>,
    /// The inputs that results are stored in.
    updated: Vec<u32>,
    /// Sizes that are taken not to be negative; `None` where nothing may be assumed.
    assumed: Option<Vec<Size>>,
    windows: Windows,
}

/// Graphs are equal if they are the same program, written at the same places.
impl PartialEq for Graph {
    fn eq(&self, other: &Graph) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Graph {}

impl Hash for Graph {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// A single index along an axis whose extent is known only when arrays are bound.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Index {
    /// Counted from the start.
    pub index: Size,
    pub extent: Size,
    /// Where the user wrote it.
    pub site: Option<Site>,
}

/// An array of indices into an axis of another array. Nodes of the graph as it was imported: rewritten graphs have none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Position {
    /// The indices, each an `i64`.
    pub index: NodeId,
    /// The axis they are along, with its extent.
    pub axis: usize,
    pub extent: Size,
    pub asked: Asked,
    /// Where the user wrote it.
    pub site: Option<Site>,
}

/// What must hold for an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Asked {
    /// It is in `-n .. n`, negative ones counting from the end.
    FromEnd,
    /// It is in `0 .. n`.
    FromStart,
    /// It is 0, as it is where there are elements to reduce; else it is 1. The extent is 1.
    Elements(ReduceOp),
}

/// An argument of the computation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Input {
    /// The name it is bound by; empty for data that the expression borrows.
    pub name: Arc<str>,
    /// The element type.
    pub dtype: DType,
    /// The shape.
    pub shape: Shape,
    /// True if the last axis, of extent 2, is that of the parts of complex numbers.
    pub complex: bool,
    /// True if its bytes are in the order that this machine does not use.
    pub swapped: bool,
    /// True if the caller gives its memory away: once it has been read for the last time, other values may lie there.
    pub given_away: bool,
    /// Which of the expression's borrowed arrays it is, where the expression brought it along.
    pub(crate) data: Option<u32>,
    /// Where the user declared it.
    pub(crate) site: Option<Site>,
}

impl Input {
    /// The element type and shape of the array that is bound to it.
    pub fn declared(&self) -> (DType, Shape) {
        declared(self.dtype, &self.shape, self.complex)
    }
}

/// What an array of these parts is to the user, if its last axis is that of the parts of `complex` numbers.
fn declared(dtype: DType, shape: &Shape, complex: bool) -> (DType, Shape) {
    let extents = shape.extents();
    match complex {
        true => (dtype.to_complex(), extents[..extents.len() - 1].iter().cloned().collect()),
        false => (dtype, shape.clone()),
    }
}

/// A result of the computation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Output {
    /// The name it is bound by.
    pub name: Arc<str>,
    /// The value.
    pub node: NodeId,
    /// True if the last axis, of extent 2, is that of the parts of complex numbers.
    pub complex: bool,
    /// The input in whose memory the result is stored.
    pub in_place: Option<u32>,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// What it computes.
    pub kind: Kind,
    /// Its element type.
    pub dtype: DType,
    /// Its shape.
    pub shape: Shape,
    /// Where the user wrote it.
    pub site: Option<Site>,
}

impl Node {
    /// What makes two nodes one.
    fn computes(&self) -> (&Kind, DType, &Shape) {
        (&self.kind, self.dtype, &self.shape)
    }
}

/// What a node computes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The `k`-th input.
    Input(u32),
    /// One value, of rank 0; as an operand it stretches to any shape.
    Const(Scalar),
    /// An `i64` of rank 0 whose value is a size; as an operand it stretches to any shape.
    Size(Size),
    /// The index along the one axis, as an `i64`; no memory holds it.
    Iota,
    /// An operation of one operand.
    Unary(UnaryOp, NodeId),
    /// An operation of two operands of one type.
    Binary(BinaryOp, NodeId, NodeId),
    /// `Select(c, x, y)`: x where c, else y.
    Select(NodeId, NodeId, NodeId),
    /// `MulAdd(x, y, z)`: x * y + z, rounded once; where the program's `FpMode` allows it, and in formulas of complex functions.
    MulAdd(NodeId, NodeId, NodeId),
    /// `Quotient(x, y, r)`: x / y; r holds what `math::quotient` has of y, by which code may get the same bits faster.
    Quotient(NodeId, NodeId, NodeId),
    /// Conversion to the node's type.
    Cast(NodeId),
    /// The operand through an affine map.
    View(NodeId, View),
    /// The operand's elements in C order under the given shape.
    Reshape(NodeId, Shape),
    /// Reduced over the given axes, which are removed.
    Reduce(ReduceOp, NodeId, SmallVec<[u8; 4]>),
    /// `Take(source, indices, map)`: the source at the element that the map has for the node's index followed by the values of the
    /// indices, each an `i64` that counts from the end where it is negative. The map has an axis more than the node for each.
    Take(NodeId, Indices, View),
    /// `Scatter(base, value, index, how)`: the base, of whose elements some have been changed: for each index of the values in C
    /// order, the element at the value of the index, an `i64` which counts from the end where it is negative. Or, where the values are
    /// [packed](Scatter::packed), the first element that is not changed yet, if the index, a `bool`, is true.
    Scatter(NodeId, NodeId, NodeId, Scatter),
    /// The operand, in memory of its own: what it shows is about to be overwritten.
    Copy(NodeId),
    /// An array put together from pieces, which cover it.
    Pieces(Pieces),
}

/// How values are written at computed indices.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scatter {
    /// What an element becomes of itself and the value, which replaces it if this is `None`.
    pub op: Option<BinaryOp>,
    /// The element of the base for an index of the values, followed by the position that the index gives: the map has one more axis
    /// than the values for it.
    pub map: View,
    /// True if positions count the values that are written; the index is a mask that says which are.
    pub packed: bool,
}

impl Scatter {
    /// The shape of the values and of the indices, also where these are scalars that stretch.
    pub fn domain(&self) -> Shape {
        let extents = self.map.shape.extents();
        extents[..extents.len() - 1].iter().cloned().collect()
    }
}

/// What an element is taken at: at least one value, each along an axis of its own.
pub type Indices = SmallVec<[NodeId; 2]>;

/// Values and the regions of an array that they are written to, in order: later ones lie over earlier ones.
///
/// A region is a view from the value's index to the array's; no two indices of it meet.
pub type Pieces = Arc<[(NodeId, View)]>;

impl Kind {
    /// The operands, in order.
    pub fn operands(&self) -> SmallVec<[NodeId; 3]> {
        match *self {
            Kind::Input(_) | Kind::Const(_) | Kind::Size(_) | Kind::Iota => smallvec![],
            Kind::Unary(_, a) | Kind::Cast(a) | Kind::Copy(a) | Kind::View(a, _) | Kind::Reshape(a, _) | Kind::Reduce(_, a, _) => {
                smallvec![a]
            }
            Kind::Binary(_, a, b) => smallvec![a, b],
            Kind::Take(a, ref indices, _) => std::iter::once(a).chain(indices.iter().copied()).collect(),
            Kind::Select(a, b, c) | Kind::MulAdd(a, b, c) | Kind::Quotient(a, b, c) | Kind::Scatter(a, b, c, _) => smallvec![a, b, c],
            Kind::Pieces(ref parts) => parts.iter().map(|(value, _)| *value).collect(),
        }
    }

    /// The same operation on other operands.
    pub fn map_operands(&self, mut f: impl FnMut(NodeId) -> NodeId) -> Kind {
        match self {
            Kind::Input(_) | Kind::Const(_) | Kind::Size(_) | Kind::Iota => self.clone(),
            Kind::Unary(op, a) => Kind::Unary(*op, f(*a)),
            Kind::Binary(op, a, b) => Kind::Binary(*op, f(*a), f(*b)),
            Kind::Select(a, b, c) => Kind::Select(f(*a), f(*b), f(*c)),
            Kind::MulAdd(a, b, c) => Kind::MulAdd(f(*a), f(*b), f(*c)),
            Kind::Quotient(a, b, c) => Kind::Quotient(f(*a), f(*b), f(*c)),
            Kind::Take(a, indices, map) => {
                let source = f(*a);
                Kind::Take(source, indices.iter().map(|index| f(*index)).collect(), map.clone())
            }
            Kind::Scatter(base, value, index, how) => Kind::Scatter(f(*base), f(*value), f(*index), how.clone()),
            Kind::Cast(a) => Kind::Cast(f(*a)),
            Kind::Copy(a) => Kind::Copy(f(*a)),
            Kind::View(a, v) => Kind::View(f(*a), v.clone()),
            Kind::Reshape(a, s) => Kind::Reshape(f(*a), s.clone()),
            Kind::Reduce(op, a, axes) => Kind::Reduce(*op, f(*a), axes.clone()),
            Kind::Pieces(parts) => Kind::Pieces(parts.iter().map(|(value, region)| (f(*value), region.clone())).collect()),
        }
    }

    /// True for what computes each element from the elements at the same index.
    pub fn is_elementwise(&self) -> bool {
        use Kind::*;
        matches!(self, Unary(..) | Binary(..) | Select(..) | MulAdd(..) | Quotient(..) | Cast(_))
    }

    /// True for what is computed at an index from values at the same index: element-wise operations and takes.
    pub fn is_pointwise(&self) -> bool {
        self.is_elementwise() || matches!(self, Kind::Take(..))
    }

    /// True for what is memory by nature: it comes to be by writes to parts of it, and is never computed at an index.
    pub fn is_written(&self) -> bool {
        matches!(self, Kind::Pieces(_) | Kind::Scatter(..))
    }

    /// True for values of rank 0 that stretch to any shape as operands.
    pub fn is_scalar_leaf(&self) -> bool {
        matches!(self, Kind::Const(_) | Kind::Size(_))
    }
}

impl Graph {
    /// A graph with the same inputs, equations and indices, and nothing else.
    pub(crate) fn like(other: &Graph) -> Graph {
        let mut g = Graph {
            inputs: other.inputs.clone(),
            equations: other.equations.clone(),
            indices: other.indices.clone(),
            updated: other.updated.clone(),
            assumed: other.assumed.clone(),
            hasher: other.hasher.clone(),
            windows: other.windows.clone(),
            ..Graph::default()
        };
        for k in 0..g.inputs.len() {
            let Input { dtype, shape, site, .. } = g.inputs[k].clone();
            g.add(Kind::Input(k as u32), dtype, shape, site);
        }
        g
    }

    /// True if some value is kept in memory only because that is faster.
    pub(crate) fn takes_memory_for_time(&self) -> bool {
        self.windows.has_any() || self.nodes.iter().any(|n| matches!(n.kind, Kind::Quotient(..)))
    }

    /// All that it consists of: what is not listed only finds nodes again.
    #[allow(clippy::type_complexity)]
    fn parts(&self) -> (&[Node], &[Input], &[Output], &[(Equation, Option<Site>)], &[Index], &[Position], &[u32], &Option<Vec<Size>>) {
        let Graph { nodes, cons: _, hasher: _, inputs, outputs, equations, indices, positions, updated, assumed, windows: _ } = self;
        (nodes, inputs, outputs, equations, indices, positions, updated, assumed)
    }

    /// Makes room for so many nodes.
    fn reserve(&mut self, count: usize) {
        let Graph { nodes, cons, hasher, .. } = self;
        nodes.reserve(count.saturating_sub(nodes.len()));
        cons.reserve(count.saturating_sub(cons.len()), |id| hasher.hash_one(nodes[id.index()].computes()));
    }

    /// The node that computes `kind`: an existing one if there is, else a new one at the end.
    pub(crate) fn add(&mut self, kind: Kind, dtype: DType, shape: Shape, site: Option<Site>) -> NodeId {
        let Graph { nodes, cons, hasher, .. } = self;
        let node = Node { kind, dtype, shape, site };
        let same = |id: &NodeId| nodes[id.index()].computes() == node.computes();
        match cons.entry(hasher.hash_one(node.computes()), same, |id| hasher.hash_one(nodes[id.index()].computes())) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let id = NodeId::new(nodes.len());
                new.insert(id);
                nodes.push(node);
                id
            }
        }
    }

    /// A constant.
    pub(crate) fn constant(&mut self, value: Scalar, site: Option<Site>) -> NodeId {
        self.add(Kind::Const(value), value.dtype(), Shape::scalar(), site)
    }

    /// The operand through a view; views compose, and one that changes nothing is the operand itself.
    pub(crate) fn view(&mut self, src: NodeId, view: View, site: Option<Site>) -> NodeId {
        let (src, view) = match &self[src].kind {
            Kind::View(base, inner) => (*base, inner.then(&view)),
            _ => (src, view),
        };
        if view.is_identity(&self[src].shape) {
            return src;
        }
        let (dtype, shape) = (self[src].dtype, view.shape.clone());
        self.add(Kind::View(src, view), dtype, shape, site)
    }

    /// The operand at computed indices; see [`Kind::Take`]. A view of the operand becomes part of the map.
    pub(crate) fn take(&mut self, src: NodeId, indices: Indices, map: View, dtype: DType, site: Option<Site>) -> NodeId {
        let (src, map) = match &self[src].kind {
            Kind::View(base, inner) => (*base, inner.then(&map)),
            _ => (src, map),
        };
        // Indices are not in memory; what they are at an index is arithmetic.
        if self[src].kind == Kind::Iota {
            return self.taken_index(src, &indices, map, site);
        }
        let rank = map.shape.rank() - indices.len();
        let shape = map.shape.extents()[..rank].iter().cloned().collect();
        self.add(Kind::Take(src, indices, map), dtype, shape, site)
    }

    /// What is taken from the index itself: the map's one axis, with the indices' values in the place of its last axes.
    fn taken_index(&mut self, iota: NodeId, indices: &[NodeId], mut map: View, site: Option<Site>) -> NodeId {
        let rank = map.shape.rank() - indices.len();
        let lasts: Vec<Size> = map.shape.0.drain(rank..).collect();
        let step_of = |k: usize| map.axes[0].terms.iter().find(|t| t.0 as usize == rank + k).map_or(Size::ZERO, |t| t.1.clone());
        let steps: Vec<Size> = (0..indices.len()).map(step_of).collect();
        map.axes[0].terms.retain(|t| (t.0 as usize) < rank);
        let (dtype, shape) = (DType::I64, map.shape.clone());
        let size = |g: &mut Graph, s: Size| match s.as_const() {
            Some(n) => g.constant(Scalar::I64(n), site),
            None => g.add(Kind::Size(s), dtype, Shape::scalar(), site),
        };
        let mut total = self.view(iota, map, site);
        for ((&index, last), step) in indices.iter().zip(lasts).zip(steps) {
            let [zero, n, step] = [Size::ZERO, last, step].map(|s| size(self, s));
            let mut add = |kind, dtype| self.add(kind, dtype, shape.clone(), site);
            let below = add(Kind::Binary(BinaryOp::Lt, index, zero), DType::Bool);
            let from_end = add(Kind::Binary(BinaryOp::Add, index, n), dtype);
            let wrapped = add(Kind::Select(below, from_end, index), dtype);
            let scaled = add(Kind::Binary(BinaryOp::Mul, wrapped, step), dtype);
            total = add(Kind::Binary(BinaryOp::Add, scaled, total), dtype);
        }
        total
    }

    /// The node of a graph that is being rebuilt, whose operands are nodes of this one: a view may have come to see a view.
    pub(crate) fn add_again(&mut self, node: &Node) -> NodeId {
        match &node.kind {
            Kind::View(src, view) => self.view(*src, view.clone(), node.site),
            Kind::Take(src, indices, map) => self.take(*src, indices.clone(), map.clone(), node.dtype, node.site),
            kind => self.add(kind.clone(), node.dtype, node.shape.clone(), node.site),
        }
    }

    /// Adds a result.
    pub(crate) fn output(&mut self, name: Arc<str>, node: NodeId, in_place: Option<u32>) {
        self.outputs.push(Output { name, node, complex: false, in_place });
    }

    /// Adds a result that is this one of another graph.
    pub(crate) fn output_like(&mut self, output: &Output, node: NodeId) {
        self.outputs.push(Output { node, ..output.clone() });
    }

    /// The inputs that results are stored in.
    pub(crate) fn updated_inputs(&self) -> &[u32] {
        &self.updated
    }

    /// True if passes may assume that dims are not tiny.
    pub(crate) fn assumes(&self) -> bool {
        self.assumed.is_some()
    }

    /// What passes have assumed not to be negative.
    pub(crate) fn assumptions(&self) -> &[Size] {
        self.assumed.as_deref().unwrap_or_default()
    }

    /// Notes what is assumed from here on; allows assumptions where none were.
    pub(crate) fn assume(&mut self, sizes: Vec<Size>) {
        self.assumed = Some(sizes);
    }

    /// Forbids assumptions, where none have been made.
    pub(crate) fn assume_nothing(&mut self) {
        self.assumed = None;
    }

    /// Which values are to be in windows.
    pub(crate) fn windows(&self) -> &Windows {
        &self.windows
    }

    /// Decides that anew.
    pub(crate) fn set_windows(&mut self, windows: Windows) {
        self.windows = windows;
    }

    /// Makes another node the `output`-th result.
    pub(crate) fn set_output(&mut self, output: usize, node: NodeId) {
        self.outputs[output].node = node;
    }

    /// Has the `output`-th result stored in the memory of the `input`-th argument.
    pub(crate) fn update_in_place(&mut self, output: usize, input: u32) {
        self.outputs[output].in_place = Some(input);
        self.updated.push(input);
    }

    /// Allows other values in the memory of the `input`-th argument once it has been read for the last time.
    pub(crate) fn give_away(&mut self, input: u32) {
        self.inputs[input as usize].given_away = true;
    }

    /// Every node with its id, operands before users.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = (NodeId, &Node)> + ExactSizeIterator {
        self.nodes.iter().enumerate().map(|(k, n)| (NodeId::new(k), n))
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The arguments, in order of declaration.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// The results, in order of declaration.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// The element type and shape of the array that is bound to a result.
    pub fn declared_output(&self, output: &Output) -> (DType, Shape) {
        let node = &self[output.node];
        declared(node.dtype, &node.shape, output.complex)
    }

    /// What must hold between named dims, with where it was written.
    pub(crate) fn equations(&self) -> &[(Equation, Option<Site>)] {
        &self.equations
    }

    /// The single indices that must be inside their extents.
    pub(crate) fn indices(&self) -> &[Index] {
        &self.indices
    }

    /// Every array of indices, of a graph that has just been imported.
    pub(crate) fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// The graph with its nodes and no results, which writes to no argument; what its indices must be is left out.
    pub(crate) fn without_outputs(&self) -> Graph {
        let mut inputs = self.inputs.clone();
        inputs.iter_mut().for_each(|i| i.given_away = false);
        Graph { inputs, outputs: Vec::new(), positions: Vec::new(), updated: Vec::new(), ..self.clone() }
    }

    /// Which nodes some output depends on.
    pub(crate) fn live(&self) -> Vec<bool> {
        let mut live = vec![false; self.nodes.len()];
        for o in &self.outputs {
            live[o.node.index()] = true;
        }
        for k in (0..self.nodes.len()).rev() {
            if live[k] {
                for o in self.nodes[k].kind.operands() {
                    live[o.index()] = true;
                }
            }
        }
        live
    }

    /// The graph made by replacing every live node, in order, by what `f` adds for it; `f` gets the node with its operands
    /// already replaced. Dead nodes are gone.
    pub(crate) fn rebuild(&self, mut f: impl FnMut(&mut Graph, &Node) -> NodeId) -> Graph {
        self.rebuild_with(|g, _, node| f(g, node))
    }

    /// As `rebuild`; `f` also gets the id that the node had.
    pub(crate) fn rebuild_with(&self, mut f: impl FnMut(&mut Graph, NodeId, &Node) -> NodeId) -> Graph {
        let live = self.live();
        let mut out = Graph::like(self);
        out.reserve(self.len());
        let mut map = vec![None; self.nodes.len()];
        for (id, node) in self.nodes() {
            if live[id.index()] {
                let kind = node.kind.map_operands(|o| map[o.index()].expect("operands come before users"));
                map[id.index()] = Some(f(&mut out, id, &Node { kind, ..node.clone() }));
            }
        }
        for o in &self.outputs {
            out.output_like(o, map[o.node.index()].expect("outputs are live"));
        }
        out
    }
}

impl std::ops::Index<NodeId> for Graph {
    type Output = Node;
    fn index(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }
}
