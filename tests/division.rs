//! Divisions by what many elements share have the bits of the machine's own, which is what they are held to: by every backend, for
//! divisors of rows and of columns and for constants; for quotients nearly half way between two numbers, too large, too small and subnormal.

use elide::testing::Rng;
use elide::{ArrayMut, ArrayRef, Axis, Backend, Expr, Kernel, KernelBuilder, Requirement};

/// Long enough for blocks of several vectors, and a rest.
const ROWS: usize = 150;
const COLUMNS: usize = 203;

/// What the tests do with floats of a type.
trait Float: elide::Float + std::ops::Div<Output = Self> {
    const DIGITS: u32;
    const BITS: u32;
    fn make(bits: u64) -> Self;
    fn same(self, other: Self) -> bool;
    /// `y * (q + 1/2 of its last place)`, rounded.
    fn nearly_half_way(y: Self, q: Self) -> Self;
}

macro_rules! float {
    ($F:ident, $U:ident, $digits:literal) => {
        impl Float for $F {
            const DIGITS: u32 = $digits;
            const BITS: u32 = $U::BITS;
            fn make(bits: u64) -> $F {
                $F::from_bits(bits as $U)
            }
            fn same(self, other: $F) -> bool {
                self.to_bits() == other.to_bits() || self.is_nan() && other.is_nan()
            }
            fn nearly_half_way(y: $F, q: $F) -> $F {
                let half = ($F::from_bits(q.to_bits() + 1) - q) / 2.0;
                y.mul_add(q, y * half)
            }
        }
    };
}
float!(f32, u32, 23);
float!(f64, u64, 52);

/// A number whose digits are all zeros, all ones, few or random, of a magnitude that is usual, or of any.
fn number<T: Float>(rng: &mut Rng, usual: bool) -> T {
    let digits = (1u64 << T::DIGITS) - 1;
    let digits = match rng.below(6) {
        0 => 0,
        1 => digits,
        2 => digits ^ (1 << rng.below(T::DIGITS as usize)),
        3 => 1 << rng.below(T::DIGITS as usize),
        _ => rng.bits() & digits,
    };
    let bias = (1u64 << (T::BITS - T::DIGITS - 2)) - 1;
    let exponent = match (usual, rng.below(4)) {
        (true, _) => bias + rng.below(20) as u64 - 10,
        // From subnormal to infinite.
        (false, 0) => *rng.pick(&[0, 0, 1, 2, 2 * bias, 2 * bias + 1]),
        (false, _) => rng.below(2 * bias as usize + 1) as u64,
    };
    T::make((rng.bits() & 1) << (T::BITS - 1) | exponent << T::DIGITS | digits)
}

/// What is divided by `y`.
fn dividend<T: Float>(rng: &mut Rng, y: T, usual: bool) -> T {
    let zero = T::make(0);
    match rng.below(8) {
        0 if !usual => T::make(*rng.pick(&[0, 1, 2, (1 << T::DIGITS) - 1, 1 << T::DIGITS])),
        0 => T::make((rng.bits() & 1) << (T::BITS - 1)),
        1..=4 => {
            let q = number(rng, true);
            let x = T::nearly_half_way(y, q);
            if x == zero { q } else { x }
        }
        _ => number(rng, usual),
    }
}

