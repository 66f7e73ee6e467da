"""What is prepared ahead is the same as what is made on the spot, and is not kept for longer than it is needed."""

import gc
import weakref

import numpy as np
from posedemo.colors import image_rgb, prepare
from posedemo.datatypes import Frame, Stamp


def frame() -> Frame:
    picture = np.random.default_rng(0).integers(0, 256, (6, 9, 3)).astype(np.uint8)
    return Frame(picture, Stamp(index=0, time_s=0.0))


def test_prepared_picture_has_its_colours_the_other_way_round():
    prepared, plain = frame(), frame()
    prepare(prepared)
    for made in (image_rgb(prepared), image_rgb(plain), image_rgb(prepared)):
        np.testing.assert_array_equal(made, plain.image_bgr[..., ::-1])


def test_frame_that_waits_for_its_filter_does_not_keep_two_pictures():
    waiting = frame()
    prepare(waiting)
    taken = weakref.ref(image_rgb(waiting))
    gc.collect()
    assert taken() is None
