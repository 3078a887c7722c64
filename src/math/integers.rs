//! Functions of integers that take as many steps as their operands ask for: compiled code calls them, one element at a time.

/// Integer power modulo 2^64, by squaring. A negative exponent gives the reciprocal rounded toward zero, and 0 for base 0.
pub(crate) fn int_pow(base: i64, exponent: i64) -> i64 {
    if exponent < 0 {
        return match base {
            1 => 1,
            -1 if exponent % 2 == 0 => 1,
            -1 => -1,
            _ => 0,
        };
    }
    unsigned_pow(base as u64, exponent as u64) as i64
}

/// Power modulo 2^64, by squaring.
pub(crate) fn unsigned_pow(base: u64, exponent: u64) -> u64 {
    let (mut result, mut square, mut rest) = (1u64, base, exponent);
    while rest > 0 {
        if rest & 1 == 1 {
            result = result.wrapping_mul(square);
        }
        square = square.wrapping_mul(square);
        rest >>= 1;
    }
    result
}

/// Greatest common divisor by Stein's method (1967), of which a step is a subtraction and a shift, where Euclid's divides; that of 0
/// and x is x.
pub(crate) fn gcd(x: u64, y: u64) -> u64 {
    if x == 0 || y == 0 {
        return x | y;
    }
    let twos = (x | y).trailing_zeros();
    let (mut x, mut y) = (x >> x.trailing_zeros(), y >> y.trailing_zeros());
    // Both are odd, so that their difference is even.
    while x != y {
        let difference = x.abs_diff(y);
        x = x.min(y);
        y = difference >> difference.trailing_zeros();
    }
    x << twos
}

/// Least common multiple modulo 2^64; 0 where either is 0.
pub(crate) fn lcm(x: u64, y: u64) -> u64 {
    match gcd(x, y) {
        0 => 0,
        divisor => (x / divisor).wrapping_mul(y),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By Euclid's method.
    fn by_division(x: u64, y: u64) -> u64 {
        if y == 0 { x } else { by_division(y, x % y) }
    }

    #[test]
    fn divisors_and_multiples() {
        let mut numbers: Vec<u64> =
            (0..50).chain([1 << 63, u64::MAX, u64::MAX - 1, 1 << 40, 3 << 61, 12_200_160_415_121_876_738]).collect();
        numbers.extend((1..60).map(|k| 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(k * k) >> (k % 50)));
        for &x in &numbers {
            for &y in &numbers {
                let divisor = by_division(x, y);
                assert_eq!(gcd(x, y), divisor, "{x} and {y}");
                let multiple = x.checked_div(divisor).map_or(0, |q| u128::from(q) * u128::from(y));
                assert_eq!(lcm(x, y), multiple as u64, "{x} and {y}");
            }
        }
    }
}
