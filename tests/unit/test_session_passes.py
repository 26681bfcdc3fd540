"""The passes a session keeps: how many, how many bytes, and going back to them."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from attnwidget import passes
from attnwidget.passes import Passes
from attnwidget.session import Session
from attnwidget.trace import Trace
from attnwidget.trouble import Trouble
from tests.unit.test_session import Tiny, Words


def live(keep: int = 16, **limits: Any) -> tuple[Tiny, Session]:
    model = Tiny()
    session = Session(model, keep=keep, **limits)
    session.attach()
    return model, session


def numbers(session: Session) -> list[int]:
    return [snapshot.number for snapshot in session.passes]


def run(model: Tiny, *lengths: int) -> None:
    for length in lengths:
        model(torch.ones(1, length, dtype=torch.int64))


def test_the_last_passes_are_kept_and_the_newest_is_shown() -> None:
    model, session = live(keep=3)
    run(model, 1, 2, 3, 4, 5)
    assert numbers(session) == [3, 4, 5]
    assert session.newest is session.snapshot is session.passes[-1]
    assert [s.call("decoder", 0).query_len for s in session.passes] == [3, 4, 5]
    assert not session.paused


def test_a_pass_that_is_looked_at_stays_while_new_ones_are_recorded() -> None:
    model, session = live(keep=3)
    run(model, 1, 2, 3)
    session.look_at(2)
    edition = session.edition
    run(model, 4, 5, 6, 7)
    assert session.paused
    assert session.snapshot is not None
    assert session.newest is not None
    assert (session.snapshot.number, session.newest.number) == (2, 7)
    assert numbers(session) == [5, 6, 7]  # it has fallen out of these, and can still be read
    assert session.snapshot.call("decoder", 0).weights().shape == (1, 2, 2, 2)
    assert session.edition == edition
    session.look_at(2)
    assert session.edition == edition
    session.look_at(None)
    assert session.snapshot is session.newest
    assert session.edition > edition
    with pytest.raises(Trouble, match=r"step=2 is not kept\. Choose from the passes 5 to 7, or No"):
        session.look_at(2)


def test_looking_at_the_newest_pauses_there() -> None:
    model, session = live()
    run(model, 1, 2)
    edition = session.edition
    told: list[bool] = []
    session.followers.append(lambda: told.append(session.paused))
    session.look_at(2)
    run(model, 3)
    assert session.snapshot is not None
    assert session.snapshot.number == 2
    assert told == [True, True]
    assert session.edition == edition  # nothing else is shown


def test_a_run_of_the_sessions_own_is_shown_though_it_was_paused() -> None:
    session = Session(Tiny(), Words())
    session.run("a bb")
    session.run("a bb ccc")
    session.look_at(1)
    assert session.run("dddd").number == 3
    assert not session.paused
    assert session.snapshot is session.newest


def test_before_the_first_pass_there_is_nothing_to_look_at() -> None:
    with pytest.raises(Trouble, match=r"step=1 is not kept\. No pass has been made yet"):
        Session().look_at(1)


def test_every_change_of_what_is_shown_makes_a_new_edition() -> None:
    model, session = live()
    editions = [session.edition]
    for act in (
        lambda: run(model, 1),
        lambda: run(model, 2),
        lambda: session.look_at(1),
        lambda: session.look_at(2),
    ):
        act()
        editions.append(session.edition)
    assert editions == sorted(set(editions))


def test_trouble_that_is_over_is_news_also_while_paused() -> None:
    model, session = live()
    run(model, 1, 2)
    session.look_at(1)
    edition = session.edition
    with pytest.raises(IndexError):
        model(torch.tensor([[99]]))
    assert session.trouble is not None
    run(model, 3)
    assert session.trouble is None
    assert session.edition > edition
    assert session.paused


@pytest.mark.parametrize("limit", [{"keep": 0}, {"keep": 1.5}, {"max_bytes": 0}, {"keep": True}])
def test_limits_say_what_they_take(limit: dict[str, Any]) -> None:
    name, value = next(iter(limit.items()))
    with pytest.raises(Trouble, match=f"{name} is {value!r}. Expected a whole number from 1 up"):
        Session(**limit)


def maps(size: int) -> Trace:
    """float32 (1, 1, size, size)."""
    return Trace.from_arrays([torch.full((1, 1, size, size), 1.0 / size)])


def test_the_newest_passes_that_fit_the_bytes_are_kept() -> None:
    session = Session(max_bytes=3 * 4 * 100)
    for _ in range(5):
        session.take(maps(10), {})
    assert numbers(session) == [3, 4, 5]
    session.take(maps(100), {})  # alone too large; the newest always stays
    assert numbers(session) == [6]


def test_a_storage_that_passes_share_counts_once() -> None:
    session = Session(max_bytes=4 * 100)
    shared = torch.full((1, 1, 10, 10), 0.1)
    for _ in range(3):
        session.take(Trace.from_arrays([shared]), {})
    assert numbers(session) == [1, 2, 3]
    assert session._passes.nbytes == 4 * 100


def test_logits_and_ids_count_too() -> None:
    model, session = live()
    run(model, 4)
    assert session.newest is not None
    storages = {t.untyped_storage().data_ptr() for t in session.newest.tensors()}
    (call,) = session.newest.trace.calls
    assert len(storages) > len({t.untyped_storage().data_ptr() for t in call.tensors()})


class Clock:
    """Stands for the module `time`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.busy = 1000.0
        stand_in = SimpleNamespace(monotonic=lambda: self.now, process_time=lambda: self.busy)
        monkeypatch.setattr(passes, "time", stand_in)
        monkeypatch.setattr(passes, "BYTES_AT_ONCE", 2 * SIZE)
        monkeypatch.setattr(passes, "BYTES_PER_BUSY_SECOND", SIZE)
        monkeypatch.setattr(passes, "BYTES_PER_IDLE_SECOND", 100 * SIZE)

    def session(self) -> Session:
        session = Session()
        session._passes = Passes(_allowance=2 * SIZE)
        return session

    def work(self, seconds: float) -> None:
        self.now += seconds
        self.busy += 2 * seconds  # on two cores


