//! The loops of a nest around its blocks: arguments, outer axes, and the elements of the innermost one.
//!
//! ```text
//! general registers: rdi arguments   rsi index along the vector's axis   rdx its extent   rcx limit of a loop
//!                    rax, r11, r15 addresses in passing                 the rest: addresses that loops move
//! ```
//!
//! Outer loops move addresses by their strides and put them back. Along the vector's axis an index moves, so that most accesses
//! need no instruction of their own.

use hashbrown::HashMap;
use iced_x86::{Code, Instruction, MemoryOperand, Register};
use smallvec::SmallVec;

use super::asm::{Assembled, Assembler, Label};
use super::machine::{Block, Isa};
use super::reduce::Results;
use super::regs::{self, Available, Frame};
use super::rows::ROWS;
use super::select::{Declined, Lane, Result, Select, Tail, Turn, Value};
use crate::kernel::{Depth, Inst, LEAF_LANES, Lanes, LoopNest, Stride, ValueId};
use crate::ops::UnaryOp;

pub(super) const ARGUMENTS: Register = Register::RDI;
pub(super) const INDEX: Register = Register::RSI;
pub(super) const EXTENT: Register = Register::RDX;
pub(super) const LIMIT: Register = Register::RCX;
pub(super) const ADDRESS: Register = Register::RAX;
pub(super) const TEMPORARY: Register = Register::R11;
pub(super) const THRICE: Register = Register::R15;
const POINTERS: [Register; 7] = [Register::RBX, Register::R8, Register::R9, Register::R10, Register::R12, Register::R13, Register::R14];
/// Registers that the caller wants back.
const SAVED: [Register; 5] = [Register::RBX, Register::R12, Register::R13, Register::R14, Register::R15];
/// The largest frame, a fraction of the stacks that threads have.
const MOST_FRAME: i32 = 128 << 10;
const PAGE: i32 = 4096;

/// Where the current address of an argument is.
#[derive(Clone, Copy)]
pub(super) enum Pointer {
    Register(Register),
    Frame(i32),
}

/// Where a value is kept between blocks.
#[derive(Clone, Copy)]
pub(super) struct Home {
    pub offset: i32,
    /// Bytes from copy to copy, or where lanes run along a reduced axis from row to row; 0 if all are one.
    apart: i32,
    pub lane: Lane,
}

/// What does not change while a nest is compiled, and where things are.
pub(super) struct Shape<'a> {
    pub nest: &'a LoopNest,
    pub isa: Isa,
    /// How many elements a vector holds: the partial results of the defined order at most, but in blocks of several groups of it.
    pub lanes: usize,
    /// How many elements of the body's widest type a register holds.
    pub whole: usize,
    /// The axis of accesses along which they lie.
    pub axis: Option<usize>,
    pub pointers: Vec<Pointer>,
    pub homes: Vec<Option<Home>>,
    /// A vector's room for what goes through memory on its way to general registers.
    pub scratch: i32,
    /// How many rows the copies of a block are vectors of, if they are of several: see `rows`. Else 0.
    pub rows: usize,
    /// Which of several rows is computed outside of reductions, if values of these are kept for each.
    pub row: Option<i32>,
    /// Where the results of reductions are that the code which follows uses.
    pub results: Results,
    /// Which negations are part of the fused multiply-add that alone reads them.
    folded: Vec<bool>,
    /// Which values are reciprocals for [`Inst::Quotient`] and what is computed for them alone, outside of the loop over the vector's axis: a
    /// short axis does without.
    late: Vec<bool>,
    /// True while code for these is selected.
    is_late: bool,
    /// True where quotients are divisions: in blocks of single vectors of a short axis.
    pub divides: bool,
}

impl Shape<'_> {
    /// A size argument.
    pub fn param(&self, p: u32) -> MemoryOperand {
        MemoryOperand::with_base_displ(ARGUMENTS, 8 * (self.nest.pointers + p) as i64)
    }

    /// The word of the arguments that is so many after the sizes.
    pub fn word(&self, k: u32) -> MemoryOperand {
        self.param(self.nest.params + k)
    }

    /// True for a negation that is no instruction of its own.
    pub fn is_folded(&self, k: usize) -> bool {
        self.folded[k]
    }

    /// True for an instruction of a depth that is for the code which is selected now.
    fn selects(&self, k: usize, depth: Depth) -> bool {
        self.nest.depths[k] == depth && self.late[k] == self.is_late
    }

    /// Where one of so many copies of a value is.
    pub fn home(&self, v: ValueId, copy: usize, copies: usize) -> Home {
        let home = self.homes[v.index()].expect("a value from another block is kept");
        let which = match (self.nest.lanes, self.rows) {
            (Lanes::Reduced, 0) => 0,
            (Lanes::Reduced, rows) => copy * rows / copies,
            _ => copy,
        };
        Home { offset: home.offset + home.apart * which as i32, ..home }
    }
}

