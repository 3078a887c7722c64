//! Every operation on every element type it is defined on, compiled, over layouts and lengths around the widths of vectors,
//! against the reference evaluator: equal bits (`docs/semantics.md`).
//!
//! One kernel per operation, type and combination of layouts; all lengths run through it. Inputs end at an unmapped page, and
//! the bytes of the output's buffer that belong to no element must come back as they were.

mod common;

use std::fmt::Display;

use common::Placed;
use common::guard::Side;
use elide::testing::{Class, Place, Rng, Tensor, agree, input, interpret, random_scalar};
use elide::{ArrayMut, Axes, Backend, BinaryOp, Call, DType, Dim, DynExpr, Kernel, Layout, ReduceOp, Scalar, Shape, UnaryOp};

/// Around the number of lanes of each element type, and of unrolled loops of them.
const LENGTHS: &[usize] = &[0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100];
/// The same for reductions: around the leaf of the pairwise order, and several halvings of it.
const REDUCED: &[usize] = &[0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 135, 136, 137, 257, 1000];

/// What surrounds the elements of an output.
const CANARY: u8 = 0xa5;

/// How the elements of an array lie, whatever its shape.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lie {
    C,
    Fortran,
    /// Every third element.
    Gaps,
    /// Records with a byte of something else, so that no element is aligned.
    Odd,
    Reversed,
    /// One element for all indices.
    Repeated,
}

fn place(lie: Lie, shape: &[usize], item: usize) -> Place {
    let rank = shape.len();
    let (unit, axes): (usize, Vec<usize>) = match lie {
        Lie::C | Lie::Reversed | Lie::Repeated => (item, (0..rank).rev().collect()),
        Lie::Fortran => (item, (0..rank).collect()),
        Lie::Gaps => (3 * item, (0..rank).rev().collect()),
        Lie::Odd => (item + 1, (0..rank).rev().collect()),
    };
    if lie == Lie::Repeated {
        return Place { strides: vec![0; rank], first: 0, bytes: if shape.contains(&0) { 0 } else { item }, swapped: false };
    }
    let mut strides = vec![0isize; rank];
    let (mut inside, mut reach) = (unit, item);
    for k in axes {
        strides[k] = inside as isize;
        reach += inside * shape[k].saturating_sub(1);
        inside *= shape[k].max(1);
    }
    let bytes = if shape.contains(&0) { 0 } else { reach };
    let mut first = 0;
    if lie == Lie::Reversed && bytes > 0 {
        first = bytes - item;
        strides.iter_mut().for_each(|s| *s = -*s);
    }
    Place { strides, first, bytes, swapped: false }
}

/// The values where operations go wrong, and a few harmless ones.
fn corners(dtype: DType) -> Vec<Scalar> {
    let int = |list: &[i64]| list.iter().map(|&x| Scalar::I64(x).cast(dtype)).collect();
    let float = |list: &[f64]| list.iter().map(|&x| Scalar::F64(x).cast(dtype)).collect();
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    match dtype {
        DType::Bool => vec![Scalar::Bool(false), Scalar::Bool(true)],
        DType::U8 => int(&[0, 1, 2, 3, 7, 8, 9, 15, 16, 100, 127, 128, 129, 200, 254, 255]),
        DType::I16 => int(&[0, 1, -1, 2, -2, 3, 7, 15, 16, 17, 127, 128, 255, 256, -300, 32766, 32767, -32767, -32768]),
        DType::I32 => {
            int(&[0, 1, -1, 2, -3, 7, 31, 32, 33, 65535, 65536, -65537, 46341, 1 << 30, 2147483646, 2147483647, -2147483647, -2147483648])
        }
        DType::I64 => int(&[
            0,
            1,
            -1,
            2,
            -3,
            7,
            31,
            63,
            64,
            65,
            1 << 31,
            -(1 << 31),
            1 << 32,
            (1 << 53) + 1,
            3037000500,
            i64::MAX,
            i64::MAX - 1,
            -i64::MAX,
            i64::MIN,
        ]),
        DType::F32 => float(&[
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            -1.5,
            2.5,
            3.0,
            -7.0,
            0.1,
            1e-45,
            -1e-45,
            1e-40,
            1.17549435e-38,
            16777217.0,
            8388607.5,
            -8388608.0,
            88.8,
            -104.0,
            1e5,
            1e20,
            3.4e38,
            -3.4e38,
            300.7,
            65536.5,
            4e9,
            inf,
            -inf,
            nan,
        ]),
        DType::F64 => float(&[
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            -1.5,
            2.5,
            3.0,
            -7.0,
            0.1,
            5e-324,
            -5e-324,
            1e-310,
            2.2250738585072014e-308,
            9007199254740993.0,
            4503599627370495.5,
            709.8,
            -745.2,
            1e22,
            1e300,
            f64::MAX,
            f64::MIN,
            300.7,
            4e9,
            -9.3e18,
            1.9e19,
            inf,
            -inf,
            nan,
        ]),
        other => unreachable!("a new type: {other}"),
    }
}

