"""What a reader may choose, as traits; and how a link between two widgets sets them."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import traitlets

from attnwidget.heads import Heads, listed
from attnwidget.measures import MEASURES
from attnwidget.reading import KINDS, WEIGHS
from attnwidget.trouble import Trouble

# Those that say where to look come true with the first pass; the others hold at once.
PLACE = ("stack", "layer", "head", "query", "key", "batch")
OF_A_PASS = (*PLACE, "heads", "pair", "step")
OF_THE_PAGE = (
    "view",
    "stage",
    "remove",
    "encoding",
    "joined",
    "mean",
    "direction",
    "words",
    "hide",
    "renormalise",
    "weigh",
    "target",
    "scale",
    "mass",
    "measure",
    "sort",
    "written",
)

# js/src/views/names.js, stages.js and state.js are the twins.
VIEWS = (
    "lines", "matrix", "text", "steps", "block", "grid",
    "image", "roll", "generation", "joined",
    "shapes", "scaling", "order", "positions", "without", "distances", "filters", "chart",
)  # fmt: skip
REMOVABLE = ("head", "residual", "positions", "order")
ENCODINGS = ("model", "sine", "relative", "rotary")
STAGES = (
    "query", "keys", "products", "sum", "scale", "mask", "softmax", "values", "output", "heads",
    "projection",
)  # fmt: skip


class Choice(traitlets.HasTraits):
    """The traits of an Explorer, all of them two-way."""

    text = traitlets.Unicode().tag(sync=True)
    """The text the model runs on; setting it runs the model and shows that pass."""
    stack = traitlets.Unicode().tag(sync=True)
    """Group of like layers: "encoder", "decoder", "cross", ..."""
    layer = traitlets.Int().tag(sync=True)
    """Layer number within the stack."""
    head = traitlets.Int().tag(sync=True)
    """Head number within the layer."""
    heads: Any = traitlets.TraitType().tag(sync=True)
    """Heads drawn together, as a list of [layer, head] pairs, at most 64; [] for only the selected
    one. Numbers alone are heads of the selected layer. It holds as long as the selected head is one
    of them: setting it moves the selection to its first if need be."""
    mean = traitlets.Bool(False).tag(sync=True)
    """Whether several heads are drawn as their mean."""
    query = traitlets.Union(
        [traitlets.Int(), traitlets.Unicode()], default_value=None, allow_none=True
    ).tag(sync=True)
    """Index of the token that looks, or None. May be set to the token's text."""
    key = traitlets.Union(
        [traitlets.Int(), traitlets.Unicode()], default_value=None, allow_none=True
    ).tag(sync=True)
    """Index of the token that is looked at, or None. May be set to the token's text."""
    batch = traitlets.Int().tag(sync=True)
    """Item of the batch."""
    step = traitlets.Int(None, allow_none=True).tag(sync=True)
    """Number of a kept pass to stay at, while new ones are recorded; None follows the newest."""
    view = traitlets.Enum(VIEWS, "lines").tag(sync=True)
    """The main view: one of those always offered, or one made for a lesson."""
    stage = traitlets.Enum(STAGES, "softmax").tag(sync=True)
    """How far the view "steps" is walked."""
    remove = traitlets.Enum(REMOVABLE, "head").tag(sync=True)
    """What the view "without" takes from the model: the selected head, the residual connections of
    the selected layer, its knowledge of positions, or the order of these."""
    encoding = traitlets.Enum(ENCODINGS, "model").tag(sync=True)
    """Which positions the view "positions" shows: the model's own, the sine and cosine of the
    paper, or what relative and rotary ones are."""
    joined = traitlets.Dict().tag(sync=True)
    """Heads of the stacks that are not selected, in the view "joined": by stack, "encoder", "cross"
    or "decoder", a list of [layer, head], drawn as their mean. What is not named is all of its
    last layer."""
    direction = traitlets.Enum(["from", "to"], "from").tag(sync=True)
    """"from": where the query looks. "to": who looks at the key."""
    words = traitlets.Bool(False).tag(sync=True)
    """Whether pieces of a word are drawn as one: their weights as keys are summed, those as queries
    averaged."""
    hide = traitlets.List(traitlets.Enum(list(KINDS))).tag(sync=True)
    """Tokens that are not drawn: any of "special", "padding" and "first" (that is not padding)."""
    renormalise = traitlets.Bool(False).tag(sync=True)
    """Whether rows are divided by what they sum to over the keys that are drawn."""
    pair = traitlets.List(
        traitlets.Int(), default_value=None, allow_none=True, minlen=2, maxlen=2
    ).tag(sync=True)
    """[a, b] for only queries of sentence a and keys of sentence b of a pair; None for all."""
    weigh = traitlets.Enum(WEIGHS, "pattern").tag(sync=True)
    """What is shown of heads: "pattern" the weights, "values" and "output" these times the size of
    the value, or of what the head adds for it, "gradient" times the gradient of `target`, signed,
    "rollout" all layers up to this one multiplied."""
    target: Any = traitlets.TraitType(None, allow_none=True).tag(sync=True)
    """The logit that "gradient" asks about, as [position, vocabulary id]; None is the model's first
    guess. May be set to an id, or to the text of one, at the selected query."""
    scale = traitlets.Enum(["linear", "sqrt", "log", "row"], "sqrt").tag(sync=True)
    """What is drawn of weights: themselves, roots, logarithms, or shares of their row's largest."""
    mass = traitlets.Float(0.9, min=0.0, max=1.0).tag(sync=True)
    """Share of each row's weights that is drawn as lines, the strongest first."""

    measure: Any = traitlets.Enum(tuple(MEASURES), None, allow_none=True).tag(sync=True)
    """By what thumbnails of heads are coloured: a column of ``Trace.heads()``; None for what each
    head looks at."""
    sort = traitlets.Bool(False).tag(sync=True)
    """Whether the view "grid" lists heads from the largest `measure` down."""

    written = traitlets.Int(0, min=0).tag(sync=True)
    """How many tokens of what a model has written are on screen in the view "generation"."""

    @traitlets.default("heads")
    def _no_heads(self) -> Heads:
        return []

    @traitlets.validate("joined")
    def _by_stack(self, proposal: dict[str, Any]) -> dict[str, Any]:
        given: dict[Any, Any] = proposal["value"]
        if set(given) - {"encoder", "cross", "decoder"}:
            raise traitlets.TraitError(
                f"joined={given!r} names other stacks than encoder, cross and decoder."
            )
        try:
            return {stack: listed(heads) for stack, heads in given.items()}
        except Trouble as trouble:
            raise traitlets.TraitError(f"joined: {trouble}") from None

    @traitlets.validate("hide")
    def _in_order(self, proposal: dict[str, Any]) -> list[str]:
        return sorted(set(proposal["value"]))

    @traitlets.validate("mass")
    def _a_number(self, proposal: dict[str, Any]) -> float:
        mass: float = proposal["value"]
        if mass != mass:  # NaN
            raise traitlets.TraitError("mass=nan is no share. Choose from 0.0 to 1.0.")
        return mass


def is_set_by_link() -> bool:
    """Whether a ``traitlets.link`` or ``dlink`` is setting the trait that is being validated.

    Whoever moved the other widget has done nothing wrong, so that an error would go to the wrong
    place; and traitlets offers no way to ask but to look who called.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not _is_of_traitlets(frame):
        frame = frame.f_back
    while frame is not None and _is_of_traitlets(frame):
        if isinstance(frame.f_locals.get("self"), traitlets.link | traitlets.directional_link):
            return True
        frame = frame.f_back
    return False


def _is_of_traitlets(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__") == traitlets.traitlets.__name__
