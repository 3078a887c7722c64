//! Views that move axes, turn, cut into windows and parts; fields of records. Expectations are NumPy's, by hand.

use elide::{Array, ArrayMut, ArrayRef, DType, Expr, Kernel, eval_all, lazy, s};

fn ramp(shape: &[usize]) -> Array<f64> {
    Array::new(shape, (0..shape.iter().product::<usize>()).map(|k| k as f64).collect()).unwrap()
}

#[test]
fn axes_move() {
    let a = ramp(&[2, 3, 4]);
    let x = &lazy(&a);
    assert_eq!(x.swap_axes(0, -1).shape().to_string(), "[4,3,2]");
    assert_eq!(x.move_axis(0, -1).shape().to_string(), "[3,4,2]");
    assert_eq!(x.move_axis(-1, 0).shape().to_string(), "[4,2,3]");
    assert_eq!(x.move_axis(-1, 0).slice(s![1, 1]).eval::<Vec<f64>>().unwrap(), [13.0, 17.0, 21.0]);
    assert_eq!(x.slice(s![1..2, .., 2..3]).squeeze().eval::<Vec<f64>>().unwrap(), [14.0, 18.0, 22.0]);
    assert_eq!(x.squeeze().shape().to_string(), "[2,3,4]");
    assert_eq!(x.flip(..).slice(s![0, 0]).eval::<Vec<f64>>().unwrap(), [23.0, 22.0, 21.0, 20.0]);
    assert_eq!(x.flip([0, 2]).slice(s![0, 0]).eval::<Vec<f64>>().unwrap(), [15.0, 14.0, 13.0, 12.0]);
    assert!(x.swap_axes(0, 3).check().is_err());
    assert!(x.move_axis(0, -4).check().is_err());
    assert!(x.flip([0, 0]).check().is_err());
    let b = ramp(&[2, 2]);
    let y = &lazy(&b);
    let turned: Vec<Vec<f64>> = (-1..4).map(|k| y.rot90(k, 0, 1).eval().unwrap()).collect();
    assert_eq!(turned, [[2., 0., 3., 1.], [0., 1., 2., 3.], [1., 3., 0., 2.], [3., 2., 1., 0.], [2., 0., 3., 1.]]);
    assert!(y.rot90(1, 0, 0).check().is_err());
}

#[test]
fn windows_of_any_size() {
    let mut b = Kernel::builder("smooth");
    let [n] = b.dims(["n"]);
    let x = &b.input::<f64>("x", [&n]);
    b.output("sums", x.windows(0, 3, 1).sum_axis(1));
    b.output("thirds", x.windows(0, 2, 3).max_axis(1));
    let kernel = b.build().unwrap();
    for n in [2usize, 3, 4, 9, 10, 11, 70] {
        let v: Vec<f64> = (0..n).map(|k| (k * k % 7) as f64).collect();
        let want: Vec<f64> = v.windows(3).map(|w| w[0] + w[1] + w[2]).collect();
        let thirds: Vec<f64> = v.windows(2).step_by(3).map(|w| w[0].max(w[1])).collect();
        let (mut sums, mut most) = (vec![-1.0; want.len()], vec![-1.0; thirds.len()]);
        let mut call = kernel.call();
        let bound = call.bind("x", &v).unwrap().bind_mut("sums", &mut sums).unwrap();
        bound.bind_mut("thirds", &mut most).unwrap().run().unwrap();
        assert_eq!((sums, most), (want, thirds), "{n}");
    }
    // Windows over two axes, as a convolution reads them.
    let a = ramp(&[3, 4]);
    let boxes = lazy(&a).windows(0, 2, 1).windows(1, 2, 2);
    assert_eq!(boxes.shape().to_string(), "[2,2,2,2]");
    assert_eq!(boxes.sum_over([2, 3]).eval::<Vec<f64>>().unwrap(), [10.0, 18.0, 26.0, 34.0]);
    assert!(lazy(&a).windows(0, 4, 1).check().is_err());
    assert!(lazy(&a).windows(0, 0, 1).check().is_err());
    assert!(lazy(&a).windows(0, 1, 0).check().is_err());
}

