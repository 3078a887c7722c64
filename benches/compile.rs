//! The time to build a kernel, stage by stage, and to its first result, for bodies of 1, 20 and 200 operations.
//!
//! A kernel whose loop nest has been compiled before finds its code again, so every kernel here has constants of its own.
//! A stage takes microseconds and the kernel around it a millisecond, so a sample is not a mean: it is the shortest of
//! [`KERNELS`], since what else the machine does can only add.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use elide::{KernelBuilder, Timings};

mod common;
use common::chain;

/// Builds a kernel and runs it once.
fn first_result(builder: KernelBuilder) -> elide::Result<(Duration, Timings)> {
    let data = [1.5; 16];
    let mut out = [0.0; 16];
    let start = Instant::now();
    let kernel = builder.build()?;
    kernel.call().bind("a", &data)?.bind("b", &data)?.bind("c", &data)?.bind("d", &data)?.bind_mut("y", &mut out)?.run()?;
    Ok((start.elapsed(), kernel.timings()))
}

/// Kernels built for one sample.
const KERNELS: usize = 16;

type Stage = (&'static str, fn(&(Duration, Timings)) -> Duration);

const STAGES: &[Stage] = &[
    ("import", |(_, t)| t.import),
    ("optimize", |(_, t)| t.optimize),
    ("schedule", |(_, t)| t.schedule),
    ("lower", |(_, t)| t.lower),
    ("codegen", |(_, t)| t.codegen),
    ("build to first result", |(first, _)| *first),
];

fn compile(c: &mut Criterion) {
    let mut serial = 0;
    for (ops, math) in [(1, false), (20, false), (200, false), (20, true)] {
        let mut group = c.benchmark_group("compile");
        group.sample_size(20).measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(300));
        let name = if math { format!("{ops} ops with sin and exp") } else { format!("{ops} ops") };
        for (stage, of) in STAGES {
            group.bench_function(BenchmarkId::new(&name, stage), |b| {
                b.iter_custom(|wanted| {
                    let times = (0..KERNELS).map(|_| {
                        serial += 1;
                        of(&first_result(chain(ops, serial, math)).expect("a chain of vectors"))
                    });
                    times.min().unwrap_or_default().mul_f64(wanted as f64)
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, compile);
criterion_main!(benches);
