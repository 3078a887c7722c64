//! Which instruction does what: for each operation and element type the VEX form on 32 bytes and the EVEX form on 64.

use iced_x86::Code::{self, *};

use crate::dtype::DType::{self, *};
use crate::ops::BinaryOp;

/// The codes for AVX2 and for AVX-512.
pub(super) type Form = (Code, Code);

/// Stands where AVX2 has no instruction; selection has another way there.
const NONE: Code = INVALID;

/// One instruction that does the whole operation on whole vectors, and whether its operands may be exchanged.
pub(super) fn direct(op: BinaryOp, d: DType) -> Option<(Form, bool)> {
    use BinaryOp::*;
    let form = match (op, d) {
        (Add, I8 | U8) => (VEX_Vpaddb_ymm_ymm_ymmm256, EVEX_Vpaddb_zmm_k1z_zmm_zmmm512),
        (Add, I16 | U16) => (VEX_Vpaddw_ymm_ymm_ymmm256, EVEX_Vpaddw_zmm_k1z_zmm_zmmm512),
        (Add, I32 | U32) => (VEX_Vpaddd_ymm_ymm_ymmm256, EVEX_Vpaddd_zmm_k1z_zmm_zmmm512b32),
        (Add, I64 | U64) => (VEX_Vpaddq_ymm_ymm_ymmm256, EVEX_Vpaddq_zmm_k1z_zmm_zmmm512b64),
        (Add, F32) => (VEX_Vaddps_ymm_ymm_ymmm256, EVEX_Vaddps_zmm_k1z_zmm_zmmm512b32_er),
        (Add, F64) => (VEX_Vaddpd_ymm_ymm_ymmm256, EVEX_Vaddpd_zmm_k1z_zmm_zmmm512b64_er),
        (Sub, I8 | U8) => (VEX_Vpsubb_ymm_ymm_ymmm256, EVEX_Vpsubb_zmm_k1z_zmm_zmmm512),
        (Sub, I16 | U16) => (VEX_Vpsubw_ymm_ymm_ymmm256, EVEX_Vpsubw_zmm_k1z_zmm_zmmm512),
        (Sub, I32 | U32) => (VEX_Vpsubd_ymm_ymm_ymmm256, EVEX_Vpsubd_zmm_k1z_zmm_zmmm512b32),
        (Sub, I64 | U64) => (VEX_Vpsubq_ymm_ymm_ymmm256, EVEX_Vpsubq_zmm_k1z_zmm_zmmm512b64),
        (Sub, F32) => (VEX_Vsubps_ymm_ymm_ymmm256, EVEX_Vsubps_zmm_k1z_zmm_zmmm512b32_er),
        (Sub, F64) => (VEX_Vsubpd_ymm_ymm_ymmm256, EVEX_Vsubpd_zmm_k1z_zmm_zmmm512b64_er),
        (Mul, I16 | U16) => (VEX_Vpmullw_ymm_ymm_ymmm256, EVEX_Vpmullw_zmm_k1z_zmm_zmmm512),
        (Mul, I32 | U32) => (VEX_Vpmulld_ymm_ymm_ymmm256, EVEX_Vpmulld_zmm_k1z_zmm_zmmm512b32),
        (Mul, I64 | U64) => (NONE, EVEX_Vpmullq_zmm_k1z_zmm_zmmm512b64),
        (Mul, F32) => (VEX_Vmulps_ymm_ymm_ymmm256, EVEX_Vmulps_zmm_k1z_zmm_zmmm512b32_er),
        (Mul, F64) => (VEX_Vmulpd_ymm_ymm_ymmm256, EVEX_Vmulpd_zmm_k1z_zmm_zmmm512b64_er),
        (Div, F32) => (VEX_Vdivps_ymm_ymm_ymmm256, EVEX_Vdivps_zmm_k1z_zmm_zmmm512b32_er),
        (Div, F64) => (VEX_Vdivpd_ymm_ymm_ymmm256, EVEX_Vdivpd_zmm_k1z_zmm_zmmm512b64_er),
        (Min, I8) => (VEX_Vpminsb_ymm_ymm_ymmm256, EVEX_Vpminsb_zmm_k1z_zmm_zmmm512),
        (Min, U16) => (VEX_Vpminuw_ymm_ymm_ymmm256, EVEX_Vpminuw_zmm_k1z_zmm_zmmm512),
        (Min, U32) => (VEX_Vpminud_ymm_ymm_ymmm256, EVEX_Vpminud_zmm_k1z_zmm_zmmm512b32),
        (Min, U64) => (NONE, EVEX_Vpminuq_zmm_k1z_zmm_zmmm512b64),
        (Min, U8) => (VEX_Vpminub_ymm_ymm_ymmm256, EVEX_Vpminub_zmm_k1z_zmm_zmmm512),
        (Min, I16) => (VEX_Vpminsw_ymm_ymm_ymmm256, EVEX_Vpminsw_zmm_k1z_zmm_zmmm512),
        (Min, I32) => (VEX_Vpminsd_ymm_ymm_ymmm256, EVEX_Vpminsd_zmm_k1z_zmm_zmmm512b32),
        (Min, I64) => (NONE, EVEX_Vpminsq_zmm_k1z_zmm_zmmm512b64),
        (Max, I8) => (VEX_Vpmaxsb_ymm_ymm_ymmm256, EVEX_Vpmaxsb_zmm_k1z_zmm_zmmm512),
        (Max, U16) => (VEX_Vpmaxuw_ymm_ymm_ymmm256, EVEX_Vpmaxuw_zmm_k1z_zmm_zmmm512),
        (Max, U32) => (VEX_Vpmaxud_ymm_ymm_ymmm256, EVEX_Vpmaxud_zmm_k1z_zmm_zmmm512b32),
        (Max, U64) => (NONE, EVEX_Vpmaxuq_zmm_k1z_zmm_zmmm512b64),
        (Max, U8) => (VEX_Vpmaxub_ymm_ymm_ymmm256, EVEX_Vpmaxub_zmm_k1z_zmm_zmmm512),
        (Max, I16) => (VEX_Vpmaxsw_ymm_ymm_ymmm256, EVEX_Vpmaxsw_zmm_k1z_zmm_zmmm512),
        (Max, I32) => (VEX_Vpmaxsd_ymm_ymm_ymmm256, EVEX_Vpmaxsd_zmm_k1z_zmm_zmmm512b32),
        (Max, I64) => (NONE, EVEX_Vpmaxsq_zmm_k1z_zmm_zmmm512b64),
        (And, d) if d.is_int() => AND,
        (Or, d) if d.is_int() => OR,
        (Xor, d) if d.is_int() => XOR,
        // Counts from the width on, negative ones among them, give zeros or signs: what the operations are defined to do.
        (Shl, I16 | U16) => (NONE, EVEX_Vpsllvw_zmm_k1z_zmm_zmmm512),
        (Shl, I32 | U32) => (VEX_Vpsllvd_ymm_ymm_ymmm256, EVEX_Vpsllvd_zmm_k1z_zmm_zmmm512b32),
        (Shl, I64 | U64) => (VEX_Vpsllvq_ymm_ymm_ymmm256, EVEX_Vpsllvq_zmm_k1z_zmm_zmmm512b64),
        (Shr, U16) => (NONE, EVEX_Vpsrlvw_zmm_k1z_zmm_zmmm512),
        (Shr, U32) => (VEX_Vpsrlvd_ymm_ymm_ymmm256, EVEX_Vpsrlvd_zmm_k1z_zmm_zmmm512b32),
        (Shr, U64) => (VEX_Vpsrlvq_ymm_ymm_ymmm256, EVEX_Vpsrlvq_zmm_k1z_zmm_zmmm512b64),
        (Shr, I16) => (NONE, EVEX_Vpsravw_zmm_k1z_zmm_zmmm512),
        (Shr, I32) => (VEX_Vpsravd_ymm_ymm_ymmm256, EVEX_Vpsravd_zmm_k1z_zmm_zmmm512b32),
        (Shr, I64) => (NONE, EVEX_Vpsravq_zmm_k1z_zmm_zmmm512b64),
        _ => return None,
    };
    Some((form, !matches!(op, Sub | Div | Shl | Shr)))
}

