//! Arrays put together from pieces: which are never put together at all, and what is left of those that are.
//!
//! An operation on such an array is a piece-wise operation: the index set of its user splits where the regions meet, and each part
//! reads the one value that is there (index-set splitting). That is done where it is cheap: the values cost little, or are used
//! once. What is read whole (by a reduction across the pieces, a reshape, more users than recomputing is worth) stays a node, which
//! the scheduler stores, as do results. Of those, writes that a later piece hides are taken away.

use smallvec::SmallVec;

use super::Pass;
use super::assume::Known;
use crate::graph::{Graph, Kind, Node, NodeId};
use crate::ops::ReduceOp;
use crate::shape::Shape;
use crate::size::Size;
use crate::view::{AxisMap, View};

/// More parts than this are not worth it: each is a loop nest.
const MAX_PARTS: usize = 16;
/// How many operations may be done again for not storing an array: storing and loading an element takes about as long.
const MAX_REPEATED: usize = 14;

/// A value of the new graph.
#[derive(Clone)]
enum Form {
    Node(NodeId),
    /// Values and their regions, in order; they cover the array.
    Parts(Vec<(NodeId, View)>, Shape),
}

/// Splits users of pieces, and tidies the pieces that remain.
pub(super) const PASS: Pass = Pass { name: "pieces", applies: |g| g.nodes().any(|(_, n)| matches!(n.kind, Kind::Pieces(_))), run };

fn run(graph: &Graph) -> Graph {
    let facts = Facts::of(graph);
    let mut known = Known::of(graph);
    let mut out = Graph::like(graph);
    let mut forms: Vec<Option<Form>> = vec![None; graph.len()];
    for (id, node) in graph.nodes() {
        if !facts.live[id.index()] {
            continue;
        }
        let form = Rewrite { facts: &facts, known: &mut known, out: &mut out, forms: &forms }.node(id, node);
        forms[id.index()] = Some(form);
    }
    for o in graph.outputs() {
        let form = forms[o.node.index()].clone().expect("outputs are live");
        let node = force(&mut out, &mut known, form, &graph[o.node]);
        out.output_like(o, node);
    }
    if graph.assumes() {
        out.assume(known.assumed);
    }
    out
}

/// What is known of the graph that is rewritten.
struct Facts {
    live: Vec<bool>,
    /// Users of each node; an output is one, and more than one if it is read as well.
    uses: Vec<usize>,
    /// True for what must have memory: results, and what pieces are written over.
    kept: Vec<bool>,
}

impl Facts {
    fn of(graph: &Graph) -> Facts {
        let mut f = Facts { live: graph.live(), uses: vec![0; graph.len()], kept: vec![false; graph.len()] };
        for o in graph.outputs() {
            f.uses[o.node.index()] += 1;
            f.kept[o.node.index()] = true;
        }
        for (id, node) in graph.nodes().filter(|(id, _)| f.live[id.index()]) {
            for o in node.kind.operands() {
                f.uses[o.index()] += 1;
            }
            if let Kind::Pieces(parts) = &node.kind
                && let (base, region) = &parts[0]
                && region.is_identity(&graph[id].shape)
            {
                f.kept[base.index()] |= matches!(graph[*base].kind, Kind::Pieces(_));
            }
        }
        // A base that nobody else reads is only written on; together they are one array.
        for (id, node) in graph.nodes() {
            if matches!(node.kind, Kind::Pieces(_)) && f.uses[id.index()] == 1 && !graph.outputs().iter().any(|o| o.node == id) {
                f.kept[id.index()] = false;
            }
        }
        f
    }
}

struct Rewrite<'a> {
    facts: &'a Facts,
    known: &'a mut Known,
    out: &'a mut Graph,
    forms: &'a [Option<Form>],
}

