"""What preflight makes when it is told to: fields, options and sections that are not there, each once.

Asana has no call that makes a thing only when it is missing. So one process at a time makes things, each looks first, and
after a lost answer it looks again. One thing that cannot be made keeps nothing else from being made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial

from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, Problem, Refused
from intacct_asana.operators.checks import Row, failed, passed
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.pins import Gaps, gaps_of, required_fields, required_sections, shared_field
from intacct_asana.records import FieldDefinition, FieldNeed, Pins

DOCUMENTED_FIELDS = 20
"""Custom fields of a project, as far as Asana's documentation goes; more have been seen."""

OPTION_CURE = "unlock the field, or use one with fewer options: Asana counts the disabled ones too"
LEASE = "making what is missing in Asana"


def make_missing(
    run: FlowRun, kind: str, project_gid: str, *, needs: Sequence[FieldNeed], sections: Sequence[str], known: Pins | None
) -> Iterator[Row]:
    """A row for each thing that was made, or could not be, with its cure. What is there but wrong is left to people.

    Raises TryLater while another run is at it.
    """
    with run.store.lease(LEASE, now=run.now()):
        yield from _Maker(run, kind, project_gid, needs=needs, sections=sections, known=known).rows()


def missing(run: FlowRun) -> list[str]:
    """What `make_missing` would make in both projects of the flow: names of fields, options and sections. Makes nothing."""
    names: list[str] = []
    for kind, project in (("vendor", run.flow.vendors.project), ("bill", run.flow.bills.project)):
        needs, sections = required_fields(run.flow, kind), required_sections(run.flow, kind)
        gaps = _Maker(run, kind, project, needs=needs, sections=sections, known=run.store.pins(kind)).gaps()
        names += [*(need.name for need in gaps.fields), *(name for _, name in gaps.options), *gaps.sections]
    return names


class _Maker:
    """One project."""

    def __init__(
        self,
        run: FlowRun,
        kind: str,
        project_gid: str,
        *,
        needs: Sequence[FieldNeed],
        sections: Sequence[str],
        known: Pins | None,
    ) -> None:
        self.run, self.kind, self.project_gid = run, kind, project_gid
        self.needs, self.sections, self.known = needs, sections, known

    def rows(self) -> Iterator[Row]:
        gaps = self.gaps()
        for need in gaps.fields:
            make, lacks = partial(self._field, need), partial(self._lacks, "fields", need)
            yield self._row(f"field {need.name}", make, lacks, cure=partial(self._cure, need))
        for pair in gaps.options:
            make, lacks = partial(self._option, *pair), partial(self._lacks, "options", pair)
            yield self._row(f"option {pair[1]}", make, lacks, cure=lambda _: OPTION_CURE)
        for name in gaps.sections:
            make, lacks = partial(self._section, name), partial(self._lacks, "sections", name)
            yield self._row(f"section {name}", make, lacks, cure=lambda _: "add it in Asana by hand")
        yield from self._many_fields(gaps)

    def gaps(self) -> Gaps:
        board = self.run.unpinned_board
        definitions, sections = board.setup.field_definitions(self.project_gid), board.setup.sections(self.project_gid)
        return gaps_of(self.needs, definitions, sections, section_names=self.sections, known=self.known)

    def _lacks(self, part: str, thing: object) -> bool:
        return thing in getattr(self.gaps(), part)

    @cached_property
    def _shared(self) -> Sequence[FieldDefinition]:
        return self.run.unpinned_board.setup.workspace_fields(self.project_gid)

    def _row(self, what: str, make: Callable[[], str], lacks: Callable[[], bool], *, cure: Callable[[str], str]) -> Row:
        check = f"Asana {self.kind} project: {what}"
        try:
            return passed(check, make())
        except OutcomeUnknown as error:
            if not lacks():
                return passed(check, "created; its answer was lost")
            mend = "run preflight again: it looks before it makes anything"
            return failed(check, Problem(where="Asana", what=error.message, mend=mend))
        except (Refused, Misconfigured) as error:
            return failed(check, Problem(where="Asana", what=error.message, mend=cure(error.code or "")))

    def _field(self, need: FieldNeed) -> str:
        """The workspace's own field of this name where it fits, else a new one."""
        shared, fits = shared_field(need, self._shared)
        if shared and fits:
            self.run.unpinned_board.setup.attach_field(self.project_gid, shared.gid)
            return f"the workspace's field {shared.gid} of this name was added"
        self.run.unpinned_board.setup.create_field(self.project_gid, need)
        return "created"

    def _option(self, field_gid: str, name: str) -> str:
        self.run.unpinned_board.setup.add_option(field_gid, name)
        return f"created in field {field_gid}"

    def _section(self, name: str) -> str:
        self.run.unpinned_board.setup.create_section(self.project_gid, name)
        return "created"

    def _cure(self, need: FieldNeed, code: str) -> str:
        if code == "402":
            return "custom fields need a paid Asana plan"
        try:
            shared, _ = shared_field(need, self._shared)
        except IntacctAsanaError:
            shared = None
        if shared:
            return (
                f"the name is taken by the workspace's field {shared.gid} of kind {shared.kind}, which does not fit: "
                "write another name in the flow file, or rename that field"
            )
        if code == "403":
            return "make the integration's user an editor of the project who may add fields"
        return f"choose another name in the flow file, or make a field of kind {need.kind} by hand"

    def _many_fields(self, gaps: Gaps) -> Iterator[Row]:
        count = len(self.run.unpinned_board.setup.field_definitions(self.project_gid)) if gaps.fields else 0
        if count > DOCUMENTED_FIELDS:
            check = f"Asana {self.kind} project: number of fields"
            yield passed(
                check, f"{count}; Asana documents {DOCUMENTED_FIELDS} for a project, so a refusal would come from there"
            )
