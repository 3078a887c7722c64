//! Kernels are shared between threads, calls move between them, and code lives as long as somebody may call it.

use std::sync::Barrier;

use elide::testing::Rng;
use elide::{Array, ArrayMut, ArrayRef, Axes, Axis, Call, Error, Expr, Kernel, KernelBuilder, Stage, Threads, s};

#[test]
fn kernels_are_shared_and_calls_are_sent() {
    fn shared<T: Send + Sync + Clone>() {}
    fn sent<T: Send>() {}
    fn moved<T: Send + Sync>() {}
    shared::<Kernel>();
    shared::<Error>();
    sent::<Call>();
    moved::<Array<f64>>();
}

fn sentence<'a>(x: &Expr<'a, f64>) -> Expr<'a, f64> {
    x.gt(0.0).select((-x * x).exp() * x.sin(), 0.0).sum_axis(Axis(1))
}

fn kernel() -> Kernel {
    let mut b: KernelBuilder = Kernel::builder("sentence");
    let [n, m] = b.dims(["n", "m"]);
    let x = b.input::<f64>("x", [n, m]);
    b.output("y", sentence(&x));
    b.build().unwrap()
}

/// The row sums of a random matrix of this shape in a layout that depends on `kind`.
fn one_call(call: &mut Call, rng: &mut Rng, kind: usize) -> Vec<u64> {
    let (n, m) = (1 + rng.below(40), rng.below(300));
    let data: Vec<f64> = (0..2 * n * m + 1).map(|_| rng.between(-300, 300) as f64 / 64.0).collect();
    let (n_, m_) = (n as isize, m as isize);
    let (strides, first) = match kind % 4 {
        0 => ([m_, 1], 0),
        1 => ([1, n_], 0),
        2 => ([2 * m_, 2], 0),
        _ => ([-m_, -1], (n * m).saturating_sub(1)),
    };
    let x = ArrayRef::strided(&data, &[n, m], &strides, first).unwrap();
    let mut y = vec![f64::NAN; n];
    call.bind("x", x).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
    y.iter().map(|y| y.to_bits()).collect()
}

/// Many threads, one kernel, layouts that are compiled while others run: the same bits as from one thread alone.
#[test]
fn one_kernel_on_many_threads() {
    const THREADS: usize = 8;
    const CALLS: usize = 40;
    let work = |call: &mut Call, seed: usize| -> Vec<Vec<u64>> {
        let mut rng = Rng::new(seed as u64);
        (0..CALLS).map(|k| one_call(call, &mut rng, k + seed)).collect()
    };
    let alone = kernel();
    let want: Vec<_> = (0..THREADS).map(|seed| work(&mut alone.call(), seed)).collect();
    let shared = kernel();
    let barrier = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..THREADS)
            .map(|seed| {
                let (shared, barrier) = (&shared, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    work(&mut shared.call(), seed)
                })
            })
            .collect();
        for (seed, handle) in handles.into_iter().enumerate() {
            assert_eq!(handle.join().unwrap(), want[seed], "thread {seed}");
        }
    });
}

/// Threads that build the same program at the same time, and look at it.
#[test]
fn building_on_many_threads() {
    let barrier = Barrier::new(4);
    let texts: Vec<String> = std::thread::scope(|scope| {
        let one = || {
            barrier.wait();
            let k = kernel();
            Stage::ALL.iter().map(|s| k.inspect(*s).unwrap()).collect()
        };
        let handles: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
        handles.into_iter().map(|h| h.join().unwrap()).collect()
    });
    assert!(texts.iter().all(|t| *t == texts[0]));
}

/// A kernel with a constant that no other test has, so that nobody else keeps its code.
fn scaled(by: f64) -> Kernel {
    let mut b = Kernel::builder("scaled");
    let [n] = b.dims(["n"]);
    let x = b.input::<f64>("x", [n]);
    b.output("y", x * by);
    b.build().unwrap()
}

fn call_scaled(call: &mut Call) -> [f64; 2] {
    let mut y = [0.0; 2];
    call.bind("x", &[1.0, 2.0]).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
    y
}

