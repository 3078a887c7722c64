#!/usr/bin/env python3
"""Random programs of elide's text language with NumPy's answers.

    python generate.py [--seed N] [--count N] [--max-elements N] > expressions.json

The committed expressions.json is the output without options under NumPy 2.4.6. The same seed gives the same programs;
other versions of NumPy or other machines may give other last bits of math functions.

A program is grown from the leaves: every node is evaluated by NumPy as soon as it is made, so that only programs are kept
that NumPy answers without an exception and in element types that elide has. In the end the whole text is run once more as
Python, and must give the same bytes as the nodes did (which would catch a forgotten parenthesis).

What is compared how
--------------------
Every node carries what NumPy's value says about elide's:

exact   the same bits (any NaN equals any NaN).
ulp     at most 4 representable values apart: a math function (exp, log, sin, cos, tanh, a floating-point power, arctan2) of
        exact operands, with moves, signs, minima and selections above it.
bound   every element has its own absolute error bound, carried from operand to operand by the usual first-order rules, one
        unit in the last place for each rounding. Sums are bounded so where NumPy's order is not the pairwise one of
        docs/semantics.md: n * eps * sum(|x|).

Operations through which an error could grow without limit (casts to integers, comparisons, floor, %, math functions) take
exact operands only. The open lines of docs/semantics.md are rejected by looking at the values: zeros of both signs meeting
in a minimum or maximum, casts to integers out of range, sums of nothing but -0.

The file
--------
{"numpy": version, "seed": n,
 "inputs": {name: [dtype, shape, hex]},        elements in C order, little-endian
 "cases": [{"text": program, "outputs": [[name, dtype, shape, class, hex], ...]}]}

where class is "exact", "ulp" or, for bound, the hex of one f32 per element (rounded up).
"""

import argparse
import json
import random
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
np.seterr(all="ignore")

