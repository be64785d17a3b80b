import { byId, el, picture, put, show, svg, table, whole, words, money } from "./build.js";
import { begin, every, get, orNothing, say } from "./session.js";
import { billOf, linesOf, invoicesOf } from "./customer_bill.js";
import { followAlerts } from "./alerts.js";

let me = null;
let customer = "";
let listed = null; // prices of the customer who is shown
let shown = 0; // counts customers shown: what was asked for one is not shown for the next

const number = (text) => Number(text || 0);

const spent = (balance) => {
  const { live, settled, currency } = balance;
  const same = live.cycle === settled.cycle;
  const most = Math.max(number(live.total), same ? number(settled.total) : 0, 1e-9);
  const share = same ? Math.max(0, Math.min(1, number(settled.total) / most)) : 0;
  const label = `Settled ${money(settled.total, currency)} of ${money(live.total, currency)} so far`;
  put("spent",
    el("p", { class: "big" }, money(live.total, currency, 2)),
    el("p", { class: "soft" }, `cycle ${live.cycle || "not begun"}, as of ${words(live.age_ms)} ${live.age_ms < 0 ? "from now" : "ago"}`),
    picture(label, 400, 22, svg("rect", { class: "live", x: 0, y: 4, width: 400, height: 14, rx: 4 }),
      svg("rect", { class: "settled", x: 0, y: 4, width: 400 * share, height: 14, rx: 4 })),
    el("p", { class: "soft key" }, el("span", {}, el("i", { class: "c0" }), `settled ${money(settled.total, currency)}`, same ? "" : ` in ${settled.cycle}`),
      el("span", {}, el("i", { class: "clive" }), "live: counted, about to be settled")),
    balance.credit === null ? "" : el("p", {}, `Left of your prepaid credit: ${money(balance.credit, currency)}`),
    balance.open ? el("p", {}, `${whole(balance.open.sessions)} calls run now, so far ${money(balance.open.total, balance.open.currency)}, not billed yet`) : "",
    el("h3", {}, "By meter"), meters(balance.meters, currency));
  show("spent");
};

const meters = (all, currency) => {
  const most = Math.max(...all.map((one) => number(one.amount)), 1e-9);
  const bar = (one) => picture(`${one.meter}: ${money(one.amount, currency)}`, 100, 10, svg("rect", { class: "track", x: 0, y: 2, width: 100, height: 6, rx: 2 }),
    svg("rect", { class: "bar", x: 0, y: 2, width: Math.max(0, 100 * number(one.amount) / most), height: 6, rx: 2 }));
  return all.length ? table(["meter", "share", "#units", "#amount"], all.map((one) => [one.meter, bar(one), whole(one.quantity), money(one.amount, currency)])) : el("p", { class: "soft" }, "Nothing used in this cycle.");
};

// The live balance is of one price book, and of the cycle of the last use: else each bill says itself what it has come to.
const soFar = (one, ahead, bills, balance) => (ahead.length === 1 && balance?.live.cycle === one.cycle ? balance.live : (bills || []).find((bill) => bill.price_book === one.price_book && bill.cycle === one.cycle))?.total;

const forecastOf = (bill, now, prices) => {
  const spent_ = number(now), then = Math.max(number(bill.total), spent_, 1e-9);
  const begun = prices ? Math.max(0, Math.min(1, (Date.now() - prices.cycle.from_ms) / (prices.cycle.to_ms - prices.cycle.from_ms))) : 0.5;
  const x = 10 + 380 * begun, y = (value) => 120 - 100 * value / then;
  return [el("p", { class: "big" }, "about ", money(bill.total, bill.currency, 2)),
    el("p", { class: "soft" }, "usage going on as in the last four weeks, subscriptions as they are now"),
    picture(`Spent ${money(now, bill.currency)}, forecast ${money(bill.total, bill.currency)}`, 400, 145,
      svg("line", { class: "axis", x1: 10, y1: 120, x2: 390, y2: 120 }), svg("polyline", { class: "line", points: `10,120 ${x},${y(spent_)}` }),
      svg("polyline", { class: "ahead", points: `${x},${y(spent_)} 390,${y(number(bill.total))}` }),
      svg("circle", { class: "mark", cx: x, cy: y(spent_), r: 4 }), svg("text", { x, y: 138, "text-anchor": begun > 0.85 ? "end" : "middle" }, "today"),
      begun < 0.8 ? svg("text", { x: 390, y: 138, "text-anchor": "end" }, "end of cycle") : "", begun > 0.12 ? svg("text", { x: 10, y: 138 }, bill.cycle) : "")];
};

const forecast = (ahead, bills, balance, prices) => {
  put("forecast", ahead ? ahead.map((one) => [
    ahead.length > 1 ? el("h3", {}, `Price book ${one.price_book}`) : "", forecastOf(one, soFar(one, ahead, bills, balance), prices)]) : el("p", { class: "soft" }, "Not enough is known to say."));
  show("forecast");
};

