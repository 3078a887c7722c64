//! `elide bench`

use std::time::Instant;

use elide::Machine;
use serde_json::json;

use crate::args::Bench;
use crate::failure::Failure;
use crate::{input, program};

/// Seconds per call.
pub struct Timing {
    pub best: f64,
    pub median: f64,
    pub calls: usize,
}

/// Fewer calls than this say nothing, however long they take; more than that need not be remembered.
const CALLS: std::ops::Range<usize> = 3..5_000_000;

/// Repeats `call` for so many seconds, after one call that brings the memory in.
pub fn measure(seconds: f64, mut call: impl FnMut() -> Result<(), Failure>) -> Result<Timing, Failure> {
    measure_with(seconds, &mut (), |()| Ok(()), |()| call())
}

/// The same, with something to do before each call that is not timed.
fn measure_with<S>(
    seconds: f64,
    state: &mut S,
    mut prepare: impl FnMut(&mut S) -> Result<(), Failure>,
    mut call: impl FnMut(&mut S) -> Result<(), Failure>,
) -> Result<Timing, Failure> {
    call(state)?;
    let begin = Instant::now();
    let mut times = Vec::new();
    while times.len() < CALLS.start || times.len() < CALLS.end && begin.elapsed().as_secs_f64() < seconds {
        prepare(state)?;
        let start = Instant::now();
        call(state)?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(Timing { best: times[0], median: times[times.len() / 2], calls: times.len() })
}

/// Times the program; returns one line of JSON, or the report with a profile.
pub fn run(args: &Bench) -> Result<String, Failure> {
    let text = program::read(&args.source)?;
    let inputs = input::load_and_fill(&args.source.inputs, &args.dims)?;
    let start = Instant::now();
    let mut program = program::compile(&text, &inputs, args.source.arithmetic, program::all)?;
    program.threads = args.threads.unwrap_or_default();
    let compile = start.elapsed().as_secs_f64();
    let mut results = program::allocate(&program, &inputs)?;
    // A program that updates its inputs starts from the same values each time.
    let reset = |results: &mut Vec<_>| program::reset(&program, &inputs, results);
    let timing = measure_with(args.seconds, &mut results, &reset, |results| program::run(&program, &inputs, results))?;

    if args.profile {
        let runs = (args.seconds / timing.best.max(1e-7)) as usize;
        let machine = Machine::measure()?;
        reset(&mut results)?;
        let profile = program::with_arrays(&program, &inputs, &mut results, |bound| {
            let profile = bound.profile(runs.min(CALLS.end), &machine)?;
            Ok(format!("{}\n{profile}", bound.explain()?))
        });
        return profile;
    }
    let arrays = |name: &str, kind: String| json!({ "name": name, "type": kind });
    let bytes_in: usize = inputs.iter().map(|x| x.byte_count()).sum();
    let bytes_out: usize = results.iter().map(|(_, y)| y.bytes().len()).sum();
    let bytes = bytes_in + bytes_out;
    let line = json!({
        "program": text,
        "inputs": inputs.iter().map(|x| arrays(&x.name, format!("{}{}", x.dtype(), x.shape()))).collect::<Vec<_>>(),
        "outputs": program.kernel.outputs().iter().map(|y| arrays(y.name(), format!("{}{}", y.dtype(), y.shape()))).collect::<Vec<_>>(),
        "threads": args.threads.unwrap_or_default().count(),
        "compile_seconds": compile,
        "best_seconds": timing.best,
        "median_seconds": timing.median,
        "calls": timing.calls,
        "bytes": bytes,
        "gb_per_second": bytes as f64 / timing.best.max(1e-9) / 1e9,
    });
    Ok(format!("{line}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_timed() {
        let mut calls = 0;
        let mut slow_at_first = || {
            calls += 1;
            std::thread::sleep(std::time::Duration::from_millis(if calls == 1 { 50 } else { 2 }));
            Ok(())
        };
        let timing = measure(0.0, &mut slow_at_first).unwrap();
        assert_eq!(timing.calls, 3);
        assert!(timing.best >= 0.002 && timing.best <= timing.median, "{} {}", timing.best, timing.median);
        assert_eq!(calls, 4);
        assert!(measure(0.0, || Err(Failure::Failed("no".to_string()))).is_err());
    }
}
