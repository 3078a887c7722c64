//! Stencils of stencils: what is kept in windows and what is recomputed, and that both give the same bits.

use elide::{Array, Call, Expr, Kernel, KernelBuilder, Reason, Requirement, Slice, Stage, Threads, s};

type Value = Expr<'static, f64>;

fn kernel(declare: impl Fn(&mut KernelBuilder)) -> Kernel {
    let mut b = Kernel::builder("stencils");
    declare(&mut b);
    b.build().unwrap()
}

/// The same program without windows: for results that go around the cache, tiles are enough.
fn recomputed(declare: impl Fn(&mut KernelBuilder)) -> Kernel {
    kernel(|b| {
        declare(b);
        b.require(Requirement::peak_bytes(4096));
    })
}

/// How many values are in windows because neighbours read them.
fn windows(kernel: &Kernel) -> usize {
    let report = kernel.explain().unwrap();
    report.values().iter().filter(|v| v.reason == Some(Reason::ReadByNeighbours) && v.window).count()
}

/// What is around a point of the last two axes, less the point.
fn laplacian(u: &Value) -> Value {
    let rank = u.shape().rank();
    let at = |i: Slice, j: Slice| {
        let mut region = vec![Slice::from(..); rank - 2];
        region.extend([i, j]);
        u.slice(region)
    };
    let [inside] = s![1..-1];
    let inner = || inside;
    let rows = at(Slice::from(..-2), inner()) + at(Slice::from(2..), inner());
    let columns = at(inner(), Slice::from(..-2)) + at(inner(), Slice::from(2..));
    rows + columns - 4.0 * at(inner(), inner())
}

/// Horizontal diffusion with a limiter.
fn limited(u: &Value) -> Value {
    let lap = laplacian(u);
    let flux = |ahead: Value, here: Value, u_ahead: Value, u_here: Value| {
        let flux = ahead - here;
        (&flux * (u_ahead - u_here)).gt(0.0).select(0.0, &flux)
    };
    let x =
        flux(lap.slice(s![.., 1..-1, 1..]), lap.slice(s![.., 1..-1, ..-1]), u.slice(s![.., 2..-2, 2..-1]), u.slice(s![.., 2..-2, 1..-2]));
    let y =
        flux(lap.slice(s![.., 1.., 1..-1]), lap.slice(s![.., ..-1, 1..-1]), u.slice(s![.., 2..-1, 2..-2]), u.slice(s![.., 1..-2, 2..-2]));
    let spread = x.slice(s![.., .., 1..]) - x.slice(s![.., .., ..-1]) + y.slice(s![.., 1.., ..]) - y.slice(s![.., ..-1, ..]);
    u.slice(s![.., 2..-2, 2..-2]) - 0.03 * spread
}

fn data(shape: &[usize], seed: usize) -> Array<f64> {
    let n = shape.iter().product::<usize>();
    Array::new(shape, (0..n).map(|k| ((k * 7919 + seed * 104_729) % 10_007) as f64 * 0.001 - 5.0).collect()).unwrap()
}

fn result(call: &mut Call, u: &Array<f64>, shape: &[usize]) -> Array<f64> {
    let mut y = Array::<f64>::zeros(shape).unwrap();
    call.bind("u", u).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
    y
}

/// The inner stencil is read at five places and costs six operations: it is kept. A flux is read at two and is not.
#[test]
fn diffusion_keeps_the_inner_stencil_only() {
    let declare = |b: &mut KernelBuilder| {
        let u = &b.input::<f64>("u", ["k", "n", "m"].map(elide::Dim::named));
        b.output("y", limited(u));
    };
    let (kept, anew) = (kernel(declare), recomputed(declare));
    assert_eq!((windows(&kept), windows(&anew)), (1, 0));
    let schedule = kept.inspect(Stage::Schedule).unwrap();
    assert_eq!(schedule.matches("step 1 along axis 1, where its index 0 is at 2 in blocks of axis 0").count(), 1, "{schedule}");
    // Planes of one strip and of many; several of them in a block, and one.
    for [k, n, m] in [[1, 4, 4], [1, 5, 6], [40, 9, 7], [3, 70, 50], [2, 300, 400], [1, 5, 9000]] {
        let (u, shape) = (data(&[k, n, m], m), [k, n - 4, m - 4]);
        let want = result(&mut anew.call(), &u, &shape);
        for length in [None, Some(1), Some(3)] {
            let mut call = kept.call();
            call.set_threads(Threads::One);
            length.into_iter().for_each(|l| call.set_strip_length(l));
            assert!(result(&mut call, &u, &shape) == want, "[{k},{n},{m}] in strips of {length:?}");
            // A share of 128 KiB and four rows, however many planes there are.
            if length.is_none() {
                assert!(call.scratch_bytes() <= (128 << 10) + 7 * 8 * m, "{} bytes for [{k},{n},{m}]", call.scratch_bytes());
            }
        }
    }
}

