use std::collections::BTreeSet;

use super::*;
use crate::dtype::Scalar;
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};
use crate::opt::{Accuracy, FpMode};

#[test]
fn every_program_builds_runs_and_agrees_with_itself() {
    let mut seen = BTreeSet::new();
    let mut classes = BTreeSet::new();
    let (mut named, mut total, mut together, mut updating) = (0, 0, 0, 0);
    for seed in 0..1500 {
        let program = Program::random(seed);
        assert_eq!(format!("{program:?}"), format!("{:?}", Program::random(seed)), "one program per seed");
        let expressions = program.outputs(&program.declare(Dims::Fixed));
        let want = interpret(&expressions, &program.bindings()).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{program}"));
        for ((_, x), t) in expressions.iter().zip(&want) {
            assert_eq!((x.dtype(), x.shape().as_fixed()), (t.dtype, Some(t.shape.clone())), "seed {seed}\n{program}");
        }
        // Sizes that are only known when the program is run must give what numbers give, or be refused.
        let symbolic = program.outputs(&program.declare(Dims::Named));
        if let Ok(got) = interpret(&symbolic, &program.bindings()) {
            for ((got, want), output) in got.iter().zip(&want).zip(&program.outputs) {
                agree(got, want, output.class).unwrap_or_else(|e| panic!("seed {seed}: {}: {e}\n{program}", output.name));
            }
            named += 1;
        }
        total += 1;
        together += usize::from(program.steps.iter().any(Step::is_put_together));
        updating += usize::from(program.outputs.iter().any(|o| o.updates.is_some()));
        for step in &program.steps {
            seen.insert(match step {
                Step::Unary(op, _) => op.name(),
                Step::Binary(op, ..) | Step::BinaryWeak(op, ..) => op.name(),
                Step::Reduce(op, ..) => match op {
                    ReduceOp::Min => "min of axes",
                    ReduceOp::Max => "max of axes",
                    other => other.name(),
                },
                other => kind(other),
            });
        }
        for t in program.bindings().iter().map(|(_, t)| t).chain(&want) {
            seen.insert(t.dtype.name());
        }
        classes.extend(program.outputs.iter().map(|o| format!("{:?}", o.class)));
    }
    let mut wanted: BTreeSet<&str> = BTreeSet::from(["min of axes", "max of axes"]);
    wanted.extend(UnaryOp::ALL.iter().map(|o| o.name()));
    wanted.extend(BinaryOp::ALL.iter().map(|o| o.name()));
    wanted.extend(ReduceOp::ALL.iter().map(|o| o.name()));
    wanted.extend(DType::REAL.iter().map(|d| d.name()));
    wanted.extend(KINDS);
    assert_eq!(wanted.difference(&seen).collect::<Vec<_>>(), [""; 0].iter().collect::<Vec<_>>(), "never generated");
    assert_eq!(classes.into_iter().collect::<Vec<_>>(), ["Exact", "ZeroSignOpen"]);
    assert!(named * 10 > total * 9, "only {named} of {total} programs ran with named dims");
    assert!(together * 5 > total * 2, "only {together} of {total} programs put arrays together");
    assert!(updating * 10 > total, "only {updating} of {total} programs update an input");
}

#[test]
fn updates_are_many_and_overlap() {
    let (mut updates, mut chains, mut own, mut readers, mut named) = (0, 0, 0, 0, 0);
    for seed in 0..400 {
        let program = Program::random_updates(seed);
        assert_eq!(format!("{program:?}"), format!("{:?}", Program::random_updates(seed)), "one program per seed");
        let want = interpret(&program.outputs(&program.declare(Dims::Fixed)), &program.bindings());
        want.unwrap_or_else(|e| panic!("seed {seed}: {e}\n{program}"));
        named += usize::from(interpret(&program.outputs(&program.declare(Dims::Named)), &program.bindings()).is_ok());
        let values = program.inputs.len() + program.steps.len();
        let mut targets = vec![0; values];
        let assigned = program.steps.iter().filter(|s| matches!(s, Step::Assign(..) | Step::AssignView(..) | Step::Update(..)));
        for step in assigned.clone() {
            targets[step.operands()[0]] += 1;
            // The value reads what it is written over.
            let mut cone = vec![step.operands()[1]];
            while let Some(v) = cone.pop() {
                if v == step.operands()[0] {
                    own += 1;
                    break;
                }
                cone.extend(v.checked_sub(program.inputs.len()).into_iter().flat_map(|k| program.steps[k].operands()));
            }
        }
        updates += program.outputs.iter().filter(|o| o.updates.is_some()).count();
        chains += targets[program.inputs.len()..].iter().filter(|n| **n > 0).count();
        readers += program.outputs.iter().filter(|o| o.updates.is_none() && targets[o.value] > 0).count();
    }
    let counts = (updates, chains, own, readers, named);
    assert!(updates > 400 && chains > 400 && own > 400 && readers > 40 && named > 180, "{counts:?}");
}

