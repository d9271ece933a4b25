// A page with units below its sections: their table, and a page for each. Routes: #/ and #/unit/kind/number.

const catalogue = embedded("units");
const list = { kind: 0, q: "", sort: catalogue.metrics.length - 1, dir: "desc", page: 0 };
const pageRows = 50;

const value = (number) => (number == null ? "–" : significant(number));
const conceptName = (share) => catalogue.concepts[share.concept].label;
// Without a share the concept goes with the unit best, no more than chance may do.
const shareText = (share) => share.share == null ? `<span class="dead">perhaps ${escaped(conceptName(share))}</span>`
  : `${escaped(conceptName(share))} <span class="lift">${percent(share.share)}</span>`;

/** Units of the chosen kind that a search leaves, in order. */
function chosenUnits() {
  const text = list.q.trim().toLowerCase();
  const rows = catalogue.kinds[list.kind].units.filter((unit) =>
    !text || String(unit.number) === text || unit.concepts.some((share) => conceptName(share).toLowerCase().includes(text)));
  const key = (unit) => (list.sort < 0 ? unit.number : unit.values[list.sort]);
  const sign = list.dir === "asc" ? 1 : -1;
  // Units without the number come last, whatever the direction.
  return rows.sort((a, b) => (key(a) == null) - (key(b) == null) || sign * (key(a) - key(b)) || a.number - b.number);
}

function unitRow(unit) {
  const concepts = unit.concepts.slice(0, 3).map(shareText).join(", ") || '<span class="dead">none found</span>';
  return `<tr data-unit="${unit.number}"><td class="id"><a href="#/unit/${list.kind}/${unit.number}">${unit.number}</a></td><td class="hint">${concepts}</td>
    ${unit.values.map((number) => `<td class="num">${value(number)}</td>`).join("")}</tr>`;
}

function fillUnits(element) {
  const rows = chosenUnits();
  const pages = Math.max(1, Math.ceil(rows.length / pageRows));
  list.page = Math.min(pages - 1, Math.max(0, list.page));
  const first = list.page * pageRows;
  const shown = rows.slice(first, first + pageRows);
  element.querySelector("tbody").innerHTML = shown.map(unitRow).join("");
  element.querySelector(".count").textContent = `${grouped(rows.length)} of ${grouped(catalogue.kinds[list.kind].units.length)} ${catalogue.kinds[list.kind].name}`;
  for (const cell of element.querySelectorAll("[data-column]")) {
    cell.setAttribute("aria-sort", Number(cell.dataset.column) !== list.sort ? "none" : list.dir === "asc" ? "ascending" : "descending");
  }
  const pager = element.querySelector(".pager");
  pager.hidden = pages === 1;
  pager.querySelector("span").textContent = `${grouped(first + 1)}–${grouped(first + shown.length)} of ${grouped(rows.length)}`;
  const [previous, next] = pager.querySelectorAll("button");
  previous.disabled = list.page === 0;
  next.disabled = list.page === pages - 1;
}

function showUnits(element) {
  const head = (column, metric) => `<th scope="col" class="num" data-column="${column}"><button type="button" data-sort="${column}" data-tip="${escaped(metric.definition)}">${escaped(metric.label)}</button></th>`;
  element.innerHTML = `<h2>Units</h2>
    <form class="tools" role="search">
      <label>Kind<select name="kind">${catalogue.kinds.map((kind, i) => `<option value="${i}"${i === list.kind ? " selected" : ""}>${escaped(kind.name)}</option>`).join("")}</select></label>
      <label class="wide">Search concepts<input type="search" name="q" value="${escaped(list.q)}" placeholder="a concept that makes it respond, or its number" autocomplete="off"></label>
    </form>
    <p class="count" role="status"></p>
    <div class="scroll"><table class="units"><thead><tr><th scope="col" data-column="-1"><button type="button" data-sort="-1">Unit</button></th><th scope="col">What makes it respond</th>
      ${catalogue.metrics.map((metric, i) => head(i, metric)).join("")}</tr></thead><tbody></tbody></table></div>
    <div class="pager"><button type="button" data-step="-1">← Previous</button><span></span><button type="button" data-step="1">Next →</button></div>`;
  const form = element.querySelector("form");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    Object.assign(list, { [event.target.name]: event.target.name === "kind" ? Number(event.target.value) : event.target.value, page: 0 });
    fillUnits(element);
  });
  element.querySelector("thead").addEventListener("click", (event) => {
    const column = event.target.closest("[data-sort]")?.dataset.sort;
    if (column === undefined) return;
    const sort = Number(column);
    Object.assign(list, { sort, dir: sort !== list.sort ? (sort < 0 ? "asc" : "desc") : list.dir === "asc" ? "desc" : "asc", page: 0 });
    fillUnits(element);
  });
  element.querySelector(".pager").addEventListener("click", (event) => {
    list.page += Number(event.target.dataset?.step ?? 0);
    fillUnits(element);
  });
  fillUnits(element);
}

