//! Conversions between `f16` and `f32`, for backends that have no instruction for them.

use super::body::Body;
use super::lower::depths;
use super::{Inst, LoopNest, Position, Reduction, Scattered, Store, ValueId};
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
    let mut body = Body::default();
    let mut values: Vec<ValueId> = Vec::with_capacity(nest.insts.len());
    for (k, (inst, dtype)) in nest.insts.iter().zip(&nest.types).enumerate() {
        let value = match *inst {
            Inst::Cast(x) if converts(k) => {
                let x = values[x.index()];
                if *dtype == DType::F32 { half::f16_to_f32(&mut body, x) } else { half::f32_to_f16(&mut body, x) }
            }
            inst => body.add(inst.map(|a| a, |v| values[v.index()]), *dtype),
        };
        values.push(value);
    }
    let at = |v: ValueId| values[v.index()];
    let moved = |s: Scattered| Scattered {
        position: match s.position {
            Position::At(v) => Position::At(at(v)),
            Position::Next(v) => Position::Next(at(v)),
        },
        ..s
    };
    let depths = depths(&body, &nest.accesses, nest.rank());
    Some(LoopNest {
        depths,
        insts: body.insts,
        types: body.types,
        reductions: nest.reductions.iter().map(|r| Reduction { value: at(r.value), ..*r }).collect(),
        stores: nest.stores.iter().map(|s| Store { value: at(s.value), scatter: s.scatter.map(moved), ..*s }).collect(),
        ..nest.clone()
    })
}
