// Intacct's bills and vendors: lists, and a bill opened with lines, decision stamped, payments and history.
"use strict";
import { act, ask, at, choices, closing, keep, labelled, link, make, moment, money, mood, panel, pill, remembered, say } from "./common.js";

const HEADS = {
  bills: ["Bill", "Vendor", "State", "Amount|money", "Still due|money", "Due on", "Decision stamped", ""],
  vendors: ["Vendor", "Status", "Team", "Default approver", "Still due|money", "Changed", ""],
};
let listed = location.hash.startsWith("#vendor") ? "vendors" : "bills", drawn = "";

const me = () => at("person").value;
const bill = panel("bill", async number => [await ask(`/bills/${number}.json`), content]);

// --- the lists

async function load(force = false) {
  try {
    const text = at("search").value;
    const query = new URLSearchParams(listed === "bills" ? { text, state: at("state").value, limit: 500 } : { text });
    const told = await ask(`/${listed}.json?${query}`);
    const now = JSON.stringify(told);
    if (force || now !== drawn) draw(told);
    drawn = now;
  } catch (error) { say(error.message, true); }
}

function draw(told) {
  if (listed === "bills") frame(told);
  at("state").hidden = listed !== "bills";
  for (const each of ["bills", "vendors"]) at(`show-${each}`).setAttribute("aria-pressed", String(each === listed));
  at("heads").replaceChildren(...HEADS[listed].map(head => {
    const [textContent, className = ""] = head.split("|");
    return make("th", { textContent, className, scope: "col" });
  }));
  at("rows").replaceChildren(...told[listed].map(listed === "bills" ? billRow : vendorRow));
  at("none").hidden = told.found > 0;
  const cut = told.found > told[listed].length ? `, the newest ${told[listed].length} are shown` : "";
  say(`${told.found} of ${told.total} ${listed}${cut}`);
}

function frame(told) {
  const kinds = [["", "All states"], ["hold", "On hold"], ["decided", "With a decision"], ["undecided", "Without a decision"]];
  choices(at("state"), [...kinds, ...told.states.map(state => [state, state])]);
  const people = told.people.map(each => [each.login, each.name === each.login ? each.login : `${each.name} (${each.login})`]);
  choices(at("person"), people, me() || remembered.get("intacct person", "mgarcia"));
}

const cell = (className, label, ...content) => {
  const td = make("td", { className }, content);
  if (label) td.dataset.label = label;
  return td;
};
const small = text => text ? make("span", { className: "small soft", textContent: text }) : null;
const taskLink = gid => gid ? make("a", { href: `/board#task=${gid}`, textContent: "Open task" }) : "";

function billRow(each) {
  const stamp = each.stamps, states = [pill(each.state, mood(each.state)), each.on_hold ? pill("On hold", "no") : null];
  const decision = stamp.ASANA_DECISION
    ? [pill(stamp.ASANA_DECISION, mood(stamp.ASANA_DECISION)), decidedBy(stamp), small(given(stamp.ASANA_DECISION_REASON))] : "";
  const row = make("tr", {},
    cell("", "", make("a", { className: "open", href: `#bill=${each.record_no}`, textContent: each.bill_number || "(no number)" }), small(`record ${each.record_no}`)),
    cell("", "", each.vendor_name, small(each.vendor_id)),
    cell("", "", make("span", { className: "row" }, states)),
    cell("money", "", money(each.transaction_total_entered, each.currency), small(each.entity)),
    cell("money", "due", money(each.transaction_total_due, each.currency), paid(each)),
    cell("day", "due on", each.due_on),
    cell("across", "", decision),
    cell("day", "", taskLink(each.task)));
  row.onclick = event => { if (!event.target.closest("a")) location.hash = `bill=${each.record_no}`; };
  return row;
}

// A list has room for the name; the bill, opened, has the address too.
function decidedBy(stamp) {
  const who = stamp.ASANA_DECISION_BY || "", at = stamp.ASANA_DECISION_AT || "";
  const when = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(at) ? moment(at) : at;
  return make("span", { className: "small soft", title: who }, [who.replace(/ <[^<>]*>$/, ""), when].filter(Boolean).join(", "));
}
const given = reason => reason === "none given" ? "" : reason;

