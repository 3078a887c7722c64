//! Complex numbers through the public interface: layouts, views, updates in place, the report, and mistakes, against direct loops over
//! `num_complex`'s numbers. What operations give is held to NumPy's answers in `tests/numpy_elements.rs`.

use elide::{
    Array, ArrayMut, ArrayRef, Backend, BinaryOp, Complex, DType, DynExpr, Element, ErrorKind, Expr, FpMode, Kernel, Placement,
    Requirement, Scalar, Shape, Stage, Weak, concatenate, lazy, lazy_mut, s, stack,
};

type C = Complex<f64>;

fn c(re: f64, im: f64) -> C {
    C::new(re, im)
}

/// Numbers of which no two are alike, and no product of two is exact.
fn numbers(count: usize, seed: u64) -> Vec<C> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| c(next(), next() * 3.0)).collect()
}

fn bits(z: &[C]) -> Vec<(u64, u64)> {
    z.iter().map(|z| (z.re.to_bits(), z.im.to_bits())).collect()
}

/// How the elements of a vector lie in memory: their number in the slice, the stride, and the first one.
const LIES: [(isize, usize); 5] = [(1, 0), (2, 1), (-1, 0), (-3, 0), (0, 0)];

fn lying(n: usize, (stride, offset): (isize, usize), seed: u64) -> (Vec<C>, usize) {
    let reach = n.saturating_sub(1) * stride.unsigned_abs();
    let all = numbers(reach + 1 + offset, seed);
    let first = if stride < 0 { reach } else { offset };
    (all, first)
}

#[test]
fn products_and_sums_of_any_layout_and_length() {
    for backend in Backend::available() {
        let mut b = Kernel::builder("k");
        let [n] = b.dims(["n"]);
        let (x, y) = (&b.input::<C>("x", [&n]), &b.input::<C>("y", [&n]));
        b.output("z", x * y + x).output("w", x.invert_axis(0) - y.conj()).output("m", (x - y).real()).output("e", x.eq(y)).backend(backend);
        let kernel = b.build().unwrap();
        for n in [0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 67] {
            for (k, &from) in LIES.iter().enumerate() {
                let other = LIES[(k + 2) % LIES.len()];
                let ((x, i), (y, j)) = (lying(n, from, 1), lying(n, other, 2));
                let at = |v: &[C], first: usize, stride: isize, k: usize| v[(first as isize + k as isize * stride) as usize];
                let xs: Vec<C> = (0..n).map(|k| at(&x, i, from.0, k)).collect();
                let ys: Vec<C> = (0..n).map(|k| at(&y, j, other.0, k)).collect();
                // Results with gaps between them, which stay as they are.
                let (mut z, mut w) = (vec![c(-7.0, -7.0); 2 * n + 1], vec![c(-7.0, -7.0); n]);
                let (mut m, mut e) = (vec![0.0; n], vec![true; n]);
                let given = |v: &'static str, data, stride, first| (v, ArrayRef::strided(data, &[n], &[stride], first).unwrap());
                let (a, b) = (given("x", &x, from.0, i), given("y", &y, other.0, j));
                let mut call = kernel.call();
                let out = ArrayMut::strided(&mut z, &[n], &[2], 1.min(2 * n)).unwrap();
                let binding = call.bind(a.0, a.1).unwrap().bind(b.0, b.1).unwrap().bind_mut("z", out).unwrap();
                binding.bind_mut("w", &mut w).unwrap().bind_mut("m", &mut m).unwrap().bind_mut("e", &mut e).unwrap().run().unwrap();
                let what = format!("{n} elements, {from:?} and {other:?}, by {backend:?}");
                let want: Vec<C> = xs.iter().zip(&ys).map(|(x, y)| x * y + x).collect();
                assert_eq!(bits(&z.iter().skip(1).step_by(2).copied().collect::<Vec<_>>()), bits(&want), "{what}");
                assert!(z.iter().step_by(2).all(|z| *z == c(-7.0, -7.0)), "{what}");
                let want: Vec<C> = xs.iter().rev().zip(&ys).map(|(x, y)| x - y.conj()).collect();
                assert_eq!(bits(&w), bits(&want), "{what}");
                assert_eq!(m, xs.iter().zip(&ys).map(|(x, y)| x.re - y.re).collect::<Vec<_>>(), "{what}");
                assert_eq!(e, xs.iter().zip(&ys).map(|(x, y)| x == y).collect::<Vec<_>>(), "{what}");
            }
        }
    }
}

