//! Everything between binding and running that depends on sizes: the values of named dims, the argument arrays of compiled code,
//! scratch memory, and the check that every access stays inside its operand.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::Kernel;
use super::apart::Apart;
use super::call::Slot;
use super::lanes::{Memory, Strips, reserve};
use super::layouts::LayoutClass;
use super::profile::TurnCost;
use super::strips::{Start, StripFrame, StripPlan, WindowPlan};
use super::subtrees::Subtrees;
use super::threads::{Cost, Cut, Cuts, Parts, Threads, Touched, bytes_of, enter, tiles, touch};
use crate::codegen::{self, Streaming};
use crate::compile::{Compiled, CompiledStep};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Index;
use crate::kernel::{AccessRange, Amount, Bindings, Depth, Inst, LoopNest, Operand, STREAM_FROM, StripArgument, for_each_pair_block};
use crate::layout::Layout;
use crate::report::Requirement;
use crate::schedule::{Room, Strip, StripStep};
use crate::size::{Size, Var};

/// Everything that depends on the layouts of the arrays but not on where they are.
pub(super) struct Prepared {
    pub layouts: Vec<Layout>,
    /// True if the dims are large enough for what is assumed of them.
    pub large: bool,
    /// Keeps the code alive.
    _plan: Arc<Compiled>,
    turns: Vec<Turn>,
    scratch: Vec<Memory>,
    /// The bytes of windows beside those in `scratch`, of further threads.
    lane_bytes: usize,
    /// Those of the axes that computed indices are along.
    pub extents: Vec<i64>,
    /// Where the arrays may lie.
    pub apart: Apart,
}

/// What runs after what.
enum Turn {
    Step(Box<Frame>),
    Strips(Strips),
}

/// A step, with its arguments.
#[derive(Clone)]
pub(super) struct Frame {
    entry: codegen::Entry,
    /// Addresses, sizes, the table of constants, the words of `Streaming`.
    args: Vec<i64>,
    /// For each address: the slot it is in, and the bytes from there.
    addresses: Vec<(Place, i64)>,
    /// The addresses for the arrays as they lie now.
    bases: Vec<i64>,
    /// True if its results go around the cache.
    streams: bool,
    /// How it moves through a strip, if it is part of one.
    strip: Option<StripFrame>,
    /// How it goes over pairs of indices, if it does.
    pairs: Option<Box<PairsFrame>>,
    /// How it runs on several threads, if it does.
    parts: Option<Parts>,
    /// How it reduces to one number on several threads, if it does.
    subtrees: Option<Subtrees>,
    /// How it is cut so that what it walks across stays in the cache, if it is.
    tiles: Option<Cut>,
    /// The step that it is of.
    pub step: usize,
    /// How much it computes.
    pub work: Amount,
    /// The bytes that it touches of each operand, but for windows.
    pub touched: Touched,
    /// Those that a run may use.
    threads: Threads,
}

/// Two axes that are exchanged in pairs.
#[derive(Clone)]
struct PairsFrame {
    /// Which arguments are the numbers of indices.
    arguments: [usize; 2],
    extent: i64,
    /// Bytes from one index to the next along either axis, for each address.
    moves: [Vec<i64>; 2],
}

impl PairsFrame {
    /// Rows and columns that are done at a time: a block and its image fit the first-level cache.
    const BLOCK: i64 = 32;

    fn new(bindings: &Bindings, params: &[i64], env: &Env<'_>) -> Result<Option<Box<PairsFrame>>> {
        let Some((a, b)) = &bindings.pairs else { return Ok(None) };
        let argument = |s: &StripArgument| bindings.pointers.len() + s.param as usize;
        let moves = |s: &StripArgument| s.moves.iter().map(|m| env.eval(m)).collect::<Result<Vec<i64>>>();
        let (arguments, extent) = ([argument(a), argument(b)], params[a.param as usize]);
        Ok(Some(Box::new(PairsFrame { arguments, extent, moves: [moves(a)?, moves(b)?] })))
    }
}

