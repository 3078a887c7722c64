//! Binding arrays to a kernel, and running it.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::panic::Location;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::guard::Watch;
use super::layouts::LayoutClass;
use super::{Kernel, Spec};
use crate::array::{ArrayMut, ArrayRef};
use crate::codegen::{self, Streaming};
use crate::compile::{Compiled, CompiledStep};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result, Site};
use crate::expr::node::{Data, NodeKind, NodeRef};
use crate::expr::{DynExpr, Expr};
use crate::graph::Index;
use crate::kernel::{AccessRange, Bindings, Depth, Inst, LoopNest, Operand};
use crate::layout::Layout;
use crate::size::{Size, Var};

/// What an array is bound to: a name, or the expression that the builder returned for an input.
pub trait Key {
    /// `None` for an expression that is not an input.
    #[doc(hidden)]
    fn name(&self) -> Option<&str>;
}

impl Key for &str {
    fn name(&self) -> Option<&str> {
        Some(self)
    }
}

fn input_name(node: &NodeRef) -> Option<&str> {
    match &node.kind {
        NodeKind::Input { name, .. } => Some(name),
        _ => None,
    }
}

fn name_of(key: &impl Key, site: Site) -> Result<&str> {
    let other = || Error::new(ErrorKind::Bind, "an array can be bound to a name or an input, not to another expression").at(site);
    key.name().ok_or_else(other)
}

impl<T: crate::dtype::Element> Key for &Expr<'_, T> {
    fn name(&self) -> Option<&str> {
        input_name(self.node())
    }
}

impl Key for &DynExpr<'_> {
    fn name(&self) -> Option<&str> {
        input_name(self.node())
    }
}

/// A reusable frame for calling a [`Kernel`].
///
/// It keeps the argument arrays of the compiled code and the scratch memory between steps, so that a call with arrays laid
/// out as in the call before allocates nothing.
pub struct Call {
    kernel: Kernel,
    /// Inputs, then outputs.
    slots: Vec<Slot>,
    prepared: Option<Prepared>,
    /// What checks its indices.
    watch: Option<Box<Watch>>,
}

#[derive(Default)]
pub(super) struct Slot {
    address: usize,
    layout: Layout,
    bound: bool,
}

/// Everything that depends on the layouts of the arrays but not on where they are.
struct Prepared {
    layouts: Vec<Layout>,
    /// Keeps the code alive.
    _plan: Arc<Compiled>,
    frames: Vec<Frame>,
    scratch: Vec<Vec<MaybeUninit<u8>>>,
    /// Those of the axes that computed indices are along.
    extents: Vec<i64>,
    /// What streamed results are written to first; empty if none are.
    tiles: Vec<MaybeUninit<u8>>,
}

struct Frame {
    entry: codegen::Entry,
    /// Addresses, sizes, the table of constants, the words of `Streaming`.
    args: Vec<i64>,
    /// For each address: the slot it is in, and the bytes from there.
    addresses: Vec<(Place, i64)>,
    /// How many tiles its streamed results need; 0 if they do not stream.
    tiles: usize,
    /// How many elements fit a tile.
    chunk: i64,
}

impl Frame {
    fn set_streaming(&mut self, streaming: Streaming) {
        if let [.., chunk, tiles] = self.args.as_mut_slice() {
            (*chunk, *tiles) = (streaming.chunk, streaming.tiles);
        }
    }
}

#[derive(Clone, Copy)]
enum Place {
    Slot(usize),
    Scratch(usize),
    /// Addresses that are indices: they begin at 0.
    Nowhere,
}

impl Call {
    pub(super) fn new(kernel: Kernel) -> Call {
        let count = kernel.inputs().len() + kernel.outputs().len();
        let watch = kernel.0.guard.as_ref().map(|g| Box::new(Watch::new(g)));
        Call { kernel, slots: (0..count).map(|_| Slot::default()).collect(), prepared: None, watch }
    }

    /// Runs on the inputs of another frame, into numbers of one layout.
    pub(super) fn run_from(&mut self, inputs: &[Slot], outputs: &mut [i64], layout: &Layout, site: Site) -> Result<()> {
        let addresses = outputs.as_mut_ptr() as usize;
        let given = inputs.iter().map(|s| (s.address, &s.layout));
        let results = (0..outputs.len()).map(|k| (addresses + 8 * k, layout));
        for (slot, (address, layout)) in self.slots.iter_mut().zip(given.chain(results)) {
            slot.set(address, layout);
        }
        Binding { call: self, data: PhantomData }.run_at(site)
    }

