//! What may be written on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use elide::text::InputSpec;
use elide::{Accuracy, FpMode, Requirement, Size, Threads};

/// Evaluates array expressions: fused, compiled for this machine, over NumPy's .npy files.
#[derive(Debug, Parser)]
#[command(name = "elide", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Eval(Eval),
    Explain(Explain),
    Inspect(Inspect),
    Bench(Bench),
    Demo(Demo),
}

/// Evaluates a program on .npy files.
///
/// The inputs are memory-mapped. Results go to the files named with -o; without -o, all of them are summed up on standard
/// output.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  elide eval 'sqrt(u*u + v*v).mean(axis=(0,2,3))' -i u=u.npy -i v=v.npy -o speed.npy
  elide eval 't = x[1:-1, 1:-1]; y = where(t > 0, exp(-t*t), 0).sum(axis=1); z = t.max()' -i x=x.npy -o y=y.npy -o z=z.npy")]
pub struct Eval {
    #[command(flatten)]
    pub source: Source,

    /// Where a result goes; NAME= may be left out if the program has only one result.
    #[arg(short, long = "output", value_name = "[NAME=]FILE", value_parser = parse_output)]
    pub outputs: Vec<Output>,

    /// How many threads to use at most, for what is worth it [default: one for each processor].
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    pub threads: Option<Threads>,
}

/// Says what a program does: loop nests, the place of every value and the reason for it, scratch memory, traffic.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  elide explain '(x - x.mean(axis=0)).sum(axis=1)' -i x=f64[n,m]
  elide explain 'sqrt(u*u + v*v)' -i u=f32[n] -i v=f32[n] --require no-temporaries --format json")]
pub struct Explain {
    #[command(flatten)]
    pub source: Source,

    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,

    /// Fail unless the program keeps to this: no-temporaries, no-copies, peak-bytes=BYTES (a number, or a formula such as
    /// 8*n*m + 64) or in-place=OUTPUT.
    #[arg(long = "require", value_name = "REQUIREMENT", value_parser = parse_requirement)]
    pub required: Vec<Requirement>,
}

/// Shows how a program is compiled.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  elide inspect 'exp(-x*x).sum(axis=1)' -i x=f64[n,m] --stage schedule")]
pub struct Inspect {
    #[command(flatten)]
    pub source: Source,

    /// Only this stage; by default all of them are shown, in order.
    #[arg(long, value_enum)]
    pub stage: Option<Stage>,
}

/// Times a program and prints one line of JSON, or a profile.
///
/// Inputs that are given as a type are filled with the same random values in every run: floats from 0 to 1, integers from
/// 0 to 9.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  elide bench 'exp(-x*x)*y' -i x=f64[10_000_000] -i y=f64[n] --dim n=10_000_000 --seconds 0.5")]
pub struct Bench {
    #[command(flatten)]
    pub source: Source,

    /// The size of a dim that is named in the type of an input.
    #[arg(long = "dim", value_name = "NAME=SIZE", value_parser = parse_dim)]
    pub dims: Vec<(String, usize)>,

    /// How long to repeat the computation, at least 3 times.
    #[arg(long, default_value = "0.5", value_name = "SECONDS", value_parser = parse_seconds)]
    pub seconds: f64,

    /// How many threads to use at most, for what is worth it [default: one for each processor].
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    pub threads: Option<Threads>,

    /// Print what the program does, and how long each loop nest takes beside what this machine could do, instead. The program runs
    /// again and again on the same arrays, also where it changes them.
    #[arg(long)]
    pub profile: bool,
}

/// Runs an example: mean wind speed by height, with its time and that of the same computation step by step.
#[derive(Debug, Args)]
pub struct Demo {}

/// A program and its inputs.
#[derive(Debug, Args)]
pub struct Source {
    /// The program: an expression, or assignments separated by `;` or new lines.
    #[arg(value_name = "EXPR", required_unless_present = "file", allow_hyphen_values = true)]
    pub expr: Option<String>,

    /// Read the program from a file (`-` for standard input) instead.
    #[arg(short, long, value_name = "FILE", conflicts_with = "expr")]
    pub file: Option<PathBuf>,

    /// An array that the program reads: a .npy file, or (not with eval) a type such as f64[1000,m].
    #[arg(short, long = "input", value_name = "NAME=ARRAY", value_parser = parse_input)]
    pub inputs: Vec<Input>,

    #[command(flatten)]
    pub arithmetic: Arithmetic,
}