/// What a block does with the values that it computes.
pub(super) enum Sink {
    Nothing,
    /// The nest's stores.
    Stores,
    /// Its stores, whole vectors around the cache.
    Stream,
    /// Combines the reductions' operands into registers: for each reduction, one for each copy.
    Accumulate(Vec<Vec<u8>>),
    /// The same, into places in the frame.
    InMemory(Vec<Vec<i32>>),
}

/// A nest under construction.
pub(super) struct Generator<'a> {
    pub shape: Shape<'a>,
    pub asm: Assembler,
    pub frame: Frame,
    /// An access of each address argument; all of one address have the same strides and element type.
    access_of: Vec<usize>,
    /// Room for the stack of a reduction's tree, and its bytes.
    pub tree_stack: Option<(i32, usize)>,
}

/// Compiles a verified nest.
pub(super) fn generate(nest: &LoopNest, isa: Isa, listing: bool) -> Result<Assembled> {
    let mut g = Generator::new(nest, isa, listing)?;
    let (entry, body) = (g.asm.label(), g.asm.label());
    g.asm.bind(body);
    g.arguments();
    g.uniform(Depth::Parallel(0), false)?;
    g.parallel(0)?;
    g.leave();
    g.rare();
    g.enter(entry, body)?;
    g.asm.finish(entry).ok_or(Declined)
}

/// For each value whether it is a negation that one fused multiply-add of the same depth reads, and nothing else.
fn folded_negations(nest: &LoopNest) -> Vec<bool> {
    let count = nest.insts.len();
    let (mut reads, mut by_fma) = (vec![0; count], vec![false; count]);
    for (k, inst) in nest.insts.iter().enumerate() {
        for o in inst.operands() {
            reads[o.index()] += 1;
            by_fma[o.index()] = matches!(inst, Inst::Fma(..)) && nest.depths[o.index()] == nest.depths[k];
        }
    }
    nest.stores.iter().map(|s| s.value).chain(nest.reductions.iter().map(|r| r.value)).for_each(|v| reads[v.index()] += 1);
    let is_negation = |k: usize| matches!(nest.insts[k], Inst::Unary(UnaryOp::Neg, _)) && nest.types[k].is_float();
    (0..count).map(|k| is_negation(k) && reads[k] == 1 && by_fma[k]).collect()
}

/// See [`Shape::late`].
fn late_values(nest: &LoopNest) -> Vec<bool> {
    let count = nest.insts.len();
    if !nest.reductions.is_empty() || !matches!(nest.lanes, Lanes::Parallel(_)) {
        return vec![false; count];
    }
    let outside = Depth::Parallel(nest.rank() as u8 - 1);
    let mut late: Vec<bool> = nest.depths.iter().map(|d| *d == outside).collect();
    let mut by_quotient = vec![false; count];
    nest.stores.iter().for_each(|s| late[s.value.index()] = false);
    for (k, inst) in nest.insts.iter().enumerate().rev() {
        // What nothing reads is as good as read by others.
        late[k] &= by_quotient[k];
        for (n, o) in inst.operands().iter().enumerate() {
            let alone = late[k] || n == 2 && matches!(inst, Inst::Quotient(..));
            by_quotient[o.index()] |= alone;
            late[o.index()] &= alone;
        }
    }
    late
}

/// How many elements of the body's widest type a register holds.
fn whole_of(nest: &LoopNest, isa: Isa) -> usize {
    let vector = |k: usize| nest.in_lanes(nest.depths[k]);
    let operands = |k: usize| nest.insts[k].operands().into_iter().map(|o| o.index()).filter(|o| vector(*o));
    let size = |k: usize| operands(k).chain([k]).map(|k| nest.types[k].size()).max().unwrap_or(1);
    let read = (0..nest.insts.len()).filter(|k| vector(*k)).map(size);
    let stored = nest.stores.iter().map(|s| nest.types[s.value.index()].size());
    // What is combined need not be in the vector's loop: a sum of equal values.
    let combined = nest.reductions.iter().map(|r| nest.types[r.value.index()].size());
    isa.width() / read.chain(stored).chain(combined).max().unwrap_or(8)
}

