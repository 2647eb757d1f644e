-- One tenant's data. Kinds are kept by name, moments as milliseconds since 1970, nested values as JSON.

create table connection (
    id         integer primary key autoincrement,
    name       text    not null unique,
    spec       text    not null,
    state      text    not null,
    trouble    text,
    created_at integer not null,
    revision   integer not null default 0
) strict;

create table credential (
    connection integer not null,
    purpose    text    not null,
    sealed     blob    not null,
    primary key (connection, purpose)
) strict, without rowid;

-- Webhooks. An understood one keeps its row without its body, so that its id is not taken twice.
create table inbox (
    id          integer primary key autoincrement,
    connection  integer not null,
    event_id    text    not null,
    topic       text    not null,
    headers     text    not null,
    body        blob,
    received_at integer not null,
    unique (connection, event_id)
) strict;
create index inbox_pending on inbox (id) where body is not null;
create index inbox_done on inbox (received_at) where body is null;

-- A touch replaces the row, so that its number is new and no earlier read settles it.
create table touched (
    seq        integer primary key autoincrement,
    connection integer not null,
    kind       text    not null,
    remote_id  text    not null,
    since      integer not null,
    due_at     integer not null,
    cause      text    not null,
    attempts   integer not null,
    unique (connection, kind, remote_id)
) strict;
create index touched_due on touched (connection, due_at, seq);

create table cursor (
    connection integer not null,
    kind       text    not null,
    row        text    not null,
    primary key (connection, kind)
) strict, without rowid;

create table ask (
    connection integer not null,
    kind       text    not null,
    work       text    not null,
    asked_at   integer not null,
    primary key (connection, kind, work)
) strict, without rowid;

-- The log. `state`: new, waiting (for `token`), folded, dropped (for `reason`). `as_of`: the number of the read or write.
-- `digest`: of what a system said, as it said it; null for what is in the log with keys from the start.
create table entry (
    seq        integer primary key autoincrement,
    at         integer not null,
    kind       text    not null,
    key        text,
    connection integer,
    remote_id  text    not null,
    state      text    not null default 'new',
    token      text,
    reason     text,
    as_of      integer,
    digest     text,
    entry      text    not null
) strict;
create index entry_new on entry (seq) where state = 'new';
create index entry_waiting on entry (token) where state = 'waiting';
create index entry_pending on entry (connection, kind, remote_id) where state in ('new', 'waiting');

-- What a fold decided about a record, and under which terms: with the entries that it names, all there is to know to
-- fold the record again.
create table ruling (
    id     integer primary key autoincrement,
    at     integer not null,
    kind   text    not null,
    key    text    not null,
    terms  text    not null,
    ruling text    not null
) strict;
create index ruling_record on ruling (kind, key, id, at);

create table terms (
    digest text not null primary key,
    terms  text not null
) strict, without rowid;

-- `basis`: what all of it was decided under; empty where that is not one thing that is known.
create table truth (
    kind    text    not null,
    key     text    not null,
    natural text,
    basis   text    not null default '',
    truth   text    not null,
    primary key (kind, key)
) strict;
create index truth_basis on truth (kind, basis, key);
create index truth_natural on truth (kind, natural, key) where natural is not null;

create table shadow (
    kind       text    not null,
    key        text    not null,
    connection integer not null,
    shadow     text    not null,
    primary key (kind, key, connection)
) strict;

-- What orders want of items, as their truths and shadows say. `open`: something of it is still to leave; `day`: when it
-- was placed, counted from 1970.
create table commitment (
    item       text    not null,
    order_key  text    not null,
    open       integer not null,
    day        integer,
    commitment text    not null,
    primary key (item, order_key)
) strict, without rowid;
create index commitment_order on commitment (order_key);
create index commitment_open on commitment (item) where open = 1;
create index commitment_day on commitment (item, day) where open = 0;

-- Rules about what is paid. `company` and `item` are empty where nobody and nothing in particular is meant.
create table price_rule (
    id      text not null primary key,
    company text not null,
    item    text not null,
    rule    text not null
) strict, without rowid;
create index price_rule_place on price_rule (company, item);

