//! What the operators and methods build: types, shapes, and the invariants of the nodes.

use hashbrown::HashSet;

use crate::dtype::DType;
use crate::expr::infer;
use crate::expr::node::{Bounds, NodeKind, NodeRef};
use crate::expr::{Axes, Axis, DynExpr, Expr, lazy};
use crate::ops::{BinaryOp, UnaryOp};
use crate::shape::{Dim, Shape};
use crate::view::Slice;
use crate::{Array, ArrayRef, s};

fn x(shape: &[usize]) -> Expr<'static, f64> {
    Expr::input("x", Shape::fixed(shape))
}

fn named(name: &str, dims: &[&str]) -> Expr<'static, f64> {
    Expr::input(name, Shape::of(dims.iter().map(|d| Dim::named(d))))
}

/// The demands that the variants of `NodeKind` state about operands.
fn verify(root: &NodeRef) {
    let mut seen = HashSet::new();
    let mut pending = vec![root];
    while let Some(node) = pending.pop() {
        if !seen.insert(node.id()) {
            continue;
        }
        let fits = |o: &NodeRef| o.shape == node.shape || matches!(o.kind, NodeKind::Const(_));
        match &node.kind {
            NodeKind::Unary(_, a) | NodeKind::Cast(a) => assert_eq!(a.shape, node.shape),
            NodeKind::Binary(op, a, b) => {
                assert!(fits(a) && fits(b), "{op:?} of {} and {} into {}", a.shape, b.shape, node.shape);
                assert_eq!((a.dtype, op.result(a.dtype)), (b.dtype, Some(node.dtype)));
            }
            NodeKind::Select(c, a, b) => {
                assert!(fits(c) && fits(a) && fits(b));
                assert_eq!((c.dtype, a.dtype, b.dtype), (DType::Bool, node.dtype, node.dtype));
            }
            NodeKind::View(a, view) => {
                assert_eq!(view.shape, node.shape);
                assert_eq!(view.axes.len(), a.shape.rank());
            }
            NodeKind::Reshape(a) => assert!(a.shape.size() == node.shape.size() || !node.equations.is_empty()),
            NodeKind::Reduce(op, a, axes) => {
                assert_eq!(op.result(a.dtype), Some(node.dtype));
                assert!(axes.windows(2).all(|w| w[0] < w[1]) && axes.iter().all(|&k| k < a.shape.rank()));
                assert_eq!(a.shape.rank(), node.shape.rank() + axes.len());
            }
            NodeKind::Pieces(parts) => {
                for (value, region) in parts {
                    assert!(value.shape == region.shape || matches!(value.kind, NodeKind::Const(_)));
                    assert_eq!((value.dtype, region.axes.len()), (node.dtype, node.shape.rank()));
                }
            }
            NodeKind::Take(source, index, map) => {
                assert!(fits(index) && index.dtype == DType::I64);
                assert_eq!((map.axes.len(), map.shape.rank()), (source.shape.rank(), node.shape.rank() + 1));
            }
            NodeKind::Scatter { base, value, index, op, map, bounds } => {
                let domain = &map.shape.extents()[..map.shape.rank() - 1];
                let spans = |o: &NodeRef| o.shape.extents() == domain || matches!(o.kind, NodeKind::Const(_));
                assert!(spans(value) && spans(index) && base.shape == node.shape && map.axes.len() == node.shape.rank());
                let indices = if *bounds == Bounds::Counted { DType::Bool } else { DType::I64 };
                assert_eq!((base.dtype, value.dtype, index.dtype), (node.dtype, node.dtype, indices));
                assert!(op.is_none_or(|op| op.result(node.dtype) == Some(node.dtype)));
            }
            NodeKind::Provided(value, some, _) => {
                assert_eq!((value.dtype, &value.shape), (node.dtype, &node.shape));
                assert_eq!((some.dtype, some.shape.rank()), (DType::Bool, 0));
            }
            NodeKind::Const(_) | NodeKind::SizeOf(_) => assert_eq!(node.shape.rank(), 0),
            NodeKind::Iota => assert_eq!((node.shape.rank(), node.dtype), (1, DType::I64)),
            NodeKind::Input { .. } | NodeKind::Data(_) => {}
            NodeKind::Complex(..) | NodeKind::Pair(..) | NodeKind::MulAdd(..) => panic!("no complex numbers here"),
            NodeKind::Error(e) => panic!("{e}"),
        }
        pending.extend(node.kind.operands());
    }
}

