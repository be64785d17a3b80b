"""Every module of a function is loaded with any of them."""

import sys
from pathlib import Path

import udfs
from udfs.loading import FUNCTIONS, load_all

FLINK = "from pyflink.datastream.functions import"


def test_the_list_has_every_module_that_holds_a_flink_function() -> None:
    modules = Path(udfs.__file__).parent.glob("*.py")
    assert {f"udfs.{path.stem}" for path in modules if FLINK in path.read_text()} == set(FUNCTIONS)


def test_all_of_them_are_loaded() -> None:
    load_all()
    assert set(FUNCTIONS) <= sys.modules.keys()
