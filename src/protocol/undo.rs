//! Which decisions a successful appeal undoes, and in which order (protocol section 4).

use std::collections::BTreeSet;

use crate::domain::ledger::Position;

/// Everything that has to be undone with `roots`, newest first.
///
/// `dependents` names what was decided on top of one transaction: everything later in the order of
/// its contract, and the children it sent. Both come after it in the order of acceptance, so the
/// newest place first undoes every effect before what it rests on.
pub fn plan<E>(
    roots: impl IntoIterator<Item = Position>,
    mut dependents: impl FnMut(Position) -> Result<Vec<Position>, E>,
) -> Result<Vec<Position>, E> {
    let mut waiting: Vec<Position> = roots.into_iter().collect();
    let mut planned = BTreeSet::new();
    while let Some(position) = waiting.pop() {
        if planned.insert(position) {
            waiting.extend(dependents(position)?);
        }
    }
    Ok(planned.into_iter().rev().collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    fn plan_of(graph: &BTreeMap<i64, Vec<i64>>, root: i64) -> Vec<i64> {
        let dependents = |position: Position| {
            let later = graph.get(&position.0).into_iter().flatten();
            Ok::<_, Infallible>(later.map(|later| Position(*later)).collect())
        };
        plan([Position(root)], dependents).unwrap().into_iter().map(|it| it.0).collect()
    }

    #[test]
    fn children_on_other_contracts_and_what_came_after_them_go_too() {
        // 1 and 4 on one contract; 2 is a child of 1 on another, where 3 and 5 came later.
        let graph = BTreeMap::from([(1, vec![4, 2]), (2, vec![3, 5]), (3, vec![5])]);
        assert_eq!(plan_of(&graph, 1), [5, 4, 3, 2, 1]);
        assert_eq!(plan_of(&graph, 4), [4]);
    }

    proptest! {
        #[test]
        fn a_plan_is_closed_newest_first_and_nothing_more(
            edges in proptest::collection::vec((0..30_i64, 1..10_i64), 0..60),
            root in 0..30_i64,
        ) {
            let mut graph: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
            for (from, step) in edges {
                graph.entry(from).or_default().push(from + step);
            }
            let plan = plan_of(&graph, root);
            prop_assert!(plan.windows(2).all(|pair| pair[0] > pair[1]));
            prop_assert_eq!(plan.last(), Some(&root));
            for position in &plan {
                for later in graph.get(position).into_iter().flatten() {
                    prop_assert!(plan.contains(later), "{} rests on {}", later, position);
                }
                let is_reached = *position == root
                    || plan.iter().any(|it| graph.get(it).is_some_and(|l| l.contains(position)));
                prop_assert!(is_reached, "{} rests on nothing undone", position);
            }
        }
    }
}
