//! Binding arrays to a kernel, and running it.

use std::marker::PhantomData;

use super::guard::Watch;
use super::layouts::LayoutClass;
use super::prepare::{Prepared, classes, prepare};
use super::profile::TurnCost;
use super::threads::{Cuts, Threads};
use super::{Kernel, Spec};
use crate::array::{ArrayMut, ArrayRef};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result, Site};
use crate::expr::node::{Data, NodeKind, NodeRef};
use crate::expr::{DynExpr, Expr};
use crate::layout::Layout;

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
    /// True if an array was bound to every slot since `start`.
    complete: bool,
    /// True if the slots have the layouts that `prepared` is for.
    laid_out: bool,
    /// True if `prepared` has the slots' addresses, which are far enough apart.
    placed: bool,
    cuts: Cuts,
    /// What checks its indices.
    watch: Option<Box<Watch>>,
}

#[derive(Default)]
pub(super) struct Slot {
    pub address: usize,
    pub layout: Layout,
    bound: bool,
}

impl Call {
    pub(super) fn new(kernel: Kernel) -> Call {
        let count = kernel.inputs().len() + kernel.outputs().len();
        let mut watch = kernel.0.guard.as_ref().map(|g| Box::new(Watch::new(g)));
        watch.iter_mut().for_each(|w| w.set_threads(kernel.0.threads));
        let slots = (0..count).map(|_| Slot::default()).collect();
        let cuts = Cuts { threads: kernel.0.threads, ..Cuts::default() };
        Call { kernel, slots, prepared: None, complete: false, laid_out: false, placed: false, cuts, watch }
    }

    /// Runs on the inputs of another frame, into numbers of one layout.
    pub(super) fn run_from(&mut self, inputs: &[Slot], outputs: &mut [i64], layout: &Layout, site: Site) -> Result<()> {
        let addresses = outputs.as_mut_ptr() as usize;
        let given = inputs.iter().map(|s| (s.address, &s.layout));
        let results = (0..outputs.len()).map(|k| (addresses + 8 * k, layout));
        for (k, (address, layout)) in given.chain(results).enumerate() {
            self.set(k, address, layout);
        }
        Binding { call: self, data: PhantomData }.run_at(site)
    }

    /// Prepares for what has changed since the last run.
    fn settle(&mut self) -> Result<()> {
        if let Some(k) = self.slots.iter().position(|s| !s.bound) {
            let (what, spec) = match k.checked_sub(self.kernel.inputs().len()) {
                None => ("input", &self.kernel.inputs()[k]),
                Some(k) => ("output", &self.kernel.outputs()[k]),
            };
            let text = format!("{what} `{}` ({}{}) of kernel `{}` is not bound", spec.name, spec.dtype, spec.shape, self.kernel.name());
            return Err(Error::new(ErrorKind::Bind, text));
        }
        self.complete = true;
        let prepared = match &mut self.prepared {
            Some(prepared) if self.laid_out => prepared,
            old => {
                // The scratch memory is given back before more is asked for.
                *old = None;
                self.placed = false;
                let new = prepare(&self.kernel, &self.slots, self.cuts)?;
                self.laid_out = true;
                old.insert(new)
            }
        };
        prepared.apart.check(&self.kernel, &self.slots)?;
        prepared.place(&self.slots);
        self.placed = true;
        Ok(())
    }

    /// Says how many threads runs from now on may use, where the kernel's own setting is not right.
    pub fn set_threads(&mut self, threads: Threads) -> &mut Call {
        self.laid_out &= self.cuts.threads == threads;
        self.cuts.threads = threads;
        self.watch.iter_mut().for_each(|w| w.set_threads(threads));
        self
    }

    /// The kernel that this frame calls.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// The bytes of scratch memory that it holds: the slots of [`Report`](crate::Report), with the numbers of the last run, and the windows
    /// of threads that took part. Nothing before the first run.
    pub fn scratch_bytes(&self) -> usize {
        self.prepared.as_ref().map_or(0, Prepared::scratch_bytes)
    }

