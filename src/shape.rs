//! Shapes and the broadcasting rule.

use std::fmt;

use smallvec::SmallVec;

use crate::error::{Error, ErrorKind, Result};
use crate::size::Size;

/// One extent of a shape: a number, a named dim, or arithmetic over named dims.
///
/// Named dims never broadcast: an extent that should stretch is written as 1.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Dim(pub(crate) Size);

impl Dim {
    /// A dim whose value is known when arrays are bound. The same name is the same size everywhere in a kernel.
    pub fn named(name: &str) -> Dim {
        Dim(Size::named(name))
    }
}

impl From<usize> for Dim {
    fn from(n: usize) -> Dim {
        Dim(Size::from(n))
    }
}

impl From<&Dim> for Dim {
    fn from(d: &Dim) -> Dim {
        d.clone()
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The extents of an array, outermost axis first.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Shape(pub(crate) SmallVec<[Size; 4]>);

impl Shape {
    /// The shape of a scalar.
    pub fn scalar() -> Shape {
        Shape::default()
    }

    /// A shape of numbers.
    pub fn fixed(extents: &[usize]) -> Shape {
        Shape(extents.iter().map(|&n| Size::from(n)).collect())
    }

    /// A shape of dims.
    pub fn of<D: Into<Dim>>(dims: impl IntoIterator<Item = D>) -> Shape {
        Shape(dims.into_iter().map(|d| d.into().0).collect())
    }

    /// The number of axes.
    #[doc(alias = "ndim")]
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// The extents, outermost first.
    pub fn extents(&self) -> &[Size] {
        &self.0
    }

    /// The number of elements.
    pub fn size(&self) -> Size {
        self.0.iter().fold(Size::ONE, |a, b| a.mul(b))
    }

    /// Every extent, if all are numbers.
    pub fn as_fixed(&self) -> Option<Vec<usize>> {
        self.0.iter().map(|s| s.as_const().and_then(|x| usize::try_from(x).ok())).collect()
    }

    /// The strides of the C-ordered array of this shape, in elements.
    pub fn c_strides(&self) -> SmallVec<[Size; 4]> {
        let mut strides: SmallVec<[Size; 4]> = SmallVec::from_elem(Size::ONE, self.rank());
        for k in (1..self.rank()).rev() {
            strides[k - 1] = strides[k].mul(&self.0[k]);
        }
        strides
    }
}

impl FromIterator<Size> for Shape {
    fn from_iter<I: IntoIterator<Item = Size>>(iter: I) -> Shape {
        Shape(iter.into_iter().collect())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (k, s) in self.0.iter().enumerate() {
            if k > 0 {
                f.write_str(",")?;
            }
            write!(f, "{s}")?;
        }
        f.write_str("]")
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Two sizes that must turn out equal when arrays are bound.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Equation(pub Size, pub Size);

impl Equation {
    /// That a size is not below zero.
    #[cfg(feature = "text")]
    pub(crate) fn not_negative(size: &Size) -> Equation {
        Equation(size.lesser(&Size::ZERO), Size::ZERO)
    }

    /// The size that must not be below zero, if that is what it says.
    pub(crate) fn must_not_be_negative(&self) -> Option<&Size> {
        if self.1 == Size::ZERO { self.0.below_zero() } else { None }
    }
}

/// How two extents combine.
pub(crate) enum Joined {
    Same(Size),
    /// Equal only if an equation holds at bind time.
    If(Size, Equation),
    Never,
}

/// Two extents that must be equal: NumPy's rule without stretching.
///
/// Two different plain names never agree: give both arrays the same dim instead.
pub(crate) fn equate(a: &Size, b: &Size) -> Joined {
    if a == b {
        return Joined::Same(a.clone());
    }
    if a.never_equals(b) || (a.as_dim().is_some() && b.as_dim().is_some()) {
        return Joined::Never;
    }
    let known = if b.as_const().is_some() { b } else { a };
    Joined::If(known.clone(), Equation(a.clone(), b.clone()))
}

/// Whether `extent` stretches to `other`, with what must hold for it when arrays are bound. An extent that is at most 1, as of
/// `x[:1]` along a named dim, does: it is the other one only where both turn out to be 0.
pub(crate) fn stretches(extent: &Size, other: &Size) -> Option<Equation> {
    let one = extent.is_at_most_one() && !other.is_at_most_one() && extent.as_const().is_none();
    one.then(|| Equation(extent.clone(), Size::ONE))
}

/// NumPy's broadcasting of several shapes: aligned at the last axis, extents equal or 1. Returns the common shape and the
/// equations that must hold when arrays are bound.
pub(crate) fn broadcast(shapes: &[&Shape]) -> Result<(Shape, Vec<Equation>)> {
    let rank = shapes.iter().map(|s| s.rank()).max().unwrap_or(0);
    let mut out = vec![Size::ONE; rank];
    let mut equations = Vec::new();
    for shape in shapes {
        let pad = rank - shape.rank();
        for (k, extent) in shape.0.iter().enumerate() {
            let slot = &mut out[pad + k];
            if *slot == Size::ONE {
                *slot = extent.clone();
            } else if let Some(equation) = stretches(extent, slot) {
                equations.push(equation);
            } else if let Some(equation) = stretches(slot, extent) {
                equations.push(equation);
                *slot = extent.clone();
            } else if *extent != Size::ONE {
                match equate(slot, extent) {
                    Joined::Same(s) => *slot = s,
                    Joined::If(s, eq) => {
                        *slot = s;
                        equations.push(eq);
                    }
                    Joined::Never => {
                        let list: Vec<_> = shapes.iter().map(|s| s.to_string()).collect();
                        let err = Error::new(
                            ErrorKind::Shape,
                            format!("shapes {} do not broadcast: {} and {} differ on axis {}", list.join(" and "), slot, extent, pad + k),
                        );
                        return Err(if slot.as_dim().is_some() || extent.as_dim().is_some() {
                            err.help("named dims never stretch: use the same dim for both, or write the extent that should stretch as 1")
                        } else {
                            err.help("extents must be equal or 1, counted from the last axis")
                        });
                    }
                }
            }
        }
    }
    Ok((Shape(out.into()), equations))
}

/// The axis that NumPy's `axis` argument names: negative counts from the end.
pub(crate) fn normalize_axis(axis: isize, rank: usize) -> Result<usize> {
    let k = if axis < 0 { axis + rank as isize } else { axis };
    if (0..rank as isize).contains(&k) {
        Ok(k as usize)
    } else {
        Err(Error::new(ErrorKind::Shape, format!("axis {axis} is out of bounds for an array of {rank} dimensions")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bc(a: &Shape, b: &Shape) -> Result<String> {
        broadcast(&[a, b]).map(|(s, e)| format!("{s} {e:?}"))
    }

    #[test]
    fn broadcasting_is_numpys() {
        assert_eq!(bc(&Shape::fixed(&[5, 1, 3]), &Shape::fixed(&[4, 1])).unwrap(), "[5,4,3] []");
        assert_eq!(bc(&Shape::fixed(&[0, 1]), &Shape::fixed(&[1, 0])).unwrap(), "[0,0] []");
        assert!(bc(&Shape::fixed(&[0]), &Shape::fixed(&[2])).is_err());
    }

    #[test]
    fn named_dims_never_stretch() {
        let n = Shape::of([Dim::named("n")]);
        let m = Shape::of([Dim::named("m")]);
        assert!(bc(&n, &m).is_err());
        assert_eq!(bc(&n, &Shape::fixed(&[1])).unwrap(), "[n] []");
        assert_eq!(bc(&n, &Shape::fixed(&[3])).unwrap(), "[3] [Equation(n, 3)]");
        // But a slice of one element does.
        let first = Shape::from_iter([Size::named("n").lesser(&Size::ONE)]);
        assert_eq!(bc(&n, &first).unwrap(), "[n] [Equation(min(1, n), 1)]");
        assert_eq!(bc(&first, &n).unwrap(), "[n] [Equation(min(1, n), 1)]");
        assert_eq!(bc(&first, &first).unwrap(), "[min(1, n)] []");
        assert_eq!(bc(&first, &Shape::fixed(&[1])).unwrap(), "[min(1, n)] []");
    }
}
