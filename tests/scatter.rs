//! Arrays changed at computed indices: by hand, against NumPy's answers, in place, and what may go wrong.

use elide::{Array, BinaryOp, DType, Dim, DynExpr, ErrorKind, Expr, Extent, Kernel, Placement, Reason, Requirement, lazy, lazy_mut, s};

#[test]
fn values_are_written_one_after_another() {
    let (k, v) = ([2i64, 0, 2, -1, 0], [1.0, 10.0, 100.0, 1000.0, 0.5]);
    let (k, v) = (&lazy(&k), &lazy(&v));
    let base = Expr::full([4], 2.0);
    let run = |x: Expr<'_, f64>| x.eval::<Vec<f64>>().unwrap();
    assert_eq!(run(base.at_indices(k, 0).add(v)), [12.5, 2.0, 103.0, 1002.0]);
    assert_eq!(run(base.at_indices(k, 0).sub(v)), [-8.5, 2.0, -99.0, -998.0]);
    assert_eq!(run(base.at_indices(k, 0).mul(v)), [10.0, 2.0, 200.0, 2000.0]);
    assert_eq!(run(base.at_indices(k, 0).div(v)), [0.4, 2.0, 0.02, 0.002]);
    assert_eq!(run(base.at_indices(k, 0).minimum(v)), [0.5, 2.0, 1.0, 2.0]);
    assert_eq!(run(base.at_indices(k, 0).maximum(v)), [10.0, 2.0, 100.0, 1000.0]);
    assert_eq!(run(base.at_indices(k, 0).set(v)), [0.5, 2.0, 100.0, 1000.0]);
    assert_eq!(run(base.at_indices(k, 0).set(7.0)), [7.0, 2.0, 7.0, 7.0]);
    assert_eq!(run(base.at_indices(k, 0).get()), [2.0; 5]);
    assert_eq!(run(base.at_indices(1i64, 0).add(v.sum())), [2.0, 1113.5, 2.0, 2.0]);
}

#[test]
fn along_any_axis() {
    let a = Array::new(&[2, 3], vec![0, 1, 2, 10, 11, 12]).unwrap();
    let (k, x) = ([2i64, 0, 2], &lazy(&a));
    let rows: Vec<i32> = x.at_indices(lazy(&[1i64, 1, 0]), 0).add(100).eval().unwrap();
    assert_eq!(rows, [100, 101, 102, 210, 211, 212]);
    let columns: Vec<i32> = x.at_indices(lazy(&k), 1).add(lazy(&[1, 2, 4])).eval().unwrap();
    assert_eq!(columns, [2, 1, 7, 12, 11, 17]);
    let index = Array::new(&[2, 1], vec![2i64, 0]).unwrap();
    let one: Vec<i32> = x.at_indices_along(lazy(&index), 1).set(-1).eval().unwrap();
    assert_eq!(one, [0, 1, -1, -1, 11, 12]);
    let grid = Array::new(&[2, 2], vec![0i64, 1, 1, 1]).unwrap();
    let folded: Vec<i32> = Expr::zeros([2, 3]).at_indices(lazy(&grid), 0).add(x.insert_axis(1)).eval().unwrap();
    assert_eq!(folded, [0, 1, 2, 20, 23, 26]);
}

/// The numbers of a generator that the NumPy session behind these tests had as well.
fn numbers(count: usize) -> Vec<i64> {
    let next = |x: &mut i64| {
        *x = (*x * 1103515245 + 12345) % (1 << 31);
        Some(*x)
    };
    std::iter::repeat_n((), count).scan(7, |x, ()| next(x)).collect()
}

/// Numbers from -1 to 2; and the same rounded to tenths, many of which are edges.
fn samples() -> [Vec<f64>; 2] {
    let any: Vec<f64> = numbers(2000).iter().map(|&r| r as f64 / (1u64 << 31) as f64 * 3.0 - 1.0).collect();
    let tenths = any.iter().map(|x| (x * 10.0).round_ties_even() / 10.0).collect();
    [any, tenths]
}