pub(super) const AND: Form = (VEX_Vpand_ymm_ymm_ymmm256, EVEX_Vpandd_zmm_k1z_zmm_zmmm512b32);
pub(super) const OR: Form = (VEX_Vpor_ymm_ymm_ymmm256, EVEX_Vpord_zmm_k1z_zmm_zmmm512b32);
pub(super) const XOR: Form = (VEX_Vpxor_ymm_ymm_ymmm256, EVEX_Vpxord_zmm_k1z_zmm_zmmm512b32);
/// The second operand where the first has zeros.
pub(super) const AND_NOT: Form = (VEX_Vpandn_ymm_ymm_ymmm256, EVEX_Vpandnd_zmm_k1z_zmm_zmmm512b32);
pub(super) const SHUFFLE_BYTES: Form = (VEX_Vpshufb_ymm_ymm_ymmm256, EVEX_Vpshufb_zmm_k1z_zmm_zmmm512);

pub(super) fn sqrt(d: DType) -> Form {
    match d {
        F32 => (VEX_Vsqrtps_ymm_ymmm256, EVEX_Vsqrtps_zmm_k1z_zmmm512b32_er),
        _ => (VEX_Vsqrtpd_ymm_ymmm256, EVEX_Vsqrtpd_zmm_k1z_zmmm512b64_er),
    }
}

