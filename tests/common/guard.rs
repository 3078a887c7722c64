//! Buffers with unmapped pages around them, so that a load or store past either end of what was promised faults at once.
//!
//! Machine code is invisible to sanitizers: AddressSanitizer instruments what the Rust compiler emits, and valgrind's checks of
//! over-reads do not see into pages that happen to be mapped.

use region::Protection;

/// Which end of the buffer touches an unmapped page exactly. The other end has one too, less than a page away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first byte is the first of its page: what comes before faults.
    Before,
    /// The last byte is the last of its page: what comes after faults.
    After,
}

impl Side {
    /// Both.
    pub const ALL: [Side; 2] = [Side::Before, Side::After];
}

/// ```text
///   Before:            |buffer                  |
///   | no access, 1 page | read and write, n pages | no access, 1 page |
///   After:              |                   buffer|
/// ```
pub struct Guarded {
    pages: region::Allocation,
    /// Position of the buffer in `pages`.
    start: usize,
    len: usize,
}

impl Guarded {
    /// A zeroed buffer of `len` bytes.
    pub fn new(len: usize, side: Side) -> Guarded {
        let page = region::page::size();
        let inner = len.div_ceil(page).max(1) * page;
        let mut pages = region::alloc(inner + 2 * page, Protection::READ_WRITE).expect("memory for a test");
        let base = pages.as_mut_ptr::<u8>();
        // SAFETY: both ranges are whole pages of this allocation, to which there are no references yet.
        unsafe {
            region::protect(base, page, Protection::NONE).expect("protection of a page");
            region::protect(base.add(page + inner), page, Protection::NONE).expect("protection of a page");
        }
        let start = match side {
            Side::Before => page,
            Side::After => page + inner - len,
        };
        Guarded { pages, start, len }
    }

    /// The buffer.
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: `start..start + len` lies in the pages that may be read, which live as long as `self` and are initialized:
        // the system hands out zeroed pages.
        unsafe { std::slice::from_raw_parts(self.pages.as_ptr::<u8>().add(self.start), self.len) }
    }

    /// The buffer.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`, and the borrow of `self` is unique.
        unsafe { std::slice::from_raw_parts_mut(self.pages.as_mut_ptr::<u8>().add(self.start), self.len) }
    }
}
