"""What a report may say of other people's texts: words that any error may use, codes, names of fields; the rest is `…`.

A text is never searched for what is secret in it. Only what is known to be nobody's comes through, so that a vendor's name
in an error cannot, whatever it is.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from intacct_asana.intacct.records import (
    BILL_NEEDED,
    BILL_WISHED,
    LINE_NEEDED,
    LINE_WISHED,
    USER_NEEDED,
    USER_WISHED,
    VENDOR_NEEDED,
    VENDOR_WISHED,
)

GAP = "…"
LONGEST = 400

CODE = re.compile(
    r"[A-Z]{2}\d{8}|GW-\d{4}|XMLGW_[A-Z]{3}\d{4}|(GL|AP|BL|CO|IA|INT|PL|REST|SBX|XL)-\d{1,5}|invalidRequest|tokenInvalid|"
    r"IA\.[A-Z_]{3,80}"
)
"""Numbers of errors, of which a text may have some too."""

CODE_ALONE = re.compile(r"[1-5]\d\d|[a-z]{2,20}([A-Z][a-z]{1,20}){1,4}")
"""What is one where nothing else is expected: HTTP's, and the words of the REST API, as in `notFound`."""

QUOTED = re.compile(r"(?<![A-Za-z])'[^']*'|\"[^\"]*\"|“[^”]*”|‘[^’]*’|\[[^\]]*\]|`[^`]*`")
CORE = re.compile(r"^[^\w…]*(.*?)[^\w…]*$", re.DOTALL)

NAMES = frozenset(
    [
        *BILL_NEEDED, *BILL_WISHED, *LINE_NEEDED, *LINE_WISHED, *VENDOR_NEEDED, *VENDOR_WISHED, *USER_NEEDED, *USER_WISHED,
        "APBILL", "APBILLITEM", "APBILLITEMS", "VENDOR", "APPYMT", "APPYMTDETAIL", "APBILLBATCH", "USERINFO", "AUDITHISTORY",
        "PODOCUMENT", "SUPDOC", "ACTION", "READ", "READ_BY_QUERY", "CREATE", "UPDATE", "DELETE", "XML", "API", "HTTP", "ID",
        "RECORDNO", "JSON", "SSL", "TLS", "DTD", "UTF-8", "PCDATA", "GET", "POST", "PUT", "REST", "ISO-8601", "GID", "OK",
    ]
)  # fmt: skip
"""Names of objects and fields that are the vendor's own."""

WORDS = frozenset(
    """
    a about above accept acceptable accepted access account accounts action active add added admin administrator after
    again all allow allowed already also an and another any apbill apbillitem apbills api applied approval
    approval_status approvals approve approved are array as asana asked at attachment audit audithistory
    authentication authorization authorize authorized available back bad be because been before being below between
    bill bills boolean but by call called calls can can't cannot changed changes character characters check client
    closed code company complete completed concurrent configuration conform connect connection contact contain
    contains content control correct could couldn't create created currency current custom custom_field custom_fields
    data database date day days declined default defined definition delete deleted denied department description
    detail details did do document documentation does doesn't don't done draft due due_at due_on duplicate each edit
    element elements empty enabled end ended endpoint ensure enter entire entity entry enum enum_option error errors
    exceed exceeded exceeds exist existing exists expected expired expression external failed failure fatal field
    fields file filter find following for forbidden format found from function functions gateway general get give
    given go group had has have header help hold how html https id identifier if ignored in incorrect information
    inside instead intacct integer internal invalid is isn't it item items its json key keys kind known larger last
    later least length less level limit limits line lines list listed locked log login long longer longest lookup make
    manage many match matching max maximum may message method minimum minutes missing more most must name names need
    needed needs new next no non non-financial none not notes nothing null number object objects of off offset old on
    once one only open operation operations opt_fields option or order organization other otherwise out over own page
    pages pagination paid parameter parameters parent parse part partner password payload payment payments pending
    period periods permission permissions please policy possible posted preferences privilege privileges problem
    process processed processing project projects property provide provided provider query rate reached read
    read_by_query reading reason recognized record records reference refused released remove report request requested
    requests require required requires reset resource resource_subtype response rest restricted result results retry
    return returned right role rollback rolled route rows rule rules same save saved says schema second seconds see
    select selected send sender sent server service services session session's set should sign sign-in signin single
    size some something spaces special specified specify start state states status still stopped string structure
    submit submitted submitting subscription success successful such support supported sync system table task tasks
    temporarily terms text text_value than that that's the their them then there these they this those through time
    timed timeout times to token too total transaction transport true try trying type types unable unauthorized
    unexpected unique unknown unless unsupported until update updated updates url use used user userinfo users valid
    value values vendor vendors version view wait was way we web webhook were what when where whether which while who
    will with within without workspace write writes writing wrong xml yes yet you you've your
    """.split()  # noqa: SIM905 - a hundred lines of quotes would hide the words
)
"""What error messages are made of. No name of anybody's, so a business text loses all but its plainest words."""


