"""The digits models: their images, their processor, what they recognise and where they look."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from sklearn.datasets import load_digits
from torch import Tensor

import attnwidget as aw
from attnwidget import zoo
from attnwidget.trouble import Trouble
from attnwidget.zoo import digits, digits_hybrid, digits_vit
from attnwidget.zoo.digits_hybrid import DigitsHybridViT
from attnwidget.zoo.digits_processor import DigitsProcessor
from attnwidget.zoo.digits_vit import DigitsViT
from attnwidget.zoo.making import digits_data, digits_train
from attnwidget.zoo.making import digits_scores as scores

MODELS: dict[str, ModuleType] = {"digits-vit": digits_vit, "digits-hybrid": digits_hybrid}


@pytest.fixture(scope="module", params=MODELS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def loaded(name: str) -> tuple[DigitsViT, DigitsProcessor]:
    return zoo.load(name)


@pytest.fixture(scope="module")
def held_out() -> tuple[Tensor, Tensor]:
    return digits.held_out()


# The images -------------------------------------------------------------------------------------


def test_images_held_out_are_the_last_of_scikit_learn(held_out: tuple[Tensor, Tensor]) -> None:
    images, labels = held_out
    assert (images.shape, images.dtype) == ((382, 8, 8), torch.uint8)
    assert (labels.shape, labels.dtype) == ((382,), torch.uint8)
    whole = load_digits()
    np.testing.assert_array_equal(images.numpy(), whole.images[-382:])
    np.testing.assert_array_equal(labels.numpy(), whole.target[-382:])


def test_the_three_parts_are_all_images_and_share_none() -> None:
    parts = [digits_data.digits(part)[0] for part in digits_data.PARTS]
    assert [len(part) for part in parts] == [1157, 258, 382]
    seen = [{image.numpy().tobytes() for image in part} for part in parts]
    assert not seen[0] & seen[1]
    assert not (seen[0] | seen[1]) & seen[2]


def test_every_form_has_the_labels_of_the_first_in_their_order_but_for_some() -> None:
    labels = load_digits().target.tolist()
    first, missing, other = labels[:130], 0, 0
    for begin, end in zip(digits_data.FORMS, digits_data.FORMS[1:], strict=False):
        form = labels[begin:end]
        if len(form) == len(first):
            other += sum(a != b for a, b in zip(form, first, strict=True))
            continue
        left = iter(first)
        assert all(label in left for label in form)  # a subsequence
        missing += len(first) - len(form)
    assert (missing, other) == (23, 1)


def test_source_and_licence_go_with_the_images() -> None:
    with safe_open(digits.IMAGES, framework="pt") as file:
        source = file.metadata()["source"]
    for words in ("Alpaydin", "Kaynak", "CC BY 4.0", "BSD"):
        assert words in source
        assert words in (digits.__doc__ or "")


def test_images_held_out_need_no_scikit_learn_and_learning_says_what_brings_it() -> None:
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "from attnwidget.zoo import digits; print(len(digits.held_out()[0]))\n"
        "from attnwidget.zoo.making.digits_data import digits; digits('learned from')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "382"
    assert "ModuleNotFoundError" in done.stderr
    assert "pip install scikit-learn" in done.stderr


# The processor ----------------------------------------------------------------------------------

DIGIT = digits.held_out()[0][0].numpy()  # from 0 to 16
LARGE = np.kron(DIGIT, np.ones((3, 3), np.uint8))  # 24 by 24


def grown(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The same from 0 to 255 as PIL wants it; exact for the values that are compared."""
    return np.round(values * (255 / 16)).astype(np.uint8)


