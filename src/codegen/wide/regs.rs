//! Registers for straight-line code, in one pass: what is needed last is spilled first (Belady), what memory can hold is read
//! from memory.

use hashbrown::HashMap;
use iced_x86::{Code, Instruction, MemoryOperand, Register};
use smallvec::{SmallVec, smallvec};

use super::asm::Assembler;
use super::machine::{Block, Class, Isa, Item, KMask, Machine, Op, Operand, Place, Under, V, Width};
use super::rare::{Apart, Site};
use crate::dtype::DType;
use crate::math::Rare;

/// Memory below the stack pointer's value at entry, addressed from the stack pointer.
#[derive(Default)]
pub(super) struct Frame {
    pub bytes: i32,
    spills: Vec<i32>,
}

impl Frame {
    pub fn reserve(&mut self, bytes: usize, align: usize) -> i32 {
        let at = (self.bytes as usize).next_multiple_of(align) as i32;
        self.bytes = at + bytes as i32;
        at
    }

    /// The `k`-th place for a value that lives in one block only.
    fn spill(&mut self, k: usize) -> i32 {
        while self.spills.len() <= k {
            let at = self.reserve(64, 64);
            self.spills.push(at);
        }
        self.spills[k]
    }

    pub fn at(offset: i32) -> MemoryOperand {
        MemoryOperand::with_base_displ(Register::RSP, offset as i64)
    }
}

pub(super) fn memory_of(place: Place) -> MemoryOperand {
    match place {
        Place::Constant(c) => Assembler::read(c),
        Place::Frame(offset) => Frame::at(offset),
    }
}

/// The registers that a block may use, and what some others hold.
#[derive(Clone, Default)]
pub(super) struct Available {
    /// One bit for each vector register.
    pub vectors: u32,
    /// Read-only operands that are in registers already.
    pub pinned: HashMap<Place, u8>,
}

impl Available {
    pub fn all(isa: Isa) -> Available {
        Available { vectors: (((1u64 << isa.registers()) - 1) & 0xffff_ffff) as u32, pinned: HashMap::new() }
    }

    pub fn count(&self) -> usize {
        self.vectors.count_ones() as usize
    }

    /// Takes the highest register.
    pub fn take(&mut self) -> Option<u8> {
        let r = 31u32.checked_sub(self.vectors.leading_zeros())?;
        self.vectors &= !(1 << r);
        Some(r as u8)
    }
}

/// Mask registers that blocks may use: `k0` is none, `k1` is the tail's.
const MASKS: u32 = 0b1111_1100;

fn read_of(operand: &Operand) -> Option<V> {
    match operand {
        Operand::Use(v, _) => Some(*v),
        _ => None,
    }
}

fn written(operand: &Operand) -> Option<V> {
    match operand {
        Operand::Def(v, _) => Some(*v),
        _ => None,
    }
}

fn reads(m: &Machine) -> SmallVec<[V; 4]> {
    let mut all: SmallVec<[V; 4]> = m.operands.iter().filter_map(read_of).collect();
    if let Some(Under::Zeroing(KMask::Virtual(k)) | Under::Merging(KMask::Virtual(k))) = m.under {
        all.push(k);
    }
    all
}

/// How many vector registers a block would like, and how often it reads each place, most often first.
pub(super) fn pressure(block: &Block) -> (usize, Vec<(Place, usize)>) {
    let mut last = vec![0; block.classes.len()];
    let mut places: Vec<(Place, usize)> = Vec::new();
    let mut numbers: HashMap<Place, usize> = HashMap::new();
    for (at, item) in block.items.iter().enumerate() {
        let Item::Vector(m) = item else { continue };
        for v in reads(m) {
            last[v.0 as usize] = at;
        }
        for operand in &m.operands {
            if let Operand::Place(p, _) = operand {
                let k = *numbers.entry(*p).or_insert(places.len());
                if k == places.len() {
                    places.push((*p, 0));
                }
                places[k].1 += 1;
            }
        }
    }
    let (mut live, mut most) = (0i64, 0i64);
    for (at, item) in block.items.iter().enumerate() {
        let Item::Vector(m) = item else { continue };
        // A place that cannot be folded passes through a register.
        let passing = m.operands.iter().enumerate().any(|(k, o)| matches!(o, Operand::Place(..)) && m.foldable != Some(k as u8));
        most = most.max(live + i64::from(passing));
        let mut seen: SmallVec<[V; 4]> = smallvec![];
        for v in reads(m) {
            if last[v.0 as usize] == at && block.classes[v.0 as usize] == Class::Vector && !seen.contains(&v) {
                seen.push(v);
                live -= 1;
            }
        }
        for v in m.operands.iter().filter_map(written) {
            if block.classes[v.0 as usize] == Class::Vector {
                live += 1;
                most = most.max(live);
                if last[v.0 as usize] <= at {
                    live -= 1;
                }
            }
        }
    }
    places.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    (most as usize, places)
}

