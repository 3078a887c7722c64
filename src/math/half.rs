//! Conversions of halves, as operations on integers; bit for bit those of the instructions that x86-64 has for `f16`.

use super::Emit;
use super::arith::Scope;
use crate::dtype::{DType, Scalar};
use crate::ops::{BinaryOp, UnaryOp};

/// An `f16` as `f32`. A NaN becomes quiet.
pub fn f16_to_f32<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let bits = widened(e, x);
    let s = &Scope::new(e, DType::F32);
    let bits = s.value(bits);
    let magnitude = bits & s.int(0x7fff);
    let moved = magnitude.shl(13);
    // What differs between the types is the bias of the exponent; subnormal numbers come out right as well.
    let finite = (moved.to_float() * s.float(2f64.powi(112))).bits();
    let nan = magnitude.gt(s.int(0x7c00));
    let beyond = moved | nan.select(s.int(0x7fc00000), s.int(0x7f800000));
    let result = magnitude.gt(s.int(0x7bff)).select(beyond, finite);
    (result | (bits & s.int(0x8000)).shl(16)).to_float().value
}

/// The nearest `f16`, ties to even. A NaN becomes quiet, and keeps the upper bits of its payload.
pub fn f32_to_f16<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let bits = {
        let s = &Scope::new(e, DType::F32);
        let bits = s.value(x).bits();
        let magnitude = bits & s.int(s.magnitude);
        // To the other bias, and half of the last digit that is kept, less what makes a tie odd.
        let odd = magnitude.shr(13) & s.int(1);
        let normal = (magnitude + s.int(0xfff - (112 << 23)) + odd).shr(13);
        // The last digit of 0.5 is that of the subnormal numbers.
        let subnormal = (magnitude.to_float() + s.float(0.5)).bits() - s.int(0x3f000000);
        let finite = magnitude.lt(s.int(0x38800000)).select(subnormal, normal);
        let nan = (magnitude.shr(13) & s.int(0x3ff)) | s.int(0x7e00);
        let beyond = magnitude.gt(s.int(0x7f800000)).select(nan, s.int(0x7c00));
        let result = magnitude.gt(s.int(0x477fffff)).select(beyond, finite);
        (result | s.value(x).sign_bits().shr(16)).value
    };
    narrowed(e, bits, DType::F16)
}

/// A `bf16` as `f32`.
pub fn bf16_to_f32<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let bits = widened(e, x);
    let s = &Scope::new(e, DType::F32);
    s.value(bits).shl(16).to_float().value
}

/// The nearest `bf16`, ties to even. A NaN becomes quiet, and keeps the upper bits of its payload.
pub fn f32_to_bf16<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let bits = {
        let s = &Scope::new(e, DType::F32);
        let x = s.value(x);
        let upper = x.bits().shr(16);
        let rounded = (x.bits() + s.int(0x7fff) + (upper & s.int(1))).shr(16);
        x.ne(x).select(upper | s.int(0x40), rounded).value
    };
    narrowed(e, bits, DType::BF16)
}

/// The bits of a half, as `i32`.
fn widened<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let bits = e.bitcast(x, DType::U16);
    e.cast(bits, DType::I32)
}

/// The half with these low bits.
fn narrowed<E: Emit>(e: &mut E, bits: E::Value, half: DType) -> E::Value {
    let bits = e.cast(bits, DType::U16);
    e.bitcast(bits, half)
}

/// An `f64` as the `f32` that rounds to any half as it does: the nearest one if it is equal, else the odd one of both neighbours, which no
/// half is, and which is no tie.
pub fn f64_to_odd_f32<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let nearest = e.cast(x, DType::F32);
    let back = e.cast(nearest, DType::F64);
    let bits = e.bitcast(nearest, DType::I32);
    let [zero, one, minus] = [0, 1, -1].map(|k| e.constant(Scalar::I32(k)));
    let (size, size_back) = (e.unary(UnaryOp::Abs, x), e.unary(UnaryOp::Abs, back));
    let above = e.binary(BinaryOp::Gt, size_back, size);
    let step = e.select(above, minus, one);
    let odd = e.binary(BinaryOp::Add, bits, step);
    let last = e.binary(BinaryOp::And, bits, one);
    let even = e.binary(BinaryOp::Eq, last, zero);
    let inexact = e.binary(BinaryOp::Ne, back, x);
    let moves = e.binary(BinaryOp::And, inexact, even);
    let result = e.select(moves, odd, bits);
    e.bitcast(result, DType::F32)
}