    /// Has steps that run strip by strip, or can run tile by tile, take this many indices at a time.
    #[cfg(any(test, feature = "testing"))]
    pub fn set_strip_length(&mut self, length: i64) {
        self.cuts.strip_length = Some(length);
        self.laid_out = false;
    }

    /// Has other steps run in this many parts: several at a time, or, if `backward`, one after another from the last to the first.
    #[cfg(any(test, feature = "testing"))]
    pub fn set_parts(&mut self, parts: i64, backward: bool) {
        (self.cuts.parts, self.cuts.backward) = (Some(parts), backward);
        self.laid_out = false;
    }

    /// The layout classes of the last run, and whether its dims were large enough for what is assumed of them.
    pub(super) fn classes(&self) -> Option<(Vec<LayoutClass>, bool)> {
        self.prepared.as_ref().map(|p| (classes(&self.kernel, p.layouts.iter()), p.large))
    }

    /// A binding with nothing bound yet.
    pub fn start(&mut self) -> Binding<'_, 'static> {
        for slot in &mut self.slots {
            slot.bound = false;
        }
        self.complete = false;
        Binding { call: self, data: PhantomData }
    }

    fn set(&mut self, k: usize, address: usize, layout: &Layout) {
        let slot = &mut self.slots[k];
        slot.bound = true;
        if slot.address != address {
            slot.address = address;
            self.placed = false;
        }
        if slot.layout != *layout {
            slot.layout = layout.clone();
            self.laid_out = false;
        }
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
        let (array, site) = (array.into(), Site::caller());
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
        if kernel.0.graph.inputs()[k].given_away {
            let error = Error::new(ErrorKind::Bind, format!("input `{name}` of kernel `{}` is given away", kernel.name()));
            return Err(error.help("bind it with `bind_mut`: it may be overwritten").at(site));
        }
        check(spec, array.dtype, &array.layout, site)?;
        if spec.swapped != array.swapped {
            let order = |swapped| if swapped { "swapped" } else { "native" };
            let text =
                format!("input `{}` takes {} byte order, but the array has {}", spec.name, order(spec.swapped), order(array.swapped));
            return Err(Error::new(ErrorKind::Bind, text).at(site));
        }
        self.call.set(k, array.ptr as usize, &array.layout);
        Ok(Binding { call: self.call, data: PhantomData })
    }

    /// Binds an array to an output, by name, or to an input that is [given away](crate::KernelBuilder::give_away).
    ///
    /// # Errors
    /// If the kernel has no such output or input, or the array has another element type or number of axes, or if two of its indices
    /// may reach the same element.
    #[track_caller]
    pub fn bind_mut<'e, A>(self, key: impl Key, array: A) -> Result<Binding<'c, 'e>>
    where
        'd: 'e,
        A: TryInto<ArrayMut<'e>>,
        A::Error: Into<Error>,
    {
        let site = Site::caller();
        let array: ArrayMut<'e> = array.try_into().map_err(|e| e.into().at(site))?;
        let name = name_of(&key, site)?;
        let kernel = &self.call.kernel;
        if let Some(k) = kernel.0.graph.inputs().iter().position(|i| i.given_away && *i.name == *name) {
            check(&kernel.inputs()[k], array.dtype, &array.layout, site)?;
            self.call.set(k, array.ptr as usize, &array.layout);
            return Ok(Binding { call: self.call, data: PhantomData });
        }
        let Some(k) = kernel.outputs().iter().position(|s| s.name() == name) else {
            return Err(kernel.unknown(name, "output").at(site));
        };
        check(&kernel.outputs()[k], array.dtype, &array.layout, site)?;
        let (at, updated) = (kernel.inputs().len() + k, kernel.0.graph.outputs()[k].in_place);
        // An array that is updated is an input and an output.
        for at in updated.map(|k| k as usize).into_iter().chain([at]) {
            self.call.set(at, array.ptr as usize, &array.layout);
        }
        Ok(Binding { call: self.call, data: PhantomData })
    }

