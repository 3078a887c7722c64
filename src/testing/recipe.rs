//! A random program as a list of steps, which can be played over inputs of any kind: named arguments, borrowed arrays,
//! extents as numbers or as named dims.

use std::fmt;

use crate::dtype::{DType, Scalar};
use crate::expr::{Axes, DynExpr, DynOperand, Pad, Weak, infer, pieces};
use crate::interp::Tensor;
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};
use crate::shape::{Dim, Shape};
use crate::size::Size;
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
    /// The input in whose memory a kernel should store it. At most one output for each input, of its type and shape; the input
    /// has a place that may be written to.
    pub updates: Option<usize>,
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
    /// `a[items] = b`, as an array of its own.
    Assign(usize, Vec<Slice>, usize),
    /// An assignment to what some views show of the array, one view of another: steps whose own operand means nothing.
    AssignView(usize, Vec<Step>, usize),
    /// `a[items] op= b`.
    Update(BinaryOp, usize, Vec<Slice>, usize),
    /// Values written along an axis, in order, at the remainders of an index array by its extent: `np.add.at`, or `a[index] = b`.
    Scatter {
        op: Option<BinaryOp>,
        base: usize,
        axis: usize,
        index: usize,
        value: usize,
    },
    Concatenate(Vec<usize>, isize),
    Stack(Vec<usize>, isize),
    Roll(usize, isize, isize),
    /// One axis, elements before it and after it.
    Pad(usize, Pad<Scalar>, isize, usize, usize),
    Tile(usize, Vec<usize>),
    Repeat(usize, usize, isize),
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
            Roll(a, ..) | Pad(a, ..) | Tile(a, _) | Repeat(a, ..) => vec![a],
            Binary(_, a, b) | Assign(a, _, b) | AssignView(a, _, b) | Update(_, a, _, b) => vec![a, b],
            Concatenate(list, _) | Stack(list, _) => list.iter_mut().collect(),
            Select(a, b, c) | Scatter { base: a, index: b, value: c, .. } => vec![a, b, c],
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
            Step::Assign(a, items, b) => values[*a].at(items).set(&values[*b]),
            Step::AssignView(a, views, b) => assign_view(&values[*a], views, &values[*b]),
            Step::Update(op, a, items, b) => values[*a].at(items).update(*op, &values[*b]),
            Step::Scatter { op, base, axis, index, value } => {
                let (base, value) = (&values[*base], &values[*value]);
                let extent = base.shape().extents().get(*axis).cloned().unwrap_or(Size::ONE);
                let extent = DynExpr::from_node(infer::size_of(extent, None));
                let index = DynExpr::binary(BinaryOp::Rem, values[*index].astype(DType::I64), extent);
                let region = base.at_indices(index, *axis);
                match op {
                    Some(op) => region.update(*op, value),
                    None => region.set(value),
                }
            }
            Step::Concatenate(list, axis) | Step::Stack(list, axis) => {
                // Of the first one's type, so that most proposals are good.
                let dtype = values[list[0]].dtype();
                let parts: Vec<_> = list.iter().map(|&k| values[k].astype(dtype).into_node()).collect();
                let join = if matches!(self, Step::Stack(..)) { pieces::stacked } else { pieces::joined };
                DynExpr::from_node(join(&parts, dtype, (*axis).into(), None))
            }
            Step::Roll(a, shift, axis) => values[*a].roll(*shift, *axis),
            Step::Pad(a, mode, axis, before, after) => {
                let (node, dtype) = (values[*a].node(), values[*a].dtype());
                let mode = match mode {
                    Pad::Constant(x) => Pad::Constant(infer::constant(x.cast(dtype), None)),
                    Pad::Edge => Pad::Edge,
                    Pad::Reflect => Pad::Reflect,
                    Pad::Wrap => Pad::Wrap,
                };
                DynExpr::from_node(pieces::pad(node, &mode, (*axis).into(), *before, *after, None))
            }
            Step::Tile(a, counts) => values[*a].tile(counts),
            Step::Repeat(a, count, axis) => values[*a].repeat(*count, *axis),
        }
    }

    /// True for what puts an array together from pieces.
    pub fn is_put_together(&self) -> bool {
        use Step::*;
        matches!(
            self,
            Assign(..)
                | AssignView(..)
                | Update(..)
                | Scatter { .. }
                | Concatenate(..)
                | Stack(..)
                | Roll(..)
                | Pad(..)
                | Tile(..)
                | Repeat(..)
        )
    }

    /// Whether the sign of a zero in this step's floats is open, given the same of its operands; `None` if the step would make
    /// more of an open sign than the sign of a zero (`1 / -0` is not `1 / 0`), so that no judge could tell right from wrong.
    pub(super) fn zero_sign(&self, open: &dyn Fn(usize) -> bool, result: DType) -> Option<bool> {
        use BinaryOp::*;
        let any = self.operands().into_iter().any(open);
        let spoiled = match self {
            Step::Binary(Div, _, b) => open(*b),
            Step::BinaryWeak(Div, _, _, weak_first) => *weak_first && any,
            Step::Update(Div, _, _, b) | Step::Scatter { op: Some(Div), value: b, .. } => open(*b),
            Step::Binary(op, ..) | Step::BinaryWeak(op, ..) | Step::Update(op, ..)
                if *op == Fmod || op.is_expanded(crate::dtype::Class::Float) =>
            {
                any
            }
            _ => false,
        };
        let made = matches!(
            self,
            Step::Binary(Min | Max, ..)
                | Step::BinaryWeak(Min | Max, ..)
                | Step::Update(Min | Max, ..)
                | Step::Scatter { op: Some(Min | Max), .. }
                | Step::Reduce(ReduceOp::Min | ReduceOp::Max, ..)
        );
        (!spoiled).then_some(result.is_float() && (any || made))
    }
}

