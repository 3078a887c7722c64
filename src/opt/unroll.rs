//! Reductions over a few elements become operations on them.
//!
//! The three coordinates of a point or the channels of a pixel are too short for a vector and for a loop. As operations on views
//! `x[..., 0]`, `x[..., 1]`, ... the vector runs along another axis, what does not depend on that one leaves its loop, and the result
//! fuses with what uses it. The operations are in the order of `docs/semantics.md`, so no bit changes.

use smallvec::SmallVec;

use super::Pass;
use super::views::{MAX_VIEWS, own_cost};
use crate::dtype::{DType, Scalar};
use crate::error::Site;
use crate::graph::{Graph, Kind, Node, NodeId};
use crate::ops::{BinaryOp, ReduceOp};
use crate::shape::Shape;
use crate::size::Size;
use crate::view::{AxisMap, View};

/// How many elements are few: as many as there are partial results in the defined order.
const MAX_ELEMENTS: i64 = 8;

/// How many elements of a row are computed side by side when its nest is lowered (`kernel/unroll.rs`).
const MAX_ROW: i64 = 4;

/// The work, by [`own_cost`], that the operands of one reduction may come to; more is too much code for one body.
const MAX_WORK: usize = 400;

/// Replaces reductions over axes whose extents are small numbers.
pub(super) const PASS: Pass = Pass { name: "unroll", applies: |g| g.nodes().any(|(_, n)| elements(g, n).is_some()), run };

fn run(graph: &Graph) -> Graph {
    let chosen = choose(graph);
    graph.rebuild_with(|g, id, node| match node.kind {
        Kind::Reduce(op, src, ref axes) if chosen[id.index()] => unrolled(g, op, src, axes, node),
        _ => g.add_again(node),
    })
}

/// The number of elements that each result of a reduction is made of, if they are few; the result itself must have an axis for
/// the vector to run along.
fn elements(graph: &Graph, node: &Node) -> Option<i64> {
    let Kind::Reduce(_, src, axes) = &node.kind else { return None };
    let extent = |k: &u8| graph[*src].shape.extents()[*k as usize].as_const();
    let product = axes.iter().try_fold(1i64, |n, k| n.checked_mul(extent(k)?))?;
    ((1..=MAX_ELEMENTS).contains(&product) && node.shape.rank() > 0).then_some(product)
}

/// The reductions to unroll, users before operands: each multiplies the views of what is under it, which would be stored if they
/// were more than [`MAX_VIEWS`].
fn choose(graph: &Graph) -> Vec<bool> {
    let live = graph.live();
    let mut chosen = vec![false; graph.len()];
    let mut views = vec![1usize; graph.len()];
    let mut viewed = vec![0usize; graph.len()];
    let mut read_whole = vec![false; graph.len()];
    graph.outputs().iter().for_each(|o| read_whole[o.node.index()] = true);
    for (id, node) in graph.nodes().rev().filter(|(id, _)| live[id.index()]) {
        let own = views[id.index()].max(viewed[id.index()]);
        let raise = |all: &mut Vec<usize>, o: NodeId, n: usize| all[o.index()] = all[o.index()].max(n);
        match &node.kind {
            Kind::Reduce(_, src, axes) => {
                let few = elements(graph, node);
                // Short rows are unrolled too, when they are lowered, and share what is computed for both.
                let is_row = few.is_some_and(|n| n <= MAX_ROW) && axes.last().map(|k| *k as usize + 1) == Some(graph[*src].shape.rank());
                let wanted = few.map(|n| own.saturating_mul(n as usize)).filter(|wanted| {
                    let cost = work(graph, *src);
                    // What others need as it is would be computed once more for them.
                    let again = read_whole[src.index()] && cost >= super::views::EXPENSIVE as usize && !is_row;
                    *wanted <= MAX_VIEWS && cost * wanted <= MAX_WORK && !again
                });
                chosen[id.index()] = wanted.is_some();
                raise(&mut views, *src, wanted.unwrap_or(1));
            }
            Kind::View(src, _) => viewed[src.index()] = viewed[src.index()].saturating_add(own),
            kind => {
                for o in kind.operands() {
                    raise(&mut views, o, if kind.is_pointwise() { own } else { 1 });
                    read_whole[o.index()] = true;
                }
            }
        }
    }
    chosen
}

