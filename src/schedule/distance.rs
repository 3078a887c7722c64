//! Reads and writes of one array by one loop nest: in which order of its loops every element is read before it is overwritten.
//!
//! All accesses are affine. Where a read and a write move with every axis of the nest by the same steps, they meet only at one
//! distance: the iteration `i` reads what the iteration `i + d` overwrites. A loop order is legal if every distance is
//! lexicographically positive in it (Allen and Kennedy, *Optimizing Compilers for Modern Architectures*, chapters 2 and 5); an
//! axis may run backwards to make it so. At distance zero an iteration loads before it stores.

use smallvec::SmallVec;

use crate::shape::Shape;
use crate::size::Size;
use crate::view::{AxisMap, View};

/// Per axis of the domain, how far ahead the overwriting iteration is: negative, zero, positive, [not negative](MAYBE), not
/// positive, or unknown.
pub(super) type Distance = SmallVec<[Option<i8>; 4]>;

/// Sizes of which each bounds the same number.
type Bounds = SmallVec<[Size; 4]>;

/// How a read and a write of one array meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meeting {
    /// At no element.
    Never,
    /// Only inside one iteration, where loads come before stores.
    Same,
    /// At this distance.
    At(Distance),
}

/// How the loops of a step run.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Walk {
    /// For each axis of the domain, whether it runs from its end.
    pub reversed: SmallVec<[bool; 4]>,
    /// The axes from the outermost loop in, where their order matters.
    pub order: Option<SmallVec<[u8; 4]>>,
    /// For each axis of the domain, whether an iteration may read what one at another index of it overwrites. Indices of such an
    /// axis come one after another, whatever its direction.
    pub carried: SmallVec<[bool; 4]>,
}

impl Walk {
    /// True if the loops, each of which runs in one piece, may be in any order and forward.
    pub fn is_free(&self) -> bool {
        self.order.is_none() && !self.reversed.contains(&true)
    }
}

/// As a distance: zero or positive, which the sizes at hand decide. It settles a direction but no order: where it is zero, the
/// loops inside must be right as well.
const MAYBE: i8 = 2;

fn sign(x: &Size) -> Option<i8> {
    let negated = x.scale(-1);
    match x.as_const() {
        Some(c) => Some(c.signum() as i8),
        None if x.sub(&Size::ONE).is_never_negative() => Some(1),
        None if negated.sub(&Size::ONE).is_never_negative() => Some(-1),
        None if x.is_never_negative() => Some(MAYBE),
        None if negated.is_never_negative() => Some(-MAYBE),
        None => None,
    }
}

/// Sizes that the lowest and the highest index of an axis map over a box lie between, where the box is not empty.
fn reach(map: &AxisMap, shape: &Shape) -> Option<(Bounds, Bounds)> {
    let mut low: Bounds = SmallVec::from_elem(map.offset.clone(), 1);
    let mut high = low.clone();
    for (axis, step) in &map.terms {
        let step = step.as_const()?;
        let far = shape.extents()[*axis as usize].last_within(step.abs());
        if step < 0 {
            low = low.iter().flat_map(|l| far.iter().map(|f| l.sub(f))).collect();
        } else {
            high = high.iter().flat_map(|h| far.iter().map(|f| h.add(f))).collect();
        }
        if low.len() + high.len() > 64 {
            return None;
        }
    }
    Some((low, high))
}

