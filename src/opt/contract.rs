//! What a program may do to floating-point arithmetic beyond what is written: [`FpMode`].
//!
//! It is done to the graph as imported, before anything else sees it. From there on a fused multiply-add is an operation like
//! others, with one result: the reference evaluator, all backends, the check of indices and plans for any layout agree.

use super::{Pass, fold};
use crate::dtype::{Class, DType, Scalar};
use crate::graph::{Graph, Kind, Node, NodeId};
use crate::ops::{BinaryOp, UnaryOp};

/// How freely a program computes with floating-point numbers. Results are the same on every machine that elide runs on, and for any number of
/// threads, in each of the modes.
///
/// ```
/// use elide::{FpMode, Kernel};
///
/// let mut b = Kernel::builder("residue");
/// let [n] = b.dims(["n"]);
/// let (x, y) = (b.input::<f64>("x", [&n]), b.input::<f64>("y", [&n]));
/// b.output("z", &x * &x - y).fp_mode(FpMode::Contract);
/// let mut z = [0.0];
/// // x * x rounded is y, and what was lost in rounding is left.
/// let (x, kernel) = (1.0 + f64::EPSILON, b.build()?);
/// kernel.call().bind("x", &[x])?.bind("y", &[x * x])?.bind_mut("z", &mut z)?.run()?;
/// assert_eq!(z[0], f64::EPSILON * f64::EPSILON);
/// # Ok::<(), elide::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FpMode {
    /// As written: each operation is rounded on its own.
    #[default]
    Strict,
    /// A product that is used once, in a sum or a difference, is not rounded before: `a * b + c` is a fused multiply-add. Of two products
    /// the first is the one. Products that a reduction sums are rounded.
    Contract,
    /// As `Contract`, and further:
    ///
    /// - `x / c` for a constant `c` is `x * (1 / c)`, and so is `x / y` where `y` is broadcast along an axis: one division for each of
    ///   its elements. Two roundings in place of one, and infinite or zero where `1 / y` is.
    /// - `x * a * b` for constants `a` and `b` is `x * (a * b)`, in which the order of rounding is another.
    Fast,
}

impl FpMode {
    /// The lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            FpMode::Strict => "strict",
            FpMode::Contract => "contract",
            FpMode::Fast => "fast",
        }
    }

    /// The graph of what is computed.
    pub(crate) fn apply(self, graph: Graph) -> Graph {
        match self {
            FpMode::Strict => graph,
            FpMode::Contract => CONTRACT.apply(fold::PASS.apply(graph)),
            FpMode::Fast => CONTRACT.apply(FAST.apply(fold::PASS.apply(graph))),
        }
    }
}

const CONTRACT: Pass = Pass { name: "contract", applies: has_floats, run: contract };
const FAST: Pass = Pass { name: "fast", applies: has_floats, run: fast };

fn has_floats(graph: &Graph) -> bool {
    graph.nodes().any(|(_, n)| matches!(n.kind, Kind::Binary(..)) && contracts(n.dtype))
}

/// Halves are computed with in `f32`, where a product is exact.
fn contracts(d: DType) -> bool {
    d.class() == Class::Float && !d.is_half()
}

fn contract(graph: &Graph) -> Graph {
    let mut uses = vec![0; graph.len()];
    let live = graph.live();
    let users = graph.nodes().filter(|(id, _)| live[id.index()]).flat_map(|(_, node)| node.kind.operands());
    users.chain(graph.outputs().iter().map(|o| o.node)).for_each(|o| uses[o.index()] += 1);
    graph.rebuild_with(|g, id, node| {
        let (Kind::Binary(op @ (BinaryOp::Add | BinaryOp::Sub), x, y), true) = (&node.kind, contracts(node.dtype)) else {
            return g.add_again(node);
        };
        let (x, y) = (*x, *y);
        let old = graph[id].kind.operands();
        let factors = |g: &Graph, k: usize, new: NodeId| match g[new].kind {
            Kind::Binary(BinaryOp::Mul, a, b) if uses[old[k].index()] == 1 => Some((a, b)),
            _ => None,
        };
        let minus = *op == BinaryOp::Sub;
        let kind = if let Some((a, b)) = factors(g, 0, x) {
            Kind::MulAdd(a, b, if minus { negated(g, y) } else { y })
        } else if let Some((a, b)) = factors(g, 1, y) {
            // Of the factors a constant is negated for nothing.
            let (a, b) = if matches!(g[b].kind, Kind::Const(_)) { (b, a) } else { (a, b) };
            Kind::MulAdd(if minus { negated(g, a) } else { a }, b, x)
        } else {
            return g.add_again(node);
        };
        g.add_again(&Node { kind, ..node.clone() })
    })
}