#[test]
fn histograms_are_numpys() {
    let cases: [(usize, (f64, f64)); 3] = [(10, (0.0, 1.0)), (7, (-0.7, 1.3)), (3, (0.1, 0.7))];
    let in_f64 = [
        [vec![73, 72, 63, 71, 83, 76, 68, 75, 67, 75], vec![197, 166, 204, 206, 210, 207, 160], vec![135, 154, 144]],
        [vec![72, 75, 136, 0, 82, 142, 80, 0, 71, 133], vec![202, 172, 211, 218, 222, 204, 178], vec![146, 147, 222]],
    ];
    let mut in_f32 = in_f64.clone();
    in_f32[1][0] = vec![72, 75, 71, 65, 82, 77, 65, 80, 71, 133];
    for ((data, want), want32) in samples().iter().zip(&in_f64).zip(&in_f32) {
        let narrow: Vec<f32> = data.iter().map(|x| *x as f32).collect();
        for ((&(bins, range), want), want32) in cases.iter().zip(want).zip(want32) {
            assert_eq!(lazy(data).histogram(bins, range).eval::<Vec<i64>>().unwrap(), *want, "{bins} {range:?}");
            assert_eq!(lazy(&narrow).histogram(bins, range).eval::<Vec<i64>>().unwrap(), *want32, "f32 {bins} {range:?}");
            // However it is laid out.
            let table = Array::new(&[40, 50], data.clone()).unwrap();
            assert_eq!(lazy(&table).t().histogram(bins, range).eval::<Vec<i64>>().unwrap(), *want);
        }
    }
    let whole: Vec<i32> = numbers(2000).iter().map(|r| ((r >> 8) % 50 - 10) as i32).collect();
    assert_eq!(lazy(&whole).histogram(8, (0.0, 30.0)).eval::<Vec<i64>>().unwrap(), [160, 171, 159, 118, 142, 179, 145, 158]);
    assert_eq!(lazy(&whole).histogram(5, (3.0, 3.0)).eval::<Vec<i64>>().unwrap(), [0, 0, 44, 0, 0]);
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1.0, 5e-324];
    assert_eq!(lazy(&odd).histogram(2, (0.0, 1.0)).eval::<Vec<i64>>().unwrap(), [2, 1]);
}

#[test]
fn weights_are_added_in_order() {
    let (index, weights): (Vec<u8>, Vec<f64>) = (numbers(2000).iter().map(|r| ((r >> 8) % 7) as u8).collect(), samples()[0].clone());
    let got: Vec<f64> = lazy(&index).bincount_weighted(lazy(&weights), 7).eval().unwrap();
    // NumPy's own, to the last bit.
    let want = [
        145.76016342965886,
        182.81784392287955,
        162.06969916028902,
        157.91949465777725,
        147.0804165028967,
        109.05333575606346,
        119.06619170121849,
    ];
    assert_eq!(got, want);
    assert_eq!(lazy(&index).bincount(7).sum().eval::<i64>().unwrap(), 2000);
    assert_eq!(lazy(&index[..0]).bincount(3).eval::<Vec<i64>>().unwrap(), [0, 0, 0]);
}

#[test]
fn run_time_types_convert_to_that_of_the_array() {
    let (k, v) = ([1i16, 1], [1.9, 2.9]);
    let base = DynExpr::from(Expr::<i32>::zeros([3]));
    let [k, v] = [DynExpr::from(lazy(&k)), DynExpr::from(lazy(&v))];
    let mut out = Array::new(&[3], vec![0i32; 3]).unwrap();
    base.at_indices(&k, 0).update(BinaryOp::Add, &v).eval_into(&mut out).unwrap();
    assert_eq!(out.as_slice(), [0, 3, 0]);
    base.at_indices(-1, 0).set(7.5).eval_into(&mut out).unwrap();
    assert_eq!(out.as_slice(), [0, 0, 7]);
    let error = base.at_indices(&k, 0).update(BinaryOp::Lt, &v).check().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let error = base.astype(DType::F64).at_indices(&k, 0).update(BinaryOp::Pow, &v).check().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let bits = DynExpr::from(Expr::<bool>::zeros([3]));
    let mut out = Array::new(&[3], vec![true; 3]).unwrap();
    bits.at_indices(&k, 0).update(BinaryOp::Xor, true).eval_into(&mut out).unwrap();
    assert_eq!(out.as_slice(), [false, false, false]);
}

