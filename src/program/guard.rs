//! The check of computed indices, and that there are elements where a mask selects those of a minimum, before anything is written.
//!
//! A kernel that indexes by arrays has a second kernel with the same inputs, which computes the least and the greatest of each
//! array of indices. (That a mask selects nothing is an index of 1 where 0 is the only one.) It runs first; where one is out of range, the run ends there. It writes to memory of its own alone, so
//! nothing that the caller sees has changed. That no access leaves its array does not rest on this: compiled code reads some
//! element of the axis for every index.

use hashbrown::HashMap;

use super::call::Slot;
use super::threads::Threads;
use super::{Call, Kernel};
use crate::codegen::Backend;
use crate::compile::Timings;
use crate::error::{Error, ErrorKind, Result, Site};
use crate::graph::{Asked, Graph, Kind, Node, NodeId, Position};
use crate::layout::Layout;
use crate::ops::{BinaryOp, ReduceOp};
use crate::shape::Shape;
use crate::size::Size;

/// As many arrays of indices of one shape into axes of one extent have reductions of their own, and an error names the one at fault.
const MOST_APART: usize = 4;

/// What must hold before a kernel may run.
pub(super) struct Guard {
    /// Its outputs are the least and the greatest index of each check, in turn.
    pub kernel: Kernel,
    pub checks: Vec<Check>,
}

/// Indices that are checked together.
pub(super) struct Check {
    /// The first of them.
    pub position: Position,
    indices: Vec<NodeId>,
}

impl Guard {
    /// The guard of a program as it was written; `None` if it does not index by arrays.
    pub fn of(name: &str, imported: &Graph, backend: Backend) -> Result<Option<Guard>> {
        if imported.positions().is_empty() {
            return Ok(None);
        }
        let mut graph = imported.without_outputs();
        let mut groups: Vec<Vec<(NodeId, &Position)>> = Vec::new();
        let mut group_of: HashMap<(Shape, Size, usize, Asked), usize> = HashMap::new();
        for position in imported.positions() {
            let index = distinct(&mut graph, position.index);
            let key = (graph[index].shape.clone(), position.extent.clone(), position.axis, position.asked);
            let at = *group_of.entry(key).or_insert(groups.len());
            match groups.get_mut(at) {
                Some(group) => group.push((index, position)),
                None => groups.push(vec![(index, position)]),
            }
        }
        let mut checks: Vec<Check> = Vec::new();
        for group in groups {
            let each = if group.len() > MOST_APART { group.len() } else { 1 };
            for part in group.chunks(each) {
                checks.push(Check { position: part[0].1.clone(), indices: part.iter().map(|(index, _)| *index).collect() });
            }
        }
        for (k, check) in checks.iter().enumerate() {
            for (what, op, both) in [("least", ReduceOp::Min, BinaryOp::Min), ("greatest", ReduceOp::Max, BinaryOp::Max)] {
                let Node { dtype, shape, site, .. } = graph[check.indices[0]].clone();
                let mut all = check.indices[0];
                for index in &check.indices[1..] {
                    all = graph.add(Kind::Binary(both, all, *index), dtype, shape.clone(), site);
                }
                let axes = (0..shape.rank()).map(|k| k as u8).collect();
                let node = if shape.rank() == 0 { all } else { graph.add(Kind::Reduce(op, all, axes), dtype, Shape::scalar(), site) };
                graph.output(format!("{what} index {k}").into(), node, None);
            }
        }
        Ok(Some(Guard { kernel: Kernel::unguarded(name, graph, backend, Timings::default())?, checks }))
    }
}

/// An index without the axes along which it is repeated.
fn distinct(graph: &mut Graph, index: NodeId) -> NodeId {
    let node = graph[index].clone();
    let Kind::View(src, view) = &node.kind else { return index };
    match view.without_repeats() {
        Some((kept, _)) => graph.view(*src, view.then(&kept), node.site),
        None => index,
    }
}

/// A frame for the check.
pub(super) struct Watch {
    call: Call,
    /// What the guard's kernel writes.
    found: Vec<i64>,
}

impl Watch {
    pub fn new(guard: &Guard) -> Watch {
        Watch { call: guard.kernel.call(), found: vec![0; 2 * guard.checks.len()] }
    }

    /// Says how many threads it may use.
    pub fn set_threads(&mut self, threads: Threads) {
        self.call.set_threads(threads);
    }

    /// Checks every index of the arrays in `inputs`; `extents` has that of each check.
    ///
    /// # Errors
    /// The first that is out of range.
    pub fn check(&mut self, inputs: &[Slot], checks: &[Check], extents: &[i64], site: Site) -> Result<()> {
        // Of no indices the least is above, and the greatest below all others.
        self.found.chunks_exact_mut(2).for_each(|pair| pair.copy_from_slice(&[i64::MAX, i64::MIN]));
        self.call.run_from(inputs, &mut self.found, &Layout::contiguous(&[], 8), site)?;
        for ((pair, check), &n) in self.found.chunks_exact(2).zip(checks).zip(extents) {
            let Position { axis, asked, site: written, .. } = check.position;
            let least = if asked == Asked::FromEnd { -n } else { 0 };
            let bad = if pair[0] < least { Some(pair[0]) } else { Some(pair[1]).filter(|k| *k >= n) };
            if let Some(k) = bad {
                let (text, help) = match (asked, check.indices.len()) {
                    (Asked::Elements(op), _) => (
                        format!(
                            "zero-size array to reduction operation `{}`, which has no identity: the mask selects no elements",
                            op.name()
                        ),
                        "make sure that the mask is true somewhere, or give other elements a value: `where(mask, x, value)`".to_string(),
                    ),
                    (_, count) => (
                        format!("index {k} is out of bounds for axis {axis} with size {n}"),
                        match (count, asked) {
                            (1, Asked::FromEnd) => "indices count from 0, and from the end if they are negative".to_string(),
                            (1, _) => "indices count from 0, and none may be negative".to_string(),
                            _ => format!("it is in one of {count} index arrays of one shape, of which this is the first"),
                        },
                    ),
                };
                return Err(Error::new(ErrorKind::Shape, text).help(help).at(written.unwrap_or(site)));
            }
        }
        Ok(())
    }
}
