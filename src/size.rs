//! Sizes that may not be known until arrays are bound: integers, named dims, and arithmetic over them.
//!
//! A [`Size`] is a polynomial in normal form, so that two sizes which are written differently but are the same polynomial
//! compare equal (`n - 2` however it came about). Extents, strides and offsets of every IR are sizes; they become numbers
//! when a kernel is bound. All variables stand for values that are not negative.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

/// An integer that may depend on named dims (`n`, `2*n*m`, `max(n - 2, 0)`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Size(Repr);

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Repr {
    Const(i64),
    /// Terms with non-zero coefficients, sorted by monomial; the empty monomial is the constant term. Never just a constant.
    /// The number is [`Size::weight`], which would take long to count where sizes share parts.
    Sum(Arc<[(Monomial, i64)]>, u32),
}

/// A product of atoms, sorted, with repetition for powers.
type Monomial = SmallVec<[Atom; 2]>;

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Atom {
    Var(Var),
    /// `max(x, 0)`
    Max0(Arc<Size>),
    Min(Arc<(Size, Size)>),
    /// The greatest of two or more sizes, in order, none of which is known to be as large as another.
    Max(Arc<[Size]>),
    /// Floor of the quotient; the divisor is positive.
    Div(Arc<(Size, Size)>),
}

/// What a size may depend on.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Var {
    /// A dim that the user named.
    Dim(Arc<str>),
    /// The stride in bytes of one axis of one operand, where its layout is not known at compile time.
    Stride {
        /// Which operand of the program.
        operand: u32,
        /// Which of its axes.
        axis: u32,
    },
    /// How many rows of a stored value exist at a time, where not all do.
    Rows {
        /// Which buffer of the plan.
        buffer: u32,
    },
    /// How many indices of an axis outside the rows exist at a time, where not all do.
    Planes {
        /// Which buffer of the plan.
        buffer: u32,
    },
}

impl From<i64> for Size {
    fn from(x: i64) -> Size {
        Size(Repr::Const(x))
    }
}

impl From<i32> for Size {
    fn from(x: i32) -> Size {
        Size(Repr::Const(x.into()))
    }
}

impl From<usize> for Size {
    fn from(x: usize) -> Size {
        Size(Repr::Const(i64::try_from(x).unwrap_or(i64::MAX)))
    }
}

impl Size {
    /// Zero.
    pub const ZERO: Size = Size(Repr::Const(0));
    /// One.
    pub const ONE: Size = Size(Repr::Const(1));

    /// The size that stands for one variable.
    pub fn var(var: Var) -> Size {
        Size::atom(Atom::Var(var))
    }

    /// The size that stands for a named dim.
    pub fn named(name: &str) -> Size {
        Size::var(Var::Dim(name.into()))
    }

    /// The value, if it depends on nothing.
    pub fn as_const(&self) -> Option<i64> {
        match self.0 {
            Repr::Const(x) => Some(x),
            Repr::Sum(..) => None,
        }
    }

    /// The name, if this size is exactly one named dim.
    pub fn as_dim(&self) -> Option<&str> {
        let Repr::Sum(terms, _) = &self.0 else { return None };
        match &**terms {
            [(m, 1)] => match m.as_slice() {
                [Atom::Var(Var::Dim(name))] => Some(name),
                _ => None,
            },
            _ => None,
        }
    }

    fn atom(a: Atom) -> Size {
        let weight = a.weight().saturating_add(1);
        Size(Repr::Sum(Arc::new([(SmallVec::from_elem(a, 1), 1)]), weight))
    }

    /// How long this size is when written out: its terms and their factors, at every depth.
    ///
    /// Every use of a size walks all of it, and a size that has another one twice has twice its weight.
    pub(crate) fn weight(&self) -> u32 {
        match self.0 {
            Repr::Const(_) => 1,
            Repr::Sum(_, weight) => weight,
        }
    }

    fn terms(&self) -> SmallVec<[(Monomial, i64); 4]> {
        match &self.0 {
            Repr::Const(0) => SmallVec::new(),
            Repr::Const(x) => SmallVec::from_elem((Monomial::new(), *x), 1),
            Repr::Sum(terms, _) => terms.iter().cloned().collect(),
        }
    }

