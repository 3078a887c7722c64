//! Element types, scalars, and NumPy's promotion lattice.

use std::fmt;

use half::{bf16, f16};
use num_complex::Complex;

use crate::error::{Error, ErrorKind, Result};

mod complex;

pub use complex::Part;

/// A complex number of two `f32`.
#[allow(non_camel_case_types, reason = "named as the other element types are")]
pub(crate) type c64 = Complex<f32>;
/// A complex number of two `f64`.
#[allow(non_camel_case_types, reason = "named as the other element types are")]
pub(crate) type c128 = Complex<f64>;

/// The table of element types, narrow to wide within each group, for whoever needs a line for each: expands `$mac!` with the
/// arguments, then the rows. A row is the variant, the Rust type, its name, NumPy's code without the byte order, the names other
/// than these two that NumPy knows it by, the class, and the bytes of an element.
macro_rules! for_each_dtype {
    ($mac:ident!($($args:tt)*)) => {
        $mac! { ($($args)*)
            /// One byte, 0 or 1.
            Bool bool "bool" "b1" ["bool_", "?"] bool 1;
            /// Signed byte.
            I8 i8 "i8" "i1" ["int8", "byte", "b"] int 1;
            /// 16-bit signed integer.
            I16 i16 "i16" "i2" ["int16", "short", "h"] int 2;
            /// 32-bit signed integer.
            I32 i32 "i32" "i4" ["int32", "intc", "i"] int 4;
            /// 64-bit signed integer.
            I64 i64 "i64" "i8" ["int64", "int", "int_", "intp", "longlong", "l", "q"] int 8;
            /// Unsigned byte.
            U8 u8 "u8" "u1" ["uint8", "ubyte", "B"] int 1;
            /// 16-bit unsigned integer.
            U16 u16 "u16" "u2" ["uint16", "ushort", "H"] int 2;
            /// 32-bit unsigned integer.
            U32 u32 "u32" "u4" ["uint32", "uintc", "I"] int 4;
            /// 64-bit unsigned integer.
            U64 u64 "u64" "u8" ["uint64", "uint", "uintp", "ulonglong", "L", "Q"] int 8;
            /// IEEE 754 binary16.
            F16 f16 "f16" "f2" ["float16", "half", "e"] half 2;
            /// The upper half of an `f32`: its exponent, and 8 bits of its significand. NumPy has it from the package `ml_dtypes`.
            BF16 bf16 "bf16" "V2" ["bfloat16"] half 2;
            /// IEEE 754 binary32.
            F32 f32 "f32" "f4" ["float32", "single", "f"] float 4;
            /// IEEE 754 binary64.
            F64 f64 "f64" "f8" ["float64", "float", "double", "d"] float 8;
            /// Two `f32`: the real part, then the imaginary one.
            C64 c64 "c64" "c8" ["complex64", "csingle", "F"] complex 8;
            /// Two `f64`: the real part, then the imaginary one.
            C128 c128 "c128" "c16" ["complex128", "complex", "cdouble", "D"] complex 16;
        }
    };
}
pub(crate) use for_each_dtype;

/// The class of a row of the table, or of an operation's.
macro_rules! class {
    (bool) => {
        $crate::dtype::Class::Bool
    };
    (int) => {
        $crate::dtype::Class::Int
    };
    (complex) => {
        $crate::dtype::Class::Complex
    };
    ($float:ident) => {
        $crate::dtype::Class::Float
    };
}
pub(crate) use class;

