//! How long each loop nest takes, beside what the model of the machine says.

use std::fmt;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::prepare::Frame;
use super::threads::{Cost, Threads, Touched, bytes_of, touch};
use super::{Binding, Kernel};
use crate::array::{Array, ArrayMut, ArrayRef};
use crate::error::{Result, Site};
use crate::expr::Expr;
use crate::kernel::Amount;
use crate::machine::{Bound, Machine};

/// How long the loop nests of a call take: measured, and as a [`Machine`] predicts it. [`Binding::profile`] makes one.
///
/// Its text has the machine, and a line for each nest, or for nests that run strip by strip together.
#[derive(Clone, Debug)]
pub struct Profile {
    kernel: String,
    machine: Machine,
    runs: usize,
    nests: Vec<NestTime>,
}

/// How long some loop nests take that run together; one, unless they run strip by strip.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NestTime {
    /// Their numbers in the [`Report`](crate::Report).
    pub nests: Range<usize>,
    /// The bytes of arrays and buffers, from the first of each that they touch to the last. Windows are not counted.
    pub bytes: usize,
    /// The floating-point operations.
    pub flops: f64,
    /// Instructions on whole vectors, as the model counts them.
    pub instructions: f64,
    /// How many threads take part.
    pub threads: usize,
    /// Where the bytes are: the nearest cache that holds all that the call touches, or memory.
    pub level: Bound,
    /// What the model says that it waits for.
    pub bound: Bound,
    /// How long the model says that it takes.
    pub predicted: Duration,
    /// The shortest time measured.
    pub measured: Duration,
}

impl Profile {
    /// The machine that predictions are for.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The nests in the order in which they run. Those that have nothing to do, as their arrays are empty, are left out.
    pub fn nests(&self) -> &[NestTime] {
        &self.nests
    }

    /// How long all of them are predicted to take.
    pub fn predicted(&self) -> Duration {
        self.nests.iter().map(|n| n.predicted).sum()
    }

    /// The sum of the shortest times measured.
    pub fn measured(&self) -> Duration {
        self.nests.iter().map(|n| n.measured).sum()
    }
}

/// A duration with three digits.
struct Short(Duration);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.0.as_secs_f64() * 1e9;
        let (value, unit) = match ns {
            _ if ns < 1e3 => (ns, "ns"),
            _ if ns < 1e6 => (ns / 1e3, "us"),
            _ if ns < 1e9 => (ns / 1e6, "ms"),
            _ => (ns / 1e9, "s"),
        };
        let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
        write!(f, "{value:.digits$} {unit}")
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "profile of {}, the best of {} runs", self.kernel, self.runs)?;
        writeln!(f, "machine: {}", self.machine)?;
        for n in &self.nests {
            let ns = n.measured.as_secs_f64().max(1e-9) * 1e9;
            match n.nests.len() {
                1 => write!(f, "nest {}", n.nests.start)?,
                _ => write!(f, "nests {} to {}", n.nests.start, n.nests.end - 1)?,
            }
            if n.threads > 1 {
                write!(f, ", {} threads", n.threads)?;
            }
            writeln!(
                f,
                ": {} bytes in {}, {} flops, {:.0} instructions\n  predicted {}, bound by {}; measured {}: {:.1} bytes/ns, {:.1} flops/ns, {:.1} instructions/ns",
                n.bytes,
                n.level,
                n.flops,
                n.instructions,
                Short(n.predicted),
                n.bound,
                Short(n.measured),
                n.bytes as f64 / ns,
                n.flops / ns,
                n.instructions / ns,
            )?;
        }
        writeln!(f, "all: predicted {}, measured {}", Short(self.predicted()), Short(self.measured()))
    }
}

/// What runs in one go.
pub(super) struct TurnCost {
    pub nests: Range<usize>,
    pub cost: Cost,
    pub threads: usize,
}

impl TurnCost {
    /// That of steps which run one after another, or strip by strip, on some threads.
    pub fn of(frames: &[Frame], threads: usize) -> TurnCost {
        let steps = frames.iter().map(|f| f.step);
        let nests = steps.clone().min().unwrap_or(0)..steps.max().map_or(0, |last| last + 1);
        let work = frames.iter().fold(Amount::default(), |sum, f| sum + f.work);
        // What one step of a strip brings near, the next one finds there.
        let mut touched = Touched::new();
        for (operand, low, high) in frames.iter().flat_map(|f| &f.touched) {
            touch(&mut touched, *operand, *low, *high);
        }
        TurnCost { nests, cost: Cost { bytes: bytes_of(&touched), work }, threads }
    }
}

