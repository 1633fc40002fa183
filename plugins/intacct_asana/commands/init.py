"""`init`: looks at both systems and writes a first flow file, which rehearses. Writes to neither system."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from intacct_asana.commands.check import FILE_ENDINGS, preflight, rows_of
from intacct_asana.commands.first_flow import (
    MONEY_WORDS,
    VENDOR_WORDS,
    Approving,
    Choice,
    Named,
    candidates,
    flow_text,
    likely,
    proposed,
    renamed,
    slug,
    stamp_of,
)
from intacct_asana.commands.looking import looked_at
from intacct_asana.commands.terminal import (
    FINDINGS,
    AsJson,
    answer,
    beside,
    console,
    ending,
    errors_told,
    print_json,
    word,
    working,
)
from intacct_asana.deployment import flow_of, folder_without_dags, mappings_folder, raise_if_there, why_not, written
from intacct_asana.errors import Misconfigured
from intacct_asana.flow.load import load_flows
from intacct_asana.flow.model import Flow
from intacct_asana.flow.words import Amount, Currency, Slug, Timezone, did_you_mean
from intacct_asana.operators.beginning.systems import (
    Company,
    ProjectFields,
    Workspace,
    company_of,
    fields_of,
    workspace_of,
    workspaces_of,
)
from intacct_asana.operators.checks import Row
from intacct_asana.pins import required_fields

HELP = ending(
    "init",
    "init --yes --flow acme --bills-project Bills --vendors-project Vendors --approver ben@example.com --limit 5000",
    codes={0: "the file is written", 1: "it is written, and preflight would refuse something", 2: "nothing was written"},
)
NOBODY = "nobody@example.com"
LIMIT = "1000.00"
DAG_FILE = "put a file into {}, by which Airflow has DAGs: from intacct_asana.dags import flow_dags; flow_dags()  # for Airflow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the options said; empty where they said nothing. `talks` is whether somebody is there to be asked."""

    flow: str
    to: Path | None
    force: bool
    intacct: str
    asana: str
    workspace: str
    bills: str
    vendors: str
    approvers: Sequence[str]
    limit: str
    base_currency: str
    entities: Sequence[str]
    private: bool | None
    stamp: bool | None
    timezone: str
    talks: bool


