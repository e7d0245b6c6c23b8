//! Where the steps of a graph lie when it is drawn in layers, from left to right (Sugiyama, Tagawa and Toda, 1981): a
//! step lies right of all that it needs ([`Layout::new`]), edges cross as little as some sweeps can reach ([`order`]), and long
//! edges are straight ([`place`]). [`sheet`] turns that into pixels. The same graph is always drawn in the same way.

mod order;
mod place;
pub mod sheet;

#[cfg(test)]
mod tests;

use super::links::Links;

/// Most bends that edges may have, in all; beyond that long edges run straight through what lies between. It is what a
/// graph of a thousand steps in a few dozen layers needs.
const BENDS_MAX: usize = 8_000;

/// A graph in layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// For each step where it lies.
    pub spots: Vec<Spot>,
    /// For each need a line, from the step that is needed; all go to the right.
    pub edges: Vec<Edge>,
    /// How many layers there are.
    pub columns: usize,
    /// The greatest `row` of anything.
    pub rows: f64,
}

/// The place of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// Its layer, from 0 at the left.
    pub column: usize,
    /// How far down it lies, in heights of a row: two steps of a layer are 1.0 apart at least.
    pub row: f64,
}

/// A line between two steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// The step that is needed.
    pub from: usize,
    /// The step that needs it.
    pub to: usize,
    /// The rows where it passes the layers between.
    pub bends: Vec<f64>,
}

/// The graph while it is laid out: steps first, then the bends of long edges. Edges of one step share their bends, so that
/// they run together for as long as they can.
struct Web {
    layer: Vec<usize>,
    /// For each vertex those in the layer at its left, and at its right, that it is tied to.
    left: Vec<Vec<usize>>,
    right: Vec<Vec<usize>>,
    steps: usize,
    /// For each step its bends, from the layer after its own on.
    bends: Vec<Vec<usize>>,
}

impl Layout {
    /// Lays a graph out. What is in a circle lies in the order of the file, without the edges that would go back.
    pub fn new(links: &Links) -> Self {
        let web = Web::new(links);
        let layers = order::order(&web);
        let rows = place::rows(&web, &layers);
        let spots: Vec<Spot> = (0..web.steps).map(|step| Spot { column: web.layer[step], row: rows[step] }).collect();
        let edge = |from: usize, to: usize| {
            let between = web.layer[to] - web.layer[from] - 1;
            let bends = web.bends[from].iter().take(between).map(|bend| rows[*bend]).collect();
            Edge { from, to, bends }
        };
        let edges = (0..web.steps)
            .flat_map(|to| links.needs[to].iter().map(move |from| (*from, to)))
            .filter(|(from, to)| web.layer[*from] < web.layer[*to])
            .map(|(from, to)| edge(from, to))
            .collect();
        let deepest = rows.iter().copied().fold(0.0, f64::max);
        Self { spots, edges, columns: layers.len(), rows: deepest }
    }

    /// Whether it is nothing but a row of steps.
    pub fn is_chain(&self) -> bool {
        self.spots.len() == self.columns && self.edges.iter().all(|edge| edge.bends.is_empty())
    }
}

impl Web {
    fn new(links: &Links) -> Self {
        let steps = links.len();
        let mut layer = vec![0; steps];
        let mut done = vec![false; steps];
        for step in links.order.iter().copied() {
            let after = links.needs[step].iter().filter(|need| done[**need]).map(|need| layer[*need] + 1);
            layer[step] = after.max().unwrap_or(0);
            done[step] = true;
        }
        let mut web = Self {
            layer,
            left: vec![Vec::new(); steps],
            right: vec![Vec::new(); steps],
            steps,
            bends: vec![Vec::new(); steps],
        };
        for from in 0..steps {
            for to in links.then[from].iter().copied() {
                web.tie(from, to);
            }
        }
        web
    }

    /// Ties two steps together, through bends where there are layers between.
    fn tie(&mut self, from: usize, to: usize) {
        if self.layer[from] >= self.layer[to] {
            return;
        }
        let between = self.layer[to] - self.layer[from] - 1;
        while self.bends[from].len() < between {
            if self.layer.len() - self.steps >= BENDS_MAX {
                return;
            }
            let last = self.bends[from].last().copied().unwrap_or(from);
            let bend = self.layer.len();
            self.layer.push(self.layer[last] + 1);
            self.left.push(vec![last]);
            self.right.push(Vec::new());
            self.right[last].push(bend);
            self.bends[from].push(bend);
        }
        let last = between.checked_sub(1).map_or(from, |index| self.bends[from][index]);
        self.right[last].push(to);
        self.left[to].push(last);
    }

    fn is_bend(&self, vertex: usize) -> bool {
        vertex >= self.steps
    }
}
