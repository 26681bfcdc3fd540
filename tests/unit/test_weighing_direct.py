"""What heads add to a logit directly, the logit itself, and what is refused, in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import traitlets
from torch import Tensor, nn

import attnwidget as aw
from attnwidget import pictures
from attnwidget.assumed import wants_of_page
from attnwidget.session import Session
from attnwidget.trouble import Trouble
from tests.record_weighed import FILE, record
from tests.unit.models import D, Notebook, transformers_inputs
from tests.unit.test_pictures_without import TEXT, LanguageModel
from tests.unit.test_weighing import MODELS, Numbered, session_of, weighed


def causal(name: str) -> Session:
    """A pre-norm language model of transformers with an unembedding, or the bundled one."""
    import transformers as hf

    if name == "stories":
        return session_of("stories")
    torch.manual_seed(3)
    small: dict[str, Any] = {"vocab_size": 50, "bos_token_id": 0, "eos_token_id": 1}
    config = (
        hf.GPT2Config(n_embd=D, n_head=4, n_layer=2, **small)
        if name == "gpt2"
        else hf.LlamaConfig(
            hidden_size=D, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, **small,
        )
    )  # fmt: skip
    model = hf.AutoModelForCausalLM.from_config(config).eval()
    for parameter in model.parameters():  # large enough for every part to matter
        parameter.data += 0.2 * torch.randn_like(parameter)
    session = Session(model, Numbered())
    session.run_inputs({"input_ids": transformers_inputs("gpt2")["input_ids"]})
    return session


# By model: the embeddings, feed-forward outputs, final norm and unembedding, by their paths.
PARTS: dict[str, tuple[list[str], str, str, str, str]] = {
    "stories": (["words", "places"], "feed_forward", "output", "norm", "unembed"),
    "gpt2": (
        ["transformer.wte", "transformer.wpe"],
        "mlp",
        "c_proj",
        "transformer.ln_f",
        "lm_head",
    ),
    "llama": (["model.embed_tokens"], "mlp", "o_proj", "model.norm", "lm_head"),
}


@pytest.mark.parametrize("name", list(PARTS))
def test_heads_embeddings_feed_forwards_and_biases_add_up_to_the_logit(name: str) -> None:
    session = causal(name)
    model, snapshot = session.model, session.snapshot
    assert model is not None
    assert snapshot is not None
    assert snapshot.given is not None
    embeddings, feed_forward, projection, norm, unembed = PARTS[name]
    item, position, number = (0, 9, 30) if name == "stories" else (1, 4, 7)
    made = weighed(session, "gradient", "direct", batch=item, target=[position, number])
    heads = made.arrays["heads"].astype(np.float64)
    assert made.facts["logit"] == pytest.approx(made.facts["of_heads"] + made.facts["rest"])

    # All else, from the model's own tensors in float64.
    seen: dict[str, Tensor] = {}
    hooks = [
        module.register_forward_hook(
            lambda _, args, output, path=path: seen.update({path: output, f"{path} in": args})
        )
        for path, module in model.named_modules()
        if path in (*embeddings, norm) or path.endswith(f".{feed_forward}")
    ]
    encoded = snapshot.given.encoded
    assert encoded is not None
    with torch.no_grad():
        output = model(*encoded.args, **encoded.kwargs)
    for hook in hooks:
        hook.remove()
    logits = output if isinstance(output, Tensor) else output.logits
    x = seen[f"{norm} in"][0][item, position].double()
    last: Any = model.get_submodule(norm)
    row = (
        model.get_submodule(unembed).weight[number].detach().double()
        * last.weight.detach().double()
    )
    if "bias" in dict(last.named_parameters()):
        rate = 1 / (x.var(correction=0) + last.eps).sqrt()
        constant = float(model.get_submodule(unembed).weight[number].double() @ last.bias.double())
        direction = row * rate - (row * rate).mean()
    else:
        rate = 1 / (x.square().mean() + last.variance_epsilon).sqrt()
        constant, direction = 0.0, row * rate
    rest = constant
    for path, value in seen.items():
        if path.endswith((" in", norm)):
            continue
        own = value[min(item, len(value) - 1)] if value.dim() == 3 else value
        rest += float(direction @ own[position].double())
    for path, module in model.named_modules():
        is_output = path.endswith(f".{projection}") and ".mlp." not in path
        if is_output and getattr(module, "bias", None) is not None:
            rest += float(direction @ module.bias.detach().double())
    assert heads.sum() + rest == pytest.approx(float(logits[item, position, number]), abs=1e-4)
    assert np.abs(heads).max() > 1e-3


def with_plain_heads() -> Session:
    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q, self.k, self.v = (nn.Linear(D, D) for _ in range(3))

        def forward(self, x: Tensor) -> Tensor:
            return torch.softmax(self.q(x) @ self.k(x).mT, -1) @ self.v(x)

    session = Session(LanguageModel(Plain).eval(), Numbered())
    session.run_inputs(torch.randint(26, (1, 6)))
    return session


def given_weights() -> Session:
    session = Session()
    session.take(aw.Trace.from_arrays([torch.rand(1, 2, 5, 5).softmax(-1)]), {})
    return session


def changed_since() -> Session:
    session = session_of("sdpa")
    with torch.no_grad():
        for parameter in session.model.parameters():  # type: ignore[union-attr]
            parameter.add_(0.1)
    return session


def without_graph() -> Session:
    class Frozen(LanguageModel):
        @torch.no_grad()
        def forward(self, ids: Tensor) -> Tensor:
            return super().forward(ids)

    session = Session(Frozen(Notebook).eval(), Numbered())
    session.run_inputs(torch.randint(26, (1, 6)))
    return session


def made_in_inference_mode() -> Session:
    with torch.inference_mode():
        model = LanguageModel(Notebook).eval()
    session = Session(model, Numbered())
    session.run_inputs(torch.randint(26, (1, 6)))
    return session


REFUSED: list[tuple[str, str, str, Callable[[], Session]]] = [
    ("direct", "gradient", "final|linear|norm|unchanged", lambda: session_of("bert sdpa")),
    ("tile", "rollout", "brings tokens from elsewhere", lambda: session_of("t5 eager")),
    ("tile", "output", "No layer after the heads", with_plain_heads),
    ("tile", "gradient", "no logits", given_weights),
    ("tile", "values", "Only weights were given", given_weights),
    ("tile", "gradient", "predicts otherwise", changed_since),
    ("tile", "gradient", "cannot be differentiated", without_graph),
    ("tile", "gradient", "inference mode", made_in_inference_mode),
]


@pytest.mark.parametrize(
    ("kind", "weigh", "why", "make"), REFUSED, ids=[f"{w} {y[:14]}" for _, w, y, _ in REFUSED]
)
def test_what_cannot_be_had_is_refused_in_words(
    kind: str, weigh: str, why: str, make: Callable[[], Session]
) -> None:
    session = make()
    snapshot = session.snapshot
    assert snapshot is not None
    last = list(snapshot.stacks)[-1]
    layer = snapshot.stacks[last][0].layer
    more: dict[str, Any] = {} if kind == "direct" else {"heads": [[layer, 0]]}
    stack = "cross" if "cross" in snapshot.stacks else last
    with pytest.raises(Trouble) as caught:
        weighed(session, weigh, kind, stack=stack, **more)
    assert any(part in str(caught.value) for part in why.split("|"))


@pytest.mark.parametrize("name", [name for name in MODELS if name not in ("t5 eager", "bart sdpa")])
def test_without_a_choice_it_is_the_first_guess_at_the_last_token(name: str) -> None:
    session = session_of(name)
    snapshot = session.snapshot
    assert snapshot is not None
    assert snapshot.logits is not None
    item = len(snapshot.logits.tensor) - 1
    facts = weighed(session, "gradient", "model", batch=item).facts["tokens"]["target"]
    logits = snapshot.logits.tensor[item]
    sides = snapshot.sides(next(iter(snapshot.stacks)), item)
    there = [i for i, token in enumerate(sides.queries) if token.kind != "padding"]
    row = logits if logits.dim() == 1 else logits[there[-1]]
    assert facts["id"] == int(row.argmax())
    assert facts["is_guess"]
    assert facts["position"] == (None if logits.dim() == 1 else there[-1])
    assert (facts["what"] == "classes") == (logits.dim() == 1)


def test_the_target_may_be_set_by_text_by_id_or_as_a_pair() -> None:
    ex = aw.explore(text=TEXT, query="because")
    because = ex.query
    ex.target = "it"
    position, number = ex.target
    assert position == because
    ex.target = number
    assert ex.target == [because, number]
    ex.target = [3, 30]
    assert ex.target == [3, 30]
    ex.query = 5
    assert ex.target == [3, 30], "it stays where it was set"
    for wrong in ("two words", 401, [17, 3], [0, "qwertz"], [1], True, 2.5):
        with pytest.raises(traitlets.TraitError):
            ex.target = wrong
    assert ex.target == [3, 30]
    ex.text = "Tom met Anna. Tom saw"
    assert ex.target is None, "of another text it means nothing"
    ex.close()


def test_it_may_be_chosen_at_the_beginning() -> None:
    ex = aw.explore(text=TEXT, query="because", weigh="gradient", target="it", view="grid")
    assert ex.target == [ex.query, ex.target[1]]
    assert isinstance(ex.target[1], int)
    snapshot = ex._session.snapshot
    assert snapshot is not None
    keys = [want["key"] for want in wants_of_page(snapshot, ex)]
    assert f"direct| 0 gradient {ex.target[0]},{ex.target[1]}" in keys
    ex.close()
    with pytest.raises(traitlets.TraitError, match="no single token"):
        aw.explore(text=TEXT, target="two words")


@pytest.mark.parametrize("weigh", ["values", "output", "gradient", "rollout"])
def test_merged_words_and_hidden_tokens_are_those_of_the_same_numbers(weigh: str) -> None:
    session = session_of("stories")
    plain = weighed(session, weigh, heads=[[1, 0]]).arrays["cells"]
    reading = {"hide": ["first"], "renormalise": True}
    cells = weighed(session, weigh, heads=[[1, 0]], reading=reading).arrays["cells"]
    rest = plain[1:, 1:].astype(np.float64)
    sums = np.abs(rest).sum(axis=1, keepdims=True)
    expected = rest / np.where(sums == 0, 1, sums)
    assert np.abs(cells - expected).max() <= 1e-6


def test_signs_survive_small_pictures() -> None:
    session = session_of("stories")
    whole = weighed(session, "gradient", heads=[[1, 0]]).arrays["cells"]
    *_, small = pictures.paint(
        session,
        {
            "key": "k", "kind": "tile", "stack": "", "batch": 0, "heads": [[1, 0]], "rows": None,
            "cols": None, "size": [4, 4],
            "reading": {"words": False, "hide": [], "renormalise": False, "pair": None,
                        "weigh": "gradient"},
        },
    )  # fmt: skip
    for r in range(4):
        for c in range(4):
            block = whole[5 * r : 5 * r + 5, 5 * c : 5 * c + 5]
            assert small.arrays["cells"][r, c] == block.flat[np.abs(block).argmax()]  # type: ignore[union-attr]
    made = weighed(session, "gradient", "overview", size=24)
    bytes_, top = made.arrays["cells"], np.maximum(made.arrays["max"], -made.arrays["min"])
    back = (bytes_[1, 0].astype(float) - 128) / 127
    assert np.abs(np.sign(back) * back**2 * top[1, 0] - whole).max() <= 0.009 * top[1, 0]
    lines = weighed(session, "gradient", "lines", heads=[[1, 0]], direction="from", count=3)
    for query in range(len(whole)):
        order = np.argsort(-np.abs(whole[query]), kind="stable")[:3]
        order = order[whole[query][order] != 0]
        assert lines.arrays["tokens"][query][: len(order)].tolist() == order.tolist()
        assert lines.arrays["weights"][query][: len(order)].tolist() == whole[query][order].tolist()
    columns = weighed(session, "gradient", "lines", heads=[[1, 0]], direction="to", count=2)
    assert columns.arrays["weights"][0][0] == whole[:, 0][np.abs(whole[:, 0]).argmax()]


def test_the_kernel_still_sends_what_was_recorded() -> None:
    recorded = json.loads(FILE.read_text())
    now = record()
    assert len(now) == len(recorded)
    for old, new in zip(recorded, now, strict=True):
        assert old["want"] == new["want"]
        assert set(old["content"]) <= set(new["content"])
        assert old["content"]["kind"] == new["content"]["kind"]
        assert [a["shape"] for a in old["content"]["arrays"]] == [
            a["shape"] for a in new["content"]["arrays"]
        ]
