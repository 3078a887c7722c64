//! The element types of `DynExpr` against NumPy's own, over all types that it has.

use crate::dtype::{DType, Scalar};
use crate::error::ErrorKind;
use crate::expr::node::NodeKind;
use crate::expr::{DynExpr, DynOperand, Weak};
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};
use crate::shape::Shape;

/// See `numpy_types.py`.
const TABLE: &str = include_str!("numpy_types.txt");

const WEAK: [Weak; 8] =
    [Weak::Bool(true), Weak::Int(2), Weak::Int(1), Weak::Int(0), Weak::Int(-1), Weak::Int(300), Weak::Int(1 << 70), Weak::Float(0.5)];

fn of(d: DType) -> DynExpr<'static> {
    DynExpr::input("x", d, Shape::fixed(&[3]), false)
}

/// What NumPy answered: an element type, or the kind of our error.
fn expected(letter: char) -> Result<DType, ErrorKind> {
    match letter {
        '?' => Ok(DType::Bool),
        'B' => Ok(DType::U8),
        'h' => Ok(DType::I16),
        'b' => Ok(DType::I8),
        'H' => Ok(DType::U16),
        'I' => Ok(DType::U32),
        'L' => Ok(DType::U64),
        'i' => Ok(DType::I32),
        'l' => Ok(DType::I64),
        'f' => Ok(DType::F32),
        'd' => Ok(DType::F64),
        'e' => Ok(DType::F16),
        'T' | 'V' | 'O' => Err(ErrorKind::DType),
        other => panic!("no meaning for {other}"),
    }
}

fn got(x: &DynExpr<'_>) -> Result<DType, ErrorKind> {
    x.check().map_err(|e| e.kind())?;
    assert_eq!(x.node().dtype, x.dtype());
    Ok(x.dtype())
}

fn binary(name: &str, a: impl Into<DynOperand<'static>>, b: impl Into<DynOperand<'static>>) -> DynExpr<'static> {
    let (a, b) = (a.into(), b.into());
    let as_expr = |x: &DynOperand<'static>| match x {
        DynOperand::Expr(x) => Some(x.clone()),
        DynOperand::Weak(_) => None,
    };
    match name {
        "where" => of(DType::Bool).select(a, b),
        "logical_and" | "logical_or" | "logical_xor" => {
            // Symmetric, and a method of expressions.
            let (x, y) = match as_expr(&a) {
                Some(x) => (x, b),
                None => (as_expr(&b).unwrap(), a),
            };
            match name {
                "logical_and" => x.logical_and(y),
                "logical_or" => x.logical_or(y),
                _ => x.logical_xor(y),
            }
        }
        _ => DynExpr::binary(*BinaryOp::ALL.iter().find(|o| o.name() == name).unwrap(), a, b),
    }
}

#[test]
fn every_result_type_is_numpys() {
    let types: Vec<DType> = DType::REAL.iter().copied().filter(|d| *d != DType::BF16).collect();
    let mut rows = 0;
    for line in TABLE.lines().filter(|l| !l.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        let (kind, name, groups) = (words[0], words[1], &words[2..]);
        rows += 1;
        for (g, group) in groups.iter().enumerate() {
            for (k, letter) in group.chars().enumerate() {
                let d = types[if groups.len() == 1 { k } else { g }];
                let x = match kind {
                    "binary" => binary(name, of(d), of(types[k])),
                    "weak" => binary(name, of(d), WEAK[k]),
                    "rweak" => binary(name, WEAK[k], of(d)),
                    "unary" if name == "logical_not" => of(d).logical_not(),
                    "unary" => of(d).unary(*UnaryOp::ALL.iter().find(|o| o.name() == name).unwrap()),
                    "reduce" if name == "mean" => of(d).mean(),
                    "reduce" => of(d).reduce(*ReduceOp::ALL.iter().find(|o| o.name() == name).unwrap(), ..),
                    other => panic!("no meaning for {other}"),
                };
                let what = if kind.ends_with("weak") { format!("{:?}", WEAK[k]) } else { types[k].to_string() };
                assert_eq!(got(&x), expected(letter), "{kind} {name} of {d} and {what}");
                if x.check().is_ok() {
                    let shape = if kind == "reduce" { "[]" } else { "[3]" };
                    assert_eq!(x.shape().to_string(), shape, "{kind} {name} of {d} and {what}");
                }
            }
        }
    }
    // 23 binary operations, logical_* and where; three ways each.
    let reductions = ReduceOp::ALL.len() + 1;
    assert_eq!(rows, 3 * (BinaryOp::ALL.len() + 4) + UnaryOp::ALL.len() + 1 + reductions);
}

/// The constant that an expression is, stretched to `[3]`.
fn stretched_constant(x: &DynExpr<'_>) -> Option<Scalar> {
    assert_eq!(x.shape().to_string(), "[3]");
    match &x.node().kind {
        NodeKind::View(source, _) => match source.kind {
            NodeKind::Const(value) => Some(value),
            _ => None,
        },
        _ => None,
    }
}

