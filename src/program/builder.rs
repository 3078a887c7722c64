//! Declaring a kernel's inputs and outputs.

use std::sync::Arc;
use std::time::Instant;

use hashbrown::HashSet;

use super::{Kernel, Threads};
use crate::codegen::Backend;
use crate::compile::Timings;
use crate::dtype::{DType, Element};
use crate::error::{Error, ErrorKind, Result, Site};
use crate::expr::infer::describe;
use crate::expr::node::{NodeKind, NodeRef};
use crate::expr::{DynExpr, Expr};
use crate::graph::{Graph, Kind, Windows};
use crate::layout::Layout;
use crate::opt::{Accuracy, FpMode};
use crate::report::{Required, Requirement};
use crate::shape::{Dim, Shape};
use crate::size::{Size, Var};

/// Collects the inputs and outputs of a [`Kernel`].
pub struct KernelBuilder {
    name: String,
    inputs: Vec<NodeRef>,
    outputs: Vec<Declared>,
    given: Vec<Given>,
    required: Vec<Required>,
    threads: Threads,
    backend: Backend,
    fp_mode: FpMode,
    accuracy: Accuracy,
}

struct Declared {
    name: Arc<str>,
    value: NodeRef,
    site: Site,
    /// The input in whose memory the value is stored.
    updates: Option<u32>,
}

/// An input whose memory is given away; an expression that is none has no number.
struct Given {
    input: Option<u32>,
    site: Site,
}

impl KernelBuilder {
    pub(super) fn new(name: &str) -> KernelBuilder {
        KernelBuilder {
            name: name.into(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            given: Vec::new(),
            required: Vec::new(),
            threads: Threads::default(),
            backend: Backend::Auto,
            fp_mode: FpMode::default(),
            accuracy: Accuracy::default(),
        }
    }

    /// Named dims for the shapes of inputs. The same name is the same size everywhere in the kernel.
    pub fn dims<const N: usize>(&self, names: [&str; N]) -> [Dim; N] {
        names.map(Dim::named)
    }

    /// Declares an input and returns the expression that stands for it. The shape may mix named dims and numbers.
    #[track_caller]
    pub fn input<T: Element>(&mut self, name: &str, shape: impl IntoIterator<Item = impl Into<Dim>>) -> Expr<'static, T> {
        let x = Expr::input(name, Shape::of(shape));
        self.inputs.push(x.node().clone());
        x
    }

