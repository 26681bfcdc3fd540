"""Token texts as a reader would write them, by rules worked out by hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)
from transformers import ByT5Tokenizer, PreTrainedTokenizerFast

from attnwidget import labels
from attnwidget.labels import Token

BERT = "[PAD] [UNK] [CLS] [SEP] [MASK] the cat sat didn ' t . , ( ) ##ing na ##ive [1] <br>".split()


class Pieces:
    """A tokenizer that has these pieces and tells nothing else."""

    def __init__(self, pieces: Sequence[Any]) -> None:
        self.pieces = pieces

    def convert_ids_to_tokens(self, ids: Sequence[int]) -> list[Any]:
        return [self.pieces[i] for i in ids]


def read(pieces: Sequence[Any], **more: Any) -> list[Token]:
    return labels.read_tokens(Pieces(pieces), range(len(pieces)), **more)


def parts(tokens: Sequence[Token]) -> list[tuple[str, str]]:
    return [(token.gap, token.text) for token in tokens]


def texts(tokens: Sequence[Token]) -> list[str]:
    return [token.text for token in tokens]


def kinds(tokens: Sequence[Token]) -> list[str]:
    return [token.kind for token in tokens]


def joined(tokens: Sequence[Token]) -> str:
    return "".join(token.gap + token.text for token in tokens if not token.kind)


def bert(**names: str) -> Any:
    """WordPiece with the vocabulary above, in transformers."""
    tokenizer = Tokenizer(models.WordPiece({p: i for i, p in enumerate(BERT)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    ends = [(mark, BERT.index(mark)) for mark in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )
    usual = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **(usual | names))


# -- marks of vocabularies ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("piece", "text"),
    [
        ("Ġanimal", "animal"),
        ("▁animal", "animal"),
        ("##ing", "ing"),
        ("cat</w>", "cat"),
        ("[CLS]", "[CLS]"),
        ("##", "##"),
        ("</w>", "</w>"),
        ("Ċ", "\n"),
        ("Ġ", " "),
        ("ĠĠ", "  "),
        ("<br>", "<br>"),
        ("", ""),
    ],
)
def test_marks_are_taken_off(piece: str, text: str) -> None:
    assert texts(read([piece])) == [text]


@pytest.mark.parametrize(
    ("pieces", "gaps_and_texts"),
    [
        # GPT-2's letters: a space goes before the word, and white space alone stays.
        (["The", "Ġcat", "Ċ", "Ġ", "Ġsat"], ["|The", " |cat", "|\n", "| ", " |sat"]),
        # é is C3 A9; it is shown at the byte that completes it.
        (["Ġcaf", "Ã", "©", "Ġau"], [" |caf", "|", "|é", " |au"]),
        # The first piece holds the space and two of the four bytes of F0 9F 98 80.
        (["ok", "ĠðŁ", "ĺ", "Ģ", "!"], ["|ok", " |", "|", "|😀", "|!"]),
        # SentencePiece: the first space was put there, by the first piece or as the first piece.
        (["▁The", "▁cat", "s"], ["|The", " |cat", "|s"]),
        (["▁", "猫", "<0xE7>", "<0xAA>", "<0x97>"], ["|", "|猫", "|", "|", "|窗"]),
        # Spaces on the other side; the last has no gap to stand in.
        (["new▁", "▁", "york▁"], ["|new", " | ", "|york "]),
        # Gaps that are lost are guessed.
        (["un", "##believ", "##able", "word"], ["|un", "|believ", "|able", " |word"]),
        (["low", "er</w>", "case</w>", ".</w>"], ["|low", "|er", " |case", "|."]),
        (["lo@@", "wer", "case"], ["|lo", "|wer", " |case"]),
        (["so", "(", "it", ")", "sat", "."], ["|so", " |(", "|it", "|)", " |sat", "|."]),
        (["##s", "don", "'", "t", "we", "'ll"], ["|s", " |don", "|'", "|t", " |we", "|'ll"]),
        (["the", "'", "good", "'", "猫", "睡"], ["|the", " |'", " |good", " |'", "|猫", "|睡"]),
        # Letters with their own spaces.
        (["a", " ", "b"], ["|a", "| ", "|b"]),
    ],
)
def test_pieces_are_read_together(pieces: list[str], gaps_and_texts: list[str]) -> None:
    assert ["|".join(part) for part in parts(read(pieces))] == gaps_and_texts


def test_words_are_not_taken_for_bytes() -> None:
    """All of these letters are GPT-2's too; Ġ is also Maltese."""
    words = ["Straße", "naïve", "Ã©", "Ĝis", "Ġurnata", "▁", "##s", "<0x41>"]
    assert texts(read(words[:4])) == words[:4]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    for wrapped in (tokenizer, PreTrainedTokenizerFast(tokenizer_object=tokenizer)):
        assert texts(labels.read_tokens(wrapped, range(8))) == words


