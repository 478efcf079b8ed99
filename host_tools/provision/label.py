"""The label of a board: a few lines of text and its MAC as a bar code, as SVG. Pure.

Source: Code 39, ISO/IEC 16388; wide elements are three narrow ones.
"""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH = 50
MARGIN = 3
TEXT_HEIGHT = 4.5
NAME_HEIGHT = 6.5
BAR_HEIGHT = 9.0
WIDE = 3

# Bars and gaps in turn, beginning with a bar; 1 is wide.
_CODE_39 = {
    "0": "000110100",
    "1": "100100001",
    "2": "001100001",
    "3": "101100000",
    "4": "000110001",
    "5": "100110000",
    "6": "001110000",
    "7": "000100101",
    "8": "100100100",
    "9": "001100100",
    "A": "100001001",
    "B": "001001001",
    "C": "101001000",
    "D": "000011001",
    "E": "100011000",
    "F": "001011000",
    "*": "010010100",
}


def label_lines(template: Sequence[str], fields: Mapping[str, str]) -> list[str]:
    """Return the lines of a label with their fields filled in; empty ones are left out."""
    lines = [line.format_map(fields).strip() for line in template]
    return [line for line in lines if line]


def label_svg(lines: Sequence[str], mac: str) -> str:
    """Draw a label 50 mm wide: the first line large, the bar code of the MAC last."""
    parts, y = [], float(MARGIN)
    for index, line in enumerate(lines):
        height = TEXT_HEIGHT if index else NAME_HEIGHT
        y += height
        weight = "normal" if index else "bold"
        parts.append(
            f'<text x="{MARGIN}" y="{y - 1:.1f}" font-size="{height - 1:.1f}" '
            f'font-weight="{weight}">{escape(line)}</text>'
        )
    parts += _bars(mac.replace(":", "").upper(), y + 1)
    height = y + 1 + BAR_HEIGHT + MARGIN
    body = "\n  ".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}mm" height="{height:.1f}mm" '
        f'viewBox="0 0 {WIDTH} {height:.1f}" font-family="sans-serif">\n'
        f'  <rect width="{WIDTH}" height="{height:.1f}" fill="white"/>\n'
        f"  {body}\n</svg>\n"
    )


def _bars(text: str, y: float) -> list[str]:
    elements = [
        (WIDE if bit == "1" else 1, index % 2 == 0)
        for letter in f"*{text}*"
        for index, bit in enumerate(_CODE_39[letter] + "0")
    ]
    narrow = (WIDTH - 2 * MARGIN) / sum(width for width, _ in elements)
    bars, x = [], float(MARGIN)
    for width, is_bar in elements:
        if is_bar:
            bars.append(
                f'<rect x="{x:.3f}" y="{y:.1f}" width="{width * narrow:.3f}" '
                f'height="{BAR_HEIGHT}"/>'
            )
        x += width * narrow
    return bars
