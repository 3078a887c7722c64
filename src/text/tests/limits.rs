//! Inputs made to exhaust the stack, the clock or the memory. A test thread has 2 MiB of stack.

use super::{input, outputs};
use crate::text::parse;

const X: [(&str, &str); 1] = [("x", "f64[3,4]")];

#[test]
fn long_programs_lower() {
    let n = 100_000;
    assert_eq!(outputs(&("x".to_string() + &" + x".repeat(n)), &X).unwrap(), ["result: f64[3,4]"]);
    let many: String = (0..5_000).map(|k| format!("t{} = t{k} * 0.5 + x;", k + 1)).collect();
    let out = outputs(&("t0 = x\n".to_string() + &many), &X).unwrap();
    assert_eq!((out.len(), out[5_000].as_str()), (5_001, "t5000: f64[3,4]"));
    // Each statement doubles the tree, not the graph.
    assert_eq!(outputs(&"x = x + x;".repeat(10_000), &X).unwrap(), ["x: f64[3,4]"]);
}

#[test]
fn growth_is_bounded() {
    for text in [
        "t = (1,)\n".to_string() + &"t = t + t\n".repeat(200),
        "t = ()\n".to_string() + &"t = (t,)\n".repeat(200),
        "x[".to_string() + &"None,".repeat(1000) + "]",
        "x = x[None]\n".repeat(1000),
        "k = 3\n".to_string() + &"k = k * k\n".repeat(200),
        "1 << 10**30".into(),
        "3 ** 10**30".into(),
        "diff(x, 10**9)".into(),
        "x[10**30]".into(),
        "x.reshape(10**30)".into(),
        "x.sum(axis=10**30)".into(),
        "10**30 + x.astype(i64)".into(),
        "f(".repeat(99) + &")".repeat(99),
    ] {
        assert!(outputs(&text, &X).is_err(), "{}", &text[..text.len().min(40)]);
    }
    // Extents multiply as sizes up to a degree, then as arrays.
    let squares = "s = x.shape[0]\n".to_string() + &"s = s * s + s\n".repeat(40);
    assert_eq!(outputs(&squares, &[("x", "f64[n]")]).unwrap(), ["s: i64[]"]);
    // Slices past the ends are clamped, as in Python.
    assert_eq!(outputs("x[-10**30:10**30, ::10**30]", &X).unwrap(), ["result: f64[3,1]"]);
    assert_eq!(outputs("x[::-10**30]", &X).unwrap(), ["result: f64[1,4]"]);
    assert!(outputs("x[-10**30:10**30, ::10**30]", &[("x", "f64[n,m]")]).is_ok());
}

/// Anything is a program or an error; and the error can be printed.
#[test]
fn no_text_panics() {
    let pieces = [
        "x",
        "y",
        "+",
        "-",
        "**",
        "(",
        ")",
        "[",
        "]",
        ":",
        ",",
        "1",
        "2.5",
        "=",
        ";",
        "\n",
        "#",
        "é",
        "\u{301}",
        "漢",
        "'",
        "\"",
        "\\",
        ".",
        "...",
        "sum",
        ".T",
        "axis",
        "None",
        "True",
        "\u{0}",
        "\r",
        "\t",
        "\u{FEFF}",
        "\u{2028}",
        "{",
        "@",
        "not ",
        " and ",
        "0x",
        "1e",
        "_",
        "~",
        "<",
        "np",
        ".sum",
        "\u{1F600}",
    ];
    let inputs = [input("x", "f64[3,4]"), input("y", "i32[n]")];
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut ok = 0;
    for _ in 0..20_000 {
        let mut text = String::new();
        // xorshift64 (Marsaglia 2003)
        for _ in 0..(state % 12) + 1 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text.push_str(pieces[(state >> 20) as usize % pieces.len()]);
        }
        match parse(&text).and_then(|p| p.lower(&inputs)) {
            Ok(_) => ok += 1,
            Err(e) => assert!(e.to_string().lines().count() >= 4, "{text:?}: {e}"),
        }
    }
    assert!(ok > 100);
}
