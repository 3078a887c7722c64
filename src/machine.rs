//! A small model of the machine: how large its caches are, and at what rate it moves and computes. Choices that depend on sizes are
//! made by it, and a [`Profile`](crate::Profile) shows what it predicts beside what was measured.
//!
//! A loop nest takes as long as the slower of two things takes: moving its bytes, at the rate of the nearest cache that holds everything
//! that the call touches, and its vector instructions. (The roofline of Williams, Waterman and Patterson, CACM 52(4), 2009, with a
//! roof for each cache, and instructions for flops.)

use std::fmt;
use std::sync::OnceLock;

use crate::codegen::Backend;

/// What one core of a machine does, and how fast.
///
/// ```
/// use elide::Machine;
///
/// let machine = Machine::current();
/// assert!(machine.caches[0].bytes >= 8 << 10);
/// assert!(machine.caches.windows(2).all(|c| c[0].bytes <= c[1].bytes));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Machine {
    /// The caches of data between a core and memory, nearest first.
    pub caches: Vec<Cache>,
    /// Bytes per nanosecond, read and written together, that one thread moves from and to memory.
    pub memory_rate: f64,
    /// Bytes of the widest vectors that kernels are compiled to.
    pub vector_bytes: usize,
    /// Vector instructions per nanosecond that one thread computes.
    pub instruction_rate: f64,
}

/// A cache.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Cache {
    /// What it holds.
    pub bytes: usize,
    /// Bytes per nanosecond, read and written together, that one thread moves from and to it.
    pub rate: f64,
}

/// What a loop nest spends its time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Bound {
    /// Its instructions.
    Instructions,
    /// Moving bytes between the core and this cache, 1 being the nearest.
    Cache(usize),
    /// Moving bytes between the core and memory.
    Memory,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::Instructions => f.write_str("instructions"),
            Bound::Cache(level) => write!(f, "L{level}"),
            Bound::Memory => f.write_str("memory"),
        }
    }
}

/// Nanoseconds that a model predicts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Prediction {
    /// For the instructions alone.
    pub computing: f64,
    /// For the bytes alone.
    pub moving: f64,
    /// Where the bytes are: a cache, or memory.
    pub level: Bound,
}

impl Prediction {
    pub fn nanoseconds(self) -> f64 {
        self.computing.max(self.moving)
    }

    pub fn bound(self) -> Bound {
        if self.computing > self.moving { Bound::Instructions } else { self.level }
    }
}

impl Machine {
    /// The machine that this runs on: sizes of caches and vectors as the CPU says, or the least that is common where it does not; rates that are
    /// typical of cores since 2017. [`Machine::measure`] measures them.
    pub fn current() -> &'static Machine {
        static CURRENT: OnceLock<Machine> = OnceLock::new();
        CURRENT.get_or_init(|| {
            let sizes = [cache_size::l1_cache_size(), cache_size::l2_cache_size(), cache_size::l3_cache_size()];
            let typical = [(32 << 10, 150.0), (512 << 10, 60.0), (8 << 20, 20.0)];
            let caches = sizes.into_iter().zip(typical).map(|(size, (bytes, rate))| Cache { bytes: size.unwrap_or(bytes), rate });
            let mut caches: Vec<Cache> = caches.collect();
            // A virtual machine may say anything.
            let mut least = 8 << 10;
            for cache in &mut caches {
                cache.bytes = cache.bytes.max(least);
                least = cache.bytes;
            }
            Machine { caches, memory_rate: 12.0, vector_bytes: Backend::Auto.vector_bytes(), instruction_rate: 5.0 }
        })
    }

    /// How long so many instructions and so many bytes take, in a call that touches `footprint` bytes, again and again.
    pub(crate) fn predict(&self, instructions: f64, bytes: f64, footprint: f64) -> Prediction {
        let level = self.caches.iter().position(|c| footprint <= c.bytes as f64);
        let (rate, level) = match level {
            Some(k) => (self.caches[k].rate, Bound::Cache(k + 1)),
            None => (self.memory_rate, Bound::Memory),
        };
        Prediction { computing: instructions / self.instruction_rate, moving: bytes / rate, level }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, cache) in self.caches.iter().enumerate() {
            write!(f, "L{} {} KiB at {:.0} bytes/ns, ", k + 1, cache.bytes >> 10, cache.rate)?;
        }
        write!(f, "memory at {:.0}; {:.1} instructions/ns of {} bytes", self.memory_rate, self.instruction_rate, self.vector_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bound, Cache, Machine};

    fn machine() -> Machine {
        let caches = [(1000, 100.0), (100_000, 50.0)].map(|(bytes, rate)| Cache { bytes, rate });
        Machine { caches: caches.to_vec(), memory_rate: 10.0, vector_bytes: 32, instruction_rate: 4.0 }
    }

    #[test]
    fn the_slower_of_moving_and_computing_bounds() {
        let m = machine();
        let p = m.predict(400.0, 1000.0, 1000.0);
        assert_eq!((p.computing, p.moving, p.nanoseconds(), p.bound()), (100.0, 10.0, 100.0, Bound::Instructions));
        let p = m.predict(4.0, 1000.0, 1001.0);
        assert_eq!((p.nanoseconds(), p.bound()), (20.0, Bound::Cache(2)));
        let p = m.predict(4.0, 1000.0, 1e9);
        assert_eq!((p.nanoseconds(), p.bound(), p.bound().to_string()), (100.0, Bound::Memory, "memory".to_string()));
    }
}
