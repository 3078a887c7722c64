//! Reshapes that straddle rows, read through computed indices: against the evaluator, and without memory.

use elide::testing::{Class, Tensor, agree, interpret};
use elide::{Array, ArrayMut, ArrayRef, DType, DynExpr, Kernel, Placement, ReduceOp, Requirement, Scalar, Shape, lazy, s};

/// Elements that no two of are alike, in C order.
fn tensor(dtype: DType, shape: &[usize]) -> Tensor {
    let count = shape.iter().product::<usize>() as i64;
    Tensor::new(dtype, shape, (0..count).map(|k| Scalar::I64(k * 7 % 251 - 99).cast(dtype)).collect()).unwrap()
}

/// What a kernel of one output makes of an input.
fn run(kernel: &Kernel, x: &Tensor, want: &Tensor) -> Tensor {
    let bytes = x.to_bytes();
    let mut out = vec![0xAA; want.data.len() * want.dtype.size()];
    let mut call = kernel.call();
    let bound = call.bind("x", ArrayRef::from_bytes(&bytes, x.dtype, &x.shape, false, false).unwrap()).unwrap();
    bound.bind_mut("y", ArrayMut::from_bytes(&mut out, want.dtype, &want.shape).unwrap()).unwrap().run().unwrap();
    Tensor::from_bytes(want.dtype, &want.shape, &out).unwrap()
}

type Make = fn(DynExpr<'static>) -> DynExpr<'static>;

/// What is done with the rows.
const USES: [(&str, Make); 9] = [
    ("sum of rows", |r| r.reduce(ReduceOp::Sum, 1)),
    ("sum of columns", |r| r.reduce(ReduceOp::Sum, 0)),
    ("sum", |r| r.reduce(ReduceOp::Sum, ..)),
    ("argmax of rows", |r| r.reduce(ReduceOp::ArgMax, 1)),
    ("least of columns", |r| r.reduce(ReduceOp::Min, 0)),
    ("itself", |r| r),
    ("twice", |r| &r + &r),
    ("neighbours", |r| r.slice(s![1.., ..]) - r.slice(s![..-1, ..])),
    ("turned", |r| r.t().slice(s![..;-1, 1..])),
];

#[test]
fn straddling_rows_are_right() {
    let mut computed = 0;
    for (shape, order, rows) in [
        (vec![64, 12], vec![1, 0], 96),
        (vec![40, 48], vec![1, 0], 24),
        (vec![40, 48], vec![1, 0], 60),
        (vec![9, 35], vec![1, 0], 15),
        (vec![16, 3, 20], vec![2, 1, 0], 24),
        (vec![16, 3, 20], vec![2, 0, 1], 40),
        (vec![10, 6, 32], vec![1, 0, 2], 48),
        (vec![11, 13], vec![1, 0], 11 * 13),
    ] {
        for dtype in [DType::F64, DType::F32, DType::I16] {
            let x = tensor(dtype, &shape);
            for (name, make) in USES {
                let operands: [Make; 2] = [|x| x, |x| x.slice(s![..;-1]) * 2 + 1];
                for operand in operands {
                    let mut b = Kernel::builder("reshaped");
                    let input = b.input_dyn("x", dtype, Shape::fixed(&shape), false);
                    let y = make(operand(input).permuted_axes(order.clone()).reshape([-1, rows as isize]));
                    let want = interpret(&[("y", y.clone())], &[("x".into(), x.clone())]).unwrap().remove(0);
                    b.output("y", y);
                    let kernel = b.build().unwrap();
                    computed += usize::from(kernel.explain().unwrap().values().iter().any(|v| v.placement == Placement::ComputedIndex));
                    agree(&run(&kernel, &x, &want), &want, Class::Exact).unwrap_or_else(|e| panic!("{dtype}{shape:?} {rows}, {name}: {e}"));
                }
            }
        }
    }
    assert!(computed > 150, "{computed}");
}

#[test]
fn nothing_is_stored_where_a_division_is_for_many() {
    for dims in [[400, 300], [300, 400]] {
        let mut b = Kernel::builder("rows");
        let x = b.input::<f64>("x", dims);
        b.output("y", (x.t() + 1.0).reshape([-1, 150]).sum_axis(1));
        b.require(Requirement::NoTemporaries);
        b.build().unwrap();
    }
}

#[test]
fn a_division_for_each_element_is_no_gain() {
    let a = Array::new(&[7, 11], (0..77).map(f64::from).collect()).unwrap();
    let x = lazy(&a).t().reshape([-1]);
    let got: Vec<f64> = (x.slice(s![1..]) - x.slice(s![..-1])).eval().unwrap();
    let flat: Vec<f64> = (0..77).map(|k| f64::from(k % 7 * 11 + k / 7)).collect();
    assert_eq!(got, flat.windows(2).map(|w| w[1] - w[0]).collect::<Vec<_>>());
}

#[test]
fn an_updated_array_is_copied_before() {
    let mut b = Kernel::builder("updated");
    let x = &b.input::<f64>("x", [64, 12]);
    b.output("y", x.t().reshape([-1, 96]).sum_axis(1));
    b.update(x, x + 1.0);
    let kernel = b.build().unwrap();
    let data: Vec<f64> = (0..768).map(f64::from).collect();
    let (mut y, mut x) = ([0.0; 8], Array::new(&[64, 12], data.clone()).unwrap());
    let mut call = kernel.call();
    call.bind_mut("x", &mut x).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
    let turned = |k: usize| data[k % 64 * 12 + k / 64];
    assert_eq!(y, std::array::from_fn(|r| (96 * r..96 * (r + 1)).map(turned).sum::<f64>()));
    assert_eq!(x.as_slice()[5], 6.0);
}
