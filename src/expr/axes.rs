//! How the user names axes, extents and indices.

use smallvec::SmallVec;

use crate::error::{Error, ErrorKind, Result};
use crate::shape::{Dim, Shape, normalize_axis};
use crate::size::Size;
use crate::view::Slice;

/// One axis of an array, counted from the outermost; negative counts from the innermost (`Axis(-1)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Axis(pub isize);

macro_rules! axis_from {
    ($($t:ty)*) => { $(
        /// An index past the range of `isize` is out of range for every array and is reported as such.
        impl From<$t> for Axis {
            fn from(k: $t) -> Axis {
                Axis(isize::try_from(k).unwrap_or(isize::MAX))
            }
        }
        impl From<$t> for Axes {
            fn from(k: $t) -> Axes {
                Axes::from(Axis::from(k))
            }
        }
    )* };
}
axis_from! { i32 isize usize }

#[cfg(feature = "ndarray")]
impl From<ndarray::Axis> for Axis {
    fn from(axis: ndarray::Axis) -> Axis {
        Axis::from(axis.0)
    }
}

#[cfg(feature = "ndarray")]
impl From<ndarray::Axis> for Axes {
    fn from(axis: ndarray::Axis) -> Axes {
        Axes::from(Axis::from(axis))
    }
}

impl Axis {
    pub(crate) fn index(self, rank: usize) -> Result<usize> {
        normalize_axis(self.0, rank)
    }
}

/// The axes of a reduction: all (`..`), one (`Axis(1)`, `-1`) or several (`[0, 2]`), removed or kept with extent 1.
///
/// ```
/// use elide::{Array, Axes, lazy};
/// let a = Array::<f64>::zeros(&[4, 5, 6])?;
/// let x = lazy(&a);
/// assert_eq!(x.sum_over(..).shape().to_string(), "[]");
/// assert_eq!(x.sum_over([0, -1]).shape().to_string(), "[5]");
/// assert_eq!(x.sum_over(Axes::from(1).keepdims()).shape().to_string(), "[4,1,6]");
/// # elide::Result::<()>::Ok(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axes {
    /// `None` for all.
    listed: Option<SmallVec<[Axis; 4]>>,
    keep: bool,
}

impl Axes {
    /// The reduced axes stay, with extent 1, so that the result broadcasts against the operand.
    pub fn keepdims(mut self) -> Axes {
        self.keep = true;
        self
    }

    pub(crate) fn keeps(&self) -> bool {
        self.keep
    }

    /// Sorted and distinct indices.
    pub(crate) fn indices(&self, rank: usize) -> Result<Vec<usize>> {
        let Some(listed) = &self.listed else { return Ok((0..rank).collect()) };
        let mut out = listed.iter().map(|a| a.index(rank)).collect::<Result<Vec<_>>>()?;
        out.sort_unstable();
        match out.windows(2).find(|w| w[0] == w[1]) {
            Some(w) => Err(Error::new(ErrorKind::Shape, format!("axis {} is listed twice", w[0]))),
            None => Ok(out),
        }
    }
}

impl From<std::ops::RangeFull> for Axes {
    fn from(_: std::ops::RangeFull) -> Axes {
        Axes { listed: None, keep: false }
    }
}

impl From<Axis> for Axes {
    fn from(axis: Axis) -> Axes {
        Axes { listed: Some(SmallVec::from_elem(axis, 1)), keep: false }
    }
}

impl<A: Into<Axis>, const N: usize> From<[A; N]> for Axes {
    fn from(list: [A; N]) -> Axes {
        list.into_iter().collect()
    }
}

impl<A: Into<Axis> + Copy> From<&[A]> for Axes {
    fn from(list: &[A]) -> Axes {
        list.iter().copied().collect()
    }
}

impl<A: Into<Axis>> FromIterator<A> for Axes {
    fn from_iter<I: IntoIterator<Item = A>>(iter: I) -> Axes {
        Axes { listed: Some(iter.into_iter().map(Into::into).collect()), keep: false }
    }
}

/// One extent of a new shape: a number, a dim, or (as -1) what the other extents leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent(Requested);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requested {
    Size(Size),
    Inferred,
    Negative(i64),
}

impl Extent {
    /// What the other extents leave; at most one per shape. Also written -1.
    pub const INFERRED: Extent = Extent(Requested::Inferred);
}

