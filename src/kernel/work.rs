//! How much a loop nest computes, counted once; sizes make times of it.

use smallvec::SmallVec;

use super::{Depth, Inst, Lanes, LoopNest, Stride};
use crate::dtype::DType;
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};

/// What a nest computes each time that it comes to a place of its loops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct At {
    pub depth: Depth,
    /// Floating-point operations: additions, subtractions, products, quotients, roots, minima, maxima and roundings are one each, a fused
    /// multiply-add is two.
    pub flops: i64,
    /// Bytes of elements that simple instructions compute in lanes: so many bytes of a vector are one instruction.
    lane_bytes: f64,
    /// Instructions that no vector shares: those outside of vectors, and divisions and the like, which take as long for each element of a
    /// vector as alone.
    single: f64,
}

/// The work of a nest, by place.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Work {
    at: SmallVec<[At; 4]>,
}

/// The work of a nest with sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Amount {
    /// Vector instructions, or as many as take the time of what is computed.
    pub instructions: f64,
    pub flops: f64,
}

impl std::ops::Add for Amount {
    type Output = Amount;
    fn add(self, other: Amount) -> Amount {
        Amount { instructions: self.instructions + other.instructions, flops: self.flops + other.flops }
    }
}

fn unary_flops(op: UnaryOp) -> i64 {
    match op {
        UnaryOp::Sqrt | UnaryOp::Floor | UnaryOp::Ceil | UnaryOp::Trunc | UnaryOp::Rint => 1,
        _ => 0,
    }
}

fn binary_flops(op: BinaryOp) -> i64 {
    use BinaryOp::*;
    match op {
        And | Or | Xor | Shl | Shr | Eq | Ne | Lt | Le | Gt | Ge => 0,
        _ => 1,
    }
}

/// Instructions for each element, beside others of its vector or alone; two simple ones take a cycle. By what they cost on Intel's cores
/// since Skylake-X (uops.info); others are alike within a factor of two.
enum Cost {
    /// A number of simple instructions for a vector.
    Lanes(f64),
    /// For each element of a vector.
    Each(f64),
}

fn cost(nest: &LoopNest, k: usize) -> Cost {
    use Cost::{Each, Lanes};
    let dtype = nest.types[k];
    match &nest.insts[k] {
        Inst::Const(_) | Inst::Param(_) | Inst::Reduced(_) | Inst::Bitcast(_) | Inst::Index(_) => Lanes(0.0),
        // Two loads a cycle, beside two other instructions.
        Inst::Load(a) => match along(nest, *a) {
            Stride::Param(_) => Each(2.5),
            Stride::Spaced(n) => Lanes(f64::from(n)),
            Stride::Unit | Stride::Zero => Lanes(0.0),
        },
        Inst::LoadAt(..) => Each(2.5),
        Inst::Pick(..) => Lanes(8.0),
        Inst::Fma(..) | Inst::Select(..) | Inst::ShiftRightLogical(..) => Lanes(1.0),
        Inst::Cast(_) => Lanes(2.0),
        Inst::Rarely(..) => Lanes(2.0),
        Inst::Unary(UnaryOp::Sqrt, _) => Each(if dtype == DType::F64 { 6.0 } else { 2.4 }),
        Inst::Unary(..) => Lanes(1.0),
        // From a reciprocal.
        Inst::Quotient(..) => Lanes(10.0),
        Inst::Binary(BinaryOp::Div, _, y)
            if dtype.is_float() && nest.in_lanes(nest.depths[k]) && nest.depths[y.index()] < nest.depths[k] =>
        {
            Lanes(10.0)
        }
        Inst::Binary(op, x, _) => match (op, nest.types[x.index()]) {
            (BinaryOp::Div, DType::F64) => Each(4.0),
            (BinaryOp::Div, d) if d.is_float() => Each(1.25),
            (BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Rem, _) => Each(10.0),
            // Functions of single elements.
            (BinaryOp::Fmod | BinaryOp::Pow | BinaryOp::Gcd | BinaryOp::Lcm, _) => Each(60.0),
            (BinaryOp::Mul, DType::I64 | DType::U64) => Lanes(3.0),
            _ => Lanes(1.0),
        },
    }
}

