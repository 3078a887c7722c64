//! From the user's expression DAG to the array IR.

use std::sync::Arc;

use hashbrown::HashMap;

use super::complex::Complexes;
use super::{Asked, Graph, Index, Input, Kind, NodeId, Position, Scatter};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result, Site};
use crate::expr::node::{Bounds, Data, NodeKind, NodeRef};
use crate::ops::{ReduceOp, UnaryOp};
use crate::shape::Shape;
use crate::size::Size;
use crate::view::View;

impl Graph {
    /// The graph of some named expressions. Inputs appear in the order of `declared`, then as they are met.
    ///
    /// # Errors
    /// The first mistake kept in an expression; two different inputs of one name.
    pub(crate) fn import(declared: &[NodeRef], outputs: &[(Arc<str>, NodeRef)]) -> Result<Graph> {
        Graph::import_with_data(declared, outputs).map(|(g, _)| g)
    }

    /// As `import`, with the memory that the expressions borrow.
    ///
    /// # Errors
    /// As for `import`.
    pub(crate) fn import_with_data(declared: &[NodeRef], outputs: &[(Arc<str>, NodeRef)]) -> Result<(Graph, Vec<Data>)> {
        let mut import = Import::default();
        for root in declared.iter().chain(outputs.iter().map(|(_, n)| n)) {
            import.visit(root)?;
        }
        for (name, node) in outputs {
            let complex = node.dtype.is_complex();
            let node = if complex { import.whole(node)? } else { import.done[&node.id()] };
            import.graph.output(name.clone(), node, None);
            import.graph.outputs.last_mut().expect("just added").complex = complex;
        }
        Ok((import.graph, import.data))
    }

    fn import_equations(&mut self, node: &NodeRef) {
        for eq in &node.equations {
            if !self.equations.iter().any(|(e, _)| e == eq) {
                self.equations.push((eq.clone(), node.site()));
            }
        }
    }

    fn import_node(&mut self, node: &NodeRef, done: &HashMap<usize, NodeId>, all: &mut Vec<Data>, complex: bool) -> Result<NodeId> {
        let at = |n: &NodeRef| done[&n.id()];
        self.import_equations(node);
        let kind = match &node.kind {
            NodeKind::Error(e) => return Err(e.clone()),
            NodeKind::Input { name, swapped } => return self.import_input(node, name.clone(), *swapped, complex),
            NodeKind::Data(data) => {
                if let Some(site) = data.overwritten.as_ref().and_then(|o| o.get()) {
                    return Err(overwritten(site, node.site()));
                }
                all.push(data.clone());
                let input = Input {
                    name: "".into(),
                    dtype: node.dtype,
                    shape: node.shape.clone(),
                    complex,
                    swapped: data.swapped,
                    given_away: false,
                    data: Some(all.len() as u32 - 1),
                    site: node.site(),
                };
                return Ok(self.add_input(input));
            }
            NodeKind::View(a, view) => {
                self.import_indices(&a.shape, view, node.site());
                return Ok(self.view(at(a), view.clone(), node.site()));
            }
            NodeKind::Const(s) => Kind::Const(*s),
            NodeKind::SizeOf(s) => Kind::Size(s.clone()),
            NodeKind::Iota => Kind::Iota,
            NodeKind::Unary(op, a) => Kind::Unary(*op, at(a)),
            NodeKind::Binary(op, a, b) => Kind::Binary(*op, at(a), at(b)),
            NodeKind::Select(a, b, c) => Kind::Select(at(a), at(b), at(c)),
            NodeKind::MulAdd(a, b, c) => Kind::MulAdd(at(a), at(b), at(c)),
            NodeKind::Cast(a) => Kind::Cast(at(a)),
            NodeKind::Complex(..) | NodeKind::Pair(..) => unreachable!("complex nodes have been replaced by their parts"),
            NodeKind::Take(a, index, map) => {
                self.import_positions(at(index), map, Bounds::FromEnd, node.site());
                return Ok(self.take(at(a), smallvec::smallvec![at(index)], map.clone(), node.dtype, node.site()));
            }
            NodeKind::Scatter { base, value, index, op, map, bounds } => {
                self.import_positions(at(index), map, *bounds, node.site());
                let packed = *bounds == Bounds::Counted;
                Kind::Scatter(at(base), at(value), at(index), Scatter { op: *op, map: map.clone(), packed })
            }
            NodeKind::Provided(a, some, op) => {
                self.import_elements(at(some), *op, node.site());
                return Ok(at(a));
            }
            NodeKind::Reshape(a) => Kind::Reshape(at(a), node.shape.clone()),
            NodeKind::Reduce(op, a, axes) => Kind::Reduce(*op, at(a), axes.iter().map(|&k| k as u8).collect()),
            NodeKind::Pieces(parts) => {
                parts.iter().for_each(|(_, region)| self.import_indices(&node.shape, region, node.site()));
                Kind::Pieces(parts.iter().map(|(value, region)| (at(value), region.clone())).collect())
            }
        };
        Ok(self.add(kind, node.dtype, node.shape.clone(), node.site()))
    }

