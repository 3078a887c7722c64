//! THE op table: the only place where an element-wise operation is spelled out.
//!
//! One row per operation:
//!
//! ```text
//! /// documentation
//! Variant "printed name" ["other names NumPy gives it"] result-rule {
//!     class |operands| meaning on one element => lowering,
//! }
//! ```
//!
//! The meaning is an expression over typed Rust values, expanded for every type of the class; the reference evaluator and
//! constant folding run it. The lowering is a CLIF instruction (`fadd`), a routine of `codegen::ops` (`custom::shl`), or
//! an expansion into other rows by `math` (`expand::exp`), done before any backend sees the operation.
//! The last column, where there is one, makes a second operation of the row: the function of `math` of that name, which
//! [`Accuracy::Fast`](crate::Accuracy) computes on the types listed, printed with a `~`. It is none of `ALL`, which programs name.
//! Every consumer expands the columns it needs with `for_each_unary!`, `for_each_binary!`: a new operation is one row.

use num_complex::Complex;

use crate::dtype::{Class, DType, Scalar, class, for_each_dtype};
use crate::math;

macro_rules! for_each_unary {
    ($mac:ident) => {
        $mac! {
            /// Negation. Integers wrap: the negation of the least value is itself.
            Neg "neg" ["negative"] same { int |x| x.wrapping_neg() => ineg, float |x| -x => fneg }
            /// Absolute value. The least integer stays as it is.
            Abs "abs" ["absolute", "fabs"] same { int |x| x.wrap_abs() => custom::int_abs, float |x| x.abs() => fabs }
            /// Complement of the bits; logical on `bool`.
            Not "not" ["invert", "bitwise_not", "bitwise_invert", "logical_not"] same { bool |x| !x => custom::bool_not, int |x| !x => bnot }
            /// Square root, correctly rounded; NaN below zero.
            Sqrt "sqrt" [] same { float |x| x.sqrt() => sqrt }
            /// e to the power x.
            Exp "exp" [] same { float |x| math::scalar1(math::Function1::Exp, x) => expand::Exp }
            /// 2 to the power x.
            Exp2 "exp2" [] same { float |x| math::scalar1(math::Function1::Exp2, x) => expand::Exp2 }
            /// e to the power x, less 1, accurate near 0.
            Expm1 "expm1" [] same { float |x| math::scalar1(math::Function1::Expm1, x) => expand::Expm1 } ~ FastExpm1 [F32, F64]
            /// Natural logarithm; NaN below zero, -inf at zero.
            Log "log" [] same { float |x| math::scalar1(math::Function1::Log, x) => expand::Log }
            /// Logarithm to base 2.
            Log2 "log2" [] same { float |x| math::scalar1(math::Function1::Log2, x) => expand::Log2 }
            /// Logarithm to base 10.
            Log10 "log10" [] same { float |x| math::scalar1(math::Function1::Log10, x) => expand::Log10 }
            /// Natural logarithm of 1 + x, accurate near 0.
            Log1p "log1p" [] same { float |x| math::scalar1(math::Function1::Log1p, x) => expand::Log1p }
            /// Sine of an angle in radians.
            Sin "sin" [] same { float |x| math::scalar1(math::Function1::Sin, x) => expand::Sin } ~ FastSin [F32, F64]
            /// Cosine of an angle in radians.
            Cos "cos" [] same { float |x| math::scalar1(math::Function1::Cos, x) => expand::Cos } ~ FastCos [F32, F64]
            /// Tangent of an angle in radians.
            Tan "tan" [] same { float |x| math::scalar1(math::Function1::Tan, x) => expand::Tan } ~ FastTan [F32, F64]
            /// sin(pi x) / (pi x); 1 at zero.
            Sinc "sinc" [] same { float |x| math::scalar1(math::Function1::Sinc, x) => expand::Sinc }
            /// Arcsine, in [-pi/2, pi/2]; NaN outside of [-1, 1].
            Asin "asin" ["arcsin"] same { float |x| math::scalar1(math::Function1::Asin, x) => expand::Asin }
            /// Arccosine, in [0, pi]; NaN outside of [-1, 1].
            Acos "acos" ["arccos"] same { float |x| math::scalar1(math::Function1::Acos, x) => expand::Acos }
            /// Arctangent, in [-pi/2, pi/2].
            Atan "atan" ["arctan"] same { float |x| math::scalar1(math::Function1::Atan, x) => expand::Atan }
            /// Hyperbolic sine.
            Sinh "sinh" [] same { float |x| math::scalar1(math::Function1::Sinh, x) => expand::Sinh } ~ FastSinh [F32, F64]
            /// Hyperbolic cosine.
            Cosh "cosh" [] same { float |x| math::scalar1(math::Function1::Cosh, x) => expand::Cosh } ~ FastCosh [F32, F64]
            /// Hyperbolic tangent.
            Tanh "tanh" [] same { float |x| math::scalar1(math::Function1::Tanh, x) => expand::Tanh } ~ FastTanh [F32, F64]
            /// 1 / (1 + e^-x).
            Logistic "logistic" ["expit", "sigmoid"] same { float |x| math::scalar1(math::Function1::Logistic, x) => expand::Logistic } ~ FastLogistic [F32, F64]
            /// Inverse hyperbolic sine.
            Asinh "asinh" ["arcsinh"] same { float |x| math::scalar1(math::Function1::Asinh, x) => expand::Asinh }
            /// Inverse hyperbolic cosine; NaN below 1.
            Acosh "acosh" ["arccosh"] same { float |x| math::scalar1(math::Function1::Acosh, x) => expand::Acosh }
            /// Inverse hyperbolic tangent; NaN outside of [-1, 1].
            Atanh "atanh" ["arctanh"] same { float |x| math::scalar1(math::Function1::Atanh, x) => expand::Atanh }
            /// Cube root.
            Cbrt "cbrt" [] same { float |x| math::scalar1(math::Function1::Cbrt, x) => expand::Cbrt }
            /// Error function.
            Erf "erf" [] same { float |x| math::scalar1(math::Function1::Erf, x) => expand::Erf }
            /// 1 less the error function, accurate where that is near 1.
            Erfc "erfc" [] same { float |x| math::scalar1(math::Function1::Erfc, x) => expand::Erfc }
            /// Gamma function; infinite at zeros, NaN at negative integers.
            Gamma "gamma" ["tgamma"] same { float |x| math::scalar1(math::Function1::Gamma, x) => expand::Gamma }
            /// Logarithm of the magnitude of the gamma function; infinite at 0 and at negative integers.
            Lgamma "lgamma" ["gammaln"] same { float |x| math::scalar1(math::Function1::Lgamma, x) => expand::Lgamma }
            /// The largest integral value not above x.
            Floor "floor" [] same { float |x| x.floor() => floor }
            /// The smallest integral value not below x.
            Ceil "ceil" [] same { float |x| x.ceil() => ceil }
            /// The integral part of x.
            Trunc "trunc" ["fix"] same { float |x| x.trunc() => trunc }
            /// The nearest integral value, halves to even.
            Rint "rint" ["round"] same { float |x| x.round_ties_even() => nearest }
            /// The distance to the next number away from zero, with the sign of x; NaN for infinities.
            Spacing "spacing" [] fine { float |x| math::scalar1(math::Function1::Spacing, x) => expand::Spacing }
            /// True where the sign bit is set, which of -0 it is; false for NaN.
            Signbit "signbit" [] bool { float |x| math::scalar1(math::Function1::Signbit, x) => expand::Signbit }
            /// True where x is NaN.
            IsNan "isnan" [] bool { float |x| x.is_nan() => custom::is_nan }
        }
    };
}

