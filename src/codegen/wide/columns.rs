//! Reductions whose lanes are along the last parallel axis: down the columns of a table, several vectors of columns a turn. The
//! eight partial results of a leaf are eight vectors for each.

use iced_x86::Code::{self, *};
use iced_x86::{Instruction, MemoryOperand, Register};

use super::machine::Place;
use super::nest::{ADDRESS, EXTENT, Generator, INDEX, LIMIT, Sink};
use super::reduce::{LEFT, Results, SHORT_BODY, number};
use super::regs::{Available, Frame};
use super::select::{At, Declined, Lane, Result, Tail, Turn};
use crate::kernel::{Depth, LEAF_LANES, Stride, ValueId};

/// The most vectors of results side by side.
const COLUMNS: usize = 4;

impl Generator<'_> {
    /// Lanes along the last parallel axis: the reductions of several vectors of results, of one, and of what is left.
    pub fn reduce_columns(&mut self) -> Result<()> {
        let lanes = self.shape.lanes as i64;
        let reductions = self.reductions();
        let most = if reductions > 2 { 1 } else { 4 / reductions };
        let per = if self.shape.nest.is_ordered() { LEAF_LANES as usize } else { 1 };
        self.column_homes()?;
        let copies = self.copies(Depth::Reduced, most, per)?;
        let (rest, done) = (self.asm.label(), self.asm.label());
        self.emit(Instruction::with2(Xor_r32_rm32, Register::ESI, Register::ESI));
        self.panels(copies)?;
        for copies in if copies > 1 { vec![copies, 1] } else { vec![1] } {
            let step = (lanes * copies as i64) as i32;
            let (top, skip) = (self.asm.label(), self.asm.label());
            self.asm.bind(top);
            self.emit(Instruction::with2(Lea_r64_m, LIMIT, MemoryOperand::with_base_displ(EXTENT, -step as i64)));
            self.emit(Instruction::with2(Cmp_r64_rm64, INDEX, LIMIT));
            self.asm.jump(Jg_rel32_64, skip);
            let index = self.side_by_side(copies);
            self.column(Turn::Full, Tail::Bits, &index, Available::all(self.shape.isa))?;
            self.emit(Instruction::with2(Add_rm64_imm32, INDEX, step));
            self.asm.jump(Jmp_rel32_64, top);
            self.asm.bind(skip);
        }
        self.asm.bind(rest);
        self.emit(Instruction::with2(Cmp_r64_rm64, INDEX, EXTENT));
        self.asm.jump(Jge_rel32_64, done);
        let mut available = Available::all(self.shape.isa);
        if self.can_mask() {
            let tail = self.make_mask(&mut available);
            self.column(Turn::Masked, tail, &[Some((INDEX, 0))], available)?;
        } else {
            self.column(Turn::One, Tail::Bits, &[Some((INDEX, 0))], available)?;
            self.emit(Instruction::with2(Add_rm64_imm8, INDEX, 1));
            self.asm.jump(Jmp_rel32_64, rest);
        }
        self.asm.bind(done);
        Ok(())
    }

    /// One turn along the last parallel axis: what comes before the reductions, they themselves, what comes after.
    fn column(&mut self, turn: Turn, tail: Tail, index: &[Option<(Register, i64)>], available: Available) -> Result<()> {
        let nest = self.shape.nest;
        self.before_column(turn, tail, index, &available)?;
        let results = self.results(index.len());
        if nest.reduced.is_empty() {
            self.single_position(turn, tail, index, &results)?;
        } else if nest.is_ordered() {
            self.tree_along(turn, tail, index, &results, &available)?;
        } else {
            self.any_order_along(turn, tail, index, &results, available.clone())?;
        }
        self.after_column(turn, tail, index, &results, &available)
    }

    /// What is the same for all positions of a column, into places of the frame.
    pub fn before_column(&mut self, turn: Turn, tail: Tail, index: &[Option<(Register, i64)>], available: &Available) -> Result<()> {
        let before = Depth::Parallel(self.shape.nest.rank() as u8);
        let kept = self.kept(before, false);
        let mut s = self.select(before, turn, tail, index, &Sink::Nothing)?;
        let mut values = Vec::new();
        for v in &kept {
            (0..index.len()).for_each(|copy| values.push((*v, copy, s.value(*v, copy))));
        }
        let block = s.block;
        let homes: Vec<i32> = values.iter().map(|(v, copy, value)| self.home(*v, value.lane, COLUMNS) + 64 * *copy as i32).collect();
        let mut s = self.select_more(block);
        s.turn = turn;
        s.index = index.iter().copied().collect();
        for ((_, copy, value), home) in values.iter().zip(homes) {
            s.keep(*value, home, *copy);
        }
        let block = s.block;
        self.emit_block(&block, available);
        Ok(())
    }

    /// What is made of the results, and the stores.
    pub fn after_column(
        &mut self,
        turn: Turn,
        tail: Tail,
        index: &[Option<(Register, i64)>],
        results: &Results,
        available: &Available,
    ) -> Result<()> {
        self.shape.results = results.clone();
        let block = self.select(Depth::After, turn, tail, index, &Sink::Stores)?.block;
        self.emit_block(&block, available);
        Ok(())
    }

    /// Places for what blocks of a turn keep for one another, the same for turns of any number of vectors.
    fn column_homes(&mut self) -> Result<()> {
        let nest = self.shape.nest;
        let before = Depth::Parallel(nest.rank() as u8);
        let kept = self.kept(before, false);
        let index = self.side_by_side(1);
        let mut s = self.select(before, Turn::Full, Tail::Bits, &index, &Sink::Nothing)?;
        let lanes: Vec<(ValueId, Lane)> = kept.iter().map(|v| (*v, s.value(*v, 0).lane)).collect();
        for (v, lane) in lanes {
            self.home(v, lane, COLUMNS);
        }
        Ok(())
    }

    fn any_order_along(
        &mut self,
        turn: Turn,
        tail: Tail,
        index: &[Option<(Register, i64)>],
        results: &Results,
        mut available: Available,
    ) -> Result<()> {
        let accumulators = self.accumulators(index.len(), &mut available)?;
        if available.count() < LEFT {
            return Err(Declined);
        }
        self.clear(&accumulators);
        let block = self.select(Depth::Reduced, turn, tail, index, &Sink::Accumulate(accumulators.clone()))?.block;
        let pins = self.pin(&block, &mut available);
        self.load_pins(&pins);
        self.reduced_loops(0, 0, &mut |g| {
            g.emit_block(&block, &available);
            Ok(())
        })?;
        self.combining(&available, |s| {
            for (registers, offsets) in accumulators.iter().zip(results) {
                registers.iter().zip(offsets).for_each(|(r, offset)| s.keep(number(At::Fixed(*r)), *offset, 0));
            }
            Ok(())
        })
    }

    /// Leaves whose eight partial results are vectors.
    fn tree_along(
        &mut self,
        turn: Turn,
        tail: Tail,
        index: &[Option<(Register, i64)>],
        results: &Results,
        outside: &Available,
    ) -> Result<()> {
        let (copies, reductions) = (index.len(), self.reductions());
        let placeholder = Sink::Accumulate(vec![vec![0; copies]; reductions]);
        let block = self.select(Depth::Reduced, turn, tail, index, &placeholder)?.block;
        if block.items.len() > 4 * SHORT_BODY {
            return Err(Declined);
        }
        let eight = LEAF_LANES as usize;
        let in_registers = super::regs::pressure(&block).0.max(LEFT) + eight * copies * reductions <= outside.count();
        let mut available = outside.clone();
        let parts: Vec<Sink> = (0..eight)
            .map(|_| match in_registers {
                true => Ok(Sink::Accumulate(self.accumulators(copies, &mut available)?)),
                false => Ok(Sink::InMemory(self.results(copies))),
            })
            .collect::<Result<_>>()?;
        let count = self.frame.reserve(8, 8);
        let start = self.pointers_kept(self.shape.nest.rank());
        self.tree(
            results,
            &mut |_, _, _| Ok(()),
            &mut |g, length| {
                for part in &parts {
                    match part {
                        Sink::Accumulate(registers) => g.clear(registers),
                        Sink::InMemory(offsets) => g.clear_memory(offsets, &available)?,
                        _ => {}
                    }
                }
                g.load_word(ADDRESS, Frame::at(length));
                g.emit(Instruction::with2(Shr_rm64_imm8, ADDRESS, LEAF_LANES.trailing_zeros()));
                g.repeat(count, |g| {
                    for part in &parts {
                        g.position(turn, tail, index, part, &available)?;
                    }
                    Ok(())
                })?;
                g.combining(&available, |s| {
                    for (r, offsets) in results.iter().enumerate() {
                        for (copy, offset) in offsets.iter().enumerate() {
                            let at = |part: &Sink| match part {
                                Sink::Accumulate(registers) => At::Fixed(registers[r][copy]),
                                Sink::InMemory(offsets) => At::Place(Place::Frame(offsets[r][copy])),
                                _ => unreachable!("parts are in registers or in memory"),
                            };
                            let all: Vec<At> = parts.iter().map(at).collect();
                            let sum = s.combine_all(r, all)?;
                            s.keep(number(sum), *offset, 0);
                        }
                    }
                    Ok(())
                })?;
                g.load_word(ADDRESS, Frame::at(length));
                g.emit(Instruction::with2(And_rm64_imm8, ADDRESS, LEAF_LANES as i32 - 1));
                let sink = Sink::InMemory(results.clone());
                g.repeat(count, |g| g.position(turn, tail, index, &sink, &available))
            },
            &available,
        )?;
        self.restore_pointers(&start);
        Ok(())
    }

    fn clear_memory(&mut self, offsets: &Results, available: &Available) -> Result<()> {
        for (r, copies) in offsets.iter().enumerate() {
            let identity = self.identity(r);
            self.combining(available, |s| {
                copies.iter().for_each(|offset| s.keep(number(At::Place(identity)), *offset, 0));
                Ok(())
            })?;
        }
        Ok(())
    }

    /// The body at one position; addresses move on to the next.
    pub fn position(
        &mut self,
        turn: Turn,
        tail: Tail,
        index: &[Option<(Register, i64)>],
        sink: &Sink,
        available: &Available,
    ) -> Result<()> {
        let block = self.select(Depth::Reduced, turn, tail, index, sink)?.block;
        self.emit_block(&block, available);
        let axis = self.shape.nest.rank();
        for p in 0..self.shape.pointers.len() {
            if self.stride_of(p, axis) != Stride::Zero {
                self.advance(p, axis);
            }
        }
        Ok(())
    }

    /// A body that runs as often as `ADDRESS` says.
    pub fn repeat(&mut self, count: i32, body: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let (top, done) = (self.asm.label(), self.asm.label());
        self.store_word(Frame::at(count), ADDRESS);
        self.emit(Instruction::with2(Test_rm64_r64, ADDRESS, ADDRESS));
        self.asm.jump(Je_rel32_64, done);
        self.asm.bind(top);
        body(self)?;
        self.emit(Instruction::with1(Dec_rm64, Frame::at(count)));
        self.asm.jump(Code::Jne_rel32_64, top);
        self.asm.bind(done);
        Ok(())
    }
}
