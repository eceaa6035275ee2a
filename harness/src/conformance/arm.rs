//! Who answers.

use serde_json::Value;

/// Regions that answer requests: processes, a simulation, somebody's endpoints.
pub(crate) trait Arm {
    /// The names of its regions, in the order in which cases call them `here`, `there`, `elsewhere`.
    fn regions(&self) -> &[String];

    /// A case begins. What is cheap to make again is made again.
    fn begin(&mut self) {}

    /// A case is over, and so is the need of its table. What of it stays nevertheless, and how to remove it.
    fn end(&mut self, _table: &str) -> Vec<String> {
        Vec::new()
    }

    /// Sends one request to a region.
    ///
    /// # Errors
    /// Why there was no answer at all.
    fn call(&mut self, region: usize, operation: &str, body: &Value) -> Result<Answer, String>;

    /// Lets some time pass between two looks at something that takes time.
    fn wait(&mut self);

    /// Lets seconds pass that a case asks for. `false` if this arm cannot move time by itself: the case is skipped.
    fn pass(&mut self, seconds: u32) -> bool;
}

/// What a region answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// 200, with this.
    Served(Value),
    /// An error.
    Refused {
        /// Its name without the prefix, such as `ValidationException`.
        error: String,
        /// What it says.
        message: String,
    },
}

impl Answer {
    /// An answer by its status and body.
    ///
    /// # Errors
    /// The body is not JSON.
    pub(crate) fn of(status: u16, body: &[u8]) -> Result<Self, String> {
        let text = || String::from_utf8_lossy(body).into_owned();
        let value: Value = serde_json::from_slice(body)
            .map_err(|_| format!("status {status} without JSON: {}", text()))?;
        if status == 200 {
            return Ok(Self::Served(value));
        }
        let named = value["__type"]
            .as_str()
            .ok_or_else(|| format!("status {status} without __type: {}", text()))?;
        let message = value["message"].as_str().or(value["Message"].as_str());
        Ok(Self::Refused {
            error: named.rsplit('#').next().unwrap_or(named).to_owned(),
            message: message.unwrap_or_default().to_owned(),
        })
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Served(value) => write!(f, "{value}"),
            Self::Refused { error, message } => write!(f, "{error}: {message}"),
        }
    }
}
