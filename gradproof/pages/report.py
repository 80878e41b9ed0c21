"""The demo's page: one HTML file that asks nothing of the network and runs nothing.

Pictures are inside it, formulas are MathML, and its own policy forbids every request and script.
Equal contents give equal bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from importlib import resources
from typing import Any

import optim
from autograd_core.aliases import Array
from autograd_core.symbolic import PROVED, Verdict

from ..proofs import Claim
from .formulas import BATCH_NORM_BACKWARD, BATCH_NORM_FORWARD, CROSS_ENTROPY
from .markup import Markup, data_uri, element, inline_svg, join, png

__all__ = ["Mistake", "Report", "Score", "render"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"
LONGEST = 1000  # characters of one kink that are shown


@dataclass(frozen=True)
class Score:
    """How the network does on one part of the data.

    Attributes
    ----------
    part : str
        "training", "validation" or "test".
    images, wrong : int
        How many there are, and how many are misread.
    loss : float
        Mean cross-entropy, in nats.
    """

    part: str
    images: int
    wrong: int
    loss: float

    @property
    def error(self) -> float:
        """Share of images that are misread, in [0, 1]; nan without images."""
        return self.wrong / self.images if self.images else math.nan


@dataclass(frozen=True)
class Mistake:
    """A misread image.

    Attributes
    ----------
    image : ndarray, shape (rows, columns)
        Ink in [0, 1].
    true, said : int
        The digit that it is, and the one that the network took it for.
    chance, chance_of_true : float
        Probability that the network gave to what it said, and to the truth.
    """

    image: Array
    true: int
    said: int
    chance: float
    chance_of_true: float


@dataclass(frozen=True)
class Report:
    """Everything that the page says; plain text, numbers and SVG documents of our own making.

    Attributes
    ----------
    title, data, source : str
        Heading; the data set; where it comes from.
    scores : sequence of Score
        Training, validation, test.
    history : optim.History
    parameters : int
        Trained numbers.
    model : str
        The network, as it prints itself.
    settings : mapping of str to str
        How it was trained.
    mistakes : sequence of Mistake
    claims : sequence of Claim
    program : str
        A printed program.
    command : str
        What was typed.
    seed : int
    versions : mapping of str to str
    graph, mirror, mask : str
        Drawings of viz, as SVG.
    masks, curves : str
        Plots, as SVG.
    """

    title: str
    data: str
    source: str
    scores: Sequence[Score]
    history: optim.History
    parameters: int
    model: str
    settings: Mapping[str, str]
    mistakes: Sequence[Mistake]
    claims: Sequence[Claim]
    program: str
    command: str
    seed: int
    versions: Mapping[str, str]
    graph: str
    mirror: str
    mask: str
    masks: str
    curves: str


def render(report: Report) -> str:
    """The page as HTML.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str
        UTF-8 text; whatever came from data is escaped.
    """
    style = resources.files(__package__).joinpath("report.css").read_text("utf-8")
    sections = {
        "learned": ("How it learned", _learned(report)),
        "misread": ("What it misread", _misread(report)),
        "graph": ("What is computed", _computed(report)),
        "dropout": ("What dropout does", _dropout(report)),
        "proofs": ("What is proved", _proved(report)),
        "program": ("What runs is what is proved", _program(report)),
        "making": ("How this page was made", _making(report)),
    }
    contents = (
        element("li", element("a", title, href=f"#{name}")) for name, (title, _) in sections.items()
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", report.title),
        element("style", Markup(style)),
    )
    body = element(
        "body",
        element(
            "header",
            element("h1", report.title),
            _paragraph(
                "Learned by an autodiff engine whose every gradient can be run, drawn and proved. "
                "This page has the network’s results, the graph of its loss, its dropout masks, and "
                "the proofs of the gradients that trained it.",
                class_="lead",
            ),
            _tiles(report),
            element("nav", element("ul", *contents), aria_label="Contents"),
        ),
        element(
            "main",
            *(
                element("section", element("h2", title), content, id=name)
                for name, (title, content) in sections.items()
            ),
        ),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


# --- sections -------------------------------------------------------------------------------------


def _tiles(report: Report) -> Markup:
    test = report.scores[-1]
    history = report.history
    proved = sum(claim.verdict.status == PROVED for claim in report.claims)
    best = history.best_epoch
    return element(
        "dl",
        _tile(
            "Test error",
            _percent(test.error),
            f"{test.wrong:,} of {test.images:,} digits misread that it had never seen",
        ),
        _tile(
            "Epochs",
            f"{history.epochs:,}",
            f"{_ending(history.stopped_by)}; the weights are those of epoch {best}",
        ),
        _tile(
            "Parameters", f"{report.parameters:,}", "trained by Adam, with batch norm, dropout, L2"
        ),
        _tile(
            "Statements proved",
            f"{proved} of {len(report.claims)}",
            "about its gradients, for all real numbers, without rounding; the sizes stand beside each",
        ),
        class_="tiles",
    )


def _tile(name: str, figure: str, remark: str) -> Markup:
    return element(
        "div",
        element("dt", name),
        element("dd", figure, class_="figure"),
        element("dd", remark, class_="remark"),
    )


def _ending(stopped_by: str | None) -> str:
    return "all that were asked for" if stopped_by in (None, "epochs") else f"ended by {stopped_by}"


def _learned(report: Report) -> Markup:
    rows = (
        element(
            "tr",
            element("th", score.part, scope="row"),
            *(
                element("td", value, class_="number")
                for value in (
                    f"{score.images:,}",
                    f"{score.wrong:,}",
                    _percent(score.error),
                    f"{score.loss:.4f}",
                )
            ),
        )
        for score in report.scores
    )
    return join(
        [
            _paragraph(
                f"{report.data}, of ten classes. The network sees only the training images. After each "
                "epoch, the validation images say whether it still gets better; the test images are "
                "looked at once, at the end.",
            ),
            _image(
                report.curves,
                "Loss and error after each epoch",
                "Training values are means over the epoch’s batches, with dropout; validation values "
                "are those of the whole network after it.",
            ),
            _table(
                "The finished network on each part of the data",
                ("part", "images", "misread", "error", "cross-entropy, nats"),
                rows,
                numbers_from=1,
            ),
            _pairs("How it was trained", report.settings.items()),
        ]
    )


def _misread(report: Report) -> Markup:
    test = report.scores[-1]
    if not report.mistakes:
        return _paragraph(f"None of the {test.images:,} test images.")
    shown = len(report.mistakes)
    if test.wrong == 1:
        count = "The one misread test image"
    elif shown == test.wrong:
        count = f"All {shown} misread test images, the most confident mistake first"
    else:
        count = f"{shown} of the {test.wrong:,} misread test images, the most confident mistakes"
    pictures = (
        element(
            "li",
            element(
                "img",
                src=data_uri("image/png", png(mistake.image)),
                alt=f"A handwritten {mistake.true}",
            ),
            f"a {mistake.true}, read as ",
            element("strong", mistake.said),
            element("br"),
            element(
                "small",
                f"{_percent(mistake.chance, 0)} sure; {_percent(mistake.chance_of_true, 0)} for the truth",
            ),
        )
        for mistake in report.mistakes
    )
    return join(
        [
            _paragraph(f"{count}. Percentages are the probabilities that the network gave."),
            element("ul", *pictures, class_="gallery turns"),
        ]
    )


def _computed(report: Report) -> Markup:
    return join(
        [
            _paragraph(
                "The graph of the training loss, as it was recorded for eight test images: from the "
                "pixels through the layers to the cross-entropy, and from the weights to the L2 "
                "penalty. Under each name stand the shape, mean ± standard deviation, and the range of "
                "the values. Rest the pointer on a node to see all that is known of it.",
            ),
            _drawing(
                report.graph,
                "graph-",
                "Graph of the training loss",
                "The forward. Each operation is one declared primitive.",
            ),
            _paragraph(
                "The backward is recorded by the same means. Opposite each layer stands its own "
                "backward, which nobody wrote: it is what the rules of the primitives give. Dashed "
                "lines are values that the backward reads again; green are the gradients: those of the "
                "parameters are what Adam steps by.",
            ),
            _drawing(
                report.mirror,
                "mirror-",
                "Forward and backward of the training loss, opposite each other",
                "Forward down the left, backward up the right, each layer folded to one node.",
            ),
        ]
    )


def _dropout(report: Report) -> Markup:
    return join(
        [
            _paragraph(
                "In training, each image has a network of its own: every hidden unit is dropped with "
                "probability 1/5, and what is left is scaled up. The masks below are drawn from random "
                "bits that are recorded with the step, so the very same masks can be replayed, drawn, "
                "and stood for by symbols in a proof.",
            ),
            _image(
                report.masks,
                "Dropout masks of eight images",
                "Masks of eight images, a row each: which of the hidden units take part.",
            ),
            _drawing(
                report.mask,
                "mask-",
                "Network left by dropout",
                "The network that is left for one image.",
            ),
        ]
    )


def _proved(report: Report) -> Markup:
    rows = (_claim(claim) for claim in report.claims)
    return join(
        [
            _paragraph(
                "The functions that trained the network were run once more, with a symbol for every "
                "number and a letter for every size. What the engine’s own backward gives is then "
                "compared with the derivative of the forward, and with the formulas of the lecture, "
                "for all batches, widths and numbers of classes at once.",
            ),
            _table(
                None,
                ("Statement", "Verdict", "Scope", "Excluded", "Facts used"),
                rows,
                class_="claims",
            ),
            element(
                "p",
                _verdict(PROVED),
                " means that both sides come to the same normal form, so they are equal for all real "
                "numbers in scope. Numbers such as ε = 0.00001 stand as positive symbols c, so the "
                "statement holds for each of their values. Excluded are points at which the function "
                "itself has no derivative, such as the corner of a ReLU.",
            ),
            element("h3", "Batch norm: the lecture’s formulas"),
            element(
                "div",
                element("div", element("h3", "Forward"), BATCH_NORM_FORWARD),
                element("div", element("h3", "Backward"), BATCH_NORM_BACKWARD),
                class_="formulas beside",
            ),
            _caption_of(report.claims, "Batch norm"),
            element("h3", "Softmax cross-entropy"),
            element("div", element("div", CROSS_ENTROPY), class_="formulas"),
            _caption_of(report.claims, "Cross-entropy"),
        ]
    )


def _claim(claim: Claim) -> Markup:
    """A row of the table, and under it one that opens on a click."""
    verdict = claim.verdict
    every = all(leaf.method != "EXACT" for leaf in verdict.leaves.values())
    entries = sum(leaf.entries for leaf in verdict.leaves.values())
    compared = "every entry at once" if every else f"{entries} entries compared"
    problem = verdict.reason or (str(verdict.witness) if verdict.witness is not None else "")
    kinks = _counted(verdict.excluded, "kink")
    facts = (*verdict.facts, *verdict.domain)
    details = _details(verdict)
    row = element(
        "tr",
        element("th", element("strong", claim.topic), element("br"), claim.text, scope="row"),
        element("td", _verdict(verdict.status), _remark(problem) if problem else None),
        element("td", verdict.scope, _remark(compared)),
        element("td", kinks or "nothing", _remark("listed below") if kinks else None),
        element("td", *(element("p", fact) for fact in facts)) if facts else element("td", "none"),
        class_="opens" if details else None,
    )
    return join([row, element("tr", element("td", details, colspan=5))]) if details else row


def _details(verdict: Verdict) -> Markup | None:
    """What is too long for the table: the kinks, and the rules by their checksums."""
    parts: list[Markup] = []
    if verdict.excluded:
        shown = (s if len(s) <= LONGEST else s[: LONGEST - 1] + "…" for s in verdict.excluded)
        parts += [
            element("p", "Nothing is said about points where one of these holds:"),
            element("ul", *(element("li", element("code", kink)) for kink in shown)),
        ]
    if verdict.rules:
        rules = (f"{name} {digest[:12]}" for name, digest in verdict.rules.items())
        parts += [
            element(
                "p", "Rules that took part, with the beginning of the SHA-256 of their source:"
            ),
            element("p", *(element("code", rule) for rule in rules), class_="rules"),
        ]
    if not parts:
        return None
    counts = (_counted(verdict.excluded, "kink"), _counted(verdict.rules, "rule"))
    return element("details", element("summary", " and ".join(filter(None, counts))), *parts)


def _counted(things: Sized, noun: str) -> str:
    """``3 rules``; or nothing for none."""
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}" if things else ""


def _verdict(status: str) -> Markup:
    return element("span", status, class_=f"verdict {status}")


def _remark(words: str) -> Markup:
    return element("p", words, class_="muted")


def _caption_of(claims: Iterable[Claim], topic: str) -> Markup:
    """What was decided about the formulas above it."""
    return join(
        element("p", _verdict(claim.verdict.status), f" {claim.text}")
        for claim in claims
        if claim.topic == topic
    )


def _program(report: Report) -> Markup:
    return join(
        [
            _paragraph(
                "Recording a function, and its backward, gives a program: a flat list of primitive "
                "steps. The same program is run with NumPy, drawn as a graph, and read with symbols in "
                "a proof. This one is the loss of a single tanh neuron on two inputs, and its "
                "gradient by the three weights.",
            ),
            element("pre", element("code", report.program)),
        ]
    )


def _making(report: Report) -> Markup:
    return join(
        [
            element("pre", element("code", f"$ {report.command}")),
            _paragraph(
                "Typed twice on one machine, this gives the same page and the same file of the model, "
                "byte for byte. (Another processor, or another number of threads, rounds differently.) "
                "Times are in timings.json, beside them."
            ),
            _pairs("Versions", report.versions.items()),
            element("h3", "The network"),
            element("pre", element("code", report.model)),
            _paragraph("Its parameters and statistics are in model.safetensors:"),
            element(
                "pre",
                element(
                    "code",
                    "import autograd_core as ag\n\n"
                    'arrays, about = ag.storage.load("model.safetensors")\n'
                    "model.load_state_dict(arrays)  # of a network that is built as above",
                ),
            ),
            element("footer", element("p", f"Data: {report.source}")),
        ]
    )


# --- pieces ---------------------------------------------------------------------------------------


def _percent(share: float, decimals: int = 2) -> str:
    # The space keeps the sign on the number's line.
    return "–" if math.isnan(share) else f"{100 * share:.{decimals}f}\u00a0%"


def _paragraph(words: str, **attributes: Any) -> Markup:
    return element("p", words, **attributes)


def _image(svg: str, alternative: str, caption: str) -> Markup:
    """A plot: kept apart from the page by its address, since it has a style sheet of its own."""
    picture = element("img", src=data_uri("image/svg+xml", svg), alt=alternative)
    return _figure(picture, caption)


def _drawing(svg: str, prefix: str, alternative: str, caption: str) -> Markup:
    """A drawing of ours, in the page itself: its text can be searched, and its nodes pointed at."""
    picture = inline_svg(svg, prefix, role="img", aria_label=alternative)
    return _figure(picture, caption, class_="picture turns wide")


def _figure(picture: Markup, caption: str, class_: str = "picture turns") -> Markup:
    return element("figure", element("div", picture, class_=class_), element("figcaption", caption))


def _table(
    caption: str | None,
    headings: Sequence[str],
    rows: Iterable[Markup],
    *,
    numbers_from: int | None = None,
    class_: str | None = None,
) -> Markup:
    """A table in a box that scrolls where the page is narrow."""
    cells = (
        element(
            "th",
            heading,
            scope="col",
            class_="number" if numbers_from is not None and i >= numbers_from else None,
        )
        for i, heading in enumerate(headings)
    )
    table = element(
        "table",
        element("caption", caption) if caption else None,
        element("thead", element("tr", *cells)),
        element("tbody", *rows),
        class_=class_,
    )
    return element("div", table, class_="scrolls")


def _pairs(caption: str, pairs: Iterable[tuple[str, str]]) -> Markup:
    rows = (
        element("tr", element("th", name, scope="row"), element("td", value))
        for name, value in pairs
    )
    table = element("table", element("caption", caption), element("tbody", *rows))
    return element("div", table, class_="scrolls")
