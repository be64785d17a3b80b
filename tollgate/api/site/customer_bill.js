// The bill, its lines explained, and the invoices.
import { el, money, put, show, table, whole } from "./build.js";
import { get, orNothing, raw, say } from "./session.js";

const PAGE = 15;
const KINDS = { USAGE: "used", SESSION: "call", TIER_ADJUSTMENT: "tier change", RETRACTION: "taken back", LATE_CORRECTION: "late", CREDIT: "credit", CYCLE_CLOSE: "cycle closed" };

export const billOf = (bills) => {
  if (!bills) { put("bill", el("p", { class: "soft" }, "Nothing is billed yet.")); show("lines"); return; }
  put("bill", bills.map((one) => [
    bills.length > 1 ? el("h3", {}, `Price book ${one.price_book}`) : "",
    table(["what", "#exact", `#${one.currency}`], [...one.lines.map((line) => [line.description, money(line.exact_amount), money(line.amount, "", 3)]),
      [el("b", {}, "total"), "", el("b", {}, money(one.total, "", 3))]])]));
  show("lines");
};

const when = (one) => new Date(Number(one.event_time_ms === "0" ? one.clock_ms : one.event_time_ms)).toLocaleString([], { dateStyle: "short", timeStyle: "short" });

// One line: what it was, and on demand why it costs that.
const lineOf = (customer, one) => {
  const box = el("div", {});
  const units = one.quantity === "0" ? "" : `, ${whole(one.quantity)} units`;
  const details = el("details", { class: "line" }, el("summary", {}, el("span", {}, el("b", {}, `${KINDS[one.kind] || one.kind.toLowerCase()} ${one.meter}`), units, el("br"),
    el("span", { class: "soft" }, `line ${whole(one.sequence)}, ${when(one)}${one.kind === "USAGE" || one.kind === "SESSION" ? "" : `, for ${one.cycle}`}`)), el("span", { class: "number" }, money(one.amount, one.currency)), el("span", { class: "why" }, "why")), box);
  details.addEventListener("toggle", async () => {
    if (!details.open || box.querySelector(".steps")) return; // what could not be answered is asked again
    box.replaceChildren(el("p", { class: "soft" }, "..."));
    try {
      const { steps } = await get(`/v1/records/${one.sequence}/explanation`, { customer });
      box.replaceChildren(el("ul", { class: "steps" }, steps.map((step) => el("li", { class: step.startsWith("  ") ? "inner" : null }, step.trim().replace(/^- /, "")))));
    } catch (error) { box.replaceChildren(el("p", { class: "error" }, error.message)); }
  });
  return el("li", {}, details);
};

// The newest lines first: numbers are gapless, so that the page before one is known by counting.
export const linesOf = async (customer, stillShown) => {
  const balance = await orNothing(get("/v1/balance", { customer }));
  let before = balance ? balance.settled.sequence : 0;
  const rows = [];
  const more = el("button", { type: "button", onclick: () => next() }, "Earlier lines");
  const draw = () => put("lines", el("h3", {}, "Each line, the newest first"),
    rows.length ? el("ul", { class: "plain" }, rows) : el("p", { class: "soft" }, "No line is settled yet."), before > 0 ? more : "");
  const next = async () => {
    const pressed = document.activeElement === more; // a button that is disabled or drawn anew loses the keyboard
    more.disabled = true;
    const limit = Math.min(PAGE, before);
    if (limit > 0) {
      try {
        const page = await get("/v1/records", { customer, after: before - limit, limit });
        rows.push(...page.records.toReversed().map((one) => lineOf(customer, one)));
        before -= limit;
      } catch (error) { say(error); }
    }
    more.disabled = false;
    if (stillShown()) draw();
    if (pressed && document.activeElement === document.body) more.focus();
  };
  await next();
};

const open = async (customer, one) => {
  try {
    const answer = await raw(`/v1/invoices/${one.number}/pdf`, { customer, note: one.event_id ? "true" : "" });
    const address = URL.createObjectURL(await answer.blob());
    const link = el("a", { href: address, download: `${one.event_id ? "note" : "invoice"}-${one.number}.pdf` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  } catch (error) { say(error); }
};

export const invoicesOf = (customer, all) => {
  const found = (all || []).filter((one) => !one.day).reverse();
  put("invoices", found.length ? table(["number", "cycle", "#total", ""], found.map((one) => [`${one.event_id ? one.status.toLowerCase().replace("_", " ") : "invoice"} ${one.number}`, one.cycle, money(one.total, one.currency, 3),
    el("button", { type: "button", onclick: () => open(customer, one) }, "PDF")])) : el("p", { class: "soft" }, "None yet: the first comes when a cycle closes."));
  show("invoices");
};
