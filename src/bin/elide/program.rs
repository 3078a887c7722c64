//! From a program's text and its inputs to a compiled kernel and its results.

use std::borrow::Borrow;
use std::io::Read;
use std::path::Path;
use std::{fs, io};

use elide::{Binding, DynExpr, Kernel, Requirement, Scalar, Threads, text};

use crate::args::{Arithmetic, Source};
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

/// A compiled program.
pub struct Program {
    text: text::Program,
    pub kernel: Kernel,
    /// How many threads it may use.
    pub threads: Threads,
    /// The inputs that it updates in place. Of these it runs on copies: what was given stays as it is.
    updated: Vec<String>,
    /// The results whose length depends on the data, each with the output that has it.
    counted: Vec<(String, String)>,
}

/// Compiles the program for these inputs. `choose` picks from the names of its results those to compute, and may refuse.
pub fn compile(
    text: &str,
    inputs: &[impl Borrow<Loaded>],
    arithmetic: Arithmetic,
    choose: impl FnOnce(&[String]) -> Result<Vec<String>, Failure>,
) -> Result<Program, Failure> {
    compile_with(text, inputs, arithmetic, choose, &[])
}

/// As [`compile`]; fails unless the kernel keeps to what is required of it.
pub fn compile_with(
    text: &str,
    inputs: &[impl Borrow<Loaded>],
    arithmetic: Arithmetic,
    choose: impl FnOnce(&[String]) -> Result<Vec<String>, Failure>,
    required: &[Requirement],
) -> Result<Program, Failure> {
    let program = text::parse(text)?;
    if program.outputs().is_empty() && program.free_names().is_empty() {
        return Err(Failure::Failed("the program is empty".to_string()));
    }
    if let Some(unread) = inputs.iter().map(Borrow::borrow).find(|input: &&Loaded| !program.reads(&input.name)) {
        return Err(Failure::Usage(format!("input {} is never read by the program", unread.name)));
    }
    let mut builder = Kernel::builder("eval");
    let mut operands: Vec<(String, DynExpr<'static>)> = Vec::new();
    for input in inputs.iter().map(Borrow::borrow) {
        operands.push((input.name.clone(), builder.input_dyn(&input.name, input.dtype(), input.shape(), input.is_swapped())));
    }
    let results = program.evaluate(&operands)?;
    if results.is_empty() {
        return Err(Failure::Failed("the program has no results: it neither returns an array nor changes an input".to_string()));
    }
    let names: Vec<String> = results.iter().map(|output| output.name.clone()).collect();
    let chosen = choose(&names)?;
    let (mut updated, mut counted) = (Vec::new(), Vec::new());
    for output in results.into_iter().filter(|output| chosen.contains(&output.name)) {
        if let Some(count) = output.count {
            // No name of a program has a dot.
            let name = format!("{}.count", output.name);
            builder.output(&name, count);
            counted.push((output.name.clone(), name));
        }
        let input = inputs.iter().map(Borrow::borrow).zip(&operands).find(|(input, _)| input.name == output.name);
        match input {
            // In the other order of bytes the new values need an array of their own anyway.
            Some((input, (_, operand))) if output.updates && !input.is_swapped() => {
                builder.update(operand.clone(), output.value);
                updated.push(output.name);
            }
            _ => {
                builder.output(&output.name, output.value);
            }
        }
    }
    builder.fp_mode(arithmetic.fp_mode).accuracy(arithmetic.accuracy);
    for requirement in required {
        builder.require(requirement.clone());
    }
    let kernel = builder.build().map_err(|e| program.quote(e))?;
    Ok(Program { text: program, kernel, threads: Threads::default(), updated, counted })
}

/// Chooses all results.
pub fn all(names: &[String]) -> Result<Vec<String>, Failure> {
    Ok(names.to_vec())
}

/// Memory for the results. All inputs being arrays, the shapes are numbers.
pub fn allocate(program: &Program, inputs: &[impl Borrow<Loaded>]) -> Result<Vec<(String, Buffer)>, Failure> {
    let mut results = Vec::new();
    for spec in program.kernel.outputs() {
        let name = spec.name();
        let shape = spec.shape().as_fixed();
        let shape = shape.ok_or_else(|| Failure::Failed(format!("{name}: its shape {} is not known", spec.shape())))?;
        results.push((name.to_string(), Buffer::zeros(name, spec.dtype(), &shape)?));
    }
    reset(program, inputs, &mut results)?;
    Ok(results)
}

/// Copies the inputs that the program updates to where it does so.
pub fn reset(program: &Program, inputs: &[impl Borrow<Loaded>], results: &mut [(String, Buffer)]) -> Result<(), Failure> {
    for (name, buffer) in results.iter_mut().filter(|(name, _)| program.updated.contains(name)) {
        if let Some(input) = inputs.iter().map(Borrow::borrow).find(|input| input.name == *name) {
            input.copy_to(buffer)?;
        }
    }
    Ok(())
}

/// Whether the length of a result depends on the data.
pub fn is_counted(program: &Program, name: &str) -> bool {
    program.counted.iter().any(|(counted, _)| counted == name)
}

/// Leaves of the results whose length depends on the data the elements that there are, once the program has run.
pub fn trim(program: &Program, results: &mut Vec<(String, Buffer)>) {
    for (name, count) in &program.counted {
        let Some(at) = results.iter().position(|(n, _)| n == count) else { continue };
        if let (Scalar::I64(n), Some((_, buffer))) = (results.remove(at).1.at(0), results.iter_mut().find(|(n, _)| n == name)) {
            buffer.truncate(n as usize);
        }
    }
}

/// Runs the program once.
pub fn run(program: &Program, inputs: &[impl Borrow<Loaded>], results: &mut [(String, Buffer)]) -> Result<(), Failure> {
    with_arrays(program, inputs, results, |bound| bound.run())
}

/// Does something with the program's kernel and its arrays.
pub fn with_arrays<T>(
    program: &Program,
    inputs: &[impl Borrow<Loaded>],
    results: &mut [(String, Buffer)],
    f: impl FnOnce(&mut Binding<'_, '_>) -> elide::Result<T>,
) -> Result<T, Failure> {
    let mut call = program.kernel.call();
    let mut call = call.set_threads(program.threads).start();
    for input in inputs.iter().map(Borrow::borrow).filter(|input| !program.updated.contains(&input.name)) {
        call = call.bind(input.name.as_str(), input.view()?)?;
    }
    for (name, buffer) in results {
        call = call.bind_mut(name.as_str(), buffer.view_mut()?)?;
    }
    Ok(f(&mut call).map_err(|e| program.text.quote(e))?)
}