@pytest.mark.parametrize(
    ("image", "tolerance"),
    [
        (DIGIT, 1e-6),
        (DIGIT / 16, 1e-6),
        (DIGIT.astype(np.int64), 1e-6),
        (grown(DIGIT), 0.003),
        (torch.from_numpy(DIGIT), 1e-6),
        (torch.from_numpy(DIGIT / 16)[None], 1e-6),
        (torch.from_numpy(DIGIT / 16).bfloat16().requires_grad_(), 0.01),
        (LARGE, 1e-6),
        (DIGIT[..., None], 1e-6),
        (np.repeat(DIGIT[..., None], 3, -1), 1e-6),
        (np.repeat(DIGIT[None], 3, 0), 1e-6),
        (Image.fromarray(grown(DIGIT)), 0.003),
        (Image.fromarray(grown(LARGE)).convert("RGB"), 0.003),
        (Image.fromarray(grown(LARGE)).convert("RGBA"), 0.003),
        (Image.fromarray(grown(LARGE)).convert("P"), 0.003),
        (Image.fromarray((DIGIT / 16).astype(np.float32)), 1e-6),
        (DIGIT.tolist(), 1e-6),
    ],
)
def test_any_usual_image_becomes_the_same_pixels(image: Any, tolerance: float) -> None:
    made = DigitsProcessor()(image)["pixel_values"]
    assert (made.shape, made.dtype) == ((1, 1, 8, 8), torch.float32)
    torch.testing.assert_close(
        made[0, 0], torch.from_numpy(DIGIT / 16).float(), rtol=0, atol=tolerance
    )


@pytest.mark.parametrize("size", [8, 9, 12, 15, 28])
def test_a_larger_image_is_pooled_by_area(size: int) -> None:
    fine = np.random.default_rng(0).random((size, size))
    made = DigitsProcessor()(fine)["pixel_values"][0, 0].numpy()
    repeated = np.kron(fine, np.ones((8, 8)))  # 8 * size is a multiple of both
    expected = repeated.reshape(8, size, 8, size).mean((1, 3))
    np.testing.assert_allclose(made, expected, atol=1e-6)


def test_colours_become_grey_as_pillow_makes_them() -> None:
    colours = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    made = DigitsProcessor()(colours)["pixel_values"][0, 0].numpy() * 255
    np.testing.assert_allclose(made, np.asarray(Image.fromarray(colours).convert("L")), atol=1)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((7, 7)), r"of shape \(7, 7\)\. Give one square image of at least 8 by 8"),
        (np.zeros((8, 10)), r"of shape \(8, 10\).*crop or pad"),
        (np.zeros((8, 8, 2)), r"of shape \(8, 8, 2\)"),
        (np.zeros((2, 8, 8)), r"of shape \(2, 8, 8\)"),
        (np.zeros((1, 1, 8, 8)), r"of shape \(1, 1, 8, 8\)"),
        (np.zeros(64), r"of shape \(64,\)"),
        (np.zeros((0, 0)), r"of shape \(0, 0\)"),
        (np.full((8, 8), -1.0), "values from -1 to -1.*from 0 to 1, to 16 or to 255"),
        (np.full((8, 8), 256.0), "values from 256 to 256"),
        (np.full((8, 8), np.nan), "values from nan to nan"),
        ("seven", "A str was given as an image"),
        (None, "A NoneType was given as an image"),
    ],
)
def test_what_is_no_such_image_is_named(image: Any, message: str) -> None:
    with pytest.raises(Trouble, match=message):
        DigitsProcessor()(image)


def test_only_torch_tensors_are_made() -> None:
    with pytest.raises(ValueError, match="return_tensors is 'np'"):
        DigitsProcessor()(DIGIT, return_tensors="np")


# The models -------------------------------------------------------------------------------------


def test_loaded_in_eval_mode_and_float32(
    name: str, loaded: tuple[DigitsViT, DigitsProcessor]
) -> None:
    model, _ = loaded
    assert not model.training
    assert {w.dtype for w in model.parameters()} == {torch.float32}
    assert sum(w.numel() for w in model.parameters()) == zoo.card(name)["parameters"] <= 300_000
    assert MODELS[name].WEIGHTS.stat().st_size <= 700_000


def test_one_score_for_each_digit(loaded: tuple[DigitsViT, DigitsProcessor]) -> None:
    model, processor = loaded
    assert model(**processor(DIGIT)).shape == (1, 10)
    assert model(torch.rand(3, 1, 8, 8)).shape == (3, 10)
    for shape in [(1, 8, 8), (1, 3, 8, 8), (1, 1, 16, 16)]:
        with pytest.raises(Trouble, match=r"pixel_values is of shape .*\(B, 1, 8, 8\)"):
            model(torch.zeros(shape))


