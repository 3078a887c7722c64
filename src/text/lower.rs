//! From the syntax tree to expressions: Python's evaluation, with arrays that are built instead of computed.

use hashbrown::HashMap;

use super::ast::{Ast, Index, Node, NodeId, NodeKind, Statement, TargetKind};
use super::diagnostic::{Mistake, Span, closest};
use super::explain::clip;
use super::functions;
use super::memory::{Array, Memory};
use super::object::{Value, array, binary, describe, extent, not_an_int, to_array, tuple, unary};
use super::place::Places;
use super::select::{self, Selected};
use super::value::Py;
use super::{Output, RESULT};
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::expr::{DynExpr, pieces};
use crate::view::{Slice, View};

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
            return self.augment(target, op, at, &value, span);
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

    fn subscript(&mut self, base: Value, items: &'p [Index], node: &Node) -> Result<Value, Mistake> {
        let x = match &base {
            Value::Array(x) => x,
            Value::Tuple(_) => return self.item(&base, items, node),
            Value::Selected(x) => return Err(x.refused()),
            other => {
                let mistake = Mistake::new(ErrorKind::DType, node.blame, format!("{} cannot be indexed", describe(other)));
                let function = matches!(base, Value::Function(_) | Value::Method(..));
                return Err(if function { mistake.help("arguments go in parentheses") } else { mistake });
            }
        };
        let picked = self.pick(x, items, node.blame)?;
        picked.of(x, node.blame)
    }

    /// What the brackets of a subscript say about an array.
    pub(super) fn pick(&mut self, x: &Array, items: &'p [Index], blame: Span) -> Result<Picked, Mistake> {
        let shape = x.shape();
        let listed = self.listed(items)?;
        let mut slices = Vec::new();
        let mut mask = None;
        let unsupported = |span, message: &str| Mistake::new(ErrorKind::Unsupported, span, message);
        for (item, span) in &listed {
            match item {
                Item::Slice(slice) => slices.push(*slice),
                Item::Mask(m) if mask.is_none() => {
                    mask = Some((m.clone(), slices.len(), *span));
                    slices.extend(std::iter::repeat_n(Slice::FULL, m.ndim()));
                }
                Item::Mask(_) => return Err(unsupported(*span, "elide indexes by one mask only").help("combine them: `x[a & b]`")),
            }
        }
        let scalar = mask.is_none() && slices.iter().all(|s| matches!(s, Slice::Index(_)));
        let view = |items: &[Slice]| {
            // A step of isize::MIN cannot be negated; its neighbour takes the same one element.
            let steps = |item: &Slice| match *item {
                Slice::Range { start, stop, step } => Slice::Range { start, stop, step: step.max(-isize::MAX) },
                other => other,
            };
            View::slice(shape, &items.iter().map(steps).collect::<Vec<_>>())
        };
        let region = view(&slices).map_err(|e| {
            let mistake = Mistake::from_error(&e, blame);
            Mistake { message: format!("slice of {}{shape}: {}", x.dtype(), mistake.message), ..mistake }
        })?;
        let scalar = scalar && region.shape.rank() == 0;
        let Some((mask, at, span)) = mask else { return Ok(Picked { region, mask: None, scalar }) };
        // NumPy moves the axis of the selected elements where an index lies beyond a slice.
        let (before, after) = (&slices[..at], &slices[at + mask.ndim()..]);
        let is_index = |s: &Slice| matches!(s, Slice::Index(_));
        let apart =
            before.iter().skip_while(|s| !is_index(s)).any(|s| !is_index(s)) || after.iter().skip_while(|s| is_index(s)).any(is_index);
        if apart {
            return Err(unsupported(span, "elide takes a mask and an index in one subscript only side by side")
                .help("take the index first: `x[0][mask]`"));
        }
        let used = slices.iter().filter(|s| matches!(s, Slice::Range { .. } | Slice::Index(_))).count();
        let axes = |s: &Slice| match s {
            Slice::Range { .. } | Slice::NewAxis => 1,
            Slice::Index(_) => 0,
            Slice::Ellipsis => shape.rank() - used,
        };
        let axis = before.iter().map(axes).sum();
        Ok(Picked { region, mask: Some((mask, axis)), scalar: false })
    }

    /// The items between the brackets of a subscript, tuples taken apart.
    fn listed(&mut self, items: &'p [Index]) -> Result<Vec<(Item, Span)>, Mistake> {
        let mut out = Vec::new();
        for item in items {
            match item {
                Index::Item(id) => {
                    let span = self.ast.nodes[id.index()].span;
                    match (self.take(*id), items.len()) {
                        // `x[t]` with a tuple is `x[t[0], t[1]]`.
                        (Value::Tuple(inner), 1) => {
                            for value in inner.iter() {
                                out.push((index(value, span)?, span));
                            }
                        }
                        (value, _) => out.push((index(&value, span)?, span)),
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
                    out.push((Item::Slice(Slice::Range { start, stop, step }), *span));
                }
            }
        }
        Ok(out)
    }

    /// An item of a tuple, or a part of it.
    fn item(&mut self, base: &Value, items: &'p [Index], node: &Node) -> Result<Value, Mistake> {
        let slices: Vec<Slice> =
            self.listed(items)?.into_iter().filter_map(|(item, _)| if let Item::Slice(s) = item { Some(s) } else { None }).collect();
        match (base, slices.as_slice()) {
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
            _ => Err(Mistake::new(ErrorKind::DType, node.blame, format!("{} cannot be indexed like this", describe(base)))),
        }
    }
}