#[test]
fn parts() {
    let v: Vec<i64> = (0..10).collect();
    let x = &lazy(&v);
    let halves: Vec<Vec<i64>> = x.split(2, 0).iter().map(|p| p.eval().unwrap()).collect();
    assert_eq!(halves, [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]);
    let parts: Vec<Vec<i64>> = x.array_split(4, 0).iter().map(|p| p.eval().unwrap()).collect();
    assert_eq!(parts, [vec![0, 1, 2], vec![3, 4, 5], vec![6, 7], vec![8, 9]]);
    assert_eq!(x.array_split(12, 0)[11].eval::<Vec<i64>>().unwrap(), [0i64; 0]);
    assert!(x.split(3, 0)[0].check().is_err());
    assert!(x.split(0, 0)[0].check().is_err());
    assert!(x.split(2, 1)[1].check().is_err());
    // Of a length that is known later.
    let mut b = Kernel::builder("parts");
    let [n] = b.dims(["n"]);
    let x = b.input::<i64>("x", [&n]);
    let (even, ragged) = (x.split(2, 0), x.array_split(2, 0));
    b.output("y", &even[1] - &even[0]);
    b.output("z", ragged[0].sum());
    let kernel = b.build().unwrap();
    let (mut y, mut z) = ([0i64; 3], [0i64; 1]);
    let mut call = kernel.call();
    let mut run = |x: &[i64]| {
        let z = ArrayMut::strided(&mut z, &[], &[], 0).unwrap();
        call.bind("x", x).unwrap().bind_mut("y", &mut y).unwrap().bind_mut("z", z).unwrap().run()
    };
    run(&[1, 2, 3, 5, 7, 9]).unwrap();
    run(&[1, 2, 3, 5, 7, 9, 1]).unwrap_err();
    assert_eq!((y, z), ([4, 5, 6], [6]));
}

#[test]
fn counting() {
    let v = [0.0, -0.0, 1.5, f64::NAN, 3.0];
    assert_eq!(lazy(&v).count_nonzero().eval::<i64>().unwrap(), 3);
    assert_eq!(lazy(&v).gt(1.0).count_nonzero().eval::<i64>().unwrap(), 2);
    let a = Array::new(&[2, 3], vec![0u8, 1, 2, 0, 0, 3]).unwrap();
    assert_eq!(lazy(&a).count_nonzero_axis(0).eval::<Vec<i64>>().unwrap(), [0, 1, 2]);
}

#[test]
fn fields_of_records() {
    // 11 bytes: u8, f64 at 1, i16 at 9; as many records as make vector loops.
    for count in [0usize, 1, 3, 8, 37] {
        let mut bytes = vec![0u8; 11 * count];
        for (k, r) in bytes.chunks_exact_mut(11).enumerate() {
            r[0] = k as u8;
            r[1..9].copy_from_slice(&(k as f64 * 0.25).to_ne_bytes());
            r[9..].copy_from_slice(&(3 * k as i16).swap_bytes().to_ne_bytes());
        }
        let field = |d, offset, swapped| ArrayRef::from_records(&bytes, d, &[count], 11, offset, swapped).unwrap();
        let a = lazy(field(DType::U8, 0, false)).typed::<u8>().unwrap();
        let b = lazy(field(DType::F64, 1, false)).typed::<f64>().unwrap();
        let c = lazy(field(DType::I16, 9, true)).typed::<i16>().unwrap();
        assert_eq!(a.eval::<Vec<u8>>().unwrap(), (0..count).map(|k| k as u8).collect::<Vec<_>>());
        let sum: Vec<f64> = (b + c.cast::<f64>()).eval().unwrap();
        assert_eq!(sum, (0..count).map(|k| 3.25 * k as f64).collect::<Vec<_>>());
        // Written to, the other fields stay.
        let before = bytes.clone();
        let out = ArrayMut::from_records(&mut bytes, DType::F64, &[count], 11, 1).unwrap();
        eval_all(&[Expr::indices([count as i64], 0).cast::<f64>().into()], vec![out]).unwrap();
        for (k, (old, new)) in before.chunks_exact(11).zip(bytes.chunks_exact(11)).enumerate() {
            assert_eq!((new[0], &new[9..]), (old[0], &old[9..]));
            assert_eq!(f64::from_ne_bytes(new[1..9].try_into().unwrap()), k as f64);
        }
    }
    let bytes = [0u8; 20];
    assert!(ArrayRef::from_records(&bytes, DType::F64, &[2], 10, 3, false).is_err());
    assert!(ArrayRef::from_records(&bytes, DType::F64, &[3], 10, 0, false).is_err());
    assert!(ArrayRef::from_records(&bytes, DType::U8, &[2], 10, usize::MAX, false).is_err());
    assert!(ArrayRef::from_records(&[], DType::U8, &[0], 10, 9, false).is_ok());
}

/// The reasons for copies that the schedule of a kernel gives.
fn copies(kernel: &Kernel) -> Vec<String> {
    let text = kernel.inspect(elide::Stage::Schedule).unwrap();
    text.lines().filter_map(|l| l.trim().strip_prefix("because: ")).map(str::to_owned).collect()
}