/// Two loads and a subtraction are cheaper than a store and two loads.
#[test]
fn what_is_cheap_is_recomputed() {
    let k = kernel(|b| {
        let u = &b.input::<f64>("u", ["n", "m"].map(elide::Dim::named));
        let d = u.slice(s![1.., ..]) - u.slice(s![..-1, ..]);
        b.output("y", d.slice(s![1.., ..]) * d.slice(s![..-1, ..]));
    });
    assert_eq!((windows(&k), k.explain().unwrap().nests().len()), (0, 1));
}

/// Neighbours along the edge alone are few.
#[test]
fn an_edge_is_no_reason() {
    let k = kernel(|b| {
        let u = &b.input::<f64>("u", [200, 300]);
        let root = u.abs().sqrt();
        b.output("y", &root * 2.0 + 1.0);
        b.output("edge", root.slice(s![0..1, 1..]) - root.slice(s![0..1, ..-1]));
    });
    assert_eq!(windows(&k), 0, "{}", k.explain().unwrap());
}

/// Its neighbours are read when its sum is known, so that all of it would have to be stored: it is recomputed as if nothing had
/// been chosen.
#[test]
fn what_would_be_stored_as_a_whole_is_recomputed() {
    let declare = |b: &mut KernelBuilder| {
        let u = &b.input::<f64>("u", ["n", "m"].map(elide::Dim::named));
        let lap = laplacian(u);
        b.output("y", laplacian(&lap) * lap.sum());
    };
    let k = kernel(declare);
    assert_eq!(windows(&k), 0);
    assert_eq!(k.explain().unwrap().scratch_bytes().as_const(), Some(8), "{}", k.explain().unwrap());
    // What does come to be in a window stays there.
    let k = kernel(|b| {
        declare(b);
        let v = &b.input::<f64>("v", ["p", "q"].map(elide::Dim::named));
        b.output("z", laplacian(&laplacian(v)));
    });
    assert_eq!(windows(&k), 1, "{}", k.explain().unwrap());
}

/// What is required decides.
#[test]
fn requirements_come_first() {
    let declare = |b: &mut KernelBuilder| {
        let u = &b.input::<f64>("u", ["n", "m"].map(elide::Dim::named));
        b.output("y", laplacian(&laplacian(u)));
    };
    let none = kernel(|b| {
        declare(b);
        b.require(Requirement::NoTemporaries);
    });
    assert_eq!((windows(&none), none.explain().unwrap().scratch_bytes().as_const()), (0, Some(0)));
    // Rows of a known length make a window of a known size, which is no temporary.
    let fixed = kernel(|b| {
        let u = &b.input::<f64>("u", [elide::Dim::named("n"), elide::Dim::from(100)]);
        b.output("y", laplacian(&laplacian(u)));
        b.require(Requirement::NoTemporaries).require(Requirement::peak_bytes((128 << 10) + 7 * 8 * 98));
    });
    assert_eq!(windows(&fixed), 1);
}