/// `n` values: the corners in turn, then any.
fn values(rng: &mut Rng, dtype: DType, n: usize) -> Vec<Scalar> {
    let corners = corners(dtype);
    (0..n).map(|k| if k < corners.len() || rng.one_in(2) { corners[rng.below(corners.len())] } else { random_scalar(rng, dtype) }).collect()
}

/// Runs a call with inputs `x0`, `x1`, ... that lie as told, into an output `y` that lies as told.
fn run(call: &mut Call, given: &[(&Tensor, Lie)], dtype: DType, shape: &[usize], out: Lie, what: &dyn Display) -> Tensor {
    let placed: Vec<Placed> = given.iter().map(|(t, lie)| Placed::new(t, &place(*lie, &t.shape, t.dtype.size()), Side::After)).collect();
    let place = place(out, shape, dtype.size());
    let mut memory = vec![CANARY; place.bytes];
    let layout = Layout { shape: shape.into(), strides: place.strides[..].into() };
    let first = memory.as_mut_ptr().wrapping_add(place.first);
    // SAFETY: `place` keeps every element inside its `bytes` bytes, which `memory` has; nothing else uses it until the run is over.
    let y = unsafe { ArrayMut::from_raw(first, dtype, layout) }.unwrap();
    let mut binding = call.bind_mut("y", y).unwrap();
    let names = ["x0", "x1", "x2"];
    for (p, name) in placed.iter().zip(names) {
        binding = binding.bind(name, p.view()).unwrap();
    }
    binding.run().unwrap_or_else(|e| panic!("{what} {given:?}: {e}"));
    let got = place.load(dtype, shape, &memory);
    // Erase the elements: what is left must be as it was.
    let blank = Tensor::new(dtype, shape, vec![Scalar::zero(dtype); got.data.len()]).unwrap();
    place.store(&blank, &mut memory);
    let mut clean = vec![CANARY; place.bytes];
    place.store(&blank, &mut clean);
    assert!(memory == clean, "{what}: {out:?} output of shape {shape:?}: wrote between the elements");
    got
}

fn check(got: &Tensor, want: &Tensor, class: Class, what: &dyn Display) {
    if let Err(e) = agree(got, want, class) {
        panic!("{what}: {e}");
    }
}

/// A kernel `y = f(x0, x1, ...)` of inputs of one shape of named dims, by each backend.
fn kernel<'a>(dtypes: &[DType], rank: usize, f: impl Fn(&[DynExpr<'static>]) -> DynExpr<'a>) -> Option<Calls> {
    let make = |backend| {
        let mut b = Kernel::builder("suite");
        let dims = [Dim::named("n"), Dim::named("m")];
        let inputs: Vec<_> =
            dtypes.iter().enumerate().map(|(k, &d)| b.input_dyn(&format!("x{k}"), d, Shape::of(dims[..rank].iter()), false)).collect();
        let y = f(&inputs);
        y.check().ok()?;
        b.output("y", y).backend(backend);
        Some((backend, b.build().unwrap().call()))
    };
    Backend::available().into_iter().map(make).collect::<Option<_>>().map(Calls)
}

/// A kernel by every backend that this machine can run.
struct Calls(Vec<(Backend, Call)>);

impl Calls {
    fn dtype(&self) -> DType {
        self.0[0].1.kernel().outputs()[0].dtype()
    }

    /// Runs and checks them all.
    fn judge(&mut self, given: &[(&Tensor, Lie)], want: &Tensor, out: Lie, class: Class, what: &dyn Display) {
        for (backend, call) in &mut self.0 {
            let what = format!("{what}, by {}", backend.name());
            let got = run(call, given, want.dtype, &want.shape, out, &what);
            check(&got, want, class, &what);
        }
    }
}

