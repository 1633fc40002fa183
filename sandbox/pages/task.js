// One task, opened: how it is decided, its fields, description, subtasks, files and whole history. Every act is a person's.
"use strict";
import { choices, closing, counted, face, labelled, link, linked, make, moment, mood, pill, rich } from "./common.js";

const STATUSES = { approved: "Approve", rejected: "Reject", changes_requested: "Request changes", pending: "Pending" };
const MANY = 8;
const typed = new Map(), opened = new Set();
let onlyComments = false;

// `page` is who acts (me), what is done (done) and how to close.
export function taskContent(task, page) {
  const steps = (text, ...actions) => page.done(actions.map(([action, args]) => [action, { task: task.gid, ...args }]), text);
  return [
    make("div", { className: "top" },
      make("span", { className: "small soft wide" }, above(task)),
      make("span", { className: "row" }, completing(task, steps), closing(page.close))),
    make("div", { className: "inside" },
      make("h2", { textContent: task.name || "(no name)" }),
      make("p", { className: "small soft" }, `Made ${moment(task.created_at)} by ${task.created_by}`,
        task.completed_at ? `, completed ${moment(task.completed_at)}` : "", ` · ${task.gid}`),
      deciding(task, steps),
      fieldsOf(task, steps),
      part("Description", task.html_notes || task.notes ? description(task) : null),
      part(`Subtasks (${task.subtasks.length})`, task.subtasks.length ? subtasks(task) : null),
      part(`Files (${task.files.length})`, task.files.length ? files(task) : null),
      part("History", history(task, page)),
      composer(task, steps),
      part("More", more(task, steps, page))),
  ];
}

const part = (title, content) => content ? [make("h3", { textContent: title }), content] : [];

function above(task) {
  if (task.parent) return ["Subtask of ", make("a", { href: `#task=${task.parent.gid}`, textContent: task.parent.name })];
  return task.places.map(place => `${place.name} / ${place.section}`).join(", ") || "In no project";
}

function completing(task, steps) {
  return task.completed
    ? make("button", { textContent: "Open again", onclick: () => steps("Opened again", ["reopen"]) })
    : make("button", { textContent: "✓ Complete", onclick: () => steps("Completed", ["complete"]) });
}

// --- deciding: by a field, by Asana's approval, or by a subtask's; the fourth way, a comment that begins with a word, is below

function deciding(task, steps) {
  const field = task.fields.find(each => each.decides);
  const waiting = task.subtasks.filter(each => each.kind === "approval");
  if (task.kind !== "approval" && !field && !waiting.length) return null;
  const box = reason(task, "Reason, if there is one to give");
  const rows = [];
  if (task.kind === "approval") {
    rows.push(row("Approval", Object.entries(STATUSES).map(([status, word]) =>
      choice(word, status, task.approval_status === status, () => decided(task, steps, word, ["set_approval", { status }])))));
  }
  if (field) {
    rows.push(row(field.name, field.options.map(option =>
      choice(option, option, field.value === option, () => decided(task, steps, option, ["choose", { field: field.gid, option }])))));
  }
  if (waiting.length) {
    rows.push(make("span", { className: "small soft",
      textContent: `${counted(waiting.filter(each => !each.completed).length, "person is", "people are")} asked by a subtask, below.` }));
  }
  return make("div", { className: "decision" }, rows, task.kind === "approval" || field ? box : null);
}

const row = (name, buttons) => make("div", { className: "row" }, make("strong", { textContent: name }), buttons);

function choice(word, option, chosen, onclick) {
  const button = make("button", { className: mood(option), textContent: word, onclick });
  button.setAttribute("aria-pressed", String(chosen));
  return button;
}

function decided(task, steps, word, act) {
  const text = (typed.get(task.gid) || "").trim();
  const field = task.fields.find(each => each.kind === "text" && /reason/i.test(each.name) && !each.locked_by);
  typed.delete(task.gid);
  const first = !text ? [] : field ? [["set_text", { field: field.gid, text }]] : [["comment", { text }]];
  steps(`${word}: done`, ...first, act);
}

function reason(task, placeholder) {
  const box = labelled(placeholder, make("input", { placeholder, value: typed.get(task.gid) || "" }));
  box.oninput = () => typed.set(task.gid, box.value);
  return box;
}

// --- what it says

function facts(task, steps) {
  const assignee = labelled("Assignee", make("select"));
  choices(assignee, [["", "Nobody"], ...task.people.map(each => [each.email, each.name])], task.assignee?.email || "");
  assignee.onchange = () => steps("Assigned", ["assign", { to: assignee.value || null }]);
  const due = labelled("Due date", make("input", { type: "date", value: task.due_on || "" }));
  due.onchange = () => steps("Due date changed", ["set_due", { date: due.value || null }]);
  const places = task.places.filter(each => each.sections.length > 1).map(place => {
    const section = labelled(`Section in ${place.name}`, make("select"));
    choices(section, place.sections.map(each => [each, each]), place.section);
    section.onchange = () => steps(`Moved to ${section.value}`, ["move", { project: place.gid, section: section.value }]);
    return ["Section", section];
  });
  return [["Assignee", assignee], ["Due date", due], ...places].flatMap(([name, control]) => pair(name, control));
}

const pair = (name, content) => [make("dt", { textContent: name }), make("dd", {}, content)];

