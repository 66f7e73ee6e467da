"""Lifters from ONNX files: what is refused and why, the frame they lift, and one call for everybody."""

import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
from command_line import TIMEOUT_S
from fakes import ListSink, ScriptedDetector, make_frame, standing_keypoints
from onnx import TensorProto
from onnx_lifters import echo_lifter, echoed
from posedemo import registry
from posedemo.assembly import track_maker
from posedemo.datatypes import Keypoints2D, Window
from posedemo.errors import ModelError, SourceError
from posedemo.lifters.onnx_gcn import OnnxLifter
from posedemo.pipeline import run
from posedemo.sight import turn_to_pelvis
from posedemo.stages import Stages
from posedemo.timing import StageTimers
from posedemo.tracking import Tracker

SIZE_WH = (64, 48)


def open_lifter(model: onnx.ModelProto) -> OnnxLifter:
    return OnnxLifter(model.SerializeToString(), name="mine.onnx", provider="cpu")


def stages(lifter, script, max_people: int = 1) -> Stages:
    tracker = Tracker(max_people=max_people, new_track=track_maker(lifter.spec, "off"))
    return Stages(ScriptedDetector(script), tracker, lifter)


def walker(index: int) -> Keypoints2D:
    """Somebody who grows and moves with every frame, so that no two frames look alike after centring."""
    return standing_keypoints(x_px=10.0 + index, height_px=20.0 + index)


class CountingSession:
    """Passes everything on to a real session, and writes down how many windows each run had."""

    def __init__(self, session) -> None:
        self._session = session
        self.batches: list[int] = []

    def run(self, outputs, inputs):
        (batch,) = inputs.values()
        self.batches.append(len(batch))
        return self._session.run(outputs, inputs)


REFUSED = {
    "another program's": ({"metadata": {"posedemo_contract": None}}, "not a lifter of posedemo"),
    "contract version": ({"metadata": {"posedemo_contract": "7"}}, "version 7 of the lifters' contract"),
    "skeleton": ({"metadata": {"skeleton": "h36m16"}}, "is for the skeleton 'h36m16', this program shows 'h36m17'"),
    "no skeleton": ({"metadata": {"skeleton": None}}, "does not state its skeleton"),
    "units": ({"metadata": {"units": "millimetre"}}, "gives its poses in 'millimetre'"),
    "normalisation": ({"metadata": {"normalisation": "person"}}, "in the normalisation 'person'"),
    "fixed camera": (
        {"metadata": {"inner_normalisation": "none", "posedemo_contract": "2"}},
        "does not normalise by person",
    ),
    "no window": ({"metadata": {"window": None}}, "does not state its window"),
    "half a window": ({"metadata": {"window": "2.5"}}, "states '2.5' as its window"),
    "no frames": ({"metadata": {"window": "0"}}, "a window of 0 frames"),
    "no rate": ({"metadata": {"rate_hz": "nan"}}, "a rate of nan Hz, and not of 1 to 1000"),
    "rate in words": ({"metadata": {"rate_hz": "fast"}}, "states 'fast' as its rate_hz"),
    "target after the window": ({"num_frames": 9, "target": 9}, "lifts frame 9 of a window whose frames are 0 to 8"),
    "target before the window": ({"num_frames": 9, "metadata": {"target": "-1"}}, "lifts frame -1 of a window"),
    "another T": ({"num_frames": 9, "metadata": {"window": "27", "target": "26"}}, "window of 27 frames, but takes 9"),
    "joints": ({"shape": ["N", 1, 16, 2]}, r"input of shape \(N, 1, 16, 2\), a lifter takes \(N, T, 17, 2\)"),
    "coordinates": ({"shape": ["N", 1, 17, 3]}, r"input of shape \(N, 1, 17, 3\)"),
    "no time axis": ({"shape": ["N", 17, 2]}, r"input of shape \(N, 17, 2\)"),
    "one person only": ({"shape": [1, 1, 17, 2]}, "exactly 1 windows at a time"),
    "numbers": ({"element_type": TensorProto.DOUBLE}, r"takes tensor\(double\)"),
    "millimetres": ({"scale": 1e3}, r"people whose bones are [\d.e+]+ m together, and not some 4"),
    "nobody": ({"scale": 0.0}, "people whose bones are 0 m together"),
    "flat poses": ({"num_outputs": 2}, r"gives poses of shape \(17, 2\)"),
}


