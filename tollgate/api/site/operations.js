import { byId, bytes, el, picture, put, show, svg, table, whole, words } from "./build.js";
import { begin, every, get, post } from "./session.js";

const history = []; // { at, produced, recorded } of the last minutes

const known = (value, shape) => (value === null || value === undefined ? "-" : shape(value));

let told = "";
const findings = (state) => {
  const away = Object.entries(state.away), tells = JSON.stringify([state.findings, away, state.jobs.length]);
  if (told === tells) return; // what is drawn anew here is read out anew
  told = tells;
  put("findings", state.findings.length || away.length ? el("ul", { class: "plain" },
    state.findings.map((one) => el("li", {}, el("span", { class: `badge ${one.wrong ? "bad" : "warn"}` }, one.wrong ? "wrong" : "note"), ` ${one.what} `, el("span", { class: "soft" }, `docs/runbooks/${one.runbook}`))),
    away.map(([name, why]) => el("li", {}, el("span", { class: "badge bad" }, "not known"), ` ${name}: ${why}`)))
    : el("p", { class: "good" }, state.jobs.length ? "Nothing is wrong." : "No local stack runs here: jobs and checkpoints are not seen."));
  show("findings");
};

const line = (name, label, values, y) => {
  const step = 380 / Math.max(1, values.length - 1);
  return svg("polyline", { class: name, points: values.map((value, at) => `${10 + at * step},${y(value)}`).join(" ") }, svg("title", {}, label));
};

const rate = (state) => {
  if (state.produced === null) { show("rate", false); return; }
  history.push({ at: state.at_ms, produced: state.produced, recorded: state.recorded });
  while (history.length > 60) history.shift();
  const per = (name) => history.slice(1).map((one, at) => Math.max(0, 1000 * (one[name] - history[at][name]) / Math.max(1, one.at - history[at].at)));
  const sent = per("produced"), written = per("recorded"), most = Math.max(...sent, ...written, 1), y = (value) => 110 - 95 * value / most;
  const last = (values) => (values.length ? `${whole(Math.round(values.at(-1)))}/s` : "measuring");
  put("rate", el("p", { class: "big" }, last(sent)), el("p", { class: "soft key" }, el("span", {}, el("i", { class: "c0" }), "events in, heartbeats too"), el("span", {}, el("i", { class: "c1" }), `records out, ${last(written)}`)),
    picture(`Events a second: ${last(sent)} in, ${last(written)} out`, 400, 130, svg("line", { class: "axis", x1: 10, y1: 110, x2: 390, y2: 110 }), line("line", "in", sent, y), line("line out", "out", written, y), svg("text", { x: 10, y: 126 }, `at most ${whole(Math.round(most))}/s`), svg("text", { x: 390, y: 126, "text-anchor": "end" }, "now")),
    el("p", { class: "soft" }, `${whole(state.produced)} events and heartbeats, ${whole(state.recorded)} records in all`));
  show("rate");
};

let lookedAt = "";
const books = (state) => {
  if (lookedAt === JSON.stringify(state.verified)) return; // a part that somebody has opened stays open
  lookedAt = JSON.stringify(state.verified);
  const found = state.verified;
  put("books", found ? [el("p", { class: `big ${found.passed ? "good" : "bad"}` }, found.passed ? "Yes" : "No"), el("p", { class: "soft" }, `verified ${words(state.at_ms - found.at_ms)} ago`), el("p", {}, found.lines.at(-1)), el("details", {}, el("summary", {}, "What was compared"), el("ul", { class: "plain" }, found.lines.slice(0, -1).map((text) => el("li", { class: "soft" }, text))))]
    : [el("p", { class: "big" }, "Not asked yet"), el("p", { class: "soft" }, "Run tollgate verify: it recomputes every record from the log.")]);
  show("books");
};

const lag = (job) => (job.lag_records ? el("span", { class: job.lag_ms > 30000 ? "bad" : "" }, `${whole(job.lag_records)}, oldest ${words(job.lag_ms)}`) : "none");

const jobs = (state) => {
  if (!state.jobs.length) { show("jobs", false); return; }
  put("jobs", table(["job", "state", "lag", "#rated after, p50 / p99", "#watermark behind", "#checkpoint age", "#size", "#took", "#restarts"], state.jobs.map((job) => [
    el("b", {}, job.name), el("span", { class: `badge ${job.state === "RUNNING" ? "good" : "bad"}` }, job.state), lag(job), known(job.rated_after_ms, (late) => `${whole(late.median)} / ${whole(late.p99)} ms`), known(job.watermark_delay_ms, words), known(job.checkpoint_age_ms, words), bytes(job.checkpoint_bytes), known(job.checkpoint_took_ms, (value) => `${whole(value)} ms`), whole(job.restarts)]), true),
    state.jobs.filter((job) => job.last_failure).map((job) => el("p", { class: "soft" }, `${job.name}, last failure: ${job.last_failure}`)),
    state.task_managers ? el("p", { class: "soft" }, `${state.task_managers.running} of ${state.task_managers.wanted} TaskManagers run`) : "");
  show("jobs");
};

