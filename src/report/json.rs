//! The report as JSON (feature `json`).

use serde_json::{Value as Json, json};

use super::{Argument, Report};
use crate::error::Site;
use crate::size::Size;

/// The formula, and the number if it is one.
fn size(s: &Size) -> Json {
    json!({ "formula": s.to_string(), "number": s.as_const() })
}

fn site(s: Option<Site>) -> Json {
    s.map_or(Json::Null, |s| json!(format!("{}:{}", s.file(), s.line())))
}

fn arguments(list: &[Argument]) -> Json {
    let one = |a: &Argument| {
        let (dtype, shape) = (a.dtype.to_string(), a.shape.to_string());
        json!({ "name": &*a.name, "dtype": dtype, "shape": shape, "in_place": a.in_place, "given_away": a.given_away })
    };
    list.iter().map(one).collect()
}

impl Report {
    /// The report as JSON, indented. Sizes are objects of a `formula` and a `number`, which is null where the formula has dims.
    pub fn to_json(&self) -> String {
        let nests = self.nests.iter().map(|n| {
            json!({
                "domain": n.domain.to_string(),
                "reduces": n.reduces.as_ref().map(|(source, axes)| json!({ "shape": source.to_string(), "axes": axes })),
                "pairs": n.pairs.map(|(p, q)| [p, q]),
                "loops": n.loops.as_ref().map(|l| l.iter().map(|l| json!({ "axis": l.axis, "backward": l.backward })).collect::<Json>()),
                "fused": n.fused,
                "reads": n.reads.iter().map(|r| json!({ "memory": r.memory, "bytes": size(&r.bytes) })).collect::<Json>(),
                "writes": n.writes.iter().map(|w| json!({
                    "value": w.value, "memory": w.traffic.memory, "region": w.region, "op": w.op.map(|op| op.name()), "bytes": size(&w.traffic.bytes),
                })).collect::<Json>(),
                "bytes_read": size(&n.bytes_read()),
                "bytes_written": size(&n.bytes_written()),
                "flops": size(&n.flops),
            })
        });
        let values = self.values.iter().map(|v| {
            json!({
                "name": v.name,
                "text": v.text,
                "dtype": v.dtype.to_string(),
                "shape": v.shape.to_string(),
                "placement": v.placement.name(),
                "reason": v.reason.map(|r| r.name()),
                "bytes": size(&v.bytes),
                "memory": v.memory,
                "until": v.until,
                "since": v.since,
                "window": v.window,
                "nests": v.nests,
                "site": site(v.site),
            })
        });
        let origins = self.origins.iter().map(|o| {
            json!({
                "output": &*o.output,
                "dtype": o.dtype.to_string(),
                "narrower": o.narrower.iter().map(|n| &**n).collect::<Vec<_>>(),
                "value": o.value,
                "because": o.because,
                "site": site(o.site),
            })
        });
        let slots = self.slots.iter().map(|s| {
            let holds = s.holds.iter().map(|(value, first, last)| json!({ "value": value, "written_in": first, "last_read_in": last }));
            json!({ "bytes": size(&s.bytes), "window": s.window, "holds": holds.collect::<Json>() })
        });
        let whole = json!({
            "kernel": self.kernel,
            "layouts": self.layouts,
            "inputs": arguments(&self.inputs),
            "outputs": arguments(&self.outputs),
            "nests": nests.collect::<Json>(),
            "values": values.collect::<Json>(),
            "types": origins.collect::<Json>(),
            "slots": slots.collect::<Json>(),
            "scratch_bytes": size(&self.scratch_bytes()),
            "scratch_bytes_per_thread": size(&self.scratch_bytes_per_thread),
            "bytes_read": size(&self.bytes_read()),
            "bytes_written": size(&self.bytes_written()),
            "flops": size(&self.flops()),
        });
        format!("{whole:#}\n")
    }
}
