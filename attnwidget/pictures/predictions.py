"""What the model predicts: the next token, the token at a place, or a class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch

from attnwidget import labels
from attnwidget.generation.written import Generation
from attnwidget.messages import Picture, Want
from attnwidget.outputs import Logits
from attnwidget.pictures.where import count, index, span, stack_of
from attnwidget.session import Session, Snapshot
from attnwidget.trouble import Trouble

MOST_CANDIDATES = 20
MOST_TOKENS = 64
# Kinds whose queries are of a text that is written.
CROSSING = ("cross", "additive")

What = Literal["next", "masked", "token classes", "classes"]
Candidates = list[dict[str, Any]]


def picture(session: Session, snapshot: Snapshot, want: Want) -> Picture:
    """The likeliest candidates at each of a run of query tokens, with their shares of 1.

    Raises
    ------
    Trouble
        If the model returned no logits, or none that belong to these tokens.
    """
    stack = stack_of(snapshot, want)
    if snapshot.logits is None and snapshot.generation is not None and _writes(snapshot, stack):
        return _of_steps(session, snapshot, snapshot.generation, stack, want)
    logits = logits_to_read(session, snapshot)
    batch = index(want, "batch", snapshot.stacks[stack][0].batch_size)
    check_fit(snapshot, stack, logits)
    if logits.dim() == 2:
        what: What = "classes"
        at, rows = slice(0, 1), logits[batch, None]
    else:
        what = what_of(session, snapshot, stack, logits)
        at = span(want, "at", logits.shape[1])
        at = slice(at.start, min(at.stop, at.start + MOST_TOKENS))
        rows = logits[batch, at]
    most = count(want, "count", min(MOST_CANDIDATES, rows.shape[1]))
    found: list[Candidates] = [[] for _ in rows]
    if rows.shape[1] > 1:
        namer = Names(session, what)
        # Row by row: a vocabulary has up to a million entries.
        one_of = not ("classes" in what and is_multi_label(session))
        if not may_be_hidden_states(session, snapshot.logits, what, rows.shape[1]):
            found = [_candidates(row, most, namer, one_of=one_of) for row in rows]
    return Picture(
        "predictions",
        {
            "what": what,
            "at": [at.start, at.stop],
            "of": rows.shape[1],
            "candidates": found,
            "note": _note(session, snapshot.logits, what, rows, found),
        },
    )


def _of_steps(
    session: Session, snapshot: Snapshot, generation: Generation, stack: str, want: Want
) -> Picture:
    """Candidates of the steps of a generation, which returned no logits of its prompt."""
    batch = index(want, "batch", len(generation.ids))
    at = span(want, "at", snapshot.stacks[stack][0].query_len)
    at = slice(at.start, min(at.stop, at.start + MOST_TOKENS))
    most = count(want, "count", min(MOST_CANDIDATES, generation.candidates.shape[2]))
    names = Names(session, "next")
    found: list[Candidates] = []
    for step in range(at.start + 1 - generation.start, at.stop + 1 - generation.start):
        there = 0 <= step < generation.steps
        tokens = generation.candidates[batch, step, :most].tolist() if there else []
        shares = generation.shares[batch, step, :most].tolist() if there else []
        found.append(
            [
                {"text": names.text(token), "share": share, "id": token}
                for token, share in zip(tokens, shares, strict=True)
                if token >= 0 and share == share
            ]
        )
    return Picture(
        "predictions",
        {
            "what": "next",
            "at": [at.start, at.stop],
            "of": generation.vocabulary,
            "candidates": found,
            "note": "" if all(found) else "Known are only the steps at which a token was written.",
        },
    )


def logits_to_read(session: Session, snapshot: Snapshot) -> torch.Tensor:
    """(B, T, V) or (B, C), as the model returned them."""
    if snapshot.logits is None:
        if session.model is None:
            detail = "Only its attention was given: run the model itself, aw.explore(model, ...)."
        else:
            detail = (
                "Load it with its head, for instance by AutoModelForCausalLM (next token), "
                "AutoModelForMaskedLM, or AutoModelForSequenceClassification."
            )
        raise Trouble("This model returns no logits.", detail)
    if not snapshot.logits.named and session.tokenizer is None and not class_names(session):
        raise Trouble(
            "This model returns no logits.",
            "It returns a plain tensor, which may be hidden states as well. Give its tokenizer, or "
            "name its classes in model.config.id2label.",
        )
    logits: torch.Tensor = snapshot.logits.tensor
    if logits.dim() not in (2, 3) or 0 in logits.shape:
        raise Trouble(
            f"The model's logits are of shape {tuple(logits.shape)}.",
            "Candidates can be named for one row per token (B, T, V) or per text (B, C).",
        )
    return logits


def check_fit(snapshot: Snapshot, stack: str, logits: torch.Tensor) -> None:
    """Raise a Trouble unless the logits belong to the texts, or the queries, of `stack`."""
    call = snapshot.stacks[stack][0]
    crosses = any(calls[0].kind in CROSSING for calls in snapshot.stacks.values())
    if logits.dim() == 3 and crosses and not _writes(snapshot, stack):
        raise Trouble(
            f"The model predicts at the tokens that it writes, not at those of {stack!r}.",
            "Choose the stack of its decoder.",
        )
    has = (call.batch_size, call.query_len)[: logits.dim() - 1]
    if logits.shape[:-1] != has:
        raise Trouble(
            f"The model returned logits of shape {tuple(logits.shape)}, but {stack!r} has "
            f"{call.batch_size} × {call.query_len} tokens (texts × tokens of each).",
            "They must be of one number to be shown together: run the model so that it returns a "
            "row for every token (no logits_to_keep).",
        )


def _writes(snapshot: Snapshot, stack: str) -> bool:
    """Whether the queries of `stack` are a text that goes on."""
    call = snapshot.stacks[stack][0]
    return call.causal or call.kind in CROSSING or "decoder" in stack


def what_of(session: Session, snapshot: Snapshot, stack: str, logits: torch.Tensor) -> What:
    """What logits (B, T, V) stand for."""
    if logits.shape[2] == len(class_names(session)) != _vocabulary_size(session):
        return "token classes"
    # A single step of decoding does not show that its model only looks back.
    can_generate = getattr(session.model, "can_generate", None)
    generates = callable(can_generate) and can_generate()
    return "next" if generates or _writes(snapshot, stack) else "masked"


def _candidates(row: torch.Tensor, most: int, namer: Names, *, one_of: bool) -> Candidates:
    """The largest shares of one row (V,); none where it holds NaN."""
    scores = row.detach().float()
    shares = scores.softmax(-1) if one_of else scores.sigmoid()
    if bool(shares.isnan().any()):
        return []
    largest = torch.topk(shares, most)
    return [
        {"text": namer.text(number), "share": share, "id": number}
        for number, share in zip(largest.indices.tolist(), largest.values.tolist(), strict=True)
    ]


class Names:
    """Texts of vocabulary ids or classes, each made once."""

    def __init__(self, session: Session, what: What) -> None:
        self._tokenizer = session.tokenizer
        self._classes = class_names(session) if "classes" in what else None
        self._known = session.texts

    def text(self, number: int) -> str:
        """As a reader would write it."""
        if self._classes is not None:
            return self._classes.get(number, str(number))
        if number not in self._known:
            (token,) = labels.read_tokens(self._tokenizer, [number])
            # A piece in the middle of a character has no text of its own.
            self._known[number] = token.text or "\ufffd"
        return self._known[number]


def class_names(session: Session) -> dict[int, str]:
    """Names of classes, from ``config.id2label`` or a sequence `labels` that the model has."""
    named = getattr(getattr(session.model, "config", None), "id2label", None)
    if isinstance(named, Mapping):
        return {int(number): str(name) for number, name in named.items()}
    listed = getattr(session.model, "labels", None)
    if isinstance(listed, list | tuple) and all(isinstance(name, str) for name in listed):
        return dict(enumerate(listed))
    return {}


def _vocabulary_size(session: Session) -> int | None:
    config = getattr(session.model, "config", None)
    size = getattr(config, "vocab_size", None)
    return size if isinstance(size, int) else None


def is_multi_label(session: Session) -> bool:
    """Whether each class is judged by itself."""
    config = getattr(session.model, "config", None)
    return getattr(config, "problem_type", None) == "multi_label_classification"


def may_be_hidden_states(session: Session, logits: Logits | None, what: What, size: int) -> bool:
    """Whether a bare tensor has fewer numbers than there are texts to choose from."""
    bare = logits is not None and not logits.named
    is_vocabulary = size == _vocabulary_size(session) or size >= _texts(session.tokenizer)
    return bare and "classes" not in what and not is_vocabulary


def _note(
    session: Session, logits: Logits | None, what: What, rows: torch.Tensor, found: list[Candidates]
) -> str:
    """What the reader should know of the candidates, in sentences; "" where there is nothing."""
    size = rows.shape[1]
    if may_be_hidden_states(session, logits, what, size):
        return (
            f"The model returns {size} numbers at each token, fewer than its tokenizer has texts "
            f"({_texts(session.tokenizer)}): hidden states, it seems, and no logits."
        )
    if size == 1:
        numbers = ", ".join(f"{number:.4g}" for number in rows[:, 0].tolist())
        return f"The model returns a number here, not a choice: {numbers}."
    notes = []
    if not all(found):
        notes.append("Where the logits are NaN or infinite there is nothing to name.")
    if "classes" in what and is_multi_label(session):
        notes.append("Each class is judged by itself: the shares do not add up to 1.")
    return " ".join(notes)


def _texts(tokenizer: Any) -> int:
    """How many texts a tokenizer has; 0 where it does not say."""
    try:
        return len(tokenizer)
    except Exception:  # foreign code, and mostly there is just no len()
        size = getattr(tokenizer, "vocab_size", 0)
        return size if isinstance(size, int) else 0
