"""Security, in the source and while running

Rules that hold for every line of the package, and a run that is watched.
"""

import ast
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = [path for folder in ("app", "models", "weights") for path in (ROOT / folder).rglob("*.py")]
SOURCES = [*SHIPPED, *(path for folder in ("tools", "benchmarks") for path in (ROOT / folder).rglob("*.py"))]
TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
SHIPPED_TREES = {name: tree for name, tree in TREES.items() if name.startswith(("app/", "models/", "weights/"))}

_LISTENERS = ("bind", "listen", "Listener", "create_server", "start_server", "enable_webrtc")


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the dotted name of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def keyword(call: ast.Call, name: str) -> object:
    """What a constant keyword is; None without it, and the node where it is no constant."""
    for given in call.keywords:
        if given.arg == name:
            return given.value.value if isinstance(given.value, ast.Constant) else given.value
    return None


def imports(tree: ast.AST) -> set[str]:
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules.add(str(node.module))
    return modules


def found(is_bad: Callable[[str, ast.Call], bool], trees=TREES) -> list[str]:
    return [
        f"{path}:{call.lineno} {name}"
        for path, tree in trees.items()
        for name, call in calls(tree)
        if is_bad(name, call)
    ]


def test_rules_look_at_the_whole_package():
    assert len(SHIPPED) > 150


def test_no_text_is_run_as_code():
    assert not found(lambda name, _: name in ("eval", "exec", "compile", "__import__", "builtins.eval"))


def test_no_shell_is_started():
    shells = ("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "commands.getoutput")
    assert not found(lambda name, _: name in shells or name.startswith(("os.exec", "os.spawn", "pty.")))
    assert not found(lambda _, call: keyword(call, "shell") is not None)


def test_other_processes_get_lists_of_arguments():
    """A text would be taken apart by a shell, or by nobody."""
    starts = (
        "subprocess.run",
        "subprocess.Popen",
        "subprocess.call",
        "subprocess.check_output",
        "subprocess.check_call",
    )

    def is_text(name: str, call: ast.Call) -> bool:
        return name in starts and isinstance(call.args[0], ast.Constant | ast.JoinedStr | ast.BinOp)

    assert not found(is_text)
    assert found(lambda name, _: name in starts), "there are some, so the rule looks at something"


def test_no_pickles():
    """But for the reader of the field's files, which calls nothing that a pickle names."""
    unsafe = {"pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml"}
    users = {path for path, tree in TREES.items() if imports(tree) & unsafe}
    assert users == {"models/pickled_arrays.py"}
    assert not found(lambda name, _: name in ("pickle.load", "pickle.loads", "pickle.Unpickler"))
    (reader,) = (
        node for node in ast.walk(TREES["models/pickled_arrays.py"])
        if isinstance(node, ast.ClassDef) and any("Unpickler" in ast.unparse(base) for base in node.bases)
    )  # fmt: skip
    assert "find_class" in {item.name for item in reader.body if isinstance(item, ast.FunctionDef)}


def test_weights_and_arrays_are_read_as_data():
    assert not found(lambda name, call: name == "torch.load" and keyword(call, "weights_only") is not True)
    assert found(lambda name, _: name == "torch.load"), "there is one, so the rule looks at something"
    assert not found(lambda name, call: "load" in name and keyword(call, "allow_pickle") not in (None, False))
    assert not found(lambda name, _: name in ("np.load", "numpy.load"), SHIPPED_TREES), "array_files reads them"


def test_archives_are_never_unpacked():
    unpacking = ("extract", "extractall", "unpack_archive")
    assert not found(lambda name, _: name.rsplit(".", 1)[-1] in unpacking)
    assert not any(imports(tree) & {"tarfile"} for tree in TREES.values())


def test_network_is_used_in_one_place_and_certificates_are_checked():
    """Nothing else in the package can open a connection, or listen for one."""
    network = {"socket", "socketserver", "http", "http.server", "http.client", "asyncio", "xmlrpc", "xmlrpc.server",
               "ftplib", "smtplib", "telnetlib", "requests", "httpx", "aiohttp", "flask", "multiprocessing.managers",
               "webbrowser"}  # fmt: skip
    assert not [path for path, tree in SHIPPED_TREES.items() if imports(tree) & network]
    openers = {path for path, tree in SHIPPED_TREES.items() if "urllib.request" in imports(tree)}
    assert openers == {"app/model_files.py", "app/own_wheel.py"}
    in_wheel = [name for name, _ in calls(TREES["app/own_wheel.py"]) if name.startswith("urllib.request")]
    assert in_wheel == ["urllib.request.url2pathname"], "which only turns an address into a path"
    assert not found(lambda name, call: "unverified" in name or keyword(call, "verify") is False)
    assert not found(lambda name, _: name.rsplit(".", 1)[-1] in _LISTENERS, SHIPPED_TREES)


def test_no_names_of_temporary_files_that_others_can_take():
    assert not found(lambda name, _: name in ("tempfile.mktemp", "os.tempnam", "os.tmpnam"))


def test_run_opens_no_connection(start_posedemo, demo_clip, tried):
    """From start to end: neither one that listens nor one that goes out."""
    process = start_posedemo("--video", demo_clip, "--headless", "--max-frames", 20, "--export", "o.npz")
    watched, connections, looks = psutil.Process(process.pid), [], 0
    while process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            for one in [watched, *watched.children(recursive=True)]:
                connections += one.net_connections(kind="inet")
        looks += 1
        time.sleep(0.05)
    assert process.returncode == 0, process.stderr.read()
    assert looks > 3
    assert connections == []
    tried("a run, watched for connections that listen or go out", 1, "none")
