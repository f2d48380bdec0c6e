"""Runs tests of the Python package: run.py FILE... Exits with 77, which CTest takes for skipped, if something is missing."""

import importlib
import importlib.util
import os
import sys
from pathlib import Path


def missing() -> str:
    """Returns what the tests lack; empty if nothing."""
    for name in ("av", "fastapi", "gradio", "httpx", "hypothesis", "ipykernel", "mypy", "nbclient", "numpy", "PIL", "pytest"):
        if importlib.util.find_spec(name) is None:
            return f"{name} is not installed"
    try:
        importlib.import_module("streamdiffusion_cpp")
    except ImportError as error:
        return str(error)
    return ""


def main() -> int:
    if reason := missing():
        print(f"The tests of the Python package are skipped: {reason}. scripts/test installs what they need (python/tests/requirements.txt, "
              "Python's headers) and builds the package.")
        return 77
    import pytest

    # Tests start programs in folders of their own.
    paths = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    os.environ["PYTHONPATH"] = os.pathsep.join(str(Path(path).absolute()) for path in paths)
    return pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", str(Path(__file__).parent), *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
