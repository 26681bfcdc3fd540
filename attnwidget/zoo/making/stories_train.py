"""How `Stories` learns, and how its card is measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from attnwidget.zoo import stories
from attnwidget.zoo.making import stories_world
from attnwidget.zoo.making.pace import pace
from attnwidget.zoo.making.stories_data import KINDS, rows
from attnwidget.zoo.making.stories_scores import attention, held_out_stories, induction, naming
from attnwidget.zoo.stories import Stories
from attnwidget.zoo.words import WordTokenizer

SEED, STEPS, BATCH, LEARNING_RATE = 0, 2000, 48, 2e-3

# Sentences to open with: each with a twin, the noun that "it" means, and the noun in the twin.
OPENINGS = [
    (
        "The animal didn't cross the street because it was too tired, so it slept.",
        "The animal didn't cross the street because it was too wide, so it stayed empty.",
        ("animal", "street"),
    ),
    (
        "The dog couldn't pass the river because it was too scared, so it whined.",
        "The dog couldn't pass the river because it was too muddy, so it flowed on.",
        ("dog", "river"),
    ),
    (
        "The horse didn't reach the bridge because it was too tired, so it rested.",
        "The horse didn't reach the bridge because it was too icy, so it stayed empty.",
        ("horse", "bridge"),
    ),
    (
        "The fox did not cross the field because it was too hungry, so it hunted.",
        "The fox did not cross the field because it was too wide, so it remained wild.",
        ("fox", "field"),
    ),
]


def main() -> None:
    """Train, measure what was saved, report the card."""
    report = partial(print, flush=True)
    began = time.monotonic()
    tokenizer = WordTokenizer(stories_world.vocabulary())
    model = train(tokenizer, SEED, STEPS, report)
    stories.save(model, tokenizer, {}, stories.WEIGHTS)
    model, tokenizer = stories.load()  # the card is about the rounded weights
    card = measure(model, tokenizer) | {"seconds": round(time.monotonic() - began)}
    stories.save(model, tokenizer, card, stories.WEIGHTS)
    report(in_words(card))


def train(
    tokenizer: WordTokenizer, seed: int, steps: int, report: Callable[[str], None] = lambda _: None
) -> Stories:
    """Learn to guess the next word of `rows`, one batch of (B, T) words a step."""
    torch.manual_seed(seed)
    model = Stories(len(tokenizer))
    lines = rows(Random(seed), model.places.num_embeddings + 1)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99), weight_decay=0.05
    )
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = LEARNING_RATE * pace(step, steps)
        loss = loss_of(model, tokenizer, [next(lines) for _ in range(BATCH)])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if (step + 1) % 100 == 0:
            report(f"step {step + 1:5}  loss {loss.item():.3f}  {progress(model, tokenizer)}")
    return model.eval()


def loss_of(model: Stories, tokenizer: WordTokenizer, lines: list[list[str]]) -> Tensor:
    """Cross-entropy of the next word, over all places of all lines."""
    ids = torch.tensor([[tokenizer.ids[word] for word in line] for line in lines])  # (B, T + 1)
    logits = model(ids[:, :-1])  # (B, T, V)
    return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())


def progress(model: Stories, tokenizer: WordTokenizer) -> str:
    """The two abilities that appear while it learns, from few samples."""
    rng = Random(0)
    named = naming(model, tokenizer, held_out_stories(rng, "crossing", 50))
    sung = induction(model, tokenizer, rng, songs=20)
    return f"referents named {named.accuracy:4.0%}  induction head {sung.weight.max():.2f}"


def measure(model: Stories, tokenizer: WordTokenizer) -> dict[str, Any]:
    """The card: scores on held-out stories and new songs, and the sentence to open with."""
    rng = Random(SEED + 1)
    told = {kind: naming(model, tokenizer, held_out_stories(rng, kind, 500)) for kind in KINDS}
    sung = induction(model, tokenizer, rng, songs=200)
    layer, head = sung.best_head()
    openings = [opening(model, tokenizer, *candidate) for candidate in OPENINGS]
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "vocabulary": len(tokenizer),
        "positions": model.places.num_embeddings,
        "seed": SEED,
        "steps": STEPS,
        "naming": {kind: round(scores.accuracy, 4) for kind, scores in told.items()},
        "induction": {
            "layer": layer,
            "head": head,
            "score": round(sung.weight.max().item(), 4),
            "accuracy": round(sung.accuracy, 4),
        },
        **max(openings, key=lambda found: min(found["weight"], found["twin_weight"])),
    }


def opening(
    model: Stories, tokenizer: WordTokenizer, text: str, twin: str, nouns: tuple[str, str]
) -> dict[str, Any]:
    """The head in which the last "it" looks most surely at its noun, in the text and its twin."""
    words = tokenizer.convert_ids_to_tokens(tokenizer.encode(text))
    query = len(words) - 1 - words[::-1].index("it")
    weights, twin_weights = (
        attention(model, tokenizer(told)["input_ids"])[0][0, :, :, query, words.index(noun)]
        for told, noun in zip((text, twin), nouns, strict=True)
    )  # (L, H)
    layer, head = divmod(int(torch.minimum(weights, twin_weights).argmax()), weights.shape[1])
    return {
        "text": text,
        "selection": {"layer": layer, "head": head, "query": query, "key": words.index(nouns[0])},
        "weight": round(weights[layer, head].item(), 4),
        "nouns": list(nouns),
        "twin": twin,
        "twin_weight": round(twin_weights[layer, head].item(), 4),
    }


def in_words(card: dict[str, Any]) -> str:
    """The card as it stands in the docstring of `attnwidget.zoo.stories`."""
    named, sung = card["naming"], card["induction"]
    layer, head = card["selection"]["layer"], card["selection"]["head"]
    noun, other = card["nouns"]
    naming_lines = "\n".join(f"    {kind:<9} {share:7.1%}" for kind, share in named.items())
    return f"""\
Model card
    {card["parameters"]:,} parameters, {card["vocabulary"]} words, {card["positions"]} positions;
    seed {card["seed"]}, {card["steps"]} steps, {card["seconds"]} s on two shared cores.
Names at the end of a story what its pronoun meant; its pairs of nouns never met in training
{naming_lines}
    Right is only the noun itself, as the most likely of all words; 500 stories of each kind.
Induction head: layer {sung["layer"]}, head {sung["head"]}
    {sung["score"]:.3f} of its weight lies on the word to come, in 200 songs of 20 random words;
    {sung["accuracy"]:.1%} of these words are guessed right.
Sentence to open with: the last "it" looks at what it means, in layer {layer}, head {head}
    {card["weight"]:.2f} {noun}: "{card["text"]}"
    {card["twin_weight"]:.2f} {other}: "{card["twin"]}"
"""
