//! Results on the terminal: one line of statistics, then the values as NumPy prints them.

use elide::{DType, Scalar};

use crate::buffer::Buffer;

/// More elements than this are abridged to [`EDGE`] at both ends of each axis; both are NumPy's defaults, as are the
/// digits after the point and the width of a line.
const THRESHOLD: usize = 1000;
const EDGE: usize = 3;
const PRECISION: usize = 8;
const LINE_WIDTH: usize = 75;

/// Name, type, shape, least, greatest and mean value, then the values, those in the middle left out if they are many.
pub fn summary(name: &str, array: &Buffer) -> String {
    let extents: Vec<String> = array.shape().iter().map(usize::to_string).collect();
    let head = format!("{name}: {}[{}]", array.dtype(), extents.join(","));
    if array.shape().is_empty() {
        return format!("{head} = {}\n", array.at(0));
    }
    if array.dtype().is_complex() {
        // They have no order.
        return format!("{head}\n{}\n", values(array));
    }
    match statistics(array) {
        Some((min, max, mean)) => format!("{head}  min {min}  max {max}  mean {mean:?}\n{}\n", values(array)),
        None => format!("{head}  no elements\n{}\n", values(array)),
    }
}

/// The least and greatest value and the mean; NaN if there is one among the elements, `None` if there are no elements.
fn statistics(array: &Buffer) -> Option<(Scalar, Scalar, f64)> {
    let mut elements = array.scalars();
    let count = elements.len() as f64;
    if array.dtype().is_float() {
        let first = elements.next()?;
        let (mut min, mut max) = (first, first);
        let mut sum = CompensatedSum { sum: first.to_f64(), lost: 0.0 };
        for s in elements {
            let x = s.to_f64();
            if x < min.to_f64() || s.is_nan() {
                min = s;
            }
            if x > max.to_f64() || s.is_nan() {
                max = s;
            }
            sum.add(x);
        }
        return Some((min, max, sum.total() / count));
    }
    let (mut min, mut max, mut sum) = (i128::MAX, i128::MIN, 0);
    for x in elements.map(Scalar::to_int) {
        (min, max, sum) = (min.min(x), max.max(x), sum + x);
    }
    let back = |x| Scalar::from_int(x, array.dtype());
    (count > 0.0).then(|| (back(min), back(max), sum as f64 / count))
}

/// Neumaier's variant of Kahan's summation (ZAMM 54, 1974).
struct CompensatedSum {
    sum: f64,
    lost: f64,
}

impl CompensatedSum {
    fn add(&mut self, x: f64) {
        let total = self.sum + x;
        self.lost += if self.sum.abs() >= x.abs() { (self.sum - total) + x } else { (x - total) + self.sum };
        self.sum = total;
    }

    fn total(&self) -> f64 {
        // What was lost is NaN once the sum is infinite.
        if self.sum.is_finite() { self.sum + self.lost } else { self.sum }
    }
}

/// The values in nested brackets, as `numpy.array2string` lays them out.
fn values(array: &Buffer) -> String {
    let shape = array.shape();
    let count: usize = shape.iter().product();
    if count == 0 {
        return "[]".to_string();
    }
    let edge = if count > THRESHOLD { EDGE } else { usize::MAX / 2 };
    let mut shown = Vec::new();
    positions(shape, edge, &mut shown);
    let words = format_all(&shown.iter().map(|&at| array.at(at)).collect::<Vec<_>>());
    let mut out = String::new();
    nest(shape, edge, 0, &mut words.iter().map(String::as_str), &mut out);
    out
}

/// The positions in C order of the elements that are shown, in order.
fn positions(shape: &[usize], edge: usize, out: &mut Vec<usize>) {
    out.push(0);
    for &n in shape {
        // The index along an axis comes from two ranges; a long axis is not walked.
        let ends: Vec<usize> = if n <= 2 * edge { (0..n).collect() } else { (0..edge).chain(n - edge..n).collect() };
        *out = out.iter().flat_map(|&at| ends.iter().map(move |&i| at * n + i)).collect();
    }
}

