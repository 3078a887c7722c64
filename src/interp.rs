//! The reference evaluator: the meaning of a [`Graph`], computed one element at a time.
//!
//! It is what the compiled code is held against, so it shares nothing with the stages after the graph. Elements come from
//! the op table's own `eval`, views from their affine maps, and reductions from the order that `docs/semantics.md`
//! defines, written down here a second time. Speed does not matter; that each line can be checked by eye does.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::array::ArrayRef;
use crate::dtype::{DType, Scalar};
use crate::error::{Error, ErrorKind, Result, Site, bail};
use crate::graph::{Asked, Graph, Kind, Node, NodeId};
use crate::math::{Emit, Eval};
use crate::ops::{BinaryOp, ReduceOp};
use crate::shape::Shape;
use crate::size::{Size, Var};
use crate::view::{AxisMap, View};

/// An array of any element type, as the reference evaluator holds it.
///
/// Two tensors are equal if their types, shapes and elements are, in the sense of the "exact" class of answers: equal bits,
/// and any NaN equals any NaN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// The element type of every element.
    pub dtype: DType,
    /// Elements along each axis.
    pub shape: Vec<usize>,
    /// The elements in C order.
    pub data: Vec<Scalar>,
}

impl Tensor {
    /// A tensor from its elements in C order.
    ///
    /// # Errors
    /// If the elements do not fill the shape, or if one has another type.
    pub fn new(dtype: DType, shape: &[usize], data: Vec<Scalar>) -> Result<Tensor> {
        if count(shape)? != data.len() {
            bail!(Shape, "{} elements do not fill shape {shape:?}", data.len());
        }
        if let Some(other) = data.iter().find(|x| x.dtype() != dtype) {
            bail!(DType, "an element of type {} in an array of {dtype}", other.dtype());
        }
        Ok(Tensor { dtype, shape: shape.to_vec(), data })
    }

    /// The elements that a view shows, copied.
    ///
    /// # Errors
    /// If there are more than memory can hold (a view may repeat one element any number of times).
    pub fn from_array_ref(array: &ArrayRef<'_>) -> Result<Tensor> {
        let shape = array.shape().to_vec();
        let mut data = reserve(count(&shape)?)?;
        for_each_index(&shape, |index| {
            data.push(array.get(index));
            Ok(())
        })?;
        Ok(Tensor { dtype: array.dtype(), shape, data })
    }

    /// A tensor from the bytes of its elements in C order, in this machine's byte order.
    ///
    /// # Errors
    /// If `bytes` is not exactly as long as the shape demands.
    pub fn from_bytes(dtype: DType, shape: &[usize], bytes: &[u8]) -> Result<Tensor> {
        let item = dtype.size();
        if count(shape)?.checked_mul(item) != Some(bytes.len()) {
            bail!(Shape, "{} bytes do not fill an array of {dtype} of shape {shape:?}", bytes.len());
        }
        let data = bytes.chunks_exact(item).map(|b| Scalar::from_ne_bytes(dtype, b)).collect();
        Ok(Tensor { dtype, shape: shape.to_vec(), data })
    }

    /// The bytes of the elements in C order, in this machine's byte order.
    pub fn to_bytes(&self) -> Vec<u8> {
        let item = self.dtype.size();
        let mut bytes = vec![0; self.data.len() * item];
        for (x, slot) in self.data.iter().zip(bytes.chunks_exact_mut(item)) {
            x.write_ne_bytes(slot);
        }
        bytes
    }

    /// The element at an index, or `None` outside the shape.
    pub fn get(&self, index: &[usize]) -> Option<Scalar> {
        let inside = index.len() == self.shape.len() && index.iter().zip(&self.shape).all(|(i, n)| i < n);
        inside.then(|| self.data[linear(index, &self.shape)])
    }
}

