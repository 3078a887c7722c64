//! Results of steps that touch more than the cache holds are written around it, by way of a tile: same values, nothing else.

use elide::{ArrayMut, ArrayRef, Kernel};

/// Enough that reading and writing it streams.
const N: usize = 9_000_011;

#[test]
fn long_rows_at_any_alignment() {
    let mut b = Kernel::builder("affine");
    let [n] = b.dims(["n"]);
    let x = &b.input::<f32>("x", [n]);
    b.output("y", x * 2.0 + 1.0);
    b.output("positive", x.gt(0.0));
    let kernel = b.build().unwrap();
    let data: Vec<f32> = (0..N).map(|k| (k % 1000) as f32 - 500.0).collect();
    let mut call = kernel.call();
    for first in [0, 1, 5] {
        let (mut y, mut positive) = (vec![f32::NAN; N + 8], vec![false; N + 8]);
        let out = ArrayMut::from(&mut y[first..first + N]);
        let mask = ArrayMut::from(&mut positive[first..first + N]);
        call.bind("x", &data).unwrap().bind_mut("y", out).unwrap().bind_mut("positive", mask).unwrap().run().unwrap();
        let bad = (0..N).find(|&k| y[first + k] != data[k] * 2.0 + 1.0 || positive[first + k] != (data[k] > 0.0));
        assert_eq!(bad, None);
        // Tiles are on the stack.
        assert_eq!(call.scratch_bytes(), 0);
        assert!(y[..first].iter().chain(&y[first + N..]).all(|x| x.is_nan()), "bytes outside the output were written");
        assert!(!positive[..first].iter().chain(&positive[first + N..]).any(|p| *p));
    }
}

#[test]
fn rows_with_gaps_between_them() {
    let (rows, columns, gap) = (3_001, 1_501, 3);
    let mut b = Kernel::builder("double");
    let [n, m] = b.dims(["n", "m"]);
    let x = b.input::<f64>("x", [n, m]);
    b.output("y", x * 2.0);
    let kernel = b.build().unwrap();
    let data: Vec<f64> = (0..rows * columns).map(|k| k as f64).collect();
    let mut out = vec![-1.0; rows * (columns + gap)];
    let x = ArrayRef::strided(&data, &[rows, columns], &[columns as isize, 1], 0).unwrap();
    let y = ArrayMut::strided(&mut out, &[rows, columns], &[(columns + gap) as isize, 1], 0).unwrap();
    kernel.call().bind("x", x).unwrap().bind_mut("y", y).unwrap().run().unwrap();
    for (row, got) in out.chunks(columns + gap).enumerate() {
        assert!((0..columns).all(|k| got[k] == 2.0 * (row * columns + k) as f64), "row {row}");
        assert!(got[columns..].iter().all(|x| *x == -1.0), "the gap after row {row}");
    }
}

/// The helper that copies tiles leaves no vector register as it was. What the loop takes from outside may not live across it: it
/// would pass through memory on every turn.
#[test]
#[cfg(target_arch = "x86_64")]
fn the_loop_keeps_nothing_across_the_call() {
    let mut b = Kernel::builder("affine");
    let [n, m] = b.dims(["n", "m"]);
    let (x, w) = (&b.input::<f64>("x", [&n, &m]), &b.input::<f64>("w", [n]));
    b.output("y", x * 2.0 + w.slice(elide::s![.., elide::Slice::NewAxis]));
    let asm = b.build().unwrap().inspect(elide::Stage::Asm).unwrap();
    let turns: Vec<&str> = asm.split("\nblock").filter(|block| block.contains("mulpd")).collect();
    assert!(!turns.is_empty() && turns.iter().all(|turn| !turn.contains("(%rsp)")), "{asm}");
}
