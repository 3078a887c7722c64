//! Where a tensor's elements lie in memory.

use crate::dtype::{DType, Scalar};
use crate::interp::Tensor;
use crate::testing::Rng;

/// A layout inside a buffer of `bytes` bytes, whose first and last byte belong to elements (so that guard pages on both
/// sides leave no slack), except for the padding of an unaligned one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Bytes from one element to the next along each axis.
    pub strides: Vec<isize>,
    /// The position in the buffer of the element with index 0.
    pub first: usize,
    /// The size of the buffer.
    pub bytes: usize,
    /// The bytes of each element are in the order that this machine does not use. C order only.
    pub swapped: bool,
}

impl Place {
    /// C order without gaps.
    pub fn c_order(dtype: DType, shape: &[usize]) -> Place {
        Place::nested(dtype, shape, &(0..shape.len()).rev().collect::<Vec<_>>(), &mut |_| (0, 1))
    }

    /// Any layout: C or Fortran order, permuted axes, gaps, records of odd size, reversed and repeated axes, unaligned, or with
    /// swapped bytes.
    ///
    /// An axis that is repeated (stride 0) has equal elements: `value` is changed to make it so.
    pub fn random(rng: &mut Rng, value: &mut Tensor) -> Place {
        let (dtype, shape) = (value.dtype, value.shape.clone());
        let rank = shape.len();
        let mut order: Vec<usize> = (0..rank).rev().collect();
        let kind = rng.below(8);
        match kind {
            0 | 1 => {}
            2 => order.reverse(),
            _ => (1..rank).for_each(|k| order.swap(k, rng.below(k + 1))),
        }
        let mut place = Place::nested(dtype, &shape, &order, &mut |_| match kind {
            3 => (0, 1 + rng.below(3)),
            4 => (1, 1),
            _ => (0, 1),
        });
        match kind {
            1 => place.swapped = dtype.size() > 1,
            5 => place.reverse(&shape, rng),
            6 => repeat(value, &mut place, rng),
            7 => {
                place.first += 1;
                place.bytes += 1;
            }
            _ => {}
        }
        place
    }

    /// A layout to write to, in which no two elements share a byte: in any order, with gaps, reversed or unaligned.
    pub fn random_output(rng: &mut Rng, dtype: DType, shape: &[usize]) -> Place {
        let mut order: Vec<usize> = (0..shape.len()).rev().collect();
        let kind = rng.below(6);
        match kind {
            0 | 1 => {}
            2 => order.reverse(),
            _ => (1..shape.len()).for_each(|k| order.swap(k, rng.below(k + 1))),
        }
        let mut place = Place::nested(dtype, shape, &order, &mut |_| match kind {
            3 => (0, 1 + rng.below(3)),
            4 => (1, 1),
            _ => (0, 1),
        });
        if kind == 5 {
            place.reverse(shape, rng);
            place.first += 1;
            place.bytes += 1;
        }
        place
    }

    /// Whether it may be bound as memory to write to: no two elements share a byte, and the bytes are in this machine's order.
    pub fn may_be_written(&self) -> bool {
        !self.swapped && !self.strides.contains(&0)
    }

    /// Which bytes of the buffer belong to elements.
    pub fn covers(&self, dtype: DType, shape: &[usize]) -> Vec<bool> {
        let mut covered = vec![false; self.bytes];
        self.for_each(shape, |_, at| covered[at..at + dtype.size()].fill(true));
        covered
    }

    /// Axes nested in `order`, innermost first. `gap` gives for each axis the bytes after each element and the factor on its
    /// stride.
    fn nested(dtype: DType, shape: &[usize], order: &[usize], gap: &mut dyn FnMut(usize) -> (usize, usize)) -> Place {
        let mut strides = vec![0; shape.len()];
        let mut inside = dtype.size();
        let mut reach = dtype.size();
        for &axis in order {
            let (pad, factor) = gap(axis);
            let stride = (inside + pad) * factor;
            strides[axis] = stride as isize;
            reach += stride * shape[axis].saturating_sub(1);
            inside = stride * shape[axis].max(1);
        }
        Place { strides, first: 0, bytes: if shape.contains(&0) { 0 } else { reach }, swapped: false }
    }

    fn reverse(&mut self, shape: &[usize], rng: &mut Rng) {
        for (k, &n) in shape.iter().enumerate() {
            if rng.one_in(2) && !shape.contains(&0) {
                self.first = self.first.wrapping_add_signed(self.strides[k] * (n as isize - 1));
                self.strides[k] = -self.strides[k];
            }
        }
    }

