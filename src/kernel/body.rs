//! The body under construction: hash-consed instructions, with math functions expanded as they arrive.

use hashbrown::HashMap;

use super::{Inst, ValueId};
use crate::dtype::{DType, Scalar};
use crate::math::{self, Emit, Function1, Function2, Rare};
use crate::ops::{BinaryOp, UnaryOp, for_each_binary, for_each_unary};

/// Collects instructions; equal ones are one value.
#[derive(Default)]
pub(crate) struct Body {
    pub insts: Vec<Inst>,
    pub types: Vec<DType>,
    cons: HashMap<(Inst, DType), ValueId>,
}

impl Body {
    pub fn add(&mut self, inst: Inst, dtype: DType) -> ValueId {
        let next = ValueId::new(self.insts.len());
        let id = *self.cons.entry((inst, dtype)).or_insert(next);
        if id == next {
            self.insts.push(inst);
            self.types.push(dtype);
        }
        id
    }

    /// Any row of the op table, expanded if it is to be.
    pub fn unary_op(&mut self, op: UnaryOp, x: ValueId) -> ValueId {
        match expansion1(op).filter(|_| op.is_expanded(self.dtype(x).class())) {
            Some(f) => math::expand1(self, f, x),
            None => self.unary(op, x),
        }
    }

    /// Any row of the op table, expanded if it is to be.
    pub fn binary_op(&mut self, op: BinaryOp, x: ValueId, y: ValueId) -> ValueId {
        match expansion2(op).filter(|_| op.is_expanded(self.dtype(x).class())) {
            Some(f) => math::expand2(self, f, x, y),
            None => self.binary(op, x, y),
        }
    }
}

macro_rules! expansion {
    ($Function:ident, expand::$f:ident) => {
        return Some($Function::$f)
    };
    ($Function:ident, $($low:ident)::+) => {};
}
macro_rules! define_expansion1 {
    ($( $(#[$doc:meta])* $Op:ident $name:literal [$($alias:literal),*] $res:ident
        { $($class:ident |$x:ident| $e:expr => $($low:ident)::+),+ $(,)? } )*) => {
        #[allow(unreachable_code)]
        fn expansion1(op: UnaryOp) -> Option<Function1> {
            match op { $( UnaryOp::$Op => { $( expansion!(Function1, $($low)::+); )+ None } )* }
        }
    };
}
macro_rules! define_expansion2 {
    ($( $(#[$doc:meta])* $Op:ident $name:literal [$($alias:literal),*] $res:ident
        { $($class:ident |$x:ident, $y:ident| $e:expr => $($low:ident)::+),+ $(,)? } )*) => {
        #[allow(unreachable_code)]
        fn expansion2(op: BinaryOp) -> Option<Function2> {
            match op { $( BinaryOp::$Op => { $( expansion!(Function2, $($low)::+); )+ None } )* }
        }
    };
}
for_each_unary!(define_expansion1);
for_each_binary!(define_expansion2);

impl Emit for Body {
    type Value = ValueId;

    fn constant(&mut self, value: Scalar) -> ValueId {
        self.add(Inst::Const(value), value.dtype())
    }
    fn unary(&mut self, op: UnaryOp, x: ValueId) -> ValueId {
        let dtype = op.result(self.dtype(x)).expect("the graph's types were verified");
        self.add(Inst::Unary(op, x), dtype)
    }
    fn binary(&mut self, op: BinaryOp, x: ValueId, y: ValueId) -> ValueId {
        let dtype = op.result(self.dtype(x)).expect("the graph's types were verified");
        self.add(Inst::Binary(op, x, y), dtype)
    }
    fn fma(&mut self, x: ValueId, y: ValueId, z: ValueId) -> ValueId {
        self.add(Inst::Fma(x, y, z), self.dtype(x))
    }
    fn select(&mut self, cond: ValueId, x: ValueId, y: ValueId) -> ValueId {
        self.add(Inst::Select(cond, x, y), self.dtype(x))
    }
    fn rarely(&mut self, f: Rare, cond: ValueId, x: ValueId, usual: ValueId) -> ValueId {
        self.add(Inst::Rarely(f, cond, x, usual), DType::F64)
    }
    fn cast(&mut self, x: ValueId, dtype: DType) -> ValueId {
        let from = self.dtype(x);
        match dtype {
            _ if from == dtype => x,
            // By way of `i64`, here for all backends.
            DType::U32 | DType::U64 if from.is_float() => {
                let wide = if dtype == DType::U64 { math::float_to_u64_bits(self, x) } else { self.add(Inst::Cast(x), DType::I64) };
                self.add(Inst::Cast(wide), dtype)
            }
            _ => self.add(Inst::Cast(x), dtype),
        }
    }
    fn bitcast(&mut self, x: ValueId, dtype: DType) -> ValueId {
        self.add(Inst::Bitcast(x), dtype)
    }
    fn shift_right_logical(&mut self, x: ValueId, count: u32) -> ValueId {
        self.add(Inst::ShiftRightLogical(x, count as u8), self.dtype(x))
    }
    fn dtype(&self, x: ValueId) -> DType {
        self.types[x.index()]
    }
}
