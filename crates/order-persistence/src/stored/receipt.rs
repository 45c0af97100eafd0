//! The headers of a kept answer, as a JSON list of pairs.

use crate::error::DbError;

pub(crate) fn headers_to(headers: &[(String, String)]) -> Result<String, DbError> {
    serde_json::to_string(headers).map_err(|error| DbError::Inconsistent(error.to_string()))
}

pub(crate) fn headers_from(text: &str) -> Result<Vec<(String, String)>, DbError> {
    serde_json::from_str(text).map_err(|error| DbError::Inconsistent(format!("receipt: {error}")))
}
