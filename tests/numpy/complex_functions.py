#!/usr/bin/env python3
"""Writes src/text/testdata/complex_functions.txt: functions of complex numbers, correctly rounded, and NumPy's special values.

    python complex_functions.py > ../../src/text/testdata/complex_functions.txt

Takes NumPy and gmpy2. The lines are those of complex.py. At numbers whose parts are finite the values are those of MPC, each part rounded; at others, and where
the exact value is not finite or has a part of zero, they are NumPy's. Points where C leaves the sign of a result open are left out.
"""
import itertools
import warnings

import gmpy2
import numpy as np
from gmpy2 import mpc, mpfr

warnings.simplefilter("ignore")
np.seterr(all="ignore")
rng = np.random.default_rng(11)
inf, nan = np.inf, np.nan


def circle(n):
    return np.exp(1j * rng.uniform(-np.pi, np.pi, n))


def either(n):
    return rng.choice([-1, 1], n)


general = [rng.standard_normal(60) + 1j * rng.standard_normal(60), 10 ** rng.uniform(-3, 3, 60) * circle(60), (1 + 10 ** rng.uniform(-12, -0.5, 60) * either(60)) * circle(60),
           10 ** rng.uniform(-20, 2, 40) * either(40) + 1j * 10 ** rng.uniform(-20, 2, 40) * either(40), rng.uniform(-720, 720, 40) + 1j * rng.uniform(-720, 720, 40),
           10 ** rng.uniform(-305, 305, 40) * circle(40)]
odd = [0.0, -0.0, 1.0, -1.5, inf, -inf, nan, 800.0, -800.0, 5e-324, 1.7e308]
special = [complex(a, b) for a, b in itertools.product(odd, odd)]
# An infinite part beside one that is infinite or NaN.
special = [z for z in special if not (np.isinf([z.real, z.imag]).any() and not np.isfinite([z.real, z.imag]).any())]
z = np.concatenate(general + [np.array(special)])

functions = {"exp": gmpy2.exp, "expm1": lambda w: gmpy2.exp(w) - 1, "log": gmpy2.log, "log2": lambda w: gmpy2.log(w) / gmpy2.log(mpfr(2)), "log10": gmpy2.log10,
             "log1p": lambda w: gmpy2.log(1 + w), "sqrt": gmpy2.sqrt, "sin": gmpy2.sin, "cos": gmpy2.cos, "tan": gmpy2.tan, "sinh": gmpy2.sinh, "cosh": gmpy2.cosh, "tanh": gmpy2.tanh,
             "asin": gmpy2.asin, "acos": gmpy2.acos, "atan": gmpy2.atan, "asinh": gmpy2.asinh, "acosh": gmpy2.acosh, "atanh": gmpy2.atanh}


def value(f, x, numpys):
    if not np.isfinite([x.real, x.imag]).all():
        return numpys
    w = f(mpc(x))
    parts = [float(w.real), float(w.imag)]
    return complex(*[e if np.isfinite(e) and e != 0 else n for e, n in zip(parts, [numpys.real, numpys.imag])])


def show(x):
    return f"c128[{len(x)}] | {' '.join(f'{float(e.real)!r},{float(e.imag)!r}' for e in x)}"


gmpy2.get_context().precision = 1500
print(f"# function => type and shape | elements at z, from MPC and NumPy {np.__version__}")
print(f"input z {show(z)}")
for name, f in functions.items():
    numpys = getattr(np, name)(z)
    # NumPy loses these: what is NaN there has a value.
    if name == "expm1":
        numpys = np.where(np.isfinite(z), numpys, np.exp(z) - 1)
        real = z.imag == 0
        numpys.real[real], numpys.imag[real] = np.expm1(z.real[real]), z.imag[real]
    print(f"{name} => {show(np.array([value(f, x, n) for x, n in zip(z.tolist(), numpys.tolist())]))}")
