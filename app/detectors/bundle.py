"""MediaPipe's pose bundles: what of their networks is run."""

from __future__ import annotations

import io
import zipfile

from ..array_files import ZIP_DAMAGE
from .pruning import Network

_LANDMARKS_FILE = "pose_landmarks_detector.tflite"
_OUTPUTS = 5
_PRESENCE, _SILHOUETTE = 1, 2
"""MediaPipe tells the outputs of this network apart by their order."""
_SILHOUETTE_RANK = 4


def without_silhouette(bundle: bytes) -> bytes:
    """The same bundle with a landmark network that does not draw the person's silhouette, which nobody asks for.

    That branch works on the largest arrays of the network, and MediaPipe runs it whether masks are wanted or not: a
    third of the time with ``full``, nearly half with ``lite``. Landmarks come from other branches, and stay the same
    to the bit. A bundle of another build is left as it is; so is what is no bundle, for MediaPipe to refuse.
    """
    try:
        return _pruned(bundle)
    except (ValueError, *ZIP_DAMAGE):
        return bundle


def _pruned(bundle: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bundle)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as new:
        entries = old.infolist()
        # MediaPipe reads files where they lie. Packed ones, and such as share bytes, could be of any size.
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("a compressed bundle")
        if sum(entry.file_size for entry in entries) > len(bundle):
            raise ValueError("files that share bytes")
        for entry in entries:
            content = old.read(entry)
            new.writestr(entry, _pruned_network(content) if entry.filename == _LANDMARKS_FILE else content)
    return made.getvalue()


def _pruned_network(content: bytes) -> bytes:
    network = Network(content)
    outputs = network.outputs
    if len(outputs) != _OUTPUTS or len(network.shape(outputs[_SILHOUETTE])) != _SILHOUETTE_RANK:
        raise ValueError("not the outputs of a pose network")
    network.replace_output(_SILHOUETTE, stand_in=outputs[_PRESENCE])
    return network.content
