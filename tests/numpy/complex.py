#!/usr/bin/env python3
"""Writes src/text/testdata/complex.txt: NumPy's answers on complex numbers.

    python complex.py > ../../src/text/testdata/complex.txt

The lines are those of elementwise.py; a complex element is its two parts with a comma between them. Programs are evaluated on NumPy's scalars,
element by element: its loops over arrays compute a product with a fused multiply-add where the CPU has one, its scalars never.
Those of the second list are evaluated on arrays.
"""
import itertools
import random
import warnings

import numpy as np

warnings.simplefilter("ignore")
np.seterr(all="ignore")
inf, nan = np.inf, np.nan
random.seed(7)
doubles = [0.0, -0.0, 1.0, -1.5, 0.1, 3.0, inf, -inf, nan, 5e-324, -1e-310, 2.2250738585072014e-308, 1e-200, -3e155, 1.7e308, -1.7976931348623157e308]
singles = [0.0, -0.0, 1.0, -1.5, 0.1, 3.0, inf, -inf, nan, 1.4e-45, -1e-40, 1.1754944e-38, 1e-25, -3e19, 3e38, -3.4028235e38]


def pairs(parts, count, dtype):
    numbers = list(itertools.product(parts, parts))
    chosen = [(a, b) for a in numbers[:36] for b in numbers[:4]]
    chosen += [(random.choice(numbers), random.choice(numbers)) for _ in range(count)]
    # Numbers without special parts.
    chosen += [((random.gauss(0, 1), random.gauss(0, 1)), (random.gauss(0, 1), random.gauss(0, 9))) for _ in range(150)]
    return [np.array([complex(*p[k]) for p in chosen], dtype) for k in range(2)]


zx, zy = pairs(doubles, 500, "c16")
cx, cy = pairs(singles, 500, "c8")
inputs = {"zx": zx, "zy": zy, "cx": cx, "cy": cy, "d": zx.real[:300].copy(), "f": cx.real[:300].copy(),
          "z3": zx[:300].copy(), "c3": cx[:300].copy(), "k": np.array([3, -2, 0, 7], "i4"), "w": np.array([3, -2, 0, 7], "i2"), "b": np.array([True, False, True, False]),
          "h": np.array([0.5, -2, 0, 65504], "f2"), "c4": cx[150:154].copy(), "z4": zx[150:154].copy(), "m": np.array([1 + 2j, -3.5 + 0.25j, 0.5j, 2 - 1j, 4, 0.125 - 8j], "c16").reshape(2, 3)}

programs = ["zx + zy", "zx - zy", "zx * zy", "zx / zy", "-zx", "negative(zx)", "zx == zy", "zx != zy", "equal(zx, zx)", "conj(zx)", "conjugate(zx)", "zx.conj()",
            "zx.real", "zx.imag", "real(zx)", "imag(zx)", "isnan(zx)", "isinf(zx)", "isfinite(zx)", "logical_not(zx)", "logical_and(zx, zy)", "zx.astype(bool)",
            "cx + cy", "cx - cy", "cx * cy", "cx / cy", "-cx", "cx == cy", "cx != cy", "conj(cx)", "cx.real", "cx.imag", "isnan(cx)", "cx.astype('c16')", "zx.astype('c8')",
            "positive(zx)", "add(zx, zy)", "d * z3", "f * z3", "f * c3", "true_divide(zx, zy)", "where(zx == zy, zx, zy)"]