/// A 64-bit integer as the one that rounds to a `bf16` as it does, and is an `f64`: from 2^31 on, the lowest 16 bits only say whether they are
/// all zeros.
pub fn long_for_bf16<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let dtype = e.dtype(x);
    let mut int = |k: i128| e.constant(Scalar::from_int(k, dtype));
    let (zero, low, high, middle) = (int(0), int(0xffff), int(!0xffff), int(0x8000));
    let (least, most) = (int(if dtype.is_signed() { -(1 << 31) } else { 0 }), int(1 << 31));
    let rest = e.binary(BinaryOp::And, x, low);
    let some = e.binary(BinaryOp::Ne, rest, zero);
    let rest = e.select(some, middle, zero);
    let kept = e.binary(BinaryOp::And, x, high);
    let shorter = e.binary(BinaryOp::Or, kept, rest);
    let (from, below) = (e.binary(BinaryOp::Ge, x, least), e.binary(BinaryOp::Lt, x, most));
    let few = e.binary(BinaryOp::And, from, below);
    e.select(few, x, shorter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Eval;
    use crate::testing::Rng;

    /// Against the conversions of `dtype`, which are by value.
    #[test]
    fn every_half_and_its_neighbours() {
        let narrow = |x: f32, d: DType| if d == DType::F16 { f32_to_f16(&mut Eval, x.into()) } else { f32_to_bf16(&mut Eval, x.into()) };
        for d in [DType::F16, DType::BF16] {
            for bits in 0..=u16::MAX {
                let half = Scalar::from_bits(d, bits.into());
                let wide = if d == DType::F16 { f16_to_f32(&mut Eval, half) } else { bf16_to_f32(&mut Eval, half) };
                assert_eq!(wide, half.cast(DType::F32), "{bits:#x}");
                let Scalar::F32(x) = wide else { unreachable!() };
                // The half itself, the tie above it, and what is beside both.
                let tie = f32::from_bits(x.to_bits() | if d == DType::F16 { 0x1000 } else { 0x8000 });
                for near in [x, x.next_up(), x.next_down(), tie, tie.next_up(), tie.next_down()] {
                    assert_eq!(narrow(near, d), Scalar::F32(near).cast(d), "{near:e}");
                }
            }
        }
        let mut rng = Rng::new(1);
        for _ in 0..200_000 {
            let x = f32::from_bits(rng.bits() as u32);
            for d in [DType::F16, DType::BF16] {
                assert_eq!(narrow(x, d), Scalar::F32(x).cast(d), "{x:e}");
            }
        }
    }

    #[test]
    fn wider_types_are_rounded_once() {
        let mut rng = Rng::new(2);
        let narrow = |x: Scalar, d: DType| if d == DType::F16 { f32_to_f16(&mut Eval, x) } else { f32_to_bf16(&mut Eval, x) };
        for _ in 0..200_000 {
            // Near a half or a tie, and of any size.
            let half = f64::from(f32::from_bits((rng.bits() as u32) & 0xffff_8000));
            let by = f64::from_bits(half.to_bits().wrapping_add((rng.bits() >> rng.below(64)).wrapping_sub(1 << 20)));
            for x in [half, by, half.next_up(), half.next_down()] {
                for d in [DType::F16, DType::BF16] {
                    assert_eq!(narrow(f64_to_odd_f32(&mut Eval, x.into()), d), Scalar::F64(x).cast(d), "{x:e}");
                }
            }
            let whole = (rng.bits() & !0 << rng.below(64)).wrapping_add(rng.below(3) as u64).wrapping_sub(1);
            for x in [Scalar::U64(whole), Scalar::I64(whole as i64), Scalar::I64((whole as i64) >> 32)] {
                let short = long_for_bf16(&mut Eval, x).cast(DType::F64);
                assert_eq!(narrow(f64_to_odd_f32(&mut Eval, short), DType::BF16), x.cast(DType::BF16), "{x}");
            }
        }
    }

    #[test]
    fn a_nan_stays_one_and_keeps_its_sign_and_upper_bits() {
        let bits = |s: Scalar| s.bits();
        assert_eq!(bits(f16_to_f32(&mut Eval, Scalar::from_bits(DType::F16, 0xfc01))), 0xffc02000);
        assert_eq!(bits(f32_to_f16(&mut Eval, Scalar::from_bits(DType::F32, 0xff802001))), 0xfe01);
        assert_eq!(bits(f32_to_f16(&mut Eval, Scalar::from_bits(DType::F32, 0x7fc00000))), 0x7e00);
        assert_eq!(bits(f32_to_bf16(&mut Eval, Scalar::from_bits(DType::F32, 0x7f800001))), 0x7fc0);
        assert_eq!(bits(f32_to_bf16(&mut Eval, Scalar::from_bits(DType::F32, 0xffffffff))), 0xffff);
    }
}
