"""What reviews are about and what they find of it; which words are kept apart in training."""

from __future__ import annotations

from collections.abc import Sequence

GOOD = "good great excellent wonderful lovely perfect nice pleasant delightful superb fine amazing"
BAD = "bad awful terrible horrible dreadful poor disappointing dull unpleasant nasty weak annoying"
ADJECTIVES = {word: sign for words, sign in ((GOOD, 1), (BAD, -1)) for word in words.split()}
# What matters in a restaurant, and what does not.
MATTERS = "food service staff chef meal soup dinner dessert fish steak cook waiter".split()
TRIFLES = "napkin curtain carpet chair lamp music door window menu candle street sign".split()
NOUNS = [*MATTERS, *TRIFLES]

SETS = ("testing", "choosing", "training")


def set_of(word: str, words: Sequence[str], adjective: str) -> str:
    """What a pair of a word, one of `words`, and an adjective is kept for.

    Of six words, one never meets a given adjective in training, as they are kept for testing, and
    one more not, for choosing how to train.
    """
    return SETS[min((list(words).index(word) + list(ADJECTIVES).index(adjective)) % 6, 2)]
