//! The check that outputs share memory with nothing but what they update, and inputs that are given away with nothing.
//!
//! Rust's borrows see to it where arrays come from safe code. Views of memory that is described by hand may be wrong, and the
//! results would be, silently: the scheduler reorders reads and writes of different arrays as it likes.

use super::Kernel;
use super::call::Slot;
use crate::error::{Error, ErrorKind, Result};
use crate::overlap::{Placed, share_a_byte};

/// Where the arrays of one set of layouts may lie.
pub(super) struct Apart {
    /// The bytes of each array, from its address. Inputs that are updated have none: they are compared as outputs.
    ranges: Vec<(isize, isize)>,
}

impl Apart {
    /// # Errors
    /// If a layout has no byte range.
    pub fn new(kernel: &Kernel, slots: &[Slot]) -> Result<Apart> {
        let specs = kernel.inputs().iter().chain(kernel.outputs());
        let ranges = specs.zip(slots).map(|(spec, slot)| slot.layout.byte_range(spec.dtype.size()));
        let mut ranges = ranges.collect::<Result<Vec<_>>>()?;
        for updated in kernel.0.graph.outputs().iter().filter_map(|o| o.in_place) {
            ranges[updated as usize] = (0, 0);
        }
        Ok(Apart { ranges })
    }

    /// Checks the arrays where they lie now. Allocates nothing.
    ///
    /// # Errors
    /// If an output, or an input that is given away, shares memory with another array.
    pub fn check(&self, kernel: &Kernel, slots: &[Slot]) -> Result<()> {
        let count = kernel.inputs().len();
        let range = |k: usize| {
            let (low, high) = self.ranges[k];
            (slots[k].address as i128 + low as i128, slots[k].address as i128 + high as i128)
        };
        let meet = |a: usize, b: usize| {
            let ((low, high), (first, end)) = (range(a), range(b));
            // An empty range inside of another shares nothing with it.
            first < high && low < end && first < end && low < high && share(kernel, slots, a, b)
        };
        for (k, output) in kernel.0.graph.outputs().iter().enumerate() {
            for other in 0..count + k {
                if meet(count + k, other) {
                    let text = format!("output `{}` shares memory with {}", output.name, describe(kernel, other));
                    let error = Error::new(ErrorKind::Bind, text);
                    return Err(error.help("an output may only share memory with the input that it updates: see `KernelBuilder::update`"));
                }
            }
        }
        for (k, input) in kernel.0.graph.inputs().iter().enumerate().filter(|(_, i)| i.given_away) {
            // Outputs have been compared with it.
            if let Some(other) = (0..count).find(|&other| other != k && meet(k, other)) {
                let text = format!("input `{}`, which is given away, shares memory with {}", input.name, describe(kernel, other));
                return Err(Error::new(ErrorKind::Bind, text).help("the kernel may overwrite it: give it memory of its own"));
            }
        }
        Ok(())
    }
}

fn share(kernel: &Kernel, slots: &[Slot], a: usize, b: usize) -> bool {
    let item = |k: usize| match k.checked_sub(kernel.inputs().len()) {
        None => kernel.inputs()[k].dtype.size(),
        Some(k) => kernel.outputs()[k].dtype.size(),
    };
    let placed = |k: usize| Placed { address: slots[k].address, layout: &slots[k].layout, item: item(k) };
    share_a_byte(placed(a), placed(b))
}

fn describe(kernel: &Kernel, k: usize) -> String {
    let Some(input) = kernel.0.graph.inputs().get(k) else {
        return format!("output `{}`", kernel.outputs()[k - kernel.inputs().len()].name());
    };
    match (input.data, input.site) {
        (None, _) => format!("input `{}`", input.name),
        (Some(_), Some(site)) => format!("the data borrowed at {site}"),
        (Some(_), None) => "borrowed data".into(),
    }
}