impl Rewrite<'_> {
    fn form(&self, id: NodeId) -> Form {
        self.forms[id.index()].clone().expect("operands come before users")
    }

    fn node(&mut self, id: NodeId, node: &Node) -> Form {
        match &node.kind {
            Kind::Pieces(parts) => self.pieces(id, node, parts),
            Kind::View(src, view) => match self.form(*src) {
                Form::Node(src) => Form::Node(self.out.view(src, view.clone(), node.site)),
                form => restricted(self.out, self.known, &form, view).unwrap_or_else(|| {
                    let whole = force(self.out, self.known, form, node);
                    Form::Node(self.out.view(whole, view.clone(), node.site))
                }),
            },
            Kind::Reduce(op, src, axes) => match self.form(*src) {
                Form::Parts(parts, shape) => match self.reduced(*op, &parts, &shape, axes, node) {
                    Some(parts) => Form::Parts(parts, node.shape.clone()),
                    None => {
                        let source = Node { shape: shape.clone(), dtype: self.out[parts[0].0].dtype, ..node.clone() };
                        let whole = force(self.out, self.known, Form::Parts(parts, shape), &source);
                        Form::Node(self.out.add(Kind::Reduce(*op, whole, axes.clone()), node.dtype, node.shape.clone(), node.site))
                    }
                },
                Form::Node(src) => {
                    Form::Node(self.out.add(Kind::Reduce(*op, src, axes.clone()), node.dtype, node.shape.clone(), node.site))
                }
            },
            kind if kind.is_elementwise() => {
                let operands: Vec<Form> = kind.operands().into_iter().map(|o| self.form(o)).collect();
                let simple = operands.iter().all(|f| matches!(f, Form::Node(_)));
                let split = if simple { None } else { split(self.out, self.known, &node.shape, &operands) };
                match split {
                    Some(parts) => {
                        let apply = |(region, values): (View, Vec<NodeId>)| {
                            let mut values = values.into_iter();
                            let kind = kind.map_operands(|_| values.next().expect("one for each operand"));
                            (self.out.add(kind, node.dtype, region.shape.clone(), node.site), region)
                        };
                        Form::Parts(parts.into_iter().map(apply).collect(), node.shape.clone())
                    }
                    None => self.whole(node),
                }
            }
            _ => self.whole(node),
        }
    }

    /// The node over operands that are put together where they are not already.
    fn whole(&mut self, node: &Node) -> Form {
        let operands: Vec<Form> = node.kind.operands().into_iter().map(|o| self.form(o)).collect();
        let mut values = Vec::new();
        for form in operands {
            values.push(match form {
                Form::Node(id) => id,
                Form::Parts(parts, shape) => {
                    let source = Node { shape: shape.clone(), dtype: self.out[parts[0].0].dtype, ..node.clone() };
                    force(self.out, self.known, Form::Parts(parts, shape), &source)
                }
            });
        }
        let mut values = values.into_iter();
        let kind = node.kind.map_operands(|_| values.next().expect("one for each operand"));
        Form::Node(self.out.add_again(&Node { kind, ..node.clone() }))
    }

    fn pieces(&mut self, id: NodeId, node: &Node, parts: &[(NodeId, View)]) -> Form {
        let mut list = Vec::new();
        for (value, region) in parts {
            match self.form(*value) {
                Form::Node(v) => list.push((v, region.clone())),
                // Pieces of a piece.
                Form::Parts(inner, _) => list.extend(inner.into_iter().map(|(v, r)| (v, region.then(&r)))),
            }
        }
        let cheap = |out: &Graph| {
            let uses = self.facts.uses[id.index()];
            let repeated: usize = list.iter().map(|(v, _)| work(out, *v)).sum();
            list.len() <= MAX_PARTS && (uses <= 1 || repeated * (uses - 1) <= MAX_REPEATED)
        };
        if !self.facts.kept[id.index()] && cheap(self.out) {
            return Form::Parts(list, node.shape.clone());
        }
        Form::Node(put_together(self.out, self.known, list, node))
    }

    /// A reduction along axes that every region spans is a reduction of each part.
    fn reduced(&mut self, op: ReduceOp, parts: &[(NodeId, View)], shape: &Shape, axes: &[u8], node: &Node) -> Option<Vec<(NodeId, View)>> {
        let mut out = Vec::new();
        for (value, region) in parts {
            let mut inner: SmallVec<[u8; 4]> = SmallVec::new();
            for &axis in axes {
                let map = &region.axes[axis as usize];
                match map.terms.as_slice() {
                    [(k, step)]
                        if *step == Size::ONE
                            && map.offset == Size::ZERO
                            && region.shape.extents()[*k as usize] == shape.extents()[axis as usize]
                            && inner.last().is_none_or(|last| (*last as u32) < *k) =>
                    {
                        inner.push(*k as u8);
                    }
                    _ => return None,
                }
            }
            // A diagonal moves along a kept axis with a reduced one.
            let tied = (0..shape.rank())
                .filter(|k| !axes.contains(&(*k as u8)))
                .any(|k| region.axes[k].terms.iter().any(|(t, _)| inner.contains(&(*t as u8))));
            if tied {
                return None;
            }
            let kept: Vec<usize> = (0..region.shape.rank()).filter(|k| !inner.contains(&(*k as u8))).collect();
            let left: Shape = kept.iter().map(|&k| region.shape.extents()[k].clone()).collect();
            let renamed = |map: &AxisMap| AxisMap {
                offset: map.offset.clone(),
                terms: map
                    .terms
                    .iter()
                    .map(|(k, s)| (kept.iter().position(|&x| x == *k as usize).expect("kept") as u32, s.clone()))
                    .collect(),
            };
            let maps = (0..shape.rank()).filter(|k| !axes.contains(&(*k as u8))).map(|k| renamed(&region.axes[k])).collect();
            let value = spread(self.out, *value, &region.shape);
            let reduced = self.out.add(Kind::Reduce(op, value, inner), node.dtype, left.clone(), node.site);
            out.push((reduced, View { shape: left, axes: maps }));
        }
        Some(out)
    }
}

