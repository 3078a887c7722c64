//! elide
#![deny(unsafe_code)]
#![allow(dead_code)]

mod array;
mod dtype;
mod entity;
mod error;
mod expr;
mod graph;
mod interp;
mod layout;
mod math;
mod ops;
mod shape;
mod size;
mod view;
