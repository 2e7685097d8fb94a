-- Version 1: workspaces, roles, members, events.
--
-- Plain SQL in one transaction, with unqualified names: run it with the schema
-- of the library alone in search_path. pgstore.Migrate does.

-- One row for each version that was applied. The program refuses to start on
-- versions that it does not know.
CREATE TABLE migrations (
	version    integer     PRIMARY KEY CHECK (version > 0),
	applied_at timestamptz NOT NULL DEFAULT now()
);

-- The number and hash of each workspace's newest event. Writers of a workspace
-- are serial on its row: lock it FOR UPDATE before writing anything below.
CREATE TABLE workspaces (
	id       text COLLATE "C" PRIMARY KEY,
	revision bigint NOT NULL DEFAULT 0,
	hash     bytea  NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
	CONSTRAINT workspaces_id       CHECK (octet_length(id) <= 255),
	CONSTRAINT workspaces_hash     CHECK (octet_length(hash) = 32),
	CONSTRAINT workspaces_revision CHECK (revision > 0 OR revision = 0 AND hash = decode(repeat('00', 32), 'hex'))
);

-- The workspace's own roles. System roles are in the program, not here.
CREATE TABLE roles (
	workspace   text COLLATE "C" NOT NULL REFERENCES workspaces (id),
	id          text COLLATE "C" NOT NULL,
	name        text        NOT NULL,
	description text        NOT NULL,
	permissions jsonb       NOT NULL, -- {"contacts": {"read": "all", "manage": "own"}}
	version     bigint      NOT NULL,
	created_at  timestamptz NOT NULL,
	updated_at  timestamptz NOT NULL,
	PRIMARY KEY (workspace, id),
	CONSTRAINT roles_id          CHECK (octet_length(id) BETWEEN 1 AND 255),
	CONSTRAINT roles_permissions CHECK (jsonb_typeof(permissions) = 'object'),
	CONSTRAINT roles_created_at  CHECK (created_at >= '0001-01-01 00:00:00Z' AND created_at < '10000-01-01 00:00:00Z'),
	CONSTRAINT roles_updated_at  CHECK (updated_at >= '0001-01-01 00:00:00Z' AND updated_at < '10000-01-01 00:00:00Z')
);

-- One row for each member. role has no foreign key, because members may hold
-- system roles; a role that is nowhere grants nothing.
CREATE TABLE members (
	workspace  text COLLATE "C" NOT NULL REFERENCES workspaces (id),
	user_id    text COLLATE "C" NOT NULL,
	role       text COLLATE "C" NOT NULL,
	suspended  boolean     NOT NULL,
	updated_at timestamptz NOT NULL,
	PRIMARY KEY (workspace, user_id),
	CONSTRAINT members_user_id    CHECK (octet_length(user_id) BETWEEN 1 AND 255),
	CONSTRAINT members_role       CHECK (octet_length(role) BETWEEN 1 AND 255),
	CONSTRAINT members_updated_at CHECK (updated_at >= '0001-01-01 00:00:00Z' AND updated_at < '10000-01-01 00:00:00Z')
);

CREATE INDEX members_by_role   ON members (workspace, role, user_id);
CREATE INDEX members_suspended ON members (workspace, user_id) WHERE suspended;

-- The log of changes: never updated, never deleted. document is the JSON form
-- of the event without its hash. The hash is over the canonical form of it, so
-- that jsonb may order the keys as it likes.
CREATE TABLE events (
	workspace text COLLATE "C" NOT NULL REFERENCES workspaces (id),
	seq       bigint NOT NULL,
	hash      bytea  NOT NULL,
	document  jsonb  NOT NULL,
	PRIMARY KEY (workspace, seq),
	CONSTRAINT events_seq      CHECK (seq > 0),
	CONSTRAINT events_hash     CHECK (octet_length(hash) = 32),
	CONSTRAINT events_document CHECK (jsonb_typeof(document) = 'object' AND (document ->> 'seq')::bigint IS NOT DISTINCT FROM seq)
);

INSERT INTO migrations (version) VALUES (1);