    /// Declares an input whose element type is known at run time only; `swapped` if the bytes of each element are in the
    /// order that this machine does not use.
    #[track_caller]
    pub fn input_dyn(&mut self, name: &str, dtype: DType, shape: Shape, swapped: bool) -> DynExpr<'static> {
        let x = DynExpr::input(name, dtype, shape, swapped);
        self.inputs.push(x.node().clone());
        x
    }

    /// Declares an output. While a kernel runs, the memory bound to it may hold other values, which are gone when the result is there; an
    /// error leaves it as it was.
    #[track_caller]
    pub fn output<'a>(&mut self, name: &str, value: impl Into<DynExpr<'a>>) -> &mut Self {
        let (value, site) = (value.into().into_node(), Site::caller());
        self.outputs.push(Declared { name: name.into(), value, site, updates: None });
        self
    }

    /// Declares that an input is updated in place: after a run its memory holds `value`, and it is bound with
    /// [`bind_mut`](crate::Call::bind_mut).
    ///
    /// The value may read the input anywhere: all reads see the array as it was before the run. Where that takes a copy of
    /// something, the schedule says so.
    ///
    /// ```
    /// use elide::{Kernel, s};
    ///
    /// let mut b = Kernel::builder("running");
    /// let x = &b.input::<f64>("x", [4]);
    /// b.update(x, x.at(s![1..]).add(x.slice(s![..-1])));
    /// let kernel = b.build()?;
    ///
    /// let mut data = [1.0, 2.0, 3.0, 4.0];
    /// kernel.call().bind_mut("x", &mut data)?.run()?;
    /// assert_eq!(data, [1.0, 3.0, 5.0, 7.0]);
    /// # Ok::<(), elide::Error>(())
    /// ```
    #[track_caller]
    pub fn update<'a, 'b>(&mut self, input: impl Into<DynExpr<'a>>, value: impl Into<DynExpr<'b>>) -> &mut Self {
        let (input, value, site) = (input.into().into_node(), value.into().into_node(), Site::caller());
        let at = self.inputs.iter().position(|i| i.same(&input));
        let name = match (&input.kind, at) {
            (NodeKind::Input { name, .. }, Some(_)) => name.clone(),
            _ => "".into(),
        };
        let updates = Some(at.map_or(u32::MAX, |k| k as u32));
        self.outputs.push(Declared { name, value, site, updates });
        self
    }

    /// Gives the memory of an input away: values between loop nests may lie there once the input has been read for the last time, if it
    /// is in C order, and take no scratch memory then. It is bound with [`bind_mut`](crate::Call::bind_mut), and after a run its
    /// contents are unspecified; after an error they are what they were. The report says what lies in it.
    ///
    /// ```
    /// use elide::Kernel;
    ///
    /// let mut b = Kernel::builder("roots");
    /// let [n] = b.dims(["n"]);
    /// let x = &b.input::<f64>("x", [&n]);
    /// let k = &b.input::<i64>("k", [&n]);
    /// // What indices point into is stored.
    /// let roots = &(k.cast::<f64>() * x.sum()).sqrt();
    /// b.output("y", roots.take(k, 0) + roots);
    /// b.give_away(x);
    /// let kernel = b.build()?;
    /// // For the sum; the roots lie in `x`.
    /// assert_eq!(kernel.explain()?.scratch_bytes().to_string(), "8");
    ///
    /// let (mut x, mut y) = ([1.5, 2.5], [0.0; 2]);
    /// kernel.call().bind_mut("x", &mut x)?.bind("k", &[1i64, 0])?.bind_mut("y", &mut y)?.run()?;
    /// assert_eq!(y, [2.0, 2.0]);
    /// # Ok::<(), elide::Error>(())
    /// ```
    #[track_caller]
    pub fn give_away<'a>(&mut self, input: impl Into<DynExpr<'a>>) -> &mut Self {
        let (input, site) = (input.into().into_node(), Site::caller());
        let input = self.inputs.iter().position(|i| i.same(&input)).map(|k| k as u32);
        self.given.push(Given { input, site });
        self
    }

    /// Requires something of the kernel: of its plan for arrays in C order, which `build` makes, and of the plan for any other
    /// layouts, which is made when they are first bound.
    ///
    /// ```
    /// use elide::{Kernel, Requirement};
    ///
    /// let mut b = Kernel::builder("norm");
    /// let [n] = b.dims(["n"]);
    /// let x = &b.input::<f64>("x", [n]);
    /// b.output("y", (x * x).sum().sqrt());
    /// b.require(Requirement::NoTemporaries).require(Requirement::peak_bytes(0));
    /// b.build()?;
    /// # Ok::<(), elide::Error>(())
    /// ```
    #[track_caller]
    pub fn require(&mut self, what: Requirement) -> &mut Self {
        self.required.push(Required { what, site: Site::caller() });
        self
    }

    /// Says how many threads a run may use: by default as many as the pool of the process has. Results do not depend on it.
    ///
    /// [`Call::set_threads`](crate::Call::set_threads) changes it for one frame.
    pub fn threads(&mut self, threads: Threads) -> &mut Self {
        self.threads = threads;
        self
    }

    /// Has another backend than the default one make the code, for comparisons and tests: results have the same bits.
    ///
    /// ```
    /// use elide::{Backend, Kernel};
    ///
    /// for backend in Backend::available() {
    ///     let mut b = Kernel::builder("double");
    ///     let [n] = b.dims(["n"]);
    ///     let x = &b.input::<f64>("x", [&n]);
    ///     b.output("y", 2.0 * x).backend(backend);
    ///     let mut y = [0.0; 3];
    ///     b.build()?.call().bind("x", &[1.0, 2.0, 3.0])?.bind_mut("y", &mut y)?.run()?;
    ///     assert_eq!(y, [2.0, 4.0, 6.0]);
    /// }
    /// # Ok::<(), elide::Error>(())
    /// ```
    pub fn backend(&mut self, backend: Backend) -> &mut Self {
        self.backend = backend;
        self
    }

    /// Lets the kernel compute with floating-point numbers otherwise than as written, which is faster: see [`FpMode`].
    pub fn fp_mode(&mut self, mode: FpMode) -> &mut Self {
        self.fp_mode = mode;
        self
    }

    /// Says how exact elementary functions are to be: less exact ones are faster, see [`Accuracy`].
    pub fn accuracy(&mut self, accuracy: Accuracy) -> &mut Self {
        self.accuracy = accuracy;
        self
    }

    /// Compiles the kernel for arrays in C order. Other layouts compile when they are first bound.
    ///
    /// # Errors
    /// The first mistake in an expression, with the line that it was made on; two inputs or two outputs of one name; an
    /// expression over borrowed data; a named dim that is the extent of no input; a size that overflows; what
    /// the code generator refuses; what was required and is not kept.
    pub fn build(self) -> Result<Kernel> {
        let start = Instant::now();
        if !self.backend.is_available() {
            let all: Vec<_> = Backend::available().into_iter().map(Backend::name).collect();
            let error = Error::new(ErrorKind::Codegen, format!("this machine cannot run code of the backend `{}`", self.backend.name()));
            return Err(error.help(format!("it can run: {}", all.join(", "))));
        }
        for (k, output) in self.outputs.iter().enumerate() {
            if self.outputs[..k].iter().any(|other| other.name == output.name) {
                let name = &output.name;
                let text = match output.updates {
                    Some(_) => format!("`{name}` is updated twice"),
                    None => format!("two outputs are named `{name}`"),
                };
                return Err(Error::new(ErrorKind::Bind, text).at(output.site));
            }
            self.check_update(output).map_err(|e| e.at(output.site))?;
        }
        let outputs: Vec<_> = self.outputs.iter().map(|o| (o.name.clone(), o.value.clone())).collect();
        let mut graph = Graph::import(&self.inputs, &outputs)?;
        for (k, output) in self.outputs.iter().enumerate() {
            if let Some(input) = output.updates {
                graph.update_in_place(k, self.imported(&graph, input));
            }
        }
        for given in &self.given {
            let input = self.check_given(given).map_err(|e| e.at(given.site))?;
            graph.give_away(self.imported(&graph, input));
        }
        for input in graph.inputs() {
            if input.data.is_some() {
                let err = Error::new(ErrorKind::Bind, "a kernel's expression reads borrowed data".to_string())
                    .help("declare an input and bind the data to it, or call `eval` on the expression");
                return Err(input.site.map_or(err.clone(), |s| err.at(s)));
            }
        }
        check_dims(&graph)?;
        for (output, Declared { site, .. }) in graph.outputs().iter().zip(&self.outputs) {
            let (shape, item) = (&graph[output.node].shape, graph[output.node].dtype.size());
            let fixed = shape.as_fixed();
            if fixed.is_some_and(|s| Layout::contiguous(&s, item).byte_range(item).is_err()) {
                return Err(Error::new(ErrorKind::Shape, format!("output `{}` of shape {shape} is too large", output.name)).at(*site));
            }
        }
        let graph = self.accuracy.apply(self.fp_mode.apply(graph));
        let timings = Timings { import: start.elapsed(), ..Timings::default() };
        let mut kernel = Kernel::new(&self.name, graph, self.required, self.backend, timings)?;
        let mut plan = kernel.plan(kernel.contiguous_key(), true);
        // What is required of memory decides where windows and reciprocals are only the faster way.
        if plan.as_ref().is_err_and(|e| e.kind() == ErrorKind::Contract) && kernel.0.graph.takes_memory_for_time() {
            let mut graph = kernel.0.imported.clone();
            graph.set_windows(Windows::none());
            kernel = Kernel::new(&self.name, graph, kernel.0.required.clone(), kernel.0.backend, timings)?;
            plan = kernel.plan(kernel.contiguous_key(), true);
        }
        let plan = plan?;
        if let Some(guard) = &kernel.0.guard {
            guard.kernel.plan(guard.kernel.contiguous_key(), true)?;
        }
        if let Some(inner) = Arc::get_mut(&mut kernel.0) {
            inner.threads = self.threads;
            inner.timings = Timings { import: timings.import, optimize: inner.timings.optimize, ..plan.timings };
        }
        Ok(kernel)
    }
}

