//! Views move down to the arrays they read: `view(a + b)` becomes `view(a) + view(b)`, and chains of views become one map.
//!
//! Afterwards the operand of a view is an input, a reshape, a reduction, or a node that is worth computing once, in which
//! case the scheduler gives it memory of its own. That is so for
//!
//! - a reduction (but a view that only permutes axes or adds and drops axes of extent 1 passes through it, if the reduction is wanted in
//!   this one form alone: `m = x.mean(0)` beside `x.mean(0)[None, :]` is one sum),
//! - a node read through more than [`MAX_VIEWS`] different views: its work would be repeated for each,
//! - a node that neighbours read, where a window of it is cheaper (see [`windows`]),
//! - an expensive node that a view repeats along an axis that a loop over the result cannot hoist it out of.

use hashbrown::HashMap;

use super::{Pass, windows};
use crate::error::Site;
use crate::graph::{Graph, Kind, Node, NodeId};
use crate::ops::{BinaryOp, UnaryOp};
use crate::shape::Shape;
use crate::size::Size;
use crate::view::{AxisMap, View};

/// How many different views of one computed node are worth recomputing it for.
pub(super) const MAX_VIEWS: usize = 32;

/// The estimated cost from which repeating a computation is worse than storing it; an addition costs 1, a division, a square
/// root or a math function this much.
pub(super) const EXPENSIVE: u32 = 20;

/// A node of the old graph, seen through a view (or as it is).
pub(super) type Demand = (NodeId, Option<View>);

/// A graph whose views have been pushed down.
pub(super) struct Pushed {
    pub graph: Graph,
    done: HashMap<Demand, NodeId>,
    /// For each node of the old graph the nodes that compute it, at one displacement each.
    pub made_of: Vec<Vec<NodeId>>,
}

impl Pushed {
    /// What was wanted of the old graph, in no order.
    pub fn demands(&self) -> impl Iterator<Item = &Demand> {
        self.done.keys()
    }
}

/// Pushes views down.
pub(super) const PASS: Pass = Pass { name: "views", applies: |g| g.nodes().any(|(_, n)| matches!(n.kind, Kind::View(..))), run };

pub(super) fn run(graph: &Graph) -> Graph {
    let cost = costs(graph);
    let mut stored = vec![false; graph.len()];
    let pushed = settle(graph, &cost, &mut stored);
    let asked: Vec<bool> = stored.iter().map(|s| !s).collect();
    let mut chosen = windows::choose(graph, &pushed, &asked);
    let mut out = pushed.graph;
    if chosen.contains(&true) {
        // With some in windows, others may be left with too few displacements: they are counted again, once.
        for last in [false, true] {
            let mut stored: Vec<bool> = stored.iter().zip(&chosen).map(|(s, c)| *s || *c).collect();
            let pushed = settle(graph, &cost, &mut stored);
            let still = if last { chosen.clone() } else { windows::choose(graph, &pushed, &chosen) };
            out = pushed.graph;
            if still == chosen {
                break;
            }
            chosen = still;
        }
    }
    out.set_windows(graph.windows().choose(graph, &chosen));
    out
}

/// How many views of each computed node are wanted is known only once all demands are; starts again when one has too many.
fn settle(graph: &Graph, cost: &[u32], stored: &mut [bool]) -> Pushed {
    loop {
        match attempt(graph, cost, stored) {
            Ok(pushed) => return pushed,
            Err(id) => stored[id.index()] = true,
        }
    }
}

fn attempt(graph: &Graph, cost: &[u32], stored: &[bool]) -> Result<Pushed, NodeId> {
    let mut out = Graph::like(graph);
    let mut done: HashMap<Demand, NodeId> = HashMap::new();
    let mut made_of = vec![Vec::new(); graph.len()];
    let mut views = vec![0usize; graph.len()];
    // Where the views of demands were written.
    let mut written: HashMap<Demand, Option<Site>> = HashMap::new();
    let mut roots: Vec<Demand> = graph.outputs().iter().map(|o| (o.node, None)).collect();
    let mut stack: Vec<Demand> = Vec::new();
    for root in roots.iter_mut() {
        stack.push(root.clone());
        while let Some(top) = stack.last() {
            if done.contains_key(top) {
                stack.pop();
                continue;
            }
            let plan = plan(graph, top, cost, stored);
            let before = stack.len();
            let missing: Vec<Demand> = plan.operands.iter().filter(|d| !done.contains_key(*d)).cloned().collect();
            let site = match &graph[top.0] {
                Node { kind: Kind::View(..), site, .. } => *site,
                _ => written.get(top).copied().flatten(),
            };
            for demand in missing {
                written.entry(demand.clone()).or_insert(site);
                stack.push(demand);
            }
            if stack.len() > before {
                continue;
            }
            let demand = stack.pop().expect("the top");
            let node = &graph[demand.0];
            if demand.1.is_some() && node.kind.is_pointwise() && !stored[demand.0.index()] {
                views[demand.0.index()] += 1;
                if views[demand.0.index()] > MAX_VIEWS {
                    return Err(demand.0);
                }
            }
            if matches!(node.kind, Kind::Reduce(..)) && !matches!(plan.make, Make::View(_)) {
                views[demand.0.index()] += 1;
                if views[demand.0.index()] > 1 {
                    return Err(demand.0);
                }
            }
            let site = written.get(&demand).copied().flatten();
            let id = emit(&mut out, node, &plan, &done, site);
            if matches!(plan.make, Make::Apply(_) | Make::Take(_)) {
                made_of[demand.0.index()].push(id);
            }
            done.insert(demand, id);
        }
    }
    for (o, root) in graph.outputs().iter().zip(&roots) {
        out.output_like(o, done[root]);
    }
    Ok(Pushed { graph: out, done, made_of })
}