/// True if the two maps, over index sets of these shapes, can be seen to have no element in common.
///
/// `assumed` lists sizes that are not negative.
pub(super) fn apart(a: &View, b: &View, assumed: &[Size]) -> bool {
    let below = |highs: &[Size], lows: &[Size]| {
        let gap = |h: &Size, l: &Size| {
            let gap = l.sub(h).sub(&Size::ONE);
            gap.is_never_negative() || assumed.iter().any(|a| gap.sub(a).is_never_negative())
        };
        highs.iter().any(|h| lows.iter().any(|l| gap(h, l)))
    };
    a.axes.iter().zip(&b.axes).any(|(x, y)| {
        if let (Some((xl, xh)), Some((yl, yh))) = (reach(x, &a.shape), reach(y, &b.shape))
            && (below(&xh, &yl) || below(&yh, &xl))
        {
            return true;
        }
        // Every other element, and the ones between.
        let step = |m: &AxisMap| match m.terms.as_slice() {
            [(_, s)] => s.as_const().map(i64::abs),
            _ => None,
        };
        match (step(x), step(y), x.offset.sub(&y.offset).as_const()) {
            (Some(s), Some(t), Some(d)) if s == t && s > 1 => d % s != 0,
            _ => false,
        }
    })
}

/// True if a read from the far end and a write from the near one, both over half an axis, can meet at the middle only, which both
/// reach in the same iteration.
fn meets_in_the_middle(read: &AxisMap, write: &AxisMap, half: &Size) -> bool {
    // ro - s*i = wo + s*j has i + j = gap, and neither is above half - 1.
    let (Some(step), gap) = (write.terms[0].1.as_const(), read.offset.sub(&write.offset)) else { return false };
    let gap = match step {
        1 | -1 => gap.scale(step),
        _ => match gap.as_const() {
            Some(g) if g % step == 0 => Size::from(g / step),
            _ => return false,
        },
    };
    half.last_within(2).iter().any(|last| gap.sub(last).is_never_negative())
}

/// How a read through `read`, whose axis `k` is the loop `loops[k]`, meets a write through `write` over the domain.
///
/// `loops` gives domain axes below the domain's rank; what is above is a reduced axis.
pub(super) fn meeting(read: &View, loops: &[usize], write: &View, domain: &Shape, assumed: &[Size]) -> Meeting {
    if apart(read, write, assumed) {
        return Meeting::Never;
    }
    let moves = read.axes.iter().any(|m| !m.terms.is_empty());
    if !moves {
        // Loaded once, before any loop.
        return Meeting::Same;
    }
    let mut distance: Distance = SmallVec::from_elem(None, domain.rank());
    for (r, w) in read.axes.iter().zip(&write.axes) {
        let ([(rk, rs)], [(wk, ws)]) = (r.terms.as_slice(), w.terms.as_slice()) else { continue };
        if loops.get(*rk as usize) != Some(&(*wk as usize)) {
            continue;
        }
        if *rs == ws.scale(-1) && meets_in_the_middle(r, w, &domain.extents()[*wk as usize]) {
            distance[*wk as usize] = Some(0);
        }
        if rs != ws {
            continue;
        }
        // read(i) = write(i + d): ro + s*i = wo + s*(i + d).
        let gap = r.offset.sub(&w.offset);
        let found = match ws.as_const() {
            Some(s) if s != 0 => sign(&gap).map(|g| g * s.signum() as i8),
            _ if gap == Size::ZERO => Some(0),
            _ => None,
        };
        distance[*wk as usize] = found.or(distance[*wk as usize]);
    }
    for (k, d) in distance.iter_mut().enumerate() {
        if domain.extents()[k] == Size::ONE {
            *d = Some(0);
        }
    }
    if distance.iter().all(|d| *d == Some(0)) { Meeting::Same } else { Meeting::At(distance) }
}

