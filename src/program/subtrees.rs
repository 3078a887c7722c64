//! Reductions to one number on several threads: halves of the tree that the order of a reduction is, or halves of those.
//!
//! A half is reduced by the same code as the whole, with its result in a cell; the two are combined as the code would. So the bits
//! are the same for any number of threads. Where what is stored is made of the numbers (the quotient of a mean), halves are reduced by
//! code that stores the numbers themselves, and the rest is done on them once, by the functions that constants are folded with.

use std::sync::Arc;

use smallvec::SmallVec;

use super::prepare::Env;
use super::threads::{Cost, Cut, Cuts, MOST_WORDS, enter};
use crate::codegen::{self, Backend, Code};
use crate::compile::Compiler;
use crate::dtype::{DType, Scalar};
use crate::error::Result;
use crate::kernel::{Access, Bindings, Depth, Inst, LEAF_LENGTH, LoopNest, Store, Stride, ValueId, left_half};
use crate::math::{Emit, Eval};
use crate::ops::BinaryOp;

/// The most results that such a nest has.
const MOST_RESULTS: usize = 8;

/// The most instructions that are done once, on the numbers.
const MOST_AFTER: usize = 128;

/// One result of a half: which argument is the address where it is stored, how far from there, and how halves of it are combined.
#[derive(Clone)]
struct Stored {
    argument: usize,
    displacement: i64,
    combine: BinaryOp,
    dtype: DType,
}

/// How a reduction is cut.
#[derive(Clone)]
pub(super) struct Subtrees {
    cut: Cut,
    results: SmallVec<[Stored; 1]>,
    /// What is made of the results, if they are not what is stored.
    after: Option<Arc<After>>,
    /// How often it is halved.
    levels: u32,
    backward: bool,
}

/// What is made of the reduced numbers.
struct After {
    /// Reduces, and stores the numbers at addresses that come after those of the whole.
    code: Arc<Code>,
    /// The addresses of the whole.
    pointers: usize,
    /// What is computed, operands before users, each by the place of its operands in this list.
    insts: Vec<(Inst, DType)>,
    /// What is stored: which of them, at which argument's address, and how far from there.
    stores: SmallVec<[(usize, usize, i64); 1]>,
}

/// The results of a half, each in the first bytes.
type Cells = [[u8; 8]; MOST_RESULTS];

impl Subtrees {
    /// The halves of a step that takes so much; `None` if it is to run as a whole.
    pub fn new(
        cuts: Cuts,
        nest: &LoopNest,
        bindings: &Bindings,
        params: &[i64],
        cost: &Cost,
        backend: Backend,
        env: &Env<'_>,
    ) -> Result<Option<Subtrees>> {
        let Some(axis) = &bindings.run else { return Ok(None) };
        let levels = match cuts.parts {
            Some(parts) => (parts > 1) as u32 * 2,
            None => match cost.parts() {
                // The pool is not asked for, and so not started, for what is too short.
                ..2 => 0,
                worth => worth.min(cuts.threads.tasks()).ilog2(),
            },
        };
        if levels == 0 || bindings.pointers.len() + MOST_RESULTS + params.len() + 3 > MOST_WORDS {
            return Ok(None);
        }
        let (results, after) = match stored_as_they_are(nest) {
            Some(results) => (results, None),
            None => match After::new(nest, backend)? {
                Some((results, after)) => (results, Some(Arc::new(after))),
                None => return Ok(None),
            },
        };
        let cut = Cut::new(axis, bindings, params, params[axis.param as usize], env)?;
        let cut = if after.is_some() { cut.with_addresses(results.len()) } else { cut };
        Ok(Some(Subtrees { cut, results, after, levels, backward: cuts.backward }))
    }

    /// How many parts it runs in.
    pub fn count(&self) -> usize {
        1 << self.levels
    }

    /// Runs the step with these arguments.
    ///
    /// # Safety
    /// As for the whole step.
    pub unsafe fn run(&self, entry: codegen::Entry, args: &[i64]) {
        let mut own = [0; MOST_WORDS];
        let (entry, words) = match &self.after {
            None => {
                own[..args.len()].copy_from_slice(args);
                (entry, args.len())
            }
            Some(after) => (after.code.entry(), after.arguments(args, self.results.len(), &mut own)),
        };
        // SAFETY: the caller's; the code of `After` reads what the step reads.
        let cells = unsafe { self.half(entry, &own[..words], 0, self.cut.extent(), self.levels) };
        if let Some(after) = &self.after {
            let results = self.results.iter().zip(&cells).map(|(stored, cell)| Scalar::from_ne_bytes(stored.dtype, cell));
            // SAFETY: the caller's.
            return unsafe { after.store(results.collect(), args) };
        }
        for (stored, cell) in self.results.iter().zip(&cells) {
            let to = (args[stored.argument] + stored.displacement) as *mut u8;
            // SAFETY: where the step stores this result, which has so many bytes.
            unsafe { to.copy_from_nonoverlapping(cell.as_ptr(), stored.dtype.size()) };
        }
    }