macro_rules! for_each_binary {
    ($mac:ident) => {
        $mac! {
            /// Sum. Integers wrap.
            Add "add" [] same { int |x, y| x.wrapping_add(y) => iadd, float |x, y| x + y => fadd }
            /// Difference. Integers wrap.
            Sub "sub" ["subtract"] same { int |x, y| x.wrapping_sub(y) => isub, float |x, y| x - y => fsub }
            /// Product. Integers wrap.
            Mul "mul" ["multiply"] same { int |x, y| x.wrapping_mul(y) => custom::int_mul, float |x, y| x * y => fmul }
            /// Quotient, for floating point only (`/` on integers converts to `f64` first).
            Div "div" ["divide", "true_divide"] same { float |x, y| x / y => fdiv }
            /// The quotient rounded down. Integers: 0 where the divisor is 0, wraps at the least value over -1.
            FloorDiv "floor_div" ["floor_divide"] same {
                int |x, y| x.floor_div(y) => custom::int_floor_div,
                float |x, y| math::scalar2(math::Function2::FloorDiv, x, y) => expand::FloorDiv,
            }
            /// What `floor_div` leaves, with the divisor's sign. Integers: 0 where the divisor is 0.
            Rem "rem" ["remainder", "mod"] same {
                int |x, y| x.floor_rem(y) => custom::int_rem,
                float |x, y| math::scalar2(math::Function2::Rem, x, y) => expand::Rem,
            }
            /// What truncating division leaves, with the dividend's sign; exact. Integers: 0 where the divisor is 0.
            Fmod "fmod" [] same { int |x, y| x.trunc_rem(y) => custom::int_fmod, float |x, y| x % y => custom::float_fmod }
            /// x to the power y. Integers wrap; a negative exponent gives the reciprocal rounded toward zero (0 for base 0).
            Pow "pow" ["power"] same {
                int |x, y| x.int_pow(y) => custom::int_pow,
                float |x, y| math::scalar2(math::Function2::Pow, x, y) => expand::Pow,
            }
            /// The greatest common divisor of both magnitudes, that of 0 and x being x. 2^(width - 1) of signed integers wraps.
            Gcd "gcd" [] same { int |x, y| x.gcd(y) => custom::int_gcd }
            /// The least common multiple of both magnitudes, 0 where either is 0. Wraps.
            Lcm "lcm" [] same { int |x, y| x.lcm(y) => custom::int_lcm }
            /// The angle of the point (y, x) given as `atan2(y, x)`, in [-pi, pi].
            Atan2 "atan2" ["arctan2"] same { float |y, x| math::scalar2(math::Function2::Atan2, y, x) => expand::Atan2 }
            /// sqrt(x^2 + y^2), with no square out of range.
            Hypot "hypot" [] same { float |x, y| math::scalar2(math::Function2::Hypot, x, y) => expand::Hypot }
            /// ln(e^x + e^y), with no power out of range.
            Logaddexp "logaddexp" [] same { float |x, y| math::scalar2(math::Function2::Logaddexp, x, y) => expand::Logaddexp }
            /// log2(2^x + 2^y), with no power out of range.
            Logaddexp2 "logaddexp2" [] same { float |x, y| math::scalar2(math::Function2::Logaddexp2, x, y) => expand::Logaddexp2 }
            /// The smaller. A NaN on either side gives NaN.
            Min "min" ["minimum"] same {
                int |x, y| x.min(y) => custom::int_min,
                float |x, y| if x < y || x.is_nan() { x } else { y } => custom::float_min,
            }
            /// The larger. A NaN on either side gives NaN.
            Max "max" ["maximum"] same {
                int |x, y| x.max(y) => custom::int_max,
                float |x, y| if x > y || x.is_nan() { x } else { y } => custom::float_max,
            }
            /// The larger; where one is NaN, the other.
            Fmax "fmax" [] same {
                int |x, y| x.max(y) => custom::int_max,
                float |x, y| math::scalar2(math::Function2::Fmax, x, y) => expand::Fmax,
            }
            /// The smaller; where one is NaN, the other.
            Fmin "fmin" [] same {
                int |x, y| x.min(y) => custom::int_min,
                float |x, y| math::scalar2(math::Function2::Fmin, x, y) => expand::Fmin,
            }
            /// The magnitude of x with the sign of y, of which NaN is positive.
            Copysign "copysign" [] same { float |x, y| math::scalar2(math::Function2::Copysign, x, y) => expand::Copysign }
            /// 0 where x is below zero, 1 where it is above, y where it is zero.
            Heaviside "heaviside" [] same { float |x, y| math::scalar2(math::Function2::Heaviside, x, y) => expand::Heaviside }
            /// The number next to x in the direction of y; y where they are equal.
            Nextafter "nextafter" [] fine { float |x, y| math::scalar2(math::Function2::Nextafter, x, y) => expand::Nextafter }
            /// Bits set in both; logical on `bool`.
            And "and" ["bitwise_and"] same { bool |x, y| x & y => band, int |x, y| x & y => band }
            /// Bits set in either; logical on `bool`.
            Or "or" ["bitwise_or"] same { bool |x, y| x | y => bor, int |x, y| x | y => bor }
            /// Bits set in one but not both; logical on `bool`.
            Xor "xor" ["bitwise_xor"] same { bool |x, y| x ^ y => bxor, int |x, y| x ^ y => bxor }
            /// Shift to the left; 0 where the count is negative or not below the width.
            Shl "shl" ["left_shift", "bitwise_left_shift"] same { int |x, y| x.shift_left(y) => custom::shl }
            /// Shift to the right, filling with the sign; all sign where the count is negative or not below the width.
            Shr "shr" ["right_shift", "bitwise_right_shift"] same { int |x, y| x.shift_right(y) => custom::shr }
            /// True where equal; NaN equals nothing.
            Eq "eq" ["equal"] bool { bool |x, y| x == y => custom::eq, int |x, y| x == y => custom::eq, float |x, y| x == y => custom::eq }
            /// True where not equal; NaN differs from everything.
            Ne "ne" ["not_equal"] bool { bool |x, y| x != y => custom::ne, int |x, y| x != y => custom::ne, float |x, y| x != y => custom::ne }
            /// True where x is below y.
            Lt "lt" ["less"] bool { bool |x, y| !x & y => custom::lt, int |x, y| x < y => custom::lt, float |x, y| x < y => custom::lt }
            /// True where x is not above y.
            Le "le" ["less_equal"] bool { bool |x, y| x <= y => custom::le, int |x, y| x <= y => custom::le, float |x, y| x <= y => custom::le }
            /// True where x is above y.
            Gt "gt" ["greater"] bool { bool |x, y| x & !y => custom::gt, int |x, y| x > y => custom::gt, float |x, y| x > y => custom::gt }
            /// True where x is not below y.
            Ge "ge" ["greater_equal"] bool { bool |x, y| x >= y => custom::ge, int |x, y| x >= y => custom::ge, float |x, y| x >= y => custom::ge }
        }
    };
}
pub(crate) use {for_each_binary, for_each_unary};

