//! Statements: what names are bound to, and what is put into arrays.

use super::ast::{Index, Target, TargetKind, symbol};
use super::diagnostic::{Mistake, Span};
use super::lists;
use super::lower::Machine;
use super::memory::{Array, Held};
use super::object::{Value, array, binary, describe};
use super::select;
use super::subscript::Picked;
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::expr::infer;
use crate::expr::{DynExpr, pieces};
use crate::ops::BinaryOp;
use crate::view::{Slice, View};

impl<'p> Machine<'p> {
    /// Gives arrays that have no memory one, so that all names of them share it.
    pub(super) fn settle(&mut self, value: Value) -> Value {
        match value {
            Value::Array(mut x) if !x.is_scalar() => {
                self.memory.settle(&mut x);
                Value::Array(x)
            }
            Value::Tuple(items) => Value::Tuple(items.iter().map(|v| self.settle(v.clone())).collect()),
            Value::List(items) => Value::List(items.iter().map(|v| self.settle(v.clone())).collect()),
            other => other,
        }
    }

    /// Brings what a name is bound to up to date.
    pub(super) fn refresh(&self, value: &mut Value) {
        match value {
            Value::Array(x) => self.memory.refresh(x),
            Value::Method(receiver, _) => self.refresh(receiver),
            Value::Tuple(items) | Value::List(items) if items.iter().any(|v| self.is_stale(v)) => {
                let mut fresh: Vec<Value> = items.to_vec();
                fresh.iter_mut().for_each(|v| self.refresh(v));
                *items = fresh.into();
            }
            _ => {}
        }
    }

    fn is_stale(&self, value: &Value) -> bool {
        match value {
            Value::Array(x) => self.memory.is_stale(x),
            Value::Method(receiver, _) => self.is_stale(receiver),
            Value::Tuple(items) | Value::List(items) => items.iter().any(|v| self.is_stale(v)),
            _ => false,
        }
    }

    /// `target = value`
    pub(super) fn assign(&mut self, target: &'p Target, mut value: Value, span: Span) -> Result<(), Mistake> {
        match &target.kind {
            TargetKind::Name(name) => {
                self.names.insert(name, value);
            }
            TargetKind::Several(targets) => {
                let items = match value {
                    Value::Tuple(items) | Value::List(items) => items,
                    Value::Array(x) if x.ndim() > 0 => rows(&x, span)?.into(),
                    other => {
                        let message = format!("{} cannot be taken apart", describe(&other));
                        return Err(Mistake::new(ErrorKind::DType, span, message).help("write one assignment for each name"));
                    }
                };
                if items.len() != targets.len() {
                    let message = format!("{} values for {} targets", items.len(), targets.len());
                    return Err(Mistake::new(ErrorKind::Shape, target.span, message));
                }
                for (target, item) in targets.iter().zip(items.iter()) {
                    self.assign(target, item.clone(), span)?;
                }
            }
            TargetKind::Elements { base, items, .. } => {
                self.evaluate_to(target.end)?;
                // An earlier target may be a part of what this one is given.
                self.refresh(&mut value);
                let (base, picked) = self.destination(target, *base, items)?;
                self.put(&base, &picked, None, &value, span, target.span)?;
            }
        }
        Ok(())
    }

