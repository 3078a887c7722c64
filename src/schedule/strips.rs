//! Steps that run strip by strip, so that what lies between them need not exist as a whole.
//!
//! `x - x.max(axis=1)` takes two loop nests and a maximum for each row. But the maximum of a row is read for that row alone: where a
//! run of steps moves along one axis of everything it stores in between, a strip of that axis can go through all of the steps before
//! the next one begins, and the stored values shrink to windows that move along. A step that reads its neighbours' results (a stencil
//! on a stencil) lags behind the step that makes them, and the window keeps the rows that it still needs: software pipelining of the
//! loops over an axis, as in the line buffers of image processing (Hegarty et al., *Darkroom*, SIGGRAPH 2014). Nothing is computed
//! twice, so updates in place may be part of it.
//!
//! Everything is put in one coordinate, g. The iteration i of a step along its strip axis is at `g = i + shift`; the row r of a
//! storage is at `g = r + shift`. At g, a step touches rows at `g + d`, with a `d` for each of its touches. A strip of all steps is
//! right if of two touches of which one writes, the one of the later step is not ahead: `d_later <= d_earlier`. That gives each step
//! the least shift it can have, in one pass.
//!
//! Where nothing is displaced along that axis (the levels of a field whose stencils are horizontal), a strip of it may still be large,
//! and strips of the next axis are cut in each **block** of it: two loops around the steps.

use hashbrown::HashMap;

use super::decide::Decider;
use super::group::Group;
use super::units::{Target, Units};
use super::{Dest, Room, Schedule, Step};
use crate::graph::NodeId;
use crate::size::Size;
use crate::view::View;

/// The most bytes that the windows of a strip take together, unless rows are so long that few fit.
pub const SCRATCH: i64 = 128 << 10;

impl Strip {
    /// The bytes that each of its windows may take.
    pub fn share(&self) -> i64 {
        SCRATCH / self.windows.len().max(1) as i64
    }

    /// These strips in blocks of another axis, if that is one of everything and rows are displaced along this one.
    fn inside(mut self, blocks: &Strip) -> Option<Strip> {
        let same = self.windows.iter().map(|(b, _)| b).eq(blocks.windows.iter().map(|(b, _)| b));
        (same && self.windows.iter().any(|(_, w)| w.extra > 0)).then_some(())?;
        self.free = blocks.free;
        for (step, block) in self.steps.iter_mut().zip(&blocks.steps) {
            (block.axis != step.axis).then_some(())?;
            step.outer = block.axis;
        }
        for ((_, w), (_, block)) in self.windows.iter_mut().zip(&blocks.windows) {
            (block.axis != w.axis).then_some(())?;
            w.outer = Some(block.axis);
        }
        Some(self)
    }
}

impl Schedule {
    /// The bytes of one row of a window, at one index of the axis around it.
    pub(crate) fn row_bytes(&self, buffer: u32, window: &Window) -> Size {
        let b = &self.buffers[buffer as usize];
        let held = |k: usize| k == window.axis as usize || Some(k as u8) == window.outer;
        let others = b.shape.extents().iter().enumerate().filter(|(k, _)| !held(*k));
        others.fold(Size::from(b.dtype.size()), |n, (_, extent)| n.mul(extent))
    }

    /// What the window that a value is in takes at most, in terms of the program's dims, if it is in one.
    pub(crate) fn window_bound(&self, id: NodeId) -> Option<Size> {
        let Some(Dest::Buffer(b)) = self.homes[id.index()] else { return None };
        self.buffers[b.index()].window.as_ref()?;
        Some(self.buffer_bound(b.index()))
    }

    /// What a buffer takes at most, in terms of the program's dims.
    fn buffer_bound(&self, buffer: usize) -> Size {
        let mut windows = self.strips.iter().flat_map(|s| s.windows.iter().map(move |(b, w)| (s, *b, w)));
        match windows.find(|(_, b, _)| *b as usize == buffer) {
            Some((strip, b, w)) => self.row_bytes(b, w).scale(w.rows(1)).add(&Size::from(strip.share())),
            None => self.buffers[buffer].bytes(),
        }
    }

