//! The tree of the defined order, and its leaves where their eight partial results are lanes: see `codegen/reduce.rs` for what the
//! tree is. Four leaves that are one run go side by side, since the sums of one wait for each other.

use iced_x86::Code::*;
use iced_x86::{Instruction, MemoryOperand, Register};

use super::asm::Label;
use super::machine::{Block, Place};
use super::nest::{ADDRESS, Generator, INDEX, LIMIT, Sink, TEMPORARY, THRICE};
use super::reduce::{LEFT, Results, SHORT_BODY, number};
use super::regs::{Available, Frame};
use super::select::{At, Declined, Result, Tail, Turn};
use crate::kernel::{Depth, LEAF_LANES, LEAF_LENGTH};

/// More halvings than a 63-bit length has.
pub(super) const MAX_DEPTH: usize = 64;
/// Up to so many instructions for a register of a group, a body is short.
pub(super) const SHORT_GROUP: usize = 4;
/// The indices of four leaves.
pub(super) const LEAVES: [Register; 4] = [INDEX, Register::R12, Register::R13, Register::R14];

/// The registers of a leaf's partial results, for each reduction.
fn of_leaf(accumulators: &[Vec<u8>], leaf: usize, passes: usize) -> Vec<Vec<u8>> {
    accumulators.iter().map(|a| a[leaf * passes..][..passes].to_vec()).collect()
}

