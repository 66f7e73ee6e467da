from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from gui.example_poses import ARMS_UP, STANDING, make_person, make_pose
from posedemo.datatypes import Person, Pose3D
from posedemo.skeleton import H36M17
from posedemo.viewer.figure import JOINT_RADIUS_M
from posedemo.viewer.framing import STANDING_HALF_HEIGHT_M, View
from posedemo.viewer.operator import Operator, Preset
from posedemo.viewer.scene import Scene
from posedemo.viewer.standing import ROOM_HALF_DEPTH_M, ROOM_HALF_WIDTH_M, Standing
from posedemo.viewer.theme import DARK, LIGHT
from posedemo.viewer.visibility import legs_not_visible

FRAME_S = 1 / 30


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(5)


def make_scene(*people: Person, mirror: bool = False, max_people: int = 2) -> Scene:
    scene = Scene(max_people=max_people, theme=DARK, mirror=mirror)
    scene.update(people, 0.0)
    return scene


def drawn(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and colours of triangles that have an area."""
    corners = scene.bodies.vertices[scene.bodies.triangles]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=-1)
    used = np.unique(scene.bodies.triangles[area > 1e-12])
    return scene.bodies.vertices[used], scene.bodies.colors[used]


def middle_of_hue(scene: Scene, wanted: str) -> np.ndarray:
    """Centre of what is drawn in a side's colour, whatever light falls on it."""
    vertices, colors = drawn(scene)
    blueness = colors[:, 2] - colors[:, 0]
    is_wanted = blueness > 0.15 if wanted == "left" else blueness < -0.15
    return vertices[is_wanted].mean(axis=0)


def test_topology_stays_the_same() -> None:
    scene = make_scene()
    shapes = {scene.bodies.vertices.shape}
    triangles = scene.bodies.triangles.copy()
    for people in ((make_person(),), (make_person(), make_person(ARMS_UP, 1)), ()):
        scene.update(people, FRAME_S)
        shapes.add(scene.bodies.vertices.shape)
        assert scene.bodies.vertices.shape == scene.bodies.colors.shape
    assert len(shapes) == 1
    assert triangles.max() < next(iter(shapes))[0]
    np.testing.assert_array_equal(scene.bodies.triangles, triangles)


def test_colours_and_places_are_numbers_in_range() -> None:
    scene = make_scene(make_person(ARMS_UP), make_person(track_id=1, confidence=0.0))
    for array in (scene.bodies.vertices, scene.shadows.vertices, scene.bodies.colors, scene.shadows.colors):
        assert np.isfinite(array).all()
    for colors in (scene.bodies.colors, scene.shadows.colors, scene.floor.colors, scene.floor.grid_colors):
        assert colors.min() >= 0
        assert colors.max() <= 1


def test_nobody_draws_nothing() -> None:
    assert len(drawn(make_scene())[0]) == 0


def test_person_without_pose_is_not_drawn() -> None:
    person = make_person()
    scene = make_scene(Person(person.track_id, person.keypoints))
    assert len(drawn(scene)[0]) == 0


def test_more_people_than_there_is_room_for_are_left_out() -> None:
    scene = make_scene(*(make_person(track_id=index) for index in range(4)), max_people=2)
    assert len(scene.people) == 2


def test_unknown_joint_takes_its_bones_with_it() -> None:
    unknown = (np.nan, np.nan, np.nan)
    whole = make_scene(make_person(ARMS_UP))
    without = make_scene(make_person(make_pose(left_wrist=unknown, left_elbow=unknown)))
    assert np.isfinite(without.bodies.vertices).all()
    assert len(drawn(without)[0]) < len(drawn(whole)[0])
    # The left shoulder is the last joint on that side.
    reach_m = STANDING[H36M17.index("left_shoulder"), 0] + JOINT_RADIUS_M["shoulder"]
    assert drawn(without)[0][:, 0].max() <= reach_m + 1e-3


def test_person_without_any_known_joint_draws_nothing() -> None:
    scene = make_scene(make_person(np.full_like(STANDING, np.nan)))
    assert len(drawn(scene)[0]) == 0
    assert np.isfinite(scene.shadows.vertices).all()


def test_person_facing_the_camera_has_their_right_on_the_left_of_the_view() -> None:
    scene = make_scene(make_person())
    assert middle_of_hue(scene, "right")[0] < -0.05
    assert middle_of_hue(scene, "left")[0] > 0.05


def test_mirror_swaps_the_sides_of_the_room_but_not_of_the_body() -> None:
    person = make_person(root_m=(0.8, 0, 3))
    straight, mirrored = make_scene(person), make_scene(person, mirror=True)
    assert drawn(straight)[0][:, 0].mean() > 0.5
    np.testing.assert_allclose(straight.people[0].joints_m * [-1, 1, 1], mirrored.people[0].joints_m, atol=1e-6)
    assert middle_of_hue(mirrored, "left")[0] < middle_of_hue(mirrored, "right")[0]


def test_what_is_nearer_to_the_camera_is_nearer_to_the_viewer() -> None:
    scene = make_scene(make_person(make_pose(left_wrist=(0.2, -0.3, -0.6))))
    joints_m = scene.people[0].joints_m
    assert joints_m[H36M17.index("left_wrist"), 2] > joints_m[H36M17.index("pelvis"), 2] + 0.5


def test_unsure_joints_fade_into_the_background() -> None:
    background = np.array(DARK.background)
    contrast = [
        np.abs(drawn(make_scene(make_person(confidence=confidence)))[1] - background).mean()
        for confidence in (0.9, 0.35, 0.1)
    ]
    assert contrast[0] > 1.3 * contrast[1] > 1.3 * contrast[2] > 0


def test_feet_stand_on_the_floor() -> None:
    for pose in (STANDING, ARMS_UP, make_pose(right_ankle=(-0.16, 0.5, 0.3))):
        lowest_m = drawn(make_scene(make_person(pose)))[0][:, 1].min()
        assert abs(lowest_m) < 0.005


def test_unknown_feet_leave_the_pelvis_at_a_usual_height() -> None:
    unknown = (np.nan, np.nan, np.nan)
    person = make_person(make_pose(left_ankle=unknown, right_ankle=unknown, left_knee=unknown, right_knee=unknown))
    pelvis = make_scene(person).people[0].joints_m[H36M17.index("pelvis")]
    assert 0.8 < pelvis[1] < 1.05


def bent(share: float) -> np.ndarray:
    """Standing, with legs of so much of their length."""
    pose = STANDING.copy()
    below = pose[:, 1] > 0
    pose[below, 1] *= share
    return pose


def test_floor_follows_a_step_slowly_down_and_never_cuts_a_foot() -> None:
    standing = Standing()
    tall, in_step = make_person(), make_person(bent(0.96))
    pelvis = H36M17.index("pelvis")
    first = standing.update([tall], 0.0)[0].joints_m[pelvis, 1]
    next_frame = standing.update([in_step], FRAME_S)[0].joints_m[pelvis, 1]
    settled = standing.update([in_step], 10.0)[0].joints_m[pelvis, 1]
    # Of the few centimetres most are left after a frame.
    assert first - next_frame < 0.25 * (first - settled)
    risen = standing.update([tall], 10.0 + FRAME_S)[0].joints_m
    assert risen[:, 1].min() >= JOINT_RADIUS_M["ankle"] - 1e-5


def test_who_drops_into_a_crouch_does_not_hover() -> None:
    """Hips come down at up to 2 m/s when somebody lands or squats fast."""
    standing, lowest_m = Standing(), []
    leg_m = float(STANDING[:, 1].max())
    for frame in range(30):
        share = max(0.5, 1 - frame * FRAME_S * 2.0 / leg_m)
        joints_m = standing.update([make_person(bent(share))], frame * FRAME_S)[0].joints_m
        lowest_m.append(joints_m[:, 1].min() - JOINT_RADIUS_M["ankle"])
    # So far behind it is on the way at that speed; then it arrives.
    assert max(lowest_m) < 0.13
    assert lowest_m[-1] < 0.03


def test_two_people_are_apart_as_in_the_picture() -> None:
    left, right = make_person(root_m=(-0.7, 0, 3)), make_person(track_id=1, root_m=(0.7, 0, 4))
    people = make_scene(left, right).people
    assert people[1].joints_m[0, 0] - people[0].joints_m[0, 0] > 1.0
    # The second is further away.
    assert people[1].joints_m[0, 2] < people[0].joints_m[0, 2] - 0.5


def test_first_place_is_the_middle_and_depth_counts_from_there() -> None:
    standing = Standing()
    z_m = [standing.update([make_person(root_m=(0, 0, depth_m))], 0.0)[0].joints_m[0, 2] for depth_m in (6.0, 5.5, 6.5)]
    assert z_m[0] == pytest.approx(0)
    assert z_m[1] > 0.4 > -0.4 > z_m[2]


@pytest.mark.parametrize("root_m", [(100.0, 0.0, 90.0), (-100.0, 0.0, 0.5), (np.nan, 0.0, 3.0), None])
def test_nobody_leaves_the_room(root_m: tuple[float, float, float] | None) -> None:
    standing = Standing()
    standing.update([make_person()], 0.0)
    joints_m = standing.update([make_person(root_m=root_m)], FRAME_S)[0].joints_m
    pelvis = joints_m[H36M17.index("pelvis")]
    assert np.isfinite(joints_m).all()
    assert abs(pelvis[0]) <= ROOM_HALF_WIDTH_M
    assert abs(pelvis[2]) <= ROOM_HALF_DEPTH_M


def test_a_place_that_jitters_along_the_line_of_sight_is_calmed_in_the_room_alone(random: np.random.Generator) -> None:
    depths_m = 3.5 + 0.1 * random.normal(size=90)

    def spread_m(*, in_room: bool) -> float:
        standing = Standing(in_room=in_room)
        seen = [
            standing.update([make_person(root_m=(0, 0, depth_m))], index * FRAME_S)[0].joints_m[0, 2]
            for index, depth_m in enumerate(depths_m)
        ]
        return float(np.std(seen[30:]))

    assert spread_m(in_room=False) == pytest.approx(0.1, rel=0.2)
    assert spread_m(in_room=True) < 0.06


def test_the_room_squeezes_softly() -> None:
    """True in its middle; and who is farther out stays farther out, also beyond what the walls allow."""
    places_m = [Standing().update([make_person(root_m=(x_m, 0, 4))], 0.0)[0].joints_m[0, 0] for x_m in (0.3, 3, 3.6)]
    assert places_m[0] == pytest.approx(0.3, abs=0.01)
    assert places_m[1] + 0.03 < places_m[2] < ROOM_HALF_WIDTH_M


def test_missing_place_keeps_the_last_one() -> None:
    standing = Standing()
    there = standing.update([make_person(root_m=(0.5, 0, 3))], 0.0)[0].joints_m
    still = standing.update([make_person(root_m=None)], FRAME_S)[0].joints_m
    np.testing.assert_allclose(there, still, atol=1e-6)


def test_places_of_people_who_are_gone_are_forgotten() -> None:
    standing = Standing()
    for index in range(100):
        standing.update([make_person(track_id=index)], float(index))
    assert len(standing._places) < 10


def test_shadow_is_darkest_under_the_feet() -> None:
    scene = make_scene(make_person())
    brightness = scene.shadows.colors[: len(scene.shadows.colors) // 2].mean(axis=-1)
    distance_m = np.linalg.norm(scene.shadows.vertices[: len(brightness), [0, 2]], axis=-1)
    assert brightness[distance_m < 0.2].mean() < 0.7 * brightness[distance_m > 0.8].mean()


def test_camera_follows_everybody_calmly() -> None:
    framing = Operator(0.8, Preset.FOLLOW)
    standing = Standing()
    centre = standing.update([make_person()], 0.0)
    first = framing.view(centre, 0.0)
    assert first.half_height_m == STANDING_HALF_HEIGHT_M
    two = standing.update([make_person(root_m=(-1.2, 0, 3)), make_person(track_id=1, root_m=(1.2, 0, 3))], FRAME_S)
    soon, later = framing.view(two, FRAME_S), framing.view(two, 20.0)
    assert first.half_height_m < soon.half_height_m < first.half_height_m * 1.2
    reach_m = max(abs(person.joints_m[:, 0]).max() for person in two)
    assert later.half_height_m * 0.8 > reach_m
    assert framing.view((), 21.0) == later


def test_camera_cuts_to_a_stranger_and_never_lets_anybody_walk_out() -> None:
    framing = Operator(0.8, Preset.FOLLOW)
    standing = Standing()
    framing.view(standing.update([make_person(root_m=(-1.5, 0, 3))], 0.0), 0.0)
    stranger = standing.update([make_person(track_id=1, root_m=(1.5, 0, 3))], FRAME_S)
    assert framing.view(stranger, FRAME_S) == Operator(0.8, Preset.FOLLOW).view(stranger, FRAME_S)
    # From one side of the room to the other in a fifth of a second, which no easing follows.
    for index in range(6):
        moved = standing.update([make_person(track_id=1, root_m=(1.5 - 0.6 * index, 0, 3))], FRAME_S * (index + 2))
        view = framing.view(moved, FRAME_S * (index + 2))
        offsets_m = moved[0].joints_m[:, 0] - view.target_m[0]
        assert np.abs(offsets_m).max() < view.half_height_m * 0.8


@pytest.mark.parametrize(("yaw_deg", "pitch_deg"), [(0, 0), (30, 10), (-120, 89), (180, -45)])
def test_view_axes_are_square(yaw_deg: float, pitch_deg: float) -> None:
    view = View((0.0, 1.0, 0.0), 1.0, yaw_deg=yaw_deg, pitch_deg=pitch_deg)
    front, up = np.array(view.front), np.array(view.up)
    assert front @ up == pytest.approx(0, abs=1e-9)
    assert np.linalg.norm(front) == pytest.approx(1)
    assert np.linalg.norm(up) == pytest.approx(1)


def test_scene_needs_numpy_only() -> None:
    code = "import sys, posedemo.viewer.scene, posedemo.viewer.operator; print(*{'open3d', 'cv2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""


def with_confidence(person: Person, **confidences: float) -> Person:
    """The person, but for joints whose name ends so, such as ``knee=0.2``."""
    changed = person.keypoints.confidence.copy()
    for joint, confidence in confidences.items():
        changed[[name.endswith(joint) for name in H36M17.joints]] = confidence
    assert person.pose is not None
    return replace(person, pose=Pose3D(person.pose.xyz_m, changed))


def seated(index: int) -> Person:
    """Behind a desk: legs are guesses that change from frame to frame, hands move."""
    knee_m, ankle_m = 0.45 + 0.05 * np.sin(index), 0.88 + 0.1 * np.sin(1.7 * index)
    pose = make_pose(
        left_knee=(0.15, knee_m, -0.3), right_knee=(-0.15, knee_m, -0.3),
        left_ankle=(0.16, ankle_m, -0.2), right_ankle=(-0.16, ankle_m, -0.2),
        left_wrist=(0.3, -0.2 * np.sin(index / 9), -0.2),
    )  # fmt: skip
    return with_confidence(make_person(pose), knee=0.2, ankle=0.05)


def test_a_seated_speaker_does_not_bob() -> None:
    standing = Standing()
    heads_m = [
        standing.update([seated(index)], index * FRAME_S)[0].joints_m[H36M17.index("head")] for index in range(90)
    ]
    assert np.ptp(np.array(heads_m)[:, 1]) < 1e-3
    assert 1.4 < heads_m[0][1] < 1.8


def test_a_guessed_pelvis_does_not_move_the_shoulders() -> None:
    """Of a speaker seen from the chest up, the pelvis is made up: the neck is what keeps still."""
    standing = Standing()
    necks_m = []
    for index in range(90):
        # The lifter's pose is measured from a pelvis that wanders up and down by 6 cm.
        pose = STANDING + np.float32([0, 0.03 * np.sin(index / 3), 0]) * (np.arange(17) != 0)[:, None]
        person = with_confidence(make_person(pose.astype(np.float32)), hip=0.2, pelvis=0.2, knee=0.05, ankle=0.01)
        necks_m.append(standing.update([person], index * FRAME_S)[0].joints_m[H36M17.index("thorax"), 1])
    assert np.ptp(necks_m) < 0.01


def test_legs_come_into_sight_and_go_without_a_jump() -> None:
    standing = Standing()
    visible = with_confidence(make_person(make_pose(left_ankle=(0.16, 0.75, 0.0), right_ankle=(-0.16, 0.75, 0.0))))
    frames = [seated(index) for index in range(30)] + [visible] * 60 + [seated(index) for index in range(60)]
    heights_m = [
        standing.update([person], index * FRAME_S)[0].joints_m[H36M17.index("pelvis"), 1]
        for index, person in enumerate(frames)
    ]
    # A tenth of the way in a frame is calm: 0.3 s to settle.
    assert np.abs(np.diff(heights_m)).max() < 0.025
    assert heights_m[89] == pytest.approx(0.75 + JOINT_RADIUS_M["ankle"], abs=0.01)
    assert heights_m[-1] == pytest.approx(heights_m[89], abs=0.01)


def test_hidden_legs_are_hoops_and_not_bodies() -> None:
    scene = Scene(max_people=1, theme=DARK)
    for index in range(30):
        scene.update([seated(index)], index * FRAME_S)
    vertices, _ = drawn(scene)
    assert vertices[:, 1].min() > 0.8
    ghosts = scene.ghosts.vertices[np.abs(scene.ghosts.vertices).sum(axis=-1) > 0]
    assert 0 <= ghosts[:, 1].min() < 0.3
    assert ghosts[:, 1].max() < 1.1


def test_legs_that_are_seen_again_have_no_hoops_about_them() -> None:
    scene = Scene(max_people=1, theme=DARK)
    for index in range(60):
        scene.update([seated(index) if index < 30 else make_person()], index * FRAME_S)
    assert scene.people[0].seen.min() < 1, "how much of a guess they are is steadied for long"
    assert not scene.ghosts.vertices.any()


def test_a_frame_of_unsure_feet_does_not_let_anybody_sink() -> None:
    """Somebody stands up out of a crouch, and at the start of it their feet are not seen for a frame."""
    standing, lowest_m = Standing(), []
    for index in range(60):
        pose = bent(min(1.0, 0.6 + max(0, index - 30) * 0.04))
        person = make_person(pose) if index != 29 else with_confidence(make_person(pose), ankle=0.1)
        (found,) = standing.update([person], index * FRAME_S)
        lowest_m.append(found.joints_m[:, 1].min())
    assert min(lowest_m) >= 0


def test_hips_that_are_unknown_for_a_moment_leave_nothing_behind() -> None:
    standing = Standing()
    hidden = STANDING.copy()
    hidden[[H36M17.index(name) for name in ("pelvis", "left_hip", "right_hip")]] = np.nan
    for index in range(90):
        person = make_person()
        if 30 <= index < 60:
            person = with_confidence(make_person(hidden), hip=0.0, knee=0.0, ankle=0.0)
        (found,) = standing.update([person], index * FRAME_S)
        neck_m = found.joints_m[H36M17.index("thorax")]
        assert np.isfinite(neck_m).all()
        assert neck_m[1] == pytest.approx(1.4, abs=0.2)


def test_a_head_that_is_a_guess_is_no_body() -> None:
    """Behind a banner, say: nothing solid is drawn above the shoulders."""
    scene = make_scene(with_confidence(make_person(), nose=0.0, head=0.0))
    vertices, _ = drawn(scene)
    (person,) = scene.people
    above_m = vertices[vertices[:, 1] > person.joints_m[H36M17.index("nose"), 1]]
    assert len(above_m) == 0
    whole, _ = drawn(make_scene(make_person()))
    assert whole[:, 1].max() > person.joints_m[H36M17.index("head"), 1]


def test_what_is_not_seen_for_a_frame_does_not_flicker() -> None:
    scene = Scene(max_people=1, theme=DARK)
    scene.update([make_person()], 0.0)
    before = scene.people[0].confidence.copy()
    scene.update([with_confidence(make_person(), wrist=0.0)], FRAME_S)
    assert (np.abs(scene.people[0].confidence - before) < 0.2).all()
    scene.update([with_confidence(make_person(), wrist=0.0)], 5.0)
    assert scene.people[0].seen[H36M17.index("left_wrist")] == 0


@pytest.mark.parametrize(
    ("knee", "ankle", "expected"),
    [
        (0.9, 0.9, False),
        (0.2, 0.05, True),
        (0.9, 0.05, False),
        (0.2, 0.6, False),
        (0.0, 0.0, True),
        (0.4, 0.3, False),
        (0.4, 0.2, True),
    ],
)
def test_legs_are_not_visible_when_neither_knees_nor_feet_are(knee: float, ankle: float, expected: bool) -> None:
    assert legs_not_visible(with_confidence(make_person(), knee=knee, ankle=ankle)) is expected


def test_one_leg_behind_the_other_is_still_visible() -> None:
    assert not legs_not_visible(with_confidence(make_person(), left_knee=0.1, left_ankle=0.05))


def test_a_theme_changes_all_colours_and_nothing_else() -> None:
    scene = make_scene(make_person(ARMS_UP))
    before = scene.bodies.vertices.copy(), scene.bodies.colors.copy(), scene.floor.colors.copy()
    scene.set_theme(LIGHT)
    np.testing.assert_array_equal(scene.bodies.vertices, before[0])
    assert np.abs(scene.bodies.colors - before[1]).mean() > 0.02
    assert scene.floor.colors.mean() > before[2].mean() + 0.4
    scene.set_theme(DARK)
    np.testing.assert_array_equal(scene.bodies.colors, before[1])


def test_two_people_wear_different_colours() -> None:
    scene = make_scene(make_person(), make_person(track_id=1))
    first, second = np.split(scene.bodies.colors, 2)
    assert np.abs(first - second).mean() > 0.02
    assert scene.slots == {0: 0, 1: 1}


def test_trails_are_drawn_only_when_wanted() -> None:
    scene = make_scene()
    for index, pose in enumerate((STANDING, ARMS_UP, STANDING, ARMS_UP)):
        scene.update([make_person(pose)], index * 0.1)
    assert scene.trails.is_empty
    scene.has_trails = True
    scene.draw()
    assert not scene.trails.is_empty
    assert np.ptp(scene.trails.vertices[:, 1]) > 0.3


def test_everybody_has_a_shadow_and_nobody_has_none() -> None:
    assert make_scene().shadows.is_empty
    assert not make_scene(make_person()).shadows.is_empty


def test_after_a_cut_nothing_leads_from_before() -> None:
    scene = make_scene(make_person(root_m=(0.8, 0, 3)))
    scene.has_trails = True
    scene.update([make_person(ARMS_UP)], 0.1)
    scene.cut()
    scene.update([make_person()], 0.2)
    np.testing.assert_allclose(scene.people[0].joints_m, make_scene(make_person()).people[0].joints_m, atol=1e-6)
    trails = scene.trails.shown()[1].reshape(4, -1, 3)
    assert np.ptp(trails, axis=1).max() < 1e-3
