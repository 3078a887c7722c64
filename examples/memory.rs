//! The workloads of `benches/peers/memory.py`, each one kernel: what they need besides inputs and outputs.
//!
//! `cargo run --release --example memory` prints what the reports of the kernels say, and what a call holds at full size.
//! `cargo run --release --example memory WORKLOAD SCALE` measures as a candidate of `memory.py`, whose help has the procedure.

use std::error::Error;
use std::fs;

use elide::{Array, Call, Dim, DynExpr, Kernel, Placement, text};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Of `memory.py`, in its order.
const NAMES: [&str; 16] = [
    "masked_row_sum",
    "variance",
    "softmax",
    "standardize",
    "add_transpose",
    "shift_add",
    "shift_add_rows",
    "shift_add_columns",
    "reverse",
    "reversed_add",
    "reversed_add_half",
    "floyd",
    "reshape_sum",
    "reshape_sum_even",
    "hdiff",
    "pairwise",
];

const ALPHA: f64 = 0.75;

/// The scale for warming up: every extent is small then.
const TINY: f64 = 0.0;

const HDIFF: &str = "
lap = 4.0 * u[:, 1:-1, 1:-1] - (u[:, 2:, 1:-1] + u[:, :-2, 1:-1] + u[:, 1:-1, 2:] + u[:, 1:-1, :-2])
flx = lap[:, 1:-1, 1:] - lap[:, 1:-1, :-1]
flx = where(flx * (u[:, 2:-2, 2:-1] - u[:, 2:-2, 1:-2]) > 0, 0.0, flx)
fly = lap[:, 1:, 1:-1] - lap[:, :-1, 1:-1]
fly = where(fly * (u[:, 2:-1, 2:-2] - u[:, 1:-2, 2:-2]) > 0, 0.0, fly)
u[:, 2:-2, 2:-2] - coeff * (flx[:, :, 1:] - flx[:, :, :-1] + fly[:, 1:, :] - fly[:, :-1, :])
";

struct Input {
    name: &'static str,
    /// Its dims, separated by blanks. Numbers where the text is for these sizes only.
    dims: String,
    shape: Vec<usize>,
    low: f64,
    high: f64,
}

struct Workload {
    /// The program. Its value is the output; without one, it updates the first input.
    text: String,
    inputs: Vec<Input>,
    out: Option<Vec<usize>>,
    /// The right result, by plain loops.
    reference: fn(&[Array<f64>]) -> Vec<f64>,
}

impl Workload {
    fn new(text: impl Into<String>, reference: fn(&[Array<f64>]) -> Vec<f64>) -> Workload {
        Workload { text: text.into(), inputs: Vec::new(), out: None, reference }
    }

    fn input(mut self, name: &'static str, dims: &str, shape: &[usize], low: f64, high: f64) -> Workload {
        self.inputs.push(Input { name, dims: dims.into(), shape: shape.into(), low, high });
        self
    }

    /// An input in [0, 1) of a kernel for one size: bounds of slices and reshapes are numbers in the text.
    fn sized(self, name: &'static str, shape: &[usize]) -> Workload {
        let dims: Vec<String> = shape.iter().map(usize::to_string).collect();
        self.input(name, &dims.join(" "), shape, 0.0, 1.0)
    }

    fn output(mut self, shape: &[usize]) -> Workload {
        self.out = Some(shape.into());
        self
    }

