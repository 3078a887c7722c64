//! Arrays of indices, and arrays indexed by arrays. Expectations are NumPy's (2.4), by hand or from its documentation.

use elide::{Array, DType, DynExpr, Expr, Kernel, lazy, s};

#[test]
fn ranges_of_integers() {
    let x: Vec<i64> = Expr::arange(0, 10, 3).eval().unwrap();
    assert_eq!(x, [0, 3, 6, 9]);
    let x: Vec<i32> = Expr::arange(5, -6, -5).eval().unwrap();
    assert_eq!(x, [5, 0, -5]);
    let x: Vec<u8> = Expr::arange(250u8, 255, 2).eval().unwrap();
    assert_eq!(x, [250, 252, 254]);
    let x: Vec<i64> = Expr::arange(3, 3, 1).eval().unwrap();
    assert_eq!(x, [0i64; 0]);
    let x: Vec<i64> = Expr::arange(3, 0, 1).eval().unwrap();
    assert_eq!(x, [0i64; 0]);
    assert!(Expr::arange(0, 5, 0).check().is_err());
    assert!(Expr::arange(i64::MIN, i64::MAX, 1).check().is_err());
    let x: Vec<i64> = Expr::arange(i64::MIN, i64::MAX, i64::MAX).eval().unwrap();
    assert_eq!(x, [i64::MIN, -1, i64::MAX - 1]);
}

#[test]
fn ranges_of_floats_are_numpys() {
    // np.arange(0, 1, 0.1): elements from the difference of the first two.
    let x: Vec<f64> = Expr::arange(0.0, 1.0, 0.1).eval().unwrap();
    let want: Vec<f64> = (0..10).map(|i| i as f64 * 0.1).collect();
    assert_eq!(x, want);
    // np.arange(1, 1.3, 0.1) has four elements; the step between the first two is not 0.1.
    let x: Vec<f64> = Expr::arange(1.0, 1.3, 0.1).eval().unwrap();
    assert_eq!(x, [1.0, 1.1, 1.2000000000000002, 1.3000000000000003]);
    let x: Vec<f32> = Expr::arange(1.0f32, 2.0, 0.25).eval().unwrap();
    assert_eq!(x, [1.0, 1.25, 1.5, 1.75]);
    let x: Vec<f64> = Expr::arange(1.0, 0.0, 0.5).eval().unwrap();
    assert_eq!(x, [0.0f64; 0]);
    assert!(Expr::arange(0.0, f64::NAN, 1.0).check().is_err());
    assert!(Expr::arange(0.0, f64::INFINITY, 1.0).check().is_err());
}

#[test]
fn linspace_ends_at_its_end() {
    let x: Vec<f64> = Expr::linspace(0.0, 0.3, 4).eval().unwrap();
    let step = 0.3 / 3.0;
    assert_eq!(x, [0.0, step, 2.0 * step, 0.3]);
    let x: Vec<i64> = Expr::linspace(0, 10, 4).eval().unwrap();
    assert_eq!(x, [0, 3, 6, 10]);
    let x: Vec<i32> = Expr::linspace(0, -10, 4).eval().unwrap();
    assert_eq!(x, [0, -4, -7, -10]);
    let x: Vec<f32> = Expr::linspace(2.5f32, 7.0, 1).eval().unwrap();
    assert_eq!(x, [2.5]);
    let x: Vec<f64> = Expr::linspace(1.0, 1.0, 3).eval().unwrap();
    assert_eq!(x, [1.0; 3]);
    let x: Vec<f64> = Expr::linspace(1.0, 2.0, 0).eval().unwrap();
    assert_eq!(x, [0.0f64; 0]);
}

