//! The op table's lowering column, and the operations that are not one CLIF instruction.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{AbiParam, InstBuilder, Signature, Type, Value, types};

use super::emit::Emitter;
use super::helpers::Helper;
use super::lanes::{Group, Lane, Regs, int_vector, mem, scalar_type};
use crate::dtype::{Class, DType, Scalar, class};
use crate::ops::{BinaryOp, UnaryOp, for_each_binary, for_each_unary};

/// One register or scalar: what an element-wise lowering works on.
#[derive(Clone, Copy)]
pub(super) struct Ty {
    pub dtype: DType,
    pub vector: bool,
}

/// Emits the lowering column: a CLIF instruction, or a routine below.
macro_rules! lower {
    ($e:expr, $t:expr, expand::$f:ident, $($x:ident),+) => {
        expanded()
    };
    ($e:expr, $t:expr, custom::$f:ident, $($x:ident),+) => {
        $e.$f($t, $($x),+)
    };
    ($e:expr, $t:expr, $f:ident, $($x:ident),+) => {
        $e.b.ins().$f($($x),+)
    };
}

/// In place of a lowering for the operations that `math` expands while loop nests are made.
fn expanded() -> Value {
    unreachable!("expanded before code generation")
}

macro_rules! define_unary {
    ($( $(#[$doc:meta])* $Op:ident $name:literal [$($alias:literal),*] $res:ident
        { $($class:ident |$x:ident| $e:expr => $($low:ident)::+),+ $(,)? } $(~ $Fast:ident [$($T:ident),+])? )*) => {
        fn unary_register(&mut self, op: UnaryOp, t: Ty, v: Value) -> Value {
            match op { $( UnaryOp::$Op => { $( if t.dtype.class() == class!($class) { return lower!(self, t, $($low)::+, v); } )+ } $( UnaryOp::$Fast => return expanded(), )? )* }
            unreachable!("the loop nest was verified")
        }
    };
}
macro_rules! define_binary {
    ($( $(#[$doc:meta])* $Op:ident $name:literal [$($alias:literal),*] $res:ident
        { $($class:ident |$x:ident, $y:ident| $e:expr => $($low:ident)::+),+ $(,)? } $(~ $Fast:ident [$($T:ident),+])? )*) => {
        fn binary_register(&mut self, op: BinaryOp, t: Ty, v: Value, w: Value) -> Value {
            match op { $( BinaryOp::$Op => { $( if t.dtype.class() == class!($class) { return lower!(self, t, $($low)::+, v, w); } )+ } $( BinaryOp::$Fast => return expanded(), )? )* }
            unreachable!("the loop nest was verified")
        }
    };
}

/// Operations that no vector instruction does: they run lane by lane.
fn is_lanewise(op: BinaryOp, d: DType) -> bool {
    match op {
        BinaryOp::FloorDiv | BinaryOp::Rem | BinaryOp::Fmod | BinaryOp::Pow | BinaryOp::Shl | BinaryOp::Shr => true,
        // A fixed number of steps would be two for each bit, of six instructions each: more code than a nest may have.
        BinaryOp::Gcd | BinaryOp::Lcm => true,
        BinaryOp::Mul => d.size() == 1,
        _ => false,
    }
}

impl Emitter<'_> {
    for_each_unary!(define_unary);
    for_each_binary!(define_binary);

    pub(super) fn unary_scalar(&mut self, op: UnaryOp, dtype: DType, x: Value) -> Value {
        self.unary_register(op, Ty { dtype, vector: false }, x)
    }

    pub(super) fn binary_scalar(&mut self, op: BinaryOp, dtype: DType, x: Value, y: Value) -> Value {
        self.binary_register(op, Ty { dtype, vector: false }, x, y)
    }

    pub(super) fn unary_group(&mut self, op: UnaryOp, dtype: DType, x: &Group) -> Group {
        let regs = x.regs.iter().map(|r| self.unary_register(op, Ty { dtype, vector: true }, *r)).collect();
        let lane = if op.result(dtype) == Some(DType::Bool) { Lane::Mask(x.lane.size() as u8) } else { x.lane };
        Group { regs, lane }
    }

    /// `shift` is the second operand where it is a constant: shifts by a constant are vector instructions.
    pub(super) fn binary_group(&mut self, op: BinaryOp, dtype: DType, x: &Group, y: &Group, shift: Option<Scalar>, vf: usize) -> Group {
        if let (BinaryOp::Shl | BinaryOp::Shr, Some(count)) = (op, shift) {
            return self.shift_by_constant(op, dtype, x, count);
        }
        if is_lanewise(op, dtype) {
            let lanes: Vec<Value> = (0..vf)
                .map(|k| {
                    let (x, y) = (self.extract(x, k), self.extract(y, k));
                    self.binary_scalar(op, dtype, x, y)
                })
                .collect();
            return self.gather(dtype, &lanes);
        }
        let (x, y) = if dtype == DType::Bool { self.same_width(x, y, vf) } else { (x.clone(), y.clone()) };
        let regs: Regs = x.regs.iter().zip(&y.regs).map(|(a, b)| self.binary_register(op, Ty { dtype, vector: true }, *a, *b)).collect();
        let lane = if op.is_comparison() { Lane::Mask(x.lane.size() as u8) } else { x.lane };
        Group { regs, lane }
    }

    /// Two masks with lanes of one width, the wider of the two: widening is cheaper than narrowing.
    fn same_width(&mut self, x: &Group, y: &Group, vf: usize) -> (Group, Group) {
        let size = x.lane.size().max(y.lane.size());
        (self.mask_as(x, size, vf), self.mask_as(y, size, vf))
    }

    pub(super) fn select_group(&mut self, c: &Group, x: &Group, y: &Group, vf: usize) -> Group {
        let (x, y) = if let Lane::Mask(_) = x.lane { self.same_width(x, y, vf) } else { (x.clone(), y.clone()) };
        let c = self.mask_as(c, x.lane.size(), vf);
        let ty = x.lane.vector();
        let regs = c
            .regs
            .iter()
            .zip(x.regs.iter().zip(&y.regs))
            .map(|(c, (x, y))| {
                let c = self.bitcast(ty, *c);
                self.b.ins().bitselect(c, *x, *y)
            })
            .collect();
        Group { regs, lane: x.lane }
    }

    fn shift_by_constant(&mut self, op: BinaryOp, dtype: DType, x: &Group, count: Scalar) -> Group {
        let bits = 8 * dtype.size() as i64;
        let n = count.to_int();
        let in_range = (0..i128::from(bits)).contains(&n);
        let n = n as i64;
        if op == BinaryOp::Shl && !in_range || op == BinaryOp::Shr && !in_range && !dtype.is_signed() {
            let zero = self.zero(x.lane.vector());
            return Group { regs: x.regs.iter().map(|_| zero).collect(), lane: x.lane };
        }
        let n = self.b.ins().iconst(types::I32, if in_range { n } else { bits - 1 });
        let regs = x.regs.iter().map(|r| match op {
            BinaryOp::Shl => self.b.ins().ishl(*r, n),
            _ if dtype.is_signed() => self.b.ins().sshr(*r, n),
            _ => self.b.ins().ushr(*r, n),
        });
        Group { regs: regs.collect(), lane: x.lane }
    }

    // Routines that the op table names. Each works on a scalar or on one register.

    fn int_abs(&mut self, t: Ty, x: Value) -> Value {
        if t.dtype.is_signed() { self.b.ins().iabs(x) } else { x }
    }

    fn bool_not(&mut self, t: Ty, x: Value) -> Value {
        if t.vector { self.b.ins().bnot(x) } else { self.b.ins().bxor_imm_u(x, 1) }
    }

    fn is_nan(&mut self, _: Ty, x: Value) -> Value {
        self.b.ins().fcmp(FloatCC::Unordered, x, x)
    }

    fn int_mul(&mut self, _: Ty, x: Value, y: Value) -> Value {
        self.b.ins().imul(x, y)
    }

    fn int_min(&mut self, t: Ty, x: Value, y: Value) -> Value {
        if !t.vector {
            let less = self.compare(t, BinaryOp::Lt, x, y);
            return self.b.ins().select(less, x, y);
        }
        if t.dtype.is_signed() { self.b.ins().smin(x, y) } else { self.b.ins().umin(x, y) }
    }

    fn int_max(&mut self, t: Ty, x: Value, y: Value) -> Value {
        if !t.vector {
            let more = self.compare(t, BinaryOp::Gt, x, y);
            return self.b.ins().select(more, x, y);
        }
        if t.dtype.is_signed() { self.b.ins().smax(x, y) } else { self.b.ins().umax(x, y) }
    }

    fn float_min(&mut self, t: Ty, x: Value, y: Value) -> Value {
        self.float_extreme(t, FloatCC::LessThan, x, y)
    }

    fn float_max(&mut self, t: Ty, x: Value, y: Value) -> Value {
        self.float_extreme(t, FloatCC::GreaterThan, x, y)
    }

    /// x if x is before y or NaN, else y (which may be NaN): a comparison with a blend is one `minpd`, which alone would
    /// lose a NaN in x.
    fn float_extreme(&mut self, t: Ty, before: FloatCC, x: Value, y: Value) -> Value {
        let less = self.b.ins().fcmp(before, x, y);
        let nan = self.b.ins().fcmp(FloatCC::Unordered, x, x);
        if !t.vector {
            let z = self.b.ins().select(less, x, y);
            return self.b.ins().select(nan, x, z);
        }
        let ty = self.b.func.dfg.value_type(x);
        let (less, nan) = (self.bitcast(ty, less), self.bitcast(ty, nan));
        let z = self.b.ins().bitselect(less, x, y);
        self.b.ins().bitselect(nan, x, z)
    }

    fn eq(&mut self, t: Ty, x: Value, y: Value) -> Value {
        self.compare(t, BinaryOp::Eq, x, y)
    }
    fn ne(&mut self, t: Ty, x: Value, y: Value) -> Value {
        self.compare(t, BinaryOp::Ne, x, y)
    }
    fn lt(&mut self, t: Ty, x: Value, y: Value) -> Value {
        self.compare(t, BinaryOp::Lt, x, y)
    }
    fn le(&mut self, t: Ty, x: Value, y: Value) -> Value {
        self.compare(t, BinaryOp::Le, x, y)
    }
    fn gt(&mut self, t: Ty, x: Value, y: Value) -> Value {
        self.compare(t, BinaryOp::Gt, x, y)
    }
    fn ge(&mut self, t: Ty, x: Value, y: Value) -> Value {
        self.compare(t, BinaryOp::Ge, x, y)
    }

    fn compare(&mut self, t: Ty, op: BinaryOp, x: Value, y: Value) -> Value {
        use BinaryOp::*;
        match t.dtype.class() {
            Class::Float => {
                let cc = match op {
                    Eq => FloatCC::Equal,
                    Ne => FloatCC::NotEqual,
                    Lt => FloatCC::LessThan,
                    Le => FloatCC::LessThanOrEqual,
                    Gt => FloatCC::GreaterThan,
                    _ => FloatCC::GreaterThanOrEqual,
                };
                self.b.ins().fcmp(cc, x, y)
            }
            // Masks: true is -1, so the order of signed integers is turned around.
            Class::Bool if t.vector => match op {
                Eq => {
                    let d = self.b.ins().bxor(x, y);
                    self.b.ins().bnot(d)
                }
                Ne => self.b.ins().bxor(x, y),
                Lt => self.b.ins().band_not(y, x),
                Gt => self.b.ins().band_not(x, y),
                Le => {
                    let gt = self.b.ins().band_not(x, y);
                    self.b.ins().bnot(gt)
                }
                _ => {
                    let lt = self.b.ins().band_not(y, x);
                    self.b.ins().bnot(lt)
                }
            },
            _ => {
                let cc = match op {
                    Eq => IntCC::Equal,
                    Ne => IntCC::NotEqual,
                    Lt => IntCC::SignedLessThan,
                    Le => IntCC::SignedLessThanOrEqual,
                    Gt => IntCC::SignedGreaterThan,
                    _ => IntCC::SignedGreaterThanOrEqual,
                };
                let cc = if t.dtype.is_signed() { cc } else { cc.unsigned() };
                self.b.ins().icmp(cc, x, y)
            }
        }
    }

    // Scalars only from here on: these run lane by lane.

    fn shl(&mut self, t: Ty, x: Value, y: Value) -> Value {
        let (ok, count) = self.shift_count(t, y);
        let z = self.b.ins().ishl(x, count);
        let zero = self.b.ins().iconst(scalar_type(t.dtype), 0);
        self.b.ins().select(ok, z, zero)
    }

    fn shr(&mut self, t: Ty, x: Value, y: Value) -> Value {
        let (ok, count) = self.shift_count(t, y);
        if t.dtype.is_signed() {
            let most = self.b.ins().iconst(scalar_type(t.dtype), 8 * t.dtype.size() as i64 - 1);
            let count = self.b.ins().select(ok, count, most);
            return self.b.ins().sshr(x, count);
        }
        let z = self.b.ins().ushr(x, count);
        let zero = self.b.ins().iconst(scalar_type(t.dtype), 0);
        self.b.ins().select(ok, z, zero)
    }

    /// Whether a shift count is inside the width, negative ones not; CLIF itself takes counts modulo the width.
    fn shift_count(&mut self, t: Ty, y: Value) -> (Value, Value) {
        let ok = self.b.ins().icmp_imm_u(IntCC::UnsignedLessThan, y, 8 * t.dtype.size() as i64);
        (ok, y)
    }

    /// A divisor that can trap neither by being 0 nor as -1 under the least value, and whether it was 0 or -1.
    ///
    /// `x / -1` is `-x`, which wraps as it should; so both cases divide by 1 instead and are mended after.
    fn guarded(&mut self, t: Ty, y: Value) -> (Value, Value, Option<Value>) {
        let zero = self.b.ins().icmp_imm_s(IntCC::Equal, y, 0);
        let minus = t.dtype.is_signed().then(|| self.b.ins().icmp_imm_s(IntCC::Equal, y, -1));
        let bad = minus.map_or(zero, |m| self.b.ins().bor(zero, m));
        let one = self.b.ins().iconst(scalar_type(t.dtype), 1);
        (self.b.ins().select(bad, one, y), zero, minus)
    }

    fn int_floor_div(&mut self, t: Ty, x: Value, y: Value) -> Value {
        let (d, zero, minus) = self.guarded(t, y);
        let nothing = self.b.ins().iconst(scalar_type(t.dtype), 0);
        let Some(minus) = minus else {
            let q = self.b.ins().udiv(x, d);
            return self.b.ins().select(zero, nothing, q);
        };
        let q = self.b.ins().sdiv(x, d);
        let product = self.b.ins().imul(q, d);
        let r = self.b.ins().isub(x, product);
        // Round down: one less where a remainder is left and the signs differ.
        let left = self.b.ins().icmp_imm_s(IntCC::NotEqual, r, 0);
        let signs = self.b.ins().bxor(r, d);
        let differ = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, signs, 0);
        let down = self.b.ins().band(left, differ);
        let less = self.b.ins().iadd_imm_s(q, -1);
        let q = self.b.ins().select(down, less, q);
        let negated = self.b.ins().ineg(x);
        let q = self.b.ins().select(minus, negated, q);
        self.b.ins().select(zero, nothing, q)
    }

    fn int_rem(&mut self, t: Ty, x: Value, y: Value) -> Value {
        let r = self.int_fmod(t, x, y);
        if !t.dtype.is_signed() {
            return r;
        }
        // The divisor's sign: add it where a remainder is left and the signs differ.
        let left = self.b.ins().icmp_imm_s(IntCC::NotEqual, r, 0);
        let signs = self.b.ins().bxor(r, y);
        let differ = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, signs, 0);
        let mend = self.b.ins().band(left, differ);
        let sum = self.b.ins().iadd(r, y);
        self.b.ins().select(mend, sum, r)
    }

    fn int_fmod(&mut self, t: Ty, x: Value, y: Value) -> Value {
        // Dividing by 1 instead of 0 or -1 leaves 0, which is the answer for both.
        let (d, ..) = self.guarded(t, y);
        if t.dtype.is_signed() { self.b.ins().srem(x, d) } else { self.b.ins().urem(x, d) }
    }

    fn int_pow(&mut self, t: Ty, x: Value, y: Value) -> Value {
        let helper = if t.dtype.is_signed() { super::helpers::int_pow_helper() } else { super::helpers::unsigned_pow_helper() };
        self.call_with_wide(helper, t, x, y)
    }

    fn int_gcd(&mut self, t: Ty, x: Value, y: Value) -> Value {
        self.call_with_wide(super::helpers::gcd_helper(t.dtype.is_signed()), t, x, y)
    }

    fn int_lcm(&mut self, t: Ty, x: Value, y: Value) -> Value {
        self.call_with_wide(super::helpers::lcm_helper(t.dtype.is_signed()), t, x, y)
    }

    /// The lower bits of what a helper makes of two integers, widened to 64 bits.
    fn call_with_wide(&mut self, helper: Helper, t: Ty, x: Value, y: Value) -> Value {
        let ty = scalar_type(t.dtype);
        let wide = |e: &mut Self, v: Value| match t.dtype {
            d if d.size() == 8 => v,
            d if d.is_signed() => e.b.ins().sextend(types::I64, v),
            _ => e.b.ins().uextend(types::I64, v),
        };
        let (x, y) = (wide(self, x), wide(self, y));
        let z = self.call_for_value(helper, types::I64, &[x, y]);
        if ty == types::I64 { z } else { self.b.ins().ireduce(ty, z) }
    }

    fn float_fmod(&mut self, t: Ty, x: Value, y: Value) -> Value {
        let helper = if t.dtype == DType::F32 { super::helpers::fmod_f32_helper() } else { super::helpers::fmod_f64_helper() };
        self.call_for_value(helper, scalar_type(t.dtype), &[x, y])
    }

    /// A call of a helper whose operands are all of type `ty`.
    pub(super) fn call(&mut self, helper: Helper, result: Option<Type>, ty: Type, args: &[Value]) -> Option<Value> {
        let mut sig = Signature::new(self.call_conv);
        sig.params = args.iter().map(|_| AbiParam::new(ty)).collect();
        sig.returns = result.into_iter().map(AbiParam::new).collect();
        let sig = self.b.import_signature(sig);
        // From the table, so that the code is the same wherever the helper is.
        let offset = self.table.offset(Scalar::I64(helper.address() as i64));
        let address = self.b.ins().load(types::I64, mem().with_readonly(), self.table_base, offset);
        let call = self.b.ins().call_indirect(sig, address, args);
        self.b.inst_results(call).first().copied()
    }

    /// A call of a helper whose operands and result are all of type `ty`.
    fn call_for_value(&mut self, helper: Helper, ty: Type, args: &[Value]) -> Value {
        self.call(helper, Some(ty), ty, args).expect("declared with a result")
    }

    /// One element converted to another type; see `Scalar::cast` for the meaning.
    pub(super) fn cast_scalar(&mut self, v: Value, from: DType, to: DType) -> Value {
        let ty = scalar_type(to);
        match (from.class(), to.class()) {
            (Class::Bool | Class::Int, Class::Float) => {
                let v = match (from.size(), from.is_signed()) {
                    (4 | 8, true) => v,
                    (8, false) => return self.b.ins().fcvt_from_uint(ty, v),
                    (4, false) => self.b.ins().uextend(types::I64, v),
                    (_, true) => self.b.ins().sextend(types::I32, v),
                    (_, false) => self.b.ins().uextend(types::I32, v),
                };
                self.b.ins().fcvt_from_sint(ty, v)
            }
            (Class::Float, Class::Float) if to == DType::F64 => self.b.ins().fpromote(ty, v),
            (Class::Float, Class::Float) => self.b.ins().fdemote(ty, v),
            (Class::Float, Class::Bool) => {
                let zero = self.scalar_const(Scalar::zero(from));
                self.b.ins().fcmp(FloatCC::NotEqual, v, zero)
            }
            (Class::Float, Class::Int) => {
                // Those to `u32` and `u64` are made of those to `i64` when the nest is made.
                let (int, limit) = if to == DType::I64 { (types::I64, 9223372036854775808.0) } else { (types::I32, 2147483648.0) };
                let converted = self.b.ins().fcvt_to_sint_sat(int, v);
                let limit = self.scalar_const(Scalar::F64(limit).cast(from));
                // Saturation gives the least value for what is below it; above it, and for NaN, the comparison does.
                let fits = self.b.ins().fcmp(FloatCC::LessThan, v, limit);
                let least = self.b.ins().iconst(int, if int == types::I64 { i64::MIN } else { i32::MIN as i64 });
                let converted = self.b.ins().select(fits, converted, least);
                if ty == int { converted } else { self.b.ins().ireduce(ty, converted) }
            }
            (Class::Int, Class::Bool) => self.b.ins().icmp_imm_s(IntCC::NotEqual, v, 0),
            (Class::Bool | Class::Int, _) if from.size() < to.size() => {
                if from.is_signed() {
                    self.b.ins().sextend(ty, v)
                } else {
                    self.b.ins().uextend(ty, v)
                }
            }
            (Class::Bool | Class::Int, _) if from.size() > to.size() => self.b.ins().ireduce(ty, v),
            _ => v,
        }
    }

    pub(super) fn shift_right_logical_group(&mut self, x: &Group, count: u8) -> Group {
        let n = self.b.ins().iconst(types::I32, count as i64);
        Group { regs: x.regs.iter().map(|r| self.b.ins().ushr(*r, n)).collect(), lane: x.lane }
    }

    pub(super) fn bitcast_group(&mut self, x: &Group, to: DType) -> Group {
        let ty = Lane::Of(to).vector();
        debug_assert_eq!(int_vector(to.size()).bits(), ty.bits());
        Group { regs: x.regs.iter().map(|r| self.bitcast(ty, *r)).collect(), lane: Lane::Of(to) }
    }
}
