#!/usr/bin/env python3
"""NumPy's answers on float16, where they are exact or were computed in float32 and rounded.

    python halves.py > halves.txt

The committed halves.txt is the output under NumPy 2.4.6. A line is a name, then numbers in hexadecimal, in groups:

x                       the operands: bits of float16
binary NAME             bits of the results on all pairs of operands, the second one moving faster; 0 or 1 of comparisons
unary NAME              bits of the results on the operands
cast TYPE               bits of the operands converted to a type; only of those that are in its range
uncast TYPE             bits in that type | the float16 they are converted to
sum N / prod N / mean N / var N   bits of the elements | bits of the result
arange START STOP STEP  bits of the results
"""
import warnings

import numpy as np

warnings.simplefilter("ignore")
np.seterr(all="ignore")

VALUES = [
    0.0, -0.0, 1.0, -1.0, 0.5, -1.5, 2.5, 3.0, -7.0, 0.1, 5.96e-8, -5.96e-8, 3e-6, 6.097555e-5, 6.103516e-5, 2049.0, 1024.5, -1025.0,
    11.1, -17.4, 300.7, 65504.0, -65504.0, 65488.0, 256.5, 32768.0, 0.33325, 1e-4, np.inf, -np.inf, np.nan,
]
X = np.array(VALUES, np.float16)


def bits(x):
    x = np.ascontiguousarray(x)
    return " ".join(f"{int(k):x}" for k in x.reshape(-1).view(f"u{x.itemsize}"))


print("# NumPy", np.__version__)
print("x", bits(X))
a, b = X[:, None], X[None, :]
for name, f in {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "floor_div": np.floor_divide, "rem": np.remainder,
    "fmod": np.fmod, "min": np.minimum, "max": np.maximum, "eq": np.equal, "lt": np.less, "ge": np.greater_equal,
    "pow": np.power, "atan2": np.arctan2, "hypot": np.hypot,
}.items():
    print("binary", name, bits(f(a, b)))
for name, f in {
    "neg": np.negative, "abs": np.absolute, "sqrt": np.sqrt, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "rint": np.rint,
    "isnan": np.isnan, "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2, "log10": np.log10,
    "log1p": np.log1p, "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "cbrt": np.cbrt,
}.items():
    print("unary", name, bits(f(X)))
for name, code in {"bool": "?", "f32": "f4", "f64": "f8"}.items():
    print("cast", name, bits(X.astype(code)))
for name, code in {"i8": "i1", "u8": "u1", "i16": "i2", "u16": "u2", "i32": "i4", "u32": "u4", "i64": "i8", "u64": "u8"}.items():
    info = np.iinfo(code)
    fits = [v for v in X if np.isfinite(v) and info.min <= float(v) <= info.max]
    print("cast", name, bits(np.array(fits, np.float16)), "|", bits(np.array(fits, np.float16).astype(code)))
rng = np.random.default_rng(7)
ties = rng.integers(0, 0x7c00, 40).astype(np.uint16).view(np.float16)
for name, code in {"f32": "f4", "f64": "f8"}.items():
    above = np.nextafter(ties, np.float16(np.inf)).astype(code)
    middle = (ties.astype(code) + above) / 2
    wide = np.concatenate([middle, np.nextafter(middle, 0), np.nextafter(middle, np.inf).astype(code), -middle,
                           np.array([65519.996, 65520.0, 1e30, 2**-25, 1e-30, np.nan, np.inf], code)]).astype(code)
    print("uncast", name, bits(wide), "|", bits(wide.astype(np.float16)))
for name, code in {"bool": "?", "i8": "i1", "u8": "u1", "i16": "i2", "u16": "u2", "i32": "i4", "u32": "u4", "i64": "i8", "u64": "u8"}.items():
    if code == "?":
        whole = np.array([True, False])
    else:
        info = np.iinfo(code)
        some = [0, 1, 2047, 2049, 2051, 4098, 4102, 65503, 65519, 65520, 70000, info.max, info.max - 1, info.min, -1, -2049, -65519]
        whole = np.array([k for k in some if info.min <= k <= info.max], code)
    print("uncast", name, bits(whole), "|", bits(whole.astype(np.float16)))
for n in [0, 1, 2, 7, 8, 9, 64, 127, 128, 129, 136, 300, 1000, 5000]:
    x = (rng.standard_normal(n) * 3).astype(np.float16)
    print("sum", n, bits(x), "|", bits(np.sum(x)))
    if n:
        # Of more elements NumPy adds up the pieces of its buffer.
        print("mean", n, bits(x), "|", bits(np.mean(x)))
for n in [1, 5, 60]:
    x = np.full(n, 1.0009765625, np.float16)
    print("prod", n, bits(x), "|", bits(np.prod(x)))
for start, stop, step in [(0, 1, 0.1), (1, 70, 0.3), (-3, 3, 0.001), (2, -5, -0.7)]:
    print("arange", start, stop, step, bits(np.arange(start, stop, step, dtype=np.float16)))
