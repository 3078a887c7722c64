//! `elide inspect`

use crate::args::{Inspect, Stage};
use crate::failure::Failure;
use crate::{input, program};

const STAGES: [(Stage, elide::Stage, &str); 6] = [
    (Stage::Graph, elide::Stage::Graph, "graph"),
    (Stage::Optimized, elide::Stage::Optimized, "optimized"),
    (Stage::Schedule, elide::Stage::Schedule, "schedule"),
    (Stage::Kernel, elide::Stage::Kernel, "kernel"),
    (Stage::Clif, elide::Stage::Clif, "clif"),
    (Stage::Asm, elide::Stage::Asm, "asm"),
];

/// Compiles the program; returns its stages, each under a title if they are several.
pub fn run(args: &Inspect) -> Result<String, Failure> {
    let text = program::read(&args.source)?;
    let inputs = input::load(&args.source.inputs)?;
    let kernel = program::compile(&text, &inputs, args.source.arithmetic, program::all)?.kernel;
    let mut out = String::new();
    for (stage, of_kernel, title) in STAGES {
        if args.stage.is_some_and(|only| only != stage) {
            continue;
        }
        if args.stage.is_none() {
            let gap = if out.is_empty() { "" } else { "\n" };
            out.push_str(&format!("{gap}== {title} ==\n"));
        }
        let shown = kernel.inspect(of_kernel)?;
        out.push_str(shown.trim_end());
        out.push('\n');
    }
    Ok(out)
}
