"""Where things are in the window, and where the camera has to be for that."""

import numpy as np
import pytest
from gui.example_poses import ARMS_UP, make_person
from posedemo.viewer.aim import Stage
from posedemo.viewer.framing import View
from posedemo.viewer.layout import Layout, Rect, centred, picture_rect, room_shift, table_rect, words_rect
from posedemo.viewer.operator import Operator
from posedemo.viewer.panel import corners_in_room
from posedemo.viewer.standing import Standing

STAGES = [(1280, 644), (1920, 966), (600, 900)]


@pytest.mark.parametrize("stage_wh", STAGES)
@pytest.mark.parametrize("aspect", [16 / 9, 3 / 4])
@pytest.mark.parametrize("layout", Layout)
def test_picture_stays_inside_and_keeps_its_shape(layout, aspect, stage_wh):
    rect = picture_rect(layout, stage_wh, aspect)
    if layout is Layout.ROOM:
        assert rect is None
        return
    assert rect.x >= 0
    assert rect.x + rect.width <= stage_wh[0]
    assert rect.y >= 0
    assert rect.bottom <= stage_wh[1]
    if layout is not Layout.PICTURE:
        assert rect.width / rect.height == pytest.approx(aspect, rel=0.02)
        # The room's people stand right of it.
        middle = stage_wh[0] * (1 + room_shift(layout)) / 2
        assert rect.x + rect.width < middle


@pytest.mark.parametrize("stage_wh", STAGES)
@pytest.mark.parametrize("x_m", [-1.6, 0.0, 1.6])
def test_nobody_is_under_the_picture_in_the_corner(stage_wh, x_m):
    """With outstretched arms, and wherever they stand in the room."""
    aspect, shift = stage_wh[0] / stage_wh[1], room_shift(Layout.CORNER)
    people = Standing().update([make_person(ARMS_UP, root_m=(x_m, 0.0, 3.5))], 0.0)
    view = Operator(aspect, shift=shift).view(people, 0.0)
    right_px = (view.seen_at(people[0].joints_m)[:, 0] / aspect + 1) / 2 * stage_wh[0]
    picture = picture_rect(Layout.CORNER, stage_wh, 16 / 9)
    assert right_px.min() > picture.x + picture.width
    assert right_px.max() < stage_wh[0]


def test_layouts_differ_in_what_the_picture_gets():
    corner, split, picture = (
        picture_rect(layout, (1280, 644), 16 / 9) for layout in (Layout.CORNER, Layout.SPLIT, Layout.PICTURE)
    )
    assert corner.width < split.width < picture.width == 1280


@pytest.mark.parametrize("aspect", [16 / 9, 4 / 3])
@pytest.mark.parametrize("layout", [Layout.CORNER, Layout.SPLIT, Layout.ROOM])
def test_people_picture_table_and_words_keep_out_of_each_others_way(layout, aspect):
    """In the smallest window that is of use on a stage, and with a table as large as ``ghost_panel`` makes it."""
    stage_wh, table_wh = (1280, 644), (400, 240)
    picture = picture_rect(layout, stage_wh, aspect, is_raised=True)
    table = table_rect(stage_wh, table_wh, picture)
    part = words_rect(layout, stage_wh, picture or table)
    assert table.size_wh == table_wh
    assert table.y > 0
    assert table.bottom < stage_wh[1]
    people_from = stage_wh[0] * (1 + room_shift(layout, has_table=True)) / 2
    assert table.x + table.width < people_from - 100
    if picture is None:
        assert table.x + table.width <= part.x
    else:
        assert picture.x + picture.width <= part.x
        assert layout is not Layout.CORNER or picture.bottom < table.y
    assert (part.x + part.width, part.height) == stage_wh


def test_centred():
    assert centred((1280, 644), (100, 44)) == Rect(590, 300, 100, 44)


def intrinsic(width: int, height: int) -> np.ndarray:
    """Of Open3D's camera: it counts pixels by their middles."""
    focal = height / 2 / np.tan(np.radians(35 / 2))
    return np.array([[focal, 0, width / 2 - 0.5], [0, focal, height / 2 - 0.5], [0, 0, 1]])


def test_panel_fills_its_pixels_wherever_the_camera_is():
    turn = np.radians(40)
    extrinsic = np.eye(4)
    extrinsic[:3, :3] = [[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]
    extrinsic[:3, 3] = 0.3, -1.0, 4.0
    matrix = intrinsic(1280, 720)
    corners = corners_in_room(matrix, extrinsic, Rect(16, 20, 400, 300), distance_m=0.15)
    in_camera = np.column_stack([corners, np.ones(4)]) @ extrinsic.T
    np.testing.assert_allclose(in_camera[:, 2], 0.15)
    seen = in_camera[:, :3] @ matrix.T
    edges = seen[:, :2] / seen[:, 2:] + 0.5
    np.testing.assert_allclose(edges, [[16, 20], [416, 20], [416, 320], [16, 320]], atol=1e-6)


@pytest.mark.parametrize("pitch_deg", [0.0, 9.0, 86.0])
@pytest.mark.parametrize("yaw_deg", [0.0, 14.0, 200.0])
def test_stage_shows_the_same_above_the_numbers(yaw_deg, pitch_deg):
    """What the operator has in the middle of the picture is in the middle of the part of the window that is left."""
    stage = Stage(aspect=2.0, shift=0.5, covered=0.1)
    view = View((0.3, 0.9, -0.2), 1.3, yaw_deg, pitch_deg)
    framed = stage.framed(stage.shifted(view))
    seen = framed.seen_at(np.array([view.target_m], np.float32))[0]
    # The stage is 0.9 of the window's height: its middle lies 0.1 of the half height above the window's, and people
    # stand at a quarter of its width right of that. Seen from the side, perspective changes nothing at the target.
    np.testing.assert_allclose(seen, [0.5 * 2.0 * 0.9, 0.1], atol=1e-3)
    back = stage.unshifted(stage.unframed(framed))
    np.testing.assert_allclose(back.target_m, view.target_m, atol=1e-6)
    assert back.half_height_m == pytest.approx(view.half_height_m)


def test_raised_picture_leaves_its_place_below():
    split = picture_rect(Layout.SPLIT, (1280, 644), 16 / 9)
    raised = picture_rect(Layout.SPLIT, (1280, 644), 16 / 9, is_raised=True)
    assert raised.y < split.y
    assert raised.size_wh == split.size_wh