    fn from_terms(mut terms: SmallVec<[(Monomial, i64); 4]>) -> Size {
        terms.sort();
        let mut out: SmallVec<[(Monomial, i64); 4]> = SmallVec::new();
        for (m, c) in terms {
            match out.last_mut() {
                Some((last, total)) if *last == m => *total = total.saturating_add(c),
                _ => out.push((m, c)),
            }
        }
        out.retain(|(_, c)| *c != 0);
        match out.as_slice() {
            [] => Size::ZERO,
            [(m, c)] if m.is_empty() => Size::from(*c),
            _ => {
                let weights = out.iter().map(|(m, _)| m.iter().map(Atom::weight).fold(1, u32::saturating_add));
                let weight = weights.fold(0, u32::saturating_add);
                Size(Repr::Sum(out.into_iter().collect(), weight))
            }
        }
    }

    /// `self + other`
    pub fn add(&self, other: &Size) -> Size {
        match (&self.0, &other.0) {
            (Repr::Const(a), Repr::Const(b)) => Size::from(a.saturating_add(*b)),
            (Repr::Const(0), _) => other.clone(),
            (_, Repr::Const(0)) => self.clone(),
            _ => {
                let mut terms = self.terms();
                terms.extend(other.terms());
                Size::from_terms(terms)
            }
        }
    }

    /// `self - other`
    pub fn sub(&self, other: &Size) -> Size {
        self.add(&other.scale(-1))
    }

    /// `self * factor`
    pub fn scale(&self, factor: i64) -> Size {
        match &self.0 {
            Repr::Const(a) => Size::from(a.saturating_mul(factor)),
            Repr::Sum(..) if factor == 1 => self.clone(),
            Repr::Sum(terms, _) => Size::from_terms(terms.iter().map(|(m, c)| (m.clone(), c.saturating_mul(factor))).collect()),
        }
    }

    /// `self * other`
    pub fn mul(&self, other: &Size) -> Size {
        match (self.as_const(), other.as_const()) {
            (Some(a), _) => other.scale(a),
            (_, Some(b)) => self.scale(b),
            _ => {
                let (a, b) = (self.terms(), other.terms());
                let mut terms = SmallVec::new();
                for (ma, ca) in &a {
                    for (mb, cb) in &b {
                        let mut m: Monomial = ma.iter().chain(mb).cloned().collect();
                        m.sort();
                        terms.push((m, ca.saturating_mul(*cb)));
                    }
                }
                Size::from_terms(terms)
            }
        }
    }

    /// `max(self, 0)`
    pub fn max0(&self) -> Size {
        match &self.0 {
            Repr::Const(a) => Size::from((*a).max(0)),
            Repr::Sum(..) if self.is_never_negative() => self.clone(),
            // max(max(x, 0) - c, 0) is max(x - c, 0): a slice of a slice is no deeper than a slice.
            Repr::Sum(terms, _)
                if let [(one, c), (inner, 1)] = &**terms
                    && let ([], [Atom::Max0(x)], ..=0) = (&one[..], &inner[..], c) =>
            {
                x.add(&Size::from(*c)).max0()
            }
            // max(min(x, y) + c, 0), each of the two by itself, for the same reason.
            Repr::Sum(terms, _) if let Some((xy, c)) = Size::shifted_minimum(terms) => {
                let c = Size::from(c);
                xy.0.add(&c).max0().lesser(&xy.1.add(&c).max0())
            }
            Repr::Sum(..) => Size::atom(Atom::Max0(Arc::new(self.clone()))),
        }
    }

    /// `min(x, y) + c`
    fn shifted_minimum(terms: &[(Monomial, i64)]) -> Option<(&(Size, Size), i64)> {
        let (single, c) = match terms {
            [(m, 1)] => (m, 0),
            [(one, c), (m, 1)] if one.is_empty() => (m, *c),
            _ => return None,
        };
        match &single[..] {
            [Atom::Min(xy)] => Some((xy, c)),
            _ => None,
        }
    }

