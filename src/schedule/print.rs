//! The text form: steps in order, then where stored values live and why.

use std::fmt;

use super::{Dest, Placement, Room, Schedule};
use crate::graph::{Applied, Graph, Kind};

/// A schedule with the graph it belongs to, for printing.
pub(crate) struct Printed<'a>(pub &'a Schedule, pub &'a Graph);

/// The name of what is stored to.
pub(crate) fn name(dest: Dest, graph: &Graph) -> String {
    match dest {
        Dest::Output(o) => format!("output {}", graph.outputs()[o as usize].name),
        Dest::Buffer(b) => b.to_string(),
    }
}

impl fmt::Display for Printed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Printed(schedule, graph) = self;
        for (k, step) in schedule.steps.iter().enumerate() {
            let fused: Vec<_> =
                step.fused.iter().filter(|id| !matches!(graph[**id].kind, Kind::Input(_))).map(|id| id.to_string()).collect();
            let stores: Vec<_> = step
                .stores
                .iter()
                .map(|p| {
                    let applied = p.scattered(graph).map_or(Applied(None), |(_, how)| Applied(how.op));
                    format!("{applied}{} -> {}{}", p.node, name(p.dest, graph), p.place(graph))
                })
                .collect();
            write!(f, "step {k}: for every index of {}", step.domain)?;
            if let Some(r) = &step.reduce {
                let axes: Vec<_> = r.axes.iter().map(|a| a.to_string()).collect();
                write!(f, ", reduce axes {} of {}", axes.join(","), r.source)?;
            }
            writeln!(f, "\n  fuse {{{}}}\n  store {}", fused.join(" "), stores.join(", "))?;
            if let Some((p, q)) = step.pairs {
                writeln!(f, "  in pairs: each index together with the one that has axes {p} and {q} exchanged")?;
            }
            if !step.walk.is_free() {
                let backward = |k: usize| if step.walk.reversed[k] { " backward" } else { "" };
                let axes = step.walk.order.iter().flatten().map(|&k| k as usize);
                let all: Vec<usize> = if step.walk.order.is_some() { axes.collect() } else { (0..step.domain.rank()).collect() };
                let loops: Vec<_> = all.into_iter().map(|k| format!("axis {k}{}", backward(k))).collect();
                writeln!(f, "  loops: {}", loops.join(", "))?;
            }
        }
        for strip in &schedule.strips {
            let last = strip.first as usize + strip.steps.len() - 1;
            let order = if strip.free { ", in any order" } else { "" };
            writeln!(f, "strip by strip{order}: steps {} to {last}", strip.first)?;
            for (k, s) in strip.steps.iter().enumerate() {
                let around = s.outer.map_or(String::new(), |outer| format!(" in blocks of axis {outer}"));
                let at = match s.axis {
                    Some(axis) => format!("along axis {axis}, where its index 0 is at {}", s.shift),
                    None => format!("at {}", s.shift),
                };
                writeln!(f, "  step {} {at}{around}", strip.first as usize + k)?;
            }
        }
        if schedule.buffers.is_empty() {
            writeln!(f, "no temporary arrays")?;
        }
        for (k, b) in schedule.buffers.iter().enumerate() {
            write!(f, "buffer{k}: {} : {}{}, in ", b.node, b.dtype, b.shape)?;
            match b.room {
                Room::Slot(slot) => writeln!(f, "slot {slot} of {} bytes", schedule.slots[slot as usize])?,
                Room::Output(o) => writeln!(f, "{} until step {}", name(Dest::Output(o), graph), schedule.first_write(o))?,
                Room::Input(i) => {
                    writeln!(f, "input {} from step {}", graph.inputs()[i as usize].name, schedule.unread_from(graph, i))?;
                }
            }
            if let Some(w) = &b.window {
                let around = w.outer.map_or(String::new(), |outer| format!(", and of axis {outer} as a block has"));
                writeln!(f, "  a window: as many indices of axis {} as a strip has{around}", w.axis)?;
            }
            writeln!(f, "  written in step {}, last read in step {}", b.live.0, b.live.1)?;
            writeln!(f, "  because: {}", b.why.text())?;
        }
        writeln!(f, "values:")?;
        for (id, node) in graph.nodes() {
            let Some(decision) = schedule.decisions[id.index()] else { continue };
            let how = match decision.placement {
                Placement::Input => "input, read in place",
                Placement::Scalar => "number in the code",
                Placement::View => "view, index arithmetic only",
                Placement::Inline => "inline, stays in registers",
                other => other.name(),
            };
            writeln!(f, "  {id} = {}  ({how})", crate::graph::Line(graph, node))?;
        }
        Ok(())
    }
}
