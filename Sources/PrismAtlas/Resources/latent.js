// The page of one latent.

function exampleHTML(example, max) {
  const value = example.values.get(example.focus) ?? 0;
  const title = example.title ? `<span class="title" dir="auto">${escaped(example.title)}</span>` : "";
  return `<li><span class="act">${significant(value)}</span>${exampleText(example, max)}<span class="from">${sourceTag(example.source)}${title}</span></li>`;
}

const exampleList = (examples, max) => `<ol class="examples">${examples.map((e) => exampleHTML(e, max)).join("")}</ol>`;

function intervalsHTML(detail, max, firings) {
  const histogram = unpack(detail.histogram);
  const width = 2 * detail.binWidth;
  return detail.intervals.map((packed, i) => {
    const share = (histogram[2 * i] + histogram[2 * i + 1]) / firings;
    const examples = unpackExamples(packed, max);
    if (!examples.length) return "";
    return `<div class="interval-group"><h3><span>${significant(i * width, 2)} – ${significant((i + 1) * width, 2)}</span>
      <span class="share">${percent(share)} of its firings</span></h3>${exampleList(examples, max)}</div>`;
  }).reverse().join("");
}

function effectsHTML(tokens, values, label) {
  if (!values.length) return "";
  return `<div><h3>${label}</h3><ol class="effects">${tokens.map((token, i) => `<li>${chip(token)}<span class="num">${values[i] > 0 ? "+" : ""}${significant(values[i], 2)}</span></li>`).join("")}</ol></div>`;
}

/** Sources of a latent that are seen at once. */
const sourcesShown = 8;

function sourcesHTML(detail, firings) {
  const total = index.sourceTokens.reduce((sum, n) => sum + n, 0);
  const rows = unpack(detail.sources).map((count, source) => ({ source, share: count / firings, lift: count / firings / (index.sourceTokens[source] / total) }))
    .filter((row) => row.share > 0).sort((a, b) => b.share - a.share);
  const shown = rows.length > sourcesShown + 1 ? sourcesShown : rows.length;
  const body = (part) => `<tbody>${part.map((row) => `<tr><td>${sourceTag(row.source)}</td><td class="num">${percent(row.share)}</td><td class="num">${lift(Math.round(row.lift * 100))}</td></tr>`).join("")}</tbody>`;
  const rest = rows.slice(shown);
  const restShare = rest.reduce((sum, row) => sum + row.share, 0);
  return `<table class="shares"><thead><tr><th scope="col">Source</th><th scope="col" class="num">share</th><th scope="col" class="num" data-tip="Share of its firings over the source's share of all tokens">lift</th></tr></thead>
    ${body(rows.slice(0, shown))}</table>${rest.length ? `<details><summary>${rest.length} more, ${percent(restShare)} together</summary><table class="shares">${body(rest)}</table></details>` : ""}`;
}

function neighboursHTML(detail) {
  return `<ol class="neighbours">${unpack(detail.neighbours).map((other, i) => `<li><a href="#/latent/${other}">${other}</a>
    <span class="hint">${chips(tokensOf("topTokens", other), 3)}</span><span class="num">${significant(detail.cosines[i], 2)}</span></li>`).join("")}</ol>`;
}

/** What changing a latent does to predictions, each change a row. */
function consequencesHTML(effect) {
  const rows = [["taken away", effect.ablated], ["doubled", effect.doubled], ["random direction", effect.random]];
  if (effect.neuron) rows.push([`neuron ${effect.neuron.number} (r ${significant(effect.neuron.correlation, 2)})`, effect.neuron.consequence]);
  const shifts = (list, label) => list.length ? `<div><h3>${label}</h3><ol class="effects">${list.map((shift) => `<li><span class="chip">${escaped(shift.token)}</span><span class="num">${shift.change > 0 ? "+" : ""}${significant(shift.change, 2)}</span></li>`).join("")}</ol></div>` : "";
  const agreement = effect.directAgreement == null ? "" : ` They agree with the direct effect on the logits by r ${significant(effect.directAgreement, 2)}.`;
  return `<section><h2 data-tip="Measured by running the model again from this place, with the latent changed where it is active">What it does</h2>
    <table class="shares"><thead><tr><th scope="col">Change</th><th scope="col" class="num" data-tip="KL(clean ‖ changed) of the next token, nats, where the latent is active">KL</th><th scope="col" class="num" data-tip="Change of the next token's loss, nats, where the latent is active">loss</th><th scope="col" class="num" data-tip="Share of the divergence on tokens where the latent is active">local</th></tr></thead>
    <tbody>${rows.map(([name, c]) => `<tr><td>${name}</td><td class="num">${significant(c.divergenceActive, 2)}</td><td class="num">${c.lossActive > 0 ? "+" : ""}${significant(c.lossActive, 2)}</td><td class="num">${percent(c.locality)}</td></tr>`).join("")}</tbody></table>
    <p class="lead">On ${grouped(effect.activeTokens)} active and ${grouped(effect.otherTokens)} later tokens of ${effect.contexts} contexts. Below, the change of log p where it is taken away.${agreement}</p>
    <div class="effect-pair">${shifts(effect.fallen, "Less likely without")}${shifts(effect.risen, "More likely")}</div></section>`;
}

