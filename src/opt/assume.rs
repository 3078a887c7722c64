//! What may be assumed of named dims: that they are not tiny.
//!
//! `y[1:-1]` of an axis `n` has max(n - 2, 0) elements. Where regions meet, such sizes nest, and nobody can tell any more which
//! region ends first. A program is therefore optimized for dims that are large enough (`n - 2 >= 0`): maxima and minima are gone.
//! Binding checks the assumptions, and takes a plan that makes none where one fails.

use super::Pass;
use crate::graph::{Graph, Kind, Node, Scatter};
use crate::shape::Shape;
use crate::size::Size;
use crate::view::{AxisMap, View};

pub(super) const PASS: Pass = Pass { name: "assume", applies, run };

/// What is known of sizes: with assumptions, or only what holds for all values of the dims.
pub(super) struct Known {
    assumes: bool,
    pub assumed: Vec<Size>,
}

impl Known {
    pub fn of(graph: &Graph) -> Known {
        Known { assumes: graph.assumes(), assumed: graph.assumptions().to_vec() }
    }

    /// Whether a size is not negative, if that is known.
    pub fn is_not_negative(&mut self, x: &Size) -> Option<bool> {
        if x.is_never_negative() {
            return Some(true);
        }
        let below = x.scale(-1).sub(&Size::ONE);
        if below.is_never_negative() {
            return Some(false);
        }
        if !self.assumes {
            return None;
        }
        let sign = x.sign_when_large()?;
        let assumed = if sign { x.clone() } else { below };
        if !self.assumed.contains(&assumed) {
            self.assumed.push(assumed);
        }
        Some(sign)
    }

    /// `max(x, 0)` without the maximum.
    pub fn max0(&mut self, x: &Size) -> Option<Size> {
        self.is_not_negative(x).map(|yes| if yes { x.clone() } else { Size::ZERO })
    }

    /// The smaller one.
    pub fn smaller(&mut self, a: &Size, b: &Size) -> Option<Size> {
        if *a == b.max0() {
            return Some(b.clone());
        }
        if *b == a.max0() {
            return Some(a.clone());
        }
        self.is_not_negative(&b.sub(a)).map(|yes| if yes { a.clone() } else { b.clone() })
    }

    fn size(&mut self, x: &Size) -> Size {
        x.where_known(&mut |x| self.is_not_negative(x))
    }

    fn shape(&mut self, shape: &Shape) -> Shape {
        shape.extents().iter().map(|n| self.size(n)).collect()
    }

    pub fn view(&mut self, view: &View) -> View {
        let map = |known: &mut Known, m: &AxisMap| AxisMap {
            offset: known.size(&m.offset),
            terms: m.terms.iter().map(|(k, s)| (*k, known.size(s))).collect(),
        };
        View { shape: self.shape(&view.shape), axes: view.axes.iter().map(|m| map(self, m)).collect() }
    }
}

/// True if the graph may make assumptions and has use for them.
fn applies(graph: &Graph) -> bool {
    graph.assumes() && graph.nodes().any(|(_, n)| matches!(n.kind, Kind::Pieces(_)))
}

/// Rewrites every size of the graph.
fn run(graph: &Graph) -> Graph {
    let mut known = Known::of(graph);
    let mut out = graph.rebuild(|g, node| {
        let kind = match &node.kind {
            Kind::View(src, view) => Kind::View(*src, known.view(view)),
            Kind::Take(src, indices, map) => Kind::Take(*src, indices.clone(), known.view(map)),
            Kind::Scatter(base, value, index, how) => {
                Kind::Scatter(*base, *value, *index, Scatter { map: known.view(&how.map), ..how.clone() })
            }
            Kind::Reshape(src, shape) => Kind::Reshape(*src, known.shape(shape)),
            Kind::Pieces(parts) => Kind::Pieces(parts.iter().map(|(v, r)| (*v, known.view(r))).collect()),
            Kind::Size(s) => Kind::Size(known.size(s)),
            kind => kind.clone(),
        };
        let shape = known.shape(&node.shape);
        g.add_again(&Node { kind, shape, ..node.clone() })
    });
    // `x[5:0:-2].reshape(2)` is for `n <= 4` and no larger: then the assumptions hold in no run.
    if graph.equations().iter().any(|(e, _)| known.size(&e.0).never_equals(&known.size(&e.1))) {
        let mut general = graph.clone();
        general.assume_nothing();
        return general;
    }
    out.assume(known.assumed);
    out
}
