"""How sure we are of what the sandbox plays: `python -m sandbox.fidelity` writes docs/fidelity.md.

A behaviour is documented where its vendor says it or a recording of the live service shows it, reported where users or other
people's code say it, and guessed where nobody does. What is guessed and matters has a setting that plays the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import sandbox.asana
import sandbox.gateway
from sandbox.asana import router
from sandbox.asana.routes.calls import ROUTES
from sandbox.asana.routes.unplayed import UNPLAYED

PAGE = Path(__file__).resolve().parents[1] / "docs" / "fidelity.md"
_ORDER = DOCUMENTED, REPORTED, GUESSED = ("documented", "reported", "guessed")

ASANA = (
    ("Errors come as `errors` with message and help; a 500 has a phrase", DOCUMENTED),
    ("An unknown path or method is 404 `No matching route for request`, before anybody looks at the token", DOCUMENTED),
    ("401 says `Not Authorized`; a refused refresh token has OAuth's shape", DOCUMENTED),
    ("What is made answers 201 with a Location; an attachment 200", DOCUMENTED),
    ("Pages: `limit` 1 to 100, opaque offsets that expire; without a limit more than 1,000 rows are refused", DOCUMENTED),
    ("Events: 412 with a new token for a missing, unknown or day-old one; at most a hundred a page; may be lost", DOCUMENTED),
    ("Webhooks: handshake with X-Hook-Secret, signature over the body, deleted after a day without success", DOCUMENTED),
    ("1,500 requests a minute (150 on the free plan), 50 reads and 15 writes at once, Retry-After", DOCUMENTED),
    ("How the minute is counted within itself", GUESSED),
    ("Rich text: a short list of tags under `<body>`, anything else is 400", DOCUMENTED),
    ("Malformed rich text on create is answered with words about workspaces and projects", REPORTED),
    ("A numeric character reference in rich text shows as its source", REPORTED),
    ("Wrong shapes of a people field answer 200 and change nothing", REPORTED),
    ("Whoever did not lock a field is refused with 403 when writing it", DOCUMENTED),
    ("That refusal names the field", GUESSED),
    ("A task with a parent is not put into its `projects`, in silence", REPORTED),
    ("The status of an approval and `completed` go together, a rejection completes too", DOCUMENTED),
    ("Adding a task to a project or a section does not move its `modified_at`", DOCUMENTED),
    ("Values that a task is made with leave no stories", GUESSED),
    ("A task has at most 30 dependencies and dependents together; adding one again does nothing", DOCUMENTED),
    ("A ring of dependencies is refused", GUESSED),
    ("Task counts answer nothing but what opt_fields names; milestones are tasks", DOCUMENTED),
    ("Typeahead answers gid, type and name, at most 100, 20 unless told", DOCUMENTED),
    ("Typeahead looks for the text anywhere in the name, those that begin with it first", GUESSED),
    ("Search is for those who pay (402), answers at most 100 in no pages, the latest change first", DOCUMENTED),
    ("Search: `projects.any` and `sections.any` are one filter; custom fields by is_set, value and by kind", DOCUMENTED),
    ("The words of a refused search, and what `before` and `after` do with the time itself", GUESSED),
    ("The older project memberships: full_write for admins and editors, else comment_only", GUESSED),
    ("A project that is made without a privacy is the workspace's, and that shows as a membership of everybody", GUESSED),
    ("Files of a project are its key resources", DOCUMENTED),
    ("Projects: `archived` picks, and without it both come; `opt_fields` of each attribute that is played", DOCUMENTED),
    ("OAuth: refresh, an hour's life, revocation of the refresh token and with it of every access token", DOCUMENTED),
    ("OAuth: the answer to a revocation of what nobody knows", GUESSED),
    ("Memberships of teams by team, by user, one by one", DOCUMENTED),
    ("Teams of a workspace by the path of organizations", REPORTED),
    ("Portfolios: the list, which is empty; each call that would make one is 501", DOCUMENTED),
)
INTACCT = (
    ("Business errors answer HTTP 200; levels control, authentication, result", DOCUMENTED),
    ("Texts, numbers and levels of failed logins (two generations of the front gateway)", DOCUMENTED),
    ("`uniqueid` is on when it is left out, and looks at the functions' control ids", DOCUMENTED),
    ("How a repeated control id is answered", REPORTED),
    ("Sessions slide; their length is the company's", DOCUMENTED),
    ("`transaction` rolls back, and what had run says aborted", DOCUMENTED),
    ("`query`: operators, one node under filter, pages to 2,000, dotted names, showprivate", DOCUMENTED),
    ("`query`: aggregates, a sum under the plain name, the others with a prefix; plain fields beside them group", DOCUMENTED),
    ("`query`: the order of groups, and offset and pagesize counting groups", GUESSED),
    ("`readByQuery`: operators, AND, OR, NOT, escaped quotes, no joins, codes of STATE", DOCUMENTED),
    ("`readByQuery`: `STATUS = 'T'` and `'F'`", DOCUMENTED),
    ("`readByQuery`: brackets, and that AND binds closer than OR; codes of other statuses", GUESSED),
    ("`readMore` by resultId or object", DOCUMENTED),
    ("`readMore` by object goes on with the same user's last readByQuery of it", GUESSED),
    ("`readRelated` works on custom objects only", DOCUMENTED),
    ("The words of its refusal for others", GUESSED),
    (
        "`get` and `get_list`: attributes, filter, sorts; the elements of bill and vendor, and `listtype` before the data",
        DOCUMENTED,
    ),
    ("`get` and `get_list`: an object that the schema does not list fails the request", DOCUMENTED),
    ("`get` and `get_list`: a hundred items where none are said; where `get` has its listtype; an empty list", GUESSED),
    ("`get` and `get_list`: one expression in a `logical`, custom fields in a filter, what unknown names come to", GUESSED),
    ("`lookup`: Type, Fields, Relationships, VALIDVALUES, ISCUSTOM", DOCUMENTED),
    ("`lookup`: READONLY, REQUIRED, types and values of every object, as one company's lookups show them", DOCUMENTED),
    ("`lookup`: that a label is no leave to write", GUESSED),
    ("`inspect`: its request, the list for `*`, and what stands in a Field of an integer", DOCUMENTED),
    ("`inspect`: the names of other data types, lengths and ids", GUESSED),
    ("`getAuditTrail`: its request, and every element of auditTrailDetail", DOCUMENTED),
    ("`getAuditTrail`: the attributes of data, the order of events", GUESSED),
    ("`readEntityDetails` and `getDimensions`: their elements", DOCUMENTED),
    ("`readEntityDetails` in an entity tells of this one", GUESSED),
    ("`returnformat` json and csv fail: nobody says what they look like", GUESSED),
    ("`read` of a bill brings its lines", REPORTED),
    ("An update without ACTION submits a draft", DOCUMENTED),
    ("Which states of a bill take an update, and the words of a refusal", GUESSED),
    ("Lines that are not sent along are deleted; LINE_NO or RECORDNO names one", DOCUMENTED),
    ("A draft needs neither vendor nor dates, everything else needs all three", DOCUMENTED),
    ("A draft may be given another vendor", GUESSED),
    ("BASECURR of a new bill", DOCUMENTED),
    ("At top level BASECURR chooses the entity that keeps its books in it", GUESSED),
    ("What a page documents as a field of a vendor, bill or line is read as it was written; taxes fail in words", DOCUMENTED),
    ("DUE_IN_DAYS counts up once a bill is overdue, and is negative before", DOCUMENTED),
    ("A vendor's contacts: DISPLAYCONTACT is the default of the others, a list that is sent replaces the list", DOCUMENTED),
    ("`read` of a vendor shows the contact list as VENDORCONTACTS", GUESSED),
    ("APPYMT: created, updated as a draft alone with all its details, deleted", DOCUMENTED),
    ("APPYMT: what `delete` takes besides drafts; discounts by date, credits and advances fail in words", GUESSED),
    ("Object-specific functions of bills, vendors and payment requests: names, children, keys, order", DOCUMENTED),
    ("Object-specific functions ask for the rights of their generic ones; only an approved payment can be confirmed", GUESSED),
    ("Object-specific functions: that an update answers a key; what a reversal is called; the due date of a term", GUESSED),
    ("`approveVendor`, `declineVendor`, `decline` of PODOCUMENT", DOCUMENTED),
    ("What getVendorsToApprove, getVendorApprovalHistory and getTransactionsToApprove answer", GUESSED),
    ("Change times are in the zone of the user, AUWHENCREATED is GMT", REPORTED),
    ("Codes of bill states after Posted", GUESSED),
    ("No function approves or declines a bill", DOCUMENTED),
    ("Native approval over REST: paths, states, answers", DOCUMENTED),
    ("What REST answers about a dead token or an unknown bill", GUESSED),
)
_SETTING = re.compile(r"^    (\w+(?: \(.*?\))?(?:, \w+(?: \(.*?\))?)*)(?:\s+(.*))?$")


def page() -> str:
    """The whole page as Markdown."""
    return "\n".join(_lines()) + "\n"


def settings(described: str | None) -> dict[str, str]:
    """Names with their defaults, and what they choose, from a package's docstring."""
    found: dict[str, str] = {}
    names = ""
    for line in (described or "").splitlines():
        if starts := _SETTING.match(line):
            names = starts[1]
            found[names] = starts[2] or ""
        elif names and line.startswith("     "):
            found[names] = f"{found[names]} {line.strip()}".strip()
    return found


