-- How far the schedule of each workflow was handled: after a stop, later times up to now are those that were missed.
create table schedules (
  workflow text primary key,
  words text not null,              -- expressions and time zone; with other words it is another schedule
  through integer not null          -- the last time that was started, or left out for good
) without rowid;
