"""The text form of a Program: what ``print`` shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["listing"]


def listing(program: Any) -> str:
    """The steps of a Program in columns, under headings of phase and scope; then the bodies of its loops."""
    heads = [repr(v) + (f" ‹{v.name}›" if v.name else "") for v in program.inputs]
    lines = [f"program {program.name}({', '.join(heads)})"]
    if program.captures:
        rows = [
            (v.letter, v.type, " ".join(filter(None, (v.role, v.name and f"‹{v.name}›"))))
            for v, _ in program.captures
        ]
        lines += ["  captured"] + [f"    {row}" for row in _columns(rows)]
    body: list[tuple[str, ...] | str] = []
    makers = {step.result: step.primitive.name for step in program.applications}
    place: Any = None
    for step in program.applications:
        if (step.backward, step.phase, step.scope) != place:
            place = (step.backward, step.phase, step.scope)
            what = "backward" if step.backward else "forward"
            of = f" of {step.phase.letter} ({makers[step.phase]})" if step.phase else ""
            where = " in " + "/".join(step.scope) if step.scope else ""
            body.append(f"  {what}{of}{where}")
        label = " ".join(
            filter(None, (step.result.role, step.result.name and f"‹{step.result.name}›"))
        )
        body.append((step.result.letter, step.result.type, "= " + repr(step), label))
    aligned = iter(_columns([row for row in body if isinstance(row, tuple)]))
    lines += [row if isinstance(row, str) else f"    {next(aligned)}" for row in body]
    outputs = ", ".join(str(getattr(o, "letter", o)) for o in program.outputs)
    lines.append(f"  return {outputs}")
    for step in program.applications:
        for name, value in step.params.items():
            if isinstance(value, type(program)):  # the body of a loop
                lines += [f"  {name} of {step.result.letter}"]
                lines += ["    " + line for line in str(value).splitlines()]
    for target, value in program.writes:
        lines.append(f"  write  {target.letter} ← {getattr(value, 'letter', value)}")
    return "\n".join(lines)


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows of text with aligned columns."""
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
