//! What a call costs when there is next to nothing to compute: 16 elements, 1, 3 or 8 inputs and one output.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use elide::{Binding, Expr, Kernel, lazy};

const ELEMENTS: usize = 16;

/// The sum of some inputs, with the names of those.
fn sum_of(count: usize) -> (Kernel, Vec<String>) {
    let mut b = Kernel::builder("sum");
    let [n] = b.dims(["n"]);
    let names: Vec<String> = (0..count).map(|k| format!("x{k}")).collect();
    let total = names.iter().map(|name| b.input::<f64>(name, [&n])).reduce(|a, x| a + x);
    b.output("y", total.unwrap_or(Expr::scalar(0.0)) * 0.5);
    (b.build().expect("a sum of vectors"), names)
}

fn bind<'c, 'd>(call: &'c mut elide::Call, names: &[String], data: &'d [Vec<f64>], out: &'d mut [f64]) -> Binding<'c, 'd> {
    let mut binding: Binding<'c, 'd> = call.start();
    for (name, array) in names.iter().zip(data) {
        binding = binding.bind(name.as_str(), array).expect("an input of one axis");
    }
    binding.bind_mut("y", out).expect("an output of one axis")
}

fn latency(c: &mut Criterion) {
    let mut group = c.benchmark_group("latency");
    let data = vec![vec![1.5; ELEMENTS]; 8];
    let mut out = vec![0.0; ELEMENTS];
    for inputs in [1, 3, 8] {
        let (kernel, names) = sum_of(inputs);
        let mut call = kernel.call();
        {
            let mut binding = bind(&mut call, &names, &data, &mut out);
            group.bench_function(BenchmarkId::new("run", inputs), |b| b.iter(|| black_box(&mut binding).run().expect("bound")));
        }
        group.bench_function(BenchmarkId::new("bind and run", inputs), |b| {
            b.iter(|| bind(&mut call, black_box(&names), black_box(&data), black_box(&mut out)).run().expect("bound"));
        });
    }
    // The machine code is found again; everything before it is done anew.
    group.bench_function("eval", |b| {
        b.iter(|| {
            let x = &lazy(black_box(&data[0]));
            (x * x + 1.0).eval::<Vec<f64>>().expect("shapes agree")
        });
    });
    group.finish();
}

criterion_group!(benches, latency);
criterion_main!(benches);
