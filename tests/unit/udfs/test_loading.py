"""Every module of a function is loaded with any of them."""

import sys
from pathlib import Path
from weakref import ref

import udfs
from udfs.loading import FUNCTIONS, collect_rarely, load_all

FLINK = "from pyflink.datastream.functions import"


class Function:
    """Part of a cycle, as one that gives a method of its own to what it holds."""

    def __init__(self) -> None:
        self.register_timer = self.process_element

    def process_element(self) -> None:
        """Do nothing."""


def test_the_list_has_every_module_that_holds_a_flink_function() -> None:
    modules = Path(udfs.__file__).parent.glob("*.py")
    assert {f"udfs.{path.stem}" for path in modules if FLINK in path.read_text()} == set(FUNCTIONS)


def test_all_of_them_are_loaded() -> None:
    load_all()
    assert set(FUNCTIONS) <= sys.modules.keys()


def test_a_function_that_has_ended_goes_as_the_next_one_opens() -> None:
    function = Function()
    collect_rarely()
    ended = ref(function)
    del function
    collect_rarely()
    assert ended() is None