const paid = each => Number(each.transaction_total_paid) ? small(`paid ${money(each.transaction_total_paid)}`) : null;

function vendorRow(each) {
  const waits = Object.keys(each.waiting).length ? pill("an edit waits", "wait") : null;
  const row = make("tr", { id: `vendor-${each.record_no}` },
    cell("", "", make("strong", { textContent: each.name }), small(each.vendor_id)),
    cell("", "", make("span", { className: "row" }, pill(each.status, each.status === "active" ? "yes" : ""), each.on_hold ? pill("On hold", "no") : null, waits)),
    cell("", "team", each.custom.ASANA_TEAM || "–"), cell("", "approver", each.custom.ASANA_APPROVER || "–"),
    cell("money", "due", money(each.total_due, each.currency)),
    cell("day across", "changed", each.modified_at ? moment(each.modified_at) : "", small(each.modified_by)),
    cell("", "", taskLink(each.task)));
  row.onclick = event => { if (!event.target.closest("a") && each.task) location.href = `/board#task=${each.task}`; };
  return row;
}

// --- one bill

function content(each) {
  const steps = (text, ...actions) => done(actions.map(([action, args]) => [action, { record_no: each.record_no, ...args }]), text);
  return [
    make("div", { className: "top" },
      make("span", { className: "small soft wide", textContent: `Record ${each.record_no}, ${each.entity} ${each.entity_name}` }),
      closing(bill.close)),
    make("div", { className: "inside" },
      make("h2", { textContent: `${each.vendor_name} ${each.bill_number || "(no number)"}` }),
      make("p", { className: "row" }, pill(each.state, mood(each.state)), each.on_hold ? pill("On hold", "no") : null,
        make("strong", { textContent: money(each.transaction_total_entered, each.currency) }), taskLink(each.task)),
      stamped(each),
      part("The bill", facts(each)),
      part(`Lines (${each.lines.length})`, lines(each)),
      part(`Payments (${each.payments.length})`, each.payments.length ? payments(each) : null),
      part("Do in Intacct", acts(each, steps)),
      part("History", timeline(each))),
  ];
}

const part = (title, inside) => inside ? [make("h3", { textContent: title }), inside] : [];
const pairs = rows => make("dl", { className: "pairs" },
  rows.filter(([, value]) => value).flatMap(([name, value]) => [make("dt", { textContent: name }), make("dd", {}, value)]));

function stamped(each) {
  const stamp = each.stamps;
  if (!stamp.ASANA_DECISION) return make("p", { className: "stamp soft", textContent: "No decision is stamped onto this bill." });
  return make("div", { className: "stamp" }, pairs([
    ["Decision", pill(stamp.ASANA_DECISION, mood(stamp.ASANA_DECISION))], ["By", stamp.ASANA_DECISION_BY], ["At", stamp.ASANA_DECISION_AT],
    ["Reason", stamp.ASANA_DECISION_REASON], ["Amount", stamp.ASANA_AMOUNT], ["Task", stamp.ASANA_TASK_URL ? link(stamp.ASANA_TASK_URL, "Open the task") : ""],
    ["Decision id", stamp.ASANA_DECISION_ID], ["Digest", stamp.ASANA_DIGEST]]));
}

function facts(each) {
  const base = each.currency === each.base_currency ? "" : money(each.total_entered, each.base_currency);
  return pairs([["Description", each.description], ["Reference", each.reference], ["Bill date", each.bill_date], ["Due", each.due_on], ["Terms", each.term],
    ["In base currency", base], ["Still due", money(each.transaction_total_due, each.currency)], ["Paid", money(each.transaction_total_paid, each.currency)],
    ["Attachment", each.document_id], ["From purchasing", each.source_document], ["Entered by", `${each.created_by}, ${moment(each.created_at)}`],
    ["Last changed by", each.modified_at ? `${each.modified_by}, ${moment(each.modified_at)}` : each.modified_by],
    ["Approved in Intacct by", each.approved_by.join(", ")]]);
}

