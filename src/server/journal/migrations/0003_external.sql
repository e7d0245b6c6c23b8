-- Work that runs elsewhere: what its reporter agreed with us, which is no fact but must be as true as the facts.
create table external (
  execution blob primary key references executions (id) on delete cascade,
  interrupt_after integer not null, -- milliseconds of silence after which it is interrupted for good
  client_seq integer not null,      -- of the reporter's last line whose facts are in the log; 0 before the first
  cancelled_by text                 -- who asked that it be stopped; null if nobody did
) without rowid;
