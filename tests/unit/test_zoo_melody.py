"""The melody model: its motifs, its notes, how it goes on, its induction head, its distances."""

from __future__ import annotations

import json
import math
from pathlib import Path
from random import Random

import pytest
import torch
from safetensors import safe_open

import attnwidget as aw
from attnwidget import zoo
from attnwidget.trouble import Trouble
from attnwidget.zoo import melody
from attnwidget.zoo.making import melody_data, melody_train
from attnwidget.zoo.making.melody_data import (
    MOVED_BY,
    SETS,
    Motif,
    motif,
    moved,
    opening,
    set_of,
    varied,
    vocabulary,
)
from attnwidget.zoo.making.melody_scores import (
    attention,
    best_head,
    continued,
    copying,
    moving,
    repeating,
    without_distances,
)
from attnwidget.zoo.melody import Melody, RelativeAttention
from attnwidget.zoo.notes import BAR, END, PHRASE, START, NoteTokenizer, frequency, read, spell

Loaded = tuple[Melody, NoteTokenizer]


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return zoo.load("melody")


def phrases_of(tokens: list[str]) -> list[list[str]]:
    """The phrases of a melody, without the marks at their ends."""
    text = " ".join(tokens).removeprefix(START).removesuffix(END)
    return [phrase.split() for phrase in text.split(PHRASE)]


# The data ---------------------------------------------------------------------------------------


def test_bars_last_four_beats_and_all_notes_are_known() -> None:
    rng, known = Random(3), set(vocabulary())
    for _ in range(300):
        tokens = melody_data.melody(rng)
        assert set(tokens) <= known
        assert (tokens[0], tokens[-1], len(phrases_of(tokens))) == (START, END, 4)
        assert len(tokens) <= 64
        for phrase in phrases_of(tokens):
            for bar in " ".join(phrase).split(BAR):
                assert sum(read(token)[1] for token in bar.split()) == 4  # type: ignore[index]


def test_a_phrase_that_begins_as_the_motif_mostly_is_the_motif() -> None:
    rng, same, moved_or_not = Random(4), 0, 0
    for _ in range(500):
        theme, *others = phrases_of(melody_data.melody(rng))
        begun = [phrase for phrase in others if phrase[0] == theme[0]]
        same += sum(phrase == theme for phrase in begun)
        moved_or_not += len(begun)
        assert all(phrase[: phrase.index(BAR)] == theme[: theme.index(BAR)] for phrase in begun)
    assert 0.7 < same / moved_or_not < 0.8


@pytest.mark.parametrize("kept_for", SETS)
def test_motifs_of_one_set_open_like_none_of_another(kept_for: str) -> None:
    rng = Random(5)
    others = {opening(motif(rng, other)) for other in SETS if other != kept_for for _ in range(300)}
    for _ in range(300):
        theme = motif(rng, kept_for)
        assert opening(theme) not in others
        # Nor do they in another key, or with another ending.
        assert set_of(moved(theme, rng.choice(MOVED_BY))) == kept_for


def test_variations_of_a_motif_written_by_hand() -> None:
    theme = Motif(60, (((60, 1.0), (64, 1.0), (None, 2.0)), ((67, 3.0), (65, 1.0))))
    assert theme.tokens == "C4 E4 R- | G4-- F4".split()
    assert moved(theme, 2).tokens == "D4 F#4 R- | A4-- G4".split()
    assert opening(theme) == (4, 3, -2)
    for seed in range(20):
        made = varied(Random(seed), theme)
        assert made.bars[0] == theme.bars[0]
        assert made.bars[1] != theme.bars[1]
        assert made.bars[1][-1][0] == 60


def test_the_same_seed_gives_the_same_melodies() -> None:
    assert melody_data.melody(Random(1)) == melody_data.melody(Random(1))