    /// `min(self, other)`
    pub fn lesser(&self, other: &Size) -> Size {
        if other.sub(self).is_never_negative() {
            return self.clone();
        }
        if self.sub(other).is_never_negative() {
            return other.clone();
        }
        // min(min(x, 8), 5) is min(x, 5).
        for (outer, inner) in [(self, other), (other, self)] {
            if let (Some(c), Repr::Sum(terms, _)) = (outer.as_const(), &inner.0)
                && let Some((xy, 0)) = Size::shifted_minimum(terms)
                && let Some((k, x)) = xy.0.as_const().map(|k| (k, &xy.1)).or_else(|| Some((xy.1.as_const()?, &xy.0)))
            {
                return x.lesser(&Size::from(c.min(k)));
            }
        }
        match self.cmp(other) {
            Ordering::Equal => self.clone(),
            Ordering::Less => Size::atom(Atom::Min(Arc::new((self.clone(), other.clone())))),
            Ordering::Greater => Size::atom(Atom::Min(Arc::new((other.clone(), self.clone())))),
        }
    }

    /// The greatest of some sizes; 0 of none.
    pub(crate) fn greatest<'a>(sizes: impl IntoIterator<Item = &'a Size>) -> Size {
        let mut kept: Vec<Size> = Vec::new();
        for size in sizes {
            if !kept.iter().any(|k| k.is_at_least(size)) {
                kept.retain(|k| !size.is_at_least(k));
                kept.push(size.clone());
            }
        }
        kept.sort();
        match kept.as_slice() {
            [] => Size::ZERO,
            [one] => one.clone(),
            _ => Size::atom(Atom::Max(kept.into())),
        }
    }

    /// True if it is as large as `other` for all values of the variables, as far as the signs of terms tell: of a maximum in `other`,
    /// it must be as large with each of what that is the greatest of, and of a minimum with either.
    pub(crate) fn is_at_least(&self, other: &Size) -> bool {
        self.covers(other, &mut 256)
    }

    /// As `is_at_least`, in so many comparisons.
    fn covers(&self, other: &Size, left: &mut u32) -> bool {
        *left = left.saturating_sub(1);
        if *left == 0 {
            return false;
        }
        let rest = self.sub(other);
        if rest.is_never_negative() {
            return true;
        }
        let Repr::Sum(terms, _) = &other.0 else { return false };
        for (m, c) in terms.iter().filter(|(_, c)| *c > 0) {
            for (k, atom) in m.iter().enumerate() {
                let (all, cases): (bool, Vec<Size>) = match atom {
                    Atom::Max0(x) => (true, vec![(**x).clone(), Size::ZERO]),
                    Atom::Max(list) => (true, list.to_vec()),
                    Atom::Min(xy) => (false, vec![xy.0.clone(), xy.1.clone()]),
                    Atom::Var(_) | Atom::Div(_) => continue,
                };
                let mut factors = m.clone();
                factors.remove(k);
                // What the other factors come to does not turn the order around.
                if !factors.iter().all(Atom::is_non_negative) {
                    continue;
                }
                let factor = Size::from_terms(std::iter::once((factors, *c)).collect());
                let without = other.sub(&factor.mul(&Size::atom(atom.clone())));
                let mut with = |case: &Size| self.covers(&without.add(&factor.mul(case)), left);
                return if all { cases.iter().all(&mut with) } else { cases.iter().any(&mut with) };
            }
        }
        false
    }

    /// The floor of `self / divisor`; the divisor is positive and the dividend is not negative.
    pub fn div(&self, divisor: &Size) -> Size {
        match (self.as_const(), divisor.as_const()) {
            (_, Some(1)) => self.clone(),
            (Some(a), Some(b)) if b > 0 => Size::from(a.div_euclid(b)),
            (Some(0), _) => Size::ZERO,
            _ => self.exact_quotient(divisor).unwrap_or_else(|| Size::atom(Atom::Div(Arc::new((self.clone(), divisor.clone()))))),
        }
    }

    /// The floor of `self / divisor`, for a dividend of either sign and a positive divisor.
    pub fn floor_div(&self, divisor: &Size) -> Size {
        match (self.as_const(), divisor.as_const()) {
            (Some(a), Some(b)) if b > 0 => Size::from(a.div_euclid(b)),
            (Some(a), _) if a < 0 => {
                // floor(a/b) is -ceil(-a/b), which has a dividend that is not negative.
                let up = Size::from(a.saturating_neg()).add(divisor).sub(&Size::ONE);
                Size::atom(Atom::Div(Arc::new((up, divisor.clone())))).scale(-1)
            }
            _ => self.div(divisor),
        }
    }

    /// The ceiling of `self / divisor`, for a positive constant divisor.
    pub fn div_ceil(&self, divisor: i64) -> Size {
        if divisor == 1 { self.clone() } else { self.add(&Size::from(divisor - 1)).div(&Size::from(divisor)) }
    }

    /// `self / divisor` where every term divides without remainder and the divisor is a single term.
    pub fn exact_quotient(&self, divisor: &Size) -> Option<Size> {
        let d = divisor.terms();
        let [(dm, dc)] = d.as_slice() else { return (self == divisor).then_some(Size::ONE) };
        let mut out = SmallVec::new();
        for (m, c) in self.terms() {
            if c % dc != 0 {
                return None;
            }
            let mut rest = m;
            for atom in dm {
                let at = rest.iter().position(|a| a == atom)?;
                rest.remove(at);
            }
            out.push((rest, c / dc));
        }
        Some(Size::from_terms(out))
    }

    /// The value under an assignment of the variables; `None` if it does not fit in 64 bits or a divisor is zero.
    pub fn eval(&self, env: &dyn Fn(&Var) -> i64) -> Option<i64> {
        let terms = match &self.0 {
            Repr::Const(x) => return Some(*x),
            Repr::Sum(terms, _) => terms,
        };
        let mut total = 0i64;
        for (m, c) in terms.iter() {
            let mut product = *c;
            for atom in m {
                let value = match atom {
                    Atom::Var(v) => env(v),
                    Atom::Max0(x) => x.eval(env)?.max(0),
                    Atom::Min(xy) => xy.0.eval(env)?.min(xy.1.eval(env)?),
                    Atom::Max(list) => list.iter().try_fold(i64::MIN, |most, x| Some(most.max(x.eval(env)?)))?,
                    Atom::Div(xy) => xy.0.eval(env)?.checked_div_euclid(xy.1.eval(env)?)?,
                };
                product = product.checked_mul(value)?;
            }
            total = total.checked_add(product)?;
        }
        Some(total)
    }

    /// The value where the named dims have these values; `None` if it has other dims, or does not fit in 64 bits.
    ///
    /// ```
    /// let size = elide::Size::named("n").scale(8);
    /// assert_eq!(size.evaluate(&[("n", 100)]), Some(800));
    /// assert_eq!(size.evaluate(&[]), None);
    /// ```
    pub fn evaluate(&self, dims: &[(&str, i64)]) -> Option<i64> {
        let value = |var: &Var| match var {
            Var::Dim(name) => dims.iter().find(|(n, _)| *n == &**name).map(|(_, x)| *x),
            Var::Stride { .. } | Var::Rows { .. } | Var::Planes { .. } => None,
        };
        let mut known = true;
        self.for_each_var(&mut |var| known &= value(var).is_some());
        if known { self.eval(&|var| value(var).unwrap_or(0)) } else { None }
    }

    /// Sizes that `(self - 1) * step` is at most, for the extent of an axis that is not empty and a positive step.
    ///
    /// A slice's extent is a maximum with 0, or a minimum of two bounds; knowing that the axis is not empty does away with them.
    pub fn last_within(&self, step: i64) -> SmallVec<[Size; 4]> {
        let mut out: SmallVec<[Size; 4]> = smallvec::smallvec![self.sub(&Size::ONE).scale(step)];
        let single = match &self.0 {
            Repr::Sum(terms, _) => match &**terms {
                [(m, 1)] if m.len() == 1 => Some(&m[0]),
                _ => None,
            },
            Repr::Const(_) => None,
        };
        match single {
            Some(Atom::Max0(x)) => out.extend(x.last_within(step)),
            Some(Atom::Min(xy)) => {
                out.extend(xy.0.last_within(step));
                out.extend(xy.1.last_within(step));
            }
            // The ceiling of x / step, written as a floor: step times what is below it is below x.
            Some(Atom::Div(xy)) if xy.1.as_const() == Some(step) => out.extend(xy.0.sub(&Size::from(step - 1)).last_within(1)),
            _ => {}
        }
        out
    }

    /// True if no values of the variables make it negative, as far as the signs of its terms tell.
    pub fn is_never_negative(&self) -> bool {
        match &self.0 {
            Repr::Const(x) => *x >= 0,
            Repr::Sum(terms, _) => terms.iter().all(|(m, c)| *c >= 0 && m.iter().all(Atom::is_non_negative)),
        }
    }

    /// True if it is 1 or 0, whatever the variables are, as the extent of `x[3:4]` is along a named dim.
    pub(crate) fn is_at_most_one(&self) -> bool {
        let one = Some(1);
        match &self.0 {
            Repr::Const(x) => (0..=1).contains(x),
            Repr::Sum(terms, _) => match Size::shifted_minimum(terms) {
                Some((xy, 0)) => (xy.0.as_const() == one || xy.1.as_const() == one) && self.is_never_negative(),
                _ => false,
            },
        }
    }

    /// Of `min(x, 0)`, `x`.
    pub(crate) fn below_zero(&self) -> Option<&Size> {
        let Repr::Sum(terms, _) = &self.0 else { return None };
        let [(m, 1)] = &**terms else { return None };
        match m.as_slice() {
            [Atom::Min(xy)] if xy.0 == Size::ZERO => Some(&xy.1),
            [Atom::Min(xy)] if xy.1 == Size::ZERO => Some(&xy.0),
            _ => None,
        }
    }

    /// True for a sum whose terms besides a constant all have one sign: what it comes to where the variables are large. `None` for
    /// a difference of variables, which may be either.
    pub fn sign_when_large(&self) -> Option<bool> {
        let terms = match &self.0 {
            Repr::Const(x) => return Some(*x >= 0),
            Repr::Sum(terms, _) => terms,
        };
        let plain = |m: &Monomial| m.iter().all(|a| matches!(a, Atom::Var(Var::Dim(_)) | Atom::Div(_)));
        let mut varying = terms.iter().filter(|(m, _)| !m.is_empty());
        if !varying.clone().all(|(m, _)| plain(m)) {
            return None;
        }
        if varying.clone().all(|(_, c)| *c > 0) {
            return Some(true);
        }
        varying.all(|(_, c)| *c < 0).then_some(false)
    }

    /// This size where it is known of others whether they are below zero (`Some(false)`) or not: minima and maxima are gone, and
    /// quotients of less than three. `None` leaves them.
    pub fn where_known(&self, is_not_negative: &mut dyn FnMut(&Size) -> Option<bool>) -> Size {
        let terms = match &self.0 {
            Repr::Const(_) => return self.clone(),
            Repr::Sum(terms, _) if terms.iter().all(|(m, _)| m.iter().all(|a| matches!(a, Atom::Var(_)))) => return self.clone(),
            Repr::Sum(terms, _) => terms,
        };
        let mut total = Size::ZERO;
        for (m, c) in terms.iter() {
            let mut product = Size::from(*c);
            for atom in m {
                let factor = match atom {
                    Atom::Var(v) => Size::var(v.clone()),
                    Atom::Max0(x) => {
                        let x = x.where_known(is_not_negative);
                        match x.as_const().map(|x| x >= 0).or_else(|| is_not_negative(&x)) {
                            Some(true) => x,
                            Some(false) => Size::ZERO,
                            None => x.max0(),
                        }
                    }
                    Atom::Min(xy) => {
                        let (x, y) = (xy.0.where_known(is_not_negative), xy.1.where_known(is_not_negative));
                        match is_not_negative(&y.sub(&x)) {
                            Some(true) => x,
                            Some(false) => y,
                            None => x.lesser(&y),
                        }
                    }
                    Atom::Max(list) => {
                        let list: Vec<Size> = list.iter().map(|x| x.where_known(is_not_negative)).collect();
                        Size::greatest(&list)
                    }
                    Atom::Div(xy) => {
                        let (x, y) = (xy.0.where_known(is_not_negative), xy.1.where_known(is_not_negative));
                        let quotient = (0..3).find(|q| {
                            let rest = x.sub(&y.scale(*q));
                            y.as_const().is_none()
                                && is_not_negative(&rest) == Some(true)
                                && is_not_negative(&y.sub(&rest).sub(&Size::ONE)) == Some(true)
                        });
                        quotient.map_or_else(|| x.div(&y), Size::from)
                    }
                };
                product = product.mul(&factor);
            }
            total = total.add(&product);
        }
        total
    }

    /// Calls `f` on every variable in this size, repetitions included.
    pub fn for_each_var(&self, f: &mut dyn FnMut(&Var)) {
        let Repr::Sum(terms, _) = &self.0 else { return };
        for atom in terms.iter().flat_map(|(m, _)| m) {
            match atom {
                Atom::Var(v) => f(v),
                Atom::Max0(x) => x.for_each_var(f),
                Atom::Max(list) => list.iter().for_each(|x| x.for_each_var(f)),
                Atom::Min(xy) | Atom::Div(xy) => {
                    xy.0.for_each_var(f);
                    xy.1.for_each_var(f);
                }
            }
        }
    }

    /// How large this is likely to be, for ordering axes by stride: the degree first, then the leading coefficient.
    pub fn magnitude(&self) -> (usize, i64) {
        match &self.0 {
            Repr::Const(x) => (0, x.saturating_abs()),
            Repr::Sum(terms, _) => terms.iter().map(|(m, c)| (m.len(), c.saturating_abs())).max().unwrap_or((0, 0)),
        }
    }

    /// True if no value of the variables can make the two equal (as far as their constant difference tells).
    pub fn never_equals(&self, other: &Size) -> bool {
        self.sub(other).as_const().is_some_and(|d| d != 0)
    }
}

