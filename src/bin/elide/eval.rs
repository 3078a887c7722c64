//! `elide eval`

use elide::npy::NpyWriter;

use crate::args::{Eval, Output};
use crate::buffer::Buffer;
use crate::failure::Failure;
use crate::{input, print, program};

/// Evaluates the program; returns what to print.
pub fn run(args: &Eval) -> Result<String, Failure> {
    let text = program::read(&args.source)?;
    let inputs = input::load_files(&args.source.inputs)?;
    let mut named = Vec::new();
    let mut program = program::compile(&text, &inputs, args.source.arithmetic, |results| {
        named = name_outputs(&args.outputs, results)?;
        Ok(if named.is_empty() { results.to_vec() } else { named.clone() })
    })?;
    program.threads = args.threads.unwrap_or_default();
    let mut results = program::allocate(&program, &inputs)?;
    // Files are begun before the computation, which may take long, and put in place together after it.
    let mut writers = Vec::new();
    for (name, output) in named.iter().zip(&args.outputs) {
        if !program::is_counted(&program, name) {
            writers.push((name, writer(output, name, &results)?));
        }
    }
    program::run(&program, &inputs, &mut results)?;
    program::trim(&program, &mut results);
    for (name, output) in named.iter().zip(&args.outputs).filter(|(name, _)| program::is_counted(&program, name)) {
        writers.push((name, writer(output, name, &results)?));
    }
    if named.is_empty() {
        let summaries: Vec<String> = results.iter().map(|(name, array)| print::summary(name, array)).collect();
        return Ok(summaries.join("\n"));
    }
    for (name, writer) in &mut writers {
        writer.write(result(name, &results)?.bytes())?;
    }
    for (_, writer) in writers {
        writer.finish()?;
    }
    Ok(String::new())
}

fn result<'r>(name: &str, results: &'r [(String, Buffer)]) -> Result<&'r Buffer, Failure> {
    let found = results.iter().find(|(result, _)| result == name);
    found.map(|(_, array)| array).ok_or_else(|| Failure::Failed(format!("{name} was not computed")))
}

fn writer(output: &Output, name: &str, results: &[(String, Buffer)]) -> Result<NpyWriter, Failure> {
    let array = result(name, results)?;
    Ok(NpyWriter::create(&output.path, array.dtype(), array.shape())?)
}

/// The result that each `-o` stands for.
fn name_outputs(outputs: &[Output], results: &[String]) -> Result<Vec<String>, Failure> {
    let list = || results.join(", ");
    let mut named: Vec<String> = Vec::new();
    for (k, output) in outputs.iter().enumerate() {
        let path = output.path.display();
        let name = match (&output.name, results) {
            (Some(name), _) if results.contains(name) => name.clone(),
            (Some(name), _) => return Err(Failure::Usage(format!("-o {name}={path}: the program has no result {name}, only {}", list()))),
            (None, [only]) => only.clone(),
            (None, _) => return Err(Failure::Usage(format!("-o {path}: which result? write NAME={path}, with one of {}", list()))),
        };
        if named.contains(&name) {
            return Err(Failure::Usage(format!("-o {path}: result {name} has a file already")));
        }
        if outputs[..k].iter().any(|other| other.path == output.path) {
            return Err(Failure::Usage(format!("-o {path}: two results cannot go to one file")));
        }
        named.push(name);
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_find_their_results() {
        let output = |name: Option<&str>, path: &str| Output { name: name.map(str::to_string), path: path.into() };
        let named = |outputs: &[Output], results: &[&str]| {
            let results: Vec<String> = results.iter().map(|s| s.to_string()).collect();
            name_outputs(outputs, &results).map_err(|f| f.to_string())
        };
        let ok = |names: &[&str]| Ok(names.iter().map(|s| s.to_string()).collect());
        let err = |message: &str| Err(message.to_string());
        assert_eq!(named(&[], &["y"]), ok(&[]));
        assert_eq!(named(&[output(None, "f")], &["y"]), ok(&["y"]));
        assert_eq!(named(&[output(Some("z"), "f"), output(Some("y"), "g")], &["y", "z"]), ok(&["z", "y"]));
        assert_eq!(named(&[output(None, "f")], &["y", "z"]), err("-o f: which result? write NAME=f, with one of y, z"));
        assert_eq!(named(&[output(Some("x"), "f")], &["y", "z"]), err("-o x=f: the program has no result x, only y, z"));
        assert_eq!(named(&[output(Some("y"), "f"), output(Some("y"), "g")], &["y"]), err("-o g: result y has a file already"));
        assert_eq!(named(&[output(Some("y"), "f"), output(Some("z"), "f")], &["y", "z"]), err("-o f: two results cannot go to one file"));
    }
}