/// Type and shape of an expression that must be well made.
fn made<T>(e: &Expr<'_, T>) -> String {
    verify(&e.node);
    format!("{}{}", e.node.dtype, e.node.shape)
}

#[test]
fn the_tour() {
    let v: Vec<f64> = vec![0.5; 12];
    let a = Array::new(&[3, 4], v).unwrap();
    let x = &lazy(&a);
    let y = x.gt(0.0).select((-x * x).exp() * x.sin(), 0.0).sum_axis(Axis(1));
    assert_eq!(made(&y), "f64[3]");
    assert_eq!(y.to_string(), "data0.gt(0.0).select((-data0 * data0).exp() * data0.sin(), 0.0).sum_axis(1)");
}

#[test]
fn every_borrowed_array_is_an_expression() {
    let (v, fixed) = (vec![1i32, 2, 3], [true, false]);
    assert_eq!(made(&lazy(&v)), "i32[3]");
    assert_eq!(made(&lazy(&v[1..])), "i32[2]");
    assert_eq!(made(&lazy(&fixed)), "bool[2]");
    let strided = ArrayRef::strided(&v, &[2], &[-2], 2).unwrap();
    let d: DynExpr<'_> = lazy(&strided);
    assert_eq!(made(&d.typed::<i32>().unwrap()), "i32[2]");
    assert_eq!(lazy(strided).dtype(), DType::I32);
    let NodeKind::Data(data) = &d.node().kind else { panic!("not data") };
    assert_eq!((data.ptr, data.layout.strides.as_slice()), (v[2..].as_ptr().cast(), &[-8isize][..]));
}

/// Compiles only if an expression over a long borrow serves where a short one is wanted.
#[test]
fn lifetimes_shrink() {
    fn shorter<'s>(long: Expr<'static, f32>, short: &Expr<'s, f32>) -> Expr<'s, f32> {
        long + short
    }
    static LONG: [f32; 2] = [1.0, 2.0];
    let short = vec![1.0f32; 2];
    assert_eq!(made(&shorter(lazy(&LONG), &lazy(&short))), "f32[2]");
    fn shorter_dyn<'s>(long: DynExpr<'static>, short: &DynExpr<'s>) -> DynExpr<'s> {
        long + short
    }
    assert_eq!(shorter_dyn(lazy(&LONG).into(), &lazy(&short).into()).dtype(), DType::F32);
}

#[test]
fn operators_take_values_references_and_scalars_on_either_side() {
    let (a, b) = (x(&[3]), x(&[3]));
    let sums = [
        a.clone() + b.clone(),
        a.clone() + &b,
        &a + b.clone(),
        &a + &b,
        &a + 1.0,
        a.clone() + 1.0,
        1.0 + &a,
        1.0 + a.clone(),
        -&a,
        -a.clone(),
        2.0 / &a % 3.0 - &b * 0.5,
    ];
    for e in &sums {
        assert_eq!(made(e), "f64[3]");
    }
    let k: Expr<'_, i32> = a.cast();
    assert_eq!(made(&((1 << &k >> 2) & !&k | 3 ^ k.clone())), "i32[3]");
    let p = a.lt(&b);
    assert_eq!(made(&(!&p & true | p.clone() ^ &p)), "bool[3]");
    let f = a.cast::<f32>();
    assert_eq!(made(&(0.5 * &f + 1.0).lt(2.0).select(1.0, &f)), "f32[3]");
    let d = a.clone().into_dyn();
    for e in [&d + &d, d.clone() + &a, &d + 1, 1 + &d, 2.5 * d.clone(), -&d, &d % 2.0] {
        assert_eq!(made(&e.typed::<f64>().unwrap()), "f64[3]");
    }
}