fn divide<T: Float>(backend: Backend, declare: impl Fn(&mut KernelBuilder), x: &[T], others: &[(&str, ArrayRef<'_>)]) -> Vec<T> {
    let mut b = Kernel::builder("quotients");
    declare(&mut b);
    b.backend(backend);
    let kernel = b.build().unwrap();
    let mut z = vec![x[0]; x.len()];
    let shape = [x.len() / COLUMNS, COLUMNS];
    let mut call = kernel.call();
    let mut call = call.bind("x", ArrayRef::strided(x, &shape, &[COLUMNS as isize, 1], 0).unwrap()).unwrap();
    for (name, array) in others {
        call = call.bind(*name, array.clone()).unwrap();
    }
    call.bind_mut("z", ArrayMut::strided(&mut z, &shape, &[COLUMNS as isize, 1], 0).unwrap()).unwrap().run().unwrap();
    z
}

fn check<T: Float>(seed: u64) {
    let mut rng = Rng::new(seed);
    for usual in [true, false] {
        // A divisor of each row; then of each column, which is the greatest of a column of numbers that are all alike.
        let ys: Vec<T> = (0..ROWS).map(|_| number(&mut rng, usual)).collect();
        let x: Vec<T> = ys.iter().flat_map(|y| [*y; COLUMNS]).map(|y| dividend(&mut rng, y, usual)).collect();
        let of_columns: Vec<T> = (0..COLUMNS).map(|_| number(&mut rng, usual)).collect();
        let by_columns: Vec<T> = (0..ROWS).flat_map(|_| of_columns.clone()).map(|y| dividend(&mut rng, y, usual)).collect();
        let twice = [of_columns.clone(), of_columns.clone()].concat();
        for backend in Backend::available() {
            let rows = |b: &mut KernelBuilder| {
                let [n, m] = b.dims(["n", "m"]);
                let (x, y) = (b.input::<T>("x", [&n, &m]), b.input::<T>("y", [&n]));
                b.output("z", x / y.insert_axis(Axis(1)));
            };
            let z = divide(backend, rows, &x, &[("y", ArrayRef::from(&ys))]);
            for (k, (z, x)) in z.iter().zip(&x).enumerate() {
                let y = ys[k / COLUMNS];
                assert!(z.same(*x / y), "{backend:?}: {x:?} / {y:?} is {:?}, not {z:?}", *x / y);
            }
            let columns = |b: &mut KernelBuilder| {
                let [n, m, k] = b.dims(["n", "m", "k"]);
                let (x, y) = (b.input::<T>("x", [&n, &m]), b.input::<T>("y", [&k, &m]));
                b.output("z", x / y.max_over(Axis(0)));
            };
            let y = ArrayRef::strided(&twice, &[2, COLUMNS], &[COLUMNS as isize, 1], 0).unwrap();
            let z = divide(backend, columns, &by_columns, &[("y", y)]);
            for (k, (z, x)) in z.iter().zip(&by_columns).enumerate() {
                let y = of_columns[k % COLUMNS];
                assert!(z.same(*x / y), "{backend:?}: {x:?} / {y:?} is {:?}, not {z:?}", *x / y);
            }
        }
    }
    for _ in 0..40 {
        let y: T = number(&mut rng, false);
        let x: Vec<T> = (0..2 * COLUMNS).map(|_| dividend(&mut rng, y, false)).collect();
        for backend in Backend::available() {
            let constant = |b: &mut KernelBuilder| {
                let [n, m] = b.dims(["n", "m"]);
                let x = b.input::<T>("x", [&n, &m]);
                b.output("z", x / Expr::scalar(y));
            };
            for (z, x) in divide(backend, constant, &x, &[]).iter().zip(&x) {
                assert!(z.same(*x / y), "{backend:?}: {x:?} / {y:?} is {:?}, not {z:?}", *x / y);
            }
        }
    }
}

#[test]
fn of_f64() {
    check::<f64>(1);
}

#[test]
fn of_f32() {
    check::<f32>(2);
}

/// A requirement that leaves no room for reciprocals has the division, and the same results.
#[test]
fn reciprocals_give_way_to_what_is_required_of_memory() {
    let build = |bound: usize| {
        let mut b = Kernel::builder("bounded");
        let (x, y) = (b.input::<f64>("x", [300, 200]), b.input::<f64>("y", [9, 200]));
        b.output("z", x / y.max_over(Axis(0))).require(Requirement::peak_bytes(bound));
        b.build()
    };
    let (with, without) = (build(3200).unwrap(), build(1600).unwrap());
    let scratch = |k: &Kernel| k.explain().unwrap().scratch_bytes().to_string();
    assert_eq!([scratch(&with), scratch(&without)], ["3200", "1600"]);
    assert!(build(800).is_err());
    let x: Vec<f64> = (1..=60_000).map(f64::from).collect();
    let y: Vec<f64> = (1..=1800).map(|k| 1.0 / f64::from(k)).collect();
    let run = |kernel: &Kernel| {
        let mut z = vec![0.0; x.len()];
        let mut call = kernel.call();
        let call = call.bind("x", ArrayRef::strided(&x, &[300, 200], &[200, 1], 0).unwrap()).unwrap();
        let call = call.bind("y", ArrayRef::strided(&y, &[9, 200], &[200, 1], 0).unwrap()).unwrap();
        call.bind_mut("z", ArrayMut::strided(&mut z, &[300, 200], &[200, 1], 0).unwrap()).unwrap().run().unwrap();
        z
    };
    assert_eq!(run(&with), run(&without));
}
