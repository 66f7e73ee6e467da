"""What keys change, without a window."""

import dataclasses

import pytest
from posedemo.live.status import Status
from posedemo.live.wishes import Wishes
from posedemo.manifest import known_names
from posedemo.viewer.choices import Choices, find_choices, next_of
from posedemo.viewer.controls import Looks, looks_after, reason_to_refuse, wishes_after, words_about
from posedemo.viewer.keys import Action
from posedemo.viewer.layout import Layout
from posedemo.viewer.operator import Preset

CHOICES = Choices(lifters=("a", "b", "c"), detectors=("full", "lite"), presets=("off", "calm"))
WISHES = Wishes(lifter="a", detector="full", smooth="off")


def pressed(wishes: Wishes, *actions: Action) -> Wishes:
    for action in actions:
        wishes = wishes_after(wishes, action, CHOICES)
    return wishes


@pytest.mark.parametrize("action", Action)
def test_every_action_changes_looks_or_wishes_and_not_both(action):
    changes_looks = looks_after(Looks(), action) != Looks()
    changes_wishes = wishes_after(WISHES, action, CHOICES) != WISHES
    assert changes_looks != changes_wishes


def test_lifters_detectors_and_smoothing_go_round():
    assert pressed(WISHES, Action.NEXT_LIFTER).lifter == "b"
    assert pressed(WISHES, *[Action.NEXT_LIFTER] * 3) == WISHES
    assert pressed(WISHES, *[Action.NEXT_DETECTOR] * 2) == WISHES
    assert pressed(WISHES, Action.NEXT_SMOOTHING).smooth == "calm"
    assert next_of(("x", "y"), "gone") == "x"


def test_ghost_goes_through_the_others_and_off_again():
    ghosts = [pressed(WISHES, *[Action.NEXT_GHOST] * times).ghost for times in range(4)]
    assert ghosts == [None, "b", "c", None]


def test_lifter_is_never_its_own_ghost():
    both = pressed(WISHES, Action.NEXT_GHOST, Action.NEXT_LIFTER)
    assert (both.lifter, both.ghost) == ("b", "a")


def test_what_makes_the_poses_is_not_its_own_ghost_where_another_lifter_was_refused():
    status = Status(detector="d", lifter="a", refused=frozenset({("lifter", "b")}))
    refused = dataclasses.replace(WISHES, lifter="b")
    assert wishes_after(refused, Action.NEXT_GHOST, CHOICES, status).ghost == "b"
    loading = dataclasses.replace(status, refused=frozenset())
    assert wishes_after(refused, Action.NEXT_GHOST, CHOICES, loading).ghost == "a"


def test_step_pauses_first_and_then_takes_single_frames():
    paused = pressed(WISHES, Action.STEP)
    assert (paused.is_paused, paused.num_steps) == (True, 0)
    assert pressed(paused, Action.STEP, Action.STEP).num_steps == 2
    assert not pressed(paused, Action.PAUSE).is_paused


def test_speed_stays_between_its_limits_and_jumps_add_up():
    assert pressed(WISHES, *[Action.FASTER] * 9).speed == 4
    assert pressed(WISHES, *[Action.SLOWER] * 9).speed == 0.25
    assert pressed(WISHES, Action.FASTER, Action.SLOWER).speed == 1
    assert pressed(WISHES, Action.SEEK_FORWARD, Action.SEEK_FORWARD, Action.SEEK_BACK).seek_s == 5


def test_keys_that_move_through_a_file_say_where_they_can_not():
    camera = Status(detector="full", lifter="a")
    clip = dataclasses.replace(camera, can_change_speed=True)
    session = dataclasses.replace(clip, can_seek=True)
    moves, speeds = (Action.SEEK_BACK, Action.SEEK_FORWARD), (Action.SLOWER, Action.FASTER)
    for action in Action:
        assert ("recorded session" in reason_to_refuse(action, camera)) == (action in moves)
        assert ("only a file" in reason_to_refuse(action, camera)) == (action in speeds)
        assert bool(reason_to_refuse(action, clip)) == (action in moves)
        assert not reason_to_refuse(action, session)


