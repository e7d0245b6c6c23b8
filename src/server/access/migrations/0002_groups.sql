-- Groups: one name for several users, which a workflow's `allow` may hold. A name is a user's or a group's, never both:
-- whoever writes one of them looks at the other in the same transaction.

create table user_groups (
    name       text    not null primary key,
    -- Milliseconds since 1970-01-01T00:00:00Z.
    created_at integer not null
) strict;

create table group_members (
    group_name text not null references user_groups (name) on delete cascade,
    user    text not null references users (name) on delete cascade,
    primary key (group_name, user)
) strict, without rowid;

-- Asked with each request: which groups somebody is in.
create index group_members_by_user on group_members (user, group_name);
