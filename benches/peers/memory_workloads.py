"""The workloads of memory.py, written for each peer.

A workload says how its sizes follow from the scale, what its inputs are, and what the right answer is. Each peer has one function
per workload that it can express: called with the inputs and, where the workload has one and the peer can write into it, the output.
A workload with `update` has no output: it changes its first input, and a peer without in-place writes gives the new array back.
"""
import math

import numpy as np

# Sizes at scale 1. Inputs are 64 to 160 MB; `pairwise` has small inputs and large intermediate arrays.
ROWS, COLUMNS = 10_000, 1_000
LENGTH = 10_000_000
SIDE = 3_200
LEVELS, HORIZONTAL = 80, 320
POINTS = 6_000
RESHAPE_COLUMNS, RESHAPE_WIDTH = 3_000, 1_500
RESHAPE_HALF_ROWS = 2_000
ALPHA = 0.75


def uniform(seed, shape, low, high):
    """Elements in C order from a splitmix64 hash of their index; memory.py gives the formula in words."""
    z = np.arange(math.prod(shape), dtype=np.uint64)
    z += np.uint64(((seed << 32) + 0x9E3779B97F4A7C15) % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z ^= z >> np.uint64(shift)
        z *= np.uint64(factor)
    z ^= z >> np.uint64(31)
    z >>= np.uint64(11)
    u = z.astype(np.float64)
    u *= 2.0**-53
    u *= high - low
    u += low
    return u.reshape(shape)


class Workload:
    """`inputs` maps a scale to (shape, low, high) of each input, `out` maps inputs to the output's shape."""

    def __init__(self, text, inputs, reference, out=None):
        self.text, self.inputs, self.reference, self.out = text, inputs, reference, out
        self.update = out is None

    def make_inputs(self, scale):
        return [uniform(seed, *spec) for seed, spec in enumerate(self.inputs(scale), 1)]


# The scale for warming up: every extent is small then.
TINY = 0.0


def linear(base, scale):
    return max(8, math.floor(base * scale))


def square(base, scale):
    return max(8, math.floor(base * math.sqrt(scale)))


def table(low, high):
    def inputs(scale):
        return [((linear(ROWS, scale), COLUMNS if scale else 8), low, high)]
    return inputs


def vector(low, high):
    return lambda scale: [((linear(LENGTH, scale),), low, high)]


def square_table(low, high):
    return lambda scale: [((square(SIDE, scale),) * 2, low, high)]


def softmax(x, xp=np):
    e = xp.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def add_transpose(x):
    return x + x.T


def shift_add(d):
    r = d.copy()
    r[1:] = d[1:] + d[:-1]
    return r


def shift_add_columns(m):
    r = m.copy()
    r[:, :-1] = m[:, :-1] + m[:, 1:]
    return r


def reversed_add(y, k):
    r = y.copy()
    r[:k] = y[:k] + ALPHA * y[k - 1::-1]
    return r


def floyd(d, xp=np):
    k = d.shape[0] // 3
    return xp.minimum(d, d[:, k:k + 1] + d[k:k + 1, :])


def even_width(x):
    return x.shape[0] // 2


def odd_width(x):
    return RESHAPE_WIDTH if x.shape[1] == RESHAPE_COLUMNS else 6


def hdiff(u, coeff, xp=np):
    """Horizontal diffusion with a flux limiter, after the scheme of the COSMO weather model: two levels of stencils, halo of 2."""
    lap = 4.0 * u[:, 1:-1, 1:-1] - (u[:, 2:, 1:-1] + u[:, :-2, 1:-1] + u[:, 1:-1, 2:] + u[:, 1:-1, :-2])
    flx = lap[:, 1:-1, 1:] - lap[:, 1:-1, :-1]
    flx = xp.where(flx * (u[:, 2:-2, 2:-1] - u[:, 2:-2, 1:-2]) > 0, 0.0, flx)
    fly = lap[:, 1:, 1:-1] - lap[:, :-1, 1:-1]
    fly = xp.where(fly * (u[:, 2:-1, 2:-2] - u[:, 1:-2, 2:-2]) > 0, 0.0, fly)
    return u[:, 2:-2, 2:-2] - coeff * (flx[:, :, 1:] - flx[:, :, :-1] + fly[:, 1:, :] - fly[:, :-1, :])


def pairwise(a, b, xp=np):
    return xp.sqrt(((a[:, None, :] - b[None, :, :]) ** 2).sum(-1)).sum(1)


def hdiff_inputs(scale):
    k, h = linear(LEVELS, scale), HORIZONTAL if scale else 8
    return [((k, h + 4, h + 4), 0.0, 1.0), ((k, h, h), 0.0, 0.05)]


def reshape_inputs(scale):
    """Rows of the result straddle columns of x, save where the width divides the number of rows."""
    return [((linear(4_000, scale), RESHAPE_COLUMNS if scale else 12), 0.0, 1.0)]


def reshape_even_inputs(scale):
    return [((2 * linear(RESHAPE_HALF_ROWS, scale), RESHAPE_COLUMNS if scale else 12), 0.0, 1.0)]


WORKLOADS = {
    "masked_row_sum": Workload("np.where(x > 0, x*x, 0).sum(axis=1)", table(-1, 1),
                               lambda x: np.where(x > 0, x * x, 0).sum(axis=1), lambda x: x.shape[:1]),
    "variance": Workload("x.var(axis=0)", table(0, 1), lambda x: x.var(axis=0), lambda x: x.shape[1:]),
    "softmax": Workload("softmax(x, axis=1)", table(-4, 4), softmax, lambda x: x.shape),
    "standardize": Workload("(x - x.mean(0)) / x.std(0)", table(0, 1), lambda x: (x - x.mean(0)) / x.std(0), lambda x: x.shape),
    "add_transpose": Workload("x += x.T", square_table(0, 1), add_transpose),
    "shift_add": Workload("d[1:] += d[:-1], 1-D", vector(0, 1), shift_add),
    "shift_add_rows": Workload("d[1:] += d[:-1], 2-D", table(0, 1), shift_add),
    "shift_add_columns": Workload("m[:, :-1] += m[:, 1:]", table(0, 1), shift_add_columns),
    "reverse": Workload("a[::-1] = a", vector(0, 1), lambda a: a[::-1].copy()),
    "reversed_add": Workload("y[:k] += alpha * y[k-1::-1], k = len", vector(0, 1), lambda y: reversed_add(y, len(y))),
    "reversed_add_half": Workload("y[:k] += alpha * y[k-1::-1], k = len//2", vector(0, 1), lambda y: reversed_add(y, len(y) // 2)),
    "floyd": Workload("d = min(d, d[:, k:k+1] + d[k:k+1, :])", square_table(0, 1), floyd),
    "reshape_sum": Workload("x.T.reshape(-1, c).sum(axis=1), c straddles rows", reshape_inputs,
                            lambda x: x.T.reshape(-1, odd_width(x)).sum(axis=1), lambda x: (x.size // odd_width(x),)),
    "reshape_sum_even": Workload("x.T.reshape(-1, c).sum(axis=1), c half a row", reshape_even_inputs,
                                 lambda x: x.T.reshape(-1, even_width(x)).sum(axis=1), lambda x: (x.size // even_width(x),)),
    "hdiff": Workload("hdiff with limiter, 3-D", hdiff_inputs, hdiff, lambda u, coeff: coeff.shape),
    "pairwise": Workload("sqrt(((a[:,None,:]-b[None,:,:])**2).sum(-1)).sum(1)", lambda scale: [((square(POINTS, scale), 3), 0.0, 1.0)] * 2,
                         pairwise, lambda a, b: a.shape[:1]),
}


def numpy_plain():
    """Expressions as one writes them first."""
    def update(assign):
        def run(x):
            assign(x)
            return x
        return run

    def floyd_step(d):
        k = d.shape[0] // 3
        np.minimum(d, d[:, k:k + 1] + d[k:k + 1, :], out=d)

    def add_rows(d):
        d[1:] += d[:-1]

    def add_columns(m):
        m[:, :-1] += m[:, 1:]

    def transpose(x):
        x += x.T

    def reverse(a):
        a[::-1] = a

    def add_reversed(y, k):
        y[:k] += ALPHA * y[k - 1::-1]

    fns = {name: (lambda f: lambda *args: f(*args[:-1]))(w.reference) for name, w in WORKLOADS.items() if not w.update}
    fns |= {
        "add_transpose": update(transpose), "shift_add": update(add_rows), "shift_add_rows": update(add_rows),
        "shift_add_columns": update(add_columns), "reverse": update(reverse), "floyd": update(floyd_step),
        "reversed_add": update(lambda y: add_reversed(y, len(y))), "reversed_add_half": update(lambda y: add_reversed(y, len(y) // 2)),
    }
    return fns, {}


def numpy_out():
    """As one writes them where memory is short: `out=`, in-place operators, einsum for a sum of products."""
    def masked_row_sum(x, out):
        t = np.maximum(x, 0.0)
        return np.einsum("ij,ij->i", t, t, out=out)

    def variance(x, out):
        t = x - x.mean(0)
        np.einsum("ij,ij->j", t, t, out=out)
        out /= x.shape[0]
        return out

    def soft(x, out):
        np.subtract(x, x.max(axis=1, keepdims=True), out=out)
        np.exp(out, out=out)
        out /= out.sum(axis=1, keepdims=True)
        return out

    def standardize(x, out):
        np.subtract(x, x.mean(0), out=out)
        out /= np.sqrt(np.einsum("ij,ij->j", out, out) / x.shape[0])
        return out

    def diffuse(u, coeff, out):
        lap = 4.0 * u[:, 1:-1, 1:-1]
        for part in (u[:, 2:, 1:-1], u[:, :-2, 1:-1], u[:, 1:-1, 2:], u[:, 1:-1, :-2]):
            lap -= part
        flux = lap[:, 1:-1, 1:] - lap[:, 1:-1, :-1]
        slope = u[:, 2:-2, 2:-1] - u[:, 2:-2, 1:-2]
        slope *= flux
        flux[slope > 0] = 0.0
        np.subtract(flux[:, :, 1:], flux[:, :, :-1], out=out)
        del flux, slope
        flux = lap[:, 1:, 1:-1] - lap[:, :-1, 1:-1]
        del lap
        slope = u[:, 2:-1, 2:-2] - u[:, 1:-2, 2:-2]
        slope *= flux
        flux[slope > 0] = 0.0
        out += flux[:, 1:, :]
        out -= flux[:, :-1, :]
        out *= coeff
        np.subtract(u[:, 2:-2, 2:-2], out, out=out)
        return out

    def distances(a, b, out):
        total = np.subtract(a[:, None, 0], b[None, :, 0])
        total *= total
        part = np.empty_like(total)
        for axis in (1, 2):
            np.subtract(a[:, None, axis], b[None, :, axis], out=part)
            part *= part
            total += part
        np.sqrt(total, out=total)
        return total.sum(axis=1, out=out)

    # Where nothing can be saved by other words, the plain expression stands.
    plain, _ = numpy_plain()
    return plain | {"masked_row_sum": masked_row_sum, "variance": variance, "softmax": soft, "standardize": standardize,
                    "hdiff": diffuse, "pairwise": distances}, {}


def numexpr():
    """`evaluate` with `out=`. What it cannot say inside one expression (a reduction that is not outermost) is two calls."""
    import numexpr as ne
    ne.set_num_threads(1)

    def ev(text, out=None, **names):
        return ne.evaluate(text, local_dict=names, global_dict={}, out=out)

    def masked_row_sum(x, out):
        return ev("sum(where(x > 0, x*x, 0), axis=1)", x=x, out=out)

    def variance(x, out):
        mean = ev("sum(x, axis=0)", x=x) / x.shape[0]
        ev("sum((x - mean)**2, axis=0)", x=x, mean=mean, out=out)
        out /= x.shape[0]
        return out

    def soft(x, out):
        ev("exp(x - top)", x=x, top=ev("max(x, axis=1)", x=x)[:, None], out=out)
        return ev("e / total", e=out, total=ev("sum(e, axis=1)", e=out)[:, None], out=out)

    def standardize(x, out):
        mean = ev("sum(x, axis=0)", x=x) / x.shape[0]
        std = np.sqrt(ev("sum((x - mean)**2, axis=0)", x=x, mean=mean) / x.shape[0])
        return ev("(x - mean) / std", x=x, mean=mean, std=std, out=out)

    def update(text, target, source):
        """The update as it is written first, and with a copy of what is read while it is overwritten."""
        def first(x):
            ev(text, t=target(x), s=source(x), alpha=ALPHA, out=target(x))
            return x

        def careful(x):
            ev(text, t=target(x), s=source(x).copy(), alpha=ALPHA, out=target(x))
            return x
        return first, careful

    def floyd_step(d):
        k = d.shape[0] // 3
        ev("where(c + r < d, c + r, d)", d=d, c=d[:, k:k + 1], r=d[k:k + 1, :], out=d)
        return d

    def diffuse(u, coeff, out):
        lap = ev("4.0*c - (a + b + d + e)", c=u[:, 1:-1, 1:-1], a=u[:, 2:, 1:-1], b=u[:, :-2, 1:-1], d=u[:, 1:-1, 2:], e=u[:, 1:-1, :-2])
        limited = "where((l1 - l0)*(u1 - u0) > 0, 0.0, l1 - l0)"
        flx = ev(limited, l1=lap[:, 1:-1, 1:], l0=lap[:, 1:-1, :-1], u1=u[:, 2:-2, 2:-1], u0=u[:, 2:-2, 1:-2])
        fly = ev(limited, l1=lap[:, 1:, 1:-1], l0=lap[:, :-1, 1:-1], u1=u[:, 2:-1, 2:-2], u0=u[:, 1:-2, 2:-2])
        return ev("u - coeff*(x1 - x0 + y1 - y0)", u=u[:, 2:-2, 2:-2], coeff=coeff, x1=flx[:, :, 1:], x0=flx[:, :, :-1],
                  y1=fly[:, 1:, :], y0=fly[:, :-1, :], out=out)

    def distances(a, b, out):
        parts = {f"a{i}": a[:, i:i + 1] for i in range(3)} | {f"b{i}": b[:, i] for i in range(3)}
        return ev("sum(sqrt((a0 - b0)**2 + (a1 - b1)**2 + (a2 - b2)**2), axis=1)", out=out, **parts)

    updates = {
        "add_transpose": update("t + s", lambda x: x, lambda x: x.T),
        "shift_add": update("t + s", lambda d: d[1:], lambda d: d[:-1]),
        "shift_add_rows": update("t + s", lambda d: d[1:], lambda d: d[:-1]),
        "shift_add_columns": update("t + s", lambda m: m[:, :-1], lambda m: m[:, 1:]),
        "reverse": update("s", lambda a: a[::-1], lambda a: a),
        "reversed_add": update("t + alpha*s", lambda y: y, lambda y: y[::-1]),
        "reversed_add_half": update("t + alpha*s", lambda y: y[:len(y) // 2], lambda y: y[len(y) // 2 - 1::-1]),
    }
    # The reshapes are not here: numexpr has none, and sums a copy that NumPy made.
    fns = {"masked_row_sum": masked_row_sum, "variance": variance, "softmax": soft, "standardize": standardize, "hdiff": diffuse,
           "pairwise": distances, "floyd": floyd_step}
    return fns | {k: v[0] for k, v in updates.items()}, {k: v[1] for k, v in updates.items()}


def jax():
    """jit of the expressions; updates with `.at` and a donated argument. memory.py compiles ahead of time."""
    import jax.numpy as jnp

    def update(region, value):
        return lambda x: x.at[region(x)].add(value(x))

    return {
        "masked_row_sum": lambda x: jnp.where(x > 0, x * x, 0).sum(axis=1),
        "variance": lambda x: x.var(axis=0),
        "softmax": lambda x: softmax(x, jnp),
        "standardize": lambda x: (x - x.mean(0)) / x.std(0),
        "add_transpose": lambda x: x + x.T,
        "shift_add": update(lambda d: np.s_[1:], lambda d: d[:-1]),
        "shift_add_rows": update(lambda d: np.s_[1:], lambda d: d[:-1]),
        "shift_add_columns": update(lambda m: np.s_[:, :-1], lambda m: m[:, 1:]),
        "reverse": lambda a: a[::-1],
        "reversed_add": lambda y: y + ALPHA * y[::-1],
        "reversed_add_half": update(lambda y: np.s_[:len(y) // 2], lambda y: ALPHA * y[len(y) // 2 - 1::-1]),
        "floyd": lambda d: floyd(d, jnp),
        "reshape_sum": lambda x: x.T.reshape(-1, odd_width(x)).sum(axis=1),
        "reshape_sum_even": lambda x: x.T.reshape(-1, even_width(x)).sum(axis=1),
        "hdiff": lambda u, coeff: hdiff(u, coeff, jnp),
        "pairwise": lambda a, b: pairwise(a, b, jnp),
    }, {}


def peers():
    import memory_numba
    return {"numpy": numpy_plain, "numpy out=": numpy_out, "numexpr": numexpr, "numba": memory_numba.expressions,
            "numba loops": memory_numba.loops, "jax": jax}
