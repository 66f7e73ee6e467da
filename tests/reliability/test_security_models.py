"""Security of model files

What an ONNX file needs beside itself, and what is downloaded.
"""

import email.message
import io
import urllib.request
from dataclasses import replace

import numpy as np
import onnx
import pytest
from google.protobuf.message import DecodeError
from mutations import damaged
from onnx import TensorProto, helper, numpy_helper
from onnx_lifters import echo_lifter
from posedemo import model_files
from posedemo.errors import ModelError
from posedemo.lifters.onnx_gcn import OnnxLifter
from posedemo.manifest import ModelEntry, manifest
from posedemo.onnx_structure import reason_to_refuse

EXTERNAL, FOREIGN, LOOP = "external data", "not one of ONNX's own", "loop"


def external(name: str) -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../../secret")
    return tensor


def with_constant(tensor: TensorProto) -> onnx.ModelProto:
    model = echo_lifter()
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))
    return model


def with_branch(*nodes: onnx.NodeProto, tensors: tuple[TensorProto, ...] = ()) -> onnx.ModelProto:
    """What is to be found lies in one branch of an If, in which another If may lie."""
    model = echo_lifter()
    branch = helper.make_graph([*nodes], "branch", [], [], initializer=tensors)
    inner = helper.make_node("If", ["yes"], ["z"], then_branch=branch, else_branch=branch)
    outer = helper.make_graph([inner], "outer", [], [])
    model.graph.node.append(helper.make_node("If", ["yes"], ["x"], then_branch=outer, else_branch=outer))
    return model


def with_initializer(tensor: TensorProto) -> onnx.ModelProto:
    model = echo_lifter()
    model.graph.initializer.append(tensor)
    return model


def with_sparse() -> onnx.ModelProto:
    model = echo_lifter()
    model.graph.sparse_initializer.append(onnx.SparseTensorProto(values=external("w"), dims=[1]))
    return model


def with_function() -> onnx.ModelProto:
    model = echo_lifter()
    body = [helper.make_node("Identity", ["a"], ["b"])]
    model.functions.append(helper.make_function("mine", "Twice", ["a"], ["b"], body, model.opset_import))
    return model


def with_node(operator: str, domain: str = "") -> onnx.ModelProto:
    model = echo_lifter()
    model.graph.node.append(helper.make_node(operator, ["a"], ["b"], domain=domain))
    return model


REFUSED = {
    "external weights": (with_initializer(external("w")), EXTERNAL),
    "external weights without a place": (
        with_initializer(TensorProto(name="w", data_location=TensorProto.EXTERNAL)), EXTERNAL),
    "an external constant": (with_constant(external("w")), EXTERNAL),
    "external weights in a branch": (with_branch(tensors=(external("w"),)), EXTERNAL),
    "external sparse weights": (with_sparse(), EXTERNAL),
    "a custom operator": (with_node("Twice", "mine"), FOREIGN),
    "an operator of Microsoft's": (with_node("FusedConv", "com.microsoft"), FOREIGN),
    "a custom operator in a branch": (with_branch(helper.make_node("Twice", ["a"], ["b"], domain="mine")), FOREIGN),
    "a function": (with_function(), "operators of its own"),
    "a loop": (with_node("Loop"), LOOP),
    "a scan in a branch": (with_branch(helper.make_node("Scan", ["a"], ["b"])), LOOP),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_file_that_needs_more_than_itself_is_refused_before_it_is_opened(case, tmp_path, monkeypatch):
    model, words = REFUSED[case]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=words) as caught:
        OnnxLifter(model.SerializeToString(), name="mine.onnx", provider="cpu")
    assert caught.value.message.startswith("mine.onnx ")


def test_what_ships_and_what_is_plain_is_not_refused():
    plain = [echo_lifter(metadata={"location": "Bonn"}), with_node("Relu", "ai.onnx")]
    plain += [with_initializer(numpy_helper.from_array(np.zeros(3, np.float32), "w")), with_branch()]
    contents = [model.SerializeToString() for model in plain]
    contents += [model_files.load("lifter", entry.name).content for entry in manifest() if entry.name.endswith("-gcn")]
    assert len(contents) > 5
    assert [reason_to_refuse(content) for content in contents] == [""] * len(contents)


