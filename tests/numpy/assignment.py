#!/usr/bin/env python3
"""Programs with assignments, views and masks, with NumPy's answers.

    python assignment.py > ../../src/text/testdata/assignment.txt

A line is `program => outputs`, line ends written as \\n. The outputs are the names that the program assigns, whole or in part, and the
inputs that it changes, each as `name type[shape] | elements`, separated by `;;`. A name after `*` is still bound to the
caller's array, which was changed in place. `!` stands for an exception, and `?` for a program that elide refuses though NumPy
does not (see docs/semantics.md).

The committed file is the output under NumPy 2.4.6.
"""

import ast
import warnings

import numpy as np

warnings.simplefilter("ignore")
np.seterr(all="ignore")

NAMES = {"bool": "bool", "uint8": "u8", "int16": "i16", "int32": "i32", "int64": "i64", "float32": "f32", "float64": "f64"}
NAMESPACE = {name: getattr(np, name) for name in dir(np) if not name.startswith("_")} | {"np": np, "len": len, "abs": np.abs}

INPUTS = {
    "x": np.array([1.5, -2.0, 0.5, 4.0, -1.25]),
    "y": np.array([2.0, 3.0, -1.0, 0.25, 8.0]),
    "a": np.arange(12.0).reshape(3, 4) - 3.5,
    "c": np.array([[2.0], [3.0], [-1.0]]),
    "f": (np.arange(12, dtype="f4").reshape(3, 4) - 4) / 2,
    "i": np.array([0, 3, -6, 9, 21], dtype="i4"),
    "j": np.arange(12, dtype="i4").reshape(3, 4) - 5,
    "l": np.array([7, -1, 0, 5, 2]),
    "u": np.array([0, 1, 2, 250, 9], dtype="u1"),
    "h": np.array([0, 1, -2, 3, 7], dtype="i2"),
    "m": np.array([True, False, True, True, False]),
    "b": (np.arange(12).reshape(3, 4) % 3 == 0),
    "r": np.array([True, False, True]),
    "t": np.arange(24.0).reshape(2, 3, 4) / 2 - 3,
    "s": np.array(2.5),
    "o": np.zeros((0, 3)),
    "q": np.arange(16.0).reshape(4, 4) - 2,
    "k": np.array([2, 0, -1, 1, 1]),
    "g": np.array([[0], [-2]], dtype="i4"),
    "p": np.array([1, 0, -1], dtype="i2"),
    "z": np.array(1),
}

