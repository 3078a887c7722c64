//! What is allocated: outputs, and nothing else that grows with the arrays; by a repeated call, nothing at all.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use elide::{ArrayMut, ArrayRef, Axis, Call, Expr, Kernel, Requirement, Size, Threads, lazy};
use ndarray::{Array1, Array2};

/// Counts what the current thread allocates.
struct Counting;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Count {
    calls: usize,
    /// The sum of all sizes ever asked for.
    total: usize,
    live: isize,
    peak: isize,
    /// The largest single allocation.
    largest: usize,
}

thread_local! {
    static COUNT: Cell<Count> = const { Cell::new(Count { calls: 0, total: 0, live: 0, peak: 0, largest: 0 }) };
}

fn record(calls: usize, size: usize, change: isize) {
    // A thread that is going away allocates unseen.
    let _ = COUNT.try_with(|c| {
        let mut n = c.get();
        n.calls += calls;
        n.total += size;
        n.live += change;
        n.peak = n.peak.max(n.live);
        n.largest = n.largest.max(size);
        c.set(n);
    });
}

// SAFETY: every call goes to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        record(1, layout.size(), layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        record(1, layout.size(), layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        record(1, size, size as isize - layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(at, layout, size) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        record(0, 0, -(layout.size() as isize));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What this thread allocates in `f`.
fn counted<T>(f: impl FnOnce() -> T) -> (T, Count) {
    COUNT.set(Count::default());
    let out = f();
    (out, COUNT.get())
}

fn sentence<'a>(x: &Expr<'a, f64>) -> Expr<'a, f64> {
    x.gt(0.0).select((-x * x).exp() * x.sin(), 0.0).sum_axis(Axis(1))
}

fn square(n: usize) -> Array2<f64> {
    Array2::from_shape_fn((n, n), |(i, j)| ((i * 31 + j * 17) % 997) as f64 * 0.01 - 4.0)
}

const SMALL: usize = 400;
const LARGE: usize = 4000;

#[test]
fn eval_allocates_its_output_and_nothing_else_that_grows() {
    let (small, large) = (square(SMALL), square(LARGE));
    let run = |a: &Array2<f64>| -> Array1<f64> { sentence(&lazy(a)).eval().unwrap() };
    // The first one compiles.
    run(&small);
    run(&large);
    let (y, s) = counted(|| run(&small));
    let (z, l) = counted(|| run(&large));
    let output = 8 * (LARGE - SMALL);
    assert_eq!((y.len(), z.len()), (SMALL, LARGE));
    assert_eq!(l.total - s.total, output, "bytes ever allocated: {s:?} {l:?}");
    // Planning, which is done before there is an output, takes more at one time than the small one.
    assert!(l.peak - s.peak <= output as isize, "bytes at one time: {s:?} {l:?}");
    assert_eq!(l.calls, s.calls);
    assert_eq!(l.largest, 8 * LARGE, "the output is the largest allocation");
    assert_eq!((s.live, l.live), (8 * SMALL as isize, 8 * LARGE as isize), "only the output is left");
}

#[test]
fn eval_into_allocates_nothing_that_grows() {
    let (small, large) = (square(SMALL), square(LARGE));
    let run = |a: &Array2<f64>, out: &mut [f64]| sentence(&lazy(a)).eval_into(out).unwrap();
    let mut out = vec![0.0; LARGE];
    run(&small, &mut out[..SMALL]);
    run(&large, &mut out);
    let ((), s) = counted(|| run(&small, &mut out[..SMALL]));
    let ((), l) = counted(|| run(&large, &mut out));
    assert_eq!(s, l);
    assert_eq!(l.live, 0);
}

/// Also for a result of the input's own size, whose parts would be as large as it is.
#[test]
fn elementwise_chains_make_no_parts() {
    let (small, large) = (square(SMALL), square(LARGE));
    let run = |a: &Array2<f64>| -> Array2<f64> {
        let x = &lazy(a);
        let y = (x * x + 1.0).sqrt();
        ((&y + x.t()) * 0.5 - y.clip(0.5, 1.5)).eval().unwrap()
    };
    run(&small);
    run(&large);
    let (_, s) = counted(|| run(&small));
    let (_, l) = counted(|| run(&large));
    assert_eq!(l.total - s.total, 8 * (LARGE * LARGE - SMALL * SMALL), "{s:?} {l:?}");
}

