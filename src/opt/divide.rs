//! Reshapes that no strides allow, read through an index that the loop computes.
//!
//! What is left of reshapes here merges axes that do not follow one another in memory. Where the parts of the axes that both shapes
//! have in common are taken away (see [`align`]), an element of the result is at place `k` of some axes of the operand in C order,
//! and its index along the innermost of them is `k % n`, along the next one `k / n % m`, and so on. The operand is read there, with
//! all views and element-wise operations that it is made of: nothing is stored.
//!
//! Dividing takes about 5 ns. A copy takes from 0.5 ns an element, in the cache, to 10, where it turns a large array. So an index is
//! computed where a loop divides once for a run of elements, along an axis that is the same in both shapes: then it is the faster, and
//! nothing is stored. The reshape is left, and what it reads is copied,
//!
//! - where each element has a division of its own: no axis is the same, or only short ones, or elements are written along another one,
//! - where a reader repeats it along an axis outside of another one, or many read it,
//! - where several read it and computing it is expensive,
//! - where it reads memory that is overwritten in the program, or that only exists once it is computed.

use hashbrown::{HashMap, HashSet};

use super::Pass;
use super::align::{Block, align};
use super::views::{EXPENSIVE, costs, repeats};
use crate::dtype::{DType, Scalar};
use crate::graph::{Graph, Indices, Kind, Node, NodeId};
use crate::ops::BinaryOp;
use crate::shape::Shape;
use crate::size::Size;
use crate::view::{AxisMap, View};

/// How many elements a division must be for.
pub(super) const MIN_RUN: i64 = 8;
/// How many readers may divide each on their own.
const MAX_READERS: usize = 4;
/// How many indices are computed for one reshape.
const MAX_POSITIONS: usize = 6;
/// How many nodes an operand may be made of.
const MAX_CONE: usize = 200;

/// Turns such reshapes into takes.
pub(super) const PASS: Pass =
    Pass { name: "divide", applies: |g| g.nodes().any(|(_, n)| matches!(n.kind, Kind::Reshape(..))), run: |graph| run_for(graph, MIN_RUN) };

/// For divisions that are for at least so many elements; with 0 also for those of each element.
pub(super) fn run_for(graph: &Graph, min_run: i64) -> Graph {
    let divided: HashMap<NodeId, Divided> = chosen(graph, min_run);
    if divided.is_empty() {
        return graph.clone();
    }
    // Values by the id that they had, as they are and through the index of a reshape.
    let mut plain: Vec<Option<NodeId>> = vec![None; graph.len()];
    graph.rebuild_with(|g, id, node| {
        let found = match &graph[id].kind {
            Kind::Reshape(..) => divided.get(&id).map(|d| (d, None)),
            Kind::View(src, view) => divided.get(src).map(|d| (d, Some(view))),
            _ => None,
        };
        let new = match found {
            Some((d, view)) => d.read(graph, g, &plain, view, node),
            None => g.add_again(node),
        };
        plain[id.index()] = Some(new);
        new
    })
}

/// The reshapes to read through a computed index.
fn chosen(graph: &Graph, min_run: i64) -> HashMap<NodeId, Divided> {
    let live = graph.live();
    let cost = costs(graph);
    let mut readers: HashMap<NodeId, Readers> = HashMap::new();
    for (id, node) in graph.nodes().filter(|(id, _)| live[id.index()]) {
        for operand in node.kind.operands() {
            if !matches!(graph[operand].kind, Kind::Reshape(..)) {
                continue;
            }
            let r = readers.entry(operand).or_default();
            match &node.kind {
                Kind::View(_, view) => r.views.push((id, view.clone())),
                kind if kind.is_elementwise() || matches!(kind, Kind::Reduce(..) | Kind::Pieces(_)) => r.direct = true,
                // An index into it, or another reshape, needs all of it.
                Kind::Take(source, indices, _) if *source != operand && indices.contains(&operand) => r.direct = true,
                _ => r.whole = true,
            }
        }
    }
    for output in graph.outputs().iter().filter(|o| matches!(graph[o.node].kind, Kind::Reshape(..))) {
        readers.entry(output.node).or_default().direct = true;
    }
    let reduced = reduced(graph, &live);
    let mut out = HashMap::new();
    for (id, r) in readers {
        let count = r.views.len() + usize::from(r.direct);
        let Kind::Reshape(src, shape) = &graph[id].kind else { continue };
        if r.whole || r.views.iter().any(|(_, view)| repeats(view)) || count > MAX_READERS || count > 1 && cost[src.index()] >= EXPENSIVE {
            continue;
        }
        // An input may be contiguous.
        if matches!(graph[*src].kind, Kind::Input(_)) || View::split(&graph[*src].shape, shape).is_some() {
            continue;
        }
        if let Some(cone) = cone(graph, *src)
            && let Some(index) = Index::of(&graph[*src].shape, shape)
            && r.views.iter().all(|(reader, view)| index.divides_runs(Some(view), reduced[reader.index()], min_run))
            && (!r.direct || index.divides_runs(None, reduced[id.index()], min_run))
        {
            out.insert(id, Divided { src: *src, cone, index });
        }
    }
    out
}

