//! Sums down many columns of a tall table: some rows of a panel of columns at a time, so that memory is read nearly in the order
//! in which it lies.
//!
//! The eight partial results of a leaf, for every column of the panel, are in the frame. A block of columns takes its own into registers, goes down
//! [`ROWS`] rows, and puts them back; then the next block does the same rows. The tree's results are those of the whole panel. The order
//! in which the elements of one column are combined is that of `columns`, to the bit.

use iced_x86::Code::*;
use iced_x86::{Instruction, MemoryOperand, Register};

use super::nest::{ADDRESS, EXTENT, Generator, INDEX, LIMIT, Sink, TEMPORARY, THRICE};
use super::reduce::{LEFT, SHORT_BODY};
use super::regs::{self, Available, Frame};
use super::select::{At, Result, Tail, Turn};
use crate::kernel::{Depth, LEAF_LANES};

/// The bytes of a row of a panel: several lines of each page that is open, and few enough that partial results stay in the first cache.
const WIDTH: usize = 2048;
/// How many rows a block of columns goes down at a time: few enough pages for the prefetcher to follow.
const ROWS: i32 = 16;
/// Fewer than this are one leaf, which a block of columns goes down at once without leaving the second cache.
const LEAST_ROWS: i32 = 129;
/// More than this has to do without, and needs a deeper stack.
const MOST_ROWS: i32 = 1 << 30;
/// As many halvings as bring `MOST_ROWS` to the length of a leaf.
const DEPTH: usize = 26;
/// How long what is done anew for each block of columns may be.
const SHORT_BEFORE: usize = 16;

/// A panel under way: offsets in the frame.
struct Panel {
    copies: usize,
    /// Elements of a block of columns.
    step: i32,
    /// The first index, and the one after the last.
    first: i32,
    last: i32,
    /// Partial results of all blocks, and how many bytes a block has.
    parts: i32,
    part_bytes: i32,
    /// Results of all blocks, and how many bytes a block has.
    results: i32,
    result_bytes: i32,
    /// The addresses of the current block's.
    part: i32,
    result: i32,
}