/// Writes the brackets from `axis` inwards around the next words.
fn nest<'a>(shape: &[usize], edge: usize, axis: usize, words: &mut impl Iterator<Item = &'a str>, out: &mut String) {
    let n = shape[axis];
    let inner = axis + 1 == shape.len();
    let abridged = n > 2 * edge;
    let shown = if abridged { 2 * edge } else { n };
    out.push('[');
    let mut column = axis + 1;
    for k in 0..shown {
        let gap = abridged && k == edge;
        if !inner {
            let new_row = |out: &mut String| {
                out.push_str(&"\n".repeat(shape.len() - axis - 1));
                out.push_str(&" ".repeat(axis + 1));
            };
            if k > 0 {
                new_row(out);
            }
            if gap {
                out.push_str("...");
                new_row(out);
            }
            nest(shape, edge, axis + 1, words, out);
            continue;
        }
        for word in gap.then_some("...").into_iter().chain(words.next()) {
            // Room for the closing brackets is kept on every line.
            let wraps = column > axis + 1 && column + 1 + word.len() > LINE_WIDTH - shape.len();
            if wraps {
                out.push('\n');
                out.push_str(&" ".repeat(axis + 1));
                column = axis + 1;
            } else if k > 0 {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += word.len();
        }
    }
    out.push(']');
}

/// The elements' texts, all of one width.
fn format_all(elements: &[Scalar]) -> Vec<String> {
    let texts = match elements.first().map(|s| s.dtype()) {
        Some(DType::Bool) => elements.iter().map(|&s| if s == Scalar::Bool(true) { "True" } else { "False" }.to_string()).collect(),
        Some(dtype) if dtype.is_float() => format_floats(elements),
        Some(dtype) if dtype.is_complex() => format_complex(elements, dtype),
        _ => elements.iter().map(Scalar::to_string).collect::<Vec<_>>(),
    };
    let width = texts.iter().map(String::len).max().unwrap_or(0);
    texts.into_iter().map(|t| format!("{t:>width$}")).collect()
}

/// Each part as NumPy has floats, with the sign of the imaginary one between them.
fn format_complex(elements: &[Scalar], dtype: DType) -> Vec<String> {
    let n = dtype.part().size();
    let part = |k: usize| {
        let of = |s: &Scalar| {
            let mut bytes = [0u8; 16];
            s.write_ne_bytes(&mut bytes);
            Scalar::from_ne_bytes(dtype.part(), &bytes[k * n..])
        };
        format_floats(&elements.iter().map(of).collect::<Vec<_>>())
    };
    let one = |(re, im): (String, String)| {
        let sign = if im.starts_with('-') { "" } else { "+" };
        let bare = im.trim_end();
        format!("{re}{sign}{bare}j{}", " ".repeat(im.len() - bare.len()))
    };
    part(0).into_iter().zip(part(1)).map(one).collect()
}

/// NumPy's choice between plain and scientific notation, and its alignment at the point.
fn format_floats(elements: &[Scalar]) -> Vec<String> {
    let finite = || elements.iter().copied().filter(|s| s.to_f64().is_finite());
    let sizes = || finite().map(|s| s.to_f64().abs()).filter(|&x| x != 0.0);
    let (least, greatest) = (sizes().fold(f64::INFINITY, f64::min), sizes().fold(0.0, f64::max));
    let scientific = greatest >= 1e8 || least < 1e-4 || greatest / least > 1000.0;
    let digits = finite().map(|s| after_point(&shortest(s, scientific))).max().unwrap_or(0).min(PRECISION);
    let exponent_digits = |s: Scalar| format!("{:e}", s.to_f64()).split_once('e').map_or(0, |(_, e)| e.trim_start_matches('-').len());
    let exponent_width = finite().map(exponent_digits).max().unwrap_or(0).max(2);
    let one = |s: Scalar| {
        let x = s.to_f64();
        if x.is_nan() {
            return "nan".to_string();
        }
        if x.is_infinite() {
            return if x > 0.0 { "inf" } else { "-inf" }.to_string();
        }
        if scientific {
            let text = format!("{x:.digits$e}");
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |e| ('-', e));
            let point = if digits == 0 { "." } else { "" };
            return format!("{mantissa}{point}e{sign}{exponent:0>exponent_width$}");
        }
        let text = shortest(s, false);
        let text = if after_point(&text) > PRECISION { format!("{x:.PRECISION$}") } else { text };
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        format!("{whole}.{:<digits$}", fraction.trim_end_matches('0'))
    };
    elements.iter().map(|&s| one(s)).collect()
}

/// The shortest digits that give the value back in its own type.
fn shortest(s: Scalar, scientific: bool) -> String {
    match (s, scientific) {
        (Scalar::F32(x), false) => format!("{x}"),
        (Scalar::F32(x), true) => format!("{x:e}"),
        (_, false) => format!("{}", s.to_f64()),
        (_, true) => format!("{:e}", s.to_f64()),
    }
}