def test_lifter_of_a_turned_camera_is_fed_that_camera_and_its_pose_turned_back():
    model = echo_lifter(num_frames=3, target=1, metadata={"posedemo_contract": "3", "normalisation": "sight"})
    random = np.random.default_rng(0)
    windows = [
        Window(
            random.normal(place, 0.2, (3, 17, 2)).astype(np.float32), np.ones((3, 17), np.float32), 1, plane_scale=scale
        )
        for place, scale in ((0.0, 0.5), (0.8, 0.5), (0.8, 0.9))
    ]
    with open_lifter(model) as lifter:
        poses = lifter.lift(windows)
    for window, pose in zip(windows, poses, strict=True):
        turned, rotation = turn_to_pelvis(window.xy[1] * np.float32(window.plane_scale))
        flat = np.concatenate([turned, np.zeros((17, 1), np.float32)], axis=1)
        np.testing.assert_allclose(pose.xyz_m, flat @ rotation, atol=1e-6)


@pytest.mark.parametrize("case", REFUSED)
def test_file_that_does_not_fit_is_refused_by_name(case):
    options, sentence = REFUSED[case]
    with pytest.raises(ModelError, match=sentence) as caught:
        open_lifter(echo_lifter(**options))
    assert caught.value.message.startswith("mine.onnx ")
    assert "\n" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("content", [b"", b"these are my notes", bytes(1000)])
def test_what_is_no_onnx_file_is_refused(content):
    with pytest.raises(ModelError, match=r"mine\.onnx is not a readable ONNX model"):
        OnnxLifter(content, name="mine.onnx", provider="cpu")


