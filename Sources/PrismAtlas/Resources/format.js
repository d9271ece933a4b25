// Numbers and text as the page shows them.

const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text) => String(text).replace(/[&<>"']/g, (c) => escapes[c]);

const grouped = (n) => n.toLocaleString("en-US");

/** Significant digits without an exponent where a reader can do without. */
function significant(value, digits = 3) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(digits - 1).replace("e+", "e").replace("-", "−");
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return value.toLocaleString("en-US", { maximumFractionDigits: decimals, minimumFractionDigits: Math.min(decimals, 3) }).replace("-", "−");
}

function percent(share, digits = 2) {
  if (share === 0) return "0%";
  const value = share * 100;
  if (value < 0.001) return value.toExponential(0).replace("-", "−") + "%";
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(value)));
  return value.toFixed(Math.min(decimals, 4)) + "%";
}

/**
 * A measured number with as many decimals as its interval makes meaningful: those that show one significant digit of the
 * interval's half width, or two where the first is a 1, 2 or 3 (the rule of the Particle Data Group).
 */
function measured(metric, format) {
  const scale = format === "percent" ? 100 : 1;
  const half = metric.low != null && metric.high != null ? (metric.high - metric.low) / 2 * scale : 0;
  const value = metric.value * scale;
  const size = half > 0 ? Math.floor(Math.log10(half)) : 0;
  const fromInterval = half / 10 ** size < 3.55 ? 1 - size : -size;
  const fromValue = value !== 0 ? 2 - Math.floor(Math.log10(Math.abs(value))) : 0;
  const decimals = Math.min(4, Math.max(0, half > 0 ? fromInterval : fromValue));
  const show = (x) => (x * scale).toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replace("-", "−");
  return {
    value: show(metric.value) + (format === "percent" ? "%" : ""),
    interval: half > 0 ? `${show(metric.low)} – ${show(metric.high)}` : "",
  };
}

const lift = (hundredths) => (hundredths >= 1000 ? Math.round(hundredths / 100) : (hundredths / 100).toFixed(1)) + "×";

/** A source's colour class; there are eight, which then repeat. */
const sourceTag = (source) => `<span class="source s${source % 8}">${escaped(index.sources[source])}</span>`;
