-- A million executions are listed, filtered, searched and counted as fast as a thousand.

-- Those that have ended, by how; those that have not are few, and have an index of their own.
create index executions_ended on executions (status, id) where finished_at is not null;
create index executions_ended_of_owner on executions (owner, status, id) where finished_at is not null;
create index executions_ended_of_workflow on executions (workflow, status, id) where finished_at is not null;

-- How many there are.
create table counts (
  owner text not null,
  status text not null,
  executions integer not null,
  primary key (owner, status)
) without rowid;
insert into counts select owner, status, count(*) from executions group by owner, status;
create trigger counts_insert after insert on executions begin
  insert into counts values (new.owner, new.status, 1) on conflict do update set executions = executions + 1;
end;
create trigger counts_update after update of status on executions when old.status <> new.status begin
  update counts set executions = executions - 1 where owner = old.owner and status = old.status;
  insert into counts values (new.owner, new.status, 1) on conflict do update set executions = executions + 1;
end;
create trigger counts_delete after delete on executions begin
  update counts set executions = executions - 1 where owner = old.owner and status = old.status;
end;

-- Every three letters of `search`; its triggers are those that https://www.sqlite.org/fts5.html asks for.
create virtual table words using fts5 (search, content = 'executions', content_rowid = 'key', tokenize = 'trigram');
insert into words (words) values ('rebuild');
create trigger words_insert after insert on executions begin
  insert into words (rowid, search) values (new.key, new.search);
end;
create trigger words_update after update of search on executions when old.search <> new.search begin
  insert into words (words, rowid, search) values ('delete', old.key, old.search);
  insert into words (rowid, search) values (new.key, new.search);
end;
create trigger words_delete after delete on executions begin
  insert into words (words, rowid, search) values ('delete', old.key, old.search);
end;
