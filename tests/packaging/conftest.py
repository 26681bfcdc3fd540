"""The sdist and the wheel, and an environment that holds nothing but the installed wheel."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

NO_NETWORK = """
import sys

def refuse(event, args):
    if event == "socket.getaddrinfo":
        host = args[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
        host = args[1][0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else host
    if name and name not in ("localhost", "::1") and not name.startswith("127."):
        raise ConnectionRefusedError(f"no network in this environment: {event} {args}")

sys.addaudithook(refuse)
"""


def build(source: Path, target: Path, *kinds: str, path: str | None = None) -> Path:
    """Build `kinds` ("sdist", "wheel") of the tree at `source` into the folder `target`."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(target)]
    for kind in kinds:
        command += ["--target", kind]
    environment = {**os.environ, "PATH": os.environ["PATH"] if path is None else path}
    subprocess.run(command, cwd=source, env=environment, check=True)
    return target


def only(folder: Path, pattern: str) -> Path:
    """The one file of `folder` that matches."""
    (found,) = folder.glob(pattern)
    return found


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel of this tree."""
    return build(ROOT, tmp_path_factory.mktemp("dist"), "sdist", "wheel")


@pytest.fixture(scope="session")
def clean_python(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel installed and the network off.

    Its dependencies are read from the environment of the tests, by a .pth file; the editable
    attnwidget there is not seen, because .pth files of such folders are not followed.
    """
    home = tmp_path_factory.mktemp("clean")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    wheel = str(only(built, "*.whl"))
    subprocess.run([*pip, "--no-index", "--no-deps", wheel], check=True)
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    said = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True)
    packages = Path(said.stdout.strip())
    (packages / "no_network.py").write_text(NO_NETWORK)
    dependencies = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "tests.pth").write_text("\n".join(["import no_network", *sorted(dependencies)]))
    return python
