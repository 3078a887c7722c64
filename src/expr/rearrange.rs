//! Views that are put together from the elementary ones: axes moved, flipped, turned, cut into windows and parts.

use smallvec::smallvec;

use crate::error::{Error, ErrorKind, Result, bail};
use crate::expr::axes::{Axes, Axis};
use crate::expr::infer::{At, describe, is_error, or_error, permute};
use crate::expr::node::{NodeKind, NodeRef};
use crate::shape::{Equation, Joined, equate};
use crate::size::Size;
use crate::view::{AxisMap, View};

/// The node that `make` makes of an operand that is no mistake.
fn made(a: &NodeRef, site: At, what: &str, make: impl FnOnce() -> Result<NodeRef>) -> NodeRef {
    if is_error(a) {
        return a.clone();
    }
    or_error(make(), a.dtype, site, || format!("{what} of {}", describe(a)))
}

fn viewed(a: &NodeRef, view: View, equations: Vec<Equation>, site: At) -> NodeRef {
    if view.is_identity(&a.shape) && equations.is_empty() {
        return a.clone();
    }
    let shape = view.shape.clone();
    NodeRef::with_equations(NodeKind::View(a.clone(), view), a.dtype, shape, site, equations)
}

/// Two axes in each other's place.
pub(crate) fn swap_axes(a: &NodeRef, first: Axis, second: Axis, site: At) -> NodeRef {
    made(a, site, "swap_axes", || {
        let rank = a.shape.rank();
        let mut order: Vec<usize> = (0..rank).collect();
        order.swap(first.index(rank)?, second.index(rank)?);
        Ok(permute(a, &order.into_iter().map(Axis::from).collect::<Vec<_>>(), site))
    })
}

/// One axis at another place; the others keep their order.
pub(crate) fn move_axis(a: &NodeRef, from: Axis, to: Axis, site: At) -> NodeRef {
    made(a, site, "move_axis", || {
        let rank = a.shape.rank();
        let (from, to) = (from.index(rank)?, to.index(rank)?);
        let mut order: Vec<usize> = (0..rank).filter(|k| *k != from).collect();
        order.insert(to, from);
        Ok(permute(a, &order.into_iter().map(Axis::from).collect::<Vec<_>>(), site))
    })
}

/// Without the axes that are known to have extent 1.
pub(crate) fn squeeze(a: &NodeRef, site: At) -> NodeRef {
    made(a, site, "squeeze", || {
        let mut view = View::identity(&a.shape);
        for k in (0..a.shape.rank()).rev().filter(|&k| a.shape.0[k] == Size::ONE) {
            let drop = View::squeeze(&view.shape, k)?;
            view = view.then(&drop);
        }
        Ok(viewed(a, view, Vec::new(), site))
    })
}

/// The elements of some axes in reverse order.
pub(crate) fn flip(a: &NodeRef, axes: &Axes, site: At) -> NodeRef {
    made(a, site, "flip", || {
        let mut view = View::identity(&a.shape);
        for k in axes.indices(a.shape.rank())? {
            view = view.then(&View::flip(&a.shape, k));
        }
        Ok(viewed(a, view, Vec::new(), site))
    })
}

/// Turned by `quarters` of a circle, from the first axis towards the second.
pub(crate) fn rot90(a: &NodeRef, quarters: isize, first: Axis, second: Axis, site: At) -> NodeRef {
    made(a, site, "rot90", || {
        let rank = a.shape.rank();
        let (i, j) = (first.index(rank)?, second.index(rank)?);
        if i == j {
            bail!(Shape, "the two axes of a rotation must differ");
        }
        let mut order: Vec<usize> = (0..rank).collect();
        order.swap(i, j);
        let view = match quarters.rem_euclid(4) {
            0 => View::identity(&a.shape),
            1 => View::flip(&a.shape, j).then(&View::permute(&a.shape, &order)?),
            2 => View::flip(&a.shape, i).then(&View::flip(&a.shape, j)),
            _ => View::flip(&a.shape, i).then(&View::permute(&a.shape, &order)?),
        };
        Ok(viewed(a, view, Vec::new(), site))
    })
}

/// Every `step`-th run of `length` elements along an axis; a new last axis runs inside it.
pub(crate) fn windows(a: &NodeRef, axis: Axis, length: usize, step: usize, site: At) -> NodeRef {
    made(a, site, "windows", || {
        let axis = axis.index(a.shape.rank())?;
        let (Ok(length), Ok(step)) = (i64::try_from(length), i64::try_from(step)) else { bail!(Shape, "a window that is too long") };
        if length == 0 || step == 0 {
            bail!(Shape, "the length and the step of windows must be at least 1");
        }
        let n = &a.shape.0[axis];
        if n.as_const().is_some_and(|n| n < length) {
            bail!(Shape, "a window of {length} elements is longer than axis {axis}, which has {n}");
        }
        let mut view = View::identity(&a.shape);
        // (n - length) / step + 1, and none where the axis is too short.
        let reach = n.sub(&Size::from(length));
        view.shape.0[axis] = reach.add(&Size::from(step)).max0().div(&Size::from(step));
        view.shape.0.push(Size::from(length));
        let inner = a.shape.rank() as u32;
        view.axes[axis] = AxisMap { offset: Size::ZERO, terms: smallvec![(axis as u32, Size::from(step)), (inner, Size::ONE)] };
        Ok(viewed(a, view, Vec::new(), site))
    })
}

/// The parts of an array along an axis, as many as asked for and of equal extents; if `ragged` the first ones may be longer by one.
pub(crate) fn split(a: &NodeRef, parts: usize, axis: Axis, ragged: bool, site: At) -> Vec<NodeRef> {
    if is_error(a) {
        return vec![a.clone(); parts.max(1)];
    }
    let cut = || {
        let axis = axis.index(a.shape.rank())?;
        let Some(count) = i64::try_from(parts).ok().filter(|n| *n > 0) else {
            bail!(Shape, "an array cannot be split into {parts} parts");
        };
        let n = &a.shape.0[axis];
        let mut equations = Vec::new();
        if !ragged {
            let all = n.div(&Size::from(count)).scale(count);
            match equate(n, &all) {
                Joined::Same(_) => {}
                Joined::If(_, equation) => equations.push(equation),
                Joined::Never => {
                    let error = Error::new(ErrorKind::Shape, format!("axis {axis} has {n} elements, which are not {parts} equal parts"));
                    return Err(error.help("`array_split` makes the first parts longer"));
                }
            }
        }
        let (mut out, mut offset) = (Vec::new(), Size::ZERO);
        for k in 0..count {
            // As many of the first parts have one more as elements are left over.
            let extent = n.add(&Size::from(if ragged { count - 1 - k } else { 0 })).div(&Size::from(count));
            let mut view = View::identity(&a.shape);
            view.shape.0[axis] = extent.clone();
            view.axes[axis].offset = offset.clone();
            offset = offset.add(&extent);
            out.push(viewed(a, view, equations.clone(), site));
        }
        Ok(out)
    };
    cut().unwrap_or_else(|e| vec![or_error(Err(e), a.dtype, site, || format!("split of {}", describe(a))); parts.clamp(1, 64)])
}
