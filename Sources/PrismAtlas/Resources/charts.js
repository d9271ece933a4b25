// Charts are Vega-Lite specifications; this gives them the page's colours and draws them.

const shown = [];
const cssColour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function theme() {
  const [ink, dim, line, accent] = ["--ink", "--dim", "--line", "--accent"].map(cssColour);
  const text = { labelColor: dim, titleColor: dim, labelFontSize: 11, titleFontSize: 11, titleFontWeight: 400 };
  return {
    background: null, font: "system-ui, sans-serif",
    view: { stroke: null },
    axis: { ...text, gridColor: line, domainColor: line, tickColor: line, labelPadding: 4, titlePadding: 8, tickCount: 5 },
    axisX: { grid: false }, axisY: { domain: false, ticks: false },
    legend: text, title: { color: ink },
    line: { color: accent, strokeWidth: 1.75 }, rule: { color: ink }, bar: { color: accent }, area: { color: accent }, point: { color: accent },
    range: { category: [0, 1, 2, 3, 4, 5, 6, 7].map((n) => cssColour(`--s${n}`)) },
  };
}

function draw(item) {
  item.view?.finalize();
  // Views side by side and squares have sizes of their own.
  const specification = item.specification.hconcat || item.specification.width
    ? item.specification
    : { height: 150, width: "container", ...item.specification, autosize: { type: "fit-x", contains: "padding" } };
  vegaEmbed(item.element, specification, { actions: false, renderer: "svg", config: theme() })
    .then((result) => { item.view = result; })
    .catch((error) => { item.element.innerHTML = `<p class="note">This chart could not be drawn: ${escaped(error.message)}</p>`; });
}

/** Draws a specification into an element that is in the page. */
function drawChart(element, specification) {
  if (typeof vegaEmbed === "undefined") {
    // Once for all charts that stand together.
    (element.closest(".chart-grid") ?? element).innerHTML = '<p class="note">Charts were left out: the chart library was not there when this report was written. Run <code>make setup</code>, then write it again.</p>';
    return;
  }
  const item = { element, specification };
  shown.push(item);
  draw(item);
}

function forgetCharts() {
  for (const item of shown.splice(0)) item.view?.finalize();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => shown.forEach(draw));
