//! From the syntax tree to expressions: Python's evaluation, with arrays that are built instead of computed.

use hashbrown::HashMap;
use num_complex::Complex;

use super::absent;
use super::ast::{Ast, Node, NodeId, NodeKind, Statement, TargetKind};
use super::diagnostic::{Mistake, Span, closest};
use super::explain::clip;
use super::functions;
use super::memory::{Array, Memory};
use super::object::{Value, array, binary, describe, extent, to_array, tuple, unary};
use super::place::Places;
use super::value::Py;
use super::{Output, RESULT};
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::expr::DynExpr;

/// What happens to a name.
enum Event<'p> {
    Read(&'p str),
    Bound(&'p str),
    /// Assigned to in part, or updated.
    Changed(&'p str),
}

/// What happens to names, in order. Functions that are called are no names here.
fn events(ast: &Ast) -> Vec<Event<'_>> {
    let called = ast.called();
    let (mut out, mut next) = (Vec::new(), 0);
    let mut read = |end: usize, out: &mut Vec<_>| {
        let from = next;
        next = end.max(from);
        for (node, called) in ast.nodes[from..next].iter().zip(&called[from..next]) {
            if let (NodeKind::Name(name), false) = (&node.kind, called) {
                out.push(Event::Read(name));
            }
        }
    };
    for statement in &ast.statements {
        let augmented = statement.augment.is_some();
        if !augmented {
            read(statement.value.index() + 1, &mut out);
        }
        for target in &statement.targets {
            if let (TargetKind::Name(name), true) = (&target.kind, augmented) {
                out.push(Event::Read(name));
            }
            read(if augmented { statement.end } else { target.end }, &mut out);
            out.extend(
                target.names().into_iter().map(|(name, whole)| if whole && !augmented { Event::Bound(name) } else { Event::Changed(name) }),
            );
        }
        if statement.targets.is_empty() {
            out.push(Event::Bound(RESULT));
        }
    }
    read(ast.nodes.len(), &mut out);
    out
}

/// The names whose values a program is for, in order, each once: those that it returns and those of its inputs that it changes,
/// or else all that it assigns.
pub(super) fn outputs(ast: &Ast) -> Vec<&str> {
    let (mut seen, mut bound, mut out) = (hashbrown::HashSet::new(), hashbrown::HashSet::new(), Vec::new());
    let function = ast.returned.is_some() || ast.parameters.is_some();
    let returned = ast.returned.iter().flat_map(|r| &r.names);
    out.extend(returned.map(|n| &**n).filter(|n| seen.insert(*n)));
    for event in events(ast) {
        match event {
            Event::Bound(name) if function => {
                bound.insert(name);
            }
            Event::Bound(name) | Event::Changed(name) if !bound.contains(name) && seen.insert(name) => out.push(name),
            _ => {}
        }
    }
    out
}

/// The names that a program reads and neither assigns before nor finds in the language. The parameters of a function come first.
pub(super) fn free_names(ast: &Ast) -> Vec<&str> {
    let mut free: Vec<&str> = ast.parameters.iter().flatten().map(|p| &**p).collect();
    let mut known: hashbrown::HashSet<&str> = free.iter().copied().collect();
    for event in events(ast) {
        match event {
            Event::Read(name) if builtin(name).is_none() && known.insert(name) => free.push(name),
            Event::Read(_) => {}
            Event::Bound(name) | Event::Changed(name) => {
                known.insert(name);
            }
        }
    }
    free
}

/// True if a program reads a name of its caller's: also one that the language has too.
pub(super) fn reads(ast: &Ast, name: &str) -> bool {
    let is_parameter = ast.parameters.iter().flatten().any(|p| **p == *name);
    let first = events(ast).into_iter().find(|event| match event {
        Event::Read(n) | Event::Bound(n) | Event::Changed(n) => *n == name,
    });
    is_parameter || matches!(first, Some(Event::Read(_))) || free_names(ast).contains(&name)
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

/// Evaluates every statement; see [`Program::evaluate`](super::Program::evaluate).
pub(super) fn lower(ast: &Ast, source: &str, inputs: &[(String, DynExpr<'static>)]) -> Result<Vec<Output>, Mistake> {
    let mut machine = Machine {
        ast,
        inputs,
        called: ast.called(),
        names: HashMap::new(),
        memory: Memory::default(),
        places: Places::of(source),
        values: Vec::with_capacity(ast.nodes.len()),
    };
    for (name, input) in inputs {
        // The storage of an input has the input's number.
        let mut array = Array::new(input.clone());
        machine.memory.settle(&mut array);
        machine.names.insert(name, Value::Array(array));
    }
    for statement in &ast.statements {
        machine.run(statement)?;
    }
    let named = machine.results()?;
    machine.outputs(named)
}

pub(super) struct Machine<'p> {
    pub ast: &'p Ast,
    inputs: &'p [(String, DynExpr<'static>)],
    called: Vec<bool>,
    pub names: HashMap<&'p str, Value>,
    pub memory: Memory,
    pub places: Places,
    /// Of the nodes so far. Each is used once.
    values: Vec<Value>,
}

impl<'p> Machine<'p> {
    pub(super) fn take(&mut self, id: NodeId) -> Value {
        std::mem::replace(&mut self.values[id.index()], Value::None)
    }

    /// Evaluates the nodes before this one.
    pub(super) fn evaluate_to(&mut self, end: usize) -> Result<(), Mistake> {
        for k in self.values.len()..end {
            let value = self.evaluate(k)?;
            if let Value::Array(x) = &value {
                self.places.locate(x.node(), self.ast.nodes[k].blame);
            }
            self.values.push(value);
        }
        Ok(())
    }

    fn run(&mut self, statement: &'p Statement) -> Result<(), Mistake> {
        let span = self.ast.nodes[statement.value.index()].span;
        if let (Some((op, at)), [target]) = (statement.augment, statement.targets.as_slice()) {
            self.evaluate_to(statement.end)?;
            let value = self.take(statement.value);
            return self.augment(target, op, at, statement.each, &value, span);
        }
        self.evaluate_to(statement.value.index() + 1)?;
        let value = self.take(statement.value);
        if statement.targets.is_empty() {
            let result = match &value {
                Value::Selected(x) if x.packed().is_some() => value,
                _ => Value::Array(Array::new(to_array(&value, span, "the result")?)),
            };
            self.names.insert(RESULT, result);
            return Ok(());
        }
        let value = self.settle(value);
        for target in &statement.targets {
            self.assign(target, value.clone(), span)?;
        }
        Ok(())
    }

    /// The names of the outputs with their values at the end.
    fn results(&mut self) -> Result<Vec<(&'p str, Value)>, Mistake> {
        let ast = self.ast;
        let mut out: Vec<(&str, Value)> = Vec::new();
        self.evaluate_to(ast.nodes.len())?;
        if let Some(returned) = &ast.returned {
            let value = self.take(returned.value);
            let several = matches!(ast.nodes[returned.value.index()].kind, NodeKind::Tuple(_));
            let values = match &value {
                Value::Tuple(items) if several => items.to_vec(),
                _ => vec![value],
            };
            for (name, value) in returned.names.iter().zip(values) {
                if !matches!(&value, Value::Selected(x) if x.packed().is_some()) {
                    to_array(&value, returned.span, "what is returned")?;
                }
                out.push((name, value));
            }
        }
        for name in outputs(ast) {
            if out.iter().all(|(other, _)| *other != name)
                && let Some(mut value) = self.names.get(name).cloned()
            {
                self.refresh(&mut value);
                out.push((name, value));
            }
        }
        Ok(out)
    }

    fn outputs(&self, named: Vec<(&'p str, Value)>) -> Result<Vec<Output>, Mistake> {
        let function = self.ast.returned.is_some() || self.ast.parameters.is_some();
        let returned = self.ast.returned.as_ref().map_or(0, |r| r.names.len());
        let mut out: Vec<Output> = Vec::new();
        let mut selected = None;
        for (k, (name, value)) in named.into_iter().enumerate() {
            if let Value::Selected(x) = &value {
                match x.packed() {
                    Some(packed) if k < returned || !function => {
                        let (value, count) = (packed.values(), Some(packed.count()));
                        out.push(Output { name: name.into(), value, updates: false, count });
                    }
                    _ => {
                        selected.get_or_insert(x.refused());
                    }
                }
            }
            if let Ok(array) = to_array(&value, Span::new(0, 0), name) {
                let updates = self.updated_input(name, &value);
                // Of a function's own arrays only those are outputs that it returns.
                if k < returned || !function || updates {
                    out.push(Output { name: name.into(), value: array, updates, count: None });
                }
            }
        }
        // Inputs that were changed through other names.
        for (name, _) in self.inputs {
            if let Some(value @ Value::Array(_)) = self.names.get(name.as_str())
                && out.iter().all(|o| o.name != *name)
                && self.updated_input(name, value)
            {
                let mut value = value.clone();
                self.refresh(&mut value);
                let value = to_array(&value, Span::new(0, 0), name)?;
                out.push(Output { name: name.clone(), value, updates: true, count: None });
            }
        }
        match selected {
            Some(mistake) if out.is_empty() => Err(mistake),
            _ => Ok(out),
        }
    }

    /// True if this is the input of this name, and was changed.
    fn updated_input(&self, name: &str, value: &Value) -> bool {
        let Value::Array(Array { place: Some(place), .. }) = value else { return false };
        let input = self.inputs.get(place.storage);
        input.is_some_and(|(n, _)| n == name) && place.is_whole() && self.memory.is_changed(place.storage)
    }

    fn evaluate(&mut self, k: usize) -> Result<Value, Mistake> {
        let node: &'p Node = &self.ast.nodes[k];
        let at = node.blame;
        match &node.kind {
            NodeKind::Name(name) => self.name(name, node.span, self.called[k]),
            NodeKind::Bool(x) => Ok(Value::Scalar(Py::Bool(*x))),
            NodeKind::Int(x) => Ok(Value::Scalar(Py::Int(*x))),
            NodeKind::Float(x) => Ok(Value::Scalar(Py::Float(*x))),
            NodeKind::Imaginary(x) => Ok(Value::Scalar(Py::Complex(Complex::new(0.0, *x)))),
            NodeKind::Str(s) => Ok(Value::Str((**s).into())),
            NodeKind::None => Ok(Value::None),
            NodeKind::Ellipsis => Ok(Value::Ellipsis),
            NodeKind::Tuple(items) | NodeKind::List(items) => {
                let values: Vec<Value> = items.iter().map(|&id| self.take(id)).collect();
                let nests = |v: &Value| match v {
                    Value::Tuple(inner) | Value::List(inner) => inner.iter().any(|v| matches!(v, Value::Tuple(_) | Value::List(_))),
                    _ => false,
                };
                if let Some(inner) = values.iter().position(nests) {
                    let span = self.ast.nodes[items[inner].index()].span;
                    return Err(Mistake::new(ErrorKind::Unsupported, span, "tuples and lists nest two deep at most")
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

    pub(super) fn name(&mut self, name: &'p str, span: Span, called: bool) -> Result<Value, Mistake> {
        if let Some(mut value) = self.names.remove(name) {
            // What it was brought up to date for stays, for the next one who reads it.
            self.refresh(&mut value);
            self.names.insert(name, value.clone());
            return Ok(value);
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
        let bare = self.ast.statements.iter().filter(|s| s.augment.is_none());
        let later = bare.flat_map(|s| &s.targets).any(|t| t.names().contains(&(name, true)));
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
}

/// NumPy's and Rust's element types that elide does not have.
const LACKING: [&str; 6] = ["uint", "usize", "isize", "longdouble", "float128", "object"];
const CONSTANTS: [&str; 6] = ["pi", "e", "inf", "nan", "newaxis", "np"];

const ATTRIBUTES: [&str; 8] = ["T", "mT", "real", "imag", "ndim", "shape", "size", "dtype"];

fn attribute(base: Value, name: &str, at: Span, called: bool) -> Result<Value, Mistake> {
    let x = match &base {
        Value::Module => {
            return match member(name).or_else(|| functions::named_type(name).map(Value::DType)) {
                Some(value) => Ok(value),
                None if called => Err(no_function(name, at)),
                None => Err(Mistake::new(ErrorKind::Name, at, format!("elide has no `np.{}`", clip(name)))),
            };
        }
        Value::Array(x) => x,
        Value::Selected(x) => {
            return match (name, functions::find(name)) {
                ("dtype", _) => Ok(Value::DType(x.full.dtype())),
                ("ndim", _) => Ok(Value::Scalar(Py::Int(x.shape().len() as i128))),
                ("shape", _) => tuple(x.shape(), at),
                ("size", _) => x.size(at),
                (_, Some(f)) if f.is_method(name) => Ok(Value::Method(Box::new(base), f)),
                _ => Err(x.refused()),
            };
        }
        Value::Function(f) if ["at", "reduce", "accumulate", "outer"].contains(&name) && functions::binary_operation(f.name).is_some() => {
            let help = match name {
                "at" => format!("it is a statement of its own: `np.{}.at(x, i, v)`", f.name),
                "outer" => format!("write `np.{}(a[:, None], b)`", f.name),
                "reduce" => match f.name {
                    "add" => "write `sum(x, axis=0)`".to_string(),
                    "multiply" => "write `prod(x, axis=0)`".to_string(),
                    "minimum" => "write `min(x, axis=0)`".to_string(),
                    "maximum" => "write `max(x, axis=0)`".to_string(),
                    _ => "elide has `sum`, `prod`, `min`, `max`, `any` and `all`".to_string(),
                },
                _ => "elide has no cumulative operations yet".to_string(),
            };
            return Err(Mistake::new(ErrorKind::Unsupported, at, format!("elide has no `{}.{name}`", f.name)).help(help));
        }
        // Python's scalars have no `sum`, but `x.shape[0]` is one only if the extent is a number.
        other => return Err(Mistake::new(ErrorKind::Name, at, format!("{} has no attribute `{}`", describe(other), clip(name)))),
    };
    match name {
        "T" => view(x, x.t(), at),
        "mT" if x.ndim() < 2 => Err(Mistake::new(ErrorKind::Shape, at, format!("`mT` takes at least 2 axes, not {}", x.ndim()))),
        "mT" => {
            let mut order: Vec<usize> = (0..x.ndim()).collect();
            order.swap(x.ndim() - 1, x.ndim() - 2);
            view(x, x.permuted_axes(order), at)
        }
        "real" | "imag" => super::library::part(x, name, at),
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
                Err(absent::helped(mistake, name, ATTRIBUTES.into_iter().chain(functions::methods())))
            }
        },
    }
}

/// The elements of `x` looked at in another way.
fn view(x: &Array, seen: DynExpr<'static>, at: Span) -> Result<Value, Mistake> {
    match array(seen, at)? {
        Value::Array(seen) => Ok(Value::Array(seen.shares(x))),
        other => Ok(other),
    }
}

fn no_function(name: &str, span: Span) -> Mistake {
    let mistake = Mistake::new(ErrorKind::Name, span, format!("elide has no function `{}`", clip(name)));
    absent::helped(mistake, name, functions::names())
}
