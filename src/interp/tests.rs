//! Expectations were computed by NumPy 2.4.6, or follow from `docs/semantics.md` by hand.

use smallvec::smallvec;

use super::*;
use crate::expr::node::{NodeKind, NodeRef};
use crate::graph::verify;
use crate::ops::UnaryOp;
use crate::shape::{Dim, Equation};
use crate::view::Slice;

fn dims_of(n: i64) -> impl Fn(&Var) -> i64 {
    move |var| if *var == Var::Dim("n".into()) { n } else { panic!("no such dim: {var}") }
}

fn no_dims(var: &Var) -> i64 {
    panic!("no such dim: {var}")
}

fn tensor<T: Into<Scalar> + Copy>(shape: &[usize], data: &[T]) -> Tensor {
    let data: Vec<Scalar> = data.iter().map(|&x| x.into()).collect();
    let dtype = data.first().map_or(DType::F64, |x| x.dtype());
    Tensor::new(dtype, shape, data).unwrap()
}

/// 0, 1, 2, ... in C order.
fn arange(dtype: DType, shape: &[usize]) -> Tensor {
    let size = shape.iter().product::<usize>() as i64;
    Tensor::new(dtype, shape, (0..size).map(|k| Scalar::I64(k).cast(dtype)).collect()).unwrap()
}

/// A graph under construction, with a value for each input.
struct Program {
    graph: Graph,
    inputs: Vec<Tensor>,
}

/// A program without operations yet, and its inputs.
fn program<const N: usize>(inputs: [Tensor; N]) -> (Program, [NodeId; N]) {
    program_where(inputs.map(|t| (Shape::fixed(&t.shape), t)), &[])
}

fn program_where<const N: usize>(inputs: [(Shape, Tensor); N], equations: &[Equation]) -> (Program, [NodeId; N]) {
    let declare = |(k, (shape, t)): (usize, &(Shape, Tensor))| {
        let kind = NodeKind::Input { name: format!("x{k}").into(), swapped: false };
        NodeRef::with_equations(kind, t.dtype, shape.clone(), None, equations.to_vec())
    };
    let declared: Vec<NodeRef> = inputs.iter().enumerate().map(declare).collect();
    let graph = Graph::import(&declared, &[]).unwrap();
    (Program { graph, inputs: inputs.map(|(_, t)| t).into() }, std::array::from_fn(NodeId::new))
}

/// A program with one input of shape `[n]`.
fn named(data: Tensor, equations: &[Equation]) -> (Program, NodeId) {
    let (p, [x]) = program_where([(Shape::of([Dim::named("n")]), data)], equations);
    (p, x)
}

impl Program {
    fn unary(&mut self, op: UnaryOp, a: NodeId) -> NodeId {
        let (dtype, shape) = (self.graph[a].dtype, self.graph[a].shape.clone());
        self.graph.add(Kind::Unary(op, a), op.result(dtype).unwrap(), shape, None)
    }

    fn binary(&mut self, op: BinaryOp, a: NodeId, b: NodeId) -> NodeId {
        let shaped = if self.graph[a].kind.is_scalar_leaf() { b } else { a };
        let (dtype, shape) = (self.graph[a].dtype, self.graph[shaped].shape.clone());
        self.graph.add(Kind::Binary(op, a, b), op.result(dtype).unwrap(), shape, None)
    }

    fn view(&mut self, a: NodeId, make: impl FnOnce(&Shape) -> View) -> NodeId {
        let view = make(&self.graph[a].shape);
        self.graph.view(a, view, None)
    }

    fn reduce(&mut self, op: ReduceOp, a: NodeId, axes: &[u8]) -> NodeId {
        let (dtype, source) = (self.graph[a].dtype, self.graph[a].shape.clone());
        let left = (0..source.rank()).filter(|k| !axes.contains(&(*k as u8))).map(|k| source.extents()[k].clone()).collect();
        self.graph.add(Kind::Reduce(op, a, axes.into()), op.result(dtype).unwrap(), left, None)
    }

    fn run(&mut self, outputs: &[NodeId], dims: &dyn Fn(&Var) -> i64) -> Result<Vec<Tensor>> {
        for (k, &node) in outputs.iter().enumerate() {
            self.graph.output(format!("y{k}").into(), node, None);
        }
        verify(&self.graph).unwrap();
        evaluate(&self.graph, &self.inputs, dims)
    }

