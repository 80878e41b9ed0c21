from __future__ import annotations

import inspect
from dataclasses import KW_ONLY
from typing import Annotated, Any, ClassVar, Literal

import pytest

import autograd_core as ag
import optim
from autograd_core.errors import ConfigError
from autograd_core.options import COUNT, FRACTION
from optim.declared import Declared, Value, also, argument
from optim.hyperparameters import Fraction, NonNegative


class First(Value):
    share: Annotated[float, FRACTION]
    how: Literal["a", "b"] = "a"
    note: ClassVar[str] = "left alone"
    _private: Any = None


class Second(First):
    """Another default keeps its place; what is new comes after."""

    share: Annotated[float, FRACTION] = 0.5
    _: KW_ONLY
    many: Annotated[int, COUNT] = 3
    shares: float | None = also("share")


def test_the_signature_is_what_is_declared():
    arguments = inspect.signature(First).parameters
    assert {name: a.annotation for name, a in arguments.items()} == {
        "share": "Annotated[float, FRACTION]",
        "how": "Literal['a', 'b']",
    }
    assert [a.default for a in arguments.values()] == [inspect.Parameter.empty, "a"]
    arguments = inspect.signature(Second).parameters
    assert list(arguments) == ["share", "how", "many", "shares"]
    assert arguments["share"].default == 0.5
    assert arguments["many"].kind is inspect.Parameter.KEYWORD_ONLY
    assert list(First.hyperparameters) == ["share", "how"]


