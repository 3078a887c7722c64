//! Loop nest -> CLIF: arguments, parallel loops, the body, stores. Reductions are in `reduce`.
//!
//! The compiled function takes one pointer, to an array of 64-bit words: the addresses, then the sizes, then the address of the
//! table of constants. Every address is that
//! of an access's first element; loops add strides to it. Nothing in the function traps.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, Variable};
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::lanes::{Group, Lane};
use crate::dtype::{DType, Scalar};
use crate::kernel::{Depth, Inst, Lanes, LoopNest, Stride, ValueId};
use crate::ops::BinaryOp;

/// Constants of all lanes equal, 16 bytes each, which the code reads as memory operands.
#[derive(Default)]
pub(super) struct Table {
    pub words: Vec<u128>,
    offsets: HashMap<Scalar, i32>,
}

impl Table {
    /// The byte offset of a constant, added if it is new.
    pub fn offset(&mut self, s: Scalar) -> i32 {
        *self.offsets.entry(s).or_insert_with(|| {
            let size = s.dtype().size();
            // A mask of byte lanes for `bool`, else the value repeated.
            let lane = if let Scalar::Bool(x) = s { if x { 0xff } else { 0 } } else { s.bits() };
            let word = (0..16 / size).fold(0u128, |word, k| word | (lane as u128) << (8 * size * k));
            self.words.push(word);
            16 * (self.words.len() as i32 - 1)
        })
    }
}

/// How many elements the code under construction handles at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Scalar,
    Vector(usize),
}

/// What is known of a value where code is being emitted.
#[derive(Clone, Default)]
pub(super) struct Known {
    pub scalar: Option<Value>,
    pub group: Option<Group>,
}

/// A function under construction.
pub(super) struct Emitter<'a> {
    pub b: FunctionBuilder<'a>,
    pub nest: &'a LoopNest,
    pub call_conv: CallConv,
    pub table: Table,
    /// The address of the table.
    pub table_base: Value,
    pub params: Vec<Value>,
    /// The current address of each address argument, with the strides of the loops entered so far.
    pub addresses: Vec<Value>,
    pub known: Vec<Known>,
    /// An access of each address argument; all of one address have the same strides and element type.
    access_of: Vec<usize>,
    /// Values that are computed outside vector code and used inside.
    splatted: Vec<bool>,
}

