"""Imports every function's modules at once, wherever one of them is opened.

A TaskManager keeps the packages that its first job has brought, with the path that they came
from, and Flink removes that path with the job. A second job, or the same after a fault, would not
find a module there that the first has not imported.
"""

from importlib import import_module

FUNCTIONS = (
    "udfs.accepted_skew",
    "udfs.count_demand",
    "udfs.decide_surge",
    "udfs.keep_balances",
    "udfs.rate_usage",
)


def load_all() -> None:
    """Import the modules of all functions, and what they import."""
    for name in FUNCTIONS:
        import_module(name)
