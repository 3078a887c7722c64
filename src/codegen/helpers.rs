//! Functions that compiled code calls: what no straight-line vector code does exactly.

/// A function that compiled code may call; all parameters and the result have one type.
#[derive(Clone, Copy)]
pub(super) struct Helper(usize);

impl Helper {
    pub fn address(self) -> usize {
        self.0
    }
}

extern "C" fn int_pow(base: i64, exponent: i64) -> i64 {
    crate::math::int_pow(base, exponent)
}
extern "C" fn fmod_f32(x: f32, y: f32) -> f32 {
    x % y
}
extern "C" fn fmod_f64(x: f64, y: f64) -> f64 {
    x % y
}

/// Integer power modulo 2^64.
pub(super) fn int_pow_helper() -> Helper {
    Helper(int_pow as *const () as usize)
}
/// The exact remainder of truncating division.
pub(super) fn fmod_f32_helper() -> Helper {
    Helper(fmod_f32 as *const () as usize)
}
/// The exact remainder of truncating division.
pub(super) fn fmod_f64_helper() -> Helper {
    Helper(fmod_f64 as *const () as usize)
}
