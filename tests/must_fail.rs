//! Every mistake that building, binding, running and evaluating report: its kind, its text, and the line of the user's that it
//! names. (Those of expressions themselves, shapes that do not broadcast and the like, are tested beside the front end.)

use std::panic::Location;

use elide::{
    Array, ArrayMut, ArrayRef, Axis, DType, Dim, DynExpr, Error, ErrorKind, Expr, Extent, Kernel, KernelBuilder, Result, Shape, Size,
    Stage, concatenate, eval_all, lazy, s,
};

/// The mistake in `result`, which must be of this kind and text.
#[track_caller]
fn mistake<T>(result: Result<T>, kind: ErrorKind, message: &str) -> Error {
    let Err(e) = result else { panic!("no error, but expected: {message}") };
    assert_eq!(e.message(), message);
    assert_eq!(e.kind(), kind, "{e}");
    e
}

/// As `mistake`, and it names the line of the caller.
#[track_caller]
fn mistake_here<T>(result: Result<T>, kind: ErrorKind, message: &str) -> Error {
    let e = mistake(result, kind, message);
    names(&e, Location::caller().line());
    e
}

#[track_caller]
fn names(e: &Error, line: u32) {
    let site = e.site().unwrap_or_else(|| panic!("no line in: {e}"));
    assert_eq!((site.file(), site.line()), (file!(), line), "{e}");
}

/// One line each, so that each mistake has a line of its own.
macro_rules! fails {
    ($kind:ident, $result:expr, $message:expr) => {
        mistake_here($result, ErrorKind::$kind, $message)
    };
}

/// Of memory that is described by hand: the error is returned on the spot, so it needs no line.
macro_rules! refuses {
    ($kind:ident, $result:expr, $message:expr) => {{
        let e = mistake($result, ErrorKind::$kind, $message);
        assert!(e.site().is_none(), "{e}");
    }};
}

fn builder() -> (KernelBuilder, Dim) {
    let b = Kernel::builder("k");
    let [n] = b.dims(["n"]);
    (b, n)
}

/// `z = 2 x + y` over `[n]`.
fn axpy() -> Kernel {
    let (mut b, n) = builder();
    let x = &b.input::<f64>("x", [&n]);
    let y = &b.input::<f64>("y", [&n]);
    b.output("z", 2.0 * x + y);
    b.build().unwrap()
}

#[test]
fn two_outputs_of_one_name() {
    let (mut b, n) = builder();
    let x = b.input::<f64>("x", [&n]);
    b.output("y", &x + 1.0);
    b.output("y", &x + 2.0);
    let line = line!() - 1;
    names(&mistake(b.build(), ErrorKind::Bind, "two outputs are named `y`"), line);
}

#[test]
fn two_inputs_of_one_name() {
    for (dtype, shape, message) in [
        (DType::F32, Shape::fixed(&[3]), "two different inputs are named `x`: f64[3] and f32[3]"),
        (DType::F64, Shape::fixed(&[4]), "two different inputs are named `x`: f64[3] and f64[4]"),
    ] {
        let (mut b, _) = builder();
        let x = b.input::<f64>("x", [3usize]);
        b.input_dyn("x", dtype, shape, false);
        let line = line!() - 1;
        b.output("y", x);
        names(&mistake(b.build(), ErrorKind::Bind, message), line);
    }
    // The same declaration twice is one input.
    let (mut b, n) = builder();
    let (x, again) = (b.input::<f64>("x", [&n]), b.input::<f64>("x", [&n]));
    b.output("y", x + again);
    assert_eq!(b.build().unwrap().inputs().len(), 1);
}

#[test]
fn two_inputs_of_one_name_in_either_byte_order() {
    let (mut b, _) = builder();
    let x = b.input_dyn("x", DType::F64, Shape::fixed(&[3]), false);
    let y = b.input_dyn("x", DType::F64, Shape::fixed(&[3]), true);
    let line = line!() - 1;
    b.output("y", x + y);
    let message = "two different inputs are named `x`: f64[3] and f64[3] with swapped bytes";
    names(&mistake(b.build(), ErrorKind::Bind, message), line);
}