def test_a_patch_is_read_by_the_same_filters_wherever_it_is() -> None:
    model, _ = digits_vit.load()
    image = torch.zeros(1, 1, 8, 8)
    image[0, 0, 2:4, 4:6] = torch.tensor([[0.1, 0.2], [0.3, 0.4]])  # second row, third column
    token = DigitsProcessor.prefix + 1 * DigitsProcessor.grid[1] + 2
    read = (model.embed(image) - model.embed(torch.zeros(1, 1, 8, 8)))[0]  # (T, D)
    assert read.abs().sum(-1).nonzero().flatten().tolist() == [token]
    expected = scores.first_filters(model).flatten(1) @ torch.tensor([0.1, 0.2, 0.3, 0.4])
    torch.testing.assert_close(read[token], expected, rtol=1e-4, atol=1e-5)


def test_patches_are_a_set_but_for_their_positions() -> None:
    model, _ = digits_vit.load()
    x = torch.randn(1, 17, 64)
    order = torch.cat([torch.tensor([0]), 1 + torch.randperm(16)])
    torch.testing.assert_close(
        model.encoder(x[:, order]), model.encoder(x)[:, order], rtol=1e-4, atol=1e-4
    )


def test_a_patch_of_the_hybrid_sees_beyond_its_own_pixels() -> None:
    model, _ = digits_hybrid.load()
    image = torch.zeros(1, 1, 8, 8)
    image[0, 0, 3, 3] = 1  # of the sixth patch alone
    with torch.no_grad():
        read = (model.embed(image) - model.embed(torch.zeros(1, 1, 8, 8)))[0, 1:]
    assert (read.abs().sum(-1) > 1e-3).sum() > 9


# The card, measured again -----------------------------------------------------------------------


def test_every_target_is_reached(loaded: tuple[DigitsViT, DigitsProcessor]) -> None:
    assert [found for found in scores.targets(*loaded) if not found.is_reached] == []


def test_what_the_card_says_is_measured_again(
    name: str, loaded: tuple[DigitsViT, DigitsProcessor], held_out: tuple[Tensor, Tensor]
) -> None:
    model, _ = loaded
    again = digits_train.measure(model)
    card = zoo.card(name)
    # A digit or two may be named otherwise where sums are rounded otherwise.
    close = {"accuracy", "chosen_by", "without_positions", "shuffled_positions"}
    assert {key: again[key] for key in close} == pytest.approx(
        {key: card[key] for key in close}, abs=0.006
    )
    torch.testing.assert_close(
        torch.tensor(again["distance"]), torch.tensor(card["distance"]), rtol=0, atol=0.01
    )
    assert again["strongly_local"] == card["strongly_local"]
    assert again["nearness"] == pytest.approx(card["nearness"], abs=0.01)


def test_the_card_in_the_docstring_is_the_card_in_the_file(name: str) -> None:
    assert digits_train.in_words(zoo.card(name)) in (MODELS[name].__doc__ or "")


def test_the_opening_image_is_named_rightly_and_shows_a_neighbour(
    name: str, loaded: tuple[DigitsViT, DigitsProcessor], held_out: tuple[Tensor, Tensor]
) -> None:
    model, processor = loaded
    card = zoo.card(name)
    image = held_out[0][card["image"]]
    assert held_out[1][card["image"]] == card["label"]
    assert model(**processor(image)).argmax() == card["label"]
    at = card["selection"]
    explorer = aw.explore(model, inputs=processor(image), **at)
    assert explorer.status == "exact"
    (call,) = [call for call in explorer.trace.calls if call.layer == at["layer"]]
    weight = call.weights(head=at["head"])[0, 0, at["query"], at["key"]]
    assert float(weight) == pytest.approx(card["weight"], abs=1e-3)
    first = processor.prefix
    assert scores.distances()[at["query"] - first, at["key"] - first] == 2


# The measures, on what is known -----------------------------------------------------------------


def test_a_head_with_equal_weights_looks_as_far_as_the_mean_of_all_distances() -> None:
    model = DigitsViT()
    for layer in model.encoder.layers:
        torch.nn.init.zeros_(layer.self_attention.query.weight)
        torch.nn.init.zeros_(layer.self_attention.query.bias)
    images = digits.held_out()[0][:5]
    at = [(row, column) for row in range(4) for column in range(4)]
    mean = np.mean([2 * np.hypot(a - c, b - d) for a, b in at for c, d in at])
    torch.testing.assert_close(
        scores.attention_distance(model, images),
        torch.full((4, 4), float(mean)),
        rtol=1e-5,
        atol=1e-5,
    )
    assert scores.strongly_local(model, images) == 0


