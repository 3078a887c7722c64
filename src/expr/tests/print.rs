//! Display.

use crate::expr::{Axes, Expr};
use crate::s;
use crate::shape::{Dim, Shape};

fn input(name: &str) -> Expr<'static, f64> {
    Expr::input(name, Shape::of([Dim::named("n"), Dim::named("m")]))
}

#[test]
fn parentheses_where_they_are_needed() {
    let (a, b, c) = (&input("a"), &input("b"), &input("c"));
    let k = &a.cast::<i32>();
    for (e, want) in [
        ((a + b).sqrt(), "(a + b).sqrt()"),
        (a + b * c, "a + b * c"),
        ((a + b) * c, "(a + b) * c"),
        (a - b - c, "a - b - c"),
        (a - (b - c), "a - (b - c)"),
        (a / (b * c), "a / (b * c)"),
        (-a * b, "-a * b"),
        (-(a * b), "-(a * b)"),
        ((-a).exp(), "(-a).exp()"),
        (-a.exp(), "-a.exp()"),
        (-1.0 + a, "-1.0 + a"),
        (Expr::scalar(-2.0).pow(a), "(-2.0).pow(a)"),
        (a.minimum(b + 1.0), "a.minimum(b + 1.0)"),
        (a.round() % 2.0, "a.round() % 2.0"),
        ((a.lt(b) & a.is_nan() | b.ne(c)).select(a + b, 0.0), "(a.lt(b) & a.is_nan() | b.ne(c)).select(a + b, 0.0)"),
        ((k & ((k << 1) + 2)).cast(), "let v0 = a.cast::<i32>();\n(v0 & (v0 << 1) + 2).cast::<f64>()"),
    ] {
        assert_eq!(e.to_string(), want);
    }
}

#[test]
fn views_and_reductions() {
    let a = &input("a");
    for (e, want) in [
        (a.t().sum(), "a.t().sum()"),
        (a.sum_axis(0).insert_axis(0).permuted_axes([1, 0]).sum_axis(0), "a.sum_axis(0).insert_axis(0).t().sum_axis(0)"),
        (a.insert_axis(2).permuted_axes([1, 2, 0]).sum_over([0, 2]), "a.insert_axis(2).permuted_axes([1, 2, 0]).sum_over([0, 2])"),
        (a.slice(s![1.., 0]), "a.view([i0 + 1, 0], [max(n - 1, 0)])"),
        (a.invert_axis(1).sum_over(Axes::from(0).keepdims()).remove_axis(0), "a.invert_axis(1).sum_axis(0).insert_axis(0).remove_axis(0)"),
        (a.permuted_axes([1, 0]).reshape([-1]), "a.t().reshape([m*n])"),
    ] {
        assert_eq!(e.to_string(), want);
    }
}

#[test]
fn broadcasts_show_only_where_they_matter() {
    let (a, row) = (&input("a"), &Expr::<f64>::input("r", Shape::of([Dim::named("m")])));
    assert_eq!((a + row).to_string(), "a + r");
    let wide = row.broadcast([Dim::named("n"), Dim::named("m")]);
    assert_eq!((&wide + a).to_string(), "r + a");
    assert_eq!((&wide + row).to_string(), "r.broadcast([n, m]) + r.broadcast([n, m])");
    assert_eq!(wide.sin().to_string(), "r.broadcast([n, m]).sin()");
}

#[test]
fn shared_parts_are_printed_once() {
    let a = &input("a");
    let (x, y) = (a + 1.0, a * 2.0);
    let z = &x * &x + &y;
    assert_eq!(z.to_string(), "let v0 = a + 1.0;\nv0 * v0 + a * 2.0");
    // Doubling 200 times would take 2^200 characters without names; `v1` is an input's.
    let mut e = input("v1");
    for _ in 0..200 {
        e = &e + &e;
    }
    let text = e.to_string();
    assert_eq!(text.lines().count(), 200);
    assert!(text.starts_with("let v0 = v1 + v1;\nlet v2 = v0 + v0;\n"), "{text}");
}

#[test]
fn a_mistake_prints_as_its_message() {
    let e = (input("a") + input("b").t()).sqrt();
    assert_eq!(e.to_string(), "<error: add of f64[n,m] and f64[m,n]: shapes [n,m] and [m,n] do not broadcast: n and m differ on axis 0>");
}

#[test]
fn long_texts_are_cut_into_lines() {
    let mut e = input("a");
    for _ in 0..1000 {
        e = (e + 1.0).sin();
    }
    let text = e.to_string();
    assert!(text.lines().count() > 20 && text.lines().all(|l| l.len() < 250), "{text}");
    assert_eq!(text.matches("sin").count(), 1000);
}