const KINDS: [&str; 21] = [
    "Constant",
    "Select",
    "Cast",
    "Slice",
    "Permute",
    "Flip",
    "InsertAxis",
    "RemoveAxis",
    "Broadcast",
    "Diagonal",
    "Reshape",
    "Mean",
    "AssignView",
    "Assign(",
    "Update",
    "Concatenate",
    "Stack",
    "Roll",
    "Pad",
    "Tile",
    "Repeat",
];

fn kind(step: &Step) -> &'static str {
    let text = format!("{step:?}");
    KINDS.into_iter().find(|k| text.starts_with(k)).unwrap_or("other")
}

/// Programs of every kind, and programs of updates, with their seeds.
fn programs(all: u64, updates: u64) -> impl Iterator<Item = (u64, Program)> {
    (0..all).map(|seed| (seed, Program::random(seed))).chain((0..updates).map(|seed| (seed, Program::random_updates(seed))))
}

#[test]
fn rewrites_keep_every_value() {
    for (seed, program) in programs(600, 300) {
        for dims in [Dims::Fixed, Dims::Named] {
            if let Err(message) = survives_the_passes(&program, dims) {
                let small = program.shrunk(&mut |p| survives_the_passes(p, dims).is_err());
                let why = survives_the_passes(&small, dims).err().unwrap_or(message);
                panic!("seed {seed}, {dims:?}: {why}\n{small}");
            }
        }
    }
}

/// Whether the graph has the same values after each pass; a program that is refused from the start is fine.
fn survives_the_passes(program: &Program, dims: Dims) -> Result<(), String> {
    let Ok(mut graph) = graph_of_program(program, dims) else { return Ok(()) };
    let Ok(want) = evaluate_graph(&graph, &program.bindings()) else { return Ok(()) };
    for pass in crate::opt::PASSES.iter().chain([&crate::opt::DIVIDE_ALL]) {
        // What is not known of sizes may be assumed only where the graph allows it.
        if pass.name == "assume" && !(pass.applies)(&graph) {
            continue;
        }
        let next = (pass.run)(&graph);
        // Nodes may come in another order; there are as many, but for dead ones.
        let live = |g: &Graph| g.live().into_iter().filter(|live| *live).count();
        if !(pass.applies)(&graph) && live(&next) != live(&graph) {
            return Err(format!("{} does not say that it applies to\n{graph}and makes it\n{next}", pass.name));
        }
        let both = || format!("after {}:\n{graph}became\n{next}", pass.name);
        verify(&next).map_err(|e| format!("{e}\n{}", both()))?;
        let got = evaluate_graph(&next, &program.bindings()).map_err(|e| format!("{e}\n{}", both()))?;
        for ((got, want), output) in got.iter().zip(&want).zip(&program.outputs) {
            agree(got, want, output.class).map_err(|e| format!("{}: {e}\n{}", output.name, both()))?;
        }
        graph = next;
    }
    Ok(())
}

#[test]
fn shrinking_finds_the_step_to_blame() {
    // A judge that dislikes square roots is satisfied by nothing shorter than one square root and what it needs.
    let has_sqrt = |p: &Program| p.steps.iter().any(|s| matches!(s, Step::Unary(UnaryOp::Sqrt, _)));
    let found: Vec<Program> = (0..400).map(Program::random).filter(|p| p.steps.len() > 4 && has_sqrt(p)).collect();
    assert!(found.len() > 5);
    for program in found {
        let small = program.shrunk(&mut |p| has_sqrt(p));
        assert!(matches!(small.steps.last(), Some(Step::Unary(UnaryOp::Sqrt, _))), "{small}");
        assert_eq!(small.outputs.len(), 1);
        let values = interpret(&small.outputs(&small.declare(Dims::Fixed)), &small.bindings()).unwrap();
        assert_eq!(values[0].dtype.class(), crate::dtype::Class::Float);
    }
}

