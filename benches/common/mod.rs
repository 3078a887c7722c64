//! What several benches build.

use elide::{Expr, Kernel, KernelBuilder};

/// A chain of `ops` operations on four inputs that no other `serial` shares; with math functions among them if `math`.
pub fn chain(ops: usize, serial: u32, math: bool) -> KernelBuilder {
    let mut b = Kernel::builder("chain");
    let [n] = b.dims(["n"]);
    let inputs = ["a", "b", "c", "d"].map(|name| b.input::<f64>(name, [&n]));
    let mut y: Expr<'static, f64> = inputs[0].clone();
    for (k, x) in (0..ops).zip(inputs.iter().cycle().skip(1)) {
        y = match k % 5 {
            0 => y + (serial as f64 + 0.5),
            1 => y * x,
            2 => y - x,
            3 if math => y.sin(),
            3 => y / x,
            _ if math => (-y).exp(),
            _ => y.maximum(x),
        };
    }
    b.output("y", y);
    b
}
