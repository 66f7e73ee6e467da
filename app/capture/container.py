"""Opens video files with FFmpeg: what is a file, and nothing else."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import av

from ..datatypes import MAX_PIXELS
from ..errors import SourceError

DECODER_OPTIONS = {"max_pixels": str(MAX_PIXELS)}

_ADDRESS = re.compile(r"[a-z]{3,5}:/")
"""Of which a path keeps one slash."""

_LISTS = {"hls", "dash", "concat", "sdp", "imf"}
"""Formats that only name addresses or other files. FFmpeg waits without end for a playlist that nobody adds to."""

_OPTIONS = {
    # ``frame%03d.png`` is the name of one file here, not of a thousand.
    "pattern_type": "none",
    "format_whitelist": ",".join(sorted(av.formats_available - _LISTS)),
}


def open_container(path: Path) -> av.container.InputContainer:
    """Open a video file for reading.

    Raises:
        SourceError: it is missing, no file, or nothing that FFmpeg knows.
    """
    _check_is_file(path)
    try:
        # Without the protocol, FFmpeg takes "talk: part 1.mp4" for an address. Titles in old files are in any encoding.
        return av.open(f"file:{path}", container_options=_OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise SourceError(
            f"{path} is not a video that can be read ({error.strerror})", "check that it plays in a video player"
        ) from error


def _check_is_file(path: Path) -> None:
    """Refuse what FFmpeg would wait for or read without end."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        hint = "addresses of streams are for --camera" if _ADDRESS.match(str(path)) else "check the path"
        raise SourceError(f"{path} does not exist", hint) from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}", "check the path") from error
    if stat.S_ISDIR(mode):
        raise SourceError(f"{path} is a folder", "give a video file")
    if not stat.S_ISREG(mode):
        raise SourceError(
            f"{path} is a pipe or a device", "--video takes files, --camera takes cameras and addresses of streams"
        )
