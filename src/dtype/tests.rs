use super::*;

#[test]
fn promotion_is_numpys() {
    let table = [
        (DType::Bool, DType::U8, DType::U8),
        (DType::U8, DType::I16, DType::I16),
        (DType::I16, DType::F32, DType::F32),
        (DType::U8, DType::F32, DType::F32),
        (DType::I32, DType::F32, DType::F64),
        (DType::I64, DType::F32, DType::F64),
        (DType::Bool, DType::F32, DType::F32),
        (DType::I64, DType::F64, DType::F64),
        (DType::I8, DType::U8, DType::I16),
        (DType::I8, DType::U16, DType::I32),
        (DType::U16, DType::I16, DType::I32),
        (DType::U16, DType::F32, DType::F32),
        (DType::U32, DType::F32, DType::F64),
        (DType::U32, DType::I32, DType::I64),
        (DType::U32, DType::I64, DType::I64),
        (DType::U64, DType::I8, DType::F64),
        (DType::U64, DType::U8, DType::U64),
        (DType::U64, DType::F32, DType::F64),
        (DType::F16, DType::U8, DType::F16),
        (DType::F16, DType::I8, DType::F16),
        (DType::F16, DType::I16, DType::F32),
        (DType::F16, DType::I32, DType::F64),
        (DType::F16, DType::U64, DType::F64),
        (DType::F16, DType::F32, DType::F32),
        (DType::F16, DType::Bool, DType::F16),
        (DType::F16, DType::BF16, DType::F32),
        (DType::BF16, DType::U8, DType::BF16),
        (DType::BF16, DType::U16, DType::F32),
        (DType::BF16, DType::I64, DType::F64),
    ];
    for (a, b, want) in table {
        assert_eq!(a.promote(b), want, "{a} with {b}");
        assert_eq!(b.promote(a), want, "{b} with {a}");
    }
}

#[test]
fn casts_out_of_range_have_one_answer() {
    assert_eq!(Scalar::F64(3e9).cast(DType::I32), Scalar::I32(i32::MIN));
    assert_eq!(Scalar::F64(f64::NAN).cast(DType::I64), Scalar::I64(i64::MIN));
    assert_eq!(Scalar::F64(-1.5).cast(DType::U8), Scalar::U8(255));
    assert_eq!(Scalar::F64(300.7).cast(DType::U8), Scalar::U8(44));
    assert_eq!(Scalar::F32(-2147483648.0).cast(DType::I32), Scalar::I32(i32::MIN));
    assert_eq!(Scalar::I64(-1).cast(DType::U8), Scalar::U8(255));
    assert_eq!(Scalar::F64(-1.5).cast(DType::I8), Scalar::I8(-1));
    assert_eq!(Scalar::F64(70000.0).cast(DType::U16), Scalar::U16(4464));
    assert_eq!(Scalar::F64(3e9).cast(DType::U16), Scalar::U16(0));
    assert_eq!(Scalar::F64(3e9).cast(DType::U32), Scalar::U32(3_000_000_000));
    assert_eq!(Scalar::F32(-1.0).cast(DType::U32), Scalar::U32(u32::MAX));
    assert_eq!(Scalar::F64(1e30).cast(DType::U32), Scalar::U32(0));
    assert_eq!(Scalar::F64(f64::NAN).cast(DType::U32), Scalar::U32(0));
    assert_eq!(Scalar::F64(1e19).cast(DType::U64), Scalar::U64(10_000_000_000_000_000_000));
    assert_eq!(Scalar::F64(-2.5).cast(DType::U64), Scalar::U64(u64::MAX - 1));
    assert_eq!(Scalar::F64(2e19).cast(DType::U64), Scalar::U64(0));
    assert_eq!(Scalar::F64(f64::NAN).cast(DType::U64), Scalar::U64(1 << 63));
    assert_eq!(Scalar::F64(-1e30).cast(DType::U64), Scalar::U64(1 << 63));
    assert_eq!(Scalar::U64(u64::MAX).cast(DType::F32), Scalar::F32(18446744073709551616.0));
}

#[test]
fn halves_are_rounded_once() {
    let f16 = |x: f64| Scalar::F64(x).cast(DType::F16).bits();
    // 1 + 2^-11 is halfway; what is far below still counts.
    assert_eq!(f16(1.0 + 2f64.powi(-11)), 0x3c00);
    assert_eq!(f16(1.0 + 2f64.powi(-11) + 2f64.powi(-50)), 0x3c01);
    assert_eq!(f16(1.0 + 3.0 * 2f64.powi(-11)), 0x3c02);
    assert_eq!(f16(65519.0), 0x7bff);
    assert_eq!(f16(65520.0), 0x7c00);
    assert_eq!(f16(-1e300), 0xfc00);
    assert_eq!(f16(2f64.powi(-25)), 0);
    assert_eq!(f16(2f64.powi(-25) * 1.0001), 1);
    assert_eq!(f16(-5e-324), 0x8000);
    assert_eq!(f16(2f64.powi(-14) - 2f64.powi(-26)), 0x0400);
    let bf16 = |x: Scalar| x.cast(DType::BF16).bits();
    assert_eq!(bf16(Scalar::F64(1.0 + 2f64.powi(-8) + 2f64.powi(-40))), 0x3f81);
    assert_eq!(bf16(Scalar::F64(f64::MAX)), 0x7f80);
    assert_eq!(bf16(Scalar::F64(1e-45)), 0x0000);
    // Halfway between two, but for the last bit.
    assert_eq!(bf16(Scalar::I64((0x101 << 54) + 1)), 0x5e81);
    assert_eq!(bf16(Scalar::I64(0x101 << 54)), 0x5e80);
    assert_eq!(bf16(Scalar::U64((0x1ff << 55) + 1)), 0x5f80);
    for bits in 0..=u16::MAX {
        for d in [DType::F16, DType::BF16] {
            let x = Scalar::from_bits(d, bits.into());
            assert_eq!(Scalar::F64(x.to_f64()).cast(d), x);
            assert!(x.is_nan() || Scalar::F64(x.to_string().parse().unwrap()).cast(d) == x, "{x}");
        }
    }
    assert_eq!(Scalar::F64(0.1).cast(DType::F16).to_string(), "0.1");
}

#[test]
fn bytes_round_trip() {
    for s in
        [Scalar::I8(-3), Scalar::I16(-2), Scalar::U64(u64::MAX), Scalar::F32(1.5), Scalar::F64(-0.0), Scalar::Bool(true), Scalar::U8(200)]
    {
        let mut bytes = [0u8; 8];
        s.write_ne_bytes(&mut bytes);
        assert_eq!(Scalar::from_ne_bytes(s.dtype(), &bytes), s);
    }
}
