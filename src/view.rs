//! Views: the affine maps from the index of a result to the index of its source.
//!
//! Slices, permutations, flips, new axes, broadcasts, diagonals and axis-splitting reshapes are all maps of one form, and so
//! is any composition of them: a chain of views is a single map, and reading through it costs one address computation.

use std::fmt;

use smallvec::{SmallVec, smallvec};

use crate::error::{Error, ErrorKind, Result, bail};
use crate::shape::{Equation, Joined, Shape, equate, stretches};
use crate::size::Size;

/// The index along one source axis: `offset + Σ step * index[axis]` over axes of the result.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct AxisMap {
    /// The index at the result's first element.
    pub offset: Size,
    /// The result's axes that move this source axis, each with its step, in order of axis; no zero steps.
    pub terms: SmallVec<[(u32, Size); 1]>,
}

impl AxisMap {
    fn identity(axis: usize) -> AxisMap {
        AxisMap { offset: Size::ZERO, terms: smallvec![(axis as u32, Size::ONE)] }
    }

    fn fixed(offset: Size) -> AxisMap {
        AxisMap { offset, terms: SmallVec::new() }
    }
}

/// An affine map from indices of a result of shape `shape` to indices of a source.
///
/// Invariant: for every index inside `shape`, the mapped index is inside the source. The constructors establish it for all
/// values of the named dims under which the result is not empty, and binding checks it again with numbers.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct View {
    /// The shape of the result.
    pub shape: Shape,
    /// One map per axis of the source.
    pub axes: SmallVec<[AxisMap; 4]>,
}

/// One axis of a slicing expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slice {
    /// Python's `start:stop:step`; negative bounds count from the end, bounds past the ends are clamped.
    Range {
        /// First index, or the natural end for the sign of the step.
        start: Option<isize>,
        /// The index before which to stop.
        stop: Option<isize>,
        /// Distance between elements, not zero.
        step: isize,
    },
    /// A single index, which removes the axis; negative counts from the end.
    Index(isize),
    /// A new axis of extent 1.
    NewAxis,
    /// As many full axes as fit; at most one per expression.
    Ellipsis,
}

impl Slice {
    /// `:`
    pub const FULL: Slice = Slice::Range { start: None, stop: None, step: 1 };
}

impl From<isize> for Slice {
    fn from(k: isize) -> Slice {
        Slice::Index(k)
    }
}
impl From<std::ops::RangeFull> for Slice {
    fn from(_: std::ops::RangeFull) -> Slice {
        Slice::FULL
    }
}
impl From<std::ops::Range<isize>> for Slice {
    fn from(r: std::ops::Range<isize>) -> Slice {
        Slice::Range { start: Some(r.start), stop: Some(r.end), step: 1 }
    }
}
impl From<std::ops::RangeFrom<isize>> for Slice {
    fn from(r: std::ops::RangeFrom<isize>) -> Slice {
        Slice::Range { start: Some(r.start), stop: None, step: 1 }
    }
}
impl From<std::ops::RangeTo<isize>> for Slice {
    fn from(r: std::ops::RangeTo<isize>) -> Slice {
        Slice::Range { start: None, stop: Some(r.end), step: 1 }
    }
}

impl View {
    /// The view that changes nothing.
    pub fn identity(shape: &Shape) -> View {
        View { shape: shape.clone(), axes: (0..shape.rank()).map(AxisMap::identity).collect() }
    }

    /// True if this view changes nothing about a source of shape `source`.
    pub fn is_identity(&self, source: &Shape) -> bool {
        self.shape == *source && self.axes.iter().enumerate().all(|(k, a)| *a == AxisMap::identity(k))
    }

