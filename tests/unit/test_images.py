"""Images of any kind on the screen, patches as tokens, and the models that read them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from PIL import Image
from torch import nn

import attnwidget as aw
from attnwidget.images.encoding import parts_of, with_image
from attnwidget.images.eye import Eye, order_of_merged
from attnwidget.images.pixels import LONGEST_SIDE, for_screen, rgb_of
from attnwidget.images.windows import cells_of_windows
from attnwidget.pictures.shown import items_in
from attnwidget.reading import Reading
from attnwidget.trouble import Trouble
from tests.unit.images import a_picture, llava, of_kind, processor, qwen, tokenizer, towers, vit
from tests.unit.models import D as WIDTH
from tests.unit.models import Projections, merge, split

PICTURE = np.asarray(a_picture(8, 12))  # (8, 12, 3)


def a_float(low: float, high: float) -> np.ndarray[Any, Any]:
    return np.linspace(low, high, 96).reshape(8, 12)


@pytest.fixture
def explored() -> Iterator[Any]:
    made: list[aw.Explorer] = []

    def explore(*args: Any, **kwargs: Any) -> aw.Explorer:
        made.append(aw.explore(*args, **kwargs))
        return made[-1]

    yield explore
    for ex in made:
        ex.close()


def sides(ex: aw.Explorer, stack: str, batch: int = 0) -> Any:
    snapshot = ex._session.snapshot
    assert snapshot is not None
    return snapshot.sides(stack, batch)


# -- pixels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "image",
    [
        Image.fromarray(PICTURE),
        PICTURE,
        PICTURE.transpose(2, 0, 1),
        PICTURE[None].transpose(0, 3, 1, 2),
        PICTURE.astype(np.int64),
        PICTURE / 255.0,
        torch.tensor(PICTURE),
        torch.tensor(PICTURE).permute(2, 0, 1).half() / 255,
        torch.tensor(PICTURE / 255.0, requires_grad=True),
    ],
)
def test_the_same_picture_of_any_kind_is_the_same_on_the_screen(image: Any) -> None:
    shown = rgb_of(image)
    assert shown.dtype == np.uint8
    assert shown.shape == (8, 12, 3)
    assert np.abs(shown.astype(int) - PICTURE).max() <= 1


@pytest.mark.parametrize(
    ("image", "ends"),
    [
        (a_float(0, 1), (0, 255)),
        (a_float(0, 255), (0, 255)),
        (a_float(-2.1, 2.6), (0, 255)),
        (a_float(0, 1) > 0.5, (0, 255)),
        (a_float(0, 255).astype(np.uint8)[None], (0, 255)),
        (np.zeros((8, 12)), (0, 0)),
        (Image.fromarray(a_float(0, 255).astype(np.uint8)), (0, 255)),
        (Image.fromarray(a_float(0, 3000).astype(np.int32)), (0, 255)),
        (Image.new("RGBA", (12, 8), (9, 9, 9, 0)), (255, 255)),
        (np.zeros((8, 12, 4)), (255, 255)),
        (Image.new("P", (12, 8)), (0, 0)),
    ],
)
def test_grey_and_transparent_ones_too(image: Any, ends: tuple[int, int]) -> None:
    shown = rgb_of(image)
    assert (shown.min(), shown.max()) == ends
    assert shown.shape == (8, 12, 3)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("cat.png", "A str was given as an image."),
        ([[1, 2], [3, 4]], "A list was given as an image."),
        (np.zeros((4,)), r"shape \(4,\)"),
        (np.zeros((2, 3, 8, 8)), r"shape \(2, 3, 8, 8\)"),
        (np.zeros((8, 8, 7)), r"shape \(8, 8, 7\): it has no 1, 3 or 4 channels"),
        (np.zeros((0, 8)), r"shape \(0, 8"),
        (np.full((8, 8), np.nan), "not finite"),
        (np.array([["a"]]), "values of type <U1"),
        (torch.zeros(8, 8, dtype=torch.complex64), "A Tensor of type torch.complex64"),
    ],
)
def test_what_is_no_image_is_refused_in_words(image: Any, said: str) -> None:
    with pytest.raises(Trouble, match=said) as caught:
        rgb_of(image)
    assert "(channels, rows, columns)" in caught.value.detail


def test_a_large_one_is_made_smaller_for_the_screen() -> None:
    shown = for_screen(rgb_of(a_picture(900, 1500)))
    assert shown.shape == (307, LONGEST_SIDE, 3)
    assert for_screen(PICTURE) is PICTURE


# -- patches --------------------------------------------------------------------------------------


class OfPatches(nn.Module):
    """A plain module: a class token and patches of a grey image, as a linear layer takes them."""

    def __init__(self, patch: int = 4) -> None:
        super().__init__()
        self.patch = patch
        self.embed = nn.Linear(patch * patch, WIDTH)
        self.first = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.attention = Projections()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        p = self.patch
        cut = image[:, 0].unfold(1, p, p).unfold(2, p, p).flatten(3).flatten(1, 2)
        x = torch.cat([self.first.expand(len(cut), -1, -1), self.embed(cut)], 1)
        q, k, v = (split(part) for part in self.attention.qkv(x))
        return merge(torch.nn.functional.scaled_dot_product_attention(q, k, v))


GREY = torch.linspace(0, 1, 96).reshape(1, 1, 8, 12)


def test_patches_are_named_by_row_and_column(explored: Any) -> None:
    patches = aw.Patches(GREY[0], grid=(2, 3), prefix=1)
    for tokens in (patches, {"attention": patches}):
        ex = explored(OfPatches(), inputs=GREY, tokens=tokens)
        assert ex.tokens == ["class token"] + [
            f"row {row}, column {column}" for row in (1, 2) for column in (1, 2, 3)
        ]
        found = sides(ex, ex.stack)
        assert [t.patch for t in found.keys] == [None, *((r, c) for r in (0, 1) for c in range(3))]
        assert [t.kind for t in found.keys] == ["special", *[""] * 6]
        assert len({t.word for t in found.keys}) == 7
        assert ex.view == "image"


def test_a_plain_module_that_was_given_an_image_needs_no_patches(explored: Any) -> None:
    ex = explored(OfPatches(), inputs=GREY)
    assert ex.tokens[-1] == "row 2, column 3"
    assert ex.view == "lines", "nobody gave an image to look at"


@pytest.mark.parametrize(
    ("grid", "prefix", "said"),
    [
        ((2, 3), 0, "2 × 3 patches are 6 tokens, but the attention runs over 7 positions."),
        ((3, 3), 1, "3 × 3 patches and 1 before them are 10 tokens"),
        ((2, 3, 1), 0, "is no grid of patches"),
        ((2, 0), 0, "is no grid of patches"),
        (6, 0, "is no grid of patches"),
        ((2, 3), -1, "prefix=-1 is no number of tokens"),
        ((2, 3), None, "prefix=None is no number of tokens"),
    ],
)
def test_grids_that_do_not_fit_are_refused_in_words(
    explored: Any, grid: Any, prefix: Any, said: str
) -> None:
    with pytest.raises(Trouble, match=said):
        explored(OfPatches(), inputs=GREY, tokens=aw.Patches(GREY[0], grid, prefix))


@pytest.mark.parametrize(
    ("size", "tokens", "expected"),
    [
        ((224, 224), 196, ((14, 14), 0)),
        ((224, 224), 197, ((14, 14), 1)),
        ((224, 224), 198, ((14, 14), 2)),
        ((224, 224), 201, ((14, 14), 5)),
        ((224, 224), 200, None),
        ((224, 448), 99, ((7, 14), 1)),
        ((8, 8), 3, None),
        ((100, 100), 50, ((7, 7), 1)),
    ],
)
def test_where_nothing_else_tells_the_number_of_tokens_does(
    size: tuple[int, int], tokens: int, expected: Any
) -> None:
    assert Eye().grid_of(size, tokens) == expected


def test_a_processor_that_says_its_grid_is_believed() -> None:
    class Digits:
        grid, prefix = (4, 4), 1

    eye = Eye.of(None, Digits())
    assert eye.grid_of((8, 8), 17) == ((4, 4), 1)
    assert eye.grid_of((8, 8), 10) == ((3, 3), 1)


# -- models ---------------------------------------------------------------------------------------

BEFORE = {"ViT": 1, "DeiT": 2, "Dinov2": 1, "Dinov2WithRegisters": 5, "DINOv3ViT": 1, "Beit": 1}


@pytest.mark.parametrize("name", BEFORE)
def test_vision_transformers(explored: Any, name: str) -> None:
    model = of_kind(name)
    image = a_picture()
    ex = explored(model, processor(), image)
    before = BEFORE[name]
    assert ex.view == "image"
    assert ex.tokens[0] == "class token"
    assert ex.tokens[before:] == [f"row {i // 4 + 1}, column {i % 4 + 1}" for i in range(16)]
    assert ex.query == 0, "from the class token most is read"
    assert ex.key is not None
    assert ex.key >= before
    assert not ex._session.tokenizer
    (rgb, said) = ex._session.snapshot.pass_tokens.image(ex.trace.stacks[ex.stack], 0)
    resized = np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR))
    assert np.abs(rgb.astype(int) - resized).max() <= 1
    assert said == "as the model saw it"


def test_followed_live_every_image_of_the_batch_is_shown(explored: Any) -> None:
    model = vit()
    ex = explored(model, processor())
    batch = processor()(images=[a_picture(), a_picture().rotate(180)], return_tensors="pt")
    model(**batch)
    tokens = ex._session.snapshot.pass_tokens
    first, second = (tokens.image(ex.trace.stacks["vision"], i)[0] for i in (0, 1))
    assert np.abs(first.astype(int) - second[::-1, ::-1]).max() <= 1
    assert tokens.image(ex.trace.stacks["vision"], 0) is not None
    batch["pixel_values"].zero_()
    with pytest.raises(Trouble, match="overwritten"):
        tokens.image(ex.trace.stacks["vision"], 0)


class Both:
    """A processor of texts and images, as CLIP's."""

    def __init__(self) -> None:
        self.tokenizer, self.image_processor = tokenizer(), processor()

    def __call__(self, text: str, images: Any, return_tensors: str = "pt") -> dict[str, Any]:
        seen = self.image_processor(images=images, return_tensors=return_tensors)
        return {**seen, **self.tokenizer(text, return_tensors=return_tensors)}


