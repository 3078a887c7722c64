//! Steps that run strip by strip, so that what lies between them need not exist as a whole.
//!
//! `x - x.max(axis=1)` takes two loop nests and a maximum for each row. But the maximum of a row is read for that row alone: where a
//! run of steps moves along one axis of everything it stores in between, a strip of that axis can go through all of the steps before
//! the next one begins. The stored values shrink to windows as long as a strip. A step whose result is read at neighbouring indices
//! (a stencil on a stencil) computes a few indices more on either side, those that the next strip computes again: overlapped tiling
//! (Mullapudi et al., *PolyMage*, ASPLOS 2015), in one dimension.
//!
//! Everything is put in one coordinate, g. The iteration i of a step along its strip axis is at `g = i + shift`; the row r of a
//! storage is at `g = r + shift`. A read at g of a row at `g + d` needs the step that makes it to have been at `g + d`.

use hashbrown::HashMap;

use super::Schedule;
use super::decide::Decider;
use super::group::Group;
use super::units::{Target, Units};
use crate::graph::Kind;
use crate::size::Size;
use crate::view::View;

/// The most bytes that the windows of a strip take together, unless rows are so long that few fit.
pub const SCRATCH: i64 = 128 << 10;

impl Strip {
    /// The fewest coordinates that a strip covers, for it to be long beside what its neighbours compute again.
    pub fn shortest(&self) -> i64 {
        self.steps.iter().map(|s| 4 * (s.low + s.high)).max().unwrap_or(0).max(1)
    }

    /// The bytes that each of its windows may take.
    pub fn share(&self) -> i64 {
        SCRATCH / self.windows.len().max(1) as i64
    }
}

impl Schedule {
    /// The bytes of one row of a window.
    pub(crate) fn row_bytes(&self, buffer: u32, window: &Window) -> Size {
        let b = &self.buffers[buffer as usize];
        let others = b.shape.extents().iter().enumerate().filter(|(k, _)| *k != window.axis as usize);
        others.fold(Size::from(b.dtype.size()), |n, (_, extent)| n.mul(extent))
    }

    /// What a slot takes at most, in terms of the program's dims.
    pub(crate) fn slot_bound(&self, slot: usize) -> Size {
        let windows = self.strips.iter().flat_map(|s| s.windows.iter().map(move |(b, w)| (s, *b, w)));
        let mut here = windows.filter(|(_, b, _)| self.buffers[*b as usize].slot as usize == slot);
        match here.next() {
            Some((strip, b, w)) => self.row_bytes(b, w).scale(strip.shortest() + w.extra).add(&Size::from(strip.share())),
            None => self.slots[slot].clone(),
        }
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
}

/// How one step moves along the axis of its strip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StripStep {
    /// The axis of its domain.
    pub axis: u8,
    /// Its index 0 in the strip's coordinate.
    pub shift: i64,
    /// How many indices before the strip it computes.
    pub low: i64,
    /// How many indices behind the strip it computes.
    pub high: i64,
}

/// The rows of a value that exist at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The axis of the value.
    pub axis: u8,
    /// The row that is first in the window of the strip that begins at coordinate 0.
    pub first: i64,
    /// How many rows more than the strip is long.
    pub extra: i64,
}

/// How a step touches a storage along the axis: the row at coordinate g is at `g + offset` in the storage's own coordinate.
struct Touch {
    step: usize,
    storage: usize,
    version: usize,
    writes: bool,
    /// `None` where the map along some axis is not known.
    map: Option<View>,
    /// Which loop each axis of the map is.
    loops: Vec<usize>,
}