/// `base` with `value`, converted, in what the views show of it.
fn assign_view<'a>(base: &DynExpr<'a>, views: &[Step], value: &DynExpr<'a>) -> DynExpr<'a> {
    let shown = views.iter().fold(base.clone(), |x, view| view.apply(&[x]));
    if shown.check().is_err() {
        return shown;
    }
    // What stretches without an array behind it has no regions.
    let Some(region) = pieces::view_of(shown.node(), base.node()) else { return base.clone() };
    DynExpr::from_node(pieces::assign(base.node(), &region, value.astype(base.dtype()).node(), None))
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

    /// Whether a kernel should be given the memory of an input: about half of those that may be written to and that no output updates,
    /// the same ones each time.
    pub fn gives_away(&self, input: usize) -> bool {
        let updated = self.outputs.iter().any(|o| o.updates == Some(input));
        (input + self.steps.len()).is_multiple_of(2) && self.inputs[input].place.may_be_written() && !updated
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
        let class = if self.zero_signs()[value] { Class::ZeroSignOpen } else { Class::Exact };
        let outputs = vec![Output { name: "y0".into(), value, class, updates: None }];
        Program { inputs: self.inputs.clone(), steps: self.steps.clone(), outputs }.without_dead_steps()
    }

    /// A short part of this program that still fails: a single value of it if one does, and then whatever can be left out.
    pub fn shrunk(&self, fails: &mut dyn FnMut(&Program) -> bool) -> Program {
        let parts = (0..self.inputs.len() + self.steps.len()).map(|value| self.only(value));
        let mut small = parts.filter(|p| fails(p)).min_by_key(|p| p.steps.len()).unwrap_or_else(|| self.clone());
        while let Some(next) = small.simpler().into_iter().find(|p| fails(p)) {
            small = next;
        }
        small
    }

    /// Programs with one thing less.
    fn simpler(&self) -> Vec<Program> {
        let mut found = Vec::new();
        let first = self.inputs.len();
        let values = self.values(&self.declare(Dims::Fixed));
        for k in 0..self.outputs.len() {
            let mut less = self.clone();
            if self.outputs.len() > 1 {
                less.outputs.remove(k);
                found.push(less.without_dead_steps());
            }
            if self.outputs[k].updates.is_some() {
                let mut less = self.clone();
                less.outputs[k].updates = None;
                found.push(less);
            }
        }
        // A value that is not computed: what reads it reads one of its operands.
        for (k, step) in self.steps.iter().enumerate() {
            let value = first + k;
            let same = |o: &usize| (values[*o].dtype(), values[*o].shape()) == (values[value].dtype(), values[value].shape());
            for o in step.operands().into_iter().filter(same) {
                let mut less = self.clone();
                let uses = less.steps.iter_mut().flat_map(|s| s.operands_mut()).chain(less.outputs.iter_mut().map(|o| &mut o.value));
                uses.filter(|at| **at == value).for_each(|at| *at = o);
                found.push(less.without_dead_steps());
            }
        }
        for k in 0..first {
            let mut less = self.clone();
            less.inputs[k].place = Place::c_order(self.inputs[k].value.dtype, &self.inputs[k].value.shape);
            if less.inputs[k].place != self.inputs[k].place {
                found.push(less);
            }
        }
        found
    }

    pub(super) fn without_dead_steps(mut self) -> Program {
        let first = self.inputs.len();
        let mut live = vec![false; first + self.steps.len()];
        self.outputs.iter().for_each(|o| live[o.value] = true);
        for (k, step) in self.steps.iter().enumerate().rev() {
            if live[first + k] {
                step.operands().into_iter().for_each(|o| live[o] = true);
            }
        }
        let mut number: Vec<usize> = (0..first).collect();
        let mut steps = Vec::new();
        for (k, mut step) in std::mem::take(&mut self.steps).into_iter().enumerate() {
            number.push(first + steps.len());
            if live[first + k] {
                step.operands_mut().into_iter().for_each(|o| *o = number[*o]);
                steps.push(step);
            }
        }
        self.steps = steps;
        self.outputs.iter_mut().for_each(|o| o.value = number[o.value]);
        self
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
            let place = o.updates.map_or(String::new(), |k| format!(", in the memory of {k}"));
            writeln!(f, "{} = {} ({:?}){place}", o.name, o.value, o.class)?;
        }
        Ok(())
    }
}
