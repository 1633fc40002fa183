"""`init`: looks at both systems and writes a first flow file, which rehearses. Writes to neither system."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError
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
from intacct_asana.commands.terminal import FINDINGS, AsJson, beside, console, ending, errors_told, print_json, working
from intacct_asana.deployment import mappings_folder, schema_file
from intacct_asana.errors import Misconfigured
from intacct_asana.flow.load import load_flow, load_flows
from intacct_asana.flow.model import Flow
from intacct_asana.flow.words import Slug, Timezone, did_you_mean
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the options said; empty where they said nothing. `talks` is whether somebody is there to be asked."""

    flow: str
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
            _raise_if_there(early, force=force)
        choice, company, space = _chosen(asked)
        path = to or mappings_folder() / f"{choice.flow}.yaml"
        _raise_if_there(path, force=force)
        made = _written(path, choice, force=force)
        rows = rows_of(made)
        if as_json:
            print_json(_told(path, choice, company, rows))
        else:
            _print(path, choice, company, space, rows)
        if any(_is_wrong(row) for row in rows):
            raise typer.Exit(FINDINGS)


def _check_words(asked: Asked) -> None:
    """What can be wrong with the options themselves, before anybody is asked anything."""
    for option, said, kind in (("--flow", asked.flow, Slug), ("--timezone", asked.timezone, Timezone)):
        if said and (flaw := _flaw(said, kind)):
            raise typer.BadParameter(f"{option} {flaw}.")


def _flaw(said: str, kind: Any) -> str:
    """What is wrong with a word, as a flow file would be told; empty for nothing."""
    try:
        TypeAdapter(kind).validate_python(said)
    except ValidationError as error:
        told = error.errors()[0]
        mend = told.get("ctx", {}).get("mend")
        return f"{told['msg']} ({mend})" if mend else str(told["msg"])
    return ""


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
    flow = asked.flow or _answer("Name of the flow", slug(company.company_id), talks=asked.talks)
    while asked.talks and (flaw := _flaw(flow, Slug)):
        beside().print(escape(f"  It {flaw}."))
        flow = _answer("Name of the flow", slug(company.company_id), talks=True)
    free = _free(space, flow=flow)
    bills = _project("bills", asked.bills, free, words=MONEY_WORDS, talks=asked.talks)
    left = [one for one in free if one[0] != bills.gid]
    vendors = _project("vendors", asked.vendors, left, words=VENDOR_WORDS, talks=asked.talks)
    found = candidates(space.people, company.users, me=space.me.gid)
    approvers = _approvers(asked, found)
    currencies, base = _currencies(asked, company)
    limit = _limit(asked, currencies)
    stamp, missing = stamp_of(company.text_fields)
    private = bool(company.hidden_bills) and _switch(
        f"Read the {company.hidden_bills:,} bills of private entities too", asked.private, talks=asked.talks
    )
    if asked.stamp and not stamp:
        raise typer.BadParameter(
            f"Bills of {company.company_id} lack custom text fields for a stamp: {', '.join(missing)}. Have an administrator "
            "add them (docs/connect-real-accounts.md), or say --observe."
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
        entities=_entities(asked, company),
        seen_entities=[one.entity_id for one in company.entities if one.entity_id],
        show_private=private,
        hidden_bills=company.hidden_bills or 0,
        reads_payments=company.may_read_payments,
        stamp=stamp if stamps else {},
        missing_stamp=missing,
        timezone=asked.timezone,
    )


# What is asked


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
            answer = str(typer.prompt(f"Number of the {what}", default=default, err=True))
            named = known[int(answer) - 1][0] if answer.isdecimal() and 0 < int(answer) <= len(known) else ""
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


