//! The rules of the loop IR. Codegen relies on them without checking again.
//!
//! 1. Operands come before users; types follow the op table.
//! 2. No instruction that `math` expands is left. Halves are loaded, stored, selected and taken for their bits; `f16` and `f32` are
//!    converted.
//! 3. A value is at least as deep as its operands; a load is as deep as the axes it moves along; reductions' operands are
//!    not after the reductions; stored values may be anywhere.
//! 4. Every access has one stride per axis; every parameter, address and access named exists; stores do not move along
//!    reduced axes.
//! 5. Lanes run along an axis that exists.
//! 6. An access whose address is taken for an index has elements of one byte.
//! 7. A store goes through a picked axis if it has a position, an `i64` or a mask, and not otherwise; then every element is computed
//!    once, and what is applied gives the type back and is not expanded.

use super::{Depth, Inst, Lanes, LoopNest, Stride};
use crate::dtype::DType;
use crate::ops::BinaryOp;

/// Checks the rules above.
pub(crate) fn verify(nest: &LoopNest) -> Result<(), String> {
    let axes = nest.parallel.len() + nest.reduced.len();
    let ensure = |ok: bool, what: String| if ok { Ok(()) } else { Err(format!("loop nest: {what}")) };
    let param = |p: u32| p < nest.params;
    let named = |p: super::Picked| param(p.extent) && !matches!(p.stride, Stride::Param(s) if !param(s));
    for (k, a) in nest.accesses.iter().enumerate() {
        ensure(a.strides.len() == axes && a.pointer < nest.pointers, format!("access {k} has the wrong rank or address (rule 4)"))?;
        for s in &a.strides {
            ensure(!matches!(s, Stride::Param(p) if *p >= nest.params), format!("access {k} names no parameter (rule 4)"))?;
        }
    }
    ensure(nest.parallel.iter().chain(&nest.reduced).all(|p| *p < nest.params), "an extent names no parameter (rule 4)".into())?;
    ensure(nest.types.len() == nest.insts.len() && nest.depths.len() == nest.insts.len(), "a value without type or depth".into())?;
    for (k, inst) in nest.insts.iter().enumerate() {
        let (ty, depth) = (nest.types[k], nest.depths[k]);
        let operands = inst.operands();
        ensure(operands.iter().all(|o| o.index() < k), format!("v{k} uses a later value (rule 1)"))?;
        ensure(operands.iter().all(|o| nest.depths[o.index()] <= depth), format!("v{k} is outside an operand (rule 3)"))?;
        let of = |n: usize| nest.types[operands[n].index()];
        let typed = match *inst {
            Inst::Load(a) => {
                (a as usize) < nest.accesses.len()
                    && nest.accesses[a as usize].picked.is_empty()
                    && nest.accesses[a as usize].dtype == ty
                    && depth >= nest.accesses[a as usize].depth(nest.rank())
            }
            Inst::LoadAt(a, offset) => {
                let access = nest.accesses.get(a as usize).filter(|a| a.dtype == ty && depth >= a.depth(nest.rank()));
                access.is_some_and(|access| !access.picked.is_empty() && nest.picks(a, offset) == Some(access.picked.len()))
            }
            Inst::Pick(a, before, position) => {
                let at = before.map_or(Some(0), |before| nest.picks(a, before));
                let picked = nest.accesses.get(a as usize).zip(at).and_then(|(access, at)| access.picked.get(at));
                ty == DType::I64 && nest.types[position.index()] == DType::I64 && picked.is_some_and(|p| named(*p))
            }
            Inst::Index(a) => {
                nest.accesses.get(a as usize).is_some_and(|a| a.dtype == DType::U8 && depth >= a.depth(nest.rank())) && ty == DType::I64
            }
            Inst::Const(s) => s.dtype() == ty,
            Inst::Param(p) => p < nest.params && ty == DType::I64,
            Inst::Unary(..) | Inst::Binary(..) if of(0).is_half() => false,
            Inst::Unary(op, _) => op.result(of(0)) == Some(ty) && !op.is_expanded(of(0).class()),
            Inst::Binary(op, ..) => of(0) == of(1) && op.result(of(0)) == Some(ty) && !op.is_expanded(of(0).class()),
            Inst::Fma(..) | Inst::Quotient(..) => ty.is_float() && !ty.is_half() && (0..3).all(|n| of(n) == ty),
            Inst::Select(..) => of(0) == DType::Bool && of(1) == ty && of(2) == ty,
            Inst::Cast(_) if of(0).is_half() || ty.is_half() => {
                matches!((of(0), ty), (DType::F16, DType::F32) | (DType::F32, DType::F16))
            }
            Inst::Rarely(..) => of(0) == DType::Bool && [of(1), of(2)] == [ty; 2] && matches!(ty, DType::F32 | DType::F64),
            Inst::Cast(_) => of(0) != ty && !(of(0).is_float() && matches!(ty, DType::U32 | DType::U64)),
            Inst::Bitcast(_) => of(0).size() == ty.size() && of(0) != DType::Bool && ty != DType::Bool,
            Inst::ShiftRightLogical(_, n) => ty.is_int() && of(0) == ty && (n as usize) < 8 * ty.size(),
            Inst::Reduced(r) => match nest.reductions.get(r as usize) {
                Some(r) => r.op.result(nest.types[r.value.index()]) == Some(ty) && depth == Depth::After,
                None => false,
            },
        };
        ensure(typed, format!("v{k} = {inst:?} is ill typed or misplaced (rules 1 to 4)"))?;
    }
    for r in &nest.reductions {
        ensure(nest.depths[r.value.index()] <= Depth::Reduced, "a reduction of its own result (rule 3)".into())?;
        ensure(!nest.types[r.value.index()].is_half(), "a reduction of halves (rule 2)".into())?;
    }
    let scatters = |s: &super::Store, a: &super::Access| match s.scatter {
        Some(super::Scattered { position, op }) => {
            let gives_back = |op: BinaryOp| !a.dtype.is_half() && op.result(a.dtype) == Some(a.dtype) && !op.is_expanded(a.dtype.class());
            let typed = match position {
                super::Position::At(v) => nest.types[v.index()] == DType::I64,
                super::Position::Next(v) => nest.types[v.index()] == DType::Bool && op.is_none(),
            };
            a.picked.len() == 1 && nest.in_place && typed && op.is_none_or(gives_back)
        }
        None => a.picked.is_empty(),
    };
    for s in &nest.stores {
        let a = &nest.accesses[s.access as usize];
        ensure(a.dtype == nest.types[s.value.index()] && !a.swapped, "a store of another type (rule 4)".into())?;
        ensure(a.picked.iter().all(|p| named(*p)) && scatters(s, a), "a store to a position that is none (rule 7)".into())?;
        ensure(
            a.strides[nest.parallel.len()..].iter().all(|s| *s == Stride::Zero),
            "a store that moves along a reduced axis (rule 4)".into(),
        )?;
    }
    let lanes = match nest.lanes {
        Lanes::Scalar => true,
        Lanes::Parallel(n) => !nest.parallel.is_empty() && n.is_power_of_two() && n >= 2 && !nest.keeps_positions(),
        Lanes::Reduced => !nest.reduced.is_empty() && !nest.reductions.is_empty() && !nest.keeps_positions(),
    };
    ensure(lanes, "lanes along an axis that is not there (rule 5)".into())
}
