"""Watching a loop: the model learns the same to the last bit, whatever goes wrong in it."""

from __future__ import annotations

import asyncio
import copy
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import attnwidget as aw
from attnwidget import delivery, pictures
from attnwidget.call import AttentionCall
from attnwidget.explorer import Explorer
from attnwidget.trouble import Trouble
from attnwidget.zoo.stories import Stories
from tests.unit.models import NanoGPT, transformers_model
from tests.unit.test_explorer import READING, Sent, listen, say
from tests.unit.test_session import Tiny


def ask(ex: Explorer, layer: int = 0, stack: str = "decoder", **reading: Any) -> None:
    """Want one picture of every kind, as a page does."""
    context = {"stack": stack, "batch": 0, "reading": {**READING, **reading}}
    heads = {"heads": [[layer, 0], [layer, 1]], **context}
    wants = [
        {"kind": "model", **context},
        {"kind": "tile", **heads, "rows": None, "cols": None, "size": [64, 64]},
        {"kind": "row", **heads, "direction": "from", "at": 1},
        {"kind": "lines", **heads, "direction": "to", "count": 4},
        {"kind": "overview", **context, "size": 8},
        {"kind": "check", "stack": stack, "layer": layer},
        {"kind": "predictions", "stack": stack, "batch": 0, "at": [0, 4], "count": 3},
    ]
    listed = [{"key": f"want {n}", **want} for n, want in enumerate(wants)]
    say(ex, {"type": "wants", "view": "v", "wants": listed})


def kinds(sent: Sent) -> list[str]:
    return [content.get("kind", content["type"]) for content, _ in sent]


def told(sent: Sent) -> list[dict[str, Any]]:
    """Trouble with the whole widget."""
    return [c for c, _ in sent if c["type"] == "trouble" and c["key"] is None]


@pytest.fixture
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pass is drawn."""
    monkeypatch.setattr(delivery, "SECONDS_BETWEEN_PUSHES", 0.0)
    monkeypatch.setattr(delivery, "WAIT_PER_DRAWING", 0.0)


def ids(batch: int = 3, length: int = 6, most: int = 40) -> Tensor:
    return torch.randint(0, most, (batch, length))


# -- the same to the last bit ----------------------------------------------------------------------


class Bert(nn.Module):
    """An encoder of transformers with dropout, and a head that predicts ids."""

    def __init__(self) -> None:
        super().__init__()
        self.bert = transformers_model("bert")
        for part in self.bert.modules():
            if isinstance(part, nn.Dropout):
                part.p = 0.1
            if hasattr(part, "dropout_prob"):
                part.dropout_prob = 0.1
        self.head = nn.Linear(self.bert.config.hidden_size, 40)

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.bert(input_ids=ids).last_hidden_state)


class Numerals:
    """A tokenizer that only knows the way back, from ids to texts."""

    def __len__(self) -> int:
        return 40

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        return [f"n{i}" for i in ids]


LEARNERS: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "stories": (lambda: Stories(40, width=16, heads=2, layers=2), "decoder"),
    "hand-written, dropout": (lambda: NanoGPT(flash=False, dropout=0.1), "decoder"),
    "sdpa": (lambda: NanoGPT(flash=True), "decoder"),
    "bert, dropout": (Bert, "encoder"),
}


def train(
    model: nn.Module, steps: int, seen: Callable[[], None] = lambda: None, **autocast: Any
) -> None:
    """Learn to guess random ids; what is random depends on all that was drawn before."""
    torch.manual_seed(7)
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(steps):
        batch = ids()
        with torch.autocast("cpu", **autocast):
            loss = F.cross_entropy(model(batch).flatten(0, 1).float(), batch.flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        seen()


@pytest.mark.usefixtures("unpaced")
@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("half", [False, True], ids=["float32", "autocast"])
def test_a_model_that_is_watched_learns_the_same_to_the_last_bit(name: str, half: bool) -> None:
    make, stack = LEARNERS[name]
    torch.manual_seed(3)
    free = make()
    watched = copy.deepcopy(free)
    autocast = {"dtype": torch.bfloat16, "enabled": half}
    train(free, 6, **autocast)
    after = torch.get_rng_state()

    ex = aw.explore(watched)
    ex._session.tokenizer = Numerals()  # whose texts the logits are of
    sent = listen(ex)
    ask(ex, stack=stack, words=True, renormalise=True, hide=["first"])
    sent.clear()
    train(watched, 6, lambda: setattr(ex, "head", (ex.head + 1) % 2), **autocast)
    assert torch.equal(torch.get_rng_state(), after)
    assert kinds(sent).count("tile") == 6
    assert kinds(sent).count("predictions") == 6
    assert "trouble" not in kinds(sent)
    for (where, weight), mine in zip(free.named_parameters(), watched.parameters(), strict=True):
        assert torch.equal(weight, mine), where
        if weight.grad is not None:  # BERT's pooler has none
            assert torch.equal(weight.grad, mine.grad), where
    ex.close()


@pytest.mark.usefixtures("unpaced")
@pytest.mark.parametrize("name", LEARNERS)
def test_what_is_drawn_in_a_loop_is_what_is_read_after_it(name: str) -> None:
    """Also within the loop's autocast and grad mode: the picture does not depend on them."""
    make, stack = LEARNERS[name]
    model = make().train()
    ex = aw.explore(model)
    sent = listen(ex)
    ask(ex, stack=stack)
    sent.clear()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        model(ids())
        assert torch.is_grad_enabled()
        assert torch.is_autocast_enabled("cpu")
    cells = next(buffers[0] for content, buffers in sent if content.get("kind") == "tile")
    drawn = torch.frombuffer(bytearray(cells), dtype=torch.float32).reshape(6, 6)
    read = ex.trace.stacks[stack][0].weights(batch=0)[0, :2].double().mean(0).float()
    assert torch.allclose(drawn, read, rtol=0, atol=1e-7)
    ex.close()