/// What depends on the class of a row: bits, conversions from the widest integer and from `f64`, and which traits hold.
macro_rules! of_class {
    (bool $ty:ident $size:literal) => {
        impl Convert for bool {
            fn to_bits(self) -> u128 {
                self as u128
            }
            fn from_bits(bits: u128) -> bool {
                bits as u8 != 0
            }
            fn number(self) -> Number128 {
                Number128::Int(self as i128)
            }
            fn from_int(x: i128) -> bool {
                x != 0
            }
            fn from_float(x: f64) -> bool {
                x != 0.0
            }
        }
        impl Bits for bool {}
    };
    (int $ty:ident $size:literal) => {
        impl Convert for $ty {
            fn to_bits(self) -> u128 {
                self as u128 & u128::MAX >> (128 - 8 * $size)
            }
            fn from_bits(bits: u128) -> $ty {
                bits as $ty
            }
            fn number(self) -> Number128 {
                Number128::Int(self as i128)
            }
            fn from_int(x: i128) -> $ty {
                x as $ty
            }
            fn from_float(x: f64) -> $ty {
                truncated(x, $size, <$ty>::MIN == 0) as $ty
            }
        }
        impl Bits for $ty {}
        impl Integer for $ty {}
        impl Ring for $ty {}
        impl Number for $ty {}
    };
    (float $ty:ident $size:literal) => {
        impl Convert for $ty {
            fn to_bits(self) -> u128 {
                <$ty>::to_bits(self) as u128
            }
            fn from_bits(bits: u128) -> $ty {
                <$ty>::from_bits(bits as _)
            }
            fn number(self) -> Number128 {
                Number128::Float(self as f64)
            }
            fn from_int(x: i128) -> $ty {
                x as $ty
            }
            fn from_float(x: f64) -> $ty {
                x as $ty
            }
        }
        impl Ring for $ty {}
        impl Field for $ty {}
        impl Float for $ty {}
        impl Number for $ty {}
    };
    (half $ty:ident $size:literal) => {
        impl Convert for $ty {
            fn to_bits(self) -> u128 {
                <$ty>::to_bits(self) as u128
            }
            fn from_bits(bits: u128) -> $ty {
                <$ty>::from_bits(bits as u16)
            }
            fn number(self) -> Number128 {
                Number128::Float(self.to_f64())
            }
            fn from_int(x: i128) -> $ty {
                Convert::from_float(stand_in(x))
            }
            fn from_float(x: f64) -> $ty {
                <$ty>::from_bits(nearest_half(x, <$ty>::MANTISSA_DIGITS - 1))
            }
        }
        impl Ring for $ty {}
        impl Field for $ty {}
        impl Float for $ty {}
        impl Number for $ty {}
    };
    (complex $ty:ident $size:literal) => {
        impl Convert for $ty {
            fn to_bits(self) -> u128 {
                self.re.to_bits() as u128 | (self.im.to_bits() as u128) << (4 * $size)
            }
            fn from_bits(bits: u128) -> $ty {
                Complex::new(Convert::from_bits(bits), Convert::from_bits(bits >> (4 * $size)))
            }
            fn number(self) -> Number128 {
                Number128::Complex(Complex::new(self.re as f64, self.im as f64))
            }
            fn from_int(x: i128) -> $ty {
                Complex::new(Convert::from_int(x), 0.0)
            }
            fn from_float(x: f64) -> $ty {
                Complex::new(Convert::from_float(x), 0.0)
            }
            fn from_complex(x: c128) -> $ty {
                Complex::new(Convert::from_float(x.re), Convert::from_float(x.im))
            }
        }
        impl Ring for $ty {}
        impl Field for $ty {}
    };
}

