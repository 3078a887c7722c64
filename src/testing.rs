//! What the tests of elide share: random programs, the reference evaluator, and the judge. Behind the feature `testing`, and
//! no part of the crate's stable interface.
//!
//! A test takes [`Program::random`], runs it both ways, and asks [`agree`]:
//!
//! ```
//! use elide::testing::{Dims, Program, agree, interpret};
//!
//! let program = Program::random(7);
//! let expressions = program.outputs(&program.declare(Dims::Fixed));
//! let want = interpret(&expressions, &program.bindings())?;
//! let got = interpret(&expressions, &program.bindings())?; // elsewhere: what compiled code gives
//! for ((got, want), output) in got.iter().zip(&want).zip(&program.outputs) {
//!     agree(got, want, output.class).unwrap();
//! }
//! # Ok::<(), elide::Error>(())
//! ```

#[cfg(test)]
mod execute;
mod generate;
mod judge;
mod place;
mod random;
mod recipe;
#[cfg(test)]
mod tests;
mod updates;

pub use judge::{Class, agree};
pub use place::Place;
pub use random::{Rng, random_scalar};
pub use recipe::{Dims, Input, Output, Program, Step};

use std::sync::Arc;

use hashbrown::HashMap;

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result, bail};
use crate::expr::DynExpr;
use crate::graph::{Graph, verify};
pub use crate::interp::Tensor;
use crate::interp::evaluate;
use crate::shape::Shape;
use crate::size::Var;

/// A named argument, as a kernel declares it.
#[track_caller]
pub fn input(name: &str, dtype: DType, shape: Shape) -> DynExpr<'static> {
    DynExpr::input(name, dtype, shape, false)
}

/// The values of named expressions over named inputs, by the reference evaluator. Named dims get their values from the shapes
/// of the inputs.
///
/// # Errors
/// A mistake in an expression; an input that is missing or does not fit; a named dim that is no extent of an input; and the
/// errors of evaluation: equations that do not hold, sizes that overflow, the smallest of nothing.
///
/// # Panics
/// If the graph of the expressions breaks a rule of the IR: that is a bug in elide.
pub fn interpret<N: AsRef<str>>(outputs: &[(N, DynExpr<'_>)], inputs: &[(String, Tensor)]) -> Result<Vec<Tensor>> {
    let graph = graph_of(outputs)?;
    if let Err(message) = verify(&graph) {
        panic!("{message}\n{graph}");
    }
    evaluate_graph(&graph, inputs)
}

fn graph_of<N: AsRef<str>>(outputs: &[(N, DynExpr<'_>)]) -> Result<Graph> {
    let outputs: Vec<_> = outputs.iter().map(|(name, x)| (Arc::from(name.as_ref()), x.node().clone())).collect();
    Graph::import(&[], &outputs)
}

/// The graph of a program with named inputs, its updates in place where sizes allow them.
#[cfg(test)]
fn graph_of_program(program: &Program, dims: Dims) -> Result<Graph> {
    let inputs = program.declare(dims);
    let nodes: Vec<_> = inputs.iter().map(|x| x.node().clone()).collect();
    let outputs: Vec<_> = program.outputs(&inputs).into_iter().map(|(name, x)| (Arc::from(name), x.node().clone())).collect();
    let mut graph = Graph::import(&nodes, &outputs)?;
    for (k, output) in program.outputs.iter().enumerate() {
        if let Some(input) = output.updates.filter(|&i| *outputs[k].1.shape.extents() == *nodes[i].shape.extents()) {
            let at = graph.inputs().iter().position(|i| *i.name == program.inputs[input].name).expect("declared inputs are imported");
            graph.update_in_place(k, at as u32);
        }
    }
    for k in (0..inputs.len()).filter(|&k| program.gives_away(k)) {
        let at = graph.inputs().iter().position(|i| *i.name == program.inputs[k].name).expect("declared inputs are imported");
        graph.give_away(at as u32);
    }
    Ok(graph)
}

/// The outputs of a graph over inputs that are found by name.
fn evaluate_graph(graph: &Graph, inputs: &[(String, Tensor)]) -> Result<Vec<Tensor>> {
    let mut given = Vec::new();
    let mut dims = HashMap::new();
    for declared in graph.inputs() {
        if declared.data.is_some() {
            bail!(Unsupported, "the reference evaluator takes its inputs by name, but the expression borrows memory");
        }
        let Some((_, value)) = inputs.iter().find(|(name, _)| **name == *declared.name) else {
            bail!(Bind, "no value was given for input `{}`", declared.name);
        };
        for (extent, &n) in declared.shape.extents().iter().zip(&value.shape) {
            if let Some(name) = extent.as_dim() {
                dims.entry(name.to_owned()).or_insert(n as i64);
            }
        }
        given.push(value.clone());
    }
    let mut unknown = None;
    let mut check = |var: &Var| match var {
        Var::Dim(name) if dims.contains_key(&**name) => {}
        other => unknown = Some(other.clone()),
    };
    graph.nodes().flat_map(|(_, n)| n.shape.extents()).for_each(|s| s.for_each_var(&mut check));
    if let Some(var) = unknown {
        return Err(Error::new(ErrorKind::Bind, format!("nothing tells the value of `{var}`")));
    }
    evaluate(graph, &given, &|var| match var {
        Var::Dim(name) => dims[&**name],
        Var::Stride { .. } | Var::Rows { .. } | Var::Planes { .. } => unreachable!("the graph knows nothing of memory"),
    })
}
