//! One sentence through every stage: what was written, what became of it, and the code that runs.

use elide::{Axis, Kernel, Result, Stage};

/// What to look for in the text of a stage.
fn explanation(stage: Stage) -> &'static str {
    match stage {
        Stage::Graph => {
            "The array program: a typed DAG, operands before users. `x` occurs four times in the sentence and is one node here,\n\
             as any computation written twice would be. Shapes are known in terms of the dims n and m."
        }
        Stage::Optimized => {
            "After the rewrites: constants folded, identities gone, views moved down to the arrays they read. This sentence\n\
             has nothing to rewrite. No rewrite changes the bits of a result."
        }
        Stage::Schedule => {
            "Which nodes share a loop nest, and the fate of each: read in place, kept in registers, or stored, with the reason.\n\
             Here everything is one nest and nothing is stored but the result."
        }
        Stage::Kernel => {
            "The loop nest. sin and exp have become arithmetic; sums keep 8 partial results and combine them in pairs, in an\n\
             order that depends on the index alone. Constants stand first, and what does not depend\n\
             on an index stands outside its loop."
        }
        Stage::Clif => {
            "The same in Cranelift's intermediate form: f64x2 is a register of two numbers. Extents, strides and addresses are\n\
             loaded from the arguments, so that this code serves every n and m."
        }
        Stage::Asm => "The machine instructions.",
    }
}

/// How many lines of a stage to show.
const LINES: usize = 40;

fn main() -> Result<()> {
    let mut b = Kernel::builder("damped_row_sum");
    let [n, m] = b.dims(["n", "m"]);
    let x = &b.input::<f64>("x", [n, m]);
    let y = x.gt(0.0).select((-x * x).exp() * x.sin(), 0.0).sum_axis(Axis(1));
    println!("y = {y}\n");
    b.output("y", y);
    let kernel = b.build()?;

    // The stages named on the command line, or all of them.
    let named: Vec<String> = std::env::args().skip(1).collect();
    let wanted = named.iter().map(|name| name.parse()).collect::<Result<Vec<Stage>>>()?;
    let short = wanted.is_empty();
    for &stage in if short { Stage::ALL } else { &wanted } {
        println!("=== {} ===\n{}\n", stage.name(), explanation(stage));
        let text = kernel.inspect(stage)?;
        let lines = text.lines().count();
        for line in text.lines().take(if short { LINES } else { lines }) {
            println!("    {line}");
        }
        if short && lines > LINES {
            println!("    ... {} more lines: cargo run --example inspect {}", lines - LINES, stage.name());
        }
        println!();
    }

    println!("{:#?}", kernel.timings());
    let rows = [0.5, -1.0, 2.0, 1.5, 0.0, -3.0];
    let mut sums = [0.0; 2];
    let rows = elide::ArrayRef::strided(&rows, &[2, 3], &[3, 1], 0)?;
    kernel.call().bind(x, rows)?.bind_mut("y", &mut sums)?.run()?;
    println!("for 2 rows of 3: {sums:?}");
    Ok(())
}