    /// `target op= value`
    pub(super) fn augment(
        &mut self,
        target: &'p Target,
        op: BinaryOp,
        at: Span,
        each: bool,
        value: &Value,
        span: Span,
    ) -> Result<(), Mistake> {
        match &target.kind {
            TargetKind::Name(name) => {
                let old = self.name(name, target.span, false)?;
                match &old {
                    Value::Array(x) if !x.is_scalar() => {
                        let new = self.updated(&old, op, at, value)?;
                        self.put(x, &Picked::all(x.shape()), None, &new, span, target.span)?;
                    }
                    // NumPy's scalars and Python's values are replaced.
                    Value::Selected(_) => {
                        let new = self.updated(&old, op, at, value)?;
                        self.names.insert(name, new);
                    }
                    _ => {
                        let new = binary(op, &old, value, at)?;
                        let new = self.settle(new);
                        self.names.insert(name, new);
                    }
                }
                Ok(())
            }
            TargetKind::Elements { base, items, .. } => {
                let (base, picked) = self.destination(target, *base, items)?;
                let old = picked.of(&base, target.span)?;
                if each && picked.points.is_some() {
                    self.applies_to(&old, op, at, value)?;
                    return self.put(&base, &picked, Some(op), value, span, target.span);
                }
                // A single element is a scalar, so that the sum may have any type before it is stored.
                let scalar = matches!(&old, Value::Array(x) if picked.scalar || x.is_scalar());
                let new = if scalar { binary(op, &old, value, at)? } else { self.updated(&old, op, at, value)? };
                self.put(&base, &picked, None, &new, span, target.span)
            }
            TargetKind::Several(_) => Err(Mistake::syntax(target.span, "an operation assigns to one target")),
        }
    }

    /// The array that a target is a part of, and the part.
    fn destination(&mut self, target: &'p Target, base: super::ast::NodeId, items: &'p [Index]) -> Result<(Array, Picked), Mistake> {
        let mut value = self.take(base);
        self.refresh(&mut value);
        let array = match value {
            Value::Array(x) if !x.is_scalar() => x,
            Value::Selected(x) => {
                let mistake = Mistake::new(ErrorKind::Unsupported, x.span, "elements that a mask selected are a copy, which has no name");
                return Err(mistake.help("assign through one subscript: `x[mask] = ...`"));
            }
            other => {
                let scalar = matches!(other, Value::Array(_));
                let what = if scalar { "a scalar".into() } else { describe(&other) };
                let message = format!("{what} has no elements that could be assigned to");
                return Err(Mistake::new(ErrorKind::DType, target.span, message));
            }
        };
        let picked = self.pick(&array, items, target.span)?;
        Ok((array, picked))
    }

    /// `old op value` as an update of the array `old`: of its type and of its shape.
    fn updated(&self, old: &Value, op: BinaryOp, at: Span, value: &Value) -> Result<Value, Mistake> {
        let new = binary(op, old, value, at)?;
        let (is, want) = match (&new, old) {
            (Value::Array(new), Value::Array(old)) => (&new.expr, &old.expr),
            (Value::Selected(new), Value::Selected(old)) => (&new.full, &old.full),
            _ => return Err(Mistake::new(ErrorKind::DType, at, format!("`{}=` is not defined on {}", symbol(op), describe(old)))),
        };
        if !same_kind(is.dtype(), want.dtype()) {
            let message =
                format!("`{}=` would cast its result from {} to {}, which is another kind of number", symbol(op), is.dtype(), want.dtype());
            let mistake = Mistake::new(ErrorKind::DType, at, message);
            return Err(mistake.help(format!(
                "convert the value first (`.astype({})`), or assign: `x[...] = x {} ...`",
                want.dtype(),
                symbol(op)
            )));
        }
        if is.ndim() > want.ndim() {
            let message = format!(
                "`{}=` has a result of shape {}, for which the array of shape {} is too small",
                symbol(op),
                is.shape(),
                want.shape()
            );
            return Err(Mistake::new(ErrorKind::Shape, at, message));
        }
        let cast = is.astype(want.dtype());
        match &new {
            Value::Selected(x) => x.map(|_| Ok(Value::Array(Array::new(cast)))),
            _ => Ok(Value::Array(Array::new(cast))),
        }
    }

    /// That elements can be changed time after time, in the type of the array.
    fn applies_to(&self, old: &Value, op: BinaryOp, at: Span, value: &Value) -> Result<(), Mistake> {
        match (binary(op, old, value, at)?, old) {
            (Value::Array(new), Value::Array(old)) if new.dtype() != old.dtype() => {
                let message =
                    format!("`{}` would be computed in {}, but the array that is changed is {}", op.name(), new.dtype(), old.dtype());
                let mistake = Mistake::new(ErrorKind::DType, at, message);
                let values = same_kind(new.dtype(), old.dtype());
                let (what, to) = if values { ("the values", old.dtype()) } else { ("the array", new.dtype()) };
                Err(mistake.help(format!("convert {what} first: `.astype({to})`")))
            }
            _ => Ok(()),
        }
    }

