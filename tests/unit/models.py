"""A shelf of tiny models: the ways in which people write attention."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention  # bound at import, as many do

D, HEADS = 16, 4


def split(x: Tensor, heads: int = HEADS) -> Tensor:
    """(B, T, D) to (B, heads, T, D / heads)."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def merge(x: Tensor) -> Tensor:
    """(B, heads, T, d) to (B, T, heads * d)."""
    return x.transpose(1, 2).flatten(2)


class Projections(nn.Module):
    def __init__(self, kv_heads: int = HEADS) -> None:
        super().__init__()
        self.q_proj = nn.Linear(D, D)
        self.k_proj = nn.Linear(D, D // HEADS * kv_heads)
        self.v_proj = nn.Linear(D, D // HEADS * kv_heads)
        self.out = nn.Linear(D, D)

    def qkv(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.q_proj(x), self.k_proj(x), self.v_proj(x)


class Sdpa(Projections):
    """Hand-written around scaled_dot_product_attention."""

    def __init__(
        self, mask: str = "none", kv_heads: int = HEADS, scale: float | None = None
    ) -> None:
        super().__init__(kv_heads)
        self.mask, self.kv_heads, self.scale = mask, kv_heads, scale

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x)
        q, k, v = split(q), split(k, self.kv_heads), split(v, self.kv_heads)
        lower = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
        mask = {
            "bool": lower,
            "float": torch.zeros_like(lower, dtype=x.dtype).masked_fill(~lower, -math.inf),
        }.get(self.mask)
        grouped = {"enable_gqa": True} if self.kv_heads != HEADS else {}
        causal = self.mask == "causal"
        y = scaled_dot_product_attention(
            q, k, v, attn_mask=mask, is_causal=causal, scale=self.scale, **grouped
        )
        return self.out(merge(y))


class Folded(Projections):
    """sdpa or bmm on (B * H, T, d)."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        b, t, _ = x.shape
        q, k, v = (split(part).reshape(b * HEADS, t, -1) for part in self.qkv(x))
        if self.how == "sdpa":
            y = F.scaled_dot_product_attention(q, k, v)
        elif self.how == "baddbmm":
            bias = torch.full((b * HEADS, t, t), -math.inf, device=x.device, dtype=x.dtype).triu(1)
            y = torch.softmax(torch.baddbmm(bias, q, k.mT, alpha=q.shape[-1] ** -0.5), -1) @ v
        else:
            y = torch.bmm(torch.bmm(q / math.sqrt(q.shape[-1]), k.transpose(1, 2)).softmax(-1), v)
        return self.out(y.view(b, HEADS, t, -1).transpose(1, 2).reshape(b, t, -1))


class TimeFirst(Projections):
    """(T, B, D) with heads folded in, as fairseq and nn.MultiheadAttention do."""

    def forward(self, x: Tensor) -> Tensor:
        t, b, _ = x.shape
        q, k, v = (part.view(t, b * HEADS, -1).transpose(0, 1) for part in self.qkv(x))
        weights = F.softmax(torch.bmm(q * q.shape[-1] ** -0.5, k.transpose(1, 2)), dim=-1)
        y = torch.bmm(F.dropout(weights, 0.0), v).transpose(0, 1).contiguous().view(t, b, -1)
        return self.out(y)


class ConcatenatedHeads(Projections):
    """Heads cut from the features and laid along the batch: index is head * B + batch."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (torch.cat(part.split(D // HEADS, dim=2), dim=0) for part in self.qkv(x))
        y = torch.softmax(q @ k.transpose(1, 2) / 2.0, -1) @ v
        return self.out(torch.cat(y.split(x.shape[0], dim=0), dim=2))


class Notebook(Projections):
    """The course notebook: nothing flagged, and the map is returned with the output."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        q, k, v = (split(part) for part in self.qkv(x))
        scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(q.size(-1))
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e9)
        weights = F.softmax(scores, dim=-1)
        return self.out(merge(torch.matmul(weights, v))), weights


class InPlace(Projections):
    """The same, with everything in place."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (split(part) for part in self.qkv(x))
        scores = q @ k.mT
        scores /= math.sqrt(q.size(-1))
        scores += 0.1 * torch.arange(x.shape[1], device=x.device)
        upper = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).triu(1)
        scores.masked_fill_(upper, -math.inf)
        return self.out(merge(scores.softmax(-1) @ v))


class Unbatched(nn.Module):
    """Two axes, and returns H and A as the notebook writes them."""

    def __init__(self) -> None:
        super().__init__()
        self.W_q, self.W_k, self.W_v = (nn.Parameter(torch.randn(D, D) / 4) for _ in range(3))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        q, k, v = x @ self.W_q, x @ self.W_k, x @ self.W_v
        A = torch.softmax(q @ k.T / math.sqrt(D), dim=1)
        H = A @ v
        return H, A


class Columns(nn.Module):
    """Tokens in columns: A = softmax(K^T Q) over the first axis, H = V A."""

    def __init__(self) -> None:
        super().__init__()
        self.W_q, self.W_k, self.W_v = (nn.Parameter(torch.randn(D, D) / 4) for _ in range(3))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        q, k, v = self.W_q @ x, self.W_k @ x, self.W_v @ x
        A = torch.softmax(k.transpose(-2, -1) @ q / math.sqrt(D), dim=-2)
        H = v @ A
        return H, A


class Einsum(Projections):
    """einsum, with the key-value heads grouped where there are fewer."""

    def __init__(self, kv_heads: int = HEADS, dots: bool = False) -> None:
        super().__init__(kv_heads)
        self.kv_heads, self.dots = kv_heads, dots

    def forward(self, x: Tensor) -> Tensor:
        b, t, _ = x.shape
        q, k, v = (part.view(b, t, -1, D // HEADS) for part in self.qkv(x))
        if self.dots:
            q, k, v = (part.transpose(1, 2) for part in (q, k, v))
            weights = torch.einsum("...qd,...kd->...qk", q, k).softmax(-1)
            return self.out(merge(torch.einsum("...qk,...kd->...qd", weights, v)))
        if self.kv_heads != HEADS:
            q = q.view(b, t, self.kv_heads, -1, D // HEADS)
            weights = torch.einsum("bqhgd,bkhd->bhgqk", q, k).softmax(-1)
            return self.out(torch.einsum("bhgqk,bkhd->bqhgd", weights, v).reshape(b, t, -1))
        weights = torch.softmax(torch.einsum("bqhd,bkhd->bhqk", q, k) * 0.5, dim=-1)
        return self.out(torch.einsum("bhqk,bkhd->bqhd", weights, v).flatten(2))


class NanoBlock(nn.Module):
    """A block in the manner of nanoGPT, flash or by hand."""

    def __init__(self, flash: bool, dropout: float = 0.0) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(D), nn.LayerNorm(D)
        self.c_attn, self.c_proj = nn.Linear(D, 3 * D), nn.Linear(D, D)
        self.mlp = nn.Sequential(nn.Linear(D, 4 * D), nn.GELU(), nn.Linear(4 * D, D))
        self.flash, self.attn_dropout = flash, nn.Dropout(dropout)
        self.register_buffer("bias", torch.tril(torch.ones(64, 64)).view(1, 1, 64, 64))

    def attention(self, x: Tensor) -> Tensor:
        b, t, c = x.size()
        q, k, v = self.c_attn(x).split(c, dim=2)
        q, k, v = (part.view(b, t, HEADS, c // HEADS).transpose(1, 2) for part in (q, k, v))
        if self.flash:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
            att = att.masked_fill(self.bias[:, :, :t, :t] == 0, float("-inf"))
            y = self.attn_dropout(F.softmax(att, dim=-1)) @ v
        return self.c_proj(y.transpose(1, 2).contiguous().view(b, t, c))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class NanoGPT(nn.Module):
    def __init__(self, flash: bool = True, layers: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        self.wte = nn.Embedding(50, D)
        self.h = nn.ModuleList(NanoBlock(flash, dropout) for _ in range(layers))
        self.lm_head = nn.Linear(D, 50, bias=False)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.wte(ids)
        for block in self.h:
            x = block(x)
        return self.lm_head(x)


class Head(nn.Module):
    """One head of the lecture notebook; several stand in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.key, self.query, self.value = (nn.Linear(D, D // HEADS, bias=False) for _ in range(3))
        self.register_buffer("tril", torch.tril(torch.ones(64, 64)))

    def forward(self, x: Tensor) -> Tensor:
        t = x.shape[1]
        k, q = self.key(x), self.query(x)
        wei = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
        wei = wei.masked_fill(self.tril[:t, :t] == 0, float("-inf"))
        return F.softmax(wei, dim=-1) @ self.value(x)


class Heads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList(Head() for _ in range(HEADS))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([head(x) for head in self.heads], dim=-1)


class TalkingHeads(Projections):
    """Maps mixed across heads before and after the softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = nn.Linear(HEADS, HEADS), nn.Linear(HEADS, HEADS)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (split(part) for part in self.qkv(x))
        scores = self.before((q @ k.mT).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        weights = self.after(scores.softmax(-1).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.out(merge(weights @ v))


class Router(nn.Module):
    """A mixture of experts and a classifier: softmaxes that are no attention."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.randn(D, 3))
        self.experts = nn.ModuleList(nn.Linear(D, D) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        share = torch.softmax(x @ self.gate, dim=-1)
        made = torch.stack([expert(x) for expert in self.experts], dim=-2)
        return torch.softmax((share.unsqueeze(-2) @ made).squeeze(-2), dim=-1)


@dataclass(frozen=True)
class Shelf:
    """A model, and what to call it with.

    `calls` is the number of attention calls, `shape` their (B, H, Tq, Tk), if all have the same.
    """

    make: Callable[[], nn.Module]
    inputs: Callable[[], tuple[tuple[Any, ...], dict[str, Any]]]
    calls: int
    shape: tuple[int, int, int, int] | None = None
    source: str | None = None


def _x(*shape: int) -> Callable[[], tuple[tuple[Any, ...], dict[str, Any]]]:
    return lambda: ((torch.randn(*(shape or (2, 5, D))),), {})


def _padded() -> Tensor:
    padding = torch.zeros(2, 5, dtype=torch.bool)
    padding[1, 3:] = True
    return padding


def _triangle(n: int = 5) -> Tensor:
    return nn.Transformer.generate_square_subsequent_mask(n)


def _self(**more: Any) -> Callable[[], tuple[tuple[Any, ...], dict[str, Any]]]:
    def inputs() -> tuple[tuple[Any, ...], dict[str, Any]]:
        x = torch.randn(2, 5, D)
        return (x, x, x), {name: f() if callable(f) else f for name, f in more.items()}

    return inputs


def _cross() -> tuple[tuple[Any, ...], dict[str, Any]]:
    memory = torch.randn(2, 7, D)
    return (torch.randn(2, 5, D), memory, memory), {}


def _encoder(**options: Any) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        layer = nn.TransformerEncoderLayer(D, HEADS, 32, batch_first=True, **options)
        return nn.TransformerEncoder(layer, 2, enable_nested_tensor=not options.get("norm_first"))

    return make


def _decoder() -> nn.Module:
    return nn.TransformerDecoder(nn.TransformerDecoderLayer(D, HEADS, 32, batch_first=True), 2)


SQUARE = (2, HEADS, 5, 5)

PLAIN: dict[str, Shelf] = {
    "sdpa": Shelf(Sdpa, _x(), 1, SQUARE, "sdpa"),
    "sdpa causal": Shelf(lambda: Sdpa("causal"), _x(), 1, SQUARE, "sdpa"),
    "sdpa bool mask": Shelf(lambda: Sdpa("bool"), _x(), 1, SQUARE, "sdpa"),
    "sdpa float mask": Shelf(lambda: Sdpa("float"), _x(), 1, SQUARE, "sdpa"),
    "sdpa grouped": Shelf(lambda: Sdpa(kv_heads=2), _x(), 1, SQUARE, "sdpa"),
    "sdpa scale": Shelf(lambda: Sdpa(scale=0.3), _x(), 1, SQUARE, "sdpa"),
    "sdpa folded": Shelf(lambda: Folded("sdpa"), _x(), 1, SQUARE, "sdpa"),
    "bmm folded": Shelf(lambda: Folded("bmm"), _x(), 1, SQUARE, "softmax"),
    "baddbmm folded": Shelf(lambda: Folded("baddbmm"), _x(), 1, SQUARE, "softmax"),
    "time first": Shelf(TimeFirst, _x(5, 2, D), 1, SQUARE, "softmax"),
    "concatenated heads": Shelf(ConcatenatedHeads, _x(), 1, SQUARE, "softmax"),
    "notebook": Shelf(Notebook, _x(), 1, SQUARE, "softmax"),
    "notebook masked": Shelf(
        Notebook, lambda: ((torch.randn(2, 5, D), torch.ones(5, 5).tril()), {}), 1, SQUARE
    ),
    "in place": Shelf(InPlace, _x(), 1, SQUARE, "softmax"),
    "unbatched": Shelf(Unbatched, _x(5, D), 1, (1, 1, 5, 5), "softmax"),
    "columns": Shelf(Columns, _x(D, 5), 1, (1, 1, 5, 5), "softmax"),
    "columns batched": Shelf(Columns, _x(2, D, 5), 1, (2, 1, 5, 5), "softmax"),
    "einsum": Shelf(Einsum, _x(), 1, SQUARE, "softmax"),
    "einsum grouped": Shelf(lambda: Einsum(kv_heads=2), _x(), 1, SQUARE, "softmax"),
    "einsum dots": Shelf(lambda: Einsum(dots=True), _x(), 1, SQUARE, "softmax"),
    "nanoGPT flash": Shelf(
        NanoGPT, lambda: ((torch.randint(0, 50, (2, 5)),), {}), 2, SQUARE, "sdpa"
    ),
    "nanoGPT by hand": Shelf(
        lambda: NanoGPT(flash=False), lambda: ((torch.randint(0, 50, (2, 5)),), {}), 2, SQUARE
    ),
    "nanoGPT dropout": Shelf(
        lambda: NanoGPT(flash=False, dropout=0.3),
        lambda: ((torch.randint(0, 50, (2, 5)),), {}),
        2,
        SQUARE,
    ),
    "single heads": Shelf(Heads, _x(), HEADS, (2, 1, 5, 5), "softmax"),
    "talking heads": Shelf(TalkingHeads, _x(), 1, SQUARE, "softmax"),
    "router": Shelf(Router, _x(), 0),
    "mha": Shelf(lambda: nn.MultiheadAttention(D, HEADS, batch_first=True), _self(), 1, SQUARE),
    "mha time first": Shelf(
        lambda: nn.MultiheadAttention(D, HEADS),
        lambda: ((x := torch.randn(5, 2, D), x, x), {}),
        1,
        SQUARE,
        "multi_head_attention",
    ),
    "mha no weights": Shelf(
        lambda: nn.MultiheadAttention(D, HEADS, batch_first=True),
        _self(need_weights=False),
        1,
        SQUARE,
    ),
    "mha padding": Shelf(
        lambda: nn.MultiheadAttention(D, HEADS, batch_first=True),
        _self(key_padding_mask=_padded),
        1,
        SQUARE,
    ),
    "mha mask": Shelf(
        lambda: nn.MultiheadAttention(D, HEADS, batch_first=True, dropout=0.2),
        _self(attn_mask=_triangle),
        1,
        SQUARE,
    ),
    "mha unbatched": Shelf(
        lambda: nn.MultiheadAttention(D, HEADS),
        lambda: ((x := torch.randn(5, D), x, x), {}),
        1,
        (1, HEADS, 5, 5),
    ),
    "mha odd heads": Shelf(
        lambda: nn.MultiheadAttention(D, 1, batch_first=True), _self(), 1, (2, 1, 5, 5)
    ),
    "mha other sizes": Shelf(
        lambda: nn.MultiheadAttention(D, HEADS, kdim=6, vdim=7, batch_first=True),
        lambda: ((torch.randn(2, 5, D), torch.randn(2, 7, 6), torch.randn(2, 7, 7)), {}),
        1,
        (2, HEADS, 5, 7),
    ),
    "mha extra key": Shelf(
        lambda: nn.MultiheadAttention(
            D, HEADS, add_bias_kv=True, add_zero_attn=True, batch_first=True
        ),
        _self(),
        1,
        (2, HEADS, 5, 7),
    ),
    "mha cross": Shelf(
        lambda: nn.MultiheadAttention(D, HEADS, batch_first=True), _cross, 1, (2, HEADS, 5, 7)
    ),
    "encoder": Shelf(_encoder(), _x(), 2, SQUARE),
    "encoder norm first": Shelf(_encoder(norm_first=True), _x(), 2, SQUARE),
    "encoder gelu": Shelf(_encoder(activation="gelu"), _x(), 2, SQUARE),
    "encoder padded": Shelf(
        _encoder(),
        lambda: ((torch.randn(2, 5, D),), {"src_key_padding_mask": _padded()}),
        2,
        SQUARE,
    ),
    "encoder norm first padded": Shelf(
        _encoder(norm_first=True),
        lambda: ((torch.randn(2, 5, D),), {"src_key_padding_mask": _padded()}),
        2,
        SQUARE,
    ),
    "encoder mask": Shelf(
        _encoder(), lambda: ((torch.randn(2, 5, D),), {"mask": _triangle()}), 2, SQUARE
    ),
    "encoder mask and padding": Shelf(
        _encoder(),
        lambda: (
            (torch.randn(2, 5, D),),
            {"mask": _triangle() != 0, "src_key_padding_mask": _padded()},
        ),
        2,
        SQUARE,
    ),
    "encoder layer": Shelf(
        lambda: nn.TransformerEncoderLayer(D, HEADS, 32, batch_first=True), _x(), 1, SQUARE
    ),
    "decoder": Shelf(
        _decoder,
        lambda: ((torch.randn(2, 5, D), torch.randn(2, 7, D)), {"tgt_mask": _triangle()}),
        4,
    ),
    "transformer": Shelf(
        lambda: nn.Transformer(D, HEADS, 2, 2, 32, batch_first=True),
        lambda: ((torch.randn(2, 7, D), torch.randn(2, 5, D)), {"tgt_mask": _triangle()}),
        6,
    ),
}


def transformers_model(name: str, attention: str = "sdpa", **options: Any) -> nn.Module:
    """A tiny transformers model made from its config, with seeded weights, in eval mode."""
    import transformers as hf

    small = {"hidden_size": D, "intermediate_size": 32, "num_hidden_layers": 2}
    words = {"vocab_size": 50, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2}
    configs: dict[str, Callable[[], Any]] = {
        "bert": lambda: hf.BertConfig(**small, **words, num_attention_heads=HEADS, **options),
        "gpt2": lambda: hf.GPT2Config(n_embd=D, n_head=HEADS, n_layer=2, **words, **options),
        "llama": lambda: hf.LlamaConfig(
            **small, **words, num_attention_heads=HEADS, num_key_value_heads=2, **options
        ),
        "t5": lambda: hf.T5Config(
            d_model=D, d_ff=32, d_kv=4, num_heads=HEADS, num_layers=2, **words, **options
        ),
        "bart": lambda: hf.BartConfig(
            d_model=D,
            encoder_ffn_dim=32,
            decoder_ffn_dim=32,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=HEADS,
            decoder_attention_heads=HEADS,
            decoder_start_token_id=1,
            **words,
            **options,
        ),
        "vit": lambda: hf.ViTConfig(
            **small, num_attention_heads=HEADS, image_size=16, patch_size=8, **options
        ),
        "gemma2": lambda: hf.Gemma2Config(
            **small,
            **words,
            num_attention_heads=HEADS,
            num_key_value_heads=2,
            head_dim=4,
            **options,
        ),
        "gpt_oss": lambda: hf.GptOssConfig(
            **small,
            **words,
            num_attention_heads=HEADS,
            num_key_value_heads=2,
            head_dim=4,
            num_local_experts=2,
            num_experts_per_tok=1,
            **options,
        ),
        "bloom": lambda: hf.BloomConfig(hidden_size=D, n_head=HEADS, n_layer=2, **words, **options),
    }
    torch.manual_seed(3)
    config = configs[name]()
    return hf.AutoModel.from_config(config, attn_implementation=attention).eval()


def transformers_inputs(name: str, padded: str = "no") -> dict[str, Tensor]:
    """Two sequences of 7 tokens, the second with 3 tokens of padding on the side asked for."""
    torch.manual_seed(4)
    if name == "vit":
        return {"pixel_values": torch.randn(2, 3, 16, 16)}
    inputs = {"input_ids": torch.randint(3, 50, (2, 7))}
    if padded != "no":
        inputs["attention_mask"] = torch.ones(2, 7, dtype=torch.long)
        inputs["attention_mask"][1, slice(4, 7) if padded == "right" else slice(0, 3)] = 0
    if name in ("t5", "bart"):
        inputs["decoder_input_ids"] = torch.randint(3, 50, (2, 5))
    return inputs
