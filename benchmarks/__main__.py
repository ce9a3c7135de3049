"""Runs every benchmark of this package, each in a process of its own: `python -m benchmarks [--quick] [NAME ...]`."""

from __future__ import annotations

import argparse
import pkgutil
import subprocess
import sys
from importlib import import_module

import benchmarks

_RUN = "import sys; from importlib import import_module as load; load(sys.argv[1]).main(quick=sys.argv[2] == '1')"


def names() -> list[str]:
    """The modules that have a `main(quick) -> numbers`."""
    found = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.name.startswith("_")]
    return [name for name in found if hasattr(import_module(f"benchmarks.{name}"), "main")]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes: minutes to seconds, rougher numbers")
    parser.add_argument("names", nargs="*", help="which ones; all when none is named")
    given = parser.parse_args()
    failed = []
    for name in given.names or names():
        print(f"\n== {name}", flush=True)
        command = [sys.executable, "-c", _RUN, f"benchmarks.{name}", "1" if given.quick else "0"]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nFailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
