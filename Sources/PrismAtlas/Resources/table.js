// The table of latents: searched, filtered, sorted, a page at a time, so that 25,000 rows cost no more than 50.

const rowsPerPage = 50;
const defaults = { q: "", min: "", max: "", source: "", sort: "id", dir: "asc", page: "0" };
const byMatch = { sort: "match", dir: "desc" };
const table = { ...defaults, rows: [] };
const sorts = {
  id: ["Number", (latent) => latent],
  density: ["Density", (latent) => index.firings[latent]],
  max: ["Maximum", (latent) => index.maxima[latent]],
  // Lift × share. A lift alone puts first what fires a few times in a small source.
  specificity: ["Most specific source", (latent) => (index.topSources[latent] ? index.lifts[latent] ** 2 * index.sourceTokens[index.topSources[latent] - 1] : 0)],
};
const densities = ["0.00001", "0.0001", "0.001", "0.01", "0.1"];

let foldedVocabulary = null;

/** How well a latent's tokens match; 0: not at all. Reading a token counts more than writing it, equality double. */
function matcher(query) {
  const text = query.trim().toLowerCase();
  if (!text) return null;
  if (/^#?\d+$/.test(text)) {
    const number = Number(text.replace("#", ""));
    if (text.startsWith("#")) return (latent) => (latent === number ? 1 : 0);
  }
  foldedVocabulary ??= vocabulary.map((token) => (typeof token === "string" ? token.trim().toLowerCase() : ""));
  const weights = new Uint8Array(foldedVocabulary.length);
  foldedVocabulary.forEach((token, i) => { if (token.includes(text)) weights[i] = token === text ? 2 : 1; });
  const isNumber = (latent) => String(latent) === text;
  return (latent) => {
    let score = isNumber(latent) ? 100 : 0;
    // The first tokens are those of most of the top examples.
    tokensOf("topTokens", latent).forEach((token, i) => { score += 2 * weights[token] / (1 + i); });
    for (const token of tokensOf("promoted", latent)) score += weights[token] / 4;
    return score;
  };
}

/** Latents that pass the filters, in order. */
function updateRows() {
  const score = matcher(table.q);
  const low = table.min === "" ? -1 : Number(table.min) * head.tokenTotal;
  const high = table.max === "" ? Infinity : Number(table.max) * head.tokenTotal;
  const source = table.source === "" ? null : Number(table.source) + 1;
  const scores = new Map();
  const rows = [];
  for (let latent = 0; latent < latentCount; latent++) {
    const firings = index.firings[latent];
    if (firings < low || firings > high || (source !== null && index.topSources[latent] !== source)) continue;
    if (score) {
      const value = score(latent);
      if (value === 0) continue;
      scores.set(latent, value);
    }
    rows.push(latent);
  }
  // While a search is on, the best match comes first unless a column was chosen.
  const key = table.sort === "match" && score ? (latent) => scores.get(latent) : (sorts[table.sort] ?? sorts.id)[1];
  const sign = table.dir === "asc" ? 1 : -1;
  rows.sort((a, b) => sign * (key(a) - key(b)) || a - b);
  table.rows = rows;
}

function tableQuery() {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(defaults)) if (String(table[name]) !== value) query.set(name, table[name]);
  const text = query.toString();
  return "#/latents" + (text ? `?${text}` : "");
}

function readTableQuery(text) {
  const given = Object.fromEntries(new URLSearchParams(text));
  Object.assign(table, defaults, given.q ? byMatch : {}, given);
  updateRows();
}

/** The source that stands out, if one does: below 1.15 the difference says nothing. */
function sourceHint(source, hundredths) {
  if (source < 0) return "–";
  return hundredths < 115 ? '<span class="dead">even</span>' : `${sourceTag(source)} <span class="lift">${lift(hundredths)}</span>`;
}

function rowHTML(latent) {
  const firings = index.firings[latent];
  const source = index.topSources[latent];
  return `<tr data-latent="${latent}"><td class="id"><a href="#/latent/${latent}">${latent}</a></td>
    <td class="hint">${firings ? chips(tokensOf("topTokens", latent), 4) : '<span class="dead">never fired</span>'}</td>
    <td class="num density">${percent(firings / head.tokenTotal)}</td><td class="num max">${firings ? significant(index.maxima[latent]) : "–"}</td>
    <td class="where">${sourceHint(source - 1, index.lifts[latent])}</td>
    <td class="push">${chips(tokensOf("promoted", latent), 3)}</td></tr>`;
}

const options = (list, chosen) => list.map(([value, label]) => `<option value="${escaped(value)}"${value === chosen ? " selected" : ""}>${escaped(label)}</option>`).join("");