    /// The view of `source` through `self`, seen through `outer`: result index to source index by way of the middle one.
    pub fn then(&self, outer: &View) -> View {
        let axes = self
            .axes
            .iter()
            .map(|a| {
                let mut offset = a.offset.clone();
                let mut terms: SmallVec<[(u32, Size); 1]> = SmallVec::new();
                for (mid, step) in &a.terms {
                    let o = &outer.axes[*mid as usize];
                    offset = offset.add(&o.offset.mul(step));
                    for (axis, s) in &o.terms {
                        let s = s.mul(step);
                        match terms.iter_mut().find(|(k, _)| k == axis) {
                            Some((_, total)) => *total = total.add(&s),
                            None => terms.push((*axis, s)),
                        }
                    }
                }
                terms.retain(|(_, s)| *s != Size::ZERO);
                terms.sort_by_key(|(k, _)| *k);
                AxisMap { offset, terms }
            })
            .collect();
        View { shape: outer.shape.clone(), axes }
    }

    /// The view of this view's result that drops the axes along which nothing moves, and the view back; `None` if all move.
    pub(crate) fn without_repeats(&self) -> Option<(View, View)> {
        let used = |k: &usize| self.axes.iter().any(|a| a.terms.iter().any(|t| t.0 as usize == *k));
        let kept: Vec<usize> = (0..self.shape.rank()).filter(used).collect();
        if kept.len() == self.shape.rank() {
            return None;
        }
        let shape: Shape = kept.iter().map(|&k| self.shape.extents()[k].clone()).collect();
        let axes = (0..self.shape.rank()).map(|k| View::axis_or_start(kept.iter().position(|&x| x == k))).collect();
        let back = View { shape: self.shape.clone(), axes: kept.iter().map(|&k| View::axis_or_start(Some(k))).collect() };
        Some((View { shape, axes }, back))
    }

    /// The same view by an index with two axes exchanged, whose extents are equal.
    pub(crate) fn exchanged(&self, p: usize, q: usize) -> View {
        let mut view = self.clone();
        for map in &mut view.axes {
            for (axis, _) in &mut map.terms {
                *axis = match *axis as usize {
                    k if k == p => q as u32,
                    k if k == q => p as u32,
                    _ => *axis,
                };
            }
            map.terms.sort_by_key(|(k, _)| *k);
        }
        view
    }

    /// This view with the last axes of another one behind its own, each its own index.
    pub(crate) fn beside(&self, other: &View, count: usize) -> View {
        let mut out = self.clone();
        for extent in &other.shape.0[other.shape.rank() - count..] {
            out.axes.push(AxisMap::identity(out.shape.rank()));
            out.shape.0.push(extent.clone());
        }
        out
    }

    /// The map of one source axis: an axis of the result, or index 0 throughout.
    pub(crate) fn axis_or_start(axis: Option<usize>) -> AxisMap {
        axis.map_or_else(|| AxisMap::fixed(Size::ZERO), AxisMap::identity)
    }

    /// NumPy's `transpose(axes)`: result axis `k` is source axis `order[k]`.
    ///
    /// # Errors
    /// If `order` is not a permutation of the source's axes.
    pub fn permute(source: &Shape, order: &[usize]) -> Result<View> {
        let rank = source.rank();
        let mut seen = vec![false; rank];
        if order.len() != rank || order.iter().any(|&k| k >= rank || std::mem::replace(&mut seen[k], true)) {
            bail!(Shape, "{order:?} is not a permutation of the {rank} axes of {source}");
        }
        let mut view = View { shape: order.iter().map(|&k| source.0[k].clone()).collect(), axes: SmallVec::new() };
        for k in 0..rank {
            let at = order.iter().position(|&o| o == k).expect("a permutation");
            view.axes.push(AxisMap::identity(at));
        }
        Ok(view)
    }

