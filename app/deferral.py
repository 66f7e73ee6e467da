"""Keeps modules out of the process that a library imports for features of its own which nobody here uses."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class _StandIn(ModuleType):
    """A module that is imported when something in it is first asked for."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            raise AttributeError(f"{self.__name__} is not imported before its importer is done")
        return getattr(importlib.import_module(self.__name__), name)


def _late_function(full_name: str) -> Callable[..., Any]:
    """A function that gets the real one when it is first called: ``from MODULE import NAME`` must find something."""
    module, _, name = full_name.rpartition(".")

    def call(*arguments: Any, **named: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*arguments, **named)

    return call


@contextmanager
def deferred(*names: str, functions: Sequence[str] = ()) -> Iterator[None]:
    """Put off the import of modules that the body's imports name, until something in them is used.

    The standard library's ``LazyLoader`` does not serve: before Python 3.12 the import statement itself counts as use.

    Args:
        names: full names, of packages before those of the modules in them. Those that are imported already stay so.
        functions: full names of functions and classes that the imports take out of these modules, to be called only.
    """
    stand_ins = {name: _StandIn(name) for name in names if name not in sys.modules}
    for name, stand_in in stand_ins.items():
        package, _, last = name.rpartition(".")
        if package in stand_ins:
            setattr(stand_ins[package], last, stand_in)
        sys.modules[name] = stand_in
    for full_name in functions:
        module, _, function = full_name.rpartition(".")
        if module in stand_ins:
            setattr(stand_ins[module], function, _late_function(full_name))
    try:
        yield
    finally:
        for name in stand_ins:
            del sys.modules[name]
