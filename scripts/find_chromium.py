"""Print the path of a Chromium for the browser tests; `--install` brings one if there is none.

Installs by the system's package manager when run as root, else by playwright's own download.
Ends with status 1 and the reason when there is no Chromium that starts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGE_MANAGERS = {
    "apt-get": (["apt-get", "update"], ["apt-get", "install", "-y", "chromium"]),
    "dnf": (["dnf", "install", "-y", "chromium"],),
    "apk": (["apk", "add", "chromium"],),
}


def main() -> int:
    found = find()
    if found is None and "--install" in sys.argv:
        problems = install()
        found = find()
    else:
        problems = []
    if found is None:
        print("The browser tests cannot run: no Chromium that starts.", file=sys.stderr)
        print(f"Looked for {', '.join(NAMES)} on PATH, and for playwright's.", file=sys.stderr)
        print(*problems, sep="\n", file=sys.stderr)
        print("Install Chromium by hand, then run `make test` again.", file=sys.stderr)
        return 1
    print(found)
    return 0


def find() -> str | None:
    """The first that tells its version; Ubuntu's chromium-browser may be an empty shell."""
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return next(filter(starts, [*filter(None, map(shutil.which, NAMES)), own]), None)


def starts(path: str) -> bool:
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def install() -> list[str]:
    """Try the ways there are, until one brings a Chromium; the reasons why the others did not."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    managers = [steps for name, steps in PACKAGE_MANAGERS.items() if shutil.which(name)]
    ways = managers if is_root else []
    download = [sys.executable, "-m", "playwright", "install", "chromium"]
    ways.append((download + ["--with-deps"] * (is_root and bool(managers)),))
    problems = [] if is_root else ["Not root, so the system's package manager was not asked."]
    for steps in ways:
        for step in steps:
            print("$", *step, file=sys.stderr, flush=True)
            status = subprocess.run(
                step, stdout=2, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            ).returncode
            if status:
                problems.append(f"`{' '.join(step)}` ended with status {status}.")
        if find():
            break
    return problems


if __name__ == "__main__":
    sys.exit(main())
