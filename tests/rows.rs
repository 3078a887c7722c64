//! Sums along the rows of tables: by every backend to the bit, for rows that end anywhere in a leaf of the defined order, and for
//! values that are short to compute and long.

use elide::testing::Rng;
use elide::{ArrayRef, Axis, Backend, Element, Expr, Kernel, KernelBuilder};

type Declare<T> = fn(&mut KernelBuilder, &Expr<'static, T>);

fn kernel<T: Element>(backend: Backend, declare: Declare<T>) -> Kernel {
    let mut b = Kernel::builder("rows");
    let [n, m] = b.dims(["n", "m"]);
    let x = b.input::<T>("x", [&n, &m]);
    declare(&mut b, &x);
    b.backend(backend);
    b.build().unwrap()
}

fn check<T: Element + Into<f64> + From<f32>>(declare: Declare<T>) {
    let mut rng = Rng::new(11);
    let data: Vec<T> = (0..3 * 2100).map(|_| T::from((rng.below(4001) as f32 - 2000.0) / 512.0)).collect();
    let kernels: Vec<Kernel> = Backend::available().into_iter().map(|backend| kernel(backend, declare)).collect();
    // Parts of a group, of the groups that are computed together, and of leaves that go side by side.
    let lengths = (1..42).chain([63, 64, 65, 95, 96, 120, 127, 128, 129, 136, 255, 256, 257, 264, 270, 287, 512, 520, 1000, 1025, 2100]);
    for columns in lengths {
        let results: Vec<Vec<u64>> = (kernels.iter())
            .map(|kernel| {
                let mut y = vec![data[0]; 3];
                let mut call = kernel.call();
                let x = ArrayRef::strided(&data[..3 * columns], &[3, columns], &[columns as isize, 1], 0).unwrap();
                call.bind("x", x).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
                y.into_iter().map(|y| Into::<f64>::into(y).to_bits()).collect()
            })
            .collect();
        for (backend, result) in Backend::available().into_iter().zip(&results) {
            assert_eq!(result, &results[0], "{backend:?}, rows of {columns}");
        }
    }
}

#[test]
fn of_elements() {
    check::<f32>(|b, x| {
        b.output("y", x.sum_axis(Axis(1)));
    });
    check::<f64>(|b, x| {
        b.output("y", x.sum_axis(Axis(1)));
    });
}

#[test]
fn of_long_bodies() {
    check::<f32>(|b, x| {
        b.output("y", x.exp().sum_axis(Axis(1)));
    });
    check::<f64>(|b, x| {
        b.output("y", x.exp().sum_axis(Axis(1)));
    });
    check::<f32>(|b, x| {
        b.output("y", (x.sin() * x.tanh() + (x * x + 1.0).log()).sum_axis(Axis(1)));
    });
}

#[test]
fn of_middling_bodies() {
    check::<f32>(|b, x| {
        b.output("y", ((x - 0.5) * (x + 0.25) * x + (x * x + 1.0).sqrt()).sum_axis(Axis(1)));
    });
    check::<f64>(|b, x| {
        b.output("y", ((x - 0.5) * (x + 0.25) * x + (x * x + 1.0).sqrt()).sum_axis(Axis(1)));
    });
}

#[test]
fn several_at_once() {
    let declare = |b: &mut KernelBuilder, x: &Expr<'static, f32>| {
        let e = &x.exp();
        b.output("y", e.sum_axis(Axis(1)) / (e * x).sum_axis(Axis(1)) + e.max_over(Axis(1)));
    };
    check::<f32>(declare);
}

#[test]
fn of_widened_and_masked_elements() {
    check::<f32>(|b, x| {
        b.output("y", (x.cast::<f64>() * 1.5).exp().sum_axis(Axis(1)).cast::<f32>());
    });
    check::<f32>(|b, x| {
        b.output("y", x.gt(0.0).select(x.exp(), 0.5 * x).sum_axis(Axis(1)));
    });
}
