//! What a kernel may compute otherwise than as written, by every backend: the results that `docs/semantics.md` defines.

use elide::testing::interpret;
use elide::testing::{Tensor, input};
use elide::{Accuracy, Axes, Backend, Complex, DType, Dim, DynExpr, Expr, FpMode, Kernel, Scalar, Shape, UnaryOp};

type Declare = fn(&Expr<'static, f64>, &Expr<'static, f64>, &Expr<'static, f64>) -> Expr<'static, f64>;

const N: usize = 53;

/// Values whose products are rounded.
fn values(seed: u64) -> Vec<f64> {
    let mut rng = elide::testing::Rng::new(seed);
    (0..N).map(|_| (rng.below(1 << 30) as f64 - 5e8) / 3.0).collect()
}

fn results(declare: Declare, mode: FpMode) -> Vec<Vec<f64>> {
    let inputs = [1, 2, 3].map(values);
    let run = |backend| {
        let mut b = Kernel::builder("mode");
        let [n] = b.dims(["n"]);
        let [x, y, z] = ["x", "y", "z"].map(|name| b.input::<f64>(name, [&n]));
        b.output("out", declare(&x, &y, &z)).fp_mode(mode).backend(backend);
        let mut out = vec![f64::NAN; N];
        let kernel = b.build().unwrap();
        let mut call = kernel.call();
        let bound = call.bind("x", &inputs[0]).and_then(|c| c.bind("y", &inputs[1])).and_then(|c| c.bind("z", &inputs[2]));
        bound.and_then(|c| c.bind_mut("out", &mut out)).and_then(|mut c| c.run()).unwrap();
        out
    };
    Backend::available().into_iter().map(run).collect()
}

fn check(what: &str, declare: Declare, mode: FpMode, want: fn(f64, f64, f64) -> f64) {
    let [x, y, z] = [1, 2, 3].map(values);
    let want: Vec<f64> = (0..N).map(|k| want(x[k], y[k], z[k])).collect();
    for got in results(declare, mode) {
        assert_eq!(got, want, "{what}, {}", mode.name());
    }
}

#[test]
fn products_in_sums_are_not_rounded() {
    for mode in [FpMode::Contract, FpMode::Fast] {
        check("x*y + z", |x, y, z| x * y + z, mode, |x, y, z| x.mul_add(y, z));
        check("z + x*y", |x, y, z| z + x * y, mode, |x, y, z| x.mul_add(y, z));
        check("x*y - z", |x, y, z| x * y - z, mode, |x, y, z| x.mul_add(y, -z));
        check("z - x*y", |x, y, z| z - x * y, mode, |x, y, z| (-x).mul_add(y, z));
        check("z - 1.1*x", |x, _, z| z - 1.1 * x, mode, |x, _, z| (-1.1f64).mul_add(x, z));
        check("-(x*y) + z", |x, y, z| -(x * y) + z, mode, |x, y, z| -(x * y) + z);
        check("x*y - -z", |x, y, z| x * y - (-z), mode, |x, y, z| x.mul_add(y, z));
        // The first of two, not both.
        check("x*y + y*z", |x, y, z| x * y + y * z, mode, |x, y, z| x.mul_add(y, y * z));
        check("x*y - y*z", |x, y, z| x * y - y * z, mode, |x, y, z| x.mul_add(y, -(y * z)));
    }
    check("x*y + z as written", |x, y, z| x * y + z, FpMode::Strict, |x, y, z| x * y + z);
}

/// A product that something else uses too would be computed twice.
#[test]
fn products_used_twice_are_rounded() {
    let twice: Declare = |x, y, z| {
        let product = x * y;
        (&product + z) * product
    };
    check("p + z, p", twice, FpMode::Contract, |x, y, z| (x * y + z) * (x * y));
}

#[test]
fn quotients_by_constants_are_products() {
    check("x / 3", |x, _, _| x / 3.0, FpMode::Fast, |x, _, _| x * (1.0 / 3.0));
    check("x / 3", |x, _, _| x / 3.0, FpMode::Contract, |x, _, _| x / 3.0);
    // The reciprocals of these are not normal.
    check("x / 1e-320", |x, _, _| x / 1e-320, FpMode::Fast, |x, _, _| x / 1e-320);
    check("x / 1e308", |x, _, _| x / 1.7e308, FpMode::Fast, |x, _, _| x / 1.7e308);
    check("x / y", |x, y, _| x / y, FpMode::Fast, |x, y, _| x / y);
    check("3*x*7", |x, _, _| 0.3 * x * 0.7, FpMode::Fast, |x, _, _| x * (0.3 * 0.7));
    check("x / 3 * 7", |x, _, _| x / 3.0 * 7.0, FpMode::Fast, |x, _, _| x * ((1.0 / 3.0) * 7.0));
    check("1e300*x*1e-300", |x, _, _| 1e200 * x * 1e200, FpMode::Fast, |x, _, _| 1e200 * x * 1e200);
}

/// One division for each row.
#[test]
fn quotients_by_what_is_broadcast_are_products() {
    let (rows, columns) = (7, 19);
    let data: Vec<f64> = values(4).into_iter().cycle().take(rows * columns).collect();
    for mode in [FpMode::Strict, FpMode::Fast] {
        let mut b = Kernel::builder("shares");
        let [n, m] = b.dims(["n", "m"]);
        let x = &b.input::<f64>("x", [n, m]);
        b.output("y", x / x.max_over(Axes::from(1).keepdims())).fp_mode(mode);
        let kernel = b.build().unwrap();
        let mut got = vec![f64::NAN; rows * columns];
        let view = |strides: &'static [isize]| elide::ArrayRef::strided(&data, &[rows, columns], strides, 0).unwrap();
        let out = elide::ArrayMut::strided(&mut got, &[rows, columns], &[19, 1], 0).unwrap();
        kernel.call().bind("x", view(&[19, 1])).unwrap().bind_mut("y", out).unwrap().run().unwrap();
        for (row, of_row) in data.chunks(columns).zip(got.chunks(columns)) {
            let most = row.iter().copied().fold(f64::MIN, f64::max);
            let share = |x: &f64| if mode == FpMode::Fast { x * (1.0 / most) } else { x / most };
            assert_eq!(of_row, row.iter().map(share).collect::<Vec<_>>(), "{}", mode.name());
        }
    }
}

/// A kernel has the fast operation where there is one for its type, by every backend, and no other operation changes.
#[test]
fn fast_functions_are_those_of_the_table() {
    let numbers: Vec<f64> = (0..200).map(|k| (k as f64 - 100.3) / 7.0).chain([0.0, -0.0, f64::INFINITY, f64::NAN, 1e30, -1e-40]).collect();
    let mut fast = 0;
    for &d in [DType::F32, DType::F64, DType::F16].iter() {
        let data: Vec<Scalar> = numbers.iter().map(|x| Scalar::F64(*x).cast(d)).collect();
        let tensor = Tensor::new(d, &[data.len()], data).unwrap();
        for &op in UnaryOp::ALL.iter().filter(|op| op.result(d) == Some(d)) {
            let want = [("y", input("x", d, Shape::of([tensor.data.len()])).unary(op.fast(d).unwrap_or(op)))];
            let want = interpret(&want, &[("x".into(), tensor.clone())]).unwrap();
            fast += usize::from(op.fast(d).is_some());
            for backend in Backend::available() {
                let mut b = Kernel::builder("fast");
                let x = b.input_dyn("x", d, Shape::of([Dim::named("n")]), false);
                b.output("y", x.unary(op)).accuracy(Accuracy::Fast).backend(backend);
                let kernel = b.build().unwrap();
                let name = format!("{}~", op.name());
                assert_eq!(kernel.explain().unwrap().to_string().contains(&name), op.fast(d).is_some(), "{name} of {d}");
                let got = of_scalars(&kernel, d, &tensor.data);
                let same = |(a, b): (&Scalar, &Scalar)| a.bits() == b.bits() || is_nan(*a) && is_nan(*b);
                assert!(got.iter().zip(&want[0].data).all(same), "{} of {d}, by {}", op.name(), backend.name());
            }
        }
    }
    assert!(fast >= 3 * 6, "{fast}");
}

fn is_nan(x: Scalar) -> bool {
    matches!(x.cast(DType::F64), Scalar::F64(x) if x.is_nan())
}

/// What a kernel of one input and one output makes of these numbers.
fn of_scalars(kernel: &Kernel, d: DType, data: &[Scalar]) -> Vec<Scalar> {
    let bytes: Vec<u8> = data.iter().flat_map(|x| x.bits().to_le_bytes()[..d.size()].to_vec()).collect();
    let mut out = vec![0u8; bytes.len()];
    let (x, shape) = (elide::ArrayRef::from_bytes(&bytes, d, &[data.len()], false, false).unwrap(), [data.len()]);
    let y = elide::ArrayMut::from_bytes(&mut out, d, &shape).unwrap();
    kernel.call().bind("x", x).unwrap().bind_mut("y", y).unwrap().run().unwrap();
    let bits = |element: &[u8]| element.iter().rev().fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
    out.chunks(d.size()).map(|element| Scalar::from_bits(d, bits(element))).collect()
}

#[test]
fn functions_of_complex_numbers_are_made_of_fast_ones() {
    for (accuracy, fast) in [(Accuracy::Accurate, false), (Accuracy::Fast, true)] {
        let mut b = Kernel::builder("complex");
        let [n] = b.dims(["n"]);
        let z: DynExpr<'static> = b.input::<Complex<f64>>("z", [n]).exp().into();
        b.output("w", z).accuracy(accuracy);
        assert_eq!(b.build().unwrap().explain().unwrap().to_string().contains("sin~"), fast);
    }
}
