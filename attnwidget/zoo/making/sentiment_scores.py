"""How often `Sentiment` is right about reviews whose pairs it has never met, and what it needs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from random import Random

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import attnwidget as aw
from attnwidget.zoo.making.sentiment_data import KINDS, Review, review
from attnwidget.zoo.making.targets import Target
from attnwidget.zoo.sentiment import Sentiment
from attnwidget.zoo.words import WordTokenizer

# Which residual connections are taken away: layer and sub-layer.
REMOVED = {
    "layer 0, attention": [(0, "self_attention")],
    "layer 0, feed-forward": [(0, "feed_forward")],
    "layer 0, both": [(0, "self_attention"), (0, "feed_forward")],
    "layer 1, attention": [(1, "self_attention")],
    "layer 1, feed-forward": [(1, "feed_forward")],
    "layer 1, both": [(1, "self_attention"), (1, "feed_forward")],
    "all four": [(n, name) for n in (0, 1) for name in ("self_attention", "feed_forward")],
}
NORM_AFTER = {"self_attention": "norm_1", "feed_forward": "norm_2"}


def targets(model: Sentiment, tokenizer: WordTokenizer) -> list[Target]:
    """What was promised of the model, measured on reviews kept for testing."""
    rng = Random(2)
    of_kind = {kind: [review(rng, kind, "testing") for _ in range(1000)] for kind in KINDS}
    whole = [one for some in of_kind.values() for one in some]
    weight, share = behind_but(model, tokenizer, of_kind["but"][:300])
    return [
        Target("right, pairs never met", accuracy(model, tokenizer, whole), above=0.98),
        *(
            Target(f"right, {kind}", accuracy(model, tokenizer, some), above=0.98)
            for kind, some in of_kind.items()
        ),
        Target("right by counting words", counting(tokenizer, rng, whole), below=0.8),
        *(
            Target(f"right without residuals: {name}", share)
            for name, share in without_each(model, tokenizer, whole).items()
        ),
        Target('weight from <cls> to what is behind "but", best head', weight.max().item(), share),
    ]


def batches(
    tokenizer: WordTokenizer, reviews: Sequence[Review], most: int
) -> list[tuple[Tensor, Tensor]]:
    """Ids (B, T) and labels (B,) of reviews, those of one length together, at most so many."""
    by_length: dict[int, list[Review]] = {}
    for one in reviews:
        by_length.setdefault(len(one.words), []).append(one)
    start = tokenizer.ids[tokenizer.start]
    return [
        (
            torch.tensor([[start, *(tokenizer.ids[w] for w in one.words)] for one in some]),
            torch.tensor([one.label for one in some]),
        )
        for together in by_length.values()
        for some in (together[i : i + most] for i in range(0, len(together), most))
    ]


@torch.no_grad()
def accuracy(model: Sentiment, tokenizer: WordTokenizer, reviews: Sequence[Review]) -> float:
    """Share of the reviews that it gets right."""
    made = batches(tokenizer, reviews, most=512)
    right = sum(int((model(ids).argmax(-1) == labels).sum()) for ids, labels in made)
    return right / len(reviews)


def without_each(
    model: Sentiment, tokenizer: WordTokenizer, reviews: Sequence[Review]
) -> dict[str, float]:
    """Share of the reviews that it gets right without some of its residual connections."""
    shares = {}
    for name, removed in REMOVED.items():
        with without_residuals(model, removed):
            shares[name] = accuracy(model, tokenizer, reviews)
    return shares


@contextmanager
def without_residuals(model: Sentiment, removed: Collection[tuple[int, str]]) -> Iterator[None]:
    """The model without some of its residual connections: norm(f(x)) for norm(x + f(x)).

    Parameters
    ----------
    removed : collection of (int, str)
        Layer, and "self_attention" or "feed_forward".
    """
    outputs: dict[nn.Module, Tensor] = {}
    hooks = []
    for number, name in removed:
        layer = model.encoder.layers[number]
        branch, norm = layer.get_submodule(name), layer.get_submodule(NORM_AFTER[name])

        def keep(branch: nn.Module, _given: object, out: Tensor) -> None:
            outputs[branch] = out

        def instead(_norm: nn.Module, _given: object, branch: nn.Module = branch) -> tuple[Tensor]:
            return (outputs.pop(branch),)

        hooks += [branch.register_forward_hook(keep), norm.register_forward_pre_hook(instead)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def counting(tokenizer: WordTokenizer, rng: Random, tested: Sequence[Review]) -> float:
    """Share that is right where only the words are counted, whatever their order.

    One number is learned for each word, and those of a review's words are added up (logistic
    regression).
    """
    learned = [review(rng, rng.choice(KINDS), "training") for _ in range(20_000)]
    counts, labels = counted(tokenizer, learned)
    scale = nn.Linear(len(tokenizer), 1)
    nn.init.zeros_(scale.weight)
    optimiser = torch.optim.Adam(scale.parameters(), lr=0.05)
    for _ in range(300):
        loss = F.binary_cross_entropy_with_logits(scale(counts)[:, 0], labels)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        optimiser.step()
    counts, labels = counted(tokenizer, tested)
    with torch.no_grad():
        return float(((scale(counts)[:, 0] > 0) == labels.bool()).float().mean())


def counted(tokenizer: WordTokenizer, reviews: Sequence[Review]) -> tuple[Tensor, Tensor]:
    """How often each word is in each review (N, V), and the labels (N,)."""
    counts = torch.zeros(len(reviews), len(tokenizer))
    for i, one in enumerate(reviews):
        for word in one.words:
            counts[i, tokenizer.ids[word]] += 1
    return counts, torch.tensor([float(one.label) for one in reviews])


@torch.no_grad()
def attention(model: Sentiment, ids: Tensor) -> Tensor:
    """Weights of every head for one review, (L, H, T, T)."""
    with aw.capture(model) as trace:
        model(ids)
    return torch.stack([call.weights()[0] for call in trace.calls])


def behind_but(
    model: Sentiment, tokenizer: WordTokenizer, reviews: Sequence[Review]
) -> tuple[Tensor, float]:
    """Weight (L, H) from <cls> to the words behind "but", and their share of all tokens."""
    weights, shares = [], []
    for one in reviews:
        words = [tokenizer.start, *one.words]
        but = next(i for i, w in enumerate(words) if w == "but" and words[i - 1] != "anything")
        maps = attention(model, torch.tensor([[tokenizer.ids[word] for word in words]]))
        weights.append(maps[:, :, 0, but + 1 :].sum(-1))
        shares.append(1 - (but + 1) / len(words))
    return torch.stack(weights).mean(0), sum(shares) / len(shares)
