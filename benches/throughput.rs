//! Whole kernels at three sizes (in the first cache, in the last, in memory), each beside the same in plain Rust or ndarray.
//!
//! Both sides write to memory that exists already, and are held against each other before the clock starts.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use elide::{ArrayMut, ArrayRef, Axis, Binding, DynExpr, Element, Expr, Kernel, s};
use ndarray::{Array1, Array2, ArrayView2};

/// Numbers of elements, each a multiple of [`COLUMNS`].
const SIZES: [usize; 3] = [1_000, 100_000, 10_000_000];

/// The width of tables; sizes divide by it.
const COLUMNS: usize = 250;

fn kernel(define: impl FnOnce(&mut elide::KernelBuilder) -> DynExpr<'static>) -> Kernel {
    let mut b = Kernel::builder("bench");
    let y = define(&mut b);
    b.output("y", y);
    b.build().expect("a kernel without mistakes")
}

/// Numbers in `[-scale, scale)` that follow no pattern a predictor could learn.
fn numbers(count: usize, seed: u64, scale: f64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 * 2f64.powi(-52) - 1.0
    };
    (0..count).map(|_| scale * next()).collect()
}

fn settings(group: &mut BenchmarkGroup<'_, WallTime>, elements: usize) {
    group.throughput(Throughput::Elements(elements as u64)).sampling_mode(SamplingMode::Flat).sample_size(20);
    group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(800));
}

