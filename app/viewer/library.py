"""Loads Open3D, without what it imports for notebooks and browsers. The only importer of open3d."""

from __future__ import annotations

from functools import cache
from typing import Any

from ..deferral import deferred

_FOR_BROWSERS = ("dash", "dash.html", "dash.dcc")


@cache
def load_open3d() -> Any:
    """The module ``open3d``: a second or two at first, a third less than by a plain import."""
    with deferred(*_FOR_BROWSERS, functions=("dash.Dash",)):
        import open3d
    return open3d