def test_detector_of_a_recording_is_refused_at_once():
    """Also while it is paused, when no frame comes with which the run could say so."""
    session = Status(detector="full", lifter="a", has_detector=False)
    assert "keeps the detector" in reason_to_refuse(Action.NEXT_DETECTOR, session)
    assert not reason_to_refuse(Action.NEXT_DETECTOR, dataclasses.replace(session, has_detector=True))


def test_pause_is_told_where_no_bar_shows_it():
    paused = dataclasses.replace(WISHES, is_paused=True)
    assert words_about(WISHES, paused, has_hud=False) == "paused"
    assert words_about(paused, WISHES, has_hud=False) == "goes on"
    assert words_about(WISHES, paused) == ""


def test_handover_is_counted():
    assert pressed(WISHES, Action.NEXT_PERSON, Action.NEXT_PERSON).num_handovers == 2


def test_words_tell_what_was_asked_for():
    for action, text in (
        (Action.NEXT_LIFTER, "lifter b"),
        (Action.NEXT_GHOST, "ghost b"),
        (Action.FASTER, "speed 2"),
        (Action.SEEK_BACK, "-5 s"),
        (Action.PAUSE, ""),
    ):
        assert words_about(WISHES, pressed(WISHES, action)) == text


def test_layouts_go_round():
    looks, seen = Looks(), []
    for _ in Layout:
        seen.append(looks.layout)
        looks = looks_after(looks, Action.NEXT_LAYOUT)
    assert set(seen) == set(Layout)
    assert looks == Looks()


def test_same_preset_again_is_an_event():
    once = looks_after(Looks(), Action.CAMERA_FRONT)
    assert once.preset is Preset.FRONT
    assert looks_after(once, Action.CAMERA_FRONT) != once


def test_escape_leaves_help_then_full_screen_then_the_program():
    looks = dataclasses.replace(Looks(), has_help=True, is_fullscreen=True)
    looks = looks_after(looks, Action.BACK)
    assert (looks.has_help, looks.is_fullscreen, looks.is_left) == (False, True, False)
    looks = looks_after(looks, Action.BACK)
    assert (looks.is_fullscreen, looks.is_left) == (False, False)
    assert looks_after(looks, Action.BACK).is_left


def test_choices_are_ready_without_a_download(monkeypatch, tmp_path):
    monkeypatch.setenv("POSEDEMO_CACHE", str(tmp_path))
    choices = find_choices(lifter="global-gcn", detector="mediapipe-full")
    assert "mediapipe-heavy" not in choices.detectors
    assert set(choices.lifters) <= set(known_names("lifter"))
    assert "mediapipe" in choices.lifters
    (tmp_path / "pose_landmarker_heavy.task").write_bytes(b"fetched once")
    assert "mediapipe-heavy" in find_choices(lifter="global-gcn", detector="mediapipe-full").detectors


def test_keys_go_through_each_lifter_once():
    """Not what stands in for one in file mode, nor the same network from other data; asked for, it is among them."""
    twice = {"gla-gcn-centred", "global-gcn-cmu"}
    assert twice <= set(known_names("lifter"))
    assert not twice & set(find_choices(lifter="global-gcn", detector="mediapipe-full").lifters)
    assert "global-gcn-cmu" in find_choices(lifter="global-gcn-cmu", detector="mediapipe-full").lifters
    in_file = find_choices(lifter="gla-gcn-centred", detector="mediapipe-full").lifters
    assert "gla-gcn-centred" in in_file
    assert "gla-gcn" not in in_file, "there it is the same network"


def test_own_file_stays_a_choice():
    assert find_choices(lifter="mine.onnx", detector="mediapipe-full").lifters[0] == "mine.onnx"
