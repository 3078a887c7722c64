//! Every operation on every element type it is defined on, compiled, over layouts and lengths around the widths of vectors,
//! against the reference evaluator: equal bits (`docs/semantics.md`).
//!
//! One kernel per operation, type and combination of layouts; all lengths run through it. Inputs end at an unmapped page, and
//! the bytes of the output's buffer that belong to no element must come back as they were.

mod common;

use common::suite::{Calls, Lie, corners, expect, native, values, vector, zero_sign};
use elide::testing::{Class, Rng, Tensor};
use elide::{Axes, BinaryOp, DType, Dim, DynExpr, ReduceOp, Scalar, Shape, UnaryOp};

/// Around the number of lanes of each element type, and of unrolled loops of them.
const LENGTHS: &[usize] = &[0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100];
/// The same for reductions: around the leaf of the pairwise order, and several halvings of it.
const REDUCED: &[usize] = &[0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 135, 136, 137, 257, 1000];

/// All element types but complex ones: what is done for some of them in one test, others do on another thread.
const NARROW: &[DType] = &[DType::Bool, DType::I8, DType::U8, DType::I16, DType::U16];
const WIDE: &[DType] = &[DType::I32, DType::I64, DType::U32, DType::U64];
const FLOATS: &[DType] = &[DType::F32, DType::F64];
const HALVES: &[DType] = &[DType::F16, DType::BF16];
const _: () = assert!(NARROW.len() + WIDE.len() + FLOATS.len() + HALVES.len() == DType::REAL.len());

/// A kernel `y = f(x0, x1, ...)` of inputs of one shape of named dims, by each backend.
fn kernel<'a>(dtypes: &[DType], rank: usize, f: impl Fn(&[DynExpr<'static>]) -> DynExpr<'a>) -> Option<Calls> {
    let dims = [Dim::named("n"), Dim::named("m")];
    Calls::of(dtypes, &Shape::of(dims[..rank].iter()), f)
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

fn unary(dtypes: &[DType]) {
    let mut covered = 0;
    for &op in UnaryOp::ALL {
        for &d in dtypes {
            for op in std::iter::once(op).chain(op.fast(d)) {
                covered += usize::from(elementwise(op.name(), &[d], UNARY, Class::Exact, |x| x[0].unary(op)));
            }
        }
    }
    assert!(covered >= 20 * dtypes.len(), "{covered}");
}

#[test]
fn unary_of_narrow_types() {
    unary(NARROW);
}

#[test]
fn unary_of_wide_integers() {
    unary(WIDE);
}

#[test]
fn unary_of_floats() {
    unary(FLOATS);
}

#[test]
fn unary_of_halves() {
    unary(HALVES);
}

fn binary(dtypes: &[DType]) {
    let mut covered = 0;
    for &op in BinaryOp::ALL {
        let class = if matches!(op, BinaryOp::Min | BinaryOp::Max) { Class::ZeroSignOpen } else { Class::Exact };
        for &d in dtypes {
            for op in std::iter::once(op).chain(op.fast(d)) {
                covered += usize::from(elementwise(op.name(), &[d, d], BINARY, class, |x| DynExpr::binary(op, &x[0], &x[1])));
            }
        }
    }
    assert!(covered >= 12 * dtypes.len(), "{covered}");
}

#[test]
fn binary_of_narrow_types() {
    binary(NARROW);
}

#[test]
fn binary_of_wide_integers() {
    binary(WIDE);
}

#[test]
fn binary_of_floats() {
    binary(FLOATS);
}

#[test]
fn binary_of_halves() {
    binary(HALVES);
}

#[test]
fn casts() {
    const LIES: &[&[Lie]] = &[&[C, C], &[Gaps, Reversed], &[Reversed, C]];
    for &from in DType::REAL {
        for &to in DType::REAL {
            assert!(elementwise(&format!("cast to {to}"), &[from], LIES, Class::Exact, |x| x[0].astype(to)));
        }
    }
}