#[test]
fn a_call_outlives_its_kernel() {
    let mut call = {
        let kernel = scaled(17.25);
        kernel.call()
    };
    assert_eq!(call_scaled(&mut call), [17.25, 34.5]);
    // Prepared or not, on this thread or another.
    let mut call = std::thread::spawn(move || {
        assert_eq!(call_scaled(&mut call), [17.25, 34.5]);
        call
    })
    .join()
    .unwrap();
    assert_eq!(call_scaled(&mut call), [17.25, 34.5]);
}

/// More different kernels than the process keeps code for: the code of those in use stays, the rest is freed.
#[test]
fn code_is_freed_and_code_in_use_is_not() {
    let kept = scaled(0.5);
    let mut call = kept.call();
    assert_eq!(call_scaled(&mut call), [0.5, 1.0]);
    drop(kept);
    let before = executable_bytes();
    let mut most = 0;
    for k in 0..1300 {
        let y = call_scaled(&mut scaled(1000.0 + k as f64).call());
        assert_eq!(y[0], 1000.0 + k as f64);
        if k % 100 == 0 {
            most = most.max(executable_bytes().saturating_sub(before));
        }
    }
    assert_eq!(call_scaled(&mut call), [0.5, 1.0]);
    // At least a page each: 1300 that stay would be more than this.
    if before > 0 {
        assert!(most < 1100 * 4096, "{most} bytes of code");
    }
}

/// The memory of this process that may be executed, or 0 where the system does not tell.
fn executable_bytes() -> usize {
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else { return 0 };
    let anonymous =
        maps.lines().filter(|l| l.split_whitespace().nth(1).is_some_and(|p| p.contains('x')) && l.split_whitespace().count() == 5);
    let size = |l: &str| {
        let (low, high) = l.split_whitespace().next()?.split_once('-')?;
        Some(usize::from_str_radix(high, 16).ok()? - usize::from_str_radix(low, 16).ok()?)
    };
    anonymous.filter_map(size).sum()
}

/// Outputs of several threads in one allocation, disjoint rows each.
#[test]
fn threads_share_an_output() {
    let k = kernel();
    let (rows, m) = (64, 50);
    let x = Array::new(&[rows, m], (0..rows * m).map(|k| (k % 13) as f64 * 0.25).collect()).unwrap();
    let mut whole = vec![0.0; rows];
    k.call().bind("x", &x).unwrap().bind_mut("y", &mut whole).unwrap().run().unwrap();
    let mut parts = vec![0.0; rows];
    std::thread::scope(|scope| {
        for (out, rows) in parts.chunks_mut(16).zip(x.as_slice().chunks(16 * m)) {
            let k = &k;
            scope.spawn(move || {
                let x = ArrayRef::strided(rows, &[16, m], &[m as isize, 1], 0).unwrap();
                k.call().bind("x", x).unwrap().bind_mut("y", ArrayMut::from_slice(out)).unwrap().run().unwrap();
            });
        }
    });
    assert_eq!(whole, parts);
}

