"""Locks on files that are being written, held for as long as the process lives: is another run at work on one?"""

from __future__ import annotations

import sys

if sys.platform == "win32":

    def lock(descriptor: int) -> bool:
        """Always True: there a file that is open cannot be replaced by another program anyway."""
        del descriptor
        return True

else:
    import fcntl

    def lock(descriptor: int) -> bool:
        """Lock an open file until it is closed, by whatever ends the process; False when somebody else holds it.

        On a file system without locks every file is free.
        """
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True
