//! Loads and stores of elements that lie a few elements apart: registers that hold them and what lies between are loaded whole, once for all
//! accesses that need them, and permutes pick the elements.
//!
//! ```text
//! x[:, 0], x[:, 1], x[:, 2] of 8 rows:   r0 = xyzxyzxy   r1 = zxyzxyzx   r2 = yzxyzxyz
//! ```
//!
//! Stores that fill the elements between one another write whole registers too, put together in the same way.
//!
//! What is read begins with the first element and ends with the last that some access of the nest reads at the same indices, so it lies
//! inside of what binding has checked. What lies between are other elements of the array: see [`Stride::Spaced`](crate::kernel::Stride::Spaced).

use iced_x86::Code::*;
use iced_x86::MemoryOperand;
use smallvec::{SmallVec, smallvec};

use super::asm::Assembler;
use super::machine::{Class, Isa, KMask, Machine, Op, Operand, Under, V};
use super::memory::displacement_size;
use super::select::{At, Select};
use super::table;
use crate::kernel::Access;

/// Registers that hold the elements of accesses at the same address, with what lies between.
pub(super) type Run = SmallVec<[V; 8]>;

/// How a run is cut into registers.
struct Cut {
    bytes: usize,
    /// Bytes of a register; as many as the run has if it fits one.
    chunk: usize,
    begins: SmallVec<[usize; 8]>,
}

impl Cut {
    fn of(bytes: usize, isa: Isa) -> Cut {
        let chunk = match isa {
            _ if bytes >= isa.width() => isa.width(),
            // Under a mask.
            Isa::Avx512 => bytes,
            Isa::Avx2 if bytes.is_power_of_two() || bytes < 16 => bytes,
            Isa::Avx2 => 16,
        };
        // The last register ends where the run does.
        let begins = (0..bytes.div_ceil(chunk)).map(|k| (k * chunk).min(bytes - chunk)).collect();
        Cut { bytes, chunk, begins }
    }

    /// The register that an element is in, and the byte of it.
    fn find(begins: &[usize], at: usize) -> (usize, usize) {
        let k = begins.iter().rposition(|b| *b <= at).expect("a run begins at 0");
        (k, at - begins[k])
    }
}

