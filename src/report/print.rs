//! The text of a report. Users keep it in files: a change here is a change for them.

use std::fmt;

use super::{Nest, Report, Value};
use crate::error::Site;
use crate::graph::Applied;
use crate::schedule::Placement;
use crate::size::Size;

/// `  # src/main.rs:12`, `  # line 3` of a text, or nothing.
struct At(Option<Site>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(site) if site.is_text() => write!(f, "  # line {}", site.line()),
            Some(site) => write!(f, "  # {}:{}", site.file(), site.line()),
            None => Ok(()),
        }
    }
}

fn list<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|x| x.to_string()).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "kernel {}, for {}", self.kernel, self.layouts)?;
        for (what, arguments) in [("input", &self.inputs), ("output", &self.outputs)] {
            for a in arguments {
                let in_place = if a.in_place { ", updated in place" } else { "" };
                let given_away = if a.given_away { ", given away" } else { "" };
                writeln!(f, "  {what} {} : {}{}{in_place}{given_away}", a.name, a.dtype, a.shape)?;
            }
        }
        let by_name: hashbrown::HashMap<&str, &Value> = self.values.iter().map(|v| (v.name.as_str(), v)).collect();
        for (k, nest) in self.nests.iter().enumerate() {
            writeln!(f)?;
            print_nest(f, k, nest, &by_name)?;
        }
        writeln!(f, "\nvalues:")?;
        self.values.iter().try_for_each(|v| print_value(f, v))?;
        if !self.origins.is_empty() {
            writeln!(f, "\ntypes:")?;
        }
        for o in &self.origins {
            writeln!(
                f,
                "  {} is {}, wider than {}, from {} = {}: {}{}",
                o.output,
                o.dtype,
                list(&o.narrower),
                o.value,
                o.text,
                o.because,
                At(o.site)
            )?;
        }
        write!(f, "\nscratch memory: {} bytes at most", self.scratch_bytes())?;
        match &self.scratch_bytes_per_thread {
            none if *none == Size::ZERO => writeln!(f)?,
            more => writeln!(f, ", and {more} for each thread after the first")?,
        }
        for (k, slot) in self.slots.iter().enumerate() {
            let held = |(value, first, last): &(String, usize, usize)| match first == last {
                true => format!("{value} in nest {first}"),
                false => format!("{value} in nests {first} to {last}"),
            };
            let what = match (slot.window, slot.holds.len()) {
                (true, 1) => ", a window of at most",
                (true, _) => " of at most",
                (false, _) => " of",
            };
            writeln!(f, "  slot {k}{what} {} bytes: {}", slot.bytes, list(slot.holds.iter().map(held)))?;
        }
        writeln!(f, "\nper run: {} bytes read, {} written, {} flops", self.bytes_read(), self.bytes_written(), self.flops())
    }
}

fn print_nest(f: &mut fmt::Formatter<'_>, k: usize, nest: &Nest, values: &hashbrown::HashMap<&str, &Value>) -> fmt::Result {
    write!(f, "nest {k}: for each index of {}", nest.domain)?;
    if let Some((source, axes)) = &nest.reduces {
        let word = if axes.len() == 1 { "axis" } else { "axes" };
        write!(f, ", reducing {word} {} of {source}", list(axes))?;
    }
    writeln!(f)?;
    if let Some((p, q)) = nest.pairs {
        writeln!(f, "  in pairs: each index together with the one that has axes {p} and {q} exchanged")?;
    }
    if let Some(loops) = &nest.loops {
        let all = loops.iter().map(|l| format!("axis {}{}", l.axis, if l.backward { " backward" } else { "" }));
        writeln!(f, "  loops: {}, so that every element is read before it is overwritten", list(all))?;
    }
    for r in &nest.reads {
        writeln!(f, "  reads {}: {} bytes", r.memory, r.bytes)?;
    }
    for name in &nest.fused {
        if let Some(v) = values.get(name.as_str()) {
            writeln!(f, "  fuses {name} = {}{}", v.text, At(v.site))?;
        }
    }
    for w in &nest.writes {
        let region = w.region.as_deref().unwrap_or("");
        let applied = Applied(w.op);
        writeln!(f, "  writes {applied}{} to {}{region}: {} bytes", w.value, w.traffic.memory, w.traffic.bytes)?;
    }
    writeln!(f, "  {} bytes read, {} written, {} flops", nest.bytes_read(), nest.bytes_written(), nest.flops)
}

fn print_value(f: &mut fmt::Formatter<'_>, v: &Value) -> fmt::Result {
    write!(f, "  {} = {}  ({}", v.name, v.text, v.placement.name())?;
    if v.bytes != Size::ZERO || v.memory.is_some() {
        write!(f, ", {}{} bytes", if v.window { "a window of at most " } else { "" }, v.bytes)?;
    }
    if let Some(memory) = v.memory.as_ref().filter(|_| v.placement != Placement::Input) {
        write!(f, " in {memory}")?;
    }
    if let Some(nest) = v.until {
        write!(f, ", whose result is not written before nest {nest}")?;
    }
    if let Some(nest) = v.since {
        write!(f, ", which is given away and not read from nest {nest} on")?;
    }
    if let (Placement::Inline, [_, _, ..]) = (v.placement, v.nests.as_slice()) {
        write!(f, ", computed anew in nests {}", list(&v.nests))?;
    }
    writeln!(f, "){}", At(v.site))?;
    match v.reason {
        Some(why) => writeln!(f, "    because {}: {}", why.name(), why.text()),
        None => Ok(()),
    }
}