    /// NumPy's `broadcast_to`. Also returns the equations that must hold at bind time.
    ///
    /// # Errors
    /// If an extent of `source` is neither 1 nor the target's.
    pub fn broadcast(source: &Shape, target: &Shape) -> Result<(View, Vec<Equation>)> {
        if source.rank() > target.rank() {
            bail!(Shape, "cannot broadcast {source} to {target}, which has fewer axes");
        }
        let pad = target.rank() - source.rank();
        let mut equations = Vec::new();
        let mut axes = SmallVec::new();
        for (k, extent) in source.0.iter().enumerate() {
            let want = &target.0[pad + k];
            if extent == want {
                axes.push(AxisMap::identity(pad + k));
            } else if *extent == Size::ONE {
                axes.push(AxisMap::fixed(Size::ZERO));
            } else if let Some(equation) = stretches(extent, want) {
                equations.push(equation);
                axes.push(AxisMap::fixed(Size::ZERO));
            } else {
                match equate(extent, want) {
                    Joined::Never => {
                        return Err(Error::new(
                            ErrorKind::Shape,
                            format!("cannot broadcast {source} to {target}: {extent} is neither 1 nor {want}"),
                        ));
                    }
                    Joined::If(_, eq) => equations.push(eq),
                    Joined::Same(_) => {}
                }
                axes.push(AxisMap::identity(pad + k));
            }
        }
        Ok((View { shape: target.clone(), axes }, equations))
    }

    /// Inserts an axis of extent 1 before axis `at`.
    ///
    /// # Errors
    /// If `at` is beyond the rank.
    pub fn new_axis(source: &Shape, at: usize) -> Result<View> {
        if at > source.rank() {
            bail!(Shape, "cannot insert an axis at {at} of {source}");
        }
        let mut shape = source.clone();
        shape.0.insert(at, Size::ONE);
        let axes = (0..source.rank()).map(|k| AxisMap::identity(k + usize::from(k >= at))).collect();
        Ok(View { shape, axes })
    }

    /// Removes an axis of extent 1.
    ///
    /// # Errors
    /// If the extent is not 1.
    pub fn squeeze(source: &Shape, at: usize) -> Result<View> {
        if source.0[at] != Size::ONE {
            bail!(Shape, "cannot remove axis {at} of {source}: its extent is {}, not 1", source.0[at]);
        }
        let mut view = View { shape: source.clone(), axes: SmallVec::new() };
        view.shape.0.remove(at);
        for k in 0..source.rank() {
            view.axes.push(match k.cmp(&at) {
                std::cmp::Ordering::Less => AxisMap::identity(k),
                std::cmp::Ordering::Equal => AxisMap::fixed(Size::ZERO),
                std::cmp::Ordering::Greater => AxisMap::identity(k - 1),
            });
        }
        Ok(view)
    }

    /// Reverses one axis.
    pub fn flip(source: &Shape, axis: usize) -> View {
        let mut view = View::identity(source);
        view.axes[axis] = AxisMap { offset: source.0[axis].sub(&Size::ONE), terms: smallvec![(axis as u32, Size::from(-1i64))] };
        view
    }

    /// NumPy's `diagonal(offset, axis1, axis2)`: the two axes are removed and the diagonal is the last axis.
    ///
    /// # Errors
    /// If the two axes are the same.
    pub fn diagonal(source: &Shape, offset: isize, axis1: usize, axis2: usize) -> Result<View> {
        if axis1 == axis2 {
            bail!(Shape, "the two axes of a diagonal must differ");
        }
        let (skip1, skip2) = if offset >= 0 { (0, offset as i64) } else { (-(offset as i64), 0) };
        let (n1, n2) = (source.0[axis1].sub(&Size::from(skip1)), source.0[axis2].sub(&Size::from(skip2)));
        let extent = n1.lesser(&n2).max0();
        let mut shape: Shape = (0..source.rank()).filter(|k| *k != axis1 && *k != axis2).map(|k| source.0[k].clone()).collect();
        let last = shape.rank();
        shape.0.push(extent);
        let mut next = 0;
        let mut axes = SmallVec::new();
        for k in 0..source.rank() {
            if k == axis1 || k == axis2 {
                let offset = Size::from(if k == axis1 { skip1 } else { skip2 });
                axes.push(AxisMap { offset, terms: smallvec![(last as u32, Size::ONE)] });
            } else {
                axes.push(AxisMap::identity(next));
                next += 1;
            }
        }
        Ok(View { shape, axes })
    }

