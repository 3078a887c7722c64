//! From the syntax tree to expressions: Python's evaluation, with arrays that are built instead of computed.

use std::sync::Arc;

use hashbrown::HashMap;

use super::RESULT;
use super::ast::{Ast, Index, Node, NodeId, NodeKind, Prefix, symbol};
use super::diagnostic::{Mistake, Span, closest};
use super::functions::{self, Function};
use super::parse::clip;
use super::value::Py;
use crate::dtype::{DType, Scalar};
use crate::error::ErrorKind;
use crate::expr::infer::size_of;
use crate::expr::{DynExpr, DynOperand, Weak};
use crate::ops::{BinaryOp, UnaryOp};
use crate::size::Size;
use crate::view::Slice;

/// What a part of a program stands for.
#[derive(Clone)]
pub(super) enum Value {
    Array(DynExpr<'static>),
    Scalar(Py),
    /// An extent that is known when arrays are bound; an int in Python.
    Size(Size),
    None,
    Ellipsis,
    Str(Arc<str>),
    DType(DType),
    /// Never holds another tuple.
    Tuple(Arc<[Value]>),
    Function(&'static Function),
    /// A function with its first argument.
    Method(Box<Value>, &'static Function),
    /// `np`
    Module,
}

/// NumPy's own limit.
const MAX_RANK: usize = 64;
/// Longest tuple: far beyond what names axes or extents.
const MAX_TUPLE: usize = 1024;

/// The names that a program assigns, in order, each once.
pub(super) fn outputs(ast: &Ast) -> Vec<&str> {
    let mut seen = hashbrown::HashSet::new();
    let targets = ast.statements.iter().flat_map(|s| {
        let bare = s.targets.is_empty().then_some(RESULT);
        s.targets.iter().map(|t| &**t).chain(bare)
    });
    targets.filter(|t| seen.insert(*t)).collect()
}

/// The names that a program reads and neither assigns before nor finds in the language.
pub(super) fn free_names(ast: &Ast) -> Vec<&str> {
    let called = ast.called();
    let mut known = hashbrown::HashSet::new();
    let (mut free, mut next) = (Vec::new(), 0);
    for statement in &ast.statements {
        for k in next..=statement.value.index() {
            if let NodeKind::Name(name) = &ast.nodes[k].kind
                && !called[k]
                && builtin(name).is_none()
                && known.insert(&**name)
            {
                free.push(&**name);
            }
        }
        next = statement.value.index() + 1;
        known.extend(statement.targets.iter().map(|t| &**t));
    }
    free
}

/// What a name means that nobody assigned.
fn builtin(name: &str) -> Option<Value> {
    if matches!(name, "np" | "numpy") { Some(Value::Module) } else { member(name) }
}

/// What `np.name` means.
fn member(name: &str) -> Option<Value> {
    Some(match name {
        "pi" => Value::Scalar(Py::Float(std::f64::consts::PI)),
        "e" => Value::Scalar(Py::Float(std::f64::consts::E)),
        "inf" => Value::Scalar(Py::Float(f64::INFINITY)),
        "nan" => Value::Scalar(Py::Float(f64::NAN)),
        "newaxis" => Value::None,
        _ => match functions::find(name) {
            Some(function) => Value::Function(function),
            None => Value::DType(name.parse().ok()?),
        },
    })
}

/// Evaluates every statement; see [`Program::lower`](super::Program::lower).
pub(super) fn lower(ast: &Ast, inputs: &[(String, DynExpr<'static>)]) -> Result<Vec<(String, DynExpr<'static>)>, Mistake> {
    let called = ast.called();
    let mut machine = Machine { ast, inputs, called, names: HashMap::new(), values: Vec::with_capacity(ast.nodes.len()) };
    for (name, input) in inputs {
        machine.names.insert(name, Value::Array(input.clone()));
    }
    for statement in &ast.statements {
        for k in machine.values.len()..=statement.value.index() {
            let value = machine.evaluate(k)?;
            machine.values.push(value);
        }
        let value = machine.take(statement.value);
        if statement.targets.is_empty() {
            let span = ast.nodes[statement.value.index()].span;
            machine.names.insert(RESULT, Value::Array(to_array(&value, span, "the result")?));
        }
        for target in &statement.targets {
            machine.names.insert(target, value.clone());
        }
    }
    let mut out = Vec::new();
    for name in outputs(ast) {
        if let Some(value) = machine.names.get(name)
            && let Ok(array) = to_array(value, Span::new(0, 0), name)
        {
            out.push((name.to_string(), array));
        }
    }
    Ok(out)
}

struct Machine<'p> {
    ast: &'p Ast,
    inputs: &'p [(String, DynExpr<'static>)],
    called: Vec<bool>,
    names: HashMap<&'p str, Value>,
    /// Of the nodes so far. Each is used once.
    values: Vec<Value>,
}

impl<'p> Machine<'p> {
    fn take(&mut self, id: NodeId) -> Value {
        std::mem::replace(&mut self.values[id.index()], Value::None)
    }

    fn evaluate(&mut self, k: usize) -> Result<Value, Mistake> {
        let node: &'p Node = &self.ast.nodes[k];
        let at = node.blame;
        match &node.kind {
            NodeKind::Name(name) => self.name(name, node.span, self.called[k]),
            NodeKind::Bool(x) => Ok(Value::Scalar(Py::Bool(*x))),
            NodeKind::Int(x) => Ok(Value::Scalar(Py::Int(*x))),
            NodeKind::Float(x) => Ok(Value::Scalar(Py::Float(*x))),
            NodeKind::Str(s) => Ok(Value::Str((**s).into())),
            NodeKind::None => Ok(Value::None),
            NodeKind::Ellipsis => Ok(Value::Ellipsis),
            NodeKind::Tuple(items) => {
                let values: Vec<Value> = items.iter().map(|&id| self.take(id)).collect();
                if let Some(inner) = values.iter().position(|v| matches!(v, Value::Tuple(_))) {
                    let span = self.ast.nodes[items[inner].index()].span;
                    return Err(Mistake::new(ErrorKind::Unsupported, span, "tuples and lists cannot nest")
                        .help("they name axes, extents and indices; arrays come from inputs"));
                }
                tuple(values, node.span)
            }
            NodeKind::Unary(op, a) => unary(*op, self.take(*a), at),
            NodeKind::Binary(op, a, b) => {
                let (a, b) = (self.take(*a), self.take(*b));
                binary(*op, &a, &b, at)
            }
            NodeKind::Attribute(a, name) => attribute(self.take(*a), name, at, self.called[k]),
            NodeKind::Subscript(a, items) => {
                let base = self.take(*a);
                self.subscript(base, items, node)
            }
            NodeKind::Call(f, args) => {
                let callee = self.take(*f);
                let args = args.iter().map(|a| functions::Given {
                    keyword: a.keyword.as_ref().map(|(name, span)| (&**name, *span)),
                    span: self.ast.nodes[a.value.index()].span,
                    value: std::mem::replace(&mut self.values[a.value.index()], Value::None),
                });
                let args: Vec<_> = args.collect();
                match callee {
                    Value::Function(function) => function.call(None, args, at),
                    Value::Method(receiver, function) => {
                        let span = Span::new(node.span.start, at.start);
                        function.call(Some((*receiver, span)), args, at)
                    }
                    Value::DType(dtype) => functions::convert(dtype, args, at),
                    other => Err(Mistake::new(ErrorKind::DType, at, format!("{} cannot be called", describe(&other)))
                        .help("write `*` for a product")),
                }
            }
        }
    }

    fn name(&self, name: &'p str, span: Span, called: bool) -> Result<Value, Mistake> {
        if let Some(value) = self.names.get(name) {
            return Ok(value.clone());
        }
        if let Some(value) = builtin(name) {
            return Ok(value);
        }
        if called {
            return Err(no_function(name, span));
        }
        let mistake = Mistake::new(ErrorKind::Name, span, format!("`{}` is not defined", clip(name)));
        let later = self.ast.statements.iter().any(|s| s.targets.iter().any(|t| &**t == name));
        if later {
            return Err(mistake.help("it is assigned only later; statements run in order"));
        }
        let mut candidates: Vec<&str> = self.inputs.iter().map(|i| i.0.as_str()).collect();
        candidates.extend(outputs(self.ast).into_iter().filter(|n| self.names.contains_key(n)));
        for name in CONSTANTS.into_iter().chain(functions::names()) {
            candidates.push(name);
        }
        Err(match closest(name, candidates) {
            Some(other) => mistake.help(format!("did you mean `{other}`?")),
            None if self.inputs.is_empty() => mistake,
            None => {
                let list: Vec<_> = self.inputs.iter().take(8).map(|i| format!("`{}`", clip(&i.0))).collect();
                mistake.help(format!("the inputs are {}{}", list.join(", "), if self.inputs.len() > 8 { ", ..." } else { "" }))
            }
        })
    }

    fn subscript(&mut self, base: Value, items: &[Index], node: &Node) -> Result<Value, Mistake> {
        let mut slices = Vec::new();
        for item in items {
            match item {
                Index::Item(id) => {
                    let span = self.ast.nodes[id.index()].span;
                    match (self.take(*id), items.len()) {
                        // `x[t]` with a tuple is `x[t[0], t[1]]`.
                        (Value::Tuple(inner), 1) => {
                            for value in inner.iter() {
                                slices.push(index(value, span)?);
                            }
                        }
                        (value, _) => slices.push(index(&value, span)?),
                    }
                }
                Index::Slice { start, stop, step, span } => {
                    let mut bound = |id: &Option<NodeId>| match id {
                        Some(id) => {
                            let at = self.ast.nodes[id.index()].span;
                            slice_bound(&self.take(*id), at)
                        }
                        None => Ok(None),
                    };
                    let (start, stop, step) = (bound(start)?, bound(stop)?, bound(step)?.unwrap_or(1));
                    if step == 0 {
                        return Err(Mistake::new(ErrorKind::Shape, *span, "the step of a slice cannot be zero"));
                    }
                    slices.push(Slice::Range { start, stop, step });
                }
            }
        }
        match (&base, slices.as_slice()) {
            (Value::Array(x), _) => array(x.slice(&slices), node.blame),
            (Value::Tuple(values), [Slice::Index(k)]) => {
                let n = values.len() as isize;
                let at = if *k < 0 { k.saturating_add(n) } else { *k };
                match usize::try_from(at).ok().and_then(|at| values.get(at)) {
                    Some(value) => Ok(value.clone()),
                    None => Err(Mistake::new(ErrorKind::Shape, node.blame, format!("index {k} is out of bounds for a tuple of {n}"))),
                }
            }
            (Value::Tuple(values), [Slice::Range { start, stop, step: 1 }]) => {
                let n = values.len() as isize;
                let clamp = |k: isize| (if k < 0 { k.saturating_add(n) } else { k }).clamp(0, n) as usize;
                let (from, to) = (start.map_or(0, clamp), stop.map_or(n as usize, clamp));
                tuple(values[from..to.max(from)].to_vec(), node.span)
            }
            _ => {
                let mistake = Mistake::new(ErrorKind::DType, node.blame, format!("{} cannot be indexed like this", describe(&base)));
                Err(if matches!(base, Value::Function(_)) { mistake.help("arguments go in parentheses") } else { mistake })
            }
        }
    }
}

const CONSTANTS: [&str; 6] = ["pi", "e", "inf", "nan", "newaxis", "np"];

pub(super) fn tuple(values: Vec<Value>, span: Span) -> Result<Value, Mistake> {
    if values.len() > MAX_TUPLE {
        return Err(Mistake::new(ErrorKind::Unsupported, span, format!("a tuple of {} values; {MAX_TUPLE} is the most", values.len())));
    }
    Ok(Value::Tuple(values.into()))
}

/// An array that an operation made, or its mistake with the place to blame.
pub(super) fn array(x: DynExpr<'static>, blame: Span) -> Result<Value, Mistake> {
    x.check().map_err(|e| Mistake::from_error(&e, blame))?;
    if x.ndim() > MAX_RANK {
        let message = format!("an array of {} axes; {MAX_RANK} is the most", x.ndim());
        return Err(Mistake::new(ErrorKind::Unsupported, blame, message));
    }
    Ok(Value::Array(x))
}

/// The value as an array with an element type of its own: Python's scalars are `bool`, `i64` and `f64`, as in NumPy.
pub(super) fn to_array(value: &Value, span: Span, what: &str) -> Result<DynExpr<'static>, Mistake> {
    match value {
        Value::Array(x) => Ok(x.clone()),
        Value::Scalar(Py::Bool(x)) => Ok(Scalar::Bool(*x).into()),
        Value::Scalar(Py::Float(x)) => Ok(Scalar::F64(*x).into()),
        Value::Scalar(Py::Int(x)) => match i64::try_from(*x) {
            Ok(x) => Ok(Scalar::I64(x).into()),
            Err(_) => Err(Mistake::new(ErrorKind::DType, span, format!("{x} does not fit in i64"))),
        },
        Value::Size(size) => Ok(DynExpr::from_node(size_of(size.clone(), None))),
        other => Err(Mistake::new(ErrorKind::DType, span, format!("{what} must be an array, not {}", describe(other)))),
    }
}

/// The value as an operand: Python's scalars are weak.
pub(super) fn to_operand(value: &Value, span: Span, what: &str) -> Result<DynOperand<'static>, Mistake> {
    Ok(match value {
        Value::Scalar(Py::Bool(x)) => DynOperand::Weak(Weak::Bool(*x)),
        Value::Scalar(Py::Int(x)) => DynOperand::Weak(Weak::Int(*x)),
        Value::Scalar(Py::Float(x)) => DynOperand::Weak(Weak::Float(*x)),
        other => DynOperand::Expr(to_array(other, span, what)?),
    })
}

