//! Loads and stores: successive elements, one for all lanes, or one at a time where a stride or an index says where.

use iced_x86::{Code, Instruction, MemoryOperand, Register};
use smallvec::smallvec;

use super::machine::{Isa, KMask, Machine, Op, Operand, Under, V, Width};
use super::nest::{ADDRESS, INDEX, Pointer, TEMPORARY, THRICE};
use super::regs::Frame;
use super::select::{At, Lane, Result, Select, Tail, Turn, Value};
use super::spaced::bytes_on;
use super::table;
use crate::dtype::{DType, Scalar};
use crate::kernel::{Stride, ValueId};
use crate::ops::BinaryOp;

impl Select<'_> {
    pub fn folded(&mut self, x: At, w: Width, copy: usize) -> Operand {
        match x {
            At::Register(v) => Operand::Use(v, w),
            At::Place(p) => Operand::Place(p, w),
            At::Fixed(r) => Operand::Fixed(r, w),
            At::Load(access) => Operand::Mem(self.address(access, copy)),
        }
    }

    pub fn operand_in_register(&mut self, x: At, w: Width, copy: usize) -> Operand {
        match x {
            At::Place(p) => Operand::Place(p, w),
            At::Fixed(r) => Operand::Fixed(r, w),
            x => Operand::Use(self.in_register(x, copy), w),
        }
    }

    pub fn width_of_half(&self) -> Width {
        Width::of(self.isa().width() / 2)
    }

    /// How an access moves from lane to lane.
    fn walk(&self, access: u32, copy: usize) -> Stride {
        let strides = &self.shape.nest.accesses[access as usize].strides;
        match (self.index[copy], self.shape.axis) {
            (Some(_), Some(axis)) => strides[axis],
            _ => Stride::Zero,
        }
    }

    fn base(&mut self, pointer: u32) -> Register {
        match self.shape.pointers[pointer as usize] {
            Pointer::Register(r) => r,
            Pointer::Frame(offset) => {
                self.general(Instruction::with2(Code::Mov_r64_rm64, TEMPORARY, Frame::at(offset)));
                TEMPORARY
            }
        }
    }

    /// The first lane's element.
    pub fn address(&mut self, access: u32, copy: usize) -> MemoryOperand {
        let a = &self.shape.nest.accesses[access as usize];
        let (size, displacement) = (a.dtype.size() as i64, a.displacement as i64);
        match (self.walk(access, copy), self.index[copy]) {
            (Stride::Unit, Some((index, past))) => {
                // What is the same for all rows lies where it does for the first.
                let same = self.shape.rows > 0 && a.strides[self.shape.nest.rank() - 1] == Stride::Zero;
                let index = if same { INDEX } else { index };
                let base = self.base(a.pointer);
                let displacement = displacement + past * size;
                MemoryOperand::with_base_index_scale_displ_size(base, index, size as u32, displacement, displacement_size(displacement))
            }
            (Stride::Spaced(n), Some((index, past))) => {
                let step = n as i64 * size;
                let displacement = displacement + past * step;
                let (index, scale) = match step {
                    2 | 4 | 8 => (index, step as u32),
                    _ => {
                        self.general(Instruction::with3(Code::Imul_r64_rm64_imm32, ADDRESS, index, step as i32));
                        (ADDRESS, 1)
                    }
                };
                let base = self.base(a.pointer);
                MemoryOperand::with_base_index_scale_displ_size(base, index, scale, displacement, displacement_size(displacement))
            }
            (Stride::Param(p), Some((index, past))) => {
                self.general(Instruction::with2(Code::Lea_r64_m, ADDRESS, MemoryOperand::with_base_displ(index, past)));
                self.general(Instruction::with2(Code::Imul_r64_rm64, ADDRESS, self.shape.param(p)));
                let base = self.base(a.pointer);
                self.general(Instruction::with2(Code::Add_r64_rm64, ADDRESS, base));
                MemoryOperand::with_base_displ(ADDRESS, displacement)
            }
            _ => {
                let base = self.base(a.pointer);
                MemoryOperand::with_base_displ(base, displacement)
            }
        }
    }

    pub fn load(&mut self, access: u32, k: usize, copy: usize) -> Result<Value> {
        let a = &self.shape.nest.accesses[access as usize];
        let (d, swapped) = (a.dtype, a.swapped);
        let size = d.size();
        let bytes = self.shape.lanes * size;
        let stride = self.walk(access, copy);
        let at = match (self.turn, stride) {
            (Turn::One, _) | (_, Stride::Zero) => {
                let at = self.address(access, copy);
                self.broadcast(size, at)
            }
            (Turn::Full, Stride::Unit) if bytes == self.isa().width() && self.reads[k] == 1 && !swapped && d != DType::Bool => {
                return Ok(Value { at: At::Load(access), lane: Lane::Number });
            }
            (Turn::Full, Stride::Unit) => {
                let at = self.address(access, copy);
                self.load_bytes(bytes, at)
            }
            (Turn::Masked, Stride::Unit) => {
                let at = self.address(access, copy);
                self.load_masked(size, at)
            }
            (turn, Stride::Spaced(n)) => {
                let whole = if turn == Turn::Full { self.load_spaced(access, n as usize, copy) } else { None };
                whole.unwrap_or_else(|| {
                    let first = self.address(access, copy);
                    self.gather(size, &mut |_, lane| bytes_on(first, lane * n as usize * size))
                })
            }
            (_, Stride::Param(p)) => {
                let first = self.address(access, copy);
                self.strided(p);
                self.gather(size, &mut |s, lane| s.step(first, lane))
            }
        };
        Ok(self.loaded(at, d, swapped, copy))
    }

    /// What was loaded, as a value: bytes in order, masks for `bool`.
    fn loaded(&mut self, at: V, d: DType, swapped: bool, copy: usize) -> Value {
        let mut at = At::Register(at);
        if swapped {
            let size = d.size();
            let order: Vec<u8> = (0..16).map(|k| (k / size * size + (size - 1 - k % size)) as u8).collect();
            let order = self.constant(&order);
            at = self.two(table::SHUFFLE_BYTES, at, order, copy);
        }
        if d == DType::Bool { self.mask_of_bytes(at, copy) } else { Value { at, lane: Lane::Number } }
    }

    pub fn broadcast(&mut self, size: usize, at: MemoryOperand) -> V {
        let code = self.isa().pick(table::broadcast(size));
        self.define(Op::Code(code), self.full(), &[Operand::Mem(at)], None)
    }

    pub fn load_bytes(&mut self, bytes: usize, at: MemoryOperand) -> V {
        let code = self.isa().pick(table::load(bytes));
        self.define(Op::Code(code), Width::of(bytes), &[Operand::Mem(at)], None)
    }

    fn load_masked(&mut self, size: usize, at: MemoryOperand) -> V {
        let bytes = self.shape.lanes * size;
        let w = Width::of(bytes);
        match self.tail {
            Tail::Bits => {
                let v = self.block.fresh(super::machine::Class::Vector);
                self.push(Machine {
                    op: Op::Code(table::load_under(size, bytes)),
                    operands: smallvec![Operand::Def(v, w), Operand::Mem(at)],
                    foldable: None,
                    under: Some(Under::Zeroing(KMask::Fixed(Register::K1))),
                });
                v
            }
            Tail::Vector(r) => {
                let code = if size == 4 { Code::VEX_Vmaskmovps_ymm_ymm_m256 } else { Code::VEX_Vmaskmovpd_ymm_ymm_m256 };
                self.define(Op::Code(code), w, &[Operand::Fixed(r, w), Operand::Mem(at)], None)
            }
        }
    }

    /// Prepares `step`: the bytes between elements, and three times that.
    fn strided(&mut self, param: u32) {
        self.general(Instruction::with2(Code::Mov_r64_rm64, TEMPORARY, self.shape.param(param)));
        let thrice = MemoryOperand::with_base_index_scale(TEMPORARY, TEMPORARY, 2);
        self.general(Instruction::with2(Code::Lea_r64_m, THRICE, thrice));
    }

    /// The lane-th element from `first`, which is relative to `ADDRESS`; lanes come in order.
    fn step(&mut self, first: MemoryOperand, lane: usize) -> MemoryOperand {
        if lane > 0 && lane.is_multiple_of(4) {
            let next = MemoryOperand::with_base_index_scale(ADDRESS, TEMPORARY, 4);
            self.general(Instruction::with2(Code::Lea_r64_m, ADDRESS, next));
        }
        let displacement = first.displacement;
        match lane % 4 {
            0 => MemoryOperand::with_base_displ(ADDRESS, displacement),
            3 => MemoryOperand::with_base_index_scale_displ_size(ADDRESS, THRICE, 1, displacement, displacement_size(displacement)),
            n => {
                MemoryOperand::with_base_index_scale_displ_size(ADDRESS, TEMPORARY, n as u32, displacement, displacement_size(displacement))
            }
        }
    }

    /// A vector from elements here and there. Inserting them one by one is quicker than the gathers of today's CPUs, and takes
    /// elements of any size.
    fn gather(&mut self, size: usize, element: &mut dyn FnMut(&mut Self, usize) -> MemoryOperand) -> V {
        let lanes = self.shape.lanes;
        let per = (16 / size).min(lanes);
        let mut whole = None;
        for part in 0..lanes / per {
            let mut x = None;
            for k in 0..per {
                let at = element(self, part * per + k);
                x = Some(match x {
                    None if size >= 4 => self.load_bytes(size, at),
                    before => {
                        let before = match before {
                            Some(v) => Operand::Use(v, Width::X),
                            None => {
                                let zero = self.zero();
                                self.operand_in_register(zero, Width::X, 0)
                            }
                        };
                        let code = self.isa().pick(table::insert(size));
                        self.define(Op::Code(code), Width::X, &[before, Operand::Mem(at), Operand::Imm(k as u32)], None)
                    }
                });
            }
            let x = x.expect("a vector has lanes");
            whole = Some(match whole {
                None => x,
                Some(before) => {
                    let form = (Code::VEX_Vinsertf128_ymm_ymm_xmmm128_imm8, Code::EVEX_Vinsertf32x4_zmm_k1z_zmm_xmmm128_imm8);
                    let (code, w) = (self.isa().pick(form), self.full());
                    let operands = [Operand::Use(before, w), Operand::Use(x, Width::X), Operand::Imm(part as u32)];
                    self.define(Op::Code(code), w, &operands, None)
                }
            });
        }
        whole.expect("a vector has parts")
    }

    /// An `i64` of a general register in every lane.
    fn broadcast_general(&mut self, r: Register) -> At {
        let w = self.full();
        if self.isa() == Isa::Avx512 {
            return At::Register(self.define(Op::Code(Code::EVEX_Vpbroadcastq_zmm_k1z_r64), w, &[Operand::General(r)], None));
        }
        let low = self.define(Op::Code(Code::VEX_Vmovq_xmm_rm64), Width::X, &[Operand::General(r)], None);
        At::Register(self.define(Op::Code(Code::VEX_Vpbroadcastq_ymm_xmmm64), w, &[Operand::Use(low, Width::X)], None))
    }

    /// `base` in every lane, and a stride more from lane to lane.
    fn ramp(&mut self, base: At, stride: Stride, unit: i64, copy: usize) -> At {
        let (add, _) = table::direct(BinaryOp::Add, DType::I64).expect("words have a sum");
        let steps = |unit: i64| (0..8i64).flat_map(|k| (k * unit).to_le_bytes()).collect::<Vec<u8>>();
        match stride {
            Stride::Zero => base,
            Stride::Unit | Stride::Spaced(_) => {
                let steps = self.constant(&steps(stride.bytes(unit as usize).expect("no parameter")));
                self.either(add, base, steps, copy)
            }
            Stride::Param(p) => {
                let step = At::Register(self.broadcast(8, self.shape.param(p)));
                let count = self.constant(&steps(1));
                let steps = self.mul_i64(step, count, copy);
                self.either(add, base, steps, copy)
            }
        }
    }

    /// The addresses of the lanes' elements, as `i64`.
    pub fn index(&mut self, access: u32, copy: usize) -> Result<At> {
        let at = self.address(access, copy);
        self.general(Instruction::with2(Code::Lea_r64_m, ADDRESS, at));
        let first = self.broadcast_general(ADDRESS);
        let stride = if self.turn == Turn::One { Stride::Zero } else { self.walk(access, copy) };
        Ok(self.ramp(first, stride, 1, copy))
    }

    /// How many bytes from an access's address positions along its `n`-th picked axis are, lane by lane.
    ///
    /// Whatever the position, the element is one of the axis: that no load leaves the array rests on no check made elsewhere.
    fn picked_offset(&mut self, access: u32, n: usize, position: At, copy: usize) -> Result<At> {
        let a = &self.shape.nest.accesses[access as usize];
        let (size, picked) = (a.dtype.size(), a.picked[n]);
        let number = |at: At| Value { at, lane: Lane::Number };
        let n = At::Register(self.broadcast(8, self.shape.param(picked.extent)));
        let position = At::Register(self.in_register(position, copy));
        let zero = self.zero();
        let wrapped = self.binary_values(BinaryOp::Add, DType::I64, number(position), number(n), copy)?.at;
        let negative = self.compare(BinaryOp::Lt, DType::I64, position, zero, copy);
        let position = self.blend(negative, wrapped, position, 8, copy);
        let below = self.compare(BinaryOp::Lt, DType::I64, position, n, copy);
        let above = self.compare(BinaryOp::Ge, DType::I64, position, zero, copy);
        let inside = self.binary_mask(BinaryOp::And, below, above, copy)?;
        let position = self.blend(inside, position, zero, 8, copy);
        Ok(match picked.stride {
            Stride::Zero => zero,
            Stride::Unit if size == 1 => position,
            Stride::Unit => self.one_imm(table::shift_left(8), position, size.trailing_zeros(), copy),
            Stride::Spaced(n) => {
                let stride = self.splat(Scalar::I64(n as i64 * size as i64));
                self.mul_i64(position, stride, copy)
            }
            Stride::Param(p) => {
                let stride = At::Register(self.broadcast(8, self.shape.param(p)));
                self.mul_i64(position, stride, copy)
            }
        })
    }

    /// The bytes to a position along a picked axis, and those before it.
    pub fn pick(&mut self, access: u32, before: Option<ValueId>, position: ValueId, copy: usize) -> Result<At> {
        let n = before.and_then(|b| self.shape.nest.picks(access, b)).unwrap_or(0);
        let position = self.at(position, copy);
        let offset = self.picked_offset(access, n, position, copy)?;
        let Some(before) = before else { return Ok(offset) };
        let before = self.at(before, copy);
        let (add, _) = table::direct(BinaryOp::Add, DType::I64).expect("words have a sum");
        Ok(self.either(add, offset, before, copy))
    }

    /// The element so many bytes from an access's.
    pub fn load_at(&mut self, access: u32, offset: ValueId, copy: usize) -> Result<Value> {
        let a = &self.shape.nest.accesses[access as usize];
        let (d, swapped, size) = (a.dtype, a.swapped, a.dtype.size());
        let moves = self.shape.nest.in_lanes(self.shape.nest.depths[offset.index()]) && self.turn != Turn::One;
        let offset = self.at(offset, copy);
        let stride = self.walk(access, copy);
        let at = if moves && self.index[copy].is_some() {
            let offset = self.ramp(offset, stride, size as i64, copy);
            // The lanes' distances go through memory to where addresses are made.
            let scratch = self.shape.scratch;
            let offset = self.operand_in_register(offset, self.full(), copy);
            let to = Operand::Mem(Frame::at(scratch));
            self.write(self.isa().pick(table::store(self.isa().width())), smallvec![to, offset], None);
            let first = self.address(access, copy);
            self.general(Instruction::with2(Code::Lea_r64_m, ADDRESS, first));
            self.gather(size, &mut |s, lane| {
                let at = Frame::at(scratch + 8 * lane as i32);
                s.general(Instruction::with2(Code::Mov_r64_rm64, TEMPORARY, at));
                MemoryOperand::with_base_index(ADDRESS, TEMPORARY)
            })
        } else {
            // One distance for all lanes, as of a row of a table, makes it a load like any other.
            let first = self.address(access, copy);
            self.general(Instruction::with2(Code::Lea_r64_m, ADDRESS, first));
            let offset = self.operand_in_register(offset, Width::X, copy);
            let code = self.isa().pick((Code::VEX_Vmovq_rm64_xmm, Code::EVEX_Vmovq_rm64_xmm));
            self.write(code, smallvec![Operand::General(TEMPORARY), offset], None);
            self.general(Instruction::with2(Code::Add_r64_rm64, ADDRESS, TEMPORARY));
            let first = MemoryOperand::with_base(ADDRESS);
            match (self.turn, stride) {
                (Turn::One, _) | (_, Stride::Zero) => self.broadcast(size, first),
                (Turn::Masked, Stride::Unit) => self.load_masked(size, first),
                (_, Stride::Unit) => self.load_bytes(self.shape.lanes * size, first),
                (_, Stride::Spaced(n)) => self.gather(size, &mut |_, lane| bytes_on(first, lane * n as usize * size)),
                (_, Stride::Param(p)) => {
                    self.strided(p);
                    self.gather(size, &mut |s, lane| s.step(first, lane))
                }
            }
        };
        Ok(self.loaded(at, d, swapped, copy))
    }

    /// One of the values that the nest writes, as it is written.
    pub fn stored(&mut self, store: usize, copy: usize) -> At {
        let s = self.shape.nest.stores[store];
        let value = self.value(s.value, copy);
        match self.shape.nest.accesses[s.access as usize].dtype {
            DType::Bool => self.mask_to_numbers(value, DType::Bool, copy),
            _ => value.at,
        }
    }

    /// Writes one of the nest's values.
    pub fn store(&mut self, store: usize, copy: usize) {
        let s = self.shape.nest.stores[store];
        let d = self.shape.nest.accesses[s.access as usize].dtype;
        let size = d.size();
        let bytes = self.shape.lanes * size;
        if let (Turn::Full, Stride::Spaced(n)) = (self.turn, self.walk(s.access, copy))
            && self.store_spaced(store, n as usize, copy)
        {
            return;
        }
        let at = self.stored(store, copy);
        match (self.turn, self.walk(s.access, copy)) {
            (Turn::One, _) | (_, Stride::Zero) => {
                let to = self.address(s.access, copy);
                self.store_element(size, at, 0, to, copy);
            }
            (Turn::Full, Stride::Unit) => {
                // A load of what is stored may use the register that addresses pass through.
                let from = self.operand_in_register(at, Width::of(bytes), copy);
                let to = self.address(s.access, copy);
                let code = if self.stream { table::STREAM } else { table::store(bytes) };
                self.write(self.isa().pick(code), smallvec![Operand::Mem(to), from], None);
            }
            (Turn::Masked, Stride::Unit) => {
                let w = Width::of(bytes);
                let from = self.operand_in_register(at, w, copy);
                let to = Operand::Mem(self.address(s.access, copy));
                match self.tail {
                    Tail::Bits => {
                        let under = Under::Merging(KMask::Fixed(Register::K1));
                        self.write(table::store_under(size, bytes), smallvec![to, from], Some(under));
                    }
                    Tail::Vector(r) => {
                        let code = if size == 4 { Code::VEX_Vmaskmovps_m256_ymm_ymm } else { Code::VEX_Vmaskmovpd_m256_ymm_ymm };
                        self.write(code, smallvec![to, Operand::Fixed(r, w), from], None);
                    }
                }
            }
            (_, stride) => {
                let from = self.in_register(at, copy);
                let first = self.address(s.access, copy);
                if let Stride::Param(p) = stride {
                    self.strided(p);
                }
                let per = (16 / size).min(self.shape.lanes);
                for part in 0..self.shape.lanes / per {
                    let x = if part == 0 { from } else { self.sixteen_bytes(from, part) };
                    for k in 0..per {
                        let lane = part * per + k;
                        let to = match stride.bytes(size) {
                            Some(step) => bytes_on(first, lane * step as usize),
                            None => self.step(first, lane),
                        };
                        self.store_element(size, At::Register(x), k, to, copy);
                    }
                }
            }
        }
    }

    fn sixteen_bytes(&mut self, from: V, part: usize) -> V {
        let form = (Code::VEX_Vextractf128_xmmm128_ymm_imm8, Code::EVEX_Vextractf32x4_xmmm128_k1z_zmm_imm8);
        let (code, w) = (self.isa().pick(form), self.full());
        self.define(Op::Code(code), Width::X, &[Operand::Use(from, w), Operand::Imm(part as u32)], None)
    }

    fn store_element(&mut self, size: usize, at: At, lane: usize, to: MemoryOperand, copy: usize) {
        let from = match at {
            At::Load(_) => unreachable!("a load of one lane is in a register"),
            at => self.operand_in_register(at, Width::X, copy),
        };
        if lane == 0 && size >= 4 {
            return self.write(self.isa().pick(table::store(size)), smallvec![Operand::Mem(to), from], None);
        }
        let operands = smallvec![Operand::Mem(to), from, Operand::Imm(lane as u32)];
        self.write(self.isa().pick(table::extract(size)), operands, None);
    }

    pub fn write(&mut self, code: Code, operands: smallvec::SmallVec<[Operand; 4]>, under: Option<Under>) {
        self.push(Machine { op: Op::Code(code), operands, foldable: None, under });
    }

    /// Keeps a value for the blocks that come after.
    pub fn keep(&mut self, value: Value, offset: i32, copy: usize) {
        let to = Operand::Mem(Frame::at(offset));
        if value.lane == Lane::Bits {
            let k = self.bits(value, copy);
            return self.write(Code::VEX_Kmovq_m64_kr, smallvec![to, Operand::Use(k, Width::X)], None);
        }
        let w = self.full();
        let from = self.operand_in_register(value.at, w, copy);
        let code = self.isa().pick(table::store(self.isa().width()));
        self.write(code, smallvec![to, from], None);
    }
}

/// How many bytes an instruction spends on a displacement.
pub(super) fn displacement_size(displacement: i64) -> u32 {
    if displacement == 0 { 0 } else { 1 }
}
