//! A thousand random programs of the text language against NumPy's recorded answers: types, shapes, and values as exactly as
//! NumPy defines them. `tests/numpy/generate.py` makes the programs and says what is compared how.
//!
//! `ELIDE_NUMPY_EXPRESSIONS` names another recording (of another seed) to run instead of the committed one.
#![cfg(feature = "cli")]

mod common;

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use common::Placed;
use common::guard::{Guarded, Side};
use elide::npy::NpyFile;
use elide::testing::{Class, Place, Tensor, agree};
use elide::{ArrayMut, DType, Kernel, Scalar, Shape, text};
use serde_json::Value;

/// A recorded file.
struct Recording {
    inputs: Vec<(String, Tensor)>,
    cases: Vec<Case>,
}

/// A program and what NumPy answers.
struct Case {
    text: String,
    outputs: Vec<Output>,
}

struct Output {
    name: String,
    want: Tensor,
    judge: Judge,
}

enum Judge {
    Class(Class),
    /// A bound on the absolute error of every element.
    Bounds(Vec<f64>),
}

/// NumPy's math functions and elide's are each within 2 units of the exact value.
const MATH: Class = Class::Ulp(4);

fn recording() -> Recording {
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/numpy/expressions.json");
    let path = std::env::var("ELIDE_NUMPY_EXPRESSIONS").unwrap_or(committed.to_string());
    let file = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let root: Value = serde_json::from_str(&file).unwrap_or_else(|e| panic!("{path}: {e}"));
    let inputs = root["inputs"].as_object().expect("inputs").iter().map(|(name, x)| (name.clone(), tensor(&x[0], &x[1], &x[2]))).collect();
    let outputs = |case: &Value| case["outputs"].as_array().expect("outputs").iter().map(output).collect();
    let cases = root["cases"].as_array().expect("cases").iter();
    Recording { inputs, cases: cases.map(|c| Case { text: string(&c["text"]).to_string(), outputs: outputs(c) }).collect() }
}

fn output(x: &Value) -> Output {
    let judge = match string(&x[3]) {
        "exact" => Judge::Class(Class::Exact),
        "ulp" => Judge::Class(MATH),
        hex => Judge::Bounds(bytes(hex).chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()).into()).collect()),
    };
    Output { name: string(&x[0]).to_string(), want: tensor(&x[1], &x[2], &x[4]), judge }
}

fn string(x: &Value) -> &str {
    x.as_str().unwrap_or_else(|| panic!("{x} is not a string"))
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|k| u8::from_str_radix(&hex[2 * k..2 * k + 2], 16).expect("hex")).collect()
}

/// From a type, a shape and little-endian hex.
fn tensor(code: &Value, shape: &Value, hex: &Value) -> Tensor {
    let dtype = DType::ALL.iter().copied().find(|d| d.code() == string(code)).unwrap_or_else(|| panic!("elide has no {code}"));
    let shape: Vec<usize> = shape.as_array().expect("a shape").iter().map(|n| n.as_u64().expect("an extent") as usize).collect();
    let mut bytes = bytes(string(hex));
    if cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(dtype.size()).for_each(<[u8]>::reverse);
    }
    Tensor::from_bytes(dtype, &shape, &bytes).expect("elements that fill the shape")
}

impl Output {
    fn check(&self, got: &Tensor) -> Result<(), String> {
        let Output { name, want, judge } = self;
        let bounds = match judge {
            Judge::Class(class) => return agree(got, want, *class).map_err(|e| format!("{name}: {e}")),
            Judge::Bounds(bounds) => bounds,
        };
        if (got.dtype, &got.shape) != (want.dtype, &want.shape) {
            return Err(format!("{name}: got {}{:?}, want {}{:?}", got.dtype, got.shape, want.dtype, want.shape));
        }
        assert_eq!(bounds.len(), want.data.len(), "a bound for every element of {name}");
        for (k, ((g, w), bound)) in got.data.iter().zip(&want.data).zip(bounds).enumerate() {
            // Equal infinities have no difference; equal zeros of either sign are within any bound.
            let within = g == w || (g.to_f64() - w.to_f64()).abs() <= *bound;
            if !within {
                return Err(format!("{name}: element {k}: got {g}, want {w} within {bound:e}"));
            }
        }
        Ok(())
    }
}

