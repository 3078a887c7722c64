//! Inputs whose memory the caller gives away: what lies there, when, and what is refused.

use elide::{Array, ArrayMut, ArrayRef, Axis, DType, ErrorKind, Expr, Kernel, KernelBuilder, Placement, Report, Shape};

/// `exp(x - sum(g))`, turned, over its sums along axis 0 in reverse. The exponentials are stored, are as large as `g`, and are read by
/// the nest that writes the result.
fn weights(declare: impl FnOnce(&mut KernelBuilder, &Expr<'static, f64>)) -> elide::Result<Kernel> {
    let mut b = Kernel::builder("weights");
    let [n, m] = b.dims(["n", "m"]);
    let g = &b.input::<f64>("g", [&n, &m]);
    let x = &b.input::<f64>("x", [&n, &m]);
    let e = &(x - g.sum()).t().exp().reshape([-1]).reshape([elide::Extent::from(&n), elide::Extent::from(&m)]);
    b.output("y", e / e.sum_axis(Axis(0)).invert_axis(0));
    declare(&mut b, g);
    b.build()
}

fn of_g(report: &Report) -> Vec<(String, Option<usize>)> {
    let here = |v: &&elide::Value| v.memory.as_deref() == Some("g") && v.placement != Placement::Input;
    report.values().iter().filter(here).map(|v| (v.bytes.to_string(), v.since)).collect()
}

#[test]
fn values_lie_in_an_input_that_is_not_read_any_more() {
    let report = weights(|b, g| _ = b.give_away(g)).unwrap().explain().unwrap();
    assert_eq!(of_g(&report), [("8*m*n".to_string(), Some(1))], "{report}");
    assert_eq!(report.inputs().iter().map(|i| i.given_away).collect::<Vec<_>>(), [true, false]);
    let text = report.to_string();
    assert!(text.contains("input g : f64[n,m], given away\n"), "{text}");
    assert!(text.contains("bytes in g, which is given away and not read from nest 1 on)"), "{text}");
    // Kept by the caller, it is read and nothing else.
    let report = weights(|_, _| ()).unwrap().explain().unwrap();
    assert_eq!((of_g(&report), report.inputs()[0].given_away), (vec![], false), "{report}");
    assert_eq!(report.scratch_bytes().to_string(), "8*m*n + 8*m + max(8, 8*m)");
}

#[test]
fn runs_are_right_whatever_the_layout_of_what_is_given() {
    let (given, kept) = (weights(|b, g| _ = b.give_away(g)).unwrap(), weights(|_, _| ()).unwrap());
    for (n, m) in [(1, 1), (3, 5), (40, 30)] {
        let data = |k: usize| (0..n * m).map(|i| ((i * 7 + k) % 11) as f64 / 64.0).collect::<Vec<_>>();
        let (old, x) = (data(3), data(5));
        let x = || ArrayRef::strided(&x, &[n, m], &[m as isize, 1], 0).unwrap();
        let mut want = vec![0.0; n * m];
        let g = ArrayRef::strided(&old, &[n, m], &[m as isize, 1], 0).unwrap();
        let y = ArrayMut::strided(&mut want, &[n, m], &[m as isize, 1], 0).unwrap();
        kept.call().bind("g", g).unwrap().bind("x", x()).unwrap().bind_mut("y", y).unwrap().run().unwrap();
        // In C order, and with gaps, where nothing may lie. Both sums are of the same elements in the same order.
        for gap in [1, 2] {
            let (mut g, mut got) = (vec![-7.0; n * m * gap], vec![0.0; n * m]);
            old.iter().zip(g.iter_mut().step_by(gap)).for_each(|(v, at)| *at = *v);
            let before = g.clone();
            let strides = [(m * gap) as isize, gap as isize];
            let mut call = given.call();
            let bound = call.bind_mut("g", ArrayMut::strided(&mut g, &[n, m], &strides, 0).unwrap()).unwrap();
            let y = ArrayMut::strided(&mut got, &[n, m], &[m as isize, 1], 0).unwrap();
            bound.bind("x", x()).unwrap().bind_mut("y", y).unwrap().run().unwrap();
            assert_eq!(got, want, "[{n}, {m}], gap {gap}");
            let gaps = gap == 2 && n * m > 1;
            // Sums, and their reciprocals.
            assert_eq!(call.scratch_bytes(), 16 * m + if gaps { 8 * n * m } else { 0 });
            assert_eq!(g == before, gaps, "it is written to where it saves memory, and only there");
        }
    }
}

/// Whatever bytes a value has, an array of `bool` holds only 0 and 1.
#[test]
fn bools_hold_bools() {
    let build = |dtype: DType| {
        let mut b = Kernel::builder("bools");
        let [n] = b.dims(["n"]);
        let g = b.input_dyn("g", DType::Bool, Shape::of([&n]), false);
        let x = b.input_dyn("x", dtype, Shape::of([&n]), false);
        let all = g.reduce(elide::ReduceOp::Any, 0);
        let stored = if dtype == DType::Bool { x.logical_xor(&all) } else { x + all };
        b.output(
            "y",
            stored.reduce(elide::ReduceOp::Max, 0) & stored.slice([]).at_indices(0, 0).set(stored.reduce(elide::ReduceOp::Min, 0)),
        );
        b.give_away(g);
        b.build().unwrap().explain().unwrap()
    };
    assert_eq!(of_g(&build(DType::Bool)).len(), 1);
    assert_eq!(of_g(&build(DType::U8)).len(), 0);
}

/// Indices are checked before anything is written.
#[test]
fn an_index_out_of_range_leaves_what_is_given_as_it_was() {
    let mut b = Kernel::builder("taken");
    let [n] = b.dims(["n"]);
    let (g, k) = (&b.input::<f64>("g", [&n]), &b.input::<i64>("k", [&n]));
    let e = &(k.cast::<f64>() * g.sum()).sqrt();
    b.output("y", e.take(k, 0) + e.sum());
    b.give_away(g);
    let kernel = b.build().unwrap();
    assert_eq!(of_g(&kernel.explain().unwrap()).len(), 1, "{}", kernel.explain().unwrap());
    let run = |k: [i64; 3], g: &mut [f64; 3]| {
        let mut y = [0.0; 3];
        kernel.call().bind_mut("g", g)?.bind("k", &k)?.bind_mut("y", &mut y)?.run().map(|()| y)
    };
    let mut g = [1.0, 2.0, 1.0];
    let e = run([0, 1, 3], &mut g).unwrap_err();
    assert!(e.message().contains("index 3 is out of bounds"), "{e}");
    assert_eq!(g, [1.0, 2.0, 1.0]);
    assert_eq!(run([1, 0, 1], &mut g).unwrap(), [4.0, 6.0, 4.0]);
}

#[test]
fn what_cannot_be_given_away() {
    let message = |r: elide::Result<Kernel>| {
        let e = r.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Bind);
        assert!(e.to_string().contains("given_away.rs"), "{e}");
        e.message().to_string()
    };
    assert_eq!(message(weights(|b, g| _ = b.give_away(g + 1.0))), "only an input of this kernel can be given away");
    let updated = weights(|b, g| _ = b.update(g, g * 2.0).give_away(g));
    assert_eq!(message(updated), "`g` is updated in place, so that it cannot be given away");
    let named = weights(|b, g| _ = b.output("g", g.sum()).give_away(g));
    assert_eq!(message(named), "`g` is also the name of an output, so that it cannot be given away");
    let swapped = weights(|b, _| {
        let h = b.input_dyn("h", DType::F64, Shape::fixed(&[2]), true);
        b.give_away(h);
    });
    assert_eq!(message(swapped), "`h` has swapped bytes, so that it cannot be given away");
}