    /// Python's indexing with slices, integers, `None` and `...`.
    ///
    /// # Errors
    /// If there are more indices than axes, two ellipses, a zero step, or an index out of a fixed extent.
    pub fn slice(source: &Shape, items: &[Slice]) -> Result<View> {
        let used = items.iter().filter(|s| matches!(s, Slice::Range { .. } | Slice::Index(_))).count();
        if used > source.rank() {
            bail!(Shape, "too many indices for {source}: it has {} axes, but {used} were indexed", source.rank());
        }
        if items.iter().filter(|s| **s == Slice::Ellipsis).count() > 1 {
            bail!(Shape, "an index can only have a single ellipsis (`...`)");
        }
        let missing = source.rank() - used;
        let mut full = Vec::new();
        for item in items {
            match item {
                Slice::Ellipsis => full.extend(std::iter::repeat_n(Slice::FULL, missing)),
                other => full.push(*other),
            }
        }
        if !items.contains(&Slice::Ellipsis) {
            full.extend(std::iter::repeat_n(Slice::FULL, missing));
        }
        let mut view = View { shape: Shape::scalar(), axes: SmallVec::new() };
        for item in full {
            let src = view.axes.len();
            match item {
                Slice::NewAxis => view.shape.0.push(Size::ONE),
                Slice::Index(k) => view.axes.push(AxisMap::fixed(index_in(&source.0[src], k, src)?)),
                Slice::Range { start, stop, step } => {
                    let (offset, extent) = slice_range(&source.0[src], start, stop, step)?;
                    let axis = view.shape.rank() as u32;
                    view.shape.0.push(extent);
                    view.axes.push(AxisMap { offset, terms: smallvec![(axis, Size::from(step as i64))] });
                }
                Slice::Ellipsis => unreachable!("expanded above"),
            }
        }
        Ok(view)
    }

    #[cfg(feature = "text")]
    /// A part of one axis between two bounds that are not negative, each the start or the end where it is not given.
    pub(crate) fn range(source: &Shape, axis: usize, start: Option<&Size>, stop: Option<&Size>, step: u32) -> View {
        let n = &source.0[axis];
        let low = start.cloned().unwrap_or(Size::ZERO);
        let high = stop.map_or_else(|| n.clone(), |stop| stop.lesser(n));
        let mut view = View::identity(source);
        view.shape.0[axis] = high.sub(&low).max0().div_ceil(step.into());
        view.axes[axis] = AxisMap { offset: low, terms: smallvec![(axis as u32, Size::from(i64::from(step)))] };
        view
    }

    /// The reshape of `source` to `target` as a view, where every target axis lies within one source axis (axes split, axes
    /// of extent 1 come and go). `None` where axes would have to merge, which depends on strides.
    pub fn split(source: &Shape, target: &Shape) -> Option<View> {
        let mut axes: SmallVec<[AxisMap; 4]> = SmallVec::new();
        let mut next = 0;
        for extent in &source.0 {
            if *extent == Size::ONE {
                axes.push(AxisMap::fixed(Size::ZERO));
                continue;
            }
            let mut got = Size::ONE;
            let first = next;
            while got != *extent {
                got = got.mul(target.0.get(next)?);
                next += 1;
            }
            let mut step = Size::ONE;
            let mut terms = SmallVec::new();
            for k in (first..next).rev() {
                if target.0[k] != Size::ONE {
                    terms.insert(0, (k as u32, step.clone()));
                }
                step = step.mul(&target.0[k]);
            }
            axes.push(AxisMap { offset: Size::ZERO, terms });
        }
        target.0[next..].iter().all(|e| *e == Size::ONE).then(|| View { shape: target.clone(), axes })
    }
}