// Fields in which nothing stands are folded where there are many, and stay as somebody left them while the card is redrawn.
function fieldsOf(task, steps) {
  const rows = fields => fields.map(field => fieldRow(field, steps));
  const empty = task.fields.filter(field => !field.value && !field.decides && !/reason/i.test(field.name));
  if (empty.length < MANY) return make("dl", { className: "pairs fields" }, facts(task, steps), rows(task.fields));
  const folded = make("details", { open: opened.has(task.gid) },
    make("summary", { className: "small soft", textContent: counted(empty.length, "empty field") }),
    make("dl", { className: "pairs fields" }, rows(empty)));
  folded.ontoggle = () => folded.open ? opened.add(task.gid) : opened.delete(task.gid);
  return [make("dl", { className: "pairs fields" }, facts(task, steps), rows(task.fields.filter(field => !empty.includes(field)))), folded];
}

function fieldRow(field, steps) {
  const control = ["enum", "text", "number", "date"].includes(field.kind) ? editor(field, steps) : field.value || "–";
  return pair(field.name, control);
}

function editor(field, steps) {
  const control = field.kind === "enum"
    ? choices(make("select"), [["", "–"], ...field.options.map(each => [each, each])], field.value)
    : make("input", { type: field.kind === "date" ? "date" : "text", inputMode: field.kind === "number" ? "decimal" : "",
      value: field.value, placeholder: "–" });
  control.disabled = Boolean(field.locked_by) || !field.enabled;
  control.title = field.locked_by ? `Only ${field.locked_by} may change this` : "";
  control.onchange = () => steps(`${field.name} changed`, ["write", { field: field.gid, value: control.value || null }]);
  control.onkeydown = event => { if (event.key === "Enter") control.blur(); };
  return labelled(field.name, control);
}

function description(task) {
  return make("div", { className: "description" }, task.html_notes ? rich(task.html_notes) : linked(task.notes));
}

function subtasks(task) {
  return make("div", { className: "items" }, task.subtasks.map(each => make("a", { href: `#task=${each.gid}` },
    make("span", { className: "wide", textContent: each.name || "(no name)" }),
    make("span", { className: "row" },
      each.kind === "approval" ? pill(each.approval_status.replace("_", " "), mood(each.approval_status))
        : pill(each.completed ? "done" : "open", each.completed ? "yes" : ""),
      each.assignee ? face(each.assignee.name) : null))));
}

function files(task) {
  return make("div", { className: "items" }, task.files.map(each => make("div", {},
    each.url ? link(each.url, each.name) : make("a", { href: `/attachments/${each.gid}`, textContent: each.name }),
    make("span", { className: "small soft", textContent: each.url ? "link" : `${Math.ceil(each.size / 1024)} kB` }))));
}

// --- its history, and what people add to it

function history(task, page) {
  const comments = task.stories.filter(story => story.resource_subtype === "comment_added");
  const shown = onlyComments ? comments : task.stories;
  const only = make("input", { type: "checkbox", checked: onlyComments });
  only.onchange = () => { onlyComments = only.checked; only.blur(); page.done([], ""); };
  return make("div", { className: "history" },
    make("label", { className: "small soft" }, only, ` Comments only (${comments.length} of ${task.stories.length})`),
    shown.map(storyRow));
}

function storyRow(story) {
  const isComment = story.resource_subtype === "comment_added", by = story.by_name || "Asana";
  const from = story.source && story.source !== "web" ? ` by ${story.source}` : "";
  const told = make("div", { className: "told" },
    isComment ? make("strong", { textContent: by }) : story.text,
    make("span", { className: "small soft", textContent: `${isComment ? " " : " · "}${moment(story.created_at)}${from}${story.is_edited ? ", edited" : ""}` }));
  if (isComment) told.append(make("div", { className: "bubble" }, story.html_text ? rich(story.html_text) : linked(story.text)));
  return make("div", { className: isComment ? "comment" : "" }, face(by), told);
}

function composer(task, steps) {
  const key = `comment ${task.gid}`;
  const box = labelled("Comment", make("textarea", { placeholder: "Write a comment", value: typed.get(key) || "" }));
  box.oninput = () => typed.set(key, box.value);
  const send = word => {
    const text = `${word} ${box.value.trim()}`.trim();
    if (!text) return box.focus();
    typed.delete(key);
    steps("Comment added", ["comment", { text }]);
  };
  box.onkeydown = event => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(""); };
  const words = [["approve", "yes"], ["reject", "no"]].map(([word, kind]) =>
    make("button", { className: kind, textContent: `“${word} …”`, title: `A comment that begins with ${word}`, onclick: () => send(word) }));
  return make("div", { className: "composer" }, box, make("div", { className: "row" },
    make("button", { className: "main", textContent: "Comment", title: "Ctrl+Enter", onclick: () => send("") }),
    make("span", { className: "small soft", textContent: "or, where comments decide, begin it with" }), words));
}

function more(task, steps, page) {
  const name = labelled("New name", make("input", { value: task.name }));
  return make("div", { className: "row" }, name,
    make("button", { textContent: "Rename", onclick: () => name.value.trim() && steps("Renamed", ["rename", { name: name.value.trim() }]) }),
    make("button", { textContent: "Duplicate", onclick: () => steps("Duplicated", ["duplicate"]) }),
    make("button", { className: "no", textContent: "Delete", onclick: async () => { await steps("Deleted", ["delete"]); page.close(); } }));
}