#[test]
fn indices_through_views_at_all_lengths() {
    for n in [1, 2, 3, 7, 8, 9, 16, 31, 64, 100, 257] {
        let i = &Expr::indices([n], 0);
        let up: Vec<i64> = i.eval().unwrap();
        assert_eq!(up, (0..n).collect::<Vec<i64>>());
        let down: Vec<i64> = i.invert_axis(0).eval().unwrap();
        assert_eq!(down, (0..n).rev().collect::<Vec<i64>>());
        let third: Vec<i64> = i.slice(s![1..;3]).eval().unwrap();
        assert_eq!(third, (1..n).step_by(3).collect::<Vec<i64>>());
        let floats: Vec<f32> = (i.cast::<f32>() * 0.5).eval().unwrap();
        assert_eq!(floats, (0..n).map(|k| k as f32 * 0.5).collect::<Vec<_>>());
        let bytes: Vec<u8> = i.cast::<u8>().eval().unwrap();
        assert_eq!(bytes, (0..n).map(|k| k as u8).collect::<Vec<_>>());
        assert_eq!(i.sum().eval::<i64>().unwrap(), n * (n - 1) / 2);
        let x = i.cast::<f64>();
        assert_eq!(x.sum().eval::<f64>().unwrap(), (n * (n - 1) / 2) as f64);
        assert_eq!(x.argmax().eval::<i64>().unwrap(), n - 1);
        // Rows and columns, with a reduction along each.
        let (rows, columns) = (Expr::indices([n, 5], 0), Expr::indices([n, 5], 1));
        let grid: Vec<i64> = (&rows * 10 + &columns).eval().unwrap();
        assert_eq!(grid, (0..n).flat_map(|r| (0..5).map(move |c| 10 * r + c)).collect::<Vec<_>>());
        let turned: Vec<i64> = (rows.t() * 10 + columns.t()).eval().unwrap();
        assert_eq!(turned, (0..5).flat_map(|c| (0..n).map(move |r| 10 * r + c)).collect::<Vec<_>>());
        let sums: Vec<i64> = rows.sum_axis(0).eval().unwrap();
        assert_eq!(sums, [n * (n - 1) / 2; 5]);
        let merged: Vec<i64> = (&rows * 10 + &columns).reshape([-1]).eval().unwrap();
        assert_eq!(merged, grid);
        let split: Vec<i64> = Expr::indices([n * 6], 0).reshape([n, 6]).sum_axis(1).eval().unwrap();
        assert_eq!(split, (0..n).map(|r| 36 * r + 15).collect::<Vec<_>>());
    }
}

#[test]
fn indices_in_kernels_of_any_size() {
    let mut b = Kernel::builder("ramp");
    let [n, m] = b.dims(["n", "m"]);
    let x = &b.input::<f64>("x", [&n, &m]);
    let (i, j) = (Expr::indices([&n, &m], 0).cast::<f64>(), Expr::indices([&n, &m], 1).cast::<f64>());
    b.output("y", x + 100.0 * i + j);
    // What a triangle is made of.
    b.output("lower", Expr::<bool>::tri(&n, &m, 0).select(x, 0.0));
    let kernel = b.build().unwrap();
    for (n, m) in [(1, 1), (3, 17), (17, 3), (0, 4), (40, 40)] {
        let x = Array::new(&[n, m], vec![0.5; n * m]).unwrap();
        let (mut y, mut lower) = (Array::<f64>::zeros(&[n, m]).unwrap(), Array::<f64>::zeros(&[n, m]).unwrap());
        kernel.call().bind("x", &x).unwrap().bind_mut("y", &mut y).unwrap().bind_mut("lower", &mut lower).unwrap().run().unwrap();
        for r in 0..n {
            for c in 0..m {
                assert_eq!(y.as_slice()[r * m + c], 0.5 + 100.0 * r as f64 + c as f64);
                assert_eq!(lower.as_slice()[r * m + c], if c <= r { 0.5 } else { 0.0 });
            }
        }
    }
}

