//! Strided views over the caller's memory, and a thin owned array.
//!
//! This is one of the three places with `unsafe`: it turns borrowed memory into an address with a layout, and vouches that
//! every element the layout reaches may be read (written) for as long as the borrow lasts.
#![allow(unsafe_code)]

#[cfg(feature = "ndarray")]
mod interop;

use std::marker::PhantomData;

use crate::dtype::{DType, Element, Scalar};
use crate::error::{Result, bail};
use crate::layout::Layout;

/// Memory to read: an address, a layout, an element type and a byte order, borrowed for `'a`.
///
/// # Invariants
/// 1. For every index inside `layout.shape`, the `dtype.size()` bytes at that index may be read during `'a`.
/// 2. `layout.byte_range` succeeds.
#[derive(Clone, Debug)]
pub struct ArrayRef<'a> {
    pub(crate) ptr: *const u8,
    pub(crate) layout: Layout,
    pub(crate) dtype: DType,
    /// The bytes of each element are in the order that this machine does not use.
    pub(crate) swapped: bool,
    borrow: PhantomData<&'a [u8]>,
}

/// Memory to write: like [`ArrayRef`], and no two elements share a byte.
///
/// # Invariants
/// 1. For every index inside `layout.shape`, the `dtype.size()` bytes at that index may be written during `'a`, and nothing
///    else reads or writes them during `'a`, but for expressions made from this `ArrayMut` by [`lazy_mut`](crate::lazy_mut).
///    These last no longer than `'a`, and read the bytes where they are evaluated, which is on one thread: expressions do not
///    leave theirs. So no other access happens while a kernel runs.
/// 2. `layout.byte_range` succeeds, and `layout.is_injective` holds.
#[derive(Debug)]
pub struct ArrayMut<'a> {
    pub(crate) ptr: *mut u8,
    pub(crate) layout: Layout,
    pub(crate) dtype: DType,
    borrow: PhantomData<&'a mut [u8]>,
}

/// Checks that a layout over `elements` elements, whose first is at `first`, stays inside; all in elements.
fn check_inside(shape: &[usize], strides: &[isize], first: usize, elements: usize) -> Result<Layout> {
    if shape.len() != strides.len() {
        bail!(Layout, "{} extents but {} strides", shape.len(), strides.len());
    }
    let layout = Layout { shape: shape.into(), strides: strides.into() };
    let (low, high) = layout.byte_range(1)?;
    let start = isize::try_from(first).ok();
    let (start, end) = (start.and_then(|s| s.checked_add(low)), start.and_then(|s| s.checked_add(high)));
    if high > low && (start.is_none_or(|s| s < 0) || end.is_none_or(|e| e < 0 || e as usize > elements)) {
        bail!(Layout, "shape {shape:?} with strides {strides:?} from element {first} reaches outside the {elements} elements given");
    }
    Ok(layout)
}

fn to_bytes(mut layout: Layout, item: usize) -> Result<Layout> {
    for s in &mut layout.strides {
        match s.checked_mul(item as isize) {
            Some(b) => *s = b,
            None => bail!(Layout, "strides {:?} do not fit in the address space", layout.strides),
        }
    }
    layout.byte_range(item)?;
    Ok(layout)
}

/// The layout of a field of records of `record` bytes, which take no more than `bytes`.
fn field_layout(bytes: usize, dtype: DType, shape: &[usize], record: usize, offset: usize) -> Result<Layout> {
    if offset.checked_add(dtype.size()).is_none_or(|end| end > record) {
        bail!(Layout, "a field of type {dtype} at byte {offset} is not inside a record of {record} bytes");
    }
    let layout = Layout::contiguous(shape, record);
    let (_, need) = layout.byte_range(record)?;
    if need as usize > bytes {
        bail!(Layout, "{shape:?} records of {record} bytes take {need} bytes, but there are {bytes}");
    }
    Ok(layout)
}

impl<'a> ArrayRef<'a> {
    /// A one-dimensional view of a slice.
    pub fn from_slice<T: Element>(data: &'a [T]) -> Self {
        let layout = Layout::contiguous(&[data.len()], T::DTYPE.size());
        ArrayRef { ptr: data.as_ptr().cast(), layout, dtype: T::DTYPE, swapped: false, borrow: PhantomData }
    }

