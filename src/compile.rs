//! The order of the stages, on one screen: graph, optimize, schedule, lower, generate code; each verified and timed.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
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
    kept: Kept<Code>,
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
        let made = HOST.get_or_init(|| Ok(Compiler { target: Target::host()?, kept: Kept::default() }));
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
        self.kept.get(nest, backend, || self.target.compile(nest, backend))
    }
}

/// What was compiled before, by backend and nest.
struct Kept<T>(Mutex<HashMap<Backend, HashMap<LoopNest, Slot<T>>>>);

/// What a nest is compiled to, once it is: threads that ask for a nest while one compiles it wait for that one, and for no other.
type Slot<T> = Arc<OnceLock<Result<Arc<T>>>>;

impl<T> Default for Kept<T> {
    fn default() -> Kept<T> {
        Kept(Mutex::new(HashMap::new()))
    }
}

impl<T> Kept<T> {
    /// What `compile` makes of a nest, now or when it was first asked for. An error is not kept.
    fn get(&self, nest: &LoopNest, backend: Backend, compile: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        let slot = self.slot(nest, backend);
        let made = slot.get_or_init(|| compile().map(Arc::new)).clone();
        if made.is_err() {
            let mut all = self.lock();
            let kept = all.entry(backend).or_default();
            if kept.get(nest).is_some_and(|known| Arc::ptr_eq(known, &slot)) {
                kept.remove(nest);
            }
        }
        made
    }

    fn slot(&self, nest: &LoopNest, backend: Backend) -> Slot<T> {
        let mut all = self.lock();
        let kept = all.entry(backend).or_default();
        if let Some(slot) = kept.get(nest) {
            return slot.clone();
        }
        let mut unused = Vec::new();
        if kept.len() >= MAX_CACHED {
            // The map alone has these slots, and the slots alone their code.
            let is_unused = |slot: &Slot<T>| {
                Arc::strong_count(slot) == 1 && slot.get().is_none_or(|c| c.as_ref().is_ok_and(|c| Arc::strong_count(c) == 1))
            };
            unused.extend(kept.extract_if(|_, slot| is_unused(slot)));
        }
        let slot = Slot::default();
        if kept.len() < MAX_CACHED {
            kept.insert(nest.clone(), slot.clone());
        }
        drop(all);
        // Unmapping the memory of so many nests takes ten milliseconds, for which no other thread should wait.
        drop(unused);
        slot
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Backend, HashMap<LoopNest, Slot<T>>>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn nest(params: u32) -> LoopNest {
        LoopNest {
            parallel: Vec::new(),
            reduced: Vec::new(),
            accesses: Vec::new(),
            insts: Vec::new(),
            types: Vec::new(),
            depths: Vec::new(),
            reductions: Vec::new(),
            stores: Vec::new(),
            lanes: kernel::Lanes::Scalar,
            in_place: false,
            descending: false,
            pointers: 0,
            params,
        }
    }

    #[test]
    fn a_nest_is_compiled_once_and_others_meanwhile() {
        let (kept, count, threads) = (Kept::<u32>::default(), AtomicUsize::new(0), 4);
        let (begin, other_is_done) = (Barrier::new(threads + 1), OnceLock::new());
        let all: Vec<Arc<u32>> = std::thread::scope(|s| {
            let ask = || {
                begin.wait();
                let compile = || {
                    // Ends only when another nest has been compiled, by another thread.
                    other_is_done.wait();
                    count.fetch_add(1, Ordering::Relaxed);
                    Ok(1)
                };
                kept.get(&nest(1), Backend::Cranelift, compile).unwrap()
            };
            let asking: Vec<_> = (0..threads).map(|_| s.spawn(ask)).collect();
            begin.wait();
            assert_eq!(*kept.get(&nest(2), Backend::Cranelift, || Ok(2)).unwrap(), 2);
            assert_eq!(*kept.get(&nest(1), Backend::Avx2, || Ok(3)).unwrap(), 3);
            other_is_done.set(()).unwrap();
            asking.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(count.into_inner(), 1);
        assert!(all.iter().all(|code| Arc::ptr_eq(code, &all[0])));
    }

    #[test]
    fn what_is_not_used_makes_room_and_errors_are_not_kept() {
        let kept = Kept::<u32>::default();
        let get = |k: u32| kept.get(&nest(k), Backend::Cranelift, || Ok(k)).unwrap();
        let used = get(0);
        (1..2 * MAX_CACHED as u32).for_each(|k| assert_eq!(*get(k), k));
        assert!(Arc::ptr_eq(&used, &get(0)));
        assert!(kept.lock()[&Backend::Cranelift].len() <= MAX_CACHED);
        let refused = || Err(broken("refused".into()));
        assert!(kept.get(&nest(7), Backend::Avx2, refused).is_err());
        assert_eq!(*kept.get(&nest(7), Backend::Avx2, || Ok(8)).unwrap(), 8);
    }
}
