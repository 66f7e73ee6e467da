"""The sliding window of one person's 2D joints that a lifter sees, on the time base that the lifter was trained at."""

from __future__ import annotations

from collections import deque

import numpy as np

from .arrays import Float32Array
from .datatypes import LifterSpec, Window
from .skeleton import H36M17

MAX_GAP_S = 0.35
"""A longer hole than this is not interpolated: the window starts anew. Three frames of a slow (10 fps) webcam."""

MOST_FRAMES = 2048
"""No lifter looks at more: a file that states a window without end is refused before its memory is asked for."""


class PoseWindow:
    """Collects joints as they come and resamples them to the lifter's rate, around the frame to be lifted.

    A camera at 15 frames a second and a file at 60 give the network the same time base. What lies before the first
    frame, or after the last one that is known, is filled by repeating that frame, which is what training does at the
    ends of a clip.

    Several lifters may look at the same joints, each through a window of its own.

    Args:
        num_frames: T, frames in the window.
        rate_hz: frames a second that the lifter was trained at.
        look_ahead: how many of the frames come after the one that is lifted; 0 makes the newest frame the target.
        keep_s: how far back to remember at least, so that the window of a lifter that comes later is full at once.
    """

    def __init__(self, *, num_frames: int, rate_hz: float, look_ahead: int = 0, keep_s: float = 0.0) -> None:
        self._spec = LifterSpec(name="", num_frames=num_frames, rate_hz=rate_hz, look_ahead=look_ahead)
        self._keep_s = max(keep_s, _past_s(self._spec))
        self._samples: deque[tuple[float, Float32Array, Float32Array]] = deque()
        self._last_known = np.full((H36M17.num_joints, 2), np.nan, np.float32)

    def push(self, time_s: float, xy: Float32Array, confidence: Float32Array) -> None:
        """Add a frame.

        Args:
            time_s: strictly later than the last push.
            xy: (17, 2) float32 screen units; NaN where a joint is unknown.
            confidence: (17,) float32.
        """
        if self._samples and time_s <= self._samples[-1][0]:
            self._samples.clear()
        has_fresh_past = bool(self._samples) and time_s - self._samples[-1][0] <= MAX_GAP_S
        if not has_fresh_past:
            self._last_known = np.full_like(self._last_known, np.nan)
        self._last_known = np.where(np.isnan(xy).any(axis=-1, keepdims=True), self._last_known, xy)
        self._samples.append((time_s, fill_unknown(self._last_known), confidence))

    def at(self, time_s: float, spec: LifterSpec | None = None) -> Window:
        """The window around a frame that was pushed. Ask for times that do not fall: what only earlier ones need is
        dropped.

        Args:
            time_s: of that frame.
            spec: of the lifter that looks; the one that the window was made for by default.
        """
        spec = spec or self._spec
        past_s, target = _past_s(spec), spec.num_frames - 1 - spec.look_ahead
        self._keep_s = max(self._keep_s, past_s)
        # One sample older than the past stays, so that the window's first frame can be interpolated.
        while len(self._samples) > 2 and self._samples[1][0] <= time_s - self._keep_s:
            self._samples.popleft()
        samples = self._unbroken(time_s, time_s - past_s)
        if len(samples) == 1:
            _, xy, confidence = samples[0]
            return Window(
                xy=np.broadcast_to(xy, (spec.num_frames, *xy.shape)),
                confidence=np.broadcast_to(confidence, (spec.num_frames, *confidence.shape)),
                target=target,
            )
        times_s, positions, confidences = (np.array(column) for column in zip(*samples, strict=True))
        wanted_s = time_s + (np.arange(spec.num_frames) - target) / spec.rate_hz
        after = np.clip(np.searchsorted(times_s, wanted_s), 0, len(times_s) - 1)
        before = np.maximum(after - 1, 0)
        length_s = np.where(after == before, 1.0, times_s[after] - times_s[before])
        share = np.clip((wanted_s - times_s[before]) / length_s, 0, 1).astype(np.float32)
        xy = positions[before] + share[:, None, None] * (positions[after] - positions[before])
        confidence = confidences[before] + share[:, None] * (confidences[after] - confidences[before])
        return Window(xy=xy, confidence=confidence, target=target)

    def _unbroken(self, time_s: float, first_s: float) -> list[tuple[float, Float32Array, Float32Array]]:
        """The samples around a time, up to the next long hole on either side, and but one older than the first time."""
        run: list[tuple[float, Float32Array, Float32Array]] = []
        for sample in self._samples:
            if sample[0] <= first_s:
                run.clear()
            if run and sample[0] - run[-1][0] > MAX_GAP_S:
                if sample[0] > time_s:
                    break
                run.clear()
            run.append(sample)
        return run


def _past_s(spec: LifterSpec) -> float:
    """How far back a lifter looks."""
    return (spec.num_frames - 1 - spec.look_ahead) / spec.rate_hz


def fill_unknown(xy: Float32Array) -> Float32Array:
    """Replace unknown joints by something that the lifters have seen in training.

    Args:
        xy: (17, 2) last known positions, with NaN where a joint was never known.

    Returns:
        (17, 2) without NaN: the position of its nearest known ancestor; without any the mean of the known joints.
    """
    unknown = np.asarray(np.isnan(xy).any(axis=-1))
    if not unknown.any():
        return xy
    filled = xy.copy()
    if unknown[0]:
        filled[0] = xy[~unknown].mean(axis=0) if not unknown.all() else 0.0
    # Parents come before their children in the skeleton's order, so one pass reaches the leaves.
    for parent, child in H36M17.bones:
        if unknown[child]:
            filled[child] = filled[parent]
    return filled
