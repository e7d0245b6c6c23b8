-- `begin`: the place that the log began after. A log of another database has another, so that an id of it is known.
insert into marks (name, value) values ('begin', 0);