/// Two operands of one operation. A size is weak too: beside an array it takes the array's type.
pub(super) fn to_operands(
    a: &Value,
    b: &Value,
    spans: (Span, Span),
    what: &str,
) -> Result<(DynOperand<'static>, DynOperand<'static>), Mistake> {
    let one = |x: &Value, other: &Value, span: Span| match (x, other) {
        (Value::Size(_), Value::Array(y)) if y.dtype() != DType::Bool => Ok(DynOperand::Expr(to_array(x, span, what)?.astype(y.dtype()))),
        _ => to_operand(x, span, what),
    };
    Ok((one(a, b, spans.0)?, one(b, a, spans.1)?))
}

/// What a value is, for messages.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::Array(x) => format!("an array {}{}", x.dtype(), x.shape()),
        Value::Scalar(x) => format!("the {} {x}", x.type_name()),
        Value::Size(s) => format!("the extent {s}"),
        Value::None => "None".into(),
        Value::Ellipsis => "`...`".into(),
        Value::Str(_) => "a string".into(),
        Value::DType(d) => format!("the element type {d}"),
        Value::Tuple(_) => "a tuple".into(),
        Value::Function(f) => format!("the function `{}`", f.name),
        Value::Method(_, f) => format!("the method `{}`", f.name),
        Value::Module => "the module `np`".into(),
    }
}