fn index_in(extent: &Size, k: isize, axis: usize) -> Result<Size> {
    let k64 = k as i64;
    if let Some(n) = extent.as_const()
        && !(-n..n).contains(&k64)
    {
        bail!(Shape, "index {k} is out of bounds for axis {axis} with size {n}");
    }
    Ok(if k < 0 { extent.add(&Size::from(k64)) } else { Size::from(k64) })
}

/// Offset and extent of `start:stop:step` on an axis. Where the result is empty the offset may be anything.
///
/// The extent has `n` once wherever there is such a formula, so that slices of slices of a named dim do not have sizes that double
/// in length each time: of two bounds from the same end, the difference is `n` less something, between zero and a constant.
fn slice_range(n: &Size, start: Option<isize>, stop: Option<isize>, step: isize) -> Result<(Size, Size)> {
    if step == 0 {
        bail!(Shape, "the step of a slice cannot be zero");
    }
    // Longer ones do the same on any axis, and a sum with them must not overflow.
    let step = (step as i64).clamp(-(1 << 62), 1 << 62);
    let plus = |k: isize| n.add(&Size::from(k as i64));
    let at = |k: isize| Size::from(k as i64);
    // How many of the last elements lie between two bounds, where `x` is as far as the array reaches.
    let between = |x: Size, most: isize| x.max0().lesser(&at(most.max(0)));
    if step > 0 {
        // Bounds that only shrink the axis need no clamping: the extent's own max(.., 0) covers them.
        let low = match start {
            None => Size::ZERO,
            Some(a) if a >= 0 => at(a),
            Some(a) => plus(a).max0(),
        };
        let count = match (start, stop) {
            (Some(a), None) if a < 0 => n.lesser(&at(a.saturating_neg())),
            (Some(a), Some(b)) if a < 0 && b < 0 => between(plus(b), b.saturating_sub(a)),
            (_, None) => n.sub(&low).max0(),
            (_, Some(b)) if b >= 0 => at(b).lesser(n).sub(&low).max0(),
            (_, Some(b)) => plus(b).sub(&low).max0(),
        };
        Ok((low, count.div_ceil(step)))
    } else {
        let last = n.sub(&Size::ONE);
        let high = match start {
            None => last.clone(),
            Some(a) if a >= 0 => at(a).lesser(&last),
            Some(a) => plus(a),
        };
        let count = match (start.unwrap_or(-1), stop) {
            (a, None) if a >= 0 => n.lesser(&at(a).add(&Size::ONE)),
            (a, None) => plus(a).add(&Size::ONE).max0(),
            (a, Some(b)) if a >= 0 && b >= 0 => between(last.sub(&at(b)), a.saturating_sub(b)),
            // max(n + b, -1)
            (a, Some(b)) if a >= 0 => high.add(&Size::ONE).sub(&plus(b).add(&Size::ONE).max0()).max0(),
            (a, Some(b)) if b >= 0 => plus(a).sub(&at(b)).max0(),
            (a, Some(b)) => between(plus(a).add(&Size::ONE), a.saturating_sub(b)),
        };
        Ok((high, count.div_ceil(-step)))
    }
}

