//! NumPy 2's rules for element types: which type an operation runs in, and what Python's scalars become beside an array.
//!
//! Two arrays meet at the smallest type that holds both (`DType::promote`). A Python scalar is weak (NEP 50): it takes the
//! array's type unless its kind is higher (an int beside `bool` is `i64`, a float beside an integer is `f64`), and an int that
//! the array's type cannot hold is an error. The rules were checked against NumPy 2.4 over all of its types; see the tests.

use num_complex::Complex;

use crate::dtype::{Class, DType, Element, Scalar};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::axes::Axes;
use crate::expr::complex;
use crate::expr::infer::{self, At, describe, failed, is_error};
use crate::expr::node::{NodeKind, NodeRef};
use crate::expr::{DynExpr, Expr};
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};
use crate::shape;

/// A scalar that takes its element type from the array beside it, as Python's own `bool`, `int`, `float` and `complex` do in NumPy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Weak {
    /// `True` or `False`. Its type is `bool`.
    Bool(bool),
    /// An integer of any size; `i64` by itself.
    Int(i128),
    /// A float; `f64` by itself.
    Float(f64),
    /// A complex number; `c128` by itself.
    Complex(Complex<f64>),
}

impl Weak {
    /// The nearest `f64`; of a complex number that of the real part.
    pub(crate) fn to_f64(self) -> f64 {
        match self {
            Weak::Bool(x) => f64::from(x),
            Weak::Int(k) => k as f64,
            Weak::Float(x) => x,
            Weak::Complex(z) => z.re,
        }
    }
}

impl std::fmt::Display for Weak {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Weak::Bool(x) => write!(f, "{x}"),
            Weak::Int(x) => write!(f, "{x}"),
            Weak::Float(x) => write!(f, "{x:?}"),
            Weak::Complex(z) => write!(f, "{}", Scalar::from(*z)),
        }
    }
}

/// An operand of a run-time typed operation.
#[derive(Clone)]
pub enum DynOperand<'a> {
    /// An array, or a scalar with an element type.
    Expr(DynExpr<'a>),
    /// A scalar without one.
    Weak(Weak),
}

impl<'a> From<DynExpr<'a>> for DynOperand<'a> {
    fn from(x: DynExpr<'a>) -> Self {
        DynOperand::Expr(x)
    }
}
impl<'a> From<&DynExpr<'a>> for DynOperand<'a> {
    fn from(x: &DynExpr<'a>) -> Self {
        DynOperand::Expr(x.clone())
    }
}
impl<'a, T: Element> From<Expr<'a, T>> for DynOperand<'a> {
    fn from(x: Expr<'a, T>) -> Self {
        DynOperand::Expr(x.into_dyn())
    }
}
impl<'a, T: Element> From<&Expr<'a, T>> for DynOperand<'a> {
    fn from(x: &Expr<'a, T>) -> Self {
        DynOperand::Expr(x.clone().into_dyn())
    }
}
impl From<Weak> for DynOperand<'_> {
    fn from(x: Weak) -> Self {
        DynOperand::Weak(x)
    }
}
macro_rules! weak_from {
    ($($Kind:ident as $to:ty: $($t:ty)*;)*) => { $($(
        impl From<$t> for Weak {
            fn from(x: $t) -> Weak {
                Weak::$Kind(x as $to)
            }
        }
        impl From<$t> for DynOperand<'_> {
            fn from(x: $t) -> Self {
                DynOperand::Weak(x.into())
            }
        }
    )*)* };
}
weak_from! { Bool as bool: bool; Int as i128: i8 i16 i32 i64 i128 u8 u16 u32 u64 usize; Float as f64: f32 f64; }
impl From<Complex<f64>> for Weak {
    fn from(z: Complex<f64>) -> Weak {
        Weak::Complex(z)
    }
}
impl From<Complex<f64>> for DynOperand<'_> {
    fn from(z: Complex<f64>) -> Self {
        DynOperand::Weak(z.into())
    }
}

