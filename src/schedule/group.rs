//! Which units share a loop nest.
//!
//! Units of one domain, one reduction space and one level of dependency do. A unit that uses a stored reduction at the index
//! where it is made joins the step that makes it.

use hashbrown::HashMap;

use super::decide::{Cone, Decider, More};
use super::distance::Distance;
use super::units::{Unit, Units};
use super::{ReduceDomain, Why};
use crate::graph::{Kind, NodeId};
use crate::shape::Shape;
use crate::size::Size;

/// A step under construction.
pub(super) struct Group {
    pub level: u32,
    pub domain: Shape,
    pub reduce: Option<ReduceDomain>,
    /// By number.
    pub units: Vec<usize>,
    /// What is computed here.
    pub members: Vec<NodeId>,
    /// Stored values that are read here.
    pub reads: Vec<NodeId>,
    /// How reads meet writes, of all its units.
    distances: Vec<Distance>,
}

/// The groups so far.
struct Grouping<'u> {
    units: &'u Units,
    groups: Vec<Group>,
    /// The group of each unit.
    group_of: Vec<Option<usize>>,
    /// The group that makes the whole of a node.
    made_in: HashMap<NodeId, usize>,
    /// The level from which a node's units are done.
    complete: HashMap<NodeId, u32>,
}

impl Grouping<'_> {
    /// The first level at which all of these stored values are there.
    fn level_of(&self, reads: &[NodeId]) -> u32 {
        // A version of a storage is complete with the last of the units that made it or one before it.
        let stored = |r: &NodeId| match self.units.storage_of.get(r) {
            Some(&(s, v)) => self.units.storages[s].versions[..=v].iter().rev().find_map(|n| self.complete.get(n).copied()),
            None => self.made_in.get(r).map(|&g| self.groups[g].level + 1),
        };
        reads.iter().filter_map(stored).max().unwrap_or(0)
    }

    /// The first level after all that must have run before a unit.
    fn floor_of(&self, unit: &Unit) -> u32 {
        unit.after.iter().filter_map(|p| self.group_of[*p]).map(|g| self.groups[g].level + 1).max().unwrap_or(0)
    }

    fn enter(&mut self, k: usize, g: usize, parts: [&Cone; 2], whole: bool) {
        let unit = &self.units.units[k];
        let group = &mut self.groups[g];
        group.units.push(k);
        for part in parts {
            group.members.extend(&part.members);
            group.reads.extend(&part.reads);
        }
        group.distances.extend(unit.distances.iter().cloned());
        self.group_of[k] = Some(g);
        if let Some((s, v)) = unit.makes {
            let level = self.complete.entry(self.units.storages[s].versions[v]).or_insert(0);
            *level = (*level).max(group.level + 1);
        }
        if whole {
            self.made_in.insert(unit.root, g);
        }
    }
}

