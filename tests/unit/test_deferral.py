"""Modules whose import is put off: not loaded until used, then the real ones, and nothing of it left behind."""

import sys

import pytest
from posedemo.deferral import deferred


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A package that imports a module of another one, which can be asked whether it was loaded."""
    (tmp_path / "heavy_package").mkdir()
    (tmp_path / "heavy_package" / "__init__.py").write_text("")
    (tmp_path / "heavy_package" / "charts.py").write_text("COLOUR = 'red'\n")
    (tmp_path / "their_library.py").write_text(
        "import heavy_package.charts as charts\n\ndef colour():\n    return charts.COLOUR\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in ("heavy_package", "heavy_package.charts", "their_library"):
        sys.modules.pop(name, None)


def test_a_deferred_module_is_loaded_when_it_is_used(library):
    with deferred("heavy_package", "heavy_package.charts"):
        import their_library
    assert "heavy_package" not in sys.modules
    assert their_library.colour() == "red"
    assert sys.modules["heavy_package.charts"].COLOUR == "red"


def test_a_deferred_function_is_called_in_the_real_module(library, tmp_path):
    (tmp_path / "heavy_package" / "__init__.py").write_text(
        "def paint(colour, *, times):\n    return [colour] * times\n"
    )
    (tmp_path / "their_library.py").write_text(
        "from heavy_package import charts, paint\n\ndef painted():\n    return paint(charts.COLOUR, times=2)\n"
    )
    with deferred("heavy_package", "heavy_package.charts", functions=["heavy_package.paint"]):
        import their_library
    assert "heavy_package" not in sys.modules
    assert their_library.painted() == ["red", "red"]


def test_a_module_that_is_there_already_stays(library):
    import heavy_package.charts

    with deferred("heavy_package", "heavy_package.charts"):
        import their_library
    assert their_library.charts is heavy_package.charts is sys.modules["heavy_package.charts"]


def test_what_is_missing_is_said_when_it_is_used(library):
    with deferred("no_such_library"):
        import no_such_library
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        no_such_library.anything  # noqa: B018


def test_a_failing_import_leaves_no_stand_in(library):
    with pytest.raises(ZeroDivisionError), deferred("heavy_package"):
        raise ZeroDivisionError
    assert "heavy_package" not in sys.modules
