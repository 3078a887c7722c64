//! `elide demo`

use crate::args::Demo;
use crate::bench::{Timing, measure};
use crate::buffer::Buffer;
use crate::failure::Failure;
use crate::input::Loaded;
use crate::random::SplitMix64;
use crate::{print, program};

/// Mean wind speed at each height, from winds that are packed into 16-bit integers as weather archives keep them.
///
/// One operation a step: joined they are the program, and one by one they are what an array library without fusion does.
const STEPS: [(&str, &str); 9] = [
    ("u_scaled", "u * 0.0016"),
    ("u_wind", "u_scaled + 27.0"),
    ("v_scaled", "v * 0.0005"),
    ("v_wind", "v_scaled - 1.5"),
    ("u_squared", "u_wind * u_wind"),
    ("v_squared", "v_wind * v_wind"),
    ("energy", "u_squared + v_squared"),
    ("speeds", "sqrt(energy)"),
    ("speed", "speeds.mean(axis=(0, 2, 3))"),
];
/// Months, heights, latitudes, longitudes.
const SHAPE: [usize; 4] = [12, 3, 241, 480];
const SECONDS: f64 = 0.5;

/// Runs the example both ways; returns what to print.
pub fn run(_: &Demo) -> Result<String, Failure> {
    let program: Vec<String> = STEPS.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let inputs = winds()?;
    let last = STEPS[STEPS.len() - 1].0;

    let compiled = program::compile(&program.join("; "), &inputs, Default::default(), |_| Ok(vec![last.to_string()]))?;
    let mut fused = program::allocate(&compiled, &inputs)?;
    let fused_time = measure(SECONDS, || program::run(&compiled, &inputs, &mut fused))?;
    let (unfused, unfused_time, temporaries) = step_by_step(winds()?)?;

    let result = &fused[0].1;
    if result.bytes() != unfused.bytes() {
        return Err(Failure::Failed("the fused program gave other bits than its steps one by one".to_string()));
    }
    let bytes_in: usize = inputs.iter().map(Loaded::byte_count).sum();
    let line = |what: &str, kernels: usize, time: &Timing, temporaries: usize| {
        format!(
            "{what:<13}{kernels} kernel{} {:>6.1} MB of temporary arrays, {:>8.2} ms (best of {} calls)\n",
            if kernels == 1 { ", " } else { "s," },
            temporaries as f64 / 1e6,
            time.best * 1e3,
            time.calls
        )
    };
    Ok(format!(
        "Mean wind speed at three heights, from u and v: i16{} ({:.1} MB)\n\n    {}\n\n{}\n{}{}{:<13}{:.1} times as fast, with the same bits\n",
        inputs[0].shape(),
        bytes_in as f64 / 1e6,
        program.join("\n    "),
        print::summary(last, result),
        line("fused", 1, &fused_time, 0),
        line("step by step", STEPS.len(), &unfused_time, temporaries),
        "fused is",
        unfused_time.best / fused_time.best.max(1e-9),
    ))
}

/// Eastward and northward winds, packed.
fn winds() -> Result<Vec<Loaded>, Failure> {
    let mut inputs = Vec::new();
    for (name, seed) in [("u", 1), ("v", 2)] {
        let mut array = Buffer::zeros(name, elide::DType::I16, &SHAPE)?;
        let mut random = SplitMix64::new(seed);
        array.fill(|| elide::Scalar::I16(random.next_u64() as i16));
        inputs.push(Loaded::filled(name, array));
    }
    Ok(inputs)
}

/// Runs the steps one by one, every intermediate array in memory. Returns the result, the sum of the steps' times, and the
/// size of the intermediate arrays.
fn step_by_step(mut arrays: Vec<Loaded>) -> Result<(Buffer, Timing, usize), Failure> {
    let mut total = Timing { best: 0.0, median: 0.0, calls: usize::MAX };
    let mut temporaries = 0;
    for (k, (name, value)) in STEPS.iter().enumerate() {
        let is_read = |array: &&Loaded| value.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == array.name);
        let operands: Vec<&Loaded> = arrays.iter().filter(is_read).collect();
        let program = program::compile(&format!("{name} = {value}"), &operands, Default::default(), program::all)?;
        let mut result = program::allocate(&program, &operands)?;
        let time = measure(SECONDS / STEPS.len() as f64, || program::run(&program, &operands, &mut result))?;
        total = Timing { best: total.best + time.best, median: total.median + time.median, calls: total.calls.min(time.calls) };
        let Some((_, array)) = result.pop() else { break };
        if k + 1 == STEPS.len() {
            return Ok((array, total, temporaries));
        }
        temporaries += array.bytes().len();
        arrays.push(Loaded::filled(name, array));
    }
    Err(Failure::Failed("a step of the demo has no result".to_string()))
}
