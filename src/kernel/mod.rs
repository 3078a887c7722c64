//! LOOP IR: one loop nest over strided memory, with a straight-line body.
//!
//! A [`LoopNest`] says nothing about sizes: extents, strides and addresses are arguments of the compiled code. What it does
//! fix is the *layout class* (which strides are zero, one element or a few, which axes have merged), so that new sizes never
//! need new code, and two programs with the same nest share it.
//!
//! ```text
//! for each index of the parallel axes (outermost first)
//!     for each index of the reduced axes (in logical order)
//!         body
//!         reductions += body's values
//!     rest of the body, from the reductions' results
//!     stores
//! ```
//!
//! A store to a computed position may change what an earlier index has written, or count the stores before it, so that the indices of
//! such a nest come in C order, each once.
//!
//! Every value has a depth: the place in that structure where it is computed, as far out as its operands allow.

mod axes;
mod body;
mod halves;
mod lower;
mod print;
mod reciprocals;
mod unroll;
mod verify;
mod work;

pub(crate) use print::Printed;
use smallvec::SmallVec;

use crate::dtype::{DType, Scalar};
use crate::entity::define_index;
use crate::math::Rare;
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};
use crate::schedule::BufferId;
use crate::size::Size;

pub(crate) use halves::expanded as expanded_halves;
pub(crate) use lower::{OperandStrides, lower};
pub(crate) use reciprocals::with_reciprocals;
pub(crate) use verify::verify;
pub(crate) use work::{Amount, Work};

define_index! {
    /// A value of a loop nest's body.
    ValueId, "v"
}

/// One loop nest. Equal nests compile to the same code.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LoopNest {
    /// The parameter that holds the extent of each parallel axis, outermost first.
    pub parallel: Vec<u32>,
    /// The parameter that holds the extent of each reduced axis, in logical order.
    pub reduced: Vec<u32>,
    /// The strided memory that loads and stores go through.
    pub accesses: Vec<Access>,
    /// The body in order; operands before users.
    pub insts: Vec<Inst>,
    /// The type of each value.
    pub types: Vec<DType>,
    /// Where each value is computed.
    pub depths: Vec<Depth>,
    /// The reductions at each index of the parallel axes.
    pub reductions: Vec<Reduction>,
    /// What is written at each index of the parallel axes.
    pub stores: Vec<Store>,
    /// What the lanes of a vector run along.
    pub lanes: Lanes,
    /// True if it writes to memory that it reads: every element is computed once, and loads come before stores in each turn.
    pub in_place: bool,
    /// True if the last parallel axis runs from its end.
    pub descending: bool,
    /// How many addresses the code takes.
    pub pointers: u32,
    /// How many sizes (extents and strides) the code takes.
    pub params: u32,
}

/// The place where a value is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Depth {
    /// Inside this many parallel loops, before any reduction.
    Parallel(u8),
    /// Inside the loops over the reduced axes.
    Reduced,
    /// After the reductions, once per index of the parallel axes.
    After,
}

/// One strided operand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    /// Which address argument it starts from.
    pub pointer: u32,
    /// Bytes from that address.
    pub displacement: i32,
    /// The element type.
    pub dtype: DType,
    /// True if the bytes of each element are in the other order.
    pub swapped: bool,
    /// The stride along each axis: parallel axes first, then reduced ones.
    pub strides: SmallVec<[Stride; 4]>,
    /// Axes along which it is read at computed positions, by [`Inst::LoadAt`], or one along which it is written at them.
    pub picked: SmallVec<[Picked; 2]>,
    /// True if its index depends on a reduced axis, also where its strides there cancel: where that axis is empty, there is
    /// nothing to load.
    pub inside: bool,
}

impl Access {
    /// The outermost place where its address is known, in a nest with `rank` parallel axes.
    pub fn depth(&self, rank: usize) -> Depth {
        match self.strides.iter().rposition(|s| *s != Stride::Zero) {
            _ if self.inside => Depth::Reduced,
            Some(axis) if axis >= rank => Depth::Reduced,
            Some(axis) => Depth::Parallel(axis as u8 + 1),
            None => Depth::Parallel(0),
        }
    }
}

/// An axis of an access whose index is a value of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Picked {
    /// The parameter that holds its extent, which is above 0 wherever the access is used.
    pub extent: u32,
    /// The stride along it.
    pub stride: Stride,
}

/// A stride as far as it is known when code is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stride {
    /// The operand does not move along the axis.
    Zero,
    /// One element.
    Unit,
    /// So many elements, from 2 to [`MAX_APART`]. Such a stride is a number only where the array's own extents are, or where a view steps
    /// over elements that are adjacent: what lies between are elements of the same array.
    Spaced(u8),
    /// Bytes in a parameter.
    Param(u32),
}

