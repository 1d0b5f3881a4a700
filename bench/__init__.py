"""asv benchmarks: what the runtime costs, as ratios to plain references where there is one."""

from pathlib import Path

#: The checkout. Whatever is started is started there: asv measures in a folder of its own.
ROOT = Path(__file__).parents[1]
