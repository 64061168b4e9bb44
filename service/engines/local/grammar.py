"""What single words of a parse are: subjects, past tense, plural, reporting verbs' complements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from service.engines.local import word_classes as words

if TYPE_CHECKING:
    from spacy.tokens import Token

SUBJECTS = frozenset({"nsubj", "nsubjpass", "csubj", "csubjpass", "expl"})
COMMAS = frozenset({",", "–", "—", "--", ";", ":"})
VERBAL = frozenset({"VERB", "AUX"})
NOMINAL = frozenset({"NOUN", "PROPN", "PRON", "NUM"})
WH = frozenset({"WDT", "WP", "WP$", "WRB"})

_FIGURES = frozenset({"DATE", "TIME", "PERCENT", "MONEY", "QUANTITY", "CARDINAL", "ORDINAL"})
_PLURAL_WORDS = frozenset({"they", "we", "these", "those", "them", "police", "people", "most"})


def subtree(token: Token) -> set[int]:
    """Indices of a token and all that depends on it."""
    return {child.i for child in token.subtree}


def in_order(token: Token) -> list[Token]:
    """A token and all that depends on it, in text order."""
    return sorted(token.subtree, key=lambda child: child.i)


def child_with(token: Token, *deps: str) -> Token | None:
    """The first child in one of the relations ``deps``."""
    return next((child for child in token.children if child.dep_ in deps), None)


def helpers(verb: Token) -> list[Token]:
    """The auxiliaries of a verb."""
    return [child for child in verb.children if child.dep_ in ("aux", "auxpass")]


def own_subject(verb: Token) -> Token | None:
    """The subject among a verb's own words, the real one rather than "there"."""
    subjects = [child for child in verb.children if child.dep_ in SUBJECTS]
    real = [child for child in subjects if child.dep_ != "expl"]
    return next(iter(real or subjects), None)


def pronoun_of(relative: Token) -> Token | None:
    """The relative pronoun of a relative clause."""
    return next((child for child in in_order(relative) if child.tag_ in WH), None)


def conjuncts(first: Token) -> list[Token]:
    """A token and what is co-ordinated with it, in text order."""
    parts = [first]
    while following := [child for child in parts[-1].children if child.dep_ == "conj"]:
        parts += following
    return sorted(parts, key=lambda part: part.i)


def other_conjuncts(item: Token) -> set[int]:
    """Indices of what is co-ordinated with a token, and of the words that link it."""
    gone: set[int] = set()
    for child in item.children:
        if child.dep_ == "conj":
            gone |= subtree(child)
        elif child.dep_ in ("cc", "preconj"):
            gone.add(child.i)
    return gone


def extraposed(it: Token) -> Token | None:
    """The clause that an empty "it" announces ("it is false that ..."), None for any other "it".

    A parser calls such an "it" a subject like any other. It is one where its verb is passive of
    what was said, has an adjective that nobody can be, or is a verb of coming to light.
    """
    verb = it.head
    if it.lower_ != "it" or it.dep_ not in SUBJECTS:
        return None
    predicate = child_with(verb, "acomp", "oprd", "attr")
    clause = child_with(verb, "ccomp", "csubj", "csubjpass", "xcomp", "advcl")
    if clause is None and predicate is not None:
        clause = child_with(predicate, "ccomp", "xcomp", "acl", "relcl")
    if clause is None or clause.i < verb.i or clause.pos_ not in VERBAL:
        return None
    opening = in_order(clause)[0].lower_
    if opening in ("to", "for") and clause.tag_ == "VB":
        lasts = verb.lemma_ in ("take", "cost")
        return clause if lasts or _is_impersonal(predicate) else None
    finite = opening in ("that", "whether", "how", "when", "where", "why", "who", "what")
    if not finite and (clause.dep_ != "ccomp" or own_subject(clause) is None):
        return None
    passive = child_with(verb, "auxpass") is not None and verb.lemma_ not in words.INFORMING
    emerges = verb.lemma_ in words.EMERGING and child_with(verb, "dobj") is None
    return clause if passive or emerges or _is_impersonal(predicate) else None


def is_expletive(token: Token) -> bool:
    """Whether a pronoun stands for nothing: "it rained", "it is false that ..."."""
    if token.lower_ != "it" or token.dep_ not in (*SUBJECTS, "dobj"):
        return False
    return token.head.lemma_ in words.WEATHER or extraposed(token) is not None


def _is_impersonal(predicate: Token | None) -> bool:
    """Whether a predicate is said of a clause rather than of somebody."""
    if predicate is None or predicate.lower_ in words.PERSONAL_ADJECTIVES:
        return False
    return predicate.pos_ in ("ADJ", "NOUN", "PROPN")