def bytes_pair(merges: list[tuple[str, str]], **more: Any) -> Tokenizer:
    """Byte-level BPE with these merges and no others."""
    suffix = more.get("end_of_word_suffix", "")
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = [*letters, *(letter + suffix for letter in letters), *(a + b for a, b in merges)]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, **more))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


@pytest.mark.parametrize("trim", [True, False])
def test_a_character_is_at_the_token_that_completes_it(trim: bool) -> None:
    tokenizer = bytes_pair([("Ġ", "ð")])
    tokenizer.normalizer = normalizers.Lowercase()  # so that offsets are needed
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=trim)
    text = "A  👍"
    tokens = labels.read_tokens(tokenizer, tokenizer.encode(text).ids, text=text)
    expected = ["|A", "| ", " |", "|", "|", "|👍"]
    assert ["|".join(part) for part in parts(tokens)] == expected
    assert [token.word for token in tokens] == [0, 1, 2, 2, 2, 2]


def test_bytes_with_ends_of_words_are_read() -> None:
    """CLIP's spelling: no spaces, but each word's last piece says so."""
    tokenizer = bytes_pair([("n", "o")], end_of_word_suffix="</w>")
    pieces = ["no", "Ã", "©</w>", "n", "o</w>", ".</w>"]
    tokens = labels.read_tokens(tokenizer, [tokenizer.token_to_id(piece) for piece in pieces])
    assert ["|".join(part) for part in parts(tokens)] == ["|no", "|", "|é", " |n", "|o", "|."]


def test_letters_one_by_one_are_no_words() -> None:
    class Alphabet(Pieces):
        def decode(self, ids: Sequence[int]) -> str:
            return "".join(self.convert_ids_to_tokens(ids))

    assert joined(labels.read_tokens(Alphabet("abc"), [2, 0, 1])) == "cab"
    assert joined(labels.read_tokens(Pieces("abc"), [2, 0, 1])) == "c a b"