impl Stride {
    /// Bytes, of elements of a size, unless a parameter says how many.
    pub fn bytes(self, size: usize) -> Option<i64> {
        match self {
            Stride::Zero => Some(0),
            Stride::Unit => Some(size as i64),
            Stride::Spaced(n) => Some(n as i64 * size as i64),
            Stride::Param(_) => None,
        }
    }
}

/// The most elements that are a stride of its own kind: loads of whole registers get few of those that are wanted beyond it.
pub(crate) const MAX_APART: i64 = 8;

/// One instruction of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Inst {
    /// The element of an access at the current index.
    Load(u32),
    /// The bytes from an access's element to that at a position along a picked axis: the first one, or the next after those of another
    /// [`Inst::Pick`], to which it adds. The position is an `i64` that counts from the end where it is negative; one that is out of
    /// range is that of some element.
    Pick(u32, Option<ValueId>, ValueId),
    /// The element of an access at the current index and so many bytes on, which the last of its [`Inst::Pick`]s says.
    LoadAt(u32, ValueId),
    /// The address of an access at the current index, as an `i64`: of an access to [`Operand::Index`], which begins at 0, an
    /// index. Its elements are one byte long.
    Index(u32),
    /// A number.
    Const(Scalar),
    /// A size parameter as an `i64`.
    Param(u32),
    /// A row of the op table that is not expanded.
    Unary(UnaryOp, ValueId),
    /// A row of the op table that is not expanded.
    Binary(BinaryOp, ValueId, ValueId),
    /// `x * y + z`, rounded once.
    Fma(ValueId, ValueId, ValueId),
    /// `x / y`, rounded once, where the third is what [`with_reciprocals`] has of `y`. A backend may correct the product of `x` and that to
    /// the quotient's bits, or divide.
    Quotient(ValueId, ValueId, ValueId),
    /// `x` where the first is true, else `y`.
    Select(ValueId, ValueId, ValueId),
    /// The function of the second where the first is true, which it seldom is, else the third; both are `f64`.
    Rarely(Rare, ValueId, ValueId, ValueId),
    /// Conversion to the value's type.
    Cast(ValueId),
    /// The same bits as the value's type.
    Bitcast(ValueId),
    /// Bits shifted right by a constant, filled with zeros.
    ShiftRightLogical(ValueId, u8),
    /// The result of a reduction.
    Reduced(u32),
}

impl Inst {
    /// The operands, in order.
    pub fn operands(&self) -> SmallVec<[ValueId; 3]> {
        match *self {
            Inst::Load(_) | Inst::Index(_) | Inst::Const(_) | Inst::Param(_) | Inst::Reduced(_) => smallvec::smallvec![],
            Inst::Pick(_, before, x) => before.into_iter().chain([x]).collect(),
            Inst::LoadAt(_, x) | Inst::Unary(_, x) | Inst::Cast(x) | Inst::Bitcast(x) | Inst::ShiftRightLogical(x, _) => {
                smallvec::smallvec![x]
            }
            Inst::Binary(_, x, y) => smallvec::smallvec![x, y],
            Inst::Fma(x, y, z) | Inst::Quotient(x, y, z) | Inst::Select(x, y, z) | Inst::Rarely(_, x, y, z) => {
                smallvec::smallvec![x, y, z]
            }
        }
    }
}

impl Inst {
    /// The same of other accesses and operands.
    pub fn map(self, access: impl Fn(u32) -> u32, value: impl Fn(ValueId) -> ValueId) -> Inst {
        match self {
            Inst::Load(a) => Inst::Load(access(a)),
            Inst::Index(a) => Inst::Index(access(a)),
            Inst::Pick(a, before, x) => Inst::Pick(access(a), before.map(&value), value(x)),
            Inst::LoadAt(a, x) => Inst::LoadAt(access(a), value(x)),
            Inst::Const(_) | Inst::Param(_) | Inst::Reduced(_) => self,
            Inst::Unary(op, x) => Inst::Unary(op, value(x)),
            Inst::Binary(op, x, y) => Inst::Binary(op, value(x), value(y)),
            Inst::Fma(x, y, z) => Inst::Fma(value(x), value(y), value(z)),
            Inst::Quotient(x, y, z) => Inst::Quotient(value(x), value(y), value(z)),
            Inst::Select(x, y, z) => Inst::Select(value(x), value(y), value(z)),
            Inst::Rarely(f, x, y, z) => Inst::Rarely(f, value(x), value(y), value(z)),
            Inst::Cast(x) => Inst::Cast(value(x)),
            Inst::Bitcast(x) => Inst::Bitcast(value(x)),
            Inst::ShiftRightLogical(x, n) => Inst::ShiftRightLogical(value(x), n),
        }
    }
}

