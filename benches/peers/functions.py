#!/usr/bin/env python3
"""Elementary functions of arrays, elements per ns on one thread: NumPy, Numba, JAX and C++ with libmvec.

    functions.py [--sizes N ...] [-f FUNCTION ...] [-p PEER ...] [--rounds R] [--seconds S] [--candidate 'CMD'] [--name NAME] [--json FILE]

exp, log, sin, tanh, pow and erf of f32 and f64, out = f(x) or f(x, y), into an array that is there already where the peer lets it be. At
4096 elements all arrays are in the first- or second-level cache, and what a call costs counts: that is part of the figure.
Numba's is a loop under njit; native is functions_native.cpp by `g++ -O3 -march=native -ffast-math`, which calls glibc's libmvec, whose
functions are off by up to 4 units in the last place. NumPy has no erf (SciPy has it), which is a dash.

Peers take turns, each in a process of its own on one processor. A function is called twice to warm up, then in 7 samples that take S
seconds together; the figure is that of the best sample of all rounds.

A candidate is called as `CMD FUNCTION_TYPE N SECONDS` (`exp_f32 4096 1.0`) and prints one line of JSON, `{"best": s, "checksum": c}`:
seconds per call, as above, and the sum of all results, computed in f64; or `null` for what it lacks. The sum is held against that of
results in f64 by C's functions, within 2e-6 (f32) and 1e-12 (f64, most of it for sums one by one) of that of magnitudes; the time of a wrong result is not shown.

Inputs, all rounded to the type: x[i] = u(1, low, high), y[i] = u(2, -5, 5), with u the hash of memory.py, and for x

    exp, sin  -10, 10    log  0, 100    tanh  -4, 4    pow  0, 10    erf  -3, 3
"""
import argparse
import json
import math
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

from memory_workloads import uniform

HERE = pathlib.Path(__file__).resolve().parent
RANGES = {"exp": (-10, 10), "log": (0, 100), "sin": (-10, 10), "tanh": (-4, 4), "pow": (0, 10), "erf": (-3, 3)}
TYPES = {"f32": np.float32, "f64": np.float64}
PEERS = ["numpy", "numba", "jax", "native"]
SIZES = [4096, 1_000_000]
TOLERANCE = {"f32": 2e-6, "f64": 1e-12}
ENVIRONMENT = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"], "1") | {
    "JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"}


def operands(function, kind, n):
    x = uniform(1, (n,), *RANGES[function]).astype(TYPES[kind])
    return [x, uniform(2, (n,), -5, 5).astype(TYPES[kind])] if function == "pow" else [x]


def exact(function, kind, n):
    """The sum of results and of their magnitudes."""
    values = [getattr(math, function)(*map(float, v)) for v in zip(*operands(function, kind, n))]
    return math.fsum(values), math.fsum(map(abs, values))


def numba_loop(function):
    import numba
    f = getattr(math, function)
    if function == "pow":
        def loop(x, y, out):
            for i in range(out.size):
                out[i] = f(x[i], y[i])
    else:
        def loop(x, out):
            for i in range(out.size):
                out[i] = f(x[i])
    return numba.njit(loop)


def prepare(peer, function, kind, n):
    """A function that computes all elements, and one that gives them; nothing where the peer lacks the function."""
    args, out = operands(function, kind, n), np.empty(n, TYPES[kind])
    if peer == "numpy":
        f = getattr(np, "power" if function == "pow" else function, None)
        return f and (lambda: f(*args, out=out), lambda: out)
    if peer == "numba":
        loop = numba_loop(function)
        return lambda: loop(*args, out), lambda: out
    import jax
    import jax.numpy as jnp
    jax.config.update("jax_enable_x64", True)
    f = jax.jit({"pow": jnp.power, "erf": jax.scipy.special.erf}.get(function) or getattr(jnp, function))
    args = [jnp.array(a, copy=True) for a in args]
    return lambda: jax.block_until_ready(f(*args)), lambda: np.asarray(f(*args))


