//! Sums along the rows of tables: by every backend to the bit, for rows that end anywhere in a leaf of the defined order, and for
//! values that are short to compute and long.

use elide::testing::Rng;
use elide::{ArrayRef, Axes, Axis, Backend, Element, Expr, Kernel, KernelBuilder, Stage, s};

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
    // Two times four rows and three more: rows are taken four at a time, where they are short.
    let rows = 11;
    let data: Vec<T> = (0..rows * 2100).map(|_| T::from((rng.below(4001) as f32 - 2000.0) / 512.0)).collect();
    let kernels: Vec<Kernel> = Backend::available().into_iter().map(|backend| kernel(backend, declare)).collect();
    // Parts of a group, of the groups that are computed together, and of leaves that go side by side.
    let lengths = (1..42).chain([63, 64, 65, 95, 96, 120, 127, 128, 129, 136, 255, 256, 257, 264, 270, 287, 512, 520, 1000, 1025, 2100]);
    for columns in lengths {
        let results: Vec<Vec<u64>> = (kernels.iter())
            .map(|kernel| {
                let mut y = vec![data[0]; rows];
                let mut call = kernel.call();
                let x = ArrayRef::strided(&data[..rows * columns], &[rows, columns], &[columns as isize, 1], 0).unwrap();
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

#[test]
fn of_any_order() {
    check::<f32>(|b, x| {
        b.output("y", x.max_over(Axis(1)) - x.min_over(Axis(1)));
    });
    check::<f64>(|b, x| {
        b.output("y", (x * x).max_over(Axis(1)));
    });
    check::<f32>(|b, x| {
        b.output("y", x.gt(3.5).any_over(Axis(1)).select(1.0f32, -1.0));
    });
    check::<f32>(|b, x| {
        b.output("y", x.cast_saturating::<i16>().sum_axis(Axis(1)).cast::<f32>());
    });
}

/// Elements are combined with numbers and truths of their row.
#[test]
fn with_values_of_a_row() {
    check::<f64>(|b, x| {
        let d = &(x - x.mean_over(Axes::from(1).keepdims()));
        b.output("y", (d * d).sum_axis(Axis(1)));
    });
    check::<f32>(|b, x| {
        let most = x.max_over(Axes::from(1).keepdims());
        b.output("y", (x - most).exp().sum_axis(Axis(1)));
    });
    check::<f32>(|b, x| {
        let first = &x.slice(s![.., 0]).insert_axis(Axis(1));
        b.output("y", first.gt(0.0).select(x, first.abs() - x).sum_axis(Axis(1)) + x.slice(s![.., 0]));
    });
    check::<f32>(|b, x| {
        let first = &x.slice(s![.., 0]).insert_axis(Axis(1));
        b.output("y", first.gt(0.0).select(x.abs(), x - 0.5).max_over(Axis(1)) - x.slice(s![.., 0]).sqrt().abs());
    });
    check::<f64>(|b, x| {
        let first = &x.slice(s![.., 0]).insert_axis(Axis(1));
        b.output("y", (x / first).sum_axis(Axis(1)) + (x * first).max_over(Axis(1)));
    });
}

/// What is read along with the rows: the same row for each, a number for each, rows of another type, and a result that is a table.
#[test]
fn beside_other_operands() {
    check::<f64>(|b, x| {
        let first = x.slice(s![0, ..]);
        b.output("y", (x * first).sum_axis(Axis(1)));
    });
    check::<f64>(|b, x| {
        let first = x.slice(s![.., 0]);
        b.output("y", x.sum_axis(Axis(1)) / first);
    });
    check::<f32>(|b, x| {
        let first = x.slice(s![.., 0]).insert_axis(Axis(1));
        b.output("y", (x - first).abs().sum_axis(Axis(1)));
    });
}

/// Arrays whose rows lie apart by numbers of elements that differ, that are negative, zero, or no numbers of elements.
#[test]
fn of_rows_that_lie_apart() {
    let (rows, most) = (9, 140);
    let bytes: Vec<u8> = (0..rows * most * 16).map(|k| (k * 7 % 61) as u8).collect();
    for backend in Backend::available() {
        let mut b = Kernel::builder("apart");
        let [n, m] = b.dims(["n", "m"]);
        let (x, y) = (b.input::<u8>("x", [&n, &m]), b.input::<i16>("y", [&n, &m]));
        b.output("total", (x.cast::<f32>() * y.cast::<f32>()).sum_axis(Axis(1)));
        b.output("most", y.max_over(Axis(1)));
        b.backend(backend);
        let kernel = b.build().unwrap();
        for columns in [1, 3, 8, 9, 33, 129] {
            for (of_x, of_y) in [(most, most), (most, most + 1), (0, most), (most, 0)] {
                for flipped in [false, true] {
                    let y: Vec<i16> = bytes.iter().map(|x| *x as i16 * 100).collect();
                    let (mut total, mut greatest) = (vec![0f32; rows], vec![0i16; rows]);
                    let (start, sign) = if flipped { ((rows - 1) * of_x, -1) } else { (0, 1) };
                    let xs = ArrayRef::strided(&bytes, &[rows, columns], &[sign * of_x as isize, 1], start).unwrap();
                    let ys = ArrayRef::strided(&y, &[rows, columns], &[of_y as isize, 1], 0).unwrap();
                    let mut call = kernel.call();
                    let call = call.bind("x", xs).unwrap().bind("y", ys).unwrap();
                    call.bind_mut("total", &mut total).unwrap().bind_mut("most", &mut greatest).unwrap().run().unwrap();
                    for row in 0..rows {
                        let from = if flipped { start - row * of_x } else { row * of_x };
                        let (xs, ys) = (&bytes[from..][..columns], &y[row * of_y..][..columns]);
                        let expected: f64 = xs.iter().zip(ys).map(|(x, y)| *x as f64 * *y as f64).sum();
                        // Whole numbers below 2^24: exact in any order.
                        assert!(expected < (1 << 24) as f64);
                        assert_eq!(total[row] as f64, expected, "{backend:?}, {columns} columns, {of_x} and {of_y} apart, row {row}");
                        assert_eq!(greatest[row], *ys.iter().max().unwrap());
                    }
                }
            }
        }
    }
}

/// That short rows are reduced several at a time, which no result shows: by the length of those that are not, which code compares with.
#[test]
fn several_at_a_time() {
    let compared = |kernel: Kernel| kernel.inspect(Stage::Asm).unwrap().matches(", 200h\n").count();
    for backend in Backend::available().into_iter().filter(|b| *b != Backend::Cranelift) {
        let sums = kernel::<f64>(backend, |b, x| {
            b.output("y", x.sum_axis(Axis(1)));
        });
        assert_eq!(compared(sums), 1, "{backend:?}");
        let greatest = kernel::<f32>(backend, |b, x| {
            b.output("y", (x * x.slice(s![.., 0]).insert_axis(Axis(1))).max_over(Axis(1)));
        });
        assert_eq!(compared(greatest), 1, "{backend:?}");
        let variances = kernel::<f64>(backend, |b, x| {
            let d = &(x - x.mean_over(Axes::from(1).keepdims()));
            b.output("y", (d * d).sum_axis(Axis(1)));
        });
        assert_eq!(compared(variances), 2, "{backend:?}");
        // Of these a register of AVX-512 holds twice as many as rows at a time would use.
        let exponentials = kernel::<f32>(backend, |b, x| {
            b.output("y", (x - x.slice(s![.., 0]).insert_axis(Axis(1))).exp().sum_axis(Axis(1)));
        });
        assert!(backend != Backend::Avx512 || compared(exponentials) == 0, "{backend:?}");
    }
}
