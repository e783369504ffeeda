"""The plain pages that the server writes itself: no script, one stylesheet, everything escaped. Pure."""

from __future__ import annotations

from html import escape

CONTENT_TYPE = "text/html; charset=utf-8"


class Markup(str):
    """Text that is HTML already. Everything else is escaped when it is put into an element."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str) -> Markup:
    """One element. `class_` becomes `class`; values and children that are not Markup are escaped."""
    written = "".join(f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items())
    inner = "".join(child if isinstance(child, Markup) else escape(child) for child in children)
    return Markup(f"<{name}{written}>{inner}</{name}>")


def joined(parts: list[Markup]) -> Markup:
    """Several pieces of markup as one."""
    return Markup("".join(parts))


def prose(text: str) -> Markup:
    """Plain text in which `words in backticks` become code."""
    parts = text.split("`")
    return joined([element("code", part) if i % 2 else Markup(escape(part)) for i, part in enumerate(parts)])


def page(title: str, *body: Markup) -> bytes:
    """A whole page around `body`."""
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="/house.css"></head><body><main>'
    )
    return f"{head}{''.join(body)}</main></body></html>\n".encode()
