//! Strips with numbers: how long each is, what a step does in it, and where windows are.

use std::ops::Range;

use super::lanes::Memory;
use super::prepare::{Env, Frame};
use super::threads::{Cost, Cuts, PARTS, in_parts, lanes_worth};
use crate::codegen::Backend;
use crate::compile::Compiled;
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::{Access, AccessRange, Amount, Bindings, LoopNest, Operand, Stride, StripArgument};
use crate::machine::Machine;
use crate::schedule::{Room, Strip, StripStep};
use crate::size::Size;

/// What a strip and all that it touches should fit: a quarter of the second-level cache.
fn cache() -> i64 {
    Machine::current().caches[1].bytes as i64 / 4
}

/// The strips of some steps, and the blocks of an axis around it, if there is one.
pub(super) struct StripPlan {
    strips: Span,
    /// One block of everything where there is no axis around it.
    blocks: Span,
    /// True if blocks are of an axis.
    has_blocks: bool,
}

/// Coordinates that are gone through part by part.
struct Span {
    /// How many coordinates a part covers.
    length: i64,
    /// The coordinates of all steps.
    from: i64,
    to: i64,
}

impl Span {
    fn of(length: i64) -> Span {
        Span { length, from: i64::MAX, to: i64::MIN }
    }

    fn include(&mut self, part: &Part) {
        self.from = self.from.min(part.shift);
        self.to = self.to.max(part.shift + part.extent);
    }

    /// How many parts there are.
    fn count(&self) -> i64 {
        in_parts(self.to.saturating_sub(self.from), self.length)
    }

    /// Where some of the parts begin.
    fn starts(&self, parts: Range<i64>) -> impl Iterator<Item = i64> + Clone + use<> {
        let (from, length) = (self.from, self.length.max(1));
        parts.map(move |k| from + k * length)
    }
}

/// How many coordinates are covered at a time, and by how many threads.
#[derive(Clone, Copy)]
pub(super) struct Lengths {
    strip: i64,
    block: i64,
    pub lanes: usize,
}

/// Where a strip begins.
#[derive(Clone, Copy)]
pub(super) struct Start {
    strip: i64,
    block: i64,
    /// True for the first strip of a block.
    begins: bool,
}

/// A window in scratch memory.
#[derive(Clone)]
pub(super) struct WindowPlan {
    /// The slot of scratch memory that it lies in, from its start.
    pub slot: usize,
    /// The first row that is needed in the strip that begins at coordinate 0.
    first: i64,
    /// The rows that stay from one strip to the next.
    extra: i64,
    /// The rows that it holds.
    rows: i64,
    /// Bytes from one row to the next, and the pieces of each row: how many, how long, and how far apart.
    row: i64,
    pieces: (usize, usize, usize),
    /// The row that is first in memory now.
    base: i64,
}

impl WindowPlan {
    /// The bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.pieces.0 * self.pieces.2
    }

    /// Makes room for the strip that begins at a coordinate; the rows to be moved to the front, if any, as their first and number.
    fn advance(&mut self, start: i64, length: i64, begins: bool) -> Option<(i64, i64)> {
        let first = start + self.first;
        if begins {
            self.base = first;
            return None;
        }
        if first + length + self.extra <= self.base + self.rows {
            return None;
        }
        let from = first - self.base;
        self.base = first;
        Some((from, self.extra))
    }

    /// Moves rows to the front of the slot.
    fn carry<T: Copy>(&self, memory: &mut [T], from: i64, count: i64) {
        let (pieces, _, apart) = self.pieces;
        let (from, bytes) = ((from * self.row) as usize, (count * self.row) as usize);
        for k in 0..pieces {
            let at = k * apart;
            memory.copy_within(at + from..at + from + bytes, at);
        }
    }
}

impl StripPlan {
    pub fn new(strip: &Strip, lengths: Lengths) -> StripPlan {
        let has_blocks = strip.steps.iter().any(|s| s.outer.is_some());
        StripPlan { strips: Span::of(lengths.strip), blocks: Span::of(lengths.block), has_blocks }
    }

    pub fn include(&mut self, frame: &StripFrame) {
        self.strips.include(&frame.strip);
        self.blocks.include(&frame.block);
    }

    /// How many pieces there are of what may be done in any order, if the strip is free.
    pub fn pieces(&self) -> i64 {
        if self.has_blocks { self.blocks.count() } else { self.strips.count() }
    }

