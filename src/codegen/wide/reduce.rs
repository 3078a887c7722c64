//! Reductions: the defined order (`docs/semantics.md`, and `codegen/reduce.rs` for what it takes) by wide vectors.
//!
//! If lanes run along the reduced axis, the eight partial results of a leaf are the lanes of one vector, or of two, and four leaves
//! go side by side, since the sums of one wait for each other. If they run along an output axis, the partial results are eight
//! vectors for each. Where the order cannot matter, as many partial results are kept as hide the latency.

use iced_x86::Code::*;
use iced_x86::{Instruction, MemoryOperand, Register};
use smallvec::smallvec;

use super::machine::{Block, Isa, KMask, Machine, Op, Operand, Place, Under, V};
use super::nest::{EXTENT, Generator, Sink};
use super::regs::Available;
use super::select::{At, Declined, Lane, Result, Select, Tail, Turn, Value};
use super::table;
use crate::dtype::{DType, Scalar};
use crate::kernel::{Depth, LEAF_LANES, Lanes};
use crate::ops::{BinaryOp, ReduceOp};

/// How long a body may be to be done for four leaves side by side, or eight positions one after another.
pub(super) const SHORT_BODY: usize = 60;
/// Registers that combining partial results takes.
pub(super) const LEFT: usize = 7;

/// How partial results of a reduction combine: those of `bool` are bytes of 0 and 1.
fn combiner(op: ReduceOp, d: DType) -> (BinaryOp, DType) {
    let combine = op.combine(d).expect("positions are declined");
    (combine, if d == DType::Bool { DType::U8 } else { d })
}

fn as_number(s: Scalar) -> Scalar {
    if let Scalar::Bool(x) = s { Scalar::U8(x as u8) } else { s }
}

pub(super) fn number(at: At) -> Value {
    Value { at, lane: Lane::Number }
}

impl Select<'_> {
    /// The combination of two partial results.
    pub fn combine(&mut self, r: usize, x: At, y: At, copy: usize) -> Result<At> {
        let (op, d) = self.combiner(r);
        Ok(self.binary_values(op, d, number(x), number(y), copy)?.at)
    }

    /// Neighbours combined, then those, and so on.
    pub fn combine_all(&mut self, r: usize, mut all: Vec<At>) -> Result<At> {
        while all.len() > 1 {
            all = all.chunks(2).map(|p| self.combine(r, p[0], p[1], 0)).collect::<Result<_>>()?;
        }
        Ok(all[0])
    }

    pub fn combiner(&self, r: usize) -> (BinaryOp, DType) {
        let reduction = self.shape.nest.reductions[r];
        combiner(reduction.op, self.shape.nest.types[reduction.value.index()])
    }

    /// The value to reduce.
    pub fn element(&mut self, r: usize, copy: usize) -> At {
        let reduction = self.shape.nest.reductions[r];
        let value = self.value(reduction.value, copy);
        match self.shape.nest.types[reduction.value.index()] {
            DType::Bool => self.mask_to_numbers(value, DType::U8, copy),
            _ => value.at,
        }
    }

    /// Combines a block's value into a register, in the lanes that take part.
    pub fn accumulate(&mut self, r: usize, copy: usize, register: u8) -> Result<()> {
        let x = self.element(r, copy);
        let size = self.combiner(r).1.size();
        if self.holds_two_groups() {
            // The first group, and then the second.
            let x = self.settled(x, copy);
            for half in [x, self.neighbours(x, size * LEAF_LANES as usize)] {
                let sum = self.combine(r, At::Fixed(register), half, copy)?;
                self.assign(sum, register, None);
            }
            return Ok(());
        }
        let sum = self.combine(r, At::Fixed(register), x, copy)?;
        // Lanes along another axis do not mix: what is in those past the end is never used.
        if self.turn == Turn::Full || self.shape.nest.lanes != Lanes::Reduced {
            self.assign(sum, register, None);
            return Ok(());
        }
        if self.isa() == Isa::Avx512 {
            self.assign(sum, register, Some(size));
            return Ok(());
        }
        let mask = match self.tail {
            Tail::Vector(tail) if self.turn == Turn::Masked => {
                let lane = Lane::Bytes((self.isa().width() / self.shape.lanes) as u8);
                Value { at: At::Fixed(tail), lane }
            }
            _ => {
                let mut first = vec![0xffu8; size];
                first.resize(self.isa().width(), 0);
                Value { at: self.constant(&first), lane: Lane::Bytes(size as u8) }
            }
        };
        let kept = self.blend(mask, sum, At::Fixed(register), size, copy);
        self.assign(kept, register, None);
        Ok(())
    }

    /// True if a vector holds two groups of the defined order, for one register of partial results: see `Generator::groups`.
    fn holds_two_groups(&self) -> bool {
        let nest = self.shape.nest;
        nest.lanes == Lanes::Reduced && nest.is_ordered() && self.shape.lanes > LEAF_LANES as usize
    }

    /// Puts a value into a register that is not allocated; under the tail's mask if it is given a lane's size.
    pub fn assign(&mut self, x: At, register: u8, under: Option<usize>) {
        let w = self.full();
        if let (At::Register(v), None, Some(super::machine::Item::Vector(m))) = (x, under, self.block.items.last_mut())
            && let (Op::Code(_), Some(Operand::Def(last, _))) = (m.op, m.operands.first().copied())
            && last == v
        {
            m.operands[0] = Operand::Fixed(register, w);
            return;
        }
        let x = self.operand_in_register(x, w, 0);
        let code = match under {
            Some(size) => table::load_under(size, 64),
            None => self.isa().pick((VEX_Vmovaps_ymm_ymmm256, EVEX_Vmovaps_zmm_k1z_zmmm512)),
        };
        let under = under.map(|_| Under::Merging(KMask::Fixed(Register::K1)));
        self.push(Machine { op: Op::Code(code), operands: smallvec![Operand::Fixed(register, w), x], foldable: None, under });
    }

    /// All lanes combined in the first, neighbours first.
    pub fn fold(&mut self, r: usize, x: At) -> Result<At> {
        let size = self.combiner(r).1.size();
        let mut x = x;
        let mut distance = size;
        while distance < size * self.shape.lanes {
            let moved = self.neighbours(x, distance);
            x = self.combine(r, x, moved, 0)?;
            distance *= 2;
        }
        Ok(x)
    }

    /// Each lane's neighbour at so many bytes, at least in the first lane of two.
    fn neighbours(&mut self, x: At, distance: usize) -> At {
        let (form, imm) = match distance {
            32 => {
                let w = self.full();
                let v = self.in_register(x, 0);
                let operands = [Operand::Use(v, w), Operand::Use(v, w), Operand::Imm(0x4e)];
                return At::Register(self.define(Op::Code(EVEX_Vshuff64x2_zmm_k1z_zmm_zmmm512b64_imm8), w, &operands, None));
            }
            16 => ((VEX_Vpermpd_ymm_ymmm256_imm8, EVEX_Vpermpd_zmm_k1z_zmmm512b64_imm8), 0x4e),
            8 => ((VEX_Vpermilpd_ymm_ymmm256_imm8, EVEX_Vpermilpd_zmm_k1z_zmmm512b64_imm8), 0x55),
            4 => ((VEX_Vpermilps_ymm_ymmm256_imm8, EVEX_Vpermilps_zmm_k1z_zmmm512b32_imm8), 0xb1),
            2 => (table::shift_right(4), 16),
            _ => (table::shift_right(2), 8),
        };
        self.one_imm(form, x, imm, 0)
    }

    /// Combines a block's value into one in memory.
    pub fn accumulate_in_memory(&mut self, r: usize, copy: usize, offset: i32) -> Result<()> {
        let x = self.element(r, copy);
        let sum = self.combine(r, At::Place(Place::Frame(offset)), x, copy)?;
        self.keep(number(sum), offset, copy);
        Ok(())
    }
}

