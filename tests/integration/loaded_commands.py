"""What `command_processes` forks from: every command's module, imported."""

from importlib import import_module

from tollgate.cli import COMMANDS

for _place in COMMANDS.values():
    import_module(f"tollgate.commands.{_place.partition(':')[0]}")
