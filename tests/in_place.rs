//! Programs that change borrowed arrays in place, time loops that swap their buffers, and outputs that share memory with other
//! arrays. Expectations are by hand, from loops that do one statement after the other on copies.

use std::alloc::{GlobalAlloc, Layout as Block, System};
use std::cell::Cell;

use elide::{
    Array, ArrayMut, ArrayRef, Axis, BinaryOp, DType, ErrorKind, Expr, Kernel, Layout, concatenate, eval_all, lazy, lazy_mut, run_all, s,
};
use ndarray::{Array2, ShapeBuilder};

/// Counts how often the current thread allocates, and the largest piece.
struct Counting;

thread_local! {
    static COUNT: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

fn record(size: usize) {
    // A thread that is going away allocates unseen.
    let _ = COUNT.try_with(|c| c.set((c.get().0 + 1, c.get().1.max(size))));
}

// SAFETY: every call goes to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, block: Block) -> *mut u8 {
        record(block.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(block) }
    }
    unsafe fn realloc(&self, at: *mut u8, block: Block, size: usize) -> *mut u8 {
        record(size);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(at, block, size) }
    }
    unsafe fn dealloc(&self, at: *mut u8, block: Block) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, block) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `f` allocates, and the largest piece.
fn counted(f: impl FnOnce()) -> (usize, usize) {
    COUNT.set((0, 0));
    f();
    COUNT.get()
}

fn counting(n: usize) -> Vec<f64> {
    (0..n).map(|k| (k * k % 17) as f64 + 0.5 * k as f64 + 1.0).collect()
}

/// Two updates that must share a step because each reads what the other overwrites, of which one uses a reduction at the index
/// where it is made. That one may not join the reduction's step by itself.
#[test]
fn units_of_one_step_do_not_part_to_join_a_reduction() {
    for n in [1usize, 2, 5, 300] {
        let mut b = Kernel::builder("exchange");
        let [x, y, z] = &["x", "y", "z"].map(|name| b.input::<f64>(name, [n]));
        let t = &b.input::<f64>("t", [n, 3]);
        let s = &t.sum_axis(Axis(1));
        b.update(x, y - s).update(y, x + s.flip(Axis(0))).update(z, s - z.flip(Axis(0)));
        let kernel = b.build().unwrap();
        let (t, s) = (counting(3 * n), |k: usize| counting(3 * n)[3 * k..3 * k + 3].iter().sum::<f64>());
        let (mut x, mut y, mut z) = (counting(n), counting(n + 7)[7..].to_vec(), counting(n + 2)[2..].to_vec());
        let (old_x, old_y, old_z) = (x.clone(), y.clone(), z.clone());
        let t = ArrayRef::strided(&t, &[n, 3], &[3, 1], 0).unwrap();
        let mut call = kernel.call();
        let bound = call.bind("t", t).unwrap().bind_mut("x", &mut x).unwrap();
        bound.bind_mut("y", &mut y).unwrap().bind_mut("z", &mut z).unwrap().run().unwrap();
        for k in 0..n {
            assert_eq!(x[k], old_y[k] - s(k), "{n}");
            assert_eq!(y[k], old_x[k] + s(n - 1 - k), "{n}");
            assert_eq!(z[k], s(k) - old_z[n - 1 - k], "{n}");
        }
    }
}

#[test]
fn statements_see_what_those_before_them_made() {
    for n in [1usize, 2, 3, 8, 9, 31, 64, 200] {
        let mut a = counting(n);
        let mut want = a.clone();
        let x = lazy_mut(&mut a);
        x.at(s![1..]).add(x.get().slice(s![..-1]));
        x.at(s![0]).set(0.5);
        x.at(s![..;2]).mul(3.0);
        x.at(s![..-1]).sub(x.get().slice(s![1..]));
        let all = x.get();
        x.at(s![..]).div(all + 1000.0);
        x.run().unwrap();

        let old = want.clone();
        (1..n).for_each(|k| want[k] += old[k - 1]);
        want[0] = 0.5;
        (0..n).step_by(2).for_each(|k| want[k] *= 3.0);
        let old = want.clone();
        (0..n - 1).for_each(|k| want[k] -= old[k + 1]);
        want.iter_mut().for_each(|v| *v /= *v + 1000.0);
        assert_eq!(a, want, "{n}");
    }
}

