//! How many instructions generated code takes per element, counted by callgrind and compared with `tests/instructions.txt`: more is
//! a regression of a code generator. Counts do not depend on what else the machine does.
//!
//! `BLESS=1 cargo test --test instructions` writes the file anew. Without valgrind nothing is counted. Valgrind has no AVX-512, so
//! the wide vectors are AVX2's.

#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use elide::{ArrayMut, ArrayRef, Axes, Axis, Backend, Complex, Element, Expr, Kernel, Threads, s, stack};

const CHILD: &str = "ELIDE_COUNT_INSTRUCTIONS";
const RECORD: &str = "tests/instructions.txt";
/// How much more than recorded is too much, or how much less is worth recording.
const TOLERANCE: f64 = 0.02;

type Typed<T> = fn(&Expr<'static, T>, &Expr<'static, T>) -> Expr<'static, T>;

/// A kernel over two tables.
enum Declare {
    F64(Typed<f64>),
    F32(Typed<f32>),
}
use Declare::{F32, F64};

const TABLE: [usize; 2] = [64, 80];

/// Kernels, and the shapes of their tables.
const KERNELS: &[(&str, [usize; 2], Declare)] = &[
    ("x * y + x", TABLE, F64(|x, y| x * y + x)),
    ("sqrt(x*x + y*y)", TABLE, F64(|x, y| (x * x + y * y).sqrt())),
    ("exp(x)", TABLE, F64(|x, _| x.exp())),
    ("sin(x)", TABLE, F64(|x, _| x.sin())),
    ("where(x > y, x, 2*y)", TABLE, F64(|x, y| x.gt(y).select(x, 2.0 * y))),
    ("sum of x*y", TABLE, F64(|x, y| (x * y).sum())),
    ("max of x", TABLE, F64(|x, _| x.max())),
    ("sums of rows", TABLE, F64(|x, _| x.sum_axis(Axis(1)))),
    ("sums of columns", TABLE, F64(|x, _| x.sum_axis(Axis(0)))),
    (
        "softmax",
        TABLE,
        F64(|x, _| {
            let rows = || Axes::from(1).keepdims();
            let e = &(x - x.max_over(rows())).exp();
            e / e.sum_over(rows())
        }),
    ),
    (
        "five points",
        TABLE,
        F64(|x, _| {
            let here = &x.slice(s![1..-1, 1..-1]);
            let (up, down) = (x.slice(s![..-2, 1..-1]), x.slice(s![2.., 1..-1]));
            let (left, right) = (x.slice(s![1..-1, ..-2]), x.slice(s![1..-1, 2..]));
            here + 0.1 * (up + down + left + right - 4.0 * here)
        }),
    ),
    ("x + y of every other column", TABLE, F64(|x, y| x.slice(s![.., ..;2]) + y.slice(s![.., 1..;2]))),
    ("x backward", TABLE, F64(|x, y| x.slice(s![.., ..;-1]) + y)),
    ("x transposed", TABLE, F64(|x, _| x.t() * 2.0)),
    // Of half as many numbers as there are elements.
    (
        "complex x * y + x",
        TABLE,
        F64(|x, y| {
            let (x, y) = (numbers(x), numbers(y));
            let z = &x * y + x;
            stack(&[z.real(), z.imag()], 2)
        }),
    ),
    ("abs of complex", TABLE, F64(|x, _| numbers(x).abs())),
    ("widened", TABLE, F64(|x, y| (x.cast::<f32>() * y.cast::<f32>()).cast::<f64>())),
    // Rows that are reduced four at a time.
    ("sums of rows of 25", [400, 25], F64(|x, _| x.sum_axis(Axis(1)))),
    (
        "variances of rows of 25",
        [400, 25],
        F64(|x, _| {
            let d = &(x - x.mean_over(Axes::from(1).keepdims()));
            (d * d).sum_axis(Axis(1))
        }),
    ),
    ("f32: maxima of rows of 80", [100, 80], F32(|x, _| x.max_over(Axis(1)))),
    (
        "f32: softmax of rows of 64",
        [64, 64],
        F32(|x, _| {
            let rows = || Axes::from(1).keepdims();
            let e = &(x - x.max_over(rows())).exp();
            e / e.sum_over(rows())
        }),
    ),
    // Divisions by what many elements share.
    ("x / 3", TABLE, F64(|x, _| x / 3.0)),
    ("x / the first of each row", TABLE, F64(|x, _| x / x.slice(s![.., 0]).insert_axis(Axis(1)))),
    ("x / the maximum of each column", TABLE, F64(|x, _| x / x.max_over(Axis(0)))),
];

/// The columns in pairs, which lie as complex numbers do.
fn numbers(x: &Expr<'static, f64>) -> Expr<'static, Complex<f64>> {
    x.slice(s![.., ..;2]).with_imag(x.slice(s![.., 1..;2]))
}

/// Asks the valgrind that this process runs under for something; nothing where there is none.
fn request(code: usize) {
    let args = [code, 0, 0, 0, 0, 0];
    // SAFETY: the sequence by which valgrind is asked (`valgrind.h`); by itself it turns a register around once and changes nothing.
    // With the two requests used here valgrind does not touch this process's memory.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            inout("rdx") 0usize => _, in("rax") args.as_ptr(), options(nostack)
        );
    }
}

/// callgrind's requests: `'C' << 24 | 'T' << 16` and their number.
const DUMP: usize = 0x4354_0000;
const ZERO: usize = 0x4354_0001;

