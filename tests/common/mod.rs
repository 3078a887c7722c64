//! What the integration tests share beyond `elide::testing`: memory that faults when code strays from it.
#![allow(dead_code, reason = "each test uses a part")]

pub mod guard;
pub mod in_place;
pub mod kernels;
pub mod seeds;
pub mod suite;

use elide::testing::{Place, Tensor};
use elide::{ArrayMut, ArrayRef, DType, Layout};
use guard::{Guarded, Side};

/// What memory holds before anything is written to it.
const UNTOUCHED: u8 = 0xa5;

/// A tensor in memory next to an unmapped page.
pub struct Placed {
    memory: Guarded,
    place: Place,
    dtype: DType,
    shape: Vec<usize>,
}

impl Placed {
    /// `value` laid out as `place` says.
    pub fn new(value: &Tensor, place: &Place, side: Side) -> Placed {
        let mut memory = Guarded::new(place.bytes, side);
        place.store(value, memory.as_mut_slice());
        Placed { memory, place: place.clone(), dtype: value.dtype, shape: value.shape.clone() }
    }

    /// The memory as an array.
    pub fn view(&self) -> ArrayRef<'_> {
        if self.place.swapped {
            // The only layout with swapped bytes is C order.
            return ArrayRef::from_bytes(self.memory.as_slice(), self.dtype, &self.shape, false, true).expect("a place holds its tensor");
        }
        let layout = Layout { shape: self.shape[..].into(), strides: self.place.strides[..].into() };
        let first = self.memory.as_slice()[self.place.first..].as_ptr();
        // SAFETY: `place.store` wrote every element of this layout through a slice of this memory (it would have panicked
        // outside), the memory lives as long as the borrow of `self`, and nothing writes to it meanwhile.
        unsafe { ArrayRef::from_raw(first, self.dtype, layout) }.expect("a place fits in memory")
    }

    /// The memory as an array to be updated.
    pub fn view_mut(&mut self) -> ArrayMut<'_> {
        let layout = Layout { shape: self.shape[..].into(), strides: self.place.strides[..].into() };
        let first = self.memory.as_mut_slice()[self.place.first..].as_mut_ptr();
        // SAFETY: as in `view`, and the borrow of `self` is unique. That elements do not overlap is checked by `from_raw`.
        unsafe { ArrayMut::from_raw(first, self.dtype, layout) }.expect("a place to write to")
    }

    /// What is there now.
    ///
    /// # Panics
    /// If a byte between the elements was written.
    pub fn read(&self) -> Tensor {
        let covered = self.place.covers(self.dtype, &self.shape);
        let strayed = self.memory.as_slice().iter().zip(covered).position(|(&b, inside)| !inside && b != 0);
        assert_eq!(strayed, None, "a byte between the elements of {:?}{:?} was written", self.shape, self.place);
        self.place.load(self.dtype, &self.shape, self.memory.as_slice())
    }
}

/// Memory for a result next to an unmapped page.
pub struct Room {
    memory: Guarded,
    place: Place,
    dtype: DType,
    shape: Vec<usize>,
}

impl Room {
    /// Room for a tensor like `value`.
    pub fn new(value: &Tensor, place: Place, side: Side) -> Room {
        let mut memory = Guarded::new(place.bytes, side);
        memory.as_mut_slice().fill(UNTOUCHED);
        Room { memory, place, dtype: value.dtype, shape: value.shape.clone() }
    }

    /// The memory as an array to write.
    pub fn view(&mut self) -> ArrayMut<'_> {
        let layout = Layout { shape: self.shape[..].into(), strides: self.place.strides[..].into() };
        let first = self.memory.as_mut_slice()[self.place.first..].as_mut_ptr();
        // SAFETY: a place reaches `place.bytes` bytes, which is the size of this memory; it lives as long as the unique borrow of
        // `self`. That elements do not overlap is checked by `from_raw`.
        unsafe { ArrayMut::from_raw(first, self.dtype, layout) }.expect("a place to write to")
    }

    /// What was written.
    ///
    /// # Panics
    /// If a byte between the elements was written.
    pub fn read(&self) -> Tensor {
        let covered = self.place.covers(self.dtype, &self.shape);
        let strayed = self.memory.as_slice().iter().zip(covered).position(|(&b, inside)| !inside && b != UNTOUCHED);
        assert_eq!(strayed, None, "a byte between the elements of {:?}{:?} was written", self.shape, self.place);
        self.place.load(self.dtype, &self.shape, self.memory.as_slice())
    }
}
