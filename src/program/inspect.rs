//! Looking inside: the text form of every stage.

use std::fmt::Write;
use std::str::FromStr;

use super::Kernel;
use crate::compile::Compiler;
use crate::error::{Error, ErrorKind, Result};
use crate::kernel;
use crate::schedule;

/// A stage of the pipeline, to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The array program as it was written.
    Graph,
    /// The array program after all rewrites.
    Optimized,
    /// Loop nests, and what happens to every value.
    Schedule,
    /// The loop nests with their bodies.
    Kernel,
    /// Cranelift's intermediate form of each nest, also of those whose code another [`Backend`](crate::Backend) makes.
    Clif,
    /// The machine instructions of each nest, and which backend made them.
    Asm,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: &'static [Stage] = &[Stage::Graph, Stage::Optimized, Stage::Schedule, Stage::Kernel, Stage::Clif, Stage::Asm];

    /// The lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Graph => "graph",
            Stage::Optimized => "optimized",
            Stage::Schedule => "schedule",
            Stage::Kernel => "kernel",
            Stage::Clif => "clif",
            Stage::Asm => "asm",
        }
    }
}

impl FromStr for Stage {
    type Err = Error;
    fn from_str(s: &str) -> Result<Stage> {
        Stage::ALL.iter().copied().find(|stage| stage.name() == s).ok_or_else(|| {
            let all: Vec<_> = Stage::ALL.iter().map(|s| s.name()).collect();
            Error::new(ErrorKind::Name, format!("there is no stage `{s}`")).help(format!("the stages are: {}", all.join(", ")))
        })
    }
}

impl Kernel {
    /// The text form of one stage, for arrays in C order.
    ///
    /// # Errors
    /// What compiling may report.
    pub fn inspect(&self, stage: Stage) -> Result<String> {
        let own = self.inspect_steps(stage)?;
        // What is checked first is a program of its own.
        match (&self.0.guard, stage) {
            (Some(guard), Stage::Optimized | Stage::Schedule | Stage::Kernel) => {
                let first = guard.kernel.inspect_steps(stage)?;
                Ok(format!("before anything is written, indices are checked by:\n{first}\nthen:\n{own}"))
            }
            _ => Ok(own),
        }
    }

    fn inspect_steps(&self, stage: Stage) -> Result<String> {
        let graph = &self.0.graph;
        match stage {
            Stage::Graph => return Ok(self.0.imported.to_string()),
            Stage::Optimized => return Ok(graph.to_string()),
            _ => {}
        }
        let plan = self.plan(self.contiguous_key(), true)?;
        if stage == Stage::Schedule {
            return Ok(schedule::Printed(&plan.schedule, graph).to_string());
        }
        let mut text = String::new();
        for (k, step) in plan.steps.iter().enumerate() {
            let printed = kernel::Printed { nest: &step.nest, bindings: &step.bindings, graph };
            let stores: Vec<_> = plan.schedule.steps[k].stores.iter().map(|p| schedule::name(p.dest, graph)).collect();
            let header = format!("step {k}, which writes {}", stores.join(", "));
            let body = match stage {
                Stage::Kernel => printed.to_string(),
                Stage::Clif => {
                    let mut arguments = String::from("; v0 points to 64-bit words:\n");
                    for (k, meaning) in printed.arguments().iter().enumerate() {
                        let _ = writeln!(arguments, ";   +{:<3} {meaning}", 8 * k);
                    }
                    arguments + &Compiler::host()?.target().listing(&step.nest, self.0.backend)?.clif
                }
                _ => {
                    let listing = Compiler::host()?.target().listing(&step.nest, self.0.backend)?;
                    format!("; by {}\n{}", listing.backend.name(), listing.asm)
                }
            };
            let _ = write!(text, "{header}:\n{body}");
        }
        Ok(text)
    }
}
