//! Kernels of one expression by every backend, over layouts and values where operations go wrong, against the reference evaluator.

use std::fmt::Display;

use super::Placed;
use super::guard::Side;
use elide::testing::{Class, Place, Rng, Tensor, agree, input, interpret, random_scalar};
use elide::{ArrayMut, Axes, Backend, Call, DType, DynExpr, Kernel, Layout, ReduceOp, Scalar, Shape};

/// What surrounds the elements of an output.
const CANARY: u8 = 0xa5;

/// How the elements of an array lie, whatever its shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lie {
    C,
    Fortran,
    /// Every third element.
    Gaps,
    /// Records with a byte of something else, so that no element is aligned.
    Odd,
    Reversed,
    /// One element for all indices.
    Repeated,
}

fn place(lie: Lie, shape: &[usize], item: usize) -> Place {
    let rank = shape.len();
    let (unit, axes): (usize, Vec<usize>) = match lie {
        Lie::C | Lie::Reversed | Lie::Repeated => (item, (0..rank).rev().collect()),
        Lie::Fortran => (item, (0..rank).collect()),
        Lie::Gaps => (3 * item, (0..rank).rev().collect()),
        Lie::Odd => (item + 1, (0..rank).rev().collect()),
    };
    if lie == Lie::Repeated {
        return Place { strides: vec![0; rank], first: 0, bytes: if shape.contains(&0) { 0 } else { item }, swapped: false };
    }
    let mut strides = vec![0isize; rank];
    let (mut inside, mut reach) = (unit, item);
    for k in axes {
        strides[k] = inside as isize;
        reach += inside * shape[k].saturating_sub(1);
        inside *= shape[k].max(1);
    }
    let bytes = if shape.contains(&0) { 0 } else { reach };
    let mut first = 0;
    if lie == Lie::Reversed && bytes > 0 {
        first = bytes - item;
        strides.iter_mut().for_each(|s| *s = -*s);
    }
    Place { strides, first, bytes, swapped: false }
}

