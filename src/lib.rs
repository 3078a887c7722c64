//! Lazy array expressions, fused and compiled to vectorized loops.
//!
//! Operators on [`Expr`] compute nothing: they record a graph. When a result is asked for, the graph is rewritten, divided
//! into as few loop nests as the rules of the scheduler allow, and each nest is compiled for this machine: for AVX-512, or AVX2 with FMA and F16C, where
//! there is such a thing, else by Cranelift.
//! Intermediate values stay in registers.
//!
//! ```
//! use elide::lazy;
//!
//! let v = vec![1.0, -2.0, 3.0];
//! let x = &lazy(&v);
//! let total: f64 = x.gt(0.0).select(x * x, 0.0).sum().eval()?;
//! assert_eq!(total, 10.0);
//! # Ok::<(), elide::Error>(())
//! ```
//!
//! Here one loop reads `v` once. `x * x`, the comparison and the selection are never arrays.
//!
//! What every operation means (NaN, overflow, division by zero, the order of a sum) is written down in `docs/semantics.md`;
//! how the crate is built, in `docs/architecture.md`. What follows is the way of one program through it.
//!
//! # 1. Build: `Expr`
//!
//! An expression is over borrowed arrays ([`lazy`]) or over the declared inputs of a [`Kernel`], whose sizes may be names. It
//! knows its element type and shape at once. [`Expr<T>`](Expr) has its element type in Rust's types and never promotes;
//! [`DynExpr`] learns it at run time and promotes as NumPy 2 does; `elide::text` parses NumPy's notation into
//! [`DynExpr`]s.
//!
//! ```
//! use elide::{Axis, Kernel, s};
//!
//! let mut b = Kernel::builder("energy");
//! let [n, m] = b.dims(["n", "m"]);
//! let x = &b.input::<f64>("x", [n, m]);
//! let power = &(x * x);
//! let pairs = power.slice(s![.., 1..]) + power.slice(s![.., ..-1]);
//! assert_eq!(pairs.shape().to_string(), "[n,max(m - 1, 0)]");
//! b.output("y", pairs.sum_axis(Axis(1)));
//! # Ok::<(), elide::Error>(())
//! ```
//!
//! Operators cannot return a `Result`, so a mistake is kept in the expression, with the line it was made on, and returned by
//! whatever can return it first:
//!
//! ```
//! let (a, b) = ([1.0, 2.0], [1.0, 2.0, 3.0]);
//! let sum = elide::lazy(&a) + elide::lazy(&b);
//! let mistake = sum.eval::<Vec<f64>>().unwrap_err();
//! assert_eq!(mistake.kind(), elide::ErrorKind::Shape);
//! assert_eq!(mistake.message(), "add of f64[2] and f64[3]: shapes [2] and [3] do not broadcast: 2 and 3 differ on axis 0");
//! assert!(mistake.site().is_some(), "the line of the `+`");
//! ```
//!
//! # 2. Import and optimize: the graph
//!
//! [`KernelBuilder::build`] imports the expression into a graph whose equal nodes are one node, and rewrites it. Here both views
//! of `x * x` move down to `x`. [`Kernel::inspect`] shows every stage.
//!
//! ```
//! # use elide::{Axis, Kernel, Stage, s};
//! # let mut b = Kernel::builder("energy");
//! # let [n, m] = b.dims(["n", "m"]);
//! # let x = &b.input::<f64>("x", [n, m]);
//! # let power = &(x * x);
//! # b.output("y", (power.slice(s![.., 1..]) + power.slice(s![.., ..-1])).sum_axis(Axis(1)));
//! let kernel = b.build()?;
//! assert_eq!(kernel.inspect(Stage::Graph)?, "\
//! %0 = input x : f64[n,m]
//! %1 = mul %0, %0 : f64[n,m]
//! %2 = view %1[i0, i1] : f64[n,max(m - 1, 0)]
//! %3 = view %1[i0, i1 + 1] : f64[n,max(m - 1, 0)]
//! %4 = add %3, %2 : f64[n,max(m - 1, 0)]
//! %5 = sum %4 over axes 1 : f64[n]
//! output y = %5
//! ");
//! assert_eq!(kernel.inspect(Stage::Optimized)?, "\
//! %0 = input x : f64[n,m]
//! %1 = view %0[i0, i1] : f64[n,max(m - 1, 0)]
//! %2 = mul %1, %1 : f64[n,max(m - 1, 0)]
//! %3 = view %0[i0, i1 + 1] : f64[n,max(m - 1, 0)]
//! %4 = mul %3, %3 : f64[n,max(m - 1, 0)]
//! %5 = add %4, %2 : f64[n,max(m - 1, 0)]
//! %6 = sum %5 over axes 1 : f64[n]
//! output y = %6
//! ");
//! # Ok::<(), elide::Error>(())
//! ```
//!
//! # 3. Schedule: what shares a loop nest
//!
//! Every node is an input, a number, a view, computed inline, or stored; what is stored without being asked for has a reason.
//!
//! ```
//! # use elide::{Axis, Kernel, Stage, s};
//! # let mut b = Kernel::builder("energy");
//! # let [n, m] = b.dims(["n", "m"]);
//! # let x = &b.input::<f64>("x", [n, m]);
//! # let power = &(x * x);
//! # b.output("y", (power.slice(s![.., 1..]) + power.slice(s![.., ..-1])).sum_axis(Axis(1)));
//! # let kernel = b.build()?;
//! assert!(kernel.inspect(Stage::Schedule)?.contains("no temporary arrays"));
//!
//! let mut b = Kernel::builder("spread");
//! let [n, m] = b.dims(["n", "m"]);
//! let x = &b.input::<f64>("x", [n, m]);
//! b.output("y", x.max_axis(Axis(0)).invert_axis(0) - x);
//! let schedule = b.build()?.inspect(Stage::Schedule)?;
//! assert!(schedule.contains("because: a reduction's result that is read at other indices or in another loop nest"), "{schedule}");
//! # Ok::<(), elide::Error>(())
//! ```
//!
//! Here the largest of each column is read by the column at the other end: all of them must be there. Read in order, they are needed
//! for a strip of columns at a time. Loop nests that depend on each other then take turns, strip by strip, and what lies between them
//! shrinks to windows, of a size that does not depend on the arrays.
//!
//! ```
//! # use elide::{Axis, Kernel, Requirement, Stage};
//! let mut b = Kernel::builder("spread");
//! let [n, m] = b.dims(["n", "m"]);
//! let x = &b.input::<f64>("x", [n, m]);
//! b.output("y", x.max_axis(Axis(0)) - x);
//! b.require(Requirement::NoTemporaries).require(Requirement::peak_bytes(256 << 10));
//! let schedule = b.build()?.inspect(Stage::Schedule)?;
//! assert!(schedule.contains("strip by strip, in any order: steps 0 to 1") && schedule.contains("a window: "), "{schedule}");
//! # Ok::<(), elide::Error>(())
//! ```
//!
//! [`Kernel::explain`] reports all of it as data and as text, with sizes as formulas and the user's lines; what must stay so is
//! [required](KernelBuilder::require) of the kernel, which then does not build where it is not so.
//!
//! ```
//! use elide::{Axis, Kernel, Placement, Requirement};
//!
//! let mut b = Kernel::builder("spread");
//! let [n, m] = b.dims(["n", "m"]);
//! let x = &b.input::<f64>("x", [n, m]);
//! let largest = x.max_axis(Axis(0));
//! b.output("y", largest.invert_axis(0) - x);
//! b.require(Requirement::NoCopies);
//! let report = b.build()?.explain()?;
//! let buffer = report.values().iter().find(|v| v.placement == Placement::Buffer).unwrap();
//! assert_eq!((buffer.bytes.to_string(), buffer.reason.unwrap().name()), ("8*m".into(), "reduction-read-elsewhere"));
//! assert!(buffer.site.is_some(), "the line of `max_axis`");
//! assert_eq!(report.bytes_read().to_string(), "16*m*n + 8*m");
//! # Ok::<(), elide::Error>(())
//! ```
//!
//! # 4. Lower and generate code: the loop nest
//!
//! A loop nest is axes, strided accesses, a body in single-assignment form and stores. Its extents, strides and addresses are
//! arguments of the compiled code, so new sizes need no new code. Elementary functions have become arithmetic, and the order
//! of a floating-point sum is fixed: results have the same bits for every memory layout. (A kernel may ask for less than that
//! the arithmetic is as written and functions are within one unit in the last place: [`FpMode`], [`Accuracy`].)
//!
//! ```
//! # use elide::{Axis, Kernel, Stage, s};
//! # let mut b = Kernel::builder("energy");
//! # let [n, m] = b.dims(["n", "m"]);
//! # let x = &b.input::<f64>("x", [n, m]);
//! # let power = &(x * x);
//! # b.output("y", (power.slice(s![.., 1..]) + power.slice(s![.., ..-1])).sum_axis(Axis(1)));
//! # let kernel = b.build()?;
//! let nest = kernel.inspect(Stage::Kernel)?;
//! assert_eq!((nest.matches("load").count(), nest.matches("store").count()), (2, 1), "{nest}");
//! println!("{}", kernel.inspect(Stage::Clif)?); // Cranelift's intermediate form, whoever makes the code
//! println!("{}", kernel.inspect(Stage::Asm)?); // the instructions
//! # Ok::<(), elide::Error>(())
//! ```
//!
//! # 5. Bind and run
//!
//! A [`Kernel`] is immutable and shared between threads; a [`Call`] is one thread's frame for calling it. Binding finds the
//! values of the named dims and checks that every access stays inside the arrays given. A call with arrays laid out as in the
//! call before allocates nothing.
//!
//! ```
//! # use elide::{Array, Axis, Kernel, s};
//! # let mut b = Kernel::builder("energy");
//! # let [n, m] = b.dims(["n", "m"]);
//! # let x = &b.input::<f64>("x", [n, m]);
//! # let power = &(x * x);
//! # b.output("y", (power.slice(s![.., 1..]) + power.slice(s![.., ..-1])).sum_axis(Axis(1)));
//! # let kernel = b.build()?;
//! # fn is_shared_between_threads<T: Send + Sync>(_: &T) {}
//! # is_shared_between_threads(&kernel);
//! let data = Array::new(&[2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
//! let mut y = [0.0; 2];
//! let mut call = kernel.call();
//! call.bind("x", &data)?.bind_mut("y", &mut y)?.run()?;
//! assert_eq!(y, [1.0 + 4.0 + 4.0 + 9.0, 16.0 + 25.0 + 25.0 + 36.0]);
//! # Ok::<(), elide::Error>(())
//! ```
//!
//! # In place
//!
//! Arrays that are borrowed for writing are changed in place by a program of statements ([`lazy_mut`]), each of which sees what
//! those before it have made; [`run_all`] runs programs over several arrays that read each other. An input of a kernel is updated
//! with [`KernelBuilder::update`]. All reads see what was there before, and where that takes a copy of something, the schedule
//! says so.
//!
//! ```
//! use elide::{lazy_mut, s};
//!
//! let mut a = vec![1.0, 2.0, 3.0, 4.0];
//! let x = lazy_mut(&mut a);
//! x.at(s![1..]).add(x.get().slice(s![..-1]));
//! x.at(s![0]).set(0.0);
//! x.run()?;
//! assert_eq!(a, [0.0, 3.0, 5.0, 7.0]);
//! # Ok::<(), elide::Error>(())
//! ```
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `ndarray` | yes | arrays and views of the `ndarray` crate as inputs, outputs and results |
//! | `cli` | yes | the command `elide`; implies `text` and `npy` |
//! | `text` | by `cli` | the module `text`: NumPy's notation, parsed |
//! | `npy` | by `cli` | the module `npy`: `.npy` files, memory-mapped |
//! | `json` | by `cli` | `Report::to_json` |
//! | `testing` | no | random programs, the reference evaluator and the judge; no part of the stable interface |
//!
//! # Limits
//!
//! x86-64 with AVX and FMA, or aarch64; vectors of 512, 256 or 128 bits ([`Backend`]). Element types: `bool`,
//! integers of 8 to 64 bits with and without sign, `f16`, `bf16`, `f32`, `f64`, and [`Complex`] numbers of the last two (`c64`, `c128`).
#![deny(unsafe_code)]
#![warn(missing_docs)]

