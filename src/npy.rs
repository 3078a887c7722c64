//! NumPy's `.npy` files: memory-mapped to read, written whole or in pieces and never left half-written.
//!
//! The format is described in NumPy's `numpy.lib.format`: a magic string, a version, the length of a header, the header (a
//! Python dict of the element type, the order of the axes and the shape), then the elements without gaps.
//!
//! Every error of this module is one line that begins with the file's name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use tempfile::NamedTempFile;

use crate::array::{ArrayRef, map_file};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};

mod header;

use header::Header;

fn error(path: &Path, what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Io, format!("{}: {what}", path.display()))
}

/// A memory-mapped `.npy` file: nothing is read before it is used, and nothing is copied.
///
/// Versions 1.0, 2.0 and 3.0 of the format, both byte orders and both orders of the axes are read; elements may have any
/// alignment. `bf16`, which NumPy does not have, is `<V2`, as the package `ml_dtypes` has it. Bytes after the last element are ignored, as NumPy ignores them.
///
/// # Other processes
/// The file's pages are shared with whoever else has it open. A process that writes to the file changes the array under
/// its reader, and one that truncates it makes the next read of the lost pages end this process with a bus error; nothing
/// can be done about either from here. Writers that replace a file ([`write()`], and most editors) rather than write into
/// it are harmless: the mapping keeps the old file.
#[derive(Debug)]
pub struct NpyFile {
    path: PathBuf,
    map: Mmap,
    /// Where the elements begin.
    start: usize,
    header: Header,
}

impl NpyFile {
    /// Maps a file and checks that its header and its size agree.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the file cannot be opened or mapped, is not a regular file, is no `.npy` file, holds fewer bytes
    /// than its header claims, or has an element type that is none of [`DType::ALL`].
    #[doc(alias = "load")]
    pub fn open(path: impl AsRef<Path>) -> Result<NpyFile> {
        let path = path.as_ref();
        let cannot_open = |e: io::Error| error(path, format_args!("cannot be opened: {e}"));
        // Asked before opening, because opening a pipe that nobody writes to would wait for ever.
        let kind = fs::metadata(path).map_err(cannot_open)?;
        if kind.is_dir() {
            return Err(error(path, "is a directory, not a .npy file"));
        }
        if !kind.is_file() {
            return Err(error(path, "cannot be memory-mapped: it is not a regular file"));
        }
        let file = File::open(path).map_err(cannot_open)?;
        let map = map_file(&file).map_err(|e| error(path, format_args!("cannot be memory-mapped: {e}")))?;
        let (header, start) = Header::parse(&map).map_err(|what| error(path, what))?;
        let (need, have) = (header.data_bytes(), map.len() - start);
        if have < need {
            return Err(error(
                path,
                format_args!(
                    "is truncated: {} of shape {:?} takes {need} bytes of data, but the file holds {have}",
                    header.dtype, header.shape
                ),
            ));
        }
        Ok(NpyFile { path: path.to_path_buf(), map, start, header })
    }

    /// Where the file was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.header.dtype
    }

    /// Elements along each axis; empty for a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    /// True if the bytes of each element are in the order that this machine does not use. Never for elements of one byte.
    #[doc(alias = "byteorder")]
    pub fn is_swapped(&self) -> bool {
        self.header.swapped
    }

    /// True if the first axis is the fast one.
    #[doc(alias = "fortran_order")]
    pub fn is_fortran(&self) -> bool {
        self.header.fortran
    }

    /// The bytes of the elements, in the file's order.
    pub fn bytes(&self) -> &[u8] {
        &self.map[self.start..self.start + self.header.data_bytes()]
    }

    /// The array in the file.
    ///
    /// # Errors
    /// None for a file that [`NpyFile::open`] accepted; the type is that of [`ArrayRef::from_bytes`].
    pub fn view(&self) -> Result<ArrayRef<'_>> {
        ArrayRef::from_bytes(self.bytes(), self.dtype(), self.shape(), self.is_fortran(), self.is_swapped())
    }
}

/// Writes an array to a `.npy` file: `data` holds its elements in C order and in this machine's byte order.
///
/// See [`NpyWriter`] for what happens to the file.
///
/// # Errors
/// [`ErrorKind::Io`] if the file cannot be written; [`ErrorKind::Shape`] if `data` is not as long as the shape asks for.
#[doc(alias = "save")]
pub fn write(path: impl AsRef<Path>, dtype: DType, shape: &[usize], data: &[u8]) -> Result<()> {
    let mut writer = NpyWriter::create(path, dtype, shape)?;
    writer.write(data)?;
    writer.finish()
}

