//! The order of steps.

/// A circle among the steps, if there is one: each needs the next, and the last one the first. `edges` has, for each
/// step, the places of those it needs.
pub(super) fn circle(edges: &[Vec<usize>]) -> Option<Vec<usize>> {
    let left = in_or_behind_a_circle(edges);
    let mut step = left.iter().position(|left| *left)?;
    // Each step that is left needs one that is left, so a walk along them meets itself.
    let mut walk: Vec<usize> = Vec::new();
    loop {
        if let Some(met) = walk.iter().position(|walked| *walked == step) {
            let mut circle = walk.split_off(met);
            let first = circle.iter().enumerate().min_by_key(|(_, step)| **step).map_or(0, |(place, _)| place);
            circle.rotate_left(first);
            return Some(circle);
        }
        walk.push(step);
        step = *edges[step].iter().find(|needed| left[**needed])?;
    }
}

/// What is left once every step is taken away that needs none of those that are left.
fn in_or_behind_a_circle(edges: &[Vec<usize>]) -> Vec<bool> {
    let mut left = vec![true; edges.len()];
    let mut waits: Vec<usize> = edges.iter().map(Vec::len).collect();
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); edges.len()];
    for (step, needs) in edges.iter().enumerate() {
        for needed in needs {
            needed_by[*needed].push(step);
        }
    }
    let mut ready: Vec<usize> = (0..edges.len()).filter(|step| waits[*step] == 0).collect();
    while let Some(step) = ready.pop() {
        left[step] = false;
        for waiting in &needed_by[step] {
            waits[*waiting] -= 1;
            if waits[*waiting] == 0 {
                ready.push(*waiting);
            }
        }
    }
    left
}
