//! Reshapes move toward the inputs, where they are most likely to be views.
//!
//! A reshape that only splits axes, or adds and drops axes of extent 1, is an affine view already. One that merges axes
//! depends on strides: it passes through element-wise nodes as long as everything under them can be reshaped for free.
//!
//! What is left of these is avoided where its shape is not needed. Both shapes of a reshape usually have a common refinement,
//! of which each is a merging: [m, n] and [m*n] that of [m, n]; [6, 4] and [3, 8] that of [3, 2, 4]. Over the refined axes the
//! operand is a view, so
//!
//! - a reduction runs over the refined axes: in C order they have the elements in the same order, which is that of sums;
//! - an output is computed over the refined axes and stored through a region that merges them.
//!
//! Where 4000 columns become rows of 1500 there is no such refinement; but [3000, 4000] is [1000, 3, 8, 500], [8000, 1500] is
//! [1000, 8, 3, 500], and all axes but the two in the middle are the same. Then the loops run over these, and `divide` sees to the
//! middle.

use smallvec::SmallVec;

use super::Pass;
use super::align::{Block, align};
use super::divide::MIN_RUN;
use crate::graph::{Graph, Kind, Node, NodeId};
use crate::ops::ReduceOp;
use crate::shape::Shape;
use crate::size::Size;
use crate::view::View;

/// Turns reshapes into views where they are, and pushes the others down.
pub(super) const PASS: Pass = Pass { name: "reshape", applies: |g| g.nodes().any(|(_, n)| matches!(n.kind, Kind::Reshape(..))), run };

pub(super) fn run(graph: &Graph) -> Graph {
    let mut below = Below::default();
    let mut out = graph.rebuild(|g, node| match &node.kind {
        Kind::Reshape(src, shape) => reshaped(g, *src, shape, node),
        Kind::Reduce(op, src, axes) => match below.refinement(g, *src, |_| true) {
            Some(refined) => reduced(g, *op, *src, axes, &refined, node),
            None => g.add_again(node),
        },
        _ => g.add_again(node),
    });
    for k in 0..out.outputs().len() {
        let output = &out.outputs()[k];
        // What is updated in place is ordered by what it reads, which this would hide.
        if output.in_place.is_some() {
            continue;
        }
        let id = output.node;
        // An input is reshaped for free where it is contiguous; other operands have to be computed or copied.
        if let Some(refined) = below.refinement(&out, id, |kind| !matches!(kind, Kind::Input(_))) {
            let node = out[id].clone();
            let Some(region) = View::split(&node.shape, &refined.shape) else { continue };
            let value = out.view(id, region.clone(), node.site);
            let whole = out.add(Kind::Pieces([(value, region)].into_iter().collect()), node.dtype, node.shape, node.site);
            out.set_output(k, whole);
        }
    }
    out
}

/// The most nodes that are looked at for one refinement.
const MAX_CONE: usize = 1000;

/// A shape over whose axes some reshapes are views.
struct Refined {
    shape: Shape,
    /// The axis of the coarser shape that each of its axes is a part of.
    parts: Vec<usize>,
    /// True if it refines everything that it was made for. Else some axes of both shapes could not be told apart.
    is_finer: bool,
}

/// Which nodes of the graph under construction have reshapes under them, element by element.
#[derive(Default)]
struct Below(Vec<bool>);