fn damped() -> Kernel {
    let mut b = Kernel::builder("damped");
    let [n, m] = b.dims(["n", "m"]);
    let x = b.input::<f64>("x", [n, m]);
    b.output("y", sentence(&x));
    b.build().unwrap()
}

/// Ten runs, of which none allocates.
fn assert_silent(call: &mut Call, arrays: &mut [(Array2<f64>, Array1<f64>)]) {
    for round in 0..10 {
        for (k, (x, y)) in arrays.iter_mut().enumerate() {
            let (result, count) = counted(|| call.bind("x", x.view())?.bind_mut("y", y.view_mut())?.run());
            result.unwrap();
            assert_eq!(count, Count::default(), "round {round}, array {k}");
            assert_eq!(y[0], y[0].abs());
        }
    }
}

#[test]
fn calls_again_allocate_nothing() {
    let kernel = damped();
    let mut call = kernel.call();
    let mut arrays: Vec<_> = (0..3).map(|_| (square(100), Array1::zeros(100))).collect();
    let (x, y) = &mut arrays[0];
    call.bind("x", x.view()).unwrap().bind_mut("y", y.view_mut()).unwrap().run().unwrap();
    // Other arrays of the same shape and layout need no planning.
    assert_silent(&mut call, &mut arrays);
}

#[test]
fn calls_again_in_another_layout_allocate_nothing() {
    let kernel = damped();
    let mut call = kernel.call();
    let mut arrays: Vec<_> = (0..2).map(|_| (square(90).reversed_axes(), Array1::zeros(90))).collect();
    let (x, y) = &mut arrays[0];
    call.bind("x", x.view()).unwrap().bind_mut("y", y.view_mut()).unwrap().run().unwrap();
    assert_silent(&mut call, &mut arrays);
}

/// A binding that runs again and again, and a kernel with scratch memory between its steps.
#[test]
fn runs_of_one_binding_allocate_nothing() {
    let mut b = Kernel::builder("softmax");
    let [n, m] = b.dims(["n", "m"]);
    let x = b.input::<f32>("x", [n, m]);
    let axis = elide::Axes::from(-1).keepdims();
    let e = (&x - x.max_over(axis.clone())).exp();
    b.output("y", &e / e.sum_over(axis));
    let kernel = b.build().unwrap();
    let data: Vec<f32> = (0..64 * 128).map(|k| (k % 37) as f32 * 0.25).collect();
    let mut out = vec![0f32; 64 * 128];
    let mut call = kernel.call();
    let x = ArrayRef::strided(&data, &[64, 128], &[128, 1], 0).unwrap();
    let y = ArrayMut::strided(&mut out, &[64, 128], &[128, 1], 0).unwrap();
    let mut binding = call.bind("x", x).unwrap().bind_mut("y", y).unwrap();
    binding.run().unwrap();
    let (result, count) = counted(|| (0..5).try_for_each(|_| binding.run()));
    result.unwrap();
    assert_eq!(count, Count::default());
    assert!(out.chunks(128).all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-5));
}

/// More than four axes do not fit in the inline storage of a shape. They must not cost an allocation either, once bound.
#[test]
fn six_axes_allocate_nothing_once_bound() {
    let mut b = Kernel::builder("six");
    let x = b.input::<f64>("x", [2usize, 3, 2, 3, 2, 3]);
    b.output("y", &x + &x.t().t() * 2.0);
    let kernel = b.build().unwrap();
    let shape = [2, 3, 2, 3, 2, 3];
    let strides = [108, 36, 18, 6, 3, 1];
    let (data, mut out) = (vec![1.0; 216], vec![0.0; 216]);
    let mut call = kernel.call();
    let x = ArrayRef::strided(&data, &shape, &strides, 0).unwrap();
    let y = ArrayMut::strided(&mut out, &shape, &strides, 0).unwrap();
    let mut binding = call.bind("x", x).unwrap().bind_mut("y", y).unwrap();
    binding.run().unwrap();
    let (result, count) = counted(|| binding.run());
    result.unwrap();
    assert_eq!(count, Count::default());
}

