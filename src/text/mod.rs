//! The textual expression language: array expressions as NumPy code has them.
mod ast;
mod diagnostic;
mod input;
mod parse;
mod scan;
mod value;

pub use input::InputSpec;

pub fn parse(source: &str) -> crate::error::Result<usize> {
    parse::parse(source).map(|a| a.nodes.len()).map_err(|m| m.render(source))
}

fn lower_symbol(op: crate::ops::BinaryOp) -> &'static str {
    use crate::ops::BinaryOp::*;
    match op {
        Add => "+",
        Sub => "-",
        Mul => "*",
        Div => "/",
        FloorDiv => "//",
        Rem => "%",
        Pow => "**",
        And => "&",
        Or => "|",
        Xor => "^",
        Shl => "<<",
        Shr => ">>",
        Eq => "==",
        Ne => "!=",
        Lt => "<",
        Le => "<=",
        Gt => ">",
        Ge => ">=",
        _ => op.name(),
    }
}