#[test]
fn borrowed_data_in_a_kernel() {
    let data = [1.0, 2.0, 3.0];
    let (mut b, _) = builder();
    let x = b.input::<f64>("x", [3usize]);
    let d = lazy(&data);
    let line = line!() - 1;
    b.output("y", x + d);
    let e = mistake(b.build(), ErrorKind::Bind, "a kernel's expression reads borrowed data");
    names(&e, line);
    assert_eq!(e.advice(), Some("declare an input and bind the data to it, or call `eval` on the expression"));
}

#[test]
fn a_mistake_in_an_expression_comes_out_of_build() {
    let (mut b, n) = builder();
    let x = b.input::<f64>("x", [&n]);
    let bad = x.sum_axis(Axis(1));
    let line = line!() - 1;
    b.output("y", bad.sqrt() + 1.0);
    let message = "sum of f64[n]: axis 1 is out of bounds for an array of 1 dimensions";
    names(&mistake(b.build(), ErrorKind::Shape, message), line);
}

#[test]
fn outputs_past_the_address_space() {
    let (mut b, _) = builder();
    let x = b.input::<f64>("x", [1usize << 61]);
    b.output("y", x + 1.0);
    let line = line!() - 1;
    let message = "output `y` of shape [2305843009213693952] is too large";
    names(&mistake(b.build(), ErrorKind::Shape, message), line);
}

#[test]
#[rustfmt::skip]
fn binding() {
    let k = axpy();
    let mut c = k.call();
    let (f32s, mut i64s, square) = ([1f32; 3], [1i64; 3], Array::<f64>::zeros(&[3, 3]).unwrap());
    let e = fails!(Bind, c.bind("w", &[1.0]), "kernel `k` has no input named `w`");
    assert_eq!(e.advice(), Some("its inputs are: x, y"));
    let e = fails!(Bind, c.bind("z", &[1.0]), "kernel `k` has no input named `z`");
    assert_eq!(e.advice(), Some("`z` is an output: use `bind_mut`"));
    let e = fails!(Bind, c.bind_mut("w", &mut [1.0]), "kernel `k` has no output named `w`");
    assert_eq!(e.advice(), Some("its outputs are: z"));
    let e = fails!(Bind, c.bind_mut("x", &mut [1.0]), "kernel `k` has no output named `x`");
    assert_eq!(e.advice(), Some("`x` is an input: use `bind`"));
    let not_an_input = Expr::<f64>::scalar(1.0);
    fails!(Bind, c.bind(&not_an_input, &[1.0]), "an array can be bound to a name or an input, not to another expression");
    fails!(Bind, c.bind("x", &f32s), "`x` is f64[n], but the array has elements of type f32");
    fails!(Bind, c.bind_mut("z", &mut i64s), "`z` is f64[n], but the array has elements of type i64");
    fails!(Bind, c.bind("x", &square), "`x` is f64[n], but the array has shape [3, 3]");
    let bytes = [0u8; 24];
    let swapped = ArrayRef::from_bytes(&bytes, DType::F64, &[3], false, true).unwrap();
    fails!(Bind, c.bind("x", swapped), "input `x` takes native byte order, but the array has swapped");
}

#[test]
fn a_swapped_input_takes_swapped_bytes() {
    let (mut b, _) = builder();
    let x = b.input_dyn("x", DType::I32, Shape::fixed(&[2]), true);
    b.output("y", x + 1);
    let k = b.build().unwrap();
    fails!(Bind, k.call().bind("x", &[1i32, 2]), "input `x` takes swapped byte order, but the array has native");
}

#[test]
#[rustfmt::skip]
fn running() {
    let k = axpy();
    let mut c = k.call();
    let (x3, x4) = ([1.0; 3], [1.0; 4]);
    let (mut z3, mut z4) = ([0.0; 3], [0.0; 4]);
    fails!(Bind, c.start().run(), "input `x` (f64[n]) of kernel `k` is not bound");
    fails!(Bind, c.bind("x", &x3).unwrap().run(), "input `y` (f64[n]) of kernel `k` is not bound");
    fails!(Bind, c.bind("x", &x3).unwrap().bind("y", &x3).unwrap().run(), "output `z` (f64[n]) of kernel `k` is not bound");
    let message = "`y` is f64[n] (n = 3), but the array has shape [4]: axis 0 is 4, not 3";
    fails!(Bind, c.bind("x", &x3).unwrap().bind("y", &x4).unwrap().bind_mut("z", &mut z3).unwrap().run(), message);
    let message = "`z` is f64[n] (n = 3), but the array has shape [4]: axis 0 is 4, not 3";
    fails!(Bind, c.bind("x", &x3).unwrap().bind("y", &x3).unwrap().bind_mut("z", &mut z4).unwrap().run(), message);
    // After all that the frame still works, and forgets what was bound before.
    c.bind("x", &x3).unwrap().bind("y", &x3).unwrap().bind_mut("z", &mut z3).unwrap().run().unwrap();
    assert_eq!(z3, [3.0; 3]);
    fails!(Bind, c.bind("y", &x3).unwrap().run(), "input `x` (f64[n]) of kernel `k` is not bound");
}