# The notes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "pitch", "length"),
    [
        ("C4", 60, 1), ("A4/", 69, 0.5), ("F#4.", 66, 1.5), ("Bb3-", 58, 2), ("b3---", 59, 4),
        ("E♭5--", 75, 3), ("Cb4", 59, 1), ("C-1", 0, 1), ("R", None, 1), ("r/", None, 0.5),
    ],
)  # fmt: skip
def test_a_note_is_read(token: str, pitch: int | None, length: float) -> None:
    assert read(token) == (pitch, length)
    assert read(spell(pitch, length)) == (pitch, length)


@pytest.mark.parametrize("token", ["H4", "C", "4", "C4-/", "C4----", "Cx4", "R4", BAR, PHRASE, ""])
def test_what_is_no_note(token: str) -> None:
    assert read(token) is None


def test_hertz_of_a_note() -> None:
    assert frequency(69) == 440
    assert frequency(81) == 880
    assert math.isclose(frequency(60), 261.6256, abs_tol=1e-4)


def test_a_melody_and_back(loaded: Loaded) -> None:
    _, tokenizer = loaded
    text = "C4 D#4/ R. | Gb4- || c5 |]"
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    assert (ids.dtype, ids.shape) == (torch.int64, (1, 9))
    assert tokenizer.decode(ids[0].tolist()) == "C4 Eb4/ R. | F#4- || C5 |]"
    assert tokenizer.notes(ids[0].tolist()) == [
        (60, 0, 1), (63, 1, 0.5), (None, 1.5, 1.5), (66, 3, 2), (72, 5, 1),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="return_tensors is 'np'"):
        tokenizer("C4", return_tensors="np")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("C4 H4", r"'H4' is no note\. Write a letter, its octave and its length.*\"C4 D4"),
        ("C4 C9", r"does not know the note 'C9'\. It knows those from G3 to A5"),
        ("C4 R---", r"does not know the note 'R---'\. .*rests of up to two beats"),
    ],
)
def test_a_bad_melody_is_answered_by_how_to_write_it(
    text: str, message: str, loaded: Loaded
) -> None:
    with pytest.raises(Trouble, match=message):
        aw.explore(*loaded, text)


# The model --------------------------------------------------------------------------------------


def test_loaded_in_eval_mode_and_float32(loaded: Loaded) -> None:
    model, _ = loaded
    assert not model.training
    assert {w.dtype for w in model.parameters()} == {torch.float32}
    assert melody.WEIGHTS.stat().st_size <= 1_000_000


def test_scores_are_the_products_of_the_formula() -> None:
    torch.manual_seed(0)
    attention, x = RelativeAttention(8, 1, 6).eval(), torch.randn(1, 5, 8)
    q, k, v = (layer(x)[0] for layer in (attention.query, attention.key, attention.value))
    r = attention.distance.weight
    rows = []
    for i in range(5):
        scores = torch.stack([q[i] @ k[j] + q[i] @ r[i - j] for j in range(i + 1)]) / 8**0.5
        rows.append(scores.softmax(0) @ v[: i + 1])
    torch.testing.assert_close(attention(x)[0], attention.output(torch.stack(rows)))


def test_no_note_hears_ahead_and_too_many_are_refused(loaded: Loaded) -> None:
    model, tokenizer = loaded
    short, longer = (model(**tokenizer(text)) for text in ("C4 D4 |", "C4 D4 | E4- G4"))
    torch.testing.assert_close(longer[:, :4], short)
    model(**tokenizer("C4 " * 63))
    with pytest.raises(ValueError, match=r"65 tokens.* distances of 64 tokens"):
        model(**tokenizer("C4 " * 64))


# The card, measured again -----------------------------------------------------------------------


def test_new_motifs_come_back_and_move(loaded: Loaded) -> None:
    rng = Random(77)
    themes = [motif(rng, "testing") for _ in range(100)]
    assert repeating(*loaded, themes) > 0.95
    assert moving(*loaded, themes, [rng.choice(MOVED_BY) for _ in themes]) > 0.9


