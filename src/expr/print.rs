//! Expressions back to text, in the notation in which they are written.
//!
//! A compound node with several users gets a `let` line, so that the text is linear in the size of the DAG, and so does one
//! whose text gets long. Without recursion: operands come before their users in a list.

use std::fmt;

use hashbrown::{HashMap, HashSet};
use smallvec::{SmallVec, smallvec};

use crate::error::Result;
use crate::expr::node::{Bounds, NodeKind, NodeRef};
use crate::expr::{DynExpr, Expr};
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};
use crate::shape::{self, Shape};
use crate::size::Size;
use crate::view::{AxisMap, View};

/// Texts longer than this many bytes are named by a `let`.
const LONG: usize = 160;

/// How tightly the outermost operator of a text binds, as in Rust.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binds {
    Or,
    Xor,
    And,
    Shift,
    Sum,
    Product,
    Prefix,
    /// Names, literals, method calls.
    Postfix,
}

struct Text {
    text: String,
    binds: Binds,
}

impl Text {
    fn name(text: impl Into<String>) -> Text {
        Text { text: text.into(), binds: Binds::Postfix }
    }

    /// In parentheses where it binds less tightly than its place demands.
    fn at_least(self, binds: Binds) -> String {
        if self.binds < binds { format!("({})", self.text) } else { self.text }
    }
}

fn infix(op: BinaryOp) -> Option<(&'static str, Binds)> {
    Some(match op {
        BinaryOp::Add => ("+", Binds::Sum),
        BinaryOp::Sub => ("-", Binds::Sum),
        BinaryOp::Mul => ("*", Binds::Product),
        BinaryOp::Div => ("/", Binds::Product),
        BinaryOp::Rem => ("%", Binds::Product),
        BinaryOp::And => ("&", Binds::And),
        BinaryOp::Or => ("|", Binds::Or),
        BinaryOp::Xor => ("^", Binds::Xor),
        BinaryOp::Shl => ("<<", Binds::Shift),
        BinaryOp::Shr => (">>", Binds::Shift),
        _ => return None,
    })
}

/// The source and map of a node that is a broadcast and nothing else.
fn as_broadcast(node: &NodeRef) -> Option<(&NodeRef, &View)> {
    match &node.kind {
        NodeKind::View(source, view) if View::broadcast(&source.shape, &view.shape).is_ok_and(|(v, _)| v == *view) => Some((source, view)),
        _ => None,
    }
}

/// The operands as the user wrote them: without the broadcasts that the operator implies.
fn shown_operands(node: &NodeRef) -> SmallVec<[&NodeRef; 3]> {
    let operands = node.kind.operands();
    if !matches!(node.kind, NodeKind::Binary(..) | NodeKind::Select(..) | NodeKind::Pair(..)) {
        return operands;
    }
    let bare: SmallVec<[&NodeRef; 3]> = operands.iter().map(|o| as_broadcast(o).map_or(*o, |(source, _)| source)).collect();
    let shapes: SmallVec<[&Shape; 3]> = bare.iter().map(|o| &o.shape).collect();
    // An explicit broadcast may be what gives the result its shape; then it is shown.
    if shape::broadcast(&shapes).is_ok_and(|(s, _)| s == node.shape) { bare } else { operands }
}

fn list(items: impl IntoIterator<Item = impl fmt::Display>) -> String {
    let items: Vec<_> = items.into_iter().map(|x| x.to_string()).collect();
    format!("[{}]", items.join(", "))
}

/// `order` of the permutation that this view is.
fn as_permutation(view: &View) -> Option<Vec<usize>> {
    let mut order = vec![usize::MAX; view.shape.rank()];
    for (k, axis) in view.axes.iter().enumerate() {
        let [(at, _)] = axis.terms.as_slice() else { return None };
        let at = *at as usize;
        if *axis != (AxisMap { offset: Size::ZERO, terms: smallvec![(at as u32, Size::ONE)] }) || order[at] != usize::MAX {
            return None;
        }
        order[at] = k;
    }
    (view.axes.len() == order.len()).then_some(order)
}

/// The method of one axis that makes this view.
fn as_axis_method(source: &Shape, view: &View) -> Option<String> {
    let makes = |made: Result<View>| made.is_ok_and(|v| v == *view);
    (0..=source.rank()).find_map(|k| {
        let method = if makes(View::new_axis(source, k)) {
            "insert_axis"
        } else if k < source.rank() && makes(View::squeeze(source, k)) {
            "remove_axis"
        } else if k < source.rank() && makes(Ok(View::flip(source, k))) {
            "invert_axis"
        } else {
            return None;
        };
        Some(format!(".{method}({k})"))
    })
}

