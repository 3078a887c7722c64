//! Schedule step -> loop nest.
//!
//! Nodes become body instructions, views become strides, axes are ordered and merged, and every value sinks no deeper into
//! the nest than it must.

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::axes::{LoopAxis, coalesce, order, turn};
use super::body::Body;
use super::unroll::unroll;
use super::{
    Access, Bindings, Depth, Inst, LEAF_LANES, Lanes, LoopNest, MAX_APART, Operand, Picked, Position, Reduction, Scattered, Store, Stride,
    StripArgument, ValueId,
};
use crate::dtype::DType;
use crate::graph::{Graph, Kind, NodeId, Scatter};
use crate::math::Emit;
use crate::schedule::{Dest, Put, Schedule, Step};
use crate::shape::Shape;
use crate::size::Size;
use crate::view::View;

/// Accesses whose addresses differ by at most this many bytes share an address argument.
const MAX_DISPLACEMENT: i64 = 256;

/// The byte strides of the caller's arrays, as far as they are known: numbers, arithmetic over dims, or stride variables.
pub(crate) struct OperandStrides {
    pub inputs: Vec<Vec<Size>>,
    pub outputs: Vec<Vec<Size>>,
}

/// A strided operand before strides are classified.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct RawAccess {
    operand: Operand,
    pub(super) dtype: DType,
    swapped: bool,
    offset: Size,
    /// One per loop: the domain's axes, then the reduced ones.
    strides: Vec<Size>,
    /// See [`Access::inside`].
    inside: bool,
    /// Extents and strides of the axes of computed positions.
    picked: Vec<(Size, Size)>,
}

struct Lowerer<'a> {
    graph: &'a Graph,
    schedule: &'a Schedule,
    step: &'a Step,
    strides: &'a OperandStrides,
    body: Body,
    accesses: Vec<RawAccess>,
    reductions: Vec<Reduction>,
    /// Sizes used as values, by parameter number.
    sizes: Vec<Size>,
    /// Which loop each axis of the reductions' operands is; empty without reductions.
    source_loops: Vec<usize>,
    loops: usize,
    values: HashMap<(NodeId, Index), ValueId>,
}

/// Which index a node is evaluated at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Index {
    /// That of the step's domain.
    Domain,
    /// That of the reductions' operands.
    Source,
    /// That of the step's domain with two axes exchanged.
    Exchanged,
}

/// Lowers one step.
pub(crate) fn lower(graph: &Graph, schedule: &Schedule, step: &Step, strides: &OperandStrides) -> (LoopNest, Bindings) {
    let rank = step.domain.rank();
    let mut source_loops = Vec::new();
    let mut loops = rank;
    if let Some(r) = &step.reduce {
        let mut kept = 0..rank;
        for k in 0..r.source.rank() {
            if r.axes.contains(&(k as u8)) {
                source_loops.push(loops);
                loops += 1;
            } else {
                source_loops.push(kept.next().expect("the domain is what the reduction leaves"));
            }
        }
    }
    let mut l = Lowerer {
        graph,
        schedule,
        step,
        strides,
        body: Body::default(),
        accesses: Vec::new(),
        reductions: Vec::new(),
        sizes: Vec::new(),
        source_loops,
        loops,
        values: HashMap::new(),
    };
    let mut stores = Vec::new();
    for put in &step.stores {
        let store = match put.scattered(graph) {
            Some((index, how)) => l.scatter(put, index, how),
            None => Store { value: l.value(put.node, Index::Domain), access: l.store_access(put, Index::Domain), scatter: None },
        };
        stores.push(store);
    }
    if step.pairs.is_some() {
        for put in &step.stores {
            let value = l.value(put.node, Index::Exchanged);
            stores.push(Store { value, access: l.store_access(put, Index::Exchanged), scatter: None });
        }
    }
    l.finish(stores)
}

