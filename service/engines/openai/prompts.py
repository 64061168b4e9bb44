"""Prompts: files in ``prompts/``, read once, checked, and hashed.

A prompt has a part for the system's message, the same in every request, and one for the user's,
with variables. Every rule of it is numbered, and its front matter says of each what holds it in
code and which scripted model breaks it, or that it is untested.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import frontmatter
import yaml

from service.kit.errors import ConfigurationError
from service.kit.packaged import places
from service.kit.text import sha256_hex

FOLDERS = places("prompts")

_VARIABLE = re.compile(r"\{\{ (\w+) \}\}")
_PARTS = re.compile(r"\A# System\n(?P<system>.+?)\n# User\n(?P<user>.+)\Z", re.DOTALL)
_RULE = re.compile(r"^(\d+)\. ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a prompt.

    Attributes:
        number: its number in the text.
        check: what holds it in code; empty where nothing can.
        violation: the scripted answer that breaks it in the tests; empty where there is none.
    """

    number: int
    check: str
    violation: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt, checked.

    Attributes:
        sha256: digest of the whole file.
        system: the system's message, as it is sent.
        user: the user's message with its variables.
    """

    name: str
    version: int
    purpose: str
    variables: tuple[str, ...]
    rules: tuple[Rule, ...]
    sha256: str
    system: str
    user: str

    def messages(self, values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """The messages of a request, as ``(role, text)``.

        Args:
            values: one for every variable. What looks like a variable in them stays as it is.
        """
        if set(values) != set(self.variables):
            raise ValueError(f"prompt {self.name}: wants {self.variables}, was given {[*values]}")
        filled = _VARIABLE.sub(lambda found: values[found[1]], self.user)
        return (("system", self.system), ("user", filled))


def load(name: str) -> Prompt:
    """Read a prompt.

    Raises:
        ConfigurationError: it is missing or not what a prompt must be; the message names the file.
    """
    path = next((path for folder in FOLDERS if (path := folder / f"{name}.md").is_file()), None)
    if path is None:
        raise ConfigurationError(f"prompt {name}: there is no {FOLDERS[-1] / name}.md")
    try:
        return parse(name, path.read_text("utf-8"))
    except (ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path}: is no prompt ({error})") from error


def parse(name: str, content: str) -> Prompt:
    """Read a prompt from a file's content.

    Raises:
        ValueError, TypeError, KeyError, YAMLError: it is not what a prompt must be.
    """
    parsed: tuple[dict[str, Any], str] = frontmatter.parse(content)
    told, body = parsed
    parts = _PARTS.match(body.strip())
    if parts is None:
        raise ValueError("it needs a part under '# System' and one under '# User', in this order")
    rules = tuple(
        Rule(int(number), str(rule.get("check") or ""), str(rule.get("violation") or ""))
        for number, rule in told["rules"].items()
    )
    prompt = Prompt(
        name=str(told["name"]),
        version=int(told["version"]),
        purpose=str(told["purpose"]),
        variables=tuple(map(str, told["variables"])),
        rules=rules,
        sha256=sha256_hex(content),
        system=parts["system"].strip(),
        user=parts["user"].strip(),
    )
    if prompt.name != name:
        raise ValueError(f"its name is {prompt.name}")
    if _VARIABLE.search(prompt.system):
        raise ValueError("the system's part must be the same in every request, without variables")
    if set(_VARIABLE.findall(prompt.user)) != set(prompt.variables):
        raise ValueError("the variables in its text are not those that it declares")
    if [int(number) for number in _RULE.findall(prompt.system)] != [rule.number for rule in rules]:
        raise ValueError("the rules in its text are not those that it accounts for")
    return prompt
