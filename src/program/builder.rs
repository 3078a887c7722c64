//! Declaring a kernel's inputs and outputs.

use std::panic::Location;
use std::sync::Arc;
use std::time::Instant;

use hashbrown::HashSet;

use super::Kernel;
use crate::compile::Timings;
use crate::dtype::{DType, Element};
use crate::error::{Error, ErrorKind, Result, Site};
use crate::expr::node::NodeRef;
use crate::expr::{DynExpr, Expr};
use crate::graph::{Graph, Kind};
use crate::layout::Layout;
use crate::shape::{Dim, Shape};
use crate::size::{Size, Var};

/// Collects the inputs and outputs of a [`Kernel`].
pub struct KernelBuilder {
    name: String,
    inputs: Vec<NodeRef>,
    outputs: Vec<(Arc<str>, NodeRef, Site)>,
}

impl KernelBuilder {
    pub(super) fn new(name: &str) -> KernelBuilder {
        KernelBuilder { name: name.into(), inputs: Vec::new(), outputs: Vec::new() }
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

    /// Declares an output.
    #[track_caller]
    pub fn output<'a>(&mut self, name: &str, value: impl Into<DynExpr<'a>>) -> &mut Self {
        self.outputs.push((name.into(), value.into().into_node(), Location::caller()));
        self
    }

    /// Compiles the kernel for arrays in C order. Other layouts compile when they are first bound.
    ///
    /// # Errors
    /// The first mistake in an expression, with the line that it was made on; two inputs or two outputs of one name; an
    /// expression over borrowed data; a named dim that is the extent of no input; a size that overflows; what the code generator refuses.
    pub fn build(self) -> Result<Kernel> {
        let start = Instant::now();
        for (k, (name, _, site)) in self.outputs.iter().enumerate() {
            if self.outputs[..k].iter().any(|(other, ..)| other == name) {
                return Err(Error::new(ErrorKind::Bind, format!("two outputs are named `{name}`")).at(site));
            }
        }
        let outputs: Vec<_> = self.outputs.iter().map(|(name, node, _)| (name.clone(), node.clone())).collect();
        let graph = Graph::import(&self.inputs, &outputs)?;
        for input in graph.inputs() {
            if input.data.is_some() {
                let err = Error::new(ErrorKind::Bind, "a kernel's expression reads borrowed data".to_string())
                    .help("declare an input and bind the data to it, or call `eval` on the expression");
                return Err(input.site.map_or(err.clone(), |s| err.at(s)));
            }
        }
        check_dims(&graph)?;
        for (output, (.., site)) in graph.outputs().iter().zip(&self.outputs) {
            let (shape, item) = (&graph[output.node].shape, graph[output.node].dtype.size());
            let fixed = shape.as_fixed();
            if fixed.is_some_and(|s| Layout::contiguous(&s, item).byte_range(item).is_err()) {
                return Err(Error::new(ErrorKind::Shape, format!("output `{}` of shape {shape} is too large", output.name)).at(site));
            }
        }
        let timings = Timings { import: start.elapsed(), ..Timings::default() };
        let mut kernel = Kernel::new(&self.name, graph, timings)?;
        let plan = kernel.plan(kernel.contiguous_key())?;
        if let Some(inner) = Arc::get_mut(&mut kernel.0) {
            inner.timings = Timings { import: timings.import, optimize: inner.timings.optimize, ..plan.timings };
        }
        Ok(kernel)
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
