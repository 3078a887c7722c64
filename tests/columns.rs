//! Sums down the columns of tables: by every backend to the bit, whatever the table's shape and layout.

use elide::testing::Rng;
use elide::{ArrayRef, Axis, Backend, Element, Expr, Kernel, KernelBuilder};

/// Sums of one value and of several, with what is the same for a column before them and what is made of them after.
fn kernel<T: Element>(backend: Backend, declare: fn(&mut KernelBuilder, &Expr<'static, T>, &Expr<'static, T>)) -> Kernel {
    let mut b = Kernel::builder("columns");
    let [n, m] = b.dims(["n", "m"]);
    let x = b.input::<T>("x", [&n, &m]);
    let at = b.input::<T>("at", [&m]);
    declare(&mut b, &x, &at);
    b.backend(backend);
    b.build().unwrap()
}

fn one_sum(b: &mut KernelBuilder, x: &Expr<'static, f32>, _: &Expr<'static, f32>) {
    b.output("y", x.sum_axis(Axis(0)));
}

fn spread(b: &mut KernelBuilder, x: &Expr<'static, f64>, at: &Expr<'static, f64>) {
    let apart = x - at.insert_axis(0);
    b.output("y", (&apart * &apart).sum_axis(Axis(0)).sqrt() + at);
}

fn sum_and_product(b: &mut KernelBuilder, x: &Expr<'static, f32>, at: &Expr<'static, f32>) {
    b.output("y", x.sum_axis(Axis(0)) * (x * at).prod_axis(Axis(0)));
}

fn widened(b: &mut KernelBuilder, x: &Expr<'static, f32>, _: &Expr<'static, f32>) {
    b.output("y", x.cast::<f64>().sum_axis(Axis(0)).cast::<f32>());
}

/// How rows and columns lie: C order, rows with gaps, columns with gaps, Fortran order.
fn strides(rows: usize, columns: usize, layout: usize) -> [isize; 2] {
    let (rows, columns) = (rows as isize, columns as isize);
    [[columns, 1], [columns + 3, 1], [2 * columns, 2], [1, rows]][layout]
}

/// The bits of the results.
fn run<T: Element + Into<f64>>(kernel: &Kernel, data: &[T], at: &[T], rows: usize, columns: usize, layout: usize) -> Vec<u64> {
    let mut y = vec![data[0]; columns];
    let x = ArrayRef::strided(data, &[rows, columns], &strides(rows, columns, layout), 0).unwrap();
    let mut call = kernel.call();
    call.bind("x", x).unwrap().bind("at", &at[..columns]).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
    y.into_iter().map(|y| Into::<f64>::into(y).to_bits()).collect()
}

fn check<T: Element + Into<f64> + From<f32>>(declare: fn(&mut KernelBuilder, &Expr<'static, T>, &Expr<'static, T>)) {
    let mut rng = Rng::new(7);
    let mut random = |n: usize| -> Vec<T> { (0..n).map(|_| T::from((rng.below(4001) as f32 - 2000.0) / 1024.0)).collect() };
    let (data, at) = (random(2 * 1100 * 700), random(700));
    let kernels: Vec<Kernel> = Backend::available().into_iter().map(|backend| kernel(backend, declare)).collect();
    // One leaf, two, some, and what does not fill a group of eight; columns that fill blocks, panels, or neither.
    for (rows, widths) in [
        (128, &[33usize, 64][..]),
        (129, &[15, 16, 31, 32, 33, 64, 100, 255, 256, 257, 300, 513]),
        (256, &[32, 48]),
        (263, &[64, 65, 128, 700]),
        (1100, &[32, 40, 260]),
    ] {
        for &columns in widths {
            for layout in 0..4 {
                let of = |kernel: &Kernel| run(kernel, &data, &at, rows, columns, layout);
                let want = of(&kernels[0]);
                for kernel in &kernels[1..] {
                    assert!(of(kernel) == want, "{rows} by {columns}, layout {layout}");
                }
            }
        }
    }
}

#[test]
fn sums() {
    check(one_sum);
}

#[test]
fn sums_of_squares_about_a_value_of_the_column() {
    check(spread);
}

#[test]
fn sums_and_products_at_once() {
    check(sum_and_product);
}

#[test]
fn sums_of_wider_elements() {
    check(widened);
}
