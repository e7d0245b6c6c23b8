//! Rows of a log with folds: which row shows which line, and the other way round, without a list of all rows.
//!
//! A log of a million lines has few heads and groups, so its rows are a few pieces: a head's own row, or a run of lines
//! that follow each other. What is folded away belongs to no piece.

/// Something in a log that can be folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fold {
    /// What comes before this line, in a row of its own: the head of an attempt. It holds all up to the next head.
    Head(u64),
    /// This line, which is the title of a group. It holds all up to where it ends, or to the next group or head.
    Group(u64),
}

/// What a row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Row {
    /// The head before this line.
    Head(u64),
    /// This line.
    Line(u64),
}

impl Row {
    /// The line that it shows, or that it comes before.
    pub fn line(self) -> u64 {
        match self {
            Row::Head(line) | Row::Line(line) => line,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    /// Its first row.
    row: u64,
    /// What that row shows; those below show the lines after that.
    first: Row,
    /// How many rows it has.
    rows: u64,
}

/// The rows of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folds {
    /// In order, none without a row.
    pieces: Vec<Piece>,
    rows: u64,
}

impl Folds {
    /// The rows of `lines` lines, with what there is in them to fold. `folded` says what is closed.
    pub fn new(lines: u64, parts: &Parts, folded: impl Fn(Fold) -> bool) -> Self {
        let mut folds = Self::default();
        let ends = parts.ends.iter().map(|line| (*line, None));
        let all = parts.all().map(|fold| (fold.line(), Some(fold))).chain(ends);
        let mut marks: Vec<(u64, Option<Fold>)> = all.filter(|(line, _)| *line < lines).collect();
        // A head comes before its first line, which may be the title of a group; an end before both.
        marks.sort_unstable();
        let mut next = 0;
        let mut hidden_by_head = false;
        let mut hidden_by_group = false;
        for (line, mark) in marks {
            if !hidden_by_head && !hidden_by_group {
                folds.push_lines(next, line);
            }
            next = line;
            match mark {
                None => hidden_by_group = false,
                Some(mark @ Fold::Head(line)) => {
                    folds.push(Row::Head(line), 1);
                    (hidden_by_head, hidden_by_group) = (folded(mark), false);
                }
                Some(Fold::Group(_)) if hidden_by_head => {}
                Some(mark @ Fold::Group(line)) => {
                    folds.push_lines(line, line + 1);
                    next = line + 1;
                    hidden_by_group = folded(mark);
                }
            }
        }
        if !hidden_by_head && !hidden_by_group {
            folds.push_lines(next, lines);
        }
        folds
    }

    fn push_lines(&mut self, from: u64, to: u64) {
        if from < to {
            self.push(Row::Line(from), to - from);
        }
    }

    fn push(&mut self, first: Row, rows: u64) {
        match (self.pieces.last_mut(), first) {
            (Some(Piece { first: Row::Line(begin), rows: had, .. }), Row::Line(line)) if *begin + *had == line => {
                *had += rows
            }
            _ => self.pieces.push(Piece { row: self.rows, first, rows }),
        }
        self.rows += rows;
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// What a row shows; none beyond the last.
    pub fn row(&self, row: u64) -> Option<Row> {
        let piece = self.pieces.get(self.pieces.partition_point(|piece| piece.row <= row).checked_sub(1)?)?;
        match piece.first {
            _ if row >= piece.row + piece.rows => None,
            Row::Line(line) => Some(Row::Line(line + (row - piece.row))),
            head => Some(head),
        }
    }

    /// The row of a line; if it is folded away, that of what hides it. None if there are no rows.
    pub fn row_of(&self, line: u64) -> Option<u64> {
        let after = self.pieces.partition_point(|piece| match piece.first {
            Row::Head(head) => head <= line,
            Row::Line(first) => first <= line,
        });
        let piece = self.pieces.get(after.checked_sub(1)?)?;
        match piece.first {
            Row::Line(first) => Some(piece.row + (line - first).min(piece.rows - 1)),
            Row::Head(_) => Some(piece.row),
        }
    }
    /// The row that shows this, or what hides it. None if there are no rows.
    pub fn find(&self, shown: Row) -> Option<u64> {
        match shown {
            Row::Line(line) => self.row_of(line),
            Row::Head(line) => {
                let head = self.pieces.iter().find(|piece| piece.first == shown);
                head.map(|piece| piece.row).or_else(|| self.row_of(line))
            }
        }
    }
}

impl Fold {
    /// The line it is at.
    pub fn line(self) -> u64 {
        match self {
            Fold::Head(line) | Fold::Group(line) => line,
        }
    }
}

/// What there is in a log to fold: lines, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Those before which there are heads.
    pub heads: Vec<u64>,
    /// Those that are titles of groups.
    pub groups: Vec<u64>,
    /// Those before which a group ended.
    pub ends: Vec<u64>,
}

impl Parts {
    fn all(&self) -> impl Iterator<Item = Fold> {
        self.heads.iter().copied().map(Fold::Head).chain(self.groups.iter().copied().map(Fold::Group))
    }

    /// The head above a line.
    fn head_of(&self, line: u64) -> Option<u64> {
        last(&self.heads, line)
    }

