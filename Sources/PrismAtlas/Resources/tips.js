// One tooltip for the whole page, shown for the element under the pointer or with the focus.
const tip = document.getElementById("tip");

function showTip(event) {
  const element = event.target.closest?.("[data-tip], [data-token], [data-tokens]");
  if (!element) { tip.hidden = true; return; }
  tip.innerHTML = element.dataset.tip ? escaped(element.dataset.tip) : tokenTip(element);
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
