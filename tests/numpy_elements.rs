//! Functions of elements where implementations go wrong, compiled by every backend, against NumPy's recorded answers to the bit.
//! `tests/numpy/elementwise.py` and `tests/numpy/complex.py` record them.
#![cfg(feature = "text")]

use elide::testing::Tensor;
use elide::text::{self, InputSpec};
use elide::{ArrayMut, ArrayRef, Backend, Complex, DType, DynExpr, Kernel, Scalar};

const TABLE: &str = include_str!("../src/text/testdata/elementwise.txt");
const COMPLEX: &str = include_str!("../src/text/testdata/complex.txt");

/// `type[shape] | elements`
fn array(text: &str) -> Tensor {
    let (spec, elements) = text.split_once(" |").unwrap();
    let InputSpec { dtype, shape } = spec.parse().unwrap();
    let scalar = |e: &str| match dtype {
        _ if dtype.is_complex() => {
            let (re, im) = e.split_once(',').unwrap();
            Scalar::from(Complex::<f64>::new(re.parse().unwrap(), im.parse().unwrap())).cast(dtype)
        }
        _ if dtype.is_float() => Scalar::F64(e.parse().unwrap()).cast(dtype),
        DType::U64 => Scalar::U64(e.parse().unwrap()),
        _ => Scalar::I64(e.parse().unwrap()).cast(dtype),
    };
    let data = elements.split_whitespace().map(scalar).collect();
    Tensor { dtype, shape: shape.as_fixed().unwrap(), data }
}

/// What the program assigns to `result`.
fn run(program: &text::Program, inputs: &[(String, Tensor)], backend: Backend) -> elide::Result<Tensor> {
    let mut builder = Kernel::builder("case");
    let read = program.free_names();
    let inputs: Vec<&(String, Tensor)> = inputs.iter().filter(|(name, _)| read.contains(name)).collect();
    let mut operands: Vec<(String, DynExpr<'static>)> = Vec::new();
    for (name, x) in &inputs {
        operands.push((name.clone(), builder.input_dyn(name, x.dtype, elide::Shape::fixed(&x.shape), false)));
    }
    let result = program.evaluate(&operands)?.into_iter().find(|o| o.name == "result").unwrap().value;
    let (dtype, shape) = (result.dtype(), result.shape().as_fixed().unwrap());
    builder.output("result", result).backend(backend);
    let kernel = builder.build()?;
    let mut out = vec![0xAA; shape.iter().product::<usize>() * dtype.size()];
    let held: Vec<(&String, &Tensor, Vec<u8>)> = inputs.iter().map(|(name, x)| (name, x, x.to_bytes())).collect();
    let mut call = kernel.call();
    let mut binding = call.start();
    for (name, x, bytes) in &held {
        binding = binding.bind(name.as_str(), ArrayRef::from_bytes(bytes, x.dtype, &x.shape, false, false)?)?;
    }
    binding.bind_mut("result", ArrayMut::from_bytes(&mut out, dtype, &shape)?)?.run()?;
    Tensor::from_bytes(dtype, &shape, &out)
}

#[test]
fn elements_are_numpys_to_the_bit() {
    check(TABLE);
}

#[test]
fn complex_numbers_are_numpys_to_the_bit() {
    check(COMPLEX);
}

fn check(table: &str) {
    let mut inputs = Vec::new();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for line in table.lines().filter(|l| !l.starts_with('#')) {
        if let Some((name, rest)) = line.strip_prefix("input ").and_then(|l| l.split_once(' ')) {
            inputs.push((name.to_string(), array(rest)));
            continue;
        }
        let (source, want) = line.split_once(" => ").unwrap();
        let want = array(want);
        seen += 1;
        for backend in Backend::available() {
            match text::parse(source).and_then(|program| run(&program, &inputs, backend)) {
                Err(e) => wrong.push(format!("{source} by {backend:?}: {e}")),
                Ok(got) if (got.dtype, &got.shape) != (want.dtype, &want.shape) => {
                    wrong.push(format!("{source}: {}{:?}, not {}{:?}", got.dtype, got.shape, want.dtype, want.shape));
                }
                Ok(got) => {
                    // Equal bits, or NaN, of each part.
                    let differ = |(a, b): (&Scalar, &Scalar)| a != b;
                    if let Some(k) = got.data.iter().zip(&want.data).position(differ) {
                        wrong.push(format!("{source} by {backend:?}: element {k} is {}, not {}", got.data[k], want.data[k]));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 100);
}
