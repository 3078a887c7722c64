//! `elide explain`

use crate::args::{Explain, Format};
use crate::failure::Failure;
use crate::{input, program};

/// Compiles the program; returns its report.
pub fn run(args: &Explain) -> Result<String, Failure> {
    let text = program::read(&args.source)?;
    let inputs = input::load(&args.source.inputs)?;
    let kernel = program::compile_with(&text, &inputs, args.source.arithmetic, program::all, &args.required)?.kernel;
    let report = kernel.explain()?;
    Ok(match args.format {
        Format::Text => report.to_string(),
        Format::Json => report.to_json(),
    })
}