#[test]
fn interpret_reports_what_is_missing() {
    let x = input("x", DType::F64, Shape::of([crate::shape::Dim::named("n")]));
    let value = Tensor::new(DType::F64, &[2], vec![Scalar::F64(1.0), Scalar::F64(4.0)]).unwrap();
    let y = [("y", x.sqrt())];
    let got = interpret(&y, &[("x".into(), value.clone())]).unwrap();
    assert_eq!(got[0].data, [Scalar::F64(1.0), Scalar::F64(2.0)]);
    assert_eq!(interpret(&y, &[("z".into(), value)]).unwrap_err().message(), "no value was given for input `x`");
    let wrong = Tensor::new(DType::F32, &[1], vec![Scalar::F32(1.0)]).unwrap();
    assert_eq!(interpret(&y, &[("x".into(), wrong)]).unwrap_err().kind(), ErrorKind::Bind);
    let data = [1.0, 2.0];
    let borrowed = crate::lazy(&data).into_dyn();
    assert_eq!(interpret(&[("y", borrowed)], &[]).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn every_stage_accepts_every_program() {
    for (seed, program) in programs(300, 300) {
        for dims in [Dims::Fixed, Dims::Named] {
            let check = |p: &Program| passes_every_stage(p, dims, None, (FpMode::Strict, Accuracy::Accurate));
            if let Err(message) = check(&program) {
                let small = program.shrunk(&mut |p| check(p).is_err());
                let why = check(&small).err().unwrap_or(message);
                panic!("seed {seed}, {dims:?}: {why}\n{small}");
            }
        }
    }
}

/// Code generation takes long without optimization, so fewer programs go all the way.
#[test]
fn compiled_nests_give_the_reference_values() {
    let target = crate::codegen::Target::host().expect("a machine with FMA");
    for (seed, program) in programs(80, 80) {
        for dims in [Dims::Fixed, Dims::Named] {
            // What a mode allows is done before everything else, so that results are as defined in each.
            let mode = if seed % 2 == 0 { (FpMode::Strict, Accuracy::Accurate) } else { (FpMode::Fast, Accuracy::Fast) };
            let check = |p: &Program| passes_every_stage(p, dims, Some(&target), mode);
            if let Err(message) = check(&program) {
                let small = program.shrunk(&mut |p| check(p).is_err());
                let why = check(&small).err().unwrap_or(message);
                panic!("seed {seed}, {dims:?}, {mode:?}: {why}\n{small}");
            }
        }
    }
}

/// Whether the verifier of every stage is content and, if there is a code generator, its code agrees with the reference
/// evaluator. All extents and strides of `Dims::Named` programs are known at run time only.
fn passes_every_stage(
    program: &Program,
    dims: Dims,
    target: Option<&crate::codegen::Target>,
    (mode, accuracy): (FpMode, Accuracy),
) -> Result<(), String> {
    let Ok(mut graph) = graph_of_program(program, dims) else { return Ok(()) };
    graph = accuracy.apply(mode.apply(graph));
    verify(&graph).map_err(|e| format!("{e}\n{graph}"))?;
    let Ok(want) = evaluate_graph(&graph, &program.bindings()) else { return Ok(()) };
    for pass in crate::opt::PASSES {
        graph = pass.apply(graph);
    }
    if dims == Dims::Fixed {
        graph = (crate::opt::DIVIDE_ALL.run)(&graph);
    }
    graph = crate::schedule::with_copies(graph);
    verify(&graph).map_err(|e| format!("{e}\n{graph}"))?;
    if let Some(target) = target {
        for backend in crate::Backend::available() {
            let got = execute::execute(&graph, program, dims, target, backend, &want)?;
            for ((got, want), output) in got.iter().zip(&want).zip(&program.outputs) {
                agree(got, want, output.class).map_err(|e| format!("{} by {}: {e}\n{graph}", output.name, backend.name()))?;
            }
        }
        return Ok(());
    }
    let (operands, contiguous) = execute::layouts(&graph, program, dims);
    let schedule = crate::schedule::Schedule::new(&graph, &contiguous).map_err(|e| format!("{e}\n{graph}"))?;
    schedule.verify(&graph).map_err(|e| format!("{e}\n{graph}"))?;
    for (k, step) in schedule.steps.iter().enumerate() {
        let (nest, _) = crate::kernel::lower(&graph, &schedule, step, &operands);
        crate::kernel::verify(&nest).map_err(|e| format!("step {k}: {e}\n{graph}\n{nest:?}"))?;
    }
    Ok(())
}