/// Gives registers to a block and emits it.
pub(super) fn emit(block: &Block, isa: Isa, asm: &mut Assembler, frame: &mut Frame, available: &Available) {
    let mut uses: Vec<SmallVec<[u32; 4]>> = vec![SmallVec::new(); block.classes.len()];
    for (at, item) in block.items.iter().enumerate() {
        if let Item::Vector(m) = item {
            for v in reads(m) {
                uses[v.0 as usize].push(at as u32);
            }
        }
    }
    let count = block.classes.len();
    let mut a = Allocator {
        block,
        isa,
        asm,
        frame,
        available,
        uses,
        at: 0,
        register: vec![None; count],
        slot: vec![None; count],
        slots: 0,
        free: [available.vectors, MASKS],
        owner: [[None; 32]; 2],
        locked: [0, 0],
    };
    for (at, item) in block.items.iter().enumerate() {
        a.at = at as u32;
        match item {
            Item::General(instruction) => a.asm.emit(*instruction),
            Item::Vector(m) => a.item(m),
        }
    }
}

struct Allocator<'a> {
    block: &'a Block,
    isa: Isa,
    asm: &'a mut Assembler,
    frame: &'a mut Frame,
    available: &'a Available,
    /// Where each value is read.
    uses: Vec<SmallVec<[u32; 4]>>,
    at: u32,
    register: Vec<Option<u8>>,
    slot: Vec<Option<i32>>,
    slots: usize,
    /// By class.
    free: [u32; 2],
    owner: [[Option<V>; 32]; 2],
    /// Operands of the instruction being emitted.
    locked: [u32; 2],
}

#[derive(Clone, Copy)]
enum Got {
    /// A register, and whether it may be overwritten.
    Register(u8, bool),
    Memory(MemoryOperand),
}

