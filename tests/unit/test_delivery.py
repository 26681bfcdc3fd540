"""Delivery: order, superseding, pushes; on an event loop and without one."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from attnwidget import delivery
from attnwidget.delivery import MOST_VIEWS, Delivery
from attnwidget.messages import Message, Picture, Progress, Slices, Want, Wants


class Kernel:
    """Paints wants named by their kind, and remembers what was sent and drawn."""

    def __init__(self) -> None:
        self.number = 1
        self.sent: list[dict[str, Any]] = []
        self.told: list[dict[str, Any]] = []
        self.drawn: list[str] = []

    def paint(self, want: Want) -> Slices:
        self.drawn.append(want["key"])
        if want["kind"] == "fails":
            raise ValueError("no such head")
        if want["kind"] == "slow":
            yield Picture("slow", coarse=True)
            yield Progress("drawing", 1, 2)
        yield Picture(want["kind"])

    def send(self, message: Message) -> None:
        (self.told if message[0]["type"] == "progress" else self.sent).append(message[0])

    def delivery(self, loop: asyncio.AbstractEventLoop | None = None) -> Delivery:
        return Delivery(self.paint, self.send, lambda: self.number, loop)

    @property
    def keys(self) -> list[str]:
        return [message["key"] for message in self.sent]


def wants(*names: str, view: str = "v", again: bool = False, kind: str = "row") -> Wants:
    return Wants(view, tuple({"key": name, "kind": kind} for name in names), again)


def test_pictures_come_in_order_and_only_once() -> None:
    kernel = Kernel()
    post = kernel.delivery()
    post.want(wants("a", "b"))
    post.want(wants("a", "b", "c"))
    assert kernel.keys == ["a", "b", "c"]


def test_a_reloaded_page_gets_everything_again() -> None:
    kernel = Kernel()
    post = kernel.delivery()
    post.want(wants("a", "b"))
    post.want(wants("a", "b", view="reloaded", again=True))
    assert kernel.keys == ["a", "b", "a", "b"]


def test_what_may_be_looked_at_next_comes_after_what_is_on_screen() -> None:
    kernel = Kernel()
    ahead = {"key": "next", "kind": "row", "prefetch": True}
    kernel.delivery().want(Wants("v", (ahead, {"key": "seen", "kind": "row"}), again=False))
    assert kernel.keys == ["seen", "next"]


def test_coarse_first_then_fine() -> None:
    kernel = Kernel()
    kernel.delivery().want(wants("a", kind="slow"))
    assert [message["coarse"] for message in kernel.sent] == [True, False]


def test_long_work_says_how_far_it_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel()
    clock = iter(range(1000))
    monkeypatch.setattr(
        delivery, "time", SimpleNamespace(monotonic=lambda: next(clock), thread_time=lambda: 0.0)
    )
    kernel.delivery().want(wants("a", kind="slow"))
    assert kernel.told == [{"type": "progress", "what": "drawing", "done": 1, "of": 2}]


def test_a_long_picture_waits_for_a_more_important_one() -> None:
    """A head that is chosen while all thumbnails are drawn is shown at once."""

    async def scene() -> None:
        kernel = Kernel()
        post = kernel.delivery(asyncio.get_running_loop())
        slow = {"key": "all", "kind": "slow"}
        post.want(Wants("view", (slow,), again=False))
        await asyncio.sleep(0)  # one slice of it
        post.want(Wants("view", ({"key": "head", "kind": "quick"}, slow), again=False))
        for _ in range(20):
            await asyncio.sleep(0)
        assert kernel.keys == ["all", "head", "all"]
        assert [message["coarse"] for message in kernel.sent] == [True, False, False]

    asyncio.run(scene())


def test_quick_work_does_not_talk_of_progress() -> None:
    kernel = Kernel()
    kernel.delivery().want(wants("a", kind="slow"))
    assert kernel.told == []


def test_a_want_that_cannot_be_met_is_answered_once_and_stops_nothing() -> None:
    kernel = Kernel()
    post = kernel.delivery()
    post.want(Wants("v", ({"key": "a", "kind": "fails"}, {"key": "b", "kind": "row"}), again=False))
    post.want(wants("b"))
    assert [(m["type"], m["key"]) for m in kernel.sent] == [("trouble", "a"), ("picture", "b")]
    assert kernel.sent[0]["detail"] == "no such head"


def test_a_push_brings_all_again_but_not_what_may_be_looked_at_next() -> None:
    kernel = Kernel()
    post = kernel.delivery()
    ahead = {"key": "next", "kind": "row", "prefetch": True}
    post.want(Wants("v", ({"key": "a", "kind": "row"}, ahead), again=False))
    kernel.sent.clear()
    kernel.drawn.clear()
    kernel.number = 2
    post.push()
    assert kernel.drawn == ["a"]
    assert kernel.sent[0]["pass"] == 2


def test_the_same_want_of_two_views_is_drawn_once() -> None:
    kernel = Kernel()
    post = kernel.delivery()
    post.want(wants("a", view="one"))
    post.want(wants("a", view="two"))
    kernel.drawn.clear()
    kernel.number = 2
    post.push()
    assert kernel.drawn == ["a"]


def test_views_that_never_said_goodbye_are_forgotten() -> None:
    kernel = Kernel()
    post = kernel.delivery()
    for n in range(MOST_VIEWS + 3):
        post.want(wants(f"key {n}", view=f"view {n}"))
    kernel.sent.clear()
    kernel.number = 2
    post.push()
    assert len(kernel.sent) == MOST_VIEWS


def test_where_nothing_else_is_shown_a_push_only_counts() -> None:
    """The model's own picture says how many passes there are; the rest is still right."""
    kernel = Kernel()
    post = kernel.delivery()
    counts = {"key": "m", "kind": "model"}
    post.want(Wants("v", (counts, {"key": "a", "kind": "row"}), again=False))
    kernel.drawn.clear()
    post.push()
    assert kernel.drawn == ["m"]
    assert kernel.sent[-1]["pass"] == 1


