//! Runs a graph's compiled loop nests over plain memory, for tests of the stages alone: no binding, no cache, no threads.

use super::{Dims, Program, Tensor};
use crate::codegen::{Backend, Streaming, Target};
use crate::graph::{Graph, Input, Output};
use crate::kernel::{AccessRange, Operand, OperandStrides, for_each_pair_block, lower, verify};
use crate::schedule::{Buffer, Room, Schedule};
use crate::size::{Size, Var};

/// What surrounds the memory that may be written.
const CANARY: u8 = 0xa5;
const MARGIN: usize = 256;

/// Memory between canaries, off any alignment.
struct Memory(Vec<u8>);

impl Memory {
    fn new(bytes: usize) -> Memory {
        Memory(vec![CANARY; bytes + 2 * MARGIN + 1])
    }

    /// The address of the first byte, through which compiled code may write.
    fn start(&mut self) -> usize {
        self.0.as_mut_ptr().expose_provenance() + MARGIN + 1
    }

    fn size(&self) -> i64 {
        (self.0.len() - 2 * MARGIN - 1) as i64
    }

    fn inside(&mut self) -> &mut [u8] {
        let end = self.0.len() - MARGIN;
        &mut self.0[MARGIN + 1..end]
    }

    fn is_intact(&self) -> bool {
        let (low, high) = (&self.0[..MARGIN + 1], &self.0[self.0.len() - MARGIN..]);
        low.iter().chain(high).all(|&b| b == CANARY)
    }
}

/// How a graph's inputs and outputs lie in memory, to the stages that compile.
pub(super) fn layouts(graph: &Graph, program: &Program, dims: Dims) -> (OperandStrides, Vec<bool>) {
    let find = |i: &Input| program.inputs.iter().find(|x| *x.name == *i.name).expect("an input of the program");
    let strides = |(operand, input): (usize, &Input)| {
        let super::Input { place, value, .. } = find(input);
        // The strides of an array without elements mean nothing, but a stride of 0 would say that its first element may be read
        // once for a whole axis, even an empty one.
        let strides = if value.data.is_empty() { super::Place::c_order(value.dtype, &value.shape).strides } else { place.strides.clone() };
        let known = strides.into_iter().map(|s| Size::from(s as i64));
        let unknown = (0..input.shape.rank()).map(|axis| Size::var(Var::Stride { operand: operand as u32, axis: axis as u32 }));
        if dims == Dims::Fixed { known.collect() } else { unknown.collect() }
    };
    let c_order = |o: &Output| graph[o.node].shape.c_strides().iter().map(|s| s.scale(graph[o.node].dtype.size() as i64)).collect();
    let inputs: Vec<Vec<Size>> = graph.inputs().iter().enumerate().map(strides).collect();
    let outputs = graph.outputs().iter().map(|o| o.in_place.map_or_else(|| c_order(o), |k| inputs[k as usize].clone())).collect();
    let operands = OperandStrides { inputs, outputs };
    let in_order = |i: &Input| super::Place::c_order(i.dtype, &find(i).value.shape).strides == find(i).place.strides;
    let inputs = graph.inputs().iter().map(|i| dims == Dims::Fixed && in_order(i));
    (operands, inputs.chain(graph.outputs().iter().map(|o| o.in_place.is_none())).collect())
}

