"""Outputs are checked before anything starts."""

from pathlib import Path

import pytest
from posedemo.errors import ConfigError, OutputError
from posedemo.outputs import PartialFile, check_outputs, check_suffix


def test_existing_file_needs_overwrite(tmp_path):
    path = tmp_path / "out.mp4"
    path.write_bytes(b"precious")
    with pytest.raises(OutputError, match="exists already") as caught:
        check_outputs([path], inputs=[], overwrite=False)
    assert "--overwrite" in caught.value.hint
    check_outputs([path], inputs=[], overwrite=True)
    assert path.read_bytes() == b"precious"


def test_input_is_never_overwritten(tmp_path):
    path = tmp_path / "in.mp4"
    path.write_bytes(b"")
    with pytest.raises(OutputError, match="input itself"):
        check_outputs([tmp_path / "." / "in.mp4"], inputs=[path], overwrite=True)


def test_missing_folder_folder_and_double(tmp_path):
    with pytest.raises(OutputError, match="does not exist"):
        check_outputs([tmp_path / "no" / "out.mp4"], inputs=[], overwrite=False)
    with pytest.raises(OutputError, match="is a folder"):
        check_outputs([tmp_path], inputs=[], overwrite=True)
    with pytest.raises(ConfigError, match="twice"):
        check_outputs([tmp_path / "a.npz", tmp_path / "a.npz"], inputs=[], overwrite=False)


def test_folder_that_cannot_be_written():
    with pytest.raises(OutputError, match="cannot write to the folder"):
        check_outputs([Path("/proc/out.npz")], inputs=[], overwrite=False)


def test_unknown_suffix_names_the_known_ones():
    with pytest.raises(ConfigError) as caught:
        check_suffix(Path("a.avi"), (".mp4",), "--output")
    assert ".mp4" in caught.value.hint


def test_partial_file_appears_only_when_committed(tmp_path):
    file = PartialFile(tmp_path / "a.json")
    file.partial.write_text("{}")
    assert not file.path.exists()
    file.commit()
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    # An output is an ordinary file, readable as the umask says, not private like a temporary one.
    (tmp_path / "b").touch()
    assert file.path.stat().st_mode == (tmp_path / "b").stat().st_mode