#[test]
fn every_update_and_every_kind_of_array() {
    let mut a = [5, -3, 8, 1];
    let x = lazy_mut(&mut a);
    x.at(s![1..3]).minimum(4);
    x.at(s![..2]).maximum(0);
    x.at(s![..]).set_where(x.get().eq(1), x.get() * 10);
    assert_eq!(x.at(s![2]).get().eval::<i32>().unwrap(), 4);
    x.run().unwrap();
    assert_eq!(a, [5, 0, 4, 10]);

    lazy_mut(&mut a[1..]).run().unwrap();
    assert_eq!(a, [5, 0, 4, 10], "no statement");
    let x = lazy_mut(&mut a[1..]);
    x.set(7);
    x.run().unwrap();
    assert_eq!(a, [5, 7, 7, 7], "a value that reads nothing");

    let mut b = Array::new(&[2, 2], vec![1.0f32, 2.0, 3.0, 4.0]).unwrap();
    let x = lazy_mut(&mut b);
    assert_eq!(x.shape().to_string(), "[2,2]");
    x.set(x.get().t());
    x.run().unwrap();
    assert_eq!(b.as_slice(), [1.0, 3.0, 2.0, 4.0]);

    let mut none: Vec<f64> = Vec::new();
    let x = lazy_mut(&mut none);
    x.at(s![..]).add(1.0);
    x.run().unwrap();

    let mut one = 3i64;
    let x = lazy_mut(std::slice::from_mut(&mut one));
    x.set(x.get().sum() + 1);
    x.run().unwrap();
    assert_eq!(one, 4);
}

