//! The order of units: readers after makers, later versions after earlier ones, and readers before whatever overwrites what they read.
//!
//! Where a unit overwrites what it reads itself, its loops are turned so that reads come first, or its indices go in pairs. Units
//! that overwrite each other's operands at the same index run as one. Where nothing helps, [`Conflict`] says what has to be copied.

use std::collections::BinaryHeap;

use super::decide::Decider;
use super::distance::{Distance, Meeting, Walk, apart, meeting, walk};
use super::units::{Read, Units};
use crate::graph::{Kind, NodeId};
use crate::size::Size;
use crate::view::View;

/// A leaf that must be read before something that it has to be read after: it needs a copy.
pub(super) struct Conflict {
    pub leaf: NodeId,
}

/// How many later versions are looked at one by one for a read that meets none of them.
const MAX_LOOK_AHEAD: usize = 64;

impl Units {
    /// Finds the order, or what must be copied to have one.
    pub(super) fn put_in_order(&mut self, d: &Decider<'_>) -> Result<(), Conflict> {
        let reads: Vec<Vec<Read>> = self.units.iter().map(|u| d.reads_of(u)).collect();
        // Vertices: the units, then one for each version, which stands for its being complete.
        let mut count = self.units.len();
        for s in &mut self.storages {
            s.vertex = count;
            count += s.versions.len();
        }
        let firsts: Vec<usize> = self.storages.iter().map(|s| s.vertex).collect();
        let done = |s: usize, v: usize| firsts[s] + v;
        let mut edges: Vec<Vec<usize>> = vec![Vec::new(); count];
        let mut over: Vec<(usize, usize)> = Vec::new();
        for (s, storage) in self.storages.iter().enumerate() {
            for (v, units) in storage.units.iter().enumerate() {
                for (n, &k) in units.iter().enumerate() {
                    edges[k].push(done(s, v));
                    if v > 0 {
                        edges[done(s, v - 1)].push(k);
                    }
                    // Later pieces lie over earlier ones.
                    for &earlier in &units[..n] {
                        let (below, above) = (&self.units[earlier], &self.units[k]);
                        let maps = below.map().zip(above.map());
                        if maps.as_ref().is_some_and(|(below, above)| apart(below, above, d.graph.assumptions())) {
                            continue;
                        }
                        // One step stores them in this order where they meet at the same index only.
                        let loops: Vec<usize> = (0..below.domain.rank()).collect();
                        let meets = |(x, y): (View, View)| meeting(&x, &loops, &y, &below.domain, d.graph.assumptions());
                        let same = below.domain == above.domain && maps.map(meets) == Some(Meeting::Same);
                        if same {
                            over.push((earlier, k))
                        } else {
                            edges[earlier].push(k)
                        }
                        self.units[k].after.push(earlier);
                    }
                }
                if v > 0 {
                    edges[done(s, v - 1)].push(done(s, v));
                    // A version that changes nothing has no units.
                    let earlier = storage.units[..v].iter().rfind(|u| !u.is_empty());
                    for &k in units {
                        self.units[k].after.extend(earlier.into_iter().flatten());
                    }
                }
            }
        }
        // Readers before the units that overwrite what they read: (reader, writer, leaf, whether at the same index).
        let mut overwritten: Vec<(usize, usize, NodeId, bool)> = Vec::new();
        for (k, list) in reads.iter().enumerate() {
            let mut own: Vec<(Distance, NodeId)> = Vec::new();
            for read in list {
                let Some(&(s, v)) = self.storage_of.get(&read.memory) else { continue };
                let made_here = self.units[k].makes == Some((s, v)) && self.units[k].value == read.memory;
                if !made_here {
                    edges[done(s, v)].push(k);
                }
                let storage = &self.storages[s];
                for (n, w) in (v + 1..storage.versions.len()).enumerate() {
                    let mut meets = false;
                    for &writer in &storage.units[w] {
                        let meeting = match &read.map {
                            Some(map) => self.meet(d, k, read, map, writer),
                            None => Meeting::At(Distance::from_elem(None, self.units[k].domain.rank())),
                        };
                        meets |= meeting != Meeting::Never;
                        match meeting {
                            Meeting::Never => {}
                            Meeting::Same if writer == k => {}
                            Meeting::At(distance) if writer == k => {
                                self.units[k].distances.push(distance.clone());
                                own.push((distance, read.leaf));
                            }
                            meeting => overwritten.push((k, writer, read.leaf, meeting == Meeting::Same)),
                        }
                        if writer == k && meets {
                            self.units[k].in_place = true;
                        }
                    }
                    if meets {
                        break;
                    }
                    if n >= MAX_LOOK_AHEAD {
                        for &writer in &storage.units[w] {
                            overwritten.push((k, writer, read.leaf, false));
                        }
                        break;
                    }
                }
            }
            let unit = &self.units[k];
            if walk(&unit.distances, unit.domain.rank()).is_none() {
                if let Some(pairs) = self.exchanged_axes(d, k, list) {
                    self.units[k].pairs = Some(pairs);
                    self.units[k].distances.clear();
                    continue;
                }
                return Err(Conflict { leaf: self.worst_read(k, own) });
            }
        }
        for &(reader, writer, ..) in &overwritten {
            self.units[writer].after.push(reader);
        }
        self.sort(d, edges, &over, &overwritten)
    }

