"""Reads the pages of the documentation: their blocks of code, in order, and what the comments before them say."""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@dataclass(frozen=True)
class Block:
    """A block of code; `caption` is the file it is the content of, `marks` what the comment before it says."""

    page: str
    line: int
    language: str
    text: str
    caption: str | None = None
    marks: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


# Puts lines into a file in the place of those that give the same keys other values.
SET = """
import base64, re, sys

file, lines = sys.argv[1], base64.b64decode(sys.argv[2]).decode().splitlines()
text = open(file).read()
for line in lines:
    text, count = re.subn(rf"(?m)^{line.partition(':')[0]}:.*$", lambda _: line, text)
    assert count == 1, f"{file} has {count} lines like {line}"
open(file, "w").write(text)
"""
# What a reader does with the file that is a block's caption; a mark says so if it is not to write it.
WRITE = {
    "write": "base64 -d <<< {content} > {file}",
    "append": "base64 -d <<< {content} >> {file}",
    "set": f"python3 -c {shlex.quote(SET).replace('{', '{{').replace('}', '}}')} {{file}} {{content}}",
}


def read(page: Path) -> list[Block]:
    """Return the blocks of a page. A comment `<!-- key: value -->` right before a block is a mark of it."""
    blocks, marks = [], {}
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "html_block" and (found := re.fullmatch(r"<!-- ([a-z]+): (.+) -->", token.content.strip())):
            marks = {**marks, found[1]: found[2]}
            continue
        if token.type == "fence":
            directive = re.fullmatch(r"\{code-block\} *(\S+)", token.info.strip())
            options = re.match(r"((?::[a-z-]+:.*\n)*)\n?", token.content)[0] if directive else ""
            caption = re.search(r":caption: *(.+)", options)
            blocks.append(
                Block(
                    page=page.name,
                    line=token.map[0] + 1,
                    language=directive[1] if directive else token.info.strip(),
                    text=token.content[len(options) :],
                    caption=caption[1].strip("` ") if caption else None,
                    marks=marks,
                )
            )
        marks = {}
    return blocks


PAGES = {page.name: read(page) for page in sorted(DOCS.glob("*.md"))}
BLOCKS = [block for blocks in PAGES.values() for block in blocks]


def of(language: str) -> list[Block]:
    """Return all blocks in a language."""
    return [block for block in BLOCKS if block.language == language]


def script(blocks: list[Block], replaced: Mapping[str, str], without: tuple[str, ...]) -> str:
    """Return a shell script that does what a reader does: writes the files, and runs the commands.

    `replaced` are the texts for which the reader puts their own; blocks that need what `without` names are left out.
    """
    lines = ["set -euo pipefail"]
    for block in blocks:
        text = block.text
        for theirs, ours in replaced.items():
            text = text.replace(theirs, ours)
        if block.caption:
            file = shlex.quote(block.caption)
            content = base64.b64encode(text.encode()).decode()
            write = WRITE[block.marks.get("file", "write")].format(file=file, content=content)
            lines += [f'mkdir -p "$(dirname {file})"', write]
        elif block.language == "sh" and block.marks.get("needs") not in without:
            stubs = block.marks.get("stub", "").replace(" ", "")
            lines += [f"echo '>>> {block}' >&2", f"export STUBS={stubs},xdg-open", text]
    return "\n".join(lines) + "\n"
