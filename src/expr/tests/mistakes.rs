//! Every mistake: its kind, its text, and the line that it blames.

use crate::dtype::DType;
use crate::error::{Error, ErrorKind};
use crate::expr::{DynExpr, Expr, Weak};
use crate::s;
use crate::shape::{Dim, Shape};

fn x(shape: &[usize]) -> Expr<'static, f64> {
    Expr::input("x", Shape::fixed(shape))
}

fn of(d: DType) -> DynExpr<'static> {
    DynExpr::input("x", d, Shape::fixed(&[3]), false)
}

#[track_caller]
fn expect(e: Error, kind: ErrorKind, message: &str) {
    assert_eq!(e.message(), message);
    assert_eq!(e.kind(), kind);
    let (here, there) = (std::panic::Location::caller(), e.site().expect("a site"));
    assert_eq!((there.file(), there.line()), (here.file(), here.line()), "{e}");
}

/// One row to a line, so that each has a line of its own to be blamed.
macro_rules! mistake {
    ($kind:ident, $made:expr, $message:literal) => {
        expect($made.check().unwrap_err(), ErrorKind::$kind, $message)
    };
}

#[test]
#[rustfmt::skip]
fn shapes() {
    let (a, n) = (x(&[2, 3]), Expr::<f64>::input("n", Shape::of([Dim::named("n")])));
    let m = Expr::<f64>::input("m", Shape::of([Dim::named("m")]));
    mistake!(Shape, &a + x(&[4]), "add of f64[2,3] and f64[4]: shapes [2,3] and [4] do not broadcast: 3 and 4 differ on axis 1");
    mistake!(Shape, &n * &m, "mul of f64[n] and f64[m]: shapes [n] and [m] do not broadcast: n and m differ on axis 0");
    mistake!(Shape, a.lt(x(&[4])), "lt of f64[2,3] and f64[4]: shapes [2,3] and [4] do not broadcast: 3 and 4 differ on axis 1");
    mistake!(Shape, a.gt(0.0).select(x(&[4]), 0.0), "select by bool[2,3] from f64[4] and f64[]: shapes [2,3] and [4] and [] do not broadcast: 3 and 4 differ on axis 1");
    mistake!(Shape, a.sum_axis(2), "sum of f64[2,3]: axis 2 is out of bounds for an array of 2 dimensions");
    mistake!(Shape, a.sum_over([1, -1]), "sum of f64[2,3]: axis 1 is listed twice");
    mistake!(Shape, a.mean_axis(-3), "mean of f64[2,3]: axis -3 is out of bounds for an array of 2 dimensions");
    mistake!(Shape, x(&[0, 3]).max_axis(0), "max of f64[0,3]: no elements to reduce, and `max` of nothing has no value");
    mistake!(Shape, x(&[0]).argmin(), "argmin of f64[0]: no elements to reduce, and `argmin` of nothing has no value");
    mistake!(Shape, of(DType::I16).sum_axis(1), "sum of i16[3]: axis 1 is out of bounds for an array of 1 dimensions");
    mistake!(Shape, of(DType::Bool).mean_axis(1), "mean of bool[3]: axis 1 is out of bounds for an array of 1 dimensions");
    mistake!(Shape, a.slice(s![.., 3]), "slice of f64[2,3]: index 3 is out of bounds for axis 1 with size 3");
    mistake!(Shape, a.slice(s![0, 0, 0]), "slice of f64[2,3]: too many indices for [2,3]: it has 2 axes, but 3 were indexed");
    mistake!(Shape, a.slice(s![..;0]), "slice of f64[2,3]: the step of a slice cannot be zero");
    mistake!(Shape, a.permuted_axes([0, 0]), "permuted_axes of f64[2,3]: [0, 0] is not a permutation of the 2 axes of [2,3]");
    mistake!(Shape, a.insert_axis(3), "insert_axis of f64[2,3]: axis 3 is out of bounds for an array of 3 dimensions");
    mistake!(Shape, a.remove_axis(0), "remove_axis of f64[2,3]: cannot remove axis 0 of [2,3]: its extent is 2, not 1");
    mistake!(Shape, a.invert_axis(5), "invert_axis of f64[2,3]: axis 5 is out of bounds for an array of 2 dimensions");
    mistake!(Shape, a.broadcast([3, 3]), "broadcast of f64[2,3]: cannot broadcast [2,3] to [3,3]: 2 is neither 1 nor 3");
    mistake!(Shape, a.insert_axis(0).broadcast([1usize << 62, 2, 3]), "broadcast of f64[1,2,3]: the number of elements of [4611686018427387904,2,3] does not fit in 63 bits");
    mistake!(Shape, a.broadcast([-1, 3]), "broadcast of f64[2,3]: an extent cannot be -1");
    mistake!(Shape, a.diagonal(0, 1, -1), "diagonal of f64[2,3]: the two axes of a diagonal must differ");
    mistake!(Shape, x(&[3]).diag(), "diagonal of f64[3]: axis 1 is out of bounds for an array of 1 dimensions");
    mistake!(Shape, a.reshape([4, 2]), "reshape of f64[2,3]: 6 elements do not fill shape [4,2]");
    mistake!(Shape, a.reshape([4, -1]), "reshape of f64[2,3]: 6 elements do not fill shape [4,-1]");
    mistake!(Shape, a.reshape([-1, -1]), "reshape of f64[2,3]: can only infer one extent (-1) of a shape");
    mistake!(Shape, a.reshape([-2, 3]), "reshape of f64[2,3]: an extent cannot be -2");
    mistake!(Shape, a.into_dyn() + x(&[4]).cast::<i32>(), "add of f64[2,3] and i32[4]: shapes [2,3] and [4] do not broadcast: 3 and 4 differ on axis 1");
}

