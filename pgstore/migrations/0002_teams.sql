-- Version 2: teams of members, lists of roles, and events by what they say.
--
-- Programs of version 1 that are running go on: they write rows as before, to
-- which these columns and indexes belong, too.

-- Changes wait until this is done, checks do not: whoever changes a workspace
-- locks its row first, and the tables that are read are changed last.
LOCK TABLE workspaces IN EXCLUSIVE MODE;

-- Each key is one value, the workspace and what is looked for, so that no other
-- index will do for it, whatever the planner thinks of the tables. With it,
-- events come in the order of their numbers.
CREATE INDEX events_by_kind  ON events ((ARRAY[workspace, document ->> 'kind']), seq);
CREATE INDEX events_by_actor ON events ((ARRAY[workspace, document ->> 'actor']), seq)
	WHERE document ->> 'actor' IS NOT NULL;
CREATE INDEX events_by_user  ON events ((ARRAY[workspace, coalesce(document #>> '{memberAfter,user}', document #>> '{memberBefore,user}')]), seq)
	WHERE coalesce(document #>> '{memberAfter,user}', document #>> '{memberBefore,user}') IS NOT NULL;

-- The role after an event, and that before it where it is another one.
CREATE INDEX events_by_role ON events ((ARRAY[workspace, coalesce(document #>> '{memberAfter,role}', document #>> '{roleAfter,id}')]), seq)
	WHERE coalesce(document #>> '{memberAfter,role}', document #>> '{roleAfter,id}') IS NOT NULL;
CREATE INDEX events_by_role_before ON events ((ARRAY[workspace, coalesce(document #>> '{memberBefore,role}', document #>> '{roleBefore,id}')]), seq)
	WHERE coalesce(document #>> '{memberBefore,role}', document #>> '{roleBefore,id}')
		<> coalesce(document #>> '{memberAfter,role}', document #>> '{roleAfter,id}', '');

-- The times in each 1024 events: clocks differ, so that times and numbers need
-- not have the same order. All times are in UTC, and text without the Z has
-- their order.
CREATE INDEX events_by_time ON events ((ARRAY[workspace, (seq / 1024)::text]), (rtrim(document ->> 'time', 'Z') COLLATE "C"));

-- The roles that the holders of a role may give and take.
ALTER TABLE roles
	ADD COLUMN assigns text[] COLLATE "C" NOT NULL DEFAULT '{}',
	ADD CONSTRAINT roles_assigns CHECK (coalesce(array_ndims(assigns), 1) = 1 AND array_position(assigns, NULL) IS NULL);

-- A member's team, by the application's id; empty for none.
ALTER TABLE members
	ADD COLUMN team text COLLATE "C" NOT NULL DEFAULT '',
	ADD CONSTRAINT members_team CHECK (octet_length(team) <= 255);

CREATE INDEX members_by_team ON members ((ARRAY[workspace, team]), user_id) WHERE team <> '';

INSERT INTO migrations (version) VALUES (2);
