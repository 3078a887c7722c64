//! Random programs as statements on borrowed arrays, on memory between unmapped pages.

use elide::testing::{Dims, Program, Rng, Step, Tensor, agree, interpret};
use elide::testing::{Output, Place};
use elide::{DynExpr, DynLazyMut, Result, eval_all, lazy, lazy_mut, run_all};

use super::guard::Side;
use super::{Placed, Room};

/// The program with its assignments to what an array is at that point as statements of [`lazy_mut`]. Outputs that update nothing
/// are evaluated before any statement runs, which must leave all arrays as they are.
pub fn check(program: &Program, mut rng: Rng) -> std::result::Result<(), String> {
    let want = interpret(&program.outputs(&program.declare(Dims::Fixed)), &program.bindings());
    for side in Side::ALL {
        let mut placed: Vec<Placed> = program.inputs.iter().map(|i| Placed::new(&i.value, &i.place, side)).collect();
        let mut rooms: Vec<Option<Room>> = match &want {
            Ok(values) => (program.outputs.iter().zip(values))
                .map(|(o, t)| o.updates.is_none().then(|| Room::new(t, Place::random_output(&mut rng, t.dtype, &t.shape), side)))
                .collect(),
            Err(_) => Vec::new(),
        };
        match (run(program, &mut placed, &mut rooms), &want) {
            (Ok(()), Ok(want)) => compare(program, want, &placed, &rooms)?,
            (Err(e), _) if e.to_string().contains("internal error") => return Err(e.to_string()),
            (Err(_), Err(_)) => {}
            (Err(e), Ok(_)) => return Err(format!("only the program in place refuses: {e}")),
            (Ok(()), Err(e)) => return Err(format!("only the reference evaluator refuses: {e}")),
        }
    }
    Ok(())
}

fn run(program: &Program, placed: &mut [Placed], rooms: &mut [Option<Room>]) -> Result<()> {
    let updated = |k: usize| program.outputs.iter().find(|o| o.updates == Some(k));
    let mut programs: Vec<Option<DynLazyMut<'_>>> = Vec::new();
    let mut values: Vec<DynExpr<'_>> = Vec::new();
    for (k, array) in placed.iter_mut().enumerate() {
        let in_place = updated(k).map(|_| k);
        match in_place {
            Some(_) => {
                let program = lazy_mut(array.view_mut());
                values.push(program.get());
                programs.push(Some(program));
            }
            None => {
                values.push(lazy(array.view()));
                programs.push(None);
            }
        }
    }
    // What each array is at this point.
    let mut now: Vec<usize> = (0..program.inputs.len()).collect();
    for step in &program.steps {
        let base = match step {
            Step::Assign(base, ..) | Step::Update(_, base, ..) => now.iter().position(|v| v == base),
            _ => None,
        };
        let next = match (base.and_then(|k| programs[k].as_ref()), step) {
            (Some(x), Step::Assign(_, items, value)) => {
                x.at(items).set(values[*value].clone());
                x.get()
            }
            (Some(x), Step::Update(op, _, items, value)) => {
                x.at(items).update(*op, values[*value].clone());
                x.get()
            }
            _ => step.apply(&values),
        };
        if let Some(k) = base {
            now[k] = values.len();
        }
        values.push(next);
    }
    let apart: Vec<&Output> = program.outputs.iter().filter(|o| o.updates.is_none()).collect();
    let others: Vec<DynExpr<'_>> = apart.iter().map(|o| values[o.value].clone()).collect();
    for o in &program.outputs {
        if let Some(k) = o.updates
            && let Some(x) = &programs[k]
            && now[k] != o.value
        {
            x.set(values[o.value].clone());
        }
    }
    eval_all(&others, rooms.iter_mut().flatten().map(Room::view).collect())?;
    run_all(programs.into_iter().flatten())
}

fn compare(program: &Program, want: &[Tensor], placed: &[Placed], rooms: &[Option<Room>]) -> std::result::Result<(), String> {
    for ((output, want), room) in program.outputs.iter().zip(want).zip(rooms) {
        let got = match (output.updates, room) {
            (Some(k), _) => placed[k].read(),
            (None, Some(room)) => room.read(),
            (None, None) => continue,
        };
        agree(&got, want, output.class).map_err(|e| format!("{}: {e}", output.name))?;
    }
    let changed = |k: &usize| !program.outputs.iter().any(|o| o.updates == Some(*k));
    match (0..placed.len()).filter(changed).find(|&k| placed[k].read().to_bytes() != program.inputs[k].value.to_bytes()) {
        Some(k) => Err(format!("{} was changed", program.inputs[k].name)),
        None => Ok(()),
    }
}
