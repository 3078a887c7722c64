//! Formulas of operations, written down in one place.

use crate::dtype::Scalar;
use crate::expr::infer::{self, At};
use crate::expr::node::NodeRef;
use crate::ops::{BinaryOp, UnaryOp};

/// The operations, at one place of the user's.
pub(crate) struct Make(pub At);

impl Make {
    /// A number in the type of `x`.
    pub fn number(&self, x: &NodeRef, value: f64) -> NodeRef {
        infer::constant(Scalar::F64(value).cast(x.dtype), self.0)
    }
    pub fn unary(&self, op: UnaryOp, x: &NodeRef) -> NodeRef {
        infer::unary(op, x, self.0)
    }
    pub fn binary(&self, op: BinaryOp, x: &NodeRef, y: &NodeRef) -> NodeRef {
        infer::binary(op, x, y, self.0)
    }
    /// With a number on the right.
    pub fn with(&self, op: BinaryOp, x: &NodeRef, value: f64) -> NodeRef {
        self.binary(op, x, &self.number(x, value))
    }
    pub fn select(&self, c: &NodeRef, x: &NodeRef, y: &NodeRef) -> NodeRef {
        infer::select(c, x, y, self.0)
    }
    pub fn neg(&self, x: &NodeRef) -> NodeRef {
        self.unary(UnaryOp::Neg, x)
    }
    pub fn abs(&self, x: &NodeRef) -> NodeRef {
        self.unary(UnaryOp::Abs, x)
    }
    pub fn add(&self, x: &NodeRef, y: &NodeRef) -> NodeRef {
        self.binary(BinaryOp::Add, x, y)
    }
    pub fn sub(&self, x: &NodeRef, y: &NodeRef) -> NodeRef {
        self.binary(BinaryOp::Sub, x, y)
    }
    pub fn mul(&self, x: &NodeRef, y: &NodeRef) -> NodeRef {
        self.binary(BinaryOp::Mul, x, y)
    }
    pub fn div(&self, x: &NodeRef, y: &NodeRef) -> NodeRef {
        self.binary(BinaryOp::Div, x, y)
    }
}
