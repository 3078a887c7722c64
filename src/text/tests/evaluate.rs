//! A direct evaluation of expressions, one element at a time: what shows that a function of the language means what its name says.

use hashbrown::HashMap;

use crate::dtype::{DType, Scalar};
use crate::expr::node::{NodeKind, NodeRef};
use crate::ops::{BinaryOp, ReduceOp, UnaryOp};
use crate::view::View;

#[derive(Clone)]
pub struct Value {
    pub shape: Vec<usize>,
    pub data: Vec<Scalar>,
}

/// The position in C order that a view maps an index to.
fn mapped(view: &View, index: &[usize], shape: &[usize]) -> usize {
    view.axes.iter().zip(shape).fold(0, |flat, (axis, n)| {
        let steps = axis.terms.iter().map(|(k, s)| index[*k as usize] as i64 * s.as_const().unwrap());
        let at = axis.offset.as_const().unwrap() + steps.sum::<i64>();
        assert!((0..*n as i64).contains(&at));
        flat * n + at as usize
    })
}

/// Expressions of the tests are shallow, and all their extents are numbers.
pub fn evaluate(node: &NodeRef, inputs: &HashMap<String, Vec<Scalar>>) -> Value {
    each_once(node, inputs, &mut HashMap::new())
}

fn each_once(node: &NodeRef, inputs: &HashMap<String, Vec<Scalar>>, known: &mut HashMap<usize, Value>) -> Value {
    if let Some(value) = known.get(&node.id()) {
        return value.clone();
    }
    let value = compute(node, inputs, known);
    known.insert(node.id(), value.clone());
    value
}

fn compute(node: &NodeRef, inputs: &HashMap<String, Vec<Scalar>>, known: &mut HashMap<usize, Value>) -> Value {
    let shape = node.shape.as_fixed().unwrap();
    let count: usize = shape.iter().product();
    let mut operand = |n: &NodeRef| each_once(n, inputs, known);
    // A constant stands for an array of itself.
    let at = |v: &Value, k: usize| if v.shape.is_empty() { v.data[0] } else { v.data[k] };
    let data = match &node.kind {
        NodeKind::Input { name, .. } => inputs[&**name].clone(),
        NodeKind::Const(x) => vec![*x],
        NodeKind::SizeOf(n) => vec![Scalar::I64(n.as_const().unwrap())],
        NodeKind::Iota => (0..count as i64).map(Scalar::I64).collect(),
        NodeKind::Unary(op, a) => operand(a).data.into_iter().map(|x| unary(*op, x)).collect(),
        NodeKind::Binary(op, a, b) => {
            let (a, b) = (operand(a), operand(b));
            (0..count).map(|k| binary(*op, at(&a, k), at(&b, k))).collect()
        }
        NodeKind::Select(c, a, b) => {
            let (c, a, b) = (operand(c), operand(a), operand(b));
            (0..count).map(|k| if at(&c, k) == Scalar::Bool(true) { at(&a, k) } else { at(&b, k) }).collect()
        }
        NodeKind::Cast(a) => operand(a).data.into_iter().map(|x| x.cast(node.dtype)).collect(),
        NodeKind::Reshape(a) => operand(a).data,
        NodeKind::View(a, view) => {
            let a = operand(a);
            (0..count).map(|k| a.data[mapped(view, &unflatten(k, &shape), &a.shape)]).collect()
        }
        NodeKind::Take(a, index, map) => {
            let (a, index) = (operand(a), operand(index));
            let n = map.shape.extents().last().unwrap().as_const().unwrap();
            let at = |k: usize| match at(&index, k) {
                Scalar::I64(i) => (if i < 0 { i + n } else { i }) as usize,
                _ => unreachable!("an index is an i64"),
            };
            let full = |k: usize| unflatten(k, &shape).into_iter().chain([at(k)]).collect::<Vec<_>>();
            (0..count).map(|k| a.data[mapped(map, &full(k), &a.shape)]).collect()
        }
        NodeKind::Provided(a, some, _) => {
            assert_eq!(operand(some).data, [Scalar::Bool(true)]);
            operand(a).data
        }
        NodeKind::Scatter { base, value, index, op, map, .. } => {
            let (base, value, index) = (operand(base), operand(value), operand(index));
            let mut domain = map.shape.as_fixed().unwrap();
            let n = domain.pop().unwrap() as i64;
            let (mut data, mut packed) = (base.data, 0);
            for k in 0..domain.iter().product() {
                let i = match at(&index, k) {
                    Scalar::I64(i) => (if i < 0 { i + n } else { i }) as usize,
                    Scalar::Bool(true) => {
                        packed += 1;
                        packed - 1
                    }
                    _ => continue,
                };
                let full: Vec<usize> = unflatten(k, &domain).into_iter().chain([i]).collect();
                let old = &mut data[mapped(map, &full, &shape)];
                *old = op.map_or(at(&value, k), |op| op.eval(*old, at(&value, k)).unwrap());
            }
            data
        }
        NodeKind::Pieces(parts) => {
            let mut data = vec![None; count];
            for (value, region) in parts {
                let (value, inner) = (operand(value), region.shape.as_fixed().unwrap());
                for k in 0..inner.iter().product() {
                    data[mapped(region, &unflatten(k, &inner), &shape)] = Some(at(&value, k));
                }
            }
            data.into_iter().map(Option::unwrap).collect()
        }
        NodeKind::Reduce(op, a, axes) => {
            let a = operand(a);
            let mut groups = vec![Vec::new(); count];
            for (k, x) in a.data.iter().enumerate() {
                let index = unflatten(k, &a.shape);
                let kept = (0..index.len()).filter(|d| !axes.contains(d)).fold(0, |flat, d| flat * a.shape[d] + index[d]);
                groups[kept].push(*x);
            }
            groups.into_iter().map(|g| reduce(*op, node.dtype, &g)).collect()
        }
        NodeKind::Complex(..) | NodeKind::Pair(..) | NodeKind::MulAdd(..) => panic!("complex numbers have tests of their own"),
        NodeKind::Data(_) | NodeKind::Error(_) => panic!("neither comes from text that lowers"),
    };
    assert_eq!(data.len(), count);
    assert!(data.iter().all(|x| x.dtype() == node.dtype));
    Value { shape, data }
}

