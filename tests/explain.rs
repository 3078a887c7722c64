//! Reports of whole programs, kept in `tests/explain/`; every placement and every reason, provoked; what is required and not kept.
//!
//! `BLESS=1 cargo test --test explain` writes the files anew. A report names lines, so each program is declared in the file that
//! is kept with it: `at` takes them relative to the program's first line.

use std::collections::BTreeSet;
use std::path::Path;

use elide::{Array, ArrayRef, Axes, Axis, DType, ErrorKind, Expr, Kernel, KernelBuilder, Placement, Reason, Report, Requirement, Size, s};

fn build(name: &str, declare: &dyn Fn(&mut KernelBuilder)) -> Kernel {
    let mut b = Kernel::builder(name);
    declare(&mut b);
    b.build().unwrap()
}

/// The text with the lines of this file counted from `first`, so that a test above does not change those below.
fn relative(text: &str, first: u32) -> String {
    let mark = format!("{}:", file!());
    let mut parts = text.split(&mark);
    let mut out = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let line: u32 = part[..digits].parse().unwrap();
        out += &format!("{}:+{}{}", file!(), line - first, &part[digits..]);
    }
    out
}

/// Compares text with the file `tests/explain/{name}`.
fn kept(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explain").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "{}:\nwas:\n{kept}\nnow:\n{text}\nBLESS=1 cargo test --test explain rewrites the file", path.display());
}

struct Program {
    name: &'static str,
    line: u32,
    declare: fn(&mut KernelBuilder),
}

