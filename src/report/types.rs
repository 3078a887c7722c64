//! Where the element types of results come from.

use super::Origin;
use crate::dtype::DType;
use crate::error::Site;
use crate::graph::{Graph, Kind, Line, NodeId};
use crate::ops::BinaryOp;

/// True if `a` holds what `b` does, and more.
fn is_wider(a: DType, b: DType) -> bool {
    a != b && a.promote(b) == a
}

/// For each output that is wider than an input that it depends on, the values that first had its type.
pub(super) fn origins(graph: &Graph) -> Vec<Origin> {
    let mut users: Vec<Vec<NodeId>> = vec![Vec::new(); graph.len()];
    for (id, node) in graph.nodes() {
        node.kind.operands().into_iter().for_each(|o| users[o.index()].push(id));
    }
    let mut out: Vec<Origin> = Vec::new();
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
            // What is selected, or indexed, has the type; the condition and the index have no part in it.
            let apart = match node.kind {
                Kind::Select(..) => Some(0),
                Kind::Take(..) => Some(1),
                Kind::Scatter(..) => Some(2),
                _ => None,
            };
            for (n, o) in node.kind.operands().into_iter().enumerate() {
                needed[o.index()] = true;
                if apart == Some(n) {
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
        narrower.reverse();
        if narrower.is_empty() {
            continue;
        }
        let counts = |u: NodeId| needed[u.index()] && same[u.index()];
        let mut causes: Vec<Cause> = found.iter().map(|&id| cause(graph, id, &users[id.index()], counts)).collect();
        causes.sort_by_key(|c| c.node);
        causes.dedup_by_key(|c| c.node);
        for cause in causes {
            out.push(Origin {
                output: output.name.clone(),
                dtype,
                narrower: narrower.clone(),
                value: cause.node.to_string(),
                text: Line(graph, &graph[cause.node]).to_string(),
                because: cause.because,
                site: super::users(cause.site),
            });
        }
    }
    out
}

/// What the user wrote that gave a value its type.
struct Cause {
    node: NodeId,
    because: String,
    site: Option<Site>,
}

/// The rule by which a node has its type. A conversion that stands at the line of the operation that uses it was made for that
/// operation. Equal conversions are one node, with the line of the first; so an operation at another line is taken to have asked
/// for it as well, if its operands' types promote to the type.
fn cause(graph: &Graph, id: NodeId, users: &[NodeId], counts: impl Fn(NodeId) -> bool) -> Cause {
    let node = &graph[id];
    let to = node.dtype;
    let itself = |because: String| Cause { node: id, because, site: node.site };
    let from = match &node.kind {
        Kind::Input(k) => return itself(format!("the input {} is {to}", graph.inputs()[*k as usize].name)),
        Kind::Reduce(op, src, _) => return itself(format!("{} of {} is {to}", op.name(), graph[*src].dtype)),
        Kind::Cast(from) => graph[*from].dtype,
        _ => return itself(format!("its operands are not {to}")),
    };
    let at_its_line = |u: NodeId| graph[u].site.is_some() && graph[u].site == node.site;
    let of_another = users.iter().any(|u| at_its_line(*u) && !counts(*u));
    for &u in users.iter().filter(|u| counts(**u)) {
        let asked = at_its_line(u);
        let because = match &graph[u].kind {
            Kind::Binary(op, a, b) if asked || promotes(graph, *op, *a, *b, to) => {
                let (a, b) = (written(graph, *op, *a), written(graph, *op, *b));
                match symbol(*op) {
                    Some(sign) => format!("{a} {sign} {b} is {to}"),
                    None => format!("{} of {a} and {b} is {to}", op.name()),
                }
            }
            Kind::Unary(op, _) if asked => format!("{} of {from} is {to}", op.name()),
            Kind::Reduce(op, ..) if asked || of_another => format!("{} of {from} is taken in {to}", op.name()),
            Kind::Select(_, a, b) if asked => format!("a selection from {} and {} is {to}", before(graph, *a), before(graph, *b)),
            _ if of_another => format!("{from} was converted to {to}"),
            _ => continue,
        };
        return Cause { node: u, because, site: graph[u].site };
    }
    itself(format!("{from} was converted to {to}"))
}

/// The type of an operand before it was converted.
fn before(graph: &Graph, id: NodeId) -> DType {
    match graph[id].kind {
        Kind::Cast(from) => graph[from].dtype,
        _ => graph[id].dtype,
    }
}

/// An operand as the user may have written it: a type, or a number.
fn written(graph: &Graph, op: BinaryOp, id: NodeId) -> String {
    match &graph[id].kind {
        // Integers are divided as floats, so the number may have been one.
        Kind::Const(s) if op == BinaryOp::Div => s.to_string().trim_end_matches(".0").to_string(),
        Kind::Const(s) => s.to_string(),
        _ => before(graph, id).to_string(),
    }
}

/// True if operands of these types give the type by promotion; numbers take the type of the other operand.
fn promotes(graph: &Graph, op: BinaryOp, a: NodeId, b: NodeId, to: DType) -> bool {
    let types = [a, b].into_iter().filter(|o| !graph[*o].kind.is_scalar_leaf()).map(|o| before(graph, o));
    match types.reduce(DType::promote) {
        Some(d) if op == BinaryOp::Div && !d.is_float() => to == DType::F64,
        Some(d) => d == to,
        None => false,
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
