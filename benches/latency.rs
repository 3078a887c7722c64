//! What a call costs when there is next to nothing to compute: 16 elements, 1, 3 or 8 inputs and one output; or a few rows, of another
//! length each time, so that a plan is made anew for each call.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use elide::{ArrayMut, ArrayRef, Axes, Binding, Expr, Kernel, lazy};

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

/// Three loop nests that go through rows strip by strip.
fn softmax() -> Kernel {
    let mut b = Kernel::builder("softmax");
    let [n, m] = b.dims(["n", "m"]);
    let x = b.input::<f64>("x", [n, m]);
    let rows = Axes::from(1).keepdims();
    let e = (&x - x.max_over(rows.clone())).exp();
    b.output("y", &e / e.sum_over(rows));
    b.build().expect("softmax")
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
    let kernel = softmax();
    let (rows, longest) = (2, 4096);
    let (x, mut y) = (vec![0.5; rows * longest], vec![0.0; rows * longest]);
    for shortest in [4, 4000] {
        let mut call = kernel.call();
        let mut length = shortest;
        group.bench_function(BenchmarkId::new("softmax, new sizes", shortest), |b| {
            b.iter(|| {
                length = if length == shortest + 64 { shortest } else { length + 1 };
                let (shape, strides) = ([rows, length], [length as isize, 1]);
                let x = ArrayRef::strided(&x, &shape, &strides, 0).expect("so many elements");
                let y = ArrayMut::strided(&mut y, &shape, &strides, 0).expect("so many elements");
                call.bind("x", x).and_then(|b| b.bind_mut("y", y)).and_then(|mut b| b.run()).expect("two arrays of one shape");
            });
        });
        group.bench_function(BenchmarkId::new("softmax, known sizes", shortest), |b| {
            b.iter(|| {
                let (shape, strides) = ([rows, shortest], [shortest as isize, 1]);
                let x = ArrayRef::strided(&x, &shape, &strides, 0).expect("so many elements");
                let y = ArrayMut::strided(&mut y, &shape, &strides, 0).expect("so many elements");
                call.bind("x", x).and_then(|b| b.bind_mut("y", y)).and_then(|mut b| b.run()).expect("two arrays of one shape");
            });
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
