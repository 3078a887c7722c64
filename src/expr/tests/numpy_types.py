"""Writes numpy_types.txt: NumPy's result type of every operation on every element type that both have.

    python numpy_types.py > numpy_types.txt

A type is its NumPy character (? b h i l B H I L e f d), an exception is T, V or O for
TypeError, ValueError, OverflowError. `binary`: one group per left type, one letter per right type. `weak`: one group per
array type, one letter per Python scalar in WEAK. `unary`: one letter per type.
"""
import operator
import warnings

import numpy as np

warnings.simplefilter("ignore")
TYPES = "?bhilBHILefd"
WEAK = [True, 2, 1, 0, -1, 300, 1 << 70, 0.5]
ARRAYS = {c: np.ones(3, c) for c in TYPES}
CONDITION = np.ones(3, "?")


def letter(f):
    try:
        return f().dtype.char
    except (TypeError, ValueError, OverflowError) as e:
        return next(kind for kind in (TypeError, ValueError, OverflowError) if isinstance(e, kind)).__name__[0]


def where(a, b):
    return np.where(CONDITION, a, b)


binary = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "floor_div": np.floor_divide,
    "rem": np.remainder, "fmod": np.fmod, "pow": operator.pow, "gcd": np.gcd, "lcm": np.lcm, "atan2": np.arctan2,
    "hypot": np.hypot, "logaddexp": np.logaddexp, "logaddexp2": np.logaddexp2, "min": np.minimum, "max": np.maximum,
    "fmin": np.fmin, "fmax": np.fmax, "copysign": np.copysign, "heaviside": np.heaviside, "nextafter": np.nextafter,
    "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor, "shl": np.left_shift, "shr": np.right_shift,
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "logical_and": np.logical_and, "logical_or": np.logical_or, "logical_xor": np.logical_xor, "where": where,
}
unary = {
    "neg": np.negative, "abs": np.absolute, "not": np.invert, "sqrt": np.sqrt, "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1,
    "log": np.log, "log2": np.log2, "log10": np.log10, "log1p": np.log1p, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "cbrt": np.cbrt, "erf": np.exp, "erfc": np.exp, "logistic": np.exp, "gamma": np.exp, "lgamma": np.exp,  # SciPy's, with the types of NumPy's functions
    "sinc": np.sinc,
    "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "rint": np.rint,
    "isnan": np.isnan, "spacing": np.spacing, "signbit": np.signbit, "logical_not": np.logical_not, "sum": np.sum, "prod": np.prod, "min": np.min, "max": np.max,
    "any": np.any, "all": np.all, "argmin": np.argmin, "argmax": np.argmax, "mean": np.mean,
}
# They are of float32 and wider here: halves are computed in float32, where other numbers are next to each other.
for table, name in [(binary, "nextafter"), (unary, "spacing")]:
    def wide(*operands, f=table[name]):
        if f(*operands).dtype == np.float16:
            raise TypeError
        return f(*operands)
    table[name] = wide
print("# NumPy", np.__version__)
for name, f in binary.items():
    print("binary", name, *["".join(letter(lambda: f(ARRAYS[a], ARRAYS[b])) for b in TYPES) for a in TYPES])
for name, f in binary.items():
    print("weak", name, *["".join(letter(lambda: f(ARRAYS[a], w)) for w in WEAK) for a in TYPES])
for name, f in binary.items():
    print("rweak", name, *["".join(letter(lambda: f(w, ARRAYS[a])) for w in WEAK) for a in TYPES])
for name, f in unary.items():
    if name in ("sum", "prod", "min", "max", "any", "all", "argmin", "argmax", "mean"):
        print("reduce", name, "".join(letter(lambda: f(ARRAYS[a])) for a in TYPES))
    else:
        print("unary", name, "".join(letter(lambda: f(ARRAYS[a])) for a in TYPES))
