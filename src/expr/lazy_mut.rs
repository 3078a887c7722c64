//! [`lazy_mut`]: programs that change borrowed arrays in place.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::rc::Rc;

use crate::array::{Array, ArrayMut};
use crate::dtype::{DType, Element, Field, Number, Ring};
use crate::error::{Error, ErrorKind, Result, Site};
use crate::expr::infer::{self, At, or_error};
use crate::expr::node::NodeRef;
use crate::expr::pieces::Region;
use crate::expr::promote::DynOperand;
use crate::expr::{DynExpr, Expr, IntoExpr};
use crate::ops::BinaryOp;
use crate::shape::Shape;
use crate::view::Slice;

/// A program that changes `array` in place, written statement by statement and computed as a whole by [`LazyMut::run`].
///
/// Every statement sees what those before it have made of the array. All of them are one kernel, which reads and writes the
/// array where it lies; the schedule orders its loops such that what is read has not been overwritten.
///
/// Slices, `Vec`s, Rust arrays, [`Array`]s and (with feature `ndarray`) the arrays and mutable views of that crate give a
/// [`LazyMut`]; an [`ArrayMut`] gives a [`DynLazyMut`].
///
/// ```
/// use elide::{lazy_mut, s};
///
/// let mut a = vec![1.0, 2.0, 3.0, 4.0];
/// let x = lazy_mut(&mut a);
/// x.at(s![1..]).add(x.get().slice(s![..-1]));
/// x.at(s![0]).set(0.0);
/// x.run()?;
/// assert_eq!(a, [0.0, 3.0, 5.0, 7.0]);
/// # elide::Result::<()>::Ok(())
/// ```
///
/// Until the program is dropped or has run, and for as long as expressions of it are kept, the array is borrowed:
///
/// ```compile_fail,E0502
/// let mut a = vec![1.0, 2.0];
/// let x = elide::lazy_mut(&mut a);
/// let y = x.get();
/// x.run().unwrap();
/// println!("{a:?}");
/// y.eval::<Vec<f64>>();
/// ```
#[track_caller]
pub fn lazy_mut<'a, A: IntoLazyMut<'a>>(array: A) -> A::LazyMut {
    array.lazy_mut(Site::caller())
}

/// Memory borrowed for writing that [`lazy_mut`] makes a program of.
pub trait IntoLazyMut<'a> {
    /// [`LazyMut`], or [`DynLazyMut`] where the element type is known at run time only.
    type LazyMut;

    #[doc(hidden)]
    fn lazy_mut(self, site: Site) -> Self::LazyMut;
}

/// A program that changes a borrowed array of elements of type `T` in place; see [`lazy_mut`].
///
/// A mistake in a statement is kept, as in [`Expr`], and [`run`](LazyMut::run) returns the first one. Without `run` nothing
/// is written.
#[must_use = "nothing is written until `run`"]
pub struct LazyMut<'a, T> {
    program: DynLazyMut<'a>,
    marker: PhantomData<T>,
}

/// A program that changes a borrowed array in place, with its element type known at run time; see [`lazy_mut`].
///
/// ```
/// use elide::{ArrayMut, BinaryOp, lazy_mut, s};
///
/// let mut pixels = [10u8, 200, 30, 40, 50, 60];
/// let x = lazy_mut(ArrayMut::strided(&mut pixels, &[2, 3], &[3, 1], 0)?);
/// x.at(s![.., 0]).update(BinaryOp::Mul, 2);
/// x.at(s![1, ..]).set(x.get().slice(s![0, ..]));
/// x.run()?;
/// assert_eq!(pixels, [20, 200, 30, 20, 200, 30]);
/// # elide::Result::<()>::Ok(())
/// ```
#[must_use = "nothing is written until `run`"]
pub struct DynLazyMut<'a> {
    /// `None` if it could not be had, which `data` has the mistake for.
    array: Option<ArrayMut<'a>>,
    /// The array as it is in memory.
    data: NodeRef,
    /// What it has become by the statements so far, of the same type and shape, or a mistake.
    value: RefCell<NodeRef>,
    overwritten: Overwritten,
    /// Statements go through shared references, so that a region can be set to an expression of the array itself. What they set
    /// is borrowed for 'a; were 'a to shrink in such a reference, they could leave behind what is borrowed for less.
    invariant: PhantomData<Cell<&'a ()>>,
}

/// Where a program ran that has overwritten an array, shared with the expressions that read the array as it was before.
pub(crate) type Overwritten = Rc<Cell<Option<Site>>>;