/// Where the results of a leaf are: for each reduction and copy.
pub(super) type Results = Vec<Vec<i32>>;

impl Generator<'_> {
    pub fn reductions(&self) -> usize {
        self.shape.nest.reductions.len()
    }

    pub fn results(&mut self, copies: usize) -> Results {
        (0..self.reductions()).map(|_| (0..copies).map(|_| self.frame.reserve(64, 64)).collect()).collect()
    }

    /// Takes registers for partial results, for each reduction and copy.
    pub fn accumulators(&self, copies: usize, available: &mut Available) -> Result<Vec<Vec<u8>>> {
        (0..self.reductions()).map(|_| (0..copies).map(|_| available.take().ok_or(Declined)).collect()).collect()
    }

    pub fn identity(&mut self, r: usize) -> Place {
        let reduction = self.shape.nest.reductions[r];
        let d = self.shape.nest.types[reduction.value.index()];
        let s = as_number(reduction.op.identity(d).expect("combining reductions have one"));
        Place::Constant(self.asm.constant(&s.bits().to_le_bytes()[..s.dtype().size()]))
    }

    pub fn clear(&mut self, accumulators: &[Vec<u8>]) {
        for (r, registers) in accumulators.iter().enumerate() {
            let identity = self.identity(r);
            registers.iter().for_each(|register| self.load_pins(&[(identity, *register)]));
        }
    }

    /// A block of selections on partial results.
    pub fn combining(&mut self, available: &Available, f: impl FnOnce(&mut Select<'_>) -> Result<()>) -> Result<()> {
        let mut s = self.select_more(Block::default());
        f(&mut s)?;
        let block = s.block;
        self.emit_block(&block, available);
        Ok(())
    }

    /// The reductions at one index of the parallel axes, lanes along the last reduced axis if there is one.
    pub fn reduce_one(&mut self) -> Result<()> {
        let results = self.results(1);
        if self.shape.nest.reduced.is_empty() {
            self.single_position(Turn::One, Tail::Bits, &[None], &results)?;
        } else if self.shape.nest.lanes != Lanes::Reduced {
            return Err(Declined);
        } else if self.shape.nest.is_ordered() {
            self.tree_across(&results)?;
        } else {
            self.any_order_across(&results)?;
        }
        self.shape.results = results;
        Ok(())
    }

    /// Reductions over one position: no axis is left.
    pub fn single_position(&mut self, turn: Turn, tail: Tail, index: &[Option<(Register, i64)>], results: &Results) -> Result<()> {
        let mut s = self.select(Depth::Reduced, turn, tail, index, &Sink::Nothing)?;
        for (r, offsets) in results.iter().enumerate() {
            for (copy, offset) in offsets.iter().enumerate() {
                let x = s.element(r, copy);
                s.keep(number(x), *offset, copy);
            }
        }
        let block = s.block;
        let mut available = Available::all(self.shape.isa);
        if let Tail::Vector(r) = tail {
            available.vectors &= !(1 << r);
        }
        self.emit_block(&block, &available);
        Ok(())
    }

    /// Loops over the reduced axes from `at` on, but for the last `inner`, if all of them have elements.
    pub fn reduced_loops(&mut self, at: usize, inner: usize, body: &mut dyn FnMut(&mut Self) -> Result<()>) -> Result<()> {
        let nest = self.shape.nest;
        if at + inner == nest.reduced.len() {
            return body(self);
        }
        let extent = nest.reduced[at];
        let skip = self.asm.label();
        let count = self.shape.param(extent);
        self.emit(Instruction::with2(Cmp_rm64_imm8, count, 0));
        self.asm.jump(Jle_rel32_64, skip);
        self.counted(nest.rank() + at, extent, |g| g.reduced_loops(at + 1, inner, body))?;
        self.asm.bind(skip);
        Ok(())
    }

    fn any_order_across(&mut self, results: &Results) -> Result<()> {
        let copies = self.copies(Depth::Reduced, 4, 1)?;
        let mut available = Available::all(self.shape.isa);
        let accumulators = self.accumulators(copies, &mut available)?;
        if available.count() < LEFT {
            return Err(Declined);
        }
        self.clear(&accumulators);
        let first: Vec<Vec<u8>> = accumulators.iter().map(|a| a[..1].to_vec()).collect();
        let last = self.shape.nest.reduced[self.shape.nest.reduced.len() - 1];
        let (several, one) = (Sink::Accumulate(accumulators.clone()), Sink::Accumulate(first));
        self.reduced_loops(0, 1, &mut |g| {
            let extent = g.shape.param(last);
            g.load_word(EXTENT, extent);
            g.emit(Instruction::with2(Xor_r32_rm32, Register::ESI, Register::ESI));
            g.span(Depth::Reduced, copies, &several, &one, available.clone())
        })?;
        self.combining(&available, |s| {
            for (r, registers) in accumulators.iter().enumerate() {
                let all = s.combine_all(r, registers.iter().map(|x| At::Fixed(*x)).collect())?;
                let x = s.fold(r, all)?;
                s.keep(number(x), results[r][0], 0);
            }
            Ok(())
        })
    }
}

