"""Every number that the live show promises, on a 720p stream that is paced over loopback.

    python benchmarks/live.py [--minutes M] [--detector NAME] [--lifter NAME] [--headless] [--json FILE]

The program runs as it does in front of people, in a window with real key presses (xdotool; a display is needed, Xvfb
will do), while another process sends the demo clip over and over at 30 frames a second. With ``--headless`` there is
no window, and what keys would ask for is asked for directly.

The run begins with a round of all lifters, each opened for the first time, and with a ghost; then it is left alone; at
the end come another round, key presses, and a sender that falls silent for some seconds. Memory at the end of the first
minute (of the first quarter, where the run is short) is compared with what it is when the run was left alone for all of
its time, and at the very end, after the stream was opened anew.

Frames that a change costs are those that were missed from the wish until a second after it was followed, less what
the run misses in as much time when it is left alone. How far the run strays from that by chance, in spans as long while
it is left alone, is printed as well: where detection takes longer than a frame, one frame cannot be seen in it. Quote
numbers with the machine's load, which is printed too.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import av
import numpy as np
from posedemo import runner
from posedemo.datatypes import Result
from posedemo.errors import ending_in_a_sentence
from posedemo.live.shared import Shared
from posedemo.live.status import Status
from posedemo.live.wishes import Wishes
from posedemo.manifest import default_name
from posedemo.settings import Settings
from posedemo.viewer.choices import find_choices

ROOT = Path(__file__).resolve().parent.parent
FPS = 30
SIZE_WH = (1280, 720)

SETTLING_S = 1.0
PATIENCE_S = 180.0
STALL_S = 4.0
NUM_KEYS = 20
MOST_FRAMES = 200_000

AGE_MARGIN_MS, DROPPED_PERCENT, GROWTH_MB, KEY_MS, SWITCH_FRAMES, STALL_NOTICED_S = 20.0, 5.0, 20.0, 100.0, 1, 1.0


def make_stream(clip: Path, path: Path) -> None:
    """Encode a clip once, so that sending it takes next to no processor time."""
    with av.open(str(clip)) as source, av.open(str(path), "w", format="mpegts") as target:
        options = {"preset": "ultrafast", "tune": "zerolatency", "g": "15"}
        stream = target.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = *SIZE_WH, "yuv420p"
        for index, frame in enumerate(source.decode(video=0)):
            scaled = frame.reformat(*SIZE_WH, format="yuv420p")
            scaled.pts, scaled.time_base = index, Fraction(1, FPS)
            target.mux(stream.encode(scaled))
        target.mux(stream.encode(None))


def send(path: str, port: int, ready: Event) -> None:
    """Send a stream over and over in real time; runs in a process of its own until it is killed."""
    with av.open(f"udp://127.0.0.1:{port}?pkt_size=1316", "w", format="mpegts") as target:
        stream, num_sent, started_s = None, 0, time.monotonic()
        while True:
            with av.open(path) as source:
                stream = stream or target.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.dts is None:
                        continue
                    packet.stream = stream
                    packet.pts = packet.dts = round(num_sent / FPS / packet.time_base)
                    target.mux(packet)
                    num_sent += 1
                    ready.set()
                    late_s = time.monotonic() - started_s - num_sent / FPS
                    if late_s > 0.5:
                        started_s += late_s  # After a standstill nothing is made up for.
                    time.sleep(max(0.0, -late_s))


class Sender:
    """The process that sends."""

    def __init__(self, path: Path) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        context = multiprocessing.get_context("spawn")
        ready = context.Event()
        self._process = context.Process(target=send, args=(str(path), self.port, ready), daemon=True)
        self._process.start()
        if not ready.wait(PATIENCE_S):
            raise SystemExit("the sender does not start")

    def fall_silent(self) -> None:
        """Stop sending, as a camera that hangs does."""
        os.kill(self._process.pid or 0, signal.SIGSTOP)

    def go_on(self) -> None:
        """Send again."""
        os.kill(self._process.pid or 0, signal.SIGCONT)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()


class Keyboard:
    """Presses keys of the window. One xdotool for all of them: to start one takes longer than what is measured."""

    def __init__(self) -> None:
        self._xdotool = subprocess.Popen(["xdotool", "-"], stdin=subprocess.PIPE, text=True)
        found = subprocess.run(
            ["xdotool", "search", "--sync", "--onlyvisible", "--name", "^posedemo"],
            capture_output=True, text=True, check=True, timeout=PATIENCE_S,
        )  # fmt: skip
        subprocess.run(["xdotool", "windowfocus", "--sync", found.stdout.split()[0]], check=True, timeout=PATIENCE_S)

    def press(self, key: str) -> None:
        """Press and release a key."""
        assert self._xdotool.stdin is not None
        self._xdotool.stdin.write(f"key {key}\n")
        self._xdotool.stdin.flush()

    def close(self) -> None:
        """End xdotool."""
        assert self._xdotool.stdin is not None
        self._xdotool.stdin.close()
        self._xdotool.wait(PATIENCE_S)


@dataclass
class Change:
    """One wish and what became of it. Times on the monotonic clock."""

    name: str
    asked_s: float
    noticed_s: float | None = None
    followed_s: float | None = None


@dataclass
class Records:
    """What was measured.

    Attributes:
        rows: (MOST_FRAMES, 4) of each result: when it was ready, index of its frame, age and detector's share in ms.
        num_rows: how many there are.
        rss_mb: (time, megabytes) once a second.
        changes: of lifters and ghosts; keys: presses that change the smoothing.
    """

    rows: np.ndarray = field(default_factory=lambda: np.zeros((MOST_FRAMES, 4)))
    num_rows: int = 0
    rss_mb: list[tuple[float, float]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    keys: list[Change] = field(default_factory=list)
    keys_in_stall: list[Change] = field(default_factory=list)
    stall_noticed_s: float | None = None
    stall_over_s: float | None = None
    quiet_s: tuple[float, float] = (0.0, 0.0)
    reference_s: float = 0.0

    def taken(self, first_s: float, last_s: float) -> np.ndarray:
        """Rows of the results that were ready in a span of time."""
        rows = self.rows[: self.num_rows]
        return rows[(rows[:, 0] >= first_s) & (rows[:, 0] <= last_s)]

    def memory_mb(self, at_s: float) -> float:
        """Median of the seconds around a time, or the one nearest to it."""
        near = [mb for seen_s, mb in self.rss_mb if abs(seen_s - at_s) <= 3]
        return statistics.median(near or [min(self.rss_mb, key=lambda seen: abs(seen[0] - at_s))[1]])


class Director:
    """Watches a run from within and acts on it, in a thread of its own."""

    def __init__(self, sender: Sender, seconds: float, *, has_window: bool) -> None:
        self.records = Records()
        self.error: BaseException | None = None
        self._sender = sender
        self._seconds = seconds
        self._has_window = has_window
        self._keyboard: Keyboard | None = None
        self._thread = threading.Thread(target=self._work, name="director", daemon=True)

    def begin(self, wishes: Shared[Wishes], status: Shared[Status]) -> None:
        """Start to act; the run is up."""
        self.wishes, self.status = wishes, status
        self._thread.start()

    def write(self, result: Result) -> None:
        """Take a result's numbers."""
        now_s = time.monotonic()
        row = (
            now_s, result.frame.stamp.index, (now_s - result.frame.stamp.grabbed_s) * 1e3, result.timings_ms["detect"],
        )  # fmt: skip
        self.records.rows[self.records.num_rows] = row
        self.records.num_rows += 1

    def close(self) -> None:
        """Nothing to finish."""

    def _work(self) -> None:
        try:
            self._play()
        except BaseException as error:  # noqa: BLE001  raised again on the main thread
            self.error = error
        finally:
            if self._keyboard is not None:
                self._keyboard.close()
            self._sender.go_on()
            os.kill(os.getpid(), signal.SIGINT)

    def _play(self) -> None:
        records = self.records
        _wait(lambda: records.num_rows > 0, "no result came")
        started_s = time.monotonic()
        if self._has_window:
            self._keyboard = Keyboard()
        threading.Thread(target=self._weigh, name="scales", daemon=True).start()
        self._sleep(3.0)
        self._change_all()
        records.reference_s = max(time.monotonic(), started_s + min(60.0, self._seconds / 4))
        quiet_from_s = time.monotonic() + SETTLING_S
        # The last acts take about half a minute.
        self._sleep(max(10.0, started_s + self._seconds - 30 - time.monotonic()))
        records.quiet_s = (quiet_from_s, time.monotonic())
        self._change_all()
        for _ in range(NUM_KEYS):
            records.keys.append(self._ask_for_smoothing())
            self._sleep(0.2)
        self._stall()
        self._sleep(3.0)

    def _change_all(self) -> None:
        """Go through all lifters once, back to the first, and let a ghost come and go."""
        first = self.status.value.lifter
        names = find_choices(lifter=first, detector=default_name("detector")).lifters
        for _ in names:
            wanted = self._ask_for_next_lifter(names)
            if wanted == first:
                break
        change = self._ask("ghost", "g", lambda: self.wishes.value.ghost is not None, lambda: {"ghost": "semgcn"})
        ghost = self.wishes.value.ghost
        self._follow(change, f"ghost {ghost}", lambda: self.status.value.ghost == ghost)
        self._sleep(3.0)
        for _ in range(len(names) + 1):
            if self.wishes.value.ghost is None:
                break
            ghost = self.wishes.value.ghost
            self._ask("ghost", "g", lambda ghost=ghost: self.wishes.value.ghost != ghost, lambda: {"ghost": None})

    def _ask_for_next_lifter(self, names: tuple[str, ...]) -> str:
        before = self.wishes.value.lifter
        following = names[(names.index(before) + 1) % len(names)]
        change = self._ask(
            "lifter", "l", lambda: self.wishes.value.lifter != before, lambda: {"lifter": following}
        )  # fmt: skip
        wanted = self.wishes.value.lifter
        self._follow(change, wanted, lambda: self.status.value.lifter == wanted)
        return wanted

    def _follow(self, change: Change, name: str, is_followed: Callable[[], bool]) -> None:
        _wait(is_followed, f"{name} was not taken up: {self.status.value.notice}")
        change.name, change.followed_s = name, time.monotonic()
        self.records.changes.append(change)
        self._sleep(SETTLING_S + 0.5)

    def _ask_for_smoothing(self) -> Change:
        before = self.wishes.value.smooth
        other = "calm" if before != "calm" else "balanced"
        return self._ask(
            "smoothing", "s", lambda: self.wishes.value.smooth != before, lambda: {"smooth": other}
        )  # fmt: skip

    def _ask(self, name: str, key: str, is_noticed: Callable[[], bool], fields: Callable[[], dict[str, Any]]) -> Change:
        """Press a key, or do what it does, and wait until the wish has changed."""
        change = Change(name, time.monotonic())
        if self._keyboard is None:
            self.wishes.change(**fields())
        else:
            self._keyboard.press(key)
        _wait(is_noticed, f"the key {key} does nothing")
        change.noticed_s = time.monotonic()
        return change

    def _stall(self) -> None:
        records = self.records
        self._sender.fall_silent()
        silent_s = time.monotonic()
        _wait(lambda: bool(self.status.value.source_trouble), "nobody noticed that the stream stalls")
        records.stall_noticed_s = time.monotonic() - silent_s
        while time.monotonic() < silent_s + STALL_S:
            records.keys_in_stall.append(self._ask_for_smoothing())
            self._sleep(0.3)
        num_rows = records.num_rows
        self._sender.go_on()
        going_s = time.monotonic()
        _wait(lambda: records.num_rows > num_rows, "no picture after the stall")
        records.stall_over_s = time.monotonic() - going_s

    def _weigh(self) -> None:
        while True:
            self.records.rss_mb.append((time.monotonic(), _rss_mb()))
            time.sleep(1.0)

    @staticmethod
    def _sleep(seconds: float) -> None:
        time.sleep(seconds)


