//! From the syntax tree to expressions: Python's evaluation, with arrays that are built instead of computed.

use hashbrown::HashMap;

use super::RESULT;
use super::ast::{Ast, Index, Node, NodeId, NodeKind};
use super::diagnostic::{Mistake, Span, closest};
use super::explain::clip;
use super::functions;
use super::object::{Value, array, binary, describe, extent, not_an_int, to_array, tuple, unary};
use super::value::Py;
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::expr::DynExpr;
use crate::view::Slice;

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
        let last = statement.value.index();
        for (node, called) in ast.nodes[next..=last].iter().zip(&called[next..=last]) {
            if let NodeKind::Name(name) = &node.kind
                && !called
                && builtin(name).is_none()
                && known.insert(&**name)
            {
                free.push(&**name);
            }
        }
        next = last + 1;
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
            NodeKind::Tuple(items) | NodeKind::List(items) => {
                let values: Vec<Value> = items.iter().map(|&id| self.take(id)).collect();
                if let Some(inner) = values.iter().position(|v| matches!(v, Value::Tuple(_) | Value::List(_))) {
                    let span = self.ast.nodes[items[inner].index()].span;
                    return Err(Mistake::new(ErrorKind::Unsupported, span, "tuples and lists cannot nest")
                        .help("they name axes, extents and indices; arrays come from inputs"));
                }
                match (tuple(values, node.span)?, &node.kind) {
                    (Value::Tuple(items), NodeKind::List(_)) => Ok(Value::List(items)),
                    (tuple, _) => Ok(tuple),
                }
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
        if LACKING.contains(&name)
            && let Err(e) = name.parse::<DType>()
        {
            return Err(Mistake::from_error(&e, span));
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
        if !matches!(base, Value::Array(_) | Value::Tuple(_)) {
            let mistake = Mistake::new(ErrorKind::DType, node.blame, format!("{} cannot be indexed", describe(&base)));
            let function = matches!(base, Value::Function(_) | Value::Method(..));
            return Err(if function { mistake.help("arguments go in parentheses") } else { mistake });
        }
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
            _ => Err(Mistake::new(ErrorKind::DType, node.blame, format!("{} cannot be indexed like this", describe(&base)))),
        }
    }
}

/// NumPy's and Rust's element types that elide does not have.
const LACKING: [&str; 20] = [
    "f16",
    "float16",
    "half",
    "i8",
    "int8",
    "u16",
    "uint16",
    "u32",
    "uint32",
    "u64",
    "uint64",
    "uint",
    "usize",
    "isize",
    "complex",
    "complex64",
    "complex128",
    "longdouble",
    "float128",
    "object",
];
const CONSTANTS: [&str; 6] = ["pi", "e", "inf", "nan", "newaxis", "np"];

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
        Value::Tuple(_) | Value::List(_) => Err(unsupported("elide does not index by lists").help("indices are integers and slices")),
        other => Err(not_an_int("an index", other, span)),
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
