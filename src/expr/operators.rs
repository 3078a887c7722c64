//! The operators of Rust on expressions.
//!
//! `%` is NumPy's remainder, which has the sign of the divisor; `fmod` is Rust's.

use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Rem, Shl, Shr, Sub};

use half::{bf16, f16};

use crate::dtype::{Bits, Field, Integer, Number, Ring, c64, c128, for_each_dtype};
use crate::error::Site;
use crate::expr::infer;
use crate::expr::promote::{self, DynOperand};
use crate::expr::{DynExpr, Expr};
use crate::ops::{BinaryOp, UnaryOp};

macro_rules! typed_pair {
    ($Trait:ident $op:ident $method:ident $Class:ident $L:ty, $R:ty) => {
        impl<'a, T: $Class> $Trait<$R> for $L {
            type Output = Expr<'a, T>;
            #[track_caller]
            fn $method(self, other: $R) -> Expr<'a, T> {
                Expr::from_node(infer::binary(BinaryOp::$op, &self.node, &other.node, Some(Site::caller())))
            }
        }
    };
}

macro_rules! typed_scalar_right {
    ($Trait:ident $op:ident $method:ident $Class:ident $L:ty) => {
        impl<'a, T: $Class> $Trait<T> for $L {
            type Output = Expr<'a, T>;
            #[track_caller]
            fn $method(self, other: T) -> Expr<'a, T> {
                let site = Some(Site::caller());
                Expr::from_node(infer::binary(BinaryOp::$op, &self.node, &infer::constant(other.into(), site), site))
            }
        }
    };
}

macro_rules! typed_scalar_left {
    ($Trait:ident $op:ident $method:ident $t:ty, $R:ty) => {
        impl<'a> $Trait<$R> for $t {
            type Output = Expr<'a, $t>;
            #[track_caller]
            fn $method(self, other: $R) -> Expr<'a, $t> {
                let site = Some(Site::caller());
                Expr::from_node(infer::binary(BinaryOp::$op, &infer::constant(self.into(), site), &other.node, site))
            }
        }
    };
}

// The run-time typed operators take anything that is an operand on the right, and scalars on the left.
macro_rules! dynamic {
    ($Trait:ident $op:ident $method:ident $L:ty) => {
        impl<'a, R: Into<DynOperand<'a>>> $Trait<R> for $L {
            type Output = DynExpr<'a>;
            #[track_caller]
            fn $method(self, other: R) -> DynExpr<'a> {
                DynExpr::from_node(promote::binary(BinaryOp::$op, &self.into(), &other.into(), Some(Site::caller())))
            }
        }
    };
}

/// The same for each type of a trait.
macro_rules! typed_scalars_left {
    (($Trait:ident $op:ident $method:ident $Class:ident) $( $(#[$doc:meta])* $V:ident $t:ident $n:literal $c:literal [$($a:literal),*] $k:ident $s:literal; )*) => {
        $( typed_scalars_left!(@row $Class $k $Trait $op $method $t); )*
    };
    (@row Ring bool $($rest:tt)*) => {};
    (@row Number bool $($rest:tt)*) => {};
    (@row Number complex $($rest:tt)*) => {};
    (@row Field bool $($rest:tt)*) => {};
    (@row Field int $($rest:tt)*) => {};
    (@row Bits float $($rest:tt)*) => {};
    (@row Bits half $($rest:tt)*) => {};
    (@row Bits complex $($rest:tt)*) => {};
    (@row Integer bool $($rest:tt)*) => {};
    (@row Integer float $($rest:tt)*) => {};
    (@row Integer half $($rest:tt)*) => {};
    (@row Integer complex $($rest:tt)*) => {};
    (@row $Class:ident $k:ident $Trait:ident $op:ident $method:ident $t:ident) => {
        typed_scalar_left! { $Trait $op $method $t, Expr<'a, $t> }
        typed_scalar_left! { $Trait $op $method $t, &Expr<'a, $t> }
    };
}

// One integer and one float type, so that the type of a literal is not ambiguous.
macro_rules! dynamic_scalar_left {
    ($Trait:ident $op:ident $method:ident $R:ty, $($t:ty)*) => { $(
        impl<'a> $Trait<$R> for $t {
            type Output = DynExpr<'a>;
            #[track_caller]
            fn $method(self, other: $R) -> DynExpr<'a> {
                DynExpr::from_node(promote::binary(BinaryOp::$op, &self.into(), &other.into(), Some(Site::caller())))
            }
        }
    )* };
}

macro_rules! binary_operators {
    ($( $Trait:ident $op:ident $method:ident $Class:ident; )*) => { $(
        typed_pair! { $Trait $op $method $Class Expr<'a, T>, Expr<'a, T> }
        typed_pair! { $Trait $op $method $Class Expr<'a, T>, &Expr<'a, T> }
        typed_pair! { $Trait $op $method $Class &Expr<'a, T>, Expr<'a, T> }
        typed_pair! { $Trait $op $method $Class &Expr<'a, T>, &Expr<'a, T> }
        typed_scalar_right! { $Trait $op $method $Class Expr<'a, T> }
        typed_scalar_right! { $Trait $op $method $Class &Expr<'a, T> }
        for_each_dtype!(typed_scalars_left!($Trait $op $method $Class));
        dynamic! { $Trait $op $method DynExpr<'a> }
        dynamic! { $Trait $op $method &DynExpr<'a> }
        dynamic_scalar_left! { $Trait $op $method DynExpr<'a>, bool i64 f64 c128 }
        dynamic_scalar_left! { $Trait $op $method &DynExpr<'a>, bool i64 f64 c128 }
    )* };
}

binary_operators! {
    Add Add add Ring;
    Sub Sub sub Ring;
    Mul Mul mul Ring;
    Div Div div Field;
    Rem Rem rem Number;
    BitAnd And bitand Bits;
    BitOr Or bitor Bits;
    BitXor Xor bitxor Bits;
    Shl Shl shl Integer;
    Shr Shr shr Integer;
}

macro_rules! unary_operators {
    ($( $Trait:ident $method:ident $Class:ident; )*) => { $(
        unary_operators! { @typed $Trait $method $Class Expr<'a, T> }
        unary_operators! { @typed $Trait $method $Class &Expr<'a, T> }
        unary_operators! { @dynamic $Trait $method DynExpr<'a> }
        unary_operators! { @dynamic $Trait $method &DynExpr<'a> }
    )* };
    (@typed $Trait:ident $method:ident $Class:ident $X:ty) => {
        impl<'a, T: $Class> $Trait for $X {
            type Output = Expr<'a, T>;
            #[track_caller]
            fn $method(self) -> Expr<'a, T> {
                Expr::from_node(infer::unary(UnaryOp::$Trait, &self.node, Some(Site::caller())))
            }
        }
    };
    (@dynamic $Trait:ident $method:ident $X:ty) => {
        impl<'a> $Trait for $X {
            type Output = DynExpr<'a>;
            #[track_caller]
            fn $method(self) -> DynExpr<'a> {
                DynExpr::from_node(promote::unary(UnaryOp::$Trait, &self.node, Some(Site::caller())))
            }
        }
    };
}

// Negation of an unsigned type wraps, as in NumPy.
unary_operators! {
    Neg neg Ring;
    Not not Bits;
}
