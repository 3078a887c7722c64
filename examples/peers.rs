//! One measurement of elide for a comparison with other libraries: `peers [--fast] [--fast-functions] [--profile] WORKLOAD N SECONDS` prints one JSON line.
//!
//! ```text
//! {"best": s, "median": s, "first": s, "checksum": x}
//! ```
//!
//! `best` and `median` are seconds per call over 7 samples of a warm loop into a reused output, `first` those of the first
//! call with compilation in it, `checksum` the sum of all outputs (`null` for what is updated in place). `null` alone for a workload that
//! elide does not do yet.
//! With `--fast` floating-point arithmetic is that of `FpMode::Fast`, with `--fast-functions` functions are those of `Accuracy::Fast`; with `--profile` a profile of the loop nests is printed instead.
//! Arrays lie on huge pages where the system has them, as NumPy's large arrays do.

use std::error::Error;
use std::time::Instant;

use elide::{
    Accuracy, ArrayMut, ArrayRef, Axes, Axis, Binding, Complex, DType, Dim, DynExpr, Expr, Float, FpMode, Kernel, Layout, Machine, Number,
    Shape,
};
use memmap2::MmapMut;

type Failure = Box<dyn Error>;

/// An array on huge pages.
struct Buffer {
    memory: MmapMut,
    dtype: DType,
    shape: Vec<usize>,
}

impl Buffer {
    fn new(dtype: DType, shape: &[usize]) -> Result<Buffer, Failure> {
        let bytes = shape.iter().product::<usize>() * dtype.size();
        let memory = MmapMut::map_anon(bytes.max(1))?;
        #[cfg(target_os = "linux")]
        if bytes >= 1 << 22 {
            // Refused where the system has none; then ordinary pages do.
            let _ = memory.advise(memmap2::Advice::HugePage);
        }
        Ok(Buffer { memory, dtype, shape: shape.to_vec() })
    }

    /// Elements made from their index by a hash, as the peers' inputs are.
    fn uniform(seed: u64, low: f64, high: f64, dtype: DType, shape: &[usize]) -> Result<Buffer, Failure> {
        let mut buffer = Buffer::new(dtype, shape)?;
        for (k, bytes) in buffer.memory.chunks_exact_mut(dtype.size()).take(shape.iter().product()).enumerate() {
            let number = |seed: u64| {
                let mut z = (seed << 32).wrapping_add(k as u64).wrapping_add(0x9E37_79B9_7F4A_7C15);
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                z ^= z >> 31;
                low + (high - low) * ((z >> 11) as f64 * 2f64.powi(-53))
            };
            let x = number(seed);
            match dtype {
                DType::C128 => {
                    bytes[..8].copy_from_slice(&x.to_ne_bytes());
                    bytes[8..].copy_from_slice(&number(seed + 10).to_ne_bytes());
                }
                DType::F64 => bytes.copy_from_slice(&x.to_ne_bytes()),
                DType::F32 => bytes.copy_from_slice(&(x as f32).to_ne_bytes()),
                DType::U8 => bytes[0] = x as u8,
                other => return Err(format!("no inputs of type {other}").into()),
            }
        }
        Ok(buffer)
    }

    fn view(&self) -> Result<ArrayRef<'_>, Failure> {
        Ok(ArrayRef::from_bytes(&self.memory, self.dtype, &self.shape, false, false)?)
    }

    fn view_mut(&mut self) -> Result<ArrayMut<'_>, Failure> {
        Ok(ArrayMut::from_bytes(&mut self.memory, self.dtype, &self.shape)?)
    }

    fn sum(&self, absolute: bool) -> f64 {
        let element = |b: &[u8]| match self.dtype {
            DType::F64 => f64::from_ne_bytes(b.try_into().expect("8 bytes")),
            DType::F32 => f32::from_ne_bytes(b.try_into().expect("4 bytes")) as f64,
            DType::I64 => i64::from_ne_bytes(b.try_into().expect("8 bytes")) as f64,
            _ => b[0] as f64,
        };
        let count = self.shape.iter().product();
        let elements = self.memory.chunks_exact(self.dtype.size()).take(count).map(element);
        elements.map(|x| if absolute { x.abs() } else { x }).sum()
    }
}

/// How floating-point numbers are computed with.
type Arithmetic = (FpMode, Accuracy);

