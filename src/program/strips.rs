//! Strips with numbers: how long each is, and what a step does in it.

use std::ops::Range;

use super::prepare::{Env, Frame};
use crate::compile::Compiled;
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::{Access, AccessRange, Bindings, LoopNest, Operand, Stride, StripArgument};
use crate::schedule::{Strip, StripStep};
use crate::size::Size;

/// What a strip and all that it touches should fit: half of a second-level cache.
const CACHE: i64 = 256 << 10;

/// A run of frames that go through an axis strip by strip.
pub(super) struct StripPlan {
    pub frames: Range<usize>,
    /// How many coordinates a strip covers.
    pub length: i64,
    /// The coordinates of all steps.
    pub from: i64,
    pub to: i64,
}

impl StripPlan {
    pub fn include(&mut self, strip: &StripFrame) {
        self.from = self.from.min(strip.shift);
        self.to = self.to.max(strip.shift + strip.extent);
    }

    /// Where each strip begins.
    pub fn starts(&self) -> impl Iterator<Item = i64> + use<> {
        (self.from..self.to).step_by(self.length.max(1) as usize)
    }
}

/// How one step moves through its strip.
pub(super) struct StripFrame {
    /// Which argument is the number of indices.
    pub argument: usize,
    /// The index that it begins at, in the current strip.
    pub first: i64,
    extent: i64,
    shift: i64,
    low: i64,
    high: i64,
    /// Bytes from one index to the next, for each address.
    moves: Vec<i64>,
    /// For addresses in windows: bytes from one row to the next, and the first row of the window of a strip at 0.
    windows: Vec<Option<(i64, i64)>>,
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
    #[allow(clippy::too_many_arguments, reason = "all of them are parts of one step")]
    pub fn new(
        strip: &Strip,
        own: &StripStep,
        _length: i64,
        argument: &StripArgument,
        bindings: &Bindings,
        params: &[i64],
        plan: &Compiled,
        env: &Env<'_>,
    ) -> Result<StripFrame> {
        let moves = argument.moves.iter().map(|m| env.eval(m)).collect::<Result<Vec<i64>>>()?;
        let mut windows = Vec::new();
        for (operand, _) in &bindings.pointers {
            let Operand::Buffer(b) = operand else {
                windows.push(None);
                continue;
            };
            let window = strip.windows.iter().find(|(w, _)| *w as usize == b.index()).map(|(_, w)| *w);
            let row = |axis: u8| {
                let buffer = &plan.schedule.buffers[b.index()];
                env.eval(&buffer.shape.c_strides()[axis as usize].scale(buffer.dtype.size() as i64))
            };
            windows.push(window.map(|w| Ok::<_, Error>((row(w.axis)?, w.first))).transpose()?);
        }
        Ok(StripFrame {
            argument: bindings.pointers.len() + argument.param as usize,
            first: 0,
            extent: params[argument.param as usize],
            shift: own.shift,
            low: own.low,
            high: own.high,
            moves,
            windows,
            watched: Vec::new(),
        })
    }

    /// The indices of the strip that begins at a coordinate: the first, and how many.
    pub fn part(&self, start: i64, length: i64) -> (i64, i64) {
        let first = (start - self.low - self.shift).clamp(0, self.extent);
        let end = (start + length + self.high - self.shift).clamp(0, self.extent);
        (first, end - first)
    }

    /// By how much an address is moved in the strip that begins at a coordinate.
    pub fn moved(&self, address: usize, start: i64) -> i64 {
        let window = self.windows[address].map_or(0, |(row, first)| row * (start + first));
        self.first * self.moves[address] - window
    }

    /// Has an access to a window checked.
    pub fn watch(&mut self, nest: &LoopNest, access: &Access, params: &[i64], offset: i64, size: i64) {
        let mut one = params.to_vec();
        one[self.argument - self.moves.len()] = 1;
        if let AccessRange::Bytes(low, high) = nest.access_range(access, &one) {
            let address = access.pointer as usize;
            self.watched.push(Watched { address, offset, range: (low, high), step: self.moves[address], size });
        }
    }
}

/// How long each strip is; the rows of windows are noted in `env`.
pub(super) fn lengths(plan: &Compiled, env: &mut Env<'_>) -> Result<Vec<i64>> {
    let mut out = Vec::new();
    for strip in &plan.schedule.strips {
        let (mut from, mut to) = (i64::MAX, i64::MIN);
        let (mut footprint, mut adjacent) = (0i64, false);
        for (k, s) in strip.steps.iter().enumerate() {
            let step = &plan.steps[strip.first as usize + k];
            let Some(argument) = &step.bindings.strip else { continue };
            let n = env.eval(&step.bindings.params[argument.param as usize])?;
            (from, to) = (from.min(s.shift), to.max(s.shift + n));
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
        let length = length.max(strip.shortest()).min((to - from).max(1));
        for (b, w) in &strip.windows {
            env.set_rows(*b, length + w.extra);
        }
        out.push(length);
    }
    Ok(out)
}

/// The bytes that a step touches for each index of the strip's axis, and whether some of them are neighbours along it.
fn per_index(nest: &LoopNest, bindings: &Bindings, argument: &StripArgument, env: &Env<'_>) -> Result<(i64, bool)> {
    let (mut total, mut adjacent) = (0i64, false);
    for access in &nest.accesses {
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

/// Goes through all strips and checks that every access to a window stays inside it.
pub(super) fn check(plan: &StripPlan, frames: &mut [Frame]) -> Result<()> {
    for start in plan.starts() {
        for strip in frames.iter_mut().filter_map(Frame::strip_mut) {
            let (first, count) = strip.part(start, plan.length);
            strip.first = first;
            if count <= 0 {
                continue;
            }
            for w in &strip.watched {
                let at = w.offset + strip.moved(w.address, start);
                let reach = (count - 1) * w.step;
                let (low, high) = (at + w.range.0 + reach.min(0), at + w.range.1 + reach.max(0));
                if low < 0 || high > w.size {
                    let text =
                        format!("internal error, please report it: a strip would touch bytes {low}..{high} of a window of {}", w.size);
                    return Err(Error::new(ErrorKind::Bind, text));
                }
            }
        }
    }
    Ok(())
}
