"""What exported lifters state in their metadata, for those who write and those who read it; docs/lifters.md has all."""

from __future__ import annotations

from collections.abc import Mapping

CONTRACT_KEY = "posedemo_contract"

PERSON, SIGHT, SCREEN = "person", "sight", "screen"
"""How 2D joints are normalised: every window by its person; those too, of a camera that was turned to the person; or
not at all, in screen units."""

VERSIONS: Mapping[str, str] = {PERSON: "1", SCREEN: "2", SIGHT: "3"}
"""Of the contract, by normalisation. "screen" lifters take the units of version 1, but give the right pose only for
people as the cameras of their training showed them; "sight" lifters take the picture of a camera that was turned to the
person: a reader of version 1, which knows nothing of either, must refuse both."""

UNITS = "metre"
"""Of poses, in lifters and in corpora."""