/// Rounding by an immediate: 0 to nearest, 1 down, 2 up, 3 toward zero.
pub(super) fn round(d: DType) -> Form {
    match d {
        F32 => (VEX_Vroundps_ymm_ymmm256_imm8, EVEX_Vrndscaleps_zmm_k1z_zmmm512b32_imm8_sae),
        _ => (VEX_Vroundpd_ymm_ymmm256_imm8, EVEX_Vrndscalepd_zmm_k1z_zmmm512b64_imm8_sae),
    }
}

pub(super) fn abs(d: DType) -> Form {
    match d {
        I8 => (VEX_Vpabsb_ymm_ymmm256, EVEX_Vpabsb_zmm_k1z_zmmm512),
        I16 => (VEX_Vpabsw_ymm_ymmm256, EVEX_Vpabsw_zmm_k1z_zmmm512),
        I32 => (VEX_Vpabsd_ymm_ymmm256, EVEX_Vpabsd_zmm_k1z_zmmm512b32),
        _ => (NONE, EVEX_Vpabsq_zmm_k1z_zmmm512b64),
    }
}

/// The second operand in lanes that compare so that it is not before the first, or where one is NaN.
pub(super) fn float_min_max(op: BinaryOp, d: DType) -> Form {
    match (op, d) {
        (BinaryOp::Min, F32) => (VEX_Vminps_ymm_ymm_ymmm256, EVEX_Vminps_zmm_k1z_zmm_zmmm512b32_sae),
        (BinaryOp::Min, _) => (VEX_Vminpd_ymm_ymm_ymmm256, EVEX_Vminpd_zmm_k1z_zmm_zmmm512b64_sae),
        (_, F32) => (VEX_Vmaxps_ymm_ymm_ymmm256, EVEX_Vmaxps_zmm_k1z_zmm_zmmm512b32_sae),
        (_, _) => (VEX_Vmaxpd_ymm_ymm_ymmm256, EVEX_Vmaxpd_zmm_k1z_zmm_zmmm512b64_sae),
    }
}

/// Comparison by an immediate: of floats into a vector or a mask register, of integers into a mask register.
pub(super) fn compare(d: DType) -> Form {
    match d {
        F32 => (VEX_Vcmpps_ymm_ymm_ymmm256_imm8, EVEX_Vcmpps_kr_k1_zmm_zmmm512b32_imm8_sae),
        F64 => (VEX_Vcmppd_ymm_ymm_ymmm256_imm8, EVEX_Vcmppd_kr_k1_zmm_zmmm512b64_imm8_sae),
        I8 => (NONE, EVEX_Vpcmpb_kr_k1_zmm_zmmm512_imm8),
        I16 => (NONE, EVEX_Vpcmpw_kr_k1_zmm_zmmm512_imm8),
        I32 => (NONE, EVEX_Vpcmpd_kr_k1_zmm_zmmm512b32_imm8),
        I64 => (NONE, EVEX_Vpcmpq_kr_k1_zmm_zmmm512b64_imm8),
        U16 => (NONE, EVEX_Vpcmpuw_kr_k1_zmm_zmmm512_imm8),
        U32 => (NONE, EVEX_Vpcmpud_kr_k1_zmm_zmmm512b32_imm8),
        U64 => (NONE, EVEX_Vpcmpuq_kr_k1_zmm_zmmm512b64_imm8),
        Bool | U8 => (NONE, EVEX_Vpcmpub_kr_k1_zmm_zmmm512_imm8),
        F16 | BF16 => unreachable!("halves are compared in f32"),
        C64 | C128 => unreachable!("complex numbers are compared part by part"),
    }
}