#[test]
fn reductions_of_merged_axes_copy_nothing() {
    let mut b = Kernel::builder("merged");
    let [n, m] = b.dims(["n", "m"]);
    let x = &b.input::<f64>("x", [&n, &m]);
    let flat = x.t().reshape([-1]);
    b.output("sum", flat.sum());
    b.output("place", flat.argmax());
    b.output("scaled", (flat * 2.0 + 1.0).sum());
    let kernel = b.build().unwrap();
    assert_eq!(copies(&kernel), [""; 0]);
    for (n, m) in [(1, 1), (3, 5), (13, 40), (40, 13)] {
        let a = Array::new(&[n, m], (0..n * m).map(|k| ((k * 7919) % 1009) as f64 * 0.1).collect()).unwrap();
        let turned: Vec<f64> = (0..m).flat_map(|c| (0..n).map(move |r| (r, c))).map(|(r, c)| a.as_slice()[r * m + c]).collect();
        let (mut sum, mut place, mut scaled) =
            (Array::<f64>::zeros(&[]).unwrap(), Array::<i64>::zeros(&[]).unwrap(), Array::<f64>::zeros(&[]).unwrap());
        let mut call = kernel.call();
        let bound = call.bind("x", &a).unwrap().bind_mut("sum", &mut sum).unwrap().bind_mut("place", &mut place).unwrap();
        bound.bind_mut("scaled", &mut scaled).unwrap().run().unwrap();
        // The same elements in the same order, in memory of their own.
        let t = &lazy(&turned);
        assert_eq!(sum.as_slice()[0].to_bits(), t.sum().eval::<f64>().unwrap().to_bits());
        assert_eq!(place.as_slice()[0], t.argmax().eval::<i64>().unwrap());
        assert_eq!(scaled.as_slice()[0].to_bits(), (t * 2.0 + 1.0).sum().eval::<f64>().unwrap().to_bits());
    }
}

#[test]
fn refinements_of_numbers() {
    let a = ramp(&[12, 10]);
    let turned: Vec<f64> = (0..10).flat_map(|c| (0..12).map(move |r| (10 * r + c) as f64)).collect();
    for width in [2usize, 3, 4, 6, 8, 12, 24, 5, 60, 120, 1] {
        let rows = 120 / width;
        let got: Vec<f64> = lazy(&a).t().reshape([rows, width]).sum_axis(1).eval().unwrap();
        assert_eq!(got, turned.chunks(width).map(|c| c.iter().sum()).collect::<Vec<f64>>(), "{width}");
        let got: Vec<f64> = lazy(&a).t().reshape([rows, width]).max_axis(0).eval().unwrap();
        assert_eq!(got, (0..width).map(|k| turned.iter().skip(k).step_by(width).copied().fold(0.0, f64::max)).collect::<Vec<_>>());
        let got: Vec<f64> = (lazy(&a).t().reshape([rows, width]) + 1.0).eval().unwrap();
        assert_eq!(got, turned.iter().map(|x| x + 1.0).collect::<Vec<_>>());
        let got: Vec<i64> = lazy(&a).t().reshape([rows, width, 1]).argmax_axis(1).eval().unwrap();
        let first = |c: &[f64]| (0..c.len()).rev().max_by(|i, j| c[*i].total_cmp(&c[*j])).unwrap() as i64;
        assert_eq!(got, turned.chunks(width).map(first).collect::<Vec<_>>());
    }
}

#[test]
fn outputs_of_merged_axes_are_stored_at_once() {
    let mut b = Kernel::builder("flat");
    let [n, m] = b.dims(["n", "m"]);
    let (x, y) = (&b.input::<f64>("x", [&n, &m]), &b.input::<f64>("y", [&m, &n]));
    b.output("flat", x.t().reshape([-1]));
    b.output("product", (x.t() * y).reshape([-1]) + 1.0);
    b.output("scan", x.t().windows(0, 2, 1).sum_axis(2).reshape([-1]));
    let kernel = b.build().unwrap();
    let why = copies(&kernel);
    assert!(why.is_empty(), "{why:?}");
    for (n, m) in [(1, 2), (3, 5), (20, 33)] {
        let (x, y) = (ramp(&[n, m]), ramp(&[m, n]));
        let turned: Vec<f64> = (0..m).flat_map(|c| (0..n).map(move |r| (r * m + c) as f64)).collect();
        let (mut flat, mut product, mut scan) = (vec![0.0; n * m], vec![0.0; n * m], vec![0.0; n * (m - 1)]);
        let mut call = kernel.call();
        let bound = call.bind("x", &x).unwrap().bind("y", &y).unwrap().bind_mut("flat", &mut flat).unwrap();
        bound.bind_mut("product", &mut product).unwrap().bind_mut("scan", &mut scan).unwrap().run().unwrap();
        assert_eq!(flat, turned);
        assert_eq!(product, turned.iter().zip(y.as_slice()).map(|(a, b)| a * b + 1.0).collect::<Vec<_>>());
        assert_eq!(scan, (0..(m - 1) * n).map(|k| turned[k] + turned[k + n]).collect::<Vec<_>>());
    }
}
