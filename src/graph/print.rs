//! The text form: one line per node, operands before users.

use std::fmt;

use super::{Graph, Kind, Node};
use crate::ops::BinaryOp;

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, node) in self.nodes() {
            writeln!(f, "{id} = {}", Line(self, node))?;
        }
        for o in self.outputs() {
            writeln!(f, "output {} = {}", o.name, o.node)?;
        }
        for size in self.assumptions() {
            writeln!(f, "assume {size} >= 0")?;
        }
        for (eq, _) in self.equations() {
            writeln!(f, "require {} == {}", eq.0, eq.1)?;
        }
        Ok(())
    }
}

/// An operation on an element and the value that is written to it: `add `, or nothing where it is replaced.
pub(crate) struct Applied(pub Option<BinaryOp>);

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |op| write!(f, "{} ", op.name()))
    }
}

/// One node without its number: `add %1, %2 : f32[n,m]`.
pub(crate) struct Line<'a>(pub &'a Graph, pub &'a Node);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line(graph, node) = self;
        match &node.kind {
            Kind::Input(k) => {
                let input = &graph.inputs[*k as usize];
                match input.data {
                    None => write!(f, "input {}", input.name)?,
                    Some(_) => write!(f, "data #{k}")?,
                }
                if input.swapped {
                    f.write_str(" (bytes swapped)")?;
                }
            }
            Kind::Const(s) => write!(f, "const {s}")?,
            Kind::Size(s) => write!(f, "size {s}")?,
            Kind::Iota => f.write_str("iota")?,
            Kind::Unary(op, a) => write!(f, "{} {a}", op.name())?,
            Kind::Binary(op, a, b) => write!(f, "{} {a}, {b}", op.name())?,
            Kind::Select(a, b, c) => write!(f, "select {a}, {b}, {c}")?,
            Kind::MulAdd(a, b, c) => write!(f, "muladd {a}, {b}, {c}")?,
            Kind::Quotient(a, b, c) => write!(f, "quotient {a}, {b} by {c}")?,
            Kind::Cast(a) => write!(f, "cast {a}")?,
            Kind::Take(a, indices, map) => {
                write!(f, "take {a}{map} at ")?;
                for (k, index) in indices.iter().enumerate() {
                    let comma = if k > 0 { ", " } else { "" };
                    write!(f, "{comma}i{} = {index}", map.shape.rank() - indices.len() + k)?;
                }
            }
            Kind::Scatter(base, value, index, how) => {
                let at = how.map.shape.rank() - 1;
                match how.packed {
                    true => write!(f, "pack {value} where {index} to {base}{}", how.map)?,
                    false => write!(f, "scatter {}{value} to {base}{} at i{at} = {index}", Applied(how.op), how.map)?,
                }
            }
            Kind::Copy(a) => write!(f, "copy {a}")?,
            Kind::View(a, v) => write!(f, "view {a}{v}")?,
            Kind::Reshape(a, _) => write!(f, "reshape {a}")?,
            Kind::Reduce(op, a, axes) => {
                let axes: Vec<_> = axes.iter().map(|k| k.to_string()).collect();
                write!(f, "{} {a} over axes {}", op.name(), axes.join(","))?;
            }
            Kind::Pieces(parts) => {
                let parts: Vec<_> = parts.iter().map(|(value, region)| format!("{region}:{} = {value}", region.shape)).collect();
                write!(f, "pieces {}", parts.join(", "))?;
            }
        }
        write!(f, " : {}{}", node.dtype, node.shape)
    }
}