#[derive(Clone, Copy)]
enum Place {
    Slot(usize),
    Scratch(usize),
    /// Addresses that are indices: they begin at 0.
    Nowhere,
}

impl Prepared {
    /// Bytes of memory held between runs.
    pub(super) fn scratch_bytes(&self) -> usize {
        self.scratch.iter().map(Vec::capacity).sum::<usize>() + self.lane_bytes
    }

    /// Takes note of where the arrays are.
    pub(super) fn place(&mut self, slots: &[Slot]) {
        for turn in &mut self.turns {
            match turn {
                Turn::Step(frame) => frame.place(slots, &mut self.scratch, &mut []),
                Turn::Strips(strips) => strips.place(slots, &mut self.scratch),
            }
        }
    }

    /// Runs all steps.
    ///
    /// # Safety
    /// The slots that it was last placed for must have the layouts that this was prepared for, and point to memory that may be
    /// read (inputs) and written (outputs, and inputs that are given away) for as long as the call runs. None that may be written may
    /// overlap anything else, but for the input that an output updates.
    pub(super) unsafe fn run(&mut self) {
        for turn in &mut self.turns {
            // SAFETY: the caller's.
            unsafe { turn.run(&mut self.scratch) };
        }
    }

    /// As `run`, where `each` calls what runs in one go.
    ///
    /// # Safety
    /// As for `run`.
    pub(super) unsafe fn run_by(&mut self, each: &mut dyn FnMut(&mut dyn FnMut())) {
        for turn in &mut self.turns {
            // SAFETY: the caller's.
            each(&mut || unsafe { turn.run(&mut self.scratch) });
        }
    }

    /// What runs in one go, in order.
    pub(super) fn costs(&self) -> Vec<TurnCost> {
        let one = |turn: &Turn| match turn {
            Turn::Step(frame) => TurnCost::of(std::slice::from_ref(&**frame), frame.threads()),
            Turn::Strips(strips) => TurnCost::of(strips.frames(), strips.threads()),
        };
        self.turns.iter().map(one).collect()
    }
}

impl Turn {
    /// # Safety
    /// As for [`Prepared::run`].
    #[inline]
    unsafe fn run(&mut self, scratch: &mut [Memory]) {
        match self {
            // SAFETY: `frame` has checked the accesses of the whole step; the rest is the caller's promise.
            Turn::Step(frame) => unsafe { frame.run(&[]) },
            // SAFETY: as above.
            Turn::Strips(strips) => unsafe { strips.run(scratch) },
        }
    }
}

impl Frame {
    pub(super) fn strip(&self) -> Option<&StripFrame> {
        self.strip.as_ref()
    }

    /// How many threads take part in it, if it runs as one step.
    fn threads(&self) -> usize {
        let parts = match (&self.parts, &self.subtrees) {
            (Some(parts), _) => parts.count(),
            (None, Some(subtrees)) => subtrees.count(),
            (None, None) => 1,
        };
        // The pool is not asked for, and so not started, for what runs as a whole.
        if parts > 1 { parts.min(self.threads.count()) } else { 1 }
    }

    pub(super) fn strip_mut(&mut self) -> Option<&mut StripFrame> {
        self.strip.as_mut()
    }

    /// Takes note of where the arrays are, and windows, in `own` if that is not empty.
    pub(super) fn place(&mut self, slots: &[Slot], scratch: &mut [Memory], own: &mut [Memory]) {
        let strip = self.strip.as_ref().filter(|_| !own.is_empty());
        for (at, (base, (place, offset))) in self.bases.iter_mut().zip(&self.addresses).enumerate() {
            let start = match *place {
                Place::Slot(k) => slots[k].address,
                Place::Scratch(k) if strip.is_some_and(|s| s.is_window(at)) => own[k].as_mut_ptr() as usize,
                Place::Scratch(k) => scratch[k].as_mut_ptr() as usize,
                Place::Nowhere => 0,
            };
            *base = start.wrapping_add_signed(*offset as isize) as i64;
        }
        self.args[..self.bases.len()].copy_from_slice(&self.bases);
    }

