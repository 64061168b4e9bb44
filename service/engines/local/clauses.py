"""Takes a parsed sentence apart into propositions: one assertion each, with who is said to say it.

Grammar only. A clause gives its core; what hangs on it by commas (relative clauses, appositions,
participles, lists of examples) and what is co-ordinated in it gives propositions of its own; the
complement of a reporting verb takes the place of the whole. Questions, orders, conditions and
guesses give none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from service.engines.local import word_classes as words
from service.engines.local.coordination import shared_auxiliaries, variants
from service.engines.local.grammar import (
    NOMINAL,
    SUBJECTS,
    VERBAL,
    absolute_verb,
    child_with,
    comments,
    complement,
    conjuncts,
    copula,
    extraposed,
    has_figure,
    helpers,
    identifies,
    in_order,
    is_aside,
    is_asserted,
    is_indirect_question,
    is_past,
    is_plain,
    is_plural,
    is_that_clause,
    main_verb,
    other_conjuncts,
    own_subject,
    pronoun_of,
    subtree,
    valued,
    verb_group,
)
from service.engines.local.parsed_sentence import ParsedSentence, Piece, Pieces
from service.engines.local.phrases import (
    anchor_of,
    antecedent_of,
    comma_before,
    drop_commas,
    ends_in_name,
    is_frame,
    is_loose,
    is_plural_phrase,
    is_set_off,
    latter,
    lifted,
    lowered,
    phrase,
    substituted,
    taken_up,
    trimmed,
)

if TYPE_CHECKING:
    from spacy.tokens import Token

_MAX_DEPTH = 8
_NOTHING = "nothing"


@dataclass(frozen=True)
class Source:
    """Who is said to say something: the speaker's words and the words that attribute."""

    speaker: Pieces
    cue: tuple[int, ...]


@dataclass(frozen=True)
class Proposition:
    """One assertion of a sentence.

    Attributes:
        pieces: its words, in order.
        subject: the words of its subject.
        verb: its main verb.
        source: who is said to say it, None when the text itself does.
        kind: the construction it was found in.
        scope: the subject of the clause around it, which its pronouns may mean.
    """

    pieces: Pieces
    subject: Pieces
    verb: int
    source: Source | None
    kind: str
    scope: Pieces = ()


def propositions(sentence: ParsedSentence) -> list[Proposition]:
    """Return the propositions of a sentence, in the order in which its clauses stand."""
    walk = _Walk(sentence)
    for root in (token for token in sentence.doc if token.head.i == token.i):
        verb = main_verb(root)
        walk.clause(verb, _without(phrase(root), verb) if verb.i != root.i else None)
    return walk.found


@dataclass(frozen=True)
class _Satellite:
    kind: str
    token: Token


@dataclass(frozen=True)
class _Clause:
    """A clause on the way: its verb, its subject, and how it stands in its sentence.

    ``own`` is the subject among its own words, which ``subject`` may replace; ``around`` is the
    source of the clause it hangs on, ``source`` its own.
    """

    head: Token
    subject: Pieces
    own: Token | None
    source: Source | None
    around: Source | None
    auxiliaries: tuple[int, ...]
    kind: str
    scope: Pieces
    core: list[int]
    satellites: list[_Satellite]


