#!/usr/bin/env python3
"""Extra peak memory, over inputs and outputs, of NumPy, numexpr, Numba and JAX on one table of workloads.

    memory.py [-w WORKLOAD ...] [-p PEER ...] [--scale S] [--candidate 'CMD'] [--name NAME] [--json FILE]

What is measured, by every peer and by a candidate alike, in a fresh process for each workload and peer, on one processor:

1. Make the inputs at full size, and the output where the peer can write into one. Touch every page (fill the output with zeros).
2. Warm up: compile for the full sizes if the peer compiles for sizes (JAX: `jit(f).lower(*args).compile()`), then run the workload on
   small arrays of the same types, ranks and layouts, so that code, thread pools and lazy imports are in memory.
3. Give free memory back to the system (`malloc_trim(0)`), so that it does not serve the run unseen.
4. Write `5` to /proc/self/clear_refs, which sets VmHWM, the peak, to what is resident now. Read VmRSS.
5. Run once at full size. Read VmHWM.
6. extra = VmHWM - VmRSS - bytes of the output if the run allocated it.
7. Compare the result with NumPy's, made anew with copies of whatever is overwritten: equal within 1e-9 of the largest magnitude.

An update in place has no output: what it allocates is extra, also where a peer without assignment gives a new array back.

NumPy is given the text of the first column, and JAX the same under jit, with updates by `.at` and their argument donated. `numpy out=`
is what one writes with `out=` where memory is short, `numba` is array expressions under @njit (the reductions by axis that Numba lacks
put in other words), `numba loops` is loops by hand.

`wrong` means that the form one writes first reads elements that it has already overwritten, and gives another result than NumPy; the
figure after it is that of a careful form which is right. `-`: the peer cannot say it. Figures are in MB (10^6 bytes). Below 1 MB they
are noise: pages of code, and the kernel's counters, which lag by some pages a thread.

A candidate is called as `CMD WORKLOAD SCALE`, does steps 1 to 7 itself, and prints a line `extra BYTES` and a line `ok` or `wrong`;
or a line `-` if it cannot express the workload. On any other exit or output the cell is `error`. It is pinned to the same processor
as the peers.

Inputs are f64 in C order. Input number `seed` (from 1) of a workload has, at flat index i, with wrapping 64-bit arithmetic:

    z = (seed << 32) + i + 0x9E3779B97F4A7C15
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB
    z = z ^ (z >> 31)
    x = low + (high - low) * ((z >> 11) * 2**-53)

Sizes, with n(b) = max(8, floor(b * SCALE)) and s(b) = max(8, floor(b * sqrt(SCALE))), in [low, high):

    masked_row_sum     x [n(10000), 1000] in [-1, 1)                           -> [n]
    variance           x [n(10000), 1000] in [0, 1)                            -> [1000]
    softmax            x [n(10000), 1000] in [-4, 4)                           -> [n, 1000], over the last axis
    standardize        x [n(10000), 1000] in [0, 1)                            -> [n, 1000]
    add_transpose      x [s(3200), s(3200)] in [0, 1)                          updated
    shift_add          d [n(10000000)] in [0, 1)                               updated
    shift_add_rows     d [n(10000), 1000] in [0, 1)                            updated
    shift_add_columns  m [n(10000), 1000] in [0, 1)                            updated
    reverse            a [n(10000000)] in [0, 1)                               updated
    reversed_add       y [n(10000000)] in [0, 1), k = len, alpha = 0.75        updated
    reversed_add_half  the same, k = len // 2                                  updated
    floyd              d [s(3200), s(3200)] in [0, 1), k = s // 3              updated
    reshape_sum        x [n(4000), 3000] in [0, 1), c = 1500                   -> [n * 2]
    reshape_sum_even   x [2 * n(2000), 3000] in [0, 1), c = n(2000)            -> [6000]
    hdiff              u [n(80), 324, 324] in [0, 1), coeff [n, 320, 320] in [0, 0.05) -> [n, 320, 320]
    pairwise           a, b [s(6000), 3] in [0, 1)                             -> [s]
"""
import argparse
import ctypes
import gc
import json
import os
import pathlib
import shlex
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PEERS = ["numpy", "numpy out=", "numexpr", "numba", "numba loops", "jax"]
THREADS = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS"]


def resident(key):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(key + ":"))


