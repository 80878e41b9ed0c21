"""Module: what every layer, loss and model is. It knows its parameters, buffers and parts by name.

An attribute says what it is by what is assigned to it:

==========================================  =========================================
assigned                                    becomes
==========================================  =========================================
leaf Tensor that requires a gradient        a parameter (role ``"parameter"``)
`Parameter` (values)                        a parameter, frozen or not
Module                                      a child
``register_buffer(name, values)``           a buffer: saved state that is not trained
anything else                               a plain attribute
==========================================  =========================================
"""

from __future__ import annotations

import os
import types
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, Self

import numpy as np

import autograd_core as ag
from autograd_core import storage
from autograd_core.aliases import Array, ArrayLike
from autograd_core.context import CONTEXT, refused
from autograd_core.elsewhere import say_elsewhere
from autograd_core.errors import CaptureError, ConfigError, StateError
from autograd_core.frames import library
from autograd_core.structure import Structured, bump

__all__ = ["KeyMismatch", "Module", "Parameter"]

_Kind = Literal["parameter", "buffer", "child"]
_RUN = "gradproof training run"  # how optim.Checkpoint's files say what they are
_PLAIN = frozenset({bool, int, float, str})  # compared by value: the rest by identity
_HERE = "dtype= of each layer when it is made; there is one device, the CPU"
# What other libraries' modules have -> what to write.
ELSEWHERE = {
    **dict.fromkeys(("to", "cuda", "cpu", "float", "double", "half", "type"), _HERE),
    "add_module": "model.name = module, or setattr(model, name, module)",
    "bfloat16": "dtype=np.float16 of each layer when it is made",
    "compile": "ag.jit(model)",
    "get_buffer": "dict(model.named_buffers())[path]",
    "get_parameter": "dict(model.named_parameters())[path]",
    "get_submodule": "dict(model.named_modules())[path]",
    "get_weights": "model.state_dict()",
    "predict": "nn.predict(model, x)",
    "register_backward_hook": "t.retain_grad() and t.grad of what forward computes",
    "register_forward_hook": "a module around it, whose forward calls it and looks at the result",
    "register_forward_pre_hook": "a module around it, whose forward looks at the input",
    "register_full_backward_hook": "t.retain_grad() and t.grad of what forward computes",
    "register_module": "model.name = module, or setattr(model, name, module)",
    "register_parameter": "model.name = nn.Parameter(values)",
    "set_weights": "model.load_state_dict(state)",
    "share_memory": "model.state_dict()",
    "summary": "nn.summary(model, x)",
    "trainable_variables": "list(model.parameters())",
    "weights": "list(model.parameters())",
}  # fmt: skip
_read: weakref.WeakKeyDictionary[type, frozenset[str]] = weakref.WeakKeyDictionary()


class KeyMismatch(NamedTuple):
    """What `Module.load_state_dict` skipped under ``strict=False``."""

    missing: list[str]
    unexpected: list[str]


def Parameter(data: ArrayLike, requires_grad: bool = True) -> ag.Tensor:  # noqa: N802 - PyTorch's name
    """A Tensor that becomes a parameter of the module that it is assigned to.

    A function, since tensors are of one class. `ag.tensor(values, requires_grad=True)` does the
    same; this one can make a frozen parameter, too.

    Parameters
    ----------
    data : array_like
        First values, copied (PyTorch shares the memory); floats.
    requires_grad : bool
        False makes a frozen parameter: listed and saved, not trained, until `requires_grad_`.

    Raises
    ------
    DTypeError
        If the values are no floats.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.Module()
    >>> layer.scale = nn.Parameter(np.ones(2), requires_grad=False)
    >>> [(name, t.requires_grad) for name, t in layer.named_parameters()]
    [('scale', False)]
    """
    parameter = ag.tensor(data, requires_grad=True, role="parameter")
    parameter.requires_grad = bool(requires_grad)
    return parameter


