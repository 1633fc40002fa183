// The first page: how much there is, which projects, and what a client logs in with. All of it is invented.
"use strict";
import { ask, at, make, moment, say } from "./common.js";

const told = await ask("/about.json");
const { bills, vendors, tasks } = told.holds;
say(`${bills} bills, ${vendors} vendors, ${tasks} tasks. It is ${moment(told.now)}${told.frozen ? ", and time stands still" : ""}.`);
at("projects").replaceChildren(make("table", {}, make("tbody", {}, told.projects.map(each => make("tr", {},
  make("td", {}, make("a", { href: `/board#project=${each.gid}`, textContent: each.name })),
  make("td", {}, make("code", { textContent: each.gid })),
  make("td", { className: "money", textContent: `${each.tasks} tasks` }))))));
at("credentials").replaceChildren(...["intacct", "asana"].flatMap(system => Object.entries(told[system]).flatMap(([name, value]) => [
  make("dt", { textContent: `${system === "asana" ? "Asana" : "Intacct"} ${name}` }), make("dd", {}, make("code", { textContent: value }))])));