/// The expected values of an element-wise expression, by the reference evaluator.
fn expect<'a>(given: &[Tensor], f: impl Fn(&[DynExpr<'static>]) -> DynExpr<'a>) -> Tensor {
    let named: Vec<(String, Tensor)> = given.iter().enumerate().map(|(k, t)| (format!("x{k}"), t.clone())).collect();
    let inputs: Vec<_> = named.iter().map(|(name, t)| input(name, t.dtype, Shape::fixed(&t.shape))).collect();
    interpret(&[("y", f(&inputs))], &named).unwrap().remove(0)
}

fn vector(dtype: DType, data: &[Scalar]) -> Tensor {
    Tensor::new(dtype, &[data.len()], data.to_vec()).unwrap()
}

/// Runs an element-wise operation at all lengths through each combination of layouts (inputs, then the output). Returns
/// false where the front end does not define it.
fn elementwise<'a>(
    what: &str,
    dtypes: &[DType],
    combinations: &[&[Lie]],
    class: Class,
    f: impl Fn(&[DynExpr<'static>]) -> DynExpr<'a>,
) -> bool {
    let Some(mut calls) = kernel(dtypes, 1, &f) else { return false };
    let mut rng = Rng::new(dtypes.len() as u64);
    // Every pair of corners, with anything as the third.
    let lists: Vec<Vec<Scalar>> = dtypes.iter().map(|&d| corners(d)).collect();
    let pairs = lists[0].len() * lists.get(1).map_or(1, Vec::len);
    let full: Vec<Vec<Scalar>> = (0..dtypes.len())
        .map(|j| {
            let mut all: Vec<Scalar> = match j {
                0 => (0..pairs).map(|k| lists[0][k % lists[0].len()]).collect(),
                1 => (0..pairs).map(|k| lists[1][k / lists[0].len()]).collect(),
                _ => values(&mut rng, dtypes[j], pairs),
            };
            all.extend(values(&mut rng, dtypes[j], 128));
            all
        })
        .collect();
    let all: Vec<Tensor> = full.iter().zip(dtypes).map(|(x, &d)| vector(d, x)).collect();
    let want_all = expect(&all, &f);
    assert_eq!(calls.dtype(), want_all.dtype);
    let total = full[0].len();
    for lies in combinations {
        for &n in LENGTHS.iter().chain(&[total]) {
            let at = rng.below(total - n + 1);
            let mut given: Vec<Tensor> = full.iter().zip(dtypes).map(|(x, &d)| vector(d, &x[at..at + n])).collect();
            let repeated = given.iter().zip(*lies).any(|(_, l)| *l == Lie::Repeated) && n > 0;
            for (t, lie) in given.iter_mut().zip(*lies) {
                if *lie == Lie::Repeated && n > 0 {
                    t.data = vec![t.data[n / 2]; n];
                }
            }
            let want = if repeated { expect(&given, &f) } else { vector(want_all.dtype, &want_all.data[at..at + n]) };
            let title = format!("{what} of {dtypes:?}, {lies:?}, length {n}");
            let given: Vec<(&Tensor, Lie)> = given.iter().zip(lies.iter().copied()).collect();
            calls.judge(&given, &want, lies[dtypes.len()], class, &title);
        }
    }
    true
}

use Lie::*;
const UNARY: &[&[Lie]] = &[&[C, C], &[Gaps, C], &[Reversed, Odd], &[C, Gaps], &[C, Reversed], &[Repeated, C]];
const BINARY: &[&[Lie]] = &[&[C, C, C], &[Gaps, Reversed, C], &[C, Repeated, Reversed], &[Odd, C, Gaps]];

#[test]
fn unary() {
    let mut covered = 0;
    for &op in UnaryOp::ALL {
        for &d in DType::ALL {
            covered += usize::from(elementwise(op.name(), &[d], UNARY, Class::Exact, |x| x[0].unary(op)));
        }
    }
    assert!(covered >= 60, "{covered}");
}

fn binary(dtypes: &[DType]) {
    let mut covered = 0;
    for &op in BinaryOp::ALL {
        let class = if matches!(op, BinaryOp::Min | BinaryOp::Max) { Class::ZeroSignOpen } else { Class::Exact };
        for &d in dtypes {
            covered += usize::from(elementwise(op.name(), &[d, d], BINARY, class, |x| DynExpr::binary(op, &x[0], &x[1])));
        }
    }
    assert!(covered >= 12 * dtypes.len(), "{covered}");
}

#[test]
fn binary_of_narrow_types() {
    binary(&[DType::Bool, DType::U8, DType::I16]);
}

#[test]
fn binary_of_wide_integers() {
    binary(&[DType::I32, DType::I64]);
}

#[test]
fn binary_of_floats() {
    binary(&[DType::F32, DType::F64]);
}

#[test]
fn casts() {
    const LIES: &[&[Lie]] = &[&[C, C], &[Gaps, Reversed], &[Reversed, C]];
    for &from in DType::ALL {
        for &to in DType::ALL {
            assert!(elementwise(&format!("cast to {to}"), &[from], LIES, Class::Exact, |x| x[0].astype(to)));
        }
    }
}

#[test]
fn select() {
    const LIES: &[&[Lie]] = &[&[C, C, C, C], &[Gaps, Reversed, C, C], &[Repeated, C, C, Odd], &[C, C, Repeated, Gaps]];
    for &d in DType::ALL {
        assert!(elementwise("select", &[DType::Bool, d, d], LIES, Class::Exact, |x| x[0].select(&x[1], &x[2])));
    }
}

/// Two axes: orders that agree and that do not, into outputs of any order.
#[test]
fn two_axes() {
    const LIES: &[&[Lie]] = &[
        &[C, C, C],
        &[Fortran, C, C],
        &[Fortran, Fortran, Fortran],
        &[C, Gaps, Fortran],
        &[Reversed, Repeated, Odd],
        &[C, Fortran, Reversed],
    ];
    const SHAPES: &[[usize; 2]] = &[[0, 5], [5, 0], [1, 1], [1, 17], [17, 1], [3, 5], [8, 8], [9, 33], [31, 7]];
    for op in [BinaryOp::Sub, BinaryOp::Le, BinaryOp::Or] {
        for &d in DType::ALL {
            let f = |x: &[DynExpr<'static>]| DynExpr::binary(op, &x[0], &x[1]);
            let Some(mut calls) = kernel(&[d, d], 2, f) else { continue };
            let mut rng = Rng::new(3);
            for lies in LIES {
                for shape in SHAPES {
                    let n = shape[0] * shape[1];
                    let mut tensor = |lie| {
                        let data = values(&mut rng, d, n);
                        let data = if lie == Repeated && n > 0 { vec![data[n / 2]; n] } else { data };
                        Tensor::new(d, shape, data).unwrap()
                    };
                    let given = [tensor(lies[0]), tensor(lies[1])];
                    let title = format!("{} of {d}{shape:?}, {lies:?}", op.name());
                    let want = expect(&given, f);
                    calls.judge(&[(&given[0], lies[0]), (&given[1], lies[1])], &want, lies[2], Class::Exact, &title);
                }
            }
        }
    }
}

#[test]
fn no_axes() {
    for op in [BinaryOp::Add, BinaryOp::FloorDiv, BinaryOp::Pow, BinaryOp::Lt, BinaryOp::Max] {
        let class = if op == BinaryOp::Max { Class::ZeroSignOpen } else { Class::Exact };
        for &d in DType::ALL {
            let f = |x: &[DynExpr<'static>]| DynExpr::binary(op, &x[0], &x[1]);
            let Some(mut calls) = kernel(&[d, d], 0, f) else { continue };
            for &x in &corners(d) {
                for &y in &corners(d) {
                    let given = [Tensor::new(d, &[], vec![x]).unwrap(), Tensor::new(d, &[], vec![y]).unwrap()];
                    let title = format!("{} of {x} and {y}", op.name());
                    let want = expect(&given, f);
                    calls.judge(&[(&given[0], C), (&given[1], C)], &want, C, class, &title);
                }
            }
        }
    }
}

/// A reduction in the element type itself, where the run-time typed one widens integers first.
fn native(op: ReduceOp, x: &DynExpr<'static>, axes: Axes) -> Option<DynExpr<'static>> {
    op.result(x.dtype())?;
    macro_rules! number {
        ($T:ty) => {{
            let x = x.typed::<$T>().unwrap();
            match op {
                ReduceOp::Sum => x.sum_over(axes).into(),
                ReduceOp::Prod => x.prod_over(axes).into(),
                _ => return Some(x.into_dyn().reduce(op, axes)),
            }
        }};
    }
    Some(match x.dtype() {
        DType::U8 => number!(u8),
        DType::I16 => number!(i16),
        DType::I32 => number!(i32),
        DType::I64 => number!(i64),
        _ => x.reduce(op, axes),
    })
}

fn reductions(dtypes: &[DType]) {
    for &op in ReduceOp::ALL {
        for &d in dtypes {
            let f = |x: &[DynExpr<'static>]| native(op, &x[0], Axes::from(..)).unwrap();
            if op.result(d).is_none() {
                continue;
            }
            let mut rng = Rng::new(11);
            let mut calls = kernel(&[d], 1, f).unwrap();
            for lie in [C, Gaps, Reversed, Repeated] {
                for &n in REDUCED {
                    if n == 0 && op.of_nothing(d).is_none() {
                        continue;
                    }
                    // Corners everywhere would make every float answer NaN.
                    let mut data: Vec<Scalar> = match n % 2 {
                        0 => values(&mut rng, d, n),
                        _ => (0..n).map(|_| Scalar::F64(rng.between(-1000, 1000) as f64 / 7.0).cast(d)).collect(),
                    };
                    if lie == Repeated && n > 0 {
                        data = vec![data[0]; n];
                    }
                    let given = [vector(d, &data)];
                    let want = expect(&given, f);
                    let title = format!("{} of {d}, {lie:?}, length {n}", op.name());
                    calls.judge(&[(&given[0], lie)], &want, C, zero_sign(op), &title);
                }
            }
        }
    }
}

fn zero_sign(op: ReduceOp) -> Class {
    if matches!(op, ReduceOp::Min | ReduceOp::Max) { Class::ZeroSignOpen } else { Class::Exact }
}

#[test]
fn reductions_of_integers() {
    reductions(&[DType::Bool, DType::U8, DType::I16, DType::I32, DType::I64]);
}

#[test]
fn reductions_of_floats() {
    reductions(&[DType::F32, DType::F64]);
}

/// The least and the greatest of numbers and one NaN, wherever it is.
#[test]
fn extremes_with_one_nan() {
    for op in [ReduceOp::Min, ReduceOp::Max] {
        for d in [DType::F32, DType::F64] {
            let f = |x: &[DynExpr<'static>]| native(op, &x[0], Axes::from(..)).unwrap();
            let mut calls = kernel(&[d], 1, f).unwrap();
            for n in [1, 7, 8, 9, 33, 70] {
                for at in 0..n {
                    let value = |k: usize| Scalar::F64(if k == at { f64::NAN } else { (k * 7 % 5) as f64 }).cast(d);
                    let given = [vector(d, &(0..n).map(value).collect::<Vec<_>>())];
                    let want = Tensor::new(d, &[], vec![Scalar::F64(f64::NAN).cast(d)]).unwrap();
                    calls.judge(&[(&given[0], C)], &want, C, Class::Exact, &format!("{} of {d}[{n}], NaN at {at}", op.name()));
                }
            }
        }
    }
}

/// Along one of two axes: lanes along the kept axis or the reduced one, whatever the memory order.
#[test]
fn reductions_along_an_axis() {
    const SHAPES: &[[usize; 2]] = &[[0, 3], [3, 0], [1, 1], [2, 3], [9, 17], [130, 5], [5, 130], [33, 33]];
    for &op in ReduceOp::ALL {
        for &d in &[DType::Bool, DType::I16, DType::I64, DType::F32, DType::F64] {
            if op.result(d).is_none() {
                continue;
            }
            for axis in [0usize, 1] {
                let f = |x: &[DynExpr<'static>]| native(op, &x[0], Axes::from(axis)).unwrap();
                let mut calls = kernel(&[d], 2, f).unwrap();
                let mut rng = Rng::new(12);
                for lies in [[C, C], [Fortran, Reversed], [Gaps, Odd]] {
                    for shape in SHAPES {
                        if shape[axis] == 0 && op.of_nothing(d).is_none() {
                            continue;
                        }
                        let given = [Tensor::new(d, shape, values(&mut rng, d, shape[0] * shape[1])).unwrap()];
                        let want = expect(&given, f);
                        let title = format!("{} of {d}{shape:?} along axis {axis}, {lies:?}", op.name());
                        calls.judge(&[(&given[0], lies[0])], &want, lies[1], zero_sign(op), &title);
                    }
                }
            }
        }
    }
}