/// A kernel over an array of `[n, m]`.
type Program<'a> = &'a dyn Fn(&Expr<'static, f64>) -> Expr<'static, f64>;

fn of_a_matrix(program: Program<'_>) -> Kernel {
    let mut b = Kernel::builder("scratch");
    let dims = b.dims(["n", "m"]);
    let x = &b.input::<f64>("x", dims);
    b.output("y", program(x));
    b.build().unwrap()
}

/// What a first run of a new frame on one thread allocates and keeps, and what it says it keeps of that as scratch memory.
fn kept(kernel: &Kernel, x: &Array2<f64>, y: &mut Array2<f64>) -> (usize, usize) {
    let mut call = kernel.call();
    call.set_threads(Threads::One);
    let (result, count) = counted(|| call.bind("x", x.view())?.bind_mut("y", y.view_mut())?.run());
    result.unwrap();
    (count.live as usize, call.scratch_bytes())
}

fn softmax(x: &Expr<'static, f64>) -> Expr<'static, f64> {
    let rows = elide::Axes::from(1).keepdims();
    let e = (x - x.max_over(rows.clone())).exp();
    &e / e.sum_over(rows)
}

/// Programs whose values between loop nests are read strip by strip. However many rows and columns there are, a call holds no more
/// than the bound, which is a number; once rows are many, it holds the same for any number of them.
#[test]
fn windows_do_not_grow() {
    let standardized = |x: &Expr<'static, f64>| {
        let d = x - x.mean_axis(Axis(0));
        &d / (&d * &d).mean_axis(0).sqrt()
    };
    let variance = |x: &Expr<'static, f64>| {
        let d = x - x.mean_axis(Axis(0));
        (&d * &d).mean_axis(0).insert_axis(0) + x * 0.0
    };
    let programs: [Program<'_>; 3] = [&softmax, &standardized, &variance];
    for (k, program) in programs.into_iter().enumerate() {
        let kernel = of_a_matrix(program);
        let report = kernel.explain().unwrap();
        let bound = report.scratch_bytes().as_const().unwrap_or_else(|| panic!("program {k}: not a number:\n{report}")) as usize;
        assert!(bound <= (128 << 10) + 64, "program {k}:\n{report}");
        let mut held = Vec::new();
        for (n, m) in [(1, 1), (3, 5), (100, 7), (7, 100), (20_000, 30), (30, 20_000), (30_000, 40), (40, 30_000), (1000, 1000)] {
            let (x, mut y) = (Array2::from_shape_fn((n, m), |(i, j)| ((i * 7 + j * 3) % 11) as f64), Array2::zeros((n, m)));
            // Once for what grows only the first time.
            let (_, scratch) = kept(&kernel, &x, &mut y);
            let (all, again) = kept(&kernel, &x, &mut y);
            assert_eq!(scratch, again);
            assert!(scratch <= bound, "program {k}, [{n},{m}]: {scratch} bytes of scratch memory, the report says {bound}:\n{report}");
            held.push((all - scratch, scratch));
        }
        // All else that a call keeps does not depend on the sizes.
        assert!(held.iter().all(|(rest, _)| *rest == held[0].0), "program {k}: {held:?}");
    }
}

/// Threads that go through strips side by side have windows of their own, which are as large as the report says, take no more than is
/// allowed, and are not allocated again.
#[test]
fn each_thread_has_windows_of_its_own() {
    let build = |peak: Option<i64>| {
        let mut b = Kernel::builder("lanes");
        let dims = b.dims(["n", "m"]);
        let x = &b.input::<f64>("x", dims);
        b.output("y", softmax(x));
        peak.into_iter().for_each(|bytes| _ = b.require(Requirement::peak_bytes(bytes)));
        b.build().unwrap()
    };
    let report = build(None).explain().unwrap();
    let [one, more] = [&report.scratch_bytes(), report.scratch_bytes_per_thread()].map(|s| s.as_const().unwrap());
    assert!(
        more > 0 && report.to_string().contains(&format!("{one} bytes at most, and {more} for each thread after the first")),
        "{report}"
    );
    let (n, m) = (4000, 30);
    let x = Array2::from_shape_fn((n, m), |(i, j)| ((i * 7 + j * 3) % 11) as f64);
    let held = |peak, parts| {
        let (kernel, mut y) = (build(peak), Array2::<f64>::zeros((n, m)));
        let mut call = kernel.call();
        call.set_parts(parts, true);
        let mut binding = call.bind("x", x.view()).unwrap().bind_mut("y", y.view_mut()).unwrap();
        binding.run().unwrap();
        let (result, again) = counted(|| binding.run());
        result.unwrap();
        assert_eq!(again, Count::default());
        assert!(y.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-12));
        call.scratch_bytes() as i64
    };
    // Strips are as long as leaves some for each.
    let window = held(None, 3) / 3;
    assert!(window > 0 && window <= more, "{window} {more}");
    assert_eq!([held(None, 3), held(None, 8) % 8], [3 * window, 0]);
    assert!(held(None, 1) <= one);
    assert!(held(Some(one), 8) <= one && held(Some(one), 3) <= one);
}