impl Allocator<'_> {
    fn class(&self, v: V) -> usize {
        match self.block.classes[v.0 as usize] {
            Class::Vector => 0,
            Class::Mask => 1,
        }
    }

    fn last_use(&self, v: V) -> bool {
        self.uses[v.0 as usize].last().is_none_or(|last| *last <= self.at)
    }

    /// A register of a class, emptied if there is none free.
    fn take(&mut self, class: usize) -> u8 {
        let usable = self.free[class] & !self.locked[class];
        if usable != 0 {
            let r = usable.trailing_zeros() as u8;
            self.free[class] &= !(1 << r);
            return r;
        }
        let next = |v: V| {
            let uses = &self.uses[v.0 as usize];
            uses.get(uses.partition_point(|u| *u <= self.at)).copied().unwrap_or(u32::MAX)
        };
        let owned = self.owner[class].iter().enumerate().filter_map(|(r, v)| Some((r as u8, (*v)?)));
        let (r, v) = owned
            .filter(|(r, _)| self.locked[class] & (1 << r) == 0)
            .max_by_key(|(_, v)| next(*v))
            .expect("an instruction has fewer operands than there are registers");
        if self.slot[v.0 as usize].is_none() {
            let slot = self.frame.spill(self.slots);
            self.slots += 1;
            self.slot[v.0 as usize] = Some(slot);
            self.asm.emit(store_whole(self.isa, class, Frame::at(slot), r));
        }
        self.register[v.0 as usize] = None;
        self.owner[class][r as usize] = None;
        r
    }

    fn give(&mut self, class: usize, r: u8) {
        self.owner[class][r as usize] = None;
        self.free[class] |= 1 << r;
    }

    fn own(&mut self, v: V, r: u8) {
        let class = self.class(v);
        self.register[v.0 as usize] = Some(r);
        self.owner[class][r as usize] = Some(v);
        self.locked[class] |= 1 << r;
    }

    /// The register of a value that is read, loaded if it was spilled.
    fn in_register(&mut self, v: V) -> u8 {
        let class = self.class(v);
        if let Some(r) = self.register[v.0 as usize] {
            self.locked[class] |= 1 << r;
            return r;
        }
        let slot = self.slot[v.0 as usize].expect("a value is assigned before it is read");
        let r = self.take(class);
        self.asm.emit(load_whole(self.isa, class, r, Frame::at(slot)));
        self.own(v, r);
        r
    }

    /// A place's value in a register; `temporary` takes note of those to be given back.
    fn place(&mut self, place: Place, temporary: &mut SmallVec<[u8; 4]>) -> u8 {
        if let Some(r) = self.available.pinned.get(&place) {
            return *r;
        }
        let r = self.take(0);
        self.locked[0] |= 1 << r;
        self.asm.emit(load_whole(self.isa, 0, r, memory_of(place)));
        temporary.push(r);
        r
    }

    fn item(&mut self, m: &Machine) {
        self.locked = [0, 0];
        // What is in registers stays there while other operands are fetched.
        for v in reads(m) {
            if let Some(r) = self.register[v.0 as usize] {
                self.locked[self.class(v)] |= 1 << r;
            }
        }
        match m.op {
            Op::Code(code) | Op::Over(code) => self.plain(code, m),
            Op::Rarely(f, dtype) => self.rarely(f, dtype, m),
            Op::Quotient(code) => self.quotient(code, m),
            Op::Fma { c132, c213, c231 } => self.fma(m, [c132, c213, c231]),
        }
    }

    /// Frees the registers of what is read for the last time: a result may take one.
    fn release_dying(&mut self, m: &Machine) {
        for v in reads(m) {
            if self.last_use(v)
                && let Some(r) = self.register[v.0 as usize].take()
            {
                let class = self.class(v);
                self.give(class, r);
                self.locked[class] &= !(1 << r);
            }
        }
    }

    fn plain(&mut self, code: Code, m: &Machine) {
        let mut temporary: SmallVec<[u8; 4]> = smallvec![];
        let mut got: SmallVec<[Option<Register>; 5]> = smallvec![None; m.operands.len()];
        let mut memory = None;
        let folds = |k: usize| m.foldable == Some(k as u8);
        for (k, operand) in m.operands.iter().enumerate() {
            match *operand {
                Operand::Use(v, w) => match (self.register[v.0 as usize], self.slot[v.0 as usize]) {
                    (None, Some(slot)) if folds(k) && self.class(v) == 0 => memory = Some((k, Frame::at(slot))),
                    _ => {
                        let r = self.in_register(v);
                        got[k] = Some(self.name(self.class(v), r, w));
                    }
                },
                Operand::Place(place, _) if folds(k) && !self.available.pinned.contains_key(&place) => memory = Some((k, memory_of(place))),
                Operand::Place(place, w) => got[k] = Some(w.register(self.place(place, &mut temporary))),
                Operand::Fixed(r, w) => got[k] = Some(w.register(r)),
                Operand::General(r) => got[k] = Some(r),
                Operand::Mem(at) => memory = Some((k, at)),
                Operand::Imm(_) | Operand::Def(..) => {}
            }
        }
        let under = m.under.map(|u| match u {
            Under::Zeroing(k) => (self.mask(k), true),
            Under::Merging(k) => (self.mask(k), false),
        });
        let over = match (m.op, m.operands.get(1)) {
            (Op::Over(_), Some(Operand::Use(v, _))) => {
                debug_assert!(self.last_use(*v), "what is overwritten is read again");
                self.register[v.0 as usize]
            }
            _ => None,
        };
        self.release_dying(m);
        for r in temporary {
            self.locked[0] &= !(1 << r);
            self.free[0] |= 1 << r;
        }
        for (k, operand) in m.operands.iter().enumerate() {
            if let Operand::Def(v, w) = *operand {
                let class = self.class(v);
                let r = over.unwrap_or_else(|| self.take(class));
                self.free[class] &= !(1 << r);
                self.own(v, r);
                got[k] = Some(self.name(class, r, w));
            }
        }
        let mut instruction = Instruction::new();
        instruction.set_code(code);
        for (k, operand) in m.operands.iter().enumerate() {
            let k32 = match over {
                Some(_) if k == 1 => continue,
                Some(_) if k > 1 => k as u32 - 1,
                _ => k as u32,
            };
            match (operand, got[k], memory) {
                (Operand::Imm(x), ..) => {
                    instruction.set_op_kind(k32, iced_x86::OpKind::Immediate8);
                    instruction.set_immediate8(*x as u8);
                }
                (_, Some(r), _) => {
                    instruction.set_op_kind(k32, iced_x86::OpKind::Register);
                    instruction.set_op_register(k32, r);
                }
                (_, None, Some((at, operand))) if at == k => set_memory(&mut instruction, k32, operand),
                _ => unreachable!("every operand has a place"),
            }
        }
        if let Some((k, zeroing)) = under {
            instruction.set_op_mask(k);
            instruction.set_zeroing_masking(zeroing);
        }
        self.asm.emit(instruction);
        self.finish(m);
    }

    fn name(&self, class: usize, r: u8, w: Width) -> Register {
        if class == 1 { Register::K0 + r as u32 } else { w.register(r) }
    }

    fn mask(&mut self, k: KMask) -> Register {
        match k {
            KMask::Virtual(v) => Register::K0 + self.in_register(v) as u32,
            KMask::Fixed(r) => r,
        }
    }

    /// Gives back the registers of results that nobody reads.
    fn finish(&mut self, m: &Machine) {
        for v in m.operands.iter().filter_map(written) {
            if self.last_use(v)
                && let Some(r) = self.register[v.0 as usize].take()
            {
                let class = self.class(v);
                self.give(class, r);
            }
        }
    }

    fn rarely(&mut self, function: Rare, dtype: DType, m: &Machine) {
        let [Operand::Def(v, _), Operand::Use(usual, _), Operand::Use(x, _), Operand::Use(mask, _)] = m.operands[..] else {
            unreachable!("a function of registers")
        };
        let (operand, by) = (self.in_register(x), self.in_register(mask));
        let result = self.result_over(usual, v, usual != x, m);
        let (code, r) = match self.class(mask) {
            1 => (Code::VEX_Kortestq_kr_kr, Register::K0 + by as u32),
            _ => (Code::VEX_Vptest_ymm_ymmm256, Width::Y.register(by)),
        };
        self.jump_apart((code, r, Code::Jne_rel32_64), result, Apart::Function { function, dtype, operand, mask: by });
        self.finish(m);
    }

    /// The register of a result that starts as the value `usual`, whose register it takes if that is read no more and `may` be overwritten.
    fn result_over(&mut self, usual: V, result: V, may: bool, m: &Machine) -> u8 {
        let before = self.in_register(usual);
        let over = self.last_use(usual) && may;
        let r = if over { before } else { self.take(0) };
        if !over {
            self.asm.emit(copy_whole(self.isa, 0, r, before));
        }
        self.release_dying(m);
        self.free[0] &= !(1 << r);
        self.own(result, r);
        r
    }

    /// A test, and a jump out of line.
    fn jump_apart(&mut self, (test, register, jump): (Code, Register, Code), result: u8, what: Apart) {
        let (apart, back) = (self.asm.label(), self.asm.label());
        self.asm.emit(Instruction::with2(test, register, register).expect("a test"));
        self.asm.jump(jump, apart);
        self.asm.bind(back);
        self.asm.sites.push(Site { apart, back, result, what });
    }

    fn quotient(&mut self, code: Code, m: &Machine) {
        let [Operand::Def(v, w), Operand::Use(usual, _), x, y, Operand::Use(mask, _)] = m.operands[..] else {
            unreachable!("a quotient of vectors")
        };
        let Operand::Use(x, _) = x else { unreachable!("a dividend is in a register") };
        let (dividend, by) = (self.in_register(x), self.in_register(mask));
        let divisor = match y {
            Operand::Use(y, _) => Got::Register(self.in_register(y), false),
            Operand::Fixed(r, _) => Got::Register(r, false),
            Operand::Place(place, _) => match self.available.pinned.get(&place) {
                Some(r) => Got::Register(*r, false),
                None => Got::Memory(memory_of(place)),
            },
            _ => unreachable!("a divisor is a vector"),
        };
        let result = self.result_over(usual, v, true, m);
        let (into, dividend) = (w.register(result), w.register(dividend));
        let division = match divisor {
            Got::Register(r, _) => Instruction::with3(code, into, dividend, w.register(r)),
            Got::Memory(at) => Instruction::with3(code, into, dividend, at),
        };
        let test = match self.class(mask) {
            // The carry says that all are set: of eight lanes, or of sixteen.
            1 if code == Code::EVEX_Vdivps_zmm_k1z_zmm_zmmm512b32_er => {
                (Code::VEX_Kortestw_kr_kr, Register::K0 + by as u32, Code::Jae_rel32_64)
            }
            1 => (Code::VEX_Kortestb_kr_kr, Register::K0 + by as u32, Code::Jae_rel32_64),
            _ => (Code::VEX_Vptest_ymm_ymmm256, Width::Y.register(by), Code::Jne_rel32_64),
        };
        self.jump_apart(test, result, Apart::Instruction(division.expect("a division")));
        self.finish(m);
    }

    fn fma(&mut self, m: &Machine, [c132, c213, c231]: [Code; 3]) {
        let Operand::Def(result, w) = m.operands[0] else { unreachable!("a fused operation defines a value") };
        let mut temporary: SmallVec<[u8; 4]> = smallvec![];
        let mut got: SmallVec<[Got; 3]> = m.operands[1..4]
            .iter()
            .map(|operand| match *operand {
                Operand::Use(v, _) => match (self.register[v.0 as usize], self.slot[v.0 as usize]) {
                    (Some(r), _) => Got::Register(r, self.last_use(v)),
                    (None, slot) => Got::Memory(Frame::at(slot.expect("a value is assigned before it is read"))),
                },
                Operand::Place(place, _) => match self.available.pinned.get(&place) {
                    Some(r) => Got::Register(*r, false),
                    None => Got::Memory(memory_of(place)),
                },
                Operand::Fixed(r, _) => Got::Register(r, false),
                Operand::Mem(at) => Got::Memory(at),
                _ => unreachable!("an operand of a fused operation is a vector"),
            })
            .collect();
        // One operand may be memory; which of several matters little.
        let mut left = got.iter().filter(|g| matches!(g, Got::Memory(_))).count();
        for k in 0..3 {
            if left < 2 {
                break;
            }
            let Got::Memory(at) = got[k] else { continue };
            left -= 1;
            got[k] = match m.operands[1 + k] {
                Operand::Use(v, _) => {
                    let r = self.in_register(v);
                    Got::Register(r, self.last_use(v))
                }
                _ => {
                    let r = self.take(0);
                    self.locked[0] |= 1 << r;
                    self.asm.emit(load_whole(self.isa, 0, r, at));
                    temporary.push(r);
                    Got::Register(r, true)
                }
            };
            // The same spilled value may stand twice.
            for j in k + 1..3 {
                if let (Operand::Use(x, _), Operand::Use(y, _), Got::Memory(_)) = (m.operands[1 + k], m.operands[1 + j], got[j])
                    && x == y
                {
                    got[j] = got[k];
                    left -= 1;
                }
            }
        }
        let at_memory = got.iter().position(|g| matches!(g, Got::Memory(_)));
        let over = |k: usize| matches!(got[k], Got::Register(_, true));
        // The result goes over a factor beside a memory addend, over the addend beside a memory factor.
        let preferred: [usize; 3] = match at_memory {
            Some(2) => [0, 1, 0],
            Some(0) => [2, 1, 1],
            Some(_) => [2, 0, 0],
            None => [2, 0, 1],
        };
        let chosen = preferred.into_iter().find(|k| over(*k));
        let target = chosen.unwrap_or(match at_memory {
            Some(2) => 0,
            Some(0) => 2,
            _ => 2,
        });
        let Got::Register(mut into, _) = got[target] else { unreachable!("the operand that is memory is not chosen") };
        if chosen.is_none() {
            let d = self.take(0);
            self.locked[0] |= 1 << d;
            self.asm.emit(copy_whole(self.isa, 0, d, into));
            into = d;
        }
        let register = |k: usize| match got[k] {
            Got::Register(r, _) => r,
            Got::Memory(_) => unreachable!("one operand at most is memory"),
        };
        let (code, second, third) = match target {
            // The addend is overwritten: which factor is memory does not matter.
            2 if at_memory == Some(0) => (c231, register(1), got[0]),
            2 => (c231, register(0), got[1]),
            k if at_memory == Some(1 - k) => (c132, register(2), got[1 - k]),
            k => (c213, register(1 - k), got[2]),
        };
        let (first, second) = (w.register(into), w.register(second));
        let instruction = match third {
            Got::Register(r, _) => Instruction::with3(code, first, second, w.register(r)),
            Got::Memory(at) => Instruction::with3(code, first, second, at),
        };
        self.asm.emit(instruction.expect("three operands"));
        // The result's register may be one that an operand leaves here.
        for v in reads(m) {
            if self.last_use(v)
                && let Some(r) = self.register[v.0 as usize].take()
            {
                self.give(0, r);
            }
        }
        temporary.iter().for_each(|r| self.free[0] |= 1 << r);
        self.free[0] &= !(1 << into);
        self.own(result, into);
        self.finish(m);
    }
}