macro_rules! define_dtypes {
    (() $( $(#[$doc:meta])* $Variant:ident $ty:ident $name:literal $code:literal [$($alias:literal),*] $class:ident $size:literal; )*) => {
        /// The element type of an array.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum DType { $( $(#[$doc])* $Variant, )* }

        impl DType {
            /// Every element type, narrow to wide within each group.
            pub const ALL: &'static [DType] = &[ $( DType::$Variant ),* ];

            /// Those that are not complex, which come first: what programs are compiled to.
            pub const REAL: &'static [DType] = DType::ALL.split_at(DType::ALL.len() - 2).0;

            /// The Rust name: `f64`, `i32`, `bool`.
            pub fn name(self) -> &'static str {
                match self { $( DType::$Variant => $name ),* }
            }

            /// The NumPy type code without the byte order: `f8`, `i4`, `b1`.
            pub fn code(self) -> &'static str {
                match self { $( DType::$Variant => $code ),* }
            }

            /// The names that NumPy knows it by, other than the code and the Rust name.
            pub(crate) fn aliases(self) -> &'static [&'static str] {
                match self { $( DType::$Variant => &[$($alias),*] ),* }
            }

            /// Bytes per element.
            pub fn size(self) -> usize {
                match self { $( DType::$Variant => $size ),* }
            }

            /// The class that the op table is keyed on.
            pub fn class(self) -> Class {
                match self { $( DType::$Variant => class!($class) ),* }
            }

            /// The least and largest value of an integer type.
            pub fn int_range(self) -> Option<(i128, i128)> {
                match self { $( DType::$Variant if class!($class) == Class::Int => {
                    let sign = if $name.starts_with('u') { 0 } else { 1 };
                    Some((-(sign << (8 * $size - 1)), (1i128 << (8 * $size - sign)) - 1))
                } )* _ => None }
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

            /// The value's bits, zero-extended to 128: those of an imaginary part above those of the real one.
            pub fn bits(self) -> u128 {
                match self { $( Scalar::$Variant(x) => Convert::to_bits(x) ),* }
            }

            /// The value of type `dtype` with these low bits.
            pub fn from_bits(dtype: DType, bits: u128) -> Scalar {
                match dtype { $( DType::$Variant => Scalar::$Variant(Convert::from_bits(bits)) ),* }
            }

            /// An integer's value, exact (a `bool` is 0 or 1), a float's, or a complex one.
            fn number(self) -> Number128 {
                match self { $( Scalar::$Variant(x) => Convert::number(x) ),* }
            }

            /// An integer converted to `dtype`, as by [`Scalar::cast`].
            #[doc(hidden)]
            pub fn from_int(x: i128, dtype: DType) -> Scalar {
                match dtype { $( DType::$Variant => Scalar::$Variant(Convert::from_int(x)) ),* }
            }

            fn from_float(x: f64, dtype: DType) -> Scalar {
                match dtype { $( DType::$Variant => Scalar::$Variant(Convert::from_float(x)) ),* }
            }

            fn from_complex(x: c128, dtype: DType) -> Scalar {
                match dtype { $( DType::$Variant => Scalar::$Variant(Convert::from_complex(x)) ),* }
            }
        }

        /// Prints enough digits to read the same value back; a float always shows that it is one.
        impl fmt::Display for Scalar {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $( Scalar::$Variant(x) => define_dtypes!(@show $class x f) ),* }
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
            of_class! { $class $ty $size }
        )*
    };
    (@show complex $x:ident $f:ident) => { self::complex::show(Scalar::from(*$x), $f) };
    (@show half $x:ident $f:ident) => { write!($f, "{:?}", self::shortest(Scalar::from(*$x))) };
    (@show $class:ident $x:ident $f:ident) => { write!($f, "{:?}", $x) };
}
for_each_dtype!(define_dtypes!());

/// The classes of element types that an op can be defined on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// `bool`.
    Bool,
    /// Integers of any width and sign.
    Int,
    /// Floating point.
    Float,
    /// Complex numbers: pairs of floats.
    Complex,
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
pub trait Integer: Number {}
/// The element types with floating-point arithmetic.
pub trait Float: Field + Number {}
/// The element types with arithmetic and an order: integers and floats.
pub trait Number: Ring {}
/// The element types with `+ - *` and negation: all but `bool`.
pub trait Ring: Element {}
/// The element types with `/`: floats and complex numbers.
pub trait Field: Ring {}
/// The element types with operations on bits: `bool` and the integers.
pub trait Bits: Element {}

/// A value of any type: an integer is exact, a `bool` is 0 or 1.
enum Number128 {
    Int(i128),
    Float(f64),
    Complex(c128),
}

/// What `Scalar` needs of each type.
trait Convert: Sized {
    fn to_bits(self) -> u128;
    fn from_bits(bits: u128) -> Self;
    fn number(self) -> Number128;
    fn from_int(x: i128) -> Self;
    fn from_float(x: f64) -> Self;
    /// A type that is not complex takes the real part.
    fn from_complex(x: c128) -> Self {
        Self::from_float(x.re)
    }
}

/// A float's integral part before it wraps to an integer type of `size` bytes, as x86-64 computes it: an `i32` for narrow types,
/// else an `i64`, whose least value stands for NaN and what is out of its range; for `u64` from 2^63 on the rest above 2^63 is
/// converted so.
fn truncated(x: f64, size: usize, unsigned: bool) -> i64 {
    let two_63 = 9223372036854775808.0;
    if size < 4 || size == 4 && !unsigned {
        return if x > -2147483649.0 && x < 2147483648.0 { x as i64 } else { i32::MIN as i64 };
    }
    let wide = |x: f64| if x < two_63 { x as i64 } else { i64::MIN };
    // The saturating `as` gives the least value below the range, but 0 for NaN, which is not below 2^63.
    if size == 8 && unsigned && x >= two_63 { wide(x - two_63) ^ i64::MIN } else { wide(x) }
}

