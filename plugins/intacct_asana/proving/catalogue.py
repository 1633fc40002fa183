"""All questions, in the order in which they are asked: those that matter most to the code come first, those that write last."""

from __future__ import annotations

from intacct_asana.proving import (
    asana_reads,
    asana_writes,
    intacct_answers,
    intacct_records,
    intacct_times,
    intacct_values,
    intacct_writes,
    rest_reads,
)
from intacct_asana.proving.question import Question

ALL: tuple[Question, ...] = tuple(
    sorted(
        (
            *intacct_times.QUESTIONS,
            *intacct_answers.QUESTIONS,
            *intacct_records.QUESTIONS,
            *intacct_values.QUESTIONS,
            *rest_reads.QUESTIONS,
            *asana_reads.QUESTIONS,
            *intacct_writes.QUESTIONS,
            *asana_writes.QUESTIONS,
        ),
        # What is slow waits for hours, and what writes may be declined: neither is to stand before a quick answer.
        key=lambda question: (question.slow, bool(question.writes)),
    )
)
