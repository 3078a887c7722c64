//! `f16` and `bf16`: NumPy's answers on `float16`, and what is particular to types that are computed with in another one.

mod common;

use common::suite::{Calls, Lie, expect, vector};
use elide::testing::{Class, Tensor, input};
use elide::{BinaryOp, DType, DynExpr, ErrorKind, Kernel, ReduceOp, Requirement, Scalar, Shape, UnaryOp, bf16, f16, lazy};

/// See `tests/numpy/halves.py`.
const TABLE: &str = include_str!("numpy/halves.txt");

fn scalars(dtype: DType, bits: &str) -> Vec<Scalar> {
    bits.split_whitespace().map(|b| Scalar::from_bits(dtype, u128::from_str_radix(b, 16).unwrap())).collect()
}

/// What each backend and the evaluator make of some arrays, against what NumPy does.
fn judge(what: &str, given: &[Tensor], want: &Tensor, class: Class, f: impl Fn(&[DynExpr<'static>]) -> DynExpr<'static>) {
    let dtypes: Vec<DType> = given.iter().map(|t| t.dtype).collect();
    let mut calls = Calls::of(&dtypes, &Shape::fixed(&given[0].shape), &f).unwrap_or_else(|| panic!("{what}"));
    assert_eq!(calls.dtype(), want.dtype, "{what}");
    let placed: Vec<(&Tensor, Lie)> = given.iter().map(|t| (t, Lie::C)).collect();
    calls.judge(&placed, want, Lie::C, class, &what);
    elide::testing::agree(&expect(given, &f), want, class).unwrap_or_else(|e| panic!("{what}, by the evaluator: {e}"));
}

#[test]
fn numpys_answers() {
    let half = DType::F16;
    let mut x: Vec<Scalar> = Vec::new();
    let mut seen = 0;
    for line in TABLE.lines().filter(|l| !l.starts_with('#')) {
        seen += 1;
        let (kind, rest) = line.split_once(' ').unwrap();
        if kind == "x" {
            x = scalars(half, rest);
            continue;
        }
        let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let what = format!("{kind} {name}");
        let of = |d: DType| if d == half { rest.split_once(" | ") } else { None };
        match kind {
            "binary" => {
                let op = *BinaryOp::ALL.iter().find(|op| op.name() == name).unwrap();
                let given = [
                    vector(half, &x.iter().flat_map(|&a| vec![a; x.len()]).collect::<Vec<_>>()),
                    vector(half, &x.iter().cycle().take(x.len() * x.len()).copied().collect::<Vec<_>>()),
                ];
                let class = match op {
                    BinaryOp::Min | BinaryOp::Max => Class::ZeroSignOpen,
                    BinaryOp::Pow | BinaryOp::Atan2 | BinaryOp::Hypot => Class::Ulp(1),
                    _ => Class::Exact,
                };
                let dtype = op.result(half).unwrap();
                judge(&what, &given, &vector(dtype, &scalars(dtype, rest)), class, |x| DynExpr::binary(op, &x[0], &x[1]));
            }
            "unary" => {
                let op = *UnaryOp::ALL.iter().find(|op| op.name() == name).unwrap();
                let class = if op.is_expanded(half.class()) { Class::Ulp(1) } else { Class::Exact };
                let dtype = op.result(half).unwrap();
                judge(&what, &[vector(half, &x)], &vector(dtype, &scalars(dtype, rest)), class, |x| x[0].unary(op));
            }
            "cast" => {
                let dtype: DType = name.parse().unwrap();
                let (from, to) = of(half).map_or((x.clone(), rest), |(from, to)| (scalars(half, from), to));
                judge(&what, &[vector(half, &from)], &vector(dtype, &scalars(dtype, to)), Class::Exact, |x| x[0].astype(dtype));
            }
            "uncast" => {
                let dtype: DType = name.parse().unwrap();
                let (from, to) = rest.split_once(" | ").unwrap();
                let (from, to) = (vector(dtype, &scalars(dtype, from)), vector(half, &scalars(half, to)));
                judge(&what, &[from], &to, Class::Exact, |x| x[0].astype(half));
            }
            #[cfg(feature = "text")]
            "arange" => {
                let numbers: Vec<&str> = [name].into_iter().chain(rest.split(' ').take(2)).collect();
                let text = format!("np.arange({}, dtype=float16)", numbers.join(", "));
                let (_, x) = elide::text::parse(&text).unwrap().lower(&[]).unwrap().remove(0);
                let want = scalars(half, &rest.split(' ').skip(2).collect::<Vec<_>>().join(" "));
                assert_eq!(elide::testing::interpret(&[("x", x)], &[]).unwrap()[0].data, want, "{what}");
            }
            #[cfg(not(feature = "text"))]
            "arange" => {}
            _ => {
                let (elements, result) = rest.split_once("| ").unwrap();
                let want = Tensor::new(half, &[], scalars(half, result)).unwrap();
                judge(&what, &[vector(half, &scalars(half, elements))], &want, Class::Exact, |x| match kind {
                    "sum" => x[0].reduce(ReduceOp::Sum, ..),
                    "prod" => x[0].reduce(ReduceOp::Prod, ..),
                    _ => x[0].mean(),
                });
            }
        }
    }
    assert!(seen > 90, "{seen}");
}

fn halves(n: usize) -> Vec<f16> {
    (0..n).map(|k| f16::from_f32((k * 37 % 101) as f32 / 8.0 - 6.0)).collect()
}

#[test]
fn typed_expressions_round_every_operation() {
    let x = halves(1000);
    let y: Vec<f16> = ((lazy(&x) + f16::from_f32(0.1)) * f16::from_f32(3.0)).eval().unwrap();
    let round = |x: f32| f16::from_f32(x).to_f32();
    for (x, y) in x.iter().zip(&y) {
        assert_eq!(y.to_f32(), round(round(x.to_f32() + round(0.1)) * 3.0), "{x}");
    }
    let b: Vec<bf16> = x.iter().map(|x| bf16::from_f32(x.to_f32() * 1.7)).collect();
    let z: Vec<bf16> = (lazy(&b) * lazy(&b) / bf16::from_f32(3.0)).eval().unwrap();
    let round = |x: f32| bf16::from_f32(x).to_f32();
    for (b, z) in b.iter().zip(&z) {
        assert_eq!(z.to_f32(), round(round(b.to_f32() * b.to_f32()) / 3.0), "{b}");
    }
}

#[test]
fn sums_are_rounded_once() {
    // A sum in `f16` would stay at 2048, as one in `bf16` at 256, and the number of elements is beyond either.
    let ones = vec![f16::ONE; 5000];
    assert_eq!(lazy(&ones).sum().eval::<f16>().unwrap().to_f32(), 5000.0);
    let many = vec![f16::from_f32(3.0); 70_000];
    assert_eq!(lazy(&many).mean().eval::<f16>().unwrap().to_f32(), 3.0);
    assert_eq!(lazy(&many).sum().eval::<f16>().unwrap(), f16::INFINITY);
    let ones = vec![bf16::ONE; 1024];
    assert_eq!(lazy(&ones).sum().eval::<bf16>().unwrap().to_f32(), 1024.0);
    // Over an axis so short that the sum becomes operations.
    let x: Vec<f16> = [2048.0, 1.0, 1.0, 4096.0, 2.0, 1.0].map(f16::from_f32).to_vec();
    let sums: Vec<f16> = lazy(&x).reshape([2, 3]).sum_axis(1).eval().unwrap();
    assert_eq!(sums.iter().map(|x| x.to_f32()).collect::<Vec<_>>(), [2050.0, 4100.0]);
}

/// Half of the bytes of `f32`, and no array of them: what is computed in `f32` is so in registers.
#[test]
fn no_wider_array_is_made() {
    let mut b = Kernel::builder("halves");
    let n = elide::Dim::named("n");
    let x = b.input_dyn("x", DType::F16, Shape::of([n.clone()]), false);
    let y = b.input_dyn("y", DType::BF16, Shape::of([n]), false);
    let z = (&x * 2.0 + x.exp()).maximum(0.5);
    b.output("z", z.clone()).output("total", (&z * &z).sum()).output("w", &y * &y - 1.0).output("mean", y.mean());
    b.require(Requirement::NoTemporaries);
    let kernel = b.build().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(kernel.outputs().iter().map(|o| o.dtype()).collect::<Vec<_>>(), [DType::F16, DType::F16, DType::BF16, DType::BF16]);
}

#[test]
fn what_halves_do_not_have_is_said() {
    let x = input("x", DType::F16, Shape::fixed(&[4]));
    let k = input("k", DType::I64, Shape::fixed(&[2]));
    let e = x.at_indices(&k, 0).update(BinaryOp::Add, 1.0).check().unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Unsupported);
    assert_eq!(e.advice(), Some("convert to f32 first, and the result back"));
    assert!(x.at_indices(&k, 0).set(1.0).check().is_ok());
    assert_eq!((&x & &x).check().unwrap_err().kind(), ErrorKind::DType);
}

/// A histogram counts halves as what they are, and means of what a mask selects are rounded once.
#[cfg(feature = "text")]
#[test]
fn in_the_text_language() {
    let x: Vec<Scalar> = (0..3000).map(|k| Scalar::F64(1000.0 + f64::from(k % 7)).cast(DType::F16)).collect();
    let run = |text: &str| {
        let program = elide::text::parse(text).unwrap();
        let x = [("x".to_string(), vector(DType::F16, &x))];
        let x_input = input("x", DType::F16, Shape::fixed(&[3000]));
        let (_, y) = program.lower(&[("x".into(), x_input)]).unwrap().remove(0);
        elide::testing::interpret(&[("y", y)], &x).unwrap().remove(0).data
    };
    let half = |x: f64| Scalar::F64(x).cast(DType::F16);
    // NumPy's own sums in `float16` overflow here.
    let mean = (0..3000).map(|k| f64::from(k % 7)).sum::<f64>() / 3000.0;
    let var = (0..3000).map(|k| (f64::from(k % 7) - mean).powi(2)).sum::<f64>() / 3000.0;
    assert_eq!(run("x.var()"), [half(var)]);
    assert_eq!(run("x.std()"), [half(var.sqrt())]);
    assert_eq!(run("x[x > 1003].mean()"), [half(1005.0)]);
    assert_eq!(run("np.nanmean(x)"), [half(1000.0 + mean)]);
    assert_eq!(run("np.sum(x * 0 + 1, dtype=float32)"), [Scalar::F32(3000.0)]);
    assert_eq!(run("x[:2] * bf16(0.5)")[0].dtype(), DType::F32);
    let counts: Vec<Scalar> = [429, 429, 429, 429, 428, 856].map(Scalar::I64).to_vec();
    assert_eq!(run("np.histogram(x, 6, (1000.0, 1006.0))[0]"), counts);
    let made = run("np.arange(0, 300, 0.3, dtype=float16)");
    assert_eq!(made[999], half(999.0 * (f64::from(f16::from_f64(0.3)))));
}

/// Every half to wider types, and every half with its neighbours and ties from them, against conversions by value.
#[test]
fn every_half_by_every_backend() {
    for half in [DType::F16, DType::BF16] {
        let all: Vec<Scalar> = (0..=u16::MAX).map(|bits| Scalar::from_bits(half, bits.into())).collect();
        for wide in [DType::F32, DType::F64] {
            let up: Vec<Scalar> = all.iter().map(|x| x.cast(wide)).collect();
            judge(&format!("{half} to {wide}"), &[vector(half, &all)], &vector(wide, &up), Class::Exact, |x| x[0].astype(wide));
            // Half of the last digit of a normal number, and one bit beside it.
            let digits = if half == DType::F16 { 10 } else { 7 };
            let tie = 1u128 << (if wide == DType::F32 { 22 } else { 51 } - digits);
            for change in [0, 1, tie - 1, tie, tie + 1] {
                let x: Vec<Scalar> = up.iter().map(|x| Scalar::from_bits(wide, x.bits() + change)).collect();
                let want: Vec<Scalar> = x.iter().map(|x| x.cast(half)).collect();
                judge(&format!("{wide} to {half}, {change:#x}"), &[vector(wide, &x)], &vector(half, &want), Class::Exact, |x| {
                    x[0].astype(half)
                });
            }
        }
    }
}
