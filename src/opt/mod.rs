//! Graph -> Graph. One file is one pass is one function; the order is here, on one screen.
//!
//! Rules for rewrites: a pass may change how a value is computed, never its bits where `docs/semantics.md` calls the answer
//! exact, and never a shape or type. Constants are folded by the same functions that the reference evaluator runs, so
//! folding cannot disagree with execution. Every rewrite keeps the call site of the node it replaces.

mod assume;
mod fold;
mod mirror;
mod pieces;
mod reshape;
mod simplify;
mod views;

use crate::graph::Graph;

/// A named rewrite of a whole graph.
pub(crate) struct Pass {
    pub name: &'static str,
    pub run: fn(&Graph) -> Graph,
}

/// What runs, in order.
pub(crate) const PASSES: &[Pass] = &[
    assume::PASS,
    Pass { name: "fold", run: fold::run },
    Pass { name: "simplify", run: simplify::run },
    Pass { name: "reshape", run: reshape::run },
    Pass { name: "views", run: views::run },
    Pass { name: "pieces", run: pieces::run },
    // Parts see their operands through new views.
    Pass { name: "views again", run: views::run },
    Pass { name: "mirror", run: mirror::run },
];
