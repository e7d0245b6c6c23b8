//! How far down the vertices lie, once their order is known.

use super::Web;

/// How often the layers are gone through, to and fro.
const SWEEPS: usize = 16;
/// Rows are multiples of a fourth in the end, so that what is nearly in line is in line.
const GRID: f64 = 4.0;
/// Two steps are so far apart at least,
const BETWEEN_STEPS: f64 = 1.0;
/// a step and an edge that passes it,
const BESIDE_STEP: f64 = 0.75;
/// and two edges. All are multiples of a grid's fourth, so that rounding keeps them.
const BETWEEN_EDGES: f64 = 0.25;
/// How much more an edge that passes wants to be straight than a step wants to be in the middle.
const STRAIGHT: f64 = 16.0;

/// The row of each vertex, from 0.0 on.
///
/// Each sweep puts every vertex of a layer as near as it can be to the mean of what it is tied to, in the given order and with
/// the distances kept: the exact least squares, found by pooling those that get into each other's way.
pub(super) fn rows(web: &Web, layers: &[Vec<usize>]) -> Vec<f64> {
    let mut rows = stacked(web, layers);
    for sweep in 0..SWEEPS {
        let rightwards = sweep % 2 == 0;
        let last = sweep + 4 >= SWEEPS;
        for index in 0..layers.len() {
            let layer = &layers[if rightwards { index } else { layers.len() - 1 - index }];
            let wishes: Vec<(f64, f64)> =
                layer.iter().map(|vertex| wish(web, &rows, *vertex, rightwards, last)).collect();
            settle(web, layer, &wishes, &mut rows);
        }
    }
    let top = rows.iter().copied().fold(f64::INFINITY, f64::min);
    rows.iter().map(|row| ((row - top) * GRID).round() / GRID).collect()
}

/// Each layer one below the other, around one line.
fn stacked(web: &Web, layers: &[Vec<usize>]) -> Vec<f64> {
    let mut rows = vec![0.0; web.layer.len()];
    for layer in layers {
        let mut row = 0.0;
        for (index, vertex) in layer.iter().enumerate() {
            row += index.checked_sub(1).map_or(0.0, |before| apart(web, layer[before], *vertex));
            rows[*vertex] = row;
        }
        layer.iter().for_each(|vertex| rows[*vertex] -= row / 2.0);
    }
    rows
}

/// Where a vertex would like to be, and how much. In the last sweeps both sides count.
fn wish(web: &Web, rows: &[f64], vertex: usize, rightwards: bool, both: bool) -> (f64, f64) {
    let (before, after) = (&web.left[vertex], &web.right[vertex]);
    let one_side = if rightwards { before } else { after };
    let weight = |tied: usize| if web.is_bend(vertex) && web.is_bend(tied) { STRAIGHT } else { 1.0 };
    let sides: [&[usize]; 2] = if both { [before, after] } else { [one_side, &[]] };
    let (mut sum, mut whole) = (0.0, 0.0);
    for tied in sides.into_iter().flatten() {
        sum += rows[*tied] * weight(*tied);
        whole += weight(*tied);
    }
    if whole == 0.0 {
        (rows[vertex], 0.1)
    } else {
        (sum / whole, if web.is_bend(vertex) { whole.max(2.0) } else { whole })
    }
}

/// Puts a layer as near to its wishes as its order and its distances allow.
fn settle(web: &Web, layer: &[usize], wishes: &[(f64, f64)], rows: &mut [f64]) {
    // Without the distances it is to rise and no more: pools of those that would fall, each at its weighted mean.
    let mut shifts = Vec::with_capacity(layer.len());
    let mut pools: Vec<(f64, f64, usize)> = Vec::with_capacity(layer.len());
    let mut shift = 0.0;
    for (index, (vertex, (wish, weight))) in layer.iter().zip(wishes).enumerate() {
        shift += index.checked_sub(1).map_or(0.0, |before| apart(web, layer[before], *vertex));
        shifts.push(shift);
        let mut pool = ((wish - shift) * weight, *weight, 1);
        while let Some(above) = pools.last().filter(|above| above.0 / above.1 >= pool.0 / pool.1).copied() {
            pools.pop();
            pool = (pool.0 + above.0, pool.1 + above.1, pool.2 + above.2);
        }
        pools.push(pool);
    }
    let mut index = 0;
    for (sum, weight, count) in pools {
        for _ in 0..count {
            rows[layer[index]] = sum / weight + shifts[index];
            index += 1;
        }
    }
}

fn apart(web: &Web, a: usize, b: usize) -> f64 {
    match (web.is_bend(a), web.is_bend(b)) {
        (false, false) => BETWEEN_STEPS,
        (true, true) => BETWEEN_EDGES,
        _ => BESIDE_STEP,
    }
}