/// The values where operations go wrong, and a few harmless ones.
pub fn corners(dtype: DType) -> Vec<Scalar> {
    let int = |list: &[i64]| list.iter().map(|&x| Scalar::I64(x).cast(dtype)).collect();
    let float = |list: &[f64]| list.iter().map(|&x| Scalar::F64(x).cast(dtype)).collect();
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    match dtype {
        DType::Bool => vec![Scalar::Bool(false), Scalar::Bool(true)],
        DType::I8 => int(&[0, 1, -1, 2, -2, 3, 7, 8, -8, 15, 63, 64, 100, 126, 127, -127, -128]),
        DType::U8 => int(&[0, 1, 2, 3, 7, 8, 9, 15, 16, 100, 127, 128, 129, 200, 254, 255]),
        DType::I16 => int(&[0, 1, -1, 2, -2, 3, 7, 15, 16, 17, 127, 128, 255, 256, -300, 32766, 32767, -32767, -32768]),
        DType::U16 => int(&[0, 1, 2, 3, 7, 15, 16, 17, 127, 128, 255, 256, 300, 32767, 32768, 32769, 65534, 65535]),
        DType::I32 => {
            int(&[0, 1, -1, 2, -3, 7, 31, 32, 33, 65535, 65536, -65537, 46341, 1 << 30, 2147483646, 2147483647, -2147483647, -2147483648])
        }
        DType::U32 => int(&[
            0, 1, 2, 3, 7, 31, 32, 33, 65535, 65536, 16777217, 0x80000081, 2147483647, 2147483648, 4278190081, 4294967294, 4294967295,
        ]),
        DType::U64 => int(&[
            0,
            1,
            2,
            3,
            7,
            63,
            64,
            65,
            (1 << 24) + 1,
            1 << 31,
            1 << 32,
            (1 << 53) + 1,
            4294967295,
            i64::MAX,
            i64::MIN,
            i64::MIN + 1,
            i64::MIN + (1 << 10) + 1,
            -1,
            -2,
            -1 << 10,
            -1 << 39,
        ]),
        DType::I64 => int(&[
            0,
            1,
            -1,
            2,
            -3,
            7,
            31,
            63,
            64,
            65,
            1 << 31,
            -(1 << 31),
            1 << 32,
            (1 << 53) + 1,
            3037000500,
            i64::MAX,
            i64::MAX - 1,
            -i64::MAX,
            i64::MIN,
        ]),
        // Among them the ends of normal and subnormal numbers, and ties.
        DType::F16 => float(&[
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            -1.5,
            2.5,
            3.0,
            -7.0,
            0.1,
            5.96e-8,
            -5.96e-8,
            3e-6,
            6.097555e-5,
            6.103516e-5,
            2049.0,
            1024.5,
            -1025.0,
            11.1,
            -17.4,
            300.7,
            65504.0,
            -65504.0,
            65488.0,
            256.5,
            32768.0,
            inf,
            -inf,
            nan,
        ]),
        DType::BF16 => float(&[
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            -1.5,
            2.5,
            3.0,
            -7.0,
            0.1,
            1e-40,
            -1e-40,
            1.17549435e-38,
            257.0,
            128.5,
            88.8,
            -104.0,
            1e5,
            1e20,
            3.38e38,
            -3.38e38,
            300.7,
            65536.5,
            4e9,
            1e10,
            -9e9,
            9.2e18,
            1.85e19,
            inf,
            -inf,
            nan,
        ]),
        DType::F32 => float(&[
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            -1.5,
            2.5,
            3.0,
            -7.0,
            0.1,
            1e-45,
            -1e-45,
            1e-40,
            1.17549435e-38,
            16777217.0,
            8388607.5,
            -8388608.0,
            88.8,
            -104.0,
            1e5,
            1e20,
            3.4e38,
            -3.4e38,
            300.7,
            65536.5,
            4e9,
            1e10,
            -9e9,
            9.223372e18,
            1.8446743e19,
            1.8446744e19,
            inf,
            -inf,
            nan,
        ]),
        DType::F64 => float(&[
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            -1.5,
            2.5,
            3.0,
            -7.0,
            0.1,
            5e-324,
            -5e-324,
            1e-310,
            2.2250738585072014e-308,
            9007199254740993.0,
            4503599627370495.5,
            709.8,
            -745.2,
            1e22,
            1e300,
            f64::MAX,
            f64::MIN,
            300.7,
            4e9,
            1e10,
            -5e9,
            9223372036854775808.0,
            -9.3e18,
            1.844674407370955e19,
            1.9e19,
            inf,
            -inf,
            nan,
        ]),
        other => unreachable!("a new type: {other}"),
    }
}

/// `n` values: the corners in turn, then any.
pub fn values(rng: &mut Rng, dtype: DType, n: usize) -> Vec<Scalar> {
    let corners = corners(dtype);
    (0..n).map(|k| if k < corners.len() || rng.one_in(2) { corners[rng.below(corners.len())] } else { random_scalar(rng, dtype) }).collect()
}

/// Runs a call with inputs `x0`, `x1`, ... that lie as told, into an output `y` that lies as told.
fn run(call: &mut Call, given: &[(&Tensor, Lie)], dtype: DType, shape: &[usize], out: Lie, what: &dyn Display) -> Tensor {
    let placed: Vec<Placed> = given.iter().map(|(t, lie)| Placed::new(t, &place(*lie, &t.shape, t.dtype.size()), Side::After)).collect();
    let place = place(out, shape, dtype.size());
    let mut memory = vec![CANARY; place.bytes];
    let layout = Layout { shape: shape.into(), strides: place.strides[..].into() };
    let first = memory.as_mut_ptr().wrapping_add(place.first);
    // SAFETY: `place` keeps every element inside its `bytes` bytes, which `memory` has; nothing else uses it until the run is over.
    let y = unsafe { ArrayMut::from_raw(first, dtype, layout) }.unwrap();
    let mut binding = call.bind_mut("y", y).unwrap();
    let names = ["x0", "x1", "x2"];
    for (p, name) in placed.iter().zip(names) {
        binding = binding.bind(name, p.view()).unwrap();
    }
    binding.run().unwrap_or_else(|e| panic!("{what} {given:?}: {e}"));
    let got = place.load(dtype, shape, &memory);
    // Erase the elements: what is left must be as it was.
    let blank = Tensor::new(dtype, shape, vec![Scalar::zero(dtype); got.data.len()]).unwrap();
    place.store(&blank, &mut memory);
    let mut clean = vec![CANARY; place.bytes];
    place.store(&blank, &mut clean);
    assert!(memory == clean, "{what}: {out:?} output of shape {shape:?}: wrote between the elements");
    got
}

