// The first page: what the run was and what it found.

function figureHTML(figure) {
  const { value, interval } = measured(figure.metric, figure.format);
  const definition = figure.metric.definition ?? "";
  return `<div class="figure" tabindex="0" data-tip="${escaped(definition)}">
    <dt>${escaped(figure.label)}</dt><dd><span class="value">${value}</span>
    <span class="interval">${interval || "&nbsp;"}</span></dd></div>`;
}

// A part is an object with one key, its kind.
const partHTML = {
  text: (part) => part.body.split("\n\n").map((paragraph) => `<p class="prose">${escaped(paragraph)}</p>`).join(""),
  figures: (part) => `<div class="figures" style="--n:${part.items.length}">
    ${part.heading ? `<h3>${escaped(part.heading)}</h3>` : ""}<dl>${part.items.map(figureHTML).join("")}</dl></div>`,
  chart: (part) => `<figure class="chart"><figcaption><b>${escaped(part.title)}</b>
    ${part.caption ? `<span>${escaped(part.caption)}</span>` : ""}</figcaption><div class="plot"></div></figure>`,
  table: (part) => {
    const align = part.columns.map((_, c) => (part.rows.every((row) => /^(-?[\d.]+)?$/.test(row[c])) ? ' class="num"' : ""));
    return `<div class="scroll"><table class="plain"><thead><tr>${part.columns.map((name, c) => `<th scope="col"${align[c]}>${escaped(name)}</th>`).join("")}</tr></thead>
    <tbody>${part.rows.map((row, r) => `<tr>${row.map((cell, c) => `<td dir="auto"${align[c]}>${part.links && c === 0 ? `<a href="${escaped(part.links[r])}">${escaped(cell)}</a>` : escaped(cell)}</td>`).join("")}</tr>`).join("")}</tbody></table></div>`;
  },
};

/** Parts of a kind that follow each other share a row or a grid. */
function sectionHTML(section) {
  let html = `<section><h2>${escaped(section.title)}</h2>${section.lead ? `<p class="lead">${escaped(section.lead)}</p>` : ""}`;
  let open = null;
  for (const part of section.parts) {
    const kind = Object.keys(part)[0];
    const wrapper = { figures: "figure-row", chart: "chart-grid" }[kind] ?? null;
    if (wrapper !== open) {
      if (open) html += "</div>";
      if (wrapper) html += `<div class="${wrapper}">`;
      open = wrapper;
    }
    html += partHTML[kind](part[kind]);
  }
  return html + (open ? "</div>" : "") + "</section>";
}

function drawSectionCharts(element, section) {
  const charts = section.parts.filter((part) => part.chart).map((part) => part.chart);
  element.querySelectorAll(".chart .plot").forEach((plot, i) => drawChart(plot, charts[i].specification));
}

function showOverview(main) {
  const more = (fact) => (fact.more ? ` <details><summary>${escaped(fact.more.label)}</summary>${escaped(fact.more.items.join(", "))}</details>` : "");
  const facts = head.facts.map((fact) => `<div><dt>${escaped(fact.label)}</dt><dd>${escaped(fact.value)}${more(fact)}</dd></div>`).join("");
  main.innerHTML = `<div class="hero"><h1>${escaped(head.title)}</h1><p class="lead">${escaped(head.subtitle)}${head.date ? ` · ${escaped(head.date)}` : ""}</p>
    ${facts ? `<dl class="facts">${facts}</dl>` : ""}</div>
    ${head.sections.map(sectionHTML).join("")}`;
  const sections = main.querySelectorAll(":scope > section");
  head.sections.forEach((section, i) => drawSectionCharts(sections[i], section));
}
