//! The README's commands run, its listings are what they print, and the links between documents lead somewhere. (Its Rust
//! examples are documentation tests.)
#![cfg(feature = "cli")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use elide::DType;
use elide::npy;

const README: &str = include_str!("../README.md");

/// The bodies of the code blocks in one language.
fn blocks(language: &str) -> Vec<&'static str> {
    let opening = format!("```{language}\n");
    let bodies: Vec<_> = README.split(&opening).skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!bodies.is_empty(), "no block in {language}");
    bodies
}

/// Words as a shell splits them, as far as the README needs: blanks and single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (k, part) in line.split('\'').enumerate() {
        if k % 2 == 1 {
            words.last_mut().unwrap().push_str(part);
            continue;
        }
        for (n, piece) in part.split(' ').enumerate() {
            if n > 0 {
                words.push(String::new());
            }
            words.last_mut().unwrap().push_str(piece);
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

fn elide(dir: &tempfile::TempDir, args: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_elide")).args(args).current_dir(dir).output().unwrap()
}

#[test]
fn commands_run() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["u.npy", "v.npy"] {
        let bytes: Vec<u8> = [3.0f64, 4.0, 5.0, 6.0].iter().flat_map(|x| x.to_ne_bytes()).collect();
        npy::write(dir.path().join(name), DType::F64, &[2, 2], &bytes).unwrap();
    }
    let mut seen = Vec::new();
    for line in blocks("sh").into_iter().flat_map(str::lines).filter(|l| l.starts_with("elide ")) {
        let args = words(line).split_off(1);
        let out = elide(&dir, &args);
        assert!(out.status.success(), "{line}\n{}", String::from_utf8_lossy(&out.stderr));
        seen.push(args[0].clone());
    }
    assert_eq!(seen, ["eval", "eval", "explain", "inspect", "bench", "bench", "demo"]);
    assert!(dir.path().join("speed.npy").exists());
}

#[test]
fn listings_are_what_is_printed() {
    let program = README.split("schedule of `").nth(1).and_then(|rest| rest.split('`').next()).expect("the program of the listing");
    let dir = tempfile::tempdir().unwrap();
    let out = elide(&dir, &["inspect", program, "-i", "x=f64[n,m]", "--stage", "schedule"].map(String::from));
    let (printed, listed) = (String::from_utf8(out.stdout).unwrap(), blocks("text")[0]);
    assert!(printed.starts_with(listed), "{printed}");
    let out = elide(&dir, &["explain", program, "-i", "x=f64[n,m]"].map(String::from));
    let (printed, listed) = (String::from_utf8(out.stdout).unwrap(), blocks("text")[1]);
    assert!(printed.contains(listed), "{printed}");
}

#[test]
fn links_lead_to_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root.join(name)).into_iter().chain(docs).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "md"));
    let mut found = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        for target in targets.filter(|t| !t.is_empty() && !t.starts_with("http")) {
            assert!(file.parent().unwrap().join(target).exists(), "{}: no {target}", file.display());
            found += 1;
        }
    }
    assert!(found > 5);
}
