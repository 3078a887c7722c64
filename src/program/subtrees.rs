//! Reductions to one number on several threads: halves of the tree that the order of a reduction is, or halves of those.
//!
//! A half is reduced by the same code as the whole, with its result in a cell; the two are combined as the code would. So the bits
//! are the same for any number of threads. It takes a nest whose results are stored as they are: what else is made of them would be
//! made of the halves.

use smallvec::SmallVec;

use super::prepare::Env;
use super::threads::{Cut, Cuts, MOST_WORDS, PARTS, enter, worth};
use crate::codegen;
use crate::dtype::{DType, Scalar};
use crate::error::Result;
use crate::kernel::{Bindings, Inst, LEAF_LENGTH, LoopNest, left_half};
use crate::ops::BinaryOp;

/// The most results that such a nest has.
const MOST_RESULTS: usize = 8;

/// One result: which argument is the address where it is stored, how far from there, and how halves of it are combined.
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
    /// How often it is halved.
    levels: u32,
    backward: bool,
}

/// The results of a half, each in the first bytes.
type Cells = [[u8; 8]; MOST_RESULTS];

impl Subtrees {
    /// The halves of a step that touches so many bytes; `None` if it is to run as a whole.
    pub fn new(cuts: Cuts, nest: &LoopNest, bindings: &Bindings, params: &[i64], bytes: i64, env: &Env<'_>) -> Result<Option<Subtrees>> {
        let Some(axis) = &bindings.run else { return Ok(None) };
        let levels = match cuts.parts {
            Some(parts) => (parts > 1) as u32 * 2,
            None => {
                let worth = worth(nest, params, bytes);
                // The pool is not asked for, and so not started, for what is too short.
                if worth < 2 || cuts.threads.count() < 2 { 0 } else { worth.min(PARTS * cuts.threads.count() as i64).ilog2() }
            }
        };
        let mut results: SmallVec<[Stored; 1]> = SmallVec::new();
        for store in &nest.stores {
            let access = &nest.accesses[store.access as usize];
            let alone = nest.accesses.iter().filter(|a| a.pointer == access.pointer).count() == 1;
            let Inst::Reduced(r) = nest.insts[store.value.index()] else { return Ok(None) };
            let reduction = nest.reductions[r as usize];
            let dtype = nest.types[reduction.value.index()];
            let Some(combine) = reduction.op.combine(dtype) else { return Ok(None) };
            // Which of two zeros is the least is left open, and would depend on where the halves are.
            if dtype.is_float() && matches!(combine, BinaryOp::Min | BinaryOp::Max) {
                return Ok(None);
            }
            if !alone || access.swapped || access.dtype != dtype {
                return Ok(None);
            }
            results.push(Stored { argument: access.pointer as usize, displacement: access.displacement as i64, combine, dtype });
        }
        if levels == 0 || results.len() > MOST_RESULTS || bindings.pointers.len() + params.len() + 3 > MOST_WORDS {
            return Ok(None);
        }
        let cut = Cut::new(axis, bindings, params, params[axis.param as usize], env)?;
        Ok(Some(Subtrees { cut, results, levels, backward: cuts.backward }))
    }

    /// Runs the step with these arguments.
    ///
    /// # Safety
    /// As for the whole step.
    pub unsafe fn run(&self, entry: codegen::Entry, args: &[i64]) {
        // SAFETY: the caller's.
        let cells = unsafe { self.half(entry, args, 0, self.cut.extent(), self.levels) };
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
