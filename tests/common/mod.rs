//! What the integration tests share beyond `elide::testing`: memory that faults when code strays from it.
#![allow(dead_code, reason = "each test uses a part")]

pub mod guard;

use elide::testing::{Place, Tensor};
use elide::{ArrayRef, DType, Layout};
use guard::{Guarded, Side};

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
            return ArrayRef::from_bytes(self.memory.as_slice(), self.dtype, &self.shape, false, true).expect("a place holds its tensor");
        }
        let layout = Layout { shape: self.shape[..].into(), strides: self.place.strides[..].into() };
        let first = self.memory.as_slice()[self.place.first..].as_ptr();
        // SAFETY: `place.store` wrote every element of this layout through a slice of this memory (it would have panicked
        // outside), the memory lives as long as the borrow of `self`, and nothing writes to it meanwhile.
        unsafe { ArrayRef::from_raw(first, self.dtype, layout) }.expect("a place fits in memory")
    }
}