    /// The kernel that this frame calls.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// A binding with nothing bound yet.
    pub fn start(&mut self) -> Binding<'_, 'static> {
        for slot in &mut self.slots {
            slot.bound = false;
        }
        Binding { call: self, data: PhantomData }
    }

    /// Binds an input, as the first of a chain; see [`Binding::bind`].
    ///
    /// # Errors
    /// If the kernel has no such input, or the array has another element type or number of axes.
    #[track_caller]
    pub fn bind<'c, 'd>(&'c mut self, key: impl Key, array: impl Into<ArrayRef<'d>>) -> Result<Binding<'c, 'd>> {
        self.start().bind(key, array)
    }

    /// Binds an output, as the first of a chain; see [`Binding::bind_mut`].
    ///
    /// # Errors
    /// If the kernel has no such output, or the array has another element type or number of axes.
    #[track_caller]
    pub fn bind_mut<'c, 'd, A>(&'c mut self, key: impl Key, array: A) -> Result<Binding<'c, 'd>>
    where
        A: TryInto<ArrayMut<'d>>,
        A::Error: Into<Error>,
    {
        self.start().bind_mut(key, array)
    }
}

/// Arrays bound to a kernel for as long as they are borrowed.
#[must_use = "binding does nothing until `run`"]
pub struct Binding<'c, 'd> {
    call: &'c mut Call,
    data: PhantomData<&'d mut ()>,
}

impl<'c, 'd> Binding<'c, 'd> {
    /// Binds an array to an input, by name or by the expression that the builder returned for it.
    ///
    /// # Errors
    /// If the kernel has no such input, or the array has another element type, byte order or number of axes.
    #[track_caller]
    pub fn bind<'e>(self, key: impl Key, array: impl Into<ArrayRef<'e>>) -> Result<Binding<'c, 'e>>
    where
        'd: 'e,
    {
        let (array, site) = (array.into(), Location::caller());
        let name = name_of(&key, site)?;
        let kernel = &self.call.kernel;
        let Some(k) = kernel.inputs().iter().position(|s| s.name() == name) else {
            return Err(kernel.unknown(name, "input").at(site));
        };
        let spec = &kernel.inputs()[k];
        if kernel.updated_by(k).is_some() {
            let error = Error::new(ErrorKind::Bind, format!("input `{name}` of kernel `{}` is updated in place", kernel.name()));
            return Err(error.help("bind it with `bind_mut`").at(site));
        }
        check(spec, array.dtype, &array.layout, site)?;
        if spec.swapped != array.swapped {
            let order = |swapped| if swapped { "swapped" } else { "native" };
            let text =
                format!("input `{}` takes {} byte order, but the array has {}", spec.name, order(spec.swapped), order(array.swapped));
            return Err(Error::new(ErrorKind::Bind, text).at(site));
        }
        self.call.slots[k].set(array.ptr as usize, &array.layout);
        Ok(Binding { call: self.call, data: PhantomData })
    }

    /// Binds an array to an output, by name.
    ///
    /// # Errors
    /// If the kernel has no such output, or the array has another element type or number of axes, or if two of its indices
    /// may reach the same element.
    #[track_caller]
    pub fn bind_mut<'e, A>(self, key: impl Key, array: A) -> Result<Binding<'c, 'e>>
    where
        'd: 'e,
        A: TryInto<ArrayMut<'e>>,
        A::Error: Into<Error>,
    {
        let site = Location::caller();
        let array: ArrayMut<'e> = array.try_into().map_err(|e| e.into().at(site))?;
        let name = name_of(&key, site)?;
        let kernel = &self.call.kernel;
        let Some(k) = kernel.outputs().iter().position(|s| s.name() == name) else {
            return Err(kernel.unknown(name, "output").at(site));
        };
        check(&kernel.outputs()[k], array.dtype, &array.layout, site)?;
        let (at, updated) = (kernel.inputs().len() + k, kernel.0.graph.outputs()[k].in_place);
        // An array that is updated is an input and an output.
        for at in updated.map(|k| k as usize).into_iter().chain([at]) {
            self.call.slots[at].set(array.ptr as usize, &array.layout);
        }
        Ok(Binding { call: self.call, data: PhantomData })
    }

