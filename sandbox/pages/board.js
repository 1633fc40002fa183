// The board: which project, who looks, what is searched, and the cards in their columns. An open card is task.js.
"use strict";
import { act, ask, at, choices, counted, face, keep, make, mood, panel, pill, remembered, say } from "./common.js";
import { taskContent } from "./task.js";

const SHOWN = 60;
const whole = new Set();
let drawn = "";

const me = () => at("person").value;
const task = panel("task", async gid => [await ask(`/tasks/${gid}.json`), data => taskContent(data, { me, done, close: task.close })]);

async function load(force = false) {
  const chosen = /^#project=(\d+)$/.exec(location.hash)?.[1];
  const project = chosen || at("project").value || remembered.get("project", "");
  const assignee = project === "mine" ? me() || remembered.get("person", "") : at("assignee").value;
  const query = new URLSearchParams({ project, text: at("search").value, assignee });
  try {
    const board = await ask(`/board.json?${query}`);
    const text = JSON.stringify({ ...board, now: "" });
    if (force || text !== drawn) draw(board);
    drawn = text;
    if (board.project.gid === "mine" && assignee !== me()) await load(true);
  } catch (error) { say(error.message, true); }
}

function draw(board) {
  const known = board.projects.map(each => [each.gid, `${each.name} (${each.tasks})`]);
  choices(at("project"), [...known, ["mine", "My tasks, in all projects"]], board.project.gid);
  const people = board.people.map(each => [each.email, each.guest ? `${each.name} (guest)` : each.name]);
  const usual = people[1]?.[0];
  choices(at("person"), people, at("person").value || remembered.get("person", usual));
  choices(at("assignee"), [["", "All assignees"], ...people]);
  at("assignee").hidden = board.project.gid === "mine";
  document.title = `${board.project.name}: board of the sandbox`;
  const columns = board.columns.filter(each => each.cards.length || each.name !== "Untitled section");
  const none = board.project.gid === "mine" ? "Nothing is assigned to you." : "No tasks yet. They appear here when a sync has run.";
  const empty = board.total || at("assignee").value ? "No task fits that search." : none;
  // What somebody looks at stays where it is: how far each column was scrolled, and which card had the focus.
  const tops = new Map([...document.querySelectorAll(".column")].map(each => [each.dataset.name, each.lastChild.scrollTop]));
  const held = document.activeElement?.getAttribute("href");
  at("columns").replaceChildren(...(board.found ? columns.map(each => column(each, board.now))
    : [make("p", { className: "none", textContent: empty })]));
  for (const each of document.querySelectorAll(".column")) each.lastChild.scrollTop = tops.get(each.dataset.name) || 0;
  if (held) [...document.querySelectorAll(".card")].find(each => each.getAttribute("href") === held)?.focus({ preventScroll: true });
}

function column({ name, cards }, now) {
  const shown = whole.has(name) ? cards : cards.slice(0, SHOWN);
  const rest = () => { whole.add(name); load(true); };
  const more = cards.length > shown.length ? make("button", { textContent: `Show all ${cards.length}`, onclick: rest }) : null;
  const node = make("section", { className: "column" },
    make("h2", {}, `${name} `, make("span", { className: "soft", textContent: cards.length })),
    make("div", { className: "cards" }, shown.map(each => card(each, now)), more));
  node.dataset.name = name;
  node.style.flexGrow = 1 + Math.min(3, Math.floor(cards.length / 6));
  return node;
}

function card(each, now) {
  const said = each.kind === "approval" ? each.approval_status.replace("_", " ") : each.decision;
  const late = each.due_on && !each.completed && each.due_on < now.slice(0, 10);
  const asked = each.subtask_count ? `${each.subtask_count - each.open_subtasks} of ${counted(each.subtask_count, "subtask")}` : "";
  const counts = [each.comments && counted(each.comments, "comment"), each.file_count && counted(each.file_count, "file"), asked];
  return make("a", {
    className: `card ${mood(each.kind === "approval" ? each.approval_status : said)} ${each.completed ? "done" : ""}`,
    href: `#task=${each.gid}` },
    each.parent_name ? make("span", { className: "small soft", textContent: each.parent_name }) : null,
    make("span", { className: "name", textContent: each.name || "(no name)" }),
    make("span", { className: "marks" }, said ? pill(said, mood(said.replace(" ", "_"))) : null,
      each.marks.filter(([, value]) => !/^not?\b/i.test(value)).slice(0, 3).map(([field, value]) => { const mark = pill(value); mark.title = `${field}: ${value}`; return mark; })),
    make("span", { className: "foot" },
      make("span", {}, each.due_on ? make("span", { className: late ? "late" : "", textContent: `Due ${each.due_on}` }) : null,
        counts.filter(Boolean).length ? `${each.due_on ? " · " : ""}${counts.filter(Boolean).join(" · ")}` : ""),
      each.assignee ? face(each.assignee.name) : null));
}

async function done(steps, text) {
  const told = await act("asana", me(), steps, text);
  await Promise.all([load(), task.refresh(true)]);
  return told;
}

async function addProject() {
  const told = await act("asana", me(), [["create_project", { name: at("new-name").value.trim() }]], "");
  if (!told) return;
  at("new-name").value = "";
  at("search").value = at("assignee").value = "";
  location.hash = `project=${told.result.gid}`;
  await load(true);
  say(`Project ${told.result.name} is made. Its number is ${told.result.gid}.`);
}

at("add").onclick = () => at("new").showModal();
at("new").addEventListener("close", () => { if (at("new").returnValue === "make") addProject(); });
at("project").onchange = () => {
  if (location.hash.startsWith("#project=")) history.replaceState(null, "", "/board");
  remembered.set("project", at("project").value);
  load(true);
};
at("person").onchange = () => { remembered.set("person", me()); load(true); };
at("assignee").onchange = () => load(true);
at("search").oninput = () => load();
addEventListener("hashchange", () => { if (location.hash.startsWith("#project=")) load(true); });

await load();
await task.refresh();
keep(() => { load(); task.refresh(); }, 4);
