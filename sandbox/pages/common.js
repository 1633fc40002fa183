// What all pages use: making nodes, asking and acting, how days and money read, links that stay here, the panel.
// Data goes in as text and as properties. Nothing here, and nothing that uses it, makes markup out of text.
"use strict";

export const at = id => document.getElementById(id);

export function make(tag, props = {}, ...children) {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== ""));
  return node;
}

export function labelled(name, control) {
  control.setAttribute("aria-label", name);
  return control;
}

export function say(text, wrong = false) {
  const line = at("said");
  line.textContent = text;
  line.className = wrong ? "wrong" : "";
}

export async function ask(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).detail || `The sandbox answered ${answer.status}`);
  return answer.json();
}

// Do what a person does in Asana's or Intacct's own pages, step after step; a refusal is said in the system's own words.
export async function act(system, user, steps, done) {
  try {
    let last = null;
    for (const [action, args] of steps) {
      const body = JSON.stringify({ system, user, action, ...args });
      const answer = await fetch("/_sandbox/act", { method: "POST", headers: { "Content-Type": "application/json" }, body });
      last = await answer.json().catch(() => ({}));
      if (!answer.ok) throw new Error(last.detail || `The sandbox answered ${answer.status}`);
    }
    say(done);
    return last;
  } catch (error) {
    say(error.message, true);
    return null;
  }
}

export function choices(select, pairs, chosen) {
  const kept = chosen ?? select.value;
  select.replaceChildren(...pairs.map(([value, text]) => make("option", { value, textContent: text })));
  if (pairs.some(([value]) => value === kept)) select.value = kept;
  return select;
}

export const remembered = {
  get: (name, otherwise) => { try { return localStorage.getItem(name) ?? otherwise; } catch { return otherwise; } },
  set: (name, value) => { try { localStorage.setItem(name, value); } catch { /* a private window keeps nothing */ } },
};

// --- how things read

export const moment = iso => `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
export const money = (amount, currency = "") =>
  Number(amount).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 6 }) + (currency ? ` ${currency}` : "");
export const counted = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

export function mood(option) {
  if (/^(approved?|recorded|paid|posted)\b/i.test(option || "")) return "yes";
  if (/^(reject|declin|void|changes_requested|reversed)/i.test(option || "")) return "no";
  return option ? "wait" : "";
}

export const pill = (text, kind = "") => make("span", { className: `pill ${kind}`, textContent: text, title: text });

export function face(name) {
  const letters = (name || "?").split(/\s+/).map(word => word[0]).slice(0, 2).join("").toUpperCase();
  return make("span", { className: "face", textContent: letters, title: name });
}

// --- links: those of Asana and Intacct lead to the pages here, others only where they are plain web addresses

const TASK = /^https?:\/\/[^/]+\/(?:0\/\d+|1\/\d+(?:\/project\/\d+)?\/task)\/(\d+)/;
const RECORD = /^https?:\/\/[^/]+\/ia\/acct\/ur\.phtml\?\.r=.*-(?:ap)?(bill|vendor)-(\d+)$/;

export function leadsTo(url) {
  const task = TASK.exec(url), record = RECORD.exec(url);
  if (task) return `/board#task=${task[1]}`;
  if (record) return `/bills#${record[1]}=${record[2]}`;
  return /^https?:\/\//i.test(url) ? url : null;
}

export function link(url, text = url) {
  const href = leadsTo(url);
  if (!href) return document.createTextNode(text);
  const outside = !href.startsWith("/");
  return make("a", { href, textContent: text, ...(outside ? { rel: "noreferrer noopener", target: "_blank" } : {}) });
}

export const linked = text => text.split(/(https?:\/\/[^\s<>"]+)/).map((part, index) => index % 2 ? link(part) : part);

// --- rich text: Asana's own short list of tags, made anew one by one; of attributes only a link's address is looked at

const TAGS = new Set("strong em u s code pre blockquote ol ul li h1 h2 hr table tr td".split(" "));

export function rich(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  return [...parsed.body.childNodes].map(again);
}

function again(node) {
  if (node.nodeType === Node.TEXT_NODE) return node.textContent;
  if (node.nodeType !== Node.ELEMENT_NODE) return "";
  const tag = node.tagName.toLowerCase(), inside = [...node.childNodes].map(again);
  if (tag === "a") return link(node.getAttribute("href") || "", node.textContent);
  return TAGS.has(tag) ? make(tag, {}, inside) : make("span", {}, inside);
}

// --- the panel: what the address names after # is open in it, so that links, Back and Escape work as everywhere

const nameOf = node => node && `${node.tagName} ${node.getAttribute("aria-label") || node.textContent}`;

export function panel(name, fill) {
  const dialog = at("panel");
  let shown = "", key = "";
  const asked = () => new RegExp(`^#${name}=(.+)$`).exec(location.hash)?.[1];
  const isBusy = () => {
    const focused = document.activeElement;
    return dialog.contains(focused) && /^(INPUT|TEXTAREA|SELECT)$/.test(focused.tagName);
  };
  async function refresh(force = false) {
    const gid = asked();
    if (!gid) return dialog.open && dialog.close();
    if (!force && gid === key && isBusy()) return;
    try {
      const [data, content] = await fill(decodeURIComponent(gid));
      const text = JSON.stringify(data);
      if (text === shown && gid === key && !force && dialog.open) return;
      const top = gid === key ? dialog.scrollTop : 0;
      [shown, key] = [text, gid];
      const held = nameOf(document.activeElement);
      dialog.replaceChildren(...content(data));
      if (!dialog.open) dialog.showModal();
      else [...dialog.querySelectorAll("a, button, input, select, textarea")].find(each => nameOf(each) === held)?.focus({ preventScroll: true });
      dialog.scrollTop = top;
    } catch (error) { say(error.message, true); close(); }
  }
  function close() { history.pushState(null, "", location.pathname + location.search); dialog.open && dialog.close(); key = ""; }
  dialog.addEventListener("close", () => {
    const was = `#${name}=${key}`;
    if (asked()) close();
    // The list may have been drawn anew meanwhile, and then the browser knows no longer where the focus was.
    [...document.querySelectorAll("a")].find(each => each.getAttribute("href") === was)?.focus({ preventScroll: true });
  });
  dialog.addEventListener("click", event => { if (event.target === dialog) close(); });
  addEventListener("hashchange", () => refresh(true));
  addEventListener("popstate", () => refresh(true));
  return { refresh, close };
}

export const closing = close => labelled("Close", make("button", { textContent: "✕", title: "Close (Esc)", onclick: close }));

export function keep(refresh, seconds) {
  setInterval(() => { if (!document.hidden) refresh(); }, seconds * 1000);
  addEventListener("keydown", event => {
    if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && at("search")) {
      event.preventDefault();
      at("search").focus();
    }
  });
}