/// A scalar leaf as an array, where its place needs one.
fn spread(g: &mut Graph, value: NodeId, shape: &Shape) -> NodeId {
    if g[value].shape == *shape {
        return value;
    }
    let site = g[value].site;
    g.view(value, View { shape: shape.clone(), axes: Default::default() }, site)
}

/// The operations that computing an element anew would repeat.
fn work(g: &Graph, root: NodeId) -> usize {
    let mut seen = hashbrown::HashSet::new();
    let mut stack = vec![root];
    let mut total = 0;
    while let Some(id) = stack.pop() {
        if !seen.insert(id) || total > MAX_REPEATED {
            continue;
        }
        let node = &g[id];
        total += match &node.kind {
            Kind::Reduce(..) => MAX_REPEATED + 1,
            kind if kind.is_pointwise() => super::views::own_cost(g, node) as usize,
            _ => 0,
        };
        if node.kind.is_pointwise() || matches!(node.kind, Kind::View(..)) {
            stack.extend(node.kind.operands());
        }
    }
    total
}

/// The form as one node.
fn force(g: &mut Graph, known: &mut Known, form: Form, like: &Node) -> NodeId {
    match form {
        Form::Node(id) => id,
        Form::Parts(parts, shape) => put_together(g, known, parts, &Node { shape, ..like.clone() }),
    }
}

/// An array put together, without the writes that a later piece hides.
fn put_together(g: &mut Graph, known: &mut Known, parts: Vec<(NodeId, View)>, node: &Node) -> NodeId {
    let mut list: Vec<(NodeId, View)> = Vec::new();
    for (value, region) in parts {
        let mut shown = Vec::new();
        let before = list.len();
        for (n, (v, r)) in list.drain(..).enumerate() {
            // What the array was before stays where it is; nothing is written for it.
            let base = n == 0 && (g[v].kind.is_written() || matches!(g[v].kind, Kind::Input(_))) && r.is_identity(&node.shape);
            let updated = base && is_updated(g, v);
            match uncovered(known, &region, &r) {
                Some(boxes) if !updated && boxes.len() + before <= MAX_PARTS => {
                    for b in boxes {
                        let site = g[v].site;
                        let value = if g[v].kind.is_scalar_leaf() { v } else { g.view(v, b.clone(), site) };
                        shown.push((value, r.then(&b)));
                    }
                }
                _ => shown.push((v, r)),
            }
        }
        list = shown;
        list.push((value, region));
    }
    if let [(value, region)] = list.as_slice()
        && region.is_identity(&node.shape)
    {
        return spread(g, *value, &node.shape);
    }
    g.add(Kind::Pieces(list.into()), node.dtype, node.shape.clone(), node.site)
}

