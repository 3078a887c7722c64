//! Body instructions to machine instructions on whole vectors.
//!
//! Every value is one register, or one mask register of AVX-512. A vector has as many lanes as a register holds elements of the
//! body's widest type; narrower ones lie in the low end of a register. Arithmetic is on whole registers all the same: what lies
//! above the lanes is never stored, and nothing traps.

use hashbrown::HashMap;
use iced_x86::{Code, Instruction, Register};
use smallvec::{SmallVec, smallvec};

use super::asm::Assembler;
use super::machine::{Block, Class, Isa, Item, KMask, Machine, Op, Operand, Place, Under, V, Width};
use super::nest::Shape;
use super::spaced::Run;
use super::table::{self, Form};
use crate::dtype::{Class as Kind, DType, Scalar};
use crate::kernel::{Inst, ValueId};
use crate::math::Rare;
use crate::ops::{BinaryOp, UnaryOp};

/// Why a nest is left to Cranelift: nobody has taught this backend to do it.
pub(super) struct Declined;
pub(super) type Result<T> = std::result::Result<T, Declined>;

/// Where a value is.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    Register(V),
    Place(Place),
    /// A register that is not allocated: a partial result.
    Fixed(u8),
    /// In memory that the nest reads, in one piece that an instruction may read itself: an access.
    Load(u32),
}

/// How the lanes of a `bool` look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Not a `bool`.
    Number,
    /// A bit for each lane, in a mask register.
    Bits,
    /// All ones or zeros, in so many bytes for each lane.
    Bytes(u8),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub at: At,
    pub lane: Lane,
}

/// Which lanes of a vector take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// All.
    Full,
    /// Those of the tail's mask.
    Masked,
    /// The first; the others are the same or nothing.
    One,
}

/// The mask register that holds the tail's mask; with AVX2 it is a vector register.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tail {
    Bits,
    Vector(u8),
}

/// Selection of one block, which computes one vector or several side by side.
pub(super) struct Select<'a> {
    pub shape: &'a Shape<'a>,
    pub asm: &'a mut Assembler,
    pub block: Block,
    pub turn: Turn,
    pub tail: Tail,
    /// True if whole vectors are stored around the cache.
    pub stream: bool,
    /// The index along the vector's axis of each copy: a register, and elements past it. None where a block computes what is the
    /// same for all lanes.
    pub index: SmallVec<[Option<(Register, i64)>; 8]>,
    /// True if what it computes is to be the same in all lanes of any vector.
    pub uniform: bool,
    /// By value, then copy.
    pub known: Vec<Option<Value>>,
    /// What `load_spaced` has loaded, by the address, the bytes from it, and the copy.
    pub runs: HashMap<(u32, i32, usize), Run>,
    /// How often each value is read in this block.
    pub reads: Vec<u32>,
}

