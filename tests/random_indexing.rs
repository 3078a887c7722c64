//! Random programs of indices, takes, views, merged reshapes and reductions: compiled kernels against the reference evaluator.
#![cfg(feature = "testing")]

use elide::testing::{Rng, Tensor, agree, interpret};
use elide::{ArrayMut, ArrayRef, Axes, BinaryOp, DType, DynExpr, Expr, Kernel, KernelBuilder, Scalar, Shape, Slice};

/// A value of the program and its shape in numbers.
#[derive(Clone)]
struct Value {
    x: DynExpr<'static>,
    shape: Vec<usize>,
}

impl Value {
    fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

struct Program<'r> {
    rng: &'r mut Rng,
    values: Vec<Value>,
    /// True if extents of inputs are dims.
    named: bool,
}

const MOST: usize = 4000;

impl Program<'_> {
    fn below(&mut self, n: usize) -> usize {
        self.rng.below(n)
    }

    fn any(&mut self) -> Value {
        let recent = self.values.len().min(6);
        let at = self.values.len() - 1 - self.below(recent);
        self.values[at].clone()
    }

    /// Integers inside an axis, of some shape.
    fn positions(&mut self, n: usize) -> Option<Value> {
        let v = self.any();
        let whole = if v.x.dtype().is_float() { (v.x * 3.0).floor().astype(DType::I64) } else { v.x.astype(DType::I64) };
        let x = whole.rem(n as i64);
        Some(Value { x: if self.below(3) == 0 { x - n as i64 } else { x }, shape: v.shape }).filter(|_| n > 0)
    }

    fn step(&mut self) -> Option<Value> {
        let v = self.any();
        let rank = v.shape.len();
        let axis = if rank > 0 { self.below(rank) } else { 0 };
        let op = self.below(22);
        if rank == 0 && op > 1 {
            return None;
        }
        Some(match op {
            0 => Value { x: v.x.astype(DType::F64).abs().sqrt(), shape: v.shape },
            1 => Value { x: v.x.astype(DType::F64) * 0.5 + 1.0, shape: v.shape },
            2 => {
                let along = DynExpr::from(Expr::indices(extents(&v.x), axis));
                Value { x: v.x + along, shape: v.shape }
            }
            3 => {
                let n = v.shape[axis];
                let (start, step) = (self.below(n + 1), 1 + self.below(3));
                let mut items = vec![Slice::FULL; axis];
                items.push(Slice::Range { start: Some(start as isize), stop: None, step: step as isize });
                let mut shape = v.shape.clone();
                shape[axis] = (n - start.min(n)).div_ceil(step);
                Value { x: v.x.slice(items), shape }
            }
            4 => Value { x: v.x.flip(axis), shape: v.shape },
            5 | 6 => {
                let other = self.below(rank);
                let mut shape = v.shape.clone();
                shape.swap(axis, other);
                Value { x: v.x.swap_axes(axis, other), shape }
            }
            7 => Value { x: v.x.reshape([-1]), shape: vec![v.count()] },
            8 => {
                let divisors: Vec<usize> = (1..=v.count()).filter(|d| v.count().is_multiple_of(*d)).collect();
                if self.named || divisors.is_empty() {
                    return None;
                }
                let d = divisors[self.below(divisors.len())];
                Value { x: v.x.reshape([v.count() / d, d]), shape: vec![v.count() / d, d] }
            }
            9 | 10 => {
                let mut shape = v.shape.clone();
                shape.remove(axis);
                let x = match self.below(3) {
                    0 if v.shape[axis] > 0 => v.x.argmax_axis(axis),
                    // Which zero the maximum of both is, is not defined; that of either and +0 is +0.
                    1 if v.shape[axis] > 0 => v.x.max_axis(axis) + 0,
                    _ => v.x.sum_axis(axis),
                };
                Value { x, shape }
            }
            11 | 12 => {
                let index = self.positions(v.shape[axis])?;
                let shape = [&v.shape[..axis], &index.shape, &v.shape[axis + 1..]].concat();
                Value { x: v.x.take(index.x, axis), shape }
            }
            13 => {
                let best = v.x.reduce(elide::ReduceOp::ArgMin, Axes::from(axis).keepdims());
                let mut shape = v.shape.clone();
                let empty = std::mem::replace(&mut shape[axis], 1) == 0;
                (!empty).then(|| Value { x: v.x.take_along_axis(best, axis), shape })?
            }
            14 => {
                let length = 1 + self.below(3);
                let mut shape = v.shape.clone();
                shape[axis] = (shape[axis] + 1).checked_sub(length).filter(|n| *n > 0)?;
                shape.push(length);
                Value { x: v.x.windows(axis, length, 1), shape }
            }
            15 | 16 => {
                let index = self.positions(v.shape[axis])?;
                let taken = v.x.take(&index.x, axis);
                let value = match self.below(3) {
                    0 => taken.astype(DType::F64) * 0.5,
                    1 => DynExpr::from(Expr::indices(extents(&taken), 0)),
                    _ => taken.slice([]),
                };
                let op = [BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul][self.below(3)];
                let at = v.x.at_indices(index.x, axis);
                Value { x: if self.below(3) == 0 { at.set(value) } else { at.update(op, value) }, shape: v.shape }
            }
            17 => {
                let best = v.x.reduce(elide::ReduceOp::ArgMin, Axes::from(axis).keepdims());
                let x = v.x.at_indices_along(best, axis).set(-1.5);
                (v.shape[axis] > 0).then_some(Value { x, shape: v.shape })?
            }
            18 => {
                let (n, weights) = (1 + self.below(9), v.x.astype(DType::F64));
                let index = self.positions(n)?;
                let index = index.x.maximum(0);
                let x = if index.shape() == weights.shape() { index.bincount_weighted(weights, n) } else { index.bincount(n) };
                Value { x, shape: vec![n] }
            }
            19 => {
                let bins = 1 + self.below(20);
                Value { x: v.x.histogram(bins, (-10.0, 15.0)), shape: vec![bins] }
            }
            20 => {
                let packed = v.x.compress(v.x.astype(DType::F64).gt(self.below(9)));
                let x = if self.below(3) == 0 { packed.values() + packed.count() } else { packed.values() };
                Value { x, shape: vec![v.count()] }
            }
            _ => {
                let (i, j) = (self.positions(v.shape[0])?, self.positions(*v.shape.get(1)?)?);
                if i.x.shape() != j.x.shape() {
                    return None;
                }
                let shape = [&i.shape[..], &v.shape[2..]].concat();
                Value { x: v.x.take_points(&[i.x, j.x]), shape }
            }
        })
    }
}

