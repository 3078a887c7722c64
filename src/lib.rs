//! elide
#![deny(unsafe_code)]
#![allow(dead_code)]

mod array;
mod dtype;
mod entity;
mod error;
mod expr;
mod layout;
mod math;
mod ops;
mod shape;
mod size;
#[cfg(feature = "text")]
pub mod text;
mod view;

pub use array::{Array, ArrayMut, ArrayRef};
pub use dtype::{Class, DType, Element, Float, Integer, Number, Scalar};
pub use error::{Error, ErrorKind, Result, Site};
#[doc(hidden)]
pub use expr::with_step;
pub use expr::{Axes, Axis, Bits, DynExpr, DynOperand, Expr, Extent, IntoExpr, Lazy, Weak, lazy};
pub use layout::Layout;
pub use ops::{BinaryOp, ReduceOp, UnaryOp};
pub use shape::{Dim, Shape};
pub use size::Size;
pub use view::Slice;