impl Select<'_> {
    pub fn copies(&self) -> usize {
        self.index.len()
    }

    pub fn isa(&self) -> Isa {
        self.shape.isa
    }

    fn dtype(&self, v: ValueId) -> DType {
        self.shape.nest.types[v.index()]
    }

    pub fn push(&mut self, m: Machine) {
        self.block.items.push(Item::Vector(m));
    }

    pub fn general(&mut self, i: std::result::Result<Instruction, iced_x86::IcedError>) {
        self.block.items.push(Item::General(i.expect("an instruction on general registers")));
    }

    pub fn full(&self) -> Width {
        self.isa().full()
    }

    pub fn constant(&mut self, pattern: &[u8]) -> At {
        At::Place(Place::Constant(self.asm.constant(pattern)))
    }

    pub fn splat(&mut self, s: Scalar) -> At {
        let bits = if let Scalar::Bool(x) = s { if x { 0xff } else { 0 } } else { s.bits() as u64 };
        self.constant(&bits.to_le_bytes()[..s.dtype().size()])
    }

    /// All lanes an integer of `size` bytes.
    pub fn splat_bits(&mut self, size: usize, bits: u64) -> At {
        self.constant(&bits.to_le_bytes()[..size])
    }

    fn operand(&mut self, x: At, w: Width, copy: usize, fold: bool) -> Operand {
        match x {
            At::Register(v) => Operand::Use(v, w),
            At::Place(p) => Operand::Place(p, w),
            At::Fixed(r) => Operand::Fixed(r, w),
            At::Load(access) if fold => {
                let at = self.address(access, copy);
                Operand::Mem(at)
            }
            At::Load(_) => Operand::Use(self.in_register(x, copy), w),
        }
    }

    /// The value in a register of its own.
    pub fn in_register(&mut self, x: At, copy: usize) -> V {
        match x {
            At::Register(v) => v,
            At::Load(access) => {
                let at = self.address(access, copy);
                let (bytes, code) = (self.isa().width(), self.isa().pick(table::load(self.isa().width())));
                self.define(Op::Code(code), Width::of(bytes), &[Operand::Mem(at)], Some(1))
            }
            At::Place(_) | At::Fixed(_) => {
                let w = self.full();
                let code = self.isa().pick(table::load(self.isa().width()));
                let x = self.operand(x, w, copy, true);
                self.define(Op::Code(code), w, &[x], Some(1))
            }
        }
    }

    /// The value where it may be read several times.
    pub fn settled(&mut self, x: At, copy: usize) -> At {
        if let At::Fixed(_) = x { x } else { At::Register(self.in_register(x, copy)) }
    }

    /// An instruction that defines a vector.
    pub fn define(&mut self, op: Op, w: Width, operands: &[Operand], foldable: Option<u8>) -> V {
        let v = self.block.fresh(Class::Vector);
        let mut all: SmallVec<[Operand; 4]> = smallvec![Operand::Def(v, w)];
        all.extend(operands.iter().copied());
        self.push(Machine { op, operands: all, foldable, under: None });
        v
    }

    /// An instruction that defines a mask register.
    pub fn define_mask(&mut self, code: Code, operands: &[Operand], foldable: Option<u8>) -> At {
        let v = self.block.fresh(Class::Mask);
        let mut all: SmallVec<[Operand; 4]> = smallvec![Operand::Def(v, Width::X)];
        all.extend(operands.iter().copied());
        self.push(Machine { op: Op::Code(code), operands: all, foldable, under: None });
        At::Register(v)
    }

    /// One operand, which may be memory, on whole vectors.
    pub fn one(&mut self, form: Form, x: At, copy: usize) -> At {
        let w = self.full();
        let x = self.operand(x, w, copy, true);
        let code = self.isa().pick(form);
        At::Register(self.define(Op::Code(code), w, &[x], Some(1)))
    }

    pub fn one_imm(&mut self, form: Form, x: At, imm: u32, copy: usize) -> At {
        let w = self.full();
        // Shifts by an immediate take memory in their EVEX form only.
        let x = self.operand(x, w, copy, false);
        let code = self.isa().pick(form);
        At::Register(self.define(Op::Code(code), w, &[x, Operand::Imm(imm)], None))
    }

    /// Two operands, the second of which may be memory.
    pub fn two(&mut self, form: Form, x: At, y: At, copy: usize) -> At {
        self.two_imm(form, x, y, None, copy)
    }

    pub fn two_imm(&mut self, form: Form, x: At, y: At, imm: Option<u32>, copy: usize) -> At {
        let w = self.full();
        let x = self.operand(x, w, copy, false);
        let y = self.operand(y, w, copy, true);
        let code = self.isa().pick(form);
        let mut operands: SmallVec<[Operand; 3]> = smallvec![x, y];
        operands.extend(imm.map(Operand::Imm));
        At::Register(self.define(Op::Code(code), w, &operands, Some(2)))
    }

    /// Two operands that may be exchanged, so that memory comes second.
    pub fn either(&mut self, form: Form, x: At, y: At, copy: usize) -> At {
        match (x, y) {
            (At::Load(_) | At::Place(_), At::Register(_) | At::Fixed(_)) | (At::Load(_), At::Place(_)) => self.two(form, y, x, copy),
            _ => self.two(form, x, y, copy),
        }
    }

    /// The lanes of `yes` where the mask is set, else those of `no`, of elements of `size` bytes.
    pub fn blend(&mut self, mask: Value, yes: At, no: At, size: usize, copy: usize) -> At {
        let w = self.full();
        let code = self.isa().pick(table::blend(size));
        match self.isa() {
            Isa::Avx512 => {
                let k = self.bits(mask, copy);
                let no = self.operand(no, w, copy, false);
                let yes = self.operand(yes, w, copy, true);
                let v = self.block.fresh(Class::Vector);
                let operands = smallvec![Operand::Def(v, w), no, yes];
                self.push(Machine { op: Op::Code(code), operands, foldable: Some(2), under: Some(Under::Merging(KMask::Virtual(k))) });
                At::Register(v)
            }
            Isa::Avx2 => {
                let mask = self.mask_of(mask, size, copy);
                let mask = self.operand(mask, w, copy, false);
                let no = self.operand(no, w, copy, false);
                let yes = self.operand(yes, w, copy, true);
                At::Register(self.define(Op::Code(code), w, &[no, yes, mask], Some(2)))
            }
        }
    }

    /// `usual`, but `f` of `x` where the mask is set; all are of one type.
    fn rarely(&mut self, f: Rare, dtype: DType, mask: Value, x: At, usual: At, copy: usize) -> At {
        let w = self.full();
        let mask = match self.isa() {
            Isa::Avx512 => self.bits(mask, copy),
            Isa::Avx2 => {
                let mask = self.mask_of(mask, dtype.size(), copy);
                self.in_register(mask, copy)
            }
        };
        let (x, usual) = (self.in_register(x, copy), self.in_register(usual, copy));
        At::Register(self.define(Op::Rarely(f, dtype), w, &[Operand::Use(usual, w), Operand::Use(x, w), Operand::Use(mask, w)], None))
    }

    /// A mask in a mask register.
    pub fn bits(&mut self, mask: Value, _copy: usize) -> V {
        match mask.at {
            At::Register(v) => v,
            _ => unreachable!("bits are in registers"),
        }
    }

    /// A vector mask with lanes of `size` bytes, for AVX2.
    pub fn mask_of(&mut self, mask: Value, size: usize, copy: usize) -> At {
        let Lane::Bytes(n) = mask.lane else { unreachable!("AVX2 masks are vectors") };
        match mask.at {
            // Ones or zeros throughout.
            At::Place(Place::Constant(_)) => mask.at,
            at => self.resize(at, n as usize, size, true, copy),
        }
    }

    /// A value of this block or from outside it.
    pub fn value(&mut self, v: ValueId, copy: usize) -> Value {
        let slot = v.index() * self.copies() + copy;
        if let Some(value) = self.known[slot] {
            return value;
        }
        if let Inst::Const(s) = self.shape.nest.insts[v.index()] {
            if let (Scalar::Bool(x), Isa::Avx512) = (s, self.isa()) {
                let code = if x { Code::VEX_Kxnorq_kr_kr_kr } else { Code::VEX_Kxorq_kr_kr_kr };
                let k = Operand::General(Register::K1);
                return Value { at: self.define_mask(code, &[k, k], None), lane: Lane::Bits };
            }
            let lane = if s.dtype() == DType::Bool { Lane::Bytes(1) } else { Lane::Number };
            return Value { at: self.splat(s), lane };
        }
        let home = self.shape.home(v, copy, self.copies());
        let value = match home.lane {
            Lane::Bits => {
                let at = super::regs::Frame::at(home.offset);
                Value { at: self.define_mask(Code::VEX_Kmovq_kr_km64, &[Operand::Mem(at)], Some(1)), lane: Lane::Bits }
            }
            lane => Value { at: At::Place(Place::Frame(home.offset)), lane },
        };
        self.known[slot] = Some(value);
        value
    }

    pub fn at(&mut self, v: ValueId, copy: usize) -> At {
        self.value(v, copy).at
    }

    /// Loads a value that is still in the nest's memory.
    pub fn fetch(&mut self, v: ValueId, copy: usize) {
        let value = self.value(v, copy);
        if let At::Load(_) = value.at {
            let at = At::Register(self.in_register(value.at, copy));
            let slot = v.index() * self.copies() + copy;
            self.known[slot] = Some(Value { at, ..value });
        }
    }

    /// Selects one instruction for one copy.
    pub fn inst(&mut self, k: usize, copy: usize) -> Result<()> {
        let nest = self.shape.nest;
        let d = nest.types[k];
        let number = |at: At| Value { at, lane: Lane::Number };
        let value = match nest.insts[k] {
            Inst::Const(_) => return Ok(()),
            Inst::Reduced(r) => self.reduced(r as usize, copy)?,
            Inst::Load(a) => self.load(a, k, copy)?,
            Inst::Pick(a, before, position) => number(self.pick(a, before, position, copy)?),
            Inst::LoadAt(a, offset) => self.load_at(a, offset, copy)?,
            Inst::Index(a) => number(self.index(a, copy)?),
            Inst::Param(p) => {
                let at = self.shape.param(p);
                let code = self.isa().pick(table::broadcast(8));
                number(At::Register(self.define(Op::Code(code), self.full(), &[Operand::Mem(at)], Some(1))))
            }
            // Part of the one that reads it.
            Inst::Unary(UnaryOp::Neg, _) if self.shape.is_folded(k) => return Ok(()),
            Inst::Unary(op, x) => self.unary(op, x, copy)?,
            Inst::Binary(op, x, y) => self.binary(op, x, y, copy)?,
            Inst::Fma(x, y, z) => {
                let ((x, minus_x), (y, minus_y), (z, minus_z)) = (self.sign(x), self.sign(y), self.sign(z));
                let (x, y, z) = (self.at(x, copy), self.at(y, copy), self.at(z, copy));
                number(self.fma(d, minus_x != minus_y, minus_z, [x, y, z], copy))
            }
            Inst::Quotient(x, y, r) => {
                let operands = [self.at(x, copy), self.at(y, copy), self.at(r, copy)];
                number(self.quotient(d, operands, copy)?)
            }
            Inst::Select(c, x, y) => {
                let (c, x, y) = (self.value(c, copy), self.value(x, copy), self.value(y, copy));
                if d == DType::Bool { self.select_mask(c, x, y, copy) } else { number(self.blend(c, x.at, y.at, d.size(), copy)) }
            }
            Inst::Rarely(f, c, x, y) => {
                let (c, x, y) = (self.value(c, copy), self.at(x, copy), self.at(y, copy));
                number(self.rarely(f, d, c, x, y, copy))
            }
            Inst::Cast(x) => {
                let from = self.dtype(x);
                let x = self.value(x, copy);
                self.cast(x, from, d, copy)?
            }
            Inst::Bitcast(x) => self.value(x, copy),
            Inst::ShiftRightLogical(x, n) => {
                let x = self.at(x, copy);
                number(self.shift_right_logical(x, d.size(), n as u32, copy))
            }
        };
        let copies = self.copies();
        self.known[k * copies + copy] = Some(value);
        Ok(())
    }

    /// What a negation that is folded into its reader negates, and whether it is one.
    fn sign(&self, v: ValueId) -> (ValueId, bool) {
        match self.shape.nest.insts[v.index()] {
            Inst::Unary(UnaryOp::Neg, x) if self.shape.is_folded(v.index()) => (x, true),
            _ => (v, false),
        }
    }

    /// `x * y + z` with the product or the addend negated.
    pub fn fma(&mut self, d: DType, product: bool, addend: bool, all: [At; 3], copy: usize) -> At {
        let w = self.full();
        // One operand may be memory. It comes last, since addresses pass through a register that other loads use too.
        let mut all = all;
        let memory = all.iter().rposition(|at| matches!(at, At::Load(_)));
        for k in (0..3).filter(|k| Some(*k) != memory) {
            if let At::Load(_) = all[k] {
                all[k] = At::Register(self.in_register(all[k], copy));
            }
        }
        let operands = all.map(|at| self.operand(at, w, copy, true));
        let [c132, c213, c231] = table::fma(d, product, addend).map(|form| self.isa().pick(form));
        At::Register(self.define(Op::Fma { c132, c213, c231 }, w, &operands, None))
    }

    fn unary(&mut self, op: UnaryOp, x: ValueId, copy: usize) -> Result<Value> {
        let d = self.dtype(x);
        let x = self.value(x, copy);
        let size = d.size();
        let at = match (op, d.class()) {
            (UnaryOp::Not, Kind::Bool) => return Ok(self.not_mask(x, copy)),
            (UnaryOp::IsNan, _) => return Ok(self.compare_float(d, x.at, x.at, 3, copy)),
            (UnaryOp::Neg, Kind::Float) => {
                let sign = self.splat_bits(size, 1 << (8 * size - 1));
                self.either(table::XOR, x.at, sign, copy)
            }
            (UnaryOp::Abs, Kind::Float) => {
                let rest = self.splat_bits(size, (1 << (8 * size - 1)) - 1);
                self.either(table::AND, x.at, rest, copy)
            }
            (UnaryOp::Neg, _) => {
                let zero = self.zero();
                let (form, _) = table::direct(BinaryOp::Sub, d).ok_or(Declined)?;
                self.two(form, zero, x.at, copy)
            }
            (UnaryOp::Abs, _) if !d.is_signed() => x.at,
            (UnaryOp::Abs, _) if d == DType::I64 && self.isa() == Isa::Avx2 => {
                let sign = self.sign_i64(x.at, copy);
                let flipped = self.two(table::XOR, sign, x.at, copy);
                let (sub, _) = table::direct(BinaryOp::Sub, d).ok_or(Declined)?;
                self.two(sub, flipped, sign, copy)
            }
            (UnaryOp::Abs, _) => self.one(table::abs(d), x.at, copy),
            (UnaryOp::Not, _) => {
                let ones = self.splat_bits(1, 0xff);
                self.either(table::XOR, x.at, ones, copy)
            }
            (UnaryOp::Sqrt, _) => self.one(table::sqrt(d), x.at, copy),
            // The bit 8 keeps the inexact flag as it is.
            (UnaryOp::Floor, _) => self.one_imm(table::round(d), x.at, 8 | 1, copy),
            (UnaryOp::Ceil, _) => self.one_imm(table::round(d), x.at, 8 | 2, copy),
            (UnaryOp::Trunc, _) => self.one_imm(table::round(d), x.at, 8 | 3, copy),
            (UnaryOp::Rint, _) => self.one_imm(table::round(d), x.at, 8, copy),
            _ => return Err(Declined),
        };
        Ok(Value { at, lane: Lane::Number })
    }

    pub fn zero(&mut self) -> At {
        self.splat_bits(1, 0)
    }

    /// -1 in lanes below 0, for AVX2.
    fn sign_i64(&mut self, x: At, copy: usize) -> At {
        let zero = self.zero();
        let code = table::greater(8);
        self.two((code, code), zero, x, copy)
    }

    fn binary(&mut self, op: BinaryOp, x: ValueId, y: ValueId, copy: usize) -> Result<Value> {
        let d = self.dtype(x);
        let count = match (op, self.shape.nest.insts[y.index()]) {
            (BinaryOp::Shl | BinaryOp::Shr, Inst::Const(s)) => Some(s),
            _ => None,
        };
        let x = self.value(x, copy);
        if let Some(count) = count {
            return Ok(Value { at: self.shift_by_constant(op, d, x.at, count, copy), lane: Lane::Number });
        }
        let y = self.value(y, copy);
        self.binary_values(op, d, x, y, copy)
    }

    pub fn binary_values(&mut self, op: BinaryOp, d: DType, x: Value, y: Value, copy: usize) -> Result<Value> {
        if d == DType::Bool {
            return self.binary_mask(op, x, y, copy);
        }
        if op.is_comparison() {
            return Ok(self.compare(op, d, x.at, y.at, copy));
        }
        let (x, y) = (x.at, y.at);
        let at = match (op, d) {
            (BinaryOp::Min | BinaryOp::Max, _) if d.is_float() => self.float_min_max(op, d, x, y, copy),
            (BinaryOp::Mul, _) if d.size() == 1 => self.mul_bytes(x, y, copy),
            (BinaryOp::Mul, DType::I64 | DType::U64) if self.isa() == Isa::Avx2 => self.mul_i64(x, y, copy),
            (BinaryOp::Min | BinaryOp::Max, DType::I64 | DType::U64) if self.isa() == Isa::Avx2 => {
                let (x, y) = (At::Register(self.in_register(x, copy)), At::Register(self.in_register(y, copy)));
                let mask = self.compare(BinaryOp::Gt, d, x, y, copy);
                let (yes, no) = if op == BinaryOp::Max { (x, y) } else { (y, x) };
                self.blend(mask, yes, no, 8, copy)
            }
            (BinaryOp::Shr, DType::I64) if self.isa() == Isa::Avx2 => {
                // Flip what is negative, shift zeros in, flip back.
                let x = At::Register(self.in_register(x, copy));
                let sign = self.sign_i64(x, copy);
                let flipped = self.two(table::XOR, sign, x, copy);
                let shifted = self.two((Code::VEX_Vpsrlvq_ymm_ymm_ymmm256, Code::INVALID), flipped, y, copy);
                self.two(table::XOR, shifted, sign, copy)
            }
            _ => match table::direct(op, d) {
                Some((form, _)) if self.isa().pick(form) == Code::INVALID => return Err(Declined),
                Some((form, true)) => self.either(form, x, y, copy),
                Some((form, false)) => self.two(form, x, y, copy),
                None => return Err(Declined),
            },
        };
        Ok(Value { at, lane: Lane::Number })
    }

    /// `x` where it is before `y` or NaN, else `y`: the instruction alone would give `y` where `x` is NaN.
    fn float_min_max(&mut self, op: BinaryOp, d: DType, x: At, y: At, copy: usize) -> At {
        let x = self.settled(x, copy);
        let least = self.two(table::float_min_max(op, d), x, y, copy);
        let nan = self.compare_float(d, x, x, 3, copy);
        self.blend(nan, x, least, d.size(), copy)
    }

    /// The products of the even and of the odd bytes, as words.
    fn mul_bytes(&mut self, x: At, y: At, copy: usize) -> At {
        let (x, y) = (At::Register(self.in_register(x, copy)), At::Register(self.in_register(y, copy)));
        let (mul, _) = table::direct(BinaryOp::Mul, DType::I16).expect("words have a product");
        let even = self.two(mul, x, y, copy);
        let low = self.splat_bits(2, 0xff);
        let even = self.two(table::AND, even, low, copy);
        let (x, y) = (self.one_imm(table::shift_right(2), x, 8, copy), self.one_imm(table::shift_right(2), y, 8, copy));
        let odd = self.two(mul, x, y, copy);
        let odd = self.one_imm(table::shift_left(2), odd, 8, copy);
        self.two(table::OR, even, odd, copy)
    }

    /// From products of halves, for AVX2.
    pub fn mul_i64(&mut self, x: At, y: At, copy: usize) -> At {
        if self.isa() == Isa::Avx512 {
            let (form, _) = table::direct(BinaryOp::Mul, DType::I64).expect("words have a product");
            return self.either(form, x, y, copy);
        }
        let (x, y) = (At::Register(self.in_register(x, copy)), At::Register(self.in_register(y, copy)));
        let product = (Code::VEX_Vpmuludq_ymm_ymm_ymmm256, Code::INVALID);
        let low = self.two(product, x, y, copy);
        let (x_high, y_high) = (self.one_imm(table::shift_right(8), x, 32, copy), self.one_imm(table::shift_right(8), y, 32, copy));
        let (a, b) = (self.two(product, x_high, y, copy), self.two(product, x, y_high, copy));
        let (add, _) = table::direct(BinaryOp::Add, DType::I64).expect("words have a sum");
        let middle = self.two(add, a, b, copy);
        let middle = self.one_imm(table::shift_left(8), middle, 32, copy);
        self.two(add, low, middle, copy)
    }

    fn shift_by_constant(&mut self, op: BinaryOp, d: DType, x: At, count: Scalar, copy: usize) -> At {
        let (size, bits) = (d.size(), 8 * d.size() as i64);
        let n = count.to_int();
        let in_range = (0..i128::from(bits)).contains(&n);
        let n = n as i64;
        match (op, in_range) {
            (BinaryOp::Shl, false) => self.zero(),
            (BinaryOp::Shl, true) if size == 1 => {
                let words = self.one_imm(table::shift_left(2), x, n as u32, copy);
                let kept = self.splat_bits(1, (0xff << n) & 0xff);
                self.two(table::AND, words, kept, copy)
            }
            (BinaryOp::Shl, true) => self.one_imm(table::shift_left(size), x, n as u32, copy),
            (_, false) if !d.is_signed() => self.zero(),
            (_, true) if !d.is_signed() => self.shift_right_logical(x, size, n as u32, copy),
            _ => {
                let n = if in_range { n } else { bits - 1 } as u32;
                if size == 1 {
                    // Upward by 128, so that zeros come in, and back.
                    let (offset, back) = (self.splat_bits(1, 0x80), self.splat_bits(1, 0x80 >> n));
                    let above = self.either(table::XOR, x, offset, copy);
                    let shifted = self.shift_right_logical(above, 1, n, copy);
                    let (sub, _) = table::direct(BinaryOp::Sub, d).expect("bytes have a difference");
                    return self.two(sub, shifted, back, copy);
                }
                if size == 8 && self.isa() == Isa::Avx2 {
                    let x = At::Register(self.in_register(x, copy));
                    let sign = self.sign_i64(x, copy);
                    let flipped = self.two(table::XOR, sign, x, copy);
                    let shifted = self.one_imm(table::shift_right(8), flipped, n, copy);
                    return self.two(table::XOR, shifted, sign, copy);
                }
                self.one_imm(table::shift_right_signed(size), x, n, copy)
            }
        }
    }

    fn shift_right_logical(&mut self, x: At, size: usize, n: u32, copy: usize) -> At {
        if size > 1 {
            return self.one_imm(table::shift_right(size), x, n, copy);
        }
        let words = self.one_imm(table::shift_right(2), x, n, copy);
        let kept = self.splat_bits(1, 0xff >> n);
        self.two(table::AND, words, kept, copy)
    }
}
