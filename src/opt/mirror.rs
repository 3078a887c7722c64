//! Updates that read their own array backward: `a[::-1] = a`, `y += y[::-1]`.
//!
//! No order of a loop reads every element before it is overwritten, but the elements form pairs: what is computed at an index and at
//! its mirror image needs these two elements only. So the update is cut in two halves that run over one another in one loop nest, and
//! both elements of a pair are loaded before either is stored. (In the middle of an odd axis both are the same element, which gets
//! the same value twice.)

use smallvec::smallvec;

use super::Pass;
use crate::graph::{Graph, Kind, Node, NodeId};
use crate::shape::Shape;
use crate::size::Size;
use crate::view::{AxisMap, View};

/// Cuts such updates in halves.
pub(super) const PASS: Pass = Pass { name: "mirror", applies: |g| g.outputs().iter().any(|o| o.in_place.is_some()), run };

fn run(graph: &Graph) -> Graph {
    let mut cut = Vec::new();
    for o in graph.outputs() {
        let Some(input) = o.in_place else { continue };
        let parts: Vec<(NodeId, View)> = match &graph[o.node].kind {
            Kind::Pieces(parts) => parts.to_vec(),
            _ => vec![(o.node, View::identity(&graph[o.node].shape))],
        };
        let axes: Vec<Option<usize>> = parts.iter().map(|(v, r)| mirrored_axis(graph, *v, r, input)).collect();
        if axes.iter().any(Option::is_some) {
            cut.push((o.node, parts, axes));
        }
    }
    if cut.is_empty() {
        return graph.clone();
    }
    let mut new = vec![None; graph.len()];
    let mut out = graph.rebuild_with(|g, id, node| {
        let made = g.add_again(node);
        new[id.index()] = Some(made);
        made
    });
    for (root, parts, axes) in cut {
        let mut halves = Vec::new();
        for ((value, region), axis) in parts.into_iter().zip(axes) {
            let value = new[value.index()].expect("operands of a live node");
            match axis {
                None => halves.push((value, region)),
                Some(k) => {
                    for half in [lower(&region.shape, k), upper(&region.shape, k)] {
                        let site = out[value].site;
                        halves.push((out.view(value, half.clone(), site), region.then(&half)));
                    }
                }
            }
        }
        let Node { dtype, shape, site, .. } = graph[root].clone();
        let pieces = out.add(Kind::Pieces(halves.into()), dtype, shape, site);
        let updated: Vec<usize> =
            (0..graph.outputs().len()).filter(|&o| graph.outputs()[o].node == root && graph.outputs()[o].in_place.is_some()).collect();
        updated.into_iter().for_each(|o| out.set_output(o, pieces));
    }
    // The halves are views of computed values.
    super::views::run(&out)
}

/// The first half of an axis, the middle included.
fn lower(shape: &Shape, axis: usize) -> View {
    let mut view = View::identity(shape);
    view.shape.0[axis] = shape.extents()[axis].div_ceil(2);
    view
}

/// The second half from its end, the middle included.
fn upper(shape: &Shape, axis: usize) -> View {
    let mut view = lower(shape, axis);
    let last = shape.extents()[axis].sub(&Size::ONE);
    view.axes[axis] = AxisMap { offset: last, terms: smallvec![(axis as u32, Size::from(-1i64))] };
    view
}

/// The one axis along which the value reads what it overwrites backward; everything else that it reads of it, it reads in place.
fn mirrored_axis(graph: &Graph, value: NodeId, region: &View, input: u32) -> Option<usize> {
    let (mut axis, mut stack, mut seen) = (None, vec![value], hashbrown::HashSet::new());
    while let Some(id) = stack.pop() {
        if !seen.insert(id) {
            continue;
        }
        let view = match &graph[id].kind {
            Kind::Input(k) if *k == input => View::identity(&graph[id].shape),
            Kind::View(src, view) if matches!(graph[*src].kind, Kind::Input(k) if k == input) => view.clone(),
            kind => {
                if kind.is_elementwise() {
                    stack.extend(kind.operands());
                }
                continue;
            }
        };
        for (read, write) in view.axes.iter().zip(&region.axes) {
            if read == write {
                continue;
            }
            let ([(k, back)], [(j, step)]) = (read.terms.as_slice(), write.terms.as_slice()) else { return None };
            let far = region.shape.extents()[*j as usize].sub(&Size::ONE).mul(step);
            let backward = k == j && *back == step.scale(-1) && read.offset == write.offset.add(&far);
            if !backward || axis.is_some_and(|a| a != *j as usize) {
                return None;
            }
            axis = Some(*j as usize);
        }
    }
    axis
}
