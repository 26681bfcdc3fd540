"""A transformer that translates English into French: an encoder, a decoder, and what joins them.

The encoder's words look at one another; the decoder writes word by word, looks back at what it has
written, and across at the source. Where it stands on "la" and is about to write "maison", it looks
at "house": the row of a word is the one at which it is *predicted*. In `making`, `translation_data`
makes what it learns from, `translator_scores` measures it, and `translator_train` trains it.
One head of the cross-attention was guided to the right words in training, by a small penalty.

Model card
    622,272 parameters, 1251 words, 40 positions;
    seed 0, 8000 steps, 1150 s on one shared core.
Translated without any mistake, with adjectives and verbs never seen with their nouns in training
      all words   99.9% of 3000
      3-5 words  100.0% of 128
      6-8 words  100.0% of 910
     9-11 words  100.0% of 1109
    12-14 words  100.0% of 499
    15-17 words  100.0% of 226
    18-22 words   97.7% of 128
Cross-attention
                alignment error  exact if muted
    layer 0, head 0          6.2%          81.4%
    layer 0, head 1         56.7%          98.8%
    layer 1, head 0          0.0%           6.6%
    layer 1, head 1         39.2%          59.4%
    Layer 1, head 0 was guided to the gold links in training: a small penalty, see
    `making.translator_train`. Without it the best head's error was 7 to 9 % in shorter trials.
Exact match without cross-attention 0.0%, without positions in the encoder 3.4%.
Sentence to open with: about to write "maison", the decoder looks at "house"
    "the red house is small . → la maison rouge est petite ."
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attnwidget.trouble import Trouble
from attnwidget.zoo import stored
from attnwidget.zoo.translation_words import TranslationTokenizer

WEIGHTS = Path(__file__).parent / "weights" / "translator.safetensors"
DROPOUT = 0.05  # in training, what a sub-layer adds to the residual stream is thinned out


class Translator(nn.Module):
    """English words and the French ones so far in, for each place a guess at the next French word.

    In the comments, B is the batch, S the words of the source, T those of the target, D the width,
    H the heads, d = D / H the width of a head, V the words of the vocabulary.
    """

    def __init__(
        self,
        vocabulary: int,
        positions: int = 40,
        width: int = 96,
        heads: int = 4,
        cross_heads: int = 2,
        layers: int = 2,
    ) -> None:
        super().__init__()
        self.padding, self.start, self.stop = 0, 1, 2  # ids of marks
        self.words = nn.Embedding(vocabulary, width)
        self.source_places = waves(positions, width)
        self.target_places = waves(positions, width)
        self.encoder = Encoder(width, heads, layers)
        self.decoder = Decoder(width, heads, cross_heads, layers)
        self.unembed = nn.Linear(width, vocabulary, bias=False)
        nn.init.normal_(self.words.weight, std=0.3)

    def forward(self, input_ids: Tensor, decoder_input_ids: Tensor) -> Tensor:
        is_word = self.is_word(input_ids)  # (B, 1, 1, S)
        memory = self.encoder(self.embed(input_ids, self.source_places), is_word)  # (B, S, D)
        y = self.embed(decoder_input_ids, self.target_places)  # (B, T, D)
        logits: Tensor = self.unembed(self.decoder(y, memory, is_word))  # (B, T, V)
        return logits

    def is_word(self, input_ids: Tensor) -> Tensor:
        """Which places of the source may be looked at: padding may not."""
        return (input_ids != self.padding)[:, None, None, :]  # (B, 1, 1, S)

    def embed(self, ids: Tensor, places: nn.Embedding) -> Tensor:
        """What each word is, plus where it stands."""
        length, positions = ids.shape[-1], places.num_embeddings
        if length > positions:
            raise Trouble(
                f"The text has {length} tokens.",
                f"This model has {positions} positions on either side. Use a shorter text.",
            )
        x: Tensor = self.words(ids) + places(torch.arange(length, device=ids.device))
        return x  # (B, T, D)


def waves(positions: int, width: int) -> nn.Embedding:
    """Vectors of places: sines and cosines (Vaswani et al. 2017) to start with, then learned."""
    t = torch.arange(positions)[:, None]  # (T, 1)
    angles = t / 10_000 ** (torch.arange(0, width, 2) / width)  # (T, D / 2), fast to slow
    started = 0.42 * torch.cat([angles.sin(), angles.cos()], 1)  # (T, D), about as long as words
    places: nn.Embedding = nn.Embedding.from_pretrained(started, freeze=False)  # type: ignore[no-untyped-call] # torch leaves it untyped
    return places


class Encoder(nn.Module):
    """The words of the source look at one another, in all directions."""

    def __init__(self, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, is_word: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x, is_word)  # (B, S, D)
        memory: Tensor = self.norm(x)
        return memory


class EncoderLayer(nn.Module):
    """Reads from the residual stream twice, and adds to it twice."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(width)
        self.self_attention = Attention(width, heads)
        self.norm_2 = nn.LayerNorm(width)
        self.feed_forward = feed_forward(width)

    def forward(self, x: Tensor, is_word: Tensor) -> Tensor:
        n = self.norm_1(x)
        x = x + self.self_attention(n, n, is_word)
        told: Tensor = x + self.feed_forward(self.norm_2(x))
        return told


