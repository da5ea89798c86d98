"""The one place that writes to the notebook: a light card, and the same as plain text. Nothing goes to stderr."""

import html
import re

from aecourse.base import console

# Okabe and Ito's colours, told apart by colour-blind readers too; the word and the mark say the same.
MARKS = {
    "correct": ("✓", "#009E73"),
    "incorrect": ("✗", "#D55E00"),
    "not attempted": ("○", "#8C8C8C"),
    "hint": ("→", "#0072B2"),
    "solution": ("§", "#0072B2"),
    "summary": ("Σ", "#0072B2"),
    "use": ("↳", "#0072B2"),
}


def card(kind: str, head: str, body: str = "", code: str = "", table: list[list[str]] | None = None) -> None:
    """Show a card; ``body`` may hold `code` between backticks and line breaks, the table's first row is its head."""
    console.show(plain(kind, head, body, code, table), _markup(kind, head, body, code, table))


def plain(kind: str, head: str, body: str = "", code: str = "", table: list[list[str]] | None = None) -> str:
    """Return the card as text."""
    parts = [f"{MARKS[kind][0]} {head}"]
    parts += ["  " + line for line in body.splitlines()]
    parts += ["    " + line for line in code.splitlines()]
    if table:
        widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
        parts += ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in table]
    return "\n".join(parts)


def _markup(kind: str, head: str, body: str, code: str, table: list[list[str]] | None) -> str:
    mark, colour = MARKS[kind]
    # No background and no text colour: the reader's theme, light or dark, gives both.
    parts = [f'<div style="border-left:4px solid {colour};padding:4px 12px;margin:4px 0;line-height:1.45">'
             f'<b><span style="color:{colour}">{mark}</span> {_inline(head)}</b>']
    if body:
        parts.append("<br>" + "<br>".join(_inline(line) for line in body.splitlines()))
    if code:
        parts.append(f'<pre style="margin:6px 0;overflow-x:auto">{html.escape(code)}</pre>')
    if table:
        cell = 'style="text-align:left;padding:2px 14px 2px 0"'
        rows = [[f"<t{'d' if i else 'h'} {cell}>{_inline(c)}</t{'d' if i else 'h'}>" for c in row]
                for i, row in enumerate(table)]
        parts.append("<table>" + "".join("<tr>" + "".join(row) + "</tr>" for row in rows) + "</table>")
    return "".join(parts) + "</div>"


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))