def test_marks_and_added_words_are_written_as_they_are() -> None:
    tokenizer = Tokenizer(models.Unigram([("<unk>", 0.0), ("▁the", -1.0), ("▁cat", -1.0)], 0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens(["<begin▁of▁text>"])
    assert texts(labels.read_tokens(tokenizer, [3, 1, 2])) == ["<begin▁of▁text>", "the", "cat"]
    tokenizer = bert().backend_tokenizer
    tokenizer.add_tokens(["##title"])
    ids = [BERT.index("the"), tokenizer.token_to_id("##title"), BERT.index("##ing")]
    assert parts(labels.read_tokens(tokenizer, ids)) == [("", "the"), (" ", "##title"), ("", "ing")]


def test_pipelines_with_own_code_are_read_by_their_pieces() -> None:
    class Fuse:
        def decode_chain(self, pieces: list[str]) -> list[str]:
            return ["".join(pieces)]

    tokenizer = Tokenizer(models.WordLevel({"▁the": 0, "▁cat": 1}))
    tokenizer.decoder = decoders.Decoder.custom(Fuse())
    assert parts(labels.read_tokens(tokenizer, [0, 1])) == [("", "the"), (" ", "cat")]


def test_letters_that_are_bytes_are_read() -> None:
    """ByT5 has one letter per byte, and no marks."""
    tokenizer = ByT5Tokenizer()
    ids = tokenizer("naïf 窗").input_ids
    tokens = labels.read_tokens(tokenizer, ids)
    assert texts(tokens) == ["n", "a", "", "ï", "f", " ", "", "", "窗", "</s>"]
    assert kinds(tokens)[-2:] == ["", "special"]


# -- a text that is known -------------------------------------------------------------------------


def test_a_text_in_capitals_with_accents_stays_as_written() -> None:
    tokenizer = bert()
    text = "The  CAT didn't\tsit (naïve).\n"
    tokens = labels.read_tokens(tokenizer, tokenizer(text).input_ids, text=text)
    # "sit" is not in the vocabulary: it is what the reader wrote all the same.
    assert ["|".join(part) for part in parts(tokens)] == [
        *("|[CLS]", "|The", "  |CAT", " |didn", "|'", "|t", "\t|sit", " |(", "|na", "|ïve", "|)"),
        *("|.\n", "|[SEP]"),
    ]
    assert set(kinds(tokens[1:-1])) == {""}


def test_what_a_tokenizer_leaves_out_is_in_the_gap() -> None:
    tokenizer = bert()
    text = "the\x00 cat\ufffd sat \x07"  # BERT drops control characters and U+FFFD
    tokens = labels.read_tokens(tokenizer, tokenizer(text).input_ids, text=text)
    assert ["|".join(part) for part in parts(tokens[1:-1])] == [
        "|the",
        "\x00 |cat",
        "\ufffd |sat \x07",
    ]


def test_a_mark_that_was_typed_is_no_text() -> None:
    tokenizer = bert()
    text = "the [MASK] sat"
    tokens = labels.read_tokens(tokenizer, tokenizer(text).input_ids, text=text)
    assert parts(tokens)[1:-1] == [("", "the"), (" ", "[MASK]"), (" ", "sat")]
    assert kinds(tokens) == ["special", "", "special", "", "special"]
    assert joined(tokens) == "the sat"


def test_a_tokenizer_without_offsets_is_followed_through_the_text() -> None:
    pieces = ["<s>", "the", "cat", "didn", "'", "t", "<unk>", "."]
    text = " The cat\n didn’t  meow."
    expected = ["|<s>", " |The", " |cat", "\n |didn", "|’", "|t", "  |meow", "|."]
    assert ["|".join(part) for part in parts(read(pieces, text=text))] == expected
    assert joined(read(pieces, text=text)) == text


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["naive", "cafe", "'", "s"], "Naïve cafe\u0301's"),  # without accents
        (["strasse", "<unk>", "!"], "Straße zur!"),  # casefold has more letters
        (["<unk>", "\u0301", "e"], "x\u0301 e"),  # a word splitter that cuts marks off
        (["a", "<unk>", "b"], "a <br> b"),
        (["a", "[UNK]", "b"], "a ☃️☂️ b"),
        (["a", "<unk>", "."], "a didn't."),
    ],
)
def test_tokens_are_found_in_the_text_as_it_was_changed(pieces: list[str], text: str) -> None:
    tokens = read(pieces, text=text)
    assert joined(tokens) == text
    assert all(token.text for token in tokens)


def test_unknown_words_are_apart_where_nothing_is_known() -> None:
    assert joined(read(["[UNK]", "the", "[UNK]"])) == "[UNK] the [UNK]"
    tokenizer = bert()
    ids = [BERT.index(piece) for piece in ("[UNK]", "[UNK]")]
    assert joined(labels.read_tokens(tokenizer, ids)) == "[UNK] [UNK]"


class Slow:
    """A tokenizer with pieces, its own specials, and a decoder, but no offsets."""

    is_fast = False
    all_special_ids = (0, 1)
    added_tokens_decoder = {0: "[CLS]", 1: "[UNK]"}  # noqa: RUF012
    unk_token_id = 1
    vocabulary = ("[CLS]", "[UNK]", "the")

    def convert_ids_to_tokens(self, ids: Sequence[int]) -> list[str]:
        return [self.vocabulary[i] for i in ids]

    def decode(self, ids: Sequence[int]) -> str:
        return " ".join(self.convert_ids_to_tokens(ids))


@pytest.mark.parametrize("ids", [[1, 1], [1, 2, 1], [2, 1], [2, 2]])
def test_a_single_known_word_does_not_say_that_words_have_no_spaces(ids: list[int]) -> None:
    assert joined(labels.read_tokens(Slow(), ids)) == Slow().decode(ids)


@pytest.mark.parametrize("text", ["The dog", "the cat sat", "the", "", "cat the"])
def test_a_text_of_other_tokens_is_not_believed(text: str) -> None:
    assert joined(read(["the", "cat"], text=text)) == "the cat"
    tokenizer = bert()
    ids = tokenizer("the cat").input_ids
    if text != "the cat":
        assert joined(labels.read_tokens(tokenizer, ids, text=text)) == "the cat"