    /// Runs the kernel. Arrays laid out as in the previous run need no planning and no allocation.
    ///
    /// # Errors
    /// If an input or output is not bound; if sizes contradict each other; if a minimum over nothing is asked for; or what
    /// compiling for a new layout may report.
    #[track_caller]
    pub fn run(&mut self) -> Result<()> {
        self.run_at(Location::caller())
    }

    fn run_at(&mut self, site: Site) -> Result<()> {
        let call = &mut *self.call;
        let count = call.kernel.inputs().len();
        if let Some(k) = call.slots.iter().position(|s| !s.bound) {
            let (what, spec) = match k.checked_sub(count) {
                None => ("input", &call.kernel.inputs()[k]),
                Some(k) => ("output", &call.kernel.outputs()[k]),
            };
            let text = format!("{what} `{}` ({}{}) of kernel `{}` is not bound", spec.name, spec.dtype, spec.shape, call.kernel.name());
            return Err(Error::new(ErrorKind::Bind, text).at(site));
        }
        let same = |p: &Prepared| p.layouts.iter().zip(&call.slots).all(|(l, s)| *l == s.layout);
        if !call.prepared.as_ref().is_some_and(same) {
            call.prepared = None;
            call.prepared = Some(prepare(&call.kernel, &call.slots).map_err(|e| e.at(site))?);
        }
        let prepared = call.prepared.as_mut().expect("just prepared");
        if let (Some(watch), Some(guard)) = (&mut call.watch, &call.kernel.0.guard) {
            watch.check(&call.slots[..count], &guard.positions, &prepared.extents, site)?;
        }
        for frame in &mut prepared.frames {
            for (arg, (place, offset)) in frame.args.iter_mut().zip(&frame.addresses) {
                let base = match *place {
                    Place::Slot(k) => call.slots[k].address,
                    Place::Scratch(k) => prepared.scratch[k].as_mut_ptr() as usize,
                    Place::Nowhere => 0,
                };
                *arg = base.wrapping_add_signed(*offset as isize) as i64;
            }
            // SAFETY: the compiled code, which the plan keeps alive, reads `args` as the nest's addresses and sizes, in this order, and touches only what accesses
            // reach: `prepare` has checked that each stays inside the bytes of its operand's layout, which `ArrayRef`,
            // `ArrayMut` (invariant 1 of each) and the scratch vectors vouch for while `'d` lasts, which it does: `self`
            // borrows for 'd. Outputs alias nothing else by the same invariants, but for the input that they update, which the
            // schedule has ordered reads and writes of; scratch slots are disjoint.
            unsafe { (frame.entry)(frame.args.as_ptr()) };
        }
        if prepared.tiles.capacity() > 0 {
            codegen::fence();
        }
        Ok(())
    }
}

impl Binding<'_, '_> {
    /// Binds the memory that an expression borrows, and its outputs, in order, and runs.
    pub(super) fn run_with(&mut self, data: &[Data], outputs: Vec<ArrayMut<'_>>, site: Site) -> Result<()> {
        let inputs = data.len();
        for (k, d) in data.iter().enumerate() {
            self.call.slots[k].set(d.ptr as usize, &d.layout);
        }
        for (k, out) in outputs.iter().enumerate() {
            check(&self.call.kernel.outputs()[k], out.dtype, &out.layout, site)?;
            self.call.slots[inputs + k].set(out.ptr as usize, &out.layout);
        }
        self.run_at(site)
    }
}

impl Slot {
    fn set(&mut self, address: usize, layout: &Layout) {
        self.address = address;
        self.bound = true;
        if self.layout != *layout {
            self.layout = layout.clone();
        }
    }
}

