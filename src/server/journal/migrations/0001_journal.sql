-- One row per execution: what lists filter by, and the fold of its facts, rewritten with each commit that touches it.
create table executions (
  key integer primary key,
  id blob not null unique,          -- UUIDv7, 16 bytes: sorts by the time it was made
  workflow text not null,
  owner text not null,
  status text not null,
  queued_at integer not null,       -- milliseconds since 1970, like all times here
  finished_at integer,
  duration_ms integer,
  last_seq integer not null,        -- the last fact that is in `snapshot`
  search text not null,             -- lower case: id, workflow, owner, error message
  snapshot text not null,           -- domain::execution::Execution as JSON
  plan text                         -- domain::workflow::Workflow as JSON; null once it has ended
);
create index executions_by_owner on executions (owner, id);
create index executions_by_workflow on executions (workflow, id);
create index executions_unfinished on executions (id) where finished_at is null;
create index executions_finished on executions (finished_at) where finished_at is not null;

-- The log of facts. `seq` is given by the one writer, follows the order of commits and is never used twice.
create table events (
  seq integer primary key,
  execution integer not null references executions (key),
  owner text not null,
  output integer not null,          -- 1: a step.output, which only the execution's own stream carries
  body text not null                -- the fact as JSON, without its opening brace
);
create index events_of_execution on events (execution, seq);
create index events_of_owner on events (owner, seq) where output = 0;

-- Where a line of output is: each step.output by the numbers of its first line.
create table chunks (
  execution integer not null references executions (key),
  first integer not null,           -- within the execution, from 0
  step text not null,
  step_first integer not null,      -- within the step, from 0
  lines integer not null,
  seq integer not null,             -- the step.output that holds them
  primary key (execution, first)
) without rowid;
create index chunks_of_step on chunks (execution, step, step_first);

-- Answers that a repeated request must get again.
create table idempotency (
  owner text not null,
  key text not null,
  request blob not null,            -- SHA-256 of the request's body
  execution blob not null,
  at integer not null,
  primary key (owner, key)
) without rowid;

-- `head`: the greatest seq ever given, as of the last pruning. `pruned_through`: the greatest seq that was pruned.
create table marks (
  name text primary key,
  value integer not null
) without rowid;
insert into marks (name, value) values ('head', 0), ('pruned_through', 0);
