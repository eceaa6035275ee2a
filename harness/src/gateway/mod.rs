//! One port for all regions: each request goes to the region that its signature names.
//!
//! ```text
//! Authorization: AWS4-HMAC-SHA256 Credential=AKID/20250101/us-east-1/dynamodb/aws4_request, …
//!                                                          ─────────
//! ```
//! AWS SDKs and the aws CLI sign for the region that they are configured for, and send to the one endpoint of `AWS_ENDPOINT_URL`. Reading the
//! region out of the credential scope lets one such setting serve programs that talk to many regions. Bodies are streamed, nothing is
//! retried, and the signature is passed on as it is: whether it is right is for the region to say. Absent on purpose: TLS.

mod answer;
mod scope;
mod server;

pub(crate) use server::{Gateway, Route};

#[cfg(test)]
mod tests;
