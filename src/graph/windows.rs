//! Which values are to be in windows: kept a few rows at a time, where they would else be computed anew for each neighbour that reads
//! them. Decided when the graph is optimized (`opt/windows.rs`), and known to have come true when it is scheduled.

use std::sync::Arc;

use hashbrown::HashSet;

use super::{Graph, Node};
use crate::dtype::DType;
use crate::error::Site;
use crate::shape::Shape;

/// Which values are to be in windows. It goes along with a graph from pass to pass.
#[derive(Clone, Default)]
pub(crate) struct Windows {
    /// No value is, and nothing else takes memory to be faster.
    off: bool,
    /// Values that are not: they were to be once, and were stored as a whole.
    refused: Arc<HashSet<Name>>,
    /// Values that are to be.
    chosen: Arc<HashSet<Name>>,
}

/// What passes leave of a value that they do not rewrite.
type Name = (Option<Site>, DType, Shape);

fn name(node: &Node) -> Name {
    (node.site, node.dtype, node.shape.clone())
}

impl Windows {
    /// Everything is recomputed, and divisions have no arrays of reciprocals.
    pub fn none() -> Windows {
        Windows { off: true, ..Windows::default() }
    }

    /// True if nothing may be chosen.
    pub fn off(&self) -> bool {
        self.off
    }

    /// True for a value that may not be chosen.
    pub fn is_refused(&self, node: &Node) -> bool {
        self.refused.contains(&name(node))
    }

    /// True for a value that was chosen, or cannot be told from one.
    pub fn is_chosen(&self, node: &Node) -> bool {
        self.chosen.contains(&name(node))
    }

    /// True if some value is to be in a window.
    pub fn has_any(&self) -> bool {
        !self.chosen.is_empty()
    }

    /// The choice of these nodes, in the place of the last one.
    pub fn choose(&self, graph: &Graph, chosen: &[bool]) -> Windows {
        let names = graph.nodes().filter(|(id, _)| chosen[id.index()]).map(|(_, n)| name(n)).collect();
        Windows { chosen: Arc::new(names), ..self.clone() }
    }

    /// What to choose from without these values, which did not come to be in windows, and those that cannot be told from them; `None` if
    /// none of them was chosen.
    pub fn refuse<'a>(&self, nodes: impl Iterator<Item = &'a Node>) -> Option<Windows> {
        let failed: Vec<Name> = nodes.map(name).filter(|n| self.chosen.contains(n)).collect();
        if failed.is_empty() {
            return None;
        }
        let refused = self.refused.iter().cloned().chain(failed).collect();
        Some(Windows { off: false, refused: Arc::new(refused), chosen: Arc::default() })
    }
}
