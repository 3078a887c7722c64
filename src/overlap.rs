//! Whether two strided arrays share a byte of memory.
//!
//! Ranges of bytes that are apart settle it for most arrays. Where they are not, elements may still interleave without meeting:
//! the even and the odd rows of a matrix, its left and its right half. Let `a` be counted from its lowest element and `b` from
//! its highest. Then byte `p` of an element of one is byte `q` of an element of the other where
//!
//! ```text
//! lowest of a + sum of i_k |s_k| + p = highest of b - sum of j_k |t_k| + q
//! ```
//!
//! so that the question is whether some sum of multiples of the steps, each with its bound, lies in a short range. It is answered
//! exactly, from the longest step on: the shorter ones reach only so far, which leaves few multiples of it, and what they reach
//! are multiples of their greatest common divisor.

use smallvec::SmallVec;

use crate::layout::Layout;

/// An array in memory; its layout has a byte range.
#[derive(Clone, Copy)]
pub(crate) struct Placed<'a> {
    pub address: usize,
    pub layout: &'a Layout,
    /// Bytes of an element.
    pub item: usize,
}

/// Steps of one length: up to `last` of them.
struct Steps {
    step: i128,
    last: i128,
    /// How far these and all shorter ones reach together.
    reach: i128,
    /// The greatest common divisor of these and all shorter ones.
    divisor: i128,
}

/// How many combinations are tried before two arrays are taken to meet. Layouts whose axes nest take a handful.
const MOST: u32 = 10_000;

/// True if some byte belongs to both arrays; also where that takes too long to find out.
pub(crate) fn share_a_byte(a: Placed<'_>, b: Placed<'_>) -> bool {
    if a.layout.shape.contains(&0) || b.layout.shape.contains(&0) {
        return false;
    }
    let axes = |array: Placed<'_>| -> SmallVec<[(i128, i128); 8]> {
        array.layout.shape.iter().zip(&array.layout.strides).map(|(&n, &s)| (s as i128, n as i128 - 1)).collect()
    };
    let (ours, theirs) = (axes(a), axes(b));
    let lowest = a.address as i128 + ours.iter().map(|(s, last)| (s * last).min(0)).sum::<i128>();
    let highest = b.address as i128 + theirs.iter().map(|(s, last)| (s * last).max(0)).sum::<i128>();

    let mut steps: SmallVec<[Steps; 8]> = SmallVec::new();
    for (stride, last) in ours.into_iter().chain(theirs).filter(|(s, last)| *s != 0 && *last > 0) {
        let step = stride.abs();
        match steps.iter_mut().find(|s| s.step == step) {
            Some(same) => same.last += last,
            None => steps.push(Steps { step, last, reach: 0, divisor: 0 }),
        }
    }
    steps.sort_by_key(|s| s.step);
    let (mut reach, mut divisor) = (0, 0);
    for s in &mut steps {
        reach += s.step * s.last;
        divisor = greatest_common_divisor(s.step, divisor);
        (s.reach, s.divisor) = (reach, divisor);
    }
    let distance = highest - lowest;
    reaches(&steps, distance - (a.item as i128 - 1), distance + (b.item as i128 - 1), &mut { MOST })
}

/// True if some sum of the steps, which are sorted by length, is in `low..=high`. It recurs once for each length.
fn reaches(steps: &[Steps], low: i128, high: i128, left: &mut u32) -> bool {
    let Some((longest, shorter)) = steps.split_last() else { return low <= 0 && high >= 0 };
    let (low, high) = (low.max(0), high.min(longest.reach));
    if low > high || high.div_euclid(longest.divisor) * longest.divisor < low {
        return false;
    }
    let beyond = shorter.last().map_or(0, |s| s.reach);
    // The first whose rest the shorter steps can reach.
    let first = (low - beyond + longest.step - 1).div_euclid(longest.step).max(0);
    let last = high.div_euclid(longest.step).min(longest.last);
    for k in first..=last {
        if *left == 0 {
            return true;
        }
        *left -= 1;
        if reaches(shorter, low - k * longest.step, high - k * longest.step, left) {
            return true;
        }
    }
    false
}

fn greatest_common_divisor(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Rng;

    fn bytes(array: Placed<'_>) -> Vec<usize> {
        let mut out = vec![array.address as isize];
        for (&n, &s) in array.layout.shape.iter().zip(&array.layout.strides) {
            out = out.iter().flat_map(|at| (0..n as isize).map(move |k| at + k * s)).collect();
        }
        out.iter().flat_map(|at| (0..array.item).map(move |p| *at as usize + p)).collect()
    }

    #[test]
    fn as_all_bytes_one_by_one() {
        let (mut meet, mut apart) = (0, 0);
        for seed in 0..20_000 {
            let mut r = Rng::new(seed);
            let mut array = || {
                let item = [1, 2, 4, 8][r.below(4)];
                let rank = r.below(4);
                let shape = (0..rank).map(|_| r.below(5)).collect();
                let unit = [1, item as isize][r.below(2)];
                let strides = (0..rank).map(|_| (r.below(25) as isize - 12) * unit).collect();
                (1000 + r.below(60), Layout { shape, strides }, item)
            };
            let (a, b) = (array(), array());
            let a = Placed { address: a.0, layout: &a.1, item: a.2 };
            let b = Placed { address: b.0, layout: &b.1, item: b.2 };
            let theirs = bytes(b);
            let want = bytes(a).iter().any(|p| theirs.contains(p));
            assert_eq!(share_a_byte(a, b), want, "seed {seed}: {:?} at {} and {:?} at {}", a.layout, a.address, b.layout, b.address);
            assert_eq!(share_a_byte(b, a), want, "seed {seed}");
            *(if want { &mut meet } else { &mut apart }) += 1;
        }
        assert!(meet > 2000 && apart > 2000, "{meet} {apart}");
    }

    #[test]
    fn parts_of_a_large_matrix() {
        let part = |first: usize, shape: &[usize], strides: &[isize]| {
            (4096 + 8 * first, Layout { shape: shape.into(), strides: strides.iter().map(|s| 8 * s).collect() })
        };
        let share = |a: &(usize, Layout), b: &(usize, Layout)| {
            let placed = |(address, layout)| Placed { address, layout, item: 8 };
            share_a_byte(placed((a.0, &a.1)), placed((b.0, &b.1)))
        };
        let n = 1 << 20;
        let left = part(0, &[n, 500], &[1000, 1]);
        let right = part(500, &[n, 500], &[1000, 1]);
        let middle = part(499, &[n, 500], &[1000, 1]);
        let mirrored = part((n - 1) * 1000 + 999, &[n, 500], &[-1000, -1]);
        let turned = part(500, &[500, n], &[1, 1000]);
        assert!(!share(&left, &right) && !share(&left, &mirrored) && !share(&left, &turned));
        assert!(share(&left, &middle) && share(&middle, &mirrored) && share(&right, &turned));
        let even = part(0, &[n, 1000], &[2000, 1]);
        let odd = part(1000, &[n, 1000], &[2000, 1]);
        assert!(!share(&even, &odd) && share(&even, &left));
        let diagonal = part(0, &[n], &[1001]);
        let above = part(1, &[n - 1], &[1001]);
        assert!(!share(&diagonal, &above) && share(&diagonal, &left));
    }
}
