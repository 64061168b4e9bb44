"""A request as the scripted endpoint sees it: what was asked, and the texts between its marks."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

CHARACTERS_A_TOKEN = 4

_ENCLOSED = re.compile(r"<(\w+) ([0-9a-f]{12})>\n(.*?)\n</\1 \2>", re.DOTALL)
_LISTED = re.compile(r"^\[(\d+)\] (.*)\n> (.*)$", re.MULTILINE)
_KINDS = ("ClaimsFound", "ClaimAssessed", "FindingsRevised")


@dataclass(frozen=True)
class Asked:
    """A chat completion that was asked for.

    Attributes:
        body: the request as JSON.
    """

    body: dict[str, Any]

    @cached_property
    def text(self) -> str:
        """All messages."""
        return "\n".join(str(message["content"]) for message in self.body["messages"])

    @cached_property
    def kind(self) -> str:
        """Which answer is wanted: ClaimsFound, ClaimAssessed or FindingsRevised."""
        named = json.dumps([self.body.get("response_format"), self.body.get("tools")])
        system = str(self.body["messages"][0]["content"])
        for kind in _KINDS:
            if f'"{kind}"' in named + system:
                return kind
        raise ValueError("this is none of the product's own requests")

    @cached_property
    def parts(self) -> dict[str, str]:
        """The texts between marks, by name."""
        return {name: text for name, _, text in _ENCLOSED.findall(self.text)}

    @cached_property
    def passages(self) -> list[tuple[int, str, str]]:
        """The listed passages: number, what is said of the statement, text."""
        found = _LISTED.findall(self.parts.get("passages", ""))
        return [(int(number), source, text) for number, source, text in found]

    @property
    def wants_tool(self) -> bool:
        """Whether the answer is wanted as the arguments of a tool call."""
        return bool(self.body.get("tools"))

    @property
    def tokens(self) -> int:
        """How long the request is, schema included, four characters a token."""
        shape = [self.body.get("response_format"), self.body.get("tools")]
        sent = json.dumps([one for one in shape if one], separators=(",", ":"))
        return (len(self.text) + len(sent)) // CHARACTERS_A_TOKEN
