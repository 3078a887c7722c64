//! From a plan to its report.

use super::{Argument, Loop, Nest, Report, Slot, Traffic, Value, Write, traffic, types, users};
use crate::compile::{Compiled, CompiledStep};
use crate::dtype::DType;
use crate::graph::{Graph, Kind, Line};
use crate::kernel::Operand;
use crate::schedule::{BufferId, Dest, Placement, Put, Room, Step};
use crate::shape::Shape;
use crate::size::Size;

/// What a report is made from.
pub(crate) struct Source<'a> {
    pub kernel: &'a str,
    /// The optimized graph.
    pub graph: &'a Graph,
    pub plan: &'a Compiled,
    /// The arrays that do not lie in C order, and how; empty if there are none.
    pub layouts: String,
}

impl Source<'_> {
    /// Reads off the report.
    pub fn report(&self) -> Report {
        let Source { graph, plan, .. } = self;
        let schedule = &plan.schedule;
        let updated = |k: usize| graph.outputs().iter().any(|o| o.in_place == Some(k as u32));
        let inputs = graph.inputs().iter().enumerate().map(|(k, i)| {
            let (dtype, shape) = i.declared();
            Argument { name: i.name.clone(), dtype, shape, in_place: updated(k), given_away: i.given_away }
        });
        let outputs = graph.outputs().iter().map(|o| {
            let (dtype, shape) = graph.declared_output(o);
            Argument { name: o.name.clone(), dtype, shape, in_place: o.in_place.is_some(), given_away: false }
        });
        let slots = (0..schedule.slots.len()).map(|k| {
            let holds = schedule.buffers.iter().filter(|b| b.room == Room::Slot(k as u32));
            Slot {
                bytes: schedule.slot_bound(k),
                window: schedule.holds_window(k),
                holds: holds.map(|b| (b.node.to_string(), b.live.0 as usize, b.live.1 as usize)).collect(),
            }
        });
        Report {
            kernel: self.kernel.to_string(),
            layouts: if self.layouts.is_empty() { "arrays in C order".into() } else { self.layouts.clone() },
            inputs: inputs.collect(),
            outputs: outputs.collect(),
            nests: schedule.steps.iter().zip(&plan.steps).map(|(step, code)| self.nest(step, code)).collect(),
            values: self.values(),
            origins: types::origins(graph),
            slots: slots.collect(),
            scratch_bytes_per_thread: schedule.lane_bound(),
        }
    }

    fn nest(&self, step: &Step, code: &CompiledStep) -> Nest {
        let graph = self.graph;
        let computes = |k: &Kind| k.is_pointwise() || matches!(k, Kind::Reduce(..) | Kind::Copy(_));
        let fused = step.fused.iter().filter(|id| computes(&graph[**id].kind)).map(|id| id.to_string());
        let reads = traffic::reads(code).into_iter().map(|(operand, bytes)| Traffic { memory: self.operand(operand), bytes });
        let loops = (!step.walk.is_free()).then(|| {
            let all: Vec<usize> = match &step.walk.order {
                Some(order) => order.iter().map(|&k| k as usize).collect(),
                None => (0..step.domain.rank()).collect(),
            };
            all.into_iter().map(|axis| Loop { axis, backward: step.walk.reversed[axis] }).collect()
        });
        Nest {
            domain: step.domain.clone(),
            reduces: step.reduce.as_ref().map(|r| (r.source.clone(), r.axes.iter().map(|&k| k as usize).collect())),
            fused: fused.collect(),
            reads: reads.collect(),
            writes: step.stores.iter().map(|put| self.write(step, put)).collect(),
            loops,
            pairs: step.pairs.map(|(p, q)| (p as usize, q as usize)),
            flops: traffic::flops(code),
        }
    }

    fn write(&self, step: &Step, put: &Put) -> Write {
        let memory = match put.dest {
            Dest::Output(k) => self.operand(Operand::Output(k)),
            Dest::Buffer(b) => self.room(b),
        };
        Write {
            value: put.node.to_string(),
            traffic: Traffic { memory, bytes: bytes(&step.domain, self.graph[put.node].dtype) },
            region: Some(put.place(self.graph)).filter(|place| !place.is_empty()),
            op: put.scattered(self.graph).and_then(|(_, how)| how.op),
        }
    }

    fn operand(&self, operand: Operand) -> String {
        match operand {
            Operand::Index => "the index".into(),
            Operand::Input(k) => match &*self.graph.inputs()[k as usize].name {
                "" => format!("data #{k}"),
                name => name.to_string(),
            },
            Operand::Output(k) => self.graph.outputs()[k as usize].name.to_string(),
            Operand::Buffer(b) => {
                format!("{} ({})", self.room(b), self.plan.schedule.buffers[b.index()].node)
            }
        }
    }

    /// The memory that a buffer lies in.
    fn room(&self, b: BufferId) -> String {
        match self.plan.schedule.buffers[b.index()].room {
            Room::Slot(slot) => format!("slot {slot}"),
            Room::Output(k) => self.operand(Operand::Output(k)),
            Room::Input(k) => self.operand(Operand::Input(k)),
        }
    }

    fn values(&self) -> Vec<Value> {
        let (graph, schedule) = (self.graph, &self.plan.schedule);
        let mut nests: Vec<Vec<usize>> = vec![Vec::new(); graph.len()];
        for (k, step) in schedule.steps.iter().enumerate() {
            step.fused.iter().for_each(|id| nests[id.index()].push(k));
            for put in &step.stores {
                if nests[put.node.index()].last() != Some(&k) {
                    nests[put.node.index()].push(k);
                }
            }
        }
        let mut values = Vec::new();
        for (id, node) in graph.nodes() {
            let Some(decision) = schedule.decisions[id.index()] else { continue };
            let has_memory = match decision.placement {
                Placement::Input
                | Placement::TileScratch
                | Placement::Buffer
                | Placement::Copy
                | Placement::Output
                | Placement::InPlace => true,
                Placement::Scalar | Placement::View | Placement::ComputedIndex | Placement::Inline => false,
            };
            let memory = match (schedule.homes[id.index()], &node.kind) {
                _ if !has_memory => None,
                (Some(Dest::Buffer(b)), _) => Some(self.room(b)),
                (Some(Dest::Output(k)), _) => Some(self.operand(Operand::Output(k))),
                (None, Kind::Input(k)) => Some(self.operand(Operand::Input(*k))),
                // A result that nobody reads has no home, but is stored.
                (None, _) => graph.outputs().iter().find(|o| o.node == id).map(|o| o.name.to_string()),
            };
            let room = match schedule.homes[id.index()] {
                Some(Dest::Buffer(b)) if has_memory => Some(schedule.buffers[b.index()].room),
                _ => None,
            };
            let window = schedule.window_bound(id);
            let reads_memory = matches!(node.kind, Kind::Input(_) | Kind::Const(_) | Kind::Size(_));
            values.push(Value {
                name: id.to_string(),
                text: Line(graph, node).to_string(),
                dtype: node.dtype,
                shape: node.shape.clone(),
                placement: decision.placement,
                reason: decision.why,
                bytes: match (has_memory, &window) {
                    (false, _) => Size::ZERO,
                    (true, Some(bound)) => bound.clone(),
                    (true, None) => bytes(&node.shape, node.dtype),
                },
                window: has_memory && window.is_some(),
                memory,
                until: match room {
                    Some(Room::Output(k)) => Some(schedule.first_write(k) as usize),
                    _ => None,
                },
                since: match room {
                    Some(Room::Input(k)) => Some(schedule.unread_from(graph, k) as usize),
                    _ => None,
                },
                nests: if reads_memory { Vec::new() } else { std::mem::take(&mut nests[id.index()]) },
                site: users(node.site),
            });
        }
        values
    }
}

/// The bytes of an array.
pub(super) fn bytes(shape: &Shape, dtype: DType) -> Size {
    shape.size().scale(dtype.size() as i64)
}