fn set_memory(instruction: &mut Instruction, k: u32, at: MemoryOperand) {
    instruction.set_op_kind(k, iced_x86::OpKind::Memory);
    instruction.set_memory_base(at.base);
    instruction.set_memory_index(at.index);
    instruction.set_memory_index_scale(at.scale);
    instruction.set_memory_displ_size(at.displ_size);
    instruction.set_memory_displacement64(at.displacement as u64);
}

/// From memory, not aligned, to a whole register.
pub(super) fn load_whole(isa: Isa, class: usize, r: u8, at: MemoryOperand) -> Instruction {
    let code = match (class, isa) {
        (1, _) => return Instruction::with2(Code::VEX_Kmovq_kr_km64, Register::K0 + r as u32, at).expect("a load"),
        (_, Isa::Avx2) => Code::VEX_Vmovups_ymm_ymmm256,
        (_, Isa::Avx512) => Code::EVEX_Vmovups_zmm_k1z_zmmm512,
    };
    Instruction::with2(code, isa.full().register(r), at).expect("a load")
}

pub(super) fn store_whole(isa: Isa, class: usize, at: MemoryOperand, r: u8) -> Instruction {
    let code = match (class, isa) {
        (1, _) => return Instruction::with2(Code::VEX_Kmovq_m64_kr, at, Register::K0 + r as u32).expect("a store"),
        (_, Isa::Avx2) => Code::VEX_Vmovups_ymmm256_ymm,
        (_, Isa::Avx512) => Code::EVEX_Vmovups_zmmm512_k1z_zmm,
    };
    Instruction::with2(code, at, isa.full().register(r)).expect("a store")
}

