//! Bytes and operations of one loop nest, as formulas.

use crate::compile::CompiledStep;
use crate::kernel::{Depth, Inst, Operand};
use crate::size::Size;

/// How many times something at this depth happens.
fn times(step: &CompiledStep, depth: Depth) -> Size {
    let (nest, params) = (&step.nest, &step.bindings.params);
    let product = |extents: &[u32]| extents.iter().fold(Size::ONE, |n, p| n.mul(&params[*p as usize]));
    match depth {
        Depth::Parallel(d) => product(&nest.parallel[..d as usize]),
        Depth::Reduced => product(&nest.parallel).mul(&product(&nest.reduced)),
        Depth::After => product(&nest.parallel),
    }
}

/// Where indices are done in pairs, the body has both of a pair, and runs for half of them (and for the few on the diagonal).
fn per_pair(step: &CompiledStep, total: Size) -> Size {
    if step.bindings.pairs.is_some() { total.div(&Size::from(2i64)) } else { total }
}

/// The floating-point operations of one run of the nest.
pub(super) fn flops(step: &CompiledStep) -> Size {
    let places = step.work.places().iter().filter(|at| at.flops > 0);
    let total = places.fold(Size::ZERO, |sum, at| sum.add(&times(step, at.depth).scale(at.flops)));
    per_pair(step, total)
}

/// Each memory that the nest loads from, with the bytes; accesses of one memory that move alike are counted once.
pub(super) fn reads(step: &CompiledStep) -> Vec<(Operand, Size)> {
    let (nest, params, pointers) = (&step.nest, &step.bindings.params, &step.bindings.pointers);
    let add = |out: &mut Vec<(Operand, Size)>, operand: Operand, bytes: Size| match out.iter_mut().find(|(o, _)| *o == operand) {
        Some((_, sum)) => *sum = sum.add(&bytes),
        None => out.push((operand, bytes)),
    };
    let mut seen = hashbrown::HashSet::new();
    let mut out: Vec<(Operand, Size)> = Vec::new();
    for (inst, moved) in nest.insts.iter().zip(&nest.moved_by()) {
        let (Inst::Load(k) | Inst::LoadAt(k, _)) = inst else { continue };
        let access = &nest.accesses[*k as usize];
        let operand = pointers[access.pointer as usize].0;
        // Index arithmetic reads nothing.
        if operand == Operand::Index {
            continue;
        }
        let at = if let Inst::LoadAt(_, at) = inst { Some(at) } else { None };
        if !seen.insert((operand, &access.strides, at)) {
            continue;
        }
        let loops = nest.parallel.iter().chain(&nest.reduced).zip(moved).filter(|(_, moved)| **moved);
        let bytes = loops.fold(Size::from(access.dtype.size()), |n, (p, _)| n.mul(&params[*p as usize]));
        add(&mut out, operand, bytes);
    }
    // What is applied to an element reads it.
    for s in nest.stores.iter().filter(|s| s.scatter.is_some_and(|s| s.op.is_some())) {
        let access = &nest.accesses[s.access as usize];
        let bytes = times(step, Depth::After).scale(access.dtype.size() as i64);
        add(&mut out, pointers[access.pointer as usize].0, bytes);
    }
    out.into_iter().map(|(operand, bytes)| (operand, per_pair(step, bytes))).collect()
}