macro_rules! extent_from {
    ($($t:ty)*) => { $(
        impl From<$t> for Extent {
            fn from(n: $t) -> Extent {
                match n as i64 {
                    -1 => Extent::INFERRED,
                    n if n < 0 => Extent(Requested::Negative(n)),
                    n => Extent(Requested::Size(Size::from(n))),
                }
            }
        }
    )* };
}
extent_from! { i32 i64 isize }

impl From<usize> for Extent {
    fn from(n: usize) -> Extent {
        Extent(Requested::Size(Size::from(n)))
    }
}

impl From<Dim> for Extent {
    fn from(d: Dim) -> Extent {
        Extent(Requested::Size(d.0))
    }
}

impl From<&Dim> for Extent {
    fn from(d: &Dim) -> Extent {
        d.clone().into()
    }
}

impl From<Size> for Extent {
    fn from(s: Size) -> Extent {
        Extent(Requested::Size(s))
    }
}

/// The shape that `extents` ask for, with the one that is inferred set to 1 and its position.
pub(crate) fn requested_shape(extents: impl IntoIterator<Item = Extent>) -> Result<(Shape, Option<usize>)> {
    let (mut shape, mut inferred) = (Shape::scalar(), None);
    for (k, extent) in extents.into_iter().enumerate() {
        shape.0.push(match extent.0 {
            Requested::Size(s) => s,
            Requested::Inferred if inferred.is_some() => {
                return Err(Error::new(ErrorKind::Shape, "can only infer one extent (-1) of a shape"));
            }
            Requested::Inferred => {
                inferred = Some(k);
                Size::ONE
            }
            Requested::Negative(n) => {
                return Err(Error::new(ErrorKind::Shape, format!("an extent cannot be {n}"))
                    .help("extents are counts; only -1 has a meaning: what the other extents leave"));
            }
        });
    }
    // Sizes saturate.
    if shape.size().as_const() == Some(i64::MAX) {
        return Err(Error::new(ErrorKind::Shape, format!("the number of elements of {shape} does not fit in 63 bits")));
    }
    Ok((shape, inferred))
}

/// `slice` with another step; what [`s!`](crate::s) makes of `range;step`. Without effect on all but ranges.
#[doc(hidden)]
pub fn with_step(slice: impl Into<Slice>, step: isize) -> Slice {
    match slice.into() {
        Slice::Range { start, stop, .. } => Slice::Range { start, stop, step },
        other => other,
    }
}

/// A slicing expression: ranges with bounds from either end (`1..-1`), steps (`..;2`), single indices (`3`), and
/// [`Slice::NewAxis`] and [`Slice::Ellipsis`].
///
/// The bounds are Python's, also for negative steps: `s![..;-1]` is `[::-1]`, `s![5..1;-2]` is `[5:1:-2]`.
///
/// ```
/// use elide::{Array, Slice, lazy, s};
/// let a = Array::<f64>::zeros(&[6, 5, 4])?;
/// assert_eq!(lazy(&a).slice(s![1..-1, ..;2, Slice::NewAxis, 3]).shape().to_string(), "[4,3,1]");
/// # elide::Result::<()>::Ok(())
/// ```
#[macro_export]
macro_rules! s {
    (@list [$($done:expr,)*]) => {{
        // A bound from the other end makes `1..-1` look empty.
        #[allow(clippy::reversed_empty_ranges)]
        let items = [$($done,)*];
        items
    }};
    (@list [$($done:expr,)*] $range:expr; $step:expr, $($rest:tt)*) => {
        $crate::s!(@list [$($done,)* $crate::with_step($range, $step),] $($rest)*)
    };
    (@list [$($done:expr,)*] $range:expr; $step:expr) => {
        $crate::s!(@list [$($done,)* $crate::with_step($range, $step),])
    };
    (@list [$($done:expr,)*] $item:expr, $($rest:tt)*) => {
        $crate::s!(@list [$($done,)* $crate::Slice::from($item),] $($rest)*)
    };
    (@list [$($done:expr,)*] $item:expr) => {
        $crate::s!(@list [$($done,)* $crate::Slice::from($item),])
    };
    ($($items:tt)*) => { $crate::s!(@list [] $($items)*) };
}