def test_values_are_checked_and_kept():
    assert repr(Second(0.25, "b", many=4)) == "Second(share=0.25, how='b', many=4)"
    assert Second() == Second(0.5)
    assert len({Second(), Second(0.5), Second(0.25), First(0.5)}) == 3
    with pytest.raises(
        ConfigError, match=r"Second: share: expected a finite number in \[0, 1\); received 1"
    ):
        Second(1)
    with pytest.raises(ConfigError, match="First: how: expected one of 'a', 'b'; received 'c'"):
        First(0.5, "c")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: First(), "First: missing a required argument: 'share'"),
        (lambda: First(0.5, "a", 3), "First: too many positional arguments"),
        (lambda: First(0.5, share=0.5), "First: multiple values for argument 'share'"),
        (lambda: Second(0.5, "a", 3), "Second: too many positional arguments"),
        (lambda: optim.SGD([ag.tensor([1.0], requires_grad=True)]), "SGD: missing a required argument: 'lr'"),
        (lambda: optim.SGD([ag.tensor([1.0], requires_grad=True)], 0.1, betas=3), "SGD: got an unexpected keyword argument 'betas'"),
    ],
)  # fmt: skip
def test_a_call_that_does_not_fit_is_told_with_the_class(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_an_annotation_that_says_no_range_is_refused():
    with pytest.raises(TypeError, match=r"Wide.rate: <class 'float'> says no range. Expected"):

        class Wide(Declared):
            rate: float

    with pytest.raises(TypeError, match="an annotation is read when the class is made"):

        class Unknown(Declared):
            rate: Missing  # noqa: F821


def test_a_name_that_is_taken_is_refused():
    with pytest.raises(
        TypeError, match=r"Odd.step: expected another name: Optimizer has an attribute"
    ):

        class Odd(optim.Optimizer):
            step: NonNegative

    with pytest.raises(TypeError, match=r"Odd.slots: expected another name: Transform has"):

        class Odd(optim.Transform):
            slots: NonNegative

    with pytest.raises(
        TypeError, match=r"Old.hyperparameters: expected each to be declared as an attribute"
    ):

        class Old(optim.Optimizer):
            hyperparameters: ClassVar = {}


def test_annotations_are_read_where_the_class_stands():
    Local = Annotated[float, FRACTION]

    class Inner(Value):
        share: Local

    assert Inner(0.5).share == 0.5


def test_a_rule_names_what_its_class_declares():
    with pytest.raises(
        TypeError,
        match=r"Short.update: expected the names step, lr, beta .* missing: beta; unknown: gamma",
    ):

        class Short(optim.Optimizer):
            lr: NonNegative
            beta: Fraction = 0.5

            @staticmethod
            def update(theta, g, *, step, lr, gamma):
                return (theta - lr * g,)


def test_every_hyperparameter_is_an_attribute_of_the_optimizer():
    w, u = (ag.tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = optim.SGD([{"params": [w]}, {"params": [u], "momentum": 0.5}], lr=0.1)
    optimizer.nesterov = False
    with pytest.raises(ConfigError, match=r"SGD.momentum: the groups differ: \[0.0, 0.5\]"):
        _ = optimizer.momentum
    optimizer.momentum = 0.25
    assert [g["momentum"] for g in optimizer.param_groups] == [0.25, 0.25]
    with pytest.raises(ConfigError, match="SGD: momentum: expected a finite number"):
        optimizer.momentum = 1.0
    assert optimizer.momentum == 0.25


def test_a_subclass_adds_to_what_there_is():
    class Signed(optim.SGD):
        size: Fraction = 0.5

        @staticmethod
        def update(theta, g, velocity=None, *, size, **options):
            return optim.SGD.update(theta, size * ag.sign(g), velocity, **options)

    w = ag.tensor([1.0, -1.0], requires_grad=True)
    optimizer = Signed([w], 1.0, size=0.25)
    w.grad = ag.tensor([7.0, -3.0])
    optimizer.step()
    assert w.tolist() == [0.75, -0.75]
    assert list(inspect.signature(Signed).parameters)[:6] == [
        "params", "lr", "momentum", "nesterov", "weight_decay", "size",
    ]  # fmt: skip


def test_an_optimizer_without_a_learning_rate_says_so():
    class Signs(optim.Optimizer):
        @staticmethod
        def update(theta, g, *, step):
            return (theta - ag.sign(g),)

    optimizer = Signs([ag.tensor([1.0], requires_grad=True)])
    with pytest.raises(AttributeError, match="Signs has no hyperparameter 'lr'"):
        _ = optimizer.lr
    with pytest.raises(AttributeError, match="Signs has no hyperparameter 'lr'"):
        optimizer.lr = 0.1


def test_two_classes_of_one_name_are_told_apart_in_files():
    """A class of one's own is written with its module: the other of that name would be another rule."""

    def made(module, factor):
        class Twin(optim.Transform):
            __module__ = module
            __qualname__ = "Twin"

            @staticmethod
            def update(inner, theta, g, *, step):
                return (inner(theta, factor * g),)

        return Twin()

    first, second = made("one", 2.0), made("two", 3.0)

    def descent(*transforms):
        return optim.SGD([ag.tensor([1.0], requires_grad=True)], lr=0.5, transforms=transforms)

    state = descent(first).state_dict()
    other = descent(second)
    other.load_state_dict(state)  # which takes over what the state was made with
    (transform,) = other.param_groups[0].transforms
    assert type(transform) is type(first)


def test_other_arguments_stand_before_the_hyperparameters_or_go_by_name():
    class Made(Declared):
        _what: str = argument(alias="what")
        rate: Annotated[float, FRACTION] = 0.5
        _how: str = argument(alias="how", default="well", kw_only=True)

    class More(Made):
        _where: str = argument(alias="where", default="here", kw_only=True)
        share: Annotated[float, FRACTION] = 0.25

    arguments = inspect.signature(More).parameters.values()
    assert [a.name for a in arguments] == ["what", "rate", "share", "how", "where"]
    assert [a.kind for a in arguments][-2:] == [inspect.Parameter.KEYWORD_ONLY] * 2
    assert list(More.hyperparameters) == ["rate", "share"]
    assert More._given((), {"share": 0.5}) == {"rate": 0.5, "share": 0.5}