PROGRAMS = r'''
x[1:] += x[:-1]
x[:-1] += x[1:]
x[1:] = x[:-1]
x[::-1] = x
x[:] = x[::-1]
x[::2] = y[::2] * 2
x[...] = 7
x[:] = 1.5; x[2] = -1; x[-1] = 4
x[1] = x[0]; x[2] = x[1]; x[3] = x[2]
x[1:3] *= 10; x[2:4] -= 1
x[1:4] = x[0:3] + x[2:5]
x[4:1:-1] = x[:3]
x[10:] = 3
x[1:1] = 5
x[-100:100] = y
x[5] = 1
x[0] = y
x[0] = y[:1]
x[0:2] = y[:3]
x[:] = y[None]
x[:] = y[:, None]
a[:] = x
a[1:, ::2] = 0
a[1:, ::2] = a[:-1, 1::2]
a[0] = a[1]; a[:, 0] = a[:, 3]
a[:, 1:] -= a[:, :-1]
a[1:] += a[:-1]; a[:, ::-1] *= 2
a.T[0] = 5
a.T[1:] += a.T[:-1]
a[...] = c
a[...] = a[0]
a[1] = c[1]
a[:, 0] = c
a[:, 0:1] = c
a[0, 0, 0] = 1
a[(0, 1)] = 9
a[0][1] = 9
a[1:][0][::2] = -1
a[None][0, 1] = 3
a[..., 0] = 3; a[0, ...] = 4
a[:, None, 1] = c
a[-1, -1] = a.sum()
a = a + 1; a[0] = 0
a[0] = 1; a = a * 2
a = a; a[0] = 1
a[0] = 1; a = a[1:]
q[1:-1, 1:-1] = (q[:-2, 1:-1] + q[2:, 1:-1] + q[1:-1, :-2] + q[1:-1, 2:]) * 0.25
q[1:, 1:] = q[:-1, :-1]
q += q.T
q -= q[0]
q *= q[:, :1]
q[:] = q.T
q[0] = q[:, 0]
t[:, 1] = t[:, 0] + t[:, 2]; t[0] += t[1]
t[1, :, ::2] = c
t[..., -1] -= t.mean(axis=2)
s += 1
s[...] = 3
s[()] = 4
s -= s
w = s; w += 1
s = s + 1
w = x.sum(); v = w; w += 1
w = x[0]; x[0] = 9
w = x[0, ...]; x[0] = 9
w = x[0]; w += 1
o[:] = 1; w = o.sum()
o += 1
w = x; w[0] = 1
w = x; w = w + 1; x[0] = 9
w = x; w += 1
w = x + 1; w[0] = 5
w = x[1:-1]; w[0] = 9; x[2] = 0; v = w * 2
w = x[1:-1]; w[:] = 0; w += x[0]
v = a[1:, 1:]; v[:, 0] += 1; a[2] = 0; w = v * 2
w = a.T; w[0] = 1; w[1, 2] = 100
w = a.T; a[0] = 1; v = w.sum(axis=0)
w = a.T[1:]; v = w[::-1]; v[0] = 5; a[2, 2] = -1; z = v + w
w = x[::2]; w[:] = x[2::-1]
w = a[0]; v = w[1:]; a = a * 0; v[0] = 7
w = x.copy(); w[0] = 1; x[1] = 2
w = np.copy(x); x += 1
w = np.array(x); x += 1
w = np.asarray(x); x += 1
w = x.astype(float64); w[0] = 0
w = +x; w[0] = 0
w = x**1; w[0] = 0
w = np.floor(i); w[0] = 5
w = x.reshape(5, 1); w[0] = 3
w = a.reshape(2, 6); w[0] = 3; a[2, 3] = 9
w = a.ravel(); w[::2] = 0; a[0, 1] = 5
w = a.flatten(); w[::2] = 0
w = a.T.ravel(); w[0] = 100
w = a[:, 1:].ravel(); w[0] = 100
w = a[1:].ravel(); w[0] = 100
w = a.reshape(-1)[2:5]; w *= 2; a[0] += 1
w = a.reshape(2, 2, 3); w[:, 0] = 0; v = w[1]; v[1] = 5
a.reshape(-1)[::5] = 0
t.reshape(6, 4)[2:4] = 1
t.reshape(2, 12)[:, 3] = 1
? a.ravel()[3] = 7; a.T.ravel()[3] = 8
w = np.swapaxes(t, 0, 2); w[0, 0] = 1
w = np.moveaxis(t, 0, -1); w[..., 1] = 0
w = np.transpose(a); w[0] = 9
w = x[:, None]; w[1] = 9
w = np.expand_dims(x, 0); w[0, 1:3] = 9
w = np.squeeze(c); w[0] = 9
w = np.flip(x); w[0] = 9; v = np.flipud(a); v[0] = 1; z = np.fliplr(q); z[:, 0] = 1
w = np.rot90(a); w[0] = 9
w = np.rot90(a, 2); w[0] = 9; v = np.rot90(a, -1); v[0] = 1
w = np.diagonal(q); q[0, 0] = 50
np.diagonal(q)[0] = 1
w = np.broadcast_to(c, (3, 4)); w[0] = 1
w = np.broadcast_to(c, (3, 4)); c[0] = 10; v = w + 1
w = np.broadcast_to(c, (3, 4)); w += 1
w = np.broadcast_to(x + 1, (2, 5)); w[0] = 1
w = v = np.zeros(3); w[0] = 1
w = v = x + 1; w += 1
w = x[1] = y[0] * 3
w = w[0] = x[1:] * 2
w = x[1:] = y[:-1] * 2; w[0] = 100
x[0] = x[1] = x[2] * 2
x[:2] = x[1:3] = x[2:4]
x[1:] = y[1:] = x[:-1]
x, y = y, x; x[0] = 100
w, v = x[0], x[1:]; x[0] = 9; v[0] = 8
x[0], x[1] = x[1], x[0]
x[:2], x[2:4] = x[2:4], x[:2]
w = (x, y); w[0][1] = 5; v = w[0] + w[1]
w = (x + 1, y); w[0][1] = 5; v = w[0]
w = (x, y); x[0] = 50; v = concatenate(w)
i += 1
i += 1.5
i -= i[0]
i *= l
h += i
u += h
u += 1
u -= 3
u *= 300
u += 300
u[:] = 7
u[0] = 300
u[0] = -1
u[:] = i
u[0] += 1
i[0] += 1.75
i[0] = 2.9
i[:] = 2.9
i[:] = x
i[0:1] += 1.75
i /= 2
i[0] /= 2
i //= 2
i %= 4
i **= 2
i <<= 2
i >>= 1; i &= 6; i |= 1; i ^= 3
x **= 2
x //= 0.75
x %= 1.5
x /= i
f += a
f[:] = a / 3
f += 1e-3
f *= i[:4]
f += True
b |= a > 0
b &= a > 0; b ^= True
b += 1
b[0] = 5
b[0] = 0.5
b[:] = a
b -= b
b += b
a[b] = 0
a[b] = a[b] * 2
a[a > 0] = 0
a[a < 0] *= -1
a[a < 0] = a[a < 0] ** 2 - 1
a[b] += 1
a[~b] -= a[~b] / 2
x[m] = y[m]
x[m] = x[m]**2 + y[m]
x[m] = (x[m] + 3)**-1.5 + y[m]
x[m] = sqrt(abs(x[m])) * 2
x[m] = np.where(x[m] > 0, 1, y[m])
x[m] = np.maximum(x[m], 0) + np.clip(y[m], 0, 1)
x[m] += y[m]
x[m] -= 1; x[~m] = 100
i[m] = x[m]
i[m] = 2.5
i[m] += 1
i[m] += 0.5
u[m] = 300
u[m] = i[m].astype(uint8)
a[r] = 0
a[r] = a[1]
a[r] = a[r] * 2 + a[0]
a[r] = f[r]
a[r] = c[r]
a[r, 1] = 5
a[r, 1:] = 5
a[1:, [0]] = 5
a[:, b[0]] = 7
a[:, b[0]] = a[:, b[0]] * 2
a[:, b[0]] = c
a[1, b[0]] += 3
a[..., b[0]] = 7
t[b.T] = 0
t[:, b] = 0
t[:, b] += t[:, b]
t[0, b] = 1
? t[0, :, b[0]] = 1
t[0][b] = 1
a[b.T] = 1
a[m] = 1
x[m[:3]] = 1
a[b, b] = 1
w = x[1:]; w[m[1:]] = 0
w = a.T; w[b.T] = 0
def f(x, m):\n    w = x[m]\n    x[m] = w * 2\n
def f(x, m):\n    w = x[m]\n    w += 1\n    x[m] = w\n
w = np.asanyarray(x); w[0] = 1; v = np.ascontiguousarray(x) * 2
l[:] = 1e19
i[m] = nan
i[1:] = 3e9
u[m] = u[m] + 200
b[:] = 2**70
x[:] = 2**70; x[0] = 10**30
f[0] = 1e300
? x[m] = x[m][::-1]
x[m] = x
n = x > 0; x[n] = 0; x[~n] = 1
x[x > 0] = 0; x[x == 0] = 5
m[:] = x > 0; x[m] = 0
x[np.logical_and(x > 0, y > 0)] = x[np.logical_and(x > 0, y > 0)] + 1
w = np.zeros((3, 4)); w[1:, 1:] = 1; w[0] = a[0]
w = zeros(5, dtype=int32); w[1:4] = 2.7; w[0] = 9
w = np.zeros_like(a); w[1] = a[0] + a[1]; w[:, 0] = -1
w = np.ones((2, 3)); w *= 2; w[0, 1:] = 5
w = full((2, 2), 7); w[0, 0] = 1.9
w = full_like(f, 2); w[0] = a[0]
w = np.zeros(()); v = w; w += 1
w = np.empty(3); w[:] = x[:3]
w = np.empty_like(j); w[...] = j * 2
w = np.zeros((4, 3)); w.T[...] = a; w[1] = 0
w = concatenate((x, y))
w = concatenate((x[1:], x[:1])); w[0] = 5
w = np.concatenate([a, f, j[:1]], axis=0)
w = np.concatenate((a, c), axis=1)
w = np.concatenate((a, c), axis=-1); v = np.concatenate((a, c), axis=None)
w = np.concatenate((i, u)); v = np.concatenate((f[0], i)); z = np.concatenate((m, u))
w = np.concatenate((a, x))
w = np.concatenate((x,)); w[0] = 1
w = np.concat((x, y), axis=0)
w = np.stack((x, y)); v = np.stack([x, y], axis=1); z = np.stack((a, f), axis=-1)
w = np.vstack((x, y)); v = np.vstack((a, a[0])); z = np.vstack((a, f))
w = np.hstack((x, y)); v = np.hstack((a, c))
w = np.column_stack((x, y)); v = np.column_stack((a, c[:, 0]))
w = np.stack((x, a))
w = np.stack((s, x.sum(), 3))
w = roll(x, 2); v = roll(x, -1); z = roll(x, 7)
w = roll(a, 1, axis=0); v = roll(a, -1, axis=1); z = roll(a, 3)
w = roll(a, (1, 2), axis=(0, 1)); v = roll(a, 1, axis=(0, 1))
x[:] = roll(x, 1)
x += roll(x, -1)
w = np.pad(x, 2); v = np.pad(x, (1, 3), constant_values=(7, 8))
w = np.pad(a, 1); v = np.pad(a, ((1, 0), (0, 2)), constant_values=5)
w = np.pad(a, 1, mode='edge'); v = np.pad(a, (1, 2), 'reflect'); z = np.pad(a, ((0, 1), (2, 0)), mode="wrap")
w = np.pad(i, 1, constant_values=2.5); v = np.pad(x, [2])
w = np.pad(a, ((1, 2), (0, 1)), constant_values=((1, 2), (3, 4)))
w = np.pad(x, 0); w[0] = 1
w = np.tile(x, 2); v = np.tile(x, (2, 1)); z = np.tile(a, (1, 2))
w = np.tile(a, 2); v = np.tile(s, 3); z = np.tile(x, (2, 2))
w = np.tile(x, 0)
w = np.repeat(x, 2); v = np.repeat(a, 2, axis=0); z = np.repeat(a, 3, axis=1); y = a.repeat(2)
w = x.repeat(1); w[0] = 1
w = np.diff(x); w[0] = 1
w = x; x = x[::-1]; x[0] = 1; v = w
x = x[1:]; x[0] = 1
x += 1; y = x; x = x * 2; y[0] = 0
a[1:] -= a[0]; a[0] /= a[0, 0]; a[1] -= a[1, 0] * a[0]
? for k in x: y = k
x.T[1:] = x[:-1]
w = np.bincount(u % 7, minlength=9); v = np.bincount(l + 1, weights=x, minlength=9)
w = np.bincount(m, minlength=2); v = bincount(u[:0], minlength=3)
w = np.bincount(j, minlength=8)
w, v = np.histogram(a, 5, (-3.0, 7.0)); z, y = histogram(f, bins=4, range=(-2, 3.5))
w = np.histogram(i, 3, (0, 9))[0]; v = np.histogram(x, 4, (1, 1))[0]
w = histogram(x, 0, (0, 1))
w = histogram(x, 2, (1, 0))
w = x[m]; v = (x * 2)[x > y]; z = a[a > 0] + 1
w = x[m]; x[m] = w * 2
w = a[b]; v = (t > 0)[t > 2]; z = i[i != 3] * 2.5
def f(x, m):\n    return x[m] + 1, x[~m]\n
def f(x, m):\n    w = x[m]\n    return x * 2\n
w = o[o > 0]
? w = x[m][1:]
? w = a[r]
w = x.max(initial=2); v = a.min(axis=0, initial=-1.0); z = i.max(axis=0, initial=5, keepdims=True)
w = a.max(axis=1, where=b, initial=-2); v = x.min(where=m, initial=9); z = np.max(x[m], initial=100)
w = x[:0].max(initial=3); v = a[:, :0].min(axis=1, initial=2.5); z = i[:0].max(initial=-4, keepdims=True); y = np.nanmin(x[:0], initial=nan)
w = a[:, :0].max(axis=1, initial=-1, where=a[:, :0] > 0); v = a[:0].max(axis=1, initial=7.0)
? w = a[:, :0].max(axis=0, initial=3) + a[:, :0].max(axis=1)
w = np.nanmax(np.where(a > 2, nan, a), axis=0, initial=1); v = np.nanmin(a + nan, initial=7)
w = x.sum(initial=10); v = j.sum(axis=0, initial=3); z = np.prod(x, initial=2.0); y = np.sum(b, initial=1)
w = x.max(where=m)
? w = i.max(initial=2.5)
w = np.nansum(np.where(x > 2, nan, x)[m]); v = np.nanmean(x[m]); z = np.nansum(t[:, r], axis=1)
w = x[m].argmax(); v = x[m].argmin(); z = a[b].argmax(); y = np.argmin(i[i != -6])
w = (x * 0 - inf)[~m].argmax(); v = np.where(x > 1, nan, x)[m].argmin()
w = x[1:][1:][::-1]; w[0] = 1; x[1:][1:] = w
x[1:][:] += 1; x[1:][1] = 0
a[:, 1][::2] = 5; a[:, 1] += a[:, 0]
? x[True] = 1
x[i > 0] = 5; i[i > 0] -= 1
x = 3; x += 1.5
k = 1; k += 2; k *= 3; x[k - 8] = k
k = (1, 2); k += (3,); x[k[2]] = 0
pi = 3; x[pi] = pi
x[len(x) - 1] = x.size; x[0] = x.ndim
a[0] = x.shape[0]
a[a.argmax() // 4, 0] = 1
(x)[0] = 1
x[0] = 'a'
? x[0] = None
x[0] = nan; x[1] = -inf
i[0] = nan
zz[0] = 1
zz += 1
x.T = 1
sum(x) = 1
import numpy as np\nx[1:] = np.sqrt(np.abs(x[:-1]))
def f(x, y):\n    x[1:] += y[1:]\n    return x, y\n
def f(x, y):\n    """Sums.\n\n    Of both."""\n    w = x * y  # product\n\n    w[1:] += \\n        w[:-1]\n    return w\n
def f(x: np.ndarray, y) -> np.ndarray:\n    w = x + y\n    return w.sum(), w, x\n
def f(x, y):\n    w = x[1:]\n    w[0] = y[0]\n
def f(a):\n    b = a[1:]\n    b += 1\n    a = a * 2\n    return a, b\n
w = x[k]
w = a[k]
w = a[:, k]
w = a[..., k]
w = a[k, 1:]
w = a[1:, k]
w = a[::-1, k]
w = a[k, ::-2]
w = a[k, None]
w = a[None, k]
w = a[:, None, k]
w = a[g]
w = a[:, g]
w = a[g, p]
w = a[p, p]
w = a[p, u[:3]]
w = a[k, 1]
w = a[1, k]
w = a[-1, p]
w = a[g, p] * a[p, g]
w = a.T[k, k]
w = a.T[p, :][:, p]
w = t[p[:2] - 1]
w = t[:, p]
w = t[..., p]
w = t[:, :, p]
w = t[:, g, p]
w = t[g, p]
w = t[g, p, p]
w = t[g, :, p]
w = t[p, :, g]
w = t[:, p, None]
w = t[0, :, p]
w = t[0, p]
w = t[0, ..., p]
w = t[p, :, 0]
w = t[:, p, 1]
w = t[:, 1, p]
w = t[:, p, 1:3]
w = t[1:, p, ::-1]
w = t[:, p, None, p]
w = t[..., None, g, p]
w = t[None, :, p, p]
w = t[p, ..., p]
w = t[g, p, ..., p]
w = t.transpose(2, 0, 1)[p, g]
w = x[z]
w = x[z] + 1
w = a[z]
w = a[z, 1:]
w = a[:, z]
w = a[z, z]
w = t[z, :, p]
w = t[z, :, z]
w = x[(k,)]
w = a[(p, p)]
w = a[k][:, p][p]
w = x[k[k]]
w = (x + y)[k] * 2
w = x[k] + x[k[::-1]]
w = x[k].sum()
w = a[p, p].sum() + a[k].max()
w = q[k, k[::-1]]
w = q[k[:, None] % 4, k % 4]
w = q[p[:, None], p]
w = x[argmax(a, axis=1)]
w = a[a.argmin(axis=0), arange(4)]
w = m[k]
w = b[p, p] & r
w = x[k * m]
w = x[u % 5]
w = x[h % 5]
w = take(x, k)
w = x.take(k)
w = take(a, p, axis=1)
w = take(a, k)
w = a.take(g, axis=0)
w = take(a, 1, axis=1)
w = take_along_axis(a, a.argmin(axis=1)[:, None], axis=1)
w = take_along_axis(a, g.T, axis=0)
w = take_along_axis(a, p[:, None], 1)
v = x[k]; v += 1; w = x + 0
v = x[k]; v[0] = 9
x += x[k]
x[1:] = x[k][:-1]
a += a[p]
a[:, 1:] += a[p, :1]
x[x]
w = a[p, k]
w = x[k, k]
w = a[k, p[:2]]
w = t[p, r]
w = x[f]
w = x[1.0]
w = x[[0, 2]]
w = a[[2, 0, -1], [1, 3, 0]]
w = a[:, [3, 1]] * 2
w = q[[[0], 2]]
n = [1, 1, 0]; w = a[n]
x[k] = 7
x[k] = y
x[k] = y; x[k[::-1]] += 1
x[k] += 1
x[k] += y
x[k] -= x
x[k] *= 2; x[[0, 2]] = y[:2]
x[k[:2]] = y[None, :2]
x[k] = y[:2]
x[k] = x[k[::-1]]
x[g] = 5
x[g] = c[:2]
x[g] = y[:2]
x[z] = 4; x[z] += 0.5
i[z] += 1.5; i[p] = 2.7
i[p] += 1.5
i[p] = 2**40
l[k] = x
f[p] = a[:3]
x[0, k] = 1
x[x] = 1
a[p] = 1
a[p] = a[0]
a[p] = a
a[p] = a[p[::-1]] * 2
a[:, k] = 3
a[:, k] = x
a[:, k] += c
a[..., p] *= 2
a[1:, p] = c[1:]
a[::-1, p] = a[:, :3]
a[p, ::-2] = c
a[g, p] = 5
a[g, p] = x[:3]
a[g, p] += x[:3]
a[p, p] += 1; a[p, 0] = 9
a[p, 1] -= a[1, p]
a[1, k] = x
a[k, 1] = 1
a[p[:, None], p] = q[:3, :3]
a.T[p] = x[:3]
a.T[k[:3], p] = x[:3]
a.reshape(12)[k] = x
a.reshape(2, 6)[1, k] += 1
v = a[1:, ::2]; v[:, p[1:]] = 7; v[0] += 1
v = a[::-1]; w = a.T; v[p] += c; w[k[:2]] *= 2
t[:, p] = 1
t[:, p] = a[:3]
t[:, :, p] = x[:3]
t[:, g, p] = a[:2, :3]
t[g, :, p] = 2
t[g, :, p] = x[:4]
t[g, :, p] = x[:3]
t[p[:2], :, 0] = c[:2]
t[0, :, p] = a.T[:3, :3]
t[..., None, g, p] = 3
t[1:, p, ::-1] = a
t.transpose(2, 0, 1)[p, g] = 8
m[k] = False; b[p, p] = True
x[x.argmin()] = 0; a[a.argmin(axis=0), arange(4)] = 0
o[p[:0]] = 1
w = zeros(6); w[k] = x; w[k] += x; v = w
w = x; w[k] = y; y[k] = w
def f(x, k):\n    x[k] += 1\n    return x.sum()\n
x[k] = m
x[x > 0] = 1; x[k] = 2; x[m] = 3
? x[k] = x[m]
x[[0, 1]], y[[1]] = 1, 2
x[k] = y[k] = 3
w = x[m].sum(); v = x[x > 0].mean(); z = np.sum(x[m] * y[m])
w = x[m].min(); v = x[m].max(); z = np.ptp(x[m]); y = np.prod(x[m])
w = (x[m] > 0).any(); v = (x[m] > -3).all(); z = x[m].any(); y = i[m].all()
w = x[m].var(); v = x[m].std(ddof=1); z = i[m].var(); y = f[b].std()
w = x[m].size; v = len(x[m]); z = x[m].shape[0]; y = np.size(a[r]); k = x[m].ndim; l = np.ndim(t[:, r]); p = np.shape(t[:, r])[1]
w = np.count_nonzero(x[m] > 0); v = np.count_nonzero(a[r], axis=0); z = np.count_nonzero(i[m])
w = (x[m] * 2 + 1).sum(); v = np.sqrt(x[x > 0]).mean(); z = ((x[m] - y[m])**2).mean()
w = a[r].sum(axis=1).sum(); v = a[r].sum(axis=0); z = a[r].mean(); y = a[r].mean(axis=0, keepdims=True)
w = a[r].max(axis=0); v = a[r].min(); z = a[b].max(); y = a[r].std(axis=0); k = a[r].max(axis=1).min()
w = t[:, r].sum(axis=1); v = t[:, r].mean(axis=(0, 2)); z = t[:, r].max(axis=1, keepdims=True); y = t[:, r].sum(axis=2).min(axis=1)
w = t[t.sum(axis=2) > 0].mean(axis=0); v = t[t > 0].mean(keepdims=True); z = t[t.sum(axis=2) > 0].sum()
w = t[:, r].sum(axis=-1, keepdims=True).sum(); v = a[r].mean(axis=1)
w = f[b].sum() / f[b].size; v = f[r].sum() / len(f[r]); z = f * (f[b].size / 2); y = f[b].sum() / b.sum()
w = f * x[m].size; v = u * x[m].size; z = h * (x[m].size / 2); y = b * x[m].size; k = b + (x[m].size > 2)
w = -x[m].size; v = x[m].size - 1; w -= 1; z = x[m].size // 2 + 0.5; y = f * z
w = x[m & ~m].sum(); v = x[m & ~m].prod(); z = x[m & ~m].size; y = i[i > 99].any(); k = i[i > 99].all(); l = x[x > 99].mean()
w = a[r & False].sum(axis=0); v = a[r & False].min(axis=1).size; z = o[o.sum(axis=1) > 0].sum()
w = u[m].max(); v = h[m].min(); z = i[m].sum(); y = m[m].sum(); g = h[m].mean(); l = u[m].mean(); p = m[k > 0].max()
w = i[m].sum(dtype=float32); v = f[b].mean(dtype=float64); z = i[m].sum(axis=0); y = i[m].prod(dtype=int16)
w = x[m].copy(); v = w.mean(); z = np.array(x[m], dtype=float32).sum(); y = np.asarray(i[m]).mean()
w = x[m]; v = w.sum() / w.size; w += 1; z = w.sum()
x -= x[m].mean(); x[m] /= x[m].std()
x[m] = (x[m] - x[m].min()) / (x[m].max() - x[m].min())
a[r] -= a[r].mean(axis=0); w = a[r].sum(axis=0)
a[r] = a[r] / np.abs(a[r]).sum(axis=1, keepdims=True)
w = x[x[m].size]; v = x[x[m].size - 1]; x[x[m].size] = 0
def f(x, m):\n    w = x[m]\n    return w.mean(), len(w), w.max() - w.min()\n
np.add.at(x, k, 1); w = np.zeros(6); np.add.at(w, k, y)
np.subtract.at(x, k, y); np.multiply.at(y, k[::-1], x)
np.maximum.at(x, k, y); np.minimum.at(y, [0, 0, 1], [-1, -2, 9])
np.add.at(a, p, 1.5); np.add.at(a[1:], [0, 0], q[:2])
np.add.at(a, (g, p), 2); np.add.at(q, (k, k[::-1]), x)
np.add.at(i, k, 1); np.add.at(l, k, l); np.add.at(x, m, 1); np.add.at(x, 3, 1.5)
v = a.T; np.add.at(v, [0, 0, 1], 1.5); np.bitwise_or.at(l, k, 4)
np.add.at(f, [0, 0], 1); np.add.at(f[:, 1:], ([0, 0], [1, 1]), 0.5)
def f(x, k):\n    np.add.at(x, k, 1)\n    return x.sum()\n
np.add.at(x, k)
np.add.at(x, k, y[:2])
? np.add.at(f, [0, 0], q[:2])
? np.power.at(x, k, 2.0)
? w = np.add.at(x, k, 1)
w = np.array([1, 2, 3]); v = np.array([1.5, 2, True]); z = np.array([[1, 2], [3, 4.5]]); y = np.array([True, False])
w = np.array([]); v = np.array([1, 2], dtype=float32); z = np.array([1.7, -2.5], dtype='i4'); y = np.asarray([[1], [2]])
w = np.array([x.sum(), y.sum()]); v = np.array([x, y]); z = np.array([[x.min(), x.max()], [y.min(), 7]]); y = np.array([f.sum(), 1])
w = np.array([1, 2, 300], dtype='u1')
w = np.array([[1, 2], [3]])
w = np.array([x, 1])
w = x[:3] * [1, 2, 3]; v = (1, 2, 3) * x[:3]; z = u[:3] + [1, 2, 3]; y = f[:, :2] * [0.5, 0.25]
x[:2] = [1, 2]; u[:2] = [1, 255]; i[:3] = [1.7, 2.2, -1.7]; a[:2, :2] = [[1, 2], [3, 4]]; a[0, :3] = 7, 8, 9
u[:2] = [1, 256]
w = x[[True, False, True, False, False]]; a[[True, False, True]] = 1; v = a[[[0], [1]], [2, 3]]
w = [1, 2, 3]; v = w[0] * x[1:] + w[-1] * x[:-1]; z = w[1:]; y = x[:2] * z
w = np.concatenate(([0], x, [1.5])); v = np.maximum(x[:3], [0, 0.5, 1]); z = np.where(x[:2] > 0, [1, 2], [3, 4]); y = np.take(x, [0, 1])
w = np.array([[1, 0], [0, 1]]) * q[:2, :2]; v = np.sum([1, 2, 3]); z = np.diff([1, 4, 9]); y = np.full((2, 2), [1, 2])
w = x.astype("f4"); v = x.astype("<f8"); z = np.zeros(3, dtype='i4'); y = x.astype(np.double) * 2; k = x.astype('?')
w = i.astype(np.intp); v = x[0] * (x.dtype == np.float64); z = x[0] * (x.dtype != i.dtype)
? w = x.astype('>f4')
w = np.atleast_1d(x.sum()); v = np.atleast_1d(x); z = np.atleast_2d(x); y = np.atleast_2d(a); k = np.atleast_2d(3.0)
v = np.atleast_2d(x); v[0, 0] = 7
w = np.diag(q); v = np.diag(q, 1); z = np.diag(a, k=-2); y = np.diag(x[:3]); k = np.diag(i[:3], 2); l = np.diag(m[:3], -1)
w = np.diag(np.diag(q)); v = np.diag([1, 2, 3]); z = np.diag(x[:0]); y = np.diag(x[:3]); y[0, 1] = 5; k = np.diag(q, 9)
w = np.diag(q); w[0] = 5
w = np.diag(t)
w, v = np.indices((3, 4)); z = (a * v).sum() + w.max()
w, v, z = a; v[0] = 7; y = w + z
w, v, z = k[:3]; y = x * w + v; w += 1
w, v = x
w = np.average(x, weights=y); v = np.average(a, axis=0); z = np.average(a, axis=1, weights=x[:4]); y = np.average(i, weights=l); k = np.average(a, weights=a * a)
w = np.average(a, weights=x[:3])
w = np.outer(x, y); v = np.outer(a, c)
w = np.isclose(x, x + 1e-9); v = np.isclose(i, i + 0.001, rtol=1e-2); z = np.allclose(x, x); y = np.allclose(x, y)
w = np.isclose([1, np.inf, np.nan, -np.inf], [1, np.inf, np.nan, np.inf]); v = np.isclose([np.inf, np.nan], [1, np.nan], equal_nan=True)
w = np.array_equal(x, x * 1); v = np.array_equal(x, y); z = np.array_equal(x, a); y = np.array_equal(i, i + 0.0); k = np.array_equal(x, x[1:])
w = np.round(a / 3, 2); v = (f / 3).round(1); z = np.round(a * 100, -1); y = np.round(i, 1); k = np.around(a / 3, decimals=5)
w = np.round(i, -1)
z = np.where(a > 1, np.nan, a); w = np.nansum(z); v = np.nanmean(z, axis=0); y = np.nanstd(z, axis=0); k = np.nanvar(z, axis=1, ddof=1, keepdims=True)
z = np.where(a > 1, np.nan, a); w = np.nanmax(z, axis=0); v = np.nanmin(z, axis=1); y = np.nanprod(z, axis=0); k = np.nanvar(z, axis=0, ddof=2)
w = np.nansum(i); v = np.nanmean(i); z = np.nanmax(i); y = np.nanmin(f)
w = np.nansum(x[m])
w = x.sum(where=m); v = a.mean(axis=1, where=b); z = a.std(axis=0, where=b); y = a.prod(where=a > 0); k = a.sum(axis=0, where=r[:, None])
w = np.any(a > 1, axis=0, where=b); v = np.all(a > -1, axis=1, where=b); z = a.sum(where=[True, False, True, True]); y = x.mean(where=x > 99)
w = x.sum(where=x)
w = np.where(x > 0)[0]; v = np.flatnonzero(a > 0); z = i.nonzero()[0]; y = len(np.nonzero(a)); k = np.where(a > 0)[1]
w, v = np.where(a > 1); z = a[w, v]; y = a[w, v].sum(); a[w, v] = 0; k = w.size
w = np.where(x > 0)[0]; v = x[w] * y[w]; x[w] += 1; z = a[np.nonzero(a > 1)].mean(); y = len(w)
w = np.where(r)[0]; v = a[w].sum(axis=0); z = a[:, np.where(x[:4] > 0)[0]].sum(axis=1); y = w.max() - w.min() + (w * 2).sum()
? w, v = np.where(q > 1); q[v, w] = 0
? w = np.where(x > 0)[0]; v = x[w - 1]
w = np.where(x > 0, 1)
w = np.histogram(x[m], 4, (-2, 2))[0]; v = np.histogram(i[i > 0], 3, (0, 9))[0]; z = np.histogram(a[r], 3, (0, 8))[0]
w = f.var(dtype=float64); v = f[b].std(dtype=float64); z = a[b].ravel().sum(); y = a[b].flatten(); k = i.std(dtype=float32)
w = x[m].sum(axis=1)
w = a[r].argmax(axis=1); v = a[r].argmin(); z = a[:, x[:4] > 0].argmax()
? w = x[m][0]
'''


