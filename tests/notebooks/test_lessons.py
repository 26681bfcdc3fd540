"""The notebooks of the lessons: they run as they are, and their checks tell right from wrong."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

import attnwidget as aw

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = {path.stem.split("-", 2)[2]: path for path in sorted(FOLDER.glob("lesson-*.ipynb"))}

# By lesson, for each exercise: what a learner may write who is right, and who is not.
ANSWERS: dict[str, list[tuple[str, str]]] = {
    "key-value-store": [
        ("beta = 1.1", "beta = 5"),
        (
            """
            def softargmax(scores, beta):
                powers = np.exp(beta * (scores - np.max(scores)))
                return powers / powers.sum()
            """,
            """
            def softargmax(scores, beta):
                return np.exp(beta * scores) / np.exp(beta * scores).sum()
            """,
        ),
        ("query = [5, 0, 5]", "query = [0, 5, 5]"),
    ],
    "self-attention": [
        (
            """
            def attention(X, W_q, W_k, W_v):
                scores = (X @ W_q.T) @ (X @ W_k.T).T / W_q.shape[0] ** 0.5
                return scores.softmax(-1) @ (X @ W_v.T)
            """,
            """
            def attention(X, W_q, W_k, W_v):
                return ((X @ W_q.T) @ (X @ W_k.T).T).softmax(-1) @ (X @ W_v.T)
            """,
        ),
        ("shuffled_H = H[order]", "shuffled_H = H"),
        ("def divisor(d): return 2 * d**0.5", "def divisor(d): return d**0.5"),
    ],
    "heads": [
        (
            "def split(x, heads): return x.unflatten(-1, (heads, -1)).transpose(1, 2)",
            "def split(x, heads): return x.reshape(x.shape[0], heads, x.shape[1], -1)",
        ),
        (
            "def change_when_muted(h, i, W_h): return -W_h[:, i * len(h) : (i + 1) * len(h)] @ h",
            "def change_when_muted(h, i, W_h): return W_h[:, i * len(h) : (i + 1) * len(h)] @ h",
        ),
        (
            "def numbers_kept(tokens, kv_heads, d): return 2 * tokens * kv_heads * d",
            "def numbers_kept(tokens, kv_heads, d): return tokens * kv_heads * d",
        ),
    ],
    "positions": [
        (
            """
            def encoding(length, d):
                p = torch.zeros(length, d)
                for t in range(length):
                    for i in range(d // 2):
                        angle = t / 10000 ** (2 * i / d)
                        p[t, 2 * i], p[t, 2 * i + 1] = math.sin(angle), math.cos(angle)
                return p
            """,
            "def encoding(length, d): return torch.arange(length)[:, None].expand(length, d).sin()",
        ),
        (
            """
            def step_matrix(omega, steps):
                s, c = math.sin(omega * steps), math.cos(omega * steps)
                return [[c, s], [-s, c]]
            """,
            """
            def step_matrix(omega, steps):
                s, c = math.sin(omega * steps), math.cos(omega * steps)
                return [[c, -s], [s, c]]
            """,
        ),
        (
            """
            def turn(x, t, omega):
                s, c = math.sin(omega * t), math.cos(omega * t)
                return torch.stack([c * x[0] - s * x[1], s * x[0] + c * x[1]])
            """,
            "def turn(x, t, omega): return x * t * omega",
        ),
    ],
    "encoder-block": [
        (
            """
            def add_and_norm(x, f_x, gain, bias, eps=1e-5):
                y = x + f_x
                y = y - y.mean(-1, keepdim=True)
                return y / (y.square().mean(-1, keepdim=True) + eps).sqrt() * gain + bias
            """,
            """
            def add_and_norm(x, f_x, gain, bias, eps=1e-5):
                y = f_x - f_x.mean(-1, keepdim=True)
                return y / (y.square().mean(-1, keepdim=True) + eps).sqrt() * gain + bias
            """,
        ),
        (
            """
            def as_convolution(linear):
                conv = nn.Conv1d(linear.in_features, linear.out_features, 1)
                conv.weight.data = linear.weight.data[:, :, None]
                conv.bias.data = linear.bias.data
                return conv
            """,
            """
            def as_convolution(linear):
                return nn.Conv1d(linear.in_features, linear.out_features, 1)
            """,
        ),
        (
            """
            def cut(block, x):
                y = block.norm_1(block.self_attention(x))
                return block.norm_2(block.feed_forward(y))
            """,
            "def cut(block, x): return block(x)",
        ),
    ],
    "before-transformers": [
        (
            """
            def scores(way, s, h):
                if way == "dot":
                    return h @ s
                if way == "cosine":
                    return h @ s / (h.norm(dim=1) * s.norm())
                return torch.tanh(W @ s + h @ U.T) @ w
            """,
            """
            def scores(way, s, h):
                if way == "additive":
                    return torch.tanh(W @ s + h @ U) @ w
                return h @ s if way == "dot" else torch.cosine_similarity(s, h, dim=-1)
            """,
        ),
        (
            """
            def translate(model, source):
                target = torch.tensor([[model.start]])
                while target.shape[1] < 40 and target[0, -1] != model.stop:
                    best = model(source, target)[:, -1:].argmax(-1)
                    target = torch.cat([target, best], 1)
                return target
            """,
            """
            def translate(model, source):
                target = torch.tensor([[model.start]])
                while target.shape[1] < 40:
                    best = model(source, target)[:, -1:].argmax(-1)
                    target = torch.cat([target, best], 1)
                return target
            """,
        ),
        (
            """
            def count_steps(model, source, target):
                taken = []
                hooks = [
                    module.register_forward_hook(
                        lambda module, given, made: taken.append(
                            given[0].shape[1] if isinstance(module, nn.GRU) else 1
                        )
                    )
                    for module in model.modules()
                    if isinstance(module, (nn.GRU, nn.GRUCell))
                ]
                model(source, target)
                for hook in hooks:
                    hook.remove()
                return sum(taken)
            """,
            """
            def count_steps(model, source, target):
                return 1 + target.shape[1]
            """,
        ),
        (
            """
            def pool(x, U, beta):
                alpha = (beta * torch.cosine_similarity(U, x, dim=-1)).softmax(-1)
                return alpha, alpha @ x
            """,
            """
            def pool(x, U, beta):
                alpha = torch.cosine_similarity(U, x, dim=-1).softmax(-1)
                return alpha, alpha @ x
            """,
        ),
    ],
    "decoder": [
        (
            """
            def masked(scores):
                later = torch.ones_like(scores, dtype=torch.bool).triu(1)
                return scores.masked_fill(later, float("-inf"))
            """,
            """
            def masked(scores):
                return scores.masked_fill(torch.ones_like(scores).triu(0) == 1, float("-inf"))
            """,
        ),
        (
            """
            def reads_and_writes(words):
                return ["<s>", *words], [*words, "</s>"]
            """,
            "def reads_and_writes(words): return words, words",
        ),
        (
            """
            def write(source):
                target = torch.tensor([[model.start]])
                while True:
                    best = model(source, target)[:, -1].argmax(-1, keepdim=True)
                    if best.item() == model.stop:
                        return target[0, 1:].tolist()
                    target = torch.cat([target, best], 1)
            """,
            "def write(source): return [model.start, model.stop]",
        ),
    ],
    "vision": [
        (
            """
            def cut(image):
                return image.reshape(4, 2, 4, 2).transpose(1, 2).reshape(16, 4)
            """,
            "def cut(image): return image.reshape(16, 4)",
        ),
        (
            "def mean_distance(A, D): return (A * D).sum(-1).mean()",
            "def mean_distance(A, D): return (A * D).mean()",
        ),
        (
            """
            def shuffled(patches, positions, order, moves):
                return patches[:, order] + (positions[order] if moves else positions)
            """,
            "def shuffled(patches, positions, order, moves): return patches[:, order] + positions",
        ),
    ],
    "real-heads": [
        (
            """
            def induction_score(A, n):
                return sum(A[t, t - n + 1] for t in range(n + 1, 2 * n + 1)) / n
            """,
            """
            def induction_score(A, n):
                return sum(A[t, t - n] for t in range(n + 1, 2 * n + 1)) / n
            """,
        ),
        (
            "def size(a, V, W): return a * (V @ W.T).norm(dim=-1)",
            "def size(a, V, W): return a * V.norm(dim=-1)",
        ),
        (
            "def moved(p, q): return (p * (p / q).log()).sum()",
            "def moved(p, q): return (q * (q / p).log()).sum()",
        ),
    ],
    "music": [
        (
            """
            def relative_scores(q, k, r):
                length, d = q.shape
                scores = torch.full((length, length), -torch.inf)
                for i in range(length):
                    for j in range(i + 1):
                        scores[i, j] = (q[i] @ k[j] + q[i] @ r[i - j]) / d**0.5
                return scores
            """,
            """
            def relative_scores(q, k, r):
                length, d = q.shape
                scores = torch.full((length, length), -torch.inf)
                for i in range(length):
                    for j in range(i + 1):
                        scores[i, j] = (q[i] @ k[j] + q[i] @ r[j]) / d**0.5
                return scores
            """,
        ),
        ("looked_at = 6", "looked_at = 5"),
        (
            """
            def forget_distances(model):
                for block in model.blocks:
                    block.attention.distance.weight.data.zero_()
                return model
            """,
            """
            def forget_distances(model):
                model.blocks[0].attention.distance.weight.data.zero_()
                return model
            """,
        ),
        ('mine = "D4 A4 F#4/ G4/ A4 | B4- A4-"', 'mine = "C4 D4"'),
    ],
}


def cells(lesson: str) -> list[str]:
    """Sources of the code cells."""
    notebook = json.loads(NOTEBOOKS[lesson].read_text())
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]


def test_every_lesson_has_a_notebook_and_every_notebook_has_answers() -> None:
    assert set(NOTEBOOKS) == set(aw.lessons()) == set(ANSWERS)


@pytest.mark.parametrize("lesson", sorted(NOTEBOOKS))
def test_a_notebook_runs_from_top_to_bottom_without_network(lesson: str) -> None:
    """Each cell in order in a kernel of its own; where nothing was answered it says so."""
    notebook = nbformat.read(NOTEBOOKS[lesson], as_version=4)  # type: ignore[no-untyped-call]
    # Whoever connects to anything but this machine fails.
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    client = NotebookClient(notebook, timeout=120, kernel_name="python3")
    client.execute(env={**os.environ, **nowhere, "HF_HUB_OFFLINE": "1"}, cwd=str(FOLDER))
    said = "".join(
        output.get("text", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
    assert said.count("Not yet:") == len(ANSWERS[lesson])
    shown = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "application/vnd.jupyter.widget-view+json" in output.get("data", {})
    ]
    assert len(shown) >= 2, "the lesson, and the reader's own"


@pytest.mark.parametrize("is_right", [True, False])
@pytest.mark.parametrize("lesson", sorted(NOTEBOOKS))
def test_each_check_tells_right_from_wrong(
    lesson: str, is_right: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    answers = iter(ANSWERS[lesson])
    verdicts = []
    for source in cells(lesson):
        is_answer = "# your answer" in source
        if is_answer:
            right, wrong = next(answers)
            source = textwrap.dedent(right if is_right else wrong)  # noqa: PLW2901
            if "import math" in "".join(cells(lesson)):
                source = f"import math\n{source}"  # noqa: PLW2901
        capsys.readouterr()
        exec(compile(source, lesson, "exec"), names)
        said = capsys.readouterr().out
        if "Not yet" in source:
            verdicts.append(said)
    assert next(answers, None) is None
    assert len(verdicts) == len(ANSWERS[lesson])
    for said in verdicts:
        assert said.startswith("Right" if is_right else "Not quite"), said