#[rustfmt::skip]
const PROGRAMS: &[Program] = &[
    Program { name: "wind_speed", line: line!(), declare: |b| {
        let [n, m] = b.dims(["n", "m"]);
        let u = &b.input::<f32>("u", [&n, &m]);
        let v = &b.input::<f32>("v", [n, m]);
        b.output("speed", (u * u + v * v).sqrt());
    } },
    Program { name: "softmax", line: line!(), declare: |b| {
        let [n, m] = b.dims(["n", "m"]);
        let x = b.input::<f32>("x", [n, m]);
        let rows = Axes::from(1).keepdims();
        let e = (&x - x.max_over(rows.clone())).exp();
        b.output("y", &e / e.sum_over(rows));
    } },
    Program { name: "spread", line: line!(), declare: |b| {
        let [n, m] = b.dims(["n", "m"]);
        let x = &b.input::<f64>("x", [n, m]);
        let d = &(x - x.mean_axis(Axis(0)));
        b.output("y", (d * d).sum_axis(0));
    } },
    Program { name: "spread_back", line: line!(), declare: |b| {
        let [n, m] = b.dims(["n", "m"]);
        let x = &b.input::<f64>("x", [n, m]);
        let d = &(x - x.mean_axis(Axis(0)).invert_axis(0));
        b.output("y", (d * d).sum_axis(0));
    } },
    Program { name: "share_of_total", line: line!(), declare: |b| {
        let [n] = b.dims(["n"]);
        let x = &b.input::<f64>("x", [n]);
        b.output("y", x / x.sum());
    } },
    Program { name: "distances", line: line!(), declare: |b| {
        let [n, m, k] = b.dims(["n", "m", "k"]);
        let x = b.input::<f64>("x", [&n, &k]).insert_axis(1);
        let y = b.input::<f64>("y", [&m, &k]).insert_axis(0);
        let d = &(x - y);
        let d = (d * d).sum_axis(2).sqrt();
        b.output("near", &d / d.sum_over(Axes::from(1).keepdims()));
    } },
    Program { name: "given_away", line: line!(), declare: |b| {
        let [n, m] = b.dims(["n", "m"]);
        let g = &b.input::<f64>("g", [&n, &m]);
        let x = &b.input::<f64>("x", [&n, &m]);
        let e = &(x - g.sum()).t().exp().reshape([-1]).reshape([elide::Extent::from(&n), elide::Extent::from(&m)]);
        b.output("y", e / e.sum_axis(Axis(0)).invert_axis(0));
        b.give_away(g);
    } },
    Program { name: "promoted", line: line!(), declare: |b| {
        let [n] = b.dims(["n"]);
        let i = b.input_dyn("i", DType::I32, elide::Shape::of([&n]), false);
        let w = b.input_dyn("w", DType::F32, elide::Shape::of([&n]), false);
        let third = &i / 3;
        b.output("third", third);
        b.output("weighted", &i * &w);
        b.output("mean", i.mean());
        b.output("double", w.astype(DType::F64) + 1.0);
    } },
    Program { name: "prefix", line: line!(), declare: |b| {
        let [n] = b.dims(["n"]);
        let x = &b.input::<f64>("x", [n]);
        b.update(x, x.at(s![..-1]).add(x.slice(s![1..])));
    } },
    Program { name: "shifted_back", line: line!(), declare: |b| {
        let [n] = b.dims(["n"]);
        let x = &b.input::<f64>("x", [n]);
        b.update(x, x.at(s![1..]).add(x.slice(s![..-1])));
    } },
    Program { name: "symmetrized", line: line!(), declare: |b| {
        let [n] = b.dims(["n"]);
        let x = &b.input::<f64>("x", [&n, &n]);
        b.update(x, (x + x.t()) * 0.5);
    } },
    Program { name: "relaxed", line: line!(), declare: |b| {
        let [n, m] = b.dims(["n", "m"]);
        let x = &b.input::<f64>("x", [n, m]);
        b.update(x, x.at(s![1..-1, ..]).set((x.slice(s![..-2, ..]) + x.slice(s![2.., ..])) * 0.5));
    } },
    Program { name: "fixed_order", line: line!(), declare: |b| {
        let [n, m] = b.dims(["n", "m"]);
        let x = &b.input::<f64>("x", [n, m]);
        let above = x.slice(s![..-1, 2..]) - x.slice(s![..-1, ..-2]);
        b.update(x, x.at(s![1.., 1..-1]).set(above));
    } },
    Program { name: "joined", line: line!(), declare: |b| {
        let [n] = b.dims(["n"]);
        let x = &b.input::<f64>("x", [n]);
        let both = elide::concatenate(&[x.clone(), x * 2.0], 0);
        b.output("total", both.sum() + &both);
    } },
    Program { name: "diffusion", line: line!(), declare: |b| {
        let [k, n, m] = b.dims(["k", "n", "m"]);
        let u = &b.input::<f64>("u", [k, n, m]);
        let around = |u: &Expr<'static, f64>| {
            let (up, down) = (u.slice(s![.., ..-2, 1..-1]), u.slice(s![.., 2.., 1..-1]));
            up + down + u.slice(s![.., 1..-1, ..-2]) + u.slice(s![.., 1..-1, 2..]) - 4.0 * u.slice(s![.., 1..-1, 1..-1])
        };
        b.output("next", u.slice(s![.., 2..-2, 2..-2]) - 0.1 * around(&around(u)));
    } },
    Program { name: "taken", line: line!(), declare: |b| {
        let [n, m, k] = b.dims(["n", "m", "k"]);
        let x = &b.input::<f32>("x", [n, m]);
        let rows = b.input::<i32>("rows", [&k]);
        let weights = b.input::<f32>("weights", [k]).insert_axis(1);
        b.output("y", (x.take(rows, 0) * weights).sum_axis(Axis(0)));
    } },
    Program { name: "group_means", line: line!(), declare: |b| {
        let [n] = b.dims(["n"]);
        let (x, group) = (&b.input::<f32>("x", [&n]), &b.input::<i32>("group", [&n]));
        b.output("mean", group.bincount_weighted(x * x, 16) / group.bincount(16).cast::<f32>());
    } },
    Program { name: "accumulated", line: line!(), declare: |b| {
        let [n, m, k] = b.dims(["n", "m", "k"]);
        let total = &b.input::<f64>("total", [&m, &k]);
        let (x, rows) = (&b.input::<f64>("x", [&n, &k]), &b.input::<i64>("rows", [&n]));
        b.update(total, total.at_indices(rows, 0).add(x * 0.5));
    } },
    Program { name: "flattened", line: line!(), declare: |b| {
        let [n, m] = b.dims(["n", "m"]);
        let x = b.input::<f64>("x", [n, m]);
        b.output("y", (x.t().exp() + 1.0).reshape([-1]));
    } },
    Program { name: "straddling", line: line!(), declare: |b| {
        let x = b.input::<f64>("x", [64, 12]);
        b.output("y", (x.t() * 2.0).reshape([-1, 96]).sum_axis(1));
    } },
    Program { name: "fixed", line: line!(), declare: |b| {
        let x = &b.input::<i16>("x", [10, 12]);
        let y = x.t().reshape([10, 12]) * 2;
        b.output("y", y);
    } },
];