fn view_suffix(node: &NodeRef, source: &Shape, view: &View) -> String {
    if let Some(suffix) = as_axis_method(source, view) {
        return suffix;
    }
    if as_broadcast(node).is_some() {
        return format!(".broadcast({})", list(&view.shape.0));
    }
    match as_permutation(view) {
        Some(order) if order.iter().rev().copied().eq(0..order.len()) => ".t()".to_owned(),
        Some(order) => format!(".permuted_axes({})", list(order)),
        None => format!(".view({view}, {})", list(&view.shape.0)),
    }
}

fn reduce_suffix(op: ReduceOp, axes: &[usize], rank: usize) -> String {
    let name = op.name();
    match axes {
        _ if axes.len() == rank => format!(".{name}()"),
        [axis] => format!(".{name}_axis({axis})"),
        _ => format!(".{name}_over({})", list(axes)),
    }
}

fn render(node: &NodeRef, mut operands: impl Iterator<Item = Text>, data_name: impl FnOnce() -> String) -> Text {
    let mut next = || operands.next().unwrap_or_else(|| Text::name("?"));
    let mut call = |suffix: String| Text::name(next().at_least(Binds::Postfix) + &suffix);
    match &node.kind {
        NodeKind::Input { name, .. } => Text::name(&**name),
        NodeKind::Data(_) => Text::name(data_name()),
        NodeKind::Const(value) => {
            if value.dtype().is_complex() {
                return Text { text: value.to_string(), binds: Binds::Sum };
            }
            let negative = match *value {
                x if x.dtype().is_float() => x.to_f64().is_sign_negative(),
                other => other.to_f64() < 0.0,
            };
            Text { text: value.to_string(), binds: if negative { Binds::Prefix } else { Binds::Postfix } }
        }
        NodeKind::SizeOf(size) => Text::name(format!("size({size})")),
        NodeKind::Iota => Text::name(format!("indices({}, 0)", list(&node.shape.0))),
        NodeKind::Error(e) => Text::name(format!("<error: {}>", e.message())),
        NodeKind::Unary(UnaryOp::Neg, _) => Text { text: format!("-{}", next().at_least(Binds::Prefix)), binds: Binds::Prefix },
        NodeKind::Unary(UnaryOp::Not, _) => Text { text: format!("!{}", next().at_least(Binds::Prefix)), binds: Binds::Prefix },
        NodeKind::Unary(UnaryOp::Rint, _) => call(".round()".to_owned()),
        NodeKind::Unary(UnaryOp::IsNan, _) => call(".is_nan()".to_owned()),
        NodeKind::Unary(op, _) => call(format!(".{}()", op.name())),
        NodeKind::Cast(_) => call(format!(".cast::<{}>()", node.dtype)),
        NodeKind::MulAdd(..) => {
            let (x, y, z) = (next().at_least(Binds::Postfix), next().text, next().text);
            Text::name(format!("{x}.mul_add({y}, {z})"))
        }
        NodeKind::Complex(op, _) => call(format!(".{}()", op.name())),
        NodeKind::Pair(..) => {
            let (re, im) = (next().at_least(Binds::Postfix), next().text);
            Text::name(format!("{re}.with_imag({im})"))
        }
        NodeKind::View(a, view) => call(view_suffix(node, &a.shape, view)),
        NodeKind::Reshape(_) => call(format!(".reshape({})", list(&node.shape.0))),
        NodeKind::Reduce(op, a, axes) => call(reduce_suffix(*op, axes, a.shape.rank())),
        NodeKind::Take(_, _, map) => {
            let (source, index) = (next().at_least(Binds::Postfix), next().text);
            Text::name(format!("{source}.take({index}, {map})"))
        }
        NodeKind::Provided(..) => {
            let (value, some) = (next().at_least(Binds::Postfix), next().text);
            Text::name(format!("{value}.provided({some})"))
        }
        NodeKind::Scatter { op, map, bounds, .. } => {
            let (base, value, index) = (next().at_least(Binds::Postfix), next().text, next().text);
            let op = if *bounds == Bounds::Counted { "packed" } else { op.map_or("set", |op| op.name()) };
            Text::name(format!("{base}.scatter_{op}({index}, {map}, {value})"))
        }
        NodeKind::Pieces(parts) => {
            let parts = parts.iter().map(|(_, region)| format!("{region} = {}", next().text));
            Text::name(format!("pieces({}, {})", node.shape, list(parts)))
        }
        NodeKind::Select(..) => {
            let (c, yes, no) = (next().at_least(Binds::Postfix), next().text, next().text);
            Text::name(format!("{c}.select({yes}, {no})"))
        }
        NodeKind::Binary(op, ..) => {
            let (a, b) = (next(), next());
            let Some((sign, binds)) = infix(*op) else {
                let name = match op {
                    BinaryOp::Min => "minimum",
                    BinaryOp::Max => "maximum",
                    _ => op.name(),
                };
                return Text::name(format!("{}.{name}({})", a.at_least(Binds::Postfix), b.text));
            };
            // Left-associative: the same operator on the right needs parentheses.
            let right = if b.binds <= binds { format!("({})", b.text) } else { b.text };
            Text { text: format!("{} {sign} {right}", a.at_least(binds)), binds }
        }
    }
}

