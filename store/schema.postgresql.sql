CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE acceptance (
	seq BIGINT NOT NULL, 
	finding_id TEXT NOT NULL, 
	requested_at BIGINT NOT NULL, 
	requested_by TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	mitigation TEXT NOT NULL, 
	until_at BIGINT NOT NULL, 
	needed INTEGER NOT NULL, 
	approvals TEXT NOT NULL, 
	severity SMALLINT NOT NULL, 
	known SMALLINT NOT NULL, 
	fixable SMALLINT NOT NULL, 
	valid_from BIGINT, 
	ended_at BIGINT, 
	ended_because TEXT NOT NULL, 
	PRIMARY KEY (seq)
);
CREATE INDEX acceptance_finding ON acceptance (finding_id);
CREATE TABLE asset (
	name TEXT NOT NULL, 
	tier TEXT NOT NULL, 
	exposure TEXT NOT NULL, 
	tags TEXT NOT NULL, 
	team TEXT NOT NULL, 
	codeowners TEXT NOT NULL, 
	folder TEXT NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE coverage (
	digest TEXT NOT NULL, 
	body BYTEA NOT NULL, 
	PRIMARY KEY (digest)
);
CREATE TABLE event (
	seq BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	actor TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	body TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (seq)
);
CREATE INDEX event_subject ON event (subject);
CREATE TABLE exploitation (
	finding_id TEXT NOT NULL, 
	known SMALLINT NOT NULL, 
	known_since BIGINT, 
	epss SMALLINT NOT NULL, 
	epss_since TEXT NOT NULL, 
	PRIMARY KEY (finding_id)
);
CREATE TABLE finding (
	id TEXT NOT NULL, 
	identity TEXT NOT NULL, 
	occurrence INTEGER NOT NULL, 
	previous TEXT, 
	asset TEXT NOT NULL, 
	category TEXT NOT NULL, 
	rule_id TEXT NOT NULL, 
	severity SMALLINT NOT NULL, 
	detail BIGINT NOT NULL, 
	started_at BIGINT NOT NULL, 
	stopped_at BIGINT, 
	closed_at BIGINT, 
	dismissed_at BIGINT, 
	since_info BIGINT, 
	since_low BIGINT, 
	since_medium BIGINT, 
	since_high BIGINT, 
	since_critical BIGINT, 
	since_unknown BIGINT, 
	due_at BIGINT, 
	soon_at BIGINT, 
	deciding SMALLINT, 
	paused_from BIGINT, 
	paused_until BIGINT, 
	time_left BIGINT, 
	verdict TEXT, 
	policy BIGINT, 
	first_event BIGINT NOT NULL, 
	last_event BIGINT NOT NULL, 
	assignee TEXT NOT NULL, 
	tags TEXT NOT NULL, 
	owners TEXT NOT NULL, 
	closed_as TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE INDEX finding_asset ON finding (asset);
CREATE INDEX finding_due ON finding (closed_at, due_at);
CREATE INDEX finding_open ON finding (closed_at, severity);
CREATE TABLE meta (
	key TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (key)
);
CREATE TABLE outline (
	digest TEXT NOT NULL, 
	body BYTEA NOT NULL, 
	PRIMARY KEY (digest)
);
CREATE TABLE policy (
	seq BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	asset TEXT NOT NULL, 
	name TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	toml TEXT NOT NULL, 
	days TEXT NOT NULL, 
	PRIMARY KEY (seq)
);
CREATE TABLE running_segment (
	finding_id TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	started_at BIGINT NOT NULL, 
	stopped_at BIGINT, 
	running_before BIGINT NOT NULL, 
	PRIMARY KEY (finding_id, number)
);
CREATE TABLE scan (
	seq BIGINT NOT NULL, 
	asset TEXT NOT NULL, 
	scanner TEXT NOT NULL, 
	target TEXT NOT NULL, 
	started_at BIGINT NOT NULL, 
	finished_at BIGINT NOT NULL, 
	tool_version TEXT NOT NULL, 
	configuration TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	coverage TEXT NOT NULL, 
	content TEXT NOT NULL, 
	PRIMARY KEY (seq)
);
CREATE INDEX scan_stream ON scan (asset, scanner, seq);
CREATE TABLE sighting (
	finding_id TEXT NOT NULL, 
	scanner TEXT NOT NULL, 
	presence TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	severity SMALLINT NOT NULL, 
	suppressed SMALLINT NOT NULL, 
	path TEXT NOT NULL, 
	package TEXT NOT NULL, 
	names TEXT NOT NULL, 
	fixable SMALLINT NOT NULL, 
	details TEXT NOT NULL, 
	units TEXT NOT NULL, 
	detail BIGINT NOT NULL, 
	last_scan BIGINT, 
	outline TEXT NOT NULL, 
	PRIMARY KEY (finding_id, scanner)
);
CREATE INDEX sighting_not_observed ON sighting (finding_id) WHERE presence = 'not_observed';