/// Element type and rank; extents are checked when all arrays are known.
fn check(spec: &Spec, dtype: DType, layout: &Layout, site: Site) -> Result<()> {
    if spec.dtype != dtype {
        let text = format!("`{}` is {}{}, but the array has elements of type {dtype}", spec.name, spec.dtype, spec.shape);
        return Err(Error::new(ErrorKind::Bind, text).at(site));
    }
    if spec.shape.rank() != layout.shape.len() {
        let text = format!("`{}` is {}{}, but the array has shape {:?}", spec.name, spec.dtype, spec.shape, layout.shape);
        return Err(Error::new(ErrorKind::Bind, text).at(site));
    }
    Ok(())
}

/// The values of named dims and strides.
struct Env<'a> {
    dims: HashMap<Arc<str>, i64>,
    slots: &'a [Slot],
}

impl Env<'_> {
    fn value(&self, var: &Var) -> i64 {
        match var {
            Var::Dim(name) => *self.dims.get(name).expect("building checks that each dim is the extent of an input"),
            Var::Stride { operand, axis } => self.slots[*operand as usize].layout.strides[*axis as usize] as i64,
        }
    }

    fn eval(&self, size: &Size) -> Result<i64> {
        size.eval(&|v| self.value(v)).ok_or_else(|| Error::new(ErrorKind::Bind, format!("the size {size} overflows")))
    }
}

/// Finds the values of named dims and checks every extent against them.
fn solve<'a>(kernel: &Kernel, slots: &'a [Slot]) -> Result<Env<'a>> {
    let mut env = Env { dims: HashMap::new(), slots };
    for (spec, slot) in kernel.inputs().iter().zip(slots) {
        for (extent, &n) in spec.shape.extents().iter().zip(&slot.layout.shape) {
            if let Some(name) = extent.as_dim() {
                env.dims.entry(name.into()).or_insert(n as i64);
            }
        }
    }
    for (spec, slot) in kernel.inputs().iter().chain(kernel.outputs()).zip(slots) {
        for (axis, (extent, &n)) in spec.shape.extents().iter().zip(&slot.layout.shape).enumerate() {
            let want = env.eval(extent)?;
            // An empty array may have an extent beyond 63 bits, which must not turn negative on its way into a loop.
            if i64::try_from(n) != Ok(want) {
                let meaning = if extent.as_const().is_some() { String::new() } else { format!(" ({extent} = {want})") };
                let text = format!(
                    "`{}` is {}{}{meaning}, but the array has shape {:?}: axis {axis} is {n}, not {want}",
                    spec.name, spec.dtype, spec.shape, slot.layout.shape
                );
                return Err(Error::new(ErrorKind::Bind, text));
            }
        }
    }
    // Sizes that users compute from dims may turn out below zero, anywhere in the program.
    let mut seen = hashbrown::HashSet::new();
    for (_, node) in kernel.0.imported.nodes() {
        for extent in node.shape.extents().iter().filter(|e| e.as_const().is_none() && e.as_dim().is_none()) {
            if seen.insert(extent) && env.eval(extent)? < 0 {
                let err = Error::new(ErrorKind::Shape, format!("the extent {extent} turns out to be {}, below zero", env.eval(extent)?));
                return Err(node.site.map_or(err.clone(), |s| err.at(s)));
            }
        }
    }
    for (equation, site) in kernel.0.graph.equations() {
        let (a, b) = (env.eval(&equation.0)?, env.eval(&equation.1)?);
        if a != b {
            let text = format!("shapes do not agree: {} is {a}, but {} is {b}", equation.0, equation.1);
            let err = Error::new(ErrorKind::Shape, text);
            return Err(site.map_or(err.clone(), |s| err.at(s)));
        }
    }
    for Index { index, extent, site } in kernel.0.graph.indices() {
        let (k, n) = (env.eval(index)?, env.eval(extent)?);
        if !(0..n).contains(&k) {
            // A negative index was written relative to the end.
            let written = index.sub(extent).as_const().unwrap_or(k);
            let err = Error::new(ErrorKind::Shape, format!("index {written} is out of bounds for an axis of size {n} ({extent})"));
            return Err(site.map_or(err.clone(), |s| err.at(s)));
        }
    }
    Ok(env)
}

