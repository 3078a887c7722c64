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

fn bytes(x: &Tensor) -> Vec<u8> {
    let mut out = vec![0; x.data.len() * x.dtype.size()];
    x.data.iter().zip(out.chunks_exact_mut(x.dtype.size())).for_each(|(s, to)| s.write_ne_bytes(to));
    out
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
        let start = input.map_or(vec![0xAA; size], |(_, x)| bytes(x));
        memory.push(Memory { name: spec.name().to_string(), updates: input.is_some(), dtype: spec.dtype(), shape, bytes: start });
    }
    let held: Vec<(&String, &Tensor, Vec<u8>)> = inputs.iter().map(|(name, x)| (name, x, bytes(x))).collect();
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