const daysOf = (all, currency) => {
  const totals = new Map(), names = [...new Set(all.map((one) => one.meter))].slice(0, 4);
  for (const one of all) totals.set(one.day, (totals.get(one.day) || 0) + Math.max(0, number(one.amount)));
  const first = new Date(`${[...totals.keys()].sort()[0]}T00:00:00Z`), last = new Date(`${[...totals.keys()].sort().at(-1)}T00:00:00Z`);
  const count = Math.min(62, Math.round((last - first) / 864e5) + 1), step = 760 / Math.max(count, 7), most = Math.max(...totals.values(), 1e-9);
  const bars = [];
  for (let at = 0; at < count; at += 1) {
    const day = new Date(last.getTime() - (count - 1 - at) * 864e5).toISOString().slice(0, 10);
    let y = 150;
    for (const one of all.filter((one_) => one_.day === day)) {
      const height = 130 * Math.max(0, number(one.amount)) / most, which = names.indexOf(one.meter);
      y -= height;
      bars.push(svg("rect", { class: `s${which < 0 ? 4 : which}`, x: 30 + at * step, y, width: Math.max(1, step - 3), height }, svg("title", {}, `${day}, ${one.meter}: ${money(one.amount, currency)}`)));
    }
    if (at % Math.ceil(count / 8) === 0) bars.push(svg("text", { x: 30 + at * step, y: 168 }, day.slice(5)));
  }
  return [el("p", { class: "soft key" }, names.map((name, at) => el("span", {}, el("i", { class: `c${at}` }), name))),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Spending by day in ${currency}` }, picture(`Spending by day, at most ${money(String(most.toFixed(4)), currency)} a day`, 800, 175, svg("line", { class: "axis", x1: 30, y1: 150, x2: 790, y2: 150 }), bars)),
    el("p", { class: "soft" }, `The highest day: ${money(most.toFixed(4), currency)}`)];
};

// A picture for each currency: a customer who has changed price books may owe in two.
const days = (spending) => {
  if (!spending || !spending.days.length) { show("days", false); return; }
  const currencies = [...new Set(spending.days.map((one) => one.currency))];
  put("days", currencies.map((currency) => daysOf(spending.days.filter((one) => one.currency === currency), currency)));
  show("days");
};

const priceOf = (tier, model, currency, unit) => `${tier.unit_price} ${currency} ${model === "package" ? "per started" : "per"} ${tier.per > 1 ? `${whole(tier.per)} ${unit}s` : unit}`;

const ladder = (meter, currency) => {
  const at = meter.tiers.findIndex((one) => one.current), now = meter.tiers[at], next = meter.tiers[at + 1];
  const parts = [el("h3", {}, meter.meter)];
  if (meter.tiers.length > 1) {
    const width = 400 / meter.tiers.length;
    const inside = now.up_to ? (meter.paid_units - now.from + 1) / (now.up_to - now.from + 1) : 0.5;
    const x = width * (at + Math.max(0, Math.min(1, inside)));
    parts.push(picture(`${meter.meter}: tier ${at + 1} of ${meter.tiers.length}`, 400, 40, meter.tiers.map((one, place) => [
      svg("rect", { class: place === at ? "settled" : "track", x: place * width + 1, y: 8, width: width - 2, height: 10, rx: 3 }),
      svg("text", { x: place * width + 2, y: 34 }, one.up_to ? `to ${whole(one.up_to)}` : "beyond")]), svg("rect", { class: "mark", x: Math.min(397, Math.max(0, x - 1.5)), y: 3, width: 3, height: 20 })));
  }
  parts.push(el("p", {}, `${whole(meter.paid_units)} paid so far. You pay ${priceOf(now, meter.model, currency, meter.unit)}`, meter.discount_percent ? `, less your ${meter.discount_percent} %` : "", "."));
  if (next) {
    const left = now.up_to - meter.paid_units, fee = next.flat_fee ? `, with ${next.flat_fee} ${currency} once` : "";
    const all = meter.model === "volume" ? " for all of the cycle's units" : "";
    parts.push(el("p", { class: "soft" }, `After ${whole(left)} more ${left === 1 ? meter.unit : `${meter.unit}s`}: ${priceOf(next, meter.model, currency, meter.unit)}${all}${fee}.`));
  }
  return parts;
};

const tiers = (prices) => {
  if (!prices) { show("tiers", false); return; }
  const used = [...prices.meters].sort((a, b) => (b.paid_units > 0) - (a.paid_units > 0));
  put("tiers", used.slice(0, 4).map((one) => ladder(one, prices.currency)),
    used.length > 4 ? el("details", {}, el("summary", {}, `${used.length - 4} more meters`), used.slice(4).map((one) => ladder(one, prices.currency))) : "");
  show("tiers");
};

const STATUS = { now: ["now", "good"], not_now: ["not now", "soft"], to_win: ["to be won", "warn"], each_cycle: ["every cycle", "good"] };

const gift = (one) => {
  const what = one.percent ? `${one.percent} % off` : one.units && one.kind !== "milestone" ? `${whole(one.units)} units free` : one.credit ? `${one.credit} credited` : "";
  const how = [one.daily ? `daily ${one.daily.from} to ${one.daily.to}` : "", one.at_least ? `for ${whole(one.at_least)} units within ${one.window}` : "",
    one.kind === "milestone" ? `for ${one.spend ? `spending ${one.spend}` : `${whole(one.units)} units`} in a cycle` : "", one.kind === "coupon" ? "with a code" : "", one.to ? `until ${one.to.slice(0, 10)}` : ""].filter(Boolean).join(", ");
  return [what, how].filter(Boolean).join(" ");
};

const nowPrices = (prices, surge) => {
  const at = Date.now(), inForce = [];
  for (const one of surge || []) for (const part of ["", "next_"]) if (Number(one[`${part}from_ms`]) <= at && at < Number(one[`${part}to_ms`]) && Number(one[`${part}factor`]) !== 1 && (!prices || one.book === prices.price_book)) inForce.push([one, one[`${part}factor`], one[`${part}to_ms`]]);
  put("now",
    el("h3", {}, "Surge"), inForce.length ? el("ul", { class: "plain" }, inForce.map(([one, factor, until]) => el("li", {}, el("span", { class: "badge bad" }, `times ${factor}`), ` ${one.meter}${one.value === "-" ? "" : `, ${one.value}`}, until ${new Date(Number(until)).toLocaleTimeString()}`))) : el("p", { class: "soft" }, "None: every price is as listed."),
    el("h3", {}, "Promotions"), prices && prices.promotions.length ? el("ul", { class: "plain" }, prices.promotions.map((one) => el("li", {},
      el("span", { class: `badge ${(STATUS[one.status] || ["", "soft"])[1]}` }, (STATUS[one.status] || [one.status])[0]), " ", el("b", {}, one.id), ` ${gift(one)}`, el("br"), el("span", { class: "soft" }, one.meters.includes("*") ? "all meters" : one.meters.join(", "))))) : el("p", { class: "soft" }, "None."),
    prices?.contract ? [el("h3", {}, "Your contract"), el("p", {}, Object.entries(prices.contract).filter(([, value]) => value).map(([name, value]) => `${name.replaceAll("_", " ")}: ${value}`).join(", ") || "prices of your own")] : "");
  show("now");
};

const SURGE_MS = 10000; // factors hold for a minute or so
const isHidden = (part) => document.querySelector(`[data-part="${part}"]`).hidden;
const PARTS = ["spent", "forecast", "days", "tiers", "now", "lines", "invoices", "alerts"];

const showBalance = async (turn) => {
  const balance = await orNothing(get("/v1/balance", { customer }));
  if (turn === shown && balance) spent(balance);
  return balance;
};

const showRest = async (turn, balance) => {
  const of = { customer };
  const [prices, spending, bill, surge, invoices] = await Promise.all([orNothing(get("/v1/prices", of)), orNothing(get("/v1/spending", of)), orNothing(get("/v1/bill", of)), orNothing(get("/v1/surge").catch(() => [])), orNothing(get("/v1/invoices", of))]);
  if (turn !== shown) return;
  if (!balance && !bill && !invoices) { say(new Error(`Nothing is known of ${customer} under this key. Check the id.`)); return; }
  if (!balance) followAlerts(customer, () => turn === shown);
  listed = prices;
  days(spending); tiers(prices); nowPrices(prices, surge); billOf(bill); invoicesOf(customer, invoices);
  const cycle = prices ? prices.cycle.name : bill?.[0].cycle || "";
  const ahead = await orNothing(get("/v1/bill", { ...of, as_of: cycle }));
  if (turn === shown) { forecast(ahead, bill, balance, prices); await linesOf(customer, () => turn === shown); }
};

const showSurge = async (turn) => {
  const surge = await get("/v1/surge").catch(() => null);
  if (turn === shown && surge && !isHidden("now")) nowPrices(listed, surge);
};

const choose = async (wanted) => {
  customer = wanted.trim();
  shown += 1;
  const turn = shown;
  PARTS.forEach((part) => show(part, false));
  byId("customer").value = customer;
  say(null);
  if (!customer) return;
  document.title = `${customer} - Tollgate`;
  try {
    const balance = await showBalance(turn);
    if (turn !== shown) return;
    if (balance) followAlerts(customer, () => turn === shown); // which no log has to be read for
    await showRest(turn, balance);
  } catch (error) { if (turn === shown) say(error); }
};

const start = () => {
  byId("to-operations").hidden = me.reaches !== "operations";
  byId("choose").hidden = me.reaches === "customer";
  byId("choose").addEventListener("submit", (event) => { event.preventDefault(); choose(byId("customer").value); });
  if (me.reaches === "customer") choose(me.scope); else { byId("customer").value = me.reaches === "tenant" ? me.scope : ""; byId("customer").focus(); }
  every(3000, async () => { if (customer && !isHidden("spent")) await showBalance(shown); });
  every(SURGE_MS, async () => { if (customer && !isHidden("now")) await showSurge(shown); });
};

begin((found) => { me = found; }, start);
