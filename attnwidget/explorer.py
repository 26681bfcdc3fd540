"""explore() and Explorer: the widget. Traits hold the selection; wants come in, pictures go out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from attnwidget import messages, pictures, zoo
from attnwidget.assumed import wants_of_page
from attnwidget.chooser import Chooser
from attnwidget.delivery import Delivery
from attnwidget.generation.writer import Writer
from attnwidget.generation.written import Generation
from attnwidget.images.encoding import is_image, parts_of
from attnwidget.images.patches import Patches
from attnwidget.messages import Message, Run, Slices, Want
from attnwidget.pass_tokens import Tokens
from attnwidget.passes import KEEP, MOST_BYTES
from attnwidget.session import Session
from attnwidget.teaching import explorer_stops
from attnwidget.teaching.guided import Guided, Tried
from attnwidget.teaching.tour import Stop, Tour
from attnwidget.trace import Trace
from attnwidget.traits import OF_A_PASS, OF_THE_PAGE
from attnwidget.trouble import Trouble, in_words
from attnwidget.unwrap import unwrapped

_log = logging.getLogger(__name__)
_STATIC = Path(__file__).parent / "static"

DEFAULT_TEXT = "The animal didn't cross the street because it was too tired"


def explore(
    model: Any = None,
    tokenizer: Any = None,
    text: Any = None,
    *,
    image: Any = None,
    inputs: Any = None,
    tokens: Tokens | None = None,
    trace: Trace | None = None,
    attention: Sequence[Any] | None = None,
    keep: int = KEEP,
    max_bytes: int = MOST_BYTES,
    tour: Tour | Sequence[Stop] | None = None,
    **chosen: Any,
) -> Explorer:
    """Look at the attention of a model, live.

    Parameters
    ----------
    model : torch.nn.Module, optional
        Your own object, as it stands, on whatever attention kernel it runs. Of a
        ``transformers.pipeline`` or a ``SentenceTransformer`` the model and the tokenizer inside
        are taken. Without one (and without `trace` or `attention`) the bundled ``stories`` model
        is shown.
    tokenizer : optional
        Turns text into the model's input ids: a transformers or tokenizers tokenizer, an object
        with ``encode``, or a function. With it the widget has a text box that runs the model.
        For images: a transformers processor, or a function from an image to a tensor.
    text : str or image, optional
        What to run first.
    image : PIL.Image.Image, numpy.ndarray or torch.Tensor, optional
        What a model that reads images sees beside the text; ``<image>`` in the text is its place.
        Without a text it may stand in its place: ``aw.explore(model, processor, image)``.
    inputs : Tensor, tuple or dict, optional
        Input of ``model(...)`` for models that take no text.
    tokens : sequence of str, Patches, or dict of stack name to such, optional
        Token texts, one per position, where there is no tokenizer; or the image whose patches
        they are: ``aw.Patches(image, grid=(14, 14), prefix=1)``.
    trace : Trace, optional
        A trace made by ``aw.capture``, shown without a model.
    attention : sequence over layers of (B, H, Tq, Tk) arrays, optional
        Attention weights from elsewhere.
    keep : int
        How many of the last passes to keep, to step back to by ``ex.step``. In a fast loop of large
        passes not every pass is kept, as that would slow the loop: those on the page are.
    max_bytes : int
        Most bytes of their tensors together. The newest pass always stays.
    tour : Tour or sequence of Stop, optional
        A teacher's own steps; every stop is tried before the first one is shown.
    **chosen
        First selection, by the names of the traits: ``stack, layer, head, heads, query, key,
        batch, step, pair``; and how to show it: ``view, stage, remove, encoding, joined, mean,
        direction, words, hide, renormalise, weigh, target, scale, mass, measure,
        sort, written``.

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
    known = (*OF_A_PASS, *OF_THE_PAGE)
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        raise TypeError(
            f"explore() has no argument {unknown[0]!r}. By name it takes keep, max_bytes, tour and "
            f"a first selection: {', '.join(known)}."
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
        session = Session(tokens=tokens, keep=keep, max_bytes=max_bytes)
        session.take(trace, {})
        return Explorer(session, tour, **chosen)
    if model is None:
        model, tokenizer = zoo.load("stories")
        if text is None:
            card = zoo.card("stories")
            text, chosen = card["text"], {**card["selection"], **chosen}
    model, reader = unwrapped(model, tokenizer)
    tokenizer, processor = parts_of(reader)
    if image is None and is_image(text):
        image, text = text, None
    if image is not None and processor is None:
        tokenizer, processor = None, reader  # a function from an image to a tensor
    elif text is not None and tokenizer is None and processor is not None:
        raise Trouble(
            f"The text {str(text)[:40]!r} was given, but the processor reads images.",
            "Give an image: aw.explore(model, processor, PIL.Image.open(path)); "
            'or several at once: inputs=processor(images=[...], return_tensors="pt").',
        )
    session = Session(model, tokenizer, tokens, keep, max_bytes, processor=processor)
    if text is None and inputs is None and image is None:
        session.attach()
    try:
        if inputs is not None:
            session.run_inputs(inputs)
        elif image is not None:
            session.run_image(image, text)
        elif text is not None or tokenizer is not None:
            session.run(text if text is not None else DEFAULT_TEXT)
        given = tokens.values() if isinstance(tokens, Mapping) else (tokens,)
        if image is not None or any(isinstance(one, Patches) for one in given):
            first = pictures.image.opening(session.snapshot, chosen.get("stack", ""))
            chosen = {**first, **chosen}
        return Explorer(session, tour, **chosen)
    except BaseException:
        session.detach()
        raise


class Explorer(Guided, Chooser, anywidget.AnyWidget):
    """A two-way view of a model's attention. Made by :func:`explore`.

    Every trait (they are described in `Choice`) may be read, set, observed and linked. Setting a
    value that does not exist raises ``traitlets.TraitError``, which names the valid range. A
    ``traitlets.link`` to such a value, as to a token behind the end of this explorer's text, leaves
    this explorer where it is.
    """

    _esm = _STATIC / "widget.js"
    _css = _STATIC / "widget.css"
    PARTS = explorer_stops.PARTS

    def __init__(
        self, session: Session, tour: Tour | Sequence[Stop] | None = None, **chosen: Any
    ) -> None:
        self._edition = session.edition
        self._is_from_page = False
        self._is_displayed = False
        loop = _running_loop()
        self._delivery = Delivery(
            self._paint, self._post, lambda: session.edition, loop, self._assume
        )
        self._writer = Writer(session, self._post, loop)
        super().__init__(session, **chosen)
        self.observe(self._run_text, "text")
        self.observe(self._look_at_step, "step")
        try:
            self._settle_in_pass()
            self.tour = tour
        except BaseException:
            self.close()
            raise
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
    def generation(self) -> Generation | None:
        """What was written, where the pass on screen is a generation."""
        return self._session.snapshot.generation if self._session.snapshot else None

    @property
    def status(self) -> str:
        """How exact the selected layer is, or what went wrong, in words."""
        session = self._session
        if session.trouble is not None:
            return " ".join(in_words(session.trouble))
        if session.snapshot is None or session.newest is None:
            return "waiting for a forward pass"
        call = session.snapshot.call(self.stack, self.layer)
        notes = " ".join(filter(None, (call.note, *session.snapshot.trace.said)))
        exactness = f"{call.status}: {notes}" if notes else call.status
        if session.paused:
            at = f"paused at pass {session.snapshot.number} of {session.newest.number}"
            return f"{at}; {exactness}"
        return exactness

    def generate(self, max_new_tokens: int = 20, **arguments: Any) -> None:
        """Let the model write on from the text, and look at all of it as one pass.

        A transformers model writes by its own ``generate``, with the cache, sampling and beams that
        it would use; any other model that returns logits (B, T, V) is run once for each token. The
        steps are joined to one map (see `Trace.stitch`), so that every view, trait and lesson works
        on the whole. The trait `text` stays the prompt, and ``ex.generation`` tells what was
        written. What is written is the same as without us, and nothing of the model is changed:
        not its mode, its ``generation_config`` nor the random numbers.

        Parameters
        ----------
        max_new_tokens : int
            How many tokens to write at most; fewer where the model's positions end.
        **arguments
            For the model's own ``generate``. A model without one takes ``do_sample``,
            ``temperature`` and ``top_k``. Either takes ``seed``: what is sampled is then what it
            is after ``torch.manual_seed(seed)``; without it a new one is drawn and told.

        Raises
        ------
        Trouble
            If the model writes no text, there is no prompt or a longer one than the model has
            positions, a number is out of its range, or the model is writing already.
        TypeError
            On an argument that a model without ``generate`` does not take.
        KeyboardInterrupt
            If it is interrupted; what was written so far is shown.
        Exception
            Whatever the model raises, unchanged.

        Examples
        --------
        >>> ex = explore(text="Tom met Anna. Tom saw")
        >>> ex.generate(3)
        >>> ex.generation.steps
        3
        """
        try:
            self._writer.write(self.text or None, max_new_tokens, **arguments)
        finally:
            if self.generation is not None:
                self._set_changed({"view": "generation"})
            self._delivery.hurry()

    def attach(self) -> None:
        """Be live: draw every forward pass that anyone runs from now on."""
        self._session.attach()
        self._push_at_once()

    def detach(self) -> None:
        """Follow no more, and leave the model exactly as it was found. The last picture stays."""
        self._session.detach()
        self._push_at_once()

    def close(self) -> None:
        """Detach from the model and take the widget off the page; the pass on screen stays."""
        self._writer.close()
        self._session.detach()
        self._session.forget()
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

    # -- another pass -----------------------------------------------------------------------------

    def _follow(self) -> None:
        """The session has a new pass, or trouble, or looks at another pass."""
        session = self._session
        if session.trouble is not None:
            self._post(messages.trouble(None, session.trouble))
            return
        if session.edition != self._edition:
            self._edition = session.edition
            self._settle_in_pass()
            generation = session.snapshot.generation if session.snapshot else None
            if generation is not None:
                self._show_all_of(generation)
        self.step = session.snapshot.number if session.snapshot and session.paused else None
        self._delivery.push()

    def _show_all_of(self, generation: Generation) -> None:
        """All that was written, and the token that looked last: it led to the newest one."""
        shown: dict[str, Any] = {"written": generation.length(self.batch)}
        if self.stack != "encoder" and self._session.snapshot is not None:
            length = self._session.snapshot.call(self.stack, self.layer).query_len
            shown["query"] = min(generation.start + shown["written"], length + 1) - 2
        self._set_changed(shown)

    def _set(self, changed: Mapping[str, Any]) -> None:
        with self.hold_sync():  # one message for all
            super()._set(changed)

    def _checked(self, name: str, value: Any) -> Any:
        if name == "step" and value is not None and self._is_from_page:
            # While a cell runs the page is not heard: what it stopped at may have been let go.
            value = self._session.nearest_step(value)
        return super()._checked(name, value)

    def _enter(self, heads: list[list[int]]) -> None:
        if not self._is_from_page:  # which sends its own selection with them
            super()._enter(heads)

    def _run_text(self, change: dict[str, Any]) -> None:
        """Run the text, unless it was set because it has just been run."""
        snapshot = self._session.snapshot
        if snapshot is None or self._session.trouble or change["new"] != snapshot.text:
            self._session.run(change["new"])
            self._delivery.hurry()

    def _look_at_step(self, change: dict[str, Any]) -> None:
        if self._is_open:
            self._session.look_at(change["new"])
            self._delivery.hurry()

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take the page's selection; where a new pass has made it impossible, ours stands."""
        with self._session.lock:
            self._is_from_page = True
            try:
                super().set_state(sync_data)
            except traitlets.TraitError:
                _log.debug("the page chose what the new pass has not", exc_info=True)
                self.send_state(set(sync_data) & set(self.keys))
            finally:
                self._is_from_page = False

    # -- a tour -----------------------------------------------------------------------------------

    def _try(self, tour: Tour) -> list[Tried]:
        return explorer_stops.tried(self._session, tour)

    def _show(self, shown: Tried) -> None:
        snapshot = self._session.snapshot
        try:
            if shown.text is not None and (snapshot is None or snapshot.text != shown.text):
                self._session.run(shown.text)
            self._set_changed(shown.traits)
        except Exception:
            if not self._is_from_page:
                raise
            _log.debug("a stop could not be shown", exc_info=True)
        self._delivery.hurry()

    # -- messages ---------------------------------------------------------------------------------

    def _hear(self, _widget: object, content: object, _buffers: object) -> None:
        """A message from the page. Whatever it holds, the kernel goes on."""
        try:
            message = messages.read(content)
            if isinstance(message, Run):
                self._run_from_page(message.text)
            elif isinstance(message, messages.Generate):
                self._generate_from_page(message)
            elif isinstance(message, messages.Stop):
                self._writer.stop()
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
                self._delivery.hurry()
            else:
                self.text = text
        except Exception:  # the session has kept it and told the page
            _log.debug("running the text failed", exc_info=True)

    def _generate_from_page(self, asked: messages.Generate) -> None:
        how: dict[str, Any] = {"do_sample": False}
        if asked.temperature is not None:
            how = {"do_sample": True, "temperature": asked.temperature, "seed": asked.seed}
        try:
            self._writer.begin(self.text or None, asked.most, **how)
        except Exception:  # the session has kept it and told the page
            _log.debug("writing failed", exc_info=True)

    def _paint(self, want: Want) -> Slices:
        self._session.mark_seen()
        return pictures.paint(self._session, want)

    def _assume(self) -> tuple[Want, ...]:
        """What the page will want, if there is one, as far as can be known unheard."""
        snapshot = self._session.snapshot
        return wants_of_page(snapshot, self) if snapshot and self._is_displayed else ()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        self._is_displayed = True
        return super()._repr_mimebundle_(**kwargs)

    def _push_at_once(self) -> None:
        self._delivery.push()
        self._delivery.hurry()

    def _post(self, message: Message) -> None:
        content, buffers = message
        self.send(content, buffers)
        trouble = self._session.trouble
        if content.get("kind") == "model" and trouble is not None:
            # The page takes a newer pass to mean that all is well: this one came late.
            self.send(*messages.trouble(None, trouble))


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """The kernel's event loop, where there is one."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