impl Case {
    /// The recorded inputs that the program reads.
    fn inputs<'r>(&self, recording: &'r Recording) -> Vec<&'r (String, Tensor)> {
        let read = text::parse(&self.text).map(|p| p.free_names()).unwrap_or_default();
        recording.inputs.iter().filter(|(name, _)| read.contains(name)).collect()
    }

    /// Compiles and runs the program in this process.
    fn run(&self, recording: &Recording, number: usize) -> elide::Result<Vec<Tensor>> {
        let program = text::parse(&self.text)?;
        let mut builder = Kernel::builder("case");
        let (mut operands, mut placed) = (Vec::new(), Vec::new());
        for (k, (name, value)) in self.inputs(recording).into_iter().enumerate() {
            let place = place(value.dtype, &value.shape, number + k);
            operands.push((name.clone(), builder.input_dyn(name, value.dtype, Shape::fixed(&value.shape), place.swapped)));
            placed.push(Placed::new(value, &place, Side::ALL[number % 2]));
        }
        for (name, value) in program.lower(&operands)? {
            if self.outputs.iter().any(|o| o.name == name) {
                builder.output(&name, value);
            }
        }
        let kernel = builder.build()?;
        let mut memory = Vec::new();
        for spec in kernel.outputs() {
            let shape = spec.shape().as_fixed().expect("inputs of fixed shapes give outputs of fixed shapes");
            let size = shape.iter().product::<usize>() * spec.dtype().size();
            memory.push((spec.name().to_string(), spec.dtype(), shape, Guarded::new(size, Side::ALL[number % 2])));
        }
        let mut call = kernel.call();
        let mut binding = call.start();
        for ((name, _), array) in operands.iter().zip(&placed) {
            binding = binding.bind(name.as_str(), array.view())?;
        }
        for (name, dtype, shape, memory) in &mut memory {
            binding = binding.bind_mut(name.as_str(), ArrayMut::from_bytes(memory.as_mut_slice(), *dtype, shape)?)?;
        }
        binding.run()?;
        let result = |output: &Output| {
            let (_, dtype, shape, memory) = memory.iter().find(|m| m.0 == output.name).expect("a recorded output");
            Tensor::from_bytes(*dtype, shape, memory.as_slice())
        };
        self.outputs.iter().map(result).collect()
    }

    fn judge(&self, got: &[Tensor]) -> Result<(), String> {
        self.outputs.iter().zip(got).try_for_each(|(output, got)| output.check(got))
    }
}

/// The layouts, in turn: C order, Fortran order, gaps between elements, all axes reversed, swapped bytes.
fn place(dtype: DType, shape: &[usize], kind: usize) -> Place {
    let mut place = Place::c_order(dtype, shape);
    match kind % 5 {
        1 => {
            let mut stride = dtype.size() as isize;
            for (slot, &n) in place.strides.iter_mut().zip(shape) {
                *slot = stride;
                stride *= n.max(1) as isize;
            }
        }
        2 if place.bytes > 0 => {
            place.strides.iter_mut().for_each(|s| *s *= 3);
            place.bytes = 3 * place.bytes - 2 * dtype.size();
        }
        3 if place.bytes > 0 => {
            place.strides.iter_mut().for_each(|s| *s = -*s);
            place.first = place.bytes - dtype.size();
        }
        4 => place.swapped = dtype.size() > 1,
        _ => {}
    }
    place
}

/// The failures of all cases, one after another.
fn report(cases: usize, failures: &str) {
    let count = failures.matches("\n\n").count();
    assert!(failures.is_empty(), "{count} of {cases} programs differ from NumPy:\n{failures}");
}

#[test]
fn compiled_programs_give_numpys_answers() {
    let recording = recording();
    let mut failures = String::new();
    let (mut judged, mut worst) = ([0; 3], 0);
    for (number, case) in recording.cases.iter().enumerate() {
        // A panic of one program must not hide the others.
        let outcome = std::panic::catch_unwind(|| match case.run(&recording, number) {
            Ok(got) => case.judge(&got).map(|()| got),
            Err(e) => Err(format!("{e:?}: {e}")),
        });
        match outcome.unwrap_or_else(|_| Err("panicked".to_string())) {
            Err(e) => write!(failures, "{number}: {}\n    {e}\n\n", case.text).unwrap(),
            Ok(got) => {
                for (output, got) in case.outputs.iter().zip(&got) {
                    let class = match output.judge {
                        Judge::Class(Class::Exact) => 0,
                        Judge::Class(_) => 1,
                        Judge::Bounds(_) => 2,
                    };
                    judged[class] += 1;
                    if class == 1 {
                        worst = worst.max((0..=4).find(|&ulp| agree(got, &output.want, Class::Ulp(ulp)).is_ok()).unwrap_or(5));
                    }
                }
            }
        }
    }
    let [exact, math, bounded] = judged;
    println!("{exact} outputs exact, {math} within {worst} ulp, {bounded} within their bounds");
    report(recording.cases.len(), &failures);
    assert!(recording.cases.len() >= 1000 && exact > 0 && math > 0 && bounded > 0, "{judged:?} is no recording");
}

