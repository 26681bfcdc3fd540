"""Session: a model, its tokenizer, the text, and the last passes. It knows nothing of widgets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch

from attnwidget.binding.bound import Binding, Pass
from attnwidget.binding.capture import attach
from attnwidget.generation.written import Generation
from attnwidget.given import Given, given
from attnwidget.images.encoding import encode_image, unlike_config
from attnwidget.images.eye import Eye
from attnwidget.images.of_pass import PassImages
from attnwidget.outputs import Logits
from attnwidget.pass_tokens import PassTokens, Tokens, looking_side
from attnwidget.passes import KEEP, MOST_BYTES, Passes, Snapshot
from attnwidget.ranges import spans
from attnwidget.refusals import check_not_empty, forward_raised, nothing_found
from attnwidget.running import Encoded, as_between_cells, as_encoded, encode, place, quietly
from attnwidget.trace import Trace
from attnwidget.trouble import Trouble, in_words

__all__ = ["Session", "Snapshot"]


class _Rehearsing(threading.local):
    """Whose passes alone are taken in this thread, if one's: those of others go by unseen."""

    session: Session | None = None


rehearsing = _Rehearsing()


@dataclass
class _Run:
    """A run of the session's own, in one thread.

    Attributes
    ----------
    text : str or None
        What is run, where it is a text.
    muted : bool
        Whether passes are of no interest now.
    hear : callable or None
        Is given the passes, where they are not to be taken.
    snapshot, trouble : Snapshot, Trouble or None
        What came of it.
    """

    text: str | None
    muted: bool = False
    hear: Callable[[Pass], None] | None = None
    snapshot: Snapshot | None = None
    trouble: Trouble | None = None


