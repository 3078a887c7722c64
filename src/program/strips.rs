//! Strips with numbers: how long each is, what a step does in it, and where windows are.

use std::ops::Range;

use super::prepare::{Env, Frame};
use crate::compile::Compiled;
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::{Access, AccessRange, Bindings, LoopNest, Operand, Stride, StripArgument};
use crate::schedule::{Strip, StripStep};
use crate::size::Size;

/// What a strip and all that it touches should fit: half of a second-level cache.
const CACHE: i64 = 512 << 10;

/// A run of frames that go through an axis strip by strip.
pub(super) struct StripPlan {
    pub frames: Range<usize>,
    /// How many coordinates a strip covers.
    pub length: i64,
    /// The coordinates of all steps.
    from: i64,
    to: i64,
    pub windows: Vec<WindowPlan>,
}

/// A window in scratch memory.
pub(super) struct WindowPlan {
    /// The slot of scratch memory that it fills.
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
    pub fn new(plan: &Compiled, strip: &Strip, length: i64, first_frame: usize, env: &Env<'_>) -> Result<StripPlan> {
        let mut windows = Vec::new();
        for (b, w) in &strip.windows {
            let buffer = &plan.schedule.buffers[*b as usize];
            let item = buffer.dtype.size() as i64;
            let axis = w.axis as usize;
            let extents = buffer.shape.extents().iter().map(|n| env.eval(n)).collect::<Result<Vec<i64>>>()?;
            let product = |list: &[i64]| list.iter().try_fold(1i64, |a, n| a.checked_mul((*n).max(0)));
            let overflow = || Error::new(ErrorKind::Bind, "an array's extent in bytes overflows".to_string());
            let row = product(&extents[axis + 1..]).and_then(|n| n.checked_mul(item)).ok_or_else(overflow)?;
            let (pieces, rows) = (product(&extents[..axis]).ok_or_else(overflow)?, extents[axis]);
            windows.push(WindowPlan {
                slot: buffer.slot as usize,
                first: env.eval(&w.first)?,
                extra: w.extra,
                rows,
                row,
                pieces: (pieces as usize, row as usize, (row * rows) as usize),
                base: 0,
            });
        }
        Ok(StripPlan { frames: first_frame..first_frame, length, from: i64::MAX, to: i64::MIN, windows })
    }

    pub fn include(&mut self, strip: &StripFrame) {
        self.from = self.from.min(strip.shift);
        self.to = self.to.max(strip.shift + strip.extent);
    }

    /// Where each strip begins.
    pub fn starts(&self) -> impl Iterator<Item = i64> + use<> {
        (self.from..self.to).step_by(self.length.max(1) as usize)
    }

    /// Makes room in all windows for the strip that begins at a coordinate.
    pub fn advance(&mut self, start: i64, scratch: &mut [Vec<std::mem::MaybeUninit<u8>>]) {
        let (length, begins) = (self.length, start == self.from);
        for w in &mut self.windows {
            if let Some((from, count)) = w.advance(start, length, begins) {
                w.carry(scratch[w.slot].spare_capacity_mut(), from, count);
            }
        }
    }
}

/// How one step moves through its strip.
pub(super) struct StripFrame {
    /// Which argument is the number of indices; `None` for a step at one place.
    argument: Option<usize>,
    /// The index that it begins at, in the current strip.
    first: i64,
    extent: i64,
    shift: i64,
    /// Bytes from one index to the next, for each address.
    moves: Vec<i64>,
    /// For addresses in windows: which window of the strip.
    windows: Vec<Option<usize>>,
    watched: Vec<Watched>,
}

/// An access to a window.
struct Watched {
    address: usize,
    offset: i64,
    /// The bytes that it reaches from its address with one index of the strip's axis, and how far each further index moves it.
    range: (i64, i64),
    step: i64,
    size: i64,
}

impl StripFrame {
    pub fn new(strip: &Strip, own: &StripStep, bindings: &Bindings, params: &[i64], env: &Env<'_>) -> Result<StripFrame> {
        let none: &[Size] = &[];
        let argument = bindings.strip.as_ref();
        let mut moves = argument.map_or(none, |a| &a.moves).iter().map(|m| env.eval(m)).collect::<Result<Vec<i64>>>()?;
        moves.resize(bindings.pointers.len(), 0);
        let window = |operand: &Operand| match operand {
            Operand::Buffer(b) => strip.windows.iter().position(|(w, _)| *w as usize == b.index()),
            _ => None,
        };
        Ok(StripFrame {
            argument: argument.map(|a| bindings.pointers.len() + a.param as usize),
            first: 0,
            extent: argument.map_or(1, |a| params[a.param as usize]),
            shift: env.eval(&own.shift)?,
            moves,
            windows: bindings.pointers.iter().map(|(operand, _)| window(operand)).collect(),
            watched: Vec::new(),
        })
    }

