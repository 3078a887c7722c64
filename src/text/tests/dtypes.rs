//! The tables of `docs/dtypes.md`, which are what the language answers; `BLESS=1 cargo test --lib dtypes` writes them anew.

use std::fmt::Write;
use std::path::Path;

use super::parse;
use crate::dtype::DType;
use crate::expr::DynExpr;
use crate::shape::{Dim, Shape};
use crate::text::functions::of_elements;

/// Python's operators.
const OPERATORS: &[&str] = &[
    "-x", "~x", "x + y", "x - y", "x * y", "x / y", "x // y", "x % y", "x ** y", "x & y", "x | y", "x ^ y", "x << y", "x >> y", "x == y",
    "x != y", "x < y", "x <= y", "x > y", "x >= y",
];

/// The file with the text between two comments replaced.
fn with(whole: &str, part: &str, text: &str) -> String {
    let (opening, closing) = (format!("<!-- {part} -->\n"), format!("<!-- end of {part} -->"));
    let start = whole.find(&opening).expect("the part begins") + opening.len();
    let end = start + whole[start..].find(&closing).expect("the part ends");
    format!("{}{text}{}", &whole[..start], &whole[end..])
}

/// The element type of a call on arrays of these types; `None` where it is refused.
fn answer(call: &str, x: DType, y: DType) -> Option<DType> {
    let input = |name: &str, d| (name.to_string(), DynExpr::input(name, d, Shape::of(&[Dim::named("n")]), false));
    let program = parse(&format!("r = {call}")).expect("a call");
    let free = program.free_names();
    let inputs: Vec<_> = [input("x", x), input("y", y)].into_iter().filter(|(name, _)| free.contains(name)).collect();
    let (_, r) = program.lower(&inputs).ok()?.pop()?;
    r.check().ok()?;
    Some(r.dtype())
}

fn heading(first: &str) -> String {
    let names: Vec<_> = DType::ALL.iter().map(|d| format!(" `{d}` |")).collect();
    format!("| {first} |{}\n|---|{}\n", names.concat(), "---|".repeat(names.len()))
}

/// A row for calls with the same answers on operands of one type, in the order of the first of them.
fn functions() -> String {
    let operators = OPERATORS.iter().map(|o| (*o, o.to_string()));
    let mut rows: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, call) in operators.chain(of_elements()) {
        let cells = DType::ALL.iter().map(|&d| match answer(&call, d, d) {
            None => " - |".to_string(),
            Some(r) if r == d => " = |".to_string(),
            Some(r) => format!(" {r} |"),
        });
        let cells: String = cells.collect();
        assert!(cells.contains(['=', 'o', 'f', 'i', 'u']), "{call} is refused on everything");
        match rows.iter_mut().find(|(c, _)| *c == cells) {
            Some((_, names)) => names.push(name),
            None => rows.push((cells, vec![name])),
        }
    }
    let mut text = heading("");
    for (cells, names) in rows {
        // A bar would end the cell.
        let names: Vec<_> = names.iter().map(|n| format!("`{}`", n.replace('|', "\\|"))).collect();
        writeln!(text, "| {} |{cells}", names.join(", ")).unwrap();
    }
    text
}

/// Where two types meet.
fn pairs() -> String {
    let mut text = heading("`x + y`");
    for &x in DType::ALL {
        let cells: String =
            DType::ALL.iter().map(|&y| format!(" {} |", answer("x + y", x, y).expect("a sum is defined on all types"))).collect();
        writeln!(text, "| **`{x}`** |{cells}").unwrap();
    }
    text
}

#[test]
fn tables_of_element_types_are_what_the_language_answers() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/dtypes.md");
    let was = std::fs::read_to_string(&path).expect("the file is there");
    let now = with(&with(&was, "functions", &functions()), "pairs", &pairs());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, now).unwrap();
        return;
    }
    if let Some((was, now)) = was.lines().zip(now.lines()).find(|(was, now)| was != now) {
        panic!("docs/dtypes.md:\n  was: {was}\n  now: {now}\nBLESS=1 cargo test --lib dtypes rewrites the tables");
    }
    assert_eq!(was.len(), now.len(), "docs/dtypes.md: BLESS=1 cargo test --lib dtypes rewrites the tables");
}
