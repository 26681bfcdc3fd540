"""Open notebooks/00-tour.ipynb in JupyterLab and print its address; no screen is needed."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = "notebooks/00-tour.ipynb"


def main() -> None:
    port = free_port()
    token = os.environ.setdefault("JUPYTER_TOKEN", secrets.token_hex(16))
    command = [
        *(sys.executable, "-m", "jupyterlab", NOTEBOOK),
        f"--ServerApp.root_dir={ROOT}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.log_level=WARN",
    ]
    if not has_screen():
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # containers; Jupyter refuses otherwise
    print(f"\nThe tour: http://localhost:{port}/lab/tree/{NOTEBOOK}?token={token}")
    if os.environ.get("SSH_CONNECTION"):
        tunnel = f"ssh -N -L {port}:localhost:{port} {socket.gethostname()}"
        print(f"Run this on your own machine, then open the address there: {tunnel}")
    print("Ctrl-C twice stops it.\n", flush=True)
    switch_off_news()
    os.chdir(ROOT)
    os.execv(sys.executable, command)


def has_screen() -> bool:
    """Whether a browser opened here would be seen by whoever typed the command."""
    if os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform == "darwin" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def switch_off_news() -> None:
    """Keep JupyterLab of this environment from asking about news, which would cover the page."""
    settings = Path(sys.prefix, "etc", "jupyter", "labconfig", "page_config.json")
    settings.parent.mkdir(parents=True, exist_ok=True)
    news = "@jupyterlab/apputils-extension:announcements"
    settings.write_text(json.dumps({"disabledExtensions": {news: True}}))


def free_port() -> int:
    """8888, or the next port that nobody listens on."""
    for port in range(8888, 8988):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise SystemExit("No free port between 8888 and 8987 for JupyterLab.")


if __name__ == "__main__":
    main()