/// Prints the source index of each axis over the result's indices `i0, i1, ...`.
impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (k, a) in self.axes.iter().enumerate() {
            if k > 0 {
                f.write_str(", ")?;
            }
            let mut first = true;
            for (axis, step) in &a.terms {
                let sign = if first { "" } else { " + " };
                match step.as_const() {
                    Some(1) => write!(f, "{sign}i{axis}")?,
                    Some(-1) => write!(f, "{}i{axis}", if first { "-" } else { " - " })?,
                    _ => write!(f, "{sign}{step}*i{axis}")?,
                }
                first = false;
            }
            if first {
                write!(f, "{}", a.offset)?;
            } else if a.offset != Size::ZERO {
                write!(f, " + {}", a.offset)?;
            }
        }
        f.write_str("]")
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}:{}", self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python's own rule, for concrete sizes.
    fn python(n: i64, start: Option<i64>, stop: Option<i64>, step: i64) -> Vec<i64> {
        let clamp = |x: i64, lo: i64, hi: i64| (if x < 0 { x + n } else { x }).clamp(lo, hi);
        let mut out = vec![];
        if step > 0 {
            let (mut k, e) = (start.map_or(0, |a| clamp(a, 0, n)), stop.map_or(n, |b| clamp(b, 0, n)));
            while k < e {
                out.push(k);
                k += step;
            }
        } else {
            let (mut k, e) = (start.map_or(n - 1, |a| clamp(a, -1, n - 1)), stop.map_or(-1, |b| clamp(b, -1, n - 1)));
            while k > e {
                out.push(k);
                k += step;
            }
        }
        out
    }

    #[test]
    fn slices_are_pythons_for_known_and_for_named_extents() {
        let bounds: Vec<Option<isize>> = std::iter::once(None).chain((-7..8).map(Some)).collect();
        for n in 0..6i64 {
            for &start in &bounds {
                for &stop in &bounds {
                    for step in [-3, -2, -1, 1, 2, 3] {
                        let want = python(n, start.map(|x| x as i64), stop.map(|x| x as i64), step);
                        for size in [Size::from(n), Size::named("n")] {
                            let (offset, extent) = slice_range(&size, start, stop, step as isize).unwrap();
                            let env = |_: &crate::size::Var| n;
                            let (o, e) = (offset.eval(&env).unwrap(), extent.eval(&env).unwrap());
                            let got: Vec<i64> = (0..e).map(|k| o + k * step).collect();
                            assert_eq!(got, want, "{start:?}:{stop:?}:{step} of {n} as {size}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn steps_past_any_extent_pick_one_element() {
        for n in [0i64, 1, 5] {
            for step in [isize::MAX, isize::MIN, -isize::MAX] {
                let (_, extent) = slice_range(&Size::named("n"), None, None, step).unwrap();
                assert_eq!(extent.eval(&|_| n), Some(n.min(1)), "{step}");
            }
        }
    }

    #[test]
    fn slices_of_slices_of_named_extents_have_short_sizes() {
        for (start, stop, step) in [(Some(-9), Some(-1), 1), (Some(-9), None, 1), (Some(-2), Some(-11), -1), (Some(9), None, -1)] {
            let (mut n, mut want) = (Size::named("n"), 40);
            for _ in 0..40 {
                n = slice_range(&n, start, stop, step).unwrap().1;
                want = python(want, start.map(|x| x as i64), stop.map(|x| x as i64), step as i64).len() as i64;
                assert_eq!(n.eval(&|_| 40), Some(want), "{n}");
            }
            assert!(n.weight() < 20, "{n}");
        }
    }

    #[test]
    fn composition_is_application_twice() {
        let s = Shape::of([crate::shape::Dim::named("n"), crate::shape::Dim::named("m")]);
        let t = View::permute(&s, &[1, 0]).unwrap();
        assert!(t.then(&View::permute(&t.shape, &[1, 0]).unwrap()).is_identity(&s));
        let f = View::flip(&s, 0);
        assert!(f.then(&View::flip(&f.shape, 0)).is_identity(&s));
        let inner = View::slice(&s, &crate::s![1..-1, 2..]).unwrap();
        assert_eq!(inner.to_string(), "[i0 + 1, i1 + 2]");
        assert_eq!(inner.shape.to_string(), "[max(n - 2, 0),max(m - 2, 0)]");
    }

    #[test]
    fn splitting_reshapes_are_views() {
        let v = View::split(&Shape::fixed(&[6, 1, 4]), &Shape::fixed(&[2, 3, 4, 1])).unwrap();
        assert_eq!(v.to_string(), "[3*i0 + i1, 0, i2]");
        assert!(View::split(&Shape::fixed(&[2, 3]), &Shape::fixed(&[6])).is_none());
        assert!(View::split(&Shape::fixed(&[2, 3]), &Shape::fixed(&[3, 2])).is_none());
    }
}
