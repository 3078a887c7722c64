//! [`lazy`]: from borrowed arrays to expressions.

use crate::array::{Array, ArrayRef};
use crate::dtype::Element;
use crate::error::Site;
use crate::expr::infer::{self, At};
use crate::expr::{DynExpr, Expr};

/// An expression that reads `array`, which stays where it is and is borrowed for as long as the expression lives.
///
/// Slices, `Vec`s, Rust arrays, [`Array`]s and (with feature `ndarray`) the arrays and views of that crate, whatever
/// their strides, give an [`Expr`]; an [`ArrayRef`] gives a [`DynExpr`].
///
/// ```
/// use elide::lazy;
/// let v = vec![1.0f64, 2.0, 3.0];
/// let x = &lazy(&v);
/// let y = (2.0 * x + 1.0).sqrt();
/// assert_eq!(y.shape().to_string(), "[3]");
/// ```
#[track_caller]
pub fn lazy<'a, A: Lazy<'a>>(array: A) -> A::Expr {
    array.expr(Source(Some(Site::caller())))
}

/// Borrowed memory that [`lazy`] makes an expression of.
pub trait Lazy<'a> {
    /// [`Expr`], or [`DynExpr`] where the element type is known at run time only.
    type Expr;

    #[doc(hidden)]
    fn expr(self, source: Source) -> Self::Expr;
}

/// Where [`lazy`] was called.
#[doc(hidden)]
pub struct Source(At);

impl Source {
    /// `array` has elements of type `T`: it was made from a `&'a [T]` or the like.
    fn typed<'a, T: Element>(self, array: &ArrayRef<'a>) -> Expr<'a, T> {
        debug_assert_eq!(array.dtype(), T::DTYPE);
        Expr::from_node(infer::data(array, self.0))
    }
}

impl<'a> Lazy<'a> for ArrayRef<'a> {
    type Expr = DynExpr<'a>;
    fn expr(self, source: Source) -> DynExpr<'a> {
        DynExpr::from_node(infer::data(&self, source.0))
    }
}

impl<'a> Lazy<'a> for &ArrayRef<'a> {
    type Expr = DynExpr<'a>;
    fn expr(self, source: Source) -> DynExpr<'a> {
        DynExpr::from_node(infer::data(self, source.0))
    }
}

macro_rules! lazy_of {
    ($([$($generics:tt)*] $A:ty, |$array:ident| $view:expr;)*) => { $(
        impl<'a, T: Element, $($generics)*> Lazy<'a> for $A {
            type Expr = Expr<'a, T>;
            fn expr(self, source: Source) -> Expr<'a, T> {
                let $array = self;
                source.typed(&$view)
            }
        }
    )* };
}
lazy_of! {
    [] &'a [T], |x| ArrayRef::from_slice(x);
    [] &'a Vec<T>, |x| ArrayRef::from_slice(x);
    [const N: usize] &'a [T; N], |x| ArrayRef::from_slice(x);
    [] &'a Array<T>, |x| x.view();
}

#[cfg(feature = "ndarray")]
lazy_of! {
    [S: ndarray::Data<Elem = T>, D: ndarray::Dimension] &'a ndarray::ArrayBase<S, D>, |x| ArrayRef::from(x.view());
    [D: ndarray::Dimension] ndarray::ArrayView<'a, T, D>, |x| ArrayRef::from(x);
}
