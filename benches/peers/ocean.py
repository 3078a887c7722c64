#!/usr/bin/env python3
"""Time per step of a program after the pattern of ocean models: NumPy, Numba and JAX, on one thread.

    ocean.py [--sizes NX,NY,NZ ...] [-p PEER ...] [--rounds R] [--candidate 'CMD'] [--name NAME] [--json FILE]

ocean_body.py.txt is the program: straight-line NumPy over fields [nx, ny, nz], most of it assignments to regions. NumPy runs it as it
is. JAX runs it under jit with each assignment to a region turned into `.at[region].set` or `.add` and the state donated. Numba's is
ocean_numba.py, with a loop nest for each statement.

Before anything is timed, all are stepped 10 times from the same state and must agree with NumPy within 1e-12 of each field's largest
magnitude, and NumPy is stepped 100 times on a small grid, after which no field may exceed 10 in magnitude.

Peers take turns, each in a process of its own on one processor. A process steps 3 times to warm up, then measures for 2 s or 7 steps,
whichever is more, each step by itself; the figure is the least over all rounds, in ms. All arrays, temporaries included where the peer
lets them be kept, are made before.

A candidate is called as `CMD NX NY NZ` and prints `seconds S`, the least time of one step, measured as above, and `checksum U V T E`:
after exactly 10 steps from the initial state, the sum of squares of u, v, trc and eng, each of which is held against NumPy's within
1e-10 relative; the time of a wrong result is not shown.

The initial state, all f64 in C order. h(seed, i) is the hash of memory.py: u(seed, low, high) below has low + (high - low) * h(seed, i)
at flat index i, where h = ((z >> 11) * 2**-53) and, with wrapping 64-bit arithmetic,

    z = (seed << 32) + i + 0x9E3779B97F4A7C15
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB
    z = z ^ (z >> 31)

    bottom [nx, ny]    floor(u(1, 0, 1) * (nz // 4))
    mc [nx, ny, nz]    1 where k >= bottom[i, j], else 0
    mu                 mc[i, j, k] * mc[i + 1, j, k], 0 at the last i
    mv                 mc[i, j, k] * mc[i, j + 1, k], 0 at the last j
    mw                 mc[i, j, k] * mc[i, j, k + 1], 0 at the last k
    u                  u(2, -0.2, 0.2) * mu
    v                  u(3, -0.2, 0.2) * mv
    trc                u(4, 0, 1) * mc
    eng                u(5, 0, 0.1) * mc
    tau [nx, ny]       u(6, -1, 1)
"""
import argparse
import ast
import json
import os
import pathlib
import shlex
import subprocess
import sys
import textwrap
import time

import numpy as np

from memory_workloads import uniform

HERE = pathlib.Path(__file__).resolve().parent
BODY = (HERE / "ocean_body.py.txt").read_text()
NAMES = ["u", "v", "trc", "eng", "mc", "mu", "mv", "mw", "tau"]
STATE = NAMES[:4]
PEERS = ["numpy", "numba", "jax"]
SIZES = [(128, 128, 32), (256, 256, 64)]
CHECKED_STEPS = 10
ENVIRONMENT = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"], "1") | {
    "JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"}