_HEAD = """# How true the sandbox is

Written by `python -m sandbox.fidelity`; a test holds it against the code. *Documented*: the vendor says so, or a recording of
the live service shows it. *Reported*: users or other people's code say so. *Guessed*: nobody does. Nothing here was tried on a
live company or workspace; `script/prove-live` asks one (docs/prove-live.md).
"""


def _lines() -> Iterator[str]:
    assert router.LOADED
    yield _HEAD
    for title, behaviours in (("Asana", ASANA), ("Intacct", INTACCT)):
        yield f"## {title}\n"
        yield from _table(("behaviour", "how we know"), sorted(behaviours, key=lambda row: _ORDER.index(row[1])))
    played, left = (sum(map(len, table.values())) for table in (ROUTES, UNPLAYED))
    yield f"Of Asana's API {played} routes are played, and a test holds their answers against Asana's description; {left} are"
    yield "not, and answer 501.\n"
    yield "## Where a setting chooses\n"
    yield "What is configurable over there, differs by plan, or is guessed and matters. The default stands in brackets.\n"
    for title, package in (("Asana", sandbox.asana), ("Intacct", sandbox.gateway)):
        yield f"### {title}\n"
        yield from _table(
            ("setting", "what it chooses"), [(f"`{name}`", what) for name, what in settings(package.__doc__).items()]
        )


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