# -- kinds ----------------------------------------------------------------------------------------


def test_specials_are_those_of_the_tokenizer() -> None:
    tokenizer = bert()
    ids = [BERT.index(p) for p in ("[CLS]", "[1]", "<br>", "[UNK]", "[MASK]", "[SEP]")]
    assert kinds(labels.read_tokens(tokenizer, ids)) == [
        *("special", "", "", "", "special", "special")
    ]
    assert labels.read_tokens(tokenizer, ids)[3].text == "[UNK]"


def test_specials_are_known_by_their_looks_where_the_tokenizer_does_not_tell() -> None:
    pieces = ["<s>", "▁<br", ">", "[1]", "<=>", "<unk>", "<0xC3>", "<0xA9>", "<|end|>"]
    assert kinds(read(pieces)) == ["special", "", "", "", "", "", "", "", "special"]


def test_specials_of_the_post_processor_are_known_with_the_text() -> None:
    tokenizer = Tokenizer(models.WordLevel({"^": 0, "the": 1, "<br>": 2, "~": 3}))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        "^ $A ~", special_tokens=[("^", 0), ("~", 3)]
    )
    text = "the <br>"
    tokens = labels.read_tokens(tokenizer, tokenizer.encode(text).ids, text=text)
    assert kinds(tokens) == ["special", "", "", "special"]
    assert joined(tokens) == text


def test_added_tokens_are_special_if_they_were_added_so() -> None:
    tokenizer = Tokenizer(models.WordLevel({"the": 0}, unk_token="the"))
    tokenizer.add_special_tokens(["~", "<unk>"])
    tokenizer.add_tokens(["<think>"])
    assert kinds(labels.read_tokens(tokenizer, range(4))) == ["", "special", "", ""]


def test_one_mark_for_everything_is_no_unknown_word() -> None:
    """GPT-2's <|endoftext|> begins, ends, pads and stands for what is unknown."""
    tokenizer = Tokenizer(models.WordLevel({"<|endoftext|>": 0, "the": 1}))
    names = {f"{name}_token": "<|endoftext|>" for name in ("bos", "eos", "unk", "pad")}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
    assert kinds(labels.read_tokens(tokenizer, [0, 1, 0])) == ["special", "", "special"]


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        ([1, 1, 0, 0], ["special", "", "padding", "padding"]),
        ([0, 0, 1, 1], ["padding", "padding", "padding-id", "padding-id"]),
        ([0, 0, 0, 0], ["padding"] * 4),
        ([True, True, True, False], ["special", "", "padding-id", "padding"]),
        (None, ["special", "", "padding", "padding"]),
        ([1, 0], ["special", "", "padding", "padding"]),  # of another length: not believed
    ],
)
def test_padding_is_where_the_mask_is_0(mask: list[int] | None, expected: list[str]) -> None:
    ids = [BERT.index(p) for p in ("[CLS]", "the", "[PAD]", "[PAD]")]
    # A padding id that the mask lets through is a mark of the tokenizer like others.
    wanted = ["special" if kind == "padding-id" else kind for kind in expected]
    assert kinds(labels.read_tokens(bert(), ids, mask=mask)) == wanted


def test_padding_on_the_left_takes_no_part_in_the_passage() -> None:
    tokenizer = bert()
    tokenizer.padding_side = "left"
    made = tokenizer(["the cat", "the cat sat."], padding=True)
    tokens = labels.read_tokens(tokenizer, made["input_ids"][0], mask=made["attention_mask"][0])
    assert kinds(tokens) == ["padding", "padding", "special", "", "", "special"]
    assert joined(tokens) == "the cat"
    assert texts(tokens)[0] == "[PAD]"


def test_padding_with_the_end_mark_is_known_by_the_mask_alone() -> None:
    tokenizer = bert(pad_token="[SEP]", eos_token="[SEP]")
    ids = [BERT.index(p) for p in ("the", "[SEP]", "[SEP]")]
    assert kinds(labels.read_tokens(tokenizer, ids)) == ["", "special", "special"]
    tokens = labels.read_tokens(tokenizer, ids, mask=[1, 1, 0])
    assert kinds(tokens) == ["", "special", "padding"]