impl Below {
    /// A refinement of a node's shape over which every reshape under it, with an operand as `counts` says, is a view.
    fn refinement(&mut self, g: &Graph, id: NodeId, counts: impl Fn(&Kind) -> bool) -> Option<Refined> {
        for k in self.0.len()..g.len() {
            let kind = &g[NodeId::new(k)].kind;
            let reads = kind.is_elementwise() && kind.operands().iter().any(|o| self.0[o.index()]);
            self.0.push(reads || matches!(kind, Kind::Reshape(..)));
        }
        let whole = &g[id].shape;
        let mut refined = Refined { shape: whole.clone(), parts: (0..whole.rank()).collect(), is_finer: true };
        let (mut stack, mut seen, mut found) = (vec![id], hashbrown::HashSet::new(), false);
        while let Some(id) = stack.pop() {
            if !self.0[id.index()] || !seen.insert(id) {
                continue;
            }
            match &g[id].kind {
                Kind::Reshape(src, _) => {
                    found |= counts(&g[*src].kind);
                    // Where axes are left that straddle it is for `divide`, which wants runs. An input may be contiguous, and is a view then.
                    let is_long = |n: &Size| n.as_const().is_none_or(|n| n >= MIN_RUN);
                    let divided = |r: &Refined| !matches!(g[*src].kind, Kind::Input(_)) && r.shape.extents().last().is_some_and(is_long);
                    if let Some(finer) = refine(&g[*src].shape, &refined).filter(|r| r.is_finer || divided(r)) {
                        refined = finer;
                    }
                }
                kind => stack.extend(kind.operands()),
            }
            if seen.len() > MAX_CONE {
                return None;
            }
        }
        (found && refined.shape != *whole).then_some(refined)
    }
}

/// The coarsest refinement of a shape that also refines `other`, of as many elements, as far as there is one.
fn refine(other: &Shape, shape: &Refined) -> Option<Refined> {
    let target: Vec<(Size, usize)> = shape.shape.extents().iter().cloned().zip(shape.parts.iter().copied()).collect();
    let blocks = align(other.extents(), &target)?;
    let parts: Vec<(Size, usize)> = blocks.iter().rev().flat_map(|b| b.target.iter().cloned()).collect();
    Some(Refined {
        is_finer: shape.is_finer && blocks.iter().all(Block::is_axis),
        shape: parts.iter().map(|(n, _)| n.clone()).collect(),
        parts: parts.into_iter().map(|(_, k)| k).collect(),
    })
}

/// The reduction over refined axes.
fn reduced(g: &mut Graph, op: ReduceOp, src: NodeId, axes: &[u8], refined: &Refined, node: &Node) -> NodeId {
    let is_reduced = |part: &usize| axes.contains(&(*part as u8));
    let over: SmallVec<[u8; 4]> = (0..refined.parts.len()).filter(|k| is_reduced(&refined.parts[*k])).map(|k| k as u8).collect();
    let split = View::split(&g[src].shape, &refined.shape).filter(|_| !over.is_empty() && refined.parts.len() <= u8::MAX as usize);
    let Some(split) = split else { return g.add_again(node) };
    let view = g.view(src, split, node.site);
    let kept = |k: &usize| !over.contains(&(*k as u8));
    let left: Shape = (0..refined.parts.len()).filter(kept).map(|k| refined.shape.extents()[k].clone()).collect();
    let result = g.add(Kind::Reduce(op, view, over.clone()), node.dtype, left, node.site);
    reshaped(g, result, &node.shape, node)
}

/// True if every leaf under `id` is contiguous whenever its input is.
fn is_free(g: &Graph, id: NodeId) -> bool {
    matches!(g[id].kind, Kind::Input(_) | Kind::Const(_) | Kind::Size(_) | Kind::Iota)
}

