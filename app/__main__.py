"""The command ``posedemo``, and ``python -m posedemo``."""

from __future__ import annotations

import atexit
import signal
import sys


def main() -> int:
    """Run the command line; also while it is still being loaded, Ctrl-C is no traceback."""
    try:
        from .signals import keep_interrupts

        keep_interrupts()
        from .cli import main
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    exit_code = main()
    # Everything is written and said: Ctrl-C while Python takes itself down would change nothing but the exit code.
    # Only once no thread is waited for any more, since Ctrl-C is the way out of one that hangs.
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