impl Atom {
    fn is_non_negative(&self) -> bool {
        match self {
            // A quotient's dividend is not negative by contract, and neither is a variable, strides excepted.
            Atom::Var(Var::Dim(_) | Var::Rows { .. } | Var::Planes { .. }) | Atom::Max0(_) | Atom::Div(_) => true,
            Atom::Var(Var::Stride { .. }) => false,
            Atom::Min(xy) => xy.0.is_never_negative() && xy.1.is_never_negative(),
            Atom::Max(list) => list.iter().any(Size::is_never_negative),
        }
    }

    fn weight(&self) -> u32 {
        match self {
            Atom::Var(_) => 1,
            Atom::Max0(x) => x.weight().saturating_add(1),
            Atom::Max(list) => list.iter().fold(1, |sum, x| x.weight().saturating_add(sum)),
            Atom::Min(xy) | Atom::Div(xy) => xy.0.weight().saturating_add(xy.1.weight()).saturating_add(1),
        }
    }
}

impl fmt::Display for Var {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Var::Dim(name) => f.write_str(name),
            Var::Stride { operand, axis } => write!(f, "stride{operand}.{axis}"),
            Var::Rows { buffer } => write!(f, "rows{buffer}"),
            Var::Planes { buffer } => write!(f, "planes{buffer}"),
        }
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Atom::Var(v) => write!(f, "{v}"),
            Atom::Max0(x) => write!(f, "max({x}, 0)"),
            Atom::Max(list) => {
                f.write_str("max(")?;
                for (k, x) in list.iter().enumerate() {
                    write!(f, "{}{x}", if k == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
            Atom::Min(xy) => write!(f, "min({}, {})", xy.0, xy.1),
            Atom::Div(xy) => write!(f, "floor({}/{})", Factor(&xy.0), Factor(&xy.1)),
        }
    }
}