/// True for what has memory that a result may be written over: another array put together, or an input.
fn is_updated(g: &Graph, id: NodeId) -> bool {
    match g[id].kind {
        Kind::Pieces(_) | Kind::Scatter(..) => true,
        Kind::Input(k) => g.updated_inputs().contains(&k),
        _ => false,
    }
}

/// The parts of a region that another one, written later, leaves to be seen, as boxes of its own index; `None` where that cannot
/// be said.
fn uncovered(known: &mut Known, later: &View, region: &View) -> Option<Vec<View>> {
    let hidden = match preimage(known, later, region)? {
        Preimage::Nothing => return Some(vec![View::identity(&region.shape)]),
        Preimage::Part { inner, .. } => inner,
    };
    let mut boxes = Vec::new();
    // What is left of each axis in turn, inside what is hidden of those before.
    let mut frame = View::identity(&region.shape);
    for k in 0..region.shape.rank() {
        let n = &region.shape.extents()[k];
        let (low, extent) = (&hidden.axes[k].offset, &hidden.shape.extents()[k]);
        let end = low.add(extent);
        for (offset, extent) in [(Size::ZERO, known.smaller(low, n)?), (end.clone(), known.max0(&n.sub(&end))?)] {
            if extent != Size::ZERO {
                let mut part = frame.clone();
                part.axes[k].offset = offset;
                part.shape.0[k] = extent;
                boxes.push(part);
            }
        }
        frame.axes[k].offset = low.clone();
        frame.shape.0[k] = extent.clone();
    }
    Some(boxes)
}

/// The regions of a user, each with the one value of every operand there.
fn split(g: &mut Graph, known: &mut Known, shape: &Shape, operands: &[Form]) -> Option<Vec<(View, Vec<NodeId>)>> {
    // Each entry: a region of the user, and the operands restricted to it. The first operand in parts is resolved next.
    let mut pending: Vec<(View, Vec<Form>)> = vec![(View::identity(shape), operands.to_vec())];
    let mut done = Vec::new();
    while let Some((region, forms)) = pending.pop() {
        if pending.len() + done.len() > MAX_PARTS {
            return None;
        }
        let Some(at) = forms.iter().position(|f| matches!(f, Form::Parts(..))) else {
            let nodes = forms.into_iter().map(|f| if let Form::Node(id) = f { id } else { unreachable!("none is in parts") });
            done.push((region, nodes.collect()));
            continue;
        };
        let Form::Parts(parts, _) = &forms[at] else { unreachable!("found above") };
        let mut next = Vec::new();
        for (value, part) in parts {
            let mut restricted_forms = Vec::new();
            for (k, form) in forms.iter().enumerate() {
                restricted_forms.push(if k == at { Form::Node(*value) } else { restricted(g, known, form, part)? });
            }
            next.push((region.then(part), restricted_forms));
        }
        // Popped from the end: parts stay in order, later ones over earlier ones.
        pending.extend(next.into_iter().rev());
    }
    Some(done)
}