/// One run of every kernel by both backends, each followed by a dump of the counts.
fn run_all() {
    let one = |(name, shape, declare): &(&str, [usize; 2], Declare), backend| match declare {
        F64(declare) => run(name, *shape, backend, |x| x, declare),
        F32(declare) => run(name, *shape, backend, |x| x as f32, declare),
    };
    // The first dump counts from the start of the process whatever is asked, and what is done for the first kernel alone.
    one(&KERNELS[0], Backend::Avx2);
    for kernel in KERNELS {
        for backend in [Backend::Avx2, Backend::Cranelift] {
            one(kernel, backend);
        }
    }
}

fn run<T: Element>(name: &str, shape: [usize; 2], backend: Backend, number: fn(f64) -> T, declare: &Typed<T>) {
    let [rows, columns] = shape;
    let data = |seed: usize| -> Vec<T> { (0..rows * columns).map(|k| number(((k * 7919 + seed) % 1013) as f64 / 512.0 + 0.25)).collect() };
    let (x, y) = (data(1), data(2));
    let mut b = Kernel::builder(name);
    let [n, m] = b.dims(["n", "m"]);
    let [p, q] = ["x", "y"].map(|name| b.input::<T>(name, [&n, &m]));
    b.output("out", declare(&p, &q)).threads(Threads::One).backend(backend);
    let kernel = b.build().unwrap();
    let dims = [("n", rows as i64), ("m", columns as i64)];
    let shape: Vec<usize> = kernel.outputs()[0].shape().extents().iter().map(|e| e.evaluate(&dims).unwrap() as usize).collect();
    let mut result = vec![number(0.0); shape.iter().product()];
    let strides: Vec<isize> = (0..shape.len()).map(|k| shape[k + 1..].iter().product::<usize>() as isize).collect();
    let table = |data| ArrayRef::strided(data, &[rows, columns], &[columns as isize, 1], 0).unwrap();
    let mut call = kernel.call();
    let out = ArrayMut::strided(&mut result, &shape, &strides, 0).unwrap();
    let mut bound = call.bind("x", table(&x)).unwrap().bind("y", table(&y)).unwrap().bind_mut("out", out).unwrap();
    bound.run().unwrap();
    request(ZERO);
    bound.run().unwrap();
    request(DUMP);
}

/// Counts per element of the input, by kernel and backend.
fn counted() -> Option<String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("callgrind-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=counts", "--smc-check=all"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "instructions_per_element", "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .current_dir(&folder)
        .output();
    let out = match out {
        Ok(out) => out,
        Err(e) => {
            eprintln!("SKIPPED: instructions are not counted, valgrind does not run: {e}");
            return None;
        }
    };
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let mut text = String::from("# Instructions per element of a table: AVX2, Cranelift.\n");
    for (k, (name, shape, _)) in KERNELS.iter().enumerate() {
        let count = |backend: usize| -> f64 {
            let dump = std::fs::read_to_string(folder.join(format!("counts.{}", 2 * k + backend + 2))).unwrap();
            let total = dump.lines().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: "))).unwrap();
            total.trim().parse::<f64>().unwrap() / (shape[0] * shape[1]) as f64
        };
        writeln!(text, "{:>8.3} {:>8.3}  {name}", count(0), count(1)).unwrap();
    }
    std::fs::remove_dir_all(&folder).unwrap();
    Some(text)
}

#[test]
fn instructions_per_element() {
    if std::env::var_os(CHILD).is_some() {
        return run_all();
    }
    if !Backend::Avx2.is_available() {
        eprintln!("SKIPPED: instructions are not counted without AVX2");
        return;
    }
    let Some(got) = counted() else { return };
    let record = Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORD);
    if std::env::var_os("BLESS").is_some() {
        return std::fs::write(record, got).unwrap();
    }
    let want = std::fs::read_to_string(record).unwrap();
    let table = |text: &str| -> Vec<(String, [f64; 2])> {
        let line = |line: &str| {
            let mut words = line.split_whitespace();
            let counts = [0, 1].map(|_| words.next().unwrap().parse().unwrap());
            (words.collect::<Vec<_>>().join(" "), counts)
        };
        text.lines().filter(|l| !l.starts_with('#')).map(line).collect()
    };
    let (mut got, want) = (table(&got), table(&want));
    let more = |got: &[(String, [f64; 2])]| {
        let all = got.iter().zip(&want).flat_map(|((_, got), (_, want))| got.iter().zip(want));
        all.into_iter().any(|(got, want)| *got > want * (1.0 + TOLERANCE))
    };
    // Now and then the process does something of its own while a kernel runs, which a second count does not see again.
    if more(&got)
        && let Some(again) = counted()
    {
        for ((_, got), (_, again)) in got.iter_mut().zip(table(&again)) {
            (0..2).for_each(|k| got[k] = got[k].min(again[k]));
        }
    }
    let names = |table: &[(String, [f64; 2])]| table.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&got), names(&want), "write the record anew with BLESS=1");
    for ((name, got), (_, want)) in got.iter().zip(&want) {
        for (k, backend) in ["AVX2", "Cranelift"].into_iter().enumerate() {
            assert!(
                got[k] <= want[k] * (1.0 + TOLERANCE),
                "{name} by {backend}: {} instructions per element, where {} were",
                got[k],
                want[k]
            );
            if got[k] < want[k] * (1.0 - TOLERANCE) {
                eprintln!("{name} by {backend}: {} instructions per element, where {} were; record it with BLESS=1", got[k], want[k]);
            }
        }
    }
}