    /// What must be opened so that `line` can be seen. The title of a group is in view though that is closed.
    pub fn around(&self, line: u64) -> Vec<Fold> {
        let group = group_of(line, self.head_of(line), &self.groups, &self.ends).filter(|group| *group < line);
        self.head_of(line).map(Fold::Head).into_iter().chain(group.map(Fold::Group)).collect()
    }

    /// How many lines what is folded at `fold` holds, of `lines` in all.
    pub fn held(&self, fold: Fold, lines: u64) -> u64 {
        let after = |list: &[u64], line: u64| {
            list.get(list.partition_point(|one| *one <= line)).copied().unwrap_or(lines).min(lines)
        };
        match fold {
            Fold::Head(line) => after(&self.heads, line) - line.min(lines),
            Fold::Group(line) => {
                let end = [&self.heads, &self.groups, &self.ends].map(|list| after(list, line)).into_iter().min();
                end.unwrap_or(lines).saturating_sub(line + 1)
            }
        }
    }
}

/// The title of the group that a line is in, which is below `head`; of a title, itself. `ends` are the lines before which
/// groups ended.
pub fn group_of(line: u64, head: Option<u64>, groups: &[u64], ends: &[u64]) -> Option<u64> {
    // An end before a title ended another one.
    last(groups, line).filter(|group| head <= Some(*group) && last(ends, line) <= Some(*group))
}

/// The last of `lines` that is not after this one.
fn last(lines: &[u64], line: u64) -> Option<u64> {
    lines.get(lines.partition_point(|one| *one <= line).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection::btree_set, prelude::*};

    use super::*;

    /// The rows as a list, line by line.
    fn plainly(lines: u64, parts: &Parts, closed: &BTreeSet<Fold>) -> Vec<Row> {
        let mut rows = Vec::new();
        let (mut by_head, mut by_group) = (false, false);
        for line in 0..lines {
            if parts.ends.contains(&line) {
                by_group = false;
            }
            if parts.heads.contains(&line) {
                rows.push(Row::Head(line));
                (by_head, by_group) = (closed.contains(&Fold::Head(line)), false);
            }
            let group = parts.groups.contains(&line);
            if !by_head && (group || !by_group) {
                rows.push(Row::Line(line));
            }
            if group && !by_head {
                by_group = closed.contains(&Fold::Group(line));
            }
        }
        rows
    }

    prop_compose! {
        fn a_log()(lines in 0u64..40)(
            lines in Just(lines),
            heads in btree_set(0..lines + 3, 0..5),
            groups in btree_set(0..lines + 3, 0..8),
            ends in btree_set(0..lines + 3, 0..6),
            closed in prop::collection::vec(any::<bool>(), 13),
        ) -> (u64, Parts, BTreeSet<Fold>) {
            let [heads, groups, ends] = [heads, groups, ends].map(|lines| lines.into_iter().collect());
            let parts = Parts { heads, groups, ends };
            let closed = parts.all().zip(closed).filter_map(|(fold, closed)| closed.then_some(fold)).collect();
            (lines, parts, closed)
        }
    }

    proptest! {
        #[test]
        fn each_row_shows_what_a_list_of_all_rows_has_there((lines, parts, closed) in a_log()) {
            let folds = Folds::new(lines, &parts, |fold| closed.contains(&fold));
            let plain = plainly(lines, &parts, &closed);
            prop_assert_eq!(folds.rows(), plain.len() as u64);
            let rows: Vec<Row> = (0..folds.rows()).filter_map(|row| folds.row(row)).collect();
            prop_assert_eq!(rows, plain);
            prop_assert_eq!(folds.row(folds.rows()), None);
        }

        #[test]
        fn the_row_of_a_line_shows_it_or_what_hides_it((lines, parts, closed) in a_log()) {
            let folds = Folds::new(lines, &parts, |fold| closed.contains(&fold));
            for line in 0..lines {
                let row = folds.row_of(line).expect("there are rows");
                prop_assert_eq!(folds.row(row).and_then(|shown| folds.find(shown)), Some(row));
                match folds.row(row).expect("it is one of them") {
                    Row::Line(shown) if shown == line => {}
                    Row::Head(head) => prop_assert!(head <= line && closed.contains(&Fold::Head(head))),
                    Row::Line(group) => prop_assert!(group < line && closed.contains(&Fold::Group(group))),
                }
            }
        }

        #[test]
        fn what_is_around_a_line_is_all_that_can_hide_it((lines, parts, mut closed) in a_log(), line in 0u64..40) {
            prop_assume!(line < lines);
            let open = parts.around(line);
            closed.retain(|fold| !open.contains(fold));
            let folds = Folds::new(lines, &parts, |fold| closed.contains(&fold));
            prop_assert_eq!(folds.row_of(line).and_then(|row| folds.row(row)), Some(Row::Line(line)));
        }

        #[test]
        fn what_a_fold_holds_is_what_closing_it_hides((lines, parts, _) in a_log()) {
            let open = Folds::new(lines, &parts, |_| false).rows();
            for one in parts.all().filter(|fold| fold.line() < lines) {
                let closed = Folds::new(lines, &parts, |fold| fold == one).rows();
                prop_assert_eq!(open - closed, parts.held(one, lines));
            }
        }
    }
}
