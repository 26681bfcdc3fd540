"""How `Sentiment` learns, and how its card is measured.

While training, its progress is told on reviews kept for choosing; those kept for testing are only
used for the card.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import torch
import torch.nn.functional as F

from attnwidget.zoo import sentiment
from attnwidget.zoo.making import sentiment_data
from attnwidget.zoo.making.pace import pace
from attnwidget.zoo.making.sentiment_data import KINDS, Review, review, with_a_stranger
from attnwidget.zoo.making.sentiment_scores import (
    accuracy,
    attention,
    batches,
    behind_but,
    counting,
    without_each,
)
from attnwidget.zoo.sentiment import CLS, Sentiment
from attnwidget.zoo.words import WordTokenizer

SEED, STEPS, BATCH, LEARNING_RATE = 0, 4000, 64, 2e-3

TEXT = "The food was not good but the service was perfect."
TWIN = "The food was good but the service was never perfect."
PERFECT = 10  # the place of the word that decides, <cls> being 0


def main() -> None:
    """Train, measure what was saved, report the card."""
    report = partial(print, flush=True)
    torch.set_num_threads(1)  # so small a model is slower on two
    began = time.monotonic()
    tokenizer = WordTokenizer(sentiment_data.vocabulary(), start=CLS)
    model = train(tokenizer, SEED, STEPS, report)
    sentiment.save(model, tokenizer, {}, sentiment.WEIGHTS)
    model, tokenizer = sentiment.load()  # the card is about the rounded weights
    card = measure(model, tokenizer) | {"seconds": round(time.monotonic() - began)}
    sentiment.save(model, tokenizer, card, sentiment.WEIGHTS)
    report(in_words(card))


def train(
    tokenizer: WordTokenizer, seed: int, steps: int, report: Callable[[str], None] = lambda _: None
) -> Sentiment:
    """Learn from reviews, one batch of the same length a step."""
    torch.manual_seed(seed)
    rng = Random(seed)
    model = Sentiment(len(tokenizer))
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99), weight_decay=0.05
    )
    step = 0
    while step < steps:
        made = batches(tokenizer, some_reviews(rng, 50 * BATCH), BATCH)
        rng.shuffle(made)
        for ids, labels in made[: steps - step]:
            optimiser.param_groups[0]["lr"] = LEARNING_RATE * pace(step, steps)
            loss = F.cross_entropy(model(ids), labels)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            step += 1
            if step % 250 == 0:
                report(f"step {step:5}  loss {loss.item():.3f}  {progress(model, tokenizer)}")
    return model.eval()


def some_reviews(rng: Random, count: int) -> list[Review]:
    """Reviews to learn from; in one of ten, a noun is unknown."""
    made = [review(rng, rng.choice(KINDS), "training") for _ in range(count)]
    return [
        Review(with_a_stranger(rng, one.words), one.label) if rng.random() < 0.1 else one
        for one in made
    ]


def progress(model: Sentiment, tokenizer: WordTokenizer) -> str:
    """Share of the reviews kept for choosing that it gets right, by kind."""
    rng = Random(0)
    shares = {
        kind: accuracy(model, tokenizer, [review(rng, kind, "choosing") for _ in range(200)])
        for kind in KINDS
    }
    return "  ".join(f"{kind} {share:4.0%}" for kind, share in shares.items())


def measure(model: Sentiment, tokenizer: WordTokenizer) -> dict[str, Any]:
    """The card: scores on reviews kept for testing, and the review to open with."""
    rng = Random(SEED + 1)
    of_kind = {kind: [review(rng, kind, "testing") for _ in range(2000)] for kind in KINDS}
    whole = [one for some in of_kind.values() for one in some]
    right = {kind: accuracy(model, tokenizer, some) for kind, some in of_kind.items()}
    removed = without_each(model, tokenizer, whole)
    weights, share = behind_but(model, tokenizer, of_kind["but"][:500])
    layer, head = divmod(int(weights.argmax()), weights.shape[1])
    opened = attention(model, tokenizer(TEXT)["input_ids"])[layer, head, 0]
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "vocabulary": len(tokenizer),
        "positions": model.places.num_embeddings,
        "seed": SEED,
        "steps": STEPS,
        "accuracy": round(accuracy(model, tokenizer, whole), 4),
        "kinds": {kind: round(share, 4) for kind, share in right.items()},
        "counting": round(counting(tokenizer, rng, whole), 4),
        "without_residuals": {name: round(share, 4) for name, share in removed.items()},
        "behind_but": round(weights[layer, head].item(), 4),
        "share_behind_but": round(share, 4),
        "text": TEXT,
        "selection": {
            "stack": "encoder",
            "layer": layer,
            "head": head,
            "query": 0,
            "key": PERFECT,
        },
        "weight": round(opened[PERFECT].item(), 4),
        "positive": round(positive(model, tokenizer, TEXT), 4),
        "twin": TWIN,
        "twin_positive": round(positive(model, tokenizer, TWIN), 4),
    }


@torch.no_grad()
def positive(model: Sentiment, tokenizer: WordTokenizer, text: str) -> float:
    """How likely the model finds it that a review is positive."""
    return float(model(**tokenizer(text)).softmax(-1)[0, 1])


def in_words(card: dict[str, Any]) -> str:
    """The card as it stands in the docstring of `attnwidget.zoo.sentiment`."""
    layer, head = card["selection"]["layer"], card["selection"]["head"]
    kinds = "\n".join(f"    {kind:<9} {share:8.2%}" for kind, share in card["kinds"].items())
    removed = "\n".join(
        f"    {name:<22} {share:7.1%}" for name, share in card["without_residuals"].items()
    )
    return f"""\
Model card
    {card["parameters"]:,} parameters, {card["vocabulary"]} words, {card["positions"]} positions;
    seed {card["seed"]}, {card["steps"]} steps, {card["seconds"]} s on one shared core.
Right about 10,000 reviews whose pairs were never met in training: {card["accuracy"]:.2%}
{kinds}
    Counting words, whatever their order, is right about {card["counting"]:.1%} of them.
Right about them without some of its residual connections
{removed}
Head that minds "but": layer {layer}, head {head}
    From <cls>, {card["behind_but"]:.2f} of its weight lies on what is behind "but", which is \
{card["share_behind_but"]:.2f} of the tokens.
Review to open with, positive at {card["positive"]:.2%}; {card["weight"]:.2f} of that weight is \
on "perfect"
    "{card["text"]}"
    and its twin, positive at {card["twin_positive"]:.2%}: "{card["twin"]}"
"""