#[test]
fn every_operation_has_a_method_of_the_type_that_it_says() {
    let a = x(&[2, 3]);
    let k = a.cast::<i64>();
    let mut nodes = Vec::new();
    for e in [-&a, a.abs(), a.sqrt(), a.floor(), a.ceil(), a.trunc(), a.round()] {
        assert_eq!(made(&e), "f64[2,3]");
        nodes.push(e.node);
    }
    for e in [
        a.exp(),
        a.exp2(),
        a.expm1(),
        a.log(),
        a.log2(),
        a.log10(),
        a.log1p(),
        a.cbrt(),
        a.erf(),
        a.erfc(),
        a.spacing(),
        a.logistic(),
        a.sinc(),
        a.gamma(),
        a.lgamma(),
    ] {
        assert_eq!(made(&e), "f64[2,3]");
        nodes.push(e.node);
    }
    for e in [a.sin(), a.cos(), a.tan(), a.asin(), a.acos(), a.atan(), a.sinh(), a.cosh(), a.tanh(), a.asinh(), a.acosh(), a.atanh()] {
        assert_eq!(made(&e), "f64[2,3]");
        nodes.push(e.node);
    }
    for e in [
        &a + &a,
        &a - 1.0,
        2.0 * &a,
        &a / &a,
        a.floor_div(2.0),
        a.rem(2.0),
        a.fmod(&a),
        a.pow(3.0),
        a.atan2(&a),
        a.hypot(&a),
        a.logaddexp(0.0),
        a.logaddexp2(0.0),
        a.minimum(0.0),
        a.maximum(0.0),
        a.fmin(0.0),
        a.fmax(0.0),
        a.copysign(&a),
        a.heaviside(0.5),
        a.nextafter(1.0),
    ] {
        assert_eq!(made(&e), "f64[2,3]");
        nodes.push(e.node);
    }
    for e in [a.eq(&a), a.ne(0.0), a.lt(&a), a.le(0.0), a.gt(0.0), a.ge(0.0), a.is_nan(), a.signbit(), k.eq(3)] {
        assert_eq!(made(&e), "bool[2,3]");
        nodes.push(e.node);
    }
    for e in [
        k.abs(),
        k.floor_div(2),
        k.rem(2),
        k.fmod(2),
        k.pow(2),
        k.gcd(6),
        k.lcm(&k),
        k.minimum(1),
        k.maximum(1),
        !&k,
        &k & 1,
        1 | &k,
        &k ^ &k,
        &k << 1,
        &k >> &k,
    ] {
        assert_eq!(made(&e), "i64[2,3]");
        nodes.push(e.node);
    }
    // `%` and `rem` are one operation, and so on: what counts is that none of the table is out of reach.
    let unary = |op| nodes.iter().any(|n| matches!(n.kind, NodeKind::Unary(o, _) if o == op));
    let binary = |op| nodes.iter().any(|n| matches!(n.kind, NodeKind::Binary(o, ..) if o == op));
    assert_eq!(UnaryOp::ALL.iter().find(|op| !unary(**op)), None);
    assert_eq!(BinaryOp::ALL.iter().find(|op| !binary(**op)), None);
    assert_eq!(a.clip(0.0, 1.0).to_string(), "x.maximum(0.0).minimum(1.0)");
}

#[test]
fn operands_are_stretched_to_the_nodes_shape_and_constants_stay() {
    let (m, row, scalar) = (named("m", &["n", "k"]), named("r", &["k"]), Expr::<f64>::input("s", Shape::scalar()));
    let e = &m + &row * &scalar - 1.0;
    assert_eq!(made(&e), "f64[n,k]");
    let NodeKind::Binary(_, sum, one) = &e.node.kind else { panic!("not binary") };
    assert!(matches!(one.kind, NodeKind::Const(_)));
    let NodeKind::Binary(_, left, right) = &sum.kind else { panic!("not binary") };
    assert!(matches!(left.kind, NodeKind::Input { .. }));
    assert!(matches!(right.kind, NodeKind::View(..)));
    assert!(infer::equations(&e.node).is_empty());
    // Known against named: the equation is kept for bind time.
    let e = named("v", &["n"]) + x(&[3]);
    assert_eq!(made(&e), "f64[3]");
    assert!(infer::equations(&e.node).iter().all(|eq| format!("{eq:?}") == "Equation(n, 3)"));
    assert!(!infer::equations(&e.node).is_empty());
}