    /// Has the step do its part of a strip; false if that is nothing.
    pub(super) fn enter(&mut self, start: Start, plan: &StripPlan) -> bool {
        match &mut self.strip {
            Some(strip) => strip.enter(start, plan, &mut self.args),
            None => false,
        }
    }

    /// # Safety
    /// As for [`Prepared::run`].
    pub(super) unsafe fn run(&mut self, windows: &[WindowPlan]) {
        let Frame { entry, args, bases, strip, pairs, parts, subtrees, tiles, streams, .. } = self;
        let call = |args: &mut [i64]| {
            // SAFETY: the compiled code, which the plan keeps alive, reads `args` as the nest's addresses and sizes, in this order,
            // and touches only what accesses reach: preparing has checked that each stays inside the bytes of its operand, for a
            // whole step and for every part of one that is run here. Scratch slots are disjoint, and nothing refers to them while
            // code runs. A buffer in an output is there only before the output is written (`Schedule::verify`), one in an input that is
            // given away only after that was read (`Compiler::compile`), and one in an array of `bool` is of `bool`; outputs and inputs
            // that are given away overlap nothing else. What arrays may be used for is the caller's promise.
            unsafe { enter(*entry, args, *streams, tiles.as_ref()) }
        };
        match (strip, pairs) {
            (None, None) => match (parts, subtrees) {
                (None, None) => call(args),
                // SAFETY: as above, for a part of what the step reads at a time.
                (None, Some(subtrees)) => unsafe { subtrees.run(*entry, args) },
                // SAFETY: as above, for a part of the step at a time.
                (Some(parts), _) => unsafe { parts.run(*entry, args, *streams, tiles.as_ref()) },
            },
            (Some(strip), _) => {
                move_to(args, bases, |k| strip.moved(k, windows));
                call(args);
            }
            (None, Some(pairs)) => for_each_pair_block(pairs.extent, PairsFrame::BLOCK, &mut |row, rows, column, columns| {
                args[pairs.arguments[0]] = rows;
                args[pairs.arguments[1]] = columns;
                move_to(args, bases, |k| row * pairs.moves[0][k] + column * pairs.moves[1][k]);
                call(args);
            }),
        }
    }
}

/// Writes the addresses, each moved by so many bytes.
fn move_to(args: &mut [i64], bases: &[i64], moved: impl Fn(usize) -> i64) {
    for (k, (arg, base)) in args.iter_mut().zip(bases).enumerate() {
        *arg = base.wrapping_add(moved(k));
    }
}

/// The values of named dims and strides.
pub(super) struct Env<'a> {
    dims: HashMap<Arc<str>, i64>,
    slots: &'a [Slot],
    /// How many rows of each buffer exist at a time, for those that are windows, and how many indices of the axis around them.
    windows: HashMap<u32, (i64, i64)>,
}

impl Env<'_> {
    fn value(&self, var: &Var) -> i64 {
        match var {
            Var::Dim(name) => *self.dims.get(name).expect("building checks that each dim is the extent of an input"),
            Var::Stride { operand, axis } => self.slots[*operand as usize].layout.strides[*axis as usize] as i64,
            Var::Rows { buffer } => self.windows.get(buffer).map_or(1, |w| w.0),
            Var::Planes { buffer } => self.windows.get(buffer).map_or(1, |w| w.1),
        }
    }

    pub(super) fn set_window(&mut self, buffer: u32, rows: i64, planes: i64) {
        self.windows.insert(buffer, (rows, planes));
    }

    pub(super) fn eval(&self, size: &Size) -> Result<i64> {
        size.eval(&|v| self.value(v)).ok_or_else(|| Error::new(ErrorKind::Bind, format!("the size {size} overflows")))
    }
}