def test_padding_of_a_tokenizers_tokenizer_is_known() -> None:
    tokenizer = bert().backend_tokenizer
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]", length=5)
    ids = tokenizer.encode("the cat").ids
    tokens = labels.read_tokens(tokenizer, ids, text="the cat")
    assert kinds(tokens) == ["special", "", "", "special", "padding"]


def test_a_word_under_the_mask_does_not_break_the_text() -> None:
    tokenizer = bert()
    text = "The cat sat."
    ids = tokenizer(text).input_ids
    tokens = labels.read_tokens(tokenizer, ids, text=text, mask=[1, 1, 0, 1, 1, 1])
    assert kinds(tokens) == ["special", "", "padding", "", "", "special"]
    assert texts(tokens) == ["[CLS]", "The", "cat", "sat", ".", "[SEP]"]


# -- words and sentences --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        (["The", "Ġanimal", "Ġdidn", "'t", "Ġstop", "."], [0, 1, 2, 2, 3, 4]),
        (["▁don", "'", "t", "'"], [0, 0, 0, 1]),
        (["Ġ'", "good", "'", "Ġboy", "s", "'", "Ġtoys"], [0, 1, 2, 3, 3, 4, 5]),
        (["▁rock", "’", "n", "’", "roll"], [0, 0, 0, 0, 0]),
        (["▁na", "ï", "ve", "te", "\u0301", "▁a"], [0, 0, 0, 0, 0, 1]),
        (["na", "Ã", "¯", "f", "Ġa"], [0, 0, 0, 0, 1]),
        (["▁well", "-", "known"], [0, 1, 2]),
        (["▁3", ".", "1", "4", "x"], [0, 1, 2, 2, 2]),
        (["▁!", "!", "...", "?"], [0, 1, 2, 3]),
        (["▁snake", "_", "case"], [0, 1, 2]),
        (["▁", "小猫", "睡", "在", "，", "iPhone", "手机"], [0, 0, 1, 2, 3, 4, 5]),
        (["▁ねこ", "カー", "ド"], [0, 1, 2]),
        (["▁แมว", "ตัว", "เล", "็ก"], [0, 1, 2, 2]),  # the last starts with a vowel mark
        (["▁고양", "이", "가"], [0, 0, 0]),
        (["▁क", "\u094d", "षु"], [0, 0, 0]),
        (["▁می", "\u200c", "خوابد"], [0, 0, 0]),  # a zero-width non-joiner
        (["▁👩", "🏽", "\u200d", "💻", "!"], [0, 0, 0, 0, 1]),
        (["▁👍", "🏿", "x"], [0, 0, 1]),
        (["▁❤", "\ufe0f", "🔥"], [0, 0, 1]),
        (["▁🇳", "🇵", "🇨"], [0, 0, 0]),
        (["▁צה", "״", "ל"], [0, 0, 0]),
        (["猫", "<0xE7>", "<0xAA>", "<0x97>"], [0, 1, 1, 1]),
        (["ok", "ĠðŁ", "ĺ", "Ģ", "!"], [0, 1, 1, 1, 2]),
        (["<s>", "the", "re", "</s>", "</s>"], [0, 1, 2, 3, 4]),
        (["<s>", "▁the", "re", "</s>", "</s>"], [0, 1, 1, 2, 3]),
        (["a", "Ċ", "b"], [0, 1, 2]),
        (["▁a", "\u200b", "b"], [0, 1, 2]),  # a zero-width space
        (["▁❤\ufe0f", "'", "s"], [0, 1, 2]),
    ],
)
def test_pieces_of_a_word_have_its_number(pieces: list[str], words: list[int]) -> None:
    assert [token.word for token in read(pieces)] == words


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ([0, 0, 0, 1, 1, 0], [0, 0, 0, 1, 1, None]),
        ([0, 0, 0, 0, 0, 1], [None] * 6),  # the other number is padding's
        ([0] * 6, [None] * 6),
        ([1] * 6, [None] * 6),
        ([0, 1], [None] * 6),
        (None, [None] * 6),
    ],
)
def test_segments_are_told_for_pairs_alone(
    segments: list[int] | None, expected: list[int | None]
) -> None:
    ids = [BERT.index(p) for p in ("[CLS]", "the", "[SEP]", "cat", "[SEP]", "[PAD]")]
    tokens = labels.read_tokens(bert(), ids, segments=segments)
    assert [token.segment for token in tokens] == expected
    assert joined(tokens) == "the cat"