SIZE = 4 * 100  # bytes of maps(10)


def test_in_a_busy_loop_of_large_passes_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    session = clock.session()
    for _ in range(12):
        session.take(maps(10), {})
        clock.work(0.25)
    # Two at once, then one for every second; and the newest.
    assert numbers(session) == [1, 2, 5, 9, 12]


def test_of_what_a_page_has_drawn_the_last_is_kept_and_some_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch)
    session = clock.session()
    for n in range(1, 31):
        session.take(maps(10), {})
        if n % 3 == 0:
            session.mark_seen()
        clock.work(0.25)
        seen = [number for number in numbers(session) if number % 3 == 0]
        assert (n < 3) or seen[-1] == n - n % 3
    later = numbers(session)[2:]
    assert len(later) >= 4
    assert all(number % 3 == 0 for number in later)


def test_passes_run_by_hand_are_all_kept_however_large(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    session = clock.session()
    for _ in range(4):
        session.take(maps(30), {})
        clock.work(0.1)
        clock.now += 1.0  # the reader looks at it
    assert numbers(session) == [1, 2, 3, 4]


def test_small_passes_are_all_kept_in_any_loop() -> None:
    session = Session()
    for n in range(12):
        session.take(maps(10), {})
        if n == 2:
            session.mark_seen()
    assert numbers(session) == list(range(1, 13))


def test_the_nearest_pass_to_one_that_was_let_go() -> None:
    model, session = live(keep=3)
    run(model, *range(1, 9))
    session.look_at(7)
    run(model, 9, 10, 11)
    assert [session.nearest_step(n) for n in (1, 7, 8, 9, 11)] == [7, 7, 7, 9, 11]
    assert [session.nearest_step(n) for n in (0, 12, -3)] == [0, 12, -3]


def test_passes_may_be_read_while_another_thread_adds_to_them() -> None:
    session = Session(keep=4)
    session.take(maps(2), {})
    stop = threading.Event()

    def add() -> None:
        while not stop.is_set():
            session.take(maps(2), {})

    worker = threading.Thread(target=add)
    worker.start()
    try:
        for _ in range(2000):
            kept = numbers(session)
            assert kept == sorted(set(kept))
            assert 1 <= len(kept) <= 4
    finally:
        stop.set()
        worker.join()


def test_closing_lets_go_of_what_is_not_shown() -> None:
    model, session = live()
    run(model, 1, 2, 3)
    session.look_at(1)
    session.forget()
    assert numbers(session) == [3]
    assert session.snapshot is not None
    assert session.snapshot.number == 1
