//! The header of a `.npy` file, from bytes and to bytes.
//!
//! npyz does the reading and the writing. It is made for files of good faith: sizes whose product overflows, sums of literals
//! and deep nesting make it panic or exhaust the stack, and a long header is copied several times. So what it gets to see is
//! vetted first ([`vet`]), and its length bounded.

use npyz::{DType as NpyType, Endianness, NpyHeader, Order, TypeChar, TypeStr, WriteOptions, WriterBuilder};

use crate::dtype::DType;

const MAGIC: &[u8] = b"\x93NUMPY";
/// The longest header that version 1.0 can have. One for an element type that elide has takes less than 2 KiB even with
/// [`MAX_AXES`] axes.
const MAX_HEADER: usize = 0xffff;
/// How deep brackets may nest: a dict with a shape in it, and one to spare. The time of npyz's parser is exponential in
/// the depth.
const MAX_DEPTH: usize = 3;

/// The most axes that NumPy's arrays can have.
const MAX_AXES: usize = 64;

/// What a header says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Header {
    pub(super) dtype: DType,
    pub(super) swapped: bool,
    pub(super) fortran: bool,
    /// The elements' bytes number at most `isize::MAX`, by [`byte_count`].
    pub(super) shape: Vec<usize>,
}

/// The bytes that the elements take, if they fit in the address space. Extents of zero do not excuse the others, as with
/// NumPy: strides must not overflow either.
fn byte_count(dtype: DType, shape: &[usize]) -> Option<usize> {
    let bound = shape.iter().filter(|&&n| n != 0).try_fold(dtype.size(), |a, &n| a.checked_mul(n))?;
    isize::try_from(bound).ok()?;
    Some(if shape.contains(&0) { 0 } else { bound })
}

fn unsupported(what: &str) -> String {
    let all: Vec<_> = DType::ALL.iter().map(|d| d.code()).collect();
    format!("{what} is not one that elide has: {}", all.join(", "))
}

fn unsupported_descr(descr: impl std::fmt::Display) -> String {
    unsupported(&format!("dtype '{descr}'"))
}

impl Header {
    /// The bytes that the elements take.
    pub(super) fn data_bytes(&self) -> usize {
        byte_count(self.dtype, &self.shape).unwrap_or(0)
    }

    /// Reads the header at the beginning of `file`; also returns where the data begins. The error says what is wrong with
    /// the file, in one line.
    pub(super) fn parse(file: &[u8]) -> Result<(Header, usize), String> {
        let (text, start) = text(file)?;
        let vetted = vet(&text)?;
        // Handed over as version 3.0, which holds every text.
        let mut canonical = MAGIC.to_vec();
        canonical.extend([3, 0]);
        canonical.extend((vetted.len() as u32).to_le_bytes());
        canonical.extend(vetted.as_bytes());
        let header = NpyHeader::from_reader(&canonical[..]).map_err(|e| {
            let message = e.to_string();
            // A syntax error comes with a drawing of several lines.
            let what = if message.contains('\n') { "it is not a Python dict" } else { &message };
            format!("has a bad header: {what}")
        })?;

        let (dtype, swapped) = match header.dtype() {
            NpyType::Plain(ty) => element_type(&ty).ok_or_else(|| unsupported_descr(ty))?,
            _ => return Err(unsupported("a structured dtype")),
        };
        if header.shape().len() > MAX_AXES {
            return Err(format!("has {} axes; at most {MAX_AXES} are read", header.shape().len()));
        }
        let shape: Option<Vec<usize>> = header.shape().iter().map(|&n| usize::try_from(n).ok()).collect();
        let shape = shape.filter(|shape| byte_count(dtype, shape).is_some()).ok_or_else(|| too_large(header.shape()))?;
        Ok((Header { dtype, swapped, fortran: header.order() == Order::Fortran, shape }, start))
    }

    /// The bytes of a file up to its data, padded so that the data begins at a multiple of 64.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, String> {
        byte_count(self.dtype, &self.shape).ok_or_else(|| too_large(&self.shape))?;
        let order = match (self.dtype.size() == 1, cfg!(target_endian = "little") != self.swapped) {
            (true, _) => '|',
            (false, true) => '<',
            (false, false) => '>',
        };
        let ty: TypeStr = format!("{order}{}", self.dtype.code()).parse().map_err(|e| format!("{e}"))?;
        let shape: Vec<u64> = self.shape.iter().map(|&n| n as u64).collect();
        WriteOptions::new_header_only()
            .dtype(NpyType::Plain(ty))
            .shape(&shape)
            .order(if self.fortran { Order::Fortran } else { Order::C })
            .writer(Vec::new())
            .write_header_only()
            .map_err(|e| e.to_string())
    }
}