/// A reduction of a body value over the reduced axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reduction {
    /// How partial results combine.
    pub op: ReduceOp,
    /// The value at each index.
    pub value: ValueId,
}

/// A value written through an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Store {
    /// The memory.
    pub access: u32,
    /// The value.
    pub value: ValueId,
    /// Where along the picked axis of the access, if it has one.
    pub scatter: Option<Scattered>,
}

/// A store to a computed position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scattered {
    /// Where.
    pub position: Position,
    /// What is stored: this of what is there and the value; the value alone if there is none.
    pub op: Option<BinaryOp>,
}

/// The position of a store along a picked axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Position {
    /// An `i64` that counts from the end where it is negative. One that is out of range writes to some element.
    At(ValueId),
    /// The number of stores so far for which this, a `bool`, was true; if it is not, nothing changes.
    Next(ValueId),
}

impl Position {
    /// The value that it depends on.
    pub fn value(self) -> ValueId {
        match self {
            Position::At(v) | Position::Next(v) => v,
        }
    }
}

/// What the lanes of a vector hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lanes {
    /// One element at a time.
    Scalar,
    /// This many successive indices of the last parallel axis.
    Parallel(u8),
    /// [`LEAF_LANES`] successive indices of the last reduced axis: the partial sums of the defined order.
    Reduced,
}

/// The number of partial results that the defined order of a reduction keeps (`docs/semantics.md`).
pub const LEAF_LANES: u8 = 8;
/// The number of elements from which the defined order splits in two.
pub const LEAF_LENGTH: i64 = 128;

/// The length of the left half of a run that splits.
pub(crate) fn left_half(length: i64) -> i64 {
    (length / 2) & -i64::from(LEAF_LANES)
}

/// What a step must touch, in bytes, for its results to go around the cache: twice a large last-level cache.
pub(crate) const STREAM_FROM: i64 = 64 << 20;

/// What the arguments of a nest's code are, in terms of the program's operands and sizes.
#[derive(Clone, Debug)]
pub struct Bindings {
    /// For each address argument: whose memory, and the bytes from its first element.
    pub pointers: Vec<(Operand, Size)>,
    /// For each size argument: its value.
    pub params: Vec<Size>,
    /// How to run a part of the outermost loop, if its indices may be done in any order, at a time.
    pub outer: Option<StripArgument>,
    /// How to run a part of the innermost parallel loop for all indices of those outside, if the order does not matter and there are such.
    pub inner: Option<StripArgument>,
    /// How to reduce a part of the one reduced axis, in a nest of one result.
    pub run: Option<StripArgument>,
    /// How to run a part of the axis that strips are cut from.
    pub strip: Option<StripArgument>,
    /// How to run a part of the axis around it, if that is cut as well.
    pub block: Option<StripArgument>,
    /// How to run a part of two axes that are exchanged in pairs.
    pub pairs: Option<(StripArgument, StripArgument)>,
}

/// Calls `f` on rectangles of indices below `n`, as (row, rows, column, columns), that cover each pair of a row and a column
/// once, in one order or the other, and each index with itself: blocks above the diagonal, and the rows of those on it.
pub(crate) fn for_each_pair_block(n: i64, block: i64, f: &mut dyn FnMut(i64, i64, i64, i64)) {
    for row in (0..n).step_by(block as usize) {
        let rows = block.min(n - row);
        for i in row..row + rows {
            f(i, 1, i, row + rows - i);
        }
        for column in (row + rows..n).step_by(block as usize) {
            f(row, rows, column, block.min(n - column));
        }
    }
}

/// What changes from strip to strip.
#[derive(Clone, Debug)]
pub struct StripArgument {
    /// The size argument that says how long the strip is.
    pub param: u32,
    /// For each address argument, the bytes from one index to the next.
    pub moves: Vec<Size>,
}

/// Memory that a nest reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operand {
    /// The `k`-th input.
    Input(u32),
    /// The `k`-th output.
    Output(u32),
    /// A buffer between steps.
    Buffer(BufferId),
    /// No memory: addresses from 0 on, which are indices.
    Index,
}

impl LoopNest {
    /// The number of parallel axes.
    pub fn rank(&self) -> usize {
        self.parallel.len()
    }

    /// True for places where values are computed in the lanes of vectors.
    pub fn in_lanes(&self, depth: Depth) -> bool {
        match self.lanes {
            Lanes::Scalar => false,
            Lanes::Parallel(_) => depth >= Depth::Parallel(self.rank() as u8),
            Lanes::Reduced => depth == Depth::Reduced,
        }
    }

