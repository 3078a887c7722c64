//! The text form: the arguments, then the nest as nested loops.

use std::fmt;

use super::{Bindings, Depth, Inst, Lanes, LoopNest, Operand, Stride, ValueId};
use crate::graph::Graph;

/// A nest with the meaning of its arguments, for printing.
pub(crate) struct Printed<'a> {
    pub nest: &'a LoopNest,
    pub bindings: &'a Bindings,
    pub graph: &'a Graph,
}

impl Printed<'_> {
    fn operand(&self, operand: Operand) -> String {
        match operand {
            Operand::Input(k) => match &*self.graph.inputs()[k as usize].name {
                "" => format!("data#{k}"),
                name => name.to_string(),
            },
            Operand::Output(k) => self.graph.outputs()[k as usize].name.to_string(),
            Operand::Buffer(b) => b.to_string(),
        }
    }

    fn access(&self, k: u32) -> String {
        let a = &self.nest.accesses[k as usize];
        let (operand, offset) = &self.bindings.pointers[a.pointer as usize];
        let mut text = self.operand(*operand);
        let mut index: Vec<String> = Vec::new();
        for (axis, s) in a.strides.iter().enumerate() {
            match s {
                Stride::Zero => {}
                Stride::Unit => index.push(format!("{}*{}", a.dtype.size(), self.index_name(axis))),
                Stride::Param(p) => index.push(format!("({})*{}", self.bindings.params[*p as usize], self.index_name(axis))),
            }
        }
        let base = offset.add(&crate::size::Size::from(a.displacement as i64));
        if base != crate::size::Size::ZERO {
            index.push(base.to_string());
        }
        if index.is_empty() {
            index.push("0".into());
        }
        text += &format!("[{} bytes]", index.join(" + "));
        text
    }

    fn index_name(&self, axis: usize) -> String {
        match axis.checked_sub(self.nest.parallel.len()) {
            None => format!("i{axis}"),
            Some(r) => format!("r{r}"),
        }
    }

    fn inst(&self, k: usize) -> String {
        let nest = self.nest;
        match &nest.insts[k] {
            Inst::Load(a) => {
                let swapped = if nest.accesses[*a as usize].swapped { "load, swap bytes" } else { "load" };
                format!("{swapped} {}", self.access(*a))
            }
            Inst::Const(s) => format!("{s}"),
            Inst::Param(p) => format!("{}", self.bindings.params[*p as usize]),
            Inst::Unary(op, x) => format!("{} {x}", op.name()),
            Inst::Binary(op, x, y) => format!("{} {x}, {y}", op.name()),
            Inst::Fma(x, y, z) => format!("fma {x}, {y}, {z}"),
            Inst::Select(c, x, y) => format!("select {c}, {x}, {y}"),
            Inst::Cast(x) => format!("cast {x}"),
            Inst::Bitcast(x) => format!("bitcast {x}"),
            Inst::ShiftRightLogical(x, n) => format!("shr_logical {x}, {n}"),
            Inst::Reduced(r) => {
                let r = &nest.reductions[*r as usize];
                format!("{} of {}", r.op.name(), r.value)
            }
        }
    }

    fn values(&self, f: &mut fmt::Formatter<'_>, depth: Depth, indent: usize) -> fmt::Result {
        for k in 0..self.nest.insts.len() {
            // Numbers are printed where they are used by value name, all at the top.
            if self.nest.depths[k] == depth {
                writeln!(f, "{:indent$}{}: {} = {}", "", ValueId::new(k), self.nest.types[k], self.inst(k))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Printed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nest = self.nest;
        self.values(f, Depth::Parallel(0), 0)?;
        let mut indent = 0;
        for (k, p) in nest.parallel.iter().enumerate() {
            let by = match nest.lanes {
                Lanes::Parallel(n) if k + 1 == nest.parallel.len() => format!(" by {n} lanes"),
                _ => String::new(),
            };
            writeln!(f, "{:indent$}for i{k} in 0..{}{by} {{", "", self.bindings.params[*p as usize])?;
            indent += 2;
            self.values(f, Depth::Parallel(k as u8 + 1), indent)?;
        }
        if !nest.reductions.is_empty() {
            let outer = indent;
            for (k, p) in nest.reduced.iter().enumerate() {
                let by = match nest.lanes {
                    Lanes::Reduced if k + 1 == nest.reduced.len() => " by 8 lanes",
                    _ => "",
                };
                let order = if nest.is_ordered() { " pairwise" } else { "" };
                writeln!(f, "{:indent$}reduce r{k} in 0..{}{by}{order} {{", "", self.bindings.params[*p as usize])?;
                indent += 2;
            }
            self.values(f, Depth::Reduced, indent)?;
            while indent > outer {
                indent -= 2;
                writeln!(f, "{:indent$}}}", "")?;
            }
            self.values(f, Depth::After, indent)?;
        }
        for s in &nest.stores {
            writeln!(f, "{:indent$}store {} -> {}", "", s.value, self.access(s.access))?;
        }
        while indent > 0 {
            indent -= 2;
            writeln!(f, "{:indent$}}}", "")?;
        }
        Ok(())
    }
}
