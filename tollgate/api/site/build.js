// Elements from data. Text is only ever set as text: nothing that comes from data is parsed as HTML.
const SVG = "http://www.w3.org/2000/svg";

const fill = (node, children) => {
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined && child !== "") node.append(child instanceof Node ? child : String(child));
  return node;
};

export const el = (name, attributes = {}, ...children) => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value === true ? "" : value);
  }
  return fill(node, children);
};

export const svg = (name, attributes = {}, ...children) => {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return fill(node, children);
};

export const byId = (id) => document.getElementById(id);
// What is drawn anew stays where it was scrolled to, and keeps the keyboard.
export const put = (id, ...children) => {
  const box = byId(id), before = [...box.querySelectorAll(".scroll")];
  const kept = before.map((one) => [one.scrollLeft, one === document.activeElement]);
  box.replaceChildren();
  fill(box, children);
  box.querySelectorAll(".scroll").forEach((one, at) => {
    const [left, focused] = kept[at] || [0, false];
    one.scrollLeft = left;
    if (focused) one.focus({ preventScroll: true });
  });
};
export const show = (part, visible = true) => { document.querySelector(`[data-part="${part}"]`).hidden = !visible; };

// `stacked`: on a phone each row becomes a block of lines, each with its head.
export const table = (heads, rows, stacked = false) => el("div", { class: "scroll", tabindex: rows.length ? "0" : null, role: "region", "aria-label": "table" },
  el("table", { class: stacked ? "stacked" : null }, el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col", class: head.startsWith("#") ? "number" : null }, head.replace(/^#/, ""))))),
    el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((cell, at) => el("td", { class: heads[at].startsWith("#") ? "number" : null, "data-head": heads[at].replace(/^#/, "") }, cell)))))));

export const picture = (label, width, height, ...children) =>
  svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, ...children);

export const words = (milliseconds) => {
  const seconds = Math.round(Math.abs(milliseconds) / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
};
export const whole = (number) => Number(number).toLocaleString("en");
export const bytes = (count) => {
  if (count === null || count === undefined) return "-";
  const at = Math.min(3, Math.floor(Math.log2(Math.max(1, count)) / 10));
  return `${(count / 1024 ** at).toFixed(at ? 1 : 0)} ${["B", "KiB", "MiB", "GiB"][at]}`;
};

// The decimals of a currency; what is none has two.
const decimals = (currency) => {
  try { return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits; } catch { return 2; }
};
// Exact decimal text, cut for the eye alone: thousands apart, the currency's decimals at least, `most` of others at most.
export const money = (text, currency = "", most = 4) => {
  const least = decimals(currency), places = Math.max(most, least);
  const [, sign, units, fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text || "0") || [null, "", text || "0", ""];
  const kept = fraction.slice(0, places).replace(/0+$/, "").padEnd(least, "0");
  const cut = most > 2 && fraction.slice(places).replace(/0+$/, "") ? "…" : "";
  return `${sign}${units.replace(/\B(?=(\d{3})+$)/g, ",")}${kept && "."}${kept}${cut}${currency ? ` ${currency}` : ""}`;
};
