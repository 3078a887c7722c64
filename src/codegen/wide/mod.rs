//! A code generator for vectors of 256 and 512 bits on x86-64: AVX2 with FMA, or AVX-512.
//!
//! It takes the same loop nests as Cranelift and gives the same bits. What it declines, Cranelift does.
//!
//! - `nest`: arguments, outer axes and their addresses; `loops`: the axis of a vector.
//! - `reduce`: reductions; `tree`: the defined order along the vector's axis, and `rows`: of several short rows; `columns`: along another, and
//!   `panels`: many columns of some rows at a time.
//! - `select`, with `masks`, `convert` and `memory`: from the body's instructions to machine instructions over virtual registers.
//! - `quotient`: divisions by what many elements share.
//! - `spaced`: loads of elements a few elements apart.
//! - `table`: which instruction does what.
//! - `regs`: a linear scan over a straight line of instructions. Constants stay in memory unless registers are left.
//! - `asm`: bytes, by `iced-x86`.

mod asm;
mod columns;
mod convert;
mod loops;
mod machine;
mod masks;
mod memory;
mod nest;
mod panels;
mod quotient;
mod rare;
mod reduce;
mod regs;
mod rows;
mod select;
mod spaced;
mod table;
mod tree;

pub(super) use machine::Isa;

use crate::kernel::LoopNest;
use asm::Assembled;

impl Isa {
    /// True if this CPU has it.
    pub fn is_available(self) -> bool {
        let has = |all: &[bool]| all.iter().all(|x| *x);
        match self {
            Isa::Avx2 => has(&[is_x86_feature_detected!("avx2"), is_x86_feature_detected!("fma"), is_x86_feature_detected!("f16c")]),
            Isa::Avx512 => {
                Isa::Avx2.is_available()
                    && has(&[
                        is_x86_feature_detected!("avx512f"),
                        is_x86_feature_detected!("avx512bw"),
                        is_x86_feature_detected!("avx512dq"),
                        is_x86_feature_detected!("avx512vl"),
                        is_x86_feature_detected!("bmi2"),
                    ])
            }
        }
    }
}

impl Isa {
    /// True if one instruction picks any bytes of a register.
    fn permutes_bytes(self) -> bool {
        self == Isa::Avx512 && is_x86_feature_detected!("avx512vbmi")
    }
}

/// The code of a verified nest, and its text if `listing`; `None` if this backend does not do such nests.
pub(super) fn compile(nest: &LoopNest, isa: Isa, listing: bool) -> Option<Assembled> {
    let divided = crate::kernel::with_reciprocals(nest, isa.shares_reciprocals());
    nest::generate(divided.as_ref().unwrap_or(nest), isa, listing).ok()
}
