//! The elements of a vector's axis: several vectors a turn, then one, then what is left.

use iced_x86::{Code, Instruction, MemoryOperand, Register};
use smallvec::SmallVec;

use super::asm::Label;
use super::machine::{Block, Isa, Place};
use super::nest::{ADDRESS, EXTENT, Generator, INDEX, LIMIT, Pointer, Sink, TEMPORARY};
use super::regs::{self, Available, Frame};
use super::select::{Result, Tail, Turn};
use super::table;
use crate::dtype::DType;
use crate::kernel::{Depth, Inst, Stride};

/// How long a block may be before it is done for one vector only, which keeps compilation short.
const MOST_ITEMS: usize = 400;

impl Generator<'_> {
    /// True if a mask can do what is left of an axis after whole vectors.
    pub fn can_mask(&self) -> bool {
        let nest = self.shape.nest;
        let axis = self.shape.axis.expect("there are vectors");
        let (mut sizes, mut plain) = (SmallVec::<[usize; 8]>::new(), true);
        for access in &nest.accesses {
            match access.strides[axis] {
                Stride::Zero => {}
                Stride::Unit if access.picked.is_empty() => sizes.push(access.dtype.size()),
                _ => plain = false,
            }
        }
        // Elements of an index are addresses, not memory.
        let at_positions = nest.insts.iter().any(|i| matches!(i, Inst::LoadAt(_, at) if self.shape.nest.in_lanes(nest.depths[at.index()])));
        plain
            && !at_positions
            && match self.shape.isa {
                Isa::Avx512 => true,
                Isa::Avx2 => {
                    let is_bool = nest.accesses.iter().any(|a| a.dtype == DType::Bool);
                    let size = self.shape.isa.width() / self.shape.lanes;
                    !is_bool && size >= 4 && sizes.iter().all(|s| *s == size)
                }
            }
    }

    /// Elements of the last parallel axis.
    pub fn vector_loop(&mut self, axis: usize) -> Result<()> {
        let nest = self.shape.nest;
        let extent = self.shape.param(nest.parallel[axis]);
        self.load_word(EXTENT, extent);
        if !nest.reductions.is_empty() {
            return self.reduce_columns();
        }
        let depth = Depth::Parallel(nest.rank() as u8);
        if self.has_late() {
            self.reserve_late();
            self.late()?;
        }
        let copies = self.copies(depth, 4, 0)?;
        self.emit(Instruction::with2(Code::Xor_r32_rm32, Register::ESI, Register::ESI));
        if self.can_stream() {
            self.stream(depth, copies)?;
        }
        self.span(depth, copies, &Sink::Stores, &Sink::Stores, Available::all(self.shape.isa))
    }

    /// True if all stores are of whole vectors side by side, which is what goes around the cache.
    fn can_stream(&self) -> bool {
        let nest = self.shape.nest;
        let whole = |s: &crate::kernel::Store| {
            let d = nest.accesses[s.access as usize].dtype;
            d != DType::Bool && d.size() * self.shape.lanes == self.shape.isa.width()
        };
        nest.can_stream() && nest.stores.iter().all(whole)
    }

    /// The address of what a store writes next, in `ADDRESS`.
    fn target(&mut self, store: usize) {
        let nest = self.shape.nest;
        let access = &nest.accesses[nest.stores[store].access as usize];
        let base = match self.shape.pointers[access.pointer as usize] {
            Pointer::Register(r) => r,
            Pointer::Frame(offset) => {
                self.load_word(TEMPORARY, Frame::at(offset));
                TEMPORARY
            }
        };
        let at = MemoryOperand::with_base_index_scale_displ_size(base, INDEX, access.dtype.size() as u32, access.displacement as i64, 8);
        self.emit(Instruction::with2(Code::Lea_r64_m, ADDRESS, at));
    }

    /// Whole vectors around the cache, if the arguments ask for it and all stores can be aligned; `INDEX` says how far it came.
    fn stream(&mut self, depth: Depth, copies: usize) -> Result<()> {
        let nest = self.shape.nest;
        let width = self.shape.isa.width() as i32;
        let plain = self.asm.label();
        let tiles = self.shape.word(2);
        self.emit(Instruction::with2(Code::Cmp_rm64_imm8, tiles, 0));
        self.asm.jump(Code::Je_rel32_64, plain);
        // As many elements as bring the first store to a multiple of its width.
        let size = nest.accesses[nest.stores[0].access as usize].dtype.size() as i32;
        let (extent, ready) = (self.frame.reserve(8, 8), self.asm.label());
        // So many elements are more than three vectors of a type that has late values.
        self.emit(Instruction::with2(Code::Cmp_rm64_imm32, EXTENT, width));
        self.asm.jump(Code::Jl_rel32_64, plain);
        self.target(0);
        self.emit(Instruction::with1(Code::Neg_rm64, ADDRESS));
        self.emit(Instruction::with2(Code::And_rm64_imm32, ADDRESS, width - 1));
        self.emit(Instruction::with2(Code::Test_rm64_imm32, ADDRESS, size - 1));
        self.asm.jump(Code::Jne_rel32_64, plain);
        self.emit(Instruction::with2(Code::Shr_rm64_imm8, ADDRESS, size.trailing_zeros()));
        self.emit(Instruction::with2(Code::Test_rm64_r64, ADDRESS, ADDRESS));
        self.asm.jump(Code::Je_rel32_64, ready);
        self.store_word(Frame::at(extent), EXTENT);
        self.emit(Instruction::with2(Code::Mov_r64_rm64, EXTENT, ADDRESS));
        self.rest(depth, self.can_mask(), ready, &Sink::Stores, Available::all(self.shape.isa))?;
        self.emit(Instruction::with2(Code::Mov_r64_rm64, INDEX, EXTENT));
        self.load_word(EXTENT, Frame::at(extent));
        self.asm.bind(ready);
        for store in 1..nest.stores.len() {
            self.target(store);
            self.emit(Instruction::with2(Code::Test_rm64_imm32, ADDRESS, width - 1));
            self.asm.jump(Code::Jne_rel32_64, plain);
        }
        let mut available = Available::all(self.shape.isa);
        let index = self.side_by_side(copies);
        let block = self.select(depth, Turn::Full, Tail::Bits, &index, &Sink::Stream)?.block;
        let pins = self.pin(&block, &mut available);
        self.load_pins(&pins);
        self.upward(&block, (copies * self.shape.lanes) as i32, &available);
        self.asm.bind(plain);
        Ok(())
    }

    /// Turns of a block from `INDEX` on, as long as a whole one fits; where they begin.
    fn upward(&mut self, block: &Block, step: i32, available: &Available) -> Label {
        let (top, skip) = (self.asm.label(), self.asm.label());
        self.emit(Instruction::with2(Code::Lea_r64_m, LIMIT, MemoryOperand::with_base_displ(EXTENT, -step as i64)));
        self.emit(Instruction::with2(Code::Cmp_r64_rm64, INDEX, LIMIT));
        self.asm.jump(Code::Jg_rel32_64, skip);
        self.asm.align();
        self.asm.bind(top);
        self.emit_block(block, available);
        self.emit(Instruction::with2(Code::Add_rm64_imm32, INDEX, step));
        self.emit(Instruction::with2(Code::Cmp_r64_rm64, INDEX, LIMIT));
        self.asm.jump(Code::Jle_rel32_64, top);
        self.asm.bind(skip);
        top
    }

    /// The same from the end on, down to 0.
    fn downward(&mut self, block: &Block, step: i32, available: &Available) {
        let (top, skip) = (self.asm.label(), self.asm.label());
        self.emit(Instruction::with2(Code::Sub_rm64_imm32, INDEX, step));
        self.asm.jump(Code::Jl_rel32_64, skip);
        self.asm.align();
        self.asm.bind(top);
        self.emit_block(block, available);
        self.emit(Instruction::with2(Code::Sub_rm64_imm32, INDEX, step));
        self.asm.jump(Code::Jge_rel32_64, top);
        self.asm.bind(skip);
        self.emit(Instruction::with2(Code::Add_rm64_imm32, INDEX, step));
    }

    /// The places of vectors side by side along the axis.
    pub fn side_by_side(&self, copies: usize) -> Vec<Option<(Register, i64)>> {
        (0..copies as i64).map(|c| Some((INDEX, c * self.shape.lanes as i64))).collect()
    }

    /// How many vectors side by side the registers allow: the processor does them at once.
    ///
    /// `parts` is how many partial results each vector has.
    pub fn copies(&mut self, depth: Depth, most: usize, parts: usize) -> Result<usize> {
        let reductions = self.shape.nest.reductions.len();
        let items = self.shape.nest.depths.iter().filter(|d| **d == depth).count();
        let mut copies = most;
        while copies > 1 && items * copies > MOST_ITEMS {
            copies /= 2;
        }
        while copies > 1 {
            let index = self.side_by_side(copies);
            let sink = if parts > 0 { Sink::Accumulate(vec![vec![0; copies]; reductions]) } else { Sink::Stores };
            let block = self.select(depth, Turn::Full, Tail::Bits, &index, &sink)?.block;
            let taken = reductions * copies * parts;
            if regs::pressure(&block).0 + taken <= self.shape.isa.registers() && block.items.len() <= MOST_ITEMS {
                break;
            }
            copies /= 2;
        }
        Ok(copies)
    }

    /// Keeps the places that a block reads most in the registers that it leaves.
    pub fn pin(&self, block: &Block, available: &mut Available) -> Vec<(Place, u8)> {
        let (most, places) = regs::pressure(block);
        let spare = available.count().saturating_sub(most);
        let mut pins = Vec::new();
        for (place, _) in places.into_iter().take(spare) {
            if let Some(r) = available.take() {
                available.pinned.insert(place, r);
                pins.push((place, r));
            }
        }
        pins
    }

    pub fn load_pins(&mut self, pins: &[(Place, u8)]) {
        for (place, r) in pins {
            self.asm.emit(regs::load_whole(self.shape.isa, 0, *r, regs::memory_of(*place)));
        }
    }

    pub fn emit_block(&mut self, block: &Block, available: &Available) {
        regs::emit(block, self.shape.isa, &mut self.asm, &mut self.frame, available);
    }

    /// The elements from `INDEX` to `EXTENT` (all of them, where the axis descends): several vectors a turn, then one (`one` is for that and what follows),
    /// then what is left.
    pub fn span(&mut self, depth: Depth, copies: usize, several: &Sink, one: &Sink, mut available: Available) -> Result<()> {
        let lanes = self.shape.lanes as i64;
        let down = self.shape.nest.descending;
        let rest_available = available.clone();
        let index = self.side_by_side(copies);
        let wide = self.select(depth, Turn::Full, Tail::Bits, &index, several)?.block;
        let pins = self.pin(&wide, &mut available);
        let single = match copies {
            1 => None,
            _ => Some(self.select(depth, Turn::Full, Tail::Bits, &index[..1], one)?.block),
        };
        let short = match self.has_late() {
            false => None,
            true => {
                self.shape.divides = true;
                let block = self.select(depth, Turn::Full, Tail::Bits, &index[..1], one).map(|s| s.block);
                self.shape.divides = false;
                Some((block?, self.asm.label()))
            }
        };
        let mask = self.can_mask();
        let (rest, done) = (self.asm.label(), self.asm.label());
        // Where no whole vector fits.
        self.emit(Instruction::with2(Code::Lea_r64_m, ADDRESS, MemoryOperand::with_base_displ(EXTENT, -lanes)));
        self.emit(Instruction::with2(Code::Cmp_r64_rm64, INDEX, ADDRESS));
        self.asm.jump(Code::Jg_rel32_64, rest);
        self.load_pins(&pins);
        if down {
            self.emit(Instruction::with2(Code::Mov_r64_rm64, INDEX, EXTENT));
        }
        let mut last = None;
        if let Some((_, label)) = &short {
            self.jump_if_short(*label);
        }
        let blocks = [(Some(&wide), lanes * copies as i64), (single.as_ref(), lanes), (short.as_ref().map(|(block, _)| block), lanes)];
        for (k, (block, step)) in blocks.into_iter().enumerate() {
            let Some(block) = block else { continue };
            if let (2, Some((_, label))) = (k, &short) {
                self.asm.bind(*label);
            }
            if down {
                self.downward(block, step as i32, &available);
            } else {
                last = Some(self.upward(block, step as i32, &available));
            }
        }
        let twice = !mask && !down && !self.shape.nest.in_place && matches!(one, Sink::Stores);
        if let (true, Some(top)) = (twice, last) {
            // The last vector ends at the end, and does some elements twice.
            self.emit(Instruction::with2(Code::Cmp_r64_rm64, INDEX, EXTENT));
            self.asm.jump(Code::Jge_rel32_64, done);
            self.emit(Instruction::with2(Code::Mov_r64_rm64, INDEX, LIMIT));
            self.asm.jump(Code::Jmp_rel32_64, top);
        }
        self.asm.bind(rest);
        self.rest(depth, mask, done, one, rest_available)?;
        self.asm.bind(done);
        Ok(())
    }

    /// What is left of an axis: from `INDEX` to `EXTENT`, or down from `INDEX` to 0.
    fn rest(&mut self, depth: Depth, mask: bool, done: Label, sink: &Sink, mut available: Available) -> Result<()> {
        let down = self.shape.nest.descending;
        if down {
            // A short axis comes here with the index at 0.
            let ready = self.asm.label();
            self.emit(Instruction::with2(Code::Cmp_rm64_imm32, EXTENT, self.shape.lanes as i32));
            self.asm.jump(Code::Jge_rel32_64, ready);
            self.emit(Instruction::with2(Code::Mov_r64_rm64, INDEX, EXTENT));
            self.asm.bind(ready);
            self.emit(Instruction::with2(Code::Mov_r64_rm64, EXTENT, INDEX));
            self.emit(Instruction::with2(Code::Xor_r32_rm32, Register::ESI, Register::ESI));
        }
        self.emit(Instruction::with2(Code::Cmp_r64_rm64, INDEX, EXTENT));
        self.asm.jump(Code::Jge_rel32_64, done);
        let here = [Some((INDEX, 0))];
        if mask {
            let tail = self.make_mask(&mut available);
            let block = self.select(depth, Turn::Masked, tail, &here, sink)?.block;
            self.emit_block(&block, &available);
            return Ok(());
        }
        if let Sink::Accumulate(_) = sink {
            self.mask_first_lane();
        }
        let block = self.select(depth, Turn::One, Tail::Bits, &here, sink)?.block;
        let top = self.asm.label();
        if down {
            self.emit(Instruction::with2(Code::Lea_r64_m, INDEX, MemoryOperand::with_base_displ(EXTENT, -1)));
        }
        self.asm.bind(top);
        self.emit_block(&block, &available);
        if down {
            self.emit(Instruction::with2(Code::Sub_rm64_imm8, INDEX, 1));
            self.asm.jump(Code::Jge_rel32_64, top);
        } else {
            self.emit(Instruction::with2(Code::Add_rm64_imm8, INDEX, 1));
            self.emit(Instruction::with2(Code::Cmp_r64_rm64, INDEX, EXTENT));
            self.asm.jump(Code::Jl_rel32_64, top);
        }
        Ok(())
    }

    /// The mask under which blocks of one element accumulate, where it is not a constant.
    pub fn mask_first_lane(&mut self) {
        if self.shape.isa == Isa::Avx512 {
            self.emit(Instruction::with2(Code::Mov_r32_imm32, Register::EAX, 1));
            self.emit(Instruction::with2(Code::VEX_Kmovq_kr_r64, Register::K1, ADDRESS));
        }
    }

    /// The mask of the first `EXTENT - INDEX` lanes, fewer than there are.
    pub fn make_mask(&mut self, available: &mut Available) -> Tail {
        self.emit(Instruction::with2(Code::Mov_r64_rm64, ADDRESS, EXTENT));
        self.emit(Instruction::with2(Code::Sub_r64_rm64, ADDRESS, INDEX));
        match self.shape.isa {
            Isa::Avx512 => {
                self.emit(Instruction::with2(Code::Mov_r64_imm64, TEMPORARY, -1i64));
                self.emit(Instruction::with3(Code::VEX_Bzhi_r64_rm64_r64, TEMPORARY, TEMPORARY, ADDRESS));
                self.emit(Instruction::with2(Code::VEX_Kmovq_kr_r64, Register::K1, TEMPORARY));
                Tail::Bits
            }
            Isa::Avx2 => {
                let size = self.shape.isa.width() / self.shape.lanes;
                let r = available.take().expect("a block has registers");
                // The count against the numbers of the lanes.
                let counts: Vec<u8> = (0..self.shape.lanes as u64).flat_map(|k| k.to_le_bytes()[..size].to_vec()).collect();
                let counts = regs::memory_of(Place::Constant(self.asm.constant(&counts)));
                let (x, y) = (Register::XMM0 + r as u32, Register::YMM0 + r as u32);
                self.emit(Instruction::with2(Code::VEX_Vmovq_xmm_rm64, x, ADDRESS));
                let broadcast = if size == 4 { Code::VEX_Vpbroadcastd_ymm_xmmm32 } else { Code::VEX_Vpbroadcastq_ymm_xmmm64 };
                self.emit(Instruction::with2(broadcast, y, x));
                self.emit(Instruction::with3(table::greater(size), y, y, counts));
                Tail::Vector(r)
            }
        }
    }
}
