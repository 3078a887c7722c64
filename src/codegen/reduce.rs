//! Reductions: the defined order (`docs/semantics.md`) as loops.
//!
//! The reduced elements have a position k = 0, 1, ... in the row-major order of the reduced axes. A leaf is a run of at most
//! 128 positions, reduced into eight partial results by k mod 8, which are then combined in pairs; the run's last positions
//! that do not fill eight are added one by one. Longer runs split in two, the left part a multiple of eight long. Leaves come
//! in order, so one set of indices walks the memory through all of them, and the tree is an explicit stack.
//!
//! Where the order cannot matter (integers, minimum, `any`, ...) everything is one leaf.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, StackSlotData, StackSlotKind, Value, types};
use cranelift_frontend::Variable;

use super::emit::{Emitter, Mode, leaf_passes};
use super::lanes::{Group, Lane, Regs, registers, scalar_type};
use crate::dtype::DType;
use crate::kernel::{Depth, LEAF_LANES, LEAF_LENGTH, Lanes, Stride};
use crate::ops::{BinaryOp, ReduceOp};

const LANES: usize = LEAF_LANES as usize;
/// More halvings than a 63-bit length has.
const MAX_DEPTH: u32 = 64;

/// A partial result: one element, or one for each lane along a parallel axis.
#[derive(Clone, Debug)]
enum Part {
    Scalar(Value),
    Group(Group),
}

/// Where the walk over the reduced axes stands.
struct Walk {
    /// The index along the last reduced axis.
    j: Variable,
    /// The addresses at index 0 of the last reduced axis, where outer reduced axes move them.
    rows: Vec<Option<Variable>>,
    /// The indices along the outer reduced axes.
    outer: Vec<Variable>,
    /// The addresses before any reduced axis.
    start: Vec<Value>,
}

