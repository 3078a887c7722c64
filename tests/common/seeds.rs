//! Random programs in a child process, so that one that faults or does not end is reported with its seed.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use elide::testing::{Program, Rng};

const SEEDS: &str = "ELIDE_TEST_SEEDS";
const CHILD: &str = "ELIDE_TEST_CHILD";

/// No program takes this long, with all that is tried to make it smaller where it fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ends the process if it stays at one seed.
fn watch(now: Arc<AtomicU64>) {
    std::thread::spawn(move || {
        let mut since = (now.load(Ordering::Relaxed), Instant::now());
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let seed = now.load(Ordering::Relaxed);
            if seed != since.0 {
                since = (seed, Instant::now());
            } else if since.1.elapsed() > PATIENCE {
                eprintln!("seed {seed} does not end");
                std::process::abort();
            }
        }
    });
}

fn panic_message(panic: &dyn Any) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

/// Runs `check` on every seed in a child process: this test again, with [`CHILD`] set.
pub fn each_seed(test: &str, usual: std::ops::Range<u64>, program: fn(u64) -> Program, check: fn(&Program, Rng) -> Result<(), String>) {
    let range = std::env::var(SEEDS).ok().map_or(usual, |text| {
        let (low, high) = text.split_once("..").expect("seeds as low..high");
        low.parse().expect("a number")..high.parse().expect("a number")
    });
    if std::env::var(CHILD).as_deref() == Ok(test) {
        let now = Arc::new(AtomicU64::new(range.start));
        watch(now.clone());
        for seed in range {
            now.store(seed, Ordering::Relaxed);
            eprintln!("seed {seed}");
            // A panic is a failure like any other, whose program is made smaller.
            let check = |program: &Program| {
                let checked = catch_unwind(AssertUnwindSafe(|| check(program, Rng::new(!seed))));
                checked.unwrap_or_else(|panic| Err(format!("panicked: {}", panic_message(&*panic))))
            };
            let program = program(seed);
            if let Err(message) = check(&program) {
                std::panic::set_hook(Box::new(|_| ()));
                let small = program.shrunk(&mut |p| check(p).is_err());
                eprintln!("{}\n{small}", check(&small).err().unwrap_or(message));
                std::process::exit(101);
            }
        }
        return;
    }
    let out = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, test)
        .output()
        .expect("a child process");
    if !out.status.success() {
        let text = String::from_utf8_lossy(&out.stderr);
        let seed = text.rfind("seed ").map_or("nothing", |at| &text[at..]);
        panic!("the child ended with {} after {seed}", out.status);
    }
    let ran = String::from_utf8_lossy(&out.stdout).contains("1 passed");
    assert!(ran, "the child ran another number of tests than one");
}