def test_without_a_page_nothing_is_drawn() -> None:
    kernel = Kernel()
    post = kernel.delivery()
    post.want(wants("a"))
    post.want(wants())
    kernel.drawn.clear()
    kernel.number = 2
    post.push()
    post.hurry()
    assert kernel.drawn == []


class Clock:
    """Stands for the module `time`; time passes where it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.slept = 0.0
        stands_in = SimpleNamespace(
            monotonic=lambda: self.now, thread_time=lambda: self.now - self.slept
        )
        monkeypatch.setattr(delivery, "time", stands_in)

    def sleep(self, seconds: float) -> None:
        """Time in which the thread does nothing."""
        self.now += seconds
        self.slept += seconds


class Slow(Kernel):
    """Takes as long for a picture as it is told to."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        super().__init__()
        self.clock, self.seconds = clock, seconds

    def paint(self, want: Want) -> Slices:
        self.clock.now += self.seconds
        yield from super().paint(want)


def test_drawing_takes_a_small_share_of_the_time_of_a_running_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch)
    kernel = Slow(clock, 0.05)
    post = kernel.delivery()
    post.want(wants("a", "b"))
    kernel.sent.clear()
    began = clock.now
    while clock.now < began + 100:
        clock.now += 0.02
        kernel.number += 1
        post.push()
    drawing = 0.05 * len(kernel.sent)
    assert drawing / (clock.now - began) <= 0.015
    assert len(kernel.sent) >= 2 * 8  # and the page is not forgotten


def test_a_loop_that_sleeps_is_drawn_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(sleeps: bool) -> int:
        clock = Clock(monkeypatch)
        kernel = Slow(clock, 0.01)
        post = kernel.delivery()
        post.want(wants("a"))
        kernel.sent.clear()
        began = clock.now
        while clock.now < began + 20:
            clock.now += 0.002
            if sleeps:
                clock.sleep(0.048)
            kernel.number += 1
            post.push()
        return len(kernel.sent)

    assert drawn(sleeps=True) > 3 * drawn(sleeps=False)