impl<'a> DynLazyMut<'a> {
    fn new(array: Result<ArrayMut<'a>>, dtype: DType, site: Site) -> Self {
        let overwritten = Overwritten::default();
        let (array, data) = match array {
            Ok(array) => {
                let data = infer::data_mut(&array, overwritten.clone(), Some(site));
                (Some(array), data)
            }
            Err(e) => (None, or_error(Err(e), dtype, Some(site), || "lazy_mut".into())),
        };
        DynLazyMut { array, value: RefCell::new(data.clone()), data, overwritten, invariant: PhantomData }
    }

    fn value(&self) -> NodeRef {
        self.value.borrow().clone()
    }

    fn region<E>(&self, items: &[Slice], site: At) -> RegionMut<'_, E> {
        RegionMut { value: &self.value, region: Region::new(&self.value(), items, site), invariant: PhantomData }
    }

    fn whole<E>(&self) -> RegionMut<'_, E> {
        RegionMut { value: &self.value, region: Region::whole(&self.value()), invariant: PhantomData }
    }

    /// The memory, the array as it is there, its new value, and the place to note that it was stored.
    ///
    /// # Errors
    /// The first mistake in a statement.
    pub(crate) fn into_parts(self) -> Result<(ArrayMut<'a>, NodeRef, NodeRef, Overwritten)> {
        let value = self.value.into_inner();
        value.check()?;
        self.data.check()?;
        let missing = || Error::new(ErrorKind::Bind, "internal error, please report it: a program without an array");
        Ok((self.array.ok_or_else(missing)?, self.data, value, self.overwritten))
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.data.dtype
    }

    /// The array's shape.
    pub fn shape(&self) -> &Shape {
        &self.data.shape
    }

    /// The first mistake in the statements so far.
    ///
    /// # Errors
    /// That mistake.
    pub fn check(&self) -> Result<()> {
        self.value().check()
    }

    /// The array as the statements so far have made it.
    pub fn get(&self) -> DynExpr<'a> {
        DynExpr::from_node(self.value())
    }

    /// Sets all of the array to a value, which is converted to its element type and broadcasts.
    #[track_caller]
    pub fn set(&self, value: impl Into<DynOperand<'a>>) {
        self.whole::<DynExpr<'a>>().set(value);
    }

    /// The region at a slicing expression, to be changed.
    #[track_caller]
    pub fn at(&self, items: impl AsRef<[Slice]>) -> RegionMut<'_, DynExpr<'a>> {
        self.region(items.as_ref(), Some(Site::caller()))
    }

    /// The program for elements of type `T`.
    ///
    /// # Errors
    /// The first mistake in the statements so far; if the elements have another type.
    #[track_caller]
    pub fn typed<T: Element>(self) -> Result<LazyMut<'a, T>> {
        self.get().typed::<T>().map_err(|e| e.at(Site::caller()))?;
        Ok(LazyMut { program: self, marker: PhantomData })
    }
}

impl<'a, T: Element> LazyMut<'a, T> {
    /// The array's shape.
    pub fn shape(&self) -> &Shape {
        self.program.shape()
    }

    /// The first mistake in the statements so far.
    ///
    /// # Errors
    /// That mistake.
    pub fn check(&self) -> Result<()> {
        self.program.check()
    }

    /// The array as the statements so far have made it.
    ///
    /// The expression may be kept and be part of any other. Evaluated before the program has run, it computes what the
    /// array will be; after that it is a mistake, because the array that it reads has been overwritten.
    pub fn get(&self) -> Expr<'a, T> {
        Expr::from_node(self.program.value())
    }

    /// Sets all of the array to a value, which broadcasts.
    ///
    /// What the value borrows must live until the program is gone:
    ///
    /// ```compile_fail,E0597
    /// let mut a = vec![1.0, 2.0];
    /// let x = elide::lazy_mut(&mut a);
    /// {
    ///     let b = vec![3.0, 4.0];
    ///     x.set(elide::lazy(&b));
    /// }
    /// x.run();
    /// ```
    #[track_caller]
    pub fn set(&self, value: impl IntoExpr<'a, T>) {
        self.program.whole::<Expr<'a, T>>().set(value);
    }

    /// The region at a slicing expression, to be changed.
    #[track_caller]
    pub fn at(&self, items: impl AsRef<[Slice]>) -> RegionMut<'_, Expr<'a, T>> {
        self.program.region(items.as_ref(), Some(Site::caller()))
    }

    /// The same program with the element type known at run time only, as [`run_all`](crate::run_all) takes them.
    pub fn into_dyn(self) -> DynLazyMut<'a> {
        self.program
    }
}

impl<'a, T: Element> From<LazyMut<'a, T>> for DynLazyMut<'a> {
    fn from(x: LazyMut<'a, T>) -> Self {
        x.into_dyn()
    }
}

