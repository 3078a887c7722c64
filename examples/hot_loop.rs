//! A kernel in a hot loop: built once, bound to other memory on every turn, for problems of several sizes.
//!
//! `n` groups of `m` damped oscillators take small steps in time. A step reads two arrays and writes two, so the state goes
//! back and forth between two pairs. The same step is written with ndarray's operators and as a plain loop; all three give the
//! same bits. Run with `cargo run --release --example hot_loop`.

use std::time::Instant;

use elide::{Kernel, Result};
use ndarray::{Array1, Array2};

const DAMPING: f64 = 0.05;
const DT: f64 = 1e-3;
const STEPS: usize = 50;

#[derive(Clone, PartialEq)]
struct State {
    position: Array2<f64>,
    velocity: Array2<f64>,
}

fn build() -> Result<Kernel> {
    let mut b = Kernel::builder("step");
    // Their sizes come with the arrays: one kernel serves every problem.
    let [n, m] = &b.dims(["n", "m"]);
    let x = &b.input::<f64>("x", [n, m]);
    let v = &b.input::<f64>("v", [n, m]);
    let k = &b.input::<f64>("stiffness", [m]);
    let force = -(k * x) - DAMPING * v;
    let faster = &(v + DT * force);
    b.output("x_next", x + DT * faster);
    b.output("v_next", faster);
    b.build()
}

/// ndarray's operators: a temporary array for each, reused where ndarray can.
fn ndarray_step(now: &State, next: &mut State, stiffness: &Array1<f64>) {
    let force = -(stiffness * &now.position) - DAMPING * &now.velocity;
    next.velocity.assign(&(&now.velocity + DT * force));
    next.position.assign(&(&now.position + DT * &next.velocity));
}

/// What one writes by hand, on slices so that the compiler can drop the bounds checks.
fn plain_step(now: &State, next: &mut State, stiffness: &Array1<f64>) {
    let rows = now.position.rows().into_iter().zip(now.velocity.rows());
    let next_rows = next.position.rows_mut().into_iter().zip(next.velocity.rows_mut());
    let k = stiffness.as_slice().expect("C order");
    for ((x, v), (mut x1, mut v1)) in rows.zip(next_rows) {
        let (x, v) = (x.to_slice().expect("C order"), v.to_slice().expect("C order"));
        let (x1, v1) = (x1.as_slice_mut().expect("C order"), v1.as_slice_mut().expect("C order"));
        let inputs = k.iter().zip(x).zip(v);
        for (((k, x), v), (x1, v1)) in inputs.zip(x1.iter_mut().zip(v1)) {
            let faster = v + DT * (-(k * x) - DAMPING * v);
            *x1 = x + DT * faster;
            *v1 = faster;
        }
    }
}

/// The state after `STEPS` steps, and the shortest time of a step in microseconds out of several runs.
fn time(start: &State, mut step: impl FnMut(&State, &mut State) -> Result<()>) -> Result<(State, f64)> {
    let mut best = f64::INFINITY;
    let mut now = start.clone();
    for _ in 0..7 {
        now = start.clone();
        let mut next = start.clone();
        let clock = Instant::now();
        for _ in 0..STEPS {
            step(&now, &mut next)?;
            std::mem::swap(&mut now, &mut next);
        }
        best = best.min(clock.elapsed().as_secs_f64() * 1e6 / STEPS as f64);
    }
    Ok((now, best))
}

fn main() -> Result<()> {
    let kernel = build()?;
    println!("built in {:?}", kernel.timings().total());
    let mut call = kernel.call();

    println!("{:>14} {:>12} {:>12} {:>12}   microseconds per step", "n x m", "elide", "ndarray", "plain loop");
    for (n, m) in [(1, 16), (10, 100), (100, 100), (300, 1000), (1000, 2000)] {
        let start = State { position: Array2::from_shape_fn((n, m), |(i, j)| (i + 2 * j) as f64 * 1e-3), velocity: Array2::ones((n, m)) };
        let stiffness = Array1::linspace(1.0, 2.0, m);

        let (ours, elide) = time(&start, |now, next| {
            call.bind("x", &now.position)?
                .bind("v", &now.velocity)?
                .bind("stiffness", &stiffness)?
                .bind_mut("x_next", &mut next.position)?
                .bind_mut("v_next", &mut next.velocity)?
                .run()
        })?;
        let (theirs, ndarray) = time(&start, |now, next| {
            ndarray_step(now, next, &stiffness);
            Ok(())
        })?;
        let (by_hand, plain) = time(&start, |now, next| {
            plain_step(now, next, &stiffness);
            Ok(())
        })?;
        assert!(ours == theirs && ours == by_hand, "floating point is as written: the same operations give the same bits");
        println!("{:>14} {elide:>12.3} {ndarray:>12.3} {plain:>12.3}", format!("{n} x {m}"));
    }
    Ok(())
}
