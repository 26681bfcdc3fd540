"""explore() and Explorer: the widget. Traits hold the selection; wants come in, pictures go out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import anywidget
import torch
import traitlets

from attnwidget import messages, pictures, ranges, zoo
from attnwidget.choice import Place, first_choice, place_in
from attnwidget.delivery import Delivery
from attnwidget.messages import Message, Run, Slices, Want
from attnwidget.pass_tokens import Tokens
from attnwidget.session import Session, Snapshot
from attnwidget.trace import Trace
from attnwidget.trouble import Trouble, in_words

_log = logging.getLogger(__name__)
_STATIC = Path(__file__).parent / "static"

DEFAULT_TEXT = "The animal didn't cross the street because it was too tired"
SELECTION = ("stack", "layer", "head", "query", "key", "batch")


def explore(
    model: torch.nn.Module | None = None,
    tokenizer: Any = None,
    text: str | None = None,
    *,
    inputs: Any = None,
    tokens: Tokens | None = None,
    trace: Trace | None = None,
    attention: Sequence[Any] | None = None,
    **chosen: Any,
) -> Explorer:
    """Look at the attention of a model, live.

    Parameters
    ----------
    model : torch.nn.Module, optional
        Your own object, as it stands, on whatever attention kernel it runs. Without one (and
        without `trace` or `attention`) the bundled ``stories`` model is shown.
    tokenizer : optional
        Turns text into the model's input ids: a transformers or tokenizers tokenizer, an object
        with ``encode``, or a function. With it the widget has a text box that runs the model.
    text : str, optional
        What to run first.
    inputs : Tensor, tuple or dict, optional
        Input of ``model(...)`` for models that take no text.
    tokens : sequence of str, or dict of stack name to such a sequence, optional
        Token texts, one per position, where there is no tokenizer.
    trace : Trace, optional
        A trace made by ``aw.capture``, shown without a model.
    attention : sequence over layers of (B, H, Tq, Tk) arrays, optional
        Attention weights from elsewhere.
    **chosen
        First selection: ``stack, layer, head, query, key, batch, view``.

    Returns
    -------
    Explorer
        With a `text` or `inputs` it shows that pass, and runs again when its text is changed.
        Without them it is live: it draws every forward pass that anyone runs from now on.
        ``ex.attach()`` makes any explorer live, ``ex.detach()`` ends it.

    Raises
    ------
    Trouble
        (a ValueError) If nothing can be shown: no tokenizer, empty or too long text, tokens whose
        number differs from the positions, no attention in the model.
    TypeError
        On an unknown keyword, or arguments that do not go together.
    """
    unknown = sorted(set(chosen) - {*SELECTION, "view"})
    if unknown:
        raise TypeError(
            f"explore() has no argument {unknown[0]!r}. By name it takes a first selection: "
            f"{', '.join(SELECTION)}, view."
        )
    if isinstance(tokenizer, str):
        raise TypeError(
            f"The second argument is the text {tokenizer[:40]!r}, where the tokenizer belongs: "
            "aw.explore(model, tokenizer, text)."
        )
    if sum(given is not None for given in (model, trace, attention)) > 1:
        raise TypeError("Give one of these: a model, trace= or attention=.")
    if attention is not None:
        trace = Trace.from_arrays(attention)
    if trace is not None:
        session = Session(tokens=tokens)
        session.take(trace, {})
        return Explorer(session, **chosen)
    if model is None:
        model, tokenizer = zoo.load("stories")
        if text is None:
            card = zoo.card("stories")
            text, chosen = card["text"], {**card["selection"], **chosen}
    session = Session(model, tokenizer, tokens)
    if text is None and inputs is None:
        session.attach()
    try:
        if inputs is not None:
            session.run_inputs(inputs)
        elif text is not None or tokenizer is not None:
            session.run(text if text is not None else DEFAULT_TEXT)
        return Explorer(session, **chosen)
    except BaseException:
        session.detach()
        raise


class Explorer(anywidget.AnyWidget):
    """A two-way view of a model's attention. Made by :func:`explore`.

    Every trait below may be read, set, observed and linked. Setting a value that does not exist
    raises ``traitlets.TraitError``, which names the valid range.
    """

    _esm = _STATIC / "widget.js"
    _css = _STATIC / "widget.css"

    text = traitlets.Unicode().tag(sync=True)
    """The text the model runs on; setting it runs the model."""
    stack = traitlets.Unicode().tag(sync=True)
    """Group of like layers: "encoder", "decoder", "cross", ..."""
    layer = traitlets.Int().tag(sync=True)
    """Layer number within the stack."""
    head = traitlets.Int().tag(sync=True)
    """Head number within the layer."""
    query = traitlets.Union(
        [traitlets.Int(), traitlets.Unicode()], default_value=None, allow_none=True
    ).tag(sync=True)
    """Index of the token that looks, or None. May be set to the token's text."""
    key = traitlets.Union(
        [traitlets.Int(), traitlets.Unicode()], default_value=None, allow_none=True
    ).tag(sync=True)
    """Index of the token that is looked at, or None. May be set to the token's text."""
    batch = traitlets.Int().tag(sync=True)
    """Item of the batch."""
    view = traitlets.Enum(["matrix", "grid"], "matrix").tag(sync=True)
    """The main view."""

    def __init__(self, session: Session, view: str = "matrix", **chosen: Any) -> None:
        self._session = session
        self._chosen = chosen
        self._text_shown: str | None = None
        self._delivery = Delivery(self._paint, self._post, self._pass_number, _running_loop())
        super().__init__(view=view)
        self._take_pass()
        self.observe(self._run_text, "text")
        self.observe(lambda _: self._settle(), ["stack", "layer"])
        session.followers.append(self._follow)
        self.on_msg(self._hear)

    # -- what is looked at, readable --------------------------------------------------------------

    @property
    def tokens(self) -> list[str]:
        """Token texts of the selected stack's queries."""
        snapshot = self._session.snapshot
        if snapshot is None:
            return []
        return [token.text for token in snapshot.sides(self.stack, self.batch).queries]

    @property
    def trace(self) -> Trace | None:
        """The trace of the pass on screen; None before the first."""
        return self._session.snapshot.trace if self._session.snapshot else None

    @property
    def status(self) -> str:
        """How exact the selected layer is, or what went wrong, in words."""
        if self._session.trouble is not None:
            return " ".join(in_words(self._session.trouble))
        if self._session.snapshot is None:
            return "waiting for a forward pass"
        call = self._session.snapshot.call(self.stack, self.layer)
        return f"{call.status}: {call.note}" if call.note else call.status

    def attach(self) -> None:
        """Be live: draw every forward pass that anyone runs from now on."""
        self._session.attach()
        self._delivery.push()

    def detach(self) -> None:
        """Follow no more, and leave the model exactly as it was found. The last picture stays."""
        self._session.detach()
        self._delivery.push()

    def close(self) -> None:
        """Detach from the model and take the widget off the page."""
        self._session.detach()
        self._delivery.drop_all()
        if self._follow in self._session.followers:
            self._session.followers.remove(self._follow)
        super().close()

    def __repr__(self) -> str:
        if self._session.snapshot is None:
            return f"Explorer({pictures.model.name_of(self._session)}, nothing run yet)"
        return (
            f"Explorer({pictures.model.name_of(self._session)}, stack={self.stack!r}, "
            f"layer={self.layer}, head={self.head}, query={self.query}, key={self.key})"
        )

    # -- a new pass -------------------------------------------------------------------------------

    def _follow(self) -> None:
        """The session has a new pass, or trouble."""
        if self._session.trouble is not None:
            self._post(messages.trouble(None, self._session.trouble))
            return
        self._take_pass()
        self._delivery.push()

    def _take_pass(self) -> None:
        """Keep the selection; look for a telling token where the text is another."""
        snapshot = self._session.snapshot
        if snapshot is None:
            return
        is_new_text = snapshot.text not in (None, self._text_shown)
        if snapshot.text is not None:
            self._text_shown = self.text = snapshot.text
        if self.stack:
            self._go(place_in(snapshot, self._place(), keep_tokens=not is_new_text))
        else:
            self._open(snapshot)

    def _open(self, snapshot: Snapshot) -> None:
        """Take the caller's choice; what it leaves open is chosen to go with it."""
        self.stack = next(iter(snapshot.stacks))
        try:
            self.stack = self._chosen.get("stack", self.stack)
            self.layer = self._chosen.get("layer", snapshot.stacks[self.stack][0].layer)
            for name in ("head", "query", "key", "batch"):
                if name in self._chosen:
                    setattr(self, name, self._chosen[name])
        except traitlets.TraitError:
            self._go(first_choice(snapshot, self.stack))
            raise
        given = {
            n: getattr(self, n) for n in ("layer", "head", "query", "key") if n in self._chosen
        }
        found = first_choice(snapshot, self.stack, **given)
        self._go(replace(found, batch=self.batch, **given))

    def _settle(self) -> None:
        """Make the selection one that exists, keeping as much of it as does."""
        if self._session.snapshot is not None:
            self._go(place_in(self._session.snapshot, self._place()))

    def _place(self) -> Place:
        return Place(self.stack, self.layer, self.head, self.query, self.key, self.batch)

    def _go(self, place: Place) -> None:
        with self.hold_sync(), self.hold_trait_notifications():
            for name, value in asdict(place).items():
                setattr(self, name, value)

    def _run_text(self, change: dict[str, Any]) -> None:
        """Run the text, unless it was set because it has just been run."""
        snapshot = self._session.snapshot
        if snapshot is None or self._session.trouble or change["new"] != snapshot.text:
            self._session.run(change["new"])

    # -- the selection is always one that exists --------------------------------------------------

    @traitlets.validate("stack", "layer", "head", "query", "key", "batch")
    def _valid(self, proposal: dict[str, Any]) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        try:
            return ranges.check(self._session.snapshot, self._place(), name, value)
        except Trouble as trouble:
            raise traitlets.TraitError(str(trouble)) from None

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take the page's selection; where a new pass has made it impossible, ours stands."""
        try:
            super().set_state(sync_data)
        except traitlets.TraitError:
            _log.debug("the page chose what the new pass has not", exc_info=True)
            self.send_state(set(sync_data) & set(self.keys))

    # -- messages ---------------------------------------------------------------------------------

    def _hear(self, _widget: object, content: object, _buffers: object) -> None:
        """A message from the page. Whatever it holds, the kernel goes on."""
        try:
            message = messages.read(content)
            if isinstance(message, Run):
                self._run_from_page(message.text)
            else:
                self._delivery.want(message)
                if self._session.trouble is not None:
                    self._post(messages.trouble(None, self._session.trouble))
        except Exception as error:
            _log.debug("a message from the page failed", exc_info=True)
            self._post(messages.trouble(None, error))

    def _run_from_page(self, text: str) -> None:
        try:
            if text == self.text:
                self._session.run(text)
            else:
                self.text = text
        except Exception:  # the session has kept it and told the page
            _log.debug("running the text failed", exc_info=True)

    def _paint(self, want: Want) -> Slices:
        return pictures.paint(self._session, want)

    def _pass_number(self) -> int:
        return self._session.snapshot.number if self._session.snapshot else 0

    def _post(self, message: Message) -> None:
        content, buffers = message
        self.send(content, buffers)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """The kernel's event loop, where there is one."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
