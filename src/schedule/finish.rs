//! From groups of units to the schedule: steps in order, buffers with their lifetimes and slots, a decision for every node.

use hashbrown::HashMap;

use super::decide::Decider;
use super::group::Group;
use super::units::{Target, Units};
use super::{Buffer, BufferId, Dest, Placement, Put, Room, Schedule, Step, Why};
use crate::dtype::DType;
use crate::graph::{Graph, Kind, NodeId};
use crate::shape::Shape;
use crate::size::{Size, Var};

impl Decider<'_> {
    /// `contiguous` says which arrays, inputs before outputs, are known to lie in C order without gaps.
    ///
    /// # Errors
    /// If a group has no order of its loops, which grouping has seen to.
    pub(super) fn finish(self, units: Units, mut groups: Vec<Group>, contiguous: &[bool]) -> Result<Schedule, String> {
        groups.sort_by_key(|g| (g.level, units.units[g.units[0]].root));
        // What has nothing to do with one another does not interrupt one another's strips.
        let parts = parts(&units, &groups);
        let mut order: Vec<usize> = (0..groups.len()).collect();
        order.sort_by_key(|k| parts[*k]);
        let mut all: Vec<Option<Group>> = groups.into_iter().map(Some).collect();
        let groups: Vec<Group> = order.into_iter().filter_map(|k| all[k].take()).collect();
        let count = self.graph.len();
        let mut schedule = Schedule {
            steps: Vec::new(),
            decisions: vec![None; count],
            homes: vec![None; count],
            buffers: Vec::new(),
            slots: Vec::new(),
            strips: Vec::new(),
        };
        // Buffers in the order in which they are first written.
        let mut dest: Vec<Option<Dest>> = units.storages.iter().map(|s| s.output.map(Dest::Output)).collect();
        let mut live: Vec<Option<(u32, u32)>> = vec![None; units.storages.len()];
        for (k, g) in groups.iter().enumerate() {
            let made = g.units.iter().filter_map(|&u| units.units[u].makes.map(|(s, _)| s));
            let read = g.reads.iter().filter_map(|n| units.storage_of.get(n).map(|(s, _)| *s));
            for s in made.chain(read) {
                let span = live[s].get_or_insert((k as u32, k as u32));
                span.1 = k as u32;
            }
            for &u in &g.units {
                let Some((s, _)) = units.units[u].makes else { continue };
                if dest[s].is_none() {
                    let last = *units.storages[s].versions.last().expect("a storage has versions");
                    let (node, id) = (&self.graph[last], BufferId::new(schedule.buffers.len()));
                    let why = self.stored[last.index()].expect("scratch memory has a reason");
                    let (dtype, shape) = (node.dtype, node.shape.clone());
                    schedule.buffers.push(Buffer { node: last, dtype, shape, why, room: Room::Slot(0), live: (0, 0), window: None });
                    dest[s] = Some(Dest::Buffer(id));
                }
            }
        }
        for (s, span) in live.iter().enumerate() {
            if let (Some(Dest::Buffer(b)), Some(span)) = (dest[s], span) {
                schedule.buffers[b.index()].live = *span;
            }
        }
        for (node, (s, v)) in &units.storage_of {
            // The input that an output updates is read as an input.
            let updated = *v == 0 && matches!(self.graph[*node].kind, Kind::Input(_)) && units.storages[*s].versions.len() > 1;
            if !updated {
                schedule.homes[node.index()] = dest[*s];
            }
        }
        for g in &groups {
            let mut puts = Vec::new();
            let mut in_place = false;
            for &u in &g.units {
                let unit = &units.units[u];
                in_place |= unit.in_place;
                for target in &unit.targets {
                    let dest = match *target {
                        Target::Output(o) => Dest::Output(o),
                        Target::Storage(s) => dest[s].expect("a storage that is written has a place"),
                    };
                    let scatter = unit.scatters.then_some(unit.root);
                    puts.push(Put { node: unit.value, dest, region: unit.region.clone(), scatter });
                }
            }
            let pairs = g.units.iter().find_map(|&u| units.units[u].pairs);
            let distances: Vec<_> = g.units.iter().flat_map(|&u| units.units[u].distances.iter().cloned()).collect();
            let walk = Units::walk_of(&distances, g.domain.rank())
                .ok_or_else(|| format!("schedule: no order of loops over {} suits all units", g.domain))?;
            let fused = g.members.iter().copied().filter(|m| !self.graph[*m].kind.is_scalar_leaf()).collect();
            let (domain, reduce) = (g.domain.clone(), g.reduce.clone());
            schedule.steps.push(Step { domain, reduce, stores: puts, fused, walk, in_place, strip: None, block: None, pairs });
        }
        let number = |d: &Option<Dest>| match d {
            Some(Dest::Buffer(b)) => Some(b.index() as u32),
            _ => None,
        };
        let buffer_of: Vec<Option<u32>> = dest.iter().map(number).collect();
        schedule.strips = self.strips(&units, &groups, &schedule, &buffer_of);
        for strip in &schedule.strips {
            for (k, s) in strip.steps.iter().enumerate() {
                let step = &mut schedule.steps[strip.first as usize + k];
                (step.strip, step.block) = (s.axis, s.outer);
            }
            for (b, w) in &strip.windows {
                let buffer = &mut schedule.buffers[*b as usize];
                buffer.window = Some(w.clone());
                buffer.shape.0[w.axis as usize] = Size::var(Var::Rows { buffer: *b });
                if let Some(outer) = w.outer {
                    buffer.shape.0[outer as usize] = Size::var(Var::Planes { buffer: *b });
                }
            }
            // The steps of a strip run in turns, so that whatever lives in one of them lives in all.
            let (first, last) = (strip.first, strip.first + strip.steps.len() as u32 - 1);
            for buffer in schedule.buffers.iter_mut().filter(|b| b.live.0 <= last && b.live.1 >= first) {
                buffer.live = (buffer.live.0.min(first), buffer.live.1.max(last));
            }
        }
        self.place(&mut schedule, contiguous);
        share_slots(&mut schedule);
        self.note_decisions(&mut schedule, &units);
        Ok(schedule)
    }

    fn is_window(&self, schedule: &Schedule, id: NodeId) -> bool {
        let Some(Dest::Buffer(b)) = schedule.homes[id.index()] else { return false };
        // Rows that grow with the input make a window that does.
        schedule.buffers[b.index()].window.as_ref().is_some_and(|w| schedule.row_bytes(b.index() as u32, w).as_const().is_some())
    }

    fn note_decisions(&self, schedule: &mut Schedule, units: &Units) {
        let own_index = own_indices(self.graph);
        let outputs: HashMap<NodeId, ()> = self.graph.outputs().iter().map(|o| (o.node, ())).collect();
        for (id, node) in self.graph.nodes() {
            if !self.live[id.index()] {
                continue;
            }
            let held = units.storage_of.get(&id).and_then(|(s, _)| units.storages[*s].output);
            let in_place = held.is_some_and(|o| self.graph.outputs()[o as usize].in_place.is_some());
            schedule.decisions[id.index()] = Some(match (&node.kind, self.stored[id.index()]) {
                (Kind::Input(_), None) => Placement::Input.into(),
                _ if in_place => Placement::InPlace.into(),
                _ if held.is_some() || outputs.contains_key(&id) && self.stored[id.index()].is_none() => Placement::Output.into(),
                (_, Some(why)) if self.is_window(schedule, id) => Placement::TileScratch.because(why),
                (Kind::Copy(_) | Kind::Input(_) | Kind::View(..) | Kind::Reshape(..), Some(why)) => Placement::Copy.because(why),
                (_, Some(why)) => Placement::Buffer.because(why),
                (Kind::Const(_) | Kind::Size(_), _) => Placement::Scalar.into(),
                (Kind::View(..) | Kind::Reshape(..) | Kind::Iota, _) => Placement::View.into(),
                (Kind::Take(_, indices, _), _) if indices.iter().all(|i| own_index[i.index()]) => {
                    Placement::ComputedIndex.because(Why::OwnIndex)
                }
                (Kind::Take(..), _) => Placement::ComputedIndex.into(),
                _ => Placement::Inline.into(),
            });
        }
    }

    /// Places buffers in memory. Where the last reader of one is done, the next may follow. An output that is larger for certain
    /// takes a buffer until something of its result is written, at no cost, and an input that is given away after its last reader; else
    /// a slot of the same size; else there is a new one, which may come to be shared by [`share_slots`].
    ///
    /// A window is in a slot, whose size is chosen together with the length of strips.
    fn place(&self, schedule: &mut Schedule, contiguous: &[bool]) {
        let bytes_of = |shape: &Shape, dtype: DType| shape.size().scale(dtype.size() as i64);
        let mut rooms: Vec<Free> = Vec::new();
        let mut lend = |room, shape: &Shape, dtype: DType, from, until| {
            rooms.push(Free { room, bytes: bytes_of(shape, dtype), bools: dtype == DType::Bool, from, until });
        };
        let (inputs, outputs) = contiguous.split_at(self.graph.inputs().len());
        for (k, output) in self.graph.outputs().iter().enumerate() {
            // An array with gaps has not as many bytes as it has elements, and one that is updated holds its input.
            if outputs[k] && output.in_place.is_none() {
                let node = &self.graph[output.node];
                lend(Room::Output(k as u32), &node.shape, node.dtype, 0, schedule.first_write(k as u32));
            }
        }
        for (k, input) in self.graph.inputs().iter().enumerate() {
            if inputs[k] && input.given_away {
                lend(Room::Input(k as u32), &input.shape, input.dtype, schedule.unread_from(self.graph, k as u32), u32::MAX);
            }
        }
        let mut order: Vec<usize> = (0..schedule.buffers.len()).collect();
        order.sort_by_key(|&k| schedule.buffers[k].live.0);
        for k in order {
            let b = &schedule.buffers[k];
            let bytes = b.bytes();
            let (first, last) = b.live;
            let free = |r: &Free| r.from <= first && last < r.until;
            let larger = |r: &Free| r.bytes.sub(&bytes).is_never_negative();
            let fits = |r: &Free| b.window.is_none() && (!r.bools || b.dtype == DType::Bool) && larger(r);
            let lent = |r: &Free| !r.is_slot() && fits(r);
            let same = (0..rooms.len()).find(|&r| free(&rooms[r]) && rooms[r].bytes == bytes && (rooms[r].is_slot() || lent(&rooms[r])));
            let found = same.or_else(|| (0..rooms.len()).find(|&r| free(&rooms[r]) && lent(&rooms[r])));
            let r = found.unwrap_or_else(|| {
                let room = Room::Slot(schedule.slots.len() as u32);
                schedule.slots.push(bytes.clone());
                rooms.push(Free { room, bytes, bools: false, from: 0, until: u32::MAX });
                rooms.len() - 1
            });
            rooms[r].from = last + 1;
            schedule.buffers[k].room = rooms[r].room;
        }
    }
}