    /// The indices of the strip that begins at a coordinate: the first, and how many.
    fn part(&self, start: i64, length: i64) -> (i64, i64) {
        let first = (start - self.shift).clamp(0, self.extent);
        let end = (start + length - self.shift).clamp(0, self.extent);
        (first, end - first)
    }

    /// Goes to the strip that begins at a coordinate; false if there is nothing to do in it.
    pub fn enter(&mut self, start: i64, length: i64, args: &mut [i64]) -> bool {
        let (first, count) = self.part(start, length);
        self.first = first;
        if let Some(argument) = self.argument {
            args[argument] = count;
        }
        count > 0
    }

    /// By how much an address is moved in the current strip.
    pub fn moved(&self, address: usize, windows: &[WindowPlan]) -> i64 {
        let window = self.windows[address].map_or(0, |w| windows[w].row * windows[w].base);
        self.first * self.moves[address] - window
    }

    /// Has an access to a window checked.
    pub fn watch(&mut self, nest: &LoopNest, access: &Access, params: &[i64], offset: i64, size: i64) {
        let mut one = params.to_vec();
        if let Some(argument) = self.argument {
            one[argument - self.moves.len()] = 1;
        }
        let address = access.pointer as usize;
        match nest.access_range(access, &one) {
            AccessRange::Nothing => {}
            AccessRange::Bytes(low, high) => {
                self.watched.push(Watched { address, offset, range: (low, high), step: self.moves[address], size });
            }
            // Fails the check.
            AccessRange::Overflow => self.watched.push(Watched { address, offset, range: (0, 1), step: 0, size: 0 }),
        }
    }
}

/// How long each strip is, unless `wanted` says so; the rows of windows are noted in `env`.
pub(super) fn lengths(plan: &Compiled, env: &mut Env<'_>, wanted: Option<i64>) -> Result<Vec<i64>> {
    let mut out = Vec::new();
    for strip in &plan.schedule.strips {
        let (mut from, mut to) = (i64::MAX, i64::MIN);
        let (mut footprint, mut adjacent) = (0i64, false);
        for (k, s) in strip.steps.iter().enumerate() {
            let step = &plan.steps[strip.first as usize + k];
            let shift = env.eval(&s.shift)?;
            let Some(argument) = &step.bindings.strip else { continue };
            let n = env.eval(&step.bindings.params[argument.param as usize])?;
            (from, to) = (from.min(shift), to.max(shift.saturating_add(n)));
            let (bytes, unit) = per_index(&step.nest, &step.bindings, argument, env)?;
            footprint = footprint.saturating_add(bytes);
            adjacent |= unit;
        }
        let mut by_scratch = i64::MAX;
        for (b, w) in &strip.windows {
            let row = env.eval(&plan.schedule.row_bytes(*b, w))?;
            by_scratch = by_scratch.min(strip.share() / row.max(1));
        }
        let by_cache = CACHE / footprint.max(1);
        // A few adjacent elements at a time would use each cache line many times over.
        let length = if adjacent && by_cache < 64 { by_scratch } else { by_cache.min(by_scratch) };
        let length = wanted.unwrap_or(length).min(to.saturating_sub(from)).max(1);
        for (b, w) in &strip.windows {
            env.set_rows(*b, w.rows(length));
        }
        out.push(length);
    }
    Ok(out)
}

/// The bytes that a step touches for each index of the strip's axis, and whether some of them are neighbours along it.
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
            } else {
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
pub(super) fn check(plan: &mut StripPlan, frames: &mut [Frame]) -> Result<()> {
    let broken = |what: String| Err(Error::new(ErrorKind::Bind, format!("internal error, please report it: {what}")));
    for start in plan.starts() {
        let begins = start == plan.from;
        for w in &mut plan.windows {
            if let Some((from, count)) = w.advance(start, plan.length, begins)
                && (from < 0 || count < 0 || from + count > w.rows)
            {
                return broken(format!("{count} rows from {from} would be moved in a window of {}", w.rows));
            }
        }
        for strip in frames.iter_mut().filter_map(Frame::strip_mut) {
            let (first, count) = strip.part(start, plan.length);
            strip.first = first;
            if count <= 0 {
                continue;
            }
            for w in &strip.watched {
                let at = w.offset + strip.moved(w.address, &plan.windows);
                let reach = (count - 1) * w.step;
                let (low, high) = (at + w.range.0 + reach.min(0), at + w.range.1 + reach.max(0));
                if low < 0 || high > w.size {
                    return broken(format!("a strip would touch bytes {low}..{high} of a window of {}", w.size));
                }
            }
        }
    }
    Ok(())
}
