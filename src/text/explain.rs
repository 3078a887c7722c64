//! Syntax errors in the words of a user of NumPy.

use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;

use super::diagnostic::{Mistake, Span};
use super::parse::{Rule, span_of};
use crate::error::ErrorKind;

/// Long words are cut in messages.
pub(super) fn clip(text: &str) -> String {
    if text.chars().nth(40).is_none() { text.into() } else { text.chars().take(40).chain(['…']).collect() }
}

/// An assignment that is neither `=` nor one with an operator of arrays.
pub(super) fn augmented(span: Span, op: &str, target: &str) -> Mistake {
    match op.trim_end_matches('=') {
        "@" => Mistake::new(ErrorKind::Unsupported, span, "elide has no matrix product `@`")
            .help("write `(a[:, :, None] * b[None, :, :]).sum(axis=1)`"),
        _ => Mistake::syntax(span, format!("the language has no `{op}`")).help(format!("assign with `{} = ...`", clip(target))),
    }
}

/// Operators of Python, or of other languages, that have no meaning here.
pub(super) fn refused(op: &Pair<Rule>) -> Mistake {
    let text = op.as_str().trim();
    let (kind, message, help) = match op.as_rule() {
        Rule::not => (ErrorKind::Syntax, "`not` has no element-wise meaning", "use `~` (parenthesize comparisons: `~(x > 0)`)"),
        Rule::and => (ErrorKind::Syntax, "`and` has no element-wise meaning", "use `&` (parenthesize comparisons: `(x > 0) & (y > 0)`)"),
        Rule::or => (ErrorKind::Syntax, "`or` has no element-wise meaning", "use `|` (parenthesize comparisons: `(x > 0) | (y > 0)`)"),
        Rule::bang => (ErrorKind::Syntax, "the language has no `!`", "use `~`"),
        Rule::and_and => (ErrorKind::Syntax, "the language has no `&&`", "use `&` (parenthesize comparisons: `(x > 0) & (y > 0)`)"),
        Rule::or_or => (ErrorKind::Syntax, "the language has no `||`", "use `|` (parenthesize comparisons: `(x > 0) | (y > 0)`)"),
        Rule::matmul => (ErrorKind::Unsupported, "elide has no matrix product `@`", "write `(a[:, :, None] * b[None, :, :]).sum(axis=1)`"),
        Rule::star => (ErrorKind::Syntax, "`*` is missing its left operand", "arguments cannot be unpacked"),
        _ => match text {
            "if" | "else" => (ErrorKind::Syntax, "the language has no `if`", "use `where(condition, a, b)`"),
            "for" => (ErrorKind::Syntax, "the language has no `for`", "operations on arrays apply to all elements"),
            "is" => (ErrorKind::Syntax, "`is` has no element-wise meaning", "use `==`"),
            _ => (ErrorKind::Syntax, "`in` has no element-wise meaning", "use `any(x == value)`"),
        },
    };
    Mistake::new(kind, span_of(op), message).help(help)
}

/// A grammar error in the words of a user: what was found, what could have stood there.
pub(super) fn explain(text: &str, error: &pest::error::Error<Rule>) -> Mistake {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    // What was found starts after the blanks.
    let rest = text[at..].trim_start_matches([' ', '\t', '\r', '\u{0C}']);
    let at = text.len() - rest.len();
    let found = rest.chars().next();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let token: &str = match found {
        Some(c) if is_word(c) => &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())],
        Some(c) => &rest[..c.len_utf8()],
        None => "",
    };
    let positives = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives.as_slice(),
        ErrorVariant::CustomError { .. } => &[],
    };
    // At the very start pest names the program as a whole.
    let operand = positives.iter().any(|r| matches!(r, Rule::program | Rule::statement | Rule::postfix | Rule::argument | Rule::index));
    let wanted = if operand { "a value" } else { "an operator or the end of the expression" };
    let found_text = match found {
        None => "the end of the text".into(),
        Some('\n') => "the end of the line".into(),
        Some(c) if c.is_control() => format!("the character U+{:04X}", c as u32),
        Some(_) => format!("`{}`", clip(token)),
    };
    let span = match found {
        // The place to complete is after the last thing on its line.
        None | Some('\n') => {
            let end = text[..at].trim_end().len();
            Span::new(end, end)
        }
        _ => Span::new(at, at + token.len()),
    };
    let e = Mistake::syntax(span, format!("expected {wanted}, found {found_text}"));
    let before = text[..at].trim_end();
    match found.and_then(lookalike) {
        Some(ascii) => return e.help(format!("write `{ascii}`")),
        None if before.ends_with("import") || before.ends_with("from") => return e.help("nothing needs to be imported: `np` is known"),
        None if before.ends_with("def") || token == "def" => return e.help("one function, `def name(x, y):`, may stand at the start"),
        None if token == "lambda" => return e.help("the language has no functions of its own; assign to names instead"),
        None => {}
    }
    match found {
        Some('=') if before.rsplit('\n').next().is_some_and(|line| line.trim_start().starts_with("def ")) => {
            e.help("parameters have no defaults: every one is an input")
        }
        Some('=') if !operand || before.ends_with('=') => e.help("compare with `==`"),
        Some('=') => e.help("names and elements of arrays are assigned to, at the start of a statement"),
        Some(':') if rest.starts_with(":=") => e.help("assign in a statement of its own: `t = ...; ...`"),
        Some('$' | '?') => e.help("names are made of letters, digits and `_`"),
        _ => e,
    }
}

/// ASCII for characters that editors and web pages put in its place.
fn lookalike(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{2212}' | '\u{2013}' | '\u{2014}' => "-",
        '×' | '·' | '⋅' => "*",
        '÷' => "/",
        '≤' => "<=",
        '≥' => ">=",
        '≠' => "!=",
        '²' => "**2",
        '³' => "**3",
        '√' => "sqrt(...)",
        '“' | '”' | '„' => "\"",
        '‘' | '’' => "'",
        '\u{A0}' | '\u{2003}' | '\u{2009}' | '\u{202F}' => " ",
        '，' => ",",
        '（' => "(",
        '）' => ")",
        '…' => "...",
        '¬' => "~",
        '∧' => "&",
        '∨' => "|",
        _ => return None,
    })
}