    /// What a slot takes at most, in terms of the program's dims.
    pub(crate) fn slot_bound(&self, slot: usize) -> Size {
        let here = (0..self.buffers.len()).filter(|&b| self.buffers[b].room == Room::Slot(slot as u32));
        let bounds: Vec<Size> = here.map(|b| self.buffer_bound(b)).collect();
        Size::greatest(&bounds)
    }

    /// What each thread beside the first takes at most: windows of its own, of strips that several may go through.
    pub(crate) fn lane_bound(&self) -> Size {
        let windows = self.strips.iter().filter(|s| s.free).flat_map(|s| &s.windows);
        windows.fold(Size::ZERO, |sum, (b, _)| sum.add(&self.buffer_bound(*b as usize)))
    }

    /// True if a slot holds a window.
    pub(crate) fn holds_window(&self, slot: usize) -> bool {
        self.buffers.iter().any(|b| b.room == Room::Slot(slot as u32) && b.window.is_some())
    }
}

/// A run of steps that go through an axis together, strip by strip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strip {
    /// The first step.
    pub first: u32,
    /// For each step from there on, how it moves along the axis.
    pub steps: Vec<StripStep>,
    /// The scratch memory that holds windows of values: buffer by number, and how.
    pub windows: Vec<(u32, Window)>,
    /// True if blocks, or strips where there are none, may come in any order and several at a time, each with windows of its own:
    /// nothing is displaced along their axis.
    pub free: bool,
}

/// How one step moves along the axis of its strip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StripStep {
    /// The axis of its domain; `None` for one that is at a single place of the axis, and runs as a whole in the strip it is in.
    pub axis: Option<u8>,
    /// Its index 0 in the strip's coordinate.
    pub shift: Size,
    /// The axis of its domain that blocks are cut from, if they are.
    pub outer: Option<u8>,
}

/// The rows of a value that exist at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The axis of the value.
    pub axis: u8,
    /// The row that is the first to be needed in the strip that begins at coordinate 0.
    pub first: Size,
    /// How many rows more than the strip is long are needed: they stay from the strip before.
    pub extra: i64,
    /// The axis of the value that blocks are cut from, if they are.
    pub outer: Option<u8>,
}

impl Window {
    /// The rows that are held for strips of this length: some more than are needed, so that those that stay are seldom moved.
    pub fn rows(&self, length: i64) -> i64 {
        length + 3 * self.extra
    }
}

/// How a step touches a storage along the axis: the row at coordinate g is at `g + offset` in the storage's own coordinate.
struct Touch {
    step: usize,
    storage: usize,
    writes: bool,
    /// `None` where the map along some axis is not known.
    map: Option<View>,
    /// Which loop each axis of the map is.
    loops: Vec<usize>,
}

/// All touches, in the order of steps.
struct Touches {
    all: Vec<Touch>,
    /// Which ones there are of each storage.
    of: Vec<Vec<usize>>,
}

impl Touches {
    fn new(all: Vec<Touch>, storages: usize) -> Touches {
        let mut of = vec![Vec::new(); storages];
        for (k, t) in all.iter().enumerate() {
            of[t.storage].push(k);
        }
        Touches { all, of }
    }

    /// Those of some steps.
    fn of_steps(&self, first: usize, last: usize) -> &[Touch] {
        let (from, to) = (self.all.partition_point(|t| t.step < first), self.all.partition_point(|t| t.step <= last));
        &self.all[from..to]
    }

    /// Those of a storage by some steps.
    fn of_storage(&self, storage: usize, first: usize, last: usize) -> impl Iterator<Item = &Touch> {
        let of = &self.of[storage];
        let from = of.partition_point(|k| self.all[*k].step < first);
        of[from..].iter().map(|k| &self.all[*k]).take_while(move |t| t.step <= last)
    }
}

