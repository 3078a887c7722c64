//! The check of computed indices, before anything is written.
//!
//! A kernel that indexes by arrays has a second kernel with the same inputs, which computes the least and the greatest of each
//! array of indices. It runs first; where one is out of range, the run ends there. It writes to memory of its own alone, so
//! nothing that the caller sees has changed. That no access leaves its array does not rest on this: compiled code reads some
//! element of the axis for every index.

use super::call::Slot;
use super::{Call, Kernel};
use crate::compile::Timings;
use crate::error::{Error, ErrorKind, Result, Site};
use crate::graph::{Graph, Kind, NodeId, Position};
use crate::layout::Layout;
use crate::ops::ReduceOp;
use crate::shape::Shape;

/// What must hold before a kernel may run.
pub(super) struct Guard {
    /// Its outputs are the least and the greatest index of each position, in turn.
    pub kernel: Kernel,
    pub positions: Vec<Position>,
}

impl Guard {
    /// The guard of a program as it was written; `None` if it does not index by arrays.
    pub fn of(name: &str, imported: &Graph) -> Result<Option<Guard>> {
        let positions: Vec<Position> = imported.positions().to_vec();
        if positions.is_empty() {
            return Ok(None);
        }
        let mut graph = imported.without_outputs();
        for (k, position) in positions.iter().enumerate() {
            let index = distinct(&mut graph, position.index);
            for (what, op) in [("least", ReduceOp::Min), ("greatest", ReduceOp::Max)] {
                let (dtype, site, rank) = (graph[index].dtype, graph[index].site, graph[index].shape.rank());
                let axes = (0..rank).map(|k| k as u8).collect();
                let node = if rank == 0 { index } else { graph.add(Kind::Reduce(op, index, axes), dtype, Shape::scalar(), site) };
                graph.output(format!("{what} index {k}").into(), node, None);
            }
        }
        Ok(Some(Guard { kernel: Kernel::unguarded(name, graph, Timings::default())?, positions }))
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
        Watch { call: guard.kernel.call(), found: vec![0; 2 * guard.positions.len()] }
    }

    /// Checks every index of the arrays in `inputs`; `extents` has that of each position.
    ///
    /// # Errors
    /// The first that is out of range.
    pub fn check(&mut self, inputs: &[Slot], positions: &[Position], extents: &[i64], site: Site) -> Result<()> {
        // Of no indices the least is above, and the greatest below all others.
        self.found.chunks_exact_mut(2).for_each(|pair| pair.copy_from_slice(&[i64::MAX, i64::MIN]));
        self.call.run_from(inputs, &mut self.found, &Layout::contiguous(&[], 8), site)?;
        for ((pair, position), &n) in self.found.chunks_exact(2).zip(positions).zip(extents) {
            let bad = if pair[0] < -n { Some(pair[0]) } else { Some(pair[1]).filter(|k| *k >= n) };
            if let Some(k) = bad {
                let text = format!("index {k} is out of bounds for axis {} with size {n}", position.axis);
                let error = Error::new(ErrorKind::Shape, text).help("indices count from 0, and from the end if they are negative");
                return Err(error.at(position.site.unwrap_or(site)));
            }
        }
        Ok(())
    }
}