/// Loops in which every distance is positive, if there are such.
pub(super) fn walk(distances: &[Distance], rank: usize) -> Option<Walk> {
    let carried = (0..rank).map(|k| distances.iter().any(|d| d[k] != Some(0))).collect();
    let mut walk = Walk { reversed: SmallVec::from_elem(false, rank), order: None, carried };
    let direction = |axis: usize, left: &[&Distance]| -> Option<i8> {
        let mut found = 0;
        for d in left {
            match d[axis]?.signum() {
                0 => {}
                s if found == 0 || found == s => found = s,
                _ => return None,
            }
        }
        Some(found)
    };
    let all: Vec<&Distance> = distances.iter().collect();
    let signs: Vec<Option<i8>> = (0..rank).map(|k| direction(k, &all)).collect();
    if signs.iter().all(Option::is_some) {
        // Each axis on its own can be turned so that nothing along it is negative: any order of loops will do.
        for (k, s) in signs.into_iter().enumerate() {
            walk.reversed[k] = s == Some(-1);
        }
        return Some(walk);
    }
    let (mut left, mut order): (Vec<&Distance>, SmallVec<[u8; 4]>) = (all, SmallVec::new());
    while order.len() < rank {
        // What is settled by the loops outside does not bind those inside.
        if left.is_empty() {
            let rest: Vec<u8> = (0..rank as u8).filter(|k| !order.contains(k)).collect();
            order.extend(rest);
            break;
        }
        let next = (0..rank).filter(|k| !order.contains(&(*k as u8))).find_map(|k| direction(k, &left).map(|s| (k, s)));
        let (axis, sign) = next?;
        walk.reversed[axis] = sign == -1;
        order.push(axis as u8);
        left.retain(|d| d[axis].is_none_or(|s| s == 0 || s.abs() == MAYBE));
    }
    walk.order = Some(order);
    Some(walk)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distances(list: &[&[i8]]) -> Vec<Distance> {
        list.iter().map(|d| d.iter().map(|&x| Some(x)).collect()).collect()
    }

    #[test]
    fn loops_turn_or_change_places_to_read_first() {
        let free = walk(&distances(&[&[0, 1], &[1, 0]]), 2).unwrap();
        assert!(free.is_free());
        assert_eq!(free.carried.as_slice(), [true, true]);
        assert_eq!(walk(&distances(&[&[0, 1], &[0, MAYBE]]), 2).unwrap().carried.as_slice(), [false, true]);
        let back = walk(&distances(&[&[-1]]), 1).unwrap();
        assert_eq!((back.reversed.as_slice(), back.order), (&[true][..], None));
        // The second axis has both signs, but the first settles it.
        let fixed = walk(&distances(&[&[1, -1], &[1, 1]]), 2).unwrap();
        assert_eq!(fixed.order.as_deref(), Some(&[0u8, 1][..]));
        let inner = walk(&distances(&[&[-1, 1], &[1, 1]]), 2).unwrap();
        assert_eq!(inner.order.as_deref(), Some(&[1u8, 0][..]));
        assert!(walk(&distances(&[&[1], &[-1]]), 1).is_none());
        // Where the first axis may stand still, it does not settle the second.
        let unknown = |first| SmallVec::from_slice(&[Some(first), None]);
        assert!(walk(&[unknown(1)], 2).is_some() && walk(&[unknown(MAYBE)], 2).is_none());
        assert!(walk(&[SmallVec::from_slice(&[None])], 1).is_none());
    }

    #[test]
    fn shifted_slices_meet_at_their_distance() {
        let n = Shape::of([crate::shape::Dim::named("n")]);
        let (high, low) = (View::slice(&n, &crate::s![1..]).unwrap(), View::slice(&n, &crate::s![..-1]).unwrap());
        // d[1:] += d[:-1]
        assert_eq!(meeting(&low, &[0], &high, &high.shape, &[]), Meeting::At(SmallVec::from_slice(&[Some(-1)])));
        assert_eq!(meeting(&high, &[0], &high, &high.shape, &[]), Meeting::Same);
        let (even, odd) = (View::slice(&n, &crate::s![..;2]).unwrap(), View::slice(&n, &crate::s![1..;2]).unwrap());
        assert!(apart(&even, &odd, &[]));
        let (head, rest) = (View::slice(&n, &crate::s![0..1]).unwrap(), View::slice(&n, &crate::s![1..]).unwrap());
        assert!(apart(&head, &rest, &[]));
        let (interior, last) = (View::slice(&n, &crate::s![1..-1]).unwrap(), View::slice(&n, &crate::s![-1]).unwrap());
        assert!(apart(&interior, &last, &[]));
        assert!(apart(&low, &last, &[]));
        assert!(!apart(&low, &high, &[]));
    }
}