    fn of(name: &str, scale: f64) -> Option<Workload> {
        let linear = |base: f64| 8.max((base * scale).floor() as usize);
        let square = |base: f64| 8.max((base * scale.sqrt()).floor() as usize);
        let full = |size: usize, tiny: usize| if scale == TINY { tiny } else { size };
        let (n, m, len, side) = (linear(10_000.0), full(1000, 8), linear(10_000_000.0), square(3200.0));
        let table = |w: Workload, name, low, high| w.input(name, "n m", &[n, m], low, high);
        let vector = |w: Workload, name| w.input(name, "n", &[len], 0.0, 1.0);
        Some(match name {
            "masked_row_sum" => table(Workload::new("where(x > 0, x*x, 0).sum(axis=1)", masked_row_sum), "x", -1.0, 1.0).output(&[n]),
            "variance" => table(Workload::new("x.var(axis=0)", |x| moments(&x[0]).1), "x", 0.0, 1.0).output(&[m]),
            "softmax" => {
                let text = "e = exp(x - x.max(axis=1, keepdims=True)); e / e.sum(axis=1, keepdims=True)";
                table(Workload::new(text, softmax), "x", -4.0, 4.0).output(&[n, m])
            }
            "standardize" => table(Workload::new("(x - x.mean(axis=0)) / x.std(axis=0)", standardize), "x", 0.0, 1.0).output(&[n, m]),
            "add_transpose" => Workload::new("x += x.T", add_transpose).input("x", "n n", &[side, side], 0.0, 1.0),
            "shift_add" => vector(Workload::new("d[1:] += d[:-1]", shift_add), "d"),
            "shift_add_rows" => table(Workload::new("d[1:] += d[:-1]", shift_add), "d", 0.0, 1.0),
            "shift_add_columns" => table(Workload::new("m[:, :-1] += m[:, 1:]", shift_add_columns), "m", 0.0, 1.0),
            "reverse" => vector(Workload::new("a[::-1] = a", |a| a[0].as_slice().iter().rev().copied().collect()), "a"),
            "reversed_add" => vector(Workload::new(format!("y += {ALPHA} * y[::-1]"), |y| reversed_add(&y[0], y[0].as_slice().len())), "y"),
            "reversed_add_half" => {
                let text = format!("k = {}; y[:k] += {ALPHA} * y[k-1::-1]", len / 2);
                Workload::new(text, |y| reversed_add(&y[0], y[0].as_slice().len() / 2)).sized("y", &[len])
            }
            "floyd" => {
                let text = format!("k = {}; d[:] = minimum(d, d[:, k:k+1] + d[k:k+1, :])", side / 3);
                Workload::new(text, floyd).sized("d", &[side, side])
            }
            "reshape_sum" => {
                let (rows, columns, c) = (linear(4000.0), full(3000, 12), full(1500, 6));
                Workload::new(format!("x.T.reshape(-1, {c}).sum(axis=1)"), |x| reshape_sum(&x[0], x[0].shape()[1] / 2))
                    .sized("x", &[rows, columns])
                    .output(&[rows * columns / c])
            }
            "reshape_sum_even" => {
                let (c, columns) = (linear(2000.0), full(3000, 12));
                Workload::new(format!("x.T.reshape(-1, {c}).sum(axis=1)"), |x| reshape_sum(&x[0], x[0].shape()[0] / 2))
                    .sized("x", &[2 * c, columns])
                    .output(&[2 * columns])
            }
            "hdiff" => {
                let (k, h) = (linear(80.0), full(320, 8));
                Workload::new(HDIFF, hdiff)
                    .input("u", "k p q", &[k, h + 4, h + 4], 0.0, 1.0)
                    .input("coeff", "k n m", &[k, h, h], 0.0, 0.05)
                    .output(&[k, h, h])
            }
            "pairwise" => {
                let points = square(6000.0);
                Workload::new("sqrt(((a[:, None, :] - b[None, :, :])**2).sum(-1)).sum(1)", pairwise)
                    .input("a", "n 3", &[points, 3], 0.0, 1.0)
                    .input("b", "m 3", &[points, 3], 0.0, 1.0)
                    .output(&[points])
            }
            _ => return None,
        })
    }

