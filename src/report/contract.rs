//! What may be required of a kernel, checked on every plan.

use std::fmt;

use super::plan::bytes;
use super::{Source, users};
use crate::error::{Error, ErrorKind, Result, Site};
use crate::graph::{Kind, Line, NodeId};
use crate::schedule::{Dest, Placement, Room, resolve};
use crate::size::Size;

/// What a kernel must keep to: [`KernelBuilder::require`](crate::KernelBuilder::require) makes building fail where it does not.
///
/// ```
/// use elide::{Axis, ErrorKind, Kernel, Requirement};
///
/// let mut b = Kernel::builder("spread");
/// let [n, m] = b.dims(["n", "m"]);
/// let x = &b.input::<f64>("x", [n, m]);
/// b.output("y", x.max_axis(Axis(0)).invert_axis(0) - x);
/// b.require(Requirement::NoTemporaries);
/// let broken = b.build().unwrap_err();
/// assert_eq!(broken.kind(), ErrorKind::Contract);
/// assert!(broken.message().contains("8*m bytes"), "{broken}");
/// # Ok::<(), elide::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Requirement {
    /// No value is a [`Buffer`](Placement::Buffer) or a [`Copy`](Placement::Copy): there is no scratch memory between loop nests.
    /// Scratch memory of a constant size ([`TileScratch`](Placement::TileScratch)) is none. A window whose rows grow with the arrays is
    /// one.
    NoTemporaries,
    /// No value is a [`Copy`](Placement::Copy): nothing that is in memory is written to memory a second time.
    NoCopies,
    /// [`Report::scratch_bytes`](crate::Report::scratch_bytes) is at most this, for all sizes of the named dims. It has to be seen from the
    /// formulas: that the difference has no negative term is enough, with each side of a maximum in turn, and is what is looked for.
    ///
    /// Of threads, so many go through strips as there is room for windows of each; the first one always has room.
    ///
    /// Windows take 128 KiB together, and each of them as much as the rows that do not fit a strip of one row: the report has the
    /// formula. Where rows are of a known length it is a number. Where a bound leaves no room for a window that is only the faster way
    /// ([`ReadByNeighbours`](crate::Reason::ReadByNeighbours)), its value is recomputed.
    PeakBytes(Size),
    /// The output of this name is an update of an input, and neither that input nor what its memory holds later is copied.
    InPlace(String),
}

impl Requirement {
    /// [`PeakBytes`](Requirement::PeakBytes) with a number, or a formula over named dims: `Size::named("n").scale(8)`.
    pub fn peak_bytes(bound: impl Into<Size>) -> Requirement {
        Requirement::PeakBytes(bound.into())
    }

    /// [`InPlace`](Requirement::InPlace) of an output.
    pub fn in_place(output: impl Into<String>) -> Requirement {
        Requirement::InPlace(output.into())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Requirement::NoTemporaries => f.write_str("no-temporaries"),
            Requirement::NoCopies => f.write_str("no-copies"),
            Requirement::PeakBytes(bound) => write!(f, "peak-bytes={bound}"),
            Requirement::InPlace(output) => write!(f, "in-place={output}"),
        }
    }
}

/// A requirement, and the line that made it.
#[derive(Clone, Debug)]
pub(crate) struct Required {
    pub what: Requirement,
    pub site: Site,
}

/// Checks one requirement on one plan.
///
/// # Errors
/// If the plan does not keep to it, with the value at fault, its reason, its bytes and its line.
pub(crate) fn check(source: &Source<'_>, required: &Required) -> Result<()> {
    let contract = Contract { source, required };
    match &required.what {
        Requirement::NoTemporaries => contract.none(|_, p| matches!(p, Placement::Buffer | Placement::Copy)),
        Requirement::NoCopies => contract.none(|_, p| p == Placement::Copy),
        Requirement::PeakBytes(bound) => contract.peak(bound),
        Requirement::InPlace(output) => contract.in_place(output),
    }
}

struct Contract<'a> {
    source: &'a Source<'a>,
    required: &'a Required,
}