/// A size as an operand of a quotient: in parentheses unless it is one number or one atom.
struct Factor<'a>(&'a Size);

impl fmt::Display for Factor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let single = match &self.0.0 {
            Repr::Const(x) => *x >= 0,
            Repr::Sum(terms, _) => matches!(&**terms, [(m, 1)] if m.len() == 1),
        };
        if single { write!(f, "{}", self.0) } else { write!(f, "({})", self.0) }
    }
}

/// Prints terms of high degree first: `n*m - 2*n + 1`.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terms = match &self.0 {
            Repr::Const(x) => return write!(f, "{x}"),
            Repr::Sum(terms, _) => terms,
        };
        let mut sorted: SmallVec<[&(Monomial, i64); 4]> = terms.iter().collect();
        sorted.sort_by_key(|(m, _)| std::cmp::Reverse(m.len()));
        for (k, (m, c)) in sorted.into_iter().enumerate() {
            let sign = match (k, *c < 0) {
                (0, true) => "-",
                (0, false) => "",
                (_, true) => " - ",
                (_, false) => " + ",
            };
            f.write_str(sign)?;
            let magnitude = c.unsigned_abs();
            if m.is_empty() || magnitude != 1 {
                write!(f, "{magnitude}")?;
            }
            for (i, atom) in m.iter().enumerate() {
                if i > 0 || magnitude != 1 {
                    f.write_str("*")?;
                }
                write!(f, "{atom}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_form_makes_equal_sizes_equal() {
        let (n, m) = (Size::named("n"), Size::named("m"));
        let a = n.add(&Size::from(1i64)).mul(&m);
        let b = m.mul(&n).add(&m);
        assert_eq!(a, b);
        assert_eq!(n.sub(&n), Size::ZERO);
        assert_eq!(a.sub(&m).exact_quotient(&n), Some(m.clone()));
        assert_eq!(a.exact_quotient(&n), None);
        assert_eq!(n.max0(), n);
        assert_eq!(n.lesser(&m), m.lesser(&n));
    }

    #[test]
    fn evaluation_refuses_overflow() {
        let n = Size::named("n");
        assert_eq!(n.mul(&n).eval(&|_| 1 << 40), None);
        assert_eq!(n.sub(&Size::from(2i64)).max0().eval(&|_| 1), Some(0));
        assert_eq!(Size::from(1i64).add(&n).div(&Size::from(2i64)).eval(&|_| 4), Some(2));
    }

    #[test]
    fn the_greatest_of_sizes() {
        let (n, m) = (Size::named("n"), Size::named("m"));
        let [a, b, five] = [n.scale(8), m.scale(8), Size::from(5i64)];
        assert_eq!(Size::greatest([&a, &n, &a]), a);
        assert_eq!(Size::greatest([]), Size::ZERO);
        let most = Size::greatest([&b, &five, &a]);
        assert_eq!((most.to_string(), Size::greatest([&a, &b, &five])), ("max(5, 8*m, 8*n)".into(), most.clone()));
        let value = |n, m| most.evaluate(&[("n", n), ("m", m)]);
        assert_eq!([value(0, 0), value(3, 2), value(1, 7)], [Some(5), Some(24), Some(56)]);
        assert!(a.add(&b).add(&five).is_at_least(&most));
        assert!(most.is_never_negative() && most.is_at_least(&most));
        assert!(!a.add(&b).is_at_least(&most) && !a.is_at_least(&most) && !most.is_at_least(&a.add(&Size::ONE)));
        // Sums and products of maxima.
        let sum = most.add(&Size::greatest([&n, &m]).mul(&n));
        assert!(n.mul(&n).add(&n.mul(&m)).add(&a).add(&b).add(&five).is_at_least(&sum));
        assert!(!n.mul(&n).add(&a).add(&b).add(&five).is_at_least(&sum));
        assert!(m.is_at_least(&m.sub(&Size::from(2i64)).max0()) && n.is_at_least(&n.lesser(&m)));
        assert!(!n.is_at_least(&m.sub(&Size::from(2i64)).max0()));
    }

    #[test]
    fn prints_like_arithmetic() {
        let (n, m) = (Size::named("n"), Size::named("m"));
        assert_eq!(n.mul(&m).sub(&n.scale(2)).add(&Size::ONE).to_string(), "m*n - 2*n + 1");
        assert_eq!(n.sub(&Size::from(2i64)).max0().to_string(), "max(n - 2, 0)");
    }
}
