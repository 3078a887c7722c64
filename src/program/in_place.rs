//! Running programs that change borrowed arrays in place.

use super::eval::Lazy;
use crate::dtype::Element;
use crate::error::{Result, Site};
use crate::expr::{DynLazyMut, LazyMut};

impl<T: Element> LazyMut<'_, T> {
    /// Computes all statements, in one kernel, and stores what they make of the array in its memory.
    ///
    /// Compiles first, unless a program of the same structure has been compiled before. Allocates what the schedule says:
    /// no array where the loops can be ordered such that everything is read before it is overwritten.
    ///
    /// # Errors
    /// The first mistake in a statement, with its line; inputs without data; an expression that reads an array as it was
    /// before another program has overwritten it. The array is as it was then.
    #[track_caller]
    pub fn run(self) -> Result<()> {
        run(vec![self.into_dyn()], Site::caller())
    }
}

impl DynLazyMut<'_> {
    /// Computes all statements; see [`LazyMut::run`].
    ///
    /// # Errors
    /// As for [`LazyMut::run`].
    #[track_caller]
    pub fn run(self) -> Result<()> {
        run(vec![self], Site::caller())
    }
}

/// Runs programs over several arrays as one: their statements may read each other's arrays, and see what they were or have
/// become when the statement was written.
///
/// ```
/// use elide::{lazy_mut, run_all};
///
/// let (mut a, mut b) = ([1.0, 2.0], [10.0, 20.0]);
/// let (x, y) = (lazy_mut(&mut a), lazy_mut(&mut b));
/// let old = x.get();
/// x.set(x.get() + y.get());
/// y.set(old - y.get());
/// run_all([x, y])?;
/// assert_eq!((a, b), ([11.0, 22.0], [-9.0, -18.0]));
/// # elide::Result::<()>::Ok(())
/// ```
///
/// Arrays of different element types are passed with [`LazyMut::into_dyn`].
///
/// # Errors
/// As for [`LazyMut::run`].
#[track_caller]
pub fn run_all<'a>(programs: impl IntoIterator<Item = impl Into<DynLazyMut<'a>>>) -> Result<()> {
    run(programs.into_iter().map(Into::into).collect(), Site::caller())
}

fn run(programs: Vec<DynLazyMut<'_>>, site: Site) -> Result<()> {
    let (mut arrays, mut declared, mut values, mut notes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (k, program) in programs.into_iter().enumerate() {
        let (array, data, value, overwritten) = program.into_parts()?;
        arrays.push(array);
        declared.push(data);
        values.push((format!("array {k}").into(), value));
        notes.push(overwritten);
    }
    if arrays.is_empty() {
        return Ok(());
    }
    Lazy::updating(&declared, &values)?.run(arrays, site)?;
    notes.iter().for_each(|n| n.set(Some(site)));
    Ok(())
}
