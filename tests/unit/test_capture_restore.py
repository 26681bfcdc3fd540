"""A model that was looked at is left exactly as it was found."""

from __future__ import annotations

import copy
import inspect
import io
import threading
import types
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attnwidget.binding.active import active
from attnwidget.binding.capture import Binding, Pass, attach, capture
from attnwidget.trouble import Trouble
from tests.unit.models import NanoGPT, Notebook, Sdpa, transformers_inputs, transformers_model


def watched() -> list[object]:
    """Everything outside the model that is replaced while bound."""
    from transformers.modeling_utils import AttentionInterface

    return [
        vars(AttentionInterface)["get_interface"],
        torch.overrides.has_torch_function,
        torch.nn.functional.scaled_dot_product_attention,
        torch.nn.functional.multi_head_attention_forward,
        torch.overrides._get_current_function_mode(),
        active.recorders,
        active.mode,
        active.silent,
    ]


def traces_on(model: nn.Module) -> list[object]:
    """Keys of every module's dict, and every hook."""
    return [
        (name, sorted(vars(module)), len(module._forward_hooks), len(module._forward_pre_hooks))
        for name, module in model.named_modules()
    ]


@contextmanager
def unchanged(*models: nn.Module) -> Iterator[None]:
    before = watched(), [traces_on(model) for model in models]
    yield
    after = watched(), [traces_on(model) for model in models]
    assert all(a is b for a, b in zip(before[0][:5], after[0][:5], strict=True))
    assert before[0][5:] == after[0][5:]
    assert before[1] == after[1]


def x() -> Tensor:
    return torch.randn(2, 5, 16)


class Failing(Sdpa):
    fails = True

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        if self.fails:
            raise RuntimeError("out of luck")
        return y


@pytest.mark.parametrize("make", [Sdpa, Notebook, lambda: nn.MultiheadAttention(16, 4)])
def test_nothing_is_left_after_the_block(make: Any) -> None:
    model = make()
    args = (x(),) * (3 if isinstance(model, nn.MultiheadAttention) else 1)
    with unchanged(model), capture(model):
        model(*args)


def test_nothing_is_left_on_a_transformers_model() -> None:
    model = transformers_model("bert")
    config = model.config.to_dict()
    with unchanged(model), capture(model):
        model(**transformers_inputs("bert"))
    assert model.config.to_dict() == config


def test_an_exception_in_forward_passes_through_and_leaves_nothing() -> None:
    model = Failing()
    passes: list[Pass] = []
    with unchanged(model):
        binding = attach(model, passes.append)
        with pytest.raises(RuntimeError, match="^out of luck$"):
            model(x())
        assert passes == []
        model.fails = False
        model(x())
        assert [len(done.calls) for done in passes] == [1]
        binding.detach()
        model.fails = True
        del model.fails  # back to the class attribute


def test_an_exception_inside_a_registered_function_leaves_nothing() -> None:
    model = transformers_model("bert")
    inputs = transformers_inputs("bert")
    with unchanged(model), capture(model) as trace:
        with pytest.raises(RuntimeError):
            model(**inputs, attention_mask=torch.ones(3, 9, 9, 9))
        assert not active.silent
        model(**inputs)
        assert len(trace.calls) == 2


def test_an_exception_in_the_block_leaves_nothing() -> None:
    model = Sdpa()
    with unchanged(model), pytest.raises(KeyError), capture(model):
        raise KeyError


def test_an_exception_in_on_pass_is_a_warning_and_the_output_is_returned() -> None:
    model = Sdpa()

    def broken(done: Pass) -> None:
        raise ValueError("no room on the screen")

    binding = attach(model, broken)
    with pytest.warns(UserWarning, match="on_pass raised ValueError: no room on the screen"):
        out = model(x())
    binding.detach()
    assert out.shape == (2, 5, 16)


def test_detach_may_be_called_again() -> None:
    model = Sdpa()
    with unchanged(model):
        binding = attach(model, lambda done: None)
        assert binding.attached
        binding.detach()
        binding.detach()
        assert not binding.attached


def test_two_models_and_the_same_model_twice() -> None:
    one, other = Sdpa(), Notebook()
    with unchanged(one, other):
        with capture(one) as first, capture(other) as second, capture(one) as third:
            one(x())
            other(x())
        assert [t.calls[0].source for t in (first, second, third)] == ["sdpa", "softmax", "sdpa"]
        assert [len(t.calls) for t in (first, second, third)] == [1, 1, 1]


def test_a_model_and_a_part_of_it_at_once() -> None:
    model = NanoGPT(layers=3)
    with unchanged(model):
        with capture(model) as whole, capture(model.h[1]) as part:
            model(torch.randint(0, 50, (1, 4)))
        assert [call.module for call in whole.calls] == ["h.0", "h.1", "h.2"]
        assert [call.module for call in part.calls] == [""]
        assert torch.equal(whole.calls[1].weights(), part.calls[0].weights())


def test_reading_a_part_while_the_whole_is_running_is_not_recorded() -> None:
    model = NanoGPT(flash=False)
    with capture(model) as whole:
        binding = attach(model.h[0], lambda done: done.calls[0].scores())
        model(torch.randint(0, 50, (1, 4)))
        binding.detach()
    assert [call.module for call in whole.calls] == ["h.0", "h.1"]


def test_letting_go_in_another_order_than_binding() -> None:
    model = Sdpa()
    with unchanged(model):
        bindings = [attach(model, lambda done: None) for _ in range(3)]
        for i in (0, 2, 1):
            bindings[i].detach()
            model(x())