def test_a_head_looks_at_the_note_to_come(loaded: Loaded) -> None:
    rng, card = Random(78), zoo.card("melody")
    themes = [motif(rng, "testing") for _ in range(60)]
    weight, layer, head = best_head(copying(*loaded, themes))
    assert (layer, head) == (card["selection"]["layer"], card["selection"]["head"])
    assert weight > 0.75
    assert abs(weight - card["after"]) < 0.05


def test_nothing_comes_back_without_distances(loaded: Loaded) -> None:
    model, tokenizer = loaded
    rng, ids = Random(79), tokenizer("C4 D4 | C4 D4")
    before = model(**ids)
    with without_distances(model):
        assert repeating(*loaded, [motif(rng, "testing") for _ in range(50)]) < 0.1
    assert torch.equal(model(**ids), before)


def test_the_opening_melody_was_never_learned_from_and_goes_on(loaded: Loaded) -> None:
    model, tokenizer = loaded
    card = zoo.card("melody")
    at, ids = card["selection"], tokenizer.encode(card["text"])
    tokens = tokenizer.convert_ids_to_tokens(ids)
    assert (tokens[at["query"]], tokens[at["key"]]) == ("F4", "D4")
    theme = phrases_of(tokens)[0]
    notes = tuple(sound for sound in map(read, theme) if sound)
    assert set_of(Motif(60, (notes, ()))) == "testing"
    row = attention(model, torch.tensor([ids]))[at["layer"], at["head"], at["query"]]
    assert int(row.argmax()) == at["key"]
    assert abs(row.max().item() - card["weight"]) < 1e-3
    assert tokenizer.decode(continued(model, ids, 3)) == card["continued"] == "E4 E4- ||"


def test_the_card_in_the_docstring_is_the_card_in_the_file() -> None:
    assert melody_train.in_words(zoo.card("melody")) in (melody.__doc__ or "")
    with safe_open(melody.WEIGHTS, framework="pt") as file:
        assert json.loads(file.metadata()["vocabulary"]) == vocabulary()


# Training ---------------------------------------------------------------------------------------


def test_a_little_training_already_copies(tmp_path: Path) -> None:
    tokenizer = NoteTokenizer(vocabulary())
    rng = Random(9)
    melodies = [melody_data.melody(rng) for _ in range(32)]
    before = melody_train.loss_of(melody_train.train(tokenizer, 0, 0), tokenizer, melodies)
    model = melody_train.train(tokenizer, 0, 100)
    assert melody_train.loss_of(model, tokenizer, melodies) < 0.6 * before
    right = []
    for tokens in melodies:  # in their second halves, where they repeat themselves
        ids = torch.tensor([[tokenizer.ids[token] for token in tokens]])
        right.append((model(ids[:, :-1]).argmax(-1) == ids[:, 1:])[0, len(tokens) // 2 :])
    assert torch.cat(right).float().mean() > 0.25

    weights = tmp_path / "trained.safetensors"
    melody.save(model, tokenizer, {"seed": 0}, weights)
    again, _ = melody.load(weights)
    assert melody.card(weights) == {"seed": 0}
    for name, kept in again.state_dict().items():
        torch.testing.assert_close(kept, model.state_dict()[name], rtol=1e-3, atol=1e-4)


# In the explorer --------------------------------------------------------------------------------


def test_it_opens_with_its_card(loaded: Loaded) -> None:
    card = zoo.card("melody")
    explorer = aw.explore(*loaded, card["text"], **card["selection"])
    assert explorer.tokens == [START, *card["text"].split()]
    assert explorer.status == "exact"
    explorer.close()


def test_capture_is_exact(loaded: Loaded) -> None:
    model, tokenizer = loaded
    with torch.no_grad(), aw.capture(model) as trace:
        model(**tokenizer(zoo.card("melody")["text"]))
    assert {name: [call.layer for call in calls] for name, calls in trace.stacks.items()} == {
        "decoder": [0, 1]
    }
    assert all(call.status == "exact" and call.check() < 1e-5 for call in trace.calls)