function shareHTML(share, largest) {
  const { label, definition } = catalogue.concepts[share.concept];
  const bar = share.share == null ? "" : `<span class="meter" style="--w:${(100 * share.share / largest).toFixed(1)}%"></span>`;
  const examples = share.examples.map((example) => `<li><span class="act">${significant(example.value)}</span>
    <span class="text" dir="auto">${escaped(example.before)}<mark>${escaped(example.token).replace(/\r?\n/g, "↵").replace(/\t/g, "⇥")}</mark>${escaped(example.after)}</span></li>`).join("");
  return `<section><h2 data-tip="${escaped(definition)}">${escaped(label)} <span class="lift">${share.share == null ? "goes with it best, no more than chance may do" : `${percent(share.share)} of its response`}</span></h2>${bar}
    <ol class="examples">${examples}</ol></section>`;
}

function showUnit(kind, number) {
  const { name, units } = catalogue.kinds[kind];
  const rows = chosenUnits();
  const unit = units.find((candidate) => candidate.number === number);
  if (!unit) { main.innerHTML = `<p class="note">There is no unit ${number} among the ${escaped(name)}.</p>`; return; }
  const place = rows.indexOf(unit);
  const step = (offset, label, key) => { const other = rows[place + offset]; return `<a ${place >= 0 && other ? `href="#/unit/${kind}/${other.number}" data-step="${offset}"` : 'aria-disabled="true"'}>${label} <kbd>${key}</kbd></a>`; };
  const facts = unit.values.map((number, i) => `<div tabindex="0" data-tip="${escaped(catalogue.metrics[i].definition)}"><dt>${escaped(catalogue.metrics[i].label)}</dt><dd>${value(number)}${unit.errors[i] == null ? "" : ` <span class="lift">± ${significant(unit.errors[i])}</span>`}</dd></div>`).join("");
  const largest = Math.max(...unit.concepts.map((share) => share.share ?? 0), 1e-9);
  main.innerHTML = `<div class="latent-head"><div><h1 tabindex="-1">Unit ${number} <span class="lift">of the ${escaped(name)}</span></h1></div>
    <div class="steps"><a class="back" href="#/">All units</a>${step(-1, "←", "k")}${step(1, "→", "j")}</div></div>
    <dl class="facts tight">${facts}</dl>
    ${unit.concepts.length ? unit.concepts.map((share) => shareHTML(share, largest)).join("") : '<p class="note">No concept of the library makes it respond more than by chance, or it responds too seldom.</p>'}`;
}

function route() {
  tip.hidden = true;
  forgetCharts();
  const unit = location.hash.match(/^#\/unit\/(\d+)\/(\d+)$/);
  if (unit && catalogue.kinds[Number(unit[1])]) {
    list.kind = Number(unit[1]);
    document.title = `Unit ${unit[2]} · ${head.title}`;
    showUnit(list.kind, Number(unit[2]));
    scrollTo(0, 0);
    main.querySelector("h1")?.focus({ preventScroll: true });
    return;
  }
  document.title = head.title;
  showOverview(main);
  main.insertAdjacentHTML("beforeend", '<section id="units" class="latents"></section>');
  showUnits(main.querySelector("#units"));
}

addEventListener("hashchange", () => {
  const fromUnit = main.querySelector(".latent-head") && !location.hash.startsWith("#/unit/");
  route();
  if (fromUnit) document.getElementById("units").scrollIntoView();
});
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select")) return;
  const step = { j: 1, ArrowRight: 1, k: -1, ArrowLeft: -1 }[event.key];
  if (step) main.querySelector(`.steps [data-step="${step}"]`)?.click();
  if (event.key === "Escape") location.hash = "#/";
});
main.classList.add("comparison");
route();
