//! Loop nest -> CLIF: arguments, parallel loops, the body, stores. Reductions are in `reduce`.
//!
//! The compiled function takes one pointer, to an array of 64-bit words: the addresses, then the sizes, then the address of the
//! table of constants and the two words of [`Streaming`]. Every address is that of an access's first element; loops add
//! strides to it. Nothing in the function traps.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, Variable};
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::lanes::{Group, Lane};
use crate::dtype::{DType, Scalar};
use crate::kernel::{Depth, Inst, LEAF_LANES, Lanes, LoopNest, Position, Scattered, Store, Stride, ValueId};
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
            let lane = if let Scalar::Bool(x) = s { if x { 0xff } else { 0 } } else { s.bits() as u64 };
            let word = (0..16 / size).fold(0u128, |word, k| word | (lane as u128) << (8 * size * k));
            self.words.push(word);
            16 * (self.words.len() as i32 - 1)
        })
    }
}

/// Results that go around the cache.
///
/// An array much larger than the cache is best written with stores that do not fetch the lines they replace. Cranelift has
/// none, so the loop writes pieces to tiles that stay in the first-level cache, and a helper copies each tile out. Whether
/// to do so depends on sizes, so it is decided when the code is called: by two words after the table's address.
pub(crate) struct Streaming {
    /// How many elements of the last parallel axis are done at once; at least 1.
    pub chunk: i64,
    /// The address of one tile for each store, one after another; 0 to write to the outputs themselves.
    pub tiles: i64,
}

impl Streaming {
    /// Bytes of one tile.
    pub const TILE: usize = 1024;
    /// No more tiles than this are used at once: they lie on the stack.
    pub const MOST_TILES: usize = 8;

    /// All of the axis at once, straight to the outputs.
    pub const OFF: Streaming = Streaming { chunk: i64::MAX, tiles: 0 };
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
    /// Each lane on its own: offsets of elements, which are for addresses.
    pub lanes: SmallVec<[Value; 16]>,
}

/// The elements that vector code of a nest handles at once, if it has any.
pub(super) fn vector_lanes(nest: &LoopNest) -> Option<usize> {
    match nest.lanes {
        Lanes::Scalar => None,
        Lanes::Parallel(n) => Some(n as usize),
        Lanes::Reduced => Some(LEAF_LANES as usize / leaf_passes(nest)),
    }
}

/// In how many passes the eight positions of a leaf are reduced: a long body over all eight at once would need more registers
/// than there are.
pub(super) fn leaf_passes(nest: &LoopNest) -> usize {
    let body = nest.depths.iter().filter(|d| **d == Depth::Reduced).count();
    let wanted = match body {
        0..=16 => 1,
        17..=64 => 2,
        _ => 4,
    };
    // A pass fills whole registers of what it adds to.
    let narrowest = nest.reductions.iter().map(|r| nest.types[r.value.index()].size()).min().unwrap_or(1);
    wanted.min(LEAF_LANES as usize * narrowest / 16).max(1)
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
    /// The words of [`Streaming`], where the nest can stream.
    streaming: Option<(Value, Value)>,
    /// The current address of each address argument, with the strides of the loops entered so far.
    pub addresses: Vec<Value>,
    pub known: Vec<Known>,
    /// An access of each address argument; all of one address have the same strides and element type.
    access_of: Vec<usize>,
    /// Values that are computed outside vector code and used inside.
    splatted: Vec<bool>,
    /// Index arithmetic inside vector code that is the same for all lanes, and computed once for them.
    uniform: Vec<bool>,
    /// Registers loaded in the body under construction, by address and displacement: neighbours in a stencil share them.
    pub loaded: HashMap<(Value, i32, Type), Value>,
    /// How many values each store that counts them has written so far.
    counters: Vec<Option<Variable>>,
    /// How many elements past the current addresses vector loads begin.
    pub lane_offset: usize,
}

