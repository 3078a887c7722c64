//! Steps on several threads: in parts of their outermost loop, on the one pool of the process (rayon's).
//!
//! Every element is computed as it would be on one thread, so results do not depend on the number of threads, nor on how a step is
//! cut. A step that takes less time than it costs to wake a thread runs as a whole.

use std::mem::MaybeUninit;

use smallvec::SmallVec;

use super::prepare::Env;
use crate::codegen::{self, Backend, Streaming};
use crate::compile::CompiledStep;
use crate::error::Result;
use crate::kernel::{Access, Amount, Bindings, LoopNest, Operand, Stride, StripArgument};
use crate::machine::Machine;

/// How many threads a run may use.
///
/// The pool is that of the crate `rayon`, whose size is the number of processors unless its users say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Threads {
    /// As many as the pool has, for steps that are worth it.
    #[default]
    Auto,
    /// The calling thread alone.
    One,
    /// At most this many, for steps that are worth it.
    N(usize),
}

impl Threads {
    /// The most threads that a run uses.
    pub fn count(self) -> usize {
        match self {
            Threads::One | Threads::N(0 | 1) => 1,
            // Asking starts the pool, which is better done while a run is prepared than in it.
            Threads::Auto => rayon::current_num_threads(),
            Threads::N(n) => rayon::current_num_threads().min(n),
        }
    }

    /// The most tasks to give the pool at a time: more than threads, so that a thread that was held up does less, but no more where some
    /// of the pool's threads are to be left alone, as each of them takes what there is.
    pub(super) fn tasks(self) -> i64 {
        match self.count() {
            1 => 1,
            n if n < rayon::current_num_threads() => n as i64,
            n => PARTS * n as i64,
        }
    }
}

/// How a run is cut: chosen for speed, unless tests say how.
#[derive(Clone, Copy, Default)]
pub(super) struct Cuts {
    pub threads: Threads,
    /// How many indices steps that run strip by strip, or tile by tile, take at a time.
    pub strip_length: Option<i64>,
    /// How many parts other steps run in.
    pub parts: Option<i64>,
    /// Whether parts run one after another, the last one first: an order between them that matters does not survive it.
    pub backward: bool,
}

/// What a part should take at least, in nanoseconds, for two of them to be faster than one: a little more than it takes to wake a thread and to
/// wait for it (`benches/threads.rs`).
const SHORTEST: i64 = 13_000;
/// More parts than threads, so that a thread that was held up does less.
pub(super) const PARTS: i64 = 4;

/// The most words of arguments that a step in parts may have: each part has its own on the stack.
pub(super) const MOST_WORDS: usize = 128;

/// An axis of a step that is done some indices at a time.
#[derive(Clone)]
pub(super) struct Cut {
    /// Which argument is the number of indices.
    argument: usize,
    /// Bytes from one index to the next, for each address.
    moves: SmallVec<[i64; 8]>,
    extent: i64,
    /// The indices of each part but the last, which may have fewer.
    length: i64,
}

impl Cut {
    pub fn new(axis: &StripArgument, bindings: &Bindings, params: &[i64], length: i64, env: &Env<'_>) -> Result<Cut> {
        let moves = axis.moves.iter().map(|m| env.eval(m)).collect::<Result<_>>()?;
        Ok(Cut { argument: bindings.pointers.len() + axis.param as usize, moves, extent: params[axis.param as usize], length })
    }

    /// The same of code that takes so many more addresses, after those of this.
    pub fn with_addresses(self, more: usize) -> Cut {
        Cut { argument: self.argument + more, ..self }
    }

    /// How many parts there are.
    pub fn count(&self) -> i64 {
        in_parts(self.extent, self.length)
    }

    pub fn extent(&self) -> i64 {
        self.extent
    }

    /// Makes the arguments of the whole those of a run of indices.
    pub fn enter_run(&self, args: &mut [i64], first: i64, length: i64) {
        self.advance(args, first);
        args[self.argument] = length;
    }

    /// Makes the arguments of the whole those of one part.
    fn enter(&self, args: &mut [i64], part: i64) {
        let first = part * self.length;
        self.enter_run(args, first, self.length.min(self.extent - first));
    }

    fn advance(&self, args: &mut [i64], indices: i64) {
        for (address, by) in args.iter_mut().zip(&self.moves) {
            *address = address.wrapping_add(indices.wrapping_mul(*by));
        }
    }
}