fn prepare(kernel: &Kernel, slots: &[Slot]) -> Result<Prepared> {
    let env = solve(kernel, slots)?;
    let specs = kernel.inputs().iter().chain(kernel.outputs());
    let classes: Vec<_> = specs.zip(slots).map(|(spec, slot)| LayoutClass::of(&slot.layout, spec.dtype.size())).collect();
    let plan = kernel.plan(classes)?;
    let mut scratch = Vec::new();
    for bytes in &plan.schedule.slots {
        let bytes = env.eval(bytes)?.max(0) as usize;
        let mut memory: Vec<MaybeUninit<u8>> = Vec::new();
        memory.try_reserve_exact(bytes).map_err(|_| Error::new(ErrorKind::Bind, format!("no memory for a temporary of {bytes} bytes")))?;
        // Its capacity is what compiled code uses; its contents are written before they are read.
        scratch.push(memory);
    }
    let mut frames = Vec::new();
    for step in &plan.steps {
        if let Some(frame) = frame(kernel, slots, &env, &plan, step)? {
            frames.push(frame);
        }
    }
    // One tile for each store of the step with the most, shared by all steps; if there is no memory for them, nothing streams.
    let count = frames.iter().map(|f| f.tiles).max().unwrap_or(0);
    let mut tiles: Vec<MaybeUninit<u8>> = Vec::new();
    if tiles.try_reserve_exact(count * Streaming::TILE).is_ok() {
        for frame in frames.iter_mut().filter(|f| f.tiles > 0) {
            let (chunk, address) = (frame.chunk, tiles.as_mut_ptr() as i64);
            frame.set_streaming(Streaming { chunk, tiles: address });
        }
    }
    let layouts = slots.iter().map(|s| s.layout.clone()).collect();
    let positions = kernel.0.guard.iter().flat_map(|g| &g.positions);
    let extents = positions.map(|p| env.eval(&p.extent)).collect::<Result<_>>()?;
    Ok(Prepared { layouts, _plan: plan, frames, scratch, extents, tiles })
}