#[test]
fn eyes() {
    let x: Vec<f64> = Expr::eye(2usize, 3usize, 1).eval().unwrap();
    assert_eq!(x, [0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    let x: Vec<i32> = Expr::tri(3usize, 3usize, -1).eval().unwrap();
    assert_eq!(x, [0, 0, 0, 1, 0, 0, 1, 1, 0]);
    let x: DynExpr<'_> = Expr::<u8>::eye(2usize, 2usize, 0).into();
    assert_eq!(x.dtype(), DType::U8);
    let v = [1.0, 2.0, 3.0];
    let product: Vec<f64> = (Expr::<f64>::eye(3usize, 3usize, 0) * lazy(&v)).sum_axis(1).eval().unwrap();
    assert_eq!(product, v);
}

/// A few numbers from a linear congruence.
fn numbers(count: usize, below: i64) -> Vec<i64> {
    let mut x = 12345u64;
    let mut next = || {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (x >> 33) as i64
    };
    (0..count).map(|_| next() % (2 * below) - below).collect()
}

fn at<T: Copy>(x: &[T], k: i64) -> T {
    x[if k < 0 { k + x.len() as i64 } else { k } as usize]
}

#[test]
fn taking_at_every_type_and_length() {
    fn check<T: elide::Element>(make: impl Fn(i64) -> T) {
        for n in [1usize, 2, 5, 8, 17, 33, 100] {
            let v: Vec<T> = (0..n as i64).map(&make).collect();
            for count in [0, 1, 3, 8, 31, 64, 65] {
                let k = numbers(count, n as i64);
                let want: Vec<T> = k.iter().map(|&k| at(&v, k)).collect();
                let (x, i) = (&lazy(&v), &lazy(&k));
                assert_eq!(x.take(i, 0).eval::<Vec<T>>().unwrap(), want);
                let small: Vec<i16> = k.iter().map(|&k| k as i16).collect();
                assert_eq!(x.take(lazy(&small), 0).eval::<Vec<T>>().unwrap(), want);
                let bytes: Vec<i8> = k.iter().map(|&k| k as i8).collect();
                assert_eq!(x.take(lazy(&bytes), 0).eval::<Vec<T>>().unwrap(), want);
                let from_front: Vec<i64> = k.iter().map(|k| k.rem_euclid(n as i64)).collect();
                macro_rules! unsigned {
                    ($($U:ty)*) => { $(
                        let k: Vec<$U> = from_front.iter().map(|&k| k as $U).collect();
                        assert_eq!(x.take(lazy(&k), 0).eval::<Vec<T>>().unwrap(), want);
                    )* };
                }
                unsigned! { u8 u16 u32 u64 }
                // Seen through views, before and after.
                let turned: Vec<T> = x.invert_axis(0).take(i, -1).invert_axis(0).eval().unwrap();
                let back: Vec<T> = v.iter().rev().copied().collect();
                assert_eq!(turned, k.iter().rev().map(|&k| at(&back, k)).collect::<Vec<_>>());
                let every: Vec<T> = x.take(i.slice(s![..;2]), 0).eval().unwrap();
                assert_eq!(every, k.iter().step_by(2).map(|&k| at(&v, k)).collect::<Vec<_>>());
            }
        }
    }
    check(|k| k % 3 == 0);
    check(|k| k as u8);
    check(|k| k as i16);
    check(|k| k as i32);
    check(|k| k);
    check(|k| k as f32 * 0.5);
    check(|k| k as f64 * 0.5);
}

/// As `i64` it would be -1, the last element.
#[test]
fn an_unsigned_index_does_not_wrap() {
    let (v, k) = ([1.0, 2.0, 3.0], [0u64, u64::MAX]);
    let e = lazy(&v).take(lazy(&k), 0).eval::<Vec<f64>>().unwrap_err();
    assert_eq!(e.message(), "index 9223372036854775807 is out of bounds for axis 0 with size 3");
}

#[test]
fn rows_columns_and_planes() {
    let a = Array::new(&[3, 4], (0..12).map(f64::from).collect()).unwrap();
    let (x, k) = (&lazy(&a), [2i64, 0, -1]);
    let rows: Vec<f64> = x.take(lazy(&k), 0).eval().unwrap();
    assert_eq!(rows, [8.0, 9.0, 10.0, 11.0, 0.0, 1.0, 2.0, 3.0, 8.0, 9.0, 10.0, 11.0]);
    let columns: Vec<f64> = x.take(lazy(&k), 1).eval().unwrap();
    assert_eq!(columns, [2.0, 0.0, 3.0, 6.0, 4.0, 7.0, 10.0, 8.0, 11.0]);
    let transposed: Vec<f64> = x.t().take(lazy(&k), 0).t().eval().unwrap();
    assert_eq!(transposed, columns);
    // np.take(a, [[0, 1], [-1, 2]], axis=1) has shape (3, 2, 2).
    let square = Array::new(&[2, 2], vec![0i64, 1, -1, 2]).unwrap();
    let planes = x.take(lazy(&square), 1);
    assert_eq!(planes.shape().to_string(), "[3,2,2]");
    assert_eq!(planes.eval::<Vec<f64>>().unwrap(), [0.0, 1.0, 3.0, 2.0, 4.0, 5.0, 7.0, 6.0, 8.0, 9.0, 11.0, 10.0]);
    // One index removes the axis.
    assert_eq!(x.take(-1, 0).eval::<Vec<f64>>().unwrap(), [8.0, 9.0, 10.0, 11.0]);
    // Reduced at once.
    assert_eq!(x.take(lazy(&k), 0).sum_axis(1).eval::<Vec<f64>>().unwrap(), [38.0, 6.0, 38.0]);
    assert_eq!(x.take(lazy(&k), 0).sum_axis(0).eval::<Vec<f64>>().unwrap(), [16.0, 19.0, 22.0, 25.0]);
    assert_eq!(x.take(lazy(&k), 1).sum().eval::<f64>().unwrap(), 51.0);
    // A computed source, a constant one, and one of indices.
    assert_eq!((x * 2.0).take(lazy(&k), 0).sum().eval::<f64>().unwrap(), 164.0);
    assert_eq!(x.sum_axis(1).take(lazy(&k), 0).eval::<Vec<f64>>().unwrap(), [38.0, 6.0, 38.0]);
    assert_eq!(Expr::full([3], 7i32).take(lazy(&k), 0).eval::<Vec<i32>>().unwrap(), [7, 7, 7]);
    assert_eq!(Expr::arange(10i64, 13, 1).take(lazy(&k), 0).eval::<Vec<i64>>().unwrap(), [12, 10, 12]);
    assert_eq!(Expr::indices([3], 0).take(lazy(&k), 0).eval::<Vec<i64>>().unwrap(), [2, 0, 2]);
    assert_eq!(Expr::indices([4], 0).invert_axis(0).take(lazy(&k), 0).eval::<Vec<i64>>().unwrap(), [1, 3, 0]);
    // A merged one.
    assert_eq!(x.reshape([-1]).take(lazy(&k), 0).eval::<Vec<f64>>().unwrap(), [2.0, 0.0, 11.0]);
    assert_eq!(x.t().reshape([-1]).take(lazy(&k), 0).eval::<Vec<f64>>().unwrap(), [8.0, 0.0, 11.0]);
    // An index from another look-up, and one from a reduction.
    let next = [1i64, 2, 0];
    assert_eq!(x.take(lazy(&next).take(lazy(&k), 0), 0).sum_axis(1).eval::<Vec<f64>>().unwrap(), [6.0, 22.0, 6.0]);
    assert_eq!(x.take(x.argmax_axis(1), 1).slice(s![0]).eval::<Vec<f64>>().unwrap(), [3.0, 3.0, 3.0]);
    let sorted: Vec<f64> = x.take(Expr::indices([3], 0) * 2 - 2, 0).sum_axis(1).eval().unwrap();
    assert_eq!(sorted, [22.0, 6.0, 38.0]);
}

#[test]
fn take_along_an_axis() {
    // np.take_along_axis(a, [[0], [2], [-1]], 1)
    let a = Array::new(&[3, 4], (0..12).map(f64::from).collect()).unwrap();
    let k = Array::new(&[3, 1], vec![0i64, 2, -1]).unwrap();
    assert_eq!(lazy(&a).take_along_axis(lazy(&k), 1).eval::<Vec<f64>>().unwrap(), [0.0, 6.0, 11.0]);
    // The index stretches over the other axis, and so does the array.
    let k = Array::new(&[1, 2], vec![3i64, 1]).unwrap();
    assert_eq!(lazy(&a).take_along_axis(lazy(&k), 1).eval::<Vec<f64>>().unwrap(), [3.0, 1.0, 7.0, 5.0, 11.0, 9.0]);
    let row = lazy(&a).slice(s![..1]);
    let k = Array::new(&[2, 2], vec![3i64, 1, 0, -2]).unwrap();
    assert_eq!(row.take_along_axis(lazy(&k), 1).eval::<Vec<f64>>().unwrap(), [3.0, 1.0, 0.0, 2.0]);
    let best = lazy(&a).argmin_over(elide::Axes::from(1).keepdims());
    assert_eq!(lazy(&a).take_along_axis(best, 1).eval::<Vec<f64>>().unwrap(), [0.0, 4.0, 8.0]);
}

#[test]
fn an_index_out_of_range_is_an_error_before_anything_is_written() {
    let v = [1.0, 2.0, 3.0];
    for (k, says) in [(vec![0i64, 3, 1], "index 3"), (vec![-4, 0], "index -4"), (vec![1, i64::MIN], "index -9223372036854775808")] {
        let e = lazy(&v).take(lazy(&k), 0).eval::<Vec<f64>>().unwrap_err().to_string();
        assert!(e.contains(&format!("{says} is out of bounds for axis 0 with size 3")), "{e}");
        assert!(e.contains("tests/indexing.rs"), "{e}");
    }
    let e = lazy(&v).take(3, 0).check().unwrap_err().to_string();
    assert!(e.contains("index 3 is out of bounds for axis 0 with size 3"), "{e}");
    assert!(lazy(&v).take(Expr::scalar(1i64), 1).check().is_err());
    // Nothing to take, from nothing.
    let (none, no_index): (Vec<f64>, Vec<i64>) = (vec![], vec![]);
    assert_eq!(lazy(&none).take(lazy(&no_index), 0).eval::<Vec<f64>>().unwrap(), none);
    assert_eq!(lazy(&v).take(lazy(&no_index), 0).eval::<Vec<f64>>().unwrap(), none);
    assert_eq!(lazy(&none).take(lazy(&no_index), 0).sum().eval::<f64>().unwrap(), 0.0);
    assert!(lazy(&none).take(lazy(&[0i64]), 0).eval::<Vec<f64>>().is_err());
    assert!(lazy(&none).take(lazy(&[0i64]), 0).sum().eval::<f64>().is_err());
    // A table that is updated in place is as it was.
    let mut b = Kernel::builder("permute");
    let [n] = b.dims(["n"]);
    let (x, k) = (&b.input::<f64>("x", [&n]), &b.input::<i64>("k", [&n]));
    b.update(x, x.take(k, 0) + 1.0);
    b.output("y", k * 2);
    let kernel = b.build().unwrap();
    let mut call = kernel.call();
    let (mut data, mut y) = ([1.0, 2.0, 3.0, 4.0], [7i64; 4]);
    let bad = call.bind("k", &[0i64, 1, 2, 4]).unwrap().bind_mut("x", &mut data).unwrap().bind_mut("y", &mut y).unwrap().run();
    assert!(bad.unwrap_err().to_string().contains("index 4 is out of bounds"));
    assert_eq!((data, y), ([1.0, 2.0, 3.0, 4.0], [7; 4]));
    call.bind("k", &[3i64, -1, 0, 1]).unwrap().bind_mut("x", &mut data).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
    assert_eq!((data, y), ([5.0, 5.0, 2.0, 3.0], [6, -2, 0, 2]));
    call.bind("k", &[3i64, -1, -5, 1]).unwrap().bind_mut("x", &mut data).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap_err();
    assert_eq!(data, [5.0, 5.0, 2.0, 3.0]);
}

#[test]
fn indices_and_tables_beside_steps_that_run_in_strips() {
    let mut b = Kernel::builder("strips");
    let [n, m] = b.dims(["n", "m"]);
    let (x, k) = (&b.input::<f64>("x", [&n, &m]), &b.input::<i64>("k", [&n]));
    // A maximum for each row, used in the row: strips of rows. The row's number comes with it.
    let row = Expr::indices([&n, &m], 0).cast::<f64>();
    let peak = x.max_over(elide::Axes::from(1).keepdims());
    let shifted = x - &peak + &row * 0.5;
    b.output("shifted", &shifted);
    // Rows of what is computed, anywhere: it has to exist as a whole.
    b.output("picked", (x.sqrt() - x.sqrt().sum_over(elide::Axes::from(1).keepdims())).take(k, 0));
    let kernel = b.build().unwrap();
    for (n, m) in [(1usize, 1usize), (5, 3), (700, 40), (40, 700)] {
        let a = Array::new(&[n, m], (0..n * m).map(|k| ((k * 7919) % 1009) as f64).collect()).unwrap();
        let rows = numbers(n, n as i64);
        let (mut shifted, mut picked) = (Array::<f64>::zeros(&[n, m]).unwrap(), Array::<f64>::zeros(&[n, m]).unwrap());
        let mut call = kernel.call();
        let bound = call.bind("x", &a).unwrap().bind("k", &rows).unwrap();
        bound.bind_mut("shifted", &mut shifted).unwrap().bind_mut("picked", &mut picked).unwrap().run().unwrap();
        let table: Vec<&[f64]> = a.as_slice().chunks(m).collect();
        for (r, line) in table.iter().enumerate() {
            let peak = line.iter().copied().fold(f64::MIN, f64::max);
            let want: Vec<f64> = line.iter().map(|x| x - peak + r as f64 * 0.5).collect();
            assert_eq!(shifted.as_slice()[r * m..(r + 1) * m], want);
            let from: Vec<f64> = at(&table, rows[r]).iter().map(|x| x.sqrt()).collect();
            let sum: f64 = lazy(&from).sum().eval().unwrap();
            assert_eq!(picked.as_slice()[r * m..(r + 1) * m], from.iter().map(|x| x - sum).collect::<Vec<_>>());
        }
    }
}

#[test]
fn swapped_strided_and_reduced_tables() {
    let v: Vec<i32> = (0..40).map(|k| k * 1000 - 7).collect();
    let bytes: Vec<u8> = v.iter().flat_map(|x| x.swap_bytes().to_ne_bytes()).collect();
    let k = numbers(37, 20);
    let table = elide::ArrayRef::from_bytes(&bytes, DType::I32, &[20, 2], false, true).unwrap();
    let x = lazy(table).typed::<i32>().unwrap();
    let got: Vec<i32> = x.slice(s![.., 1]).take(lazy(&k), 0).eval().unwrap();
    let want: Vec<i32> = k.iter().map(|&k| v[2 * (if k < 0 { k + 20 } else { k }) as usize + 1]).collect();
    assert_eq!(got, want);
    // Down the columns and along the rows, in the defined order.
    let a = Array::new(&[50, 9], (0..450).map(|k| 1.0 / (k + 1) as f64).collect()).unwrap();
    let rows = numbers(300, 50);
    let copied: Vec<f64> = rows.iter().flat_map(|&k| at(&a.as_slice().chunks(9).collect::<Vec<_>>(), k).to_vec()).collect();
    let copied = Array::new(&[300, 9], copied).unwrap();
    for axis in [0, 1] {
        let got: Vec<f64> = lazy(&a).take(lazy(&rows), 0).sum_axis(axis).eval().unwrap();
        let want: Vec<f64> = lazy(&copied).sum_axis(axis).eval().unwrap();
        assert!(got.iter().zip(&want).all(|(a, b)| a.to_bits() == b.to_bits()), "{axis}");
    }
    assert_eq!(lazy(&a).take(lazy(&rows), 0).sum().eval::<f64>().unwrap(), lazy(&copied).sum().eval::<f64>().unwrap());
    let turned: Vec<f64> = lazy(&a).take(lazy(&rows), 0).t().reshape([-1]).eval().unwrap();
    assert_eq!(turned, lazy(&copied).t().eval::<Vec<f64>>().unwrap());
}

#[test]
fn points() {
    let a = Array::new(&[3, 4, 2], (0..24).collect::<Vec<i32>>()).unwrap();
    let (i, j) = ([0i64, 2, -1], [3i64, -4, 1]);
    let (x, i, j) = (&lazy(&a), &lazy(&i), &lazy(&j));
    // a[i, j]
    assert_eq!(x.take_points(&[i.clone(), j.clone()]).eval::<Vec<i32>>().unwrap(), [6, 7, 16, 17, 18, 19]);
    // a[i[:, None], j[None, :2], 1]
    let grid = [i.slice(s![.., elide::Slice::NewAxis]), j.slice(s![elide::Slice::NewAxis, ..2]), Expr::scalar(1i64)];
    assert_eq!(x.take_points(&grid).eval::<Vec<i32>>().unwrap(), [7, 1, 23, 17, 23, 17]);
    assert_eq!(x.take_points(&[i.clone(), j.clone(), j % 2 - 1]).eval::<Vec<i32>>().unwrap(), [6, 17, 18]);
    assert_eq!(x.take_points(std::slice::from_ref(i)).slice(s![0, 3]).eval::<Vec<i32>>().unwrap(), [6, 7]);
    // Of a view, and of indices.
    assert_eq!(x.slice(s![.., ..;-1, 0]).take_points(&[i.clone(), j.clone()]).eval::<Vec<i32>>().unwrap(), [0, 22, 20]);
    let own = Expr::indices([3, 4], 0) * 10 + Expr::indices([3, 4], 1);
    assert_eq!(own.take_points(&[i.clone(), j.clone()]).eval::<Vec<i64>>().unwrap(), [3, 20, 21]);
    // Inside the whole, but not inside its own axis.
    let e = x.take_points(&[i.clone(), j + 1]).eval::<Vec<i32>>().unwrap_err().to_string();
    assert!(e.contains("index 4 is out of bounds for axis 1 with size 4"), "{e}");
    let e = x.take_points(&[i - 1, j.clone()]).eval::<Vec<i32>>();
    assert!(e.is_ok(), "-2 is inside");
    let e = x.take_points(&[i - 3, j.clone()]).eval::<Vec<i32>>().unwrap_err().to_string();
    assert!(e.contains("index -4 is out of bounds for axis 0 with size 3"), "{e}");
    assert!(x.take_points(&[i.clone(), j.slice(s![..2])]).check().is_err());
    assert!(x.take_points(&vec![i.clone(); 4]).check().is_err());
}

#[test]
fn hundreds_of_takes_build() {
    let v: Vec<f64> = (0..50).map(f64::from).collect();
    let k: Vec<i64> = (0..50).map(|k| (k * 7 + 3) % 50).collect();
    let (x, k) = (&lazy(&v), &lazy(&k));
    // A chain, each step of which looks up what the step before computes, and a sum of independent ones.
    let mut chain = k.clone();
    let mut sum = x * 0.0;
    for n in 0..60 {
        chain = k.take(&chain, 0);
        sum = sum + x.take((k + n).rem(50), 0);
    }
    let got: Vec<i64> = chain.eval().unwrap();
    let want: Vec<i64> = (0..50).map(|k| (0..61).fold(k, |k, _| (k * 7 + 3) % 50)).collect();
    assert_eq!(got, want);
    let got: Vec<f64> = sum.eval().unwrap();
    let want: Vec<f64> = (0..50).map(|k| (0..60).map(|n| (((k * 7 + 3) % 50 + n) % 50) as f64).sum()).collect();
    assert_eq!(got, want);
}