macro_rules! result {
    (same, $d:expr) => {
        $d
    };
    // The same, but of halves, which are computed in a type where other numbers are next to each other.
    (fine, $d:expr) => {
        $d
    };
    (bool, $d:expr) => {
        DType::Bool
    };
}

macro_rules! has_halves {
    (fine) => {
        false
    };
    ($res:ident) => {
        true
    };
}

macro_rules! is_expanded {
    (expand::$f:ident) => {
        true
    };
    ($($low:ident)::+) => {
        false
    };
}

/// What an operation on halves gives in `f32`, as one of them; an answer of another type as it is.
fn rounded(x: Scalar, half: DType) -> Scalar {
    if x.dtype() == DType::F32 { x.cast(half) } else { x }
}

/// Evaluates on a value of each type of a class: returns where the value is of one. Halves are computed with in `f32`.
macro_rules! eval1 {
    ($class:ident, $v:expr, |$x:ident| $e:expr) => {
        for_each_dtype!(eval1!(@rows $class, $v, |$x| $e))
    };
    ((@rows $class:ident, $v:expr, |$x:ident| $e:expr) $( $(#[$doc:meta])* $V:ident $t:ident $n:literal $c:literal [$($a:literal),*] $k:ident $s:literal; )*) => {
        $( eval1!(@row $class $k $V, $v, |$x| $e); )*
    };
    (@row bool bool $V:ident, $v:expr, |$x:ident| $e:expr) => { eval1!(@one $V, $v, |$x| $e) };
    (@row int int $V:ident, $v:expr, |$x:ident| $e:expr) => { eval1!(@one $V, $v, |$x| $e) };
    (@row float float $V:ident, $v:expr, |$x:ident| $e:expr) => { eval1!(@one $V, $v, |$x| $e) };
    (@row float half $V:ident, $v:expr, |$x:ident| $e:expr) => {
        if let Scalar::$V($x) = $v {
            let $x = $x.to_f32();
            return Some(rounded(Scalar::from($e), DType::$V));
        }
    };
    (@row $class:ident $k:ident $V:ident, $v:expr, |$x:ident| $e:expr) => {};
    (@one $V:ident, $v:expr, |$x:ident| $e:expr) => {
        if let Scalar::$V($x) = $v {
            return Some(Scalar::from($e));
        }
    };
}

macro_rules! eval2 {
    ($class:ident, $v:expr, |$x:ident, $y:ident| $e:expr) => {
        for_each_dtype!(eval2!(@rows $class, $v, |$x, $y| $e))
    };
    ((@rows $class:ident, $v:expr, |$x:ident, $y:ident| $e:expr) $( $(#[$doc:meta])* $V:ident $t:ident $n:literal $c:literal [$($a:literal),*] $k:ident $s:literal; )*) => {
        $( eval2!(@row $class $k $V, $v, |$x, $y| $e); )*
    };
    (@row bool bool $V:ident, $v:expr, |$x:ident, $y:ident| $e:expr) => { eval2!(@one $V, $v, |$x, $y| $e) };
    (@row int int $V:ident, $v:expr, |$x:ident, $y:ident| $e:expr) => { eval2!(@one $V, $v, |$x, $y| $e) };
    (@row float float $V:ident, $v:expr, |$x:ident, $y:ident| $e:expr) => { eval2!(@one $V, $v, |$x, $y| $e) };
    (@row float half $V:ident, $v:expr, |$x:ident, $y:ident| $e:expr) => {
        if let (Scalar::$V($x), Scalar::$V($y)) = $v {
            let ($x, $y) = ($x.to_f32(), $y.to_f32());
            return Some(rounded(Scalar::from($e), DType::$V));
        }
    };
    (@row $class:ident $k:ident $V:ident, $v:expr, |$x:ident, $y:ident| $e:expr) => {};
    (@one $V:ident, $v:expr, |$x:ident, $y:ident| $e:expr) => {
        if let (Scalar::$V($x), Scalar::$V($y)) = $v {
            return Some(Scalar::from($e));
        }
    };
}

macro_rules! define_op {
    ($Enum:ident, $eval:ident, ($($arg:ident),*), [$($operand:ident),*]
     $( $(#[$doc:meta])* $Op:ident $name:literal [$($alias:literal),*] $res:ident
        { $($class:ident |$($x:ident),+| $e:expr => $($low:ident)::+),+ $(,)? } $(~ $Fast:ident [$($T:ident),+])? )*) => {
        impl $Enum {
            /// Every operation that programs name, in the order of the table.
            pub const ALL: &'static [$Enum] = &[ $($Enum::$Op),* ];

            /// The name that the IRs print.
            pub fn name(self) -> &'static str {
                match self { $($Enum::$Op => $name, $($Enum::$Fast => concat!($name, "~"),)?)* }
            }

            /// The names under which NumPy knows it, other than `name`.
            pub fn aliases(self) -> &'static [&'static str] {
                match self { $($Enum::$Op => &[$($alias),*], $($Enum::$Fast => &[],)?)* }
            }

            /// The result type on operands of type `d`, or `None` where the operation is not defined. Of complex numbers, on which
            /// operations are several of those on their parts, always `None`.
            pub fn result(self, d: DType) -> Option<DType> {
                match self { $($Enum::$Op => [$(class!($class)),+].contains(&d.class()).then_some(result!($res, d)).filter(|_| has_halves!($res) || !d.is_half()), $($Enum::$Fast => [$(DType::$T),+].contains(&d.computed_in()).then_some(d),)? )* }
            }

            /// What [`Accuracy::Fast`](crate::Accuracy) computes in its place on operands of type `d`, if that is another operation.
            pub fn fast(self, d: DType) -> Option<Self> {
                let fast = match self { $( $($Enum::$Op => Some($Enum::$Fast),)? )* _ => None };
                fast.filter(|op: &Self| op.result(d).is_some())
            }

            /// True if `math` replaces the operation on class `c` by simpler ones before code is generated.
            pub fn is_expanded(self, c: Class) -> bool {
                match self { $($Enum::$Op => { $( if c == class!($class) { return is_expanded!($($low)::+); } )+ false } $($Enum::$Fast => c == Class::Float,)? )* }
            }
        }
    };
}

macro_rules! define_unary {
    ($( $(#[$doc:meta])* $Op:ident $name:literal [$($alias:literal),*] $res:ident
        { $($class:ident |$x:ident| $e:expr => $($low:ident)::+),+ $(,)? } $(~ $Fast:ident [$($T:ident),+])? )*) => {
        /// An element-wise operation of one operand.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum UnaryOp { $( $(#[$doc])* $Op, $( #[doc = concat!("`", $name, "`, as [`Accuracy::Fast`](crate::Accuracy) computes it.")] $Fast, )? )* }
        define_op! { UnaryOp, eval1, (x), [v] $( $Op $name [$($alias),*] $res { $($class |$x| $e => $($low)::+),+ } $(~ $Fast [$($T),+])? )* }
        impl UnaryOp {
            /// The operation on one element; `None` where it is not defined on the operand's type.
            pub fn eval(self, v: Scalar) -> Option<Scalar> {
                match self { $( UnaryOp::$Op => { if v.dtype().is_half() && !has_halves!($res) { return None; } $( eval1!($class, v, |$x| $e); )+ None }
                    $( UnaryOp::$Fast => { self.result(v.dtype())?; eval1!(float, v, |x| math::scalar1(math::Function1::$Fast, x)); None } )? )* }
            }
        }
    };
}
macro_rules! define_binary {
    ($( $(#[$doc:meta])* $Op:ident $name:literal [$($alias:literal),*] $res:ident
        { $($class:ident |$x:ident, $y:ident| $e:expr => $($low:ident)::+),+ $(,)? } $(~ $Fast:ident [$($T:ident),+])? )*) => {
        /// An element-wise operation of two operands of one type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum BinaryOp { $( $(#[$doc])* $Op, $( #[doc = concat!("`", $name, "`, as [`Accuracy::Fast`](crate::Accuracy) computes it.")] $Fast, )? )* }
        define_op! { BinaryOp, eval2, (x, y), [v, w] $( $Op $name [$($alias),*] $res { $($class |$x, $y| $e => $($low)::+),+ } $(~ $Fast [$($T),+])? )* }
        impl BinaryOp {
            /// The operation on one pair of elements; `None` where it is not defined on the operands' type.
            pub fn eval(self, v: Scalar, w: Scalar) -> Option<Scalar> {
                match self { $( BinaryOp::$Op => { if v.dtype().is_half() && !has_halves!($res) { return None; } $( eval2!($class, (v, w), |$x, $y| $e); )+ None }
                    $( BinaryOp::$Fast => { self.result(v.dtype())?; eval2!(float, (v, w), |x, y| math::scalar2(math::Function2::$Fast, x, y)); None } )? )* }
            }
        }
    };
}
for_each_unary!(define_unary);
for_each_binary!(define_binary);

impl BinaryOp {
    /// True for the six comparisons.
    pub fn is_comparison(self) -> bool {
        matches!(self, BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge)
    }
}

/// A reduction over axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReduceOp {
    /// Sum in the one defined order (`docs/semantics.md`); 0 for nothing.
    Sum,
    /// Product in the same order; 1 for nothing.
    Prod,
    /// The smallest; NaN if any is. Undefined for nothing.
    Min,
    /// The largest; NaN if any is. Undefined for nothing.
    Max,
    /// True if any is.
    Any,
    /// True if all are.
    All,
    /// The position of the first smallest, NaN counting as smallest. Undefined for nothing.
    ArgMin,
    /// The position of the first largest, NaN counting as largest. Undefined for nothing.
    ArgMax,
}

impl ReduceOp {
    /// Every reduction.
    pub const ALL: &'static [ReduceOp] =
        &[ReduceOp::Sum, ReduceOp::Prod, ReduceOp::Min, ReduceOp::Max, ReduceOp::Any, ReduceOp::All, ReduceOp::ArgMin, ReduceOp::ArgMax];

    /// The name that the IRs print.
    pub fn name(self) -> &'static str {
        match self {
            ReduceOp::Sum => "sum",
            ReduceOp::Prod => "prod",
            ReduceOp::Min => "min",
            ReduceOp::Max => "max",
            ReduceOp::Any => "any",
            ReduceOp::All => "all",
            ReduceOp::ArgMin => "argmin",
            ReduceOp::ArgMax => "argmax",
        }
    }

    /// The result type on elements of type `d`, or `None` where the reduction is not defined, as on complex numbers: it is one of each part.
    pub fn result(self, d: DType) -> Option<DType> {
        match self {
            _ if d.is_complex() => None,
            // Halves are converted first: their sums are rounded once.
            ReduceOp::Sum | ReduceOp::Prod => (d != DType::Bool && !d.is_half()).then_some(d),
            ReduceOp::Min | ReduceOp::Max => Some(d),
            ReduceOp::Any | ReduceOp::All => (d == DType::Bool).then_some(DType::Bool),
            ReduceOp::ArgMin | ReduceOp::ArgMax => Some(DType::I64),
        }
    }

    /// The element-wise operation that combines two partial results on elements of type `d`; `None` for the positions.
    pub fn combine(self, d: DType) -> Option<BinaryOp> {
        match (self, d) {
            (ReduceOp::Sum, _) => Some(BinaryOp::Add),
            (ReduceOp::Prod, _) => Some(BinaryOp::Mul),
            (ReduceOp::Min, DType::Bool) | (ReduceOp::All, _) => Some(BinaryOp::And),
            (ReduceOp::Max, DType::Bool) | (ReduceOp::Any, _) => Some(BinaryOp::Or),
            (ReduceOp::Min, _) => Some(BinaryOp::Min),
            (ReduceOp::Max, _) => Some(BinaryOp::Max),
            (ReduceOp::ArgMin | ReduceOp::ArgMax, _) => None,
        }
    }

    /// The value that changes nothing when combined. A sum of floats starts at -0, so that a sum of -0 alone is -0.
    pub fn identity(self, d: DType) -> Option<Scalar> {
        let int = |pick: fn((i128, i128)) -> i128| d.int_range().map(|r| Scalar::from_int(pick(r), d));
        match self {
            ReduceOp::Sum if d.is_complex() => Some(Scalar::C128(Complex::new(-0.0, -0.0)).cast(d)),
            ReduceOp::Sum if d.is_float() => Some(Scalar::F64(-0.0).cast(d)),
            ReduceOp::Sum => Some(Scalar::zero(d)),
            ReduceOp::Prod => Some(Scalar::one(d)),
            ReduceOp::Any => Some(Scalar::Bool(false)),
            ReduceOp::All => Some(Scalar::Bool(true)),
            ReduceOp::Min if d.is_float() => Some(Scalar::F64(f64::INFINITY).cast(d)),
            ReduceOp::Max if d.is_float() => Some(Scalar::F64(f64::NEG_INFINITY).cast(d)),
            ReduceOp::Min if d == DType::Bool => Some(Scalar::Bool(true)),
            ReduceOp::Max if d == DType::Bool => Some(Scalar::Bool(false)),
            ReduceOp::Min => int(|r| r.1),
            ReduceOp::Max => int(|r| r.0),
            ReduceOp::ArgMin | ReduceOp::ArgMax => None,
        }
    }

    /// The result over no elements at all, or `None` where there is none (as in NumPy, that is an error).
    pub fn of_nothing(self, d: DType) -> Option<Scalar> {
        match self {
            ReduceOp::Sum => Some(Scalar::zero(d)),
            ReduceOp::Prod | ReduceOp::Any | ReduceOp::All => self.identity(d),
            _ => None,
        }
    }

    /// True if the order of combination cannot change the bits of the result.
    pub fn any_order(self, d: DType) -> bool {
        !(d.is_float() && matches!(self, ReduceOp::Sum | ReduceOp::Prod)) && self.combine(d).is_some()
    }
}

/// The integer operations whose meaning differs from Rust's own.
trait IntOps: Sized + Copy {
    fn wrap_abs(self) -> Self;
    fn floor_div(self, y: Self) -> Self;
    fn floor_rem(self, y: Self) -> Self;
    fn trunc_rem(self, y: Self) -> Self;
    fn int_pow(self, y: Self) -> Self;
    fn gcd(self, y: Self) -> Self;
    fn lcm(self, y: Self) -> Self;
    fn shift_left(self, y: Self) -> Self;
    fn shift_right(self, y: Self) -> Self;
}

/// As `u64`; of a signed number its sign is taken off after widening, which does not wrap.
macro_rules! magnitude {
    ($x:expr) => {
        if Self::MIN == 0 { $x as u64 } else { ($x as i64).unsigned_abs() }
    };
}

macro_rules! int_ops {
    (() $( $(#[$doc:meta])* $V:ident $t:ident $n:literal $c:literal [$($a:literal),*] $k:ident $s:literal; )*) => {
        $( int_ops! { @row $k $t } )*
    };
    (@row bool $t:ident) => {};
    (@row float $t:ident) => {};
    (@row half $t:ident) => {};
    (@row complex $t:ident) => {};
    (@row int $t:ident) => {
        impl IntOps for $t {
            #[allow(unused_comparisons, reason = "unsigned types are never below 0")]
            fn wrap_abs(self) -> Self {
                if self < 0 { self.wrapping_neg() } else { self }
            }
            fn floor_div(self, y: Self) -> Self {
                if y == 0 {
                    return 0;
                }
                let (q, r) = (self.wrapping_div(y), self.wrapping_rem(y));
                if r != 0 && (r < 0 as $t) != (y < 0 as $t) { q - 1 } else { q }
            }
            fn floor_rem(self, y: Self) -> Self {
                if y == 0 {
                    return 0;
                }
                let r = self.wrapping_rem(y);
                if r != 0 && (r < 0 as $t) != (y < 0 as $t) { r + y } else { r }
            }
            fn trunc_rem(self, y: Self) -> Self {
                if y == 0 { 0 } else { self.wrapping_rem(y) }
            }
            fn int_pow(self, y: Self) -> Self {
                if <$t>::MIN == 0 { math::unsigned_pow(self as u64, y as u64) as $t } else { math::int_pow(self as i64, y as i64) as $t }
            }
            fn gcd(self, y: Self) -> Self {
                math::gcd(magnitude!(self), magnitude!(y)) as $t
            }
            fn lcm(self, y: Self) -> Self {
                math::lcm(magnitude!(self), magnitude!(y)) as $t
            }
            fn shift_left(self, y: Self) -> Self {
                u32::try_from(y).ok().and_then(|n| self.checked_shl(n)).unwrap_or(0)
            }
            fn shift_right(self, y: Self) -> Self {
                u32::try_from(y).ok().and_then(|n| self.checked_shr(n)).unwrap_or(if $t::MIN == 0 { 0 } else { self >> ($t::BITS - 1) })
            }
        }
    };
}
for_each_dtype!(int_ops!());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_at_their_limits() {
        use BinaryOp::*;
        let i = |op: BinaryOp, x: i32, y: i32| op.eval(x.into(), y.into()).unwrap();
        assert_eq!(i(FloorDiv, i32::MIN, -1), i32::MIN.into());
        assert_eq!(i(FloorDiv, 5, 0), 0.into());
        assert_eq!(i(FloorDiv, -7, 3), (-3).into());
        assert_eq!(i(FloorDiv, 7, -3), (-3).into());
        assert_eq!(i(Rem, -7, 3), 2.into());
        assert_eq!(i(Rem, 7, -3), (-2).into());
        assert_eq!(i(Rem, i32::MIN, -1), 0.into());
        assert_eq!(i(Fmod, -7, 3), (-1).into());
        assert_eq!(i(Shl, 1, 32), 0.into());
        assert_eq!(i(Shl, 1, -1), 0.into());
        assert_eq!(i(Shr, -8, 40), (-1).into());
        assert_eq!(i(Shr, 8, -1), 0.into());
        assert_eq!(Shr.eval(Scalar::U8(255), Scalar::U8(8)), Some(Scalar::U8(0)));
        assert_eq!(i(Pow, 3, 5), 243.into());
        assert_eq!(i(Pow, 2, -1), 0.into());
        assert_eq!(i(Pow, -1, -3), (-1).into());
        assert_eq!(i(Pow, 0, 0), 1.into());
    }

    #[test]
    fn an_op_is_defined_exactly_where_its_rule_says() {
        for &d in DType::ALL {
            for &op in UnaryOp::ALL {
                assert_eq!(op.result(d), op.eval(Scalar::one(d)).map(Scalar::dtype), "{op:?} on {d}");
            }
            for &op in BinaryOp::ALL {
                assert_eq!(op.result(d), op.eval(Scalar::one(d), Scalar::one(d)).map(Scalar::dtype), "{op:?} on {d}");
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let mut all: Vec<_> = UnaryOp::ALL.iter().flat_map(|o| std::iter::once(o.name()).chain(o.aliases().iter().copied())).collect();
        all.extend(BinaryOp::ALL.iter().flat_map(|o| std::iter::once(o.name()).chain(o.aliases().iter().copied())));
        let total = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), total);
    }

    #[test]
    fn identities_change_nothing() {
        for &op in ReduceOp::ALL {
            for &d in DType::ALL {
                if let (Some(_), Some(comb), Some(id)) = (op.result(d), op.combine(d), op.identity(d)) {
                    for x in [Scalar::zero(d), Scalar::one(d), Scalar::F64(-0.0).cast(d)] {
                        assert_eq!(comb.eval(x, id), Some(x), "{op:?} {d}");
                    }
                }
            }
        }
    }
}
