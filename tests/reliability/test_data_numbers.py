"""The numeric core, by properties (Hypothesis)

Whatever finite numbers go in, finite ones come out, in the same shape; what is unknown stays unknown and spoils nothing
else; nothing that was handed in is changed; and shifts, mirrors, sizes and the order of people matter as they should.
"""

from dataclasses import replace

import numpy as np
import pytest
from fakes import standing_keypoints
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from posedemo.assembly import track_maker
from posedemo.body import BodyModel, fix_bones, hold_last_lengths
from posedemo.datatypes import Keypoints2D, LifterSpec, Stamp
from posedemo.geometry import bone_lengths, to_screen
from posedemo.motion_quality import align, bone_spread, find_jumps, find_swaps, jitter
from posedemo.placement import place_root, project
from posedemo.plausibility import Past, distance, fault
from posedemo.refit import FARTHEST_M, refit
from posedemo.remap import remap
from posedemo.sides import swap_sides, swapped_parts
from posedemo.sight import turn_to_pelvis
from posedemo.skeleton import COCO17, H36M17, MEDIAPIPE33
from posedemo.smoothing import PRESETS, make_smoother
from posedemo.tracking import Tracker
from posedemo.window import PoseWindow

EXAMPLES = 40
properties = settings(max_examples=EXAMPLES, deadline=None, derandomize=True)

SIDES = np.array([1, -1, -1], np.float32)
FLIP = list(H36M17.flip_order)
SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.tuples(st.integers(1, 16_384), st.integers(1, 16_384))
SCALES = st.sampled_from([1e-6, 1e-3, 1.0, 50.0, 1e3, 1e6])
MISSING = st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])


def poses(seed: int, *shape: int, scale: float = 0.5) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, scale, (*shape, 17, 3)).astype(np.float32)