/// The work of one element of a node, from memory and reductions.
fn work(graph: &Graph, root: NodeId) -> usize {
    let mut seen = hashbrown::HashSet::new();
    let mut stack = vec![root];
    let mut total = 0;
    while let Some(id) = stack.pop() {
        let node = &graph[id];
        if total > MAX_WORK || !seen.insert(id) || !(node.kind.is_pointwise() || matches!(node.kind, Kind::View(..))) {
            continue;
        }
        total += own_cost(graph, node) as usize;
        stack.extend(node.kind.operands());
    }
    total
}

/// The reduction as operations.
fn unrolled(g: &mut Graph, op: ReduceOp, src: NodeId, axes: &[u8], node: &Node) -> NodeId {
    let (dtype, shape, site) = (g[src].dtype, node.shape.clone(), node.site);
    let extents: Vec<i64> = axes.iter().map(|k| g[src].shape.extents()[*k as usize].as_const().expect("it was chosen")).collect();
    let count: i64 = extents.iter().product();
    let values: Vec<NodeId> = (0..count)
        .map(|mut k| {
            // The index of the k-th element in C order.
            let mut at = vec![0; axes.len()];
            for (i, n) in at.iter_mut().zip(&extents).rev() {
                (*i, k) = (k % n, k / n);
            }
            let view = element(&g[src].shape, axes, &at, &shape);
            g.view(src, view, site)
        })
        .collect();
    match op.combine(dtype) {
        None => position(g, op, &values, &shape, site),
        Some(combine) => {
            let mut apply = |x, y| g.add(Kind::Binary(combine, x, y), dtype, shape.clone(), site);
            let mut values = values;
            // Whole groups of partial results are combined in a tree; in a leaf as short as this each has one element.
            while count == MAX_ELEMENTS && values.len() > 1 {
                values = values.chunks(2).map(|pair| apply(pair[0], pair[1])).collect();
            }
            let total = values.into_iter().reduce(apply).expect("at least one element");
            if op == ReduceOp::Sum && dtype.is_float() {
                let zero = g.constant(Scalar::zero(dtype), site);
                return g.add(Kind::Binary(BinaryOp::Add, total, zero), dtype, shape, site);
            }
            total
        }
    }
}

/// The number of the first least (greatest) value, or of the first NaN.
fn position(g: &mut Graph, op: ReduceOp, values: &[NodeId], shape: &Shape, site: Option<Site>) -> NodeId {
    let dtype = g[values[0]].dtype;
    let better = if op == ReduceOp::ArgMin { BinaryOp::Lt } else { BinaryOp::Gt };
    let (mut best, mut at) = (values[0], g.constant(Scalar::I64(0), site));
    for (k, &value) in values.iter().enumerate().skip(1) {
        let mut add = |kind, dtype| g.add(kind, dtype, shape.clone(), site);
        let mut takes = add(Kind::Binary(better, value, best), DType::Bool);
        if dtype.is_float() {
            let nan = add(Kind::Binary(BinaryOp::Ne, value, value), DType::Bool);
            let none_yet = add(Kind::Binary(BinaryOp::Eq, best, best), DType::Bool);
            let first = add(Kind::Binary(BinaryOp::And, nan, none_yet), DType::Bool);
            takes = add(Kind::Binary(BinaryOp::Or, takes, first), DType::Bool);
        }
        best = add(Kind::Select(takes, value, best), dtype);
        let k = g.constant(Scalar::I64(k as i64), site);
        at = g.add(Kind::Select(takes, k, at), DType::I64, shape.clone(), site);
    }
    if values.len() == 1 { g.view(at, View { shape: shape.clone(), axes: Default::default() }, site) } else { at }
}

/// What shows the elements at one index of some axes.
fn element(source: &Shape, axes: &[u8], at: &[i64], shape: &Shape) -> View {
    let mut kept = 0u32..;
    let map = |k: usize| match axes.iter().position(|a| *a as usize == k) {
        Some(n) => AxisMap { offset: Size::from(at[n]), terms: Default::default() },
        None => AxisMap { offset: Size::ZERO, terms: SmallVec::from_iter([(kept.next().expect("no end"), Size::ONE)]) },
    };
    View { shape: shape.clone(), axes: (0..source.rank()).map(map).collect() }
}