def initial(nx, ny, nz):
    shape = nx, ny, nz
    bottom = np.floor(uniform(1, (nx, ny), 0.0, 1.0) * (nz // 4))
    mc = (np.arange(nz) >= bottom[:, :, None]).astype(np.float64)
    mu, mv, mw = (np.zeros(shape) for _ in range(3))
    mu[:-1] = mc[:-1] * mc[1:]
    mv[:, :-1] = mc[:, :-1] * mc[:, 1:]
    mw[:, :, :-1] = mc[:, :, :-1] * mc[:, :, 1:]
    u, v = uniform(2, shape, -0.2, 0.2) * mu, uniform(3, shape, -0.2, 0.2) * mv
    trc, eng = uniform(4, shape, 0.0, 1.0) * mc, uniform(5, shape, 0.0, 0.1) * mc
    return [u, v, trc, eng, mc, mu, mv, mw, uniform(6, (nx, ny), -1.0, 1.0)]


def define(body, scope):
    """The body as a function: names assigned to are local to it, as they are in a user's function."""
    source = f"def step({', '.join(NAMES)}):\n{textwrap.indent(body, '    ')}\n    return {', '.join(STATE)}\n"
    exec(compile(source, "ocean_body.py.txt", "exec"), scope)
    return scope["step"]


class Functional(ast.NodeTransformer):
    """`x[r] = y` as `x = x.at[r].set(y)`, and `+=`, `-=` likewise, which is how JAX has assignment to a region."""

    METHODS = {ast.Add: "add", ast.Sub: "subtract"}

    def replace(self, target, method, value):
        array, region = ast.unparse(target).split("[", 1)
        return ast.parse(f"{array} = {array}.at[{region}.{method}({ast.unparse(value)})").body[0]

    def visit_Assign(self, node):
        return self.replace(node.targets[0], "set", node.value) if isinstance(node.targets[0], ast.Subscript) else node

    def visit_AugAssign(self, node):
        return self.replace(node.target, self.METHODS[type(node.op)], node.value) if isinstance(node.target, ast.Subscript) else node


def prepare(peer, arrays):
    """A function that does one step, and one that gives the state as NumPy arrays."""
    if peer == "numpy":
        step = define(BODY, {"np": np})
        return lambda: step(*arrays), lambda: arrays[:4]
    if peer == "numba":
        import ocean_numba
        step = ocean_numba.make_step(arrays[0].shape)
        return lambda: step(*arrays), lambda: arrays[:4]
    import jax
    import jax.numpy as jnp
    jax.config.update("jax_enable_x64", True)
    text = ast.unparse(Functional().visit(ast.parse(BODY)))
    step = jax.jit(define(text, {"np": jnp}), donate_argnums=range(4))
    # Copies: memory that is NumPy's is not donated.
    arrays[:] = [jnp.array(a, copy=True) for a in arrays]

    def run():
        arrays[:4] = jax.block_until_ready(step(*arrays))
    return run, lambda: [np.asarray(a) for a in arrays[:4]]


def child(peer, size, seconds):
    run, state = prepare(peer, initial(*size))
    for _ in range(CHECKED_STEPS):
        run()
    sums = [float((s * s).sum()) for s in state()]
    for _ in range(3):
        run()
    samples, end = [], time.perf_counter() + seconds
    while len(samples) < 7 or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        samples.append(time.perf_counter() - start)
    return {"seconds": min(samples), "checksum": sums}


def check(peers, size):
    """All peers against NumPy after some steps; a list of what is wrong."""
    faults, fields = [], {}
    for peer in ["numpy"] + [p for p in peers if p != "numpy"]:
        run, state = prepare(peer, initial(*size))
        for _ in range(CHECKED_STEPS):
            run()
        fields[peer] = state()
        for name, have, want in zip(STATE, fields[peer], fields["numpy"]):
            error = np.abs(have - want).max() / np.abs(want).max()
            if not error <= 1e-12:
                faults.append(f"{peer}: {name} differs from NumPy's by {error:.1e} of its largest magnitude")
    return faults


def check_bounded():
    run, state = prepare("numpy", initial(24, 20, 12))
    for _ in range(100):
        run()
    return [f"{name} has reached {np.abs(s).max():.3g} after 100 steps" for name, s in zip(STATE, state()) if not np.abs(s).max() <= 10.0]


def call(cmd):
    cpu = max(os.sched_getaffinity(0))
    env = os.environ | ENVIRONMENT
    return subprocess.run(cmd, capture_output=True, text=True, env=env, preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))


def measure(peer, size, seconds):
    done = call([sys.executable, __file__, "--child", peer, ",".join(map(str, size)), "--seconds", str(seconds)])
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {"error": done.stderr.strip().splitlines()[-1]}


def measure_candidate(command, size):
    done = call([*shlex.split(command), *map(str, size)])
    lines = {words[0]: words[1:] for line in done.stdout.splitlines() if (words := line.split())}
    if done.returncode or "seconds" not in lines or len(lines.get("checksum", [])) != len(STATE):
        return {"error": (done.stderr.strip().splitlines() or [f"exit {done.returncode}, output {done.stdout!r}"])[-1]}
    return {"seconds": float(lines["seconds"][0]), "checksum": [float(x) for x in lines["checksum"]]}


def compare(sums, wanted):
    return all(abs(have - want) <= 1e-10 * abs(want) for have, want in zip(sums, wanted))


def sizes_of(text):
    nx, ny, nz = map(int, text.replace("x", ",").split(","))
    return nx, ny, nz


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--sizes", nargs="*", type=sizes_of, default=SIZES, metavar="NX,NY,NZ")
    ap.add_argument("-p", "--peers", nargs="*", default=PEERS, choices=PEERS)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--seconds", type=float, default=2.0)
    ap.add_argument("--candidate", metavar="CMD", help="one more column, measured by `CMD NX NY NZ`")
    ap.add_argument("--name", default="candidate", help="the heading of that column")
    ap.add_argument("--json", metavar="FILE", help="write the figures to this file too")
    ap.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    ap.add_argument("--check", action="store_true", help="compare the peers' results and stop")
    args = ap.parse_args()
    if args.child:
        print(json.dumps(child(args.child[0], sizes_of(args.child[1]), args.seconds)))
        return
    if args.check:
        sys.exit("\n".join(check(args.peers, (48, 40, 16)) + check_bounded()) or None)
    # In another process, because JAX has threads, and a process with threads should not fork.
    checked = call([sys.executable, __file__, "--check", "-p", *args.peers])
    if checked.returncode:
        sys.exit(checked.stderr)
    heads = args.peers + ([args.name] if args.candidate else [])
    print("| size | state and masks | " + " | ".join(f"{h} ms" for h in heads) + " |")
    print("|---|---:|" + "---:|" * len(heads), flush=True)
    table, remarks = [], []
    for size in args.sizes:
        best, notes, wanted = {}, [], None
        # NumPy's checksums are needed also where it is not asked for.
        for _ in range(args.rounds):
            for head in heads if "numpy" in heads or wanted else ["numpy", *heads]:
                got = measure_candidate(args.candidate, size) if head == args.name else measure(head, size, args.seconds)
                if "error" in got:
                    notes.append(f"{head}: {got['error']}")
                    continue
                if head == "numpy":
                    wanted = got["checksum"]
                elif wanted and not compare(got["checksum"], wanted):
                    notes.append(f"{head}: checksum {got['checksum']}, NumPy's {wanted}")
                    continue
                best[head] = min(best.get(head, float("inf")), got["seconds"])
        megabytes = 8e-6 * size[0] * size[1] * (8 * size[2] + 1)
        cells = [f"{best[h] * 1e3:.2f}" if h in best else "error" for h in heads]
        remarks += [f"{'x'.join(map(str, size))}, {note}" for note in dict.fromkeys(notes)]
        print(f"| {'x'.join(map(str, size))} | {megabytes:.1f} MB | " + " | ".join(cells) + " |", flush=True)
        table.append({"size": size, "seconds": best, "checksum": wanted, "notes": notes})
    if remarks:
        print("", *remarks, sep="\n")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
