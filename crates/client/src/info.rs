//! What a server says about itself, tickets, tokens, and where producers stand.

use crate::ClientError;
use crate::call::{Call, encoded};
use crate::client::Client;
use crate::tasks::path;
use http::Method;
use taskcast_api::{
    AdminTokenRequest, AdminTokenResponse, ErrorCode, Health, HealthDetail, ProducerState,
    ServerInfo, TicketResponse,
};
use taskcast_core::{ProducerId, TaskId};

impl Client {
    /// What the server is.
    ///
    /// # Errors
    /// When no Taskcast server answers.
    pub async fn server_info(&self) -> Result<ServerInfo, ClientError> {
        self.answer(&Call::get("/")).await
    }

    /// Whether the server lives.
    ///
    /// # Errors
    /// When no Taskcast server answers.
    pub async fn health(&self) -> Result<Health, ClientError> {
        self.answer(&Call::get("/health")).await
    }

    /// How the server is set up, and what its acknowledgements mean.
    ///
    /// # Errors
    /// When no Taskcast server answers.
    pub async fn health_detail(&self) -> Result<HealthDetail, ClientError> {
        self.answer(&Call::get("/health/detail")).await
    }

    /// A ticket for the event stream of one task, for readers that can send no header.
    ///
    /// # Errors
    /// 404 when there is no such task; 403 when the caller may not follow it.
    pub async fn ticket(&self, id: &TaskId) -> Result<TicketResponse, ClientError> {
        // Issuing changes nothing on the server.
        self.answer(&Call::new(Method::POST, path(id, "/tickets"), true))
            .await
    }

    /// A bearer token for who holds the admin token.
    ///
    /// # Errors
    /// 404 where the admin API is off; 401 for a wrong admin token.
    pub async fn admin_token(
        &self,
        request: &AdminTokenRequest,
    ) -> Result<AdminTokenResponse, ClientError> {
        let call = Call::new(Method::POST, "/admin/token", true);
        self.answer(&call.json(request)?).await
    }

    /// Where an exactly-once producer stands in a task; none when the task has nothing of it.
    ///
    /// # Errors
    /// 404 `task_not_found` when there is no such task.
    pub async fn producer_state(
        &self,
        task: &TaskId,
        producer: &ProducerId,
    ) -> Result<Option<ProducerState>, ClientError> {
        let rest = format!("/producers/{}", encoded(producer.as_str()));
        match self.answer(&Call::get(path(task, &rest))).await {
            Ok(state) => Ok(Some(state)),
            Err(error) if error.code() == Some(ErrorCode::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