    /// Writes the elements of `value` to a buffer of `self.bytes` bytes.
    ///
    /// # Panics
    /// If the buffer has another size, or if `value` has another shape than this place was made for.
    pub fn store(&self, value: &Tensor, buffer: &mut [u8]) {
        assert_eq!(buffer.len(), self.bytes, "a buffer of the place's own size");
        let item = value.dtype.size();
        self.for_each(&value.shape, |k, at| {
            let bytes = &mut buffer[at..at + item];
            value.data[k].write_ne_bytes(bytes);
            if self.swapped {
                bytes.reverse();
            }
        });
    }

    /// Reads the elements back.
    ///
    /// # Panics
    /// If the buffer has another size than `self.bytes`.
    pub fn load(&self, dtype: DType, shape: &[usize], buffer: &[u8]) -> Tensor {
        assert_eq!(buffer.len(), self.bytes, "a buffer of the place's own size");
        let mut data = Vec::new();
        self.for_each(shape, |_, at| {
            let mut bytes = buffer[at..at + dtype.size()].to_vec();
            if self.swapped {
                bytes.reverse();
            }
            data.push(Scalar::from_ne_bytes(dtype, &bytes));
        });
        Tensor { dtype, shape: shape.to_vec(), data }
    }

    /// Calls `f` with the number in C order and the byte position of every element.
    fn for_each(&self, shape: &[usize], mut f: impl FnMut(usize, usize)) {
        assert_eq!(shape.len(), self.strides.len(), "a shape of the place's own rank");
        for k in 0..shape.iter().product() {
            let (mut rest, mut at) = (k, self.first as isize);
            for (n, stride) in shape.iter().zip(&self.strides).rev() {
                at += (rest % n) as isize * stride;
                rest /= n;
            }
            f(k, at as usize);
        }
    }
}

/// Makes some axes repeat their first element.
fn repeat(value: &mut Tensor, place: &mut Place, rng: &mut Rng) {
    let shape = value.shape.clone();
    let repeated: Vec<bool> = shape.iter().map(|_| rng.one_in(2)).collect();
    let kept: Vec<usize> = shape.iter().zip(&repeated).map(|(&n, &r)| if r { n.min(1) } else { n }).collect();
    let order: Vec<usize> = (0..shape.len()).rev().collect();
    *place = Place::nested(value.dtype, &kept, &order, &mut |_| (0, 1));
    place.strides.iter_mut().zip(&repeated).filter(|(_, r)| **r).for_each(|(s, _)| *s = 0);
    let from = value.data.clone();
    for (k, slot) in value.data.iter_mut().enumerate() {
        let (mut rest, mut source, mut step) = (k, 0, 1);
        for (n, r) in shape.iter().zip(&repeated).rev() {
            source += if *r { 0 } else { rest % n * step };
            rest /= n;
            step *= n;
        }
        *slot = from[source];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::random_scalar;

    #[test]
    fn every_place_holds_its_tensor_and_touches_both_ends() {
        let mut rng = Rng::new(1);
        let mut kinds = std::collections::BTreeSet::new();
        for _ in 0..3000 {
            let dtype = *rng.pick(DType::REAL);
            let shape: Vec<usize> = (0..rng.below(4)).map(|_| rng.below(5)).collect();
            let data = (0..shape.iter().product()).map(|_| random_scalar(&mut rng, dtype)).collect();
            let mut value = Tensor::new(dtype, &shape, data).unwrap();
            let place = Place::random(&mut rng, &mut value);
            let mut buffer = vec![0; place.bytes];
            place.store(&value, &mut buffer);
            assert_eq!(place.load(dtype, &shape, &buffer), value, "{place:?}");
            if !value.data.is_empty() {
                let mut touched = vec![];
                place.for_each(&shape, |_, at| touched.push(at));
                let (low, high) = (touched.iter().min().unwrap(), touched.iter().max().unwrap() + dtype.size());
                assert!(*low <= 1 && high == place.bytes, "{place:?} touches {low}..{high}");
            }
            kinds.insert((place.swapped, place.strides.iter().any(|&s| s < 0), place.strides.contains(&0)));
        }
        assert_eq!(kinds.len(), 4, "plain, swapped, reversed and repeated places: {kinds:?}");
    }
}