impl DynOperand<'_> {
    fn node(&self) -> Option<&NodeRef> {
        match self {
            DynOperand::Expr(x) => Some(x.node()),
            DynOperand::Weak(_) => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            DynOperand::Expr(x) => describe(x.node()),
            DynOperand::Weak(w) => w.to_string(),
        }
    }

    /// The element type that this operand has by itself.
    fn dtype(&self) -> DType {
        match self {
            DynOperand::Expr(x) => x.dtype(),
            DynOperand::Weak(Weak::Bool(_)) => DType::Bool,
            DynOperand::Weak(Weak::Int(_)) => DType::I64,
            DynOperand::Weak(Weak::Float(_)) => DType::F64,
            DynOperand::Weak(Weak::Complex(_)) => DType::C128,
        }
    }

    /// As a node of type `dtype`.
    fn cast(&self, dtype: DType, site: At) -> Result<NodeRef> {
        match self {
            DynOperand::Expr(x) => Ok(infer::cast(x.node(), dtype, site)),
            DynOperand::Weak(w) => Ok(infer::constant(w.to_scalar(dtype)?, site)),
        }
    }
}

impl Weak {
    fn out_of_bounds(k: i128, dtype: DType) -> Error {
        Error::new(ErrorKind::DType, format!("Python integer {k} out of bounds for {dtype}"))
            .help("convert the array to a wider type first (`astype`)")
    }

    fn to_scalar(self, dtype: DType) -> Result<Scalar> {
        match self {
            Weak::Bool(x) => Ok(Scalar::Bool(x).cast(dtype)),
            Weak::Float(x) => Ok(Scalar::F64(x).cast(dtype)),
            Weak::Complex(z) if dtype.is_complex() => Ok(Scalar::C128(z).cast(dtype)),
            Weak::Complex(z) => {
                let error = Error::new(ErrorKind::DType, format!("the complex number {} is no {dtype}", Scalar::from(z)));
                Err(error.help("write its real part"))
            }
            // By way of f64, as NumPy does it.
            Weak::Int(k) if dtype.is_float() || dtype.is_complex() => Ok(Scalar::F64(k as f64).cast(dtype)),
            Weak::Int(k) if fits(k, dtype) => Ok(Scalar::from_int(k, dtype)),
            Weak::Int(k) => Err(Weak::out_of_bounds(k, dtype)),
        }
    }
}

fn fits(k: i128, dtype: DType) -> bool {
    dtype.int_range().is_none_or(|(low, high)| (low..=high).contains(&k))
}

/// The type in which two operands meet.
fn common(a: &DynOperand<'_>, b: &DynOperand<'_>) -> DType {
    match (a, b) {
        (DynOperand::Expr(x), DynOperand::Weak(w)) | (DynOperand::Weak(w), DynOperand::Expr(x)) => match w {
            Weak::Int(_) if x.dtype() != DType::Bool => x.dtype(),
            Weak::Float(_) if x.dtype().is_float() || x.dtype().is_complex() => x.dtype(),
            Weak::Complex(_) if x.dtype().is_float() || x.dtype().is_complex() => x.dtype().to_complex(),
            _ => x.dtype().promote(DynOperand::from(*w).dtype()),
        },
        _ => a.dtype().promote(b.dtype()),
    }
}

/// The type in which NumPy computes a function that has floating-point answers only.
pub(crate) fn float_for(d: DType) -> DType {
    match d {
        _ if d.is_float() || d.is_complex() => d,
        _ if d.size() == 1 => DType::F16,
        _ if d.size() == 2 => DType::F32,
        _ => DType::F64,
    }
}

/// The operand of a function that has floating-point answers only, converted.
pub(crate) fn as_float(a: &NodeRef, site: At) -> NodeRef {
    if is_error(a) { a.clone() } else { infer::cast(a, float_for(a.dtype), site) }
}

/// The operand where a Python float is the other one: `f64` if it is no float.
pub(crate) fn as_wide_float(a: &NodeRef, site: At) -> NodeRef {
    if is_error(a) || a.dtype.is_float() || a.dtype.is_complex() { a.clone() } else { infer::cast(a, DType::F64, site) }
}

/// The type of a function of two floats: the one that functions of one take each operand in, the wider of both.
fn for_functions(a: &DynOperand<'_>, b: &DynOperand<'_>) -> DType {
    let (DynOperand::Expr(x), DynOperand::Expr(y)) = (a, b) else { return float_for(common(a, b)) };
    float_for(x.dtype()).promote(float_for(y.dtype()))
}

fn not_on(op: &str, d: DType, help: &str) -> Error {
    Error::new(ErrorKind::DType, format!("`{op}` is not defined on {d}")).help(help)
}