impl Decider<'_> {
    /// Puts every unit into a group, or says what else must be stored first.
    pub(super) fn group(&self, units: &Units) -> Result<Vec<Group>, More> {
        // Units at different places of an axis are steps of their own: they run at different times of a strip.
        type Key = (Shape, Vec<(usize, Size)>, Option<ReduceDomain>, u32);
        let mut index: HashMap<Key, Vec<usize>> = HashMap::new();
        let mut p = Grouping {
            units,
            groups: Vec::new(),
            group_of: vec![None; units.units.len()],
            made_in: HashMap::new(),
            complete: HashMap::new(),
        };
        let mut home: HashMap<NodeId, usize> = HashMap::new();
        let mut more: More = Vec::new();
        let mut tags: HashMap<usize, usize> = HashMap::new();
        let mut sharing = vec![0u32; units.units.len()];
        units.units.iter().for_each(|u| sharing[u.with] += 1);
        for &k in &units.order {
            let unit = &units.units[k];
            let root = unit.makes_value();
            // Whether the unit makes all of a node that is computed at an index.
            let whole = unit.value == unit.root && unit.region.is_none() && !self.graph[unit.root].kind.is_written();
            let floor = p.floor_of(unit);
            // First with every stored reduction inlined, to join the step that makes it.
            let mut cone = self.cone(unit, |id| !matches!(self.graph[id].kind, Kind::Reduce(..)));
            let mut inner = self.inner(&cone, &mut more);
            let made = |r: &&NodeId, p: &Grouping| Some(**r) != root && p.made_in.contains_key(*r);
            if cone.reductions.iter().any(|r| made(&r, &p)) {
                let level = p.level_of(&cone.reads).max(p.level_of(&inner.reads)).max(floor);
                let first = cone.reductions.iter().find_map(|r| p.made_in.get(r).copied()).expect("one is made");
                let fits = cone.reductions.iter().all(|r| p.made_in.get(r) == Some(&first))
                    && level <= p.groups[first].level
                    && p.groups[first].domain == unit.domain
                    && unit.distances.is_empty()
                    && unit.pairs.is_none()
                    && sharing[unit.with] == 1;
                if fits {
                    p.enter(k, first, [&cone, &inner], whole);
                    continue;
                }
                for r in cone.reductions.iter().filter(|r| made(r, &p)) {
                    if self.stored[r.index()].is_none() {
                        more.push((*r, Why::ReductionReadElsewhere));
                    }
                }
                cone = self.cone(unit, |_| true);
                inner = self.inner(&cone, &mut more);
            }
            let mut domains = cone.reductions.iter().map(|r| self.reduce_domain(*r));
            let reduce = domains.next();
            if let Some(first) = &reduce {
                // One nest reduces over one space; the others are stored by nests of their own.
                for r in &cone.reductions {
                    if self.reduce_domain(*r) != *first && Some(*r) != root {
                        more.push((*r, Why::ReductionReadElsewhere));
                    }
                }
            }
            let mut level = p.level_of(&cone.reads).max(p.level_of(&inner.reads)).max(floor);
            let tagged = tags.get(&unit.with).copied();
            // A step is as late as the latest of the units that must share it.
            if tagged.is_none() && units.overwrite() {
                for (_, other) in units.units.iter().enumerate().filter(|(n, u)| u.with == unit.with && *n != k) {
                    level = level.max(p.level_of(&self.cone(other, |_| true).reads)).max(p.floor_of(other));
                }
            }
            let mut places = unit.places(self.graph);
            if unit.pairs.is_some() {
                // Its loops are its own.
                places.push((usize::MAX - k, Size::ZERO));
            }
            let candidates = index.entry((unit.domain.clone(), places, reduce.clone(), level)).or_default();
            // Units of a step share its loops, so these must suit all of them.
            let suits = |g: &&usize| {
                let all: Vec<Distance> = p.groups[**g].distances.iter().chain(&unit.distances).cloned().collect();
                Units::walk_of(&all, unit.domain.rank()).is_some()
            };
            let g = tagged.or_else(|| candidates.iter().find(suits).copied()).unwrap_or_else(|| {
                candidates.push(p.groups.len());
                p.groups.push(Group {
                    level,
                    domain: unit.domain.clone(),
                    reduce,
                    units: Vec::new(),
                    members: Vec::new(),
                    reads: Vec::new(),
                    distances: Vec::new(),
                });
                p.groups.len() - 1
            });
            tags.insert(unit.with, g);
            for r in cone.reductions.iter().filter(|r| Some(**r) != root) {
                // A reduction that two nests would compute is stored instead.
                if *home.entry(*r).or_insert(g) != g {
                    more.push((*r, Why::ReductionReadElsewhere));
                }
            }
            p.enter(k, g, [&cone, &inner], whole);
        }
        let mut groups = p.groups;
        for g in &mut groups {
            g.members.sort();
            g.members.dedup();
            self.cut_if_too_large(g, &mut more);
        }
        if more.is_empty() { Ok(groups) } else { Err(more) }
    }
}
