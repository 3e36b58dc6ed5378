//! The model of a sale whose order is a draw: it begins with open doors.

use super::*;

/// When it opens, in seconds after the doors.
const OPENS_AT: i64 = 120;

fn at_the_doors() -> (Spec, World) {
    let mut world = World::new();
    let gate = world.tables.gates.get_mut(&SaleId::DEFAULT).expect("a gate");
    gate.times.opens_at = Some(world.now + span(Duration::from_secs(OPENS_AT as u64)));
    gate.order = EntryOrder::Draw;
    gate.draw = Some(GateDraw::new(DrawSecret::generate()));
    let mut spec = Spec::default();
    spec.instants = [None, Some(OPENS_AT), None];
    spec.is_draw = true;
    (spec, world)
}

/// Its settings are not the model's: these are of the default sale, which has no doors.
fn without_settings(acts: Vec<Act>) -> Vec<Act> {
    acts.into_iter().filter(|act| !matches!(act, Act::Set(_))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_drawn_queue_lets_people_in_by_their_places(
        acts in acts().prop_map(without_settings),
        most in 1_usize..9,
        servers in prop::collection::vec(prop_oneof![6 => Just(0_usize), 1 => Just(1)], 1..20),
    ) {
        let (spec, world) = at_the_doors();
        compare_with(spec, world, &acts, most, &servers)?;
    }
}
