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