def child(peer, workload, n, seconds):
    function, kind = workload.split("_")
    made = prepare(peer, function, kind, n)
    if not made:
        return None
    run, result = made

    def sample(calls):
        start = time.perf_counter()
        for _ in range(calls):
            run()
        return (time.perf_counter() - start) / calls
    sample(1)
    calls = max(1, int(seconds / 7 / max(sample(1), 1e-9)))
    best = min(sample(calls) for _ in range(7))
    return {"best": best, "checksum": math.fsum(map(float, result()))}


def call(cmd):
    """The JSON in the last line that a command prints, run on one processor."""
    cpu = max(os.sched_getaffinity(0))
    done = subprocess.run(cmd, capture_output=True, text=True, env=os.environ | ENVIRONMENT, preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
    try:
        if done.returncode == 0:
            return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        pass
    return {"error": (done.stderr.strip().splitlines() or [f"exit {done.returncode}, output {done.stdout!r}"])[-1]}


def compile_native(folder):
    """The command of the C++ program, or nothing and why."""
    compiler = shutil.which("g++")
    if not compiler:
        return None, "there is no g++"
    program = pathlib.Path(folder) / "functions_native"
    done = subprocess.run([compiler, "-O3", "-march=native", "-ffast-math", "-o", program, HERE / "functions_native.cpp"], capture_output=True, text=True)
    return (str(program), None) if done.returncode == 0 else (None, done.stderr.strip())


def figures(commands, workload, n, rounds, seconds):
    """The best time of each peer, and what was wrong."""
    kind = workload.split("_")[1]
    want, size = exact(*workload.split("_"), n)
    best, notes = {}, []
    for _ in range(rounds):
        for head, command in commands.items():
            got = call([*command, workload, str(n), str(seconds)])
            if got is None:
                continue
            if "error" in got:
                notes.append(f"{head}: {got['error']}")
            elif not abs(got["checksum"] - want) <= TOLERANCE[kind] * size:
                notes.append(f"{head}: the sum is {got['checksum']}, not {want}")
            else:
                best[head] = min(best.get(head, math.inf), got["best"])
    return best, list(dict.fromkeys(notes))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--sizes", type=int, nargs="*", default=SIZES, metavar="N")
    ap.add_argument("-f", "--functions", nargs="*", default=list(RANGES), choices=list(RANGES))
    ap.add_argument("-p", "--peers", nargs="*", default=PEERS, choices=PEERS)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--seconds", type=float, default=1.0)
    ap.add_argument("--candidate", metavar="CMD", help="one more column, measured by `CMD FUNCTION_TYPE N SECONDS`")
    ap.add_argument("--name", default="candidate", help="the heading of that column")
    ap.add_argument("--json", metavar="FILE", help="write the figures to this file too")
    ap.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    args = ap.parse_args()
    if args.child:
        peer, workload, n, seconds = args.child
        print(json.dumps(child(peer, workload, int(n), float(seconds))))
        return
    with tempfile.TemporaryDirectory() as folder:
        remarks, table = [], []
        commands = {p: [sys.executable, __file__, "--child", p] for p in args.peers if p != "native"}
        if "native" in args.peers:
            program, fault = compile_native(folder)
            if program:
                commands["native"] = [program]
            else:
                remarks.append(f"native: {fault}")
        if args.candidate:
            commands[args.name] = shlex.split(args.candidate)
        print("| function | elements | " + " | ".join(commands) + " |")
        print("|---|---:|" + "---:|" * len(commands), flush=True)
        for n in args.sizes:
            for workload in (f"{f}_{t}" for f in args.functions for t in TYPES):
                best, notes = figures(commands, workload, n, args.rounds, args.seconds)
                cells = [f"{n / best[h] * 1e-9:.3g}" if h in best else "-" for h in commands]
                print(f"| `{workload.replace('_', '` `')}` | {n:,} | " + " | ".join(cells) + " |", flush=True)
                remarks += [f"{workload} of {n}, {note}" for note in notes]
                table.append({"workload": workload, "elements": n, "seconds": best, "notes": notes})
        if remarks:
            print("", *remarks, sep="\n")
        if args.json:
            pathlib.Path(args.json).write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