function table(heads, rows) {
  return make("div", { className: "scroll" }, make("table", {},
    make("thead", {}, make("tr", {}, heads.map(([textContent, className = ""]) => make("th", { textContent, className, scope: "col" })))),
    make("tbody", {}, rows)));
}

function lines(each) {
  return table([["Line"], ["Account"], ["For"], ["Amount", "money"]], each.lines.map(line => make("tr", {},
    make("td", { textContent: line.line_no }),
    make("td", {}, `${line.account_no} ${line.account_title}`, make("div", { className: "small soft", textContent: line.description })),
    make("td", { className: "small", textContent: [line.department_id, line.location_id, line.project_id, line.class_id].filter(Boolean).join(", ") }),
    make("td", { className: "money", textContent: money(line.transaction_amount) }))));
}

function payments(each) {
  return table([["Paid on"], ["How"], ["State"], ["Amount", "money"]], each.payments.map(payment => make("tr", {},
    make("td", { textContent: payment.paid_on }),
    make("td", { textContent: [payment.method, payment.number].filter(Boolean).join(" ") }),
    make("td", {}, pill(payment.state, mood(payment.state))),
    make("td", { className: "money", textContent: money(payment.details.reduce((sum, detail) => sum + Number(detail.amount), 0), payment.currency) }))));
}

function acts(each, steps) {
  const edit = (text, changes) => steps(text, ["edit_bill", { changes }]);
  const line = each.lines[0], amount = labelled("New amount of line 1", make("input", { value: line?.transaction_amount ?? "", inputMode: "decimal" }));
  const buttons = [make("button", { textContent: each.on_hold ? "Lift the hold" : "Put on hold",
    onclick: () => edit(each.on_hold ? "The hold is lifted" : "It is on hold", { on_hold: !each.on_hold }) })];
  if (/^(Submitted|Partially Approved)$/.test(each.state)) {
    buttons.push(make("button", { className: "yes", textContent: "Approve in Intacct", onclick: () => steps("Approved in Intacct", ["approve_bill"]) }),
      make("button", { className: "no", textContent: "Decline in Intacct", onclick: () => steps("Declined in Intacct", ["decline_bill"]) }));
  }
  if (/^(Posted|Partially Paid)$/.test(each.state)) buttons.push(make("button", { textContent: "Pay it", onclick: () => steps("Paid", ["pay_bill"]) }));
  return make("div", { className: "acts" }, make("div", { className: "row" }, buttons),
    line ? make("div", { className: "row" }, "Line 1 is", amount,
      make("button", { textContent: "Change the amount", onclick: () => edit("The amount is changed", { line: line.line_no, amount: amount.value.replace(/,/g, "") }) })) : null);
}

function timeline(each) {
  if (!each.history.length) return make("p", { className: "soft", textContent: "Nothing was done to it since the sandbox began." });
  return make("div", { className: "timeline" }, each.history.map(row =>
    make("div", {}, `${moment(row.at)}: ${row.what} by ${row.by}`, make("span", { className: "soft", textContent: ` (${row.source})` }))));
}

async function done(steps, text) {
  await act("intacct", me(), steps, text);
  const said = [at("said").textContent, at("said").className];
  await Promise.all([load(), bill.refresh(true)]);
  say(said[0], said[1] === "wrong");
}

for (const each of ["bills", "vendors"]) {
  at(`show-${each}`).onclick = () => { listed = each; at("search").value = ""; load(true); };
}
at("state").onchange = () => load(true);
at("search").oninput = () => load();
at("person").onchange = () => remembered.set("intacct person", me());

if (listed === "vendors") {
  const started = await ask("/bills.json?limit=0");
  frame(started);
}
await load();
at(location.hash.slice(1).replace("=", "-"))?.scrollIntoView({ block: "center" });
await bill.refresh();
keep(() => { load(); bill.refresh(); }, 4);
