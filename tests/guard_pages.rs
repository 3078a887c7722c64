//! The guard pages guard, and every layout that the generator makes fits between them.

mod common;

use common::Placed;
use common::guard::{Guarded, Side};
use elide::testing::{Dims, Program, Tensor, interpret};

#[test]
fn buffers_hold_what_they_promise() {
    for side in Side::ALL {
        for len in [0, 1, 7, 4096, 4097, 10_000] {
            let mut g = Guarded::new(len, side);
            assert!(g.as_slice().len() == len && g.as_slice().iter().all(|&b| b == 0));
            g.as_mut_slice().fill(7);
            assert!(g.as_slice().iter().all(|&b| b == 7));
        }
    }
}

#[test]
fn layouts_between_guards_show_their_tensor() {
    for seed in 0..300 {
        for input in Program::random(seed).inputs {
            for side in Side::ALL {
                let placed = Placed::new(&input.value, &input.place, side);
                assert_eq!(Tensor::from_array_ref(&placed.view()).unwrap(), input.value, "seed {seed}: {}: {:?}", input.name, input.place);
            }
        }
    }
}

#[test]
fn programs_over_borrowed_arrays_have_the_types_and_shapes_of_the_named_ones() {
    for seed in 0..100 {
        let program = Program::random(seed);
        let placed: Vec<Placed> = program.inputs.iter().map(|i| Placed::new(&i.value, &i.place, Side::After)).collect();
        let borrowed = program.outputs(&placed.iter().map(|p| elide::lazy(p.view())).collect::<Vec<_>>());
        let values = interpret(&program.outputs(&program.declare(Dims::Fixed)), &program.bindings()).unwrap();
        for ((_, x), t) in borrowed.iter().zip(&values) {
            assert_eq!((x.dtype(), x.shape().as_fixed()), (t.dtype, Some(t.shape.clone())), "{program}");
        }
    }
}

/// Set in the child process of the test below: the side to stray from.
const STRAY: &str = "ELIDE_TEST_STRAY";

#[test]
#[cfg(unix)]
fn straying_by_one_byte_is_fatal() {
    use std::os::unix::process::ExitStatusExt;
    if let Ok(side) = std::env::var(STRAY) {
        let (side, at) = if side == "before" { (Side::Before, -1) } else { (Side::After, 33) };
        let g = Guarded::new(33, side);
        // SAFETY: none, on purpose: this runs in a child process that must die here.
        let byte = unsafe { g.as_slice().as_ptr().wrapping_offset(at).read_volatile() };
        panic!("read {byte} beyond a guard");
    }
    for side in ["before", "after"] {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "straying_by_one_byte_is_fatal", "--test-threads=1"])
            .env(STRAY, side)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.signal().is_some(), "{side}: the child ended with {status}, not by a signal");
    }
}