def test_what_protobuf_reads_the_reader_of_the_structure_reads(tried):
    """A file that the two understand differently could hide something. Names that are no text are no part of that."""
    num_read = 0
    whole = with_initializer(external("w")).SerializeToString()
    for content in damaged(whole, 600):
        try:
            model = onnx.load_from_string(content)
        except DecodeError:
            continue
        num_read += 1
        tensors = [*model.graph.initializer, *(a.t for node in model.graph.node for a in node.attribute)]
        is_external = any(t.data_location == TensorProto.EXTERNAL or t.external_data for t in tensors)
        if is_external:
            assert reason_to_refuse(content)
    assert num_read > 20
    tried("ONNX files that need a second file, damaged", 600, "none slipped through that ONNX could read")


class Answer(io.BytesIO):
    """What a server says."""

    def __init__(self, content: bytes, stated: int | None = None) -> None:
        super().__init__(content)
        self.headers = email.message.Message()
        if stated is not None:
            self.headers["Content-Length"] = str(stated)


@pytest.fixture
def heavy(tmp_path, monkeypatch) -> ModelEntry:
    monkeypatch.setenv("POSEDEMO_CACHE", str(tmp_path))
    (entry,) = (entry for entry in manifest() if entry.url)
    entry = replace(entry, num_bytes=1000)
    monkeypatch.setattr(model_files, "manifest", lambda: (entry,))
    return entry


def answers(monkeypatch, answer: Answer) -> None:
    monkeypatch.setattr(urllib.request.OpenerDirector, "open", lambda *_, **__: answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(bytes(1001)), "larger than"),
        (Answer(bytes(5000), stated=10), "larger than"),
        (Answer(bytes(10), stated=900), "ended early"),
    ],
    ids=["too much", "more than it said", "less than it said"],
)
def test_download_that_is_not_what_it_should_be_leaves_nothing(heavy, tmp_path, monkeypatch, answer, words):
    answers(monkeypatch, answer)
    with pytest.raises(ModelError, match=words):
        model_files.load("detector", heavy.name)
    assert list(tmp_path.iterdir()) == []


def test_download_is_recorded_and_must_be_the_same_ever_after(heavy, tmp_path, monkeypatch):
    answers(monkeypatch, Answer(b"first", stated=5))
    assert model_files.load("detector", heavy.name).content == b"first"
    (tmp_path / heavy.file).unlink()
    answers(monkeypatch, Answer(b"other", stated=5))
    with pytest.raises(ModelError, match="changed since its first use"):
        model_files.load("detector", heavy.name)


@pytest.mark.parametrize(
    "record", [b"", b"[]", b"3", b'{"a":', b"\xff", b"[" * 900, b'{"pose_landmarker_heavy.task": 3}']
)
def test_record_that_is_damaged_forgets_nothing(heavy, tmp_path, record):
    """Else a file that was exchanged would be taken for a new one."""
    (tmp_path / "first_use.json").write_bytes(record)
    (tmp_path / heavy.file).write_bytes(b"first")
    with pytest.raises(ModelError, match=r"first_use\.json cannot be read|changed since its first use"):
        model_files.load("detector", heavy.name)
    assert (tmp_path / "first_use.json").read_bytes() == record


@pytest.mark.parametrize(
    "target",
    [
        "http://storage.googleapis.com/heavy.task",
        "https://example.org/heavy.task",
        "https://storage.googleapis.com.example.org/heavy.task",
        "https://storage.googleapis.com@example.org/heavy.task",
        "https://storage.googleapis.com:8443/heavy.task",
        "ftp://storage.googleapis.com/heavy.task",
        "file:///etc/passwd",
    ],
)
def test_redirects_that_lead_elsewhere_are_refused(heavy, target):
    handler = model_files._SameHostRedirects()
    request = urllib.request.Request(heavy.url)
    with pytest.raises(OSError, match="refused a redirect"):
        handler.redirect_request(request, None, 302, "Found", email.message.Message(), target)
    followed = handler.redirect_request(
        request, None, 302, "Found", email.message.Message(), "https://storage.googleapis.com/elsewhere"
    )
    assert followed.full_url == "https://storage.googleapis.com/elsewhere"


def test_every_address_is_https_and_every_packaged_file_has_its_hash():
    for entry in manifest():
        if entry.url is not None:
            assert entry.url.startswith("https://storage.googleapis.com/mediapipe-models/")
            assert "latest" not in entry.url
        elif entry.file is not None:
            assert len(entry.sha256) == 64
