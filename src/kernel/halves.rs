//! Conversions between `f16` and `f32`, for backends that have no instruction for them.

use super::{Inst, LoopNest, ValueId};
use crate::dtype::DType;
use crate::math::half;

/// The nest with these conversions as operations on integers; `None` if it has none.
pub(crate) fn expanded(nest: &LoopNest) -> Option<LoopNest> {
    let ends = |k: usize, x: ValueId| (nest.types[x.index()], nest.types[k]);
    let converts = |k: usize| match nest.insts[k] {
        Inst::Cast(x) => matches!(ends(k, x), (DType::F16, DType::F32) | (DType::F32, DType::F16)),
        _ => false,
    };
    if !(0..nest.insts.len()).any(converts) {
        return None;
    }
    Some(nest.rebuilt(|body, k, inst| match inst {
        Inst::Cast(x) if converts(k) && nest.types[k] == DType::F32 => half::f16_to_f32(body, x),
        Inst::Cast(x) if converts(k) => half::f32_to_f16(body, x),
        inst => body.add(inst, nest.types[k]),
    }))
}
