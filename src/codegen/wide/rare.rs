//! What a few elements need, as a function or an instruction. In line there is a test of the mask and a jump that is not taken; what it jumps to lies
//! behind the nest's code and calls a helper, after which every register is as it was, but for the result.
//!
//! ```text
//! in line:            apart:                               once for each type:
//!   test mask           operand, usual, mask to the frame    save registers
//!   jnz apart           rax = the helper                     call rax
//! back:                 call save                            restore them
//!                       result from the frame                ret
//!                       jmp back
//! ```

use iced_x86::{Code, Instruction, MemoryOperand, Register};

use super::asm::Label;
use super::machine::{Isa, Width};
use super::nest::Generator;
use super::regs::{self, Frame};
use crate::codegen::helpers::rare_helper;
use crate::dtype::DType;
use crate::math::Rare;

/// A place where code jumps out of line.
#[derive(Clone, Copy)]
pub(super) struct Site {
    pub apart: Label,
    pub back: Label,
    /// The register of the usual value, which becomes that of the result.
    pub result: u8,
    pub what: Apart,
}

/// What is done out of line.
#[derive(Clone, Copy)]
pub(super) enum Apart {
    Function {
        function: Rare,
        /// `f64` or `f32`.
        dtype: DType,
        operand: u8,
        /// A mask register of AVX-512, or a vector.
        mask: u8,
    },
    /// One instruction, which writes the result.
    Instruction(Instruction),
}

/// General registers that a function of the C convention may change. `rax` is saved at each place, since it says what to call.
const CHANGED: [Register; 8] =
    [Register::RCX, Register::RDX, Register::RSI, Register::RDI, Register::R8, Register::R9, Register::R10, Register::R11];

/// Where in the frame things are while a helper runs.
struct Room {
    operand: i32,
    result: i32,
    mask: i32,
    rax: i32,
    general: i32,
    masks: i32,
    vectors: i32,
}

impl Generator<'_> {
    /// The code out of line, after that of the nest.
    pub fn rare(&mut self) {
        let sites = std::mem::take(&mut self.asm.sites);
        for site in &sites {
            if let Apart::Instruction(instruction) = site.what {
                self.asm.bind(site.apart);
                self.asm.emit(instruction);
                self.asm.jump(Code::Jmp_rel32_64, site.back);
            }
        }
        let calls = |of: DType| sites.iter().any(|s| matches!(s.what, Apart::Function { dtype, .. } if dtype == of));
        if !calls(DType::F64) && !calls(DType::F32) {
            return;
        }
        let isa = self.shape.isa;
        let room = Room {
            operand: self.frame.reserve(64, 64),
            result: self.frame.reserve(64, 64),
            mask: self.frame.reserve(64, 64),
            rax: self.frame.reserve(8, 8),
            general: self.frame.reserve(8 * CHANGED.len(), 8),
            masks: self.frame.reserve(8 * 8, 8),
            vectors: self.frame.reserve(64 * isa.registers(), 64),
        };
        let save = [DType::F64, DType::F32].map(|dtype| (dtype, self.asm.label()));
        for site in &sites {
            let Apart::Function { function, dtype, operand, mask } = site.what else { continue };
            self.asm.bind(site.apart);
            let class = if isa == Isa::Avx512 { 1 } else { 0 };
            self.asm.emit(regs::store_whole(isa, 0, Frame::at(room.operand), operand));
            self.asm.emit(regs::store_whole(isa, 0, Frame::at(room.result), site.result));
            self.asm.emit(regs::store_whole(isa, class, Frame::at(room.mask), mask));
            self.store_word(Frame::at(room.rax), Register::RAX);
            self.emit(Instruction::with2(Code::Mov_r64_imm64, Register::RAX, rare_helper(function, dtype).address() as u64));
            for (_, save) in save.iter().filter(|(of, _)| *of == dtype) {
                self.asm.jump(Code::Call_rel32_64, *save);
            }
            self.load_word(Register::RAX, Frame::at(room.rax));
            self.asm.emit(regs::load_whole(isa, 0, site.result, Frame::at(room.result)));
            self.asm.jump(Code::Jmp_rel32_64, site.back);
        }
        for (dtype, save) in save.into_iter().filter(|(dtype, _)| calls(*dtype)) {
            self.asm.bind(save);
            self.call_saved(&room, dtype);
        }
    }

    /// Calls what `rax` says, a function of elements of this type, with every register saved. The frame is aligned; the return address and 8 bytes more lie below it.
    fn call_saved(&mut self, room: &Room, dtype: DType) {
        let isa = self.shape.isa;
        let at = |offset: i32| Frame::at(offset + 16);
        self.emit(Instruction::with2(Code::Sub_rm64_imm8, Register::RSP, 8));
        for (k, r) in CHANGED.into_iter().enumerate() {
            self.store_word(at(room.general + 8 * k as i32), r);
        }
        for k in 0..isa.registers() {
            self.asm.emit(regs::store_whole(isa, 0, at(room.vectors + 64 * k as i32), k as u8));
        }
        if isa == Isa::Avx512 {
            for k in 0..8 {
                self.asm.emit(regs::store_whole(isa, 1, at(room.masks + 8 * k), k as u8));
            }
            self.load_word(Register::RDX, at(room.mask));
        } else {
            self.asm.emit(regs::load_whole(isa, 0, 0, at(room.mask)));
            let code = if dtype == DType::F32 { Code::VEX_Vmovmskps_r64_ymm } else { Code::VEX_Vmovmskpd_r64_ymm };
            self.emit(Instruction::with2(code, Register::RDX, Width::Y.register(0)));
        }
        let bits = (1 << (if isa == Isa::Avx512 { 64 } else { 32 } / dtype.size())) - 1;
        self.emit(Instruction::with2(Code::And_rm64_imm32, Register::RDX, bits));
        let address = |offset: i32| MemoryOperand::with_base_displ(Register::RSP, (offset + 16) as i64);
        self.emit(Instruction::with2(Code::Lea_r64_m, Register::RDI, address(room.operand)));
        self.emit(Instruction::with2(Code::Lea_r64_m, Register::RSI, address(room.result)));
        // Functions compiled without AVX are slow where upper halves are not zero.
        self.asm.emit(Instruction::with(Code::VEX_Vzeroupper));
        self.emit(Instruction::with1(Code::Call_rm64, Register::RAX));
        for k in 0..isa.registers() {
            self.asm.emit(regs::load_whole(isa, 0, k as u8, at(room.vectors + 64 * k as i32)));
        }
        if isa == Isa::Avx512 {
            for k in 0..8 {
                self.asm.emit(regs::load_whole(isa, 1, k as u8, at(room.masks + 8 * k)));
            }
        }
        for (k, r) in CHANGED.into_iter().enumerate() {
            self.load_word(r, at(room.general + 8 * k as i32));
        }
        self.emit(Instruction::with2(Code::Add_rm64_imm8, Register::RSP, 8));
        self.asm.emit(Instruction::with(Code::Retnq));
    }
}