/// The operation and the type in which NumPy computes `op` on operands that meet in `d`.
fn rule(op: BinaryOp, d: DType) -> Result<(BinaryOp, DType)> {
    use BinaryOp::*;
    let bits = "operations on bits take bool and integers";
    match (op, d) {
        (And | Or | Xor | Shl | Shr, _) if d.is_complex() => Err(not_on(op.name(), d, bits)),
        _ if d.is_complex() && complex::result2(op, d).is_none() => Err(complex::undefined(op.name(), d)),
        (Div, _) if d.is_complex() => Ok((op, d)),
        (Add | Max | Fmax, DType::Bool) => Ok((Or, d)),
        (Mul | Min | Fmin, DType::Bool) => Ok((And, d)),
        (Sub, DType::Bool) => Err(not_on("-", d, "use `^` (exclusive or) or convert to an integer type")),
        (FloorDiv | Rem | Fmod | Pow | Shl | Shr, DType::Bool) => Ok((op, DType::I8)),
        (Div, _) => Ok((op, if d.is_float() { d } else { DType::F64 })),
        (And | Or | Xor | Shl | Shr, _) if d.is_float() => Err(not_on(op.name(), d, bits)),
        (Gcd | Lcm, _) if !d.is_int() => Err(not_on(op.name(), d, "it takes integers; convert with `astype` first")),
        _ => Ok((op, d)),
    }
}