/// Measures `kernel` and `baseline`, which both make `shape` from the same inputs.
fn pair<T: Element>(
    c: &mut Criterion,
    name: &str,
    elements: usize,
    shape: &[usize],
    (kernel, inputs): (&Kernel, &[(&str, ArrayRef<'_>)]),
    mut baseline: impl FnMut(&mut [T]),
) where
    f64: From<T>,
{
    let strides: Vec<isize> = (0..shape.len()).map(|k| shape[k + 1..].iter().product::<usize>() as isize).collect();
    let zero = || vec![T::from_scalar(elide::Scalar::zero(T::DTYPE)); shape.iter().product()];
    let (mut ours, mut theirs) = (zero(), zero());
    {
        let mut call = kernel.call();
        let mut binding: Binding<'_, '_> = call.start();
        for (name, array) in inputs {
            binding = binding.bind(*name, array.clone()).expect("an input");
        }
        let out = ArrayMut::strided(&mut ours, shape, &strides, 0).expect("C order");
        let mut binding = binding.bind_mut("y", out).expect("the output");
        let mut group = c.benchmark_group(format!("{name}/{elements}"));
        settings(&mut group, elements);
        group.bench_function("elide", |b| b.iter(|| binding.run().expect("bound")));
        group.bench_function("baseline", |b| b.iter(|| baseline(black_box(&mut theirs))));
        group.finish();
        // A filter may have left one of them out.
        binding.run().expect("bound");
        baseline(&mut theirs);
    }
    for (a, b) in ours.into_iter().zip(theirs) {
        let (a, b) = (f64::from(a), f64::from(b));
        assert!((a - b).abs() <= 1e-9 * (1.0 + b.abs()), "{name}: {a} and {b}");
    }
}

fn elementwise(c: &mut Criterion) {
    let fma = kernel(|b| {
        let [n] = &b.dims(["n"]);
        let [x, y, z] = ["a", "b", "c"].map(|name| b.input::<f64>(name, [n]));
        (x * y + z).into()
    });
    let compare = kernel(|b| {
        let [n] = &b.dims(["n"]);
        let [x, y] = &["a", "b"].map(|name| b.input::<f64>(name, [n]));
        (x * y - 4.1 * x).gt(2.5 * y).into()
    });
    let exp = kernel(|b| {
        let [n] = &b.dims(["n"]);
        b.input::<f64>("a", [n]).exp().into()
    });
    let norm3 = kernel(|b| {
        let [n] = &b.dims(["n"]);
        let [x, y, z] = &["a", "b", "c"].map(|name| b.input::<f32>(name, [n]));
        (x * x + y * y + z * z).sqrt().into()
    });
    for n in SIZES {
        let [x, y, z] = &[1, 2, 3].map(|seed| numbers(n, seed, 4.0));
        let inputs = [("a", x.into()), ("b", y.into()), ("c", z.into())];
        pair(c, "fma", n, &[n], (&fma, &inputs), |out: &mut [f64]| {
            for (((o, x), y), z) in out.iter_mut().zip(x).zip(y).zip(z) {
                *o = x * y + z;
            }
        });
        pair(c, "compare", n, &[n], (&compare, &inputs[..2]), |out: &mut [bool]| {
            for ((o, x), y) in out.iter_mut().zip(x).zip(y) {
                *o = x * y - 4.1 * x > 2.5 * y;
            }
        });
        pair(c, "exp", n, &[n], (&exp, &inputs[..1]), |out: &mut [f64]| {
            for (o, x) in out.iter_mut().zip(x) {
                *o = x.exp();
            }
        });
        let [x, y, z] = &[x, y, z].map(|v| v.iter().map(|&x| x as f32).collect::<Vec<_>>());
        let inputs = [("a", x.into()), ("b", y.into()), ("c", z.into())];
        pair(c, "norm3", n, &[n], (&norm3, &inputs), |out: &mut [f32]| {
            for (((o, x), y), z) in out.iter_mut().zip(x).zip(y).zip(z) {
                *o = (x * x + y * y + z * z).sqrt();
            }
        });
    }
}

fn reductions(c: &mut Criterion) {
    let sqdist = kernel(|b| {
        let [n] = &b.dims(["n"]);
        let [x, y] = &["a", "b"].map(|name| b.input::<f64>(name, [n]));
        let d = &(x - y);
        (d * d).sum().into()
    });
    let table = |define: fn(&Expr<'static, f64>) -> Expr<'static, f64>| {
        kernel(|b| {
            let [n, m] = b.dims(["n", "m"]);
            define(&b.input::<f64>("a", [n, m])).into()
        })
    };
    let sentence = table(|x| x.gt(0.0).select((-x * x).exp() * x.sin(), 0.0).sum_axis(Axis(1)));
    let row_sum = table(|x| x.sum_axis(Axis(1)));
    let column_sum = table(|x| x.sum_axis(Axis(0)));
    for n in SIZES {
        let [x, y] = &[1, 2].map(|seed| numbers(n, seed, 4.0));
        pair(c, "sqdist", n, &[], (&sqdist, &[("a", x.into()), ("b", y.into())]), |out: &mut [f64]| {
            out[0] = x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum();
        });
        let rows = n / COLUMNS;
        let view: ArrayView2<'_, f64> = ArrayView2::from_shape((rows, COLUMNS), x).expect("a table");
        let inputs = &[("a", view.into())];
        pair(c, "sentence", n, &[rows], (&sentence, inputs), |out: &mut [f64]| {
            for (o, row) in out.iter_mut().zip(x.chunks_exact(COLUMNS)) {
                *o = row.iter().map(|&x| if x > 0.0 { (-x * x).exp() * x.sin() } else { 0.0 }).sum();
            }
        });
        pair(c, "row_sum", n, &[rows], (&row_sum, inputs), |out: &mut [f64]| {
            let sums: Array1<f64> = view.sum_axis(ndarray::Axis(1));
            out.copy_from_slice(sums.as_slice().expect("C order"));
        });
        pair(c, "column_sum", n, &[COLUMNS], (&column_sum, inputs), |out: &mut [f64]| {
            let sums: Array1<f64> = view.sum_axis(ndarray::Axis(0));
            out.copy_from_slice(sums.as_slice().expect("C order"));
        });
    }
}

fn stencil(c: &mut Criterion) {
    let heat = kernel(|b| {
        let [n, m] = &b.dims(["n", "m"]);
        let u = &b.input::<f64>("u", [n, m]);
        let mid = &u.slice(s![1..-1, 1..-1]);
        let (down, up) = (u.slice(s![2.., 1..-1]), u.slice(s![..-2, 1..-1]));
        let (right, left) = (u.slice(s![1..-1, 2..]), u.slice(s![1..-1, ..-2]));
        (mid + 0.1 * (down + up + right + left - 4.0 * mid)).into()
    });
    for n in SIZES {
        let side = (n as f64).sqrt() as usize;
        let u = Array2::from_shape_vec((side, side), numbers(side * side, 1, 1.0)).expect("a square");
        let inside = side - 2;
        pair(c, "stencil", n, &[inside, inside], (&heat, &[("u", (&u).into())]), |out: &mut [f64]| {
            let u = u.as_slice().expect("C order");
            for (i, row) in out.chunks_exact_mut(inside).enumerate() {
                let at = |down: usize, right: usize| &u[(i + down) * side + right..][..inside];
                let (mid, down, up, right, left) = (at(1, 1), at(2, 1), at(0, 1), at(1, 2), at(1, 0));
                for (j, o) in row.iter_mut().enumerate() {
                    *o = mid[j] + 0.1 * (down[j] + up[j] + right[j] + left[j] - 4.0 * mid[j]);
                }
            }
        });
    }
}

criterion_group!(benches, elementwise, reductions, stencil);
criterion_main!(benches);
