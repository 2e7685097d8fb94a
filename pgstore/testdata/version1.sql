-- A database of version 1, as pg_dump 15 writes it without comments, from the
-- tables of migration 1 and what the library at commit 71393f5 wrote to them:
-- three workspaces with roles, members, suspended ones too, and each kind of event.

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE SCHEMA rbac;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE rbac.events (
    workspace text NOT NULL COLLATE pg_catalog."C",
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    document jsonb NOT NULL,
    CONSTRAINT events_document CHECK (((jsonb_typeof(document) = 'object'::text) AND (NOT (((document ->> 'seq'::text))::bigint IS DISTINCT FROM seq)))),
    CONSTRAINT events_hash CHECK ((octet_length(hash) = 32)),
    CONSTRAINT events_seq CHECK ((seq > 0))
);

CREATE TABLE rbac.members (
    workspace text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    suspended boolean NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT members_role CHECK (((octet_length(role) >= 1) AND (octet_length(role) <= 255))),
    CONSTRAINT members_updated_at CHECK (((updated_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (updated_at < '10000-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT members_user_id CHECK (((octet_length(user_id) >= 1) AND (octet_length(user_id) <= 255)))
);

CREATE TABLE rbac.migrations (
    version integer NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT migrations_version_check CHECK ((version > 0))
);

CREATE TABLE rbac.roles (
    workspace text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    description text NOT NULL,
    permissions jsonb NOT NULL,
    version bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT roles_created_at CHECK (((created_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '10000-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT roles_id CHECK (((octet_length(id) >= 1) AND (octet_length(id) <= 255))),
    CONSTRAINT roles_permissions CHECK ((jsonb_typeof(permissions) = 'object'::text)),
    CONSTRAINT roles_updated_at CHECK (((updated_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (updated_at < '10000-01-01 00:00:00+00'::timestamp with time zone)))
);

CREATE TABLE rbac.workspaces (
    id text NOT NULL COLLATE pg_catalog."C",
    revision bigint DEFAULT 0 NOT NULL,
    hash bytea DEFAULT decode(repeat('00'::text, 32), 'hex'::text) NOT NULL,
    CONSTRAINT workspaces_hash CHECK ((octet_length(hash) = 32)),
    CONSTRAINT workspaces_id CHECK ((octet_length(id) <= 255)),
    CONSTRAINT workspaces_revision CHECK (((revision > 0) OR ((revision = 0) AND (hash = decode(repeat('00'::text, 32), 'hex'::text)))))
);

INSERT INTO rbac.events VALUES ('', 1, '\x01bcdab128e43ad9c590d622d972ac3575286378cb50ee0fd27b97a9280ba075', '{"seq": 1, "kind": "member.assigned", "time": "2026-11-26T00:07:58.473731Z", "reason": "set-up <\"é\">", "memberAfter": {"role": "administrator", "user": "ada", "updatedAt": "2026-11-26T00:07:58.473731Z"}}');
INSERT INTO rbac.events VALUES ('', 2, '\x96786b662a5483b49fdbe059a6f1ec46ef39292d01269f3569b439ce37efd964', '{"seq": 2, "kind": "member.assigned", "time": "2026-11-26T00:07:58.473731Z", "reason": "set-up <\"é\">", "memberAfter": {"role": "administrator", "user": "ann", "updatedAt": "2026-11-26T00:07:58.473731Z"}}');
INSERT INTO rbac.events VALUES ('', 3, '\x147a482fedce8680833a2828ceacdc5b05c831e9ed199f4b2abd86526e9b2713', '{"seq": 3, "kind": "role.created", "time": "2026-11-26T00:07:58.512282Z", "actor": "ann", "roleAfter": {"id": "faxnr5pijscifrqbg5mpkai5ki", "name": "Sales", "version": 1, "createdAt": "2026-11-26T00:07:58.512282Z", "updatedAt": "2026-11-26T00:07:58.512282Z", "description": "sells “things”", "permissions": {"deals": {"read": "own", "manage": "own"}, "contacts": {"read": "all", "manage": "own"}}}}');
INSERT INTO rbac.events VALUES ('', 4, '\xfead26507883bc74c7436dc04ccf6ec9e0eeb41d928cc55aa2d5cc3b4c824833', '{"seq": 4, "kind": "role.created", "time": "2026-11-26T00:07:58.546651Z", "actor": "ann", "roleAfter": {"id": "hvofiukfk6nv4t3dcsurv7sh6k", "name": "Support", "version": 1, "createdAt": "2026-11-26T00:07:58.546651Z", "updatedAt": "2026-11-26T00:07:58.546651Z", "permissions": {"users": {"read": "all", "manage": "none"}, "contacts": {"read": "all", "manage": "none"}}}}');
INSERT INTO rbac.events VALUES ('', 5, '\x471ab4b4b1b2c2c5e230a72870c3ccafcf04a1e4883df227c88ffa1ee2ad8ea2', '{"seq": 5, "kind": "role.created", "time": "2026-11-26T00:07:58.557245Z", "actor": "ann", "roleAfter": {"id": "iow7a4q4dzoh4oquvxsxhl3nuc", "name": "Lead", "version": 1, "createdAt": "2026-11-26T00:07:58.557245Z", "updatedAt": "2026-11-26T00:07:58.557245Z", "permissions": {"deals": {"read": "own", "manage": "own"}, "users": {"read": "all", "manage": "all"}, "contacts": {"read": "all", "manage": "own"}}}}');
INSERT INTO rbac.events VALUES ('', 6, '\x2b0d9b50ff0d95a826a203221ec4c5557e14ea373e88256477453cacc7448673', '{"seq": 6, "kind": "role.created", "time": "2026-11-26T00:07:58.568944Z", "actor": "ann", "roleAfter": {"id": "tw33666ukqcpb4cvr6er5xfjaa", "name": "Old", "version": 1, "createdAt": "2026-11-26T00:07:58.568944Z", "updatedAt": "2026-11-26T00:07:58.568944Z", "permissions": {}}}');
INSERT INTO rbac.events VALUES ('', 7, '\xd080b801e1bf530466db25807e7e8c08383ad2f099690ee0f400b044308123b3', '{"seq": 7, "kind": "member.assigned", "time": "2026-11-26T00:07:58.602592Z", "actor": "ann", "memberAfter": {"role": "iow7a4q4dzoh4oquvxsxhl3nuc", "user": "lea", "updatedAt": "2026-11-26T00:07:58.602592Z"}}');
INSERT INTO rbac.events VALUES ('', 8, '\x32ba7abd3a75607397c13de2df15864b46a083e79fcb988751588d3388092bab', '{"seq": 8, "kind": "member.assigned", "time": "2026-11-26T00:07:58.62885Z", "actor": "ann", "memberAfter": {"role": "faxnr5pijscifrqbg5mpkai5ki", "user": "bob", "updatedAt": "2026-11-26T00:07:58.62885Z"}}');
INSERT INTO rbac.events VALUES ('', 9, '\xbe91760c020e0dd0517ebeebfdf78bc12cd66c1d1d853564cb5d01fa5153f47e', '{"seq": 9, "kind": "member.assigned", "time": "2026-11-26T00:07:58.62885Z", "actor": "ann", "memberAfter": {"role": "faxnr5pijscifrqbg5mpkai5ki", "user": "eve", "updatedAt": "2026-11-26T00:07:58.62885Z"}}');
INSERT INTO rbac.events VALUES ('', 10, '\xc5bcbd752c5a935a042e4a45ceaf2a27490929ccc5dde66b1e4c69ec0d873552', '{"seq": 10, "kind": "member.assigned", "time": "2026-11-26T00:07:58.62885Z", "actor": "ann", "memberAfter": {"role": "faxnr5pijscifrqbg5mpkai5ki", "user": "joe", "updatedAt": "2026-11-26T00:07:58.62885Z"}}');
INSERT INTO rbac.events VALUES ('', 11, '\xde5457a9071bbb5f7d127a65c9af4c75c9470f89f5926654ccc8e539aaa63dd3', '{"seq": 11, "kind": "member.assigned", "time": "2026-11-26T00:07:58.62885Z", "actor": "ann", "memberAfter": {"role": "faxnr5pijscifrqbg5mpkai5ki", "user": "zoë", "updatedAt": "2026-11-26T00:07:58.62885Z"}}');
INSERT INTO rbac.events VALUES ('', 12, '\xbc03411286f22b54bbb3e80f2f85caaf048867f459b69987164b935b9b67adf8', '{"seq": 12, "kind": "member.assigned", "time": "2026-11-26T00:07:58.638185Z", "actor": "ann", "memberAfter": {"role": "tw33666ukqcpb4cvr6er5xfjaa", "user": "kim", "updatedAt": "2026-11-26T00:07:58.638185Z"}}');
INSERT INTO rbac.events VALUES ('', 13, '\xc8414b10e34643fdc5873f8bdaa64c3f5bb1bc687e93a90a2f6ac4b583049672', '{"seq": 13, "kind": "member.assigned", "time": "2026-11-26T00:07:58.638185Z", "actor": "ann", "memberAfter": {"role": "tw33666ukqcpb4cvr6er5xfjaa", "user": "tim", "updatedAt": "2026-11-26T00:07:58.638185Z"}}');
INSERT INTO rbac.events VALUES ('', 14, '\x525de8d6ac6b47bd655799fcb3387b49bf1cae3bca219b71decde636ced3aaef', '{"seq": 14, "kind": "member.suspended", "time": "2026-11-26T00:07:58.649851Z", "actor": "lea", "memberAfter": {"role": "faxnr5pijscifrqbg5mpkai5ki", "user": "eve", "suspended": true, "updatedAt": "2026-11-26T00:07:58.649851Z"}, "memberBefore": {"role": "faxnr5pijscifrqbg5mpkai5ki", "user": "eve", "updatedAt": "2026-11-26T00:07:58.62885Z"}}');
INSERT INTO rbac.events VALUES ('', 15, '\xcadcb247a30de5c12c13aac3b46ae1a2e448b166c52f89de2da2693f2b3a334f', '{"seq": 15, "kind": "member.suspended", "time": "2026-11-26T00:07:58.649851Z", "actor": "lea", "memberAfter": {"role": "faxnr5pijscifrqbg5mpkai5ki", "user": "joe", "suspended": true, "updatedAt": "2026-11-26T00:07:58.649851Z"}, "memberBefore": {"role": "faxnr5pijscifrqbg5mpkai5ki", "user": "joe", "updatedAt": "2026-11-26T00:07:58.62885Z"}}');
INSERT INTO rbac.events VALUES ('', 16, '\x06f7343b36a29553d955fcc80d9b654dc60575051b300898ccb1ee914e69a099', '{"seq": 16, "kind": "member.reinstated", "time": "2026-11-26T00:07:58.660084Z", "actor": "lea", "memberAfter": {"role": "faxnr5pijscifrqbg5mpkai5ki", "user": "joe", "updatedAt": "2026-11-26T00:07:58.660084Z"}, "memberBefore": {"role": "faxnr5pijscifrqbg5mpkai5ki", "user": "joe", "suspended": true, "updatedAt": "2026-11-26T00:07:58.649851Z"}}');
INSERT INTO rbac.events VALUES ('', 17, '\x1fc6627cfc3aabb649d7746465c9d769e4d428033a877affaf3bb9478c951ec4', '{"seq": 17, "kind": "member.assigned", "time": "2026-11-26T00:07:58.67494Z", "actor": "ann", "memberAfter": {"role": "hvofiukfk6nv4t3dcsurv7sh6k", "user": "joe", "updatedAt": "2026-11-26T00:07:58.67494Z"}, "memberBefore": {"role": "faxnr5pijscifrqbg5mpkai5ki", "user": "joe", "updatedAt": "2026-11-26T00:07:58.660084Z"}}');
INSERT INTO rbac.events VALUES ('', 18, '\x4c1a928745220f98c82f8ef954ce4a7c016ef5c25c6040573c8f6ba6d71c84e9', '{"seq": 18, "kind": "role.updated", "time": "2026-11-26T00:07:58.693419Z", "actor": "ann", "roleAfter": {"id": "faxnr5pijscifrqbg5mpkai5ki", "name": "Sales & more", "version": 2, "createdAt": "2026-11-26T00:07:58.512282Z", "updatedAt": "2026-11-26T00:07:58.693419Z", "description": "sells “things”", "permissions": {"deals": {"read": "own", "manage": "own"}, "tasks": {"read": "own", "manage": "none"}, "contacts": {"read": "all", "manage": "own"}}}, "roleBefore": {"id": "faxnr5pijscifrqbg5mpkai5ki", "name": "Sales", "version": 1, "createdAt": "2026-11-26T00:07:58.512282Z", "updatedAt": "2026-11-26T00:07:58.512282Z", "description": "sells “things”", "permissions": {"deals": {"read": "own", "manage": "own"}, "contacts": {"read": "all", "manage": "own"}}}}');
INSERT INTO rbac.events VALUES ('', 19, '\x829cb94d75eac45cc63e972e270c7190cecde7b8f602f985c606c3c5f5303869', '{"seq": 19, "kind": "member.assigned", "time": "2026-11-26T00:07:58.710409Z", "actor": "ann", "memberAfter": {"role": "hvofiukfk6nv4t3dcsurv7sh6k", "user": "kim", "updatedAt": "2026-11-26T00:07:58.710409Z"}, "memberBefore": {"role": "tw33666ukqcpb4cvr6er5xfjaa", "user": "kim", "updatedAt": "2026-11-26T00:07:58.638185Z"}}');
INSERT INTO rbac.events VALUES ('', 20, '\x3810345bb5a8b9e852231f9828777b63b023dae9054d857591fdebec722f11d3', '{"seq": 20, "kind": "member.assigned", "time": "2026-11-26T00:07:58.710409Z", "actor": "ann", "memberAfter": {"role": "hvofiukfk6nv4t3dcsurv7sh6k", "user": "tim", "updatedAt": "2026-11-26T00:07:58.710409Z"}, "memberBefore": {"role": "tw33666ukqcpb4cvr6er5xfjaa", "user": "tim", "updatedAt": "2026-11-26T00:07:58.638185Z"}}');
INSERT INTO rbac.events VALUES ('', 21, '\x1ab0774eaca8941d9bd10e9e3d8f340a35687c974a085c954837b40eac0f6b32', '{"seq": 21, "kind": "role.deleted", "time": "2026-11-26T00:07:58.729679Z", "actor": "ann", "roleBefore": {"id": "tw33666ukqcpb4cvr6er5xfjaa", "name": "Old", "version": 1, "createdAt": "2026-11-26T00:07:58.568944Z", "updatedAt": "2026-11-26T00:07:58.568944Z", "permissions": {}}}');
INSERT INTO rbac.events VALUES ('', 22, '\x6c9f538b175d2ad63449e75b584b7006f8abea046b9e26e4c3ca445688cdf869', '{"seq": 22, "kind": "member.removed", "time": "2026-11-26T00:07:58.735825Z", "actor": "ann", "memberBefore": {"role": "hvofiukfk6nv4t3dcsurv7sh6k", "user": "tim", "updatedAt": "2026-11-26T00:07:58.710409Z"}}');
INSERT INTO rbac.events VALUES ('', 23, '\x193cace7d880569f02fc4dd64c2df009739c1f04af2bd6ea1995a4c601585c03', '{"seq": 23, "kind": "member.suspended", "time": "2026-11-26T00:07:58.741227Z", "actor": "ann", "memberAfter": {"role": "administrator", "user": "ada", "suspended": true, "updatedAt": "2026-11-26T00:07:58.741227Z"}, "memberBefore": {"role": "administrator", "user": "ada", "updatedAt": "2026-11-26T00:07:58.473731Z"}}');
INSERT INTO rbac.events VALUES ('acme', 1, '\xb9ecaca53d1946e45ae03249a07b525d08d54a69decabb55c4e0c5b6dd377954', '{"seq": 1, "kind": "member.assigned", "time": "2026-11-26T00:07:58.747301Z", "reason": "set-up <\"é\">", "memberAfter": {"role": "administrator", "user": "ada", "updatedAt": "2026-11-26T00:07:58.747301Z"}}');
INSERT INTO rbac.events VALUES ('acme', 2, '\xc227a609b1204a3045be351dafdfb2fbfa7c47c83521d1340548b818b3cbabe5', '{"seq": 2, "kind": "member.assigned", "time": "2026-11-26T00:07:58.747301Z", "reason": "set-up <\"é\">", "memberAfter": {"role": "administrator", "user": "ann", "updatedAt": "2026-11-26T00:07:58.747301Z"}}');
INSERT INTO rbac.events VALUES ('acme', 3, '\xc5d4ee72c29c075c2e5f85f08e02ee56a2694f0b61fb3d904f1904db2736b72b', '{"seq": 3, "kind": "role.created", "time": "2026-11-26T00:07:58.754369Z", "actor": "ann", "roleAfter": {"id": "ribns7yu53psvopo2wfvbutakv", "name": "Sales", "version": 1, "createdAt": "2026-11-26T00:07:58.754369Z", "updatedAt": "2026-11-26T00:07:58.754369Z", "description": "sells “things”", "permissions": {"deals": {"read": "own", "manage": "own"}, "contacts": {"read": "all", "manage": "own"}}}}');
INSERT INTO rbac.events VALUES ('acme', 4, '\xedb9a95fbe2eab9ec6e732ab25bc9c5545f24e02564ea288c41a6289bf886a51', '{"seq": 4, "kind": "role.created", "time": "2026-11-26T00:07:58.755553Z", "actor": "ann", "roleAfter": {"id": "7ztgunm2tklqrtykz6wks2wssu", "name": "Support", "version": 1, "createdAt": "2026-11-26T00:07:58.755553Z", "updatedAt": "2026-11-26T00:07:58.755553Z", "permissions": {"users": {"read": "all", "manage": "none"}, "contacts": {"read": "all", "manage": "none"}}}}');
INSERT INTO rbac.events VALUES ('acme', 5, '\xabaf8a5547211ec8c81ca5157b8ae54038590bf3b3885ad6482079b4888cd8ba', '{"seq": 5, "kind": "role.created", "time": "2026-11-26T00:07:58.75763Z", "actor": "ann", "roleAfter": {"id": "h63n4dglxhckcun7mc735adpbj", "name": "Lead", "version": 1, "createdAt": "2026-11-26T00:07:58.75763Z", "updatedAt": "2026-11-26T00:07:58.75763Z", "permissions": {"deals": {"read": "own", "manage": "own"}, "users": {"read": "all", "manage": "all"}, "contacts": {"read": "all", "manage": "own"}}}}');
INSERT INTO rbac.events VALUES ('acme', 6, '\x84960c4388b7d1116c0d6b8b431f121fb508fccf21950a9d5fa2bdba3c2aadef', '{"seq": 6, "kind": "role.created", "time": "2026-11-26T00:07:58.770089Z", "actor": "ann", "roleAfter": {"id": "nzxc6xloxhmoc5csulj2gswaht", "name": "Old", "version": 1, "createdAt": "2026-11-26T00:07:58.770089Z", "updatedAt": "2026-11-26T00:07:58.770089Z", "permissions": {}}}');
INSERT INTO rbac.events VALUES ('acme', 7, '\x73ad4c79960e55bdcf79a6d68ab2729b51dee81d96963ea476eb76d064bf2460', '{"seq": 7, "kind": "member.assigned", "time": "2026-11-26T00:07:58.773017Z", "actor": "ann", "memberAfter": {"role": "h63n4dglxhckcun7mc735adpbj", "user": "lea", "updatedAt": "2026-11-26T00:07:58.773017Z"}}');
INSERT INTO rbac.events VALUES ('acme', 8, '\x5cfa968fbbd6564332b1c2ee32b2462cf4e61f97cd350991abe4ac47310d2869', '{"seq": 8, "kind": "member.assigned", "time": "2026-11-26T00:07:58.781033Z", "actor": "ann", "memberAfter": {"role": "ribns7yu53psvopo2wfvbutakv", "user": "bob", "updatedAt": "2026-11-26T00:07:58.781033Z"}}');
INSERT INTO rbac.events VALUES ('acme', 9, '\x64aa700ea975575bf2ea44472f42bf327bff9c6d4fc979157f3bbb9bfebcf66b', '{"seq": 9, "kind": "member.assigned", "time": "2026-11-26T00:07:58.781033Z", "actor": "ann", "memberAfter": {"role": "ribns7yu53psvopo2wfvbutakv", "user": "eve", "updatedAt": "2026-11-26T00:07:58.781033Z"}}');
INSERT INTO rbac.events VALUES ('acme', 10, '\xe95e72a0a97068697cf16f1e67e9024df55cc2d90d1fa7275fd4f807afc86a98', '{"seq": 10, "kind": "member.assigned", "time": "2026-11-26T00:07:58.781033Z", "actor": "ann", "memberAfter": {"role": "ribns7yu53psvopo2wfvbutakv", "user": "joe", "updatedAt": "2026-11-26T00:07:58.781033Z"}}');
INSERT INTO rbac.events VALUES ('acme', 11, '\xce708b516b7d27f2fb8d3c930711f43c3253b517beb28c32f6c60a902f258081', '{"seq": 11, "kind": "member.assigned", "time": "2026-11-26T00:07:58.781033Z", "actor": "ann", "memberAfter": {"role": "ribns7yu53psvopo2wfvbutakv", "user": "zoë", "updatedAt": "2026-11-26T00:07:58.781033Z"}}');
INSERT INTO rbac.events VALUES ('acme', 12, '\x36058f0137422922daca1134e65264e0df13e784345546ecfcd626565725a5ee', '{"seq": 12, "kind": "member.assigned", "time": "2026-11-26T00:07:58.79028Z", "actor": "ann", "memberAfter": {"role": "nzxc6xloxhmoc5csulj2gswaht", "user": "kim", "updatedAt": "2026-11-26T00:07:58.79028Z"}}');
INSERT INTO rbac.events VALUES ('acme', 13, '\xfea08b3456b1268b1f71898dcd260785783670e95dc0e80dbb56500936e7d416', '{"seq": 13, "kind": "member.assigned", "time": "2026-11-26T00:07:58.79028Z", "actor": "ann", "memberAfter": {"role": "nzxc6xloxhmoc5csulj2gswaht", "user": "tim", "updatedAt": "2026-11-26T00:07:58.79028Z"}}');
INSERT INTO rbac.events VALUES ('acme', 14, '\x19a54e2444f0af8d92445599de9a13a3958816174933aa3cf6a730e14c6d0e15', '{"seq": 14, "kind": "member.suspended", "time": "2026-11-26T00:07:58.800667Z", "actor": "lea", "memberAfter": {"role": "ribns7yu53psvopo2wfvbutakv", "user": "eve", "suspended": true, "updatedAt": "2026-11-26T00:07:58.800667Z"}, "memberBefore": {"role": "ribns7yu53psvopo2wfvbutakv", "user": "eve", "updatedAt": "2026-11-26T00:07:58.781033Z"}}');
INSERT INTO rbac.events VALUES ('acme', 15, '\xcd4ef36d1c67a18ca275ffa6698ce748582c297bdcc289d17a8ecf5a0a7e4d1e', '{"seq": 15, "kind": "member.suspended", "time": "2026-11-26T00:07:58.800667Z", "actor": "lea", "memberAfter": {"role": "ribns7yu53psvopo2wfvbutakv", "user": "joe", "suspended": true, "updatedAt": "2026-11-26T00:07:58.800667Z"}, "memberBefore": {"role": "ribns7yu53psvopo2wfvbutakv", "user": "joe", "updatedAt": "2026-11-26T00:07:58.781033Z"}}');
INSERT INTO rbac.events VALUES ('acme', 16, '\x3b981c24ee11af8cf2f62d4a9a74d42adb23aa3330a3ae2b5e2750dce63de65c', '{"seq": 16, "kind": "member.reinstated", "time": "2026-11-26T00:07:58.818427Z", "actor": "lea", "memberAfter": {"role": "ribns7yu53psvopo2wfvbutakv", "user": "joe", "updatedAt": "2026-11-26T00:07:58.818427Z"}, "memberBefore": {"role": "ribns7yu53psvopo2wfvbutakv", "user": "joe", "suspended": true, "updatedAt": "2026-11-26T00:07:58.800667Z"}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 13, '\x4a5493efb799c6b26dc3f73464ea949f453ee779ae0d119963eef25160f91c85', '{"seq": 13, "kind": "member.assigned", "time": "2026-11-26T00:07:59.122309Z", "actor": "ann", "memberAfter": {"role": "5wnnh7udxt42ttfzv67w3cgpyb", "user": "tim", "updatedAt": "2026-11-26T00:07:59.122309Z"}}');
INSERT INTO rbac.events VALUES ('acme', 17, '\xd19ea725245c63163ae8a037079d6ba6e9efaf89c57e3a70a8be0d80efc8481a', '{"seq": 17, "kind": "member.assigned", "time": "2026-11-26T00:07:58.82115Z", "actor": "ann", "memberAfter": {"role": "7ztgunm2tklqrtykz6wks2wssu", "user": "joe", "updatedAt": "2026-11-26T00:07:58.82115Z"}, "memberBefore": {"role": "ribns7yu53psvopo2wfvbutakv", "user": "joe", "updatedAt": "2026-11-26T00:07:58.818427Z"}}');
INSERT INTO rbac.events VALUES ('acme', 18, '\x71173bcc57683abf9dc9273a858836e3a4e63b975ac52fb5d9cf2cd0834baf6e', '{"seq": 18, "kind": "role.updated", "time": "2026-11-26T00:07:58.831494Z", "actor": "ann", "roleAfter": {"id": "ribns7yu53psvopo2wfvbutakv", "name": "Sales & more", "version": 2, "createdAt": "2026-11-26T00:07:58.754369Z", "updatedAt": "2026-11-26T00:07:58.831494Z", "description": "sells “things”", "permissions": {"deals": {"read": "own", "manage": "own"}, "tasks": {"read": "own", "manage": "none"}, "contacts": {"read": "all", "manage": "own"}}}, "roleBefore": {"id": "ribns7yu53psvopo2wfvbutakv", "name": "Sales", "version": 1, "createdAt": "2026-11-26T00:07:58.754369Z", "updatedAt": "2026-11-26T00:07:58.754369Z", "description": "sells “things”", "permissions": {"deals": {"read": "own", "manage": "own"}, "contacts": {"read": "all", "manage": "own"}}}}');
INSERT INTO rbac.events VALUES ('acme', 19, '\x6b0443ea1793d8263612ce2cbc3499f92e214b87acf9ae887a1d485c2d7000bd', '{"seq": 19, "kind": "member.assigned", "time": "2026-11-26T00:07:58.855095Z", "actor": "ann", "memberAfter": {"role": "7ztgunm2tklqrtykz6wks2wssu", "user": "kim", "updatedAt": "2026-11-26T00:07:58.855095Z"}, "memberBefore": {"role": "nzxc6xloxhmoc5csulj2gswaht", "user": "kim", "updatedAt": "2026-11-26T00:07:58.79028Z"}}');
INSERT INTO rbac.events VALUES ('acme', 20, '\xeb0909054f9d44a2024373b639ae1a5e86fe35986d3c73be162f26e4e4e83923', '{"seq": 20, "kind": "member.assigned", "time": "2026-11-26T00:07:58.855095Z", "actor": "ann", "memberAfter": {"role": "7ztgunm2tklqrtykz6wks2wssu", "user": "tim", "updatedAt": "2026-11-26T00:07:58.855095Z"}, "memberBefore": {"role": "nzxc6xloxhmoc5csulj2gswaht", "user": "tim", "updatedAt": "2026-11-26T00:07:58.79028Z"}}');
INSERT INTO rbac.events VALUES ('acme', 21, '\xf299c06393f2497ad6e54a00f365a124d6ba110e1dc7ae1aa162ea7619856d03', '{"seq": 21, "kind": "role.deleted", "time": "2026-11-26T00:07:58.870281Z", "actor": "ann", "roleBefore": {"id": "nzxc6xloxhmoc5csulj2gswaht", "name": "Old", "version": 1, "createdAt": "2026-11-26T00:07:58.770089Z", "updatedAt": "2026-11-26T00:07:58.770089Z", "permissions": {}}}');
INSERT INTO rbac.events VALUES ('acme', 22, '\xe06aaf7eef8202d6847123e29022005bea575310fbec9ebff2d10b208c9014c8', '{"seq": 22, "kind": "member.removed", "time": "2026-11-26T00:07:58.887556Z", "actor": "ann", "memberBefore": {"role": "7ztgunm2tklqrtykz6wks2wssu", "user": "tim", "updatedAt": "2026-11-26T00:07:58.855095Z"}}');
INSERT INTO rbac.events VALUES ('acme', 23, '\x354720ef935da065497c5328b67427b9f4861e0fe9c3fb853110dabac1dd7bb4', '{"seq": 23, "kind": "member.suspended", "time": "2026-11-26T00:07:58.917964Z", "actor": "ann", "memberAfter": {"role": "administrator", "user": "ada", "suspended": true, "updatedAt": "2026-11-26T00:07:58.917964Z"}, "memberBefore": {"role": "administrator", "user": "ada", "updatedAt": "2026-11-26T00:07:58.747301Z"}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 1, '\x4bad6908fedf72d2eb402a2679ab0c1a8cc8e328240ab0b967ed3bcb2c2dcd35', '{"seq": 1, "kind": "member.assigned", "time": "2026-11-26T00:07:58.989217Z", "reason": "set-up <\"é\">", "memberAfter": {"role": "administrator", "user": "ada", "updatedAt": "2026-11-26T00:07:58.989217Z"}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 2, '\x0ba005dbc42704b7d4105b2067c0b64d3ec1f1d46dde63c57ba1d222cf65f88f', '{"seq": 2, "kind": "member.assigned", "time": "2026-11-26T00:07:58.989217Z", "reason": "set-up <\"é\">", "memberAfter": {"role": "administrator", "user": "ann", "updatedAt": "2026-11-26T00:07:58.989217Z"}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 3, '\x5eb792528eeb7e41954a8bcda8f6d139f2bbe6a25397e025e64e980ac2ab4719', '{"seq": 3, "kind": "role.created", "time": "2026-11-26T00:07:59.017136Z", "actor": "ann", "roleAfter": {"id": "j66ycg53or326rqaws5gavah3k", "name": "Sales", "version": 1, "createdAt": "2026-11-26T00:07:59.017136Z", "updatedAt": "2026-11-26T00:07:59.017136Z", "description": "sells “things”", "permissions": {"deals": {"read": "own", "manage": "own"}, "contacts": {"read": "all", "manage": "own"}}}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 4, '\xa9d4d71db4816690e25b179aec9a8a2546e11ba10c0f1de336a3a7ebebfbeaeb', '{"seq": 4, "kind": "role.created", "time": "2026-11-26T00:07:59.0627Z", "actor": "ann", "roleAfter": {"id": "vwn364z4t6dwx57rxzrgzzwf77", "name": "Support", "version": 1, "createdAt": "2026-11-26T00:07:59.0627Z", "updatedAt": "2026-11-26T00:07:59.0627Z", "permissions": {"users": {"read": "all", "manage": "none"}, "contacts": {"read": "all", "manage": "none"}}}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 5, '\x8d5f5f1b6a78db7c68edbb9834590b3b04eafa171fe291948da31dfff83797b7', '{"seq": 5, "kind": "role.created", "time": "2026-11-26T00:07:59.096502Z", "actor": "ann", "roleAfter": {"id": "qwbnpa6bhdyvsjalm5uyjzmymm", "name": "Lead", "version": 1, "createdAt": "2026-11-26T00:07:59.096502Z", "updatedAt": "2026-11-26T00:07:59.096502Z", "permissions": {"deals": {"read": "own", "manage": "own"}, "users": {"read": "all", "manage": "all"}, "contacts": {"read": "all", "manage": "own"}}}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 6, '\xd3445673dacd1fda7805fb7d81150224883badea02ef93cfd70acbbaa82bf1b7', '{"seq": 6, "kind": "role.created", "time": "2026-11-26T00:07:59.097858Z", "actor": "ann", "roleAfter": {"id": "5wnnh7udxt42ttfzv67w3cgpyb", "name": "Old", "version": 1, "createdAt": "2026-11-26T00:07:59.097858Z", "updatedAt": "2026-11-26T00:07:59.097858Z", "permissions": {}}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 7, '\xd73e47e3d0d900f8d6e7105a0046d073bcd6158bd7b52658efd5255f1bda8d6c', '{"seq": 7, "kind": "member.assigned", "time": "2026-11-26T00:07:59.098887Z", "actor": "ann", "memberAfter": {"role": "qwbnpa6bhdyvsjalm5uyjzmymm", "user": "lea", "updatedAt": "2026-11-26T00:07:59.098887Z"}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 8, '\xd2f9f3f51a1b60dc678039cfa3340491fcf0392432574d02c5a5526e298f9853', '{"seq": 8, "kind": "member.assigned", "time": "2026-11-26T00:07:59.113865Z", "actor": "ann", "memberAfter": {"role": "j66ycg53or326rqaws5gavah3k", "user": "bob", "updatedAt": "2026-11-26T00:07:59.113865Z"}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 9, '\x064ff9aedfbe421f60c3f118e6c439510582d2b33ba8e285c5c3570507802d5e', '{"seq": 9, "kind": "member.assigned", "time": "2026-11-26T00:07:59.113865Z", "actor": "ann", "memberAfter": {"role": "j66ycg53or326rqaws5gavah3k", "user": "eve", "updatedAt": "2026-11-26T00:07:59.113865Z"}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 10, '\xac556aa54eac54847502e3a5a6618b84f8cf14e318121e2bc52eab7e97161658', '{"seq": 10, "kind": "member.assigned", "time": "2026-11-26T00:07:59.113865Z", "actor": "ann", "memberAfter": {"role": "j66ycg53or326rqaws5gavah3k", "user": "joe", "updatedAt": "2026-11-26T00:07:59.113865Z"}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 11, '\x4396b6c80968d7ea3106528a3aa4e54e635d84b57e6996bfe078e00e3b371f21', '{"seq": 11, "kind": "member.assigned", "time": "2026-11-26T00:07:59.113865Z", "actor": "ann", "memberAfter": {"role": "j66ycg53or326rqaws5gavah3k", "user": "zoë", "updatedAt": "2026-11-26T00:07:59.113865Z"}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 12, '\x4d6f11dc429bc33676b6c2469e6efeabbfbd293cce35fcb2af5fe20fa80553c0', '{"seq": 12, "kind": "member.assigned", "time": "2026-11-26T00:07:59.122309Z", "actor": "ann", "memberAfter": {"role": "5wnnh7udxt42ttfzv67w3cgpyb", "user": "kim", "updatedAt": "2026-11-26T00:07:59.122309Z"}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 14, '\x311787b65769c448bd06b69491995381ed4d8b71e8c051d80731dd535527a8c8', '{"seq": 14, "kind": "member.suspended", "time": "2026-11-26T00:07:59.134166Z", "actor": "lea", "memberAfter": {"role": "j66ycg53or326rqaws5gavah3k", "user": "eve", "suspended": true, "updatedAt": "2026-11-26T00:07:59.134166Z"}, "memberBefore": {"role": "j66ycg53or326rqaws5gavah3k", "user": "eve", "updatedAt": "2026-11-26T00:07:59.113865Z"}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 15, '\xe7fa1c36adc19d419346df52ec4e0aca15e6015f14fdf99136d9e34d5f91f1db', '{"seq": 15, "kind": "member.suspended", "time": "2026-11-26T00:07:59.134166Z", "actor": "lea", "memberAfter": {"role": "j66ycg53or326rqaws5gavah3k", "user": "joe", "suspended": true, "updatedAt": "2026-11-26T00:07:59.134166Z"}, "memberBefore": {"role": "j66ycg53or326rqaws5gavah3k", "user": "joe", "updatedAt": "2026-11-26T00:07:59.113865Z"}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 16, '\x3be01214b4d2d7c6f78884887e460c677a786699f34863d07d6a0a7305b4dde4', '{"seq": 16, "kind": "member.reinstated", "time": "2026-11-26T00:07:59.141066Z", "actor": "lea", "memberAfter": {"role": "j66ycg53or326rqaws5gavah3k", "user": "joe", "updatedAt": "2026-11-26T00:07:59.141066Z"}, "memberBefore": {"role": "j66ycg53or326rqaws5gavah3k", "user": "joe", "suspended": true, "updatedAt": "2026-11-26T00:07:59.134166Z"}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 17, '\xf6f23bf54f1720ee3bf414bb66c8a4214400a8c2eddd9c96c165950ecb99b885', '{"seq": 17, "kind": "member.assigned", "time": "2026-11-26T00:07:59.145822Z", "actor": "ann", "memberAfter": {"role": "vwn364z4t6dwx57rxzrgzzwf77", "user": "joe", "updatedAt": "2026-11-26T00:07:59.145822Z"}, "memberBefore": {"role": "j66ycg53or326rqaws5gavah3k", "user": "joe", "updatedAt": "2026-11-26T00:07:59.141066Z"}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 18, '\xf824726bccf1fd0e70e3db9a0c390825b10b6367dba460b6d98271ecccf98590', '{"seq": 18, "kind": "role.updated", "time": "2026-11-26T00:07:59.146967Z", "actor": "ann", "roleAfter": {"id": "j66ycg53or326rqaws5gavah3k", "name": "Sales & more", "version": 2, "createdAt": "2026-11-26T00:07:59.017136Z", "updatedAt": "2026-11-26T00:07:59.146967Z", "description": "sells “things”", "permissions": {"deals": {"read": "own", "manage": "own"}, "tasks": {"read": "own", "manage": "none"}, "contacts": {"read": "all", "manage": "own"}}}, "roleBefore": {"id": "j66ycg53or326rqaws5gavah3k", "name": "Sales", "version": 1, "createdAt": "2026-11-26T00:07:59.017136Z", "updatedAt": "2026-11-26T00:07:59.017136Z", "description": "sells “things”", "permissions": {"deals": {"read": "own", "manage": "own"}, "contacts": {"read": "all", "manage": "own"}}}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 19, '\x2746ced0cb3d2568cb6f1787a7426face8100d67af9890e4bf923611dc89b233', '{"seq": 19, "kind": "member.assigned", "time": "2026-11-26T00:07:59.148016Z", "actor": "ann", "memberAfter": {"role": "vwn364z4t6dwx57rxzrgzzwf77", "user": "kim", "updatedAt": "2026-11-26T00:07:59.148016Z"}, "memberBefore": {"role": "5wnnh7udxt42ttfzv67w3cgpyb", "user": "kim", "updatedAt": "2026-11-26T00:07:59.122309Z"}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 20, '\x48aabbeb0429c11a0caaf90c6418bb0e0791240f57ea0f8b2fd6162046188b1f', '{"seq": 20, "kind": "member.assigned", "time": "2026-11-26T00:07:59.148016Z", "actor": "ann", "memberAfter": {"role": "vwn364z4t6dwx57rxzrgzzwf77", "user": "tim", "updatedAt": "2026-11-26T00:07:59.148016Z"}, "memberBefore": {"role": "5wnnh7udxt42ttfzv67w3cgpyb", "user": "tim", "updatedAt": "2026-11-26T00:07:59.122309Z"}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 21, '\xc5a9a9d499246a90d0d7e2ac0f9f360ef25aca85023a9fc480cf0f30943c55b0', '{"seq": 21, "kind": "role.deleted", "time": "2026-11-26T00:07:59.153667Z", "actor": "ann", "roleBefore": {"id": "5wnnh7udxt42ttfzv67w3cgpyb", "name": "Old", "version": 1, "createdAt": "2026-11-26T00:07:59.097858Z", "updatedAt": "2026-11-26T00:07:59.097858Z", "permissions": {}}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 22, '\x67c2677a432b5db8d783cc0aa1b1d0e96ef934359d93c25c65c0dae75c915885', '{"seq": 22, "kind": "member.removed", "time": "2026-11-26T00:07:59.215478Z", "actor": "ann", "memberBefore": {"role": "vwn364z4t6dwx57rxzrgzzwf77", "user": "tim", "updatedAt": "2026-11-26T00:07:59.148016Z"}}');
INSERT INTO rbac.events VALUES ('Büro 東京', 23, '\x8ea28021557bda19c63b217b005a7bacc0b9c2cf625ff82f294c7e55ff95b5af', '{"seq": 23, "kind": "member.suspended", "time": "2026-11-26T00:07:59.238385Z", "actor": "ann", "memberAfter": {"role": "administrator", "user": "ada", "suspended": true, "updatedAt": "2026-11-26T00:07:59.238385Z"}, "memberBefore": {"role": "administrator", "user": "ada", "updatedAt": "2026-11-26T00:07:58.989217Z"}}');

INSERT INTO rbac.members VALUES ('', 'ann', 'administrator', false, '2026-11-26 00:07:58.473731+00');
INSERT INTO rbac.members VALUES ('', 'lea', 'iow7a4q4dzoh4oquvxsxhl3nuc', false, '2026-11-26 00:07:58.602592+00');
INSERT INTO rbac.members VALUES ('', 'bob', 'faxnr5pijscifrqbg5mpkai5ki', false, '2026-11-26 00:07:58.62885+00');
INSERT INTO rbac.members VALUES ('', 'zoë', 'faxnr5pijscifrqbg5mpkai5ki', false, '2026-11-26 00:07:58.62885+00');
INSERT INTO rbac.members VALUES ('', 'eve', 'faxnr5pijscifrqbg5mpkai5ki', true, '2026-11-26 00:07:58.649851+00');
INSERT INTO rbac.members VALUES ('', 'joe', 'hvofiukfk6nv4t3dcsurv7sh6k', false, '2026-11-26 00:07:58.67494+00');
INSERT INTO rbac.members VALUES ('', 'kim', 'hvofiukfk6nv4t3dcsurv7sh6k', false, '2026-11-26 00:07:58.710409+00');
INSERT INTO rbac.members VALUES ('', 'ada', 'administrator', true, '2026-11-26 00:07:58.741227+00');
INSERT INTO rbac.members VALUES ('acme', 'ann', 'administrator', false, '2026-11-26 00:07:58.747301+00');
INSERT INTO rbac.members VALUES ('acme', 'lea', 'h63n4dglxhckcun7mc735adpbj', false, '2026-11-26 00:07:58.773017+00');
INSERT INTO rbac.members VALUES ('acme', 'bob', 'ribns7yu53psvopo2wfvbutakv', false, '2026-11-26 00:07:58.781033+00');
INSERT INTO rbac.members VALUES ('acme', 'zoë', 'ribns7yu53psvopo2wfvbutakv', false, '2026-11-26 00:07:58.781033+00');
INSERT INTO rbac.members VALUES ('acme', 'eve', 'ribns7yu53psvopo2wfvbutakv', true, '2026-11-26 00:07:58.800667+00');
INSERT INTO rbac.members VALUES ('acme', 'joe', '7ztgunm2tklqrtykz6wks2wssu', false, '2026-11-26 00:07:58.82115+00');
INSERT INTO rbac.members VALUES ('acme', 'kim', '7ztgunm2tklqrtykz6wks2wssu', false, '2026-11-26 00:07:58.855095+00');
INSERT INTO rbac.members VALUES ('acme', 'ada', 'administrator', true, '2026-11-26 00:07:58.917964+00');
INSERT INTO rbac.members VALUES ('Büro 東京', 'ann', 'administrator', false, '2026-11-26 00:07:58.989217+00');
INSERT INTO rbac.members VALUES ('Büro 東京', 'lea', 'qwbnpa6bhdyvsjalm5uyjzmymm', false, '2026-11-26 00:07:59.098887+00');
INSERT INTO rbac.members VALUES ('Büro 東京', 'bob', 'j66ycg53or326rqaws5gavah3k', false, '2026-11-26 00:07:59.113865+00');
INSERT INTO rbac.members VALUES ('Büro 東京', 'zoë', 'j66ycg53or326rqaws5gavah3k', false, '2026-11-26 00:07:59.113865+00');
INSERT INTO rbac.members VALUES ('Büro 東京', 'eve', 'j66ycg53or326rqaws5gavah3k', true, '2026-11-26 00:07:59.134166+00');
INSERT INTO rbac.members VALUES ('Büro 東京', 'joe', 'vwn364z4t6dwx57rxzrgzzwf77', false, '2026-11-26 00:07:59.145822+00');
INSERT INTO rbac.members VALUES ('Büro 東京', 'kim', 'vwn364z4t6dwx57rxzrgzzwf77', false, '2026-11-26 00:07:59.148016+00');
INSERT INTO rbac.members VALUES ('Büro 東京', 'ada', 'administrator', true, '2026-11-26 00:07:59.238385+00');

INSERT INTO rbac.migrations VALUES (1, '2026-11-26 00:07:58.091209+00');

INSERT INTO rbac.roles VALUES ('', 'hvofiukfk6nv4t3dcsurv7sh6k', 'Support', '', '{"users": {"read": "all", "manage": "none"}, "contacts": {"read": "all", "manage": "none"}}', 1, '2026-11-26 00:07:58.546651+00', '2026-11-26 00:07:58.546651+00');
INSERT INTO rbac.roles VALUES ('', 'iow7a4q4dzoh4oquvxsxhl3nuc', 'Lead', '', '{"deals": {"read": "own", "manage": "own"}, "users": {"read": "all", "manage": "all"}, "contacts": {"read": "all", "manage": "own"}}', 1, '2026-11-26 00:07:58.557245+00', '2026-11-26 00:07:58.557245+00');
INSERT INTO rbac.roles VALUES ('', 'faxnr5pijscifrqbg5mpkai5ki', 'Sales & more', 'sells “things”', '{"deals": {"read": "own", "manage": "own"}, "tasks": {"read": "own", "manage": "none"}, "contacts": {"read": "all", "manage": "own"}}', 2, '2026-11-26 00:07:58.512282+00', '2026-11-26 00:07:58.693419+00');
INSERT INTO rbac.roles VALUES ('acme', '7ztgunm2tklqrtykz6wks2wssu', 'Support', '', '{"users": {"read": "all", "manage": "none"}, "contacts": {"read": "all", "manage": "none"}}', 1, '2026-11-26 00:07:58.755553+00', '2026-11-26 00:07:58.755553+00');
INSERT INTO rbac.roles VALUES ('acme', 'h63n4dglxhckcun7mc735adpbj', 'Lead', '', '{"deals": {"read": "own", "manage": "own"}, "users": {"read": "all", "manage": "all"}, "contacts": {"read": "all", "manage": "own"}}', 1, '2026-11-26 00:07:58.75763+00', '2026-11-26 00:07:58.75763+00');
INSERT INTO rbac.roles VALUES ('acme', 'ribns7yu53psvopo2wfvbutakv', 'Sales & more', 'sells “things”', '{"deals": {"read": "own", "manage": "own"}, "tasks": {"read": "own", "manage": "none"}, "contacts": {"read": "all", "manage": "own"}}', 2, '2026-11-26 00:07:58.754369+00', '2026-11-26 00:07:58.831494+00');
INSERT INTO rbac.roles VALUES ('Büro 東京', 'vwn364z4t6dwx57rxzrgzzwf77', 'Support', '', '{"users": {"read": "all", "manage": "none"}, "contacts": {"read": "all", "manage": "none"}}', 1, '2026-11-26 00:07:59.0627+00', '2026-11-26 00:07:59.0627+00');
INSERT INTO rbac.roles VALUES ('Büro 東京', 'qwbnpa6bhdyvsjalm5uyjzmymm', 'Lead', '', '{"deals": {"read": "own", "manage": "own"}, "users": {"read": "all", "manage": "all"}, "contacts": {"read": "all", "manage": "own"}}', 1, '2026-11-26 00:07:59.096502+00', '2026-11-26 00:07:59.096502+00');
INSERT INTO rbac.roles VALUES ('Büro 東京', 'j66ycg53or326rqaws5gavah3k', 'Sales & more', 'sells “things”', '{"deals": {"read": "own", "manage": "own"}, "tasks": {"read": "own", "manage": "none"}, "contacts": {"read": "all", "manage": "own"}}', 2, '2026-11-26 00:07:59.017136+00', '2026-11-26 00:07:59.146967+00');

INSERT INTO rbac.workspaces VALUES ('', 23, '\x193cace7d880569f02fc4dd64c2df009739c1f04af2bd6ea1995a4c601585c03');
INSERT INTO rbac.workspaces VALUES ('acme', 23, '\x354720ef935da065497c5328b67427b9f4861e0fe9c3fb853110dabac1dd7bb4');
INSERT INTO rbac.workspaces VALUES ('Büro 東京', 23, '\x8ea28021557bda19c63b217b005a7bacc0b9c2cf625ff82f294c7e55ff95b5af');

ALTER TABLE ONLY rbac.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (workspace, seq);

ALTER TABLE ONLY rbac.members
    ADD CONSTRAINT members_pkey PRIMARY KEY (workspace, user_id);

ALTER TABLE ONLY rbac.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY rbac.roles
    ADD CONSTRAINT roles_pkey PRIMARY KEY (workspace, id);

ALTER TABLE ONLY rbac.workspaces
    ADD CONSTRAINT workspaces_pkey PRIMARY KEY (id);

CREATE INDEX members_by_role ON rbac.members USING btree (workspace, role, user_id);

CREATE INDEX members_suspended ON rbac.members USING btree (workspace, user_id) WHERE suspended;

ALTER TABLE ONLY rbac.events
    ADD CONSTRAINT events_workspace_fkey FOREIGN KEY (workspace) REFERENCES rbac.workspaces(id);

ALTER TABLE ONLY rbac.members
    ADD CONSTRAINT members_workspace_fkey FOREIGN KEY (workspace) REFERENCES rbac.workspaces(id);

ALTER TABLE ONLY rbac.roles
    ADD CONSTRAINT roles_workspace_fkey FOREIGN KEY (workspace) REFERENCES rbac.workspaces(id);