def test_nothing_is_computed_until_a_page_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Stories(40, width=16, heads=2, layers=2)
    ex = aw.explore(model)
    model(ids())  # opens on a place that is worth it
    computed: list[str] = []
    for name in ("weights", "scores", "visible", "check"):
        original = getattr(AttentionCall, name)

        def counting(self: AttentionCall, *args: Any, of: Any = original, **kwargs: Any) -> Any:
            computed.append(of.__name__)
            return of(self, *args, **kwargs)

        monkeypatch.setattr(AttentionCall, name, counting)
    for length in (6, 3, 9, 2):  # also where the selected token is there no more
        model(ids(length=length))
        assert max(ex.query, ex.key) < length
    assert computed == []
    assert ex._session.newest is not None
    assert ex._session.newest.pass_tokens._read == {}
    ex.close()


# -- counting while paused -------------------------------------------------------------------------


@pytest.mark.usefixtures("unpaced")
def test_while_paused_new_passes_are_counted_and_not_drawn() -> None:
    model = Tiny()
    ex = aw.explore(model)
    sent = listen(ex)
    ask(ex)
    model(ids(1, 3))
    model(ids(1, 3))
    ex.step = 1
    sent.clear()
    model(ids(1, 5))
    model(ids(1, 5))
    assert kinds(sent) == ["model", "model"]
    facts = sent[-1][0]
    assert facts["passes"] == {"shown": 1, "newest": 4, "kept": [1, 2, 3, 4], "paused": True}
    edition = facts["pass"]
    sent.clear()
    ex.step = None
    assert {c["pass"] for c, _ in sent if c["type"] == "picture"} == {edition + 1}
    assert {"model", "tile", "row", "lines", "overview", "check"} <= set(kinds(sent))
    ex.close()


@pytest.mark.usefixtures("unpaced")
def test_an_old_pass_can_be_drawn_after_many_new_ones() -> None:
    model = Tiny()
    ex = aw.explore(model, keep=2)
    model(first := ids(1, 4))
    ex.step = 1
    with torch.no_grad():
        expected = ex.trace.calls[0].weights(head=0)[0, 0].clone()
    for _ in range(5):
        model(ids(1, 7))
    sent = listen(ex)
    say(ex, {"type": "wants", "view": "v", "wants": [
        {"key": "t", "kind": "tile", "stack": "decoder", "batch": 0, "heads": [[0, 0]],
         "rows": None, "cols": None, "size": [64, 64], "reading": READING}]})  # fmt: skip
    ((_, (cells, *_)),) = sent
    drawn = torch.frombuffer(bytearray(cells), dtype=torch.float32).reshape(4, 4)
    assert torch.equal(drawn, expected)
    assert ex.tokens == [str(i) for i in first[0].tolist()]
    ex.close()


# -- a forward that raises -------------------------------------------------------------------------


class Failing(Tiny):
    """Raises when it is told to, after its attention."""

    error: BaseException | None = None

    def forward(self, ids: Tensor) -> Tensor:
        made = super().forward(ids)
        if self.error is not None:
            raise self.error
        return made


@pytest.fixture
def failing() -> Iterator[tuple[Failing, Explorer, Sent]]:
    model = Failing()
    ex = aw.explore(model)
    sent = listen(ex)
    say(ex, {"type": "wants", "view": "v", "wants": [
        {"key": "m", "kind": "model", "stack": "", "batch": 0, "reading": READING}]})  # fmt: skip
    model(ids(1, 4))
    sent.clear()
    yield model, ex, sent
    ex.close()


