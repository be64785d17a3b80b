// The key, and asking the API with it. It is kept for this tab alone, and sent in a header alone.
import { byId } from "./build.js";

const KEY = "tollgate-key";

export class Problem extends Error {
  constructor(status, body) { super(`${body.cause}. ${body.remedy}`); this.status = status; this.cause_ = body.cause; }
}

export const raw = async (path, query = {}, options = {}) => {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(query)) if (value !== "" && value !== null) url.searchParams.set(name, value);
  const headers = { ...options.headers, authorization: `Bearer ${sessionStorage.getItem(KEY)}` };
  const answer = await fetch(url, { ...options, headers, cache: "no-store", credentials: "omit" });
  if (answer.ok) return answer;
  let body = { cause: `the server answered ${answer.status}`, remedy: "Try again" };
  try { body = await answer.json(); } catch { /* not ours: said as it is */ }
  throw new Problem(answer.status, body);
};
export const get = async (path, query) => (await raw(path, query)).json();
export const post = async (path, query) => (await raw(path, query, { method: "POST" })).json();
export const orNothing = async (promise) => {
  try { return await promise; } catch (error) { if (error.status === 404) return null; throw error; }
};

export const say = (error) => {
  byId("error").hidden = !error;
  byId("error").textContent = error ? error.message : "";
};

export const leave = () => { sessionStorage.removeItem(KEY); location.reload(); };

// Asks for a key until there is one that is accepted, then begins.
export const begin = (accept, start) => {
  const form = byId("login");
  const enter = async () => {
    try {
      const me = await get("/v1/me");
      accept(me);
      form.hidden = true;
      byId("leave").hidden = false;
      start(me);
    } catch (error) {
      if (error.status === 401) sessionStorage.removeItem(KEY); // else it is good, later or for another page
      form.hidden = false;
      byId("login-error").textContent = error.message;
      byId("key").focus();
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEY, byId("key").value.trim());
    byId("key").value = "";
    enter();
  });
  byId("leave").addEventListener("click", leave);
  if (sessionStorage.getItem(KEY)) enter(); else { form.hidden = false; byId("key").focus(); }
};

// Asks again and again while the page is looked at; what fails is said, and asked again more slowly. What others have
// said stays.
export const every = (milliseconds, act) => {
  let failed = false;
  const turn = async () => {
    let wait = milliseconds;
    if (!document.hidden) {
      try {
        await act();
        if (failed) say(null);
        failed = false;
      } catch (error) {
        say(error);
        failed = true;
        wait = Math.max(10000, milliseconds * 2);
        if (error.status === 401) { leave(); return; }
      }
    }
    setTimeout(turn, wait);
  };
  turn();
};
