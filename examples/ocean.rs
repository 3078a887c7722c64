//! A model-like program, `benches/peers/ocean_body.py.txt`, read as it stands and compiled to one kernel that updates its four state
//! arrays in place.
//!
//! `cargo run --release --example ocean` says what became of it, checks nothing and prints the time of a step.
//! `cargo run --release --example ocean NX NY NZ` prints `seconds` and `checksum` as `benches/peers/ocean.py` wants them of a candidate.

use std::time::Instant;

use elide::{Call, Dim, DynExpr, Kernel, Placement, Stage, text};

const BODY: &str = include_str!("../benches/peers/ocean_body.py.txt");
const STATE: [&str; 4] = ["u", "v", "trc", "eng"];

/// The hash of `benches/peers/memory.py`: a number in [0, 1) for each index.
fn uniform(seed: u64, i: usize) -> f64 {
    let mut z = (seed << 32).wrapping_add(i as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 * 2f64.powi(-53)
}

/// The arrays by name, in C order.
fn initial([nx, ny, nz]: [usize; 3]) -> Vec<(&'static str, Vec<f64>)> {
    let at = |i: usize, j: usize, k: usize| (i * ny + j) * nz + k;
    let bottom: Vec<f64> = (0..nx * ny).map(|p| (uniform(1, p) * (nz / 4) as f64).floor()).collect();
    let all = || (0..nx).flat_map(move |i| (0..ny).flat_map(move |j| (0..nz).map(move |k| (i, j, k))));
    let mc: Vec<f64> = all().map(|(i, j, k)| f64::from(k as f64 >= bottom[i * ny + j])).collect();
    let face = |di: usize, dj: usize, dk: usize| -> Vec<f64> {
        let inside = |i: usize, j: usize, k: usize| i + di < nx && j + dj < ny && k + dk < nz;
        all().map(|(i, j, k)| if inside(i, j, k) { mc[at(i, j, k)] * mc[at(i + di, j + dj, k + dk)] } else { 0.0 }).collect()
    };
    let (mu, mv, mw) = (face(1, 0, 0), face(0, 1, 0), face(0, 0, 1));
    let field = |seed: u64, low: f64, high: f64, mask: &[f64]| -> Vec<f64> {
        mask.iter().enumerate().map(|(p, m)| (low + (high - low) * uniform(seed, p)) * m).collect()
    };
    let (u, v) = (field(2, -0.2, 0.2, &mu), field(3, -0.2, 0.2, &mv));
    let (trc, eng) = (field(4, 0.0, 1.0, &mc), field(5, 0.0, 0.1, &mc));
    let tau = field(6, -1.0, 1.0, &vec![1.0; nx * ny]);
    vec![("u", u), ("v", v), ("trc", trc), ("eng", eng), ("mc", mc), ("mu", mu), ("mv", mv), ("mw", mw), ("tau", tau)]
}

/// The kernel: state arrays are updated, everything else that the body assigns stays inside.
fn build(arrays: &[&'static str]) -> elide::Result<Kernel> {
    let mut b = Kernel::builder("ocean");
    let dims = b.dims(["nx", "ny", "nz"]);
    let mut inputs: Vec<(String, DynExpr<'static>)> = Vec::new();
    for name in arrays {
        let dims: &[Dim] = if *name == "tau" { &dims[..2] } else { &dims };
        inputs.push((name.to_string(), b.input::<f64>(name, dims).into_dyn()));
    }
    for output in text::parse(BODY)?.evaluate(&inputs)? {
        if let Some((_, input)) = inputs.iter().find(|(name, _)| *name == output.name && STATE.contains(&name.as_str())) {
            b.update(input.clone(), output.value);
        }
    }
    b.build()
}

fn step(call: &mut Call, arrays: &mut [(&'static str, Vec<f64>)], n: [usize; 3]) -> elide::Result<()> {
    let mut binding = call.start();
    for (name, data) in arrays {
        let shape: &[usize] = if *name == "tau" { &n[..2] } else { &n };
        let mut strides = vec![1isize; shape.len()];
        for k in (1..shape.len()).rev() {
            strides[k - 1] = strides[k] * shape[k] as isize;
        }
        binding = match STATE.contains(name) {
            true => binding.bind_mut(*name, elide::ArrayMut::strided(data, shape, &strides, 0)?)?,
            false => binding.bind(*name, elide::ArrayRef::strided(data, shape, &strides, 0)?)?,
        };
    }
    binding.run()
}

fn main() -> elide::Result<()> {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let n = <[usize; 3]>::try_from(sizes).unwrap_or([128, 128, 32]);
    let mut arrays = initial(n);
    let names: Vec<&'static str> = arrays.iter().map(|(name, _)| *name).collect();
    let kernel = build(&names)?;
    if std::env::args().len() == 1 {
        let report = kernel.explain()?;
        let statements = BODY.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')).count();
        let stored = report.values().iter().filter(|v| v.placement == Placement::Buffer).count();
        println!("{statements} statements, {} loop nests, {stored} stored values", report.nests().len());
        println!("scratch memory at most {} bytes", report.scratch_bytes());
    }
    if let Some(stage) = std::env::args().nth(1).and_then(|a| a.parse::<Stage>().ok()) {
        println!("{}", kernel.inspect(stage)?);
        return Ok(());
    }
    let mut call = kernel.call();
    for _ in 0..10 {
        step(&mut call, &mut arrays, n)?;
    }
    let sums: Vec<String> = arrays[..4].iter().map(|(_, a)| a.iter().map(|x| x * x).sum::<f64>().to_string()).collect();
    let (start, mut least, mut runs) = (Instant::now(), f64::INFINITY, 0);
    while runs < 7 || start.elapsed().as_secs_f64() < 2.0 {
        let begin = Instant::now();
        step(&mut call, &mut arrays, n)?;
        least = least.min(begin.elapsed().as_secs_f64());
        runs += 1;
    }
    println!("seconds {least}");
    println!("checksum {}", sums.join(" "));
    Ok(())
}
