-- The CRM's own tables, for SQLite and PostgreSQL alike. Those of rbac are in
-- the same database and come from its store.

CREATE TABLE IF NOT EXISTS companies (
	id   TEXT PRIMARY KEY, -- the workspace
	name TEXT NOT NULL
);

-- A person is one, whatever the number of companies that they work for.

CREATE TABLE IF NOT EXISTS users (
	id    TEXT PRIMARY KEY, -- the user id that rbac knows
	name  TEXT NOT NULL,
	email TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS accounts (
	company TEXT NOT NULL REFERENCES companies (id), -- which knows the person, as a member or not
	user_id TEXT NOT NULL REFERENCES users (id),
	PRIMARY KEY (company, user_id)
);
CREATE INDEX IF NOT EXISTS accounts_user ON accounts (user_id);

CREATE TABLE IF NOT EXISTS organizations (
	id      TEXT PRIMARY KEY,
	company TEXT NOT NULL REFERENCES companies (id),
	owner   TEXT NOT NULL REFERENCES users (id),
	name    TEXT NOT NULL,
	domain  TEXT NOT NULL,
	city    TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS organizations_company ON organizations (company, id);
CREATE INDEX IF NOT EXISTS organizations_owner ON organizations (company, owner, id);

CREATE TABLE IF NOT EXISTS contacts (
	id           TEXT PRIMARY KEY,
	company      TEXT NOT NULL REFERENCES companies (id),
	owner        TEXT NOT NULL REFERENCES users (id),
	name         TEXT NOT NULL,
	email        TEXT NOT NULL,
	phone        TEXT NOT NULL,
	organization TEXT REFERENCES organizations (id) ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS contacts_company ON contacts (company, id);
CREATE INDEX IF NOT EXISTS contacts_owner ON contacts (company, owner, id);
CREATE INDEX IF NOT EXISTS contacts_organization ON contacts (organization);

CREATE TABLE IF NOT EXISTS deals (
	id           TEXT PRIMARY KEY,
	company      TEXT NOT NULL REFERENCES companies (id),
	owner        TEXT NOT NULL REFERENCES users (id),
	name         TEXT NOT NULL,
	stage        TEXT NOT NULL,
	amount       BIGINT NOT NULL, -- in cents
	organization TEXT REFERENCES organizations (id) ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS deals_company ON deals (company, id);
CREATE INDEX IF NOT EXISTS deals_owner ON deals (company, owner, id);
CREATE INDEX IF NOT EXISTS deals_organization ON deals (organization);

CREATE TABLE IF NOT EXISTS services (
	id      TEXT PRIMARY KEY,
	company TEXT NOT NULL REFERENCES companies (id),
	owner   TEXT NOT NULL REFERENCES users (id),
	name    TEXT NOT NULL,
	price   BIGINT NOT NULL -- in cents
);
CREATE INDEX IF NOT EXISTS services_company ON services (company, id);
CREATE INDEX IF NOT EXISTS services_owner ON services (company, owner, id);

CREATE TABLE IF NOT EXISTS tasks (
	id      TEXT PRIMARY KEY,
	company TEXT NOT NULL REFERENCES companies (id),
	owner   TEXT NOT NULL REFERENCES users (id),
	name    TEXT NOT NULL,
	due     TEXT NOT NULL, -- 2026-01-31, or empty
	done    BOOLEAN NOT NULL
);
CREATE INDEX IF NOT EXISTS tasks_company ON tasks (company, id);
CREATE INDEX IF NOT EXISTS tasks_owner ON tasks (company, owner, id);

-- Of tokens and keys only the SHA-256 is kept: whoever reads the database
-- cannot sign in with it.

CREATE TABLE IF NOT EXISTS sessions (
	hash    TEXT PRIMARY KEY,
	company TEXT NOT NULL REFERENCES companies (id), -- the one in which it is valid
	user_id TEXT NOT NULL REFERENCES users (id),
	expires BIGINT NOT NULL -- Unix time
);

CREATE TABLE IF NOT EXISTS api_keys (
	id          TEXT PRIMARY KEY,
	hash        TEXT NOT NULL UNIQUE,
	company     TEXT NOT NULL REFERENCES companies (id), -- the one in which it is valid
	user_id     TEXT NOT NULL REFERENCES users (id), -- who made it, and whom it can never exceed
	name        TEXT NOT NULL,
	permissions TEXT NOT NULL -- the most that it may do, as JSON
);