impl Lowerer<'_> {
    /// The value of a node that this nest stores.
    fn value(&mut self, root: NodeId, index: Index) -> ValueId {
        self.evaluate(root, index, true)
    }

    /// The value of a node, and of all it needs, with an explicit stack: a nest may hold thousands of nodes in one chain. What is
    /// `made` here is computed also where it has memory.
    fn evaluate(&mut self, root: NodeId, index: Index, made: bool) -> ValueId {
        let mut stack = vec![(root, index)];
        while let Some(&(id, at)) = stack.last() {
            if self.values.contains_key(&(id, at)) {
                stack.pop();
                continue;
            }
            let needs = self.needs(id, at, made && id == root && at == index);
            let before = stack.len();
            // The first operand on top: in the order that it was written in, a body keeps few values alive.
            stack.extend(needs.iter().rev().filter(|n| !self.values.contains_key(*n)));
            if stack.len() == before {
                stack.pop();
                let value = self.emit(id, at, &needs);
                self.values.insert((id, at), value);
            }
        }
        self.values[&(root, index)]
    }

    /// True if the node's value is loaded from memory that an earlier step has filled.
    fn is_loaded(&self, id: NodeId, is_root: bool) -> bool {
        if self.graph[id].kind.is_written() || matches!(self.graph[id].kind, Kind::Copy(_)) {
            return true;
        }
        if is_root || matches!(self.graph[id].kind, Kind::Input(_)) || self.step.fused.binary_search(&id).is_ok() {
            return false;
        }
        self.schedule.homes[id.index()].is_some()
    }

    fn needs(&self, id: NodeId, at: Index, is_root: bool) -> SmallVec<[(NodeId, Index); 3]> {
        if self.is_loaded(id, is_root) {
            return SmallVec::new();
        }
        match &self.graph[id].kind {
            Kind::Reduce(_, src, _) => smallvec::smallvec![(*src, Index::Source)],
            // All elements are one.
            Kind::Take(src, ..) if self.graph[*src].kind.is_scalar_leaf() => smallvec::smallvec![(*src, at)],
            Kind::Take(_, indices, _) => indices.iter().map(|index| (*index, at)).collect(),
            kind if kind.is_elementwise() => kind.operands().into_iter().map(|o| (o, at)).collect(),
            _ => SmallVec::new(),
        }
    }

    fn emit(&mut self, id: NodeId, at: Index, operands: &[(NodeId, Index)]) -> ValueId {
        let node = &self.graph[id];
        let v = |l: &Self, k: usize| l.values[&operands[k]];
        match &node.kind {
            Kind::Const(s) => self.body.constant(*s),
            Kind::Size(s) => {
                let p = self.size_value(s.clone());
                self.body.add(Inst::Param(p), DType::I64)
            }
            _ if operands.is_empty() => self.load(id, at),
            Kind::Unary(op, _) => {
                let x = v(self, 0);
                self.body.unary_op(*op, x)
            }
            Kind::Binary(op, ..) => {
                let (x, y) = (v(self, 0), v(self, 1));
                self.body.binary_op(*op, x, y)
            }
            Kind::MulAdd(..) => {
                let (x, y, z) = (v(self, 0), v(self, 1), v(self, 2));
                self.body.add(Inst::Fma(x, y, z), node.dtype)
            }
            Kind::Quotient(..) => {
                let (x, y, r) = (v(self, 0), v(self, 1), v(self, 2));
                self.body.add(Inst::Quotient(x, y, r), node.dtype)
            }
            Kind::Select(..) => {
                let (c, x, y) = (v(self, 0), v(self, 1), v(self, 2));
                self.body.select(c, x, y)
            }
            Kind::Cast(_) => {
                let x = v(self, 0);
                self.body.cast(x, node.dtype)
            }
            Kind::Reduce(op, ..) => {
                let x = v(self, 0);
                let from = self.body.dtype(x);
                let r = Reduction { op: *op, value: self.body.cast(x, from.computed_in()) };
                let k = self.reductions.iter().position(|x| *x == r).unwrap_or_else(|| {
                    self.reductions.push(r);
                    self.reductions.len() - 1
                });
                let reduced = self.body.add(Inst::Reduced(k as u32), node.dtype.computed_in());
                self.body.cast(reduced, node.dtype)
            }
            Kind::Take(src, ..) if self.graph[*src].kind.is_scalar_leaf() => v(self, 0),
            Kind::Take(src, indices, map) => {
                let positions: SmallVec<[ValueId; 2]> = (0..indices.len()).map(|k| v(self, k)).collect();
                self.load_at(*src, map, &positions, at)
            }
            Kind::Input(_) | Kind::Iota | Kind::View(..) | Kind::Reshape(..) | Kind::Pieces(_) | Kind::Scatter(..) | Kind::Copy(_) => {
                unreachable!("these have no operands to evaluate")
            }
        }
    }

    fn size_value(&mut self, size: Size) -> u32 {
        let k = self.sizes.iter().position(|s| *s == size).unwrap_or_else(|| {
            self.sizes.push(size);
            self.sizes.len() - 1
        });
        k as u32
    }

    /// A load of an input, a buffer, or a view or reshape of one.
    fn load(&mut self, id: NodeId, at: Index) -> ValueId {
        // A view of memory or of a reshape: the optimizer has composed views, and the scheduler has stored the rest.
        let (node, view) = match &self.graph[id].kind {
            Kind::View(src, _) if self.graph[*src].kind.is_scalar_leaf() => return self.value(*src, at),
            // Also where the view has been copied for a reshape: what else reads it may come before the copy is made.
            Kind::View(src, view) => (*src, Some(view.clone())),
            _ => (id, None),
        };
        let is_reshape = matches!(self.graph[id].kind, Kind::Reshape(..));
        let made = is_reshape && self.step.stores.iter().any(|p| p.node == id && p.scatter.is_none());
        let (operand, base_strides) = self.base(node, made);
        let shape = self.graph[node].shape.clone();
        let view = view.unwrap_or_else(|| View::identity(&shape));
        let dtype = self.graph[id].dtype;
        if operand == Operand::Index {
            let raw = self.access(operand, &base_strides, &view, DType::U8, at);
            let k = self.access_number(raw);
            return self.body.add(Inst::Index(k), dtype);
        }
        let raw = self.access(operand, &base_strides, &view, dtype, at);
        let k = self.access_number(raw);
        self.body.add(Inst::Load(k), dtype)
    }

    /// An element of memory at computed positions along the last axes of a map.
    fn load_at(&mut self, source: NodeId, map: &View, positions: &[ValueId], at: Index) -> ValueId {
        let (operand, base_strides) = self.base(source, false);
        let dtype = self.graph[source].dtype;
        let k = self.picked_access(operand, &base_strides, map, positions.len(), dtype, at);
        let offset = positions.iter().fold(None, |before, position| Some(self.body.add(Inst::Pick(k, before, *position), DType::I64)));
        self.body.add(Inst::LoadAt(k, offset.expect("at least one position")), dtype)
    }

    /// Values written to memory at computed positions along the last axis of a map.
    fn scatter(&mut self, put: &Put, index: NodeId, how: &Scatter) -> Store {
        let value = self.evaluate(put.node, Index::Domain, false);
        let position = self.evaluate(index, Index::Domain, false);
        let position = if how.packed { Position::Next(position) } else { Position::At(position) };
        let dtype = self.graph[put.node].dtype;
        let (operand, strides) = self.destination(put.dest, dtype);
        let access = self.picked_access(operand, &strides, &how.map, 1, dtype, Index::Domain);
        Store { access, value, scatter: Some(Scattered { position, op: how.op }) }
    }

    /// An access through a map whose last axes, so many, stand for computed positions.
    fn picked_access(&mut self, operand: Operand, base_strides: &[Size], map: &View, count: usize, dtype: DType, at: Index) -> u32 {
        let rank = map.shape.rank() - count;
        let mut fixed = map.clone();
        let mut picked: Vec<(Size, Size)> = map.shape.extents()[rank..].iter().map(|n| (n.clone(), Size::ZERO)).collect();
        for (axis, base) in fixed.axes.iter_mut().zip(base_strides) {
            axis.terms.retain(|(k, step)| {
                let Some(pick) = (*k as usize).checked_sub(rank) else { return true };
                picked[pick].1 = picked[pick].1.add(&step.mul(base));
                false
            });
        }
        let raw = self.access(operand, base_strides, &fixed, dtype, at);
        self.access_number(RawAccess { picked, ..raw })
    }

    /// The memory that holds exactly this node, once it is complete.
    fn memory(&self, id: NodeId) -> Option<Operand> {
        match self.graph[id].kind {
            Kind::Input(k) => Some(Operand::Input(k)),
            Kind::Iota => Some(Operand::Index),
            _ => self.schedule.homes[id.index()].map(|home| match home {
                Dest::Output(k) => Operand::Output(k),
                Dest::Buffer(b) => Operand::Buffer(b),
            }),
        }
    }

    /// The memory that a node is read from and its byte strides. A reshape that has none, or is `made` here, is its operand's memory
    /// in C order.
    fn base(&mut self, id: NodeId, made: bool) -> (Operand, Vec<Size>) {
        let item = self.graph[id].dtype.size() as i64;
        let c_order = |shape: &Shape| shape.c_strides().iter().map(|s| s.scale(item)).collect::<Vec<_>>();
        if let Some(operand) = self.memory(id).filter(|_| !made) {
            return match operand {
                Operand::Input(k) => (operand, self.strides.inputs[k as usize].clone()),
                Operand::Output(k) => (operand, self.strides.outputs[k as usize].clone()),
                Operand::Index => (operand, vec![Size::ONE]),
                Operand::Buffer(b) => (operand, c_order(&self.schedule.buffers[b.index()].shape)),
            };
        }
        let Kind::Reshape(src, shape) = &self.graph[id].kind else { unreachable!("the schedule stores what views read") };
        let mut src = *src;
        let operand = loop {
            // A stored copy of an input is what a reshape reads, not the input itself.
            match (self.schedule.homes[src.index()], &self.graph[src].kind) {
                (Some(Dest::Buffer(b)), _) => break Operand::Buffer(b),
                (Some(Dest::Output(k)), _) => break Operand::Output(k),
                (None, kind) => match kind {
                    Kind::Input(k) => break Operand::Input(*k),
                    // Its elements are one byte long, so to speak.
                    Kind::Iota => return (Operand::Index, shape.c_strides().to_vec()),
                    Kind::Reshape(inner, _) => src = *inner,
                    _ => unreachable!("the schedule stores what reshapes read"),
                },
            }
        };
        (operand, c_order(shape))
    }

    fn access(&self, operand: Operand, base: &[Size], view: &View, dtype: DType, at: Index) -> RawAccess {
        let mut offset = Size::ZERO;
        let mut strides = vec![Size::ZERO; self.loops];
        let mut inside = false;
        for (map, stride) in view.axes.iter().zip(base) {
            offset = offset.add(&map.offset.mul(stride));
            for (axis, step) in &map.terms {
                let axis = *axis as usize;
                let to = match (at, self.step.pairs) {
                    (Index::Source, _) => self.source_loops[axis],
                    (Index::Exchanged, Some((p, q))) if axis == p as usize => q as usize,
                    (Index::Exchanged, Some((p, q))) if axis == q as usize => p as usize,
                    _ => axis,
                };
                strides[to] = strides[to].add(&step.mul(stride));
                inside |= to >= self.step.domain.rank();
            }
        }
        let swapped = match operand {
            Operand::Input(k) => self.graph.inputs()[k as usize].swapped,
            _ => false,
        };
        RawAccess { operand, dtype, swapped, offset, strides, inside, picked: Vec::new() }
    }

    /// How far each access may go from one index of each loop to the next where that changes the positions that are picked.
    fn jumps(&self) -> Vec<Vec<Option<Size>>> {
        let mut moved: Vec<Vec<bool>> = Vec::with_capacity(self.body.insts.len());
        let mut jumps = vec![vec![None; self.loops]; self.accesses.len()];
        for inst in &self.body.insts {
            let mut by = match inst {
                Inst::Load(k) | Inst::LoadAt(k, _) | Inst::Index(k) => {
                    self.accesses[*k as usize].strides.iter().map(|s| *s != Size::ZERO).collect()
                }
                Inst::Reduced(_) => (0..self.loops).map(|k| k < self.step.domain.rank()).collect(),
                _ => vec![false; self.loops],
            };
            for o in inst.operands() {
                by.iter_mut().zip(&moved[o.index()]).for_each(|(b, o)| *b |= *o);
            }
            if let Inst::Pick(k, _, position) = inst {
                let far = |(n, stride): &(Size, Size)| n.mul(stride);
                let all = self.accesses[*k as usize].picked.iter().map(far).max_by_key(Size::magnitude);
                for (jump, _) in jumps[*k as usize].iter_mut().zip(&moved[position.index()]).filter(|(_, moves)| **moves) {
                    *jump = all.clone();
                }
            }
            moved.push(by);
        }
        jumps
    }

    fn access_number(&mut self, raw: RawAccess) -> u32 {
        let k = self.accesses.iter().position(|a| *a == raw).unwrap_or_else(|| {
            self.accesses.push(raw);
            self.accesses.len() - 1
        });
        k as u32
    }

    fn store_access(&mut self, put: &Put, at: Index) -> u32 {
        let dtype = self.graph[put.node].dtype;
        let view = put.region.clone().unwrap_or_else(|| View::identity(&self.step.domain));
        let (operand, strides) = self.destination(put.dest, dtype);
        let raw = self.access(operand, &strides, &view, dtype, at);
        self.access_number(raw)
    }

    /// The memory that results are stored in, and its byte strides.
    fn destination(&self, dest: Dest, dtype: DType) -> (Operand, Vec<Size>) {
        match dest {
            Dest::Output(k) => (Operand::Output(k), self.strides.outputs[k as usize].clone()),
            Dest::Buffer(b) => {
                let shape = &self.schedule.buffers[b.index()].shape;
                (Operand::Buffer(b), shape.c_strides().iter().map(|s| s.scale(dtype.size() as i64)).collect())
            }
        }
    }

    fn finish(mut self, mut stores: Vec<Store>) -> (LoopNest, Bindings) {
        let mut offsets: Vec<Size> = self.accesses.iter().map(|a| a.offset.clone()).collect();
        let jumps = self.jumps();
        let axis = |k: usize, extent: &Size| LoopAxis {
            extent: extent.clone(),
            reversed: false,
            carried: false,
            part: None,
            strides: self.accesses.iter().map(|a| a.strides[k].clone()).collect(),
            reach: self.accesses.iter().zip(&jumps).map(|(a, jumps)| jumps[k].clone().unwrap_or_else(|| a.strides[k].clone())).collect(),
        };
        let rank = self.step.domain.rank();
        let mut parallel: Vec<LoopAxis> = self.step.domain.extents().iter().enumerate().map(|(k, e)| axis(k, e)).collect();
        let mut reduced: Vec<LoopAxis> = Vec::new();
        if let Some(r) = &self.step.reduce {
            reduced = r.axes.iter().enumerate().map(|(n, &k)| axis(rank + n, &r.source.extents()[k as usize])).collect();
        }
        // Indices are not in memory, so they have no say in how it is walked.
        let in_memory = |k: &usize| self.accesses[*k].operand != Operand::Index;
        let loads: Vec<usize> =
            (0..self.accesses.len()).filter(|k| in_memory(k) && !stores.iter().any(|s| s.access as usize == *k)).collect();
        let written: Vec<usize> = stores.iter().map(|s| s.access as usize).collect();
        let stores_first: Vec<usize> = written.iter().chain(&loads).copied().collect();
        let loads_first: Vec<usize> = loads.iter().chain(&written).copied().collect();
        let positions = self.reductions.iter().any(|r| r.op.combine(DType::I64).is_none());
        let any_order = !positions && self.reductions.iter().all(|r| r.op.any_order(self.body.types[r.value.index()]));
        if any_order {
            order(&mut reduced, &loads_first);
        }
        coalesce(&mut reduced);
        let (first, second) = self.step.pairs.map_or((self.step.strip, self.step.block), |(p, q)| (Some(p), Some(q)));
        for (part, k) in [first, second].into_iter().enumerate() {
            if let Some(k) = k {
                parallel[k as usize].part = Some(part as u8);
            }
        }
        let has_reductions = !self.reductions.is_empty();
        // Loops that must run in some order or direction keep the domain's order, which is right for memory in C order.
        let walk = &self.step.walk;
        for (axis, (&reversed, &carried)) in parallel.iter_mut().zip(walk.reversed.iter().zip(&walk.carried)) {
            (axis.reversed, axis.carried) = (reversed, carried);
        }
        match &walk.order {
            Some(fixed) => parallel = fixed.iter().map(|&k| parallel[k as usize].clone()).collect(),
            None => order(&mut parallel, if has_reductions { &loads_first } else { &stores_first }),
        }
        coalesce(&mut parallel);
        let descending = turn(&mut parallel, &mut offsets);
        let scatters = stores.iter().any(|s| s.scatter.is_some());
        if !has_reductions && !descending && !self.step.in_place && walk.is_free() && self.step.pairs.is_none() && !scatters {
            unroll(&mut parallel, &mut self.body, &mut self.accesses, &mut offsets, &mut stores);
        }

        // The vector runs along an axis along which no positions are computed, so that they are once for all lanes; the one with more unit
        // strides; if both have as many, along a reduced axis, unless elements are nearer to each other along the other one.
        let units = |a: Option<&LoopAxis>| {
            a.map_or(0, |a| {
                loads
                    .iter()
                    .filter(|&&k| {
                        self.accesses[k].picked.is_empty() && a.strides[k].as_const() == Some(self.accesses[k].dtype.size() as i64)
                    })
                    .count()
            })
        };
        let nearer = |a: &LoopAxis, b: &LoopAxis| {
            let both = loads.iter().find(|&&k| a.strides[k] != Size::ZERO && b.strides[k] != Size::ZERO);
            both.is_some_and(|&k| a.strides[k].magnitude() < b.strides[k].magnitude())
        };
        let jumps = |a: &LoopAxis| a.reach != a.strides;
        let along_reduced = has_reductions
            && match (parallel.last(), reduced.last()) {
                (_, None) => false,
                (None, Some(_)) => true,
                (Some(p), Some(r)) if jumps(p) != jumps(r) => jumps(p),
                (Some(p), Some(r)) if units(Some(p)) == units(Some(r)) => !nearer(p, r),
                (p, r) => units(r) > units(p),
            };

        let mut params: Vec<Size> = self.sizes.clone();
        let mut param = |s: &Size| -> u32 {
            let k = params.iter().position(|p| p == s).unwrap_or_else(|| {
                params.push(s.clone());
                params.len() - 1
            });
            k as u32
        };
        let mut parallel_params: Vec<u32> = parallel.iter().map(|a| param(&a.extent)).collect();
        let reduced_params: Vec<u32> = reduced.iter().map(|a| param(&a.extent)).collect();
        let mut pointers: Vec<(Operand, Size, Vec<Size>)> = Vec::new();
        let mut accesses = Vec::new();
        for (k, raw) in self.accesses.iter().enumerate() {
            let moves: Vec<Size> = parallel.iter().chain(&reduced).map(|a| a.strides[k].clone()).collect();
            let near = pointers.iter().enumerate().find_map(|(n, (operand, offset, m))| {
                let by = offsets[k].sub(offset).as_const().filter(|d| d.abs() <= MAX_DISPLACEMENT)?;
                (*operand == raw.operand && *m == moves).then_some((n as u32, by as i32))
            });
            let (pointer, displacement) = near.unwrap_or_else(|| {
                pointers.push((raw.operand, offsets[k].clone(), moves.clone()));
                (pointers.len() as u32 - 1, 0)
            });
            let extents: Vec<u32> = raw.picked.iter().map(|(n, _)| param(n)).collect();
            let size = raw.dtype.size() as i64;
            let mut stride = |s: &Size| match s.as_const() {
                Some(0) => Stride::Zero,
                Some(x) if x == size => Stride::Unit,
                _ => Stride::Param(param(s)),
            };
            let apart =
                |s: &Size| s.as_const().filter(|x| x % size == 0 && (2..=MAX_APART).contains(&(x / size)) && raw.operand != Operand::Index);
            let strides = moves.iter().map(|s| apart(s).map_or_else(|| stride(s), |x| Stride::Spaced((x / size) as u8))).collect();
            let picked = extents.into_iter().zip(&raw.picked).map(|(extent, (_, s))| Picked { extent, stride: stride(s) }).collect();
            let RawAccess { dtype, swapped, inside, .. } = raw;
            accesses.push(Access { pointer, displacement, dtype: *dtype, swapped: *swapped, strides, picked, inside: *inside });
        }
        let depths = depths(&self.body, &accesses, parallel.len());
        let in_place = self.step.in_place;
        let lanes = if positions {
            Lanes::Scalar
        } else if along_reduced {
            Lanes::Reduced
        } else if parallel.is_empty() {
            Lanes::Scalar
        } else {
            Lanes::Parallel(factor(&self.body, &depths, parallel.len(), has_reductions))
        };
        // Their extents change from strip to strip, and are not to be taken for others of the same size.
        let mut parts = [None, None];
        for (at, axis) in parallel.iter().enumerate() {
            let Some(part) = axis.part else { continue };
            parallel_params[at] = params.len() as u32;
            params.push(axis.extent.clone());
            let moves = pointers.iter().map(|(.., m)| m[at].clone()).collect();
            parts[part as usize] = Some(StripArgument { param: parallel_params[at], moves });
        }
        let [first, second] = parts;
        let (strip, block, pairs) = match self.step.pairs {
            Some(_) => (None, None, first.zip(second)),
            None => (first, second, None),
        };
        // What is scattered is so in the order of all indices. A step at one place of the strips may be in blocks all the same.
        let whole = strip.is_none() && block.is_none() && pairs.is_none() && !scatters;
        // What is read at one place for all indices is loaded before any of them overwrites it.
        let updated = |operand: Operand| match operand {
            Operand::Input(k) => self.graph.outputs().iter().any(|o| o.in_place == Some(k)),
            operand => stores.iter().any(|s| self.accesses[s.access as usize].operand == operand),
        };
        let reads_ahead = |axis: &LoopAxis| loads.iter().any(|&k| axis.strides[k] == Size::ZERO && updated(self.accesses[k].operand));
        let outer = parallel.first().is_some_and(|axis| whole && !axis.carried && !(in_place && reads_ahead(axis)));
        let inner = parallel.len() > 1 && whole && !in_place && self.reductions.is_empty();
        // A result that is combined from those of parts, in the order of the tree that a whole reduction is.
        let split = whole && !in_place && parallel.is_empty() && reduced.len() == 1 && !positions;
        let rank = parallel.len();
        let mut all_params: Vec<u32> = parallel_params.iter().chain(&reduced_params).copied().collect();
        // A part has a size argument of its own, as above.
        let mut part = |at: usize| {
            let p = all_params[at];
            let sizes_an_access = |a: &Access| {
                a.picked.iter().any(|x| x.extent == p || x.stride == Stride::Param(p)) || a.strides.contains(&Stride::Param(p))
            };
            let shared = all_params.iter().enumerate().any(|(k, q)| k != at && *q == p);
            if (p as usize) < self.sizes.len() || shared || accesses.iter().any(sizes_an_access) {
                all_params[at] = params.len() as u32;
                params.push(parallel.iter().chain(&reduced).nth(at).expect("an axis").extent.clone());
            }
            StripArgument { param: all_params[at], moves: pointers.iter().map(|(.., m)| m[at].clone()).collect() }
        };
        let outer = outer.then(|| part(0));
        let inner = inner.then(|| part(rank - 1));
        let run = split.then(|| part(0));
        let reduced_params = all_params.split_off(rank);
        let parallel_params = all_params;
        let nest = LoopNest {
            parallel: parallel_params,
            reduced: reduced_params,
            accesses,
            insts: self.body.insts,
            types: self.body.types,
            depths,
            reductions: self.reductions,
            stores,
            lanes,
            in_place,
            descending,
            pointers: pointers.len() as u32,
            params: params.len() as u32,
        };
        let pointers = pointers.into_iter().map(|(operand, offset, _)| (operand, offset)).collect();
        (nest, Bindings { pointers, params, outer, inner, run, strip, block, pairs })
    }
}