    /// Single indices that are not known yet, or along extents that are not. They are noted before the view melts into others, after which an
    /// index past the end of a slice may be inside what was sliced.
    fn import_indices(&mut self, source: &Shape, view: &View, site: Option<Site>) {
        for (map, extent) in view.axes.iter().zip(source.extents()) {
            if map.terms.is_empty() && (extent.as_const().is_none() || map.offset.as_const().is_none()) {
                let index = Index { index: map.offset.clone(), extent: extent.clone(), site };
                if !self.indices.iter().any(|i| (&i.index, &i.extent) == (&index.index, &index.extent)) {
                    self.indices.push(index);
                }
            }
        }
    }

    /// Indices that must be inside the axis of a map that its last axis moves.
    fn import_positions(&mut self, index: NodeId, map: &View, bounds: Bounds, site: Option<Site>) {
        let asked = match bounds {
            Bounds::FromEnd => Asked::FromEnd,
            Bounds::FromStart => Asked::FromStart,
            Bounds::Known | Bounds::Counted => return,
        };
        let last = map.shape.rank() as u32 - 1;
        let axis = map.axes.iter().position(|a| a.terms.iter().any(|t| t.0 == last)).unwrap_or(0);
        let extent = map.shape.extents().last().cloned().unwrap_or(Size::ZERO);
        self.ask(Position { index, axis, extent, asked, site });
    }

    /// That there are elements to reduce, which is an index of 0.
    fn import_elements(&mut self, some: NodeId, op: ReduceOp, site: Option<Site>) {
        let none = self.add(Kind::Unary(UnaryOp::Not, some), DType::Bool, Shape::scalar(), site);
        let index = self.add(Kind::Cast(none), DType::I64, Shape::scalar(), site);
        self.ask(Position { index, axis: 0, extent: Size::ONE, asked: Asked::Elements(op), site });
    }

    fn ask(&mut self, position: Position) {
        let what = |p: &Position| (p.index, p.extent.clone(), p.asked);
        if !self.positions.iter().any(|p| what(p) == what(&position)) {
            self.positions.push(position);
        }
    }

