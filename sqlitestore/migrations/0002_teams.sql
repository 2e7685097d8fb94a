-- Teams, lists of roles, and indexes for what is asked about events.
-- Runs in one transaction.

-- Rows that the checks would refuse, from whoever turned them off, stay as they
-- are: each is reported when it is read, and must not keep the others from it.
PRAGMA ignore_check_constraints = ON;

ALTER TABLE rbac_members ADD COLUMN
	team TEXT NOT NULL DEFAULT '' CHECK (length(CAST(team AS BLOB)) <= 255); -- empty for none

ALTER TABLE rbac_roles ADD COLUMN
	assigns TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(assigns) AND json_type(assigns) = 'array');

PRAGMA ignore_check_constraints = OFF;

CREATE INDEX rbac_members_team ON rbac_members (workspace, team, user) WHERE team <> '';

-- What EventQuery asks for, read from the bodies, so that it is right for every
-- event, whatever program wrote it. A body that is no JSON is in none of them.
-- Times are all in UTC; without the Z their text has their order.
CREATE INDEX rbac_events_kind ON rbac_events (workspace, CASE WHEN json_valid(body) THEN json_extract(body, '$.kind') END, seq);
CREATE INDEX rbac_events_actor ON rbac_events (workspace, CASE WHEN json_valid(body) THEN json_extract(body, '$.actor') END, seq)
	WHERE CASE WHEN json_valid(body) THEN json_extract(body, '$.actor') END IS NOT NULL;
CREATE INDEX rbac_events_role_before ON rbac_events (workspace, CASE WHEN json_valid(body) THEN json_extract(body, '$.roleBefore.id') END, seq)
	WHERE CASE WHEN json_valid(body) THEN json_extract(body, '$.roleBefore.id') END IS NOT NULL;
CREATE INDEX rbac_events_role_after ON rbac_events (workspace, CASE WHEN json_valid(body) THEN json_extract(body, '$.roleAfter.id') END, seq)
	WHERE CASE WHEN json_valid(body) THEN json_extract(body, '$.roleAfter.id') END IS NOT NULL;
CREATE INDEX rbac_events_member_role_before ON rbac_events (workspace, CASE WHEN json_valid(body) THEN json_extract(body, '$.memberBefore.role') END, seq)
	WHERE CASE WHEN json_valid(body) THEN json_extract(body, '$.memberBefore.role') END IS NOT NULL;
CREATE INDEX rbac_events_member_role_after ON rbac_events (workspace, CASE WHEN json_valid(body) THEN json_extract(body, '$.memberAfter.role') END, seq)
	WHERE CASE WHEN json_valid(body) THEN json_extract(body, '$.memberAfter.role') END IS NOT NULL;
CREATE INDEX rbac_events_user_before ON rbac_events (workspace, CASE WHEN json_valid(body) THEN json_extract(body, '$.memberBefore.user') END, seq)
	WHERE CASE WHEN json_valid(body) THEN json_extract(body, '$.memberBefore.user') END IS NOT NULL;
CREATE INDEX rbac_events_user_after ON rbac_events (workspace, CASE WHEN json_valid(body) THEN json_extract(body, '$.memberAfter.user') END, seq)
	WHERE CASE WHEN json_valid(body) THEN json_extract(body, '$.memberAfter.user') END IS NOT NULL;
CREATE INDEX rbac_events_time ON rbac_events (workspace, CASE WHEN json_valid(body) THEN rtrim(json_extract(body, '$.time'), 'Z') END, seq);

INSERT INTO rbac_schema (version) VALUES (2);
