"""The command ``posedemo``, and ``python -m posedemo``."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Run the command line; also while it is still being loaded, Ctrl-C is no traceback."""
    try:
        from .cli import main
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return main()


if __name__ == "__main__":
    sys.exit(main())
