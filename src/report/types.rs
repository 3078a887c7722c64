//! Where the element types of results come from.

use super::{Origin, users};
use crate::dtype::DType;
use crate::graph::{Graph, Kind, Line, NodeId};
use crate::ops::BinaryOp;

/// True if `a` holds what `b` does, and more.
fn is_wider(a: DType, b: DType) -> bool {
    a != b && a.promote(b) == a
}

/// For each output that is wider than an input that it depends on, the values that first had its type.
pub(super) fn origins(graph: &Graph) -> Vec<Origin> {
    let mut out = Vec::new();
    for output in graph.outputs() {
        let dtype = graph[output.node].dtype;
        let (mut needed, mut same) = (vec![false; graph.len()], vec![false; graph.len()]);
        (needed[output.node.index()], same[output.node.index()]) = (true, true);
        let mut found: Vec<NodeId> = Vec::new();
        let mut narrower = Vec::new();
        for (id, node) in graph.nodes().rev() {
            if !needed[id.index()] {
                continue;
            }
            if let Kind::Input(k) = node.kind
                && is_wider(dtype, node.dtype)
            {
                narrower.push(graph.inputs()[k as usize].name.clone());
            }
            let mut made_here = matches!(node.kind, Kind::Input(_));
            for (n, o) in node.kind.operands().into_iter().enumerate() {
                needed[o.index()] = true;
                // The condition of a selection has no part in the type of what is selected.
                if matches!(node.kind, Kind::Select(..)) && n == 0 {
                    continue;
                }
                if graph[o].dtype == dtype && node.dtype == dtype {
                    same[o.index()] |= same[id.index()];
                } else {
                    made_here |= !graph[o].kind.is_scalar_leaf();
                }
            }
            if same[id.index()] && made_here {
                found.push(id);
            }
        }
        if narrower.is_empty() {
            continue;
        }
        narrower.reverse();
        for &id in found.iter().rev() {
            let node = &graph[id];
            out.push(Origin {
                output: output.name.clone(),
                dtype,
                narrower: narrower.clone(),
                value: id.to_string(),
                text: Line(graph, node).to_string(),
                because: rule(graph, id),
                site: users(node.site),
            });
        }
    }
    out
}

/// The rule by which a node has its type, in the terms of what the user wrote at its line.
fn rule(graph: &Graph, id: NodeId) -> String {
    let node = &graph[id];
    let before = |o: NodeId| match graph[o].kind {
        // What was converted at the same place was converted for this operation.
        Kind::Cast(from) if graph[o].site == node.site => graph[from].dtype,
        _ => graph[o].dtype,
    };
    match &node.kind {
        Kind::Input(k) => format!("the input {} is {}", graph.inputs()[*k as usize].name, node.dtype),
        Kind::Reduce(op, src, _) => format!("{} of {} is {}", op.name(), graph[*src].dtype, node.dtype),
        Kind::Cast(from) => {
            let is_user = |n: &crate::graph::Node| n.site.is_some() && n.site == node.site && n.kind.operands().contains(&id);
            match graph.nodes().skip(id.index()).find(|(_, n)| is_user(n)).map(|(_, n)| &n.kind) {
                Some(Kind::Binary(op, a, b)) => {
                    let sign = symbol(*op);
                    let (a, b) = (before(*a), before(*b));
                    match sign {
                        Some(sign) => format!("{a} {sign} {b} is {}", node.dtype),
                        None => format!("{} of {a} and {b} is {}", op.name(), node.dtype),
                    }
                }
                Some(Kind::Unary(op, _)) => format!("{} of {} is {}", op.name(), graph[*from].dtype, node.dtype),
                Some(Kind::Reduce(op, ..)) => format!("{} of {} is taken in {}", op.name(), graph[*from].dtype, node.dtype),
                Some(Kind::Select(_, a, b)) => format!("a selection from {} and {} is {}", before(*a), before(*b), node.dtype),
                _ => format!("{} was converted to {}", graph[*from].dtype, node.dtype),
            }
        }
        _ => format!("its operands are not {}", node.dtype),
    }
}

fn symbol(op: BinaryOp) -> Option<&'static str> {
    Some(match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        _ => return None,
    })
}