impl KernelBuilder {
    /// The number that a declared input has in a graph.
    fn imported(&self, graph: &Graph, input: u32) -> u32 {
        let name = input_name(&self.inputs[input as usize]);
        graph.inputs().iter().position(|i| i.name == name).expect("declared inputs are imported") as u32
    }

    /// The input that is given away, if it can be.
    fn check_given(&self, given: &Given) -> Result<u32> {
        let Some(k) = given.input else {
            let error = Error::new(ErrorKind::Bind, "only an input of this kernel can be given away");
            return Err(error.help("pass the expression that `input` returned"));
        };
        let (input, name) = (&self.inputs[k as usize], input_name(&self.inputs[k as usize]));
        let refused = |why: &str| Err(Error::new(ErrorKind::Bind, format!("`{name}` {why}, so that it cannot be given away")));
        if let NodeKind::Input { swapped: true, .. } = input.kind {
            return refused("has swapped bytes");
        }
        match self.outputs.iter().find(|o| o.updates == Some(k) || o.name == name) {
            Some(Declared { updates: Some(_), .. }) => refused("is updated in place"),
            Some(_) => refused("is also the name of an output"),
            None => Ok(k),
        }
    }

    fn check_update(&self, output: &Declared) -> Result<()> {
        let Some(input) = output.updates else { return Ok(()) };
        output.value.check()?;
        let Some(input) = self.inputs.get(input as usize) else {
            let error = Error::new(ErrorKind::Bind, "only an input of this kernel can be updated");
            return Err(error.help("pass the expression that `input` returned"));
        };
        if let NodeKind::Input { swapped: true, .. } = input.kind {
            return Err(Error::new(ErrorKind::Bind, format!("`{}` has swapped bytes, so that it cannot be updated in place", output.name)));
        }
        let (is, want) = (describe(&output.value), describe(input));
        if (output.value.dtype, &output.value.shape) != (input.dtype, &input.shape) {
            return Err(Error::new(ErrorKind::Shape, format!("`{}` is {want}, but is to be updated to {is}", output.name)));
        }
        Ok(())
    }
}