def test_a_head_that_looks_at_its_own_place_looks_no_pixel_away() -> None:
    model = DigitsViT()
    with torch.no_grad():
        model.position_embedding.zero_()
        model.patch_embedding.weight.zero_()
        model.class_token.zero_()
        model.position_embedding[0, 1:, :16] = 100 * torch.eye(16)
        attention = model.encoder.layers[0].self_attention
        for part in (attention.query, attention.key):
            part.weight.copy_(4 * torch.eye(64))
            part.bias.zero_()
    found = scores.attention_distance(model, digits.held_out()[0][:2])[0]
    assert found[0] < 1e-3  # of width 16: the first head reads the places
    assert (found[1:] > 3).all()


def test_nearness_is_one_for_embeddings_that_fade_with_distance() -> None:
    model = DigitsViT()
    with torch.no_grad():
        model.position_embedding.zero_()
        gram = torch.exp(-((scores.distances() / 4) ** 2)).double()
        values, vectors = torch.linalg.eigh(gram)
        model.position_embedding[0, 1:, :16] = (vectors * values.clamp(0).sqrt()).float()
    grid = scores.position_similarity(model)
    assert grid.shape == (16, 4, 4)
    torch.testing.assert_close(grid.flatten(1), gram.float(), rtol=0, atol=1e-4)
    assert scores.nearness(model) > 0.99


def test_the_first_filters_are_those_that_read_pixels() -> None:
    assert scores.first_filters(digits_vit.load()[0]).shape == (64, 2, 2)
    assert scores.first_filters(digits_hybrid.load()[0]).shape == (32, 3, 3)


# Training ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [DigitsViT, DigitsHybridViT])
def test_a_few_steps_of_training_recognise_digits(kind: type[DigitsViT]) -> None:
    images, labels = digits_data.digits("learned from")
    new, right = digits_data.digits("chosen by")
    before = digits_train.train(kind, images, labels, 0, 0)
    after = digits_train.train(kind, images, labels, 0, 200)
    assert scores.accuracy(before, new, right) < 0.3
    assert scores.accuracy(after, new, right) > 0.4


def test_moved_images_stay_in_their_range_and_the_same_seed_moves_them_alike() -> None:
    x = digits_data.pixel_values(digits.held_out()[0][:50])
    torch.manual_seed(1)
    once = digits_train.moved(x)
    torch.manual_seed(1)
    torch.testing.assert_close(digits_train.moved(x), once)
    assert once.shape == x.shape
    assert once.min() >= 0
    assert once.max() <= 1 + 1e-6
    assert (once - x).abs().mean() > 0.05


# In the explorer --------------------------------------------------------------------------------


def test_capture_is_exact_and_sees_one_stack(
    loaded: tuple[DigitsViT, DigitsProcessor], held_out: tuple[Tensor, Tensor]
) -> None:
    model, processor = loaded
    inputs = processor(held_out[0][0])
    with torch.no_grad():
        plain = model(**inputs)
        with aw.capture(model) as trace:
            seen = model(**inputs)
    assert torch.equal(plain, seen)
    assert {name: len(calls) for name, calls in trace.stacks.items()} == {"vision": 4}
    expected = scores.attention(model, held_out[0][:1])
    for layer, call in enumerate(trace.stacks["vision"]):
        assert call.module == f"encoder.layers.{layer}.self_attention"
        assert (call.layer, call.kind, call.status) == (layer, "self", "exact")
        assert (call.heads, call.query_len, call.key_len) == (4, 17, 17)
        assert call.check() < 1e-5
        torch.testing.assert_close(call.weights(), expected[:, layer], rtol=1e-5, atol=1e-6)


def test_it_is_explored_with_tokens_by_number(loaded: tuple[DigitsViT, DigitsProcessor]) -> None:
    model, processor = loaded
    explorer = aw.explore(model, inputs=processor(DIGIT))
    assert explorer.stack == "vision"
    assert len(explorer.tokens) == 17
    assert explorer.status == "exact"