/// Finds the values of named dims and checks every extent against them.
fn solve<'a>(kernel: &Kernel, slots: &'a [Slot]) -> Result<Env<'a>> {
    let mut env = Env { dims: HashMap::new(), slots, windows: HashMap::new() };
    for (spec, slot) in kernel.inputs().iter().zip(slots) {
        for (extent, &n) in spec.shape.extents().iter().zip(&slot.layout.shape) {
            if let Some(name) = extent.as_dim() {
                env.dims.entry(name.into()).or_insert(n as i64);
            }
        }
    }
    for (spec, slot) in kernel.inputs().iter().chain(kernel.outputs()).zip(slots) {
        for (axis, (extent, &n)) in spec.shape.extents().iter().zip(&slot.layout.shape).enumerate() {
            let want = env.eval(extent)?;
            // An empty array may have an extent beyond 63 bits, which must not turn negative on its way into a loop.
            if i64::try_from(n) != Ok(want) {
                let meaning = if extent.as_const().is_some() { String::new() } else { format!(" ({extent} = {want})") };
                let text = format!(
                    "`{}` is {}{}{meaning}, but the array has shape {:?}: axis {axis} is {n}, not {want}",
                    spec.name, spec.dtype, spec.shape, slot.layout.shape
                );
                return Err(Error::new(ErrorKind::Bind, text));
            }
        }
    }
    // Sizes that users compute from dims may turn out below zero, anywhere in the program.
    let mut seen = hashbrown::HashSet::new();
    for (_, node) in kernel.0.imported.nodes() {
        for extent in node.shape.extents().iter().filter(|e| e.as_const().is_none() && e.as_dim().is_none()) {
            if seen.insert(extent) && env.eval(extent)? < 0 {
                let err = Error::new(ErrorKind::Shape, format!("the extent {extent} turns out to be {}, below zero", env.eval(extent)?));
                return Err(node.site.map_or(err.clone(), |s| err.at(s)));
            }
        }
    }
    for (equation, site) in kernel.0.graph.equations() {
        let (a, b) = (env.eval(&equation.0)?, env.eval(&equation.1)?);
        if a != b {
            let err = match equation.must_not_be_negative() {
                Some(bound) => Error::new(ErrorKind::Shape, format!("the slice bound {bound} is {a}, below zero"))
                    .help("such a bound would count from the end, as a number below zero does"),
                None => {
                    let text = format!("shapes do not agree: {} is {a}, but {} is {b}", equation.0, equation.1);
                    Error::new(ErrorKind::Shape, text)
                }
            };
            return Err(site.map_or(err.clone(), |s| err.at(s)));
        }
    }
    for Index { index, extent, site } in kernel.0.graph.indices() {
        let (k, n) = (env.eval(index)?, env.eval(extent)?);
        if !(0..n).contains(&k) {
            // A negative index was written relative to the end.
            let written = index.sub(extent).as_const().unwrap_or(k);
            let err = Error::new(ErrorKind::Shape, format!("index {written} is out of bounds for an axis of size {n} ({extent})"));
            return Err(site.map_or(err.clone(), |s| err.at(s)));
        }
    }
    Ok(env)
}

/// The layout classes of arrays, inputs before outputs.
pub(super) fn classes<'a>(kernel: &Kernel, layouts: impl Iterator<Item = &'a Layout>) -> Vec<LayoutClass> {
    let specs = kernel.inputs().iter().chain(kernel.outputs());
    specs.zip(layouts).map(|(spec, layout)| LayoutClass::of(layout, spec.dtype.size())).collect()
}

