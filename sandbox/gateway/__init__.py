"""A stand-in for Sage Intacct's XML gateway: reading, writing, the object-specific functions, with state and faults.

Settings, by POST /_sandbox/settings; each chooses where Intacct's behaviour is configurable or not documented:

    session_minutes (60)              inactivity that ends a session, sliding
    session_hard_minutes (none)       a session ends this long after its login whatever it does; answers do not tell
    sessiontimestamp ("now")          what answers tell as sessiontimestamp: "now" or the "login"
    intacct_endpoint (own URL)        the endpoint that getAPISession answers
    intacct_pages ("https://www.intacct.com")  where RECORD_URL leads; the sandbox's own URL keeps it here
    bad_sender ("control")            a wrong sender: "control" (200, XL03000006) or "gateway" (400, GW-0011)
    bad_login ("authentication")      a wrong password: "authentication" (200) or "gateway" (401, XMLGW_JPP0002)
    dead_session ("authentication")   a session that has ended: "authentication" (200) or "gateway" (401, XMLGW_JPP0002)
    dead_session_says (none)          the words about it, instead of "Invalid session <start>...."
    sender_authorized (true)          whether the sender may talk to this company
    denied_objects ([])               objects that query, read and writes refuse; lookup does not ask
    denied_fields ([])                fields that writes may not touch for want of a right, as "APBILL.ONHOLD"
    broken_objects ([])               objects whose reading ends with the server's general error, DL02000001
    leaves_out_rows_of ([])           objects of which each page of a query lacks a row; its totals tell
    totals_hide_what_is_left_out (false)  the totals of such a page fit all the same
    audit_object_key ("recordno")     OBJECTKEY of audit rows: "recordno", or "rec" for `<RECORDNO>--REC`
    audit_delay_seconds (0)           audit rows are seen this long after what they tell of
    audit_names_fields (none)         a field of AUDITHISTORY, as "CHANGEDFIELDS", in which edits of vendors name the fields
                                      that they changed; none is documented
    private_entities (["UK01"])       hidden at top level without showprivate
    missing_custom_fields ([])        custom fields that nobody has created
    missing_fields ([])               fields that this company does not have, as "APBILL.TERMNAME"
    error_details ("last")            where control may hold showadditionalerrorinfo: "last", "anywhere", or "refused"
    login_leads_to (as asked)         the entity that a login's answer names, whatever the login asked for
    shown_values ({})                 how else fields write a value: {"APBILL.WHENDUE": "iso", "APBILL.ONHOLD": {"true": "1"},
                                      "APBILLITEM.LINE_NO": {"1": "1A"}, "APBILL.TOTALDUE": {"0": "-9.09E-13"}},
                                      for one row by `#` and its number: {"APBILL.STATE": {"#41": "Parked"}}
    gmt_offset_minutes (0)            zone of timestamps but AUWHENCREATED and ACCESSTIME; readUserFormatting tells it
    company_zone (none)               WHENMODIFIED and creation times go by this zone's clocks, as "America/Los_Angeles": those
                                      that are set back come twice
    user_locale, user_dateformat, user_clock ("en_US", "/mdY", "24")
    duplicate_answer ("no_status")    a repeated control id: a result without status, or an "error"
    custom_field_update_states        states whose bills take custom fields and the hold (all but settled ones)
    draft_update_submits (true)       an update of a draft without ACTION submits it
    approvals_on (true)               a submitted bill waits for approval instead of being posted
    refuses_release (false)           a bill on hold stays on hold
    update_needs_when_due (false)     an update of a bill without WHENDUE is refused: true, or the states in which it is
    update_needs_action (false)       the same for ACTION
    books_closed_through (none)       a day, as "2026-06-30": summaries (APBILLBATCH) up to it are Closed
    closed_books_refuse ("changes")   what a bill of a closed summary does not take: "changes" of other than custom fields and
                                      the hold, "everything", or "nothing"
    custom_field_length (255)         the longest text of a custom field; by field as {"ASANA_DECISION_REASON": 80}
    failed_create_tells ("count")     a create that made nothing: with `<data count="0"/>`, or "nothing" but its errors
    custom_field_too_long ("refuse")  what happens to a longer one: "refuse", or "cut" in silence
    login_fields_hold ("login")       CREATEDBYLOGINID, MODIFIEDBYLOGINID, USERID, CREATEDUSERID hold the "login", the
                                      "record_no", the "name" or "nothing"; CREATEDBY and MODIFIEDBY hold the record number
    single_currency (false)           objects have no BASECURR, CURRENCY and exchange rate (missing_fields takes one away)
    attachment_touches_bill (false)   other content under the same attachment id moves WHENMODIFIED of its bills
    line_changes_touch_header (true)  a person's edit of a line moves the bill's WHENMODIFIED
    new_lines_have_no_change_time (false)  a line that a person adds has no WHENMODIFIED yet
    payments_touch_bill (true)        a payment moves the bill's WHENMODIFIED
    void_shows_in ("both")            where a voided payment shows: its "details", the "payment", "both", or as a "reversal",
                                      a second payment with negative details
    payment_approvals_on (true)       a payment that is asked for and submitted waits for approval instead of paying
    payment_needs_currency (false)    a payment that is created without CURRENCY is refused
    document_levels (1)               how many approvals a document of Purchasing needs
    document_approvers ([])           logins whose approval counts there; everybody's when empty
    payment_state_shows ("words")     STATE of a payment: "words" such as Posted, or "codes" such as C
    payment_modified_when_made (true) a new payment and its details have a WHENMODIFIED
    vendor_approvals_on (false)       an edited vendor waits for approval
    vendor_custom_edits_wait (true)   an edit of custom fields alone waits too
    vendor_edit_shows ("after")       reading shows an edit "after" its approval, or "before" it
    vendor_waiting_state ("S")        STATE of a vendor that waits
    vendor_declined_state ("R")       STATE of a vendor whose edit was declined; its values are those before the edit
    supdoc_function ("both")          the function that reads attachments: "get", "get_list" or "both"
    approval_levels (1)               how many approvals a submitted bill needs before it is posted
    approvers ([])                    logins by level, as [["xml_gateway"], ["bokafor"]]; a level without any takes everybody's
    same_approver_again (true)        whether one user may approve several levels of a bill
    hold_blocks_approval (false)      whether a bill on hold can be approved
    rest_denied ([])                  what the REST user may not do: "read", "approve", "decline"
    rest_users (["xml_gateway"])      logins that the REST client is authorised for
    rest_key_offset (0)               a key of the REST API is the record number less this, should they not be the same
    rest_token_seconds (43200)        the life of a REST token; null: it is not told, and an hour
    rest_dead_token (401)             the status of the answer about a token that has ended: 401 or 400
    rest_unknown_bill (404)           the status of the answer about a bill that is not there: 404 or 400
    rest_errors ("result")            where an error stands: under ia::"result", or on "top" with details
    rest_meta ("single")              ia::meta of an approval: of a "single" bill, or as "published", copied from a batch
    intacct_latency_ms (0)            wait before each call
    intacct_max_concurrency (none)    more calls at once get 429 GW-0010
"""
