//! Assignment to regions, and updates in place: what they mean (by hand, after NumPy), and how much memory they take.

use elide::{ArrayMut, Axis, Expr, Kernel, Pad, Stage, concatenate, lazy, s, stack};

fn schedule(kernel: &Kernel) -> String {
    kernel.inspect(Stage::Schedule).unwrap()
}

/// Runs a kernel that updates its one input `x`.
fn updated(kernel: &Kernel, mut data: Vec<f64>, shape: &[usize]) -> Vec<f64> {
    let mut strides = vec![1isize; shape.len()];
    for k in (1..shape.len()).rev() {
        strides[k - 1] = strides[k] * shape[k] as isize;
    }
    let view = ArrayMut::strided(&mut data, shape, &strides, 0).unwrap();
    kernel.call().bind_mut("x", view).unwrap().run().unwrap();
    data
}

fn counting(n: usize) -> Vec<f64> {
    (0..n).map(|k| (k * k % 17) as f64 + 0.5 * k as f64 + 1.0).collect()
}

#[test]
fn regions_are_set_one_over_another() {
    let y: Vec<i32> = Expr::<i32>::zeros([3, 4]).at(s![1.., ..]).set(1).at(s![.., 0]).set(7).at(s![2, 1..;2]).add(5).eval().unwrap();
    assert_eq!(y, [7, 0, 0, 0, 7, 1, 1, 1, 7, 6, 1, 6]);
}

#[test]
fn arrays_are_joined_rolled_padded_and_repeated() {
    let v = [1, 2, 3];
    let x = &lazy(&v);
    let joined: Vec<i32> = concatenate(&[x.clone(), 10 * x, x.slice(s![..1])], 0).eval().unwrap();
    assert_eq!(joined, [1, 2, 3, 10, 20, 30, 1]);
    let stacked: Vec<i32> = stack(&[x.clone(), -x], Axis(1)).eval().unwrap();
    assert_eq!(stacked, [1, -1, 2, -2, 3, -3]);
    for (shift, want) in [(1, [3, 1, 2]), (-1, [2, 3, 1]), (5, [2, 3, 1]), (0, [1, 2, 3])] {
        let rolled: Vec<i32> = x.roll(shift, 0).eval().unwrap();
        assert_eq!(rolled, want, "{shift}");
    }
    let pad = |mode| -> Vec<i32> { x.pad(0, 2, 1, mode).eval().unwrap() };
    assert_eq!(pad(Pad::Constant(9)), [9, 9, 1, 2, 3, 9]);
    assert_eq!(pad(Pad::Edge), [1, 1, 1, 2, 3, 3]);
    assert_eq!(pad(Pad::Reflect), [3, 2, 1, 2, 3, 2]);
    assert_eq!(pad(Pad::Wrap), [2, 3, 1, 2, 3, 1]);
    let repeated: Vec<i32> = x.repeat(2, 0).eval().unwrap();
    assert_eq!(repeated, [1, 1, 2, 2, 3, 3]);
    let tiled: Vec<i32> = x.tile([2, 2]).eval().unwrap();
    assert_eq!(tiled, [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]);
}

#[test]
fn padding_with_too_few_elements_is_an_error_when_bound() {
    let mut b = Kernel::builder("pad");
    let [n] = b.dims(["n"]);
    let x = &b.input::<f64>("x", [&n]);
    b.output("y", x.pad(0, 2, 1, Pad::Reflect));
    let kernel = b.build().unwrap();
    let mut y = [0.0; 6];
    kernel.call().bind("x", &[1.0, 2.0, 3.0]).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
    assert_eq!(y, [3.0, 2.0, 1.0, 2.0, 3.0, 2.0]);
    let few = kernel.call().bind("x", &[1.0, 2.0]).unwrap().bind_mut("y", &mut y[..5]).unwrap().run().unwrap_err();
    assert_eq!((few.kind(), few.message()), (elide::ErrorKind::Shape, "shapes do not agree: max(-n + 3, 0) is 1, but 0 is 0"));
    assert!(few.site().is_some());
}