pub(super) fn prepare(kernel: &Kernel, slots: &[Slot], cuts: Cuts) -> Result<Prepared> {
    let mut env = solve(kernel, slots)?;
    let classes = classes(kernel, slots.iter().map(|s| &s.layout));
    let large = kernel.0.graph.assumptions().iter().all(|a| a.eval(&|v| env.value(v)).is_some_and(|a| a >= 0));
    let plan = kernel.plan(classes, large)?;
    let lengths = super::strips::lengths(&plan, &mut env, cuts, kernel.0.backend)?;
    let mut scratch = Vec::new();
    for bytes in &plan.schedule.slots {
        scratch.push(reserve(env.eval(bytes)?.max(0) as usize)?);
    }
    let mut turns = Vec::new();
    let mut written = vec![0i64; kernel.outputs().len()];
    let mut room = room_for_lanes(kernel, &env, &scratch);
    let mut lane_bytes = 0;
    let mut next = plan.schedule.strips.iter().zip(lengths).peekable();
    let mut strips: Option<Strips> = None;
    for (k, step) in plan.steps.iter().enumerate() {
        let strip = next.peek().filter(|(s, _)| (s.first as usize..s.first as usize + s.steps.len()).contains(&k));
        let part = strip.map(|(s, _)| (*s, &s.steps[k - s.first as usize]));
        let frame = frame(kernel, slots, &env, &plan, k, part, cuts)?;
        if frame.is_some() {
            count_stores(step, &mut written, &env)?;
        }
        let Some((s, lengths)) = strip.copied() else {
            turns.extend(frame.map(|f| Turn::Step(Box::new(f))));
            continue;
        };
        if s.first as usize == k {
            strips = Some(Strips::new(StripPlan::new(s, lengths), super::strips::windows(&plan, s, &env)?));
        }
        if let (Some(strips), Some(frame)) = (&mut strips, frame) {
            strips.push(frame);
        }
        if s.first as usize + s.steps.len() == k + 1 {
            next.next();
            if let Some(mut strips) = strips.take().filter(|s| !s.is_empty()) {
                let bytes = strips.complete(lengths, cuts, scratch.len(), room)?;
                (lane_bytes, room) = (lane_bytes + bytes, room.saturating_sub(bytes as i64));
                turns.push(Turn::Strips(strips));
            }
        }
    }
    covered(kernel, &slots[kernel.inputs().len()..], &written)?;
    let layouts = slots.iter().map(|s| s.layout.clone()).collect();
    let apart = Apart::new(kernel, slots)?;
    let checks = kernel.0.guard.iter().flat_map(|g| &g.checks);
    let extents = checks.map(|c| env.eval(&c.position.extent)).collect::<Result<_>>()?;
    Ok(Prepared { layouts, large, _plan: plan, turns, scratch, lane_bytes, extents, apart })
}

/// How many bytes of windows further threads may have: as many as what was required leaves.
fn room_for_lanes(kernel: &Kernel, env: &Env<'_>, scratch: &[Memory]) -> i64 {
    let held = scratch.iter().map(Vec::capacity).sum::<usize>() as i64;
    let mut room = i64::MAX;
    for required in &kernel.0.required {
        if let Requirement::PeakBytes(bound) = &required.what {
            // A bound that 64 bits do not hold is kept by one thread, as was proved.
            room = room.min(env.eval(bound).map_or(0, |bound| bound.saturating_sub(held)));
        }
    }
    room
}

/// Adds how many elements of each output a step stores.
fn count_stores(step: &CompiledStep, written: &mut [i64], env: &Env<'_>) -> Result<()> {
    let CompiledStep { nest, bindings, .. } = step;
    let mut count = 1i64;
    for extent in &nest.parallel {
        count = count.saturating_mul(env.eval(&bindings.params[*extent as usize])?);
    }
    for store in nest.stores.iter().filter(|s| s.scatter.is_none()) {
        if let Operand::Output(k) = bindings.pointers[nest.accesses[store.access as usize].pointer as usize].0 {
            written[k as usize] = written[k as usize].saturating_add(count);
        }
    }
    Ok(())
}

/// Checks that no output is left in part as it was: it may be memory that was never written. That pieces cover their array is the
/// optimizer's claim; that there are as many stores as elements is seen here.
fn covered(kernel: &Kernel, outputs: &[Slot], written: &[i64]) -> Result<()> {
    for (k, (output, slot)) in kernel.0.graph.outputs().iter().zip(outputs).enumerate() {
        let size = slot.layout.shape.iter().fold(1i64, |n, e| n.saturating_mul(*e as i64));
        if output.in_place.is_none() && written[k] < size {
            let text =
                format!("internal error, please report it: {} of {size} elements of output `{}` would be written", written[k], output.name);
            return Err(Error::new(ErrorKind::Bind, text));
        }
    }
    Ok(())
}