impl<'a> Emitter<'a> {
    /// Emits the whole function. `table_address` is where the table will be.
    pub fn new(mut b: FunctionBuilder<'a>, nest: &'a LoopNest, call_conv: CallConv) -> Emitter<'a> {
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        let args = b.block_params(entry)[0];
        let flags = MemFlagsData::trusted();
        let addresses = (0..nest.pointers).map(|k| b.ins().load(types::I64, flags, args, 8 * k as i32)).collect();
        let params = (0..nest.params).map(|k| b.ins().load(types::I64, flags, args, 8 * (nest.pointers + k) as i32)).collect();
        let table_base = b.ins().load(types::I64, flags, args, 8 * (nest.pointers + nest.params) as i32);
        let known = vec![Known::default(); nest.insts.len()];
        let mut access_of = vec![0; nest.pointers as usize];
        for (k, access) in nest.accesses.iter().enumerate() {
            access_of[access.pointer as usize] = k;
        }
        let table = Table::default();
        let mut e = Emitter { b, nest, call_conv, table, table_base, params, addresses, known, access_of, splatted: Vec::new() };
        e.splatted = e.find_splatted();
        e
    }

    pub fn run(mut self) -> (FunctionBuilder<'a>, Table) {
        self.values(Depth::Parallel(0), Mode::Scalar);
        self.parallel(0);
        self.b.ins().return_(&[]);
        self.b.seal_all_blocks();
        (self.b, self.table)
    }

    /// True if values of this depth are computed in vector code (where there is any).
    fn is_vector_depth(&self, depth: Depth) -> bool {
        match self.nest.lanes {
            Lanes::Scalar => false,
            Lanes::Parallel(_) => depth >= Depth::Parallel(self.nest.rank() as u8),
            Lanes::Reduced => depth == Depth::Reduced,
        }
    }

    fn find_splatted(&self) -> Vec<bool> {
        let nest = self.nest;
        let mut used = vec![false; nest.insts.len()];
        for (k, inst) in nest.insts.iter().enumerate() {
            if self.is_vector_depth(nest.depths[k]) {
                for o in inst.operands() {
                    used[o.index()] = true;
                }
            }
        }
        if let Lanes::Parallel(_) = nest.lanes {
            for s in &nest.stores {
                used[s.value.index()] = true;
            }
        }
        (0..used.len()).map(|k| used[k] && !self.is_vector_depth(nest.depths[k]) && !matches!(nest.insts[k], Inst::Const(_))).collect()
    }

    /// The byte strides of an address argument along an axis.
    pub(super) fn stride_of(&self, pointer: usize, axis: usize) -> Stride {
        self.nest.accesses[self.access_of[pointer]].strides[axis]
    }

    fn item_of(&self, pointer: usize) -> i64 {
        self.nest.accesses[self.access_of[pointer]].dtype.size() as i64
    }

    /// `base + index * stride` along an axis; the scaled index folds into the addressing mode where the stride is an element.
    pub(super) fn offset(&mut self, base: Value, pointer: usize, axis: usize, index: Value) -> Value {
        let moved = match self.stride_of(pointer, axis) {
            Stride::Zero => return base,
            Stride::Unit => {
                let shift = self.item_of(pointer).trailing_zeros();
                if shift == 0 { index } else { self.b.ins().ishl_imm(index, shift as i64) }
            }
            Stride::Param(p) => self.b.ins().imul(index, self.params[p as usize]),
        };
        self.b.ins().iadd(base, moved)
    }

    /// The addresses after moving along an axis.
    fn moved(&mut self, axis: usize, index: Value) -> Vec<Value> {
        (0..self.addresses.len()).map(|p| self.offset(self.addresses[p], p, axis, index)).collect()
    }

    pub(super) fn index_variable(&mut self, start: i64) -> Variable {
        let v = self.b.declare_var(types::I64);
        let zero = self.b.ins().iconst(types::I64, start);
        self.b.def_var(v, zero);
        v
    }

    /// The loops over the parallel axes from `axis` on. Extents are not zero: such calls never reach the code.
    fn parallel(&mut self, axis: usize) {
        if axis == self.nest.rank() {
            return self.innermost(Mode::Scalar);
        }
        let extent = self.params[self.nest.parallel[axis] as usize];
        match self.nest.lanes {
            Lanes::Parallel(vf) if axis + 1 == self.nest.rank() => self.vector_loop(axis, extent, vf as usize),
            _ => self.scalar_loop(axis, extent, |e| e.parallel(axis + 1)),
        }
    }

    fn scalar_loop(&mut self, axis: usize, extent: Value, inside: impl Fn(&mut Self)) {
        let i = self.index_variable(0);
        let (head, exit) = (self.b.create_block(), self.b.create_block());
        self.b.ins().jump(head, &[]);
        self.b.switch_to_block(head);
        let outer = self.addresses.clone();
        let index = self.b.use_var(i);
        self.addresses = self.moved(axis, index);
        self.values(Depth::Parallel(axis as u8 + 1), Mode::Scalar);
        inside(self);
        self.addresses = outer;
        let index = self.b.use_var(i);
        let next = self.b.ins().iadd_imm_s(index, 1);
        self.b.def_var(i, next);
        let more = self.b.ins().icmp(IntCC::SignedLessThan, next, extent);
        self.b.ins().brif(more, head, &[], exit, &[]);
        self.b.switch_to_block(exit);
    }

    /// The last parallel axis, `vf` elements a turn. The last turn starts early enough to end at the end: it does some
    /// elements twice, which is right because outputs never alias inputs. Fewer than `vf` elements go one by one.
    fn vector_loop(&mut self, axis: usize, extent: Value, vf: usize) {
        let (vector, scalar, exit) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let wide = self.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, extent, vf as i64);
        let last = self.b.ins().iadd_imm_s(extent, -(vf as i64));
        let i = self.index_variable(0);
        self.b.ins().brif(wide, vector, &[], scalar, &[]);

        self.b.switch_to_block(vector);
        let (head, tail) = (self.b.create_block(), self.b.create_block());
        self.b.ins().jump(head, &[]);
        self.b.switch_to_block(head);
        let outer = self.addresses.clone();
        let index = self.b.use_var(i);
        self.addresses = self.moved(axis, index);
        self.values(Depth::Parallel(axis as u8 + 1), Mode::Vector(vf));
        self.innermost(Mode::Vector(vf));
        self.addresses = outer;
        let index = self.b.use_var(i);
        let next = self.b.ins().iadd_imm_s(index, vf as i64);
        self.b.def_var(i, next);
        let more = self.b.ins().icmp(IntCC::SignedLessThanOrEqual, next, last);
        self.b.ins().brif(more, head, &[], tail, &[]);
        self.b.switch_to_block(tail);
        self.b.def_var(i, last);
        let left = self.b.ins().icmp(IntCC::SignedLessThan, next, extent);
        self.b.ins().brif(left, head, &[], exit, &[]);

        self.b.switch_to_block(scalar);
        self.scalar_loop(axis, extent, |e| e.innermost(Mode::Scalar));
        self.b.ins().jump(exit, &[]);
        self.b.switch_to_block(exit);
    }

    fn innermost(&mut self, mode: Mode) {
        if !self.nest.reductions.is_empty() {
            self.reduce(mode);
            self.values(Depth::After, mode);
        }
        let axis = self.nest.rank().checked_sub(1);
        for k in 0..self.nest.stores.len() {
            let s = self.nest.stores[k];
            let pointer = self.nest.accesses[s.access as usize].pointer as usize;
            let addr = self.addresses[pointer];
            match mode {
                Mode::Scalar => {
                    let v = self.scalar(s.value);
                    self.store_scalar(s.access, addr, v);
                }
                Mode::Vector(vf) => {
                    let stride = axis.map_or(Stride::Zero, |a| self.nest.accesses[s.access as usize].strides[a]);
                    let g = self.group(s.value, vf);
                    self.store_group(s.access, addr, stride, &g, vf);
                }
            }
        }
    }

    /// Emits every value of one depth.
    pub(super) fn values(&mut self, depth: Depth, mode: Mode) {
        for k in 0..self.nest.insts.len() {
            if self.nest.depths[k] != depth || matches!(self.nest.insts[k], Inst::Const(_)) {
                continue;
            }
            match mode {
                Mode::Scalar => {
                    if let Some(v) = self.scalar_inst(k) {
                        self.known[k].scalar = Some(v);
                        if self.splatted[k]
                            && let Some(vf) = self.vector_factor()
                        {
                            self.known[k].group = Some(self.splat(self.nest.types[k], v, vf));
                        }
                    }
                }
                Mode::Vector(vf) => {
                    if let Some(g) = self.vector_inst(k, vf) {
                        self.known[k].group = Some(g);
                    }
                }
            }
        }
    }

    fn vector_factor(&self) -> Option<usize> {
        match self.nest.lanes {
            Lanes::Scalar => None,
            Lanes::Parallel(n) => Some(n as usize),
            Lanes::Reduced => Some(crate::kernel::LEAF_LANES as usize),
        }
    }

    /// The value of one element.
    pub(super) fn scalar(&mut self, v: ValueId) -> Value {
        if let Inst::Const(s) = self.nest.insts[v.index()] {
            return self.scalar_const(s);
        }
        self.known[v.index()].scalar.expect("operands are emitted before users")
    }

    pub(super) fn scalar_const(&mut self, s: Scalar) -> Value {
        match s {
            Scalar::F32(x) => self.b.ins().f32const(x),
            Scalar::F64(x) => self.b.ins().f64const(x),
            _ => {
                let ty = super::lanes::scalar_type(s.dtype());
                self.b.ins().iconst(ty, s.bits() as i64)
            }
        }
    }

    /// The value of `vf` elements.
    pub(super) fn group(&mut self, v: ValueId, vf: usize) -> Group {
        if let Inst::Const(s) = self.nest.insts[v.index()] {
            return self.splat_const(s, vf);
        }
        if let Some(g) = &self.known[v.index()].group {
            return g.clone();
        }
        let scalar = self.known[v.index()].scalar.expect("operands are emitted before users");
        self.splat(self.nest.types[v.index()], scalar, vf)
    }

    /// `None` for the results of reductions, which `reduce` puts in place.
    fn scalar_inst(&mut self, k: usize) -> Option<Value> {
        let ty = self.nest.types[k];
        let of = |e: &Self, v: ValueId| e.nest.types[v.index()];
        Some(match self.nest.insts[k] {
            Inst::Load(a) => {
                let addr = self.addresses[self.nest.accesses[a as usize].pointer as usize];
                self.load_scalar(a, addr)
            }
            Inst::Const(s) => self.scalar_const(s),
            Inst::Param(p) => self.params[p as usize],
            Inst::Unary(op, x) => {
                let v = self.scalar(x);
                self.unary_scalar(op, of(self, x), v)
            }
            Inst::Binary(op, x, y) => {
                let (v, w) = (self.scalar(x), self.scalar(y));
                self.binary_scalar(op, of(self, x), v, w)
            }
            Inst::Fma(x, y, z) => {
                let (x, y, z) = (self.scalar(x), self.scalar(y), self.scalar(z));
                self.b.ins().fma(x, y, z)
            }
            Inst::Select(c, x, y) => {
                let (c, x, y) = (self.scalar(c), self.scalar(x), self.scalar(y));
                self.b.ins().select(c, x, y)
            }
            Inst::Cast(x) => {
                let v = self.scalar(x);
                self.cast_scalar(v, of(self, x), ty)
            }
            Inst::Bitcast(x) => {
                let v = self.scalar(x);
                self.bitcast(super::lanes::scalar_type(ty), v)
            }
            Inst::ShiftRightLogical(x, n) => {
                let v = self.scalar(x);
                self.b.ins().ushr_imm(v, n as i64)
            }
            Inst::Reduced(_) => return None,
        })
    }

    fn vector_inst(&mut self, k: usize, vf: usize) -> Option<Group> {
        let ty = self.nest.types[k];
        let of = |e: &Self, v: ValueId| e.nest.types[v.index()];
        Some(match self.nest.insts[k] {
            Inst::Load(a) => {
                let access = &self.nest.accesses[a as usize];
                let addr = self.addresses[access.pointer as usize];
                let axis = match self.nest.lanes {
                    Lanes::Reduced => access.strides.len() - 1,
                    _ => self.nest.rank() - 1,
                };
                let stride = access.strides[axis];
                self.load_group(a, addr, stride, vf)
            }
            Inst::Const(s) => self.splat_const(s, vf),
            Inst::Param(p) => self.splat(DType::I64, self.params[p as usize], vf),
            Inst::Unary(op, x) => {
                let v = self.group(x, vf);
                self.unary_group(op, of(self, x), &v)
            }
            Inst::Binary(op, x, y) => {
                let shift = match (op, self.nest.insts[y.index()]) {
                    (BinaryOp::Shl | BinaryOp::Shr, Inst::Const(s)) => Some(s),
                    _ => None,
                };
                let v = self.group(x, vf);
                let w = if shift.is_some() { v.clone() } else { self.group(y, vf) };
                self.binary_group(op, of(self, x), &v, &w, shift, vf)
            }
            Inst::Fma(x, y, z) => {
                let (x, y, z) = (self.group(x, vf), self.group(y, vf), self.group(z, vf));
                let regs: SmallVec<[Value; 8]> = (0..x.regs.len()).map(|r| self.b.ins().fma(x.regs[r], y.regs[r], z.regs[r])).collect();
                Group { regs, lane: Lane::Of(ty) }
            }
            Inst::Select(c, x, y) => {
                let (c, x, y) = (self.group(c, vf), self.group(x, vf), self.group(y, vf));
                self.select_group(&c, &x, &y, vf)
            }
            Inst::Cast(x) => {
                let v = self.group(x, vf);
                self.cast_group(&v, of(self, x), ty, vf)
            }
            Inst::Bitcast(x) => {
                let v = self.group(x, vf);
                self.bitcast_group(&v, ty)
            }
            Inst::ShiftRightLogical(x, n) => {
                let v = self.group(x, vf);
                self.shift_right_logical_group(&v, n)
            }
            Inst::Reduced(_) => return None,
        })
    }
}
