-- The tables of the authorization server, for SQLite and PostgreSQL alike.
-- Times are milliseconds since 1970-01-01 UTC. A digest is the SHA-256 of a secret in base64url.
-- Lists are JSON arrays of strings. Sealed values are described in crates/oauth/src/seal.

CREATE TABLE grants (
    id                TEXT   NOT NULL PRIMARY KEY,
    client_id         TEXT   NOT NULL,
    client_name       TEXT,
    subject           TEXT   NOT NULL,
    label             TEXT   NOT NULL,
    scopes            TEXT   NOT NULL,
    resource          TEXT   NOT NULL,
    sentry            TEXT,
    sentry_version    BIGINT NOT NULL,
    sentry_scopes     TEXT   NOT NULL,
    sentry_expires_at BIGINT,
    created_at        BIGINT NOT NULL,
    last_used_at      BIGINT NOT NULL,
    revoked_at        BIGINT,
    revoked_reason    TEXT
);
CREATE INDEX grants_client ON grants (client_id);

CREATE TABLE codes (
    digest         TEXT   NOT NULL PRIMARY KEY,
    grant_id       TEXT   NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    client_id      TEXT   NOT NULL,
    redirect_uri   TEXT   NOT NULL,
    code_challenge TEXT   NOT NULL,
    resource       TEXT   NOT NULL,
    expires_at     BIGINT NOT NULL,
    used_at        BIGINT
);
CREATE INDEX codes_grant ON codes (grant_id);

CREATE TABLE access_tokens (
    digest     TEXT   NOT NULL PRIMARY KEY,
    grant_id   TEXT   NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    scopes     TEXT   NOT NULL,
    resource   TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_tokens_grant ON access_tokens (grant_id);
CREATE INDEX access_tokens_expiry ON access_tokens (expires_at);

CREATE TABLE refresh_tokens (
    digest         TEXT   NOT NULL PRIMARY KEY,
    grant_id       TEXT   NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    client_id      TEXT   NOT NULL,
    expires_at     BIGINT NOT NULL,
    superseded_at  BIGINT,
    successor      TEXT,
    replay         TEXT,
    replay_request TEXT
);
CREATE INDEX refresh_tokens_grant ON refresh_tokens (grant_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);
CREATE INDEX refresh_tokens_successor ON refresh_tokens (successor);
CREATE INDEX refresh_tokens_replay ON refresh_tokens (superseded_at) WHERE replay IS NOT NULL;

CREATE TABLE clients (
    id            TEXT   NOT NULL PRIMARY KEY,
    name          TEXT,
    uri           TEXT,
    redirect_uris TEXT   NOT NULL,
    auth_method   TEXT   NOT NULL,
    secret        TEXT,
    created_at    BIGINT NOT NULL,
    last_used_at  BIGINT NOT NULL
);
CREATE INDEX clients_use ON clients (last_used_at);

CREATE TABLE pending (
    state      TEXT   NOT NULL PRIMARY KEY,
    cookie     TEXT   NOT NULL,
    decision   TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX pending_expiry ON pending (expires_at);

CREATE TABLE leases (
    name    TEXT   NOT NULL PRIMARY KEY,
    holder  TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);