impl<'a> Generator<'a> {
    fn new(nest: &'a LoopNest, isa: Isa, listing: bool) -> Result<Generator<'a>> {
        let rank = nest.rank();
        let outside =
            nest.keeps_positions() || nest.descending && (!matches!(nest.lanes, Lanes::Parallel(_)) || !nest.reductions.is_empty());
        let scatters = nest.stores.iter().any(|s| s.scatter.is_some());
        if outside || scatters || nest.is_ordered() && nest.reduced.len() > 1 {
            return Err(Declined);
        }
        let mut access_of = vec![0; nest.pointers as usize];
        for (k, access) in nest.accesses.iter().enumerate() {
            access_of[access.pointer as usize] = k;
        }
        let mut frame = Frame::default();
        let scratch = frame.reserve(64, 64);
        // Indices of leaves side by side take the registers of some addresses. What moves inside a reduction comes first.
        let usable = if nest.lanes == Lanes::Reduced { &POINTERS[..4] } else { &POINTERS[..] };
        let inside = |p: &u32| nest.accesses.iter().any(|a| a.pointer == *p && a.depth(rank) == Depth::Reduced);
        let mut order: Vec<u32> = (0..nest.pointers).collect();
        order.sort_by_key(|p| !inside(p));
        let mut pointers = vec![Pointer::Frame(0); nest.pointers as usize];
        for (k, p) in order.into_iter().enumerate() {
            pointers[p as usize] = match usable.get(k) {
                Some(r) => Pointer::Register(*r),
                None => Pointer::Frame(frame.reserve(8, 8)),
            };
        }
        let axis = match nest.lanes {
            Lanes::Scalar => None,
            Lanes::Parallel(_) => Some(rank - 1),
            Lanes::Reduced => Some(rank + nest.reduced.len() - 1),
        };
        let homes = vec![None; nest.insts.len()];
        let mut shape = Shape {
            nest,
            isa,
            lanes: 1,
            whole: 1,
            axis,
            pointers,
            homes,
            scratch,
            rows: 0,
            row: None,
            results: Vec::new(),
            folded: folded_negations(nest),
            late: late_values(nest),
            is_late: false,
            divides: false,
        };
        shape.whole = whole_of(nest, isa);
        let across = nest.lanes == Lanes::Reduced && nest.is_ordered();
        shape.lanes = if across { shape.whole.min(LEAF_LANES as usize) } else { shape.whole };
        // A store of many lanes to one place: whoever writes last wins, which this backend does not know of.
        let stays = |s: &crate::kernel::Store| {
            matches!(nest.lanes, Lanes::Parallel(_)) && nest.accesses[s.access as usize].strides[rank - 1] == Stride::Zero
        };
        if nest.stores.iter().any(stays) {
            return Err(Declined);
        }
        Ok(Generator { shape, asm: Assembler::new(isa.width(), listing), frame, access_of, tree_stack: None })
    }

    pub fn emit(&mut self, i: std::result::Result<Instruction, iced_x86::IcedError>) {
        self.asm.emit(i.expect("an instruction on general registers"));
    }

    pub fn load_word(&mut self, r: Register, at: MemoryOperand) {
        self.emit(Instruction::with2(Code::Mov_r64_rm64, r, at));
    }

    pub fn store_word(&mut self, at: MemoryOperand, r: Register) {
        self.emit(Instruction::with2(Code::Mov_rm64_r64, at, r));
    }

    fn arguments(&mut self) {
        for p in 0..self.shape.pointers.len() {
            let at = MemoryOperand::with_base_displ(ARGUMENTS, 8 * p as i64);
            match self.shape.pointers[p] {
                Pointer::Register(r) => self.load_word(r, at),
                Pointer::Frame(offset) => {
                    self.load_word(ADDRESS, at);
                    self.store_word(Frame::at(offset), ADDRESS);
                }
            }
        }
    }

    /// The code that is entered, once the size of the frame is known.
    fn enter(&mut self, entry: Label, body: Label) -> Result<()> {
        let bytes = (self.frame.bytes + 63) & !63;
        if bytes > MOST_FRAME {
            return Err(Declined);
        }
        self.asm.bind(entry);
        self.emit(Instruction::with1(Code::Push_r64, Register::RBP));
        self.emit(Instruction::with2(Code::Mov_r64_rm64, Register::RBP, Register::RSP));
        for r in SAVED {
            self.emit(Instruction::with1(Code::Push_r64, r));
        }
        self.emit(Instruction::with2(Code::And_rm64_imm8, Register::RSP, -64));
        // No page below the stack is skipped, so that the one that guards it is met.
        let mut left = bytes;
        while left > 0 {
            let step = left.min(PAGE);
            self.emit(Instruction::with2(Code::Sub_rm64_imm32, Register::RSP, step));
            if step == PAGE {
                self.emit(Instruction::with2(Code::Test_rm64_r64, MemoryOperand::with_base(Register::RSP), Register::RAX));
            }
            left -= step;
        }
        self.asm.jump(Code::Jmp_rel32_64, body);
        Ok(())
    }

    fn leave(&mut self) {
        self.asm.emit(Instruction::with(Code::VEX_Vzeroupper));
        let saved = MemoryOperand::with_base_displ(Register::RBP, -8 * SAVED.len() as i64);
        self.emit(Instruction::with2(Code::Lea_r64_m, Register::RSP, saved));
        for r in SAVED.iter().rev() {
            self.emit(Instruction::with1(Code::Pop_r64, *r));
        }
        self.emit(Instruction::with1(Code::Pop_r64, Register::RBP));
        self.asm.emit(Instruction::with(Code::Retnq));
    }

    /// A block selected for vectors at these places.
    pub fn select(&mut self, depth: Depth, turn: Turn, tail: Tail, index: &[Option<(Register, i64)>], sink: &Sink) -> Result<Select<'_>> {
        let nest = self.shape.nest;
        let mut reads = vec![0; nest.insts.len()];
        for (k, inst) in nest.insts.iter().enumerate() {
            for o in inst.operands() {
                // What another block reads is kept, which takes a register.
                reads[o.index()] += if nest.depths[k] == depth { 1 } else { 2 };
            }
        }
        for v in nest.stores.iter().map(|s| s.value).chain(nest.reductions.iter().map(|r| r.value)) {
            reads[v.index()] += 1;
        }
        let mut s = Select {
            shape: &self.shape,
            asm: &mut self.asm,
            block: Block::default(),
            turn,
            tail,
            stream: matches!(sink, Sink::Stream),
            index: index.iter().copied().collect(),
            uniform: index.iter().all(Option::is_none),
            known: vec![None; nest.insts.len() * index.len()],
            runs: HashMap::new(),
            reads,
        };
        for k in 0..nest.insts.len() {
            if s.shape.selects(k, depth) {
                for copy in 0..index.len() {
                    s.inst(k, copy)?;
                }
            }
        }
        match sink {
            Sink::Nothing => {}
            Sink::Stores | Sink::Stream => {
                if nest.in_place {
                    // All loads come before any store.
                    for store in &nest.stores {
                        (0..index.len()).for_each(|copy| s.fetch(store.value, copy));
                    }
                }
                for k in 0..nest.stores.len() {
                    (0..index.len()).for_each(|copy| s.store(k, copy));
                }
            }
            Sink::Accumulate(registers) => {
                for (r, copies) in registers.iter().enumerate() {
                    for (copy, register) in copies.iter().enumerate() {
                        s.accumulate(r, copy, *register)?;
                    }
                }
            }
            Sink::InMemory(offsets) => {
                for (r, copies) in offsets.iter().enumerate() {
                    for (copy, offset) in copies.iter().enumerate() {
                        s.accumulate_in_memory(r, copy, *offset)?;
                    }
                }
            }
        }
        Ok(s)
    }

