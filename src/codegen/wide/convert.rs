//! Casts, and integers from one width to another.

use iced_x86::Code::*;

use super::machine::{Isa, Op, Operand, V, Width};
use super::select::{At, Declined, Lane, Result, Select, Value};
use super::table;
use crate::dtype::{DType, Scalar};
use crate::ops::BinaryOp;

impl Select<'_> {
    /// Conversion to another type; see `Scalar::cast` for the meaning.
    pub fn cast(&mut self, x: Value, from: DType, to: DType, copy: usize) -> Result<Value> {
        use DType::*;
        let at = match (from, to) {
            (Bool, _) => self.mask_to_numbers(x, to, copy),
            (_, Bool) => {
                let zero = self.splat(Scalar::zero(from));
                return Ok(self.compare(BinaryOp::Ne, from, x.at, zero, copy));
            }
            (I8 | U8 | I16 | U16, F32 | F64) => {
                let wide = self.resize(x.at, from.size(), 4, from.is_signed(), copy);
                self.convert(wide, I32, to, copy)?
            }
            // Out of range the `i32` is the least one, whose low bytes are 0.
            (F32 | F64, I8 | U8 | I16 | U16) => {
                let wide = self.convert(x.at, from, I32, copy)?;
                self.resize(wide, 4, to.size(), true, copy)
            }
            _ if from.is_float() || to.is_float() => self.convert(x.at, from, to, copy)?,
            _ => self.resize(x.at, from.size(), to.size(), from.is_signed(), copy),
        };
        Ok(Value { at, lane: Lane::Number })
    }

    fn convert(&mut self, x: At, from: DType, to: DType, copy: usize) -> Result<At> {
        let form = table::convert(from, to).ok_or(Declined)?;
        let code = self.isa().pick(form);
        if code == INVALID {
            return match (from, to) {
                (DType::I64 | DType::U64, DType::F64) => Ok(self.long_to_f64(x, from.is_signed(), copy)),
                (DType::U32, DType::F64) => {
                    let wide = self.resize(x, 4, 8, false, copy);
                    Ok(self.long_to_f64(wide, true, copy))
                }
                (DType::U32, DType::F32) => Ok(self.u32_to_f32(x, copy)),
                _ => Err(Declined),
            };
        }
        // Whole registers on the wider side, halves on the other.
        let (wide, half) = (self.full(), self.width_of_half());
        let (source, result) = match from.size().cmp(&to.size()) {
            std::cmp::Ordering::Less => (half, wide),
            std::cmp::Ordering::Equal => (wide, wide),
            std::cmp::Ordering::Greater => (wide, half),
        };
        let x = Operand::Use(self.in_register(x, copy), source);
        let operands = [x, Operand::Imm(0)];
        let count = if to == DType::F16 { 2 } else { 1 };
        let converted = self.define(Op::Code(code), result, &operands[..count], None);
        Ok(if from.size() > to.size() { self.spread(converted, to.size()) } else { At::Register(converted) })
    }

    /// A vector that is the same in all lanes has as many as those that use it, also where it was made of fewer.
    fn spread(&mut self, x: V, size: usize) -> At {
        if !self.uniform {
            return At::Register(x);
        }
        let code = self.isa().pick(table::broadcast(size));
        At::Register(self.define(Op::Code(code), self.full(), &[Operand::Use(x, Width::X)], None))
    }

    /// The same of a mask in a mask register.
    pub fn spread_bits(&mut self, mask: At) -> At {
        if !self.uniform {
            return mask;
        }
        let (At::Register(k), w) = (mask, self.full()) else { unreachable!("bits are in registers") };
        let bytes = self.define(Op::Code(EVEX_Vpmovm2b_zmm_kr), w, &[Operand::Use(k, Width::X)], None);
        let At::Register(bytes) = self.spread(bytes, 1) else { unreachable!("made just now") };
        self.define_mask(EVEX_Vpmovb2m_kr_zmm, &[Operand::Use(bytes, w)], None)
    }

    /// Both halves as parts of numbers far above them, whose difference is exact, so that one sum rounds; for AVX2.
    fn long_to_f64(&mut self, x: At, signed: bool, copy: usize) -> At {
        let x = At::Register(self.in_register(x, copy));
        let w = self.full();
        // 2^52, 2^84 (and 2^63 where the sign counts) and their sum.
        let low = self.splat_bits(8, 0x4330000000000000);
        let low = self.operand_in_register(low, w, copy);
        let x_operand = Operand::Use(self.in_register(x, copy), w);
        let low = At::Register(self.define(Op::Code(VEX_Vpblendd_ymm_ymm_ymmm256_imm8), w, &[low, x_operand, Operand::Imm(0x55)], None));
        let high = self.one_imm(table::shift_right(8), x, 32, copy);
        let magic = self.splat_bits(8, if signed { 0x4530000080000000 } else { 0x4530000000000000 });
        let high = self.two(table::XOR, high, magic, copy);
        let all = self.splat_bits(8, if signed { 0x4530000080100000 } else { 0x4530000000100000 });
        let (sub, _) = table::direct(BinaryOp::Sub, DType::F64).expect("floats have a difference");
        let (add, _) = table::direct(BinaryOp::Add, DType::F64).expect("floats have a sum");
        let high = self.two(sub, high, all, copy);
        self.two(add, high, low, copy)
    }

    /// Both halves, which are exact, so that one sum rounds; for AVX2.
    fn u32_to_f32(&mut self, x: At, copy: usize) -> At {
        let x = At::Register(self.in_register(x, copy));
        let (form, float) = (table::convert(DType::I32, DType::F32).expect("one instruction"), DType::F32);
        let half = self.splat_bits(4, 0xffff);
        let low = self.two(table::AND, x, half, copy);
        let low = self.one(form, low, copy);
        let high = self.one_imm(table::shift_right(4), x, 16, copy);
        let high = self.one(form, high, copy);
        let weight = self.splat(Scalar::F32(65536.0));
        let (mul, _) = table::direct(BinaryOp::Mul, float).expect("floats have a product");
        let (add, _) = table::direct(BinaryOp::Add, float).expect("floats have a sum");
        let high = self.two(mul, high, weight, copy);
        self.two(add, high, low, copy)
    }

    /// Integer lanes of `from` bytes as lanes of `to` bytes; the low bytes stay.
    pub fn resize(&mut self, x: At, from: usize, to: usize, signed: bool, copy: usize) -> At {
        if from == to {
            return x;
        }
        let w = self.full();
        if from < to {
            let code = self.isa().pick(table::widen(from, to, signed));
            let source = Width::of(self.isa().width() * from / to);
            let x = Operand::Use(self.in_register(x, copy), source);
            return At::Register(self.define(Op::Code(code), w, &[x], None));
        }
        if self.isa() == Isa::Avx512 {
            let result = Width::of(self.isa().width() * to / from);
            let x = Operand::Use(self.in_register(x, copy), w);
            let narrow = self.define(Op::Code(table::narrow(from, to)), result, &[x], None);
            return self.spread(narrow, to);
        }
        let narrow = self.narrow_avx2(x, from, to, copy);
        let At::Register(narrow) = narrow else { unreachable!("made just now") };
        self.spread(narrow, to)
    }

    fn narrow_avx2(&mut self, x: At, from: usize, to: usize, copy: usize) -> At {
        if from == 8 {
            let order: Vec<u8> = [0u32, 2, 4, 6, 0, 2, 4, 6].iter().flat_map(|k| k.to_le_bytes()).collect();
            let order = self.constant(&order);
            let words = self.two((VEX_Vpermd_ymm_ymm_ymmm256, INVALID), order, x, copy);
            return if to == 4 { words } else { self.narrow_avx2(words, 4, to, copy) };
        }
        // The low bytes of each half side by side, then the halves.
        let per = 16 / from;
        let order: Vec<u8> = (0..16).map(|k| if k < per * to { (k / to * from + k % to) as u8 } else { 0x80 }).collect();
        let order = self.constant(&order);
        let halves = self.two(table::SHUFFLE_BYTES, x, order, copy);
        match per * to {
            8 => self.one_imm((VEX_Vpermq_ymm_ymmm256_imm8, INVALID), halves, 0b1000, copy),
            _ => {
                let order: Vec<u8> = [0u32, 4, 1, 1, 1, 1, 1, 1].iter().flat_map(|k| k.to_le_bytes()).collect();
                let order = self.constant(&order);
                self.two((VEX_Vpermd_ymm_ymm_ymmm256, INVALID), order, halves, copy)
            }
        }
    }
}
