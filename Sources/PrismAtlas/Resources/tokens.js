// Tokens: as chips in lists, as running text shaded by activation, and what they say when pointed at.

/** Tokens and, after them, characters that several tokens make: a text, or the bytes of a token that is no whole text. */
const vocabulary = index.vocabulary.concat(index.characters);
const hex = (bytes) => bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join(" ");

/** White space made visible, long runs by their length, other characters without a look by number, the rest escaped. */
function visible(text) {
  if (/^[\p{Z}\p{C}]+$/u.test(text) && !/[ \t\n\r]/.test(text)) {
    return [...text].map((c) => `<i class="ws">U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}</i>`).join(" ");
  }
  const signs = { " ": "·", "\t": "⇥", "\n": "↵", "\r": "␍" };
  return escaped(text).replace(/ {2,}|^ | $|\t+|\n+|\r+/g, (run) => {
    const sign = text.trim() === "" && run[0] === " " ? "␣" : signs[run[0]];
    return `<i class="ws">${sign}${run.length > 1 ? `×${run.length}` : ""}</i>`;
  });
}

/** A token on its own. bdi keeps right-to-left tokens from reordering their neighbours. */
function chip(number) {
  const token = vocabulary[number];
  const [kind, content] = typeof token === "string" ? ["", visible(token)] : [" bytes", hex(token)];
  return `<bdi class="chip${kind}" data-token="${number}">${content}</bdi>`;
}
const chips = (numbers, limit) => numbers.slice(0, limit).map(chip).join(" ");

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The character that bytes make, or null. */
function character(bytes) {
  try { return decoder.decode(Uint8Array.from(bytes)); } catch { return null; }
}

// What does not stand alone: combining marks, skin tones, and either side of a zero-width joiner.
const joinsBefore = /^[\p{M}\p{Emoji_Modifier}\u200d]/u;

/**
 * Consecutive tokens as the pieces of text that they make: {text, first, last}, made by the tokens first … last. Text of
 * the same tokens is one piece; a character is never cut. Bytes that make no character have the text null.
 */
function piecesOf(tokens) {
  const cells = [];
  const add = (text, first, last) => {
    const before = cells.at(-1);
    const joins = before && (text === null ? before.text === null : before.text !== null && (joinsBefore.test(text) || before.text.endsWith("\u200d")));
    if (!joins) cells.push({ text, first, last });
    else Object.assign(before, { text: text && before.text + text, last });
  };
  let open = [];
  const close = () => {
    for (let at = 0; at < open.length;) {
      const lead = open[at].byte;
      const part = open.slice(at, at + (lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4));
      const text = character(part.map((entry) => entry.byte));
      const used = text === null ? 1 : part.length;
      add(text, part[0].token, part[used - 1].token);
      at += used;
    }
    open = [];
  };
  tokens.forEach((token, i) => {
    if (typeof token !== "string") { for (const byte of token) open.push({ byte, token: i }); return; }
    close();
    for (const scalar of token) add(scalar, i, i);
  });
  close();
  const pieces = [];
  for (const cell of cells) {
    const before = pieces.at(-1);
    if (before && before.text !== null && cell.text !== null && before.first === cell.first && before.last === cell.last) before.text += cell.text;
    else pieces.push(cell);
  }
  return pieces;
}

/**
 * The text of an example. Spans carry no margin or padding, so that scripts whose letters join (Arabic) still join across
 * tokens; dir=auto takes the direction from the text itself.
 */
function exampleText(example, max) {
  let html = example.cutBefore ? '<span class="cut">…</span>' : "";
  for (const { text, first, last } of piecesOf(example.tokens.map((number) => vocabulary[number]))) {
    const numbers = example.tokens.slice(first, last + 1);
    const values = numbers.map((_, i) => example.values.get(first + i) ?? 0);
    const value = Math.max(...values);
    const content = text === null ? "▯" : escaped(text).replace(/\r?\n/g, '<i class="ws">↵</i>').replace(/\t/g, '<i class="ws">⇥</i> ');
    const shade = value === 0 ? "" : ` style="--a:${Math.min(1, 0.1 + 0.9 * value / max).toFixed(3)}"`;
    const kind = (value === 0 ? "" : " on") + (first <= example.focus && example.focus <= last ? " focus" : "") + (text === null ? " bytes" : "");
    html += `<span class="t${kind}" data-tokens="${numbers.join(" ")}" data-values="${values.join(" ")}"${shade}>${content}</span>`;
  }
  return `<p class="text" dir="auto" data-max="${max}">${html}${example.cutAfter ? '<span class="cut">…</span>' : ""}</p>`;
}

function tokenName(number) {
  const token = vocabulary[number];
  return `<bdi class="tip-token">${typeof token === "string" ? escaped(JSON.stringify(token)) : `bytes ${hex(token)}`}</bdi>`;
}

/** What a token that is pointed at says. */
function tokenTip(element) {
  if (element.dataset.token) {
    const number = Number(element.dataset.token);
    const id = index.tokenIDs[number];
    return `${tokenName(number)}<br>${id === undefined ? "made by several tokens, none of which is a whole character" : `token id ${id}`}`;
  }
  const max = Number(element.closest("[data-max]").dataset.max);
  const numbers = element.dataset.tokens.split(" "), values = element.dataset.values.split(" ").map(Number);
  return numbers.map((number, i) => {
    const activation = values[i] === 0 ? "not active" : `activation <b>${significant(values[i])}</b> · ${Math.round(100 * values[i] / max)}% of its maximum`;
    const id = `token id ${index.tokenIDs[number]}`;
    return `<div>${tokenName(number)}${numbers.length > 1 ? ` ${activation}` : `<br>${activation}<br>${id}`}</div>`;
  }).join("");
}
