"""What is submitted, ingested or said is text on the page: nothing of it runs, anywhere."""

from __future__ import annotations

import json

import pytest
from conftest import Visits
from desks import Served
from playwright.sync_api import expect

PAYLOADS = (
    """
<script>RUN</script>
<SCRIPT>RUN</SCRIPT>
<script/src=data:,RUN></script>
<script type=module>RUN</script>
</script><script>RUN</script>
<scr<script>ipt>RUN</scr</script>ipt>
<svg><script>RUN</script></svg>
<svg onload=RUN>
<svg/onload=RUN//
<svg><animate onbegin=RUN attributeName=x>
<svg><set onbegin=RUN>
<img src=x onerror=RUN>
<img/src=x/onerror=RUN>
<IMG SRC=x ONERROR=RUN>
<img src=x onerror="RUN">
<img src=x onerror='RUN'>
"><img src=x onerror=RUN>
'><img src=x onerror=RUN>
" onmouseover="RUN
" autofocus onfocus="RUN" x="
' autofocus onfocus='RUN
<input autofocus onfocus=RUN>
<select autofocus onfocus=RUN>
<textarea autofocus onfocus=RUN>
</textarea><script>RUN</script>
<body onload=RUN>
<body onpageshow=RUN>
<details open ontoggle=RUN>
<video><source onerror=RUN></video>
<video src=x onerror=RUN>
<audio src=x onerror=RUN>
<iframe src=javascript:RUN>
<iframe srcdoc='<script>parent.RUN</script>'>
<object data=javascript:RUN>
<embed src=javascript:RUN>
<a href=javascript:RUN autofocus>x</a>
<form action=javascript:RUN><button autofocus>x</button></form>
<math><mtext><script>RUN</script></mtext></math>
<meta http-equiv=refresh content='0;url=javascript:RUN'>
<base href=//evil.example/>
<link rel=stylesheet href=//evil.example/x.css>
<style>@import '//evil.example'</style>
<style onload=RUN></style>
<marquee onstart=RUN>
<keygen autofocus onfocus=RUN>
<template><script>RUN</script></template>
<noscript><p title='</noscript><img src=x onerror=RUN>'>
<!--><script>RUN</script>-->
]]><script>RUN</script>
&lt;script&gt;RUN&lt;/script&gt;
&#60;script&#62;RUN&#60;/script&#62;
{{7*7}}{{config}}
{% for x in [1] %}RUN{% endfor %}
${RUN}
javascript:RUN
data:text/html,<script>RUN</script>
<div hx-get=/people hx-trigger=load hx-target=body>
<div data-hx-get=/people data-hx-trigger=load>
<div hx-on:load=RUN>
<div hx-on::load=RUN hx-trigger=load hx-get=/audit>
<x-element onclick=RUN autofocus tabindex=1 onfocus=RUN>
\u202e<script>RUN</script>
<scr\u0131pt>RUN</scr\u0131pt>
""".replace("RUN", "window.ran=1;alert(1)")
    .strip()
    .splitlines()
)
ASKED = ("/people", "/audit")
"""What payloads ask for in somebody's name."""


def test_there_are_as_many_payloads_as_promised() -> None:
    assert len(set(PAYLOADS)) >= 60


@pytest.fixture(scope="module")
def pages(desk: Served) -> dict[str, str]:
    """Pages with every payload: in an article, in statements, in what people say."""
    sentences = [
        f"Two U.S. B-52 bombers took part in the exercise on 10 December 2025 {payload}."
        for payload in PAYLOADS
    ]
    article = desk.submit(text="\n\n".join(sentences), title=" ".join(PAYLOADS[:20]))
    with desk.client("reviewer") as client:
        body = {
            "statements": [
                {
                    "id": f"P{number}",
                    "text": f"The port of Aalen was closed on 3 May 2025. {payload}",
                    "title": payload,
                    "issuer": payload,
                    "url": f"https://example.com/?{number}",
                }
                for number, payload in enumerate(PAYLOADS)
            ]
        }
        for start in range(0, len(PAYLOADS), 20):
            part = {"statements": body["statements"][start : start + 20]}
            told = client.post("/v1/statements", json=part)
            assert told.status_code == 201, told.text
        claims = ["The port of Aalen was closed on 3 May 2025.", *PAYLOADS[:5]]
        about = desk.submit(claims=[claims[0]])
        note = client.get(f"/v1/submissions/{about}").json()["claims"][0]["note_id"]
        for payload in PAYLOADS:
            said = client.post(f"/v1/notes/{note}/comments", json={"text": payload})
            assert said.status_code == 201, said.text
        asked = client.post(
            f"/v1/notes/{note}/opinions", json={"revision": 1, "question": PAYLOADS[11]}
        )
        assert asked.status_code == 201
    expected = [
        {"id": f"{number} {payload}", "claim": payload, "verdict": "supported", "type": payload}
        for number, payload in enumerate(PAYLOADS[:25])
    ]
    evaluation = desk.evaluate(claims=expected)
    assert len(evaluation["metrics"]) > 25, "a figure is called by each type"
    return {
        "evaluation": f"/evaluations/{evaluation['id']}",
        "evaluations": "/evaluations",
        "article": f"/submissions/{article}",
        "queue": "/queue?state=all&q=B-52",
        "submissions": "/submissions",
        "statements": "/statements",
        "search": "/statements?q=The+port+of+Aalen+was+closed",
        "statement": "/statements/P11",
        "note": f"/notes/{note}",
        "edit": f"/notes/{note}/edit",
        "asked back": f"/queue?q={PAYLOADS[11]}",
    }


@pytest.mark.parametrize(
    "place",
    "article,queue,submissions,statements,search,statement,note,edit,asked back,evaluation,"
    "evaluations".split(","),
)
def test_nothing_runs(desk: Served, visit: Visits, pages: dict[str, str], place: str) -> None:
    me = visit("admin")
    outside: list[str] = []
    me.page.on("request", lambda request: outside.append(request.url))
    page = me.go(pages[place])
    page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
    page.wait_for_timeout(300)
    assert page.evaluate("window.ran") is None
    assert [url for url in outside if not url.startswith(desk.url)] == []
    assert [url for url in outside if url.startswith(tuple(desk.url + one for one in ASKED))] == []
    for element in ("script:not([src])", "iframe", "object", "embed", "base", "style"):
        expect(page.locator(f"main {element}")).to_have_count(0)
    assert page.locator("main *[onerror], main *[onload], main *[onfocus]").count() == 0


def test_the_payloads_are_there_to_be_read(desk: Served, visit: Visits, pages) -> None:
    page = visit("admin").go(pages["note"])
    page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
    shown = page.locator("#comments").inner_text()
    missing = [payload for payload in PAYLOADS if " ".join(payload.split()) not in shown]
    assert missing == [], json.dumps(missing)