/// The first mistake among the operands.
fn inherited(operands: &[&DynOperand<'_>]) -> Option<NodeRef> {
    operands.iter().filter_map(|o| o.node()).find(|n| is_error(n)).cloned()
}

/// Says which operation on which operands was wrong, as the user wrote them (before promotion).
fn or_failed(made: Result<NodeRef>, name: &str, operands: &[&DynOperand<'_>], site: At) -> NodeRef {
    made.unwrap_or_else(|e| {
        let list: Vec<_> = operands.iter().map(|o| o.describe()).collect();
        let mut error = Error::new(e.kind(), format!("{name} of {}: {}", list.join(" and "), e.message()));
        if let Some(help) = e.advice() {
            error = error.help(help);
        }
        failed(error, operands.first().map_or(DType::F64, |o| o.dtype()), site)
    })
}

pub(crate) fn binary(op: BinaryOp, a: &DynOperand<'_>, b: &DynOperand<'_>, site: At) -> NodeRef {
    if let Some(bad) = inherited(&[a, b]) {
        return bad;
    }
    or_failed(try_binary(op, a, b, site), op.name(), &[a, b], site)
}

fn try_binary(op: BinaryOp, a: &DynOperand<'_>, b: &DynOperand<'_>, site: At) -> Result<NodeRef> {
    if let (Some(x), Some(y)) = (a.node(), b.node()) {
        // Here rather than after the casts, so that the message names the types that the user sees.
        shape::broadcast(&[&x.shape, &y.shape])?;
    }
    if op.is_comparison()
        && let Some(answer) = out_of_range_comparison(op, a, b, site)?
    {
        return Ok(answer);
    }
    if op.is_comparison()
        && let Some(answer) = mixed_comparison(op, a, b, site)?
    {
        return Ok(answer);
    }
    if op == BinaryOp::Pow
        && let (DynOperand::Expr(x), DynOperand::Weak(w)) = (a, b)
        && let Some(answer) = simple_power(x.node(), *w, common(a, b), site)?
    {
        return Ok(answer);
    }
    let (op, d) = match op {
        // Functions of floats only; `/` is not one of them.
        _ if op.is_expanded(Class::Float) && op.result(DType::I64).is_none() => (op, for_functions(a, b)),
        _ => rule(op, common(a, b))?,
    };
    Ok(infer::binary(op, &a.cast(d, site)?, &b.cast(d, site)?, site))
}

/// An integer array compared with an int that its type cannot hold: the same answer everywhere.
fn out_of_range_comparison(op: BinaryOp, a: &DynOperand<'_>, b: &DynOperand<'_>, site: At) -> Result<Option<NodeRef>> {
    let (x, k, flipped) = match (a, b) {
        (DynOperand::Expr(x), DynOperand::Weak(Weak::Int(k))) => (x.node(), *k, false),
        (DynOperand::Weak(Weak::Int(k)), DynOperand::Expr(x)) => (x.node(), *k, true),
        _ => return Ok(None),
    };
    if !x.dtype.is_int() || fits(k, x.dtype) {
        return Ok(None);
    }
    // Any two integers in this order compare as x and k do.
    let (x_stand_in, k_stand_in) = if k > 0 { (0i64, 1i64) } else { (1, 0) };
    let (l, r) = if flipped { (k_stand_in, x_stand_in) } else { (x_stand_in, k_stand_in) };
    match op.eval(l.into(), r.into()) {
        Some(answer) => infer::broadcast_to(&infer::constant(answer, site), &x.shape, site).map(Some),
        None => Ok(None),
    }
}

/// A signed integer compared with a `u64`, which no integer type holds both of: by value, not as the `f64` in which they meet.
fn mixed_comparison(op: BinaryOp, a: &DynOperand<'_>, b: &DynOperand<'_>, site: At) -> Result<Option<NodeRef>> {
    let is_signed = |d: DType| d.is_int() && d.is_signed();
    let (signed, flipped) = match (a, b) {
        (DynOperand::Expr(x), DynOperand::Expr(y)) if is_signed(x.dtype()) && y.dtype() == DType::U64 => (x, false),
        (DynOperand::Expr(x), DynOperand::Expr(y)) if x.dtype() == DType::U64 && is_signed(y.dtype()) => (y, true),
        _ => return Ok(None),
    };
    let zero = infer::constant(Scalar::zero(signed.dtype()), site);
    let below = infer::binary(BinaryOp::Lt, signed.node(), &zero, site);
    let among_unsigned = infer::binary(op, &a.cast(DType::U64, site)?, &b.cast(DType::U64, site)?, site);
    // Whether the comparison holds where the signed one is below zero.
    let (l, r) = if flipped { (1i64, 0i64) } else { (0, 1) };
    Ok(Some(match op.eval(l.into(), r.into()) {
        Some(Scalar::Bool(true)) => infer::binary(BinaryOp::Or, &below, &among_unsigned, site),
        _ => infer::binary(BinaryOp::And, &infer::unary(UnaryOp::Not, &below, site), &among_unsigned, site),
    }))
}

/// `x ** w` where NumPy computes something else than a power: its `fast_scalar_power`, whose answers differ from `pow`'s
/// (`(-inf) ** 0.5` is NaN, `(-0.0) ** 0.5` is -0.0).
fn simple_power(x: &NodeRef, w: Weak, d: DType, site: At) -> Result<Option<NodeRef>> {
    let exponent = match w {
        Weak::Bool(_) => return Ok(None),
        Weak::Complex(z) if z.im != 0.0 => return Ok(None),
        Weak::Complex(z) => z.re,
        Weak::Int(k) if !d.is_float() && !d.is_complex() => {
            if k < 0 && fits(k, d) {
                let error = Error::new(ErrorKind::DType, "Integers to negative integer powers are not allowed.");
                return Err(error.help("convert the base to a float type, or write the exponent as a float"));
            }
            // `bool ** 2` stays in int8, while other exponents go to int64.
            return match k {
                2 => {
                    let (_, d) = rule(BinaryOp::Pow, x.dtype)?;
                    let x = infer::cast(x, d, site);
                    Ok(Some(infer::binary(BinaryOp::Mul, &x, &x, site)))
                }
                _ => Ok(None),
            };
        }
        Weak::Int(k) => k as f64,
        Weak::Float(f) => f,
    };
    let x = infer::cast(x, d, site);
    Ok(match exponent {
        1.0 if d.is_complex() => Some(complex::functions::integer_power(&x, 1, site)),
        2.0 => Some(infer::binary(BinaryOp::Mul, &x, &x, site)),
        1.0 => Some(x),
        // NumPy's own powers of integers below 100, by products.
        n if d.is_complex() && n != -1.0 && n.abs() < 100.0 && n == n.trunc() => {
            Some(complex::functions::integer_power(&x, n as i32, site))
        }
        -1.0 if d.is_complex() => Some(complex::functions::reciprocal(&x, site)),
        0.5 => Some(infer::unary(UnaryOp::Sqrt, &x, site)),
        -1.0 => Some(infer::binary(BinaryOp::Div, &infer::constant(Scalar::one(d), site), &x, site)),
        _ => None,
    })
}

/// Complex numbers of two real operands.
pub(crate) fn with_imag(re: &DynOperand<'_>, im: &DynOperand<'_>, site: At) -> NodeRef {
    if let Some(bad) = inherited(&[re, im]) {
        return bad;
    }
    let made = (|| {
        let d = common(re, im);
        if d.is_complex() {
            let error = Error::new(ErrorKind::DType, "the parts of complex numbers are real");
            return Err(error.help("take a part of them, with `real` or `imag`"));
        }
        let part = d.to_complex().part();
        Ok(complex::pair(&re.cast(part, site)?, &im.cast(part, site)?, site))
    })();
    or_failed(made, "complex numbers", &[re, im], site)
}

pub(crate) fn unary(op: UnaryOp, a: &NodeRef, site: At) -> NodeRef {
    use UnaryOp::*;
    if is_error(a) {
        return a.clone();
    }
    let made = match (op, a.dtype) {
        (Neg, DType::Bool) => Err(not_on("-", a.dtype, "use `!` (logical not) or convert to an integer type")),
        (Not, d) if d.is_complex() => Err(not_on("not", d, "operations on bits take bool and integers; see `logical_not`")),
        (op, d) if d.is_complex() && complex::result1(op, d).is_none() => Err(complex::undefined(op.name(), d)),
        (_, d) if d.is_complex() => Ok(infer::unary(op, a, site)),
        (Not, d) if d.is_float() => Err(not_on("not", a.dtype, "operations on bits take bool and integers; see `logical_not`")),
        // No integer changes, and the type stays (since NumPy 2.1).
        (Floor | Ceil | Trunc, d) if !d.is_float() => Ok(a.clone()),
        (Abs, d) if !d.is_signed() => Ok(a.clone()),
        (IsNan, d) if !d.is_float() => infer::broadcast_to(&infer::constant(Scalar::Bool(false), site), &a.shape, site),
        (Signbit, d) if d.is_signed() && !d.is_float() => Ok(infer::binary(BinaryOp::Lt, a, &infer::constant(Scalar::zero(d), site), site)),
        (Signbit, d) if !d.is_float() => infer::broadcast_to(&infer::constant(Scalar::Bool(false), site), &a.shape, site),
        (Neg | Abs | Not | IsNan | Floor | Ceil | Trunc, _) => Ok(infer::unary(op, a, site)),
        // NumPy multiplies with a Python float first.
        (Sinc, _) => Ok(infer::unary(op, &as_wide_float(a, site), site)),
        // All others have floating-point answers only.
        (_, d) => Ok(infer::unary(op, &infer::cast(a, float_for(d), site), site)),
    };
    or_failed(made, op.name(), &[&DynExpr::from_node(a.clone()).into()], site)
}

/// Whether each element is not zero (NaN counts as not zero), as NumPy's `astype(bool)`.
pub(crate) fn truth(a: &NodeRef, site: At) -> NodeRef {
    if is_error(a) || a.dtype == DType::Bool {
        return a.clone();
    }
    if matches!(a.kind, NodeKind::Const(_)) {
        return infer::cast(a, DType::Bool, site);
    }
    infer::binary(BinaryOp::Ne, a, &infer::constant(Scalar::zero(a.dtype), site), site)
}

/// `op` is `And`, `Or` or `Xor`.
pub(crate) fn logical(op: BinaryOp, a: &DynOperand<'_>, b: &DynOperand<'_>, site: At) -> NodeRef {
    if let Some(bad) = inherited(&[a, b]) {
        return bad;
    }
    let made = (|| Ok(infer::binary(op, &truth(&a.cast(a.dtype(), site)?, site), &truth(&b.cast(b.dtype(), site)?, site), site)))();
    or_failed(made, &format!("logical_{}", op.name()), &[a, b], site)
}

/// NumPy's `where`. Unlike an operator it wraps an int that the other side's integer type cannot hold.
pub(crate) fn select(c: &NodeRef, a: &DynOperand<'_>, b: &DynOperand<'_>, site: At) -> NodeRef {
    if is_error(c) {
        return c.clone();
    }
    if let Some(bad) = inherited(&[a, b]) {
        return bad;
    }
    let d = common(a, b);
    let side = |x: &DynOperand<'_>| match x {
        DynOperand::Weak(Weak::Int(k)) if !d.is_float() && !fits(*k, d) => Ok(infer::cast(&x.cast(DType::I64, site)?, d, site)),
        _ => x.cast(d, site),
    };
    let made = (|| Ok(infer::select(&truth(c, site), &side(a)?, &side(b)?, site)))();
    or_failed(made, "where", &[a, b], site)
}

/// What is stored when `value` is assigned to an array of type `dtype`: any conversion is allowed, as in NumPy, but an int literal
/// must fit.
pub(crate) fn stored(value: &DynOperand<'_>, dtype: DType, site: At) -> Result<NodeRef> {
    match value {
        DynOperand::Expr(x) => Ok(infer::cast(x.node(), dtype, site)),
        DynOperand::Weak(Weak::Float(x)) if !dtype.is_float() && !dtype.is_complex() => {
            Ok(infer::constant(Scalar::F64(*x).cast(dtype), site))
        }
        DynOperand::Weak(Weak::Int(x)) if dtype == DType::Bool => Ok(infer::constant(Scalar::Bool(*x != 0), site)),
        weak => weak.cast(dtype, site),
    }
}

/// NumPy's `clip`, one operation of three operands: a weak lower bound takes its type from the other two. An int bound that no
/// element of an integer type can be beyond does nothing.
pub(crate) fn clip(x: &NodeRef, low: &DynOperand<'_>, high: &DynOperand<'_>, site: At) -> NodeRef {
    if let Some(bad) = complex::refused("clip", x, site) {
        return bad;
    }
    // The ends of the range included, which matters where the other bound is of a wider type.
    let idle = |bound: &DynOperand<'_>, below: bool| match (bound, x.dtype.int_range()) {
        (DynOperand::Weak(Weak::Int(k)), Some((least, most))) => {
            if below {
                *k <= least
            } else {
                *k >= most
            }
        }
        _ => false,
    };
    let common = high.node().map_or(x.dtype, |high| x.dtype.promote(high.dtype));
    let mut out = DynOperand::from(DynExpr::from_node(infer::cast(x, common, site)));
    for (op, bound, below) in [(BinaryOp::Max, low, true), (BinaryOp::Min, high, false)] {
        if !idle(bound, below) {
            out = DynExpr::from_node(binary(op, &out, bound, site)).into();
        }
    }
    match out {
        DynOperand::Expr(x) => x.into_node(),
        DynOperand::Weak(_) => x.clone(),
    }
}

