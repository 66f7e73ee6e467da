from __future__ import annotations

import numpy as np
import pytest
from gui.example_poses import ARMS_UP, PICTURE_WH, STANDING, make_person
from posedemo.datatypes import Frame, Keypoints2D, Person, Result, Stamp
from posedemo.sinks.annotated_video import annotate
from posedemo.skeleton import H36M17
from posedemo.viewer.overlay import draw_people
from posedemo.viewer.picture import compose_picture
from posedemo.viewer.theme import DARK, bgr_bytes

GREY = 90


def grey(size_wh: tuple[int, int]) -> np.ndarray:
    return np.full((size_wh[1], size_wh[0], 3), GREY, np.uint8)


def middle_x(image_bgr: np.ndarray, side: str) -> float:
    """Where a side's colour is, on average."""
    distance = np.abs(image_bgr.astype(int) - bgr_bytes(DARK.person(0).side(side))).sum(axis=-1)
    return float(np.nonzero(distance < 30)[1].mean())


def keypoints(xy_px: np.ndarray, confidence: float = 0.9) -> Person:
    return Person(0, Keypoints2D(xy_px.astype(np.float32), np.full(len(xy_px), confidence, np.float32)))


def test_sides_are_where_the_person_has_them() -> None:
    image = grey(PICTURE_WH)
    draw_people(image, [make_person()])
    assert middle_x(image, "right") < PICTURE_WH[0] / 2 < middle_x(image, "left")


def test_annotated_picture_of_another_aspect_has_its_people_where_they_are() -> None:
    """As of a session whose camera changed: bars are left and right, and joints are not drawn into them."""
    result = Result(Frame(grey(PICTURE_WH), Stamp(0, 0.0)), (make_person(),))
    width, height = PICTURE_WH
    image = annotate(result, (3 * width, height), mirror=False)
    assert image.shape == (height, 3 * width, 3)
    plain = annotate(result, PICTURE_WH, mirror=False)
    np.testing.assert_array_equal(image[:, width : 2 * width], plain)
    assert not image[:, :width].any()


def test_draws_where_the_joints_are_and_nowhere_else() -> None:
    image = grey(PICTURE_WH)
    person = make_person(ARMS_UP)
    draw_people(image, [person])
    rows, columns = np.nonzero((image != GREY).any(axis=-1))
    xy_px = person.keypoints.xy_px
    margin_px = 20
    assert xy_px[:, 0].min() - margin_px < columns.min() < columns.max() < xy_px[:, 0].max() + margin_px
    assert xy_px[:, 1].min() - margin_px < rows.min() < rows.max() < xy_px[:, 1].max() + margin_px
    for x, y in xy_px:
        assert (image[round(float(y)), round(float(x))] != GREY).any()


def test_scale_moves_the_skeleton_with_the_picture() -> None:
    full, half = grey(PICTURE_WH), grey((PICTURE_WH[0] // 2, PICTURE_WH[1] // 2))
    draw_people(full, [make_person()])
    draw_people(half, [make_person()], scale=0.5)
    assert middle_x(half, "right") == pytest.approx(middle_x(full, "right") / 2, abs=2)


@pytest.mark.parametrize("size_wh", [(1, 1), (1, 7), (13, 1), (3, 3), (641, 359), (2, 2000)])
def test_any_size_works(size_wh: tuple[int, int]) -> None:
    for confidence in (0.9, 0.2):
        image = grey(size_wh)
        draw_people(image, [make_person(confidence=confidence)], scale=size_wh[0] / PICTURE_WH[0])
        assert image.shape == (size_wh[1], size_wh[0], 3)


def test_unknown_and_absurd_joints_are_left_out() -> None:
    person = make_person()
    xy_px = person.keypoints.xy_px.copy()
    xy_px[H36M17.index("left_wrist")] = np.nan
    xy_px[H36M17.index("right_wrist")] = 1e12
    xy_px[H36M17.index("head")] = np.inf
    image = grey(PICTURE_WH)
    draw_people(image, [keypoints(xy_px)])
    for joint in ("left_wrist", "right_wrist"):
        x, y = person.keypoints.xy_px[H36M17.index(joint)]
        assert (image[round(float(y)), round(float(x))] == GREY).all()


def test_person_without_a_known_joint_leaves_the_picture_alone() -> None:
    image = grey(PICTURE_WH)
    draw_people(image, [keypoints(np.full((17, 2), np.nan)), keypoints(np.zeros((17, 2)), confidence=0)])
    assert (image == GREY).all()


def test_unsure_joints_are_fainter() -> None:
    change = []
    for confidence in (0.9, 0.2):
        image = grey(PICTURE_WH)
        draw_people(image, [make_person(confidence=confidence)])
        change.append(np.abs(image.astype(int) - GREY).sum())
    assert 0 < change[1] < change[0] / 3


def test_person_far_outside_the_picture_is_harmless() -> None:
    image = grey((64, 48))
    for confidence in (0.9, 0.2):
        draw_people(image, [keypoints(make_person().keypoints.xy_px + 5000, confidence)])
    assert (image == GREY).all()


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("size_wh", [(1280, 720), (1, 1), (31, 2000), (640, 480)])
def test_window_picture_is_small_and_mirrored(size_wh: tuple[int, int], mirror: bool) -> None:
    result = Result(Frame(grey(size_wh), Stamp(0, 0.0)), (make_person(STANDING),))
    picture = compose_picture(result, (400, 300), DARK, mirror=mirror)
    # A border of two pixels comes on top.
    assert picture.shape[0] <= 300 + 4
    assert picture.shape[1] <= 400 + 4
    if size_wh == PICTURE_WH:
        right_is_left = middle_x(picture[..., ::-1], "right") < picture.shape[1] / 2
        assert right_is_left != mirror


def test_window_picture_leaves_the_frame_alone() -> None:
    result = Result(Frame(grey((320, 240)), Stamp(0, 0.0)), (make_person(),))
    compose_picture(result, (400, 300), DARK, mirror=True)
    assert (result.frame.image_bgr == GREY).all()