def peak_over(run):
    """The result of run(), and how far resident memory rose above where it stood before."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")
    before = resident("VmRSS")
    result = run()
    return result, resident("VmHWM") - before


def prepare_jax(fn, workload, inputs, small):
    import warnings

    import jax
    jax.config.update("jax_enable_x64", True)
    # Where XLA does not use a donated argument, it says so at each compilation; the figure shows it.
    warnings.filterwarnings("ignore", message="Some donated buffers were not usable")
    # Copies, because JAX does not own memory that it shares with NumPy, and does not reuse it.
    args, tiny = ([jax.numpy.array(x, copy=True) for x in xs] for xs in (inputs, small))
    inputs.clear()
    jitted = jax.jit(fn, donate_argnums=(0,) if workload.update else ())
    compiled = jitted.lower(*args).compile()
    jax.block_until_ready(jitted(*tiny))
    return lambda: jax.block_until_ready(compiled(*args))


def child(name, peer, form, scale):
    """One measurement, as a JSON line; null where the peer has no such form of the workload."""
    import numpy as np

    from memory_workloads import TINY, WORKLOADS, peers
    workload = WORKLOADS[name]
    fn = peers()[peer]()[form].get(name)
    if fn is None:
        return None
    inputs, small = workload.make_inputs(scale), workload.make_inputs(TINY)
    out = None
    if peer == "jax":
        run = prepare_jax(fn, workload, inputs, small)
    elif workload.update:
        fn(*small)
        run = lambda: fn(*inputs)
    else:
        fn(*small, np.zeros(workload.out(*small)))
        if peer != "numpy":
            out = np.zeros(workload.out(*inputs))
            out.fill(0.0)
        run = lambda: fn(*inputs, out)
    result, extra = peak_over(run)
    if not workload.update and result is not out:
        extra -= result.nbytes
    want = workload.reference(*workload.make_inputs(scale))
    right = bool(np.abs(np.asarray(result) - want).max() <= 1e-9 * np.abs(want).max())
    return {"extra": max(0, extra), "right": right}


def call(cmd):
    env = os.environ | dict.fromkeys(THREADS, "1") | {"JAX_PLATFORMS": "cpu"}
    cpu = max(os.sched_getaffinity(0))
    return subprocess.run(cmd, capture_output=True, text=True, env=env, preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))


def measure(name, peer, form, scale):
    done = call([sys.executable, __file__, "--child", name, peer, str(form), "--scale", str(scale)])
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def peer_cell(name, peer, scale):
    """The first form; where it is wrong, the careful one too."""
    cell = measure(name, peer, 0, scale)
    if cell and cell.get("right") is False:
        cell = {"right": False, "careful": measure(name, peer, 1, scale)}
    return cell


def candidate_cell(command, name, scale):
    done = call([*shlex.split(command), name, str(scale)])
    lines = [line.split() for line in done.stdout.splitlines() if line.strip()]
    if ["-"] in lines:
        return None
    extra = next((int(line[1]) for line in lines if len(line) == 2 and line[0] == "extra"), None)
    if done.returncode or extra is None or (["ok"] in lines) == (["wrong"] in lines):
        return {"error": (done.stderr.strip().splitlines() or [f"exit {done.returncode}, output {done.stdout!r}"])[-1]}
    return {"extra": extra, "right": ["ok"] in lines}


def show(cell):
    if cell is None:
        return "-"
    if "error" in cell:
        return "error"
    if cell["right"]:
        return f"{cell['extra'] / 1e6:.1f}"
    careful = cell.get("careful")
    return "wrong" if careful is None else f"wrong; {show(careful)}"


def held(workload, shapes):
    """Bytes of inputs and output, found without making them."""
    import numpy as np
    stand_ins = [np.broadcast_to(0.0, shape) for shape in shapes]
    outs = [] if workload.update else [np.broadcast_to(0.0, workload.out(*stand_ins))]
    return sum(a.nbytes for a in stand_ins + outs)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("-w", "--workloads", nargs="*")
    ap.add_argument("-p", "--peers", nargs="*", default=PEERS, choices=PEERS)
    ap.add_argument("--scale", type=float, default=1.0)
    ap.add_argument("--candidate", metavar="CMD", help="one more column, measured by `CMD WORKLOAD SCALE`")
    ap.add_argument("--name", default="candidate", help="the heading of that column")
    ap.add_argument("--json", metavar="FILE", help="write the figures to this file too")
    ap.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    args = ap.parse_args()
    if args.child:
        name, peer, form = args.child
        print(json.dumps(child(name, peer, int(form), args.scale)))
        return
    from memory_workloads import WORKLOADS
    heads = args.peers + ([args.name] if args.candidate else [])
    print("| workload | in + out | " + " | ".join(heads) + " |")
    print("|---|---:|" + "---:|" * len(heads), flush=True)
    table, notes = [], []
    for name in args.workloads or WORKLOADS:
        workload = WORKLOADS[name]
        shapes = [shape for shape, *_ in workload.inputs(args.scale)]
        size = held(workload, shapes)
        cells = {peer: peer_cell(name, peer, args.scale) for peer in args.peers}
        if args.candidate:
            cells[args.name] = candidate_cell(args.candidate, name, args.scale)
        print(f"| {name}: `{workload.text}` | {size / 1e6:.1f} | " + " | ".join(show(cells[h]) for h in heads) + " |", flush=True)
        for head, cell in cells.items():
            inner = (cell or {}).get("careful") or cell
            if inner and "error" in inner:
                notes.append(f"{name}, {head}: {inner['error']}")
        table.append({"workload": name, "bytes": size, "scale": args.scale, "extra": cells})
    if notes:
        print("", *notes, sep="\n")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
