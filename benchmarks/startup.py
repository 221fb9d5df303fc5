"""How long commands take to start, against `python -c "import typer"` in the same run; the median of several.

python benchmarks/startup.py
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from storing import stored

RUNS = 15


def main() -> None:
    """Measure `fixby --help`, and `fixby gate` on a store of 100,000 findings."""
    with TemporaryDirectory() as name:
        store = Path(name) / "fixby.db"
        stored(store, 100_000)
        fixby = (str(Path(sys.executable).with_name("fixby")),)
        reference = (sys.executable, "-c", "import typer")
        cases = {
            "import typer": reference,
            "fixby --help": (*fixby, "--help"),
            "fixby gate, 100,000 findings": (*fixby, "gate", name, "--store", str(store)),
        }
        times: dict[str, list[float]] = {label: [] for label in cases}
        for _ in range(RUNS):
            for label, command in cases.items():
                times[label].append(_seconds(command))
    base = statistics.median(times["import typer"])
    for label, measured in times.items():
        median = statistics.median(measured)
        print(f"{label:<32} {median:6.3f} s  {median / base:5.2f}")


def _seconds(command: tuple[str, ...]) -> float:
    started = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.monotonic() - started


if __name__ == "__main__":
    main()