/// How to make a demanded value: from which demands, and by what.
struct Plan {
    operands: Vec<Demand>,
    make: Make,
}

enum Make {
    /// The same value as the one operand.
    Same,
    /// The node's own operation on the operands, with this shape.
    Apply(Shape),
    /// The one operand through a view.
    View(View),
    /// Elements of the first operand at the indices in the others.
    Take(View),
    /// The elements of the one operand under this shape.
    Reshape(Shape),
    /// The reduction of the one operand over these axes.
    Reduce(Vec<u8>, Shape),
}

fn plan(graph: &Graph, (id, view): &Demand, cost: &[u32], stored: &[bool]) -> Plan {
    let node = &graph[*id];
    let Some(view) = view else {
        return match &node.kind {
            Kind::View(src, v) => Plan { operands: vec![demand(graph, *src, v.clone())], make: Make::Same },
            kind => Plan { operands: kind.operands().into_iter().map(|o| (o, None)).collect(), make: Make::Apply(node.shape.clone()) },
        };
    };
    let plain = || Plan { operands: vec![(*id, None)], make: Make::View(view.clone()) };
    match &node.kind {
        Kind::View(src, v) => Plan { operands: vec![demand(graph, *src, v.then(view))], make: Make::Same },
        kind if kind.is_elementwise() => {
            if stored[id.index()] || (cost[id.index()] >= EXPENSIVE && repeats(view)) {
                return plain();
            }
            let through = |o: NodeId| if graph[o].kind.is_scalar_leaf() { (o, None) } else { (o, Some(view.clone())) };
            Plan { operands: kind.operands().into_iter().map(through).collect(), make: Make::Apply(view.shape.clone()) }
        }
        // The elements that a view shows are taken at the indices that it shows.
        Kind::Take(src, indices, map) if !stored[id.index()] && !repeats(view) => {
            let at =
                |index: &NodeId| if graph[*index].kind.is_scalar_leaf() { (*index, None) } else { demand(graph, *index, view.clone()) };
            let operands = std::iter::once((*src, None)).chain(indices.iter().map(at)).collect();
            Plan { operands, make: Make::Take(map.then(&view.beside(map, indices.len()))) }
        }
        Kind::Reduce(_, src, axes) if !stored[id.index()] => match through_reduction(view, &graph[*src].shape, axes) {
            Some((inner, axes)) => Plan { operands: vec![demand(graph, *src, inner)], make: Make::Reduce(axes, view.shape.clone()) },
            None => plain(),
        },
        // The axes that a reshape would merge, taken apart again.
        Kind::Reshape(src, shape) => match View::split(&graph[*src].shape, &view.shape) {
            Some(inner) if View::split(shape, &view.shape).is_some_and(|v| v == *view) => {
                Plan { operands: vec![demand(graph, *src, inner)], make: Make::Same }
            }
            // The same elements in the same order, with some of its axes taken apart.
            None if View::split(shape, &view.shape).is_some_and(|v| v == *view) => {
                Plan { operands: vec![(*src, None)], make: Make::Reshape(view.shape.clone()) }
            }
            _ => plain(),
        },
        _ => plain(),
    }
}

fn demand(graph: &Graph, id: NodeId, view: View) -> Demand {
    if view.is_identity(&graph[id].shape) { (id, None) } else { (id, Some(view)) }
}

