//! Complex numbers as pairs of floats.

use std::fmt;

use super::{Class, DType, Field, Float, Scalar, c64, c128};

/// The element types of the parts of complex numbers.
pub trait Part: Float {
    /// Complex numbers of such parts.
    type Complex: Field;
}

impl Part for f32 {
    type Complex = c64;
}

impl Part for f64 {
    type Complex = c128;
}

impl DType {
    /// True for complex numbers.
    pub fn is_complex(self) -> bool {
        self.class() == Class::Complex
    }

    /// The type of the real part, and of the imaginary one; a type that is not complex is its own.
    pub fn part(self) -> DType {
        match self {
            DType::C64 => DType::F32,
            DType::C128 => DType::F64,
            real => real,
        }
    }

    /// The least complex type whose parts hold all values of this type, as far as one does.
    pub fn to_complex(self) -> DType {
        let holds = |d: DType| d.is_complex() && d.holds_all(self);
        DType::ALL.iter().copied().find(|d| holds(*d)).unwrap_or(DType::C128)
    }
}

impl Scalar {
    /// The real and the imaginary part of a complex number.
    pub(crate) fn parts(self) -> Option<[Scalar; 2]> {
        match self {
            Scalar::C64(z) => Some([z.re.into(), z.im.into()]),
            Scalar::C128(z) => Some([z.re.into(), z.im.into()]),
            _ => None,
        }
    }
}

/// `1.5+2.0j`, as Python has it; both parts with the digits that they need.
pub(super) fn show(z: Scalar, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some([re, im]) = z.parts() else { return Ok(()) };
    let sign = if im.to_f64().is_sign_negative() && !im.is_nan() { "" } else { "+" };
    write!(f, "{re}{sign}{im}j")
}
