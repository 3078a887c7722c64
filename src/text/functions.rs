//! The functions of the language: one row each, with NumPy's names and parameters.

use std::sync::LazyLock;

use hashbrown::HashMap;

use super::diagnostic::{Mistake, Span, closest};
use super::elementwise;
use super::explain::clip;
use super::joining;
use super::library as lib;
use super::memory::{Held, looks_at};
use super::object::{Value, array, describe, like_array, not_an_int, to_operand, to_operands, tuple};
use super::reductions;
use super::select;
use super::value::Py;
use crate::dtype::{Class, DType};
use crate::error::{ErrorKind, Result as BuildResult};
use crate::expr::{Axes, Axis, DynExpr, DynOperand, Extent};
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};
use crate::size::Size;

/// A function with its signature.
pub(super) struct Function {
    pub name: &'static str,
    aliases: &'static [&'static str],
    /// As in Python, but for two signs: `a_min|min` has two names, and `shape...` takes all that follow when called as a method.
    signature: &'static str,
    method: bool,
    /// What the result has to do with the memory of the first argument.
    memory: Shares,
    /// An element of the result depends on the elements of the arguments at its place alone.
    elementwise: bool,
    body: Body,
}

#[derive(Clone, Copy, PartialEq)]
enum Shares {
    /// Nothing; of rank 0 it is one of NumPy's scalars.
    Nothing,
    /// Nothing; it is an array also if its rank is 0.
    New,
    /// It is a view where that is possible.
    View,
    /// It is a view that can only be read.
    Protected,
}

enum Body {
    Unary(UnaryOp),
    Binary(BinaryOp),
    Reduce(ReduceOp),
    Other(fn(&Call) -> Result<Value, Mistake>),
}
use Body::{Binary, Other, Reduce, Unary};