    fn value(mut self, output: NodeId) -> Tensor {
        self.run(&[output], &no_dims).unwrap().remove(0)
    }
}

fn reduced(op: ReduceOp, source: Tensor, axes: &[u8]) -> Result<Tensor> {
    let (mut p, [x]) = program([source]);
    let y = p.reduce(op, x, axes);
    p.run(&[y], &no_dims).map(|mut v| v.remove(0))
}

#[test]
fn elementwise_with_constants_and_sizes() {
    let (mut p, x) = named(tensor(&[3], &[1i64, -2, i64::MAX]), &[]);
    let one = p.graph.constant(Scalar::I64(1), None);
    let n = p.graph.add(Kind::Size(Size::named("n")), DType::I64, Shape::scalar(), None);
    let sum = p.binary(BinaryOp::Add, x, one);
    let scaled = p.binary(BinaryOp::Mul, n, sum);
    let below = p.binary(BinaryOp::Lt, x, one);
    let shape = p.graph[x].shape.clone();
    let chosen = p.graph.add(Kind::Select(below, n, x), DType::I64, shape.clone(), None);
    let cast = p.graph.add(Kind::Cast(x), DType::U8, shape, None);
    let got = p.run(&[scaled, below, chosen, cast, n], &dims_of(3)).unwrap();
    assert_eq!(got[0], tensor(&[3], &[6i64, -3, i64::MIN.wrapping_mul(3)]));
    assert_eq!(got[1], tensor(&[3], &[false, true, false]));
    assert_eq!(got[2], tensor(&[3], &[1i64, 3, i64::MAX]));
    assert_eq!(got[3], tensor(&[3], &[1u8, 254, 255]));
    assert_eq!(got[4], tensor(&[], &[3i64]));
}

#[test]
fn views_read_through_their_maps() {
    let (mut p, [x]) = program([arange(DType::I32, &[3, 4])]);
    let t = p.view(x, |s| View::permute(s, &[1, 0]).unwrap());
    let flipped = p.view(x, |s| View::flip(s, 1));
    let diagonal = p.view(x, |s| View::diagonal(s, 1, 0, 1).unwrap());
    let every_second = p.view(x, |s| View::slice(s, &[Slice::Index(-1), Slice::Range { start: None, stop: None, step: -2 }]).unwrap());
    let row = p.view(x, |s| View::slice(s, &[Slice::Index(1)]).unwrap());
    let stretched = p.view(row, |s| View::broadcast(s, &Shape::fixed(&[2, 4])).unwrap().0);
    let nothing = p.view(x, |s| View::slice(s, &[Slice::FULL, Slice::from(2..2)]).unwrap());
    let split = p.view(x, |s| View::split(s, &Shape::fixed(&[3, 2, 1, 2])).unwrap());
    let got = p.run(&[t, flipped, diagonal, every_second, stretched, nothing, split], &no_dims).unwrap();
    assert_eq!(got[0], tensor(&[4, 3], &[0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]));
    assert_eq!(got[1], tensor(&[3, 4], &[3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8]));
    assert_eq!(got[2], tensor(&[3], &[1, 6, 11]));
    assert_eq!(got[3], tensor(&[2], &[11, 9]));
    assert_eq!(got[4], tensor(&[2, 4], &[4, 5, 6, 7, 4, 5, 6, 7]));
    assert_eq!(got[5], Tensor::new(DType::I32, &[3, 0], vec![]).unwrap());
    assert_eq!(got[6], Tensor { shape: vec![3, 2, 1, 2], ..arange(DType::I32, &[3, 4]) });
}

#[test]
fn an_index_into_a_named_dim_is_checked() {
    let program = |k: isize| {
        let (mut p, x) = named(tensor(&[2], &[10u8, 20]), &[]);
        let y = p.view(x, |s| View::slice(s, &[Slice::Index(k)]).unwrap());
        p.run(&[y], &dims_of(2)).map(|mut v| v.remove(0))
    };
    assert_eq!(program(-2).unwrap(), tensor(&[], &[10u8]));
    for k in [2, -3] {
        assert_eq!(program(k).unwrap_err().kind(), ErrorKind::Shape);
    }
}

#[test]
fn reshape_keeps_c_order() {
    let (mut p, [x]) = program([arange(DType::I16, &[2, 3])]);
    let t = p.view(x, |s| View::permute(s, &[1, 0]).unwrap());
    let flat = p.graph.add(Kind::Reshape(t, Shape::fixed(&[6])), DType::I16, Shape::fixed(&[6]), None);
    assert_eq!(p.value(flat), tensor(&[6], &[0i16, 3, 1, 4, 2, 5]));
}

