//! Random programs through the whole pipeline, on memory between unmapped pages, against the reference evaluator.
//!
//! The programs run in a child process, so that one that faults is reported with its seed. To try other seeds than the usual
//! ones: `ELIDE_TEST_SEEDS=1000..2000 cargo test --test differential`.

mod common;

use common::guard::Side;
use common::seeds::each_seed;
use common::{Placed, Room, kernels};
use elide::testing::{Class, Dims, Input, Output, Place, Program, Rng, Step, Tensor, agree, interpret};
use elide::{ArrayMut, ArrayRef, BinaryOp, DType, DynExpr, ReduceOp, eval_all};

/// Memory for results, laid out at random.
fn rooms(want: &[Tensor], rng: &mut Rng, side: Side) -> Vec<Room> {
    want.iter().map(|t| Room::new(t, Place::random_output(rng, t.dtype, &t.shape), side)).collect()
}

fn compare(program: &Program, rooms: &[Room], want: &[Tensor]) -> Result<(), String> {
    for ((room, want), output) in rooms.iter().zip(want).zip(&program.outputs) {
        agree(&room.read(), want, output.class).map_err(|e| format!("{}: {e}", output.name))?;
    }
    Ok(())
}

fn borrowed_arrays(program: &Program, mut rng: Rng) -> Result<(), String> {
    let want = interpret(&program.outputs(&program.declare(Dims::Fixed)), &program.bindings()).map_err(|e| e.to_string())?;
    for side in Side::ALL {
        let placed: Vec<Placed> = program.inputs.iter().map(|i| Placed::new(&i.value, &i.place, side)).collect();
        let inputs: Vec<DynExpr<'_>> = placed.iter().map(|p| elide::lazy(p.view())).collect();
        let outputs: Vec<DynExpr<'_>> = program.outputs(&inputs).into_iter().map(|(_, x)| x).collect();
        let mut rooms = rooms(&want, &mut rng, side);
        eval_all(&outputs, rooms.iter_mut().map(|r| r.view()).collect()).map_err(|e| e.to_string())?;
        compare(program, &rooms, &want)?;
    }
    Ok(())
}

#[test]
fn programs_over_borrowed_arrays() {
    each_seed("programs_over_borrowed_arrays", 0..150, Program::random, borrowed_arrays);
}

#[test]
fn programs_as_kernels_with_named_dims() {
    each_seed("programs_as_kernels_with_named_dims", 0..150, Program::random, |p, rng| kernels::check(p, Dims::Named, rng));
}

/// Every step by itself, each over the stored results of those before it: fusion must not change a bit.
fn one_step_at_a_time(program: &Program, _: Rng) -> Result<(), String> {
    let want = interpret(&program.outputs(&program.declare(Dims::Fixed)), &program.bindings()).map_err(|e| e.to_string())?;
    let bytes = |t: &Tensor| (t.dtype, t.shape.clone(), t.to_bytes());
    let mut stored: Vec<_> = program.inputs.iter().map(|i| bytes(&i.value)).collect();
    for step in &program.steps {
        let views = stored.iter().map(|(d, s, b)| ArrayRef::from_bytes(b, *d, s, false, false));
        let values: Vec<DynExpr<'_>> = views.map(|v| v.map(elide::lazy)).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
        let x = step.apply(&values);
        let shape = x.shape().as_fixed().ok_or("a size that is not known")?;
        let mut out = vec![0; shape.iter().product::<usize>() * x.dtype().size()];
        let run = ArrayMut::from_bytes(&mut out, x.dtype(), &shape).and_then(|view| x.eval_into(view));
        run.map_err(|e| format!("{step:?}: {e}"))?;
        let made = (x.dtype(), shape, out);
        stored.push(made);
    }
    for (output, want) in program.outputs.iter().zip(&want) {
        let (dtype, shape, bytes) = &stored[output.value];
        let got = Tensor::from_bytes(*dtype, shape, bytes).map_err(|e| e.to_string())?;
        agree(&got, want, output.class).map_err(|e| format!("{}: {e}", output.name))?;
    }
    Ok(())
}

#[test]
fn programs_one_step_at_a_time() {
    each_seed("programs_one_step_at_a_time", 0..60, Program::random, one_step_at_a_time);
}

/// A step at one place of the strips, in blocks of the axis that its result is walked along tile by tile: the tiles were of the whole axis.
#[test]
fn results_in_blocks_of_their_fastest_axis() {
    let x: Vec<u8> = (0..128u8).map(|k| (k.wrapping_mul(37) % 23).wrapping_sub(9)).collect();
    let input = Input {
        name: "x0".into(),
        value: Tensor::from_bytes(DType::I8, &[32, 4], &x).unwrap(),
        place: Place { strides: vec![1, 32], first: 0, bytes: 128, swapped: false },
    };
    let steps = vec![
        Step::Binary(BinaryOp::FloorDiv, 0, 0),
        Step::Stack(vec![1, 0, 0], -2),
        Step::Mean(2, vec![], true),
        Step::Reduce(ReduceOp::ArgMax, 3, vec![-2], true),
        Step::AssignView(3, vec![Step::Flip(0, 2)], 4),
        Step::Binary(BinaryOp::FloorDiv, 3, 3),
        Step::Reduce(ReduceOp::ArgMin, 6, vec![1], false),
        Step::Binary(BinaryOp::Min, 0, 4),
    ];
    let output = |(k, value): (usize, usize)| Output { name: format!("y{k}"), value, class: Class::Exact, updates: None };
    let program = Program { inputs: vec![input], steps, outputs: [5, 7, 8].into_iter().enumerate().map(output).collect() };
    // Results laid out in many ways, among them those whose fastest axis is in blocks.
    for seed in 0..40 {
        kernels::check(&program, Dims::Named, Rng::new(seed)).unwrap();
    }
}