#[test]
fn single_precision_and_both_orders_of_axes() {
    let x: Vec<Complex<f32>> = numbers(12, 3).iter().map(|z| Complex::new(z.re as f32, z.im as f32)).collect();
    let (rows, columns) = (ArrayRef::strided(&x, &[3, 4], &[4, 1], 0).unwrap(), ArrayRef::strided(&x, &[3, 4], &[1, 3], 0).unwrap());
    for backend in Backend::available() {
        let mut b = Kernel::builder("k");
        let [n, m] = b.dims(["n", "m"]);
        let (a, f) = (&b.input::<Complex<f32>>("a", [&n, &m]), &b.input::<Complex<f32>>("f", [&n, &m]));
        b.output("z", a / f - Complex::new(2.0f32, 0.0) * a).backend(backend);
        let kernel = b.build().unwrap();
        let mut z = Array::<Complex<f32>>::zeros(&[3, 4]).unwrap();
        kernel.call().bind("a", rows.clone()).unwrap().bind("f", columns.clone()).unwrap().bind_mut("z", &mut z).unwrap().run().unwrap();
        for i in 0..3 {
            for j in 0..4 {
                let (a, f) = (x[4 * i + j], x[i + 3 * j]);
                let want = smith(a, f) - Complex::new(2.0f32, 0.0) * a;
                assert_eq!(z.as_slice()[4 * i + j], want, "{i}, {j} by {backend:?}");
            }
        }
    }
}

/// NumPy's quotient.
fn smith(x: Complex<f32>, y: Complex<f32>) -> Complex<f32> {
    if y.re.abs() >= y.im.abs() {
        let ratio = y.im / y.re;
        let scale = 1.0 / (y.re + y.im * ratio);
        Complex::new((x.re + x.im * ratio) * scale, (x.im - x.re * ratio) * scale)
    } else {
        let ratio = y.re / y.im;
        let scale = 1.0 / (y.im + y.re * ratio);
        Complex::new((x.re * ratio + x.im) * scale, (x.im * ratio - x.re) * scale)
    }
}

#[test]
fn views_of_views_and_what_is_put_together() {
    let x = numbers(24, 4);
    let a = &lazy(ArrayRef::strided(&x, &[2, 3, 4], &[12, 4, 1], 0).unwrap()).typed::<C>().unwrap();
    let at = |i: usize, j: usize, k: usize| x[12 * i + 4 * j + k];
    let y: Vec<C> = a.slice(s![.., 1.., ..;-2]).permuted_axes([2usize, 0, 1]).eval().unwrap();
    let mut want = Vec::new();
    for k in [3, 1] {
        for i in 0..2 {
            (1..3).for_each(|j| want.push(at(i, j, k)));
        }
    }
    assert_eq!(bits(&y), bits(&want));
    let y: Vec<C> = a.reshape([6, 4]).t().reshape([24]).eval().unwrap();
    assert_eq!(bits(&y), bits(&(0..24).map(|k| x[4 * (k % 6) + k / 6]).collect::<Vec<_>>()));
    let y: Vec<C> = (a.slice(s![0, 0, ..]).broadcast([3, 4]) + a.slice(s![0, .., ..1])).eval().unwrap();
    assert_eq!(bits(&y), bits(&(0..12).map(|k| at(0, 0, k % 4) + at(0, k / 4, 0)).collect::<Vec<_>>()));
    let row = &a.slice(s![0, 0, ..]);
    let y: Vec<C> = concatenate(&[row.clone(), row * C::i()], 0).eval().unwrap();
    assert_eq!(bits(&y), bits(&x[..4].iter().copied().chain(x[..4].iter().map(|z| z * C::i())).collect::<Vec<_>>()));
    let y: Vec<C> = stack(&[row.clone(), -row], 1).eval().unwrap();
    assert_eq!(bits(&y), bits(&x[..4].iter().flat_map(|z| [*z, -z]).collect::<Vec<_>>()));
    let y: Vec<C> = row.roll(1, 0).at(s![..2]).mul(c(0.5, 2.0)).eval().unwrap();
    assert_eq!(bits(&y), bits(&[x[3] * c(0.5, 2.0), x[0] * c(0.5, 2.0), x[1], x[2]]));
    let k = [2i64, -1, 0];
    let y: Vec<C> = a.slice(s![1, .., 0]).take(lazy(&k), 0).eval().unwrap();
    assert_eq!(bits(&y), bits(&[at(1, 2, 0), at(1, 2, 0), at(1, 0, 0)]));
    let y: Vec<C> = row.at_indices(lazy(&k), 0).add(c(1.0, -1.0)).eval().unwrap();
    assert_eq!(bits(&y), bits(&[x[0] + c(1.0, -1.0), x[1], x[2] + c(1.0, -1.0), x[3] + c(1.0, -1.0)]));
    let y: Vec<C> = row.at_indices(lazy(&k), 0).set(lazy(&x).slice(s![4..7])).eval().unwrap();
    assert_eq!(bits(&y), bits(&[x[6], x[1], x[4], x[5]]));
    let keep = [false, true, true, false];
    assert_eq!(bits(&row.compress(lazy(&keep)).eval().unwrap()), bits(&x[1..3]));
    let y: Vec<C> = lazy(&keep).select(row, c(1.0, 2.0)).eval().unwrap();
    assert_eq!(bits(&y), bits(&[c(1.0, 2.0), x[1], x[2], c(1.0, 2.0)]));
    let y: Vec<C> = row.real().with_imag(row.imag() * 2.0).eval().unwrap();
    assert_eq!(bits(&y), bits(&x[..4].iter().map(|z| c(z.re, z.im * 2.0)).collect::<Vec<_>>()));
    let y: C = Expr::full([3], c(1.5, 0.5)).sum().eval().unwrap();
    assert_eq!(y, c(4.5, 1.5));
    let y: Vec<C> = Expr::<C>::zeros([2]).eval().unwrap();
    assert_eq!(bits(&y), bits(&[c(0.0, 0.0); 2]));
}