/// A form seen through a view.
fn restricted(g: &mut Graph, known: &mut Known, form: &Form, through: &View) -> Option<Form> {
    match form {
        Form::Node(id) if g[*id].kind.is_scalar_leaf() => Some(Form::Node(*id)),
        Form::Node(id) => {
            let site = g[*id].site;
            Some(Form::Node(g.view(*id, through.clone(), site)))
        }
        Form::Parts(parts, _) => {
            let mut list: Vec<(NodeId, View)> = Vec::new();
            for (value, region) in parts {
                match preimage(known, region, through)? {
                    Preimage::Nothing => {}
                    Preimage::Part { inner, value: map } => {
                        if inner.is_identity(&through.shape) {
                            list.clear();
                        }
                        let site = g[*value].site;
                        let shown = if g[*value].kind.is_scalar_leaf() { *value } else { g.view(*value, map, site) };
                        list.push((shown, inner));
                    }
                }
            }
            match list.as_slice() {
                [(value, region)] if region.is_identity(&through.shape) => Some(Form::Node(spread(g, *value, &through.shape))),
                // Nothing shows only where the view has no elements; the caller has the whole.
                [] => None,
                _ => Some(Form::Parts(list, through.shape.clone())),
            }
        }
    }
}

/// Which indices of a view show a region.
#[allow(clippy::large_enum_variant, reason = "one exists at a time, and is taken apart at once")]
enum Preimage {
    Nothing,
    Part {
        /// The box of indices, as a view of the view's index.
        inner: View,
        /// The index of the region's value there.
        value: View,
    },
}

/// `None` where it is no box that can be told now.
fn preimage(known: &mut Known, region: &View, through: &View) -> Option<Preimage> {
    let mut inner = View::identity(&through.shape);
    let mut value: Vec<AxisMap> = vec![View::axis_or_start(None); region.shape.rank()];
    // A diagonal ties two axes together, and shows no box of either.
    let mut used = vec![false; through.shape.rank()];
    let mut met = vec![false; region.shape.rank()];
    // Nothing lies in a region that is empty along any axis, also one that moves nothing; as any other size such an axis would have the
    // region meet itself.
    for (j, n) in region.shape.extents().iter().enumerate() {
        let moves = region.axes.iter().any(|m| m.terms.iter().any(|(k, _)| *k as usize == j));
        match n.as_const() {
            Some(0) => return Some(Preimage::Nothing),
            Some(1) => {}
            _ if moves => {}
            _ => return None,
        }
    }
    for (r, w) in region.axes.iter().zip(&through.axes) {
        if let [(j, _)] = r.terms.as_slice()
            && std::mem::replace(&mut met[*j as usize], true)
        {
            return None;
        }
        let gap = w.offset.sub(&r.offset);
        match (r.terms.as_slice(), w.terms.as_slice()) {
            ([], []) if gap == Size::ZERO => {}
            ([], []) => {
                let apart = known.is_not_negative(&gap.sub(&Size::ONE))? || known.is_not_negative(&gap.scale(-1).sub(&Size::ONE))?;
                return apart.then_some(Preimage::Nothing);
            }
            ([(j, step)], []) => {
                let step = step.as_const()?;
                let at = match (step, gap.as_const()) {
                    (1 | -1, _) => gap.scale(step),
                    (_, Some(gap)) if gap % step != 0 => return Some(Preimage::Nothing),
                    (_, Some(gap)) => Size::from(gap / step),
                    _ => return None,
                };
                let n = &region.shape.extents()[*j as usize];
                let inside = known.is_not_negative(&at)? && known.is_not_negative(&n.sub(&at).sub(&Size::ONE))?;
                if !inside {
                    return Some(Preimage::Nothing);
                }
                value[*j as usize] = AxisMap { offset: at, terms: SmallVec::new() };
            }
            ([], [(i, step)]) => {
                let (i, step) = (*i as usize, step.as_const().filter(|s| s.abs() == 1)?);
                if std::mem::replace(&mut used[i], true) {
                    return None;
                }
                let at = gap.scale(-step);
                narrow(known, &mut inner, i, &at, &at.add(&Size::ONE), &through.shape)?;
            }
            ([(j, rs)], [(i, ws)]) => {
                let (i, j, rs, ws) = (*i as usize, *j as usize, rs.as_const()?, ws.as_const()?);
                if std::mem::replace(&mut used[i], true) || rs.abs() != ws.abs() {
                    return None;
                }
                let shift = match (rs, gap.as_const()) {
                    (1 | -1, _) => gap.scale(rs),
                    (_, Some(gap)) if gap % rs != 0 => return Some(Preimage::Nothing),
                    (_, Some(gap)) => Size::from(gap / rs),
                    _ => return None,
                };
                let n = &region.shape.extents()[j];
                let (low, high, sign) = if rs == ws {
                    // j = i + shift
                    (shift.scale(-1), n.sub(&shift), 1)
                } else {
                    // j = shift - i
                    (shift.sub(n).add(&Size::ONE), shift.add(&Size::ONE), -1)
                };
                narrow(known, &mut inner, i, &low, &high, &through.shape)?;
                let first = inner.axes[i].offset.scale(sign).add(&shift);
                value[j] = AxisMap { offset: first, terms: SmallVec::from_elem((i as u32, Size::from(sign)), 1) };
            }
            _ => return None,
        }
    }
    if inner.shape.extents().contains(&Size::ZERO) {
        return Some(Preimage::Nothing);
    }
    let value = View { shape: inner.shape.clone(), axes: value.into_iter().collect() };
    Some(Preimage::Part { inner, value })
}

