//! Machine instructions over virtual registers: what selection makes and `regs` gives registers to.

use iced_x86::{Code, Instruction, MemoryOperand, Register};
use smallvec::SmallVec;

use super::asm::Constant;
use crate::dtype::DType;
use crate::math::Rare;

/// The vector instructions that a CPU has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::codegen) enum Isa {
    /// AVX2 and FMA: 16 registers of 32 bytes; masks are vectors.
    Avx2,
    /// AVX-512 F, BW, DQ and VL: 32 registers of 64 bytes; masks have registers of their own.
    Avx512,
}

impl Isa {
    /// Bytes of a vector.
    pub(super) fn width(self) -> usize {
        match self {
            Isa::Avx2 => 32,
            Isa::Avx512 => 64,
        }
    }

    /// How many vector registers there are.
    pub(super) fn registers(self) -> usize {
        match self {
            Isa::Avx2 => 16,
            Isa::Avx512 => 32,
        }
    }

    /// Which of two codes is meant: VEX or EVEX.
    pub(super) fn pick(self, (vex, evex): (Code, Code)) -> Code {
        match self {
            Isa::Avx2 => vex,
            Isa::Avx512 => evex,
        }
    }

    /// A whole vector's register.
    pub(super) fn full(self) -> Width {
        match self {
            Isa::Avx2 => Width::Y,
            Isa::Avx512 => Width::Z,
        }
    }
}

/// How much of a vector register an instruction names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    X,
    Y,
    Z,
}

impl Width {
    /// The narrowest register that holds so many bytes.
    pub fn of(bytes: usize) -> Width {
        match bytes {
            0..=16 => Width::X,
            17..=32 => Width::Y,
            _ => Width::Z,
        }
    }

    pub fn register(self, number: u8) -> Register {
        let first = match self {
            Width::X => Register::XMM0,
            Width::Y => Register::YMM0,
            Width::Z => Register::ZMM0,
        };
        first + number as u32
    }
}

/// Two kinds of registers that are allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Vector,
    /// A mask register of AVX-512.
    Mask,
}

/// A virtual register: assigned once, in one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct V(pub u32);

/// A whole vector in memory that nothing in a loop changes. It may be kept in a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Constant(Constant),
    /// Bytes from the stack pointer.
    Frame(i32),
}

/// An operand of an instruction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand {
    Def(V, Width),
    Use(V, Width),
    Place(Place, Width),
    /// A register that is not allocated, such as an accumulator.
    Fixed(u8, Width),
    Mem(MemoryOperand),
    General(Register),
    Imm(u32),
}

/// The mask under which lanes are written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Under {
    /// Lanes whose bit is clear become 0.
    Zeroing(KMask),
    /// Lanes whose bit is clear keep what the destination held.
    Merging(KMask),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum KMask {
    Virtual(V),
    Fixed(Register),
}

/// `x * y + z` in the form that its operands' registers suggest, or any other instruction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Code(Code),
    /// The codes that compute `o0 = o0 * o2 + o1`, `o1 * o0 + o2` and `o1 * o2 + o0`.
    Fma {
        c132: Code,
        c213: Code,
        c231: Code,
    },
    /// The second operand, which is read here only, is overwritten with the first.
    Over(Code),
    /// The first operand that is read, but the quotient of the second and the third by this code, out of line, of all lanes where one asks for it:
    /// with AVX-512 one that is not set in the fourth, with AVX2 one that is.
    Quotient(Code),
    /// The first operand that is read, but the function of the second, out of line, in lanes where the third is set.
    Rarely(Rare, DType),
}

#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub op: Op,
    pub operands: SmallVec<[Operand; 4]>,
    /// The operand that may be memory instead of a register.
    pub foldable: Option<u8>,
    pub under: Option<Under>,
}

/// One of a block's items in order.
pub(super) enum Item {
    Vector(Machine),
    /// Something on general registers, which are not allocated.
    General(Instruction),
}

/// Straight-line code.
#[derive(Default)]
pub(super) struct Block {
    pub items: Vec<Item>,
    pub classes: Vec<Class>,
}

impl Block {
    pub fn fresh(&mut self, class: Class) -> V {
        self.classes.push(class);
        V(self.classes.len() as u32 - 1)
    }
}