function showTable(element) {
  const steps = densities.map((value) => [value, percent(Number(value), 1)]);
  element.innerHTML = `<h2>Latents</h2>
    <form class="tools" role="search">
      <label class="wide">Search tokens<input type="search" name="q" value="${escaped(table.q)}" placeholder="a token it fires on or pushes up" dir="auto" autocomplete="off"></label>
      <label>Density from<select name="min">${options([["", "any"], ...steps], table.min)}</select></label>
      <label>to<select name="max">${options([["", "any"], ...steps], table.max)}</select></label>
      <label>Stands out in<select name="source">${options([["", "any source"], ...index.sources.map((name, i) => [String(i), name])], table.source)}</select></label>
      <label class="sorting">Sort by<select name="sort">${options([["match", "Match"], ...Object.entries(sorts).map(([name, [label]]) => [name, label])], table.sort)}</select></label>
    </form>
    <p class="count" role="status"></p>
    <table class="list"><thead><tr>
      ${columnHead("id", "Latent", "num-left")}<th scope="col" data-tip="The tokens of its strongest examples, most frequent first">Fires on</th>
      ${columnHead("density", "Density", "num", "Share of tokens it is active on")}${columnHead("max", "Max", "num", "Largest activation")}
      ${columnHead("specificity", "Source", "", "The source that stands out among its firings; lift: how many times more often than by chance; even: none does. Ordered by lift × share of its firings")}
      <th scope="col" data-tip="Tokens whose logit it raises most, directly">Pushes up</th></tr></thead><tbody></tbody></table>
    <div class="pager"><button type="button" data-step="-1">← Previous</button><span></span><button type="button" data-step="1">Next →</button></div>`;

  const refresh = () => { updateRows(); fillTable(element); history.replaceState(null, "", tableQuery()); };
  const form = element.querySelector("form");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    const { name, value } = event.target;
    const wasEmpty = table.q === "";
    Object.assign(table, { [name]: value, page: "0" });
    if (name === "q" && wasEmpty) Object.assign(table, byMatch);
    if (name === "q" && value === "") Object.assign(table, { sort: defaults.sort, dir: defaults.dir });
    if (name === "sort") table.dir = value === "id" ? "asc" : "desc";
    form.elements.sort.value = table.sort;
    refresh();
  });
  element.querySelector("thead").addEventListener("click", (event) => {
    const name = event.target.closest("[data-sort]")?.dataset.sort;
    if (!name) return;
    const turned = table.sort === name ? (table.dir === "asc" ? "desc" : "asc") : name === "id" ? "asc" : "desc";
    Object.assign(table, { sort: name, dir: turned, page: "0" });
    form.elements.sort.value = name;
    refresh();
  });
  element.querySelector("tbody").addEventListener("click", (event) => {
    const row = event.target.closest("[data-latent]");
    if (row && !event.target.closest("a") && String(getSelection()) === "") location.hash = `#/latent/${row.dataset.latent}`;
  });
  element.querySelector(".pager").addEventListener("click", (event) => {
    const step = Number(event.target.dataset?.step ?? 0);
    if (!step) return;
    table.page = String(Number(table.page) + step);
    refresh();
    element.scrollIntoView();
  });
  fillTable(element);
}

function columnHead(name, label, kind, tipText = "") {
  return `<th scope="col" class="${kind}" data-column="${name}"><button type="button" data-sort="${name}"${tipText ? ` data-tip="${escaped(tipText)}"` : ""}>${label}</button></th>`;
}

function fillTable(element) {
  const pages = Math.max(1, Math.ceil(table.rows.length / rowsPerPage));
  const page = Math.min(pages - 1, Math.max(0, Number(table.page) || 0));
  const first = page * rowsPerPage;
  const rows = table.rows.slice(first, first + rowsPerPage);
  element.querySelector("tbody").innerHTML = rows.map(rowHTML).join("");
  for (const cell of element.querySelectorAll("[data-column]")) {
    cell.setAttribute("aria-sort", cell.dataset.column !== table.sort ? "none" : table.dir === "asc" ? "ascending" : "descending");
  }
  element.querySelector(".count").textContent = table.rows.length === latentCount ? `${grouped(latentCount)} latents`
    : `${grouped(table.rows.length)} of ${grouped(latentCount)} latents`;
  const pager = element.querySelector(".pager");
  pager.hidden = pages === 1;
  pager.querySelector("span").textContent = `${grouped(first + 1)}–${grouped(first + rows.length)} of ${grouped(table.rows.length)}`;
  const [previous, next] = pager.querySelectorAll("button");
  previous.disabled = page === 0;
  next.disabled = page === pages - 1;
}
