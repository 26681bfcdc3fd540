"""Session: a model, its tokenizer, the text, and the last pass. It knows nothing of widgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from attnwidget.binding.capture import Binding, Pass, attach
from attnwidget.call import AttentionCall
from attnwidget.pass_tokens import PassTokens, Tokens, TokenSides, inputs_of
from attnwidget.running import Encoded, encode, place, quietly
from attnwidget.trace import Searched, Trace
from attnwidget.trouble import Trouble


@dataclass(frozen=True)
class Snapshot:
    """One finished forward pass, ready to be looked at.

    Attributes
    ----------
    number : int
        Counts the passes of its session from 1.
    trace : Trace
        The attention calls of the pass.
    stacks : dict of str to list of AttentionCall
        ``trace.stacks``, resolved once.
    pass_tokens : PassTokens
        Its tokens, read when asked.
    text : str or None
        The text the pass was made from, where it was made from one.
    """

    number: int
    trace: Trace
    stacks: dict[str, list[AttentionCall]]
    pass_tokens: PassTokens
    text: str | None = None

    def sides(self, stack: str, batch: int = 0) -> TokenSides:
        """Tokens of one batch item of a stack."""
        return self.pass_tokens.sides(self.stacks[stack], batch)

    def call(self, stack: str, layer: int) -> AttentionCall:
        """The attention call of one layer, by its number within the stack."""
        for call in self.stacks.get(stack, ()):
            if call.layer == layer:
                return call
        known = {name: [call.layer for call in calls] for name, calls in self.stacks.items()}
        raise Trouble(f"There is no layer {layer} in stack {stack!r}.", f"Layers seen: {known}.")


@dataclass
class Session:
    """Runs a model, follows its forward passes, and keeps the last one.

    Attributes
    ----------
    model : torch.nn.Module, optional
        The user's own object. It is left as found when the session detaches.
    tokenizer : optional
        Anything that turns text into ids: a transformers or tokenizers tokenizer, an object with
        ``encode``, or a function from text to ids.
    tokens : sequence of str, or dict of stack to such a sequence, optional
        Token texts where there is no tokenizer.
    snapshot : Snapshot or None
        The last pass that was good.
    trouble : exception or None
        What went wrong since.
    followers : list of callable
        Called after every new pass or trouble.
    following : bool
        Whether passes that others run are taken too.
    """

    model: torch.nn.Module | None = None
    tokenizer: Any = None
    tokens: Tokens | None = None
    snapshot: Snapshot | None = None
    trouble: BaseException | None = None
    followers: list[Callable[[], None]] = field(default_factory=list)
    following: bool = False
    _binding: Binding | None = None
    _text: str | None = None
    _muted: bool = False

    # -- following forward passes -----------------------------------------------------------------

    def attach(self) -> None:
        """Follow every forward pass of the model from now on, whoever runs it."""
        if self.model is not None:
            self.following = True
            self._bind()

    def detach(self) -> None:
        """Leave the model exactly as it was found; the last pass stays readable."""
        self.following = False
        self._unbind()

    def _bind(self) -> None:
        if self.model is not None and self._binding is None:
            self._binding = attach(self.model, self._follow)

    def _unbind(self) -> None:
        if self._binding is not None and not self.following:
            self._binding.detach()
            self._binding = None

    def _follow(self, done: Pass) -> None:
        """Called inside the user's forward: nothing may escape from here."""
        if self._muted:
            return
        try:
            if not done.calls:
                raise _nothing_found(self.model, done.trace.searched)
            self.take(done.trace, inputs_of(done.args, done.kwargs), self._text)
        except Exception as error:
            self.fail(error)

    def take(
        self, trace: Trace, inputs: Mapping[str, torch.Tensor], text: str | None = None
    ) -> None:
        """Make `trace` the pass that is looked at.

        Raises
        ------
        Trouble
            If the trace is empty, or tokens were given and their number fits no stack. The last
            pass stays.
        """
        stacks = trace.stacks
        if not stacks:
            raise Trouble(
                "The trace holds no attention.",
                "Run the model inside the `with aw.capture(model) as trace:` block, then show it.",
            )
        tokens = PassTokens(self.tokenizer, self.tokens, inputs, text)
        tokens.check_fit(stacks)
        number = self.snapshot.number + 1 if self.snapshot else 1
        self.snapshot = Snapshot(number, trace, stacks, tokens, text)
        self.trouble = None
        self._tell()

    def fail(self, error: BaseException) -> None:
        """Keep the last good pass and remember what went wrong."""
        self.trouble = error
        self._tell()

    def _tell(self) -> None:
        for follower in list(self.followers):
            follower()

    # -- running ----------------------------------------------------------------------------------

    def run(self, text: str) -> Snapshot:
        """Run the model on `text` and look at that pass.

        Raises
        ------
        Trouble
            If there is no tokenizer, the text is empty or longer than the model's positions, or
            no attention was found.
        Exception
            Whatever the model's own forward raises, unchanged.
        """
        try:
            encoded = encode(self.tokenizer, self.model, text)
            return self._run(encoded, text)
        except Exception as error:
            if error is not self.trouble:  # else it was told when the pass ended
                self.fail(error)
            raise

    def run_inputs(self, inputs: Any) -> Snapshot:
        """Run the model on `inputs`: a tensor, a tuple of arguments, or a dict of keywords."""
        if isinstance(inputs, Mapping):
            encoded = Encoded((), dict(inputs))
        elif isinstance(inputs, tuple | list):
            encoded = Encoded(tuple(inputs), {})
        else:
            encoded = Encoded((inputs,), {})
        return self._run(encoded, None)

    def _run(self, encoded: Encoded, text: str | None) -> Snapshot:
        if self.model is None:
            raise Trouble("There is no model to run.", "Give one: aw.explore(model, tokenizer).")
        before = self.snapshot
        self._bind()
        self._text, self.trouble = text, None
        try:
            with quietly(self.model):
                self._muted = True  # an encoder–decoder first writes its own output, unseen
                encoded = place(encoded, self.model).with_decoder_input(self.model)
                self._muted = False
                self.model(*encoded.args, **encoded.kwargs)
        finally:
            self._text, self._muted = None, False
            self._unbind()
        if self.trouble is not None:
            raise self.trouble
        if self.snapshot is None or self.snapshot is before:
            raise _nothing_found(self.model)
        return self.snapshot


def _nothing_found(model: torch.nn.Module | None, searched: Searched | None = None) -> Trouble:
    kinds = sorted({type(m).__name__ for m in model.modules()}) if model is not None else []
    looked = (
        f"The forward pass ran, and its modules were looked at ({_some(kinds)}): none of them "
        "called scaled_dot_product_attention, a transformers attention function, "
        "nn.MultiheadAttention, or a softmax between two matrix products."
    )
    if searched is not None and searched.without_record:
        looked += f" Called attention, but not seen at work: {_some(searched.without_record)}."
    if searched is not None and searched.troubles:
        looked += f" {_some(searched.troubles)}"
    return Trouble(f"No attention was found in {type(model).__name__}.", looked)


def _some(names: Sequence[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")
