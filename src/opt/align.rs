//! Two shapes of the same elements in C order, and the parts of their axes that are the same.

use crate::size::Size;

/// Axes, or parts of axes, of two shapes that have the same elements in the same order; each outermost first, with the axis that it is
/// a part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Of the first shape.
    pub source: Vec<(Size, usize)>,
    /// Of the second one.
    pub target: Vec<(Size, usize)>,
}

impl Block {
    fn axis(n: &Size, source: usize, target: usize) -> Block {
        Block { source: vec![(n.clone(), source)], target: vec![(n.clone(), target)] }
    }

    /// True if it is one axis of both shapes.
    pub fn is_axis(&self) -> bool {
        self.source.len() == 1 && self.target.len() == 1
    }
}

/// The axes of two shapes of as many elements, cut so that as many parts as possible are the same: the coarsest common refinement
/// where there is one. From the innermost block outward, axes of extent 1 left out. `None` where nothing is known, or if there are no
/// elements.
pub(super) fn align(source: &[Size], target: &[(Size, usize)]) -> Option<Vec<Block>> {
    if source.iter().chain(target.iter().map(|(n, _)| n)).any(|n| *n == Size::ZERO) {
        return None;
    }
    // What is left of the axes of each, the innermost last.
    let mut left: Vec<(Size, usize)> = source.iter().cloned().zip(0..).filter(|(n, _)| *n != Size::ONE).collect();
    let mut own: Vec<(Size, usize)> = target.iter().filter(|(n, _)| *n != Size::ONE).cloned().collect();
    let rest = |n: Option<Size>, part: usize| n.filter(|n| *n != Size::ONE).map(|n| (n, part));
    let mut blocks = Vec::new();
    while let (Some((n, from)), Some((m, part))) = (left.last().cloned(), own.last().cloned()) {
        let common = common(&n, &m);
        if common != Size::ONE {
            left.pop();
            own.pop();
            left.extend(rest(n.exact_quotient(&common), from));
            own.extend(rest(m.exact_quotient(&common), part));
            blocks.push(Block::axis(&common, from, part));
            continue;
        }
        // [.., m, n] and [.., n, m], if the axes outside have such parts; else all the rest is one block.
        let outer = left.iter().rev().nth(1).and_then(|(n, from)| Some((n.exact_quotient(&m)?, *from)));
        let own_outer = own.iter().rev().nth(1).and_then(|(m, part)| Some((m.exact_quotient(&n)?, *part)));
        match (outer, own_outer) {
            (Some((outer, outer_from)), Some((own_outer, at))) => {
                left.truncate(left.len() - 2);
                own.truncate(own.len() - 2);
                left.extend(rest(Some(outer), outer_from));
                own.extend(rest(Some(own_outer), at));
                blocks.push(Block { source: vec![(m.clone(), outer_from), (n.clone(), from)], target: vec![(n, at), (m, part)] });
            }
            _ => blocks.push(Block { source: std::mem::take(&mut left), target: std::mem::take(&mut own) }),
        }
    }
    (left.is_empty() && own.is_empty()).then_some(blocks)
}

/// A size by which both can be divided: the greatest that is known.
fn common(n: &Size, m: &Size) -> Size {
    if let (Some(mut a), Some(mut b)) = (n.as_const(), m.as_const()) {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        return Size::from(a.max(1));
    }
    if n.exact_quotient(m).is_some() {
        return m.clone();
    }
    if m.exact_quotient(n).is_some() { n.clone() } else { Size::ONE }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aligned(source: &[Size], target: &[Size]) -> Option<Vec<String>> {
        let target: Vec<(Size, usize)> = target.iter().cloned().zip(0..).collect();
        let text = |b: &Block| {
            let source: Vec<&Size> = b.source.iter().map(|(n, _)| n).collect();
            let target: Vec<String> = b.target.iter().map(|(n, k)| format!("{n}@{k}")).collect();
            format!("{source:?} {}", target.join(" "))
        };
        align(source, &target).map(|blocks| blocks.iter().map(text).collect())
    }

    fn sizes(x: &[i64]) -> Vec<Size> {
        x.iter().map(|n| Size::from(*n)).collect()
    }

    #[test]
    fn what_straddles_is_as_small_as_can_be() {
        let of = |a: &[i64], b: &[i64]| aligned(&sizes(a), &sizes(b)).map(|b| b.join(", "));
        assert_eq!(of(&[6, 4], &[3, 8]).unwrap(), "[4] 4@1, [2] 2@1, [3] 3@0");
        assert_eq!(of(&[3000, 4000], &[8000, 1500]).unwrap(), "[500] 500@1, [3, 8] 8@0 3@1, [1000] 1000@0");
        assert_eq!(of(&[2, 5, 3], &[3, 10]).unwrap(), "[2, 5, 3] 3@0 10@1");
        assert_eq!(of(&[4, 6], &[8, 3]).unwrap(), "[3] 3@1, [2] 2@0, [4] 4@0");
        assert_eq!(of(&[1, 4, 1], &[2, 1, 2]).unwrap(), "[2] 2@2, [2] 2@0");
        assert_eq!(of(&[0, 4], &[0]), None);
        assert_eq!(of(&[2, 4], &[4]), None);
    }

    #[test]
    fn names_divide_what_they_are_factors_of() {
        let (n, m, seven) = (Size::named("n"), Size::named("m"), Size::from(7i64));
        let nm = n.mul(&m);
        let of = |a: &[Size], b: &[Size]| aligned(a, b).map(|b| b.join(", "));
        assert_eq!(of(&[n.clone(), m.clone()], std::slice::from_ref(&nm)).unwrap(), "[m] m@0, [n] n@0");
        assert_eq!(of(&[n.clone(), m.clone()], &[m.clone(), n.clone()]).unwrap(), "[n, m] m@0 n@1");
        assert_eq!(of(&[n.clone(), m.clone()], &[nm.div(&seven), seven]).unwrap(), "[n, m] floor((m*n)/7)@0 7@1");
    }
}
