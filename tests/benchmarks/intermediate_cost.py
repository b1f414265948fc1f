"""What intermediate data in the run's volume costs, beside `pickle.dump` to a plain file of the same folder.

    python tests/benchmarks/intermediate_cost.py FOLDER [MEGABYTES]

Each object is written and read in turn by both, to new files each time. Peak memory is what writing takes beyond the
object itself, in a process of its own. The column `gzip` is what its fastest level takes instead of plain writing.
"""

import gzip
import pickle
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kedro_airflow_k8s.image.intermediate import IntermediateDataset
from kedro_airflow_k8s.image.store import Store

RUNS = 7
OBJECTS: dict[str, Callable[[int], Any]] = {
    "DataFrame": lambda size: pd.DataFrame(np.random.default_rng(1).random((size * 131_072 // 10, 10))),
    "array": lambda size: np.random.default_rng(1).random(size * 131_072),
    "list of dicts": lambda size: [{"id": i, "name": f"item {i}", "price": i / 7} for i in range(size * 25_000)],
}


def seconds(act: Callable[..., Any], *arguments: Any) -> float:
    """Return how long a call takes."""
    started = time.perf_counter()
    act(*arguments)
    return time.perf_counter() - started


def dump(value: Any, file: Path, packed: bool = False) -> None:
    """Pickle to a plain file, or to one that is compressed."""
    with gzip.open(file, "wb", compresslevel=1) if packed else file.open("wb") as stream:
        pickle.dump(value, stream, protocol=5)


def load(file: Path) -> Any:
    """Return what was pickled to a plain file."""
    with file.open("rb") as stream:
        return pickle.load(stream)


def main(folder: Path, size: int) -> None:
    """Print a row for each kind of object."""
    print(f"{size} MB each, medians of {RUNS}: plugin / pickle")
    for name, make in OBJECTS.items():
        value = make(size)
        figures: dict[str, list[float]] = {"write": [], "read": []}
        for number in range(RUNS):
            ours = IntermediateDataset(f"{name} {number}", "task", Store(str(folder / "store")))
            plain = folder / f"{name} {number}.pkl"
            plainly = seconds(dump, value, plain)
            figures["write"].append(seconds(ours.save, value) / plainly)
            figures["read"].append(seconds(ours.load) / seconds(load, plain))
            for file in (plain, *(folder / "store").iterdir()):
                file.unlink()
        packed = folder / "packed"
        figures["gzip"] = [seconds(dump, value, packed, True) / plainly]
        packed.unlink()
        command = [sys.executable, __file__, str(folder), str(size), name]
        memory = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        ratios = ", ".join(f"{kind} {statistics.median(values):.2f}" for kind, values in figures.items())
        print(f"{name}: {ratios}, peak memory {memory}")


def peak(folder: Path, size: int, name: str) -> None:
    """Print how much more memory writing takes than the object itself, as a multiple of it."""
    value = OBJECTS[name](size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    IntermediateDataset(name, "task", Store(str(folder / "store"))).save(value)
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"+{more / 1024 / size:.2f} of the object")


if __name__ == "__main__":
    target, megabytes = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200
    peak(target, megabytes, sys.argv[3]) if len(sys.argv) > 3 else main(target, megabytes)
