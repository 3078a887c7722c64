//! Sine, cosine, and the angle of a point.

use super::Emit;
use super::arith::Scope;
use crate::dtype::DType;
use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

/// What sine and cosine of one type need.
struct SinTable {
    /// pi / 2 in parts cut off, not rounded, to the type's digits: all are positive, so that zeros keep their sign, and
    /// n times the first leaves x exact (both are multiples of its last place, their difference below 1).
    quarter_turn: &'static [f64],
    /// Magnitude from which the number of quarter turns is not known any more.
    limit: f64,
    /// (sin r / r - 1) / r^2 in powers of r^2.
    sin: &'static [f64],
    /// (cos r - 1 + r^2 / 2) / r^4 in powers of r^2.
    cos: &'static [f64],
}

/// Minimax coefficients on |r| <= pi / 4 by Remez's exchange in 60-digit arithmetic, the first ones rounded in turn and the
/// rest fitted again; relative error 2^-57.9 of sin, 2^-63.8 of cos.
const SIN_F64: SinTable = SinTable {
    quarter_turn: &[FRAC_PI_2, 6.123233995736765e-17, 1.0828566739219139e-32],
    limit: (1u64 << 51) as f64,
    sin: &[
        -0.1666666666666663,
        0.00833333333332184,
        -0.00019841269829358213,
        2.755731353832369e-06,
        -2.505073435141134e-08,
        1.5895430819807937e-10,
    ],
    cos: &[
        0.041666666666666595,
        -0.0013888888888873333,
        2.4801587288992887e-05,
        -2.755731421369735e-07,
        2.087570490142367e-09,
        -1.135872363480743e-11,
    ],
};

/// As for `SIN_F64`, rounded to `f32`: 2^-27.9 and 2^-33.
const SIN_F32: SinTable = SinTable {
    quarter_turn: &[1.570796251296997, 7.549789415861596e-08, 5.390302529957765e-15, 3.282003415807913e-22],
    limit: (1u32 << 22) as f64,
    sin: &[-0.16666655, 0.008332189, -0.00019518276],
    cos: &[0.041666646, -0.001388731, 2.4432327e-05],
};

impl SinTable {
    fn of(float: DType) -> &'static SinTable {
        if float == DType::F32 { &SIN_F32 } else { &SIN_F64 }
    }
}

/// Sine of an angle in radians.
///
/// Largest error measured, in ulp, sine and cosine together:
///
/// | `f64` up to | error | `f32` up to | error |
/// |---|---|---|---|
/// | 2^46 | 1.6 | 2^16 | 1.6 |
/// | 2^48 | 2.2 | 2^19 | 1.9 |
/// | 2^51 | 45 | 2^22 | 5.1 |
///
/// From 2^51 (`f32`: 2^22) on, where multiples of pi / 2 are no longer told apart, the result is 0 with the sign of x.
pub(super) fn sin<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    sin_of_turned(e, x, 0)
}

/// Cosine of an angle in radians: the sine of a quarter turn more. Errors and limits are those of [`sin`].
pub(super) fn cos<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    sin_of_turned(e, x, 1)
}

/// sin(x + turns pi / 2).
///
/// x = n pi / 2 + r by Cody and Waite's method with fused operations; the sine's polynomial in r where n + `turns` is even,
/// the cosine's where it is odd; minus that where n + `turns` has its second bit.
fn sin_of_turned<E: Emit>(e: &mut E, x: E::Value, turns: i64) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let t = SinTable::of(s.float);
    let x = s.value(x);
    let one = s.float(1.0);
    let round = s.float(s.round + turns as f64);
    let shifted = x.fma(s.float(FRAC_2_PI), round);
    let n = shifted - round;
    let r = t.quarter_turn.iter().fold(x, |r, &part| n.fma(s.float(-part), r));
    let z = r * r;
    let z2 = z * z;
    let sin = (r * z).fma(s.poly(z, z2, t.sin), r);
    let cos = z2.fma(s.poly(z, z2, t.cos), z.fma(s.float(-0.5), one));
    let turned = shifted.bits();
    let y = (turned & s.int(1)).eq(s.int(0)).select(sin, cos);
    let y = (y.bits() ^ (turned.shl(s.width - 2) & s.int(s.sign))).to_float();
    // In place of the rest: 0 beyond the limit, NaN for infinities and NaN.
    let in_range = if turns == 0 {
        // Also for zeros, of which the sum above loses the sign. 1 <= magnitude < limit, as one comparison of numbers that wrap.
        let rank = (x.bits() & s.int(s.magnitude)) + s.int(s.magnitude);
        rank.lt(s.int(s.sign.wrapping_add(s.bits_of(t.limit))))
    } else {
        x.abs().lt(s.float(t.limit))
    };
    in_range.select(y, x * s.float(0.0)).value
}

