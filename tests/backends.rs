//! Who makes the code of what: the wide backends do everything but a list, which is Cranelift's.

use elide::{Axis, Backend, BinaryOp, DType, Dim, DynExpr, Kernel, ReduceOp, Shape, Stage, UnaryOp};

/// Who made the code of `y = f(x0, x1)`, by what is shown of it; `None` where the front end does not define it.
fn maker<'a>(backend: Backend, dtypes: &[DType], f: impl Fn(&[DynExpr<'static>]) -> DynExpr<'a>) -> Option<String> {
    let mut b = Kernel::builder("made");
    let dims = [Dim::named("n"), Dim::named("m")];
    let inputs: Vec<_> = (dtypes.iter().enumerate()).map(|(k, &d)| b.input_dyn(&format!("x{k}"), d, Shape::of(&dims), false)).collect();
    let y = f(&inputs);
    y.check().ok()?;
    b.output("y", y).backend(backend);
    let text = b.build().unwrap().inspect(Stage::Asm).unwrap();
    let line = text.lines().find_map(|l| l.strip_prefix("; by ")).expect("a line says who made the code");
    Some(line.to_string())
}

fn wide() -> Vec<Backend> {
    Backend::available().into_iter().filter(|b| *b != Backend::Cranelift).collect()
}

#[test]
fn binary_operations() {
    for backend in wide() {
        for &op in BinaryOp::ALL {
            for &d in DType::REAL {
                let Some(maker) = maker(backend, &[d, d], |x| DynExpr::binary(op, &x[0], &x[1])) else { continue };
                // The operations run in the type that they are promoted to, which the text of `float_power` and the like is not.
                let (size, narrow) = (d.size(), d.size() < 4);
                let by_lane = match op {
                    BinaryOp::FloorDiv | BinaryOp::Rem | BinaryOp::Fmod | BinaryOp::Gcd | BinaryOp::Lcm => true,
                    BinaryOp::Pow => !d.is_float(),
                    // No CPU shifts bytes by a vector, and AVX2 no words of 16 bits.
                    BinaryOp::Shl | BinaryOp::Shr => size == 1 || backend == Backend::Avx2 && narrow,
                    // AVX2 converts no 64-bit integers to `f64` but by arithmetic, which it does.
                    _ => false,
                };
                let want = if by_lane { Backend::Cranelift } else { backend };
                assert_eq!(maker, want.name(), "{} of {d}", op.name());
            }
        }
    }
}

#[test]
fn unary_operations_and_casts() {
    for backend in wide() {
        for &d in DType::REAL {
            for op in UnaryOp::ALL.iter().flat_map(|op| std::iter::once(*op).chain(op.fast(d))) {
                if let Some(maker) = maker(backend, &[d], |x| x[0].unary(op)) {
                    assert_eq!(maker, backend.name(), "{} of {d}", op.name());
                }
            }
            for &to in DType::REAL {
                let Some(maker) = maker(backend, &[d], |x| x[0].astype(to)) else { continue };
                let long = |d: DType| d.is_int() && d.size() == 8;
                let needs_avx512 = d.is_float() && (long(to) || to == DType::U32) || long(d) && to == DType::F32;
                let want = if needs_avx512 && backend == Backend::Avx2 { Backend::Cranelift } else { backend };
                assert_eq!(maker, want.name(), "{d} to {to}");
            }
        }
    }
}

#[test]
fn reductions() {
    for backend in wide() {
        for &op in ReduceOp::ALL {
            for &d in DType::REAL {
                for axes in [vec![0], vec![1], vec![0, 1]] {
                    let axes: Vec<Axis> = axes.into_iter().map(Axis).collect();
                    let reduce = |x: &[DynExpr<'static>]| x[0].reduce(op, &axes[..]);
                    let Some(maker) = maker(backend, &[d], reduce) else { continue };
                    let positions = matches!(op, ReduceOp::ArgMin | ReduceOp::ArgMax);
                    let want = if positions { Backend::Cranelift } else { backend };
                    assert_eq!(maker, want.name(), "{} of {d} over {axes:?}", op.name());
                }
            }
        }
    }
}

#[test]
fn a_backend_that_is_not_there_is_refused() {
    for backend in [Backend::Avx2, Backend::Avx512] {
        let mut b = Kernel::builder("refused");
        let x = b.input::<f64>("x", [3]);
        b.output("y", x + 1.0).backend(backend);
        match b.build() {
            Ok(_) => assert!(backend.is_available()),
            Err(e) => {
                assert!(!backend.is_available());
                assert!(e.to_string().contains(&format!("cannot run code of the backend `{}`", backend.name())), "{e}");
            }
        }
    }
}