class _Walk:
    """One walk over one sentence; ``found`` collects."""

    def __init__(self, sentence: ParsedSentence) -> None:
        self.sentence = sentence
        self.doc = sentence.doc
        self.found: list[Proposition] = []
        self.depth = 0

    def clause(
        self,
        head: Token,
        subject: Pieces | None = None,
        source: Source | None = None,
        *,
        auxiliaries: tuple[int, ...] = (),
        kind: str = "main",
        scope: Pieces = (),
    ) -> None:
        """Find the propositions of the clause of verb ``head``.

        Args:
            head: the clause's verb.
            subject: its subject where it is not among its own words.
            source: who is said to say it.
            auxiliaries: auxiliaries shared with an earlier, co-ordinated verb.
            kind: the construction the clause stands in.
            scope: the subject of the clause around it.
        """
        own = own_subject(head)
        if subject is None and own is not None:
            subject = phrase(own)
        if self.depth >= _MAX_DEPTH or head.pos_ not in VERBAL or subject is None:
            return
        self.depth += 1
        core, satellites = self._core(head)
        said = source
        for satellite in satellites:
            if satellite.kind == "source":
                said = _source_of(satellite.token) or said
        self._find_in(
            _Clause(head, subject, own, said, source, auxiliaries, kind, scope, core, satellites)
        )
        self.depth -= 1

    def _find_in(self, clause: _Clause) -> None:
        head, satellites = clause.head, clause.satellites
        content, value = complement(head), valued(head)
        announced = extraposed(clause.own) if clause.own is not None else None
        if announced is not None and self._announces(clause, announced):
            inner = subtree(announced)
            satellites = [item for item in satellites if item.token.i not in inner]
        elif value is not None:
            self._described(clause, value)
        elif content is not None and is_plain(head):
            if head.lemma_ in words.REPORTING and not is_indirect_question(content):
                said = self._said(clause)
                self.clause(content, None, said, kind="reported", scope=clause.subject)
            inner = subtree(content)
            satellites = [item for item in satellites if item.token.i not in inner]
            if head.lemma_ in words.ACKNOWLEDGING and is_asserted(head):
                self._add_core(replace(clause, kind="act"))
        elif not any(item.kind == "condition" for item in satellites) and is_asserted(
            head, [self.doc[index] for index in clause.auxiliaries]
        ):
            self._add_core(clause)
            self._add_examples(clause)
        for satellite in satellites:
            self._satellite(satellite, clause)
        for child in head.children:
            if child.dep_ == "advcl" and _mark_of(child) in words.FACTIVE:
                self.clause(child, None, clause.source, kind="reason", scope=clause.subject)

    def _announces(self, clause: _Clause, content: Token) -> bool:
        """Find what “it emerged that X” and “it is false that X” say; False where it is neither.

        What came to light is X itself, said by whoever "by" names. What is called true or false
        stays one assertion, weighed by X.
        """
        head = clause.head
        truth = child_with(head, "acomp", "oprd")
        own = own_subject(content)
        if truth is not None and truth.lower_ in words.TRUTH and own is not None:
            if is_asserted(head) and is_asserted(content):
                about = phrase(own)
                for tokens in variants(self.doc, head, clause.core):
                    self._add(clause, tuple(tokens), about, content, clause.kind)
            return True
        told = child_with(head, "auxpass") is not None and head.lemma_ in words.REPORTING
        emerged = head.lemma_ in words.EMERGING - words.SEEMING and truth is None
        if not (told or emerged) or not is_plain(head) or is_indirect_question(content):
            return False
        said = self._said(clause) if told else clause.source
        self.clause(content, None, said, kind="reported", scope=said.speaker if said else ())
        return True

    def _said(self, clause: _Clause) -> Source | None:
        """Who says what a reporting verb reports: its subject, of a passive whoever "by" names."""
        head = clause.head
        shared = [self.doc[index] for index in clause.auxiliaries]
        cue = tuple(sorted({*clause.auxiliaries, *verb_group(head)}))
        if not any(helper.dep_ == "auxpass" for helper in (*shared, *helpers(head))):
            return Source(clause.subject, cue)
        agent = child_with(head, "agent")
        by = child_with(agent, "pobj") if agent is not None else None
        return Source(phrase(by), cue) if by is not None else clause.source

    def _add(
        self, clause: _Clause, pieces: Pieces, subject: Pieces, verb: Token, kind: str
    ) -> None:
        around = clause.subject if clause.subject != subject else clause.scope
        self.found.append(Proposition(pieces, subject, verb.i, clause.source, kind, around))

    def _add_core(self, clause: _Clause) -> None:
        for tokens in variants(self.doc, clause.head, clause.core):
            pieces = self._with_subject(clause, tokens)
            self._add(clause, pieces, clause.subject, clause.head, clause.kind)

    def _with_subject(self, clause: _Clause, tokens: list[int]) -> Pieces:
        own, subject = clause.own, clause.subject
        if own is not None and subject == phrase(own):
            return tuple(tokens)
        gone = subtree(own) if own is not None else set()
        rest = [token for token in tokens if token not in gone]
        comma = (",",) if ends_in_name(self.doc, subject) else ()
        return (*subject, *comma, *clause.auxiliaries, *rest)

    # What belongs to a clause and what hangs on it

    def _core(self, head: Token) -> tuple[list[int], list[_Satellite]]:
        """The tokens of a clause without what hangs on it, and what hangs on it."""
        tokens: set[int] = set()
        satellites: list[_Satellite] = []
        dropped: list[Token] = []
        content = complement(head)
        stack = [head]
        while stack:
            token = stack.pop()
            tokens.add(token.i)
            for child in token.children:
                kind = self._kind(child, head)
                if kind is None or (content is not None and child.i == content.i):
                    stack.append(child)
                    continue
                dropped.append(child)
                if kind != _NOTHING:
                    satellites.append(_Satellite(kind, child))
        for child in dropped:
            drop_commas(child, tokens)
        satellites.sort(key=lambda item: item.token.i)
        return sorted(tokens), satellites

    def _kind(self, token: Token, head: Token) -> str | None:
        """What hangs on a clause by a token: a kind, "nothing" to leave out, None to keep it."""
        dep, lower, comma = token.dep_, token.lower_, comma_before(token)
        if token.head.i == head.i:
            kind = self._direct_kind(token, head)
            if kind is not None:
                return kind
        if dep == "relcl" and is_set_off(token):
            return None if is_that_clause(token) else "relative"
        if dep == "appos" and comma and token.pos_ in (*NOMINAL, "ADJ"):
            if comments(token):
                return "loose"
            return None if identifies(token) else "apposition"
        if lower == "according" and any(child.lower_ == "to" for child in token.children):
            return "source"
        if dep in ("parataxis", "ccomp") and is_aside(token):
            return "source"
        if dep == "acl" and comma and token.tag_ in ("VBN", "VBD", "VBG"):
            return "participle"
        if dep == "amod" and comma and token.i > token.head.i and has_figure(token.subtree):
            return "participle"
        if lower in ("including", "such") and dep in ("prep", "amod") and comma:
            return "examples"
        return None

    def _direct_kind(self, token: Token, head: Token) -> str | None:
        dep, lower = token.dep_, token.lower_
        mark = child_with(head, "mark")
        if mark is not None and token.right_edge.i < mark.i:
            return _NOTHING  # "(two days) after it closed"
        if dep in ("cc", "preconj", "mark") or (lower == "that" and is_that_clause(head)):
            return _NOTHING
        if dep in ("advmod", "intj") and lower in words.DISCOURSE:
            return _NOTHING
        if (dep == "conj" and token.pos_ in VERBAL) or latter(token) is not None:
            return "conjunct"
        if is_loose(token, head):
            return "loose"
        if dep == "advcl":
            return _adverbial_kind(token)
        if dep == "prep" and lower == "with" and absolute_verb(token) is not None:
            return "absolute"
        return _NOTHING if dep == "prep" and is_frame(token, head) else None

    def _satellite(self, satellite: _Satellite, clause: _Clause) -> None:
        token, kind = satellite.token, satellite.kind
        aside = replace(clause, source=clause.around)
        if kind == "conjunct":
            self._conjunct(token, clause)
        elif kind == "participle":
            self._participle(token, clause)
        elif kind == "loose":
            self._loose(token, clause)
        elif kind == "relative":
            self._relative(token, antecedent_of(token), aside)
        elif kind == "apposition":
            self._apposition(token, aside)
        elif kind == "absolute":
            self._absolute(token, aside)
        elif kind == "concession" and own_subject(token) is None:
            self._participle(token, aside)
        elif kind == "concession":
            self.clause(token, None, aside.source, kind=kind, scope=clause.subject)

    # Constructions

    def _described(self, clause: _Clause, value: Token) -> None:
        """“X described Y as Z” says, on X's word, that Y was Z."""
        head = clause.head
        agent = child_with(head, "agent")
        by = child_with(agent, "pobj") if agent is not None else None
        thing = child_with(head, "dobj")
        if by is not None:
            about, speaker = clause.subject, phrase(by)
            plural = is_plural_phrase(self.doc, about)
        elif thing is not None and head.tag_ != "VBN":
            about, speaker = phrase(thing), clause.subject
            plural = is_plural(thing)
        else:
            return
        before = value.left_edge.i - 1
        gone = subtree(value) | ({before} if self.doc[before].lower_ == "as" else set())
        about = tuple(piece for piece in about if piece not in gone)
        said = replace(clause, source=Source(speaker, verb_group(head)))
        self._equate(said, about, value, copula(plural=plural, past=True))

    def _equate(self, clause: _Clause, about: Pieces, value: Token, be: str) -> None:
        for part in conjuncts(value):
            gone = other_conjuncts(part)
            tokens = [piece for piece in phrase(part) if piece not in gone]
            self._add(clause, (*about, be, *tokens), about, clause.head, "described")

    def _conjunct(self, token: Token, clause: _Clause) -> None:
        antecedent = latter(token)
        if antecedent is not None:
            self.clause(token, antecedent, clause.around, kind="relative", scope=clause.subject)
        elif own_subject(token) is not None:
            self.clause(token, None, clause.source, kind=clause.kind, scope=clause.subject)
        else:
            shared = shared_auxiliaries(token, clause.head, clause.auxiliaries)
            self.clause(
                token, clause.subject, clause.source, auxiliaries=shared, kind=clause.kind,
                scope=clause.scope,
            )  # fmt: skip

    def _relative(self, token: Token, antecedent: Pieces, clause: _Clause) -> None:
        """A relative clause, its pronoun replaced by what it stands for."""
        pronoun = pronoun_of(token)
        if pronoun is None or not antecedent:
            return
        place = pronoun
        while place.head.i not in (token.i, place.i):
            place = place.head
        scope = clause.subject
        if place.dep_ in SUBJECTS:
            subject = substituted(place, pronoun, antecedent)
            self.clause(token, subject, clause.source, kind="relative", scope=scope)
        elif place.i == pronoun.i and place.dep_ == "dobj":
            self._object_relative(token, pronoun, antecedent, clause)
        elif pronoun.lower_ == "where" or place.dep_ == "prep":
            self._adverbial_relative(token, pronoun, place, antecedent, clause)
        elif place.pos_ in VERBAL and complement(token) is not None and is_plain(token):
            # "a term that experts say covers ...": the pronoun is the inner verb's subject.
            inner, speaker = own_subject(place), own_subject(token)
            if inner is not None and inner.i == pronoun.i and speaker is not None:
                said = Source(phrase(speaker), verb_group(token))
                self.clause(place, antecedent, said, kind="relative", scope=scope)

    def _object_relative(
        self, token: Token, pronoun: Token, antecedent: Pieces, clause: _Clause
    ) -> None:
        """“..., which the team tested” becomes “the team tested ...”."""
        own, value = own_subject(token), valued(token)
        if own is None or not is_asserted(token):
            return
        if value is not None:
            said = replace(clause, source=Source(phrase(own), verb_group(token)), head=token)
            plural = is_plural_phrase(self.doc, antecedent)
            self._equate(said, antecedent, value, copula(plural=plural, past=True))
            return
        core, _ = self._core(token)
        before = [index for index in core if index != pronoun.i and index <= token.i]
        after = [index for index in core if index > token.i]
        pieces = (*before, *lowered(antecedent), *after)
        self._add(clause, pieces, phrase(own), token, "relative")

    def _adverbial_relative(
        self, token: Token, pronoun: Token, place: Token, antecedent: Pieces, clause: _Clause
    ) -> None:
        """“..., where/in which it happened” becomes “it happened in ...”."""
        own = own_subject(token)
        if own is None or not is_asserted(token):
            return
        core, _ = self._core(token)
        is_phrase = place.dep_ == "prep"
        gone = subtree(place) if is_phrase else {pronoun.i}
        preposition: Piece = place.i if is_phrase else "in"
        rest = [index for index in core if index not in gone]
        pieces = (*rest, preposition, *lowered(antecedent))
        self._add(clause, pieces, phrase(own), token, "relative")

    def _apposition(self, token: Token, clause: _Clause) -> None:
        """“X, a Y,” says that X is a Y."""
        anchor = anchor_of(token)
        listed = self.doc[max(token.left_edge.i - 1, 0)].text == ";"
        if listed or token.pos_ == "NUM" or anchor.pos_ not in NOMINAL:
            return
        about = phrase(anchor)
        past = is_past(clause.head) and anchor.pos_ != "PROPN" and not anchor.ent_type_
        plural = is_plural(anchor) and token.left_edge.lower_ not in ("a", "an")
        for child in in_order(token):
            if child.dep_ == "relcl" and is_set_off(child):
                self._relative(child, phrase(child.head), clause)
        pieces = (*about, copula(plural=plural, past=past), *phrase(token))
        self._add(clause, pieces, about, token, "apposition")

    def _loose(self, token: Token, clause: _Clause) -> None:
        """A noun phrase after a comma that comments on the clause: ", a move that ..."."""
        among = next((child for child in token.children if child.lower_ == "among"), None)
        relative = child_with(token, "relcl")
        if among is not None:
            self._example_of_subject(phrase(token), among, clause)
        elif relative is not None:
            gone = subtree(relative)
            noun = tuple(piece for piece in phrase(token) if piece not in gone)
            aside = replace(clause, source=clause.around)
            self._relative(relative, taken_up(self.sentence, token, noun), aside)
        elif has_figure(self.doc[piece] for piece in phrase(token) if isinstance(piece, int)):
            self._comment(token, clause)

    def _comment(self, token: Token, clause: _Clause) -> None:
        """“It raised its rate, the third rise this year” keeps the clause that it is said of."""
        before = self.doc[max(token.left_edge.i - 2, 0)].i
        between = any(
            item.token.i != token.i and before in subtree(item.token) for item in clause.satellites
        )
        if between or not is_asserted(clause.head):
            return  # said of what hangs on the clause: "with three dissenting, the most since May"
        whole = self._with_subject(clause, list(trimmed(self.doc, clause.core)))
        self._add(clause, (*whole, ",", *phrase(token)), clause.subject, token, "comment")

    def _participle(self, token: Token, clause: _Clause) -> None:
        """“X, built in 1908,” says that X was built in 1908."""
        noun = lifted(token.head)
        on_noun = token.dep_ in ("acl", "amod") and noun.pos_ in NOMINAL
        about = phrase(noun) if on_noun else clause.subject
        plural = is_plural(noun) if on_noun else is_plural_phrase(self.doc, about)
        content = complement(token)
        if content is not None:
            if token.lemma_ in words.REPORTING and not is_indirect_question(content):
                said = Source(about, (token.i,))
                self.clause(content, None, said, kind="reported", scope=about)
            return
        says = token.tag_ == "VBG" and token.lemma_ in words.REPORTING | {"speak", "talk"}
        if says or own_subject(token) is not None:
            return
        core, satellites = self._core(token)
        if token.tag_ == "VBG" and not on_noun:
            self._result(token, clause, core, satellites)
            return
        past = token.lower_ not in words.STATIVE_PARTICIPLES or is_past(clause.head)
        be = copula(plural=plural, past=past)
        for tokens in self._with_conjuncts(token, core, satellites):
            if token.tag_ in ("VBN", "VBD") or has_figure(self.doc[index] for index in tokens):
                self._add(clause, (*about, be, *tokens), about, token, "participle")
        inner = replace(clause, head=token, subject=about)
        for satellite in satellites:
            if satellite.kind in ("relative", "apposition"):
                self._satellite(satellite, inner)

    def _result(
        self, token: Token, clause: _Clause, core: list[int], satellites: list[_Satellite]
    ) -> None:
        """“It broke in two, killing five” keeps its main clause: breaking is what killed."""
        if not is_asserted(clause.head):
            return
        whole = self._with_subject(clause, list(trimmed(self.doc, clause.core)))
        for tokens in self._with_conjuncts(token, core, satellites):
            if has_figure(self.doc[index] for index in tokens):
                self._add(clause, (*whole, ",", *tokens), clause.subject, token, "participle")

    def _with_conjuncts(
        self, token: Token, core: list[int], satellites: list[_Satellite]
    ) -> Iterator[list[int]]:
        yield from variants(self.doc, token, core)
        for satellite in satellites:
            if satellite.kind == "conjunct" and satellite.token.tag_ == token.tag_:
                inner, more = self._core(satellite.token)
                yield from self._with_conjuncts(satellite.token, inner, more)

    def _absolute(self, token: Token, clause: _Clause) -> None:
        """“With X saying that ...” and “with X rising to ...”."""
        verb = absolute_verb(token)
        own = own_subject(verb) if verb is not None else None
        if verb is None or own is None:
            return
        subject, content = phrase(own), complement(verb)
        if content is not None:
            if verb.lemma_ in words.REPORTING and not is_indirect_question(content):
                said = Source(subject, (verb.i,))
                self.clause(content, None, said, kind="reported")
            return
        gone = subtree(own)
        rest = [index for index in self._core(verb)[0] if index not in gone]
        be = copula(plural=is_plural(own), past=True)
        self._add(clause, (*subject, be, *rest), subject, verb, "participle")

    # Examples

    def _add_examples(self, clause: _Clause) -> None:
        """“It used many jets, including three F-4,” also says that it used three F-4."""
        for satellite in clause.satellites:
            if satellite.kind != "examples":
                continue
            token = satellite.token
            holders = (token, *token.children)
            first = next(
                (child for holder in holders for child in holder.children if child.dep_ == "pobj"),
                None,
            )
            host = _host(token, clause.head)
            if first is not None and host is not None:
                for item in conjuncts(first):
                    gone = other_conjuncts(item)
                    example = tuple(piece for piece in phrase(item) if piece not in gone)
                    self._example(example, host, clause)

    def _example(self, example: Pieces, host: Token, clause: _Clause) -> None:
        gone = {piece for piece in phrase(host) if isinstance(piece, int)}
        before = [index for index in clause.core if index < min(gone)]
        after = [index for index in clause.core if index > min(gone) and index not in gone]
        pieces: Pieces = (*before, *example, *after)
        if host.dep_ in SUBJECTS:
            self._add(clause, pieces, example, clause.head, "examples")
            return
        own = clause.own
        if own is None or clause.subject != phrase(own):
            mine = subtree(own) if own is not None else set()
            rest = [piece for piece in pieces if piece not in mine]
            pieces = (*clause.subject, *clause.auxiliaries, *rest)
        self._add(clause, pieces, clause.subject, clause.head, "examples")

    def _example_of_subject(self, tokens: Pieces, among: Token, clause: _Clause) -> None:
        """“Nine people died, among them two children” says that two children died."""
        if clause.own is None or not is_asserted(clause.head):
            return
        gone, mine = subtree(among), subtree(clause.own)
        example = tuple(piece for piece in tokens if piece not in gone)
        rest = [index for index in clause.core if index not in mine]
        self._add(clause, (*example, *rest), example, clause.head, "examples")


