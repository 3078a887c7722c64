//! Errors that show the text they are about.

use std::fmt::Write;

use crate::error::{Error, ErrorKind};

/// A range of bytes of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    pub fn new(start: usize, end: usize) -> Span {
        Span { start, end }
    }

    /// From the start of this one to the end of the other.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start, end: other.end }
    }
}

/// A mistake with its place, before it is rendered.
#[derive(Debug)]
pub(crate) struct Mistake {
    pub kind: ErrorKind,
    pub message: String,
    pub span: Span,
    pub help: Option<String>,
}

impl Mistake {
    pub fn new(kind: ErrorKind, span: Span, message: impl Into<String>) -> Mistake {
        Mistake { kind, message: message.into(), span, help: None }
    }

    pub fn syntax(span: Span, message: impl Into<String>) -> Mistake {
        Mistake::new(ErrorKind::Syntax, span, message)
    }

    pub fn help(mut self, help: impl Into<String>) -> Mistake {
        self.help = Some(help.into());
        self
    }

    /// An error of the expression that the text describes, blamed on a part of the text.
    pub fn from_error(error: &Error, span: Span) -> Mistake {
        Mistake { kind: error.kind(), message: error.message().into(), span, help: error.advice().map(Into::into) }
    }

    /// The error for the user: the message, and under it the source line with the span underlined.
    pub fn render(self, source: &str) -> Error {
        let error = Error::new(self.kind, format!("{}\n{}", self.message, excerpt(source, self.span)));
        match self.help {
            Some(help) => error.help(help),
            None => error,
        }
    }
}

/// Characters shown on either side of the place, so that a line of a megabyte stays readable.
const CONTEXT: usize = 60;

/// The line of the span with a caret under it:
///
/// ```text
///   --> line 2, column 5
///    |
///  2 | x + yy
///    |     ^^
/// ```
///
/// The column counts characters, from 1. Tabs are shown as four spaces. A span over several lines is underlined on its first.
pub(crate) fn excerpt(source: &str, span: Span) -> String {
    let start = floor_boundary(source, span.start);
    let end = floor_boundary(source, span.end).max(start);
    let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
    let number = source[..start].bytes().filter(|&b| b == b'\n').count() + 1;
    let line = source[line_start..].split('\n').next().unwrap_or("");
    let line = line.strip_suffix('\r').unwrap_or(line);
    let at = (start - line_start).min(line.len());
    let column = line[..at].chars().count() + 1;

    let head_from = line[..at].char_indices().rev().nth(CONTEXT - 1).map_or(0, |(k, _)| k);
    let tail_to = line[at..].char_indices().nth(CONTEXT).map_or(line.len(), |(k, _)| at + k);
    let mark_to = (end - line_start).clamp(at, tail_to);
    let (mut shown, mut before, mut marked) = (String::new(), 0, 0);
    if head_from > 0 {
        shown.push('…');
        before += 1;
    }
    before += show(&line[head_from..at], &mut shown);
    marked += show(&line[at..mark_to], &mut shown);
    show(&line[mark_to..tail_to], &mut shown);
    if tail_to < line.len() {
        shown.push('…');
    }
    let gutter = number.to_string();
    let blank = " ".repeat(gutter.len());
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(out, "  --> line {number}, column {column}");
    let _ = writeln!(out, " {blank} |");
    let _ = writeln!(out, "{}", format!(" {gutter} | {shown}").trim_end());
    let _ = write!(out, " {blank} | {}{}", " ".repeat(before), "^".repeat(marked.max(1)));
    out
}

fn floor_boundary(s: &str, mut at: usize) -> usize {
    at = at.min(s.len());
    while !s.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Appends `text` as a terminal shows it in a known number of columns, which is returned.
fn show(text: &str, out: &mut String) -> usize {
    let mut columns = 0;
    for c in text.chars() {
        match c {
            '\t' => {
                out.push_str("    ");
                columns += 4;
            }
            c if c.is_control() => {
                out.push('\u{FFFD}');
                columns += 1;
            }
            c => {
                out.push(c);
                columns += width(c);
            }
        }
    }
    columns
}

/// Columns that a terminal gives a character: the blocks of combining marks and joiners take none, those of East Asian wide
/// characters and emoji two (Unicode Standard Annex #11, by block).
fn width(c: char) -> usize {
    match c as u32 {
        0x0300..=0x036F | 0x200B..=0x200F | 0x20D0..=0x20FF | 0xFE00..=0xFE0F => 0,
        0x1100..=0x115F | 0x2E80..=0x303E | 0x3041..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF => 2,
        0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

/// The candidate closest to `name`, if one is close: at most a third of its letters to change (optimal string alignment
/// distance: insert, delete, replace, swap neighbours), or the two differ only in case.
pub(crate) fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = name.chars().take(65).collect();
    if wanted.len() > 64 {
        return None;
    }
    let allowed = (wanted.len() / 3).max(1);
    let best = candidates
        .into_iter()
        .filter(|c| *c != name && c.len() <= 256)
        .map(|c| (if c.eq_ignore_ascii_case(name) { 0 } else { distance(&wanted, c) }, c))
        // Ties go to the first candidate.
        .min_by_key(|(d, _)| *d)?;
    (best.0 <= allowed && best.0 < wanted.len()).then_some(best.1)
}

fn distance(a: &[char], b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut rows = vec![vec![0; b.len() + 1]; 3];
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let (this, last, older) = (i % 3, (i - 1) % 3, (i + 1) % 3);
        rows[this][0] = i;
        for j in 1..=b.len() {
            let mut d = (rows[last][j] + 1).min(rows[this][j - 1] + 1).min(rows[last][j - 1] + usize::from(a[i - 1] != b[j - 1]));
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                d = d.min(rows[older][j - 2] + 1);
            }
            rows[this][j] = d;
        }
    }
    rows[a.len() % 3][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_is_under_the_place() {
        let s = "a = 1\n\tβ + 漢字 * yy\r\n";
        let at = s.find("yy").unwrap();
        assert_eq!(excerpt(s, Span::new(at, at + 2)), "  --> line 2, column 11\n   |\n 2 |     β + 漢字 * yy\n   |                ^^");
        // Spans past the end, empty, inside a character, or over several lines.
        assert!(excerpt(s, Span::new(999, 1200)).ends_with("  --> line 3, column 1\n   |\n 3 |\n   | ^"));
        assert!(excerpt("é", Span::new(1, 1)).ends_with("| ^"));
        assert!(excerpt("(x +\n y", Span::new(0, 7)).ends_with("1 | (x +\n   | ^^^^"));
        assert!(excerpt("", Span::new(0, 0)).ends_with(" 1 |\n   | ^"));
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let s = "x + ".repeat(50_000) + "y" + &" + x".repeat(50_000);
        let at = s.find('y').unwrap();
        let text = excerpt(&s, Span::new(at, at + 1));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "  --> line 1, column 200001");
        assert!(lines.iter().all(|l| l.chars().count() < 140), "{text}");
        let caret = lines[3].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[2].chars().nth(caret), Some('y'));
        assert!(lines[2].ends_with('…'));
    }

    #[test]
    fn close_names() {
        let names = ["sum", "cumsum", "minimum", "temperature", "x"];
        assert_eq!(closest("sume", names), Some("sum"));
        assert_eq!(closest("smu", names), Some("sum"));
        assert_eq!(closest("temprature", names), Some("temperature"));
        assert_eq!(closest("SUM", names), Some("sum"));
        assert_eq!(closest("y", names), None);
        assert_eq!(closest("frobnicate", names), None);
        assert_eq!(closest(&"x".repeat(100_000), names), None);
    }
}
