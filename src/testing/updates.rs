//! Random programs of statements as one writes them in NumPy: `x[1:] += y[:-1] * x[::-1]`, each over what the ones before it
//! left, with reads that overlap what is written.

use crate::dtype::DType;
use crate::expr::{DynExpr, Weak};
use crate::interp::Tensor;
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};
use crate::testing::generate::random_order;
use crate::testing::{Class, Dims, Input, Output, Place, Program, Rng, Step, random::random_float, random_scalar};
use crate::view::Slice;

/// Extents at which vectors, their unrolled loops and their last turns differ, and the smallest ones.
const EXTENTS: [usize; 16] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 65, 130];

/// The largest number of elements of an array.
const LARGEST: usize = 1500;

impl Program {
    /// The program of a seed whose statements assign to regions of its arguments, which it then updates in place. It builds and
    /// runs with fixed dims; equal seeds give equal programs.
    pub fn random_updates(seed: u64) -> Program {
        Program::random_statements(seed, false)
    }

    /// As [`random_updates`](Program::random_updates), with statements that write to elements at computed indices among the others.
    pub fn random_scatters(seed: u64) -> Program {
        Program::random_statements(seed, true)
    }

    fn random_statements(seed: u64, scatters: bool) -> Program {
        let mut rng = Rng::new(seed ^ 0x005e_ed0f_0b5e_55ed);
        let program = Program { inputs: random_arrays(&mut rng), steps: Vec::new(), outputs: Vec::new() };
        let values = program.declare(Dims::Fixed);
        let versions = (0..values.len()).map(|k| vec![k]).collect();
        let mut w = Writer { open: vec![false; values.len()], program, values, versions, rng, scatters };
        let wanted = 1 + w.rng.below(8);
        for _ in 0..wanted {
            // A statement may turn out impossible, such as one that reads an empty array in a region that is not.
            (0..5).find(|_| w.statement().is_some());
        }
        w.finish()
    }
}

fn random_arrays(rng: &mut Rng) -> Vec<Input> {
    let rank = *rng.pick(&[1, 1, 2, 2, 2, 3]);
    let square = rng.one_in(2);
    let extent = |rng: &mut Rng| if rng.one_in(6) { *rng.pick(&EXTENTS) } else { EXTENTS[2 + rng.below(EXTENTS.len() - 2)] };
    let n = extent(rng);
    let mut base: Vec<usize> = (0..rank).map(|_| if square { n } else { extent(rng) }).collect();
    while base.iter().product::<usize>() > LARGEST {
        base.iter_mut().for_each(|n| *n = n.div_ceil(2));
    }
    let favourite =
        *rng.pick(&[DType::F64, DType::F64, DType::F32, DType::I32, DType::U8, DType::I64, DType::I8, DType::U16, DType::U32, DType::U64]);
    (0..1 + rng.below(3))
        .map(|k| {
            let mut shape = base.clone();
            match rng.below(8) {
                0 if rank > 1 => drop(shape.remove(0)),
                1 => shape.reverse(),
                2 => shape[rng.below(rank)] = 1 + rng.below(9),
                _ => {}
            }
            let dtype = if rng.one_in(6) { *rng.pick(DType::REAL) } else { favourite };
            // Special values would soon make everything NaN, in whatever order it is computed.
            let element = |rng: &mut Rng| if dtype.is_float() { random_float(rng, dtype) } else { random_scalar(rng, dtype) };
            let data = (0..shape.iter().product()).map(|_| element(rng)).collect();
            let place = Place::random_output(rng, dtype, &shape);
            Input { name: format!("x{k}"), value: Tensor { dtype, shape, data }, place }
        })
        .collect()
}

struct Writer {
    rng: Rng,
    program: Program,
    values: Vec<DynExpr<'static>>,
    open: Vec<bool>,
    /// What each array has been, one after another.
    versions: Vec<Vec<usize>>,
    /// Whether some statements write at computed indices.
    scatters: bool,
}

impl Writer {
    /// Adds a step, unless it is refused.
    fn push(&mut self, step: Step) -> Option<usize> {
        let next = step.apply(&self.values);
        let small = next.shape().as_fixed().is_some_and(|s| s.iter().product::<usize>() <= 2 * LARGEST);
        if next.check().is_err() || !small {
            return None;
        }
        let open = step.zero_sign(&|a| self.open[a], next.dtype())?;
        self.program.steps.push(step);
        self.values.push(next);
        self.open.push(open);
        Some(self.values.len() - 1)
    }

    fn shape(&self, value: usize) -> Vec<usize> {
        self.values[value].shape().as_fixed().unwrap_or_default()
    }

    /// What array `k` is at this point; an earlier version now and then.
    fn version(&mut self, k: usize, earlier: usize) -> usize {
        let list = &self.versions[k];
        if self.rng.one_in(earlier) { *self.rng.pick(list) } else { list[list.len() - 1] }
    }

