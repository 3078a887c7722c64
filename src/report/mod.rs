//! What a kernel does, as data and as text: loop nests, the place of every value, types, memory, traffic. And what may be required of
//! it.
//!
//! A report is read off a plan: the schedule's decisions (`schedule::Decision`, one for each node), its slots, and the compiled loop
//! nests. [`Requirement`]s are checked on the same record.

mod contract;
#[cfg(feature = "json")]
mod json;
mod plan;
mod print;
mod traffic;
mod types;

use std::sync::Arc;

pub use contract::Requirement;
pub(crate) use contract::{Required, check};
pub(crate) use plan::Source;

use crate::dtype::DType;
use crate::error::Site;
use crate::ops::BinaryOp;
use crate::schedule::{Placement, Why};
use crate::shape::Shape;
use crate::size::Size;

/// What a kernel does, in full: [`Kernel::explain`](crate::Kernel::explain) makes one.
///
/// Its text (`to_string`) has the parts in this order: arguments, loop nests, values, types, scratch memory, traffic. It is the
/// same for the same program, so that tests may keep it. Sizes are formulas over the named dims.
///
/// ```
/// use elide::{Axis, Kernel, Placement, Reason};
///
/// let mut b = Kernel::builder("spread");
/// let [n, m] = b.dims(["n", "m"]);
/// let x = &b.input::<f64>("x", [n, m]);
/// // The largest of each column, beside the column at the other end.
/// b.output("y", x.max_axis(Axis(0)).invert_axis(0) - x);
/// let report = b.build()?.explain()?;
///
/// assert_eq!(report.nests().len(), 2);
/// let stored = report.values().iter().find(|v| v.placement == Placement::Buffer).unwrap();
/// assert_eq!(stored.reason, Some(Reason::ReductionReadElsewhere));
/// assert_eq!(report.scratch_bytes().to_string(), "8*m");
/// assert_eq!(report.scratch_bytes().evaluate(&[("m", 100)]), Some(800));
/// # Ok::<(), elide::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Report {
    kernel: String,
    layouts: String,
    inputs: Vec<Argument>,
    outputs: Vec<Argument>,
    nests: Vec<Nest>,
    values: Vec<Value>,
    origins: Vec<Origin>,
    slots: Vec<Slot>,
    scratch_bytes_per_thread: Size,
}

impl Report {
    /// The name given to the builder.
    pub fn kernel(&self) -> &str {
        &self.kernel
    }

    /// The layouts that the plan is for: `arrays in C order`, or those that lie otherwise, as in `` `x` in Fortran order``.
    pub fn layouts(&self) -> &str {
        &self.layouts
    }

    /// The inputs, in order of declaration.
    pub fn inputs(&self) -> &[Argument] {
        &self.inputs
    }

    /// The outputs, in order of declaration.
    pub fn outputs(&self) -> &[Argument] {
        &self.outputs
    }

    /// The loop nests, in the order in which they run.
    pub fn nests(&self) -> &[Nest] {
        &self.nests
    }

    /// The ledger: every value that some output needs, operands before users, each in exactly one place.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// For each output that is wider than some input, what made it so.
    pub fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// The pieces of scratch memory that values between nests share.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The bytes of scratch memory that a run on one thread holds: the sum of all slots. Values that lie in an output until its result is written, or
    /// in an input that is given away, take none. Where some are windows it is an upper bound; how long
    /// strips are is chosen when sizes are known. [`Call::scratch_bytes`](crate::Call::scratch_bytes) is the number once arrays are
    /// bound.
    pub fn scratch_bytes(&self) -> Size {
        self.slots.iter().fold(Size::ZERO, |sum, s| sum.add(&s.bytes))
    }

    /// What each thread after the first holds at most, beside [`scratch_bytes`](Report::scratch_bytes): windows of its own, where several
    /// threads may go through the same steps strip by strip. Few threads do if a [`PeakBytes`](Requirement::PeakBytes) leaves no room for more.
    pub fn scratch_bytes_per_thread(&self) -> &Size {
        &self.scratch_bytes_per_thread
    }

    /// The bytes that one run reads, in all nests; see [`Nest::bytes_read`].
    pub fn bytes_read(&self) -> Size {
        self.nests.iter().fold(Size::ZERO, |sum, n| sum.add(&n.bytes_read()))
    }

    /// The bytes that one run writes, in all nests.
    pub fn bytes_written(&self) -> Size {
        self.nests.iter().fold(Size::ZERO, |sum, n| sum.add(&n.bytes_written()))
    }

    /// The floating-point operations of one run; see [`Nest::flops`].
    pub fn flops(&self) -> Size {
        self.nests.iter().fold(Size::ZERO, |sum, n| sum.add(&n.flops))
    }
}

/// An input or output of the kernel.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Argument {
    /// The name that arrays are bound by.
    pub name: Arc<str>,
    /// The element type.
    pub dtype: DType,
    /// The shape.
    pub shape: Shape,
    /// For an input: it is overwritten by its update. For an output: it is stored over the input of its name.
    pub in_place: bool,
    /// For an input: its memory is given away, and may hold other values after the last nest that reads it.
    pub given_away: bool,
}