#[test]
fn an_array_that_is_updated_is_read_as_it_was() {
    // The elements from the end are added to those that the elements from the start name.
    let old = [1i64, 2, 0, 3, 1];
    let mut want = old;
    for (k, v) in old.iter().zip(old.iter().rev()) {
        want[*k as usize] += v;
    }
    let mut a = old.to_vec();
    let x = lazy_mut(&mut a);
    x.at(s![..]).set(x.get().at_indices(x.get(), 0).add(x.get().slice(s![..;-1])));
    x.run().unwrap();
    assert_eq!(a, want);
}

#[test]
fn over_an_array_that_was_turned_around() {
    let mut a = vec![1.0, 2.0, 3.0, 4.0, 5.0];
    let x = lazy_mut(&mut a);
    x.at(s![..;-1]).set(x.get());
    let index = x.get().slice(s![-2]).cast::<i64>();
    x.at(s![..]).set(x.get().at_indices(index, 0).add(x.get().slice(s![0])));
    x.run().unwrap();
    assert_eq!(a, [5.0, 4.0, 8.0, 2.0, 1.0]);
}

/// `taken` reads `counts` as they were, at indices that are known only when `a` has been changed, which is only then that nothing
/// more reads it, and `counts` are changed by what reads it.
#[test]
fn a_circle_of_arrays_that_are_overwritten() {
    let (a, counts) = ([0i64, 2, 1], [10i64, 20, 30]);
    let mut b = Kernel::builder("circle");
    let x = &b.input::<i64>("x", [3]);
    let y = &b.input::<i64>("y", [3]);
    let changed = x.at_indices(x.slice(s![0..1]), 0).set(1);
    b.output("taken", y.take(&changed, 0));
    b.update(y, y.at_indices(x, 0).sub(x * 5));
    b.update(x, &changed);
    let (mut a, mut counts, mut taken) = (a, counts, [0i64; 3]);
    let kernel = b.build().unwrap();
    let mut call = kernel.call();
    call.bind_mut("x", &mut a).unwrap().bind_mut("y", &mut counts).unwrap().bind_mut("taken", &mut taken).unwrap().run().unwrap();
    assert_eq!((a, counts, taken), ([1, 2, 1], [10, 15, 20], [20, 30, 20]));
}

/// The last array reads the first at indices that the second gives, by which time the second lies over the first.
#[test]
fn a_take_whose_indices_come_from_what_overwrites_it() {
    let (x, k, j) = ([1i64, 2, 3, 0], [0i64, 2], [3i64, 0, 1]);
    let (x, k, j) = (&lazy(&x), &lazy(&k), &lazy(&j));
    let first = &x.at_indices(k, 0).add(1i64);
    let second = &first.at_indices(j, 0).set(first.take(j, 0) + 5i64);
    // 2 2 4 0 and 7 7 4 5.
    let index = &(first.take(second % 4i64, 0) % 4i64);
    let third = second.at_indices(index, 0).add(second.take(index, 0) + 10i64);
    assert_eq!(third.eval::<Vec<i64>>().unwrap(), [7 + 2 * 17, 7, 4 + 2 * 14, 5]);
}

