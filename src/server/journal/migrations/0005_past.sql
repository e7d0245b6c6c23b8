-- What estimates are learned from: the last 20 successes of each step of each workflow. Stays when executions are pruned.
create table step_past (
  workflow text not null,
  step text not null,
  seq integer not null,             -- of its step.completed
  duration_ms integer not null,
  silence_ms integer,               -- the longest time in which it printed nothing, where that is known
  primary key (workflow, step, seq)
) without rowid;
create trigger step_past_bound after insert on step_past begin
  delete from step_past where workflow = new.workflow and step = new.step and seq <= (
    select seq from step_past where workflow = new.workflow and step = new.step order by seq desc limit 1 offset 20
  );
end;

-- How the executions of each workflow ended: the last 50, and of those before them what is missing to 20 successes.
create table execution_past (
  workflow text not null,
  seq integer not null,             -- of its final fact
  execution blob not null,
  owner text not null,
  status text not null,
  queued_at integer not null,
  finished_at integer,
  duration_ms integer,
  primary key (workflow, seq)
) without rowid;
create trigger execution_past_bound after insert on execution_past begin
  delete from execution_past where workflow = new.workflow
    and seq <= (select seq from execution_past where workflow = new.workflow order by seq desc limit 1 offset 50)
    and (status <> 'succeeded' or seq <= (
      select seq from execution_past
      where workflow = new.workflow and status = 'succeeded' order by seq desc limit 1 offset 20
    ));
end;
