"""posedemo: show 3D human pose live, or lift a video file to 3D.

The import name is ``posedemo``; the folder ``app/`` is mapped to it by the build. Importing this package loads
nothing heavy: each stage imports its own library when it is created.
"""

import os

if __name__ != "posedemo":
    raise ImportError("import `posedemo` instead of `app`: a second copy of every class would be made otherwise")

__version__ = "0.1.0"

# Libraries read some of these while they are loaded, so they are set before anything can load them.
for _name, _value in (
    # Windows' Media Foundation takes up to minutes to open a camera while it looks for hardware to convert pictures.
    ("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0"),
    # Ten seconds, otherwise, until a camera on Linux that gives no pictures is told from a slow one.
    ("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2"),
    # A stream that is cut makes FFmpeg complain about every picture that it has a part of.
    ("OPENCV_FFMPEG_LOGLEVEL", "-8"),
    # From 1.29 on ONNX Runtime's wheels tell their maker what is run with them, unless they are told not to.
    ("ORT_DISABLE_TELEMETRY", "1"),
):
    os.environ.setdefault(_name, _value)

__all__ = ["__version__"]