#[test]
fn dims_that_stretch_nothing() {
    // A named dim of 1 does not stretch, whatever else it meets.
    let k = axpy();
    let mut z = [0.0; 3];
    let mut c = k.call();
    let mut binding = c.bind("x", &[1.0; 1]).unwrap().bind("y", &[1.0; 3]).unwrap().bind_mut("z", &mut z).unwrap();
    fails!(Bind, binding.run(), "`y` is f64[n] (n = 1), but the array has shape [3]: axis 0 is 3, not 1");
}

#[test]
fn fixed_extents() {
    let (mut b, _) = builder();
    let x = b.input::<f64>("x", [3usize, 4]);
    b.output("y", x.sum_axis(1));
    let k = b.build().unwrap();
    let (a, mut y) = (Array::<f64>::zeros(&[3, 5]).unwrap(), [0.0; 3]);
    let mut c = k.call();
    let mut binding = c.bind("x", &a).unwrap().bind_mut("y", &mut y).unwrap();
    fails!(Bind, binding.run(), "`x` is f64[3,4], but the array has shape [3, 5]: axis 1 is 5, not 4");
}

#[test]
fn a_dim_of_no_input() {
    let message = "dim n is the extent of no input, so nothing tells its value";
    let (mut b, n) = builder();
    let x = b.input::<f64>("x", [1usize]);
    let y = x.broadcast([&n]);
    let line = line!() - 1;
    b.output("y", y);
    names(&mistake(b.build(), ErrorKind::Bind, message), line);
    // No extent of an input or output, but the number of repetitions that are summed.
    let (mut b, n) = builder();
    let x = b.input::<f64>("x", [1usize]);
    let y = x.broadcast([&n]).sum();
    let line = line!() - 1;
    b.output("y", y);
    names(&mistake(b.build(), ErrorKind::Bind, message), line);
    // Only in arithmetic.
    let (mut b, _) = builder();
    let twice: Shape = [Size::named("n").scale(2)].into_iter().collect();
    let x = b.input_dyn("x", DType::F64, twice, false);
    let line = line!() - 1;
    b.output("y", x.sum());
    names(&mistake(b.build(), ErrorKind::Bind, message), line);
}

#[test]
fn an_index_beyond_a_named_dim() {
    let (mut b, n) = builder();
    let x = b.input::<f64>("x", [&n]);
    let fifth = x.slice(s![5]);
    let line = line!() - 1;
    b.output("y", fifth);
    let k = b.build().unwrap();
    let mut c = k.call();
    let mut y = Array::<f64>::zeros(&[]).unwrap();
    let e = c.bind("x", &[1.0; 3]).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap_err();
    names(&mistake(Err::<(), _>(e), ErrorKind::Shape, "index 5 is out of bounds for an axis of size 3 (n)"), line);
    c.bind("x", &[1.0; 6]).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
}

/// An index past the end of a slice is out of bounds even where the array goes on.
#[test]
fn an_index_beyond_a_slice_of_a_named_dim() {
    for (index, bad, good, message) in [
        (-3, 4, 5, "index -3 is out of bounds for an axis of size 2 (max(n - 2, 0))"),
        (2, 4, 5, "index 2 is out of bounds for an axis of size 2 (max(n - 2, 0))"),
        (-1, 2, 3, "index -1 is out of bounds for an axis of size 0 (max(n - 2, 0))"),
    ] {
        let (mut b, n) = builder();
        let x = b.input::<f64>("x", [&n]);
        b.output("y", x.slice(s![1..-1]).slice([elide::Slice::Index(index)]));
        let k = b.build().unwrap();
        let mut c = k.call();
        let mut y = Array::<f64>::zeros(&[]).unwrap();
        let e = c.bind("x", &vec![1.0; bad]).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap_err();
        mistake(Err::<(), _>(e), ErrorKind::Shape, message);
        c.bind("x", &vec![1.0; good]).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
    }
}