/// Steps that are worth it run in parts, which gives the same bits, also with a call inside of each thread of the pool.
#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let (n, m) = (700, 300);
    let data: Vec<f64> = (0..n * m).map(|k| ((k * 7919) % 1001) as f64 / 64.0 - 7.0).collect();
    let mut b = Kernel::builder("several");
    let [rows, columns] = b.dims(["n", "m"]);
    let x = &b.input::<f64>("x", [rows, columns]);
    b.output("y", (x * x).exp() - x.sin());
    b.output("rows", sentence(x));
    b.output("columns", x.sum_axis(Axis(0)));
    b.output("turned", x.t() * 2.0);
    let kernel = b.build().unwrap();
    let results = |threads: Threads, parts: Option<i64>| {
        let mut call = kernel.call();
        call.set_threads(threads);
        if let Some(parts) = parts {
            call.set_parts(parts, false);
        }
        let mut out = [vec![f64::NAN; n * m], vec![f64::NAN; n], vec![f64::NAN; m], vec![f64::NAN; n * m]];
        let [y, rows, columns, turned] = &mut out;
        let input = ArrayRef::strided(&data, &[n, m], &[m as isize, 1], 0).unwrap();
        call.bind("x", input)
            .and_then(|c| c.bind_mut("y", ArrayMut::strided(y, &[n, m], &[m as isize, 1], 0)?))
            .and_then(|c| c.bind_mut("rows", rows))
            .and_then(|c| c.bind_mut("columns", columns))
            .and_then(|c| c.bind_mut("turned", ArrayMut::strided(turned, &[m, n], &[n as isize, 1], 0)?))
            .and_then(|mut c| c.run())
            .unwrap();
        out.map(|v| v.into_iter().map(f64::to_bits).collect::<Vec<_>>())
    };
    let want = results(Threads::One, None);
    for (threads, parts) in
        [(Threads::Auto, None), (Threads::N(2), None), (Threads::Auto, Some(2)), (Threads::N(3), Some(37)), (Threads::N(0), None)]
    {
        assert!(results(threads, parts) == want, "{threads:?} {parts:?}");
    }
    let (a, b) = rayon::join(|| results(Threads::Auto, Some(5)), || results(Threads::Auto, Some(8)));
    assert!(a == want && b == want);
}

/// What updates its own array in an order of the loops does not run in parts.
#[test]
fn ordered_loops_run_on_one_thread() {
    let n = 1 << 20;
    let mut b = Kernel::builder("running");
    let x = &b.input::<f64>("x", [n]);
    b.update(x, x.at(elide::s![1..]).add(x.slice(elide::s![..-1])));
    let kernel = b.build().unwrap();
    let start: Vec<f64> = (0..n).map(|k| (k % 1000) as f64).collect();
    let mut got = start.clone();
    kernel.call().bind_mut("x", &mut got).unwrap().run().unwrap();
    assert!((1..n).all(|k| got[k] == start[k] + start[k - 1]) && got[0] == start[0]);
}

/// Where an index of the outermost loop reads what the next one overwrites, the step is not cut: its parts, the last one first, would
/// read what they should not.
#[test]
fn updates_in_place_are_cut_where_their_order_does_not_matter() {
    let (n, m) = (37isize, 41isize);
    let data: Vec<f64> = (0..n * m).map(|k| ((k * 7919) % 1001) as f64).collect();
    // How far ahead, in rows and columns, the element is that is added.
    for (down, right) in [(0isize, 1isize), (1, 0), (1, 1), (2, 0)] {
        let mut b = Kernel::builder("ahead");
        let [rows, columns] = b.dims(["n", "m"]);
        let x = &b.input::<f64>("x", [rows, columns]);
        let here = x.slice(s![..n - down, ..m - right]);
        let sum = here + x.slice(s![down.., right..]);
        b.update(x, x.at(s![..n - down, ..m - right]).set(sum));
        let kernel = b.build().unwrap();
        let mut want = data.clone();
        for i in 0..(n - down) as usize {
            for j in 0..(m - right) as usize {
                want[i * m as usize + j] += data[(i + down as usize) * m as usize + j + right as usize];
            }
        }
        for parts in [1, 2, 3, 37] {
            let mut got = data.clone();
            let mut call = kernel.call();
            call.set_parts(parts, true);
            let array = ArrayMut::strided(&mut got, &[n as usize, m as usize], &[m, 1], 0).unwrap();
            call.bind_mut("x", array).and_then(|mut c| c.run()).unwrap();
            assert_eq!(got, want, "{down} rows down and {right} to the right, in {parts} parts");
        }
    }
}

/// An array of rank 0.
fn one<T: elide::Element>(element: &mut T) -> ArrayMut<'_> {
    ArrayMut::strided(std::slice::from_mut(element), &[], &[], 0).unwrap()
}

