"""What lesson 6 says of the bundled translator: from its card, and measured when it is opened."""

from __future__ import annotations

from typing import Any

import torch

from attnwidget.explorer import Explorer
from attnwidget.zoo.translator import Translator

TEXT = "the small red house is old ."
# The article and the adjectives have the gender of the noun, in French.
NOUN, AGREEING = 3, (0, 1, 2, 5)


class Measured:
    """What the texts say of the model.

    Attributes
    ----------
    written : list of str
        The translation, word by word.
    layer, head : int
        Of the cross-attention whose links are right most often.
    wrong : float
        Share of its links that are wrong, on sentences that were never learned from.
    errors : dict of str to float
        The same of every cross-attention head.
    exact : dict of str to float
        Share of such sentences that are translated without any mistake: of the model as it is, and
        with something taken away.
    reading_layer : int
        Layer of the encoder in which the words that agree with the noun look at it most.
    reading : float
        How much of their weight goes there, over the heads of that layer.
    the_reads_noun : float
        The same of the article alone.
    crossing : int
        How many words stand written when the one behind the noun is about to be.
    moved : int
        Row whose prediction changes most when the best head is muted.
    after : str
        Where that is.
    says, says_without : str
        What it says there, and with the head muted.
    sure, sure_without : float
        How sure it is of the former, before and after.
    """

    def __init__(
        self, model: Translator, tokenizer: Any, card: dict[str, Any], opened: Explorer
    ) -> None:
        trace, generation = opened.trace, opened.generation
        if trace is None or generation is None:
            raise ValueError("Nothing was written: call generate() first.")
        stacks, ids = trace.stacks, torch.as_tensor(generation.ids)[:1]
        target = ids[:, : stacks["decoder"][0].query_len]  # without the end mark
        self.written = tokenizer.convert_ids_to_tokens(target[0, 1:])
        found = card["alignment"]
        self.layer, self.head, self.wrong = found["layer"], found["head"], found["error"]
        self.errors = {
            f"{layer}.{head}": error
            for layer, heads in enumerate(found["every_head"])
            for head, error in enumerate(heads)
        }
        without = card["without"]
        self.exact = {
            "as trained": card["exact"],
            "head muted": without["head"][self.layer][self.head],
            "no positions": without["source_positions"],
            "no cross-attention": without["cross_attention"],
        }
        maps = torch.stack([c.weights()[0] for c in stacks["encoder"]])  # (L, H, S, S)
        looks = maps[:, :, list(AGREEING), NOUN].mean(1)  # (L, 4), over heads
        self.reading_layer = int(looks.mean(1).argmax())
        self.reading = float(looks[self.reading_layer].mean())
        self.the_reads_noun = float(looks[self.reading_layer][0])
        weights = stacks["cross"][self.layer].weights(head=self.head)[0, 0]  # (T, S)
        noun_at = int((weights.argmax(-1) == NOUN).nonzero()[0])
        self.crossing = noun_at + 1
        self._mute(model, tokenizer, target)
        self.heads = stacks["encoder"][0].heads
        self.layers = len(stacks["encoder"])

    def _mute(self, model: Translator, tokenizer: Any, target: torch.Tensor) -> None:
        source = tokenizer(TEXT)["input_ids"]
        cross: Any = model.decoder.layers[self.layer].cross_attention
        width = cross.output.in_features // cross.heads

        def mute(_layer: torch.nn.Module, given: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
            joined = given[0].clone()
            joined[..., self.head * width : (self.head + 1) * width] = 0
            return (joined,)

        with torch.no_grad():
            before = model(source, target)[0].log_softmax(-1)  # (T, V)
            hook = cross.output.register_forward_pre_hook(mute)
            after = model(source, target)[0].log_softmax(-1)
            hook.remove()
        self.moved = int((before.exp() * (before - after)).sum(-1).argmax())
        says, other = (int(one[self.moved].argmax()) for one in (before, after))
        self.says, self.says_without = tokenizer.convert_ids_to_tokens([says, other])
        sure, less = (float(one[self.moved, says].exp()) for one in (before, after))
        self.sure, self.sure_without = sure, less
        self.after = f"after *{self.written[self.moved - 1]}*" if self.moved else "at the start"