arrays = ["d + z3", "z3 / d", "f - c3", "d + c3", "c3 + 2.5", "c3 * 2", "1 - z3", "c4 + k", "c4 + w", "z4 + k", "b + c4", "h * c4", "f + 1j", "h + 2j", "k - 1j", "b * 1j", "w * (1 - 2j)",
          "c4 == k", "z4 != b", "c3 == f", "where(b, 1j, h)", "where(b, c4, k)", "k.real", "k.imag", "f.imag", "real(f)", "conj(k)", "conj(b)", "f.conj()", "k.astype('c8')", "d.astype('c8')", "b.astype('c16')",
          "complex128(k)", "h.astype(complex)", "m.T", "m[::-1, 1:]", "m[:, None, 0]", "m.reshape(3, 2)", "m.ravel()[::2]", "broadcast_to(m, (2, 2, 3))", "m[0] + m", "m.T.reshape(2, 3)",
          "m.sum()", "m.sum(axis=0)", "m.mean(axis=1)", "m.any()", "m.all(axis=0)", "count_nonzero(m)", "trace(m)", "diff(m)", "concatenate((m, m[:1] * 2))", "stack((m[0], k[:3]))", "m.take([1, 0, -1], axis=1)",
          "m[[1, 0]]", "m[m.real > 0].sum()", "roll(m, 1, axis=1)", "pad(m, 1)", "tile(m[0], 2)", "zeros((2, 2), 'c8')", "full((3,), 1.5 - 2j)", "array([1, 2.5, 3j])", "eye(2, dtype=complex)",
          "outer(m[0], m[1])", "array_equal(m, m)", "(2 + 3j) * 1j + m[0]", "np.array([1, -1, 1j, -1j]).imag", "m.copy()", "z = m.copy(); z.real[0] = 7; z.imag[...] *= 2; result = z",
          "z = m.copy(); r = z.real; z[0, 0] = 9 - 9j; result = r", "z = m.copy(); z[0] += 1j; z[1, :2] = [5, 6]; result = z", "z = m.copy(); z[z.real > 1] = 0; result = z", "z = m.copy(); z += z[::-1]; result = z",
          "m ** 2", "m ** 1", "square(m)", "linspace(0, 1, 3, dtype='c16')", "arange(3, dtype=complex)", "isclose(m, m + 1e-9)", "isclose(m, 0.5j)", "np.complex64(m)", "nansum(m)", "flip(m)",
          "angle(k)", "angle(b)", "angle(w, deg=True)", "angle(array([1, -1, 1j, -1j, 2]))", "angle(array([1, -1, 1j, -1j, 2]), deg=True)", "var(m)", "std(m, axis=1)", "round(m, 1)", "round(m)", "nan_to_num(z3)", "nan_to_num(c3, nan=1.5, posinf=2.0, neginf=-3.0)", "reciprocal(z3)", "reciprocal(c3)"]
arrays += [f"{x} ** {n}" for x in ["z3", "c3"] for n in [0, 1, 3, 5, 7, 64, -1, -3, -5, -99]]


def show(x):
    x = np.asarray(x)
    name = "bool" if x.dtype == bool else f"{x.dtype.kind}{8 * x.dtype.itemsize}"
    if x.dtype.kind == "c":
        words = [f"{float(e.real)!r},{float(e.imag)!r}" for e in x.ravel()]
    elif x.dtype.kind == "f":
        words = [repr(float(e)) for e in x.ravel()]
    else:
        words = [str(int(e)) for e in x.ravel()]
    shape = ",".join(map(str, x.shape))
    return f"{name}[{shape}] | {' '.join(words)}"


names = {n: getattr(np, n) for n in dir(np) if not n.startswith("_")}
names |= {"np": np, "array": np.array, "bool": bool, "complex": complex}


def run(program, values):
    scope = names | values
    if ";" in program:
        exec(program, scope)
        return scope["result"]
    return eval(program, scope)


print(f"# program => type and shape | elements, recorded from NumPy {np.__version__} over the inputs below")
for name, x in inputs.items():
    print(f"input {name} {show(x)}")
for program in programs:
    long = [n for n in ["zx", "zy", "cx", "cy", "z3", "c3", "d", "f"] if n in program.split()[::2] or len(n) == 2 and n in program]
    out = [run(program, {n: inputs[n][k] for n in long}) for k in range(len(inputs[long[0]]))]
    text = program if ";" in program else f"result = {program}"
    print(f"{text} => {show(np.array(out))}")
for program in arrays:
    out = run(program, {n: x.copy() for n, x in inputs.items()})
    text = program if ";" in program else f"result = {program}"
    print(f"{text} => {show(out)}")
