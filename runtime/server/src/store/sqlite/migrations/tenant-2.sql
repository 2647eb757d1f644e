-- Rows that could not be read, as they stood there. `place`: which row, as JSON; `mended_at`: nothing is missing any more.
create table damaged (
    id        integer primary key autoincrement,
    place     text    not null unique,
    at        integer not null,
    why       text    not null,
    row       blob,
    mended_at integer
) strict;
create index damaged_open on damaged (id) where mended_at is null;

-- What no query finds, as its state is none.
create index entry_stray on entry (seq) where state not in ('new', 'waiting', 'folded', 'dropped', 'damaged');
create index debt_stray on debt (connection, kind, key)
    where state not in ('due', 'settling', 'blocked', 'held', 'untold', 'parked');

pragma user_version = 2;