#[test]
fn counts_and_sums_take_one_pass_and_no_memory() {
    let mut b = Kernel::builder("groups");
    let [n, m] = b.dims(["n", "m"]);
    let like = &b.input::<f64>("like", [&m]);
    let (x, k) = (&b.input::<f64>("x", [&n]), &b.input::<i32>("k", [&n]));
    let sums = k.bincount_weighted(x * x, &m);
    b.output("sums", &sums).output("counts", k.bincount(&m)).output("like2", like * 2.0);
    b.require(Requirement::peak_bytes(3 * 1024));
    let kernel = b.build().unwrap();
    let report = kernel.explain().unwrap();
    // Both are filled, with what has their shape; then one nest writes to both.
    assert_eq!((report.nests().len(), report.nests()[1].writes.len()), (2, 2), "{report}");
    assert_eq!(report.scratch_bytes().as_const(), Some(0));
    assert_eq!(report.nests()[1].writes[0].op, Some(BinaryOp::Add));
    let (mut sums, mut counts, mut like2) = ([0.0; 3], [0i64; 3], [0.0; 3]);
    let mut call = kernel.call();
    let bound = call.bind("like", &[1.0, 2.0, 3.0]).unwrap().bind("x", &[1.0, 2.0, 3.0, 4.0]).unwrap();
    let bound = bound.bind("k", &[2i32, 0, 2, 0]).unwrap().bind_mut("sums", &mut sums).unwrap();
    bound.bind_mut("counts", &mut counts).unwrap().bind_mut("like2", &mut like2).unwrap().run().unwrap();
    assert_eq!((sums, counts, like2), ([20.0, 0.0, 10.0], [2, 0, 2], [2.0, 4.0, 6.0]));
}

#[test]
fn what_others_read_is_stored_once_for_its_reason() {
    let mut b = Kernel::builder("means");
    let [n] = b.dims(["n"]);
    let (x, k) = (&b.input::<f64>("x", [&n]), &b.input::<i64>("k", [&n]));
    b.output("mean", k.bincount_weighted(x, 4) / k.bincount(4).cast::<f64>());
    let report = b.build().unwrap().explain().unwrap();
    let stored: Vec<_> = report.values().iter().filter(|v| v.placement == Placement::Buffer).collect();
    assert_eq!(stored.len(), 2, "{report}");
    assert!(stored.iter().all(|v| v.reason == Some(Reason::Scattered)));
}

#[test]
fn one_hot_is_a_comparison() {
    let k = Array::new(&[2, 2], vec![0i64, 2, -1, 3]).unwrap();
    let x: Array<i32> = lazy(&k).one_hot(3).eval().unwrap();
    assert_eq!((x.shape(), x.as_slice()), (&[2, 2, 3][..], &[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..]));
    let mut b = Kernel::builder("picked");
    let [n, m] = b.dims(["n", "m"]);
    let (x, k) = (&b.input::<f64>("x", [&n, &m]), &b.input::<i64>("k", [&n]));
    b.output("y", (x * k.one_hot::<f64>(&m)).sum_axis(1));
    b.require(Requirement::NoTemporaries);
    assert_eq!(b.build().unwrap().explain().unwrap().nests().len(), 1);
}

#[test]
fn an_index_out_of_range_leaves_arrays_as_they_were() {
    let (k, mut a) = ([0i64, 4, 1], vec![1.0, 2.0, 3.0]);
    let x = lazy_mut(&mut a);
    x.at(s![..]).set(x.get().at_indices(lazy(&k), 0).set(9.0));
    let error = x.run().unwrap_err();
    assert!(error.message().contains("index 4 is out of bounds for axis 0 with size 3"), "{error}");
    assert_eq!(a, [1.0, 2.0, 3.0]);
    let error = lazy(&[0i64, -1]).bincount(3).eval::<Vec<i64>>().unwrap_err();
    assert!(error.message().contains("index -1 is out of bounds"), "{error}");
    assert!(error.to_string().contains("none may be negative"), "{error}");
    let error = Expr::<f64>::zeros([0]).at_indices(lazy(&k), 0).set(1.0).eval::<Vec<f64>>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
}