/// A slot, with what lies in it.
struct Shared {
    /// What it takes, and at most takes where that depends on the length of strips.
    bytes: Size,
    bound: Size,
    /// When something lies in it.
    lives: Vec<(u32, u32)>,
}

/// Puts slots of unequal sizes together where what lies in one never lives with what lies in the other: the larger size is enough for
/// both, whichever that turns out to be. The largest come first, and each joins the slot with which most is saved, as far as degrees tell.
///
/// As this comes when all buffers have a place, it adds nothing to what the slots take together.
fn share_slots(schedule: &mut Schedule) {
    /// A size that is longer than this, written out, is not worth a formula with a maximum.
    const LONGEST: u32 = 100;
    let shared = |(k, bytes): (usize, &Size)| {
        let here = schedule.buffers.iter().filter(|b| b.room == Room::Slot(k as u32));
        Shared { bytes: bytes.clone(), bound: schedule.slot_bound(k), lives: here.map(|b| b.live).collect() }
    };
    let mut all: Vec<(usize, Shared)> = schedule.slots.iter().enumerate().map(shared).enumerate().collect();
    all.sort_by_key(|(_, s)| std::cmp::Reverse(s.bound.magnitude()));
    let mut kept: Vec<Shared> = Vec::new();
    let mut joined = vec![0; all.len()];
    for (k, slot) in all {
        let apart = |other: &Shared| other.lives.iter().all(|a| slot.lives.iter().all(|b| a.1 < b.0 || b.1 < a.0));
        let known = |other: &Shared| other.bound.is_at_least(&slot.bound) || slot.bound.is_at_least(&other.bound);
        let short = |other: &Shared| other.bound.weight().saturating_add(slot.bound.weight()) <= LONGEST;
        let fits = kept.iter().enumerate().filter(|(_, s)| apart(s) && (short(s) || known(s)));
        let saves = |s: &Shared| (s.bound.magnitude().min(slot.bound.magnitude()), known(s));
        let found = fits.max_by_key(|(at, s)| (saves(s), std::cmp::Reverse(*at))).map(|(at, _)| at);
        joined[k] = found.unwrap_or(kept.len());
        match found {
            Some(at) => {
                let with = &mut kept[at];
                with.bytes = Size::greatest([&with.bytes, &slot.bytes]);
                with.bound = Size::greatest([&with.bound, &slot.bound]);
                with.lives.extend(slot.lives);
            }
            None => kept.push(slot),
        }
    }
    // Numbered in the order in which buffers have them.
    let mut numbers: Vec<Option<u32>> = vec![None; kept.len()];
    schedule.slots.clear();
    for b in &mut schedule.buffers {
        if let Room::Slot(slot) = &mut b.room {
            let at = joined[*slot as usize];
            *slot = *numbers[at].get_or_insert_with(|| {
                schedule.slots.push(kept[at].bytes.clone());
                schedule.slots.len() as u32 - 1
            });
        }
    }
}