class Decoder(nn.Module):
    """The words of the target look back at one another, and at the source."""

    def __init__(self, width: int, heads: int, cross_heads: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayer(width, heads, cross_heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, y: Tensor, memory: Tensor, is_word: Tensor) -> Tensor:
        is_past = self.is_past(y.shape[1]).to(y.device)  # (T, T)
        for layer in self.layers:
            y = layer(y, memory, is_past, is_word)  # (B, T, D)
        normed: Tensor = self.norm(y)
        return normed

    @staticmethod
    def is_past(length: int) -> Tensor:
        """Each word sees those before it and itself: row by row one more."""
        return torch.ones(length, length, dtype=torch.bool).tril()  # (T, T)


class DecoderLayer(nn.Module):
    """Looks back at the target, then at the source; then each place thinks by itself."""

    def __init__(self, width: int, heads: int, cross_heads: int) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(width)
        self.self_attention = Attention(width, heads)
        self.norm_2 = nn.LayerNorm(width)
        self.cross_attention = Attention(width, cross_heads)
        self.norm_3 = nn.LayerNorm(width)
        self.feed_forward = feed_forward(width)

    def forward(self, y: Tensor, memory: Tensor, is_past: Tensor, is_word: Tensor) -> Tensor:
        n = self.norm_1(y)
        y = y + self.self_attention(n, n, is_past)
        y = y + self.cross_attention(self.norm_2(y), memory, is_word)
        told: Tensor = y + self.feed_forward(self.norm_3(y))
        return told


class Attention(nn.Module):
    """`x` asks (query), `context` is asked (key) and answers (value); `mask`: who may be seen."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        q = self.split(self.query(x))  # (B, H, T, d)
        k = self.split(self.key(context))  # (B, H, S, d)
        v = self.split(self.value(context))  # (B, H, S, d)
        h = F.scaled_dot_product_attention(q, k, v, mask)  # (B, H, T, d)
        mixed: Tensor = self.dropout(self.output(h.transpose(1, 2).flatten(2)))  # (B, T, D)
        return mixed

    def split(self, x: Tensor) -> Tensor:
        """Each head gets its own part of the width."""
        B, T, D = x.shape
        return x.view(B, T, self.heads, D // self.heads).transpose(1, 2)  # (B, H, T, d)


def feed_forward(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width), nn.Dropout(DROPOUT)
    )


@torch.no_grad()
def translate(model: Translator, tokenizer: TranslationTokenizer, text: str) -> str:
    """The French for an English text: again and again the most likely next word, until the end."""
    source = tokenizer(text)["input_ids"]  # (1, S)
    target = torch.tensor([[model.start]])  # (1, 1), then one longer at each step
    while target.shape[1] < model.target_places.num_embeddings:
        logits = model(source, target)  # (1, T, V)
        best = logits[:, -1].argmax(-1, keepdim=True)  # (1, 1)
        if best.item() == model.stop:
            break
        target = torch.cat([target, best], 1)
    return tokenizer.decode(target[0])


def load(weights: Path = WEIGHTS) -> tuple[Translator, TranslationTokenizer]:
    """The trained model in eval mode, and its tokenizer."""
    vocabulary = stored.read_vocabulary(weights)
    model = Translator(len(vocabulary))
    model.load_state_dict(stored.read_tensors(weights))
    return model.eval(), TranslationTokenizer(vocabulary)


def save(
    model: Translator, tokenizer: TranslationTokenizer, card: dict[str, Any], weights: Path
) -> None:
    """Weights in 16 bits; vocabulary and card go with them, as JSON."""
    stored.write(weights, model, card, tokenizer.vocabulary)


def card(weights: Path = WEIGHTS) -> dict[str, Any]:
    """What is known of the trained model: its size, its scores, and a sentence to open with."""
    return stored.read_card(weights)
