"""English is told from its neighbours even in one short sentence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.kit.language import detect

ENGLISH = """
Two B-52 bombers took part.
Japan plans 42 F-35B.
Shinjiro Koizumi met Minoru Kihara in Nyutabaru.
Minoru Kihara succeeded Yoshimasa Hayashi.
Ishiba resigned.
Tokyo declined.
GDP grew 2 percent.
Unemployment rose to 5.1% in Bremen.
Emmanuel Macron visited Berlin.
Real Madrid won La Liga.
Petrobras cut diesel prices.
Deutsche Bahn carried 12 million passengers.
Wojciech Kowalski won Gdańsk election.
Vaccines save lives.
Many men die young.
TWO MEN DIED IN ROME.
No one was hurt, the mayor’s office said.
Von der Leyen proposed EUR 90 billion.
Ursula von der Leyen visited Kyiv.
Van der Bellen won.
De Gaulle resigned in 1969.
Ludwig van Beethoven died in 1827.
Lula da Silva won Brazil elections.
Luiz Inácio Lula da Silva won.
Banco do Brasil cut rates.
Rio de Janeiro hosted G20.
El Niño ended.
La Niña returned.
El Salvador adopted Bitcoin.
Las Vegas flooded.
Le Monde reported losses.
Die Zeit reported losses.
Der Spiegel reported losses.
Côte d'Ivoire exported cocoa.
São Paulo flooded.
Ahmed al-Sharaa met Donald Trump.
Petro met Maduro.
Jokowi moved Indonesia's capital to Nusantara.
Bank Indonesia cut rates.
Tu-95 bombers met H-6 bombers.
Su-35 fighters escorted Tu-95 bombers.
""".strip().splitlines()

FOREIGN = {
    "de": [
        "Zwei B-52-Bomber nahmen teil.",
        "Das Kabinett stimmte zu.",
        "Die Bank war gut.",
        "Von der Leyen schlug 90 Milliarden Euro vor.",
        "Der Export sank in Hamburg.",
    ],
    "fr": [
        "Deux bombardiers B-52 ont participé.",
        "Le PIB a augmenté de 2 %.",
        "Macron a visité Berlin.",
        "La France accueille le G7.",
    ],
    "es": [
        "Dos bombarderos B-52 participaron.",
        "Japón planea 42 F-35B.",
        "El Niño terminó.",
        "Lula da Silva ganó las elecciones en Brasil.",
    ],
    "it": [
        "Due bombardieri B-52 hanno partecipato.",
        "Il PIL cresce.",
        "Leonardo da Vinci morì in Francia.",
    ],
    "nl": ["Twee B-52-bommenwerpers namen deel.", "Japan plant 42 F-35B te kopen."],
    "pt": [
        "Dois bombardeiros B-52 participaram.",
        "O Brasil cortou impostos.",
        "Lula da Silva venceu as eleições.",
    ],
    "pl": ["Dwa bombowce B-52 wzięły udział."],
    "id": [
        "Dua pesawat pembom B-52 ikut serta.",
        "Indonesia membeli 42 pesawat tempur Rafale.",
        "Jokowi memindahkan ibu kota ke Nusantara.",
        "Prabowo bertemu Xi Jinping di Beijing.",
    ],
    "ja": ["日本はF-35Bを42機導入する計画だ。"],
    "ko": ["일본은 F-35B 42대를 도입할 계획이다."],
    "ru": ["Два самолёта приняли участие в учениях."],
    "el": ["Δύο βομβαρδιστικά συμμετείχαν."],
}

ROMANISED = [
    "Nihon wa F-35B o yonjuuni-ki dounyuu suru keikaku da.",
    "Futatsu no bakugekiki ga sanka shita.",
    "Dva bombardery prinyali uchastie.",
]


@pytest.mark.parametrize("sentence", ENGLISH)
def test_a_short_english_sentence_is_english(sentence: str) -> None:
    assert detect(sentence) == "en"


@pytest.mark.parametrize(
    ("language", "sentence"), [(code, text) for code, texts in FOREIGN.items() for text in texts]
)
def test_a_short_sentence_of_another_language_is_named(language: str, sentence: str) -> None:
    assert detect(sentence) == language


@pytest.mark.parametrize("sentence", ["Die Inflation sank.", "Regierung plant Steuersenkung."])
def test_german_made_of_english_words_is_not_english(sentence: str) -> None:
    assert detect(sentence) != "en"


@pytest.mark.parametrize("sentence", ROMANISED)
def test_romanised_text_is_not_english(sentence: str) -> None:
    assert detect(sentence) != "en"


@pytest.mark.parametrize("text", ["", "   \n", "42 / 7 = 6", "😀😀", "Minoru Kihara", "x"])
def test_text_without_words_of_a_language_is_undetermined(text: str) -> None:
    assert detect(text) == "und"


def test_english_with_many_foreign_names_is_english() -> None:
    text = (
        "In Düsseldorf, Jürgen Müller of the Süddeutsche Zeitung met the ministers of Österreich."
    )
    assert detect(text) == "en"


def test_a_german_article_that_quotes_english_is_german() -> None:
    text = (
        "Der Minister sagte am Montag, dass die Übung nicht gegen ein Land gerichtet sei. "
        "„We are ready“, fügte er hinzu. Die Opposition sprach von einem Fehler der Regierung."
    )
    assert detect(text) == "de"


@given(st.text(max_size=400))
@settings(max_examples=100, deadline=None)
def test_any_text_gets_an_answer(text: str) -> None:
    answer = detect(text)
    assert answer == detect(text)
    assert answer.isalpha()
    assert answer.islower()
