"""What is said of one model."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Judged:
    """What was seen of one model; `verdict` is one of VERDICTS.

    Attributes
    ----------
    sources : dict
        Number of calls by how they were seen.
    reported, matched : int
        Maps that the model reports itself, and those of them found within EXACT.
    unmatched : list of str
        Where in the model's output the other maps are, with shape and least error.
    strange : int
        How many of those are of a shape that no free call has.
    in_order : bool
        Whether the calls of each list of maps were seen in the order of the list.
    matched_under_eager : bool
        Whether all maps are found where the model runs under eager attention, too: its eager
        attention then computes something else than the one it runs by default.
    no_maps : list of str
        What the model reports as attention and is no weights: negative, or with sums above one.
    own_error, check : float or None
        Worst error of the maps that were matched, and of W @ V against the output.
    looks_like : list of str
        Modules called attention that ran and gave no call.
    """

    name: str
    model_class: str = ""
    config: str = ""
    inputs: list[str] = field(default_factory=list)
    identical: bool | None = None
    calls: int = 0
    sources: dict[str, int] = field(default_factory=dict)
    stacks: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    reported: int = 0
    matched: int = 0
    unmatched: list[str] = field(default_factory=list)
    strange: int = 0
    in_order: bool = True
    matched_under_eager: bool = False
    no_maps: list[str] = field(default_factory=list)
    own_error: float | None = None
    check: float | None = None
    looks_like: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    verdict: str = "failed"
    why: str = ""

    def record(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


VERDICTS = (
    "exact",
    "exact by W@V",
    "explained",
    "no attention",
    "missed",
    "differs",
    "failed",
    "not built",
)
GOOD = ("exact", "exact by W@V", "explained", "no attention")
