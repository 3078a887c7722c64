//! Layout classes: what compiled code assumes about the strides of an array.

use smallvec::SmallVec;

use crate::layout::Layout;
use crate::shape::Shape;
use crate::size::{Size, Var};

/// What is assumed about one array. Code compiled for a class runs on every array of the class, whatever its size.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum LayoutClass {
    /// C order without gaps.
    Contiguous,
    /// Fortran order without gaps.
    Fortran,
    /// Anything else, axis by axis.
    Strided(SmallVec<[AxisClass; 4]>),
}

/// What is assumed about the stride of one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AxisClass {
    /// It does not move.
    Zero,
    /// One element.
    Unit,
    /// A number of bytes given when the code is called.
    Free,
}

impl LayoutClass {
    /// The class of a concrete layout.
    pub fn of(layout: &Layout, item: usize) -> LayoutClass {
        if layout.is_contiguous(item) {
            return LayoutClass::Contiguous;
        }
        let fortran = Layout::fortran(&layout.shape, item);
        if (0..layout.shape.len()).all(|k| layout.shape[k] == 1 || layout.strides[k] == fortran.strides[k]) {
            return LayoutClass::Fortran;
        }
        let axis = |&stride: &isize| match stride {
            0 => AxisClass::Zero,
            s if s == item as isize => AxisClass::Unit,
            _ => AxisClass::Free,
        };
        LayoutClass::Strided(layout.strides.iter().map(axis).collect())
    }

    /// In words, for reports; the caller says of what.
    pub fn words(&self) -> String {
        match self {
            LayoutClass::Contiguous => "in C order".into(),
            LayoutClass::Fortran => "in Fortran order".into(),
            LayoutClass::Strided(axes) => {
                let axis = |a: &AxisClass| match a {
                    AxisClass::Zero => "0",
                    AxisClass::Unit => "one element",
                    AxisClass::Free => "any",
                };
                format!("with strides ({})", axes.iter().map(axis).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// The byte strides of an array of this class; `operand` numbers it among the program's arrays.
    pub fn strides(&self, shape: &Shape, item: usize, operand: u32) -> Vec<Size> {
        let item = item as i64;
        match self {
            LayoutClass::Contiguous => shape.c_strides().iter().map(|s| s.scale(item)).collect(),
            LayoutClass::Fortran => {
                let reversed: Shape = shape.extents().iter().rev().cloned().collect();
                reversed.c_strides().iter().rev().map(|s| s.scale(item)).collect()
            }
            LayoutClass::Strided(axes) => axes
                .iter()
                .enumerate()
                .map(|(axis, class)| match class {
                    AxisClass::Zero => Size::ZERO,
                    AxisClass::Unit => Size::from(item),
                    AxisClass::Free => Size::var(Var::Stride { operand, axis: axis as u32 }),
                })
                .collect(),
        }
    }
}
