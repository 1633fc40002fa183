"""A stand-in for Asana's REST API: tasks, typed fields, stories, events, limits and webhooks, with state.

Settings, by POST /_sandbox/settings; each chooses where Asana's behaviour depends on the plan or is not documented:

    asana_free_plan (false)               custom fields are answered with 402
    asana_requests_per_minute (1500)      over it: 429
    asana_window_seconds (60)             no span of that length holds more than its share of the minute
    asana_max_reads (50), asana_max_writes (15)   more at once: 429
    asana_latency_ms (0)                  wait within each call
    asana_names_refused_fields (true)     a refusal of a locked, hidden or removed field names its gid
    asana_local_names_unique (false)      a project's own field may not have a name of the workspace's
    asana_fields_per_project (none)       more custom fields on a project are refused
    asana_field_stories_on_create (false) a new task's fields leave stories
    asana_option_names_in_stories ("then") a renamed option has in older stories its name of "then", or of "now"
    asana_untold ([])                     attributes that no answer tells, as in "story.is_edited", "story.source",
                                          "workspace_membership.is_guest", "task.created_by", "user.email"
    asana_odd_values ({})                 values of another form in answers, by gid of a task or story and path, as in
                                          {"<task>": {"custom_fields.Amount.number_value": "lots"}}
    asana_keeps_otherwise ({})            what becomes of a written value, by field's name, "name" or "due_on": "trimmed"
                                          (blanks), "cut:10" (its first characters), "days:-1"
    asana_trashed_task (404)              reading a deleted task: 404 or 403
    asana_offset_minutes (15)             how long a page token lives
    asana_pages_in_a_circle (false)       the second page of a list leads to itself
    asana_sync_token_hours (24)           how long an events token lives
    asana_refuse_older_tokens (false)     only the newest events token is good
    asana_listing_delay_seconds (0)       a new task is in the lists of tasks this much later
    asana_events_never_end (false)        each page of events says that there are more
    asana_event_delay_seconds (0)         events are told this much later
    asana_task_changed_events (true)      changes of tasks are events, not only stories
    asana_approvals_stay_approvals (false)  an approval that is made an ordinary task stays one
    asana_pages ("https://app.asana.com")  where links to tasks and projects lead; the sandbox's own URL keeps them here
    asana_ticked_approval_story ("status")  the history tells of an approval that was ticked by its "status", or as of any
                                          task, by its "completion"
    asana_webhook_loopback (true)         webhooks may lead to this machine; Asana's own answer is 403
    asana_webhook_secret ("same")         the secret in the answer to a registration: the "same", an "other" one, or "none"
    asana_webhook_retry_seconds (0.2)     wait before a delivery is tried again
"""
