//! Instructions to bytes: labels, jumps, and a pool of constants behind the code, read relative to the instruction pointer.

use hashbrown::HashMap;
use iced_x86::{Code, Encoder, Instruction, MemoryOperand, Register};

use super::rare::Site;

/// A place in the code.
#[derive(Clone, Copy)]
pub(super) struct Label(usize);

/// A constant of one vector's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Constant(u32);

/// Code under construction. Nothing in it depends on where it will lie.
pub(super) struct Assembler {
    encoder: Encoder,
    at: usize,
    labels: Vec<Option<usize>>,
    /// Where a 32-bit distance to a label stands.
    jumps: Vec<(usize, Label)>,
    /// Bytes of one constant.
    width: usize,
    constants: Vec<Vec<u8>>,
    numbers: HashMap<Vec<u8>, Constant>,
    /// Where a 32-bit distance to a constant stands, and the end of its instruction.
    reads: Vec<(usize, usize, Constant)>,
    /// Where the code so far jumps out of line.
    pub sites: Vec<Site>,
    /// True if some instruction has operands that no encoding has.
    broken: bool,
    /// Where instructions begin, and they themselves, if a listing is wanted.
    listing: Option<Vec<(usize, Instruction, Option<Label>)>>,
}

/// Finished code.
pub(in crate::codegen) struct Assembled {
    pub bytes: Vec<u8>,
    /// Where to jump to.
    pub entry: usize,
    /// Its instructions as text; empty unless wanted.
    pub text: String,
}

/// What a memory operand gives as its base to be taken for a constant; no code here uses this register.
const POOL: Register = Register::RIP;

impl Assembler {
    pub fn new(width: usize, listing: bool) -> Assembler {
        Assembler {
            encoder: Encoder::new(64),
            at: 0,
            labels: Vec::new(),
            jumps: Vec::new(),
            width,
            constants: Vec::new(),
            numbers: HashMap::new(),
            reads: Vec::new(),
            sites: Vec::new(),
            broken: false,
            listing: listing.then(Vec::new),
        }
    }

    /// The constant of these bytes, repeated to a vector's width.
    pub fn constant(&mut self, pattern: &[u8]) -> Constant {
        let bytes: Vec<u8> = pattern.iter().copied().cycle().take(self.width).collect();
        let constants = &mut self.constants;
        *self.numbers.entry(bytes).or_insert_with_key(|bytes| {
            constants.push(bytes.clone());
            Constant(constants.len() as u32 - 1)
        })
    }

    /// The memory operand that reads a constant.
    pub fn read(constant: Constant) -> MemoryOperand {
        MemoryOperand::new(POOL, Register::None, 1, constant.0 as i64, 8, false, Register::None)
    }

    pub fn emit(&mut self, instruction: Instruction) {
        let Ok(length) = self.encoder.encode(&instruction, self.at as u64) else {
            self.broken = true;
            return;
        };
        let end = self.at + length;
        if instruction.memory_base() == POOL {
            let offset = self.encoder.get_constant_offsets().displacement_offset();
            self.reads.push((self.at + offset, end, Constant(instruction.memory_displacement64() as u32)));
        }
        if let Some(listing) = &mut self.listing {
            listing.push((self.at, instruction, None));
        }
        self.at = end;
    }

    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    pub fn bind(&mut self, label: Label) {
        self.labels[label.0] = Some(self.at);
    }

    /// The next instruction begins where the processor fetches.
    pub fn align(&mut self) {
        while !self.at.is_multiple_of(32) {
            let far = match 32 - self.at % 32 {
                1 | 2 => None,
                3..=6 => Some(MemoryOperand::with_base(Register::RAX)),
                // An address of four bytes makes it long, and it is decoded at once.
                _ => Some(MemoryOperand::with_base_displ_size(Register::RAX, 0, 8)),
            };
            let nop = far.map_or(Ok(Instruction::with(Code::Nopd)), |at| Instruction::with1(Code::Nop_rm32, at));
            self.emit(nop.expect("an instruction that does nothing"));
        }
    }

    pub fn jump(&mut self, code: Code, to: Label) {
        let far = Instruction::with_branch(code, self.at as u64 + 0x1000).expect("a branch");
        self.emit(far);
        self.jumps.push((self.at - 4, to));
        if let Some((.., target)) = self.listing.as_mut().and_then(|l| l.last_mut()) {
            *target = Some(to);
        }
    }

    /// Fills in all distances; the entry is at `entry`. `None` if something could not be encoded, which is for Cranelift to do then.
    pub fn finish(mut self, entry: Label) -> Option<Assembled> {
        if self.broken {
            return None;
        }
        let mut bytes = self.encoder.take_buffer();
        let target = |label: Label| self.labels[label.0].expect("every label is bound");
        for &(at, label) in &self.jumps {
            let distance = target(label) as i64 - (at as i64 + 4);
            bytes[at..at + 4].copy_from_slice(&(distance as i32).to_le_bytes());
        }
        let pool = bytes.len().next_multiple_of(self.width.max(64));
        for &(at, end, constant) in &self.reads {
            let distance = (pool + constant.0 as usize * self.width) as i64 - end as i64;
            bytes[at..at + 4].copy_from_slice(&(distance as i32).to_le_bytes());
        }
        let text = self.text();
        bytes.resize(pool, 0xcc);
        bytes.extend(self.constants.iter().flatten());
        Some(Assembled { bytes, entry: target(entry), text })
    }

    fn text(&self) -> String {
        use iced_x86::FastFormatter;
        let Some(listing) = &self.listing else { return String::new() };
        let mut text = String::new();
        let mut formatter = FastFormatter::new();
        formatter.options_mut().set_space_after_operand_separator(true);
        let mut line = String::new();
        for (at, instruction, target) in listing {
            if self.labels.contains(&Some(*at)) {
                text.push_str(&format!("L{at:x}:\n"));
            }
            line.clear();
            let mut instruction = *instruction;
            if instruction.memory_base() == POOL {
                instruction.set_memory_displacement64(instruction.memory_displacement64() * self.width as u64);
            }
            if let Some(target) = target {
                instruction.set_near_branch64(self.labels[target.0].unwrap_or(0) as u64);
            }
            formatter.format(&instruction, &mut line);
            text.push_str(&format!("  {line}\n"));
        }
        for (k, constant) in self.constants.iter().enumerate() {
            let bytes: Vec<String> = constant[..16].iter().map(|b| format!("{b:02x}")).collect();
            text.push_str(&format!("; constant {:x}: {} ...\n", k * self.width, bytes.join(" ")));
        }
        text
    }
}
