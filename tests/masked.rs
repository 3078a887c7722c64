//! Reductions of what a mask selects in the text language: how they are compiled, and what happens if nothing is selected. That
//! they have NumPy's answers is in `text_assignment.rs`.
#![cfg(feature = "text")]

use elide::{Array, Dim, DynExpr, Error, ErrorKind, Kernel, Report, Requirement, text};

/// A program over `x`, `y: f64[n]`, `a: f32[n,k]` and the masks `m: bool[n]` and `b: bool[n,k]`, without memory for what is selected.
fn compiled(program: &str) -> Report {
    let program = text::parse(program).unwrap();
    let mut builder = Kernel::builder("masked");
    let [n, k] = [Dim::named("n"), Dim::named("k")];
    let mut inputs: Vec<(String, DynExpr<'static>)> = Vec::new();
    for name in program.free_names() {
        let input = match &*name {
            "x" | "y" => builder.input::<f64>(&name, [n.clone()]).into_dyn(),
            "a" => builder.input::<f32>("a", [n.clone(), k.clone()]).into_dyn(),
            "m" => builder.input::<bool>("m", [n.clone()]).into_dyn(),
            _ => builder.input::<bool>("b", [n.clone(), k.clone()]).into_dyn(),
        };
        inputs.push((name, input));
    }
    for (name, value) in program.lower(&inputs).unwrap() {
        builder.output(&name, value);
    }
    builder.require(Requirement::NoCopies).require(Requirement::peak_bytes(64));
    builder.build().unwrap().explain().unwrap()
}

#[test]
fn what_is_selected_is_in_no_memory() {
    for (program, nests) in [
        ("x[m].sum()", 1),
        ("x[x > 0].mean()", 1),
        ("x[m].min() - x[m].max()", 1),
        ("(x[m] * y[m]).sum() / x[m].size", 1),
        ("np.sqrt(x[x > 0] + 1).mean()", 1),
        ("np.count_nonzero(x[m] > y[m])", 1),
        ("a[b].sum()", 1),
        ("a[m].sum(axis=0)", 1),
        ("a[m].mean(axis=0)", 2),
        // Twice through the elements, as for all of an array.
        ("x[m].std()", 2),
    ] {
        let report = compiled(program);
        assert_eq!(report.nests().len(), nests, "{program}: {report}");
        assert!(!report.to_string().contains("scatter"), "{program}: {report}");
    }
}

fn run(program: &str, x: &mut [f64], y: &mut [f64]) -> Result<(), Error> {
    let program = text::parse(program)?;
    let mut builder = Kernel::builder("masked");
    let input = builder.input::<f64>("x", [Dim::named("n")]).into_dyn();
    for output in program.evaluate(&[("x".into(), input.clone())])? {
        if output.updates {
            builder.update(input.clone(), output.value);
        } else if output.name == "y" {
            builder.output(&output.name, output.value);
        }
    }
    let kernel = builder.build()?;
    kernel.call().bind_mut("x", x)?.bind_mut("y", y)?.run().map_err(|e| program.quote(e))
}

#[test]
fn the_least_of_nothing_is_an_error_before_anything_is_written() {
    let (mut x, mut y) = ([1.0, -2.0, 3.0], [9.0; 3]);
    run("y = x * 2\nx -= x[x > 1].min()", &mut x, &mut y).unwrap();
    assert_eq!((x, y), ([-2.0, -5.0, 0.0], [2.0, -4.0, 6.0]));
    let (mut x, mut y) = ([1.0, -2.0, 3.0], [9.0; 3]);
    let error = run("y = x * 2\nx -= x[x > 5].min()", &mut x, &mut y).unwrap_err();
    assert_eq!((x, y), ([1.0, -2.0, 3.0], [9.0; 3]));
    assert_eq!(error.kind(), ErrorKind::Shape);
    let error = error.to_string();
    for part in ["zero-size array to reduction operation `min`, which has no identity", "line 2, column 14", "2 | x -= x[x > 5].min()"] {
        assert!(error.contains(part), "{error}");
    }
    let error = run("y = x * 2\nx[0] = x[x > 9].argmax()", &mut x, &mut y).unwrap_err();
    assert!(error.to_string().contains("zero-size array to reduction operation `argmax`"), "{error}");
    assert_eq!((x, y), ([1.0, -2.0, 3.0], [9.0; 3]));
    // Of all masks that selections reduce, the one that is empty is named.
    let error = run("t = x[x > 0].max()\nu = x[x > 9].max()\ny = x + (t + u); x[0] = 0", &mut x, &mut y).unwrap_err();
    assert!(error.to_string().contains("2 | u = x[x > 9].max()"), "{error}");
    // Each row that is selected has elements.
    let a = Array::new(&[2, 3], vec![1.0; 6]).unwrap();
    let mut builder = Kernel::builder("rows");
    let input = builder.input::<f64>("a", [2, 3]).into_dyn();
    let program = text::parse("a[a[:, 0] > 1].max(axis=1).sum()").unwrap();
    let result = program.lower(&[("a".into(), input)]).unwrap().remove(0).1;
    let mut sum = [1.0];
    builder.output("sum", result.reshape([1]));
    builder.build().unwrap().call().bind("a", &a).unwrap().bind_mut("sum", &mut sum).unwrap().run().unwrap();
    assert_eq!(sum, [0.0]);
}

/// The order of a sum is that over the whole array, with -0 for what is not selected, which changes nothing.
#[test]
fn sums_are_in_the_order_of_the_whole_array() {
    let values: Vec<f64> = (0..1000).map(|k| 1.0 / (1.0 + k as f64)).collect();
    let mut builder = Kernel::builder("order");
    let input = builder.input::<f64>("x", [1000]).into_dyn();
    let program = text::parse("s = x[x < 0.01].sum(); w = where(x < 0.01, x, 0).sum()").unwrap();
    for (name, value) in program.lower(&[("x".into(), input)]).unwrap() {
        builder.output(&name, value.reshape([1]));
    }
    let (mut s, mut w) = ([0.0], [1.0]);
    let kernel = builder.build().unwrap();
    kernel.call().bind("x", &values).unwrap().bind_mut("s", &mut s).unwrap().bind_mut("w", &mut w).unwrap().run().unwrap();
    assert_eq!(s, w);
}
