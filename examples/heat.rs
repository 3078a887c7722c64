//! A time loop: heat spreads in a plate whose edges are kept at their temperature, `n` steps of the explicit scheme.
//!
//! One frame for calling the kernel serves all steps. With two buffers a step is bound to them the one way round and then the
//! other: what is swapped are the names, and nothing is copied or allocated. In place one buffer is enough, and the schedule keeps what is
//! read after it has been overwritten, some rows, in scratch memory. Both give the same bits.
//!
//! Run with `cargo run --release --example heat`.

use std::time::Instant;

use elide::{Array, Expr, Kernel, KernelBuilder, Result, lazy_mut, s};

const STEPS: usize = 200;

/// The plate at a time, and one step later.
fn step(b: &mut KernelBuilder) -> (Expr<'static, f64>, Expr<'static, f64>) {
    let [n, m] = b.dims(["n", "m"]);
    let u = b.input::<f64>("u", [n, m]);
    let middle = &u.slice(s![1..-1, 1..-1]);
    let around = u.slice(s![..-2, 1..-1]) + u.slice(s![2.., 1..-1]) + u.slice(s![1..-1, ..-2]) + u.slice(s![1..-1, 2..]);
    let next = u.at(s![1..-1, 1..-1]).set(middle + 0.2 * (around - 4.0 * middle));
    (u, next)
}

fn main() -> Result<()> {
    let mut b = Kernel::builder("two buffers");
    let (_, next) = step(&mut b);
    b.output("next", next);
    let mut two = b.build()?.call();

    let mut b = Kernel::builder("in place");
    let (u, next) = step(&mut b);
    b.update(u, next);
    let mut one = b.build()?.call();

    // Two edges are hot; no kernel is needed to say so once.
    let mut plate = Array::<f64>::zeros(&[500, 500])?;
    let edges = lazy_mut(&mut plate);
    edges.at(s![0, ..]).set(100.0);
    edges.at(s![.., -1]).maximum(50.0);
    edges.run()?;

    let (mut now, mut next) = (plate.clone(), plate.clone());
    let clock = Instant::now();
    for _ in 0..STEPS {
        two.bind("u", &now)?.bind_mut("next", &mut next)?.run()?;
        std::mem::swap(&mut now, &mut next);
    }
    println!("two buffers: {:?} per step, {} bytes of scratch memory", clock.elapsed() / STEPS as u32, two.scratch_bytes());

    let clock = Instant::now();
    for _ in 0..STEPS {
        one.bind_mut("u", &mut plate)?.run()?;
    }
    println!("in place:    {:?} per step, {} bytes of scratch memory", clock.elapsed() / STEPS as u32, one.scratch_bytes());

    assert!(plate == now, "the same operations give the same bits");
    println!("a point near the edge is at {:.3} degrees after {STEPS} steps", now.as_slice()[5 * 500 + 250]);
    Ok(())
}
