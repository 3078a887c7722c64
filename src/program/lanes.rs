//! Going through the strips of some steps, on several threads where strips may come in any order: each thread is a lane, with
//! arguments and windows of its own, and takes some strips at a time from those that are left.

use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::atomic::{AtomicI64, Ordering};

use super::call::Slot;
use super::prepare::Frame;
use super::strips::{Lengths, StripPlan, WindowPlan, check};
use super::threads::{Cuts, PARTS, in_parts};
use crate::array::on_huge_pages;
use crate::error::{Error, ErrorKind, Result};

/// Scratch memory: its capacity is what compiled code uses, and its contents are written before they are read.
pub(super) type Memory = Vec<MaybeUninit<u8>>;

/// Scratch memory of a size.
pub(super) fn reserve(bytes: usize) -> Result<Memory> {
    let mut memory = Memory::new();
    memory.try_reserve_exact(bytes).map_err(|_| Error::new(ErrorKind::Bind, format!("no memory for a temporary of {bytes} bytes")))?;
    on_huge_pages(memory.spare_capacity_mut());
    Ok(memory)
}

/// Steps that go through an axis strip by strip.
pub(super) struct Strips {
    plan: StripPlan,
    first: Lane,
    /// What further threads have.
    others: Vec<Lane>,
    /// How many pieces of the plan a lane takes at a time.
    at_a_time: i64,
    backward: bool,
}

/// What one thread goes through strips with.
#[derive(Clone)]
struct Lane {
    frames: Vec<Frame>,
    windows: Vec<WindowPlan>,
    /// By slot, for those that windows are in; those of the first lane are in the call's own scratch memory.
    memory: Vec<Memory>,
}

impl Strips {
    pub fn new(plan: StripPlan, windows: Vec<WindowPlan>) -> Strips {
        let first = Lane { frames: Vec::new(), windows, memory: Vec::new() };
        Strips { plan, first, others: Vec::new(), at_a_time: 0, backward: false }
    }

    /// Adds a step, after those before.
    pub fn push(&mut self, frame: Frame) {
        self.plan.include(frame.strip().expect("a step of a strip"));
        self.first.frames.push(frame);
    }

    /// The steps.
    pub fn frames(&self) -> &[Frame] {
        &self.first.frames
    }

    /// How many threads go through them.
    pub fn threads(&self) -> usize {
        1 + self.others.len()
    }

    pub fn is_empty(&self) -> bool {
        self.first.frames.is_empty()
    }

    /// Checks all strips, when all steps are there, and makes lanes for further threads, with at most so many bytes of memory. Returns
    /// how many bytes they have.
    pub fn complete(&mut self, lengths: Lengths, cuts: Cuts, slots: usize, room: i64) -> Result<usize> {
        let Strips { plan, first, others, .. } = self;
        // The strips are the same whichever lane takes them: a window begins anew with each of them where they may be in any order.
        check(plan, &mut first.windows, &mut first.frames)?;
        let mut sizes = vec![0; slots];
        for w in &first.windows {
            sizes[w.slot] = w.bytes().max(sizes[w.slot]);
        }
        let own: usize = sizes.iter().sum();
        let most = (room.max(0) as usize).checked_div(own).unwrap_or(usize::MAX);
        for _ in 0..(lengths.lanes - 1).min(most) {
            // Without memory for more, fewer threads do.
            let Ok(memory) = sizes.iter().map(|n| reserve(*n)).collect::<Result<Vec<_>>>() else { break };
            others.push(Lane { frames: first.frames.clone(), windows: first.windows.clone(), memory });
        }
        let parts = if others.is_empty() { 1 } else { PARTS * (others.len() as i64 + 1) };
        self.at_a_time = in_parts(plan.pieces(), parts);
        self.backward = cuts.backward;
        Ok(own * self.others.len())
    }

    /// Takes note of where the arrays are, and the call's scratch memory.
    pub fn place(&mut self, slots: &[Slot], scratch: &mut [Memory]) {
        for Lane { frames, memory, .. } in std::iter::once(&mut self.first).chain(&mut self.others) {
            frames.iter_mut().for_each(|f| f.place(slots, scratch, memory));
        }
    }

    /// Runs all strips.
    ///
    /// # Safety
    /// As for [`Prepared::run`](super::prepare::Prepared::run).
    pub unsafe fn run(&mut self, scratch: &mut [Memory]) {
        let Strips { plan, first, others, at_a_time, backward } = self;
        let (plan, at_a_time, pieces) = (&*plan, *at_a_time, plan.pieces());
        let turns = in_parts(pieces, at_a_time);
        let turn = |k: i64| k * at_a_time..pieces.min((k + 1) * at_a_time);
        if others.is_empty() {
            // SAFETY: the caller's.
            return unsafe { first.run(plan, 0..pieces, scratch) };
        }
        if *backward {
            let lanes = others.len() + 1;
            for k in (0..turns).rev() {
                match others.get_mut(k as usize % lanes) {
                    // SAFETY: the caller's; `Strip::free` says that any order will do.
                    Some(lane) => unsafe { lane.run_own(plan, turn(k)) },
                    // SAFETY: as above.
                    None => unsafe { first.run(plan, turn(k), scratch) },
                }
            }
            return;
        }
        let next = AtomicI64::new(0);
        let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|k| *k < turns).map(turn);
        rayon::join(
            || {
                while let Some(pieces) = take() {
                    // SAFETY: the caller's. No two strips write the same element, nor does one read what another one writes, by
                    // `Strip::free`; each lane has windows of its own; and `take` gives each strip once.
                    unsafe { first.run(plan, pieces, scratch) }
                }
            },
            || side_by_side(others, plan, &take),
        );
    }
}

/// Has lanes take pieces until there are no more, each on a thread of the pool.
fn side_by_side(lanes: &mut [Lane], plan: &StripPlan, take: &(impl Fn() -> Option<Range<i64>> + Sync)) {
    match lanes {
        [] => {}
        [lane] => {
            while let Some(pieces) = take() {
                // SAFETY: as for the first lane.
                unsafe { lane.run_own(plan, pieces) }
            }
        }
        lanes => {
            let (a, b) = lanes.split_at_mut(lanes.len() / 2);
            rayon::join(|| side_by_side(a, plan, take), || side_by_side(b, plan, take));
        }
    }
}

impl Lane {
    /// Runs some strips, with windows in its own memory.
    ///
    /// # Safety
    /// As for [`Strips::run`].
    unsafe fn run_own(&mut self, plan: &StripPlan, pieces: Range<i64>) {
        let Lane { frames, windows, memory } = self;
        // SAFETY: the caller's.
        unsafe { go_through(frames, windows, memory, plan, pieces) };
    }

    /// Runs some strips, with windows in this memory.
    ///
    /// # Safety
    /// As for [`Strips::run`].
    unsafe fn run(&mut self, plan: &StripPlan, pieces: Range<i64>, memory: &mut [Memory]) {
        // SAFETY: the caller's.
        unsafe { go_through(&mut self.frames, &mut self.windows, memory, plan, pieces) };
    }
}

/// Runs some strips of these steps, with windows in this memory.
///
/// # Safety
/// As for [`Strips::run`].
unsafe fn go_through(frames: &mut [Frame], windows: &mut [WindowPlan], memory: &mut [Memory], plan: &StripPlan, pieces: Range<i64>) {
    for start in plan.starts(pieces) {
        plan.advance(start, windows, memory);
        for frame in &mut *frames {
            if frame.enter(start, plan) {
                // SAFETY: the caller's; `check` has gone through every strip with the windows' sizes.
                unsafe { frame.run(windows) };
            }
        }
    }
}
