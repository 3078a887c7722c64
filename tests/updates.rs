//! Random programs that assign to regions of arrays and update them in place, on memory between unmapped pages, against the
//! reference evaluator: every read sees what the array held before whatever is stored in its place.
//!
//! To try other seeds than the usual ones: `ELIDE_TEST_SEEDS=1000..2000 cargo test --test updates`.

mod common;

use std::sync::atomic::Ordering;

use common::seeds::each_seed;
use common::{in_place, kernels};
use elide::testing::{Dims, Program, Rng};

#[test]
fn updates_with_named_dims() {
    each_seed("updates_with_named_dims", 0..120, Program::random_updates, |p, rng| kernels::check(p, Dims::Named, rng));
}

#[test]
fn updates_with_fixed_dims() {
    each_seed("updates_with_fixed_dims", 150..270, Program::random_updates, |p, rng| kernels::check(p, Dims::Fixed, rng));
}

#[test]
fn updates_as_statements_on_borrowed_arrays() {
    each_seed("updates_as_statements_on_borrowed_arrays", 400..520, Program::random_updates, in_place::check);
}

#[test]
fn scatters_with_named_dims() {
    each_seed("scatters_with_named_dims", 0..100, Program::random_scatters, |p, rng| kernels::check(p, Dims::Named, rng));
}

#[test]
fn scatters_with_fixed_dims() {
    each_seed("scatters_with_fixed_dims", 100..200, Program::random_scatters, |p, rng| kernels::check(p, Dims::Fixed, rng));
}

#[test]
fn programs_of_every_kind_with_fixed_dims() {
    each_seed("programs_of_every_kind_with_fixed_dims", 300..380, Program::random, |p, rng| kernels::check(p, Dims::Fixed, rng));
}

/// Some random programs have values between nests in the memory of results that are yet to come, or of inputs that are given away.
#[test]
fn programs_that_use_arguments_as_scratch_memory() {
    for seed in 300..600 {
        kernels::check(&Program::random(seed), Dims::Fixed, Rng::new(!seed)).unwrap();
    }
    let [lent, given] = [&kernels::LENT, &kernels::GIVEN].map(|count| count.load(Ordering::Relaxed));
    assert!(lent > 3 && given > 3, "hardly any of them do: {lent} and {given}");
}

/// Programs that found mistakes which the usual seeds had not: a diagonal that is reduced, an empty region, an element that all
/// indices of an update read.
#[test]
fn programs_that_once_failed() {
    let once = |seed: u64, program: fn(u64) -> Program, dims| kernels::check(&program(seed), dims, Rng::new(!seed)).unwrap();
    once(302_578, Program::random_updates, Dims::Fixed);
    once(303_766, Program::random, Dims::Fixed);
    once(200_913, Program::random_updates, Dims::Named);
    // A piece that is in memory already, and that another piece reads there.
    once(2066, Program::random_scatters, Dims::Fixed);
    // By the vectors of 512 bits, which had an operand of 256 in an instruction that takes none.
    once(903_198, Program::random_scatters, Dims::Fixed);
    once(903_198, Program::random_scatters, Dims::Named);
}