impl Generator<'_> {
    /// The tree over leaves: see `codegen/reduce.rs`. A frame holds the length of a right half that is still to come (0 once it is
    /// under way) and, then, the results of the left one. `leaf` reduces the next `length` (a word of the frame) positions; `several`
    /// may do more than one leaf at once, and goes to the label when it has. Results are static places of the frame.
    pub fn tree(
        &mut self,
        results: &Results,
        several: &mut dyn FnMut(&mut Self, i32, Label) -> Result<()>,
        leaf: &mut dyn FnMut(&mut Self, i32) -> Result<()>,
        available: &Available,
    ) -> Result<()> {
        let copies = results[0].len();
        let slot = |r: usize, copy: usize| MemoryOperand::with_base_displ(ADDRESS, 64 * (1 + r * copies + copy) as i64);
        let push = |g: &mut Self| {
            g.combining(available, |s| {
                for (r, offsets) in results.iter().enumerate() {
                    for (copy, offset) in offsets.iter().enumerate() {
                        s.copy_out(At::Place(Place::Frame(*offset)), slot(r, copy));
                    }
                }
                Ok(())
            })
        };
        let join = |g: &mut Self| {
            g.combining(available, |s| {
                for (r, offsets) in results.iter().enumerate() {
                    for (copy, offset) in offsets.iter().enumerate() {
                        let left = s.copy_in(slot(r, copy));
                        let sum = s.combine(r, left, At::Place(Place::Frame(*offset)), 0)?;
                        s.keep(number(sum), *offset, 0);
                    }
                }
                Ok(())
            })
        };
        self.tree_of((results.len() * copies * 64, MAX_DEPTH), several, leaf, &push, &join)
    }

    /// The tree, whose frames have room for so many bytes of results, so many of them. `push` copies the results to 64 bytes past `ADDRESS`, `join`
    /// combines them with what is there.
    pub fn tree_of(
        &mut self,
        (bytes, depth): (usize, usize),
        several: &mut dyn FnMut(&mut Self, i32, Label) -> Result<()>,
        leaf: &mut dyn FnMut(&mut Self, i32) -> Result<()>,
        push: &dyn Fn(&mut Self) -> Result<()>,
        join: &dyn Fn(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let entry = (64 + bytes) as i32;
        let stack = self.tree_stack(entry as usize * depth);
        let (length, top) = (self.frame.reserve(8, 8), self.frame.reserve(8, 8));
        let total = self.shape.param(self.shape.nest.reduced[0]);
        self.load_word(ADDRESS, total);
        self.store_word(Frame::at(length), ADDRESS);
        self.emit(Instruction::with2(Lea_r64_m, ADDRESS, Frame::at(stack)));
        self.store_word(Frame::at(top), ADDRESS);
        let [descend, short, ascend, both, done] = std::array::from_fn(|_| self.asm.label());

        self.asm.bind(descend);
        self.load_word(ADDRESS, Frame::at(length));
        self.emit(Instruction::with2(Cmp_rm64_imm32, ADDRESS, LEAF_LENGTH as i32));
        self.asm.jump(Jle_rel32_64, short);
        several(self, length, ascend)?;
        self.load_word(ADDRESS, Frame::at(length));
        self.halve(TEMPORARY, ADDRESS);
        self.emit(Instruction::with2(Sub_r64_rm64, ADDRESS, TEMPORARY));
        self.store_word(Frame::at(length), TEMPORARY);
        self.load_word(THRICE, Frame::at(top));
        self.store_word(MemoryOperand::with_base(THRICE), ADDRESS);
        self.emit(Instruction::with2(Add_rm64_imm32, Frame::at(top), entry));
        self.asm.jump(Jmp_rel32_64, descend);

        self.asm.bind(short);
        leaf(self, length)?;

        self.asm.bind(ascend);
        self.load_word(ADDRESS, Frame::at(top));
        self.emit(Instruction::with2(Lea_r64_m, TEMPORARY, Frame::at(stack)));
        self.emit(Instruction::with2(Cmp_r64_rm64, ADDRESS, TEMPORARY));
        self.asm.jump(Je_rel32_64, done);
        self.emit(Instruction::with2(Sub_rm64_imm32, ADDRESS, entry));
        self.load_word(TEMPORARY, MemoryOperand::with_base(ADDRESS));
        self.emit(Instruction::with2(Test_rm64_r64, TEMPORARY, TEMPORARY));
        self.asm.jump(Je_rel32_64, both);
        self.store_word(Frame::at(length), TEMPORARY);
        self.emit(Instruction::with2(Mov_rm64_imm32, MemoryOperand::with_base(ADDRESS), 0));
        push(self)?;
        self.asm.jump(Jmp_rel32_64, descend);

        self.asm.bind(both);
        self.store_word(Frame::at(top), ADDRESS);
        join(self)?;
        self.asm.jump(Jmp_rel32_64, ascend);
        self.asm.bind(done);
        Ok(())
    }

    /// Room for the frames of a tree. Trees of other widths come later and have the same.
    fn tree_stack(&mut self, bytes: usize) -> i32 {
        match self.tree_stack {
            Some((stack, room)) if bytes <= room => stack,
            _ => {
                let stack = self.frame.reserve(bytes, 64);
                self.tree_stack = Some((stack, bytes));
                stack
            }
        }
    }

    /// The length of the left half of a run.
    fn halve(&mut self, to: Register, from: Register) {
        self.emit(Instruction::with2(Mov_r64_rm64, to, from));
        self.emit(Instruction::with2(Shr_rm64_imm8, to, 1));
        self.emit(Instruction::with2(And_rm64_imm8, to, -(LEAF_LANES as i32)));
    }

    /// Leaves whose eight partial results are lanes.
    pub fn tree_across(&mut self, results: &Results) -> Result<()> {
        let passes = LEAF_LANES as usize / self.shape.lanes;
        let reductions = self.reductions();
        let placeholder = vec![vec![0; 4 * passes]; reductions];
        let four = self.block_of(&[0, 1, 2, 3], 1, &placeholder)?;
        let (pressure, taken) = (super::regs::pressure(&four).0, 4 * passes * reductions);
        let side_by_side = pressure + taken <= self.shape.isa.registers() && four.items.len() <= 4 * SHORT_BODY;
        let mut available = Available::all(self.shape.isa);
        let accumulators = self.accumulators(if side_by_side { 4 * passes } else { passes }, &mut available)?;
        if available.count() < LEFT {
            return Err(Declined);
        }
        let mut pinned = available.clone();
        let pins = if side_by_side {
            let block = self.block_of(&[0, 1, 2, 3], 1, &accumulators)?;
            self.pin(&block, &mut pinned)
        } else {
            Vec::new()
        };
        // A short body waits for nothing but the sum, and taking two groups apart would be work of its own.
        let short = four.items.len() <= 4 * SHORT_GROUP * passes * reductions;
        let together = if short { 1 } else { self.groups_together(&of_leaf(&accumulators, 0, passes), &pinned)? };
        let in_a_vector = if short { 1 } else { (self.shape.whole / LEAF_LANES as usize).clamp(1, 2) };
        self.load_pins(&pins);
        self.emit(Instruction::with2(Xor_r32_rm32, Register::ESI, Register::ESI));
        let ends: Vec<i32> = (0..4).map(|_| self.frame.reserve(8, 8)).collect();
        self.tree(
            results,
            &mut |g, length, done| {
                if side_by_side {
                    g.four_leaves((length, done), &ends, &accumulators, (passes, in_a_vector), &pinned, results)
                } else {
                    Ok(())
                }
            },
            &mut |g, length| {
                let own = of_leaf(&accumulators, 0, passes);
                g.clear(&own);
                g.load_word(LIMIT, Frame::at(length));
                g.emit(Instruction::with2(And_rm64_imm8, LIMIT, -(LEAF_LANES as i32)));
                g.emit(Instruction::with2(Add_r64_rm64, LIMIT, INDEX));
                if together > 1 {
                    let block = g.block_of(&[0], together, &own)?;
                    g.turns(&block, &[0], together * LEAF_LANES as usize, &pinned);
                }
                g.groups(0, LIMIT, &own, &pinned)?;
                g.fold_leaf(&own, &pinned, results)?;
                g.load_word(LIMIT, Frame::at(length));
                g.emit(Instruction::with2(And_rm64_imm8, LIMIT, LEAF_LANES as i32 - 1));
                g.emit(Instruction::with2(Add_r64_rm64, LIMIT, INDEX));
                g.one_by_one(0, results, &pinned)
            },
            &pinned,
        )
    }

    /// How many groups of a leaf are computed at once, before they are added one after another: the registers allow it, and the
    /// processor has work while a body waits for its own operations.
    fn groups_together(&mut self, accumulators: &[Vec<u8>], available: &Available) -> Result<usize> {
        for together in [4, 2] {
            let block = self.block_of(&[0], together, accumulators)?;
            if super::regs::pressure(&block).0 <= available.count() && block.items.len() <= 4 * SHORT_BODY {
                return Ok(together);
            }
        }
        Ok(1)
    }

    /// So many groups of eight positions of each of some leaves, whose partial results are in these registers. Where a register
    /// holds two groups, two are one vector.
    pub fn block_of(&mut self, leaves: &[usize], groups: usize, accumulators: &[Vec<u8>]) -> Result<Block> {
        let eight = LEAF_LANES as usize;
        let own = self.shape.lanes;
        let lanes = if groups > 1 { self.shape.whole.min(2 * eight) } else { own };
        let vectors = groups * eight / lanes;
        let passes = eight / own;
        let index: Vec<_> = leaves.iter().flat_map(|leaf| (0..vectors).map(move |v| Some((LEAVES[*leaf], (v * lanes) as i64)))).collect();
        let order = |all: &Vec<u8>| (0..leaves.len()).flat_map(|leaf| (0..vectors).map(move |v| all[leaf * passes + v % passes])).collect();
        let sink = Sink::Accumulate(accumulators.iter().map(order).collect());
        self.shape.lanes = lanes;
        let block = self.select(Depth::Reduced, Turn::Full, Tail::Bits, &index, &sink).map(|s| s.block);
        self.shape.lanes = own;
        block
    }

    /// Turns of a block of so many positions of each leaf, as long as they end before `LIMIT`, a bound for the first of the leaves.
    pub fn turns(&mut self, block: &Block, leaves: &[usize], step: usize, available: &Available) {
        let step = step as i32;
        let (top, done) = (self.asm.label(), self.asm.label());
        let first = LEAVES[leaves[0]];
        self.emit(Instruction::with2(Sub_rm64_imm32, LIMIT, step));
        self.emit(Instruction::with2(Cmp_r64_rm64, first, LIMIT));
        self.asm.jump(Jg_rel32_64, done);
        self.asm.align();
        self.asm.bind(top);
        self.emit_block(block, available);
        for leaf in leaves {
            self.emit(Instruction::with2(Add_rm64_imm32, LEAVES[*leaf], step));
        }
        self.emit(Instruction::with2(Cmp_r64_rm64, first, LIMIT));
        self.asm.jump(Jle_rel32_64, top);
        self.asm.bind(done);
        self.emit(Instruction::with2(Add_rm64_imm32, LIMIT, step));
    }

    /// Groups of eight positions of a leaf, up to an index in a register.
    fn groups(&mut self, leaf: usize, limit: Register, accumulators: &[Vec<u8>], available: &Available) -> Result<()> {
        let block = self.block_of(&[leaf], 1, accumulators)?;
        let (top, done) = (self.asm.label(), self.asm.label());
        self.emit(Instruction::with2(Cmp_r64_rm64, LEAVES[leaf], limit));
        self.asm.jump(Jge_rel32_64, done);
        self.asm.bind(top);
        self.emit_block(&block, available);
        self.emit(Instruction::with2(Add_rm64_imm8, LEAVES[leaf], LEAF_LANES as i32));
        self.emit(Instruction::with2(Cmp_r64_rm64, LEAVES[leaf], limit));
        self.asm.jump(Jl_rel32_64, top);
        self.asm.bind(done);
        Ok(())
    }

    /// The lanes of a leaf's partial results combined into the results.
    fn fold_leaf(&mut self, accumulators: &[Vec<u8>], available: &Available, results: &Results) -> Result<()> {
        self.combining(available, |s| {
            for (r, registers) in accumulators.iter().enumerate() {
                let sum = s.fold_passes(r, registers)?;
                s.keep(number(sum), results[r][0], 0);
            }
            Ok(())
        })
    }

    /// What does not fill a group, up to `LIMIT`.
    fn one_by_one(&mut self, leaf: usize, results: &Results, available: &Available) -> Result<()> {
        let index = LEAVES[leaf];
        let block = self.select(Depth::Reduced, Turn::One, Tail::Bits, &[Some((index, 0))], &Sink::InMemory(results.clone()))?.block;
        let (top, done) = (self.asm.label(), self.asm.label());
        self.emit(Instruction::with2(Cmp_r64_rm64, index, LIMIT));
        self.asm.jump(Jge_rel32_64, done);
        self.asm.bind(top);
        self.emit_block(&block, available);
        self.emit(Instruction::with2(Add_rm64_imm8, index, 1));
        self.emit(Instruction::with2(Cmp_r64_rm64, index, LIMIT));
        self.asm.jump(Jl_rel32_64, top);
        self.asm.bind(done);
        Ok(())
    }

    /// A run that is four leaves, side by side, so many groups of each at a time; others fall through. The first leaf is the shortest, and only the last one may have
    /// positions that do not fill a group.
    fn four_leaves(
        &mut self,
        (length, done): (i32, Label),
        ends: &[i32],
        accumulators: &[Vec<u8>],
        (passes, groups): (usize, usize),
        available: &Available,
        results: &Results,
    ) -> Result<()> {
        let no = self.asm.label();
        let leaf = LEAF_LENGTH as i32;
        let [first, second, third, fourth] = LEAVES;
        // The left half in rax, the right one in rcx, each halved.
        self.halve(ADDRESS, ADDRESS);
        self.emit(Instruction::with2(Cmp_rm64_imm32, ADDRESS, leaf));
        self.asm.jump(Jle_rel32_64, no);
        self.load_word(LIMIT, Frame::at(length));
        self.emit(Instruction::with2(Sub_r64_rm64, LIMIT, ADDRESS));
        self.halve(second, ADDRESS);
        self.halve(fourth, LIMIT);
        self.emit(Instruction::with2(Mov_r64_rm64, TEMPORARY, ADDRESS));
        self.emit(Instruction::with2(Sub_r64_rm64, TEMPORARY, second));
        self.emit(Instruction::with2(Cmp_rm64_imm32, TEMPORARY, leaf));
        self.asm.jump(Jg_rel32_64, no);
        self.emit(Instruction::with2(Mov_r64_rm64, TEMPORARY, LIMIT));
        self.emit(Instruction::with2(Sub_r64_rm64, TEMPORARY, fourth));
        self.emit(Instruction::with2(Cmp_rm64_imm32, TEMPORARY, leaf));
        self.asm.jump(Jg_rel32_64, no);
        // Where leaves begin, and end but for what does not fill a group.
        self.emit(Instruction::with2(Lea_r64_m, third, MemoryOperand::with_base_index(first, ADDRESS)));
        self.emit(Instruction::with2(Add_r64_rm64, second, first));
        self.emit(Instruction::with2(Add_r64_rm64, fourth, third));
        self.store_word(Frame::at(ends[0]), third);
        self.store_word(Frame::at(ends[1]), fourth);
        self.emit(Instruction::with2(Add_r64_rm64, LIMIT, third));
        self.store_word(Frame::at(ends[3]), LIMIT);
        self.emit(Instruction::with2(And_rm64_imm8, TEMPORARY, -(LEAF_LANES as i32)));
        self.emit(Instruction::with2(Add_r64_rm64, TEMPORARY, fourth));
        self.store_word(Frame::at(ends[2]), TEMPORARY);

        self.clear(accumulators);
        let block = self.block_of(&[0, 1, 2, 3], groups, accumulators)?;
        self.emit(Instruction::with2(Mov_r64_rm64, LIMIT, second));
        self.turns(&block, &[0, 1, 2, 3], groups * LEAF_LANES as usize, available);
        let from = usize::from(groups == 1);
        for leaf in from..4 {
            if leaf > 0 {
                self.load_word(LIMIT, Frame::at(ends[leaf - 1]));
            }
            self.groups(leaf, LIMIT, &of_leaf(accumulators, leaf, passes), available)?;
        }
        let last: Vec<Vec<u8>> = accumulators.iter().map(|a| vec![a[3 * passes]]).collect();
        self.combining(available, |s| {
            for (r, registers) in accumulators.iter().enumerate() {
                let sum = s.fold_passes(r, &registers[3 * passes..])?;
                s.assign(sum, last[r][0], None);
            }
            Ok(())
        })?;
        // What does not fill a group is added in the first lane.
        self.load_word(LIMIT, Frame::at(ends[3]));
        self.mask_first_lane();
        let block = self.select(Depth::Reduced, Turn::One, Tail::Bits, &[Some((fourth, 0))], &Sink::Accumulate(last.clone()))?.block;
        self.turns(&block, &[3], 1, available);
        self.load_word(INDEX, Frame::at(ends[3]));
        self.combining(available, |s| {
            for (r, registers) in accumulators.iter().enumerate() {
                let [a, b, c] = [0, 1, 2].map(|leaf| s.fold_passes(r, &registers[leaf * passes..][..passes]));
                let left = s.combine(r, a?, b?, 0)?;
                let right = s.combine(r, c?, At::Fixed(last[r][0]), 0)?;
                let sum = s.combine(r, left, right, 0)?;
                s.keep(number(sum), results[r][0], 0);
            }
            Ok(())
        })?;
        self.asm.jump(Jmp_rel32_64, done);
        self.asm.bind(no);
        Ok(())
    }
}