/// The bits of the nearest 16-bit float whose significand has so many digits after the point and whose exponent the other bits; ties
/// to even. (Those that the crate `half` makes of an `f64` are rounded twice, or ties without regard to what is below.)
fn nearest_half(x: f64, digits: u32) -> u16 {
    let bias = (1i32 << (14 - digits)) - 1;
    let infinity = (2 * i64::from(bias) + 1) << digits;
    let sign = u16::from(x.is_sign_negative()) << 15;
    if x.is_nan() {
        return sign | infinity as u16 | 1 << (digits - 1);
    }
    // That of the leading digit, or of the least normal value.
    let exponent = ((x.to_bits() >> 52 & 0x7ff) as i32 - 1023).max(1 - bias);
    // In units of the last digit; a power of two changes no digit.
    let power = f64::from_bits(((1023 + digits as i32 - exponent) as u64) << 52);
    let units = (x.abs() * power).round_ties_even() as i64;
    // The leading digit of a normal value counts as one more in the exponent.
    let bits = (i64::from(exponent + bias - 1) << digits).saturating_add(units);
    sign | bits.min(infinity) as u16
}

/// An `f64` that rounds as this integer does to 50 digits or fewer: with a last digit for what it leaves out.
fn stand_in(x: i128) -> f64 {
    let magnitude = x.unsigned_abs();
    let dropped = (128 - magnitude.leading_zeros()).saturating_sub(52);
    let (kept, rest) = (magnitude >> dropped, magnitude & ((1u128 << dropped) - 1));
    let near = (kept | u128::from(rest != 0)) as f64 * (1u128 << dropped) as f64;
    if x < 0 { -near } else { near }
}

/// The `f64` with the fewest digits that is read back as this.
fn shortest(x: Scalar) -> f64 {
    let reads_back = |digits: usize| {
        let short: f64 = format!("{:.digits$e}", x.to_f64()).parse().ok()?;
        (Scalar::F64(short).cast(x.dtype()) == x).then_some(short)
    };
    (0..17).find_map(reads_back).unwrap_or(x.to_f64())
}

/// Equal bits, and any NaN equals any NaN: the equality of the "exact" class of answers.
impl PartialEq for Scalar {
    fn eq(&self, other: &Scalar) -> bool {
        let alike = |a: Scalar, b: Scalar| a.bits() == b.bits() || a.is_nan() && b.is_nan();
        self.dtype() == other.dtype()
            && match (self.parts(), other.parts()) {
                (Some([a, b]), Some([c, d])) => alike(a, c) && alike(b, d),
                _ => alike(*self, *other),
            }
    }
}

impl Eq for Scalar {}

impl std::hash::Hash for Scalar {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.dtype(), if self.is_nan() { u128::MAX } else { self.bits() }).hash(state);
    }
}

impl Scalar {
    /// The value in the first `dtype.size()` bytes, in the machine's byte order. A `bool` is any byte but 0.
    pub fn from_ne_bytes(dtype: DType, bytes: &[u8]) -> Scalar {
        let n = dtype.part().size();
        let part = |bytes: &[u8]| {
            let mut wide = [0u8; 16];
            let at = if cfg!(target_endian = "little") { 0 } else { 16 - n };
            wide[at..at + n].copy_from_slice(&bytes[..n]);
            u128::from_ne_bytes(wide)
        };
        match dtype.is_complex() {
            true => Scalar::from_bits(dtype, part(bytes) | part(&bytes[n..]) << (8 * n)),
            false => Scalar::from_bits(dtype, part(bytes)),
        }
    }

    /// Writes the value to the first `dtype().size()` bytes, in the machine's byte order.
    pub fn write_ne_bytes(self, bytes: &mut [u8]) {
        if let Some([re, im]) = self.parts() {
            re.write_ne_bytes(bytes);
            return im.write_ne_bytes(&mut bytes[re.dtype().size()..]);
        }
        let n = self.dtype().size();
        let wide = self.bits().to_ne_bytes();
        let at = if cfg!(target_endian = "little") { 0 } else { 16 - n };
        bytes[..n].copy_from_slice(&wide[at..at + n]);
    }

    /// True for a floating-point NaN, and for a complex number with one.
    pub fn is_nan(self) -> bool {
        match self.number() {
            Number128::Int(_) => false,
            Number128::Float(x) => x.is_nan(),
            Number128::Complex(x) => x.re.is_nan() || x.im.is_nan(),
        }
    }

