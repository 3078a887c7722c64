//! Refuses CLIF that could trap: nothing that users can put into an array may stop the program.

use cranelift_codegen::ir::{Function, InstructionData, Opcode, Value, ValueDef};

/// Checks a finished function.
pub(super) fn lint(func: &Function) -> Result<(), String> {
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            let data = &func.dfg.insts[inst];
            let refuse = |why: &str| Err(format!("{}: {why}", func.dfg.display_inst(inst)));
            match data.opcode() {
                Opcode::Sdiv | Opcode::Udiv | Opcode::Srem | Opcode::Urem => {
                    // The divisor must come from the select that puts 1 in the place of 0 and -1.
                    let divisor = func.dfg.inst_args(inst)[1];
                    let guarded = match func.dfg.value_def(func.dfg.resolve_aliases(divisor)) {
                        ValueDef::Result(def, _) => {
                            func.dfg.insts[def].opcode() == Opcode::Select && is_one(func, func.dfg.inst_args(def)[1])
                        }
                        _ => false,
                    };
                    if !guarded {
                        return refuse("division by a divisor that may be 0");
                    }
                }
                Opcode::FcvtToSint | Opcode::FcvtToUint => return refuse("conversion that traps out of range"),
                Opcode::Trap | Opcode::Trapz | Opcode::Trapnz => return refuse("a trap"),
                Opcode::Call => return refuse("a call by name"),
                op if op.can_load() || op.can_store() => {
                    let flags = match data {
                        InstructionData::Load { flags, .. } | InstructionData::Store { flags, .. } => *flags,
                        _ => continue,
                    };
                    if func.dfg.mem_flags[flags].trap_code().is_some() {
                        return refuse("a memory access that may trap");
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn is_one(func: &Function, value: Value) -> bool {
    match func.dfg.value_def(func.dfg.resolve_aliases(value)) {
        ValueDef::Result(def, _) => {
            matches!(func.dfg.insts[def], InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } if imm.bits() == 1)
        }
        _ => false,
    }
}