/// A region of an array that is changed in place; see [`LazyMut::at`].
///
/// ```compile_fail,E0597
/// use elide::{lazy, lazy_mut, s};
/// let mut a = vec![1.0, 2.0];
/// let x = lazy_mut(&mut a);
/// {
///     let b = vec![3.0];
///     x.at(s![1..]).set(lazy(&b));
/// }
/// x.run();
/// ```
#[must_use = "a region does nothing until it is set"]
pub struct RegionMut<'x, E> {
    value: &'x RefCell<NodeRef>,
    region: Region<E>,
    /// As in `DynLazyMut`.
    invariant: PhantomData<Cell<E>>,
}

impl<E> RegionMut<'_, E> {
    /// The region of the value as it is now, after what the operand of a statement may have done.
    fn now(&self) -> Region<E> {
        self.region.rebase(&self.value.borrow())
    }

    fn put(self, value: NodeRef) {
        *self.value.borrow_mut() = value;
    }
}

macro_rules! typed_updates {
    ($($(#[$doc:meta])* $name:ident $Class:ident;)*) => { $(
        impl<'a, T: $Class> RegionMut<'_, Expr<'a, T>> {
            $(#[$doc])*
            #[allow(clippy::should_implement_trait, reason = "it changes the array")]
            #[track_caller]
            pub fn $name(self, value: impl IntoExpr<'a, T>) {
                let value = value.into_expr();
                let all = self.now().$name(value);
                self.put(all.node);
            }
        }
    )* };
}
typed_updates! {
    /// Adds `value` in the region (`+=`).
    add Ring;
    /// Subtracts `value` in the region (`-=`).
    sub Ring;
    /// Multiplies the region by `value` (`*=`).
    mul Ring;
    /// Divides the region by `value` (`/=`).
    div Field;
    /// Leaves nothing above `value` in the region.
    minimum Number;
    /// Leaves nothing below `value` in the region.
    maximum Number;
    /// Sets the region to `value`, which broadcasts.
    set Element;
}

impl<'a, T: Element> RegionMut<'_, Expr<'a, T>> {
    /// The region as the statements so far have made it.
    #[track_caller]
    pub fn get(&self) -> Expr<'a, T> {
        self.now().get()
    }

    /// Sets the region to `value` where `mask` is true (`x[mask] = value`).
    #[track_caller]
    pub fn set_where(self, mask: impl IntoExpr<'a, bool>, value: impl IntoExpr<'a, T>) {
        let (mask, value) = (mask.into_expr(), value.into_expr());
        let all = self.now().set_where(mask, value);
        self.put(all.node);
    }
}

impl<'a> RegionMut<'_, DynExpr<'a>> {
    /// Sets the region to `value`, which is converted to the array's element type and broadcasts.
    #[track_caller]
    pub fn set(self, value: impl Into<DynOperand<'a>>) {
        let value = value.into();
        let all = self.now().set(value);
        self.put(all.node);
    }

    /// The region as the statements so far have made it.
    #[track_caller]
    pub fn get(&self) -> DynExpr<'a> {
        self.now().get()
    }

    /// Sets the region to `region op value`, converted to the array's element type.
    #[track_caller]
    pub fn update(self, op: BinaryOp, value: impl Into<DynOperand<'a>>) {
        let value = value.into();
        let all = self.now().update(op, value);
        self.put(all.node);
    }
}

impl<'a> IntoLazyMut<'a> for ArrayMut<'a> {
    type LazyMut = DynLazyMut<'a>;
    fn lazy_mut(self, site: Site) -> DynLazyMut<'a> {
        let dtype = self.dtype();
        DynLazyMut::new(Ok(self), dtype, site)
    }
}

macro_rules! lazy_mut_of {
    ($([$($generics:tt)*] $A:ty, |$array:ident| $view:expr;)*) => { $(
        impl<'a, T: Element, $($generics)*> IntoLazyMut<'a> for $A {
            type LazyMut = LazyMut<'a, T>;
            fn lazy_mut(self, site: Site) -> LazyMut<'a, T> {
                let $array = self;
                LazyMut { program: DynLazyMut::new($view, T::DTYPE, site), marker: PhantomData }
            }
        }
    )* };
}
lazy_mut_of! {
    [] &'a mut [T], |x| Ok(ArrayMut::from_slice(x));
    [] &'a mut Vec<T>, |x| Ok(ArrayMut::from_slice(x));
    [const N: usize] &'a mut [T; N], |x| Ok(ArrayMut::from_slice(x));
    [] &'a mut Array<T>, |x| Ok(x.view_mut());
}

#[cfg(feature = "ndarray")]
lazy_mut_of! {
    [S: ndarray::DataMut<Elem = T>, D: ndarray::Dimension] &'a mut ndarray::ArrayBase<S, D>, |x| ArrayMut::try_from(x.view_mut());
    [D: ndarray::Dimension] ndarray::ArrayViewMut<'a, T, D>, |x| ArrayMut::try_from(x);
}