#[test]
fn halves_that_are_not_equal() {
    let (mut b, n) = builder();
    let x = b.input::<f64>("x", [&n]);
    let sum = x.slice(s![..;2]) + x.slice(s![1..;2]);
    let line = line!() - 1;
    b.output("y", sum);
    let k = b.build().unwrap();
    let mut c = k.call();
    let mut y = [0.0; 2];
    c.bind("x", &[1.0, 2.0, 3.0, 4.0]).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
    assert_eq!(y, [3.0, 7.0]);
    let e = c.bind("x", &[1.0; 5]).unwrap().bind_mut("y", &mut [0.0; 3]).unwrap().run().unwrap_err();
    assert_eq!(e.message(), "shapes do not agree: floor((max(n - 1, 0) + 1)/2) is 2, but floor((n + 1)/2) is 3");
    assert_eq!(e.kind(), ErrorKind::Shape);
    names(&e, line);
}

#[test]
fn the_least_of_nothing() {
    let (mut b, n) = builder();
    let x = b.input::<f64>("x", [&n]);
    b.output("y", x.min());
    let k = b.build().unwrap();
    let mut c = k.call();
    let mut y = Array::<f64>::zeros(&[]).unwrap();
    let nothing: [f64; 0] = [];
    let mut binding = c.bind("x", &nothing).unwrap().bind_mut("y", &mut y).unwrap();
    fails!(Shape, binding.run(), "min of an array with no elements to reduce, which has no answer");
}

/// The answer does not exist, whether or not there is room for it: NumPy refuses by the reduced extents alone.
#[test]
fn the_least_of_nothing_into_nothing() {
    let b = &mut Kernel::builder("k");
    let [n, m] = b.dims(["n", "m"]);
    let x = b.input::<f64>("x", [n, m]);
    b.output("y", x.max_axis(0));
    let k = std::mem::replace(b, Kernel::builder("")).build().unwrap();
    let mut c = k.call();
    let (x, mut y) = (Array::<f64>::zeros(&[0, 0]).unwrap(), Array::<f64>::zeros(&[0]).unwrap());
    let mut binding = c.bind("x", &x).unwrap().bind_mut("y", &mut y).unwrap();
    fails!(Shape, binding.run(), "max of an array with no elements to reduce, which has no answer");
}

#[test]
fn sizes_that_overflow_when_bound() {
    let (mut b, n) = builder();
    let x = b.input::<u8>("x", [&n]);
    b.output("y", (x.insert_axis(1) + &x).sum());
    let k = b.build().unwrap();
    let mut c = k.call();
    let mut y = Array::<u8>::zeros(&[]).unwrap();
    let one = [1u8];
    let huge = ArrayRef::strided(&one, &[1 << 62], &[0], 0).unwrap();
    let mut binding = c.bind("x", huge).unwrap().bind_mut("y", &mut y).unwrap();
    fails!(Bind, binding.run(), "the size n*n overflows");
}

#[test]
fn temporaries_that_do_not_fit_in_memory() {
    let (mut b, n) = builder();
    let x = b.input::<f64>("x", [&n]);
    let total = x.exp().insert_axis(1).broadcast([&n, &n]).sum_axis(0);
    b.output("y", (&total / total.sum()).max());
    let k = b.build().unwrap();
    let mut c = k.call();
    let mut y = Array::<f64>::zeros(&[]).unwrap();
    let one = [1.0];
    let huge = ArrayRef::strided(&one, &[1 << 58], &[0], 0).unwrap();
    let mut binding = c.bind("x", huge).unwrap().bind_mut("y", &mut y).unwrap();
    fails!(Bind, binding.run(), "no memory for a temporary of 2305843009213693952 bytes");
}

