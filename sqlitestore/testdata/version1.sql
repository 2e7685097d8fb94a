-- A database with the tables of version 1, as ".dump" of the sqlite3 shell writes it.
-- The library of commit 71393f5, the last one before version 2, wrote it: two workspaces,
-- "acme" and "", with all kinds of changes that there were.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE rbac_schema (
	version INTEGER NOT NULL PRIMARY KEY
) STRICT;
INSERT INTO rbac_schema VALUES(1);
CREATE TABLE rbac_workspaces (
	id       TEXT    NOT NULL PRIMARY KEY CHECK (length(CAST(id AS BLOB)) <= 255),
	revision INTEGER NOT NULL CHECK (revision >= 0),
	hash     BLOB    NOT NULL CHECK (length(hash) = 32 AND (revision > 0 OR hash = zeroblob(32)))
) STRICT, WITHOUT ROWID;
INSERT INTO rbac_workspaces VALUES('',2,X'42a27335045fc85a871af292d540d2b396f8252cf58fd84aa64d446012be31d5');
INSERT INTO rbac_workspaces VALUES('acme',25,X'e0ba7dc330053d22710f99d4758ddba1a6704d42e7467738e8dd59661cae4c01');
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
INSERT INTO rbac_roles VALUES('','artmdqgmttc5pnle2yeca7fnj2','Sales','','{"deals":{"read":"all","manage":"none"}}',0,1,1795651048463784,1795651048463784);
INSERT INTO rbac_roles VALUES('acme','cu2n4ao23fvems462twq5q53z4','Support','','{"contacts":{"read":"all","manage":"none"},"users":{"read":"all","manage":"none"}}',0,1,1795651048305243,1795651048305243);
INSERT INTO rbac_roles VALUES('acme','j2fkbgmsbykmhxarxnhuijzrwl','Sales people','Sells; "quoted" <b>&</b> – naïve 🦊.','{"contacts":{"read":"all","manage":"all"},"deals":{"read":"all","manage":"own"}}',0,2,1795651048294126,1795651048423069);
INSERT INTO rbac_roles VALUES('acme','uwhhdlrm24ftfxqdnmn6b333o5','Lead','','{"contacts":{"read":"all","manage":"all"},"deals":{"read":"all","manage":"all"},"users":{"read":"all","manage":"all"}}',0,1,1795651048320864,1795651048320864);
CREATE TABLE rbac_members (
	workspace  TEXT    NOT NULL REFERENCES rbac_workspaces (id),
	user       TEXT    NOT NULL CHECK (length(CAST(user AS BLOB)) BETWEEN 1 AND 255),
	role       TEXT    NOT NULL CHECK (length(CAST(role AS BLOB)) BETWEEN 1 AND 255),
	suspended  INTEGER NOT NULL CHECK (suspended IN (0, 1)),
	updated_at INTEGER NOT NULL CHECK (updated_at BETWEEN -62135596800000000 AND 253402300799999999),
	PRIMARY KEY (workspace, user)
) STRICT, WITHOUT ROWID;
INSERT INTO rbac_members VALUES('','ann','administrator',0,1795651048458076);
INSERT INTO rbac_members VALUES('acme','Bob','cu2n4ao23fvems462twq5q53z4',0,1795651048342400);
INSERT INTO rbac_members VALUES('acme','ann','administrator',0,1795651048278878);
INSERT INTO rbac_members VALUES('acme','bob','j2fkbgmsbykmhxarxnhuijzrwl',0,1795651048337485);
INSERT INTO rbac_members VALUES('acme','eve','j2fkbgmsbykmhxarxnhuijzrwl',1,1795651048373400);
INSERT INTO rbac_members VALUES('acme','joe','viewer',0,1795651048397512);
INSERT INTO rbac_members VALUES('acme','jörg@example.com','j2fkbgmsbykmhxarxnhuijzrwl',0,1795651048337485);
INSERT INTO rbac_members VALUES('acme','kim','cu2n4ao23fvems462twq5q53z4',0,1795651048394971);
INSERT INTO rbac_members VALUES('acme','lea','uwhhdlrm24ftfxqdnmn6b333o5',0,1795651048361497);
INSERT INTO rbac_members VALUES('acme','olga','administrator',1,1795651048446397);
INSERT INTO rbac_members VALUES('acme','tom','j2fkbgmsbykmhxarxnhuijzrwl',0,1795651048411988);
INSERT INTO rbac_members VALUES('acme','zoë','j2fkbgmsbykmhxarxnhuijzrwl',0,1795651048433269);
CREATE TABLE rbac_events (
	id        INTEGER NOT NULL PRIMARY KEY,
	workspace TEXT    NOT NULL REFERENCES rbac_workspaces (id),
	seq       INTEGER NOT NULL CHECK (seq >= 1),
	body      TEXT    NOT NULL CHECK (json_valid(body)),
	hash      BLOB    NOT NULL CHECK (length(hash) = 32),
	UNIQUE (workspace, seq)
) STRICT;
INSERT INTO rbac_events VALUES(1,'acme',1,'{"seq":1,"time":"2026-11-25T23:57:28.278878Z","kind":"member.assigned","reason":"set-up","memberAfter":{"user":"ann","role":"administrator","updatedAt":"2026-11-25T23:57:28.278878Z"}}',X'197e12e81fe2ff5f6bda9c9f7bbe3b756faa899b5ab35b43b51f0bc9ed405b97');
INSERT INTO rbac_events VALUES(2,'acme',2,'{"seq":2,"time":"2026-11-25T23:57:28.278878Z","kind":"member.assigned","reason":"set-up","memberAfter":{"user":"olga","role":"administrator","updatedAt":"2026-11-25T23:57:28.278878Z"}}',X'b1578af616f9d9b774d6cb2fa13a36cd59546887f67aa41d23f59037c0e15583');
INSERT INTO rbac_events VALUES(3,'acme',3,'{"seq":3,"time":"2026-11-25T23:57:28.294126Z","kind":"role.created","actor":"ann","roleAfter":{"id":"j2fkbgmsbykmhxarxnhuijzrwl","name":"Sales","description":"Sells; \"quoted\" \u003cb\u003e\u0026\u003c/b\u003e – naïve 🦊.","permissions":{"contacts":{"read":"all","manage":"own"},"deals":{"read":"own","manage":"own"}},"version":1,"createdAt":"2026-11-25T23:57:28.294126Z","updatedAt":"2026-11-25T23:57:28.294126Z"}}',X'a10ecb79fb6d7eaeb4163d73705fcd5491186c66ef1b53d97736a3693aa1fd9b');
INSERT INTO rbac_events VALUES(4,'acme',4,'{"seq":4,"time":"2026-11-25T23:57:28.305243Z","kind":"role.created","actor":"ann","roleAfter":{"id":"cu2n4ao23fvems462twq5q53z4","name":"Support","permissions":{"contacts":{"read":"all","manage":"none"},"users":{"read":"all","manage":"none"}},"version":1,"createdAt":"2026-11-25T23:57:28.305243Z","updatedAt":"2026-11-25T23:57:28.305243Z"}}',X'ca12c25b34eeb47e4157e8b1b8d3aa546f8e96743c86c8eaa63fb9032fa1ba28');
INSERT INTO rbac_events VALUES(5,'acme',5,'{"seq":5,"time":"2026-11-25T23:57:28.3109Z","kind":"role.created","actor":"ann","roleAfter":{"id":"vzta6vpatpa7xjdjq22s3dibpk","name":"Gone","permissions":{},"version":1,"createdAt":"2026-11-25T23:57:28.3109Z","updatedAt":"2026-11-25T23:57:28.3109Z"}}',X'6cbe72a40d202650f333e0ac366d1b2bfd5ba08341886297e9781e4fea3ab8a8');
INSERT INTO rbac_events VALUES(6,'acme',6,'{"seq":6,"time":"2026-11-25T23:57:28.320864Z","kind":"role.created","actor":"ann","roleAfter":{"id":"uwhhdlrm24ftfxqdnmn6b333o5","name":"Lead","permissions":{"contacts":{"read":"all","manage":"all"},"deals":{"read":"all","manage":"all"},"users":{"read":"all","manage":"all"}},"version":1,"createdAt":"2026-11-25T23:57:28.320864Z","updatedAt":"2026-11-25T23:57:28.320864Z"}}',X'bf152ec2a3c93fb9b00258b26e795b3e5542b6debe463e0145250b07f981a411');
INSERT INTO rbac_events VALUES(7,'acme',7,'{"seq":7,"time":"2026-11-25T23:57:28.337485Z","kind":"member.assigned","actor":"ann","memberAfter":{"user":"bob","role":"j2fkbgmsbykmhxarxnhuijzrwl","updatedAt":"2026-11-25T23:57:28.337485Z"}}',X'b62888c539f7911f3058c02f75df1aab809570cd6f7aa9baf652b6de596f6a9d');
INSERT INTO rbac_events VALUES(8,'acme',8,'{"seq":8,"time":"2026-11-25T23:57:28.337485Z","kind":"member.assigned","actor":"ann","memberAfter":{"user":"eve","role":"j2fkbgmsbykmhxarxnhuijzrwl","updatedAt":"2026-11-25T23:57:28.337485Z"}}',X'c4e7ba77b6aba34a10452695d8187562536a0a883b33466d15b70d528e2f0583');
INSERT INTO rbac_events VALUES(9,'acme',9,'{"seq":9,"time":"2026-11-25T23:57:28.337485Z","kind":"member.assigned","actor":"ann","memberAfter":{"user":"jörg@example.com","role":"j2fkbgmsbykmhxarxnhuijzrwl","updatedAt":"2026-11-25T23:57:28.337485Z"}}',X'e06e9a392ea65b11491293eb148d7de826c5bdd9f92d1305f85cd2e828a1cab1');
INSERT INTO rbac_events VALUES(10,'acme',10,'{"seq":10,"time":"2026-11-25T23:57:28.337485Z","kind":"member.assigned","actor":"ann","memberAfter":{"user":"kim","role":"j2fkbgmsbykmhxarxnhuijzrwl","updatedAt":"2026-11-25T23:57:28.337485Z"}}',X'd80480c012972073f2af6ff33e8468e9cbc0d5519f5b9ec29bbe8168b0beaccc');
INSERT INTO rbac_events VALUES(11,'acme',11,'{"seq":11,"time":"2026-11-25T23:57:28.3424Z","kind":"member.assigned","actor":"ann","memberAfter":{"user":"Bob","role":"cu2n4ao23fvems462twq5q53z4","updatedAt":"2026-11-25T23:57:28.3424Z"}}',X'091b71fc766dc0af30f7655157a05b31b010ce9fe68ff62f1f5c7785aa8dce8d');
INSERT INTO rbac_events VALUES(12,'acme',12,'{"seq":12,"time":"2026-11-25T23:57:28.3424Z","kind":"member.assigned","actor":"ann","memberAfter":{"user":"joe","role":"cu2n4ao23fvems462twq5q53z4","updatedAt":"2026-11-25T23:57:28.3424Z"}}',X'005651619572ef5ad9e9ad1ebff0248726800bbcc2c661383084271eac473891');
INSERT INTO rbac_events VALUES(13,'acme',13,'{"seq":13,"time":"2026-11-25T23:57:28.361497Z","kind":"member.assigned","actor":"ann","memberAfter":{"user":"lea","role":"uwhhdlrm24ftfxqdnmn6b333o5","updatedAt":"2026-11-25T23:57:28.361497Z"}}',X'44c9cede573bda6515f6f89383c8358335ac8c041c9427396362d489a80fa029');
INSERT INTO rbac_events VALUES(14,'acme',14,'{"seq":14,"time":"2026-11-25T23:57:28.3734Z","kind":"member.suspended","actor":"lea","memberBefore":{"user":"eve","role":"j2fkbgmsbykmhxarxnhuijzrwl","updatedAt":"2026-11-25T23:57:28.337485Z"},"memberAfter":{"user":"eve","role":"j2fkbgmsbykmhxarxnhuijzrwl","suspended":true,"updatedAt":"2026-11-25T23:57:28.3734Z"}}',X'c7f15de97f61b74994f0d5be9e184cca56b148998139550797f030a7321d4a12');
INSERT INTO rbac_events VALUES(15,'acme',15,'{"seq":15,"time":"2026-11-25T23:57:28.3734Z","kind":"member.suspended","actor":"lea","memberBefore":{"user":"kim","role":"j2fkbgmsbykmhxarxnhuijzrwl","updatedAt":"2026-11-25T23:57:28.337485Z"},"memberAfter":{"user":"kim","role":"j2fkbgmsbykmhxarxnhuijzrwl","suspended":true,"updatedAt":"2026-11-25T23:57:28.3734Z"}}',X'2a60f8834a54d595b9056dd49fb85f2cb53c9f9eda383c29efd0e2730fc636b0');
INSERT INTO rbac_events VALUES(16,'acme',16,'{"seq":16,"time":"2026-11-25T23:57:28.388338Z","kind":"member.reinstated","actor":"lea","memberBefore":{"user":"kim","role":"j2fkbgmsbykmhxarxnhuijzrwl","suspended":true,"updatedAt":"2026-11-25T23:57:28.3734Z"},"memberAfter":{"user":"kim","role":"j2fkbgmsbykmhxarxnhuijzrwl","updatedAt":"2026-11-25T23:57:28.388338Z"}}',X'0af835bd691dd508bb2888a20bd806df324918d60d51d667e886d681b3e364db');
INSERT INTO rbac_events VALUES(17,'acme',17,'{"seq":17,"time":"2026-11-25T23:57:28.394971Z","kind":"member.assigned","actor":"ann","memberBefore":{"user":"kim","role":"j2fkbgmsbykmhxarxnhuijzrwl","updatedAt":"2026-11-25T23:57:28.388338Z"},"memberAfter":{"user":"kim","role":"cu2n4ao23fvems462twq5q53z4","updatedAt":"2026-11-25T23:57:28.394971Z"}}',X'0b7fb5bf55104261a01ec1ca70028611ddfe414a2b43f2e499b4c44158e277f1');
INSERT INTO rbac_events VALUES(18,'acme',18,'{"seq":18,"time":"2026-11-25T23:57:28.396009Z","kind":"member.removed","actor":"olga","memberBefore":{"user":"joe","role":"cu2n4ao23fvems462twq5q53z4","updatedAt":"2026-11-25T23:57:28.3424Z"}}',X'0e610009f2939ad186b2503729ffba285ed29c4869f1d824ebbb06bef79aef94');
INSERT INTO rbac_events VALUES(19,'acme',19,'{"seq":19,"time":"2026-11-25T23:57:28.397512Z","kind":"member.assigned","actor":"ann","memberAfter":{"user":"joe","role":"viewer","updatedAt":"2026-11-25T23:57:28.397512Z"}}',X'092b8aeaaca05b368450cd9917317b951e79718351d53a5dde123064f264d18c');
INSERT INTO rbac_events VALUES(20,'acme',20,'{"seq":20,"time":"2026-11-25T23:57:28.398318Z","kind":"member.assigned","actor":"ann","memberAfter":{"user":"tom","role":"vzta6vpatpa7xjdjq22s3dibpk","updatedAt":"2026-11-25T23:57:28.398318Z"}}',X'4b4171d53f4f12e9f6113681645692c02e065cb4f593947a0d04202cd9404e93');
INSERT INTO rbac_events VALUES(21,'acme',21,'{"seq":21,"time":"2026-11-25T23:57:28.411988Z","kind":"member.assigned","actor":"ann","memberBefore":{"user":"tom","role":"vzta6vpatpa7xjdjq22s3dibpk","updatedAt":"2026-11-25T23:57:28.398318Z"},"memberAfter":{"user":"tom","role":"j2fkbgmsbykmhxarxnhuijzrwl","updatedAt":"2026-11-25T23:57:28.411988Z"}}',X'5d66482f7dc7fdbf980cca1c1ff6bf90736bff0ec9e3b0ce274039e1867c58e5');
INSERT INTO rbac_events VALUES(22,'acme',22,'{"seq":22,"time":"2026-11-25T23:57:28.418198Z","kind":"role.deleted","actor":"ann","roleBefore":{"id":"vzta6vpatpa7xjdjq22s3dibpk","name":"Gone","permissions":{},"version":1,"createdAt":"2026-11-25T23:57:28.3109Z","updatedAt":"2026-11-25T23:57:28.3109Z"}}',X'491880bf51656d83a037ac27129ef72031558a5005db2743d691f38f3ec10600');
INSERT INTO rbac_events VALUES(23,'acme',23,'{"seq":23,"time":"2026-11-25T23:57:28.423069Z","kind":"role.updated","actor":"ann","roleBefore":{"id":"j2fkbgmsbykmhxarxnhuijzrwl","name":"Sales","description":"Sells; \"quoted\" \u003cb\u003e\u0026\u003c/b\u003e – naïve 🦊.","permissions":{"contacts":{"read":"all","manage":"own"},"deals":{"read":"own","manage":"own"}},"version":1,"createdAt":"2026-11-25T23:57:28.294126Z","updatedAt":"2026-11-25T23:57:28.294126Z"},"roleAfter":{"id":"j2fkbgmsbykmhxarxnhuijzrwl","name":"Sales people","description":"Sells; \"quoted\" \u003cb\u003e\u0026\u003c/b\u003e – naïve 🦊.","permissions":{"contacts":{"read":"all","manage":"all"},"deals":{"read":"all","manage":"own"}},"version":2,"createdAt":"2026-11-25T23:57:28.294126Z","updatedAt":"2026-11-25T23:57:28.423069Z"}}',X'ea6d81bfcfcf3174adfda85d651131f4155dc5319b65adaecad7379b3de87364');
INSERT INTO rbac_events VALUES(24,'acme',24,'{"seq":24,"time":"2026-11-25T23:57:28.433269Z","kind":"member.assigned","reason":"nightly import of \"people\" \u0026 \u003cothers\u003e","memberAfter":{"user":"zoë","role":"j2fkbgmsbykmhxarxnhuijzrwl","updatedAt":"2026-11-25T23:57:28.433269Z"}}',X'2a893e3dbf80753e0bb9a8ef48bb7f4392af4df1c024c39f190f4817967e2ed7');
INSERT INTO rbac_events VALUES(25,'acme',25,'{"seq":25,"time":"2026-11-25T23:57:28.446397Z","kind":"member.suspended","actor":"ann","memberBefore":{"user":"olga","role":"administrator","updatedAt":"2026-11-25T23:57:28.278878Z"},"memberAfter":{"user":"olga","role":"administrator","suspended":true,"updatedAt":"2026-11-25T23:57:28.446397Z"}}',X'e0ba7dc330053d22710f99d4758ddba1a6704d42e7467738e8dd59661cae4c01');
INSERT INTO rbac_events VALUES(26,'',1,'{"seq":1,"time":"2026-11-25T23:57:28.458076Z","kind":"member.assigned","reason":"set-up","memberAfter":{"user":"ann","role":"administrator","updatedAt":"2026-11-25T23:57:28.458076Z"}}',X'f15279a21fae72de7cc5320f4121065566ff4c74e4b3270bd8fcf0d2c9f7945f');
INSERT INTO rbac_events VALUES(27,'',2,'{"seq":2,"time":"2026-11-25T23:57:28.463784Z","kind":"role.created","actor":"ann","roleAfter":{"id":"artmdqgmttc5pnle2yeca7fnj2","name":"Sales","permissions":{"deals":{"read":"all","manage":"none"}},"version":1,"createdAt":"2026-11-25T23:57:28.463784Z","updatedAt":"2026-11-25T23:57:28.463784Z"}}',X'42a27335045fc85a871af292d540d2b396f8252cf58fd84aa64d446012be31d5');
CREATE INDEX rbac_members_role ON rbac_members (workspace, role, user);
CREATE TRIGGER rbac_events_stay BEFORE UPDATE ON rbac_events
BEGIN
	SELECT RAISE(ABORT, 'events are never changed');
END;
COMMIT;