    /// Every strip of some pieces, in order, block by block.
    pub fn starts(&self, pieces: Range<i64>) -> impl Iterator<Item = Start> + use<> {
        let all = |span: &Span| 0..span.count();
        let (strips, blocks) = match self.has_blocks {
            true => (all(&self.strips), pieces),
            false => (pieces, all(&self.blocks)),
        };
        let strips = self.strips.starts(strips).enumerate();
        let of_block = move |block| strips.clone().map(move |(k, strip)| Start { strip, block, begins: k == 0 });
        self.blocks.starts(blocks).flat_map(of_block)
    }

    /// Makes room in all windows for a strip.
    pub fn advance(&self, start: Start, windows: &mut [WindowPlan], memory: &mut [Memory]) {
        let length = self.strips.length;
        for w in windows {
            if let Some((from, count)) = w.advance(start.strip, length, start.begins) {
                w.carry(memory[w.slot].spare_capacity_mut(), from, count);
            }
        }
    }
}

/// The windows of a strip.
pub(super) fn windows(plan: &Compiled, strip: &Strip, env: &Env<'_>) -> Result<Vec<WindowPlan>> {
    let mut windows = Vec::new();
    for (b, w) in &strip.windows {
        let buffer = &plan.schedule.buffers[*b as usize];
        let Room::Slot(slot) = buffer.room else { unreachable!("a window is in a slot") };
        let (slot, item) = (slot as usize, buffer.dtype.size() as i64);
        let axis = w.axis as usize;
        let extents = buffer.shape.extents().iter().map(|n| env.eval(n)).collect::<Result<Vec<i64>>>()?;
        let product = |list: &[i64]| list.iter().try_fold(1i64, |a, n| a.checked_mul((*n).max(0)));
        let overflow = || Error::new(ErrorKind::Bind, "an array's extent in bytes overflows".to_string());
        let row = product(&extents[axis + 1..]).and_then(|n| n.checked_mul(item)).ok_or_else(overflow)?;
        let (pieces, rows) = (product(&extents[..axis]).ok_or_else(overflow)?, extents[axis]);
        windows.push(WindowPlan {
            slot,
            first: env.eval(&w.first)?,
            extra: w.extra,
            rows,
            row,
            pieces: (pieces as usize, row as usize, (row * rows) as usize),
            base: 0,
        });
    }
    Ok(windows)
}

/// How one step moves through its strip, and the block that this is in.
#[derive(Clone)]
pub(super) struct StripFrame {
    strip: Part,
    block: Part,
    /// For addresses in windows: which window of the strip.
    windows: Vec<Option<usize>>,
    watched: Vec<Watched>,
}

/// How one step moves along an axis that it does part by part.
#[derive(Clone)]
struct Part {
    /// Which argument is the number of indices; `None` for a step at one place.
    argument: Option<usize>,
    /// The index that it begins at, and how many there are, in the current part.
    first: i64,
    count: i64,
    extent: i64,
    shift: i64,
    /// Bytes from one index to the next, for each address.
    moves: Vec<i64>,
}

impl Part {
    fn new(argument: Option<&StripArgument>, shift: i64, pointers: usize, params: &[i64], env: &Env<'_>) -> Result<Part> {
        let none: &[Size] = &[];
        let mut moves = argument.map_or(none, |a| &a.moves).iter().map(|m| env.eval(m)).collect::<Result<Vec<i64>>>()?;
        moves.resize(pointers, 0);
        let extent = argument.map_or(1, |a| params[a.param as usize]);
        Ok(Part { argument: argument.map(|a| pointers + a.param as usize), first: 0, count: extent, extent, shift, moves })
    }

    /// Goes to the part that begins at a coordinate; false if there is nothing to do in it.
    fn enter(&mut self, start: i64, length: i64) -> bool {
        self.first = (start - self.shift).clamp(0, self.extent);
        self.count = (start + length - self.shift).clamp(0, self.extent) - self.first;
        self.count > 0
    }
}

/// An access to a window.
#[derive(Clone)]
struct Watched {
    address: usize,
    offset: i64,
    /// The bytes that it reaches from its address with one index of each axis that is done part by part.
    range: (i64, i64),
    size: i64,
}

