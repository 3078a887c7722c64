//! Element types, scalars, and NumPy's promotion lattice.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

macro_rules! define_dtypes {
    ($( $(#[$doc:meta])* $Variant:ident $ty:ident $name:literal $code:literal $class:ident $size:literal; )*) => {
        /// The element type of an array.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum DType { $( $(#[$doc])* $Variant, )* }

        impl DType {
            /// Every element type, narrow to wide within each class.
            pub const ALL: &'static [DType] = &[ $( DType::$Variant ),* ];

            /// The Rust name: `f64`, `i32`, `bool`.
            pub fn name(self) -> &'static str {
                match self { $( DType::$Variant => $name ),* }
            }

            /// The NumPy type code without the byte order: `f8`, `i4`, `b1`.
            pub fn code(self) -> &'static str {
                match self { $( DType::$Variant => $code ),* }
            }

            /// Bytes per element.
            pub fn size(self) -> usize {
                match self { $( DType::$Variant => $size ),* }
            }

            /// The class that the op table is keyed on.
            pub fn class(self) -> Class {
                match self { $( DType::$Variant => Class::$class ),* }
            }
        }

        /// One element with its type.
        #[derive(Clone, Copy, Debug)]
        #[non_exhaustive]
        pub enum Scalar { $( #[doc = concat!("A `", $name, "`.")] $Variant($ty), )* }

        impl Scalar {
            /// The element type of this value.
            pub fn dtype(self) -> DType {
                match self { $( Scalar::$Variant(_) => DType::$Variant ),* }
            }

            /// The value's bits, zero-extended to 64.
            pub fn bits(self) -> u64 {
                match self { $( Scalar::$Variant(x) => ToBits::to_bits64(x) ),* }
            }

            /// The value of type `dtype` with these low bits.
            pub fn from_bits(dtype: DType, bits: u64) -> Scalar {
                match dtype { $( DType::$Variant => Scalar::$Variant(ToBits::from_bits64(bits)) ),* }
            }

            /// The value in the first `dtype.size()` bytes, in the machine's byte order. A `bool` is any byte but 0.
            pub fn from_ne_bytes(dtype: DType, bytes: &[u8]) -> Scalar {
                let mut wide = [0u8; 8];
                let n = dtype.size();
                if cfg!(target_endian = "little") {
                    wide[..n].copy_from_slice(&bytes[..n]);
                } else {
                    wide[8 - n..].copy_from_slice(&bytes[..n]);
                }
                Scalar::from_bits(dtype, u64::from_ne_bytes(wide))
            }

            /// Writes the value to the first `dtype().size()` bytes, in the machine's byte order.
            pub fn write_ne_bytes(self, bytes: &mut [u8]) {
                let n = self.dtype().size();
                let wide = self.bits().to_ne_bytes();
                if cfg!(target_endian = "little") {
                    bytes[..n].copy_from_slice(&wide[..n]);
                } else {
                    bytes[..n].copy_from_slice(&wide[8 - n..]);
                }
            }
        }

        $(
            impl From<$ty> for Scalar {
                fn from(x: $ty) -> Scalar { Scalar::$Variant(x) }
            }
            impl sealed::Sealed for $ty {}
            impl Element for $ty {
                const DTYPE: DType = DType::$Variant;
                fn from_scalar(s: Scalar) -> Self {
                    match s {
                        Scalar::$Variant(x) => x,
                        other => unreachable!("a {} where a {} was proved", other.dtype(), $name),
                    }
                }
            }
        )*
    };
}

define_dtypes! {
    /// One byte, 0 or 1.
    Bool bool "bool" "b1" Bool 1;
    /// Unsigned byte.
    U8 u8 "u8" "u1" Int 1;
    /// 16-bit signed integer.
    I16 i16 "i16" "i2" Int 2;
    /// 32-bit signed integer.
    I32 i32 "i32" "i4" Int 4;
    /// 64-bit signed integer.
    I64 i64 "i64" "i8" Int 8;
    /// IEEE 754 binary32.
    F32 f32 "f32" "f4" Float 4;
    /// IEEE 754 binary64.
    F64 f64 "f64" "f8" Float 8;
}

/// The classes of element types that an op can be defined on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// `bool`.
    Bool,
    /// Integers of any width and sign.
    Int,
    /// IEEE floating point.
    Float,
}

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that can be the element of an array. Sealed: the set is [`DType::ALL`].
pub trait Element: sealed::Sealed + Copy + fmt::Debug + PartialEq + Send + Sync + Into<Scalar> + 'static {
    /// The run-time name of this type.
    const DTYPE: DType;
    #[doc(hidden)]
    fn from_scalar(s: Scalar) -> Self;
}

