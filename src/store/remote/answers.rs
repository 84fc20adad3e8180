//! Questions about many traces, answered by the server beside its records.

use async_trait::async_trait;
use reqwest::Method;

use super::Remote;
use crate::api::{self, path};
use crate::model::{AttributeCount, AttributeQuery, Contrast, ContrastQuery, Page};
use crate::store::{Answers, Result};

#[async_trait]
impl Answers for Remote {
    async fn contrast(&self, query: &ContrastQuery) -> Result<Option<Contrast>> {
        self.find(self.request(Method::GET, path::WHY, &api::contrast_query_to_pairs(query))).await
    }

    async fn attributes(&self, query: &AttributeQuery) -> Result<Page<AttributeCount>> {
        self.read_page(path::ATTRIBUTES, &api::attribute_query_to_pairs(query)).await
    }
}
