//! Graph -> Graph. One file is one pass is one function; the order is here, on one screen.
//!
//! Rules for rewrites: a pass may change how a value is computed, never its bits where `docs/semantics.md` calls the answer
//! exact, and never a shape or type. Constants are folded by the same functions that the reference evaluator runs, so
//! folding cannot disagree with execution. Every rewrite keeps the call site of the node it replaces.

mod accuracy;
mod align;
mod assume;
mod contract;
mod divide;
mod fold;
mod mirror;
mod pieces;
mod quotients;
mod reshape;
mod simplify;
mod unroll;
mod views;
mod windows;

pub use accuracy::Accuracy;
pub use contract::FpMode;

use crate::graph::Graph;

/// A named rewrite of a whole graph.
pub(crate) struct Pass {
    pub name: &'static str,
    /// False for graphs that it would leave as they are.
    pub applies: fn(&Graph) -> bool,
    pub run: fn(&Graph) -> Graph,
}

impl Pass {
    /// The graph as rewritten.
    pub fn apply(&self, graph: Graph) -> Graph {
        if (self.applies)(&graph) { (self.run)(&graph) } else { graph }
    }
}

/// What `divide` does where it seems worth it, wherever it can be done.
#[cfg(test)]
pub(crate) const DIVIDE_ALL: Pass = Pass { name: "divide all", run: |graph| divide::run_for(graph, 0), ..divide::PASS };

/// What runs, in order.
pub(crate) const PASSES: &[Pass] = &[
    assume::PASS,
    fold::PASS,
    simplify::PASS,
    reshape::PASS,
    unroll::PASS,
    views::PASS,
    pieces::PASS,
    // Parts see their operands through new views.
    Pass { name: "views again", ..views::PASS },
    divide::PASS,
    quotients::PASS,
    mirror::PASS,
];
