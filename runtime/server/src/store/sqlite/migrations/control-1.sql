-- What belongs to no tenant.

create table tenant (
    id         integer primary key autoincrement,  -- never reused
    name       text,                               -- null: it was ended
    created_at integer not null,
    ended_at   integer,
    shard      integer not null default 0,
    has_file   integer not null default 0,         -- its file was made: where that is missing, it was lost
    entries    integer not null default 0          -- so many were logged in it: where there are fewer, it is an older one
) strict;
create unique index tenant_name on tenant (name);

create table api_key (
    id            text    not null primary key,
    tenant        integer references tenant (id),  -- null: an operator's
    label         text    not null,
    secret_sha256 blob    not null,
    scopes        text    not null,                -- JSON array
    created_at    integer not null,
    expires_at    integer,
    revoked_at    integer,
    last_used_at  integer
) strict;
create index api_key_tenant on api_key (tenant, id);

create table remembered (
    scope          text    not null,
    key            text    not null,
    request_sha256 blob    not null,
    at             integer not null,
    status         integer,                        -- null: in flight
    body           blob,
    primary key (scope, key)
) strict;
create index remembered_at on remembered (at);

pragma user_version = 1;
