"""Outputs are checked before anything starts."""

from pathlib import Path

import pytest
from posedemo.errors import ConfigError, OutputError
from posedemo.outputs import PartialFile, check_outputs, check_suffix, partial_name


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


def test_links_that_lead_in_a_circle(tmp_path):
    path = tmp_path / "a.npz"
    path.symlink_to(path)
    with pytest.raises(OutputError, match=r"cannot write .*a\.npz"):
        check_outputs([path], inputs=[], overwrite=True)


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


def test_file_under_way_is_nobody_elses(tmp_path):
    first = PartialFile(tmp_path / "a.json")
    with pytest.raises(OutputError, match="another run is writing"):
        PartialFile(tmp_path / "a.json")
    first.discard()
    PartialFile(tmp_path / "a.json").discard()
    assert list(tmp_path.iterdir()) == []


def test_what_was_left_is_kept_and_what_is_empty_is_not(tmp_path):
    left, empty = partial_name(tmp_path / "a.mp4"), partial_name(tmp_path / "a.npz")
    left.write_bytes(b"an hour")
    empty.touch()
    files = [PartialFile(tmp_path / name) for name in ("a.mp4", "a.npz")]
    for file in files:
        file.commit()
    assert left.read_bytes() == b"an hour"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "a.npz", "a.partial.mp4"]


@pytest.mark.parametrize("has_links", [True, False])
def test_name_that_was_taken_meanwhile_is_not_taken_again(tmp_path, monkeypatch, has_links):
    if not has_links:
        monkeypatch.setattr("os.link", lambda *_: (_ for _ in ()).throw(PermissionError("no links here")))
    file = PartialFile(tmp_path / "a.json")
    file.partial.write_text("ours")
    file.path.write_text("theirs")
    with pytest.raises(OutputError, match="another program has written"):
        file.commit()
    assert (file.partial.read_text(), file.path.read_text()) == ("ours", "theirs")
    file.path.unlink()
    file.commit()
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("stem", ["p" * 251, "é" * 125])
def test_partial_name_is_never_too_long(tmp_path, stem):
    names = {partial_name(tmp_path / f"{stem}.mp4", number) for number in (1, 2)}
    assert len(names) == 2
    for name in names:
        name.touch()
        assert ".partial" in name.name
