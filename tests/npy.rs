//! `.npy` files: what is read, what is refused and how, and that a file is replaced whole or not at all.
#![cfg(feature = "npy")]

use std::fs;
use std::path::{Path, PathBuf};

use elide::npy::{self, NpyFile, NpyWriter};
use elide::{Complex, DType, ErrorKind, Scalar};

/// A directory with files in it, gone at the end of the test.
struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Dir {
        Dir(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.0.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// A file with a header of our own making: version, dict, data.
fn file(version: u8, dict: &str, data: &[u8]) -> Vec<u8> {
    let mut out = b"\x93NUMPY".to_vec();
    out.extend([version, 0]);
    let fixed = if version == 1 { 10 } else { 12 };
    let text = format!("{dict}{}\n", " ".repeat(63 - (fixed + dict.len()) % 64));
    match version {
        1 => out.extend((text.len() as u16).to_le_bytes()),
        _ => out.extend((text.len() as u32).to_le_bytes()),
    }
    out.extend(text.as_bytes());
    out.extend(data);
    out
}

fn dict(descr: &str, fortran: bool, shape: &str) -> String {
    let fortran = if fortran { "True" } else { "False" };
    format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}")
}

/// What is wrong with a file of these bytes; the message must be one line that begins with the file's name.
fn refusal(bytes: &[u8]) -> String {
    let dir = Dir::new();
    complaint(&dir.put("x.npy", bytes))
}

fn complaint(path: &Path) -> String {
    let err = NpyFile::open(path).expect_err("the file must be refused");
    assert_eq!(err.kind(), ErrorKind::Io);
    let text = err.to_string();
    assert!(!text.contains('\n'), "{text}");
    text.strip_prefix(&format!("{}: ", path.display())).unwrap_or_else(|| panic!("does not begin with the file's name: {text}")).to_string()
}

/// The values 1, 2, ... 6 (true, false, ... for `bool`; with another imaginary part each) as the bytes of an element type in a byte order.
fn six(dtype: DType, big: bool) -> (Vec<Scalar>, Vec<u8>) {
    let values: Vec<Scalar> = (1..=6i64)
        .map(|k| match dtype {
            DType::Bool => Scalar::Bool(k % 2 == 1),
            _ if dtype.is_complex() => Scalar::from(Complex::new(k as f64, -0.5 * k as f64)).cast(dtype),
            _ => Scalar::I64(k).cast(dtype),
        })
        .collect();
    let mut bytes = Vec::new();
    for v in &values {
        let low = &v.bits().to_le_bytes()[..dtype.size()];
        for part in low.chunks(dtype.part().size()) {
            match big {
                true => bytes.extend(part.iter().rev()),
                false => bytes.extend(part),
            }
        }
    }
    (values, bytes)
}

#[test]
fn every_type_order_and_version_is_read() {
    let dir = Dir::new();
    for &dtype in DType::ALL {
        for (mark, big) in [
            ("<", false),
            (">", true),
            ("=", cfg!(target_endian = "big")),
            ("|", cfg!(target_endian = "big")),
            ("", cfg!(target_endian = "big")),
        ] {
            // Without one they are bytes of any kind.
            if dtype == DType::BF16 && !["<", ">"].contains(&mark) {
                continue;
            }
            for version in [1, 2, 3] {
                for fortran in [false, true] {
                    let (values, data) = six(dtype, big);
                    let bytes = file(version, &dict(&format!("{mark}{}", dtype.code()), fortran, "(2, 3)"), &data);
                    let npy = NpyFile::open(dir.put("x.npy", &bytes)).unwrap();
                    let what = format!("{mark}{dtype} version {version} fortran {fortran}");
                    assert_eq!((npy.dtype(), npy.shape(), npy.is_fortran()), (dtype, &[2, 3][..], fortran), "{what}");
                    assert_eq!(npy.is_swapped(), dtype.size() > 1 && big != cfg!(target_endian = "big"), "{what}");
                    assert_eq!(npy.bytes(), data, "{what}");
                    let view = npy.view().unwrap();
                    for i in 0..2 {
                        for j in 0..3 {
                            let at = if fortran { i + 2 * j } else { 3 * i + j };
                            assert_eq!(view.get(&[i, j]), values[at], "{what} at {i}, {j}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_written_is_read_back() {
    let dir = Dir::new();
    for &dtype in DType::ALL {
        let (values, data) = six(dtype, cfg!(target_endian = "big"));
        let path = dir.path("y.npy");
        npy::write(&path, dtype, &[3, 1, 2], &data).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
        assert_eq!((bytes.len() - data.len()) % 64, 0, "the data is not aligned");
        let npy = NpyFile::open(&path).unwrap();
        assert_eq!((npy.dtype(), npy.shape(), npy.is_fortran(), npy.is_swapped()), (dtype, &[3, 1, 2][..], false, false));
        assert_eq!(npy.view().unwrap().get(&[1, 0, 1]), values[3]);
    }
}

#[test]
fn scalars_and_empty_arrays() {
    let dir = Dir::new();
    let path = dir.path("y.npy");
    npy::write(&path, DType::F64, &[], &2.5f64.to_ne_bytes()).unwrap();
    assert_eq!(NpyFile::open(&path).unwrap().view().unwrap().get(&[]), Scalar::F64(2.5));
    for shape in [&[0][..], &[3, 0], &[0, 1 << 40]] {
        npy::write(&path, DType::F64, shape, &[]).unwrap();
        let npy = NpyFile::open(&path).unwrap();
        assert_eq!((npy.shape(), npy.bytes(), npy.view().unwrap().shape()), (shape, &[][..], shape));
    }
}

#[test]
fn a_header_may_be_written_in_other_ways() {
    let dir = Dir::new();
    // The order of keys, double quotes, Python 2's long integers, no final comma, lists, bytes after the data.
    for text in [
        "{'shape': (2L, 1L), 'fortran_order': False, 'descr': '<i2'}",
        "{\"descr\": \"<i2\", \"fortran_order\": False, \"shape\": (2, 1,)}",
        "{'descr':'<i2','fortran_order':False,'shape':[2,1],}",
        "{'descr': '<i2',\n 'fortran_order': False,\n\t'shape': (2, 1)}",
    ] {
        let npy = NpyFile::open(dir.put("x.npy", &file(1, text, &[1, 0, 2, 0, 9, 9, 9]))).unwrap();
        assert_eq!((npy.dtype(), npy.shape(), npy.bytes()), (DType::I16, &[2, 1][..], &[1, 0, 2, 0][..]), "{text}");
    }
}

#[test]
fn bytes_of_bool_other_than_0_and_1_are_true() {
    let dir = Dir::new();
    let npy = NpyFile::open(dir.put("x.npy", &file(1, &dict("|b1", false, "(3,)"), &[0, 2, 255]))).unwrap();
    let view = npy.view().unwrap();
    assert_eq!([0, 1, 2].map(|i| view.get(&[i])), [false, true, true].map(Scalar::Bool));
}

#[test]
fn what_is_no_npy_file_is_refused() {
    assert_eq!(refusal(b""), "is empty, not a .npy file");
    assert_eq!(refusal(b"PK\x03\x04 an .npz, say"), "is not a .npy file: it does not begin with \\x93NUMPY");
    assert_eq!(refusal(b"\x93NUM"), "is not a .npy file: it does not begin with \\x93NUMPY");
    assert_eq!(refusal(b"\x93NUMPY"), "is truncated: its 6 bytes end inside the header");
    assert_eq!(refusal(b"\x93NUMPY\x01\x00\x10"), "is truncated: its 9 bytes end inside the header");
    assert_eq!(refusal(b"\x93NUMPY\x02\x00\x10\x00"), "is truncated: its 10 bytes end inside the header");
    assert_eq!(refusal(b"\x93NUMPY\x04\x00\x00\x00"), "has version 4.0 of the .npy format; 1.0, 2.0 and 3.0 can be read");
    assert_eq!(
        refusal(b"\x93NUMPY\x01\x00\x76\x00{'desc"),
        "is truncated: its header is said to be 118 bytes long, but 6 are left in the file"
    );
    assert_eq!(
        refusal(b"\x93NUMPY\x03\x00\xff\xff\xff\xff{}"),
        "is truncated: its header is said to be 4294967295 bytes long, but 2 are left in the file"
    );
    let mut long = b"\x93NUMPY\x02\x00\x00\x00\x02\x00".to_vec();
    long.resize(0x20000 + 12, b' ');
    assert_eq!(refusal(&long), "has a header of 131072 bytes; at most 65535 are read");
}

#[test]
fn truncated_data_is_refused_with_both_sizes() {
    let bytes = file(1, &dict("<f8", false, "(2, 3)"), &[0; 47]);
    assert_eq!(refusal(&bytes), "is truncated: f64 of shape [2, 3] takes 48 bytes of data, but the file holds 47");
}

#[test]
fn element_types_that_elide_lacks_are_refused() {
    for descr in ["<c32", "<c4", "<f6", "<u3", "|S5", "<U3", "|O", "<M8[ns]", "|V8", "|V2", "=V2", ">f16", "<f3", "float64", "é", ""] {
        let message = format!("dtype '{descr}' is not one that elide has: b1, i1, i2, i4, i8, u1, u2, u4, u8, f2, V2, f4, f8, c8, c16");
        assert_eq!(refusal(&file(3, &dict(descr, false, "(1,)"), &[0; 32])), message);
    }
    let structured = "{'descr': [('a', '<f8'), ('b', '=i4', (2,))], 'fortran_order': False, 'shape': (1,), }";
    assert_eq!(
        refusal(&file(1, structured, &[0; 16])),
        "a structured dtype is not one that elide has: b1, i1, i2, i4, i8, u1, u2, u4, u8, f2, V2, f4, f8, c8, c16"
    );
}

#[test]
fn bad_headers_are_refused() {
    let case = |text: &str| refusal(&file(1, text, &[0; 64]));
    assert_eq!(case("{'descr': '<f8', 'fortran_order': False, }"), "has a bad header: dict is missing key 'shape'");
    assert_eq!(case("{'descr': '<f8', 'fortran_order': 1, 'shape': (1,)}"), "has a bad header: 'fortran_order' value is not a bool");
    assert_eq!(case("{'descr': '<f8', 'fortran_order': False, 'shape': 1}"), "has a bad header: shape must be list or tuple");
    assert_eq!(case(&dict("<f8", false, "(-1,)")), "has a bad header: an extent is negative");
    assert_eq!(case(&dict("<f8", false, "(1.5,)")), "has a bad header: `.` is not part of a shape or an element type");
    assert_eq!(case(&dict("<f8", false, "(1e3,)")), "has a bad header: 1 is followed by a letter");
    assert_eq!(case(&dict("<f8", false, "(None,)")), "has a bad header: dimension must be an integer");
    assert_eq!(case("{'descr': '<f8"), "has a bad header: a string in it does not end");
    assert_eq!(case("{'descr': '<f8'"), "has a bad header: it is not a Python dict");
    assert_eq!(case(""), "has a bad header: it is not a Python dict");
    assert_eq!(case("__import__('os')"), "has a bad header: `__import__` is not part of a shape or an element type");
    assert_eq!(case(&dict("<f8", false, &"(".repeat(10_000))), "has a bad header: brackets nest more than 3 deep");
    let not_utf8 = [&b"\x93NUMPY\x03\x00\x02\x00\x00\x00"[..], b"\xff\xfe"].concat();
    assert_eq!(refusal(&not_utf8), "has a bad header: it is not UTF-8");
}

#[test]
fn shapes_beyond_the_address_space_are_refused() {
    let case = |shape: &str| refusal(&file(1, &dict("<f8", false, shape), &[0; 64]));
    assert_eq!(case("(1152921504606846976,)"), "shape [1152921504606846976] does not fit in the address space");
    assert_eq!(case("(4294967296, 4294967296)"), "has a shape that does not fit in the address space");
    assert_eq!(case("(4294967296, 4294967296, 0)"), "has a shape that does not fit in the address space");
    assert_eq!(case("(18446744073709551616,)"), "has a bad header: 18446744073709551616 is too large for an extent");
    assert_eq!(case(&format!("({})", "1, ".repeat(65))), "has 65 axes; at most 64 are read");
    let dir = Dir::new();
    let err = npy::write(dir.path("y.npy"), DType::F64, &[1 << 40, 1 << 40], &[]).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Shape);
    assert_eq!(dir.names(), [""; 0]);
}

#[test]
fn paths_that_cannot_be_read_are_refused() {
    let dir = Dir::new();
    assert_eq!(complaint(&dir.path("missing.npy")), "cannot be opened: No such file or directory (os error 2)");
    assert_eq!(complaint(dir.0.path()), "is a directory, not a .npy file");
    assert_eq!(complaint(&dir.put("f", b"").join("x.npy")), "cannot be opened: Not a directory (os error 20)");
    assert_eq!(complaint(Path::new("/dev/null")), "cannot be memory-mapped: it is not a regular file");
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
#[test]
fn permissions_are_respected() {
    let dir = Dir::new();
    let path = dir.path("y.npy");
    npy::write(&path, DType::U8, &[1], &[1]).unwrap();
    assert_eq!(mode(&path), mode(&dir.put("ordinary", b"")), "not the mode of a new file");
    set_mode(&path, 0o640);
    npy::write(&path, DType::U8, &[1], &[2]).unwrap();
    assert_eq!(mode(&path), 0o640, "the mode of the replaced file was lost");

    set_mode(&path, 0);
    if fs::File::open(&path).is_ok() {
        eprintln!("skipped: this user may open any file, so refused permissions cannot be tested");
        return;
    }
    assert_eq!(complaint(&path), "cannot be opened: Permission denied (os error 13)");
    let err = npy::write(&path, DType::U8, &[1], &[3]).unwrap_err();
    assert!(err.message().ends_with("y.npy: cannot be written: Permission denied (os error 13)"), "{err}");
}

#[test]
fn a_failed_write_leaves_everything_as_it_was() {
    let dir = Dir::new();
    let path = dir.path("y.npy");
    npy::write(&path, DType::U8, &[2], &[1, 2]).unwrap();
    let before = fs::read(&path).unwrap();

    let err = npy::write(&path, DType::U8, &[2], &[1, 2, 3]).unwrap_err();
    assert_eq!((err.kind(), err.message()), (ErrorKind::Shape, &*format!("{}: u8 of shape [2] takes 2 bytes, not 3", path.display())));
    let err = npy::write(&path, DType::U8, &[2], &[1]).unwrap_err();
    assert_eq!((err.kind(), err.message()), (ErrorKind::Shape, &*format!("{}: u8 of shape [2] takes 2 bytes, not 1", path.display())));
    let mut dropped = NpyWriter::create(&path, DType::U8, &[2]).unwrap();
    dropped.write(&[7]).unwrap();
    assert_eq!(fs::read(&path).unwrap(), before, "the target changed before `finish`");
    drop(dropped);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(dir.names(), ["y.npy"]);
}

#[test]
fn a_reader_keeps_the_file_that_is_replaced() {
    let dir = Dir::new();
    let path = dir.path("y.npy");
    npy::write(&path, DType::U8, &[2], &[1, 2]).unwrap();
    let old = NpyFile::open(&path).unwrap();
    let mut writer = NpyWriter::create(&path, DType::U8, &[4]).unwrap();
    writer.write(&[3, 4]).unwrap();
    writer.write(&[5, 6]).unwrap();
    writer.finish().unwrap();
    assert_eq!(old.bytes(), [1, 2]);
    assert_eq!(NpyFile::open(&path).unwrap().bytes(), [3, 4, 5, 6]);
    assert_eq!(dir.names(), ["y.npy"]);
}

#[test]
fn paths_that_cannot_be_written_are_refused() {
    let dir = Dir::new();
    let sub = dir.path("sub");
    fs::create_dir(&sub).unwrap();
    let case = |path: &Path| {
        let err = npy::write(path, DType::U8, &[1], &[1]).unwrap_err();
        assert_eq!(err.kind(), ErrorKind::Io);
        err.message().strip_prefix(&format!("{}: ", path.display())).unwrap().to_string()
    };
    assert_eq!(case(&sub), "cannot be written: it is a directory");
    assert_eq!(case(&dir.path("missing/y.npy")), "cannot be written: No such file or directory (os error 2)");
    assert_eq!(case(&dir.put("f", b"").join("y.npy")), "cannot be written: Not a directory (os error 20)");
    assert_eq!(dir.names(), ["f", "sub"]);
}

#[cfg(target_os = "linux")]
#[test]
fn links_and_devices_are_written_through() {
    let dir = Dir::new();
    let target = dir.put("target.npy", b"old");
    std::os::unix::fs::symlink(&target, dir.path("link.npy")).unwrap();
    npy::write(dir.path("link.npy"), DType::U8, &[1], &[5]).unwrap();
    assert_eq!(NpyFile::open(&target).unwrap().bytes(), [5]);
    assert!(fs::symlink_metadata(dir.path("link.npy")).unwrap().is_symlink());

    npy::write("/dev/null", DType::U8, &[1], &[5]).unwrap();
    assert!(!fs::metadata("/dev/null").unwrap().is_file(), "the device was replaced by a file");
    let err = npy::write("/dev/full", DType::U8, &[1], &[5]).unwrap_err();
    assert_eq!(err.message(), "/dev/full: cannot be written: No space left on device (os error 28)");
}