#[test]
#[rustfmt::skip]
fn evaluating() {
    let (a, b) = ([1.0, 2.0, 3.0], [1i32, 2, 3]);
    let (x, i) = (lazy(&a), lazy(&b));
    fails!(Shape, x.eval::<f64>(), "a result of shape [3] is not one f64");
    fails!(Shape, x.eval::<ndarray::Array2<f64>>(), "a result of shape [3] is not an array of 2 axes");
    fails!(Shape, x.sum().eval::<ndarray::Array1<f64>>(), "a result of shape [] is not an array of 1 axes");
    fails!(Bind, x.eval_into(&mut [0.0; 2]), "`result` is f64[3], but the array has shape [2]: axis 0 is 2, not 3");
    fails!(Bind, x.eval_into(&mut Array::<f64>::zeros(&[3, 1]).unwrap()), "`result` is f64[3], but the array has shape [3, 1]");
    fails!(Bind, x.eval_into(&mut [0f32; 3]), "`result` is f64[3], but the array has elements of type f32");
    fails!(Bind, i.into_dyn().eval_into(&mut [0i64; 3]), "`result` is i32[3], but the array has elements of type i64");
    let exprs: [DynExpr<'_>; 2] = [x.clone().into(), (&x + 1.0).into()];
    fails!(Bind, eval_all(&exprs, vec![]), "2 expressions but 0 arrays");
    let (mut y, mut z) = ([0.0; 3], [0.0; 4]);
    let e = fails!(Bind, eval_all(&exprs, vec![(&mut y).into(), (&mut z).into()]), "`result 1` is f64[3], but the array has shape [4]: axis 0 is 4, not 3");
    assert!(e.advice().is_none());
}

#[test]
fn evaluating_without_data() {
    let (mut b, n) = builder();
    let x = b.input::<f64>("x", [3usize]);
    let line = line!() - 1;
    let e = mistake((&x + 1.0).eval::<Vec<f64>>(), ErrorKind::Bind, "input `x` has no data");
    names(&e, line);
    assert_eq!(e.advice(), Some("build a kernel from the expression and bind an array to the input"));
    let y = b.input::<f64>("y", [&n]);
    let line = line!() - 1;
    names(&mistake((&y + 1.0).eval::<Vec<f64>>(), ErrorKind::Bind, "input `y` has no data"), line);
    names(&mistake(y.eval_into(&mut [0.0; 3]), ErrorKind::Bind, "input `y` has no data"), line);
}

#[test]
fn evaluating_a_mistake() {
    let a = [1.0, 2.0, 3.0];
    let x = lazy(&a);
    let bad = x.slice(s![3]);
    let line = line!() - 1;
    let message = "slice of f64[3]: index 3 is out of bounds for axis 0 with size 3";
    names(&mistake(bad.eval::<f64>(), ErrorKind::Shape, message), line);
    names(&mistake(bad.eval_into(&mut [0.0]), ErrorKind::Shape, message), line);
    names(&mistake(eval_all(&[bad.clone().into()], vec![ArrayMut::from(&mut [0.0])]), ErrorKind::Shape, message), line);
}

/// Sizes computed from dims, and extents of empty arrays, that would be negative as loop bounds.
#[test]
fn extents_below_zero() {
    assert_eq!(Array::<f64>::new(&[0, usize::MAX], vec![]).unwrap_err().kind(), ErrorKind::Layout);
    assert_eq!(ArrayRef::strided::<f64>(&[], &[0, usize::MAX], &[1, 1], 0).unwrap_err().kind(), ErrorKind::Layout);
    let negative = || Size::named("q").sub(&Size::from(5usize));
    for (program, shape) in [("reshape", [0, 2]), ("broadcast", [3, 2]), ("square", [3, 2])] {
        let mut b = Kernel::builder(program);
        let x = &b.input::<f64>("x", b.dims(["p", "q"]));
        let y = match program {
            "reshape" => x.reshape([negative().into(), Extent::from(Size::named("p"))]).sum_axis(Axis(1)).sum(),
            "broadcast" => x.sum().broadcast([Extent::from(negative())]).sum(),
            // Merged into one loop, the extents would be positive.
            _ => x.sum().broadcast([Extent::from(negative()), negative().into()]).sum(),
        };
        b.output("y", y);
        let kernel = b.build().unwrap();
        let data = Array::<f64>::zeros(&shape).unwrap();
        let mut y = Array::<f64>::zeros(&[]).unwrap();
        let run = kernel.call().bind(x, &data).unwrap().bind_mut("y", &mut y).unwrap().run();
        mistake(run, ErrorKind::Shape, "the extent q - 5 turns out to be -3, below zero");
    }
}

/// A broadcast repeats one element without end; a sum over it must not wrap around to a sum of nothing.
#[test]
fn loops_past_64_bits() {
    let mut b = Kernel::builder("pairs");
    let [n] = b.dims(["n"]);
    let x = &b.input::<f64>("x", [n]);
    b.output("y", (x.insert_axis(Axis(0)) + x.insert_axis(Axis(1))).sum());
    let kernel = b.build().unwrap();
    let (one, mut y) = ([1.0], [0.0]);
    let endless = ArrayRef::strided(&one, &[1 << 32], &[0], 0).unwrap();
    let y = ArrayMut::strided(&mut y, &[], &[], 0).unwrap();
    let mut call = kernel.call();
    let mut bound = call.bind(x, endless).unwrap().bind_mut("y", y).unwrap();
    fails!(Bind, bound.run(), "the size n*n overflows");
}

#[test]
fn an_extent_that_doubles_in_length_with_every_line() {
    let mut b = Kernel::builder("longer");
    let [n] = b.dims(["n"]);
    let mut x = b.input::<f64>("x", [n]);
    for _ in 0..60 {
        x = concatenate(&[x.slice(s![3..]), x.slice(s![-2..])], 0);
    }
    b.output("y", x);
    let e = mistake(b.build().map(|_| ()), ErrorKind::Shape, "an extent of this array is a formula over n of more than 2000 terms");
    assert_eq!(e.advice(), Some("declare n as numbers, or slice such that each extent is used once"));
    assert!(e.to_string().contains("must_fail.rs"), "{e}");
}

#[test]
fn results_past_memory_and_the_address_space() {
    let a = [1.0];
    let x = lazy(&a);
    let huge = x.broadcast([1usize << 58]);
    fails!(Bind, huge.eval::<Vec<f64>>(), "no memory for a result of 2305843009213693952 bytes");
    let larger = x.broadcast([1usize << 61]);
    fails!(Layout, larger.eval::<Vec<f64>>(), "an array of shape [2305843009213693952] with strides [8] does not fit in the address space");
}

#[test]
#[rustfmt::skip]
fn memory_that_is_described_wrongly() {
    let (a, mut b) = ([0.0; 10], [0.0; 10]);
    refuses!(Layout, ArrayRef::strided(&a, &[4], &[3], 1), "shape [4] with strides [3] from element 1 reaches outside the 10 elements given");
    refuses!(Layout, ArrayMut::strided(&mut b, &[4], &[3], 1), "shape [4] with strides [3] from element 1 reaches outside the 10 elements given");
    assert!(ArrayRef::strided(&a, &[4], &[3], 0).is_ok());
    refuses!(Layout, ArrayRef::strided(&a, &[3], &[-1], 1), "shape [3] with strides [-1] from element 1 reaches outside the 10 elements given");
    refuses!(Layout, ArrayRef::strided(&a, &[3, 3], &[1], 0), "2 extents but 1 strides");
    refuses!(Layout, ArrayRef::strided(&a, &[2], &[isize::MAX], 0), "an array of shape [2] with strides [9223372036854775807] does not fit in the address space");
    refuses!(Layout, ArrayMut::strided(&mut b, &[3], &[0], 0), "cannot write through shape [3] with strides [0]: two indices may reach the same element");
    refuses!(Layout, ArrayMut::strided(&mut b, &[3, 3], &[2, 1], 0), "cannot write through shape [3, 3] with strides [2, 1]: two indices may reach the same element");
    refuses!(Layout, ArrayRef::from_bytes(&[0u8; 7], DType::I64, &[1], false, false), "an array of i64 of shape [1] takes 8 bytes, but there are 7");
    refuses!(Layout, ArrayMut::from_bytes(&mut [0u8; 7], DType::I64, &[1]), "an array of i64 of shape [1] takes 8 bytes, but there are 7");
    refuses!(Shape, Array::new(&[2, 2], vec![1.0; 3]), "3 elements do not fill shape [2, 2]");
    refuses!(Layout, Array::<f64>::zeros(&[1 << 40, 1 << 40]), "an array of shape [1099511627776, 1099511627776] with strides [8796093022208, 8] does not fit in the address space");
}

#[test]
fn types_and_stages() {
    let a = [1.0];
    let e =
        mistake_here(lazy(&a).into_dyn().typed::<i32>().map(|_| ()), ErrorKind::DType, "the elements of this expression are f64, not i32");
    assert_eq!(e.advice(), Some("convert them first: `.astype(DType::I32)`"));
    let e = mistake("loops".parse::<Stage>(), ErrorKind::Name, "there is no stage `loops`");
    assert_eq!(e.advice(), Some("the stages are: graph, optimized, schedule, kernel, clif, asm"));
}
