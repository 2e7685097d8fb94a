-- The workspaces of a user, and workspaces that are deleted whole.
-- Runs in one transaction.

CREATE INDEX rbac_members_user ON rbac_members (user, workspace);

-- How often a workspace was deleted. Its events are gone, and with them the ids
-- by which instances that watch for changes would notice.
CREATE TABLE rbac_cleared (
	one   INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
	times INTEGER NOT NULL
) STRICT;

INSERT INTO rbac_cleared (one, times) VALUES (1, 0);

INSERT INTO rbac_schema (version) VALUES (3);
