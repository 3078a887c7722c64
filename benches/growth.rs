//! How costs grow: time per element with the number of elements, compile time per operation with the number of operations, and
//! the time of everything but code generation per node with the number of nodes. What grows in proportion is a level line.
//!
//! Prints the figures, and draws them to `docs/plots/*.svg`. Every figure is the least of several: what else the machine does can
//! only add.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use elide::{ArrayMut, Expr, Kernel};
use plotters::prelude::*;

mod common;
use common::chain;

type Failure = Box<dyn Error>;

/// A line of a plot: its name, and its points.
type Line = (&'static str, Vec<(f64, f64)>);

/// What is drawn of a kernel's building, and its name.
type Part = (&'static str, fn(&Kernel) -> Duration);

/// Ten to the powers from one number to another, in steps of a half.
fn half_decades(from: i32, to: i32) -> impl Iterator<Item = usize> {
    (2 * from..=2 * to).map(|k| 10f64.powf(k as f64 / 2.0).round() as usize)
}

/// The least time of `f`: of at least `times` runs, and as many as take a fifth of a second.
fn least(times: usize, mut f: impl FnMut() -> Result<Duration, Failure>) -> Result<Duration, Failure> {
    let (start, mut best, mut count) = (Instant::now(), Duration::MAX, 0);
    while count < times || start.elapsed() < Duration::from_millis(200) {
        best = best.min(f()?);
        count += 1;
    }
    Ok(best)
}

/// A kernel of three inputs and an output, a vector or a number.
fn kernel(declare: impl Fn(&[Expr<'static, f64>; 3]) -> Expr<'static, f64>) -> Result<Kernel, Failure> {
    let mut b = Kernel::builder("growth");
    let [n] = b.dims(["n"]);
    let inputs = ["a", "b", "c"].map(|name| b.input::<f64>(name, [&n]));
    b.output("y", declare(&inputs));
    Ok(b.build()?)
}

/// Nanoseconds per element.
fn elements() -> Result<Vec<Line>, Failure> {
    type Declare = fn(&[Expr<'static, f64>; 3]) -> Expr<'static, f64>;
    let kernels: [(&str, Declare, bool); 3] = [
        ("a * b + c", |[a, b, c]| a * b + c, false),
        ("exp(a) + b + c", |[a, b, c]| a.exp() + b + c, false),
        ("sum(a * b + c)", |[a, b, c]| (a * b + c).sum(), true),
    ];
    let most = half_decades(4, 8).last().unwrap_or(0);
    let data: [Vec<f64>; 3] = [0.5, 1.5, 2.5].map(|x| vec![x; most]);
    let mut out = vec![0.0; most];
    let mut lines = Vec::new();
    for (name, declare, to_a_number) in kernels {
        let kernel = kernel(declare)?;
        let mut points = Vec::new();
        for n in half_decades(4, 8) {
            let mut call = kernel.call();
            let binding = call.bind("a", &data[0][..n])?.bind("b", &data[1][..n])?.bind("c", &data[2][..n])?;
            let mut binding = match to_a_number {
                true => binding.bind_mut("y", ArrayMut::strided(&mut out, &[], &[], 0)?)?,
                false => binding.bind_mut("y", &mut out[..n])?,
            };
            let time = least(3, || {
                let start = Instant::now();
                binding.run()?;
                Ok(start.elapsed())
            })?;
            points.push((n as f64, time.as_secs_f64() * 1e9 / n as f64));
        }
        lines.push((name, points));
    }
    Ok(lines)
}

/// Microseconds of building per operation, by part.
fn compile(least_ops: i32, most_ops: i32, parts: &[Part]) -> Result<Vec<Line>, Failure> {
    let mut serial = 0;
    let mut lines = Vec::new();
    for (name, part) in parts {
        let mut points = Vec::new();
        for ops in half_decades(least_ops, most_ops) {
            let time = least(3, || {
                serial += 1;
                Ok(part(&chain(ops, serial, false).build()?))
            })?;
            points.push((ops as f64, time.as_secs_f64() * 1e6 / ops as f64));
        }
        lines.push((*name, points));
    }
    Ok(lines)
}

fn draw(file: &str, title: &str, x: &str, y: &str, lines: &[Line]) -> Result<(), Failure> {
    println!("{title}: {y} by {x}");
    for (name, points) in lines {
        let figures: Vec<String> = points.iter().map(|(n, t)| format!("{n:.0}: {t:.3}")).collect();
        println!("  {name}: {}", figures.join(", "));
    }
    let points = || lines.iter().flat_map(|(_, points)| points);
    let least = points().map(|p| p.0).fold(f64::INFINITY, f64::min);
    let most = points().map(|p| p.0).fold(0.0, f64::max);
    let top = points().map(|p| p.1).fold(0.0, f64::max) * 1.1;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plots");
    std::fs::create_dir_all(&path)?;
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (640, 400)).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(56)
            .build_cartesian_2d((least..most).log_scale(), 0.0..top)?;
        chart.configure_mesh().x_desc(x).y_desc(y).light_line_style(TRANSPARENT).x_label_formatter(&|n| format!("{n:.0e}")).draw()?;
        for (k, (name, points)) in lines.iter().enumerate() {
            let color = Palette99::pick(k).to_rgba();
            chart
                .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))?
                .label(*name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
        }
        chart.configure_series_labels().position(SeriesLabelPosition::UpperRight).border_style(BLACK).background_style(WHITE).draw()?;
        root.present()?;
    }
    let (new, file) = (path.join(format!("{file}.new")), path.join(file));
    std::fs::write(&new, svg)?;
    Ok(std::fs::rename(new, file)?)
}

fn main() -> Result<(), Failure> {
    draw("elements.svg", "Time per element", "elements", "ns", &elements()?)?;
    let parts: &[Part] = &[
        ("all stages", |k| k.timings().total()),
        ("code generation", |k| k.timings().codegen),
        ("the rest", |k| k.timings().total() - k.timings().codegen),
    ];
    draw("compile.svg", "Compile time per operation", "operations", "µs", &compile(1, 4, parts)?)?;
    let parts: &[Part] = &[
        ("import", |k| k.timings().import),
        ("optimize", |k| k.timings().optimize),
        ("schedule", |k| k.timings().schedule),
        ("lower", |k| k.timings().lower),
    ];
    draw("planning.svg", "Time per node before code generation", "nodes", "µs", &compile(2, 5, parts)?)
}
