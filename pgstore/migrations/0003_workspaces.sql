-- Version 3: the workspaces of a user, and events by the user who was renamed.
--
-- Programs of version 2 that are running go on.

-- Changes wait until this is done, checks do not: whoever changes a workspace
-- locks its row first.
LOCK TABLE workspaces IN EXCLUSIVE MODE;

CREATE INDEX members_by_user ON members (user_id, workspace);

-- The user before an event, where it is another one than after it.
CREATE INDEX events_by_user_before ON events ((ARRAY[workspace, document #>> '{memberBefore,user}']), seq)
	WHERE document #>> '{memberBefore,user}' <> document #>> '{memberAfter,user}';

INSERT INTO migrations (version) VALUES (3);