    /// The value as an `f64`, rounded if it must be; of a complex number the real part.
    pub fn to_f64(self) -> f64 {
        match self.number() {
            Number128::Int(x) => x as f64,
            Number128::Float(x) => x,
            Number128::Complex(x) => x.re,
        }
    }

    /// The value converted to `dtype` by the rules of `docs/semantics.md`: integers wrap, floats round to nearest,
    /// floats out of an integer's range give the least `i32` (`i64` for `u32` and 64-bit targets) before they wrap, but that
    /// what a `u64` can hold stays as it is. Of a complex number `bool` asks whether it is zero, and other types take the real part.
    pub fn cast(self, dtype: DType) -> Scalar {
        if self.dtype() == dtype {
            return self;
        }
        match self.number() {
            Number128::Int(x) => Scalar::from_int(x, dtype),
            Number128::Float(x) => Scalar::from_float(x, dtype),
            Number128::Complex(x) if dtype == DType::Bool => Scalar::Bool(x.re != 0.0 || x.im != 0.0),
            Number128::Complex(x) => Scalar::from_complex(x, dtype),
        }
    }

    /// The value of an integer; of a float, its integral part, 0 if it is NaN; of a complex number that of the real part.
    #[doc(hidden)]
    pub fn to_int(self) -> i128 {
        match self.number() {
            Number128::Int(x) => x,
            Number128::Float(x) => x as i128,
            Number128::Complex(x) => x.re as i128,
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

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for DType {
    type Err = Error;

    /// Accepts the Rust name (`f64`), the NumPy name (`float64`) and `int`, `float` and `complex` for NumPy's defaults.
    fn from_str(s: &str) -> Result<DType> {
        // NumPy's codes are not among them: its `u8` has eight bytes.
        let numpys = |d: DType| {
            d.aliases().contains(&s) && (s.ends_with(|c: char| c.is_ascii_digit()) || ["int", "float", "bool_", "complex"].contains(&s))
        };
        let found = DType::ALL.iter().copied().find(|d| d.name() == s || numpys(*d));
        found.ok_or_else(|| {
            let all: Vec<_> = DType::ALL.iter().map(|d| d.name()).collect();
            Error::new(ErrorKind::DType, format!("`{s}` is not an element type that elide has"))
                .help(format!("use one of {}", all.join(", ")))
        })
    }
}

impl DType {
    /// True for floats of any width.
    pub fn is_float(self) -> bool {
        self.class() == Class::Float
    }

    /// True for `f16` and `bf16`, which are computed with in `f32`.
    pub fn is_half(self) -> bool {
        matches!(self, DType::F16 | DType::BF16)
    }

    /// The type in which operations on this one are computed, each rounded to it, and sums, rounded once: `f32` for halves.
    pub fn computed_in(self) -> DType {
        if self.is_half() { DType::F32 } else { self }
    }

    /// True for integers (not `bool`).
    pub fn is_int(self) -> bool {
        self.class() == Class::Int
    }

    /// True if values below zero can be held.
    pub fn is_signed(self) -> bool {
        self.is_float() || self.is_complex() || self.int_range().is_some_and(|(least, _)| least < 0)
    }

    /// NumPy 2's result type of two arrays: the smallest type that both cast to safely, `f64` for 64-bit integers and floats
    /// although it does not hold all of their values.
    pub fn promote(self, other: DType) -> DType {
        if self.is_complex() || other.is_complex() {
            return self.part().promote(other.part()).to_complex();
        }
        let both = DType::REAL.iter().copied().filter(|d| d.holds_all(self) && d.holds_all(other));
        // Of equal ones the first, which is an integer where there is one.
        both.min_by_key(|d| d.size()).unwrap_or(DType::F64)
    }

    /// True if every value of `other` is one of this type, but for those that differ in the sign of zero.
    pub(crate) fn holds_all(self, other: DType) -> bool {
        match (self.class(), other.class()) {
            _ if self == other => true,
            (Class::Complex, _) => self.part().holds_all(other.part()),
            (_, Class::Bool) => true,
            (Class::Int, Class::Int) => {
                let ((low, high), (least, most)) = (self.int_range().unwrap_or((0, 0)), other.int_range().unwrap_or((0, 0)));
                low <= least && most <= high
            }
            // Of 8 bits of a significand, 11, 24 or 53.
            (Class::Float, Class::Int) => other.size() < self.size(),
            (Class::Float, Class::Float) => other.size() < self.size(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
