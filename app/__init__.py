"""posedemo: show 3D human pose live, or lift a video file to 3D.

The import name is ``posedemo``; the folder ``app/`` is mapped to it by the build. Importing this package loads
nothing heavy: each stage imports its own library when it is created.
"""

if __name__ != "posedemo":
    raise ImportError("import `posedemo` instead of `app`: a second copy of every class would be made otherwise")

__version__ = "0.1.0"

__all__ = ["__version__"]
