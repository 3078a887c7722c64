//! Kernels that run: built once, called with arrays again and again.
//!
//! A [`Kernel`] is immutable and may be shared between threads; a [`Call`] is one thread's frame for calling it. One of the
//! three places with `unsafe`: it calls compiled code, having checked that every access stays inside the arrays given.
#![allow(unsafe_code)]

mod apart;
mod builder;
mod cache;
mod call;
mod eval;
mod explain;
mod guard;
mod in_place;
mod inspect;
mod lanes;
mod layouts;
mod prepare;
mod profile;
mod strips;
mod subtrees;
mod threads;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use hashbrown::HashMap;

pub use builder::KernelBuilder;
pub use call::{Binding, Call, Key};
pub use eval::{FromElements, eval_all};
pub use in_place::run_all;
pub use inspect::Stage;
pub use profile::{NestTime, Profile};
pub use threads::Threads;

use crate::codegen::Backend;
use crate::compile::{Compiled, Compiler, Timings};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Graph;
use crate::kernel::OperandStrides;
use crate::report::{self, Required};
use crate::shape::Shape;
use crate::size::Size;
use layouts::LayoutClass;

/// A compiled array program with named inputs and outputs.
///
/// Cheap to clone and safe to share between threads. Sizes are not part of it: named dims take their values from the arrays
/// bound, and new sizes need no compilation. Arrays of another layout class than any before (Fortran order, say) compile once
/// more; the result is kept.
///
/// ```
/// use elide::Kernel;
///
/// let mut b = Kernel::builder("axpy");
/// let [n] = b.dims(["n"]);
/// let x = &b.input::<f64>("x", [&n]);
/// let y = &b.input::<f64>("y", [&n]);
/// b.output("z", 2.0 * x + y);
/// let kernel = b.build()?;
///
/// let mut call = kernel.call();
/// let mut z = [0.0; 3];
/// call.bind(x, &[1.0, 2.0, 3.0])?.bind(y, &[10.0, 20.0, 30.0])?.bind_mut("z", &mut z)?.run()?;
/// assert_eq!(z, [12.0, 24.0, 36.0]);
/// # Ok::<(), elide::Error>(())
/// ```
#[derive(Clone)]
pub struct Kernel(Arc<Inner>);

struct Inner {
    name: String,
    imported: Graph,
    /// Optimized for dims that are large enough for its assumptions.
    graph: Graph,
    /// Optimized without assumptions, once some dims turn out to be smaller.
    general: OnceLock<Result<Graph>>,
    inputs: Vec<Spec>,
    outputs: Vec<Spec>,
    required: Vec<Required>,
    threads: Threads,
    backend: Backend,
    timings: Timings,
    /// What is checked before each run, if anything is.
    guard: Option<guard::Guard>,
    /// True for the kernel of a guard.
    guarding: bool,
    plans: Mutex<HashMap<PlanKey, Arc<Compiled>>>,
}

/// What a plan is made for: the layouts of all arrays, and whether dims may be assumed to be large enough.
type PlanKey = (Vec<LayoutClass>, bool);

/// An input or output of a kernel.
#[derive(Clone, Debug)]
pub struct Spec {
    name: Arc<str>,
    dtype: DType,
    shape: Shape,
    swapped: bool,
}

impl Spec {
    /// The name that arrays are bound by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The shape, in numbers and named dims.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// True if the array's bytes are in the order that this machine does not use.
    pub fn is_swapped(&self) -> bool {
        self.swapped
    }
}

impl Kernel {
    /// Starts a kernel; the name is for messages.
    pub fn builder(name: &str) -> KernelBuilder {
        KernelBuilder::new(name)
    }

    fn new(name: &str, imported: Graph, required: Vec<Required>, backend: Backend, timings: Timings) -> Result<Kernel> {
        let guard = guard::Guard::of(name, &imported, backend)?;
        Kernel::build(name, imported, required, backend, timings, guard, false)
    }

    /// A kernel that trusts its indices, which read some element wherever they point.
    fn unguarded(name: &str, imported: Graph, backend: Backend, timings: Timings) -> Result<Kernel> {
        Kernel::build(name, imported, Vec::new(), backend, timings, None, true)
    }