/// Each part is summed as an array of its own would be.
#[test]
fn sums_and_means_are_those_of_the_parts() {
    let x = numbers(1003, 5);
    let (re, im): (Vec<f64>, Vec<f64>) = x.iter().map(|z| (z.re, z.im)).unzip();
    let sum: C = lazy(&x).sum().eval().unwrap();
    assert_eq!(bits(&[sum]), bits(&[c(lazy(&re).sum().eval().unwrap(), lazy(&im).sum().eval().unwrap())]));
    let mean: C = lazy(&x).mean().eval().unwrap();
    let scale = 1.0 / 1003.0;
    assert_eq!(bits(&[mean]), bits(&[c(sum.re * scale, sum.im * scale)]));
    let a = &lazy(ArrayRef::strided(&x, &[17, 59], &[59, 1], 0).unwrap()).typed::<C>().unwrap();
    let by_rows: Vec<C> = a.sum_axis(1).eval().unwrap();
    let parts: Vec<f64> = a.imag().sum_axis(1).eval().unwrap();
    assert_eq!(by_rows.iter().map(|z| z.im).collect::<Vec<_>>(), parts);
    let nothing: C = lazy(&x[..0]).sum().eval().unwrap();
    assert_eq!(bits(&[nothing]), bits(&[c(0.0, 0.0)]));
}

