//! Values of many lanes: how a vector of `vf` elements of any type lies in 128-bit registers.
//!
//! A [`Group`] holds `vf` elements of one type in `vf * size / 16` registers, or in the low bytes of one register if that is
//! less than one; what is above them is arbitrary. A `bool` in flight is a lane mask (all ones or zeros) as wide as the lanes
//! it came from, and changes width where it must; in memory it is a byte.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Type, Value, types};
use smallvec::{SmallVec, smallvec};

use super::emit::Emitter;
use crate::dtype::{DType, Scalar};
use crate::kernel::Stride;

/// The registers of one value.
pub(super) type Regs = SmallVec<[Value; 8]>;

/// One value in many lanes.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub regs: Regs,
    pub lane: Lane,
}

/// What each lane of a group holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// An element of this type, not `bool`.
    Of(DType),
    /// A mask of this many bytes.
    Mask(u8),
}

impl Lane {
    pub fn size(self) -> usize {
        match self {
            Lane::Of(d) => d.size(),
            Lane::Mask(n) => n as usize,
        }
    }

    /// The vector type of a full register.
    pub fn vector(self) -> Type {
        match self {
            Lane::Of(DType::F32) => types::F32X4,
            Lane::Of(DType::F64) => types::F64X2,
            _ => int_vector(self.size()),
        }
    }
}

pub(super) fn int_vector(size: usize) -> Type {
    match size {
        1 => types::I8X16,
        2 => types::I16X8,
        4 => types::I32X4,
        _ => types::I64X2,
    }
}

/// The CLIF type of one element; `bool` is a byte of 0 or 1.
pub(super) fn scalar_type(d: DType) -> Type {
    match d {
        DType::F32 => types::F32,
        DType::F64 => types::F64,
        _ => Type::int(8 * d.size() as u16).expect("an integer type of every element size"),
    }
}

/// Registers that hold `vf` lanes of `size` bytes.
pub(super) fn registers(vf: usize, size: usize) -> usize {
    (vf * size).div_ceil(16)
}

/// Memory that the kernel may touch without a trap handler: bind has proved every access inside its operand.
pub(super) fn mem() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

fn little() -> MemFlagsData {
    MemFlagsData::new().with_endianness(Endianness::Little)
}