const fn row(name: &'static str, aliases: &'static [&'static str], signature: &'static str, body: Body) -> Function {
    Function { name, aliases, signature, method: false, memory: Shares::Nothing, elementwise: matches!(body, Unary(_) | Binary(_)), body }
}

/// A function that arrays also have as a method.
const fn method(name: &'static str, aliases: &'static [&'static str], signature: &'static str, body: Body) -> Function {
    Function { method: true, ..row(name, aliases, signature, body) }
}

impl Function {
    const fn is(self, memory: Shares) -> Function {
        Function { memory, ..self }
    }

    const fn elementwise(self) -> Function {
        Function { elementwise: true, ..self }
    }
}

const X: &str = "x";
const XY: &str = "x1, x2";
const REDUCED: &str = "a, axis=None, *, keepdims=False";
const ASKED: &str = "a, axis=None, *, keepdims=False, where=True";
const EXTREME: &str = "a, axis=None, *, keepdims=False, initial=None, where=True";
const SUMMED: &str = "a, axis=None, dtype=None, *, keepdims=False, initial=None, where=True";
const AVERAGED: &str = "a, axis=None, dtype=None, *, keepdims=False, where=True";
const SPREAD: &str = "a, axis=None, dtype=None, *, ddof=0, keepdims=False, where=True";

static FUNCTIONS: &[Function] = &[
    row("negative", &[], X, Unary(UnaryOp::Neg)),
    row("abs", &["absolute"], X, Unary(UnaryOp::Abs)),
    row("invert", &["bitwise_not", "bitwise_invert"], X, Unary(UnaryOp::Not)),
    row("sqrt", &[], X, Unary(UnaryOp::Sqrt)),
    row("floor", &[], X, Unary(UnaryOp::Floor)),
    row("ceil", &[], X, Unary(UnaryOp::Ceil)),
    row("trunc", &["fix"], X, Unary(UnaryOp::Trunc)),
    row("rint", &[], X, Unary(UnaryOp::Rint)),
    row("isnan", &[], X, Unary(UnaryOp::IsNan)),
    row("add", &[], XY, Binary(BinaryOp::Add)),
    row("subtract", &[], XY, Binary(BinaryOp::Sub)),
    row("multiply", &[], XY, Binary(BinaryOp::Mul)),
    row("divide", &["true_divide"], XY, Binary(BinaryOp::Div)),
    row("floor_divide", &[], XY, Binary(BinaryOp::FloorDiv)),
    row("remainder", &["mod"], XY, Binary(BinaryOp::Rem)),
    row("fmod", &[], XY, Binary(BinaryOp::Fmod)),
    row("power", &["pow"], XY, Binary(BinaryOp::Pow)),
    row("gcd", &[], XY, Binary(BinaryOp::Gcd)),
    row("lcm", &[], XY, Binary(BinaryOp::Lcm)),
    row("minimum", &[], XY, Binary(BinaryOp::Min)),
    row("maximum", &[], XY, Binary(BinaryOp::Max)),
    row("fmin", &[], XY, Binary(BinaryOp::Fmin)),
    row("fmax", &[], XY, Binary(BinaryOp::Fmax)),
    row("bitwise_and", &[], XY, Binary(BinaryOp::And)),
    row("bitwise_or", &[], XY, Binary(BinaryOp::Or)),
    row("bitwise_xor", &[], XY, Binary(BinaryOp::Xor)),
    row("left_shift", &["bitwise_left_shift"], XY, Binary(BinaryOp::Shl)),
    row("right_shift", &["bitwise_right_shift"], XY, Binary(BinaryOp::Shr)),
    row("equal", &[], XY, Binary(BinaryOp::Eq)),
    row("not_equal", &[], XY, Binary(BinaryOp::Ne)),
    row("less", &[], XY, Binary(BinaryOp::Lt)),
    row("less_equal", &[], XY, Binary(BinaryOp::Le)),
    row("greater", &[], XY, Binary(BinaryOp::Gt)),
    row("greater_equal", &[], XY, Binary(BinaryOp::Ge)),
    method("min", &["amin"], EXTREME, Reduce(ReduceOp::Min)),
    method("max", &["amax"], EXTREME, Reduce(ReduceOp::Max)),
    method("any", &[], ASKED, Reduce(ReduceOp::Any)),
    method("all", &[], ASKED, Reduce(ReduceOp::All)),
    method("argmin", &[], REDUCED, Reduce(ReduceOp::ArgMin)),
    method("argmax", &[], REDUCED, Reduce(ReduceOp::ArgMax)),
    method("sum", &[], SUMMED, Other(|c| reductions::sum(c, ReduceOp::Sum))),
    method("prod", &[], SUMMED, Other(|c| reductions::sum(c, ReduceOp::Prod))),
    method("mean", &[], AVERAGED, Other(reductions::mean)),
    method("var", &[], SPREAD, Other(reductions::var)),
    method("std", &[], SPREAD, Other(reductions::std)),
    row("count_nonzero", &[], REDUCED, Other(reductions::count_nonzero)),
    row("average", &[], "a, axis=None, weights=None, *, keepdims=False", Other(reductions::average)),
    row("nansum", &[], SUMMED, Other(|c| reductions::sum(c, ReduceOp::Sum))),
    row("nanprod", &[], SUMMED, Other(|c| reductions::sum(c, ReduceOp::Prod))),
    row("nanmean", &[], AVERAGED, Other(reductions::mean)),
    row("nanvar", &[], SPREAD, Other(reductions::var)),
    row("nanstd", &[], SPREAD, Other(reductions::std)),
    row("nanmin", &[], EXTREME, Other(|c| reductions::reduce(c, ReduceOp::Min))),
    row("nanmax", &[], EXTREME, Other(|c| reductions::reduce(c, ReduceOp::Max))),
    row("ptp", &[], REDUCED, Other(reductions::ptp)),
    method("trace", &[], "a, offset=0, axis1=0, axis2=1", Other(lib::trace)),
    row("diff", &[], "a, n=1, axis=-1", Other(lib::diff)),
    row("where", &[], "condition, x=None, y=None", Other(elementwise::where_)).elementwise(),
    method("clip", &[], "a, a_min|min=None, a_max|max=None", Other(elementwise::clip)).elementwise(),
    row("square", &[], X, Other(elementwise::square)).elementwise(),
    row("reciprocal", &[], X, Other(elementwise::reciprocal)).elementwise(),
    row("positive", &[], X, Other(elementwise::positive)).elementwise(),
    row("sign", &[], X, Other(elementwise::sign)).elementwise(),
    method("round", &["around"], "a, decimals=0", Other(elementwise::round)).elementwise(),
    row("isclose", &[], "a, b, rtol=1e-5, atol=1e-8, equal_nan=False", Other(elementwise::isclose)).elementwise(),
    row("allclose", &[], "a, b, rtol=1e-5, atol=1e-8, equal_nan=False", Other(elementwise::allclose)),
    row("array_equal", &[], "a1, a2", Other(lib::array_equal)),
    row("outer", &[], "a, b", Other(lib::outer)),
    method("nonzero", &[], "a", Other(|c| select::nonzero(&c.array("a")?, c.at))),
    row("flatnonzero", &[], "a", Other(|c| select::flatnonzero(&c.array("a")?, c.at))),
    row("real", &[], "val", Other(lib::part_of)).elementwise(),
    row("imag", &[], "val", Other(lib::part_of)).elementwise(),
    method("conj", &[], X, Other(|c| elementwise::of_one(c, DynExpr::conj))).elementwise(),
    method("conjugate", &[], X, Other(|c| elementwise::of_one(c, DynExpr::conj))).elementwise(),
    row("angle", &[], "z, deg=False", Other(lib::angle)).elementwise(),
    row("isinf", &[], X, Other(elementwise::isinf)).elementwise(),
    row("isfinite", &[], X, Other(elementwise::isfinite)).elementwise(),
    row("deg2rad", &["radians"], X, Other(|c| elementwise::of_one(c, DynExpr::to_radians))).elementwise(),
    row("rad2deg", &["degrees"], X, Other(|c| elementwise::of_one(c, DynExpr::to_degrees))).elementwise(),
    row("fabs", &[], X, Other(|c| elementwise::of_one(c, DynExpr::fabs))).elementwise(),
    row("bitwise_count", &[], X, Other(|c| elementwise::of_one(c, DynExpr::bit_count))).elementwise(),
    row("nan_to_num", &[], "x, copy=True, nan=0.0, posinf=None, neginf=None", Other(elementwise::nan_to_num)).elementwise(),
    row("float_power", &[], XY, Other(elementwise::float_power)).elementwise(),
    row("modf", &[], X, Other(elementwise::modf)),
    row("divmod", &[], XY, Other(elementwise::divmod)),
    row("ldexp", &[], XY, Other(elementwise::ldexp)).elementwise(),
    row("frexp", &[], X, Other(elementwise::frexp)),
    row("logical_and", &[], XY, Other(|c| elementwise::logical(c, BinaryOp::And))).elementwise(),
    row("logical_or", &[], XY, Other(|c| elementwise::logical(c, BinaryOp::Or))).elementwise(),
    row("logical_xor", &[], XY, Other(|c| elementwise::logical(c, BinaryOp::Xor))).elementwise(),
    row("logical_not", &[], X, Other(|c| c.done(c.array("x")?.logical_not()))).elementwise(),
    method("astype", &[], "x, dtype", Other(|c| lib::astype(c, DynExpr::astype))).elementwise(),
    method("cast_saturating", &[], "x, dtype", Other(|c| lib::astype(c, DynExpr::cast_saturating))).elementwise(),
    method("reshape", &[], "a, shape..., *, order='C'", Other(lib::reshape)).is(Shares::View),
    method("ravel", &[], "a", Other(lib::ravel)).is(Shares::View),
    method("flatten", &[], "a", Other(lib::ravel)),
    method("transpose", &["permute_dims"], "a, axes...=None", Other(lib::transpose)).is(Shares::View),
    method("swapaxes", &[], "a, axis1, axis2", Other(lib::swapaxes)).is(Shares::View),
    row("moveaxis", &[], "a, source, destination", Other(lib::moveaxis)).is(Shares::View),
    row("expand_dims", &[], "a, axis", Other(lib::expand_dims)).is(Shares::View),
    row("atleast_1d", &[], "x", Other(|c| lib::at_least(c, 1))).is(Shares::View),
    row("atleast_2d", &[], "x", Other(|c| lib::at_least(c, 2))).is(Shares::View),
    method("squeeze", &[], "a, axis=None", Other(lib::squeeze)).is(Shares::View),
    row("flip", &[], "m, axis=None", Other(lib::flip)).is(Shares::View),
    row("flipud", &[], "m", Other(|c| c.done(c.array("m")?.invert_axis(0)))).is(Shares::View),
    row("fliplr", &[], "m", Other(|c| c.done(c.array("m")?.invert_axis(1)))).is(Shares::View),
    row("diag", &[], "v, k=0", Other(lib::diag)).is(Shares::Protected),
    method("diagonal", &[], "a, offset=0, axis1=0, axis2=1", Other(lib::diagonal)).is(Shares::Protected),
    row("broadcast_to", &[], "array, shape", Other(lib::broadcast_to)).is(Shares::Protected),
    row("zeros", &[], "shape, dtype=None", Other(|c| lib::filled(c, 0.0))).is(Shares::New),
    row("ones", &[], "shape, dtype=None", Other(|c| lib::filled(c, 1.0))).is(Shares::New),
    row("full", &[], "shape, fill_value, dtype=None", Other(lib::full)).is(Shares::New),
    row("zeros_like", &[], "a, dtype=None", Other(|c| lib::filled_like(c, 0.0))).is(Shares::New),
    row("ones_like", &[], "a, dtype=None", Other(|c| lib::filled_like(c, 1.0))).is(Shares::New),
    row("full_like", &[], "a, fill_value, dtype=None", Other(lib::full_like)).is(Shares::New),
    row("asarray", &["ascontiguousarray", "asanyarray"], "a, dtype=None", Other(lib::asarray)).elementwise().is(Shares::View),
    row("array", &[], "object, dtype=None", Other(lib::array)).elementwise().is(Shares::New),
    method("copy", &[], "a", Other(|c| c.done(c.array("a")?))).elementwise().is(Shares::New),
    row("empty", &[], "shape, dtype=None", Other(|c| lib::filled(c, 0.0))).is(Shares::New),
    row("empty_like", &[], "prototype, dtype=None", Other(lib::empty_like)).is(Shares::New),
    row("concatenate", &["concat"], "arrays, axis=0, *, dtype=None", Other(joining::concatenate)),
    row("stack", &[], "arrays, axis=0, *, dtype=None", Other(joining::stack)),
    row("vstack", &[], "tup, *, dtype=None", Other(joining::vstack)),
    row("hstack", &[], "tup, *, dtype=None", Other(joining::hstack)),
    row("column_stack", &[], "tup, *, dtype=None", Other(joining::column_stack)),
    row("roll", &[], "a, shift, axis=None", Other(joining::roll)),
    row("pad", &[], "array, pad_width, mode='constant', *, constant_values=0", Other(joining::pad)),
    row("tile", &[], "A, reps", Other(joining::tile)),
    method("repeat", &[], "a, repeats, axis=None", Other(joining::repeat)),
    row("rot90", &[], "m, k=1, axes=None", Other(joining::rot90)).is(Shares::View),
    method("take", &[], "a, indices, axis=None", Other(lib::take)),
    row("take_along_axis", &[], "arr, indices, axis=-1", Other(lib::take_along_axis)),
    row("bincount", &[], "x, weights=None, minlength=0", Other(lib::bincount)),
    row("histogram", &[], "a, bins=10, range=None", Other(lib::histogram)),
    row("sliding_window_view", &[], "x, window_shape, axis=None", Other(lib::sliding_window_view)).is(Shares::Protected),
    row("split", &[], "ary, indices_or_sections, axis=0", Other(|c| lib::split(c, false))),
    row("array_split", &[], "ary, indices_or_sections, axis=0", Other(|c| lib::split(c, true))),
    row("arange", &[], "start, stop=None, step=1, dtype=None", Other(lib::arange)),
    row("linspace", &[], "start, stop, num=50, endpoint=True, dtype=None", Other(lib::linspace)),
    row("indices", &[], "dimensions", Other(lib::indices)),
    row("eye", &[], "N, M=None, k=0, dtype=None", Other(|c| lib::triangle(c, BinaryOp::Eq))),
    row("identity", &[], "N, dtype=None", Other(|c| lib::triangle(c, BinaryOp::Eq))),
    row("tri", &[], "N, M=None, k=0, dtype=None", Other(|c| lib::triangle(c, BinaryOp::Le))),
    row("tril", &[], "m, k=0", Other(|c| lib::half(c, BinaryOp::Le))),
    row("triu", &[], "m, k=0", Other(|c| lib::half(c, BinaryOp::Ge))),
    row("shape", &[], "a", Other(lib::shape)),
    row("ndim", &[], "a", Other(lib::ndim)),
    row("size", &[], "a", Other(lib::size)),
    row("len", &[], "a", Other(lib::len)),
];

/// The elementary functions, which have one name and one signature everywhere: the rows of the op table that `math` expands
/// on floats and that are not defined on integers.
static ELEMENTARY: LazyLock<Vec<Function>> = LazyLock::new(|| {
    let unary = UnaryOp::ALL.iter().filter(|op| op.is_expanded(Class::Float) && op.result(DType::I64).is_none());
    let binary = BinaryOp::ALL.iter().filter(|op| op.is_expanded(Class::Float) && op.result(DType::I64).is_none());
    let unary = unary.map(|&op| row(op.name(), op.aliases(), X, Unary(op)));
    unary.chain(binary.map(|&op| row(op.name(), op.aliases(), XY, Binary(op)))).collect()
});

fn all() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().chain(ELEMENTARY.iter())
}

static BY_NAME: LazyLock<HashMap<&'static str, &'static Function>> =
    LazyLock::new(|| all().flat_map(|f| std::iter::once(f.name).chain(f.aliases.iter().copied()).map(move |n| (n, f))).collect());

/// The function of this name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    BY_NAME.get(name).copied()
}

