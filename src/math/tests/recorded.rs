//! Recorded points: those beside this file, and the accuracy data beside the checkout.

use super::*;
use std::path::PathBuf;

/// Random points: the function, the bits of its operands and of the correctly rounded result, and how far beyond that the exact
/// result is, in 2^-20 of a unit in the last place. A file beside this one, that of points where earlier expansions were beyond the bound, and
/// one more if `ELIDE_ACCURACY_POINTS` names it; `points.py` writes them.
#[test]
fn f64_at_random_points() {
    let more = std::env::var("ELIDE_ACCURACY_POINTS").map(|path| std::fs::read_to_string(path).expect("the points can be read"));
    for text in [include_str!("points.txt"), include_str!("worst.txt"), &more.unwrap_or_default()] {
        let mut points: std::collections::BTreeMap<&str, Vec<Vec<&str>>> = Default::default();
        for line in text.lines() {
            let mut words = line.split(' ');
            points.entry(words.next().unwrap()).or_default().push(words.collect());
        }
        let mut failures = Vec::new();
        for (which, lines) in points {
            let one = bounded().filter(|f| name(f) == which).flat_map(variants_1).map(|(f, bound)| (Ok(f), bound));
            let two = Function2::ALL.iter().filter(|f| name(f) == which).flat_map(|f| variants_2(*f)).map(|(f, bound)| (Err(f), bound));
            for (f, bound) in one.chain(two) {
                let mut worst = Worst::new(f.map_or_else(name, name), "random points", bound);
                for words in &lines {
                    let numbers: Vec<f64> = words[..words.len() - 1].iter().map(|w| f64::from_bits(hex(w))).collect();
                    let beyond = words[words.len() - 1].parse::<f64>().unwrap() / 1048576.0;
                    let (operands, want) = (&numbers[..numbers.len() - 1], numbers[numbers.len() - 1]);
                    let got = f.map_or_else(|f| of_2(f, operands[0], operands[1]), |f| of_1(f, operands[0]));
                    let error = ulps(got, want, beyond);
                    // Where the terms of a sum cancel, its error is that of a larger number.
                    let larger = match f {
                        Err(Logaddexp | Logaddexp2) => 0.5,
                        Ok(Lgamma) if operands[0] < 0.0 => 1.0,
                        _ => 0.0,
                    };
                    worst.see(error / (larger / want.abs()).max(1.0), operands);
                }
                if std::panic::catch_unwind(|| worst.judge()).is_err() {
                    failures.push(which);
                }
            }
        }
        assert!(failures.is_empty(), "{failures:?}");
    }
}

#[test]
fn f64_at_correctly_rounded_points() {
    let [exp, log, tanh, sin, cos] = [points::EXP, points::LOG, points::TANH, points::SIN, points::COS];
    for (exact, table) in [(Exp, exp), (Log, log), (Tanh, tanh), (Sin, sin), (Cos, cos)] {
        for (f, bound) in variants_1(exact) {
            let mut worst = Worst::new(f, "built-in points", bound + 0.5);
            for &[x, want] in table {
                let x = f64::from_bits(x);
                worst.see(ulps(of_1(f, x), f64::from_bits(want), 0.0), x);
            }
            worst.judge();
        }
    }
    for (exact, table) in [(Pow, points::POW), (Atan2, points::ATAN2)] {
        for (f, bound) in variants_2(exact) {
            let mut worst = Worst::new(f, "built-in points", bound + 0.5);
            for &[x, y, want] in table {
                let [x, y] = [x, y].map(f64::from_bits);
                worst.see(ulps(of_2(f, x, y), f64::from_bits(want), 0.0), (x, y));
            }
            worst.judge();
        }
    }
}

/// A file of the accuracy data beside the checkout, if it is there.
fn data(path: &str) -> Option<String> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/accuracy").join(path);
    let text = std::fs::read_to_string(&file).ok();
    if text.is_none() {
        eprintln!("SKIPPED: {} is not there", file.display());
    }
    text
}

fn hex(word: &str) -> u64 {
    u64::from_str_radix(word.trim_start_matches("0x"), 16).unwrap_or_else(|_| panic!("`{word}` is not a number in hex"))
}

#[test]
fn f64_at_points_that_are_hard_to_round() {
    for f in bounded() {
        let Some(text) = data(&format!("hard/{}.csv", name(f))) else { continue };
        for (f, bound) in variants_1(f) {
            let mut worst = Worst::new(f, "hard points", bound + 0.5);
            for line in text.lines().filter(|l| !l.starts_with('#')) {
                let words: Vec<f64> = line.split(',').map(|w| f64::from_bits(hex(w))).collect();
                worst.see(ulps(of_1(f, words[0]), words[1], 0.0), words[0]);
            }
            worst.judge();
        }
    }
    for f in [Pow, Atan2, Hypot] {
        let Some(text) = data(&format!("hard/{}.csv", name(f))) else { continue };
        let mut worst = Worst::new(f, "hard points", BOUND + 0.5);
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            let words: Vec<f64> = line.split(',').map(|w| f64::from_bits(hex(w))).collect();
            worst.see(ulps(of_2(f, words[0], words[1]), words[2], 0.0), (words[0], words[1]));
        }
        worst.judge();
        let Some(text) = data(&format!("hard/{}f.csv", name(f))) else { continue };
        let mut worst = Worst::new(f, "hard points of f32", BOUND + 0.5);
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            let words: Vec<f32> = line.split(',').map(|w| f32::from_bits(hex(w) as u32)).collect();
            worst.see(ulps_single(single_2(f, words[0], words[1]), words[2] as f64), (words[0], words[1]));
        }
        worst.judge();
    }
}