    fn build(&self, name: &str) -> elide::Result<Kernel> {
        let mut b = Kernel::builder(name);
        let mut inputs: Vec<(String, DynExpr<'static>)> = Vec::new();
        for Input { name, dims, .. } in &self.inputs {
            let dim = |d: &str| d.parse().map_or_else(|_| Dim::named(d), |n: usize| Dim::from(n));
            inputs.push((name.to_string(), b.input::<f64>(name, dims.split(' ').map(dim)).into_dyn()));
        }
        for output in text::parse(&self.text)?.evaluate(&inputs)? {
            if output.updates {
                b.update(inputs[0].1.clone(), output.value);
            } else if output.name == text::RESULT {
                b.output(text::RESULT, output.value);
            }
        }
        b.build()
    }

    fn arrays(&self) -> elide::Result<Vec<Array<f64>>> {
        let array = |(seed, i): (u64, &Input)| {
            let data = (0..i.shape.iter().product()).map(|p| i.low + (i.high - i.low) * uniform(seed, p));
            Array::new(&i.shape, data.collect())
        };
        (1..).zip(&self.inputs).map(array).collect()
    }

    /// The output, with every page touched.
    fn target(&self) -> elide::Result<Option<Array<f64>>> {
        self.out.as_ref().map(|shape| Array::new(shape, vec![f64::NAN; shape.iter().product()])).transpose()
    }

    fn run(&self, call: &mut Call, arrays: &mut [Array<f64>], out: &mut Option<Array<f64>>) -> elide::Result<()> {
        let mut binding = call.start();
        for (k, (input, data)) in self.inputs.iter().zip(arrays).enumerate() {
            binding = match (k, &out) {
                (0, None) => binding.bind_mut(input.name, data.view_mut())?,
                _ => binding.bind(input.name, data.view())?,
            };
        }
        if let Some(out) = out {
            binding = binding.bind_mut(text::RESULT, out.view_mut())?;
        }
        binding.run()
    }

    /// The values of the named dims.
    fn dims(&self) -> Vec<(&str, i64)> {
        self.inputs.iter().flat_map(|i| i.dims.split(' ').zip(i.shape.iter().map(|&n| n as i64))).collect()
    }
}

/// A number in [0, 1) for each index.
fn uniform(seed: u64, i: usize) -> f64 {
    let mut z = (seed << 32).wrapping_add(i as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 * 2f64.powi(-53)
}

fn rows(x: &Array<f64>) -> std::slice::Chunks<'_, f64> {
    x.as_slice().chunks(x.shape()[x.shape().len() - 1])
}

fn masked_row_sum(x: &[Array<f64>]) -> Vec<f64> {
    rows(&x[0]).map(|row| row.iter().filter(|x| **x > 0.0).map(|x| x * x).sum()).collect()
}

/// Mean and variance of each column.
fn moments(x: &Array<f64>) -> (Vec<f64>, Vec<f64>) {
    let (n, mut mean, mut var) = (x.shape()[0] as f64, vec![0.0; x.shape()[1]], vec![0.0; x.shape()[1]]);
    rows(x).for_each(|row| mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += x / n));
    rows(x).for_each(|row| var.iter_mut().zip(row).zip(&mean).for_each(|((sum, x), mean)| *sum += (x - mean) * (x - mean) / n));
    (mean, var)
}

fn softmax(x: &[Array<f64>]) -> Vec<f64> {
    let of_row = |row: &[f64]| {
        let top = row.iter().copied().fold(f64::MIN, f64::max);
        let e: Vec<f64> = row.iter().map(|x| (x - top).exp()).collect();
        let total: f64 = e.iter().sum();
        e.into_iter().map(move |e| e / total)
    };
    rows(&x[0]).flat_map(of_row).collect()
}

fn standardize(x: &[Array<f64>]) -> Vec<f64> {
    let (mean, var) = moments(&x[0]);
    rows(&x[0]).flat_map(|row| row.iter().zip(&mean).zip(&var).map(|((x, mean), var)| (x - mean) / var.sqrt())).collect()
}

fn add_transpose(x: &[Array<f64>]) -> Vec<f64> {
    let (n, x) = (x[0].shape()[0], x[0].as_slice());
    (0..n * n).map(|p| x[p] + x[p % n * n + p / n]).collect()
}

fn shift_add(d: &[Array<f64>]) -> Vec<f64> {
    let (width, d) = (d[0].shape().get(1).copied().unwrap_or(1), d[0].as_slice());
    (0..d.len()).map(|p| if p < width { d[p] } else { d[p] + d[p - width] }).collect()
}

fn shift_add_columns(m: &[Array<f64>]) -> Vec<f64> {
    rows(&m[0]).flat_map(|row| (0..row.len()).map(|j| row[j] + row.get(j + 1).copied().unwrap_or(0.0))).collect()
}

fn reversed_add(y: &Array<f64>, k: usize) -> Vec<f64> {
    let y = y.as_slice();
    (0..y.len()).map(|i| if i < k { y[i] + ALPHA * y[k - 1 - i] } else { y[i] }).collect()
}

fn floyd(d: &[Array<f64>]) -> Vec<f64> {
    let (n, d) = (d[0].shape()[0], d[0].as_slice());
    let k = n / 3;
    (0..n * n).map(|p| d[p].min(d[p / n * n + k] + d[k * n + p % n])).collect()
}

/// Sums of `c` elements that follow each other in the transpose.
fn reshape_sum(x: &Array<f64>, c: usize) -> Vec<f64> {
    let (rows, columns, x) = (x.shape()[0], x.shape()[1], x.as_slice());
    let sum = |k: usize| (k * c..(k + 1) * c).map(|q| x[q % rows * columns + q / rows]).sum();
    (0..x.len() / c).map(sum).collect()
}