impl Binding<'_, '_> {
    /// Runs the kernel some times, once at least, and measures how long each loop nest takes, beside what `machine` predicts:
    /// [`Machine::current`], or a [measured](Machine::measure) one. Arrays that are updated in place are updated as often as it runs. What checks the positions of
    /// computed indices is not measured.
    ///
    /// ```
    /// use elide::{Kernel, Machine};
    ///
    /// let mut b = Kernel::builder("scaled");
    /// let [n] = b.dims(["n"]);
    /// let x = &b.input::<f64>("x", [n]);
    /// b.output("y", x * 2.0 + 1.0);
    /// let kernel = b.build()?;
    ///
    /// let (x, mut y) = (vec![1.0; 1000], vec![0.0; 1000]);
    /// let profile = kernel.call().bind("x", &x)?.bind_mut("y", &mut y)?.profile(100, Machine::current())?;
    /// let nest = &profile.nests()[0];
    /// assert_eq!((nest.bytes, nest.flops), (16_000, 2_000.0));
    /// assert!(profile.to_string().contains("nest 0: 16000 bytes in L1, 2000 flops"));
    /// # Ok::<(), elide::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`run`](Binding::run).
    #[track_caller]
    pub fn profile(&mut self, runs: usize, machine: &Machine) -> Result<Profile> {
        let site = Site::caller();
        let mut best: Vec<Duration> = Vec::new();
        for _ in 0..runs.max(1) {
            let mut turn = 0;
            self.run_by(site, &mut |run| {
                let start = Instant::now();
                run();
                let took = start.elapsed();
                match best.get_mut(turn) {
                    Some(least) => *least = took.min(*least),
                    None => best.push(took),
                }
                turn += 1;
            })?;
        }
        let (turns, footprint) = self.touched();
        let times = turns.into_iter().zip(best).map(|(turn, measured)| {
            let TurnCost { nests, cost, threads } = turn;
            let p = machine.predict(cost.work.instructions / threads as f64, cost.bytes as f64 / threads as f64, footprint as f64);
            NestTime {
                nests,
                bytes: cost.bytes as usize,
                flops: cost.work.flops,
                instructions: cost.work.instructions,
                threads,
                level: p.level,
                bound: p.bound(),
                predicted: Duration::from_secs_f64(p.nanoseconds() * 1e-9),
                measured,
            }
        });
        Ok(Profile {
            kernel: self.frame().kernel().name().to_string(),
            machine: machine.clone(),
            runs: runs.max(1),
            nests: times.collect(),
        })
    }
}

impl Machine {
    /// As [`Machine::current`], with rates that are measured, by kernels that this runs on the calling thread: about a fifth of a second. Another
    /// program that runs at the same time makes them lower.
    ///
    /// # Errors
    /// What building a kernel may report, and where there is no memory for its arrays.
    pub fn measure() -> Result<Machine> {
        let mut machine = Machine::current().clone();
        let moving = {
            let mut b = Kernel::builder("moving");
            let [n] = b.dims(["n"]);
            let [x, y] = ["x", "y"].map(|name| b.input::<f64>(name, [&n]));
            b.output("z", x + y).threads(Threads::One);
            b.build()?
        };
        let most = machine.caches.last().map_or(0, |c| c.bytes);
        for cache in &mut machine.caches {
            cache.rate = moved(&moving, (cache.bytes / 2).min(MOST_BYTES / 4))?;
        }
        machine.memory_rate = moved(&moving, (most * 4).clamp(MOST_BYTES / 4, MOST_BYTES))?;
        let computing = {
            let mut b = Kernel::builder("computing");
            let [n] = b.dims(["n"]);
            let [x, y] = &["x", "y"].map(|name| b.input::<f32>(name, [&n]));
            // Enough independent operations at a time that none waits for another.
            let mut all: Vec<Expr<'static, f32>> = (0..SIDE_BY_SIDE).map(|k| x - y * k as f32).collect();
            for _ in 0..LEVELS {
                all = (0..SIDE_BY_SIDE).map(|k| &all[k] * &all[k] - &all[(k + 1) % SIDE_BY_SIDE]).collect();
            }
            let sum = all.into_iter().reduce(|a, b| a + b);
            b.output("z", sum.unwrap_or(x.clone())).threads(Threads::One);
            b.build()?
        };
        let x = vec![0.5f32; 2048];
        let ns = shortest(&computing, [(&x).into(), (&x).into()], (&mut vec![0f32; 2048]).into(), 5000)?;
        // What they begin with, their levels, and the sum.
        let instructions = 2 * SIDE_BY_SIDE * (LEVELS + 1) + SIDE_BY_SIDE - 1;
        machine.instruction_rate = (instructions * size_of_val(&x[..]) / machine.vector_bytes) as f64 / ns;
        Ok(machine)
    }
}

/// How many products, and differences, are computed side by side to measure the rate of instructions, and how many after one another.
const SIDE_BY_SIDE: usize = 10;
const LEVELS: usize = 6;
/// The most bytes that are walked over to measure the rate of memory.
const MOST_BYTES: usize = 256 << 20;

/// Bytes per nanosecond that a kernel of two inputs and one output moves, over arrays of so many bytes together.
fn moved(kernel: &Kernel, bytes: usize) -> Result<f64> {
    let n = bytes / 24;
    // Written to: memory that never was is not there.
    let array = || Array::new(&[n], Expr::full([n], 1.0).eval::<Vec<f64>>()?);
    let [x, y, mut z] = [array()?, array()?, array()?];
    let runs = ((128 << 20) / bytes.max(1)).clamp(3, 500);
    let ns = shortest(kernel, [x.view(), y.view()], z.view_mut(), runs)?;
    Ok((24 * n) as f64 / ns)
}

/// The shortest of some runs, in nanoseconds.
fn shortest(kernel: &Kernel, [x, y]: [ArrayRef<'_>; 2], z: ArrayMut<'_>, runs: usize) -> Result<f64> {
    let mut call = kernel.call();
    let mut bound = call.bind("x", x)?.bind("y", y)?.bind_mut("z", z)?;
    let mut best = f64::INFINITY;
    for _ in 0..runs {
        let start = Instant::now();
        bound.run()?;
        best = best.min(start.elapsed().as_secs_f64() * 1e9);
    }
    Ok(best.max(1.0))
}