impl Contract<'_> {
    fn broken(&self, site: Option<Site>, text: String) -> Error {
        let Required { what, site: required } = self.required;
        let required = users(Some(*required));
        let at = required.map_or(String::new(), |s| format!(" (required at {}:{})", s.file(), s.line()));
        let layouts = match self.source.layouts.as_str() {
            "" => String::new(),
            other => format!(" for {other}"),
        };
        let error = Error::new(ErrorKind::Contract, format!("kernel `{}` does not keep `{what}`{at}{layouts}: {text}", self.source.kernel));
        match users(site).or(required) {
            Some(site) => error.at(site),
            None => error,
        }
    }

    /// `%3 = ... is a copy of 8*n bytes, because ...`, or `is in a window of at most ...`
    fn fault(&self, id: NodeId) -> String {
        let node = &self.source.graph[id];
        let decision = self.source.plan.schedule.decisions[id.index()];
        let name = decision.map_or("", |d| d.placement.name());
        let because = decision.and_then(|d| d.why).map_or(String::new(), |why| format!(", because {}", why.text()));
        let schedule = &self.source.plan.schedule;
        let what = match schedule.window_bound(id) {
            Some(bound) => format!("in a window of at most {bound}"),
            None => format!("a {name} of {}", bytes(&node.shape, node.dtype)),
        };
        format!("{id} = {} is {what} bytes{because}", Line(self.source.graph, node))
    }

    /// No value may be in such a place.
    fn none(&self, refused: impl Fn(NodeId, Placement) -> bool) -> Result<()> {
        let placed = self.source.graph.nodes().filter_map(|(id, _)| Some((id, self.source.plan.schedule.decisions[id.index()]?)));
        let all: Vec<NodeId> = placed.filter(|(id, d)| refused(*id, d.placement)).map(|(id, _)| id).collect();
        let Some(&first) = all.first() else { return Ok(()) };
        let more = match all.len() - 1 {
            0 => String::new(),
            n => format!("; and {n} more"),
        };
        Err(self.broken(self.source.graph[first].site, self.fault(first) + &more))
    }

    /// A bound in terms of a dim that no input has would not be broken where there is no scratch memory.
    fn known_dims(&self, bound: &Size) -> Result<()> {
        let mut known: Vec<&str> = self.source.graph.inputs().iter().flat_map(|i| i.shape.extents()).filter_map(Size::as_dim).collect();
        known.sort_unstable();
        known.dedup();
        let mut unknown = None;
        bound.for_each_var(&mut |v| {
            let name = v.to_string();
            if !known.contains(&name.as_str()) {
                unknown = Some(name);
            }
        });
        let Some(name) = unknown else { return Ok(()) };
        let text = format!("`{}` is about `{name}`, which is no dim of an input of kernel `{}`", self.required.what, self.source.kernel);
        let error = Error::new(ErrorKind::Bind, text).help(match known.as_slice() {
            [] => "its inputs have numbers for extents, so the bound is a number too".to_string(),
            _ => format!("its dims are: {}", known.join(", ")),
        });
        Err(users(Some(self.required.site)).map_or(error.clone(), |site| error.at(site)))
    }

    fn peak(&self, bound: &Size) -> Result<()> {
        self.known_dims(bound)?;
        let fits = |size: &Size| bound.is_at_least(size);
        let schedule = &self.source.plan.schedule;
        let slots: Vec<Size> = (0..schedule.slots.len()).map(|k| schedule.slot_bound(k)).collect();
        let peak = slots.iter().fold(Size::ZERO, |sum, s| sum.add(s));
        if fits(&peak) {
            return Ok(());
        }
        // The slots that are too large by themselves, or else all of them.
        let large: Vec<usize> = (0..slots.len()).filter(|k| !fits(&slots[*k])).collect();
        let named: Vec<usize> = if large.is_empty() { (0..slots.len()).collect() } else { large };
        let mut site = None;
        let mut parts: Vec<String> = Vec::new();
        for &k in &named {
            let in_slot = self.source.plan.schedule.buffers.iter().filter(|b| b.room == Room::Slot(k as u32));
            let held: Vec<String> = in_slot.map(|b| self.fault(b.node)).collect();
            let first = self.source.plan.schedule.buffers.iter().find(|b| b.room == Room::Slot(k as u32));
            site = site.or(first.and_then(|b| self.source.graph[b.node].site));
            let most = if schedule.holds_window(k) { "at most " } else { "" };
            parts.push(format!("\n  slot {k} of {most}{} bytes: {}", slots[k], held.join("; ")));
        }
        let sides = format!("a run may hold {peak} bytes of scratch memory, which is not seen to be at most {bound} for all sizes");
        Err(self.broken(site, sides + &parts.concat()))
    }

    fn in_place(&self, name: &str) -> Result<()> {
        let graph = self.source.graph;
        let Some(k) = graph.outputs().iter().position(|o| &*o.name == name) else {
            let all: Vec<&str> = graph.outputs().iter().map(|o| &*o.name).collect();
            let text = format!("kernel `{}` has no output named `{name}` to require in place", self.source.kernel);
            let error = Error::new(ErrorKind::Bind, text).help(format!("its outputs are: {}", all.join(", ")));
            return Err(users(Some(self.required.site)).map_or(error.clone(), |site| error.at(site)));
        };
        let Some(input) = graph.outputs()[k].in_place else {
            let text = format!("`{name}` has memory of its own");
            return Err(self
                .broken(graph[graph.outputs()[k].node].site, text)
                .help("declare it with `update`, as the new value of an input"));
        };
        let home = Dest::Output(k as u32);
        self.none(|id, p| {
            let mut at = resolve(graph, id);
            while let Kind::Copy(src) = graph[at].kind {
                at = resolve(graph, src);
            }
            let shows = matches!(graph[at].kind, Kind::Input(i) if i == input) || self.source.plan.schedule.homes[at.index()] == Some(home);
            p == Placement::Copy && shows
        })
    }
}
