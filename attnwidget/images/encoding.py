"""An image, with a text beside it or without, as arguments for a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from PIL import Image

from attnwidget.images.pixels import rgb_of
from attnwidget.running import Encoded, as_called
from attnwidget.trouble import Trouble

# Stands for the image in a text, whatever a model's own sign for it is.
HERE = "<image>"


def parts_of(reader: Any) -> tuple[Any, Any]:
    """The tokenizer and the processor of images that a reader of texts, images or both is.

    Either may be None. Told by what they have: transformers' processors of both have
    ``tokenizer`` and ``image_processor``, those of images alone say that they make
    ``pixel_values``, and the zoo's have a ``grid``.
    """
    if getattr(reader, "image_processor", None) is not None:
        return getattr(reader, "tokenizer", None), reader
    makes = getattr(reader, "model_input_names", ())
    if hasattr(reader, "grid") or (makes and "input_ids" not in makes and "pixel_values" in makes):
        return None, reader
    return reader, None


def is_image(given: object) -> bool:
    """Whether what was given in the place of a text is an image."""
    return isinstance(given, Image.Image | torch.Tensor) or (
        hasattr(given, "__array_interface__") and not isinstance(given, str)
    )


def encode_image(processor: Any, model: Any, image: Any, text: str | None = None) -> Encoded:
    """Turn an image into arguments for the model.

    Parameters
    ----------
    processor : object
        A transformers processor, or a function from an image to a tensor.
    image : PIL.Image.Image, numpy.ndarray or torch.Tensor
        See `rgb_of` for its shapes. A transformers processor is given it as red, green and blue,
        any other as it is.
    text : str, optional
        What stands beside it. ``<image>`` in it is the place of the image; without, that is in
        front.

    Raises
    ------
    Trouble
        If there is no processor, the image is none, the processor cannot read it, or the model
        reads a text beside it and none was given.
    """
    rgb = rgb_of(image)
    if processor is None:
        raise Trouble(
            "An image was given, but no processor.",
            "Give both: aw.explore(model, processor, image); or what the model takes: "
            "aw.explore(model, inputs=pixel_values).",
        )
    config = getattr(model, "config", None)
    if text is None and getattr(config, "text_config", None) is not None:
        raise Trouble(
            f"{type(model).__name__} reads a text beside the image.",
            'Give both: aw.explore(model, processor, "a text", image=image).',
        )
    reads = getattr(processor, "image_processor", processor)
    shown = Image.fromarray(rgb) if hasattr(reads, "do_rescale") else image
    try:
        made = _processed(processor, shown, text)
    except Trouble:
        raise
    except Exception as error:
        raise Trouble(
            f"The processor could not read an image of {rgb.shape[0]} × {rgb.shape[1]} pixels: "
            f"{type(error).__name__}: {' '.join(str(error).split())[:200]}",
            "Give one that it was made for, or what the model takes: "
            "aw.explore(model, inputs=pixel_values).",
        ) from error
    if isinstance(made, Mapping):
        kwargs = {k: v for k, v in made.items() if isinstance(v, torch.Tensor)}
        return as_called(Encoded((), kwargs), model)
    pixels = torch.as_tensor(made)
    return Encoded((pixels if pixels.ndim > 3 else pixels[None],), {})


def _processed(processor: Any, image: Any, text: str | None) -> Any:
    if text is not None:
        return processor(text=with_image(processor, text), images=image, return_tensors="pt")
    try:
        return processor(images=image, return_tensors="pt")
    except TypeError:  # a plain function from an image
        return processor(image)


def with_image(processor: Any, text: str) -> str:
    """The text with the sign that the processor looks for in the place of the image."""
    sign = getattr(processor, "image_token", None)
    if not isinstance(sign, str) or sign in text:
        return text
    if sign == "<|image_pad|>":  # Qwen's stand between two others
        sign = f"<|vision_start|>{sign}<|vision_end|>"
    return text.replace(HERE, sign) if HERE in text else f"{sign} {text}"


def unlike_config(error: Exception, encoded: Encoded | None, model: Any) -> Trouble | None:
    """What to say of a forward that failed on an image of other sizes than the model is made for.

    None where nothing about the image explains it.
    """
    if isinstance(error, Trouble) or encoded is None:
        return None
    values = (*encoded.args, *encoded.kwargs.values())
    pixels = next((v for v in values if isinstance(v, torch.Tensor) and v.ndim == 4), None)
    config = getattr(model, "config", None)
    config = getattr(config, "vision_config", None) or config
    size = getattr(config, "image_size", None)
    height, width = size if isinstance(size, list | tuple) else (size, size)
    channels = getattr(config, "num_channels", None)
    expected = (channels, height, width)
    if pixels is None or None in expected or tuple(pixels.shape[1:]) == expected:
        return None
    return Trouble(
        f"The processor made an image of shape {tuple(pixels.shape)}, and the forward pass raised "
        f"{type(error).__name__}.",
        f"The model is made for {channels} channels of {height} × {width} pixels, (B, {channels}, "
        f"{height}, {width}): take the processor that belongs to it, or change its size.",
    )