/// Far past any array's end, and still safe to add to an extent.
const FAR: i128 = 1 << 62;

fn slice_bound(value: &Value, span: Span) -> Result<Option<isize>, Mistake> {
    match value {
        Value::None => Ok(None),
        // As in Python, a bound past the end is the end.
        Value::Scalar(x) if x.as_int().is_some() => Ok(x.as_int().map(|k| k.clamp(-FAR, FAR) as isize)),
        other => Err(not_an_int("a slice bound", other, span)),
    }
}

pub(super) fn not_an_int(what: &str, value: &Value, span: Span) -> Mistake {
    let mistake = |kind, message: String| Mistake::new(kind, span, message);
    match value {
        Value::Size(s) => mistake(ErrorKind::Unsupported, format!("{what} must be known before arrays are bound; `{s}` is not")),
        Value::Array(_) => mistake(ErrorKind::Unsupported, format!("{what} must be an integer, not an array")),
        other => mistake(ErrorKind::DType, format!("{what} must be an integer, not {}", describe(other))),
    }
}

fn index(value: &Value, span: Span) -> Result<Slice, Mistake> {
    let unsupported = |message: &str| Mistake::new(ErrorKind::Unsupported, span, message);
    match value {
        Value::Scalar(Py::Int(k)) => Ok(Slice::Index((*k).clamp(-FAR, FAR) as isize)),
        Value::None => Ok(Slice::NewAxis),
        Value::Ellipsis => Ok(Slice::Ellipsis),
        Value::Scalar(Py::Bool(_)) => Err(unsupported("a bool cannot be an index")),
        Value::Array(x) if x.dtype() == DType::Bool => {
            Err(unsupported("elide does not select by a mask: the size of the result would depend on the data")
                .help("`where(mask, x, other)` keeps the shape; `sum(where(mask, x, 0))` sums the selected"))
        }
        Value::Array(_) => Err(unsupported("elide does not index by arrays").help("indices are integers and slices")),
        Value::Tuple(_) => Err(unsupported("elide does not index by lists or nested tuples").help("indices are integers and slices")),
        other => Err(not_an_int("an index", other, span)),
    }
}

