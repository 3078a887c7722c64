//! The order of the stages, on one screen: graph, optimize, schedule, lower, generate code; each verified and timed.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use hashbrown::HashMap;

use crate::codegen::{Backend, Code, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{self, Graph, Windows};
use crate::kernel::{self, Bindings, LoopNest, Operand, OperandStrides, Work};
use crate::opt;
use crate::schedule::{self, Room, Schedule};

/// How many compiled loop nests are kept for reuse. When there are more, all that no program uses are dropped.
const MAX_CACHED: usize = 512;

/// How often values are taken back that were to be in windows; then all are.
const MAX_REFUSALS: usize = 3;

/// Time spent in each stage of building one kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timings {
    /// From expressions to the graph.
    pub import: Duration,
    /// Rewriting the graph.
    pub optimize: Duration,
    /// Deciding what shares a loop nest.
    pub schedule: Duration,
    /// From the schedule to loop nests.
    pub lower: Duration,
    /// From loop nests to machine code; nothing where the nests were compiled before.
    pub codegen: Duration,
}

impl Timings {
    /// The sum of all stages.
    pub fn total(&self) -> Duration {
        self.import + self.optimize + self.schedule + self.lower + self.codegen
    }
}

/// Compiles graphs, and keeps the code of loop nests for programs that need the same ones.
pub(crate) struct Compiler {
    target: Target,
    /// By backend, none of them `Auto`.
    cache: Mutex<HashMap<Backend, HashMap<LoopNest, Arc<Code>>>>,
}

/// A step ready to run.
pub(crate) struct CompiledStep {
    pub nest: LoopNest,
    pub bindings: Bindings,
    pub work: Work,
    pub code: Arc<Code>,
}

/// A graph under one combination of layouts, ready to run.
pub(crate) struct Compiled {
    pub schedule: Schedule,
    pub steps: Vec<CompiledStep>,
    pub timings: Timings,
}

/// A bug in elide, reported instead of a wrong answer.
fn broken(what: String) -> Error {
    Error::new(ErrorKind::Codegen, format!("internal error, please report it: {what}"))
}

impl Compiler {
    /// The compiler for this machine, shared by the whole process.
    ///
    /// # Errors
    /// If code cannot be generated for this machine.
    pub fn host() -> Result<&'static Compiler> {
        static HOST: OnceLock<Result<Compiler>> = OnceLock::new();
        let made = HOST.get_or_init(|| Ok(Compiler { target: Target::host()?, cache: Mutex::new(HashMap::new()) }));
        made.as_ref().map_err(Error::clone)
    }

    /// The target, for listings.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Rewrites a graph; with debug assertions it is verified before and after every pass.
    ///
    /// Whether a value comes to be in a window is known only when all steps are. One that was to be, and would be stored as a whole, is
    /// recomputed instead: the graph is rewritten again without it.
    ///
    /// # Errors
    /// If a pass breaks the rules of the graph, which is a bug.
    pub fn optimize(&self, mut from: Graph) -> Result<Graph> {
        for _ in 0..MAX_REFUSALS {
            let done = self.rewrite(from.clone())?;
            if !done.windows().has_any() {
                return Ok(done);
            }
            let schedule = Schedule::new(&done, &vec![true; done.inputs().len() + done.outputs().len()]).map_err(broken)?;
            let whole = schedule.buffers.iter().filter(|b| b.window.is_none()).map(|b| &done[b.node]);
            let Some(fewer) = done.windows().refuse(whole) else { return Ok(done) };
            from.set_windows(fewer);
        }
        from.set_windows(Windows::none());
        self.rewrite(from)
    }

    fn rewrite(&self, mut g: Graph) -> Result<Graph> {
        let check = |g: &Graph, after: &str| match graph::verify(g) {
            Err(m) if cfg!(debug_assertions) => Err(broken(format!("after {after}: {m}"))),
            _ => Ok(()),
        };
        if cfg!(debug_assertions) {
            check(&g, "import")?;
        }
        for pass in opt::PASSES {
            g = pass.apply(g);
            if cfg!(debug_assertions) {
                check(&g, pass.name)?;
            }
        }
        g = schedule::with_copies(g);
        if cfg!(debug_assertions) {
            check(&g, "copies")?;
        }
        Ok(g)
    }

    /// Plans and compiles an optimized graph whose arrays have the given strides.
    ///
    /// # Errors
    /// If the code generator refuses, or a stage breaks its own rules, which is a bug.
    pub fn compile(&self, graph: &Graph, contiguous: &[bool], strides: &OperandStrides, backend: Backend) -> Result<Compiled> {
        let mut timings = Timings::default();
        let start = Instant::now();
        let schedule = Schedule::new(graph, contiguous).map_err(broken)?;
        timings.schedule = start.elapsed();
        if cfg!(debug_assertions) {
            schedule.verify(graph).map_err(broken)?;
        }
        let mut steps = Vec::with_capacity(schedule.steps.len());
        for (k, step) in schedule.steps.iter().enumerate() {
            let start = Instant::now();
            let (nest, bindings) = kernel::lower(graph, &schedule, step, strides);
            timings.lower += start.elapsed();
            let overwritten = |operand: &Operand| match *operand {
                Operand::Input(i) => schedule.buffers.iter().any(|b| b.room == Room::Input(i) && b.live.0 as usize <= k),
                _ => false,
            };
            if bindings.pointers.iter().any(|(operand, _)| overwritten(operand)) {
                return Err(broken(format!("step {k} reads an input in whose memory a value has been stored")));
            }
            if cfg!(debug_assertions) {
                kernel::verify(&nest).map_err(broken)?;
            }
            let start = Instant::now();
            let code = self.code(&nest, backend.resolve())?;
            timings.codegen += start.elapsed();
            steps.push(CompiledStep { work: Work::of(&nest), nest, bindings, code });
        }
        Ok(Compiled { schedule, steps, timings })
    }

    /// The code of a loop nest, for a backend that is not `Auto`.
    ///
    /// # Errors
    /// If the code generator refuses.
    pub fn code(&self, nest: &LoopNest, backend: Backend) -> Result<Arc<Code>> {
        let lock = || self.cache.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(code) = lock().get(&backend).and_then(|kept| kept.get(nest)) {
            return Ok(code.clone());
        }
        // Compiled outside the lock: two threads may do the same work once, none waits for the other.
        let code = Arc::new(self.target.compile(nest, backend)?);
        let mut all = lock();
        let cache = all.entry(backend).or_default();
        let mut unused = Vec::new();
        if cache.len() >= MAX_CACHED {
            unused.extend(cache.extract_if(|_, code| Arc::strong_count(code) == 1));
        }
        if cache.len() < MAX_CACHED {
            cache.insert(nest.clone(), code.clone());
        }
        drop(all);
        // Unmapping the memory of so many nests takes ten milliseconds, for which no other thread should wait.
        drop(unused);
        Ok(code)
    }
}