def _without(pieces: Pieces, token: Token) -> Pieces:
    """Words before a token, those that hang on it left out."""
    gone = subtree(token)
    return tuple(piece for piece in pieces if piece not in gone)


def _adverbial_kind(token: Token) -> str | None:
    """What an adverbial clause does: a condition, a concession, a reason or a part of the whole."""
    lower = _mark_of(token)
    subject = own_subject(token)
    set_off = comma_before(token) or token.left_edge.i == token.head.left_edge.i
    if lower in words.HYPOTHETICAL:
        return "condition"
    if lower == "as" and subject is not None:
        if token.lemma_ in words.REPORTING and is_aside(token):
            return "source"
        return "concession" if set_off else None
    if lower in words.CONCESSIVE:
        return "concession"
    if token.tag_ in ("VBG", "VBN", "VBD") and subject is None and set_off and not lower:
        return "participle"
    return None


def _mark_of(clause: Token) -> str:
    """The word that joins an adverbial clause to its main clause."""
    mark = child_with(clause, "mark", "advmod")
    return mark.lower_ if mark is not None and mark.i < clause.i else ""


def _host(token: Token, head: Token) -> Token | None:
    """The subject or object of a clause that a list of examples belongs to."""
    place = token.head
    if place.i == head.i:
        place = head.doc[max(token.left_edge.i - 2, 0)]
    while place.head.i not in (place.i, head.i):
        place = place.head
    is_argument = place.dep_ in ("dobj", "attr", "nsubj", "nsubjpass")
    return place if place.head.i == head.i and is_argument else None


def _source_of(token: Token) -> Source | None:
    """The source in "according to X", "X said" set in, "as X announced"."""
    if token.lower_ != "according":
        own = own_subject(token)
        return Source(phrase(own), verb_group(token)) if own is not None else None
    to = next(child for child in token.children if child.lower_ == "to")
    noun = child_with(to, "pobj")
    if noun is None:
        return None
    last = token.right_edge.i
    while last > noun.i and token.doc[last].is_punct:
        last -= 1
    return Source(tuple(range(noun.left_edge.i, last + 1)), (token.i, to.i))
