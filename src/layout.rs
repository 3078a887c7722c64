//! Concrete layouts: the shape and byte strides of memory that a caller hands over.

use smallvec::SmallVec;

use crate::error::{Result, bail};

/// Extents and byte strides, axis by axis, relative to the address of the first element.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Layout {
    /// Elements along each axis.
    pub shape: SmallVec<[usize; 4]>,
    /// Bytes from one element to the next along each axis; may be zero or negative.
    pub strides: SmallVec<[isize; 4]>,
}

impl Layout {
    /// C order without gaps.
    pub fn contiguous(shape: &[usize], item: usize) -> Layout {
        let mut strides: SmallVec<[isize; 4]> = SmallVec::from_elem(item as isize, shape.len());
        for k in (1..shape.len()).rev() {
            strides[k - 1] = strides[k].saturating_mul(shape[k] as isize);
        }
        Layout { shape: shape.into(), strides }
    }

    /// Fortran order without gaps.
    pub fn fortran(shape: &[usize], item: usize) -> Layout {
        let reversed: Vec<usize> = shape.iter().rev().copied().collect();
        let mut strides = Layout::contiguous(&reversed, item).strides;
        strides.reverse();
        Layout { shape: shape.into(), strides }
    }

    /// These elements, each as `count` of them along a last axis, so many bytes apart.
    pub(crate) fn with_last_axis(&self, count: usize, stride: isize) -> Layout {
        let mut layout = self.clone();
        layout.shape.push(count);
        layout.strides.push(stride);
        layout
    }

    /// The number of elements, or `None` if it overflows.
    pub fn size(&self) -> Option<usize> {
        if self.shape.contains(&0) {
            return Some(0);
        }
        self.shape.iter().try_fold(1usize, |a, &b| a.checked_mul(b))
    }

    /// The bytes that the elements of `item` bytes touch, as offsets from the first element: `[low, high)`.
    /// `(0, 0)` where there are no elements.
    ///
    /// # Errors
    /// If an offset does not fit in an `isize`.
    pub fn byte_range(&self, item: usize) -> Result<(isize, isize)> {
        if self.shape.len() != self.strides.len() {
            bail!(Layout, "{} extents but {} strides", self.shape.len(), self.strides.len());
        }
        if self.shape.iter().any(|&n| isize::try_from(n).is_err()) {
            // Also where another extent is 0: sizes are signed from here on.
            bail!(Layout, "an extent of {:?} does not fit in the address space", self.shape);
        }
        if self.shape.contains(&0) {
            return Ok((0, 0));
        }
        let (mut low, mut high) = (0isize, item as isize);
        for (&n, &stride) in self.shape.iter().zip(&self.strides) {
            let reach = isize::try_from(n - 1).ok().and_then(|n| n.checked_mul(stride));
            let end = reach.map(|r| if r < 0 { (low.checked_add(r), Some(high)) } else { (Some(low), high.checked_add(r)) });
            match end {
                Some((Some(l), Some(h))) => (low, high) = (l, h),
                _ => bail!(Layout, "an array of shape {:?} with strides {:?} does not fit in the address space", self.shape, self.strides),
            }
        }
        Ok((low, high))
    }

    /// True if no two indices can reach the same byte: sorted by stride, each axis steps over all that is inside it.
    ///
    /// This is sufficient, not necessary: exotic layouts whose elements interleave without meeting are refused.
    pub fn is_injective(&self, item: usize) -> bool {
        if self.shape.contains(&0) {
            return true;
        }
        let mut axes: SmallVec<[(usize, usize); 4]> =
            self.shape.iter().zip(&self.strides).filter(|(n, _)| **n > 1).map(|(&n, &s)| (s.unsigned_abs(), n)).collect();
        axes.sort();
        let mut inside = item;
        for (stride, n) in axes {
            if stride < inside {
                return false;
            }
            let Some(reach) = stride.checked_mul(n - 1).and_then(|r| r.checked_add(inside)) else { return false };
            inside = reach;
        }
        true
    }

    /// True if the elements lie in C order without gaps; strides of axes of extent 1 do not matter.
    pub fn is_contiguous(&self, item: usize) -> bool {
        let want = Layout::contiguous(&self.shape, item);
        self.shape.contains(&0) || (0..self.shape.len()).all(|k| self.shape[k] == 1 || self.strides[k] == want.strides[k])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(shape: &[usize], strides: &[isize]) -> Layout {
        Layout { shape: shape.into(), strides: strides.into() }
    }

    #[test]
    fn byte_ranges_of_every_sign() {
        assert_eq!(layout(&[3, 4], &[32, 8]).byte_range(8).unwrap(), (0, 96));
        assert_eq!(layout(&[3, 4], &[32, -8]).byte_range(8).unwrap(), (-24, 72));
        assert_eq!(layout(&[3, 0], &[isize::MAX, 8]).byte_range(8).unwrap(), (0, 0));
        assert_eq!(layout(&[1 << 40], &[0]).byte_range(8).unwrap(), (0, 8));
        assert!(layout(&[3, 3], &[isize::MAX / 2, isize::MAX / 2]).byte_range(8).is_err());
        assert!(layout(&[usize::MAX], &[1]).byte_range(1).is_err());
    }

    #[test]
    fn injective_layouts() {
        assert!(layout(&[3, 4], &[32, 8]).is_injective(8));
        assert!(layout(&[3, 4], &[8, 24]).is_injective(8));
        assert!(layout(&[3, 4], &[-32, 8]).is_injective(8));
        assert!(!layout(&[3, 4], &[0, 8]).is_injective(8));
        assert!(!layout(&[3, 4], &[16, 8]).is_injective(8));
        assert!(!layout(&[3], &[4]).is_injective(8));
        assert!(layout(&[1, 4], &[0, 8]).is_injective(8));
    }
}