const bars = (id, label, rows, act) => {
  const most = Math.max(...rows.map(([, count]) => count), 1);
  put(id, rows.length ? table([label, "", "#", ...(act ? ["send again"] : [])], rows.map(([name, count]) => [name, picture(`${name}: ${count}`, 120, 12, svg("rect", { class: "track", x: 0, y: 2, width: 120, height: 8, rx: 2 }), svg("rect", { class: "bar", x: 0, y: 2, width: 120 * count / most, height: 8, rx: 2 })), whole(count), ...(act ? [act(name)] : [])])) : el("p", { class: "soft" }, "None."));
};

// A first press asks, a second within some seconds sends. Nothing is drawn anew while a press is awaited or answered.
const PRESS_AGAIN_MS = 8000, TOO_SOON_MS = 600;
const buttons = new Map(); // by reason
let armed = "", armedAt = 0, busy = "", disarm = 0;
const nameButtons = () => {
  for (const [reason, button] of buttons) {
    button.textContent = armed === reason ? "Really?" : "Replay";
    button.setAttribute("aria-label", armed === reason ? `Really? Press again to replay dead letters of ${reason}` : `Replay dead letters of ${reason}`);
    button.disabled = busy !== "";
  }
};
const arm = (reason) => {
  clearTimeout(disarm);
  armed = reason; armedAt = Date.now();
  if (reason) { disarm = setTimeout(() => arm(""), PRESS_AGAIN_MS); tell(`Press again to send the dead letters of ${reason} again.`); } else tell("");
  nameButtons();
};
const tell = (text) => { byId("letters-told").textContent = text; };
const press = async (reason) => {
  if (armed !== reason) { arm(reason); return; }
  if (Date.now() - armedAt < TOO_SOON_MS) return; // a double click is one press
  busy = reason;
  arm("");
  try {
    const done = await post("/v1/operations/deadletters/replay", { reason });
    tell(`${reason}: ${whole(done.sent)} sent again` + (done.sent_before ? `, ${whole(done.sent_before)} had been before` : "") + (done.left_alone ? `, ${whole(done.left_alone)} of topics that events do not come from left alone` : "") + (done.remaining ? `, ${whole(done.remaining)} to go: press again` : ""));
  } catch (error) { tell(`${reason}: ${error.message}`); }
  busy = "";
  nameButtons();
};
const replay = (reason) => {
  const button = el("button", { type: "button", onclick: () => press(reason) });
  buttons.set(reason, button);
  return button;
};

const rest = (state, surge) => {
  const letters = state.dead_letters && Object.entries(state.dead_letters).sort((a, b) => b[1] - a[1]);
  const drawn = JSON.stringify(letters);
  if (letters && !armed && !busy && drawn !== byId("letters").dataset.drawn) {
    byId("letters").dataset.drawn = drawn;
    const focused = [...buttons].find(([, button]) => button === document.activeElement);
    buttons.clear();
    bars("letters", "reason", letters, replay);
    nameButtons();
    if (focused) buttons.get(focused[0])?.focus();
    byId("letters-how").hidden = letters.length === 0;
  }
  show("letters", Boolean(letters));
  if (state.hottest) { bars("hot", "customer", state.hottest.customers.map((one) => [one.customer_id, one.records])); byId("hot").append(el("p", { class: "soft" }, `of the last ${whole(state.hottest.sampled)} records`)); }
  show("hot", Boolean(state.hottest));
  bars("partitions", "partition", state.partitions.map((one) => [String(one.partition), one.records]));
  show("partitions", state.partitions.length > 0);
  const raised = surge.filter((one) => Number(one.factor) !== 1 || Number(one.next_factor) !== 1);
  put("surge", raised.length ? table(["meter", "where", "#factor", "#next"], raised.map((one) => [one.meter, one.value, one.factor, one.next_factor])) : el("p", { class: "soft" }, "None: every factor is 1."));
  show("surge");
};

const look = async () => {
  const [state, surge] = await Promise.all([get("/v1/operations"), get("/v1/surge").catch(() => [])]);
  findings(state); rate(state); books(state); jobs(state); rest(state, surge);
  byId("seen").textContent = `seen at ${new Date(state.at_ms).toLocaleTimeString()}`;
};

begin((me) => { if (me.reaches !== "operations") throw new Error("This key is not for operations."); }, () => every(3000, look));