#[test]
fn comparisons_with_an_int_out_of_range_have_the_true_answer() {
    let x = of(DType::U8);
    for (y, want) in [
        (x.lt(300), true),
        (x.gt(300), false),
        (x.eq(-1), false),
        (x.ne(-1), true),
        (x.ge(-1), true),
        (x.le(Weak::Int(1 << 70)), true),
        (DynExpr::binary(BinaryOp::Lt, -1, &x), true),
        (DynExpr::binary(BinaryOp::Gt, -1, &x), false),
        (DynExpr::binary(BinaryOp::Ge, 256, &x), true),
    ] {
        assert_eq!(stretched_constant(&y), Some(Scalar::Bool(want)), "{y}");
    }
    assert_eq!(stretched_constant(&x.lt(255)), None);
    assert_eq!(stretched_constant(&of(DType::I64).is_nan()), Some(Scalar::Bool(false)));
}

#[test]
fn scalars_take_the_arrays_type() {
    assert_eq!((of(DType::F32) + 0.1).to_string(), "x + 0.1");
    assert_eq!((of(DType::F32) * 16777217).to_string(), "x * 16777216.0");
    assert_eq!((2 * of(DType::I16)).to_string(), "2 * x");
    assert_eq!((of(DType::I32) / 2).to_string(), "x.cast::<f64>() / 2.0");
    assert_eq!((of(DType::Bool) + 1).to_string(), "x.cast::<i64>() + 1");
    assert_eq!((of(DType::I16) + 0.5).to_string(), "x.cast::<f64>() + 0.5");
    // A scalar with an element type promotes as an array does.
    assert_eq!((of(DType::F32) + DynExpr::from(Scalar::F64(0.5))).dtype(), DType::F64);
}

#[test]
fn two_scalars_have_the_types_of_pythons() {
    let add = |a: Weak, b: Weak| DynExpr::binary(BinaryOp::Add, a, b).dtype();
    assert_eq!(add(1.into(), 2.into()), DType::I64);
    assert_eq!(add(1.into(), 2.5.into()), DType::F64);
    assert_eq!(add(true.into(), 2.into()), DType::I64);
    assert_eq!(of(DType::Bool).select(1, 2).dtype(), DType::I64);
    assert_eq!(of(DType::Bool).select(true, 2.5).dtype(), DType::F64);
}

#[test]
fn bool_arithmetic_is_logic() {
    let (x, y) = (of(DType::Bool), of(DType::Bool));
    assert_eq!((&x + &y).to_string(), "x | x");
    assert_eq!((&x * &y).to_string(), "x & x");
    assert_eq!(x.minimum(&y).to_string(), "x & x");
    assert_eq!(x.maximum(&y).to_string(), "x | x");
    assert_eq!((!&x).to_string(), "!x");
    assert_eq!(x.sum().to_string(), "x.cast::<i64>().sum()");
    assert_eq!(x.mean().to_string(), "x.cast::<f64>().sum() / 3.0");
}

#[test]
fn truth_is_not_zero() {
    assert_eq!(of(DType::F64).any().to_string(), "x.ne(0.0).any()");
    assert_eq!(of(DType::I32).all_axis(0).to_string(), "x.ne(0).all()");
    assert_eq!(of(DType::U8).logical_not().to_string(), "!x.ne(0)");
    assert_eq!(of(DType::F32).select(1, 0.5).to_string(), "x.ne(0.0).select(1.0, 0.5)");
    assert_eq!(of(DType::Bool).select(of(DType::U8), 300).to_string(), "x.select(x, 44)");
    assert_eq!(of(DType::F32).logical_and(2).to_string(), "x.ne(0.0) & true");
}

#[test]
fn powers_with_scalar_exponents_are_numpys() {
    let x = of(DType::F32);
    assert_eq!(x.pow(2).to_string(), "x * x");
    assert_eq!(x.pow(1.0).to_string(), "x");
    assert_eq!(x.pow(0.5).to_string(), "x.sqrt()");
    assert_eq!(x.pow(-1).to_string(), "1.0 / x");
    assert_eq!(x.pow(3).to_string(), "x.pow(3.0)");
    assert_eq!(of(DType::I32).pow(2).to_string(), "x * x");
    assert_eq!(of(DType::I32).pow(0.5).to_string(), "x.cast::<f64>().sqrt()");
    assert_eq!(of(DType::I32).pow(of(DType::I16)).to_string(), "x.pow(x.cast::<i32>())");
    let e = of(DType::I32).pow(-2).check().unwrap_err();
    assert_eq!(e.message(), "pow of i32[3] and -2: Integers to negative integer powers are not allowed.");
}

#[test]
fn clip_ignores_bounds_that_no_element_can_reach() {
    let x = of(DType::U8);
    assert_eq!(x.clip(-1, 300).to_string(), "x");
    assert_eq!(x.clip(1, 300).to_string(), "x.maximum(1)");
    assert_eq!(of(DType::I32).clip(0.5, 2).dtype(), DType::F64);
    assert_eq!(x.clip(300, 400).check().unwrap_err().message(), "max of u8[3] and 300: Python integer 300 out of bounds for u8");
    assert!(x.clip(-5, -1).check().is_err());
}