/// The element types with integer arithmetic.
pub trait Integer: Element {}
/// The element types with floating-point arithmetic.
pub trait Float: Element {}
/// The element types with arithmetic: all but `bool`.
pub trait Number: Element {}
macro_rules! mark {
    ($($tr:ident: $($t:ty)*;)*) => { $($(impl $tr for $t {})*)* };
}
mark! { Integer: u8 i16 i32 i64; Float: f32 f64; Number: u8 i16 i32 i64 f32 f64; }

trait ToBits: Sized {
    fn to_bits64(self) -> u64;
    fn from_bits64(bits: u64) -> Self;
}
macro_rules! to_bits {
    ($($t:ty, |$x:ident| $to:expr, |$b:ident| $from:expr;)*) => { $(
        impl ToBits for $t {
            fn to_bits64(self) -> u64 { let $x = self; $to }
            fn from_bits64($b: u64) -> Self { $from }
        }
    )* };
}
to_bits! {
    bool, |x| x as u64, |b| b as u8 != 0;
    u8, |x| x as u64, |b| b as u8;
    i16, |x| x as u16 as u64, |b| b as i16;
    i32, |x| x as u32 as u64, |b| b as i32;
    i64, |x| x as u64, |b| b as i64;
    f32, |x| x.to_bits() as u64, |b| f32::from_bits(b as u32);
    f64, |x| x.to_bits(), |b| f64::from_bits(b);
}

/// Equal bits, and any NaN equals any NaN: the equality of the "exact" class of answers.
impl PartialEq for Scalar {
    fn eq(&self, other: &Scalar) -> bool {
        self.dtype() == other.dtype() && (self.bits() == other.bits() || self.is_nan() && other.is_nan())
    }
}

impl Eq for Scalar {}

impl std::hash::Hash for Scalar {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.dtype(), if self.is_nan() { u64::MAX } else { self.bits() }).hash(state);
    }
}

impl Scalar {
    /// True for a floating-point NaN.
    pub fn is_nan(self) -> bool {
        match self {
            Scalar::F32(x) => x.is_nan(),
            Scalar::F64(x) => x.is_nan(),
            _ => false,
        }
    }

    /// The value as an `f64`, rounded if it must be.
    pub fn to_f64(self) -> f64 {
        match self {
            Scalar::Bool(x) => x as u8 as f64,
            Scalar::U8(x) => x as f64,
            Scalar::I16(x) => x as f64,
            Scalar::I32(x) => x as f64,
            Scalar::I64(x) => x as f64,
            Scalar::F32(x) => x as f64,
            Scalar::F64(x) => x,
        }
    }

    /// The value converted to `dtype` by the rules of `docs/semantics.md`: integers wrap, floats round to nearest,
    /// floats out of an integer's range give the least `i32` (`i64` for 64-bit targets) before they wrap.
    pub fn cast(self, dtype: DType) -> Scalar {
        if self.dtype() == dtype {
            return self;
        }
        let int = match self {
            Scalar::F32(x) => return cast_float(x as f64, dtype),
            Scalar::F64(x) => return cast_float(x, dtype),
            Scalar::Bool(x) => x as i64,
            Scalar::U8(x) => x as i64,
            Scalar::I16(x) => x as i64,
            Scalar::I32(x) => x as i64,
            Scalar::I64(x) => x,
        };
        match dtype {
            DType::Bool => Scalar::Bool(int != 0),
            DType::U8 => Scalar::U8(int as u8),
            DType::I16 => Scalar::I16(int as i16),
            DType::I32 => Scalar::I32(int as i32),
            DType::I64 => Scalar::I64(int),
            DType::F32 => Scalar::F32(int as f32),
            DType::F64 => Scalar::F64(int as f64),
        }
    }

    /// Zero of the given type.
    pub fn zero(dtype: DType) -> Scalar {
        Scalar::from_bits(dtype, 0)
    }

    /// One of the given type.
    pub fn one(dtype: DType) -> Scalar {
        Scalar::Bool(true).cast(dtype)
    }
}

