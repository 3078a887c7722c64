//! Random programs over complex numbers in arrays of any small shape and layout, by every backend, against the same steps done one after
//! another with `num_complex`'s numbers. `ELIDE_TEST_SEEDS=1000..2000` for other programs than the usual ones.
#![cfg(feature = "testing")]

use elide::testing::Rng;
use elide::{ArrayMut, ArrayRef, Backend, Complex, Expr, Kernel, Scalar, Slice, concatenate};

type C = Complex<f64>;
type E = Expr<'static, C>;

/// A table in C order.
#[derive(Clone)]
struct Table {
    rows: usize,
    columns: usize,
    data: Vec<C>,
}

impl Table {
    fn new(rows: usize, columns: usize, at: impl Fn(usize, usize) -> C) -> Table {
        let data = (0..rows * columns).map(|k| at(k / columns, k % columns)).collect();
        Table { rows, columns, data }
    }

    fn at(&self, i: usize, j: usize) -> C {
        self.data[i * self.columns + j]
    }

    fn map(&self, f: impl Fn(C) -> C) -> Table {
        Table { data: self.data.iter().map(|z| f(*z)).collect(), ..*self }
    }

    /// The two stretched to one shape; `None` where they do not.
    fn zip(&self, other: &Table, f: impl Fn(C, C) -> C) -> Option<Table> {
        let joined = |n: usize, m: usize| if n == m || m == 1 { Some(n) } else { (n == 1).then_some(m) };
        let (rows, columns) = (joined(self.rows, other.rows)?, joined(self.columns, other.columns)?);
        let of = |t: &Table, i: usize, j: usize| t.at(if t.rows == 1 { 0 } else { i }, if t.columns == 1 { 0 } else { j });
        Some(Table::new(rows, columns, |i, j| f(of(self, i, j), of(other, i, j))))
    }

    fn transposed(&self) -> Table {
        Table::new(self.columns, self.rows, |i, j| self.at(j, i))
    }
}

/// NumPy's quotient.
fn quotient(x: C, y: C) -> C {
    let (a, b, c, d) = (x.re, x.im, y.re, y.im);
    if c == 0.0 && d == 0.0 {
        C::new(a / c.abs(), b / c.abs())
    } else if c.abs() >= d.abs() {
        let r = d / c;
        let s = 1.0 / (c + d * r);
        C::new((a + b * r) * s, (b - a * r) * s)
    } else {
        let r = c / d;
        let s = 1.0 / (d + c * r);
        C::new((a * r + b) * s, (b * r - a) * s)
    }
}