    fn build(
        name: &str,
        imported: Graph,
        required: Vec<Required>,
        backend: Backend,
        mut timings: Timings,
        guard: Option<guard::Guard>,
        guarding: bool,
    ) -> Result<Kernel> {
        let compiler = Compiler::host()?;
        let start = Instant::now();
        let mut large = imported.clone();
        large.assume(Vec::new());
        let graph = compiler.optimize(large)?;
        timings.optimize = start.elapsed();
        let inputs: Vec<Spec> = imported
            .inputs()
            .iter()
            .map(|i| {
                let (dtype, shape) = i.declared();
                Spec { name: i.name.clone(), dtype, shape, swapped: i.swapped }
            })
            .collect();
        let outputs: Vec<Spec> = imported
            .outputs()
            .iter()
            .map(|o| {
                let (dtype, shape) = imported.declared_output(o);
                Spec { name: o.name.clone(), dtype, shape, swapped: false }
            })
            .collect();
        let (general, plans) = (OnceLock::new(), Mutex::default());
        let threads = Threads::default();
        let inner = Inner {
            name: name.into(),
            imported,
            graph,
            general,
            inputs,
            outputs,
            required,
            threads,
            backend,
            timings,
            guard,
            guarding,
            plans,
        };
        Ok(Kernel(Arc::new(inner)))
    }

    /// The name given to the builder.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The inputs, in order of declaration.
    pub fn inputs(&self) -> &[Spec] {
        &self.0.inputs
    }

    /// The outputs, in order of declaration.
    pub fn outputs(&self) -> &[Spec] {
        &self.0.outputs
    }

    /// The time that building took, with the compilation for arrays in C order.
    pub fn timings(&self) -> Timings {
        self.0.timings
    }

    /// A frame for calling this kernel: it holds the arguments of the compiled code and the scratch memory, and is reused
    /// from call to call.
    pub fn call(&self) -> Call {
        Call::new(self.clone())
    }

    /// The output that updates an input in place.
    fn updated_by(&self, input: usize) -> Option<usize> {
        self.0.graph.outputs().iter().position(|o| o.in_place == Some(input as u32))
    }

    fn contiguous_key(&self) -> Vec<LayoutClass> {
        vec![LayoutClass::Contiguous; self.0.inputs.len() + self.0.outputs.len()]
    }

    /// The program for one combination of layouts, compiled now if it is new.
    fn plan(&self, classes: Vec<LayoutClass>, large: bool) -> Result<Arc<Compiled>> {
        let lock = || self.0.plans.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let key = (classes, large);
        if let Some(plan) = lock().get(&key) {
            return Ok(plan.clone());
        }
        let classes = &key.0;
        let graph = if large { &self.0.graph } else { self.general()? };
        let specs = self.0.inputs.iter().chain(&self.0.outputs);
        let mut strides: Vec<_> = classes
            .iter()
            .zip(specs)
            .enumerate()
            .map(|(k, (class, spec))| {
                let mut strides = class.strides(&spec.shape, spec.dtype.size(), k as u32);
                // To compiled code complex numbers are an axis of their parts.
                if spec.dtype.is_complex() {
                    strides.push(Size::from(spec.dtype.part().size()));
                }
                strides
            })
            .collect();
        let outputs = strides.split_off(self.0.inputs.len());
        let contiguous: Vec<bool> = classes.iter().map(|c| *c == LayoutClass::Contiguous).collect();
        let plan = Compiler::host()?.compile(graph, &contiguous, &OperandStrides { inputs: strides, outputs }, self.0.backend)?;
        for required in &self.0.required {
            report::check(&self.source(&plan, classes, large), required)?;
        }
        Ok(lock().entry(key).or_insert(Arc::new(plan)).clone())
    }

    /// The program without assumptions.
    fn general(&self) -> Result<&Graph> {
        self.0.general.get_or_init(|| Compiler::host()?.optimize(self.0.imported.clone())).as_ref().map_err(Error::clone)
    }

    /// The error for a name that no `what` (input or output) has.
    fn unknown(&self, name: &str, what: &str) -> Error {
        let (own, other, method) = match what {
            "input" => (&self.0.inputs, &self.0.outputs, "an output: use `bind_mut`"),
            _ => (&self.0.outputs, &self.0.inputs, "an input: use `bind`"),
        };
        let err = Error::new(ErrorKind::Bind, format!("kernel `{}` has no {what} named `{name}`", self.0.name));
        if other.iter().any(|s| &*s.name == name) {
            return err.help(format!("`{name}` is {method}"));
        }
        let known: Vec<_> = own.iter().map(|s| s.name.to_string()).collect();
        if known.is_empty() { err } else { err.help(format!("its {what}s are: {}", known.join(", "))) }
    }
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kernel").field("name", &self.0.name).field("inputs", &self.0.inputs).field("outputs", &self.0.outputs).finish()
    }
}