def is_bare(verb: Token) -> bool:
    """Whether a verb is only the auxiliary of one left out ("22 other countries did")."""
    parts = {child.dep_ for child in verb.children}
    if verb.tag_ == "MD":
        return True
    if verb.lemma_ == "do":
        how = any(
            child.dep_ == "advmod" and child.i > verb.i and child.lower_ not in ("so", "not", "too")
            for child in verb.children
        )
        return not parts & {"dobj", "attr", "nsubjpass", "ccomp", "oprd"} and not how
    if verb.lemma_ == "have":
        return not parts & {"dobj", "attr", "ccomp", "xcomp", "nsubjpass", "npadvmod"}
    return verb.lemma_ == "be" and parts <= {
        "nsubj", "neg", "aux", "punct", "mark", "cc", "conj", "advcl",
    }  # fmt: skip


def is_finite(verb: Token, start: int, end: int) -> bool:
    """Whether a verb and its subject make a whole clause of the tokens from start to end."""
    own = own_subject(verb) if verb.pos_ in VERBAL else None
    if own is None or not start <= own.i < verb.i < end or verb.doc[start].lower_ == "that":
        return False
    return any(token.tag_ in ("VBD", "VBZ", "VBP", "MD") for token in (verb, *helpers(verb)))


def main_verb(root: Token) -> Token:
    """The verb a sentence hangs on, also where the parser took it for a participle on its subject.

    "The mayor, a former boxer, denied on Tuesday that ..." is then a noun phrase to the parser, but
    what stands behind the comma that closes an apposition and says something has to be its verb.
    """
    if root.pos_ not in NOMINAL:
        return root
    aside = child_with(root, "appos")
    for child in root.children:
        says = child.tag_ == "VBN" and child_with(child, "ccomp", "dobj") is not None
        finite = child.dep_ in ("acl", "relcl") and (child.tag_ == "VBD" or says)
        if (
            finite
            and not helpers(child)
            and aside is not None
            and child.i > aside.i
            and own_subject(child) is None
        ):
            return child
    return root


def complement(verb: Token) -> Token | None:
    """The clause that says what a verb of saying or thinking reports."""
    lemma = verb.lemma_
    if lemma not in words.REPORTING and lemma not in words.OPINING:
        return None
    for child in verb.children:
        if child.dep_ == "ccomp" and child.pos_ in VERBAL and not is_aside(child):
            return child
    if lemma not in words.REPORTING:
        return None
    for preposition in verb.children:
        # "writing in a letter that they had ...": the parser hangs the clause on the noun.
        noun = child_with(preposition, "pobj")
        clause = child_with(noun, "relcl", "acl") if noun is not None else None
        if clause is not None and is_that_clause(clause):
            return clause
    return None


def is_that_clause(token: Token) -> bool:
    """Whether a clause on a noun is its content ("reports that ...") rather than a relative."""
    first = token.left_edge
    own = own_subject(token)
    if first.lower_ != "that" or own is None or own.i == first.i or first.head.i != token.i:
        return False
    if first.dep_ == "mark" or any(c.dep_ in ("auxpass", "nsubjpass") for c in token.children):
        return True
    return any(c.dep_ in ("dobj", "attr", "acomp") and c.i != first.i for c in token.children)


def is_indirect_question(clause: Token) -> bool:
    """Whether a complement asks instead of telling ("whether", "when")."""
    first = in_order(clause)[0]
    if first.lower_ == "that":
        return False
    return first.tag_ in WH or first.lower_ in ("whether", "if", "how")


def is_aside(token: Token) -> bool:
    """Whether a clause is an "X said" set into what it reports."""
    if token.lemma_ not in words.REPORTING or own_subject(token) is None:
        return False
    return child_with(token, "dobj", "ccomp", "xcomp", "attr", "acomp") is None


def valued(verb: Token) -> Token | None:
    """What a describing verb makes of its object: "a success" in "described it as a success"."""
    if verb.lemma_ not in words.DESCRIBING and verb.lemma_ != "note":
        return None
    for holder in (verb, *[child for child in verb.children if child.dep_ == "dobj"]):
        for child in holder.children:
            if child.lower_ == "as" and child.dep_ == "prep":
                return child_with(child, "pobj", "amod")
    if verb.lemma_ == "note" or (verb.tag_ == "VBN" and child_with(verb, "agent") is None):
        return None  # "is called X" gives a name
    return child_with(verb, "oprd")


def absolute_verb(preposition: Token) -> Token | None:
    """The verb of "with X rising", None where "with" takes a plain noun."""
    verb = child_with(preposition, "pcomp")
    if verb is None or verb.tag_ not in ("VBG", "VBN") or own_subject(verb) is None:
        return None
    return verb


def is_plain(verb: Token) -> bool:
    """Whether a verb of saying is neither negated nor hypothetical."""
    if child_with(verb, "neg") is not None:
        return False
    return not any(helper.lower_ in words.SPECULATIVE_MODALS for helper in helpers(verb))


