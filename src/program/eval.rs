//! Evaluating an expression over borrowed data on the spot.

use std::sync::Arc;

use half::{bf16, f16};

use super::call::Call;
use super::{Kernel, cache};
use crate::array::{Array, ArrayMut, on_huge_pages};
use crate::dtype::{Element, c64, c128, for_each_dtype};
use crate::error::{Error, ErrorKind, Result, Site};
use crate::expr::node::{Data, NodeRef};
use crate::expr::{Compressed, DynExpr, Expr};
use crate::graph::Graph;
use crate::layout::Layout;

/// A type that the elements of a result can become.
pub trait FromElements<T>: Sized {
    /// From the shape and the elements in C order.
    ///
    /// # Errors
    /// If the type cannot have that shape.
    fn from_elements(shape: &[usize], elements: Vec<T>) -> Result<Self>;
}

impl<T: Element> FromElements<T> for Array<T> {
    fn from_elements(shape: &[usize], elements: Vec<T>) -> Result<Self> {
        Array::new(shape, elements)
    }
}

/// Any shape, flattened in C order.
impl<T: Element> FromElements<T> for Vec<T> {
    fn from_elements(_: &[usize], elements: Vec<T>) -> Result<Self> {
        Ok(elements)
    }
}

macro_rules! scalar_from_elements {
    (() $( $(#[$doc:meta])* $V:ident $t:ident $n:literal $c:literal [$($a:literal),*] $k:ident $s:literal; )*) => { $(
        /// Of a result of rank 0.
        impl FromElements<$t> for $t {
            fn from_elements(shape: &[usize], elements: Vec<$t>) -> Result<Self> {
                match (shape, elements.as_slice()) {
                    ([], [x]) => Ok(*x),
                    _ => Err(Error::new(ErrorKind::Shape, format!("a result of shape {shape:?} is not one {}", stringify!($t)))
                        .help("evaluate to a Vec or an array instead, or reduce over all axes")),
                }
            }
        }
    )* };
}
for_each_dtype!(scalar_from_elements!());

#[cfg(feature = "ndarray")]
impl<T: Element, D: ndarray::Dimension> FromElements<T> for ndarray::Array<T, D> {
    fn from_elements(shape: &[usize], elements: Vec<T>) -> Result<Self> {
        let array = ndarray::ArrayD::from_shape_vec(shape, elements).map_err(|e| Error::new(ErrorKind::Shape, e.to_string()))?;
        array.into_dimensionality().map_err(|_| {
            let want = D::NDIM.map_or("another number of".into(), |n| n.to_string());
            Error::new(ErrorKind::Shape, format!("a result of shape {shape:?} is not an array of {want} axes"))
        })
    }
}

/// A program over borrowed data, compiled.
pub(super) struct Lazy {
    kernel: Kernel,
    data: Vec<Data>,
}

impl Lazy {
    fn new(outputs: &[DynExpr<'_>]) -> Result<Lazy> {
        let name = |k| if outputs.len() == 1 { "result".to_string() } else { format!("result {k}") };
        let named: Vec<_> = outputs.iter().enumerate().map(|(k, o)| (name(k).into(), o.node().clone())).collect();
        Lazy::of(Graph::import_with_data(&[], &named)?)
    }

    /// A program whose outputs are stored in the memory of `arrays`, in order, each of which is a node of borrowed data.
    pub(super) fn updating(arrays: &[NodeRef], values: &[(Arc<str>, NodeRef)]) -> Result<Lazy> {
        let (mut graph, data) = Graph::import_with_data(arrays, values)?;
        // Declared first, they are the first inputs, whether their values are read or not.
        for k in 0..arrays.len() {
            graph.update_in_place(k, k as u32);
        }
        Lazy::of((graph, data))
    }

    fn of((graph, data): (Graph, Vec<Data>)) -> Result<Lazy> {
        if let Some(input) = graph.inputs().iter().find(|i| i.data.is_none()) {
            let err = Error::new(ErrorKind::Bind, format!("input `{}` has no data", input.name))
                .help("build a kernel from the expression and bind an array to the input");
            return Err(input.site.map_or(err.clone(), |s| err.at(s)));
        }
        Ok(Lazy { kernel: cache::kernel(graph)?, data })
    }

    pub(super) fn run(&self, outputs: Vec<ArrayMut<'_>>, site: Site) -> Result<()> {
        let mut call = Call::new(self.kernel.clone());
        // The expressions' lifetime, in which the data is borrowed, is longer than this call: `eval` holds them. Where arrays
        // are updated in place, the outputs hold it.
        call.start().run_with(&self.data, outputs, site)
    }
}

/// The shape of a result over borrowed data, whose sizes are all known.
fn fixed_shape(expr: &DynExpr<'_>) -> Result<Vec<usize>> {
    expr.shape().as_fixed().ok_or_else(|| Error::new(ErrorKind::Shape, format!("the sizes of {} are not known", expr.shape())))
}

/// Memory for the elements of a result, not written yet, their layout and their number.
fn room<T: Element>(shape: &[usize], site: Site) -> Result<(Vec<T>, Layout, usize)> {
    let layout = Layout::contiguous(shape, T::DTYPE.size());
    let bytes = layout.byte_range(T::DTYPE.size()).map_err(|e| e.at(site))?.1;
    let size = bytes as usize / T::DTYPE.size();
    let mut elements: Vec<T> = Vec::new();
    elements
        .try_reserve_exact(size)
        .map_err(|_| Error::new(ErrorKind::Bind, format!("no memory for a result of {bytes} bytes")).at(site))?;
    on_huge_pages(elements.spare_capacity_mut());
    Ok((elements, layout, size))
}

impl<'a, T: Element> Expr<'a, T> {
    /// Computes the expression into a new array: an [`Array`], a `Vec`, a number (for rank 0), or an array of `ndarray`.
    ///
    /// Compiles first, unless a program of the same structure has been compiled before.
    ///
    /// ```
    /// use elide::lazy;
    /// let v = vec![1.0f64, -2.0, 3.0];
    /// let x = &lazy(&v);
    /// let total: f64 = x.gt(0.0).select(x * x, 0.0).sum().eval()?;
    /// assert_eq!(total, 10.0);
    /// # Ok::<(), elide::Error>(())
    /// ```
    ///
    /// # Errors
    /// The first mistake in the expression, with its line; inputs without data; a result that `O` cannot hold.
    #[track_caller]
    pub fn eval<O: FromElements<T>>(&self) -> Result<O> {
        let site = Site::caller();
        self.check()?;
        let expr: DynExpr<'a> = self.clone().into();
        let lazy = Lazy::new(std::slice::from_ref(&expr))?;
        let shape = fixed_shape(&expr)?;
        let (mut elements, layout, size) = room::<T>(&shape, site)?;
        // Touching the memory before the kernel does would cost as much again as the kernel's own first touch.
        // SAFETY: the reserved memory has room for `size` elements in C order, and nothing else refers to it; it is written
        // before it is read.
        let out = unsafe { ArrayMut::from_raw(elements.as_mut_ptr().cast(), T::DTYPE, layout)? };
        lazy.run(vec![out], site)?;
        // SAFETY: the run succeeded, so every element of the output's layout, which is all `size` of them, was written with a
        // valid `T` (a `bool` as 0 or 1).
        unsafe { elements.set_len(size) };
        O::from_elements(&shape, elements).map_err(|e| e.at(site))
    }

    /// Computes the expression into an array that exists. Allocates nothing that grows with the arrays.
    ///
    /// # Errors
    /// As for [`eval`](Expr::eval), and if the array has another shape.
    #[track_caller]
    pub fn eval_into<'d, A>(&self, out: A) -> Result<()>
    where
        A: TryInto<ArrayMut<'d>>,
        A::Error: Into<Error>,
    {
        DynExpr::from(self.clone()).eval_into(out)
    }
}

impl<T: Element> Compressed<Expr<'_, T>> {
    /// The elements that were selected. Memory is taken for as many as there could be.
    ///
    /// # Errors
    /// As for [`Expr::eval`].
    #[track_caller]
    pub fn eval(&self) -> Result<Vec<T>> {
        let site = Site::caller();
        let (values, count) = (self.values(), self.count());
        values.check()?;
        let lazy = Lazy::new(&[values.clone().into(), count.into()])?;
        let shape = fixed_shape(&values.into())?;
        let (mut elements, layout, size) = room::<T>(&shape, site)?;
        let mut count = [0i64];
        // SAFETY: as in `Expr::eval`.
        let out = unsafe { ArrayMut::from_raw(elements.as_mut_ptr().cast(), T::DTYPE, layout)? };
        lazy.run(vec![out, ArrayMut::strided(&mut count, &[], &[], 0)?], site)?;
        // SAFETY: the run succeeded, so that every one of the `size` elements was written with a valid `T`.
        unsafe { elements.set_len(size.min(count[0] as usize)) };
        Ok(elements)
    }
}

impl DynExpr<'_> {
    /// Computes the expression into an array that exists. Allocates nothing that grows with the arrays.
    ///
    /// # Errors
    /// The first mistake in the expression, with its line; inputs without data; an array of another type or shape.
    #[track_caller]
    pub fn eval_into<'d, A>(&self, out: A) -> Result<()>
    where
        A: TryInto<ArrayMut<'d>>,
        A::Error: Into<Error>,
    {
        let site = Site::caller();
        self.check()?;
        let out = out.try_into().map_err(|e| e.into().at(site))?;
        Lazy::new(std::slice::from_ref(self))?.run(vec![out], site)
    }
}

/// Computes several expressions at once, sharing loops and subexpressions, into arrays that exist.
///
/// # Errors
/// As for [`Expr::eval_into`]; and if there are not as many arrays as expressions.
#[track_caller]
pub fn eval_all(exprs: &[DynExpr<'_>], outs: Vec<ArrayMut<'_>>) -> Result<()> {
    let site = Site::caller();
    if exprs.len() != outs.len() {
        return Err(Error::new(ErrorKind::Bind, format!("{} expressions but {} arrays", exprs.len(), outs.len())).at(site));
    }
    exprs.iter().try_for_each(|e| e.check())?;
    Lazy::new(exprs)?.run(outs, site)
}