#[test]
fn overlapping_updates_read_before_they_write() {
    for n in [1usize, 2, 3, 7, 8, 9, 16, 31, 64, 65, 200] {
        let data = counting(n);
        let check = |what: &str, build: &dyn Fn(&Expr<'static, f64>) -> Expr<'static, f64>, want: &dyn Fn(usize) -> f64, buffers: bool| {
            let mut b = Kernel::builder(what);
            let dims = b.dims(["n"]);
            let x = &b.input::<f64>("x", dims);
            b.update(x, build(x));
            let kernel = b.build().unwrap();
            assert_eq!(schedule(&kernel).contains("buffer0"), buffers, "{what}:\n{}", schedule(&kernel));
            let got = updated(&kernel, data.clone(), &[n]);
            let want: Vec<f64> = (0..n).map(want).collect();
            assert_eq!(got, want, "{what} of {n}");
        };
        let d = &data;
        check("forward", &|x| x.at(s![1..]).add(x.slice(s![..-1])), &|k| if k > 0 { d[k] + d[k - 1] } else { d[0] }, false);
        check("backward", &|x| x.at(s![..-1]).add(x.slice(s![1..])), &|k| if k + 1 < n { d[k] + d[k + 1] } else { d[k] }, false);
        check("shift by three", &|x| x.at(s![3..]).set(2.0 * x.slice(s![..-3])), &|k| if k >= 3 { 2.0 * d[k - 3] } else { d[k] }, false);
        check("plain", &|x| x * x + 1.0, &|k| d[k] * d[k] + 1.0, false);
        check("by the first", &|x| x / x.slice(s![0..1]).slice(s![0]), &|k| d[k] / d[0], false);
    }
}

#[test]
fn two_updates_may_read_each_other() {
    let mut b = Kernel::builder("rotate");
    let [n] = b.dims(["n"]);
    let (x, y) = (&b.input::<f64>("x", [&n]), &b.input::<f64>("y", [&n]));
    b.update(x, x + y);
    b.update(y, x - y);
    let kernel = b.build().unwrap();
    let text = schedule(&kernel);
    assert!(text.contains("no temporary arrays") && !text.contains("step 1"), "{text}");
    let (mut p, mut q) = (counting(21), vec![1.5; 21]);
    kernel.call().bind_mut("x", &mut p).unwrap().bind_mut("y", &mut q).unwrap().run().unwrap();
    let was = counting(21);
    assert_eq!(p, was.iter().map(|a| a + 1.5).collect::<Vec<_>>());
    assert_eq!(q, was.iter().map(|a| a - 1.5).collect::<Vec<_>>());
}

#[test]
fn one_step_of_shortest_paths_copies_a_row_and_a_column() {
    let mut b = Kernel::builder("paths");
    let [n] = b.dims(["n"]);
    let x = &b.input::<f64>("x", [&n, &n]);
    let k = 2;
    b.update(x, x.minimum(x.slice(s![.., k..k + 1]) + x.slice(s![k..k + 1, ..])));
    let text = schedule(&b.build().unwrap());
    assert!(text.contains("no temporary arrays") || text.contains("8*"), "{text}");
    let mut b = Kernel::builder("paths");
    let x = &b.input::<f64>("x", [6, 6]);
    b.update(x, x.minimum(x.slice(s![.., k..k + 1]) + x.slice(s![k..k + 1, ..])));
    let kernel = b.build().unwrap();
    let text = schedule(&kernel);
    assert!(!text.contains("288 bytes"), "{text}");
    let data = counting(36);
    let got = updated(&kernel, data.clone(), &[6, 6]);
    let want: Vec<f64> = (0..36).map(|p| data[p].min(data[p / 6 * 6 + 2] + data[12 + p % 6])).collect();
    assert_eq!(got, want, "{text}");
}

#[test]
fn rows_move_by_loops_that_turn() {
    let mut b = Kernel::builder("rows");
    let x = &b.input::<f64>("x", [5, 9]);
    b.update(x, x.at(s![1.., ..-1]).add(x.slice(s![..-1, 1..])).at(s![0, ..]).set(-1.0));
    let kernel = b.build().unwrap();
    let text = schedule(&kernel);
    assert!(text.contains("no temporary arrays") && text.contains("backward"), "{text}");
    let data = counting(45);
    let want: Vec<f64> = (0..45)
        .map(|p| match (p / 9, p % 9) {
            (0, _) => -1.0,
            (_, 8) => data[p],
            _ => data[p] + data[p - 8],
        })
        .collect();
    assert_eq!(updated(&kernel, data, &[5, 9]), want, "{text}");
}

#[test]
fn transposes_and_flips_in_place() {
    for n in [1usize, 2, 5, 8, 17, 33, 100] {
        let mut b = Kernel::builder("symmetric");
        let dims = b.dims(["n"]);
        let x = &b.input::<f64>("x", [&dims[0], &dims[0]]);
        b.update(x, x + x.t());
        let data = counting(n * n);
        let want: Vec<f64> = (0..n * n).map(|p| data[p] + data[p % n * n + p / n]).collect();
        let kernel = b.build().unwrap();
        let text = schedule(&kernel);
        assert!(text.contains("no temporary arrays") && text.contains("in pairs"), "{text}");
        assert_eq!(updated(&kernel, data, &[n, n]), want);

        // A different value on either side of the diagonal, in a batch, and a region of it.
        let mut b = Kernel::builder("antisymmetric");
        let x = &b.input::<f64>("x", [3, n + 1, n + 1]);
        let part = &x.slice(s![.., ..-1, 1..]);
        b.update(x, x.at(s![.., ..-1, 1..]).set(2.0 * part - part.permuted_axes([0, 2, 1])));
        let kernel = b.build().unwrap();
        let m = n + 1;
        let data = counting(3 * m * m);
        let want: Vec<f64> = (0..3 * m * m)
            .map(|p| {
                let (k, i, j) = (p / (m * m), p / m % m, p % m);
                if i < n && j > 0 { 2.0 * data[p] - data[(k * m + j - 1) * m + i + 1] } else { data[p] }
            })
            .collect();
        assert!(n == 1 || schedule(&kernel).contains("in pairs"), "{}", schedule(&kernel));
        assert_eq!(updated(&kernel, data, &[3, m, m]), want, "{}", schedule(&kernel));

        for backward_region in [false, true] {
            let mut b = Kernel::builder("reverse");
            let dims = b.dims(["n"]);
            let x = &b.input::<f64>("x", dims);
            // x[:] = x[::-1], or x[::-1] = x
            b.update(x, if backward_region { x.at(s![..;-1]).set(x) } else { x.invert_axis(0) });
            let data = counting(n);
            let want: Vec<f64> = data.iter().rev().copied().collect();
            let kernel = b.build().unwrap();
            assert!(schedule(&kernel).contains("no temporary arrays"), "{}", schedule(&kernel));
            assert_eq!(updated(&kernel, data, &[n]), want);
        }

        // y[:-1] += 0.5 * y[-2::-1], row by row
        let mut b = Kernel::builder("mirror");
        let x = &b.input::<f64>("x", [3, n]);
        b.update(x, x.at(s![.., ..-1]).add(0.5 * x.slice(s![.., -2..;-1])));
        let kernel = b.build().unwrap();
        assert!(n == 1 || schedule(&kernel).contains("no temporary arrays"), "{}", schedule(&kernel));
        let data = counting(3 * n);
        let want: Vec<f64> =
            (0..3 * n).map(|p| if p % n + 1 < n { data[p] + 0.5 * data[p / n * n + (n - 2 - p % n)] } else { data[p] }).collect();
        assert_eq!(updated(&kernel, data, &[3, n]), want, "{}", schedule(&kernel));
    }
}

#[test]
fn a_chain_with_readers_between() {
    // y sees x after the first assignment and before the second; z sees it after both.
    let mut b = Kernel::builder("chain");
    let x0 = &b.input::<f64>("x", [6]);
    let x1 = &x0.at(s![1..-1]).set(x0.slice(s![..-2]) + x0.slice(s![2..]));
    let y = 10.0 * x1;
    let x2 = &x1.at(s![0]).set(x1.slice(s![1])).at(s![-1]).set(x1.slice(s![-2]));
    b.output("y", y);
    b.output("z", x2.slice(s![..2]) + x0.slice(s![..2]));
    b.update(x0, x2);
    let kernel = b.build().unwrap();
    let (mut x, mut y, mut z) = ([1.0, 2.0, 4.0, 8.0, 16.0, 32.0], [0.0; 6], [0.0; 2]);
    kernel.call().bind_mut("x", &mut x).unwrap().bind_mut("y", &mut y).unwrap().bind_mut("z", &mut z).unwrap().run().unwrap();
    assert_eq!(y, [10.0, 50.0, 100.0, 200.0, 400.0, 320.0]);
    assert_eq!(x, [5.0, 5.0, 10.0, 20.0, 40.0, 40.0]);
    assert_eq!(z, [6.0, 7.0]);
}

#[test]
fn a_cyclic_shift_in_place_copies_one_element() {
    let mut b = Kernel::builder("roll");
    let x = &b.input::<f64>("x", [16]);
    b.update(x, x.roll(1, 0));
    let kernel = b.build().unwrap();
    let text = schedule(&kernel);
    assert!(text.contains("of 8 bytes") && !text.contains("buffer1"), "{text}");
    let data = counting(16);
    let want: Vec<f64> = (0..16).map(|k| data[(k + 15) % 16]).collect();
    assert_eq!(updated(&kernel, data, &[16]), want, "{text}");
}

#[test]
fn two_arrays_change_places() {
    let mut b = Kernel::builder("swap");
    let (x, y) = (&b.input::<f64>("x", [5]), &b.input::<f64>("y", [5]));
    b.update(x, y);
    b.update(y, x);
    let kernel = b.build().unwrap();
    let (mut p, mut q) = ([1.0; 5], [2.0; 5]);
    kernel.call().bind_mut("x", &mut p).unwrap().bind_mut("y", &mut q).unwrap().run().unwrap();
    assert_eq!((p, q), ([2.0; 5], [1.0; 5]));
}

#[test]
fn a_version_that_changes_nothing_comes_between_two_that_do() {
    let v = [1.0, 2.0, 3.0, 4.0];
    let x = &lazy(&v);
    let y = x.at(s![..3]).set(x.slice(s![1..]));
    let z = y.at(s![..2]).set(y.slice(s![..2]));
    let w: Vec<f64> = z.at(s![..;-1]).set(x).eval().unwrap();
    assert_eq!(w, [4.0, 3.0, 2.0, 1.0]);
}

#[test]
fn a_distance_that_is_zero_for_some_sizes_settles_no_order() {
    // With n = 4, the rows that are read are the rows that are written, in the other direction.
    let mut b = Kernel::builder("maybe");
    let dims = b.dims(["n"]);
    let x = &b.input::<f64>("x", [&dims[0], &dims[0]]);
    b.update(x, x.at(s![.., ..;-1]).add(x.slice(s![-4.., ..])));
    let kernel = b.build().unwrap();
    let data = counting(16);
    let want: Vec<f64> = (0..16).map(|p| data[p] + data[p / 4 * 4 + 3 - p % 4]).collect();
    assert_eq!(updated(&kernel, data, &[4, 4]), want, "{}", schedule(&kernel));
}

#[test]
fn a_strided_output_is_reshaped_by_way_of_scratch_memory() {
    let (v, row) = (counting(6), [1.0, 2.0, 3.0]);
    let mut b = Kernel::builder("reshaped");
    let (x, r) = (&b.input::<f64>("x", [2, 3]), &b.input::<f64>("r", [3]));
    let sum = &(x + r);
    b.output("a", sum);
    b.output("c", sum.reshape([6]));
    let kernel = b.build().unwrap();
    let (mut a, mut c) = ([0.0; 12], [0.0; 6]);
    let view = ArrayMut::strided(&mut a, &[2, 3], &[6, 2], 0).unwrap();
    let given = elide::ArrayRef::strided(&v, &[2, 3], &[3, 1], 0).unwrap();
    let mut call = kernel.call();
    call.bind("x", given).unwrap().bind("r", &row).unwrap().bind_mut("a", view).unwrap().bind_mut("c", &mut c).unwrap().run().unwrap();
    let want: Vec<f64> = v.iter().enumerate().map(|(k, x)| x + row[k % 3]).collect();
    assert_eq!(c[..], want[..]);
}

#[test]
fn an_element_is_put_back_over_what_was_written() {
    let mut b = Kernel::builder("back");
    let x = &b.input::<f64>("x", [5]);
    b.update(x, (x + x).at(s![3]).set(x.slice(s![3])));
    assert_eq!(updated(&b.build().unwrap(), vec![1.0, 2.0, 3.0, 4.0, 5.0], &[5]), [2.0, 4.0, 6.0, 4.0, 10.0]);
}

type Column = Expr<'static, f64>;

/// What updates of `x` and `y` give, and what the same values give as results of their own.
fn in_place_and_elsewhere(n: usize, make: &dyn Fn(&Column, &Column) -> [Column; 2]) {
    let (p, q) = (counting(n), counting(2 * n)[n..].to_vec());
    let mut results = Vec::new();
    for in_place in [true, false] {
        let mut b = Kernel::builder("updates");
        let dims = b.dims(["n"]);
        let (x, y) = (&b.input::<f64>("x", &dims), &b.input::<f64>("y", &dims));
        let [u, v] = make(x, y);
        let (mut p, mut q, mut r, mut s) = (p.clone(), q.clone(), vec![0.0; n], vec![0.0; n]);
        if in_place {
            b.update(x, u).update(y, v);
            let kernel = b.build().unwrap();
            kernel.call().bind_mut("x", &mut p).unwrap().bind_mut("y", &mut q).unwrap().run().unwrap();
            results.push((p, q));
        } else {
            b.output("r", u).output("s", v);
            let kernel = b.build().unwrap();
            let mut call = kernel.call();
            let mut binding = call.bind("x", &p).unwrap().bind("y", &q).unwrap();
            binding = binding.bind_mut("r", &mut r).unwrap().bind_mut("s", &mut s).unwrap();
            binding.run().unwrap();
            results.push((r, s));
        }
    }
    assert_eq!(results[0], results[1]);
}

#[test]
fn updates_too_large_for_one_nest() {
    let deep = |x: Expr<'static, f64>| (0..120).fold(x, |x, _| x.sin());
    for n in [2, 17] {
        in_place_and_elsewhere(n, &|x, y| [deep(x + y), deep(x - y)]);
        in_place_and_elsewhere(n, &|x, y| {
            [x.at(s![1..]).set(deep(x.slice(s![..-1]) + y.slice(s![1..]))), y.at(s![..-1]).set(deep(x.slice(s![1..]) * y.slice(s![1..])))]
        });
    }
}

#[test]
fn long_chains_of_updates() {
    for n in [2, 17] {
        in_place_and_elsewhere(n, &|x, y| {
            let (mut x, mut y) = (x.clone(), y.clone());
            for _ in 0..12 {
                x = &x - x.mean_axis(0);
                y = y.at(s![1..]).add(x.slice(s![..-1]).sin()).at(s![..;-1]).mul((x.clone() + &y).sin());
                x = x.at(s![..-1]).add(y.slice(s![1..]).cos());
            }
            [x, y]
        });
    }
}

#[test]
fn a_result_that_is_an_earlier_version_is_no_reason_to_copy_it() {
    let mut b = Kernel::builder("circle");
    let dims = b.dims(["n"]);
    let (x, y) = (&b.input::<f64>("x", &dims), &b.input::<f64>("y", &dims));
    let sum = x + y;
    let once = x.at(s![2..]).set(sum.slice(s![..-2]));
    b.update(x, once.at(s![..-1]).set(sum.slice(s![1..])));
    b.update(y, &sum);
    b.output("z", &once);
    let kernel = b.build().unwrap();
    let (mut p, mut q, mut z) = (vec![1.0, 2.0, 3.0, 4.0], vec![10.0, 20.0, 30.0, 40.0], vec![0.0; 4]);
    kernel.call().bind_mut("x", &mut p).unwrap().bind_mut("y", &mut q).unwrap().bind_mut("z", &mut z).unwrap().run().unwrap();
    assert_eq!((p, q, z), (vec![22.0, 33.0, 44.0, 22.0], vec![11.0, 22.0, 33.0, 44.0], vec![1.0, 2.0, 11.0, 22.0]));
}

#[test]
fn a_number_fills_a_whole_array() {
    let v = [1.0, 2.0, 3.0];
    let y: Vec<f64> = lazy(&v).at(s![..]).set(0.5).eval().unwrap();
    assert_eq!(y, [0.5; 3]);
    let mut b = Kernel::builder("fill");
    let x = &b.input::<f64>("x", [2, 2]);
    b.update(x, x.at(s![..]).set(0.5));
    assert_eq!(updated(&b.build().unwrap(), vec![1.0; 4], &[2, 2]), [0.5; 4]);
}

#[test]
fn what_is_stored_for_others_does_not_live_where_it_overwrites() {
    // Two nests need the sum, one of them beside the old value of the array that it updates.
    let mut b = Kernel::builder("late");
    let (x, y, z) = (&b.input::<f64>("x", [3, 4]), &b.input::<f64>("y", [3]), &b.input::<f64>("z", [5]));
    let sum = &x.sum_axis(1);
    b.update(y, sum);
    b.output("a", sum - y);
    b.output("b", sum.slice(s![0]) + z);
    b.output("c", (sum * sum).sum());
    let kernel = b.build().unwrap();
    let (x, mut y, z, mut a, mut b, mut c) = (counting(12), [1.0, 2.0, 3.0], [0.5; 5], [0.0; 3], [0.0; 5], 0.0);
    let want: Vec<f64> = x.chunks(4).map(|r| r.iter().sum()).collect();
    let given = elide::ArrayRef::strided(&x, &[3, 4], &[4, 1], 0).unwrap();
    let c_view = ArrayMut::strided(std::slice::from_mut(&mut c), &[], &[], 0).unwrap();
    let mut call = kernel.call();
    let mut binding = call.bind("x", given).unwrap().bind_mut("y", &mut y).unwrap().bind("z", &z).unwrap();
    binding = binding.bind_mut("a", &mut a).unwrap().bind_mut("b", &mut b).unwrap().bind_mut("c", c_view).unwrap();
    binding.run().unwrap();
    assert_eq!((y[..].to_vec(), a), (want.clone(), [want[0] - 1.0, want[1] - 2.0, want[2] - 3.0]));
    assert_eq!((b, c), ([want[0] + 0.5; 5], want.iter().map(|s| s * s).sum()));
}

#[test]
fn pieces_of_one_version_that_overlap_do_not_share_a_nest() {
    // Both pieces read one element that both overwrite, and the second lies over the first.
    let mut b = Kernel::builder("over");
    let x = &b.input::<f64>("x", [5]);
    let first = x.slice(s![1]);
    b.update(x, (x - 7.0).at(s![..;-1]).set(first + x.slice(s![3])));
    let (got, text) = {
        let kernel = b.build().unwrap();
        (updated(&kernel, vec![1.0, 2.0, 3.0, 4.0, 5.0], &[5]), schedule(&kernel))
    };
    assert_eq!(got, [6.0; 5], "{text}");
}

/// Programs are optimized for dims that are not tiny, but this one runs for no others.
#[test]
fn a_program_for_tiny_dims_only() {
    let mut b = Kernel::builder("tiny");
    let [n] = b.dims(["n"]);
    let x = &b.input::<f64>("x", [n]);
    let two = x.slice(s![5..0;-2]).at(s![0]).add(10.0).reshape([2]);
    b.output("y", two);
    let kernel = b.build().unwrap();
    let mut y = [0.0; 2];
    kernel.call().bind("x", &[1.0, 2.0, 3.0, 4.0]).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
    assert_eq!(y, [14.0, 2.0]);
    let e = kernel.call().bind("x", &[1.0; 9]).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap_err();
    assert_eq!(e.kind(), elide::ErrorKind::Shape, "{e}");
}

#[test]
fn an_empty_region_hides_nothing() {
    let x = lazy(&[true]).broadcast([2, 4]);
    // Empty by an axis that is new, so that it moves along no axis of the array.
    let empty = s![-2, elide::Slice::NewAxis, ..1];
    let y: Vec<bool> = x.at(empty).set(false).eval().unwrap();
    assert_eq!(y, [false, true, true, true, true, true, true, true]);
    let z: Vec<f64> = Expr::<f64>::zeros([3]).at(s![0..0]).set(1.0).at(s![2..2]).set(2.0).eval().unwrap();
    assert_eq!(z, [0.0; 3]);
}

/// A slice of one element stretches also where it is along a named dim.
#[test]
fn slices_of_one_element_stretch_along_named_dims() {
    let mut b = Kernel::builder("shortest");
    let [n] = b.dims(["n"]);
    let d = &b.input::<f64>("d", [n.clone(), n]);
    b.update(d, d.minimum(d.slice(s![.., 2..3]) + d.slice(s![2..3, ..])));
    let kernel = b.build().unwrap();
    for n in [3usize, 4, 9, 70] {
        let mut d: Vec<f64> = (0..n * n).map(|k| ((k * k + 3 * k) % 23) as f64 - 2.0).collect();
        let old = d.clone();
        let view = ArrayMut::strided(&mut d, &[n, n], &[n as isize, 1], 0).unwrap();
        kernel.call().bind_mut("d", view).unwrap().run().unwrap();
        for (k, got) in d.iter().enumerate() {
            assert_eq!(*got, old[k].min(old[k / n * n + 2] + old[2 * n + k % n]), "{n}");
        }
    }
    let mut short = [0.0; 4];
    let view = ArrayMut::strided(&mut short, &[2, 2], &[2, 1], 0).unwrap();
    let refused = kernel.call().bind_mut("d", view).unwrap().run().unwrap_err();
    assert!(refused.message().contains("shapes do not agree: min(1, max(n - 2, 0)) is 0, but 1 is 1"), "{refused}");

    let mut b = Kernel::builder("ends");
    let [n] = b.dims(["n"]);
    let x = &b.input::<f64>("x", [n]);
    b.output("y", x * x.slice(s![..1]) - x.slice(s![-1..]));
    let kernel = b.build().unwrap();
    for n in [1usize, 2, 30] {
        let x: Vec<f64> = (0..n).map(|k| k as f64 + 2.0).collect();
        let mut y = vec![0.0; n];
        kernel.call().bind("x", &x).unwrap().bind_mut("y", &mut y).unwrap().run().unwrap();
        let last = x[n - 1];
        assert!((0..n).all(|k| y[k] == x[k] * 2.0 - last), "{y:?}");
    }
}