/// The outputs of an optimized graph, by compiled code. `want` has the shapes.
#[allow(unsafe_code, reason = "calls compiled code past the checks that are under test")]
pub(super) fn execute(
    graph: &Graph,
    program: &Program,
    dims: Dims,
    target: &Target,
    backend: Backend,
    want: &[Tensor],
) -> Result<Vec<Tensor>, String> {
    let (operands, contiguous) = layouts(graph, program, dims);
    let schedule = Schedule::new(graph, &contiguous)?;
    schedule.verify(graph)?;
    let inputs: Vec<_> = graph.inputs().iter().map(|i| program.inputs.iter().find(|x| *x.name == *i.name).expect("an input")).collect();
    let env = |var: &Var| match var {
        Var::Dim(name) => name[1..].parse().expect("a dim is named by its value"),
        Var::Stride { operand, axis } => inputs[*operand as usize].place.strides[*axis as usize] as i64,
        Var::Rows { .. } | Var::Planes { .. } => unreachable!("rows of windows are replaced below"),
    };
    // Here steps run whole, so that all rows of a window exist.
    let extent = |b: &Buffer, axis: Option<u8>| axis.map_or(1, |k| graph[b.node].shape.extents()[k as usize].eval(&env).unwrap_or(1));
    let rows: Vec<i64> = schedule.buffers.iter().map(|b| extent(b, b.window.as_ref().map(|w| w.axis))).collect();
    let planes: Vec<i64> = schedule.buffers.iter().map(|b| extent(b, b.window.as_ref().and_then(|w| w.outer))).collect();
    let env = |var: &Var| match var {
        Var::Rows { buffer } => rows[*buffer as usize],
        Var::Planes { buffer } => planes[*buffer as usize],
        other => env(other),
    };
    let number = |s: &Size| s.eval(&env).ok_or_else(|| format!("{s} does not fit"));
    let mut given: Vec<Memory> = inputs.iter().map(|i| Memory::new(i.place.bytes)).collect();
    given.iter_mut().zip(&inputs).for_each(|(m, i)| i.place.store(&i.value, m.inside()));
    // What updates an input lies in its memory.
    let own = |(o, t): (&Output, &Tensor)| Memory::new(if o.in_place.is_some() { 0 } else { t.data.len() * t.dtype.size() });
    let mut results: Vec<Memory> = graph.outputs().iter().zip(want).map(own).collect();
    let mut slots: Vec<Memory> = schedule.slots.iter().map(|s| Ok(Memory::new(number(s)? as usize))).collect::<Result<_, String>>()?;
    for (k, step) in schedule.steps.iter().enumerate() {
        let (nest, bindings) = lower(graph, &schedule, step, &operands);
        let show = |e: String| format!("step {k}: {e}\n{graph}\n{nest:?}");
        verify(&nest).map_err(show)?;
        let code = target.compile(&nest, backend).map_err(|e| show(e.to_string()))?;
        let params: Vec<i64> = bindings.params.iter().map(&number).collect::<Result<_, _>>()?;
        if nest.parallel.iter().any(|&p| params[p as usize] <= 0) {
            continue;
        }
        let mut args = Vec::new();
        for (p, (operand, offset)) in bindings.pointers.iter().enumerate() {
            if *operand == Operand::Index {
                args.push(number(offset)?);
                continue;
            }
            let memory_of = match operand {
                Operand::Output(k) => graph.outputs()[*k as usize].in_place.map_or(*operand, Operand::Input),
                other => *other,
            };
            let (memory, first) = match &memory_of {
                Operand::Index => unreachable!("an index has no memory"),
                Operand::Input(k) => (&mut given[*k as usize], inputs[*k as usize].place.first),
                Operand::Output(k) => (&mut results[*k as usize], 0),
                Operand::Buffer(b) => match schedule.buffers[b.index()].room {
                    Room::Slot(slot) => (&mut slots[slot as usize], 0),
                    Room::Output(k) => (&mut results[k as usize], 0),
                    Room::Input(k) => (&mut given[k as usize], inputs[k as usize].place.first),
                },
            };
            let at = first as i64 + number(offset)?;
            let size = memory.size();
            let address = memory.start() as i64 + at;
            for access in nest.accesses.iter().filter(|a| a.pointer as usize == p) {
                match nest.access_range(access, &params) {
                    AccessRange::Nothing => {}
                    AccessRange::Bytes(low, high) if at + low >= 0 && at + high <= size => {}
                    outside => return Err(show(format!("{outside:?} from {at} is outside the {size} bytes of {operand:?}"))),
                }
            }
            args.push(address);
        }
        args.extend(&params);
        let streaming = Streaming::OFF;
        args.extend([code.table(), streaming.chunk, streaming.tiles]);
        // SAFETY: the arguments are those of this nest or of a part of it, and every access of the whole was checked above to stay
        // inside its memory.
        let call = |args: &[i64]| unsafe { code.entry()(args.as_ptr()) };
        match &bindings.pairs {
            None => call(&args),
            Some((a, b)) => {
                let moves = |s: &crate::kernel::StripArgument| s.moves.iter().map(&number).collect::<Result<Vec<i64>, String>>();
                let (first, second) = (moves(a)?, moves(b)?);
                for_each_pair_block(params[a.param as usize], 2, &mut |row, rows, column, columns| {
                    let mut part = args.clone();
                    (0..first.len()).for_each(|p| part[p] += row * first[p] + column * second[p]);
                    part[first.len() + a.param as usize] = rows;
                    part[first.len() + b.param as usize] = columns;
                    call(&part);
                });
            }
        }
        if !given.iter().chain(&results).chain(&slots).all(Memory::is_intact) {
            return Err(show("wrote outside its memory".into()));
        }
    }
    let mut read = Vec::new();
    for ((output, memory), t) in graph.outputs().iter().zip(&mut results).zip(want) {
        read.push(match output.in_place {
            Some(k) => inputs[k as usize].place.load(t.dtype, &t.shape, given[k as usize].inside()),
            None => Tensor::from_bytes(t.dtype, &t.shape, memory.inside()).map_err(|e| e.to_string())?,
        });
    }
    for (k, (memory, input)) in given.iter_mut().zip(&inputs).enumerate() {
        let updated = graph.inputs()[k].given_away || graph.outputs().iter().any(|o| o.in_place == Some(k as u32));
        let (covers, mut was) = (input.place.covers(input.value.dtype, &input.value.shape), vec![CANARY; input.place.bytes]);
        input.place.store(&input.value, &mut was);
        if memory.inside().iter().zip(&was).zip(covers).any(|((now, was), inside)| now != was && !(inside && updated)) {
            return Err(format!("input {k} was changed where nothing is to be stored"));
        }
    }
    Ok(read)
}