#[test]
fn reports_of_programs() {
    for p in PROGRAMS {
        let kernel = build(p.name, &p.declare);
        let text = relative(&kernel.explain().unwrap().to_string(), p.line);
        assert_eq!(text, relative(&kernel.explain().unwrap().to_string(), p.line));
        kept(&format!("{}.txt", p.name), &text);
    }
}

/// Reductions over one space share a nest, and so do results of one shape; what depends on a reduction follows it strip by strip.
#[test]
fn one_pass_for_reductions_over_one_space() {
    let nests = |declare: &dyn Fn(&mut KernelBuilder, &Expr<'static, f64>)| {
        let kernel = build("passes", &|b| {
            let [n, m] = b.dims(["n", "m"]);
            let x = b.input::<f64>("x", [n, m]);
            declare(b, &x);
        });
        kernel.explain().unwrap().nests().len()
    };
    for axis in [0, 1] {
        let three = nests(&|b, x| {
            b.output("min", x.min_axis(Axis(axis))).output("max", x.max_axis(Axis(axis))).output("sum", x.sum_axis(Axis(axis)));
        });
        assert_eq!(three, 1, "along axis {axis}");
    }
    let whole = nests(&|b, x| {
        b.output("min", x.min()).output("mean", x.mean()).output("squares", (x * x).sum());
    });
    assert_eq!(whole, 1);
    // Its mean is there before a deviation is: two passes, of which the first has both the mean that is a result and the one that is used.
    let spread = nests(&|b, x| {
        let (mean, squared) = (x.mean_axis(Axis(1)), |d: Expr<'static, f64>| &d * &d);
        b.output("spread", squared(x - mean.insert_axis(1)).sum_axis(Axis(1))).output("mean", mean);
    });
    assert_eq!(spread, 2);
    // A mean with and without an axis for the rows is one mean. The last two are the reciprocals of the deviations, and the result.
    let standardized = nests(&|b, x| {
        let mean = x.mean_axis(Axis(0));
        let apart = x - mean.insert_axis(0);
        let variance = (&apart * &apart).mean_axis(Axis(0));
        b.output("y", (x - &mean) / variance.sqrt()).output("mean", mean);
    });
    assert_eq!(standardized, 4);
    let alike = nests(&|b, x| {
        b.output("double", x * 2.0).output("next", x + 1.0);
    });
    assert_eq!(alike, 1);
    // A sum down the rows is not done before the last row is.
    let both = nests(&|b, x| {
        b.output("rows", x.sum_axis(Axis(1))).output("columns", x.sum_axis(Axis(0)));
    });
    assert_eq!(both, 2);
}

/// Each reason, by a program that has it; and those of the programs above.
fn provoked() -> Vec<(&'static str, Report)> {
    let mut all: Vec<(&'static str, Report)> = Vec::new();
    let mut add = |name, declare: &dyn Fn(&mut KernelBuilder)| {
        let report = build(name, declare).explain().unwrap();
        all.push((name, report));
    };
    for p in PROGRAMS {
        add(p.name, &p.declare);
    }
    add("many windows", &|b| {
        let [n] = b.dims(["n"]);
        let e = b.input::<f64>("x", [n]).exp();
        let sum = (0..40).map(|k| e.slice(s![k..k - 40])).reduce(|a, b| a + b).unwrap();
        b.output("y", sum);
    });
    // No axes have both shapes as mergings of theirs.
    add("strided rows of another length", &|b| {
        let [n, m] = b.dims(["n", "m"]);
        let x = &b.input::<f64>("x", [&n, &m]);
        b.output("y", x.t().reshape([n, m]) + x);
    });
    add("computed rows of another length", &|b| {
        let [n, m] = b.dims(["n", "m"]);
        let x = &b.input::<f64>("x", [&n, &m]);
        b.output("y", x.t().exp().reshape([n, m]) + x);
    });
    add("taken from what is computed", &|b| {
        let [n, k] = b.dims(["n", "k"]);
        let x = &b.input::<f64>("x", [n]);
        let index = b.input::<i64>("index", [k]);
        b.output("y", (x * 2.0).take(index, 0));
    });
    add("flattened update", &|b| {
        let [n, m] = b.dims(["n", "m"]);
        let x = &b.input::<f64>("x", [n, m]);
        b.output("y", x.reshape([-1]) * 2.0);
        b.update(x, x + 1.0);
    });
    add("chain of means", &|b| {
        let [n] = b.dims(["n"]);
        let mut x = b.input::<f64>("x", [n]);
        for _ in 0..200 {
            x = &x - x.mean();
        }
        b.output("y", x);
    });
    add("a long chain", &|b| {
        let [n] = b.dims(["n"]);
        let x = b.input::<f64>("x", [n]);
        let mut y = x.clone();
        for _ in 0..4000 {
            y = (y + &x) * 0.5;
        }
        b.output("y", y);
    });
    all
}

#[test]
fn every_reason_and_every_placement_is_provoked() {
    let all = provoked();
    let values = || all.iter().flat_map(|(_, r)| r.values());
    let reasons: BTreeSet<Reason> = values().filter_map(|v| v.reason).collect();
    let missing: Vec<_> = Reason::ALL.iter().filter(|r| !reasons.contains(r)).collect();
    assert!(missing.is_empty(), "no program has {missing:?}");
    let placements: BTreeSet<Placement> = values().map(|v| v.placement).collect();
    let missing: Vec<_> = Placement::ALL.iter().filter(|p| !placements.contains(p)).collect();
    assert!(missing.is_empty(), "no program has {missing:?}");
}

/// Whether a value lies in an input that the caller gives away.
fn given_away(r: &Report, v: &elide::Value) -> bool {
    r.inputs().iter().any(|i| i.given_away && v.memory.as_deref() == Some(&*i.name))
}

/// What the ledger says of memory is what the slots say, and only what takes memory that nobody asked for, or is read at an index
/// that nobody wrote, has a reason.
#[test]
fn the_ledger_and_the_slots_agree() {
    for (name, r) in provoked() {
        for v in r.values() {
            let scratch = matches!(v.placement, Placement::Buffer | Placement::Copy | Placement::TileScratch);
            let own_index = v.reason == Some(Reason::OwnIndex);
            assert!(!own_index || v.placement == Placement::ComputedIndex, "{name}: {v:?}");
            assert_eq!(v.reason.is_some(), scratch || own_index, "{name}: {v:?}");
            let in_slot = v.memory.as_ref().is_some_and(|m| m.starts_with("slot "));
            assert_eq!(in_slot || v.until.is_some() || v.since.is_some(), scratch, "{name}: {v:?}");
            // Scratch memory is a slot, an output that no nest up to the value's last reader writes to, or an input given away.
            assert!(v.until.is_none_or(|nest| !in_slot && v.nests.iter().all(|k| *k < nest)), "{name}: {v:?}");
            assert!(v.since.is_none_or(|nest| given_away(&r, v) && v.nests.iter().all(|k| *k >= nest)), "{name}: {v:?}");
            let stored = !matches!(v.placement, Placement::Scalar | Placement::View | Placement::ComputedIndex | Placement::Inline);
            assert_eq!(v.memory.is_some(), stored, "{name}: {v:?}");
            assert_eq!(v.bytes == Size::ZERO, !stored, "{name}: {v:?}");
            // A window of constant size is tile scratch, and nothing else is.
            assert_eq!(v.window && v.bytes.as_const().is_some(), v.placement == Placement::TileScratch, "{name}: {v:?}");
            if matches!(v.placement, Placement::Inline | Placement::ComputedIndex) {
                assert!(!v.nests.is_empty(), "{name}: nothing computes {v:?}");
            }
        }
        for (k, slot) in r.slots().iter().enumerate() {
            let memory = format!("slot {k}");
            let held = r.values().iter().filter(|v| v.memory.as_ref() == Some(&memory));
            for dims in [[("n", 7), ("m", 300), ("k", 40)], [("n", 0), ("m", 1), ("k", 2)], [("n", 5000), ("m", 6), ("k", 9)]] {
                let bytes = |s: &Size| s.evaluate(&dims).unwrap();
                assert_eq!(held.clone().map(|v| bytes(&v.bytes)).max(), Some(bytes(&slot.bytes)), "{name}: slot {k} where {dims:?}");
            }
            assert!(held.clone().all(|v| !v.window || slot.window), "{name}: slot {k}");
            assert!(slot.holds.iter().all(|(n, ..)| held.clone().any(|v| v.name == *n)), "{name}: slot {k}");
        }
        let text = r.to_string();
        assert!(r.values().iter().all(|v| text.contains(&format!("  {} = {}  ({}", v.name, v.text, v.placement.name()))), "{text}");
    }
}

#[test]
fn sizes_are_formulas_and_numbers() {
    let program = |name| PROGRAMS.iter().find(|p| p.name == name).unwrap();
    let spread = build("spread", &program("spread").declare).explain().unwrap();
    // As many means as 128 KiB hold, or one row of a strip that cannot be shorter.
    assert_eq!((spread.scratch_bytes().as_const(), spread.slots()[0].window), (Some((128 << 10) + 8), true));
    let r = build("spread_back", &program("spread_back").declare).explain().unwrap();
    assert_eq!(r.kernel(), "spread_back");
    assert_eq!(r.scratch_bytes().to_string(), "8*m");
    assert_eq!((spread.bytes_read(), spread.bytes_written(), spread.flops()), (r.bytes_read(), r.bytes_written(), r.flops()));
    // Twice over x, once over the means; x - mean, its square, and two sums; a quotient for each column.
    assert_eq!(r.bytes_read().to_string(), "16*m*n + 8*m");
    assert_eq!(r.bytes_written().to_string(), "16*m");
    assert_eq!(r.flops().to_string(), "4*m*n + m");
    assert_eq!(r.flops().evaluate(&[("n", 10), ("m", 3)]), Some(123));
    let fixed = build("fixed", &PROGRAMS.last().unwrap().declare).explain().unwrap();
    assert_eq!(fixed.scratch_bytes().as_const(), Some(2 * 10 * 12));
    assert_eq!((fixed.flops().as_const(), fixed.bytes_written().as_const()), (Some(0), Some(2 * 2 * 10 * 12)));
}

/// Another layout is another plan: a reshape of a strided array is a copy, and the report of the call says so.
#[test]
fn another_layout_has_its_own_report() {
    let mut b = Kernel::builder("flat");
    let [n, m] = b.dims(["n", "m"]);
    let x = &b.input::<f64>("x", [n, m]);
    b.output("y", x.reshape([-1]) + 1.0);
    let kernel = b.build().unwrap();
    assert_eq!(kernel.explain().unwrap().scratch_bytes(), Size::ZERO);
    let (data, mut y) = ([1.0f64; 6], [0.0; 6]);
    let mut call = kernel.call();
    assert_eq!(call.scratch_bytes(), 0);
    let x = ArrayRef::strided(&data, &[2, 3], &[1, 2], 0).unwrap();
    call.bind("x", x).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
    let report = call.explain().unwrap();
    assert_eq!(report.layouts(), "`x` in Fortran order");
    let copy = report.values().iter().find(|v| v.placement == Placement::Copy).unwrap();
    assert_eq!((copy.reason, copy.text.as_str()), (Some(Reason::ReshapeOfStrided), "input x : f64[n,m]"));
    assert_eq!(report.scratch_bytes().evaluate(&[("n", 2), ("m", 3)]), Some(call.scratch_bytes() as i64));
}

/// What is required of a kernel, the lines of its declaration, and the message.
fn contract(name: &str, line: u32, b: KernelBuilder) {
    let e = b.build().unwrap_err();
    assert!(matches!(e.kind(), ErrorKind::Contract | ErrorKind::Bind), "{e}");
    kept(&format!("contract_{name}.txt"), &format!("{}\n", relative(&e.to_string().replace(":5\n", "\n"), line)));
}

#[test]
#[rustfmt::skip]
fn what_is_required_and_not_kept() {
    let start = |name| { let b = Kernel::builder(name); let [n, m] = b.dims(["n", "m"]); (b, n, m) };

    let line = line!();
    let (mut b, n, m) = start("temporary");
    let x = &b.input::<f64>("x", [n, m]);
    let largest = x.max_axis(Axis(0));
    b.output("y", largest.invert_axis(0) - x);
    b.require(Requirement::NoCopies);
    b.require(Requirement::NoTemporaries);
    contract("no_temporaries", line, b);

    let line = line!();
    let (mut b, n, _) = start("copy");
    let x = &b.input::<f64>("x", [&n, &n]);
    let around = x.slice(s![..-2, ..]) + x.slice(s![2.., ..]);
    b.update(x, x.at(s![1..-1, ..]).set(around));
    b.require(Requirement::NoCopies);
    contract("no_copies", line, b);

    let line = line!();
    let (mut b, n, _) = start("in_place");
    let x = &b.input::<f64>("x", [&n, &n]);
    let around = x.slice(s![..-2, ..]) + x.slice(s![2.., ..]);
    b.update(x, x.at(s![1..-1, ..]).set(around));
    b.require(Requirement::in_place("x"));
    contract("in_place_copy", line, b);

    let line = line!();
    let (mut b, n, m) = start("elsewhere");
    let x = &b.input::<f64>("x", [n, m]);
    let y = x + 1.0;
    b.output("y", y);
    b.require(Requirement::in_place("y"));
    contract("in_place_output", line, b);

    let line = line!();
    let (mut b, n, m) = start("unknown");
    let x = &b.input::<f64>("x", [n, m]);
    b.output("y", x + 1.0);
    b.require(Requirement::in_place("z"));
    contract("in_place_unknown", line, b);

    let line = line!();
    let (mut b, n, m) = start("peak");
    let x = &b.input::<f64>("x", [n, m]);
    let largest = x.max_axis(Axis(0));
    b.output("y", (largest.invert_axis(0) - x).sum_axis(Axis(0)));
    b.require(Requirement::peak_bytes(Size::named("m").scale(8)));
    b.require(Requirement::peak_bytes(4096));
    contract("peak_bytes", line, b);

    let line = line!();
    let (mut b, n, m) = start("peak_of_window");
    let x = &b.input::<f64>("x", [n, m]);
    let largest = x.max_axis(Axis(0));
    b.output("y", (largest - x).sum_axis(Axis(0)));
    b.require(Requirement::NoTemporaries);
    b.require(Requirement::peak_bytes((128 << 10) + 8));
    b.require(Requirement::peak_bytes(4096));
    contract("peak_bytes_of_window", line, b);

    let line = line!();
    let (mut b, n, m) = start("growing_window");
    let x = b.input::<f64>("x", [&n, &m]);
    let d = x.insert_axis(1) - x.insert_axis(0);
    let squares = (&d * &d).sum_axis(Axis(2));
    b.output("y", squares.sqrt().max_axis(Axis(1)));
    b.require(Requirement::NoTemporaries);
    contract("no_temporaries_of_window", line, b);

    let line = line!();
    let (mut b, n, _) = start("peak_of_two");
    let x = &b.input::<f64>("x", [n]);
    let (total, least) = (x.sum(), x.min());
    b.output("y", x * total + least);
    b.require(Requirement::peak_bytes(8));
    contract("peak_bytes_of_two", line, b);
}

#[test]
fn what_is_required_and_kept() {
    let mut b = Kernel::builder("kept");
    let [n] = b.dims(["n"]);
    let x = &b.input::<f64>("x", [n]);
    b.update(x, x.at(s![1..]).add(x.slice(s![..-1])));
    b.output("total", (x * x).sum());
    b.require(Requirement::NoTemporaries).require(Requirement::NoCopies);
    b.require(Requirement::in_place("x")).require(Requirement::peak_bytes(0));
    b.build().unwrap();
}

/// The plan for another layout is held to the same, when arrays are first bound.
#[test]
fn other_layouts_are_held_to_it_when_bound() {
    let mut b = Kernel::builder("flat");
    let [n, m] = b.dims(["n", "m"]);
    let line = line!();
    let x = &b.input::<f64>("x", [n, m]);
    b.output("y", x.reshape([-1]) + 1.0);
    b.require(Requirement::NoCopies);
    let kernel = b.build().unwrap();
    let (data, mut y) = ([1.0f64; 6], [0.0; 6]);
    let mut call = kernel.call();
    for _ in 0..2 {
        let x = ArrayRef::strided(&data, &[2, 3], &[1, 2], 0).unwrap();
        let e = call.bind("x", x).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Contract);
        kept("contract_layout.txt", &format!("{}\n", relative(&e.to_string(), line)));
    }
    let x = Array::new(&[2, 3], data.to_vec()).unwrap();
    call.bind("x", &x).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
    assert_eq!(y, [2.0; 6]);
}

/// The JSON says what the text and the accessors say.
#[cfg(feature = "json")]
#[test]
fn json_agrees_with_the_report() {
    for (name, r) in provoked().into_iter().filter(|(_, r)| r.values().len() < 200) {
        let json: serde_json::Value = serde_json::from_str(&r.to_json()).unwrap();
        let text = r.to_string();
        assert_eq!(json["kernel"], name);
        assert_eq!(json["nests"].as_array().unwrap().len(), r.nests().len());
        assert_eq!(json["values"].as_array().unwrap().len(), r.values().len());
        for (j, v) in json["values"].as_array().unwrap().iter().zip(r.values()) {
            assert_eq!(j["since"].as_u64(), v.since.map(|nest| nest as u64));
            assert_eq!((j["name"].as_str(), j["placement"].as_str()), (Some(v.name.as_str()), Some(v.placement.name())));
            assert_eq!(j["reason"].as_str(), v.reason.map(|r| r.name()));
            assert_eq!(j["bytes"]["number"].as_i64(), v.bytes.as_const());
            assert!(text.contains(&format!("  {} = {}  ({}", v.name, v.text, v.placement.name())));
            if let Some(site) = j["site"].as_str() {
                assert!(text.contains(&format!("  # {site}\n")), "{site}");
            }
        }
        let [read, written, flops, peak] =
            ["bytes_read", "bytes_written", "flops", "scratch_bytes"].map(|k| json[k]["formula"].as_str().unwrap());
        assert!(text.ends_with(&format!("\nper run: {read} bytes read, {written} written, {flops} flops\n")), "{text}");
        let more = match json["scratch_bytes_per_thread"]["formula"].as_str().unwrap() {
            "0" => String::new(),
            more => format!(", and {more} for each thread after the first"),
        };
        assert!(text.contains(&format!("\nscratch memory: {peak} bytes at most{more}\n")), "{text}");
    }
}

/// Kept from the compiler's eyes: an expression that is not read.
#[test]
fn what_no_output_needs_is_not_in_the_ledger() {
    let mut b = Kernel::builder("unread");
    let x = b.input::<f64>("x", [4]);
    let _unread: Expr<'_, f64> = b.input::<f64>("z", [4]).exp();
    b.output("y", x + 1.0);
    let r = b.build().unwrap().explain().unwrap();
    assert_eq!(r.inputs().len(), 2);
    assert!(r.values().iter().all(|v| !v.text.contains("input z")), "{r}");
}