impl Generator<'_> {
    /// Does panels of whole blocks, from `INDEX` on, as long as there are two blocks and enough rows.
    pub fn panels(&mut self, copies: usize) -> Result<()> {
        let nest = self.shape.nest;
        if nest.reduced.is_empty() || !nest.is_ordered() {
            return Ok(());
        }
        let (reductions, eight, width) = (self.reductions(), LEAF_LANES as usize, self.shape.isa.width());
        let index = self.side_by_side(copies);
        let placeholder = Sink::Accumulate(vec![vec![0; copies]; reductions]);
        let body = self.select(Depth::Reduced, Turn::Full, Tail::Bits, &index, &placeholder)?.block;
        let before = self.select(Depth::Parallel(nest.rank() as u8), Turn::Full, Tail::Bits, &index, &Sink::Nothing)?.block;
        let mut available = Available::all(self.shape.isa);
        let taken = eight * copies * reductions;
        let fits = regs::pressure(&body).0.max(LEFT) + taken <= available.count();
        if !fits || body.items.len() > SHORT_BODY || before.items.len() > SHORT_BEFORE {
            return Ok(());
        }
        let registers: Vec<Vec<Vec<u8>>> = (0..eight).map(|_| self.accumulators(copies, &mut available)).collect::<Result<_>>()?;
        let result_bytes = width * copies * reductions;
        let blocks = WIDTH / result_bytes;
        let part_bytes = eight * result_bytes;
        let panel = Panel {
            copies,
            step: (self.shape.lanes * copies) as i32,
            first: self.frame.reserve(8, 8),
            last: self.frame.reserve(8, 8),
            parts: self.frame.reserve(part_bytes * blocks, 64),
            part_bytes: part_bytes as i32,
            results: self.frame.reserve(result_bytes * blocks, 64),
            result_bytes: result_bytes as i32,
            part: self.frame.reserve(8, 8),
            result: self.frame.reserve(8, 8),
        };
        let (top, skip, fewer) = (self.asm.label(), self.asm.label(), self.asm.label());
        self.load_word(ADDRESS, self.shape.param(nest.reduced[0]));
        self.emit(Instruction::with2(Cmp_rm64_imm32, ADDRESS, LEAST_ROWS));
        self.asm.jump(Jl_rel32_64, skip);
        self.emit(Instruction::with2(Cmp_rm64_imm32, ADDRESS, MOST_ROWS));
        self.asm.jump(Jg_rel32_64, skip);
        self.asm.bind(top);
        self.emit(Instruction::with2(Lea_r64_m, LIMIT, MemoryOperand::with_base_displ(EXTENT, -2 * panel.step as i64)));
        self.emit(Instruction::with2(Cmp_r64_rm64, INDEX, LIMIT));
        self.asm.jump(Jg_rel32_64, skip);
        // Whole blocks, as many as there are.
        self.store_word(Frame::at(panel.first), INDEX);
        self.emit(Instruction::with2(Mov_r64_rm64, ADDRESS, EXTENT));
        self.emit(Instruction::with2(Sub_r64_rm64, ADDRESS, INDEX));
        self.emit(Instruction::with2(And_rm64_imm32, ADDRESS, -panel.step));
        let most = blocks as i32 * panel.step;
        self.emit(Instruction::with2(Cmp_rm64_imm32, ADDRESS, most));
        self.asm.jump(Jle_rel32_64, fewer);
        self.emit(Instruction::with2(Mov_rm64_imm32, ADDRESS, most));
        self.asm.bind(fewer);
        self.emit(Instruction::with2(Add_r64_rm64, ADDRESS, INDEX));
        self.store_word(Frame::at(panel.last), ADDRESS);
        let start = self.pointers_kept(nest.rank());
        self.tree_of(
            (result_bytes * blocks, DEPTH),
            &mut |_, _, _| Ok(()),
            &mut |g, length| g.panel_leaf(&panel, length, &registers, &available),
            &|g| g.panel_results(&panel, false, &available),
            &|g| g.panel_results(&panel, true, &available),
        )?;
        self.restore_pointers(&start);
        let results = self.results(copies);
        self.each_block(&panel, |g| {
            g.before_column(Turn::Full, Tail::Bits, &index, &available)?;
            g.take_results(&panel, &results, &available)?;
            g.after_column(Turn::Full, Tail::Bits, &index, &results, &available)
        })?;
        self.asm.jump(Jmp_rel32_64, top);
        self.asm.bind(skip);
        Ok(())
    }

    /// Runs `body` for each block of columns of a panel: `INDEX` is its first column. It ends after the last one.
    fn each_block(&mut self, panel: &Panel, body: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        for (of_all, current) in [(panel.parts, panel.part), (panel.results, panel.result)] {
            self.emit(Instruction::with2(Lea_r64_m, ADDRESS, Frame::at(of_all)));
            self.store_word(Frame::at(current), ADDRESS);
        }
        self.load_word(INDEX, Frame::at(panel.first));
        let top = self.asm.label();
        self.asm.bind(top);
        body(self)?;
        self.emit(Instruction::with2(Add_rm64_imm32, Frame::at(panel.part), panel.part_bytes));
        self.emit(Instruction::with2(Add_rm64_imm32, Frame::at(panel.result), panel.result_bytes));
        self.emit(Instruction::with2(Add_rm64_imm32, INDEX, panel.step));
        self.emit(Instruction::with2(Cmp_r64_rm64, INDEX, Frame::at(panel.last)));
        self.asm.jump(Jl_rel32_64, top);
        Ok(())
    }

    /// Where a partial result of the block at `ADDRESS` is, or a result.
    fn in_block(&self, panel: &Panel, base: Register, part: usize, r: usize, copy: usize) -> MemoryOperand {
        let reductions = self.reductions();
        let k = (part * reductions + r) * panel.copies + copy;
        MemoryOperand::with_base_displ(base, (k * self.shape.isa.width()) as i64)
    }

    /// The next positions of all columns, as many as the word `length` says: at most a leaf's.
    fn panel_leaf(&mut self, panel: &Panel, length: i32, registers: &[Vec<Vec<u8>>], available: &Available) -> Result<()> {
        let rank = self.shape.nest.rank();
        let index = self.side_by_side(panel.copies);
        let [groups, turns, count] = std::array::from_fn(|_| self.frame.reserve(8, 8));
        let slots: Vec<(usize, usize, usize)> = (0..registers.len())
            .flat_map(|part| (0..registers[part].len()).flat_map(move |r| (0..panel.copies).map(move |copy| (part, r, copy))))
            .collect();
        let places: Vec<MemoryOperand> = slots.iter().map(|&(part, r, copy)| self.in_block(panel, ADDRESS, part, r, copy)).collect();
        let fixed = |&(part, r, copy): &(usize, usize, usize)| registers[part][r][copy];
        // Every partial result begins as the identity.
        for parts in registers {
            self.clear(parts);
        }
        self.each_block(panel, |g| {
            g.load_word(ADDRESS, Frame::at(panel.part));
            g.combining(available, |s| {
                slots.iter().zip(&places).for_each(|(slot, place)| s.copy_out(At::Fixed(fixed(slot)), *place));
                Ok(())
            })
        })?;
        let kept = self.pointers_kept(rank);
        let (top, done, whole) = (self.asm.label(), self.asm.label(), self.asm.label());
        self.load_word(ADDRESS, Frame::at(length));
        self.emit(Instruction::with2(Shr_rm64_imm8, ADDRESS, LEAF_LANES.trailing_zeros()));
        self.store_word(Frame::at(groups), ADDRESS);
        self.asm.bind(top);
        self.load_word(ADDRESS, Frame::at(groups));
        self.emit(Instruction::with2(Test_rm64_r64, ADDRESS, ADDRESS));
        self.asm.jump(Je_rel32_64, done);
        self.emit(Instruction::with2(Cmp_rm64_imm32, ADDRESS, ROWS / LEAF_LANES as i32));
        self.asm.jump(Jle_rel32_64, whole);
        self.emit(Instruction::with2(Mov_rm64_imm32, ADDRESS, ROWS / LEAF_LANES as i32));
        self.asm.bind(whole);
        self.store_word(Frame::at(turns), ADDRESS);
        self.emit(Instruction::with2(Sub_rm64_r64, Frame::at(groups), ADDRESS));
        self.each_block(panel, |g| {
            g.restore_pointers(&kept);
            g.before_column(Turn::Full, Tail::Bits, &index, available)?;
            g.load_word(ADDRESS, Frame::at(panel.part));
            g.combining(available, |s| {
                for (slot, place) in slots.iter().zip(&places) {
                    let part = s.copy_in(*place);
                    s.assign(part, fixed(slot), None);
                }
                Ok(())
            })?;
            g.load_word(ADDRESS, Frame::at(turns));
            g.repeat(count, |g| {
                for parts in registers {
                    g.position(Turn::Full, Tail::Bits, &index, &Sink::Accumulate(parts.clone()), available)?;
                }
                Ok(())
            })?;
            g.load_word(ADDRESS, Frame::at(panel.part));
            g.combining(available, |s| {
                slots.iter().zip(&places).for_each(|(slot, place)| s.copy_out(At::Fixed(fixed(slot)), *place));
                Ok(())
            })
        })?;
        self.keep_pointers(&kept);
        self.asm.jump(Jmp_rel32_64, top);
        self.asm.bind(done);
        // What does not fill a group is combined with the leaf's result, position by position.
        let results = self.results(panel.copies);
        let result = |g: &Self, r, copy| g.in_block(panel, TEMPORARY, 0, r, copy);
        self.each_block(panel, |g| {
            g.restore_pointers(&kept);
            g.before_column(Turn::Full, Tail::Bits, &index, available)?;
            g.load_word(ADDRESS, Frame::at(panel.part));
            g.combining(available, |s| {
                for (r, offsets) in results.iter().enumerate() {
                    for (copy, offset) in offsets.iter().enumerate() {
                        let of_this = slots.iter().zip(&places).filter(|((_, own, c), _)| (*own, *c) == (r, copy));
                        let all = of_this.map(|(_, place)| s.copy_in(*place)).collect();
                        let sum = s.combine_all(r, all)?;
                        s.keep(super::reduce::number(sum), *offset, 0);
                    }
                }
                Ok(())
            })?;
            g.load_word(ADDRESS, Frame::at(length));
            g.emit(Instruction::with2(And_rm64_imm8, ADDRESS, LEAF_LANES as i32 - 1));
            let sink = Sink::InMemory(results.clone());
            g.repeat(count, |g| g.position(Turn::Full, Tail::Bits, &index, &sink, available))?;
            g.load_word(TEMPORARY, Frame::at(panel.result));
            let places: Vec<_> = (0..results.len()).map(|r| (0..panel.copies).map(|c| result(g, r, c)).collect::<Vec<_>>()).collect();
            g.combining(available, |s| {
                for (offsets, places) in results.iter().zip(&places) {
                    for (offset, place) in offsets.iter().zip(places) {
                        s.copy_out(At::Place(super::machine::Place::Frame(*offset)), *place);
                    }
                }
                Ok(())
            })
        })
    }

    /// Copies the results of a panel to 64 bytes past `ADDRESS`, or combines what is there with them.
    fn panel_results(&mut self, panel: &Panel, join: bool, available: &Available) -> Result<()> {
        self.emit(Instruction::with2(Mov_r64_rm64, THRICE, ADDRESS));
        let reductions = self.reductions();
        let each: Vec<(usize, usize)> = (0..reductions).flat_map(|r| (0..panel.copies).map(move |copy| (r, copy))).collect();
        let entry = |g: &Self, r, copy| {
            let at = g.in_block(panel, THRICE, 0, r, copy);
            MemoryOperand { displacement: at.displacement + 64, displ_size: 1, ..at }
        };
        self.each_block(panel, |g| {
            g.load_word(TEMPORARY, Frame::at(panel.result));
            let places: Vec<_> = each.iter().map(|&(r, c)| (r, g.in_block(panel, TEMPORARY, 0, r, c), entry(g, r, c))).collect();
            g.combining(available, |s| {
                for (r, own, entry) in &places {
                    let right = s.copy_in(*own);
                    if join {
                        let left = s.copy_in(*entry);
                        let sum = s.combine(*r, left, right, 0)?;
                        s.copy_out(sum, *own);
                    } else {
                        s.copy_out(right, *entry);
                    }
                }
                Ok(())
            })?;
            g.emit(Instruction::with2(Add_rm64_imm32, THRICE, panel.result_bytes));
            Ok(())
        })
    }

    /// Puts the results of the current block where [`Generator::after_column`] finds them.
    fn take_results(&mut self, panel: &Panel, results: &super::reduce::Results, available: &Available) -> Result<()> {
        self.load_word(TEMPORARY, Frame::at(panel.result));
        let places: Vec<Vec<_>> =
            (0..results.len()).map(|r| (0..panel.copies).map(|c| self.in_block(panel, TEMPORARY, 0, r, c)).collect()).collect();
        self.combining(available, |s| {
            for (offsets, places) in results.iter().zip(&places) {
                for (offset, place) in offsets.iter().zip(places) {
                    let x = s.copy_in(*place);
                    s.keep(super::reduce::number(x), *offset, 0);
                }
            }
            Ok(())
        })
    }
}