/// `a` converted to `dtype`, where values that an integer type does not hold become the nearest one that it does, and NaN 0.
///
/// The bounds of a float are compared as floats: the least value of an integer type is a power of two or 0, and the first above
/// its largest is a power of two, so that both are exact where the largest itself (2^63 - 1) is not.
pub(crate) fn cast_saturating(a: &NodeRef, dtype: DType, site: At) -> NodeRef {
    let Some((least, most)) = dtype.int_range() else { return infer::cast(a, dtype, site) };
    if is_error(a) {
        return a.clone();
    }
    let from = a.dtype;
    let of_int = |x: i128, d: DType| infer::constant(Scalar::from_int(x, d), site);
    if let Some((low, high)) = from.int_range() {
        let mut x = a.clone();
        if low < least {
            x = infer::binary(BinaryOp::Max, &x, &of_int(least, from), site);
        }
        if most < high {
            x = infer::binary(BinaryOp::Min, &x, &of_int(most, from), site);
        }
        return infer::cast(&x, dtype, site);
    }
    if !from.is_float() {
        return infer::cast(a, dtype, site);
    }
    let bound = |x: i128| infer::constant(Scalar::from_int(x, from), site);
    let mut x = infer::cast(a, dtype, site);
    for (outside, instead) in [
        (infer::binary(BinaryOp::Lt, a, &bound(least), site), least),
        (infer::binary(BinaryOp::Ge, a, &bound(most + 1), site), most),
        (infer::unary(UnaryOp::IsNan, a, site), 0),
    ] {
        x = infer::select(&outside, &of_int(instead, dtype), &x, site);
    }
    x
}