/// How floating-point numbers are computed with.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Arithmetic {
    /// How freely floating-point arithmetic is done: strict (as written), contract (fused multiply-adds) or fast (reciprocals too).
    #[arg(long, value_name = "MODE", default_value = "strict", value_parser = parse_fp_mode)]
    pub fp_mode: FpMode,

    /// How exact elementary functions are: accurate (within 1 unit in the last place) or fast (within 4).
    #[arg(long, value_name = "ACCURACY", default_value = "accurate", value_parser = parse_accuracy)]
    pub accuracy: Accuracy,
}

/// One `-i`.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    pub name: String,
    pub array: ArraySpec,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ArraySpec {
    File(PathBuf),
    Type(InputSpec),
}

/// One `-o`.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    pub name: Option<String>,
    pub path: PathBuf,
}

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// A stage of the compiler, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// The array operations as imported.
    Graph,
    /// The array operations that are left.
    Optimized,
    /// What is fused with what, and why.
    Schedule,
    /// The loops.
    Kernel,
    /// Cranelift's intermediate language.
    Clif,
    /// The machine code.
    Asm,
}

fn is_name(s: &str) -> bool {
    s.starts_with(|c: char| c.is_alphabetic() || c == '_') && s.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// A size, with `_` between digits as in Rust and Python.
fn parse_size(s: &str) -> Result<usize, String> {
    let plausible = s.starts_with(|c: char| c.is_ascii_digit()) && s.chars().all(|c| c.is_ascii_digit() || c == '_');
    if !plausible {
        return Err(format!("`{s}` is not a size"));
    }
    s.replace('_', "").parse().map_err(|_| format!("{s} is too large for a size"))
}

fn parse_input(s: &str) -> Result<Input, String> {
    let (name, array) = s.split_once('=').ok_or("write NAME=FILE or NAME=TYPE, as in x=x.npy or x=f64[n,100]")?;
    if !is_name(name) {
        return Err(format!("`{name}` is not a name"));
    }
    if array.is_empty() {
        return Err(format!("`{name}=` needs a file or a type after it"));
    }
    Ok(Input { name: name.to_string(), array: parse_array(array)? })
}

/// `word[...]` is a type; all else is a file.
fn parse_array(s: &str) -> Result<ArraySpec, String> {
    let looks_typed = s.strip_suffix(']').and_then(|rest| rest.split_once('[')).is_some_and(|(word, _)| is_name(word));
    if !looks_typed {
        return Ok(ArraySpec::File(PathBuf::from(s)));
    }
    s.parse().map(ArraySpec::Type).map_err(|e: elide::Error| format!("{e}\n  (a file of this name is written ./{s})"))
}

fn parse_requirement(s: &str) -> Result<Requirement, String> {
    match s.split_once('=') {
        None if s == "no-temporaries" => Ok(Requirement::NoTemporaries),
        None if s == "no-copies" => Ok(Requirement::NoCopies),
        Some(("peak-bytes", bytes)) => Ok(Requirement::PeakBytes(parse_formula(bytes)?)),
        Some(("in-place", output)) if is_name(output) => Ok(Requirement::in_place(output)),
        _ => Err("write no-temporaries, no-copies, peak-bytes=BYTES or in-place=OUTPUT".to_string()),
    }
}

/// A sum of products of sizes and named dims: `8*n*m + 64`.
fn parse_formula(s: &str) -> Result<Size, String> {
    let factor = |f: &str| match f.trim() {
        name if is_name(name) => Ok(Size::named(name)),
        number => parse_size(number).map(Size::from),
    };
    let mut sum = Size::ZERO;
    for term in s.split('+') {
        let product = term.split('*').try_fold(Size::ONE, |p, f| factor(f).map(|f| p.mul(&f)))?;
        sum = sum.add(&product);
    }
    Ok(sum)
}

fn parse_output(s: &str) -> Result<Output, String> {
    let (name, path) = match s.split_once('=') {
        Some((name, path)) if is_name(name) => (Some(name.to_string()), path),
        Some(("", _)) => return Err("there is no name before `=`".to_string()),
        _ => (None, s),
    };
    if path.is_empty() {
        return Err("there is no file to write to".to_string());
    }
    Ok(Output { name, path: PathBuf::from(path) })
}

fn parse_dim(s: &str) -> Result<(String, usize), String> {
    let (name, size) = s.split_once('=').filter(|(name, _)| is_name(name)).ok_or("write NAME=SIZE, as in n=1000")?;
    Ok((name.to_string(), parse_size(size)?))
}

fn parse_threads(text: &str) -> Result<Threads, String> {
    match text.parse() {
        Ok(n) if n > 0 => Ok(Threads::N(n)),
        _ => Err("write a number from 1 on".to_string()),
    }
}

fn parse_fp_mode(text: &str) -> Result<FpMode, String> {
    let all = [FpMode::Strict, FpMode::Contract, FpMode::Fast];
    all.into_iter().find(|mode| mode.name() == text).ok_or("it is strict, contract or fast".to_string())
}

fn parse_accuracy(text: &str) -> Result<Accuracy, String> {
    let all = [Accuracy::Accurate, Accuracy::Fast];
    all.into_iter().find(|accuracy| accuracy.name() == text).ok_or("it is accurate or fast".to_string())
}

fn parse_seconds(s: &str) -> Result<f64, String> {
    match s.parse() {
        Ok(x) if (0.0..=86_400.0).contains(&x) => Ok(x),
        _ => Err("a number from 0 to 86400 is needed".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_accepts_the_definitions() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn inputs_are_files_or_types() {
        let file = |name: &str, path: &str| Ok(Input { name: name.to_string(), array: ArraySpec::File(path.into()) });
        assert_eq!(parse_input("u=u.npy"), file("u", "u.npy"));
        assert_eq!(parse_input("u=a=b.npy"), file("u", "a=b.npy"));
        assert_eq!(parse_input("u=./f64[3]"), file("u", "./f64[3]"));
        assert_eq!(parse_input("u=dir[1]/x.npy"), file("u", "dir[1]/x.npy"));
        for spec in ["f64[n, 10_000_000]", "float32[n]", "bool[]"] {
            let typed = Input { name: "x".to_string(), array: ArraySpec::Type(spec.parse().unwrap()) };
            assert_eq!(parse_input(&format!("x={spec}")), Ok(typed));
        }
        for (text, message) in [
            ("u.npy", "write NAME=FILE or NAME=TYPE, as in x=x.npy or x=f64[n,100]"),
            ("=u.npy", "`` is not a name"),
            ("2u=u.npy", "`2u` is not a name"),
            ("u=", "`u=` needs a file or a type after it"),
        ] {
            assert_eq!(parse_input(text), Err(message.to_string()), "{text}");
        }
        for text in ["u=f12[3]", "u=f64[-1]", "u=f64[2*n]"] {
            let message = parse_input(text).unwrap_err();
            assert!(message.ends_with(&format!("(a file of this name is written ./{})", &text[2..])), "{message}");
        }
    }

    #[test]
    fn outputs_are_files_with_or_without_a_name() {
        let output = |name: Option<&str>, path: &str| Ok(Output { name: name.map(str::to_string), path: path.into() });
        assert_eq!(parse_output("y=y.npy"), output(Some("y"), "y.npy"));
        assert_eq!(parse_output("y.npy"), output(None, "y.npy"));
        assert_eq!(parse_output("./a=b.npy"), output(None, "./a=b.npy"));
        assert!(parse_output("=y.npy").is_err() && parse_output("y=").is_err() && parse_output("").is_err());
    }

    #[test]
    fn requirements() {
        assert_eq!(parse_requirement("no-temporaries"), Ok(Requirement::NoTemporaries));
        assert_eq!(parse_requirement("no-copies"), Ok(Requirement::NoCopies));
        assert_eq!(parse_requirement("in-place=y"), Ok(Requirement::in_place("y")));
        assert_eq!(parse_requirement("peak-bytes=4_096"), Ok(Requirement::peak_bytes(4096)));
        let formula = Size::named("n").mul(&Size::named("m")).scale(8).add(&Size::from(64));
        assert_eq!(parse_requirement("peak-bytes=8*n*m + 64"), Ok(Requirement::PeakBytes(formula)));
        assert_eq!(parse_requirement("peak-bytes=8*"), Err("`` is not a size".to_string()));
        for wrong in ["", "no-copies=1", "in-place=", "fast"] {
            assert!(parse_requirement(wrong).unwrap_err().starts_with("write no-temporaries, "), "{wrong}");
        }
    }

    #[test]
    fn sizes_and_times() {
        assert_eq!(parse_dim("n=1_000"), Ok(("n".to_string(), 1000)));
        assert!(parse_dim("n").is_err() && parse_dim("3=4").is_err() && parse_dim("n=x").is_err() && parse_dim("n=_1").is_err());
        assert_eq!(parse_seconds("0.25"), Ok(0.25));
        assert!(["-1", "nan", "inf", "x", "1e9"].iter().all(|s| parse_seconds(s).is_err()));
    }
}