fn unflatten(mut flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for k in (0..shape.len()).rev() {
        index[k] = flat % shape[k];
        flat /= shape[k];
    }
    index
}

/// The elementary functions by the standard library, which is not where elide has them from.
fn unary(op: UnaryOp, x: Scalar) -> Scalar {
    let f = x.to_f64();
    let y = match op {
        UnaryOp::Exp => f.exp(),
        UnaryOp::Log => f.ln(),
        UnaryOp::Sin => f.sin(),
        UnaryOp::Cos => f.cos(),
        UnaryOp::Tanh => f.tanh(),
        _ => return op.eval(x).unwrap(),
    };
    Scalar::F64(y).cast(x.dtype())
}

/// The quotients are those of finite operands.
fn binary(op: BinaryOp, x: Scalar, y: Scalar) -> Scalar {
    let (f, g) = (x.to_f64(), y.to_f64());
    let z = match op {
        BinaryOp::Pow if x.dtype().is_float() => f.powf(g),
        BinaryOp::Atan2 => f.atan2(g),
        BinaryOp::FloorDiv if x.dtype().is_float() => (f / g).floor(),
        BinaryOp::Rem if x.dtype().is_float() => f - g * (f / g).floor(),
        _ => return op.eval(x, y).unwrap_or_else(|| panic!("{op:?} of {x} and {y}")),
    };
    Scalar::F64(z).cast(x.dtype())
}

fn reduce(op: ReduceOp, dtype: DType, group: &[Scalar]) -> Scalar {
    match op.combine(group.first().map_or(dtype, |x| x.dtype())) {
        Some(combine) => group.iter().copied().reduce(|a, b| combine.eval(a, b).unwrap()).or(op.of_nothing(dtype)).unwrap(),
        None => {
            let better = |a: Scalar, b: Scalar| {
                if a.is_nan() || b.is_nan() {
                    return b.is_nan() && !a.is_nan();
                }
                if op == ReduceOp::ArgMin { b.to_f64() < a.to_f64() } else { b.to_f64() > a.to_f64() }
            };
            let best = (1..group.len()).fold(0, |best, k| if better(group[best], group[k]) { k } else { best });
            Scalar::I64(best as i64)
        }
    }
}