@pytest.mark.usefixtures("unpaced")
def test_a_forward_that_raises_is_told_in_words_and_the_last_picture_stays(
    failing: tuple[Failing, Explorer, Sent],
) -> None:
    model, ex, sent = failing
    trace = ex.trace
    model.error = RuntimeError("shapes\n  do not match" + " and so on" * 100)
    with pytest.raises(RuntimeError) as raised:
        model(ids(1, 4))
    assert raised.value is model.error
    (trouble,) = told(sent)
    assert trouble["title"] == "The forward pass raised RuntimeError."
    assert trouble["detail"].startswith("shapes do not match and so on")
    assert len(trouble["detail"]) < 310
    assert trouble["detail"].endswith(" …")
    assert ex.trace is trace
    assert ex.status.startswith("The forward pass raised RuntimeError. shapes do not match")
    assert len(ex.tokens) == 4

    edition = ex._session.edition
    sent.clear()
    model.error = None
    model(ids(1, 3))
    assert ex.status == "exact"
    assert [(c["kind"], c["pass"]) for c, _ in sent] == [("model", edition + 1)]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit(), SystemExit(0)])
def test_an_interrupt_is_no_trouble(
    failing: tuple[Failing, Explorer, Sent], error: BaseException
) -> None:
    model, ex, sent = failing
    model.error = error
    with pytest.raises(type(error)):
        model(ids(1, 4))
    assert told(sent) == []
    assert ex.status == "exact"


def test_an_error_that_comes_again_and_again_is_told_once(
    failing: tuple[Failing, Explorer, Sent],
) -> None:
    model, _, sent = failing
    for message in ("one", "one", "one", "two"):
        model.error = ValueError(message)
        with pytest.raises(ValueError, match=message):
            model(ids(1, 4))
    assert [trouble["detail"] for trouble in told(sent)] == ["one", "two"]


def test_a_page_that_comes_later_is_told_of_the_failure(
    failing: tuple[Failing, Explorer, Sent],
) -> None:
    model, ex, sent = failing
    model.error = ValueError("too late")
    with pytest.raises(ValueError, match="too late"):
        model(ids(1, 4))
    sent.clear()
    ask(ex)
    assert {trouble["detail"] for trouble in told(sent)} == {"too late"}
    assert sent[-1][0]["type"] == "trouble"  # not a picture, which would say that all is well


def test_a_failure_inside_that_the_model_survives_is_no_trouble() -> None:
    class Tries(nn.Module):
        """Calls itself, and a part that fails."""

        def __init__(self) -> None:
            super().__init__()
            self.part = Failing()
            self.part.error = RuntimeError("of the part")

        def forward(self, ids: Tensor, deep: bool = False) -> Tensor:
            if deep:
                raise RuntimeError("deep inside")
            for fails in (lambda: self.part(ids), lambda: self(ids, deep=True)):
                try:
                    fails()
                except RuntimeError:
                    continue
            return ids

    model = Tries()
    ex = aw.explore(model)
    sent = listen(ex)
    model(ids(1, 4))
    assert told(sent) == []
    assert ex.status == "exact"
    ex.close()


def test_a_failed_pass_leaves_no_tensor_alive() -> None:
    """Also where the traceback is kept, as a notebook does: only what the model itself held."""
    kept: list[weakref.ref[Tensor]] = []

    class Runs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Tiny().eval()

        def forward(self, ids: Tensor) -> Tensor:
            kept.append(weakref.ref(self.inner(ids)))
            raise MemoryError("out of memory")

    model = Runs()
    ex = aw.explore(model)
    ex._session.fail(ValueError("an older one"))
    try:
        model(ids(1, 4))
    except MemoryError as error:
        traceback = error.__traceback__
    gc.collect()
    assert [ref() for ref in kept] == [None]
    assert traceback is not None
    assert "MemoryError" in ex.status
    ex.close()


def test_a_run_from_the_page_that_fails_is_told_once() -> None:
    model = Failing()
    ex = aw.explore(model, lambda text: [len(word) for word in text.split()], "a bb")
    sent = listen(ex)
    model.error = ValueError("not today")
    for _ in range(2):
        sent.clear()
        say(ex, {"type": "run", "text": "ccc"})
        assert [t["title"] for t in told(sent)] == ["The forward pass raised ValueError."]
    assert len(ex.tokens) == 2


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "missing"), [((0, 4), "no batch items"), ((2, 0), "no queries and no keys")]
)
def test_an_empty_batch_is_one_clear_trouble(shape: tuple[int, int], missing: str) -> None:
    model = Tiny()
    ex = aw.explore(model)
    sent = listen(ex)
    ask(ex)
    model(ids(2, 4))
    sent.clear()
    assert model(torch.zeros(shape, dtype=torch.int64)).shape[0] == shape[0]
    (trouble,) = told(sent)
    assert missing in trouble["title"]
    assert "at least one batch item and one token" in trouble["detail"]
    assert len(ex.tokens) == 4
    model(ids(2, 3))
    assert ex.status == "exact"
    ex.close()


