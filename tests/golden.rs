//! The text of every stage of some programs, kept in files: what a change of the compiler does is seen by `git diff`.
//!
//! `BLESS=1 cargo test --test golden` writes the files anew. Machine code is left out, as it depends on the CPU; Cranelift's
//! intermediate form is kept for a few short programs, and for x86-64 only, where the calling convention and the choice of
//! instructions are fixed.

use std::fmt::Write;
use std::path::Path;

use elide::{Axes, Axis, DType, Dim, Kernel, KernelBuilder, Shape, Stage, s};

/// The programs whose Cranelift code is short enough to be read.
const WITH_CLIF: &[&str] = &["stencil", "transpose_add", "diagonal", "selected"];

/// Compares each stage with `tests/golden/{name}.txt`.
fn golden(name: &str, source: &str, declare: impl FnOnce(&mut KernelBuilder)) {
    let mut b = Kernel::builder(name);
    declare(&mut b);
    let kernel = b.build().unwrap();
    let mut text = String::new();
    for line in source.lines() {
        writeln!(text, "# {line}").unwrap();
    }
    let clif = cfg!(all(target_arch = "x86_64", unix)) && WITH_CLIF.contains(&name);
    for stage in Stage::ALL.iter().filter(|s| **s != Stage::Asm && (clif || **s != Stage::Clif)) {
        write!(text, "\n===== {}\n{}", stage.name(), kernel.inspect(*stage).unwrap()).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.txt"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let kept = if clif { &kept[..] } else { kept.split("\n===== clif").next().unwrap_or_default() };
    if let Some((line, (want, got))) = kept.lines().zip(text.lines()).enumerate().find(|(_, (want, got))| want != got) {
        panic!("{}:{}:\n  was: {want}\n  now: {got}\nBLESS=1 cargo test --test golden rewrites the file", path.display(), line + 1);
    }
    let (want, got) = (kept.lines().count(), text.lines().count());
    assert_eq!(got, want, "{}: {want} lines became {got}; BLESS=1 cargo test --test golden rewrites the file", path.display());
}

#[test]
fn damped_row_sum() {
    golden("damped_row_sum", "y = where(x > 0, exp(-x * x) * sin(x), 0).sum(axis=1), x: f64[n,m]", |b| {
        let [n, m] = b.dims(["n", "m"]);
        let x = b.input::<f64>("x", [n, m]);
        b.output("y", x.gt(0.0).select((-&x * &x).exp() * x.sin(), 0.0).sum_axis(Axis(1)));
    });
}

#[test]
fn stencil() {
    golden("stencil", "y = (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]) * 0.25, u: f32[n,m]", |b| {
        let [n, m] = b.dims(["n", "m"]);
        let u = b.input::<f32>("u", [n, m]);
        let (up, down) = (u.slice(s![..-2, 1..-1]), u.slice(s![2.., 1..-1]));
        let (left, right) = (u.slice(s![1..-1, ..-2]), u.slice(s![1..-1, 2..]));
        b.output("y", (up + down + left + right) * 0.25);
    });
}

#[test]
fn softmax() {
    golden("softmax", "e = exp(x - x.max(axis=1, keepdims=True)); y = e / e.sum(axis=1, keepdims=True), x: f32[n,m]", |b| {
        let [n, m] = b.dims(["n", "m"]);
        let x = b.input::<f32>("x", [n, m]);
        let rows = Axes::from(1).keepdims();
        let e = (&x - x.max_over(rows.clone())).exp();
        b.output("y", &e / e.sum_over(rows));
    });
}

#[test]
fn selected() {
    golden("selected", "y = x * x; values = y[y > 4]; where = flatnonzero(y > 4), x: f32[n]", |b| {
        let [n] = b.dims(["n"]);
        let x = b.input::<f32>("x", [n]);
        let y = &x * &x;
        let mask = y.gt(4.0);
        let values = y.compress(&mask);
        b.output("values", values.values()).output("where", mask.flatnonzero().values()).output("count", values.count());
    });
}

#[test]
fn counted() {
    golden("counted", "counts = bincount(k, minlength=m), k: u8[n]; a weight for each column of w: f64[n,m] added to w", |b| {
        let [n, m] = b.dims(["n", "m"]);
        let (k, w) = (&b.input::<u8>("k", [&n]), &b.input::<f64>("w", [&n, &m]));
        b.output("counts", k.bincount(&m));
        b.update(w, w.at_indices(k, 0).add(w.slice(s![0])));
    });
}

#[test]
fn column_sum() {
    golden("column_sum", "y = x.sum(axis=0), x: f64[n,m]", |b| {
        let [n, m] = b.dims(["n", "m"]);
        let x = b.input::<f64>("x", [n, m]);
        b.output("y", x.sum_axis(0));
    });
}

#[test]
fn channel_mean() {
    golden("channel_mean", "y = x.mean(axis=(0, 2, 3)), x: i16[b,3,h,w] with swapped bytes", |b| {
        let [n, h, w] = b.dims(["b", "h", "w"]);
        let three = elide::Dim::from(3);
        let x = b.input_dyn("x", DType::I16, Shape::of([n, three, h, w]), true);
        b.output("y", x.mean_over([0, 2, 3]));
    });
}

#[test]
fn transpose_add() {
    golden("transpose_add", "y = x + x.T, x: f64[n,n]", |b| {
        let [n] = b.dims(["n"]);
        let x = b.input::<f64>("x", [&n, &n]);
        b.output("y", &x + x.t());
    });
}

#[test]
fn several_outputs() {
    golden("several_outputs", "d = x - y; distance = sqrt(d * d + 1); sign = d < 0; total = d.sum(), x, y: f32[n]", |b| {
        let [n] = b.dims(["n"]);
        let d = b.input::<f32>("x", [&n]) - b.input::<f32>("y", [&n]);
        b.output("distance", (&d * &d + 1.0).sqrt());
        b.output("sign", d.lt(0.0));
        b.output("total", d.sum());
    });
}

#[test]
fn reshape_of_transposed() {
    golden("reshape_of_transposed", "y = x.T.reshape(-1) + 1, x: i32[n,m]", |b| {
        let [n, m] = b.dims(["n", "m"]);
        let x = b.input::<i32>("x", [n, m]);
        b.output("y", x.t().reshape([-1]) + 1);
    });
}

#[test]
fn argmax() {
    golden("argmax", "y = x.argmax(axis=1), x: f32[n,m]", |b| {
        let [n, m] = b.dims(["n", "m"]);
        let x = b.input::<f32>("x", [n, m]);
        b.output("y", x.argmax_axis(1));
    });
}

#[test]
fn diagonal() {
    golden("diagonal", "y = diagonal(x, 1) * 2, x: i64[n,m]", |b| {
        let [n, m] = b.dims(["n", "m"]);
        let x = b.input::<i64>("x", [n, m]);
        b.output("y", x.diagonal(1, 0, 1) * 2);
    });
}

#[test]
fn distances() {
    golden("distances", "y = sqrt(((a[:, None] - b[None])**2).sum(axis=2)), a: f64[n,3], b: f64[m,3]", |b| {
        let [n, m] = b.dims(["n", "m"]);
        let a = b.input::<f64>("a", [n, Dim::from(3)]);
        let c = b.input::<f64>("b", [m, Dim::from(3)]);
        let d = a.insert_axis(1) - c.insert_axis(0);
        b.output("y", (&d * &d).sum_axis(Axis(2)).sqrt());
    });
}

#[test]
fn centred() {
    golden("centred", "y = x - c, x: f32[n,3], c: f32[3]", |b| {
        let [n] = b.dims(["n"]);
        let x = b.input::<f32>("x", [n, Dim::from(3)]);
        let c = b.input::<f32>("c", [Dim::from(3)]);
        b.output("y", x - c);
    });
}
