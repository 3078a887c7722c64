use elide::{Axis, Kernel, Stage, lazy};
use ndarray::{Array1, Array2};

#[test]
fn sentence() {
    let a = Array2::from_shape_fn((37, 53), |(i, j)| (i as f64 - 18.0) * 0.1 + j as f64 * 0.01);
    let x = &lazy(&a);
    let y = x.gt(0.0).select((-x * x).exp() * x.sin(), 0.0).sum_axis(Axis(1));
    let out: Array1<f64> = y.eval().unwrap();
    for i in 0..37 {
        let want: f64 = a.row(i).iter().map(|&x| if x > 0.0 { (-x * x).exp() * x.sin() } else { 0.0 }).sum();
        assert!((out[i] - want).abs() < 1e-12, "{i} {} {want}", out[i]);
    }
}

#[test]
fn inspect() {
    let mut b = Kernel::builder("damped_rowsum");
    let [n, m] = b.dims(["n", "m"]);
    let x = &b.input::<f64>("x", [n, m]);
    b.output("y", x.gt(0.0).select((-x * x).exp() * x.sin(), 0.0).sum_axis(Axis(1)));
    let k = b.build().unwrap();
    for s in Stage::ALL {
        println!("== {}\n{}", s.name(), k.inspect(*s).unwrap());
    }
    let mut call = k.call();
    let a = Array2::<f64>::ones((3, 5));
    let mut out = Array1::<f64>::zeros(3);
    for _ in 0..2 {
        call.bind(x, a.view()).unwrap().bind_mut("y", out.view_mut()).unwrap().run().unwrap();
    }
    println!("{out} {:?}", k.timings());
}