def _wait(condition: Callable[[], bool], trouble: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline_s:
            raise SystemExit(trouble)
        time.sleep(0.001)


def _rss_mb() -> float:
    """Memory of this process in megabytes; NaN where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return float("nan")
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


def missed(rows: np.ndarray) -> int:
    """Frames of the source without a result, between the first result and the last."""
    return int((np.diff(rows[:, 1]) - 1).sum()) if len(rows) > 1 else 0


def summary(records: Records) -> dict[str, Any]:
    """All numbers, each with its limit where it has one."""
    quiet = records.taken(*records.quiet_s)
    if len(quiet) < 2:
        raise SystemExit("hardly any result came while the run was left alone: this machine has no time for it")
    span_s = quiet[-1, 0] - quiet[0, 0]
    minute_s = min(60.0, span_s / 3)
    usual_rate = missed(quiet) / span_s
    switches = []
    for change in records.changes:
        assert change.followed_s is not None
        first_s, last_s = change.asked_s - 0.1, change.followed_s + SETTLING_S
        rows = records.taken(first_s, last_s)
        switches.append(
            {
                "to": change.name,
                "took_ms": round((change.followed_s - change.asked_s) * 1e3),
                "longest_gap_ms": round(float(np.diff(rows[:, 0]).max(initial=0.0)) * 1e3),
                "frames_missed": missed(rows),
                "frames_lost": round(missed(rows) - usual_rate * (last_s - first_s), 1),
            }
        )
    by_chance = chance_losses(quiet, usual_rate)
    detect_p95, age_p95 = np.percentile(quiet[:, 3], 95), np.percentile(quiet[:, 2], 95)
    reference_mb, alone_mb, end_mb = (
        records.memory_mb(at_s) for at_s in (records.reference_s, records.quiet_s[1], records.rss_mb[-1][0])
    )
    key_ms = [(key.noticed_s - key.asked_s) * 1e3 for key in records.keys if key.noticed_s]
    stall_key_ms = [(key.noticed_s - key.asked_s) * 1e3 for key in records.keys_in_stall if key.noticed_s]
    return {
        "measured_s": round(float(span_s), 1),
        "results_per_s": round(len(quiet) / span_s, 2),
        "detector_ms": {"p50": _round(np.percentile(quiet[:, 3], 50)), "p95": _round(detect_p95)},
        "age_ms": {"p50": _round(np.percentile(quiet[:, 2], 50)), "p95": _round(age_p95)},
        "age_p95_beyond_detector_ms": _round(age_p95 - detect_p95),
        "age_p50_first_and_last_ms": [
            _round(np.median(rows[:, 2]))
            for rows in (
                records.taken(quiet[0, 0], quiet[0, 0] + minute_s),
                records.taken(quiet[-1, 0] - minute_s, quiet[-1, 0]),
            )
        ],
        "frames_dropped_percent": round(100 * missed(quiet) / max(1.0, quiet[-1, 1] - quiet[0, 1]), 2),
        "memory_growth_mb": round(alone_mb - reference_mb, 1),
        "memory_growth_at_end_mb": round(end_mb - reference_mb, 1),
        "key_ms": {"median": _round(statistics.median(key_ms)), "worst": _round(max(key_ms))} if key_ms else {},
        "switches": switches,
        "lost_by_chance_p95": None if not len(by_chance) else _round(np.percentile(by_chance, 95)),
        "stall_noticed_s": None if records.stall_noticed_s is None else round(records.stall_noticed_s, 3),
        "stall_worst_key_ms": _round(max(stall_key_ms)) if stall_key_ms else None,
        "picture_after_stall_s": None if records.stall_over_s is None else round(records.stall_over_s, 3),
    }


def chance_losses(quiet: np.ndarray, usual_rate: float) -> np.ndarray:
    """Frames lost beyond the usual in every span of a change's length, one a second, while nothing was changed."""
    length_s = SETTLING_S + 0.5
    starts_s = np.arange(quiet[0, 0], quiet[-1, 0] - length_s)
    spans = [quiet[(quiet[:, 0] >= start_s) & (quiet[:, 0] <= start_s + length_s)] for start_s in starts_s]
    return np.array([missed(span) - usual_rate * length_s for span in spans])


def _round(value: Any) -> float:
    return round(float(value), 1)


def show(numbers: dict[str, Any], *, has_window: bool) -> None:
    """Print the numbers, each with its limit."""

    def line(words: str, value: str, is_held: bool | None = None) -> None:
        verdict = "" if is_held is None else ("   held" if is_held else "   NOT HELD")
        print(f"  {words:<58} {value:>18}{verdict}")

    age_ms, detector_ms = numbers["age_ms"], numbers["detector_ms"]
    line("results a second", f"{numbers['results_per_s']}")
    line("detector, p50 / p95", f"{detector_ms['p50']} / {detector_ms['p95']} ms")
    line("age of a result, p50 / p95", f"{age_ms['p50']} / {age_ms['p95']} ms")
    beyond_ms = numbers["age_p95_beyond_detector_ms"]
    line(f"age beyond the detector, p95 (limit {AGE_MARGIN_MS:.0f} ms)", f"{beyond_ms} ms", beyond_ms < AGE_MARGIN_MS)
    first_ms, last_ms = numbers["age_p50_first_and_last_ms"]
    line("median age at first and at last (no queue grows)", f"{first_ms} / {last_ms} ms")
    dropped = numbers["frames_dropped_percent"]
    line(f"frames dropped (limit {DROPPED_PERCENT:.0f} %)", f"{dropped} %", dropped < DROPPED_PERCENT)
    for name, when in (("memory_growth_mb", ""), ("memory_growth_at_end_mb", ", after keys and stall")):
        line(f"growth of memory{when} (limit {GROWTH_MB:.0f} MB)", f"{numbers[name]} MB", numbers[name] < GROWTH_MB)
    if has_window:
        key_ms, stall_key_ms = numbers["key_ms"], numbers["stall_worst_key_ms"]
        line("key to wish, median", f"{key_ms['median']} ms")
        line(f"key to wish, worst (limit {KEY_MS:.0f} ms)", f"{key_ms['worst']} ms", key_ms["worst"] < KEY_MS)
        line(f"key during a stall, worst (limit {KEY_MS:.0f} ms)", f"{stall_key_ms} ms", stall_key_ms < KEY_MS)
    for change in numbers["switches"]:
        line(
            f"{change['to']}: there after {change['took_ms']} ms, longest gap {change['longest_gap_ms']} ms; lost",
            f"{change['frames_lost']} frames",
            change["frames_lost"] <= SWITCH_FRAMES,
        )
    line("lost by chance in as long a time, 95 % are below", f"{numbers['lost_by_chance_p95']} frames")
    noticed_s = numbers["stall_noticed_s"]
    line(f"stall noticed after (limit {STALL_NOTICED_S:.0f} s)", f"{noticed_s} s", noticed_s < STALL_NOTICED_S)
    line("first picture after the stream goes on", f"{numbers['picture_after_stall_s']} s")


def main() -> None:
    """Run, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--detector", default="mediapipe-lite")
    parser.add_argument("--lifter", default=default_name("lifter"))
    parser.add_argument("--headless", action="store_true", help="without a window; keys are not measured")
    parser.add_argument("--json", type=Path, help="also write the numbers there")
    arguments = parser.parse_args()
    has_window = not arguments.headless
    with tempfile.TemporaryDirectory() as folder:
        stream = Path(folder) / "stream.ts"
        make_stream(ROOT / "assets" / "demo.mp4", stream)
        sender = Sender(stream)
        try:
            director = Director(sender, arguments.minutes * 60, has_window=has_window)
            settings = Settings(
                camera=f"udp://127.0.0.1:{sender.port}",
                headless=arguments.headless,
                detector=arguments.detector,
                lifter=arguments.lifter,
            )
            load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
            runner.run(settings, director)
        finally:
            sender.close()
    if director.error is not None:
        raise director.error
    numbers = summary(director.records)
    load_after = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    facts = {
        "detector": arguments.detector,
        "lifter": arguments.lifter,
        "window": has_window,
        "cores": os.cpu_count(),
        "load": [round(load, 1), round(load_after, 1)],
    }
    shown = ", ".join(f"{name} {value}" for name, value in facts.items())
    print(f"{numbers['measured_s']} s left alone; {shown}")
    show(numbers, has_window=has_window)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({**facts, **numbers}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with ending_in_a_sentence():
        main()
