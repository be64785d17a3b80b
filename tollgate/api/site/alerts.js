// Server-sent events, read with fetch: EventSource could not send the key in a header.
import { el, put, show } from "./build.js";
import { leave, raw } from "./session.js";

const KINDS = { TIER_REACHED: "tier reached", PROMOTION_WON: "promotion won", SURGE_ON: "surge on", SURGE_OFF: "surge off", SPEND_THRESHOLD: "spend alert", CREDIT_LOW: "credit low", ANOMALY: "unusual use", VERSION_GAP: "events missing" };
const MOST = 6;

const parse = (block) => Object.fromEntries(block.split("\n").filter((line) => !line.startsWith(":")).map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]));

export const followAlerts = async (customer, stillShown) => {
  const seen = [];
  let last = "";
  const draw = () => put("alerts", seen.length ? el("ul", { class: "plain" }, seen.slice(0, MOST).map((one) => el("li", {}, el("span", { class: "badge warn" }, KINDS[one.kind] || one.kind), " ", one.subject, el("br"), el("span", { class: "soft" }, `${one.detail}${one.detail ? ", " : ""}${new Date(Number(one.event_time_ms)).toLocaleString()}`)))) : el("p", { class: "soft" }, "Nothing so far. What happens appears here by itself."));
  draw();
  show("alerts");
  while (stillShown()) {
    const ended = new AbortController();
    try {
      const answer = await raw("/v1/alerts", { customer, recent: last ? "" : MOST }, { signal: ended.signal, headers: last ? { "last-event-id": last } : {} });
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; stillShown();) {
        const { done, value } = await reader.read();
        if (done) break;
        const blocks = (rest + value).split("\n\n");
        rest = blocks.pop();
        for (const event of blocks.map(parse)) {
          last = event.id || last;
          if (event.data) seen.unshift(JSON.parse(event.data));
        }
        if (stillShown()) draw();
      }
    } catch (error) { // cut off: comes back below, from where it was
      if (error.status === 401 && stillShown()) { leave(); return; }
    }
    ended.abort();
    await new Promise((resolve) => { setTimeout(resolve, 3000); });
  }
};