    /// For each value, which loops move it: parallel axes first, then reduced ones.
    pub fn moved_by(&self) -> Vec<Vec<bool>> {
        let mut all: Vec<Vec<bool>> = Vec::with_capacity(self.insts.len());
        for inst in &self.insts {
            let mut moved = vec![false; self.parallel.len() + self.reduced.len()];
            match inst {
                Inst::Load(k) | Inst::LoadAt(k, _) | Inst::Index(k) => {
                    let strides = &self.accesses[*k as usize].strides;
                    moved.iter_mut().zip(strides).for_each(|(m, s)| *m = *s != Stride::Zero);
                }
                Inst::Reduced(_) => moved[..self.parallel.len()].fill(true),
                _ => {}
            }
            for o in inst.operands() {
                moved.iter_mut().zip(&all[o.index()]).for_each(|(m, o)| *m |= *o);
            }
            all.push(moved);
        }
        all
    }

    /// How many picked axes of an access a value adds the offsets along; `None` if it is no [`Inst::Pick`] of this access.
    pub fn picks(&self, access: u32, mut value: ValueId) -> Option<usize> {
        let mut count = 1;
        loop {
            match self.insts[value.index()] {
                Inst::Pick(a, None, _) => return (a == access).then_some(count),
                Inst::Pick(a, Some(before), _) if a == access => (value, count) = (before, count + 1),
                _ => return None,
            }
        }
    }

    /// True if a reduction keeps positions.
    pub fn keeps_positions(&self) -> bool {
        self.reductions.iter().any(|r| matches!(r.op, ReduceOp::ArgMin | ReduceOp::ArgMax))
    }

    /// True if the order of combination matters to some reduction.
    pub fn is_ordered(&self) -> bool {
        self.reductions.iter().any(|r| !r.op.any_order(self.types[r.value.index()]))
    }

    /// True if its results may be written a run of the last parallel axis at a time: they are element-wise, and adjacent in
    /// memory along that axis.
    pub fn can_stream(&self) -> bool {
        let last = self.rank().wrapping_sub(1);
        let adjacent = |s: &Store| self.accesses[s.access as usize].strides.get(last) == Some(&Stride::Unit);
        matches!(self.lanes, Lanes::Parallel(_)) && !self.in_place && self.reductions.is_empty() && self.stores.iter().all(adjacent)
    }

    /// True if its results may go around the cache.
    pub(crate) fn may_stream(&self, bindings: &Bindings) -> bool {
        let operand = |pointer: u32| bindings.pointers[pointer as usize].0;
        let to_output = |s: &Store| matches!(operand(self.accesses[s.access as usize].pointer), Operand::Output(_));
        if !cfg!(target_arch = "x86_64") || !self.can_stream() || !self.stores.iter().all(to_output) {
            return false;
        }
        // A stencil reads its input in several places: it waits for its own rows rather than for memory, and was measured to lose.
        let memory = self.accesses.iter().map(|a| operand(a.pointer)).filter(|o| matches!(o, Operand::Input(_) | Operand::Buffer(_)));
        let mut read: SmallVec<[Operand; 8]> = memory.collect();
        read.sort_unstable();
        read.windows(2).all(|pair| pair[0] != pair[1])
    }

    /// The bytes that an access can touch, relative to its address argument, given the values of the size arguments; for
    /// parallel axes that are not empty.
    pub(crate) fn access_range(&self, access: &Access, params: &[i64]) -> AccessRange {
        if access.inside && self.reduced.iter().any(|extent| params[*extent as usize] <= 0) {
            return AccessRange::Nothing;
        }
        let mut low = access.displacement as i64;
        let mut high = low + access.dtype.size() as i64;
        let picked = access.picked.iter().map(|p| (&p.extent, &p.stride));
        for (&extent, &stride) in self.parallel.iter().chain(&self.reduced).zip(&access.strides).chain(picked) {
            let step = match stride {
                // Also where a reduced axis is empty: what does not move along it may be loaded before the reduction.
                Stride::Zero => continue,
                Stride::Param(p) => params[p as usize],
                known => known.bytes(access.dtype.size()).expect("no parameter"),
            };
            let n = params[extent as usize];
            if n <= 0 {
                return AccessRange::Nothing;
            }
            let Some(reach) = (n - 1).checked_mul(step) else { return AccessRange::Overflow };
            let end = if reach < 0 { &mut low } else { &mut high };
            match end.checked_add(reach) {
                Some(e) => *end = e,
                None => return AccessRange::Overflow,
            }
        }
        AccessRange::Bytes(low, high)
    }
}

/// See [`LoopNest::access_range`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccessRange {
    /// No index reaches it.
    Nothing,
    /// From the first to past the last.
    Bytes(i64, i64),
    /// More than an address can say.
    Overflow,
}