/// The depth of each value: that of its deepest operand, or of the deepest axis that a load moves along.
pub(super) fn depths(body: &Body, accesses: &[Access], rank: usize) -> Vec<Depth> {
    let mut depths: Vec<Depth> = Vec::with_capacity(body.insts.len());
    for inst in &body.insts {
        let own = match inst {
            Inst::Load(k) | Inst::LoadAt(k, _) | Inst::Index(k) => accesses[*k as usize].depth(rank),
            Inst::Reduced(_) => Depth::After,
            _ => Depth::Parallel(0),
        };
        let depth = inst.operands().into_iter().map(|o| depths[o.index()]).fold(own, Depth::max);
        depths.push(depth);
    }
    depths
}

/// How many elements one turn of the vector loop covers: enough registers of the widest type to hide latency, fewer the
/// longer the body is.
fn factor(body: &Body, depths: &[Depth], rank: usize, reduces: bool) -> u8 {
    let inside = |k: &usize| depths[*k] >= Depth::Parallel(rank as u8);
    let inner: Vec<usize> = (0..body.insts.len()).filter(inside).collect();
    let widest = inner.iter().map(|&k| body.types[k].size()).max().unwrap_or(8);
    let narrowest = inner.iter().map(|&k| body.types[k].size()).min().unwrap_or(8);
    let constants = inner.iter().any(|&k| body.insts[k].operands().iter().any(|o| matches!(body.insts[o.index()], Inst::Const(_))));
    let masks = inner.iter().any(|&k| body.types[k] == DType::Bool);
    let registers = match inner.len() {
        // Down the columns of a table: the more of each row is taken at a time, the better the memory is used.
        0..=8 if reduces => 8,
        9..=16 if reduces => 4,
        _ if reduces => 2,
        // Constants are best kept in registers, which leaves fewer; but masks are narrowed more cheaply the more there are.
        0..=16 if !constants || masks => 4,
        0..=16 => 2,
        17..=64 => 2,
        _ => 1,
    };
    let lanes = registers * 16 / widest;
    // A vector of the narrowest type fills at least four bytes, the least that one instruction moves.
    lanes.max(4 / narrowest).clamp(2, 64).max(if reduces { LEAF_LANES as usize / 2 } else { 2 }) as u8
}
