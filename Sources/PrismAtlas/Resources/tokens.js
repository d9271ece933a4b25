// Tokens: as chips in lists, as running text shaded by activation, and what they say when pointed at.

/** White space made visible, long runs by their length, the rest escaped. */
function visible(text) {
  const signs = { " ": "·", "\t": "⇥", "\n": "↵", "\r": "␍" };
  return escaped(text).replace(/ {2,}|^ | $|\t+|\n+|\r+/g, (run) => {
    const sign = text.trim() === "" && run[0] === " " ? "␣" : signs[run[0]];
    return `<i class="ws">${sign}${run.length > 1 ? `×${run.length}` : ""}</i>`;
  });
}

/** A token on its own. bdi keeps right-to-left tokens from reordering their neighbours. */
const chip = (number) => `<bdi class="chip" data-token="${number}">${visible(index.vocabulary[number])}</bdi>`;
const chips = (numbers, limit) => numbers.slice(0, limit).map(chip).join(" ");

/**
 * The text of an example. Spans carry no margin or padding, so that scripts whose letters join (Arabic) still join across
 * tokens; dir=auto takes the direction from the text itself.
 */
function exampleText(example, max) {
  let html = example.cutBefore ? '<span class="cut">…</span>' : "";
  example.tokens.forEach((number, i) => {
    const value = example.values.get(i);
    const text = escaped(index.vocabulary[number]).replace(/\r?\n/g, '<i class="ws">↵</i>').replace(/\t/g, '<i class="ws">⇥</i> ');
    const shade = value === undefined ? "" : ` style="--a:${Math.min(1, 0.1 + 0.9 * value / max).toFixed(3)}" data-value="${value}" data-max="${max}"`;
    const kind = (value === undefined ? "" : " on") + (i === example.focus ? " focus" : "");
    html += `<span class="t${kind}" data-token="${number}"${shade}>${text}</span>`;
  });
  return `<p class="text" dir="auto">${html}${example.cutAfter ? '<span class="cut">…</span>' : ""}</p>`;
}

// One tooltip for the whole page, shown for the element under the pointer or with the focus.
const tip = document.getElementById("tip");

function tipFor(element) {
  if (element.dataset.tip) return escaped(element.dataset.tip);
  const number = Number(element.dataset.token);
  const value = element.dataset.value === undefined ? null : Number(element.dataset.value);
  const activation = value === null
    ? (element.classList.contains("t") ? "not active" : "")
    : `activation <b>${significant(value)}</b> · ${Math.round(100 * value / Number(element.dataset.max))}% of its maximum`;
  return `<bdi class="tip-token">${escaped(JSON.stringify(index.vocabulary[number]))}</bdi><br>${activation}${activation ? "<br>" : ""}token id ${index.tokenIDs[number]}`;
}

function showTip(event) {
  const element = event.target.closest?.("[data-tip], [data-token]");
  if (!element) { tip.hidden = true; return; }
  tip.innerHTML = tipFor(element);
  tip.hidden = false;
  const box = (event.clientX === undefined ? element.getBoundingClientRect()
    : [...element.getClientRects()].find((r) => event.clientY >= r.top - 2 && event.clientY <= r.bottom + 2)) ?? element.getBoundingClientRect();
  const left = Math.min(Math.max(8, box.left), innerWidth - tip.offsetWidth - 8);
  const above = box.top - tip.offsetHeight - 6;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > 4 ? above : box.bottom + 6}px`;
}

for (const kind of ["pointerover", "focusin", "click"]) document.addEventListener(kind, showTip);
document.addEventListener("focusout", () => { tip.hidden = true; });
addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
