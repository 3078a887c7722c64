//! From bytes of a text to its lines and columns.

use super::diagnostic::{Span, excerpt};
use crate::error::{Error, Site};
use crate::expr::node::NodeRef;

/// Where lines begin in a text. A place takes two binary searches, so that a program of one long line is no worse than another.
pub(super) struct Places {
    /// The first byte of each line.
    lines: Vec<usize>,
    /// The bytes that do not begin a character: columns count characters.
    inner: Vec<usize>,
}

impl Places {
    pub fn of(source: &str) -> Places {
        let bytes = || source.bytes().enumerate();
        let lines = std::iter::once(0).chain(bytes().filter(|(_, b)| *b == b'\n').map(|(k, _)| k + 1)).collect();
        Places { lines, inner: bytes().filter(|(_, b)| b & 0xC0 == 0x80).map(|(k, _)| k).collect() }
    }

    fn site(&self, span: Span) -> Site {
        let line = self.lines.partition_point(|first| *first <= span.start).max(1);
        let first = self.lines[line - 1];
        let inner = self.inner.partition_point(|at| *at < span.start) - self.inner.partition_point(|at| *at < first);
        Site::text(line as u32, (span.start - first - inner) as u32 + 1)
    }

    /// The byte at a place; the end of the text for one past it.
    fn byte(&self, source: &str, site: Site) -> usize {
        let first = self.lines.get(site.line() as usize - 1).copied().unwrap_or(source.len());
        source[first..].char_indices().nth(site.column() as usize - 1).map_or(source.len(), |(k, _)| first + k)
    }

    /// The error, with the line of the source under its message if it has a place there.
    pub fn quote(source: &str, error: Error) -> Error {
        let Some(site) = error.site().filter(Site::is_text) else { return error };
        let at = Places::of(source).byte(source, site);
        let quoted = Error::new(error.kind(), format!("{}\n{}", error.message(), excerpt(source, Span::new(at, at + 1))));
        match error.advice() {
            Some(help) => quoted.help(help),
            None => quoted,
        }
    }

    /// Has an expression, and what was made for it, come from a place of the text.
    pub fn locate(&self, node: &NodeRef, span: Span) {
        node.locate(self.site(span), |site| crate::report::users(Some(site)).is_none());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_from_1() {
        let source = "a = b\n  é = x[1:]\n";
        let places = Places::of(source);
        let at = |what: &str| {
            let start = source.find(what).unwrap();
            let site = places.site(Span::new(start, start + what.len()));
            assert_eq!(places.byte(source, site), start);
            (site.line(), site.column())
        };
        assert_eq!([at("a"), at("b"), at("é"), at("="), at("x[")], [(1, 1), (1, 5), (2, 3), (1, 3), (2, 7)]);
    }
}
