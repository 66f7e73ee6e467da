"""Questions to the machine: answered, or given up in time; and what is made of the answers."""

import os
import time

import pytest
from fakes import make_frame
from posedemo import answers
from posedemo.answers import measured_fps
from posedemo.commands.doctor import Check, run_checks
from posedemo.probing import ProbeError, ask
from posedemo.viewer.driver import is_software

PATIENCE_S = 60.0


def test_question_that_is_answered_in_its_own_process():
    assert ask(answers.lifter, "semgcn", "cpu", limit_s=PATIENCE_S) == {"provider": "cpu"}


def test_question_without_an_answer_is_given_up():
    """Python itself takes longer to start than that: to whoever asks, it hangs."""
    started_s = time.monotonic()
    with pytest.raises(ProbeError, match=r"no answer for 0\.001 s"):
        ask(answers.lifter, "semgcn", "cpu", limit_s=0.001)
    assert time.monotonic() - started_s < PATIENCE_S


def test_question_that_ends_in_a_crash_is_told():
    with pytest.raises(ProbeError, match="crashed"):
        ask(os.abort, limit_s=PATIENCE_S)


def test_question_whose_answer_is_an_error_is_told():
    with pytest.raises(ProbeError, match="camera 97") as caught:
        ask(answers.camera, 97, limit_s=PATIENCE_S)
    assert caught.value.hint


@pytest.mark.parametrize("fps", [7.5, 15.0, 30.0])
def test_rate_is_that_of_a_camera_once_it_runs(fps):
    """Many cameras are late with their first pictures and then give several at once."""
    late = [make_frame(index, 10.0 + index / 1000) for index in range(5)]
    steady = [make_frame(5 + index, 10.5 + index / fps) for index in range(1000)]
    assert measured_fps([*late, *steady]) == pytest.approx(fps)


def test_rate_of_a_camera_that_gives_nothing_is_0():
    assert measured_fps([]) == 0.0
    assert measured_fps([make_frame()]) == 0.0


def test_renderers_that_are_programs_are_told_from_cards():
    for name in ("llvmpipe (LLVM 15.0.6, 256 bits)", "SwiftShader", "GDI Generic", "Apple Software Renderer"):
        assert is_software(name)
    for name in ("NVIDIA GeForce RTX 3060/PCIe/SSE2", "Mesa Intel(R) UHD Graphics 620 (KBL GT2)", "Apple M2", ""):
        assert not is_software(name)


def test_doctor_ends_with_1_for_what_is_needed_only(capsys):
    fine, optional = Check("a", ok=True, detail="there"), Check("b", False, "missing", "plug it in", needed=False)
    broken = Check("c", False, "damaged", "install posedemo again")
    assert run_checks([lambda: iter([fine, optional])], as_json=False) == 0
    assert run_checks([lambda: iter([fine]), lambda: iter([broken])], as_json=False) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["ok   a: there", "note b: missing", "     plug it in"]
    assert lines[-2:] == ["FAIL c: damaged", "     install posedemo again"]
    assert run_checks([lambda: iter([broken])], as_json=True) == 1
    assert '"fix": "install posedemo again"' in capsys.readouterr().out


def test_check_that_fails_itself_is_a_red_line_and_the_others_go_on(capsys):
    def broken():
        yield Check("first", ok=True, detail="there")
        raise OSError("the driver is gone")

    assert run_checks([broken, lambda: iter([Check("last", ok=True, detail="there")])], as_json=False) == 1
    out = capsys.readouterr().out
    assert "FAIL broken: the driver is gone" in out
    assert "ok   last: there" in out