/// Writes a `.npy` file in pieces.
///
/// The elements go to a temporary file in the target's directory, which [`NpyWriter::finish`] renames over the target; so
/// the target is the old file or the complete new one at every moment, and dropping the writer leaves the old one. A new
/// file gets the permissions that the process's umask allows, a replaced one keeps its own, and a symbolic link keeps
/// pointing to the file that is replaced. A target that is there but is no regular file (`/dev/null`, a pipe) is written
/// in place.
#[derive(Debug)]
pub struct NpyWriter {
    path: PathBuf,
    sink: Sink,
    header: Header,
    written: usize,
}

#[derive(Debug)]
enum Sink {
    Rename { file: NamedTempFile, target: PathBuf },
    InPlace(File),
}

impl NpyWriter {
    /// Begins a file for elements in C order and in this machine's byte order.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the directory or the file that is there now cannot be written, or the path names a directory;
    /// [`ErrorKind::Shape`] if the array would not fit in the address space.
    pub fn create(path: impl AsRef<Path>, dtype: DType, shape: &[usize]) -> Result<NpyWriter> {
        let path = path.as_ref();
        let header = Header { dtype, swapped: false, fortran: false, shape: shape.to_vec() };
        let text = header.to_bytes().map_err(|what| Error::new(ErrorKind::Shape, format!("{}: {what}", path.display())))?;
        let sink = Sink::open(path)?;
        let mut writer = NpyWriter { path: path.to_path_buf(), sink, header, written: 0 };
        writer.put(&text)?;
        Ok(writer)
    }

    /// Appends the bytes of some elements.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if they cannot be written; [`ErrorKind::Shape`] if they are more than the shape asks for.
    pub fn write(&mut self, data: &[u8]) -> Result<()> {
        if data.len() > self.header.data_bytes() - self.written {
            return Err(self.wrong_size(self.written.saturating_add(data.len())));
        }
        self.put(data)?;
        self.written += data.len();
        Ok(())
    }

    /// Moves the complete file to its place.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if that fails; [`ErrorKind::Shape`] if fewer bytes were written than the shape asks for. The
    /// target is then as it was.
    pub fn finish(self) -> Result<()> {
        if self.written != self.header.data_bytes() {
            return Err(self.wrong_size(self.written));
        }
        match self.sink {
            Sink::Rename { file, target } => {
                file.persist(target).map_err(|e| error(&self.path, format_args!("cannot be replaced: {}", e.error)))?;
            }
            Sink::InPlace(_) => {}
        }
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let file: &mut dyn Write = match &mut self.sink {
            Sink::Rename { file, .. } => file.as_file_mut(),
            Sink::InPlace(file) => file,
        };
        file.write_all(bytes).map_err(|e| error(&self.path, format_args!("cannot be written: {e}")))
    }

    fn wrong_size(&self, got: usize) -> Error {
        let Header { dtype, shape, .. } = &self.header;
        let what = format!("{}: {dtype} of shape {shape:?} takes {} bytes, not {got}", self.path.display(), self.header.data_bytes());
        Error::new(ErrorKind::Shape, what)
    }
}

impl Sink {
    fn open(path: &Path) -> Result<Sink> {
        let cannot = |e: io::Error| error(path, format_args!("cannot be written: {}", without_path(e)));
        let existing = match fs::metadata(path) {
            Ok(meta) => Some(meta),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(cannot(e)),
        };
        let Some(existing) = existing else {
            return Sink::temporary(path.to_path_buf(), None).map_err(cannot);
        };
        if existing.is_dir() {
            return Err(error(path, "cannot be written: it is a directory"));
        }
        // Renaming needs leave to write to the directory only; a file that may not be written must not be replaced either.
        let file = OpenOptions::new().write(true).open(path).map_err(cannot)?;
        if !existing.is_file() {
            return Ok(Sink::InPlace(file));
        }
        let target = fs::canonicalize(path).map_err(cannot)?;
        Sink::temporary(target, Some(existing.permissions())).map_err(cannot)
    }

    fn temporary(target: PathBuf, keep: Option<fs::Permissions>) -> io::Result<Sink> {
        let dir = match target.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".elide-").suffix(".npy.tmp");
        // The mode that `open` gives to new files, from which the system takes the umask; the crate's own default is 0600.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(dir)?;
        if let Some(keep) = keep {
            file.as_file().set_permissions(keep)?;
        }
        Ok(Sink::Rename { file, target })
    }
}

/// The system's own message: tempfile adds the name of the temporary file, which tells a user nothing.
fn without_path(e: io::Error) -> String {
    let text = e.to_string();
    text.split_once(" at path \"").map_or(text.as_str(), |(message, _)| message).to_string()
}
