//! Arrays in memory: results, and inputs that are made up.

use elide::{ArrayMut, ArrayRef, DType, Scalar};
use memmap2::MmapMut;

use crate::failure::Failure;
use crate::random::SplitMix64;

/// An array in C order and in this machine's byte order, whose element type is known at run time only.
#[derive(Debug)]
pub struct Buffer {
    dtype: DType,
    shape: Vec<usize>,
    /// Zeros from the system, at the start of a page: vectors of aligned arrays do not cross cache lines.
    memory: MmapMut,
    /// How many bytes of them are elements.
    size: usize,
}

/// Large arrays lie on huge pages, where the system has them.
#[cfg(target_os = "linux")]
const HUGE: usize = 1 << 22;

impl Buffer {
    /// Zeros; `name` is for the message that there is not enough memory.
    pub fn zeros(name: &str, dtype: DType, shape: &[usize]) -> Result<Buffer, Failure> {
        let too_large = || Failure::Failed(format!("{name}: {dtype} of shape {shape:?} does not fit in memory"));
        let size = match shape.contains(&0) {
            true => 0,
            false => shape.iter().try_fold(dtype.size(), |a, &n| a.checked_mul(n)).ok_or_else(too_large)?,
        };
        // A mapping has no more bytes than addresses differ by, and at least one.
        let memory = isize::try_from(size.max(1)).ok().and_then(|size| MmapMut::map_anon(size as usize).ok()).ok_or_else(too_large)?;
        #[cfg(target_os = "linux")]
        if size >= HUGE {
            // Without huge pages ordinary ones do.
            let _ = memory.advise(memmap2::Advice::HugePage);
        }
        Ok(Buffer { dtype, shape: shape.to_vec(), memory, size })
    }

    #[cfg(test)]
    pub fn from_parts(dtype: DType, shape: &[usize], bytes: Vec<u8>) -> Buffer {
        let mut buffer = Buffer::zeros("test", dtype, shape).expect("memory");
        buffer.copy_from(&bytes);
        buffer
    }

    /// Leaves the first elements, of an array of one axis.
    pub fn truncate(&mut self, count: usize) {
        self.size = self.size.min(count * self.dtype.size());
        self.shape = vec![count];
    }

    /// Takes the elements of another array of this type and shape, as they lie in C order.
    pub fn copy_from(&mut self, bytes: &[u8]) {
        self.memory[..self.size].copy_from_slice(bytes);
    }

    /// Fills the array, in C order, with values of its type.
    pub fn fill(&mut self, mut value: impl FnMut() -> Scalar) {
        for element in self.memory[..self.size].chunks_exact_mut(self.dtype.size()) {
            value().write_ne_bytes(element);
        }
    }

    /// Fills the array with the values that [`SplitMix64::scalar`] gives from this seed.
    pub fn randomize(&mut self, seed: u64) {
        let (mut random, dtype) = (SplitMix64::new(seed), self.dtype);
        self.fill(|| random.scalar(dtype));
    }

    pub fn dtype(&self) -> DType {
        self.dtype
    }

    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub fn bytes(&self) -> &[u8] {
        &self.memory[..self.size]
    }

    /// The element at a position in C order.
    pub fn at(&self, position: usize) -> Scalar {
        Scalar::from_ne_bytes(self.dtype, &self.bytes()[position * self.dtype.size()..])
    }

    /// The elements in C order.
    pub fn scalars(&self) -> impl ExactSizeIterator<Item = Scalar> {
        self.bytes().chunks_exact(self.dtype.size()).map(|bytes| Scalar::from_ne_bytes(self.dtype, bytes))
    }

    pub fn view(&self) -> elide::Result<ArrayRef<'_>> {
        ArrayRef::from_bytes(self.bytes(), self.dtype, &self.shape, false, false)
    }

    pub fn view_mut(&mut self) -> elide::Result<ArrayMut<'_>> {
        ArrayMut::from_bytes(&mut self.memory[..self.size], self.dtype, &self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_an_error() {
        for shape in [&[usize::MAX, 2][..], &[1 << 60]] {
            let failure = Buffer::zeros("y", DType::F64, shape).unwrap_err();
            assert_eq!(failure.to_string(), format!("y: f64 of shape {shape:?} does not fit in memory"));
        }
        assert_eq!(Buffer::zeros("y", DType::F64, &[usize::MAX, 0]).unwrap().bytes().len(), 0);
    }
}
