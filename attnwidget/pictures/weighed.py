"""What the pictures of a reading read their numbers from."""

from __future__ import annotations

from attnwidget.call import AttentionCall
from attnwidget.messages import Want
from attnwidget.pictures.target import target_of
from attnwidget.pictures.where import index, stack_of
from attnwidget.reading import Reading
from attnwidget.session import Session, Snapshot
from attnwidget.weighing.gradient import TimesGradient, gradients_of
from attnwidget.weighing.output import TimesOutput
from attnwidget.weighing.rollout import Rollout
from attnwidget.weighing.values import TimesValues
from attnwidget.weighing.weights import Weights


def weighed(
    session: Session | None, snapshot: Snapshot, want: Want, call: AttentionCall, reading: Reading
) -> Weights:
    """What `reading` reads of a call: the call itself for the pattern.

    Raises
    ------
    Trouble
        If there is no logit to ask about, or the pass cannot be run once more for its gradients.
    """
    if session is None or reading.weigh == "pattern":
        return call
    if reading.weigh == "values":
        return TimesValues(call)
    if reading.weigh == "output":
        return TimesOutput(session.model, call)
    if reading.weigh == "rollout":
        return Rollout(snapshot, call)
    stack = stack_of(snapshot, want)
    batch = index(want, "batch", snapshot.batch_size(stack))
    named = target_of(session, snapshot, stack, batch, reading.target)
    number = next(n for n, one in enumerate(snapshot.trace.calls) if one is call)
    return TimesGradient(call, number, gradients_of(session, snapshot, named.target))


def is_signed(reading: Reading) -> bool:
    """Whether numbers of this reading may be negative."""
    return reading.weigh == "gradient"