fn reshaped(g: &mut Graph, src: NodeId, shape: &Shape, node: &Node) -> NodeId {
    if g[src].shape == *shape {
        return src;
    }
    if let Some(view) = View::split(&g[src].shape, shape) {
        return g.view(src, view, node.site);
    }
    // The nodes under `src` down to the leaves, operands first, if all leaves are free.
    let mut order = vec![src];
    let mut seen: hashbrown::HashSet<NodeId> = std::iter::once(src).collect();
    let mut k = 0;
    while k < order.len() {
        let id = order[k];
        k += 1;
        if g[id].kind.is_elementwise() {
            order.extend(g[id].kind.operands().into_iter().filter(|o| seen.insert(*o)));
        } else if !is_free(g, id) && !matches!(g[id].kind, Kind::Reshape(..)) {
            return g.add(Kind::Reshape(src, shape.clone()), node.dtype, shape.clone(), node.site);
        }
    }
    order.sort();
    let mut map = hashbrown::HashMap::new();
    for id in order {
        let n = g[id].clone();
        let new = match &n.kind {
            _ if n.kind.is_scalar_leaf() => id,
            Kind::Reshape(base, _) => g.add(Kind::Reshape(*base, shape.clone()), n.dtype, shape.clone(), n.site),
            Kind::Input(_) | Kind::Iota => g.add(Kind::Reshape(id, shape.clone()), n.dtype, shape.clone(), n.site),
            _ => {
                let kind = n.kind.map_operands(|o| map[&o]);
                g.add(kind, n.dtype, shape.clone(), n.site)
            }
        };
        map.insert(id, new);
    }
    map[&src]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;
    use crate::expr::node::{NodeKind, NodeRef};
    use crate::graph::verify;
    use crate::ops::{BinaryOp, UnaryOp};

    #[test]
    fn a_merging_reshape_passes_through_elementwise_nodes() {
        let shape = Shape::fixed(&[2, 3]);
        let x = NodeRef::new(NodeKind::Input { name: "x".into(), swapped: false }, DType::F64, shape.clone(), None);
        let e = NodeRef::new(NodeKind::Unary(UnaryOp::Exp, x.clone()), DType::F64, shape.clone(), None);
        let y = NodeRef::new(NodeKind::Binary(BinaryOp::Add, e, x), DType::F64, shape, None);
        let r = NodeRef::new(NodeKind::Reshape(y), DType::F64, Shape::fixed(&[6]), None);
        let g = run(&Graph::import(&[], &[("y".into(), r)]).unwrap());
        verify(&g).unwrap();
        let text = g.to_string();
        assert_eq!(text.matches("reshape").count(), 1, "{text}");
        assert!(text.contains("reshape %0 : f64[6]"), "{text}");
    }

    #[test]
    fn shapes_refine_each_other() {
        let refined = |a: Shape, b: Shape| {
            let parts = (0..b.rank()).collect();
            refine(&a, &Refined { shape: b, parts, is_finer: true }).filter(|r| r.is_finer).map(|r| (r.shape.to_string(), r.parts))
        };
        let f = |x: &[usize]| Shape::fixed(x);
        assert_eq!(refined(f(&[6, 4]), f(&[3, 8])), Some(("[3,2,4]".into(), vec![0, 1, 1])));
        assert_eq!(refined(f(&[4, 6]), f(&[24])), Some(("[4,6]".into(), vec![0, 0])));
        assert_eq!(refined(f(&[2, 1, 3]), f(&[1, 6, 1])), Some(("[2,3]".into(), vec![1, 1])));
        assert_eq!(refined(f(&[4, 6]), f(&[6, 4])), None, "6 and 4 have no common refinement");
        assert_eq!(refined(f(&[0, 6]), f(&[0])), None);
        let (n, m) = (Size::named("n"), Size::named("m"));
        let named: Shape = [n.clone(), m.clone()].into_iter().collect();
        assert_eq!(refined(named, [n.mul(&m)].into_iter().collect()), Some(("[n,m]".into(), vec![0, 0])));
    }

    #[test]
    fn a_reduction_of_merged_axes_runs_over_the_axes() {
        let shape = Shape::fixed(&[2, 3]);
        let x = NodeRef::new(NodeKind::Input { name: "x".into(), swapped: false }, DType::F64, shape.clone(), None);
        let turned = Shape::fixed(&[3, 2]);
        let t = NodeRef::new(NodeKind::View(x, View::permute(&shape, &[1, 0]).unwrap()), DType::F64, turned, None);
        let r = NodeRef::new(NodeKind::Reshape(t), DType::F64, Shape::fixed(&[6]), None);
        let sum = NodeRef::new(NodeKind::Reduce(ReduceOp::Sum, r, vec![0]), DType::F64, Shape::scalar(), None);
        let g = super::super::views::run(&run(&Graph::import(&[], &[("y".into(), sum)]).unwrap()));
        verify(&g).unwrap();
        let text = g.to_string();
        assert!(text.contains("sum %1 over axes 0,1") && text.contains("view %0[i1, i0]") && !text.contains("reshape"), "{text}");
    }
}
