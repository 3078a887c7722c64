#!/usr/bin/env python3
"""Writes src/text/testdata/elementwise.txt: NumPy's answers of functions of elements where implementations go wrong.

    python elementwise.py > ../../src/text/testdata/elementwise.txt

A line is a program whose name `result` is looked at, then the type, the shape and the elements of that. Elements are equal to
the bit, signs of zeros too; a NaN is any NaN.
"""
import warnings

import numpy as np

warnings.simplefilter("ignore")
np.seterr(all="ignore")
inf, nan = np.inf, np.nan
tiny, most = 5e-324, 1.7976931348623157e308
single, largest = float(np.float32(1.4e-45)), float(np.finfo("f4").max)
f8 = np.array([0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 0.5, -1.5, 1e300, most, -most, tiny, -tiny, 2.2250738585072014e-308, inf, -inf, nan])
f4 = np.array([0, -0.0, 1, -1, 2.5, -2.5, 0.5, 16777217, 3e38, largest, -largest, single, -single, 1.1754944e-38, inf, -inf, nan], "f4")
x, y = (a.ravel() for a in np.meshgrid(f8, f8))
u, v = (a.ravel() for a in np.meshgrid(f4, f4))


def named(code):
    """i4 is s4 and u4 is n4, since u4 is a type."""
    return code.replace("i", "s").replace("u", "n")


ints = {k: np.array([np.iinfo(k).min, np.iinfo(k).max, 0, 1, 2, 7, 15, 25, 35, 99, 100] + ([-1, -7, -15] if k[0] == "i" else []), k)
        for k in ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]}
modest = np.array([0.0, -0.0, 0.25, -0.125, 1.005, 2.675, -2.5, 3.5, 1234.5678, 15.0, 25.0, -145.0, 1e15, 123456789.0])
# Numbers and powers of two that lead to every kind of number and beyond, by way of results halfway between two.
powers = np.array([0, 1, -1, 3, -2, 52, -52, 60, -60, -149, 149, -150, -151, 500, -500, -700, -960, 1000, -1021, 1023, -1023, 1024, -1024, -1074, 1074,
                   -1075, -1076, -1077, 2097, 2098, -2098, -2099, -2100, 2200, 5000, -5000, 2**31 - 1, -2**31])