#[test]
fn strided_and_foreign_arrays() {
    let mut m = Array2::from_shape_fn((4, 5), |(i, j)| (10 * i + j) as f64);
    let mut want = m.clone();
    let x = lazy_mut(m.slice_mut(ndarray::s![..;-1, 1..;2]));
    x.at(s![1.., ..]).add(x.get().slice(s![..-1, ..]));
    x.run().unwrap();
    for (i, j) in [(0, 1), (0, 3), (1, 1), (1, 3), (2, 1), (2, 3)] {
        want[(i, j)] = (10 * i + j) as f64 + (10 * (i + 1) + j) as f64;
    }
    assert_eq!(m, want);

    let mut f = Array2::<f64>::zeros((3, 2).f());
    let x = lazy_mut(&mut f);
    x.set(lazy(&[1.0, 2.0]));
    x.run().unwrap();
    assert_eq!(f, ndarray::arr2(&[[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]));
}

#[test]
fn types_known_at_run_time() {
    let mut a = [1u8, 2, 3, 250];
    let x = lazy_mut(ArrayMut::from_slice(&mut a));
    assert_eq!((x.dtype(), x.shape().to_string()), (DType::U8, "[4]".into()));
    x.at(s![1..]).update(BinaryOp::Add, x.get().slice(s![..-1]));
    x.at(s![0]).set(7.9);
    x.at(s![3]).update(BinaryOp::Add, lazy(ArrayRef::from_slice(&[1000i64])).slice(s![0]));
    x.run().unwrap();
    assert_eq!(a, [7, 3, 5, ((253 + 1000) % 256) as u8]);

    let x = lazy_mut(ArrayMut::from_slice(&mut a)).typed::<u8>().unwrap();
    x.set(1);
    x.run().unwrap();
    let e = lazy_mut(ArrayMut::from_slice(&mut a)).typed::<i32>().err().unwrap();
    assert_eq!(e.kind(), ErrorKind::DType);
}

#[test]
fn several_arrays_read_each_other() {
    let (mut p, mut q, mut r) = (counting(21), vec![1.5; 21], vec![0i64; 3]);
    let kept = [2.0; 21];
    let (x, y, z) = (lazy_mut(&mut p), lazy_mut(&mut q), lazy_mut(&mut r));
    let old = x.get();
    x.set(x.get() + y.get());
    y.at(s![1..]).set(old.slice(s![..-1]) * lazy(&kept).slice(s![1..]));
    z.at(s![1]).add(x.get().gt(y.get()).count_nonzero());
    run_all([x.into_dyn(), y.into(), z.into()]).unwrap();
    let was = counting(21);
    let sums: Vec<f64> = was.iter().map(|a| a + 1.5).collect();
    let mut moved: Vec<f64> = was[..20].iter().map(|a| a * 2.0).collect();
    moved.insert(0, 1.5);
    let above = sums.iter().zip(&moved).filter(|(a, b)| a > b).count() as i64;
    assert_eq!((p, q, r), (sums, moved, vec![0, above, 0]));
    run_all([] as [elide::DynLazyMut<'_>; 0]).unwrap();
}

#[test]
fn arrays_that_are_only_read_stay_and_may_be_changed_later() {
    let (mut p, mut q) = ([1.0, 2.0], [10.0, 20.0]);
    let (x, y) = (lazy_mut(&mut p), lazy_mut(&mut q));
    x.set(x.get() + y.get());
    y.set(y.get() * 2.0);
    x.run().unwrap();
    y.run().unwrap();
    assert_eq!((p, q), ([11.0, 22.0], [20.0, 40.0]));
}

#[test]
fn expressions_of_what_was_overwritten_are_mistakes() {
    let (mut p, mut q) = ([1.0, 2.0], [10.0, 20.0]);
    let (x, y) = (lazy_mut(&mut p), lazy_mut(&mut q));
    let (made, old) = (line!(), x.get());
    x.at(s![0]).set(5.0);
    let new = x.get();
    y.set(y.get() + &old);
    // Until then both can be computed.
    assert_eq!((&old + &new).eval::<Vec<f64>>().unwrap(), [6.0, 4.0]);
    let ran = line!() + 1;
    x.run().unwrap();
    for e in [old.eval::<Vec<f64>>().unwrap_err(), (new + 1.0).sum().eval::<f64>().unwrap_err(), y.run().unwrap_err()] {
        assert_eq!(e.kind(), ErrorKind::Bind);
        let text = format!("an expression reads an array as it was before the program that ran at {}:{ran}:", file!());
        assert!(e.message().starts_with(&text), "{e}");
        assert_eq!(e.site().unwrap().line(), made - 1, "{e}");
    }
    assert_eq!((p, q), ([5.0, 2.0], [10.0, 20.0]));
}

#[test]
fn mistakes_are_kept_with_their_lines_and_change_nothing() {
    let mut a = [1.0, 2.0, 3.0];
    let other = [1.0, 2.0];
    let x = lazy_mut(&mut a);
    x.at(s![0]).set(9.0);
    let line = line!() + 1;
    x.at(s![1..]).add(lazy(&[1.0, 2.0, 3.0]));
    x.at(s![5]).set(1.0);
    x.set(0.0);
    assert_eq!(x.check().unwrap_err().site().unwrap().line(), line);
    let e = x.run().unwrap_err();
    assert_eq!((e.kind(), e.site().unwrap().line()), (ErrorKind::Shape, line), "{e}");

    let x = lazy_mut(&mut a);
    x.at(s![5]).set(1.0);
    assert_eq!(x.run().unwrap_err().site().unwrap().line(), line!() - 1);

    let x = lazy_mut(&mut a);
    x.set(lazy(&other));
    let e = x.run().unwrap_err();
    assert_eq!((e.kind(), e.site().unwrap().line()), (ErrorKind::Shape, line!() - 2), "{e}");

    let x = lazy_mut(&mut a);
    x.set(Kernel::builder("k").input("y", [3]));
    assert_eq!(x.run().unwrap_err().message(), "input `y` has no data");

    // An index out of range is found before anything is written.
    let x = lazy_mut(&mut a);
    x.at(s![0]).set(9.0);
    x.at(s![1..]).set(x.get().take(lazy(&[0i64, 3]), 0));
    assert_eq!(x.run().unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(a, [1.0, 2.0, 3.0]);
}

#[test]
fn statements_read_the_array_as_it_is_when_they_are_made() {
    struct Sets<'x, 'a>(&'x elide::LazyMut<'a, f64>);
    impl<'a> elide::IntoExpr<'a, f64> for Sets<'_, 'a> {
        fn into_expr(self) -> Expr<'a, f64> {
            self.0.at(s![1]).set(7.0);
            self.0.get().slice(s![1..2])
        }
    }
    let mut a = [1.0, 2.0, 3.0];
    let x = lazy_mut(&mut a);
    x.at(s![0..1]).add(Sets(&x));
    x.run().unwrap();
    assert_eq!(a, [8.0, 7.0, 3.0]);
}

#[test]
fn a_long_program_runs_on_a_small_stack() {
    let run = || {
        let mut a = [0i64, 1];
        let x = lazy_mut(&mut a);
        for _ in 0..100_000 {
            x.set(x.get() + 1);
        }
        drop(x);
        assert_eq!(a, [0, 1], "without `run` nothing is written");
    };
    std::thread::Builder::new().stack_size(256 << 10).spawn(run).unwrap().join().unwrap();
}

#[test]
fn nothing_is_allocated_that_grows() {
    let (mut small, mut large) = (counting(1_000), counting(100_000));
    let run = |a: &mut Vec<f64>| {
        let x = lazy_mut(a);
        x.at(s![1..]).add(0.5 * x.get().slice(s![..-1]));
        x.at(s![0]).set(0.0);
        x.run().unwrap();
    };
    run(&mut small);
    run(&mut large);
    let (s, l) = (counted(|| run(&mut small)), counted(|| run(&mut large)));
    assert_eq!(s, l);
    assert!(l.1 < 100_000, "{l:?}");
}

/// A step of the heat equation, of one buffer into another.
fn diffusion(b: &mut elide::KernelBuilder) -> (Expr<'static, f64>, Expr<'static, f64>) {
    let [n, m] = b.dims(["n", "m"]);
    let u = b.input::<f64>("u", [n, m]);
    let middle = &u.slice(s![1..-1, 1..-1]);
    let around = u.slice(s![..-2, 1..-1]) + u.slice(s![2.., 1..-1]) + u.slice(s![1..-1, ..-2]) + u.slice(s![1..-1, 2..]);
    let inner = middle + 0.2 * (around - 4.0 * middle);
    let next = u.at(s![1..-1, 1..-1]).set(inner);
    (u, next)
}

#[test]
fn swapping_buffers_allocates_nothing() {
    let mut b = Kernel::builder("heat");
    let (_, next) = diffusion(&mut b);
    b.output("next", next);
    let kernel = b.build().unwrap();
    let mut b = Kernel::builder("heat in place");
    let (u, next) = diffusion(&mut b);
    b.update(&u, next);
    let in_place = b.build().unwrap();

    let start = Array2::from_shape_fn((40, 50), |(i, j)| ((i * 7 + j * 3) % 11) as f64);
    let (mut now, mut next) = (start.clone(), start.clone());
    let mut single = start.clone();
    let mut call = kernel.call();
    let mut update = in_place.call();
    call.bind("u", &now).unwrap().bind_mut("next", &mut next).unwrap().run().unwrap();
    std::mem::swap(&mut now, &mut next);
    update.bind_mut("u", &mut single).unwrap().run().unwrap();
    let count = counted(|| {
        for _ in 1..10 {
            call.bind("u", &now).unwrap().bind_mut("next", &mut next).unwrap().run().unwrap();
            std::mem::swap(&mut now, &mut next);
            update.bind_mut("u", &mut single).unwrap().run().unwrap();
        }
    });
    assert_eq!(count, (0, 0));

    let mut want = start;
    for _ in 0..10 {
        let u = want.clone();
        for i in 1..39 {
            for j in 1..49 {
                let around = u[(i - 1, j)] + u[(i + 1, j)] + u[(i, j - 1)] + u[(i, j + 1)];
                want[(i, j)] = u[(i, j)] + 0.2 * (around - 4.0 * u[(i, j)]);
            }
        }
    }
    assert_eq!((&now, &single), (&want, &want));
}

/// `y = x + 1`, `z = 2 x` over `[n,m]`.
fn two_outputs() -> Kernel {
    let mut b = Kernel::builder("two");
    let [n, m] = b.dims(["n", "m"]);
    let x = &b.input::<f64>("x", [n, m]);
    b.output("y", x + 1.0).output("z", 2.0 * x);
    b.build().unwrap()
}

/// A view of a part of memory that starts at `first`; all in elements. Borrows nothing.
///
/// # Safety
/// The memory must stay while the view is used; no two views may be used by compiled code together if one is written through
/// and an element belongs to both.
unsafe fn part<'a>(memory: *mut f64, first: usize, shape: &[usize], strides: &[isize]) -> (ArrayRef<'a>, ArrayMut<'a>) {
    let layout = Layout { shape: shape.into(), strides: strides.iter().map(|s| 8 * s).collect() };
    // SAFETY: the caller's promise.
    unsafe {
        let at = memory.add(first).cast();
        (ArrayRef::from_raw(at, DType::F64, layout.clone()).unwrap(), ArrayMut::from_raw(at, DType::F64, layout).unwrap())
    }
}

#[test]
fn outputs_that_share_memory_are_refused() {
    let kernel = two_outputs();
    let mut memory = vec![1.0; 300];
    let p = memory.as_mut_ptr();
    // SAFETY: all inside of the memory; where two share an element the call is refused before it touches them.
    let run = |x: (usize, [isize; 2]), y: (usize, [isize; 2]), z: (usize, [isize; 2])| unsafe {
        let of = |(first, strides): (usize, [isize; 2])| part(p, first, &[4, 5], &strides);
        kernel.call().bind("x", of(x).0).unwrap().bind_mut("y", of(y).1).unwrap().bind_mut("z", of(z).1).unwrap().run()
    };
    let message = |r: elide::Result<()>| {
        let e = r.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Bind);
        e.message().to_string()
    };
    let c = [5, 1];
    assert_eq!(message(run((0, c), (0, c), (100, c))), "output `y` shares memory with input `x`");
    assert_eq!(message(run((0, c), (100, c), (19, c))), "output `z` shares memory with input `x`");
    assert_eq!(message(run((0, c), (100, c), (119, [-5, -1]))), "output `z` shares memory with output `y`");
    run((0, c), (20, c), (40, c)).unwrap();
    // Halves and other rows of a matrix, turned and mirrored.
    run((0, [15, 1]), (5, [15, 1]), (10, [15, 1])).unwrap();
    run((0, [10, 2]), (1, [10, 2]), (100, [1, 4])).unwrap();
    run((0, [15, 1]), (64, [-15, -1]), (59, [-15, -1])).unwrap_err();
    run((0, [15, 1]), (54, [-15, -1]), (59, [-15, -1])).unwrap();
    assert_eq!(message(run((0, [15, 1]), (4, [15, 1]), (10, [15, 1]))), "output `y` shares memory with input `x`");
}

#[test]
fn sharing_is_found_when_only_addresses_change_and_right_bindings_run_again() {
    let kernel = two_outputs();
    let mut call = kernel.call();
    let mut memory = vec![1.0; 100];
    let p = memory.as_mut_ptr();
    let mut run = |x: usize, y: usize, z: usize| {
        let of = |first| {
            // SAFETY: as above.
            unsafe { part(p, first, &[4, 5], &[5, 1]) }
        };
        call.bind("x", of(x).0).unwrap().bind_mut("y", of(y).1).unwrap().bind_mut("z", of(z).1).unwrap().run()
    };
    for _ in 0..2 {
        run(0, 20, 40).unwrap();
        run(0, 20, 40).unwrap();
        run(0, 20, 39).unwrap_err();
        run(0, 20, 39).unwrap_err();
        run(20, 0, 40).unwrap();
    }
    let count = counted(|| {
        for _ in 0..10 {
            run(0, 20, 40).unwrap();
            run(20, 0, 40).unwrap();
        }
    });
    assert_eq!(count.0, 0);
}

#[test]
fn interleaved_views_that_ndarray_makes_are_accepted() {
    let kernel = two_outputs();
    let mut a = Array2::from_shape_fn((6, 9), |(i, j)| (10 * i + j) as f64);
    let (x, mut y, mut z) = a.multi_slice_mut((ndarray::s![.., ..;3], ndarray::s![.., 1..;3], ndarray::s![.., 2..;3]));
    kernel.call().bind("x", &x).unwrap().bind_mut("y", &mut y).unwrap().bind_mut("z", &mut z).unwrap().run().unwrap();
    let want = Array2::from_shape_fn((6, 9), |(i, j)| {
        let x = (10 * i + j / 3 * 3) as f64;
        [x, x + 1.0, 2.0 * x][j % 3]
    });
    assert_eq!(a, want);
    let (left, mut right) = a.view_mut().split_at(ndarray::Axis(1), 4);
    let (mut y, mut z) = right.multi_slice_mut((ndarray::s![.., ..1], ndarray::s![.., 2..3]));
    let x = left.slice(ndarray::s![.., 3..]);
    kernel.call().bind("x", x).unwrap().bind_mut("y", &mut y).unwrap().bind_mut("z", &mut z).unwrap().run().unwrap();
}

#[test]
fn borrowed_data_and_updates_are_checked_too() {
    let mut memory = vec![1.0; 20];
    let p = memory.as_mut_ptr();
    // SAFETY: all inside of the memory; where two share an element the call is refused before it touches them.
    let of = |first: usize| unsafe { part(p, first, &[5], &[1]) };
    let line = line!() + 1;
    let x = lazy(of(0).0);
    let e = (&x + 1.0).eval_into(of(4).1).unwrap_err();
    assert!(e.message().starts_with(&format!("output `result` shares memory with the data borrowed at {}:{line}:", file!())), "{e}");
    let e = eval_all(&[&x + 1.0, &x + 2.0], vec![of(5).1, of(9).1]).unwrap_err();
    assert_eq!(e.message(), "output `result 1` shares memory with output `result 0`");
    (&x + 1.0).eval_into(of(5).1).unwrap();

    let y = lazy_mut(of(2).1);
    y.set(x);
    let e = y.run().unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Bind);
    let (y, z) = (lazy_mut(of(0).1), lazy_mut(of(3).1));
    y.set(z.get());
    let e = run_all([y, z]).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Bind);
    let (y, z) = (lazy_mut(of(0).1), lazy_mut(of(5).1));
    y.set(concatenate(&[z.get().typed::<f64>().unwrap(), Expr::zeros([0])], 0).into_dyn());
    run_all([y, z]).unwrap();
}
