-- Who may come in. Times are milliseconds since 1970-01-01T00:00:00Z.

create table users (
    name          text    not null primary key,
    role          text    not null check (role in ('admin', 'user')),
    -- A PHC string: Argon2id with its parameters and salt.
    password_hash text    not null,
    created_at    integer not null
) strict;

-- Somebody who has signed in with a browser. The secret in the cookie is kept as its SHA-256 only: whoever reads this
-- file can sign in as nobody. Its 256 bits are random, so a fast hash without salt is enough.
create table sessions (
    id           text    not null primary key,
    token_hash   blob    not null unique check (length(token_hash) = 32),
    user         text    not null references users (name) on delete cascade,
    created_at   integer not null,
    last_seen_at integer not null,
    expires_at   integer not null,
    address      text    not null,
    agent        text    not null
) strict;

create index sessions_by_user on sessions (user, last_seen_at);

-- A program that acts for a user. Kept like a session, but it does not expire.
create table tokens (
    id           text    not null primary key,
    token_hash   blob    not null unique check (length(token_hash) = 32),
    user         text    not null references users (name) on delete cascade,
    label        text    not null,
    created_at   integer not null,
    last_used_at integer
) strict;

create index tokens_by_user on tokens (user, created_at);