pub(super) fn equal(size: usize) -> Code {
    match size {
        1 => VEX_Vpcmpeqb_ymm_ymm_ymmm256,
        2 => VEX_Vpcmpeqw_ymm_ymm_ymmm256,
        4 => VEX_Vpcmpeqd_ymm_ymm_ymmm256,
        _ => VEX_Vpcmpeqq_ymm_ymm_ymmm256,
    }
}

/// Of signed integers.
pub(super) fn greater(size: usize) -> Code {
    match size {
        1 => VEX_Vpcmpgtb_ymm_ymm_ymmm256,
        2 => VEX_Vpcmpgtw_ymm_ymm_ymmm256,
        4 => VEX_Vpcmpgtd_ymm_ymm_ymmm256,
        _ => VEX_Vpcmpgtq_ymm_ymm_ymmm256,
    }
}

/// Shifts by an immediate; bytes have none.
pub(super) fn shift_left(size: usize) -> Form {
    match size {
        2 => (VEX_Vpsllw_ymm_ymm_imm8, EVEX_Vpsllw_zmm_k1z_zmmm512_imm8),
        4 => (VEX_Vpslld_ymm_ymm_imm8, EVEX_Vpslld_zmm_k1z_zmmm512b32_imm8),
        _ => (VEX_Vpsllq_ymm_ymm_imm8, EVEX_Vpsllq_zmm_k1z_zmmm512b64_imm8),
    }
}

pub(super) fn shift_right(size: usize) -> Form {
    match size {
        2 => (VEX_Vpsrlw_ymm_ymm_imm8, EVEX_Vpsrlw_zmm_k1z_zmmm512_imm8),
        4 => (VEX_Vpsrld_ymm_ymm_imm8, EVEX_Vpsrld_zmm_k1z_zmmm512b32_imm8),
        _ => (VEX_Vpsrlq_ymm_ymm_imm8, EVEX_Vpsrlq_zmm_k1z_zmmm512b64_imm8),
    }
}

pub(super) fn shift_right_signed(size: usize) -> Form {
    match size {
        2 => (VEX_Vpsraw_ymm_ymm_imm8, EVEX_Vpsraw_zmm_k1z_zmmm512_imm8),
        4 => (VEX_Vpsrad_ymm_ymm_imm8, EVEX_Vpsrad_zmm_k1z_zmmm512b32_imm8),
        _ => (NONE, EVEX_Vpsraq_zmm_k1z_zmmm512b64_imm8),
    }
}

/// Lanes of the second source where the mask is set; AVX2 takes the sign of each lane of a vector.
pub(super) fn blend(size: usize) -> Form {
    match size {
        1 => (VEX_Vpblendvb_ymm_ymm_ymmm256_ymm, EVEX_Vpblendmb_zmm_k1z_zmm_zmmm512),
        2 => (VEX_Vpblendvb_ymm_ymm_ymmm256_ymm, EVEX_Vpblendmw_zmm_k1z_zmm_zmmm512),
        4 => (VEX_Vblendvps_ymm_ymm_ymmm256_ymm, EVEX_Vpblendmd_zmm_k1z_zmm_zmmm512b32),
        _ => (VEX_Vblendvpd_ymm_ymm_ymmm256_ymm, EVEX_Vpblendmq_zmm_k1z_zmm_zmmm512b64),
    }
}