/// Who reads a reshape.
#[derive(Default)]
struct Readers {
    /// At its own index.
    direct: bool,
    views: Vec<(NodeId, View)>,
    /// True if one of them wants all elements in memory.
    whole: bool,
}

/// Which values are only reduced, they or what is made of them element by element: loops over them may run along any axis.
fn reduced(graph: &Graph, live: &[bool]) -> Vec<bool> {
    let mut reduced = vec![true; graph.len()];
    graph.outputs().iter().for_each(|o| reduced[o.node.index()] = false);
    for (id, node) in graph.nodes().rev().filter(|(id, _)| live[id.index()]) {
        let inside = matches!(node.kind, Kind::Reduce(..)) || node.kind.is_elementwise() && reduced[id.index()];
        if !inside {
            node.kind.operands().iter().for_each(|o| reduced[o.index()] = false);
        }
    }
    reduced
}

/// What a value is made of element by element, operands first, down to views of memory; `None` if there is something else.
fn cone(graph: &Graph, root: NodeId) -> Option<Vec<NodeId>> {
    let (mut order, mut k) = (vec![root], 0);
    let mut seen: HashSet<NodeId> = std::iter::once(root).collect();
    while k < order.len() {
        let id = order[k];
        k += 1;
        match &graph[id].kind {
            kind if kind.is_elementwise() => order.extend(kind.operands().into_iter().filter(|o| seen.insert(*o))),
            Kind::Const(_) | Kind::Size(_) | Kind::Iota => {}
            Kind::Input(input) if !graph.updated_inputs().contains(input) => {}
            Kind::View(src, _) => match &graph[*src].kind {
                Kind::Input(input) if !graph.updated_inputs().contains(input) => {}
                Kind::Iota => {}
                _ => return None,
            },
            _ => return None,
        }
        if order.len() > MAX_CONE {
            return None;
        }
    }
    order.sort();
    Some(order)
}

/// The index of an operand by that of its reshape.
struct Index {
    /// For each group of axes that are divided: where an element is among all of theirs in C order, by the result's index.
    places: Vec<View>,
    /// For each computed position: the group, and what its place is divided by, once for each position further in.
    positions: Vec<Position>,
    /// The operand by the result's index followed by the positions.
    map: View,
}

/// One index along an axis.
struct Position {
    group: usize,
    extent: Size,
}

impl Index {
    fn of(source: &Shape, target: &Shape) -> Option<Index> {
        let numbered: Vec<(Size, usize)> = target.extents().iter().cloned().zip(0..).collect();
        let blocks = align(source.extents(), &numbered)?;
        // Blocks that have parts of one axis of the result are one group, in which the operand's axes are as whole as can be.
        let mut groups: Vec<Block> = Vec::new();
        for block in blocks.into_iter().rev() {
            match groups.last_mut() {
                Some(last) if last.target.last().map(|t| t.1) == block.target.first().map(|t| t.1) => {
                    for (extents, more) in [(&mut last.source, block.source), (&mut last.target, block.target)] {
                        for (n, axis) in more {
                            match extents.last_mut() {
                                Some((m, last)) if *last == axis => *m = m.mul(&n),
                                _ => extents.push((n, axis)),
                            }
                        }
                    }
                }
                _ => groups.push(block),
            }
        }
        let rank = target.rank();
        let mut index = Index { places: Vec::new(), positions: Vec::new(), map: View { shape: target.clone(), axes: Default::default() } };
        let mut finer = Shape::scalar();
        for Block { source: extents, target: axes } in groups {
            if let ([(n, _)], [(_, axis)]) = (extents.as_slice(), axes.as_slice()) {
                finer.0.push(n.clone());
                index.map.axes.push(View::axis_or_start(Some(*axis)));
                continue;
            }
            // The place of an element among those of the group.
            let mut step = Size::ONE;
            let mut terms: smallvec::SmallVec<[(u32, Size); 2]> = Default::default();
            for (n, axis) in axes.iter().rev() {
                terms.insert(0, (*axis as u32, step.clone()));
                step = step.mul(n);
            }
            let terms = terms.into_iter().collect();
            index.places.push(View { shape: target.clone(), axes: std::iter::once(AxisMap { offset: Size::ZERO, terms }).collect() });
            for (n, _) in extents {
                finer.0.push(n.clone());
                index.map.axes.push(View::axis_or_start(Some(rank + index.positions.len())));
                index.map.shape.0.push(n.clone());
                index.positions.push(Position { group: index.places.len() - 1, extent: n });
            }
        }
        if index.positions.is_empty() || index.positions.len() > MAX_POSITIONS {
            return None;
        }
        index.map = View::split(source, &finer)?.then(&index.map);
        Some(index)
    }

