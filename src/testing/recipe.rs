//! A random program as a list of steps, which can be played over inputs of any kind: named arguments, borrowed arrays,
//! extents as numbers or as named dims.

use std::fmt;

use crate::dtype::{DType, Scalar};
use crate::expr::{Axes, DynExpr, DynOperand, Weak, infer};
use crate::interp::Tensor;
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};
use crate::shape::{Dim, Shape};
use crate::testing::{Class, Place};
use crate::view::Slice;

/// A program with inputs to run it on.
#[derive(Clone, Debug)]
pub struct Program {
    /// The arguments. They are the first values; step `k` makes value `inputs.len() + k`.
    pub inputs: Vec<Input>,
    /// What is computed, in order.
    pub steps: Vec<Step>,
    /// Which values are asked for.
    pub outputs: Vec<Output>,
}

/// An argument.
#[derive(Clone, Debug)]
pub struct Input {
    /// `x0`, `x1`, ...
    pub name: String,
    /// Its elements.
    pub value: Tensor,
    /// Where they should lie in memory.
    pub place: Place,
}

/// A result.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// `y0`, `y1`, ...
    pub name: String,
    /// Which value.
    pub value: usize,
    /// What two evaluations of it owe each other.
    pub class: Class,
}

/// One operation on earlier values.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the operands are those of the method of the same name")]
pub enum Step {
    Constant(Scalar),
    Unary(UnaryOp, usize),
    Binary(BinaryOp, usize, usize),
    /// With a weak scalar on the right, or on the left if the flag is set.
    BinaryWeak(BinaryOp, usize, Weak, bool),
    Select(usize, usize, usize),
    Cast(usize, DType),
    Slice(usize, Vec<Slice>),
    Permute(usize, Vec<isize>),
    Flip(usize, isize),
    InsertAxis(usize, isize),
    RemoveAxis(usize, isize),
    Broadcast(usize, Vec<usize>),
    Diagonal(usize, isize, isize, isize),
    Reshape(usize, Vec<isize>),
    Reduce(ReduceOp, usize, Vec<isize>, bool),
    Mean(usize, Vec<isize>, bool),
}

/// How [`Program::declare`] writes extents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dims {
    /// As numbers. Every program builds and runs.
    Fixed,
    /// As named dims, one name per extent other than 1. A program may then be refused: where an extent that was computed happens
    /// to be 1, it stretches as a number but not as a size that is not known.
    Named,
}

impl Step {
    /// The numbers of the values that this step reads.
    pub fn operands(&self) -> Vec<usize> {
        let mut copy = self.clone();
        copy.operands_mut().into_iter().map(|o| *o).collect()
    }

    fn operands_mut(&mut self) -> Vec<&mut usize> {
        use Step::*;
        match self {
            Constant(_) => vec![],
            Unary(_, a)
            | BinaryWeak(_, a, ..)
            | Cast(a, _)
            | Slice(a, _)
            | Permute(a, _)
            | Flip(a, _)
            | InsertAxis(a, _)
            | RemoveAxis(a, _) => {
                vec![a]
            }
            Broadcast(a, _) | Diagonal(a, ..) | Reshape(a, _) | Reduce(_, a, ..) | Mean(a, ..) => vec![a],
            Binary(_, a, b) => vec![a, b],
            Select(a, b, c) => vec![a, b, c],
        }
    }

    /// The expression of this step over the values before it.
    pub fn apply<'a>(&self, values: &[DynExpr<'a>]) -> DynExpr<'a> {
        let axes = |list: &[isize], keep: bool| {
            let axes: Axes = list.iter().copied().collect();
            if keep { axes.keepdims() } else { axes }
        };
        match self {
            Step::Constant(value) => DynExpr::from_node(infer::constant(*value, None)),
            Step::Unary(op, a) => values[*a].unary(*op),
            Step::Binary(op, a, b) => DynExpr::binary(*op, &values[*a], &values[*b]),
            Step::BinaryWeak(op, a, w, false) => DynExpr::binary(*op, &values[*a], DynOperand::from(*w)),
            Step::BinaryWeak(op, a, w, true) => DynExpr::binary(*op, DynOperand::from(*w), &values[*a]),
            Step::Select(c, a, b) => values[*c].select(&values[*a], &values[*b]),
            Step::Cast(a, dtype) => values[*a].astype(*dtype),
            Step::Slice(a, items) => values[*a].slice(items),
            Step::Permute(a, order) => values[*a].permuted_axes(order.iter().copied()),
            Step::Flip(a, axis) => values[*a].invert_axis(*axis),
            Step::InsertAxis(a, at) => values[*a].insert_axis(*at),
            Step::RemoveAxis(a, at) => values[*a].remove_axis(*at),
            Step::Broadcast(a, shape) => values[*a].broadcast(shape.iter().copied()),
            Step::Diagonal(a, offset, axis1, axis2) => values[*a].diagonal(*offset, *axis1, *axis2),
            Step::Reshape(a, shape) => values[*a].reshape(shape.iter().copied()),
            Step::Reduce(op, a, list, keep) => values[*a].reduce(*op, axes(list, *keep)),
            Step::Mean(a, list, keep) => values[*a].mean_over(axes(list, *keep)),
        }
    }

    /// Whether the sign of a zero in this step's floats is open, given the same of its operands; `None` if the step would make
    /// more of an open sign than the sign of a zero (`1 / -0` is not `1 / 0`), so that no judge could tell right from wrong.
    pub(super) fn zero_sign(&self, open: &dyn Fn(usize) -> bool, result: DType) -> Option<bool> {
        use BinaryOp::*;
        let any = self.operands().into_iter().any(open);
        let spoiled = match self {
            Step::Binary(Div, _, b) => open(*b),
            Step::BinaryWeak(Div, _, _, weak_first) => *weak_first && any,
            Step::Binary(FloorDiv | Rem | Fmod | Pow | Atan2, ..) | Step::BinaryWeak(FloorDiv | Rem | Fmod | Pow | Atan2, ..) => any,
            _ => false,
        };
        let made =
            matches!(self, Step::Binary(Min | Max, ..) | Step::BinaryWeak(Min | Max, ..) | Step::Reduce(ReduceOp::Min | ReduceOp::Max, ..));
        (!spoiled).then_some(result.is_float() && (any || made))
    }
}

