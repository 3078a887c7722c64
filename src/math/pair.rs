//! Numbers as unevaluated sums of two, for what one rounding too many would spoil (Dekker 1971, Knuth).

use super::Emit;
use super::arith::Num;

/// A number and what its rounding left.
pub(super) struct Pair<'s, 'e, E: Emit> {
    pub(super) high: Num<'s, 'e, E>,
    pub(super) low: Num<'s, 'e, E>,
}

impl<E: Emit> Clone for Pair<'_, '_, E> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<E: Emit> Copy for Pair<'_, '_, E> {}

impl<'s, 'e, E: Emit> Pair<'s, 'e, E> {
    /// x + y exactly, where |x| >= |y| or x = 0.
    pub(super) fn ordered_sum(x: Num<'s, 'e, E>, y: Num<'s, 'e, E>) -> Self {
        let high = x + y;
        Pair { high, low: (x - high) + y }
    }

    /// x + y exactly, in either order.
    pub(super) fn sum(x: Num<'s, 'e, E>, y: Num<'s, 'e, E>) -> Self {
        let high = x + y;
        let of_y = high - x;
        Pair { high, low: (x - (high - of_y)) + (y - of_y) }
    }

    /// x * y exactly.
    pub(super) fn product(x: Num<'s, 'e, E>, y: Num<'s, 'e, E>) -> Self {
        let high = x * y;
        Pair { high, low: x.fma(y, high.minus()) }
    }

    /// x * y + z, where |z| >= |x * y| or z = 0, but for the error of a rounding of `low`.
    pub(super) fn product_added(x: Num<'s, 'e, E>, y: Num<'s, 'e, E>, z: Num<'s, 'e, E>) -> Self {
        let high = x.fma(y, z);
        Pair { high, low: x.fma(y, z - high) }
    }

    /// With more in the second number.
    pub(super) fn plus(self, low: Num<'s, 'e, E>) -> Self {
        Pair { low: self.low + low, ..self }
    }

    /// Rounded to one number.
    pub(super) fn rounded(self) -> Num<'s, 'e, E> {
        self.high + self.low
    }

    /// The product but for a few units of the second number's last place.
    pub(super) fn times(self, factor: Self) -> Self {
        let product = Pair::product(self.high, factor.high);
        product.plus(self.high.fma(factor.low, self.low * factor.high))
    }

    /// The quotient but for a few units of the second number's last place.
    pub(super) fn over(self, divisor: Self) -> Self {
        let high = self.high / divisor.high;
        let rest = high.minus().fma(divisor.high, self.high) + high.minus().fma(divisor.low, self.low);
        Pair { high, low: rest / divisor.high }
    }

    /// The square root of a positive number, as good as `over`.
    pub(super) fn sqrt(self) -> Self {
        let high = self.high.sqrt();
        let rest = high.minus().fma(high, self.high) + self.low;
        Pair { high, low: rest / (high + high) }
    }
}