def test_weights_in_a_second_file_are_refused_although_that_file_is_there(tmp_path, monkeypatch):
    """ONNX Runtime looks for them in the current folder: the lifter would work here and nowhere else."""
    onnx.save(
        echo_lifter(), tmp_path / "mine.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="external data"):
        OnnxLifter((tmp_path / "mine.onnx").read_bytes(), name="mine.onnx", provider="cpu")


def test_metadata_that_speak_of_a_location_are_not_external_data():
    assert open_lifter(echo_lifter(metadata={"location": "Bonn"})).spec.name == "echo"


@pytest.mark.parametrize(("num_frames", "target", "look_ahead"), [(1, 0, 0), (9, 8, 0), (9, 4, 4), (9, 0, 8)])
def test_look_ahead_is_read_from_the_file(num_frames, target, look_ahead):
    spec = open_lifter(echo_lifter(num_frames=num_frames, target=target)).spec
    assert spec.look_ahead == look_ahead
    assert spec.look_ahead_s == pytest.approx(look_ahead / 30)


@pytest.mark.parametrize("target", [8, 6, 4, 0])
def test_pose_picture_keypoints_and_stamp_belong_to_the_same_frame(target):
    """Of every frame, to the last one: whatever the lifter's target, its pose lies on the joints of its own picture."""
    lifter = open_lifter(echo_lifter(num_frames=9, target=target))
    frames, sink = [make_frame(index) for index in range(20)], ListSink()
    run(frames, stages(lifter, [[walker(index)] for index in range(20)]), [sink], StageTimers())
    assert [result.frame for result in sink.results] == frames
    for index, result in enumerate(sink.results):
        (person,) = result.people
        np.testing.assert_array_equal(person.keypoints.xy_px, walker(index).xy_px)
        # Media times are not exact multiples of 1/30 s; a neighbouring frame would be off by 0.01.
        np.testing.assert_allclose(person.pose.xyz_m, echoed(walker(index).xy_px, SIZE_WH), atol=1e-5)


def test_result_waits_for_the_frames_that_the_lifter_looks_ahead_and_for_no_more():
    lifter = open_lifter(echo_lifter(num_frames=9, target=4))
    sink, num_finished = ListSink(), []

    def frames():
        for index in range(10):
            num_finished.append(len(sink.results))
            yield make_frame(index)

    run(frames(), stages(lifter, [[walker(index)] for index in range(10)]), [sink], StageTimers())
    assert num_finished == [0, 0, 0, 0, 0, 1, 2, 3, 4, 5]
    assert len(sink.results) == 10


def test_look_ahead_is_a_time_and_not_a_number_of_frames():
    """4 frames at 30 Hz are 8 at 60 Hz."""
    lifter = open_lifter(echo_lifter(num_frames=9, target=4))
    sink, num_finished = ListSink(), []

    def frames():
        for index in range(20):
            num_finished.append(len(sink.results))
            yield make_frame(index, index / 60)

    run(frames(), stages(lifter, [[walker(index)] for index in range(20)]), [sink], StageTimers())
    assert num_finished == [0] * 9 + list(range(1, 12))


def test_frames_without_anybody_and_people_who_leave_keep_their_place_in_the_order():
    lifter = open_lifter(echo_lifter(num_frames=9, target=4))
    script = [[walker(index)] if index % 7 < 4 else [] for index in range(30)]
    sink = ListSink()
    run([make_frame(index) for index in range(30)], stages(lifter, script), [sink], StageTimers())
    assert [result.frame.stamp.index for result in sink.results] == list(range(30))
    assert [len(result.people) for result in sink.results] == [len(people) for people in script]
    for index, result in enumerate(sink.results):
        for person in result.people:
            np.testing.assert_allclose(person.pose.xyz_m, echoed(walker(index).xy_px, SIZE_WH), atol=1e-5)


def test_source_that_breaks_off_still_gets_the_results_of_the_frames_that_waited():
    lifter = open_lifter(echo_lifter(num_frames=9, target=4))
    sink = ListSink()

    def frames():
        yield from (make_frame(index) for index in range(6))
        raise SourceError("clip.mp4 is damaged")

    with pytest.raises(SourceError, match="damaged"):
        run(frames(), stages(lifter, [[walker(index)] for index in range(6)]), [sink], StageTimers())
    assert [result.frame.stamp.index for result in sink.results] == list(range(6))


def test_everybody_in_a_frame_is_lifted_in_one_call():
    """Through the real network and the real ONNX Runtime; the session is only watched."""
    lifter = registry.create_lifter("semgcn", provider="cpu")
    lifter._session = CountingSession(lifter._session)
    people = [standing_keypoints(x, height_px=height) for x, height in ((8, 20), (24, 24), (40, 28), (56, 32))]
    script = [people[:count] for count in (4, 3, 0, 1, 4)]
    sink = ListSink()
    run([make_frame(index) for index in range(5)], stages(lifter, script, max_people=4), [sink], StageTimers())
    assert lifter._session.batches == [4, 3, 1, 4]
    assert [len(result.people) for result in sink.results] == [4, 3, 0, 1, 4]


def test_poses_of_a_batch_are_those_of_its_windows_one_by_one():
    """Nobody's pose depends on who else is in the picture."""
    lifter = registry.create_lifter("semgcn", provider="cpu")
    random = np.random.default_rng(3)
    windows = [
        Window(random.normal(0, 0.3, (1, 17, 2)).astype(np.float32), np.ones((1, 17), np.float32)) for _ in "abcd"
    ]
    together = lifter.lift(windows)
    for window, pose in zip(windows, together, strict=True):
        # The same sums in another order.
        np.testing.assert_allclose(lifter.lift([window])[0].xyz_m, pose.xyz_m, atol=1e-5)


def test_onnx_runtime_tells_its_maker_nothing(tmp_path):
    """Its own wheels keep a database of what was run, and send it."""
    code = "from posedemo import registry; registry.create_lifter('semgcn', provider='cpu').close()"
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "XDG_CACHE_HOME")}
    subprocess.run(
        [sys.executable, "-c", code], env=environment | {"HOME": str(tmp_path)}, check=True, timeout=TIMEOUT_S
    )
    assert list(tmp_path.rglob("*")) == []
