-- The last hour is counted and drawn from indexes that hold all that this asks.

drop index executions_finished;
create index executions_finished on executions (finished_at, status) where finished_at is not null;
create index executions_finished_of_owner on executions (owner, finished_at, status) where finished_at is not null;