fn unary(op: Prefix, a: Value, at: Span) -> Result<Value, Mistake> {
    let sign = match op {
        Prefix::Neg => "-",
        Prefix::Pos => "+",
        Prefix::Invert => "~",
    };
    match (op, &a) {
        (_, Value::Scalar(x)) => x.unary(op).map(Value::Scalar).map_err(|(kind, message)| Mistake::new(kind, at, message)),
        (Prefix::Pos, Value::Size(_)) => Ok(a),
        (Prefix::Pos, Value::Array(x)) if x.dtype() == DType::Bool => Err(Mistake::new(ErrorKind::DType, at, "`+` is not defined on bool")),
        (Prefix::Pos, Value::Array(_)) => Ok(a),
        (Prefix::Neg, Value::Array(_) | Value::Size(_)) => {
            let x = to_array(&a, at, "the operand")?;
            let bool = x.dtype() == DType::Bool;
            array(x.unary(UnaryOp::Neg), at).map_err(|m| if bool { m.help("`~` is the logical not") } else { m })
        }
        (Prefix::Invert, Value::Array(_) | Value::Size(_)) => {
            let x = to_array(&a, at, "the operand")?;
            let float = x.dtype().is_float();
            array(x.unary(UnaryOp::Not), at)
                .map_err(|m| if float { m.help("`~` takes bool and integers; compare first: `x == 0`") } else { m })
        }
        (_, other) => Err(Mistake::new(ErrorKind::DType, at, format!("`{sign}` is not defined on {}", describe(other)))),
    }
}