/// Against Rust's `as`, which saturates, and a clamp of what it gives in 128 bits.
#[test]
fn saturating_casts() {
    let mut rng = Rng::new(5);
    for &from in DType::REAL {
        let mut x = values(&mut rng, from, 100);
        x.extend(corners(from));
        // Just inside and outside of every integer type.
        for (low, high) in DType::REAL.iter().filter_map(|d| d.int_range()) {
            x.extend([low - 1, low, low + 1, high - 1, high, high + 1].map(|k| Scalar::from_int(k, from)));
            let near = |k: i128| [-0.5, 0.5].map(|by| Scalar::F64(k as f64 + by).cast(from));
            x.extend([near(low), near(high)].concat());
        }
        let x = vector(from, &x);
        for &to in DType::REAL {
            let clamped = |s: &Scalar| match to.int_range() {
                Some((low, high)) => Scalar::from_int(s.to_int().clamp(low, high), to),
                None => s.cast(to),
            };
            let want = vector(to, &x.data.iter().map(clamped).collect::<Vec<_>>());
            let mut calls = kernel(&[from], 1, |x| x[0].cast_saturating(to)).unwrap();
            calls.judge(&[(&x, C)], &want, C, Class::Exact, &format!("saturating cast of {from} to {to}"));
            assert_eq!(expect(std::slice::from_ref(&x), |x| x[0].cast_saturating(to)), want, "{from} to {to}");
        }
    }
}

/// By value: where a `u64` meets a signed integer, `f64` does not tell all of them apart.
#[test]
fn comparisons_of_both_signs() {
    let mut rng = Rng::new(3);
    let (mut u, mut i) = (values(&mut rng, DType::U64, 400), values(&mut rng, DType::I64, 400));
    for (a, b) in [(1u64 << 63, i64::MIN), (u64::MAX, -1), (i64::MAX as u64, i64::MAX), (i64::MAX as u64 - 1, i64::MAX), (0, 0)] {
        u.push(a.into());
        i.push(b.into());
    }
    let exact = |s: &Scalar| match *s {
        Scalar::U64(x) => i128::from(x),
        Scalar::I64(x) => i128::from(x),
        other => unreachable!("{other}"),
    };
    for &op in BinaryOp::ALL.iter().filter(|op| op.is_comparison()) {
        let holds = |a: i128, b: i128| match op {
            BinaryOp::Eq => a == b,
            BinaryOp::Ne => a != b,
            BinaryOp::Lt => a < b,
            BinaryOp::Le => a <= b,
            BinaryOp::Gt => a > b,
            _ => a >= b,
        };
        for (x, y) in [(&u, &i), (&i, &u)] {
            let dtypes = [x[0].dtype(), y[0].dtype()];
            let want: Vec<Scalar> = x.iter().zip(y).map(|(a, b)| Scalar::Bool(holds(exact(a), exact(b)))).collect();
            let (x, y) = (vector(dtypes[0], x), vector(dtypes[1], y));
            let mut calls = kernel(&dtypes, 1, |x| DynExpr::binary(op, &x[0], &x[1])).unwrap();
            let want = vector(DType::Bool, &want);
            calls.judge(&[(&x, C), (&y, C)], &want, C, Class::Exact, &format!("{} of {dtypes:?}", op.name()));
        }
    }
}

#[test]
fn select() {
    const LIES: &[&[Lie]] = &[&[C, C, C, C], &[Gaps, Reversed, C, C], &[Repeated, C, C, Odd], &[C, C, Repeated, Gaps]];
    for &d in DType::REAL {
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
        for &d in DType::REAL {
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
        for &d in DType::REAL {
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

fn reductions(dtypes: &[DType]) {
    for &op in ReduceOp::ALL {
        for &d in dtypes {
            let f = |x: &[DynExpr<'static>]| native(op, &x[0], Axes::from(..)).unwrap();
            if op.result(d.computed_in()).is_none() {
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

#[test]
fn reductions_of_integers() {
    reductions(&[DType::Bool, DType::I8, DType::U8, DType::I16, DType::U16, DType::I32, DType::U32, DType::I64, DType::U64]);
}

#[test]
fn reductions_of_floats() {
    reductions(&[DType::F16, DType::BF16, DType::F32, DType::F64]);
}

/// The least and the greatest of numbers and one NaN, wherever it is.
#[test]
fn extremes_with_one_nan() {
    for op in [ReduceOp::Min, ReduceOp::Max] {
        for d in [DType::F16, DType::BF16, DType::F32, DType::F64] {
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
        for &d in
            &[DType::Bool, DType::I16, DType::U16, DType::U32, DType::I64, DType::U64, DType::F16, DType::BF16, DType::F32, DType::F64]
        {
            if op.result(d.computed_in()).is_none() {
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