/// A reduction of a reduction: the distances between points, and of each point the largest. Of the matrix of distances no more exists
/// than a window of rows.
#[test]
fn nested_reductions_hold_some_rows() {
    let farthest = |x: &Expr<'static, f64>| {
        let d = x.insert_axis(1) - x.insert_axis(0);
        let far = (&d * &d).sum_axis(Axis(2)).sqrt().max_axis(Axis(1));
        far.insert_axis(1) + x * 0.0
    };
    let kernel = of_a_matrix(&farthest);
    let report = kernel.explain().unwrap();
    for n in [1, 5, 100, 500, 1500] {
        let (x, mut y) = (Array2::from_shape_fn((n, 3), |(i, j)| ((i * 31 + j * 17) % 97) as f64), Array2::zeros((n, 3)));
        let (all, scratch) = kept(&kernel, &x, &mut y);
        let bound = report.scratch_bytes().evaluate(&[("n", n as i64), ("m", 3)]).unwrap() as usize;
        assert!(scratch <= bound, "[{n},3]: {scratch} {bound}\n{report}");
        // At most what windows may take, and rows of them: nothing like n * n.
        assert!(bound <= (128 << 10) + 8 * 8 * n, "{bound}\n{report}");
        assert!(all <= bound + (16 << 10), "[{n},3]: {all} {bound}\n{report}");
        let far = |i: usize| (0..n).map(|j| (0..3).map(|k| (x[(i, k)] - x[(j, k)]).powi(2)).sum::<f64>().sqrt()).fold(0.0, f64::max);
        assert!((0..n).step_by(7).all(|i| y[(i, 1)] == far(i)));
    }
}

/// A value that nobody reads any more once the result is written lies where that is going to be: of 8*n*m bytes none are held. Where
/// the result has gaps, or is only as long as the value for some sizes, the value has a slot.
#[test]
fn a_result_is_scratch_memory_until_it_is_written() {
    let turned = |x: &Expr<'static, f64>| {
        let [n, m] = ["n", "m"].map(elide::Dim::named);
        let y = x.t().exp().reshape([-1]).reshape([elide::Extent::from(n), elide::Extent::from(m)]);
        x - y.max_axis(Axis(0)).invert_axis(0)
    };
    let kernel = of_a_matrix(&turned);
    let report = kernel.explain().unwrap();
    assert_eq!(report.scratch_bytes().to_string(), "8*m", "{report}");
    let lent: Vec<_> = report.values().iter().filter_map(|v| Some((v.memory.as_deref()?, v.bytes.to_string(), v.until?))).collect();
    assert_eq!(lent, [("y", "8*m*n".to_string(), 2)], "{report}");
    let data = |n, m| Array2::from_shape_fn((n, m), |(i, j)| ((i * 31 + j * 17) % 97) as f64 / 97.0);
    let want = |x: &Array2<f64>| {
        let (n, m) = x.dim();
        let turned = Array2::from_shape_fn((n, m), |(i, j)| x[((i * m + j) % n, (i * m + j) / n)].exp());
        Array2::from_shape_fn((n, m), |(i, j)| x[(i, j)] - turned.column(m - 1 - j).fold(0.0, |a: f64, b| a.max(*b)))
    };
    let near = |a: &Array2<f64>, b: &Array2<f64>| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
    for (n, m) in [(20, 30), (200, 150)] {
        let (x, mut y) = (data(n, m), Array2::zeros((n, m)));
        kept(&kernel, &x, &mut y);
        let (_, scratch) = kept(&kernel, &x, &mut y);
        assert_eq!(scratch, 8 * m);
        assert!(near(&y, &want(&x)), "[{n},{m}]");
    }
    // A result in Fortran order.
    let (x, mut y) = (data(20, 30), Array2::zeros((30, 20)));
    let mut call = kernel.call();
    call.bind("x", x.view()).unwrap().bind_mut("y", y.view_mut().reversed_axes()).unwrap().run().unwrap();
    assert_eq!(call.scratch_bytes(), 8 * 30 + 8 * 20 * 30, "{}", call.explain().unwrap());
    assert!(near(&y.t().to_owned(), &want(&x)));
    // A result of other dims.
    let mut b = Kernel::builder("other");
    let [n, m, k] = b.dims(["n", "m", "k"]);
    let (x, z) = (&b.input::<f64>("x", [&n, &m]), &b.input::<f64>("z", [&k]));
    b.output(
        "y",
        z - x.t().exp().reshape([-1]).reshape([elide::Extent::from(n), elide::Extent::from(m)]).max_axis(Axis(0)).invert_axis(0).sum(),
    );
    let report = b.build().unwrap().explain().unwrap();
    assert!(report.values().iter().all(|v| v.until.is_none()), "{report}");
}

