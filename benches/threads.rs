//! From which size on two threads are worth it, and what the model of the machine says; then how much faster two threads are on large arrays,
//! beside what this machine has to give. `cargo bench --bench threads` prints two tables.
//!
//! First, microseconds of a call: predicted for one thread, on one, on two in any case, and as `Threads::Auto` decides. Second, milliseconds on one thread
//! and on two, the quotient, and the limit: how much faster two threads are that know nothing of each other, each with half of the elements in
//! arrays of its own.

use std::error::Error;
use std::sync::Barrier;
use std::time::Instant;

use elide::{Array, Expr, Kernel, Machine, Threads};

type Failure = Box<dyn Error>;

/// What to compute from three arrays.
type Formula = fn(&[Expr<'static, f64>; 3]) -> Expr<'static, f64>;

const FORMULAS: [(&str, Formula); 4] = [
    ("x * y + z", |[x, y, z]| x * y + z),
    ("sum((x - y)² + z)", |[x, y, z]| {
        let d = &(x - y);
        (d * d + z).sum()
    }),
    ("exp(x * y) + z", |[x, y, z]| (x * y).exp() + z),
    ("x / y + z", |[x, y, z]| x / y + z),
];
const SIZES: [usize; 8] = [2_000, 5_000, 10_000, 20_000, 30_000, 50_000, 100_000, 200_000];
/// In the second cache of a core if two share it, and in memory.
const LARGE: [usize; 2] = [80_000, 10_000_000];

fn kernel(name: &str, formula: Formula) -> Result<Kernel, Failure> {
    let mut b = Kernel::builder(name);
    let [n] = b.dims(["n"]);
    let inputs = ["x", "y", "z"].map(|name| b.input::<f64>(name, [&n]));
    b.output("out", formula(&inputs));
    Ok(b.build()?)
}

/// Three inputs and an output.
struct Arrays {
    inputs: [Array<f64>; 3],
    out: Array<f64>,
}

impl Arrays {
    fn new(kernel: &Kernel, n: usize) -> Result<Arrays, Failure> {
        // Results of `eval` are on huge pages.
        let array = || Array::new(&[n], Expr::full([n], 1.5).eval::<Vec<f64>>()?);
        let scalar = kernel.outputs()[0].shape().rank() == 0;
        Ok(Arrays { inputs: [array()?, array()?, array()?], out: if scalar { Array::zeros(&[])? } else { array()? } })
    }

    /// The best of some runs of some calls, in microseconds, and the prediction.
    fn time(&mut self, kernel: &Kernel, threads: Threads, parts: Option<i64>) -> Result<(f64, f64), Failure> {
        let mut call = kernel.call();
        call.set_threads(threads);
        if let Some(parts) = parts {
            call.set_parts(parts, false);
        }
        let Arrays { inputs: [x, y, z], out } = self;
        let n = x.shape()[0];
        let mut bound = call.bind("x", x.view())?.bind("y", y.view())?.bind("z", z.view())?.bind_mut("out", out.view_mut())?;
        let predicted = bound.profile(20, Machine::current())?.predicted();
        let (mut best, calls) = (f64::INFINITY, (400_000 / n).max(5));
        for _ in 0..15 {
            let start = Instant::now();
            for _ in 0..calls {
                bound.run()?;
            }
            best = best.min(start.elapsed().as_secs_f64() * 1e6 / calls as f64);
        }
        Ok((best, predicted.as_secs_f64() * 1e6))
    }
}

/// Microseconds that two threads take which each do half of `n` elements, by themselves.
fn apart(kernel: &Kernel, n: usize) -> Result<f64, Failure> {
    let (barrier, calls) = (Barrier::new(2), (400_000 / n).max(5));
    let mut halves = [Arrays::new(kernel, n / 2)?, Arrays::new(kernel, n / 2)?];
    let run = |arrays: &mut Arrays| {
        let mut call = kernel.call();
        call.set_threads(Threads::One);
        let Arrays { inputs: [x, y, z], out } = arrays;
        let bound = call.bind("x", x.view()).and_then(|b| b.bind("y", y.view())).and_then(|b| b.bind("z", z.view()));
        let mut bound = bound.and_then(|b| b.bind_mut("out", out.view_mut())).expect("arrays that fit");
        let mut best = f64::INFINITY;
        for _ in 0..15 {
            barrier.wait();
            let start = Instant::now();
            (0..calls).for_each(|_| bound.run().expect("nothing to refuse"));
            barrier.wait();
            best = best.min(start.elapsed().as_secs_f64() * 1e6 / calls as f64);
        }
        best
    };
    let [a, b] = &mut halves;
    Ok(std::thread::scope(|scope| {
        let other = scope.spawn(|| run(a));
        run(b).max(other.join().expect("no panic"))
    }))
}

fn main() -> Result<(), Failure> {
    println!("{}\n\n| kernel, f64 | elements | predicted | one | two | auto |\n|---|---|---|---|---|---|", Machine::measure()?);
    for (name, formula) in FORMULAS {
        let kernel = kernel(name, formula)?;
        for n in SIZES {
            let mut arrays = Arrays::new(&kernel, n)?;
            let (one, predicted) = arrays.time(&kernel, Threads::One, None)?;
            let two = arrays.time(&kernel, Threads::N(2), Some(2))?.0;
            let auto = arrays.time(&kernel, Threads::Auto, None)?.0;
            println!("| `{name}` | {n} | {predicted:.1} | {one:.1} | {two:.1} | {auto:.1} |");
        }
    }
    println!("\n| kernel, f64 | elements | one | two | one / two | limit |\n|---|---|---|---|---|---|");
    for (name, formula) in FORMULAS {
        let kernel = kernel(name, formula)?;
        for n in LARGE {
            let mut arrays = Arrays::new(&kernel, n)?;
            let one = arrays.time(&kernel, Threads::One, None)?.0;
            let two = arrays.time(&kernel, Threads::N(2), None)?.0;
            drop(arrays);
            let limit = one / apart(&kernel, n)?;
            println!("| `{name}` | {n} | {:.3} | {:.3} | {:.2} | {limit:.2} |", one / 1e3, two / 1e3, one / two);
        }
    }
    Ok(())
}