fn number(rng: &mut Rng) -> C {
    let mut part = || match rng.below(12) {
        0 => *rng.pick(&[0.0, -0.0, f64::INFINITY, f64::NAN, 5e-324, -1e300]),
        _ => (rng.bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0,
    };
    C::new(part(), part())
}

/// Every `step`-th index from a random one on, as a slice and as a list.
fn some(rng: &mut Rng, n: usize) -> (Slice, Vec<usize>) {
    let (a, b) = (rng.below(n + 1), rng.below(n + 1));
    let (low, high, step) = (a.min(b), a.max(b), *rng.pick(&[1isize, 1, 1, 2, 3, -1, -2]));
    let mut list: Vec<usize> = (low..high).collect();
    if step < 0 {
        list.reverse();
    }
    let list = list.into_iter().step_by(step.unsigned_abs()).collect();
    // A backward slice begins at the last index and ends before the one below the first.
    let slice = match step {
        s if s > 0 => Slice::Range { start: Some(low as isize), stop: Some(high as isize), step },
        _ if low == high => Slice::Range { start: Some(0), stop: Some(0), step: 1 },
        _ => Slice::Range { start: Some(high as isize - 1), stop: low.checked_sub(1).map(|k| k as isize), step },
    };
    (slice, list)
}

fn sum(all: impl Iterator<Item = C>) -> C {
    all.fold(C::new(-0.0, -0.0), |sum, z| C::new(sum.re + z.re, sum.im + z.im)) + C::new(0.0, 0.0)
}

/// One more value, made of those that there are.
fn step(rng: &mut Rng, pool: &[(E, Table)]) -> Option<(E, Table)> {
    let (x, a) = rng.pick(pool).clone();
    let (y, b) = rng.pick(pool).clone();
    let scalar = number(rng);
    Some(match rng.below(18) {
        0 | 1 => (&x * &y, a.zip(&b, |p, q| p * q)?),
        2 => (&x + &y, a.zip(&b, |p, q| p + q)?),
        3 => (&x - &y, a.zip(&b, |p, q| p - q)?),
        4 => (&x / &y, a.zip(&b, quotient)?),
        5 => (-&x * scalar, a.map(|p| -p * scalar)),
        6 => (x.conj() - scalar, a.map(|p| p.conj() - scalar)),
        7 => (x.t(), a.transposed()),
        8 => (x.invert_axis(1), Table::new(a.rows, a.columns, |i, j| a.at(i, a.columns - 1 - j))),
        9 => {
            let ((r, rows), (c, columns)) = (some(rng, a.rows), some(rng, a.columns));
            (x.slice([r, c]), Table::new(rows.len(), columns.len(), |i, j| a.at(rows[i], columns[j])))
        }
        10 => (x.real().with_imag(y.real()), a.zip(&b, |p, q| C::new(p.re, q.re))?),
        11 => (x.imag().lt(y.imag()).select(&x, &y), a.zip(&b, |p, q| if p.im < q.im { p } else { q })?),
        12 if a.columns > 0 => {
            let by = rng.below(2 * a.columns);
            (x.roll(by as isize, 1), Table::new(a.rows, a.columns, |i, j| a.at(i, (j + 2 * a.columns - by) % a.columns)))
        }
        13 if a.columns == b.columns => {
            let joined = concatenate(&[x, y], 0);
            (joined, Table::new(a.rows + b.rows, a.columns, |i, j| if i < a.rows { a.at(i, j) } else { b.at(i - a.rows, j) }))
        }
        14 => {
            let ((r, rows), (c, columns)) = (some(rng, a.rows), some(rng, a.columns));
            let mut out = a.clone();
            for i in &rows {
                columns.iter().for_each(|j| out.data[i * a.columns + j] = a.at(*i, *j) * scalar);
            }
            (x.at([r, c]).mul(scalar), out)
        }
        // In order, below the eight elements from which sums take turns.
        15 if a.columns < 8 => {
            let total = x.sum_axis(1).insert_axis(1);
            (total, Table::new(a.rows, 1, |i, _| sum((0..a.columns).map(|j| a.at(i, j)))))
        }
        16 if a.rows > 0 => {
            let index: Vec<usize> = (0..rng.below(4)).map(|_| rng.below(a.rows)).collect();
            let k = &index;
            // Each index a range of one, so that no array of them must be bound.
            let parts: Vec<E> =
                k.iter().map(|&i| x.slice([Slice::Range { start: Some(i as isize), stop: Some(i as isize + 1), step: 1 }])).collect();
            match parts.is_empty() {
                true => return None,
                false => (concatenate(&parts, 0), Table::new(k.len(), a.columns, |i, j| a.at(k[i], j))),
            }
        }
        17 => {
            let flat = x.reshape([a.rows * a.columns]).insert_axis(0);
            (flat, Table { rows: 1, columns: a.data.len(), data: a.data })
        }
        _ => return None,
    })
}

struct Held {
    name: String,
    memory: Vec<C>,
    strides: [isize; 2],
    first: usize,
}

/// An input of any layout.
fn input(rng: &mut Rng, name: String, rows: usize, columns: usize) -> (Held, Table) {
    let inner = *rng.pick(&[1isize, 1, 1, 2, -1, -3, 0]);
    let span = inner.unsigned_abs() * columns.saturating_sub(1) + 1 + rng.below(2);
    let outer = *rng.pick(&[span as isize, span as isize, -(span as isize), 0]);
    let (mut strides, mut sizes) = ([outer, inner], [rows, columns]);
    // The first axis as the fast one.
    if rng.one_in(4) {
        let span = rows.max(1) as isize;
        (strides, sizes) = ([1, span], [rows, columns]);
    }
    let below = |k: usize| if strides[k] < 0 { strides[k].unsigned_abs() * sizes[k].saturating_sub(1) } else { 0 };
    let above = |k: usize| if strides[k] > 0 { strides[k] as usize * sizes[k].saturating_sub(1) } else { 0 };
    let first = below(0) + below(1);
    let memory: Vec<C> = (0..first + above(0) + above(1) + 1).map(|_| number(rng)).collect();
    let at = |i: usize, j: usize| memory[(first as isize + i as isize * strides[0] + j as isize * strides[1]) as usize];
    let table = Table::new(rows, columns, at);
    (Held { name, memory, strides, first }, table)
}

fn check(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut held = Vec::new();
    let mut tables = Vec::new();
    let sizes = [rng.below(6), rng.below(9), 1, rng.below(4)];
    for k in 0..3 {
        let (rows, columns) = (*rng.pick(&sizes), *rng.pick(&sizes));
        let (input, table) = input(&mut rng, format!("x{k}"), rows, columns);
        held.push(input);
        tables.push(table);
    }
    let start = rng.clone();
    for backend in Backend::available() {
        let mut rng = start.clone();
        let mut b = Kernel::builder("random");
        let mut pool: Vec<(E, Table)> = Vec::new();
        for (h, t) in held.iter().zip(&tables) {
            let named = b.input::<C>(&h.name, [t.rows, t.columns]);
            pool.push((named, t.clone()));
        }
        for _ in 0..10 {
            let made = step(&mut rng, &pool).filter(|(_, t)| t.data.len() < 200);
            pool.extend(made);
        }
        // The last value, and any other.
        let chosen = [pool.len() - 1, rng.below(pool.len())];
        for (k, p) in chosen.iter().enumerate() {
            b.output(&format!("y{k}"), &pool[*p].0);
        }
        b.backend(backend);
        let kernel = b.build().unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        let mut call = kernel.call();
        let mut binding = call.start();
        for (h, t) in held.iter().zip(&tables) {
            let array = ArrayRef::strided(&h.memory, &[t.rows, t.columns], &h.strides, h.first).unwrap();
            binding = binding.bind(h.name.as_str(), array).unwrap();
        }
        // Results lie backward, with a gap before each number.
        let mut memory: Vec<Vec<C>> = chosen.iter().map(|p| vec![C::new(9.0, -9.0); 2 * pool[*p].1.data.len() + 2]).collect();
        for ((k, p), memory) in chosen.iter().enumerate().zip(&mut memory) {
            let t = &pool[*p].1;
            let last = 2 * t.data.len().max(1) - 1;
            let out = ArrayMut::strided(memory, &[t.rows, t.columns], &[-2 * t.columns.max(1) as isize, -2], last).unwrap();
            binding = binding.bind_mut(["y0", "y1"][k], out).unwrap();
        }
        binding.run().unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        for (p, memory) in chosen.iter().zip(&memory) {
            let (value, t) = &pool[*p];
            for (k, want) in t.data.iter().enumerate() {
                let at = 2 * t.data.len() - 1 - 2 * k;
                let got = memory[at];
                assert_eq!(Scalar::from(got), Scalar::from(*want), "seed {seed}, element {k} of {value}, by {backend:?}");
            }
            assert!(memory.iter().step_by(2).all(|z| *z == C::new(9.0, -9.0)), "seed {seed}: {value} wrote beside its elements");
        }
    }
}

#[test]
fn random_programs_do_what_their_steps_do() {
    let range = std::env::var("ELIDE_TEST_SEEDS").unwrap_or_else(|_| "0..150".into());
    let (from, to) = range.split_once("..").expect("a range of seeds");
    (from.parse().unwrap()..to.parse().unwrap()).for_each(check);
}