class Module(Structured):
    """A part of a network: parameters, buffers, children, and `forward`, which uses them.

    Subclasses build their parts in ``__init__`` and write ``forward``; nothing is written for the
    backward pass. Calling ``super().__init__()`` is allowed and not needed. Calling a module runs
    its `forward` inside a named scope such as ``"0:Linear"`` (its name in its parent and its
    class; the class alone for a root), so that every recorded operation knows its layer.

    Parameters and buffers get names and roles for programs, drawings and errors: the path under
    which the state lists them, such as ``"0.weight"``, unless they were named before.

    A module or parameter that is used twice is shared: it is listed, counted and saved once, under
    the first name that leads to it. ``copy.deepcopy`` gives an independent module.

    Compiled steps see what is assigned and deleted; of what is written past that, into ``__dict__``,
    they see attributes that are not registered.

    Attributes
    ----------
    training : bool
        True at first; set for the whole tree by `train` and `eval`.

    Raises
    ------
    ConfigError
        If an assignment would lose or hide parameters: a list of modules (use
        `ModuleList`), a plain value over a registered name, a name with a dot, a cycle.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag, nn
    >>> class Scale(nn.Module):
    ...     def __init__(self):
    ...         self.factor = ag.tensor(2.0, requires_grad=True)
    ...
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> layer = Scale()
    >>> float(layer(3.0).detach()), [name for name, _ in layer.named_parameters()]
    (6.0, ['factor'])
    """

    training: bool = True
    _name: str | None = None
    _uncalled: bool = False  # True of lists of modules, in which nothing is recorded

    @property
    def _registry(self) -> dict[str, _Kind]:
        # Made when first asked for, so that a subclass cannot register too early.
        return self.__dict__.setdefault("_kinds", {})

    def _no_forward(self, *_: Any, **__: Any) -> Any:
        raise ConfigError(
            type(self).__name__,
            "forward is not written. Expected a method "
            "forward(self, ...) that returns the output; received none. Define it in the class.",
        )

    # A Callable, so that a subclass may name its own arguments and types.
    forward: Callable[..., Any] = _no_forward

    def __call__(self, *inputs: Any, **options: Any) -> ag.Tensor:
        """Call `forward` inside the scope of this module.

        Returns
        -------
        Tensor
            What `forward` returns: a Tensor as a rule, which an editor then knows.
        """
        result: ag.Tensor = self._run(self._name, inputs, options)
        return result

    def _run(self, name: str | None, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Call `forward` inside the scope entry of a module called ``name`` by its parent."""
        # As ag.named_scope, which takes 1 us longer.
        context, kind = CONTEXT.get(), type(self)
        token = CONTEXT.set(context.modules.get((name, kind)) or context.within_module(name, kind))
        try:
            return self.forward(*inputs, **options)
        finally:
            CONTEXT.reset(token)

    # Registration ---------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Module):
            self._check_replacement(name, "child")
            self._check_name(name, "child")
            if any(part is self for part in value.modules()):
                raise ConfigError(
                    f"{type(self).__name__}.{name}",
                    "the module would contain itself. "
                    "Expected a tree of modules. Pass it as an argument of forward instead.",
                )
            if value._name is None:
                value.__dict__["_name"] = name
                _name_by_path(value, name)
                value._called_by(self)
            self._registry[name] = "child"
        elif isinstance(value, ag.Tensor) and self._registry.get(name) == "buffer":
            self._check_buffer(name, value)
        elif _is_parameter(value):
            self._check_replacement(name, "parameter")
            self._check_name(name, "parameter")
            self._check_capture(name, "parameter")
            ag.mark(value, role=value.role or "parameter", name=value.name or name)
            self._registry[name] = "parameter"
        elif name in self._registry:
            if value is not None:
                kind = self._registry[name]
                remedy = (
                    f"Assign a Module, or None, or first `del` {name}."
                    if kind == "child"
                    else f"Write values with .{name}.assign(values), assign an nn.Parameter, or first "
                    f"`del` {name}. For gradients by such values: nn.functional_call(model, "
                    f"{{{name!r}: values}}, x)."
                )
                raise ConfigError(
                    f"{type(self).__name__}.{name}",
                    f"a registered {kind} cannot be replaced by a "
                    f"{'computed tensor' if isinstance(value, ag.Tensor) else 'plain value'}. Received {_describe(value)}. {remedy}",
                )
            del self._registry[name]
        elif _hides_parameters(value):
            raise ConfigError(
                f"{type(self).__name__}.{name}",
                "modules and parameters inside a "
                f"{type(value).__name__} would be neither trained nor saved. Expected a Module. Keep "
                "modules in nn.ModuleList([...]), or in nn.Sequential(...) where each is called with the "
                "output of the one before; assign parameters each to an attribute of its own.",
            )
        old = self.__dict__.get(name, getattr(type(self), name, None))
        if value is not old and not (
            type(value) in _PLAIN and type(value) is type(old) and repr(value) == repr(old)
        ):
            self._changed(name)
        object.__setattr__(self, name, value)

    def _called_by(self, parent: Module) -> None:
        """Lengthen the name of a child of a list by the list's: its scope then tells one list from another."""
        if parent._uncalled and parent._name is not None:
            self.__dict__["_name"] = f"{parent._name}.{self._name}"
        if self._uncalled:
            for child in self.children():
                if child._name is not None:
                    child.__dict__["_name"] = child._name.rpartition(".")[2]
                    child._called_by(self)

    def __delattr__(self, name: str) -> None:
        if name in self.__dict__:
            self._changed(name)
        object.__delattr__(self, name)
        self._registry.pop(name, None)

    def _changed(self, name: str) -> None:
        """Note that an attribute is about to change, for captured steps."""
        bump()
        capture = CONTEXT.get().capture
        if capture is not None:
            before = dict(self.__dict__), dict(self._registry)
            capture.undo.append(lambda: self._put_back(*before))

    def __structure__(self) -> tuple[Any, ...]:
        """What a captured step depends on.

        Registered entries, and attributes that methods of our own classes may read. What the user's
        code reads is watched where it does so.
        """
        own = self.__dict__
        kinds, read = own.get("_kinds", {}), _read_by_ours(type(self))
        names = [name for name in own if name in kinds or name in read]
        return (type(self), *kinds, *kinds.values(), *names, *[own[name] for name in names])

    def _put_back(self, attributes: dict[str, Any], kinds: dict[str, _Kind]) -> None:
        self.__dict__.clear()
        self.__dict__.update(attributes)
        self.__dict__["_kinds"] = kinds
        bump()

    def register_buffer(self, name: str, values: ArrayLike) -> None:
        """Make ``values`` a buffer: an array that is saved with the state and never trained.

        Parameters
        ----------
        name : str
            Attribute under which it is found; without dots.
        values : array_like
            Copied, dtype kept. A Tensor is taken as it is, if it requires no gradient.

        Raises
        ------
        ConfigError
            If the name is taken or no attribute name, or the Tensor requires a gradient.
        """
        self._check_name(name, "buffer")
        if name in self.__dict__:
            raise ConfigError(
                f"{type(self).__name__}.register_buffer",
                f"the name {name!r} is taken. Choose another, or first `del` the attribute.",
            )
        self._check_capture(name, "buffer")
        tensor = values if isinstance(values, ag.Tensor) else ag.tensor(values)
        self._check_buffer(name, tensor)
        ag.mark(tensor, role=tensor.role or "buffer", name=tensor.name or name)
        self._changed(name)
        self._registry[name] = "buffer"
        object.__setattr__(self, name, tensor)

    def _check_capture(self, name: str, kind: _Kind) -> None:
        capture = CONTEXT.get().capture
        if capture is not None and capture.blind:
            raise refused(
                CaptureError(
                    f"{type(self).__name__}.{name}",
                    f"a {kind} is made inside of a compiled step, which could "
                    "not keep it. Expected modules that are complete. Call the model once before, outside of "
                    "ag.jit, or make it in __init__.",
                )
            )

    def _check_buffer(self, name: str, tensor: ag.Tensor) -> None:
        if tensor.requires_grad:
            raise ConfigError(
                f"{type(self).__name__}.{name}",
                "a buffer is not trained. Expected a Tensor "
                "without requires_grad; received one with it. Pass tensor.detach().",
            )

    def _check_name(self, name: str, kind: _Kind) -> None:
        # A dot would make two state keys read alike; a method's name would hide the method.
        taken = getattr(type(self), name, None) if isinstance(name, str) else None
        if (
            not isinstance(name, str)
            or not name
            or "." in name
            or callable(taken)
            or isinstance(taken, property)
        ):
            raise ConfigError(
                type(self).__name__,
                f"{name!r} cannot name a {kind}. Expected a non-empty str "
                "without dots that is no method of the class. Choose another name.",
            )

    def _check_replacement(self, name: str, kind: _Kind) -> None:
        known = self._registry.get(name, kind)
        if known != kind:
            raise ConfigError(
                f"{type(self).__name__}.{name}",
                f"a registered {known} cannot be replaced by a {kind}. First `del` {name}.",
            )

    def _registered(self, kind: _Kind) -> list[tuple[str, Any]]:
        """Return the direct entries of one kind, in order of registration, repeats included."""
        values = self.__dict__
        return [(name, values[name]) for name, known in self._registry.items() if known == kind]

    # Reading --------------------------------------------------------------------------------------

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Yield this module and all below it, each once, parents first, with dotted paths."""
        seen: set[int] = set()
        waiting: list[tuple[str, Module]] = [(prefix, self)]
        while waiting:
            path, module = waiting.pop()
            if id(module) in seen:
                continue
            seen.add(id(module))
            yield path, module
            children = module._registered("child")
            waiting.extend((_join(path, name), child) for name, child in reversed(children))

    def modules(self) -> Iterator[Module]:
        """Yield this module and all below it, each once, parents first."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the direct children, each once, with their names."""
        seen: set[int] = set()
        for name, child in self._registered("child"):
            if id(child) not in seen:
                seen.add(id(child))
                yield name, child

    def children(self) -> Iterator[Module]:
        """Yield the direct children, each once."""
        return (child for _, child in self.named_children())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True
    ) -> Iterator[tuple[str, ag.Tensor]]:
        """Yield all parameters of the tree, each once, with dotted paths such as ``"0.weight"``.

        Parameters
        ----------
        prefix : str
            What paths begin with.
        recurse : bool
            False: only those of this module itself.
        """
        return self._named("parameter", prefix, recurse)

    def parameters(self, recurse: bool = True) -> Iterator[ag.Tensor]:
        """Yield all parameters of the tree, each once; without ``recurse`` those of this module itself."""
        return (tensor for _, tensor in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True
    ) -> Iterator[tuple[str, ag.Tensor]]:
        """Yield all buffers of the tree, each once, with dotted paths; see `named_parameters`."""
        return self._named("buffer", prefix, recurse)

    def buffers(self, recurse: bool = True) -> Iterator[ag.Tensor]:
        """Yield all buffers of the tree, each once; without ``recurse`` those of this module itself."""
        return (tensor for _, tensor in self.named_buffers(recurse=recurse))

    def _named(
        self, kind: _Kind, prefix: str, recurse: bool = True
    ) -> Iterator[tuple[str, ag.Tensor]]:
        seen: set[int] = set()
        for path, module in self.named_modules(prefix) if recurse else [(prefix, self)]:
            for name, tensor in module._registered(kind):
                if id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield _join(path, name), tensor

    def _named_places(self) -> Iterator[tuple[str, ag.Tensor]]:
        """Yield all parameters and buffers under every path that leads to them."""
        waiting: list[tuple[str, Module]] = [("", self)]
        while waiting:
            path, module = waiting.pop()
            for name, kind in module._registry.items():
                if kind != "child":
                    yield _join(path, name), module.__dict__[name]
            children = module._registered("child")
            waiting.extend((_join(path, name), child) for name, child in reversed(children))

    def parameter_count(self) -> int:
        """Count the numbers in the parameters of the tree; shared ones once, frozen ones too."""
        return sum(tensor.size for tensor in self.parameters())

    # Acting on the whole tree ---------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Set ``training`` to ``mode`` here and in every module below; return this module.

        Batch norm and dropout behave differently in training and in evaluation.

        Raises
        ------
        ConfigError
            If ``mode`` is not a bool.
        """
        if not isinstance(mode, bool):
            raise ConfigError(
                f"{type(self).__name__}.train",
                "expected mode True or False; received "
                f"{_describe(mode)}. To train a model, use optim.fit.",
            )
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set ``training`` to False here and in every module below; return this module."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Unfreeze all parameters of the tree, or freeze them; return this module.

        A frozen parameter gets no gradient and optimizers pass it over; it is listed and saved as
        before. ``model[0].requires_grad_(False)`` freezes one layer, for fine-tuning the rest.
        """
        for tensor in self.parameters():
            tensor.requires_grad_(requires_grad)
        return self

    def zero_grad(self) -> None:
        """Forget the gradients: ``grad`` becomes None in every parameter."""
        for tensor in self.parameters():
            tensor.grad = None

    def apply(self, function: Callable[[Module], object]) -> Self:
        """Call ``function`` with every module of the tree, children first; return this module."""
        order: dict[int, Module] = {}
        waiting: list[Module] = [self]
        while waiting:
            module = waiting.pop()
            if id(module) not in order:
                order[id(module)] = module
                waiting.extend(module.children())
        # Parents first and from the right, read backwards, is children first and from the left.
        for module in reversed(order.values()):
            function(module)
        return self

    # State ----------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Array]:
        """Return all parameters and buffers by dotted path, as NumPy copies.

        Buffers include running statistics and the keys and counters of random layers, so a model
        with this state continues exactly as this one would.

        Returns
        -------
        dict of str to ndarray
            Independent of the model: later training does not change it.
        """
        return {path: np.array(tensor.numpy()) for path, tensor in self._named_state()}

    def load_state_dict(self, state: Mapping[str, ArrayLike], strict: bool = True) -> KeyMismatch:
        """Take over the values of ``state``: all of them, or none and an error.

        Parameters
        ----------
        state : mapping of str to array_like
            As made by `state_dict`; shapes and dtypes must be those of this module.
        strict : bool
            If False, missing and unexpected keys are skipped and returned.

        Returns
        -------
        KeyMismatch
            The keys that were skipped; both lists are empty under ``strict``.

        Raises
        ------
        StateError
            One error that lists every missing, unexpected, mis-shaped and mis-typed key. Nothing
            was changed.
        """
        if not isinstance(state, Mapping):
            raise StateError(
                f"{type(self).__name__}.load_state_dict",
                "expected a mapping of names to arrays; "
                f"received {_describe(state)}. Pass what state_dict() returned.",
            )
        own = dict(self._named_state())
        missing = [path for path in own if path not in state]
        unexpected = [str(path) for path in state if path not in own]
        faults = [f"missing: {path}" for path in missing if strict]
        faults += [f"unexpected: {path}" for path in unexpected if strict]
        arrays: dict[str, Array] = {}
        for path, tensor in own.items():
            if path in state:
                array, fault = _fitting(state[path], tensor)
                arrays[path] = array
                faults += [f"{fault[0]}: {path}: {fault[1]}"] if fault else []
        if faults:
            hint = ", or pass strict=False to skip missing and unexpected keys" if strict else ""
            raise StateError.listing(
                f"{type(self).__name__}.load_state_dict",
                "the state does not fit; nothing was changed.",
                faults,
                f"Build the model as it was when the state was saved{hint}.",
            )
        with ag.no_grad():
            for path, array in arrays.items():
                own[path].assign(array)
        return KeyMismatch(missing, unexpected)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `state_dict` to a safetensors file: all of it, or nothing.

        Parameters
        ----------
        path : path-like
            An older file is replaced at once.

        Raises
        ------
        CheckpointError
            If the file cannot be written. The old one, if any, is intact.
        """
        storage.save(path, self.state_dict(), {"module": type(self).__name__})

    def load(self, path: str | os.PathLike[str], strict: bool = True) -> KeyMismatch:
        """Take over the values of a file that `save` wrote: all of them, or none and an error.

        A checkpoint of `optim.fit` will do, too: then the model is as it was at that epoch.

        The file holds numbers, not code: make the model as it was first, then load.

        Parameters
        ----------
        path : path-like
        strict : bool
            See `load_state_dict`, as for what is returned.

        Raises
        ------
        CheckpointError
            If the file is missing, damaged or of another kind.
        StateError
            If it does not fit this module; lists every fault. Nothing was changed.
        """
        arrays, metadata = storage.load(path)
        if str(metadata.get("kind", "")).startswith(_RUN):
            part = "model."
            arrays = {n[len(part) :]: a for n, a in arrays.items() if n.startswith(part)}
        return self.load_state_dict(arrays, strict)

    def _named_state(self, prefix: str = "") -> Iterator[tuple[str, ag.Tensor]]:
        yield from self.named_parameters(prefix)
        yield from self.named_buffers(prefix)

    # Text -----------------------------------------------------------------------------------------

    def __dir__(self) -> list[str]:
        own = self.__dict__
        return [name for name in object.__dir__(self) if name in own or name not in ELSEWHERE]

    def extra_repr(self) -> str:
        """Give what stands in the brackets of the repr: the options of this module."""
        return ""

    def __repr__(self) -> str:
        children = self._registered("child")
        head = f"{type(self).__name__}({self.extra_repr()}"
        if not children:
            return head + ")"
        lines = [f"  ({name}): " + repr(child).replace("\n", "\n  ") for name, child in children]
        return "\n".join([head, *lines, ")"])


say_elsewhere(Module, "Module", "a module", ELSEWHERE)


def _read_by_ours(kind: type) -> frozenset[str]:
    """Names of attributes in the methods of classes of this library, of those of a module."""
    known = _read.get(kind)
    if known is None:
        ours = [c for c in kind.__mro__ if library(c.__module__)]
        known = _read[kind] = frozenset(
            n for c in ours for f in vars(c).values() for n in _names(f)
        )
    return known


def _names(found: Any) -> Iterator[str]:
    """Names in the code of what stands in a class, if it is code."""
    function = getattr(found, "fget", None) or getattr(found, "__func__", found)
    waiting = [getattr(function, "__code__", None)]
    while waiting:
        code = waiting.pop()
        if isinstance(code, types.CodeType):
            yield from code.co_names
            waiting.extend(code.co_consts)


def _name_by_path(module: Module, name: str) -> None:
    """Lengthen the names of a new child's tensors: programs and errors then tell layers apart."""
    for path, tensor in module._named_state(name):
        # A name of the user's own, or one that another parent gave, is no end of this path.
        if path.endswith(f".{tensor.name}"):
            ag.mark(tensor, name=path)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _describe(value: object) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def _hides_parameters(value: object) -> bool:
    """Whether a plain container holds a module or parameter that no traversal would find."""
    if isinstance(value, Mapping):
        value = list(value.values())
    return isinstance(value, (list, tuple, set, frozenset)) and any(
        isinstance(entry, Module) or _is_parameter(entry) for entry in value
    )


def _is_parameter(value: object) -> bool:
    """Whether an attribute becomes a parameter: a leaf to be trained, or one that is frozen."""
    return (
        isinstance(value, ag.Tensor)
        and value.is_leaf
        and (value.requires_grad or value.role == "parameter")
    )


def _fitting(value: ArrayLike, tensor: ag.Tensor) -> tuple[Array, tuple[str, str] | None]:
    """``value`` as an array, and what keeps it from being the values of ``tensor``, if anything."""
    try:
        array = value.numpy() if isinstance(value, ag.Tensor) else np.asarray(value)
    except (TypeError, ValueError) as error:
        return tensor.numpy(), ("not an array", str(error))
    if array.shape != tensor.shape:
        return array, ("wrong shape", f"expected {tensor.shape}, received {array.shape}")
    if array.dtype.newbyteorder("=") != tensor.dtype:
        return array, ("wrong dtype", f"expected {tensor.dtype}, received {array.dtype}")
    return array, None
