"""What native libraries write to standard error is held back, and what Python says is not."""

import subprocess
import sys

SCRIPT = """
import logging, os, sys, threading
from posedemo.native_output import keep_python_apart, quiet_native_output

keep_python_apart()
keep_python_apart()  # a second time changes nothing
logging.basicConfig(format="%(message)s")
with quiet_native_output():
    os.write(2, b"native inside\\n")
    thread = threading.Thread(target=logging.warning, args=("python inside",))
    thread.start()
    thread.join()
os.write(2, b"native outside\\n")
print("python outside", file=sys.stderr)
with quiet_native_output():
    sys.exit("python at the end")
"""


def test_native_libraries_are_held_back_and_python_is_heard():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["python inside", "native outside", "python outside", "python at the end"]