odd = np.concatenate([f8, [np.nextafter(1, 2), np.nextafter(1, 0), -1.75, 3.0, 2.0**-1021, 5 * tiny, 7 * tiny, 1e-310, np.pi * 2.0**600, np.e * 2.0**-600]])
p, w = (a.ravel() for a in np.meshgrid(odd, powers))
g, h = (a.ravel() for a in np.meshgrid(np.concatenate([f4, [3.5, 1.5 * single, 7 * single, np.pi, 3e-40]]).astype("f4"), powers))
halves = np.array([0, -0.0, 1, -1.5, 1 / 3, 65504, -65504, 6e-8, 1.8e-7, 6.1e-5, 5e-5, inf, nan], "f2")
hx, hn = (a.ravel() for a in np.meshgrid(halves, np.array([0, 1, -1, -2, 10, -10, 15, -15, -16, 24, -24, -25, 40, -41, 200, -300], "i2")))
far = np.array([2**63 - 1, -2**63, 2**40, -2**40])
inputs = {"p": p, "w": w, "g": g, "h": h.astype("i4"), "hx": hx, "hn": hn, "far": far, "x": x, "y": y, "u": u, "v": v, "m": modest, "ms": modest.astype("f4"), **{named(k): a for k, a in ints.items()}}
# Pairs of extremes and of what has divisors in common.
for k, a in ints.items():
    most = int(np.iinfo(k).max)
    b = np.array([a[0], most, 0, 12, 84, 90, 126, most // 3, most // 7 * 6], k)
    inputs |= {f"{named(k)}{n}": c.ravel() for n, c in zip("xy", np.meshgrid(a, b))}
# Which of two zeros fmin and fmax give depends on type and length.
programs = ["fmin(x, y) + 0.0", "fmax(x, y) + 0.0", "fmin(u, v) + 0.0", "fmax(u, v) + 0.0", "copysign(x, y)", "copysign(u, v)", "heaviside(x, y)", "heaviside(u, v)",
            "nextafter(x, y)", "nextafter(u, v)", "spacing(x)", "spacing(u)", "signbit(x)", "signbit(u)", "fabs(x)", "fabs(u)",
            "square(x)", "sign(x)", "sign(u)", "reciprocal(u)", "isfinite(u)", "isinf(x)", "positive(u)",
            "nan_to_num(x)", "nan_to_num(u)", "nan_to_num(x, nan=1.5, posinf=2.0, neginf=-3.0)", "nan_to_num(u, posinf=7.0)",
            "q, r = modf(x); result = q", "q, r = modf(x); result = r", "q, r = modf(u); result = q", "q, r = modf(u); result = r",
            "ldexp(p, w)", "ldexp(g, h)", "ldexp(hx, hn)", "ldexp(x[:17], -1)", "ldexp(1.5, far)", "ldexp(ms[:4], far)", "ldexp(s1, s4)", "ldexp(n2, n1)", "ldexp(s8, 3)",
            "q, r = frexp(p); result = q", "q, r = frexp(p); result = r", "q, r = frexp(g); result = q", "q, r = frexp(g); result = r",
            "q, r = frexp(hx); result = q", "q, r = frexp(hx); result = r", "q, r = frexp(s4); result = q", "q, r = frexp(n2); result = r", "q, r = divmod(m, 2.5); result = q", "q, r = divmod(m, -2.5); result = r",
            "isclose(x, y)", "isclose(x, y, equal_nan=True)", "isclose(m, m + 1e-9)", "isclose(m, m * 1.0001, rtol=1e-3)",
            "isclose(s1[3:4], ms[2:3] * 2.8, rtol=0, atol=0.3)", "isclose(ms[2:3] * 2.8, s1[3:4], rtol=0, atol=0.3)",
            "isclose(ms, 1.005, rtol=0, atol=0)", "isclose(1.005, ms, rtol=0, atol=0)", "isclose(ms, 2, rtol=1)", "isclose(s1, 1.5)", "isclose(7, s1)",
            "isclose(u, v, rtol=0.25)", "isclose(ms, 1.0049, rtol=1e-4)",
            "float_power(ms, 2)", "float_power(s4, 2)", "float_power(m, 0.5)",
            "degrees(m)", "radians(m)", "rad2deg(ms)", "deg2rad(ms)", "fabs(s4)", "fabs(s2)"]
programs += [f"round({a}, {n})" for a in ["m", "ms"] for n in [0, 1, 2, -1, -2, 20, 45, -45]]
for k in ints:
    k = named(k)
    programs += [f"bitwise_count({k})", f"round({k}, 2)", f"q, r = divmod({k}, 7); result = q", f"q, r = divmod({k}, 7); result = r",
                 f"fmin({k}, 3)", f"fmax({k}, 3)", f"signbit({k})", f"nan_to_num({k})", f"sign({k})", f"square({k})"]
    # The greatest leaves the range: what becomes of it depends on the machine.
    programs += [f"round({k}[2:], -1)"] if k[1] in "48" else [f"round({k}, -1)", f"round({k}, -2)"]
    programs += [f"{f}({a}, {b})" for f in ["gcd", "lcm"] for a, b in [(f"{k}x", f"{k}y"), (k, "12"), ("0", k)]]
programs += ["gcd(s1x, s8[0])", "lcm(n1x, s2[0])", "gcd(s4x, n4[1])"]
names = {n: getattr(np, n) for n in dir(np) if not n.startswith("_")} | {"divmod": np.divmod, "round": np.round}
rust = {"?": "bool", "b": "i8", "h": "i16", "i": "i32", "l": "i64", "B": "u8", "H": "u16", "I": "u32", "L": "u64", "e": "f16", "f": "f32", "d": "f64"}


def show(a):
    spec = f"{rust[a.dtype.char]}[{','.join(map(str, a.shape))}]"
    return spec + " | " + " ".join(repr(float(e)) if a.dtype.kind == "f" else str(int(e)) for e in a.ravel())


print("# NumPy", np.__version__)
for name, a in inputs.items():
    print(f"input {name} {show(a)}")
for text in programs:
    space = names | inputs
    exec(text if "result" in text else "result = " + text, space)
    print(f"{text if 'result' in text else 'result = ' + text} => {show(space['result'])}")
