use proptest::{collection::vec, prelude::*};

use super::{sheet::Sheet, *};

fn links(needs: &[&[usize]]) -> Links {
    Links::among(needs.iter().map(|needs| needs.to_vec()).collect())
}

fn layout(needs: &[&[usize]]) -> Layout {
    Layout::new(&links(needs))
}

fn columns(layout: &Layout) -> Vec<usize> {
    layout.spots.iter().map(|spot| spot.column).collect()
}

/// How often the edges of the layout as it is drawn cross, bends included; and those in the order of the file.
fn crossings(links: &Links) -> (usize, usize) {
    let web = Web::new(links);
    let count = |layers: &[Vec<usize>]| order::crossings(&web, layers, &order::places(&web, layers));
    (count(&order::order(&web)), count(&order::in_file_order(&web)))
}

#[test]
fn a_chain_is_a_straight_line() {
    let layout = layout(&[&[], &[0], &[1], &[2]]);
    assert_eq!(columns(&layout), [0, 1, 2, 3]);
    assert!(layout.spots.iter().all(|spot| spot.row == 0.0), "{layout:?}");
    assert!(layout.is_chain());
}

#[test]
fn what_fans_out_and_in_lies_around_the_middle() {
    let layout = layout(&[&[], &[0], &[0], &[0], &[1, 2, 3]]);
    assert_eq!(columns(&layout), [0, 1, 1, 1, 2]);
    let rows: Vec<f64> = layout.spots.iter().map(|spot| spot.row).collect();
    assert_eq!(rows, [1.0, 0.0, 1.0, 2.0, 1.0]);
    assert!(!layout.is_chain());
}

#[test]
fn an_edge_over_several_layers_passes_beside_the_steps_and_is_straight() {
    let layout = layout(&[&[], &[0], &[1], &[2], &[3, 0]]);
    let long = layout.edges.iter().find(|edge| edge.bends.len() == 3).expect("0 to 4 passes three layers");
    assert!(long.bends.windows(2).all(|two| two[0] == two[1]), "{long:?}");
    for (spot, bend) in layout.spots[1..4].iter().zip(&long.bends) {
        assert!((spot.row - bend).abs() >= 0.75, "{layout:?}");
    }
}

#[test]
fn a_lattice_of_diamonds_crosses_nothing() {
    // 0 - 1,2 - 3 - 4,5 - 6 ...
    let mut needs: Vec<Vec<usize>> = vec![Vec::new()];
    for diamond in 0..6 {
        let top = diamond * 3;
        needs.extend([vec![top], vec![top], vec![top + 1, top + 2]]);
    }
    let links = Links::among(needs);
    assert_eq!(crossings(&links).0, 0);
    let layout = Layout::new(&links);
    let joints: Vec<f64> = (0..=6).map(|joint| layout.spots[joint * 3].row).collect();
    assert!(joints.windows(2).all(|two| two[0] == two[1]), "{joints:?}");
}

#[test]
fn edges_that_cross_in_the_files_order_are_untangled() {
    // Three chains whose second halves the file names the other way round.
    let links = links(&[&[], &[], &[], &[2], &[1], &[0], &[5], &[4], &[3]]);
    let (found, in_file) = crossings(&links);
    assert!(in_file > 0);
    assert_eq!(found, 0);
}

#[test]
fn a_circle_and_nothing_at_all_are_drawn_as_well() {
    let circle = layout(&[&[1], &[0], &[0]]);
    assert_eq!(circle.spots.len(), 3);
    assert_eq!(layout(&[]).spots, []);
    assert_eq!(Sheet::new(&layout(&[]), None, 20).nodes.len(), 0);
}