#[test]
fn views_have_numpys_shapes() {
    let a = x(&[4, 5, 6]);
    for (e, want) in [
        (a.slice(s![1..-1, ..;2, 3]), "f64[2,3]"),
        (a.slice(s![Slice::Ellipsis, Slice::NewAxis, -1]), "f64[4,5,1]"),
        (a.slice(s![..;-1]), "f64[4,5,6]"),
        (a.slice(s![0..9;3, ..2,]), "f64[2,2,6]"),
        (a.slice([Slice::Index(0)]), "f64[5,6]"),
        (a.permuted_axes([2, 0, 1]), "f64[6,4,5]"),
        (a.permuted_axes([-1, 0, 1]), "f64[6,4,5]"),
        (a.t(), "f64[6,5,4]"),
        (a.insert_axis(0), "f64[1,4,5,6]"),
        (a.insert_axis(-1), "f64[4,5,6,1]"),
        (a.insert_axis(Axis(3)).remove_axis(-1), "f64[4,5,6]"),
        (a.invert_axis(1), "f64[4,5,6]"),
        (a.broadcast([2, 4, 5, 6]), "f64[2,4,5,6]"),
        (Expr::scalar(1.0).broadcast([3]), "f64[3]"),
        (a.diag(), "f64[6,4]"),
        (a.diagonal(2, 1, -1), "f64[4,4]"),
        (a.diagonal(-9, 0, 1), "f64[6,0]"),
        (a.diagonal(isize::MIN, 0, 1), "f64[6,0]"),
        (a.diagonal(isize::MAX, 0, 1), "f64[6,0]"),
        (a.slice(s![..;isize::MIN, ..;isize::MAX, isize::MIN..isize::MAX]), "f64[1,1,6]"),
        (a.reshape([20, 6]), "f64[20,6]"),
        (a.reshape([-1, 3]), "f64[40,3]"),
        (a.reshape([-1]), "f64[120]"),
    ] {
        assert_eq!(made(&e), want, "{e}");
    }
    // No node for a view that changes nothing.
    assert!(a.permuted_axes([0, 1, 2]).node.same(&a.node) && a.reshape([4, 5, 6]).node.same(&a.node));
}

#[test]
fn reshapes_that_only_split_are_views() {
    let kind = |e: &Expr<'_, f64>| matches!(e.node.kind, NodeKind::View(..));
    assert!(kind(&x(&[6, 4]).reshape([2, 3, 4])));
    assert!(!kind(&x(&[2, 3, 4]).reshape([6, 4])));
    let m = named("m", &["n", "k"]);
    assert_eq!(made(&m.reshape([-1])), "f64[k*n]");
    let e = m.reshape([-1, 2]);
    verify(&e.node);
    assert_eq!(infer::equations(&e.node).len(), 1, "k*n must be even: {e:?}");
}

#[test]
fn reductions_remove_or_keep_axes() {
    let a = x(&[4, 5, 6]);
    for (e, want) in [
        (a.sum(), "f64[]"),
        (a.sum_axis(1), "f64[4,6]"),
        (a.prod_axis(Axis(-1)), "f64[4,5]"),
        (a.max_over([2, 0]), "f64[5]"),
        (a.min_over(..), "f64[]"),
        (a.sum_over(Axes::from([0, -1]).keepdims()), "f64[1,5,1]"),
        (a.mean_over(Axes::from(..).keepdims()), "f64[1,1,1]"),
        (a.mean_axis(0), "f64[5,6]"),
        (&a - a.mean_over(Axes::from(1).keepdims()), "f64[4,5,6]"),
        (a.sum_over([0usize; 0]), "f64[4,5,6]"),
        (x(&[3, 0]).min_axis(0), "f64[0]"),
    ] {
        assert_eq!(made(&e), want, "{e}");
    }
    assert_eq!(made(&a.argmax_axis(0)), "i64[5,6]");
    assert_eq!(made(&a.argmin()), "i64[]");
    assert_eq!(made(&a.gt(0.0).any_axis(0)), "bool[5,6]");
    assert_eq!(made(&a.gt(0.0).all()), "bool[]");
    assert_eq!(made(&a.cast::<u8>().sum()), "u8[]");
}

#[test]
fn a_mean_over_named_dims_divides_by_their_size() {
    let m = named("m", &["n", "k"]);
    assert_eq!(made(&m.mean_axis(1)), "f64[n]");
    assert_eq!(m.mean_axis(1).to_string(), "m.sum_axis(1) / size(k).cast::<f64>()");
    assert_eq!(m.mean().to_string(), "m.sum() / size(k*n).cast::<f64>()");
    assert_eq!(x(&[3, 4]).cast::<f32>().mean().to_string(), "x.cast::<f32>().sum() / 12.0");
    assert_eq!(made(&m.cast::<f32>().mean_over(Axes::from(0).keepdims())), "f32[1,k]");
}