/// A `.npy` file: big-endian if `big`, in Fortran order if `fortran`.
fn write_npy(path: &Path, value: &Tensor, big: bool, fortran: bool) {
    let (dtype, item) = (value.dtype, value.dtype.size());
    let place = place(dtype, &value.shape, usize::from(fortran));
    let mut bytes = vec![0; place.bytes];
    place.store(value, &mut bytes);
    if big != cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(item).for_each(<[u8]>::reverse);
    }
    let mark = if item == 1 {
        '|'
    } else if big {
        '>'
    } else {
        '<'
    };
    let extents: String = value.shape.iter().map(|n| format!("{n},")).collect();
    let order = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{mark}{}', 'fortran_order': {order}, 'shape': ({extents}), }}", dtype.code());
    let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    file.extend(format!("{header:<117}\n").as_bytes());
    file.extend(bytes);
    std::fs::write(path, file).unwrap();
}

/// `elide eval` over files, for every `step`-th case.
fn evaluate(step: usize) {
    let recording = recording();
    let dir = tempfile::tempdir().unwrap();
    for (k, (name, value)) in recording.inputs.iter().enumerate() {
        write_npy(&dir.path().join(format!("{name}.npy")), value, k % 2 == 0, k % 4 < 2);
    }
    let mut failures = String::new();
    for (number, case) in recording.cases.iter().enumerate().step_by(step) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_elide"));
        command.current_dir(dir.path()).arg("eval").arg(&case.text);
        for (name, _) in case.inputs(&recording) {
            command.arg("-i").arg(format!("{name}={name}.npy"));
        }
        for output in &case.outputs {
            command.arg("-o").arg(format!("{0}=out_{0}.npy", output.name));
        }
        let done = command.output().unwrap();
        let verdict = if !done.status.success() || !done.stderr.is_empty() || !done.stdout.is_empty() {
            Err(format!("{}: {}{}", done.status, String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)))
        } else {
            let load = |output: &Output| {
                let file = NpyFile::open(dir.path().join(format!("out_{}.npy", output.name))).unwrap();
                let data = file.view().unwrap();
                Tensor::from_array_ref(&data).unwrap()
            };
            case.judge(&case.outputs.iter().map(load).collect::<Vec<_>>())
        };
        if let Err(e) = verdict {
            write!(failures, "{number}: {}\n    {e}\n\n", case.text).unwrap();
        }
    }
    report(recording.cases.len().div_ceil(step), &failures);
}

#[test]
fn the_command_line_gives_numpys_answers() {
    evaluate(10);
}

#[test]
#[ignore = "starts a thousand processes"]
fn the_command_line_gives_all_of_numpys_answers() {
    evaluate(1);
}

/// A view of nothing may begin outside its array, and must not be read even where it does not move along the empty axis.
#[test]
fn reductions_of_nothing_read_nothing() {
    let tensor = |shape: &[usize], data: &[f64]| Tensor::new(DType::F64, shape, data.iter().map(|&x| Scalar::F64(x)).collect()).unwrap();
    let inputs = vec![("x".to_string(), tensor(&[1, 1], &[7.0])), ("y".to_string(), tensor(&[3, 1], &[1.0, 2.0, 3.0]))];
    for (source, want) in [
        ("fliplr(x).trace(1)", tensor(&[], &[0.0])),
        ("flipud(x).diagonal(-2).prod()", tensor(&[], &[1.0])),
        ("y.reshape(3, 1)[:, ::-1].trace(1) + y", inputs[1].1.clone()),
        ("fliplr(y).diagonal(1)[None].sum(axis=1, keepdims=True)", tensor(&[1, 1], &[0.0])),
    ] {
        let outputs = vec![Output { name: text::RESULT.into(), want, judge: Judge::Class(Class::Exact) }];
        let case = Case { text: source.into(), outputs };
        let recording = Recording { inputs: inputs.clone(), cases: vec![] };
        for layout in 0..5 {
            let got = case.run(&recording, layout).unwrap_or_else(|e| panic!("{source}: {e}"));
            case.judge(&got).unwrap_or_else(|e| panic!("{source}: {e}"));
        }
    }
}

/// The judge sees a wrong bit, and a value outside its bound.
#[test]
fn the_judge_judges() {
    let one = |x: f64| Tensor::new(DType::F64, &[1], vec![Scalar::F64(x)]).unwrap();
    let output = |judge| Output { name: "y".into(), want: one(1.0), judge };
    let off = |n: u64| one(f64::from_bits(1f64.to_bits() + n));
    assert!(output(Judge::Class(Class::Exact)).check(&off(1)).is_err());
    assert!(output(Judge::Class(MATH)).check(&off(4)).is_ok());
    assert!(output(Judge::Class(MATH)).check(&off(5)).is_err());
    let bounded = output(Judge::Bounds(vec![0.5]));
    assert!(bounded.check(&one(1.5)).is_ok() && bounded.check(&one(0.5)).is_ok());
    assert!([1.75, f64::NAN, f64::INFINITY].iter().all(|&x| bounded.check(&one(x)).is_err()));
}
