"""Imports every function's modules at once, wherever one of them is opened.

A TaskManager keeps the packages that its first job has brought, with the path that they came
from, and Flink removes that path with the job. A second job, or the same after a fault, would not
find a module there that the first has not imported.
"""

import gc
from importlib import import_module

FUNCTIONS = (
    "udfs.accepted_terms",
    "udfs.count_demand",
    "udfs.decide_subscriptions",
    "udfs.decide_surge",
    "udfs.invoice_facts",
    "udfs.keep_balances",
    "udfs.keep_surge",
    "udfs.rate_usage",
)


def load_all() -> None:
    """Import the modules of all functions, and what they import."""
    for name in FUNCTIONS:
        import_module(name)
    collect_rarely()


def collect_rarely() -> None:
    """Look for cycles of objects a hundred times less often: a frame's objects hold none, and are many.

    What is frozen is never looked at, the function that is being opened included. One that has ended is part of a
    cycle: without `unfreeze` it would stay for good, with all that it holds of Flink's objects.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(70_000, 20, 100)