    /// A strided view inside a slice: `strides` and `first` (the position of the first element) count elements.
    ///
    /// # Errors
    /// If an index of the shape would reach outside `data`.
    pub fn strided<T: Element>(data: &'a [T], shape: &[usize], strides: &[isize], first: usize) -> Result<Self> {
        let layout = to_bytes(check_inside(shape, strides, first, data.len())?, T::DTYPE.size())?;
        let ptr = if layout.size() == Some(0) { data.as_ptr() } else { data[first..].as_ptr() };
        Ok(ArrayRef { ptr: ptr.cast(), layout, dtype: T::DTYPE, swapped: false, borrow: PhantomData })
    }

    /// A view of raw bytes: elements of type `dtype`, in C or Fortran order without gaps, of any alignment, and with their
    /// bytes in the other order than this machine's if `swapped`.
    ///
    /// # Errors
    /// If `bytes` is too short for the shape.
    pub fn from_bytes(bytes: &'a [u8], dtype: DType, shape: &[usize], fortran: bool, swapped: bool) -> Result<Self> {
        let layout = if fortran { Layout::fortran(shape, dtype.size()) } else { Layout::contiguous(shape, dtype.size()) };
        let (_, need) = layout.byte_range(dtype.size())?;
        if need as usize > bytes.len() {
            bail!(Layout, "an array of {dtype} of shape {shape:?} takes {need} bytes, but there are {}", bytes.len());
        }
        Ok(ArrayRef { ptr: bytes.as_ptr(), layout, dtype, swapped: swapped && dtype.size() > 1, borrow: PhantomData })
    }

    /// One field of an array of records: elements of type `dtype` that begin `offset` bytes into each of the records, which take
    /// `record` bytes each and lie in C order without gaps. The field may have any alignment; its bytes are in the other order
    /// than this machine's if `swapped`.
    ///
    /// ```
    /// use elide::{ArrayRef, DType, lazy};
    /// // A byte and a 16-bit number in each record, as NumPy packs `[('a', 'u1'), ('b', '<i2')]`.
    /// let records = [7, 1, 0, 9, 2, 0, 5, 3, 0];
    /// let swapped = cfg!(target_endian = "big");
    /// let b = ArrayRef::from_records(&records, DType::I16, &[3], 3, 1, swapped)?;
    /// let total: i64 = lazy(b).sum().typed::<i64>()?.eval()?;
    /// assert_eq!(total, 6);
    /// # elide::Result::<()>::Ok(())
    /// ```
    ///
    /// # Errors
    /// If the field is not inside the record, or `bytes` too short for the shape.
    pub fn from_records(bytes: &'a [u8], dtype: DType, shape: &[usize], record: usize, offset: usize, swapped: bool) -> Result<Self> {
        let layout = field_layout(bytes.len(), dtype, shape, record, offset)?;
        // An empty array may begin anywhere, but not outside.
        let ptr = bytes[offset.min(bytes.len())..].as_ptr();
        Ok(ArrayRef { ptr, layout, dtype, swapped: swapped && dtype.size() > 1, borrow: PhantomData })
    }

    /// A view of memory at an address, with strides in bytes.
    ///
    /// # Safety
    /// For every index inside `layout.shape`, the element there must be readable during `'a`, and nothing may write to it
    /// during `'a`.
    ///
    /// # Errors
    /// If the layout does not fit in the address space.
    pub unsafe fn from_raw(ptr: *const u8, dtype: DType, layout: Layout) -> Result<Self> {
        layout.byte_range(dtype.size())?;
        Ok(ArrayRef { ptr, layout, dtype, swapped: false, borrow: PhantomData })
    }

    /// Elements along each axis.
    pub fn shape(&self) -> &[usize] {
        &self.layout.shape
    }

    /// Bytes from one element to the next along each axis.
    pub fn strides(&self) -> &[isize] {
        &self.layout.strides
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The element at an index.
    ///
    /// # Panics
    /// If the index is outside the shape.
    pub fn get(&self, index: &[usize]) -> Scalar {
        assert!(index.len() == self.layout.shape.len() && index.iter().zip(&self.layout.shape).all(|(i, n)| i < n), "index out of bounds");
        let offset: isize = index.iter().zip(&self.layout.strides).map(|(&i, &s)| i as isize * s).sum();
        let mut bytes = [0u8; 16];
        let n = self.dtype.size();
        // SAFETY: the index is inside the shape, so by invariant 1 these bytes may be read; `bytes` has room for 16.
        unsafe { std::ptr::copy_nonoverlapping(self.ptr.offset(offset), bytes.as_mut_ptr(), n) };
        if self.swapped {
            // Each part by itself.
            bytes[..n].chunks_exact_mut(self.dtype.part().size()).for_each(<[u8]>::reverse);
        }
        Scalar::from_ne_bytes(self.dtype, &bytes)
    }
}

impl<'a> ArrayMut<'a> {
    /// A one-dimensional view of a slice.
    pub fn from_slice<T: Element>(data: &'a mut [T]) -> Self {
        let layout = Layout::contiguous(&[data.len()], T::DTYPE.size());
        ArrayMut { ptr: data.as_mut_ptr().cast(), layout, dtype: T::DTYPE, borrow: PhantomData }
    }