fn too_large(shape: &[impl std::fmt::Debug]) -> String {
    format!("shape {shape:?} does not fit in the address space")
}

/// The header's text, and where it ends.
fn text(file: &[u8]) -> Result<(String, usize), String> {
    if file.is_empty() {
        return Err("is empty, not a .npy file".to_string());
    }
    let Some(rest) = file.strip_prefix(MAGIC) else {
        return Err("is not a .npy file: it does not begin with \\x93NUMPY".to_string());
    };
    let cut = || format!("is truncated: its {} bytes end inside the header", file.len());
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
    let (length, rest) = match version {
        [1, 0] => rest.split_first_chunk().map(|(n, rest)| (u16::from_le_bytes(*n) as usize, rest)).ok_or_else(cut)?,
        [2 | 3, 0] => rest.split_first_chunk().map(|(n, rest)| (u32::from_le_bytes(*n) as usize, rest)).ok_or_else(cut)?,
        [major, minor] => return Err(format!("has version {major}.{minor} of the .npy format; 1.0, 2.0 and 3.0 can be read")),
    };
    if length > rest.len() {
        return Err(format!("is truncated: its header is said to be {length} bytes long, but {} are left in the file", rest.len()));
    }
    if length > MAX_HEADER {
        return Err(format!("has a header of {length} bytes; at most {MAX_HEADER} are read"));
    }
    let raw = &rest[..length];
    let text = match version {
        [3, 0] => String::from_utf8(raw.to_vec()).map_err(|_| "has a bad header: it is not UTF-8".to_string())?,
        _ => raw.iter().map(|&latin1| char::from(latin1)).collect(),
    };
    Ok((text, file.len() - rest.len() + length))
}

/// A text with the same meaning that npyz can be trusted with: brackets, strings, plain integers whose product (zeros left
/// out) is a 64-bit number, and no other expression. Byte orders that need this machine to be known are made explicit, and
/// the `L` that Python 2 wrote after its long integers is dropped.
fn vet(text: &str) -> Result<String, String> {
    let bad = |what: &str| format!("has a bad header: {what}");
    let mut out = String::with_capacity(text.len());
    let (mut depth, mut product) = (0usize, 1u64);
    let mut rest = text.trim_end();
    while let Some(c) = rest.chars().next() {
        let end = match c {
            '\'' | '"' => string_end(rest).ok_or_else(|| bad("a string in it does not end"))?,
            '0'..='9' => rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()),
            _ if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => c.len_utf8(),
        };
        let (token, tail) = rest.split_at(end);
        rest = tail;
        match c {
            '\'' | '"' => {
                let inner = &token[1..token.len() - 1];
                // Deeper than in the dict itself there are strings only where the fields of a structure are listed.
                if depth > 1 {
                    return Err(unsupported("a structured dtype"));
                }
                if !matches!(inner, "descr" | "fortran_order" | "shape") {
                    let native = with_byte_order(inner);
                    if native.parse::<TypeStr>().is_err() {
                        return Err(unsupported_descr(inner.escape_debug()));
                    }
                    out.push_str(&format!("'{native}'"));
                } else {
                    out.push_str(token);
                }
            }
            '0'..='9' => {
                let n: u64 = token.parse().map_err(|_| bad(&format!("{token} is too large for an extent")))?;
                product = product.checked_mul(n.max(1)).ok_or_else(|| "has a shape that does not fit in the address space".to_string())?;
                out.push_str(token);
                rest = rest.strip_prefix('L').unwrap_or(rest);
                if rest.starts_with(is_word) {
                    return Err(bad(&format!("{token} is followed by a letter")));
                }
            }
            '{' | '[' | '(' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(bad(&format!("brackets nest more than {MAX_DEPTH} deep")));
                }
                out.push(c);
            }
            '}' | ']' | ')' => {
                depth = depth.saturating_sub(1);
                out.push(c);
            }
            ',' | ':' | ' ' => out.push(c),
            '\t' | '\n' | '\r' | '\x0c' => out.push(' '),
            '-' => return Err(bad("an extent is negative")),
            _ if matches!(token, "True" | "False" | "None") => out.push_str(token),
            _ => return Err(bad(&format!("`{}` is not part of a shape or an element type", token.escape_debug()))),
        }
    }
    Ok(out)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the string literal at the beginning of `s`.