DTYPES = [np.dtype(t) for t in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")]
NAMES = {d.char: d.name for d in DTYPES}
CODES = {d.char: "b1" if d.kind == "b" else d.str[1:] for d in DTYPES}
# The first letters of inputs.
LETTERS = dict(zip(DTYPES, "buvijklmnhfd"))
NAMESPACE = {name: getattr(np, name) for name in dir(np) if not name.startswith("_")} | {"np": np, "len": len}

# 1, vector lengths and their neighbours, pairwise blocks of 128, and extents that broadcast against each other.
SHAPES = [
    (), (), (1,), (0,), (2,), (3,), (5,), (7,), (7,), (8,), (15,), (16,), (17,), (31,), (33,), (64,), (100,), (129,), (257,), (1000,),
    (5, 7), (5, 7), (1, 7), (5, 1), (0, 7), (5, 0), (1, 1), (6, 6), (4, 16), (17, 33), (9, 130), (33, 8),
    (3, 5, 7), (3, 5, 7), (3, 1, 7), (1, 5, 1), (3, 5, 1), (2, 3, 0), (4, 4, 17), (2, 9, 16),
    (2, 3, 5, 7), (2, 1, 5, 1), (1, 1, 1, 1), (2, 3, 1, 7), (2, 2, 3, 17),
]


class Reject(Exception):
    """The node is left out: NumPy's answer says nothing about elide's, or is in a type that elide lacks."""


class Node:
    """A part of a program: text, how tightly it binds, NumPy's value, and what is known of elide's."""

    def __init__(self, text, bind, value, kind="exact", error=None):
        self.text, self.bind, self.value, self.kind, self.error = text, bind, value, kind, error

    @property
    def dtype(self):
        return np.asarray(self.value).dtype

    @property
    def shape(self):
        return np.shape(self.value)

    def bounds(self):
        """Absolute error bounds per element, of the value's shape."""
        if self.kind == "exact":
            return np.zeros(self.shape)
        if self.kind == "ulp":
            return finite_errors(self.value, 4 * spacing(self.value))
        return self.error


ATOM = 20
POSTFIX, POWER, UNARY = 19, 15, 14
BINDS = {"*": 13, "/": 13, "//": 13, "%": 13, "+": 12, "-": 12, "<<": 11, ">>": 11, "&": 10, "^": 9, "|": 8,
         "<": 7, "<=": 7, ">": 7, ">=": 7, "==": 7, "!=": 7}


def spacing(x):
    return np.abs(np.spacing(np.abs(np.asarray(x)))).astype("f8")


def finite_errors(value, error):
    """The errors, 0 where the value is not finite: there elide's value must be the same."""
    value = np.asarray(value)
    with np.errstate(all="ignore"):
        error = np.where(np.isfinite(value), error, 0.0)
        if not np.isfinite(error).all():
            raise Reject("bound is not finite")
        limit = float(np.finfo(value.dtype).max) / 4
        if ((error > 0) & (np.abs(value).astype("f8") > limit)).any():
            raise Reject("close to overflow")
    return error


def text_of(node, bind):
    return node.text if node.bind >= bind else f"({node.text})"


def negative_zero(x):
    return (x == 0) & np.signbit(x)


def check_zeros(a, b):
    """Rejects zeros of both signs meeting in a minimum or maximum."""
    if np.result_type(a, b).kind == "f":
        try:
            a, b = np.broadcast_arrays(a, b)
        except ValueError as e:
            raise Reject(str(e)) from e
        zero = (a == 0) & (b == 0)
        if (np.signbit(a.astype("f8"))[zero] != np.signbit(b.astype("f8"))[zero]).any():
            raise Reject("zeros of both signs")


def check_cast(x, dtype):
    """Rejects casts to integers out of range."""
    x = np.asarray(x)
    if x.dtype.kind == "f" and dtype.kind in "iu":
        info = np.iinfo(dtype)
        t = np.trunc(x.astype("f8"))
        if not (np.isfinite(t) & (t >= info.min) & (t < float(info.max) + 1)).all():
            raise Reject("cast out of range")


class Generator:
    def __init__(self, seed, max_elements):
        self.random = random.Random(seed)
        self.max_elements = max_elements
        self.inputs = {}
        self.leaves = []
        for k, shape in enumerate(SHAPES * 3):
            # Floats are what most programs are about.
            dtype = DTYPES[k % len(DTYPES)] if self.random.random() < 0.6 else self.random.choice(DTYPES[-2:])
            # Three digits, for f32 is a type.
            name = f"{LETTERS[dtype]}{k:03}"
            self.inputs[name] = self.array(dtype, shape)
            self.leaves.append(Node(name, ATOM, self.inputs[name]))

    # Values

    def array(self, dtype, shape):
        r, n = self.random, int(np.prod(shape))
        if dtype.kind == "b":
            data = [r.random() < r.choice((0.1, 0.5, 0.9)) for _ in range(n)]
        elif dtype.kind in "iu":
            info = np.iinfo(dtype)
            edges = [info.min, info.min + 1, info.max, info.max - 1, 0, 1, 2, max(info.min, -1)]
            any_ = lambda: r.randint(int(info.min), int(info.max))
            small = lambda: r.randint(max(int(info.min), -12), 12)
            mixed = lambda: r.choice((small, small, any_, lambda: r.choice(edges)))()
            pick = r.choice((small, small, any_, mixed, mixed))
            data = [int(pick()) for _ in range(n)]
        else:
            data = self.floats(n)
        return np.array(data, dtype=dtype).reshape(shape)

    def floats(self, n):
        r = self.random
        tiny, huge = r.choice(((1e-40, 3e38), (5e-324, 1.7e308), (1e-7, 1e7)))
        edges = [0.0, -0.0, np.nan, np.inf, -np.inf, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, tiny, -tiny, huge, -huge, 16777217.0, 2.0**53, np.pi]
        plain = lambda: r.gauss(0, 3)
        unit = lambda: r.random()
        eighths = lambda: r.randint(-512, 512) / 8
        wide = lambda: r.choice((-1, 1)) * 10 ** r.uniform(-8, 8)
        special = lambda: r.choice(edges)
        mixed = lambda: r.choice((plain, plain, eighths, wide, special))()
        pick = r.choice((plain, plain, unit, eighths, eighths, wide, mixed, mixed))
        return [pick() for _ in range(n)]

    # Nodes

    def make(self, text, bind, function, *operands, kind="exact", error=None):
        """A node that NumPy evaluates now."""
        try:
            value = function(*[o.value for o in operands])
        except (TypeError, ValueError, OverflowError, IndexError, ZeroDivisionError, MemoryError) as e:
            raise Reject(str(e)) from e
        array = np.asarray(value)
        if array.dtype not in DTYPES or not isinstance(value, (np.ndarray, np.generic)):
            raise Reject(f"the answer is {array.dtype}")
        if array.size > 3 * self.max_elements or array.ndim > 5:
            raise Reject("too large")
        return Node(text, bind, value, kind, error)

    def moved(self, text, bind, function, x):
        """A view, or another function that only moves elements."""
        node = self.make(text, bind, function, x, kind=x.kind)
        if x.kind == "bound":
            node.error = np.asarray(function(x.error))
        return node

    def literal(self, dtype):
        """A weak scalar: text and value."""
        r = self.random
        if dtype.kind in "iu" and r.random() < 0.8:
            low = 0 if dtype.kind == "u" else -9
            k = r.choice((r.randint(low, 9), r.randint(low, 9), 100, int(np.iinfo(dtype).max)))
            return str(k), k
        if dtype.kind == "b" and r.random() < 0.5:
            k = r.random() < 0.5
            return str(k), k
        if r.random() < 0.3:
            k = r.randint(-5, 9)
            return str(k), k
        return r.choice([("0.5", 0.5), ("1.5", 1.5), ("-2.25", -2.25), ("1e-3", 1e-3), ("3.0", 3.0), ("0.1", 0.1), ("-1e3", -1e3),
                         ("pi", np.pi), ("np.inf", np.inf), ("nan", np.nan), ("(1 / 3)", 1 / 3), ("2**10", 2**10), ("-(7 // 2)", -(7 // 2)),
                         ("1_000", 1000), ("0x1f", 31), ("-0.0", -0.0)])

    def scalar(self, dtype):
        text, value = self.literal(dtype)
        bind = UNARY if text.startswith("-") else POWER if "**" in text else ATOM
        return Node(text, bind, value)

    def leaf(self, shape=None, kinds=None):
        """An input or a name that was assigned; of a shape that broadcasts with `shape`, if there is one."""
        r = self.random
        fits = self.leaves
        if kinds:
            fits = [x for x in fits if x.dtype.kind in kinds]
        if shape is None:
            return r.choice(fits[-3:] if r.random() < 0.2 else fits)
        def broadcasts(x):
            try:
                return len(np.broadcast_shapes(x.shape, shape)) <= 4
            except ValueError:
                return False
        fits = [x for x in fits if broadcasts(x)]
        if not fits:
            raise Reject("nothing fits")
        full = [x for x in fits if x.shape == shape]
        return r.choice(full if full and r.random() < 0.7 else fits)

    def grow(self, depth, shape=None, kinds=None):
        """A random node; tries again where a part is rejected."""
        for _ in range(4):
            try:
                return self.attempt(depth, shape, kinds)
            except Reject:
                continue
        return self.leaf(shape, kinds)

    def attempt(self, depth, shape, kinds):
        r = self.random
        if depth <= 0 or r.random() < 0.08:
            node = self.leaf(shape, kinds)
            return self.view(node) if shape is None and r.random() < 0.35 else node
        if shape is not None:
            makers = [self.unary] * 2 + [self.binary] * 5 + [self.choice, self.cast, self.math, self.cut]
            node = r.choice(makers)(depth, shape)
        else:
            makers = ([self.unary] * 3 + [self.binary] * 8 + [self.choice] * 2 + [self.cast] + [self.math] * 2
                      + [self.reduction] * 3 + [self.views] * 5 + [self.neighbours, self.constructor])
            node = r.choice(makers)(depth, None)
        if kinds and node.dtype.kind not in kinds:
            raise Reject("another type was asked for")
        return node

    def exact(self, depth, shape=None, kinds=None):
        node = self.grow(depth, shape, kinds)
        return node if node.kind == "exact" else self.leaf_exact(shape, kinds)

    def leaf_exact(self, shape, kinds):
        for _ in range(20):
            node = self.leaf(shape, kinds)
            if node.kind == "exact":
                return node
        raise Reject("no exact leaf")

    def call(self, name, *arguments):
        prefix = "np." if self.random.random() < 0.3 else ""
        return f"{prefix}{name}({', '.join(arguments)})"

    def unary(self, depth, shape):
        r = self.random
        op = r.choice(["-", "-", "+", "~", "abs", "negative", "absolute", "invert", "sqrt", "floor", "ceil", "trunc", "rint", "round", "isnan",
                       "isinf", "isfinite", "square", "sign", "reciprocal", "logical_not", "positive", "deg2rad", "rad2deg", "fix"])
        x = self.grow(depth - 1, shape, {"~": "biu", "invert": "biu", "reciprocal": "f", "sqrt": "fi", "floor": "f"}.get(op))
        linear = {"-": np.negative, "+": np.positive, "abs": np.abs, "negative": np.negative, "absolute": np.abs, "positive": np.positive}
        function = linear.get(op) or (np.invert if op == "~" else NAMESPACE[op])
        if op in ("-", "+", "~"):
            text, bind = op + text_of(x, UNARY), UNARY
        elif op == "round" and r.random() < 0.5:
            text, bind = text_of(x, POSTFIX) + ".round()", POSTFIX
        else:
            text, bind = self.call(op, x.text), POSTFIX
        if x.kind != "exact" and op not in linear:
            raise Reject("needs an exact operand")
        node = self.make(text, bind, function, x, kind=x.kind)
        node.error = x.error
        return node

    def math(self, depth, shape):
        r = self.random
        op = r.choice(["exp", "log", "sin", "cos", "tanh", "**", "power", "arctan2"])
        x = self.exact(depth - 1, shape, "f" if r.random() < 0.8 else "fi")
        if op in ("**", "power", "arctan2"):
            y = self.exact(depth - 1, x.shape, "fi") if r.random() < 0.6 else self.scalar(np.dtype("f8"))
            if op == "**":
                node = self.make(f"{text_of(x, POSTFIX)}**{text_of(y, UNARY)}", POWER, lambda a, b: a**b, x, y, kind="ulp")
            else:
                node = self.make(self.call(op, x.text, y.text), POSTFIX, NAMESPACE[op], x, y, kind="ulp")
        else:
            node = self.make(self.call(op, x.text), POSTFIX, NAMESPACE[op], x, kind="ulp")
            if op in ("sin", "cos") and node.dtype.kind == "f":
                # Beyond, elide's reduction to a quarter turn loses digits (src/math/trig.rs).
                size = np.abs(np.asarray(x.value).astype("f8"))
                if (size[np.isfinite(size)] > (2.0**16 if node.dtype.char == "f" else 2.0**46)).any():
                    raise Reject("a large angle")
        if node.dtype.kind != "f":
            node.kind = "exact"
        return node

    def binary(self, depth, shape):
        r = self.random
        op = r.choice(["+", "-", "*", "/", "+", "-", "*", "/", "//", "%", "&", "|", "^", "<<", ">>", "**", "<", "<=", ">", ">=", "==", "!=", "fmod",
                       "minimum", "maximum", "logical_and", "logical_or", "logical_xor", "add", "subtract", "multiply", "divide",
                       "floor_divide", "remainder", "mod", "bitwise_and", "left_shift", "right_shift", "less", "not_equal", "greater_equal"])
        kinds = {"&": "biu", "|": "biu", "^": "biu", "<<": "iu", ">>": "iu", "**": "iu", "bitwise_and": "biu", "left_shift": "iu",
                 "right_shift": "iu"}.get(op)
        x = self.grow(depth - 1, shape, kinds)
        if op == "**":
            # Of integers: a literal exponent, or exponents that are not negative.
            y = self.scalar(np.dtype("u1")) if r.random() < 0.5 else self.exact(0, x.shape, "u")
        elif r.random() < 0.3:
            y = self.scalar(x.dtype)
            if isinstance(y.value, float) and x.dtype.kind == "f" and not np.isfinite(np.asarray(y.value, x.dtype)) and abs(y.value) < 1e300:
                raise Reject("literal overflows")
        else:
            y = self.grow(depth - 1 - r.randint(0, 1), x.shape, kinds)
        if shape is None and r.random() < 0.3:
            x, y = y, x
            if not isinstance(x.value, (np.ndarray, np.generic)) and not isinstance(y.value, (np.ndarray, np.generic)):
                raise Reject("no array")
        return self.combine(op, x, y)

    SYMBOLS = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}

    def combine(self, op, x, y):
        if op in BINDS:
            bind = BINDS[op]
            # Comparisons do not chain; the others are left-associative.
            left = bind + 1 if bind == 7 else bind
            text = f"{text_of(x, left)} {op} {text_of(y, bind + 1)}"
            function = eval(f"lambda a, b: a {op} b")
        elif op == "**":
            text, bind, function = f"{text_of(x, POSTFIX)}**{text_of(y, UNARY)}", POWER, lambda a, b: a**b
        else:
            text, bind, function = self.call(op, x.text, y.text), POSTFIX, NAMESPACE[op]
        node = self.make(text, bind, function, x, y)
        if op in ("minimum", "maximum"):
            check_zeros(x.value, y.value)
        if op == "**" and node.dtype.kind == "f":
            node.kind = "ulp"
        if x.kind == y.kind == "exact":
            return node
        if node.dtype.kind != "f":
            raise Reject("needs exact operands")
        if op in ("minimum", "maximum") and node.dtype == x.dtype and "bound" not in (x.kind, y.kind):
            if np.result_type(x.value, y.value) == node.dtype:
                node.kind = "ulp"
                return node
        a, b = (np.abs(np.asarray(v.value).astype("f8")) for v in (x, y))
        ea, eb = x.bounds(), y.bounds()
        # An operand that is converted to f32 is a weak scalar, and exact; other conversions lose nothing but from i64, which is exact too.
        if op in ("minimum", "maximum"):
            error = np.maximum(ea, eb)
        elif op in ("+", "-", "add", "subtract"):
            error = ea + eb + spacing(node.value)
        elif op in ("*", "multiply"):
            error = a * eb + b * ea + ea * eb + 2 * spacing(node.value)
        elif op in ("/", "divide") and y.kind == "exact":
            error = ea / np.where(b == 0, 1, b) + 2 * spacing(node.value)
            if ((b == 0) & (ea > 0)).any():
                raise Reject("an inexact value over zero")
        else:
            raise Reject("needs exact operands")
        for v, e in ((x, ea), (y, eb)):
            if (~np.isfinite(np.asarray(v.value).astype("f8")) & (np.asarray(e) > 0)).any():
                raise Reject("not finite")
        # A product of an infinity with something that may be 0 or of either sign.
        for e, v, other in ((ea, a, b), (eb, b, a)):
            if ((e > 0) & (v <= 2 * e) & ~np.isfinite(other)).any():
                raise Reject("an inexact zero beside an infinity")
        node.kind, node.error = "bound", finite_errors(node.value, np.broadcast_to(error, node.shape))
        return node

    def choice(self, depth, shape):
        """where and clip"""
        r = self.random
        if r.random() < 0.65:
            x = self.grow(depth - 1, shape)
            c = self.exact(depth - 1, x.shape, "b" if r.random() < 0.8 else "iuf")
            y = self.scalar(x.dtype) if r.random() < 0.4 else self.grow(depth - 2, x.shape)
            if r.random() < 0.3:
                x, y = y, x
            node = self.make(self.call("where", c.text, x.text, y.text), POSTFIX, np.where, c, x, y)
            return self.selected(node, lambda a, b: np.where(c.value, a, b), x, y)
        x = self.exact(depth - 1, shape, "iuf")
        low, high = (self.scalar(x.dtype) if r.random() < 0.6 else self.exact(depth - 2, x.shape, "iuf") for _ in range(2))
        form = r.randint(0, 4)
        for bound in (low, high):
            check_zeros(x.value, bound.value)
        check_zeros(low.value, high.value)
        if form == 0:
            return self.make(self.call("clip", x.text, low.text, high.text), POSTFIX, np.clip, x, low, high)
        if form == 1:
            return self.make(f"{text_of(x, POSTFIX)}.clip({low.text}, {high.text})", POSTFIX, np.clip, x, low, high)
        if form == 2:
            return self.make(f"{text_of(x, POSTFIX)}.clip(min={low.text})", POSTFIX, lambda a, b: np.clip(a, b, None), x, low)
        if form == 3:
            return self.make(self.call("clip", x.text, "None", high.text), POSTFIX, lambda a, b: np.clip(a, None, b), x, high)
        return self.make(self.call("minimum", self.call("maximum", x.text, low.text), high.text), POSTFIX,
                         lambda a, b, c: np.minimum(np.maximum(a, b), c), x, low, high)

    def selected(self, node, function, x, y):
        if x.kind == y.kind == "exact":
            return node
        if any(v.kind != "exact" and v.dtype != node.dtype for v in (x, y)) or "bound" in (x.kind, y.kind):
            # Elements of the other operand that are rounded by a conversion are rounded alike on both sides.
            node.kind, node.error = "bound", finite_errors(node.value, function(x.bounds(), y.bounds()))
        else:
            node.kind = "ulp"
        return node

    def cast(self, depth, shape):
        r = self.random
        x = self.grow(depth - 1, shape)
        dtype = r.choice(DTYPES)
        name = NAMES[dtype.char]
        if r.random() < 0.4 and name != "bool":
            name = "np." + name
        if r.random() < 0.2:
            # Not 'i8' and its like: elide refuses codes that mean another type in Rust.
            name = f"'{NAMES[dtype.char]}'"
        form = r.randint(0, 3)
        text = (self.call("asarray", x.text, f"dtype={name}") if form == 0 else
                f"{NAMES[dtype.char] if dtype.kind != 'b' else 'np.bool'}({x.text})" if form == 1 else f"{text_of(x, POSTFIX)}.astype({name})")
        check_cast(x.value, dtype)
        if x.kind != "exact" and dtype.kind != "f":
            raise Reject("needs an exact operand")
        node = self.make(text, POSTFIX, lambda a: np.asarray(a).astype(dtype)[()], x)
        if x.kind != "exact":
            if dtype == x.dtype:
                node.kind, node.error = x.kind, x.error
            else:
                node.kind, node.error = "bound", finite_errors(node.value, x.bounds() + spacing(node.value))
                if (np.isinf(np.asarray(node.value)) & np.isfinite(np.asarray(x.value))).any():
                    raise Reject("overflow")
        return node

    # Views

    def views(self, depth, shape):
        x = self.grow(depth - 1)
        for _ in range(self.random.choice((1, 1, 2, 3))):
            x = self.view(x)
        return x

    def slice_text(self, n):
        r = self.random
        bound = lambda: r.choice(("", "", str(r.randint(-n - 2, n + 2)), str(r.randint(0, n // 2 + 1))))
        step = r.choice(("", "", "", "", ":2", ":3", ":-1", ":-1", ":-2", ":1"))
        return f"{bound()}:{bound()}{step}"

    def view(self, x):
        r, n = self.random, len(x.shape)
        forms = ["index", "index", "index", "T", "reshape", "ravel", "flip", "expand_dims", "squeeze", "broadcast_to", "None"]
        if n >= 1:
            forms += ["index", "flip", "flipud"]
        if n >= 2:
            forms += ["transpose", "swapaxes", "moveaxis", "diagonal", "mT", "fliplr", "transpose"]
        form = r.choice(forms)
        head = text_of(x, POSTFIX)
        method = lambda text: (f"{head}{text}", POSTFIX)
        axis = lambda: r.randint(-n, n - 1)
        if form in ("index", "None"):
            parts = []
            for size in x.shape[: r.randint(0, n)] if form == "index" else x.shape[:1]:
                parts.append(str(r.randint(-size, size - 1)) if size and r.random() < 0.25 else self.slice_text(size))
            if r.random() < (0.25 if form == "index" else 1):
                parts.insert(r.randint(0, len(parts)), r.choice(("None", "None", "np.newaxis")))
            if r.random() < 0.15 or not parts:
                parts.insert(r.randint(0, len(parts)), "...")
            text, bind = method(f"[{', '.join(parts)}]")
            index = eval(f"np.s_[{', '.join(parts)}]")
            function = lambda a: a[index]
        elif form in ("T", "mT"):
            (text, bind), function = method("." + form), lambda a: getattr(a, form)
        elif form == "transpose":
            axes = list(range(n))
            r.shuffle(axes)
            listed = ", ".join(map(str, axes))
            text, bind = method(f".transpose({listed})") if r.random() < 0.5 else (self.call("transpose", x.text, f"({listed})"), POSTFIX)
            function = lambda a: np.transpose(a, axes)
        elif form == "swapaxes":
            i, j = axis(), axis()
            (text, bind), function = method(f".swapaxes({i}, {j})"), lambda a: np.swapaxes(a, i, j)
        elif form == "moveaxis":
            i, j = axis(), axis()
            text, bind, function = self.call("moveaxis", x.text, str(i), str(j)), POSTFIX, lambda a: np.moveaxis(a, i, j)
        elif form == "diagonal":
            i, j = r.sample(range(n), 2)
            k = r.randint(-2, 2)
            (text, bind), function = method(f".diagonal({k}, {i}, {j})"), lambda a: np.asarray(a).diagonal(k, i, j)
        elif form in ("flipud", "fliplr"):
            text, bind, function = self.call(form, x.text), POSTFIX, NAMESPACE[form]
        elif form == "flip":
            if n and r.random() < 0.6:
                k = axis()
                text, function = self.call("flip", x.text, r.choice(("", "axis=")) + str(k)), lambda a: np.flip(a, k)
            else:
                text, function = self.call("flip", x.text), np.flip
            bind = POSTFIX
        elif form == "ravel":
            (text, bind), function = method(r.choice((".ravel()", ".flatten()", ".reshape(-1)"))), lambda a: np.asarray(a).ravel()
        elif form == "reshape":
            target = self.reshaped(x.shape)
            listed = ", ".join(map(str, target))
            text, bind = method(f".reshape({listed})" if r.random() < 0.5 and target else f".reshape(({listed}{',' if len(target) == 1 else ''}))")
            function = lambda a: np.reshape(a, target)
        elif form == "expand_dims":
            k = r.randint(-n - 1, n)
            text, bind, function = self.call("expand_dims", x.text, str(k)), POSTFIX, lambda a: np.expand_dims(a, k)
        elif form == "squeeze":
            ones = [k for k in range(n) if x.shape[k] == 1]
            if ones and r.random() < 0.5:
                k = r.choice(ones)
                text, function = self.call("squeeze", x.text, str(k)), lambda a: np.squeeze(a, k)
            else:
                text, function = f"{head}.squeeze()", np.squeeze
            bind = POSTFIX
        else:
            target = tuple(r.choice((1, 2, 3, 5)) if size == 1 else size for size in x.shape)
            target = (r.randint(1, 3),) * r.randint(0, 1) + target
            text, bind = self.call("broadcast_to", x.text, str(target)), POSTFIX
            function = lambda a: np.broadcast_to(a, target)
        return self.moved(text, bind, function, x)

    def reshaped(self, shape):
        r, size = self.random, int(np.prod(shape))
        if size == 0:
            return r.choice([shape[::-1], (0,), (0, 3), (2, 0)])
        target, rest = [], size
        while rest > 1 and len(target) < 3:
            divisors = [d for d in range(1, min(rest, 64) + 1) if rest % d == 0]
            target.append(r.choice(divisors))
            rest //= target[-1]
        if rest > 1 or not target:
            target.append(rest)
        r.shuffle(target)
        if r.random() < 0.4:
            target[r.randrange(len(target))] = -1
        return tuple(target)

    def cut(self, depth, shape):
        """A larger array cut to a shape."""
        r = self.random
        fits = [x for x in self.leaves if len(x.shape) == len(shape) > 0 and all(a >= b for a, b in zip(x.shape, shape)) and x.shape != shape]
        if not fits:
            raise Reject("nothing to cut")
        x, parts = r.choice(fits), []
        for size, want in zip(x.shape, shape):
            step = r.choice((1, 1, 2, 3, -1))
            need = (want - 1) * abs(step) + 1 if want else 0
            if need > size:
                step, need = 1, want
            at = r.randint(0, size - need)
            if step > 0:
                parts.append(f"{at}:{at + need}" + (f":{step}" if step > 1 else ""))
            else:
                last = at + need - 1
                parts.append(f"{last}:{at - 1 if at else ''}:-1" if want else "0:0:-1")
        text = f"{x.text}[{', '.join(parts)}]"
        index = eval(f"np.s_[{', '.join(parts)}]")
        return self.moved(text, POSTFIX, lambda a: a[index], x)

    def neighbours(self, depth, shape):
        """Differences and means of neighbours: the same array under several slices."""
        r = self.random
        x = self.leaf()
        n = len(x.shape)
        if n == 0 or x.kind == "bound":
            raise Reject("no neighbours")
        if r.random() < 0.3:
            if x.kind != "exact":
                raise Reject("needs an exact operand")
            times, axis = r.randint(0, 3), r.randint(-n, n - 1)
            return self.make(self.call("diff", x.text, str(times), f"axis={axis}"), POSTFIX, lambda a: np.diff(a, times, axis), x)
        axis = r.randrange(n)
        lead = ":, " * axis
        parts = []
        for piece in r.choice((("1:", ":-1"), ("2:", ":-2", "1:-1"), ("::2", "::-2"), (":", "::-1"))):
            index = eval(f"np.s_[{lead}{piece}]")
            parts.append(self.moved(f"{x.text}[{lead}{piece}]", POSTFIX, lambda a, index=index: a[index], x))
        node = parts[0]
        for part in parts[1:]:
            node = self.combine(r.choice(("+", "-", "*", "maximum", "<") if node.kind == "exact" else ("+", "-", "*")), node, part)
        return node

    def constructor(self, depth, shape):
        r = self.random
        x = self.leaf()
        listed = str(tuple(x.shape))
        name = NAMES[r.choice(DTYPES).char]
        dtype = np.dtype(name)
        typed = r.random() < 0.5
        suffix = (f"dtype={name}",) if typed else ()
        form = r.choice(("zeros_like", "ones_like", "full_like", "zeros", "ones", "full", "size"))
        if form in ("zeros_like", "ones_like"):
            made = self.make(self.call(form, x.text, *suffix), POSTFIX, lambda a: NAMESPACE[form](a, dtype=dtype if typed else None), x)
        elif form in ("zeros", "ones"):
            made = self.make(self.call(form, listed, *suffix), POSTFIX, lambda: NAMESPACE[form](x.shape, dtype=dtype if typed else float))
        elif form == "size":
            made = self.make(f"{x.text}.size", POSTFIX, lambda a: np.int64(a.size), x)
            # Python's int: weak, as the extents of a shape are.
            made.value = x.value.size
        else:
            text, value = self.literal(dtype if typed else x.dtype)
            result = dtype if typed else x.dtype if form == "full_like" else np.asarray(value).dtype
            check_cast(value, result)
            if isinstance(value, int) and result.kind in "iu" and not np.iinfo(result).min <= value <= np.iinfo(result).max:
                raise Reject("out of range")
            if form == "full":
                made = self.make(self.call("full", listed, text, *suffix), POSTFIX, lambda: np.full(x.shape, value, dtype=dtype if typed else None))
            else:
                made = self.make(self.call("full_like", x.text, text, *suffix), POSTFIX, lambda a: np.full_like(a, value, dtype=dtype if typed else None), x)
        y = self.grow(depth - 1, x.shape)
        return self.combine(r.choice(("+", "*", "-", "==", "/")), made, y)

    # Reductions

    def reduction(self, depth, shape):
        r = self.random
        op = r.choice(["sum", "sum", "sum", "sum", "prod", "prod", "min", "max", "min", "max", "any", "all", "argmin", "argmax", "mean", "mean", "var", "std",
                       "count_nonzero", "ptp", "trace"])
        if op in ("sum", "mean", "prod"):
            x = self.grow(depth - 1)
        else:
            x = self.exact(depth - 1)
        n = len(x.shape)
        if op == "trace":
            return self.trace(x)
        arguments, axis = [], None
        if r.random() < 0.7 and n:
            axis = r.randint(-n, n - 1)
            if op not in ("argmin", "argmax") and r.random() < 0.3:
                axis = tuple(r.sample(range(n), r.randint(0, n)))
            arguments.append(f"axis={axis}" if r.random() < 0.7 else str(axis))
        keepdims = r.random() < 0.25
        options = {}
        if keepdims:
            arguments.append("keepdims=True")
            options["keepdims"] = True
        if op in ("sum", "mean", "prod") and r.random() < 0.15:
            dtype = r.choice(DTYPES[1:] if op != "mean" else DTYPES[-2:])
            if x.kind == "exact" and not (np.asarray(x.value).dtype.kind == "f" and dtype.kind != "f"):
                arguments.append(f"dtype={NAMES[dtype.char]}")
                options["dtype"] = dtype
        if op in ("var", "std") and r.random() < 0.4:
            options["ddof"] = r.randint(0, 2)
            arguments.append(f"ddof={options['ddof']}")
        method = op not in ("count_nonzero", "ptp") and r.random() < 0.6
        text = f"{text_of(x, POSTFIX)}.{op}({', '.join(arguments)})" if method else self.call(op, x.text, *arguments)
        if not method:
            pass
        elif not isinstance(x.value, np.ndarray) and axis == ():
            raise Reject("a NumPy scalar takes no empty tuple")
        function = NAMESPACE[op]
        node = self.make(text, POSTFIX, lambda a: function(a, axis=axis, **options), x)
        if op in ("var", "std") and node.dtype.char == "e":
            raise Reject("several steps, each in float16")
        axes = tuple(range(n)) if axis is None else tuple(a % n for a in np.atleast_1d(np.asarray(axis, int)))
        a = np.asarray(x.value)
        if op in ("min", "max", "ptp") and a.dtype.kind == "f":
            zeros = a == 0
            signs = [np.any(zeros & (np.signbit(a) == s), axis=axes) for s in (False, True)]
            if (signs[0] & signs[1]).any():
                raise Reject("zeros of both signs")
        if op in ("sum", "mean", "prod", "var", "std"):
            self.rounding(node, x, op, axes, options)
        return node

    def trace(self, x):
        r, n = self.random, len(x.shape)
        if n < 2:
            raise Reject("no diagonal")
        i, j = r.sample(range(n), 2)
        k = r.randint(-2, 2)
        node = self.make(f"{text_of(x, POSTFIX)}.trace({k}, {i}, {j})", POSTFIX, lambda a: np.trace(a, k, i, j), x)
        diagonal = Node("", ATOM, np.diagonal(x.value, k, i, j))
        self.rounding(node, diagonal, "sum", (n - 2,), {})
        return node

    def rounding(self, node, x, op, axes, options):
        """Whether a floating-point reduction is exact, or its bounds."""
        a = np.asarray(x.value)
        if node.dtype.kind != "f":
            return
        keep = options.get("keepdims", False)
        work = node.dtype
        total = lambda v: np.sum(v, axis=axes, keepdims=keep, dtype="f8")
        n = int(np.prod([a.shape[k] for k in axes]))
        # A sum of nothing but -0.
        if op != "prod" and a.dtype.kind == "f" and n and np.all(negative_zero(a), axis=axes).any():
            raise Reject("a sum of -0")
        finite = np.where(np.isfinite(a), a, 0).astype("f8")
        size = total(np.abs(finite))
        limit = float(np.finfo(work).max)
        wide = a.astype(work)
        if x.kind == "exact":
            if op in ("var", "std"):
                # The mean, the distances from it, and their squares: the distances are laid out in C order where `a` is.
                if self.same_order(wide, axes, "sum"):
                    return
            elif self.same_order(wide, axes, op):
                return
            # Multiples of 1/1024 whose sums all fit are exact in any order.
            scaled = finite * 1024
            if op in ("sum", "mean") and (scaled == np.rint(scaled)).all() and (size * 1024 < 2.0 ** (np.finfo(work).nmant - 1)).all():
                return
        if not np.all(np.isfinite(a)):
            raise Reject("not finite, in an order that is not defined")
        eps, errors = float(np.finfo(work).eps), x.bounds()
        if (size > limit / 8).any():
            raise Reject("close to overflow")
        if op in ("sum", "mean"):
            error = total(errors) + (n + 2) * eps * size
            if op == "mean":
                error = error / max(n, 1) + 2 * spacing(node.value)
        elif op == "prod":
            with np.errstate(all="ignore"):
                magnitude = np.abs(finite) + errors
                big = np.prod(np.maximum(magnitude, 1), axis=axes, keepdims=keep)
                small = np.prod(np.where(finite == 0, 1, np.minimum(np.abs(finite), 1)), axis=axes, keepdims=keep)
                if (big > limit / 8).any() or (small < float(np.finfo(work).tiny) * 8).any():
                    raise Reject("close to overflow or underflow")
                relative = total(np.where(finite == 0, 0, errors / np.where(finite == 0, 1, np.abs(finite))))
                if (relative > 0.01).any() or ((finite == 0) & (errors > 0)).any():
                    raise Reject("no bound")
                error = np.abs(np.asarray(node.value).astype("f8")) * (relative * 1.01 + 2 * (n + 1) * eps)
        else:
            if x.kind != "exact" or a.size == 0:
                raise Reject("needs an exact operand")
            m = np.abs(finite).max()
            if m > float(np.sqrt(limit)) / 1e6:
                raise Reject("close to overflow")
            divisor = max(n - options.get("ddof", 0), 0)
            if divisor == 0:
                raise Reject("no bound")
            variance = np.asarray(np.var(a.astype("f8"), axis=axes, keepdims=keep, ddof=options.get("ddof", 0)))
            drift = 2 * (n + 4) * eps * m
            error = 2 * (n + 8) * eps * variance + n / divisor * (2 * np.sqrt(variance) * drift + drift**2)
            if op == "std":
                if (variance < 100 * error).any():
                    raise Reject("no bound")
                error = error / np.sqrt(variance) + 2 * spacing(node.value)
        node.kind, node.error = "bound", finite_errors(node.value, np.broadcast_to(error, node.shape))

    @staticmethod
    def same_order(a, axes, op):
        """Whether NumPy reduces this array in the order of docs/semantics.md."""
        long = [k for k in axes if a.shape[k] != 1]
        n = int(np.prod([a.shape[k] for k in axes]))
        if n <= 2:
            return True
        forward = all(a.strides[k] > 0 for k in long)
        # Below 8 elements both orders are the sequential one.
        if len(long) == 1 and forward and n < 8:
            return True
        if op == "prod":
            return False
        trailing = sorted(long) == list(range(a.ndim - len(long), a.ndim))
        if trailing and a.flags.c_contiguous and (len(long) == 1 or len(long) == a.ndim):
            return True
        return a.ndim == 1 and forward

    # Programs

    def program(self):
        r = self.random
        leaves, self.leaves = self.leaves, list(self.leaves)
        try:
            statements, temporaries = [], []
            for k in range(r.choice((0, 0, 0, 0, 0, 0, 1, 1, 2, 3))):
                node = self.grow(r.randint(1, 3))
                name = f"t{k}"
                statements.append(f"{name} = {node.text}")
                if not isinstance(node.value, (np.ndarray, np.generic)):
                    raise Reject("no array")
                named = Node(name, ATOM, node.value, node.kind, node.error)
                temporaries.append(named)
                self.leaves += [named] * 25
            node = self.grow(r.choice((1, 2, 2, 3, 3, 4, 5)))
            for named in temporaries:
                if named.text not in node.text and all(named.text not in s.split("= ", 1)[1] for s in statements):
                    raise Reject("an assigned name is not used")
        finally:
            self.leaves = leaves
        outputs = [("result", node)]
        if r.random() < 0.4:
            outputs = [(t.text, t) for t in temporaries] + outputs
        last = node.text
        if r.random() < 0.15:
            last = f"y = {last}"
            outputs[-1] = ("y", node)
        text = r.choice(("; ", "\n", "  # t\n")).join(statements + [last])
        if len(text) > 600 or node.text in self.inputs or not any(name in text for name in self.inputs):
            raise Reject("trivial or too long")
        for _, out in outputs:
            if np.size(out.value) > self.max_elements and r.random() < 0.9 or np.size(out.value) > 3 * self.max_elements:
                raise Reject("too large")
            if np.size(out.value) == 0 and r.random() < 0.7:
                raise Reject("too often empty")
            if not isinstance(out.value, (np.ndarray, np.generic)):
                raise Reject("no array")
        self.check(statements, last, outputs)
        return text, outputs

    def check(self, statements, last, outputs):
        """The text as a whole has the value of its node."""
        names = NAMESPACE | self.inputs
        for s in statements:
            exec(s, names)
        expression = last.removeprefix("y = ")
        names[outputs[-1][0]] = eval(expression, names)
        for name, node in outputs:
            a, b = np.asarray(names[name]), np.asarray(node.value)
            same = a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
            if not same and node.kind == "exact":
                raise AssertionError(f"{name} in {statements} {last}: {a!r} is not {b!r}")


def hex_of(x):
    x = np.ascontiguousarray(x)
    return x.astype(x.dtype.newbyteorder("<")).tobytes().hex()


def record(name, node):
    value = np.asarray(node.value)
    kind = node.kind
    if kind == "bound":
        if not node.error.any():
            kind = "exact"
        else:
            kind = hex_of(np.nextafter(np.asarray(node.error).astype("f4"), np.float32(np.inf)))
    return [name, CODES[value.dtype.char], list(value.shape), kind, hex_of(value)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--max-elements", type=int, default=130)
    options = parser.parse_args()
    generator = Generator(options.seed, options.max_elements)
    cases, seen = [], set()
    while len(cases) < options.count:
        try:
            text, outputs = generator.program()
            if text in seen:
                continue
            seen.add(text)
            cases.append({"text": text, "outputs": [record(name, node) for name, node in outputs]})
        except Reject:
            continue
    used = " ".join(c["text"] for c in cases)
    inputs = {k: [CODES[v.dtype.char], list(v.shape), hex_of(v)] for k, v in generator.inputs.items() if k in used}
    out = sys.stdout
    out.write(f'{{"numpy": "{np.__version__}", "seed": {options.seed},\n"inputs": {{\n')
    out.write(",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in inputs.items()))
    out.write('\n},\n"cases": [\n')
    out.write(",\n".join(json.dumps(c) for c in cases))
    out.write("\n]}\n")
    kinds = [o[3] if o[3] in ("exact", "ulp") else "bound" for c in cases for o in c["outputs"]]
    print({k: kinds.count(k) for k in ("exact", "ulp", "bound")}, file=sys.stderr)


if __name__ == "__main__":
    main()
