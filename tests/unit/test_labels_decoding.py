"""Labels joined are the passage: 44 sentences through vocabularies so small that characters split.

The vocabularies are trained here, on Latin letters alone, so that most other characters fall apart
into bytes, or are unknown.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

from attnwidget import labels
from attnwidget.labels import Token

SENTENCES = [
    # Latin
    "The animal didn't cross the street because it was too tired.",
    "Two  spaces,   three spaces and a tab\tbetween the words",
    "Ünser Käse hieß früher ganz anders, sagte Jörg.",
    "Le garçon naïf a déjà mangé l'œuf à Noël !",
    "¿Dónde está el niño? ¡Mañana vendrá!",
    "Żółta łódź płynie wśród gęstej mgły.",
    "Ngày mai tôi sẽ đến trường bằng xe đạp.",
    "Il costo è di 3.141,59 € (circa 12% in più)…",
    "ÅNGSTRÖM UND ÉCLAIR IN CAPITALS",
    "e\u0301tude with a combining accent, then cafe\u0301",
    # Cyrillic, Greek, Armenian, Georgian
    "Маленький ёжик спит под старой берёзой.",
    "Їжак і ґава живуть біля річки.",
    "Η γάτα κοιμάται πάνω στο ζεστό παράθυρο.",
    "Փոքրիկ կատուն քնած է պատուհանի մոտ։",
    "პატარა კატა ფანჯარასთან იძინებს.",
    # Right to left
    "القطة الصغيرة نائمة قرب النافذة.",
    "ذَهَبَ الوَلَدُ إلى المَدرَسةِ صَباحًا",
    "החתול הקטן ישן ליד החלון.",
    "שָׁלוֹם לְכֻלָּם, צה״ל",
    "گربه‌ی کوچک می‌خوابد",
    # India and further east
    "छोटी बिल्ली खिड़की के पास सो रही है।",
    "ক্ষুদ্র বিড়ালটি জানালার পাশে ঘুমায়।",
    "சின்ன பூனை ஜன்னல் அருகே தூங்குகிறது.",
    "చిన్న పిల్లి కిటికీ దగ్గర నిద్రపోతోంది",
    "แมวตัวเล็กนอนหลับอยู่ข้างหน้าต่าง",
    "ແມວນ້ອຍນອນຢູ່ໃກ້ປ່ອງຢ້ຽມ",
    "កូនឆ្មាកំពុងគេង",
    "ကြောင်လေး အိပ်နေတယ်",
    "小猫睡在窗户旁边，外面正在下雨。",
    "小貓睡在窗邊𠮷野家，iPhone 手機",
    "小さなねこが、まどのそばでねむっている。コーヒー!",
    "작은 고양이가 창가에서 자고 있어요.",
    "ትንሿ ድመት ተኝታለች።",
    # Symbols
    "Family 👨‍👩‍👧‍👦, thumbs 👍🏽👍🏿 and flags 🇳🇵🇨🇭!",
    "👩🏽‍💻❤️‍🔥☃️",
    "∀x∈ℝ: ⌈x⌉ = −⌊−x⌋, α² + β² ≠ γ²",
    # Code and odd white space
    "def f(x):\n    if x > 0:\n        return x ** 2\n\treturn None",
    "for (int i = 0; i < n; ++i) {\r\n  a[i] += 1;\r\n}",
    "\n\nTwo empty lines before, one after\n",
    "  spaces around  ",
    "a no-break\u00a0space, an ideographic\u3000one and\u2028a line mark",
    "<br> and [1] and <b>bold</b> & \"quoted\" 'too' <0x41>",
    # Not quite text
    "null \x00, bell \x07, escape \x1b[0m, BOM \ufeff, bad \ufffd\ufffd and end \U0010ffff",
    "Z̷̢̛a̶̡͝l̵̨͑g̸̰̀o̴͚̽",
]
LATIN = [sentence for sentence in SENTENCES if sentence.isascii()] * 2


def joined(tokens: Sequence[Token]) -> str:
    return "".join(token.gap + token.text for token in tokens if not token.kind)


def with_marks(tokenizer: Tokenizer) -> Tokenizer:
    """Puts <s> and </s> around every text."""
    tokenizer.add_special_tokens(["<s>", "</s>"])
    marks = [(mark, tokenizer.token_to_id(mark)) for mark in ("<s>", "</s>")]
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=marks)
    return tokenizer


@cache
def byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=330, initial_alphabet=alphabet, show_progress=False, min_frequency=2
    )
    tokenizer.train_from_iterator(SENTENCES * 2, trainer)
    return with_marks(tokenizer)


def with_bytes(tokenizer: Tokenizer) -> Tokenizer:
    """The same with ``<0x00>`` to ``<0xFF>``, as SentencePiece makes them."""
    made = json.loads(tokenizer.to_str())
    pieces = [f"<0x{byte:02X}>" for byte in range(256)]
    vocabulary = made["model"]["vocab"]
    if isinstance(vocabulary, dict):
        vocabulary |= {piece: len(vocabulary) + i for i, piece in enumerate(pieces)}
    else:
        vocabulary += [[piece, -30.0] for piece in pieces]
    made["model"]["byte_fallback"] = True
    return with_marks(Tokenizer.from_str(json.dumps(made)))


@cache
def unigram() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=150, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(LATIN, trainer)
    tokenizer.decoder = decoders.Sequence(
        [decoders.ByteFallback(), decoders.Metaspace(), decoders.Fuse()]
    )
    return with_bytes(tokenizer)


@cache
def llama_like() -> Tokenizer:
    """BPE with byte fallback; spaces are swapped by the normalizer, as Llama 2 does."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    trainer = trainers.BpeTrainer(vocab_size=150, special_tokens=["<unk>"], show_progress=False)
    tokenizer.train_from_iterator(LATIN, trainer)
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return with_bytes(tokenizer)