/// The value of every output, in order. `inputs` has one tensor per input of the graph, in order, those included whose memory
/// the expression borrows; `dims` gives the named dims.
///
/// # Errors
/// An input that does not fit its declaration; an equation between dims that does not hold; a size that overflows, is
/// negative, or is too large for memory; an index beyond an extent that was not known before; the smallest or largest of
/// nothing.
pub fn evaluate(graph: &Graph, inputs: &[Tensor], dims: &dyn Fn(&Var) -> i64) -> Result<Vec<Tensor>> {
    check_bindings(graph, inputs, dims)?;
    check_elements(graph, inputs, dims)?;
    let last_use = last_uses(graph);
    let mut values: Vec<Option<Cow<'_, Tensor>>> = vec![None; graph.len()];
    for (id, node) in graph.nodes() {
        if last_use[id.index()].is_none() {
            continue;
        }
        let value = match node.kind {
            Kind::Input(k) => Cow::Borrowed(&inputs[k as usize]),
            _ => {
                let operands: Vec<&Tensor> = node.kind.operands().iter().map(|o| value_of(&values, *o)).collect();
                Cow::Owned(compute(graph, node, &operands, dims).map_err(|e| at(e, node.site))?)
            }
        };
        values[id.index()] = Some(value);
        for operand in node.kind.operands() {
            if last_use[operand.index()] == Some(Use::Node(id)) {
                values[operand.index()] = None;
            }
        }
    }
    Ok(graph.outputs().iter().map(|o| value_of(&values, o.node).clone()).collect())
}

/// The last reader of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Node(NodeId),
    Output,
}

/// For every node its last reader, or `None` where no output depends on it.
fn last_uses(graph: &Graph) -> Vec<Option<Use>> {
    let live = graph.live();
    let mut last = vec![None; graph.len()];
    for (id, node) in graph.nodes().filter(|(id, _)| live[id.index()]) {
        for operand in node.kind.operands() {
            last[operand.index()] = Some(Use::Node(id));
        }
    }
    for o in graph.outputs() {
        last[o.node.index()] = Some(Use::Output);
    }
    last
}