#[test]
#[rustfmt::skip]
fn element_types() {
    let (b, u, i, f) = (&of(DType::Bool), &of(DType::U8), &of(DType::I32), &of(DType::F64));
    mistake!(DType, u + 300, "add of u8[3] and 300: Python integer 300 out of bounds for u8");
    mistake!(DType, i * Weak::Int(1 << 40), "mul of i32[3] and 1099511627776: Python integer 1099511627776 out of bounds for i32");
    mistake!(DType, of(DType::U64) + -1, "add of u64[3] and -1: Python integer -1 out of bounds for u64");
    mistake!(DType, of(DType::U64) & of(DType::I64), "and of u64[3] and i64[3]: `and` is not defined on f64");
    mistake!(DType, b - b, "sub of bool[3] and bool[3]: `-` is not defined on bool");
    mistake!(DType, -b, "neg of bool[3]: `-` is not defined on bool");
    mistake!(DType, f & 1, "and of f64[3] and 1: `and` is not defined on f64");
    mistake!(DType, i << 0.5, "shl of i32[3] and 0.5: `shl` is not defined on f64");
    mistake!(DType, !f, "not of f64[3]: `not` is not defined on f64");
    mistake!(DType, i.pow(-1), "pow of i32[3] and -1: Integers to negative integer powers are not allowed.");
}

#[test]
fn advice_says_what_to_do() {
    let advice = |x: DynExpr<'_>| x.check().unwrap_err().advice().map(str::to_owned);
    assert_eq!(advice(of(DType::Bool) - true).unwrap(), "use `^` (exclusive or) or convert to an integer type");
    let e = (x(&[3]) + x(&[4])).check().unwrap_err();
    assert_eq!(e.advice(), Some("extents must be equal or 1, counted from the last axis"));
}

#[test]
fn the_first_mistake_travels_and_hides_the_later_ones() {
    let first = x(&[3]) + x(&[4]);
    let line = line!() - 1;
    let y = (first.sqrt() * 2.0 - x(&[7])).gt(0.0).select(1i32, 0).sum_axis(9).t().reshape([5]);
    let e = y.check().unwrap_err();
    assert_eq!((e.kind(), e.site().unwrap().line()), (ErrorKind::Shape, line));
    assert!(e.message().starts_with("add of f64[3] and f64[4]"), "{e}");
    let d = 1 + (2 * first.into_dyn()).logical_and(x(&[3])).mean().clip(0, 1);
    assert_eq!(d.check().unwrap_err().site().unwrap().line(), line);
    assert_eq!(d.typed::<f64>().unwrap_err().site().unwrap().line(), line);
}