/// The codes that compute `o0 = o0 * o2 + o1`, `o1 * o0 + o2` and `o1 * o2 + o0`; with the product negated, with the addend negated.
pub(super) fn fma(d: DType, product: bool, addend: bool) -> [Form; 3] {
    match (d, product, addend) {
        (F32, false, false) => [
            (VEX_Vfmadd132ps_ymm_ymm_ymmm256, EVEX_Vfmadd132ps_zmm_k1z_zmm_zmmm512b32_er),
            (VEX_Vfmadd213ps_ymm_ymm_ymmm256, EVEX_Vfmadd213ps_zmm_k1z_zmm_zmmm512b32_er),
            (VEX_Vfmadd231ps_ymm_ymm_ymmm256, EVEX_Vfmadd231ps_zmm_k1z_zmm_zmmm512b32_er),
        ],
        (F32, false, true) => [
            (VEX_Vfmsub132ps_ymm_ymm_ymmm256, EVEX_Vfmsub132ps_zmm_k1z_zmm_zmmm512b32_er),
            (VEX_Vfmsub213ps_ymm_ymm_ymmm256, EVEX_Vfmsub213ps_zmm_k1z_zmm_zmmm512b32_er),
            (VEX_Vfmsub231ps_ymm_ymm_ymmm256, EVEX_Vfmsub231ps_zmm_k1z_zmm_zmmm512b32_er),
        ],
        (F32, true, false) => [
            (VEX_Vfnmadd132ps_ymm_ymm_ymmm256, EVEX_Vfnmadd132ps_zmm_k1z_zmm_zmmm512b32_er),
            (VEX_Vfnmadd213ps_ymm_ymm_ymmm256, EVEX_Vfnmadd213ps_zmm_k1z_zmm_zmmm512b32_er),
            (VEX_Vfnmadd231ps_ymm_ymm_ymmm256, EVEX_Vfnmadd231ps_zmm_k1z_zmm_zmmm512b32_er),
        ],
        (F32, true, true) => [
            (VEX_Vfnmsub132ps_ymm_ymm_ymmm256, EVEX_Vfnmsub132ps_zmm_k1z_zmm_zmmm512b32_er),
            (VEX_Vfnmsub213ps_ymm_ymm_ymmm256, EVEX_Vfnmsub213ps_zmm_k1z_zmm_zmmm512b32_er),
            (VEX_Vfnmsub231ps_ymm_ymm_ymmm256, EVEX_Vfnmsub231ps_zmm_k1z_zmm_zmmm512b32_er),
        ],
        (_, false, false) => [
            (VEX_Vfmadd132pd_ymm_ymm_ymmm256, EVEX_Vfmadd132pd_zmm_k1z_zmm_zmmm512b64_er),
            (VEX_Vfmadd213pd_ymm_ymm_ymmm256, EVEX_Vfmadd213pd_zmm_k1z_zmm_zmmm512b64_er),
            (VEX_Vfmadd231pd_ymm_ymm_ymmm256, EVEX_Vfmadd231pd_zmm_k1z_zmm_zmmm512b64_er),
        ],
        (_, false, true) => [
            (VEX_Vfmsub132pd_ymm_ymm_ymmm256, EVEX_Vfmsub132pd_zmm_k1z_zmm_zmmm512b64_er),
            (VEX_Vfmsub213pd_ymm_ymm_ymmm256, EVEX_Vfmsub213pd_zmm_k1z_zmm_zmmm512b64_er),
            (VEX_Vfmsub231pd_ymm_ymm_ymmm256, EVEX_Vfmsub231pd_zmm_k1z_zmm_zmmm512b64_er),
        ],
        (_, true, false) => [
            (VEX_Vfnmadd132pd_ymm_ymm_ymmm256, EVEX_Vfnmadd132pd_zmm_k1z_zmm_zmmm512b64_er),
            (VEX_Vfnmadd213pd_ymm_ymm_ymmm256, EVEX_Vfnmadd213pd_zmm_k1z_zmm_zmmm512b64_er),
            (VEX_Vfnmadd231pd_ymm_ymm_ymmm256, EVEX_Vfnmadd231pd_zmm_k1z_zmm_zmmm512b64_er),
        ],
        (_, true, true) => [
            (VEX_Vfnmsub132pd_ymm_ymm_ymmm256, EVEX_Vfnmsub132pd_zmm_k1z_zmm_zmmm512b64_er),
            (VEX_Vfnmsub213pd_ymm_ymm_ymmm256, EVEX_Vfnmsub213pd_zmm_k1z_zmm_zmmm512b64_er),
            (VEX_Vfnmsub231pd_ymm_ymm_ymmm256, EVEX_Vfnmsub231pd_zmm_k1z_zmm_zmmm512b64_er),
        ],
    }
}