@pytest.mark.parametrize("name", ["CLIP", "Siglip"])
def test_two_towers_have_their_own_tokens(explored: Any, name: str) -> None:
    ex = explored(towers(name), Both(), "a red house", image=a_picture())
    assert ex.view == "image"
    assert ex.stack == "vision"
    before = {"CLIP": 1, "Siglip": 0}[name]
    assert [t.patch for t in sides(ex, "vision").keys][before:] == [divmod(i, 4) for i in range(16)]
    assert [t.text for t in sides(ex, "text").queries] == ["a", "red", "house"]
    assert {t.patch for t in sides(ex, "text").queries} == {None}
    if name == "Siglip":
        pooling = sides(ex, "pooling")
        assert [t.text for t in pooling.queries] == ["learned query"]
        assert [t.patch for t in pooling.keys] == [divmod(i, 4) for i in range(16)]


@pytest.mark.parametrize("version", ["llava", "Qwen2VL", "Qwen2_5_VL"])
def test_words_and_patches_share_a_text_which_is_run_again_with_its_image(
    explored: Any, version: str
) -> None:
    model, both = llava() if version == "llava" else qwen(version)
    image = a_picture(32, 32 if version == "llava" else 48)
    ex = explored(model, both, "a red house <image> w1", image=image)
    rows, columns = (4, 4) if version == "llava" else (4, 6)
    assert (ex.view, ex.stack) == ("image", "decoder")
    found = [t.patch for t in sides(ex, "decoder").queries]
    patches = [(row, column) for row in range(rows) for column in range(columns)]
    assert [p for p in found if p] == patches
    assert ex.tokens[:3] == ["a", "red", "house"]
    assert found[ex.query] is None, "words are asked"
    assert found[ex.key] is not None
    rgb, _ = ex._session.snapshot.pass_tokens.image(ex.trace.stacks["decoder"], 0)
    assert np.abs(rgb.astype(int) - np.asarray(image)).max() <= 1
    ex.text = "w2 w3"
    assert ex.tokens[-2:] == ["w2", "w3"]
    assert sum(t.patch is not None for t in sides(ex, "decoder").queries) == rows * columns


