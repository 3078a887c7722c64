//! Divisions by a reciprocal that is known, with the division's bits: see `math::quotient`. The divider takes 16 cycles for eight `f64`, at any
//! width; this takes nine instructions with AVX-512, of which two start in a cycle, and twelve with AVX2.
//!
//! A vector with a lane that is out of range (too small to have an exact remainder, infinite, or with a result that is NaN) is divided
//! out of line, as a whole.

use iced_x86::Code::*;
use smallvec::smallvec;

use super::machine::{Class, Isa, KMask, Machine, Op, Operand, Under, Width};
use super::select::{At, Result, Select, Turn};
use super::table;
use crate::dtype::DType;
use crate::math::quotient::tiny;
use crate::ops::BinaryOp;

/// Sums of signed integers, and their comparison, by the bytes of each.
fn integer(d: DType) -> DType {
    if d == DType::F32 { DType::I32 } else { DType::I64 }
}

impl Isa {
    /// The types of which such quotients are quicker than divisions. AVX2 divides eight `f32` in five cycles.
    pub fn shares_reciprocals(self) -> &'static [DType] {
        match self {
            Isa::Avx2 => &[DType::F64],
            Isa::Avx512 => &[DType::F32, DType::F64],
        }
    }
}

impl Select<'_> {
    /// `x / y`, where `r` is what `math::quotient` has of `y`. What is less than a vector is divided.
    pub fn quotient(&mut self, d: DType, [x, y, r]: [At; 3], copy: usize) -> Result<At> {
        if self.turn != Turn::Full || self.shape.divides || !self.isa().shares_reciprocals().contains(&d) {
            return Ok(self.binary_values(BinaryOp::Div, d, super::reduce::number(x), super::reduce::number(y), copy)?.at);
        }
        let in_registers = |s: &mut Self, at: At| if let At::Load(_) = at { s.settled(at, copy) } else { at };
        let (x, y, r) = (self.settled(x, copy), in_registers(self, y), in_registers(self, r));
        let (product, _) = table::direct(BinaryOp::Mul, d).expect("floats have a product");
        let q = self.two(product, x, r, copy);
        let e = self.fma(d, true, false, [q, y, x], copy);
        let near = self.fma(d, false, false, [e, r, q], copy);
        let near = self.with_sign(d, near, q, copy);
        let mask = self.out_of_range(d, x, near, copy);
        let w = self.full();
        let code = self.isa().pick(table::direct(BinaryOp::Div, d).expect("floats have a quotient").0);
        let all = [near, x, y].map(|at| self.operand_in_register(at, w, copy));
        Ok(At::Register(self.define(Op::Quotient(code), w, &[all[0], all[1], all[2], mask], Some(3))))
    }

    /// `x` with the sign of `q` where it is 0: elsewhere it has that.
    fn with_sign(&mut self, d: DType, x: At, q: At, copy: usize) -> At {
        let w = self.full();
        let sign = self.splat_bits(d.size(), 1 << (8 * d.size() - 1));
        if self.isa() == Isa::Avx2 {
            let sign = self.two(table::AND, q, sign, copy);
            return self.two(table::OR, x, sign, copy);
        }
        let all = [x, q, sign].map(|at| self.operand_in_register(at, w, copy));
        // The first, or both others.
        let v = self.block.fresh(Class::Vector);
        let operands = smallvec![Operand::Def(v, w), all[0], all[1], all[2], Operand::Imm(0xf8)];
        let op = Op::Over(EVEX_Vpternlogq_zmm_k1z_zmm_zmmm512b64_imm8);
        self.push(Machine { op, operands, foldable: Some(3), under: None });
        At::Register(v)
    }

    /// A mask for `Op::Quotient`: with AVX-512 of lanes in range, with AVX2 of those out of it.
    fn out_of_range(&mut self, d: DType, x: At, near: At, copy: usize) -> Operand {
        let (w, bits) = (self.full(), 8 * d.size() as u32);
        // Without the sign, and less 1, which makes 0 the largest number of all.
        let least = 2 * tiny(d).bits() as u64 - 1;
        let (sum, _) = table::direct(BinaryOp::Add, integer(d)).expect("integers have a sum");
        let twice = self.two(sum, x, x, copy);
        if self.isa() == Isa::Avx2 {
            // In the order of signed numbers.
            let middle = 1u64 << (bits - 1);
            let (less, least) = (self.splat_bits(d.size(), middle.wrapping_sub(1)), self.splat_bits(d.size(), least.wrapping_sub(middle)));
            let magnitude = self.two(sum, twice, less, copy);
            let greater = table::greater(d.size());
            let small = self.two((greater, greater), least, magnitude, copy);
            let nan = self.compare_float(d, near, near, 3, copy).at;
            let either = self.two(table::OR, small, nan, copy);
            return Operand::Use(self.in_register(either, copy), w);
        }
        let (less, least) = (self.splat_bits(d.size(), u64::MAX), self.splat_bits(d.size(), least));
        let magnitude = self.two(sum, twice, less, copy);
        let unsigned = if d == DType::F32 { DType::U32 } else { DType::U64 };
        let magnitude = self.compare(BinaryOp::Ge, unsigned, magnitude, least, copy);
        let large = self.bits(magnitude, copy);
        // And not NaN.
        let near = self.operand_in_register(near, w, copy);
        let v = self.block.fresh(Class::Mask);
        let code = self.isa().pick(table::compare(d));
        let operands = smallvec![Operand::Def(v, Width::X), near, near, Operand::Imm(7)];
        self.push(Machine { op: Op::Code(code), operands, foldable: None, under: Some(Under::Merging(KMask::Virtual(large))) });
        Operand::Use(v, Width::X)
    }
}
