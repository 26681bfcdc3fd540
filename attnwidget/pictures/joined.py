"""One output word of an encoder–decoder, and all it came from, in one picture.

Cross-attention says which source words it looked at; the encoder's self-attention what these had
read themselves; the decoder's self-attention which words written before it were read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from attnwidget.choice import first_choice
from attnwidget.heads import MOST_HEADS
from attnwidget.messages import Picture, Want
from attnwidget.passes import Snapshot
from attnwidget.pictures.predictions import Names
from attnwidget.pictures.shown import Shown
from attnwidget.pictures.where import index, whole
from attnwidget.reading import Reading
from attnwidget.session import Session
from attnwidget.trouble import Trouble

STACKS = ("encoder", "cross", "decoder")
# Source words whose own reading is drawn: those that the output word looks at most.
MOST_READERS = 4


@dataclass(frozen=True)
class _Band:
    """One of the three kinds of attention, as a mean of heads."""

    heads: list[list[int]]
    shown: Shown

    @classmethod
    def of(cls, snapshot: Snapshot, want: Want, stack: str) -> _Band:
        """The heads that `want` names for `stack`; null stands for all of its last layer."""
        heads = want.get(stack)
        if heads is None:
            last = snapshot.stacks[stack][-1]
            heads = [[last.layer, head] for head in range(min(last.heads, MOST_HEADS))]
        plain = {"batch": want.get("batch"), "reading": Reading().facts}
        return cls(heads, Shown.of(snapshot, {"stack": stack, "heads": heads, **plain}))

    def rows(self, at: list[int]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """(n, Tk) float32 weights of these queries."""
        keys = self.shown.keys
        return np.concatenate([self.shown.weights(slice(i, i + 1, 1), keys) for i in at])


def picture(session: Session, snapshot: Snapshot, want: Want) -> Picture:
    """Rows of the three kinds around the word that is written at decoder position `at`.

    Padding behind the source is left out: `to_padding` is what it takes of the cross-attention.
    float32 cross (S,) and decoder (T,) of that position; encoder (n, S) of the source words
    `readers` (n,), which are the ones it looks at most, or the one that `want` names as `source`.
    `at` null chooses a telling word.

    Raises
    ------
    Trouble
        If the pass is not one of an encoder–decoder, or a head or token does not exist.
    """
    lacking = [name for name in STACKS if name not in snapshot.stacks]
    if lacking:
        raise Trouble(
            f"This pass has no {' and no '.join(lacking)} attention.",
            "The joined picture needs an encoder, a decoder and cross-attention between them.",
        )
    length = _without_padding(snapshot, index(want, "batch", snapshot.batch_size("encoder")))
    bands = {name: _Band.of(snapshot, want, name) for name in STACKS}
    batch = index(want, "batch", snapshot.batch_size("cross"))
    cross, decoder, encoder = (bands[name] for name in ("cross", "decoder", "encoder"))
    at = _at(snapshot, want, cross.shown.queries.stop)
    looks = cross.rows([at])[0]
    if want.get("source") is not None:
        readers = [index(want, "source", length)]
    else:
        order = np.argsort(-np.nan_to_num(looks[:length], nan=0.0), kind="stable")
        readers = [int(i) for i in order[:MOST_READERS]]
    return Picture(
        "joined",
        {
            "at": at,
            "heads": {name: band.heads for name, band in bands.items()},
            "source": _side(snapshot, "encoder", batch, length),
            "target": _side(snapshot, "decoder", batch),
            "to_padding": float(np.nansum(looks[length:], dtype=np.float64)),
            "writes": _written(session, snapshot, batch, at),
        },
        {
            "cross": looks[:length],
            "decoder": decoder.rows([at])[0],
            "encoder": encoder.rows(readers)[:, :length],
            "readers": np.array(readers, np.int32),
        },
    )


def _at(snapshot: Snapshot, want: Want, length: int) -> int:
    if want.get("at") is None:
        query = first_choice(snapshot, "cross").query
        return 0 if query is None else query
    at = whole(want, "at")
    # The page may still be at a longer text.
    return min(max(at, 0), length - 1)


def _without_padding(snapshot: Snapshot, batch: int) -> int:
    """How many source tokens there are up to the last that is no padding."""
    kinds = [token.kind for token in snapshot.sides("encoder", batch).keys]
    return max((i + 1 for i, kind in enumerate(kinds) if kind != "padding"), default=len(kinds))


def _side(
    snapshot: Snapshot, stack: str, batch: int, length: int | None = None
) -> dict[str, list[str]]:
    tokens = snapshot.sides(stack, batch).keys[:length]
    return {"texts": [t.text for t in tokens], "kinds": [t.kind for t in tokens]}


def _written(session: Session, snapshot: Snapshot, batch: int, at: int) -> dict[str, Any] | None:
    """What comes after position `at`: the next token of the target, or the model's own guess.

    `share` is what the model gave it, where it returned logits.
    """
    tokens = snapshot.sides("decoder", batch).queries
    ids = snapshot.pass_tokens.inputs.get("target")
    shares = _shares(snapshot, batch, at)
    if at + 1 < len(tokens):
        known = ids is not None and ids.shape[1] == len(tokens) and shares is not None
        share = float(shares[int(ids[batch, at + 1])]) if known else None  # type: ignore[index]
        return {"text": tokens[at + 1].text, "guessed": False, "share": share}
    if shares is None:
        return None
    best = int(shares.argmax())
    text = Names(session, "next").text(best)
    return {"text": text, "guessed": True, "share": float(shares[best])}


def _shares(snapshot: Snapshot, batch: int, at: int) -> torch.Tensor | None:
    """(V,) probabilities at one position, where the model returned logits for it."""
    logits = snapshot.logits.tensor if snapshot.logits is not None else None
    if logits is None or logits.dim() != 3 or at >= logits.shape[1]:
        return None
    shares = logits[batch, at].detach().float().softmax(-1)
    return None if bool(shares.isnan().any()) else shares
