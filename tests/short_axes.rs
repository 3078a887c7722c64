//! Axes of a few elements: reductions along them, which become operations, and single elements of them, which lie at a constant
//! distance from each other. Every backend, against the reference evaluator, at lengths around the widths of vectors; inputs end at
//! an unmapped page.

mod common;

use common::suite::{Calls, Lie, expect, native, values, zero_sign};
use elide::testing::{Class, Rng, Tensor};
use elide::{Axes, Axis, BinaryOp, DType, Dim, DynExpr, Kernel, ReduceOp, Scalar, Shape, Stage, s};

/// Around the number of lanes of each type; the other axis.
const LENGTHS: &[usize] = &[0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 128, 257];

/// Numbers among which floats seldom are NaN, then corners.
fn some(rng: &mut Rng, d: DType, n: usize) -> Vec<Scalar> {
    if rng.one_in(2) {
        return values(rng, d, n);
    }
    (0..n).map(|_| Scalar::F64(rng.between(-1000, 1000) as f64 / 7.0).cast(d)).collect()
}

/// Runs `f` on an array whose axis `n` has each of the lengths.
fn judge(
    shape: &[usize],
    named: usize,
    d: DType,
    lies: &[Lie],
    class: Class,
    what: &str,
    f: &dyn Fn(&[DynExpr<'static>]) -> DynExpr<'static>,
) {
    let dim = |(k, n): (usize, &usize)| if k == named { Dim::named("n") } else { Dim::from(*n) };
    let declared = Shape::of(shape.iter().enumerate().map(dim));
    let Some(mut calls) = Calls::of(&[d], &declared, f) else { panic!("{what} of {d} is not defined") };
    let mut rng = Rng::new(shape.len() as u64);
    for lie in lies {
        for &n in LENGTHS {
            let mut shape = shape.to_vec();
            shape[named] = n;
            let data = some(&mut rng, d, shape.iter().product());
            let given = [Tensor::new(d, &shape, data).unwrap()];
            let want = expect(&given, f);
            calls.judge(&[(&given[0], *lie)], &want, Lie::C, class, &format!("{what} of {d}{shape:?}, {lie:?}"));
        }
    }
}

fn reductions(dtypes: &[DType]) {
    for &d in dtypes {
        for &op in ReduceOp::ALL.iter().filter(|op| op.result(d).is_some()) {
            for (shape, named, axes) in [
                (vec![0, 1], 0, vec![1]),
                (vec![0, 3], 0, vec![1]),
                (vec![0, 8], 0, vec![1]),
                (vec![3, 0], 1, vec![0]),
                (vec![2, 0, 3], 1, vec![0, 2]),
            ] {
                let axes: Vec<Axis> = axes.into_iter().map(Axis).collect();
                let f = move |x: &[DynExpr<'static>]| native(op, &x[0], Axes::from(&axes[..])).unwrap();
                judge(&shape, named, d, &[Lie::C], zero_sign(op), op.name(), &f);
            }
        }
    }
}

#[test]
fn reductions_of_integers_over_a_few() {
    reductions(&[DType::Bool, DType::U8, DType::I16, DType::I32, DType::I64]);
}

#[test]
fn reductions_of_floats_over_a_few() {
    reductions(&[DType::F32, DType::F64]);
}

/// They are no loops, whatever is reduced; a body that is too long for that is one.
#[test]
fn a_few_elements_are_no_loop() {
    let stages = |f: &dyn Fn(&DynExpr<'static>) -> DynExpr<'static>, few: i64| {
        let mut b = Kernel::builder("few");
        let x = b.input_dyn("x", DType::F64, Shape::of([Dim::named("n"), Dim::from(few as usize)].iter()), false);
        b.output("y", f(&x));
        b.build().unwrap().inspect(Stage::Kernel).unwrap()
    };
    let sum = |x: &DynExpr<'static>| x.reduce(ReduceOp::Sum, Axis(1));
    assert!(!stages(&sum, 8).contains("reduce"));
    assert!(stages(&sum, 9).contains("reduce"));
    let heavy = |x: &DynExpr<'static>| (0..4).fold(x.clone(), |x, _| x.sin().exp()).reduce(ReduceOp::Sum, Axis(1));
    assert!(stages(&heavy, 8).contains("reduce"));
    assert!(!stages(&heavy, 2).contains("reduce"));
    // A sum of distances is one nest without memory in between.
    let distances = stages(&|x| (x - 1.0).unary(elide::UnaryOp::Abs).reduce(ReduceOp::Sum, Axis(1)).reduce(ReduceOp::Sum, Axis(0)), 3);
    assert_eq!(distances.matches("step ").count(), 1, "{distances}");
}

/// Elements at a distance: some columns of a table, by themselves, together, from neighbouring rows, and converted.
fn columns(dtypes: &[DType]) {
    type F<'f> = dyn Fn(&[DynExpr<'static>]) -> DynExpr<'static> + 'f;
    for &d in dtypes {
        let op = if d == DType::Bool { BinaryOp::Xor } else { BinaryOp::Sub };
        for apart in [2isize, 3, 4, 5, 8, 9] {
            let column = |x: &DynExpr<'static>, k: isize| x.slice(s![.., k]);
            let less = |x: DynExpr<'static>, y: DynExpr<'static>| DynExpr::binary(op, &x, &y);
            let last = apart - 1;
            let cases: [(&str, &F<'_>); 6] = [
                ("the first", &|x| column(&x[0], 0)),
                ("the last", &|x| column(&x[0], last)),
                ("both ends", &|x| less(column(&x[0], last), column(&x[0], 0))),
                ("all", &|x| (1..apart).fold(column(&x[0], 0), |y, k| less(y, column(&x[0], k)))),
                ("neighbours", &|x| less(x[0].slice(s![1.., 0]), x[0].slice(s![..-1, last]))),
                ("converted", &|x| {
                    let [x, y] = [0, 1].map(|k| column(&x[0], k).astype(DType::F64));
                    x - y
                }),
            ];
            for (what, f) in cases {
                judge(&[0, apart as usize], 0, d, &[Lie::C], Class::Exact, &format!("{what}, {apart} apart,"), f);
            }
        }
    }
}

#[test]
fn columns_of_narrow_types() {
    columns(&[DType::Bool, DType::U8, DType::I16]);
}

#[test]
fn columns_of_wide_integers() {
    columns(&[DType::I32, DType::I64]);
}

#[test]
fn columns_of_floats() {
    columns(&[DType::F32, DType::F64]);
}

/// A view that steps over adjacent elements, whose array ends right after the last one that it shows.
#[test]
fn steps_over_adjacent_elements() {
    for d in [DType::U8, DType::I16, DType::F32, DType::F64] {
        for step in [2, 3, 4] {
            for first in [0, 1] {
                let f = move |x: &[DynExpr<'static>]| x[0].slice(s![first..;step]);
                judge(&[0], 0, d, &[Lie::C, Lie::Gaps, Lie::Reversed], Class::Exact, &format!("from {first} by {step}"), &f);
            }
        }
    }
}

/// Rows of a few elements that do not merge into one axis: from themselves turned round, less one of their elements, from columns, and to
/// another type.
fn rows(dtypes: &[DType]) {
    type F<'f> = dyn Fn(&[DynExpr<'static>]) -> DynExpr<'static> + 'f;
    for &d in dtypes {
        let op = if d == DType::Bool { BinaryOp::Xor } else { BinaryOp::Sub };
        let less = |x: DynExpr<'static>, y: DynExpr<'static>| DynExpr::binary(op, &x, &y);
        let turned = |x: &DynExpr<'static>| x.slice(s![.., ..; -1]);
        for count in [2usize, 3, 4] {
            let cases: [(&str, &F<'_>); 5] = [
                ("turned", &|x| turned(&x[0])),
                ("less one", &|x| less(x[0].clone(), x[0].slice(s![.., 1..2]))),
                ("compared", &|x| DynExpr::binary(BinaryOp::Lt, &x[0], turned(&x[0]))),
                ("wider", &|x| turned(&x[0]).astype(DType::F64)),
                ("narrower", &|x| less(x[0].clone(), turned(&x[0])).astype(DType::U8)),
            ];
            for (what, f) in cases {
                judge(&[0, count], 0, d, &[Lie::C], Class::Exact, &format!("rows {what}"), f);
            }
            judge(&[count, 0], 1, d, &[Lie::C], Class::Exact, "rows from columns", &|x| x[0].swap_axes(0, 1));
        }
    }
}

#[test]
fn rows_of_narrow_types() {
    rows(&[DType::Bool, DType::U8, DType::I16]);
}

#[test]
fn rows_of_wide_integers() {
    rows(&[DType::I32, DType::I64]);
}

#[test]
fn rows_of_floats() {
    rows(&[DType::F32, DType::F64]);
}

/// A row of three is no loop either, if it does not merge with the axis around it.
#[test]
fn a_short_row_is_no_loop() {
    let mut b = Kernel::builder("centred");
    let x = b.input_dyn("x", DType::F64, Shape::of([Dim::named("n"), Dim::from(3)].iter()), false);
    let c = b.input_dyn("c", DType::F64, Shape::of([Dim::from(3)].iter()), false);
    b.output("y", x - c);
    let text = b.build().unwrap().inspect(Stage::Kernel).unwrap();
    assert_eq!(text.matches("for i").count(), 1, "{text}");
    assert_eq!(text.matches("store ").count(), 3, "{text}");
}
