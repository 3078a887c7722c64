//! From which size on two threads are worth it, and what the model of the machine says: `cargo bench --bench threads` prints a table.
//!
//! Microseconds of a call: predicted for one thread, on one, on two in any case, and as `Threads::Auto` decides.

use std::error::Error;
use std::time::Instant;

use elide::{Array, Expr, Kernel, Machine, Threads};

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

fn main() -> Result<(), Box<dyn Error>> {
    println!("{}\n\n| kernel, f64 | elements | predicted | one | two | auto |\n|---|---|---|---|---|---|", Machine::measure()?);
    for (name, formula) in FORMULAS {
        let mut b = Kernel::builder(name);
        let [n] = b.dims(["n"]);
        let inputs = ["x", "y", "z"].map(|name| b.input::<f64>(name, [&n]));
        let out = formula(&inputs);
        let scalar = out.shape().rank() == 0;
        b.output("out", out);
        let kernel = b.build()?;
        for n in SIZES {
            let array = || Array::new(&[n], vec![1.5; n]);
            let (x, y, z) = (array()?, array()?, array()?);
            let mut out = if scalar { Array::zeros(&[])? } else { array()? };
            // The best of some runs of some calls, in microseconds, and the prediction.
            let mut time = |threads: Threads, parts: Option<i64>| -> Result<(f64, f64), Box<dyn Error>> {
                let mut call = kernel.call();
                call.set_threads(threads);
                if let Some(parts) = parts {
                    call.set_parts(parts, false);
                }
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
            };
            let (one, predicted) = time(Threads::One, None)?;
            let (two, auto) = (time(Threads::N(2), Some(2))?.0, time(Threads::Auto, None)?.0);
            println!("| `{name}` | {n} | {predicted:.1} | {one:.1} | {two:.1} | {auto:.1} |");
        }
    }
    Ok(())
}