    /// The results over a run of so many positions.
    ///
    /// # Safety
    /// As for `run`.
    unsafe fn half(&self, entry: codegen::Entry, args: &[i64], first: i64, length: i64, levels: u32) -> Cells {
        if levels == 0 || length <= LEAF_LENGTH {
            let mut cells = Cells::default();
            let mut own = [0; MOST_WORDS];
            let own = &mut own[..args.len()];
            own.copy_from_slice(args);
            self.cut.enter_run(own, first, length);
            for (stored, cell) in self.results.iter().zip(&mut cells) {
                own[stored.argument] = cell.as_mut_ptr() as i64 - stored.displacement;
            }
            // SAFETY: it reads a part of what the step may read, and stores nothing but its results, each to a cell that has room for any element.
            unsafe { enter(entry, own, false, None) };
            return cells;
        }
        let left = left_half(length);
        // SAFETY: the caller's.
        let half = |first, length| unsafe { self.half(entry, args, first, length, levels - 1) };
        let (a, b) = match self.backward {
            true => {
                let b = half(first + left, length - left);
                (half(first, left), b)
            }
            false => rayon::join(|| half(first, left), || half(first + left, length - left)),
        };
        let mut cells = Cells::default();
        for (k, stored) in self.results.iter().enumerate() {
            let [x, y] = [&a, &b].map(|cells| Scalar::from_ne_bytes(stored.dtype, &cells[k]));
            let both = stored.combine.eval(x, y).expect("what a reduction combines with is defined on its type");
            both.write_ne_bytes(&mut cells[k]);
        }
        cells
    }
}

/// How halves of what a reduction gives are combined, if that leaves nothing open.
fn combined(nest: &LoopNest, reduction: u32) -> Option<(BinaryOp, DType)> {
    let reduction = nest.reductions[reduction as usize];
    let dtype = nest.types[reduction.value.index()];
    let combine = reduction.op.combine(dtype)?;
    // Which of two zeros is the least is left open, and would depend on where the halves are.
    (!dtype.is_float() || !matches!(combine, BinaryOp::Min | BinaryOp::Max)).then_some((combine, dtype))
}

/// The results of a nest that stores nothing but reduced numbers.
fn stored_as_they_are(nest: &LoopNest) -> Option<SmallVec<[Stored; 1]>> {
    let stored = |store: &Store| {
        let access = &nest.accesses[store.access as usize];
        let alone = nest.accesses.iter().filter(|a| a.pointer == access.pointer).count() == 1;
        let Inst::Reduced(r) = nest.insts[store.value.index()] else { return None };
        let (combine, dtype) = combined(nest, r)?;
        let plain = alone && !access.swapped && access.dtype == dtype;
        plain.then_some(Stored { argument: access.pointer as usize, displacement: access.displacement as i64, combine, dtype })
    };
    nest.stores.iter().map(stored).collect::<Option<_>>().filter(|all: &SmallVec<_>| all.len() <= MOST_RESULTS)
}

impl After {
    /// The nest in two: numbers that halves are reduced to, and what is made of them. `None` where that takes more than they are.
    fn new(nest: &LoopNest, backend: Backend) -> Result<Option<(SmallVec<[Stored; 1]>, After)>> {
        let mut insts = Vec::new();
        let mut places: Vec<Option<usize>> = vec![None; nest.insts.len()];
        let mut stores = SmallVec::new();
        for store in &nest.stores {
            let access = &nest.accesses[store.access as usize];
            let Some(place) = collect(nest, store.value, &mut insts, &mut places) else { return Ok(None) };
            if access.swapped || insts.len() > MOST_AFTER {
                return Ok(None);
            }
            stores.push((place, access.pointer as usize, access.displacement as i64));
        }
        let pointers = nest.pointers as usize;
        let mut partial = nest.clone();
        let mut results = SmallVec::new();
        partial.stores.clear();
        for (r, k) in (0..nest.reductions.len() as u32).zip(pointers..) {
            let value = nest.insts.iter().position(|i| *i == Inst::Reduced(r));
            let (Some(value), Some((combine, dtype))) = (value, combined(nest, r)) else { return Ok(None) };
            let strides = SmallVec::from_elem(Stride::Zero, nest.parallel.len() + nest.reduced.len());
            let access =
                Access { pointer: k as u32, displacement: 0, dtype, swapped: false, strides, picked: SmallVec::new(), inside: false };
            partial.stores.push(Store { access: partial.accesses.len() as u32, value: ValueId::new(value), scatter: None });
            partial.accesses.push(access);
            results.push(Stored { argument: k, displacement: 0, combine, dtype });
        }
        if results.len() > MOST_RESULTS {
            return Ok(None);
        }
        partial.pointers += results.len() as u32;
        debug_assert_eq!(crate::kernel::verify(&partial), Ok(()));
        // What is refused here has code as a whole.
        let Ok(code) = Compiler::host()?.code(&partial, backend.resolve()) else { return Ok(None) };
        Ok(Some((results, After { code, pointers, insts, stores })))
    }