def test_a_forward_wrapped_by_others_before_is_put_back() -> None:
    model = Sdpa()
    original = model.forward

    def theirs(*args: Any, **kwargs: Any) -> Tensor:
        return original(*args, **kwargs) * 2

    model.forward = theirs  # as accelerate's hooks do
    with unchanged(model), capture(model) as trace:
        assert torch.equal(model(x := torch.randn(2, 5, 16)), original(x) * 2)
    assert model.forward is theirs
    assert len(trace.calls) == 1


def test_a_forward_wrapped_by_others_meanwhile_is_left_alone() -> None:
    model = Sdpa()
    passes: list[Pass] = []
    binding = attach(model, passes.append)
    ours = model.forward

    def theirs(*args: Any, **kwargs: Any) -> Tensor:
        return ours(*args, **kwargs)

    model.forward = theirs
    binding.detach()
    assert model.forward is theirs
    model(x())
    assert passes == []


def test_the_signature_stays_readable() -> None:
    model = transformers_model("bert")
    before = inspect.signature(model.forward)
    with capture(model):
        assert inspect.signature(model.forward) == before
        assert model.forward.__name__ == "forward"
        assert model.forward.__self__ is model


def test_a_deep_copy_has_a_forward_of_its_own() -> None:
    model = Sdpa()
    with capture(model) as trace:
        twin = copy.deepcopy(model)
        assert isinstance(twin.forward, types.MethodType)
        assert twin.forward.__self__ is twin
        twin(x())
        assert trace.calls == []
    with torch.no_grad():
        twin.out.weight.zero_()
        twin.out.bias.zero_()
    assert twin(x()).eq(0).all()


def test_a_bound_model_can_be_pickled_without_us() -> None:
    model = Sdpa()
    file = io.BytesIO()
    with capture(model) as trace:
        torch.save(model, file)
        assert b"attnwidget" not in file.getvalue()
        file.seek(0)
        twin = torch.load(file, weights_only=False)
        twin(x())
        assert trace.calls == []
    assert twin.forward.__self__ is twin


def test_other_threads_are_not_mixed_in() -> None:
    model, other = Sdpa(), Sdpa()

    class Waiting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, x: Tensor) -> Tensor:
            y = self.inner(x)
            worker = threading.Thread(target=lambda: (model(x), other(x)))
            worker.start()
            worker.join()
            return y

    root = Waiting()
    with capture(root) as trace:
        root(x())
    assert len(trace.calls) == 1


def test_two_threads_may_run_one_bound_model() -> None:
    model = Sdpa()
    passes: list[Pass] = []
    binding = attach(model, passes.append)
    threads = [threading.Thread(target=model, args=(x(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    binding.detach()
    assert sorted(done.step for done in passes) == list(range(8))
    assert all(len(done.calls) == 1 for done in passes)


def test_a_pass_says_what_the_model_was_called_with() -> None:
    model = Notebook()
    passes: list[Pass] = []
    binding: Binding = attach(model, passes.append)
    given, mask = x(), torch.ones(5, 5)
    model(given, mask=mask)
    binding.detach()
    (done,) = passes
    assert done.args[0] is given
    assert done.kwargs["mask"] is mask
    assert done.step == 0
    assert done.trace.calls == done.calls


def test_nothing_keeps_the_tensors_alive_once_the_trace_is_gone() -> None:
    kept: list[weakref.ref[Tensor]] = []
    for model in (Sdpa(), Notebook(), nn.MultiheadAttention(16, 4, batch_first=True).eval()):
        args = (given := x(),) * (3 if isinstance(model, nn.MultiheadAttention) else 1)
        with torch.no_grad(), capture(model) as trace:
            model(*args)
        kept = [weakref.ref(tensor) for tensor in trace.calls[0].tensors()]
        storages = [tensor.untyped_storage().data_ptr() for tensor in trace.calls[0].tensors()]
        assert len(storages) >= 3
        del trace, args, given
        assert all(ref() is None for ref in kept)  # at once: nothing waits for the collector


def test_no_autograd_graph_is_kept() -> None:
    model = Sdpa()
    with capture(model) as trace:
        model(x())
    assert all(tensor.grad_fn is None for tensor in trace.calls[0].tensors())


def test_a_module_added_while_bound_is_found_by_name() -> None:
    model = nn.Sequential(Sdpa())
    passes: list[Pass] = []
    binding = attach(model, passes.append)
    model.append(Sdpa())
    model(x())
    binding.detach()
    assert [call.module for call in passes[0].calls] == ["0", "1"]


@pytest.mark.parametrize("thing", [Sdpa, "gpt2", lambda x: x])
def test_only_modules_can_be_bound(thing: Any) -> None:
    with pytest.raises(Trouble, match=r"model is a \w+\. Expected a torch\.nn\.Module"):
        attach(thing, lambda done: None)


@pytest.mark.parametrize("keep", [0, -1, "first", None, True])
def test_keep_says_what_it_takes(keep: Any) -> None:
    expected = r'keep is .*\. Expected "last", "all" or a number'
    with pytest.raises(Trouble, match=expected), capture(Sdpa(), keep=keep):
        pass


def test_compiled_models_run_uncompiled_while_bound() -> None:
    model = Sdpa()
    compiled = torch.compile(model, backend="eager")
    with torch.no_grad():
        given = x()
        expected = compiled(given)
        with capture(compiled) as trace:
            assert torch.equal(compiled(given), expected)
        assert torch.equal(compiled(given), expected)
    assert [call.module for call in trace.calls] == [""]