mod array;
mod codegen;
mod compile;
mod dtype;
mod entity;
mod error;
mod expr;
mod graph;
#[cfg(any(test, feature = "testing"))]
mod interp;
mod kernel;
mod layout;
mod machine;
mod math;
#[cfg(feature = "npy")]
pub mod npy;
mod ops;
mod opt;
mod overlap;
mod program;
mod report;
mod schedule;
mod shape;
mod size;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(feature = "text")]
pub mod text;
mod view;

pub use array::{Array, ArrayMut, ArrayRef};
pub use codegen::Backend;
pub use compile::Timings;
pub use dtype::{Bits, Class, DType, Element, Field, Float, Integer, Number, Part, Ring, Scalar};
pub use error::{Error, ErrorKind, Result, Site};
#[doc(hidden)]
pub use expr::with_step;
pub use expr::{
    Axes, Axis, Compressed, DynExpr, DynLazyMut, DynOperand, Expr, Extent, Indexed, IntoExpr, IntoLazyMut, Lazy, LazyMut, Pad, Region,
    RegionMut, Weak, concatenate, lazy, lazy_mut, stack,
};
pub use half::{bf16, f16};
pub use layout::Layout;
pub use machine::{Bound, Cache, Machine};
pub use num_complex::Complex;
pub use ops::{BinaryOp, ReduceOp, UnaryOp};
pub use opt::{Accuracy, FpMode};
pub use program::{Binding, Call, FromElements, Kernel, KernelBuilder, Key, NestTime, Profile, Spec, Stage, Threads, eval_all, run_all};
pub use report::{Argument, Loop, Nest, Origin, Report, Requirement, Slot, Traffic, Value, Write};
pub use schedule::{Placement, Why as Reason};
pub use shape::{Dim, Shape};
pub use size::Size;
pub use view::Slice;

/// The examples of the README compile and run as documentation tests.
#[cfg(all(doctest, feature = "ndarray"))]
#[doc = include_str!("../README.md")]
struct Readme;