    /// The values of a depth that blocks of another depth read.
    pub fn kept(&self, depth: Depth, stores: bool) -> Vec<ValueId> {
        let nest = self.shape.nest;
        let mut kept = vec![false; nest.insts.len()];
        for (k, inst) in nest.insts.iter().enumerate() {
            if !self.shape.selects(k, depth) {
                inst.operands().iter().for_each(|o| kept[o.index()] = true);
            }
        }
        if depth != Depth::Reduced {
            nest.reductions.iter().for_each(|r| kept[r.value.index()] = true);
        }
        if !stores {
            nest.stores.iter().for_each(|s| kept[s.value.index()] = true);
        }
        let own = |k: &usize| kept[*k] && self.shape.selects(*k, depth) && !matches!(nest.insts[*k], Inst::Const(_) | Inst::Reduced(_));
        (0..nest.insts.len()).filter(own).map(ValueId::new).collect()
    }

    /// Emits what is the same for all lanes at a depth.
    pub fn uniform(&mut self, depth: Depth, stores: bool) -> Result<()> {
        let block = self.uniform_block(depth, stores)?;
        let all = Available::all(self.shape.isa);
        self.emit_block(&block, &all);
        Ok(())
    }

    /// What is the same for all lanes at a depth, and finds places for what other blocks read of it.
    pub fn uniform_block(&mut self, depth: Depth, stores: bool) -> Result<Block> {
        let kept = self.kept(depth, stores);
        let mut s = self.select(depth, Turn::One, Tail::Bits, &[None], if stores { &Sink::Stores } else { &Sink::Nothing })?;
        let mut values: Vec<_> = kept.iter().map(|v| s.value(*v, 0)).collect();
        for value in &mut values {
            // Those that use a vector mask may have more lanes than what it was made of: from bytes there are enough for any.
            if let Lane::Bytes(2..) = value.lane {
                *value = Value { at: s.mask_of(*value, 1, 0), lane: Lane::Bytes(1) };
            }
        }
        let block = std::mem::take(&mut s.block);
        let of_row = self.shape.row.filter(|_| depth == Depth::Parallel(self.shape.nest.rank() as u8));
        let (copies, apart) = of_row.map_or((1, 0), |row| (ROWS, 64 * row));
        let homes: SmallVec<[i32; 8]> = kept.iter().zip(&values).map(|(v, value)| self.home(*v, value.lane, copies) + apart).collect();
        let mut s = self.select_more(block);
        for (value, offset) in values.iter().zip(homes) {
            s.keep(*value, offset, 0);
        }
        Ok(s.block)
    }

