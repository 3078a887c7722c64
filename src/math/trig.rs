//! Sine, cosine, and the angle of a point.

use super::Emit;
use super::arith::{Num, Scope};
use crate::dtype::DType;
use std::f64::consts::{FRAC_1_PI, FRAC_PI_2};

const FRAC_PI_2_F32: f64 = std::f32::consts::FRAC_PI_2 as f64;

struct SinTable {
    pi: [f64; 3],
    limit: f64,
    series: &'static [f64],
}
const SIN_F64: SinTable = SinTable {
    pi: [std::f64::consts::PI, 1.224646799147353e-16, 2.1657133478438278e-32],
    limit: 2251799813685248.0,
    series: &[
        -0.16666666666666666,
        0.008333333333333207,
        -0.0001984126984121248,
        2.7557319211573552e-06,
        -2.5052106905738143e-08,
        1.6058941142947407e-10,
        -7.643025436085755e-13,
        2.721510916610809e-15,
    ],
};
const SIN_F32: SinTable = SinTable {
    pi: [3.141592502593994, 1.5099578831723193e-07, 1.078060505991553e-14],
    limit: 4194304.0,
    series: &[-0.1666666, 0.008333069, -0.00019809777, 2.6060957e-06],
};
impl SinTable {
    fn of(float: DType) -> &'static SinTable {
        if float == DType::F32 { &SIN_F32 } else { &SIN_F64 }
    }
}

/// (-1)^n sin(x - turns pi), where `shifted` holds n in its low bits.
fn sin_reduced<'s, 'e, E: Emit>(s: &'s Scope<'e, E>, x: Num<'s, 'e, E>, turns: Num<'s, 'e, E>, shifted: Num<'s, 'e, E>) -> Num<'s, 'e, E> {
    let t = SinTable::of(s.float);
    let r = t.pi.iter().fold(x, |r, &part| turns.fma(s.float(-part), r));
    let z = r * r;
    let y = (r * z).fma(s.poly(z, z * z, t.series), r);
    (y.bits() ^ shifted.bits().shl(s.width - 1)).from_bits()
}

pub(super) fn sin<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let x = s.value(x);
    let round = s.float(s.round);
    let shifted = x.fma(s.float(FRAC_1_PI), round);
    let y = sin_reduced(s, x, shifted - round, shifted);
    let rank = (x.bits() & s.int(s.magnitude)) + s.int(s.magnitude);
    let limit = s.int(s.sign.wrapping_add(s.bits_of(SinTable::of(s.float).limit)));
    rank.lt(limit).select(y, x * s.float(0.0)).value
}

pub(super) fn cos<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let x = s.value(x);
    let (round, half) = (s.float(s.round), s.float(0.5));
    let shifted = x.fma(s.float(FRAC_1_PI), half) + round;
    let y = sin_reduced(s, x, shifted - round - half, shifted);
    let in_range = x.abs().lt(s.float(SinTable::of(s.float).limit));
    in_range.select(y, x * s.float(0.0)).value
}

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
const ATAN_F32: [f64; 9] =
    [-0.333333, 0.1999853, -0.14264016, 0.109508805, -0.083993204, 0.057882242, -0.031098843, 0.010870422, -0.0017834123];

pub(super) fn atan2<E: Emit>(e: &mut E, y: E::Value, x: E::Value) -> E::Value {
    let s = &Scope::new(e, e.dtype(x));
    let (x, y) = (s.value(x), s.value(y));
    let zero = s.float(0.0);
    let (ax, ay) = (x.abs(), y.abs());
    let steep = ay.gt(ax);
    let sign_x = x.sign_bits();
    let unit = (sign_x | s.int(s.one_bits())).from_bits();
    let numerator = steep.select((x.bits() ^ s.int(s.sign)).from_bits(), ay);
    let quotient = numerator / steep.select(ay, x);
    let a = ay.eq(ax).select(ay.eq(zero).select(zero, unit), quotient);
    let z = a * a;
    let series: &[f64] = if s.float == DType::F32 { &ATAN_F32 } else { &ATAN_F64 };
    let at = (a * z).fma(s.poly(z, z * z, series), a);
    let (quarter, ratio) = if s.float == DType::F32 { (FRAC_PI_2_F32, -2.7827534e-08) } else { (FRAC_PI_2, 3.8981718325193755e-17) };
    let flat = unit.fma(s.float(-quarter), s.float(quarter));
    let base = steep.select(s.float(quarter), flat);
    let angle = base + base.fma(s.float(ratio), at);
    (angle.bits() | y.sign_bits()).from_bits().value
}
