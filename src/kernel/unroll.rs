//! An innermost axis of a few elements becomes as many results of each turn of the axis around it.
//!
//! Where rows have three elements and do not merge (`points - centre[None, :]`), a vector along a row is mostly empty. Instead the vector
//! runs down the rows and the body is done for each element of a row. Loads and stores then lie a few elements apart, which makes
//! registers of whole rows (see [`Stride::Spaced`](super::Stride::Spaced)).

use super::axes::LoopAxis;
use super::body::Body;
use super::lower::RawAccess;
use super::{MAX_APART, Store, ValueId};
use crate::size::Size;

/// The most elements of such an axis; more fill a vector of some type.
const MAX_ELEMENTS: i64 = 4;
/// The most instructions that the body may come to.
const MAX_BODY: usize = 400;

/// Takes the last axis away, if that is possible and seems worth it. The nest is element-wise.
pub(super) fn unroll(
    axes: &mut Vec<LoopAxis>,
    body: &mut Body,
    accesses: &mut Vec<RawAccess>,
    offsets: &mut Vec<Size>,
    stores: &mut Vec<Store>,
) {
    let [.., around, last] = axes.as_slice() else { return };
    let last = last.clone();
    let Some(count) = last.extent.as_const().filter(|n| (2..=MAX_ELEMENTS).contains(n)) else { return };
    let few = |n: &Size, size: usize| n.as_const().is_some_and(|n| n % size as i64 == 0 && (0..=MAX_APART).contains(&(n / size as i64)));
    let near = |k: usize| few(&around.strides[k], accesses[k].dtype.size());
    let plain = last.part.is_none() && around.extent.as_const().is_none_or(|n| n > 2 * MAX_ELEMENTS);
    if !plain || body.insts.len() > MAX_BODY || !(0..accesses.len()).all(near) {
        return;
    }
    // The number of each access at each element; what does not move along the axis is one for all.
    let mut copied: Vec<(usize, i64)> = Vec::new();
    let mut numbers = |k: usize| {
        let number = |n: i64| match n {
            0 => k as u32,
            _ if last.strides[k] == Size::ZERO => k as u32,
            n => {
                copied.push((k, n));
                (accesses.len() + copied.len() - 1) as u32
            }
        };
        (0..count).map(number).collect()
    };
    let moved: Vec<Vec<u32>> = (0..accesses.len()).map(&mut numbers).collect();
    // Values that some elements have in common are one.
    let mut all = Body::default();
    let mut element = |n: usize| {
        let mut values: Vec<ValueId> = Vec::with_capacity(body.insts.len());
        for (inst, dtype) in body.insts.iter().zip(&body.types) {
            let inst = inst.map(|access| moved[access as usize][n], |v| values[v.index()]);
            values.push(all.add(inst, *dtype));
        }
        values
    };
    let done: Vec<Vec<ValueId>> = (0..count as usize).map(&mut element).collect();
    if all.insts.len() > MAX_BODY {
        return;
    }
    *body = all;
    for (k, n) in copied {
        accesses.push(accesses[k].clone());
        offsets.push(offsets[k].add(&last.strides[k].scale(n)));
        for axis in axes.iter_mut() {
            axis.strides.push(axis.strides[k].clone());
            axis.reach.push(axis.reach[k].clone());
        }
    }
    axes.pop();
    *stores = (stores.iter())
        .flat_map(|s| (0..count as usize).map(|n| (*s, n)).collect::<Vec<_>>())
        .map(|(s, n)| Store { access: moved[s.access as usize][n], value: done[n][s.value.index()], scatter: s.scatter })
        .collect();
}
