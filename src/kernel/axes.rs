//! The axes of a nest while it is being built: ordered for memory, merged where every operand allows it.

use std::cmp::Ordering;

use crate::size::Size;

/// One loop and how every access moves along it.
#[derive(Clone, Debug)]
pub(super) struct LoopAxis {
    pub extent: Size,
    /// True if it must run from its end.
    pub reversed: bool,
    /// True if its indices must come one after another.
    pub carried: bool,
    /// Which of the axes it is that are done part by part, if it is one: it stays an axis of its own.
    pub part: Option<u8>,
    /// In bytes, one per access.
    pub strides: Vec<Size>,
    /// How far an access goes from one index to the next: its stride, or all of the axes that positions are picked along if those change.
    pub reach: Vec<Size>,
}

/// Orders axes so that memory is walked forward: the axis with the smallest strides innermost. Accesses listed first in
/// `priority` decide first; axes that no access tells apart keep their order.
pub(super) fn order(axes: &mut [LoopAxis], priority: &[usize]) {
    // The relation need not be transitive when operands disagree, so this is an insertion sort, as in NumPy's iterator.
    for k in 1..axes.len() {
        let mut at = k;
        while at > 0 && inner_first(&axes[at - 1], &axes[at], priority) {
            axes.swap(at - 1, at);
            at -= 1;
        }
    }
}

/// True if `outer` should be inside `inner`.
fn inner_first(outer: &LoopAxis, inner: &LoopAxis, priority: &[usize]) -> bool {
    for &a in priority {
        let (o, i) = (&outer.reach[a], &inner.reach[a]);
        if *o == Size::ZERO || *i == Size::ZERO {
            continue;
        }
        match o.magnitude().cmp(&i.magnitude()) {
            Ordering::Less => return true,
            Ordering::Greater => return false,
            Ordering::Equal => {}
        }
    }
    false
}

/// Merges neighbours that every access walks as one axis.
pub(super) fn coalesce(axes: &mut Vec<LoopAxis>) {
    axes.retain(|a| a.part.is_some() || a.extent != Size::ONE);
    let mut k = 0;
    while k + 1 < axes.len() {
        let (outer, inner) = (&axes[k], &axes[k + 1]);
        let merges = outer.reversed == inner.reversed
            && outer.part.is_none()
            && inner.part.is_none()
            && outer.strides.iter().zip(&inner.strides).all(|(o, i)| *o == i.mul(&inner.extent));
        if merges {
            let inner = axes.remove(k + 1);
            let carried = axes[k].carried || inner.carried;
            axes[k] = LoopAxis { extent: axes[k].extent.mul(&inner.extent), carried, ..inner };
        } else {
            k += 1;
        }
    }
}

/// Turns the axes that must run backward: their strides change sign, and every access starts at their end. The innermost one
/// keeps its strides, so that lanes stay adjacent; whether it is to run down is returned.
pub(super) fn turn(axes: &mut [LoopAxis], offsets: &mut [Size]) -> bool {
    let Some((innermost, outer)) = axes.split_last_mut() else { return false };
    for axis in outer.iter_mut().filter(|a| a.reversed) {
        let last = axis.extent.sub(&Size::ONE);
        for (stride, offset) in axis.strides.iter_mut().zip(offsets.iter_mut()) {
            *offset = offset.add(&last.mul(stride));
            *stride = stride.scale(-1);
        }
        axis.reversed = false;
    }
    innermost.reversed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(extent: Size, strides: &[Size]) -> LoopAxis {
        LoopAxis { extent, reversed: false, carried: false, part: None, strides: strides.to_vec(), reach: strides.to_vec() }
    }

    #[test]
    fn contiguous_operands_become_one_loop() {
        let (n, m) = (Size::named("n"), Size::named("m"));
        let row = m.scale(8);
        let mut axes = vec![axis(n.clone(), &[row.clone(), Size::ZERO]), axis(m.clone(), &[Size::from(8i64), Size::ZERO])];
        coalesce(&mut axes);
        assert_eq!(axes.len(), 1);
        assert_eq!(axes[0].extent, n.mul(&m));
        let mut axes = vec![axis(n.clone(), &[row, Size::ZERO]), axis(m, &[Size::from(8i64), Size::from(8i64)])];
        coalesce(&mut axes);
        assert_eq!(axes.len(), 2, "a row broadcast over the outer axis keeps the axes apart");
    }

    #[test]
    fn the_output_decides_the_order() {
        let (n, m) = (Size::named("n"), Size::named("m"));
        let mut axes = vec![axis(n.clone(), &[Size::from(8i64), m.scale(8)]), axis(m.clone(), &[n.scale(8), Size::from(8i64)])];
        order(&mut axes, &[1, 0]);
        assert_eq!(axes[0].extent, n);
        order(&mut axes, &[0, 1]);
        assert_eq!(axes[0].extent, m);
    }
}