function histogramSpecification(detail, max) {
  const counts = unpack(detail.histogram);
  const bins = counts.map((count, i) => ({ from: i * detail.binWidth, to: (i + 1) * detail.binWidth, firings: count }))
    .filter((bin) => bin.from <= max);
  return {
    description: "Histogram of the latent's activations", height: 110, data: { values: bins },
    mark: { type: "bar", binSpacing: 1, color: cssColour("--heat-bar") },
    encoding: {
      x: { field: "from", type: "quantitative", bin: { binned: true }, title: "activation", axis: { grid: false } },
      x2: { field: "to" },
      // Strong firings are rare and are the ones that matter: a square root keeps them in sight, and zero at zero.
      y: { field: "firings", type: "quantitative", scale: { type: "sqrt" }, title: "firings (square-root scale)", axis: { tickCount: 4, labelExpr: "format(datum.value, '~s')" } },
      tooltip: [{ field: "from", format: ".3~g" }, { field: "to", format: ".3~g" }, { field: "firings", format: "," }],
    },
  };
}

/** The latent before or after in the table's order, or by number if the table does not show this one. */
function neighbourInOrder(latent, step) {
  const place = table.rows.indexOf(latent);
  const next = place < 0 ? latent + step : table.rows[place + step];
  return next >= 0 && next < latentCount ? next : undefined;
}

function stepHTML(latent, step, label, key) {
  const next = neighbourInOrder(latent, step);
  const attributes = next === undefined ? 'aria-disabled="true"' : `href="#/latent/${next}"`;
  return `<a class="step" ${attributes}>${label} <kbd>${key}</kbd></a>`;
}

function fact(label, value, explanation) {
  return value === null ? "" : `<div tabindex="0" data-tip="${escaped(explanation)}"><dt>${label}</dt><dd>${value}</dd></div>`;
}

function showLatent(main, latent) {
  if (!(latent >= 0 && latent < latentCount)) {
    main.innerHTML = `<div class="hero"><h1>There is no latent ${escaped(latent)}</h1><p class="lead">The dictionary has ${grouped(latentCount)}, numbered from 0. <a href="#/latents">See them all</a></p></div>`;
    return;
  }
  const detail = latentDetail(latent);
  const max = index.maxima[latent], firings = index.firings[latent];
  const place = table.rows.indexOf(latent);
  const top = unpackExamples(detail.top, max);
  main.innerHTML = `<div class="latent-head"><div><h1 tabindex="-1">Latent ${latent}</h1><p class="hint">${chips(tokensOf("topTokens", latent), 6)}</p></div>
    <nav class="steps" aria-label="Latents">${stepHTML(latent, -1, "←", "k")}<a class="back" href="${escaped(tableQuery())}">${place < 0 ? "Table" : `${grouped(place + 1)} of ${grouped(table.rows.length)}`}</a>${stepHTML(latent, 1, "→", "j")}</nav></div>
    <dl class="facts tight">
      ${fact("Density", `${percent(firings / head.tokenTotal)}`, `Active on ${grouped(firings)} of ${grouped(head.tokenTotal)} tokens`)}
      ${fact("Firings", grouped(firings), "Tokens it was active on")}
      ${fact("Max", firings ? significant(max) : "–", "Largest activation")}
      ${fact("Mean", firings ? significant(detail.mean) : "–", "Mean activation where it was active")}
      ${fact("Decoder norm", detail.norm == null ? null : significant(detail.norm), "Length of its decoder row")}
      ${fact("Encoder bias", detail.bias == null ? null : significant(detail.bias), "Added before the activation function")}
    </dl>
    <div class="latent-body">
      <div class="evidence">
        ${firings ? `<section><h2>Top examples</h2><p class="lead">The strongest firings, at most one per context.</p>${exampleList(top, max)}</section>
        <section><h2>Across its range</h2><p class="lead">Drawn at random from intervals of equal width, so that weak firings are seen too.</p>${intervalsHTML(detail, max, firings)}</section>`
        : '<section><p class="note">This latent never fired on the tokens that were read.</p></section>'}
      </div>
      <aside>
        ${firings ? '<section><h2>Activations</h2><figure class="chart"><div class="plot"></div></figure></section>' : ""}
        ${detail.promotedValues.length ? `<section><h2 data-tip="The decoder row through the final norm's weight and the unembedding, less the mean over the vocabulary">Direct effect on logits</h2><div class="effect-pair">
          ${effectsHTML(tokensOf("promoted", latent), detail.promotedValues, "Pushes up")}${effectsHTML(unpack(detail.suppressed), detail.suppressedValues, "Pushes down")}</div></section>` : ""}
        ${detail.effect ? consequencesHTML(detail.effect) : ""}
        ${firings ? `<section><h2>Sources</h2>${sourcesHTML(detail, firings)}</section>` : ""}
        ${detail.neighbours ? `<section><h2 data-tip="Largest cosine of decoder rows">Nearest latents</h2>${neighboursHTML(detail)}</section>` : ""}
      </aside>
    </div>`;
  const plot = main.querySelector(".plot");
  if (plot) drawChart(plot, histogramSpecification(detail, max));
}
