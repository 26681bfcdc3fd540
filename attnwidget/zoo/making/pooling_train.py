"""How `Pooling` learns, and how its card is measured.

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

from attnwidget.zoo import pooling
from attnwidget.zoo.making import pooling_data
from attnwidget.zoo.making.pace import pace
from attnwidget.zoo.making.pooling_scores import (
    accuracy,
    attention,
    batches,
    picked,
    reviews,
    without_picking,
)
from attnwidget.zoo.pooling import Pooling
from attnwidget.zoo.words import WordTokenizer

SEED, STEPS, BATCH, LEARNING_RATE = 0, 1500, 64, 1e-2

TEXT = "We came on a monday. The napkin was bad. The food was good. I found the lamp terrible."
SENTENCE, GOOD = 2, 14  # the sentence on the food, and its adjective, counted from 0


def main() -> None:
    """Train, measure what was saved, report the card."""
    report = partial(print, flush=True)
    torch.set_num_threads(1)  # so small a model is slower on two
    began = time.monotonic()
    tokenizer = WordTokenizer(pooling_data.vocabulary(), start="")
    model = train(tokenizer, SEED, STEPS, report)
    seconds = round(time.monotonic() - began)
    mean = train(tokenizer, SEED, STEPS, report, picks=False)
    card = measure(model, mean, tokenizer) | {"seconds": seconds}
    pooling.save(model, tokenizer, card, pooling.WEIGHTS)
    report(in_words(card))


def train(
    tokenizer: WordTokenizer,
    seed: int,
    steps: int,
    report: Callable[[str], None] = lambda _: None,
    picks: bool = True,
) -> Pooling:
    """Learn from reviews, one batch of the same lengths a step; with plain means if not `picks`."""
    torch.manual_seed(seed)
    rng = Random(seed)
    model = Pooling(len(tokenizer), tokenizer.ids["."])
    if not picks:
        for level in (model.word_level, model.sentence_level):
            level.pooling.beta.requires_grad_(False).zero_()
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99), weight_decay=0.05
    )
    step = 0
    while step < steps:
        made = batches(tokenizer, reviews(rng, 50 * BATCH, "training"), BATCH)
        rng.shuffle(made)
        for ids, labels in made[: steps - step]:
            optimiser.param_groups[0]["lr"] = LEARNING_RATE * pace(step, steps, up=50, down=0.5)
            loss = F.cross_entropy(model(ids), labels)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
            optimiser.step()
            step += 1
            if step % 250 == 0:
                report(f"step {step:5}  loss {loss.item():.3f}  {progress(model, tokenizer)}")
    return model.eval()


def progress(model: Pooling, tokenizer: WordTokenizer) -> str:
    """How it does on reviews kept for choosing."""
    some = reviews(Random(0), 500, "choosing")
    right, seen = accuracy(model, tokenizer, some), picked(model, tokenizer, some[:50])
    return (
        f"right {right:6.1%}  sentences {seen.sentences:.2f}  adjective {seen.adjective:.2f}"
        f"  noun {seen.noun:.2f}"
    )


def measure(model: Pooling, mean: Pooling, tokenizer: WordTokenizer) -> dict[str, Any]:
    """The card: scores on reviews kept for testing, and the review to open with.

    Parameters
    ----------
    mean : Pooling
        One that has learned with plain means.
    """
    some = reviews(Random(SEED + 1), 5000, "testing")
    outvoted = [one for one in some if one.is_outvoted]
    seen = picked(model, tokenizer, some[:1000])
    with without_picking(model):
        levelled = accuracy(model, tokenizer, some)
    of_words, of_sentences = attention(model, tokenizer(TEXT)["input_ids"])
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "vocabulary": len(tokenizer),
        "seed": SEED,
        "steps": STEPS,
        "accuracy": round(accuracy(model, tokenizer, some), 4),
        "outvoted": round(accuracy(model, tokenizer, outvoted), 4),
        "share_outvoted": round(len(outvoted) / len(some), 4),
        "levelled": round(levelled, 4),
        "mean": round(accuracy(mean, tokenizer, some), 4),
        "mean_outvoted": round(accuracy(mean, tokenizer, outvoted), 4),
        "betas": [
            round(level.pooling.beta.item(), 2)
            for level in (model.word_level, model.sentence_level)
        ],
        "sentences": round(seen.sentences, 4),
        "adjective": round(seen.adjective, 4),
        "noun": round(seen.noun, 4),
        "text": TEXT,
        "selection": {
            "stack": "pooling (word)",
            "layer": 0,
            "head": 0,
            "query": SENTENCE,
            "key": GOOD,
        },
        "weight": round(of_words[SENTENCE, GOOD].item(), 4),
        "sentence_weight": round(of_sentences[SENTENCE].item(), 4),
    }


def in_words(card: dict[str, Any]) -> str:
    """The card as it stands in the docstring of `attnwidget.zoo.pooling`."""
    of_words, of_sentences = card["betas"]
    return f"""\
Model card
    {card["parameters"]:,} parameters, {card["vocabulary"]} words; seed {card["seed"]}, \
{card["steps"]} steps, {card["seconds"]} s on one shared core;
    learned beta: {of_words:.2f} for words, {of_sentences:.2f} for sentences.
Right about 5,000 reviews whose pairs of noun and adjective were never met in training
    {card["accuracy"]:7.2%}  of all; {card["outvoted"]:.2%} of the {card["share_outvoted"]:.1%} \
where more sentences find the contrary
    {card["levelled"]:7.2%}  with beta set to 0, so that all weigh the same
    {card["mean"]:7.2%}  with another model that learned with beta 0; {card["mean_outvoted"]:.2%} \
where more find the contrary
What it looks at, on average of 1,000 of these reviews
    {card["sentences"]:.2f} of the weight of a review lies on the sentences that decide;
    {card["adjective"]:.2f} of the weight of such a sentence on its adjective, {card["noun"]:.2f} \
on its noun.
Review to open with: {card["sentence_weight"]:.2f} for the third sentence, in it \
{card["weight"]:.2f} for "good"
    "{card["text"]}"
"""