/// The operation of two operands that has this name.
pub(super) fn binary_operation(name: &str) -> Option<BinaryOp> {
    match find(name)?.body {
        Binary(op) => Some(op),
        _ => None,
    }
}

/// Every name of every function, in the order of the table.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    all().flat_map(|f| std::iter::once(f.name).chain(f.aliases.iter().copied()))
}

/// The functions that make one array of one or two, element by element: how each is called with `x` and `y`.
#[cfg(test)]
pub(super) fn of_elements() -> impl Iterator<Item = (&'static str, String)> {
    let whole = |f: &&Function| f.elementwise && f.memory == Shares::Nothing && !f.signature.contains("dtype");
    all().filter(whole).map(|f| {
        let arguments = match (f.name, f.params().iter().filter(|p| p.default.is_none()).count()) {
            ("where" | "clip", _) => "x, x, y",
            (_, 1) => "x",
            (_, _) => "x, y",
        };
        (f.name, format!("{}({arguments})", f.name))
    })
}

/// The names of the methods of arrays.
pub(super) fn methods() -> impl Iterator<Item = &'static str> {
    all().filter(|f| f.method).map(|f| f.name)
}

/// An argument as it was written.
pub(super) struct Given<'p> {
    pub keyword: Option<(&'p str, Span)>,
    pub value: Value,
    pub span: Span,
}

