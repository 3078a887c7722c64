//! Random programs: steps are proposed blindly, and those that the front end refuses are thrown away.

use crate::dtype::{DType, Scalar};
use crate::expr::{DynExpr, Pad, Weak};
use crate::interp::Tensor;
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};
use crate::testing::{Class, Dims, Input, Output, Place, Program, Rng, Step, random::random_float, random_scalar};
use crate::view::Slice;

/// The largest number of elements of any value.
const LARGEST: usize = 4096;

/// Extents around the widths of vectors and of their unrolled loops, and around the leaves of a pairwise sum.
const LONG: [usize; 18] = [7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 63, 65, 128, 131, 200, 264, 400, 1031];

impl Program {
    /// The program of a seed. It builds and runs with fixed dims; equal seeds give equal programs.
    pub fn random(seed: u64) -> Program {
        let mut rng = Rng::new(seed);
        let mut program = Program { inputs: random_inputs(&mut rng), steps: Vec::new(), outputs: Vec::new() };
        let mut values = program.declare(Dims::Fixed);
        let mut open = vec![false; values.len()];
        let wanted = 1 + rng.below(12);
        // Most proposals are refused; a program that finds few is a short one.
        for _ in 0..40 * wanted {
            if program.steps.len() == wanted {
                break;
            }
            let step = propose(&mut rng, &values);
            let next = step.apply(&values);
            let small = next.shape().as_fixed().is_some_and(|s| elements(&s) <= LARGEST);
            if next.check().is_err() || !small {
                continue;
            }
            if let Some(is_open) = step.zero_sign(&|a| open[a], next.dtype()) {
                program.steps.push(step);
                values.push(next);
                open.push(is_open);
            }
        }
        let mut unused = vec![true; values.len()];
        program.steps.iter().flat_map(|s| s.operands()).for_each(|o| unused[o] = false);
        unused[..program.inputs.len()].fill(false);
        let last = values.len() - 1;
        let chosen: Vec<usize> = (0..values.len()).filter(|&k| unused[k] || k == last || rng.one_in(12)).collect();
        program.outputs = (chosen.into_iter().enumerate())
            .map(|(k, value)| {
                let class = if open[value] { Class::ZeroSignOpen } else { Class::Exact };
                Output { name: format!("y{k}"), value, class, updates: None }
            })
            .collect();
        program.update_some(&mut rng, &values);
        program
    }