# -- tokenizers of other makes --------------------------------------------------------------------


def test_a_tokenizers_tokenizer_is_read_too() -> None:
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "cat": 1}, unk_token="a"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokens = labels.read_tokens(tokenizer, tokenizer.encode("a cat").ids)
    assert parts(tokens) == [("", "a"), (" ", "cat")]


def test_ids_stand_for_themselves_without_a_tokenizer() -> None:
    assert parts(labels.read_tokens(None, [5, 17])) == [("", "5"), (" ", "17")]
    assert [token.word for token in labels.read_tokens(None, [5, 17])] == [0, 1]


class Letters:
    """Decodes only: one id per letter."""

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(chr(i) for i in ids)


class Stripping:
    """Decodes only, and strips what it decodes; marks are left out."""

    words = ("", "▁It", "▁didn", "'", "t", "▁stop", "▁.")

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(self.words[i] for i in ids).replace("▁", " ").strip()


class Utf8:
    """Decodes only: one id per byte, U+FFFD where characters are not complete."""

    def decode(self, ids: Sequence[int]) -> str:
        return bytes(ids).decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("tokenizer", "ids", "expected"),
    [
        (Letters(), list(b"a  b"), ["|a", "| ", "| ", "|b"]),
        (Stripping(), range(7), ["|", "|It", " |didn", "|'", "|t", " |stop", " |."]),
        (Utf8(), list("é 😀!".encode()), ["|", "|é", "| ", "|", "|", "|", "|😀", "|!"]),
        (Utf8(), [0x61, 0xC3, 0x62, 0xC3], ["|a", "|", "|\ufffdb", "|\ufffd"]),
    ],
)
def test_tokenizers_that_only_decode_are_read(
    tokenizer: Any, ids: Sequence[int], expected: list[str]
) -> None:
    tokens = labels.read_tokens(tokenizer, ids)
    assert joined(tokens) == tokenizer.decode(list(ids))
    assert ["|".join(part) for part in parts(tokens)] == expected
    assert labels.unknown_texts(tokenizer, ids) == ""


def test_decoding_ends_where_no_character_ever_comes() -> None:
    calls: list[int] = []

    class Counting(Utf8):
        def decode(self, ids: Sequence[int]) -> str:
            calls.append(len(ids))
            return super().decode(ids)

    tokens = labels.read_tokens(Counting(), [0xFF] * 400)
    assert joined(tokens) == "\ufffd" * 400
    assert sum(sorted(calls)[:-1]) < 400 * 20  # all but the one of the whole


def test_bytes_are_read_as_tiktoken_gives_them() -> None:
    class Tiktoken:
        vocabulary = (b"the", b" caf", b"\xc3", b"\xa9", b"<br>", b"<|end|>")
        special_tokens_set = frozenset({"<|end|>"})

        def decode_tokens_bytes(self, ids: Sequence[int]) -> list[bytes]:
            return [self.vocabulary[i] for i in ids]

        def encode_single_token(self, text: str) -> int:
            return self.vocabulary.index(text.encode())

    tokens = labels.read_tokens(Tiktoken(), range(6))
    assert texts(tokens) == ["the", "caf", "", "é", "<br>", "<|end|>"]
    assert kinds(tokens) == ["", "", "", "", "", "special"]
    assert joined(tokens) == "the café<br>"


class Raising:
    """Everything that is asked of it raises."""

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return object.__getattribute__(self, name)
        raise RuntimeError(name)


class Nonsense:
    """Answers every question with something that makes no sense."""

    is_fast = True

    def __getattr__(self, name: str) -> Any:
        return [[], {"a": 1}] if name.endswith("s") else lambda *_, **__: 0.5

    def __call__(self, *_: Any, **__: Any) -> Any:
        return {"input_ids": [1, 2], "offset_mapping": [None, 1], "special_tokens_mask": "no"}


class Broken:
    def convert_ids_to_tokens(self, ids: Sequence[int]) -> list[str]:
        raise KeyError(ids[0])

    def decode(self, ids: Sequence[int]) -> str:
        raise IndexError("not in the vocabulary")


