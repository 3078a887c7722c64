//! Reshapes move toward the inputs, where they are most likely to be views.
//!
//! A reshape that only splits axes, or adds and drops axes of extent 1, is an affine view already. One that merges axes
//! depends on strides: it passes through element-wise nodes as long as everything under them can be reshaped for free.

use crate::graph::{Graph, Kind, Node, NodeId};
use crate::shape::Shape;
use crate::view::View;

/// Turns reshapes into views where they are, and pushes the others down.
pub(crate) fn run(graph: &Graph) -> Graph {
    graph.rebuild(|g, node| match &node.kind {
        Kind::Reshape(src, shape) => reshaped(g, *src, shape, node),
        _ => g.add_again(node),
    })
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
}