struct Param {
    /// With alternatives after `|`.
    names: &'static str,
    default: Option<&'static str>,
    keyword_only: bool,
    rest: bool,
}

impl Param {
    fn is_called(&self, name: &str) -> bool {
        self.names.split('|').any(|n| n == name)
    }
}

impl Function {
    /// Whether arrays have it as a method under this name.
    pub fn is_method(&self, name: &str) -> bool {
        self.method && self.name == name
    }

    fn params(&self) -> Vec<Param> {
        let mut keyword_only = false;
        let mut out = Vec::new();
        for text in self.signature.split(", ") {
            if text == "*" {
                keyword_only = true;
                continue;
            }
            let (names, default) = text.split_once('=').map_or((text, None), |(n, d)| (n, Some(d)));
            let rest = names.ends_with("...");
            out.push(Param { names: names.trim_end_matches("..."), default, keyword_only, rest });
        }
        out
    }

    fn usage(&self) -> String {
        let params: Vec<_> = (self.signature.split(", ")).map(|p| p.replace("...", "").replace("|min", "").replace("|max", "")).collect();
        format!("the signature is `{}({})`", self.name, params.join(", "))
    }

    /// Binds the arguments as Python does, and calls.
    pub fn call(&'static self, receiver: Option<(Value, Span)>, args: Vec<Given>, at: Span) -> Result<Value, Mistake> {
        let params = self.params();
        let wrong = |span: Span, message: String| Mistake::new(ErrorKind::Name, span, message).help(self.usage());
        let mut bound: Vec<Option<(Value, Span)>> = params.iter().map(|_| None).collect();
        let is_method = receiver.is_some();
        let mut positional: Vec<(Value, Span)> = receiver.into_iter().collect();
        let mut keywords = Vec::new();
        for arg in args {
            match arg.keyword {
                Some((name, span)) => keywords.push((name, span, arg.value, arg.span)),
                None if !keywords.is_empty() => {
                    return Err(Mistake::syntax(arg.span, "a positional argument cannot follow one with a name"));
                }
                None => positional.push((arg.value, arg.span)),
            }
        }
        if is_method && params.get(1).is_some_and(|p| p.rest) && positional.len() > 1 {
            let alone = positional.len() == 2 && matches!(positional[1].0, Value::Tuple(_) | Value::List(_) | Value::None);
            if !alone {
                let span = positional[1].1.to(positional[positional.len() - 1].1);
                let values = positional.drain(1..).map(|(v, _)| v).collect();
                positional.push((tuple(values, span)?, span));
            }
        }
        let most = params.iter().filter(|p| !p.keyword_only).count();
        if positional.len() > most {
            let hidden = usize::from(is_method);
            let (most, given) = (most - hidden, positional.len() - hidden);
            let s = if most == 1 { "" } else { "s" };
            return Err(wrong(
                positional[most + hidden].1,
                format!("`{}` takes at most {most} positional argument{s}, but {given} were given", self.name),
            ));
        }
        for (slot, value) in bound.iter_mut().zip(positional) {
            *slot = Some(value);
        }
        for (name, name_span, value, span) in keywords {
            let Some(k) = params.iter().position(|p| p.is_called(name)) else {
                let message = format!("`{}` has no parameter `{}`", self.name, clip(name));
                let known = params.iter().flat_map(|p| p.names.split('|'));
                return Err(match closest(name, known) {
                    Some(other) => wrong(name_span, message).help(format!("did you mean `{other}`?")),
                    None => wrong(name_span, message),
                });
            };
            if bound[k].is_some() {
                return Err(wrong(name_span, format!("`{}` is given twice", clip(name))));
            }
            bound[k] = Some((value, span));
        }
        if let Some(k) = (0..params.len()).find(|&k| bound[k].is_none() && params[k].default.is_none()) {
            let name = params[k].names.split('|').next().unwrap_or("");
            return Err(wrong(at, format!("`{}` is missing its argument `{name}`", self.name)));
        }
        let bound = params.iter().zip(bound).map(|(p, b)| b.unwrap_or_else(|| (default(p.default.unwrap_or("None")), at)));
        let (values, spans): (Vec<Value>, Vec<Span>) = bound.unzip();
        let run = |values: Vec<Value>| {
            let bound = values.into_iter().zip(spans.iter().copied()).collect();
            self.run(Call { function: self, params, bound, at })
        };
        if self.elementwise && values.iter().any(|v| matches!(v, Value::Selected(_))) {
            return select::together(&values.iter().collect::<Vec<_>>(), at, run);
        }
        run(values)
    }