    /// The vertex that stands for a version being complete.
    fn complete(&self, storage: usize, version: usize) -> usize {
        self.storages[storage].vertex + version
    }

    /// Two axes such that a unit reads what it overwrites at its own index, and at the one with these axes exchanged: `x += x.T`.
    fn exchanged_axes(&self, d: &Decider<'_>, k: usize, reads: &[Read]) -> Option<(u8, u8)> {
        let unit = &self.units[k];
        let (own, version) = unit.makes?;
        let cone = d.cone(unit, |_| true);
        let takes = cone.members.iter().any(|m| matches!(d.graph[*m].kind, Kind::Take(..)));
        if unit.targets.len() != 1 || takes || !cone.reductions.is_empty() {
            return None;
        }
        let (write, extents) = (unit.map()?, unit.domain.extents());
        let overwritten = |r: &&Read| self.storage_of.get(&r.memory).is_some_and(|&(s, v)| s == own && v < version);
        let maps = reads.iter().filter(overwritten).map(|r| r.map.as_ref()).collect::<Option<Vec<&View>>>()?;
        let all = (0..extents.len()).flat_map(|q| (0..q).map(move |p| (p, q)));
        let fits = |&(p, q): &(usize, usize)| {
            let exchanged = write.exchanged(p, q);
            extents[p] == extents[q] && extents[p] != Size::ONE && maps.iter().all(|m| **m == write || **m == exchanged)
        };
        all.into_iter().find(fits).map(|(p, q)| (p as u8, q as u8))
    }

    fn meet(&self, d: &Decider<'_>, reader: usize, read: &Read, map: &View, writer: usize) -> Meeting {
        let unit = &self.units[reader];
        let Some(write) = self.units[writer].map() else {
            // What does not move is loaded before any loop.
            let moves = map.axes.iter().any(|m| !m.terms.is_empty());
            return if moves { Meeting::At(Distance::from_elem(None, unit.domain.rank())) } else { Meeting::Same };
        };
        if reader != writer && unit.domain != self.units[writer].domain {
            return if apart(map, &write, d.graph.assumptions()) { Meeting::Never } else { Meeting::At(Distance::new()) };
        }
        let loops = if read.at_source { d.source_loops(unit) } else { (0..unit.domain.rank()).collect() };
        meeting(map, &loops, &write, &unit.domain, d.graph.assumptions())
    }

