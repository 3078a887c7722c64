//! What NumPy has and this language does not.

use super::diagnostic::{Mistake, closest};

/// NumPy's functions that elide has under another form.
static INSTEAD: &[(&str, &str)] = &[
    ("dot", "write `(a[:, :, None] * b[None, :, :]).sum(axis=1)`, or `(a * b).sum()` for vectors"),
    ("matmul", "write `(a[:, :, None] * b[None, :, :]).sum(axis=1)`"),
    ("inner", "write `(a * b).sum(axis=-1)`"),
    ("dstack", "write `concatenate((a[:, :, None], b[:, :, None]), axis=2)`, or `stack` for arrays of one shape"),
    ("append", "write `concatenate((a, b), axis=0)`"),
    ("fill", "write `x[...] = value`"),
    ("copyto", "write `x[...] = value`, or `x[mask] = value`"),
    ("putmask", "write `x[mask] = value`"),
    ("atleast_3d", "index with `None` to add axes"),
    ("flat", "use `x.ravel()`, which has the same elements"),
    ("relu", "write `maximum(x, 0)`"),
    ("isin", "write `(x[..., None] == array([1, 2])).any(axis=-1)`"),
    ("hsplit", "write `split(x, n, axis=1)`"),
    ("vsplit", "write `split(x, n, axis=0)`"),
    ("unstack", "write `x[0], x[1]`"),
    ("resize", "write `x.reshape(...)`, or `tile` to repeat elements"),
    ("insert", "write `concatenate((x[:k], value, x[k:]))`"),
    ("delete", "write `concatenate((x[:k], x[k + 1:]))`"),
    ("put_along_axis", "write `x[...] = value` with arrays of indices"),
    ("argwhere", "use the mask itself: `x[mask]`"),
    ("extract", "write `x[mask]`"),
    ("compress", "write `x[mask]`"),
    ("cov", "write `((x - x.mean()) * (y - y.mean())).sum() / (x.size - 1)`"),
];

/// NumPy's functions and methods that elide lacks. What is called so is not misspelt.
static ABSENT: &str = "\
    apply_along_axis argpartition argsort broadcast broadcast_arrays convolve corrcoef correlate cross ctypes cumprod cumsum data digitize dsplit ediff1d einsum flatiter \
    fromfunction frombuffer geomspace gradient histogram2d histogramdd interp isdtype isnat item kron \
    lexsort linalg logspace long mask_indices median meshgrid nanargmax nanargmin nancumsum nanmedian \
    nanpercentile nanquantile ndarray partition percentile piecewise place polyfit polyval put quantile random \
    ravel_multi_index searchsorted select sort strides tensordot tobytes tolist trapezoid tril_indices triu_indices \
    uint unique unravel_index unwrap vander vdot vecdot vectorize view";

/// What to write for a function that elide has under another form; `None` for others, and `Some(None)` for those that it lacks.
pub(super) fn instead(name: &str) -> Option<Option<&'static str>> {
    match INSTEAD.iter().find(|(n, _)| *n == name) {
        Some((_, help)) => Some(Some(*help)),
        None => ABSENT.split_whitespace().any(|n| n == name).then_some(None),
    }
}

/// The help for what is not found under a name: another form, or a name that was meant.
pub(super) fn helped<'a>(mistake: Mistake, name: &str, known: impl IntoIterator<Item = &'a str>) -> Mistake {
    match (instead(name), closest(name, known)) {
        (Some(Some(help)), _) => mistake.help(help),
        (None, Some(other)) => mistake.help(format!("did you mean `{other}`?")),
        _ => mistake,
    }
}