@pytest.mark.parametrize("version", ["Qwen2VL", "Qwen2_5_VL"])
def test_sorted_patches_are_put_back_where_they_lie(explored: Any, version: str) -> None:
    """Against the model: an attention is given the row of the patch that its token is."""
    model, both = qwen(version)
    given: list[torch.Tensor] = []
    of_patches: list[torch.Tensor] = []
    blocks = model.model.visual
    hooks = [
        blocks.blocks[0].register_forward_pre_hook(lambda _, args: given.append(args[0])),
        blocks.patch_embed.register_forward_hook(lambda _, __, out: of_patches.append(out)),
    ]
    ex = explored(model, both, "a <image>", image=a_picture(40, 48))
    for hook in hooks:
        hook.remove()
    rows, columns = 10, 12
    merged = order_of_merged((rows, columns), 2, 0)  # of the processor
    by_cell = torch.zeros_like(of_patches[0])
    by_cell[list(merged)] = of_patches[0]
    cells = [t.patch[0] * columns + t.patch[1] for t in sides(ex, "vision").queries]
    assert sorted(cells) == list(range(rows * columns))
    assert torch.equal(by_cell[cells], given[0])


# -- windows --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Swin", "Swinv2"])
@pytest.mark.parametrize("size", [(32, 32), (36, 44)])
def test_windows_are_put_back_where_they_lie(explored: Any, name: str, size: Any) -> None:
    """Against the model: what an attention is given is what its patches have before."""
    model = of_kind(name)
    given: list[torch.Tensor] = []
    before: list[torch.Tensor] = []
    layers = [layer for stage in model.encoder.layers for layer in stage.blocks]
    hooks = []
    for layer in layers:
        attention = layer.attention.self if name == "Swinv2" else layer.attention
        source = layer if name == "Swinv2" else layer.layernorm_before
        keep = given.append
        hooks.append(attention.register_forward_pre_hook(lambda _, a, keep=keep: keep(a[0])))
        if name == "Swinv2":
            hooks.append(
                source.register_forward_pre_hook(lambda _, a, keep=before.append: keep(a[0]))
            )
        else:
            hooks.append(source.register_forward_hook(lambda _, __, o, keep=before.append: keep(o)))
    pixels = torch.randn(2, 3, *size)
    ex = explored(model, inputs=pixels)
    for hook in hooks:
        hook.remove()
    calls = ex.trace.stacks["encoder"]
    for batch, image in ((0, 0), (ex._session.snapshot.batch_size("encoder") - 1, 1)):
        found = ex._session.snapshot.pass_tokens.windows(calls, batch)
        assert sorted(found) == [0, 1, 2, 3]
        for call, windows, rows in zip(calls, given, before, strict=True):
            grid, cells = found[call.layer]
            assert math.prod(grid) == rows.shape[1]
            own = windows.unflatten(0, (2, -1))[image]
            lies = torch.tensor(cells).long()
            expected = rows[image][lies.clamp_min(0)] * (lies >= 0)[..., None]
            assert torch.equal(own, expected)