/// One loop nest.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Nest {
    /// The indices that it runs over.
    pub domain: Shape,
    /// The reduction at each index: the shape of what is reduced, and which of its axes are.
    pub reduces: Option<(Shape, Vec<usize>)>,
    /// The values that it computes in registers, by their names in the ledger; operands before users.
    pub fused: Vec<String>,
    /// What it reads. An array that is read in several places at a constant distance is one entry.
    pub reads: Vec<Traffic>,
    /// What it stores.
    pub writes: Vec<Write>,
    /// The loops from the outermost in, where their order or direction matters: every element is read before it is overwritten.
    pub loops: Option<Vec<Loop>>,
    /// Two axes: each index is done together with the one that has these exchanged, so that both are read before either is
    /// overwritten.
    pub pairs: Option<(usize, usize)>,
    /// The floating-point operations of one run: additions, subtractions, products, quotients, roots, minima, maxima and
    /// roundings are one each, a fused multiply-add is two; elementary functions are the operations that they expand to.
    pub flops: Size,
}

impl Nest {
    /// The bytes that it reads, as if memory were read once for each distinct way of walking it: the elements along the loops
    /// that move it, times their size. Caches that are too small make it more.
    pub fn bytes_read(&self) -> Size {
        self.reads.iter().fold(Size::ZERO, |sum, t| sum.add(&t.bytes))
    }

    /// The bytes that it writes.
    pub fn bytes_written(&self) -> Size {
        self.writes.iter().fold(Size::ZERO, |sum, w| sum.add(&w.traffic.bytes))
    }
}

/// Memory that a nest goes through.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// The argument, or `slot 0 (%3)`.
    pub memory: String,
    /// How many bytes of it.
    pub bytes: Size,
}

/// A value that a nest stores.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Write {
    /// Its name in the ledger.
    pub value: String,
    /// The memory.
    pub traffic: Traffic,
    /// The part of the array that is written, by the nest's index: `[i0 + 1]`, or `[i1] at i1 = %4` where a computed index says
    /// which element it is; `None` for all of it.
    pub region: Option<String>,
    /// What an element becomes of itself and the value, where that is not the value alone.
    pub op: Option<BinaryOp>,
}

/// A loop whose place or direction matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loop {
    /// The axis of the domain.
    pub axis: usize,
    /// True if it runs from its end.
    pub backward: bool,
}

/// One line of the ledger.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Value {
    /// `%4`.
    pub name: String,
    /// What it computes: `add %1, %2 : f64[n,m]`.
    pub text: String,
    /// The element type.
    pub dtype: DType,
    /// The shape.
    pub shape: Shape,
    /// Where it is.
    pub placement: Placement,
    /// Why it takes memory that nobody asked for, if it does.
    pub reason: Option<Why>,
    /// The bytes of the memory that holds it, at most if that is a window; nothing for what has none of its own.
    pub bytes: Size,
    /// True if it never exists as a whole: its memory is a window, which has as many of its indices as a strip of the loops.
    pub window: bool,
    /// That memory: an argument's name or `slot 0`.
    pub memory: Option<String>,
    /// If it is no result but lies in the memory of an output: the nest that first writes there what belongs there.
    pub until: Option<usize>,
    /// If it lies in the memory of an input that is given away: the nest from which on none reads that.
    pub since: Option<usize>,
    /// The loop nests that compute it: more than one compute it anew.
    pub nests: Vec<usize>,
    /// Where the user wrote it.
    pub site: Option<Site>,
}

/// Why an output's element type is wider than an input's.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Origin {
    /// The output.
    pub output: Arc<str>,
    /// Its element type.
    pub dtype: DType,
    /// The inputs of narrower types that it depends on.
    pub narrower: Vec<Arc<str>>,
    /// The value of the ledger that has this type first.
    pub value: String,
    /// What it computes.
    pub text: String,
    /// The rule: `i32 / i32 is f64`.
    pub because: String,
    /// Where the user wrote it.
    pub site: Option<Site>,
}

/// A piece of scratch memory.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Slot {
    /// Its size, that of the largest value in it; of windows, the most that it may be.
    pub bytes: Size,
    /// True if it holds a window, as many indices of its value as a strip of the loops has, so that it may be smaller.
    pub window: bool,
    /// The values that share it, with the nest that writes each and the last that reads it.
    pub holds: Vec<(String, usize, usize)>,
}

/// The place, unless it is in this crate: what the text language makes for the user has a place in the text.
pub(crate) fn users(site: Option<Site>) -> Option<Site> {
    let root = file!().strip_suffix("report/mod.rs").unwrap_or("src/");
    let own = |s: &Site| s.file().strip_prefix(root).is_some_and(|f| f.starts_with("text/") || f.starts_with("bin/"));
    site.filter(|s| !own(s))
}