/// Halves of the tree that a reduction is, on the pool and one after another: the bits are those of the whole.
#[test]
fn reductions_to_one_number_in_halves() {
    let mut b = Kernel::builder("totals");
    let [n] = b.dims(["n"]);
    let (x, k) = (&b.input::<f32>("x", [&n]), &b.input::<i64>("k", [&n]));
    b.output("sum", x.sum()).output("squares", (x * x).sum()).output("count", x.gt(0.5).cast::<i64>().sum());
    b.output("least", k.min()).output("product", k.prod()).output("all", k.gt(-1000).all());
    let kernel = b.build().unwrap();
    for n in [1usize, 100, 129, 1000, 70_001, 3_000_000] {
        let x: Vec<f32> = (0..n).map(|k| ((k * 7919) % 1013) as f32 / 512.0 - 0.75).collect();
        let k: Vec<i64> = (0..n as i64).map(|k| (k * 7919) % 1999 - 999).collect();
        let results = |parts: Option<(i64, bool)>| {
            let (mut floats, mut ints, mut all) = ([f32::NAN; 2], [0i64; 3], false);
            let [sum, squares] = &mut floats;
            let [count, least, product] = &mut ints;
            let mut call = kernel.call();
            match parts {
                Some((parts, backward)) => call.set_parts(parts, backward),
                None => {
                    call.set_threads(Threads::One);
                }
            }
            let bound = call.bind("x", &x).unwrap().bind("k", &k).unwrap();
            let bound = bound.bind_mut("sum", one(sum)).unwrap().bind_mut("squares", one(squares)).unwrap();
            let bound = bound.bind_mut("count", one(count)).unwrap();
            let bound = bound.bind_mut("least", one(least)).unwrap().bind_mut("product", one(product)).unwrap();
            bound.bind_mut("all", one(&mut all)).unwrap().run().unwrap();
            (floats.map(f32::to_bits), ints, all)
        };
        let want = results(None);
        for parts in [Some((2, true)), Some((2, false)), Some((1, false))] {
            assert_eq!(results(parts), want, "{n} elements, {parts:?}");
        }
    }
}

/// What is made of reduced numbers is made of them once, when halves have been combined, and not of each half. Where it takes a number
/// from memory as well, the whole is reduced by one thread.
#[test]
fn what_is_made_of_a_number_is_made_of_the_whole() {
    type Program = fn(&Expr<'static, f64>, &Expr<'static, f64>) -> Expr<'static, f64>;
    let programs: [Program; 6] = [
        |x, _| x.mean(),
        |x, _| (x * x).sum().sqrt(),
        |x, _| ((x * x).mean() - x.mean() * x.mean()).sqrt(),
        |x, _| x.exp().sum().log() + x.sum().sin(),
        |x, y| x.sum() * y,
        |x, _| x.cast::<f32>().mean().cast::<f64>() + x.gt(0.0).any().cast::<f64>(),
    ];
    for (at, program) in programs.into_iter().enumerate() {
        let mut b = Kernel::builder("made");
        let [n] = b.dims(["n"]);
        let (x, y) = (&b.input::<f64>("x", [&n]), &b.input::<f64>("y", [0usize; 0]));
        b.output("z", program(x, y));
        let kernel = b.build().unwrap();
        for n in [1usize, 100, 129, 1000, 70_001, 3_000_000] {
            let x: Vec<f64> = (0..n).map(|k| ((k * 7919) % 1013) as f64 / 512.0 - 0.75).collect();
            let result = |parts: Option<(i64, bool)>| {
                let mut call = kernel.call();
                match parts {
                    Some((parts, backward)) => call.set_parts(parts, backward),
                    None => {
                        call.set_threads(Threads::One);
                    }
                }
                let (mut z, y) = (f64::NAN, ArrayRef::strided(&[0.1], &[], &[], 0).unwrap());
                call.bind("x", &x).unwrap().bind("y", y).unwrap().bind_mut("z", one(&mut z)).unwrap().run().unwrap();
                z.to_bits()
            };
            let want = result(None);
            for parts in [Some((2, true)), Some((2, false)), Some((8, true)), Some((1, false))] {
                assert_eq!(result(parts), want, "program {at} of {n} elements, {parts:?}");
            }
        }
    }
}