/// Memory for buffers, and the steps in which nothing lies in it.
struct Free {
    room: Room,
    bytes: Size,
    /// True if it is an array of `bool`, which holds no other bytes than 0 and 1 whatever happens during a run.
    bools: bool,
    from: u32,
    /// The first step that it is needed in for something else.
    until: u32,
}

impl Free {
    fn is_slot(&self) -> bool {
        matches!(self.room, Room::Slot(_))
    }
}

/// Which values are arithmetic on indices alone.
fn own_indices(graph: &Graph) -> Vec<bool> {
    let mut own = vec![false; graph.len()];
    for (id, node) in graph.nodes() {
        let operands = node.kind.operands();
        own[id.index()] = match &node.kind {
            Kind::Iota | Kind::Const(_) | Kind::Size(_) => true,
            Kind::View(..) => own[operands[0].index()],
            kind => kind.is_elementwise() && operands.iter().all(|o| own[o.index()]),
        };
    }
    own
}

/// For each group the first one that it depends on, or that depends on it, at any distance.
fn parts(units: &Units, groups: &[Group]) -> Vec<usize> {
    let mut part: Vec<usize> = (0..groups.len()).collect();
    fn first(part: &mut [usize], mut k: usize) -> usize {
        while part[k] != k {
            part[k] = part[part[k]];
            k = part[k];
        }
        k
    }
    let mut touched_by: Vec<Option<usize>> = vec![None; units.storages.len()];
    let mut group_of = vec![0; units.units.len()];
    for (k, g) in groups.iter().enumerate() {
        g.units.iter().for_each(|&u| group_of[u] = k);
    }
    for (k, g) in groups.iter().enumerate() {
        let made = g.units.iter().filter_map(|&u| units.units[u].makes.map(|(s, _)| s));
        let read = g.reads.iter().filter_map(|n| units.storage_of.get(n).map(|(s, _)| *s));
        let by_storage = made.chain(read).map(|s| *touched_by[s].get_or_insert(k)).collect::<Vec<_>>();
        let by_order = g.units.iter().flat_map(|&u| units.units[u].after.iter().map(|o| group_of[*o]));
        for other in by_storage.into_iter().chain(by_order) {
            let (a, b) = (first(&mut part, k), first(&mut part, other));
            part[a.max(b)] = a.min(b);
        }
    }
    (0..groups.len()).map(|k| first(&mut part, k)).collect()
}