/// The name of a declared input.
fn input_name(input: &NodeRef) -> Arc<str> {
    match &input.kind {
        NodeKind::Input { name, .. } => name.clone(),
        _ => "".into(),
    }
}

/// Every dim must be the extent of some input by itself: that is where it takes its value from.
fn check_dims(graph: &Graph) -> Result<()> {
    let known: HashSet<&str> = graph.inputs().iter().flat_map(|i| i.shape.extents()).filter_map(Size::as_dim).collect();
    let mut checked = HashSet::new();
    for (_, node) in graph.nodes() {
        let sizes = node.shape.extents().iter().chain(match &node.kind {
            Kind::Size(s) => Some(s),
            _ => None,
        });
        for size in sizes.filter(|s| s.as_const().is_none()) {
            let mut unknown = None;
            if checked.insert(size) {
                size.for_each_var(&mut |v| {
                    if let Var::Dim(name) = v
                        && !known.contains(&**name)
                    {
                        unknown = Some(name.clone());
                    }
                });
            }
            if let Some(name) = unknown {
                let err = Error::new(ErrorKind::Bind, format!("dim {name} is the extent of no input, so nothing tells its value"));
                return Err(node.site.map_or(err.clone(), |s| err.at(s)));
            }
        }
    }
    Ok(())
}
