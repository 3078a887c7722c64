//! Whether two results agree, by the classes of `docs/semantics.md`.

use crate::dtype::Scalar;
use crate::interp::Tensor;

/// What two results owe each other. NaN always equals NaN, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Equal bits.
    Exact,
    /// Equal bits, but zeros of either sign are equal: the sign of a `min` or `max` flows into the result.
    ZeroSignOpen,
    /// Floats at most this many representable values apart; zeros of unlike sign differ. Everything else: equal bits.
    Ulp(u64),
}

/// Whether `got` is as good as `want`.
///
/// # Errors
/// Says how many elements differ, and which is the first.
pub fn agree(got: &Tensor, want: &Tensor, class: Class) -> Result<(), String> {
    if (got.dtype, &got.shape) != (want.dtype, &want.shape) {
        return Err(format!("got {}{:?}, want {}{:?}", got.dtype, got.shape, want.dtype, want.shape));
    }
    if got.data.len() != want.data.len() {
        return Err(format!("got {} elements, want {}", got.data.len(), want.data.len()));
    }
    let differ: Vec<usize> = (0..want.data.len()).filter(|&k| !element_agrees(got.data[k], want.data[k], class)).collect();
    let Some(&k) = differ.first() else { return Ok(()) };
    let (g, w) = (got.data[k], want.data[k]);
    Err(format!(
        "{} of {} elements of {}{:?} differ ({class:?}); first at {:?}: got {g} ({:#x}), want {w} ({:#x})",
        differ.len(),
        want.data.len(),
        want.dtype,
        want.shape,
        index_of(k, &want.shape),
        g.bits(),
        w.bits()
    ))
}

fn index_of(mut k: usize, shape: &[usize]) -> Vec<usize> {
    let mut index: Vec<usize> = shape.iter().rev().map(|&n| (k % n, k /= n).0).collect();
    index.reverse();
    index
}

fn element_agrees(got: Scalar, want: Scalar, class: Class) -> bool {
    if got == want || got.is_nan() || want.is_nan() {
        return got == want;
    }
    let zeros = got.to_f64() == 0.0 && want.to_f64() == 0.0;
    match class {
        Class::Exact => false,
        Class::ZeroSignOpen => zeros && got.dtype().is_float(),
        Class::Ulp(limit) => !zeros && got.dtype().is_float() && rank(got).abs_diff(rank(want)) <= limit,
    }
}

/// The number of a float among all floats of its type, in order, 0 for both zeros.
fn rank(x: Scalar) -> i64 {
    let (magnitude, negative) = match x {
        Scalar::F32(x) => (i64::from(x.abs().to_bits()), x.is_sign_negative()),
        x if x.dtype().is_half() => (x.bits() as i64 & 0x7fff, x.to_f64().is_sign_negative()),
        _ => (x.to_f64().abs().to_bits() as i64, x.to_f64().is_sign_negative()),
    };
    if negative { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(x: impl Into<Scalar>) -> Tensor {
        let x = x.into();
        Tensor::new(x.dtype(), &[1], vec![x]).unwrap()
    }

    fn ok<T: Into<Scalar>>(a: T, b: T, class: Class) -> bool {
        agree(&one(a), &one(b), class).is_ok()
    }

    #[test]
    fn exact_is_bits_and_nan() {
        assert!(ok(f64::NAN, f64::from_bits(0xfff8_0000_0000_0007), Class::Exact));
        assert!(!ok(f64::NAN, 1.0, Class::Ulp(u64::MAX)));
        assert!(!ok(1.0, f64::NAN, Class::Ulp(u64::MAX)));
        assert!(!ok(0.0, -0.0, Class::Exact));
        assert!(ok(0.0, -0.0, Class::ZeroSignOpen));
        assert!(!ok(0.0, -0.0, Class::Ulp(1)));
        assert!(!ok(0, 1, Class::ZeroSignOpen));
        assert!(!ok(5, 6, Class::Ulp(1)));
        assert!(!ok(f32::MIN_POSITIVE, 0.0, Class::ZeroSignOpen));
    }

    #[test]
    fn ulps_count_representable_values() {
        assert!(ok(1.0f32, 1.0f32.next_up(), Class::Ulp(1)));
        assert!(!ok(1.0f32, 1.0f32.next_up().next_up(), Class::Ulp(1)));
        assert!(ok(f64::MAX, f64::INFINITY, Class::Ulp(1)));
        assert!(!ok(f64::INFINITY, f64::NEG_INFINITY, Class::Ulp(1000)));
        assert!(ok(f64::from_bits(1), -f64::from_bits(1), Class::Ulp(2)));
        assert!(!ok(f64::from_bits(1), -f64::from_bits(1), Class::Ulp(1)));
    }

    #[test]
    fn the_message_names_the_first_difference() {
        let want = Tensor::new(crate::DType::I32, &[2, 3], (0..6).map(Scalar::I32).collect()).unwrap();
        let mut got = want.clone();
        got.data[4] = Scalar::I32(-1);
        got.data[5] = Scalar::I32(-1);
        let message = agree(&got, &want, Class::Exact).unwrap_err();
        assert_eq!(message, "2 of 6 elements of i32[2, 3] differ (Exact); first at [1, 1]: got -1 (0xffffffff), want 4 (0x4)");
        assert!(agree(&one(1i64), &one(1i32), Class::Exact).unwrap_err().starts_with("got i64[1], want i32[1]"));
    }
}
