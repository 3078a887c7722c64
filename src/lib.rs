//! elide
#![deny(unsafe_code)]
#![allow(dead_code)]

mod array;
mod dtype;
mod entity;
mod error;
mod expr;
mod graph;
mod layout;
mod math;
#[cfg(feature = "npy")]
pub mod npy;
mod ops;
mod opt;
mod schedule;
mod shape;
mod size;
mod view;

pub use array::{Array, ArrayMut, ArrayRef};
pub use dtype::{DType, Element, Scalar};
pub use error::{Error, ErrorKind, Result};
