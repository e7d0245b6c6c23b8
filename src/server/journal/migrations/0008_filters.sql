-- Lists by what started an execution. By when it was asked for needs nothing: that is in the id; by when it ended, there is
-- an index.

alter table executions add column started_by text not null default ''; -- domain::event::Trigger
update executions set started_by = json_extract(snapshot, '$.trigger');
create index executions_started_by on executions (started_by, id);
create index executions_of_owner_started_by on executions (owner, started_by, id);
create index executions_ended_started_by on executions (started_by, status, id) where finished_at is not null;