/// Vigna's splitmix64, so that the data of recorded sums can be made again.
fn splitmix64(seed: u64, n: usize) -> impl Iterator<Item = u64> {
    (1..=n as u64).map(move |k| {
        let mut z = seed.wrapping_add(k.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    })
}

fn uniform_f64(n: usize) -> Vec<f64> {
    splitmix64(n as u64, n).map(|u| (u >> 11) as f64 / (1u64 << 52) as f64 - 1.0).collect()
}

fn uniform_f32(n: usize) -> Vec<f32> {
    splitmix64(n as u64, n).map(|u| (u >> 40) as f32 / (1u32 << 23) as f32 - 1.0).collect()
}

/// Length, bits of NumPy's `sum` of the f64 and of the f32 data above. From 127 on a plain loop gives other bits.
const NUMPY_SUMS: [(usize, u64, u32); 10] = [
    (0, 0x0, 0x0),
    (1, 0x3fc10a2dec890258, 0x3e085168),
    (7, 0xbfec26bdb109c0ac, 0xbf6135f6),
    (8, 0x3fda4886a36582e4, 0x3ed24424),
    (9, 0x3fdab8421bfa65d0, 0x3ed5c1fc),
    (127, 0xc0133d7ad198f84e, 0xc099ebe6),
    (128, 0x401ec67cd0593261, 0x40f633d6),
    (129, 0xc013b4b184b8180f, 0xc09da59a),
    (1000, 0x4038f89b6e27b9fc, 0x41c7c4bc),
    (4099, 0xc007771a0ff8be94, 0xc03bbcd8),
];

#[test]
fn sums_have_numpys_bits() {
    for (n, wide, narrow) in NUMPY_SUMS {
        let sum64 =
            reduced(ReduceOp::Sum, Tensor::new(DType::F64, &[n], uniform_f64(n).into_iter().map(Scalar::F64).collect()).unwrap(), &[0]);
        assert_eq!(sum64.unwrap(), tensor(&[], &[f64::from_bits(wide)]), "{n} f64");
        let sum32 =
            reduced(ReduceOp::Sum, Tensor::new(DType::F32, &[n], uniform_f32(n).into_iter().map(Scalar::F32).collect()).unwrap(), &[0]);
        assert_eq!(sum32.unwrap(), tensor(&[], &[f32::from_bits(narrow)]), "{n} f32");
    }
}

#[test]
fn the_order_of_a_sum_is_by_logical_index() {
    // 1000 = 8 * 125: as [8, 5, 25] with the middle axis moved to the front, the reduced elements of axes 0 and 2 are 200 of
    // the row-major indices; each must be the sum of those elements laid out in a row.
    let data = uniform_f64(1000);
    let (mut p, [x]) = program([tensor(&[8, 5, 25], &data)]);
    let direct = p.reduce(ReduceOp::Sum, x, &[0, 2]);
    let moved = p.view(x, |s| View::permute(s, &[1, 0, 2]).unwrap());
    let inner = p.reduce(ReduceOp::Sum, moved, &[1, 2]);
    let got = p.run(&[direct, inner], &no_dims).unwrap();
    assert_eq!(got[0], got[1]);
    for j in 0..5 {
        let row: Vec<f64> = (0..8).flat_map(|i| (0..25).map(move |k| (i, k))).map(|(i, k)| data[(i * 5 + j) * 25 + k]).collect();
        assert_eq!(Some(got[0].data[j]), reduced(ReduceOp::Sum, tensor(&[200], &row), &[0]).unwrap().get(&[]));
    }
}

#[test]
fn a_sum_follows_the_tree_and_not_the_row() {
    // In blocks of 8 accumulators, elements 0 and 8 meet first: 1e16 - 1e16 before the ones are lost to rounding.
    let mut data = vec![1.0; 16];
    (data[0], data[8]) = (1e16, -1e16);
    assert_eq!(reduced(ReduceOp::Sum, tensor(&[16], &data), &[0]).unwrap(), tensor(&[], &[14.0]));
    // What is left over after the blocks of 8 is added one by one at the end.
    data.extend([1e16, 1.0, -1e16]);
    assert_eq!(reduced(ReduceOp::Sum, tensor(&[19], &data), &[0]).unwrap(), tensor(&[], &[(14.0 + 1e16 + 1.0) - 1e16]));
}

#[test]
fn products_and_integer_sums() {
    assert_eq!(reduced(ReduceOp::Prod, tensor(&[4], &[1.5, -2.0, 4.0, 0.25]), &[0]).unwrap(), tensor(&[], &[-3.0]));
    let powers: Vec<f32> = (0..300).map(|k| if k % 2 == 0 { 2.0 } else { 0.5 }).collect();
    assert_eq!(reduced(ReduceOp::Prod, tensor(&[300], &powers), &[0]).unwrap(), tensor(&[], &[1.0f32]));
    assert_eq!(reduced(ReduceOp::Sum, tensor(&[2], &[200u8, 200]), &[0]).unwrap(), tensor(&[], &[144u8]));
    assert_eq!(reduced(ReduceOp::Prod, tensor(&[2], &[i64::MAX, 2]), &[0]).unwrap(), tensor(&[], &[-2i64]));
    assert_eq!(reduced(ReduceOp::Sum, arange(DType::I32, &[2, 3, 4]), &[0, 2]).unwrap(), tensor(&[3], &[60, 92, 124]));
    // NumPy adds a +0 to its sums and gives +0 here.
    assert_eq!(reduced(ReduceOp::Sum, tensor(&[9], &[-0.0; 9]), &[0]).unwrap(), tensor(&[], &[0.0]));
    assert_eq!(reduced(ReduceOp::Sum, arange(DType::I32, &[2, 2]), &[]).unwrap(), arange(DType::I32, &[2, 2]));
}

#[test]
fn reductions_of_nothing() {
    let empty = |dtype, shape: &[usize]| Tensor::new(dtype, shape, vec![]).unwrap();
    let bits = |t: Result<Tensor>| t.unwrap().data.iter().map(|x| x.bits()).collect::<Vec<_>>();
    assert_eq!(bits(reduced(ReduceOp::Sum, empty(DType::F64, &[0, 2]), &[0])), [0, 0]);
    assert_eq!(bits(reduced(ReduceOp::Prod, empty(DType::F32, &[2, 0]), &[1])), [0x3f800000, 0x3f800000]);
    assert_eq!(reduced(ReduceOp::Any, empty(DType::Bool, &[0]), &[0]).unwrap(), tensor(&[], &[false]));
    assert_eq!(reduced(ReduceOp::All, empty(DType::Bool, &[0]), &[0]).unwrap(), tensor(&[], &[true]));
    for op in [ReduceOp::Min, ReduceOp::Max, ReduceOp::ArgMin, ReduceOp::ArgMax] {
        for dtype in [DType::Bool, DType::I32, DType::F64] {
            let err = reduced(op, empty(dtype, &[0, 3]), &[0]).unwrap_err();
            assert_eq!(err.kind(), ErrorKind::Shape, "{err}");
            // The reduced axis has elements, so there is nothing wrong with a result that has none.
            assert_eq!(reduced(op, empty(dtype, &[0, 3]), &[1]).unwrap(), empty(op.result(dtype).unwrap(), &[0]));
            // NumPy refuses even where the result would be empty.
            assert!(reduced(op, empty(dtype, &[0, 0]), &[0]).is_err());
        }
    }
}

#[test]
fn extremes_and_positions_with_nan() {
    let nan = f64::NAN;
    let x = || tensor(&[2, 4], &[1.0, nan, 3.0, nan, 2.0, -1.0, 2.0, -1.0]);
    assert_eq!(reduced(ReduceOp::Min, x(), &[1]).unwrap(), tensor(&[2], &[nan, -1.0]));
    assert_eq!(reduced(ReduceOp::Max, x(), &[1]).unwrap(), tensor(&[2], &[nan, 2.0]));
    assert_eq!(reduced(ReduceOp::Max, x(), &[0]).unwrap(), tensor(&[4], &[2.0, nan, 3.0, nan]));
    assert_eq!(reduced(ReduceOp::ArgMin, x(), &[1]).unwrap(), tensor(&[2], &[1i64, 1]));
    assert_eq!(reduced(ReduceOp::ArgMax, x(), &[1]).unwrap(), tensor(&[2], &[1i64, 0]));
    assert_eq!(reduced(ReduceOp::ArgMin, x(), &[0, 1]).unwrap(), tensor(&[], &[1i64]));
    assert_eq!(reduced(ReduceOp::ArgMin, tensor(&[2], &[f64::INFINITY, f64::INFINITY]), &[0]).unwrap(), tensor(&[], &[0i64]));
    assert_eq!(reduced(ReduceOp::ArgMax, tensor(&[3], &[0.0, -0.0, 0.0]), &[0]).unwrap(), tensor(&[], &[0i64]));
    assert_eq!(reduced(ReduceOp::ArgMax, tensor(&[3], &[false, true, true]), &[0]).unwrap(), tensor(&[], &[1i64]));
    assert_eq!(reduced(ReduceOp::Max, tensor(&[2], &[false, true]), &[0]).unwrap(), tensor(&[], &[true]));
    assert_eq!(reduced(ReduceOp::Min, tensor(&[2], &[i16::MIN, 7]), &[0]).unwrap(), tensor(&[], &[i16::MIN]));
}

#[test]
fn bindings_are_checked() {
    let data = || tensor(&[3], &[1.0, 2.0, 3.0]);
    let negated = |equations: &[Equation]| {
        let (mut p, x) = named(data(), equations);
        let y = p.unary(UnaryOp::Neg, x);
        p.graph.output("y".into(), y, None);
        p
    };
    let p = negated(&[]);
    assert_eq!(evaluate(&p.graph, &[], &dims_of(3)).unwrap_err().kind(), ErrorKind::Bind);
    assert_eq!(evaluate(&p.graph, &p.inputs, &dims_of(4)).unwrap_err().kind(), ErrorKind::Bind);
    assert_eq!(evaluate(&p.graph, &[tensor(&[3], &[1i32, 2, 3])], &dims_of(3)).unwrap_err().kind(), ErrorKind::Bind);
    assert_eq!(evaluate(&p.graph, &p.inputs, &dims_of(3)).unwrap(), [tensor(&[3], &[-1.0, -2.0, -3.0])]);
    let n = || Size::named("n");
    let p = negated(&[Equation(n(), Size::from(3i64))]);
    assert!(evaluate(&p.graph, &p.inputs, &dims_of(3)).is_ok());
    let p = negated(&[Equation(n(), Size::from(3i64)), Equation(n().scale(2), Size::from(8i64))]);
    let err = evaluate(&p.graph, &p.inputs, &dims_of(3)).unwrap_err();
    assert_eq!((err.kind(), err.message()), (ErrorKind::Shape, "2*n and 8 must be equal, but are 6 and 8"));
}

#[test]
fn sizes_that_overflow_are_errors() {
    let run = |shape: Shape, n: i64| {
        let (mut p, []) = program([]);
        let one = p.graph.constant(Scalar::U8(1), None);
        let y = p.view(one, |_| View { shape, axes: smallvec![] });
        p.run(&[y], &dims_of(n)).map(|v| v[0].data.len())
    };
    let n = Size::named("n");
    let square = n.mul(&n);
    assert_eq!(run([square.clone()].into_iter().collect(), 3).unwrap(), 9);
    assert_eq!(run([square].into_iter().collect(), 1 << 40).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(run([n.clone(), n.clone()].into_iter().collect(), 1 << 40).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(run([n.clone()].into_iter().collect(), 1 << 60).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(run([n.sub(&Size::ONE)].into_iter().collect(), 0).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(run([n, Size::ZERO].into_iter().collect(), 1 << 60).unwrap(), 0);
}

#[test]
fn a_chain_of_any_length_needs_no_stack() {
    let (mut p, [x]) = program([arange(DType::I64, &[2])]);
    let one = p.graph.constant(Scalar::I64(1), None);
    let last = (0..100_000).fold(x, |at, _| p.binary(BinaryOp::Add, at, one));
    assert_eq!(p.value(last), tensor(&[2], &[100_000i64, 100_001]));
}

#[test]
fn values_are_freed_after_their_last_use_and_dead_ones_never_made() {
    let (mut p, [x]) = program([tensor(&[2], &[1.0, 4.0])]);
    let root = p.unary(UnaryOp::Sqrt, x);
    let dead = p.unary(UnaryOp::Neg, root);
    let twice = p.binary(BinaryOp::Add, root, root);
    let third = p.binary(BinaryOp::Add, twice, root);
    let got = p.run(&[twice, root, twice, third], &no_dims).unwrap();
    assert_eq!(got[0].data, [Scalar::F64(2.0), Scalar::F64(4.0)]);
    assert_eq!(got[1].data, [Scalar::F64(1.0), Scalar::F64(2.0)]);
    assert_eq!(got[2], got[0]);
    assert_eq!(got[3].data, [Scalar::F64(3.0), Scalar::F64(6.0)]);
    let last = last_uses(&p.graph);
    assert!(last[x.index()] == Some(Use::Node(root)) && last[root.index()] == Some(Use::Output) && last[dead.index()].is_none());
}

#[test]
fn tensors_copy_any_layout() {
    let data = [0i16, 1, 2, 3, 4, 5];
    let reversed = ArrayRef::strided(&data, &[2, 3], &[1, -2], 4).unwrap();
    let t = Tensor::from_array_ref(&reversed).unwrap();
    assert_eq!(t, tensor(&[2, 3], &[4i16, 2, 0, 5, 3, 1]));
    assert_eq!(Tensor::from_bytes(DType::I16, &[2, 3], &t.to_bytes()).unwrap(), t);
    assert_eq!(t.get(&[1, 0]), Some(Scalar::I16(5)));
    assert_eq!(t.get(&[2, 0]), None);
    assert!(Tensor::from_bytes(DType::I16, &[2, 3], &[0; 11]).is_err());
    assert!(Tensor::new(DType::I16, &[1], vec![Scalar::U8(0)]).is_err());
    let bytes = [0x12, 0x34];
    let swapped = ArrayRef::from_bytes(&bytes, DType::I16, &[1], false, true).unwrap();
    let native = i16::from_ne_bytes([0x34, 0x12]);
    assert_eq!(Tensor::from_array_ref(&swapped).unwrap(), tensor(&[1], &[native]));
    assert_ne!(tensor(&[1], &[0.0]), tensor(&[1], &[-0.0]));
    assert_eq!(tensor(&[1], &[f64::NAN]), tensor(&[1], &[f64::from_bits(0xfff8_0000_0000_0001)]));
}

#[test]
fn indices_and_what_they_take() {
    let (mut p, [x, k]) = program([tensor(&[2, 3], &[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0]), tensor(&[2, 2], &[2i64, -1, -3, 1])]);
    let i = p.graph.add(Kind::Iota, DType::I64, Shape::fixed(&[3]), None);
    // x[:, k], the axis of the index being the last of the map.
    let map =
        View { shape: Shape::fixed(&[2, 2, 3]), axes: [View::axis_or_start(Some(0)), View::axis_or_start(Some(2))].into_iter().collect() };
    let y = p.graph.take(x, smallvec::smallvec![k], map.clone(), DType::F64, None);
    let (taken, rows) = (p.graph.clone(), p.inputs.clone());
    assert_eq!(p.value(y), tensor(&[2, 2], &[3.0f64, 3.0, 4.0, 5.0]));
    let (mut p, _) = program([rows[0].clone(), rows[1].clone()]);
    p.graph = taken;
    assert_eq!(p.value(i), tensor(&[3], &[0i64, 1, 2]));
    for bad in [3i64, -4] {
        let (mut p, [x, k]) = program([tensor(&[2, 3], &[1.0f64; 6]), tensor(&[2, 2], &[0i64, 0, bad, 0])]);
        let y = p.graph.take(x, smallvec::smallvec![k], map.clone(), DType::F64, None);
        let e = p.run(&[y], &no_dims).unwrap_err().to_string();
        assert!(e.contains(&format!("index {bad} is out of bounds for an axis of size 3")), "{e}");
    }
}

/// The least of what a mask selects is asked for in the imported program, beside its outputs.
#[cfg(feature = "text")]
#[test]
fn the_least_of_what_a_mask_selects() {
    use crate::expr::{DynExpr, infer};
    let x = DynExpr::input("x", DType::F64, Shape::fixed(&[3]), false);
    let mask = x.gt(2.0);
    let least = mask.select(&x, f64::INFINITY).min();
    let asked = infer::provided(least.node(), mask.any().node(), ReduceOp::Min, None);
    let graph = Graph::import(&[x.into_node()], &[("least".into(), asked)]).unwrap();
    let run = |values: [f64; 3]| evaluate(&graph, &[tensor(&[3], &values)], &no_dims);
    assert_eq!(run([1.0, 5.0, 3.0]).unwrap()[0].data, [Scalar::F64(3.0)]);
    let error = run([1.0, 2.0, 0.0]).unwrap_err();
    assert!(error.message().contains("the mask selects no elements"), "{error}");
}
