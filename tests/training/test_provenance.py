"""Which revision a file states."""

import shutil
import subprocess
import sys
from pathlib import Path

from posedemo.models import provenance


def test_an_environment_in_a_strangers_repository_is_not_of_it(tmp_path: Path) -> None:
    """The usual place of an environment: ignored, in the folder of a project."""
    copy = tmp_path / ".venv" / "site" / "provenance.py"
    copy.parent.mkdir(parents=True)
    shutil.copy(provenance.__file__, copy)
    (tmp_path / ".gitignore").write_text(".venv\n")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "theirs"]):
        subprocess.run([*git, *command], check=True)
    code = "import provenance; print(provenance.git_revision())"
    done = subprocess.run([sys.executable, "-c", code], cwd=copy.parent, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "unknown"
    subprocess.run([*git, "add", "-f", str(copy)], check=True)
    done = subprocess.run([sys.executable, "-c", code], cwd=copy.parent, capture_output=True, text=True, check=True)
    assert len(done.stdout.strip().rstrip("+")) == 12
