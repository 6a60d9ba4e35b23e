"""Charts, made here as SVG: bars in a row, each of one or two parts, that need neither script nor inline styles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT, TOP, BOTTOM = 480, 124, 18, 18
GAP = 0.25
"""The share of a bar's place that is left empty."""


@dataclass(frozen=True)
class Bar:
    """A bar with its label, and its parts from the ground up."""

    label: str
    parts: tuple[float, ...]

    @property
    def total(self) -> float:
        """The height of the bar."""
        return sum(self.parts)


def bars(title: str, some: Sequence[Bar], unit: str, part_names: Sequence[str] = ()) -> Markup:
    """Return a chart as SVG; `title` says for those who do not see it what it shows."""
    highest = max((bar.total for bar in some), default=0)
    scale = (HEIGHT - TOP - BOTTOM) / highest if highest else 0
    step = WIDTH / max(1, len(some))
    ground = HEIGHT - BOTTOM
    marks = [
        Markup('<line class="axis" x1="0" x2="{}" y1="{}" y2="{}"/>').format(WIDTH, ground, ground),
        Markup('<text class="most" x="0" y="12">{}</text>').format(f"{highest:,.0f} {unit} at most"),
    ]
    for number, bar in enumerate(some):
        x, y = number * step + step * GAP / 2, float(ground)
        names = part_names or [""]
        words = ", ".join(f"{name} {part:,.0f} {unit}".strip() for name, part in zip(names, bar.parts, strict=False))
        marks.append(Markup("<g><title>{}: {}</title>").format(bar.label, words))
        for place, part in enumerate(bar.parts):
            tall = max(1.5, part * scale) if part else 0
            y -= tall
            rect = Markup('<rect class="part{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>')
            marks.append(rect.format(place, x, y, step * (1 - GAP), tall))
        marks.append(Markup("</g>"))
        if number % max(1, -(-len(some) // 6)) == 0:
            label = Markup('<text class="label" x="{:.1f}" y="{}">{}</text>')
            marks.append(label.format(x, HEIGHT - 4, bar.label))
    svg = Markup('<svg class="chart" role="img" aria-label="{}" viewBox="0 0 {} {}">{}</svg>')
    return svg.format(title, WIDTH, HEIGHT, Markup("").join(marks))