def is_asserted(verb: Token, shared: Iterable[Token] = ()) -> bool:
    """Whether a clause says that something is or was so: no guess, order or vague prediction.

    Args:
        verb: the clause's verb.
        shared: auxiliaries it shares with an earlier, co-ordinated verb.
    """
    auxiliaries = [*helpers(verb), *shared]
    modals = {helper.lower_ for helper in auxiliaries if helper.tag_ == "MD"}
    impossible = modals == {"could"} and child_with(verb, "neg") is not None
    if (modals & words.SPECULATIVE_MODALS and not impossible) or verb.lemma_ in words.OPINING:
        return False
    if modals & words.FUTURE_MODALS and not has_figure(verb.subtree):
        return False
    if verb.tag_ == "VB" and not auxiliaries:
        return False
    if verb.lemma_ == "know" and _is_denied(verb):
        return False
    if any(c.dep_ == "advmod" and c.lower_ in words.HEDGES for c in verb.children):
        return False
    guessed = child_with(verb, "acomp", "oprd")
    if guessed is not None and guessed.lower_ in ("likely", "unlikely"):
        return False
    whole = child_with(verb, "ccomp") is not None
    if guessed is not None and whole and guessed.lower_ in ("possible", "probable", "conceivable"):
        return False
    seeming = verb.lemma_ in words.SEEMING
    return not (seeming and child_with(verb, "ccomp", "xcomp", "acomp", "oprd") is not None)


def _is_denied(verb: Token) -> bool:
    """Whether a clause is negated by "not" or by a subject such as "no one"."""
    own = own_subject(verb)
    nobody = own is not None and own.left_edge.lower_ in ("no", "nobody", "none", "nothing")
    return nobody or child_with(verb, "neg") is not None


def verb_group(verb: Token) -> tuple[int, ...]:
    """A verb with its auxiliaries, its particle and the adverbs among them."""
    others = [child.i for child in verb.children if child.dep_ in ("aux", "auxpass", "neg")]
    first = min([verb.i, *others])
    others += [c.i for c in verb.children if c.dep_ == "advmod" and first < c.i < verb.i]
    others += [child.i for child in verb.children if child.dep_ == "prt"]
    return tuple(sorted({verb.i, *others}))


def is_past(verb: Token) -> bool:
    """Whether a clause is told in the past tense, not the present perfect."""
    tags = {verb.tag_, *[helper.tag_ for helper in helpers(verb)]}
    return "VBD" in tags or (verb.tag_ == "VBN" and not tags & {"VBZ", "VBP", "MD"})


def verb_number(verb: Token) -> bool | None:
    """Whether a finite verb is plural, None where its form does not say."""
    for token in sorted([*helpers(verb), verb], key=lambda item: item.i):
        if token.lower_ in ("was", "is", "has", "does") or token.tag_ == "VBZ":
            return False
        if token.lower_ in ("were", "are", "have", "do") or token.tag_ == "VBP":
            return True
    return None


def is_plural(noun: Token) -> bool:
    """Whether a noun phrase takes a plural verb."""
    if any(child.dep_ == "conj" for child in noun.children) and any(
        child.dep_ == "cc" and child.lower_ in ("and", "&") for child in noun.children
    ):
        return True
    if noun.pos_ == "NUM":
        return noun.lower_ not in ("one", "1")
    return noun.lower_ in _PLURAL_WORDS or noun.tag_ in ("NNS", "NNPS")


def copula(*, plural: bool, past: bool) -> str:
    """The form of "be" for a subject."""
    if past:
        return "were" if plural else "was"
    return "are" if plural else "is"


def identifies(apposition: Token) -> bool:
    """Whether an apposition stays in the claim: the name of a thing, "three times the price"."""
    multiple = apposition.lemma_ in ("time", "double", "half") and is_counted(apposition)
    return multiple or bool(apposition.pos_ == "PROPN" and apposition.head.pos_ != "PROPN")


def comments(apposition: Token) -> bool:
    """Whether an apposition takes up more than the noun it is hung on: ", a move that ..."."""
    if apposition.pos_ == "ADJ":
        # "The walkout, the first since May," is about the walkout; a far noun is not meant.
        return bool(apposition.head.i < apposition.left_edge.i - 2)
    takes_up = apposition.lemma_.lower() in words.SUMMARISING | words.WORDING
    if takes_up and child_with(apposition, "relcl") is not None:
        return True
    indefinite = apposition.left_edge.lower_ in ("a", "an", "another")
    ranked = apposition.left_edge.lower_ == "the" and any(
        child.tag_ == "JJS" or child.ent_type_ == "ORDINAL" for child in apposition.children
    )
    return (indefinite or ranked) and is_plural(apposition.head) and not is_plural(apposition)


def is_counted(noun: Token) -> bool:
    """Whether a noun phrase says how many."""
    if noun.pos_ == "NUM":
        return True
    return any(
        (child.pos_ == "NUM" and child.lower_ != "one") or child.lower_ in ("dozen", "dozens")
        for child in noun.subtree
        if child.i < noun.i
    )


def has_figure(tokens: Iterable[Token]) -> bool:
    """Whether there is a number, a date, a rank or a name among some tokens."""
    return any(
        token.pos_ in ("NUM", "PROPN") or token.ent_type_ in _FIGURES or token.tag_ == "JJS"
        for token in tokens
    )
