//! Schedule step -> loop nest.
//!
//! Nodes become body instructions, views become strides, axes are ordered and merged, and every value sinks no deeper into
//! the nest than it must.

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::axes::{LoopAxis, coalesce, order, turn};
use super::body::Body;
use super::{
    Access, Bindings, Depth, Inst, LEAF_LANES, Lanes, LoopNest, Operand, Picked, Reduction, Store, Stride, StripArgument, ValueId,
};
use crate::dtype::DType;
use crate::graph::{Graph, Kind, NodeId};
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
struct RawAccess {
    operand: Operand,
    dtype: DType,
    swapped: bool,
    offset: Size,
    /// One per loop: the domain's axes, then the reduced ones.
    strides: Vec<Size>,
    /// See [`Access::inside`].
    inside: bool,
    /// Extent and stride of the axis of computed positions.
    picked: Option<(Size, Size)>,
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
        let value = l.value(put.node, Index::Domain);
        stores.push((l.store_access(put, Index::Domain), value));
    }
    if step.pairs.is_some() {
        for put in &step.stores {
            let value = l.value(put.node, Index::Exchanged);
            stores.push((l.store_access(put, Index::Exchanged), value));
        }
    }
    l.finish(stores)
}

impl Lowerer<'_> {
    /// The value of a node, and of all it needs, with an explicit stack: a nest may hold thousands of nodes in one chain.
    fn value(&mut self, root: NodeId, index: Index) -> ValueId {
        let mut stack = vec![(root, index)];
        while let Some(&(id, at)) = stack.last() {
            if self.values.contains_key(&(id, at)) {
                stack.pop();
                continue;
            }
            let needs = self.needs(id, at, id == root && at == index);
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
        if matches!(self.graph[id].kind, Kind::Pieces(_) | Kind::Copy(_)) {
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
            Kind::Take(src, index, _) if self.graph[*src].kind.is_scalar_leaf() => smallvec::smallvec![(*src, at), (*index, at)],
            Kind::Take(_, index, _) => smallvec::smallvec![(*index, at)],
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
            Kind::Select(..) => {
                let (c, x, y) = (v(self, 0), v(self, 1), v(self, 2));
                self.body.select(c, x, y)
            }
            Kind::Cast(_) => {
                let x = v(self, 0);
                self.body.cast(x, node.dtype)
            }
            Kind::Reduce(op, ..) => {
                let r = Reduction { op: *op, value: v(self, 0) };
                let k = self.reductions.iter().position(|x| *x == r).unwrap_or_else(|| {
                    self.reductions.push(r);
                    self.reductions.len() - 1
                });
                self.body.add(Inst::Reduced(k as u32), node.dtype)
            }
            // All elements are one.
            Kind::Take(src, ..) if self.graph[*src].kind.is_scalar_leaf() => v(self, 0),
            Kind::Take(src, _, map) => {
                let position = v(self, 0);
                self.load_at(*src, map, position, at)
            }
            Kind::Input(_) | Kind::Iota | Kind::View(..) | Kind::Reshape(..) | Kind::Pieces(_) | Kind::Copy(_) => {
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
            Kind::View(src, view) if self.memory(id).is_none() => (*src, Some(view.clone())),
            _ => (id, None),
        };
        let (operand, base_strides) = self.base(node);
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

    /// An element of memory at a computed position along the last axis of a map.
    fn load_at(&mut self, source: NodeId, map: &View, position: ValueId, at: Index) -> ValueId {
        let (operand, base_strides) = self.base(source);
        let last = map.shape.rank() as u32 - 1;
        let (mut fixed, mut stride) = (map.clone(), Size::ZERO);
        for (axis, base) in fixed.axes.iter_mut().zip(&base_strides) {
            for (_, step) in axis.terms.iter().filter(|(k, _)| *k == last) {
                stride = stride.add(&step.mul(base));
            }
            axis.terms.retain(|(k, _)| *k != last);
        }
        let dtype = self.graph[source].dtype;
        let raw = self.access(operand, &base_strides, &fixed, dtype, at);
        let k = self.access_number(RawAccess { picked: Some((map.shape.extents()[last as usize].clone(), stride)), ..raw });
        self.body.add(Inst::LoadAt(k, position), dtype)
    }

    /// The memory that holds exactly this node.
    fn memory(&self, id: NodeId) -> Option<Operand> {
        let home = self.schedule.homes[id.index()].map(|h| match h {
            Dest::Output(k) => Operand::Output(k),
            Dest::Buffer(b) => Operand::Buffer(b),
        });
        match self.graph[id].kind {
            Kind::Input(k) => Some(Operand::Input(k)),
            Kind::Iota => Some(Operand::Index),
            Kind::Pieces(_) | Kind::Copy(_) => home,
            _ if self.step.stores.iter().any(|p| p.node == id) => None,
            _ => home,
        }
    }

    /// The memory that a node is read from and its byte strides: a reshape reads its operand's memory in C order.
    fn base(&mut self, id: NodeId) -> (Operand, Vec<Size>) {
        let item = self.graph[id].dtype.size() as i64;
        let c_order = |shape: &Shape| shape.c_strides().iter().map(|s| s.scale(item)).collect::<Vec<_>>();
        if let Some(operand) = self.memory(id) {
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
        RawAccess { operand, dtype, swapped, offset, strides, inside, picked: None }
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
        let (operand, strides) = match put.dest {
            Dest::Output(k) => (Operand::Output(k), self.strides.outputs[k as usize].clone()),
            Dest::Buffer(b) => {
                let shape = &self.schedule.buffers[b.index()].shape;
                (Operand::Buffer(b), shape.c_strides().iter().map(|s| s.scale(dtype.size() as i64)).collect())
            }
        };
        let raw = self.access(operand, &strides, &view, dtype, at);
        self.access_number(raw)
    }

    fn finish(self, stores: Vec<(u32, ValueId)>) -> (LoopNest, Bindings) {
        let mut offsets: Vec<Size> = self.accesses.iter().map(|a| a.offset.clone()).collect();
        let axis = |k: usize, extent: &Size| LoopAxis {
            extent: extent.clone(),
            reversed: false,
            part: None,
            strides: self.accesses.iter().map(|a| a.strides[k].clone()).collect(),
        };
        let rank = self.step.domain.rank();
        let mut parallel: Vec<LoopAxis> = self.step.domain.extents().iter().enumerate().map(|(k, e)| axis(k, e)).collect();
        let mut reduced: Vec<LoopAxis> = Vec::new();
        if let Some(r) = &self.step.reduce {
            reduced = r.axes.iter().enumerate().map(|(n, &k)| axis(rank + n, &r.source.extents()[k as usize])).collect();
        }
        // Indices are not in memory, so they have no say in how it is walked.
        let in_memory = |k: &usize| self.accesses[*k].operand != Operand::Index;
        let loads: Vec<usize> = (0..self.accesses.len()).filter(|k| in_memory(k) && !stores.iter().any(|s| s.0 as usize == *k)).collect();
        let written: Vec<usize> = stores.iter().map(|s| s.0 as usize).collect();
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
        for (axis, &reversed) in parallel.iter_mut().zip(&walk.reversed) {
            axis.reversed = reversed;
        }
        match &walk.order {
            Some(fixed) => parallel = fixed.iter().map(|&k| parallel[k as usize].clone()).collect(),
            None => order(&mut parallel, if has_reductions { &loads_first } else { &stores_first }),
        }
        coalesce(&mut parallel);
        let descending = turn(&mut parallel, &mut offsets);

        // The vector runs along the axis with more unit strides; along a reduced axis if both have as many.
        let units = |a: Option<&LoopAxis>| {
            a.map_or(0, |a| {
                loads
                    .iter()
                    .filter(|&&k| {
                        self.accesses[k].picked.is_none() && a.strides[k].as_const() == Some(self.accesses[k].dtype.size() as i64)
                    })
                    .count()
            })
        };
        let along_reduced =
            has_reductions && !reduced.is_empty() && (parallel.is_empty() || units(reduced.last()) >= units(parallel.last()));

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
            let extent = raw.picked.as_ref().map(|(n, _)| param(n));
            let mut stride = |s: &Size| match s.as_const() {
                Some(0) => Stride::Zero,
                Some(x) if x == raw.dtype.size() as i64 => Stride::Unit,
                _ => Stride::Param(param(s)),
            };
            let strides = moves.iter().map(&mut stride).collect();
            let along = raw.picked.as_ref().map(|(_, s)| stride(s));
            let picked = extent.zip(along).map(|(extent, stride)| Picked { extent, stride });
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
        let whole = strip.is_none() && pairs.is_none() && self.step.walk.is_free();
        // What is read at one place for all indices is loaded before any of them overwrites it.
        let updated = |operand: Operand| match operand {
            Operand::Input(k) => self.graph.outputs().iter().any(|o| o.in_place == Some(k)),
            operand => stores.iter().any(|s| self.accesses[s.0 as usize].operand == operand),
        };
        let reads_ahead = |axis: &LoopAxis| loads.iter().any(|&k| axis.strides[k] == Size::ZERO && updated(self.accesses[k].operand));
        let outer = parallel.first().filter(|axis| whole && !(in_place && reads_ahead(axis))).map(|axis| {
            // As above.
            let p = parallel_params[0];
            let sizes_an_access = |a: &Access| {
                a.picked.is_some_and(|x| x.extent == p || x.stride == Stride::Param(p)) || a.strides.contains(&Stride::Param(p))
            };
            let others = parallel_params[1..].iter().chain(&reduced_params);
            if (p as usize) < self.sizes.len() || others.clone().any(|q| *q == p) || accesses.iter().any(sizes_an_access) {
                parallel_params[0] = params.len() as u32;
                params.push(axis.extent.clone());
            }
            StripArgument { param: parallel_params[0], moves: pointers.iter().map(|(.., m)| m[0].clone()).collect() }
        });
        let nest = LoopNest {
            parallel: parallel_params,
            reduced: reduced_params,
            accesses,
            insts: self.body.insts,
            types: self.body.types,
            depths,
            reductions: self.reductions,
            stores: stores.into_iter().map(|(access, value)| Store { access, value }).collect(),
            lanes,
            in_place,
            descending,
            pointers: pointers.len() as u32,
            params: params.len() as u32,
        };
        let pointers = pointers.into_iter().map(|(operand, offset, _)| (operand, offset)).collect();
        (nest, Bindings { pointers, params, outer, strip, block, pairs })
    }
}

/// The depth of each value: that of its deepest operand, or of the deepest axis that a load moves along.
fn depths(body: &Body, accesses: &[Access], rank: usize) -> Vec<Depth> {
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
