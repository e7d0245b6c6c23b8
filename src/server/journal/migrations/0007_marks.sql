-- What stands out in a log is found without reading it.
alter table chunks add column attempt integer;  -- null in those of older versions, as below
-- Three bytes for each line with a level: its place in the chunk, high byte first, and a letter for the level.
alter table chunks add column marks blob;
