//! The text of every mistake is a snapshot. `BLESS=1 cargo test` rewrites them; `git diff` shows what changed.

use super::{input, outputs};
use crate::text::parse;

const SNAPSHOTS: &str = "src/text/testdata/errors.txt";
const RULE: &str = "\n--------\n";

/// Inputs `x: f64[3,4]`, `y: f64[4,3]`, `i: i32[5]`, `temperature: f32[n,m]`, `b: bool[3,4]`.
fn message(text: &str) -> String {
    let inputs =
        [input("x", "f64[3,4]"), input("y", "f64[4,3]"), input("i", "i32[5]"), input("temperature", "f32[n,m]"), input("b", "bool[3,4]")];
    match parse(text).and_then(|p| p.lower(&inputs)) {
        Ok(_) => "no error".into(),
        Err(e) => format!("{:?}: {e}", e.kind()),
    }
}

#[test]
fn messages_are_as_recorded() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(SNAPSHOTS);
    let old = std::fs::read_to_string(&path).unwrap();
    let cases: Vec<&str> = old.trim_end().split(RULE).map(|c| c.split("\n=>").next().unwrap()).collect();
    assert!(cases.len() >= 25);
    let new: Vec<String> = cases.iter().map(|c| format!("{c}\n=>\n{}", message(c))).collect();
    let unnoticed: Vec<_> = new.iter().filter(|c| c.ends_with("no error")).collect();
    assert!(unnoticed.is_empty(), "mistakes went unnoticed: {unnoticed:?}");
    let new = new.join(RULE) + "\n";
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &new).unwrap();
        return;
    }
    for (a, b) in old.split(RULE).zip(new.split(RULE)) {
        assert_eq!(b, a, "BLESS=1 records the new text");
    }
}

#[test]
fn the_place_is_that_of_the_operation() {
    let mistake = |text: &str| outputs(text, &[("x", "f64[3,4]"), ("y", "f64[4,3]")]).unwrap_err().to_string();
    for (text, at) in [
        ("x + y", "line 1, column 3"),
        ("t = x\nt * (x + x.T)", "line 2, column 8"),
        ("(x + 1)\\\n + y", "line 2, column 2"),
        ("x.sum(axis=0).sum(axis=3)", "line 1, column 14"),
        ("(x\n  +\n  zz)", "line 3, column 3"),
    ] {
        assert!(mistake(text).contains(&format!("--> {at}\n")), "{text}: {}", mistake(text));
    }
}