/// (arctan a / a - 1) / a^2 in powers of a^2 on [0, 1]. Remez's exchange in 60-digit arithmetic, rounded; relative error
/// 2^-55.8. A reduction to [0, tan(pi / 8)] would save eight terms and cost as many operations, and two roundings.
const ATAN_F64: [f64; 20] = [
    -0.3333333333333307,
    0.19999999999951892,
    -0.1428571428260089,
    0.11111111007802982,
    -0.09090907016959535,
    0.07692280004560087,
    -0.06666405426052621,
    0.05880536074464994,
    -0.05253555909694417,
    0.047224511929608685,
    -0.04219522948308196,
    0.03664904307954374,
    -0.029915366494446313,
    0.021999240674626958,
    -0.013914345263420865,
    0.007206427176634334,
    -0.0028901091753045696,
    0.0008331829716601671,
    -0.00015256977192596648,
    1.3266572159862623e-05,
];
/// As `ATAN_F64`, 2^-28.5; the seventh is moved by two units, at no loss, to have arctan 1 correctly rounded.
const ATAN_F32: [f64; 9] =
    [-0.333333, 0.1999853, -0.14264016, 0.109508805, -0.083993204, 0.057882242, -0.031098839, 0.010870422, -0.0017834123];

/// The angle of the point (x, y), in [-pi, pi], with C's results for signed zeros and infinities.
///
/// The arctangent of the quotient of the shorter by the longer side, which gets its sign from the way it is turned against
/// the nearest half axis, is added to that axis' angle. Largest error measured: 1.52 ulp for `f32`, 1.45 ulp for `f64`.
pub(super) fn atan2<E: Emit>(e: &mut E, y: E::Value, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let (x, y) = (s.value(x), s.value(y));
    let zero = s.float(0.0);
    let (ax, ay) = (x.abs(), y.abs());
    let steep = ay.gt(ax);
    let sign_x = x.sign_bits();
    let unit = (sign_x | s.int(s.one_bits())).to_float();
    // Seen from the y axis the point leans away from x; seen from the x axis it leans as y / x says.
    let numerator = steep.select((x.bits() ^ s.int(s.sign)).to_float(), ay);
    let quotient = numerator / steep.select(ay, x);
    // Equal sides need no quotient, and two zeros or two infinities have none.
    let a = ay.eq(ax).select(ay.eq(zero).select(zero, unit), quotient);
    let z = a * a;
    let series: &[f64] = if s.float == DType::F32 { &ATAN_F32 } else { &ATAN_F64 };
    // The part of pi / 2 that its rounding cut off comes back as a ratio, which serves 0, pi / 2 and pi alike.
    let (quarter, ratio) =
        if s.float == DType::F32 { (std::f32::consts::FRAC_PI_2 as f64, -2.7827534e-08) } else { (FRAC_PI_2, 3.8981718325193755e-17) };
    let flat = unit.fma(s.float(-quarter), s.float(quarter));
    let base = steep.select(s.float(quarter), flat);
    let bent = (a * z).fma(s.poly_led(z, z * z, series), base * s.float(ratio));
    let angle = base + (a + bent);
    (angle.bits() | y.sign_bits()).to_float().value
}