impl Select<'_> {
    /// The value of a reduction, from the results of its leaves.
    pub fn reduced(&mut self, r: usize, copy: usize) -> Result<Value> {
        let nest = self.shape.nest;
        let reduction = nest.reductions[r];
        let d = nest.types[reduction.value.index()];
        let mut at = At::Place(Place::Frame(self.shape.results[r][copy]));
        // A sum of floats starts at -0, which changes no element; adding +0 makes the sum of nothing, and of nothing but -0, +0.
        if let (Some(identity), Some(nothing)) = (reduction.op.identity(d), reduction.op.of_nothing(d))
            && identity != nothing
        {
            let nothing = self.splat(nothing);
            at = self.combine(r, at, nothing, copy)?;
        }
        Ok(if d == DType::Bool { self.mask_of_bytes(at, copy) } else { number(at) })
    }

    /// The lanes of one leaf's partial results, in one register or two.
    pub fn fold_passes(&mut self, r: usize, registers: &[u8]) -> Result<At> {
        let all = registers.iter().map(|x| self.fold(r, At::Fixed(*x))).collect::<Result<_>>()?;
        self.combine_all(r, all)
    }

    pub fn copy_out(&mut self, x: At, to: MemoryOperand) {
        let w = self.full();
        let from = self.operand_in_register(x, w, 0);
        let code = self.isa().pick(table::store(self.isa().width()));
        self.push(Machine { op: Op::Code(code), operands: smallvec![Operand::Mem(to), from], foldable: None, under: None });
    }

    pub fn copy_in(&mut self, from: MemoryOperand) -> At {
        let code = self.isa().pick(table::load(self.isa().width()));
        let v: V = self.define(Op::Code(code), self.full(), &[Operand::Mem(from)], None);
        At::Register(v)
    }
}