    fn run(&self, call: Call) -> Result<Value, Mistake> {
        let source = match (self.memory, call.bound.first()) {
            (Shares::View | Shares::Protected, Some((Value::Array(x), _))) => Some(x.clone()),
            _ => None,
        };
        let result = self.compute(&call)?;
        Ok(match (result, self.memory, source) {
            (Value::Array(x), Shares::View | Shares::Protected, Some(source)) => {
                let mut x = x.shares(&source);
                if self.memory == Shares::Protected && looks_at(&x, &source) {
                    x.held = Held::ReadOnly;
                }
                Value::Array(x)
            }
            (Value::Array(mut x), Shares::New | Shares::View, None) => {
                x.held = Held::Array;
                Value::Array(x)
            }
            (other, ..) => other,
        })
    }

    fn compute(&self, call: &Call) -> Result<Value, Mistake> {
        match self.body {
            Unary(op) => call.done(call.array("x")?.unary(op)),
            Binary(op) => {
                let (x, y) = call.operands("x1", "x2")?;
                call.done(DynExpr::binary(op, x, y))
            }
            Reduce(op) => reductions::reduce(call, op),
            Other(f) => f(call),
        }
    }
}

/// A default of the table.
fn default(text: &str) -> Value {
    match text {
        "None" => Value::None,
        "False" => Value::Scalar(Py::Bool(false)),
        "True" => Value::Scalar(Py::Bool(true)),
        text if text.starts_with('\'') => Value::Str(text.trim_matches('\'').into()),
        number if number.contains(['e', '.']) => number.parse().map_or(Value::None, |x| Value::Scalar(Py::Float(x))),
        number => number.parse().map_or(Value::None, |k| Value::Scalar(Py::Int(k))),
    }
}

