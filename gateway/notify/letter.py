"""A message as a letter: plain text, and simple HTML that reads alike on a phone and in print."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.notify.wording import Item, Words

_COLOURS = {"critical": "#b3261e", "warning": "#9a5b00", "info": "#2f5d8a", "over": "#2e6b3a"}
_FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif"


def plain(words: Words) -> str:
    """Return the letter as plain text."""
    parts = ["\n".join(words.opening)] if words.opening else []
    parts += [_item(item) for item in words.items]
    if words.others:
        parts.append("\n".join(words.others))
    parts.append("\n".join(words.closing))
    return "\n\n".join(parts) + "\n"


def _item(item: Item) -> str:
    rows = [item.title, *(f"  {key}: {value}" for key, value in item.facts)]
    if item.link:
        rows.append(f"  {item.link}")
    return "\n".join(rows)


def html(words: Words) -> str:
    """Return the letter as HTML. All that comes from elsewhere is escaped."""
    opening = "".join(f'<p style="margin:0 0 12px">{escape(one)}</p>' for one in words.opening)
    items = "".join(_block(item) for item in words.items)
    others = "<br>".join(escape(one) for one in words.others)
    closing = "<br>".join(escape(one) for one in words.closing)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(words.subject)}</title></head>"
        f'<body style="margin:0;padding:16px;max-width:640px;{_FONT};font-size:16px;'
        'line-height:1.4;color:#1d1d1f;background:#ffffff">'
        f"{opening}{items}"
        + (f'<p style="margin:0 0 16px">{others}</p>' if others else "")
        + f'<p style="margin:16px 0 0;font-size:13px;color:#5f6368">{closing}</p></body></html>\n'
    )


def _block(item: Item) -> str:
    colour = _COLOURS.get(item.gravity, "#5f6368")
    rows = "".join(
        '<tr><td style="padding:2px 12px 2px 0;vertical-align:top;color:#5f6368;'
        f'white-space:nowrap">{escape(key)}</td>'
        f'<td style="padding:2px 0;vertical-align:top">{escape(value)}</td></tr>'
        for key, value in item.facts
    )
    link = (
        f'<p style="margin:8px 0 0"><a href="{escape(item.link)}">Open this alert</a></p>'
        if item.link
        else ""
    )
    return (
        f'<div style="margin:0 0 20px;padding:0 0 0 12px;border-left:5px solid {colour}">'
        f'<h2 style="margin:0 0 6px;font-size:18px;color:{colour}">{escape(item.title)}</h2>'
        f'<table style="border-collapse:collapse">{rows}</table>{link}</div>'
    )
