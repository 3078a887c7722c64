//! Corners of the public API that no single operation has: bytes that are no `bool`, outputs that are inputs, one array bound
//! twice, calls after errors, extents of one, empty outputs beside full ones.

use elide::testing::{Tensor, input, interpret};
use elide::{Array, ArrayMut, ArrayRef, Axes, Axis, Backend, DType, Kernel, Scalar, Shape, Slice, eval_all, lazy, s};

/// A byte that is neither 0 nor 1 counts as true, and comes out as 1.
#[test]
fn bytes_that_are_no_bool() {
    let bytes: Vec<u8> = (0..67).map(|k| [0, 1, 2, 0x80, 0xff][k % 5]).collect();
    let want: Vec<bool> = bytes.iter().map(|b| *b != 0).collect();
    let x = lazy(ArrayRef::from_bytes(&bytes, DType::Bool, &[67], false, false).unwrap());
    let mut out = vec![7u8; 67];
    let mut run = |y: elide::DynExpr<'_>| {
        y.eval_into(ArrayMut::from_bytes(&mut out, DType::Bool, &[67]).unwrap()).unwrap();
        out.clone()
    };
    let ones: Vec<u8> = want.iter().map(|b| u8::from(*b)).collect();
    let flipped: Vec<u8> = want.iter().map(|b| u8::from(!*b)).collect();
    assert_eq!(run(x.clone()), ones);
    assert_eq!(run(!&x), flipped);
    assert_eq!(run(&x & true), ones);
    assert_eq!(run(&x ^ true), flipped);
    assert_eq!(run(x.eq(true)), ones);
    assert_eq!(run(x.lt(true)), flipped);
    assert_eq!(run(x.slice(s![..;-1]).slice(s![..;-1])), ones);
    assert_eq!(run(x.select(1u8, 0).astype(DType::Bool)), ones);
    assert_eq!(x.typed::<bool>().unwrap().eval::<Vec<bool>>().unwrap(), want);
    assert_eq!(x.sum().typed::<i64>().unwrap().eval::<i64>().unwrap(), want.iter().filter(|b| **b).count() as i64);
    assert!(x.any().typed::<bool>().unwrap().eval::<bool>().unwrap());
    assert_eq!(x.argmax().typed::<i64>().unwrap().eval::<i64>().unwrap(), 1);
    assert_eq!(x.astype(DType::F32).typed::<f32>().unwrap().eval::<Vec<f32>>().unwrap()[2], 1.0);
}

/// Every output is an input, a view of one, or a constant.
#[test]
fn outputs_that_compute_nothing() {
    let mut b = Kernel::builder("copies");
    let [n, m] = b.dims(["n", "m"]);
    let x = b.input::<i16>("x", [&n, &m]);
    b.output("same", &x);
    b.output("again", &x);
    b.output("turned", x.t());
    b.output("flat", x.reshape([-1]));
    b.output("corner", x.slice(s![0, -1]));
    b.output("seven", elide::Expr::scalar(7u8).broadcast([&m]));
    let k = b.build().unwrap();
    let data = Array::new(&[3, 5], (0..15).collect::<Vec<i16>>()).unwrap();
    let [mut same, mut again] = [(); 2].map(|()| Array::<i16>::zeros(&[3, 5]).unwrap());
    let mut turned = Array::<i16>::zeros(&[5, 3]).unwrap();
    let (mut flat, mut seven, mut corner) = ([0i16; 15], [0u8; 5], Array::<i16>::zeros(&[]).unwrap());
    let mut c = k.call();
    let binding = c.bind("x", &data).unwrap().bind_mut("same", &mut same).unwrap().bind_mut("again", &mut again).unwrap();
    let binding = binding.bind_mut("turned", &mut turned).unwrap().bind_mut("flat", &mut flat).unwrap();
    binding.bind_mut("corner", &mut corner).unwrap().bind_mut("seven", &mut seven).unwrap().run().unwrap();
    assert_eq!((&same, &again), (&data, &data));
    assert_eq!(flat.as_slice(), data.as_slice());
    assert!((0..15).all(|k| turned.as_slice()[k % 5 * 3 + k / 5] == k as i16));
    assert_eq!((corner.as_slice(), seven), (&[4][..], [7; 5]));
}

/// Some outputs have elements and others have none; a reduction of nothing is its identity.
#[test]
fn empty_beside_full() {
    for (n, m) in [(0, 4), (4, 0), (0, 0), (1, 1), (4, 1)] {
        let x = Array::new(&[n, m], (0..n * m).map(|k| k as f64 + 1.0).collect()).unwrap();
        let named = [("x".to_string(), Tensor::from_array_ref(&x.view()).unwrap())];
        let outputs = |x: elide::DynExpr<'static>| {
            [
                x.sum_axis(0),
                x.sum_axis(1),
                x.prod(),
                &x - x.mean_over(Axes::from(1).keepdims()),
                x.slice(s![1.., ..]).sum_axis(0),
                x.slice(s![..;-1, ..;2]).gt(1).all_axis(1),
                x.reshape([-1]),
            ]
        };
        let declared = outputs(input("x", DType::F64, Shape::fixed(&[n, m])));
        let list: Vec<_> = declared.iter().enumerate().map(|(k, y)| (k.to_string(), y.clone())).collect();
        let want = interpret(&list, &named).unwrap();
        let mut b = Kernel::builder("k");
        let dims = b.dims(["n", "m"]);
        let named_dims = b.input_dyn("x", DType::F64, Shape::of(dims.iter()), false);
        for (k, y) in outputs(named_dims).into_iter().enumerate() {
            b.output(&k.to_string(), y);
        }
        let kernel = b.build().unwrap();
        let mut memory: Vec<Vec<u8>> = want.iter().map(|t| vec![0xa5; t.data.len() * t.dtype.size()]).collect();
        let mut call = kernel.call();
        let mut binding = call.bind("x", &x).unwrap();
        for (k, (bytes, t)) in memory.iter_mut().zip(&want).enumerate() {
            binding = binding.bind_mut(k.to_string().as_str(), ArrayMut::from_bytes(bytes, t.dtype, &t.shape).unwrap()).unwrap();
        }
        binding.run().unwrap();
        for (k, (bytes, t)) in memory.iter().zip(&want).enumerate() {
            assert_eq!(Tensor::from_bytes(t.dtype, &t.shape, bytes).unwrap(), *t, "output {k} of [{n}, {m}]");
        }
    }
}

