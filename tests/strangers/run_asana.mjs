// The official JavaScript client of Asana against the sandbox. Prints what became of each call as JSON.
// node run_asana.mjs URL TOKEN WORKSPACE PROJECT, with STRANGERS_NODE_MODULES naming the folder that holds node_modules.
import { createRequire } from "node:module";
import path from "node:path";

const Asana = createRequire(path.resolve(process.env.STRANGERS_NODE_MODULES, "x.js"))("asana");
const [url, token, workspace, project] = process.argv.slice(2);
const client = new Asana.ApiClient();
client.basePath = `${url}/api/1.0`;
client.authentications.token.accessToken = token;
const apis = {};
const told = {};

async function call(name, ...args) {
    const [api, method] = name.split(".");
    apis[api] ??= new Asana[api](client);
    try {
        const answer = await apis[api][method](...args);
        told[name] = "ok";
        return answer?.data ?? answer;
    } catch (error) {
        told[name] = String(error.status ?? error.message);
        return {};
    }
}

const body = (data) => ({ data });
const me = await call("UsersApi.getUser", "me", {});
await call("UsersApi.getUsers", { workspace, limit: 2, opt_fields: "email" });
await call("WorkspacesApi.getWorkspaces", {});
await call("WorkspacesApi.getWorkspace", workspace, {});
await call("ProjectsApi.getProjects", { workspace, archived: false, opt_fields: "name,archived,modified_at" });
await call("ProjectsApi.getProject", project, { opt_fields: "name,owner.name,custom_field_settings.custom_field.name" });
const made = await call("ProjectsApi.createProject", body({ name: "A stranger's", workspace }), {});
await call("ProjectsApi.updateProject", body({ archived: true }), made.gid, {});
await call("ProjectsApi.getTaskCountsForProject", project, { opt_fields: "num_tasks" });
const section = await call("SectionsApi.createSectionForProject", project, { body: body({ name: "New" }) });
await call("SectionsApi.getSectionsForProject", project, {});
const field = await call("CustomFieldsApi.createCustomField", body({ workspace, name: "Colour", resource_subtype: "enum",
    enum_options: [{ name: "Red" }, { name: "Blue" }] }), {});
await call("ProjectsApi.addCustomFieldSettingForProject", body({ custom_field: field.gid }), project, {});
await call("CustomFieldSettingsApi.getCustomFieldSettingsForProject", project, {});
await call("CustomFieldsApi.getCustomFieldsForWorkspace", workspace, {});
const task = await call("TasksApi.createTask", body({ name: "Task", projects: [project],
    custom_fields: { [field.gid]: field.enum_options?.[0]?.gid } }), {});
await call("TasksApi.getTask", task.gid, { opt_fields: "name,custom_fields.display_value,memberships.section.name" });
await call("TasksApi.getTasks", { project, limit: 50, opt_fields: "name,modified_at" });
await call("TasksApi.updateTask", body({ completed: true }), task.gid, {});
await call("SectionsApi.addTaskForSection", section.gid, { body: body({ task: task.gid }) });
const sub = await call("TasksApi.createSubtaskForTask", body({ name: "Part" }), task.gid, {});
await call("TasksApi.getSubtasksForTask", task.gid, {});
await call("TasksApi.addDependenciesForTask", body({ dependencies: [sub.gid] }), task.gid);
await call("TasksApi.getDependenciesForTask", task.gid, {});
await call("TasksApi.addFollowersForTask", body({ followers: [me.gid] }), task.gid, {});
const tag = await call("TagsApi.createTag", body({ name: "Urgent", workspace }), {});
await call("TasksApi.addTagForTask", body({ tag: tag.gid }), task.gid);
await call("TagsApi.getTagsForTask", task.gid, {});
await call("StoriesApi.createStoryForTask", body({ text: "Hello" }), task.gid, {});
await call("StoriesApi.getStoriesForTask", task.gid, { opt_fields: "text,type,created_by.name" });
const attached = await call("AttachmentsApi.createAttachmentForObject", { parent: task.gid, resource_subtype: "external",
    name: "invoice", url: "https://invoice.example/1" });
await call("AttachmentsApi.getAttachmentsForObject", task.gid, {});
await call("AttachmentsApi.getAttachment", attached.gid, {});
await call("AttachmentsApi.getAttachmentsForObject", project, {});
await call("TypeaheadApi.typeaheadForWorkspace", workspace, "task", { query: "Task" });
await call("TasksApi.searchTasksForWorkspace", workspace, { text: "Task" });
await call("ProjectMembershipsApi.getProjectMembershipsForProject", project, {});
await call("MembershipsApi.getMemberships", { parent: project });
await call("TeamsApi.getTeamsForWorkspace", workspace, {});
await call("BatchAPIApi.createBatchRequest", body({ actions: [{ method: "get", relative_path: "/users/me" }] }), {});
await call("EventsApi.getEvents", project, {});
await call("WebhooksApi.getWebhooks", workspace, {});
await call("PortfoliosApi.getPortfolios", workspace, {});
await call("GoalsApi.getGoals", { workspace });
await call("TasksApi.deleteTask", task.gid);
console.log(JSON.stringify(told));