impl Emitter<'_> {
    /// Memory that is loaded from. Where nothing writes to it while the nest runs, loads may move, and become memory operands.
    fn input(&self) -> MemFlagsData {
        if self.nest.in_place { mem() } else { mem().with_readonly().with_can_move() }
    }

    pub(super) fn bitcast(&mut self, ty: Type, v: Value) -> Value {
        if self.b.func.dfg.value_type(v) == ty { v } else { self.b.ins().bitcast(ty, little(), v) }
    }

    /// Picks bytes of two registers (16 and up are the second's).
    fn shuffle(&mut self, ty: Type, x: Value, y: Value, pick: impl Fn(usize) -> usize) -> Value {
        let mask: Vec<u8> = (0..16).map(|k| pick(k) as u8).collect();
        let mask = self.b.func.dfg.immediates.push(mask.as_slice().into());
        let (x, y) = (self.bitcast(types::I8X16, x), self.bitcast(types::I8X16, y));
        let z = self.b.ins().shuffle(x, y, mask);
        self.bitcast(ty, z)
    }

    /// The upper half of a register moved to the lower.
    fn high_half(&mut self, ty: Type, x: Value) -> Value {
        self.shuffle(ty, x, x, |k| 8 + k % 8)
    }

    /// All lanes of every register equal to a scalar.
    pub(super) fn splat(&mut self, d: DType, v: Value, vf: usize) -> Group {
        if d == DType::Bool {
            let mask = self.b.ins().ineg(v);
            let r = self.b.ins().splat(types::I8X16, mask);
            return Group { regs: smallvec![r; registers(vf, 1)], lane: Lane::Mask(1) };
        }
        let lane = Lane::Of(d);
        let r = self.b.ins().splat(lane.vector(), v);
        Group { regs: smallvec![r; registers(vf, d.size())], lane }
    }

    /// A constant in every lane, read from the table so that it can be a memory operand.
    pub(super) fn splat_const(&mut self, s: Scalar, vf: usize) -> Group {
        let lane = if s.dtype() == DType::Bool { Lane::Mask(1) } else { Lane::Of(s.dtype()) };
        let offset = self.table.offset(s);
        let regs = (0..registers(vf, lane.size()))
            .map(|_| self.b.ins().load(lane.vector(), mem().with_readonly().with_can_move().with_aligned(), self.table_base, offset))
            .collect();
        Group { regs, lane }
    }

    /// One lane as a scalar (a `bool` as 0 or 1).
    pub(super) fn extract(&mut self, g: &Group, k: usize) -> Value {
        let per = 16 / g.lane.size();
        let v = self.b.ins().extractlane(g.regs[k / per], (k % per) as u8);
        match g.lane {
            Lane::Of(_) => v,
            Lane::Mask(n) => {
                let byte = if n == 1 { v } else { self.b.ins().ireduce(types::I8, v) };
                self.b.ins().band_imm_u(byte, 1)
            }
        }
    }

    /// A group from scalars, one a lane.
    pub(super) fn gather(&mut self, d: DType, lanes: &[Value]) -> Group {
        let lane = if d == DType::Bool { Lane::Mask(1) } else { Lane::Of(d) };
        let per = 16 / lane.size();
        let mut regs = Regs::new();
        for chunk in lanes.chunks(per) {
            let mut r = self.b.ins().splat(lane.vector(), chunk[0]);
            for (k, v) in chunk.iter().enumerate().skip(1) {
                r = self.b.ins().insertlane(r, *v, k as u8);
            }
            regs.push(if d == DType::Bool { self.b.ins().ineg(r) } else { r });
        }
        Group { regs, lane }
    }

    /// The low bytes of a register from memory, or back.
    fn load_part(&mut self, bytes: usize, ty: Type, addr: Value, offset: i32) -> Value {
        let flags = self.input();
        if bytes >= 16 {
            return self.b.ins().load(ty, flags, addr, offset);
        }
        let (scalar, vector) = match bytes {
            8 => (types::I64, types::I64X2),
            4 => (types::I32, types::I32X4),
            _ => (types::I16, types::I32X4),
        };
        let mut v = self.b.ins().load(scalar, flags, addr, offset);
        if bytes == 2 {
            v = self.b.ins().uextend(types::I32, v);
        }
        let v = self.b.ins().scalar_to_vector(vector, v);
        self.bitcast(ty, v)
    }

    fn store_part(&mut self, bytes: usize, v: Value, addr: Value, offset: i32) {
        if bytes >= 16 {
            self.b.ins().store(mem(), v, addr, offset);
            return;
        }
        let vector = match bytes {
            8 => types::I64X2,
            4 => types::I32X4,
            _ => types::I16X8,
        };
        let v = self.bitcast(vector, v);
        let low = self.b.ins().extractlane(v, 0);
        self.b.ins().store(mem(), low, addr, offset);
    }

    /// Stores a group to memory of its own (stack slots), whole registers.
    pub(super) fn spill(&mut self, g: &Group, addr: Value, offset: i32) {
        for (k, r) in g.regs.iter().enumerate() {
            self.b.ins().store(mem(), *r, addr, offset + 16 * k as i32);
        }
    }

    /// Loads what `spill` stored.
    pub(super) fn unspill(&mut self, lane: Lane, vf: usize, addr: Value, offset: i32) -> Group {
        let regs = (0..registers(vf, lane.size())).map(|k| self.b.ins().load(lane.vector(), mem(), addr, offset + 16 * k as i32)).collect();
        Group { regs, lane }
    }

    /// Bytes in the other order, in every element.
    fn swap_lanes(&mut self, size: usize, ty: Type, v: Value) -> Value {
        self.shuffle(ty, v, v, |k| k / size * size + (size - 1 - k % size))
    }

    /// One element of an access at its current address.
    pub(super) fn load_scalar(&mut self, access: u32, addr: Value) -> Value {
        let a = &self.nest.accesses[access as usize];
        let (d, displacement, swapped) = (a.dtype, a.displacement, a.swapped);
        self.load_element(d, swapped, addr, displacement)
    }

    fn load_element(&mut self, d: DType, swapped: bool, addr: Value, offset: i32) -> Value {
        let flags = self.input();
        if d == DType::Bool {
            let v = self.b.ins().load(types::I8, flags, addr, offset);
            return self.b.ins().icmp_imm_u(IntCC::NotEqual, v, 0);
        }
        let ty = scalar_type(d);
        if !swapped {
            return self.b.ins().load(ty, flags, addr, offset);
        }
        let int = Type::int(8 * d.size() as u16).expect("an integer type of every element size");
        let v = self.b.ins().load(int, flags, addr, offset);
        let v = self.b.ins().bswap(v);
        self.bitcast(ty, v)
    }

    /// `vf` elements of an access whose first is at `addr`, moving by `stride` from lane to lane.
    pub(super) fn load_group(&mut self, access: u32, addr: Value, stride: Stride, vf: usize) -> Group {
        let a = &self.nest.accesses[access as usize];
        let (d, displacement, swapped) = (a.dtype, a.displacement, a.swapped);
        match stride {
            Stride::Zero => {
                let v = self.load_element(d, swapped, addr, displacement);
                self.splat(d, v, vf)
            }
            Stride::Unit => {
                let size = d.size();
                let ty = if d == DType::Bool { types::I8X16 } else { Lane::Of(d).vector() };
                let mut regs = Regs::new();
                for k in 0..registers(vf, size) {
                    let offset = displacement + (16 * k + self.lane_offset * size) as i32;
                    let mut r = match self.loaded.get(&(addr, offset, ty)) {
                        Some(r) => *r,
                        None => self.load_part(vf * size, ty, addr, offset),
                    };
                    self.loaded.insert((addr, offset, ty), r);
                    if swapped {
                        r = self.swap_lanes(size, ty, r);
                    }
                    if d == DType::Bool {
                        let zero = self.zero(types::I8X16);
                        r = self.b.ins().icmp(IntCC::NotEqual, r, zero);
                    }
                    regs.push(r);
                }
                Group { regs, lane: if d == DType::Bool { Lane::Mask(1) } else { Lane::Of(d) } }
            }
            Stride::Spaced(n) => {
                let step = n as i32 * d.size() as i32;
                let lanes: SmallVec<[Value; 16]> =
                    (0..vf).map(|k| self.load_element(d, swapped, addr, displacement + step * (k + self.lane_offset) as i32)).collect();
                self.gather(d, &lanes)
            }
            Stride::Param(p) => {
                let step = self.params[p as usize];
                let mut at = addr;
                if self.lane_offset > 0 {
                    let skipped = self.b.ins().imul_imm_s(step, self.lane_offset as i64);
                    at = self.b.ins().iadd(at, skipped);
                }
                let mut lanes: SmallVec<[Value; 16]> = SmallVec::new();
                for k in 0..vf {
                    if k > 0 {
                        at = self.b.ins().iadd(at, step);
                    }
                    lanes.push(self.load_element(d, swapped, at, displacement));
                }
                self.gather(d, &lanes)
            }
        }
    }

    /// The bytes to a position along the `n`-th picked axis of an access.
    ///
    /// Positions below 0 are wrapped, and others that are out of range are 0, so that no element outside the axis is reached.
    pub(super) fn picked_offset(&mut self, access: u32, n: usize, position: Value) -> Value {
        let a = &self.nest.accesses[access as usize];
        let (d, picked) = (a.dtype, a.picked[n]);
        let n = self.params[picked.extent as usize];
        let wrapped = self.b.ins().iadd(position, n);
        let negative = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, position, 0);
        let position = self.b.ins().select(negative, wrapped, position);
        let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, position, n);
        let zero = self.b.ins().iconst(types::I64, 0);
        let position = self.b.ins().select(inside, position, zero);
        match picked.stride {
            Stride::Zero => zero,
            Stride::Unit => self.b.ins().ishl_imm_u(position, d.size().trailing_zeros() as i64),
            Stride::Spaced(n) => self.b.ins().imul_imm_s(position, n as i64 * d.size() as i64),
            Stride::Param(p) => self.b.ins().imul(position, self.params[p as usize]),
        }
    }

    /// `vf` elements of an access, each so many bytes on.
    pub(super) fn load_picked_group(&mut self, access: u32, addr: Value, stride: Stride, offsets: &[Value]) -> Group {
        let d = self.nest.accesses[access as usize].dtype;
        let step = match stride {
            Stride::Zero => None,
            Stride::Param(p) => Some(self.params[p as usize]),
            known => Some(self.b.ins().iconst(types::I64, known.bytes(d.size()).expect("no parameter"))),
        };
        let mut at = addr;
        if let (Some(step), 1..) = (step, self.lane_offset) {
            let skipped = self.b.ins().imul_imm_s(step, self.lane_offset as i64);
            at = self.b.ins().iadd(at, skipped);
        }
        let mut lanes: SmallVec<[Value; 16]> = SmallVec::new();
        for (k, offset) in offsets.iter().enumerate() {
            if let (Some(step), 1..) = (step, k) {
                at = self.b.ins().iadd(at, step);
            }
            let at = self.b.ins().iadd(at, *offset);
            lanes.push(self.load_scalar(access, at));
        }
        self.gather(d, &lanes)
    }

    /// The addresses of `vf` elements of an access, as `i64`.
    pub(super) fn index_group(&mut self, access: u32, addr: Value, stride: Stride, vf: usize) -> Group {
        let displacement = self.nest.accesses[access as usize].displacement as i64;
        let skipped = self.lane_offset as i64;
        let first = self.b.ins().iadd_imm_s(addr, displacement);
        let lane = Lane::Of(DType::I64);
        match stride {
            Stride::Zero => self.splat(DType::I64, first, vf),
            Stride::Unit => {
                let first = self.b.ins().iadd_imm_s(first, skipped);
                let first = self.b.ins().splat(types::I64X2, first);
                let mut regs = Regs::new();
                for k in 0..registers(vf, 8) as i64 {
                    let steps: Vec<u8> = (2 * k).to_le_bytes().into_iter().chain((2 * k + 1).to_le_bytes()).collect();
                    let steps = self.b.func.dfg.constants.insert(steps.into());
                    let steps = self.b.ins().vconst(types::I64X2, steps);
                    regs.push(self.b.ins().iadd(first, steps));
                }
                Group { regs, lane }
            }
            Stride::Spaced(_) | Stride::Param(_) => {
                let size = self.nest.accesses[access as usize].dtype.size();
                let step = match stride {
                    Stride::Param(p) => self.params[p as usize],
                    known => self.b.ins().iconst(types::I64, known.bytes(size).expect("no parameter")),
                };
                let skipped = self.b.ins().imul_imm_s(step, skipped);
                let first = self.b.ins().iadd(first, skipped);
                let second = self.b.ins().iadd(first, step);
                let pair = self.b.ins().splat(types::I64X2, first);
                let mut pair = self.b.ins().insertlane(pair, second, 1);
                let two = self.b.ins().ishl_imm_u(step, 1);
                let two = self.b.ins().splat(types::I64X2, two);
                let mut regs = Regs::new();
                for _ in 0..registers(vf, 8) {
                    regs.push(pair);
                    pair = self.b.ins().iadd(pair, two);
                }
                Group { regs, lane }
            }
        }
    }

    /// One element to an access at its current address.
    pub(super) fn store_scalar(&mut self, access: u32, addr: Value, v: Value) {
        let displacement = self.nest.accesses[access as usize].displacement;
        self.b.ins().store(mem(), v, addr, displacement);
    }

    /// `vf` elements to an access whose first is at `addr`.
    pub(super) fn store_group(&mut self, access: u32, addr: Value, stride: Stride, g: &Group, vf: usize) {
        let a = &self.nest.accesses[access as usize];
        let (d, displacement) = (a.dtype, a.displacement);
        match stride {
            Stride::Unit => {
                let g = if d == DType::Bool { self.mask_to_bytes(g, vf) } else { g.clone() };
                for (k, r) in g.regs.iter().enumerate() {
                    self.store_part(vf * d.size(), *r, addr, displacement + 16 * k as i32);
                }
            }
            Stride::Zero | Stride::Spaced(_) | Stride::Param(_) => {
                let mut at = addr;
                for k in 0..vf {
                    if let (1.., Stride::Param(p)) = (k, stride) {
                        at = self.b.ins().iadd(at, self.params[p as usize]);
                    }
                    let v = self.extract(g, k);
                    let on = stride.bytes(d.size()).unwrap_or(0) as i32 * k as i32;
                    self.b.ins().store(mem(), v, at, displacement + on);
                }
            }
        }
    }

    pub(super) fn zero(&mut self, ty: Type) -> Value {
        let zero = self.b.func.dfg.constants.insert(vec![0u8; 16].into());
        self.b.ins().vconst(ty, zero)
    }

    /// A mask of byte lanes as bytes of 0 and 1.
    fn mask_to_bytes(&mut self, g: &Group, vf: usize) -> Group {
        let mut g = self.mask_as(g, 1, vf);
        let one = self.b.func.dfg.constants.insert(vec![1u8; 16].into());
        for r in &mut g.regs {
            let one = self.b.ins().vconst(types::I8X16, one);
            *r = self.b.ins().band(*r, one);
        }
        g
    }

    /// The mask with lanes of `size` bytes.
    pub(super) fn mask_as(&mut self, g: &Group, size: usize, vf: usize) -> Group {
        let mut at = g.lane.size();
        let mut regs = g.regs.clone();
        while at < size {
            regs = self.widen(&regs, at, true, vf);
            at *= 2;
        }
        while at > size {
            regs = self.narrow_mask(&regs, at, vf);
            at /= 2;
        }
        Group { regs, lane: Lane::Mask(size as u8) }
    }

    /// Integer lanes of `size` bytes to twice that.
    fn widen(&mut self, regs: &[Value], size: usize, signed: bool, vf: usize) -> Regs {
        let want = registers(vf, 2 * size);
        let ty = int_vector(size);
        let mut out = Regs::new();
        for r in regs {
            let r = self.bitcast(ty, *r);
            for high in [false, true] {
                if out.len() < want {
                    out.push(match (high, signed) {
                        (false, true) => self.b.ins().swiden_low(r),
                        (true, true) => self.b.ins().swiden_high(r),
                        (false, false) => self.b.ins().uwiden_low(r),
                        (true, false) => self.b.ins().uwiden_high(r),
                    });
                }
            }
        }
        out
    }

    /// Mask lanes of `size` bytes to half that.
    fn narrow_mask(&mut self, regs: &[Value], size: usize, vf: usize) -> Regs {
        if size == 8 {
            return self.truncate(regs, 8, vf);
        }
        let ty = int_vector(size);
        regs.chunks(2)
            .map(|pair| {
                let x = self.bitcast(ty, pair[0]);
                let y = self.bitcast(ty, *pair.last().expect("chunks are not empty"));
                // Saturation keeps 0 and -1.
                self.b.ins().snarrow(x, y)
            })
            .collect()
    }

    /// Integer lanes of `size` bytes to half that, keeping the low bytes.
    fn truncate(&mut self, regs: &[Value], size: usize, _vf: usize) -> Regs {
        let half = size / 2;
        let ty = int_vector(half);
        regs.chunks(2)
            .map(|pair| {
                let (x, y) = (pair[0], *pair.last().expect("chunks are not empty"));
                self.shuffle(ty, x, y, |k| k / half * size + k % half)
            })
            .collect()
    }

    fn int_to_int(&mut self, g: &Group, from: DType, to: DType, vf: usize) -> Group {
        let mut regs = g.regs.clone();
        let mut size = from.size();
        while size < to.size() {
            regs = self.widen(&regs, size, from.is_signed(), vf);
            size *= 2;
        }
        while size > to.size() {
            regs = self.truncate(&regs, size, vf);
            size /= 2;
        }
        let ty = int_vector(to.size());
        let regs = regs.into_iter().map(|r| self.bitcast(ty, r)).collect();
        Group { regs, lane: Lane::Of(to) }
    }

    /// A whole group converted to another type; see `Scalar::cast` for the meaning.
    pub(super) fn cast_group(&mut self, g: &Group, from: DType, to: DType, vf: usize) -> Group {
        use DType::*;
        match (from, to) {
            (Bool, _) => {
                let g = self.mask_as(g, to.size(), vf);
                let one = self.splat_const(Scalar::one(to), vf);
                let (int, ty) = (int_vector(to.size()), Lane::Of(to).vector());
                let regs = g
                    .regs
                    .iter()
                    .zip(&one.regs)
                    .map(|(m, o)| {
                        let o = self.bitcast(int, *o);
                        let v = self.b.ins().band(*m, o);
                        self.bitcast(ty, v)
                    })
                    .collect();
                Group { regs, lane: Lane::Of(to) }
            }
            (_, Bool) => {
                let zero = self.splat_const(Scalar::zero(from), vf);
                let regs = g
                    .regs
                    .iter()
                    .zip(&zero.regs)
                    .map(|(x, z)| {
                        if from.is_float() {
                            self.b.ins().fcmp(FloatCC::NotEqual, *x, *z)
                        } else {
                            self.b.ins().icmp(IntCC::NotEqual, *x, *z)
                        }
                    })
                    .collect();
                Group { regs, lane: Lane::Mask(from.size() as u8) }
            }
            (F32, F64) => self.halves(g, F64, vf, |e, r| e.b.ins().fvpromote_low(r)),
            (F64, F32) => {
                let halves: Regs = g.regs.iter().map(|r| self.b.ins().fvdemote(*r)).collect();
                self.join_halves(&halves, F32)
            }
            (I32, F64) => self.halves(g, F64, vf, |e, r| {
                let wide = e.b.ins().swiden_low(r);
                e.b.ins().fcvt_from_sint(types::F64X2, wide)
            }),
            (U32, F64) => self.halves(g, F64, vf, |e, r| {
                let wide = e.b.ins().uwiden_low(r);
                e.b.ins().fcvt_from_sint(types::F64X2, wide)
            }),
            (U32, F32) => {
                let regs = g.regs.iter().map(|r| self.b.ins().fcvt_from_uint(types::F32X4, *r)).collect();
                Group { regs, lane: Lane::Of(to) }
            }
            (I32, F32) | (I64, F64) => {
                let ty = Lane::Of(to).vector();
                Group { regs: g.regs.iter().map(|r| self.b.ins().fcvt_from_sint(ty, *r)).collect(), lane: Lane::Of(to) }
            }
            (I8 | U8 | I16 | U16, F32 | F64) => {
                let wide = self.int_to_int(g, from, I32, vf);
                self.cast_group(&wide, I32, to, vf)
            }
            (F32, I32) => {
                let regs = g
                    .regs
                    .iter()
                    .map(|r| {
                        let v = self.b.ins().fcvt_to_sint_sat(types::I32X4, *r);
                        let limit = self.splat_const(Scalar::F32(2147483648.0), 4).regs[0];
                        let least = self.splat_const(Scalar::I32(i32::MIN), 4).regs[0];
                        let fits = self.b.ins().fcmp(FloatCC::LessThan, *r, limit);
                        self.b.ins().bitselect(fits, v, least)
                    })
                    .collect();
                Group { regs, lane: Lane::Of(I32) }
            }
            (F64, I32) => {
                let halves: Regs = g.regs.iter().map(|r| self.f64_to_low_i32(*r)).collect();
                let regs = self.truncate(&halves, 8, vf);
                Group { regs, lane: Lane::Of(I32) }
            }
            (F32 | F64, I8 | U8 | I16 | U16) => {
                let wide = self.cast_group(g, from, I32, vf);
                self.int_to_int(&wide, I32, to, vf)
            }
            (I64, F32) | (U64, F32 | F64) | (F32 | F64, I64) => {
                let lanes: Vec<Value> = (0..vf)
                    .map(|k| {
                        let v = self.extract(g, k);
                        self.cast_scalar(v, from, to)
                    })
                    .collect();
                self.gather(to, &lanes)
            }
            _ => self.int_to_int(g, from, to, vf),
        }
    }

    /// Two `f64` truncated to `i32` in the low halves of 64-bit lanes: adding 1.5 * 2^52 leaves the integer in the low bits.
    fn f64_to_low_i32(&mut self, r: Value) -> Value {
        let konst = |e: &mut Self, x: f64| e.splat_const(Scalar::F64(x), 2).regs[0];
        let t = self.b.ins().trunc(r);
        let (low, high) = (konst(self, -2147483648.0), konst(self, 2147483648.0));
        let above = self.b.ins().fcmp(FloatCC::GreaterThanOrEqual, t, low);
        let below = self.b.ins().fcmp(FloatCC::LessThan, t, high);
        let fits = self.b.ins().band(above, below);
        let magic = konst(self, 6755399441055744.0);
        let sum = self.b.ins().fadd(t, magic);
        let bits = self.bitcast(types::I64X2, sum);
        let least = self.splat_const(Scalar::I64(i32::MIN as i64), 2).regs[0];
        self.b.ins().bitselect(fits, bits, least)
    }

    /// Registers of four lanes to twice as many of two lanes.
    fn halves(&mut self, g: &Group, to: DType, vf: usize, convert: impl Fn(&mut Self, Value) -> Value) -> Group {
        let want = registers(vf, to.size());
        let ty = g.lane.vector();
        let mut regs = Regs::new();
        for r in &g.regs {
            regs.push(convert(self, *r));
            if regs.len() < want {
                let high = self.high_half(ty, *r);
                regs.push(convert(self, high));
            }
        }
        Group { regs, lane: Lane::Of(to) }
    }

    /// The low halves of pairs of registers joined.
    fn join_halves(&mut self, halves: &[Value], to: DType) -> Group {
        let ty = Lane::Of(to).vector();
        let regs = halves
            .chunks(2)
            .map(|pair| if let [x, y] = pair { self.shuffle(ty, *x, *y, |k| if k < 8 { k } else { k + 8 }) } else { pair[0] })
            .collect();
        Group { regs, lane: Lane::Of(to) }
    }
}
