"""What is published: complete, nothing more, built without Node from the sdist, opens a widget."""

from __future__ import annotations

import json
import subprocess
import tarfile
import zipfile
from pathlib import Path

import attnwidget
from tests.packaging.conftest import ROOT, build, only

BUNDLE = {f"attnwidget/static/{name}" for name in ("widget.js", "widget.css", "later.js.gz")}

OPEN_A_WIDGET = """
import json
from pathlib import Path

import attnwidget as aw

explorer = aw.explore()
state = explorer.get_state()
static = Path(aw.__file__).parent / "static"
traits = ("text", "stack", "layer", "head", "query", "key", "batch", "view")
print(json.dumps({
    "file": aw.__file__,
    "script": state["_esm"] == (static / "widget.js").read_text(encoding="utf-8"),
    "style": state["_css"] == (static / "widget.css").read_text(encoding="utf-8"),
    "traits": {name: state[name] for name in traits},
}))
"""

REACH_OUT = """
import socket

try:
    socket.create_connection(("192.0.2.1", 80), timeout=5)
except ConnectionRefusedError as refusal:
    print(refusal)
"""


def files_of_wheel(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def files_of_sdist(sdist: Path) -> set[str]:
    with tarfile.open(sdist) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def package_files() -> set[str]:
    """What belongs into the package: its code, weights and marks, and the bundle."""
    kinds = (".py", ".typed", ".safetensors", ".json")
    found = (ROOT / "attnwidget").rglob("*")
    return {
        str(file.relative_to(ROOT).as_posix()) for file in found if file.suffix in kinds
    } | BUNDLE


def run_clean(python: Path, code: str, empty: Path) -> str:
    """Run `code` on `python`, in the empty folder `empty`, which is all there is on PATH."""
    environment = {"PATH": str(empty), "HOME": str(empty)}
    done = subprocess.run(
        [python, "-c", code], cwd=empty, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    info = f"attnwidget-{attnwidget.__version__}.dist-info"
    about = {f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "licenses/LICENSE")}
    assert files_of_wheel(only(built, "*.whl")) == package_files() | about


def test_sdist_holds_sources_and_bundle(built: Path) -> None:
    files = files_of_sdist(only(built, "*.tar.gz"))
    needed = {"js/package.json", "js/package-lock.json", "js/src/widget.js", "hatch_build.py"}
    about = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "PKG-INFO"}
    assert package_files() | needed | about <= files
    strangers = ("node_modules", "__pycache__", ".venv", "tests/artefacts", "dist/")
    assert [file for file in files if any(part in file for part in strangers)] == []


def test_building_twice_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    again = build(ROOT, tmp_path, "sdist", "wheel")
    for pattern in ("*.whl", "*.tar.gz"):
        assert only(again, pattern).read_bytes() == only(built, pattern).read_bytes()


def test_sdist_builds_the_same_wheel_without_node(built: Path, tmp_path: Path) -> None:
    with tarfile.open(only(built, "*.tar.gz")) as archive:
        archive.extractall(tmp_path / "sdist", filter="data")
    (source,) = (tmp_path / "sdist").iterdir()
    empty = tmp_path / "empty"
    empty.mkdir()
    wheel = only(build(source, tmp_path / "dist", "wheel", path=str(empty)), "*.whl")
    assert wheel.read_bytes() == only(built, "*.whl").read_bytes()


def test_clean_environment_has_no_network(clean_python: Path, tmp_path: Path) -> None:
    assert "no network in this environment" in run_clean(clean_python, REACH_OUT, tmp_path)


def test_installed_wheel_opens_a_widget(clean_python: Path, tmp_path: Path) -> None:
    said = json.loads(run_clean(clean_python, OPEN_A_WIDGET, tmp_path).splitlines()[-1])
    assert Path(said["file"]).is_relative_to(clean_python.parents[1])
    assert said["script"]
    assert said["style"]
    assert said["traits"]["text"]
    assert said["traits"]["stack"]
    assert said["traits"]["view"] == "lines"