/// What lies in an input that is given away is not allocated: a first run keeps what the report says, to the byte, which is less by the
/// bytes of the input than where the input is kept.
#[test]
fn what_is_given_away_holds_values_between_nests() {
    let build = |given: bool| {
        let mut b = Kernel::builder("given");
        let [n] = b.dims(["n"]);
        let (x, k) = (&b.input::<f64>("x", [&n]), &b.input::<i64>("k", [&n]));
        let roots = &(k.cast::<f64>() * x.sum()).sqrt();
        b.output("y", roots.take(k, 0) + roots);
        if given {
            b.give_away(x);
        }
        b.build().unwrap()
    };
    let first = |kernel: &Kernel, n: usize, given: bool| {
        let (mut x, k, mut y) = (vec![0.5; n], (0..n as i64).rev().collect::<Vec<_>>(), vec![0.0; n]);
        let mut call = kernel.call();
        let (result, count) = counted(|| {
            let bound = if given { call.bind_mut("x", &mut x)? } else { call.bind("x", &x)? };
            bound.bind("k", &k)?.bind_mut("y", &mut y)?.run()
        });
        result.unwrap();
        let root = |k: usize| (k as f64 * 0.5 * n as f64).sqrt();
        assert!((0..n).all(|j| y[j] == root(j) + root(n - 1 - j)), "{n}, {given}");
        (count.live as usize, call.scratch_bytes())
    };
    for (given, per_element) in [(false, 8), (true, 0)] {
        let kernel = build(given);
        let report = kernel.explain().unwrap();
        let sizes = [100, 20_000];
        // Once for what grows only the first time.
        sizes.into_iter().for_each(|n| _ = first(&kernel, n, given));
        let [(small, of_small), (large, of_large)] = sizes.map(|n| first(&kernel, n, given));
        let planned = sizes.map(|n| report.scratch_bytes().evaluate(&[("n", n as i64)]).unwrap() as usize);
        assert_eq!(planned, sizes.map(|n| 8 + per_element * n), "{report}");
        assert_eq!([of_small, of_large], planned, "{report}");
        assert_eq!(large - small, planned[1] - planned[0], "what a call keeps is scratch memory: {report}");
    }
}