fn negated(g: &mut Graph, x: NodeId) -> NodeId {
    match g[x].kind {
        Kind::Unary(UnaryOp::Neg, inner) => inner,
        Kind::Const(s) => {
            let minus = UnaryOp::Neg.eval(s).expect("a float has a negative");
            g.add(Kind::Const(minus), s.dtype(), g[x].shape.clone(), g[x].site)
        }
        _ => {
            let Node { dtype, shape, site, .. } = g[x].clone();
            g.add(Kind::Unary(UnaryOp::Neg, x), dtype, shape, site)
        }
    }
}

fn fast(graph: &Graph) -> Graph {
    graph.rebuild(|g, node| {
        let (Kind::Binary(op @ (BinaryOp::Div | BinaryOp::Mul), x, y), true) = (&node.kind, contracts(node.dtype)) else {
            return g.add_again(node);
        };
        let replaced = match op {
            BinaryOp::Div => reciprocal(g, *y).map(|r| (*x, r)),
            _ => Some((*x, *y)),
        };
        let Some((x, y)) = replaced.map(|(x, y)| constants_joined(g, x, y)) else { return g.add_again(node) };
        g.add_again(&Node { kind: Kind::Binary(BinaryOp::Mul, x, y), ..node.clone() })
    })
}

/// What to multiply with instead of dividing by `y`.
fn reciprocal(g: &mut Graph, y: NodeId) -> Option<NodeId> {
    let Node { kind, dtype, shape, site } = g[y].clone();
    let one = Scalar::F64(1.0).cast(dtype);
    let divide = |s: Scalar| BinaryOp::Div.eval(one, s).expect("floats have a quotient");
    match kind {
        Kind::Const(s) => {
            let inverse = divide(s);
            is_normal(inverse).then(|| g.add(Kind::Const(inverse), dtype, shape, site))
        }
        Kind::View(source, view) if super::views::stretches(&view) => {
            let Node { shape, site, .. } = g[source].clone();
            let one = g.add(Kind::Const(one), dtype, crate::shape::Shape::scalar(), site);
            let inverse = g.add(Kind::Binary(BinaryOp::Div, one, source), dtype, shape, site);
            Some(g.view(inverse, view, site))
        }
        _ => None,
    }
}

fn is_normal(s: Scalar) -> bool {
    match s {
        Scalar::F32(x) => x.is_normal(),
        Scalar::F64(x) => x.is_normal(),
        _ => false,
    }
}

/// The factors, with a constant that is multiplied with a product with a constant put to that one.
fn constants_joined(g: &mut Graph, x: NodeId, y: NodeId) -> (NodeId, NodeId) {
    let constant = |g: &Graph, id: NodeId| match g[id].kind {
        Kind::Const(s) => Some(s),
        _ => None,
    };
    for (product, factor) in [(x, y), (y, x)] {
        let (Kind::Binary(BinaryOp::Mul, a, b), Some(s)) = (g[product].kind.clone(), constant(g, factor)) else { continue };
        for (inner, rest) in [(a, b), (b, a)] {
            let Some(t) = constant(g, inner) else { continue };
            let both = BinaryOp::Mul.eval(s, t).expect("floats have a product");
            if is_normal(both) {
                let Node { dtype, shape, site, .. } = g[factor].clone();
                return (rest, g.add(Kind::Const(both), dtype, shape, site));
            }
        }
    }
    (x, y)
}
