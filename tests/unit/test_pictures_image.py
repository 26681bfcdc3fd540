"""Pictures over images: the image itself, rows of all heads, distances, filters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import attnwidget as aw
from attnwidget.images.distances import mean_attention_distance, places_of_cells
from attnwidget.images.filters import filters_of, principal_components
from attnwidget.messages import Picture
from attnwidget.session import Session
from attnwidget.trace import Trace
from attnwidget.trouble import Trouble
from tests.unit.head_pictures import ask_anything, check_plain_json
from tests.unit.images import a_picture, of_kind, processor, qwen, towers, vit
from tests.unit.test_pictures import draw, session_of

GRID = (3, 4)
AT = np.array([divmod(i, 4) for i in range(12)], float)
APART = np.hypot(*(AT[:, None] - AT[None]).transpose(2, 0, 1))  # (12, 12) patches


def over_patches(maps: list[torch.Tensor], prefix: int = 0) -> Session:
    """Given maps, said to be over a picture of 3 × 4 patches."""
    session = Session(tokens=aw.Patches(a_picture(30, 40), GRID, prefix))
    session.take(Trace.from_arrays(maps), {})
    return session


def of_model(model: nn.Module, pixels: torch.Tensor) -> Session:
    session = Session(model)
    session.run_inputs({"pixel_values": pixels})
    return session


# -- the image ------------------------------------------------------------------------------------


def test_the_image_is_sent_as_bytes_with_its_size() -> None:
    session = over_patches([torch.rand(2, 2, 13, 13).softmax(-1)], prefix=1)
    (made,) = draw(session, kind="image", batch=1)
    assert made.arrays["rgb"].dtype == np.uint8
    assert (made.arrays["rgb"] == np.asarray(a_picture(30, 40))).all()
    assert made.facts["size"] == [30, 40]
    assert made.facts["said"] == "as it was given"
    assert made.facts["layers"] == []
    check_plain_json(made)
    (facts,) = draw(session, kind="model")
    queries = facts.facts["tokens"]["queries"]
    assert facts.facts["offers"] == ["image"]
    assert queries["patches"] == [None, *(list(map(int, at)) for at in AT)]
    assert queries["kinds"][0] == "special"


def test_a_large_image_is_sent_small_with_its_own_size() -> None:
    session = Session(tokens=aw.Patches(a_picture(600, 1200), GRID))
    session.take(Trace.from_arrays([torch.rand(1, 1, 12, 12)]), {})
    (made,) = draw(session, kind="image")
    assert made.arrays["rgb"].shape == (256, 512, 3)
    assert made.facts["size"] == [600, 1200]


@pytest.mark.parametrize("batch", [0, 5, 31])
def test_windows_are_sent_with_every_layer_that_has_them(batch: int) -> None:
    session = of_model(of_kind("Swin"), torch.randn(2, 3, 32, 32))
    (made,) = draw(session, kind="image", batch=batch)
    check_plain_json(made)
    cells = made.arrays["cells"]
    assert made.facts["items"] == [batch // 16 * 16, 16]
    windows = session.snapshot.pass_tokens.windows(session.snapshot.stacks["encoder"], batch)
    items = [batch % 16] * 2 + [batch % 16 // 4] * 2
    for facts, item in zip(made.facts["layers"], items, strict=True):
        grid, expected = windows[facts["layer"]]
        assert facts["grid"] == list(grid)
        assert facts["item"] == item
        sent = cells[facts["first"] :][: facts["windows"] * facts["tokens"]]
        assert (sent.reshape(expected.shape) == expected).all()
    (facts,) = draw(session, kind="model", batch=batch)
    assert facts.facts["offers"] == ["image"]
    assert facts.facts["tokens"]["queries"]["patches"] is None
    assert "window" in facts.facts["tokens"]["notes"][0]


@pytest.mark.parametrize(
    ("make", "want", "said"),
    [
        (lambda: session_of(1, 2, 4, 4), {}, "are no patches of an image"),
        (lambda: over_patches([torch.rand(1, 1, 12, 12)]), {"batch": 1}, "batch=1"),
        (lambda: over_patches([torch.rand(1, 1, 12, 12)]), {"stack": "text"}, "stack='text'"),
    ],
)
def test_where_there_is_no_image_it_is_said(make: Any, want: dict[str, Any], said: str) -> None:
    with pytest.raises(Trouble, match=said):
        draw(make(), **{"kind": "image", **want})


# -- rows of all heads ----------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["from", "to"])
@pytest.mark.parametrize("hide", [[], ["special"]])
def test_a_row_of_every_head_is_what_the_call_says(direction: str, hide: list[str]) -> None:
    session = of_model(vit(), torch.randn(2, 3, 32, 32))
    reading = {"words": False, "hide": hide, "renormalise": False, "pair": None}
    (made,) = draw(
        session, kind="patch_rows", layer=1, direction=direction, at=3, batch=1, reading=reading
    )
    weights = session.snapshot.stacks["vision"][1].weights(batch=1)[0].numpy()
    first = len(hide)
    expected = weights[:, 3, first:] if direction == "from" else weights[:, :, 3 + first]
    assert made.arrays["weights"].dtype == np.float32
    np.testing.assert_allclose(made.arrays["weights"], expected, atol=1e-7)
    check_plain_json(made)


@pytest.mark.parametrize(
    "bad", [{"at": 17}, {"at": None}, {"layer": 9}, {"direction": "up"}, {"batch": 4}]
)
def test_a_row_that_does_not_exist_is_refused(bad: dict[str, Any]) -> None:
    session = of_model(vit(), torch.randn(1, 3, 32, 32))
    with pytest.raises(Trouble):
        draw(session, **{"kind": "patch_rows", "layer": 1, "direction": "from", "at": 0, **bad})


def test_rows_of_a_thousand_patches_come_in_bands() -> None:
    model = vit(image_size=128, patch_size=4)  # 1,025 tokens
    session = of_model(model, torch.randn(1, 3, 128, 128))
    slices = list(
        aw.explorer.pictures.paint(
            session,
            {"key": "k", "kind": "patch_rows", "stack": "", "batch": 0, "layer": 0,
             "direction": "to", "at": 1000},
        )
    )  # fmt: skip
    weights = session.snapshot.stacks["vision"][0].weights(keys=1000)[0, :, :, 0]
    made = slices[-1]
    assert isinstance(made, Picture)
    np.testing.assert_allclose(made.arrays["weights"], weights.numpy(), atol=1e-7)


# -- distances ------------------------------------------------------------------------------------

EVEN = torch.full((12, 12), 1 / 12)
HEADS = {
    "itself": (torch.eye(12), 0.0),
    "one to the right": (torch.eye(12).roll(1, 1), np.diag(np.roll(APART, -1, 1)).mean()),
    "everywhere": (EVEN, APART.mean()),
    "the first": (torch.eye(12)[:1].expand(12, 12), APART[:, 0].mean()),
}


@pytest.mark.parametrize("prefix", [0, 1, 2])
def test_the_distance_of_hand_made_heads(prefix: int) -> None:
    heads = []
    for weights, _ in HEADS.values():
        whole = torch.full((12 + prefix, 12 + prefix), 0.3 / max(1, prefix))
        whole[prefix:, prefix:] = weights * (0.7 if prefix else 1.0)
        heads.append(whole)
    maps = torch.stack(heads)[None].repeat(2, 1, 1, 1)
    made = draw(over_patches([maps, maps[:, :2]], prefix), kind="distances")[-1]
    expected = [distance for _, distance in HEADS.values()]
    found = made.arrays["distances"]
    np.testing.assert_allclose(found[0], expected, atol=1e-5)
    np.testing.assert_allclose(found[1, :2], expected[:2], atol=1e-5)
    assert np.isnan(found[1, 2:]).all()
    np.testing.assert_allclose(made.arrays["uniform"], [APART.mean()] * 2, rtol=1e-6)
    assert made.facts["images"] == 2
    assert made.facts["grid"] == [3, 4]
    check_plain_json(made)


def test_images_of_a_batch_count_alike() -> None:
    near, far = torch.eye(12)[None], EVEN[None]
    made = draw(over_patches([torch.stack([near, far])]), kind="distances")[-1]
    assert made.arrays["distances"][0, 0] == pytest.approx(APART.mean() / 2)


def test_a_row_that_sees_no_patch_has_no_distance() -> None:
    at = places_of_cells(range(4), (2, 2), 8.0)
    weights = torch.tensor([[0.0, 0, 0, 0], [1, 0, 0, 0], [math.nan, 0, 0, 1], [0, 0, 1, 1]])
    found = mean_attention_distance(weights, at, at)
    assert found.item() == pytest.approx((0 + 8 + 8 + 4) / 4)


def test_of_windows_the_distance_is_that_in_the_image() -> None:
    session = of_model(of_kind("Swin"), torch.randn(2, 3, 32, 32))
    made = draw(session, kind="distances")[-1]
    assert made.facts["patch"] == [2, 2]
    calls = session.snapshot.stacks["encoder"]
    windows = session.snapshot.pass_tokens.windows(calls, 0)
    for call, found in zip(calls, made.arrays["distances"], strict=True):
        (rows, columns), cells = windows[call.layer]
        weights = call.weights().double().numpy()  # (2 · windows, H, 16, 16)
        sums = np.zeros(call.heads)
        for item in range(call.batch_size):
            at = np.array([divmod(c, columns) for c in cells[item % call.windows]]) * (16 / rows)
            apart = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
            sums += (weights[item] * apart).sum((1, 2))
        expected = sums / (16 * call.batch_size)
        np.testing.assert_allclose(found[: call.heads], expected, rtol=1e-5)
    assert made.arrays["uniform"][2] > 1.5 * made.arrays["uniform"][0], "merged patches are larger"


def siglip() -> Session:
    session = Session(towers("Siglip"))
    session.run_inputs(
        {"pixel_values": torch.randn(1, 3, 32, 32), "input_ids": torch.tensor([[1, 2, 3]])}
    )
    return session


@pytest.mark.parametrize(
    ("make", "stack"),
    [(lambda: session_of(1, 2, 4, 4), "encoder"), (siglip, "pooling")],
)
def test_without_patches_that_look_there_is_no_distance(make: Any, stack: str) -> None:
    session = make()
    want = {"stack": stack} if stack in session.snapshot.stacks else {}
    with pytest.raises(Trouble, match="no patches that look at patches"):
        draw(session, kind="distances", **want)


# -- filters --------------------------------------------------------------------------------------


def test_filters_are_the_first_layers_weights_longest_first() -> None:
    model = vit()
    weight = model.embeddings.patch_embeddings.projection.weight
    with torch.no_grad():
        weight[3] *= 9
    (made,) = draw(of_model(model, torch.randn(1, 3, 32, 32)), kind="filters")
    norms = weight.detach().flatten(1).norm(dim=1)
    order = norms.argsort(descending=True)
    assert int(order[0]) == 3
    np.testing.assert_allclose(made.arrays["norms"], norms[order], rtol=1e-5)
    expected = weight.detach()[order].permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(made.arrays["filters"], expected, rtol=1e-6)
    assert made.facts["path"] == "embeddings.patch_embeddings.projection"
    assert made.facts["step"] == [8, 8]
    assert made.facts["components_shape"] == list(made.arrays["components"].shape)
    check_plain_json(made)


def test_principal_components_are_directions_of_most_variance() -> None:
    torch.manual_seed(0)
    directions = torch.linalg.qr(torch.randn(12, 2, dtype=torch.float64)).Q.T  # (2, 12)
    spread = torch.randn(40, 2, dtype=torch.float64) * torch.tensor([5.0, 1.0])
    weights = (spread @ directions + 3.0).reshape(40, 2, 2, 3)
    components, shares = principal_components(weights, 28)
    assert components.shape == (2, 2, 2, 3)
    assert shares.sum().item() == pytest.approx(1)
    assert shares[0] > shares[1]
    centred = weights.flatten(1) - weights.flatten(1).mean(0)
    along = centred @ components.flatten(1).T
    np.testing.assert_allclose(along @ components.flatten(1), centred, atol=1e-9)
    for one in components.flatten(1):
        assert one.norm().item() == pytest.approx(1)
        assert one.max() >= one.abs().max()


class Linear(nn.Module):
    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.embed = nn.Linear(numbers, 6)


@pytest.mark.parametrize(
    ("make", "shape", "step", "guessed"),
    [
        (vit, (16, 8, 8, 3), (8, 8), False),
        (lambda: of_kind("Swin"), (8, 2, 2, 3), (2, 2), False),
        (lambda: qwen("Qwen2VL")[0], (16, 4, 4, 3), (4, 4), False),
        (lambda: nn.Conv2d(1, 5, 3, padding=1), (5, 3, 3, 1), (1, 1), False),
        (lambda: Linear(16), (6, 4, 4, 1), None, False),
        (lambda: Linear(48), (6, 4, 4, 3), None, True),
    ],
)
def test_first_layers_of_several_makes(make: Any, shape: Any, step: Any, guessed: bool) -> None:
    model = make()
    found = filters_of(model, Session(model).eye)
    assert found is not None
    assert tuple(found.weights.shape) == shape
    assert found.step == step
    assert bool(found.said) is guessed


@pytest.mark.parametrize(
    ("session", "said"),
    [
        (lambda: session_of(1, 2, 4, 4), "Only its attention was given"),
        (lambda: Session(nn.Linear(7, 3)), "No convolution"),
    ],
)
def test_without_filters_it_is_said(session: Any, said: str) -> None:
    made = session()
    if made.snapshot is None:
        made.take(session_of(1, 2, 4, 4).snapshot.trace, {})
    (picture,) = draw(made, kind="filters")
    assert picture.arrays == {}
    assert picture.facts["said"].startswith(said)


@pytest.mark.parametrize("kind", ["image", "patch_rows", "distances", "filters"])
def test_any_want_makes_a_picture_or_a_trouble(kind: str) -> None:
    ask_anything(kind, "stack", "batch", "layer", "direction", "at", "reading")


def test_looking_at_pictures_leaves_the_model_as_it_was() -> None:
    model = vit()
    pixels = processor()(images=a_picture(), return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        before = model(pixel_values=pixels)[0]
    state = torch.get_rng_state()
    ex = aw.explore(model, processor(), a_picture())
    for kind in ("image", "distances", "filters", "model"):
        draw(ex._session, kind=kind)
    ex.close()
    assert torch.equal(torch.get_rng_state(), state)
    with torch.no_grad():
        assert torch.equal(model(pixel_values=pixels)[0], before)