fn extents(x: &DynExpr<'static>) -> Vec<elide::Extent> {
    x.shape().extents().iter().cloned().map(Into::into).collect()
}

fn run(seed: u64, named: bool) {
    let rng = &mut Rng::new(seed);
    let shapes: [Vec<usize>; 3] =
        [vec![1 + rng.below(7), 1 + rng.below(40)], vec![1 + rng.below(30)], vec![1 + rng.below(5), 1 + rng.below(5), 1 + rng.below(9)]];
    let mut b: KernelBuilder = Kernel::builder("random");
    let mut values = Vec::new();
    let mut inputs = Vec::new();
    for (k, shape) in shapes.iter().enumerate() {
        let dims: Shape = match named {
            true => Shape::of(shape.iter().map(|n| elide::Dim::named(&format!("d{n}")))),
            false => Shape::fixed(shape),
        };
        let dtype = if k == 1 { DType::I64 } else { DType::F64 };
        let x = b.input_dyn(&format!("x{k}"), dtype, dims, false);
        let number = |rng: &mut Rng| rng.below(400) as f64 / 4.0 - 50.0;
        let data = (0..shape.iter().product()).map(|_| Scalar::F64(number(rng)).cast(dtype)).collect();
        inputs.push((format!("x{k}"), Tensor::new(dtype, shape, data).unwrap()));
        values.push(Value { x, shape: shape.clone() });
    }
    let mut p = Program { rng, values, named };
    for _ in 0..14 {
        if let Some(v) = p.step()
            && v.count() <= MOST
            && v.shape.len() <= 5
            // Some combinations are mistakes (names that do not agree).
            && v.x.check().is_ok()
        {
            p.values.push(v);
        }
    }
    let outputs: Vec<Value> = p.values.iter().skip(3).rev().take(4).cloned().collect();
    let named_outputs: Vec<(String, DynExpr<'static>)> = outputs.iter().enumerate().map(|(k, v)| (format!("y{k}"), v.x.clone())).collect();
    let want = interpret(&named_outputs, &inputs).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    for (name, x) in &named_outputs {
        b.output(name, x.clone());
    }
    let text = || named_outputs.iter().map(|(n, x)| format!("{n} = {x}\n")).collect::<String>();
    let kernel = b.build().unwrap_or_else(|e| panic!("seed {seed}: {e}\n{}", text()));
    let bytes: Vec<Vec<u8>> = inputs.iter().map(|(_, t)| t.to_bytes()).collect();
    let mut results: Vec<Vec<u8>> = want.iter().map(|t| vec![0xa5; t.to_bytes().len()]).collect();
    let mut call = kernel.call();
    let mut binding = call.start();
    for ((name, t), bytes) in inputs.iter().zip(&bytes) {
        binding = binding.bind(name.as_str(), ArrayRef::from_bytes(bytes, t.dtype, &t.shape, false, false).unwrap()).unwrap();
    }
    for ((name, t), bytes) in named_outputs.iter().zip(&want).zip(&mut results).map(|((n, t), b)| ((&n.0, t), b)) {
        binding = binding.bind_mut(name.as_str(), ArrayMut::from_bytes(bytes, t.dtype, &t.shape).unwrap()).unwrap();
    }
    binding.run().unwrap_or_else(|e| panic!("seed {seed}: {e}\n{}", text()));
    drop(binding);
    for (k, (t, bytes)) in want.iter().zip(&results).enumerate() {
        let got = Tensor::from_bytes(t.dtype, &t.shape, bytes).unwrap();
        if let Err(e) = agree(&got, t, elide::testing::Class::Exact) {
            panic!("seed {seed}, named {named}, y{k}: {e}\n{}", text());
        }
    }
}

/// `ELIDE_TEST_SEEDS=1000..2000` for other programs than the usual ones.
fn seeds() -> std::ops::Range<u64> {
    let range = std::env::var("ELIDE_TEST_SEEDS").unwrap_or_else(|_| "0..100".into());
    let (from, to) = range.split_once("..").expect("a range of seeds");
    from.parse().expect("a seed")..to.parse().expect("a seed")
}

#[test]
fn kernels_of_fixed_sizes_agree_with_the_evaluator() {
    seeds().for_each(|seed| run(seed, false));
}

#[test]
fn kernels_of_named_sizes_agree_with_the_evaluator() {
    seeds().for_each(|seed| run(seed, true));
}

/// In the first three a view was copied for a reshape, and another reader of the view read the copy before it was made. In the last a
/// copy of what a take reads was made from indices that come too late for it.
#[test]
fn programs_that_once_failed() {
    for (seed, named) in [(503299, true), (600737, true), (601399, false), (50799, false), (50799, true)] {
        run(seed, named);
    }
}