def test_an_empty_batch_to_begin_with_is_refused() -> None:
    with pytest.raises(Trouble, match="no batch items"):
        aw.explore(Tiny(), inputs=torch.zeros(0, 4, dtype=torch.int64))


@pytest.mark.parametrize("count", [3, 5])
def test_more_or_fewer_labels_than_tokens_keep_the_last_picture(count: int) -> None:
    model = Tiny()
    ex = aw.explore(model, tokens=["red", "green", "blue", "grey"])
    sent = listen(ex)
    model(ids(1, 4))
    trace = ex.trace
    model(ids(1, count))
    (trouble,) = told(sent)
    assert trouble["title"] == (
        f"4 tokens were given, but the attention runs over {count} positions."
    )
    assert ex.trace is trace
    assert ex.tokens == ["red", "green", "blue", "grey"]
    model(ids(1, 4))
    assert ex.status == "exact"
    ex.close()


def test_a_batch_item_stays_selected_and_is_let_go_when_it_is_gone() -> None:
    model = Tiny()
    ex = aw.explore(model)
    model(ids(5, 4))
    ex.batch = 3
    model(two := ids(4, 4))
    assert ex.batch == 3
    assert ex.tokens == [str(i) for i in two[3].tolist()]
    model(ids(2, 4))
    assert ex.batch == 0
    ex.close()


# -- threads and the event loop --------------------------------------------------------------------


@pytest.mark.usefixtures("unpaced")
@pytest.mark.parametrize("workers", [1, 2])
def test_passes_of_other_threads_are_taken_one_at_a_time(workers: int) -> None:
    model = Stories(40, width=16, heads=2, layers=2)
    ex = aw.explore(model, keep=200)
    sent = listen(ex)
    ask(ex)
    model(ids(2, 4))
    sent.clear()
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        random = torch.Generator().manual_seed(seed)
        try:
            for _ in range(25):
                length = int(torch.randint(2, 9, (), generator=random))
                model(torch.randint(0, 40, (2, length), generator=random))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(workers)]
    for thread in threads:
        thread.start()
    for turn in range(200):  # the reader goes on meanwhile
        ex.set_state({"head": turn % 2, "layer": turn % 2})
        ex.set_state({"step": ex._session.passes[0].number if turn % 9 else None})
    for thread in threads:
        thread.join()
    ex.step = None
    assert errors == []
    assert [s.number for s in ex._session.passes] == list(range(1, 25 * workers + 2))
    assert ex._session.trouble is None
    assert max(ex.query, ex.key) < len(ex.tokens)
    passes = [c["pass"] for c, _ in sent if c["type"] == "picture"]
    assert passes == sorted(passes)
    ex.close()


def test_a_text_that_is_run_is_not_mixed_up_with_passes_of_other_threads() -> None:
    class Waits(Tiny):
        """Lets another thread run the model in the middle of a pass of the main one."""

        def forward(self, ids: Tensor) -> Tensor:
            made = super().forward(ids)
            if threading.current_thread() is threading.main_thread():
                other = threading.Thread(target=self, args=(torch.ones(1, 7, dtype=torch.int64),))
                other.start()
                other.join()
            return made

    model = Waits()
    ex = aw.explore(model, lambda text: [len(word) for word in text.split()], "a bb ccc")
    assert (len(ex.tokens), ex.text) == (3, "a bb ccc")
    assert len(ex._session.passes) == 1  # nobody has asked to follow the other
    ex.attach()
    ex.text = "dddd a"
    assert (len(ex.tokens), ex.text) == (2, "dddd a")
    assert [s.text for s in ex._session.passes] == ["a bb ccc", None, "dddd a"]
    ex.close()


def test_in_a_cell_pictures_come_while_it_runs_and_the_last_when_it_has_ended() -> None:
    """A cell runs on the event loop, which has its turn only afterwards."""

    async def kernel() -> None:
        model = Tiny()
        ex = aw.explore(model)
        sent = listen(ex)
        ask(ex)
        await asyncio.sleep(0.05)
        sent.clear()
        for length in range(2, 9):
            model(ids(1, length))
        while_running = [c for c, _ in sent if c.get("kind") == "tile"]
        assert len(while_running) >= 1
        await asyncio.sleep(2 * delivery.SECONDS_OF_QUIET)
        last = [c for c, _ in sent if c.get("kind") == "tile"][-1]
        assert (last["query_len"], last["pass"]) == (8, ex._session.edition)
        ex.close()

    asyncio.run(kernel())


def test_without_a_page_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(pictures, "paint", lambda session, want: drawn.append(want) or iter(()))
    model = Tiny()
    ex = aw.explore(model)
    for _ in range(3):
        model(ids(1, 3))
    assert drawn == []
    ex.close()