/// One item between the brackets of a subscript.
enum Item {
    Slice(Slice),
    Mask(DynExpr<'static>),
}

/// A part of an array.
pub(super) struct Picked {
    pub region: View,
    /// A mask over axes of the region, from this one on.
    pub mask: Option<(DynExpr<'static>, usize)>,
    /// One element, which NumPy gives as a scalar and not as a view.
    pub scalar: bool,
}

impl Picked {
    /// What is there.
    pub(super) fn of(&self, x: &Array, blame: Span) -> Result<Value, Mistake> {
        let part = array(DynExpr::from_node(pieces::through(x.node(), &self.region, &[], None)), blame)?;
        match (part, &self.mask) {
            (Value::Array(part), Some((mask, axis))) => {
                select::select(&part, mask, *axis, blame).map(|s: Selected| Value::Selected(std::rc::Rc::new(s)))
            }
            (Value::Array(part), None) if !self.scalar => Ok(Value::Array(part.shares(x))),
            (part, _) => Ok(part),
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

fn index(value: &Value, span: Span) -> Result<Item, Mistake> {
    let unsupported = |message: &str| Mistake::new(ErrorKind::Unsupported, span, message);
    match value {
        Value::Scalar(Py::Int(k)) => Ok(Item::Slice(Slice::Index((*k).clamp(-FAR, FAR) as isize))),
        Value::None => Ok(Item::Slice(Slice::NewAxis)),
        Value::Ellipsis => Ok(Item::Slice(Slice::Ellipsis)),
        Value::Scalar(Py::Bool(_)) => Err(unsupported("a bool cannot be an index")),
        Value::Array(x) if x.dtype() == DType::Bool && x.ndim() > 0 => Ok(Item::Mask(x.expr.clone())),
        Value::Array(_) | Value::Selected(_) => Err(unsupported("elide does not index by arrays").help("indices are integers and slices")),
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
        Value::Selected(x) => {
            return match functions::find(name) {
                _ if name == "dtype" => Ok(Value::DType(x.full.dtype())),
                Some(f) if f.is_method(name) && f.is_elementwise() => Ok(Value::Method(Box::new(base), f)),
                _ => Err(x.refused()),
            };
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
                    None => match functions::instead(name) {
                        Some(help) => mistake.help(help),
                        None => mistake,
                    },
                })
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
    match (functions::instead(name), closest(name, functions::names())) {
        (Some(help), _) => mistake.help(help),
        (None, Some(other)) => mistake.help(format!("did you mean `{other}`?")),
        (None, None) => mistake,
    }
}