/// Sizes of higher degree than this are computed as arrays, when bound.
const MAX_DEGREE: usize = 8;

pub(super) fn binary(op: BinaryOp, a: &Value, b: &Value, at: Span) -> Result<Value, Mistake> {
    let is_operand = |v: &Value| matches!(v, Value::Array(_) | Value::Scalar(_) | Value::Size(_));
    match (a, b) {
        (Value::Scalar(x), Value::Scalar(y)) => {
            return x.binary(op, *y).map(Value::Scalar).map_err(|(kind, message)| Mistake::new(kind, at, message));
        }
        (Value::Tuple(x), Value::Tuple(y)) if op == BinaryOp::Add => return tuple(x.iter().chain(y.iter()).cloned().collect(), at),
        _ if !is_operand(a) || !is_operand(b) => {
            let mistake = format!("`{}` is not defined between {} and {}", symbol(op), describe(a), describe(b));
            let called = matches!(a, Value::Function(_) | Value::Method(..)) || matches!(b, Value::Function(_) | Value::Method(..));
            let mistake = Mistake::new(ErrorKind::DType, at, mistake);
            return Err(if called { mistake.help("functions are called with parentheses: `f(x)`, `x.sum()`") } else { mistake });
        }
        _ => {}
    }
    if let Some(size) = size_arithmetic(op, a, b) {
        return Ok(Value::Size(size));
    }
    let (x, y) = to_operands(a, b, (at, at), "an operand")?;
    let is_float = |v: &Value| matches!(v, Value::Array(x) if x.dtype().is_float()) || matches!(v, Value::Scalar(Py::Float(_)));
    let float = is_float(a) || is_float(b);
    array(DynExpr::binary(op, x, y), at).map_err(|m| match op {
        BinaryOp::Xor if float => m.help("`^` is exclusive or; a power is written `**`"),
        BinaryOp::And | BinaryOp::Or if float => {
            m.help(format!("`{0}` binds tighter than comparisons: write `(x > 0) {0} (y > 0)`", symbol(op)))
        }
        _ => m,
    })
}

