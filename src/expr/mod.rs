//! The front end: what the user writes.
//!
//! | file | what it holds |
//! |---|---|
//! | `lazy` | from borrowed arrays to expressions |
//! | `lazy_mut` | programs that change borrowed arrays, statement by statement |
//! | `typed` | [`Expr`]: element type known to the Rust compiler, one type per operation |
//! | `dynamic` | [`DynExpr`]: element type known at run time |
//! | `promote` | NumPy's rules for the element types of `DynExpr` |
//! | `operators` | `std::ops` for both |
//! | `methods` | views and reductions, written once for both |
//! | `axes` | axes, extents, slicing expressions |
//! | `complex` | what complex numbers have; their operations as operations on parts |
//! | `pieces` | assignment to regions, joining, padding, repeating |
//! | `indices` | arrays computed from their own indices: ranges, grids |
//! | `rearrange` | axes swapped, moved, turned, cut into windows and parts |
//! | `take` | arrays indexed by arrays |
//! | `scatter` | arrays changed at computed indices; counting |
//! | `make` | the operations that formulas are made of |
//! | `infer` | one constructor per kind of node: checks, shapes, broadcasts, errors |
//! | `node` | the untyped DAG under both |
//! | `print` | back to text |
//!
//! A method of `Expr` or `DynExpr` takes the caller's location and calls a constructor of `infer`, directly or by way of
//! `promote`; nothing else makes nodes. A mistake becomes an error node, which every later node inherits.

mod axes;
pub(crate) mod complex;
mod composite;
mod dynamic;
pub(crate) mod indices;
pub(crate) mod infer;
mod lazy;
pub(crate) mod lazy_mut;
pub(crate) mod make;
mod methods;
pub(crate) mod node;
mod operators;
pub(crate) mod pieces;
mod print;
pub(crate) mod promote;
pub(crate) mod rearrange;
pub(crate) mod scatter;
mod take;
#[cfg(test)]
mod tests;
mod typed;

pub use axes::{Axes, Axis, Extent, with_step};
pub use dynamic::DynExpr;
pub use lazy::{Lazy, lazy};
pub use lazy_mut::{DynLazyMut, IntoLazyMut, LazyMut, RegionMut, lazy_mut};
pub use pieces::{Pad, Region, concatenate, stack};
pub use promote::{DynOperand, Weak};
pub use scatter::{Compressed, Indexed};
pub use typed::{Expr, IntoExpr};
