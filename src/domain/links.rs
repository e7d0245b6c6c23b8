//! What needs what, by the places of the steps: found once, since it never changes.

use std::collections::HashMap;

use super::id::StepId;

/// The needs among steps. Steps are named by their places in the file's order; a need that is not there is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// For each step those it waits for, in the order of the file, each once.
    pub needs: Vec<Vec<usize>>,
    /// For each step those that wait for it.
    pub then: Vec<Vec<usize>>,
    /// All steps, each after all that it needs; in the order of the file wherever that allows it. Steps in a circle come last.
    pub order: Vec<usize>,
}

impl Links {
    /// Those of steps, from the id and the needs of each.
    pub fn new<'a>(steps: impl Iterator<Item = (&'a StepId, &'a [StepId])>) -> Self {
        let steps: Vec<_> = steps.collect();
        let places: HashMap<&StepId, usize> = steps.iter().enumerate().map(|(place, (id, _))| (*id, place)).collect();
        let places_of = |ids: &[StepId]| ids.iter().filter_map(|id| places.get(id).copied()).collect();
        Self::among(steps.iter().map(|(_, needs)| places_of(needs)).collect())
    }

    /// Those that these needs come to; what needs itself, or what is not there, does not.
    pub fn among(mut needs: Vec<Vec<usize>>) -> Self {
        let count = needs.len();
        let mut then = vec![Vec::new(); count];
        for (place, needs) in needs.iter_mut().enumerate() {
            needs.retain(|need| *need < count && *need != place);
            needs.sort_unstable();
            needs.dedup();
            for need in needs {
                then[*need].push(place);
            }
        }
        let order = order(&needs, &then);
        Self { needs, then, order }
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.needs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.needs.is_empty()
    }
}

fn order(needs: &[Vec<usize>], then: &[Vec<usize>]) -> Vec<usize> {
    let mut waits: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut ready: std::collections::BTreeSet<usize> = (0..needs.len()).filter(|place| waits[*place] == 0).collect();
    let mut order = Vec::with_capacity(needs.len());
    while let Some(place) = ready.pop_first() {
        order.push(place);
        for follower in &then[place] {
            waits[*follower] -= 1;
            if waits[*follower] == 0 {
                ready.insert(*follower);
            }
        }
    }
    order.extend((0..needs.len()).filter(|place| waits[*place] > 0));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn followers_and_an_order_are_found_whatever_the_order_of_the_file_is() {
        let links = Links::among(vec![vec![2], vec![0, 0, 9], vec![]]);
        assert_eq!(links.needs, [vec![2], vec![0], vec![]]);
        assert_eq!(links.then, [vec![1], vec![], vec![0]]);
        assert_eq!(links.order, [2, 0, 1]);
    }

    #[test]
    fn a_circle_hides_no_step() {
        assert_eq!(Links::among(vec![vec![1], vec![0], vec![]]).order, [2, 0, 1]);
    }

    #[test]
    fn ids_become_places() {
        let ids = ["a", "b"].map(|id| id.parse::<StepId>().expect("a step id"));
        let needs = [Vec::new(), vec![ids[0].clone()]];
        let links = Links::new(ids.iter().zip(needs.iter().map(Vec::as_slice)));
        assert_eq!(links.needs, [vec![], vec![0]]);
    }
}
