//! Functions that compiled code calls: what no straight-line vector code does exactly.

use crate::dtype::DType;
use crate::math::Rare;

/// A function that compiled code may call; all parameters have one type.
#[derive(Clone, Copy)]
pub(super) struct Helper(usize);

impl Helper {
    pub fn address(self) -> usize {
        self.0
    }
}

/// A function of elements where a bit is set, from `x` to `out`.
macro_rules! rare {
    ($name:ident, $t:ident, $f:expr) => {
        extern "C" fn $name(x: *const $t, out: *mut $t, lanes: u64) {
            let mut left = lanes;
            while left != 0 {
                let k = left.trailing_zeros() as usize;
                // SAFETY: only compiled code calls this, with the addresses of two vectors on its own stack, and bits for their
                // lanes alone.
                unsafe { *out.add(k) = $f.eval(f64::from(*x.add(k))) as $t };
                left &= left - 1;
            }
        }
    };
}
rare!(rare_sin, f64, Rare::Sin);
rare!(rare_cos, f64, Rare::Cos);
rare!(rare_tan, f64, Rare::Tan);
rare!(rare_sin_single, f32, Rare::Sin);
rare!(rare_cos_single, f32, Rare::Cos);
rare!(rare_tan_single, f32, Rare::Tan);

/// The function, of some lanes of a vector of `f64` or `f32`: it takes the addresses of the operands and of the results, and a bit for each lane.
pub(super) fn rare_helper(f: Rare, dtype: DType) -> Helper {
    Helper(match (f, dtype) {
        (Rare::Sin, DType::F32) => rare_sin_single as *const () as usize,
        (Rare::Cos, DType::F32) => rare_cos_single as *const () as usize,
        (Rare::Tan, DType::F32) => rare_tan_single as *const () as usize,
        (Rare::Sin, _) => rare_sin as *const () as usize,
        (Rare::Cos, _) => rare_cos as *const () as usize,
        (Rare::Tan, _) => rare_tan as *const () as usize,
    })
}

extern "C" fn int_pow(base: i64, exponent: i64) -> i64 {
    crate::math::int_pow(base, exponent)
}
extern "C" fn unsigned_pow(base: u64, exponent: u64) -> u64 {
    crate::math::unsigned_pow(base, exponent)
}
extern "C" fn unsigned_gcd(x: u64, y: u64) -> u64 {
    crate::math::gcd(x, y)
}
extern "C" fn signed_gcd(x: i64, y: i64) -> u64 {
    crate::math::gcd(x.unsigned_abs(), y.unsigned_abs())
}
extern "C" fn unsigned_lcm(x: u64, y: u64) -> u64 {
    crate::math::lcm(x, y)
}
extern "C" fn signed_lcm(x: i64, y: i64) -> u64 {
    crate::math::lcm(x.unsigned_abs(), y.unsigned_abs())
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
/// Power of numbers that are not negative, modulo 2^64.
pub(super) fn unsigned_pow_helper() -> Helper {
    Helper(unsigned_pow as *const () as usize)
}
/// Greatest common divisor.
pub(super) fn gcd_helper(signed: bool) -> Helper {
    Helper(if signed { signed_gcd as *const () as usize } else { unsigned_gcd as *const () as usize })
}
/// Least common multiple modulo 2^64.
pub(super) fn lcm_helper(signed: bool) -> Helper {
    Helper(if signed { signed_lcm as *const () as usize } else { unsigned_lcm as *const () as usize })
}
/// The exact remainder of truncating division.
pub(super) fn fmod_f32_helper() -> Helper {
    Helper(fmod_f32 as *const () as usize)
}
/// The exact remainder of truncating division.
pub(super) fn fmod_f64_helper() -> Helper {
    Helper(fmod_f64 as *const () as usize)
}

/// Copies `bytes` from a tile to its place in an output with stores that leave the cache alone; `fence` must follow before
/// another thread may look.
pub(super) fn stream_helper() -> Helper {
    Helper(stream as *const () as usize)
}

#[cfg(target_arch = "x86_64")]
extern "C" fn stream(target: *mut u8, tile: *const u8, bytes: usize) {
    // SAFETY: only compiled code calls this, with a tile that it has just written `bytes` of and the address where it would
    // otherwise have stored the same bytes, which the caller of the kernel has checked. AVX was checked for when the target
    // was made.
    unsafe { stream_avx(target, tile, bytes) }
}

/// # Safety
/// `tile` must be readable and `target` writable for `bytes` bytes, apart from each other; the CPU must have AVX.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
unsafe fn stream_avx(target: *mut u8, tile: *const u8, bytes: usize) {
    use std::arch::x86_64::{__m256i, _mm256_loadu_si256, _mm256_stream_si256};
    // Whole cache lines go around the cache; a line that is only partly ours must not.
    let head = target.align_offset(64).min(bytes);
    let lines = (bytes - head) / 64;
    // SAFETY: every offset is below `bytes`; the streaming stores are to multiples of 32 bytes.
    unsafe {
        std::ptr::copy_nonoverlapping(tile, target, head);
        for k in 0..lines {
            let at = head + 64 * k;
            let (low, high) = (tile.add(at).cast::<__m256i>(), tile.add(at + 32).cast::<__m256i>());
            let (x, y) = (_mm256_loadu_si256(low), _mm256_loadu_si256(high));
            _mm256_stream_si256(target.add(at).cast(), x);
            _mm256_stream_si256(target.add(at + 32).cast(), y);
        }
        let done = head + 64 * lines;
        std::ptr::copy_nonoverlapping(tile.add(done), target.add(done), bytes - done);
    }
}

#[cfg(not(target_arch = "x86_64"))]
extern "C" fn stream(target: *mut u8, tile: *const u8, bytes: usize) {
    // SAFETY: as for x86-64: the tile and the target hold `bytes` bytes and do not overlap.
    unsafe { std::ptr::copy_nonoverlapping(tile, target, bytes) }
}

/// Makes all streamed stores of this thread visible before any later store.
pub(crate) fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 CPU has this instruction, and it touches no memory.
    unsafe {
        std::arch::x86_64::_mm_sfence()
    }
}
