"""How long a hook takes before a commit, against the hooks of its two scanners, one after the other, in the same run.

    python benchmarks/staged.py FOLDER

The folder, such as an unpacked source archive, is copied and committed. Then some of its Python files get a function
more and are staged: as many as `--files` says, picked evenly by their names. Each side is run in turn, so often as
`--repeat` says, and the medians of the wall times are compared.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import by_hand

MORE = '\n\ndef more(folder):\n    """Say it again."""\n    return sorted(folder.iterdir())\n'
LARGEST = 40_000
"""Bytes; larger files are seldom touched."""


def main() -> None:
    """Measure, and print a line for each number of files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, nargs="+", default=[1, 3, 10, 20])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    print(f"{'files':>5} {'bytes':>8} {'by hand':>8} {'fixby':>8} {'ratio':>6}")
    with TemporaryDirectory() as name:
        folder = Path(name) / "repository"
        shutil.copytree(given.folder, folder, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        git(folder, "init", "--quiet")
        git(folder, "add", "--all", "--force")
        git(folder, "commit", "--quiet", "-m", "base")
        for number in given.files:
            measure(folder, number, given.repeat)
            git(folder, "reset", "--quiet", "--hard")


def measure(folder: Path, number: int, repeat: int) -> None:
    """Stage changes to so many files, and compare what both sides take for them."""
    files = [file for file in sorted(folder.rglob("*.py")) if file.is_file() and file.stat().st_size < LARGEST]
    chosen = files[:: max(len(files) // number, 1)][:number]
    for file in chosen:
        with file.open("a") as stream:
            stream.write(MORE)
    git(folder, "add", "--update")
    names = [str(file.relative_to(folder)) for file in chosen]
    python = (sys.executable, "-m")
    hooks = ((*python, "detect_secrets.pre_commit_hook", *names), (*python, "bandit", "--quiet", *names))
    fixby = (str(Path(sys.executable).with_name("fixby")), "scan", "--staged")
    walls = [
        (sum(by_hand.run(hook, folder).wall for hook in hooks), by_hand.run(fixby, folder).wall) for _ in range(repeat)
    ]
    hand, ours = (median(side) for side in zip(*walls, strict=True))
    size = sum(file.stat().st_size for file in chosen)
    print(f"{number:5} {size:8} {hand:7.2f}s {ours:7.2f}s {ours / hand:6.2f}")


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder, as somebody."""
    somebody = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org", "-c", "core.hooksPath=/dev/null")
    subprocess.run(["git", *somebody, *arguments], cwd=folder, check=True, capture_output=True)


if __name__ == "__main__":
    main()
