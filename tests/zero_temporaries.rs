//! What is allocated: outputs, and nothing else that grows with the arrays; by a repeated call, nothing at all.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use elide::{ArrayMut, ArrayRef, Axis, Call, Expr, Kernel, lazy};
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
    assert_eq!(l.peak - s.peak, output as isize, "bytes at one time: {s:?} {l:?}");
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

/// What a first run allocates beyond a run of a kernel without scratch memory is the report's formula, to the byte.
#[test]
fn a_first_run_allocates_the_planned_scratch_memory() {
    /// The sum of the allocations that a first run keeps and that are as large as a slot may be.
    fn kept(kernel: &Kernel, x: &Array2<f64>, y: &mut Array2<f64>) -> (usize, usize) {
        let mut call = kernel.call();
        let (result, count) = counted(|| call.bind("x", x.view())?.bind_mut("y", y.view_mut())?.run());
        result.unwrap();
        (count.live as usize, call.scratch_bytes())
    }
    let softmax = |x: &Expr<'static, f64>| {
        let rows = elide::Axes::from(1).keepdims();
        let e = (x - x.max_over(rows.clone())).exp();
        &e / e.sum_over(rows)
    };
    let turned = |x: &Expr<'static, f64>| {
        let [n, m] = ["n", "m"].map(elide::Dim::named);
        x.t().exp().reshape([-1]).reshape([elide::Extent::from(n), elide::Extent::from(m)]) + x.max_axis(Axis(0))
    };
    let centred = |x: &Expr<'static, f64>| x - x.mean_axis(Axis(0)) + x.max();
    let programs: [&dyn Fn(&Expr<'static, f64>) -> Expr<'static, f64>; 3] = [&softmax, &turned, &centred];
    for (k, program) in programs.into_iter().enumerate() {
        let mut b = Kernel::builder("scratch");
        let dims = b.dims(["n", "m"]);
        let x = &b.input::<f64>("x", dims);
        b.output("y", program(x));
        let kernel = b.build().unwrap();
        let report = kernel.explain().unwrap();
        let planned = |n: i64, m: i64| report.scratch_bytes().evaluate(&[("n", n), ("m", m)]).unwrap() as usize;
        let data = |n, m| (Array2::from_elem((n, m), 0.5), Array2::zeros((n, m)));
        let ((x, mut y), (v, mut w)) = (data(20, 30), data(200, 150));
        // Once for what grows only the first time.
        kept(&kernel, &x, &mut y);
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