/// A kernel and its inputs by name.
type Workload = (Kernel, Vec<(&'static str, Buffer)>);

/// An elementary function of arrays of `T`, with the inputs of `benches/peers/functions.py`, and a few that it does not have.
fn function<T: Float + Number>(name: &str, n: usize, arithmetic: Arithmetic) -> Result<Option<Workload>, Failure> {
    let mut b = Kernel::builder(name);
    let [p] = b.dims(["n"]);
    let x = &b.input::<T>("x", [&p]);
    let (low, high, out) = match name {
        "exp" => (-10.0, 10.0, x.exp()),
        "log" => (0.0, 100.0, x.log()),
        "sin" => (-10.0, 10.0, x.sin()),
        "cos" => (-10.0, 10.0, x.cos()),
        "tan" => (-10.0, 10.0, x.tan()),
        "exp2" => (-10.0, 10.0, x.exp2()),
        "expm1" => (-10.0, 10.0, x.expm1()),
        "tanh" => (-4.0, 4.0, x.tanh()),
        "sinh" => (-10.0, 10.0, x.sinh()),
        "cosh" => (-10.0, 10.0, x.cosh()),
        "logistic" => (-4.0, 4.0, x.logistic()),
        "erfc" => (-3.0, 3.0, x.erfc()),
        "erf" => (-3.0, 3.0, x.erf()),
        "pow" => (0.0, 10.0, x.pow(b.input::<T>("y", [&p]))),
        _ => return Ok(None),
    };
    b.output("out", out);
    b.fp_mode(arithmetic.0).accuracy(arithmetic.1);
    let mut inputs = vec![("x", Buffer::uniform(1, low, high, T::DTYPE, &[n])?)];
    if name == "pow" {
        inputs.push(("y", Buffer::uniform(2, -5.0, 5.0, T::DTYPE, &[n])?));
    }
    Ok(Some((b.build()?, inputs)))
}

/// The workload of that name; `None` for what elide does not do yet.
fn workload(name: &str, n: usize, arithmetic: Arithmetic) -> Result<Option<Workload>, Failure> {
    match name.rsplit_once('_') {
        Some((name, "f32")) => return function::<f32>(name, n, arithmetic),
        Some((name, "f64")) => return function::<f64>(name, n, arithmetic),
        _ => {}
    }
    use DType::{C128, F32, F64, U8};
    let side = (n as f64).sqrt() as usize;
    let side = if side * side > n {
        side - 1
    } else if (side + 1) * (side + 1) <= n {
        side + 1
    } else {
        side
    }
    .max(4);
    let table = [(n / 256).max(1), 256];
    let square = [side, side];
    let line = [n];
    let unit = |seed, dtype, shape: &[usize]| Buffer::uniform(seed, 0.0, 1.0, dtype, shape);
    let inputs = match name {
        "fma" => vec![("a", unit(1, F64, &line)?), ("b", unit(2, F64, &line)?), ("c", unit(3, F64, &line)?)],
        "compare" => vec![("a", Buffer::uniform(1, -1.0, 1.0, F64, &line)?), ("b", Buffer::uniform(2, -1.0, 1.0, F64, &line)?)],
        "trig" => vec![("a", Buffer::uniform(1, -10.0, 10.0, F64, &line)?), ("b", Buffer::uniform(2, -10.0, 10.0, F64, &line)?)],
        "norm3" => vec![
            ("x", Buffer::uniform(1, -1.0, 1.0, F32, &line)?),
            ("y", Buffer::uniform(2, -1.0, 1.0, F32, &line)?),
            ("z", Buffer::uniform(3, -1.0, 1.0, F32, &line)?),
        ],
        "gauss" => vec![("x", Buffer::uniform(1, -4.0, 4.0, F32, &line)?)],
        "sqdist" => vec![("x", unit(1, F64, &line)?), ("y", unit(2, F64, &line)?)],
        "count" => vec![("a", Buffer::uniform(1, -1.0, 1.0, F32, &line)?), ("b", Buffer::uniform(2, -1.0, 1.0, F32, &line)?)],
        "softmax" => vec![("x", Buffer::uniform(1, -4.0, 4.0, F32, &table)?)],
        "standardize" => vec![("x", unit(1, F64, &table)?)],
        "column_sum" => vec![("a", unit(1, F32, &table)?), ("b", unit(2, F32, &table)?)],
        "stencil" => vec![("u", unit(1, F64, &square)?)],
        "transpose_add" => vec![("a", unit(1, F64, &square)?), ("b", unit(2, F64, &square)?)],
        "pairwise" => vec![("x", unit(1, F64, &[side, 3])?), ("y", unit(2, F64, &[side, 3])?)],
        "gray" => vec![("rgb", Buffer::uniform(1, 0.0, 256.0, U8, &[n, 3])?)],
        "complex_abs" => [("a", 1), ("b", 2), ("c", 3)]
            .into_iter()
            .map(|(name, seed)| Ok((name, Buffer::uniform(seed, -1.0, 1.0, C128, &line)?)))
            .collect::<Result<_, Failure>>()?,
        "overlap" => vec![("a", unit(1, F64, &line)?)],
        "black_scholes" => vec![
            ("s", Buffer::uniform(1, 5.0, 30.0, F64, &line)?),
            ("k", Buffer::uniform(2, 1.0, 100.0, F64, &line)?),
            ("t", Buffer::uniform(3, 0.25, 10.0, F64, &line)?),
        ],
        _ => return Ok(None),
    };
    let mut b = Kernel::builder(name);
    let [p, q] = b.dims(["n", "m"]);
    if name == "overlap" {
        let a = &b.input::<f64>("a", [&p]);
        let rest = elide::s![1..];
        b.update(a, a.at(rest).set(0.5 * (a.slice(rest) + a.slice(elide::s![..-1]))));
        return Ok(Some((b.build()?, inputs)));
    }
    b.fp_mode(arithmetic.0).accuracy(arithmetic.1);
    if name == "black_scholes" {
        let [s, k, t] = &["s", "k", "t"].map(|s| b.input::<f64>(s, [&p]));
        let (rate, volatility) = (0.02, 0.30);
        let sd = &(volatility * t.sqrt());
        let d1 = &(((s / k).log() + (rate + 0.5 * volatility * volatility) * t) / sd);
        let below = |d: &Expr<'static, f64>| 0.5 + 0.5 * (d * std::f64::consts::FRAC_1_SQRT_2).erf();
        let discounted = &(k * (-rate * t).exp());
        let call = &(s * below(d1) - discounted * below(&(d1 - sd)));
        b.output("call", call);
        b.output("put", call - s + discounted);
        return Ok(Some((b.build()?, inputs)));
    }
    let out: DynExpr<'static> = match name {
        "fma" => {
            let [x, y, z] = ["a", "b", "c"].map(|s| b.input::<f64>(s, [&p]));
            (x * y + z).into()
        }
        "compare" => {
            let [x, y] = &["a", "b"].map(|s| b.input::<f64>(s, [&p]));
            (x * y - 4.1 * x).gt(2.5 * y).into()
        }
        "trig" => {
            let [x, y] = &["a", "b"].map(|s| b.input::<f64>(s, [&p]));
            let (s, c) = (&x.sin(), &y.cos());
            (s * s + c * c + (x - y).tanh()).into()
        }
        "norm3" => {
            let [x, y, z] = &["x", "y", "z"].map(|s| b.input::<f32>(s, [&p]));
            (x * x + y * y + z * z).sqrt().into()
        }
        "complex_abs" => {
            let [x, y, z] = ["a", "b", "c"].map(|s| b.input::<Complex<f64>>(s, [&p]));
            (x * y + z).abs().into()
        }
        "gauss" => {
            let x = &b.input::<f32>("x", [&p]);
            ((-(x * x) * 0.5).exp() * 0.3989).into()
        }
        "sqdist" => {
            let [x, y] = &["x", "y"].map(|s| b.input::<f64>(s, [&p]));
            let d = &(x - y);
            (d * d).sum().into()
        }
        "count" => {
            let [x, y] = &["a", "b"].map(|s| b.input::<f32>(s, [&p]));
            (x.gt(0.0) & y.lt(x)).cast::<i64>().sum().into()
        }
        "softmax" => {
            let x = &b.input::<f32>("x", [p, Dim::from(256)]);
            let rows = || Axes::from(1).keepdims();
            let e = &(x - x.max_over(rows())).exp();
            (e / e.sum_over(rows())).into()
        }
        "standardize" => {
            let x = &b.input::<f64>("x", [p, Dim::from(256)]);
            let columns = || Axes::from(0).keepdims();
            let d = &(x - x.mean_over(columns()));
            (d / (d * d).mean_over(columns()).sqrt()).into()
        }
        "column_sum" => {
            let [x, y] = ["a", "b"].map(|s| b.input::<f32>(s, [p.clone(), Dim::from(256)]));
            (x * y).sum_axis(Axis(0)).into()
        }
        "stencil" => {
            let u = &b.input::<f64>("u", [&p, &q]);
            let c = &u.slice(elide::s![1..-1, 1..-1]);
            let (down, up) = (u.slice(elide::s![2.., 1..-1]), u.slice(elide::s![..-2, 1..-1]));
            let (right, left) = (u.slice(elide::s![1..-1, 2..]), u.slice(elide::s![1..-1, ..-2]));
            (c + 0.1 * (down + up + right + left - 4.0 * c)).into()
        }
        "transpose_add" => {
            let [x, y] = ["a", "b"].map(|s| b.input::<f64>(s, [&p, &p]));
            (x + y.t()).into()
        }
        "pairwise" => {
            let [x, y] = ["x", "y"].map(|s| b.input::<f64>(s, [p.clone(), Dim::from(3)]));
            let d = &(x.insert_axis(Axis(1)) - y.insert_axis(Axis(0)));
            (d * d).sum_axis(Axis(2)).sqrt().into()
        }
        _ => {
            let f = b.input::<u8>("rgb", [p, Dim::from(3)]).cast::<f32>();
            let channel = |k: isize| f.slice(elide::s![.., k]);
            (channel(0) * 0.299 + channel(1) * 0.587 + channel(2) * 0.114).cast::<u8>().into()
        }
    };
    b.output("out", out);
    Ok(Some((b.build()?, inputs)))
}

/// The concrete shape of the outputs.
fn output_shape(name: &str, kernel: &Kernel, inputs: &[(&str, Buffer)]) -> Vec<usize> {
    let first = &inputs[0].1.shape;
    match name {
        "stencil" => first.iter().map(|n| n - 2).collect(),
        "pairwise" => vec![first[0], first[0]],
        "gray" => vec![first[0]],
        "column_sum" => vec![first[1]],
        _ if *kernel.outputs()[0].shape() == Shape::scalar() => vec![],
        _ => first.clone(),
    }
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().collect();
    let (options, args): (Vec<&str>, Vec<&str>) = args[1..].iter().map(String::as_str).partition(|a| a.starts_with("--"));
    let &[name, n, seconds] = args.as_slice() else {
        return Err("usage: peers [--fast] [--fast-functions] [--profile] WORKLOAD N SECONDS".into());
    };
    let option = |name: &str| options.contains(&name);
    let mode = if option("--fast") { FpMode::Fast } else { FpMode::Strict };
    let arithmetic = (mode, if option("--fast-functions") { Accuracy::Fast } else { Accuracy::Accurate });
    let (n, seconds): (usize, f64) = (n.parse()?, seconds.parse()?);
    // Inputs are made before the clock starts; the kernel is built again inside it.
    let Some((kernel, mut inputs)) = workload(name, n, arithmetic)? else {
        println!("null");
        return Ok(());
    };
    let shape = output_shape(name, &kernel, &inputs);
    let in_place = name == "overlap";
    let outputs = kernel.outputs().iter().filter(|_| !in_place);
    let mut outputs = outputs.map(|o| Ok((o.name(), Buffer::new(o.dtype(), &shape)?))).collect::<Result<Vec<_>, Failure>>()?;
    debug_assert!(Layout::contiguous(&shape, 1).size().is_some());
    let building = kernel.timings().total().as_secs_f64();
    let mut call = kernel.call();
    let mut binding: Binding<'_, '_> = call.start();
    for (name, buffer) in &mut inputs {
        binding = if in_place { binding.bind_mut(*name, buffer.view_mut()?)? } else { binding.bind(*name, buffer.view()?)? };
    }
    for (name, buffer) in &mut outputs {
        binding = binding.bind_mut(*name, buffer.view_mut()?)?;
    }
    if option("--profile") {
        let once = {
            let start = Instant::now();
            binding.run()?;
            start.elapsed().as_secs_f64()
        };
        print!("{}", binding.profile((seconds / once) as usize, &Machine::measure()?)?);
        return Ok(());
    }
    let start = Instant::now();
    binding.run()?;
    let first = building + start.elapsed().as_secs_f64();
    let start = Instant::now();
    binding.run()?;
    let once = start.elapsed().as_secs_f64().max(1e-9);
    let inner = ((seconds / 7.0 / once) as usize).max(1);
    let mut samples = Vec::new();
    for _ in 0..7 {
        let start = Instant::now();
        for _ in 0..inner {
            binding.run()?;
        }
        samples.push(start.elapsed().as_secs_f64() / inner as f64);
    }
    samples.sort_by(f64::total_cmp);
    drop(binding);
    // What is updated in place has been so as often as there was time for.
    let total = || outputs.iter().map(|(_, out)| out.sum(name == "standardize")).sum::<f64>();
    let checksum = if in_place { "null".to_owned() } else { format!("{:e}", total()) };
    println!("{{\"best\": {:e}, \"median\": {:e}, \"first\": {first:e}, \"checksum\": {checksum}}}", samples[0], samples[3]);
    Ok(())
}