    /// Writes the arguments of the code that reduces, but for the addresses of cells; returns how many there are.
    fn arguments(&self, args: &[i64], cells: usize, own: &mut [i64]) -> usize {
        let (addresses, rest) = args.split_at(self.pointers);
        own[..self.pointers].copy_from_slice(addresses);
        let from = self.pointers + cells;
        own[from..from + rest.len()].copy_from_slice(rest);
        // After the sizes come the table of constants and the two words of `Streaming`.
        own[from + rest.len() - 3] = self.code.table();
        from + rest.len()
    }

    /// Computes and stores what is made of the numbers.
    ///
    /// # Safety
    /// The arguments are those of the whole step, which the caller may run.
    unsafe fn store(&self, reduced: SmallVec<[Scalar; MOST_RESULTS]>, args: &[i64]) {
        let mut values: SmallVec<[Scalar; MOST_AFTER]> = SmallVec::new();
        for (inst, dtype) in &self.insts {
            let v = |x: ValueId| values[x.index()];
            let value = match *inst {
                Inst::Reduced(r) => reduced[r as usize],
                Inst::Const(s) => s,
                Inst::Param(p) => Scalar::I64(args[self.pointers + p as usize]),
                Inst::Unary(op, x) => Eval.unary(op, v(x)),
                Inst::Binary(op, x, y) => Eval.binary(op, v(x), v(y)),
                Inst::Fma(x, y, z) => Eval.fma(v(x), v(y), v(z)),
                Inst::Quotient(x, y, _) => Eval.binary(BinaryOp::Div, v(x), v(y)),
                Inst::Select(c, x, y) => Eval.select(v(c), v(x), v(y)),
                Inst::Rarely(f, c, x, y) => Eval.rarely(f, v(c), v(x), v(y)),
                Inst::Cast(x) => Eval.cast(v(x), *dtype),
                Inst::Bitcast(x) => Eval.bitcast(v(x), *dtype),
                Inst::ShiftRightLogical(x, n) => Eval.shift_right_logical(v(x), n.into()),
                Inst::Load(_) | Inst::LoadAt(..) | Inst::Index(_) | Inst::Pick(..) => unreachable!("`collect` takes no loads"),
            };
            values.push(value);
        }
        for (value, argument, displacement) in &self.stores {
            let (mut bytes, value) = ([0; 8], values[*value]);
            value.write_ne_bytes(&mut bytes);
            let to = (args[*argument] + displacement) as *mut u8;
            // SAFETY: where the step stores this value, which has so many bytes.
            unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), value.dtype().size()) };
        }
    }
}

/// Appends a value's instruction after those of its operands, which it then names by their places in the list; returns its own place.
/// `None` where something is loaded, or computed for each element.
fn collect(nest: &LoopNest, value: ValueId, insts: &mut Vec<(Inst, DType)>, places: &mut [Option<usize>]) -> Option<usize> {
    // Operands come before users, so that one walk over those that are needed is enough.
    let mut needed = vec![false; value.index() + 1];
    needed[value.index()] = true;
    for k in (0..=value.index()).rev().filter(|k| places[*k].is_none()) {
        if needed[k] {
            nest.insts[k].operands().iter().for_each(|o| needed[o.index()] = true);
        }
    }
    for k in (0..=value.index()).filter(|k| needed[*k]) {
        let inst = &nest.insts[k];
        if places[k].is_some() {
            continue;
        }
        if nest.depths[k] == Depth::Reduced || matches!(inst, Inst::Load(_) | Inst::LoadAt(..) | Inst::Index(_) | Inst::Pick(..)) {
            return None;
        }
        places[k] = Some(insts.len());
        let inst = inst.map(|access| access, |o| ValueId::new(places[o.index()].expect("operands come first")));
        insts.push((inst, nest.types[k]));
    }
    places[value.index()]
}