    /// A strided view inside a slice: `strides` and `first` (the position of the first element) count elements.
    ///
    /// # Errors
    /// If an index of the shape would reach outside `data`, or if two indices could reach the same element.
    pub fn strided<T: Element>(data: &'a mut [T], shape: &[usize], strides: &[isize], first: usize) -> Result<Self> {
        let layout = to_bytes(check_inside(shape, strides, first, data.len())?, T::DTYPE.size())?;
        if !layout.is_injective(T::DTYPE.size()) {
            bail!(Layout, "cannot write through shape {shape:?} with strides {strides:?}: two indices may reach the same element");
        }
        let ptr = if layout.size() == Some(0) { data.as_mut_ptr() } else { data[first..].as_mut_ptr() };
        Ok(ArrayMut { ptr: ptr.cast(), layout, dtype: T::DTYPE, borrow: PhantomData })
    }

    /// One field of an array of records; see [`ArrayRef::from_records`].
    ///
    /// # Errors
    /// If the field is not inside the record, or `bytes` too short for the shape.
    pub fn from_records(bytes: &'a mut [u8], dtype: DType, shape: &[usize], record: usize, offset: usize) -> Result<Self> {
        let layout = field_layout(bytes.len(), dtype, shape, record, offset)?;
        let first = offset.min(bytes.len());
        let ptr = bytes[first..].as_mut_ptr();
        Ok(ArrayMut { ptr, layout, dtype, borrow: PhantomData })
    }

    /// A view of raw bytes in C order without gaps, of any alignment.
    ///
    /// # Errors
    /// If `bytes` is too short for the shape.
    pub fn from_bytes(bytes: &'a mut [u8], dtype: DType, shape: &[usize]) -> Result<Self> {
        let layout = Layout::contiguous(shape, dtype.size());
        let (_, need) = layout.byte_range(dtype.size())?;
        if need as usize > bytes.len() {
            bail!(Layout, "an array of {dtype} of shape {shape:?} takes {need} bytes, but there are {}", bytes.len());
        }
        Ok(ArrayMut { ptr: bytes.as_mut_ptr(), layout, dtype, borrow: PhantomData })
    }

    /// A view of memory at an address, with strides in bytes.
    ///
    /// # Safety
    /// For every index inside `layout.shape`, the element there must be writable during `'a`, and nothing else may read or
    /// write it during `'a`.
    ///
    /// # Errors
    /// If the layout does not fit in the address space, or if two indices could reach the same element.
    pub unsafe fn from_raw(ptr: *mut u8, dtype: DType, layout: Layout) -> Result<Self> {
        layout.byte_range(dtype.size())?;
        if !layout.is_injective(dtype.size()) {
            bail!(
                Layout,
                "cannot write through shape {:?} with strides {:?}: two indices may reach the same element",
                layout.shape,
                layout.strides
            );
        }
        Ok(ArrayMut { ptr, layout, dtype, borrow: PhantomData })
    }

    /// Elements along each axis.
    pub fn shape(&self) -> &[usize] {
        &self.layout.shape
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }
}

impl<'a, T: Element> From<&'a [T]> for ArrayRef<'a> {
    fn from(data: &'a [T]) -> Self {
        ArrayRef::from_slice(data)
    }
}
impl<'a, T: Element> From<&'a Vec<T>> for ArrayRef<'a> {
    fn from(data: &'a Vec<T>) -> Self {
        ArrayRef::from_slice(data)
    }
}
impl<'a, T: Element, const N: usize> From<&'a [T; N]> for ArrayRef<'a> {
    fn from(data: &'a [T; N]) -> Self {
        ArrayRef::from_slice(data)
    }
}
impl<'a, T: Element> From<&'a Array<T>> for ArrayRef<'a> {
    fn from(data: &'a Array<T>) -> Self {
        data.view()
    }
}
impl<'a, T: Element> From<&'a mut [T]> for ArrayMut<'a> {
    fn from(data: &'a mut [T]) -> Self {
        ArrayMut::from_slice(data)
    }
}
impl<'a, T: Element> From<&'a mut Vec<T>> for ArrayMut<'a> {
    fn from(data: &'a mut Vec<T>) -> Self {
        ArrayMut::from_slice(data)
    }
}
impl<'a, T: Element, const N: usize> From<&'a mut [T; N]> for ArrayMut<'a> {
    fn from(data: &'a mut [T; N]) -> Self {
        ArrayMut::from_slice(data)
    }
}
impl<'a, T: Element> From<&'a mut Array<T>> for ArrayMut<'a> {
    fn from(data: &'a mut Array<T>) -> Self {
        data.view_mut()
    }
}

