//! Saved filters of a server.

use async_trait::async_trait;
use reqwest::Method;

use super::Remote;
use crate::api::{Pairs, path};
use crate::model::SavedFilter;
use crate::model::json::object;
use crate::store::{Result, SavedFilters};

#[async_trait]
impl SavedFilters for Remote {
    async fn list_saved_filters(&self) -> Result<Vec<SavedFilter>> {
        self.read(self.request(Method::GET, path::QUERIES, &Pairs::new())).await
    }

    async fn save_filter(&self, saved: SavedFilter) -> Result<()> {
        let request = self.request(Method::POST, path::QUERIES, &Pairs::new()).json(&object(&saved));
        self.send_known(request).await?;
        Ok(())
    }

    async fn delete_saved_filter(&self, name: &str) -> Result<bool> {
        // What is no name could be another path; letters of other scripts are escaped.
        if !SavedFilter::is_name(name) {
            return Ok(false);
        }
        let path = path::QUERY.replace("{name}", name);
        Ok(self.send(self.request(Method::DELETE, &path, &Pairs::new())).await?.is_some())
    }
}
