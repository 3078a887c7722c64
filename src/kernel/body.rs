//! The body under construction: hash-consed instructions, with math functions expanded as they arrive.

use hashbrown::HashMap;

use super::lower::depths;
use super::{Inst, LoopNest, Position, Reduction, Scattered, Store, ValueId};
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

impl LoopNest {
    /// The same nest with another body: `f` adds what stands for an instruction, whose number and whose form over the new values it is given.
    pub(super) fn rebuilt(&self, mut f: impl FnMut(&mut Body, usize, Inst) -> ValueId) -> LoopNest {
        let mut body = Body::default();
        let mut values: Vec<ValueId> = Vec::with_capacity(self.insts.len());
        for (k, inst) in self.insts.iter().enumerate() {
            let value = f(&mut body, k, inst.map(|a| a, |v| values[v.index()]));
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
        let depths = depths(&body, &self.accesses, self.rank());
        LoopNest {
            depths,
            insts: body.insts,
            types: body.types,
            reductions: self.reductions.iter().map(|r| Reduction { value: at(r.value), ..*r }).collect(),
            stores: self.stores.iter().map(|s| Store { value: at(s.value), scatter: s.scatter.map(moved), ..*s }).collect(),
            ..self.clone()
        }
    }
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
    ///
    /// On halves it is computed in `f32` and rounded; what changes their sign alone needs only their bits.
    pub fn unary_op(&mut self, op: UnaryOp, x: ValueId) -> ValueId {
        let dtype = self.dtype(x);
        if dtype.is_half() {
            let on_bits = match op {
                UnaryOp::Neg => Some((BinaryOp::Xor, 0x8000)),
                UnaryOp::Abs => Some((BinaryOp::And, 0x7fff)),
                _ => None,
            };
            if let Some((op, mask)) = on_bits {
                let (bits, mask) = (self.bitcast(x, DType::U16), self.constant(Scalar::U16(mask)));
                let result = self.binary(op, bits, mask);
                return self.bitcast(result, dtype);
            }
            let wide = self.cast(x, DType::F32);
            let result = self.unary_op(op, wide);
            return self.rounded(result, dtype);
        }
        match expansion1(op).filter(|_| op.is_expanded(self.dtype(x).class())) {
            Some(f) => math::expand1(self, f, x),
            None => self.unary(op, x),
        }
    }

    /// Any row of the op table, expanded if it is to be; on halves computed in `f32` and rounded.
    pub fn binary_op(&mut self, op: BinaryOp, x: ValueId, y: ValueId) -> ValueId {
        let dtype = self.dtype(x);
        if dtype.is_half() {
            let (x, y) = (self.cast(x, DType::F32), self.cast(y, DType::F32));
            let result = self.binary_op(op, x, y);
            return self.rounded(result, dtype);
        }
        // Of what has no NaN they are one operation.
        let op = match op {
            BinaryOp::Fmax if !self.dtype(x).is_float() => BinaryOp::Max,
            BinaryOp::Fmin if !self.dtype(x).is_float() => BinaryOp::Min,
            op => op,
        };
        match expansion2(op).filter(|_| op.is_expanded(self.dtype(x).class())) {
            Some(f) => math::expand2(self, f, x, y),
            None => self.binary(op, x, y),
        }
    }

    /// An `f32` as this half; a value of another type as it is.
    fn rounded(&mut self, x: ValueId, half: DType) -> ValueId {
        if self.dtype(x) == DType::F32 { self.cast(x, half) } else { x }
    }

    /// A number as a half, rounded once.
    fn cast_to_half(&mut self, x: ValueId, half: DType) -> ValueId {
        let x = match (self.dtype(x), half) {
            (DType::F32, DType::F16) => return self.add(Inst::Cast(x), half),
            (DType::F32, _) => return math::half::f32_to_bf16(self, x),
            (DType::F64, _) => math::half::f64_to_odd_f32(self, x),
            // Of 32 bits more than an `f32` has digits for, but then they are beyond all `f16`.
            (DType::I32 | DType::U32, DType::BF16) => self.cast(x, DType::F64),
            // The same, by way of a conversion that AVX2 has.
            (DType::I64 | DType::U64, DType::F16) => {
                let x = self.cast(x, DType::F64);
                self.cast(x, DType::F32)
            }
            (DType::I64 | DType::U64, DType::BF16) => {
                let x = math::half::long_for_bf16(self, x);
                self.cast(x, DType::F64)
            }
            _ => self.cast(x, DType::F32),
        };
        self.cast_to_half(x, half)
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
        { $($class:ident |$x:ident| $e:expr => $($low:ident)::+),+ $(,)? } $(~ $Fast:ident [$($T:ident),+])? )*) => {
        #[allow(unreachable_code)]
        fn expansion1(op: UnaryOp) -> Option<Function1> {
            match op { $( UnaryOp::$Op => { $( expansion!(Function1, $($low)::+); )+ None } $( UnaryOp::$Fast => Some(Function1::$Fast), )? )* }
        }
    };
}
macro_rules! define_expansion2 {
    ($( $(#[$doc:meta])* $Op:ident $name:literal [$($alias:literal),*] $res:ident
        { $($class:ident |$x:ident, $y:ident| $e:expr => $($low:ident)::+),+ $(,)? } $(~ $Fast:ident [$($T:ident),+])? )*) => {
        #[allow(unreachable_code)]
        fn expansion2(op: BinaryOp) -> Option<Function2> {
            match op { $( BinaryOp::$Op => { $( expansion!(Function2, $($low)::+); )+ None } $( BinaryOp::$Fast => Some(Function2::$Fast), )? )* }
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
        self.add(Inst::Rarely(f, cond, x, usual), self.dtype(x))
    }
    fn cast(&mut self, x: ValueId, dtype: DType) -> ValueId {
        let from = self.dtype(x);
        match dtype {
            _ if from == dtype => x,
            DType::F32 if from == DType::F16 => self.add(Inst::Cast(x), dtype),
            DType::F32 if from == DType::BF16 => math::half::bf16_to_f32(self, x),
            _ if from.is_half() => {
                let wide = self.cast(x, DType::F32);
                self.cast(wide, dtype)
            }
            DType::F16 | DType::BF16 => self.cast_to_half(x, dtype),
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