/// Integer lanes of `from` bytes to lanes of `to` bytes, more.
pub(super) fn widen(from: usize, to: usize, signed: bool) -> Form {
    match (from, to, signed) {
        (1, 2, true) => (VEX_Vpmovsxbw_ymm_xmmm128, EVEX_Vpmovsxbw_zmm_k1z_ymmm256),
        (1, 4, true) => (VEX_Vpmovsxbd_ymm_xmmm64, EVEX_Vpmovsxbd_zmm_k1z_xmmm128),
        (1, _, true) => (VEX_Vpmovsxbq_ymm_xmmm32, EVEX_Vpmovsxbq_zmm_k1z_xmmm64),
        (2, 4, true) => (VEX_Vpmovsxwd_ymm_xmmm128, EVEX_Vpmovsxwd_zmm_k1z_ymmm256),
        (2, _, true) => (VEX_Vpmovsxwq_ymm_xmmm64, EVEX_Vpmovsxwq_zmm_k1z_xmmm128),
        (_, _, true) => (VEX_Vpmovsxdq_ymm_xmmm128, EVEX_Vpmovsxdq_zmm_k1z_ymmm256),
        (1, 2, false) => (VEX_Vpmovzxbw_ymm_xmmm128, EVEX_Vpmovzxbw_zmm_k1z_ymmm256),
        (1, 4, false) => (VEX_Vpmovzxbd_ymm_xmmm64, EVEX_Vpmovzxbd_zmm_k1z_xmmm128),
        (1, _, false) => (VEX_Vpmovzxbq_ymm_xmmm32, EVEX_Vpmovzxbq_zmm_k1z_xmmm64),
        (2, 4, false) => (VEX_Vpmovzxwd_ymm_xmmm128, EVEX_Vpmovzxwd_zmm_k1z_ymmm256),
        (2, _, false) => (VEX_Vpmovzxwq_ymm_xmmm64, EVEX_Vpmovzxwq_zmm_k1z_xmmm128),
        (_, _, false) => (VEX_Vpmovzxdq_ymm_xmmm128, EVEX_Vpmovzxdq_zmm_k1z_ymmm256),
    }
}

/// Integer lanes of `from` bytes to lanes of `to` bytes, fewer, keeping the low ones; AVX-512 only. The destination comes first.
pub(super) fn narrow(from: usize, to: usize) -> Code {
    match (from, to) {
        (8, 4) => EVEX_Vpmovqd_ymmm256_k1z_zmm,
        (8, 2) => EVEX_Vpmovqw_xmmm128_k1z_zmm,
        (8, _) => EVEX_Vpmovqb_xmmm64_k1z_zmm,
        (4, 2) => EVEX_Vpmovdw_ymmm256_k1z_zmm,
        (4, _) => EVEX_Vpmovdb_xmmm128_k1z_zmm,
        (_, _) => EVEX_Vpmovwb_ymmm256_k1z_zmm,
    }
}

/// Conversions that are one instruction. Out of range and NaN, those to integers give the least one, as casts do.
pub(super) fn convert(from: DType, to: DType) -> Option<Form> {
    Some(match (from, to) {
        // These round as their immediate says: 0 to nearest.
        (F32, F16) => (VEX_Vcvtps2ph_xmmm128_ymm_imm8, EVEX_Vcvtps2ph_ymmm256_k1z_zmm_imm8_sae),
        (F16, F32) => (VEX_Vcvtph2ps_ymm_xmmm128, EVEX_Vcvtph2ps_zmm_k1z_ymmm256_sae),
        (F32, F64) => (VEX_Vcvtps2pd_ymm_xmmm128, EVEX_Vcvtps2pd_zmm_k1z_ymmm256b32_sae),
        (F64, F32) => (VEX_Vcvtpd2ps_xmm_ymmm256, EVEX_Vcvtpd2ps_ymm_k1z_zmmm512b64_er),
        (I32, F32) => (VEX_Vcvtdq2ps_ymm_ymmm256, EVEX_Vcvtdq2ps_zmm_k1z_zmmm512b32_er),
        (I32, F64) => (VEX_Vcvtdq2pd_ymm_xmmm128, EVEX_Vcvtdq2pd_zmm_k1z_ymmm256b32_er),
        (U32, F32) => (NONE, EVEX_Vcvtudq2ps_zmm_k1z_zmmm512b32_er),
        (U32, F64) => (NONE, EVEX_Vcvtudq2pd_zmm_k1z_ymmm256b32_er),
        (U64, F32) => (NONE, EVEX_Vcvtuqq2ps_ymm_k1z_zmmm512b64_er),
        (U64, F64) => (NONE, EVEX_Vcvtuqq2pd_zmm_k1z_zmmm512b64_er),
        (I64, F32) => (NONE, EVEX_Vcvtqq2ps_ymm_k1z_zmmm512b64_er),
        (I64, F64) => (NONE, EVEX_Vcvtqq2pd_zmm_k1z_zmmm512b64_er),
        (F32, I32) => (VEX_Vcvttps2dq_ymm_ymmm256, EVEX_Vcvttps2dq_zmm_k1z_zmmm512b32_sae),
        (F64, I32) => (VEX_Vcvttpd2dq_xmm_ymmm256, EVEX_Vcvttpd2dq_ymm_k1z_zmmm512b64_sae),
        (F32, I64) => (NONE, EVEX_Vcvttps2qq_zmm_k1z_ymmm256b32_sae),
        (F64, I64) => (NONE, EVEX_Vcvttpd2qq_zmm_k1z_zmmm512b64_sae),
        _ => return None,
    })
}