    /// True if some values of [`Shape::late`] are computed where an axis is long enough for them.
    pub fn has_late(&self) -> bool {
        self.shape.late.contains(&true)
    }

    /// Places for the values of [`Shape::late`].
    pub fn reserve_late(&mut self) {
        for k in (0..self.shape.late.len()).filter(|k| self.shape.late[*k]).collect::<SmallVec<[usize; 8]>>() {
            self.home(ValueId::new(k), Lane::Number, 1);
        }
    }

    /// Emits the values of [`Shape::late`], for an axis that is long enough.
    pub fn late(&mut self) -> Result<()> {
        let short = self.asm.label();
        self.jump_if_short(short);
        self.shape.is_late = true;
        let done = self.uniform(Depth::Parallel(self.shape.nest.rank() as u8 - 1), false);
        self.shape.is_late = false;
        self.asm.bind(short);
        done
    }

    /// Jumps where the vector's axis is too short for values of [`Shape::late`] to be worth it: a reciprocal takes as long as a division of two vectors.
    pub fn jump_if_short(&mut self, to: Label) {
        self.emit(Instruction::with2(Code::Cmp_rm64_imm32, EXTENT, 3 * self.shape.lanes as i32));
        self.asm.jump(Code::Jl_rel32_64, to);
    }