-- `digest`: of the newest entry about it that was folded, numbered `as_of`; null if it cannot be told.
create table link (
    connection integer not null,
    kind       text    not null,
    remote_id  text    not null,
    key        text    not null,
    swept      integer not null default 0,
    as_of      integer not null default 0,
    digest     text,
    primary key (connection, kind, remote_id)
) strict, without rowid;
create unique index link_key on link (connection, kind, key);

create table debt (
    connection    integer not null,
    kind          text    not null,
    key           text    not null,
    truth_version integer not null,
    priority      integer not null,
    due_at        integer not null,
    since         integer not null,
    attempts      integer not null,
    state         text    not null,
    last_error    text,
    intent        text,
    token         text,
    primary key (connection, kind, key)
) strict;
create index debt_due on debt (connection, priority, due_at, kind, key) where state = 'due';
create index debt_stuck on debt (state, connection, kind, key) where state <> 'due';
create index debt_waiting on debt (token) where state = 'blocked';
create index debt_untold on debt (due_at, kind, key) where state = 'untold';
create index debt_record on debt (kind, key);
create index debt_begun on debt (connection, priority, due_at, kind, key) where state = 'due' and intent is not null;

-- One row a write of a plan that was handed in. `outcome`: null while it is open.
create table planned (
    plan       text    not null,
    connection integer not null,
    kind       text    not null,
    key        text    not null,
    remote_id  text,
    priority   integer not null,
    at         integer not null,
    due_at     integer not null,
    doc        text    not null,
    waits      text,
    outcome    text,
    primary key (plan, connection, kind, key)
) strict, without rowid;
create index planned_open on planned (connection, priority, due_at, kind, key) where outcome is null;
create index planned_at on planned (at);

create table event (
    id         integer primary key autoincrement,
    at         integer not null,
    kind       text    not null,
    key        text    not null,
    connection integer,
    what       text    not null
) strict;
create index event_record on event (kind, key, id);
create index event_vanished on event (connection, kind, at) where what = '{"event":"vanished"}';

-- `sides`: the connections that a mass of deletions is about, in order; none of any other conflict.
create table conflict (
    id      integer primary key autoincrement,
    at      integer not null,
    kind    text    not null,
    key     text    not null,
    about   text    not null,
    sides   text    not null,
    claims  text    not null,
    outcome text,  -- null: a person must decide
    reason  text    not null,
    policy  text    not null
) strict;
-- What waits for a person waits once.
create unique index conflict_open on conflict (kind, about, key, sides) where outcome is null;

-- Of the sweep numbered `sweep`, and what it found to differ.
create table accuracy (
    connection text    not null,
    kind       text    not null,
    sweep      integer not null,
    at         integer not null,
    figure     text    not null,
    primary key (connection, kind, sweep)
) strict, without rowid;

create table drift (
    connection text    not null,
    kind       text    not null,
    sweep      integer not null,
    n          integer not null,
    drift      text    not null,
    primary key (connection, kind, sweep, n)
) strict, without rowid;

create table slot (
    name     text not null primary key,
    active   integer,
    previous integer
) strict, without rowid;

create table release (
    id         integer primary key autoincrement,
    slot       text    not null,
    digest     text    not null,
    plugin     text    not null,
    state      text    not null,
    created_at integer not null
) strict;
create index release_slot on release (slot, id);
-- The same bytes twice in one slot are one release, whoever asks at the same time.
create unique index release_digest on release (slot, digest);

create table call (
    id   integer primary key autoincrement,
    slot text not null,
    row  text not null
) strict;
create index call_slot on call (slot, id);

create table kv (
    connection integer not null,
    key        text    not null,
    value      blob    not null,
    primary key (connection, key)
) strict, without rowid;

create table setting (
    name  text not null primary key,
    value text not null
) strict, without rowid;

create table lane (
    name        text    not null primary key,
    holder      text    not null,
    lease_until integer not null,
    fence       integer not null
) strict, without rowid;

pragma user_version = 1;

-- Creations that were begun, so that a record whose creation was never answered is found again.
create table command (
    connection  integer not null,
    command_key text    not null,
    key         text    not null,
    primary key (connection, command_key)
) strict, without rowid;