    /// Puts a value in a part of an array. With an operation, elements at indices become what it makes of them and the value, one
    /// after another.
    fn put(
        &mut self,
        array: &Array,
        picked: &Picked,
        each: Option<BinaryOp>,
        value: &Value,
        span: Span,
        blame: Span,
    ) -> Result<(), Mistake> {
        if array.held == Held::ReadOnly {
            let mistake = Mistake::new(ErrorKind::Unsupported, blame, "the array that is assigned to is a view that can only be read");
            return Err(mistake.help(
                "what `broadcast_to`, `diagonal`, `diag` and `imag` of real numbers return is protected, as in NumPy; make a `copy` first",
            ));
        }
        let Some(place) = array.place.clone() else {
            let mistake =
                Mistake::new(ErrorKind::Unsupported, blame, "the array that is assigned to has no name, so nothing could read it");
            return Err(mistake.help("give it one first: `t = ...; t[...] = ...`"));
        };
        let dtype = array.dtype();
        let failed = |e: &crate::Error| Mistake::from_error(e, span);
        let region = &picked.region;
        if picked.scalar
            && let Value::Array(x) = value
            && x.ndim() > 0
        {
            return Err(Mistake::new(ErrorKind::Shape, span, format!("one element is assigned to, but the value has shape {}", x.shape())));
        }
        let old = || DynExpr::from_node(pieces::through(array.node(), region, &[], None));
        let node = match (&picked.mask, &picked.points) {
            (None, None) => lists::stored(value, dtype, span)?,
            (None, Some(points)) => {
                let new = points.set(&old(), each, &lists::stored(value, dtype, span)?);
                new.check().map_err(|e| failed(&e))?;
                new.into_node()
            }
            (Some((mask, axis)), _) => {
                let old = old();
                let selected = select::select(&Array::new(old), mask, *axis, blame)?;
                let new = lists::stored(&selected.align(value, span)?, dtype, span)?;
                let new = infer::select(selected.spread_mask().node(), &new, selected.full.node(), None);
                new.check().map_err(|e| failed(&e))?;
                new
            }
        };
        let new = self.memory.write(&place, region, &pieces::under(&node, &picked.equations)).map_err(|e| failed(&e))?;
        self.places.locate(new, blame);
        Ok(())
    }
}

impl Picked {
    /// All of an array.
    fn all(shape: &crate::shape::Shape) -> Picked {
        Picked { region: View::identity(shape), equations: Vec::new(), mask: None, points: None, scalar: false }
    }
}

/// What is at each index of the first axis, whose extent must be a number.
fn rows(x: &Array, span: Span) -> Result<Vec<Value>, Mistake> {
    let n = &x.shape().extents()[0];
    let Some(n) = n.as_const().and_then(|n| isize::try_from(n).ok()).filter(|n| *n <= MOST_ROWS) else {
        let message = format!("an array of {n} rows cannot be taken apart");
        let mistake = Mistake::new(ErrorKind::Unsupported, span, message);
        return Err(mistake.help(format!("the extent must be a number up to {MOST_ROWS}; index it: `a = x[0]`")));
    };
    let row = |k| match array(x.slice([Slice::Index(k)]), span)? {
        Value::Array(row) if row.ndim() > 0 => Ok(Value::Array(row.shares(x))),
        scalar => Ok(scalar),
    };
    (0..n).map(row).collect()
}

/// Into how many values an array is taken apart at most.
const MOST_ROWS: isize = 64;

/// NumPy's rule of same kind: to a type that holds all values, or within integers, floats or complex numbers, or upward among the kinds.
fn same_kind(from: DType, to: DType) -> bool {
    let kind = |d: DType| match d {
        DType::Bool => 0,
        _ if d.is_complex() => 4,
        _ if d.is_float() => 3,
        _ if d.is_signed() => 2,
        _ => 1,
    };
    kind(from) <= kind(to)
}