impl Decider<'_> {
    /// The strips of a schedule whose steps are these groups.
    pub(super) fn strips(&self, units: &Units, groups: &[Group], schedule: &Schedule, buffer_of: &[Option<u32>]) -> Vec<Strip> {
        let touches = Touches::new(self.touches(units, groups), units.storages.len());
        let mut strips: Vec<Strip> = Vec::new();
        let mut taken_to = 0;
        let mut scratch: Vec<(usize, u32)> = buffer_of.iter().enumerate().filter_map(|(s, b)| b.map(|b| (s, b))).collect();
        scratch.sort_by_key(|(_, b)| schedule.buffers[*b as usize].live);
        for (s, b) in &scratch {
            let s = *s;
            let live = schedule.buffers[*b as usize].live;
            if live.0 < taken_to || live.0 == live.1 || !worth_it(&schedule.buffers[*b as usize].shape.size()) {
                continue;
            }
            // As far as steps depend on the ones before; a range that is too long fails, and then shorter ones are tried.
            let mut ends: Vec<u32> = schedule.buffers.iter().map(|x| x.live.1).filter(|e| *e >= live.1).collect();
            ends.push(groups.len() as u32 - 1);
            ends.sort_unstable();
            ends.dedup();
            let rank = schedule.buffers[*b as usize].shape.rank();
            let found = ends.into_iter().rev().take(4).chain([live.1]).find_map(|end| {
                let attempt = |axis| Attempt::new(groups, &touches, (live.0 as usize, end as usize)).strip(s, axis, buffer_of, schedule);
                (0..rank).find_map(|axis| {
                    let (strip, still) = attempt(axis)?;
                    // The last axis is where rows are adjacent.
                    let inner = (axis + 1..rank.max(1) - 1).filter(|_| still).find_map(|inner| attempt(inner)?.0.inside(&strip));
                    Some(inner.unwrap_or(strip))
                })
            });
            if let Some(strip) = found {
                taken_to = strip.first + strip.steps.len() as u32;
                strips.push(strip);
            }
        }
        strips
    }

    fn touches(&self, units: &Units, groups: &[Group]) -> Vec<Touch> {
        let mut out = Vec::new();
        for (step, g) in groups.iter().enumerate() {
            for &u in &g.units {
                let unit = &units.units[u];
                let identity: Vec<usize> = (0..unit.domain.rank()).collect();
                for read in self.reads_of(unit) {
                    let Some(&(storage, version)) = units.storage_of.get(&read.memory) else { continue };
                    // What a step makes and uses at once is no read of memory.
                    let here = g
                        .units
                        .iter()
                        .any(|&o| units.units[o].makes == Some((storage, version)) && !self.graph[read.memory].kind.is_written());
                    if !here {
                        let loops = if read.at_source { self.source_loops(unit) } else { identity.clone() };
                        out.push(Touch { step, storage, writes: false, map: read.map, loops });
                    }
                }
                for target in &unit.targets {
                    if let (Target::Storage(storage), Some(_)) = (*target, unit.makes) {
                        out.push(Touch { step, storage, writes: true, map: unit.map(), loops: identity.clone() });
                    }
                }
            }
        }
        out
    }
}

/// A value of fixed, small size is no burden.
fn worth_it(elements: &Size) -> bool {
    elements.as_const().is_none_or(|n| n > 4096)
}

struct Attempt<'a> {
    groups: &'a [Group],
    touches: &'a Touches,
    first: usize,
    last: usize,
    /// Per step of the range: its axis, if it moves along the strip's, and its shift.
    steps: Vec<Option<(Option<usize>, Size)>>,
    /// Per storage that is written and read here: axis and shift.
    storages: HashMap<usize, (usize, Size)>,
}