/// The part of a step's innermost axis that is done for all indices of the loops outside before the next one is: where operands are walked
/// across their rows, so that the lines that are read stay in the first cache until all of their elements have been used.
pub(super) fn tiles(cuts: Cuts, nest: &LoopNest, bindings: &Bindings, params: &[i64], env: &Env<'_>) -> Result<Option<Cut>> {
    /// Bytes of a cache line.
    const LINE: i64 = 64;
    /// Shorter rows of results are not walked well.
    const SHORTEST: i64 = 64;
    let Some(axis) = &bindings.inner else { return Ok(None) };
    if let Some(length) = cuts.strip_length {
        return Ok(Some(Cut::new(axis, bindings, params, length, env)?));
    }
    let (rank, extent) = (nest.parallel.len(), params[axis.param as usize]);
    let stride = |s: Stride, item: usize| match s {
        Stride::Param(p) => params[p as usize].saturating_abs(),
        known => known.bytes(item).expect("no parameter"),
    };
    let across = |a: &Access| {
        let strides: SmallVec<[i64; 6]> = a.strides[..rank].iter().map(|s| stride(*s, a.dtype.size())).collect();
        let along = |k: usize| (1..LINE).contains(&strides[k]) && params[nest.parallel[k] as usize] >= LINE / strides[k].max(1);
        strides[rank - 1] >= LINE && (0..rank - 1).any(along)
    };
    let lines = nest.accesses.iter().filter(|a| across(a)).count() as i64;
    // A tile takes a quarter of the first-level cache; more where `SHORTEST` asks for them.
    let most_lines = Machine::current().caches[0].bytes as i64 / 4 / LINE;
    if lines == 0 || extent.saturating_mul(lines) <= 2 * most_lines {
        return Ok(None);
    }
    let length = (most_lines / lines).max(SHORTEST) / 16 * 16;
    Ok(Some(Cut::new(axis, bindings, params, length, env)?))
}

/// How a step is cut in parts of its outermost loop.
#[derive(Clone)]
pub(super) struct Parts {
    cut: Cut,
    backward: bool,
}

impl Parts {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.cut.count() as usize
    }

    /// The parts of a step that takes so much; `None` if it is to run as a whole.
    pub fn new(cuts: Cuts, bindings: &Bindings, params: &[i64], cost: &Cost, env: &Env<'_>) -> Result<Option<Parts>> {
        let Some(axis) = &bindings.outer else { return Ok(None) };
        let extent = params[axis.param as usize];
        let worth = cost.parts();
        let most = match cuts.parts {
            Some(parts) => parts,
            // The pool is not asked for, and so not started, for what is too short.
            None if worth < 2 => 1,
            None => worth.min(cuts.threads.tasks()),
        };
        let most = most.min(extent);
        if most < 2 || bindings.pointers.len() + params.len() + 3 > MOST_WORDS {
            return Ok(None);
        }
        // Parts of an axis that is walked element by element should begin with a cache line.
        let length = match (extent - 1) / most + 1 {
            n if n >= 1024 => n.saturating_add(63) / 64 * 64,
            n => n,
        };
        Ok(Some(Parts { cut: Cut::new(axis, bindings, params, length, env)?, backward: cuts.backward }))
    }

    /// Runs all parts of a step with these arguments.
    ///
    /// # Safety
    /// As for the whole step.
    pub unsafe fn run(&self, entry: codegen::Entry, args: &[i64], streams: bool, tiles: Option<&Cut>) {
        let part = |k| {
            let mut own = [0; MOST_WORDS];
            let own = &mut own[..args.len()];
            own.copy_from_slice(args);
            self.cut.enter(own, k);
            // SAFETY: a part of what the caller may run. Parts do not meet: each index of the outermost loop writes elements that no other
            // one writes, and what it reads of an array that is updated it alone overwrites, or else `Bindings::outer` would be none.
            unsafe { enter(entry, own, streams, tiles) };
        };
        match self.backward {
            true => (0..self.cut.count()).rev().for_each(part),
            false => halves(&part, 0, self.cut.count()),
        }
    }
}

/// Runs the parts from one to another on the pool.
fn halves(part: &(impl Fn(i64) + Sync), from: i64, to: i64) {
    if to - from > 1 {
        let middle = (from + to) / 2;
        rayon::join(|| halves(part, from, middle), || halves(part, middle, to));
    } else {
        part(from);
    }
}