@dataclass
class Session:
    """Runs a model, follows its forward passes, and keeps the last ones.

    Forwards may run in any thread; their passes are taken one at a time.

    Attributes
    ----------
    model : torch.nn.Module, optional
        The user's own object. It is left as found when the session detaches.
    tokenizer : optional
        Anything that turns text into ids: a transformers or tokenizers tokenizer, an object with
        ``encode``, or a function from text to ids.
    tokens : sequence of str, or dict of stack to such a sequence, optional
        Token texts where there is no tokenizer.
    keep, max_bytes : int
        Most passes to keep, and most bytes of their tensors.
    trouble : Trouble or None
        What went wrong since the last pass that was good.
    edition : int
        Grows with whatever changes what is shown.
    followers : list of callable
        Called after every new pass or trouble, and when another pass is looked at.
    following : bool
        Whether passes that others run are taken too.
    texts : dict of int to str
        Texts of vocabulary ids that were named so far: live, the same ones are named all the time.
    lock : RLock
        Held while a pass is taken and told of.
    processor : optional
        Turns images, with a text or without, into what the model takes.
    image : optional
        What texts are run with.
    """

    model: torch.nn.Module | None = None
    tokenizer: Any = None
    tokens: Tokens | None = None
    keep: int = KEEP
    max_bytes: int = MOST_BYTES
    trouble: Trouble | None = None
    edition: int = 0
    followers: list[Callable[[], None]] = field(default_factory=list)
    following: bool = False
    texts: dict[int, str] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    processor: Any = None
    image: Any = None
    _looked_at: Snapshot | None = None
    _binding: Binding | None = None
    _runs: dict[int, _Run] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._passes = Passes(self.keep, self.max_bytes)

    @cached_property
    def eye(self) -> Eye:
        """How the model cuts images into patches."""
        return Eye.of(self.model, self.processor)

    # -- the passes -------------------------------------------------------------------------------

    @property
    def snapshot(self) -> Snapshot | None:
        """The pass that is shown: the newest, unless an older one is looked at."""
        return self._looked_at or self._passes.newest

    @property
    def newest(self) -> Snapshot | None:
        """The last pass that was good."""
        return self._passes.newest

    @property
    def passes(self) -> list[Snapshot]:
        """The passes that are kept, oldest first."""
        return self._passes.snapshots

    @property
    def paused(self) -> bool:
        """Whether one pass stays in sight while new ones are recorded."""
        return self._looked_at is not None

    def look_at(self, number: int | None) -> None:
        """Show a kept pass and stay there while new ones are recorded; None follows the newest.

        A pass that is looked at stays readable also when it is no longer among those kept.

        Raises
        ------
        Trouble
            If no pass of this number is kept; names those that are.
        """
        with self.lock:
            before = self._looked_at, self.snapshot
            self._looked_at = None if number is None else self._find(number)
            if (self._looked_at, self.snapshot) != before:
                if self.snapshot is not before[1] or self.trouble is not None:
                    self.edition += 1
                self.trouble = None
                self._tell()

    def check_step(self, number: int | None) -> int | None:
        """`number`, if `look_at` will find that pass; raises what it would raise."""
        return None if number is None else self._find(number).number

    def nearest_step(self, number: int) -> int:
        """The kept pass nearest to one that was made; any other number as it is."""
        shown = [self.snapshot] if self.snapshot else []
        if self.newest is None or not 1 <= number <= self.newest.number:
            return number
        known = [snapshot.number for snapshot in (*shown, *self.passes)]
        return min(known, key=lambda kept: abs(kept - number))

    def _find(self, number: int) -> Snapshot:
        for snapshot in (self.snapshot, self._passes.find(number)):
            if snapshot is not None and snapshot.number == number:
                return snapshot
        kept = [snapshot.number for snapshot in self.passes]
        raise Trouble(
            f"step={number} is not kept.",
            f"Choose from the passes {spans(kept)}, or None, which follows the newest."
            if kept
            else "No pass has been made yet.",
        )

    def mark_seen(self) -> None:
        """What is shown has been drawn: whoever saw it may want to come back to it."""
        if self.snapshot is not None:
            self._passes.mark_seen(self.snapshot)

    def forget(self) -> None:
        """Let go of all passes but the newest and the one that is shown."""
        with self.lock:
            self._passes.drop_all_but_newest()

    # -- following forward passes -----------------------------------------------------------------

    def attach(self) -> None:
        """Follow every forward pass of the model from now on, whoever runs it."""
        if self.model is not None:
            self.following = True
            self._bind()

    def detach(self) -> None:
        """Leave the model exactly as it was found; the last passes stay readable."""
        self.following = False
        self._unbind()

    def _bind(self) -> None:
        if self.model is not None and self._binding is None:
            self._binding = attach(self.model, self._follow, self._fail_in_forward)

    def _unbind(self) -> None:
        if self._binding is not None and not self.following and not self._runs:
            self._binding.detach()
            self._binding = None

    @property
    def _run_here(self) -> _Run | None:
        """The run of our own that is going on in this thread."""
        return self._runs.get(threading.get_ident())

    def _is_ours(self) -> bool:
        """Whether a pass that has just ended in this thread is to be taken."""
        if rehearsing.session not in (None, self):
            return False
        run = self._run_here
        return self.following if run is None else not run.muted

    def _follow(self, done: Pass) -> None:
        """Called inside the user's forward: nothing may escape from here."""
        if not self._is_ours():
            return
        run = self._run_here
        try:
            with as_between_cells():
                if run is not None and run.hear is not None:
                    run.hear(done)
                    return
                if not done.calls:
                    raise nothing_found(self.model, done.trace.searched)
                text = run.text if run else None
                args = given(done.args, done.kwargs, is_ours=run is not None)
                self.take(done.trace, done.trace.inputs, text, done.logits, args)
        except Exception as error:
            self.fail(error)

    def _fail_in_forward(self, error: Exception) -> None:
        run = self._run_here
        if self._is_ours() and (run is None or run.hear is None):
            self.fail(forward_raised(error))

    def take(
        self,
        trace: Trace,
        inputs: Mapping[str, torch.Tensor],
        text: str | None = None,
        logits: Logits | None = None,
        given: Given | None = None,
        *,
        generation: Generation | None = None,
        instead_of: Snapshot | None = None,
    ) -> Snapshot:
        """Make `trace` the newest pass, and show it unless another one is looked at.

        Parameters
        ----------
        generation : Generation, optional
            What was written, where the trace is of a whole generation. That is always shown.
        instead_of : Snapshot, optional
            What the same generation was before it went on.

        Raises
        ------
        Trouble
            If the trace or its batch is empty, or tokens were given and their number fits no
            stack. What is shown stays.
        """
        stacks = trace.stacks
        if not stacks:
            raise Trouble(
                "The trace holds no attention.",
                "Run the model inside the `with aw.capture(model) as trace:` block, then show it.",
            )
        check_not_empty(stacks)
        if generation is None or "target" in inputs:
            named, of_source = self.tokens, text
        else:  # those that were given, and the text, are of the prompt alone
            named = of_source = None
        images, looks = PassImages(given, lambda: self.eye), looking_side(stacks)
        tokens = PassTokens(self.tokenizer, named, inputs, of_source, looks, images)
        tokens.check_fit(stacks)
        with self.lock:
            number = self.newest.number + 1 if self.newest else 1
            snapshot = Snapshot(
                number, trace, stacks, tokens, text, logits, given, generation=generation
            )
            self._passes.add(snapshot, instead_of)
            run = self._run_here
            if run is not None:
                run.snapshot = snapshot
            if run is not None or generation is not None:
                self._looked_at = None
            if not self.paused or self.trouble is not None:
                self.edition += 1
            self.trouble = None
            self._tell()
        return snapshot

    def fail(self, error: BaseException) -> None:
        """Keep the last good pass and remember, in words, what went wrong.

        The exception itself is not kept: its frames hold all tensors of a forward.
        """
        title, detail = in_words(error)
        with self.lock:
            told, run = self.trouble, self._run_here
            self.trouble = Trouble(title, detail)
            if run is not None:
                run.trouble = self.trouble
            # A training loop may catch the same error at every step.
            if run is not None or told is None or in_words(told) != (title, detail):
                self._tell()

    def _tell(self) -> None:
        for follower in list(self.followers):
            follower()

    # -- running ----------------------------------------------------------------------------------

    def run(self, text: str) -> Snapshot:
        """Run the model on `text`, with the image there is, and look at that pass.

        Raises
        ------
        Trouble
            If there is no tokenizer, the text is empty or longer than the model's positions, or
            no attention was found.
        Exception
            Whatever the model's own forward raises, unchanged.
        """
        if self.image is not None:
            return self.run_image(self.image, text)
        return self._run(lambda: encode(self.tokenizer, self.model, text), text)

    def run_image(self, image: Any, text: str | None = None) -> Snapshot:
        """Run the model on an image, with a text beside it or without, and look at that pass.

        Raises
        ------
        Trouble
            If there is no processor, it is no image, or of another size than the model's.
        Exception
            Whatever else the model's own forward raises, unchanged.
        """
        made: list[Encoded] = []

        def encoding() -> Encoded:
            made.append(encode_image(self.processor, self.model, image, text))
            return made[0]

        try:
            snapshot = self._run(encoding, text)
        except Exception as error:
            trouble = unlike_config(error, made[0] if made else None, self.model)
            if trouble is None:
                raise
            self.fail(trouble)
            raise trouble from error
        self.image = image
        return snapshot

    def run_inputs(self, inputs: Any) -> Snapshot:
        """Run the model on `inputs`: a tensor, a tuple of arguments, or a dict of keywords."""
        return self.run_encoded(as_encoded(inputs))

    def run_encoded(self, encoded: Encoded) -> Snapshot:
        """Run the model on arguments as they are."""
        return self._run(lambda: encoded, None)

    @contextmanager
    def heard_by(self, hear: Callable[[Pass], None]) -> Iterator[None]:
        """Give the passes of this thread to `hear` meanwhile, and take none of them."""
        here, before = threading.get_ident(), self._run_here
        self._runs[here] = _Run(None, hear=hear)
        self._bind()
        try:
            yield
        finally:
            del self._runs[here]
            if before is not None:
                self._runs[here] = before
            self._unbind()

    def _run(self, encoding: Callable[[], Encoded], text: str | None) -> Snapshot:
        here, before = threading.get_ident(), self._run_here
        run = self._runs[here] = _Run(text)
        try:
            self._run_model(encoding(), run)
            if run.trouble is not None:
                raise Trouble(*in_words(run.trouble))
            if run.snapshot is None:
                raise nothing_found(self.model)
        except Exception as error:
            if run.trouble is None:  # else it was told when the pass ended
                self.fail(error)
            raise
        finally:
            del self._runs[here]
            if before is not None:
                self._runs[here] = before
            self._unbind()
        return run.snapshot

    def _run_model(self, encoded: Encoded, run: _Run) -> None:
        if self.model is None:
            raise Trouble("There is no model to run.", "Give one: aw.explore(model, tokenizer).")
        self._bind()
        with quietly(self.model):
            run.muted = True  # an encoder–decoder first writes its own output, unseen
            encoded = place(encoded, self.model).with_decoder_input(self.model)
            run.muted = False
            self.model(*encoded.args, **encoded.kwargs)