fn after_point(text: &str) -> usize {
    let mantissa = text.split('e').next().unwrap_or(text);
    mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array<T: Into<Scalar> + Copy>(shape: &[usize], data: &[T]) -> Buffer {
        let dtype = data.first().map_or(DType::F64, |&x| x.into().dtype());
        let mut bytes = vec![0; data.len() * dtype.size()];
        for (chunk, &x) in bytes.chunks_exact_mut(dtype.size()).zip(data) {
            x.into().write_ne_bytes(chunk);
        }
        Buffer::from_parts(dtype, shape, bytes)
    }

    /// Every expectation is the output of NumPy 2 for the same array.
    #[test]
    fn values_look_like_numpys() {
        let range = |n: usize| (0..n).map(|i| i as f64).collect::<Vec<_>>();
        assert_eq!(values(&array(&[6], &[1.0, 2.5, -3.25, 0.0, 100.0, 0.125])), "[  1.      2.5    -3.25    0.    100.      0.125]");
        assert_eq!(values(&array(&[2, 3], &[1i32, -20, 3, 4, 5, 600])), "[[  1 -20   3]\n [  4   5 600]]");
        assert_eq!(values(&array(&[2], &[true, false])), "[ True False]");
        assert_eq!(values(&array(&[3], &[f64::NAN, f64::INFINITY, -1.5])), "[ nan  inf -1.5]");
        assert_eq!(values(&array(&[3], &[1e-5, 1.5, -200.0])), "[ 1.0e-05  1.5e+00 -2.0e+02]");
        assert_eq!(values(&array(&[2], &[1e100, 0.0])), "[1.e+100 0.e+000]");
        assert_eq!(values(&array(&[2], &[0.1f32, 1.0 / 3.0])), "[0.1        0.33333334]");
        assert_eq!(values(&array(&[2], &[0.1, 1.0 / 3.0])), "[0.1        0.33333333]");
        assert_eq!(values(&array(&[2, 1, 2], &range(4))), "[[[0. 1.]]\n\n [[2. 3.]]]");
        assert_eq!(values(&array(&[2000], &range(2000))), "[0.000e+00 1.000e+00 2.000e+00 ... 1.997e+03 1.998e+03 1.999e+03]");
        assert_eq!(values(&array::<f64>(&[3, 0], &[])), "[]");
        let wide: Vec<i64> = (1000..1020).collect();
        assert_eq!(
            values(&array(&[20], &wide)),
            "[1000 1001 1002 1003 1004 1005 1006 1007 1008 1009 1010 1011 1012 1013\n 1014 1015 1016 1017 1018 1019]"
        );
        let big: Vec<i16> = (0..1100).collect();
        assert_eq!(
            values(&array(&[11, 100], &big)),
            "[[   0    1    2 ...   97   98   99]\n [ 100  101  102 ...  197  198  199]\n [ 200  201  202 ...  297  298  299]\n ...\n \
             [ 800  801  802 ...  897  898  899]\n [ 900  901  902 ...  997  998  999]\n [1000 1001 1002 ... 1097 1098 1099]]"
        );
    }

    #[test]
    fn statistics_are_exact_where_they_can_be() {
        assert_eq!(summary("y", &array(&[3], &[1.0, 2.0, 6.0])), "y: f64[3]  min 1.0  max 6.0  mean 3.0\n[1. 2. 6.]\n");
        assert_eq!(
            statistics(&array(&[2], &[i64::MAX, i64::MAX - 2])).map(|s| (s.0, s.1)),
            Some((Scalar::I64(i64::MAX - 2), Scalar::I64(i64::MAX)))
        );
        assert_eq!(statistics(&array(&[4], &[1e100, 1.0, -1e100, 1.0])).map(|s| s.2), Some(0.5));
        assert_eq!(statistics(&array(&[2], &[f64::INFINITY, 1.0])).map(|s| s.2), Some(f64::INFINITY));
        let with_nan = statistics(&array(&[3], &[1.0f32, f32::NAN, 2.0])).unwrap();
        assert!(with_nan.0.is_nan() && with_nan.1.is_nan() && with_nan.2.is_nan());
        assert_eq!(
            summary("b", &array(&[4], &[true, false, true, true])),
            "b: bool[4]  min false  max true  mean 0.75\n[ True False  True  True]\n"
        );
        assert_eq!(summary("z", &array(&[], &[2.5f32])), "z: f32[] = 2.5\n");
        assert_eq!(summary("e", &array::<f64>(&[0, 3], &[])), "e: f64[0,3]  no elements\n[]\n");
    }
}
