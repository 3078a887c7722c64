//! What an element takes in the cache, call included: nanoseconds and cycles, for each backend of this machine. One thread.
//!
//! `cargo bench --bench cycles` prints a table for `docs/performance.md`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use elide::{ArrayMut, ArrayRef, Backend, DType, Expr, Kernel, KernelBuilder, Threads};
use memmap2::MmapMut;

/// In the first cache, and in the second where there are several arrays.
const SIZES: [usize; 2] = [512, 4096];
/// Each figure is the least of calls over this long.
const TIME: Duration = Duration::from_millis(150);

type Body = fn(&[Expr<'static, f64>; 3]) -> elide::DynExpr<'static>;

/// The kernels, of three vectors of f64, of which some are not read.
const KERNELS: [(&str, usize, Body); 10] = [
    ("`x * y + z`", 3, |[x, y, z]| (x * y + z).into()),
    ("`sqrt(x² + y² + z²)`", 3, |[x, y, z]| (x * x + y * y + z * z).sqrt().into()),
    ("`exp(x)`", 1, |[x, ..]| x.exp().into()),
    ("`sin(x)`", 1, |[x, ..]| x.sin().into()),
    ("`log(x)`", 1, |[x, ..]| x.log().into()),
    ("`x ** y`", 2, |[x, y, _]| x.pow(y).into()),
    ("`x / y`", 2, |[x, y, _]| (x / y).into()),
    ("`sum(x)`", 1, |[x, ..]| x.sum().into()),
    ("`sum(x * y)`", 2, |[x, y, _]| (x * y).sum().into()),
    ("`max(x)`", 1, |[x, ..]| x.max().into()),
];

/// Cycles a nanosecond: of multiplications that wait for one another, 3 cycles each on today's x86-64 and AArch64.
fn clock() -> f64 {
    let (count, latency) = (64_000, 3.0);
    let times = (0..20).map(|_| {
        let (mut x, start) = (black_box(3u64), Instant::now());
        for _ in 0..count / 16 {
            (0..16).for_each(|_| x = x.wrapping_mul(x));
        }
        black_box(x);
        start.elapsed()
    });
    latency * count as f64 / times.min().expect("some").as_nanos() as f64
}

fn kernel(backend: Backend, count: usize, body: Body) -> Kernel {
    let mut b: KernelBuilder = Kernel::builder("cycles");
    let [n] = b.dims(["n"]);
    // What is not declared is not bound; its place is taken by the first.
    let declared: Vec<_> = ["x", "y", "z"].iter().take(count).map(|name| b.input::<f64>(name, [&n])).collect();
    let inputs = std::array::from_fn(|k| declared.get(k).unwrap_or(&declared[0]).clone());
    b.output("out", body(&inputs));
    b.backend(backend);
    b.threads(Threads::One);
    b.build().expect("a kernel without mistakes")
}

/// The least time of a call, in nanoseconds.
fn measure(kernel: &Kernel, elements: usize) -> f64 {
    // At the start of a page, as far as lines of the cache go.
    let memory = |scale: f64| -> MmapMut {
        let mut memory = MmapMut::map_anon(8 * elements).expect("memory");
        for (k, element) in memory.chunks_exact_mut(8).enumerate() {
            element.copy_from_slice(&(scale * (0.25 + (k % 97) as f64 / 64.0)).to_ne_bytes());
        }
        memory
    };
    let (inputs, mut out) = ([1.0, 1.5, 0.75].map(memory), memory(0.0));
    let shape: Vec<usize> = if kernel.outputs()[0].shape().rank() == 0 { vec![] } else { vec![elements] };
    let mut call = kernel.call();
    let mut binding = call.start();
    for (input, memory) in kernel.inputs().iter().zip(&inputs) {
        binding = binding
            .bind(input.name(), ArrayRef::from_bytes(memory, DType::F64, &[elements], false, false).expect("an array"))
            .expect("bound");
    }
    let mut binding = binding.bind_mut("out", ArrayMut::from_bytes(&mut out, DType::F64, &shape).expect("an array")).expect("bound");
    let (begin, calls) = (Instant::now(), 50);
    let mut least = f64::MAX;
    while begin.elapsed() < TIME {
        let start = Instant::now();
        (0..calls).for_each(|_| black_box(&mut binding).run().expect("bound"));
        least = least.min(1e9 * start.elapsed().as_secs_f64() / calls as f64);
    }
    least
}

fn main() {
    let backends = Backend::available();
    let columns: Vec<String> = SIZES.iter().flat_map(|n| backends.iter().map(move |b| format!("{n}: {b:?}"))).collect();
    println!("ns an element (cycles), {:.2} GHz\n\n| kernel | {} |\n|---|{}", clock(), columns.join(" | "), "---|".repeat(columns.len()));
    for (name, count, body) in KERNELS {
        let kernels: Vec<Kernel> = backends.iter().map(|b| kernel(*b, count, body)).collect();
        let mut cells = Vec::new();
        for n in SIZES {
            for kernel in &kernels {
                // The clock changes with what the machine does: it is taken before and after.
                let before = clock();
                let ns = measure(kernel, n) / n as f64;
                cells.push(format!("{ns:.3} ({:.2})", ns * before.max(clock())));
            }
        }
        println!("| {name} | {} |", cells.join(" | "));
    }
}
