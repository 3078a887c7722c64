//! Kernels of expressions that were evaluated before.
//!
//! An expression in a loop is built anew on every turn, but it is the same program: same operations, sizes and lines. Its kernel, with
//! all plans that it has made, is found again by its graph.

use std::sync::{Arc, Mutex, OnceLock};

use hashbrown::HashMap;

use super::Kernel;
use crate::codegen::Backend;
use crate::compile::Timings;
use crate::error::Result;
use crate::graph::Graph;

/// What is kept at most, in nodes: a kernel takes about a kilobyte for each.
const MOST: usize = 10_000;

#[derive(Default)]
struct Cache {
    kernels: HashMap<Graph, Entry>,
    /// The weight of all.
    weight: usize,
    /// Counts look-ups.
    now: u64,
}

struct Entry {
    /// Threads that ask for a kernel while one makes it wait for that one.
    kernel: Arc<OnceLock<Result<Kernel>>>,
    used: u64,
}

/// The kernel of an imported graph.
///
/// # Errors
/// What building it reports.
pub(super) fn kernel(graph: Graph) -> Result<Kernel> {
    static CACHE: OnceLock<Mutex<Cache>> = OnceLock::new();
    if weight(&graph) > MOST / 2 {
        return build(&graph);
    }
    let slot = CACHE.get_or_init(Mutex::default).lock().unwrap_or_else(|poisoned| poisoned.into_inner()).slot(&graph);
    slot.get_or_init(|| build(&graph)).clone()
}

/// The nodes of a graph, and what a kernel has besides.
fn weight(graph: &Graph) -> usize {
    graph.len() + 16
}

fn build(graph: &Graph) -> Result<Kernel> {
    Kernel::new("eval", graph.clone(), Vec::new(), Backend::Auto, Timings::default())
}

impl Cache {
    fn slot(&mut self, graph: &Graph) -> Arc<OnceLock<Result<Kernel>>> {
        self.now += 1;
        if let Some(entry) = self.kernels.get_mut(graph) {
            entry.used = self.now;
            return entry.kernel.clone();
        }
        self.weight += weight(graph);
        if self.weight > MOST {
            self.forget();
            self.weight += weight(graph);
        }
        let entry = Entry { kernel: Arc::default(), used: self.now };
        self.kernels.entry(graph.clone()).or_insert(entry).kernel.clone()
    }

    /// Drops the half that was not used for the longest time. Those who run their kernels keep them.
    fn forget(&mut self) {
        let mut times: Vec<u64> = self.kernels.values().map(|e| e.used).collect();
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or(0);
        self.kernels.retain(|_, e| e.used > median);
        self.weight = self.kernels.keys().map(weight).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::Scalar;

    fn graph(k: i64) -> Graph {
        let mut g = Graph::default();
        let node = g.constant(Scalar::I64(k), None);
        g.output("y".into(), node, None);
        g
    }

    #[test]
    fn the_latest_are_kept() {
        let mut cache = Cache::default();
        let first = cache.slot(&graph(0));
        let count = MOST as i64;
        for k in 1..count {
            cache.slot(&graph(k));
            // Used all the time.
            assert!(Arc::ptr_eq(&cache.slot(&graph(0)), &first));
            assert!(cache.weight <= MOST && cache.weight == cache.kernels.len() * weight(&graph(0)));
        }
        assert!(cache.kernels.contains_key(&graph(count - 1)) && !cache.kernels.contains_key(&graph(1)));
        assert!(cache.weight >= MOST / 3);
    }

    #[test]
    fn equal_graphs_have_one_kernel() {
        let (a, b) = (kernel(graph(7)).unwrap(), kernel(graph(7)).unwrap());
        assert!(Arc::ptr_eq(&a.0, &b.0));
        assert!(!Arc::ptr_eq(&a.0, &kernel(graph(8)).unwrap().0));
    }
}
