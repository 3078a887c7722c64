//! Reductions along the rows of a table: four rows a turn where rows are short, or two where registers are, since what one row takes besides its
//! elements is as long as they are, and its sums wait for each other. Each row is reduced in its own order, so results have the bits of one row at a
//! time.
//!
//! The rows' indices are the registers of four leaves (see `tree`), those of rows after the first being ahead by the elements from row to row.

use iced_x86::Code::*;
use iced_x86::{Instruction, MemoryOperand, Register};

use super::asm::Label;
use super::machine::{Block, Place};
use super::nest::{ADDRESS, EXTENT, Generator, INDEX, LIMIT, Sink};
use super::reduce::{LEFT, Results, SHORT_BODY, number};
use super::regs::{self, Available, Frame};
use super::select::{At, Result, Tail, Turn};
use super::tree::{LEAVES, SHORT_GROUP};
use crate::kernel::{Depth, Inst, LEAF_LANES, Stride};

/// Rows of a turn at most.
pub(super) const ROWS: usize = LEAVES.len();
/// Rows of more elements than this go one by one: what they take besides is little, and leaves of one row go side by side.
const LONGEST: i32 = 512;
/// Up to so many values of a row, besides its elements, code for each row of a turn is written out.
const SHORT_AFTER: usize = 6;
/// The leaves whose indices are those of rows.
const FIRST: [usize; ROWS] = [0, 1, 2, 3];
/// So many values of a row that come before its elements make it worth less to compute them again when it is done.
const MOST_BEFORE: usize = 12;

/// What a turn of several rows needs.
struct Group {
    /// How many rows.
    rows: usize,
    /// For each reduction, registers of each row: see `passes`.
    accumulators: Vec<Vec<u8>>,
    /// How many registers of a row hold the eight partial results of the defined order; 1 for other reductions.
    passes: usize,
    available: Available,
    pins: Vec<(Place, u8)>,
    results: Results,
    /// True if elements are combined with values that are computed once for a row; these are kept for each of them.
    before: bool,
    /// The strides from row to row, each a parameter, and the bytes of an element: they have to be as many elements.
    strides: Vec<(u32, usize)>,
}