    /// Selection into a block that exists, of what is the same for all lanes.
    pub fn select_more(&mut self, block: Block) -> Select<'_> {
        let known = Vec::new();
        let (shape, asm) = (&self.shape, &mut self.asm);
        Select {
            shape,
            asm,
            block,
            turn: Turn::One,
            tail: Tail::Bits,
            stream: false,
            index: smallvec::smallvec![None],
            uniform: false,
            known,
            runs: HashMap::new(),
            reads: Vec::new(),
        }
    }

    /// Where a value of so many copies is kept.
    pub fn home(&mut self, v: ValueId, lane: Lane, copies: usize) -> i32 {
        if let Some(home) = self.shape.homes[v.index()] {
            return home.offset;
        }
        let offset = self.frame.reserve(64 * copies, 64);
        self.shape.homes[v.index()] = Some(Home { offset, apart: if copies > 1 { 64 } else { 0 }, lane });
        offset
    }

    pub fn stride_of(&self, pointer: usize, axis: usize) -> Stride {
        self.shape.nest.accesses[self.access_of[pointer]].strides[axis]
    }

    pub fn item_of(&self, pointer: usize) -> usize {
        self.shape.nest.accesses[self.access_of[pointer]].dtype.size()
    }

    /// Moves an address along an axis by one index.
    pub fn advance(&mut self, pointer: usize, axis: usize) {
        let at = self.shape.pointers[pointer];
        match self.stride_of(pointer, axis) {
            Stride::Zero => {}
            stride @ (Stride::Unit | Stride::Spaced(_)) => {
                let bytes = stride.bytes(self.item_of(pointer)).expect("no parameter") as i32;
                self.emit(match at {
                    Pointer::Register(r) => Instruction::with2(Code::Add_rm64_imm8, r, bytes),
                    Pointer::Frame(offset) => Instruction::with2(Code::Add_rm64_imm8, Frame::at(offset), bytes),
                });
            }
            Stride::Param(p) => {
                let stride = self.shape.param(p);
                match at {
                    Pointer::Register(r) => self.emit(Instruction::with2(Code::Add_r64_rm64, r, stride)),
                    Pointer::Frame(offset) => {
                        self.load_word(ADDRESS, stride);
                        self.emit(Instruction::with2(Code::Add_rm64_r64, Frame::at(offset), ADDRESS));
                    }
                }
            }
        }
    }

    /// Keeps the addresses that move along an axis, to be put back.
    pub fn pointers_kept(&mut self, axis: usize) -> Vec<(usize, i32)> {
        let moving: Vec<usize> = (0..self.shape.pointers.len()).filter(|p| self.stride_of(*p, axis) != Stride::Zero).collect();
        let kept: Vec<(usize, i32)> = moving.into_iter().map(|p| (p, self.frame.reserve(8, 8))).collect();
        self.keep_pointers(&kept);
        kept
    }

    /// Keeps addresses where others have been kept.
    pub fn keep_pointers(&mut self, kept: &[(usize, i32)]) {
        for &(p, offset) in kept {
            match self.shape.pointers[p] {
                Pointer::Register(r) => self.store_word(Frame::at(offset), r),
                Pointer::Frame(at) => {
                    self.load_word(ADDRESS, Frame::at(at));
                    self.store_word(Frame::at(offset), ADDRESS);
                }
            }
        }
    }

    pub fn restore_pointers(&mut self, kept: &[(usize, i32)]) {
        for &(p, offset) in kept {
            match self.shape.pointers[p] {
                Pointer::Register(r) => self.load_word(r, Frame::at(offset)),
                Pointer::Frame(at) => {
                    self.load_word(ADDRESS, Frame::at(offset));
                    self.store_word(Frame::at(at), ADDRESS);
                }
            }
        }
    }

    /// One turn of `body` for each index of an axis, of which there is at least one; addresses move, and are put back.
    pub fn counted(&mut self, axis: usize, extent: u32, body: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let counter = self.frame.reserve(8, 8);
        let extent = self.shape.param(extent);
        self.load_word(ADDRESS, extent);
        self.store_word(Frame::at(counter), ADDRESS);
        let kept = self.pointers_kept(axis);
        let top = self.asm.label();
        self.asm.bind(top);
        body(self)?;
        for &(p, _) in &kept {
            self.advance(p, axis);
        }
        self.emit(Instruction::with1(Code::Dec_rm64, Frame::at(counter)));
        self.asm.jump(Code::Jne_rel32_64, top);
        self.restore_pointers(&kept);
        Ok(())
    }

    /// The loops over the parallel axes from `axis` on. Extents are not zero: such calls never reach the code.
    fn parallel(&mut self, axis: usize) -> Result<()> {
        let rank = self.shape.nest.rank();
        match self.shape.nest.lanes {
            Lanes::Parallel(_) if axis + 1 == rank => self.vector_loop(axis),
            Lanes::Reduced if axis + 1 == rank => self.rows(axis),
            _ if axis == rank => self.innermost(),
            _ => {
                let extent = self.shape.nest.parallel[axis];
                self.counted(axis, extent, |g| {
                    g.uniform(Depth::Parallel(axis as u8 + 1), false)?;
                    g.parallel(axis + 1)
                })
            }
        }
    }

    /// One element of each result.
    pub fn innermost(&mut self) -> Result<()> {
        if !self.shape.nest.reductions.is_empty() {
            self.reduce_one()?;
            return self.uniform(Depth::After, true);
        }
        let mut s = self.select_more(Block::default());
        s.known = vec![None; s.shape.nest.insts.len()];
        for k in 0..s.shape.nest.stores.len() {
            s.store(k, 0);
        }
        let block = s.block;
        let all = Available::all(self.shape.isa);
        regs::emit(&block, self.shape.isa, &mut self.asm, &mut self.frame, &all);
        Ok(())
    }
}
