//! The text form: the nest as nested loops. Constants are printed where they are used, sizes and strides in terms of the
//! program's dims, and the element of an array by its distance in bytes from the first one.

use std::fmt;

use super::{Bindings, Depth, Inst, Lanes, LoopNest, Operand, Position, Stride, ValueId};
use crate::graph::{Applied, Graph};
use crate::size::Size;

/// A nest with the meaning of its arguments, for printing.
pub(crate) struct Printed<'a> {
    pub nest: &'a LoopNest,
    pub bindings: &'a Bindings,
    pub graph: &'a Graph,
}

/// `8*i0`, `8*m*i0`, `(8*m - 16)*i0`, `-i0`
fn times(stride: &Size, index: &str) -> String {
    let stride = match stride.as_const() {
        Some(1) => return index.into(),
        Some(-1) => return format!("-{index}"),
        _ => stride.to_string(),
    };
    // A sum has a sign between its terms, a product none.
    if stride.contains(' ') && !stride.contains('(') { format!("({stride})*{index}") } else { format!("{stride}*{index}") }
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
            Operand::Index => "index".into(),
        }
    }

    fn access(&self, k: u32) -> String {
        self.access_at(k, None)
    }

    /// The bytes to a position along the `n`-th picked axis of an access.
    fn picked(&self, access: u32, n: usize, position: ValueId) -> String {
        let access = &self.nest.accesses[access as usize];
        let picked = access.picked[n];
        let stride = match picked.stride {
            Stride::Param(p) => self.bindings.params[p as usize].clone(),
            known => Size::from(known.bytes(access.dtype.size()).expect("no parameter")),
        };
        times(&stride, &format!("{} in {}", self.value(position), self.bindings.params[picked.extent as usize]))
    }

    /// The element of an access, so many bytes on.
    fn access_at(&self, k: u32, on: Option<String>) -> String {
        let a = &self.nest.accesses[k as usize];
        let (operand, offset) = &self.bindings.pointers[a.pointer as usize];
        let mut index: Vec<String> = Vec::new();
        for (axis, s) in a.strides.iter().enumerate() {
            match s {
                Stride::Zero => {}
                Stride::Unit | Stride::Spaced(_) => {
                    let bytes = s.bytes(a.dtype.size()).expect("no parameter");
                    index.push(times(&Size::from(bytes), &self.index_name(axis)));
                }
                Stride::Param(p) => index.push(times(&self.bindings.params[*p as usize], &self.index_name(axis))),
            }
        }
        index.extend(on);
        let base = offset.add(&Size::from(a.displacement as i64));
        if base != Size::ZERO {
            index.push(base.to_string());
        }
        if index.is_empty() {
            index.push("0".into());
        }
        let index = index.join(" + ").replace(" + -", " - ");
        if *operand == Operand::Index { format!("index {index}") } else { format!("{}[{index} bytes]", self.operand(*operand)) }
    }

    /// A value as an operand: constants as they are, the rest by name.
    fn value(&self, v: ValueId) -> String {
        match &self.nest.insts[v.index()] {
            Inst::Const(s) => s.to_string(),
            Inst::Param(p) => self.bindings.params[*p as usize].to_string(),
            _ => v.to_string(),
        }
    }

    /// What the code takes: for each 64-bit word of its one argument, in order, its meaning.
    pub fn arguments(&self) -> Vec<String> {
        let address = |(operand, offset): &(Operand, Size)| match *offset == Size::ZERO {
            _ if *operand == Operand::Index => format!("index {offset}"),
            true => format!("address of {}", self.operand(*operand)),
            false => format!("address of {} + {offset} bytes", self.operand(*operand)),
        };
        let addresses = self.bindings.pointers.iter().map(address);
        addresses.chain(self.bindings.params.iter().map(|p| p.to_string())).chain(["address of the constants".into()]).collect()
    }

    fn index_name(&self, axis: usize) -> String {
        match axis.checked_sub(self.nest.parallel.len()) {
            None => format!("i{axis}"),
            Some(r) => format!("r{r}"),
        }
    }

    fn inst(&self, k: usize) -> String {
        let nest = self.nest;
        let v = |x: &ValueId| self.value(*x);
        match &nest.insts[k] {
            Inst::Load(a) => {
                let swapped = if nest.accesses[*a as usize].swapped { "load, swap bytes" } else { "load" };
                format!("{swapped} {}", self.access(*a))
            }
            Inst::LoadAt(a, at) => {
                let swapped = if nest.accesses[*a as usize].swapped { "load, swap bytes" } else { "load" };
                format!("{swapped} {}", self.access_at(*a, Some(self.value(*at))))
            }
            Inst::Pick(a, before, position) => {
                let n = before.and_then(|b| nest.picks(*a, b)).unwrap_or(0);
                let before = before.map_or(String::new(), |b| format!("{} + ", self.value(b)));
                format!("{before}{}", self.picked(*a, n, *position))
            }
            Inst::Index(a) => self.access(*a),
            Inst::Const(s) => format!("{s}"),
            Inst::Param(p) => format!("{}", self.bindings.params[*p as usize]),
            Inst::Unary(op, x) => format!("{} {}", op.name(), v(x)),
            Inst::Binary(op, x, y) => format!("{} {}, {}", op.name(), v(x), v(y)),
            Inst::Fma(x, y, z) => format!("fma {}, {}, {}", v(x), v(y), v(z)),
            Inst::Quotient(x, y, z) => format!("quotient {}, {} by {}", v(x), v(y), v(z)),
            Inst::Select(c, x, y) => format!("select {}, {}, {}", v(c), v(x), v(y)),
            Inst::Rarely(f, c, x, y) => format!("rarely {} {}, {}, {}", f.name(), v(c), v(x), v(y)),
            Inst::Cast(x) => format!("cast {}", v(x)),
            Inst::Bitcast(x) => format!("bitcast {}", v(x)),
            Inst::ShiftRightLogical(x, n) => format!("shr_logical {}, {n}", v(x)),
            Inst::Reduced(r) => {
                let r = &nest.reductions[*r as usize];
                format!("{} of {}", r.op.name(), self.value(r.value))
            }
        }
    }

    fn values(&self, f: &mut fmt::Formatter<'_>, depth: Depth, indent: usize) -> fmt::Result {
        for k in 0..self.nest.insts.len() {
            let named = !matches!(self.nest.insts[k], Inst::Const(_) | Inst::Param(_));
            if named && self.nest.depths[k] == depth {
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
                let order = match nest.is_ordered() {
                    true if nest.keeps_positions() => " in order",
                    true => " pairwise",
                    false => "",
                };
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
            let (value, applied) = (self.value(s.value), Applied(s.scatter.and_then(|s| s.op)));
            match s.scatter.map(|s| s.position) {
                Some(Position::Next(mask)) => {
                    writeln!(f, "{:indent$}store {value} -> {} next where {}", "", self.access(s.access), self.value(mask))?;
                }
                Some(Position::At(at)) => {
                    let on = self.picked(s.access, 0, at);
                    writeln!(f, "{:indent$}store {applied}{value} -> {}", "", self.access_at(s.access, Some(on)))?;
                }
                None => writeln!(f, "{:indent$}store {value} -> {}", "", self.access(s.access))?,
            }
        }
        while indent > 0 {
            indent -= 2;
            writeln!(f, "{:indent$}}}", "")?;
        }
        Ok(())
    }
}