@pytest.mark.parametrize(
    "tokenizer", [Raising(), Broken(), object(), lambda text: [ord(c) for c in text], str, 5]
)
def test_ids_are_shown_and_said_to_be_where_there_are_no_texts(tokenizer: Any) -> None:
    tokens = labels.read_tokens(tokenizer, [1, 2], text="ab", mask=[1, 1], segments=[0, 1])
    assert parts(tokens) == [("", "1"), (" ", "2")]
    assert labels.unknown_texts(tokenizer) == (
        "The tokenizer gives no texts, so the token ids are shown."
    )


def test_nonsense_raises_nothing() -> None:
    assert len(labels.read_tokens(Nonsense(), [1, 2], text="ab")) == 2
    assert isinstance(labels.unknown_texts(Nonsense()), str)


@pytest.mark.parametrize(
    ("tokenizer", "said"),
    [(None, "There is no tokenizer, so the token ids are shown."), (bert(), ""), (Letters(), "")],
)
def test_it_is_said_why_ids_are_shown(tokenizer: Any, said: str) -> None:
    assert labels.unknown_texts(tokenizer) == said


def test_one_bad_id_does_not_take_the_other_texts_away() -> None:
    assert texts(labels.read_tokens(Pieces(["a", "b"]), [0, 7, 1])) == ["a", "7", "b"]
    ids = [BERT.index("the"), -100, 10**6, BERT.index("cat")]
    for tokenizer in (bert(), bert().backend_tokenizer):
        assert texts(labels.read_tokens(tokenizer, ids)) == ["the", "-100", "1000000", "cat"]


def test_no_tokens_are_no_labels() -> None:
    for tokenizer in (None, bert(), Pieces([]), Letters(), Broken()):
        assert labels.read_tokens(tokenizer, [], text="", mask=[], segments=[]) == []


# -- hostile texts --------------------------------------------------------------------------------


def test_texts_are_passed_on_whatever_they_hold() -> None:
    hostile = ["<b>x</b>", "\x00", "\x1b[31m", "\u202eabc", "<script>", "</div>", "&amp;"]
    assert texts(read(["word", *hostile])) == ["word", *hostile]


@pytest.mark.parametrize("read_them", [read, labels.plain_tokens])
def test_lone_surrogates_are_replaced(read_them: Callable[[list[str]], list[Token]]) -> None:
    tokens = read_them(["a\ud800", "\udc00b", "\ud83d\ude00", "▁c\udfff"])
    assert [re.sub("▁", "", text) for text in texts(tokens)] == [
        "a\ufffd",
        "\ufffdb",
        "😀",
        "c\ufffd",
    ]
    "".join(texts(tokens)).encode()


def test_a_text_with_lone_surrogates_is_read() -> None:
    assert joined(read(["the", "cat"], text="the\ud800cat")) == "the cat"


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        # One U+FFFD per sequence that cannot be read, where it breaks off.
        (["<0xE7>", "<0xAA>", "a"], ["", "\ufffd", "a"]),
        (["<0xE7>", "<s>", "<0xAA>", "b"], ["\ufffd", "<s>", "\ufffd", "b"]),
        (["<0xFF>", "<0xC3>"], ["\ufffd", "\ufffd"]),
        (["<0xF0>", "<0x9F>", "<0xE7>", "<0xAA>", "<0x97>"], ["", "\ufffd", "", "", "窗"]),
        (["ĠÃ", "Ġa"], ["\ufffd", "a"]),
    ],
)
def test_bytes_that_are_no_text_are_shown_once(pieces: list[str], expected: list[str]) -> None:
    assert texts(read(pieces)) == expected


# -- given texts ----------------------------------------------------------------------------------


def test_given_texts_are_words() -> None:
    assert labels.plain_tokens(["[CLS]", "the", "cat"]) == [
        Token("[CLS]", "", "special", 0),
        Token("the", " ", "", 1),
        Token("cat", " ", "", 2),
    ]


@pytest.mark.parametrize(
    ("text", "special"),
    [
        *(("[CLS]", True), ("<s>", True), ("<|endoftext|>", True), ("</s>", True)),
        *(
            ("a", False),
            ("[", False),
            ("", False),
            ("[1]", False),
            ("<=>", False),
            ("[a b]", False),
        ),
    ],
)
def test_special_marks_are_told_from_words(text: str, special: bool) -> None:
    assert labels.is_special(text) is special