fn emit(out: &mut Graph, node: &Node, plan: &Plan, done: &HashMap<Demand, NodeId>, written: Option<Site>) -> NodeId {
    let mut operands = plan.operands.iter().map(|d| done[d]);
    let mut next = || operands.next().expect("one for each operand");
    match &plan.make {
        Make::Same => next(),
        Make::View(view) => out.view(next(), view.clone(), written.or(node.site)),
        Make::Apply(shape) => {
            let kind = node.kind.map_operands(|_| next());
            out.add_again(&Node { kind, dtype: node.dtype, shape: shape.clone(), site: node.site })
        }
        Make::Reshape(shape) => out.add(Kind::Reshape(next(), shape.clone()), node.dtype, shape.clone(), node.site),
        Make::Take(map) => {
            let (source, indices) = (next(), (1..plan.operands.len()).map(|_| next()).collect());
            out.take(source, indices, map.clone(), node.dtype, node.site)
        }
        Make::Reduce(axes, shape) => {
            let Kind::Reduce(op, ..) = node.kind else { unreachable!("planned for a reduction") };
            out.add(Kind::Reduce(op, next(), axes.as_slice().into()), node.dtype, shape.clone(), node.site)
        }
    }
}

/// True if the view shows its elements several times, along an axis of its own.
pub(super) fn stretches(view: &View) -> bool {
    unused(view).is_some()
}

fn uses(view: &View, axis: usize) -> bool {
    view.axes.iter().any(|a| a.terms.iter().any(|t| t.0 as usize == axis))
}

/// The first axis of more than one element along which a view does not move.
fn unused(view: &View) -> Option<usize> {
    (0..view.shape.rank()).find(|&k| view.shape.extents()[k] != Size::ONE && !uses(view, k))
}

/// True if the view repeats its source along an axis outside one that it uses: a loop nest over the result in C order
/// would compute the source anew on every turn of that axis.
pub(super) fn repeats(view: &View) -> bool {
    unused(view).is_some_and(|u| (u + 1..view.shape.rank()).any(|k| uses(view, k)))
}

/// A view of a reduction's result as a view of its source with axes to reduce, where the view is one to one: a permutation
/// with axes of extent 1 added or dropped.
fn through_reduction(view: &View, source: &Shape, axes: &[u8]) -> Option<(View, Vec<u8>)> {
    let kept: Vec<usize> = (0..source.rank()).filter(|k| !axes.contains(&(*k as u8))).collect();
    let mut covered = vec![false; view.shape.rank()];
    for (map, &k) in view.axes.iter().zip(&kept) {
        match map.terms.as_slice() {
            [(axis, step)] => {
                let axis = *axis as usize;
                let whole = *step == Size::ONE && map.offset == Size::ZERO && view.shape.extents()[axis] == source.extents()[k];
                if !whole || std::mem::replace(&mut covered[axis], true) {
                    return None;
                }
            }
            [] if source.extents()[k] == Size::ONE => {}
            _ => return None,
        }
    }
    if (0..covered.len()).any(|k| !covered[k] && view.shape.extents()[k] != Size::ONE) {
        return None;
    }
    // The reduced axes come last, in their order: the logical order of a reduction is that of its axes alone.
    let rank = view.shape.rank();
    let mut shape = view.shape.clone();
    let mut maps = view.axes.iter().cloned();
    let mut inner = View { shape: Shape::scalar(), axes: Default::default() };
    for k in 0..source.rank() {
        if axes.contains(&(k as u8)) {
            let at = shape.rank() as u32;
            shape.0.push(source.extents()[k].clone());
            inner.axes.push(AxisMap { offset: Size::ZERO, terms: smallvec::smallvec![(at, Size::ONE)] });
        } else {
            inner.axes.push(maps.next().expect("one per kept axis"));
        }
    }
    let reduced = (rank..shape.rank()).map(|k| k as u8).collect();
    inner.shape = shape;
    Some((inner, reduced))
}

/// A rough cost of one operation.
pub(super) fn own_cost(graph: &Graph, node: &Node) -> u32 {
    match &node.kind {
        Kind::Unary(op, a) if op.is_expanded(graph[*a].dtype.class()) => EXPENSIVE,
        Kind::Binary(op, a, _) if op.is_expanded(graph[*a].dtype.class()) => EXPENSIVE,
        // Each takes as long as a dozen additions.
        Kind::Unary(UnaryOp::Sqrt, _) | Kind::Binary(BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Rem | BinaryOp::Fmod, ..) => EXPENSIVE,
        kind if kind.is_elementwise() => 1,
        // A load for each lane.
        Kind::Take(..) => 4,
        _ => 0,
    }
}

/// A rough cost of computing one element of each node: that of the dearest path from the inputs.
pub(super) fn costs(graph: &Graph) -> Vec<u32> {
    let mut cost = vec![0u32; graph.len()];
    for (id, node) in graph.nodes() {
        let own = own_cost(graph, node);
        let operands = node.kind.operands();
        let below = if node.kind.is_pointwise() || matches!(node.kind, Kind::View(..)) {
            operands.iter().map(|o| cost[o.index()]).max().unwrap_or(0)
        } else {
            0
        };
        cost[id.index()] = own.saturating_add(below);
    }
    cost
}