impl Emitter<'_> {
    /// Emits all reductions of the nest and puts their results in place.
    pub(super) fn reduce(&mut self, mode: Mode) {
        let start = self.addresses.clone();
        let walk = self.begin_walk(&start);
        let total = self.total();
        let parts = if self.nest.keeps_positions() {
            self.positions(&walk, total)
        } else if self.nest.is_ordered() {
            self.tree(mode, &walk, total)
        } else {
            self.leaf(mode, &walk, total)
        };
        self.addresses = start;
        for (r, part) in parts.into_iter().enumerate() {
            let part = self.or_nothing(r, part, mode);
            for k in 0..self.nest.insts.len() {
                if self.nest.insts[k] == crate::kernel::Inst::Reduced(r as u32) {
                    match &part {
                        Part::Scalar(v) => self.known[k].scalar = Some(*v),
                        Part::Group(g) => self.known[k].group = Some(g.clone()),
                    }
                }
            }
        }
    }

    fn total(&mut self) -> Value {
        let mut total = self.b.ins().iconst(types::I64, 1);
        for k in 0..self.nest.reduced.len() {
            let n = self.params[self.nest.reduced[k] as usize];
            total = if k == 0 { n } else { self.b.ins().imul(total, n) };
        }
        total
    }

    /// A sum of floats starts at -0, which changes no element; adding +0 at the end makes the sum of nothing, and of nothing
    /// but -0, the +0 that it is in NumPy, and changes no other sum.
    fn or_nothing(&mut self, r: usize, part: Part, mode: Mode) -> Part {
        let reduction = self.nest.reductions[r];
        let d = self.nest.types[reduction.value.index()];
        let (Some(identity), Some(nothing)) = (reduction.op.identity(d), reduction.op.of_nothing(d)) else { return part };
        if identity == nothing {
            return part;
        }
        let nothing = match (&part, mode) {
            (Part::Group(_), Mode::Vector(vf)) => Part::Group(self.splat_const(nothing, vf)),
            _ => Part::Scalar(self.scalar_const(nothing)),
        };
        self.combine(r, &part, &nothing)
    }

    fn begin_walk(&mut self, start: &[Value]) -> Walk {
        let rank = self.nest.rank();
        let reduced = self.nest.reduced.len();
        let outer_axes = reduced.saturating_sub(1);
        let mut rows = Vec::new();
        for (p, address) in start.iter().enumerate() {
            let moves = (0..outer_axes).any(|a| self.stride_of(p, rank + a) != Stride::Zero);
            rows.push(moves.then(|| {
                let v = self.b.declare_var(types::I64);
                self.b.def_var(v, *address);
                v
            }));
        }
        let outer = (0..outer_axes).map(|_| self.index_variable(0)).collect();
        Walk { j: self.index_variable(0), rows, outer, start: start.to_vec() }
    }

    /// Emits the reduced values at the walk's position.
    fn body(&mut self, mode: Mode, walk: &Walk) {
        let last = self.nest.reduced.len().checked_sub(1).map(|a| self.nest.rank() + a);
        let j = self.b.use_var(walk.j);
        for p in 0..walk.start.len() {
            let row = walk.rows[p].map_or(walk.start[p], |v| self.b.use_var(v));
            self.addresses[p] = last.map_or(row, |axis| self.offset(row, p, axis, j));
        }
        self.values(Depth::Reduced, mode);
    }

    /// Moves the walk by `by` positions, which do not go past the end of the last axis.
    fn advance(&mut self, walk: &Walk, by: i64) {
        let j = self.b.use_var(walk.j);
        let next = self.b.ins().iadd_imm_s(j, by);
        self.b.def_var(walk.j, next);
        if walk.outer.is_empty() {
            return;
        }
        let done = self.b.create_block();
        let wrap = self.b.create_block();
        let extent = self.params[*self.nest.reduced.last().expect("outer axes have a last one after them") as usize];
        let more = self.b.ins().icmp(IntCC::SignedLessThan, next, extent);
        self.b.ins().brif(more, done, &[], wrap, &[]);
        self.b.switch_to_block(wrap);
        let zero = self.b.ins().iconst(types::I64, 0);
        self.b.def_var(walk.j, zero);
        for axis in (0..walk.outer.len()).rev() {
            let extent = self.params[self.nest.reduced[axis] as usize];
            let index = self.b.use_var(walk.outer[axis]);
            let next = self.b.ins().iadd_imm_s(index, 1);
            self.b.def_var(walk.outer[axis], next);
            self.move_rows(walk, axis, None);
            let more = self.b.ins().icmp(IntCC::SignedLessThan, next, extent);
            let carry = self.b.create_block();
            self.b.ins().brif(more, done, &[], carry, &[]);
            self.b.switch_to_block(carry);
            self.b.def_var(walk.outer[axis], zero);
            self.move_rows(walk, axis, Some(extent));
        }
        self.b.ins().jump(done, &[]);
        self.b.switch_to_block(done);
    }

    /// Moves the row addresses one step along an outer axis, or back by its whole extent.
    fn move_rows(&mut self, walk: &Walk, axis: usize, back: Option<Value>) {
        for p in 0..walk.rows.len() {
            let Some(row) = walk.rows[p] else { continue };
            let step = match self.stride_of(p, self.nest.rank() + axis) {
                Stride::Zero => continue,
                Stride::Param(s) => self.params[s as usize],
                known => {
                    let item = self.nest.accesses.iter().find(|a| a.pointer as usize == p).map_or(1, |a| a.dtype.size());
                    self.b.ins().iconst(types::I64, known.bytes(item).expect("no parameter"))
                }
            };
            let at = self.b.use_var(row);
            let next = match back {
                None => self.b.ins().iadd(at, step),
                Some(extent) => {
                    let all = self.b.ins().imul(step, extent);
                    self.b.ins().isub(at, all)
                }
            };
            self.b.def_var(row, next);
        }
    }

    fn combine(&mut self, r: usize, x: &Part, y: &Part) -> Part {
        let (op, d) = self.combiner(r);
        match (x, y) {
            (Part::Scalar(x), Part::Scalar(y)) => Part::Scalar(self.binary_scalar(op, d, *x, *y)),
            (Part::Group(x), Part::Group(y)) => Part::Group(self.combine_groups(op, d, x, y)),
            _ => unreachable!("parts of one reduction are alike"),
        }
    }

    fn combine_groups(&mut self, op: BinaryOp, d: DType, x: &Group, y: &Group) -> Group {
        // No combiner is lanewise but the product of u8; `vf` matters only there.
        let vf = x.regs.len() * 16 / x.lane.size();
        self.binary_group(op, d, x, y, None, vf)
    }

    fn combiner(&self, r: usize) -> (BinaryOp, DType) {
        let reduction = self.nest.reductions[r];
        let d = self.nest.types[reduction.value.index()];
        (reduction.op.combine(d).expect("positions have a path of their own"), d)
    }

    /// What a partial result of `vf` lanes looks like: masks are kept as bytes.
    fn lane_of(&self, r: usize) -> Lane {
        match self.combiner(r).1 {
            DType::Bool => Lane::Mask(1),
            d => Lane::Of(d),
        }
    }

    fn identity(&mut self, r: usize, mode: Mode) -> Part {
        let (_, d) = self.combiner(r);
        let identity = self.nest.reductions[r].op.identity(d).expect("combining reductions have one");
        match mode {
            Mode::Scalar => Part::Scalar(self.scalar_const(identity)),
            Mode::Vector(vf) => Part::Group(self.splat_const(identity, vf)),
        }
    }

    /// The value to reduce at the position that `body` has just emitted.
    fn element(&mut self, r: usize, mode: Mode) -> Part {
        let value = self.nest.reductions[r].value;
        match mode {
            Mode::Scalar => Part::Scalar(self.scalar(value)),
            Mode::Vector(vf) => {
                let g = self.group(value, vf);
                Part::Group(if let Lane::Mask(_) = g.lane { self.mask_as(&g, 1, vf) } else { g })
            }
        }
    }

    /// Variables that hold a part of this shape.
    fn declare(&mut self, r: usize, mode: Mode) -> Vec<Variable> {
        match mode {
            Mode::Scalar => vec![self.b.declare_var(scalar_type(self.combiner(r).1))],
            Mode::Vector(vf) => {
                let lane = self.lane_of(r);
                (0..registers(vf, lane.size())).map(|_| self.b.declare_var(lane.vector())).collect()
            }
        }
    }

    fn define(&mut self, variables: &[Variable], part: &Part) {
        match part {
            Part::Scalar(v) => self.b.def_var(variables[0], *v),
            Part::Group(g) => variables.iter().zip(&g.regs).for_each(|(var, v)| self.b.def_var(*var, *v)),
        }
    }

    fn read(&mut self, r: usize, mode: Mode, variables: &[Variable]) -> Part {
        match mode {
            Mode::Scalar => Part::Scalar(self.b.use_var(variables[0])),
            Mode::Vector(_) => {
                let regs: Regs = variables.iter().map(|v| self.b.use_var(*v)).collect();
                Part::Group(Group { regs, lane: self.lane_of(r) })
            }
        }
    }

    /// Bytes that a part takes in memory.
    fn part_size(&self, r: usize, mode: Mode) -> u32 {
        match mode {
            Mode::Scalar => 16,
            Mode::Vector(vf) => 16 * registers(vf, self.lane_of(r).size()) as u32,
        }
    }

    fn put(&mut self, part: &Part, addr: Value, offset: i32) {
        match part {
            Part::Scalar(v) => {
                self.b.ins().store(super::lanes::mem(), *v, addr, offset);
            }
            Part::Group(g) => self.spill(g, addr, offset),
        }
    }

    fn get(&mut self, r: usize, mode: Mode, addr: Value, offset: i32) -> Part {
        match mode {
            Mode::Scalar => {
                let ty = scalar_type(self.combiner(r).1);
                Part::Scalar(self.b.ins().load(ty, super::lanes::mem(), addr, offset))
            }
            Mode::Vector(vf) => Part::Group(self.unspill(self.lane_of(r), vf, addr, offset)),
        }
    }

    fn slot(&mut self, bytes: u32) -> Value {
        let slot = self.b.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 4));
        self.b.ins().stack_addr(types::I64, slot, 0)
    }

    /// The eight partial results of a leaf, in pairs.
    fn combine_eight(&mut self, r: usize, parts: &[Part]) -> Part {
        let mut parts = parts.to_vec();
        while parts.len() > 1 {
            parts = parts.chunks(2).map(|p| self.combine(r, &p[0], &p[1])).collect();
        }
        parts.remove(0)
    }

    /// A counted loop: `body` runs `count` times.
    fn repeat(&mut self, count: Value, body: impl FnOnce(&mut Self, Variable)) {
        let k = self.index_variable(0);
        let (head, inside, exit) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.ins().jump(head, &[]);
        self.b.switch_to_block(head);
        let at = self.b.use_var(k);
        let more = self.b.ins().icmp(IntCC::SignedLessThan, at, count);
        self.b.ins().brif(more, inside, &[], exit, &[]);
        self.b.switch_to_block(inside);
        body(self, k);
        let at = self.b.use_var(k);
        let next = self.b.ins().iadd_imm_s(at, 1);
        self.b.def_var(k, next);
        self.b.ins().jump(head, &[]);
        self.b.switch_to_block(exit);
    }

    /// Reduces the next `length` positions; `mode` says what a part is when lanes run along a parallel axis.
    fn leaf(&mut self, mode: Mode, walk: &Walk, length: Value) -> Vec<Part> {
        match self.nest.lanes {
            Lanes::Reduced => self.leaf_across(walk, length),
            _ => self.leaf_along(mode, walk, length),
        }
    }

    /// Lanes hold the eight partial results.
    fn leaf_across(&mut self, walk: &Walk, length: Value) -> Vec<Part> {
        let vector = Mode::Vector(LANES);
        let reductions = self.nest.reductions.len();
        let accumulators: Vec<Vec<Variable>> = (0..reductions)
            .map(|r| {
                let variables = self.declare(r, vector);
                let identity = self.identity(r, vector);
                self.define(&variables, &identity);
                variables
            })
            .collect();
        let groups = self.b.ins().sshr_imm_u(length, LANES.trailing_zeros() as i64);
        self.repeat(groups, |e, _| e.eight(walk, &accumulators));
        let results: Vec<Vec<Variable>> = (0..reductions)
            .map(|r| {
                let Part::Group(g) = self.read(r, vector, &accumulators[r]) else { unreachable!("read as a group") };
                let lanes: Vec<Part> = (0..LANES).map(|k| Part::Scalar(self.extract(&g, k))).collect();
                let result = self.combine_eight(r, &lanes);
                let variables = self.declare(r, Mode::Scalar);
                self.define(&variables, &result);
                variables
            })
            .collect();
        let rest = self.b.ins().band_imm_s(length, LANES as i64 - 1);
        self.repeat(rest, |e, _| e.one(walk, Mode::Scalar, &results));
        (0..reductions).map(|r| self.read(r, Mode::Scalar, &results[r])).collect()
    }

    /// Reduces eight positions into the lanes of the accumulators.
    fn eight(&mut self, walk: &Walk, accumulators: &[Vec<Variable>]) {
        let vector = Mode::Vector(LANES);
        let whole = |e: &mut Self| {
            let passes = leaf_passes(e.nest);
            let lanes = LANES / passes;
            for pass in 0..passes {
                e.lane_offset = pass * lanes;
                e.body(Mode::Vector(lanes), walk);
                for (r, variables) in accumulators.iter().enumerate() {
                    let each = variables.len() / passes;
                    let part = &variables[pass * each..(pass + 1) * each];
                    let (sum, x) = (e.read(r, vector, part), e.element(r, Mode::Vector(lanes)));
                    let sum = e.combine(r, &sum, &x);
                    e.define(part, &sum);
                }
            }
            e.lane_offset = 0;
            e.advance(walk, LANES as i64);
        };
        if walk.outer.is_empty() {
            return whole(self);
        }
        // Eight positions may lie in two rows or more; then they go one by one.
        let (fast, slow, done) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let extent = self.params[*self.nest.reduced.last().expect("outer axes have a last one after them") as usize];
        let j = self.b.use_var(walk.j);
        let end = self.b.ins().iadd_imm_s(j, LANES as i64);
        let fits = self.b.ins().icmp(IntCC::SignedLessThanOrEqual, end, extent);
        self.b.ins().brif(fits, fast, &[], slow, &[]);
        self.b.switch_to_block(fast);
        whole(self);
        self.b.ins().jump(done, &[]);

        self.b.switch_to_block(slow);
        let mut slots = Vec::new();
        for (r, variables) in accumulators.iter().enumerate() {
            let addr = self.slot(self.part_size(r, vector).max(16 * LANES as u32));
            let sum = self.read(r, vector, variables);
            self.put(&sum, addr, 0);
            slots.push(addr);
        }
        let lanes = self.b.ins().iconst(types::I64, LANES as i64);
        self.repeat(lanes, |e, k| {
            e.body(Mode::Scalar, walk);
            for (r, slot) in slots.iter().enumerate() {
                let (_, d) = e.combiner(r);
                let k = e.b.use_var(k);
                let at = e.b.ins().imul_imm_s(k, d.size() as i64);
                let at = e.b.ins().iadd(*slot, at);
                let Part::Scalar(sum) = e.get(r, Mode::Scalar, at, 0) else { unreachable!("read as a scalar") };
                // A lane of a mask is 0 or -1 in memory.
                let sum = if d == DType::Bool { e.b.ins().band_imm_u(sum, 1) } else { sum };
                let x = e.element(r, Mode::Scalar);
                let Part::Scalar(mut sum) = e.combine(r, &Part::Scalar(sum), &x) else { unreachable!("of two scalars") };
                if d == DType::Bool {
                    sum = e.b.ins().ineg(sum);
                }
                e.put(&Part::Scalar(sum), at, 0);
            }
            e.advance(walk, 1);
        });
        for (r, variables) in accumulators.iter().enumerate() {
            let sum = self.get(r, vector, slots[r], 0);
            self.define(variables, &sum);
        }
        self.b.ins().jump(done, &[]);
        self.b.switch_to_block(done);
    }

    /// Combines the element at the walk's position into `results` and moves on.
    fn one(&mut self, walk: &Walk, mode: Mode, results: &[Vec<Variable>]) {
        self.body(mode, walk);
        for (r, variables) in results.iter().enumerate() {
            let (sum, x) = (self.read(r, mode, variables), self.element(r, mode));
            let sum = self.combine(r, &sum, &x);
            self.define(variables, &sum);
        }
        self.advance(walk, 1);
    }

    /// Lanes, if any, run along a parallel axis: the eight partial results of each lie in memory, a ring.
    fn leaf_along(&mut self, mode: Mode, walk: &Walk, length: Value) -> Vec<Part> {
        let reductions = self.nest.reductions.len();
        let results: Vec<Vec<Variable>> = (0..reductions).map(|r| self.declare(r, mode)).collect();
        if !self.nest.is_ordered() {
            for (r, variables) in results.iter().enumerate() {
                let identity = self.identity(r, mode);
                self.define(variables, &identity);
            }
            self.repeat(length, |e, _| e.one(walk, mode, &results));
            return (0..reductions).map(|r| self.read(r, mode, &results[r])).collect();
        }
        let mut rings = Vec::new();
        for r in 0..reductions {
            let size = self.part_size(r, mode);
            let ring = self.slot(size * LANES as u32);
            let identity = self.identity(r, mode);
            for k in 0..LANES as i32 {
                self.put(&identity, ring, k * size as i32);
            }
            rings.push(ring);
        }
        let whole = self.b.ins().band_imm_s(length, -(LANES as i64));
        self.repeat(whole, |e, k| {
            e.body(mode, walk);
            for (r, ring) in rings.iter().enumerate() {
                let k = e.b.use_var(k);
                let lane = e.b.ins().band_imm_s(k, LANES as i64 - 1);
                let size = e.part_size(r, mode) as i64;
                let at = e.b.ins().imul_imm_s(lane, size);
                let at = e.b.ins().iadd(*ring, at);
                let (sum, x) = (e.get(r, mode, at, 0), e.element(r, mode));
                let sum = e.combine(r, &sum, &x);
                e.put(&sum, at, 0);
            }
            e.advance(walk, 1);
        });
        for (r, ring) in rings.iter().enumerate() {
            let size = self.part_size(r, mode) as i32;
            let parts: Vec<Part> = (0..LANES as i32).map(|k| self.get(r, mode, *ring, k * size)).collect();
            let result = self.combine_eight(r, &parts);
            self.define(&results[r], &result);
        }
        let rest = self.b.ins().band_imm_s(length, LANES as i64 - 1);
        self.repeat(rest, |e, _| e.one(walk, mode, &results));
        (0..reductions).map(|r| self.read(r, mode, &results[r])).collect()
    }

    /// The tree over leaves. A frame on the stack holds the length of a right half that is still to come (0 once it is
    /// under way) and, then, the result of the left half.
    fn tree(&mut self, mode: Mode, walk: &Walk, total: Value) -> Vec<Part> {
        let reductions = self.nest.reductions.len();
        let part_mode = if self.nest.lanes == Lanes::Reduced { Mode::Scalar } else { mode };
        let offsets: Vec<i32> = (0..=reductions).map(|n| 16 + (0..n).map(|r| self.part_size(r, part_mode) as i32).sum::<i32>()).collect();
        let frame = offsets[reductions] as i64;
        let base = self.slot(frame as u32 * MAX_DEPTH);
        let (sp, current) = (self.b.declare_var(types::I64), self.b.declare_var(types::I64));
        self.b.def_var(sp, base);
        self.b.def_var(current, total);
        let results: Vec<Vec<Variable>> = (0..reductions).map(|r| self.declare(r, part_mode)).collect();

        let descend = self.b.create_block();
        let split = self.b.create_block();
        let leaf = self.b.create_block();
        let ascend = self.b.create_block();
        let pop = self.b.create_block();
        let turn = self.b.create_block();
        let join = self.b.create_block();
        let done = self.b.create_block();
        self.b.ins().jump(descend, &[]);

        self.b.switch_to_block(descend);
        let length = self.b.use_var(current);
        let long = self.b.ins().icmp_imm_s(IntCC::SignedGreaterThan, length, LEAF_LENGTH);
        self.b.ins().brif(long, split, &[], leaf, &[]);

        self.b.switch_to_block(split);
        let half = self.b.ins().ushr_imm_u(length, 1);
        let left = self.b.ins().band_imm_s(half, -(LANES as i64));
        let right = self.b.ins().isub(length, left);
        let top = self.b.use_var(sp);
        self.b.ins().store(super::lanes::mem(), right, top, 0);
        let above = self.b.ins().iadd_imm_s(top, frame);
        self.b.def_var(sp, above);
        self.b.def_var(current, left);
        self.b.ins().jump(descend, &[]);

        self.b.switch_to_block(leaf);
        let parts = self.leaf(mode, walk, length);
        for (r, part) in parts.iter().enumerate() {
            self.define(&results[r], part);
        }
        self.b.ins().jump(ascend, &[]);

        self.b.switch_to_block(ascend);
        let top = self.b.use_var(sp);
        let empty = self.b.ins().icmp(IntCC::Equal, top, base);
        self.b.ins().brif(empty, done, &[], pop, &[]);

        self.b.switch_to_block(pop);
        let below = self.b.ins().iadd_imm_s(top, -frame);
        let right = self.b.ins().load(types::I64, super::lanes::mem(), below, 0);
        self.b.ins().brif(right, turn, &[], join, &[]);

        self.b.switch_to_block(turn);
        for r in 0..reductions {
            let part = self.read(r, part_mode, &results[r]);
            self.put(&part, below, offsets[r]);
        }
        let zero = self.b.ins().iconst(types::I64, 0);
        self.b.ins().store(super::lanes::mem(), zero, below, 0);
        self.b.def_var(current, right);
        self.b.ins().jump(descend, &[]);

        self.b.switch_to_block(join);
        for r in 0..reductions {
            let left = self.get(r, part_mode, below, offsets[r]);
            let right = self.read(r, part_mode, &results[r]);
            let sum = self.combine(r, &left, &right);
            self.define(&results[r], &sum);
        }
        self.b.def_var(sp, below);
        self.b.ins().jump(ascend, &[]);

        self.b.switch_to_block(done);
        (0..reductions).map(|r| self.read(r, part_mode, &results[r])).collect()
    }

    /// `argmin` and `argmax`, one element at a time: the first best, a NaN being better than any number.
    fn positions(&mut self, walk: &Walk, total: Value) -> Vec<Part> {
        let mut best = Vec::new();
        for r in 0..self.nest.reductions.len() {
            let d = self.nest.types[self.nest.reductions[r].value.index()];
            let value = self.b.declare_var(scalar_type(d));
            let zero = self.scalar_const(crate::dtype::Scalar::zero(d));
            self.b.def_var(value, zero);
            best.push((value, self.index_variable(0), d));
        }
        self.repeat(total, |e, k| {
            e.body(Mode::Scalar, walk);
            for (r, (value, position, d)) in best.iter().enumerate() {
                let reduction = e.nest.reductions[r];
                let x = e.scalar(reduction.value);
                let (old, at, k) = (e.b.use_var(*value), e.b.use_var(*position), e.b.use_var(k));
                let before = if reduction.op == ReduceOp::ArgMin { BinaryOp::Lt } else { BinaryOp::Gt };
                let mut better = e.binary_scalar(before, *d, x, old);
                if d.is_float() {
                    let nan = e.b.ins().fcmp(FloatCC::Unordered, x, x);
                    let number = e.b.ins().fcmp(FloatCC::Ordered, old, old);
                    let first_nan = e.b.ins().band(nan, number);
                    better = e.b.ins().bor(better, first_nan);
                }
                let first = e.b.ins().icmp_imm_s(IntCC::Equal, k, 0);
                let better = e.b.ins().bor(better, first);
                let new = e.b.ins().select(better, x, old);
                let at = e.b.ins().select(better, k, at);
                e.b.def_var(*value, new);
                e.b.def_var(*position, at);
            }
            e.advance(walk, 1);
        });
        best.iter().map(|(_, position, _)| Part::Scalar(self.b.use_var(*position))).collect()
    }
}
