// Reads the data embedded in the page. The counterpart of PackedIntegers.swift and ReportData.swift.

const digitOf = new Uint8Array(128);
{
  let digit = 0;
  for (let code = 0x21; code <= 0x7e; code++) {
    if (!"\"&<\\".includes(String.fromCharCode(code))) digitOf[code] = digit++;
  }
}

/** A string of packed whole numbers as an array. */
function unpack(text) {
  const numbers = [];
  for (let i = 0; i < text.length;) {
    const lead = digitOf[text.charCodeAt(i++)];
    const length = lead < 60 ? 0 : lead < 84 ? 1 : lead < 89 ? 2 : 6;
    let rest = 0;
    for (let n = 0; n < length; n++) rest = rest * 90 + digitOf[text.charCodeAt(i++)];
    numbers.push(lead < 60 ? lead : lead < 84 ? 60 + (lead - 60) * 90 + rest : lead < 89 ? 2220 + (lead - 84) * 8100 + rest : rest);
  }
  return numbers;
}

const index = embedded("index");
for (const name of ["tokenIDs", "documentSources", "firings", "topSources", "lifts"]) index[name] = unpack(index[name]);
const latentCount = index.firings.length;

const parsedBlocks = new Map();

/** A block of latents or segments, parsed when first asked for. */
function block(kind, number) {
  const id = `${kind}-${number}`;
  if (!parsedBlocks.has(id)) parsedBlocks.set(id, embedded(id));
  return parsedBlocks.get(id);
}

function latentDetail(latent) {
  return block("latents", Math.floor(latent / index.latentsPerBlock))[latent % index.latentsPerBlock];
}

/** Distinct tokens of a latent's top examples, and the tokens it pushes up, as numbers in `vocabulary`. */
const tokenLists = { topTokens: [], promoted: [] };
function tokensOf(kind, latent) {
  return (tokenLists[kind][latent] ??= unpack(index[kind][latent]));
}

/**
 * Examples of a latent from their packed form:
 * {tokens, focus: index of the token in question, values: activation by index, source, title, cutBefore, cutAfter}
 */
function unpackExamples(text, max) {
  const numbers = unpack(text);
  const examples = [];
  for (let i = 0; i < numbers.length;) {
    const [segment, offset, length, focus, count] = numbers.slice(i, i + 5);
    i += 5;
    const values = new Map();
    for (let n = 0, position = 0; n < count; n++, i += 2) {
      position += numbers[i];
      values.set(position, max * 10 ** (6 * (numbers[i + 1] / index.steps - 1)));
    }
    const [document, cut, packed] = block("segments", Math.floor(segment / index.segmentsPerBlock))[segment % index.segmentsPerBlock];
    const tokens = unpack(packed);
    examples.push({
      tokens: tokens.slice(offset, offset + length), focus, values,
      source: index.documentSources[document], title: index.documentTitles[document],
      cutBefore: offset > 0 || (cut & 1) !== 0, cutAfter: offset + length < tokens.length || (cut & 2) !== 0,
    });
  }
  return examples;
}
