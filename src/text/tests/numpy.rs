//! Element types, shapes and elements, against NumPy's.

use hashbrown::HashMap;

use super::evaluate::evaluate;
use crate::dtype::{DType, Scalar};
use crate::expr::DynExpr;
use crate::text::{InputSpec, functions, parse};

const TABLE: &str = include_str!("../testdata/numpy.txt");
const ELEMENTS: &str = include_str!("../testdata/elementwise.txt");

fn scalar(text: &str, dtype: DType) -> Scalar {
    match dtype {
        d if d.is_float() => Scalar::F64(text.parse().unwrap()).cast(dtype),
        DType::U64 => Scalar::U64(text.parse().unwrap()),
        _ => Scalar::I64(text.parse().unwrap()).cast(dtype),
    }
}

/// Sums in another order and elementary functions from elsewhere differ in the last places.
fn close(a: Scalar, b: Scalar) -> bool {
    let tolerance = match a.dtype() {
        DType::F16 => 1e-3,
        DType::F32 => 1e-6,
        DType::F64 => 1e-13,
        _ => 0.0,
    };
    a == b || a.dtype() == b.dtype() && (a.to_f64() - b.to_f64()).abs() <= tolerance * b.to_f64().abs().max(1.0)
}

#[test]
fn programs_mean_what_numpy_says() {
    let mut inputs: Vec<(String, DynExpr<'static>)> = Vec::new();
    let mut arrays = HashMap::new();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for line in TABLE.lines().filter(|l| !l.starts_with('#')) {
        if let Some(input) = line.strip_prefix("input ") {
            let (head, elements) = input.split_once(" | ").unwrap();
            let (name, spec) = head.split_once(' ').unwrap();
            let spec: InputSpec = spec.parse().unwrap();
            arrays.insert(name.to_string(), elements.split_whitespace().map(|e| scalar(e, spec.dtype)).collect::<Vec<_>>());
            inputs.push((name.into(), DynExpr::input(name, spec.dtype, spec.shape, false)));
            continue;
        }
        let (text, want) = line.split_once(" => ").unwrap();
        seen += 1;
        let got = parse(text).and_then(|p| p.lower(&inputs)).map(|out| out.into_iter().find(|(n, _)| n == "result").unwrap().1);
        match (got, want.split_once(" | ")) {
            (Err(_), None) => {}
            (Err(e), Some(_)) => wrong.push(format!("{text} should be {want}\n{e}")),
            (Ok(x), None) => wrong.push(format!("{text} should fail ({want}), is {}{}", x.dtype(), x.shape())),
            (Ok(x), Some((spec, elements))) => {
                let is = format!("{}{}", x.dtype(), x.shape());
                if is != spec {
                    wrong.push(format!("{text} should be {spec}, is {is}"));
                    continue;
                }
                let value = evaluate(x.node(), &arrays);
                let want: Vec<Scalar> = elements.split_whitespace().map(|e| scalar(e, x.dtype())).collect();
                let same = value.data.len().min(24) == want.len() && value.data.iter().zip(&want).all(|(a, b)| close(*a, *b));
                if !same {
                    wrong.push(format!("{text} should be\n  {want:?}, is\n  {:?}", value.data));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {seen}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 300);
}

/// Programs with assignments, views and masks: every output, and which of them are inputs changed in place.
#[test]
fn assignments_mean_what_numpy_says() {
    let table = include_str!("../testdata/assignment.txt");
    let mut inputs: Vec<(String, DynExpr<'static>)> = Vec::new();
    let mut arrays = HashMap::new();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for line in table.lines().filter(|l| !l.starts_with('#')) {
        if let Some(input) = line.strip_prefix("input ") {
            let (head, elements) = input.split_once(" | ").unwrap();
            let (name, spec) = head.split_once(' ').unwrap();
            let spec: InputSpec = spec.parse().unwrap();
            arrays.insert(name.to_string(), elements.split_whitespace().map(|e| scalar(e, spec.dtype)).collect::<Vec<_>>());
            inputs.push((name.into(), DynExpr::input(name, spec.dtype, spec.shape, false)));
            continue;
        }
        let (text, want) = line.split_once(" => ").unwrap();
        let text = text.replace("\\\\n", "\\\n").replace("\\n", "\n");
        seen += 1;
        let got = match parse(&text).and_then(|p| p.evaluate(&inputs)) {
            Ok(got) => got,
            Err(_) if matches!(want, "!" | "?") => continue,
            Err(e) => {
                wrong.push(format!("{text} should be {want}\n{e}"));
                continue;
            }
        };
        // Of elements that a mask selects there are as many as are counted.
        let count = |o: &crate::text::Output| match evaluate(o.count.as_ref()?.node(), &arrays).data[0] {
            Scalar::I64(count) => Some(count as usize),
            _ => None,
        };
        let shown = |o: &crate::text::Output| {
            let shape = count(o).map_or_else(|| o.value.shape().to_string(), |n| format!("[{n}]"));
            format!("{}{} {}{shape}", if o.updates { "*" } else { "" }, o.name, o.value.dtype())
        };
        let is: Vec<String> = got.iter().map(shown).collect();
        let parts: Vec<(&str, &str)> = want.split(" ;; ").map(|p| p.split_once(" |").unwrap_or((p, ""))).collect();
        if is != parts.iter().map(|p| p.0).collect::<Vec<_>>() {
            wrong.push(format!("{text} should be {want}\n  is {is:?}"));
            continue;
        }
        for (output, (head, elements)) in got.iter().zip(parts) {
            let want: Vec<Scalar> = elements.split_whitespace().map(|e| scalar(e, output.value.dtype())).collect();
            let mut value = evaluate(output.value.node(), &arrays);
            value.data.truncate(count(output).unwrap_or(usize::MAX));
            // A constant stands for an array of itself.
            let same =
                value.data.len() == want.len() && value.data.iter().zip(&want).all(|(a, b)| close(*a, *b) || a.is_nan() && b.is_nan());
            if !same {
                wrong.push(format!("{text}: {head} should be\n  {want:?}, is\n  {:?}", value.data));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {seen}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 250);
}

/// A row without a test in the table above is a row that nobody has run.
#[test]
fn the_table_uses_every_function() {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let words: hashbrown::HashSet<&str> =
        [TABLE, ELEMENTS, include_str!("../testdata/complex.txt"), include_str!("../testdata/assignment.txt")]
            .iter()
            .flat_map(|t| t.lines())
            .filter_map(|l| l.split_once(" => "))
            .flat_map(|(text, _)| text.split(|c| !is_word(c)))
            .collect();
    let missing: Vec<_> = functions::names().filter(|n| !words.contains(n)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
