-- The CRM's own tables, for SQLite and PostgreSQL alike. Those of rbac are in
-- the same database and come from its store.

CREATE TABLE IF NOT EXISTS users (
	id    TEXT PRIMARY KEY, -- the user id that rbac knows
	name  TEXT NOT NULL,
	email TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS organizations (
	id     TEXT PRIMARY KEY,
	owner  TEXT NOT NULL REFERENCES users (id),
	name   TEXT NOT NULL,
	domain TEXT NOT NULL,
	city   TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS organizations_owner ON organizations (owner, id);

CREATE TABLE IF NOT EXISTS contacts (
	id           TEXT PRIMARY KEY,
	owner        TEXT NOT NULL REFERENCES users (id),
	name         TEXT NOT NULL,
	email        TEXT NOT NULL,
	phone        TEXT NOT NULL,
	organization TEXT REFERENCES organizations (id) ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS contacts_owner ON contacts (owner, id);
CREATE INDEX IF NOT EXISTS contacts_organization ON contacts (organization);

CREATE TABLE IF NOT EXISTS deals (
	id           TEXT PRIMARY KEY,
	owner        TEXT NOT NULL REFERENCES users (id),
	name         TEXT NOT NULL,
	stage        TEXT NOT NULL,
	amount       BIGINT NOT NULL, -- in cents
	organization TEXT REFERENCES organizations (id) ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS deals_owner ON deals (owner, id);
CREATE INDEX IF NOT EXISTS deals_organization ON deals (organization);

CREATE TABLE IF NOT EXISTS services (
	id    TEXT PRIMARY KEY,
	owner TEXT NOT NULL REFERENCES users (id),
	name  TEXT NOT NULL,
	price BIGINT NOT NULL -- in cents
);
CREATE INDEX IF NOT EXISTS services_owner ON services (owner, id);

CREATE TABLE IF NOT EXISTS tasks (
	id    TEXT PRIMARY KEY,
	owner TEXT NOT NULL REFERENCES users (id),
	name  TEXT NOT NULL,
	due   TEXT NOT NULL, -- 2026-01-31, or empty
	done  BOOLEAN NOT NULL
);
CREATE INDEX IF NOT EXISTS tasks_owner ON tasks (owner, id);

-- Of tokens and keys only the SHA-256 is kept: whoever reads the database
-- cannot sign in with it.

CREATE TABLE IF NOT EXISTS sessions (
	hash    TEXT PRIMARY KEY,
	user_id TEXT NOT NULL REFERENCES users (id),
	expires BIGINT NOT NULL -- Unix time
);

CREATE TABLE IF NOT EXISTS api_keys (
	id          TEXT PRIMARY KEY,
	hash        TEXT NOT NULL UNIQUE,
	user_id     TEXT NOT NULL REFERENCES users (id), -- who made it, and whom it can never exceed
	name        TEXT NOT NULL,
	permissions TEXT NOT NULL -- the most that it may do, as JSON
);
