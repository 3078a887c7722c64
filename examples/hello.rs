//! Expressions over borrowed arrays: nothing is computed until `eval`, and then all of it in one loop.

use elide::{Axis, lazy};
use ndarray::{Array1, Array2, array};

fn main() -> elide::Result<()> {
    let a = array![[0.5, -1.0, 2.0], [1.5, 0.0, -3.0]];

    // `x` stands for `a`: no copy. Operators and methods record what to do.
    let x = &lazy(&a);
    let damped = x.gt(0.0).select((-x * x).exp() * x.sin(), 0.0);
    println!("recorded:  {} of shape {}", damped.sum_axis(Axis(1)), damped.shape());

    // One pass over `a`; the exponentials, sines and products never become arrays.
    let rows: Array1<f64> = damped.sum_axis(Axis(1)).eval()?;
    println!("row sums:  {rows}");

    // Views cost nothing either: a transpose is other strides.
    let columns: Array1<f64> = x.t().max_axis(Axis(1)).eval()?;
    println!("maxima:    {columns}");

    // A mistake is remembered with its line, and returned where a result is asked for.
    let four = [1.0; 4];
    let wrong = x + lazy(&four);
    if let Err(e) = wrong.sqrt().eval::<Array2<f64>>() {
        println!("a mistake: {e}");
    }
    Ok(())
}