/// Calls compiled code, tile by tile if there are tiles. The arguments are as before afterwards.
///
/// # Safety
/// That of the code with these arguments.
pub(super) unsafe fn enter(entry: codegen::Entry, args: &mut [i64], streams: bool, tiles: Option<&Cut>) {
    let Some(cut) = tiles else {
        // SAFETY: the caller's.
        return unsafe { enter_once(entry, args, streams) };
    };
    for _ in 0..cut.count() - 1 {
        args[cut.argument] = cut.length;
        // SAFETY: a part of what the caller may run, and each part once.
        unsafe { enter_once(entry, args, streams) };
        cut.advance(args, cut.length);
    }
    let first = (cut.count() - 1) * cut.length;
    args[cut.argument] = cut.extent - first;
    // SAFETY: as above.
    unsafe { enter_once(entry, args, streams) };
    args[cut.argument] = cut.extent;
    cut.advance(args, -first);
}

/// Calls compiled code. If its results go around the cache, they do so by way of tiles on the stack, whose address is the last
/// argument.
///
/// # Safety
/// That of the code with these arguments.
unsafe fn enter_once(entry: codegen::Entry, args: &mut [i64], streams: bool) {
    if streams {
        // SAFETY: the caller's.
        unsafe { stream(entry, args) }
    } else {
        // SAFETY: the caller's.
        unsafe { entry(args.as_ptr()) }
    }
}

/// # Safety
/// As for `enter_once`.
#[inline(never)]
unsafe fn stream(entry: codegen::Entry, args: &mut [i64]) {
    #[repr(align(64))]
    struct Tiles([MaybeUninit<u8>; Streaming::TILE * Streaming::MOST_TILES]);
    let mut tiles = Tiles([MaybeUninit::uninit(); _]);
    if let Some(word) = args.last_mut() {
        *word = tiles.0.as_mut_ptr() as i64;
    }
    // SAFETY: the caller's; the code has no more stores than there are tiles, and goes through no more elements at a time than fit.
    unsafe { entry(args.as_ptr()) };
    codegen::fence();
}

/// How many threads are to go through strips that take so much together, if any may.
pub(super) fn lanes_worth(cuts: Cuts, cost: &Cost) -> i64 {
    match (cuts.parts, cost.parts()) {
        (Some(parts), _) => parts,
        // The pool is not asked for, and so not started, for what is too short.
        (None, worth) if worth < 2 || cuts.threads.count() < 2 => 1,
        (None, worth) => worth.min(cuts.threads.count() as i64),
    }
}

/// What a step takes, by the model of this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    /// The bytes of arrays and buffers that it touches, not counting windows.
    pub bytes: i64,
    pub work: Amount,
}

impl Cost {
    pub fn new(step: &CompiledStep, params: &[i64], bytes: i64, backend: Backend) -> Cost {
        Cost { bytes, work: step.work.amount(&step.nest, params, backend.vector_bytes(), step.bindings.pairs.is_some()) }
    }

    /// How many nanoseconds it takes on one thread, where nothing else is touched.
    pub fn time(&self) -> i64 {
        let bytes = self.bytes as f64;
        Machine::current().predict(self.work.instructions, bytes, bytes).nanoseconds() as i64
    }

    /// How many parts of it take long enough each.
    pub fn parts(&self) -> i64 {
        self.time() / SHORTEST
    }
}

/// The least range that holds the bytes touched of each operand, from its first element.
pub(super) type Touched = SmallVec<[(Operand, i64, i64); 4]>;

/// Adds a range.
pub(super) fn touch(touched: &mut Touched, operand: Operand, low: i64, high: i64) {
    match touched.iter_mut().find(|(o, ..)| *o == operand) {
        Some((_, l, h)) => (*l, *h) = (low.min(*l), high.max(*h)),
        None => touched.push((operand, low, high)),
    }
}

/// How many bytes there are in all ranges.
pub(super) fn bytes_of(touched: &Touched) -> i64 {
    touched.iter().map(|(_, low, high)| high - low).fold(0, i64::saturating_add)
}

/// How many parts of a length it takes to cover an extent.
pub(super) fn in_parts(extent: i64, length: i64) -> i64 {
    if extent <= 0 { 0 } else { (extent - 1) / length.max(1) + 1 }
}

#[cfg(test)]
mod tests {
    use super::Threads;

    #[test]
    fn fewer_threads_than_the_pool_has_are_no_more_tasks_than_threads() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(6).build().unwrap();
        let tasks =
            pool.install(|| [Threads::One, Threads::N(0), Threads::N(2), Threads::N(6), Threads::N(9), Threads::Auto].map(Threads::tasks));
        assert_eq!(tasks, [1, 1, 2, 24, 24, 24]);
    }
}