def _approvers(asked: Asked, found: Sequence[Approving]) -> list[Approving]:
    known = {one.email: one for one in found}
    emails = [email.lower() for email in asked.approvers]
    if not emails and asked.talks and known:
        for one in found:
            logins = ", ".join(one.logins or ()) or "no login in Intacct that is known"
            beside().print(escape(f"       {one.email}  {one.name}; {logins}"))
        default = ",".join(one.email for one in proposed(found))
        emails = (
            str(typer.prompt("Who may approve, with commas between", default=default, err=True))
            .lower()
            .replace(",", " ")
            .split()
        )
    if wrong := [email for email in emails if email not in known]:
        near = did_you_mean(wrong[0], known) if known else "Asana tells of nobody that they are a member"
        raise typer.BadParameter(
            f"{wrong[0]} cannot be an approver: no member of the workspace with this address, a guest, this integration's own "
            f"user, or somebody whose login in Intacct is not active ({near})."
        )
    if not emails and not known:
        raise Misconfigured(
            "There is nobody who could approve: Asana tells of nobody in the workspace that they are a member and no guest. "
            "Let this integration's user see the members of the workspace."
        )
    return [known[email] for email in dict.fromkeys(emails)] or proposed(found)


def _currencies(asked: Asked, company: Company) -> tuple[Sequence[str], str]:
    """Those that limits are in, and the base currency that the file has to name."""
    if company.tells_currency:
        return company.currencies, ""
    base = asked.base_currency or (_answer("Base currency of the company", "", talks=True).upper() if asked.talks else "")
    if not base:
        raise typer.BadParameter(
            f"The bills of {company.company_id} do not tell their base currency, and limits are in one. Give --base-currency."
        )
    return (base,), base


def _limit(asked: Asked, currencies: Sequence[str]) -> Decimal:
    text = asked.limit or _answer(
        f"The highest amount that each may approve, in {' and in '.join(currencies)}", LIMIT, talks=asked.talks
    )
    with suppress(InvalidOperation):
        if (amount := Decimal(text)).is_finite() and amount >= 0 and amount == amount.quantize(Decimal("0.01")):
            return amount
    raise typer.BadParameter(f"--limit {text!r} is no amount; write digits and a point, as in 10000.00.")


def _entities(asked: Asked, company: Company) -> Sequence[str]:
    known = [one.entity_id for one in company.entities if one.entity_id]
    if wrong := [one for one in asked.entities if one not in known]:
        near = did_you_mean(wrong[0], known) if known else "no bill tells of an entity"
        raise typer.BadParameter(f"There is no entity {wrong[0]!r} with a bill of the last months ({near}).")
    return asked.entities


def _answer(question: str, default: str, *, talks: bool) -> str:
    return str(typer.prompt(question, default=default or None, err=True)).strip() if talks else default


def _switch(question: str, said: bool | None, *, talks: bool) -> bool:
    """What an option said, or somebody says; yes where nobody does."""
    return said if said is not None else typer.confirm(question, default=True, err=True) if talks else True


# What is written


def _names(choice: Choice, fields: dict[str, ProjectFields]) -> dict[str, str]:
    flow = _loaded(flow_text(choice))
    return {
        old: new
        for kind, there in fields.items()
        for old, new in renamed(required_fields(flow, kind), there.own, there.shared).items()
    }


def _loaded(text: str) -> Flow:
    """The flow of a text, by way of a file that goes again. Raises Misconfigured for what a flow file does not take."""
    with NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        return load_flow(Path(file.name))


def _raise_if_there(path: Path, *, force: bool) -> None:
    if path.is_dir():
        raise Misconfigured(f"{path} is a folder. Nothing was written; --to names a file.")
    if path.exists() and not force:
        raise Misconfigured(f"{path} is there already. Nothing was written; --force writes over it, --to names another file.")


def _written(path: Path, choice: Choice, *, force: bool) -> Flow:
    """The file, whole or not at all, and beside it the schema by which editors complete it."""
    text = flow_text(choice)
    _loaded(text)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        schema = path.parent / "flow.schema.json"
        if not schema.exists():
            schema.write_bytes(schema_file().read_bytes())
        with NamedTemporaryFile("w", dir=path.parent, prefix=".", suffix=".new", encoding="utf-8", delete=False) as new:
            new.write(text)
        try:
            Path(new.name).chmod(0o644)
            if force:
                os.replace(new.name, path)
            else:
                os.link(new.name, path)
        finally:
            Path(new.name).unlink(missing_ok=True)
    except FileExistsError:
        _raise_if_there(path, force=False)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be written: {error.strerror}.") from error
    return load_flow(path)


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
