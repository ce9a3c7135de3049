"""One file per claim of the README, each runnable alone: `python -m benchmarks.NAME`; all: `python -m benchmarks`."""