/// The arguments of one step, with every access checked; `None` if there is nothing to do.
fn frame(kernel: &Kernel, slots: &[Slot], env: &Env<'_>, plan: &Compiled, step: &CompiledStep) -> Result<Option<Frame>> {
    let CompiledStep { nest, bindings, code } = step;
    let params = bindings.params.iter().map(|s| env.eval(s)).collect::<Result<Vec<i64>>>()?;
    let extent = |p: &u32| params[*p as usize];
    // Compiled loops count up to their extents and split reductions in halves: neither ends at a negative number.
    if let Some(n) = nest.parallel.iter().chain(&nest.reduced).map(extent).find(|n| *n < 0) {
        return Err(Error::new(ErrorKind::Shape, format!("an extent turns out to be {n}, below zero")));
    }
    // Refused by the reduced extents alone, as in NumPy, also where there is nothing to store.
    // (The kernel that this one guards has refused its own already, and there may be no indices to check.)
    let no_elements = nest.reduced.iter().any(|p| extent(p) <= 0);
    if no_elements && !kernel.0.guarding {
        for r in &nest.reductions {
            if r.op.of_nothing(nest.types[r.value.index()]).is_none() {
                let text = format!("{} of an array with no elements to reduce, which has no answer", r.op.name());
                return Err(Error::new(ErrorKind::Shape, text));
            }
        }
    }
    if nest.parallel.iter().any(|p| extent(p) <= 0) {
        return Ok(None);
    }
    // A view may repeat one element more often than 64 bits count; sizes that overflowed while they were folded are at the end.
    let count = nest.parallel.iter().chain(&nest.reduced).map(extent).try_fold(1i64, |n, e| n.checked_mul(e));
    if count.is_none_or(|n| n == i64::MAX) {
        return Err(Error::new(ErrorKind::Shape, "a loop over more elements than 64 bits can count".to_string()));
    }
    // Every position reads an element of the axis, so there must be one.
    for (k, inst) in nest.insts.iter().enumerate() {
        let Inst::LoadAt(a, _) = inst else { continue };
        let empty = nest.accesses[*a as usize].picked.is_some_and(|p| extent(&p.extent) <= 0);
        if empty && !(no_elements && nest.depths[k] == Depth::Reduced) {
            return Err(Error::new(ErrorKind::Shape, "an index into an axis of size 0, which no index is inside".to_string()));
        }
    }
    let overflow = || Error::new(ErrorKind::Bind, "an array's extent in bytes overflows".to_string());
    let mut addresses = Vec::new();
    for (operand, offset) in &bindings.pointers {
        let place = match *operand {
            Operand::Input(k) => Place::Slot(k as usize),
            Operand::Output(k) => Place::Slot(kernel.inputs().len() + k as usize),
            Operand::Buffer(b) => Place::Scratch(plan.schedule.buffers[b.index()].slot as usize),
            Operand::Index => Place::Nowhere,
        };
        addresses.push((place, env.eval(offset)?));
    }
    let mut touched: HashMap<Operand, (i64, i64)> = HashMap::new();
    let mut loaded: HashSet<u32> = nest.stores.iter().map(|s| s.access).collect();
    loaded.extend(nest.insts.iter().filter_map(|i| match i {
        Inst::Load(a) | Inst::LoadAt(a, _) => Some(a),
        _ => None,
    }));
    for (a, access) in nest.accesses.iter().enumerate() {
        let (operand, _) = &bindings.pointers[access.pointer as usize];
        // An index reaches no memory; its address is a value only.
        if !loaded.contains(&(a as u32)) {
            continue;
        }
        let (place, offset) = addresses[access.pointer as usize];
        let (low, high) = match nest.access_range(access, &params) {
            AccessRange::Nothing => continue,
            AccessRange::Overflow => return Err(overflow()),
            AccessRange::Bytes(low, high) => (low, high),
        };
        let (low, high) = (low.checked_add(offset).ok_or_else(overflow)?, high.checked_add(offset).ok_or_else(overflow)?);
        let (first, end) = match place {
            Place::Slot(k) => {
                let (l, h) = slots[k].layout.byte_range(access.dtype.size())?;
                (l as i64, h as i64)
            }
            Place::Scratch(k) => (0, env.eval(&plan.schedule.slots[k])?),
            Place::Nowhere => (0, 0),
        };
        if low < first || high > end {
            let text = format!("internal error, please report it: {operand:?} would be accessed at bytes {low}..{high} of {first}..{end}");
            return Err(Error::new(ErrorKind::Bind, text));
        }
        let range = touched.entry(*operand).or_insert((low, high));
        *range = (range.0.min(low), range.1.max(high));
    }
    let bytes = touched.values().map(|(low, high)| high - low).fold(0i64, i64::saturating_add);
    let (tiles, chunk) = streaming(nest, bindings, &params, bytes);
    let off = Streaming::OFF;
    let args = std::iter::repeat_n(0, addresses.len()).chain(params).chain([code.table(), off.chunk, off.tiles]).collect();
    Ok(Some(Frame { entry: code.entry(), args, addresses, tiles, chunk }))
}

/// Whether a step's results go around the cache: where the step touches so much that they would be gone from it anyway.
/// Returns the number of tiles that it needs, 0 if not, and the elements that fit one.
fn streaming(nest: &LoopNest, bindings: &Bindings, params: &[i64], bytes: i64) -> (usize, i64) {
    /// Twice a large last-level cache.
    const FOOTPRINT: i64 = 64 << 20;
    /// Runs that are too short to fill cache lines gain nothing.
    const SHORTEST_RUN: i64 = 256;
    let outputs_only = nest.stores.iter().all(|s| {
        let pointer = nest.accesses[s.access as usize].pointer;
        matches!(bindings.pointers[pointer as usize].0, Operand::Output(_))
    });
    // A stencil reads its input in several places: it waits for its own rows rather than for memory, and was measured to lose.
    let reads = |k: usize| nest.accesses.iter().filter(|a| bindings.pointers[a.pointer as usize].0 == Operand::Input(k as u32)).count();
    let reads_twice = (0..bindings.pointers.len()).any(|k| reads(k) > 1);
    let run = nest.parallel.last().map_or(0, |p| params[*p as usize]);
    if !nest.can_stream() || !outputs_only || reads_twice || bytes < FOOTPRINT || run < SHORTEST_RUN || !cfg!(target_arch = "x86_64") {
        return (0, 0);
    }
    let widest = nest.stores.iter().map(|s| nest.accesses[s.access as usize].dtype.size()).max().unwrap_or(1);
    (nest.stores.len(), (Streaming::TILE / widest) as i64)
}
