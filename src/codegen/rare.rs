//! Functions that a few elements need: code goes on in line, and a block apart calls a helper where a lane asks for it.

use cranelift_codegen::ir::{InstBuilder, StackSlotData, StackSlotKind, Value, types};

use super::emit::Emitter;
use super::helpers::rare_helper;
use super::lanes::{Group, Lane, scalar_type};
use crate::dtype::DType;
use crate::math::Rare;

impl Emitter<'_> {
    /// `usual`, but `f` of `x` where the condition holds, of one element.
    pub(super) fn rarely_scalar(&mut self, f: Rare, dtype: DType, cond: Value, x: Value, usual: Value) -> Value {
        let (apart, next) = (self.b.create_block(), self.b.create_block());
        let ty = scalar_type(dtype);
        let result = self.b.append_block_param(next, ty);
        self.b.set_cold_block(apart);
        self.b.ins().brif(cond, apart, &[], next, &[usual.into()]);
        self.b.switch_to_block(apart);
        let (operand, place) = (self.room(dtype.size()), self.room(dtype.size()));
        self.b.ins().store(super::lanes::mem(), x, operand, 0);
        let first = self.b.ins().iconst(types::I64, 1);
        self.call(rare_helper(f, dtype), None, types::I64, &[operand, place, first]);
        let y = self.b.ins().load(ty, super::lanes::mem(), place, 0);
        self.b.ins().jump(next, &[y.into()]);
        self.b.switch_to_block(next);
        result
    }

    /// `usual`, but `f` of `x` in the lanes where the condition holds.
    pub(super) fn rarely_group(&mut self, f: Rare, dtype: DType, cond: &Group, x: &Group, usual: &Group, vf: usize) -> Group {
        let cond = self.mask_as(cond, dtype.size(), vf);
        let any = cond.regs.iter().copied().reduce(|any, r| self.b.ins().bor(any, r)).expect("a group has registers");
        let any = self.b.ins().vhigh_bits(types::I32, any);
        let (apart, next) = (self.b.create_block(), self.b.create_block());
        let lane = Lane::Of(dtype);
        let regs = usual.regs.iter().map(|_| self.b.append_block_param(next, lane.vector())).collect();
        self.b.set_cold_block(apart);
        let usually: Vec<_> = usual.regs.iter().map(|r| (*r).into()).collect();
        self.b.ins().brif(any, apart, &[], next, &usually);
        self.b.switch_to_block(apart);
        let mut lanes = self.b.ins().iconst(types::I64, 0);
        for (k, r) in cond.regs.iter().enumerate() {
            let bits = self.b.ins().vhigh_bits(types::I64, *r);
            let bits = self.b.ins().ishl_imm_u(bits, (16 / dtype.size() * k) as i64);
            lanes = self.b.ins().bor(lanes, bits);
        }
        let (operands, results) = (self.room(dtype.size() * vf), self.room(dtype.size() * vf));
        self.spill(x, operands, 0);
        self.spill(usual, results, 0);
        self.call(rare_helper(f, dtype), None, types::I64, &[operands, results, lanes]);
        let apart: Vec<_> = self.unspill(lane, vf, results, 0).regs.iter().map(|r| (*r).into()).collect();
        self.b.ins().jump(next, &apart);
        self.b.switch_to_block(next);
        Group { regs, lane }
    }

    /// The address of so many bytes of the stack, or 16 if those are more.
    fn room(&mut self, bytes: usize) -> Value {
        let slot = self.b.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, bytes.max(16) as u32, 4));
        self.b.ins().stack_addr(types::I64, slot, 0)
    }
}
