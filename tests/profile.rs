//! What a profile says of each loop nest. Times are not judged, only that there are some.

use elide::{Axis, Backend, Bound, Kernel, Machine, Threads, s};

/// A kernel of three nests: sums of columns, each beside the column at the other end, and sums of the squares of rows.
fn spread() -> Kernel {
    let mut b = Kernel::builder("spread");
    let [n, m] = b.dims(["n", "m"]);
    let x = &b.input::<f64>("x", [n, m]);
    b.output("d", x.sum_axis(Axis(0)).invert_axis(0) - x).output("r", (x * x).sum_axis(Axis(1))).threads(Threads::One);
    b.build().unwrap()
}

#[test]
fn every_nest_has_its_bytes_flops_and_times() {
    let kernel = spread();
    let (n, m) = (300, 200);
    let x: Vec<f64> = (0..n * m).map(|k| (k % 17) as f64).collect();
    let (mut d, mut r) = (vec![0.0; n * m], vec![0.0; n]);
    let mut call = kernel.call();
    let x = elide::ArrayRef::strided(&x, &[n, m], &[m as isize, 1], 0).unwrap();
    let d = elide::ArrayMut::strided(&mut d, &[n, m], &[m as isize, 1], 0).unwrap();
    let mut bound = call.bind("x", x).unwrap().bind_mut("d", d).unwrap().bind_mut("r", &mut r).unwrap();
    let profile = bound.profile(5, Machine::current()).unwrap();
    let report = bound.explain().unwrap();

    assert_eq!(report.nests().len(), 3, "{report}");
    let numbers: Vec<_> = profile.nests().iter().map(|t| t.nests.clone()).collect();
    assert_eq!(numbers, (0..report.nests().len()).map(|k| k..k + 1).collect::<Vec<_>>());
    let dims = [("n", n), ("m", m)].map(|(name, size)| (name, size as i64));
    for (time, nest) in profile.nests().iter().zip(report.nests()) {
        // The same formulas, with numbers; each array is walked once here, so that it has as many bytes as are moved.
        assert_eq!(Some(time.flops as i64), nest.flops.evaluate(&dims), "{profile}");
        let moved = nest.bytes_read().evaluate(&dims).unwrap() + nest.bytes_written().evaluate(&dims).unwrap();
        assert_eq!(time.bytes as i64, moved, "{profile}");
        assert!(time.instructions * Machine::current().vector_bytes as f64 >= time.flops * 8.0, "{profile}");
        assert!(!time.measured.is_zero() && !time.predicted.is_zero(), "{profile}");
        assert!(time.bound == Bound::Instructions || time.bound == time.level, "{profile}");
    }
    assert_eq!(profile.measured(), profile.nests().iter().map(|n| n.measured).sum());
    let text = profile.to_string();
    assert!(text.starts_with("profile of spread, the best of 5 runs\nmachine: L1 "), "{text}");
    assert!(text.contains("\nnest 1: ") && text.contains("\nall: predicted "), "{text}");
}

#[test]
fn a_profiled_run_is_a_run() {
    let mut b = Kernel::builder("doubled");
    let [n] = b.dims(["n"]);
    let x = &b.input::<f64>("x", [n]);
    b.update(x, x * 2.0);
    let kernel = b.build().unwrap();
    let mut x = vec![1.0; 100];
    kernel.call().bind_mut("x", &mut x).unwrap().profile(3, Machine::current()).unwrap();
    assert_eq!(x, [8.0; 100]);
    // Not at all is once: there is nothing to say of no run.
    kernel.call().bind_mut("x", &mut x).unwrap().profile(0, Machine::current()).unwrap();
    assert_eq!(x, [16.0; 100]);
}

#[test]
fn nests_that_run_strip_by_strip_are_one_line() {
    let mut b = Kernel::builder("twice");
    let [n, m] = b.dims(["n", "m"]);
    let x = &b.input::<f64>("x", [n, m]);
    let smooth = |x: &elide::Expr<'static, f64>| x.slice(s![2.., ..]) + x.slice(s![1..-1, ..]).exp() + x.slice(s![..-2, ..]);
    b.output("y", smooth(&smooth(x))).threads(Threads::One);
    let kernel = b.build().unwrap();
    let x = elide::Array::new(&[100, 50], vec![0.5; 5000]).unwrap();
    let mut y = elide::Array::<f64>::zeros(&[96, 50]).unwrap();
    let mut call = kernel.call();
    let mut bound = call.bind("x", x.view()).unwrap().bind_mut("y", y.view_mut()).unwrap();
    let profile = bound.profile(2, Machine::current()).unwrap();
    assert_eq!(bound.explain().unwrap().nests().len(), 2);
    let [both] = profile.nests() else { panic!("{profile}") };
    assert_eq!((both.nests.clone(), both.threads), (0..2, 1));
    // The value between them is in a window, whose bytes are not counted.
    assert_eq!(both.bytes, 8 * (100 * 50 + 96 * 50));
    assert!(profile.to_string().contains("\nnests 0 to 1: 78400 bytes in L2, "), "{profile}");
}

#[test]
fn threads_that_take_part_are_counted() {
    let kernel = spread();
    let x = elide::Array::new(&[64, 64], vec![1.0; 4096]).unwrap();
    let (mut d, mut r) = (elide::Array::<f64>::zeros(&[64, 64]).unwrap(), vec![0.0; 64]);
    let mut call = kernel.call();
    call.set_threads(Threads::N(2)).set_parts(2, false);
    let mut bound = call.bind("x", x.view()).unwrap().bind_mut("d", d.view_mut()).unwrap().bind_mut("r", &mut r).unwrap();
    let profile = bound.profile(1, Machine::current()).unwrap();
    let most = Threads::N(2).count();
    assert!(profile.nests().iter().all(|n| n.threads <= most) && profile.nests().iter().any(|n| n.threads == most), "{profile}");
}

#[test]
fn empty_arrays_leave_nothing_to_time() {
    let kernel = spread();
    let x = elide::Array::<f64>::zeros(&[3, 0]).unwrap();
    let (mut d, mut r) = (elide::Array::<f64>::zeros(&[3, 0]).unwrap(), vec![1.0; 3]);
    let mut call = kernel.call();
    let mut bound = call.bind("x", x.view()).unwrap().bind_mut("d", d.view_mut()).unwrap().bind_mut("r", &mut r).unwrap();
    let profile = bound.profile(1, Machine::current()).unwrap();
    assert!(profile.nests().iter().all(|n| n.flops == 0.0), "{profile}");
    drop(bound);
    assert_eq!(r, [0.0; 3]);
}

#[test]
fn a_machine_that_is_measured_is_the_same_one() {
    let (measured, current) = (Machine::measure().unwrap(), Machine::current());
    assert_eq!(measured.vector_bytes, current.vector_bytes);
    assert_eq!(measured.caches.iter().map(|c| c.bytes).collect::<Vec<_>>(), current.caches.iter().map(|c| c.bytes).collect::<Vec<_>>());
    let rates = measured.caches.iter().map(|c| c.rate).chain([measured.memory_rate, measured.instruction_rate]);
    assert!(rates.into_iter().all(|r| r.is_finite() && r > 0.0), "{measured}");
    let widest = Backend::available().into_iter().map(|b| match b {
        Backend::Avx512 => 64,
        Backend::Avx2 => 32,
        _ => 16,
    });
    assert_eq!(Some(current.vector_bytes), widest.max());
}