/// Limits an axis of a box to `low..high`.
fn narrow(known: &mut Known, inner: &mut View, axis: usize, low: &Size, high: &Size, shape: &Shape) -> Option<()> {
    let n = &shape.extents()[axis];
    let low = known.max0(low)?;
    let extent = known.smaller(high, n)?.sub(&low);
    let extent = known.max0(&extent)?;
    inner.axes[axis].offset = low;
    inner.shape.0[axis] = extent;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Dim;

    /// A graph that assumes that dims are large.
    fn large() -> Graph {
        let mut g = Graph::default();
        g.assume(Vec::new());
        g
    }

    fn shown(region: &View, through: &View) -> String {
        let mut known = Known::of(&large());
        match preimage(&mut known, region, through) {
            None => "unknown".into(),
            Some(Preimage::Nothing) => "nothing".into(),
            Some(Preimage::Part { inner, value }) => format!("{inner:?} shows {value}"),
        }
    }

    #[test]
    fn a_slice_of_an_array_shows_parts_of_its_regions() {
        let n = Shape::of([Dim::named("n")]);
        // As the pass before leaves them.
        let view = |items: &[crate::Slice]| Known::of(&large()).view(&View::slice(&n, items).unwrap());
        let (interior, first, last) = (view(&crate::s![1..-1]), view(&crate::s![0]), view(&crate::s![-1]));
        assert_eq!(shown(&interior, &view(&crate::s![1..-1])), "[i0]:[n - 2] shows [i0]");
        assert_eq!(shown(&interior, &view(&crate::s![2..])), "[i0]:[n - 3] shows [i0 + 1]");
        assert_eq!(shown(&first, &view(&crate::s![1..])), "nothing");
        assert_eq!(shown(&last, &view(&crate::s![-1])), "[]:[] shows []");
        let even = view(&crate::s![..;2]);
        assert_eq!(shown(&even, &view(&crate::s![1..;2])), "nothing");
        assert_eq!(shown(&even, &view(&crate::s![1..])), "unknown");
    }

    #[test]
    fn hidden_boxes_are_cut_out() {
        let s = Shape::fixed(&[4, 5]);
        let (whole, interior) = (View::identity(&s), View::slice(&s, &crate::s![1..-1, 1..-1]).unwrap());
        let boxes: Vec<String> = uncovered(&mut Known::of(&large()), &interior, &whole).unwrap().iter().map(|b| format!("{b:?}")).collect();
        assert_eq!(boxes, ["[i0, i1]:[1,5]", "[i0 + 3, i1]:[1,5]", "[i0 + 1, i1]:[2,1]", "[i0 + 1, i1 + 4]:[2,1]"]);
        assert!(uncovered(&mut Known::of(&large()), &whole, &interior).unwrap().is_empty());
    }
}