/// The arguments of one step, with every access checked; `None` if there is nothing to do.
fn frame(
    kernel: &Kernel,
    slots: &[Slot],
    env: &Env<'_>,
    plan: &Compiled,
    step: usize,
    part: Option<(&Strip, &StripStep)>,
    cuts: Cuts,
) -> Result<Option<Frame>> {
    let compiled = &plan.steps[step];
    let CompiledStep { nest, bindings, code, .. } = compiled;
    let params = bindings.params.iter().map(|s| env.eval(s)).collect::<Result<Vec<i64>>>()?;
    let extent = |p: &u32| params[*p as usize];
    // Compiled loops count up to their extents and split reductions in halves: neither ends at a negative number.
    if let Some(n) = nest.parallel.iter().chain(&nest.reduced).map(extent).find(|n| *n < 0) {
        return Err(Error::new(ErrorKind::Shape, format!("an extent turns out to be {n}, below zero")));
    }
    // Refused by the reduced extents alone, as in NumPy, also where there is nothing to store.
    // (The kernel that this one guards has refused its own already, and there may be no indices to check.)
    let no_elements = nest.reduced.iter().any(|p| extent(p) <= 0);
    if no_elements && !kernel.0.guarding {
        for r in &nest.reductions {
            if r.op.of_nothing(nest.types[r.value.index()]).is_none() {
                let text = format!("{} of an array with no elements to reduce, which has no answer", r.op.name());
                return Err(Error::new(ErrorKind::Shape, text));
            }
        }
    }
    if nest.parallel.iter().any(|p| extent(p) <= 0) {
        return Ok(None);
    }
    // A view may repeat one element more often than 64 bits count; sizes that overflowed while they were folded are at the end.
    let count = nest.parallel.iter().chain(&nest.reduced).map(extent).try_fold(1i64, |n, e| n.checked_mul(e));
    if count.is_none_or(|n| n == i64::MAX) {
        return Err(Error::new(ErrorKind::Shape, "a loop over more elements than 64 bits can count".to_string()));
    }
    // Every position reads an element of the axis, so there must be one.
    for (k, inst) in nest.insts.iter().enumerate() {
        let Inst::LoadAt(a, _) = inst else { continue };
        let empty = nest.accesses[*a as usize].picked.iter().any(|p| extent(&p.extent) <= 0);
        if empty && !(no_elements && nest.depths[k] == Depth::Reduced) {
            return Err(Error::new(ErrorKind::Shape, "an index into an axis of size 0, which no index is inside".to_string()));
        }
    }
    let scatters = nest.stores.iter().flat_map(|s| &nest.accesses[s.access as usize].picked);
    if scatters.into_iter().any(|p| extent(&p.extent) <= 0) {
        return Err(Error::new(ErrorKind::Shape, "an index into an axis of size 0, which no index is inside".to_string()));
    }
    let overflow = || Error::new(ErrorKind::Bind, "an array's extent in bytes overflows".to_string());
    let mut addresses = Vec::new();
    for (operand, offset) in &bindings.pointers {
        let place = match *operand {
            Operand::Input(k) => Place::Slot(k as usize),
            Operand::Output(k) => Place::Slot(kernel.inputs().len() + k as usize),
            Operand::Buffer(b) => match plan.schedule.buffers[b.index()].room {
                Room::Slot(slot) => Place::Scratch(slot as usize),
                Room::Output(k) => Place::Slot(kernel.inputs().len() + k as usize),
                Room::Input(k) => Place::Slot(k as usize),
            },
            Operand::Index => Place::Nowhere,
        };
        addresses.push((place, env.eval(offset)?));
    }
    let mut strip = part.map(|(strip, own)| StripFrame::new(strip, own, bindings, &params, env)).transpose()?;
    let pairs = PairsFrame::new(bindings, &params, env)?;
    let mut touched = Touched::new();
    let mut loaded: HashSet<u32> = nest.stores.iter().map(|s| s.access).collect();
    loaded.extend(nest.insts.iter().filter_map(|i| match i {
        Inst::Load(a) | Inst::LoadAt(a, _) => Some(a),
        _ => None,
    }));
    for (a, access) in nest.accesses.iter().enumerate() {
        // An index reaches no memory; its address is a value only.
        if !loaded.contains(&(a as u32)) {
            continue;
        }
        let (operand, _) = &bindings.pointers[access.pointer as usize];
        let (place, offset) = addresses[access.pointer as usize];
        let (low, high) = match nest.access_range(access, &params) {
            AccessRange::Nothing => continue,
            AccessRange::Overflow => return Err(overflow()),
            AccessRange::Bytes(low, high) => (low, high),
        };
        let (low, high) = (low.checked_add(offset).ok_or_else(overflow)?, high.checked_add(offset).ok_or_else(overflow)?);
        // A window holds a part of what the whole step touches; `check` goes through its strips.
        if let (Operand::Buffer(b), Some(strip)) = (operand, &mut strip)
            && plan.schedule.buffers[b.index()].window.is_some()
        {
            let size = env.eval(&plan.schedule.buffers[b.index()].bytes())?;
            strip.watch(nest, access, &params, offset, size);
            continue;
        }
        let (first, end) = match place {
            Place::Slot(k) => {
                // A buffer that lies in an argument may have elements of another size.
                let spec = kernel.inputs().iter().chain(kernel.outputs()).nth(k).expect("each slot has an argument");
                let (l, h) = slots[k].layout.byte_range(spec.dtype.size())?;
                (l as i64, h as i64)
            }
            Place::Scratch(k) => (0, env.eval(&plan.schedule.slots[k])?),
            Place::Nowhere => (0, 0),
        };
        if low < first || high > end {
            let text = format!("internal error, please report it: {operand:?} would be accessed at bytes {low}..{high} of {first}..{end}");
            return Err(Error::new(ErrorKind::Bind, text));
        }
        touch(&mut touched, *operand, low, high);
    }
    let bytes = bytes_of(&touched);
    let streams = streams(nest, bindings, &params, bytes);
    let chunk = if streams { streamed_chunk(nest) } else { Streaming::OFF.chunk };
    let cost = Cost::new(compiled, &params, bytes, kernel.0.backend);
    let parts = Parts::new(cuts, bindings, &params, &cost, env)?;
    let subtrees = Subtrees::new(cuts, nest, bindings, &params, &cost, kernel.0.backend, env)?;
    let tiles = tiles(cuts, nest, bindings, &params, env)?;
    let args = std::iter::repeat_n(0, addresses.len()).chain(params).chain([code.table(), chunk, Streaming::OFF.tiles]).collect();
    let bases = vec![0; addresses.len()];
    Ok(Some(Frame {
        entry: code.entry(),
        args,
        addresses,
        bases,
        streams,
        strip,
        pairs,
        parts,
        subtrees,
        tiles,
        step,
        work: cost.work,
        touched,
        threads: cuts.threads,
    }))
}

/// Whether a step's results go around the cache: where the step touches so much that they would be gone from it anyway.
fn streams(nest: &LoopNest, bindings: &Bindings, params: &[i64], bytes: i64) -> bool {
    /// Runs that are too short to fill cache lines gain nothing.
    const SHORTEST_RUN: i64 = 256;
    let run = nest.parallel.last().map_or(0, |p| params[*p as usize]);
    bytes >= STREAM_FROM && run >= SHORTEST_RUN && nest.stores.len() <= Streaming::MOST_TILES && nest.may_stream(bindings)
}

/// How many elements of every result fit a tile.
fn streamed_chunk(nest: &LoopNest) -> i64 {
    let widest = nest.stores.iter().map(|s| nest.accesses[s.access as usize].dtype.size()).max().unwrap_or(1);
    (Streaming::TILE / widest) as i64
}