/// One array for two inputs, and views of one array that overlap.
#[test]
fn inputs_may_share_memory() {
    let mut b = Kernel::builder("k");
    let [n] = b.dims(["n"]);
    let (x, y) = (&b.input::<i32>("x", [&n]), &b.input::<i32>("y", [&n]));
    b.output("z", x * 10 + y);
    let k = b.build().unwrap();
    let data: Vec<i32> = (0..100).collect();
    let mut z = vec![0; 99];
    let mut c = k.call();
    c.bind(x, &data[1..]).unwrap().bind(y, &data[..99]).unwrap().bind_mut("z", &mut z).unwrap().run().unwrap();
    assert!(z.iter().enumerate().all(|(k, z)| *z == 11 * k as i32 + 10));
    c.bind(x, &data[..99]).unwrap().bind(y, &data[..99]).unwrap().bind_mut("z", &mut z).unwrap().run().unwrap();
    assert!(z.iter().enumerate().all(|(k, z)| *z == 11 * k as i32));
}

/// A frame goes from layout to layout and size to size, with errors in between, and never takes what it had before.
#[test]
fn a_frame_forgets() {
    let mut b = Kernel::builder("k");
    let [n, m] = b.dims(["n", "m"]);
    let x = b.input::<f32>("x", [n, m]);
    b.output("y", (&x - x.mean_over(Axes::from(0).keepdims())).t());
    let k = b.build().unwrap();
    let mut c = k.call();
    for round in 0..3 {
        for (n, m) in [(2usize, 3usize), (3, 2), (7, 40), (1, 1), (0, 3), (40, 7)] {
            let data: Vec<f32> = (0..n * m).map(|k| (k * k % 17 + round) as f32).collect();
            for fortran in [false, true] {
                let strides = if fortran { [1, n as isize] } else { [m as isize, 1] };
                let x = ArrayRef::strided(&data, &[n, m], &strides, 0).unwrap();
                let mut y = vec![f32::NAN; n * m];
                assert!(c.bind("x", x.clone()).unwrap().run().is_err());
                let out = ArrayMut::strided(&mut y, &[m, n], &[n as isize, 1], 0).unwrap();
                c.bind("x", x).unwrap().bind_mut("y", out).unwrap().run().unwrap();
                let at = |i: usize, j: usize| data[i * strides[0] as usize + j * strides[1] as usize];
                for j in 0..m {
                    // Exact: small integers.
                    let mean = (0..n).map(|i| at(i, j)).sum::<f32>() / n as f32;
                    assert!((0..n).all(|i| y[j * n + i] == at(i, j) - mean), "{n} {m} {fortran}");
                }
            }
        }
    }
}

#[test]
fn several_at_once_share_what_they_have_in_common() {
    let data = [1.0f64, 2.0, 4.0];
    let x = &lazy(&data);
    let e = x.exp();
    let (mut a, mut b, mut c) = ([0.0f64; 3], [0.0f64; 3], [false; 3]);
    let outs = vec![(&mut a).into(), (&mut b).into(), (&mut c).into()];
    eval_all(&[(&e + 1.0).into(), (&e - 1.0).into(), e.gt(x * 3.0).into()], outs).unwrap();
    assert!((0..3).all(|k| (a[k] - 1.0 - (b[k] + 1.0)).abs() < 1e-12 && c[k] == (data[k].exp() > 3.0 * data[k])));
    assert_eq!(Scalar::from(c[0]), Scalar::Bool(false));
}

/// What is combined is the same at every index, and wider than what else the nest has.
#[test]
fn products_of_equal_values() {
    let data: Vec<i32> = (0..130i32).map(|k| k.wrapping_mul(1_037_389) | 1).collect();
    for backend in Backend::available() {
        for n in [1usize, 2, 3, 8, 9, 16, 31, 65, 130] {
            let (at, value) = (n / 2, i64::from(data[n / 2]));
            let mut b = Kernel::builder("products");
            b.backend(backend);
            let x = b.input::<i32>("x", [n]).slice(s![at as isize..at as isize + 1]);
            let repeated = x.slice(s![.., Slice::NewAxis]).broadcast([1, n]).cast::<i64>();
            b.output("y", (x.cast::<i64>() + repeated.prod_axis(Axis(1))).cast::<i32>());
            let mut y = [0];
            b.build().unwrap().call().bind("x", &data[..n]).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
            let want = (0..n).fold(1i64, |product, _| product.wrapping_mul(value)).wrapping_add(value);
            assert_eq!(y[0], want as i32, "{n} by {}", backend.name());
        }
    }
}