#[test]
fn mistakes_say_what_and_where() {
    let (k, x) = ([0i64], [1.0, 2.0]);
    let (k, x) = (&lazy(&k), &lazy(&x));
    let message = |e: elide::Error| e.message().to_string();
    assert!(message(x.at_indices(k, 1).set(1.0).check().unwrap_err()).contains("axis 1"));
    assert!(message(x.at_indices(k, 0).set(x).check().unwrap_err()).contains("f64[2] at [1] indices of f64[2]"));
    assert!(message(x.at_indices(7i64, 0).set(1.0).check().unwrap_err()).contains("index 7 is out of bounds"));
    assert!(message(x.histogram(0, (0.0, 1.0)).check().unwrap_err()).contains("at least one bin"));
    assert!(message(x.histogram(4, (1.0, 0.0)).check().unwrap_err()).contains("from a lower to a higher number"));
    assert!(message(x.histogram(1 << 30, (1.0, 1.0 + 1e-9)).check().unwrap_err()).contains("can tell apart"));
    assert!(message(k.bincount(-3).check().unwrap_err()).contains("-3"));
}

#[test]
fn selected_elements_come_first() {
    let [any, _] = samples();
    for n in [0, 1, 2, 3, 5, 8, 17, 64, 2000] {
        let (x, want): (_, Vec<f64>) = (&lazy(&any[..n]), any[..n].iter().filter(|x| **x > 0.25).map(|x| x * 2.0).collect());
        let got = (x * 2.0).compress(x.gt(0.25));
        assert_eq!(got.eval().unwrap(), want, "{n}");
        assert_eq!(got.count().eval::<i64>().unwrap(), want.len() as i64);
        let padded: Vec<f64> = want.iter().copied().chain(std::iter::repeat(0.0)).take(n).collect();
        assert_eq!(got.values().eval::<Vec<f64>>().unwrap(), padded);
        let places: Vec<i64> = (0..n as i64).filter(|k| any[*k as usize] > 0.25).collect();
        assert_eq!(x.gt(0.25).flatnonzero().eval().unwrap(), places);
        assert_eq!(x.compress(x.ge(-2.0)).eval().unwrap(), any[..n]);
        assert!(x.compress(x.gt(9.0)).eval().unwrap().is_empty());
    }
    // In the order of the logical index, however it is laid out; of every type.
    let table = Array::new(&[3, 4], (0..12i16).collect()).unwrap();
    let t = &lazy(&table).t();
    assert_eq!(t.compress((t % 3i16).ne(0)).eval().unwrap(), [4, 8, 1, 5, 2, 10, 7, 11]);
    assert_eq!((t % 3i16).eq(0).flatnonzero().eval().unwrap(), [0, 5, 7, 9]);
    let bits = &lazy(&[true, false, true]);
    assert_eq!(bits.compress(bits).eval().unwrap(), [true, true]);
}

#[test]
fn selecting_takes_one_pass_and_no_memory() {
    let mut b = Kernel::builder("large");
    let [n] = b.dims(["n"]);
    let x = &b.input::<f32>("x", [&n]);
    let y = &(x * x);
    let mask = &y.gt(4.0);
    let (large, places) = (y.compress(mask), mask.flatnonzero());
    b.output("values", large.values()).output("places", places.values()).output("count", large.count());
    let kernel = b.build().unwrap();
    let report = kernel.explain().unwrap();
    assert_eq!(report.nests().len(), 3, "two arrays of zeros are a nest, and one zero\n{report}");
    assert_eq!(report.nests().last().unwrap().writes.len(), 3);
    assert_eq!(report.scratch_bytes().as_const(), Some(0));
    let (mut values, mut places, mut count) = ([9.0f32; 5], [9i64; 5], [9i64]);
    let mut call = kernel.call();
    let bound = call.bind("x", &[1.0f32, 3.0, -2.0, -5.0, 2.5]).unwrap().bind_mut("values", &mut values).unwrap();
    let count_of = elide::ArrayMut::strided(&mut count, &[], &[], 0).unwrap();
    bound.bind_mut("places", &mut places).unwrap().bind_mut("count", count_of).unwrap().run().unwrap();
    assert_eq!((values, places, count), ([9.0, 25.0, 6.25, 0.0, 0.0], [1, 3, 4, 0, 0], [3]));
}