def test_the_last_pass_is_drawn_once_the_kernel_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though drawing is costly, so that its time has not come: nothing runs that it could slow."""

    async def scene() -> None:
        clock = Clock(monkeypatch)
        kernel = Slow(clock, 0.5)
        post = kernel.delivery(asyncio.get_running_loop())
        post.want(wants("a"))
        while post._has_work():
            await asyncio.sleep(0)
        for number in range(2, 30):
            kernel.number = number
            post.push()
            clock.now += 0.01
        assert [message["pass"] for message in kernel.sent] == [1, 2]
        post._push_later()
        assert len(kernel.sent) == 2  # a pass came a moment ago: there may be more
        clock.now += delivery.SECONDS_OF_QUIET
        await asyncio.sleep(2 * delivery.SECONDS_OF_QUIET)
        assert [message["pass"] for message in kernel.sent] == [1, 2, 29]

    asyncio.run(scene())


def test_a_reader_who_waits_is_not_made_to_spare_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        clock = Clock(monkeypatch)
        kernel = Slow(clock, 0.5)
        post = kernel.delivery(asyncio.get_running_loop())
        post.want(wants("a"))
        while post._has_work():
            await asyncio.sleep(0)
        for number in (2, 3):
            kernel.number = number
            post.push()
        assert kernel.sent[-1]["pass"] == 2
        post.hurry()
        assert kernel.sent[-1]["pass"] == 3
        sent = len(kernel.sent)
        post.hurry()
        assert len(kernel.sent) == sent  # nothing is due

    asyncio.run(scene())


def test_what_the_page_asks_for_does_not_hold_up_the_next_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch)
    kernel = Slow(clock, 5.0)
    post = kernel.delivery()
    post.want(wants("a"))
    kernel.seconds = 0.0
    kernel.number = 2
    post.push()
    assert kernel.sent[-1]["pass"] == 2


def test_once_the_loop_is_closed_all_is_drawn_at_once() -> None:
    kernel = Kernel()

    async def scene() -> Delivery:
        return kernel.delivery(asyncio.get_running_loop())

    post = asyncio.run(scene())
    post.want(wants("a", kind="slow"))
    kernel.number = 2
    post.push()
    assert [(m["pass"], m["coarse"]) for m in kernel.sent] == [
        (1, True), (1, False), (2, True), (2, False),
    ]  # fmt: skip


def test_pushes_of_several_threads_are_sent_whole() -> None:
    kernel = Kernel()
    post = kernel.delivery()
    post.want(wants("a", "b"))
    kernel.sent.clear()

    def push() -> None:
        for _ in range(50):
            kernel.number += 1
            post._last_push = -1.0
            post.push()

    threads = [threading.Thread(target=push) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kernel.keys == ["a", "b"] * (len(kernel.sent) // 2)


def test_pushes_are_limited_and_the_newest_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        kernel = Kernel()
        clock = [100.0]
        monkeypatch.setattr(
            delivery,
            "time",
            SimpleNamespace(monotonic=lambda: clock[0], thread_time=lambda: clock[0]),
        )
        post = kernel.delivery(asyncio.get_running_loop())
        post.want(wants("a"))
        await asyncio.sleep(0.01)
        for number in range(2, 60):
            kernel.number = number
            post.push()
            clock[0] += 0.01
        pushed = [message["pass"] for message in kernel.sent]
        assert len(pushed) <= 1 + 7
        clock[0] += 1
        await asyncio.sleep(delivery.SECONDS_BETWEEN_PUSHES * 2)
        assert kernel.sent[-1]["pass"] == 59

    asyncio.run(scene())


def test_a_want_that_left_the_screen_is_dropped_not_finished() -> None:
    async def scene() -> None:
        kernel = Kernel()
        post = kernel.delivery(asyncio.get_running_loop())
        post.want(wants(*"abcdef"))
        post.want(wants("z"))
        while post._has_work():
            await asyncio.sleep(0)
        assert kernel.keys == ["z"]

    asyncio.run(scene())


def test_other_work_gets_its_turn_between_slices() -> None:
    async def scene() -> None:
        kernel = Kernel()
        post = kernel.delivery(asyncio.get_running_loop())
        post.want(wants(*"abcd", kind="slow"))
        turns = 0
        while post._has_work():
            await asyncio.sleep(0)
            turns += 1
        assert turns >= 8
        assert len(kernel.sent) == 8

    asyncio.run(scene())