fn hdiff(x: &[Array<f64>]) -> Vec<f64> {
    let (levels, h, w, u, coeff) = (x[0].shape()[0], x[0].shape()[1], x[0].shape()[2], x[0].as_slice(), x[1].as_slice());
    let at = |k: usize, i: usize, j: usize| u[(k * h + i) * w + j];
    let lap = |k: usize, i: usize, j: usize| 4.0 * at(k, i, j) - (at(k, i + 1, j) + at(k, i - 1, j) + at(k, i, j + 1) + at(k, i, j - 1));
    // From a point to the one at (di, dj) of it.
    let flux = |k: usize, i: usize, j: usize, di: usize, dj: usize| {
        let flux = lap(k, i + di, j + dj) - lap(k, i, j);
        if flux * (at(k, i + di, j + dj) - at(k, i, j)) > 0.0 { 0.0 } else { flux }
    };
    let mut out = Vec::with_capacity(coeff.len());
    for k in 0..levels {
        for i in 2..h - 2 {
            for j in 2..w - 2 {
                let spread = flux(k, i, j, 0, 1) - flux(k, i, j - 1, 0, 1) + flux(k, i, j, 1, 0) - flux(k, i - 1, j, 1, 0);
                out.push(at(k, i, j) - coeff[out.len()] * spread);
            }
        }
    }
    out
}

fn pairwise(x: &[Array<f64>]) -> Vec<f64> {
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    rows(&x[0]).map(|a| rows(&x[1]).map(|b| distance(a, b)).sum()).collect()
}

fn resident(key: &str) -> Outcome<i64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(':')).ok_or("no such line in /proc/self/status")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<i64>()? * 1024)
}

/// How far resident memory rises during `run`.
fn peak_over(run: impl FnOnce() -> elide::Result<()>) -> Outcome<i64> {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it gives free memory back to the system, and asks nothing of its caller.
    unsafe {
        libc::malloc_trim(0);
    }
    fs::write("/proc/self/clear_refs", "5")?;
    let before = resident("VmRSS")?;
    run()?;
    Ok(resident("VmHWM")? - before)
}

/// Equal within 1e-9 of the largest magnitude.
fn is_right(got: &[f64], want: &[f64]) -> bool {
    let largest = want.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    got.len() == want.len() && got.iter().zip(want).all(|(a, b)| (a - b).abs() <= 1e-9 * largest)
}

/// Prepares a workload and warms up. The call is for full size; the arrays are the inputs and the output.
fn measure(name: &str, scale: f64) -> Outcome<()> {
    let (full, tiny) = Workload::of(name, scale).zip(Workload::of(name, TINY)).ok_or_else(|| format!("no workload `{name}`"))?;
    let (mut arrays, mut out) = (full.arrays()?, full.target()?);
    let kernel = full.build(name)?;
    // Where sizes are in the text, the small arrays have a kernel of their own.
    let small = if full.text == tiny.text && full.inputs[0].dims == tiny.inputs[0].dims { kernel.clone() } else { tiny.build(name)? };
    tiny.run(&mut small.call(), &mut tiny.arrays()?, &mut tiny.target()?)?;
    let mut call = kernel.call();
    let extra = peak_over(|| full.run(&mut call, &mut arrays, &mut out))?;
    let want = (full.reference)(&full.arrays()?);
    let got = out.as_ref().unwrap_or(&arrays[0]).as_slice();
    println!("extra {}\n{}", extra.max(0), if is_right(got, &want) { "ok" } else { "wrong" });
    Ok(())
}

/// What the report says of memory, and what a call of full size holds.
fn describe(name: &str) -> Outcome<()> {
    let workload = Workload::of(name, 1.0).ok_or("no such workload")?;
    let kernel = workload.build(name)?;
    let report = kernel.explain()?;
    println!("{name}: {}", workload.text.trim().replace('\n', "\n    "));
    let peak = report.scratch_bytes();
    let at_full_size = peak.evaluate(&workload.dims()).map_or_else(String::new, |bytes| format!(" ({bytes})"));
    println!("  scratch memory at most {peak} bytes{at_full_size}");
    for value in report.values() {
        if matches!(value.placement, Placement::Buffer | Placement::Copy | Placement::TileScratch) {
            let (place, kind) = (value.placement.name(), if value.window { ", a window" } else { "" });
            println!("  {} = {} ({place}{kind}): {} bytes", value.name, value.text, value.bytes);
            println!("    {}", value.reason.map_or("", |why| why.text()));
        }
    }
    let (mut arrays, mut out, mut call) = (workload.arrays()?, workload.target()?, kernel.call());
    workload.run(&mut call, &mut arrays, &mut out)?;
    println!("  a call of full size holds {} bytes\n", call.scratch_bytes());
    Ok(())
}

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args[..] {
        [] => NAMES.into_iter().try_for_each(describe),
        [name, scale] => measure(name, scale.parse()?),
        _ => Err("memory [WORKLOAD SCALE]".into()),
    }
}
