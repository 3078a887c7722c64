//! Operands that are walked across their rows: tile by tile, with the same results, on one thread and on several.

use elide::{ArrayMut, ArrayRef, Kernel, Threads};

fn data(n: usize, seed: usize) -> Vec<f64> {
    (0..n).map(|k| ((k * 7919 + seed) % 4099) as f64 - 2000.0).collect()
}

#[test]
fn sums_with_transposed_tables() {
    let mut b = Kernel::builder("across");
    let [n, m] = b.dims(["n", "m"]);
    let (x, y, z) = (&b.input::<f64>("x", [&n, &m]), &b.input::<f64>("y", [&m, &n]), &b.input::<f64>("z", [&m, &n]));
    b.output("one", x + y.t()).output("two", y.t() * 2.0 - z.t());
    let kernel = b.build().unwrap();
    // Tiles end with the row, or do not; the last two columns are fewer than a tile; and one table that is not cut.
    for (n, m) in [(401usize, 577usize), (64, 768), (70, 770), (1000, 9)] {
        let (x, y, z) = (data(n * m, 1), data(n * m, 2), data(n * m, 3));
        let (mut one, mut two) = (vec![f64::NAN; n * m], vec![f64::NAN; n * m]);
        let mut call = kernel.call();
        for threads in [Threads::One, Threads::Auto] {
            call.set_threads(threads);
            let table = |d, n: usize, m: usize| ArrayRef::strided(d, &[n, m], &[m as isize, 1], 0).unwrap();
            let bound = call.bind("x", table(&x, n, m)).unwrap().bind("y", table(&y, m, n)).unwrap().bind("z", table(&z, m, n)).unwrap();
            let [to_one, to_two] = [&mut one, &mut two].map(|d| ArrayMut::strided(d, &[n, m], &[m as isize, 1], 0).unwrap());
            bound.bind_mut("one", to_one).unwrap().bind_mut("two", to_two).unwrap().run().unwrap();
            for i in 0..n {
                for j in 0..m {
                    let (k, t) = (i * m + j, j * n + i);
                    assert_eq!((one[k], two[k]), (x[k] + y[t], y[t] * 2.0 - z[t]), "{n} by {m} at {i}, {j}");
                }
            }
        }
    }
}

/// An outer axis around the two that disagree, and parts of it on several threads.
#[test]
fn pages_of_transposed_tables() {
    let (pages, n, m) = (5, 33, 450);
    let mut b = Kernel::builder("pages");
    let x = b.input::<f64>("x", [pages, m, n]);
    b.output("y", x.swap_axes(1, 2) + 1.0);
    let kernel = b.build().unwrap();
    let x = data(pages * m * n, 5);
    let mut call = kernel.call();
    for parts in [1, 3] {
        call.set_parts(parts, parts == 3);
        let mut y = vec![f64::NAN; x.len()];
        let from = ArrayRef::strided(&x, &[pages, m, n], &[(m * n) as isize, n as isize, 1], 0).unwrap();
        let to = ArrayMut::strided(&mut y, &[pages, n, m], &[(m * n) as isize, m as isize, 1], 0).unwrap();
        call.bind("x", from).unwrap().bind_mut("y", to).unwrap().run().unwrap();
        let at = |p: usize, i: usize, j: usize| x[(p * m + j) * n + i] + 1.0;
        let want: Vec<f64> = (0..pages * n * m).map(|k| at(k / (n * m), k / m % n, k % m)).collect();
        assert!(y == want, "in {parts} parts");
    }
}