#[test]
fn numpys_validation_sets() {
    for f in bounded() {
        let theirs = match f {
            Asin | Acos | Atan | Asinh | Acosh | Atanh => format!("arc{}", &name(f)[1..]),
            _ => name(f),
        };
        let Some(text) = data(&format!("numpy/umath-validation-set-{theirs}.csv")) else { continue };
        for (f, bound) in variants_1(f) {
            let mut single = Worst::new(f, "NumPy's points of f32", bound + 0.5);
            let mut double = Worst::new(f, "NumPy's points of f64", bound + 0.5);
            for line in text.lines() {
                let words: Vec<&str> = line.split(',').collect();
                if words[0] == "np.float32" {
                    let [x, want] = [words[1], words[2]].map(|w| f32::from_bits(hex(w) as u32));
                    single.see(ulps_single(single_1(f, x), want as f64), x);
                } else if words[0] == "np.float64" {
                    let [x, want] = [words[1], words[2]].map(|w| f64::from_bits(hex(w)));
                    double.see(ulps(of_1(f, x), want, 0.0), x);
                }
            }
            single.judge();
            double.judge();
        }
    }
}

/// Arm's vectors give more digits of the result than fit: `3ffa6129.8e1e069b.c97`.
#[test]
fn arms_directed_vectors() {
    let field = |line: &str, key: &str| line.split(' ').find_map(|w| w.strip_prefix(key)).map(str::to_owned);
    let parse = |word: &str, words: usize| {
        let parts: Vec<&str> = word.split('.').collect();
        let bits = parts[..words].iter().fold(0, |bits, part| bits << 32 | hex(part));
        let beyond = parts.get(words).map_or(0.0, |rest| hex(rest) as f64 / 16f64.powi(rest.len() as i32));
        (bits, beyond)
    };
    // C leaves pow of a signaling NaN open; the vectors ask for NaN even for pow(1, sNaN).
    let signaling = |x: f64, bits: u64, quiet: u64| x.is_nan() && bits & quiet == 0;
    let quiet = [1u64 << 51, 1u64 << 22];
    for f in bounded().map(Ok).chain([Err(Pow), Err(Atan2)]) {
        let name = f.map_or_else(name, name);
        let Some(text) = data(&format!("arm/{name}.tst")) else { continue };
        let mut worst = Worst::new(name, "Arm's vectors", BOUND + 0.01);
        for line in text.lines().filter(|l| l.starts_with("func=")) {
            let (want, beyond) = parse(&field(line, "result=").unwrap(), 2);
            let operands: Vec<u64> = ["op1=", "op2="].iter().filter_map(|key| Some(parse(&field(line, key)?, 2).0)).collect();
            let values: Vec<f64> = operands.iter().map(|&b| f64::from_bits(b)).collect();
            if values.iter().zip(&operands).any(|(&x, &bits)| signaling(x, bits, quiet[0])) {
                continue;
            }
            let got = f.map_or_else(|f| of_2(f, values[0], values[1]), |f| of_1(f, values[0]));
            worst.see(ulps(got, f64::from_bits(want), beyond), line);
        }
        worst.judge();
    }
    for f in bounded().map(Ok).chain([Err(Pow), Err(Atan2)]) {
        let name = f.map_or_else(name, name) + "f";
        let Some(text) = data(&format!("arm/{name}.tst")) else { continue };
        let mut worst = Worst::new(name, "Arm's vectors", BOUND + 0.5);
        for line in text.lines().filter(|l| l.starts_with("func=")) {
            let want = f32::from_bits(parse(&field(line, "result=").unwrap(), 1).0 as u32);
            let operands: Vec<u64> = ["op1=", "op2="].iter().filter_map(|key| Some(parse(&field(line, key)?, 1).0)).collect();
            let values: Vec<f32> = operands.iter().map(|&b| f32::from_bits(b as u32)).collect();
            if values.iter().zip(&operands).any(|(&x, &bits)| signaling(x as f64, bits, quiet[1])) {
                continue;
            }
            let got = f.map_or_else(|f| single_2(f, values[0], values[1]), |f| single_1(f, values[0]));
            worst.see(ulps_single(got, want as f64), line);
        }
        worst.judge();
    }
}
