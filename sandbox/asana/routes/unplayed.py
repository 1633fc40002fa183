"""What Asana's API has and this stand-in does not play: answered with 501, not with the 404 of a path that nobody has."""

from __future__ import annotations

_PATHS = {
    "GET": """
        /access_requests /allocations/{gid} /allocations /workspaces/{gid}/audit_log_events /budgets /budgets/{gid}
        /portfolios/{gid}/custom_field_settings /goals/{gid}/custom_field_settings /teams/{gid}/custom_field_settings
        /custom_types /custom_types/{gid} /goal_relationships/{gid} /goal_relationships /goals/{gid} /goals
        /goals/{gid}/parentGoals /jobs/{gid} /memberships/{gid} /ooo_entries/{gid} /ooo_entries /organization_exports/{gid}
        /portfolio_memberships /portfolio_memberships/{gid} /portfolios/{gid}/portfolio_memberships
        /portfolios/{gid} /portfolios/{gid}/items /project_briefs/{gid} /project_portfolio_settings/{gid}
        /projects/{gid}/project_portfolio_settings /portfolios/{gid}/project_portfolio_settings /project_statuses/{gid}
        /projects/{gid}/project_statuses /project_templates/{gid} /project_templates /teams/{gid}/project_templates
        /teams/{gid}/projects /rates /rates/{gid} /reactions /roles /roles/{gid} /status_updates/{gid} /status_updates
        /goals/{gid}/stories /task_templates /task_templates/{gid} /user_task_lists/{gid}/tasks
        /workspaces/{gid}/tasks/custom_id/{gid} /time_periods/{gid} /time_periods /time_tracking_categories/{gid}
        /time_tracking_categories/{gid}/time_tracking_entries /time_tracking_categories /tasks/{gid}/time_tracking_entries
        /time_tracking_entries/{gid} /time_tracking_entries /timesheet_approval_statuses/{gid} /timesheet_approval_statuses
        /user_task_lists/{gid} /users/{gid}/user_task_list /users/{gid}/favorites /workspaces/{gid}/events
    """,
    "POST": """
        /access_requests /access_requests/{gid}/approve /access_requests/{gid}/reject /allocations /budgets /exports/graph
        /exports/resource /goals/{gid}/addSupportingRelationship /goals/{gid}/removeSupportingRelationship /goals
        /goals/{gid}/setMetric /goals/{gid}/setMetricCurrentValue /goals/{gid}/addFollowers /goals/{gid}/removeFollowers
        /goals/{gid}/addCustomFieldSetting /goals/{gid}/removeCustomFieldSetting /memberships /ooo_entries
        /organization_exports /portfolios /portfolios/{gid}/addItem /portfolios/{gid}/removeItem
        /portfolios/{gid}/addCustomFieldSetting /portfolios/{gid}/removeCustomFieldSetting /portfolios/{gid}/addMembers
        /portfolios/{gid}/removeMembers /portfolios/{gid}/duplicate /projects/{gid}/project_briefs
        /projects/{gid}/project_statuses /project_templates/{gid}/instantiateProject /projects/{gid}/duplicate
        /teams/{gid}/projects /projects/{gid}/addFollowers /projects/{gid}/removeFollowers /projects/{gid}/saveAsTemplate
        /rates /roles /rule_triggers/{gid}/run /projects/{gid}/sections/insert /status_updates /goals/{gid}/stories
        /task_templates/{gid}/instantiateTask /tasks/{gid}/duplicate /teams /teams/{gid}/addUser /teams/{gid}/removeUser
        /time_tracking_categories /tasks/{gid}/time_tracking_entries /timesheet_approval_statuses /workspaces/{gid}/addUser
        /workspaces/{gid}/removeUser
    """,
    "PUT": """
        /allocations/{gid} /budgets/{gid} /goal_relationships/{gid} /goals/{gid} /memberships/{gid} /ooo_entries/{gid}
        /portfolios/{gid} /project_briefs/{gid} /project_portfolio_settings/{gid} /rates/{gid} /roles/{gid} /teams/{gid}
        /time_tracking_categories/{gid} /time_tracking_entries/{gid} /timesheet_approval_statuses/{gid} /users/{gid}
        /workspaces/{gid}/users/{gid} /workspaces/{gid}
    """,
    "DELETE": """
        /allocations/{gid} /budgets/{gid} /goals/{gid} /memberships/{gid} /ooo_entries/{gid} /portfolios/{gid}
        /project_briefs/{gid} /project_statuses/{gid} /project_templates/{gid} /rates/{gid} /roles/{gid} /status_updates/{gid}
        /task_templates/{gid} /time_tracking_categories/{gid} /time_tracking_entries/{gid}
    """,
}
UNPLAYED = {method: paths.split() for method, paths in _PATHS.items()}