impl Decider<'_> {
    /// The strips of a schedule whose steps are these groups.
    pub(super) fn strips(&self, units: &Units, groups: &[Group], schedule: &Schedule, buffer_of: &[Option<u32>]) -> Vec<Strip> {
        let touches = self.touches(units, groups);
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
                (0..rank).find_map(|axis| {
                    let range = (live.0 as usize, end as usize);
                    Attempt::new(self, units, groups, &touches, range).strip(s, axis, buffer_of, schedule)
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
                    let here = g.units.iter().any(|&o| {
                        units.units[o].makes == Some((storage, version)) && !matches!(self.graph[read.memory].kind, Kind::Pieces(_))
                    });
                    if !here {
                        let loops = if read.at_source { self.source_loops(unit.value) } else { identity.clone() };
                        out.push(Touch { step, storage, version, writes: false, map: read.map, loops });
                    }
                }
                for target in &unit.targets {
                    if let (Target::Storage(storage), Some((_, version))) = (*target, unit.makes) {
                        out.push(Touch { step, storage, version, writes: true, map: Some(unit.map()), loops: identity.clone() });
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
    d: &'a Decider<'a>,
    units: &'a Units,
    groups: &'a [Group],
    touches: &'a [Touch],
    first: usize,
    last: usize,
    /// Per step of the range: axis and shift.
    steps: Vec<Option<(usize, i64)>>,
    /// Per storage that is written and read here: axis and shift.
    storages: HashMap<usize, (usize, i64)>,
}

impl<'a> Attempt<'a> {
    fn new(d: &'a Decider<'a>, units: &'a Units, groups: &'a [Group], touches: &'a [Touch], range: (usize, usize)) -> Attempt<'a> {
        let steps = vec![None; range.1 + 1 - range.0];
        Attempt { d, units, groups, touches, first: range.0, last: range.1, steps, storages: HashMap::new() }
    }

    fn inside(&self) -> impl Iterator<Item = &'a Touch> + use<'a> {
        let (first, last) = (self.first, self.last);
        self.touches.iter().filter(move |t| (first..=last).contains(&t.step))
    }

    /// The row that a touch is at along an axis of the storage, as (domain axis, offset), if it moves there by ones.
    fn along(&self, touch: &Touch, axis: usize) -> Option<(usize, i64)> {
        let map = &touch.map.as_ref()?.axes[axis];
        let [(k, step)] = map.terms.as_slice() else { return None };
        let axis = *touch.loops.get(*k as usize)?;
        (*step == Size::ONE && axis < self.groups[touch.step].domain.rank()).then_some(())?;
        Some((axis, map.offset.as_const()?))
    }

    /// How far from the step's coordinate the touched row is.
    fn distance(&self, touch: &Touch) -> Option<i64> {
        let (axis, shift) = *self.storages.get(&touch.storage)?;
        let (_, offset) = self.along(touch, axis)?;
        let (_, own) = self.steps[touch.step - self.first]?;
        Some(offset - own + shift)
    }

    /// The strip through this storage along this axis.
    fn strip(mut self, storage: usize, axis: usize, buffer_of: &[Option<u32>], schedule: &Schedule) -> Option<Strip> {
        // What is only read, or only written, here puts no order between strips.
        let carried = |s: usize| {
            let mut written = self.inside().filter(|t| t.writes && t.storage == s).map(|t| t.step);
            let first = written.next()?;
            self.inside().any(|t| t.storage == s && (!t.writes || t.step != first)).then_some(())
        };
        let carried: Vec<usize> = (0..self.units.storages.len()).filter(|s| carried(*s).is_some()).collect();
        self.storages.insert(storage, (axis, 0));
        let mut pending = vec![storage];
        while let Some(s) = pending.pop() {
            let (axis, shift) = self.storages[&s];
            for touch in self.inside().filter(|t| t.storage == s) {
                let (step_axis, offset) = self.along(touch, axis)?;
                let own = offset + shift;
                match &mut self.steps[touch.step - self.first] {
                    Some((known, _)) if *known != step_axis => return None,
                    Some(_) => {}
                    slot => *slot = Some((step_axis, own)),
                }
                // Everything else that this step touches and that is carried.
                let (step_axis, own) = self.steps[touch.step - self.first].expect("set above");
                for other in self.inside().filter(|t| t.step == touch.step && carried.contains(&t.storage)) {
                    if self.storages.contains_key(&other.storage) {
                        continue;
                    }
                    let rank = other.map.as_ref()?.axes.len();
                    let (axis, offset) =
                        (0..rank).find_map(|a| self.along(other, a).filter(|(k, _)| *k == step_axis).map(|(_, o)| (a, o)))?;
                    self.storages.insert(other.storage, (axis, own - offset));
                    pending.push(other.storage);
                }
            }
        }
        if self.steps.iter().any(Option::is_none) || carried.iter().any(|s| !self.storages.contains_key(s)) {
            return None;
        }
        for k in self.first..=self.last {
            let walk = &schedule.steps[k].walk;
            let (axis, _) = self.steps[k - self.first].expect("checked above");
            if walk.order.is_some() || walk.reversed.get(axis) == Some(&true) {
                return None;
            }
        }
        let (low, high) = self.margins()?;
        self.overwrites_are_safe(&low, &high)?;
        let mut windows = Vec::new();
        for (s, (axis, shift)) in &self.storages {
            let Some(b) = buffer_of[*s] else { continue };
            let live = schedule.buffers[b as usize].live;
            if (live.0 as usize) < self.first || live.1 as usize > self.last {
                continue;
            }
            // The rows that its writers make around a strip.
            let (mut below, mut above) = (0, 0);
            for touch in self.inside().filter(|t| t.storage == *s && t.writes) {
                let d = self.distance(touch)?;
                below = below.max(low[touch.step - self.first] - d);
                above = above.max(high[touch.step - self.first] + d);
            }
            windows.push((b, Window { axis: *axis as u8, first: -below - shift, extra: below + above }));
        }
        windows.sort_by_key(|w| w.0);
        if !windows.iter().any(|(b, _)| worth_it(&schedule.buffers[*b as usize].shape.size())) {
            return None;
        }
        let steps = (0..self.steps.len()).map(|k| {
            let (axis, shift) = self.steps[k].expect("checked above");
            StripStep { axis: axis as u8, shift, low: low[k], high: high[k] }
        });
        Some(Strip { first: self.first as u32, steps: steps.collect(), windows })
    }

    /// How far each step must go beyond a strip for those that read its results.
    fn margins(&self) -> Option<(Vec<i64>, Vec<i64>)> {
        let (mut low, mut high) = (vec![0; self.steps.len()], vec![0; self.steps.len()]);
        for q in (self.first..=self.last).rev() {
            for read in self.inside().filter(|t| t.step == q && !t.writes && self.storages.contains_key(&t.storage)) {
                let d = self.distance(read)?;
                for write in self.inside().filter(|t| t.writes && t.storage == read.storage && t.version <= read.version && t.step < q) {
                    let gap = d - self.distance(write)?;
                    let (k, q) = (write.step - self.first, q - self.first);
                    low[k] = low[k].max(low[q] - gap);
                    high[k] = high[k].max(high[q] + gap);
                }
            }
        }
        Some((low, high))
    }

    /// Where a storage holds one version after another, strips must not overwrite what a later strip still reads, nor write
    /// anything twice.
    fn overwrites_are_safe(&self, low: &[i64], high: &[i64]) -> Option<()> {
        for s in self.storages.keys().copied().chain(self.touched_once()) {
            let storage = &self.units.storages[s];
            if storage.versions.len() < 2 {
                continue;
            }
            for write in self.inside().filter(|t| t.writes && t.storage == s && t.version > 0) {
                let k = write.step - self.first;
                if low[k] != 0 || high[k] != 0 {
                    return None;
                }
                for other in self.inside().filter(|t| t.storage == s && t.version < write.version && t.step != write.step) {
                    let q = other.step - self.first;
                    let gap = self.distance(other)? - self.distance(write)?;
                    let ordered = if other.writes { gap == 0 && low[q] == 0 && high[q] == 0 } else { gap >= 0 && low[q] == 0 };
                    ordered.then_some(())?;
                }
            }
        }
        let _ = self.d;
        Some(())
    }

    /// Storages that a single step of the range both reads and writes: the order of strips is that of its loops.
    fn touched_once(&self) -> Vec<usize> {
        let all = 0..self.units.storages.len();
        all.filter(|s| !self.storages.contains_key(s) && self.inside().any(|t| t.writes && t.storage == *s)).collect()
    }
}
