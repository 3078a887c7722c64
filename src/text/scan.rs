//! What comes before the grammar: comments, line continuations, and brackets.
//!
//! The result has the same bytes at the same offsets, save that everything the grammar need not know is blank. So spans of the
//! one are spans of the other.

use super::diagnostic::{Mistake, Span};

/// How deep brackets may nest: the limit of CPython's tokenizer would be 200; this one also bounds the parser's stack.
pub(crate) const MAX_NESTING: usize = 100;

/// Blanks a byte order mark, comments and strings in triple quotes, continued line ends, and newlines inside brackets.
///
/// # Errors
/// Brackets that do not match, or nest too deeply; a string without an end; a stray backslash.
pub(crate) fn scan(source: &str) -> Result<String, Mistake> {
    let bytes = source.as_bytes();
    let mut out = bytes.to_vec();
    let mut open: Vec<(u8, usize)> = Vec::new();
    let mut k = 0;
    if source.starts_with('\u{FEFF}') {
        // A byte order mark, as some editors put it before a text.
        out[..3].fill(b' ');
        k = 3;
    }
    while k < bytes.len() {
        let here = Span::new(k, k + 1);
        match bytes[k] {
            b'#' => {
                while k < bytes.len() && bytes[k] != b'\n' {
                    out[k] = b' ';
                    k += 1;
                }
                continue;
            }
            // What a function says of itself.
            quote @ (b'"' | b'\'') if bytes[k..].starts_with(&[quote; 3]) => {
                match bytes[k + 3..].windows(3).position(|w| w == [quote; 3]) {
                    Some(n) => {
                        out[k..k + n + 6].fill(b' ');
                        k += n + 5;
                    }
                    None => return Err(Mistake::syntax(here, "this string is never closed")),
                }
            }
            quote @ (b'"' | b'\'') => match bytes[k + 1..].iter().position(|&b| b == quote || b == b'\n') {
                Some(n) if bytes[k + 1 + n] == quote => k += n + 1,
                _ => return Err(Mistake::syntax(here, "this string is never closed")),
            },
            b'\\' => match &bytes[k + 1..] {
                [b'\n', ..] => {
                    out[k..k + 2].fill(b' ');
                    k += 1;
                }
                [b'\r', b'\n', ..] => {
                    out[k..k + 3].fill(b' ');
                    k += 2;
                }
                _ => return Err(Mistake::syntax(here, "a backslash can only end a line, to continue it on the next")),
            },
            b'\n' if !open.is_empty() => out[k] = b' ',
            b @ (b'(' | b'[' | b'{') => {
                if b == b'{' {
                    return Err(Mistake::syntax(here, "the language has no `{`").help("group with parentheses `(` `)`"));
                }
                if open.len() == MAX_NESTING {
                    return Err(Mistake::syntax(here, format!("brackets nest more than {MAX_NESTING} deep"))
                        .help("name a part of the expression: `t = ...; ... t ...`"));
                }
                open.push((b, k));
            }
            b @ (b')' | b']' | b'}') => match open.pop() {
                Some((opener, at)) if closer(opener) != b => {
                    return Err(Mistake::syntax(here, format!("`{}` does not close `{}`", b as char, opener as char)).help(format!(
                        "the `{}` is {}",
                        opener as char,
                        place(source, at)
                    )));
                }
                Some(_) => {}
                None => return Err(Mistake::syntax(here, format!("nothing is open that `{}` could close", b as char))),
            },
            _ => {}
        }
        k += 1;
    }
    if let Some((b, at)) = open.pop() {
        return Err(Mistake::syntax(Span::new(at, at + 1), format!("this `{}` is never closed", b as char)));
    }
    // Only whole characters were replaced: those of comments, and ASCII.
    Ok(String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

fn closer(opener: u8) -> u8 {
    if opener == b'(' { b')' } else { b']' }
}

fn place(source: &str, at: usize) -> String {
    let line = source[..at].matches('\n').count() + 1;
    let column = source[..at].rsplit('\n').next().unwrap_or("").chars().count() + 1;
    format!("at line {line}, column {column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_grammar_need_not_see_is_blanked() {
        assert_eq!(scan("x # é (\ny").unwrap(), "x      \ny".replace("      \n", "       \n"));
        assert_eq!(scan("(x +\n y)\nz").unwrap(), "(x +  y)\nz");
        assert_eq!(scan("x + \\\r\n y").unwrap(), "x +     y");
        assert_eq!(scan("\u{FEFF}x").unwrap(), "   x");
        assert_eq!(scan("astype('#(')").unwrap(), "astype('#(')");
    }

    #[test]
    fn brackets_must_match() {
        for (text, at) in [("(x]", 2), ("x)", 1), ("f(x, [1)", 7), ("((x)", 0), ("x[1", 1), ("'x", 0), ("x \\ y", 2), ("{x}", 0)] {
            assert_eq!(scan(text).unwrap_err().span.start, at, "{text}");
        }
        assert!(scan(&("(".repeat(100) + &")".repeat(100))).is_ok());
        assert_eq!(scan(&"(".repeat(100_000)).unwrap_err().span.start, 100);
    }
}