    /// One assignment to one array.
    fn statement(&mut self) -> Option<()> {
        let k = self.rng.below(self.versions.len());
        let base = self.version(k, 10);
        let shape = self.shape(base);
        let statement = if self.scatters && self.rng.one_in(3) { 12 } else { self.rng.below(12) };
        let made = match statement {
            // The whole array, maybe with less of itself: x -= x.mean(axis).
            0 | 1 => {
                let value = self.expression(k, &shape)?;
                let op = self.rng.plain_op();
                let value = if self.rng.one_in(2) { self.push(Step::Binary(op, base, value))? } else { value };
                let cast = self.push(Step::Cast(value, self.values[base].dtype()))?;
                if self.shape(cast) == shape { cast } else { self.push(Step::Assign(base, vec![], cast))? }
            }
            2 => {
                let views = self.views(&shape);
                let mut shown = self.values[base].clone();
                for view in &views {
                    shown = view.apply(&[shown]);
                }
                shown.check().ok()?;
                let value = self.expression(k, &shown.shape().as_fixed()?)?;
                self.push(Step::AssignView(base, views, value))?
            }
            3 => {
                let axis = self.rng.below(shape.len()) as isize;
                let shift = self.rng.between(-3, 3);
                self.push(Step::Roll(base, shift, axis))?
            }
            12 => self.scatter(k, base, &shape)?,
            n => {
                let (items, extents) = self.region(&shape);
                let value = self.expression(k, &extents)?;
                if n < 8 {
                    let op = self.rng.plain_op();
                    self.push(Step::Update(op, base, items, value))?
                } else {
                    self.push(Step::Assign(base, items, value))?
                }
            }
        };
        self.versions[k].push(made);
        Some(())
    }

    /// Values written at computed indices, which may be read from the array itself.
    fn scatter(&mut self, k: usize, base: usize, shape: &[usize]) -> Option<usize> {
        let axis = self.rng.below(shape.len());
        // There is no index into an axis of nothing.
        (shape[axis] > 0).then_some(())?;
        let count = *self.rng.pick(&[1, 2, 5, 16, 33]);
        let index = self.read(k, &[count])?;
        (self.shape(index).len() == 1).then_some(())?;
        let extents = [&shape[..axis], &self.shape(index), &shape[axis + 1..]].concat();
        let value = self.expression(k, &extents)?;
        let op = if self.rng.one_in(4) { None } else { Some(self.rng.plain_op()) };
        // `bool` has no arithmetic.
        let op = op.map(|op| if self.values[base].dtype() == DType::Bool { BinaryOp::Xor } else { op });
        self.push(Step::Scatter { op, base, axis, index, value })
    }

    /// Views that make up a region.
    fn views(&mut self, shape: &[usize]) -> Vec<Step> {
        let rank = shape.len() as isize;
        let mut views = Vec::new();
        if rank > 1 && self.rng.one_in(2) {
            views.push(Step::Diagonal(0, self.rng.between(-2, 2), 0, 1));
            if self.rng.one_in(2) {
                views.push(Step::Flip(0, -1));
            }
            return views;
        }
        views.push(Step::Permute(0, random_order(&mut self.rng, shape.len())));
        if self.rng.one_in(2) {
            views.push(Step::Flip(0, self.rng.between(-rank, rank - 1)));
        }
        if self.rng.one_in(2) {
            views.push(Step::Slice(0, vec![Slice::Range { start: Some(1), stop: None, step: 1 }]));
        }
        views
    }

    /// A region of an array, with its shape.
    fn region(&mut self, shape: &[usize]) -> (Vec<Slice>, Vec<usize>) {
        let (mut items, mut extents) = (Vec::new(), Vec::new());
        for &n in shape {
            let extent = match self.rng.below(8) {
                0 if n > 0 && self.rng.one_in(2) => {
                    let index = self.rng.below(n) as isize;
                    items.push(Slice::Index(if self.rng.one_in(2) { index } else { index - n as isize }));
                    continue;
                }
                0 | 1 => n.min(1),
                2 | 3 => n,
                4 | 5 => n.saturating_sub(self.rng.below(4)),
                6 => n.div_ceil(2),
                _ => self.rng.below(n + 1),
            };
            items.push(self.range(n, extent));
            extents.push(extent);
        }
        (items, extents)
    }

    /// A slice of `extent` of `n` elements, written in one of the ways that there are.
    fn range(&mut self, n: usize, extent: usize) -> Slice {
        let (n, extent) = (n as isize, extent as isize);
        if extent == n && self.rng.one_in(2) {
            return Slice::FULL;
        }
        let mut step = *self.rng.pick(&[1, 1, 1, 1, 2, 2, 3]);
        if (extent - 1) * step + 1 > n {
            step = 1;
        }
        let reach = if extent > 0 { (extent - 1) * step + 1 } else { 0 };
        let room = n - reach;
        let low = if self.rng.one_in(3) { *self.rng.pick(&[0, room]) } else { self.rng.between(0, room) };
        let (first, end, step) = match self.rng.below(4) {
            // From the last element down.
            0 if extent > 0 => (low + reach - 1, low - 1, -step),
            _ => (low, low + reach, step),
        };
        // Bounds count from the start or from the end, and those at the ends need not be written.
        let from_end = |k: isize| k - n;
        let start = match self.rng.below(3) {
            0 if first == if step > 0 { 0 } else { n - 1 } => None,
            1 if first < n => Some(from_end(first)),
            _ => Some(first),
        };
        let stop = if end < 0 || (end >= n && self.rng.one_in(2)) {
            None
        } else if end < n && !self.rng.one_in(3) {
            Some(from_end(end))
        } else {
            Some(end)
        };
        Slice::Range { start, stop, step }
    }