fn copy_whole(isa: Isa, class: usize, to: u8, from: u8) -> Instruction {
    let (code, to, from) = match (class, isa) {
        (1, _) => (Code::VEX_Kmovq_kr_km64, Register::K0 + to as u32, Register::K0 + from as u32),
        (_, Isa::Avx2) => (Code::VEX_Vmovaps_ymm_ymmm256, Width::Y.register(to), Width::Y.register(from)),
        (_, Isa::Avx512) => (Code::EVEX_Vmovaps_zmm_k1z_zmmm512, Width::Z.register(to), Width::Z.register(from)),
    };
    Instruction::with2(code, to, from).expect("a copy")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(block: &mut Block, x: Operand, y: Operand) -> V {
        let v = block.fresh(Class::Vector);
        block.items.push(Item::Vector(Machine {
            op: Op::Code(Code::VEX_Vaddpd_ymm_ymm_ymmm256),
            operands: smallvec![Operand::Def(v, Width::Y), x, y],
            foldable: Some(2),
            under: None,
        }));
        v
    }

    /// The text of a block of sums, with so many registers.
    fn text(block: &Block, registers: u32) -> String {
        let (mut asm, mut frame) = (Assembler::new(32, true), Frame::default());
        let start = asm.label();
        asm.bind(start);
        let available = Available { vectors: (1 << registers) - 1, pinned: HashMap::new() };
        emit(block, Isa::Avx2, &mut asm, &mut frame, &available);
        asm.finish(start).expect("encodable").text
    }

    fn argument(k: i64) -> Operand {
        Operand::Mem(MemoryOperand::with_base_displ(Register::RBX, 32 * k))
    }

    /// A tree of sums whose leaves are all read twice.
    fn wide_block(leaves: usize) -> Block {
        let mut block = Block::default();
        let zero = Operand::Fixed(15, Width::Y);
        let values: Vec<V> = (0..leaves).map(|k| add(&mut block, zero, argument(k as i64))).collect();
        let mut sum = values[0];
        for v in values.iter().chain(values.iter().rev()) {
            sum = add(&mut block, Operand::Use(sum, Width::Y), Operand::Use(*v, Width::Y));
        }
        let at = Operand::Mem(MemoryOperand::with_base(Register::RCX));
        let store = Machine {
            op: Op::Code(Code::VEX_Vmovups_ymmm256_ymm),
            operands: smallvec![at, Operand::Use(sum, Width::Y)],
            foldable: None,
            under: None,
        };
        block.items.push(Item::Vector(store));
        block
    }

    #[test]
    fn nothing_is_spilled_where_there_are_registers() {
        let block = wide_block(6);
        assert_eq!(pressure(&block).0, 7);
        assert!(!text(&block, 7).contains("[rsp"), "{}", text(&block, 7));
    }

    #[test]
    fn what_is_needed_last_is_spilled_and_read_from_memory() {
        let text = text(&wide_block(6), 4);
        let (stores, loads) = (text.matches("vmovups [rsp").count(), text.matches("vmovups ymm").count());
        let folded = text.lines().filter(|l| l.contains("vaddpd") && l.contains("[rsp")).count();
        assert!(stores >= 3 && folded >= 3 && loads <= 3, "{text}");
    }

    #[test]
    fn a_fused_operation_goes_over_an_operand_that_is_read_no_more() {
        let [c132, c213, c231] = super::super::table::fma(crate::dtype::DType::F64, false, false).map(|f| f.0);
        for memory in 0..3 {
            let mut block = Block::default();
            let zero = Operand::Fixed(15, Width::Y);
            let values: Vec<V> = (0..3).map(|k| add(&mut block, zero, argument(k))).collect();
            let d = block.fresh(Class::Vector);
            let mut operands: SmallVec<[Operand; 4]> = smallvec![Operand::Def(d, Width::Y)];
            operands.extend((0..3).map(|k| if k == memory { argument(7) } else { Operand::Use(values[k], Width::Y) }));
            block.items.push(Item::Vector(Machine { op: Op::Fma { c132, c213, c231 }, operands, foldable: None, under: None }));
            let text = text(&block, 8);
            assert!(!text.contains("vmovaps"), "{text}");
            // Over the addend, or over a factor where the addend is memory; the value that nobody reads gives its register back.
            let form = ["vfmadd231pd ymm1, ymm0, [rbx+0E0h]", "vfmadd231pd ymm1, ymm0, [rbx+0E0h]", "vfmadd213pd ymm0, ymm1, [rbx+0E0h]"];
            assert!(text.contains(form[memory]), "{text}");
        }
    }
}