pub(crate) fn reduce(op: ReduceOp, a: &NodeRef, axes: &Axes, site: At) -> NodeRef {
    if is_error(a) {
        return a.clone();
    }
    // The axes first, so that the message names the type that the user sees and not the one that is summed.
    let made = axes.indices(a.shape.rank()).map(|_| match (op, a.dtype) {
        (ReduceOp::Sum | ReduceOp::Prod, d) if !d.is_float() && !d.is_complex() => {
            let wide = if d.is_int() && !d.is_signed() { DType::U64 } else { DType::I64 };
            infer::reduce(op, &infer::cast(a, wide, site), axes, site)
        }
        (ReduceOp::Any | ReduceOp::All, _) => infer::reduce(op, &truth(a, site), axes, site),
        _ => infer::reduce(op, a, axes, site),
    });
    or_failed(made, op.name(), &[&DynExpr::from_node(a.clone()).into()], site)
}

pub(crate) fn mean(a: &NodeRef, axes: &Axes, site: At) -> NodeRef {
    if is_error(a) {
        return a.clone();
    }
    let d = if a.dtype.is_float() || a.dtype.is_complex() { a.dtype } else { DType::F64 };
    let made = axes.indices(a.shape.rank()).map(|_| infer::mean(&infer::cast(a, d, site), axes, site));
    or_failed(made, "mean", &[&DynExpr::from_node(a.clone()).into()], site)
}