impl StripFrame {
    pub fn new(strip: &Strip, own: &StripStep, bindings: &Bindings, params: &[i64], env: &Env<'_>) -> Result<StripFrame> {
        let window = |operand: &Operand| match operand {
            Operand::Buffer(b) => strip.windows.iter().position(|(w, _)| *w as usize == b.index()),
            _ => None,
        };
        let pointers = bindings.pointers.len();
        Ok(StripFrame {
            strip: Part::new(bindings.strip.as_ref(), env.eval(&own.shift)?, pointers, params, env)?,
            // Blocks are of axes along which nothing is displaced.
            block: Part::new(bindings.block.as_ref(), 0, pointers, params, env)?,
            windows: bindings.pointers.iter().map(|(operand, _)| window(operand)).collect(),
            watched: Vec::new(),
        })
    }

    /// Goes to a strip; false if there is nothing to do in it.
    pub fn enter(&mut self, start: Start, plan: &StripPlan, args: &mut [i64]) -> bool {
        if !self.go_to(start, plan) {
            return false;
        }
        for part in [&self.strip, &self.block] {
            if let Some(argument) = part.argument {
                args[argument] = part.count;
            }
        }
        true
    }

    fn go_to(&mut self, start: Start, plan: &StripPlan) -> bool {
        self.strip.enter(start.strip, plan.strips.length) && self.block.enter(start.block, plan.blocks.length)
    }

    /// True if an address is in a window.
    pub fn is_window(&self, address: usize) -> bool {
        self.windows[address].is_some()
    }

    /// By how much an address is moved in the current strip.
    pub fn moved(&self, address: usize, windows: &[WindowPlan]) -> i64 {
        let along = self.strip.first * self.strip.moves[address];
        match self.windows[address] {
            // It holds one block, from its beginning.
            Some(w) => along - windows[w].row * windows[w].base,
            None => along + self.block.first * self.block.moves[address],
        }
    }

    /// Has an access to a window checked.
    pub fn watch(&mut self, nest: &LoopNest, access: &Access, params: &[i64], offset: i64, size: i64) {
        let mut one = params.to_vec();
        for part in [&self.strip, &self.block] {
            if let Some(argument) = part.argument {
                one[argument - part.moves.len()] = 1;
            }
        }
        let address = access.pointer as usize;
        match nest.access_range(access, &one) {
            AccessRange::Nothing => {}
            AccessRange::Bytes(low, high) => self.watched.push(Watched { address, offset, range: (low, high), size }),
            // Fails the check.
            AccessRange::Overflow => self.watched.push(Watched { address, offset, range: (0, 1), size: 0 }),
        }
    }
}

/// How long each strip is, unless `cuts` says so; the rows of windows are noted in `env`.
pub(super) fn lengths(plan: &Compiled, env: &mut Env<'_>, cuts: Cuts, backend: Backend) -> Result<Vec<Lengths>> {
    let mut out = Vec::new();
    for strip in &plan.schedule.strips {
        let (mut from, mut to, mut blocks) = (i64::MAX, i64::MIN, 1i64);
        let (mut footprint, mut adjacent, mut work) = (0i64, false, 0.0);
        for (k, s) in strip.steps.iter().enumerate() {
            let step = &plan.steps[strip.first as usize + k];
            let shift = env.eval(&s.shift)?;
            if let Some(block) = &step.bindings.block {
                blocks = blocks.max(env.eval(&step.bindings.params[block.param as usize])?);
            }
            let Some(argument) = &step.bindings.strip else { continue };
            let params = step.bindings.params.iter().map(|p| env.eval(p)).collect::<Result<Vec<i64>>>()?;
            let n = params[argument.param as usize];
            (from, to) = (from.min(shift), to.max(shift.saturating_add(n)));
            let (bytes, unit) = per_index(&step.nest, &step.bindings, argument, env)?;
            footprint = footprint.saturating_add(bytes);
            adjacent |= unit;
            work += step.work.amount(&step.nest, &params, backend.vector_bytes(), false).instructions;
        }
        let total = to.saturating_sub(from).max(1);
        let (mut by_scratch, mut planes) = (i64::MAX, i64::MAX);
        for (b, w) in &strip.windows {
            let row = env.eval(&plan.schedule.row_bytes(*b, w))?.max(1);
            by_scratch = by_scratch.min(strip.share() / row);
            planes = planes.min(strip.share() / row.saturating_mul(w.rows(total)));
        }
        let by_cache = cache() / footprint.max(1);
        // A few adjacent elements at a time would use each cache line many times over.
        let length = if adjacent && by_cache < 64 { by_scratch } else { by_cache.min(by_scratch) };
        let length = length.min(total).max(1);
        // Several indices of the axis around it at a time where each of them is done in one strip.
        let block = if length < total { 1 } else { planes.min(cache() / footprint.saturating_mul(total).max(1)) };
        let block = block.min(blocks).max(1);
        let has_blocks = strip.steps.iter().any(|s| s.outer.is_some());
        let cost = Cost { bytes: footprint.saturating_mul(total).saturating_mul(blocks), work: Amount { instructions: work, flops: 0.0 } };
        let lanes = if strip.free { lanes_worth(cuts, &cost) } else { 1 };
        // No longer than leaves each thread some, with whole cache lines where arrays are walked element by element.
        let (mut length, mut block) = (length, block);
        if lanes > 1 && has_blocks {
            block = block.min(in_parts(blocks, lanes.saturating_mul(PARTS))).max(1);
        } else if lanes > 1 {
            let part =
                if adjacent { in_parts(total, lanes).saturating_add(63) / 64 * 64 } else { in_parts(total, lanes.saturating_mul(PARTS)) };
            length = length.min(part).max(1);
        }
        let (length, block) = match cuts.strip_length {
            Some(wanted) => (wanted.min(total).max(1), wanted.min(blocks).max(1)),
            None => (length, block),
        };
        let pieces = if has_blocks { in_parts(blocks, block) } else { in_parts(total, length) };
        for (b, w) in &strip.windows {
            env.set_window(*b, w.rows(length), block);
        }
        out.push(Lengths { strip: length, block, lanes: lanes.min(pieces).max(1) as usize });
    }
    Ok(out)
}

