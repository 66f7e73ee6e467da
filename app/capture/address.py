"""Addresses of streams, as they may be seen."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import ConfigError


def public_address(address: str) -> str:
    """An address as it may be seen on a stage: without name, password and what follows a question mark.

    A password may have any characters, and an address that nobody can open is shown, too: all up to the last @ goes.

    Raises:
        ConfigError: it is none.
    """
    try:
        scheme, mark, rest = address.partition("://")
        parts = urlsplit(scheme + mark + rest.rpartition("@")[2])
    except ValueError as error:
        raise ConfigError(f"the address of the stream cannot be read: {error}", "check --camera") from error
    return parts._replace(query="", fragment="").geturl()
