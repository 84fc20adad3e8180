//! The contract of [`tracehub::store::SavedFilters`].

use tracehub::model::{Nanos, RecordFilter, SavedFilter, Text};
use tracehub::store::SavedFilters;

use super::Fixture;

fn filters(fixture: &Fixture) -> &dyn SavedFilters {
    fixture.backend.saved_filters().expect("the facet")
}

async fn save(fixture: &Fixture, name: &str, filter: &str) {
    let saved = SavedFilter { name: Text::from(name), filter: Text::from(filter), saved: Nanos::now() };
    filters(fixture).save_filter(saved).await.expect("saved");
}

async fn listed(fixture: &Fixture) -> Vec<(String, String)> {
    let listed = filters(fixture).list_saved_filters().await.expect("listed");
    listed.iter().map(|one| (one.name.to_string(), one.filter.to_string())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, filter)| ((*name).to_owned(), (*filter).to_owned())).collect()
}

pub async fn filters_are_listed_by_name_as_they_were_saved_last(fixture: Fixture) {
    assert_eq!(listed(&fixture).await, []);
    save(&fixture, "slow", "duration>1s").await;
    save(&fixture, "späť", "say \"ü\"").await;
    save(&fixture, "bad", "status=error").await;
    save(&fixture, "slow", "duration>2s").await;
    assert_eq!(
        listed(&fixture).await,
        pairs(&[("bad", "status=error"), ("slow", "duration>2s"), ("späť", "say \"ü\"")])
    );
}

pub async fn a_filter_is_deleted_once_and_a_deletion_of_everything_leaves_it(fixture: Fixture) {
    assert!(!filters(&fixture).delete_saved_filter("slow").await.expect("asked"));
    save(&fixture, "slow", "duration>1s").await;
    save(&fixture, "späť", "a").await;
    for nobody in ["fast", "", "..", "../keys", "%"] {
        assert!(!filters(&fixture).delete_saved_filter(nobody).await.expect("asked"), "{nobody}");
    }
    assert!(filters(&fixture).delete_saved_filter("späť").await.expect("asked"));
    assert!(!filters(&fixture).delete_saved_filter("späť").await.expect("asked"));
    let sink = fixture.backend.sink().expect("a sink");
    sink.delete(&RecordFilter::default(), false).await.expect("deleted");
    assert_eq!(listed(&fixture).await, pairs(&[("slow", "duration>1s")]));
}