#[test]
fn a_long_chain_is_broken_into_rows() {
    let needs: Vec<Vec<usize>> = (0..40_usize).map(|step| step.checked_sub(1).into_iter().collect()).collect();
    let layout = Layout::new(&Links::among(needs));
    let sheet = Sheet::new(&layout, Some(1024.0), 20);
    assert!(sheet.width <= 1024.0, "{}", sheet.width);
    assert_eq!(sheet.nodes[6][0], sheet.nodes[0][0], "the seventh is below the first");
    assert!(sheet.nodes[6][1] > sheet.nodes[5][1]);
    assert_eq!(sheet.lines.len(), 39);
    assert!(
        Sheet::new(&layout, Some(1200.0), 20).width <= 1200.0 && Sheet::new(&layout, Some(350.0), 20).width <= 400.0
    );
}

#[test]
fn few_layers_leave_room_for_long_names_and_many_do_not() {
    let chain = |steps: usize| {
        let needs: Vec<Vec<usize>> = (0..steps).map(|step| step.checked_sub(1).into_iter().collect()).collect();
        Layout::new(&Links::among(needs))
    };
    let node = |steps, letters, window| Sheet::new(&chain(steps), window, letters).node;
    assert_eq!((node(3, 5, None), node(3, 20, None), node(3, 80, None)), (132.0, 186.0, 208.0));
    assert!(node(6, 80, None) > 150.0 && Sheet::new(&chain(6), None, 80).width <= 1150.0);
    assert_eq!(node(3, 80, Some(500.0)), 132.0);
}

fn graph() -> impl Strategy<Value = Links> {
    vec(vec(any::<prop::sample::Index>(), 0..4), 1..60).prop_map(|wants| {
        let needs = wants.iter().enumerate().map(|(step, wants)| {
            if step == 0 { Vec::new() } else { wants.iter().map(|want| want.index(step)).collect() }
        });
        Links::among(needs.collect())
    })
}

proptest! {
    #[test]
    fn no_two_nodes_overlap_and_every_edge_goes_to_the_right(links in graph()) {
        let layout = Layout::new(&links);
        for (a, one) in layout.spots.iter().enumerate() {
            prop_assert!(one.row >= 0.0 && one.row <= layout.rows && one.column < layout.columns);
            for other in &layout.spots[a + 1..] {
                prop_assert!(one.column != other.column || (one.row - other.row).abs() >= 1.0, "{one:?} {other:?}");
            }
        }
        prop_assert_eq!(layout.edges.len(), links.needs.iter().map(Vec::len).sum::<usize>());
        for edge in &layout.edges {
            let (from, to) = (layout.spots[edge.from].column, layout.spots[edge.to].column);
            prop_assert!(from < to);
            prop_assert_eq!(edge.bends.len(), to - from - 1);
            // What passes a layer does not run through its steps.
            for (index, bend) in edge.bends.iter().enumerate() {
                let passed = layout.spots.iter().filter(|spot| spot.column == from + 1 + index);
                prop_assert!(passed.clone().all(|spot| (spot.row - bend).abs() >= 0.75), "{edge:?}");
            }
        }
    }

    #[test]
    fn the_same_graph_is_drawn_in_the_same_way(links in graph()) {
        let layout = Layout::new(&links);
        prop_assert_eq!(&layout, &Layout::new(&links));
        prop_assert_eq!(Sheet::new(&layout, None, 20), Sheet::new(&layout, None, 20));
    }

    #[test]
    fn edges_do_not_cross_more_often_than_in_the_files_order(links in graph()) {
        let (found, in_file) = crossings(&links);
        prop_assert!(found <= in_file);
    }

    #[test]
    fn nodes_on_a_sheet_do_not_touch(links in graph(), window in 0.0..2000.0_f64) {
        let sheet = Sheet::new(&Layout::new(&links), Some(window), 20);
        for (a, one) in sheet.nodes.iter().enumerate() {
            prop_assert!(one[0] + sheet.node < sheet.width && one[1] + sheet::NODE_HEIGHT < sheet.height);
            for other in &sheet.nodes[a + 1..] {
                let apart = (one[0] - other[0]).abs() > sheet.node || (one[1] - other[1]).abs() > sheet::NODE_HEIGHT;
                prop_assert!(apart, "{one:?} {other:?}");
            }
        }
    }
}
