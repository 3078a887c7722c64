//! Memory that code runs in. A page may be written or run, never both.
//!
//! Kernels take whole pages of a chunk that they share with others, so that giving one its code touches no page that another
//! thread may be running. A chunk is unmapped with its last kernel.

use std::sync::{Arc, Mutex};

use region::Protection;

use crate::error::{Error, ErrorKind, Result};

/// Pages that are mapped at once.
const CHUNK: usize = 64;

/// Pages of one mapping.
struct Chunk {
    memory: region::Allocation,
    /// True for each page that holds code.
    taken: Mutex<Vec<bool>>,
}

// SAFETY: the mapping may be used from any thread, and each page is touched only by the block that has taken it.
unsafe impl Send for Chunk {}
// SAFETY: as above.
unsafe impl Sync for Chunk {}

/// Code, in pages of its own; they may be taken by other code once this is dropped.
pub(super) struct Block {
    chunk: Arc<Chunk>,
    first: usize,
    pages: usize,
}

/// Chunks that may have pages left.
static CHUNKS: Mutex<Vec<std::sync::Weak<Chunk>>> = Mutex::new(Vec::new());

fn failed(e: region::Error) -> Error {
    Error::new(ErrorKind::Codegen, format!("no memory for code: {e}"))
}

impl Chunk {
    fn new(pages: usize) -> Result<Chunk> {
        let memory = region::alloc(pages * region::page::size(), Protection::READ_WRITE).map_err(failed)?;
        Ok(Chunk { memory, taken: Mutex::new(vec![false; pages]) })
    }

    /// The first of so many free pages in a row, which are the caller's from now on.
    fn take(&self, pages: usize) -> Option<usize> {
        let mut taken = self.taken.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let first = (0..(taken.len() + 1).saturating_sub(pages)).find(|k| taken[*k..k + pages].iter().all(|t| !t))?;
        taken[first..first + pages].fill(true);
        Some(first)
    }

    fn address(&self, page: usize) -> *mut u8 {
        self.memory.as_ptr::<u8>().cast_mut().wrapping_add(page * region::page::size())
    }
}

impl Block {
    /// Code that may run.
    ///
    /// # Errors
    /// If the system has no memory for it, or does not let it run.
    pub fn new(code: &[u8]) -> Result<Block> {
        let pages = code.len().div_ceil(region::page::size()).max(1);
        let block = Block::take(pages)?;
        let (start, bytes) = (block.chunk.address(block.first), pages * region::page::size());
        // SAFETY: the pages are inside the chunk, and were taken by nobody else; they may be written and not run, since that is how
        // they are mapped, and how `drop` leaves them.
        unsafe {
            std::ptr::copy_nonoverlapping(code.as_ptr(), start, code.len());
            region::protect(start, bytes, Protection::READ_EXECUTE).map_err(failed)?;
        }
        Ok(block)
    }

    fn take(pages: usize) -> Result<Block> {
        let mut chunks = CHUNKS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        chunks.retain(|c| c.strong_count() > 0);
        for chunk in chunks.iter().filter_map(std::sync::Weak::upgrade) {
            if let Some(first) = chunk.take(pages) {
                return Ok(Block { chunk, first, pages });
            }
        }
        let chunk = Arc::new(Chunk::new(pages.max(CHUNK))?);
        chunks.push(Arc::downgrade(&chunk));
        let first = chunk.take(pages).expect("a new chunk is empty");
        Ok(Block { chunk, first, pages })
    }

    /// Where the code starts.
    pub fn address(&self) -> *const u8 {
        self.chunk.address(self.first)
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let (start, bytes) = (self.chunk.address(self.first), self.pages * region::page::size());
        // SAFETY: the pages are this block's, and nobody runs code of a block that is dropped.
        let writable = unsafe { region::protect(start, bytes, Protection::READ_WRITE) };
        // Pages that cannot be written again are not given back.
        if writable.is_ok() {
            let mut taken = self.chunk.taken.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            taken[self.first..self.first + self.pages].fill(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_do_not_share_pages_and_give_them_back() {
        let page = region::page::size();
        let blocks: Vec<Block> = (0..100).map(|k| Block::new(&vec![k as u8; 1 + k * 97]).unwrap()).collect();
        let mut spans: Vec<(usize, usize)> = blocks.iter().map(|b| (b.address() as usize, b.address() as usize + b.pages * page)).collect();
        spans.sort();
        assert!(spans.windows(2).all(|w| w[0].1 <= w[1].0));
        for (k, block) in blocks.iter().enumerate() {
            // SAFETY: the block has so many bytes, which may be read.
            let code = unsafe { std::slice::from_raw_parts(block.address(), 1 + k * 97) };
            assert!(code.iter().all(|b| *b == k as u8));
        }
        let chunk = Arc::downgrade(&blocks[0].chunk);
        drop(blocks);
        // Other tests may hold pages of the first chunk, not of all.
        if let Some(chunk) = chunk.upgrade() {
            assert!(chunk.taken.lock().unwrap().iter().any(|t| !t));
        }
    }
}
