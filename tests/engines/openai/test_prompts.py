"""Prompts are checked when they are read, and every rule in them is accounted for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_injections import CASES

from eval.endpoint.scripts import LIES
from service.engines.openai.prompts import Prompt, load, parse
from service.kit.errors import ConfigurationError
from service.kit.text import sha256_hex

ROOT = Path(__file__).parents[3]
NAMES = ("extract", "assess", "revise")
GOOD = """---
name: greet
version: 2
purpose: Says hello.
variables: [name]
rules:
  1: {check: "none", violation: ""}
---
# System

1. Be kind.
# User

Hello {{ name }}
"""


@pytest.mark.parametrize("name", NAMES)
def test_the_packaged_prompts_are_prompts(name: str) -> None:
    prompt = load(name)
    assert prompt.purpose
    assert prompt.sha256 == sha256_hex((ROOT / "prompts" / f"{name}.md").read_text("utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_has_a_check_with_a_scripted_violation_or_says_that_it_has_none(name) -> None:
    obeyed = {"obeys_article", "obeys_statement"}
    for rule in load(name).rules:
        assert rule.check
        if rule.check.startswith("none:"):
            assert rule.violation == ""
        else:
            assert rule.violation in LIES.keys() | obeyed
            files = re.findall(r"[\w/]+\.py", rule.check)
            assert all(
                any(path.is_file() for path in (ROOT / "service" / file, ROOT / file))
                for file in files
            ), files
    assert {case["kind"] for case in CASES} >= {"article", "statement"}


def test_variables_are_filled_in_once_whatever_they_hold() -> None:
    prompt = parse("greet", GOOD)
    (_, system), (_, user) = prompt.messages({"name": "{{ name }} {{ other }}"})
    assert system == "1. Be kind."
    assert user == "Hello {{ name }} {{ other }}"


@pytest.mark.parametrize("values", [{}, {"name": "a", "more": "b"}])
def test_other_variables_than_the_declared_ones_are_an_error(values) -> None:
    with pytest.raises(ValueError, match="greet"):
        parse("greet", GOOD).messages(values)


@pytest.mark.parametrize(
    ("was", "becomes", "reason"),
    [
        ("name: greet", "name: other", "its name is other"),
        ("variables: [name]", "variables: [name, age]", "variables"),
        ("Hello {{ name }}", "Hello {{ name }} {{ age }}", "variables"),
        ("1. Be kind.", "1. Be kind.\n2. Be brief.", "rules"),
        ("1. Be kind.", "1. Be kind, {{ name }}.", "same in every request"),
        ("# User", "# Human", "# User"),
        ("version: 2", "version: two", "invalid literal"),
        ("purpose: Says hello.\n", "", "purpose"),
    ],
)
def test_what_is_no_prompt_is_told(was: str, becomes: str, reason: str) -> None:
    with pytest.raises((ValueError, KeyError), match=reason):
        parse("greet", GOOD.replace(was, becomes))


def test_a_prompt_that_is_missing_is_told_with_its_file() -> None:
    with pytest.raises(ConfigurationError, match=r"nothing\.md"):
        load("nothing")


def test_another_content_is_another_hash() -> None:
    assert parse("greet", GOOD).sha256 != parse("greet", GOOD.replace("kind", "nice")).sha256
    assert isinstance(parse("greet", GOOD), Prompt)
