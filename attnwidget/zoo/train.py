"""Train a model of the zoo anew: ``python -m attnwidget.zoo.train stories``.

Two cores are enough. The seed is fixed: the same machine makes the same model again.
"""

from __future__ import annotations

import argparse

import torch

from attnwidget.zoo.making import pairs_train, stories_train

TRAINERS = {"stories": stories_train.main, "pairs": pairs_train.main}


def main() -> None:
    """Read the name from the command line."""
    parser = argparse.ArgumentParser(prog="python -m attnwidget.zoo.train", description=__doc__)
    parser.add_argument("name", choices=TRAINERS)
    torch.set_num_threads(2)
    TRAINERS[parser.parse_args().name]()


if __name__ == "__main__":
    main()
