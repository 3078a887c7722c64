//! elide
#![deny(unsafe_code)]
#![allow(dead_code)]

mod array;
mod codegen;
mod dtype;
mod entity;
mod error;
mod expr;
mod graph;
mod kernel;
mod layout;
mod math;
mod ops;
mod opt;
mod schedule;
mod shape;
mod size;
mod view;