/// The element type under NumPy's codes and other names, by which strings and members of `np` go. They come before Rust's names:
/// the string `u8` is NumPy's `uint64`, as `i8` is `int64`.
pub(super) fn named_type(name: &str) -> Option<DType> {
    // The order of bytes is this machine's, or none.
    let name = name.strip_prefix(if cfg!(target_endian = "little") { ['<', '=', '|'] } else { ['>', '=', '|'] }).unwrap_or(name);
    DType::ALL.iter().copied().find(|d| d.code() == name || d.aliases().contains(&name))
}

/// `f32(x)`: NumPy's types are functions that convert.
pub(super) fn convert(dtype: DType, args: Vec<Given>, at: Span) -> Result<Value, Mistake> {
    match args.as_slice() {
        [Given { keyword: None, value, span }] => array(like_array(value, *span, "the argument")?.astype(dtype), at),
        [Given { keyword: None, value: re, span }, Given { keyword: None, value: im, span: other }] if dtype.is_complex() => {
            let (re, im) = (like_array(re, *span, "the real part")?, like_array(im, *other, "the imaginary part")?);
            array(re.with_imag(im).astype(dtype), at)
        }
        _ => Err(Mistake::new(ErrorKind::Name, at, format!("`{dtype}` takes one argument"))),
    }
}

