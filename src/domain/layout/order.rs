//! In which order the vertices of a layer lie, from top to bottom.

use super::Web;

/// How often the layers are gone through, to and fro.
const SWEEPS: usize = 24;
/// After so many sweeps without fewer crossings nothing more is expected.
const PATIENCE: usize = 6;

/// The layers, each from top to bottom, with as few crossings as the sweeps find: each sweep sorts each layer by the mean place
/// of what its vertices are tied to in the layer before, and the best order of all is kept. That of the file is the first one.
pub(super) fn order(web: &Web) -> Vec<Vec<usize>> {
    let mut layers = in_file_order(web);
    let mut places = places(web, &layers);
    let (mut best, mut fewest) = (layers.clone(), crossings(web, &layers, &places));
    let mut patience = PATIENCE;
    for sweep in 0..SWEEPS {
        if fewest == 0 || patience == 0 {
            break;
        }
        let rightwards = sweep % 2 == 0;
        let count = layers.len();
        for index in 1..count {
            let at = if rightwards { index } else { count - 1 - index };
            let ties = if rightwards { &web.left } else { &web.right };
            sort(&mut layers[at], ties, &mut places, sweep >= SWEEPS / 2);
        }
        let crossings = crossings(web, &layers, &places);
        patience = if crossings < fewest { PATIENCE } else { patience - 1 };
        if crossings < fewest {
            (best, fewest) = (layers.clone(), crossings);
        }
    }
    best
}

/// The layers in the order of the file, a bend after those of the steps before its own.
pub(super) fn in_file_order(web: &Web) -> Vec<Vec<usize>> {
    let count = web.layer.iter().max().map_or(0, |last| last + 1);
    let mut layers = vec![Vec::new(); count];
    for (vertex, layer) in web.layer.iter().enumerate() {
        layers[*layer].push(vertex);
    }
    layers
}

pub(super) fn places(web: &Web, layers: &[Vec<usize>]) -> Vec<usize> {
    let mut places = vec![0; web.layer.len()];
    for layer in layers {
        for (place, vertex) in layer.iter().enumerate() {
            places[*vertex] = place;
        }
    }
    places
}

/// Sorts a layer; what is tied to nothing keeps its place. `swap` turns round those that are alike, since that may help later.
fn sort(layer: &mut [usize], ties: &[Vec<usize>], places: &mut [usize], swap: bool) {
    let mean = |vertex: usize, places: &[usize]| {
        let tied = &ties[vertex];
        if tied.is_empty() {
            return places[vertex] as f64;
        }
        tied.iter().map(|tied| places[*tied] as f64).sum::<f64>() / tied.len() as f64
    };
    let mut keyed: Vec<(f64, usize, usize)> = layer
        .iter()
        .enumerate()
        .map(|(place, vertex)| (mean(*vertex, places), if swap { usize::MAX - place } else { place }, *vertex))
        .collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    for (place, (.., vertex)) in keyed.into_iter().enumerate() {
        layer[place] = vertex;
        places[vertex] = place;
    }
}

/// How often edges cross, counted as inversions with a tree of sums: O(E log V) (Barth, Jünger and Mutzel, 2002).
pub(super) fn crossings(web: &Web, layers: &[Vec<usize>], places: &[usize]) -> usize {
    let mut all = 0;
    for pair in layers.windows(2) {
        let [left, right] = pair else { continue };
        let mut sums = vec![0_usize; right.len() + 1];
        let mut before = 0;
        for vertex in left {
            let mut ends: Vec<usize> = web.right[*vertex].iter().map(|end| places[*end]).collect();
            ends.sort_unstable();
            // Edges of one vertex do not cross each other: count all of them before any is added.
            all += ends.iter().map(|end| before - sum(&sums, *end)).sum::<usize>();
            for end in ends {
                add(&mut sums, end);
                before += 1;
            }
        }
    }
    all
}

/// How many were added at places up to this one.
fn sum(sums: &[usize], place: usize) -> usize {
    let (mut node, mut sum) = (place + 1, 0);
    while node > 0 {
        sum += sums[node];
        node &= node - 1;
    }
    sum
}

fn add(sums: &mut [usize], place: usize) {
    let mut node = place + 1;
    while node < sums.len() {
        sums[node] += 1;
        node += node & node.wrapping_neg();
    }
}
