//! Random numbers for tests: the same on every machine for one seed.

use crate::dtype::{DType, Scalar};

/// Vigna's splitmix64.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`, or 0 where `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.bits() % n as u64) as usize }
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: isize, high: isize) -> isize {
        low + self.below((high - low + 1) as usize) as isize
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of some values.
    ///
    /// # Panics
    /// If there are none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Where floats go wrong, besides the edges of the integers below.
const FLOATS: [f64; 20] = [
    0.0,
    -0.0,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    1.0,
    -1.0,
    0.5,
    -1.5,
    2.5,
    1e-40,   // subnormal as f32
    5e-324,  // the least f64
    -1e-310, // subnormal
    f64::MAX,
    f64::MIN_POSITIVE,
    f32::MAX as f64,
    16777217.0, // 2^24 + 1
    1e16,
    -745.2, // e to this power is the least f64
    1e22,
];

const INTEGERS: [i64; 21] = [
    0,
    1,
    -1,
    2,
    -2,
    7,
    8,
    15,
    16,
    31,
    32,
    63,
    64,
    127,
    255,
    -32768,
    i32::MAX as i64,
    i32::MIN as i64,
    i32::MIN as i64 - 1,
    i64::MAX,
    i64::MIN,
];

/// A value of type `dtype`: one time in four a special one, else a small number, a number of any size, or any bits.
pub fn random_scalar(rng: &mut Rng, dtype: DType) -> Scalar {
    if dtype == DType::Bool {
        return Scalar::Bool(rng.one_in(2));
    }
    match rng.below(8) {
        0 if dtype.is_float() => Scalar::F64(*rng.pick(&FLOATS)).cast(dtype),
        0 | 1 => Scalar::I64(*rng.pick(&INTEGERS)).cast(dtype),
        2 => Scalar::from_bits(dtype, rng.bits().into()),
        3 | 4 => Scalar::I64(rng.between(-9, 9) as i64).cast(dtype),
        _ if dtype.is_float() => random_float(rng, dtype),
        _ => Scalar::I64((rng.bits() as i64) >> rng.below(64)).cast(dtype),
    }
}

/// A float of uniform distribution in [-4, 4).
pub(super) fn random_float(rng: &mut Rng, dtype: DType) -> Scalar {
    Scalar::F64((rng.bits() >> 11) as f64 / (1u64 << 50) as f64 - 4.0).cast(dtype)
}
