// Keys, citations that light up their quotes, and quoting what is selected. All else works without.
"use strict";

(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const typing = (target) => target.closest("input, textarea, select, [contenteditable], dialog[open]");

  // Keys -------------------------------------------------------------------------------------
  let row = -1;
  const move = (by) => {
    const rows = all("[data-row]").filter((one) => one.querySelector("[data-open]"));
    if (!rows.length) return false;
    row = Math.max(0, Math.min(rows.length - 1, row + by));
    rows.forEach((one, index) => one.classList.toggle("here", index === row));
    const link = rows[row].querySelector("[data-open]");
    link.focus();
    rows[row].scrollIntoView({ block: "nearest" });
    return true;
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const key = event.key;
    if (key === "?") document.getElementById("keys")?.showModal();
    else if ((key === "j" || key === "k") && document.querySelector(`[data-key=${key}]`))
      document.querySelector(`[data-key=${key}]`).click();
    else if (key === "j" || key === "k") {
      if (!move(key === "j" ? 1 : -1)) return;
    } else if (key === "e" && document.querySelector("[data-key=e]"))
      document.querySelector("[data-key=e]").click();
    else if (["a", "r", "c", "/"].includes(key)) {
      const wanted = document.querySelector(`[data-key="${key}"]`);
      if (!wanted) return;
      wanted.focus();
      if (wanted.select) wanted.select();
    } else return;
    event.preventDefault();
  });
  // After a decision the next note is one key away; publishing never is.
  if (location.hash === "#decided")
    addEventListener("load", () => setTimeout(() => document.querySelector("[data-next]")?.focus()));

  // What is sent once is not sent twice by a second click
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent && event.target.method === "post") event.preventDefault();
    event.target.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => all("form[data-sent]").forEach((one) => delete one.dataset.sent));

  // A citation lights up its quote, a claim of a list its place in the text ---------------------
  const light = (selector, on) => all(selector).forEach((one) => one.classList.toggle("lit", on));
  const told = (event, on) => {
    const from = event.target.closest?.("[data-quote], [data-quotes], [data-claim]");
    if (!from) return;
    if (from.dataset.claim) return light(`[data-claim="${from.dataset.claim}"]`, on);
    const numbers = (from.dataset.quote ?? from.dataset.quotes).trim().split(" ");
    for (const number of numbers) {
      light(`[data-quotes~="${number}"]`, on);
      light(`.cited[data-quote="${number}"]`, on);
    }
  };
  for (const [name, on] of [["mouseover", true], ["mouseout", false], ["focusin", true], ["focusout", false]])
    document.addEventListener(name, (event) => told(event, on));

  // Quoting what is selected --------------------------------------------------------------------
  const offer = document.getElementById("selection");
  if (offer) {
    let last = document.querySelector("fieldset.finding");
    document.addEventListener("focusin", (event) => {
      last = event.target.closest("fieldset.finding") ?? last;
    });
    const chosen = () => {
      const selection = getSelection();
      if (!selection.rangeCount || selection.isCollapsed) return null;
      const range = selection.getRangeAt(0);
      const passage = (range.commonAncestorContainer.parentElement ?? range.commonAncestorContainer)
        .closest?.("[data-statement]") ?? range.commonAncestorContainer.closest?.("[data-statement]");
      return passage ? { passage, range, text: selection.toString() } : null;
    };
    document.addEventListener("selectionchange", () => {
      const found = chosen();
      offer.hidden = !found;
      if (!found) return;
      const box = found.range.getBoundingClientRect();
      offer.style.left = `${Math.max(8, box.left + scrollX)}px`;
      offer.style.top = `${box.bottom + scrollY + 6}px`;
    });
    offer.addEventListener("mousedown", (event) => event.preventDefault());
    offer.querySelector("button").addEventListener("click", () => {
      const found = chosen();
      if (!found || !last) return;
      const before = document.createRange();
      before.setStart(found.passage, 0);
      before.setEnd(found.range.startContainer, found.range.startOffset);
      const start = Number(found.passage.dataset.start) + [...before.toString()].length;
      const cites = all("[data-cite]", last);
      const empty = cites.find((one) => !one.querySelector("[data-quote-text]").value.trim()) ?? another(last, cites);
      empty.querySelector("[data-quote-text]").value = found.text;
      empty.querySelector("[data-quote-of]").value = found.passage.dataset.statement;
      empty.querySelector("[data-quote-start]").value = start;
      getSelection().removeAllRanges();
      empty.querySelector("[data-quote-text]").focus();
    });
    const another = (finding, cites) => {
      const copy = cites.at(-1).cloneNode(true);
      for (const field of all("[name]", copy))
        field.name = field.name.replace(/-\d+$/, `-${cites.length}`);
      copy.querySelector("[data-quote-text]").value = "";
      finding.append(copy);
      return copy;
    };
  }
})();