    /// Has some outputs stored in the memory of inputs.
    fn update_some(&mut self, rng: &mut Rng, values: &[DynExpr<'_>]) {
        let mut taken = vec![false; self.inputs.len()];
        for o in 0..self.outputs.len() {
            let x = &values[self.outputs[o].value];
            let fits = |k: &usize| {
                let input = &self.inputs[*k];
                !taken[*k] && input.place.may_be_written() && x.dtype() == input.value.dtype && x.shape() == values[*k].shape()
            };
            if let Some(k) = (0..self.inputs.len()).find(fits)
                && !rng.one_in(3)
            {
                taken[k] = true;
                self.outputs[o].updates = Some(k);
            }
        }
    }
}

fn elements(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Up to four inputs, most with shapes that broadcast against each other.
fn random_inputs(rng: &mut Rng) -> Vec<Input> {
    let base = random_shape(rng);
    let favourite = if rng.one_in(2) { *rng.pick(&[DType::F32, DType::F64]) } else { *rng.pick(DType::REAL) };
    (0..1 + rng.below(4))
        .map(|k| {
            let mut shape = match rng.below(6) {
                0 => random_shape(rng),
                1 => base[rng.below(base.len() + 1)..].to_vec(),
                2 => base.iter().map(|&n| if rng.one_in(2) { 1 } else { n }).collect(),
                _ => base.clone(),
            };
            if rng.one_in(10) {
                shape.reverse();
            }
            let dtype = if rng.one_in(2) { favourite } else { *rng.pick(DType::REAL) };
            // Among special values a sum is soon NaN, which any order of summation gives.
            let plain = dtype.is_float() && rng.one_in(2);
            let element = |rng: &mut Rng| if plain { random_float(rng, dtype) } else { random_scalar(rng, dtype) };
            let data = (0..elements(&shape)).map(|_| element(rng)).collect();
            let mut value = Tensor { dtype, shape, data };
            let place = Place::random(rng, &mut value);
            Input { name: format!("x{k}"), value, place }
        })
        .collect()
}

fn random_shape(rng: &mut Rng) -> Vec<usize> {
    let mut shape: Vec<usize> = (0..rng.below(5)).map(|_| if rng.one_in(12) { rng.below(2) } else { 2 + rng.below(5) }).collect();
    if !shape.is_empty() && rng.one_in(2) {
        let k = rng.below(shape.len());
        shape[k] = *rng.pick(&LONG);
    }
    while elements(&shape) > LARGEST / 2 {
        shape.remove(0);
    }
    shape
}

fn propose(rng: &mut Rng, values: &[DynExpr<'_>]) -> Step {
    let any = |rng: &mut Rng| {
        // Late values more often, so that programs grow deep.
        if rng.one_in(2) { values.len() - 1 - rng.below(values.len().min(3)) } else { rng.below(values.len()) }
    };
    let a = any(rng);
    let shape = values[a].shape().as_fixed().unwrap_or_default();
    let rank = shape.len();
    // Out of range by one now and then: the front end must refuse it.
    let axis = |rng: &mut Rng| {
        let past = isize::from(rng.one_in(20));
        rng.between(-(rank as isize), rank as isize - 1 + past)
    };
    match rng.below(31) {
        24..=26 => Step::Update(*rng.pick(BinaryOp::ALL), a, random_slice(rng, &shape), any(rng)),
        27 | 28 => Step::Assign(a, random_slice(rng, &shape), any(rng)),
        29 => {
            let views = (0..1 + rng.below(3)).map(|_| match rng.below(6) {
                0 => Step::Permute(0, random_order(rng, rank)),
                1 | 2 => Step::Flip(0, axis(rng)),
                3 => Step::Diagonal(0, rng.between(-2, 2), axis(rng), axis(rng)),
                _ => Step::Slice(0, random_slice(rng, &shape)),
            });
            Step::AssignView(a, views.collect(), any(rng))
        }
        30 => match rng.below(6) {
            0 => Step::Concatenate((0..rng.below(3)).map(|_| any(rng)).chain([a]).collect(), axis(rng)),
            1 => Step::Stack((0..rng.below(3)).map(|_| any(rng)).chain([a]).collect(), axis(rng)),
            2 => Step::Roll(a, rng.between(-7, 7), axis(rng)),
            3 => {
                let mode = match rng.below(4) {
                    0 => Pad::Constant(random_scalar(rng, values[a].dtype())),
                    1 => Pad::Edge,
                    2 => Pad::Reflect,
                    _ => Pad::Wrap,
                };
                Step::Pad(a, mode, axis(rng), rng.below(4), rng.below(4))
            }
            4 => Step::Tile(a, (0..1 + rng.below(rank + 1)).map(|_| rng.below(4)).collect()),
            _ => Step::Repeat(a, rng.below(4), axis(rng)),
        },
        0 => {
            let dtype = *rng.pick(DType::REAL);
            Step::Constant(random_scalar(rng, dtype))
        }
        1..=3 => Step::Unary(random_unary(rng), a),
        4..=8 => Step::Binary(*rng.pick(BinaryOp::ALL), a, any(rng)),
        9 | 10 => Step::BinaryWeak(*rng.pick(BinaryOp::ALL), a, random_weak(rng), rng.one_in(3)),
        11 => Step::Select(any(rng), a, any(rng)),
        12 | 13 => Step::Cast(a, *rng.pick(DType::REAL)),
        14 | 15 => Step::Slice(a, random_slice(rng, &shape)),
        16 => Step::Permute(a, random_order(rng, rank)),
        17 => match rng.below(3) {
            0 => Step::Flip(a, axis(rng)),
            1 => Step::InsertAxis(a, axis(rng)),
            _ => Step::RemoveAxis(a, axis(rng)),
        },
        18 => {
            let mut target: Vec<usize> = shape.iter().map(|&n| if n == 1 && rng.one_in(2) { 1 + rng.below(4) } else { n }).collect();
            if rank < 4 && rng.one_in(2) {
                target.insert(0, rng.below(4));
            }
            Step::Broadcast(a, target)
        }
        19 => Step::Diagonal(a, rng.between(-2, 2), axis(rng), axis(rng)),
        20 => Step::Reshape(a, random_reshape(rng, &shape)),
        21 | 22 => Step::Reduce(*rng.pick(ReduceOp::ALL), a, random_axes(rng, rank), rng.one_in(3)),
        _ => Step::Mean(a, random_axes(rng, rank), rng.one_in(3)),
    }
}

pub(super) fn random_order(rng: &mut Rng, rank: usize) -> Vec<isize> {
    let mut order: Vec<isize> = (0..rank as isize).collect();
    (1..rank).for_each(|k| order.swap(k, rng.below(k + 1)));
    order
}

/// One in two is no elementary function, of which there are many.
fn random_unary(rng: &mut Rng) -> UnaryOp {
    let op = *rng.pick(UnaryOp::ALL);
    if op.is_expanded(crate::dtype::Class::Float) && rng.one_in(2) {
        *rng.pick(&[UnaryOp::Neg, UnaryOp::Abs, UnaryOp::Not, UnaryOp::Sqrt, UnaryOp::Floor, UnaryOp::IsNan])
    } else {
        op
    }
}

fn random_weak(rng: &mut Rng) -> Weak {
    match rng.below(5) {
        0 => Weak::Bool(rng.one_in(2)),
        1 | 2 => Weak::Int(rng.between(-3, 9) as i128),
        3 => Weak::Float(*rng.pick(&[2.0, -1.0, 0.5, 0.0, -0.0, 1e300, f64::NAN])),
        _ => match random_scalar(rng, DType::I64) {
            Scalar::I64(k) => Weak::Int(k as i128),
            other => Weak::Float(other.to_f64()),
        },
    }
}

fn random_slice(rng: &mut Rng, shape: &[usize]) -> Vec<Slice> {
    let mut items = Vec::new();
    for &n in shape {
        if rng.one_in(8) {
            items.push(Slice::NewAxis);
        }
        let bound = |rng: &mut Rng| (!rng.one_in(3)).then(|| rng.between(-(n as isize) - 1, n as isize + 1));
        items.push(match rng.below(6) {
            0 => Slice::Index(rng.between(-(n as isize), n as isize)),
            1 => Slice::FULL,
            _ => Slice::Range { start: bound(rng), stop: bound(rng), step: *rng.pick(&[1, 1, 1, 2, 3, -1, -1, -2]) },
        });
    }
    if rng.one_in(4) {
        // Fewer indices than axes, at either end.
        let at = rng.below(items.len() + 1);
        items.truncate(at);
        items.insert(if rng.one_in(2) { 0 } else { at }, Slice::Ellipsis);
    }
    items
}

/// A shape of equal size: extents merged, split, or one left open.
fn random_reshape(rng: &mut Rng, shape: &[usize]) -> Vec<isize> {
    let mut out: Vec<usize> = shape.to_vec();
    for _ in 0..1 + rng.below(3) {
        let k = rng.below(out.len());
        match rng.below(3) {
            0 if k + 1 < out.len() => {
                let next = out.remove(k + 1);
                out[k] *= next;
            }
            1 if k < out.len() => {
                let divisors: Vec<usize> = (1..=out[k]).filter(|d| out[k].is_multiple_of(*d)).collect();
                if !divisors.is_empty() && out.len() < 5 {
                    let d = *rng.pick(&divisors);
                    out[k] /= d;
                    out.insert(k, d);
                }
            }
            _ if out.len() < 5 => out.insert(k, 1),
            _ => {}
        }
    }
    let mut out: Vec<isize> = out.into_iter().map(|n| n as isize).collect();
    if !out.is_empty() && rng.one_in(3) {
        let k = rng.below(out.len());
        out[k] = -1;
    }
    out
}

fn random_axes(rng: &mut Rng, rank: usize) -> Vec<isize> {
    let mut axes = Vec::new();
    for k in 0..rank as isize {
        if rng.one_in(2) {
            axes.push(if rng.one_in(4) { k - rank as isize } else { k });
        }
    }
    axes
}
