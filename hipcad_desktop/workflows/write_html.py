"""A page of blocks becomes self-contained HTML, light and dark, that prints well; and Markdown to go on writing in."""

from __future__ import annotations

import base64
import json
import re

from hipcad_desktop.shipped import resource
from hipcad_desktop.workflows.document import Document, Heading, Note, Paragraph, Table

_TEMPLATE = "document.html.jinja"


def html_of(page: Document) -> str:
    """The page as one HTML file that fetches nothing and runs nothing. The contents stand before the first section."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup, escape

    environment = Environment(
        loader=FileSystemLoader(resource("report")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        # As images of their own, so that the ids of several charts on one page cannot meet.
        svg=lambda text: f"data:image/svg+xml;base64,{base64.b64encode(text.encode('utf-8')).decode()}",
        jpeg=lambda data: f"data:image/jpeg;base64,{base64.b64encode(data).decode()}",
        anchor=lambda text: re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-"),
        lines=lambda text: Markup("<br>").join(escape(line) for line in text.split("\n")),
        css_string=lambda text: Markup(json.dumps(text, ensure_ascii=True).replace("<", "\\3c ")),
    )
    sections = [i for i, b in enumerate(page.blocks) if isinstance(b, Heading) and b.level == 2]
    return environment.get_template(_TEMPLATE).render(page=page, contents_after=sections[0] if sections else 0)


def markdown_of(page: Document) -> str:
    """The page's words and tables as Markdown; drawings and pictures are left out."""
    parts = [f"# {_inline(page.title)}", f"**{_inline(page.notice)}**", _inline(page.lead)]
    for block in page.blocks:
        match block:
            case Heading():
                parts.append(f"{'#' * block.level} {_inline(block.text)}")
            case Paragraph():
                parts.append(_inline(block.text))
            case Note():
                parts.append(f"> **{_inline(block.text)}**" if block.loud else f"> {_inline(block.text)}")
            case Table():
                parts.append(_table(block))
            case _:
                continue
    if page.footer:
        parts.append(f"---\n\n{_inline(page.footer)}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(table: Table) -> str:
    head = table.head or ("",) * len(table.rows[0])
    lines = [head, ("---",) * len(head), *table.rows]
    text = "\n".join("| " + " | ".join(_inline(cell).replace("|", "\\|") for cell in row) + " |" for row in lines)
    return f"{text}\n\n{_inline(table.caption)}" if table.caption else text


def _inline(text: str) -> str:
    """Text that Markdown shows as it is: no markup from names, line breaks kept."""
    return re.sub(r"([\\`*_<\[\]])", r"\\\1", text).replace("\n", "<br>")