#[test]
fn a_mask_must_fit() {
    let (x, m) = ([1.0, 2.0], [true]);
    let error = lazy(&x).compress(lazy(&m)).eval().unwrap_err();
    assert!(error.message().contains("compress of f64[2] by bool[1]: the mask must have the array's shape"), "{error}");
    let error = DynExpr::from(lazy(&x)).compress(DynExpr::from(lazy(&x))).values().check().unwrap_err();
    assert!(error.message().contains("the mask must be bool, not f64"), "{error}");
}

/// Elements of an array are taken at indices that lie where the array is written over them, and are needed after more has been written over
/// both: it is the indices that must be copied, as a copy of the elements comes too late for them.
#[test]
fn elements_at_an_index_that_is_overwritten() {
    let mut b = Kernel::builder("late");
    let [n, m] = b.dims(["n", "m"]);
    let [k, j, v] = ["k", "j", "v"].map(|name| b.input::<i64>(name, [&n]));
    let w = &b.input::<f64>("w", [&m, &Dim::from(2)]);
    let before = &k.bincount(4);
    let after = &before.at_indices(&j, 0).add(&v);
    let once = &after.at_indices(after.argmin().insert_axis(0), 0).set(-1);
    let last = &once.at_indices(once.argmin().insert_axis(0), 0).set(-1);
    let taken = &after.at_indices(before % 4, 0).get().invert_axis(0);
    let along = &(last % 2 - 2).insert_axis(0).broadcast([Extent::from(&m), 4.into()]);
    let first = &w.at_indices_along(along, 1).sub(w.at_indices_along(along, 1).get() * 0.5);
    let down = &(taken % 7).insert_axis(1).broadcast([4, 2]);
    b.output("second", first.at_indices_along(down, 0).sub(first.at_indices_along(down, 0).get()));
    b.output("first", first).output("taken", taken).output("last", last);
    let kernel = b.build().unwrap();
    let (k, j) = ([0i64, 2, 2, 3, 1, 0, 2, 2], [1i64, 1, 3, 0, 0, 0, 1, 1]);
    let v = [0i64, 10, 20, 30, 40, 50, 60, 70];
    let w = Array::new(&[7, 2], (0..14).map(f64::from).collect()).unwrap();
    let (mut taken, mut last) = ([0i64; 4], [0i64; 4]);
    let [mut first, mut second] = [Array::<f64>::zeros(&[7, 2]).unwrap(), Array::<f64>::zeros(&[7, 2]).unwrap()];
    let mut call = kernel.call();
    let bound = call.bind("k", &k).unwrap().bind("j", &j).unwrap().bind("v", &v).unwrap().bind("w", w.view()).unwrap();
    let bound = bound.bind_mut("taken", &mut taken).unwrap().bind_mut("last", &mut last).unwrap();
    bound.bind_mut("first", first.view_mut()).unwrap().bind_mut("second", second.view_mut()).unwrap().run().unwrap();
    // [2, 1, 4, 1], then [122, 141, 4, 21]: taken at [2, 1, 0, 1]; and the least element replaced.
    assert_eq!((taken, last), ([141, 122, 141, 4], [122, 141, -1, 21]));
    // Columns 0, 1, 1, 1 of every row, the last three times the same difference, of what was there before.
    let halves: Vec<f64> = (0..7).flat_map(|row| [f64::from(2 * row) * 0.5, f64::from(2 * row + 1) * -0.5]).collect();
    assert_eq!(first.as_slice(), halves);
    // Rows 1, 3, 1, 4, as they were.
    let times = [1.0, -1.0, 1.0, 0.0, 0.0, 1.0, 1.0];
    let want: Vec<f64> = halves.iter().enumerate().map(|(k, x)| x * times[k / 2]).collect();
    assert_eq!(second.as_slice(), want);
}