#[test]
fn binding_what_is_given() {
    let kernel = weights(|b, g| _ = b.give_away(g)).unwrap();
    let mut call = kernel.call();
    let a = Array::new(&[2, 2], vec![1.0; 4]).unwrap();
    let e = call.bind("g", &a).map(|_| ()).unwrap_err();
    assert_eq!(e.message(), "input `g` of kernel `weights` is given away");
    assert_eq!(e.advice(), Some("bind it with `bind_mut`: it may be overwritten"));
    let mut ints = [0i32; 4];
    let e = call.bind_mut("g", ArrayMut::strided(&mut ints, &[2, 2], &[2, 1], 0).unwrap()).map(|_| ()).unwrap_err();
    assert_eq!(e.message(), "`g` is f64[n,m], but the array has elements of type i32");
    // It shares memory with nothing.
    let mut memory = [1.0; 16];
    let p = memory.as_mut_ptr();
    let mut run = |g: usize, x: usize, y: usize| {
        let layout = || elide::Layout::contiguous(&[2, 2], 8);
        // SAFETY: all inside of the memory; where two share an element the call is refused before it touches them.
        unsafe {
            let (g, y) =
                (ArrayMut::from_raw(p.add(g).cast(), DType::F64, layout())?, ArrayMut::from_raw(p.add(y).cast(), DType::F64, layout())?);
            let x = ArrayRef::from_raw(p.add(x).cast(), DType::F64, layout())?;
            call.bind_mut("g", g)?.bind("x", x)?.bind_mut("y", y)?.run()
        }
    };
    assert_eq!(run(0, 3, 8).unwrap_err().message(), "input `g`, which is given away, shares memory with input `x`");
    assert_eq!(run(0, 4, 3).unwrap_err().message(), "output `y` shares memory with input `g`");
    run(0, 4, 8).unwrap();
}

/// An input that nobody reads is scratch memory from the start, and one that the last nest reads is none.
#[test]
fn from_the_first_nest_on_or_never() {
    let build = |late: bool| {
        let mut b = Kernel::builder("late");
        let [n] = b.dims(["n"]);
        let (g, k) = (&b.input::<f64>("g", [&n]), &b.input::<i64>("k", [&n]));
        let e = &k.cast::<f64>().sqrt();
        let y = e.take(k, 0) + e.sum();
        b.output("y", if late { y + g } else { y });
        b.give_away(g);
        b.build().unwrap().explain().unwrap()
    };
    assert_eq!(of_g(&build(true)), []);
    let report = build(false);
    assert!(of_g(&report).iter().all(|(_, since)| *since == Some(0)), "{report}");
    assert!(!of_g(&report).is_empty(), "{report}");
}