/// The stride of an access along the lanes of a vector.
fn along(nest: &LoopNest, access: u32) -> Stride {
    let axis = match nest.lanes {
        Lanes::Scalar => None,
        Lanes::Parallel(_) => nest.rank().checked_sub(1),
        Lanes::Reduced => (nest.rank() + nest.reduced.len()).checked_sub(1),
    };
    axis.map_or(Stride::Unit, |axis| nest.accesses[access as usize].strides[axis])
}

impl Work {
    /// Counts what a nest computes.
    pub fn of(nest: &LoopNest) -> Work {
        let mut work = Work::default();
        for (k, inst) in nest.insts.iter().enumerate() {
            let flops = match inst {
                _ if !nest.types[k].is_float() => 0,
                Inst::Unary(op, _) => unary_flops(*op),
                Inst::Binary(op, ..) => binary_flops(*op),
                Inst::Fma(..) => 2,
                Inst::Quotient(..) => 1,
                _ => 0,
            };
            // A mask is computed in the lanes of what is compared.
            let size = match nest.types[k] {
                DType::Bool => inst.operands().iter().map(|o| nest.types[o.index()].size()).max().unwrap_or(1),
                d => d.size(),
            };
            work.add(nest, nest.depths[k], flops, cost(nest, k), size);
        }
        for r in &nest.reductions {
            let arithmetic = matches!(r.op, ReduceOp::Sum | ReduceOp::Prod | ReduceOp::Min | ReduceOp::Max);
            let dtype = nest.types[r.value.index()];
            work.add(nest, Depth::Reduced, i64::from(arithmetic && dtype.is_float()), Cost::Lanes(1.0), dtype.size());
        }
        for s in &nest.stores {
            let dtype = nest.types[s.value.index()];
            let depth = if nest.reduced.is_empty() { Depth::Parallel(nest.rank() as u8) } else { Depth::After };
            match s.scatter {
                None => work.add(nest, depth, 0, Cost::Lanes(1.0), dtype.size()),
                Some(s) => {
                    let flops = s.op.filter(|_| dtype.is_float()).map_or(0, binary_flops);
                    work.add(nest, Depth::After, flops, Cost::Each(8.0), dtype.size());
                }
            }
        }
        work
    }

    fn add(&mut self, nest: &LoopNest, depth: Depth, flops: i64, cost: Cost, size: usize) {
        let (lane_bytes, single) = match cost {
            Cost::Lanes(n) if nest.in_lanes(depth) => (n * size as f64, 0.0),
            Cost::Lanes(n) | Cost::Each(n) => (0.0, n),
        };
        if flops == 0 && lane_bytes == 0.0 && single == 0.0 {
            return;
        }
        match self.at.iter_mut().find(|at| at.depth == depth) {
            Some(at) => {
                *at = At { depth, flops: at.flops + flops, lane_bytes: at.lane_bytes + lane_bytes, single: at.single + single };
            }
            None => self.at.push(At { depth, flops, lane_bytes, single }),
        }
    }

    /// The places where something is computed.
    pub fn places(&self) -> &[At] {
        &self.at
    }

    /// All of it, with the sizes of a call, in vectors of so many bytes. Where indices are done in pairs, the body is of both of a pair.
    pub fn amount(&self, nest: &LoopNest, params: &[i64], vector_bytes: usize, in_pairs: bool) -> Amount {
        let product = |extents: &[u32]| extents.iter().map(|p| params[*p as usize] as f64).product::<f64>();
        let mut total = Amount::default();
        for at in &self.at {
            let times = match at.depth {
                Depth::Parallel(d) => product(&nest.parallel[..d as usize]),
                Depth::Reduced => product(&nest.parallel) * product(&nest.reduced),
                Depth::After => product(&nest.parallel),
            };
            total.instructions += times * (at.lane_bytes / vector_bytes as f64 + at.single);
            total.flops += times * at.flops as f64;
        }
        // What goes around the innermost loop: addresses, the last elements under a mask, the lanes of a reduction.
        let inner = nest.reduced.last().or(nest.parallel.last()).map_or(1.0, |p| params[*p as usize] as f64);
        let rows = product(&nest.parallel) * product(&nest.reduced) / inner.max(1.0);
        total.instructions += rows * PER_ROW;
        if in_pairs { Amount { instructions: total.instructions / 2.0, flops: total.flops / 2.0 } } else { total }
    }
}

/// Instructions around an innermost loop.
const PER_ROW: f64 = 20.0;
