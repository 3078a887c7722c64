//! Which constants stay in registers.
//!
//! A constant read from memory at every use costs a load, of which a CPU does two a cycle; one kept in a register costs a
//! register, of which there are 16. So constants with the most uses get what registers the body leaves.

use super::emit::vector_lanes;
use super::lanes::registers;
use crate::dtype::DType;
use crate::kernel::{Inst, LoopNest, ValueId};

/// Vector registers, less one for what address arithmetic and blends need in passing.
const REGISTERS: usize = 15;

/// The constants to keep in registers during vector code, most used first.
pub(super) fn resident_constants(nest: &LoopNest) -> Vec<ValueId> {
    let Some(vf) = vector_lanes(nest) else { return Vec::new() };
    let is_const = |v: ValueId| matches!(nest.insts[v.index()], Inst::Const(_));
    let width = |k: usize| match nest.types[k] {
        // A mask is as wide as what was compared.
        DType::Bool => nest.insts[k].operands().iter().map(|o| nest.types[o.index()].size()).max().unwrap_or(1),
        d => d.size(),
    };
    let count = nest.insts.len();
    let mut last_use = vec![0; count];
    let mut uses = vec![0usize; count];
    for k in 0..count {
        if nest.in_lanes(nest.depths[k]) {
            for o in nest.insts[k].operands() {
                last_use[o.index()] = k;
                uses[o.index()] += registers(vf, width(k));
            }
        }
    }
    let stored = nest.stores.iter().flat_map(|s| [Some(s.value), s.scatter.map(|s| s.position.value())]).flatten();
    for v in stored.chain(nest.reductions.iter().map(|r| r.value)) {
        last_use[v.index()] = count;
    }
    // What comes from outside the vector code, and the accumulators, take registers all the time.
    let outside = (0..count).filter(|&k| uses[k] > 0 && !nest.in_lanes(nest.depths[k]) && !is_const(ValueId::new(k))).count();
    let accumulators: usize = nest.reductions.iter().map(|r| registers(vf, nest.types[r.value.index()].size())).sum();
    let mut dying = vec![0usize; count + 1];
    let (mut live, mut most) = (outside + accumulators, 0);
    for k in 0..count {
        if nest.in_lanes(nest.depths[k]) && !is_const(ValueId::new(k)) {
            let own = registers(vf, width(k));
            live += own;
            dying[last_use[k].max(k)] += own;
        }
        most = most.max(live);
        live -= dying[k];
    }
    let mut constants: Vec<ValueId> = (0..count).map(ValueId::new).filter(|v| is_const(*v) && uses[v.index()] > 0).collect();
    constants.sort_by_key(|v| std::cmp::Reverse(uses[v.index()]));
    constants.truncate(REGISTERS.saturating_sub(most));
    constants
}