/// The bytes that a step touches for each index of the strip's axis, at one index of the axis around it, and whether some of them are neighbours along it.
fn per_index(nest: &LoopNest, bindings: &Bindings, argument: &StripArgument, env: &Env<'_>) -> Result<(i64, bool)> {
    let (mut total, mut adjacent) = (0i64, false);
    let mut seen = hashbrown::HashSet::new();
    for access in &nest.accesses {
        // Neighbours in a stencil are the same rows.
        if !seen.insert((bindings.pointers[access.pointer as usize].0, &access.strides)) {
            continue;
        }
        let item = access.dtype.size() as i64;
        let (mut bytes, mut moves) = (item, false);
        for (extent, stride) in nest.parallel.iter().chain(&nest.reduced).zip(&access.strides) {
            if *stride == Stride::Zero {
                continue;
            }
            if *extent == argument.param {
                moves = true;
                adjacent |= *stride == Stride::Unit;
            } else if bindings.block.as_ref().is_none_or(|block| *extent != block.param) {
                let n: &Size = &bindings.params[*extent as usize];
                bytes = bytes.saturating_mul(env.eval(n)?.max(1));
            }
        }
        if moves {
            total = total.saturating_add(bytes);
        }
    }
    Ok((total, adjacent))
}

/// Goes through all strips and checks that every access to a window stays inside it, and every move of rows.
pub(super) fn check(plan: &StripPlan, windows: &mut [WindowPlan], frames: &mut [Frame]) -> Result<()> {
    let broken = |what: String| Err(Error::new(ErrorKind::Bind, format!("internal error, please report it: {what}")));
    let (first, last) = (plan.blocks.from, plan.blocks.to - 1);
    // Windows are the same in every block, but for the last one, which may be shorter.
    for start in plan.starts(0..plan.pieces()).filter(|s| s.block == first || s.block + plan.blocks.length > last) {
        for w in windows.iter_mut() {
            if let Some((from, count)) = w.advance(start.strip, plan.strips.length, start.begins)
                && (from < 0 || count < 0 || from + count > w.rows)
            {
                return broken(format!("{count} rows from {from} would be moved in a window of {}", w.rows));
            }
        }
        for frame in frames.iter_mut().filter_map(Frame::strip_mut) {
            if !frame.go_to(start, plan) {
                continue;
            }
            for w in &frame.watched {
                let at = w.offset + frame.moved(w.address, windows);
                let (mut low, mut high) = (at + w.range.0, at + w.range.1);
                for part in [&frame.strip, &frame.block] {
                    let reach = (part.count - 1) * part.moves[w.address];
                    (low, high) = (low + reach.min(0), high + reach.max(0));
                }
                if low < 0 || high > w.size {
                    return broken(format!("a strip would touch bytes {low}..{high} of a window of {}", w.size));
                }
            }
        }
    }
    Ok(())
}
