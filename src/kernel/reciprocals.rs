//! Divisions by what is the same for many elements, for backends that have something shorter.

use super::body::Body;
use super::{Depth, Inst, LoopNest, ValueId};
use crate::dtype::{DType, Scalar};
use crate::math::{self, Emit, Eval};
use crate::ops::BinaryOp;

/// The nest with a [`Inst::Quotient`] for each division of values of these types in its vectors by one that is known outside of their loop, where
/// the reciprocal is computed; `None` if there is none. A division by a constant whose reciprocal is exact is a product.
pub(crate) fn with_reciprocals(nest: &LoopNest, types: &[DType]) -> Option<LoopNest> {
    let divisor = |k: usize| match nest.insts[k] {
        Inst::Binary(BinaryOp::Div, _, y) if types.contains(&nest.types[k]) => {
            let depth = nest.depths[k];
            (nest.in_lanes(depth) && depth != Depth::After && nest.depths[y.index()] < depth).then_some(y)
        }
        _ => None,
    };
    if !(0..nest.insts.len()).any(|k| divisor(k).is_some()) {
        return None;
    }
    Some(nest.rebuilt(|body, k, inst| {
        let (Some(y), Inst::Binary(_, x, divided_by)) = (divisor(k), inst) else { return body.add(inst, nest.types[k]) };
        match nest.insts[y.index()] {
            Inst::Const(c) => by_constant(body, x, divided_by, c),
            _ => {
                let r = math::quotient::reciprocal(body, divided_by);
                body.add(Inst::Quotient(x, divided_by, r), nest.types[k])
            }
        }
    }))
}

fn by_constant(body: &mut Body, x: ValueId, y: ValueId, c: Scalar) -> ValueId {
    let d = c.dtype();
    let r = math::quotient::reciprocal(&mut Eval, c);
    let back = Eval.binary(BinaryOp::Div, Scalar::F64(1.0).cast(d), r);
    let is_power_of_two = c.bits() & ((1 << if d == DType::F32 { 23 } else { 52 }) - 1) == 0;
    if r.to_f64().is_nan() {
        return body.binary(BinaryOp::Div, x, y);
    }
    let r = body.constant(r);
    if is_power_of_two && back == c { body.binary(BinaryOp::Mul, x, r) } else { body.add(Inst::Quotient(x, y, r), d) }
}
