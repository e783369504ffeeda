"""Every form of every private value, searched in everything public in one pass. Pure.

Exact, with no limit to the number of values: a form is known by its first eight bytes, a table holds all of them, and
the text goes by once in windows of that width. So a prefix that leaked is found just like the whole.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tests.leaks.disguises import HEAD_BYTES, HEX_HEAD_BYTES, Form, Private, forms

WORD: Final = re.compile(rb"[0-9a-z_\x80-\xff]+(?:[.,][0-9]+)*")
WORD_BYTES_MIN: Final = 5
_EXCERPT_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class Exposed:
    """Something that everybody can see: where, and its bytes."""

    where: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Leak:
    """`private` was seen as `form` at byte `offset` of `where`; so many of its bytes stand there."""

    where: str
    offset: int
    private: Private
    form: str
    seen: bytes
    around: bytes

    def __str__(self) -> str:
        what = f"{self.private.kind} {str(self.private.value)[:60]!r}"
        return f"{self.where} at {self.offset}: {what} ({self.form}), {len(self.seen)} bytes, in {self.around!r}"


@dataclass(frozen=True, slots=True)
class _Known:
    private: Private
    form: Form


class Scanner:
    """Knows all private values; `leaks` says which of them can be seen in something public.

    Raises ValueError for a value that is too short to be told from chance.
    """

    def __init__(self, privates: Iterable[Private]) -> None:
        self.privates = tuple(dict.fromkeys(privates))
        self.forms = 0
        self._exact: defaultdict[bytes, list[_Known]] = defaultdict(list)
        self._folded: defaultdict[bytes, list[_Known]] = defaultdict(list)
        self._words: defaultdict[bytes, list[_Known]] = defaultdict(list)
        self._hex_words: defaultdict[bytes, list[_Known]] = defaultdict(list)
        for private in self.privates:
            for form in {(form.data, form.search): form for form in reversed(tuple(forms(private)))}.values():
                self._know(_Known(private, form))

    def _know(self, known: _Known) -> None:
        self.forms += 1
        data, search = known.form.data, known.form.search
        if search == "word":
            if WORD.fullmatch(data.lower()) is None or len(data) < WORD_BYTES_MIN:
                message = f"{known.private} is too short to be told from chance; give it with its surroundings"
                raise ValueError(message)
            self._words[data.lower()].append(known)
        elif len(data) < HEAD_BYTES:
            return  # an encoding's short beginning would be found anywhere; its other forms are looked for
        elif search == "exact":
            self._exact[data[:HEAD_BYTES]].append(known)
        else:
            self._folded[data.lower()[:HEAD_BYTES]].append(known)
            if search == "hex":
                self._hex_words[data[:HEAD_BYTES]].append(known)

    def leaks(self, exposed: Exposed) -> Iterator[Leak]:
        """Every private value that shows, once for each place where it does."""
        folded = exposed.data.lower()
        seen: set[tuple[Private, int]] = set()
        for leak in self._all(exposed, folded):
            if (key := (leak.private, leak.offset)) not in seen:
                seen.add(key)
                yield leak

    def _all(self, exposed: Exposed, folded: bytes) -> Iterator[Leak]:
        for text, heads in ((exposed.data, self._exact), (folded, self._folded)):
            for offset in _found(text, heads):
                for known in heads[text[offset : offset + HEAD_BYTES]]:
                    length = _common(text, offset, known.form.data if heads is self._exact else known.form.data.lower())
                    if length >= min(known.form.least, len(known.form.data)):
                        yield _leak(exposed, offset, length, known)
        yield from self._whole_words(exposed, folded)

    def _whole_words(self, exposed: Exposed, folded: bytes) -> Iterator[Leak]:
        for match in WORD.finditer(folded):
            # A comma may belong to a number or stand between two of them.
            for word in {match[0], *match[0].split(b",")}:
                offset = match.start() + match[0].index(word)
                for known in self._words.get(word, ()):
                    yield _leak(exposed, offset, len(word), known)
                if HEAD_BYTES <= len(word) < HEX_HEAD_BYTES:
                    for known in self._hex_words.get(word[:HEAD_BYTES], ()):
                        if known.form.data.startswith(word):
                            yield _leak(exposed, offset, len(word), known)


def _found(text: bytes, heads: defaultdict[bytes, list[_Known]]) -> list[int]:
    """Where any head begins. The one loop over all bytes: it is kept bare."""
    width = HEAD_BYTES
    return [i for i in range(len(text) - width + 1) if text[i : i + width] in heads]


def _common(text: bytes, offset: int, form: bytes) -> int:
    """How many bytes of `form` stand at `offset`."""
    length = 0
    for a, b in zip(memoryview(text)[offset:], form, strict=False):
        if a != b:
            break
        length += 1
    return length


def _leak(exposed: Exposed, offset: int, length: int, known: _Known) -> Leak:
    data = exposed.data
    around = data[max(0, offset - _EXCERPT_BYTES) : offset + length + _EXCERPT_BYTES]
    return Leak(exposed.where, offset, known.private, known.form.name, data[offset : offset + length], around)