/// Values of unequal sizes share a slot where one is no longer needed when the other comes to be: the larger size is enough, whichever
/// that is, and a first run keeps no more.
#[test]
fn values_of_unequal_sizes_share_a_slot() {
    let [n, m] = ["n", "m"].map(Size::named);
    let build = |bound: Size| {
        let mut b = Kernel::builder("unequal");
        let [n, m] = b.dims(["n", "m"]);
        let (x, z) = (&b.input::<f64>("x", [&n]), &b.input::<f64>("z", [&m]));
        // What indices point into is stored; the second is made from a sum over what the first gives.
        let reversed = |v: &Expr<'static, f64>, len: &elide::Dim| v.take(Expr::<i64>::indices([len.clone()], 0), 0);
        let (first, total) = (&x.sqrt(), &x.sum());
        let total = (reversed(first, &n) + total).sum();
        let second = &(z + total).sqrt();
        b.output("y", reversed(second, &m) + second);
        b.require(Requirement::peak_bytes(bound));
        b.build()
    };
    // Of each a maximum is proved side by side.
    let kernel = build(n.add(&m).scale(8).add(&Size::from(24i64))).unwrap();
    let report = kernel.explain().unwrap();
    let peak = report.scratch_bytes();
    assert!(peak.to_string().contains("max(8*m, 8*n)"), "{report}");
    let shared = report.slots().iter().find(|s| s.bytes.to_string() == "max(8*m, 8*n)").unwrap();
    assert!(shared.holds.len() >= 2, "{report}");
    let e = build(n.scale(8).add(&Size::from(24i64))).unwrap_err();
    assert!(e.message().contains("max(8*m, 8*n)") && e.message().contains("not seen to be at most 8*n + 24 for all sizes"), "{e}");
    let first = |n: usize, m: usize| {
        let (x, z, mut y) = (vec![0.25; n], vec![0.5; m], vec![0.0; m]);
        let mut call = kernel.call();
        let (result, count) = counted(|| call.bind("x", &x)?.bind("z", &z)?.bind_mut("y", &mut y)?.run());
        result.unwrap();
        let total = n as f64 * (0.5 + 0.25 * n as f64);
        assert!(y.iter().all(|y| (y - 2.0 * (total + 0.5).sqrt()).abs() < 1e-9 * total));
        (count.live as usize, call.scratch_bytes())
    };
    let sizes = [(100, 200), (30_000, 5), (7, 20_000)];
    sizes.into_iter().for_each(|(n, m)| _ = first(n, m));
    let planned = sizes.map(|(n, m)| peak.evaluate(&[("n", n as i64), ("m", m as i64)]).unwrap() as usize);
    let held = sizes.map(|(n, m)| first(n, m));
    assert_eq!(held.map(|(_, scratch)| scratch), planned, "{report}");
    assert!((0..3).all(|k| held[k].0 - planned[k] == held[0].0 - planned[0]), "what a call keeps is scratch memory: {held:?} {planned:?}");
}

/// What a first run allocates beyond a run of a kernel without scratch memory is the report's formula, to the byte, where nothing of
/// it is a window.
#[test]
fn a_first_run_allocates_the_planned_scratch_memory() {
    let flipped = |x: &Expr<'static, f64>| {
        let e = (x - x.max_axis(Axis(0)).invert_axis(0)).exp();
        &e / e.sum_axis(Axis(0)).invert_axis(0)
    };
    let turned = |x: &Expr<'static, f64>| {
        let [n, m] = ["n", "m"].map(elide::Dim::named);
        x.t().exp().reshape([-1]).reshape([elide::Extent::from(n), elide::Extent::from(m)]) + x.max_axis(Axis(0)).invert_axis(0)
    };
    let centred = |x: &Expr<'static, f64>| x - x.mean_axis(Axis(0)).invert_axis(0) + x.max();
    let programs: [Program<'_>; 3] = [&flipped, &turned, &centred];
    for (k, program) in programs.into_iter().enumerate() {
        let kernel = of_a_matrix(program);
        let report = kernel.explain().unwrap();
        assert!(report.slots().iter().all(|s| !s.window), "program {k}:\n{report}");
        let planned = |n: i64, m: i64| report.scratch_bytes().evaluate(&[("n", n), ("m", m)]).unwrap() as usize;
        let data = |n, m| (Array2::from_elem((n, m), 0.5), Array2::zeros((n, m)));
        let ((x, mut y), (v, mut w)) = (data(20, 30), data(200, 150));
        // Once for what grows only the first time.
        kept(&kernel, &x, &mut y);
        kept(&kernel, &v, &mut w);
        let (small, of_small) = kept(&kernel, &x, &mut y);
        let (large, of_large) = kept(&kernel, &v, &mut w);
        assert_eq!((of_small, of_large), (planned(20, 30), planned(200, 150)), "program {k}:\n{report}");
        assert!(planned(200, 150) > planned(20, 30), "program {k}:\n{report}");
        assert_eq!(large - small, planned(200, 150) - planned(20, 30), "program {k}: what a call keeps is scratch memory:\n{report}");
        // A second run allocates nothing more.
        let mut call = kernel.call();
        let mut binding = call.bind("x", v.view()).unwrap().bind_mut("y", w.view_mut()).unwrap();
        binding.run().unwrap();
        let (result, count) = counted(|| binding.run());
        result.unwrap();
        assert_eq!(count, Count::default(), "program {k}");
    }
}