impl<'a> Attempt<'a> {
    fn new(groups: &'a [Group], touches: &'a Touches, range: (usize, usize)) -> Attempt<'a> {
        let steps = vec![None; range.1 + 1 - range.0];
        Attempt { groups, touches, first: range.0, last: range.1, steps, storages: HashMap::new() }
    }

    /// The touches of a storage by steps of the range.
    fn touches_of(&self, storage: usize) -> impl Iterator<Item = &'a Touch> + use<'a> {
        self.touches.of_storage(storage, self.first, self.last)
    }

    /// True for storages that put an order between strips: not for what is only read, or only touched by one step.
    fn is_carried(&self, storage: usize) -> bool {
        let Some(first) = self.touches_of(storage).next().map(|t| t.step) else { return false };
        self.touches_of(storage).any(|t| t.step != first) && self.touches_of(storage).any(|t| t.writes)
    }

    /// The row that a touch is at along an axis of the storage, as the domain axis that moves it and an offset, if it moves by ones
    /// or not at all.
    fn along(&self, touch: &Touch, axis: usize) -> Option<(Option<usize>, Size)> {
        let map = &touch.map.as_ref()?.axes[axis];
        let moved_by = match map.terms.as_slice() {
            [] => None,
            [(k, step)] => {
                let axis = *touch.loops.get(*k as usize)?;
                let domain = self.groups[touch.step].domain.extents();
                (*step == Size::ONE && axis < domain.len()).then_some(())?;
                // An axis of one index is a single place.
                (domain[axis] != Size::ONE).then_some(axis)
            }
            _ => return None,
        };
        Some((moved_by, map.offset.clone()))
    }

    /// How far from the step's coordinate the touched row is.
    fn distance(&self, touch: &Touch) -> Option<i64> {
        let (axis, shift) = self.storages.get(&touch.storage)?;
        let (_, offset) = self.along(touch, *axis)?;
        let (_, own) = self.steps[touch.step - self.first].as_ref()?;
        offset.sub(own).add(shift).as_const()
    }

    /// The strip through this storage along this axis, and whether every index of the axis is a problem of its own: nothing is displaced.
    fn strip(mut self, storage: usize, axis: usize, buffer_of: &[Option<u32>], schedule: &Schedule) -> Option<(Strip, bool)> {
        self.align(storage, axis)?;
        for k in self.first..=self.last {
            let walk = &schedule.steps[k].walk;
            if schedule.steps[k].pairs.is_some() {
                return None;
            }
            let (axis, _) = self.steps[k - self.first].as_ref()?;
            if walk.order.is_some() || axis.is_some_and(|a| walk.reversed.get(a) == Some(&true)) {
                return None;
            }
        }
        self.own_reads_stay_ahead()?;
        self.delay()?;
        let mut windows = Vec::new();
        for (s, (axis, shift)) in &self.storages {
            let Some(b) = buffer_of[*s] else { continue };
            let live = schedule.buffers[b as usize].live;
            if (live.0 as usize) < self.first || live.1 as usize > self.last {
                continue;
            }
            let all = self.touches_of(*s).map(|t| self.distance(t)).collect::<Option<Vec<i64>>>()?;
            let (low, high) = (all.iter().min()?, all.iter().max()?);
            windows.push((b, Window { axis: *axis as u8, first: Size::from(*low).sub(shift), extra: high - low, outer: None }));
        }
        windows.sort_by_key(|w| w.0);
        if !windows.iter().any(|(b, _)| worth_it(&schedule.buffers[*b as usize].shape.size())) {
            return None;
        }
        let here = |s: &usize| self.touches_of(*s).all(|t| self.distance(t) == Some(0));
        let still = self.storages.iter().all(|(s, (_, shift))| *shift == Size::ZERO && here(s))
            && self.steps.iter().flatten().all(|(axis, shift)| axis.is_some() && *shift == Size::ZERO);
        let carries = |(step, axis): (&Step, Option<usize>)| axis.is_none_or(|a| step.walk.carried.get(a) == Some(&true));
        let axes = self.steps.iter().map(|s| s.as_ref().and_then(|(axis, _)| *axis));
        let free = still && !schedule.steps[self.first..].iter().zip(axes).any(carries) && self.own_reads_stay_here();
        let steps = self.steps.into_iter().map(|s| s.map(|(axis, shift)| StripStep { axis: axis.map(|a| a as u8), shift, outer: None }));
        Some((Strip { first: self.first as u32, steps: steps.collect::<Option<_>>()?, windows, free }, still))
    }

    /// Finds the axis of every step and of every storage that is carried between them, from that of one storage.
    fn align(&mut self, storage: usize, axis: usize) -> Option<()> {
        self.storages.insert(storage, (axis, Size::ZERO));
        let mut pending = vec![storage];
        while let Some(s) = pending.pop() {
            let (axis, shift) = self.storages[&s].clone();
            for touch in self.touches_of(s) {
                let (moved_by, offset) = self.along(touch, axis)?;
                let slot = &mut self.steps[touch.step - self.first];
                match slot {
                    Some((known, _)) if *known != moved_by => return None,
                    Some(_) => {}
                    None => *slot = Some((moved_by, offset.add(&shift))),
                }
                let (moved_by, own) = self.steps[touch.step - self.first].clone().expect("set above");
                for other in self.touches.of_steps(touch.step, touch.step) {
                    if self.storages.contains_key(&other.storage) || !self.is_carried(other.storage) {
                        continue;
                    }
                    let rank = other.map.as_ref()?.axes.len();
                    // The same axis if that will do: of a step at one place, any axis might.
                    let mut axes = std::iter::once(axis).filter(|a| *a < rank).chain(0..rank);
                    let (axis, offset) = axes.find_map(|a| self.along(other, a).filter(|(k, _)| *k == moved_by).map(|(_, o)| (a, o)))?;
                    self.storages.insert(other.storage, (axis, own.sub(&offset)));
                    pending.push(other.storage);
                }
            }
        }
        // A step that is reached has all that it carries reached with it.
        self.steps.iter().all(Option::is_some).then_some(())
    }

    /// What a step alone reads and overwrites is in order along its own loops. Cut into strips it is so only if what an index reads
    /// is not written by an earlier one: an element that all of them read would be read again after it has been overwritten.
    fn own_reads_stay_ahead(&self) -> Option<()> {
        self.own_reads()?.into_iter().all(|ahead| ahead >= 0).then_some(())
    }

    /// True if no index of a step reads what another one overwrites.
    fn own_reads_stay_here(&self) -> bool {
        self.own_reads().is_some_and(|all| all.into_iter().all(|ahead| ahead == 0))
    }

    /// How far ahead of what it writes each step reads what it alone touches, where it does; `None` if that is not known.
    fn own_reads(&self) -> Option<Vec<i64>> {
        let mut all = Vec::new();
        for write in self.touches.of_steps(self.first, self.last).iter().filter(|t| t.writes && !self.storages.contains_key(&t.storage)) {
            let (Some(moved_by), _) = self.steps[write.step - self.first].as_ref()? else { continue };
            let rank = write.map.as_ref()?.axes.len();
            let along =
                |t: &Touch, axis: usize| self.along(t, axis).filter(|(k, _)| k.as_ref() == Some(moved_by)).map(|(_, offset)| offset);
            let (axis, written) = (0..rank).find_map(|a| along(write, a).map(|offset| (a, offset)))?;
            for read in self.touches.of_steps(write.step, write.step).iter().filter(|t| !t.writes && t.storage == write.storage) {
                all.push(along(read, axis)?.sub(&written).as_const()?);
            }
        }
        Some(all)
    }

    /// Gives each step the least shift with which nothing is read before it is made, nor overwritten before it is read.
    fn delay(&mut self) -> Option<()> {
        // Per storage, the least distance of the touches so far: of all, and of those that write.
        let mut least: HashMap<usize, (i64, Option<i64>)> = HashMap::new();
        for k in self.first..=self.last {
            let touches: Vec<&Touch> = self.touches.of_steps(k, k).iter().filter(|t| self.storages.contains_key(&t.storage)).collect();
            let mut late = 0;
            for t in &touches {
                let bound = least.get(&t.storage).and_then(|(all, writes)| if t.writes { Some(*all) } else { *writes });
                if let Some(bound) = bound {
                    late = late.max(self.distance(t)? - bound);
                }
            }
            let (_, own) = self.steps[k - self.first].as_mut()?;
            *own = own.add(&Size::from(late));
            for t in touches {
                let d = self.distance(t)?;
                let entry = least.entry(t.storage).or_insert((d, None));
                entry.0 = entry.0.min(d);
                if t.writes {
                    entry.1 = Some(entry.1.map_or(d, |w| w.min(d)));
                }
            }
        }
        Some(())
    }
}