fn value_of<'v>(values: &'v [Option<Cow<'_, Tensor>>], id: NodeId) -> &'v Tensor {
    values[id.index()].as_deref().expect("operands come before users and live until the last of them")
}

fn at(error: Error, site: Option<Site>) -> Error {
    match site {
        Some(site) => error.at(site),
        None => error,
    }
}

fn check_bindings(graph: &Graph, inputs: &[Tensor], dims: &dyn Fn(&Var) -> i64) -> Result<()> {
    if inputs.len() != graph.inputs().len() {
        bail!(Bind, "{} inputs were given, but the program has {}", inputs.len(), graph.inputs().len());
    }
    for (declared, given) in graph.inputs().iter().zip(inputs) {
        let shape = extents(&declared.shape, dims)?;
        if given.dtype != declared.dtype || given.shape != shape {
            bail!(
                Bind,
                "input `{}` is declared as {}{} ({shape:?} here), but was given {}{:?}",
                declared.name,
                declared.dtype,
                declared.shape,
                given.dtype,
                given.shape
            );
        }
    }
    for (equation, site) in graph.equations() {
        let (a, b) = (value(&equation.0, dims)?, value(&equation.1, dims)?);
        if a != b {
            let message = format!("{} and {} must be equal, but are {a} and {b}", equation.0, equation.1);
            return Err(at(Error::new(ErrorKind::Shape, message), *site));
        }
    }
    Ok(())
}

/// That masks select something where a reduction asks for it.
fn check_elements(graph: &Graph, inputs: &[Tensor], dims: &dyn Fn(&Var) -> i64) -> Result<()> {
    for position in graph.positions() {
        let Asked::Elements(op) = position.asked else { continue };
        let mut asked = graph.without_outputs();
        asked.output("none".into(), position.index, None);
        if evaluate(&asked, inputs, dims)?[0].data[0] != Scalar::I64(0) {
            let message =
                format!("zero-size array to reduction operation `{}`, which has no identity: the mask selects no elements", op.name());
            return Err(at(Error::new(ErrorKind::Shape, message), position.site));
        }
    }
    Ok(())
}

fn compute(graph: &Graph, node: &Node, operands: &[&Tensor], dims: &dyn Fn(&Var) -> i64) -> Result<Tensor> {
    let shape = extents(&node.shape, dims)?;
    let size = count(&shape)?;
    let mut data: Vec<Scalar> = reserve(size)?;
    // A value of rank 0 that stretches has one element; any other operand has the node's shape.
    let nth = |operand: usize, k: usize| {
        let leaf = graph[node.kind.operands()[operand]].kind.is_scalar_leaf();
        operands[operand].data[if leaf { 0 } else { k }]
    };
    match &node.kind {
        Kind::Input(_) => unreachable!("inputs are given"),
        Kind::Const(s) => data.push(*s),
        Kind::Size(s) => data.push(Scalar::I64(value(s, dims)?)),
        Kind::Iota => data.extend((0..size as i64).map(Scalar::I64)),
        Kind::Unary(op, _) => {
            for k in 0..size {
                let x = nth(0, k);
                data.push(op.eval(x).ok_or_else(|| undefined(op.name(), x))?);
            }
        }
        Kind::Binary(op, ..) => {
            for k in 0..size {
                let x = nth(0, k);
                data.push(op.eval(x, nth(1, k)).ok_or_else(|| undefined(op.name(), x))?);
            }
        }
        Kind::Select(..) => data.extend((0..size).map(|k| if nth(0, k) == Scalar::Bool(true) { nth(1, k) } else { nth(2, k) })),
        Kind::MulAdd(..) => data.extend((0..size).map(|k| Eval.fma(nth(0, k), nth(1, k), nth(2, k)))),
        Kind::Quotient(..) => data.extend((0..size).map(|k| Eval.binary(BinaryOp::Div, nth(0, k), nth(1, k)))),
        Kind::Cast(_) => data.extend((0..size).map(|k| nth(0, k).cast(node.dtype))),
        Kind::Copy(_) => data.extend_from_slice(&operands[0].data),
        Kind::View(_, map) => look_through(map, operands[0], &shape, dims, &mut data)?,
        Kind::Take(_, indices, map) => {
            let extents: Vec<i64> = map.shape.extents()[shape.len()..].iter().map(|n| value(n, dims)).collect::<Result<_>>()?;
            let (numbers, mut k) = (numbers(map, dims)?, 0);
            for_each_index(&shape, |index| {
                let mut full = index.to_vec();
                for (operand, &n) in (1..=indices.len()).zip(&extents) {
                    let Scalar::I64(at) = nth(operand, k) else { unreachable!("an index is an i64") };
                    full.push(wrapped(at, n)?);
                }
                data.push(operands[0].data[mapped(&numbers, &full, &operands[0].shape)?]);
                k += 1;
                Ok(())
            })?;
        }
        Kind::Scatter(_, _, _, how) => {
            data.extend_from_slice(&operands[0].data);
            let domain = extents(&how.domain(), dims)?;
            let n = value(how.map.shape.extents().last().expect("an axis for the index"), dims)?;
            let (numbers, mut k, mut packed) = (numbers(&how.map, dims)?, 0, 0);
            for_each_index(&domain, |index| {
                let x = nth(1, k);
                let at = match nth(2, k) {
                    Scalar::I64(at) => at,
                    Scalar::Bool(true) => {
                        packed += 1;
                        packed - 1
                    }
                    _ => {
                        k += 1;
                        return Ok(());
                    }
                };
                let full: Vec<usize> = index.iter().copied().chain([wrapped(at, n)?]).collect();
                let old = &mut data[mapped(&numbers, &full, &shape)?];
                *old = match how.op {
                    Some(op) => op.eval(*old, x).ok_or_else(|| undefined(op.name(), x))?,
                    None => x,
                };
                k += 1;
                Ok(())
            })?;
        }
        Kind::Reshape(..) => {
            if operands[0].data.len() != size {
                bail!(Shape, "cannot reshape {:?} to {shape:?}: {} elements are not {size}", operands[0].shape, operands[0].data.len());
            }
            data.extend_from_slice(&operands[0].data);
        }
        Kind::Reduce(op, _, axes) => {
            let axes: Vec<usize> = axes.iter().map(|&k| k as usize).collect();
            reduce_axes(*op, operands[0], &axes, &shape, &mut data)?;
        }
        Kind::Pieces(parts) => put_together(parts, operands, node.dtype, &shape, dims, &mut data)?,
    }
    Ok(Tensor { dtype: node.dtype, shape, data })
}

/// An index that may count from the end of an axis.
fn wrapped(at: i64, n: i64) -> Result<usize> {
    if !(-n..n).contains(&at) {
        bail!(Shape, "index {at} is out of bounds for an axis of size {n}");
    }
    Ok((if at < 0 { at + n } else { at }) as usize)
}

fn undefined(op: &str, x: Scalar) -> Error {
    Error::new(ErrorKind::DType, format!("`{op}` is not defined on {}", x.dtype()))
}

/// Writes each value to its region, in order.
fn put_together(
    parts: &[(NodeId, View)],
    values: &[&Tensor],
    dtype: DType,
    shape: &[usize],
    dims: &dyn Fn(&Var) -> i64,
    data: &mut Vec<Scalar>,
) -> Result<()> {
    let mut written = vec![None; count(shape)?];
    for ((_, region), value) in parts.iter().zip(values) {
        let inner = extents(&region.shape, dims)?;
        // The positions in C order of what the region shows.
        let positions = Tensor { dtype: DType::I64, shape: shape.to_vec(), data: (0..written.len() as i64).map(Scalar::I64).collect() };
        let mut shown = Vec::new();
        look_through(region, &positions, &inner, dims, &mut shown)?;
        for (k, at) in shown.into_iter().enumerate() {
            let Scalar::I64(at) = at else { unreachable!("positions are i64") };
            // One value of rank 0 stretches.
            written[at as usize] = Some(value.data[if value.data.len() == 1 { 0 } else { k }]);
        }
    }
    for x in written {
        data.push(x.ok_or_else(|| Error::new(ErrorKind::Shape, format!("pieces leave a hole in an array of {dtype}")))?);
    }
    Ok(())
}

/// Reads `source` at the mapped index of every index of the result.
fn look_through(map: &View, source: &Tensor, shape: &[usize], dims: &dyn Fn(&Var) -> i64, data: &mut Vec<Scalar>) -> Result<()> {
    let numbers = numbers(map, dims)?;
    for_each_index(shape, |index| {
        data.push(source.data[mapped(&numbers, index, &source.shape)?]);
        Ok(())
    })
}

/// Per axis of the source the offset, and the step along axes of the result.
type Numbers = Vec<(i64, Vec<(usize, i64)>)>;

fn numbers(map: &View, dims: &dyn Fn(&Var) -> i64) -> Result<Numbers> {
    let steps = |axis: &AxisMap| axis.terms.iter().map(|(k, step)| Ok((*k as usize, value(step, dims)?))).collect::<Result<_>>();
    map.axes.iter().map(|axis| Ok((value(&axis.offset, dims)?, steps(axis)?))).collect()
}

/// The position in C order of the element of a source of this shape that a map shows at an index.
fn mapped(numbers: &Numbers, index: &[usize], source: &[usize]) -> Result<usize> {
    let mut mapped = Vec::with_capacity(numbers.len());
    for (axis, (offset, steps)) in numbers.iter().enumerate() {
        let k = i128::from(*offset) + steps.iter().map(|&(r, step)| index[r] as i128 * i128::from(step)).sum::<i128>();
        let n = source[axis];
        match usize::try_from(k).ok().filter(|k| *k < n) {
            Some(k) => mapped.push(k),
            None => bail!(Shape, "index {k} is out of bounds for axis {axis} with size {n}"),
        }
    }
    Ok(linear(&mapped, source))
}

/// Reduces the given axes; their elements are numbered in C order of those axes, whatever lies between them.
fn reduce_axes(op: ReduceOp, source: &Tensor, axes: &[usize], shape: &[usize], data: &mut Vec<Scalar>) -> Result<()> {
    let kept: Vec<usize> = (0..source.shape.len()).filter(|k| !axes.contains(k)).collect();
    let inner: Vec<usize> = axes.iter().map(|&k| source.shape[k]).collect();
    // NumPy refuses by the reduced extents alone, even where the result has no elements either.
    if inner.contains(&0) && op.of_nothing(source.dtype).is_none() {
        let message = format!("`{}` over axes {axes:?} of an array of shape {:?} is a choice among no elements", op.name(), source.shape);
        return Err(Error::new(ErrorKind::Shape, message).help("make sure that the reduced axes are not empty"));
    }
    for_each_index(shape, |outer| {
        let mut elements = Vec::new();
        for_each_index(&inner, |index| {
            let mut full = vec![0; source.shape.len()];
            kept.iter().zip(outer).for_each(|(&k, &i)| full[k] = i);
            axes.iter().zip(index).for_each(|(&k, &i)| full[k] = i);
            elements.push(source.data[linear(&full, &source.shape)]);
            Ok(())
        })?;
        data.push(reduce(op, source.dtype, &elements)?);
        Ok(())
    })
}

/// The reduction of these elements, in this order.
fn reduce(op: ReduceOp, dtype: DType, elements: &[Scalar]) -> Result<Scalar> {
    let Some((&first, rest)) = elements.split_first() else {
        return Ok(op.of_nothing(dtype).expect("refused by the caller"));
    };
    let apply = |f: BinaryOp, x: Scalar, y: Scalar| f.eval(x, y).ok_or_else(|| undefined(op.name(), x));
    if op == ReduceOp::ArgMin || op == ReduceOp::ArgMax {
        let better = if op == ReduceOp::ArgMin { BinaryOp::Lt } else { BinaryOp::Gt };
        let (mut best, mut position) = (first, 0);
        for (k, &x) in elements.iter().enumerate() {
            if !best.is_nan() && (x.is_nan() || apply(better, x, best)? == Scalar::Bool(true)) {
                (best, position) = (x, k);
            }
        }
        return Ok(Scalar::I64(position as i64));
    }
    let Some(combine) = op.combine(dtype) else { return Err(undefined(op.name(), first)) };
    if dtype.is_float() && matches!(op, ReduceOp::Sum | ReduceOp::Prod) {
        let Some(identity) = op.identity(dtype) else { return Err(undefined(op.name(), first)) };
        let total = pairwise(&|x, y| apply(combine, x, y), identity, elements)?;
        // +0 to a sum, which changes it only where it is -0; 1 times a product, which changes nothing.
        return apply(combine, total, op.of_nothing(dtype).unwrap_or(identity));
    }
    rest.iter().try_fold(first, |total, &x| apply(combine, total, x))
}

/// NumPy's pairwise summation (`pairwise_sum` in its `loops_utils.h.src`) as `docs/semantics.md` states it: leaves of at
/// most 128 elements with eight accumulators, halves that begin at a multiple of 8.
fn pairwise(combine: &dyn Fn(Scalar, Scalar) -> Result<Scalar>, identity: Scalar, elements: &[Scalar]) -> Result<Scalar> {
    let n = elements.len();
    if n > 128 {
        let half = n / 2 / 8 * 8;
        let low = pairwise(combine, identity, &elements[..half])?;
        return combine(low, pairwise(combine, identity, &elements[half..])?);
    }
    let (eights, remainder) = elements.split_at(n - n % 8);
    let mut r = [identity; 8];
    for (k, &x) in eights.iter().enumerate() {
        r[k % 8] = combine(r[k % 8], x)?;
    }
    let low = combine(combine(r[0], r[1])?, combine(r[2], r[3])?)?;
    let high = combine(combine(r[4], r[5])?, combine(r[6], r[7])?)?;
    remainder.iter().try_fold(combine(low, high)?, |total, &x| combine(total, x))
}

fn value(size: &Size, dims: &dyn Fn(&Var) -> i64) -> Result<i64> {
    size.eval(dims).ok_or_else(|| Error::new(ErrorKind::Shape, format!("the size {size} does not fit in 64 bits")))
}

fn extents(shape: &Shape, dims: &dyn Fn(&Var) -> i64) -> Result<Vec<usize>> {
    let one = |s: &Size| {
        let n = value(s, dims)?;
        usize::try_from(n).map_err(|_| Error::new(ErrorKind::Shape, format!("the extent {s} of {shape} is {n}, which is negative")))
    };
    shape.extents().iter().map(one).collect()
}

/// The number of elements of a shape.
fn count(shape: &[usize]) -> Result<usize> {
    if shape.contains(&0) {
        return Ok(0);
    }
    let size = shape.iter().try_fold(1usize, |a, &b| a.checked_mul(b));
    size.ok_or_else(|| Error::new(ErrorKind::Shape, format!("the number of elements of shape {shape:?} overflows")))
}

fn reserve(size: usize) -> Result<Vec<Scalar>> {
    let mut data = Vec::new();
    match data.try_reserve_exact(size) {
        Ok(()) => Ok(data),
        Err(_) => bail!(Shape, "{size} elements do not fit in memory"),
    }
}

/// The position in C order of an index inside `shape`.
fn linear(index: &[usize], shape: &[usize]) -> usize {
    index.iter().zip(shape).fold(0, |at, (i, n)| at * n + i)
}

/// Calls `f` on every index of `shape` in C order.
fn for_each_index(shape: &[usize], mut f: impl FnMut(&[usize]) -> Result<()>) -> Result<()> {
    if shape.contains(&0) {
        return Ok(());
    }
    let mut index = vec![0; shape.len()];
    loop {
        f(&index)?;
        let Some(axis) = (0..shape.len()).rev().find(|&k| index[k] + 1 < shape[k]) else { return Ok(()) };
        index[axis] += 1;
        index[axis + 1..].fill(0);
    }
}
