//! Random programs through the whole pipeline, on memory between unmapped pages, against the reference evaluator.
//!
//! The programs run in a child process, so that one that faults is reported with its seed. To try other seeds than the usual
//! ones: `ELIDE_TEST_SEEDS=1000..2000 cargo test --test differential`.

mod common;

use std::process::Command;

use common::guard::Side;
use common::{Placed, Room};
use elide::testing::{Dims, Place, Program, Rng, Tensor, agree, interpret};
use elide::{ArrayMut, ArrayRef, Call, DynExpr, Kernel, eval_all};

const SEEDS: &str = "ELIDE_TEST_SEEDS";
const CHILD: &str = "ELIDE_TEST_CHILD";

/// Runs `check` on every seed in a child process: this test again, with [`CHILD`] set.
fn each_seed(test: &str, usual: std::ops::Range<u64>, check: fn(&Program, Rng) -> Result<(), String>) {
    let range = std::env::var(SEEDS).ok().map_or(usual, |text| {
        let (low, high) = text.split_once("..").expect("seeds as low..high");
        low.parse().expect("a number")..high.parse().expect("a number")
    });
    if std::env::var(CHILD).as_deref() == Ok(test) {
        for seed in range {
            eprintln!("seed {seed}");
            let check = |program: &Program| check(program, Rng::new(!seed));
            let program = Program::random(seed);
            if let Err(message) = check(&program) {
                let small = program.shrunk(&mut |p| check(p).is_err());
                panic!("{}\n{small}", check(&small).err().unwrap_or(message));
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
    each_seed("programs_over_borrowed_arrays", 0..150, borrowed_arrays);
}

/// A kernel with named dims, called twice with arrays in different places. It must refuse what the reference evaluator refuses,
/// and nothing else.
fn kernels(program: &Program, mut rng: Rng) -> Result<(), String> {
    let mut builder = Kernel::builder("random");
    let inputs: Vec<DynExpr<'_>> = (program.declare(Dims::Named).iter().zip(&program.inputs))
        .map(|(x, i)| builder.input_dyn(&i.name, i.value.dtype, x.shape().clone(), i.place.swapped))
        .collect();
    let outputs = program.outputs(&inputs);
    // The inputs are outputs as well here, so that every dim has a value.
    let all: Vec<_> = outputs.iter().cloned().chain(program.inputs.iter().map(|i| i.name.clone()).zip(inputs)).collect();
    let want = interpret(&all, &program.bindings()).map(|mut values| {
        values.truncate(outputs.len());
        values
    });
    for (name, x) in outputs {
        builder.output(&name, x);
    }
    let kernel = match (builder.build(), &want) {
        (Ok(kernel), _) => kernel,
        (Err(_), Err(_)) => return Ok(()),
        (Err(e), Ok(_)) => return Err(format!("only the kernel's builder refuses: {e}")),
    };
    let mut call = kernel.call();
    for side in Side::ALL {
        let shapes = match &want {
            Ok(values) => values.clone(),
            // What shapes the results would have is not known; the sizes of those with fixed dims will do for a refusal.
            Err(_) => interpret(&program.outputs(&program.declare(Dims::Fixed)), &program.bindings()).map_err(|e| e.to_string())?,
        };
        let placed: Vec<Placed> = program.inputs.iter().map(|i| Placed::new(&i.value, &i.place, side)).collect();
        let mut rooms = rooms(&shapes, &mut rng, side);
        let run = (|| {
            let mut binding = call.start();
            for (p, i) in placed.iter().zip(&program.inputs) {
                binding = binding.bind(i.name.as_str(), p.view())?;
            }
            for (r, o) in rooms.iter_mut().zip(&program.outputs) {
                binding = binding.bind_mut(o.name.as_str(), r.view())?;
            }
            binding.run()
        })();
        match (run, &want) {
            (Ok(()), Ok(want)) => {
                compare(program, &rooms, want)?;
                planned(program, &call)?;
            }
            (Err(_), Err(_)) => {}
            (Err(e), Ok(_)) => return Err(format!("only the kernel refuses: {e}")),
            (Ok(()), Err(e)) => return Err(format!("only the reference evaluator refuses: {e}")),
        }
    }
    Ok(())
}

/// The run held what the report of its plan says, and the report's ledger knows every slot.
fn planned(program: &Program, call: &Call) -> Result<(), String> {
    let report = call.explain().map_err(|e| e.to_string())?;
    let shapes = program.inputs.iter().zip(call.kernel().inputs()).map(|(i, spec)| (spec.shape(), &i.value.shape));
    let extents = shapes.flat_map(|(named, numbers)| named.extents().iter().zip(numbers.iter()));
    let dims: Vec<(&str, i64)> = extents.filter_map(|(e, n)| Some((e.as_dim()?, *n as i64))).collect();
    let slots = report.slots().iter().map(|s| s.bytes.evaluate(&dims).map_or(0, |bytes| bytes.max(0)));
    let (planned, held) = (slots.sum::<i64>(), call.scratch_bytes() as i64);
    // Of windows the report has an upper bound.
    let windows = report.slots().iter().any(|s| s.window);
    if held > planned || held != planned && !windows {
        return Err(format!("the report plans {planned} bytes of scratch memory, the call holds {held}\n{report}"));
    }
    let stored = |v: &elide::Value| v.memory.as_ref().is_some_and(|m| m.starts_with("slot "));
    if let Some(v) = report.values().iter().find(|v| stored(v) != v.reason.is_some()) {
        return Err(format!("{} has memory without a reason, or a reason without memory\n{report}", v.name));
    }
    let known = |name: &String| report.values().iter().any(|v| v.name == *name && stored(v));
    match report.slots().iter().flat_map(|s| &s.holds).find(|(name, ..)| !known(name)) {
        Some((name, ..)) => Err(format!("{name} is in a slot, but not in the ledger\n{report}")),
        None => Ok(()),
    }
}

#[test]
fn programs_as_kernels_with_named_dims() {
    each_seed("programs_as_kernels_with_named_dims", 0..150, kernels);
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
    each_seed("programs_one_step_at_a_time", 0..60, one_step_at_a_time);
}