    /// A value that stretches to a shape, made from what arrays are or were, most often from `k`.
    fn expression(&mut self, k: usize, shape: &[usize]) -> Option<usize> {
        let mut value = self.read(k, shape)?;
        for _ in 0..self.rng.below(3) {
            let op = self.rng.plain_op();
            value = match self.rng.below(8) {
                0 => {
                    let op = *self.rng.pick(&[UnaryOp::Neg, UnaryOp::Abs, UnaryOp::Sqrt]);
                    self.push(Step::Unary(op, value))
                }
                1 => {
                    let weak = Weak::Int(self.rng.between(1, 3) as i128);
                    self.push(Step::BinaryWeak(op, value, weak, false))
                }
                2 => {
                    let mask = self.push(Step::BinaryWeak(BinaryOp::Gt, value, Weak::Int(0), false))?;
                    let other = self.read(k, shape)?;
                    self.push(Step::Select(mask, value, other))
                }
                _ => {
                    let other = self.read(k, shape)?;
                    self.push(Step::Binary(op, value, other))
                }
            }
            .unwrap_or(value);
        }
        Some(value)
    }

    /// What stretches to a shape, of one version of one array.
    fn read(&mut self, k: usize, shape: &[usize]) -> Option<usize> {
        let array = if self.rng.one_in(3) { self.rng.below(self.versions.len()) } else { k };
        let mut value = self.version(array, 5);
        let mut have = self.shape(value);
        if have.len() > 1 && self.rng.one_in(4) {
            let order = random_order(&mut self.rng, have.len());
            value = self.push(Step::Permute(value, order))?;
            have = self.shape(value);
        }
        let spare = have.len().saturating_sub(shape.len());
        let mut items = Vec::new();
        for (j, &n) in have.iter().enumerate() {
            if j < spare {
                let index = self.rng.below(n) as isize;
                items.push(Slice::Index(if self.rng.one_in(2) { index } else { index - n as isize }));
                continue;
            }
            let wanted = shape[shape.len() + j - have.len()];
            let extent = if n < wanted || self.rng.one_in(8) { 1 } else { wanted };
            if n < extent {
                return None;
            }
            if extent == 1 && n != 1 && !self.rng.one_in(12) {
                // What is one element for all sizes, and so stretches.
                let index = self.rng.below(n) as isize;
                items.extend([Slice::Index(if self.rng.one_in(2) { index } else { index - n as isize }), Slice::NewAxis]);
                continue;
            }
            items.push(self.range(n, extent));
        }
        value = self.push(Step::Slice(value, items))?;
        if !have.is_empty() && have.len() > spare && self.rng.one_in(8) {
            let axis = -1 - self.rng.below(have.len() - spare) as isize;
            let op = *self.rng.pick(&[ReduceOp::Sum, ReduceOp::Sum, ReduceOp::Max, ReduceOp::Prod]);
            // The largest of nothing is refused when the program runs.
            if self.shape(value).contains(&0) {
                return Some(value);
            }
            let reduced = if self.rng.one_in(4) { Step::Mean(value, vec![axis], true) } else { Step::Reduce(op, value, vec![axis], true) };
            value = self.push(reduced)?;
        }
        Some(value)
    }

    fn finish(mut self) -> Program {
        let mut chosen: Vec<(usize, Option<usize>)> = Vec::new();
        for k in 0..self.versions.len() {
            let last = self.version(k, 8);
            chosen.push((last, (!self.rng.one_in(6)).then_some(k)));
            // Others look at what it was on the way.
            for n in 0..self.versions[k].len() {
                if self.rng.one_in(5) {
                    let version = self.versions[k][n];
                    let shape = self.shape(version);
                    let shown = match self.rng.below(3) {
                        0 => Some(version),
                        1 => self.push(Step::BinaryWeak(BinaryOp::Mul, version, Weak::Int(3), false)),
                        _ => {
                            let (items, _) = self.region(&shape);
                            self.push(Step::Slice(version, items))
                        }
                    };
                    chosen.extend(shown.map(|v| (v, None)));
                }
            }
        }
        for n in (1..chosen.len()).rev() {
            chosen.swap(n, self.rng.below(n + 1));
        }
        self.program.outputs = (chosen.into_iter().enumerate())
            .map(|(k, (value, updates))| {
                let class = if self.open[value] { Class::ZeroSignOpen } else { Class::Exact };
                Output { name: format!("y{k}"), value, class, updates }
            })
            .collect();
        self.program.without_dead_steps()
    }
}

impl Rng {
    /// An operation that shows when an operand is read too late, and does not lead to NaN.
    fn plain_op(&mut self) -> BinaryOp {
        *self.pick(&[BinaryOp::Add, BinaryOp::Add, BinaryOp::Sub, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Min])
    }
}