/// Every node after its operands, with the number of places that show it.
fn in_order(root: &NodeRef) -> (Vec<&NodeRef>, HashMap<usize, usize>) {
    let (mut order, mut uses) = (Vec::new(), HashMap::new());
    let mut seen = HashSet::new();
    let mut pending = vec![(root, false)];
    while let Some((node, operands_done)) = pending.pop() {
        if operands_done {
            order.push(node);
        } else if seen.insert(node.id()) {
            pending.push((node, true));
            for operand in shown_operands(node).into_iter().rev() {
                *uses.entry(operand.id()).or_insert(0) += 1;
                pending.push((operand, false));
            }
        }
    }
    (order, uses)
}

/// `prefix0`, `prefix1`, ..., without the names of inputs.
struct Names<'n> {
    taken: HashSet<&'n str>,
    counts: HashMap<&'static str, usize>,
}

impl Names<'_> {
    fn fresh(&mut self, prefix: &'static str) -> String {
        let count = self.counts.entry(prefix).or_insert(0);
        loop {
            let name = format!("{prefix}{count}");
            *count += 1;
            if !self.taken.contains(name.as_str()) {
                return name;
            }
        }
    }
}

fn print(root: &NodeRef, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (order, uses) = in_order(root);
    let taken = order.iter().filter_map(|n| if let NodeKind::Input { name, .. } = &n.kind { Some(&**name) } else { None }).collect();
    let mut names = Names { taken, counts: HashMap::new() };
    let mut texts: HashMap<usize, Text> = HashMap::new();
    for node in order {
        let operands = shown_operands(node).into_iter().map(|o| {
            // The only use moves the text, so that a chain is not copied at every link.
            if uses.get(&o.id()) == Some(&1) {
                texts.remove(&o.id()).unwrap_or_else(|| Text::name("?"))
            } else {
                texts.get(&o.id()).map_or_else(|| Text::name("?"), |t| Text { text: t.text.clone(), binds: t.binds })
            }
        });
        let operands: SmallVec<[Text; 3]> = operands.collect();
        let compound = !operands.is_empty();
        let mut text = render(node, operands.into_iter(), || names.fresh("data"));
        let shared = uses.get(&node.id()).is_some_and(|&n| n > 1);
        if compound && !node.same(root) && (shared || text.text.len() > LONG) {
            let name = names.fresh("v");
            writeln!(f, "let {name} = {};", text.text)?;
            text = Text::name(name);
        }
        texts.insert(node.id(), text);
    }
    f.write_str(texts.get(&root.id()).map_or("", |t| &t.text))
}

/// As it would be written: `(a + b).sqrt()`. Shared parts come first, one to a line: `let v0 = a + b;`.
impl<T> fmt::Display for Expr<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(&self.node, f)
    }
}

/// As it would be written: `(a + b).sqrt()`. Shared parts come first, one to a line: `let v0 = a + b;`.
impl fmt::Display for DynExpr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(&self.node, f)
    }
}

/// The element type and shape, and the text.
impl<T> fmt::Debug for Expr<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: {self}", self.node.dtype, self.node.shape)
    }
}

/// The element type and shape, and the text.
impl fmt::Debug for DynExpr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: {self}", self.node.dtype, self.node.shape)
    }
}
