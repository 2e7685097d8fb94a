-- Workspaces, roles, members and events of github.com/areagate/rbac.
-- Runs in one transaction. Times are microseconds since 1970 in UTC, between
-- the years 1 and 9999. Ids are compared byte for byte (BINARY).

CREATE TABLE rbac_schema (
	version INTEGER NOT NULL PRIMARY KEY
) STRICT;

-- The revision of a workspace is the number and hash of its newest event.
CREATE TABLE rbac_workspaces (
	id       TEXT    NOT NULL PRIMARY KEY CHECK (length(CAST(id AS BLOB)) <= 255),
	revision INTEGER NOT NULL CHECK (revision >= 0),
	hash     BLOB    NOT NULL CHECK (length(hash) = 32 AND (revision > 0 OR hash = zeroblob(32)))
) STRICT, WITHOUT ROWID;

-- Custom roles. System roles are defined in code and are not stored.
CREATE TABLE rbac_roles (
	workspace   TEXT    NOT NULL REFERENCES rbac_workspaces (id),
	id          TEXT    NOT NULL CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 255),
	name        TEXT    NOT NULL,
	description TEXT    NOT NULL,
	permissions TEXT    NOT NULL CHECK (json_valid(permissions) AND json_type(permissions) = 'object'),
	system      INTEGER NOT NULL DEFAULT 0 CHECK (system IN (0, 1)), -- as it was put; grants nothing
	version     INTEGER NOT NULL,
	created_at  INTEGER NOT NULL CHECK (created_at BETWEEN -62135596800000000 AND 253402300799999999),
	updated_at  INTEGER NOT NULL CHECK (updated_at BETWEEN -62135596800000000 AND 253402300799999999),
	PRIMARY KEY (workspace, id)
) STRICT, WITHOUT ROWID;

-- A member's role may be a system role, so it refers to no row.
CREATE TABLE rbac_members (
	workspace  TEXT    NOT NULL REFERENCES rbac_workspaces (id),
	user       TEXT    NOT NULL CHECK (length(CAST(user AS BLOB)) BETWEEN 1 AND 255),
	role       TEXT    NOT NULL CHECK (length(CAST(role AS BLOB)) BETWEEN 1 AND 255),
	suspended  INTEGER NOT NULL CHECK (suspended IN (0, 1)),
	updated_at INTEGER NOT NULL CHECK (updated_at BETWEEN -62135596800000000 AND 253402300799999999),
	PRIMARY KEY (workspace, user)
) STRICT, WITHOUT ROWID;

CREATE INDEX rbac_members_role ON rbac_members (workspace, role, user);

-- The body is the event in JSON, without its hash. The id grows with every
-- commit to the file: instances that watch for changes look for larger ones.
CREATE TABLE rbac_events (
	id        INTEGER NOT NULL PRIMARY KEY,
	workspace TEXT    NOT NULL REFERENCES rbac_workspaces (id),
	seq       INTEGER NOT NULL CHECK (seq >= 1),
	body      TEXT    NOT NULL CHECK (json_valid(body)),
	hash      BLOB    NOT NULL CHECK (length(hash) = 32),
	UNIQUE (workspace, seq)
) STRICT;

CREATE TRIGGER rbac_events_stay BEFORE UPDATE ON rbac_events
BEGIN
	SELECT RAISE(ABORT, 'events are never changed');
END;

INSERT INTO rbac_schema (version) VALUES (1);