#[test]
fn typed_checks_the_type() {
    let d = x(&[2]).into_dyn();
    assert!(d.typed::<f64>().is_ok());
    let e = d.typed::<i32>().unwrap_err();
    assert_eq!(e.message(), "the elements of this expression are f64, not i32");
    assert_eq!(e.site().unwrap().line(), line!() - 2);
}

#[test]
fn chains_of_any_length_build_print_and_drop() {
    let mut e = x(&[3]);
    for k in 0..100_000 {
        e = if k % 2 == 0 { e + 1.0 } else { e.sin() };
    }
    assert_eq!(made(&e), "f64[3]");
    assert!(e.to_string().len() < 3_000_000);
    let mut bad = x(&[3]) + x(&[4]);
    for _ in 0..100_000 {
        bad = bad.sqrt();
    }
    assert!(matches!(bad.node.kind, NodeKind::Error(_)));
}

#[cfg(feature = "ndarray")]
#[test]
fn arrays_of_the_ndarray_crate() {
    use ndarray::{Array2, Axis, array};
    let a: Array2<f64> = array![[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]];
    let x = &lazy(&a);
    let y = x.gt(0.0).select((-x * x).exp() * x.sin(), 0.0).sum_axis(Axis(1));
    assert_eq!(made(&y), "f64[2]");
    assert_eq!(made(&lazy(a.t()).sum_over([Axis(0), Axis(1)])), "f64[]");
    assert_eq!(made(&lazy(&a.slice(ndarray::s![..;-1, 1..]))), "f64[2,2]");
}

#[test]
fn composite_functions_are_the_same_on_both_kinds() {
    let a = x(&[2, 3]);
    let d = DynExpr::from(&a);
    for (typed, dynamic) in [
        (a.square(), d.square()),
        (a.sign(), d.sign()),
        (a.reciprocal(), d.reciprocal()),
        (a.to_degrees(), d.to_degrees()),
        (a.to_radians(), d.to_radians()),
        (a.modf().0, d.modf().0),
        (a.modf().1, d.modf().1),
        (a.frexp().0, d.frexp().0),
        (a.ldexp(3i64), d.ldexp(3)),
        (a.divmod(2.0).0, d.divmod(2.0).0),
        (a.divmod(2.0).1, d.divmod(2.0).1),
        (a.round_to(2), d.round_to(2)),
        (a.nan_to_num(0.0, None, 1.0), d.nan_to_num(0.0, None, 1.0)),
    ] {
        assert_eq!(made(&typed), "f64[2,3]");
        assert_eq!(typed.to_string(), dynamic.to_string());
    }
    for (typed, dynamic) in [
        (a.is_finite(), d.is_finite()),
        (a.is_infinite(), d.is_infinite()),
        (a.is_close(1.0, 1e-5, 1e-8), d.is_close(DynExpr::from(crate::Scalar::F64(1.0)), 1e-5, 1e-8)),
    ] {
        assert_eq!(made(&typed), "bool[2,3]");
        assert_eq!(typed.to_string(), dynamic.to_string());
    }
    assert_eq!((made(&a.frexp().1), a.frexp().1.to_string()), ("i32[2,3]".into(), d.frexp().1.to_string()));
    assert_eq!(a.reciprocal().to_string(), "1.0 / x");
    let k = DynExpr::from(a.cast::<i8>());
    assert_eq!((k.bit_count().dtype(), k.square().dtype(), k.sign().dtype()), (crate::DType::U8, crate::DType::I8, crate::DType::I8));
    assert_eq!((k.ldexp(&k).dtype(), k.frexp().1.dtype()), (crate::DType::F16, crate::DType::I32));
    assert_eq!((k.logistic().dtype(), k.sinc().dtype()), (crate::DType::F16, crate::DType::F64));
    // Integers stay what they are.
    assert_eq!([k.round_to(2), k.nan_to_num(0.0, None, None)].map(|x| x.to_string()), [k.to_string(), k.to_string()]);
    assert_eq!((k.round_to(-1).dtype(), k.gt(0).bit_count().dtype()), (crate::DType::I8, crate::DType::U8));
    for mistake in [d.bit_count(), d.ldexp(1.5), d.ldexp(&d), k.unary(UnaryOp::Spacing), k.gt(0).sign()] {
        assert!(mistake.check().is_err());
    }
}
