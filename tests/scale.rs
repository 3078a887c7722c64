//! Programs far larger than anybody writes by hand: they build, print, compile, run and drop in time that grows with their
//! size, on a thread with a small stack.

use std::time::{Duration, Instant};

use elide::{Array, ArrayMut, ArrayRef, Expr, Kernel, Stage, lazy, s};

/// Runs `f` on a thread with a stack of one MiB, which any recursion over a long chain overflows, and prints how long it took.
fn on_a_small_stack(what: &str, f: impl FnOnce(&mut Watch) + Send + 'static) {
    let what = what.to_string();
    let thread = std::thread::Builder::new().stack_size(1 << 20);
    let handle = thread.spawn(move || {
        let mut watch = Watch(Instant::now(), Vec::new());
        f(&mut watch);
        watch.lap("drop");
        let total: Duration = watch.1.iter().map(|l| l.1).sum();
        let laps: Vec<_> = watch.1.iter().map(|(name, t)| format!("{name} {t:.1?}")).collect();
        println!("{what}: {total:.1?} ({})", laps.join(", "));
    });
    if let Err(panic) = handle.unwrap().join() {
        std::panic::resume_unwind(panic);
    }
}

struct Watch(Instant, Vec<(&'static str, Duration)>);

impl Watch {
    fn lap(&mut self, name: &'static str) {
        self.1.push((name, self.0.elapsed()));
        self.0 = Instant::now();
    }
}

/// Prints every stage but the last two, which compile once more, and the report.
fn inspect(kernel: &Kernel) -> usize {
    Stage::ALL[..4].iter().map(|s| kernel.inspect(*s).unwrap().len()).sum::<usize>() + kernel.explain().unwrap().to_string().len()
}

/// One input of `[n]`, one output.
fn kernel(f: impl FnOnce(&Expr<'static, f64>) -> Expr<'static, f64>, watch: &mut Watch) -> Kernel {
    let mut b = Kernel::builder("scale");
    let [n] = b.dims(["n"]);
    let y = f(&b.input::<f64>("x", [n]));
    watch.lap("build");
    assert!(y.to_string().len() > 2);
    watch.lap("display");
    b.output("y", y);
    let kernel = b.build().unwrap();
    watch.lap("compile");
    kernel
}

fn run(kernel: &Kernel, x: &[f64], outputs: usize) -> Vec<f64> {
    let mut y = vec![0.0; outputs];
    kernel.call().bind("x", x).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
    y
}

const LONG: usize = 100_000;

#[test]
fn a_chain_of_a_hundred_thousand() {
    on_a_small_stack("a chain of 100,000", |watch| {
        // No two steps alike, so that nothing folds.
        let step = |k: usize| 1.0 + (k % 1000) as f64 / 4096.0;
        let chain = |x: &Expr<'static, f64>| {
            (0..LONG).fold(x.clone(), |y, k| match k % 4 {
                0 => y * step(k),
                1 => y + x,
                2 => y.minimum(step(k) * 1e3),
                _ => y - step(k),
            })
        };
        let kernel = kernel(chain, watch);
        let x: Vec<f64> = (0..37).map(|k| k as f64 * 0.25 - 3.0).collect();
        let got = run(&kernel, &x, 37);
        watch.lap("run");
        for (x, got) in x.iter().zip(got) {
            let want = (0..LONG).fold(*x, |y, k| match k % 4 {
                0 => y * step(k),
                1 => y + x,
                2 => y.min(step(k) * 1e3),
                _ => y - step(k),
            });
            assert_eq!(got.to_bits(), want.to_bits(), "{got} {want}");
        }
        assert!(inspect(&kernel) > 50 * LONG);
        watch.lap("inspect");
    });
}

#[test]
fn a_chain_of_views() {
    on_a_small_stack("600 views in a chain", |watch| {
        let kernel = kernel(|x| (0..600).fold(x.clone(), |y, _| y.invert_axis(0).slice(s![1..]) * 1.0000001), watch);
        let x: Vec<f64> = (0..610).map(|k| k as f64).collect();
        let y = run(&kernel, &x, 10);
        assert!((y[0] / 300.0 - 1.0).abs() < 1e-3 && y[9] > y[0], "{y:?}");
        watch.lap("run");
        assert!(inspect(&kernel) > 1000);
        watch.lap("inspect");
    });
}

/// Every level has twice the paths of the one before.
#[test]
fn a_dag_of_doublings() {
    on_a_small_stack("60 doublings", |watch| {
        let kernel = kernel(|x| (0..60).fold(x.clone(), |y, _| &y + &y), watch);
        let y = run(&kernel, &[1.0, -0.5], 2);
        assert_eq!(y, [2f64.powi(60), -(2f64.powi(59))]);
        assert!((1000..100_000).contains(&inspect(&kernel)));
        watch.lap("run and inspect");
    });
}

#[test]
fn a_ladder_of_diamonds() {
    on_a_small_stack("60 diamonds", |watch| {
        let rung = |y: Expr<'static, f64>| (&y + 1.0) * 0.5 + (&y - 1.0) * 0.5;
        let kernel = kernel(|x| (0..60).fold(x.clone(), |y, _| rung(y)), watch);
        assert_eq!(run(&kernel, &[3.0, -0.5, 0.0], 3), [3.0, -0.5, 0.0]);
        assert!(inspect(&kernel) < 100_000);
        watch.lap("run and inspect");
    });
}

/// Each level reads the one below at two places: 2^20 different views of the input if all were recomputed.
#[test]
fn a_tree_of_halves() {
    on_a_small_stack("20 halvings", |watch| {
        let kernel = kernel(|x| (0..20).fold(x.clone(), |y, _| y.slice(s![..;2]) + y.slice(s![1..;2])), watch);
        let x: Vec<f64> = (0..1 << 20).map(|k| (k % 1000) as f64).collect();
        assert_eq!(run(&kernel, &x, 1), [x.iter().sum::<f64>()]);
        watch.lap("run");
        assert!(inspect(&kernel) < 1_000_000);
        watch.lap("inspect");
    });
}

/// Doubling by views of unlike kinds: no two of the many paths compose to one view.
#[test]
fn a_stencil_of_stencils() {
    on_a_small_stack("40 stencils", |watch| {
        let stencil = |y: Expr<'static, f64>| (y.slice(s![..-2]) + y.slice(s![1..-1]) + y.slice(s![2..])) * 0.25;
        let kernel = kernel(|x| (0..40).fold(x.clone(), |y, _| stencil(y)), watch);
        let x = vec![1.0; 100];
        let y = run(&kernel, &x, 20);
        assert!(y.iter().all(|y| (y - 0.75f64.powi(40)).abs() < 1e-12), "{y:?}");
        watch.lap("run");
        assert!(inspect(&kernel) < 10_000_000);
        watch.lap("inspect");
    });
}

#[test]
fn a_chain_of_reductions() {
    on_a_small_stack("500 reductions", |watch| {
        let kernel = kernel(|x| (0..500).fold(x.clone(), |y, _| &y - y.sum() * 0.125), watch);
        let y = run(&kernel, &[1.0, 2.0, 3.0, 4.0], 4);
        assert!(y.iter().sum::<f64>().abs() < 1e-9, "{y:?}");
        watch.lap("run");
        // Nests that each compute all before them anew would print 500 times as much.
        assert!(inspect(&kernel) < 2_000_000, "{}", inspect(&kernel));
        watch.lap("inspect");
    });
}

#[test]
fn hundreds_of_outputs() {
    on_a_small_stack("400 outputs", |watch| {
        let mut b = Kernel::builder("outputs");
        let [n] = b.dims(["n"]);
        let x = b.input::<f64>("x", [n]);
        for k in 0..400 {
            b.output(&format!("y{k}"), &x * (k as f64));
        }
        let kernel = b.build().unwrap();
        watch.lap("compile");
        let x = [1.0, 2.0, 3.0];
        let mut ys = vec![[0.0; 3]; 400];
        let mut call = kernel.call();
        let mut binding = call.bind("x", &x).unwrap();
        for (k, y) in ys.iter_mut().enumerate() {
            binding = binding.bind_mut(format!("y{k}").as_str(), y).unwrap();
        }
        binding.run().unwrap();
        watch.lap("run");
        for (k, y) in ys.iter().enumerate() {
            let k = k as f64;
            assert_eq!(*y, [k, 2.0 * k, 3.0 * k]);
        }
        assert!(inspect(&kernel) > 400);
        watch.lap("inspect");
    });
}

#[test]
fn sixty_four_inputs() {
    on_a_small_stack("64 inputs", |watch| {
        let mut b = Kernel::builder("inputs");
        let [n] = b.dims(["n"]);
        let names: Vec<String> = (0..64).map(|k| format!("x{k}")).collect();
        let inputs: Vec<_> = names.iter().map(|name| b.input::<f32>(name, [&n])).collect();
        let total = inputs.iter().skip(1).fold(inputs[0].clone(), |y, x| y + x);
        b.output("y", total);
        let kernel = b.build().unwrap();
        watch.lap("compile");
        let data: Vec<Vec<f32>> = (0..64).map(|k| (0..200).map(|i| (i * k) as f32).collect()).collect();
        let mut y = vec![0f32; 100];
        for stride in [1isize, 2] {
            let mut call = kernel.call();
            let mut binding = call.bind_mut("y", &mut y).unwrap();
            for (name, x) in names.iter().zip(&data) {
                binding = binding.bind(name.as_str(), ArrayRef::strided(x, &[100], &[stride], 0).unwrap()).unwrap();
            }
            binding.run().unwrap();
            for (i, y) in y.iter().enumerate() {
                assert_eq!(*y, (i * stride as usize * 63 * 32) as f32, "{i} {stride}");
            }
        }
        watch.lap("run");
    });
}

#[test]
fn six_axes() {
    on_a_small_stack("6 axes", |watch| {
        let shape = [2usize, 3, 4, 5, 2, 3];
        let size: usize = shape.iter().product();
        let x = Array::new(&shape, (0..size).map(|k| k as f64).collect()).unwrap();
        let x = lazy(&x);
        // Each output element by the definition.
        let order = [4usize, 2, 0, 5, 1, 3];
        let y = (x.permuted_axes(order) * 2.0).invert_axis(3);
        let got: Vec<f64> = y.eval().unwrap();
        let strides = [360usize, 120, 30, 6, 3, 1];
        let mut index = [0usize; 6];
        for got in got {
            let mut at = 0;
            for k in 0..6 {
                let i = if k == 3 { shape[order[k]] - 1 - index[k] } else { index[k] };
                at += i * strides[order[k]];
            }
            assert_eq!(got, 2.0 * at as f64, "{index:?}");
            for k in (0..6).rev() {
                index[k] += 1;
                if index[k] < shape[order[k]] {
                    break;
                }
                index[k] = 0;
            }
        }
        let sum: Vec<f64> = x.permuted_axes(order).sum_over([0, 2, 4]).eval().unwrap();
        // Axes 4, 0 and 1 of x are summed; 2, 5, 3 are left.
        let mut want = vec![0.0; 4 * 3 * 5];
        for k in 0..size {
            let at = |axis: usize| k / strides[axis] % shape[axis];
            want[(at(2) * 3 + at(5)) * 5 + at(3)] += k as f64;
        }
        assert_eq!(sum, want);
        watch.lap("run");
    });
}

/// A program of many steps in memory that few of them need at once.
#[test]
fn slots_are_reused() {
    on_a_small_stack("100 transposed sums", |watch| {
        let mut b = Kernel::builder("slots");
        let [n] = b.dims(["n"]);
        let x = b.input::<f64>("x", [&n, &n]);
        let y = (0..100).fold(x.clone(), |y, _| (y.exp() * 0.25).cumulative());
        b.output("y", y);
        let kernel = b.build().unwrap();
        watch.lap("compile");
        let (x, mut y) = (Array::<f64>::zeros(&[3, 3]).unwrap(), Array::<f64>::zeros(&[3, 3]).unwrap());
        kernel.call().bind("x", &x).unwrap().bind_mut("y", ArrayMut::from(&mut y)).unwrap().run().unwrap();
        let fixed = y.as_slice()[0];
        assert!(y.as_slice().iter().all(|y| *y == fixed) && fixed > 0.0);
        let schedule = kernel.inspect(Stage::Schedule).unwrap();
        let slots = schedule.lines().filter_map(|l| l.split("in slot ").nth(1)?.split(' ').next()?.parse::<usize>().ok()).max();
        // Four for whole values; the last step reads one of its two sums strip by strip, from a window in a slot of its own.
        let windows = schedule.matches("a window: ").count();
        assert!(windows <= 1 && slots.is_none_or(|s| s < 4 + windows), "{schedule}");
        watch.lap("run");
    });
}

trait Cumulative {
    fn cumulative(&self) -> Self;
}

impl Cumulative for Expr<'static, f64> {
    /// Something that needs all of a square array to give one.
    fn cumulative(&self) -> Self {
        (self.sum_axis(0).insert_axis(1) + self.sum_axis(1).insert_axis(0)) * 0.125
    }
}