@cache
def word_piece() -> Tokenizer:
    """Lower case without accents, as in BERT; most other scripts are unknown."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=400, special_tokens=["[UNK]"], show_progress=False, limit_alphabet=120
    )
    tokenizer.train_from_iterator(SENTENCES * 2, trainer)
    return with_marks(tokenizer)


def as_is(tokenizer: Tokenizer) -> Any:
    return tokenizer


def in_transformers(tokenizer: Tokenizer) -> Any:
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        clean_up_tokenization_spaces=0,
    )


def ids_of(tokenizer: Any, text: str, marks: bool) -> list[int]:
    made = tokenizer.encode(text, add_special_tokens=marks)
    return list(made.ids if isinstance(tokenizer, Tokenizer) else made)


every_way = pytest.mark.parametrize("marks", [True, False], ids=["marks", "bare"])
every_wrapping = pytest.mark.parametrize("wrap", [as_is, in_transformers])
every_sentence = pytest.mark.parametrize("text", SENTENCES)


def test_the_sentences_are_in_many_scripts() -> None:
    names = {
        unicodedata.name(letter, "?").split()[0]
        for sentence in SENTENCES
        for letter in sentence
        if letter.isalpha()
    }
    scripts = {
        *"LATIN CYRILLIC GREEK ARMENIAN GEORGIAN ARABIC HEBREW DEVANAGARI BENGALI TAMIL".split(),
        *"TELUGU THAI LAO KHMER MYANMAR CJK HIRAGANA KATAKANA HANGUL ETHIOPIC".split(),
    }
    assert scripts <= names
    assert len(set(SENTENCES)) >= 40


@every_sentence
@every_wrapping
@every_way
def test_byte_level_ids_alone_give_the_text(
    text: str, wrap: Callable[[Tokenizer], Any], marks: bool
) -> None:
    tokenizer = wrap(byte_level())
    ids = ids_of(tokenizer, text, marks)
    tokens = labels.read_tokens(tokenizer, ids)
    assert joined(tokens) == text
    assert [t.kind for t in tokens].count("special") == (2 if marks else 0)
    assert tokens == labels.read_tokens(tokenizer, ids, text=text)


@every_sentence
@every_wrapping
@every_way
@pytest.mark.parametrize("make", [unigram, llama_like])
def test_sentence_piece_ids_alone_give_the_text(
    text: str, wrap: Callable[[Tokenizer], Any], marks: bool, make: Callable[[], Tokenizer]
) -> None:
    tokenizer = wrap(make())
    ids = ids_of(tokenizer, text, marks)
    # Metaspace puts a space in front unless there is one: the ids are the same with and without.
    kept = text.removeprefix(" ") if make is unigram else text
    assert joined(labels.read_tokens(tokenizer, ids)) == kept
    assert joined(labels.read_tokens(tokenizer, ids, text=text)) == text


@every_sentence
@every_wrapping
@every_way
def test_word_piece_ids_with_the_text_give_the_text(
    text: str, wrap: Callable[[Tokenizer], Any], marks: bool
) -> None:
    tokenizer = wrap(word_piece())
    tokens = labels.read_tokens(tokenizer, ids_of(tokenizer, text, marks), text=text)
    assert joined(tokens) == text
    # BERT takes syllables of Hangul apart: only there do several tokens share a character.
    if not re.search("[가-힣]", text):
        assert all(token.text for token in tokens)


def test_characters_do_fall_apart_here() -> None:
    """Else the tests above would show nothing."""
    for make in (byte_level, unigram, llama_like):
        texts = [t.text for t in labels.read_tokens(make(), make().encode("窗 👍🏽").ids)]
        assert texts.count("") >= 4, make
    assert any("[UNK]" in word_piece().encode(text).tokens for text in SENTENCES)


@settings(deadline=None, max_examples=300)
@given(st.text())
def test_byte_level_labels_join_to_any_text(text: str) -> None:
    tokenizer = byte_level()
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    tokens = labels.read_tokens(tokenizer, ids)
    assert joined(tokens) == text
    assert_well_made(tokens)


@settings(deadline=None, max_examples=200)
@given(st.text(), st.sampled_from([unigram, llama_like, word_piece]))
def test_labels_with_the_text_join_to_any_text(text: str, make: Callable[[], Tokenizer]) -> None:
    ids = make().encode(text).ids
    tokens = labels.read_tokens(make(), ids, text=text)
    if any(not token.kind for token in tokens):
        assert joined(tokens) == text
    assert_well_made(tokens)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.integers(0, 329), max_size=40))
def test_any_ids_read_as_the_library_decodes_them(ids: list[int]) -> None:
    """Also ids that no text has: bad UTF-8, as random ids make it."""
    tokenizer = byte_level()
    tokens = labels.read_tokens(tokenizer, ids)
    assert joined(tokens) == tokenizer.decode(ids)
    assert_well_made(tokens)


def assert_well_made(tokens: Sequence[Token]) -> None:
    ordinary = [token for token in tokens if not token.kind]
    for token in ordinary[:-1]:
        assert token.text == token.text.strip() or not token.text.strip()
    words = [token.word for token in tokens]
    steps = {b - a for a, b in pairwise(words)}
    assert steps <= {0, 1}
    assert words[:1] in ([], [0])


@pytest.mark.parametrize("add_prefix_space", [True, False])
def test_a_space_put_in_front_of_bytes_is_no_gap(add_prefix_space: bool) -> None:
    made = json.loads(byte_level().to_str())
    made["pre_tokenizer"]["add_prefix_space"] = add_prefix_space
    tokenizer = Tokenizer.from_str(json.dumps(made))
    assert joined(labels.read_tokens(tokenizer, tokenizer.encode("the 窗").ids)) == "the 窗"


@pytest.mark.parametrize("trim", [True, False])
def test_bytes_of_a_changed_text_are_read_where_they_stand(trim: bool) -> None:
    """A normalizer changes the text: ids alone say what it became, offsets what it was."""
    made = json.loads(byte_level().to_str())
    made["normalizer"] = {
        "type": "Sequence",
        "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}],
    }
    tokenizer = Tokenizer.from_str(json.dumps(made))
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=trim)
    text = "E\u0301TUDE  at 窗\n\n  Noël 👍🏽 "
    ids = tokenizer.encode(text).ids
    assert joined(labels.read_tokens(tokenizer, ids)) == "\u00e9tude  at 窗\n\n  noël 👍🏽 "
    tokens = labels.read_tokens(tokenizer, ids, text=text)
    assert joined(tokens) == text
    assert "\n" in "".join(token.text for token in tokens)
    assert [t.text for t in tokens].count("👍") == 1


def test_marks_that_were_typed_are_cut_out() -> None:
    for make in (byte_level, llama_like, word_piece):
        text = "the </s> street"
        tokens = labels.read_tokens(make(), make().encode(text).ids, text=text)
        typed = [token for token in tokens[1:-1] if token.kind == "special"]
        assert [token.text for token in typed] == ["</s>"], make
        assert joined(tokens).split() == ["the", "street"], make


def test_added_tokens_are_written_as_they_are() -> None:
    tokenizer = Tokenizer.from_str(byte_level().to_str())
    tokenizer.add_tokens(["é", "<think>", "<0x41>"])
    text = "the é<think>é <0x41>"
    tokens = labels.read_tokens(tokenizer, tokenizer.encode(text).ids)
    assert joined(tokens) == text
    assert [t.kind for t in tokens if t.text in ("é", "<think>", "<0x41>")] == [""] * 4


def test_other_ids_than_the_text_gives_are_read_alone() -> None:
    tokenizer = byte_level()
    ids = tokenizer.encode("the street").ids
    assert joined(labels.read_tokens(tokenizer, ids, text="The animal")) == "the street"
    tokenizer = word_piece()
    ids = tokenizer.encode("the street, the animal").ids
    assert joined(labels.read_tokens(tokenizer, ids, text="Two")) == "the street, the animal"


@pytest.mark.parametrize("make", [byte_level, unigram, llama_like, word_piece])
@every_wrapping
def test_long_texts_are_read_to_their_end(
    make: Callable[[], Tokenizer], wrap: Callable[[Tokenizer], Any]
) -> None:
    tokenizer = wrap(make())
    text = ""
    ids: list[int] = []
    while len(ids) < 8192:
        text += " ".join(SENTENCES) + " "
        ids = ids_of(tokenizer, text, marks=True)
    tokens = labels.read_tokens(tokenizer, ids, text=text)
    assert len(tokens) == len(ids)
    assert joined(tokens).split() == re.sub("</?s>", "", text).split()