def init(
    flow: Annotated[str, typer.Option("--flow", help="Name of the flow; after the company when left out.")] = "",
    to: Annotated[
        Path | None, typer.Option("--to", help="The file to write; FLOW.yaml among the others when left out.")
    ] = None,
    intacct: Annotated[str, typer.Option(help="Airflow's connection to Intacct.")] = "intacct_default",
    asana: Annotated[str, typer.Option(help="Airflow's connection to Asana.")] = "asana_default",
    workspace: Annotated[str, typer.Option(help="Name or gid of the workspace, where the token has several.")] = "",
    bills: Annotated[str, typer.Option("--bills-project", help="Name or gid of the project for bills.")] = "",
    vendors: Annotated[str, typer.Option("--vendors-project", help="Name or gid of the project for vendors.")] = "",
    approver: Annotated[list[str] | None, typer.Option(help="E-mail address of somebody who may decide. Repeatable.")] = None,
    limit: Annotated[str, typer.Option(help="The highest amount that each of them may approve, to begin with.")] = "",
    base_currency: Annotated[str, typer.Option(help="The company's base currency, where its bills do not tell it.")] = "",
    entity: Annotated[list[str] | None, typer.Option(help="Read bills of this entity only. Repeatable.")] = None,
    private: Annotated[bool | None, typer.Option("--private/--no-private", help="Read bills of private entities too.")] = None,
    stamp: Annotated[
        bool | None, typer.Option("--stamp/--observe", help="Write decisions onto bills, or leave Intacct as it is.")
    ] = None,
    timezone: Annotated[str, typer.Option(help="Time zone of the schedules.")] = "UTC",
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: take what is proposed.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at Intacct and Asana, ask a few questions, and write a flow file that preflight accepts. It rehearses.

    The connections are those of Airflow, or AIRFLOW_CONN_INTACCT_DEFAULT and AIRFLOW_CONN_ASANA_DEFAULT in the environment
    (docs/connections.md). No secret is written, and nothing to either system. Where nobody is at a terminal, nothing is asked.
    """
    with errors_told():
        asked = Asked(
            flow=flow,
            to=to,
            force=force,
            intacct=intacct,
            asana=asana,
            workspace=workspace,
            bills=bills,
            vendors=vendors,
            approvers=approver or (),
            limit=limit,
            base_currency=base_currency.upper(),
            entities=entity or (),
            private=private,
            stamp=stamp,
            timezone=timezone,
            talks=not yes and not as_json and at_a_terminal(),
        )
        _check_words(asked)
        if early := to or (mappings_folder() / f"{flow}.yaml" if flow else None):
            raise_if_there(early, force=force)
        choice, company, space = _chosen(asked)
        path = to or mappings_folder() / f"{choice.flow}.yaml"
        raise_if_there(path, force=force)
        made = _kept(path, choice, asked)
        rows = rows_of(made)
        if as_json:
            print_json(_told(path, choice, company, rows))
        else:
            _print(path, choice, company, space, rows)
        if any(_is_wrong(row) for row in rows):
            raise typer.Exit(FINDINGS)


def _check_words(asked: Asked) -> None:
    """What can be wrong with the options themselves, before anybody is asked anything."""
    said = (("flow", asked.flow, Slug), ("timezone", asked.timezone, Timezone), ("limit", asked.limit, Amount))
    for option, value, kind in (*said, ("base-currency", asked.base_currency, Currency)):
        if value:
            word(value, kind, name=f"--{option}")


def at_a_terminal() -> bool:
    return sys.stdin.isatty()


def _chosen(asked: Asked) -> tuple[Choice, Company, Workspace]:
    with looked_at(_before(asked)) as run:
        with working("Looking at both systems.") as say:
            company = company_of(run, say=say)
            spaces = workspaces_of(run)
        gid, name = _one_of(
            "workspace", spaces, asked.workspace, talks=asked.talks, proposal=spaces[0][0] if len(spaces) == 1 else ""
        )
        with working("Looking at Asana.") as say:
            space = workspace_of(run, gid, name, say=say)
        choice = _decide(asked, company, space)
        with working("Looking at the projects' fields."):
            fields = {kind: fields_of(run, one.gid) for kind, one in (("bill", choice.bills), ("vendor", choice.vendors))}
        return replace(choice, names=_names(choice, fields)), company, space


def _before(asked: Asked) -> Flow:
    """A flow for nothing but its connections, before there is one."""
    return Flow.model_validate(
        {
            "flow": "first",
            "rehearsal": True,
            "connections": {"intacct": asked.intacct, "asana": asked.asana},
            "bills": {"project": "1", "states": ["Posted"], "show_private": True},
            "vendors": {"project": "2"},
            "approval": {"approvers": [{"email": NOBODY, "limits": {"USD": "0"}, "intacct_users": []}]},
            "write_back": {"steps": ["observe"]},
        }
    )


def _decide(asked: Asked, company: Company, space: Workspace) -> Choice:
    found = candidates(space.people, company.users, me=space.me.gid)
    stamp, missing = stamp_of(company.text_fields)
    _check_seen(asked, company, space, {one.email: one for one in found}, missing=missing if not stamp else ())
    flow = asked.flow or answer(
        "Name of the flow", slug(company.company_id), taken=lambda text: _name(text, asked), talks=asked.talks
    )
    free = _free(space, flow=flow)
    bills = _project("bills", asked.bills, free, words=MONEY_WORDS, talks=asked.talks)
    left = [one for one in free if one[0] != bills.gid]
    vendors = _project("vendors", asked.vendors, left, words=VENDOR_WORDS, talks=asked.talks)
    approvers = _approvers(asked, found)
    currencies, base = _currencies(asked, company)
    question = f"The highest amount that each may approve, in {' and in '.join(currencies)}"
    limit = _amount(asked.limit) if asked.limit else answer(question, LIMIT, taken=_amount, talks=asked.talks)
    private = bool(company.hidden_bills) and _switch(
        f"Read the {company.hidden_bills:,} bills of private entities too", asked.private, talks=asked.talks
    )
    stamps = bool(stamp) and _switch("Write decisions into the bills' custom fields", asked.stamp, talks=asked.talks)
    return Choice(
        flow=flow,
        made_on=datetime.now(UTC).date(),
        company_id=company.company_id,
        workspace=space.name,
        intacct=asked.intacct,
        asana=asked.asana,
        bills=bills,
        vendors=vendors,
        currencies=currencies,
        limit=limit,
        approvers=approvers,
        others=[one for one in found if one.email not in {each.email for each in approvers}],
        base_currency=base,
        entities=asked.entities,
        seen_entities=[one.entity_id for one in company.entities if one.entity_id],
        show_private=private,
        hidden_bills=company.hidden_bills or 0,
        reads_payments=company.may_read_payments,
        stamp=stamp if stamps else {},
        missing_stamp=missing,
        timezone=asked.timezone,
    )


def _check_seen(
    asked: Asked, company: Company, space: Workspace, known: Mapping[str, Approving], *, missing: Sequence[str]
) -> None:
    """What can be wrong with the options given what both systems told, before somebody has answered a question."""
    for what, named in (("bills", asked.bills), ("vendors", asked.vendors)):
        if named:
            _project(what, named, space.projects, words=(), talks=False)
    _people(asked.approvers, known)
    entities = [one.entity_id for one in company.entities if one.entity_id]
    if wrong := [one for one in asked.entities if one not in entities]:
        near = did_you_mean(wrong[0], entities) if entities else "no bill tells of an entity"
        raise typer.BadParameter(f"There is no entity {wrong[0]!r} with a bill of the last months ({near}).")
    if asked.stamp and missing:
        raise typer.BadParameter(
            f"Bills of {company.company_id} lack custom text fields for a stamp: {', '.join(missing)}. Have an administrator "
            "add them (docs/connect-real-accounts.md), or say --observe."
        )
    if not (company.tells_currency or asked.base_currency or asked.talks):
        raise typer.BadParameter(
            f"The bills of {company.company_id} do not tell their base currency, and limits are in one. Give --base-currency."
        )


# What is asked


def _name(text: str, asked: Asked) -> str:
    """A name that a flow may have, and whose file may be written."""
    name = str(word(text, Slug))
    if not asked.to and (why := why_not(mappings_folder() / f"{name}.yaml", force=asked.force)):
        raise typer.BadParameter(why)
    return name


def _amount(text: str) -> Decimal:
    return Decimal(word(text, Amount))


def _free(space: Workspace, *, flow: str) -> list[tuple[str, str]]:
    """Projects that no other flow has. Raises Misconfigured where there are not two."""
    others = [one for one in load_flows(mappings_folder())[0] if one.flow != flow]
    taken = {gid for one in others for gid in (one.bills.project, one.vendors.project)}
    free = [one for one in space.projects if one[0] not in taken]
    if len(free) < 2:
        theirs = f"; {len(space.projects) - len(free)} belong to other flows" if len(space.projects) > len(free) else ""
        raise Misconfigured(
            f"{space.me.name} sees {len(free)} free projects in workspace {space.name}{theirs}, and a flow needs two: make one "
            "for bills and one for vendors in Asana, with this user as an editor of both."
        )
    return free


def _project(what: str, named: str, free: Sequence[tuple[str, str]], *, words: Sequence[str], talks: bool) -> Named:
    gid, name = _one_of(f"project for {what}", free, named, talks=talks, proposal=likely(free, words))
    return Named(gid=gid, name=name)


def _one_of(what: str, known: Sequence[tuple[str, str]], named: str, *, talks: bool, proposal: str) -> tuple[str, str]:
    """(gid, name) of the one that an option, a person, or else the proposal names."""
    if not named and talks and len(known) > 1:
        for number, (_, name) in enumerate(known, 1):
            beside().print(escape(f"  {number:>3}  {name}"))
        default = next((str(number) for number, (gid, _) in enumerate(known, 1) if gid == proposal), None)
        while not named:
            said = str(typer.prompt(f"Number of the {what}", default=default, err=True))
            named = known[int(said) - 1][0] if said.isdecimal() and 0 < int(said) <= len(known) else ""
    named = named or proposal
    found = [one for one in known if named in one]
    if len(found) == 1:
        return found[0]
    option = f"--{what.removeprefix('project for ')}-project" if what.startswith("project") else f"--{what}"
    if len(found) > 1:
        raise typer.BadParameter(
            f"There are {len(found)} of the name {named!r}: {', '.join(gid for gid, _ in found)}. Give {option} a gid."
        )
    names = [name for _, name in known]
    if named:
        raise typer.BadParameter(f"There is no {what} {named!r} that is free for this flow: {did_you_mean(named, names)}.")
    raise typer.BadParameter(f"Which one is the {what}? Name it with {option}: {', '.join(names)}.")


def _approvers(asked: Asked, found: Sequence[Approving]) -> Sequence[Approving]:
    known = {one.email: one for one in found}
    if asked.approvers or not (asked.talks and known):
        if not known:
            raise Misconfigured(
                "There is nobody who could approve: Asana tells of nobody in the workspace that they are a member and no "
                "guest. Let this integration's user see the members of the workspace."
            )
        return _people(asked.approvers, known) or proposed(found)
    for one in found:
        logins = ", ".join(one.logins or ()) or "no login in Intacct that is known"
        beside().print(escape(f"       {one.email}  {one.name}; {logins}"))
    default = ",".join(one.email for one in proposed(found))
    taken = lambda text: _people(text.replace(",", " ").split(), known)  # noqa: E731
    return answer("Who may approve, with commas between", default, taken=taken) or proposed(found)


def _people(said: Sequence[str], known: Mapping[str, Approving]) -> list[Approving]:
    emails = [email.lower() for email in said]
    if wrong := [email for email in emails if email not in known]:
        near = did_you_mean(wrong[0], known) if known else "Asana tells of nobody that they are a member"
        raise typer.BadParameter(
            f"{wrong[0]} cannot be an approver: no member of the workspace with this address, a guest, this integration's own "
            f"user, or somebody whose login in Intacct is not active ({near})."
        )
    return [known[email] for email in dict.fromkeys(emails)]


def _currencies(asked: Asked, company: Company) -> tuple[Sequence[str], str]:
    """Those that limits are in, and the base currency that the file has to name."""
    if company.tells_currency:
        return company.currencies, ""
    base = asked.base_currency or answer(
        "Base currency of the company", "", taken=lambda text: str(word(text.upper(), Currency))
    )
    return (base,), base


def _switch(question: str, said: bool | None, *, talks: bool) -> bool:
    """What an option said, or somebody says; yes where nobody does."""
    return said if said is not None else typer.confirm(question, default=True, err=True) if talks else True


# What is written


def _names(choice: Choice, fields: dict[str, ProjectFields]) -> dict[str, str]:
    flow = flow_of(flow_text(choice))
    return {
        old: new
        for kind, there in fields.items()
        for old, new in renamed(required_fields(flow, kind), there.own, there.shared).items()
    }


def _kept(path: Path, choice: Choice, asked: Asked) -> Flow:
    """The file; or else its text on the screen, where somebody has answered questions for it."""
    try:
        return written(path, flow_text(choice), force=asked.force)
    except Misconfigured:
        if asked.talks:
            typer.echo(flow_text(choice))
        raise


def _is_wrong(row: Row) -> bool:
    """What preflight refuses, but for what it makes itself."""
    return row["ok"] != "yes" and "create_missing" not in row["mend"]


def _told(path: Path, choice: Choice, company: Company, rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "file": str(path),
        "read": {
            "company": company.company_id,
            "entities": [asdict(one) for one in company.entities],
            "private_bills": company.hidden_bills,
            "workspace": choice.workspace,
        },
        "decided": {name: value for name, value in asdict(choice).items() if name not in ("others", "missing_stamp")},
        "missing": [row["result"] for row in rows if row["ok"] != "yes" and not _is_wrong(row)],
        "failed": [row for row in rows if _is_wrong(row)],
    }


def _print(path: Path, choice: Choice, company: Company, space: Workspace, rows: Sequence[Row]) -> None:
    screen = console()
    table = Table("", "read", "decided", show_lines=True, title=f"Flow {choice.flow}")
    for line in _lines(choice, company, space):
        table.add_row(*map(escape, line))
    screen.print(table)
    for row in rows:
        if row["ok"] != "yes":
            style = "red" if _is_wrong(row) else "yellow"
            screen.print(escape(f"{row['check']}: {row['result']}"), style=style, soft_wrap=True)
            if _is_wrong(row):
                screen.print(escape(f"  {row['mend']}"), soft_wrap=True)
    screen.print(f"[green]Wrote {escape(str(path))}.[/green] Nothing was written to either system.", soft_wrap=True)
    screen.print("Next:", soft_wrap=True)
    # Airflow and the commands know a flow by its name where its file lies among the others.
    home = mappings_folder() / f"{choice.flow}.yaml"
    is_known = path.suffix in FILE_ENDINGS and path.parent.resolve() == home.parent.resolve()
    for step in (
        "look at the lines marked CHANGE in the file",
        *(() if is_known else (f"move it to {home}, where flow files lie",)),
        *((DAG_FILE.format(folder),) if (folder := folder_without_dags()) else ()),
        preflight(choice.flow),
        f"intacct-asana check {choice.flow}",
        f"intacct-asana plan {choice.flow}",
    ):
        screen.print(escape(f"  {step}"), soft_wrap=True)


def _lines(choice: Choice, company: Company, space: Workspace) -> list[tuple[str, str, str]]:
    entities = ", ".join(
        f"{one.entity_id or 'top level'} ({one.currency or 'no currency'}, {one.bills:,} bills)" for one in company.entities
    )
    hidden = f"; {company.hidden_bills:,} bills are private" if company.hidden_bills else ""
    users = "users may not be listed" if company.users is None else f"{len(company.users)} users"
    limits = ", ".join(f"{choice.limit:,.2f} {unit}" for unit in choice.currencies)
    names = ", ".join(f"{old} is called {new}" for old, new in choice.names.items())
    return [
        ("company", f"{company.company_id}, as {company.user_id}; {users}", f"flow {choice.flow}"),
        (
            "entities",
            f"{entities or 'none'}{hidden}",
            ", ".join(choice.entities) or f"all{', private ones too' if choice.show_private else ''}",
        ),
        ("base currency", ", ".join(company.currencies) or "not told", choice.base_currency or "as the bills tell it"),
        (
            "payments",
            "may be read" if company.may_read_payments else "may not be read",
            "details" if choice.reads_payments else "totals",
        ),
        ("workspace", f"{space.name}, as {space.me.name}; {len(space.projects)} projects, {len(space.people)} people", ""),
        (
            "projects",
            ", ".join(name for _, name in space.projects[:12]),
            f"bills: {choice.bills.name}; vendors: {choice.vendors.name}",
        ),
        (
            "approvers",
            f"{len(choice.approvers) + len(choice.others)} who could be",
            f"{', '.join(one.email for one in choice.approvers)}: {limits} each",
        ),
        ("fields", names or "no name is taken by another kind", "made by preflight where they are missing"),
        (
            "stamp",
            "fields are there" if not choice.missing_stamp else f"missing: {', '.join(choice.missing_stamp)}",
            "stamp" if choice.stamp else "observe",
        ),
    ]
