//! Results of steps that touch more than the cache holds are written around it, by way of a tile or at once: same values, nothing else.

use elide::{ArrayMut, ArrayRef, Backend, Kernel};

/// Enough that reading and writing it streams.
const N: usize = 9_000_011;

#[test]
fn long_rows_at_any_alignment() {
    Backend::available().into_iter().for_each(long_rows);
}

fn long_rows(backend: Backend) {
    let mut b = Kernel::builder("affine");
    let [n] = b.dims(["n"]);
    let x = &b.input::<f32>("x", [n]);
    b.output("y", x * 2.0 + 1.0);
    b.output("positive", x.gt(0.0)).backend(backend);
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

/// Outputs that cannot be aligned together, and elements that are smaller than what brings an address to a multiple.
#[test]
fn bytes_and_words_apart() {
    for backend in Backend::available() {
        let mut b = Kernel::builder("bytes");
        let [n] = b.dims(["n"]);
        let (x, z) = (&b.input::<u8>("x", [&n]), &b.input::<u8>("z", [&n]));
        b.output("y", x + z).output("w", x - z).backend(backend);
        let kernel = b.build().unwrap();
        let n = 17_000_003;
        let data: Vec<u8> = (0..n).map(|k| (k % 251) as u8).collect();
        for (first, second) in [(0, 0), (3, 3), (7, 8)] {
            let (mut y, mut w) = (vec![0u8; n + 8], vec![0u8; n + 8]);
            let (to_y, to_w) = (ArrayMut::from(&mut y[first..first + n]), ArrayMut::from(&mut w[second..second + n]));
            let mut call = kernel.call();
            call.bind("x", &data)
                .unwrap()
                .bind("z", &data)
                .unwrap()
                .bind_mut("y", to_y)
                .unwrap()
                .bind_mut("w", to_w)
                .unwrap()
                .run()
                .unwrap();
            let bad = (0..n).find(|&k| y[first + k] != data[k].wrapping_mul(2) || w[second + k] != 0);
            assert_eq!(bad, None, "by {}", backend.name());
            assert!(y[..first].iter().chain(&y[first + n..]).all(|b| *b == 0), "bytes outside the output were written");
        }
    }
}

#[test]
fn rows_with_gaps_between_them() {
    Backend::available().into_iter().for_each(rows_with_gaps);
}

fn rows_with_gaps(backend: Backend) {
    let (rows, columns, gap) = (3_001, 1_501, 3);
    let mut b = Kernel::builder("double");
    let [n, m] = b.dims(["n", "m"]);
    let x = b.input::<f64>("x", [n, m]);
    b.output("y", x * 2.0).backend(backend);
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