def spec(value):
    value = np.asarray(value)
    if value.dtype.name not in NAMES:
        raise TypeError(value.dtype.name)
    numbers = value.astype("i1") if value.dtype == bool else value
    elements = [repr(x.item()) for x in numbers.reshape(-1)]
    return f"{NAMES[value.dtype.name]}[{','.join(map(str, value.shape))}] | {' '.join(elements)}"


def roots(target):
    if isinstance(target, ast.Tuple):
        return [name for part in target.elts for name in roots(part)]
    while not isinstance(target, ast.Name):
        target = getattr(target, "value", None) or getattr(target, "func", None)
        if target is None or isinstance(target, ast.Call) and isinstance(target.func, ast.Name):
            return []
    return [target.id] if target.id not in NAMESPACE or target.id in INPUTS or isinstance(target.ctx, ast.Store) else []


def run(program):
    inputs = {name: value.copy() for name, value in INPUTS.items()}
    ns = NAMESPACE | inputs
    tree = ast.parse(program)
    exec(compile(tree, "program", "exec"), ns)
    function = next((node for node in tree.body if isinstance(node, ast.FunctionDef)), None)
    results = {}
    if function is not None:
        parameters = [a.arg for a in function.args.args]
        inputs = {name: inputs[name] for name in parameters}
        returned = ns[function.name](*inputs.values())
        ns = dict(inputs)
        if returned is not None:
            nodes = function.body[-1].value
            nodes = nodes.elts if isinstance(nodes, ast.Tuple) else [nodes]
            values = returned if isinstance(returned, tuple) else (returned,)
            for k, (node, value) in enumerate(zip(nodes, values)):
                name = node.id if isinstance(node, ast.Name) else "result" if len(nodes) == 1 else f"result{k}"
                results[name] = value
    else:
        for node in tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
            targets = [node.value.args[0]] if accumulates(node) else targets
            for name in (name for target in targets for name in roots(target)):
                results[name] = ns[name]
    for name, value in inputs.items():
        changed = value.tobytes() != INPUTS[name].tobytes()
        if changed and name not in results and ns.get(name) is value:
            results[name] = value
    out = []
    for name, value in results.items():
        if isinstance(value, (tuple, list)):
            continue
        same = value is inputs.get(name)
        out.append(f"{'*' if same and (changed_input(name, value) or function is None and touched(tree, name)) else ''}{name} {spec(value)}")
    return " ;; ".join(out)


def accumulates(node):
    """Whether it is `np.add.at(x, i, v)` or the like."""
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "at"


def changed_input(name, value):
    return value.tobytes() != INPUTS[name].tobytes()


def touched(tree, name):
    """Whether elements of the name are assigned to."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.value.args[0]] if accumulates(node) else []
        parts = [p for t in targets for p in (t.elts if isinstance(t, ast.Tuple) else [t])]
        parts = [p for p in parts if not isinstance(p, ast.Name) or accumulates(node)] + ([node.target] if isinstance(node, ast.AugAssign) else [])
        if any(name in roots(p) for p in parts):
            return True
    return False


def main():
    print(f"# program => names, types, shapes and elements, recorded from NumPy {np.__version__} by tests/numpy/assignment.py")
    for name, value in INPUTS.items():
        head, elements = spec(value).split(" | ")
        print(f"input {name} {head} | {elements}")
    for line in PROGRAMS.strip().splitlines():
        # What elide refuses, though NumPy does not.
        if line.startswith("? "):
            print(f"{line[2:]} => ?")
            continue
        program = line.replace("\\\\n", "\\\n").replace("\\n", "\n")
        try:
            answer = run(program)
        except Exception:
            answer = "!"
        print(f"{line} => {answer}")


main()