fn string_end(s: &str) -> Option<usize> {
    let quote = s.chars().next()?;
    let mut escaped = false;
    for (at, c) in s.char_indices().skip(1) {
        if !escaped && c == quote {
            return Some(at + 1);
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

/// The type string with its byte order spelled out. NumPy takes `=`, `|` and nothing at all for the machine's own.
fn with_byte_order(descr: &str) -> String {
    let bare = descr.strip_prefix(['=', '|']).unwrap_or(descr);
    let is_number = bare.strip_prefix(['b', 'i', 'u', 'f', 'c']).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    match is_number {
        true => format!("{}{bare}", if cfg!(target_endian = "little") { '<' } else { '>' }),
        false => descr.to_string(),
    }
}

fn element_type(ty: &TypeStr) -> Option<(DType, bool)> {
    let letter = match ty.type_char() {
        TypeChar::Bool => 'b',
        TypeChar::Int => 'i',
        TypeChar::Uint => 'u',
        TypeChar::Float => 'f',
        TypeChar::Complex => 'c',
        // What `ml_dtypes` has for `bf16`. Plain bytes are `|V2`.
        TypeChar::RawData if ty.endianness() != Endianness::Irrelevant => 'V',
        _ => return None,
    };
    let code = format!("{letter}{}", ty.size_field());
    let dtype = DType::ALL.iter().copied().find(|d| d.code() == code)?;
    let other = if cfg!(target_endian = "little") { Endianness::Big } else { Endianness::Little };
    Some((dtype, dtype.size() > 1 && ty.endianness() == other))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sebastiano Vigna's splitmix64.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }

        fn below(&mut self, n: usize) -> usize {
            (self.next() % n as u64) as usize
        }
    }

    #[test]
    fn headers_round_trip() {
        for &dtype in DType::ALL {
            for swapped in [false, dtype.size() > 1] {
                for (fortran, shape) in [(false, vec![]), (false, vec![7]), (true, vec![2, 0, 3]), (false, vec![1; 64])] {
                    let header = Header { dtype, swapped, fortran, shape };
                    let bytes = header.to_bytes().unwrap();
                    assert_eq!(bytes.len() % 64, 0);
                    assert_eq!(Header::parse(&bytes), Ok((header, bytes.len())));
                }
            }
        }
    }

    /// Mutated headers must be read or refused in one line, without a panic or a long search.
    #[test]
    fn hostile_headers_are_refused_calmly() {
        let seeds: Vec<Vec<u8>> = [
            "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 1099511627776), }",
            "{'descr': [('a', '<f8', (2, 3)), ('b', [('c', '|O')])], 'fortran_order': True, 'shape': (1,), }",
            "{'descr': '=i4', 'fortran_order': False, 'shape': (10L, 3), }",
        ]
        .iter()
        .map(|text| [&b"\x93NUMPY\x02\x00"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat())
        .collect();
        let pieces: [&[u8]; 16] = [
            b"((((",
            b"[{",
            b"99999999999",
            b"'",
            b"\\",
            b"-",
            b"1 - 1.5e400",
            b"0x1p",
            b"\xff",
            b",,",
            b"'''",
            b"\"",
            b"None",
            b"{",
            b"b''",
            b"|",
        ];
        let mut random = Random(1);
        let mut accepted = 0;
        for _ in 0..4000 {
            let mut bytes = seeds[random.below(seeds.len())].clone();
            for _ in 0..random.below(4) {
                let at = 8 + random.below(bytes.len() - 8);
                match random.below(4) {
                    0 => bytes[at] = random.next() as u8,
                    1 => bytes[at] = b"(){}[]',:0129L-<>=|"[random.below(19)],
                    2 => drop(bytes.remove(at)),
                    _ => drop(bytes.splice(at..at, pieces[random.below(pieces.len())].iter().copied())),
                }
            }
            // The length follows the text most of the time, or the mutations would only ever be cut off.
            if random.below(8) > 0 && bytes.len() > 12 {
                let length = (bytes.len() - 12) as u32;
                bytes[8..12].copy_from_slice(&length.to_le_bytes());
            }
            match Header::parse(&bytes) {
                Ok(_) => accepted += 1,
                Err(what) => assert!(!what.contains('\n'), "{what}"),
            }
        }
        assert!(accepted > 0);
    }
}