/// Sums and products of extents and positive ints stay sizes, so that they can name the extents of a shape.
fn size_arithmetic(op: BinaryOp, a: &Value, b: &Value) -> Option<Size> {
    let size = |v: &Value| match v {
        Value::Size(s) => Some(s.clone()),
        Value::Scalar(Py::Int(k)) => u32::try_from(*k).ok().map(|k| Size::from(i64::from(k))),
        _ => None,
    };
    let (x, y) = (size(a)?, size(b)?);
    let out = match op {
        BinaryOp::Add => x.add(&y),
        BinaryOp::Mul if x.magnitude().0 + y.magnitude().0 <= MAX_DEGREE => x.mul(&y),
        _ => return None,
    };
    Some(out)
}

/// An extent as Python has it.
pub(super) fn extent(size: &Size) -> Value {
    match size.as_const() {
        Some(n) => Value::Scalar(Py::Int(n.into())),
        None => Value::Size(size.clone()),
    }
}

const ATTRIBUTES: [&str; 6] = ["T", "mT", "ndim", "shape", "size", "dtype"];

fn attribute(base: Value, name: &str, at: Span, called: bool) -> Result<Value, Mistake> {
    let x = match &base {
        Value::Module => {
            return match member(name) {
                Some(value) => Ok(value),
                None if called => Err(no_function(name, at)),
                None => Err(Mistake::new(ErrorKind::Name, at, format!("elide has no `np.{}`", clip(name)))),
            };
        }
        Value::Array(x) => x,
        // Python's scalars have no `sum`, but `x.shape[0]` is one only if the extent is a number.
        other => return Err(Mistake::new(ErrorKind::Name, at, format!("{} has no attribute `{}`", describe(other), clip(name)))),
    };
    match name {
        "T" => array(x.t(), at),
        "mT" if x.ndim() < 2 => Err(Mistake::new(ErrorKind::Shape, at, format!("`mT` takes at least 2 axes, not {}", x.ndim()))),
        "mT" => {
            let mut order: Vec<usize> = (0..x.ndim()).collect();
            order.swap(x.ndim() - 1, x.ndim() - 2);
            array(x.permuted_axes(order), at)
        }
        "ndim" => Ok(Value::Scalar(Py::Int(x.ndim() as i128))),
        "shape" => tuple(x.shape().extents().iter().map(extent).collect(), at),
        "size" => Ok(extent(&x.shape().size())),
        "dtype" => Ok(Value::DType(x.dtype())),
        _ => match functions::find(name) {
            Some(f) if f.is_method(name) => Ok(Value::Method(Box::new(base), f)),
            Some(_) => Err(Mistake::new(ErrorKind::Name, at, format!("an array has no method `{}`", clip(name)))
                .help(format!("it is a function: `{name}(x)`"))),
            None => {
                let mistake = Mistake::new(ErrorKind::Name, at, format!("an array has no attribute `{}`", clip(name)));
                Err(match closest(name, ATTRIBUTES.into_iter().chain(functions::methods())) {
                    Some(other) => mistake.help(format!("did you mean `{other}`?")),
                    None => mistake,
                })
            }
        },
    }
}

fn no_function(name: &str, span: Span) -> Mistake {
    let mistake = Mistake::new(ErrorKind::Name, span, format!("elide has no function `{}`", clip(name)));
    match (functions::instead(name), closest(name, functions::names())) {
        (Some(help), _) => mistake.help(help),
        (None, Some(other)) => mistake.help(format!("did you mean `{other}`?")),
        (None, None) => mistake,
    }
}