/// Within a unit in the last place of what the standard library has.
#[test]
fn magnitudes_and_angles() {
    let mut x = numbers(300, 6);
    let large = [0.0, -0.0, 5e-324, 1e-310, 1.0, -3e200, 1.7e308, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    x.extend(large.iter().flat_map(|re| large.map(|im| c(*re, im))));
    let close = |a: f64, b: f64| a == b || a.is_nan() && b.is_nan() || (a.to_bits() as i64 - b.to_bits() as i64).abs() <= 1;
    for backend in Backend::available() {
        let mut b = Kernel::builder("k");
        let z = &b.input::<C>("z", [x.len()]);
        b.output("size", z.abs()).output("angle", z.angle()).backend(backend);
        let (mut size, mut angle) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        let mut call = b.build().unwrap().call();
        call.bind("z", &x).unwrap().bind_mut("size", &mut size).unwrap().bind_mut("angle", &mut angle).unwrap().run().unwrap();
        for (k, z) in x.iter().enumerate() {
            assert!(close(size[k], z.re.hypot(z.im)), "|{z}| is {}, by {backend:?}", size[k]);
            let want = z.im.atan2(z.re);
            assert!(close(angle[k], want) && (want != 0.0 || angle[k].is_sign_negative() == want.is_sign_negative()), "{z}: {}", angle[k]);
        }
    }
}

const FUNCTIONS: &str = include_str!("../src/text/testdata/complex_functions.txt");

fn function(name: &str, z: &Expr<'static, C>) -> Expr<'static, C> {
    match name {
        "exp" => z.exp(),
        "expm1" => z.expm1(),
        "log" => z.log(),
        "log2" => z.log2(),
        "log10" => z.log10(),
        "log1p" => z.log1p(),
        "sqrt" => z.sqrt(),
        "sin" => z.sin(),
        "cos" => z.cos(),
        "tan" => z.tan(),
        "sinh" => z.sinh(),
        "cosh" => z.cosh(),
        "tanh" => z.tanh(),
        "asin" => z.asin(),
        "acos" => z.acos(),
        "atan" => z.atan(),
        "asinh" => z.asinh(),
        "acosh" => z.acosh(),
        "atanh" => z.atanh(),
        other => panic!("no function {other}"),
    }
}

/// The recorded numbers, and what each function gives there.
fn recorded() -> (Vec<C>, Vec<(&'static str, Vec<C>)>) {
    let number = |e: &str| e.split_once(',').map(|(re, im)| c(re.parse().unwrap(), im.parse().unwrap())).unwrap();
    let numbers = |line: &str| line.split_once(" | ").unwrap().1.split_whitespace().map(number).collect::<Vec<C>>();
    let mut lines = FUNCTIONS.lines().filter(|l| !l.starts_with('#'));
    let z = numbers(lines.next().unwrap());
    (z, lines.map(|l| (l.split_once(" => ").unwrap().0, numbers(l))).collect())
}

/// In units in the last place of each part; of `expm1`, whose real part is a difference, of the magnitude. What is 0, infinite or NaN is that.
#[test]
fn functions_are_near_the_exact_values() {
    let (z, all) = recorded();
    assert_eq!(all.len(), 19);
    let spacing = |x: f64| x.abs().max(f64::MIN_POSITIVE).next_up() - x.abs().max(f64::MIN_POSITIVE);
    for backend in Backend::available() {
        for (name, want) in &all {
            let most = match *name {
                "tan" | "tanh" => 4.5,
                "log1p" | "asin" | "asinh" => 3.5,
                _ => 2.5,
            };
            let mut b = Kernel::builder("k");
            let x = &b.input::<C>("z", [z.len()]);
            b.output("r", function(name, x)).backend(backend).require(Requirement::NoTemporaries);
            let mut r = vec![C::default(); z.len()];
            b.build().unwrap().call().bind("z", &z).unwrap().bind_mut("r", &mut r).unwrap().run().unwrap();
            for ((z, r), want) in z.iter().zip(&r).zip(want) {
                let size = want.re.hypot(want.im);
                for (part, (got, want)) in [(r.re, want.re), (r.im, want.im)].into_iter().enumerate() {
                    let unit = if *name == "expm1" && part == 0 { spacing(size) } else { spacing(want) };
                    let near = match want {
                        w if w.is_nan() => got.is_nan(),
                        w if w == 0.0 || w.is_infinite() => got.to_bits() == w.to_bits(),
                        w => (got - w).abs() <= most * unit,
                    };
                    assert!(near, "{name}({z}), part {part}: {got}, not {want}, by {backend:?}");
                }
            }
        }
    }
}

/// In single precision they are those of the numbers in double precision, rounded.
#[test]
fn functions_of_singles_are_rounded_once() {
    let (z, all) = recorded();
    let singles: Vec<Complex<f32>> = z.iter().map(|z| Complex::new(z.re as f32, z.im as f32)).collect();
    let wide: Vec<C> = singles.iter().map(|z| c(z.re.into(), z.im.into())).collect();
    for (name, _) in all {
        let mut b = Kernel::builder("k");
        let (x, y) = (b.input::<Complex<f32>>("x", [z.len()]), b.input::<C>("y", [z.len()]));
        let op = *elide::UnaryOp::ALL.iter().find(|o| o.name() == name).unwrap();
        b.output("r", x.into_dyn().unary(op)).output("want", function(name, &y).cast::<Complex<f32>>());
        let (mut r, mut want) = (vec![Complex::<f32>::default(); z.len()], vec![Complex::<f32>::default(); z.len()]);
        let mut call = b.build().unwrap().call();
        let binding = call.bind("x", &singles).unwrap().bind("y", &wide).unwrap();
        binding.bind_mut("r", &mut r).unwrap().bind_mut("want", &mut want).unwrap().run().unwrap();
        let scalars = |z: &[Complex<f32>]| z.iter().map(|z| Scalar::from(*z)).collect::<Vec<_>>();
        assert_eq!(scalars(&r), scalars(&want), "{name}");
    }
}

#[test]
fn powers() {
    let z = numbers(40, 16);
    let w = numbers(40, 17);
    let (x, y) = (&lazy(&z), &lazy(&w));
    let by_products: Vec<C> = x.powi(5).eval().unwrap();
    let twice = |z: C| z * z;
    assert_eq!(bits(&by_products), bits(&z.iter().map(|z| c(1.0, 0.0) * z * twice(twice(*z))).collect::<Vec<_>>()));
    let root: Vec<C> = x.clone().into_dyn().pow(0.5).typed::<C>().unwrap().eval().unwrap();
    assert_eq!(bits(&root), bits(&x.sqrt().eval::<Vec<C>>().unwrap()));
    let (general, formula): (Vec<C>, Vec<C>) = (x.pow(y).eval().unwrap(), (y * x.log()).exp().eval().unwrap());
    assert_eq!(bits(&general), bits(&formula));
    let zeros = [c(0.0, 0.0), c(-0.0, 0.0), c(0.0, 0.0), c(0.0, 0.0), c(2.0, 1.0)];
    let exponents = [c(0.0, 0.0), c(2.5, 1.0), c(-1.0, 0.0), c(0.0, 1.0), c(-0.0, 0.0)];
    let special: Vec<C> = lazy(&zeros).pow(lazy(&exponents)).eval().unwrap();
    let want = [c(1.0, 0.0), c(0.0, 0.0), c(f64::NAN, f64::NAN), c(f64::NAN, f64::NAN), c(1.0, 0.0)];
    let scalars = |z: &[C]| z.iter().map(|z| Scalar::from(*z)).collect::<Vec<_>>();
    assert_eq!(scalars(&special), scalars(&want));
    let ones: Vec<C> = x.powi(0).eval().unwrap();
    assert_eq!(bits(&ones), bits(&[c(1.0, 0.0); 40]));
}

#[test]
fn updates_in_place() {
    let (mut z, w) = (numbers(9, 7), numbers(9, 8));
    let old = z.clone();
    let x = lazy_mut(&mut z);
    x.at(s![1..]).add(lazy(&w).slice(s![..-1]));
    x.at(s![0]).set(c(0.0, 1.0));
    x.at(s![..;2]).mul(x.get().slice(s![..;2]));
    x.run().unwrap();
    let mut want = old.clone();
    (1..9).for_each(|k| want[k] += w[k - 1]);
    want[0] = c(0.0, 1.0);
    (0..9).step_by(2).for_each(|k| want[k] = want[k] * want[k]);
    assert_eq!(bits(&z), bits(&want));
    for backend in Backend::available() {
        let mut b = Kernel::builder("k");
        let [n] = b.dims(["n"]);
        let (x, y) = (&b.input::<C>("x", [&n]), &b.input::<C>("y", [&n]));
        // Neighbours, the same element in both parts, and the other end.
        b.update(x, x.at(s![1..]).mul(x.slice(s![..-1]))).update(y, y.invert_axis(0) * C::i() - y).backend(backend);
        let kernel = b.build().unwrap();
        for n in [1usize, 2, 3, 8, 17, 40] {
            let (mut x, mut y) = (numbers(n, 9), numbers(n, 10));
            let (p, q) = (x.clone(), y.clone());
            kernel.call().bind_mut("x", &mut x).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
            let want: Vec<C> = (0..n).map(|k| if k == 0 { p[0] } else { p[k] * p[k - 1] }).collect();
            assert_eq!(bits(&x), bits(&want), "{n} by {backend:?}");
            let want: Vec<C> = (0..n).map(|k| q[n - 1 - k] * C::i() - q[k]).collect();
            assert_eq!(bits(&y), bits(&want), "{n} by {backend:?}");
        }
    }
}

#[test]
fn no_step_takes_memory() {
    let mut b = Kernel::builder("k");
    let [n] = b.dims(["n"]);
    let (x, y) = (&b.input::<C>("x", [&n]), &b.input::<C>("y", [&n]));
    b.output("q", (x / y).conj()).output("m", (x * y + x).abs());
    b.require(Requirement::NoTemporaries).require(Requirement::NoCopies).require(Requirement::peak_bytes(0));
    let kernel = b.build().unwrap();
    let report = kernel.explain().unwrap();
    assert_eq!(report.nests().len(), 1, "{report}");
    let text = report.to_string();
    assert!(
        text.contains("  input x : c128[n]") && text.contains("  output q : c128[n]") && text.contains("  output m : f64[n]"),
        "{text}"
    );
    assert!(report.values().iter().all(|v| !matches!(v.placement, Placement::Buffer | Placement::Copy)), "{text}");
    let spec = &kernel.inputs()[0];
    assert_eq!((spec.dtype(), spec.shape().to_string()), (DType::C128, "[n]".into()));
    // A product overwrites one of its factors: both parts are read before either is written.
    let mut b = Kernel::builder("k");
    let [n] = b.dims(["n"]);
    let (x, y) = (&b.input::<C>("x", [&n]), &b.input::<C>("y", [&n]));
    b.update(x, x * y).require(Requirement::NoTemporaries).require(Requirement::NoCopies).require(Requirement::peak_bytes(0));
    let report = b.build().unwrap().explain().unwrap();
    assert_eq!(report.nests().len(), 1, "{report}");
    assert!(report.to_string().contains("  output x : c128[n], updated in place"), "{report}");
}

/// Registers are loaded and stored whole; parts are picked by permutes.
#[test]
fn parts_are_picked_in_registers() {
    for (backend, width) in [(Backend::Avx512, "zmm"), (Backend::Avx2, "ymm")] {
        if !backend.is_available() {
            eprintln!("not tried: this machine cannot run {backend:?}");
            continue;
        }
        let mut b = Kernel::builder("k");
        let [n] = b.dims(["n"]);
        let (x, y) = (&b.input::<C>("x", [&n]), &b.input::<C>("y", [&n]));
        b.output("z", x * y + x).backend(backend);
        let asm = b.build().unwrap().inspect(Stage::Asm).unwrap();
        // The longest loop is the vectors'.
        let lines: Vec<&str> = asm.lines().collect();
        let (mut best, mut start) = (0..0, 0);
        for (k, line) in lines.iter().enumerate() {
            if line.ends_with(':') {
                if k - start > best.len() {
                    best = start..k;
                }
                start = k;
            }
        }
        let body = &lines[best];
        let count = |f: &dyn Fn(&str) -> bool| body.iter().filter(|l| f(l)).count();
        assert!(count(&|l| l.contains("mulpd") && l.contains(width)) >= 4, "{}", body.join("\n"));
        assert_eq!(
            count(&|l| l.contains("vpinsr") || l.contains("vpextr") || l.contains("vmovsd") || l.contains("vmovq") || l.contains("gather")),
            0,
            "{}",
            body.join("\n")
        );
        assert!(count(&|l| l.contains("perm") || l.contains("unpck") || l.contains("shuf")) > 0, "{}", body.join("\n"));
    }
}

/// On threads, strip by strip, and around the cache.
#[test]
fn large_arrays() {
    let n = 1_500_000;
    let (x, y) = (numbers(n, 18), numbers(n, 19));
    let want: Vec<C> = x.iter().zip(&y).map(|(x, y)| x * y + x).collect();
    for backend in Backend::available() {
        let mut b = Kernel::builder("k");
        let [n] = b.dims(["n"]);
        let (p, q) = (&b.input::<C>("x", [&n]), &b.input::<C>("y", [&n]));
        b.output("z", p * q + p).output("s", (p * q).sum()).backend(backend);
        let (mut z, mut s) = (vec![C::default(); x.len()], [C::default()]);
        let kernel = b.build().unwrap();
        let mut call = kernel.call();
        let total = ArrayMut::strided(&mut s, &[], &[], 0).unwrap();
        call.bind("x", &x).unwrap().bind("y", &y).unwrap().bind_mut("z", &mut z).unwrap().bind_mut("s", total).unwrap().run().unwrap();
        assert_eq!(bits(&z), bits(&want), "by {backend:?}");
        let parts = want.iter().zip(&x).map(|(w, x)| w - x).collect::<Vec<_>>();
        let close = parts.iter().fold(c(0.0, 0.0), |sum, z| sum + z);
        assert!((s[0] - close).norm_sqr().sqrt() < 1e-6, "{} by {backend:?}", s[0]);
    }
    let (rows, columns) = (1200, 301);
    let a = &lazy(ArrayRef::strided(&x, &[rows, columns], &[columns as isize, 1], 0).unwrap()).typed::<C>().unwrap();
    let centred: Vec<C> = (a - a.mean_axis(1).insert_axis(1)).conj().eval().unwrap();
    let means: Vec<C> = a.mean_axis(1).eval().unwrap();
    let direct: Vec<C> = (0..rows * columns).map(|k| (x[k] - means[k / columns]).conj()).collect();
    assert_eq!(bits(&centred), bits(&direct));
}

/// Contracted as NumPy's vector loops have it: one product is not rounded before the other is added.
#[test]
fn contracted_products() {
    let (x, y) = (numbers(20, 11), numbers(20, 12));
    let mut b = Kernel::builder("k");
    let [n] = b.dims(["n"]);
    let (p, q) = (&b.input::<C>("p", [&n]), &b.input::<C>("q", [&n]));
    b.output("z", p * q).fp_mode(FpMode::Contract);
    let mut z = vec![C::default(); 20];
    b.build().unwrap().call().bind("p", &x).unwrap().bind("q", &y).unwrap().bind_mut("z", &mut z).unwrap().run().unwrap();
    let product = |x: &C, y: &C| c(x.re.mul_add(y.re, -(x.im * y.im)), x.re.mul_add(y.im, x.im * y.re));
    assert_eq!(bits(&z), bits(&x.iter().zip(&y).map(|(x, y)| product(x, y)).collect::<Vec<_>>()));
}

#[test]
fn swapped_bytes_and_records() {
    let x = numbers(5, 13);
    let bytes: Vec<u8> = x.iter().flat_map(|z| [z.re, z.im]).flat_map(|part| part.to_bits().swap_bytes().to_ne_bytes()).collect();
    let swapped = ArrayRef::from_bytes(&bytes, DType::C128, &[5], false, true).unwrap();
    assert_eq!(swapped.get(&[3]), Scalar::from(x[3]));
    let y: Vec<C> = (lazy(swapped) * 2).typed::<C>().unwrap().eval().unwrap();
    assert_eq!(bits(&y), bits(&x.iter().map(|z| z * c(2.0, 0.0)).collect::<Vec<_>>()));
    // A byte before each number.
    let records: Vec<u8> = x.iter().flat_map(|z| std::iter::once(9).chain([z.re, z.im].into_iter().flat_map(f64::to_ne_bytes))).collect();
    let field = ArrayRef::from_records(&records, DType::C128, &[5], 17, 1, false).unwrap();
    let y: Vec<C> = lazy(field).conj().typed::<C>().unwrap().eval().unwrap();
    assert_eq!(bits(&y), bits(&x.iter().map(C::conj).collect::<Vec<_>>()));
}

#[test]
fn element_types_meet_as_in_numpy() {
    let of = |d: DType| DynExpr::from(Scalar::one(d)).broadcast([2]);
    for (x, y, want) in [
        (DType::C64, DType::F32, DType::C64),
        (DType::C64, DType::F64, DType::C128),
        (DType::C64, DType::F16, DType::C64),
        (DType::C64, DType::BF16, DType::C64),
        (DType::C64, DType::I16, DType::C64),
        (DType::C64, DType::U16, DType::C64),
        (DType::C64, DType::I32, DType::C128),
        (DType::C64, DType::U64, DType::C128),
        (DType::C64, DType::Bool, DType::C64),
        (DType::C64, DType::C128, DType::C128),
        (DType::C128, DType::I64, DType::C128),
    ] {
        assert_eq!((of(x) + of(y)).dtype(), want, "{x} with {y}");
        assert_eq!((of(y) * of(x)).dtype(), want, "{y} with {x}");
    }
    let i = Weak::Complex(C::i());
    for (x, want) in [
        (DType::F32, DType::C64),
        (DType::F16, DType::C64),
        (DType::F64, DType::C128),
        (DType::C64, DType::C64),
        (DType::I8, DType::C128),
        (DType::Bool, DType::C128),
    ] {
        assert_eq!((of(x) + i).dtype(), want, "{x}");
    }
    assert_eq!((of(DType::C64) * 2.5).dtype(), DType::C64);
    assert_eq!(of(DType::C64).abs().dtype(), DType::F32);
    assert_eq!(of(DType::I32).with_imag(2.0).dtype(), DType::C128);
    assert_eq!(of(DType::F16).with_imag(of(DType::F32)).dtype(), DType::C64);
}

#[test]
fn mistakes_say_what_to_do() {
    let x = numbers(3, 14);
    let z = &lazy(&x);
    let d = &z.clone().into_dyn();
    let failed = |e: &DynExpr<'_>, text: &str, help: &str| {
        let error = e.check().expect_err(text);
        assert_eq!(error.message(), text);
        assert!(error.advice().is_some_and(|h| h.contains(help)), "{error}");
        assert!(error.site().is_some_and(|s| s.to_string().contains("complex.rs")), "{error}");
    };
    failed(&z.cast::<f64>().into(), "conversion of c128[3] to f64: the imaginary part would be lost", "`real` or `imag`");
    failed(&d.astype(DType::I32), "conversion of c128[3] to i32: the imaginary part would be lost", "`real` or `imag`");
    failed(&d.lt(2), "lt of c128[3] and 2: `lt` is not defined on c128", "no order");
    failed(&z.max().into(), "max of c128[3]: `max` is not defined on c128", "no order");
    failed(&d.maximum(d), "max of c128[3] and c128[3]: `max` is not defined on c128", "no order");
    failed(&d.argmin(), "argmin of c128[3]: `argmin` is not defined on c128", "no order");
    failed(&d.prod(), "prod of c128[3]: `prod` is not defined on c128", "both parts");
    failed(&d.floor_div(2), "floor_div of c128[3] and 2: `floor_div` is not defined on c128", "parts");
    failed(&d.floor(), "floor of c128[3]: `floor` is not defined on c128", "parts");
    failed(&d.clip(0, 1), "clip of c128[3]: `clip` is not defined on c128", "parts");
    failed(&(d & true), "and of c128[3] and true: `and` is not defined on c128", "bits");
    failed(
        &d.at_indices(0, 0).update(BinaryOp::Mul, 2),
        "c128[] at [] indices of c128[3]: `mul` of c128 cannot be applied at computed indices",
        "add and sub",
    );
    failed(&d.with_imag(1.0), "complex numbers of c128[3] and 1.0: the parts of complex numbers are real", "`real`");
    let error = z.eval::<Vec<C>>().and_then(|_| (lazy(&x) + lazy(&x[..2])).eval::<Vec<C>>()).unwrap_err();
    assert!(error.message().starts_with("add of c128[3] and c128[2]"), "{error}");
    let mut b = Kernel::builder("k");
    let [n] = b.dims(["n"]);
    let y = &b.input::<C>("y", [&n]);
    b.output("z", y * c(2.0, 0.0));
    let kernel = b.build().unwrap();
    let error = kernel.call().bind("y", &[1.0, 2.0]).map(|_| ()).unwrap_err();
    assert_eq!(error.message(), "`y` is c128[n], but the array has elements of type f64");
    let mut out = vec![C::default(); 2];
    let error = kernel.call().bind("y", &x).unwrap().bind_mut("z", &mut out).unwrap().run().unwrap_err();
    assert!(error.message().contains("`z` is c128[n] (n = 3), but the array has shape [2]"), "{error}");
    let mut b = Kernel::builder("k");
    let y = b.input_dyn("y", DType::F64, Shape::fixed(&[3, 2]), false);
    let other = b.input_dyn("y", DType::C128, Shape::fixed(&[3]), false);
    b.output("z", y.sum()).output("w", other);
    let error = b.build().unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Bind, "two different inputs are named `y`: f64[3,2] and c128[3]"));
}