fn check(got: &Tensor, want: &Tensor, class: Class, what: &dyn Display) {
    if let Err(e) = agree(got, want, class) {
        panic!("{what}: {e}");
    }
}

/// A kernel by every backend that this machine can run.
pub struct Calls(Vec<(Backend, Call)>);

impl Calls {
    /// `y = f(x0, x1, ...)` of inputs of one shape; `None` where the front end does not define it.
    pub fn of<'a>(dtypes: &[DType], shape: &Shape, f: impl Fn(&[DynExpr<'static>]) -> DynExpr<'a>) -> Option<Calls> {
        let make = |backend| {
            let mut b = Kernel::builder("suite");
            let inputs: Vec<_> = dtypes.iter().enumerate().map(|(k, &d)| b.input_dyn(&format!("x{k}"), d, shape.clone(), false)).collect();
            let y = f(&inputs);
            y.check().ok()?;
            b.output("y", y).backend(backend);
            Some((backend, b.build().unwrap().call()))
        };
        Backend::available().into_iter().map(make).collect::<Option<_>>().map(Calls)
    }

    pub fn dtype(&self) -> DType {
        self.0[0].1.kernel().outputs()[0].dtype()
    }

    /// Runs and checks them all.
    pub fn judge(&mut self, given: &[(&Tensor, Lie)], want: &Tensor, out: Lie, class: Class, what: &dyn Display) {
        for (backend, call) in &mut self.0 {
            let what = format!("{what}, by {}", backend.name());
            let got = run(call, given, want.dtype, &want.shape, out, &what);
            check(&got, want, class, &what);
        }
    }
}

/// The expected values of an element-wise expression, by the reference evaluator.
pub fn expect<'a>(given: &[Tensor], f: impl Fn(&[DynExpr<'static>]) -> DynExpr<'a>) -> Tensor {
    let named: Vec<(String, Tensor)> = given.iter().enumerate().map(|(k, t)| (format!("x{k}"), t.clone())).collect();
    let inputs: Vec<_> = named.iter().map(|(name, t)| input(name, t.dtype, Shape::fixed(&t.shape))).collect();
    interpret(&[("y", f(&inputs))], &named).unwrap().remove(0)
}

pub fn vector(dtype: DType, data: &[Scalar]) -> Tensor {
    Tensor::new(dtype, &[data.len()], data.to_vec()).unwrap()
}

/// A reduction in the element type itself, where the run-time typed one widens integers first.
pub fn native(op: ReduceOp, x: &DynExpr<'static>, axes: Axes) -> Option<DynExpr<'static>> {
    op.result(x.dtype().computed_in())?;
    macro_rules! number {
        ($T:ty) => {{
            let x = x.typed::<$T>().unwrap();
            match op {
                ReduceOp::Sum => x.sum_over(axes).into(),
                ReduceOp::Prod => x.prod_over(axes).into(),
                _ => return Some(x.into_dyn().reduce(op, axes)),
            }
        }};
    }
    Some(match x.dtype() {
        DType::I8 => number!(i8),
        DType::U8 => number!(u8),
        DType::U16 => number!(u16),
        DType::U32 => number!(u32),
        DType::U64 => number!(u64),
        DType::I16 => number!(i16),
        DType::I32 => number!(i32),
        DType::I64 => number!(i64),
        _ => x.reduce(op, axes),
    })
}

/// What two results may differ in.
pub fn zero_sign(op: ReduceOp) -> Class {
    if matches!(op, ReduceOp::Min | ReduceOp::Max) { Class::ZeroSignOpen } else { Class::Exact }
}
