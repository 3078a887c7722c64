//! From a program's text and its inputs to a compiled kernel and its results.

use std::borrow::Borrow;
use std::io::Read;
use std::path::Path;
use std::{fs, io};

use elide::{DynExpr, Kernel, Requirement, text};

use crate::args::Source;
use crate::buffer::Buffer;
use crate::failure::Failure;
use crate::input::Loaded;

/// The program's text.
pub fn read(source: &Source) -> Result<String, Failure> {
    match (&source.expr, &source.file) {
        (Some(expr), _) => Ok(expr.clone()),
        (None, Some(path)) if path == Path::new("-") => {
            let mut text = String::new();
            let read = io::stdin().read_to_string(&mut text);
            read.map_err(|e| Failure::Failed(format!("cannot read the program from standard input: {e}")))?;
            Ok(text)
        }
        (None, Some(path)) => {
            fs::read_to_string(path).map_err(|e| Failure::Failed(format!("cannot read the program from {}: {e}", path.display())))
        }
        (None, None) => Err(Failure::Usage("there is no program: give it as an argument, or as a file with -f".to_string())),
    }
}

/// Compiles the program for these inputs. `choose` picks from the names of its results those to compute, and may refuse.
pub fn compile(
    text: &str,
    inputs: &[impl Borrow<Loaded>],
    choose: impl FnOnce(&[String]) -> Result<Vec<String>, Failure>,
) -> Result<Kernel, Failure> {
    compile_with(text, inputs, choose, &[])
}

/// As [`compile`]; fails unless the kernel keeps to what is required of it.
pub fn compile_with(
    text: &str,
    inputs: &[impl Borrow<Loaded>],
    choose: impl FnOnce(&[String]) -> Result<Vec<String>, Failure>,
    required: &[Requirement],
) -> Result<Kernel, Failure> {
    let program = text::parse(text)?;
    if program.outputs().is_empty() {
        return Err(Failure::Failed("the program is empty".to_string()));
    }
    let read = program.free_names();
    if let Some(unread) = inputs.iter().map(Borrow::borrow).find(|input: &&Loaded| !read.contains(&input.name)) {
        return Err(Failure::Usage(format!("input {} is never read by the program", unread.name)));
    }
    let mut builder = Kernel::builder("eval");
    let mut operands: Vec<(String, DynExpr<'static>)> = Vec::new();
    for input in inputs.iter().map(Borrow::borrow) {
        operands.push((input.name.clone(), builder.input_dyn(&input.name, input.dtype(), input.shape(), input.is_swapped())));
    }
    let results = program.lower(&operands)?;
    let names: Vec<String> = results.iter().map(|(name, _)| name.clone()).collect();
    let chosen = choose(&names)?;
    for (name, value) in results {
        if chosen.contains(&name) {
            builder.output(&name, value);
        }
    }
    for requirement in required {
        builder.require(requirement.clone());
    }
    Ok(builder.build()?)
}

/// Chooses all results.
pub fn all(names: &[String]) -> Result<Vec<String>, Failure> {
    Ok(names.to_vec())
}

/// Memory for the results. All inputs being arrays, the shapes are numbers.
pub fn allocate(kernel: &Kernel) -> Result<Vec<(String, Buffer)>, Failure> {
    let mut results = Vec::new();
    for spec in kernel.outputs() {
        let name = spec.name();
        let shape = spec.shape().as_fixed();
        let shape = shape.ok_or_else(|| Failure::Failed(format!("{name}: its shape {} is not known", spec.shape())))?;
        results.push((name.to_string(), Buffer::zeros(name, spec.dtype(), &shape)?));
    }
    Ok(results)
}

/// Runs the kernel once.
pub fn run(kernel: &Kernel, inputs: &[impl Borrow<Loaded>], results: &mut [(String, Buffer)]) -> Result<(), Failure> {
    let mut call = kernel.call();
    let mut call = call.start();
    for input in inputs.iter().map(Borrow::borrow) {
        call = call.bind(input.name.as_str(), input.view()?)?;
    }
    for (name, buffer) in results {
        call = call.bind_mut(name.as_str(), buffer.view_mut()?)?;
    }
    call.run()?;
    Ok(())
}

/// Refuses what is not there yet.
pub fn check_threads(threads: usize) -> Result<(), Failure> {
    match threads {
        1 => Ok(()),
        n => Err(Failure::Usage(format!("--threads {n}: elide runs on one thread only so far"))),
    }
}