/// Which of both zeros a maximum is, is left open, but not to the number of threads.
#[test]
fn a_maximum_of_zeros_does_not_depend_on_threads() {
    let mut b = Kernel::builder("most");
    let [n] = b.dims(["n"]);
    let x = b.input::<f64>("x", [&n]);
    b.output("most", x.max());
    let kernel = b.build().unwrap();
    let mut x = vec![-0.0; 300_000];
    x[299_999] = 0.0;
    let most = |parts| {
        let (mut most, mut call) = (f64::NAN, kernel.call());
        call.set_parts(parts, true);
        call.bind("x", &x).unwrap().bind_mut("most", one(&mut most)).unwrap().run().unwrap();
        most.to_bits()
    };
    assert_eq!(most(2), most(1));
}

/// Strips that may come in any order give the same bits in any order and on any number of threads; others are left in order.
#[test]
fn strips_on_several_threads() {
    type Program = fn(&Expr<'static, f64>) -> Expr<'static, f64>;
    let softmax: Program = |x| {
        let e = (x - x.max_over(Axes::from(2).keepdims())).exp();
        &e / e.sum_over(Axes::from(2).keepdims())
    };
    let standardized: Program = |x| {
        let d = x - x.mean_axis(Axis(0));
        &d / (&d * &d).mean_axis(0).sqrt()
    };
    // Planes are problems of their own, and rows of a plane are not.
    let planes: Program = |x| {
        let most = x.max_over(Axes::from(2).keepdims());
        x.slice(s![.., 1.., ..]) - most.slice(s![.., ..-1, ..]) * most.slice(s![.., 1.., ..])
    };
    let shifted: Program = |x| {
        let most = x.max_over(Axes::from(2).keepdims());
        x.slice(s![1.., .., ..]) - most.slice(s![..-1, .., ..]) * most.slice(s![1.., .., ..])
    };
    let updated: Program = |x| x - x.sum_over(Axes::from(2).keepdims());
    let carried: Program = |x| {
        let most = x.max_over(Axes::from(2).keepdims());
        x.at(s![..-1, ..-1, ..]).set(x.slice(s![1.., 1.., ..]) - most.slice(s![..-1, ..-1, ..]))
    };
    let programs = [
        (softmax, false, true),
        (standardized, false, true),
        (planes, false, true),
        (shifted, false, false),
        (updated, true, true),
        (carried, true, false),
    ];
    let (k, n, m) = (9, 11, 7);
    let data: Vec<f64> = (0..k * n * m).map(|k| ((k * 7919) % 1009) as f64 * 0.01 - 3.0).collect();
    for (at, (program, update, free)) in programs.into_iter().enumerate() {
        let mut b = Kernel::builder("strips");
        let dims = b.dims(["k", "n", "m"]);
        let x = &b.input::<f64>("x", dims);
        match update {
            true => b.update(x, program(x)),
            false => b.output("y", program(x)),
        };
        let kernel = b.build().unwrap();
        let schedule = kernel.inspect(Stage::Schedule).unwrap();
        assert_eq!(
            (schedule.contains("strip by strip"), schedule.contains("strip by strip, in any order")),
            (true, free),
            "{at}: {schedule}"
        );
        let results = |length: Option<i64>, parts: Option<(i64, bool)>| {
            let mut call = kernel.call();
            call.set_threads(Threads::One);
            length.into_iter().for_each(|l| call.set_strip_length(l));
            parts.into_iter().for_each(|(parts, backward)| call.set_parts(parts, backward));
            let mut x = Array::new(&[k, n, m], data.clone()).unwrap();
            if update {
                call.bind_mut("x", &mut x).unwrap().run().unwrap();
                return x.as_slice().to_vec();
            }
            let shape = [k - (at == 3) as usize, n - (at == 2) as usize, m];
            let mut y = Array::<f64>::zeros(&shape).unwrap();
            call.bind("x", &x).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
            y.as_slice().to_vec()
        };
        let want = results(None, None);
        for length in [None, Some(1), Some(2), Some(3)] {
            for parts in [None, Some((2, false)), Some((2, true)), Some((3, true)), Some((8, false)), Some((100, true))] {
                assert!(results(length, parts) == want, "program {at}, strips of {length:?} in {parts:?}\n{schedule}");
            }
        }
    }
}
