//! Which values that neighbours read are computed once, row by row, rather than anew for each neighbour.
//!
//! A stencil of a stencil (`lap[1:] - lap[:-1]`) either computes the inner one at every displacement that it reads, or reads it from a
//! window of rows in the cache (`schedule/strips.rs`). Per element, with `w` operations to compute it and `v` displacements:
//!
//! | | recomputed | in a window |
//! |---|---|---|
//! | operations | `v * w` | `w` |
//! | accesses | | a store and `v` loads, and the turns of a loop nest of its own, [`NEST`] |
//!
//! So the window is chosen where `(v - 1) * w > (v + 1) * access + NEST`, with an access counted like an operation, or like two where rows
//! are planes, which do not fit the nearest cache. Values are looked at from the
//! inputs up, so that what is stored below no longer counts as work above: one bottom-up walk, as in the greedy grouping of
//! Mullapudi et al. (*Automatically Scheduling Halide Image Processing Pipelines*, SIGGRAPH 2016), but without its sizes of tiles,
//! which are chosen when sizes are known.
//!
//! A value that is not in a window after all, when the whole program is scheduled, is recomputed: [`Windows::refuse`](crate::graph::Windows::refuse).

use hashbrown::{HashMap, HashSet};

use super::views::{Pushed, own_cost};
use crate::graph::{Graph, NodeId};
use crate::shape::Shape;
use crate::size::Size;
use crate::view::View;

/// What a loop nest of its own costs per element, in operations: addresses, the turn of the loop, the value leaving registers.
/// Measured: 7 repeated operations for two loads are cheaper than a window, 17 are not.
const NEST: usize = 6;

/// The nodes of `graph` that are to be in windows, of those asked about, as `pushed` wants them.
pub(super) fn choose(graph: &Graph, pushed: &Pushed, asked: &[bool]) -> Vec<bool> {
    let mut chosen = vec![false; graph.len()];
    let windows = graph.windows();
    if windows.off() {
        return chosen;
    }
    let mut fixed = vec![false; graph.len()];
    graph.outputs().iter().for_each(|o| fixed[o.node.index()] = true);
    let displaced = displacements(graph, pushed);
    // Nodes of the new graph that are read from memory by what is above them.
    let mut kept = vec![false; pushed.graph.len()];
    for (id, node) in graph.nodes() {
        let k = id.index();
        let (Displaced { count: v, access }, Some(&any)) = (displaced[k], pushed.made_of[k].first()) else { continue };
        if !asked[k] || v < 2 || fixed[k] || windows.is_refused(node) {
            continue;
        }
        let price = (v + 1) * access + NEST;
        if (v - 1) * work(&pushed.graph, any, &kept, price) > price {
            chosen[k] = true;
            pushed.made_of[k].iter().for_each(|n| kept[n.index()] = true);
        }
    }
    chosen
}

/// How a node is wanted at several displacements.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Displaced {
    /// How many there are.
    count: usize,
    /// What an access to a window costs: one operation where its rows have one axis, and one more for each further one, as such a
    /// window lies farther away.
    access: usize,
}

/// The displacements of each node at more or less the same places: of views of one shape that move along all its axes by ones. Other
/// views show few of its elements, or others than the rest do.
fn displacements(graph: &Graph, pushed: &Pushed) -> Vec<Displaced> {
    struct Group<'a> {
        count: usize,
        offsets: Vec<&'a Size>,
        /// The first axis of the node along which some of them differ; strips will be of this one or of one before it.
        differs: usize,
    }
    let mut groups: HashMap<(NodeId, Vec<Option<u32>>, &Shape), Group> = HashMap::new();
    for (id, view) in pushed.demands() {
        let node = &graph[*id];
        let rank = node.shape.rank();
        if !node.kind.is_pointwise() || rank == 0 {
            continue;
        }
        let (axes, shape, offsets) = match view {
            None => (Some((0..rank as u32).map(Some).collect()), &node.shape, vec![&Size::ZERO; rank]),
            Some(view) => (moving(view, &node.shape), &view.shape, view.axes.iter().map(|a| &a.offset).collect()),
        };
        let Some(axes) = axes else { continue };
        let new = || Group { count: 0, offsets: offsets.clone(), differs: rank };
        let group = groups.entry((*id, axes, shape)).or_insert_with(new);
        group.count += 1;
        let differs = (0..rank).find(|&k| offsets[k] != group.offsets[k]).unwrap_or(rank);
        group.differs = group.differs.min(differs);
    }
    let mut most = vec![Displaced::default(); graph.len()];
    for ((id, ..), group) in &groups {
        let inside = &graph[*id].shape.extents()[(group.differs + 1).min(graph[*id].shape.rank())..];
        let axes = inside.iter().filter(|n| **n != Size::ONE).count();
        let own = Displaced { count: group.count, access: axes.max(1) };
        most[id.index()] = most[id.index()].max(own);
    }
    most
}

/// Which axis of a view moves each axis of its source, if each does so by ones.
fn moving(view: &View, source: &Shape) -> Option<Vec<Option<u32>>> {
    let mut used = vec![false; view.shape.rank()];
    let mut out = Vec::new();
    for (map, n) in view.axes.iter().zip(source.extents()) {
        out.push(match map.terms.as_slice() {
            // A row or a plane of many.
            [(k, _)] if *n != Size::ONE && view.shape.extents()[*k as usize] == Size::ONE => return None,
            [(k, step)] if *step == Size::ONE && !std::mem::replace(&mut used[*k as usize], true) => Some(*k),
            [] if *n == Size::ONE => None,
            _ => return None,
        });
    }
    let spread = |k: usize| !used[k] && view.shape.extents()[k] != Size::ONE;
    (!(0..used.len()).any(spread)).then_some(out)
}

/// The operations that compute one element of a node, from memory and what is `kept`; counted up to a little more than `enough`.
fn work(g: &Graph, root: NodeId, kept: &[bool], enough: usize) -> usize {
    let mut seen = HashSet::new();
    let mut stack = vec![root];
    let mut total = 0;
    while let Some(id) = stack.pop() {
        if total > enough {
            break;
        }
        if !seen.insert(id) || id != root && kept[id.index()] || !g[id].kind.is_pointwise() {
            continue;
        }
        total += own_cost(g, &g[id]) as usize;
        stack.extend(g[id].kind.operands());
    }
    total
}