impl Select<'_> {
    /// The lanes of an access whose elements lie `apart` elements apart, all lanes of a full vector; `None` where it is better to load
    /// them one by one.
    pub fn load_spaced(&mut self, access: u32, apart: usize, copy: usize) -> Option<V> {
        let nest = self.shape.nest;
        let a = &nest.accesses[access as usize];
        let (size, lanes) = (a.dtype.size(), self.shape.lanes);
        let period = apart * size;
        // What is overwritten meanwhile is not touched more than it must be.
        if nest.in_place || !a.picked.is_empty() {
            return None;
        }
        // Of one address, and moving alike: at the same indices all of them are inside of the array.
        let near = |b: &&Access| b.pointer == a.pointer && b.strides == a.strides && b.inside == a.inside && b.picked.is_empty();
        let all = || nest.accesses.iter().filter(near).map(|b| b.displacement);
        let lowest = all().min()?;
        let number = |displacement: i32| (displacement - lowest) / period as i32;
        let (mut first, mut last) = (a.displacement, a.displacement);
        for d in all().filter(|d| number(*d) == number(a.displacement) && (*d - lowest) % size as i32 == 0) {
            (first, last) = (first.min(d), last.max(d));
        }
        if (a.displacement - lowest) % size as i32 != 0 {
            (first, last) = (a.displacement, a.displacement);
        }
        let cut = Cut::of((last - first) as usize + (lanes - 1) * period + size, self.isa());
        // For each lane the register and the element of it.
        let from = (a.displacement - first) as usize;
        let places: Vec<(usize, usize)> = (0..lanes)
            .map(|lane| {
                let (register, byte) = Cut::find(&cut.begins, from + lane * period);
                (register, byte / size)
            })
            .collect();
        if !self.is_worth_it(size, &places, &cut) {
            return None;
        }
        let key = (a.pointer, first, copy);
        let run = match self.runs.get(&key) {
            Some(run) => run.clone(),
            None => {
                let lead = nest.accesses.iter().position(|b| near(&b) && b.displacement == first)?;
                let at = self.address(lead as u32, copy);
                let run: Run = cut.begins.iter().map(|begin| self.load_part(&cut, bytes_on(at, *begin))).collect();
                self.runs.insert(key, run.clone());
                run
            }
        };
        Some(match self.isa() {
            Isa::Avx512 => self.pick_avx512(size, &places, &run),
            Isa::Avx2 => self.pick_avx2(size, &places, &run),
        })
    }

    /// Instructions that move lanes across a register are what is scarce: one for each element but the first of each register if they
    /// are inserted.
    fn is_worth_it(&self, size: usize, places: &[(usize, usize)], cut: &Cut) -> bool {
        let inserts = places.len() - 1;
        let mut used: Vec<usize> = places.iter().map(|p| p.0).collect();
        used.dedup();
        match self.isa() {
            Isa::Avx512 if size == 1 && !self.isa().permutes_bytes() => false,
            Isa::Avx512 => used.len() <= inserts.min(8),
            Isa::Avx2 if size < 4 || !matches!(cut.chunk, 8 | 16 | 32) => false,
            Isa::Avx2 => used.len() < inserts || are_distinct(places),
        }
    }

    /// One register of a run.
    fn load_part(&mut self, cut: &Cut, at: MemoryOperand) -> V {
        if matches!(cut.chunk, 4 | 8 | 16 | 32 | 64) {
            return self.load_bytes(cut.chunk, at);
        }
        // No byte beyond the run is touched; AVX-512 only.
        let mask = self.first_bytes(cut.bytes);
        let (v, w) = (self.block.fresh(Class::Vector), self.full());
        self.push(Machine {
            op: Op::Code(table::load_under(1, 64)),
            operands: smallvec![Operand::Def(v, w), Operand::Mem(at)],
            foldable: None,
            under: Some(Under::Zeroing(KMask::Virtual(mask))),
        });
        v
    }

    /// The mask of the first bytes of a register.
    fn first_bytes(&mut self, bytes: usize) -> V {
        let mask = self.asm.constant(&(u64::MAX >> (64 - bytes)).to_le_bytes());
        match self.define_mask(VEX_Kmovq_kr_km64, &[Operand::Mem(Assembler::read(mask))], None) {
            At::Register(mask) => mask,
            _ => unreachable!("masks are in registers"),
        }
    }

    /// Writes what a store and others write next to it, in a full vector, once the last of them is due; false if this one goes element
    /// by element.
    pub fn store_spaced(&mut self, store: usize, apart: usize, copy: usize) -> bool {
        let nest = self.shape.nest;
        let Some(group) = self.filled(store, apart) else { return false };
        if group.iter().any(|k| *k > store) {
            return true;
        }
        let access = &nest.accesses[nest.stores[group[0]].access as usize];
        let (size, lanes, width, w) = (access.dtype.size(), self.shape.lanes, self.isa().width(), self.full());
        let values: Run = group
            .iter()
            .map(|k| {
                let value = self.stored(*k, copy);
                self.in_register(value, copy)
            })
            .collect();
        let total = apart * lanes;
        let per = width / size;
        let rows: Vec<Vec<(usize, usize)>> =
            (0..total.div_ceil(per)).map(|row| (row * per..total.min(row * per + per)).map(|k| (k % apart, k / apart)).collect()).collect();
        let registers: Vec<V> = match self.isa() {
            Isa::Avx512 => rows.iter().map(|places| self.pick_avx512(size, places, &values)).collect(),
            Isa::Avx2 => self.interleave_avx2(size, &rows, &values),
        };
        let first = self.address(nest.stores[group[0]].access, copy);
        for (row, (places, v)) in rows.iter().zip(registers).enumerate() {
            let (to, bytes) = (bytes_on(first, row * width), places.len() * size);
            let operands = |v| smallvec![Operand::Mem(to), Operand::Use(v, w)];
            if bytes == width {
                self.write(self.isa().pick(table::store(width)), operands(v), None);
            } else {
                let mask = self.first_bytes(bytes);
                self.write(table::store_under(1, 64), operands(v), Some(Under::Merging(KMask::Virtual(mask))));
            }
        }
        true
    }

    /// The stores that write all that lies between the elements of one, in the order of their elements, if they can be put together.
    fn filled(&self, store: usize, apart: usize) -> Option<SmallVec<[usize; 8]>> {
        let nest = self.shape.nest;
        let access = |k: usize| &nest.accesses[nest.stores[k].access as usize];
        let (a, size, whole) = (access(store), access(store).dtype.size(), self.isa().width());
        let can = match self.isa() {
            Isa::Avx512 => size > 1 || self.isa().permutes_bytes(),
            Isa::Avx2 => size >= 4 && self.shape.lanes * size == whole && (apart == 2 || apart % 2 == 1 || size == 4 && apart == 4),
        };
        if !can {
            return None;
        }
        let mut all: Vec<usize> = (0..nest.stores.len()).filter(|k| access(*k).pointer == a.pointer).collect();
        all.sort_by_key(|k| access(*k).displacement);
        let lowest = access(all[0]).displacement;
        let number = |k: usize| (access(k).displacement - lowest) / (apart * size) as i32;
        let group: SmallVec<[usize; 8]> = all.into_iter().filter(|k| number(*k) == number(store)).collect();
        let first = access(group[0]).displacement;
        let fills = |(n, k): (usize, &usize)| access(*k).displacement == first + (n * size) as i32;
        (group.len() == apart && group.iter().enumerate().all(fills)).then_some(group)
    }

    /// Registers of elements that come from several in turn.
    fn interleave_avx2(&mut self, size: usize, rows: &[Vec<(usize, usize)>], values: &Run) -> Vec<V> {
        let (w, words) = (self.full(), size / 4);
        let permute = |s: &mut Self, lanes: &[usize], x: V| {
            let order = s.order(4, lanes.iter().flat_map(|lane| (0..words).map(move |k| lane * words + k)));
            s.define(Op::Code(VEX_Vpermps_ymm_ymm_ymmm256), w, &[order, Operand::Use(x, w)], Some(2))
        };
        // Where the lanes of a value go by their number in a register, if no two go to one.
        let per = rows[0].len();
        let once: Option<Vec<V>> = (0..values.len())
            .map(|j| {
                let mut lanes = vec![usize::MAX; per];
                for (at, (_, lane)) in rows.iter().flat_map(|row| row.iter().enumerate()).filter(|(_, place)| place.0 == j) {
                    if std::mem::replace(&mut lanes[at], *lane) != usize::MAX {
                        return None;
                    }
                }
                Some(lanes)
            })
            .collect::<Option<Vec<Vec<usize>>>>()
            .map(|all| all.iter().zip(values).map(|(lanes, v)| permute(self, lanes, *v)).collect());
        let mut registers = Vec::new();
        for row in rows {
            let mut x = None;
            for (j, value) in values.iter().enumerate() {
                let v = match &once {
                    Some(all) => all[j],
                    None => {
                        let lanes: Vec<usize> = row.iter().map(|place| if place.0 == j { place.1 } else { 0 }).collect();
                        permute(self, &lanes, *value)
                    }
                };
                let taken = row.iter().enumerate().filter(|(_, place)| place.0 == j).map(|(at, _)| at);
                x = Some(match x {
                    None => v,
                    Some(x) => self.blend_words(words, x, v, taken),
                });
            }
            registers.extend(x);
        }
        registers
    }

    /// Elements of so many four-byte words from the second register, the others from the first; AVX2 only.
    fn blend_words(&mut self, words: usize, x: V, y: V, taken: impl Iterator<Item = usize>) -> V {
        let imm = taken.flat_map(|e| (0..words).map(move |k| e * words + k)).fold(0, |imm, k| imm | 1 << k);
        let w = self.full();
        self.define(Op::Code(VEX_Vblendps_ymm_ymm_ymmm256_imm8), w, &[Operand::Use(x, w), Operand::Use(y, w), Operand::Imm(imm)], Some(2))
    }

    /// The numbers of elements as a constant that permutes take.
    fn order(&mut self, size: usize, elements: impl Iterator<Item = usize>) -> Operand {
        let width = self.isa().width();
        let mut bytes: Vec<u8> = elements.flat_map(|e| (e as u64).to_le_bytes()[..size].to_vec()).collect();
        bytes.resize(width, 0);
        match self.constant(&bytes) {
            At::Place(p) => Operand::Place(p, self.full()),
            _ => unreachable!("a constant is a place"),
        }
    }

    fn pick_avx512(&mut self, size: usize, places: &[(usize, usize)], run: &Run) -> V {
        let w = self.full();
        let per = self.isa().width() / size;
        let mut used: Vec<usize> = places.iter().map(|p| p.0).collect();
        used.sort_unstable();
        used.dedup();
        let register = |k: usize| Operand::Use(run[k], w);
        let (one, over_order, over_first) = table::permute(size);
        let [a, rest @ ..] = used.as_slice() else { unreachable!("a vector has lanes") };
        let Some((b, rest)) = rest.split_first() else {
            let order = self.order(size, places.iter().map(|p| p.1));
            return self.define(Op::Code(one), w, &[order, register(*a)], Some(2));
        };
        // Of two registers, the elements of the second are numbered after those of the first.
        let order = self.order(size, places.iter().map(|p| if p.0 == *b { per + p.1 } else { p.1 }));
        let order = self.define(Op::Code(table::load(64).1), w, &[order], Some(1));
        let mut x = self.define(Op::Over(over_order), w, &[Operand::Use(order, w), register(*a), register(*b)], Some(3));
        for c in rest {
            let order = self.order(size, places.iter().enumerate().map(|(lane, p)| if p.0 == *c { per + p.1 } else { lane }));
            x = self.define(Op::Over(over_first), w, &[Operand::Use(x, w), order, register(*c)], Some(3));
        }
        x
    }

    /// Blends are cheaper than permutes, so they come first if no two elements have the same number in their registers.
    fn pick_avx2(&mut self, size: usize, places: &[(usize, usize)], run: &Run) -> V {
        let w = self.full();
        let words = size / 4;
        let mut used: Vec<usize> = places.iter().map(|p| p.0).collect();
        used.dedup();
        let permute = |s: &mut Self, x: V| {
            let order = s.order(4, places.iter().flat_map(|p| (0..words).map(|k| p.1 * words + k)));
            s.define(Op::Code(VEX_Vpermps_ymm_ymm_ymmm256), w, &[order, Operand::Use(x, w)], Some(2))
        };
        if are_distinct(places) {
            let mut x = run[used[0]];
            for &k in &used[1..] {
                x = self.blend_words(words, x, run[k], places.iter().filter(|p| p.0 == k).map(|p| p.1));
            }
            return permute(self, x);
        }
        let mut x = permute(self, run[used[0]]);
        for &k in &used[1..] {
            let y = permute(self, run[k]);
            x = self.blend_words(words, x, y, places.iter().enumerate().filter(|(_, p)| p.0 == k).map(|(lane, _)| lane));
        }
        x
    }
}

/// True if no two elements have the same number in the registers that they are in.
fn are_distinct(places: &[(usize, usize)]) -> bool {
    let mut numbers: Vec<usize> = places.iter().map(|p| p.1).collect();
    numbers.sort_unstable();
    numbers.windows(2).all(|w| w[0] != w[1])
}

/// So many bytes on.
pub(super) fn bytes_on(at: MemoryOperand, bytes: usize) -> MemoryOperand {
    let displacement = at.displacement + bytes as i64;
    MemoryOperand { displacement, displ_size: displacement_size(displacement), ..at }
}
