//! Views of the arrays of the `ndarray` crate.

use ndarray::{ArrayBase, ArrayView, ArrayViewMut, Data, DataMut, Dimension};

use super::{ArrayMut, ArrayRef};
use crate::dtype::Element;
use crate::error::Error;
use crate::layout::Layout;

/// The layout in bytes of an ndarray view of elements of `item` bytes.
///
/// ndarray's strides count elements, and its pointer is at the first logical element whatever their sign. Along axes of
/// extent 0 or 1, and everywhere in an empty array, a stride is never taken and may be anything; it becomes 0 here, so that
/// the products below are distances inside the array's allocation, which fit in an `isize`.
fn layout(shape: &[usize], strides: &[isize], item: usize) -> Layout {
    let empty = shape.contains(&0);
    let strides = shape.iter().zip(strides).map(|(&n, &s)| if empty || n <= 1 { 0 } else { s * item as isize }).collect();
    Layout { shape: shape.into(), strides }
}

impl<'a, T: Element, D: Dimension> From<ArrayView<'a, T, D>> for ArrayRef<'a> {
    fn from(x: ArrayView<'a, T, D>) -> Self {
        let layout = layout(x.shape(), x.strides(), size_of::<T>());
        // Invariant 1: an `ArrayView<'a>` vouches that the element at every index of its shape may be read during 'a, and
        // `layout` reaches just those addresses. Invariant 2: they lie in one allocation, whose size fits in an `isize`.
        ArrayRef { ptr: x.as_ptr().cast(), layout, dtype: T::DTYPE, swapped: false, borrow: std::marker::PhantomData }
    }
}

/// # Errors
/// If elide cannot see that no two indices reach the same element. Views that ndarray makes by safe means pass.
impl<'a, T: Element, D: Dimension> TryFrom<ArrayViewMut<'a, T, D>> for ArrayMut<'a> {
    type Error = Error;

    fn try_from(mut x: ArrayViewMut<'a, T, D>) -> Result<Self, Error> {
        let layout = layout(x.shape(), x.strides(), size_of::<T>());
        // SAFETY: an `ArrayViewMut<'a>` vouches that the element at every index of its shape may be written during 'a and
        // that nothing else reaches it; it is consumed here. `layout` reaches just those addresses.
        unsafe { ArrayMut::from_raw(x.as_mut_ptr().cast(), T::DTYPE, layout) }
    }
}

impl<'a, T: Element, S: Data<Elem = T>, D: Dimension> From<&'a ArrayBase<S, D>> for ArrayRef<'a> {
    fn from(x: &'a ArrayBase<S, D>) -> Self {
        x.view().into()
    }
}

/// # Errors
/// As for a mutable view.
impl<'a, T: Element, S: DataMut<Elem = T>, D: Dimension> TryFrom<&'a mut ArrayBase<S, D>> for ArrayMut<'a> {
    type Error = Error;

    fn try_from(x: &'a mut ArrayBase<S, D>) -> Result<Self, Error> {
        x.view_mut().try_into()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, ArrayView2, ShapeBuilder, s};

    use super::*;
    use crate::dtype::Scalar;

    fn agree(x: ArrayView2<'_, i32>) {
        let ours = ArrayRef::from(x);
        assert_eq!(ours.shape(), x.shape());
        for ((i, j), &want) in x.indexed_iter() {
            assert_eq!(ours.get(&[i, j]), Scalar::I32(want), "{i}, {j}");
        }
        ours.layout.byte_range(4).unwrap();
    }

    #[test]
    fn every_element_is_where_ndarray_has_it() {
        let a = Array2::from_shape_fn((5, 7), |(i, j)| (10 * i + j) as i32);
        agree(a.view());
        agree(a.t());
        agree(a.slice(s![..;-1, 1..;2]));
        agree(a.slice(s![4..5, ..;-3]));
        agree(a.slice(s![2..2, ..]));
        agree(a.row(2).broadcast((3, 7)).unwrap());
        agree(Array2::from_shape_vec((5, 7).f(), a.iter().copied().collect()).unwrap().view());
    }

    #[test]
    fn mutable_views_with_negative_and_wide_strides() {
        let mut a = Array2::<f64>::zeros((4, 6));
        let range = |v: ArrayViewMut<'_, f64, ndarray::Ix2>| {
            let v = ArrayMut::try_from(v).unwrap();
            v.layout.byte_range(8).unwrap()
        };
        assert_eq!(range(a.view_mut()), (0, 192));
        assert_eq!(range(a.slice_mut(s![..;-1, ..;2])), (-144, 40));
        assert_eq!(range(a.view_mut().reversed_axes()), (0, 192));
        assert_eq!(range(a.slice_mut(s![1..1, ..])), (0, 0));
    }
}