impl<'a> Emitter<'a> {
    /// Loads the arguments.
    pub fn new(mut b: FunctionBuilder<'a>, nest: &'a LoopNest, call_conv: CallConv) -> Emitter<'a> {
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        let args = b.block_params(entry)[0];
        let flags = MemFlagsData::trusted();
        let addresses = (0..nest.pointers).map(|k| b.ins().load(types::I64, flags, args, 8 * k as i32)).collect();
        let params = (0..nest.params).map(|k| b.ins().load(types::I64, flags, args, 8 * (nest.pointers + k) as i32)).collect();
        let table_base = b.ins().load(types::I64, flags, args, 8 * (nest.pointers + nest.params) as i32);
        let word = |b: &mut FunctionBuilder, k: u32| b.ins().load(types::I64, flags, args, 8 * (nest.pointers + nest.params + k) as i32);
        let streaming = nest.can_stream().then(|| (word(&mut b, 1), word(&mut b, 2)));
        let known = vec![Known::default(); nest.insts.len()];
        let mut access_of = vec![0; nest.pointers as usize];
        for (k, access) in nest.accesses.iter().enumerate() {
            access_of[access.pointer as usize] = k;
        }
        let mut e = Emitter {
            b,
            nest,
            call_conv,
            table: Table::default(),
            table_base,
            params,
            streaming,
            addresses,
            known,
            access_of,
            splatted: Vec::new(),
            uniform: Vec::new(),
            loaded: HashMap::new(),
            counters: Vec::new(),
            lane_offset: 0,
        };
        e.uniform = e.find_uniform();
        e.splatted = e.find_splatted();
        if e.streaming.is_none() {
            e.load_resident_constants();
        }
        e
    }

    fn load_resident_constants(&mut self) {
        for v in super::pressure::resident_constants(self.nest) {
            let (Inst::Const(s), Some(vf)) = (self.nest.insts[v.index()], vector_lanes(self.nest)) else { continue };
            let one = self.splat_const(s, 1);
            let regs = super::lanes::registers(vf, one.lane.size());
            self.known[v.index()].group = Some(Group { regs: smallvec::smallvec![one.regs[0]; regs], lane: one.lane });
        }
    }

    /// Puts what vector code takes from outside in registers anew, for a loop between calls. A call leaves no vector register as it
    /// was, and the register allocator would have such a value pass through memory on every turn of the loop, which takes longer than
    /// the turn.
    fn load_for_span(&mut self, vf: usize) {
        self.load_resident_constants();
        for k in 0..self.known.len() {
            if let (true, Some(v)) = (self.splatted[k], self.known[k].scalar) {
                self.known[k].group = Some(self.splat(self.nest.types[k], v, vf));
            }
        }
    }

    /// Emits the rest of the function; the table is to be at the address that is its last argument.
    pub fn run(mut self) -> (FunctionBuilder<'a>, Table) {
        let counts = |s: &Store| s.scatter.is_some_and(|s| matches!(s.position, Position::Next(_)));
        self.counters = self.nest.stores.iter().map(|s| counts(s).then(|| self.index_variable(0))).collect();
        self.values(Depth::Parallel(0), Mode::Scalar);
        self.parallel(0);
        self.b.ins().return_(&[]);
        self.b.seal_all_blocks();
        (self.b, self.table)
    }

    fn find_splatted(&self) -> Vec<bool> {
        let nest = self.nest;
        let mut used = vec![false; nest.insts.len()];
        for (k, inst) in nest.insts.iter().enumerate() {
            if self.nest.in_lanes(nest.depths[k]) {
                // Offsets are scalars.
                if !matches!(inst, Inst::Pick(..) | Inst::LoadAt(..)) {
                    inst.operands().iter().for_each(|o| used[o.index()] = true);
                }
            }
        }
        if let Lanes::Parallel(_) = nest.lanes {
            for s in nest.stores.iter().filter(|s| s.scatter.is_none()) {
                used[s.value.index()] = true;
            }
        }
        (0..used.len()).map(|k| used[k] && !self.nest.in_lanes(nest.depths[k]) && !matches!(nest.insts[k], Inst::Const(_))).collect()
    }

    fn find_uniform(&self) -> Vec<bool> {
        let nest = self.nest;
        let lanes_along = match nest.lanes {
            Lanes::Scalar => return vec![false; nest.insts.len()],
            Lanes::Parallel(_) => nest.rank() - 1,
            Lanes::Reduced => nest.rank() + nest.reduced.len() - 1,
        };
        let mut uniform: Vec<bool> = Vec::with_capacity(nest.insts.len());
        for (k, inst) in nest.insts.iter().enumerate() {
            let own = match inst {
                Inst::Index(a) => nest.accesses[*a as usize].strides[lanes_along] == Stride::Zero,
                Inst::Const(_) | Inst::Param(_) => true,
                Inst::Load(_) | Inst::LoadAt(..) | Inst::Reduced(_) => false,
                _ => nest.types[k] == DType::I64 || nest.types[k] == DType::Bool,
            };
            uniform.push(own && inst.operands().iter().all(|o| uniform[o.index()] || !self.nest.in_lanes(nest.depths[o.index()])));
        }
        // Of values outside vector code there is nothing to say.
        (0..uniform.len()).map(|k| uniform[k] && self.nest.in_lanes(nest.depths[k])).collect()
    }

    /// True if the value is one scalar, where vector code is emitted.
    fn is_one(&self, v: ValueId) -> bool {
        self.uniform[v.index()] || !self.nest.in_lanes(self.nest.depths[v.index()])
    }

    /// The value of each lane.
    fn lanes(&mut self, v: ValueId, vf: usize) -> SmallVec<[Value; 16]> {
        if self.is_one(v) {
            return SmallVec::from_elem(self.scalar(v), vf);
        }
        if let Inst::Pick(..) = self.nest.insts[v.index()] {
            return self.known[v.index()].lanes.clone();
        }
        let group = self.group(v, vf);
        (0..vf).map(|k| self.extract(&group, k)).collect()
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
                if shift == 0 { index } else { self.b.ins().ishl_imm_u(index, shift as i64) }
            }
            Stride::Spaced(n) => {
                let bytes = n as i64 * self.item_of(pointer);
                self.b.ins().imul_imm_s(index, bytes)
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
            _ => self.scalar_loop(axis, extent, None, |e| e.parallel(axis + 1)),
        }
    }

    /// One turn for each index below `extent`, from `start` on if that is given; from the end where the last axis descends.
    fn scalar_loop(&mut self, axis: usize, extent: Value, start: Option<Value>, inside: impl Fn(&mut Self)) {
        let down = self.nest.descending && axis + 1 == self.nest.rank();
        let i = self.index_variable(0);
        if down {
            let last = self.b.ins().iadd_imm_s(extent, -1);
            self.b.def_var(i, last);
        } else if let Some(start) = start {
            self.b.def_var(i, start);
        }
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
        let next = self.b.ins().iadd_imm_s(index, if down { -1 } else { 1 });
        self.b.def_var(i, next);
        let more = match down {
            true => self.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, next, 0),
            false => self.b.ins().icmp(IntCC::SignedLessThan, next, extent),
        };
        self.b.ins().brif(more, head, &[], exit, &[]);
        self.b.switch_to_block(exit);
    }

    /// The last parallel axis, in one piece or, where outputs stream, in pieces that fit the tiles.
    fn vector_loop(&mut self, axis: usize, extent: Value, vf: usize) {
        let Some((chunk, tiles)) = self.streaming else { return self.vector_span(axis, extent, vf) };
        let start = self.index_variable(0);
        let (head, flush, next, exit) = (self.b.create_block(), self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.ins().jump(head, &[]);
        self.b.switch_to_block(head);
        let outer = self.addresses.clone();
        let from = self.b.use_var(start);
        let rest = self.b.ins().isub(extent, from);
        let short = self.b.ins().icmp(IntCC::SignedLessThan, rest, chunk);
        let length = self.b.ins().select(short, rest, chunk);
        self.addresses = self.moved(axis, from);
        let mut copies = Vec::new();
        for (k, s) in self.nest.stores.iter().enumerate() {
            let access = &self.nest.accesses[s.access as usize];
            let pointer = access.pointer as usize;
            let (displacement, size) = (access.displacement as i64, access.dtype.size());
            let target = self.b.ins().iadd_imm_s(self.addresses[pointer], displacement);
            let tile = self.b.ins().iadd_imm_s(tiles, k as i64 * Streaming::TILE as i64);
            let base = self.b.ins().iadd_imm_s(tile, -displacement);
            self.addresses[pointer] = self.b.ins().select(tiles, base, self.addresses[pointer]);
            copies.push((target, tile, size));
        }
        let known = self.known.clone();
        self.load_for_span(vf);
        self.vector_span(axis, length, vf);
        (self.addresses, self.known) = (outer, known);
        self.b.ins().brif(tiles, flush, &[], next, &[]);

        self.b.switch_to_block(flush);
        for (target, tile, size) in copies {
            let bytes = self.b.ins().imul_imm_s(length, size as i64);
            self.call(super::helpers::stream_helper(), None, types::I64, &[target, tile, bytes]);
        }
        self.b.ins().jump(next, &[]);

        self.b.switch_to_block(next);
        let from = self.b.use_var(start);
        let to = self.b.ins().iadd(from, length);
        self.b.def_var(start, to);
        let more = self.b.ins().icmp(IntCC::SignedLessThan, to, extent);
        self.b.ins().brif(more, head, &[], exit, &[]);
        self.b.switch_to_block(exit);
    }

    /// A run of the last parallel axis, `vf` elements a turn. The last turn starts early enough to end at the end: it does
    /// some elements twice, which is right where outputs do not alias inputs. Fewer than `vf` elements go one by one.
    fn vector_span(&mut self, axis: usize, extent: Value, vf: usize) {
        if self.nest.in_place {
            return self.vector_span_once(axis, extent, vf);
        }
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
        self.scalar_loop(axis, extent, None, |e| e.innermost(Mode::Scalar));
        self.b.ins().jump(exit, &[]);
        self.b.switch_to_block(exit);
    }

    /// As `vector_span`, but each element once, up or down: what whole turns leave at the end of the way goes one by one.
    fn vector_span_once(&mut self, axis: usize, extent: Value, vf: usize) {
        let down = self.nest.descending;
        let (vector, rest, scalar, exit) = (self.b.create_block(), self.b.create_block(), self.b.create_block(), self.b.create_block());
        let last = self.b.ins().iadd_imm_s(extent, -(vf as i64));
        let i = self.index_variable(0);
        if down {
            self.b.def_var(i, last);
        }
        let wide = self.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, last, 0);
        let (start, end) = (self.index_variable(0), self.b.declare_var(types::I64));
        self.b.def_var(end, extent);
        self.b.ins().brif(wide, vector, &[], scalar, &[]);

        self.b.switch_to_block(vector);
        let outer = self.addresses.clone();
        let index = self.b.use_var(i);
        self.addresses = self.moved(axis, index);
        self.values(Depth::Parallel(axis as u8 + 1), Mode::Vector(vf));
        self.innermost(Mode::Vector(vf));
        self.addresses = outer;
        let index = self.b.use_var(i);
        let next = self.b.ins().iadd_imm_s(index, if down { -(vf as i64) } else { vf as i64 });
        self.b.def_var(i, next);
        let more = match down {
            true => self.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, next, 0),
            false => self.b.ins().icmp(IntCC::SignedLessThanOrEqual, next, last),
        };
        self.b.ins().brif(more, vector, &[], rest, &[]);

        self.b.switch_to_block(rest);
        let left = match down {
            true => {
                let below = self.b.ins().iadd_imm_s(next, vf as i64);
                self.b.def_var(end, below);
                self.b.ins().icmp_imm_s(IntCC::SignedGreaterThan, below, 0)
            }
            false => {
                self.b.def_var(start, next);
                self.b.ins().icmp(IntCC::SignedLessThan, next, extent)
            }
        };
        self.b.ins().brif(left, scalar, &[], exit, &[]);

        self.b.switch_to_block(scalar);
        let (from, to) = (self.b.use_var(start), self.b.use_var(end));
        self.scalar_loop(axis, to, Some(from), |e| e.innermost(Mode::Scalar));
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
            if let Some(scattered) = s.scatter {
                self.scatter(k, scattered, mode);
                continue;
            }
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

    /// Stores to computed positions, one element after another: two of a turn may be one element of the array.
    fn scatter(&mut self, number: usize, scattered: Scattered, mode: Mode) {
        let store = self.nest.stores[number];
        let pointer = self.nest.accesses[store.access as usize].pointer as usize;
        let mut addr = self.addresses[pointer];
        let count = if let Mode::Vector(vf) = mode { vf } else { 1 };
        for k in 0..count {
            if k > 0 {
                let step = self.b.ins().iconst(types::I64, 1);
                addr = self.offset(addr, pointer, self.nest.rank() - 1, step);
            }
            let (value, given) = (self.lane(store.value, k, mode), self.lane(scattered.position.value(), k, mode));
            match scattered.position {
                Position::At(_) => {
                    let offset = self.picked_offset(store.access, 0, given);
                    let at = self.b.ins().iadd(addr, offset);
                    let value = match scattered.op {
                        Some(op) => {
                            let old = self.load_scalar(store.access, at);
                            self.binary_scalar(op, self.nest.types[store.value.index()], old, value)
                        }
                        None => value,
                    };
                    self.store_scalar(store.access, at, value);
                }
                // Without a branch, which the data would make hard to predict.
                Position::Next(_) => {
                    let counter = self.counters[number].expect("declared for each store that counts");
                    let count = self.b.use_var(counter);
                    let offset = self.picked_offset(store.access, 0, count);
                    let at = self.b.ins().iadd(addr, offset);
                    let old = self.load_scalar(store.access, at);
                    let kept = self.b.ins().select(given, value, old);
                    self.store_scalar(store.access, at, kept);
                    let one = self.b.ins().uextend(types::I64, given);
                    let next = self.b.ins().iadd(count, one);
                    self.b.def_var(counter, next);
                }
            }
        }
    }

    /// One element of a value, of those that are handled at once.
    fn lane(&mut self, v: ValueId, k: usize, mode: Mode) -> Value {
        match mode {
            Mode::Vector(vf) if self.nest.in_lanes(self.nest.depths[v.index()]) => {
                let group = self.group(v, vf);
                self.extract(&group, k)
            }
            _ => self.scalar(v),
        }
    }

    /// Emits every value of one depth.
    pub(super) fn values(&mut self, depth: Depth, mode: Mode) {
        self.loaded.clear();
        for k in 0..self.nest.insts.len() {
            if self.nest.depths[k] != depth || matches!(self.nest.insts[k], Inst::Const(_)) {
                continue;
            }
            match mode {
                Mode::Scalar => {
                    if let Some(v) = self.scalar_inst(k) {
                        self.known[k].scalar = Some(v);
                        // Where results stream, each span splats it for itself.
                        if self.splatted[k]
                            && self.streaming.is_none()
                            && let Some(vf) = vector_lanes(self.nest)
                        {
                            self.known[k].group = Some(self.splat(self.nest.types[k], v, vf));
                        }
                    }
                }
                Mode::Vector(_) if self.uniform[k] => {
                    let scalar = self.scalar_inst(k);
                    self.known[k] = Known { scalar, ..Known::default() };
                }
                Mode::Vector(vf) => {
                    if let Some(g) = self.vector_inst(k, vf) {
                        self.known[k].group = Some(g);
                    }
                }
            }
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
        if let Some(g) = &self.known[v.index()].group {
            return g.clone();
        }
        if let Inst::Const(s) = self.nest.insts[v.index()] {
            return self.splat_const(s, vf);
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
            Inst::Pick(a, before, position) => {
                let position = self.scalar(position);
                let offset = self.picked_offset(a, before.and_then(|b| self.nest.picks(a, b)).unwrap_or(0), position);
                match before {
                    Some(before) => {
                        let before = self.scalar(before);
                        self.b.ins().iadd(before, offset)
                    }
                    None => offset,
                }
            }
            Inst::LoadAt(a, offset) => {
                let addr = self.addresses[self.nest.accesses[a as usize].pointer as usize];
                let offset = self.scalar(offset);
                let addr = self.b.ins().iadd(addr, offset);
                self.load_scalar(a, addr)
            }
            Inst::Index(a) => {
                let access = &self.nest.accesses[a as usize];
                let (addr, displacement) = (self.addresses[access.pointer as usize], access.displacement as i64);
                self.b.ins().iadd_imm_s(addr, displacement)
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
            Inst::Quotient(x, y, _) => {
                let (v, w) = (self.scalar(x), self.scalar(y));
                self.binary_scalar(BinaryOp::Div, ty, v, w)
            }
            Inst::Select(c, x, y) => {
                let (c, x, y) = (self.scalar(c), self.scalar(x), self.scalar(y));
                self.b.ins().select(c, x, y)
            }
            Inst::Rarely(f, c, x, y) => {
                let (c, x, y) = (self.scalar(c), self.scalar(x), self.scalar(y));
                self.rarely_scalar(f, ty, c, x, y)
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
                self.b.ins().ushr_imm_u(v, n as i64)
            }
            Inst::Reduced(_) => return None,
        })
    }

    /// The current address of an access, and its stride from lane to lane.
    fn lane_walk(&self, access: u32) -> (Value, Stride) {
        let access = &self.nest.accesses[access as usize];
        let axis = match self.nest.lanes {
            Lanes::Reduced => access.strides.len() - 1,
            _ => self.nest.rank() - 1,
        };
        (self.addresses[access.pointer as usize], access.strides[axis])
    }

    fn vector_inst(&mut self, k: usize, vf: usize) -> Option<Group> {
        let ty = self.nest.types[k];
        let of = |e: &Self, v: ValueId| e.nest.types[v.index()];
        Some(match self.nest.insts[k] {
            Inst::Load(a) => {
                let (addr, stride) = self.lane_walk(a);
                self.load_group(a, addr, stride, vf)
            }
            Inst::Pick(a, before, positions) => {
                let n = before.and_then(|b| self.nest.picks(a, b)).unwrap_or(0);
                let mut lanes = match self.is_one(positions) {
                    true => {
                        let position = self.scalar(positions);
                        SmallVec::from_elem(self.picked_offset(a, n, position), vf)
                    }
                    false => self.lanes(positions, vf).into_iter().map(|position| self.picked_offset(a, n, position)).collect(),
                };
                if let Some(before) = before {
                    let before = self.lanes(before, vf);
                    lanes.iter_mut().zip(before).for_each(|(offset, before)| *offset = self.b.ins().iadd(before, *offset));
                }
                self.known[k].lanes = lanes;
                return None;
            }
            Inst::LoadAt(a, offset) => {
                let (addr, stride) = self.lane_walk(a);
                // One position for all lanes, as of a row of a table, makes it a load like any other.
                if self.is_one(offset) {
                    let offset = self.scalar(offset);
                    let addr = self.b.ins().iadd(addr, offset);
                    return Some(self.load_group(a, addr, stride, vf));
                }
                let offsets = self.lanes(offset, vf);
                self.load_picked_group(a, addr, stride, &offsets)
            }
            Inst::Index(a) => {
                let (addr, stride) = self.lane_walk(a);
                self.index_group(a, addr, stride, vf)
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
            Inst::Quotient(x, y, _) => {
                let (v, w) = (self.group(x, vf), self.group(y, vf));
                self.binary_group(BinaryOp::Div, ty, &v, &w, None, vf)
            }
            Inst::Select(c, x, y) => {
                let (c, x, y) = (self.group(c, vf), self.group(x, vf), self.group(y, vf));
                self.select_group(&c, &x, &y, vf)
            }
            Inst::Rarely(f, c, x, y) => {
                let (c, x, y) = (self.group(c, vf), self.group(x, vf), self.group(y, vf));
                self.rarely_group(f, ty, &c, &x, &y, vf)
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
