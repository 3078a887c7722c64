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
