//! The store as a caller may see it. The gate makes it once for each request, and whatever answers questions asks it and
//! nothing else, so that no question can be answered from the records of a project that is not the caller's.

use std::ops::Deref;
use std::sync::Arc;

use crate::model::Text;
use crate::query::ProjectView;
use crate::query::facets;
use crate::server::access::Caller;
use crate::store::{self, Backend, Feed};

/// The store as a caller may see it.
#[derive(Debug, Clone)]
pub(crate) struct CallersStore {
    backend: Arc<dyn Backend>,
    project: Option<Text>,
}

impl CallersStore {
    /// What a caller may see of a store: of someone with a key, unless it permits everything, the key's project.
    pub(crate) fn new(caller: &Caller, backend: &Arc<dyn Backend>) -> CallersStore {
        let project = caller.bound_project().cloned();
        let backend = Arc::clone(backend);
        let backend = match &project {
            Some(project) => Arc::new(ProjectView::new(backend, project.clone())),
            None => backend,
        };
        CallersStore { backend, project }
    }

    /// The only project the caller may see; `None` for one who may see all.
    pub(crate) fn project(&self) -> Option<&Text> {
        self.project.as_ref()
    }

    /// Whether the caller may see what is of a project.
    pub(crate) fn shows(&self, project: &str) -> bool {
        self.project.as_ref().is_none_or(|own| own.as_str() == project)
    }

    /// The records the caller may see, in the order they arrived.
    ///
    /// # Errors
    /// [`store::Error::Lacks`]
    pub(crate) fn feed_of_caller(&self) -> store::Result<&dyn Feed> {
        facets::feed(&*self.backend)
    }
}

impl Deref for CallersStore {
    type Target = dyn Backend;

    fn deref(&self) -> &Self::Target {
        &*self.backend
    }
}
