"""The workloads of memory.py for Numba: array expressions compiled as they are, and loops by hand.

Both give two dictionaries: the form one writes first, and for updates whose first form reads what it has overwritten, a careful one.
Numba is imported late, so that other peers' processes do not carry it.
"""
import math

import numpy as np

from memory_workloads import ALPHA, even_width, odd_width


def expressions():
    from numba import njit

    @njit
    def masked_row_sum(x):
        return np.where(x > 0, x * x, 0.0).sum(axis=1)

    # Numba's mean, var and std take no axis.
    @njit
    def variance(x):
        mean = x.sum(axis=0) / x.shape[0]
        return ((x - mean) ** 2).sum(axis=0) / x.shape[0]

    # Nor does its max: rows by a loop.
    @njit
    def softmax(x, out):
        for i in range(x.shape[0]):
            e = np.exp(x[i] - x[i].max())
            out[i] = e / e.sum()
        return out

    @njit
    def standardize(x, out):
        mean = x.sum(axis=0) / x.shape[0]
        std = np.sqrt(((x - mean) ** 2).sum(axis=0) / x.shape[0])
        out[:] = (x - mean) / std
        return out

    @njit
    def add_transpose(x):
        x += x.T
        return x

    @njit
    def add_transpose_careful(x):
        x += x.T.copy()
        return x

    @njit
    def shift_add(d):
        d[1:] += d[:-1]
        return d

    @njit
    def shift_add_careful(d):
        d[1:] += d[:-1].copy()
        return d

    @njit
    def shift_add_columns(m):
        m[:, :-1] += m[:, 1:]
        return m

    @njit
    def shift_add_columns_careful(m):
        m[:, :-1] += m[:, 1:].copy()
        return m

    @njit
    def reverse(a):
        a[::-1] = a
        return a

    @njit
    def reverse_careful(a):
        a[:] = a[::-1].copy()
        return a

    @njit
    def reversed_add(y, k):
        y[:k] += ALPHA * y[k - 1::-1]
        return y

    @njit
    def floyd(d, k):
        d[:] = np.minimum(d, d[:, k:k + 1] + d[k:k + 1, :])
        return d

    # Numba reshapes contiguous arrays only.
    @njit
    def reshape_sum(x, c):
        return x.T.copy().reshape((-1, c)).sum(axis=1)

    @njit
    def hdiff(u, coeff, out):
        lap = 4.0 * u[:, 1:-1, 1:-1] - (u[:, 2:, 1:-1] + u[:, :-2, 1:-1] + u[:, 1:-1, 2:] + u[:, 1:-1, :-2])
        flx = lap[:, 1:-1, 1:] - lap[:, 1:-1, :-1]
        flx = np.where(flx * (u[:, 2:-2, 2:-1] - u[:, 2:-2, 1:-2]) > 0, 0.0, flx)
        fly = lap[:, 1:, 1:-1] - lap[:, :-1, 1:-1]
        fly = np.where(fly * (u[:, 2:-1, 2:-2] - u[:, 1:-2, 2:-2]) > 0, 0.0, fly)
        out[:] = u[:, 2:-2, 2:-2] - coeff * (flx[:, :, 1:] - flx[:, :, :-1] + fly[:, 1:, :] - fly[:, :-1, :])
        return out

    @njit
    def pairwise(a, b):
        return np.sqrt(((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)).sum(axis=1)

    first = {
        "masked_row_sum": lambda x, out: masked_row_sum(x), "variance": lambda x, out: variance(x), "softmax": softmax,
        "standardize": standardize, "add_transpose": add_transpose, "shift_add": shift_add, "shift_add_rows": shift_add,
        "shift_add_columns": shift_add_columns, "reverse": reverse, "reversed_add": lambda y: reversed_add(y, len(y)),
        "reversed_add_half": lambda y: reversed_add(y, len(y) // 2), "floyd": lambda d: floyd(d, d.shape[0] // 3),
        "reshape_sum": lambda x, out: reshape_sum(x, odd_width(x)), "reshape_sum_even": lambda x, out: reshape_sum(x, even_width(x)),
        "hdiff": hdiff, "pairwise": lambda a, b, out: pairwise(a, b),
    }
    return first, {"add_transpose": add_transpose_careful, "shift_add": shift_add_careful, "shift_add_rows": shift_add_careful,
                   "shift_add_columns": shift_add_columns_careful, "reverse": reverse_careful}


def loops():
    from numba import njit

    @njit
    def masked_row_sum(x, out):
        for i in range(x.shape[0]):
            total = 0.0
            for j in range(x.shape[1]):
                if x[i, j] > 0:
                    total += x[i, j] * x[i, j]
            out[i] = total
        return out

    @njit
    def moments(x, mean, var):
        n, m = x.shape
        mean[:] = 0.0
        for i in range(n):
            for j in range(m):
                mean[j] += x[i, j]
        mean /= n
        var[:] = 0.0
        for i in range(n):
            for j in range(m):
                var[j] += (x[i, j] - mean[j]) ** 2
        var /= n

    @njit
    def variance(x, out):
        moments(x, np.empty(x.shape[1]), out)
        return out

    @njit
    def softmax(x, out):
        for i in range(x.shape[0]):
            top = -np.inf
            for j in range(x.shape[1]):
                top = max(top, x[i, j])
            total = 0.0
            for j in range(x.shape[1]):
                out[i, j] = math.exp(x[i, j] - top)
                total += out[i, j]
            for j in range(x.shape[1]):
                out[i, j] /= total
        return out

    @njit
    def standardize(x, out):
        n, m = x.shape
        mean, std = np.empty(m), np.empty(m)
        moments(x, mean, std)
        std = np.sqrt(std)
        for i in range(n):
            for j in range(m):
                out[i, j] = (x[i, j] - mean[j]) / std[j]
        return out

    @njit
    def add_transpose(x):
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                x[i, j] += x[j, i]
        return x

    @njit
    def add_transpose_careful(x):
        for i in range(x.shape[0]):
            for j in range(i + 1):
                both = x[i, j] + x[j, i]
                x[i, j] = both
                x[j, i] = both
        return x

    @njit
    def shift_add(d):
        for i in range(1, d.shape[0]):
            d[i] += d[i - 1]
        return d

    @njit
    def shift_add_careful(d):
        for i in range(d.shape[0] - 1, 0, -1):
            d[i] += d[i - 1]
        return d

    @njit
    def shift_add_rows(d):
        for i in range(1, d.shape[0]):
            for j in range(d.shape[1]):
                d[i, j] += d[i - 1, j]
        return d

    @njit
    def shift_add_rows_careful(d):
        for i in range(d.shape[0] - 1, 0, -1):
            for j in range(d.shape[1]):
                d[i, j] += d[i - 1, j]
        return d

    @njit
    def shift_add_columns(m):
        for i in range(m.shape[0]):
            for j in range(m.shape[1] - 1):
                m[i, j] += m[i, j + 1]
        return m

    @njit
    def reverse(a):
        n = a.shape[0]
        for i in range(n):
            a[n - 1 - i] = a[i]
        return a

    @njit
    def reverse_careful(a):
        n = a.shape[0]
        for i in range(n // 2):
            a[i], a[n - 1 - i] = a[n - 1 - i], a[i]
        return a

    @njit
    def reversed_add(y, k):
        for i in range(k):
            y[i] += ALPHA * y[k - 1 - i]
        return y

    @njit
    def reversed_add_careful(y, k):
        for i in range((k + 1) // 2):
            low, high = y[i], y[k - 1 - i]
            y[i] = low + ALPHA * high
            y[k - 1 - i] = high + ALPHA * low
        return y

    @njit
    def floyd(d, k):
        for i in range(d.shape[0]):
            for j in range(d.shape[1]):
                d[i, j] = min(d[i, j], d[i, k] + d[k, j])
        return d

    @njit
    def reshape_sum(x, c, out):
        n = x.shape[0]
        for r in range(out.shape[0]):
            total = 0.0
            for q in range(r * c, (r + 1) * c):
                total += x[q % n, q // n]
            out[r] = total
        return out

    # Planes are independent, so one plane of each flux is enough.
    @njit
    def hdiff(u, coeff, out):
        nk, nj, ni = out.shape
        lap, flx, fly = np.empty((nj + 2, ni + 2)), np.empty((nj, ni + 1)), np.empty((nj + 1, ni))
        for k in range(nk):
            for j in range(nj + 2):
                for i in range(ni + 2):
                    lap[j, i] = 4.0 * u[k, j + 1, i + 1] - (u[k, j + 2, i + 1] + u[k, j, i + 1] + u[k, j + 1, i + 2] + u[k, j + 1, i])
            for j in range(nj):
                for i in range(ni + 1):
                    f = lap[j + 1, i + 1] - lap[j + 1, i]
                    flx[j, i] = 0.0 if f * (u[k, j + 2, i + 2] - u[k, j + 2, i + 1]) > 0 else f
            for j in range(nj + 1):
                for i in range(ni):
                    f = lap[j + 1, i + 1] - lap[j, i + 1]
                    fly[j, i] = 0.0 if f * (u[k, j + 2, i + 2] - u[k, j + 1, i + 2]) > 0 else f
            for j in range(nj):
                for i in range(ni):
                    out[k, j, i] = u[k, j + 2, i + 2] - coeff[k, j, i] * (flx[j, i + 1] - flx[j, i] + fly[j + 1, i] - fly[j, i])
        return out

    @njit
    def pairwise(a, b, out):
        for i in range(a.shape[0]):
            total = 0.0
            for j in range(b.shape[0]):
                total += math.sqrt((a[i, 0] - b[j, 0]) ** 2 + (a[i, 1] - b[j, 1]) ** 2 + (a[i, 2] - b[j, 2]) ** 2)
            out[i] = total
        return out

    first = {
        "masked_row_sum": masked_row_sum, "variance": variance, "softmax": softmax, "standardize": standardize,
        "add_transpose": add_transpose, "shift_add": shift_add, "shift_add_rows": shift_add_rows,
        "shift_add_columns": shift_add_columns, "reverse": reverse, "reversed_add": lambda y: reversed_add(y, len(y)),
        "reversed_add_half": lambda y: reversed_add(y, len(y) // 2), "floyd": lambda d: floyd(d, d.shape[0] // 3),
        "reshape_sum": lambda x, out: reshape_sum(x, odd_width(x), out),
        "reshape_sum_even": lambda x, out: reshape_sum(x, even_width(x), out),
        "hdiff": hdiff, "pairwise": pairwise,
    }
    return first, {"add_transpose": add_transpose_careful, "shift_add": shift_add_careful, "shift_add_rows": shift_add_rows_careful,
                   "reverse": reverse_careful, "reversed_add": lambda y: reversed_add_careful(y, len(y)),
                   "reversed_add_half": lambda y: reversed_add_careful(y, len(y) // 2)}
