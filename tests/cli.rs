//! The command line, run as a user runs it: answers, files, and every kind of mistake with its message and exit code.
#![cfg(feature = "cli")]

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use elide::DType;
use elide::npy::{self, NpyFile};

/// A directory that the commands of one test run in.
struct Dir(tempfile::TempDir);

struct Answer {
    code: i32,
    out: String,
    err: String,
}

impl Dir {
    /// With `x.npy`, `[[0. 1. 2.] [3. 4. 5.]]`, and `i.npy`, `[1 2 3]` of i32 in the order of bytes that is not this machine's.
    fn new() -> Dir {
        let dir = Dir(tempfile::tempdir().unwrap());
        dir.save("x.npy", &[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let (mark, swap): (char, fn(i32) -> [u8; 4]) =
            if cfg!(target_endian = "little") { ('>', i32::to_be_bytes) } else { ('<', i32::to_le_bytes) };
        let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        file.extend(format!("{:<117}\n", format!("{{'descr': '{mark}i4', 'fortran_order': False, 'shape': (3,), }}")).as_bytes());
        [1, 2, 3].iter().for_each(|&x| file.extend(swap(x)));
        fs::write(dir.path("i.npy"), file).unwrap();
        dir
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn save(&self, name: &str, shape: &[usize], data: &[f64]) {
        let bytes: Vec<u8> = data.iter().flat_map(|x| x.to_ne_bytes()).collect();
        npy::write(self.path(name), DType::F64, shape, &bytes).unwrap();
    }

    /// The shape and values of a file of `f64`.
    fn load(&self, name: &str) -> (Vec<usize>, Vec<f64>) {
        let file = NpyFile::open(self.path(name)).unwrap();
        assert_eq!(file.dtype(), DType::F64);
        (file.shape().to_vec(), file.bytes().chunks_exact(8).map(|b| f64::from_ne_bytes(b.try_into().unwrap())).collect())
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_elide"));
        command.args(args).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Answer {
        Answer::of(self.command(args).output().unwrap())
    }

    /// What a command prints that succeeds.
    fn ok(&self, args: &[&str]) -> String {
        let Answer { code, out, err } = self.run(args);
        assert_eq!((code, err.as_str()), (0, ""), "{args:?}");
        out
    }

    /// The message and exit code of a command that fails, which must print nothing else.
    fn fails(&self, args: &[&str]) -> (i32, String) {
        let Answer { code, out, err } = self.run(args);
        assert_eq!(out, "", "{args:?}");
        assert!(!err.contains("panicked"), "{args:?}: {err}");
        let message = err.strip_prefix("error: ").unwrap_or_else(|| panic!("{args:?}: {err}"));
        assert!(!message.contains("error: "), "{args:?} gave two messages: {err}");
        (code, message.trim_end().to_string())
    }

    /// Like [`Dir::fails`], for mistakes that clap finds: without its pointers to `--help`.
    fn usage(&self, args: &[&str]) -> String {
        let (code, message) = self.fails(args);
        assert_eq!(code, 2, "{args:?}: {message}");
        message.split("\n\nUsage:").next().unwrap_or_default().split("\n\nFor more").next().unwrap_or_default().to_string()
    }
}

impl Answer {
    fn of(output: Output) -> Answer {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Answer { code: output.status.code().expect("killed by a signal"), out: text(output.stdout), err: text(output.stderr) }
    }
}

#[test]
fn results_are_printed() {
    let dir = Dir::new();
    assert_eq!(
        dir.ok(&["eval", "x * 2", "-i", "x=x.npy"]),
        "result: f64[2,3]  min 0.0  max 10.0  mean 5.0\n[[ 0.  2.  4.]\n [ 6.  8. 10.]]\n"
    );
    assert_eq!(
        dir.ok(&["eval", "y = x.sum(axis=1); z = x.max()", "-i", "x=x.npy"]),
        "y: f64[2]  min 3.0  max 12.0  mean 7.5\n[ 3. 12.]\n\nz: f64[] = 5.0\n"
    );
    assert_eq!(dir.ok(&["eval", "-x", "-i", "x=x.npy"]).lines().next(), Some("result: f64[2,3]  min -5.0  max -0.0  mean -2.5"));
}

/// An input may have the name of something in the language.
#[test]
fn an_input_takes_the_place_of_a_constant() {
    let dir = Dir::new();
    let text = dir.ok(&["explain", "e * x", "-i", "e=f64[n]", "-i", "x=f64[n]"]);
    assert!(text.contains("input e : f64[n]"), "{text}");
}

#[test]
fn both_byte_orders_are_read() {
    let dir = Dir::new();
    assert_eq!(dir.ok(&["eval", "i * 10", "-i", "i=i.npy"]), "result: i32[3]  min 10  max 30  mean 20.0\n[10 20 30]\n");
}

#[test]
fn results_are_written() {
    let dir = Dir::new();
    assert_eq!(dir.ok(&["eval", "x + 1", "-i", "x=x.npy", "-o", "y.npy"]), "");
    assert_eq!(dir.load("y.npy"), (vec![2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    assert_eq!(dir.ok(&["eval", "t = x[:, 1:]; y = t * t; z = t.sum()", "-i", "x=x.npy", "-o", "z=z.npy", "-o", "y=y.npy"]), "");
    assert_eq!(dir.load("y.npy"), (vec![2, 2], vec![1.0, 4.0, 16.0, 25.0]));
    assert_eq!(dir.load("z.npy"), (vec![], vec![12.0]));
}

#[test]
fn an_input_may_be_replaced_by_its_result() {
    let dir = Dir::new();
    for _ in 0..2 {
        dir.ok(&["eval", "x[:, ::-1] + 1", "-i", "x=x.npy", "-o", "x.npy"]);
    }
    assert_eq!(dir.load("x.npy").1, [2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
}

#[test]
fn inputs_are_updated_in_place_but_not_their_files() {
    let dir = Dir::new();
    let before = fs::read(dir.path("x.npy")).unwrap();
    assert_eq!(
        dir.ok(&["eval", "x[:, 1:] += x[:, :-1]; t = x.sum()", "-i", "x=x.npy"]),
        "x: f64[2,3]  min 0.0  max 9.0  mean 4.0\n[[0. 1. 3.]\n [3. 7. 9.]]\n\nt: f64[] = 23.0\n"
            .replace("mean 4.0", "mean 3.8333333333333335")
    );
    assert_eq!(fs::read(dir.path("x.npy")).unwrap(), before);
    dir.ok(&["eval", "t = x.T; t[0] = -1", "-i", "x=x.npy", "-o", "x=x.npy"]);
    assert_eq!(dir.load("x.npy").1, [-1.0, 1.0, 2.0, -1.0, 4.0, 5.0]);
    // The other order of bytes has no memory to update.
    assert_eq!(dir.ok(&["eval", "i[1:] *= 10", "-i", "i=i.npy"]), "i: i32[3]  min 1  max 30  mean 17.0\n[ 1 20 30]\n");
    fs::write(
        dir.path("f.py"),
        "import numpy as np\n\ndef f(x):\n    # Rows.\n    x[1] += x[0]\n    return np.sqrt(x), \\\n        x.sum()\n",
    )
    .unwrap();
    dir.ok(&["eval", "-f", "f.py", "-i", "x=x.npy", "-o", "result1=sum.npy", "-o", "x=y.npy"]);
    assert_eq!(dir.load("sum.npy").1, [12.0]);
    assert_eq!(dir.load("y.npy").1, [-1.0, 1.0, 2.0, -2.0, 5.0, 7.0]);
    let bench = dir.ok(&["bench", "x[1:] += x[:-1]", "-i", "x=f64[100]", "--seconds", "0.01"]);
    assert!(bench.contains("\"outputs\":[{\"name\":\"x\",\"type\":\"f64[100]\"}]"), "{bench}");
    assert_eq!(dir.fails(&["eval", "def f(x): t = x + 1", "-i", "x=x.npy"]).0, 1);
}

#[test]
fn programs_come_from_files_and_standard_input() {
    let dir = Dir::new();
    fs::write(dir.path("p.txt"), "t = x + 1\ny = t.sum()\n").unwrap();
    assert_eq!(dir.ok(&["eval", "-f", "p.txt", "-i", "x=x.npy", "-o", "y=y.npy"]), "");
    assert_eq!(dir.load("y.npy"), (vec![], vec![21.0]));
    let mut child = dir.command(&["eval", "-f", "-", "-i", "x=x.npy"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"x.sum()").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"result: f64[] = 15.0\n");
}

#[test]
fn inspect_shows_the_stages() {
    let dir = Dir::new();
    let program = ["inspect", "sqrt(x*x + 1).sum(axis=1)", "-i", "x=f64[n,m]"];
    let all = dir.ok(&program);
    let titles: Vec<&str> = all.lines().filter(|l| l.starts_with("== ")).collect();
    assert_eq!(titles, ["== graph ==", "== optimized ==", "== schedule ==", "== kernel ==", "== clif ==", "== asm =="]);
    let one = dir.ok(&[&program[..], &["--stage", "graph"]].concat());
    assert!(one.contains("[n,m]") && !one.contains("=="), "{one}");
    assert!(all.contains(&one), "one stage is not what all stages show");
}

#[test]
fn explain_reports_and_requires() {
    let dir = Dir::new();
    let program = ["explain", "(x - x.max(axis=0)[::-1]).sum(axis=0)", "-i", "x=f64[n,m]"];
    let with = |more: &[&str]| dir.ok(&[&program[..], more].concat());
    let text = with(&[]);
    assert!(text.starts_with("kernel eval, for arrays in C order\n  input x : f64[n,m]\n  output result : f64[m]\n\nnest 0: "), "{text}");
    // Lines are the text's, not of Rust.
    assert!(text.contains("# line 1\n") && !text.contains(".rs:"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&with(&["--format", "json"])).unwrap();
    assert_eq!(json["scratch_bytes"], serde_json::json!({ "formula": "8*m", "number": null }));
    assert_eq!(with(&["--require", "no-copies", "--require", "peak-bytes=8*m"]), text);

    // Read in order, the largest of each column are needed a strip of columns at a time.
    let windows = ["explain", "(x - x.max(axis=0)).sum(axis=0)", "-i", "x=f64[n,m]", "--require", "no-temporaries"];
    let text = dir.ok(&windows);
    assert!(text.contains("\n  slot 0, a window of at most 131080 bytes: %1 in nests 0 to 1\n"), "{text}");

    let refused = |what: &str| {
        let (code, message) = dir.fails(&[&program[..], &["--require", what]].concat());
        assert_eq!(code, 1, "{message}");
        message
    };
    let stored = "%1 = max %0 over axes 0 : f64[m] is a buffer of 8*m bytes, because a reduction's result that is read at other \
                  indices or in another loop nest";
    let quoted = "\n  --> line 1, column 7\n   |\n 1 | (x - x.max(axis=0)[::-1]).sum(axis=0)\n   |       ^";
    assert_eq!(refused("no-temporaries"), format!("kernel `eval` does not keep `no-temporaries`: {stored}{quoted}"));
    assert_eq!(
        refused("peak-bytes=1_000"),
        format!(
            "kernel `eval` does not keep `peak-bytes=1000`: a run may hold 8*m bytes of scratch memory, which is not \
             seen to be at most 1000 for all sizes\n  slot 0 of 8*m bytes: {stored}{quoted}"
        )
    );
    assert_eq!(
        refused("in-place=result"),
        "kernel `eval` does not keep `in-place=result`: `result` has memory of its own\n  --> line 1, column 26\n   |\n \
         1 | (x - x.max(axis=0)[::-1]).sum(axis=0)\n   |                          ^\n  help: declare it with `update`, as the new \
         value of an input"
    );
    assert_eq!(
        refused("peak-bytes=8*q"),
        "`peak-bytes=8*q` is about `q`, which is no dim of an input of kernel `eval`\n  help: its dims are: m, n"
    );
    assert_eq!(refused("in-place=y"), "kernel `eval` has no output named `y` to require in place\n  help: its outputs are: result");
    assert_eq!(
        dir.usage(&[&program[..], &["--require", "fast"]].concat()),
        "invalid value 'fast' for '--require <REQUIREMENT>': write no-temporaries, no-copies, peak-bytes=BYTES or in-place=OUTPUT"
    );
}

#[test]
fn an_accuracy_is_chosen() {
    let dir = Dir::new();
    let text = |accuracy: &str| dir.ok(&["inspect", "tanh(x)", "-i", "x=f64[n]", "--stage", "graph", "--accuracy", accuracy]);
    assert!(text("fast").contains("tanh~ %0") && text("accurate").contains("tanh %0"));
}

#[test]
fn bench_prints_one_line_of_json() {
    let dir = Dir::new();
    let args = ["bench", "(x * y).sum()", "-i", "x=x.npy", "-i", "y=f64[n,3]", "--dim", "n=2", "--seconds", "0.01"];
    let line = dir.ok(&args);
    assert_eq!(line.lines().count(), 1);
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(json["bytes"], 48 + 48 + 8);
    assert_eq!(json["inputs"][1], serde_json::json!({ "name": "y", "type": "f64[2,3]" }));
    assert_eq!(json["outputs"][0]["type"], "f64[]");
    let number = |key: &str| json[key].as_f64().unwrap();
    assert!(number("best_seconds") <= number("median_seconds") && number("calls") >= 3.0 && number("compile_seconds") > 0.0, "{line}");
    assert!((number("gb_per_second") * number("best_seconds") * 1e9 / 104.0 - 1.0).abs() < 1e-6 || number("best_seconds") < 1e-9);
}

#[test]
fn what_a_mask_selects_is_as_long_as_it_is() {
    let dir = Dir::new();
    dir.ok(&["eval", "y = x[x > 1.5] * 2; n = count_nonzero(x > 1.5)", "-i", "x=x.npy", "-o", "y=y.npy"]);
    assert_eq!(dir.load("y.npy"), (vec![4], vec![4.0, 6.0, 8.0, 10.0]));
    dir.ok(&["eval", "x[x > 9]", "-i", "x=x.npy", "-o", "none.npy"]);
    assert_eq!(dir.load("none.npy"), (vec![0], vec![]));
    let text = dir.ok(&["eval", "x[x > 1.5]", "-i", "x=x.npy"]);
    assert!(text.contains("result: f64[4]") && !text.contains("count"), "{text}");
}

#[test]
fn the_demo_runs() {
    let dir = Dir::new();
    let text = dir.ok(&["demo"]);
    assert!(text.contains("speed: f64[3]") && text.contains("with the same bits"), "{text}");
}

#[test]
fn mistakes_on_the_command_line() {
    let dir = Dir::new();
    let input = |spec: &str| dir.usage(&["eval", "x", "-i", spec]);
    assert_eq!(
        input("x.npy"),
        "invalid value 'x.npy' for '--input <NAME=ARRAY>': write NAME=FILE or NAME=TYPE, as in x=x.npy or x=f64[n,100]"
    );
    assert_eq!(input("=x.npy"), "invalid value '=x.npy' for '--input <NAME=ARRAY>': `` is not a name");
    assert_eq!(input("x="), "invalid value 'x=' for '--input <NAME=ARRAY>': `x=` needs a file or a type after it");
    assert!(
        input("x=f24[3]").starts_with("invalid value 'x=f24[3]' for '--input <NAME=ARRAY>': `f24` is not an element type that elide has")
    );
    assert_eq!(input("x=f64[3]"), "input x is given as a type, but eval needs its values: give a .npy file");

    let accuracy = dir.usage(&["inspect", "x", "-i", "x=f64[3]", "--accuracy", "quick"]);
    assert_eq!(accuracy, "invalid value 'quick' for '--accuracy <ACCURACY>': it is accurate or fast");

    let more = |more: &[&str]| dir.usage(&[&["eval", "y = x + 1; z = x - 1", "-i", "x=x.npy"], more].concat());
    assert_eq!(more(&["-i", "x=x.npy"]), "input x is given twice");
    assert_eq!(more(&["-i", "w=x.npy"]), "input w is never read by the program");
    assert_eq!(more(&["-i", "pi=x.npy"]), "input pi is never read by the program");
    assert_eq!(more(&["-o", "=y.npy"]), "invalid value '=y.npy' for '--output <[NAME=]FILE>': there is no name before `=`");
    assert_eq!(more(&["-o", "y="]), "invalid value 'y=' for '--output <[NAME=]FILE>': there is no file to write to");
    assert_eq!(more(&["-o", "y.npy"]), "-o y.npy: which result? write NAME=y.npy, with one of y, z");
    assert_eq!(more(&["-o", "x=y.npy"]), "-o x=y.npy: the program has no result x, only y, z");
    assert_eq!(more(&["-o", "y=y.npy", "-o", "y=z.npy"]), "-o z.npy: result y has a file already");
    assert_eq!(more(&["-o", "y=y.npy", "-o", "z=y.npy"]), "-o y.npy: two results cannot go to one file");
    assert_eq!(more(&["--threads", "x"]), "invalid value 'x' for '--threads <N>': write a number from 1 on");
    assert_eq!(more(&["--thread", "x"]), "unexpected argument '--thread' found\n\n  tip: a similar argument exists: '--threads'");
    assert_eq!(more(&["-f", "p.txt"]), "the argument '[EXPR]' cannot be used with '--file <FILE>'");
    assert!(dir.usage(&["eval"]).starts_with("the following required arguments were not provided"));
    assert_eq!(
        dir.usage(&["inspect", "x", "-i", "x=x.npy", "--stage", "llvm"]),
        "invalid value 'llvm' for '--stage <STAGE>'\n  [possible values: graph, optimized, schedule, kernel, clif, asm]"
    );

    let bench = |more: &[&str]| dir.usage(&[&["bench", "x + 1", "-i", "x=f64[n]"], more].concat());
    assert_eq!(bench(&[]), "input x: how large is dim n? say so with --dim n=1000");
    assert_eq!(bench(&["--dim", "n"]), "invalid value 'n' for '--dim <NAME=SIZE>': write NAME=SIZE, as in n=1000");
    assert_eq!(bench(&["--dim", "n=many"]), "invalid value 'n=many' for '--dim <NAME=SIZE>': `many` is not a size");
    assert_eq!(bench(&["--dim", "n=3", "--dim", "m=3"]), "--dim m: no input has a dim of this name");
    assert_eq!(bench(&["--dim", "n=3", "--dim", "n=3"]), "dim n is given twice");
    assert_eq!(bench(&["--seconds", "long"]), "invalid value 'long' for '--seconds <SECONDS>': a number from 0 to 86400 is needed");
    assert_eq!(bench(&["--dim", "n=3", "--threads", "0"]), "invalid value '0' for '--threads <N>': write a number from 1 on");
    assert_eq!(fs::read_dir(dir.0.path()).unwrap().count(), 2, "a refused command has left a file");
}

#[test]
fn mistakes_in_the_program() {
    let dir = Dir::new();
    dir.save("w.npy", &[4], &[0.0; 4]);
    // The first line says what is wrong; the place follows, underlined.
    let case = |program: &str| {
        let (code, message) = dir.fails(&["eval", program, "-i", "x=x.npy", "-i", "w=w.npy"]);
        assert_eq!(code, 1, "{message}");
        assert!(message.contains("\n  --> line 1, column ") && message.contains('^'), "{message}");
        message.lines().next().unwrap_or_default().to_string()
    };
    assert_eq!(case("w * (x +"), "this `(` is never closed");
    assert_eq!(case("x + w * y"), "`y` is not defined");
    assert_eq!(case("x + w"), "add of f64[2,3] and f64[4]: shapes [2,3] and [4] do not broadcast: 3 and 4 differ on axis 1");
    assert_eq!(case("w + (x & x).sum()"), "and of f64[2,3] and f64[2,3]: `and` is not defined on f64");
    assert_eq!(case("w @ x"), "elide has no matrix product `@`");
    assert_eq!(dir.fails(&["eval", "# nothing"]), (1, "the program is empty".to_string()));
}

#[test]
fn files_that_cannot_be_read_or_written() {
    let dir = Dir::new();
    fs::write(dir.path("bad.npy"), "no array").unwrap();
    fs::write(dir.path("cut.npy"), &fs::read(dir.path("x.npy")).unwrap()[..150]).unwrap();
    let failed = |message: &str| (1, message.to_string());
    let read = |file: &str| dir.fails(&["eval", "x", "-i", &format!("x={file}")]);
    assert_eq!(read("none.npy"), failed("none.npy: cannot be opened: No such file or directory (os error 2)"));
    assert_eq!(read("bad.npy"), failed("bad.npy: is not a .npy file: it does not begin with \\x93NUMPY"));
    assert_eq!(read("cut.npy"), failed("cut.npy: is truncated: f64 of shape [2, 3] takes 48 bytes of data, but the file holds 22"));
    assert_eq!(read("."), failed(".: is a directory, not a .npy file"));
    let write = |file: &str| dir.fails(&["eval", "x + 1", "-i", "x=x.npy", "-o", file]);
    assert_eq!(write("none/y.npy"), failed("none/y.npy: cannot be written: No such file or directory (os error 2)"));
    assert_eq!(write("."), failed(".: cannot be written: it is a directory"));
    let program = dir.fails(&["eval", "-f", "none.txt", "-i", "x=x.npy"]);
    assert_eq!(program, failed("cannot read the program from none.txt: No such file or directory (os error 2)"));
    let both = dir.fails(&["eval", "y = x + 1; z = x - 1", "-i", "x=x.npy", "-o", "y=y.npy", "-o", "z=none/z.npy"]);
    assert_eq!(both, failed("none/z.npy: cannot be written: No such file or directory (os error 2)"));
    assert!(!dir.path("y.npy").exists(), "one of two results was written");
    let huge = dir.fails(&["bench", "x + 1", "-i", "x=f64[n]", "--dim", "n=1_000_000_000_000_000_000"]);
    assert_eq!(huge, failed("x: f64 of shape [1000000000000000000] does not fit in memory"));
}

#[test]
fn nobody_need_read_to_the_end() {
    let dir = Dir::new();
    let mut child = dir.command(&["eval", "x + 1", "-i", "x=x.npy"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let Answer { code, err, .. } = Answer::of(child.wait_with_output().unwrap());
    assert_eq!((code, err.as_str()), (0, ""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported() {
    let dir = Dir::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let Answer { code, err, .. } =
        Answer::of(dir.command(&["eval", "x + 1", "-i", "x=x.npy"]).stdout(full).stderr(Stdio::piped()).output().unwrap());
    assert_eq!((code, err.as_str()), (1, "error: cannot write to standard output: No space left on device (os error 28)\n"));
}

#[test]
fn bench_shows_a_profile() {
    let dir = Dir::new();
    let args = ["bench", "x[1:] += x[:-1]; y = x.sum()", "-i", "x=f64[100]", "--seconds", "0.001", "--profile"];
    let text = dir.ok(&args);
    assert!(text.starts_with("kernel eval, for arrays in C order\n"), "{text}");
    let (_, profile) = text.split_once("\nprofile of eval, the best of ").unwrap();
    let lines: Vec<&str> = profile.lines().collect();
    assert!(lines[1].starts_with("machine: L1 ") && lines[2].starts_with("nest 0: "), "{text}");
    assert!(lines.last().unwrap().starts_with("all: predicted "), "{text}");
    assert!(dir.usage(&["bench", "x + 1", "-i", "x=f64[n]", "--profile"]).starts_with("input x: how large is dim n?"));
}
