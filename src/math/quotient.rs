//! Quotients with the bits of the division, from a reciprocal that many of them share: a division is as long as eight other operations.
//!
//! With `r = 1 / y` rounded, `q = x r` rounded, `e = x - q y` and the result `q + e r`, both fused (P. Markstein, *Computation of
//! elementary functions on the IBM RISC System/6000 processor*, 1990; Brisebarre, Muller and Raina, *Accelerating correctly rounded
//! floating-point division when the divisor is known in advance*, 2004). That this is `x / y` rounded, for a significand of p bits:
//!
//! - Let x and y be at least 1 and below 2, and u the last place of x / y. Then `r` is off by at most 2^-(p + 1), x r by less than a place, and `q`
//!   by less than 1.5.
//! - No quotient is half way between two numbers; it is at least 2^-2p / y from there. So a result that is right but for less than that rounds alike.
//! - Where x / y is within 2^-(2p - 2) of half way, `q` is one of its two neighbours. (A third would take an error of x r of one place but
//!   for as little, which x and y within a few places of 2 alone have; their quotients are close to numbers, not between them.) Then `e` is
//!   half a place times y, so it is exact, and `e r` is off by 2^-(2p + 2) y, which is less than 2^-2p / y.
//! - Elsewhere `e` is exact or off by 2^-(2p - 1), and `e r` by less than 2^-(2p - 2) in all.
//!
//! This holds as long as nothing underflows or overflows. Zeros of x take the sign of `q`. An `x` that is larger makes `q` infinite and the
//! result NaN, unless `q + e r` overflows alone, as the quotient then does.

use super::Emit;
use crate::dtype::{DType, Scalar};
use crate::ops::BinaryOp;

fn power(d: DType, n: i32) -> Scalar {
    Scalar::F64(2f64.powi(n)).cast(d)
}

/// The least magnitude of an `x` for which no digit of `e` underflows: 2 p places above the least number of all.
pub(crate) fn tiny(d: DType) -> Scalar {
    power(d, if d == DType::F32 { -100 } else { -967 })
}

/// Factors by which a divisor and its reciprocal overflow where they are too large: 2^25 or 2^54, by which something [`tiny`] has no normal quotient;
/// and so much that the divisor is subnormal, or 0.
pub(crate) fn bounds(d: DType) -> [Scalar; 2] {
    if d == DType::F32 { [power(d, 103), power(d, 2)] } else { [power(d, 970), power(d, 2)] }
}

/// `1 / y`, or NaN where `y` is out of range: then results are NaN, for which there is the division.
pub(crate) fn reciprocal<E: Emit>(e: &mut E, y: E::Value) -> E::Value {
    let d = e.dtype(y);
    let [most, least] = bounds(d).map(|s| e.constant(s));
    let (one, zero) = (e.constant(Scalar::one(d)), e.constant(Scalar::zero(d)));
    let inverse = e.binary(BinaryOp::Div, one, y);
    // Infinity times zero is NaN.
    let (large, small) = (e.binary(BinaryOp::Mul, y, most), e.binary(BinaryOp::Mul, inverse, least));
    let inverse = e.fma(large, zero, inverse);
    e.fma(small, zero, inverse)
}

#[cfg(test)]
mod tests {
    /// The proof, for numbers of so few digits that all can be tried, computed in `f64`, where nothing of it is rounded.
    #[test]
    fn every_quotient_of_few_digits_is_right() {
        for p in 2..=11 {
            let round = |x: f64| match x {
                0.0 => x,
                x => {
                    let place = 2f64.powi(x.abs().log2().floor() as i32 - (p - 1));
                    (x / place).round_ties_even() * place
                }
            };
            let all = || (1 << (p - 1)..1 << p).map(|n| n as f64);
            for y in all() {
                let r = round(1.0 / y);
                for x in all() {
                    let q = round(x * r);
                    let e = round(x - q * y);
                    assert_eq!(round(q + e * r), round(x / y), "{x} / {y}, {p} digits");
                }
            }
        }
    }
}