    /// True if loops over a view of the result divide once for many elements: along the last axis, or any one if all are reduced.
    fn divides_runs(&self, view: Option<&View>, is_reduced: bool, min_run: i64) -> bool {
        if min_run == 0 {
            return true;
        }
        let shape = view.map_or(&self.places[0].shape, |v| &v.shape);
        let places: Vec<View> = self.places.iter().map(|p| view.map_or_else(|| p.clone(), |v| p.then(v))).collect();
        let is_long = |k: &usize| shape.extents()[*k].as_const().is_none_or(|n| n >= min_run);
        let is_free = |k: &usize| places.iter().all(|p| p.axes[0].terms.iter().all(|t| t.0 as usize != *k));
        let mut axes = (0..shape.rank()).filter(|k| shape.extents()[*k] != Size::ONE);
        match is_reduced {
            true => axes.any(|k| is_long(&k) && is_free(&k)),
            false => axes.next_back().is_some_and(|k| is_long(&k) && is_free(&k)),
        }
    }

    /// The positions at the index of a view of the result.
    fn positions(&self, g: &mut Graph, view: Option<&View>, node: &Node) -> Indices {
        let mut out = Indices::new();
        for (k, place) in self.places.iter().enumerate() {
            let own: Vec<&Size> = self.positions.iter().filter(|p| p.group == k).map(|p| &p.extent).collect();
            let whole = own.iter().fold(Size::ONE, |n, m| n.mul(m));
            let all = g.add(Kind::Iota, DType::I64, [whole].into_iter().collect(), node.site);
            let seen = view.map_or_else(|| place.clone(), |v| place.then(v));
            let shape = seen.shape.clone();
            let mut rest = g.view(all, seen, node.site);
            let mut found = Vec::new();
            for n in own[1..].iter().rev() {
                let n = match n.as_const() {
                    Some(n) => g.constant(Scalar::I64(n), node.site),
                    None => g.add(Kind::Size((*n).clone()), DType::I64, Shape::scalar(), node.site),
                };
                let mut add = |op, a, b| g.add(Kind::Binary(op, a, b), DType::I64, shape.clone(), node.site);
                let quotient = add(BinaryOp::FloorDiv, rest, n);
                let whole = add(BinaryOp::Mul, quotient, n);
                found.push(add(BinaryOp::Sub, rest, whole));
                rest = quotient;
            }
            out.push(rest);
            out.extend(found.into_iter().rev());
        }
        out
    }
}

/// A reshape that is read through a computed index.
struct Divided {
    src: NodeId,
    /// What its operand is made of.
    cone: Vec<NodeId>,
    index: Index,
}

impl Divided {
    /// The value of the reshape, or of a view of it.
    fn read(&self, old: &Graph, g: &mut Graph, plain: &[Option<NodeId>], view: Option<&View>, node: &Node) -> NodeId {
        let positions = self.index.positions(g, view, node);
        let mut map = self.index.map.clone();
        if let Some(view) = view {
            map = map.then(&view.beside(&map, positions.len()));
        }
        let shape: Shape = map.shape.extents()[..map.shape.rank() - positions.len()].iter().cloned().collect();
        let mut done: HashMap<NodeId, NodeId> = HashMap::new();
        for &id in &self.cone {
            let n = &old[id];
            let new = match &n.kind {
                kind if kind.is_elementwise() => {
                    let kind = kind.map_operands(|o| done[&o]);
                    g.add(kind, n.dtype, shape.clone(), n.site)
                }
                kind if kind.is_scalar_leaf() => plain[id.index()].expect("operands come before users"),
                _ => {
                    let leaf = plain[id.index()].expect("operands come before users");
                    g.take(leaf, positions.clone(), map.clone(), n.dtype, n.site)
                }
            };
            done.insert(id, new);
        }
        done[&self.src]
    }
}