/// One element in every lane.
pub(super) fn broadcast(size: usize) -> Form {
    match size {
        1 => (VEX_Vpbroadcastb_ymm_xmmm8, EVEX_Vpbroadcastb_zmm_k1z_xmmm8),
        2 => (VEX_Vpbroadcastw_ymm_xmmm16, EVEX_Vpbroadcastw_zmm_k1z_xmmm16),
        4 => (VEX_Vpbroadcastd_ymm_xmmm32, EVEX_Vbroadcastss_zmm_k1z_xmmm32),
        _ => (VEX_Vpbroadcastq_ymm_xmmm64, EVEX_Vbroadcastsd_zmm_k1z_xmmm64),
    }
}

/// Elements of a register by their numbers in another; of two registers, over the numbers; of two registers, over the first of them;
/// AVX-512 only, bytes only with VBMI.
pub(super) fn permute(size: usize) -> (Code, Code, Code) {
    match size {
        1 => (EVEX_Vpermb_zmm_k1z_zmm_zmmm512, EVEX_Vpermi2b_zmm_k1z_zmm_zmmm512, EVEX_Vpermt2b_zmm_k1z_zmm_zmmm512),
        2 => (EVEX_Vpermw_zmm_k1z_zmm_zmmm512, EVEX_Vpermi2w_zmm_k1z_zmm_zmmm512, EVEX_Vpermt2w_zmm_k1z_zmm_zmmm512),
        4 => (EVEX_Vpermps_zmm_k1z_zmm_zmmm512b32, EVEX_Vpermi2ps_zmm_k1z_zmm_zmmm512b32, EVEX_Vpermt2ps_zmm_k1z_zmm_zmmm512b32),
        _ => (EVEX_Vpermpd_zmm_k1z_zmm_zmmm512b64, EVEX_Vpermi2pd_zmm_k1z_zmm_zmmm512b64, EVEX_Vpermt2pd_zmm_k1z_zmm_zmmm512b64),
    }
}

/// Successive bytes from memory into the low end of a register, the rest of which becomes 0.
pub(super) fn load(bytes: usize) -> Form {
    match bytes {
        4 => (VEX_Vmovd_xmm_rm32, EVEX_Vmovd_xmm_rm32),
        8 => (VEX_Vmovq_xmm_xmmm64, EVEX_Vmovq_xmm_xmmm64),
        16 => (VEX_Vmovups_xmm_xmmm128, EVEX_Vmovups_xmm_k1z_xmmm128),
        32 => (VEX_Vmovups_ymm_ymmm256, EVEX_Vmovups_ymm_k1z_ymmm256),
        _ => (NONE, EVEX_Vmovups_zmm_k1z_zmmm512),
    }
}

pub(super) fn store(bytes: usize) -> Form {
    match bytes {
        4 => (VEX_Vmovd_rm32_xmm, EVEX_Vmovd_rm32_xmm),
        8 => (VEX_Vmovq_xmmm64_xmm, EVEX_Vmovq_xmmm64_xmm),
        16 => (VEX_Vmovups_xmmm128_xmm, EVEX_Vmovups_xmmm128_k1z_xmm),
        32 => (VEX_Vmovups_ymmm256_ymm, EVEX_Vmovups_ymmm256_k1z_ymm),
        _ => (NONE, EVEX_Vmovups_zmmm512_k1z_zmm),
    }
}

