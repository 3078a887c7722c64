//! Programs against what NumPy makes of them, the texts of errors, and inputs that are made to hurt.

mod dtypes;
mod errors;
mod evaluate;
mod limits;
mod numpy;

use super::{InputSpec, parse};
use crate::error::Result;
use crate::expr::DynExpr;

/// An input like `x: f64[3,4]`.
fn input(name: &str, spec: &str) -> (String, DynExpr<'static>) {
    let spec: InputSpec = spec.parse().unwrap();
    (name.to_string(), DynExpr::input(name, spec.dtype, spec.shape, false))
}

/// The outputs as `name: type[shape]`.
fn outputs(program: &str, inputs: &[(&str, &str)]) -> Result<Vec<String>> {
    let inputs: Vec<_> = inputs.iter().map(|(name, spec)| input(name, spec)).collect();
    let out = parse(program)?.lower(&inputs)?;
    Ok(out.into_iter().map(|(name, x)| format!("{name}: {}{}", x.dtype(), x.shape())).collect())
}

#[test]
fn names_read_and_assigned() {
    let p = parse("t = x + pi * y; u = t; t = sum(t, z); foo(w, axis=k) + np.e + max; ").unwrap();
    assert_eq!(p.free_names(), ["x", "y", "z", "w", "k"]);
    assert_eq!(p.outputs(), ["t", "u", "result"]);
    assert_eq!(parse("x = x + 1").unwrap().free_names(), ["x"]);
    assert_eq!(parse("a = b = c; a + b").unwrap().outputs(), ["a", "b", "result"]);
    assert_eq!(parse("").unwrap().outputs(), Vec::<String>::new());
    assert_eq!(parse("result = x; y = 2").unwrap().outputs(), ["result", "y"]);
}

#[test]
fn every_assigned_array_is_an_output_with_its_last_value() {
    let x = [("x", "f32[n,4]")];
    assert_eq!(
        outputs("t = x[1:]; axes = (0, 1); k = 3; t = t.sum(axis=axes); t > k", &x).unwrap(),
        ["t: f32[]", "k: i64[]", "result: bool[]"]
    );
    assert_eq!(outputs("", &x).unwrap(), Vec::<String>::new());
    assert_eq!(outputs("x", &x).unwrap(), ["result: f32[n,4]"]);
    // The text may call an input by one of the language's names.
    assert_eq!(outputs("e + max", &[("e", "i32[2]"), ("max", "i32[2]")]).unwrap(), ["result: i32[2]"]);
    assert_eq!(outputs("np.max(max)", &[("max", "i32[2]")]).unwrap(), ["result: i32[]"]);
}

#[test]
fn named_extents() {
    let inputs = [("x", "f32[n,m]"), ("y", "f32[n,m]"), ("i", "i16[n]"), ("q", "f64[n,6]")];
    for (text, want) in [
        ("x + y", "f32[n,m]"),
        ("x[1:-1, ::2]", "f32[max(n - 2, 0),floor((m + 1)/2)]"),
        ("x.T", "f32[m,n]"),
        ("x[:x.shape[0] - 1]", "f32[max(n - 1, 0),m]"),
        ("x[1:x.shape[0] - 1, :x.shape[1]]", "f32[max(n - 2, 0),m]"),
        ("x[:x.shape[1], x.shape[0]:]", "f32[min(m, n),max(m - n, 0)]"),
        ("i[x.shape[0] - 1::-1]", "i16[n]"),
        ("i.cast_saturating(u8) + cast_saturating(i, 'u1')", "u8[n]"),
        ("i[x.shape[1] - 2::2]", "i16[floor((max(-m + n + 2, 0) + 1)/2)]"),
        ("x[3:4] + x[:, 5:6]", "f32[n,m]"),
        ("minimum(x, x[:, 3:4] + x[3:4, :])", "f32[n,m]"),
        ("x[i]", "f32[n,m]"),
        ("x[i, 1:]", "f32[n,max(m - 1, 0)]"),
        ("x[i[:, None], i]", "f32[n,n]"),
        ("x[:, i[:3]]", "f32[n,min(3, n)]"),
        ("x[None][0, :, i]", "f32[n,n]"),
        ("x.sum(axis=0)", "f32[m]"),
        ("x / x.shape[0]", "f32[n,m]"),
        ("i * x.shape[0]", "i16[n]"),
        ("x.size", "i64[]"),
        ("x.shape[0] - 1", "i64[]"),
        ("x.sum() / x.size", "f32[]"),
        ("x.mean()", "f32[]"),
        ("x.var(axis=0)", "f32[m]"),
        ("x.std(ddof=1)", "f32[]"),
        ("x.reshape(-1)", "f32[m*n]"),
        ("x.ravel()", "f32[m*n]"),
        ("x.reshape(x.shape[1] * x.shape[0])", "f32[m*n]"),
        ("q.reshape(x.shape[0], 2, -1)", "f64[n,2,3]"),
        ("broadcast_to(1.5, x.shape)", "f64[n,m]"),
        ("broadcast_to(x, (2,) + x.shape)", "f32[2,n,m]"),
        ("ones((x.shape[0] + 1, 2))", "f64[n + 1,2]"),
        ("zeros(x.shape[0] // 2 + 1)", "f64[floor(n/2) + 1]"),
        ("zeros_like(x)", "f32[n,m]"),
        ("i[:, None] * x", "f32[n,m]"),
        ("squeeze(x[:, None])", "f32[n,m]"),
        ("len(x) + i", "i16[n]"),
    ] {
        assert_eq!(outputs(text, &inputs).map_err(|e| e.to_string()), Ok(vec![format!("result: {want}")]), "{text}");
    }
}
