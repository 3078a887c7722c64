//! Reproducible values to compute on.

use elide::{Complex, DType, Scalar};

/// Sebastiano Vigna's splitmix64 (<https://prng.di.unimi.it/splitmix64.c>).
pub struct SplitMix64(u64);

impl SplitMix64 {
    pub fn new(seed: u64) -> SplitMix64 {
        SplitMix64(seed)
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Floats in [0, 1) with all the bits that their type has there, complex numbers of two such, integers in 0..10, either `bool`.
    pub fn scalar(&mut self, dtype: DType) -> Scalar {
        if dtype.is_complex() {
            let [re, im] = [(); 2].map(|()| self.scalar(dtype.part()).to_f64());
            return Scalar::from(Complex::new(re, im)).cast(dtype);
        }
        let bits = self.next_u64();
        match dtype {
            DType::F32 => Scalar::F32((bits >> 40) as f32 / (1u64 << 24) as f32),
            DType::F64 => Scalar::F64((bits >> 11) as f64 / (1u64 << 53) as f64),
            DType::F16 => Scalar::F64((bits >> 53) as f64 / (1u64 << 11) as f64).cast(dtype),
            DType::BF16 => Scalar::F64((bits >> 56) as f64 / (1u64 << 8) as f64).cast(dtype),
            DType::Bool => Scalar::Bool(bits >> 63 != 0),
            _ => Scalar::I64((bits % 10) as i64).cast(dtype),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        let mut random = SplitMix64::new(1234567);
        let first: Vec<u64> = (0..5).map(|_| random.next_u64()).collect();
        let published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821];
        assert_eq!(first, published);
    }

    #[test]
    fn values_stay_in_their_ranges() {
        let mut random = SplitMix64::new(1);
        for &dtype in DType::ALL {
            let values: Vec<f64> =
                (0..1000).map(|_| random.scalar(dtype)).inspect(|s| assert_eq!(s.dtype(), dtype)).map(Scalar::to_f64).collect();
            let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), &x| (l.min(x), h.max(x)));
            match dtype {
                DType::Bool => assert_eq!((low, high), (0.0, 1.0)),
                _ if dtype.is_int() => assert_eq!((low, high), (0.0, 9.0)),
                _ => assert!((0.0..0.01).contains(&low) && (0.99..1.0).contains(&high), "{dtype} {low} {high}"),
            }
        }
    }
}
