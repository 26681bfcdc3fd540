"""Train a model of the zoo anew: ``python -m attnwidget.zoo.train stories``.

Two cores are enough. The seed is fixed: the same machine makes the same model again.
"""

from __future__ import annotations

import argparse

import torch

from attnwidget.zoo.making import (
    digits_train,
    melody_train,
    pairs_train,
    pooling_train,
    recurrent_translator_train,
    sentiment_train,
    stories_train,
    translator_train,
)

TRAINERS = {
    "stories": stories_train.main,
    "pairs": pairs_train.main,
    "sentiment": sentiment_train.main,
    "pooling": pooling_train.main,
    "melody": melody_train.main,
    "digits-vit": digits_train.main_vit,
    "digits-hybrid": digits_train.main_hybrid,
    "translator": translator_train.main,
    "recurrent-translator": recurrent_translator_train.main,
    "bottleneck-translator": recurrent_translator_train.main_bottleneck,
}


def main() -> None:
    """Read the name from the command line."""
    parser = argparse.ArgumentParser(prog="python -m attnwidget.zoo.train", description=__doc__)
    parser.add_argument("name", choices=TRAINERS)
    torch.set_num_threads(2)
    TRAINERS[parser.parse_args().name]()


if __name__ == "__main__":
    main()
