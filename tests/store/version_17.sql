BEGIN TRANSACTION;
CREATE TABLE ia_asked (
	flow VARCHAR(200) NOT NULL, 
	"key" VARCHAR(200) NOT NULL, 
	task_gid VARCHAR(64) NOT NULL, 
	PRIMARY KEY (flow, "key")
);
CREATE TABLE ia_asks (
	flow VARCHAR(200) NOT NULL, 
	ask_id VARCHAR(200) NOT NULL, 
	"key" VARCHAR(200) NOT NULL, 
	subtask_gid VARCHAR(64) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	opened_at VARCHAR(27) NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (flow, ask_id)
);
CREATE TABLE ia_concerns (
	flow VARCHAR(200) NOT NULL, 
	concern_id VARCHAR(200) NOT NULL, 
	"key" VARCHAR(200) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	told_on VARCHAR(64) DEFAULT '' NOT NULL, 
	found_at VARCHAR(27) NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (flow, concern_id)
);
CREATE TABLE ia_cursors (
	flow VARCHAR(200) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (flow, name)
);
INSERT INTO "ia_cursors" VALUES('demo','bills','here');
CREATE TABLE ia_decisions (
	flow VARCHAR(200) NOT NULL, 
	decision_id VARCHAR(200) NOT NULL, 
	"key" VARCHAR(200) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	acknowledged BOOLEAN NOT NULL, 
	decided_at VARCHAR(27) NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (flow, decision_id)
);
INSERT INTO "ia_decisions" VALUES('demo','decision-1','bill-1','CONFIRMED',0,'2026-11-23T12:00:00.000000Z','{"acknowledged":false,"control_id":"","decider_email":"","decision_id":"decision-1","editor":"","good_until":null,"granted":"","key":"bill-1","outcome":"","progress":"","record_no":"17","rule":"","shown_digest":"d","signal":{"decided_at":"2026-11-23T12:00:00.000000Z","decider_gid":"101","decider_name":"Alice Martin","reason":"as ordered","replaced":"","said":"","source":"web","story_gid":"story of decision-1","task_gid":"900","verdict":"approve"},"state":"CONFIRMED","task_gid":"900","task_url":"https://x"}');
INSERT INTO "ia_decisions" VALUES('demo','decision-2','bill-2','RECORDED',0,'2026-11-23T12:00:00.000000Z','{"acknowledged":false,"control_id":"","decider_email":"","decision_id":"decision-2","editor":"","good_until":null,"granted":"","key":"bill-2","outcome":"","progress":"","record_no":"17","rule":"","shown_digest":"d","signal":{"decided_at":"2026-11-23T12:00:00.000000Z","decider_gid":"101","decider_name":"Alice Martin","reason":"as ordered","replaced":"","said":"","source":"web","story_gid":"story of decision-2","task_gid":"900","verdict":"approve"},"state":"RECORDED","task_gid":"900","task_url":"https://x"}');
CREATE TABLE ia_documents (
	flow VARCHAR(200) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	"key" VARCHAR(200) NOT NULL, 
	form VARCHAR(10) NOT NULL, 
	document_id VARCHAR(200) NOT NULL, 
	name TEXT NOT NULL, 
	url TEXT NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	task_gid VARCHAR(64) NOT NULL, 
	outcome TEXT NOT NULL, 
	PRIMARY KEY (flow, kind, "key", form, document_id)
);
CREATE TABLE ia_evidence (
	flow VARCHAR(200) NOT NULL, 
	sequence INTEGER NOT NULL, 
	"key" VARCHAR(200) NOT NULL, 
	decision_id VARCHAR(200) NOT NULL, 
	written_at VARCHAR(27) NOT NULL, 
	body TEXT NOT NULL, 
	previous VARCHAR(64) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	signed_by VARCHAR(16) DEFAULT '' NOT NULL, 
	PRIMARY KEY (flow, sequence)
);
INSERT INTO "ia_evidence" VALUES('demo',1,'bill-1','decision-1','2026-11-23T12:00:00.000000Z','{"decider_email":"","decision_sha256":"05cceea478d56aa7d8d34c1510abd9d66f0d908a9b7b597490c698156a548590","record_no":"17","shown_digest":"d","signal":{"decided_at":"2026-11-23T12:00:00.000000Z","decider_gid":"101","decider_name":"Alice Martin","reason":"as ordered","replaced":"","said":"","source":"web","story_gid":"story of decision-1","task_gid":"900","verdict":"approve"},"step":"RECORDED","task_gid":"900","task_url":"https://x"}','0000000000000000000000000000000000000000000000000000000000000000','73d98dbec606cd279737ce977a6ef91e568b280d32f8e0ff46f7b012cd98850f','d5cffca0ee6a60bb');
INSERT INTO "ia_evidence" VALUES('demo',2,'bill-1','decision-1','2026-11-23T12:00:00.000000Z','{"control_id":"","decision_sha256":"f53cd3064aaf4e5713733e0d72ecc025f997d663e6fec7ee64d5905f3f794359","outcome":"","rule":"","step":"CLEARED","step_before":"RECORDED"}','73d98dbec606cd279737ce977a6ef91e568b280d32f8e0ff46f7b012cd98850f','f577c46450b5238fff263f26cbe768a14ad3a3b6de4512ffc5b39d5e19060483','d5cffca0ee6a60bb');
INSERT INTO "ia_evidence" VALUES('demo',3,'bill-1','decision-1','2026-11-23T12:00:00.000000Z','{"control_id":"","decision_sha256":"05b4d75c794cf255c046a4e52ecf71ee7293870202ee9a6dff4b264d2d682a05","outcome":"","rule":"","step":"SUBMITTED","step_before":"CLEARED"}','f577c46450b5238fff263f26cbe768a14ad3a3b6de4512ffc5b39d5e19060483','ee3569fae85421dc7e9f7b89905e6c7b269c72a489027e3a29e5b393dd63b20c','d5cffca0ee6a60bb');
INSERT INTO "ia_evidence" VALUES('demo',4,'bill-1','decision-1','2026-11-23T12:00:00.000000Z','{"control_id":"","decision_sha256":"121fee52f3b1def5f514f31f09ab2b3d3f3714f58ca46ca4b5819e69c80f476f","outcome":"","rule":"","step":"CONFIRMED","step_before":"SUBMITTED"}','ee3569fae85421dc7e9f7b89905e6c7b269c72a489027e3a29e5b393dd63b20c','72e1d360d520a47b745799fd6abd2bd439578d7346c11f8039ccb43211f44930','d5cffca0ee6a60bb');
INSERT INTO "ia_evidence" VALUES('demo',5,'bill-2','decision-2','2026-11-23T12:00:00.000000Z','{"decider_email":"","decision_sha256":"72c6077bbd655a68f76dd79ff7299b8161f17d08ce8ea54832fca92210cb9ad8","record_no":"17","shown_digest":"d","signal":{"decided_at":"2026-11-23T12:00:00.000000Z","decider_gid":"101","decider_name":"Alice Martin","reason":"as ordered","replaced":"","said":"","source":"web","story_gid":"story of decision-2","task_gid":"900","verdict":"approve"},"step":"RECORDED","task_gid":"900","task_url":"https://x"}','72e1d360d520a47b745799fd6abd2bd439578d7346c11f8039ccb43211f44930','81431e1f34bfe572784d9bbf6be925f3da70c46674a5fd790afc1025461f8b26','d5cffca0ee6a60bb');
CREATE TABLE ia_evidence_heads (
	flow VARCHAR(200) NOT NULL, 
	sequence INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	PRIMARY KEY (flow)
);
INSERT INTO "ia_evidence_heads" VALUES('demo',5,'81431e1f34bfe572784d9bbf6be925f3da70c46674a5fd790afc1025461f8b26');
CREATE TABLE ia_findings (
	flow VARCHAR(200) NOT NULL, 
	finding_id VARCHAR(40) NOT NULL, 
	drift VARCHAR(40) NOT NULL, 
	"key" VARCHAR(200) NOT NULL, 
	found_at VARCHAR(27) NOT NULL, 
	ended_at VARCHAR(27), 
	body TEXT NOT NULL, 
	PRIMARY KEY (flow, finding_id)
);
CREATE TABLE ia_intents (
	flow VARCHAR(200) NOT NULL, 
	intent_id VARCHAR(200) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	subject VARCHAR(200) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	body TEXT NOT NULL, 
	control_id VARCHAR(100) NOT NULL, 
	turn INTEGER NOT NULL, 
	tries INTEGER NOT NULL, 
	since VARCHAR(27), 
	noted_at VARCHAR(27) NOT NULL, 
	changed_at VARCHAR(27) NOT NULL, 
	answer TEXT NOT NULL, 
	claimed_by VARCHAR(200) NOT NULL, 
	claimed_until VARCHAR(27), 
	flying VARCHAR(200), 
	PRIMARY KEY (flow, intent_id), 
	CONSTRAINT ia_intents_flying UNIQUE (flow, kind, flying)
);
CREATE TABLE ia_ledger (
	flow VARCHAR(200) NOT NULL, 
	"key" VARCHAR(200) NOT NULL, 
	record_no VARCHAR(64) NOT NULL, 
	vendor_id VARCHAR(200) NOT NULL, 
	number_like VARCHAR(200) NOT NULL, 
	number_stem VARCHAR(200) NOT NULL, 
	currency VARCHAR(10) NOT NULL, 
	amount VARCHAR(60) NOT NULL, 
	bill_date VARCHAR(10), 
	document_id VARCHAR(200) NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (flow, "key")
);
CREATE TABLE ia_links (
	flow VARCHAR(200) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	"key" VARCHAR(200) NOT NULL, 
	task_gid VARCHAR(64) NOT NULL, 
	record_no VARCHAR(64) NOT NULL, 
	task_url TEXT NOT NULL, 
	confirmed TEXT, 
	linked_at VARCHAR(27), 
	PRIMARY KEY (flow, kind, "key"), 
	CONSTRAINT ia_links_task UNIQUE (flow, kind, task_gid)
);
INSERT INTO "ia_links" VALUES('demo','bill','bill-1','task of bill-1','17','',NULL,NULL);
CREATE TABLE ia_marks (
	flow VARCHAR(200) NOT NULL, 
	task_gid VARCHAR(64) NOT NULL, 
	read_at VARCHAR(27) NOT NULL, 
	wrote_at VARCHAR(27), 
	value TEXT, 
	PRIMARY KEY (flow, task_gid)
);
INSERT INTO "ia_marks" VALUES('demo','900','2026-11-23T12:00:00.000000Z',NULL,NULL);
CREATE TABLE ia_matters (
	flow VARCHAR(200) NOT NULL, 
	matter_id VARCHAR(80) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	task_gid VARCHAR(64) NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (flow, matter_id)
);
CREATE TABLE ia_payee_changes (
	flow VARCHAR(200) NOT NULL, 
	change_id VARCHAR(64) NOT NULL, 
	vendor VARCHAR(200) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	subtask_gid VARCHAR(64) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (flow, change_id)
);
CREATE TABLE ia_pins (
	flow VARCHAR(200) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	body TEXT NOT NULL, 
	project_gid VARCHAR(64), 
	PRIMARY KEY (flow, kind)
);
CREATE TABLE ia_plans (
	flow VARCHAR(200) NOT NULL, 
	plan_id VARCHAR(200) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	run_id TEXT NOT NULL, 
	summary TEXT NOT NULL, 
	body TEXT NOT NULL, 
	applied_at VARCHAR(27), 
	result TEXT, 
	PRIMARY KEY (flow, plan_id)
);
CREATE TABLE ia_policies (
	flow VARCHAR(200) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	body TEXT NOT NULL, 
	first_used_at VARCHAR(27) NOT NULL, 
	PRIMARY KEY (flow, digest)
);
INSERT INTO "ia_policies" VALUES('demo','1b551587059622f0d62ffa8a371207104a31c6d59bbe2d6563c5199e51d9f267','a policy','2026-11-23T12:00:00.000000Z');
CREATE TABLE ia_schema_version (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "ia_schema_version" VALUES(17);
CREATE TABLE ia_shown (
	id INTEGER NOT NULL, 
	flow VARCHAR(200) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	"key" VARCHAR(200) NOT NULL, 
	shown_at VARCHAR(27) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	body TEXT NOT NULL, 
	task_gid VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE ia_timestamps (
	flow VARCHAR(200) NOT NULL, 
	sequence INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	stamped_at VARCHAR(27) NOT NULL, 
	url TEXT NOT NULL, 
	token TEXT NOT NULL, 
	PRIMARY KEY (flow, sequence)
);
CREATE TABLE ia_vendor_values (
	flow VARCHAR(200) NOT NULL, 
	"key" VARCHAR(200) NOT NULL, 
	field VARCHAR(200) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	agreed TEXT, 
	told BOOLEAN NOT NULL, 
	kept_at VARCHAR(27) NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (flow, "key", field)
);
CREATE TABLE ia_webhooks (
	flow VARCHAR(200) NOT NULL, 
	hook_id VARCHAR(64) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	project_gid VARCHAR(64) NOT NULL, 
	bot_gid VARCHAR(64) NOT NULL, 
	expires_at VARCHAR(27) NOT NULL, 
	webhook_gid VARCHAR(64) NOT NULL, 
	secret_digest VARCHAR(64) NOT NULL, 
	sealed_secret TEXT NOT NULL, 
	checked_at VARCHAR(27), 
	PRIMARY KEY (flow, hook_id)
);
CREATE INDEX ia_shown_key ON ia_shown (flow, kind, "key", shown_at);
CREATE INDEX ia_documents_state ON ia_documents (flow, kind, state);
CREATE INDEX ia_vendor_values_kept ON ia_vendor_values (flow, kept_at);
CREATE INDEX ia_vendor_values_state ON ia_vendor_values (flow, state);
CREATE UNIQUE INDEX ia_pins_project ON ia_pins (project_gid);
CREATE INDEX ia_decisions_key ON ia_decisions (flow, "key");
CREATE INDEX ia_decisions_state ON ia_decisions (flow, state, acknowledged);
CREATE INDEX ia_intents_state ON ia_intents (flow, kind, state);
CREATE INDEX ia_intents_subject ON ia_intents (flow, subject);
CREATE INDEX ia_asks_subtask ON ia_asks (flow, subtask_gid);
CREATE INDEX ia_asks_state ON ia_asks (flow, state);
CREATE INDEX ia_asks_key ON ia_asks (flow, "key");
CREATE INDEX ia_findings_ended ON ia_findings (flow, ended_at);
CREATE INDEX ia_matters_state ON ia_matters (flow, state);
CREATE INDEX ia_ledger_vendor ON ia_ledger (flow, vendor_id, bill_date);
CREATE INDEX ia_ledger_number ON ia_ledger (flow, number_like);
CREATE INDEX ia_ledger_stem ON ia_ledger (flow, number_stem);
CREATE INDEX ia_ledger_amount ON ia_ledger (flow, currency, amount, bill_date);
CREATE INDEX ia_ledger_document ON ia_ledger (flow, document_id);
CREATE INDEX ia_ledger_record ON ia_ledger (flow, record_no);
CREATE INDEX ia_concerns_state ON ia_concerns (flow, state);
CREATE INDEX ia_concerns_key ON ia_concerns (flow, "key");
CREATE INDEX ia_payee_changes_state ON ia_payee_changes (flow, state);
CREATE INDEX ia_payee_changes_vendor ON ia_payee_changes (flow, vendor);
CREATE INDEX ia_evidence_key ON ia_evidence (flow, "key");
CREATE TRIGGER ia_evidence_no_update BEFORE UPDATE ON ia_evidence WHEN 1 BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER ia_evidence_no_delete BEFORE DELETE ON ia_evidence WHEN 1 BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER ia_policies_no_update BEFORE UPDATE ON ia_policies WHEN 1 BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER ia_policies_no_delete BEFORE DELETE ON ia_policies WHEN 1 BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER ia_evidence_no_insert BEFORE INSERT ON ia_evidence WHEN NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM ia_evidence WHERE flow = NEW.flow) OR (NEW.signed_by = '' AND EXISTS (SELECT 1 FROM ia_evidence WHERE flow = NEW.flow AND sequence = NEW.sequence - 1 AND signed_by <> '')) OR EXISTS (SELECT 1 FROM ia_evidence WHERE 0 OR rowid = NEW.rowid) BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER ia_policies_no_insert BEFORE INSERT ON ia_policies WHEN EXISTS (SELECT 1 FROM ia_policies WHERE flow = NEW.flow AND digest = NEW.digest OR rowid = NEW.rowid) BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER ia_evidence_heads_no_insert BEFORE INSERT ON ia_evidence_heads WHEN EXISTS (SELECT 1 FROM ia_evidence_heads WHERE flow = NEW.flow OR rowid = NEW.rowid) BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER ia_evidence_heads_no_update BEFORE UPDATE ON ia_evidence_heads WHEN NEW.flow <> OLD.flow OR NEW.sequence <= OLD.sequence BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER ia_evidence_heads_no_delete BEFORE DELETE ON ia_evidence_heads WHEN 1 BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER ia_timestamps_no_update BEFORE UPDATE ON ia_timestamps WHEN 1 BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER ia_timestamps_no_delete BEFORE DELETE ON ia_timestamps WHEN 1 BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER ia_timestamps_no_insert BEFORE INSERT ON ia_timestamps WHEN EXISTS (SELECT 1 FROM ia_timestamps WHERE flow = NEW.flow AND sequence = NEW.sequence OR rowid = NEW.rowid) BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
COMMIT;
