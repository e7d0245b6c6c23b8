//! A layout on a sheet: pixels, and the lines between the nodes as paths.

use std::fmt::Write;

use super::{Edge, Layout};

/// How wide a node is at least, in pixels at 100 %: an icon and some fifteen letters; seven layers fit a desk.
pub const NODE_MIN: f64 = 132.0;
/// How wide at most, for longer names of few layers.
const NODE_MAX: f64 = 208.0;
/// What a node has beside its name, and a letter of that, in pixels.
const NODE_ICON: f64 = 36.0;
const LETTER: f64 = 7.5;
/// How wide a window is before it is known, in pixels: a desk's.
const DESK: f64 = 1150.0;
/// How high a node is, in pixels: two lines.
pub const NODE_HEIGHT: f64 = 46.0;
/// Between two layers, in pixels: room for edges to change their rows.
const GAP_X: f64 = 32.0;
/// Between two nodes of a layer, in pixels.
const GAP_Y: f64 = 22.0;
/// Around all, in pixels.
const MARGIN: f64 = 20.0;
/// Before a line turns back to the next row of a wrapped chain, in pixels.
const TURN: f64 = 12.0;

/// Where everything is drawn, in pixels from the top left corner at 100 %.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// The top left corner of each node.
    pub nodes: Vec<[f64; 2]>,
    /// The edges of the layout, as SVG path data, with the steps that each leads from and to.
    pub lines: Vec<Line>,
    /// How wide each node is.
    pub node: f64,
    /// How wide it is.
    pub width: f64,
    /// How high it is.
    pub height: f64,
}

/// An edge that is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The step that is needed.
    pub from: usize,
    /// The step that needs it.
    pub to: usize,
    /// SVG path data.
    pub path: String,
}

impl Sheet {
    /// Draws a layout for a window of so many pixels, as far as that is known. A chain that is longer than fits is broken
    /// into rows, as text is. The longest name has so many letters.
    pub fn new(layout: &Layout, window: Option<f64>, letters: usize) -> Self {
        let window = window.unwrap_or(DESK);
        let wrap = fitting(window).max(2);
        if layout.is_chain() && layout.columns > wrap {
            Self::wrapped(layout, wrap)
        } else {
            Self::in_layers(layout, window, letters)
        }
    }

    fn in_layers(layout: &Layout, window: f64, letters: usize) -> Self {
        let room = (window - 2.0 * MARGIN + GAP_X) / layout.columns.max(1) as f64 - GAP_X;
        let node = (NODE_ICON + LETTER * letters as f64).min(room).clamp(NODE_MIN, NODE_MAX).round();
        let nodes: Vec<[f64; 2]> = layout.spots.iter().map(|spot| [x(node, spot.column), y(spot.row)]).collect();
        let line = |edge: &Edge| Line { from: edge.from, to: edge.to, path: curve(&nodes, node, layout, edge) };
        let lines = layout.edges.iter().map(line).collect();
        Self { nodes, lines, node, width: width(node, layout.columns), height: y(layout.rows) + NODE_HEIGHT + MARGIN }
    }

    fn wrapped(layout: &Layout, wrap: usize) -> Self {
        let node = NODE_MIN;
        let spot = |column: usize| [x(node, column % wrap), y((column / wrap) as f64 * 1.2)];
        let nodes: Vec<[f64; 2]> = layout.spots.iter().map(|at| spot(at.column)).collect();
        let line = |edge: &Edge| {
            let ([from_x, from_y], [to_x, to_y]) = (nodes[edge.from], nodes[edge.to]);
            let (from_x, from_y, to_y) = (from_x + node, from_y + NODE_HEIGHT / 2.0, to_y + NODE_HEIGHT / 2.0);
            let path = if to_x > from_x {
                format!("M{from_x} {from_y}H{to_x}")
            } else {
                let half = (from_y + to_y) / 2.0;
                format!("M{from_x} {from_y}h{TURN}V{half}H{}V{to_y}H{to_x}", to_x - TURN)
            };
            Line { from: edge.from, to: edge.to, path }
        };
        let rows = layout.columns.div_ceil(wrap);
        let lines = layout.edges.iter().map(line).collect();
        let height = y((rows - 1) as f64 * 1.2) + NODE_HEIGHT + MARGIN;
        Self { nodes, lines, node, width: width(node, wrap), height }
    }
}

/// How many nodes of a chain fit into so many pixels.
fn fitting(pixels: f64) -> usize {
    ((pixels - 2.0 * MARGIN + GAP_X) / (NODE_MIN + GAP_X)).max(0.0) as usize
}

fn x(node: f64, column: usize) -> f64 {
    MARGIN + column as f64 * (node + GAP_X)
}

fn y(row: f64) -> f64 {
    MARGIN + row * (NODE_HEIGHT + GAP_Y)
}

fn width(node: f64, columns: usize) -> f64 {
    2.0 * MARGIN + columns as f64 * (node + GAP_X) - GAP_X
}

/// A curve in each gap between two layers, and a straight line through the layers that it passes.
fn curve(nodes: &[[f64; 2]], node: f64, layout: &Layout, edge: &Edge) -> String {
    let [left, top] = nodes[edge.from];
    let (mut at_x, mut at_y) = (left + node, top + NODE_HEIGHT / 2.0);
    let mut path = format!("M{at_x} {at_y}");
    let column = layout.spots[edge.from].column;
    let bends = edge
        .bends
        .iter()
        .enumerate()
        .map(|(index, row)| (x(node, column + 1 + index), y(*row) + NODE_HEIGHT / 2.0, node));
    let [end_x, end_y] = nodes[edge.to];
    for (to_x, to_y, through) in bends.chain([(end_x, end_y + NODE_HEIGHT / 2.0, 0.0)]) {
        if (to_y - at_y).abs() < 0.5 {
            let _ = write!(path, "H{to_x}");
        } else {
            // An edge without bends over many layers turns near its end.
            let middle = to_x - (to_x - at_x).min(GAP_X) / 2.0;
            let start = (to_x - GAP_X).max(at_x);
            let _ = write!(path, "H{start}C{middle} {at_y} {middle} {to_y} {to_x} {to_y}");
        }
        if through > 0.0 {
            let _ = write!(path, "h{through}");
        }
        (at_x, at_y) = (to_x + through, to_y);
    }
    path
}