    /// Among a unit's reads that it is the first to overwrite, one that no order of loops allows. A read that another unit overwrites
    /// before is that unit's conflict: a copy of a take may come too late for it.
    fn worst_read(&self, k: usize, mut own: Vec<(Distance, NodeId)>) -> NodeId {
        let unit = &self.units[k];
        // What lies ahead may stay: loops that run forward can go strip by strip.
        own.sort_by_key(|(distance, _)| distance.iter().any(|x| !matches!(x, Some(0 | 1))));
        let mut kept: Vec<Distance> = unit.distances[..unit.distances.len() - own.len()].to_vec();
        for (distance, leaf) in &own {
            kept.push(distance.clone());
            if walk(&kept, unit.domain.rank()).is_none() {
                return *leaf;
            }
        }
        own.last().map_or(unit.value, |(_, leaf)| *leaf)
    }

    /// Topological order, smallest number first. A circle of units that overwrite each other's operands at the same index is one
    /// unit; any other needs a copy.
    ///
    /// `hard` has the order between units and versions that no copy changes, `over` that of units which store to the same elements at
    /// the same index.
    fn sort(
        &mut self,
        d: &Decider<'_>,
        hard: Vec<Vec<usize>>,
        over: &[(usize, usize)],
        overwritten: &[(usize, usize, NodeId, bool)],
    ) -> Result<(), Conflict> {
        let mut edges = hard.clone();
        over.iter().for_each(|(below, above)| edges[*below].push(*above));
        overwritten.iter().for_each(|(reader, writer, ..)| edges[*reader].push(*writer));
        loop {
            // Units that run as one are one vertex.
            let vertex = |k: usize| self.units.get(k).map_or(k, |u| u.with);
            let mut together: Vec<Vec<usize>> = vec![Vec::new(); self.units.len()];
            self.units.iter().enumerate().for_each(|(k, u)| together[u.with].push(k));
            let mut waiting = vec![0usize; edges.len()];
            let links = |k: usize| edges[k].iter().map(|&to| vertex(to)).filter(move |&to| to != vertex(k));
            (0..edges.len()).flat_map(links).for_each(|to| waiting[to] += 1);
            let mut ready: BinaryHeap<std::cmp::Reverse<usize>> =
                (0..edges.len()).filter(|&k| vertex(k) == k && waiting[k] == 0).map(std::cmp::Reverse).collect();
            let (mut order, mut met) = (Vec::new(), 0);
            while let Some(std::cmp::Reverse(k)) = ready.pop() {
                let members = together.get(k).map_or(std::slice::from_ref(&k), |m| m.as_slice());
                met += members.len();
                order.extend_from_slice(members);
                for to in members.iter().flat_map(|&m| links(m)) {
                    waiting[to] -= 1;
                    if waiting[to] == 0 {
                        ready.push(std::cmp::Reverse(to));
                    }
                }
            }
            if met == edges.len() {
                self.order = order.into_iter().filter(|&k| k < self.units.len()).collect();
                return Ok(());
            }
            let stuck = |k: usize| waiting[vertex(k)] > 0;
            let reaches = |from: usize, to: usize, by_soft: bool| {
                let (mut seen, mut stack) = (hashbrown::HashSet::new(), vec![from]);
                while let Some(k) = stack.pop() {
                    if k == to {
                        return true;
                    }
                    if seen.insert(k) {
                        stack.extend(if by_soft { &edges } else { &hard }[k].iter().copied().filter(|&n| stuck(n)));
                    }
                }
                false
            };
            // A reader that needs what overwrites its operand is at fault before one that merely stands in a circle with it. To copy
            // for a copy, or for a result that is one, would lead nowhere: without it there would be the circle as well.
            let is_copy = |k: usize| {
                let unit = &self.units[k];
                let moves = d.graph[unit.value].kind.is_written() || d.is_leaf(unit.value);
                matches!(d.graph[unit.root].kind, Kind::Copy(_)) || unit.makes.is_none() && moves
            };
            // But an index at which a copy takes its elements may be read too late.
            let is_index = |k: usize, leaf: NodeId| {
                let copied = match d.graph[self.units[k].root].kind {
                    Kind::Copy(of) => of,
                    _ => self.units[k].value,
                };
                matches!(d.graph[copied].kind, Kind::Take(..)) && copied != leaf
            };
            let in_circle = |by_soft: bool, by_index: bool| {
                let apart = |r: usize, w: usize| stuck(r) && stuck(w) && vertex(r) != vertex(w);
                let at_fault = |r: usize, leaf: NodeId| if by_index { is_copy(r) && is_index(r, leaf) } else { !is_copy(r) };
                let found = overwritten.iter().find(|(r, w, leaf, _)| apart(*r, *w) && at_fault(*r, *leaf) && reaches(*w, *r, by_soft));
                found.copied()
            };
            let circles = [(false, false), (true, false), (false, true), (true, true)];
            let in_circle = circles.into_iter().find_map(|(by_soft, by_index)| in_circle(by_soft, by_index));
            // Elements taken are copied, but not if their indices are known only after the array has been overwritten: then all of it is.
            let to_copy = |writer: usize, leaf: NodeId| {
                let Kind::Take(source, indices, _) = &d.graph[leaf].kind else { return leaf };
                let cone = d.cone_of(indices, None, |_| true);
                let under = d.inner(&cone, &mut Vec::new());
                let mut needed = cone.reads.iter().chain(&under.reads).filter_map(|r| self.storage_of.get(r));
                let late = needed.any(|&(s, v)| reaches(writer, self.complete(s, v), true));
                if late { d.memory_of(*source) } else { leaf }
            };
            let Some((reader, writer, leaf, _)) = in_circle else {
                // Units that run as one, but one needs the other's result.
                let found = overwritten.iter().find(|(r, w, ..)| stuck(*r) && stuck(*w) && !is_copy(*r)).or(overwritten.first());
                let (_, writer, leaf, _) = *found.expect("values do not need themselves");
                return Err(Conflict { leaf: to_copy(writer, leaf) });
            };
            let needs = |a: usize, b: usize| reaches(a, b, false) || reaches(b, a, false);
            let (with, by) = (&together[self.units[reader].with], &together[self.units[writer].with]);
            let needed = with.iter().any(|&a| by.iter().any(|&b| needs(a, b)));
            let leaf = to_copy(writer, leaf);
            if needed || !self.fuse(d, reader, writer, overwritten) {
                return Err(Conflict { leaf });
            }
        }
    }