fn cast_float(x: f64, dtype: DType) -> Scalar {
    let i32_or_min = || if x > -2147483649.0 && x < 2147483648.0 { x as i32 } else { i32::MIN };
    match dtype {
        DType::Bool => Scalar::Bool(x != 0.0),
        DType::U8 => Scalar::U8(i32_or_min() as u8),
        DType::I16 => Scalar::I16(i32_or_min() as i16),
        DType::I32 => Scalar::I32(i32_or_min()),
        DType::I64 => Scalar::I64(if x < 9223372036854775808.0 { x as i64 } else { i64::MIN }),
        DType::F32 => Scalar::F32(x as f32),
        DType::F64 => Scalar::F64(x),
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Prints enough digits to read the same value back; a float always shows that it is one.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Bool(x) => write!(f, "{x}"),
            Scalar::U8(x) => write!(f, "{x}"),
            Scalar::I16(x) => write!(f, "{x}"),
            Scalar::I32(x) => write!(f, "{x}"),
            Scalar::I64(x) => write!(f, "{x}"),
            Scalar::F32(x) => write!(f, "{x:?}"),
            Scalar::F64(x) => write!(f, "{x:?}"),
        }
    }
}

impl std::str::FromStr for DType {
    type Err = Error;

    /// Accepts the Rust name (`f64`), the NumPy name (`float64`) and `int`/`float` for NumPy's defaults.
    fn from_str(s: &str) -> Result<DType> {
        let found = match s {
            "float" | "float64" => Some(DType::F64),
            "float32" => Some(DType::F32),
            "int" | "int64" => Some(DType::I64),
            "int32" => Some(DType::I32),
            "int16" => Some(DType::I16),
            "uint8" => Some(DType::U8),
            "bool_" => Some(DType::Bool),
            _ => DType::ALL.iter().copied().find(|d| d.name() == s),
        };
        found.ok_or_else(|| {
            let all: Vec<_> = DType::ALL.iter().map(|d| d.name()).collect();
            Error::new(ErrorKind::DType, format!("`{s}` is not an element type that elide has"))
                .help(format!("use one of {}", all.join(", ")))
        })
    }
}

impl DType {
    /// True for `f32` and `f64`.
    pub fn is_float(self) -> bool {
        self.class() == Class::Float
    }

    /// True for integers (not `bool`).
    pub fn is_int(self) -> bool {
        self.class() == Class::Int
    }

    /// True if values below zero can be held.
    pub fn is_signed(self) -> bool {
        !matches!(self, DType::Bool | DType::U8)
    }

    /// NumPy 2's result type of two arrays: the smallest type that both cast to safely.
    pub fn promote(self, other: DType) -> DType {
        let (a, b) = if self <= other { (self, other) } else { (other, self) };
        match (a, b) {
            (DType::I32 | DType::I64, DType::F32) => DType::F64,
            _ => b,
        }
    }

    /// The least and largest value of an integer type.
    pub fn int_range(self) -> Option<(i64, i64)> {
        match self {
            DType::U8 => Some((0, u8::MAX as i64)),
            DType::I16 => Some((i16::MIN as i64, i16::MAX as i64)),
            DType::I32 => Some((i32::MIN as i64, i32::MAX as i64)),
            DType::I64 => Some((i64::MIN, i64::MAX)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promotion_is_numpys() {
        let table = [
            (DType::Bool, DType::U8, DType::U8),
            (DType::U8, DType::I16, DType::I16),
            (DType::I16, DType::F32, DType::F32),
            (DType::U8, DType::F32, DType::F32),
            (DType::I32, DType::F32, DType::F64),
            (DType::I64, DType::F32, DType::F64),
            (DType::Bool, DType::F32, DType::F32),
            (DType::I64, DType::F64, DType::F64),
        ];
        for (a, b, want) in table {
            assert_eq!(a.promote(b), want, "{a} with {b}");
            assert_eq!(b.promote(a), want, "{b} with {a}");
        }
    }

    #[test]
    fn casts_out_of_range_have_one_answer() {
        assert_eq!(Scalar::F64(3e9).cast(DType::I32), Scalar::I32(i32::MIN));
        assert_eq!(Scalar::F64(f64::NAN).cast(DType::I64), Scalar::I64(i64::MIN));
        assert_eq!(Scalar::F64(-1.5).cast(DType::U8), Scalar::U8(255));
        assert_eq!(Scalar::F64(300.7).cast(DType::U8), Scalar::U8(44));
        assert_eq!(Scalar::F32(-2147483648.0).cast(DType::I32), Scalar::I32(i32::MIN));
        assert_eq!(Scalar::I64(-1).cast(DType::U8), Scalar::U8(255));
    }

    #[test]
    fn bytes_round_trip() {
        for s in [Scalar::I16(-2), Scalar::F32(1.5), Scalar::F64(-0.0), Scalar::Bool(true), Scalar::U8(200)] {
            let mut bytes = [0u8; 8];
            s.write_ne_bytes(&mut bytes);
            assert_eq!(Scalar::from_ne_bytes(s.dtype(), &bytes), s);
        }
    }
}