def with_missing(points: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Some joints (..., J, :) unknown."""
    lost = np.random.default_rng((seed, 1)).random(points.shape[:-1]) < share
    return np.where(lost[..., None], np.float32(np.nan), points)


def person(seed: int, *, scale: float = 100.0, missing: float = 0.0, skeleton=H36M17) -> Keypoints2D:
    """Joints anywhere in the picture; those that are unknown have no confidence."""
    random = np.random.default_rng(seed)
    xy_px = with_missing(random.normal(0, scale, (skeleton.num_joints, 2)).astype(np.float32), missing, seed)
    confidence = random.random(skeleton.num_joints).astype(np.float32)
    return Keypoints2D(xy_px, np.where(np.isnan(xy_px).any(axis=1), 0, confidence).astype(np.float32), skeleton)


def mirrored(keypoints: Keypoints2D) -> Keypoints2D:
    """The same person in a mirror at x = 0."""
    order = list(keypoints.skeleton.flip_order)
    xy_px = keypoints.xy_px[order] * np.array([-1, 1], np.float32)
    return Keypoints2D(xy_px, keypoints.confidence[order], keypoints.skeleton)


def unchanged(*arrays: np.ndarray):
    """Freeze arrays, so that writing into one raises."""
    for array in arrays:
        array.flags.writeable = False


@properties
@given(seed=SEEDS, size_wh=SIZES, scale=SCALES)
def test_screen_units_of_a_mirrored_picture_are_mirrored(seed, size_wh, scale):
    xy_px = np.random.default_rng(seed).normal(0, scale, (3, 17, 2)).astype(np.float32)
    unchanged(xy_px)
    xy = to_screen(xy_px, size_wh)
    assert (xy.shape, xy.dtype) == (xy_px.shape, xy_px.dtype)
    assert np.isfinite(xy).all()
    across = to_screen(np.float32([size_wh[0], 0]) + xy_px * np.float32([-1, 1]), size_wh)
    # One rounding of float32 pixels of that scale, in screen units.
    atol = 4e-7 * (scale * 10 + size_wh[0]) / size_wh[0]
    np.testing.assert_allclose(across, xy * np.float32([-1, 1]), atol=atol, rtol=1e-5)


@properties
@given(seed=SEEDS, scale=st.sampled_from([0.25, 2.0, 64.0]))
def test_bone_lengths_do_not_know_where_somebody_stands_and_grow_with_them(seed, scale):
    xyz = poses(seed, 4).astype(np.float64)
    lengths = bone_lengths(xyz, H36M17)
    assert lengths.shape == (4, 16)
    np.testing.assert_allclose(bone_lengths(xyz * scale + [3, -2, 7], H36M17), lengths * scale, rtol=1e-9)
    np.testing.assert_array_equal(bone_lengths(xyz[::-1], H36M17), lengths[::-1])


@properties
@given(seed=SEEDS, missing=MISSING, skeleton=st.sampled_from([MEDIAPIPE33, COCO17, H36M17]))
def test_remap_of_a_mirrored_person_is_mirrored_and_what_is_unknown_is_said_to_be(seed, missing, skeleton):
    before = person(seed, missing=missing, skeleton=skeleton)
    mapped, other = remap(before), remap(mirrored(before))
    # Float32 sums of up to seven terms of some hundred pixels.
    np.testing.assert_allclose(other.xy_px, mirrored(mapped).xy_px, atol=2e-3)
    np.testing.assert_array_equal(other.confidence, mirrored(mapped).confidence)
    unknown = np.isnan(mapped.xy_px).any(axis=1)
    assert not np.isinf(mapped.xy_px).any()
    if skeleton is not H36M17:
        np.testing.assert_array_equal(mapped.confidence[unknown], 0)


@properties
@given(seed=SEEDS, scale=st.sampled_from([1e-6, 0.3, 3.0, 1e4]))
def test_turned_cameras_are_rotations_with_the_pelvis_in_the_middle(seed, scale):
    xy = np.random.default_rng(seed).normal(0, scale, (5, 17, 2)).astype(np.float32)
    unchanged(xy)
    turned, rotations = turn_to_pelvis(xy)
    assert turned.shape == xy.shape
    assert np.isfinite(turned).all()
    # Float32 sines and cosines; a direction 1e4 off the axis cancels four digits of them.
    np.testing.assert_allclose(rotations @ rotations.swapaxes(-1, -2), np.broadcast_to(np.eye(3), (5, 3, 3)), atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(rotations.astype(np.float64)), 1, atol=1e-5)
    np.testing.assert_allclose(turned[:, 0], 0, atol=1e-5 * max(1.0, scale))
    across, _ = turn_to_pelvis(xy * np.float32([-1, 1]))
    np.testing.assert_allclose(across, turned * np.float32([-1, 1]), rtol=1e-5, atol=1e-5 * max(1.0, scale))


def rising_times(seed: int, count: int) -> np.ndarray:
    """At 5 to 240 frames a second, with a hole of seconds now and then."""
    random = np.random.default_rng((seed, 2))
    steps_s = random.uniform(1 / 240, 1 / 5, count)
    return 1e4 * random.random() + np.cumsum(np.where(random.random(count) < 0.1, 3.0, steps_s))


def smoothed(preset: str, zero_phase: bool, times_s: np.ndarray, values: np.ndarray) -> np.ndarray:
    smoother = make_smoother(preset, zero_phase=zero_phase)
    unchanged(values)
    if not zero_phase or preset == "off":
        out = []
        for time_s, value in zip(times_s, values, strict=True):
            smoother.push(time_s, value)
            out.append(smoother.at(time_s))
        return np.array(out)
    for time_s, value in zip(times_s, values, strict=True):
        smoother.push(time_s, value)
    return np.array([smoother.at(time_s) for time_s in times_s])


@properties
@given(seed=SEEDS, preset=st.sampled_from(list(PRESETS)), zero_phase=st.booleans(), missing=MISSING, scale=SCALES)
def test_filters_keep_what_is_unknown_unknown_and_the_rest_finite(seed, preset, zero_phase, missing, scale):
    values = with_missing(poses(seed, 12, scale=scale), missing, seed)
    times_s = rising_times(seed, 12)
    out = smoothed(preset, zero_phase, times_s, values)
    assert (out.shape, out.dtype) == (values.shape, values.dtype)
    np.testing.assert_array_equal(np.isnan(out), np.isnan(values))
    assert not np.isinf(out).any()
    mirrored_out = smoothed(preset, zero_phase, times_s, values[:, FLIP] * SIDES)
    np.testing.assert_allclose(mirrored_out, out[:, FLIP] * SIDES, rtol=1e-4, atol=1e-5 * scale)
    if not zero_phase and missing == 0:
        # Each value is a mean of those that went before: never outside of them, but for the last digit.
        low, high = np.minimum.accumulate(values), np.maximum.accumulate(values)
        slack = 1e-5 * scale
        assert ((out >= low - slack) & (out <= high + slack)).all()


@properties
@given(seed=SEEDS, zero_phase=st.booleans(), shift=st.floats(-5, 5))
def test_filters_do_not_care_where_the_origin_is(seed, zero_phase, shift):
    values, times_s = poses(seed, 10), rising_times(seed, 10)
    out = smoothed("balanced", zero_phase, times_s, values)
    moved = smoothed("balanced", zero_phase, times_s, values + np.float32(shift))
    # Float32 at five metres carries half a micrometre, and the parabola is flattened a little towards 0.
    np.testing.assert_allclose(moved - np.float32(shift), out, atol=2e-3 if zero_phase else 1e-4)


@properties
@given(
    seed=SEEDS, missing=MISSING, num_frames=st.sampled_from([1, 9, 27]), look_ahead=st.integers(0, 8),
    rate_hz=st.sampled_from([1.0, 30.0, 240.0]),
)  # fmt: skip
def test_windows_are_full_of_what_was_seen(seed, missing, num_frames, look_ahead, rate_hz):
    joints = with_missing(np.random.default_rng(seed).normal(0, 0.4, (20, 17, 2)).astype(np.float32), missing, seed)
    spec = LifterSpec("", num_frames, rate_hz, min(look_ahead, num_frames - 1))
    window = PoseWindow(num_frames=num_frames, rate_hz=rate_hz, look_ahead=spec.look_ahead)
    times_s = rising_times(seed, 20)
    highest = 0.0
    for time_s, xy in zip(times_s, joints, strict=True):
        unchanged(xy)
        window.push(time_s, xy, np.ones(17, np.float32))
        highest = max(highest, float(np.nanmax(np.abs(xy), initial=0)))
        seen = window.at(time_s)
        assert seen.xy.shape == (num_frames, 17, 2)
        assert np.isfinite(seen.xy).all()
        # Interpolated between two of them: float32 may be a digit beyond.
        assert np.abs(seen.xy).max() <= highest * 1.0001


@properties
@given(seed=SEEDS, missing=MISSING, scale=st.sampled_from([1e-6, 0.5, 1e3]))
def test_bodies_are_alike_on_both_sides_whatever_they_were_shown(seed, missing, scale):
    body = BodyModel()
    shown = with_missing(poses(seed, 15, scale=scale), missing, seed)
    confidence = np.random.default_rng((seed, 3)).random((15, 17)).astype(np.float32)
    unchanged(shown, confidence)
    for index, pose in enumerate(shown):
        body.observe(index / 30, pose, confidence[index])
    lengths_m = body.lengths_m
    assert np.isfinite(lengths_m).all()
    assert (lengths_m > 0).all()
    by_end = dict(zip((child for _, child in H36M17.bones), lengths_m, strict=True))
    for left, right in H36M17.left_right_pairs:
        assert by_end[left] == by_end[right]


@properties
@given(seed=SEEDS, missing=MISSING, shift=st.floats(-10, 10))
def test_fixed_bones_have_their_lengths_and_the_pelvis_its_place(seed, missing, shift):
    pose = with_missing(poses(seed), missing, seed)
    lengths_m = np.random.default_rng((seed, 4)).uniform(0.05, 0.6, 16).astype(np.float32)
    unchanged(pose, lengths_m)
    fixed = fix_bones(pose, lengths_m)
    np.testing.assert_array_equal(np.isnan(fixed), np.isnan(pose))
    np.testing.assert_array_equal(fixed[0], pose[0])
    if missing == 0:
        np.testing.assert_allclose(bone_lengths(fixed, H36M17), lengths_m, atol=1e-5)
    moved = fix_bones(pose + np.float32(shift), lengths_m)
    # Float32 at ten metres carries a micrometre; a short bone's direction loses as much of its length.
    np.testing.assert_allclose(moved - np.float32(shift), fixed, atol=1e-3)


@properties
@given(seed=SEEDS, missing=MISSING)
def test_lengths_held_to_the_end_belong_to_each_track_alone(seed, missing):
    shown = with_missing(poses(seed, 12), missing, seed)
    tracks = np.random.default_rng(seed).integers(0, 3, 12)
    unchanged(shown, tracks)
    held = hold_last_lengths(shown, tracks)
    np.testing.assert_array_equal(np.isnan(held), np.isnan(shown))
    for track in np.unique(tracks):
        alone = hold_last_lengths(shown[tracks == track], tracks[tracks == track])
        np.testing.assert_array_equal(held[tracks == track], alone)


def placed(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A pose in front of the camera, and where its pelvis is."""
    random = np.random.default_rng((seed, 5))
    pose = poses(seed, scale=0.3)
    return pose - pose[0], np.array([random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(2.5, 9)], np.float32)


@properties
@given(seed=SEEDS, missing=st.sampled_from([0.0, 0.2, 0.6]))
def test_place_is_found_again_from_what_a_camera_sees(seed, missing):
    pose, root_m = placed(seed)
    xy = project(pose, root_m)
    xy = with_missing(xy, missing, seed)
    assume(np.isfinite(xy).all(axis=1).sum() >= 8)
    confidence = np.random.default_rng(seed).uniform(0.3, 1, 17).astype(np.float32)
    unchanged(pose, xy, confidence)
    # Float32 pixels of 1e-7 on a body of 1 m, nine metres away.
    np.testing.assert_allclose(place_root(pose, xy, confidence), root_m, atol=2e-3)


@properties
@given(seed=SEEDS, scale=SCALES, missing=MISSING)
def test_place_is_in_front_of_the_camera_or_nowhere(seed, scale, missing):
    random = np.random.default_rng(seed)
    xy = random.normal(0, scale, (17, 2)).astype(np.float32)
    root_m = place_root(with_missing(poses(seed, scale=scale), missing, seed), xy, random.random(17).astype(np.float32))
    assert root_m is None or (np.isfinite(root_m).all() and 0.2 < root_m[2] < 31)


@properties
@given(seed=SEEDS, noise_m=st.sampled_from([0.0, 0.02, 0.3]), missing=st.sampled_from([0.0, 0.3, 0.8]))
def test_refit_goes_nowhere_far_and_knows_no_more_than_before(seed, noise_m, missing):
    pose, root_m = placed(seed)
    seen = project(pose, root_m) + np.random.default_rng(seed).normal(0, 0.02, (17, 2)).astype(np.float32)
    given_m = with_missing(pose, missing, seed)
    given_m[0] = 0
    lengths_m = np.nan_to_num(bone_lengths(pose, H36M17)).astype(np.float32)
    confidence = np.where(np.isnan(given_m).any(axis=1), 0, 0.9).astype(np.float32)
    seen = np.where(confidence[:, None] > 0, seen + np.float32(noise_m), np.nan).astype(np.float32)
    unchanged(given_m, root_m, seen, confidence, lengths_m)
    moved_m, place_m = refit(given_m, root_m, seen, confidence, lengths_m)
    np.testing.assert_array_equal(np.isnan(moved_m), np.isnan(given_m))
    assert np.isfinite(place_m).all()
    assert np.nanmax(np.linalg.norm(moved_m - given_m, axis=-1)) <= FARTHEST_M * 1.0001


@properties
@given(seed=SEEDS, missing=MISSING, elapsed_s=st.sampled_from([0.0, 1 / 240, 1 / 30, 0.5, 100.0]))
def test_nobody_is_impossible_to_themselves(seed, missing, elapsed_s):
    one = person(seed, missing=missing)
    assume((one.confidence > 0).any())
    assert fault(Past.first(one, 5.0), one, 5.0 + elapsed_s) is None
    assert distance(one, one) == 0


@properties
@given(seed=SEEDS, missing=st.sampled_from([0.0, 0.3]), factor=st.sampled_from([2.0, 4.0, 16.0]))
def test_faults_do_not_know_how_near_somebody_is_nor_which_side_is_which(seed, missing, factor):
    """Powers of two and mirrors are exact in float32, so that not even a case on a limit may change."""
    one, other = person(seed, missing=missing), person(seed ^ 1, missing=missing)
    near = [replace(keypoints, xy_px=keypoints.xy_px * np.float32(factor)) for keypoints in (one, other)]
    past = Past.first(one, 0.0)
    verdict = fault(past, other, 1 / 30)
    assert fault(Past.first(near[0], 0.0), near[1], 1 / 30) == verdict
    assert distance(*near) == pytest.approx(distance(one, other), rel=1e-5)
    assert distance(one, other) == pytest.approx(distance(other, one), rel=1e-5)
    assert distance(mirrored(one), mirrored(other)) == pytest.approx(distance(one, other), rel=1e-5)


@properties
@given(seed=SEEDS, missing=MISSING, parts=st.tuples(st.booleans(), st.booleans()))
def test_sides_exchanged_twice_are_as_they_were(seed, missing, parts):
    one = person(seed, missing=missing)
    twice = swap_sides(swap_sides(one, parts), parts)
    np.testing.assert_array_equal(twice.xy_px, one.xy_px)
    np.testing.assert_array_equal(twice.confidence, one.confidence)
    assert not any(swapped_parts(one.xy_px, one, 1 / 30))


def make_tracker(max_people: int) -> Tracker:
    return Tracker(max_people=max_people, new_track=track_maker(LifterSpec("flat", 1, 30.0), "off"))


@properties
@given(seed=SEEDS, missing=MISSING, scale=SCALES, max_people=st.integers(1, 4))
def test_tracker_never_shows_more_than_asked_for_nor_one_twice(seed, missing, scale, max_people):
    random, tracker, last_id = np.random.default_rng(seed), make_tracker(max_people), -1
    for index in range(8):
        people = [person(int(random.integers(2**31)), scale=scale, missing=missing) for _ in range(random.integers(6))]
        ids = [track.track_id for track in tracker.update(people, Stamp(index, index / 30), size_wh=(640, 480))]
        assert len(set(ids)) == len(ids) <= max_people
        new = [track_id for track_id in ids if track_id > last_id]
        last_id = max([last_id, *new])
    assert last_id < 8 * 6


@properties
@given(seed=SEEDS)
def test_order_in_which_a_detector_names_people_does_not_matter(seed):
    """Four people who walk side by side, some of whom are not seen now and then."""
    random, trackers = np.random.default_rng(seed), (make_tracker(4), make_tracker(4))
    speeds_px = random.uniform(-3, 3, 4)
    for index in range(15):
        people = [
            standing_keypoints(200.0 + 300 * number + speeds_px[number] * index, height_px=100 + 7 * number)
            for number in range(4)
            if index == 0 or random.random() < 0.85
        ]
        mixed = [people[place] for place in (random.permutation(len(people)) if index else range(len(people)))]
        seen = [
            {
                track.track_id: track.keypoints.xy_px.tobytes()
                for track in tracker.update(named, Stamp(index, index / 30))
            }
            for tracker, named in zip(trackers, (people, mixed), strict=True)
        ]
        assert seen[0] == seen[1]


@properties
@given(seed=SEEDS, missing=MISSING, scale=SCALES)
def test_measures_of_motion_take_any_motion(seed, missing, scale):
    """Unknown joints are left out, and a motion seen in a mirror moves as much."""
    motion = with_missing(poses(seed, 20, scale=scale), missing, seed)
    times_s = np.arange(20) / 30
    unchanged(motion)
    across = motion[:, FLIP] * SIDES
    assert find_jumps(motion, times_s).shape == find_swaps(motion).shape == (20,)
    np.testing.assert_array_equal(find_jumps(across, times_s), find_jumps(motion, times_s))
    np.testing.assert_array_equal(jitter(across), jitter(motion)[:, FLIP])
    if missing == 0:
        assert np.isfinite(bone_spread(motion)).all()


@properties
@given(seed=SEEDS, scale=SCALES, kind=st.sampled_from(["any", "a line", "a point"]))
def test_alignment_undoes_any_turn_size_and_shift_and_stays_finite(seed, scale, kind):
    random = np.random.default_rng(seed)
    target = poses(seed, 3, scale=1.0).astype(np.float64)
    if kind != "any":
        target = target[:, :1] * (np.arange(17)[:, None] if kind == "a line" else 1)
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    turn *= np.linalg.det(turn)
    moved = scale * target @ turn.T + scale * random.normal(size=3)
    unchanged(target, moved)
    aligned = align(moved, target)
    assert np.isfinite(aligned).all()
    # Double precision, of which a size of 1e6 takes six digits.
    np.testing.assert_allclose(aligned, target, atol=1e-6 * max(1.0, np.abs(target).max()))


def test_count(tried):
    """For the table: how many examples the properties above were tried on."""
    num_properties = sum(name.startswith("test_") and hasattr(value, "hypothesis") for name, value in globals().items())
    assert num_properties > 15
    tried(
        "geometry, remap, turned cameras, filters, windows, bodies, refit, placing, plausibility, sides, tracking, "
        "measures of motion",
        num_properties * EXAMPLES,
        f"{num_properties} properties hold",
    )