impl Generator<'_> {
    /// The last parallel axis, where lanes run along a reduced one.
    pub fn rows(&mut self, axis: usize) -> Result<()> {
        let extent = self.shape.nest.parallel[axis];
        let Some(group) = self.row_group(axis)? else {
            return self.counted(axis, extent, |g| g.row(axis, None));
        };
        let (counter, ahead) = (self.frame.reserve(8, 8), self.frame.reserve(8, 8));
        self.load_word(ADDRESS, self.shape.param(extent));
        self.store_word(Frame::at(counter), ADDRESS);
        let kept = self.pointers_kept(axis);
        let first: Vec<(usize, i32)> = kept.iter().filter(|_| group.before).map(|(p, _)| (*p, self.frame.reserve(8, 8))).collect();
        let rows = group.rows as i32;
        let [several, single, next, done] = std::array::from_fn(|_| self.asm.label());
        self.elements_from_row_to_row(&group.strides, ahead, single);
        self.emit(Instruction::with2(Cmp_rm64_imm32, self.shape.param(self.shape.nest.reduced[0]), LONGEST));
        self.asm.jump(Jg_rel32_64, single);

        self.asm.bind(several);
        self.emit(Instruction::with2(Cmp_rm64_imm8, Frame::at(counter), rows));
        self.asm.jump(Jl_rel32_64, single);
        if group.before {
            self.keep_pointers(&first);
            for row in 0..rows {
                self.shape.row = Some(row);
                self.uniform(Depth::Parallel(axis as u8 + 1), false)?;
                first.iter().for_each(|(p, _)| self.advance(*p, axis));
            }
            self.shape.row = Some(0);
            self.restore_pointers(&first);
        }
        self.reduce_rows(&group, ahead)?;
        self.finish_rows(&group, axis, &kept)?;
        self.emit(Instruction::with2(Sub_rm64_imm8, Frame::at(counter), rows));
        self.asm.jump(Jmp_rel32_64, several);

        self.asm.bind(single);
        self.emit(Instruction::with2(Cmp_rm64_imm8, Frame::at(counter), 0));
        self.asm.jump(Je_rel32_64, done);
        self.asm.bind(next);
        self.row(axis, None)?;
        kept.iter().for_each(|(p, _)| self.advance(*p, axis));
        self.emit(Instruction::with1(Dec_rm64, Frame::at(counter)));
        self.asm.jump(Jne_rel32_64, next);
        self.asm.bind(done);
        self.restore_pointers(&kept);
        Ok(())
    }

    /// One row: what comes before its reductions, these, unless their results are there, and what is made of them.
    fn row(&mut self, axis: usize, reduced: Option<&Results>) -> Result<()> {
        self.uniform(Depth::Parallel(axis as u8 + 1), false)?;
        let Some(results) = reduced else { return self.innermost() };
        self.shape.results = results.clone();
        self.uniform(Depth::After, true)
    }

    /// What several rows at once take; `None` if the nest cannot be done so.
    fn row_group(&mut self, axis: usize) -> Result<Option<Group>> {
        let nest = self.shape.nest;
        // A row that is stored may be read by one after it.
        if nest.in_place || nest.reduced.len() != 1 {
            return Ok(None);
        }
        let of_row = |k: usize| nest.depths[k] == Depth::Parallel(axis as u8 + 1) && !matches!(nest.insts[k], Inst::Const(_));
        let (mut strides, mut before) = (Vec::new(), false);
        for (k, inst) in nest.insts.iter().enumerate() {
            if nest.depths[k] != Depth::Reduced {
                continue;
            }
            before |= inst.operands().iter().any(|o| of_row(o.index()));
            match inst {
                Inst::Load(a) => {
                    let access = &nest.accesses[*a as usize];
                    match (access.strides[axis], access.strides[axis + 1]) {
                        (Stride::Zero, Stride::Unit) => {}
                        (Stride::Param(p), Stride::Unit) => strides.push((p, access.dtype.size())),
                        _ => return Ok(None),
                    }
                }
                Inst::Pick(..) | Inst::LoadAt(..) | Inst::Index(_) => return Ok(None),
                _ => {}
            }
        }
        strides.sort();
        strides.dedup();
        let inside = nest.reductions.iter().all(|r| nest.depths[r.value.index()] == Depth::Reduced);
        let ordered = nest.is_ordered();
        if strides.is_empty() || !inside || !ordered && !self.can_mask() {
            return Ok(None);
        }
        if before {
            if (0..nest.insts.len()).filter(|k| of_row(*k)).count() > MOST_BEFORE {
                return Ok(None);
            }
            // Finds their places, which code for the elements names.
            self.shape.row = Some(0);
            self.uniform_block(Depth::Parallel(axis as u8 + 1), false)?;
        }
        [ROWS, ROWS / 2].into_iter().find_map(|rows| self.group_of(rows, before, &strides).transpose()).transpose()
    }

    /// What so many rows at once take; `None` if there are not enough registers.
    fn group_of(&mut self, rows: usize, before: bool, strides: &[(u32, usize)]) -> Result<Option<Group>> {
        let passes = if self.shape.nest.is_ordered() { LEAF_LANES as usize / self.shape.lanes } else { 1 };
        let taken = rows * passes * self.reductions();
        let block = self.block_of_rows(rows, &vec![vec![0; rows * passes]; self.reductions()])?;
        let most = regs::pressure(&block).0.max(LEFT);
        // Two groups of the defined order in a register are worth more to a long body.
        let half_empty = self.shape.nest.is_ordered() && self.shape.whole > LEAF_LANES as usize;
        let longest = if half_empty { SHORT_GROUP * passes * self.reductions() } else { SHORT_BODY };
        if most + taken > self.shape.isa.registers() || block.items.len() > rows * longest {
            return Ok(None);
        }
        let mut available = Available::all(self.shape.isa);
        let accumulators = self.accumulators(rows * passes, &mut available)?;
        let block = self.block_of_rows(rows, &accumulators)?;
        // The mask of what is left of a row may be a vector.
        let spare = available.take();
        let pins = self.pin(&block, &mut available);
        spare.into_iter().for_each(|r| available.vectors |= 1 << r);
        let results = self.results(rows);
        Ok(Some(Group { rows, accumulators, passes, available, pins, results, before, strides: strides.to_vec() }))
    }

    /// One vector of each row, or as many as eight positions take.
    fn block_of_rows(&mut self, rows: usize, accumulators: &[Vec<u8>]) -> Result<Block> {
        if !self.shape.nest.is_ordered() {
            return self.vectors_of_rows(rows, Turn::Full, Tail::Bits, accumulators);
        }
        self.shape.rows = rows;
        let block = self.block_of(&FIRST[..rows], 1, accumulators);
        self.shape.rows = 0;
        block
    }

    /// A vector of each row, or one element.
    fn vectors_of_rows(&mut self, rows: usize, turn: Turn, tail: Tail, registers: &[Vec<u8>]) -> Result<Block> {
        self.shape.rows = rows;
        let index: Vec<_> = LEAVES[..rows].iter().map(|r| Some((*r, 0))).collect();
        let block = self.select(Depth::Reduced, turn, tail, &index, &Sink::Accumulate(registers.to_vec())).map(|s| s.block);
        self.shape.rows = 0;
        block
    }

    /// Puts how many elements lie from row to row into the frame; goes elsewhere if the arrays differ in it.
    fn elements_from_row_to_row(&mut self, strides: &[(u32, usize)], ahead: i32, differ: Label) {
        for (k, (p, size)) in strides.iter().enumerate() {
            self.load_word(ADDRESS, self.shape.param(*p));
            self.emit(Instruction::with2(Test_rm64_imm32, ADDRESS, *size as i32 - 1));
            self.asm.jump(Jne_rel32_64, differ);
            self.emit(Instruction::with2(Sar_rm64_imm8, ADDRESS, size.trailing_zeros()));
            if k == 0 {
                self.store_word(Frame::at(ahead), ADDRESS);
            } else {
                self.emit(Instruction::with2(Cmp_rm64_r64, Frame::at(ahead), ADDRESS));
                self.asm.jump(Jne_rel32_64, differ);
            }
        }
    }

    /// The reductions of several rows, into the places of their results.
    fn reduce_rows(&mut self, group: &Group, ahead: i32) -> Result<()> {
        self.load_pins(&group.pins);
        self.emit(Instruction::with2(Xor_r32_rm32, Register::ESI, Register::ESI));
        self.load_word(LEAVES[1], Frame::at(ahead));
        for row in 2..group.rows {
            self.emit(Instruction::with2(Lea_r64_m, LEAVES[row], MemoryOperand::with_base_index(LEAVES[1], LEAVES[row - 1])));
        }
        if !self.shape.nest.is_ordered() {
            return self.rows_of_any_order(group);
        }
        self.tree(&group.results, &mut |_, _, _| Ok(()), &mut |g, length| g.leaf_of_rows(group, length), &group.available)
    }

    /// A leaf of each row.
    fn leaf_of_rows(&mut self, group: &Group, length: i32) -> Result<()> {
        let lanes = LEAF_LANES as i32;
        self.clear(&group.accumulators);
        self.load_word(LIMIT, Frame::at(length));
        self.emit(Instruction::with2(And_rm64_imm8, LIMIT, -lanes));
        self.emit(Instruction::with2(Add_r64_rm64, LIMIT, INDEX));
        let block = self.block_of_rows(group.rows, &group.accumulators)?;
        self.turns(&block, &FIRST[..group.rows], lanes as usize, &group.available);
        self.fold_rows(group)?;
        // What does not fill eight positions is added to the sums, which are in the first lanes.
        let done = self.asm.label();
        self.load_word(LIMIT, Frame::at(length));
        self.emit(Instruction::with2(And_rm64_imm8, LIMIT, lanes - 1));
        self.asm.jump(Je_rel32_64, done);
        self.emit(Instruction::with2(Add_r64_rm64, LIMIT, INDEX));
        self.mask_first_lane();
        let block = self.vectors_of_rows(group.rows, Turn::One, Tail::Bits, &group.first_registers())?;
        self.turns(&block, &FIRST[..group.rows], 1, &group.available);
        self.asm.bind(done);
        self.keep_rows(group)
    }

    /// Whole vectors of each row, then what is left of them under a mask.
    fn rows_of_any_order(&mut self, group: &Group) -> Result<()> {
        self.clear(&group.accumulators);
        let step = self.shape.lanes as i32;
        self.load_word(EXTENT, self.shape.param(self.shape.nest.reduced[0]));
        self.emit(Instruction::with2(Lea_r64_m, LIMIT, MemoryOperand::with_base_displ(EXTENT, -step as i64)));
        let block = self.block_of_rows(group.rows, &group.accumulators)?;
        let [top, rest, done] = std::array::from_fn(|_| self.asm.label());
        self.emit(Instruction::with2(Cmp_r64_rm64, INDEX, LIMIT));
        self.asm.jump(Jg_rel32_64, rest);
        self.asm.align();
        self.asm.bind(top);
        self.emit_block(&block, &group.available);
        LEAVES[..group.rows].iter().for_each(|r| self.emit(Instruction::with2(Add_rm64_imm32, *r, step)));
        self.emit(Instruction::with2(Cmp_r64_rm64, INDEX, LIMIT));
        self.asm.jump(Jle_rel32_64, top);
        self.asm.bind(rest);
        self.emit(Instruction::with2(Cmp_r64_rm64, INDEX, EXTENT));
        self.asm.jump(Jge_rel32_64, done);
        let mut available = group.available.clone();
        let tail = self.make_mask(&mut available);
        let block = self.vectors_of_rows(group.rows, Turn::Masked, tail, &group.accumulators)?;
        self.emit_block(&block, &available);
        self.asm.bind(done);
        self.fold_rows(group)?;
        self.keep_rows(group)
    }

    /// The lanes of each row's registers combined in the first lane of its first register.
    fn fold_rows(&mut self, group: &Group) -> Result<()> {
        self.combining(&group.available, |s| {
            for (r, registers) in group.accumulators.iter().enumerate() {
                for row in registers.chunks(group.passes) {
                    let sum = s.fold_passes(r, row)?;
                    s.assign(sum, row[0], None);
                }
            }
            Ok(())
        })
    }

    fn keep_rows(&mut self, group: &Group) -> Result<()> {
        self.combining(&group.available, |s| {
            for (registers, offsets) in group.first_registers().iter().zip(&group.results) {
                for (register, offset) in registers.iter().zip(offsets) {
                    s.keep(number(At::Fixed(*register)), *offset, 0);
                }
            }
            Ok(())
        })
    }

    /// What is made of the results of each row, and its stores. Addresses are those of the row after them when it is done.
    fn finish_rows(&mut self, group: &Group, axis: usize, moving: &[(usize, i32)]) -> Result<()> {
        let nest = self.shape.nest;
        let of_row = |d: &&Depth| matches!(d, Depth::After) || **d == Depth::Parallel(axis as u8 + 1);
        if nest.depths.iter().filter(of_row).count() <= SHORT_AFTER {
            for row in 0..group.rows {
                let own = group.results.iter().map(|offsets| vec![offsets[row]]).collect();
                self.row(axis, Some(&own))?;
                moving.iter().for_each(|(p, _)| self.advance(*p, axis));
            }
            return Ok(());
        }
        let (own, row, top) = (self.results(1), self.frame.reserve(8, 8), self.asm.label());
        self.emit(Instruction::with2(Mov_rm64_imm32, Frame::at(row), 0));
        self.asm.bind(top);
        self.load_word(ADDRESS, Frame::at(row));
        self.combining(&Available::all(self.shape.isa), |s| {
            for (own, rows) in own.iter().zip(&group.results) {
                let mut at = Frame::at(rows[0]);
                at.index = ADDRESS;
                let x = s.copy_in(at);
                s.keep(number(x), own[0], 0);
            }
            Ok(())
        })?;
        self.row(axis, Some(&own))?;
        moving.iter().for_each(|(p, _)| self.advance(*p, axis));
        self.emit(Instruction::with2(Add_rm64_imm32, Frame::at(row), 64));
        self.emit(Instruction::with2(Cmp_rm64_imm32, Frame::at(row), 64 * group.rows as i32));
        self.asm.jump(Jl_rel32_64, top);
        Ok(())
    }
}

impl Group {
    fn first_registers(&self) -> Vec<Vec<u8>> {
        self.accumulators.iter().map(|a| a.iter().copied().step_by(self.passes).collect()).collect()
    }
}
