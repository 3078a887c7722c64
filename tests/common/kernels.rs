//! Random programs as kernels, on memory between unmapped pages.

use std::sync::atomic::{AtomicUsize, Ordering};

use elide::testing::{Dims, Place, Program, Rng, agree, interpret};
use elide::{Backend, Call, DynExpr, Kernel, Stage};

use super::guard::Side;
use super::{Placed, Room};

/// A kernel, by any backend, called twice with arrays in different places. It must refuse what the reference evaluator refuses, and nothing
/// else; outputs that update inputs do so in the memory of these, and nothing else changes.
pub fn check(program: &Program, dims: Dims, mut rng: Rng) -> Result<(), String> {
    let mut builder = Kernel::builder("random");
    let inputs: Vec<DynExpr<'_>> = (program.declare(dims).iter().zip(&program.inputs))
        .map(|(x, i)| builder.input_dyn(&i.name, i.value.dtype, x.shape().clone(), i.place.swapped))
        .collect();
    let outputs = program.outputs(&inputs);
    // A named dim may hide that shapes are equal; then the value goes elsewhere.
    let updates: Vec<Option<usize>> =
        (outputs.iter().zip(&program.outputs)).map(|((_, x), o)| o.updates.filter(|&k| x.shape() == inputs[k].shape())).collect();
    // The inputs are outputs as well here, so that every dim has a value.
    let all: Vec<_> = outputs.iter().cloned().chain(program.inputs.iter().map(|i| i.name.clone()).zip(inputs.clone())).collect();
    let want = interpret(&all, &program.bindings()).map(|mut values| {
        values.truncate(outputs.len());
        values
    });
    for ((name, x), update) in outputs.into_iter().zip(&updates) {
        match *update {
            Some(k) => builder.update(inputs[k].clone(), x),
            None => builder.output(&name, x),
        };
    }
    (0..inputs.len()).filter(|&k| program.gives_away(k)).for_each(|k| {
        builder.give_away(inputs[k].clone());
    });
    // The same program on every machine, whatever it has.
    let backend = [Backend::Cranelift, Backend::Avx2, Backend::Avx512][rng.below(3)];
    builder.backend(if backend.is_available() { backend } else { Backend::Auto });
    let kernel = match (builder.build(), &want) {
        (Ok(kernel), _) => kernel,
        (Err(e), _) if e.to_string().contains("internal error") => return Err(e.to_string()),
        (Err(_), Err(_)) => return Ok(()),
        (Err(e), Ok(_)) => return Err(format!("only the kernel's builder refuses: {e}")),
    };
    let mut call = kernel.call();
    for (k, side) in Side::ALL.into_iter().enumerate() {
        // Arrays this small would be done in one strip.
        call.set_strip_length([1, 3][k % 2]);
        // Nor would they be worth another thread.
        call.set_parts([3, 1][k % 2], true);
        let shapes = match &want {
            Ok(values) => values.clone(),
            // What shapes the results would have is not known; the sizes of those with fixed dims will do for a refusal.
            Err(_) => interpret(&program.outputs(&program.declare(Dims::Fixed)), &program.bindings()).map_err(|e| e.to_string())?,
        };
        let mut placed: Vec<Placed> = program.inputs.iter().map(|i| Placed::new(&i.value, &i.place, side)).collect();
        let mut room = |t| Room::new(t, Place::random_output(&mut rng, t.dtype, &t.shape), side);
        let mut rooms: Vec<Room> = shapes.iter().map(&mut room).collect();
        let run = (|| {
            let mut binding = call.start();
            for (k, (p, i)) in placed.iter_mut().zip(&program.inputs).enumerate() {
                binding = match updates.contains(&Some(k)) || program.gives_away(k) {
                    true => binding.bind_mut(i.name.as_str(), p.view_mut())?,
                    false => binding.bind(i.name.as_str(), p.view())?,
                };
            }
            for ((r, o), update) in rooms.iter_mut().zip(&program.outputs).zip(&updates) {
                if update.is_none() {
                    binding = binding.bind_mut(o.name.as_str(), r.view())?;
                }
            }
            binding.run()
        })();
        match (run, &want) {
            (Ok(()), Ok(want)) => {
                for (((room, want), output), update) in rooms.iter().zip(want).zip(&program.outputs).zip(&updates) {
                    let got = update.map_or_else(|| room.read(), |k| placed[k].read());
                    agree(&got, want, output.class).map_err(|e| format!("{}: {e}\n{}", output.name, explain(&kernel)))?;
                }
                planned(program, &call)?;
            }
            (Err(e), _) if e.to_string().contains("internal error") => return Err(e.to_string()),
            (Err(_), Err(_)) => {}
            (Err(e), Ok(_)) => return Err(format!("only the kernel refuses: {e}")),
            (Ok(()), Err(e)) => return Err(format!("only the reference evaluator refuses: {e}")),
        }
        for (k, (p, i)) in placed.iter().zip(&program.inputs).enumerate() {
            // Errors leave inputs as they were, as checks come before anything is written.
            let changes = updates.contains(&Some(k)) || program.gives_away(k) && want.is_ok();
            if !changes && p.read().to_bytes() != i.value.to_bytes() {
                return Err(format!("{} was changed", i.name));
            }
        }
    }
    Ok(())
}