TITLES = frozenset(
    """
    Another Approval Approved Authorization Authorized Bill Create Created Declined Delete Deleted Draft Error Failed
    Fatal Field Found Get Id In Invalid Not Object Operation Organization Paid Parse Partially Partner Please Posted
    Query Read Record Request Required Reversed Selected Services Session Submitted Support Sync Type Unknown Update
    Updated Use User Value Vendor Web Workspace
    """.split()  # noqa: SIM905 - as above
)
"""Words that errors write with a capital in the middle of a sentence. Another one there may be a name: `Project One Ltd`."""


def masked(text: str, *, longest: int = LONGEST) -> str:
    """`text` with everything that is not one of the words, names and codes above left out; what is quoted wholly."""
    plain = html.unescape(html.unescape(text[:4000]))
    plain = re.sub(r"</?[A-Za-z][^<>]*>", " ", plain)
    said = " ".join(_words(QUOTED.sub(f" {GAP} ", plain).split()))
    said = re.sub(rf"{GAP}(\s*{GAP})+", GAP, said)
    return said if len(said) <= longest else f"{said[:longest].rsplit(' ', 1)[0]} {GAP}"


def _words(words: Iterable[str]) -> Iterator[str]:
    begins = True
    for word in words:
        yield _word(word, begins=begins)
        begins = word[-1:] in ".:!?/|"


def _word(word: str, *, begins: bool) -> str:
    core = found.group(1) if (found := CORE.match(word)) else ""
    if not core:
        return word if not any(letter.isalnum() or letter == GAP for letter in word) and len(word) < 3 else GAP
    is_plain = core.lower().replace("’", "'") in WORDS and (begins or core.islower() or core in TITLES)
    return word if (core in NAMES or CODE.fullmatch(core) or is_plain) and GAP not in word else GAP


def code_of(code: str | None) -> str:
    """An error's number as it is; one that is a sentence as far as its words are nobody's."""
    text = (code or "").strip()
    return text if CODE.fullmatch(text) or CODE_ALONE.fullmatch(text) else masked(text, longest=60)


def form_of(text: str) -> str:
    """The shape of a time, a day, a number or a key: digits as `9`, letters as `A`, so `09/16/2013` is `99/99/9999`."""
    shape = re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "9", text.strip()))
    return re.sub(r"[^9A/:.,+\- _TZ]", "?", shape[:40]) or "empty"


def number_form(text: str) -> str:
    """The shape of a number or key of any length, so that its size is not told: `9.9`, `-9`, `9--AAA`."""
    return re.sub(r"A+", "A", re.sub(r"9+", "9", form_of(text)))


def counted(values: Iterable[str]) -> dict[str, int]:
    """How often each of the values comes, the most frequent first."""
    return dict(Counter(values).most_common())


def among(values: Iterable[str], known: Iterable[str], *, empty: str = "empty") -> dict[str, int]:
    """How often each known word comes; everything else is `another word`, since it may be anybody's."""
    words = {word.casefold(): word for word in known}
    return counted((words.get(value.casefold(), "another word") if value else empty) for value in values)


API_WORD = re.compile(r"[a-z][a-z_]{1,39}")


def api_words(values: Iterable[object]) -> dict[str, int]:
    """How often each of Asana's own words comes, as in `web` or `comment_added`; what has not the form of one is not told."""
    return counted(map(api_word, values))


def api_word(value: object) -> str:
    return value if isinstance(value, str) and API_WORD.fullmatch(value) else "absent"