/// Neither importing nor dropping recurses.
#[test]
fn long_chains_on_a_small_stack() {
    let run = || {
        let x = numbers(3, 15);
        let z = lazy(&x);
        let mut sum = z.clone();
        for _ in 0..20_000 {
            sum = sum + &z;
        }
        let distance = (sum.conj() - z).real();
        let y: Vec<f64> = distance.eval().unwrap();
        for (k, y) in y.iter().enumerate() {
            let want = (0..20_000).fold(x[k].re, |sum, _| sum + x[k].re) - x[k].re;
            assert_eq!(*y, want);
        }
    };
    std::thread::Builder::new().stack_size(512 << 10).spawn(run).unwrap().join().unwrap();
}

#[test]
fn element_types_have_their_numpy_names() {
    assert_eq!((Complex::<f32>::DTYPE, C::DTYPE), (DType::C64, DType::C128));
    for (name, want) in [("c64", DType::C64), ("complex64", DType::C64), ("complex", DType::C128), ("complex128", DType::C128)] {
        assert_eq!(name.parse::<DType>().unwrap(), want);
    }
    assert_eq!(Scalar::from(c(1.0, -2.5)).to_string(), "1.0-2.5j");
    assert_eq!((lazy(&[c(1.0, 0.0)]) * c(0.0, 1.0)).to_string(), "data0 * (0.0+1.0j)");
}
