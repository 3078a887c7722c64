//! Input specifications: `f64[n, m]`, `i16[2, 3, 10_000_000]`, `f32[]`.

use std::fmt;
use std::str::FromStr;

use pest::Parser;

use super::diagnostic::{Mistake, Span, closest};
use super::explain::explain;
use super::parse::{Grammar, Rule};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{Dim, Shape};

/// The element type and shape of an input, as text has them: the type's name, then the extents in brackets, each a number
/// or a name. The same name is the same size everywhere.
///
/// The type goes by its Rust name (`f64`, `i32`, `u8`, `bool`) or NumPy's (`float64`, `int32`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSpec {
    /// The element type.
    pub dtype: DType,
    /// The shape; names became named dims.
    pub shape: Shape,
}

/// # Errors
/// Text of another form, an unknown element type, or a shape with more elements than 64 bits can count.
impl FromStr for InputSpec {
    type Err = Error;

    fn from_str(source: &str) -> Result<InputSpec> {
        read(source).map_err(|m| m.render(source))
    }
}

const FORM: &str = "a type and its extents look like `f64[n, 3]`; a scalar is `f64[]`";

fn read(source: &str) -> Result<InputSpec, Mistake> {
    let mut pairs = Grammar::parse(Rule::spec, source).map_err(|e| {
        let mistake = explain(source, &e);
        let found = mistake.message.split_once("found ").map_or("", |(_, f)| f);
        Mistake::syntax(mistake.span, format!("not an input specification: unexpected {found}")).help(FORM)
    })?;
    let (mut dtype, mut dims, mut elements) = (None, Vec::new(), 1i64);
    for pair in pairs.next().map(|p| p.into_inner()).into_iter().flatten() {
        let text = pair.as_str();
        let span = Span::new(pair.as_span().start(), pair.as_span().end());
        match pair.as_rule() {
            Rule::spec_name => {
                let known = DType::ALL.iter().map(|d| d.name());
                dtype = Some(text.parse::<DType>().map_err(|e| {
                    let mistake = Mistake::from_error(&e, span);
                    match closest(text, known) {
                        Some(name) => mistake.help(format!("did you mean `{name}`?")),
                        None => mistake,
                    }
                })?);
            }
            Rule::extent if text.starts_with(|c: char| c.is_ascii_digit()) => {
                let odd = || Mistake::syntax(span, format!("`{text}` is neither a number of elements nor a name"));
                let n = number(text).ok_or_else(odd)?;
                let many = || Mistake::new(ErrorKind::Shape, span, "the shape has more elements than 64 bits can count");
                elements = elements.checked_mul(n.max(1)).ok_or_else(many)?;
                dims.push(Dim::from(usize::try_from(n).map_err(|_| many())?));
            }
            Rule::extent => dims.push(Dim::named(text)),
            _ => {}
        }
    }
    match dtype {
        Some(dtype) => Ok(InputSpec { dtype, shape: Shape::of(dims) }),
        None => Err(Mistake::syntax(Span::new(0, 0), "not an input specification").help(FORM)),
    }
}

/// Digits, with Python's single underscores between them.
fn number(text: &str) -> Option<i64> {
    let tidy = !text.contains("__") && !text.ends_with('_');
    if tidy { text.replace('_', "").parse().ok() } else { None }
}

impl fmt::Display for InputSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.dtype, self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifications_read_and_print() {
        for (text, want) in [
            ("f64[n,m]", "f64[n,m]"),
            ("i16[2, 3, 10_000_000]", "i16[2,3,10000000]"),
            (" f32 [ ] ", "f32[]"),
            ("float32[3,]", "f32[3]"),
            ("bool[0, número, _x1]", "bool[0,número,_x1]"),
            ("int[n, n]", "i64[n,n]"),
        ] {
            let spec: InputSpec = text.parse().unwrap();
            assert_eq!(spec.to_string(), want);
            assert_eq!(want.parse::<InputSpec>().unwrap(), spec);
        }
        let spec: InputSpec = "f64[n, 3]".parse().unwrap();
        assert_eq!(spec.shape, Shape::of([Dim::named("n"), Dim::from(3)]));
    }

    #[test]
    fn mistakes_are_shown() {
        let e = |text: &str| text.parse::<InputSpec>().unwrap_err().to_string();
        assert_eq!(
            e("f6[n]"),
            "`f6` is not an element type that elide has\n  --> line 1, column 1\n   |\n 1 | f6[n]\n   | ^^\n  help: did you mean `f16`?"
        );
        assert_eq!(
            e("f64[n, -1]"),
            "not an input specification: unexpected `-`\n  --> line 1, column 8\n   |\n 1 | f64[n, -1]\n   |        ^\n  \
             help: a type and its extents look like `f64[n, 3]`; a scalar is `f64[]`"
        );
        for (text, part) in [
            ("", "unexpected the end of the text"),
            ("f64", "unexpected the end"),
            ("f64[n", "unexpected the end"),
            ("f64[n] x", "unexpected `x`"),
            ("f64[2x]", "`2x` is neither"),
            ("f64[1__0]", "neither"),
            ("f64[99999999999999999999]", "neither"),
            ("f64[4000000000, 4000000000]", "more elements than 64 bits"),
            ("f64[,]", "unexpected `,`"),
            ("f64[n\u{301}, §]", "unexpected `§`"),
        ] {
            assert!(e(text).contains(part), "{text}: {}", e(text));
        }
    }
}