    /// Makes two units, neither of which needs the other, run in one step, with those that do already, if each reads what the other
    /// overwrites at its own index only.
    fn fuse(&mut self, d: &Decider<'_>, a: usize, b: usize, overwritten: &[(usize, usize, NodeId, bool)]) -> bool {
        let sides = (self.units[a].with, self.units[b].with);
        let between = |x: &(usize, usize, NodeId, bool)| {
            let found = (self.units[x.0].with, self.units[x.1].with);
            found == sides || (found.1, found.0) == sides
        };
        let same_index = overwritten.iter().filter(|x| between(x)).all(|x| x.3);
        let plain = |k: usize| {
            d.cone(&self.units[k], |_| true).reductions.is_empty() && self.units[k].distances.is_empty() && self.units[k].pairs.is_none()
        };
        if !same_index || self.units[a].domain != self.units[b].domain || !plain(a) || !plain(b) {
            return false;
        }
        let (old, new) = (self.units[b].with, self.units[a].with);
        for unit in &mut self.units {
            if unit.with == old {
                unit.with = new;
            }
        }
        let with: Vec<usize> = self.units.iter().map(|u| u.with).collect();
        for (k, unit) in self.units.iter_mut().enumerate() {
            unit.after.retain(|&p| with[p] != with[k]);
            if with[k] == new {
                unit.in_place = true;
            }
        }
        true
    }

    /// The loops that all of these distances allow.
    pub(super) fn walk_of(distances: &[Distance], rank: usize) -> Option<Walk> {
        walk(distances, rank)
    }
}