    /// Runs the kernel. Arrays laid out as in the previous run need no planning and no allocation.
    ///
    /// # Errors
    /// If an input or output is not bound; if sizes contradict each other; if a minimum over nothing is asked for; if an output
    /// shares memory with another array than the input that it updates, or an input that is given away with any, which takes `unsafe`
    /// views to do; or what compiling for a new layout may report.
    #[track_caller]
    pub fn run(&mut self) -> Result<()> {
        self.run_at(Site::caller())
    }

    fn run_at(&mut self, site: Site) -> Result<()> {
        let prepared = self.ready(site)?;
        // SAFETY: `ready` says so.
        unsafe { prepared.run() };
        Ok(())
    }

    /// Runs what runs together in one go, each by way of `each`.
    pub(super) fn run_by(&mut self, site: Site, each: &mut dyn FnMut(&mut dyn FnMut())) -> Result<()> {
        let prepared = self.ready(site)?;
        // SAFETY: `ready` says so.
        unsafe { prepared.run_by(each) };
        Ok(())
    }

    /// The frame that arrays are bound to.
    pub(super) fn frame(&self) -> &Call {
        self.call
    }

    /// What the last run ran, and how many bytes of memory it touches.
    pub(super) fn touched(&self) -> (Vec<TurnCost>, usize) {
        let Call { kernel, slots, prepared, .. } = &*self.call;
        let Some(prepared) = prepared else { return (Vec::new(), 0) };
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for (spec, slot) in kernel.inputs().iter().chain(kernel.outputs()).zip(slots) {
            let (low, high) = slot.layout.byte_range(spec.dtype.size()).unwrap_or_default();
            ranges.push((slot.address.wrapping_add_signed(low), (high - low) as usize));
        }
        // What is updated in place is an input and an output.
        ranges.sort_unstable();
        ranges.dedup();
        (prepared.costs(), ranges.iter().map(|r| r.1).sum::<usize>() + prepared.scratch_bytes())
    }

    /// What is to run, which all slots are bound for, prepared and placed, after the positions of computed indices were checked.
    ///
    /// What the slots point to may be used as the invariants of `ArrayRef` and `ArrayMut` say while `'d` lasts, which it does: `self` borrows for
    /// 'd. Outputs, and inputs that are given away, which `bind` refuses, alias nothing else by the same invariants, and `apart` has seen it; but
    /// for the input that an output updates, which the schedule has ordered reads and writes of. So it may be run.
    #[inline]
    fn ready(&mut self, site: Site) -> Result<&mut Prepared> {
        let call = &mut *self.call;
        if !(call.complete && call.laid_out && call.placed) {
            call.settle().map_err(|e| e.at(site))?;
        }
        let prepared = call.prepared.as_mut().expect("the call is settled");
        if let (Some(watch), Some(guard)) = (&mut call.watch, &call.kernel.0.guard) {
            let count = call.kernel.inputs().len();
            watch.check(&call.slots[..count], &guard.checks, &prepared.extents, site)?;
        }
        Ok(prepared)
    }
}

impl Binding<'_, '_> {
    /// Binds the memory that an expression borrows, and its outputs, in order, and runs.
    pub(super) fn run_with(&mut self, data: &[Data], outputs: Vec<ArrayMut<'_>>, site: Site) -> Result<()> {
        let inputs = data.len();
        for (k, d) in data.iter().enumerate() {
            self.call.set(k, d.ptr as usize, &d.layout);
        }
        for (k, out) in outputs.iter().enumerate() {
            check(&self.call.kernel.outputs()[k], out.dtype, &out.layout, site)?;
            self.call.set(inputs + k, out.ptr as usize, &out.layout);
        }
        self.run_at(site)
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