def test_a_window_covers_patches_of_its_own() -> None:
    cells = cells_of_windows((5, 6), 4, 2)
    assert cells.shape == (4, 16)
    assert sorted(cells[cells >= 0].tolist()) == list(range(30))
    # Rolled up and left by two: the first window begins at row 3, column 3.
    assert cells[0, :2].tolist() == [14, 15]


def test_tokens_of_windows_count_within_them(explored: Any) -> None:
    ex = explored(of_kind("Swin"), processor(), a_picture())
    assert ex.view == "image"
    assert ex.tokens[5] == "row 2, column 2"
    assert ex.batch == 10, "the window in the middle, of four by four"
    with_patches = aw.Patches(a_picture(), grid=(16, 16))
    ex = explored(of_kind("Swin"), inputs=torch.randn(1, 3, 32, 32), tokens=with_patches)
    assert ex._session.snapshot.pass_tokens.windows(ex.trace.stacks["encoder"], 0)
    assert ex._session.snapshot.pass_tokens.image(ex.trace.stacks["encoder"], 3)[0].shape[0] == 96


# -- reading and choosing -------------------------------------------------------------------------


def test_a_hidden_class_token_is_still_asked(explored: Any) -> None:
    ex = explored(vit(), processor(), a_picture(), hide=["special"])
    reading = Reading(hide=frozenset({"special"}))
    queries, keys = items_in(ex._session.snapshot, "vision", 0, reading)
    assert (len(queries), len(keys)) == (17, 16)
    assert keys[0].patch == (0, 0)
    merged, _ = items_in(ex._session.snapshot, "vision", 0, Reading(words=True))
    assert len(merged) == 17, "no patch is a piece of a word"