impl Program {
    /// The inputs as named arguments.
    pub fn declare(&self, dims: Dims) -> Vec<DynExpr<'static>> {
        let extent = |&n: &usize| if dims == Dims::Named && n != 1 { Dim::named(&format!("d{n}")) } else { Dim::from(n) };
        let declare = |i: &Input| {
            let shape = Shape::of(i.value.shape.iter().map(extent));
            DynExpr::input(&i.name, i.value.dtype, shape, i.place.swapped)
        };
        self.inputs.iter().map(declare).collect()
    }

    /// Every value over these inputs, the inputs included.
    pub fn values<'a>(&self, inputs: &[DynExpr<'a>]) -> Vec<DynExpr<'a>> {
        let mut values = inputs.to_vec();
        for step in &self.steps {
            values.push(step.apply(&values));
        }
        values
    }

    /// The named results over these inputs.
    pub fn outputs<'a>(&self, inputs: &[DynExpr<'a>]) -> Vec<(String, DynExpr<'a>)> {
        let values = self.values(inputs);
        self.outputs.iter().map(|o| (o.name.clone(), values[o.value].clone())).collect()
    }

    /// The values of the inputs, by name.
    pub fn bindings(&self) -> Vec<(String, Tensor)> {
        self.inputs.iter().map(|i| (i.name.clone(), i.value.clone())).collect()
    }

    /// For every value whether the sign of its zeros is open.
    pub(super) fn zero_signs(&self) -> Vec<bool> {
        let values = self.values(&self.declare(Dims::Fixed));
        let mut open = vec![false; self.inputs.len()];
        for (k, step) in self.steps.iter().enumerate() {
            let next = step.zero_sign(&|a| open[a], values[self.inputs.len() + k].dtype());
            open.push(next.unwrap_or(true));
        }
        open
    }

    /// The program that computes one value of this one, without the steps that it does not need.
    pub fn only(&self, value: usize) -> Program {
        let first = self.inputs.len();
        let mut live = vec![false; first + self.steps.len()];
        live[value] = true;
        for (k, step) in self.steps.iter().enumerate().rev() {
            if live[first + k] {
                step.operands().into_iter().for_each(|o| live[o] = true);
            }
        }
        let mut number: Vec<usize> = (0..first).collect();
        let mut steps = Vec::new();
        for (k, step) in self.steps.iter().enumerate() {
            number.push(first + steps.len());
            if live[first + k] {
                let mut step = step.clone();
                step.operands_mut().into_iter().for_each(|o| *o = number[*o]);
                steps.push(step);
            }
        }
        let class = if self.zero_signs()[value] { Class::ZeroSignOpen } else { Class::Exact };
        Program { inputs: self.inputs.clone(), steps, outputs: vec![Output { name: "y0".into(), value: number[value], class }] }
    }

    /// The shortest part of this program that still fails, if a single value of it does; else the program itself.
    pub fn shrunk(&self, fails: &mut dyn FnMut(&Program) -> bool) -> Program {
        let parts = (0..self.inputs.len() + self.steps.len()).map(|value| self.only(value));
        parts.filter(|p| fails(p)).min_by_key(|p| p.steps.len()).unwrap_or_else(|| self.clone())
    }
}

/// One line per input, step and output, with types and shapes.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.values(&self.declare(Dims::Fixed));
        for (k, i) in self.inputs.iter().enumerate() {
            let Place { strides, first, swapped, .. } = &i.place;
            let order = if *swapped { ", bytes swapped" } else { "" };
            writeln!(f, "{k}: {} = {}{:?}, strides {strides:?} from byte {first}{order}", i.name, i.value.dtype, i.value.shape)?;
        }
        for (k, step) in self.steps.iter().enumerate() {
            let k = k + self.inputs.len();
            writeln!(f, "{k}: {step:?} : {}{}", values[k].dtype(), values[k].shape())?;
        }
        for o in &self.outputs {
            writeln!(f, "{} = {} ({:?})", o.name, o.value, o.class)?;
        }
        Ok(())
    }
}
