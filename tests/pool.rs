//! Short calls do not start the pool of threads; long ones do. Alone in its file: the pool is that of the process.

use elide::{Array, Kernel};

/// How many threads this process has; `None` where that cannot be told.
fn threads() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/task").ok()?.count())
}

#[test]
fn short_calls_start_no_threads() {
    let Some(before) = threads() else { return eprintln!("SKIPPED: no /proc/self/task here") };
    let mut b = Kernel::builder("spread");
    let [n] = b.dims(["n"]);
    let x = &b.input::<f64>("x", [n]);
    b.output("y", (x - x.mean()).exp()).output("s", (x * x).sum());
    let kernel = b.build().unwrap();
    let run = |n: usize| {
        let x = Array::new(&[n], vec![0.5; n]).unwrap();
        let (mut y, mut s) = (Array::<f64>::zeros(&[n]).unwrap(), Array::<f64>::zeros(&[]).unwrap());
        let mut call = kernel.call();
        call.bind("x", x.view()).unwrap().bind_mut("y", y.view_mut()).unwrap().bind_mut("s", s.view_mut()).unwrap().run().unwrap();
        assert_eq!((y.as_slice()[n - 1], s.as_slice()[0]), (1.0, 0.25 * n as f64));
    };
    run(1000);
    assert_eq!(threads(), Some(before));
    run(1_000_000);
    let more = std::thread::available_parallelism().map_or(1, |n| n.get()) > 1 && std::env::var_os("RAYON_NUM_THREADS").is_none();
    assert!(!more || threads() > Some(before));
}