/// A call with its arguments bound.
pub(super) struct Call {
    pub function: &'static Function,
    params: Vec<Param>,
    bound: Vec<(Value, Span)>,
    pub at: Span,
}

impl Call {
    /// The argument of a parameter of the signature, or its default.
    pub fn value(&self, name: &str) -> (&Value, Span) {
        match self.params.iter().position(|p| p.names.split('|').next() == Some(name)) {
            Some(k) => (&self.bound[k].0, self.bound[k].1),
            None => (&Value::None, self.at),
        }
    }

    pub fn fail(&self, kind: ErrorKind, message: impl Into<String>) -> Mistake {
        Mistake::new(kind, self.at, message)
    }

    /// The result of the call, or the mistake in it.
    pub fn done(&self, x: DynExpr<'static>) -> Result<Value, Mistake> {
        array(x, self.at)
    }

    /// A step on the way that returns an error of its own.
    pub fn try_<T>(&self, step: BuildResult<T>) -> Result<T, Mistake> {
        step.map_err(|e| Mistake::from_error(&e, self.at))
    }

    pub fn array(&self, name: &str) -> Result<DynExpr<'static>, Mistake> {
        let (value, span) = self.value(name);
        like_array(value, span, &format!("`{name}` of `{}`", self.function.name))
    }

    pub fn operand(&self, name: &str) -> Result<DynOperand<'static>, Mistake> {
        let (value, span) = self.value(name);
        to_operand(value, span, &format!("`{name}` of `{}`", self.function.name))
    }

    pub fn operands(&self, a: &str, b: &str) -> Result<(DynOperand<'static>, DynOperand<'static>), Mistake> {
        let ((x, s), (y, t)) = (self.value(a), self.value(b));
        to_operands(x, y, (s, t), &format!("an argument of `{}`", self.function.name))
    }

    pub fn int_of(&self, name: &str, value: &Value, span: Span) -> Result<isize, Mistake> {
        let what = || format!("`{name}` of `{}`", self.function.name);
        match value {
            Value::Scalar(x) if x.as_int().is_some() => match x.as_int().and_then(|k| isize::try_from(k).ok()) {
                Some(k) => Ok(k),
                None => Err(Mistake::new(ErrorKind::Shape, span, format!("{} is out of range", what()))),
            },
            other => {
                let mistake = not_an_int(&what(), other, span);
                let two = matches!(self.body_reduce(), Some(ReduceOp::Min | ReduceOp::Max)) && matches!(other, Value::Array(_));
                Err(if two {
                    mistake.help(format!("use `{0}imum(a, b)` for the element-wise {0}imum", self.function.name))
                } else {
                    mistake
                })
            }
        }
    }

    fn body_reduce(&self) -> Option<ReduceOp> {
        if let Reduce(op) = self.function.body { Some(op) } else { None }
    }

    pub fn int(&self, name: &str) -> Result<isize, Mistake> {
        let (value, span) = self.value(name);
        self.int_of(name, value, span)
    }

    pub fn flag(&self, name: &str) -> Result<bool, Mistake> {
        match self.value(name) {
            (Value::Scalar(Py::Bool(b)), _) => Ok(*b),
            (Value::Scalar(Py::Int(k)), _) => Ok(*k != 0),
            (other, span) => Err(Mistake::new(ErrorKind::DType, span, format!("`{name}` must be True or False, not {}", describe(other)))),
        }
    }

    /// An int, or a tuple of ints; none for `None`.
    pub fn ints(&self, name: &str) -> Result<Option<Vec<isize>>, Mistake> {
        match self.value(name) {
            (Value::None, _) => Ok(None),
            (Value::Tuple(items) | Value::List(items), span) => {
                items.iter().map(|v| self.int_of(name, v, span)).collect::<Result<_, _>>().map(Some)
            }
            (value, span) => self.int_of(name, value, span).map(|k| Some(vec![k])),
        }
    }

    /// The parameters `axis` and, where the function has it, `keepdims`.
    pub fn axes(&self) -> Result<Axes, Mistake> {
        let axes = match self.ints("axis")? {
            None => Axes::from(..),
            Some(list) => list.into_iter().map(Axis).collect(),
        };
        let keeps = self.params.iter().any(|p| p.names == "keepdims") && self.flag("keepdims")?;
        Ok(if keeps { axes.keepdims() } else { axes })
    }

    pub fn dtype(&self, name: &str) -> Result<Option<DType>, Mistake> {
        match self.value(name) {
            (Value::None, _) => Ok(None),
            (Value::DType(d), _) => Ok(Some(*d)),
            (Value::Str(s), span) => match named_type(s) {
                Some(d) => Ok(Some(d)),
                None => s.parse().map(Some).map_err(|e| Mistake::from_error(&e, span)),
            },
            (other, span) => {
                let names: Vec<_> = DType::ALL.iter().map(|d| d.name()).collect();
                Err(Mistake::new(ErrorKind::DType, span, format!("`{name}` must be an element type, not {}", describe(other)))
                    .help(format!("use one of {}", names.join(", "))))
            }
        }
    }

    /// A number or an extent, as a size where it is an integer, else as a float.
    pub fn bound(&self, name: &str) -> Result<std::result::Result<Size, f64>, Mistake> {
        let (value, span) = self.value(name);
        match value {
            Value::Size(s) => Ok(Ok(s.clone())),
            Value::Scalar(Py::Float(x)) => Ok(Err(*x)),
            other => self.int_of(name, other, span).map(|k| Ok(Size::from(k as i64))),
        }
    }

    /// A number that is known now.
    pub fn number(&self, name: &str, value: &Value, span: Span) -> Result<f64, Mistake> {
        match value {
            Value::Scalar(x) if !matches!(x, Py::Complex(_)) => Ok(x.to_f64()),
            other => {
                let message = format!("`{name}` of `{}` must be a number, not {}", self.function.name, describe(other));
                Err(Mistake::new(ErrorKind::DType, span, message))
            }
        }
    }

    /// A shape: an extent or a tuple of them, each an int or an extent of another array.
    pub fn shape(&self, name: &str) -> Result<Vec<Extent>, Mistake> {
        let (value, span) = self.value(name);
        let one = |v: &Value| match v {
            Value::Size(s) => Ok(Extent::from(s.clone())),
            other => self.int_of(name, other, span).map(Extent::from),
        };
        match value {
            Value::Tuple(items) | Value::List(items) => items.iter().map(one).collect(),
            other => Ok(vec![one(other)?]),
        }
    }
}
