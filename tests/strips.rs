//! Steps that run strip by strip, over arrays of one strip and of many: every element, against loops over whole arrays.

use elide::{Array, Axes, Axis, Dim, Expr, Kernel, Placement, Stage, s};

fn kernel(f: impl Fn(&Expr<'static, f64>) -> Expr<'static, f64>, update: bool) -> Kernel {
    let mut b = Kernel::builder("strips");
    let dims = b.dims(["n", "m"]);
    let x = &b.input::<f64>("x", dims);
    match update {
        true => b.update(x, f(x)),
        false => b.output("y", f(x)),
    };
    b.build().unwrap()
}

fn data(n: usize, m: usize) -> Vec<f64> {
    (0..n * m).map(|k| ((k * 7919) % 1009) as f64 * 0.01 - 3.0).collect()
}

/// How each step moves that runs strip by strip: its axis, and where its index 0 is in the strips' coordinate.
fn strip(kernel: &Kernel) -> Vec<String> {
    let schedule = kernel.inspect(Stage::Schedule).unwrap();
    let part = schedule.lines().filter(|l| l.contains(", where its index 0 is at "));
    part.map(|l| l.split_once(" along ").unwrap().1.replace(", where its index 0 is", "")).collect()
}

fn run(kernel: &Kernel, [n, m]: [usize; 2], shape: [usize; 2]) -> (Vec<f64>, Vec<f64>) {
    let x = Array::new(&[n, m], data(n, m)).unwrap();
    let mut y = Array::<f64>::zeros(&shape).unwrap();
    kernel.call().bind("x", &x).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
    (x.as_slice().to_vec(), y.as_slice().to_vec())
}

fn updated(kernel: &Kernel, n: usize, m: usize) -> Vec<f64> {
    let mut x = Array::new(&[n, m], data(n, m)).unwrap();
    kernel.call().bind_mut("x", &mut x).unwrap().run().unwrap();
    x.as_slice().to_vec()
}

fn rows_max(x: &[f64], m: usize) -> Vec<f64> {
    x.chunks(m).map(|row| row.iter().copied().fold(f64::MIN, f64::max)).collect()
}

/// The rows that the next strip needs stay in the window.
#[test]
fn a_stencil_on_a_reduction() {
    let k = kernel(
        |x| {
            let h = x.max_over(Axes::from(1).keepdims());
            x.slice(s![2..]) - (h.slice(s![..-2]) + h.slice(s![2..]) * 3.0 + h.slice(s![1..-1]))
        },
        false,
    );
    assert_eq!(strip(&k), ["axis 0 at 0", "axis 0 at 2"]);
    for (n, m) in [(3, 5), (20, 9), (30_001, 5), (60_000, 3), (9_000, 40)] {
        let (x, y) = run(&k, [n, m], [n - 2, m]);
        let h = rows_max(&x, m);
        for (at, y) in y.iter().enumerate() {
            let i = at / m;
            assert_eq!(*y, x[at + 2 * m] - (h[i] + h[i + 2] * 3.0 + h[i + 1]), "[{n},{m}] at row {i}");
        }
    }
}

/// A reduction of what a reduction gives, and a stencil of that, along the axis that is adjacent in memory.
#[test]
fn three_steps_along_columns() {
    let k = kernel(
        |x| {
            let h = x.max_axis(Axis(0));
            let g = (x.slice(s![.., 1..]) - h.slice(s![..-1])).min_axis(Axis(0));
            x.slice(s![.., 3..]) + g.slice(s![2..]) - g.slice(s![..-2])
        },
        false,
    );
    assert_eq!(strip(&k), ["axis 0 at 0", "axis 0 at 0", "axis 1 at 2"]);
    for (n, m) in [(3, 5), (9, 20), (5, 30_001), (3, 60_000), (40, 9_000)] {
        let (x, y) = run(&k, [n, m], [n, m - 3]);
        let fold = |m: usize, f: &dyn Fn(usize, usize) -> f64, start: f64, best: fn(f64, f64) -> f64| -> Vec<f64> {
            (0..m).map(|j| (0..n).map(|i| f(i, j)).fold(start, best)).collect()
        };
        let h = fold(m, &|i, j| x[i * m + j], f64::MIN, f64::max);
        let g = fold(m - 1, &|i, j| x[i * m + j + 1] - h[j], f64::MAX, f64::min);
        for (at, y) in y.iter().enumerate() {
            let (i, j) = (at / (m - 3), at % (m - 3));
            assert_eq!(*y, x[i * m + j + 3] + g[j + 2] - g[j], "[{n},{m}] at [{i},{j}]");
        }
    }
}

/// What a strip overwrites no later one reads, as steps that overwrite lag behind those that read.
#[test]
fn updates() {
    let h = |x: &Expr<'static, f64>| x.max_over(Axes::from(1).keepdims());
    let own = kernel(|x| x - h(x), true);
    let ahead = kernel(|x| x.at(s![..-1]).set(x.slice(s![..-1]) - h(x).slice(s![1..])), true);
    let behind = kernel(|x| x.at(s![1..]).set(x.slice(s![1..]) - h(x).slice(s![..-1])), true);
    assert_eq!(strip(&own), ["axis 0 at 0", "axis 0 at 0"]);
    assert_eq!(strip(&ahead), ["axis 0 at 0", "axis 0 at 1"]);
    assert_eq!(strip(&behind), ["axis 0 at 0", "axis 0 at 1"]);
    for (n, m) in [(2, 3), (30_001, 5), (60_000, 3)] {
        let x = data(n, m);
        let h = rows_max(&x, m);
        let (own, ahead, behind) = (updated(&own, n, m), updated(&ahead, n, m), updated(&behind, n, m));
        for (at, x) in x.iter().enumerate() {
            let i = at / m;
            assert_eq!(own[at], x - h[i], "[{n},{m}] at row {i}");
            assert_eq!(ahead[at], if i + 1 < n { x - h[i + 1] } else { *x }, "[{n},{m}] at row {i}");
            assert_eq!(behind[at], if i > 0 { x - h[i - 1] } else { *x }, "[{n},{m}] at row {i}");
        }
    }
}

/// What every index of an update reads is loaded before the loop, and must not be loaded again strip by strip.
#[test]
fn an_element_that_all_read_is_not_read_again() {
    let mut b = Kernel::builder("all_read");
    let [n] = b.dims(["n"]);
    let x = &b.input::<f32>("x", [&n]);
    let z = &b.input::<f32>("z", [&n]);
    let halves = &(z + 1.0).sqrt();
    b.output("y", halves.slice(s![1..]).exp() + halves.slice(s![..-1]).exp() + z.at(s![1..-1]).set(0.5).max() * 0.0);
    b.update(x, x.at(s![..]).set(x.slice(s![1]) * x.slice(s![-2]) + halves * 0.0));
    let kernel = b.build().unwrap();
    for length in [1, 3, 100] {
        let (mut x, z, mut y) = ([2.0f32, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0], [1.0f32; 7], [0.0f32; 6]);
        let mut call = kernel.call();
        call.set_strip_length(length);
        call.bind("z", &z).unwrap().bind_mut("x", &mut x).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
        assert_eq!(x, [39.0; 7], "strips of {length}\n{}", call.explain().unwrap());
    }
    // The program that found it: for two elements it is optimized without assumptions, and then goes strip by strip.
    let mut b = Kernel::builder("found");
    let [n] = b.dims(["n"]);
    let (x, z) = (&b.input::<f32>("x", [&n]), &b.input::<bool>("z", [&n]));
    let last = z.slice(s![-1, elide::Slice::NewAxis]);
    let set = z.at(s![-2..-1]).set(z.slice(s![-2..-1]) | last);
    b.update(x, x.at(s![..]).set(x.slice(s![1, elide::Slice::NewAxis]) * x.slice(s![-2, elide::Slice::NewAxis])));
    b.output("y", set.slice(s![-2..-1]));
    let kernel = b.build().unwrap();
    let (mut x, mut y) = ([3.0f32, 5.0], [false]);
    let mut call = kernel.call();
    call.set_strip_length(1);
    call.bind("z", &[true, true]).unwrap().bind_mut("x", &mut x).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
    assert_eq!(x, [15.0; 2], "{}", call.explain().unwrap());
}

/// Exponentials that are summed and then divided are computed once, into a window, if that is small whatever the input's size; else
/// anew for each, in no memory. Either way they have the same bits.
#[test]
fn what_is_dear_is_computed_once_for_all_steps_of_a_strip() {
    let softmax = |columns: Option<usize>| {
        let mut b = Kernel::builder("softmax");
        let n = Dim::named("n");
        let m = columns.map_or(Dim::named("m"), Dim::from);
        let x = &b.input::<f64>("x", [n, m]);
        let rows = || Axes::from(1).keepdims();
        let e = &(x - x.max_over(rows())).exp();
        b.output("y", e / e.sum_over(rows()));
        b.build().unwrap()
    };
    let dear = |k: &Kernel| {
        let report = k.explain().unwrap();
        let exp = report.values().iter().find(|v| v.text.starts_with("exp")).unwrap();
        (exp.placement, exp.nests.len())
    };
    assert_eq!(dear(&softmax(Some(40))), (Placement::TileScratch, 1));
    assert_eq!(dear(&softmax(None)), (Placement::Inline, 2));
    // A row of 32 KB is no small window.
    assert_eq!(dear(&softmax(Some(4096))), (Placement::Inline, 2));
    // Each of several is judged by itself.
    let mut b = Kernel::builder("two");
    let [n, m] = b.dims(["n", "m"]);
    let (x, y) = (b.input::<f64>("x", [n, 40.into()]), b.input::<f64>("y", [m.clone(), m]));
    for (name, x) in [("of_x", &x), ("of_y", &y)] {
        let e = &(x - x.max_over(Axes::from(1).keepdims())).exp();
        b.output(name, e / e.sum_over(Axes::from(1).keepdims()));
    }
    let report = b.build().unwrap().explain().unwrap();
    let mut exps: Vec<_> = report.values().iter().filter(|v| v.text.starts_with("exp")).map(|v| v.placement).collect();
    exps.sort();
    assert_eq!(exps, [Placement::Inline, Placement::TileScratch]);
    for (n, m) in [(1, 40), (700, 40), (5_000, 40)] {
        let (_, once) = run(&softmax(Some(m)), [n, m], [n, m]);
        let (_, anew) = run(&softmax(None), [n, m], [n, m]);
        assert_eq!(once, anew, "[{n},{m}]");
    }
}