/// An owned array in C order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array<T> {
    shape: Vec<usize>,
    data: Vec<T>,
}

impl<T: Element> Array<T> {
    /// An array of the given shape from its elements in C order.
    ///
    /// # Errors
    /// If the number of elements is not the shape's.
    pub fn new(shape: &[usize], data: Vec<T>) -> Result<Self> {
        Layout::contiguous(shape, T::DTYPE.size()).byte_range(T::DTYPE.size())?;
        if Layout::contiguous(shape, 1).size() != Some(data.len()) {
            bail!(Shape, "{} elements do not fill shape {shape:?}", data.len());
        }
        Ok(Array { shape: shape.to_vec(), data })
    }

    /// An array of zeros (`false`).
    ///
    /// # Errors
    /// If the size overflows.
    pub fn zeros(shape: &[usize]) -> Result<Self> {
        let layout = Layout::contiguous(shape, T::DTYPE.size());
        layout.byte_range(T::DTYPE.size())?;
        let Some(size) = layout.size() else { bail!(Shape, "the size of {shape:?} overflows") };
        let mut data = vec![T::from_scalar(Scalar::zero(T::DTYPE)); size];
        // SAFETY: elements are elements of their own type that may be uninitialized, and nothing is written through the reference.
        on_huge_pages(unsafe { &mut *(data.as_mut_slice() as *mut [T] as *mut [std::mem::MaybeUninit<T>]) });
        Ok(Array { shape: shape.to_vec(), data })
    }

    /// Elements along each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements in C order.
    pub fn as_slice(&self) -> &[T] {
        &self.data
    }

    /// The elements in C order.
    pub fn into_vec(self) -> Vec<T> {
        self.data
    }

    /// A view to read.
    pub fn view(&self) -> ArrayRef<'_> {
        let layout = Layout::contiguous(&self.shape, T::DTYPE.size());
        ArrayRef { ptr: self.data.as_ptr().cast(), layout, dtype: T::DTYPE, swapped: false, borrow: PhantomData }
    }

    /// A view to write.
    pub fn view_mut(&mut self) -> ArrayMut<'_> {
        let layout = Layout::contiguous(&self.shape, T::DTYPE.size());
        ArrayMut { ptr: self.data.as_mut_ptr().cast(), layout, dtype: T::DTYPE, borrow: PhantomData }
    }
}

/// Smaller arrays are left to the allocator: NumPy's bound.
const HUGE: usize = 1 << 22;

/// Asks for huge pages under memory that is going to be written for the first time: a page fault for each 4 KiB takes several times as long as writing
/// them. Does nothing where the system has none, and nothing to what is in the memory.
pub(crate) fn on_huge_pages<T>(memory: &mut [std::mem::MaybeUninit<T>]) {
    #[cfg(target_os = "linux")]
    if std::mem::size_of_val(memory) >= HUGE {
        // SAFETY: `sysconf` only answers.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let (start, bytes) = (memory.as_mut_ptr() as usize, std::mem::size_of_val(memory));
        let (first, end) = (start.next_multiple_of(page), (start + bytes) / page * page);
        // SAFETY: whole pages inside memory that is borrowed. This advice changes neither what they hold nor how they may be used, so that
        // also an allocator that gets them back sees no difference. An error means that there are no huge pages, and nothing has happened.
        unsafe { libc::madvise(first as *mut libc::c_void, end - first, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (memory, HUGE);
}

/// Maps a whole file to memory, to read.
#[cfg(feature = "npy")]
pub(crate) fn map_file(file: &std::fs::File) -> std::io::Result<memmap2::Mmap> {
    // SAFETY: the mapping is private to this process as far as writing goes, and no code of this crate writes to a file that
    // it has mapped (`npy::NpyWriter` replaces files). What cannot be shown from here is that no other process changes or
    // truncates the file meanwhile; `npy::NpyFile` documents that for its users, as every user of mapped files must.
    unsafe { memmap2::Mmap::map(file) }
}
