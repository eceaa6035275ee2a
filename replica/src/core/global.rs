//! The API of global tables, version 2017.11.29: which request goes where.

use super::ledger::Answer;
use super::{ApiError, Core, Effects, GlobalRequest, GlobalTables, Now, RequestId};
use crate::store::Read;

impl Core {
    /// Any request of that API.
    pub(super) fn serve_global(
        &mut self,
        now: Now,
        id: RequestId,
        asked: GlobalRequest,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), ApiError> {
        let response = match asked {
            GlobalRequest::Create { .. } if self.config.global_tables == GlobalTables::AwsToday => {
                return Err(ApiError::validation(
                    "One or more parameter values were invalid: DynamoDB global tables version 2017.11.29 is not supported. We recommend using DynamoDB global tables version 2019.11.21, instead of version 2017.11.29 (Legacy).",
                ));
            }
            GlobalRequest::Create { name, regions } => {
                return self.create_global_table(now, id, name, regions, read, effects);
            }
            GlobalRequest::Update { name, updates } => {
                return self.update_global_table(now, id, name, updates, read, effects);
            }
            GlobalRequest::Describe { name } => self.describe_global_table(&name)?,
            GlobalRequest::DescribeSettings { name } => self.describe_settings(&name)?,
            GlobalRequest::UpdateSettings(asked) => self.update_settings(now, &asked, effects)?,
            GlobalRequest::List {
                after,
                limit,
                region,
            } => self.list_global_tables(after.as_deref(), limit, region.as_ref()),
        };
        let answer = Answer::Client(id, Ok(response));
        self.ledger.answer(self.groups_commit, answer, effects);
        Ok(())
    }
}
