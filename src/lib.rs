//! elide
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
mod math;
#[cfg(feature = "npy")]
pub mod npy;
mod ops;
mod opt;
mod program;
mod schedule;
mod shape;
mod size;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(feature = "text")]
pub mod text;
mod view;

pub use array::{Array, ArrayMut, ArrayRef};
pub use compile::Timings;
pub use dtype::{Class, DType, Element, Float, Integer, Number, Scalar};
pub use error::{Error, ErrorKind, Result, Site};
#[doc(hidden)]
pub use expr::with_step;
pub use expr::{Axes, Axis, Bits, DynExpr, DynOperand, Expr, Extent, IntoExpr, Lazy, Weak, lazy};
pub use layout::Layout;
pub use ops::{BinaryOp, ReduceOp, UnaryOp};
pub use program::{Binding, Call, FromElements, Kernel, KernelBuilder, Key, Spec, Stage, eval_all};
pub use shape::{Dim, Shape};
pub use size::Size;
pub use view::Slice;
