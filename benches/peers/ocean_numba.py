"""The step of ocean_body.py.txt for Numba, by hand: one loop nest for each statement, temporary arrays made once by the caller.

A region that no statement writes stays zero from the start; only the tendencies, to which whole arrays are added, are zeroed in each step.
"""
import math

import numpy as np
from numba import njit

# With Python's rule for division, every quotient is a branch that keeps a loop from being vectorized.
jit = njit(error_model="numpy")

TEMPORARIES = 23


def make_step(shape):
    """A function of the state, the masks and tau that does one step in place."""
    work = tuple(np.zeros(shape) for _ in range(TEMPORARIES))
    return lambda *args: step(*args, *work)


@jit
def limiter(r):
    return max(0.0, max(min(1.0, 2.0 * r), min(2.0, r)))


@jit
def step(u, v, trc, eng, mc, mu, mv, mw, tau, prs, gpx, gpy, vatu, uatv, div, shr, vis, wvel, du, dv,
         dtx, ratx, limx, flx, dty, raty, limy, fly, flz, dtrc, deng, smooth):
    nx, ny, nz = u.shape

    for i in range(nx):
        for j in range(ny):
            for k in range(nz - 1):
                prs[i, j, k] = 0.5 * (trc[i, j, k] + trc[i, j, k + 1])
    for i in range(nx):
        for j in range(ny):
            prs[i, j, nz - 1] = trc[i, j, nz - 1]
    for i in range(nx - 1):
        for j in range(ny):
            for k in range(nz):
                gpx[i, j, k] = (prs[i + 1, j, k] - prs[i, j, k]) * mu[i, j, k]
    for i in range(nx):
        for j in range(ny - 1):
            for k in range(nz):
                gpy[i, j, k] = (prs[i, j + 1, k] - prs[i, j, k]) * mv[i, j, k]

    for i in range(nx - 1):
        for j in range(1, ny):
            for k in range(nz):
                vatu[i, j, k] = 0.25 * (v[i, j, k] + v[i + 1, j, k] + v[i, j - 1, k] + v[i + 1, j - 1, k])
    for i in range(nx - 1):
        for k in range(nz):
            vatu[i, 0, k] = 0.5 * (v[i, 0, k] + v[i + 1, 0, k])
    for i in range(1, nx):
        for j in range(ny - 1):
            for k in range(nz):
                uatv[i, j, k] = 0.25 * (u[i, j, k] + u[i, j + 1, k] + u[i - 1, j, k] + u[i - 1, j + 1, k])
    for j in range(ny - 1):
        for k in range(nz):
            uatv[0, j, k] = 0.5 * (u[0, j, k] + u[0, j + 1, k])

    for i in range(1, nx):
        for j in range(1, ny):
            for k in range(nz):
                div[i, j, k] = (u[i, j, k] - u[i - 1, j, k] + v[i, j, k] - v[i, j - 1, k]) * mc[i, j, k]
    for i in range(nx - 1):
        for j in range(ny - 1):
            for k in range(nz):
                shr[i, j, k] = u[i, j + 1, k] - u[i, j, k] + v[i + 1, j, k] - v[i, j, k]
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                vis[i, j, k] = min(0.05 + 0.5 * math.sqrt(div[i, j, k] * div[i, j, k] + shr[i, j, k] * shr[i, j, k] + 1e-4), 0.5)
    for j in range(ny):
        for k in range(nz):
            vis[0, j, k] = vis[1, j, k]
    for i in range(nx):
        for k in range(nz):
            vis[i, 0, k] = vis[i, 1, k]

    for i in range(nx):
        for j in range(ny):
            for k in range(nz - 1):
                wvel[i, j, k] = -0.5 * (div[i, j, k] + div[i, j, k + 1]) * mw[i, j, k]

    du[:] = 0.0
    for i in range(1, nx - 1):
        for j in range(1, ny - 1):
            for k in range(nz):
                du[i, j, k] = vis[i, j, k] * (u[i + 1, j, k] + u[i - 1, j, k] + u[i, j + 1, k] + u[i, j - 1, k] - 4.0 * u[i, j, k])
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                du[i, j, k] += 0.1 * vatu[i, j, k] - 0.3 * gpx[i, j, k]
    for i in range(nx):
        for j in range(ny):
            for k in range(1, nz - 1):
                du[i, j, k] += 0.05 * (u[i, j, k + 1] - 2.0 * u[i, j, k] + u[i, j, k - 1])
    for i in range(nx):
        for j in range(ny):
            du[i, j, nz - 1] += 0.02 * tau[i, j]
    for i in range(nx):
        for j in range(ny):
            du[i, j, 0] -= 0.5 * abs(u[i, j, 0]) * u[i, j, 0]
    dv[:] = 0.0
    for i in range(1, nx - 1):
        for j in range(1, ny - 1):
            for k in range(nz):
                dv[i, j, k] = vis[i, j, k] * (v[i + 1, j, k] + v[i - 1, j, k] + v[i, j + 1, k] + v[i, j - 1, k] - 4.0 * v[i, j, k])
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                dv[i, j, k] -= 0.1 * uatv[i, j, k] + 0.3 * gpy[i, j, k]
    for i in range(nx):
        for j in range(ny):
            for k in range(1, nz - 1):
                dv[i, j, k] += 0.05 * (v[i, j, k + 1] - 2.0 * v[i, j, k] + v[i, j, k - 1])
    for i in range(nx):
        for j in range(ny):
            dv[i, j, 0] -= 0.5 * abs(v[i, j, 0]) * v[i, j, 0]

    for i in range(nx - 1):
        for j in range(ny):
            for k in range(nz):
                dtx[i, j, k] = (trc[i + 1, j, k] - trc[i, j, k]) * mu[i, j, k]
    for i in range(1, nx - 1):
        for j in range(ny):
            for k in range(nz):
                up = dtx[i - 1, j, k] if u[i, j, k] > 0.0 else dtx[i + 1, j, k]
                ratx[i, j, k] = up * dtx[i, j, k] / (dtx[i, j, k] * dtx[i, j, k] + 1e-10)
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                limx[i, j, k] = limiter(ratx[i, j, k])
    for i in range(nx - 1):
        for j in range(ny):
            for k in range(nz):
                held = 0.5 * abs(u[i, j, k]) * (1.0 - limx[i, j, k]) * dtx[i, j, k]
                flx[i, j, k] = 0.5 * u[i, j, k] * (trc[i + 1, j, k] + trc[i, j, k]) - held
    for i in range(nx):
        for j in range(ny - 1):
            for k in range(nz):
                dty[i, j, k] = (trc[i, j + 1, k] - trc[i, j, k]) * mv[i, j, k]
    for i in range(nx):
        for j in range(1, ny - 1):
            for k in range(nz):
                up = dty[i, j - 1, k] if v[i, j, k] > 0.0 else dty[i, j + 1, k]
                raty[i, j, k] = up * dty[i, j, k] / (dty[i, j, k] * dty[i, j, k] + 1e-10)
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                limy[i, j, k] = limiter(raty[i, j, k])
    for i in range(nx):
        for j in range(ny - 1):
            for k in range(nz):
                held = 0.5 * abs(v[i, j, k]) * (1.0 - limy[i, j, k]) * dty[i, j, k]
                fly[i, j, k] = 0.5 * v[i, j, k] * (trc[i, j + 1, k] + trc[i, j, k]) - held
    for i in range(nx):
        for j in range(ny):
            for k in range(nz - 1):
                flz[i, j, k] = (trc[i, j, k] if wvel[i, j, k] > 0.0 else trc[i, j, k + 1]) * wvel[i, j, k]

    dtrc[:] = 0.0
    for i in range(1, nx):
        for j in range(1, ny):
            for k in range(nz):
                dtrc[i, j, k] = flx[i - 1, j, k] - flx[i, j, k] + fly[i, j - 1, k] - fly[i, j, k]
    for i in range(nx):
        for j in range(ny):
            for k in range(1, nz):
                dtrc[i, j, k] += flz[i, j, k - 1] - flz[i, j, k]
    for i in range(nx):
        for j in range(ny):
            dtrc[i, j, 0] -= flz[i, j, 0]
    for i in range(1, nx - 1):
        for j in range(1, ny - 1):
            for k in range(nz):
                dtrc[i, j, k] += vis[i, j, k] * (dtx[i, j, k] - dtx[i - 1, j, k] + dty[i, j, k] - dty[i, j - 1, k])
    for i in range(nx):
        for j in range(ny):
            dtrc[i, j, nz - 1] += 0.1 * (0.5 - trc[i, j, nz - 1])

    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                made = 0.2 * (shr[i, j, k] * shr[i, j, k] + div[i, j, k] * div[i, j, k])
                deng[i, j, k] = made - 0.3 * eng[i, j, k] * math.sqrt(max(eng[i, j, k], 0.0))
    for i in range(nx):
        for j in range(ny):
            for k in range(1, nz - 1):
                deng[i, j, k] += 0.2 * (eng[i, j, k + 1] - 2.0 * eng[i, j, k] + eng[i, j, k - 1])
    for i in range(nx):
        for j in range(ny):
            deng[i, j, nz - 1] += 0.01 * abs(tau[i, j])

    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                u[i, j, k] = max(-0.5, min(0.5, 0.99 * u[i, j, k] + 0.1 * du[i, j, k])) * mu[i, j, k]
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                v[i, j, k] = max(-0.5, min(0.5, 0.99 * v[i, j, k] + 0.1 * dv[i, j, k])) * mv[i, j, k]
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                trc[i, j, k] += 0.1 * dtrc[i, j, k] * mc[i, j, k]
    # The neighbours are read before any of them changes, so this statement takes a temporary array and a second nest.
    for i in range(1, nx - 1):
        for j in range(1, ny - 1):
            for k in range(nz):
                around = trc[i + 1, j, k] + trc[i - 1, j, k] + trc[i, j + 1, k] + trc[i, j - 1, k]
                smooth[i, j, k] = 0.01 * (around - 4.0 * trc[i, j, k]) * mc[i, j, k]
    for i in range(1, nx - 1):
        for j in range(1, ny - 1):
            for k in range(nz):
                trc[i, j, k] += smooth[i, j, k]
    for j in range(ny):
        for k in range(nz):
            trc[0, j, k] = trc[1, j, k]
    for j in range(ny):
        for k in range(nz):
            trc[nx - 1, j, k] = trc[nx - 2, j, k]
    for i in range(nx):
        for k in range(nz):
            trc[i, 0, k] = trc[i, 1, k]
    for i in range(nx):
        for k in range(nz):
            trc[i, ny - 1, k] = trc[i, ny - 2, k]
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                eng[i, j, k] += 0.1 * deng[i, j, k] * mc[i, j, k]