    /// A `complex` input is one of its parts, with an axis for them.
    fn import_input(&mut self, node: &NodeRef, name: Arc<str>, swapped: bool, complex: bool) -> Result<NodeId> {
        // Nodes of one name are one input if they agree: the same declaration may have been cloned or made twice.
        let known = self.inputs.iter().position(|i| i.data.is_none() && i.name == name);
        if let Some(k) = known {
            let i = &self.inputs[k];
            let (is, other) = (i.declared(), super::declared(node.dtype, &node.shape, complex));
            if (&is, i.swapped) != (&other, swapped) {
                let order = |swapped| if swapped { " with swapped bytes" } else { "" };
                let err = Error::new(
                    ErrorKind::Bind,
                    format!(
                        "two different inputs are named `{name}`: {}{}{} and {}{}{}",
                        is.0,
                        is.1,
                        order(i.swapped),
                        other.0,
                        other.1,
                        order(swapped)
                    ),
                );
                return Err(node.site().map_or(err.clone(), |s| err.at(s)));
            }
            return Ok(self.add(Kind::Input(k as u32), node.dtype, node.shape.clone(), node.site()));
        }
        let (dtype, shape, site) = (node.dtype, node.shape.clone(), node.site());
        Ok(self.add_input(Input { name, dtype, shape, complex, swapped, given_away: false, data: None, site }))
    }

    fn add_input(&mut self, input: Input) -> NodeId {
        let kind = Kind::Input(self.inputs.len() as u32);
        let (dtype, shape, site) = (input.dtype, input.shape.clone(), input.site);
        self.inputs.push(input);
        self.add(kind, dtype, shape, site)
    }
}

/// A graph under construction.
#[derive(Default)]
struct Import {
    graph: Graph,
    data: Vec<Data>,
    /// The real nodes so far, by address.
    done: HashMap<usize, NodeId>,
    complexes: Complexes,
}

impl Import {
    fn is_done(&self, node: &NodeRef) -> bool {
        if node.dtype.is_complex() { self.complexes.knows(node) } else { self.done.contains_key(&node.id()) }
    }

    /// Imports a node, with all that it needs. Of a complex one its parts come to be when they are used.
    fn visit(&mut self, root: &NodeRef) -> Result<()> {
        // An explicit stack: expressions may be 100,000 nodes deep. A node is visited again once its operands are done.
        let mut stack = vec![root];
        while let Some(&node) = stack.last() {
            if self.is_done(node) {
                stack.pop();
                continue;
            }
            let operands = node.kind.operands();
            let before = stack.len();
            stack.extend(operands.iter().filter(|o| !self.is_done(o)));
            if stack.len() > before {
                continue;
            }
            stack.pop();
            if let NodeKind::Error(e) = &node.kind {
                return Err(e.clone());
            }
            if node.dtype.is_complex() {
                self.complex(node)?;
                continue;
            }
            let id = if operands.iter().any(|o| o.dtype.is_complex()) {
                self.graph.import_equations(node);
                let real = self.complexes.real(node)?;
                // One level deep: no node of it has a complex operand that is not replaced by now.
                self.visit(&real)?;
                self.done[&real.id()]
            } else {
                self.graph.import_node(node, &self.done, &mut self.data, false)?
            };
            self.done.insert(node.id(), id);
        }
        Ok(())
    }

    fn complex(&mut self, node: &NodeRef) -> Result<()> {
        self.graph.import_equations(node);
        self.complexes.add(node)?;
        // Arguments come in the order in which they are met.
        if let (NodeKind::Input { .. } | NodeKind::Data(_), Some(memory)) = (&node.kind, self.complexes.memory(node)) {
            let id = self.graph.import_node(memory, &self.done, &mut self.data, true)?;
            self.done.insert(memory.id(), id);
        }
        Ok(())
    }

    /// Both parts of a complex node, along a last axis.
    fn whole(&mut self, node: &NodeRef) -> Result<NodeId> {
        let whole = self.complexes.whole(node)?;
        self.visit(&whole)?;
        // What is known by address must live.
        self.complexes.keep(&whole);
        Ok(self.done[&whole.id()])
    }
}

/// The mistake of reading an array as it was before the program that ran at `site`.
fn overwritten(site: Site, borrowed: Option<Site>) -> Error {
    let text = format!("an expression reads an array as it was before the program that ran at {site}, which has overwritten it");
    let error =
        Error::new(ErrorKind::Bind, text).help("evaluate the expression before the program runs, or make both parts of one program");
    borrowed.map_or(error.clone(), |s| error.at(s))
}