/// A store of a whole vector that leaves the cache alone.
pub(super) const STREAM: Form = (VEX_Vmovntps_m256_ymm, EVEX_Vmovntps_m512_zmm);

/// A load of lanes under a mask register, by the width of a lane and of the register.
pub(super) fn load_under(size: usize, bytes: usize) -> Code {
    match (size, bytes) {
        (1, 0..=16) => EVEX_Vmovdqu8_xmm_k1z_xmmm128,
        (1, 32) => EVEX_Vmovdqu8_ymm_k1z_ymmm256,
        (1, _) => EVEX_Vmovdqu8_zmm_k1z_zmmm512,
        (2, 0..=16) => EVEX_Vmovdqu16_xmm_k1z_xmmm128,
        (2, 32) => EVEX_Vmovdqu16_ymm_k1z_ymmm256,
        (2, _) => EVEX_Vmovdqu16_zmm_k1z_zmmm512,
        (4, 0..=16) => EVEX_Vmovdqu32_xmm_k1z_xmmm128,
        (4, 32) => EVEX_Vmovdqu32_ymm_k1z_ymmm256,
        (4, _) => EVEX_Vmovdqu32_zmm_k1z_zmmm512,
        (_, 0..=16) => EVEX_Vmovdqu64_xmm_k1z_xmmm128,
        (_, 32) => EVEX_Vmovdqu64_ymm_k1z_ymmm256,
        (_, _) => EVEX_Vmovdqu64_zmm_k1z_zmmm512,
    }
}

pub(super) fn store_under(size: usize, bytes: usize) -> Code {
    match (size, bytes) {
        (1, 0..=16) => EVEX_Vmovdqu8_xmmm128_k1z_xmm,
        (1, 32) => EVEX_Vmovdqu8_ymmm256_k1z_ymm,
        (1, _) => EVEX_Vmovdqu8_zmmm512_k1z_zmm,
        (2, 0..=16) => EVEX_Vmovdqu16_xmmm128_k1z_xmm,
        (2, 32) => EVEX_Vmovdqu16_ymmm256_k1z_ymm,
        (2, _) => EVEX_Vmovdqu16_zmmm512_k1z_zmm,
        (4, 0..=16) => EVEX_Vmovdqu32_xmmm128_k1z_xmm,
        (4, 32) => EVEX_Vmovdqu32_ymmm256_k1z_ymm,
        (4, _) => EVEX_Vmovdqu32_zmmm512_k1z_zmm,
        (_, 0..=16) => EVEX_Vmovdqu64_xmmm128_k1z_xmm,
        (_, 32) => EVEX_Vmovdqu64_ymmm256_k1z_ymm,
        (_, _) => EVEX_Vmovdqu64_zmmm512_k1z_zmm,
    }
}

/// One element of the low 16 bytes from memory, by an immediate.
pub(super) fn insert(size: usize) -> Form {
    match size {
        1 => (VEX_Vpinsrb_xmm_xmm_r32m8_imm8, EVEX_Vpinsrb_xmm_xmm_r32m8_imm8),
        2 => (VEX_Vpinsrw_xmm_xmm_r32m16_imm8, EVEX_Vpinsrw_xmm_xmm_r32m16_imm8),
        4 => (VEX_Vpinsrd_xmm_xmm_rm32_imm8, EVEX_Vpinsrd_xmm_xmm_rm32_imm8),
        _ => (VEX_Vpinsrq_xmm_xmm_rm64_imm8, EVEX_Vpinsrq_xmm_xmm_rm64_imm8),
    }
}

pub(super) fn extract(size: usize) -> Form {
    match size {
        1 => (VEX_Vpextrb_r32m8_xmm_imm8, EVEX_Vpextrb_r32m8_xmm_imm8),
        2 => (VEX_Vpextrw_r32m16_xmm_imm8, EVEX_Vpextrw_r32m16_xmm_imm8),
        4 => (VEX_Vpextrd_rm32_xmm_imm8, EVEX_Vpextrd_rm32_xmm_imm8),
        _ => (VEX_Vpextrq_rm64_xmm_imm8, EVEX_Vpextrq_rm64_xmm_imm8),
    }
}
