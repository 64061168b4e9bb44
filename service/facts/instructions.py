"""Texts that speak to a model instead of a reader.

An article or a statement has no business telling a program what to answer. What looks as if it did
is marked for the reviewer; it changes nothing else. Letters that only look alike and characters
that nobody sees are read as what they seem to be, since they are used to hide such words.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b64decode
from collections.abc import Iterator
from functools import lru_cache

_MODEL = (
    r"(?:\bllms?\b|\b(?:large )?language models?\b|\bai (?:models?|assistants?|systems?|agents?"
    r"|reviewers?|readers?|tools?)\b|\bchat ?(?:gpt|bots?)\b|\bgpt[- ]?\d|\bassistant\b"
    r"|\bfact-?check(?:er|ing) (?:model|system|assistant|ai|bot|program|pipeline)\b)"
)
_VERDICTS = (
    r"(?:supported|refuted|conflicting|verified|true|false|confirmed|not[_ ]enough[_ ]evidence)"
)
_INSTRUCTIONS = (
    r"(?:instructions?|prompts?|rules?|guidelines?|directives?|directions?|constraints?"
    r"|safeguards?|passages?|evidence|statements?|sources?)"
)
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        rf"\b(?:ignore|disregard|forget|override|bypass|discard)\b[^.\n]{{0,30}}\b(?:previous|prior"
        rf"|above|earlier|preceding|foregoing|other|all|any|your|system)\b[^.\n]{{0,25}}"
        rf"\b{_INSTRUCTIONS}\b",
        r"\b(?:system|developer|hidden|new|updated|additional|special) (?:prompts?|instructions?"
        r"|messages?)[ \t]{0,5}(?::|\bfor\b|\bto\b|\bare\b|\bis\b|\bsays?\b|$)",
        r"\byou are (?:now |no longer |hereby )?(?:an? |the )?(?:ai\b|assistant|language model"
        r"|chatbot|llm|fact-?check|unrestricted|helpful|jailbroken|in (?:developer|debug|test|admin"
        r"|maintenance) mode)",
        rf"{_MODEL}[^.\n]{{0,60}}\b(?:must|should|shall|ignore|output|respond|answer|return|reply"
        rf"|do not|don't|please|is (?:asked|required|instructed|told|ordered)"
        rf"|are (?:asked|required|instructed|told|ordered))\b",
        r"\bthe model (?:must|should|shall|has to|is (?:asked|instructed|told|ordered) to)"
        r" (?:answer|respond|output|return|report|reply|ignore|say|call|treat|mark|set|write)\b",
        rf"\b(?:note|attention|notice|message|memo|hint|reminder|dear|please|hey|hello"
        rf"|instructions?)\b"
        rf"[^.\n]{{0,20}}(?:\bto\b|\bfor\b|,|:)?[^.\n]{{0,15}}{_MODEL}",
        rf"\b(?:mark|label|rate|classify|rule|treat|report|set|declare|return|output|answer|respond"
        rf"|judge|grade)\b[^.\n]{{0,40}}\b(?:claims?|verdicts?|stances?|statements?|it|this|every"
        rf"thing|with|only)\b[^.\n]{{0,25}}[\"'“‘]?\b{_VERDICTS}\b",
        rf"\b(?:the )?(?:correct|right|final|expected|only) (?:verdict|stance|answer|output|label)"
        rf"\b[^.\n]{{0,20}}\b{_VERDICTS}\b",
        r"\b(?:respond|reply|answer|output|return)\b(?! to)[^.\n]{0,15}\b(?:only|exactly"
        r"|nothing but|verbatim|in json|the following json|an? empty)\b",
        r"\b(?:when|if|while|before) you (?:assess|verify|check|evaluate|fact-check|process|extract"
        r"|summari[sz]e)\b[^.\n]{0,40}\b(?:output|answer|respond|return|report|write|conclude)\b",
        r"\bdo not (?:cite|quote|flag|extract|list|reveal|check|verify|warn|mention (?:this|these))"
        r"\b",
        r"\b(?:end|start|begin|beginning) of (?:the )?(?:data|user (?:data|input|message)|passages?"
        r"|prompt|context|untrusted|document|instructions?)\b",
        r"\b(?:developer|debug|admin(?:istrator)?|maintenance|god|dan|jailbreak) mode\b",
        r"[\"']role[\"']\s{0,9}:\s{0,9}[\"'](?:system|developer|assistant|user|tool)[\"']",
        r"(?:[(\[{][ \t]{0,5}|[.!?][\"”’)]?[ \t]{1,5})(?:system|assistant|ai|llm)[ \t]{0,5}:",
        r"[\"'“]?(?:verdict|stance|findings|evidence|claims|quotes)[\"'”]\s{0,9}:\s{0,9}[\[{\"'“]",
        r"<\|[^|>\n]{1,30}\|>|\[/?inst\]|<</?sys>>|</?(?:system|assistant|user|instructions?"
        r"|passages?|claim|text|before|data|tool_call|function_calls?)(?: [^<>\n]{0,100})?>",
        r"^[ \t]{0,20}(?:#{1,6}[ \t]{0,5})?(?:system|assistant|user|human|developer|instruction"
        r"|response)[ \t]{0,5}:",
        r"^[ \t]{0,20}#{1,6}[ \t]{0,5}(?:system|instructions?|response|new task)\b",
        r"<!--|!\[[^\[\]\n]{0,100}\]\( {0,5}https?:|\bjavascript:|<script\b",
        r"\[\d{1,2}\][^\n]{1,80}·[^\n]{1,40}·\s{0,9}(?:original|translation|digest)\b",
    )
)

_LOOKALIKES = str.maketrans(
    dict(zip("аеорсухіјѕԁһӏԛԝ", "aeopcyxijsdhlqw", strict=True))
    | dict(zip("АВЕКМНОРСТУХІЈЅ", "ABEKMHOPCTYXIJS", strict=True))
    | dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True))
    | dict(zip("οανιρτυχ", "oaviptux", strict=True))
)
"""Cyrillic and Greek letters that are read as Latin ones (Unicode TR39, the common ones)."""
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_TAGS = re.compile("[\U000e0020-\U000e007e]+")
_OVERRIDES = re.compile("[\u202d\u202e]")
"""What turns the order of letters round: no script needs it to be read."""
_HIDING = re.compile(
    "[^\\W\\d_][\u200b\u2060\u2062-\u2064\ufeff\u00ad]+[^\\W\\d_]|[\u202a-\u202e\u2066-\u2069]"
    "|[\U000e0000-\U000e007f]"
)
_BASE64 = re.compile(r"(?<![\w+/=.])[A-Za-z0-9+/]{32,}={0,2}(?![\w+/=])")
_MANY_HIDDEN = 3
_SHOWN = 80


@lru_cache(maxsize=8192)
def instructions_in(text: str) -> tuple[str, ...]:
    """Return the stretches of a text that look like instructions to a model, in order.

    Each is at most 80 characters, as a reader sees it. Empty for an ordinary text.
    """
    readable = text if text.isascii() else _as_read(text)
    readable = "\n".join([readable, *_decoded(readable)])
    found = {
        match.start(): readable[match.start() : match.start() + _SHOWN]
        for pattern in _PATTERNS
        for match in pattern.finditer(readable)
    }
    told = [" ".join(words.split()) for _, words in sorted(found.items())]
    hidden = any(
        (_TAGS.search(text), _OVERRIDES.search(text), len(_HIDING.findall(text)) >= _MANY_HIDDEN)
    )
    return tuple(dict.fromkeys([*told, *(["characters that nobody sees"] if hidden else [])]))


def _as_read(text: str) -> str:
    """The text as it looks, and what is written in characters that nobody sees, in the clear."""
    shown = _TAGS.sub(
        lambda run: "".join(chr(ord(letter) - 0xE0000) for letter in run.group()), text
    )
    shown = _UNSEEN.sub("", unicodedata.normalize("NFKC", shown))
    return shown.translate(_LOOKALIKES)


def _decoded(text: str) -> Iterator[str]:
    """What stands in a text as base64, where it is words again."""
    for found in _BASE64.findall(text):
        try:
            words = b64decode(found + "=" * (-len(found) % 4), validate=True).decode("ascii")
        except ValueError:
            continue
        if " " in words and words.isprintable():
            yield words