/// How many plans had values in the memory of outputs whose results were yet to come.
pub static LENT: AtomicUsize = AtomicUsize::new(0);
/// How many had some in the memory of inputs that are given away.
pub static GIVEN: AtomicUsize = AtomicUsize::new(0);

/// The run held no more than the report of its plan says, and the report's ledger knows every slot.
fn planned(program: &Program, call: &Call) -> Result<(), String> {
    let report = call.explain().map_err(|e| e.to_string())?;
    let shapes = program.inputs.iter().zip(call.kernel().inputs()).map(|(i, spec)| (spec.shape(), &i.value.shape));
    let extents = shapes.flat_map(|(named, numbers)| named.extents().iter().zip(numbers.iter()));
    let dims: Vec<(&str, i64)> = extents.filter_map(|(e, n)| Some((e.as_dim()?, *n as i64))).collect();
    let slots = report.slots().iter().map(|s| s.bytes.evaluate(&dims).map_or(0, |bytes| bytes.max(0)));
    LENT.fetch_add(report.values().iter().any(|v| v.until.is_some()) as usize, Ordering::Relaxed);
    GIVEN.fetch_add(report.values().iter().any(|v| v.since.is_some()) as usize, Ordering::Relaxed);
    let (planned, held) = (slots.sum::<i64>(), call.scratch_bytes() as i64);
    let windows = report.slots().iter().any(|s| s.window);
    // The length of strips is the test's, not the plan's.
    if !windows && held != planned {
        return Err(format!("the report plans {planned} bytes of scratch memory, the call holds {held}\n{report}"));
    }
    let stored = |v: &elide::Value| v.until.is_some() || v.since.is_some() || v.memory.as_ref().is_some_and(|m| m.starts_with("slot "));
    // An index that is arithmetic on the loop's own has a reason and no memory.
    let expects = |v: &elide::Value| v.reason.is_some_and(|why| why != elide::Reason::OwnIndex);
    if let Some(v) = report.values().iter().find(|v| stored(v) != expects(v)) {
        return Err(format!("{} has memory without a reason, or a reason without memory\n{report}", v.name));
    }
    let known = |name: &String| report.values().iter().any(|v| v.name == *name && stored(v));
    match report.slots().iter().flat_map(|s| &s.holds).find(|(name, ..)| !known(name)) {
        Some((name, ..)) => Err(format!("{name} is in a slot, but not in the ledger\n{report}")),
        None => Ok(()),
    }
}

/// What became of the program.
fn explain(kernel: &Kernel) -> String {
    let show = |stage| kernel.inspect(stage).unwrap_or_else(|e| e.to_string());
    format!("{}{}", show(Stage::Optimized), show(Stage::Schedule))
}