/// The step that overwrites lags behind the one that reads its neighbours, and nothing is copied.
#[test]
fn an_update_follows_its_window() {
    let value = |u: &Value| u.at(s![2..-2, 2..-2]).add(0.03 * laplacian(&laplacian(u)));
    let update = kernel(|b| {
        let u = &b.input::<f64>("u", ["n", "m"].map(elide::Dim::named));
        b.update(u, value(u));
        b.require(Requirement::in_place("u"));
    });
    let apart = recomputed(|b| {
        let u = &b.input::<f64>("u", ["n", "m"].map(elide::Dim::named));
        b.output("y", value(u));
    });
    assert_eq!(windows(&update), 1);
    for [n, m] in [[6, 6], [30, 40], [700, 300]] {
        let u = data(&[n, m], n);
        let want = result(&mut apart.call(), &u, &[n, m]);
        for length in [None, Some(1), Some(3)] {
            let (mut u, mut call) = (u.clone(), update.call());
            length.into_iter().for_each(|l| call.set_strip_length(l));
            call.bind_mut("u", &mut u).unwrap().run().unwrap();
            assert!(u == want, "[{n},{m}] in strips of {length:?}");
        }
    }
}

/// Random trees of stencils, each layer at other displacements of the one below.
#[test]
fn random_stencils_of_stencils() {
    let mut chosen = 0;
    for seed in 0..60u64 {
        let rank = seed as usize % 3 + 1;
        let declare = |b: &mut KernelBuilder| {
            let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
            let mut random = |n: i64| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 33) as i64 % n
            };
            let names: Vec<String> = (0..rank).map(|k| format!("n{k}")).collect();
            let u = &b.input::<f64>("u", names.iter().map(|n| elide::Dim::named(n)));
            // What is left of each axis: from `low` to `high` elements fewer.
            let mut layers: Vec<(Value, Vec<i64>)> = vec![(u.clone(), vec![0; rank])];
            for _ in 0..2 + random(2) {
                let reach: Vec<i64> = (0..rank).map(|_| random(3)).collect();
                let (below, margin) = layers[layers.len() - 1].clone();
                let terms = (0..2 + random(4)).map(|k| {
                    let region = reach.iter().map(|r| {
                        let (at, r) = (random(r + 1) as isize, *r as isize);
                        if at == r { Slice::from(at..) } else { Slice::from(at..at - r) }
                    });
                    let part = below.slice(region.collect::<Vec<_>>());
                    let part = if random(6) == 0 { part.abs().sqrt() } else { part };
                    part * (0.3 + k as f64 * 0.25)
                });
                let terms: Vec<Value> = terms.collect();
                let sum = terms.into_iter().reduce(|a, b| a + b).unwrap();
                let margin: Vec<i64> = margin.iter().zip(&reach).map(|(m, r)| m + r).collect();
                layers.push((sum, margin));
            }
            b.output("y", layers[layers.len() - 1].0.clone());
            if random(3) == 0 {
                b.output("z", &layers[layers.len() - 2].0 * 0.5);
            }
        };
        let (kept, anew) = (kernel(declare), recomputed(declare));
        chosen += windows(&kept);
        for n in [9usize, 40, 100] {
            let shape: Vec<usize> = (0..rank).map(|k| if rank == 1 { n * n * 30 } else { n + k }).collect();
            let u = data(&shape, seed as usize);
            let run = |kernel: &Kernel, length: Option<i64>| {
                let mut call = kernel.call();
                length.into_iter().for_each(|l| call.set_strip_length(l));
                let dims: Vec<(String, i64)> = (0..rank).map(|k| (format!("n{k}"), shape[k] as i64)).collect();
                let dims: Vec<(&str, i64)> = dims.iter().map(|(n, x)| (&**n, *x)).collect();
                let mut out: Vec<Array<f64>> = Vec::new();
                for o in kernel.outputs() {
                    let extents = o.shape().extents().iter().map(|e| e.evaluate(&dims).unwrap() as usize);
                    out.push(Array::zeros(&extents.collect::<Vec<_>>()).unwrap());
                }
                let mut binding = call.bind("u", &u).unwrap();
                for (o, y) in kernel.outputs().iter().zip(&mut out) {
                    binding = binding.bind_mut(o.name(), y).unwrap();
                }
                binding.run().unwrap();
                out
            };
            let want = run(&anew, None);
            for length in [None, Some(1), Some(3)] {
                if length.is_some() && rank == 1 && n > 9 {
                    continue;
                }
                assert!(run(&kept, length) == want, "seed {seed}, {shape:?} in strips of {length:?}\n{}", kept.explain().unwrap());
            }
        }
    }
    assert!(chosen > 15, "only {chosen} values were in windows");
}
