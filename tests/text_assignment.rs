//! Programs of the text language with assignments, views and masks, compiled, against NumPy's recorded answers: what they
//! return, and what becomes of the inputs that they change in place. `tests/numpy/assignment.py` records them.
#![cfg(feature = "text")]

use elide::testing::Tensor;
use elide::text::{self, InputSpec};
use elide::{ArrayMut, ArrayRef, DType, DynExpr, Kernel, Scalar};

const TABLE: &str = include_str!("../src/text/testdata/assignment.txt");

/// `name type[shape] | elements`
fn array(text: &str) -> (String, Tensor) {
    let (head, elements) = text.split_once(" |").unwrap();
    let (name, spec) = head.split_once(' ').unwrap();
    let InputSpec { dtype, shape } = spec.parse().unwrap();
    let scalar = |e: &str| match dtype {
        DType::F32 | DType::F64 => Scalar::F64(e.parse().unwrap()).cast(dtype),
        _ => Scalar::I64(e.parse().unwrap()).cast(dtype),
    };
    let data = elements.split_whitespace().map(scalar).collect();
    (name.to_string(), Tensor { dtype, shape: shape.as_fixed().unwrap(), data })
}

/// The outputs of a program, each with whether it is in the memory of an input.
fn run(program: &text::Program, inputs: &[(String, Tensor)]) -> elide::Result<Vec<(String, bool, Tensor)>> {
    let mut builder = Kernel::builder("case");
    let read = program.free_names();
    let inputs: Vec<&(String, Tensor)> = inputs.iter().filter(|(name, _)| read.contains(name)).collect();
    let mut operands: Vec<(String, DynExpr<'static>)> = Vec::new();
    for (name, x) in &inputs {
        operands.push((name.clone(), builder.input_dyn(name, x.dtype, elide::Shape::fixed(&x.shape), false)));
    }
    let (mut updated, mut counted) = (Vec::new(), Vec::new());
    for output in program.evaluate(&operands)? {
        if let Some(count) = output.count {
            builder.output(&format!("{}.count", output.name), count);
            counted.push(output.name.clone());
        }
        if output.updates {
            let input = operands.iter().find(|(name, _)| *name == output.name).unwrap();
            builder.update(input.1.clone(), output.value);
            updated.push(output.name);
        } else {
            builder.output(&output.name, output.value);
        }
    }
    let kernel = builder.build()?;
    struct Memory {
        name: String,
        updates: bool,
        dtype: DType,
        shape: Vec<usize>,
        bytes: Vec<u8>,
    }
    let mut memory: Vec<Memory> = Vec::new();
    for spec in kernel.outputs() {
        let shape = spec.shape().as_fixed().unwrap();
        let size = shape.iter().product::<usize>() * spec.dtype().size();
        let input = updated.iter().any(|n| n == spec.name()).then(|| inputs.iter().find(|(name, _)| name == spec.name()).unwrap());
        let start = input.map_or(vec![0xAA; size], |(_, x)| x.to_bytes());
        memory.push(Memory { name: spec.name().to_string(), updates: input.is_some(), dtype: spec.dtype(), shape, bytes: start });
    }
    let held: Vec<(&String, &Tensor, Vec<u8>)> = inputs.iter().map(|(name, x)| (name, x, x.to_bytes())).collect();
    let mut call = kernel.call();
    let mut binding = call.start();
    for (name, x, bytes) in held.iter().filter(|(name, ..)| !updated.contains(name)) {
        binding = binding.bind(name.as_str(), ArrayRef::from_bytes(bytes, x.dtype, &x.shape, false, false)?)?;
    }
    for m in &mut memory {
        binding = binding.bind_mut(m.name.as_str(), ArrayMut::from_bytes(&mut m.bytes, m.dtype, &m.shape)?)?;
    }
    binding.run()?;
    // What a mask selected comes first; how many elements that is has an output of its own.
    for name in counted {
        let count = memory.remove(memory.iter().position(|m| m.name == format!("{name}.count")).unwrap());
        let count = i64::from_ne_bytes(count.bytes.try_into().unwrap()) as usize;
        let m = memory.iter_mut().find(|m| m.name == name).unwrap();
        m.bytes.truncate(count * m.dtype.size());
        m.shape = vec![count];
    }
    memory.into_iter().map(|m| Ok((m.name, m.updates, Tensor::from_bytes(m.dtype, &m.shape, &m.bytes)?))).collect()
}

/// Sums in another order and elementary functions from elsewhere differ in the last places.
fn close(a: Scalar, b: Scalar) -> bool {
    let tolerance = match a.dtype() {
        DType::F32 => 1e-6,
        DType::F64 => 1e-13,
        _ => 0.0,
    };
    a == b || a.is_nan() && b.is_nan() || (a.to_f64() - b.to_f64()).abs() <= tolerance * b.to_f64().abs().max(1.0)
}

#[test]
fn compiled_assignments_give_numpys_answers() {
    let mut inputs = Vec::new();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for line in TABLE.lines().filter(|l| !l.starts_with('#')) {
        if let Some(input) = line.strip_prefix("input ") {
            inputs.push(array(input));
            continue;
        }
        let (text, want) = line.split_once(" => ").unwrap();
        if matches!(want, "!" | "?") {
            continue;
        }
        seen += 1;
        let source = text.replace("\\\\n", "\\\n").replace("\\n", "\n");
        let outcome = std::panic::catch_unwind(|| text::parse(&source).and_then(|program| run(&program, &inputs)));
        let got = match outcome {
            Ok(Ok(got)) => got,
            Ok(Err(e)) => {
                wrong.push(format!("{text}\n  {e}"));
                continue;
            }
            Err(_) => {
                wrong.push(format!("{text}\n  panicked"));
                continue;
            }
        };
        let want: Vec<&str> = want.split(" ;; ").collect();
        if got.len() != want.len() {
            wrong.push(format!("{text}\n  has {} outputs, not {}", got.len(), want.len()));
            continue;
        }
        for (part, (name, updates, got)) in want.into_iter().zip(got) {
            let (in_place, part) = part.strip_prefix('*').map_or((false, part), |p| (true, p));
            let (head, want) = array(part);
            let same = (&head, in_place) == (&name, updates)
                && (got.dtype, &got.shape) == (want.dtype, &want.shape)
                && got.data.len() == want.data.len()
                && got.data.iter().zip(&want.data).all(|(a, b)| close(*a, *b));
            if !same {
                wrong.push(format!(
                    "{text}\n  {name} {}: {:?}\n  should be {:?}",
                    if updates { "in place" } else { "" },
                    got.data,
                    want.data
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {seen} programs differ from NumPy:\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 200);
}

/// What `y` is after a program over a ramp `x: f64[n,m]`, for a `y` of this shape.
fn of_named(program: &str, n: usize, m: usize, shape: &[usize]) -> elide::Result<Vec<f64>> {
    let mut builder = Kernel::builder("named");
    let x: DynExpr<'static> = builder.input::<f64>("x", [elide::Dim::named("n"), elide::Dim::named("m")]).into_dyn();
    let outputs = text::parse(program)?.evaluate(&[("x".into(), x)])?;
    builder.output("y", outputs.into_iter().find(|o| o.name == "y").expect("an output `y`").value);
    let kernel = builder.build()?;
    let x = elide::Array::new(&[n, m], (0..n * m).map(|k| k as f64).collect())?;
    let mut y = elide::Array::new(shape, vec![-1.0; shape.iter().product()])?;
    kernel.call().bind("x", &x)?.bind_mut("y", &mut y)?.run()?;
    Ok(y.as_slice().to_vec())
}

#[test]
fn one_row_of_a_named_dim_stretches() {
    let want: Vec<f64> = (0..12).map(|k| ((k / 4 * 4 + 3) + (4 + k % 4)) as f64).collect();
    assert_eq!(of_named("y = x[:, 3:4] + x[1:2, :]", 3, 4, &[3, 4]).unwrap(), want);
    assert_eq!(of_named("y = x[:, -1:] + x[-2:-1, :]", 3, 4, &[3, 4]).unwrap(), want);
    assert_eq!(of_named("y = x * 0; y[...] = x[:, -1:] + x[1:2]", 3, 4, &[3, 4]).unwrap(), want);
    assert_eq!(of_named("y = x * 0; y[:] = x[1:2]", 2, 2, &[2, 2]).unwrap(), [2.0, 3.0, 2.0, 3.0]);
    // An axis that is too short has no such row.
    let error = of_named("y = x[:, 4:5] + x", 3, 4, &[3, 4]).unwrap_err().to_string();
    assert!(error.contains(" is 0, but 1 is 1"), "{error}");
}

#[test]
fn extents_are_bounds_of_slices() {
    let x: Vec<f64> = (0..12).map(f64::from).collect();
    let of = |program: &str, shape: &[usize]| of_named(program, 3, 4, shape).unwrap();
    assert_eq!(of("n = x.shape[0]; y = x[:n-1]", &[2, 4]), x[..8]);
    assert_eq!(of("n, m = x.shape; y = x[n-1:, 1:m-1]", &[1, 2]), [9.0, 10.0]);
    assert_eq!(of("n, m = x.shape; y = x[:m, n:]", &[3, 1]), [3.0, 7.0, 11.0]);
    assert_eq!(of("n, m = x.shape; y = x[m-3:, :n]", &[2, 3]), [4.0, 5.0, 6.0, 8.0, 9.0, 10.0]);
    assert_eq!(of("n, m = x.shape; y = x[0, m-2::-1]", &[3]), [2.0, 1.0, 0.0]);
    assert_eq!(of("n = x.shape[0]; y = x[:, :n//2]", &[3, 1]), [0.0, 4.0, 8.0]);
    assert_eq!(of("n = x.shape[0]; y = x * 1; y[:n-2] = 0", &[3, 4])[..5], [0.0, 0.0, 0.0, 0.0, 4.0]);
    // Below zero it would count from the end.
    for (program, columns) in [
        ("m = x.shape[1]; y = x[:, :m-5] + 0", 0),
        ("n, m = x.shape; y = x * 1; y[:, :n-4] = 0", 4),
        ("n = x.shape[0]; y = x[:, n-4:] * 1", 5),
    ] {
        let error = of_named(program, 3, 4, &[3, columns]).unwrap_err().to_string();
        assert!(error.contains(" is -1, below zero"), "{error}");
    }
    assert_eq!(of_named("n = x.shape[0]; y = x[:n-1] * 2", 0, 4, &[0, 4]).unwrap(), [0.0; 0]);
}

#[test]
fn extents_are_single_indices() {
    let of = |program: &str, shape: &[usize]| of_named(program, 3, 4, shape).unwrap();
    assert_eq!(of("n = x.shape[0]; y = x[n-1] * 1", &[4]), [8.0, 9.0, 10.0, 11.0]);
    assert_eq!(of("y = x[x.shape[0]-2, 1:]", &[3]), [5.0, 6.0, 7.0]);
    assert_eq!(of("n, m = x.shape; y = x[n-1, m-1:]", &[1]), [11.0]);
    assert_eq!(of("n, m = x.shape; y = x[:, None, m-n]", &[3, 1]), [1.0, 5.0, 9.0]);
    assert_eq!(of("n, m = x.shape; y = x[..., n]", &[3]), [3.0, 7.0, 11.0]);
    assert_eq!(of("n, m = x.shape; y = x[:n-1, m//2]", &[2]), [2.0, 6.0]);
    assert_eq!(of("n = x.shape[0]; y = x[[0, 2]][:, n-1]", &[2]), [2.0, 10.0]);
    assert_eq!(of("n = x.shape[0]; y = x[[0, 2], n-1]", &[2]), [2.0, 10.0]);
    assert_eq!(
        of("n = x.shape[0]; y = x * 1; y[n-1] = -1; y[0, n] += 0.5", &[3, 4])[2..],
        [2.0, 3.5, 4.0, 5.0, 6.0, 7.0, -1.0, -1.0, -1.0, -1.0]
    );
    // Of what is known now, an extent that is not must be inside too.
    assert_eq!(of("n = x.shape[0]; y = x[:1, :].reshape(-1)[None][:, n-3]", &[1]), [0.0]);
    for (program, n, m) in [
        ("m = x.shape[1]; y = x[m-1]", 3, 4),
        ("n = x.shape[0]; y = x[n-1] * 1", 0, 4),
        ("n = x.shape[0]; y = x[n-4]", 3, 4),
        ("n, m = x.shape; y = x[:, n-4]", 3, 1),
        ("m = x.shape[1]; y = array([1.0, 2.0])[m-2] + x[0]", 3, 4),
    ] {
        let error = of_named(program, n, m, &[if program.contains("[:, ") { n } else { m }]).unwrap_err().to_string();
        assert!(error.contains("is out of bounds") || error.contains("below zero"), "{program}: {error}");
    }
}

#[test]
fn assignment_at_an_index_out_of_range_changes_nothing() {
    let mut builder = Kernel::builder("at");
    let x: DynExpr<'static> = builder.input::<f64>("x", [elide::Dim::named("n")]).into_dyn();
    let k: DynExpr<'static> = builder.input::<i64>("k", [3usize]).into_dyn();
    let outputs = text::parse("x[k] += 1").unwrap().evaluate(&[("x".into(), x.clone()), ("k".into(), k)]).unwrap();
    builder.update(x, outputs.into_iter().next().unwrap().value);
    let kernel = builder.build().unwrap();
    let mut memory = [1.0, 2.0, 3.0, 4.0];
    let mut run = |k: [i64; 3]| {
        let result = kernel.call().bind("k", &elide::Array::new(&[3], k.to_vec())?)?.bind_mut("x", &mut memory[..])?.run();
        result.map(|_| memory.to_vec())
    };
    assert_eq!(run([0, -1, 0]).unwrap(), [2.0, 2.0, 3.0, 5.0]);
    let error = run([1, 2, 4]).unwrap_err().to_string();
    assert!(error.contains("index 4 is out of bounds for axis 0 with size 4"), "{error}");
    assert_eq!(memory, [2.0, 2.0, 3.0, 5.0]);
}
