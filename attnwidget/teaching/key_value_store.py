"""KeyValueStore: a query is held against keys, and a blend of their values comes back."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from attnwidget.teaching import store_asking, store_entries, store_numbers, store_stops
from attnwidget.teaching.free_keys import FreeKeys
from attnwidget.teaching.guided import Guided, Tried
from attnwidget.teaching.store_entries import Embed, texts_in
from attnwidget.teaching.store_examples import examples
from attnwidget.teaching.store_screens import SCREENS, best_screen, misfit
from attnwidget.teaching.tour import Tour
from attnwidget.trouble import Trouble

_log = logging.getLogger(__name__)
_STATIC = Path(__file__).parents[1] / "static"

STEPS = ("scores", "scale", "softargmax", "blend")
_ENTRIES = ("keys", "values", "query", "names", "query_names")


_NOTHING_YET: list[Any] = []


class _Read(traitlets.TraitType[Any, Any]):
    """A trait whose value the store reads into plain lists."""

    default_value = _NOTHING_YET

    def validate(self, obj: Any, value: Any) -> Any:
        if value is _NOTHING_YET:
            return value
        try:
            return obj._read(self.name, value)
        except Trouble as trouble:
            raise traitlets.TraitError(str(trouble)) from trouble


def _beta_to_page(beta: float, _widget: object) -> float | str:
    return "inf" if math.isinf(beta) else beta  # JSON has no infinity


class KeyValueStore(Guided, FreeKeys):
    """An associative array asked softly: the analogy behind attention, to drag and to edit.

    Each query q is held against every key k. Their scores q·k, times β, go through the
    soft(arg)max; the weights a that come out (‖a‖₁ = 1) blend the values.

    Parameters
    ----------
    keys : array (n, d), or list of n texts, optional
        Texts need `embed`. Without keys the store opens with a recipe book and two more examples.
    values : list of n numbers, vectors (n, dv), texts or pictures, optional
        Pictures are arrays (n, h, w) or (n, h, w, 3), or PIL images, all of one size.
    query : array (d,) or (m, d), or one or several texts, optional
        By default the first key.
    names : list of n str, optional
        Labels of the entries; by default the keys' texts, or "key 1", "key 2", ...
    embed : function, optional
        Takes a text and returns a vector of d numbers. With it one can ask in words on the page.
    beta : float, optional
        Inverse temperature, from 0 to ``float("inf")``; by default 1/√d.
    hard : bool
        Hard attention: all of the entry with the largest score, the first where several share it.
    **chosen
        Other traits by name: ``screen, step, predict, query_names, tour``.

    Raises
    ------
    Trouble
        (a ValueError) If keys, values and query cannot be read or do not go together.

    Notes
    -----
    All traits are two-way. A bad value raises ``traitlets.TraitError`` and changes nothing. `query`
    is always read as a list of m vectors. On the screen "regression" scores are −½(q − k)², which
    makes 1/√β the width of a Gaussian kernel (Nadaraya and Watson, 1964).
    """

    _esm = _STATIC / "widget.js"
    _css = _STATIC / "widget.css"
    PARTS = store_stops.PARTS
    _kind = traitlets.Unicode("store").tag(sync=True)
    _examples = traitlets.Dict().tag(sync=True)
    _asks = traitlets.Bool(False).tag(sync=True)

    keys = _Read().tag(sync=True)
    """n vectors of d numbers."""
    values = _Read().tag(sync=True)
    """n numbers, vectors or texts; pictures are read back as data URLs."""
    query = _Read().tag(sync=True)
    """m vectors of d numbers; may be set to one vector, or to texts where there is `embed`."""
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """n labels of the entries."""
    query_names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """m labels of the queries, or none; a query that is set or dragged loses its old label."""
    beta = _Read().tag(sync=True, to_json=_beta_to_page)
    """Inverse temperature, from 0 (mean of all) to infinity (ties share); None sets 1/√d."""
    hard = traitlets.Bool(False).tag(sync=True)
    """Whether all weight goes to the largest score, the first where several share it."""
    screen = traitlets.Enum(SCREENS, "numbers").tag(sync=True)
    """How it is drawn: "recipes" needs d = 2; "regression" d = 1 and numbers as values."""
    step = traitlets.Enum(STEPS, "blend").tag(sync=True)
    """How far the flow is shown: "scores", "scale", "softargmax" or "blend"."""
    predict = traitlets.Bool(False).tag(sync=True)
    """Whether the reader is asked to predict before the answer is shown."""
    weights: Any = traitlets.List(read_only=True)
    """Attention of each query over the entries, (m, n). Read-only."""
    result: Any = traitlets.Any(read_only=True)
    """What comes back for each query, m long: numbers, vectors or pictures (h, w, 3); of texts the
    shares, as a dict with the largest first. Read-only."""

    def __init__(
        self,
        keys: Any = None,
        values: Any = None,
        query: Any = None,
        names: Sequence[str] | None = None,
        embed: Embed | None = None,
        beta: float | None = None,
        hard: bool = False,
        **chosen: Any,
    ) -> None:
        unknown = sorted(set(chosen) - set(self.trait_names()))
        if unknown:
            raise TypeError(f"KeyValueStore() has no argument {unknown[0]!r}.")
        self._embed = embed
        chosen["_asks"] = embed is not None
        self._pictures: dict[str, NDArray[np.float64]] = {}
        self._asked: list[str] = []
        self._is_swapping = True
        if keys is None and values is None:
            if query is not None or names is not None:
                raise Trouble("query or names were given without keys.", "Give keys and values.")
            shown = examples()
            opened = dict(shown[chosen.get("screen", "recipes")])
            opened.pop("axes", None)
            if beta is not None:
                opened["beta"] = self._read_beta(beta, opened["keys"])
            opened = {"screen": "recipes", "_examples": shown, **opened, **chosen}
        else:
            opened = self._read_entries(keys, values, names, query)
            opened["beta"] = self._read_beta(beta, opened["keys"])
            opened["screen"] = best_screen(opened["keys"], opened["values"])
            opened |= chosen
        tour = opened.pop("tour", None)
        super().__init__(hard=hard, **opened)
        self._is_swapping = False
        self.tour = tour
        self.on_msg(self._hear)

    def set_entries(
        self, keys: Any, values: Any, names: Sequence[str] | None = None, query: Any = None
    ) -> None:
        """Put other entries into the store, also another number of them.

        The queries stay, unless `query` is given or the keys have another size d.

        Raises
        ------
        Trouble
            (a ValueError) If they cannot be read or do not go together; the store stays as it was.
        """
        opened = self._read_entries(keys, values, names, query)
        keys = opened["keys"]
        if query is None and len(keys[0]) == len(self.query[0]):
            opened |= {"query": self.query, "query_names": self.query_names}
        if misfit(self.screen, keys, opened["values"]):
            opened["screen"] = best_screen(keys, opened["values"])
        self._swap({"_examples": {}, **opened})

    def _swap(self, opened: dict[str, Any]) -> None:
        """Set several traits as one change, sent in one message."""
        before, self._is_swapping = self._is_swapping, True
        try:
            with self.hold_sync(), self.hold_trait_notifications():
                for name, value in opened.items():
                    self.set_trait(name, value)
        finally:
            self._is_swapping = before  # it may be one of several changes

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the page set; where it cannot be, ours stands and the page is told."""
        self._is_swapping = True
        try:
            super().set_state(sync_data)
        except traitlets.TraitError:
            _log.debug("the page set what cannot be", exc_info=True)
            self.send_state(set(sync_data) & set(self.traits(sync=True)))
        finally:
            self._is_swapping = False

    def _hear(self, _widget: object, content: object, _buffers: object) -> None:
        answer = store_asking.answer(self, content)
        if answer is not None:
            self.send(answer)

    # -- a tour -----------------------------------------------------------------------------------

    def _try(self, tour: Tour) -> list[Tried]:
        return store_stops.tried(self, tour)

    def _show(self, shown: Tried) -> None:
        self._swap({**(shown.entries or {}), **shown.traits})

    # -- reading and checking ---------------------------------------------------------------------

    def _read_entries(self, keys: Any, values: Any, names: Any, query: Any) -> dict[str, Any]:
        if keys is None or values is None:
            missing = "keys" if keys is None else "values"
            raise Trouble(f"{missing} is missing.", "Give keys and values, one value for each key.")
        vectors = store_entries.read_keys(keys, self._embed)
        read = store_entries.read_values(values, self._pictures)
        if names is None:
            names = texts_in(keys) or [f"key {n}" for n in range(1, 1 + len(vectors))]
        asked = (
            vectors[:1] if query is None else store_entries.read_query(query, self._embed)
        )  # a good first question: one that has an answer
        named = texts_in(query) or []
        names = [str(name) for name in names]
        store_entries.check_together(vectors, read, asked, names, named)
        return {
            "keys": vectors, "values": read, "names": names, "query": asked, "query_names": named,
        }  # fmt: skip

    def _read(self, name: str, value: Any) -> Any:
        if name == "keys":
            return store_entries.read_keys(value, self._embed)
        if name == "values":
            return store_entries.read_values(value, self._pictures)
        if name == "query":
            self._asked = texts_in(value) or []
            return store_entries.read_query(value, self._embed)
        return self._read_beta(value, self.keys)

    @staticmethod
    def _read_beta(beta: Any, keys: list[list[float]]) -> float:
        if beta is None:
            return 1 / math.sqrt(len(keys[0]))
        try:
            number = math.nan if isinstance(beta, bool) else float(beta)
        except (TypeError, ValueError):
            number = math.nan
        if not number >= 0:
            raise Trouble(
                f"beta is {beta!r}.",
                'Give a number from 0 to float("inf"), or None for 1/√d.',
            )
        return number

    @traitlets.validate(*_ENTRIES)
    def _go_together(self, proposal: dict[str, Any]) -> Any:
        parts = {name: getattr(self, name) for name in _ENTRIES}
        parts[proposal["trait"].name] = proposal["value"]
        if proposal["trait"].name == "query" and not self._is_swapping:
            parts["query_names"] = self._asked  # they follow
        try:
            store_entries.check_together(**parts)
        except Trouble as trouble:
            raise traitlets.TraitError(str(trouble)) from trouble
        return proposal["value"]

    @traitlets.validate("screen")
    def _can_be_drawn(self, proposal: dict[str, Any]) -> str:
        screen: str = proposal["value"]
        reason = misfit(screen, self.keys, self.values)
        if reason and (self._is_swapping or not self._examples):
            fitting = [s for s in SCREENS if not misfit(s, self.keys, self.values)]
            raise traitlets.TraitError(f"{reason} Choose from {', '.join(fitting)}.")
        return screen

    # -- what follows from a change ---------------------------------------------------------------

    @traitlets.observe("screen")
    def _show_example(self, change: dict[str, Any]) -> None:
        if self._examples and not self._is_swapping:
            example = self._examples[change["new"]]
            self._swap({name: example[name] for name in (*_ENTRIES, "beta")})

    @traitlets.observe("query")
    def _name_query(self, _change: object) -> None:
        if not self._is_swapping:
            self.query_names = self._asked

    @traitlets.observe("keys", "values", "query", "beta", "hard", "screen")
    def _compute(self, _change: object) -> None:
        # As on the page: what the screen cannot draw is a table of products.
        can_draw = not misfit(self.screen, self.keys, self.values)
        weights = store_numbers.weights(
            np.array(self.query),
            np.array(self.keys),
            self.beta,
            hard=self.hard,
            by_distance=self.screen == "regression" and can_draw,
        )
        self.set_trait("weights", weights.tolist())
        self.set_trait("result", self._blend(weights))

    def _blend(self, weights: NDArray[np.float64]) -> list[Any]:
        values = self.values
        if isinstance(values[0], str) and values[0] in self._pictures:
            pictures = np.stack([self._pictures[url] for url in values])
            return list(np.tensordot(weights, pictures, axes=1))
        if isinstance(values[0], str):
            return [_shares(values, row) for row in weights.tolist()]
        return (weights @ np.array(values)).tolist()  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return (
            f"KeyValueStore({len(self.keys)} entries, d={len(self.keys[0])}, "
            f"{len(self.query)} queries, beta={self.beta:.4g}, hard={self.hard})"
        )


def _shares(texts: list[str], row: list[float]) -> dict[str, float]:
    shares: dict[str, float] = {}
    for text, weight in zip(texts, row, strict=True):
        if weight > 0:
            shares[text] = shares.get(text, 0.0) + weight
    return dict(sorted(shares.items(), key=lambda item: -item[1]))
