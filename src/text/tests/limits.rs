//! Inputs made to exhaust the stack, the clock or the memory. A test thread has 2 MiB of stack.

use super::{input, outputs};
use crate::expr::DynExpr;
use crate::text::parse;

const X: [(&str, &str); 1] = [("x", "f64[3,4]")];

#[test]
fn long_programs_lower() {
    let n = 100_000;
    assert_eq!(outputs(&("x".to_string() + &" + x".repeat(n)), &X).unwrap(), ["result: f64[3,4]"]);
    let many: String = (0..5_000).map(|k| format!("t{} = t{k} * 0.5 + x;", k + 1)).collect();
    let out = outputs(&("t0 = x\n".to_string() + &many), &X).unwrap();
    assert_eq!((out.len(), out[5_000].as_str()), (5_001, "t5000: f64[3,4]"));
    // Assignments to parts, through views and in place.
    let updates = "v = x[1:].T\n".to_string() + &"x[:, 1:] += x[:, :-1]; v[0] = v[1] * 2; x[x > 0] -= 1\n".repeat(2_000);
    assert_eq!(outputs(&updates, &X).unwrap(), ["v: f64[4,2]", "x: f64[3,4]"]);
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

/// xorshift64 (Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % n
    }
}

/// Anything is a program or an error; and the error can be printed.
fn survives(text: &str, inputs: &[(String, DynExpr<'static>)]) -> bool {
    match parse(text).and_then(|p| p.lower(inputs)) {
        Ok(_) => true,
        Err(e) => {
            assert!(e.to_string().lines().count() >= 4, "{text:?}: {e}");
            false
        }
    }
}

#[test]
fn no_heap_of_tokens_panics() {
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
        "[::-1]",
        "(x)",
        "10**30",
        " += ",
        "x[1:] = ",
        "x[x > 0] = ",
        "return ",
        "def f(x):",
        "\"\"\"",
        "y = x\n",
        ".ravel()",
        "pad(x, 1)",
    ];
    let inputs = [input("x", "f64[3,4]"), input("y", "i32[n]")];
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut ok = 0;
    for _ in 0..20_000 {
        let count = random.below(12) + 1;
        let text: String = (0..count).map(|_| pieces[random.below(pieces.len())]).collect();
        ok += usize::from(survives(&text, &inputs));
    }
    assert!(ok > 100);
}

/// Programs of the table of NumPy, spliced at random places.
#[test]
fn no_splice_of_programs_panics() {
    let table = include_str!("../testdata/numpy.txt");
    let specs = table.lines().filter_map(|l| l.strip_prefix("input ")?.split_once(" | "));
    let named = |spec: &str| spec.replace("[3", "[n").replace("4]", "m]");
    let fixed: Vec<_> = specs.clone().filter_map(|(head, _)| head.split_once(' ')).map(|(name, spec)| input(name, spec)).collect();
    let free: Vec<_> = specs.filter_map(|(head, _)| head.split_once(' ')).map(|(name, spec)| input(name, &named(spec))).collect();
    let programs: Vec<&str> = table.lines().filter_map(|l| Some(l.split_once(" => ")?.0)).collect();
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let mut ok = 0;
    for k in 0..10_000 {
        let (a, b) = (programs[random.below(programs.len())], programs[random.below(programs.len())]);
        let text = match k % 3 {
            // The heads and tails of two, one in the place of a name of the other, one with a hole.
            0 => format!("{}{}", &a[..random.below(a.len() + 1)], &b[random.below(b.len() + 1)..]),
            1 => a.replacen(|c: char| "fdhiut".contains(c), &format!("({b})"), random.below(2) + 1),
            _ => a.chars().enumerate().filter(|(i, _)| *i != k % a.len()).map(|(_, c)| c).collect(),
        };
        ok += usize::from(survives(&text, if k % 2 == 0 { &fixed } else { &free }));
    }
    assert!(ok > 1000, "{ok}");
}

/// The same of programs with assignments.
#[test]
fn no_splice_of_assignments_panics() {
    let table = include_str!("../testdata/assignment.txt");
    let specs = table.lines().filter_map(|l| l.strip_prefix("input ")?.split_once(" | "));
    let free = |spec: &str| spec.replace("[3", "[n").replace("4]", "m]").replace("[5]", "[k]");
    let fixed: Vec<_> = specs.clone().filter_map(|(head, _)| head.split_once(' ')).map(|(name, spec)| input(name, spec)).collect();
    let free: Vec<_> = specs.filter_map(|(head, _)| head.split_once(' ')).map(|(name, spec)| input(name, &free(spec))).collect();
    let programs: Vec<String> = table.lines().filter_map(|l| Some(l.split_once(" => ")?.0.replace("\\n", "\n"))).collect();
    let mut random = Random(0x1234_5678_9ABC_DEF1);
    let mut ok = 0;
    for k in 0..6_000 {
        let (a, b) = (&programs[random.below(programs.len())], &programs[random.below(programs.len())]);
        let (i, j) = (random.below(a.len() + 1), random.below(b.len() + 1));
        let text = match k % 3 {
            0 => format!("{a}\n{b}"),
            1 => format!("{}{}", a.get(..i).unwrap_or(a), b.get(j..).unwrap_or(b)),
            _ => a.chars().enumerate().filter(|(n, _)| *n != k % a.len()).map(|(_, c)| c).collect(),
        };
        ok += usize::from(survives(&text, if k % 2 == 0 { &fixed } else { &free }));
    }
    assert!(ok > 1000, "{ok}");
}

/// Extents at the end of 64 bits.
#[test]
fn huge_extents_do_not_overflow() {
    let inputs = [input("x", "f64[9223372036854775807]"), input("y", "u8[4611686018427387904, 1]"), input("z", "i32[n, 3037000499]")];
    for text in [
        "x[::-1]",
        "x[1:]",
        "x[-5:]",
        "x[:-1:7]",
        "x[-1]",
        "x[::10**30]",
        "x[10**18:10**19]",
        "x[5:2:-1]",
        "x.reshape(-1, 1)",
        "x.ravel()",
        "x[:, None] * x",
        "x.shape[0] + 1",
        "x.shape[0] * 2",
        "x.size",
        "y + y.T",
        "y[:, 0] * x[:4611686018427387904]",
        "z.size",
        "z.ravel()",
        "z.reshape(-1)",
        "z[:, None] * z[None]",
        "broadcast_to(z, (2,) + z.shape).size",
        "zeros((2**62, 2**62))",
        "ones(2**63 - 1)[::2]",
        "x.sum()",
        "x.mean()",
        "x.var(ddof=-5)",
        "x.var(ddof=2**63 - 1)",
        "z.var(ddof=-2**63)",
        "diagonal(y + y.T, offset=2**63 - 1)",
        "diagonal(y + y.T, offset=-2**63)",
        "diagonal(z, 2**62)",
        "x.sum(axis=-2**63)",
        "diff(x)",
        "x[-2**63:]",
        "x[::-2**63]",
        "z[2**62::-2**62]",
        "z.shape[0] * z.shape[1] * 4294967295 * 4294967295",
        "zeros(z.shape[0] * 4294967295 * 4294967295 + 4294967295)",
        "concatenate((x, x))",
        "concatenate((z, z), axis=1)",
        "roll(x, 2**63 - 1)",
        "roll(z, -2**63, axis=0)",
        "repeat(x, 2**63 - 1)",
        "tile(x, (2**62, 2**62))",
        "tile(z, 2**63 - 1)",
        "pad(x, 2**63 - 1)",
        "pad(z, 2**62, mode='wrap')",
        "pad(z, 2**62, mode='reflect')",
        "x[1:] += x[:-1]",
        "x[::-1] = x",
        "z[::2**62] = z[:1]",
        "y.T[0] = y.ravel()",
        "z.ravel()[5:] = 1",
        "x[x > 0] = 0",
    ] {
        survives(text, &inputs);
    }
}
