//! Values of `bool`: comparisons make them, selections use them.

use iced_x86::Code::{self, *};

use super::machine::{Isa, Operand, Width};
use super::select::{At, Lane, Result, Select, Value};
use super::table;
use crate::dtype::{DType, Scalar};
use crate::ops::BinaryOp;

impl Select<'_> {
    fn on_bits(&mut self, code: Code, x: Value, y: Value, copy: usize) -> Value {
        let (x, y) = (self.bits(x, copy), self.bits(y, copy));
        let at = self.define_mask(code, &[Operand::Use(x, Width::X), Operand::Use(y, Width::X)], None);
        Value { at, lane: Lane::Bits }
    }

    /// Two vector masks with lanes of one width, the wider of the two.
    fn same_width(&mut self, x: Value, y: Value, copy: usize) -> (At, At, u8) {
        let bytes = |v: Value| if let Lane::Bytes(n) = v.lane { n } else { 1 };
        let n = bytes(x).max(bytes(y));
        (self.mask_of(x, n as usize, copy), self.mask_of(y, n as usize, copy), n)
    }

    pub fn not_mask(&mut self, x: Value, copy: usize) -> Value {
        if self.isa() == Isa::Avx512 {
            let k = self.bits(x, copy);
            return Value { at: self.define_mask(VEX_Knotq_kr_kr, &[Operand::Use(k, Width::X)], None), lane: Lane::Bits };
        }
        let ones = self.splat_bits(1, 0xff);
        Value { at: self.either(table::XOR, x.at, ones, copy), lane: x.lane }
    }

    pub fn binary_mask(&mut self, op: BinaryOp, x: Value, y: Value, copy: usize) -> Result<Value> {
        use BinaryOp::*;
        // False is below true.
        let (x, y, flipped) = match op {
            Gt | Le => (y, x, op == Le),
            Lt | Ge => (x, y, op == Ge),
            _ => (x, y, op == Eq),
        };
        let value = if self.isa() == Isa::Avx512 {
            let code = match op {
                And => VEX_Kandq_kr_kr_kr,
                Or => VEX_Korq_kr_kr_kr,
                Xor | Ne => VEX_Kxorq_kr_kr_kr,
                Eq => VEX_Kxnorq_kr_kr_kr,
                // The second where the first is not.
                _ => VEX_Kandnq_kr_kr_kr,
            };
            let value = self.on_bits(code, x, y, copy);
            return Ok(if flipped && op != Eq { self.not_mask(value, copy) } else { value });
        } else {
            let (x, y, n) = self.same_width(x, y, copy);
            let at = match op {
                And => self.either(table::AND, x, y, copy),
                Or => self.either(table::OR, x, y, copy),
                Xor | Ne | Eq => self.either(table::XOR, x, y, copy),
                _ => self.two(table::AND_NOT, x, y, copy),
            };
            Value { at, lane: Lane::Bytes(n) }
        };
        Ok(if flipped { self.not_mask(value, copy) } else { value })
    }

    /// `x` where `c` is true, else `y`, all of them masks.
    pub fn select_mask(&mut self, c: Value, x: Value, y: Value, copy: usize) -> Value {
        if self.isa() == Isa::Avx512 {
            let yes = self.on_bits(VEX_Kandq_kr_kr_kr, c, x, copy);
            let no = self.on_bits(VEX_Kandnq_kr_kr_kr, c, y, copy);
            return self.on_bits(VEX_Korq_kr_kr_kr, yes, no, copy);
        }
        let (x, y, n) = self.same_width(x, y, copy);
        Value { at: self.blend(c, x, y, n as usize, copy), lane: Lane::Bytes(n) }
    }

    /// By the immediates of `vcmppd`, of which 3 is true where either is NaN.
    pub fn compare_float(&mut self, d: DType, x: At, y: At, how: u32, copy: usize) -> Value {
        let w = self.full();
        let form = table::compare(d);
        if self.isa() == Isa::Avx2 {
            let x = At::Register(self.in_register(x, copy));
            let at = self.two_imm(form, x, y, Some(how), copy);
            return Value { at, lane: Lane::Bytes(d.size() as u8) };
        }
        let x = self.operand_in_register(x, w, copy);
        let y = self.folded(y, w, copy);
        let at = self.define_mask(self.isa().pick(form), &[x, y, Operand::Imm(how)], Some(2));
        Value { at: self.spread_bits(at), lane: Lane::Bits }
    }

    pub fn compare(&mut self, op: BinaryOp, d: DType, x: At, y: At, copy: usize) -> Value {
        use BinaryOp::*;
        if d.is_float() {
            let how = match op {
                Eq => 0,
                Ne => 4,
                Lt => 0x11,
                Le => 0x12,
                Ge => 0x1d,
                _ => 0x1e,
            };
            return self.compare_float(d, x, y, how, copy);
        }
        if self.isa() == Isa::Avx512 {
            let how = match op {
                Eq => 0,
                Lt => 1,
                Le => 2,
                Ne => 4,
                Ge => 5,
                _ => 6,
            };
            let w = self.full();
            let x = Operand::Use(self.in_register(x, copy), w);
            let y = self.folded(y, w, copy);
            let at = self.define_mask(self.isa().pick(table::compare(d)), &[x, y, Operand::Imm(how)], Some(2));
            return Value { at: self.spread_bits(at), lane: Lane::Bits };
        }
        let size = d.size();
        let lane = Lane::Bytes(size as u8);
        let narrow_unsigned = !d.is_signed() && size < 8;
        // The order of unsigned integers is that of signed ones with the highest bit turned over.
        let (x, y) = if d == DType::U64 && !matches!(op, Eq | Ne) {
            let highest = self.splat_bits(8, 1 << 63);
            (self.either(table::XOR, x, highest, copy), self.either(table::XOR, y, highest, copy))
        } else {
            (x, y)
        };
        let (at, flipped) = match op {
            Eq | Ne => {
                let code = table::equal(size);
                (self.either((code, code), x, y, copy), op == Ne)
            }
            // x >= y where the larger is x.
            Ge | Lt if narrow_unsigned => (self.is_extreme(Max, d, x, y, copy), op == Lt),
            Le | Gt if narrow_unsigned => (self.is_extreme(Min, d, x, y, copy), op == Gt),
            Gt | Le => {
                let code = table::greater(size);
                (self.two((code, code), x, y, copy), op == Le)
            }
            _ => {
                let code = table::greater(size);
                (self.two((code, code), y, x, copy), op == Ge)
            }
        };
        let value = Value { at, lane };
        if flipped { self.not_mask(value, copy) } else { value }
    }

    /// Where the least (greatest) of two numbers is the first.
    fn is_extreme(&mut self, op: BinaryOp, d: DType, x: At, y: At, copy: usize) -> At {
        let x = At::Register(self.in_register(x, copy));
        let (form, _) = table::direct(op, d).expect("narrow integers have a least one");
        let best = self.two(form, x, y, copy);
        let code = table::equal(d.size());
        self.two((code, code), best, x, copy)
    }

    /// Bytes from memory, true where not 0.
    pub fn mask_of_bytes(&mut self, bytes: At, copy: usize) -> Value {
        if self.isa() == Isa::Avx512 {
            let w = self.full();
            let x = Operand::Use(self.in_register(bytes, copy), w);
            return Value { at: self.define_mask(EVEX_Vptestmb_kr_k1_zmm_zmmm512, &[x, x], None), lane: Lane::Bits };
        }
        let zero = self.zero();
        let code = table::equal(1);
        let at = self.either((code, code), bytes, zero, copy);
        self.not_mask(Value { at, lane: Lane::Bytes(1) }, copy)
    }

    /// A mask as numbers 1 and 0.
    pub fn mask_to_numbers(&mut self, mask: Value, d: DType, copy: usize) -> At {
        let one = self.splat(if d == DType::Bool { Scalar::U8(1) } else { Scalar::one(d) });
        if self.isa() == Isa::Avx512 {
            let zero = self.zero();
            return self.blend(mask, one, zero, d.size(), copy);
        }
        let mask = self.mask_of(mask, d.size(), copy);
        self.either(table::AND, mask, one, copy)
    }
}