@pytest.mark.parametrize("head", [None, 1])
def test_what_is_chosen_stays_chosen(explored: Any, head: int | None) -> None:
    chosen = {"view": "grid", "query": "row 2, column 1"} | ({} if head is None else {"head": head})
    ex = explored(vit(), processor(), a_picture(), **chosen)
    assert (ex.view, ex.query) == ("grid", 5)
    assert head is None or ex.head == head


# -- what goes wrong ------------------------------------------------------------------------------


def test_the_parts_of_a_processor_are_told_apart() -> None:
    texts, images, both = tokenizer(), processor(), Both()
    assert parts_of(texts) == (texts, None)
    assert parts_of(images) == (None, images)
    assert parts_of(both) == (both.tokenizer, both)
    assert parts_of(None) == (None, None)


def test_the_sign_of_an_image_stands_where_the_reader_put_it() -> None:
    class Qwen:
        image_token = "<|image_pad|>"

    whole = "<|vision_start|><|image_pad|><|vision_end|>"
    assert with_image(Qwen(), "see <image> here") == f"see {whole} here"
    assert with_image(Qwen(), "see") == f"{whole} see"
    assert with_image(Qwen(), f"see {whole}") == f"see {whole}"
    assert with_image(Both(), "see") == "see"


@pytest.mark.parametrize(
    ("args", "kwargs", "title", "detail"),
    [
        ((vit, None, a_picture()), {}, "no processor", "inputs=pixel_values"),
        ((vit, processor(), "cat.png"), {}, "the processor reads images", "PIL.Image.open"),
        ((vit, processor(), np.zeros((8, 8, 7))), {}, r"\(8, 8, 7\)", "1, 3 or 4 channels"),
        (
            (vit, processor(40), a_picture()),
            {},
            r"shape \(1, 3, 40, 40\), and the forward pass raised ValueError",
            r"3 channels of 32 × 32 pixels, \(B, 3, 32, 32\)",
        ),
        (
            (lambda: towers("CLIP"), Both(), a_picture()),
            {},
            "CLIPModel reads a text beside the image",
            "image=image",
        ),
        (
            (vit, lambda image: {}["x"], a_picture()),
            {},
            "The processor could not read an image of 96 × 96 pixels: KeyError",
            "inputs=",
        ),
        (
            (vit, lambda image: torch.zeros(1, 32, 32), a_picture()),
            {},
            r"shape \(1, 1, 32, 32\)",
            "3 channels",
        ),
    ],
)
def test_what_cannot_be_run_is_said_in_words(
    explored: Any, args: Any, kwargs: Any, title: str, detail: str
) -> None:
    make, *others = args
    with pytest.raises(Trouble) as caught:
        explored(make(), *others, **kwargs)

    assert re.search(title, caught.value.title), caught.value.title
    assert re.search(detail, caught.value.detail), caught.value.detail


def test_a_function_from_an_image_to_a_tensor_is_a_processor(explored: Any) -> None:
    def resized(image: Image.Image) -> torch.Tensor:
        return torch.tensor(np.asarray(image.resize((32, 32)))).permute(2, 0, 1) / 255

    ex = explored(vit(), resized, a_picture())
    assert ex.view == "image"
    assert len(ex.tokens) == 17


def test_several_images_at_once_are_those_of_a_batch(explored: Any) -> None:
    reads = processor()
    inputs = reads(images=[a_picture(), a_picture().rotate(90)], return_tensors="pt")
    ex = explored(vit(), reads, inputs=inputs, batch=1, view="image")
    shown, said = ex._session.snapshot.pass_tokens.image(ex.trace.stacks["vision"], 1)
    turned = np.asarray(a_picture().rotate(90).resize((32, 32), Image.Resampling.BILINEAR))
    assert np.abs(shown.astype(int) - turned).max() <= 1
    assert said == "as the model saw it"
    with pytest.raises(Trouble, match="processor reads images") as caught:
        explored(vit(), reads, [a_picture(), a_picture()])
    assert "several at once" in caught.value.detail


def test_a_text_may_come_with_a_model_that_has_no_image_in_it(explored: Any) -> None:
    config = hf.BertConfig(
        vocab_size=60, hidden_size=16, num_attention_heads=2, num_hidden_layers=1,
        intermediate_size=32,
    )  # fmt: skip
    ex = explored(hf.BertModel(config).eval(), tokenizer(), "w1 w2 w3 w4")
    assert ex.view == "lines"
    assert {t.patch for t in sides(ex, ex.stack).queries} == {None}
